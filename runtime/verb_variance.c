/* variance: how much the estimate of the gradient varies, by parameter and by draw. */
#include "runtime/verb.h"

#include "runtime/memory.h"
#include "runtime/progress.h"
#include "runtime/session.h"
#include "runtime/variance.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

enum { LEAST = 32, MOST = 100000 };
static const double long_enough = 1; /* seconds */

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The median: what else the machine does would spoil a mean. */
static double median(double *took, int64_t count)
{
    qsort(took, (size_t)count, sizeof *took, rising);
    return took[count / 2];
}

static void print_table(const SgrtSession *s, const SgrtVariance *v, double seconds)
{
    const SgrtModel *m = s->model;
    double all = sgrt_variance_of_all(v).variance;
    printf("%-16s %10s %10s %8s\n", "param", "|grad|", "est.sd", "snr");
    for (int64_t i = 0; i < m->params; i++) {
        SgrtSpread t = sgrt_variance_of_param(v, i);
        if (sgrt_probe_gradient(&v->probe, i))
            printf("%-16s %10.4g %10.4g %8.3g\n", m->param[i].name, sqrt(t.size), sqrt(t.variance),
                   sgrt_variance_signal(t));
    }
    printf("%-16s %10s %10s\n", "draw", "est.sd", "share");
    for (int64_t d = 0; d < v->draws; d++) {
        double variance = sgrt_variance_of_draw(v, d);
        printf("%-16.*s %10.4g %9.1f%%\n", v->draw[d].length, v->draw[d].name, sqrt(variance),
               all > 0 ? 100 * variance / all : 0);
    }
    printf("cost %.6g, standard error %.2g%s\n", v->cost, sgrt_variance_cost_error(v),
           s->graph->biased ? ", of a biased graph" : "");
    printf("variance %.4g, %.4g s a step, variance x time %.4g; %lld samples, seed %lld\n", all,
           seconds, all * seconds, (long long)v->samples, (long long)s->seed);
}

static void add_param(cJSON *to, const SgrtModel *m, const SgrtVariance *v, int64_t i)
{
    SgrtSpread t = sgrt_variance_of_param(v, i);
    cJSON *one = cJSON_CreateObject();
    cJSON_AddItemToArray(to, one);
    cJSON_AddStringToObject(one, "name", m->param[i].name);
    cJSON_AddNumberToObject(one, "gradient", sqrt(t.size));
    cJSON_AddNumberToObject(one, "variance", t.variance);
}

static void add_draw(cJSON *to, const SgrtModel *m, const SgrtVariance *v, int64_t d)
{
    char name[128];
    snprintf(name, sizeof name, "%.*s", v->draw[d].length, v->draw[d].name);
    cJSON *one = cJSON_CreateObject(), *of = cJSON_CreateArray();
    cJSON_AddItemToArray(to, one);
    cJSON_AddStringToObject(one, "name", name);
    cJSON_AddNumberToObject(one, "variance", sgrt_variance_of_draw(v, d));
    cJSON_AddItemToObject(one, "params", of);
    for (int64_t i = 0; i < m->params; i++)
        cJSON_AddItemToArray(of, cJSON_CreateNumber(sgrt_variance_of_both(v, d, i)));
}

static void print_json(const SgrtSession *s, const SgrtVariance *v, double seconds)
{
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "graph", s->graph->name);
    cJSON_AddBoolToObject(all, "biased", s->graph->biased != 0);
    cJSON_AddNumberToObject(all, "cost", v->cost);
    cJSON_AddNumberToObject(all, "cost_se", sgrt_variance_cost_error(v));
    cJSON_AddNumberToObject(all, "variance", sgrt_variance_of_all(v).variance);
    cJSON_AddNumberToObject(all, "seconds", seconds);
    cJSON_AddNumberToObject(all, "samples", (double)v->samples);
    cJSON *params = cJSON_AddArrayToObject(all, "params"),
          *draws = cJSON_AddArrayToObject(all, "draws");
    for (int64_t i = 0; i < s->model->params; i++)
        add_param(params, s->model, v, i);
    for (int64_t d = 0; d < v->draws; d++)
        add_draw(draws, s->model, v, d);
    char *text = cJSON_Print(all);
    printf("%s\n", text ? text : "");
    free(text);
    cJSON_Delete(all);
}

/* As many samples as are asked for, or as a second has.  `took`: [MOST] seconds of their steps. */
static bool draw_samples(SgrtVariance *v, int64_t asked, double *took, SgrtError *e)
{
    double began = sgrt_seconds();
    int64_t most = asked > 0 ? asked : MOST;
    while (v->samples < most &&
           (asked > 0 || v->samples < LEAST || sgrt_seconds() - began < long_enough)) {
        if (!sgrt_variance_sample(v, e))
            return false;
        if (v->samples <= MOST)
            took[v->samples - 1] = v->seconds;
    }
    return true;
}

static int measure(SgrtSession *s)
{
    SgrtError e;
    SgrtVariance v;
    int64_t rows = s->graph->batch && s->batch > s->data.rows ? s->data.rows : s->batch;
    bool done =
        sgrt_variance_init(&v, s->context, &s->data, rows, &s->params, s->pool, s->seed, &e);
    double *took = done ? sgrt_alloc(MOST, sizeof *took, &e) : NULL;
    done = took && draw_samples(&v, s->options->samples, took, &e);
    double seconds = done ? median(took, v.samples < MOST ? v.samples : MOST) : 0;
    if (done && s->options->json)
        print_json(s, &v, seconds);
    else if (done)
        print_table(s, &v, seconds);
    free(took);
    sgrt_variance_free(&v);
    return done ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_variance(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, true, measure);
}
