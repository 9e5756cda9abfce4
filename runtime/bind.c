/* From a file's array to a column: the shape, the range of rows, the conversion, the checks. */
#include "runtime/bind.h"

#include "runtime/constraint.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 200 };

static bool is_real(const SgrtColumn *c)
{
    return c->elem == SGRT_F32 || c->elem == SGRT_F64;
}

int64_t sgrt_column_find(const SgrtGraph *graph, const char *name)
{
    for (int64_t i = 0; i < graph->columns; i++)
        if (strcmp(graph->column[i].name, name) == 0)
            return i;
    return -1;
}

bool sgrt_data_init(SgrtData *d, const SgrtModel *model, const SgrtGraph *graph, SgrtError *e)
{
    *d = (SgrtData){.model = model, .graph = graph, .rows = graph->batch > 0 ? 0 : 1};
    d->bound = sgrt_alloc(graph->columns, sizeof *d->bound, e);
    return d->bound != NULL;
}

static void bound_free(SgrtBound *b)
{
    free(b->values);
    sgrt_source_free(&b->source);
    *b = (SgrtBound){0};
}

void sgrt_data_free(SgrtData *d)
{
    for (int64_t i = 0; d->bound && i < d->graph->columns; i++)
        bound_free(&d->bound[i]);
    free(d->bound);
    *d = (SgrtData){0};
}

/* One column being bound. */
typedef struct Binding {
    const SgrtColumn *c;
    SgrtBound *b;
    SgrtArray *a;
    const char *file;
    int64_t first; /* row of the file that becomes row 0 */
    double *row;   /* [c->size]: one row as doubles */
    SgrtError *e;
} Binding;

/* "[2, 3]", and words for no axes. */
static const char *shape_words(char *out, const int64_t *dim, int64_t rank)
{
    return rank ? sgrt_shape_text(out, TEXT, dim, rank) : "a single value";
}

static bool shape_mismatch(const Binding *k, int64_t lead)
{
    char file[TEXT], declared[TEXT];
    return sgrt_fail(k->e, "%s: %s is %s, and data %s is %s", k->file, lead ? "a row" : "the array",
                     shape_words(file, k->a->dim + lead, k->a->rank - lead), k->c->name,
                     shape_words(declared, k->c->dim, k->c->rank));
}

/* The file's axes after the rows must be the declared ones, of which the last may stand for the
 * product of all that remain in the file. */
static bool agree_shape(Binding *k)
{
    int64_t lead = k->c->by_rows ? 1 : 0;
    if (k->a->rank < lead)
        return sgrt_fail(k->e, "%s: a single value; data %s is a column with rows", k->file,
                         k->c->name);
    const int64_t *dim = k->a->dim + lead;
    int64_t rank = k->a->rank - lead, kept = k->c->rank ? k->c->rank - 1 : 0, rest = 1;
    if (rank < kept)
        return shape_mismatch(k, lead);
    for (int64_t i = 0; i < kept; i++)
        if (dim[i] != k->c->dim[i])
            return shape_mismatch(k, lead);
    for (int64_t i = kept; i < rank; i++)
        if (__builtin_mul_overflow(rest, dim[i], &rest))
            return shape_mismatch(k, lead);
    if (rest != (k->c->rank ? k->c->dim[kept] : 1))
        return shape_mismatch(k, lead);
    k->b->flattened = rank != k->c->rank;
    return true;
}

/* FILE[FIRST:LAST] on the first axis. */
static bool agree_rows(Binding *k)
{
    const SgrtSource *s = &k->b->source;
    bool ranged = s->first != 0 || s->last >= 0;
    k->b->rows = k->c->by_rows ? k->a->dim[0] : 1;
    if (!ranged)
        return k->b->rows > 0 || sgrt_fail(k->e, "%s: no rows", k->file);
    if (!k->c->by_rows)
        return sgrt_fail(k->e, "%s: data %s is a whole array; a range of rows is for a column",
                         k->file, k->c->name);
    int64_t last = s->last >= 0 ? s->last : k->b->rows;
    if (s->first >= last || last > k->b->rows)
        return sgrt_fail(k->e, "%s: rows [%lld:%lld) of a file with %lld rows", k->file,
                         (long long)s->first, (long long)last, (long long)k->b->rows);
    k->first = s->first;
    k->b->rows = last - s->first;
    return true;
}

/* clang-format off */
#define EACH_STORED(X)                                                                             \
    X(BOOL, unsigned char) X(U8, uint8_t) X(I8, int8_t) X(U16, uint16_t) X(I16, int16_t)           \
    X(U32, uint32_t) X(I32, int32_t) X(U64, uint64_t) X(I64, int64_t) X(F32, float) X(F64, double)
/* clang-format on */

static void row_to_double(const SgrtArray *a, int64_t first, int64_t count, double *out)
{
    switch (a->stored) {
#define CASE(name, T)                                                                              \
    case SGRT_STORED_##name:                                                                       \
        for (int64_t i = 0; i < count; i++)                                                        \
            out[i] = (double)((const T *)a->values)[first + i];                                    \
        break;
        EACH_STORED(CASE)
#undef CASE
    case SGRT_STORED_COUNT:
        break;
    }
}

