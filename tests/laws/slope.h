/* The exact expectation of a compiled gradient beside the slope of the exact expected objective.
 *
 * The slope is taken by differences of the `eval` entry of the same model with the user's
 * estimators left out, so it shares neither the score terms, the baselines, the weights of samples
 * nor the adjoints with what is tested. */
#ifndef SGC_TESTS_LAWS_SLOPE_H
#define SGC_TESTS_LAWS_SLOPE_H

#include "tests/laws/exact.h"

/* The expected objective of a program without estimators, and its slope in every parameter element;
 * kept for the next program that differs in its estimators alone. */
typedef struct Exact {
    char *text;
    double objective, *slope;
    TapeMean *mean; /* as in TapeInput: to be set before anything is found */
} Exact;

void exact_find(Exact *e, const char *text, int64_t rows);
/* By what the text says: without closed forms, stable forms and simplification. */
void exact_find_plain(Exact *e, const char *text, int64_t rows);
void exact_free(Exact *e);

/* The largest error among the objective and the gradient's elements. */
typedef struct SlopeError {
    double error, got, want;
    char what[64];
} SlopeError;

SlopeError slope_error(const Exact *e, TapeModel *t, int64_t rows);

/* For tests: the largest error fails them above 1e-11. */
void slope_check(Exact *exact, const char *text, int64_t rows);
void slope_check_alone(const char *text, int64_t rows);

#endif
