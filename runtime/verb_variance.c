/* variance: how much the estimate of the gradient varies, by parameter and by draw.
 *
 * The rows stay the same, so what varies is the noise.  The share of a draw is what the gradient
 * varies when its noise alone is drawn again, all else fixed: half the mean square of the
 * difference (Jansen, "Analysis of variance designs for model output", 1999).  Shares add up to
 * more than the whole where draws act together, and to the whole where they do not. */
#include "runtime/verb.h"

#include "runtime/memory.h"
#include "runtime/probe.h"
#include "runtime/progress.h"
#include "runtime/session.h"
#include "runtime/tape.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 32, MOST = 100000 };
static const double long_enough = 1; /* seconds */

/* A draw of the program: the sites of its name, "z" and "z.variant". */
typedef struct Draw {
    const char *name;
    int length; /* of the name, without what follows a dot */
} Draw;

typedef struct Variance {
    SgrtProbe probe;
    const SgrtEntry *entry;
    void **first, **second, **tape; /* owned: noise by site; tape borrows from both */
    Draw *draw;                     /* owned */
    int64_t draws, elements, samples;
    int64_t *begin;           /* owned: [params + 1] */
    double *gradient, *other; /* owned: [elements] of one sample */
    double *mean, *square;    /* owned: [elements] running, by Welford */
    double *of_draw;          /* owned: [draws x params] sums of half squared differences */
    double cost, cost_square;
    double *took; /* owned: [MOST] of the first steps */
} Variance;

static int name_length(const char *site)
{
    return (int)strcspn(site, ".");
}

static bool of_draw(const Draw *d, const char *site)
{
    return name_length(site) == d->length && strncmp(site, d->name, (size_t)d->length) == 0;
}

static void list_draws(Variance *v)
{
    for (int64_t i = 0; i < v->entry->sites; i++) {
        const char *name = v->entry->site[i].name;
        bool known = false;
        for (int64_t k = 0; k < v->draws; k++)
            known |= of_draw(&v->draw[k], name);
        if (!known)
            v->draw[v->draws++] = (Draw){name, name_length(name)};
    }
}

static bool step(Variance *v, double *gradient, SgrtError *e)
{
    if (!sgrt_probe_step(&v->probe, v->tape, e))
        return false;
    for (int64_t i = 0; i < v->probe.model->params; i++)
        for (int64_t k = v->begin[i]; k < v->begin[i + 1]; k++)
            gradient[k] =
                sgrt_probe_real(&v->probe, sgrt_probe_gradient(&v->probe, i), k - v->begin[i]);
    return true;
}

static void add(Variance *v)
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
static bool draw_again(Variance *v, int64_t draw, SgrtError *e)
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

static bool sample(Variance *v, SgrtError *e)
{
    const SgrtProbe *p = &v->probe;
    sgrt_tape_fill(v->first, p->model, v->entry, p->rows, p->seed, 2 * v->samples);
    sgrt_tape_fill(v->second, p->model, v->entry, p->rows, p->seed, 2 * v->samples + 1);
    memcpy(v->tape, v->first, (size_t)v->entry->sites * sizeof *v->tape);
    double began = sgrt_seconds();
    if (!step(v, v->gradient, e))
        return false;
    if (v->samples < MOST)
        v->took[v->samples] = sgrt_seconds() - began;
    add(v);
    for (int64_t d = 0; d < v->draws; d++)
        if (!draw_again(v, d, e))
            return false;
    return true;
}

/* ---- memory --------------------------------------------------------------------------------- */

static bool number_elements(Variance *v, SgrtError *e)
{
    const SgrtModel *m = v->probe.model;
    v->begin = sgrt_alloc(m->params + 1, sizeof *v->begin, e);
    for (int64_t i = 0; v->begin && i < m->params; i++)
        v->begin[i + 1] = v->begin[i] + (sgrt_probe_gradient(&v->probe, i) ? m->param[i].size : 0);
    v->elements = v->begin ? v->begin[m->params] : 0;
    return v->begin != NULL;
}

static bool begin(Variance *v, SgrtSession *s, int64_t rows, SgrtError *e)
{
    *v = (Variance){.entry = s->graph->step};
    if (!sgrt_probe_init(&v->probe, s->context, &s->data, rows, &s->params, s->pool, s->seed, e) ||
        !number_elements(v, e))
        return false;
    v->took = sgrt_alloc(MOST, sizeof *v->took, e);
    v->draw = sgrt_alloc(v->entry->sites, sizeof *v->draw, e);
    v->tape = sgrt_alloc(v->entry->sites, sizeof *v->tape, e);
    double **number[] = {&v->gradient, &v->other, &v->mean, &v->square};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (!(*number[i] = sgrt_alloc(v->elements, sizeof **number[i], e)))
            return false;
    if (!v->took || !v->draw || !v->tape)
        return false;
    list_draws(v);
    v->of_draw = sgrt_alloc(v->draws * s->model->params, sizeof *v->of_draw, e);
    v->first = v->of_draw ? sgrt_tape_new(s->model, v->entry, v->probe.rows, e) : NULL;
    v->second = v->first ? sgrt_tape_new(s->model, v->entry, v->probe.rows, e) : NULL;
    return v->second != NULL;
}

static void end(Variance *v)
{
    if (v->entry) {
        sgrt_tape_free(v->first, v->entry);
        sgrt_tape_free(v->second, v->entry);
    }
    sgrt_probe_free(&v->probe);
    free(v->took);
    free(v->tape);
    free(v->draw);
    free(v->begin);
    free(v->gradient);
    free(v->other);
    free(v->mean);
    free(v->square);
    free(v->of_draw);
}

