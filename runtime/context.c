/* The life of a context: all that its calls need is made here. */
#include "runtime/context_state.h"

#include "runtime/cpu.h"
#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- graphs --------------------------------------------------------------------------------- */

static bool has_optimizer(const SgrtModel *model, const SgrtGraph *graph)
{
    for (int64_t i = 0; i < model->trains; i++)
        if (&model->graph[model->train[i].graph] == graph && model->train[i].optimizer)
            return true;
    return false;
}

/* The model's optimiser or the host's; a host that has its own takes gradients only. */
static bool choose_optimizer(SgrtPlan *plan, const SgrtModel *model, const SgrtGraph *graph,
                             const SgrtContextConfig *config, SgrtError *e)
{
    const char *name = config ? config->optimizer : NULL;
    SgrtOptions o = {0};
#define ABSENT_INTEGER -1
#define ABSENT_REAL NAN
#define ABSENT_TEXT NULL
#define ABSENT_FLAG false
#define ABSENT_LIST (SgrtList){0}
#define OPTION(field, kind, low, verbs, argument, help) o.field = ABSENT_##kind;
#include "runtime/options.def"
    *plan = (SgrtPlan){.clip = 0};
    if (name ? strcmp(name, "none") == 0 : !has_optimizer(model, graph))
        return true;
    o.optimizer = name;
    if (config && config->lr >= 0)
        o.lr = config->lr;
    return sgrt_plan_make(plan, model, graph, &o, e);
}

static void observe(SgrtCall *c, const SgrtContextConfig *config)
{
    c->observe = config ? config->observe : NULL;
    c->observing = config ? config->observing : NULL;
}

static bool make_step(SgrtContext *m, SgrtContextGraph *g, const SgrtContextConfig *config,
                      SgrtError *e)
{
    SgrtPlan plan;
    if (!choose_optimizer(&plan, m->model, g->data.graph, config, e) ||
        !sgrt_step_init(&g->step, &plan.optimizer, plan.clip, &g->data, &m->params, m->pool, e))
        return false;
    g->step.call.frame.hyper = m->hyper;
    observe(&g->step.call, config);
    return sgrt_listing_make(&g->listing, &m->params, &g->step, e);
}

static bool make_call(SgrtContext *m, SgrtContextGraph *g, SgrtCall *c, const SgrtEntry *entry,
                      SgrtPurpose purpose, const SgrtContextConfig *config, SgrtError *e)
{
    if (!entry)
        return true;
    if (!sgrt_call_init(c, &g->data, entry, g->data.rows, &m->params, NULL, e))
        return false;
    observe(c, config);
    c->frame.hyper = m->hyper;
    c->frame.state = g->step.state;
    c->frame.purpose = purpose;
    return true;
}

static bool make_graph(SgrtContext *m, int64_t i, const SgrtContextConfig *config, SgrtError *e)
{
    const SgrtGraph *graph = &m->model->graph[i];
    SgrtContextGraph *g = &m->graph[i];
    g->data = (SgrtData){m->model, graph, .rows = graph->batch ? graph->batch : 1};
    return (!graph->step || make_step(m, g, config, e)) &&
           make_call(m, g, &g->eval, graph->eval, SGRT_EVAL, config, e) &&
           make_call(m, g, &g->run, graph->run, SGRT_RUN, config, e);
}

/* ---- the whole ------------------------------------------------------------------------------ */

static bool make_hypers(SgrtContext *m, const SgrtContextConfig *config, SgrtError *e)
{
    m->hyper = sgrt_alloc(m->model->hypers, sizeof *m->hyper, e);
    for (int64_t i = 0; m->hyper && i < m->model->hypers; i++)
        m->hyper[i] = config ? config->hyper[i] : m->model->hyper[i].value;
    return m->hyper != NULL;
}

static int64_t larger(int64_t size, SgrtConstraint in, int64_t most)
{
    return in.kind != SGRT_FREE && size > most ? size : most;
}

static bool make_scratch(SgrtContext *m, SgrtError *e)
{
    int64_t most = 0, tensors = m->listing.count;
    for (int64_t i = 0; i < m->model->params; i++)
        most = larger(m->model->param[i].size, m->model->param[i].in, most);
    for (int64_t i = 0; i < m->model->graphs; i++)
        for (int64_t k = 0; k < m->model->graph[i].columns; k++)
            most = larger(m->model->graph[i].column[k].size, m->model->graph[i].column[k].in, most);
    for (int64_t i = 0; i < m->model->graphs; i++)
        if (m->graph[i].listing.count > tensors)
            tensors = m->graph[i].listing.count;
    m->scratch = sgrt_alloc(most, sizeof *m->scratch, e);
    m->order = m->scratch ? sgrt_alloc(tensors, sizeof *m->order, e) : NULL;
    m->found = m->order ? sgrt_alloc(tensors, sizeof *m->found, e) : NULL;
    if (!m->found)
        return false;
    m->header_room = sgrt_context_header_room(m);
    m->header = sgrt_alloc(m->header_room, 1, e);
    return m->header != NULL;
}

