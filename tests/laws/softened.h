/* Exact expectations of softened categories.
 *
 * A category of three is softened by three exponential variates, of which the estimators read the ratios
 * alone: softmax takes any common factor away.  So the integral is over directions, which are uniform on
 * the triangle of positive numbers with sum 1: two axes in the place of three. */
#ifndef SGC_TESTS_LAWS_SOFTENED_H
#define SGC_TESTS_LAWS_SOFTENED_H

#include "tests/laws/tape.h"

/* A TapeMean, of a graph that draws one category, of three where it is softened: TapeInput.mean. */
TapeResult softened_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in);

#endif
