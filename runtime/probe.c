/* Calls of a step and of an evaluation on the same rows. */
#include "runtime/probe.h"

#include "runtime/memory.h"
#include "runtime/tape.h"

#include <stdlib.h>

static bool make(SgrtProbe *p, const SgrtData *data, SgrtPool *pool, SgrtError *e)
{
    const SgrtGraph *g = p->graph;
    if (!sgrt_feed_init(&p->feed, data, p->rows, e))
        return false;
    p->cost = sgrt_alloc(1 + g->costs, sizeof *p->cost, e);
    p->step = p->cost ? sgrt_tape_new(p->model, g->step, p->rows, e) : NULL;
    p->eval = p->step ? sgrt_tape_new(p->model, g->eval, p->rows, e) : NULL;
    if (g->batch)
        sgrt_feed_load(&p->feed, NULL, 0, p->rows, pool);
    p->call = (SgrtContextCall){.rows = p->rows,
                                .total_rows = data->rows,
                                .row = p->feed.row,
                                .data = (const void *const *)p->feed.column,
                                .cost = p->cost,
                                .trusted = 1};
    return p->eval != NULL;
}

bool sgrt_probe_init(SgrtProbe *p, SgrtContext *context, const SgrtData *data, int64_t rows,
                     SgrtParams *params, SgrtPool *pool, int64_t seed, SgrtError *e)
{
    *p = (SgrtProbe){.model = data->model,
                     .graph = data->graph,
                     .context = context,
                     .params = params,
                     .rows = data->graph->batch ? rows : 1,
                     .seed = seed};
    if (make(p, data, pool, e))
        return true;
    sgrt_probe_free(p);
    return false;
}

void sgrt_probe_free(SgrtProbe *p)
{
    if (p->feed.data)
        sgrt_feed_free(&p->feed);
    free(p->cost);
    if (p->graph) {
        sgrt_tape_free(p->step, p->graph->step);
        sgrt_tape_free(p->eval, p->graph->eval);
    }
    *p = (SgrtProbe){0};
}

void sgrt_probe_draw(SgrtProbe *p, int64_t draw)
{
    sgrt_tape_fill(p->step, p->model, p->graph->step, p->rows, p->seed, draw);
    sgrt_tape_fill(p->eval, p->model, p->graph->eval, p->rows, p->seed, draw);
}

static int number_of(const SgrtProbe *p)
{
    return (int)(p->graph - p->model->graph);
}

bool sgrt_probe_step(SgrtProbe *p, void *const *noise, SgrtError *e)
{
    p->call.noise = (const void *const *)noise;
    int status = sgrt_context_grad(p->context, number_of(p), &p->call);
    return status == SGRT_CONTEXT_OK || sgrt_host_fail(p->context, status, e);
}

bool sgrt_probe_cost(SgrtProbe *p, void *const *noise, double *cost, SgrtError *e)
{
    p->call.noise = (const void *const *)noise;
    int status = sgrt_context_eval(p->context, number_of(p), &p->call);
    *cost = p->cost[0];
    return status == SGRT_CONTEXT_OK || sgrt_host_fail(p->context, status, e);
}

const void *sgrt_probe_gradient(const SgrtProbe *p, int64_t param)
{
    return sgrt_context_g(p->context, number_of(p), (int)param);
}

double sgrt_probe_real(const SgrtProbe *p, const void *values, int64_t i)
{
    return p->model->real == SGRT_F64 ? ((const double *)values)[i]
                                      : (double)((const float *)values)[i];
}

double sgrt_probe_slope(const SgrtProbe *p, const SgrtDirection *d)
{
    const void *g = sgrt_probe_gradient(p, d->param);
    double sum = 0;
    if (!d->along)
        return sgrt_probe_real(p, g, d->element);
    for (int64_t i = 0; i < p->model->param[d->param].size; i++)
        sum += d->along[i] * sgrt_probe_real(p, g, i);
    return sum;
}

static void set_real(const SgrtModel *model, void *values, int64_t i, double v)
{
    if (model->real == SGRT_F64)
        ((double *)values)[i] = v;
    else
        ((float *)values)[i] = (float)v;
}

void sgrt_probe_move(SgrtProbe *p, const SgrtDirection *d, const double *base, double by)
{
    void *w = p->params->value[d->param];
    if (!d->along)
        set_real(p->model, w, d->element, base[d->element] + by);
    for (int64_t i = 0; d->along && i < p->model->param[d->param].size; i++)
        set_real(p->model, w, i, base[i] + by * d->along[i]);
}

double sgrt_probe_rounding(const SgrtProbe *p)
{
    return p->model->real == SGRT_F64 ? 1e-15 : 3e-7;
}
