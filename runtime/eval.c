/* The mean of a graph's costs over the rows of its data. */
#include "runtime/eval.h"

#include "runtime/host.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool refuse(const SgrtData *data, int64_t first, int64_t rows, SgrtError *e)
{
    char where[80];
    if (data->graph->batch == 0)
        return false;
    snprintf(where, sizeof where, "rows %lld to %lld", (long long)first,
             (long long)(first + rows - 1));
    return sgrt_fail_in(e, where);
}

/* Means, and the squares of the objective around its own, of the batches so far (West, 1979). */
typedef struct Sum {
    double *cost, spread;
    double weight, batches;
} Sum;

static void add(Sum *s, const double *cost, int64_t costs, double weight)
{
    double away = cost[0] - s->cost[0];
    s->weight += weight;
    s->batches++;
    for (int64_t i = 0; i <= costs; i++)
        s->cost[i] += weight / s->weight * (cost[i] - s->cost[i]);
    s->spread += weight * away * (cost[0] - s->cost[0]);
}

typedef struct Evaluation {
    SgrtContext *context;
    const SgrtEvalSettings *settings;
    SgrtFeed feed;
    double *cost; /* [1 + costs] of a batch */
    Sum sum;
} Evaluation;

static bool add_batch(Evaluation *v, int64_t first, int64_t rows, SgrtError *e)
{
    const SgrtData *data = v->feed.data;
    if (data->graph->batch)
        sgrt_feed_load(&v->feed, NULL, first, rows, v->settings->pool);
    SgrtContextCall call = {.rows = rows,
                            .total_rows = data->rows,
                            .first_row = first,
                            .row = v->feed.row,
                            .data = (const void *const *)v->feed.column,
                            .noise = (const void *const *)v->settings->tape,
                            .cost = v->cost,
                            .trusted = 1};
    sgrt_context_noise(v->context, v->settings->seed, first / v->feed.batch);
    int status = sgrt_context_eval(v->context, (int)(data->graph - data->model->graph), &call);
    if (status != SGRT_CONTEXT_OK) {
        sgrt_host_fail(v->context, status, e);
        return refuse(data, first, rows, e);
    }
    add(&v->sum, v->cost, data->graph->costs, (double)rows);
    return true;
}

static bool add_all(Evaluation *v, SgrtError *e)
{
    int64_t rows = v->feed.data->rows, batch = v->feed.batch;
    for (int64_t first = 0; first < rows; first += batch)
        if (!add_batch(v, first, rows - first < batch ? rows - first : batch, e))
            return false;
    return true;
}

bool sgrt_eval(const SgrtData *data, SgrtContext *context, const SgrtEvalSettings *settings,
               double *cost, double *se, SgrtError *e)
{
    Evaluation v = {.context = context, .settings = settings, .sum = {.cost = cost}};
    for (int64_t i = 0; i <= data->graph->costs; i++)
        cost[i] = 0;
    v.cost = sgrt_alloc(1 + data->graph->costs, sizeof *v.cost, e);
    bool evaluated =
        v.cost && sgrt_feed_init(&v.feed, data, data->graph->batch ? settings->batch : 1, e);
    if (evaluated) {
        evaluated = add_all(&v, e);
        sgrt_feed_free(&v.feed);
    }
    const Sum *s = &v.sum;
    *se = s->batches > 1 ? sqrt(s->spread / s->weight / (s->batches - 1)) : NAN;
    free(v.cost);
    return evaluated;
}
