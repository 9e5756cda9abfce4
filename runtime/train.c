/* The loop's body: rows, a step of the context, sums. */
#include "runtime/train.h"

#include "runtime/host.h"
#include "runtime/memory.h"
#include "runtime/shuffle.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_numbers(SgrtTrainer *t, SgrtError *e)
{
    const SgrtGraph *g = t->data->graph;
    t->cost = sgrt_alloc(1 + g->costs, sizeof *t->cost, e);
    t->sum.cost = t->cost ? sgrt_alloc(1 + g->costs, sizeof *t->sum.cost, e) : NULL;
    t->order = t->sum.cost && g->batch ? sgrt_alloc(t->data->rows, sizeof *t->order, e) : NULL;
    return t->sum.cost && (t->order || !g->batch);
}

/* The context has the model's settings, or the optimiser's own: these are the user's. */
static bool give_settings(const SgrtTrainer *t, SgrtError *e)
{
    const SgrtOptimStep *o = &t->settings.optimizer;
    const struct {
        const char *name;
        double value;
    } setting[] = {{"lr", o->lr},
                   {"momentum", o->momentum},
                   {"beta1", o->beta1},
                   {"beta2", o->beta2},
                   {"eps", o->eps},
                   {"weight_decay", o->weight_decay},
                   {"clip", t->settings.clip}};
    for (size_t i = 0; i < sizeof setting / sizeof *setting; i++)
        if (sgrt_context_optimizer(t->context, setting[i].name, setting[i].value))
            return sgrt_host_fail(t->context, SGRT_CONTEXT_ARGUMENT, e);
    return true;
}

bool sgrt_trainer_init(SgrtTrainer *t, const SgrtTrainSettings *settings, const SgrtData *data,
                       SgrtContext *context, SgrtPool *pool, SgrtError *e)
{
    *t = (SgrtTrainer){.settings = *settings, .data = data, .context = context, .pool = pool};
    t->graph = (int)(data->graph - data->model->graph);
    if (!data->graph->batch)
        t->settings.batch = 1;
    else if (t->settings.batch > data->rows)
        t->settings.batch = data->rows;
    t->ordered = -1;
    if (data->graph->batch)
        t->epoch_steps = (data->rows + t->settings.batch - 1) / t->settings.batch;
    if (give_settings(t, e) && make_numbers(t, e) &&
        sgrt_feed_init(&t->feed, data, t->settings.batch, e))
        return true;
    sgrt_trainer_free(t);
    return false;
}

void sgrt_trainer_free(SgrtTrainer *t)
{
    if (t->feed.data)
        sgrt_feed_free(&t->feed);
    free(t->cost);
    free(t->sum.cost);
    free(t->order);
    *t = (SgrtTrainer){0};
}

/* The rows of this step: the next of the epoch's permutation. */
static void load_rows(SgrtTrainer *t)
{
    if (!t->epoch_steps)
        return;
    int64_t epoch = t->step / t->epoch_steps, batch = t->settings.batch;
    int64_t first = t->step % t->epoch_steps * batch, left = t->data->rows - first;
    if (t->ordered != epoch)
        sgrt_shuffle(t->order, t->data->rows, t->settings.seed, epoch);
    t->ordered = epoch;
    sgrt_feed_load(&t->feed, t->order, first, left < batch ? left : batch, t->pool);
}

/* Welford's update of the mean and the spread around it, weighed by rows (West, 1979). */
static void add_up(SgrtTrainer *t)
{
    SgrtSums *s = &t->sum;
    const double *cost = t->cost;
    double rows = t->epoch_steps ? (double)t->feed.rows : 1;
    double away = s->rows > 0 ? cost[0] - s->cost[0] / s->rows : 0;
    for (int64_t i = 0; i <= t->data->graph->costs; i++)
        s->cost[i] += rows * cost[i];
    s->rows += rows;
    s->spread += rows * away * (cost[0] - s->cost[0] / s->rows);
    s->steps++;
}

/* "step 812 (epoch 3, rows 300 to 399 of its order): ...": steps and epochs count from 1. */
static bool refuse(const SgrtTrainer *t, SgrtError *e)
{
    char where[200];
    int64_t first = t->epoch_steps ? t->step % t->epoch_steps * t->settings.batch : 0;
    if (t->epoch_steps)
        snprintf(where, sizeof where, "step %lld (epoch %lld, rows %lld to %lld of its order)",
                 (long long)t->step + 1, (long long)(t->step / t->epoch_steps + 1),
                 (long long)first, (long long)(first + t->feed.rows - 1));
    else
        snprintf(where, sizeof where, "step %lld", (long long)t->step + 1);
    return sgrt_fail_in(e, where);
}

bool sgrt_trainer_step(SgrtTrainer *t, SgrtError *e)
{
    load_rows(t);
    SgrtContextCall call = {.rows = t->feed.rows,
                            .total_rows = t->data->rows,
                            .row = t->feed.row,
                            .data = (const void *const *)t->feed.column,
                            .noise = (const void *const *)t->tape,
                            .cost = t->cost,
                            .trusted = 1};
    sgrt_context_noise(t->context, t->settings.seed, t->step);
    int status = sgrt_context_grad(t->context, t->graph, &call);
    t->estimated = status == SGRT_CONTEXT_OK;
    if (t->estimated)
        status = sgrt_context_update(t->context, t->graph);
    if (status != SGRT_CONTEXT_OK) {
        sgrt_host_fail(t->context, status, e);
        return refuse(t, e);
    }
    t->norm = sgrt_context_norm(t->context, t->graph);
    t->sum.clipped += t->settings.clip > 0 && t->norm > t->settings.clip;
    add_up(t);
    t->step++;
    return true;
}

double sgrt_sums_error(const SgrtSums *s)
{
    return s->steps > 1 ? sqrt(s->spread / s->rows / (s->steps - 1)) : NAN;
}

void sgrt_trainer_report(const SgrtTrainer *t, double *cost)
{
    for (int64_t i = 0; i <= t->data->graph->costs; i++)
        cost[i] = t->sum.rows > 0 ? t->sum.cost[i] / t->sum.rows : NAN;
}

void sgrt_trainer_restart(SgrtTrainer *t)
{
    double *cost = t->sum.cost;
    memset(cost, 0, (size_t)(1 + t->data->graph->costs) * sizeof *cost);
    t->sum = (SgrtSums){.cost = cost};
}
