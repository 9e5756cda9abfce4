/* Arrays in data files.
 *
 * A file holds one array (IDX, NPY), plain or gzipped; which format it has is told by its content.
 * Arrays are row-major and in the byte order of the machine once read. */
#ifndef SGC_RUNTIME_DATA_H
#define SGC_RUNTIME_DATA_H

#include "runtime/input.h"

#include <stddef.h>

enum { SGRT_MOST_AXES = 16 };

typedef enum SgrtStored {
    SGRT_STORED_BOOL,
    SGRT_STORED_U8,
    SGRT_STORED_I8,
    SGRT_STORED_U16,
    SGRT_STORED_I16,
    SGRT_STORED_U32,
    SGRT_STORED_I32,
    SGRT_STORED_U64,
    SGRT_STORED_I64,
    SGRT_STORED_F32,
    SGRT_STORED_F64,
    SGRT_STORED_COUNT
} SgrtStored;

typedef struct SgrtArray {
    SgrtStored stored;
    int64_t rank, size; /* size: elements */
    int64_t dim[SGRT_MOST_AXES];
    void *values; /* owned */
} SgrtArray;

const char *sgrt_stored_name(SgrtStored stored); /* "uint8" */
int64_t sgrt_stored_bytes(SgrtStored stored);
bool sgrt_stored_integer(SgrtStored stored);

/* Reads the array of a file.  `member` names one of several in a file whose arrays have names; NULL
 * takes the only one.  On success the caller owns the array and frees it with sgrt_array_free(). */
bool sgrt_array_read(SgrtArray *a, const char *path, const char *member, SgrtError *e);
void sgrt_array_free(SgrtArray *a);

/* The number of elements: false if it does not fit or an extent is negative. */
bool sgrt_size_of(const int64_t *dim, int64_t rank, int64_t *size);

/* Writes "[2, 3]" and returns `out`. */
char *sgrt_shape_text(char *out, size_t room, const int64_t *dim, int64_t rank);

/* Reverses the bytes of each of `count` elements. */
void sgrt_swap_bytes(void *values, int64_t count, int64_t bytes);

/* The formats' readers, for data.c: the whole file, from its first byte to its end. */
bool sgrt_idx_read(SgrtArray *a, SgrtInput *in, SgrtError *e);
bool sgrt_npy_read(SgrtArray *a, SgrtInput *in, SgrtError *e);

#endif
