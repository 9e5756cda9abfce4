/* Data files bound to a graph's columns: shapes and types agreed, values checked, rows gathered.
 *
 * What is bound has the declared type, and for a real column of unsigned bytes the bytes themselves
 * (divided by 255 when the column is in [0, 1]), which gathering converts. */
#ifndef SGC_RUNTIME_BIND_H
#define SGC_RUNTIME_BIND_H

#include "runtime/data.h"
#include "runtime/rt.h"

typedef enum SgrtSourceKind {
    SGRT_SOURCE_FILE,
    SGRT_SOURCE_ZERO,
    SGRT_SOURCE_RANDOM
} SgrtSourceKind;

/* FILE, FILE:MEMBER or FILE[FIRST:LAST], or both in this order; LAST -1 is the end.  Or no file:
 * zero, or random:SEED, whose values are inside the column's constraint. */
typedef struct SgrtSource {
    SgrtSourceKind kind;
    char *path, *member; /* owned; member may be NULL */
    int64_t first, last;
    int64_t seed; /* of random */
} SgrtSource;

typedef struct SgrtBound {
    SgrtStored stored; /* U8, or what the column's element type is kept as */
    int64_t rows;      /* 1 for a whole array */
    void *values;      /* owned; NULL while nothing is bound */
    bool scaled;       /* bytes are divided by 255 */
    bool flattened;    /* trailing axes of the file were merged */
    SgrtStored file_stored;
    int64_t file_rank, file_dim[SGRT_MOST_AXES];
    SgrtSource source; /* owned */
} SgrtBound;

typedef struct SgrtData {
    const SgrtModel *model;
    const SgrtGraph *graph;
    SgrtBound *bound;      /* owned: [graph columns] */
    int64_t rows;          /* N; 1 for a graph without rows, 0 until it is known */
    const char *rows_from; /* the column that N came from */
} SgrtData;

bool sgrt_source_parse(SgrtSource *s, const char *word, SgrtError *e);
void sgrt_source_free(SgrtSource *s);

/* What sgrt_source_parse() reads back as the source.  Returns `out`. */
char *sgrt_source_text(const SgrtSource *s, char *out, size_t room);

bool sgrt_data_init(SgrtData *d, const SgrtModel *model, const SgrtGraph *graph, SgrtError *e);
void sgrt_data_free(SgrtData *d);

/* Makes up values for a column and binds them: as many rows as other columns have, or else `rows`,
 * or, if that is negative, those of one batch.  Takes `source` over even on failure. */
bool sgrt_data_bind_made(SgrtData *d, int64_t column, SgrtSource *source, int64_t rows,
                         SgrtError *e);

/* Reads `source`, a file, which it takes over even on failure, and binds it to a column. */
bool sgrt_data_bind(SgrtData *d, int64_t column, SgrtSource *source, SgrtError *e);

/* Binds every column that has no data yet and that a file with names has under its own name;
 * *count of them.  `source` says which rows; its member must be NULL.  It stays the caller's. */
bool sgrt_data_bind_names(SgrtData *d, const SgrtSource *source, int64_t *count, SgrtError *e);

/* Binds an array that a host already has, which it takes over even on failure; `name` stands for
 * the file in errors. */
bool sgrt_data_bind_array(SgrtData *d, int64_t column, SgrtArray *a, const char *name,
                          SgrtError *e);

/* False, naming it, if a column is not bound or the number of rows is not known.  `rows` gives the
 * number where no column does; -1 if the user gave none. */
bool sgrt_data_complete(SgrtData *d, int64_t rows, SgrtError *e);

/* The index of a column, or -1. */
int64_t sgrt_column_find(const SgrtGraph *graph, const char *name);

/* Bytes of one element of a frame's array. */
int64_t sgrt_elem_bytes(int64_t elem);
const char *sgrt_elem_name(int64_t elem); /* "float32" */
SgrtStored sgrt_elem_stored(int64_t elem);

/* Rows [first, first + count) of `order`, or of the data themselves if it is NULL, converted to the
 * column's element type. */
void sgrt_gather(const SgrtBound *b, const SgrtColumn *c, const uint32_t *order, int64_t first,
                 int64_t count, void *out);

/* What was done to the values on the way: "x: [28, 28] flattened to [784]; ...".  False if nothing
 * was. */
bool sgrt_bound_note(const SgrtBound *b, const SgrtColumn *c, char *out, size_t room);

#endif
