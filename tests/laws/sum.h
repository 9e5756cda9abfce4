/* Weighed sums of what a graph computes, for rules that make up its noise or its values themselves. */
#ifndef SGC_TESTS_LAWS_SUM_H
#define SGC_TESTS_LAWS_SUM_H

#include "tests/laws/tape.h"

typedef struct Sum {
    const IrGraph *g;
    IrEnv env;
    double **value; /* by node */
    double **noise; /* by site: each variate is 1/2 at first */
    IrDist law;     /* of the first draw of the source graph, and its arguments */
    double **arg;
    int64_t categories; /* elements of the first of these */
    IrRef *root;
    size_t roots;
    TapeResult result;
} Sum;

/* All is evaluated once. */
Sum sum_of(const TapeModel *t, const IrGraph *g, const TapeInput *in);
/* Again, these nodes alone. */
void sum_evaluate(Sum *s, const IrRef *node, size_t nodes);
void sum_add(Sum *s, double weight);

#endif
