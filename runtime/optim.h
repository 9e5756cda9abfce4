/* Optimisers: one fused pass over a block of a parameter per step.
 *
 * An element's new value depends on that element alone, to the bit: a parameter may be cut into
 * blocks in any way, and every machine makes the same step.  Weights are the stored (unconstrained)
 * tensors, and every optimiser descends. */
#ifndef SGC_RUNTIME_OPTIM_H
#define SGC_RUNTIME_OPTIM_H

#include <stdint.h>

#define SGRT_SLOTS 2 /* most slots an optimiser has */

typedef struct SgrtOptimizer {
    const char *name;
    int64_t slots;                /* buffers per parameter, zero before the first step */
    const char *slot[SGRT_SLOTS]; /* their names, for checkpoints: "m", "v" */
    double lr, momentum, beta1, beta2, eps, weight_decay; /* defaults */
} SgrtOptimizer;

extern const SgrtOptimizer sgrt_optimizers[];
extern const int64_t sgrt_optimizer_count;

/* The row with this name, or NULL. */
const SgrtOptimizer *sgrt_optimizer(const char *name);

/* The settings of one step; fill with sgrt_optim_settings, change what the user set, then call
 * sgrt_optim_prepare once per step. */
typedef struct SgrtOptimStep {
    const SgrtOptimizer *optimizer;
    double lr, momentum, beta1, beta2, eps, weight_decay;
    double scale;  /* multiplies every gradient: 1, or less to clip */
    double c1, c2; /* bias corrections, set by sgrt_optim_prepare */
} SgrtOptimStep;

/* The defaults of an optimiser, with scale 1. */
SgrtOptimStep sgrt_optim_settings(const SgrtOptimizer *optimizer);

/* Sets the bias corrections for step t = 1, 2, ... */
void sgrt_optim_prepare(SgrtOptimStep *s, int64_t t);

/* Updates elements [first, last) of a parameter w and of its slots from the gradient g.  The
 * arrays must not overlap; slot may be NULL for an optimiser without slots. */
void sgrt_optim_step_f32(const SgrtOptimStep *s, float *w, const float *g, float *const *slot,
                         int64_t first, int64_t last);
void sgrt_optim_step_f64(const SgrtOptimStep *s, double *w, const double *g, double *const *slot,
                         int64_t first, int64_t last);

/* The sum of g[i]^2 over [first, last), in double: for the norm that clipping needs, and not
 * finite if an element is not.  The order of the sum depends on the block alone. */
double sgrt_square_sum_f32(const float *g, int64_t first, int64_t last);
double sgrt_square_sum_f64(const double *g, int64_t first, int64_t last);

/* The largest absolute value over [first, last), 0 of none; NaN if one is. */
double sgrt_largest_f32(const float *x, int64_t first, int64_t last);
double sgrt_largest_f64(const double *x, int64_t first, int64_t last);

#endif
