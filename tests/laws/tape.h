/* Exact expectations over the noise tape of a compiled graph, by enumeration and quadrature.
 *
 * A step is a pure function of its noise, so its expectation is an integral over a few base
 * variates: Gauss-Hermite for normal ones, tanh-sinh for uniform ones that a continuous law reads,
 * and for those that a discrete law reads the exact measure of every value, found by bisection of
 * the value itself.  No law, estimator or adjoint of the compiler is used. */
#ifndef SGC_TESTS_LAWS_TAPE_H
#define SGC_TESTS_LAWS_TAPE_H

#include "passes/pass.h"

/* One model, compiled from text, and its entries after the pass `dce`: estimator graphs. */
typedef struct TapeModel {
    Arena *arena;
    Diags *diags;
    IrModel model;
    IrGraph entry[IR_ENTRIES]; /* of the first graph */
    bool ok;
} TapeModel;

/* Compiles; ok is false if there were errors, which are in diags. */
TapeModel *tape_compile(const char *text);
/* The same without stable forms, closed forms and simplification: what the text says. */
TapeModel *tape_compile_plain(const char *text);
void tape_free(TapeModel *t);

/* What the tape integrates: the objective, then the gradient of every parameter element in order,
 * then the next value of every moving average. */
typedef struct TapeResult {
    double *value, *square; /* the expectations, and those of the squares */
    size_t count;
    uint64_t points; /* of the tape; more than the most: given up */
} TapeResult;

typedef struct TapeInput TapeInput;
typedef TapeResult TapeMean(const TapeModel *t, const IrGraph *g, const TapeInput *in);

/* Parameters and data, filled with generic values; the caller may change them. */
struct TapeInput {
    double **param, **data;
    double *hyper, *state;
    int64_t rows;
    double total_rows;
    bool fine;        /* more points for every variate, differences over shorter steps */
    bool heavy;       /* uniform variates near 0 matter below 2^-53, and keep their digits there */
    double frequency; /* of what is read of tan(pi (u - 1/2)), for every uniform u; 0: it is not */
    uint64_t most;    /* points, beyond which it is given up; 0: as many as there are */
    bool few;         /* and where they are few variates, not as many points as 1e-11 takes */
    TapeMean *mean;   /* NULL: over the noise */
};

TapeInput tape_input(const TapeModel *t, int64_t rows);

/* The least number of points that the tape of a graph has; at most `most` are counted. */
uint64_t tape_points(const IrGraph *g, int64_t rows, uint64_t most);

/* Over the noise; and over what the input says. */
TapeMean tape_expectation, tape_mean;

/* d objective / d parameter element, by differences of the exact expectation of the eval entry. */
double tape_slope(const TapeModel *t, TapeInput *in, uint32_t param, int64_t element);
/* The same where every element of the parameters, in order, moves by its part of a direction. */
double tape_slope_along(const TapeModel *t, TapeInput *in, const double *direction);

#endif
