/* One training step of a graph, in two halves: the gradient, and the update along it.
 *
 * What a later step depends on is the parameters, the slots, the moving averages and the number of
 * updates; a checkpoint holds these.  No result depends on the number of threads. */
#ifndef SGC_RUNTIME_STEP_H
#define SGC_RUNTIME_STEP_H

#include "runtime/engine.h"
#include "runtime/optim.h"

typedef struct SgrtStep {
    SgrtOptimStep optimizer; /* without a row of the table: gradients only */
    double clip;             /* the largest norm of a gradient; 0: any */
    const SgrtData *data;    /* borrowed */
    SgrtPool *pool;          /* borrowed */
    SgrtParams *params;      /* borrowed */
    SgrtParams grad;
    SgrtParams slot[SGRT_SLOTS];
    SgrtCall call;
    int64_t updates;            /* that were applied */
    double *state, *next_state; /* owned: moving averages, and other numbers handed on */
    double norm;                /* of the last gradient */
    double slots;               /* no number in `slot` is larger; INFINITY: not known */
    struct SgrtSpans *spans;    /* owned: the trained elements, cut into tasks */
} SgrtStep;

/* `data` says the graph, which has a step, and the most rows.  The parameters are changed in
 * place. */
bool sgrt_step_init(SgrtStep *t, const SgrtOptimStep *optimizer, double clip, const SgrtData *data,
                    SgrtParams *params, SgrtPool *pool, SgrtError *e);
void sgrt_step_free(SgrtStep *t);

/* Of the rows that the frame points to.  The gradient is in t->grad, its norm in t->norm, and the
 * costs in the frame.  False if it faults, or if a cost or the gradient is not finite. */
bool sgrt_step_gradient(SgrtStep *t, SgrtError *e);

/* After a gradient that was true.  False, and nothing is changed, if a parameter or a slot would not
 * be finite. */
bool sgrt_step_update(SgrtStep *t, SgrtError *e);

#endif
