/* The calls of a model's entries, on arrays that the caller has. */
#include "runtime/context_state.h"

#include <math.h>
#include <string.h>

typedef enum Entry { STEP, EVAL, RUN } Entry;

static const char *const entry_word[] = {"grad", "eval", "run"};

/* NULL if the graph has no such entry, or if there is no such graph; m->error says which. */
static SgrtCall *find_call(SgrtContext *m, int graph, Entry entry)
{
    if (!sgrt_context_has_graph(m, graph))
        return NULL;
    SgrtContextGraph *g = &m->graph[graph];
    SgrtCall *call[] = {&g->step.call, &g->eval, &g->run};
    if (call[entry]->entry)
        return call[entry];
    sgrt_fail(&m->error, "graph %s has no %s: it has %s", g->data.graph->name, entry_word[entry],
              entry == RUN ? "no output" : "no cost");
    return NULL;
}

static bool check_rows(const SgrtCall *c, const SgrtContextCall *a, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    if (!a)
        return sgrt_fail(e, "no call of graph %s: the pointer is NULL", g->name);
    if (g->batch && (a->rows < 1 || a->rows > g->batch))
        return sgrt_fail(e, "%lld rows: a call of graph %s takes from 1 to %lld",
                         (long long)a->rows, g->name, (long long)g->batch);
    if (a->total_rows < 0 || a->first_row < 0)
        return sgrt_fail(e, "a number of rows is negative");
    return true;
}

static bool check_arrays(const SgrtCall *c, const SgrtContextCall *a, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    for (int64_t i = 0; i < g->columns; i++)
        if (!a->data || !a->data[i])
            return sgrt_fail(e, "no data %s for graph %s", g->column[i].name, g->name);
    for (int64_t i = 0; c->entry == g->run && i < g->outputs; i++)
        if (!a->output || !a->output[i])
            return sgrt_fail(e, "no array for the output %s of graph %s", g->output[i].name,
                             g->name);
    for (int64_t i = 0; a->noise && i < c->entry->sites; i++)
        if (!a->noise[i] && c->entry->site[i].size)
            return sgrt_fail(e, "no noise for the draw %s of graph %s", c->entry->site[i].name,
                             g->name);
    return true;
}

static void point(SgrtContext *m, SgrtCall *c, const SgrtContextCall *a)
{
    const SgrtGraph *g = c->data->graph;
    SgrtFrame *f = &c->frame;
    f->rows = g->batch ? a->rows : 1;
    int64_t total = a->total_rows ? a->total_rows : m->total_rows;
    f->total_rows = (double)(g->batch && total ? total : f->rows);
    f->first_row = a->first_row;
    for (int64_t i = 0; i < f->rows; i++)
        ((int64_t *)f->row)[i] = a->row ? a->row[i] : a->first_row + i;
    if (g->columns)
        memcpy(f->data, a->data, (size_t)g->columns * sizeof *a->data);
    if (c->entry == g->run && g->outputs)
        memcpy(f->output, a->output, (size_t)g->outputs * sizeof *a->output);
    f->tape = (void *)a->noise; /* compiled code reads it */
    f->seed = m->seed;
    f->step = m->draw[f->purpose]++;
}

static void give_costs(const SgrtCall *c, const SgrtContextCall *a)
{
    if (a->cost)
        memcpy(a->cost, c->frame.cost, (size_t)(1 + c->data->graph->costs) * sizeof *a->cost);
}

/* Only a fault that compiled code saw, or a number, can go wrong in a call. */
static int failure(const SgrtCall *c)
{
    return c->fault.kind ? SGRT_CONTEXT_INDEX : SGRT_CONTEXT_NONFINITE;
}

static int prepare(SgrtContext *m, int graph, Entry entry, const SgrtContextCall *a, SgrtCall **call)
{
    SgrtCall *c = *call = find_call(m, graph, entry);
    if (!c || !check_rows(c, a, &m->error) || !check_arrays(c, a, &m->error))
        return SGRT_CONTEXT_ARGUMENT;
    if (!a->trusted && !(sgrt_context_data_fit(m, c->data->graph, a) &&
                         sgrt_context_noise_fits(m, c->entry, a)))
        return SGRT_CONTEXT_DATA;
    point(m, c, a);
    return SGRT_CONTEXT_OK;
}

int sgrt_context_grad(SgrtContext *m, int graph, const SgrtContextCall *call)
{
    SgrtCall *c;
    int status = prepare(m, graph, STEP, call, &c);
    if (status != SGRT_CONTEXT_OK)
        return status;
    SgrtContextGraph *g = &m->graph[graph];
    g->ready = sgrt_step_gradient(&g->step, &m->error);
    give_costs(c, call);
    return g->ready ? SGRT_CONTEXT_OK : failure(c);
}

int sgrt_context_update(SgrtContext *m, int graph)
{
    if (!find_call(m, graph, STEP))
        return SGRT_CONTEXT_ARGUMENT;
    SgrtContextGraph *g = &m->graph[graph];
    const char *name = g->data.graph->name;
    if (!g->step.optimizer.optimizer)
        sgrt_fail(&m->error, "graph %s has no optimizer: name one in the config", name);
    else if (!g->ready)
        sgrt_fail(&m->error, "graph %s has no gradient: a _grad that succeeds comes first", name);
    else {
        g->ready = false;
        return sgrt_step_update(&g->step, &m->error) ? SGRT_CONTEXT_OK : SGRT_CONTEXT_NONFINITE;
    }
    return SGRT_CONTEXT_ARGUMENT;
}

int sgrt_context_train(SgrtContext *m, int graph, const SgrtContextCall *call)
{
    int status = sgrt_context_grad(m, graph, call);
    return status == SGRT_CONTEXT_OK ? sgrt_context_update(m, graph) : status;
}

static bool is_finite(void *call, SgrtError *e)
{
    return sgrt_call_check(call, e);
}

int sgrt_context_eval(SgrtContext *m, int graph, const SgrtContextCall *call)
{
    SgrtCall *c;
    int status = prepare(m, graph, EVAL, call, &c);
    if (status != SGRT_CONTEXT_OK)
        return status;
    sgrt_call_run(c, m->pool);
    give_costs(c, call);
    bool finite =
        is_finite(c, &m->error) || sgrt_call_explain(c, m->pool, is_finite, c, &m->error);
    return finite ? SGRT_CONTEXT_OK : failure(c);
}

/* Outputs may be infinite or NaN: that is for the caller to judge. */
int sgrt_context_run(SgrtContext *m, int graph, const SgrtContextCall *call)
{
    SgrtCall *c;
    int status = prepare(m, graph, RUN, call, &c);
    if (status != SGRT_CONTEXT_OK)
        return status;
    sgrt_call_run(c, m->pool);
    return !c->fault.kind || sgrt_call_check(c, &m->error) ? SGRT_CONTEXT_OK : failure(c);
}

int sgrt_context_noise(SgrtContext *m, int64_t seed, int64_t draw)
{
    if (!m)
        return SGRT_CONTEXT_ARGUMENT;
    if (draw < 0) {
        sgrt_fail(&m->error, "draw %lld: draws count from 0", (long long)draw);
        return SGRT_CONTEXT_ARGUMENT;
    }
    m->seed = seed;
    for (int purpose = 0; purpose <= SGRT_RUN; purpose++)
        m->draw[purpose] = draw;
    return SGRT_CONTEXT_OK;
}
