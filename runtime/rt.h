/* What a compiled model and the runtime agree on.
 *
 * A model is constant data (SgrtModel) plus, for every graph, up to three entries: `step` estimates
 * the cost and its gradient, `eval` the cost alone, `run` the outputs.  An entry is a list of
 * phases; a phase is a function and a number of tasks that may run in any order, on any number of
 * threads, with a barrier after each phase.  The tasks are fixed when the model is compiled, so the
 * bits of a result do not depend on the number of threads.
 *
 * Compiled code never allocates, prints or exits: everything it touches is in the frame, which the
 * caller owns.  A frame is used by one call at a time; distinct frames need no locking.
 *
 * Arrays are row-major and contiguous.  "real" is float or double, by SgrtModel.real. */
#ifndef SGC_RUNTIME_RT_H
#define SGC_RUNTIME_RT_H

#include <stdbool.h>
#include <stdint.h>

#define SGRT_ABI 4

typedef enum SgrtElem { SGRT_F32, SGRT_F64, SGRT_I32, SGRT_BOOL } SgrtElem;

typedef enum SgrtPurpose {
    SGRT_STEP = 1,
    SGRT_EVAL,
    SGRT_RUN,
    SGRT_INIT,
    SGRT_SHUFFLE,
    SGRT_CHECK
} SgrtPurpose;

typedef enum SgrtConstraintKind {
    SGRT_FREE,
    SGRT_POSITIVE,      /* exp of the stored tensor                              */
    SGRT_UNIT_INTERVAL, /* sigmoid                                               */
    SGRT_SIMPLEX,       /* softmax over the last axis                            */
    SGRT_ORDERED,       /* first element, then cumulative exp                    */
    SGRT_CHOLESKY,      /* lower triangle, exp diagonal                          */
    SGRT_RANGE          /* data only: [lo, hi]                                   */
} SgrtConstraintKind;

typedef struct SgrtConstraint {
    int32_t kind; /* SgrtConstraintKind */
    int32_t pad;
    double lo, hi;
} SgrtConstraint;

typedef enum SgrtInitKind {
    SGRT_INIT_CONSTANT, /* a: the constrained value of every element              */
    SGRT_INIT_IDENTITY, /* constrained value                                      */
    SGRT_INIT_NORMAL,   /* mean 0, sd a, into the stored tensor                   */
    SGRT_INIT_UNIFORM,  /* [a, b), into the stored tensor                         */
    SGRT_INIT_GLOROT,   /* uniform, +-sqrt(6 / (first axis + last axis))          */
    SGRT_INIT_HE,       /* normal, sd sqrt(2 / first axis)                        */
    SGRT_INIT_ORTHOGONAL
} SgrtInitKind;

typedef struct SgrtParam {
    const char *name; /* path: "enc.W" */
    const int64_t *dim;
    int64_t rank, size;
    SgrtConstraint in;
    int64_t init; /* SgrtInitKind */
    double a, b;
    const char *place; /* "model.sg:3:7" */
} SgrtParam;

typedef struct SgrtHyper {
    const char *name;
    double value; /* default */
} SgrtHyper;

/* One data name of a graph.  rank and dim exclude the rows axis. */
typedef struct SgrtColumn {
    const char *name;
    const int64_t *dim;
    int64_t rank, size;
    int64_t elem;    /* SgrtElem */
    int64_t by_rows; /* 1: one row of a column of the data set; 0: the whole array */
    SgrtConstraint in;
} SgrtColumn;

/* One output.  dim includes static plates, outermost first, and excludes rows. */
typedef struct SgrtOutput {
    const char *name;
    const int64_t *dim;
    int64_t rank, size;
    int64_t elem;
    int64_t by_rows;
} SgrtOutput;

/* What steps hand on: `size` numbers, uniform in (-spread, spread) at first. */
typedef struct SgrtState {
    const char *name;
    const int64_t *dim;
    int64_t rank, size;
    double spread;
} SgrtState;

/* One draw site of an entry: `size` base variates a row (by_rows) or in all. */
typedef struct SgrtSite {
    const char *name; /* the user's name of the draw */
    int64_t normal;   /* 1: standard normal, 0: uniform on (0, 1) */
    int64_t size;
    int64_t by_rows;
} SgrtSite;

/* The first operation of a call whose result was infinite or not a number: what a build with -g
 * looks for.  Such a value may still be of no account, so it is an explanation and no fault. */
