/* Exact expectations over the values of a draw, in the place of its noise.
 *
 * An estimator that holds its draw reads the noise through the value alone.  Then the expectation is an
 * integral over values, weighed by the density that the law has: of one axis a copy, where the noise may
 * have more, and with few points, as densities are smooth.  The densities stand here once more. */
#ifndef SGC_TESTS_LAWS_VALUES_H
#define SGC_TESTS_LAWS_VALUES_H

#include "tests/laws/tape.h"

bool values_know(IrDist law);
/* A TapeMean, of a graph that draws two copies of `z` and nothing else: TapeInput.mean. */
TapeResult values_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in);

#endif
