/* The optimiser table, and one vectorised loop for each row and each real. */
#include "runtime/optim.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "runtime/clones.h"

/* clang-format off */
#define SLOTS0()     .slots = 0
#define SLOTS1(a)    .slots = 1, .slot = {#a}
#define SLOTS2(a, b) .slots = 2, .slot = {#a, #b}
const SgrtOptimizer sgrt_optimizers[] = {
#define OPTIMIZER(row, kept, rate, mom, b1, b2, e, decay, update)                                  \
    {.name = #row, kept, .lr = rate, .momentum = mom, .beta1 = b1, .beta2 = b2, .eps = e,          \
     .weight_decay = decay},
#include "runtime/optim.def"
};
#undef SLOTS0
#undef SLOTS1
#undef SLOTS2

/* clang-format on */

const int64_t sgrt_optimizer_count = sizeof sgrt_optimizers / sizeof *sgrt_optimizers;

const SgrtOptimizer *sgrt_optimizer(const char *name)
{
    for (int64_t k = 0; k < sgrt_optimizer_count; k++)
        if (strcmp(sgrt_optimizers[k].name, name) == 0)
            return &sgrt_optimizers[k];
    return NULL;
}

SgrtOptimStep sgrt_optim_settings(const SgrtOptimizer *optimizer)
{
    return (SgrtOptimStep){.optimizer = optimizer,
                           .lr = optimizer->lr,
                           .momentum = optimizer->momentum,
                           .beta1 = optimizer->beta1,
                           .beta2 = optimizer->beta2,
                           .eps = optimizer->eps,
                           .weight_decay = optimizer->weight_decay,
                           .scale = 1,
                           .c1 = 1,
                           .c2 = 1};
}

void sgrt_optim_prepare(SgrtOptimStep *s, int64_t t)
{
    s->c1 = 1 - pow(s->beta1, (double)t);
    s->c2 = 1 - pow(s->beta2, (double)t);
}

/* One row's loop.  The settings are rounded to the loop's real here, under the names that the
 * formulas use; a formula that has no use for one leaves it to the compiler to drop. */
/* clang-format off */
#define SLOTS0()     (void)slot
#define SLOTS1(a)    Real *restrict a = slot[0]
#define SLOTS2(a, b) Real *restrict a = slot[0]; Real *restrict b = slot[1]
#define LOOP(function, kept, update)                                                               \
    SGRT_CLONES static void function(const SgrtOptimStep *s, Real *restrict w,                     \
                                     const Real *restrict gradient, Real *const *slot,             \
                                     int64_t first, int64_t last)                                  \
    {                                                                                              \
        const Real lr = (Real)s->lr, momentum = (Real)s->momentum, eps = (Real)s->eps;             \
        const Real beta1 = (Real)s->beta1, rest1 = (Real)(1 - s->beta1);                           \
        const Real beta2 = (Real)s->beta2, rest2 = (Real)(1 - s->beta2);                           \
        const Real rate = (Real)(s->lr / s->c1), root = (Real)sqrt(s->c2);                         \
        const Real decay = (Real)s->weight_decay, shrink = (Real)(1 - s->lr * s->weight_decay);    \
        const Real scale = (Real)s->scale;                                                         \
        (void)lr, (void)momentum, (void)eps, (void)beta1, (void)rest1, (void)beta2, (void)rest2;   \
        (void)rate, (void)root, (void)shrink;                                                      \
        kept;                                                                                      \
        for (int64_t i = first; i < last; i++) {                                                   \
            const Real g = scale * gradient[i], decayed = g + decay * w[i];                        \
            (void)decayed;                                                                         \
            update;                                                                                \
        }                                                                                          \
    }

#define Real float
#define SQRT sqrtf
#define OPTIMIZER(row, kept, lr, momentum, b1, b2, eps, decay, ...)                                \
    LOOP(row##_f32, kept, __VA_ARGS__)
#include "runtime/optim.def"
#undef Real
#undef SQRT

#define Real double
#define SQRT sqrt
#define OPTIMIZER(row, kept, lr, momentum, b1, b2, eps, decay, ...)                                \
    LOOP(row##_f64, kept, __VA_ARGS__)
#include "runtime/optim.def"
#undef Real
#undef SQRT

typedef void StepF32(const SgrtOptimStep *, float *, const float *, float *const *, int64_t,
                     int64_t);
typedef void StepF64(const SgrtOptimStep *, double *, const double *, double *const *, int64_t,
                     int64_t);
static StepF32 *const step_f32[] = {
#define OPTIMIZER(row, ...) row##_f32,
#include "runtime/optim.def"
};
static StepF64 *const step_f64[] = {
#define OPTIMIZER(row, ...) row##_f64,
#include "runtime/optim.def"
};
/* clang-format on */

void sgrt_optim_step_f32(const SgrtOptimStep *s, float *w, const float *g, float *const *slot,
                         int64_t first, int64_t last)
{
    step_f32[s->optimizer - sgrt_optimizers](s, w, g, slot, first, last);
}

void sgrt_optim_step_f64(const SgrtOptimStep *s, double *w, const double *g, double *const *slot,
                         int64_t first, int64_t last)
{
    step_f64[s->optimizer - sgrt_optimizers](s, w, g, slot, first, last);
}

/* Independent partial sums let the loop vectorise without leave to reassociate. */
enum { LANES = 16 };

SGRT_CLONES double sgrt_square_sum_f32(const float *g, int64_t first, int64_t last)
{
    double lane[LANES] = {0}, rest = 0;
    int64_t i = first;
    for (; i + LANES <= last; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += (double)g[i + k] * g[i + k];
    for (; i < last; i++)
        rest += (double)g[i] * g[i];
    for (int k = 0; k < LANES; k++)
        rest += lane[k];
    return rest;
}

SGRT_CLONES double sgrt_square_sum_f64(const double *g, int64_t first, int64_t last)
{
    double lane[LANES] = {0}, rest = 0;
    int64_t i = first;
    for (; i + LANES <= last; i += LANES)
        for (int k = 0; k < LANES; k++)
            lane[k] += g[i + k] * g[i + k];
    for (; i < last; i++)
        rest += g[i] * g[i];
    for (int k = 0; k < LANES; k++)
        rest += lane[k];
    return rest;
}

/* Without their signs, reals are ordered as their bits are, and NaN is above infinity. */
#define LARGEST(function, real, integer)                                                           \
    SGRT_CLONES double function(const real *x, int64_t first, int64_t last)                        \
    {                                                                                              \
        const integer sign = (integer)1 << (8 * sizeof(integer) - 1);                              \
        integer largest = 0;                                                                       \
        real value;                                                                                \
        for (int64_t i = first; i < last; i++) {                                                   \
            integer bits;                                                                          \
            memcpy(&bits, &x[i], sizeof bits);                                                     \
            bits &= ~sign;                                                                         \
            largest = bits > largest ? bits : largest;                                             \
        }                                                                                          \
        memcpy(&value, &largest, sizeof value);                                                    \
        return value;                                                                              \
    }
LARGEST(sgrt_largest_f32, float, uint32_t)
LARGEST(sgrt_largest_f64, double, uint64_t)
