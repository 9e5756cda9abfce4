/* Are the arrays of a call what the model declares?  Most constraints are ranges, and a range is
 * looked at in the array's own type, a block at a time, which costs next to nothing beside a call.
 */
#include "runtime/context_state.h"

#include "runtime/constraint.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum { BLOCK = 512, TEXT = 200 };

/* The values of a constraint whose elements do not depend on each other; NaN is in none. */
typedef struct Range {
    double lo, hi;
} Range;

static const double least_positive = 0x1p-1074;

static bool range_of(const SgrtColumn *c, Range *r)
{
    *r = (Range){-INFINITY, INFINITY};
    if (c->elem == SGRT_BOOL || c->in.kind == SGRT_UNIT_INTERVAL)
        *r = (Range){0, 1};
    if (c->in.kind == SGRT_POSITIVE)
        r->lo = least_positive;
    if (c->in.kind == SGRT_RANGE)
        *r = (Range){c->in.lo, c->in.hi};
    return c->in.kind != SGRT_SIMPLEX && c->in.kind != SGRT_ORDERED && c->in.kind != SGRT_CHOLESKY;
}

/* The first element outside; -1: there is none.  The bounds are of the type T. */
#define FIRST_OUTSIDE(name, T)                                                                     \
    static int64_t name(const T *v, int64_t n, T lo, T hi)                                         \
    {                                                                                              \
        for (int64_t first = 0; first < n; first += BLOCK) {                                       \
            int64_t end = first + BLOCK < n ? first + BLOCK : n;                                   \
            int outside = 0;                                                                       \
            for (int64_t i = first; i < end; i++)                                                  \
                outside |= !((v[i] >= lo) & (v[i] <= hi));                                         \
            for (int64_t i = first; outside && i < end; i++)                                       \
                if (!(v[i] >= lo && v[i] <= hi))                                                   \
                    return i;                                                                      \
        }                                                                                          \
        return -1;                                                                                 \
    }
FIRST_OUTSIDE(outside_f32, float)
FIRST_OUTSIDE(outside_f64, double)
FIRST_OUTSIDE(outside_i32, int32_t)
FIRST_OUTSIDE(outside_bool, unsigned char)
#undef FIRST_OUTSIDE

/* The floats between two doubles are those between these. */
static float float_above(double v)
{
    float f = (float)v;
    return (double)f < v ? nextafterf(f, INFINITY) : f;
}

static float float_below(double v)
{
    float f = (float)v;
    return (double)f > v ? nextafterf(f, -INFINITY) : f;
}

static int64_t outside_range(int64_t elem, const void *v, int64_t n, Range r)
{
    switch (elem) {
    case SGRT_F32:
        return outside_f32(v, n, float_above(r.lo), float_below(r.hi));
    case SGRT_F64:
        return outside_f64(v, n, r.lo, r.hi);
    case SGRT_I32:
        return outside_i32(v, n, (int32_t)ceil(fmax(r.lo, INT32_MIN)),
                           (int32_t)floor(fmin(r.hi, INT32_MAX)));
    default:
        return outside_bool(v, n, 0, 1);
    }
}

static double element(int64_t elem, const void *v, int64_t i)
{
    switch (elem) {
    case SGRT_F32:
        return ((const float *)v)[i];
    case SGRT_F64:
        return ((const double *)v)[i];
    case SGRT_I32:
        return ((const int32_t *)v)[i];
    default:
        return ((const unsigned char *)v)[i];
    }
}

/* Of a column whose elements depend on each other, row by row. */
static int64_t outside_group(SgrtContext *m, const SgrtColumn *c, const void *v, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t i = 0; i < c->size; i++)
            m->scratch[i] = element(c->elem, v, row * c->size + i);
        int64_t at = sgrt_constraint_outside(&c->in, m->scratch, c->dim, c->rank, c->size);
        if (at >= 0)
            return row * c->size + at;
    }
    return -1;
}

/* "data x[2] of row 5 of the call" */
static void say_place(const SgrtColumn *c, int64_t at, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "data %s", c->name);
    int64_t below = c->size;
    for (int64_t i = 0; i < c->rank && used < room; i++) {
        below /= c->dim[i];
        used += (size_t)snprintf(out + used, room - used, "[%lld]",
                                 (long long)(at / below % c->dim[i]));
    }
    if (c->by_rows && used < room)
        snprintf(out + used, room - used, " of row %lld of the call", (long long)(at / c->size));
}

static bool refuse(SgrtContext *m, const SgrtColumn *c, int64_t at, double v)
{
    char where[TEXT], in[TEXT];
    say_place(c, at, where, sizeof where);
    if (c->elem == SGRT_BOOL)
        return sgrt_fail(&m->error, "%s is %g, neither 0 nor 1", where, v);
    if (isnan(v))
        return sgrt_fail(&m->error, "%s is not a number", where);
    return sgrt_fail(&m->error, "%s is %.9g, not in %s", where, v,
                     sgrt_constraint_text(in, sizeof in, &c->in));
}

bool sgrt_context_data_fit(SgrtContext *m, const SgrtGraph *g, const SgrtContextCall *call)
{
    for (int64_t i = 0; i < g->columns; i++) {
        Range r;
        const SgrtColumn *c = &g->column[i];
        int64_t rows = c->by_rows ? call->rows : 1;
        int64_t at = range_of(c, &r) ? outside_range(c->elem, call->data[i], rows * c->size, r)
                                     : outside_group(m, c, call->data[i], rows);
        if (at >= 0)
            return refuse(m, c, at, element(c->elem, call->data[i], at));
    }
    return true;
}

bool sgrt_context_noise_fits(SgrtContext *m, const SgrtEntry *entry, const SgrtContextCall *call)
{
    const Range normal = {-DBL_MAX, DBL_MAX}, uniform = {least_positive, 1 - DBL_EPSILON / 2};
    int64_t elem = m->model->real == SGRT_F64 ? SGRT_F64 : SGRT_F32;
    for (int64_t i = 0; call->noise && i < entry->sites; i++) {
        const SgrtSite *s = &entry->site[i];
        int64_t n = s->size * (s->by_rows ? call->rows : 1);
        int64_t at = outside_range(elem, call->noise[i], n, s->normal ? normal : uniform);
        if (at >= 0)
            return sgrt_fail(&m->error, "variate %lld of the noise of %s is %.9g, not %s",
                             (long long)at, s->name, element(elem, call->noise[i], at),
                             s->normal ? "finite" : "inside (0, 1)");
    }
    return true;
}
