/* Settings, errors and views. */
#include "runtime/host.h"

#include "runtime/memory.h"

#include <stdlib.h>

/* An SgrtRunner. */
static void lend(void *pool, SgrtTaskFn *task, void *context, int64_t tasks)
{
    sgrt_pool_run(pool, task, context, tasks);
}

static SgrtContextConfig *make_config(const SgrtModel *model, const SgrtHostSettings *settings,
                                      SgrtError *e)
{
    int64_t bytes = (int64_t)(sizeof(SgrtContextConfig) + sizeof(double) * (size_t)model->hypers);
    SgrtContextConfig *c = sgrt_alloc(1, bytes, e);
    if (!c)
        return NULL;
    *c = (SgrtContextConfig){.abi = (uint64_t)model->interface,
                             .threads = sgrt_pool_threads(settings->pool),
                             .seed = settings->seed,
                             .total_rows = settings->total_rows,
                             .optimizer = settings->optimizer,
                             .lr = -1,
                             .parallel = lend,
                             .user = settings->pool,
                             .observe = settings->observe,
                             .observing = settings->observing};
    for (int64_t i = 0; i < model->hypers; i++)
        c->hyper[i] = settings->hyper ? settings->hyper[i] : model->hyper[i].value;
    return c;
}

SgrtContext *sgrt_host_open(const SgrtModel *model, const SgrtHostSettings *settings, SgrtError *e)
{
    SgrtContext *m = NULL;
    SgrtContextConfig *config = make_config(model, settings, e);
    int status = config ? sgrt_context_open(&m, model, config) : SGRT_CONTEXT_MEMORY;
    free(config);
    if (status == SGRT_CONTEXT_OK)
        return m;
    sgrt_host_fail(m, status, e);
    sgrt_context_free(m);
    return NULL;
}

bool sgrt_host_fail(const SgrtContext *m, int status, SgrtError *e)
{
    return status == SGRT_CONTEXT_NONFINITE ? sgrt_fail_nonfinite(e, "%s", sgrt_context_error(m))
                                            : sgrt_fail(e, "%s", sgrt_context_error(m));
}

bool sgrt_host_view(SgrtParams *view, const SgrtModel *model, SgrtContext *m, SgrtError *e)
{
    *view = (SgrtParams){.model = model};
    view->value = sgrt_alloc(model->params, sizeof *view->value, e);
    for (int64_t i = 0; view->value && i < model->params; i++)
        view->value[i] = sgrt_context_p(m, (int)i);
    return view->value != NULL;
}
