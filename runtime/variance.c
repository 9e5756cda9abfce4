/* Samples of a gradient, their running mean and variance, and each draw's part in it. */
#include "runtime/variance.h"

#include "runtime/memory.h"
#include "runtime/progress.h"
#include "runtime/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int name_length(const char *site)
{
    return (int)strcspn(site, ".");
}

static bool of_draw(const SgrtDrawName *d, const char *site)
{
    return name_length(site) == d->length && strncmp(site, d->name, (size_t)d->length) == 0;
}

static void list_draws(SgrtVariance *v)
{
    for (int64_t i = 0; i < v->entry->sites; i++) {
        const char *name = v->entry->site[i].name;
        bool known = false;
        for (int64_t k = 0; k < v->draws; k++)
            known |= of_draw(&v->draw[k], name);
        if (!known)
            v->draw[v->draws++] = (SgrtDrawName){name, name_length(name)};
    }
}

static bool step(SgrtVariance *v, double *gradient, SgrtError *e)
{
    if (!sgrt_probe_step(&v->probe, v->tape, e))
        return false;
    for (int64_t i = 0; i < v->probe.model->params; i++)
        for (int64_t k = v->begin[i]; k < v->begin[i + 1]; k++)
            gradient[k] =
                sgrt_probe_real(&v->probe, sgrt_probe_gradient(&v->probe, i), k - v->begin[i]);
    return true;
}

static void add(SgrtVariance *v)
{
    double n = (double)++v->samples, cost = v->probe.cost[0];
    double away = cost - v->cost;
    v->cost += away / n;
    v->cost_square += away * (cost - v->cost);
    for (int64_t i = 0; i < v->elements; i++) {
        away = v->gradient[i] - v->mean[i];
        v->mean[i] += away / n;
        v->square[i] += away * (v->gradient[i] - v->mean[i]);
    }
}

/* The draw's noise from the second sample, the others' from the first. */
static bool draw_again(SgrtVariance *v, int64_t draw, SgrtError *e)
{
    for (int64_t i = 0; i < v->entry->sites; i++)
        v->tape[i] = (of_draw(&v->draw[draw], v->entry->site[i].name) ? v->second : v->first)[i];
    if (!step(v, v->other, e))
        return false;
    for (int64_t p = 0; p < v->probe.model->params; p++)
        for (int64_t i = v->begin[p]; i < v->begin[p + 1]; i++) {
            double d = v->other[i] - v->gradient[i];
            v->of_draw[draw * v->probe.model->params + p] += d * d / 2;
        }
    return true;
}

bool sgrt_variance_sample(SgrtVariance *v, SgrtError *e)
{
    const SgrtProbe *p = &v->probe;
    int64_t number = v->number + 2 * v->samples;
    sgrt_tape_fill(v->first, p->model, v->entry, p->rows, p->seed, number);
    sgrt_tape_fill(v->second, p->model, v->entry, p->rows, p->seed, number + 1);
    memcpy(v->tape, v->first, (size_t)v->entry->sites * sizeof *v->tape);
    double began = sgrt_seconds();
    if (!step(v, v->gradient, e))
        return false;
    v->seconds = sgrt_seconds() - began;
    add(v);
    for (int64_t d = 0; d < v->draws; d++)
        if (!draw_again(v, d, e))
            return false;
    return true;
}

/* ---- memory --------------------------------------------------------------------------------- */

static bool number_elements(SgrtVariance *v, SgrtError *e)
{
    const SgrtModel *m = v->probe.model;
    v->begin = sgrt_alloc(m->params + 1, sizeof *v->begin, e);
    for (int64_t i = 0; v->begin && i < m->params; i++)
        v->begin[i + 1] = v->begin[i] + (sgrt_probe_gradient(&v->probe, i) ? m->param[i].size : 0);
    v->elements = v->begin ? v->begin[m->params] : 0;
    return v->begin != NULL;
}

