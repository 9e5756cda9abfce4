/* Outputs of a graph, concatenated over the batches of its rows. */
#include "runtime/eval.h"

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

static void run_batch(SgrtCall *c, int64_t first, int64_t rows, SgrtPool *pool, SgrtArray *output)
{
    const SgrtGraph *g = c->data->graph;
    if (g->batch)
        sgrt_call_load(c, NULL, first, rows, pool);
    c->frame.first_row = first;
    sgrt_call_run(c, pool);
    for (int64_t i = 0; i < g->outputs; i++) {
        const SgrtOutput *o = &g->output[i];
        int64_t row = o->size * sgrt_elem_bytes(o->elem);
        char *to = (char *)output[i].values + (o->by_rows ? first * row : 0);
        memcpy(to, ((void **)c->frame.output)[i], (size_t)(row * (o->by_rows ? rows : 1)));
    }
}

static bool run_all(SgrtCall *c, SgrtPool *pool, SgrtArray *output, SgrtError *e)
{
    const SgrtData *data = c->data;
    for (int64_t first = 0; first < data->rows; first += c->batch) {
        int64_t left = data->rows - first;
        run_batch(c, first, left < c->batch ? left : c->batch, pool, output);
        if (c->fault.kind)
            return sgrt_call_check(c, e);
    }
    return true;
}

bool sgrt_run(const SgrtData *data, SgrtParams *params, const SgrtEvalSettings *settings,
              SgrtPool *pool, SgrtArray *output, SgrtError *e)
{
    SgrtCall c;
    const SgrtGraph *g = data->graph;
    int64_t batch = g->batch ? settings->batch : 1;
    memset(output, 0, (size_t)g->outputs * sizeof *output);
    if (!reductions_see_all_rows(data, batch, e) ||
        !sgrt_call_init(&c, data, g->run, batch, params, NULL, e))
        return false;
    c.frame.hyper = (void *)settings->hyper;
    c.frame.tape = settings->tape;
    c.frame.seed = settings->seed;
    c.frame.purpose = SGRT_RUN;
    bool done = true;
    for (int64_t i = 0; done && i < g->outputs; i++)
        done = make_output(&output[i], &g->output[i], data->rows, e);
    done = done && run_all(&c, pool, output, e);
    sgrt_call_free(&c);
    if (!done)
        sgrt_outputs_free(output, g->outputs);
    return done;
}

void sgrt_outputs_free(SgrtArray *output, int64_t outputs)
{
    for (int64_t i = 0; i < outputs; i++)
        sgrt_array_free(&output[i]);
}