/* "FILE: row 7: x[3]": `row` counts in the file, from 0. */
static char *place(const Binding *k, int64_t row, int64_t element, char *out, size_t room)
{
    size_t used = (size_t)snprintf(out, room, "%s: ", k->file);
    if (k->c->by_rows && used < room)
        used +=
            (size_t)snprintf(out + used, room - used, "row %lld: ", (long long)(k->first + row));
    if (used >= room)
        return out;
    used += (size_t)snprintf(out + used, room - used, "%s", k->c->name);
    int64_t below = k->c->size;
    for (int64_t i = 0; i < k->c->rank && used < room; i++) {
        below /= k->c->dim[i];
        used += (size_t)snprintf(out + used, room - used, "[%lld]",
                                 (long long)(element / below % k->c->dim[i]));
    }
    return out;
}

/* Why `v` cannot be an element of the column; NULL if it can. */
static const char *unfit(const SgrtColumn *c, double v)
{
    if (c->elem == SGRT_BOOL)
        return v == 0 || v == 1 ? NULL : "is neither 0 nor 1";
    if (isnan(v))
        return "is not a number";
    if (c->elem == SGRT_I32) {
        if (v != floor(v))
            return "is not an integer";
        return v >= INT32_MIN && v <= INT32_MAX ? NULL : "does not fit a 32-bit integer";
    }
    if (c->elem == SGRT_F32 && isfinite(v) && !isfinite((float)v))
        return "does not fit a 32-bit real";
    return NULL;
}

static bool check_row(const Binding *k, int64_t row)
{
    char at[TEXT * 2], in[TEXT];
    for (int64_t i = 0; i < k->c->size; i++) {
        const char *why = unfit(k->c, k->row[i]);
        if (why)
            return sgrt_fail(k->e, "%s = %.9g %s", place(k, row, i, at, sizeof at), k->row[i], why);
    }
    int64_t out = sgrt_constraint_outside(&k->c->in, k->row, k->c->dim, k->c->rank, k->c->size);
    if (out < 0)
        return true;
    return sgrt_fail(k->e, "%s = %.9g is not in %s", place(k, row, out, at, sizeof at), k->row[out],
                     sgrt_constraint_text(in, sizeof in, &k->c->in));
}

static void store_row(const Binding *k, int64_t row)
{
    int64_t n = k->c->size, first = row * n;
    switch (k->b->stored) {
    case SGRT_STORED_F32:
        for (int64_t i = 0; i < n; i++)
            ((float *)k->b->values)[first + i] = (float)k->row[i];
        break;
    case SGRT_STORED_F64:
        memcpy((double *)k->b->values + first, k->row, (size_t)n * sizeof(double));
        break;
    case SGRT_STORED_I32:
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)k->b->values)[first + i] = (int32_t)k->row[i];
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)k->b->values)[first + i] = (uint8_t)k->row[i];
        break;
    }
}

/* Bytes of a free column, or of one in [0, 1] after the division, cannot be outside it. */
static bool fits_unchecked(const SgrtBound *b, const SgrtColumn *c)
{
    return b->scaled || c->in.kind == SGRT_FREE;
}

/* Bytes move over as they are, without the rows that are not wanted. */
static void keep_bytes(Binding *k)
{
    uint8_t *values = k->a->values;
    if (k->first)
        memmove(values, values + k->first * k->c->size, (size_t)(k->b->rows * k->c->size));
    k->b->values = values;
    k->a->values = NULL;
}

static bool convert_rows(Binding *k)
{
    const SgrtColumn *c = k->c;
    k->b->values = sgrt_alloc(k->b->rows * c->size, sgrt_stored_bytes(k->b->stored), k->e);
    k->row = sgrt_alloc(c->size, sizeof *k->row, k->e);
    bool fit = k->b->values && k->row;
    for (int64_t row = 0; fit && row < k->b->rows; row++) {
        row_to_double(k->a, (k->first + row) * c->size, c->size, k->row);
        fit = check_row(k, row);
        if (fit)
            store_row(k, row);
    }
    free(k->row);
    return fit;
}

static bool take_values(Binding *k)
{
    const SgrtColumn *c = k->c;
    bool bytes = k->a->stored == SGRT_STORED_U8 && is_real(c);
    k->b->scaled = bytes && c->in.kind == SGRT_RANGE && c->in.lo == 0 && c->in.hi == 1;
    if (!bytes || !fits_unchecked(k->b, c)) {
        k->b->stored = sgrt_elem_stored(c->elem);
        return convert_rows(k);
    }
    k->b->stored = SGRT_STORED_U8;
    keep_bytes(k);
    return true;
}