static bool make(SgrtContext *m, const SgrtContextConfig *config, SgrtError *e)
{
    const SgrtModel *model = m->model;
    int64_t threads = config ? config->threads : 1;
    m->seed = config ? config->seed : 0;
    m->total_rows = config ? config->total_rows : 0;
    m->pool = config && config->parallel
                  ? sgrt_pool_borrow(config->parallel, config->user, threads, e)
                  : sgrt_pool_new(threads, e);
    m->graph = m->pool ? sgrt_alloc(model->graphs, sizeof *m->graph, e) : NULL;
    if (!m->graph || !make_hypers(m, config, e) || !sgrt_params_init(&m->params, model, NULL, e) ||
        !sgrt_init_params(&m->params, m->seed, e) ||
        !sgrt_listing_make(&m->listing, &m->params, NULL, e))
        return false;
    for (int64_t i = 0; i < model->graphs; i++)
        if (!make_graph(m, i, config, e))
            return false;
    return make_scratch(m, e);
}

static void clear(SgrtContext *m)
{
    for (int64_t i = 0; m->graph && i < m->model->graphs; i++) {
        SgrtContextGraph *g = &m->graph[i];
        sgrt_listing_free(&g->listing);
        if (g->run.data)
            sgrt_call_free(&g->run);
        if (g->eval.data)
            sgrt_call_free(&g->eval);
        sgrt_step_free(&g->step);
    }
    sgrt_pool_free(m->pool);
    sgrt_listing_free(&m->listing);
    sgrt_params_free(&m->params);
    free(m->graph);
    free(m->hyper);
    free(m->scratch);
    free(m->order);
    free(m->found);
    free(m->header);
    *m = (SgrtContext){.model = m->model, .error = m->error};
}

/* What is wrong before anything is made. */
static int check(SgrtContext *m, const SgrtContextConfig *config)
{
    if (config && config->abi != m->model->interface) {
        sgrt_fail(&m->error,
                  "the header is of another build than the library of %s: compile with "
                  "the one that sgc wrote beside it",
                  m->model->name);
        return SGRT_CONTEXT_STALE;
    }
    if (config && config->total_rows < 0) {
        sgrt_fail(&m->error, "total_rows is %lld", (long long)config->total_rows);
        return SGRT_CONTEXT_ARGUMENT;
    }
    if (config && !isfinite(config->lr)) {
        sgrt_fail(&m->error, "lr is %g", config->lr);
        return SGRT_CONTEXT_ARGUMENT;
    }
    if (config && config->threads < 1) {
        sgrt_fail(&m->error, "%lld threads: at least 1 is needed", (long long)config->threads);
        return SGRT_CONTEXT_ARGUMENT;
    }
    return sgrt_cpu_check(m->model, &m->error) ? SGRT_CONTEXT_OK : SGRT_CONTEXT_CPU;
}

/* What fails later is an optimiser's name, or else a resource. */
static bool names_optimizer(const SgrtContextConfig *config)
{
    return config && config->optimizer && strcmp(config->optimizer, "none") != 0 &&
           !sgrt_optimizer(config->optimizer);
}

int sgrt_context_open(SgrtContext **out, const SgrtModel *model, const SgrtContextConfig *config)
{
    SgrtError e;
    SgrtContext *m = *out = sgrt_alloc(1, sizeof *m, &e);
    if (!m)
        return SGRT_CONTEXT_MEMORY;
    m->model = model;
    int status = check(m, config);
    if (status != SGRT_CONTEXT_OK || make(m, config, &m->error))
        return status;
    clear(m);
    return names_optimizer(config) ? SGRT_CONTEXT_ARGUMENT : SGRT_CONTEXT_MEMORY;
}

void sgrt_context_free(SgrtContext *m)
{
    if (m)
        clear(m);
    free(m);
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *sgrt_context_error(const SgrtContext *m)
{
    return m ? m->error.text : sgrt_context_reason(SGRT_CONTEXT_MEMORY);
}

const char *sgrt_context_reason(int code)
{
    static const char *const reason[] = {
#define CONTEXT_ERROR(name, text) text,
#include "runtime/context.def"
    };
    return code >= 0 && code < (int)(sizeof reason / sizeof *reason) ? reason[code]
                                                                     : "no such error code";
}

/* A context that there is not has nothing, and nowhere to say so. */
bool sgrt_context_has_graph(SgrtContext *m, int graph)
{
    if (!m)
        return false;
    return (m->graph && graph >= 0 && graph < m->model->graphs) ||
           sgrt_fail(&m->error, "%s has no graph %d", m->model->name, graph);
}

bool sgrt_context_has_param(SgrtContext *m, int param)
{
    if (!m)
        return false;
    return (m->params.value && param >= 0 && param < m->model->params) ||
           sgrt_fail(&m->error, "%s has no parameter %d", m->model->name, param);
}
