/* Arrays in data files.
 *
 * A file holds one array (IDX, NPY, CSV without a header) or several with names (NPZ, safetensors,
 * JSON, CSV with a header), plain or gzipped; which format it has is told by its content.  Arrays
 * are row-major and in the byte order of the machine once read. */
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

typedef enum SgrtWanted {
    SGRT_WHOLE_OR_NAMED, /* the only array, or the one with the name where arrays have names */
    SGRT_NAMED,          /* the one with the name */
    SGRT_NAMED_IF_THERE  /* the same, and it is no error if there is none: size is then -1 */
} SgrtWanted;

/* Reads an array of a file.  On success the caller owns it and frees it with sgrt_array_free(). */
bool sgrt_array_read(SgrtArray *a, const char *path, SgrtWanted wanted, const char *name,
                     SgrtError *e);
void sgrt_array_free(SgrtArray *a);

/* The number of elements: false if it does not fit or an extent is negative. */
bool sgrt_size_of(const int64_t *dim, int64_t rank, int64_t *size);

/* Writes "[2, 3]" and returns `out`. */
char *sgrt_shape_text(char *out, size_t room, const int64_t *dim, int64_t rank);

/* Reverses the bytes of each of `count` elements. */
void sgrt_swap_bytes(void *values, int64_t count, int64_t bytes);

/* The search for a name among those of a file. */
typedef struct SgrtMember {
    const char *name;
    bool found;
    char others[300]; /* the names that were met, for a message */
} SgrtMember;

/* Notes a name of the file: true if it is the one that is wanted. */
bool sgrt_member_is(SgrtMember *m, const char *name);

/* The formats' readers, for data.c: the whole file, from its first byte to its end.  Those that
 * take a member leave the array empty if the file has none with its name. */
bool sgrt_idx_read(SgrtArray *a, SgrtInput *in, SgrtError *e);
bool sgrt_npy_read(SgrtArray *a, SgrtInput *in, SgrtError *e);
bool sgrt_npz_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e);
bool sgrt_json_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e);
bool sgrt_safetensors_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e);

/* A file without a header has no names, and all of it is the array. */
bool sgrt_csv_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, bool *has_names, SgrtError *e);

#endif
