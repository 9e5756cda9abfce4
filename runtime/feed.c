/* A whole array does not change between calls, so it is converted once. */
#include "runtime/feed.h"

#include "runtime/memory.h"

#include <stdlib.h>

enum { GATHER_ELEMENTS = 1 << 15 };

static bool make(SgrtFeed *f, SgrtError *e)
{
    const SgrtGraph *g = f->data->graph;
    f->row = sgrt_alloc(f->batch, sizeof *f->row, e);
    f->column = f->row ? sgrt_alloc(g->columns, sizeof *f->column, e) : NULL;
    if (!f->column)
        return false;
    for (int64_t i = 0; i < g->columns; i++) {
        const SgrtColumn *column = &g->column[i];
        int64_t rows = column->by_rows ? f->batch : 1;
        f->column[i] = sgrt_alloc(rows * column->size, sgrt_elem_bytes(column->elem), e);
        if (!f->column[i])
            return false;
        if (!column->by_rows)
            sgrt_gather(&f->data->bound[i], column, NULL, 0, 1, f->column[i]);
    }
    return true;
}

bool sgrt_feed_init(SgrtFeed *f, const SgrtData *data, int64_t batch, SgrtError *e)
{
    *f = (SgrtFeed){.data = data, .batch = batch, .rows = batch};
    if (make(f, e))
        return true;
    sgrt_feed_free(f);
    return false;
}

void sgrt_feed_free(SgrtFeed *f)
{
    for (int64_t i = 0; f->column && i < f->data->graph->columns; i++)
        free(f->column[i]);
    free(f->column);
    free(f->row);
    *f = (SgrtFeed){0};
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

static void load_column(SgrtFeed *f, int64_t i, const uint32_t *order, int64_t first,
                        SgrtPool *pool)
{
    const SgrtColumn *column = &f->data->graph->column[i];
    const SgrtBound *bound = &f->data->bound[i];
    int64_t piece = column->size < GATHER_ELEMENTS ? GATHER_ELEMENTS / column->size : 1;
    Gathering g = {bound, column, order, first, f->rows, piece, f->column[i]};
    sgrt_pool_run(pool, gather_piece, &g, (f->rows + piece - 1) / piece);
}

void sgrt_feed_load(SgrtFeed *f, const uint32_t *order, int64_t first, int64_t rows, SgrtPool *pool)
{
    f->rows = rows;
    for (int64_t i = 0; i < rows; i++)
        f->row[i] = order ? order[first + i] : first + i;
    for (int64_t i = 0; i < f->data->graph->columns; i++)
        if (f->data->graph->column[i].by_rows)
            load_column(f, i, order, first, pool);
}
