/* Calls of compiled entries: the memory a frame points to, the rows of a batch, the phases.
 *
 * Nothing here prints or exits, and all memory is taken by the _init functions. */
#ifndef SGC_RUNTIME_ENGINE_H
#define SGC_RUNTIME_ENGINE_H

#include "runtime/bind.h"
#include "runtime/pool.h"
#include "runtime/rt.h"

/* One real tensor per parameter of a model: the parameters, their gradients, an optimiser's slot.
 * Tensors are aligned to 64 bytes and stand in one block of memory. */
typedef struct SgrtParams {
    const SgrtModel *model;
    void **value; /* owned: [model params]; NULL for a parameter that was left out */
    void *memory; /* owned */
} SgrtParams;

/* `chosen` [model params] leaves out the parameters where it is 0; NULL takes all. */
bool sgrt_params_init(SgrtParams *p, const SgrtModel *model, const unsigned char *chosen,
                      SgrtError *e);
void sgrt_params_free(SgrtParams *p);

int64_t sgrt_real_bytes(const SgrtModel *model);
SgrtStored sgrt_real_stored(const SgrtModel *model);

/* The graph of a model with this name, or NULL. */
const SgrtGraph *sgrt_graph_find(const SgrtModel *model, const char *name);

/* A phase begins, with these kernels; NULL: the last has ended. */
typedef void SgrtObserver(void *observing, const char *kernels);

typedef struct SgrtCall {
    const SgrtData *data; /* borrowed, with the model and the graph */
    const SgrtEntry *entry;
    int64_t batch;   /* most rows of a call */
    SgrtFrame frame; /* the caller sets hyper, seed, step, purpose, first_row, state and tape */
    SgrtFault fault;
    SgrtObserver *observe; /* NULL, or told of the phases */
    void *observing;
} SgrtCall;

/* Prepares calls of `entry` of the graph of `data`, in batches of at most `batch` rows (1 for a
 * graph without rows).  `grad` is NULL unless the entry is a step.  The caller points what
 * frame.data and frame.output hold to arrays of its own before each call. */
bool sgrt_call_init(SgrtCall *c, const SgrtData *data, const SgrtEntry *entry, int64_t batch,
                    SgrtParams *params, SgrtParams *grad, SgrtError *e);
void sgrt_call_free(SgrtCall *c);

void sgrt_call_run(SgrtCall *c, SgrtPool *pool);

/* False if the last run faulted or a cost is not finite: says which and where. */
bool sgrt_call_check(const SgrtCall *c, SgrtError *e);

/* Is what the last run computed finite?  `of` is the caller's. */
typedef bool SgrtFinite(void *of, SgrtError *e);

/* Adds to an error about a number which operation made it, where the build looks for that (-g):
 * of those whose result was not finite, the first that `finite` does depend on, which is found by
 * running the call again.  Always false. */
bool sgrt_call_explain(SgrtCall *c, SgrtPool *pool, SgrtFinite *finite, void *of, SgrtError *e);

#endif