typedef struct SgrtNonfinite {
    int64_t seen;  /* 0: none */
    int64_t when;  /* rises from kernel to kernel, and within one from step to step */
    int64_t place; /* index into SgrtGraph.place; rises with the order of the operations */
    int64_t row;   /* of the data set, or -1 */
    int64_t operands; /* how many are known */
    double operand[2], result;
} SgrtNonfinite;

/* Values of a place that are replaced by finite ones, to see whether they matter: those of rows
 * outside of these. */
typedef struct SgrtForgiven {
    int64_t place;
    int64_t first_row, last_row;
} SgrtForgiven;

enum { SGRT_MOST_FORGIVEN = 64 };

/* What went wrong first in a call; kind 0 is nothing. */
typedef struct SgrtFault {
    int64_t kind;  /* 0, or 1: index out of range */
    int64_t place; /* index into SgrtGraph.place */
    int64_t index, size;
    SgrtNonfinite nonfinite;
    int64_t forgiven;
    SgrtForgiven forgive[SGRT_MOST_FORGIVEN];
} SgrtFault;

typedef struct SgrtFrame {
#define FRAME_l int64_t
#define FRAME_d double
#define FRAME_p void *
#define FRAME(name, kind) FRAME_##kind name;
#include "runtime/rt.def"
#undef FRAME_l
#undef FRAME_d
#undef FRAME_p
} SgrtFrame;

typedef void SgrtPhaseFn(SgrtFrame *frame, int64_t task);

typedef struct SgrtPhase {
    SgrtPhaseFn *run;
    int64_t tasks;
    const char *name; /* its kernels: "matmul 19:7, loop of 6 20:3" */
} SgrtPhase;

typedef struct SgrtEntry {
    const SgrtPhase *phase;
    int64_t phases;
    int64_t arena_bytes;
    const SgrtSite *site;
    int64_t sites;
} SgrtEntry;

typedef struct SgrtGraph {
    const char *name;
    int64_t batch; /* most rows a call takes; 0: the graph has no rows */
    const SgrtColumn *column;
    int64_t columns;
    const SgrtOutput *output;
    int64_t outputs;
    const char *const *cost; /* one label a cost: "model.sg:12:5" or a name */
    int64_t costs;
    const SgrtState *state; /* the numbers of a frame are theirs, in this order */
    int64_t states;
    const unsigned char *trained;       /* [model params]: 1 if a cost reaches the parameter */
    const char *const *place;           /* "model.sg:12:5: payoff[a]", for faults */
    int64_t biased;                     /* 1: an estimator was accepted as `biased` */
    const SgrtEntry *step, *eval, *run; /* NULL where the graph has none */
} SgrtGraph;

/* A `train` block.  Settings that the user did not write are NaN (or -1). */
typedef struct SgrtTrain {
    int64_t graph;         /* index into SgrtModel.graph */
    const char *optimizer; /* sgd, momentum, rmsprop, adam or adamw; NULL if not written */
    double lr, momentum, beta1, beta2, eps, weight_decay, clip;
    int64_t epochs, steps;
} SgrtTrain;

typedef struct SgrtModel {
    int64_t abi; /* SGRT_ABI */
    const char *name;
    const char *hash;    /* of the source and the options it was compiled with */
    const char *version; /* of sgc */
    const char *cpu;     /* the CPU that code was generated for: "znver4" */
    const char *needs;   /* comma-separated CPU features: "avx2,fma" */
    int64_t real;        /* SGRT_F32 or SGRT_F64 */
    int64_t parts;       /* most useful threads */
    int64_t watched;     /* 1: compiled with -g, so that faults name values that are not finite */
    const SgrtParam *param;
    int64_t params;
    const SgrtHyper *hyper;
    int64_t hypers;
    const SgrtGraph *graph;
    int64_t graphs;
    const SgrtTrain *train;
    int64_t trains;
    const char *manifest; /* what the model takes and gives, as JSON; for programs around it */
    uint64_t interface;   /* a number that differs where that does */
} SgrtModel;

/* The one symbol that a model's object file defines. */
extern const SgrtModel sgrt_model;

/* Runs a whole executable: parses argv, trains, evaluates or runs.  Returns the exit status. */
int sgrt_main(int argc, char **argv, const SgrtModel *model);

#endif
