/* The mean of a graph's costs over the rows of its data. */
#include "runtime/eval.h"

#include <math.h>
#include <stdio.h>

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

static bool add_batch(SgrtCall *c, int64_t first, int64_t rows, SgrtPool *pool, Sum *sum,
                      SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    if (g->batch)
        sgrt_call_load(c, NULL, first, rows, pool);
    c->frame.first_row = first;
    c->frame.step = first / c->batch;
    sgrt_call_run(c, pool);
    if (!sgrt_call_check(c, e))
        return refuse(c->data, first, rows, e);
    add(sum, c->frame.cost, g->costs, (double)rows);
    return true;
}

bool sgrt_eval(const SgrtData *data, SgrtParams *params, const SgrtEvalSettings *settings,
               SgrtPool *pool, double *cost, double *se, SgrtError *e)
{
    SgrtCall c;
    Sum sum = {.cost = cost};
    int64_t batch = data->graph->batch ? settings->batch : 1;
    if (!sgrt_call_init(&c, data, data->graph->eval, batch, params, NULL, e))
        return false;
    c.frame.hyper = (void *)settings->hyper;
    c.frame.tape = settings->tape;
    c.frame.seed = settings->seed;
    c.frame.purpose = SGRT_EVAL;
    for (int64_t i = 0; i <= data->graph->costs; i++)
        cost[i] = 0;
    bool evaluated = true;
    for (int64_t first = 0; evaluated && first < data->rows; first += batch)
        evaluated = add_batch(&c, first, data->rows - first < batch ? data->rows - first : batch,
                              pool, &sum, e);
    *se = sum.batches > 1 ? sqrt(sum.spread / sum.weight / (sum.batches - 1)) : NAN;
    sgrt_call_free(&c);
    return evaluated;
}
