/* One batch of a graph as a function of its parameters and its noise: the estimate of the gradient
 * that a step makes, and the cost itself, by the entry that evaluates it.  What check-gradients
 * compares. */
#ifndef SGC_RUNTIME_PROBE_H
#define SGC_RUNTIME_PROBE_H

#include "runtime/engine.h"

typedef struct SgrtProbe {
    const SgrtModel *model; /* borrowed, like all but the gradient, the calls and the numbers */
    const SgrtGraph *graph;
    SgrtParams *params;
    SgrtPool *pool;
    SgrtParams grad;
    SgrtCall step, eval;
    double *state, *next_state; /* moving averages, before the first step: 0 */
} SgrtProbe;

/* The first `rows` rows of the data, or the whole of a graph without rows. */
bool sgrt_probe_init(SgrtProbe *p, const SgrtData *data, int64_t rows, SgrtParams *params,
                     SgrtPool *pool, const double *hyper, int64_t seed, SgrtError *e);
void sgrt_probe_free(SgrtProbe *p);

/* The noise of the next calls is number `draw` of the generator; the same for both entries. */
void sgrt_probe_draw(SgrtProbe *p, int64_t draw);

/* The gradient into p->grad; the cost.  False if they are not finite. */
bool sgrt_probe_step(SgrtProbe *p, SgrtError *e);
bool sgrt_probe_cost(SgrtProbe *p, double *cost, SgrtError *e);

/* A direction in which one parameter moves: a unit vector, or one coordinate of it. */
typedef struct SgrtDirection {
    int64_t param;
    int64_t element; /* the coordinate, where `along` is NULL */
    double *along;   /* owned: [size of the parameter] */
} SgrtDirection;

/* The gradient along a direction. */
double sgrt_probe_slope(const SgrtProbe *p, const SgrtDirection *d);

/* Moves the parameter to `base` + by x the direction. */
void sgrt_probe_move(SgrtProbe *p, const SgrtDirection *d, const double *base, double by);

/* The parameter's values, or those of the gradient. */
void sgrt_probe_get(const SgrtProbe *p, const SgrtParams *of, int64_t param, double *out);

/* What a number of the build's real type may be wrong by, relative to its size. */
double sgrt_probe_rounding(const SgrtProbe *p);

#endif
