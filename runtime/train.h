/* Training: the order of rows, steps of a context's graph, and what they add up to.
 *
 * Everything that a later step depends on is in the context and its checkpoints, but for the rows,
 * whose order is a function of the seed and the epoch: a run that goes on from a checkpoint has the
 * same bytes as a run that was never interrupted.  No result depends on the number of threads. */
#ifndef SGC_RUNTIME_TRAIN_H
#define SGC_RUNTIME_TRAIN_H

#include "runtime/context.h"
#include "runtime/feed.h"
#include "runtime/optim.h"

typedef struct SgrtTrainSettings {
    SgrtOptimStep optimizer;
    double clip;   /* the largest norm of a gradient; 0: any */
    int64_t batch; /* rows of a step; ignored by a graph without rows */
    int64_t seed;
} SgrtTrainSettings;

/* What the steps since the last report add up to.  A checkpoint holds it, so that a run that goes
 * on in the middle of an epoch reports what the whole run would. */
typedef struct SgrtSums {
    double *cost;   /* owned: [1 + costs] costs by rows */
    double rows;    /* or steps, of a graph without rows */
    double spread;  /* squares of the objective around its mean, by rows */
    double steps;   /* whole numbers, like those that follow */
    double clipped; /* of them: steps whose gradient was cut to the largest norm */
} SgrtSums;

/* The standard error of the objective's mean, as the steps differ; NaN for fewer than two. */
double sgrt_sums_error(const SgrtSums *s);

typedef struct SgrtTrainer {
    SgrtTrainSettings settings;
    SgrtContext *context; /* borrowed, with the data and the pool */
    const SgrtData *data;
    SgrtPool *pool;
    int graph;
    SgrtFeed feed;
    void **tape;         /* borrowed: the noise of the only step, or NULL */
    double *cost;        /* owned: [1 + costs] of the last step */
    int64_t step;        /* steps that were applied */
    int64_t epoch_steps; /* steps of an epoch; 0 for a graph without rows */
    bool estimated;      /* the last step had a gradient: if it failed, its update did */
    double norm;         /* of the last step's gradient */
    SgrtSums sum;
    uint32_t *order; /* owned: the rows of epoch `ordered`, -1 before the first */
    int64_t ordered;
} SgrtTrainer;

/* `data` must be complete and its graph must have a step; the pool gathers rows. */
bool sgrt_trainer_init(SgrtTrainer *t, const SgrtTrainSettings *settings, const SgrtData *data,
                       SgrtContext *context, SgrtPool *pool, SgrtError *e);
void sgrt_trainer_free(SgrtTrainer *t);

/* One step.  If it faults, or a cost, a gradient or the update is not finite, it is not applied:
 * parameters, slots, averages and the step number stay as they were, and the error says what and
 * where. */
bool sgrt_trainer_step(SgrtTrainer *t, SgrtError *e);

/* Row-weighted means since the last restart, into cost[1 + costs]. */
void sgrt_trainer_report(const SgrtTrainer *t, double *cost);
void sgrt_trainer_restart(SgrtTrainer *t);

#endif
