/* Training: steps of a graph, their order of rows, and the optimiser's state.
 *
 * Everything that a later step depends on is the parameters, the slots, the moving averages, the
 * step number and the seed; a checkpoint holds these, so a run that goes on from one has the same
 * bytes as a run that was never interrupted.  No result depends on the number of threads. */
#ifndef SGC_RUNTIME_TRAIN_H
#define SGC_RUNTIME_TRAIN_H

#include "runtime/engine.h"
#include "runtime/optim.h"

typedef struct SgrtTrainSettings {
    SgrtOptimStep optimizer; /* without a row of the table: gradients only */
    double clip;             /* the largest norm of a gradient; 0: any */
    int64_t batch;           /* rows of a step; ignored by a graph without rows */
    int64_t seed;
    const double *hyper; /* borrowed: [model hypers] */
} SgrtTrainSettings;

/* What the steps since the last report add up to.  A checkpoint holds it, so that a run that goes
 * on in the middle of an epoch reports what the whole run would. */
typedef struct SgrtSums {
    double *cost;   /* owned: [1 + costs] costs by rows */
    double rows;    /* or steps, of a graph without rows */
    double spread;  /* squares of the objective around its mean, by rows */
    double steps;   /* whole numbers, as tensors of a checkpoint hold reals */
    double clipped; /* of them: steps whose gradient was cut to the largest norm */
} SgrtSums;

/* The standard error of the objective's mean, as the steps differ; NaN for fewer than two. */
double sgrt_sums_error(const SgrtSums *s);

typedef struct SgrtTrainer {
    SgrtTrainSettings settings;
    const SgrtData *data; /* borrowed */
    SgrtPool *pool;       /* borrowed */
    SgrtParams *params;   /* borrowed */
    SgrtParams grad;
    SgrtParams slot[SGRT_SLOTS];
    SgrtCall call;
    int64_t step;               /* steps that were applied */
    int64_t epoch_steps;        /* steps of an epoch; 0 for a graph without rows */
    double *state, *next_state; /* owned: the moving averages */
    double norm;                /* of the last step's gradient */
    SgrtSums sum;
    uint32_t *order; /* owned: the rows of epoch `ordered`, -1 before the first */
    int64_t ordered;
    struct SgrtSpans *spans; /* owned: the trained elements, cut into tasks */
} SgrtTrainer;

/* `data` must be complete and the graph must have a step.  The parameters are changed in place. */
bool sgrt_trainer_init(SgrtTrainer *t, const SgrtTrainSettings *settings, const SgrtData *data,
                       SgrtParams *params, SgrtPool *pool, SgrtError *e);
void sgrt_trainer_free(SgrtTrainer *t);

/* One step.  If it faults, or a cost or a gradient is not finite, it is not applied: parameters,
 * slots, averages and the step number stay as they were, and the error says what and where. */
bool sgrt_trainer_step(SgrtTrainer *t, SgrtError *e);

/* The two halves of a step, for a caller that points the frame to rows of its own.  The gradient is
 * in t->grad, its norm in t->norm, and the costs in the frame. */
bool sgrt_trainer_gradient(SgrtTrainer *t, SgrtError *e);
void sgrt_trainer_apply(SgrtTrainer *t);

/* Row-weighted means since the last report into cost[1 + costs]. */
void sgrt_trainer_report(const SgrtTrainer *t, double *cost);

/* Starts the next report. */
void sgrt_trainer_restart(SgrtTrainer *t);

#endif
