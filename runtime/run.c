/* Outputs of a graph, concatenated over the batches of its rows. */
#include "runtime/eval.h"

#include "runtime/host.h"
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>

static bool make_output(SgrtArray *a, const SgrtOutput *o, int64_t rows, SgrtError *e)
{
    *a = (SgrtArray){.stored = sgrt_elem_stored(o->elem)};
    if (o->by_rows)
        a->dim[a->rank++] = rows;
    if (o->rank + a->rank > SGRT_MOST_AXES)
        return sgrt_fail(e, "output %s has more than %d axes", o->name, SGRT_MOST_AXES);
    for (int64_t i = 0; i < o->rank; i++)
        a->dim[a->rank++] = o->dim[i];
    if (!sgrt_size_of(a->dim, a->rank, &a->size))
        return sgrt_fail(e, "output %s has more values than there can be", o->name);
    a->values = sgrt_alloc(a->size, sgrt_elem_bytes(o->elem), e);
    return a->values != NULL;
}

/* Without a cost, a value outside `rows` may be a reduction over the rows of the call. */
static bool reductions_see_all_rows(const SgrtData *data, int64_t batch, SgrtError *e)
{
    const SgrtGraph *g = data->graph;
    for (int64_t i = 0; g->costs == 0 && data->rows > batch && i < g->outputs; i++)
        if (!g->output[i].by_rows)
            return sgrt_fail(
                e,
                "output %s takes all rows in one call, which holds %lld, and there are "
                "%lld; compile with a larger batch (sgc --dim)",
                g->output[i].name, (long long)batch, (long long)data->rows);
    return true;
}

/* The outputs of a call go to where they stand among all rows. */
static bool run_batch(SgrtContext *context, SgrtFeed *f, const SgrtEvalSettings *settings,
                      int64_t first, int64_t rows, void **to, SgrtError *e)
{
    const SgrtData *data = f->data;
    if (data->graph->batch)
        sgrt_feed_load(f, NULL, first, rows, settings->pool);
    SgrtContextCall call = {.rows = rows,
                            .total_rows = data->rows,
                            .first_row = first,
                            .row = f->row,
                            .data = (const void *const *)f->column,
                            .output = to,
                            .noise = (const void *const *)settings->tape,
                            .trusted = 1};
    sgrt_context_noise(context, settings->seed, 0);
    int status = sgrt_context_run(context, (int)(data->graph - data->model->graph), &call);
    return status == SGRT_CONTEXT_OK || sgrt_host_fail(context, status, e);
}

static void point(const SgrtGraph *g, const SgrtArray *output, int64_t first, void **to)
{
    for (int64_t i = 0; i < g->outputs; i++) {
        const SgrtOutput *o = &g->output[i];
        int64_t row = o->size * sgrt_elem_bytes(o->elem);
        to[i] = (char *)output[i].values + (o->by_rows ? first * row : 0);
    }
}

static bool run_all(SgrtContext *context, SgrtFeed *f, const SgrtEvalSettings *settings,
                    const SgrtArray *output, SgrtError *e)
{
    const SgrtData *data = f->data;
    void **to = sgrt_alloc(data->graph->outputs, sizeof *to, e);
    bool done = to != NULL;
    for (int64_t first = 0; done && first < data->rows; first += f->batch) {
        int64_t left = data->rows - first;
        point(data->graph, output, first, to);
        done = run_batch(context, f, settings, first, left < f->batch ? left : f->batch, to, e);
    }
    free(to);
    return done;
}

bool sgrt_run(const SgrtData *data, SgrtContext *context, const SgrtEvalSettings *settings,
              SgrtArray *output, SgrtError *e)
{
    SgrtFeed f;
    const SgrtGraph *g = data->graph;
    int64_t batch = g->batch ? settings->batch : 1;
    memset(output, 0, (size_t)g->outputs * sizeof *output);
    if (!reductions_see_all_rows(data, batch, e) || !sgrt_feed_init(&f, data, batch, e))
        return false;
    bool done = true;
    for (int64_t i = 0; done && i < g->outputs; i++)
        done = make_output(&output[i], &g->output[i], data->rows, e);
    done = done && run_all(context, &f, settings, output, e);
    sgrt_feed_free(&f);
    if (!done)
        sgrt_outputs_free(output, g->outputs);
    return done;
}

void sgrt_outputs_free(SgrtArray *output, int64_t outputs)
{
    for (int64_t i = 0; i < outputs; i++)
        sgrt_array_free(&output[i]);
}