/* ---- results -------------------------------------------------------------------------------- */

typedef struct Total {
    double size, variance; /* of all elements: the square of the mean, and the variance */
} Total;

/* The square of the mean is freed of what its own variance adds to it. */
static Total total_of(const Variance *v, int64_t param)
{
    Total t = {0};
    double n = (double)v->samples;
    for (int64_t i = v->begin[param]; i < v->begin[param + 1]; i++) {
        double variance = v->square[i] / (n - 1);
        t.variance += variance;
        t.size += v->mean[i] * v->mean[i] - variance / n;
    }
    t.size = t.size > 0 ? t.size : 0;
    return t;
}

static double all_variance(const Variance *v)
{
    double sum = 0;
    for (int64_t i = 0; i < v->probe.model->params; i++)
        sum += total_of(v, i).variance;
    return sum;
}

static double draw_variance(const Variance *v, int64_t draw)
{
    double sum = 0;
    for (int64_t i = 0; i < v->probe.model->params; i++)
        sum += v->of_draw[draw * v->probe.model->params + i];
    return sum / (double)v->samples;
}

static double cost_error(const Variance *v)
{
    return sqrt(v->cost_square / ((double)v->samples - 1) / (double)v->samples);
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median: what else the machine does would spoil a mean. */
static double seconds_of_step(const Variance *v)
{
    int64_t count = v->samples < MOST ? v->samples : MOST;
    qsort(v->took, (size_t)count, sizeof *v->took, rising);
    return v->took[count / 2];
}

static void print_table(const SgrtSession *s, const Variance *v)
{
    const SgrtModel *m = s->model;
    double all = all_variance(v), seconds = seconds_of_step(v);
    printf("%-16s %10s %10s %8s\n", "param", "|grad|", "est.sd", "snr");
    for (int64_t i = 0; i < m->params; i++) {
        Total t = total_of(v, i);
        if (sgrt_probe_gradient(&v->probe, i))
            printf("%-16s %10.4g %10.4g %8.3g\n", m->param[i].name, sqrt(t.size), sqrt(t.variance),
                   t.variance > 0 ? sqrt(t.size / t.variance) : INFINITY);
    }
    printf("%-16s %10s %10s\n", "draw", "est.sd", "share");
    for (int64_t d = 0; d < v->draws; d++)
        printf("%-16.*s %10.4g %9.1f%%\n", v->draw[d].length, v->draw[d].name,
               sqrt(draw_variance(v, d)), all > 0 ? 100 * draw_variance(v, d) / all : 0);
    printf("cost %.6g, standard error %.2g%s\n", v->cost, cost_error(v),
           s->graph->biased ? ", of a biased graph" : "");
    printf("variance %.4g, %.4g s a step, variance x time %.4g; %lld samples, seed %lld\n", all,
           seconds, all * seconds, (long long)v->samples, (long long)s->seed);
}

static void print_json(const SgrtSession *s, const Variance *v)
{
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "graph", s->graph->name);
    cJSON_AddBoolToObject(all, "biased", s->graph->biased != 0);
    cJSON_AddNumberToObject(all, "cost", v->cost);
    cJSON_AddNumberToObject(all, "cost_se", cost_error(v));
    cJSON_AddNumberToObject(all, "variance", all_variance(v));
    cJSON_AddNumberToObject(all, "seconds", seconds_of_step(v));
    cJSON_AddNumberToObject(all, "samples", (double)v->samples);
    cJSON *params = cJSON_AddArrayToObject(all, "params"),
          *draws = cJSON_AddArrayToObject(all, "draws");
    for (int64_t i = 0; i < s->model->params; i++) {
        Total t = total_of(v, i);
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(params, one);
        cJSON_AddStringToObject(one, "name", s->model->param[i].name);
        cJSON_AddNumberToObject(one, "gradient", sqrt(t.size));
        cJSON_AddNumberToObject(one, "variance", t.variance);
    }
    for (int64_t d = 0; d < v->draws; d++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", v->draw[d].length, v->draw[d].name);
        cJSON *one = cJSON_CreateObject(), *of = cJSON_CreateArray();
        cJSON_AddItemToArray(draws, one);
        cJSON_AddStringToObject(one, "name", name);
        cJSON_AddNumberToObject(one, "variance", draw_variance(v, d));
        cJSON_AddItemToObject(one, "params", of);
        for (int64_t i = 0; i < s->model->params; i++)
            cJSON_AddItemToArray(
                of, cJSON_CreateNumber(v->of_draw[d * s->model->params + i] / (double)v->samples));
    }
    char *text = cJSON_Print(all);
    printf("%s\n", text ? text : "");
    free(text);
    cJSON_Delete(all);
}

static int measure(SgrtSession *s)
{
    SgrtError e;
    Variance v;
    int64_t rows = s->graph->batch && s->batch > s->data.rows ? s->data.rows : s->batch;
    int64_t asked = s->options->samples, most = asked > 0 ? asked : MOST;
    bool done = begin(&v, s, rows, &e);
    double began = sgrt_seconds();
    while (done && v.samples < most &&
           (asked > 0 || v.samples < LEAST || sgrt_seconds() - began < long_enough))
        done = sample(&v, &e);
    if (done)
        (s->options->json ? print_json : print_table)(s, &v);
    end(&v);
    return done ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_variance(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, true, measure);
}
