/* The rules of a law, evaluated on arrays: what the tests of laws ask. */
#ifndef SGC_TESTS_LAWS_LAW_H
#define SGC_TESTS_LAWS_LAW_H

#include "ir/ir.h"

/* One graph, its inputs and their values. */
typedef struct Ask {
    Arena *arena;
    IrModel model;
    IrGraph graph;
    const double **input, **param;
    size_t inputs, params;
} Ask;

Ask *ask_new(void);
void ask_free(Ask *a);
/* An array of values as a node; rank 0 is one value.  They are borrowed. */
IrRef ask_input(Ask *a, IrElem e, uint32_t rank, int64_t d0, int64_t d1, const double *value);
/* A vector of n parameters, borrowed too. */
IrRef ask_param(Ask *a, int64_t n, const double *value);
/* The values of node r: of the arena. */
const double *ask_value(Ask *a, IrRef r);

/* d r[i] / d p[i] for parameter p, a vector like r, at slope[i * stride + p]; 0 where r does not
 * depend on it. */
void ask_slopes(Ask *a, IrRef r, int n, double *slope, int stride);

/* Points and weights for an integral from low to high, either of which may be infinite, of a
 * function that may be singular at both ends: tanh-sinh and exp-sinh (Takahasi & Mori, 1974). */
enum { QUADRATURE = 400 };
void quadrature(double low, double high, double *x, double *weight);

#endif
