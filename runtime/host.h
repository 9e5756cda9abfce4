/* The executable as the host of its model: it sees a context as any program does, through the
 * functions of the model's header. */
#ifndef SGC_RUNTIME_HOST_H
#define SGC_RUNTIME_HOST_H

#include "runtime/context.h"

typedef struct SgrtHostSettings {
    SgrtPool *pool; /* borrowed: whose threads run the tasks */
    int64_t seed, total_rows;
    const char *optimizer; /* NULL: the model's */
    const double *hyper;   /* borrowed: [model hypers]; NULL: the model's */
    SgrtObserver *observe; /* NULL, or told of the phases of calls */
    void *observing;
} SgrtHostSettings;

/* NULL, with the reason in `e`, on failure; the caller ends it with sgrt_context_free(). */
SgrtContext *sgrt_host_open(const SgrtModel *model, const SgrtHostSettings *settings, SgrtError *e);

/* Why a call did not return 0.  Always false. */
bool sgrt_host_fail(const SgrtContext *m, int status, SgrtError *e);

/* The context's parameters, in place: free(view.value) is all there is to do. */
bool sgrt_host_view(SgrtParams *view, const SgrtModel *model, SgrtContext *m, SgrtError *e);

#endif
