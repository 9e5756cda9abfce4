/* One batch of a graph as a function of its parameters and its noise: the estimate of the gradient
 * that a step makes, and the cost itself, by the entry that evaluates it.  What check-gradients,
 * variance and bench look at, through the functions of the model's header. */
#ifndef SGC_RUNTIME_PROBE_H
#define SGC_RUNTIME_PROBE_H

#include "runtime/feed.h"
#include "runtime/host.h"

typedef struct SgrtProbe {
    const SgrtModel *model;
    const SgrtGraph *graph;
    SgrtContext *context; /* borrowed, with the parameters, which are in it */
    SgrtParams *params;
    SgrtFeed feed;
    SgrtContextCall call; /* of those rows */
    double *cost;         /* owned: [1 + costs], of the last call */
    void **step, **eval;  /* owned: noise for either entry */
    int64_t rows, seed;
} SgrtProbe;

/* The first `rows` rows of the data, or the whole of a graph without rows. */
bool sgrt_probe_init(SgrtProbe *p, SgrtContext *context, const SgrtData *data, int64_t rows,
                     SgrtParams *params, SgrtPool *pool, int64_t seed, SgrtError *e);
void sgrt_probe_free(SgrtProbe *p);

/* The noise of both entries is number `draw` of the generator. */
void sgrt_probe_draw(SgrtProbe *p, int64_t draw);

/* The gradient, the cost, with this noise: p->step, p->eval, or NULL for what a context draws.
 * False if they are not finite. */
bool sgrt_probe_step(SgrtProbe *p, void *const *noise, SgrtError *e);
bool sgrt_probe_cost(SgrtProbe *p, void *const *noise, double *cost, SgrtError *e);

/* The last gradient with respect to a parameter; NULL: no cost reaches it. */
const void *sgrt_probe_gradient(const SgrtProbe *p, int64_t param);

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

/* Element i of an array of the build's real type. */
double sgrt_probe_real(const SgrtProbe *p, const void *values, int64_t i);

/* What a number of the build's real type may be wrong by, relative to its size. */
double sgrt_probe_rounding(const SgrtProbe *p);

#endif