static bool same_rows(SgrtData *d, const Binding *k)
{
    if (!k->c->by_rows)
        return true;
    if (k->b->rows > UINT32_MAX)
        return sgrt_fail(k->e, "%s: %lld rows; at most 4294967295 can be used", k->file,
                         (long long)k->b->rows);
    if (d->rows_from && d->rows != k->b->rows)
        return sgrt_fail(k->e, "data %s has %lld rows and data %s has %lld (%s)", d->rows_from,
                         (long long)d->rows, k->c->name, (long long)k->b->rows, k->file);
    d->rows = k->b->rows;
    d->rows_from = k->c->name;
    return true;
}

static bool bind_array(SgrtData *d, int64_t column, SgrtArray *a, const char *file, SgrtError *e)
{
    SgrtBound *b = &d->bound[column];
    Binding k = {.c = &d->graph->column[column], .b = b, .a = a, .file = file, .e = e};
    b->file_stored = a->stored;
    b->file_rank = a->rank;
    memcpy(b->file_dim, a->dim, sizeof b->file_dim);
    return agree_shape(&k) && agree_rows(&k) && take_values(&k) && same_rows(d, &k);
}

/* Takes the source over; *there is false if the member is wanted only if it is there, and is not.
 */
static bool bind_source(SgrtData *d, int64_t column, SgrtSource *source, SgrtWanted wanted,
                        bool *there, SgrtError *e)
{
    SgrtBound *b = &d->bound[column];
    SgrtArray a = {0};
    bound_free(b);
    b->source = *source;
    *source = (SgrtSource){0};
    const char *name = b->source.member ? b->source.member : d->graph->column[column].name;
    bool read = sgrt_array_read(&a, b->source.path, wanted, name, e);
    *there = read && a.size >= 0;
    bool bound = *there && bind_array(d, column, &a, b->source.path, e);
    sgrt_array_free(&a);
    if (!bound)
        bound_free(b);
    return read && (bound || !*there);
}

bool sgrt_data_bind(SgrtData *d, int64_t column, SgrtSource *source, SgrtError *e)
{
    bool there = false;
    SgrtWanted wanted = source->member ? SGRT_NAMED : SGRT_WHOLE_OR_NAMED;
    return bind_source(d, column, source, wanted, &there, e);
}

bool sgrt_data_bind_names(SgrtData *d, const SgrtSource *source, int64_t *count, SgrtError *e)
{
    *count = 0;
    for (int64_t i = 0; i < d->graph->columns; i++) {
        bool there = false;
        SgrtSource own = {.first = source->first, .last = source->last};
        if (d->bound[i].values)
            continue;
        own.path = sgrt_copy_text(source->path, e);
        own.member = own.path ? sgrt_copy_text(d->graph->column[i].name, e) : NULL;
        if (!own.member) {
            sgrt_source_free(&own);
            return false;
        }
        if (!bind_source(d, i, &own, SGRT_NAMED_IF_THERE, &there, e))
            return false;
        *count += there;
    }
    return true;
}

bool sgrt_data_bind_array(SgrtData *d, int64_t column, SgrtArray *a, const char *name, SgrtError *e)
{
    SgrtBound *b = &d->bound[column];
    bound_free(b);
    b->source.last = -1;
    bool bound = bind_array(d, column, a, name, e);
    sgrt_array_free(a);
    if (!bound)
        bound_free(b);
    return bound;
}

bool sgrt_data_complete(SgrtData *d, int64_t rows, SgrtError *e)
{
    char shape[TEXT];
    for (int64_t i = 0; i < d->graph->columns; i++) {
        const SgrtColumn *c = &d->graph->column[i];
        if (!d->bound[i].values)
            return sgrt_fail(e, "data %s%s is not given; try %s=FILE or %s=random:0", c->name,
                             c->rank ? sgrt_shape_text(shape, sizeof shape, c->dim, c->rank) : "",
                             c->name, c->name);
    }
    if (d->graph->batch == 0)
        return rows < 0 || sgrt_fail(e, "graph %s has no rows", d->graph->name);
    if (d->rows_from && rows >= 0 && rows != d->rows)
        return sgrt_fail(e, "--rows %lld, and data %s has %lld rows", (long long)rows, d->rows_from,
                         (long long)d->rows);
    if (!d->rows_from && rows < 0)
        return sgrt_fail(e, "graph %s has rows and no data: say --rows N", d->graph->name);
    if (!d->rows_from)
        d->rows = rows;
    return true;
}

bool sgrt_bound_note(const SgrtBound *b, const SgrtColumn *c, char *out, size_t room)
{
    char file[TEXT], declared[TEXT];
    int64_t lead = c->by_rows ? 1 : 0;
    if (!b->flattened && !b->scaled)
        return false;
    size_t used = (size_t)snprintf(out, room, "%s: ", c->name);
    if (b->flattened && used < room)
        used += (size_t)snprintf(
            out + used, room - used, "%s taken as %s",
            sgrt_shape_text(file, sizeof file, b->file_dim + lead, b->file_rank - lead),
            sgrt_shape_text(declared, sizeof declared, c->dim, c->rank));
    if (b->scaled && used < room)
        snprintf(out + used, room - used, "%suint8 divided by 255", b->flattened ? ", " : "");
    return true;
}