static bool make_numbers(SgrtVariance *v, SgrtError *e)
{
    double **number[] = {&v->gradient, &v->other, &v->mean, &v->square};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (!(*number[i] = sgrt_alloc(v->elements, sizeof **number[i], e)))
            return false;
    v->of_draw = sgrt_alloc(v->draws * v->probe.model->params, sizeof *v->of_draw, e);
    return v->of_draw != NULL;
}

bool sgrt_variance_init(SgrtVariance *v, SgrtContext *context, const SgrtData *data, int64_t rows,
                        SgrtParams *params, SgrtPool *pool, int64_t seed, SgrtError *e)
{
    *v = (SgrtVariance){.entry = data->graph->step};
    if (!sgrt_probe_init(&v->probe, context, data, rows, params, pool, seed, e) ||
        !number_elements(v, e))
        return false;
    v->draw = sgrt_alloc(v->entry->sites, sizeof *v->draw, e);
    v->tape = v->draw ? sgrt_alloc(v->entry->sites, sizeof *v->tape, e) : NULL;
    if (!v->tape)
        return false;
    list_draws(v);
    v->first = make_numbers(v, e) ? sgrt_tape_new(data->model, v->entry, v->probe.rows, e) : NULL;
    v->second = v->first ? sgrt_tape_new(data->model, v->entry, v->probe.rows, e) : NULL;
    return v->second != NULL;
}

void sgrt_variance_free(SgrtVariance *v)
{
    if (v->entry) {
        sgrt_tape_free(v->first, v->entry);
        sgrt_tape_free(v->second, v->entry);
    }
    sgrt_probe_free(&v->probe);
    free(v->tape);
    free(v->draw);
    free(v->begin);
    free(v->gradient);
    free(v->other);
    free(v->mean);
    free(v->square);
    free(v->of_draw);
    *v = (SgrtVariance){0};
}

void sgrt_variance_restart(SgrtVariance *v, int64_t number)
{
    size_t bytes = (size_t)v->elements * sizeof(double);
    memset(v->mean, 0, bytes);
    memset(v->square, 0, bytes);
    memset(v->of_draw, 0, (size_t)(v->draws * v->probe.model->params) * sizeof *v->of_draw);
    v->cost = v->cost_square = 0;
    v->samples = 0;
    v->number = number;
}

/* ---- results -------------------------------------------------------------------------------- */

/* The square of the mean is freed of what its own variance adds to it. */
SgrtSpread sgrt_variance_of_param(const SgrtVariance *v, int64_t param)
{
    SgrtSpread t = {0};
    double n = (double)v->samples;
    for (int64_t i = v->begin[param]; i < v->begin[param + 1]; i++) {
        double variance = v->square[i] / (n - 1);
        t.variance += variance;
        t.size += v->mean[i] * v->mean[i] - variance / n;
    }
    t.size = t.size > 0 ? t.size : 0;
    return t;
}

SgrtSpread sgrt_variance_of_all(const SgrtVariance *v)
{
    SgrtSpread sum = {0};
    for (int64_t i = 0; i < v->probe.model->params; i++) {
        SgrtSpread s = sgrt_variance_of_param(v, i);
        sum.size += s.size;
        sum.variance += s.variance;
    }
    return sum;
}

double sgrt_variance_of_both(const SgrtVariance *v, int64_t draw, int64_t param)
{
    return v->of_draw[draw * v->probe.model->params + param] / (double)v->samples;
}

double sgrt_variance_of_draw(const SgrtVariance *v, int64_t draw)
{
    double sum = 0;
    for (int64_t i = 0; i < v->probe.model->params; i++)
        sum += sgrt_variance_of_both(v, draw, i);
    return sum;
}

double sgrt_variance_cost_error(const SgrtVariance *v)
{
    return sqrt(v->cost_square / ((double)v->samples - 1) / (double)v->samples);
}

double sgrt_variance_signal(SgrtSpread s)
{
    return s.variance > 0 ? sqrt(s.size / s.variance) : INFINITY;
}
