/* Directions, differences and verdicts. */
#include "runtime/check_state.h"

#include "runtime/init.h"
#include "runtime/memory.h"
#include "runtime/tape.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FEW = 8,       /* up to so many elements are looked at one by one */
    RANDOM = 8,    /* directions beside the gradient's, where there are more */
    ROWS = 8,      /* of a check by sampling */
    EXACT_ROWS = 2 /* of an exact one: the first number to try */
};

/* ---- directions ----------------------------------------------------------------------------- */

static double norm_of(const double *v, int64_t size)
{
    double sum = 0;
    for (int64_t i = 0; i < size; i++)
        sum += v[i] * v[i];
    return sqrt(sum);
}

/* A unit vector: along the gradient (number 0), if there is one, or in a random direction. */
static double *unit_vector(const SgrtChecking *c, int64_t param, int number, SgrtError *e)
{
    int64_t size = c->probe.model->param[param].size;
    const double *gradient = c->mean + c->begin[param];
    double *v = sgrt_alloc(size, sizeof *v, e), norm = norm_of(gradient, size);
    char stream[64];
    if (!v)
        return NULL;
    snprintf(stream, sizeof stream, "direction %d of %lld", number, (long long)param);
    if (number > 0 || norm == 0)
        sgrt_fill_normal(v, size, c->settings->seed, stream, 1);
    for (int64_t i = 0; number == 0 && norm > 0 && i < size; i++)
        v[i] = gradient[i];
    norm = norm_of(v, size);
    for (int64_t i = 0; i < size; i++)
        v[i] /= norm;
    return v;
}

static int64_t directions_of(const SgrtParam *p)
{
    return p->size <= FEW ? p->size : 1 + RANDOM;
}

static bool add_directions(SgrtChecking *c, int64_t param, SgrtError *e)
{
    const SgrtParam *p = &c->probe.model->param[param];
    for (int64_t k = 0; k < directions_of(p); k++) {
        SgrtDirection *d = &c->along[c->alongs].d;
        *d = (SgrtDirection){.param = param, .element = k};
        d->along = p->size <= FEW ? NULL : unit_vector(c, param, (int)k, e);
        if (p->size > FEW && !d->along)
            return false;
        c->alongs++;
    }
    return true;
}

bool sgrt_check_directions(SgrtChecking *c, SgrtError *e)
{
    const SgrtModel *model = c->probe.model;
    int64_t count = 0;
    for (int64_t i = 0; i < model->params; i++)
        count += sgrt_probe_gradient(&c->probe, i) ? directions_of(&model->param[i]) : 0;
    c->along = sgrt_alloc(count, sizeof *c->along, e);
    for (int64_t i = 0; c->along && i < model->params; i++)
        if (sgrt_probe_gradient(&c->probe, i) && !add_directions(c, i, e))
            return false;
    return c->along != NULL;
}

/* ---- differences ---------------------------------------------------------------------------- */

double sgrt_check_second(const SgrtStencil *s)
{
    return (s->cost[2] - s->cost[1]) / (2 * s->h);
}

double sgrt_check_fourth(const SgrtStencil *s)
{
    return (8 * (s->cost[2] - s->cost[1]) - (s->cost[3] - s->cost[0])) / (12 * s->h);
}

double sgrt_check_nearest(const SgrtStencil *s)
{
    return (s->cost[5] - s->cost[4]) / (2 * s->near);
}

