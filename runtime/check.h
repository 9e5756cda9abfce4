/* Is the estimated gradient the gradient of the expected cost?
 *
 * The claim is about means, so the check says how sharp it was.  Every parameter is looked at along
 * its coordinates or, where there are many, along its gradient and random directions.
 *
 *   taylor       no draws: the remainder |C(w + h v) - C(w) - h g.v| must fall as h^2
 *   exact        few draws: both expectations over the noise tape (walk.h), and differences of the
 *                expected cost
 *   sampling     else: the estimate against differences of the cost with the same noise, until the
 *                bias that could hide is below `bias`, or the draws are spent */
#ifndef SGC_RUNTIME_CHECK_H
#define SGC_RUNTIME_CHECK_H

#include "runtime/probe.h"

typedef enum SgrtVerdict {
    SGRT_VERDICT_OK,
    SGRT_VERDICT_ZERO, /* the gradient and its estimate are zero */
    SGRT_VERDICT_UNDECIDED,
    SGRT_VERDICT_WRONG
} SgrtVerdict;

typedef enum SgrtCheckMethod { SGRT_TAYLOR, SGRT_EXACT, SGRT_SAMPLING } SgrtCheckMethod;

typedef struct SgrtChecked {
    int64_t param, directions;
    double gradient;  /* the norm of what the differences of the cost give */
    double sd;        /* of the estimate: the root of its total variance */
    double low, high; /* of the bias relative to `gradient`: what the check leaves possible */
    double order;     /* of the Taylor remainder; NaN where it was not taken */
    SgrtVerdict verdict;
} SgrtChecked;

typedef struct SgrtCheckSettings {
    int64_t seed;
    int64_t batch;   /* rows; -1: few enough for an exact answer, if there is one */
    int64_t samples; /* most draws; -1: as many as are cheap */
    double bias;     /* what may hide, relative to the gradient */
} SgrtCheckSettings;

typedef struct SgrtCheck {
    SgrtCheckMethod method;
    SgrtChecked *checked; /* owned */
    int64_t params;       /* those that are trained */
    int64_t rows, draws;
    int64_t points; /* exact: outcomes and points of quadrature */
    int64_t smooth; /* exact: variates that were integrated by quadrature */
    double change;  /* the most by which finer quadrature moved a derivative, relative to 1 + it */
    SgrtVerdict verdict;
} SgrtCheck;

/* The parameters, which are the context's, are moved and put back. */
bool sgrt_check(SgrtCheck *c, SgrtContext *context, const SgrtData *data, SgrtParams *params,
                SgrtPool *pool, const SgrtCheckSettings *settings, SgrtError *e);
void sgrt_check_free(SgrtCheck *c);

#endif
