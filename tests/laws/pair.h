/* Every law with every estimator: what the compiler says to it, and how exact its gradient is. */
#ifndef SGC_TESTS_LAWS_PAIR_H
#define SGC_TESTS_LAWS_PAIR_H

#include "tests/laws/slope.h"

/* What the compiler gives for draws of one law by one estimator. */
typedef struct Pair {
    bool exact; /* there is a gradient, and this is its largest error */
    SlopeError worst;
    const char *only;  /* of these parameters, or of this program, alone; NULL: of all */
    char refused[160]; /* the reason, if there is no gradient, or none in the other parameters */
    char text[1024];   /* the program with the largest error, or the one that is refused */
} Pair;

/* What no error may be above: log-weights of two samples leave the quadrature fewer digits. */
double pair_bound(IrEstimator e);
/* `exact` keeps what the estimators of one law have in common; NULL: nothing is measured, and what
 * compiles is said to be exact.  Bounds of two samples take long to measure. */
bool pair_is_slow(IrDist law, IrEstimator e);
Pair pair_measure(IrDist law, IrEstimator e, Exact *exact);

/* The statistics of a cost that closed forms are tried on, and whether the law has one. */
enum { PAIR_STATISTICS = 9 };
extern const char *const pair_statistic[PAIR_STATISTICS];
bool pair_is_closed(IrDist law, int statistic);

#endif