bool sgrt_check_stencil(SgrtChecking *c, const SgrtAlong *a, SgrtStencil *s, SgrtCostAt *at,
                        void *context, SgrtError *e)
{
    const double by[SGRT_STENCIL] = {-2 * s->h, -s->h, s->h, 2 * s->h, -s->near, s->near};
    const double *base = c->base + c->begin[a->d.param];
    bool done = true;
    for (int i = 0; done && i < (s->near > 0 ? SGRT_STENCIL : SGRT_STENCIL - 2); i++) {
        sgrt_probe_move(&c->probe, &a->d, base, by[i]);
        done = at(context, &s->cost[i], e);
    }
    sgrt_probe_move(&c->probe, &a->d, base, 0);
    return done;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

/* Coordinates give the norm of the gradient; of directions the first is along it. */
static double gradient_norm(const SgrtChecking *c, int64_t param)
{
    double sum = 0;
    for (int64_t i = 0; i < c->alongs; i++) {
        const SgrtAlong *a = &c->along[i];
        if (a->d.param != param)
            continue;
        if (a->d.along)
            return fabs(a->slope);
        sum += a->slope * a->slope;
    }
    return sqrt(sum);
}

static double spread_of(const SgrtChecking *c, int64_t param)
{
    double sum = 0;
    for (int64_t i = 0; i < c->probe.model->param[param].size; i++)
        sum += c->square[c->begin[param] + i];
    return sqrt(sum);
}

/* Of all draws alike, or but for an error that says nothing. */
static bool is_zero(const SgrtChecking *c, const SgrtAlong *a, double sd)
{
    bool never = a->slope == 0 && a->estimate == 0 && sd == 0;
    bool within = fabs(a->slope) <= a->error && fabs(a->estimate) <= a->error;
    return c->negligible >= 0 && within && (never || a->error <= c->negligible);
}

static void judge(SgrtChecking *c, SgrtChecked *p)
{
    bool zero = true, within = true;
    p->gradient = gradient_norm(c, p->param);
    p->sd = spread_of(c, p->param);
    p->low = INFINITY;
    p->high = -INFINITY;
    p->directions = 0;
    for (int64_t i = 0; i < c->alongs; i++) {
        const SgrtAlong *a = &c->along[i];
        if (a->d.param != p->param)
            continue;
        p->directions++;
        p->low = fmin(p->low, (a->off - a->error) / p->gradient);
        p->high = fmax(p->high, (a->off + a->error) / p->gradient);
        zero = zero && is_zero(c, a, p->sd);
        within = within && fabs(a->off) <= a->error;
    }
    bool sharp = fmax(-p->low, p->high) <= c->settings->bias;
    if (!within)
        p->verdict = SGRT_VERDICT_WRONG;
    else if (zero)
        p->verdict = SGRT_VERDICT_ZERO;
    else
        p->verdict = sharp ? SGRT_VERDICT_OK : SGRT_VERDICT_UNDECIDED;
}

void sgrt_check_judge(SgrtChecking *c)
{
    c->out->verdict = SGRT_VERDICT_OK;
    for (int64_t i = 0; i < c->out->params; i++) {
        judge(c, &c->out->checked[i]);
        if (c->out->checked[i].verdict > c->out->verdict)
            c->out->verdict = c->out->checked[i].verdict;
    }
}

/* ---- checking ------------------------------------------------------------------------------- */

static void checking_free(SgrtChecking *c)
{
    for (int64_t i = 0; i < c->alongs; i++)
        free(c->along[i].d.along);
    free(c->along);
    free(c->base);
    free(c->mean);
    free(c->square);
    free(c->begin);
    sgrt_probe_free(&c->probe);
}

static bool make_arrays(SgrtChecking *c, SgrtError *e)
{
    const SgrtModel *model = c->probe.model;
    c->begin = sgrt_alloc(model->params, sizeof *c->begin, e);
    if (!c->begin)
        return false;
    for (int64_t i = 0; i < model->params; i++) {
        c->begin[i] = c->elements;
        c->elements += sgrt_probe_gradient(&c->probe, i) ? model->param[i].size : 0;
    }
    c->base = sgrt_alloc(c->elements, sizeof *c->base, e);
    c->mean = sgrt_alloc(c->elements, sizeof *c->mean, e);
    c->square = sgrt_alloc(c->elements, sizeof *c->square, e);
    if (!c->base || !c->mean || !c->square)
        return false;
    for (int64_t i = 0; i < model->params; i++)
        if (sgrt_probe_gradient(&c->probe, i))
            for (int64_t k = 0; k < model->param[i].size; k++)
                c->base[c->begin[i] + k] = sgrt_probe_real(&c->probe, c->probe.params->value[i], k);
    return true;
}

/* One way, with so many rows. */
typedef struct Attempt {
    SgrtContext *context;
    const SgrtData *data;
    SgrtParams *params;
    SgrtPool *pool;
    const SgrtCheckSettings *settings;
    SgrtCheck *out;
} Attempt;

static bool attempt(const Attempt *a, int64_t rows, bool sampling, bool *done, SgrtError *e)
{
    SgrtChecking c = {.settings = a->settings, .out = a->out};
    a->out->rows = rows;
    *done = false;
    bool checked = sgrt_probe_init(&c.probe, a->context, a->data, rows, a->params, a->pool,
                                   a->settings->seed, e);
    checked = checked && make_arrays(&c, e);
    if (checked && !sampling)
        checked = sgrt_check_exact(&c, done, e);
    if (checked && sampling)
        checked = *done = sgrt_check_sample(&c, e);
    if (checked && *done)
        sgrt_check_judge(&c);
    if (checked && *done && !sampling && a->out->method == SGRT_TAYLOR)
        checked = sgrt_check_taylor(&c, e);
    checking_free(&c);
    return checked;
}

static bool make_result(SgrtCheck *c, const SgrtModel *model, const SgrtGraph *g, SgrtError *e)
{
    c->checked = sgrt_alloc(model->params, sizeof *c->checked, e);
    for (int64_t i = 0; c->checked && i < model->params; i++)
        if (g->trained[i])
            c->checked[c->params++] = (SgrtChecked){.param = i, .order = NAN};
    return c->checked != NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* A graph without draws has the same answer for any number of rows; of one with draws, few rows may
 * have an exact answer. */
static bool check_exact(const Attempt *a, int64_t most, bool *done, SgrtError *e)
{
    const SgrtGraph *g = a->data->graph;
    bool draws = sgrt_tape_variates(g->step, 1) + sgrt_tape_variates(g->eval, 1) > 0;
    bool may_choose = draws && g->batch && a->settings->batch < 0;
    int64_t rows = may_choose ? smaller(most, EXACT_ROWS) : most;
    if (!attempt(a, rows, false, done, e))
        return false;
    return *done || !may_choose || rows < 2 || attempt(a, 1, false, done, e);
}

bool sgrt_check(SgrtCheck *c, SgrtContext *context, const SgrtData *data, SgrtParams *params,
                SgrtPool *pool, const SgrtCheckSettings *settings, SgrtError *e)
{
    *c = (SgrtCheck){0};
    Attempt a = {context, data, params, pool, settings, c};
    int64_t wanted = settings->batch > 0 ? settings->batch : smaller(data->graph->batch, ROWS);
    int64_t rows = data->graph->batch ? smaller(data->rows, wanted) : 1;
    bool done = false;
    bool checked = make_result(c, data->model, data->graph, e) && check_exact(&a, rows, &done, e) &&
                   (done || attempt(&a, rows, true, &done, e));
    if (!checked)
        sgrt_check_free(c);
    return checked;
}

void sgrt_check_free(SgrtCheck *c)
{
    free(c->checked);
    *c = (SgrtCheck){0};
}
