/* The cost over all rows, and the outputs of a graph. */
#ifndef SGC_RUNTIME_EVAL_H
#define SGC_RUNTIME_EVAL_H

#include "runtime/context.h"
#include "runtime/feed.h"

typedef struct SgrtEvalSettings {
    int64_t batch, seed;
    void **tape;    /* borrowed: noise of the only call, or NULL */
    SgrtPool *pool; /* borrowed: gathers rows */
} SgrtEvalSettings;

/* cost[1 + graph costs]: per row, all rows in order, batches weighed by their rows; the draws of
 * every batch are fresh.  *se is the standard error of cost[0], as the batches differ; NaN for one.
 * The error names the rows where a cost is not finite. */
bool sgrt_eval(const SgrtData *data, SgrtContext *context, const SgrtEvalSettings *settings,
               double *cost, double *se, SgrtError *e);

/* output[graph outputs], each of the declared shape with the rows in front if it is by rows.  The
 * caller owns the arrays and frees them with sgrt_outputs_free().  A row's draws do not depend on
 * the batch it is in. */
bool sgrt_run(const SgrtData *data, SgrtContext *context, const SgrtEvalSettings *settings,
              SgrtArray *output, SgrtError *e);
void sgrt_outputs_free(SgrtArray *output, int64_t outputs);

#endif
