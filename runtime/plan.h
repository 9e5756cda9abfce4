/* How a graph is to be trained: the optimiser's defaults, the model's `train` block, the command
 * line, each before the one that follows it. */
#ifndef SGC_RUNTIME_PLAN_H
#define SGC_RUNTIME_PLAN_H

#include "runtime/options.h"
#include "runtime/train.h"

typedef struct SgrtPlan {
    SgrtOptimStep optimizer;
    double clip;           /* 0: none */
    int64_t epochs, steps; /* -1: not said */
} SgrtPlan;

bool sgrt_plan_make(SgrtPlan *p, const SgrtModel *model, const SgrtGraph *graph,
                    const SgrtOptions *o, SgrtError *e);

/* A model's `train` block, as it was written: "elbo by adam, lr 0.02, 20 epochs".  Returns `out`. */
char *sgrt_plan_text(char *out, size_t room, const SgrtModel *model, const SgrtTrain *block);

/* The step at which training ends, in epochs of `epoch_steps` steps (0: the graph has no rows). */
bool sgrt_plan_last_step(const SgrtPlan *p, int64_t epoch_steps, int64_t *last, SgrtError *e);

#endif
