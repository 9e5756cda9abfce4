/* Calls of a step and of an evaluation on the same rows. */
#include "runtime/probe.h"

#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>

static void point(SgrtProbe *p, SgrtCall *c, const double *hyper, int64_t seed)
{
    c->frame.hyper = (void *)hyper;
    c->frame.state = p->state;
    c->frame.next_state = p->next_state;
    c->frame.seed = seed;
    c->frame.purpose = SGRT_CHECK;
    if (p->graph->batch)
        sgrt_call_load(c, NULL, 0, c->batch, p->pool);
}

static bool make(SgrtProbe *p, const SgrtData *data, int64_t rows, SgrtError *e)
{
    const SgrtGraph *g = p->graph;
    p->state = sgrt_alloc(g->states, sizeof *p->state, e);
    p->next_state = p->state ? sgrt_alloc(g->states, sizeof *p->next_state, e) : NULL;
    return p->next_state && sgrt_params_init(&p->grad, p->model, g->trained, e) &&
           sgrt_call_init(&p->step, data, g->step, rows, p->params, &p->grad, e) &&
           sgrt_call_init(&p->eval, data, g->eval, rows, p->params, NULL, e);
}

bool sgrt_probe_init(SgrtProbe *p, const SgrtData *data, int64_t rows, SgrtParams *params,
                     SgrtPool *pool, const double *hyper, int64_t seed, SgrtError *e)
{
    *p = (SgrtProbe){.model = data->model, .graph = data->graph, .params = params, .pool = pool};
    if (!make(p, data, p->graph->batch ? rows : 1, e)) {
        sgrt_probe_free(p);
        return false;
    }
    point(p, &p->step, hyper, seed);
    point(p, &p->eval, hyper, seed);
    return true;
}

void sgrt_probe_free(SgrtProbe *p)
{
    if (p->step.data)
        sgrt_call_free(&p->step);
    if (p->eval.data)
        sgrt_call_free(&p->eval);
    sgrt_params_free(&p->grad);
    free(p->state);
    free(p->next_state);
    *p = (SgrtProbe){0};
}

void sgrt_probe_draw(SgrtProbe *p, int64_t draw)
{
    p->step.frame.step = p->eval.frame.step = draw;
}

static double real_at(const SgrtModel *model, const void *values, int64_t i)
{
    return model->real == SGRT_F64 ? ((const double *)values)[i]
                                   : (double)((const float *)values)[i];
}

static bool gradient_is_finite(const SgrtProbe *p, SgrtError *e)
{
    for (int64_t i = 0; i < p->model->params; i++)
        for (int64_t k = 0; p->grad.value[i] && k < p->model->param[i].size; k++)
            if (!isfinite(real_at(p->model, p->grad.value[i], k)))
                return sgrt_fail_nonfinite(e, "element %lld of the gradient of %s is not finite",
                                           (long long)k, p->model->param[i].name);
    return true;
}

bool sgrt_probe_step(SgrtProbe *p, SgrtError *e)
{
    sgrt_call_run(&p->step, p->pool);
    return sgrt_call_check(&p->step, e) &&
           (gradient_is_finite(p, e) || sgrt_call_explain(&p->step, e));
}

bool sgrt_probe_cost(SgrtProbe *p, double *cost, SgrtError *e)
{
    sgrt_call_run(&p->eval, p->pool);
    *cost = ((const double *)p->eval.frame.cost)[0];
    return sgrt_call_check(&p->eval, e);
}

double sgrt_probe_slope(const SgrtProbe *p, const SgrtDirection *d)
{
    const void *g = p->grad.value[d->param];
    double sum = 0;
    if (!d->along)
        return real_at(p->model, g, d->element);
    for (int64_t i = 0; i < p->model->param[d->param].size; i++)
        sum += d->along[i] * real_at(p->model, g, i);
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

void sgrt_probe_get(const SgrtProbe *p, const SgrtParams *of, int64_t param, double *out)
{
    for (int64_t i = 0; i < p->model->param[param].size; i++)
        out[i] = real_at(p->model, of->value[param], i);
}

double sgrt_probe_rounding(const SgrtProbe *p)
{
    return p->model->real == SGRT_F64 ? 1e-15 : 3e-7;
}
