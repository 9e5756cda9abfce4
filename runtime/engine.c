/* Frames and the phases of an entry. */
#include "runtime/engine.h"

#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, GATHER_ELEMENTS = 1 << 15 };

int64_t sgrt_real_bytes(const SgrtModel *model)
{
    return sgrt_elem_bytes(model->real);
}

SgrtStored sgrt_real_stored(const SgrtModel *model)
{
    return model->real == SGRT_F64 ? SGRT_STORED_F64 : SGRT_STORED_F32;
}

const SgrtGraph *sgrt_graph_find(const SgrtModel *model, const char *name)
{
    for (int64_t i = 0; i < model->graphs; i++)
        if (strcmp(model->graph[i].name, name) == 0)
            return &model->graph[i];
    return NULL;
}

static int64_t aligned_bytes(const SgrtModel *model, int64_t param)
{
    int64_t bytes = model->param[param].size * sgrt_real_bytes(model);
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

bool sgrt_params_init(SgrtParams *p, const SgrtModel *model, const unsigned char *chosen,
                      SgrtError *e)
{
    *p = (SgrtParams){.model = model};
    int64_t bytes = 0;
    for (int64_t i = 0; i < model->params; i++)
        bytes += !chosen || chosen[i] ? aligned_bytes(model, i) : 0;
    p->value = sgrt_alloc(model->params, sizeof *p->value, e);
    p->memory = p->value ? sgrt_alloc(bytes, 1, e) : NULL;
    if (!p->memory) {
        sgrt_params_free(p);
        return false;
    }
    char *next = p->memory;
    for (int64_t i = 0; i < model->params; i++) {
        if (chosen && !chosen[i])
            continue;
        p->value[i] = next;
        next += aligned_bytes(model, i);
    }
    return true;
}

void sgrt_params_free(SgrtParams *p)
{
    free(p->value);
    free(p->memory);
    *p = (SgrtParams){0};
}

/* A whole array does not change between calls, so it is converted once.  Without bound data the
 * caller points frame.data to its own. */
static bool make_columns(SgrtCall *c, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    void **data = sgrt_alloc(g->columns, sizeof *data, e);
    c->frame.data = data;
    c->buffer = sgrt_alloc(g->columns, sizeof *c->buffer, e);
    if (!data || !c->buffer)
        return false;
    for (int64_t i = 0; c->data->bound && i < g->columns; i++) {
        const SgrtColumn *column = &g->column[i];
        int64_t rows = column->by_rows ? c->batch : 1;
        c->buffer[i] = sgrt_alloc(rows * column->size, sgrt_elem_bytes(column->elem), e);
        if (!c->buffer[i])
            return false;
        data[i] = c->buffer[i];
        if (!column->by_rows)
            sgrt_gather(&c->data->bound[i], column, NULL, 0, 1, data[i]);
    }
    return true;
}

static bool make_outputs(SgrtCall *c, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    void **output = sgrt_alloc(g->outputs, sizeof *output, e);
    c->frame.output = output;
    if (!output)
        return false;
    c->owns_output = c->entry == g->run && c->data->bound;
    for (int64_t i = 0; c->owns_output && i < g->outputs; i++) {
        int64_t rows = g->output[i].by_rows ? c->batch : 1;
        output[i] = sgrt_alloc(rows * g->output[i].size, sgrt_elem_bytes(g->output[i].elem), e);
        if (!output[i])
            return false;
    }
    return true;
}

static bool make_frame(SgrtCall *c, SgrtParams *params, SgrtParams *grad, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    c->frame.param = params->value;
    c->frame.grad = grad ? grad->value : NULL;
    c->frame.total_rows = (double)c->data->rows;
    c->frame.rows = c->batch;
    c->frame.fault = &c->fault;
    c->frame.arena = sgrt_alloc(c->entry->arena_bytes, 1, e);
    c->frame.cost = c->frame.arena ? sgrt_alloc(1 + g->costs, sizeof(double), e) : NULL;
    c->frame.row = c->frame.cost ? sgrt_alloc(c->batch, sizeof(int64_t), e) : NULL;
    return c->frame.row && make_columns(c, e) && make_outputs(c, e);
}

bool sgrt_call_init(SgrtCall *c, const SgrtData *data, const SgrtEntry *entry, int64_t batch,
                    SgrtParams *params, SgrtParams *grad, SgrtError *e)
{
    *c = (SgrtCall){.data = data, .entry = entry, .batch = batch};
    if (make_frame(c, params, grad, e))
        return true;
    sgrt_call_free(c);
    return false;
}

void sgrt_call_free(SgrtCall *c)
{
    for (int64_t i = 0; c->buffer && i < c->data->graph->columns; i++)
        free(c->buffer[i]);
    for (int64_t i = 0; c->owns_output && i < c->data->graph->outputs; i++)
        free(((void **)c->frame.output)[i]);
    free(c->buffer);
    free(c->frame.data);
    free(c->frame.output);
    free(c->frame.arena);
    free(c->frame.cost);
    free(c->frame.row);
    *c = (SgrtCall){0};
}

/* Rows of one column, in pieces. */
typedef struct Gathering {
    const SgrtBound *bound;
    const SgrtColumn *column;
    const uint32_t *order;
    int64_t first, rows, piece;
    char *out;
} Gathering;

static void gather_piece(void *context, int64_t task)
{
    const Gathering *g = context;
    int64_t begin = task * g->piece;
    int64_t count = g->rows - begin < g->piece ? g->rows - begin : g->piece;
    int64_t row_bytes = g->column->size * sgrt_elem_bytes(g->column->elem);
    sgrt_gather(g->bound, g->column, g->order, g->first + begin, count, g->out + begin * row_bytes);
}

static void load_column(SgrtCall *c, int64_t i, const uint32_t *order, int64_t first, int64_t rows,
                        SgrtPool *pool)
{
    const SgrtColumn *column = &c->data->graph->column[i];
    const SgrtBound *bound = &c->data->bound[i];
    int64_t piece = column->size < GATHER_ELEMENTS ? GATHER_ELEMENTS / column->size : 1;
    Gathering g = {bound, column, order, first, rows, piece, c->buffer[i]};
    sgrt_pool_run(pool, gather_piece, &g, (rows + piece - 1) / piece);
}

void sgrt_call_load(SgrtCall *c, const uint32_t *order, int64_t first, int64_t rows, SgrtPool *pool)
{
    c->frame.rows = rows;
    for (int64_t i = 0; i < rows; i++)
        ((int64_t *)c->frame.row)[i] = order ? order[first + i] : first + i;
    for (int64_t i = 0; i < c->data->graph->columns; i++)
        if (c->data->graph->column[i].by_rows)
            load_column(c, i, order, first, rows, pool);
}

/* A phase and its frame, for the pool. */
typedef struct Running {
    SgrtPhaseFn *run;
    SgrtFrame *frame;
} Running;

static void run_task(void *context, int64_t task)
{
    const Running *r = context;
    r->run(r->frame, task);
}

void sgrt_call_phase(SgrtCall *c, int64_t phase, SgrtPool *pool)
{
    Running r = {c->entry->phase[phase].run, &c->frame};
    sgrt_pool_run(pool, run_task, &r, c->entry->phase[phase].tasks);
}

void sgrt_call_run(SgrtCall *c, SgrtPool *pool)
{
    c->fault = (SgrtFault){0};
    for (int64_t i = 0; i < c->entry->phases; i++)
        sgrt_call_phase(c, i, pool);
}

bool sgrt_call_check(const SgrtCall *c, SgrtError *e)
{
    const SgrtGraph *g = c->data->graph;
    const double *cost = c->frame.cost;
    if (c->fault.kind)
        return sgrt_fail(e, "%s: index %lld out of range [0, %lld)", g->place[c->fault.place],
                         (long long)c->fault.index, (long long)c->fault.size);
    for (int64_t i = 0; i < g->costs; i++)
        if (!isfinite(cost[1 + i]))
            return sgrt_fail_nonfinite(e, "the cost of %s is %g", g->cost[i], cost[1 + i]);
    if (g->costs && !isfinite(cost[0]))
        return sgrt_fail_nonfinite(e, "the sum of the costs is %g", cost[0]);
    return true;
}
