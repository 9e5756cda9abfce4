/* What the three ways of checking a gradient share. */
#ifndef SGC_RUNTIME_CHECK_STATE_H
#define SGC_RUNTIME_CHECK_STATE_H

#include "runtime/check.h"

enum { SGRT_STENCIL = 6, SGRT_WIDE = 2 };

/* One direction, and what is known of the derivative along it. */
typedef struct SgrtAlong {
    SgrtDirection d;
    double estimate; /* the expected gradient along it */
    double slope;    /* the derivative of the expected cost, by differences */
    double off;      /* estimate - slope */
    double error;    /* what `off` may be wrong by: rounding, differences, quadrature, sampling */
    double p;        /* sampling: the probability of such an `off` without bias */
    double h;        /* sampling: the step of the differences */
    double wide[SGRT_WIDE]; /* quadrature: expected costs at some distance */
} SgrtAlong;

typedef struct SgrtChecking {
    SgrtProbe probe;
    const SgrtCheckSettings *settings;
    SgrtCheck *out;
    int64_t elements; /* of all trained parameters */
    double *base;     /* owned: their values */
    double *mean;     /* owned: of the estimate */
    double *square;   /* owned: of the mean square of the estimate, or its spread */
    int64_t *begin;   /* owned: [model params] where a parameter's elements begin */
    SgrtAlong *along; /* owned */
    int64_t alongs;
    double negligible; /* a gradient that is zero but for an error below this is zero; -1: none is
                          yet */
} SgrtChecking;

/* Makes the directions of every parameter; `mean` must hold the gradient by then. */
bool sgrt_check_directions(SgrtChecking *c, SgrtError *e);

/* Where the cost is evaluated along a direction: at -2h, -h, h, 2h, -near and near. */
typedef struct SgrtStencil {
    double h, near; /* near 0: the last two are left out */
    double cost[SGRT_STENCIL];
} SgrtStencil;

/* The derivative to second and to fourth order in h, and by the nearest points. */
double sgrt_check_second(const SgrtStencil *s);
double sgrt_check_fourth(const SgrtStencil *s);
double sgrt_check_nearest(const SgrtStencil *s);

/* Fills the costs. */
typedef bool SgrtCostAt(void *context, double *cost, SgrtError *e);
bool sgrt_check_stencil(SgrtChecking *c, const SgrtAlong *a, SgrtStencil *s, SgrtCostAt *at,
                        void *context, SgrtError *e);

/* Turns what is known of the directions into verdicts. */
void sgrt_check_judge(SgrtChecking *c);

/* The ways.  *done is false where the way leads nowhere and another must be gone. */
bool sgrt_check_exact(SgrtChecking *c, bool *done, SgrtError *e);
bool sgrt_check_taylor(SgrtChecking *c, SgrtError *e);
bool sgrt_check_sample(SgrtChecking *c, SgrtError *e);

#endif
