/* Frames and the phases of an entry. */
#include "runtime/engine.h"

#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

int64_t sgrt_real_bytes(const SgrtModel *model)
{
    return sgrt_elem_bytes(model->real);
}

SgrtStored sgrt_real_stored(const SgrtModel *model)
{
    return model->real == SGRT_F64 ? SGRT_STORED_F64 : SGRT_STORED_F32;
}

const SgrtGraph *sgrt_graph_find(const SgrtModel *model, const char *name)
{
    for (int64_t i = 0; i < model->graphs; i++)
        if (strcmp(model->graph[i].name, name) == 0)
            return &model->graph[i];
    return NULL;
}

static int64_t aligned_bytes(const SgrtModel *model, int64_t param)
{
    int64_t bytes = model->param[param].size * sgrt_real_bytes(model);
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

bool sgrt_params_init(SgrtParams *p, const SgrtModel *model, const unsigned char *chosen,
                      SgrtError *e)
{
    *p = (SgrtParams){.model = model};
    int64_t bytes = 0;
    for (int64_t i = 0; i < model->params; i++)
        bytes += !chosen || chosen[i] ? aligned_bytes(model, i) : 0;
    p->value = sgrt_alloc(model->params, sizeof *p->value, e);
    p->memory = p->value ? sgrt_alloc(bytes, 1, e) : NULL;
    if (!p->memory) {
        sgrt_params_free(p);
        return false;
    }
    char *next = p->memory;
    for (int64_t i = 0; i < model->params; i++) {
        if (chosen && !chosen[i])
            continue;
        p->value[i] = next;
        next += aligned_bytes(model, i);
    }
    return true;
}

void sgrt_params_free(SgrtParams *p)
{
    free(p->value);
    free(p->memory);
    *p = (SgrtParams){0};
}

static bool make_frame(SgrtCall *c, SgrtParams *params, SgrtParams *grad, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    c->frame.param = params->value;
    c->frame.grad = grad ? grad->value : NULL;
    c->frame.total_rows = (double)c->data->rows;
    c->frame.rows = c->batch;
    c->frame.fault = &c->fault;
    c->frame.arena = sgrt_alloc(c->entry->arena_bytes, 1, e);
    c->frame.cost = c->frame.arena ? sgrt_alloc(1 + g->costs, sizeof(double), e) : NULL;
    c->frame.row = c->frame.cost ? sgrt_alloc(c->batch, sizeof(int64_t), e) : NULL;
    c->frame.data = c->frame.row ? sgrt_alloc(g->columns, sizeof(void *), e) : NULL;
    c->frame.output = c->frame.data ? sgrt_alloc(g->outputs, sizeof(void *), e) : NULL;
    return c->frame.output != NULL;
}

bool sgrt_call_init(SgrtCall *c, const SgrtData *data, const SgrtEntry *entry, int64_t batch,
                    SgrtParams *params, SgrtParams *grad, SgrtError *e)
{
    *c = (SgrtCall){.data = data, .entry = entry, .batch = batch};
    if (make_frame(c, params, grad, e))
        return true;
    sgrt_call_free(c);
    return false;
}

void sgrt_call_free(SgrtCall *c)
{
    free(c->frame.data);
    free(c->frame.output);
    free(c->frame.arena);
    free(c->frame.cost);
    free(c->frame.row);
    *c = (SgrtCall){0};
}

/* A phase and its frame, for the pool. */
typedef struct Running {
    SgrtPhaseFn *run;
    SgrtFrame *frame;
} Running;

static void run_task(void *context, int64_t task)
{
    const Running *r = context;
    r->run(r->frame, task);
}

static void tell(const SgrtCall *c, const char *kernels)
{
    if (c->observe)
        c->observe(c->observing, kernels);
}

void sgrt_call_run(SgrtCall *c, SgrtPool *pool)
{
    c->fault.kind = 0;
    c->fault.nonfinite = (SgrtNonfinite){0};
    for (const SgrtPhase *p = c->entry->phase; p < c->entry->phase + c->entry->phases; p++) {
        Running r = {p->run, &c->frame};
        tell(c, p->name);
        sgrt_pool_run(pool, run_task, &r, p->tasks);
    }
    tell(c, NULL);
}

static bool check_costs(const SgrtCall *c, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    const double *cost = c->frame.cost;
    for (int64_t i = 0; i < g->costs; i++)
        if (!isfinite(cost[1 + i]))
            return sgrt_fail_nonfinite(e, "the cost of %s is %g", g->cost[i],
                                       sgrt_shown(cost[1 + i]));
    if (g->costs && !isfinite(cost[0]))
        return sgrt_fail_nonfinite(e, "the sum of the costs is %g", sgrt_shown(cost[0]));
    return true;
}

bool sgrt_call_check(const SgrtCall *c, SgrtError *e)
{
    if (c->fault.kind)
        return sgrt_fail(e, "%s: index %lld out of range [0, %lld)",
                         c->data->graph->place[c->fault.place], (long long)c->fault.index,
                         (long long)c->fault.size);
    return check_costs(c, e);
}
