/* The expectation of what a call computes, over its noise, exactly: the noise comes from a tape,
 * and the tape is enumerated.
 *
 * A call is a function of base variates.  Where it is piecewise constant in a uniform one, because
 * a law of finitely many values reads it, the pieces are found by bisection of everything that the
 * call computes, and each counts by its length.  Pieces that are shorter than the grid on which
 * they are looked for and lie between equal neighbours are not seen.  Pieces that were found are
 * tried again for the other outcomes of the draws before: a look at both ends of each tells if they
 * are the same.  Other variates are integrated by quadrature: Gauss-Hermite for normal ones,
 * tanh-sinh (Takahasi and Mori, 1974) for uniform ones. */
#ifndef SGC_RUNTIME_WALK_H
#define SGC_RUNTIME_WALK_H

#include "runtime/probe.h"

enum { SGRT_MOST_NODES = 80, SGRT_MOST_AXES_OF_TAPE = 16, SGRT_MOST_PIECES = 1024 };

typedef enum SgrtAxisKind { SGRT_AXIS_NORMAL, SGRT_AXIS_FLAT, SGRT_AXIS_STEPS } SgrtAxisKind;

typedef struct SgrtRule {
    int nodes;
    double x[SGRT_MOST_NODES], weight[SGRT_MOST_NODES];
} SgrtRule;

typedef struct SgrtPieces {
    double edge[SGRT_MOST_PIECES]; /* where one ends and the next begins */
    int edges;
} SgrtPieces;

typedef struct SgrtWalk {
    SgrtProbe *probe; /* borrowed */
    bool gradient;    /* what is walked: the estimate of the gradient, or else the cost */
    bool is_double;
    void **tape; /* the probe's, of that entry */
    void *at[SGRT_MOST_AXES_OF_TAPE];
    void *also[SGRT_MOST_AXES_OF_TAPE]; /* after sgrt_walk_with_step(): the same, of the step */
    bool with_step;
    SgrtAxisKind kind[SGRT_MOST_AXES_OF_TAPE];
    int64_t axes, smooth; /* smooth: those that are integrated by quadrature */
    SgrtRule normal, flat;
    SgrtPieces *known; /* owned: [axes] some that were found last */
    int64_t *searches; /* owned: [axes] */
    int64_t points;      /* of the last walk: what it summed over */
    int64_t calls, most; /* made so far, and allowed */
} SgrtWalk;

/* False if there are more axes than can be walked. */
bool sgrt_walk_init(SgrtWalk *w, SgrtProbe *probe, bool gradient, SgrtError *e);
void sgrt_walk_free(SgrtWalk *w);

/* From now on a walk of the cost tells outcomes apart by the estimate of the gradient too, which
 * sees each draw through its score.  False if that does not read the same noise. */
bool sgrt_walk_with_step(SgrtWalk *w);

/* Points of a rule for each smooth axis, as many as there is room for; `finer` for an estimate of
 * the error. */
void sgrt_walk_refine(SgrtWalk *w, bool finer);

/* Calls visit(context, weight) after every call of the walk; false ends it. */
typedef bool SgrtVisit(void *context, double weight, SgrtError *e);
bool sgrt_walk(SgrtWalk *w, SgrtVisit *visit, void *context, SgrtError *e);

#endif
