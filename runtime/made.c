/* Data that no file holds: for a first run, a benchmark or a check. */
#include "runtime/bind.h"

#include "runtime/constraint.h"
#include "runtime/init.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A row of the column at a time, from standard normal or uniform values. */
static void shape_row(const SgrtColumn *c, double *v)
{
    double lo = isfinite(c->in.lo) ? c->in.lo : 0, hi = isfinite(c->in.hi) ? c->in.hi : lo + 1;
    if (c->in.kind != SGRT_RANGE && c->elem != SGRT_I32 && c->elem != SGRT_BOOL) {
        sgrt_constrain(&c->in, v, c->dim, c->rank, c->size);
        return;
    }
    if (c->in.kind != SGRT_RANGE)
        lo = 0, hi = 1;
    for (int64_t i = 0; i < c->size; i++)
        v[i] = c->elem == SGRT_F32 || c->elem == SGRT_F64 ? lo + (hi - lo) * v[i]
                                                          : floor(lo + (hi - lo + 1) * v[i]);
}

/* Ranges, integers and truths are made of uniform values. */
static bool is_flat(const SgrtColumn *c)
{
    return c->in.kind == SGRT_RANGE || c->elem == SGRT_I32 || c->elem == SGRT_BOOL;
}

static bool fill(const SgrtColumn *c, const SgrtSource *s, int64_t rows, double *v, SgrtError *e)
{
    char *stream = NULL;
    if (s->kind == SGRT_SOURCE_ZERO)
        return true;
    if (asprintf(&stream, "data %s", c->name) < 0)
        return sgrt_fail(e, "out of memory");
    if (is_flat(c))
        sgrt_fill_uniform(v, rows * c->size, s->seed, stream, 0, 1);
    else
        sgrt_fill_normal(v, rows * c->size, s->seed, stream, 1);
    free(stream);
    for (int64_t row = 0; row < rows; row++)
        shape_row(c, v + row * c->size);
    return true;
}

static bool make(const SgrtColumn *c, const SgrtSource *s, int64_t rows, SgrtArray *a, SgrtError *e)
{
    *a = (SgrtArray){.stored = SGRT_STORED_F64};
    if (c->rank + c->by_rows > SGRT_MOST_AXES)
        return sgrt_fail(e, "data %s has more than %d axes", c->name, SGRT_MOST_AXES);
    if (c->by_rows)
        a->dim[a->rank++] = rows;
    for (int64_t i = 0; i < c->rank; i++)
        a->dim[a->rank++] = c->dim[i];
    if (!sgrt_size_of(a->dim, a->rank, &a->size))
        return sgrt_fail(e, "data %s of %lld rows has more values than there can be", c->name,
                         (long long)rows);
    a->values = sgrt_alloc(a->size, sizeof(double), e);
    return a->values && fill(c, s, c->by_rows ? rows : 1, a->values, e);
}

bool sgrt_data_bind_made(SgrtData *d, int64_t column, SgrtSource *source, int64_t rows,
                         SgrtError *e)
{
    SgrtArray a;
    char word[200];
    const SgrtColumn *c = &d->graph->column[column];
    int64_t count = d->rows_from ? d->rows : rows >= 0 ? rows : d->graph->batch;
    sgrt_source_text(source, word, sizeof word);
    bool bound = make(c, source, count, &a, e);
    bound = bound ? sgrt_data_bind_array(d, column, &a, word, e) : false;
    sgrt_array_free(&a);
    if (bound)
        d->bound[column].source = *source;
    else
        sgrt_source_free(source);
    *source = (SgrtSource){0};
    return bound;
}
