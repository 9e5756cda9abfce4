/* The table of stored types, the table of formats, and reading by the latter. */
#include "runtime/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t bytes;
    bool integer;
} stored_row[SGRT_STORED_COUNT] = {
    [SGRT_STORED_BOOL] = {"bool", 1, true},    [SGRT_STORED_U8] = {"uint8", 1, true},
    [SGRT_STORED_I8] = {"int8", 1, true},      [SGRT_STORED_U16] = {"uint16", 2, true},
    [SGRT_STORED_I16] = {"int16", 2, true},    [SGRT_STORED_U32] = {"uint32", 4, true},
    [SGRT_STORED_I32] = {"int32", 4, true},    [SGRT_STORED_U64] = {"uint64", 8, true},
    [SGRT_STORED_I64] = {"int64", 8, true},    [SGRT_STORED_F32] = {"float32", 4, false},
    [SGRT_STORED_F64] = {"float64", 8, false},
};

static const struct {
    const char *name, *magic;
    size_t magic_bytes;
    bool (*read)(SgrtArray *a, SgrtInput *in, SgrtError *e);
} format_row[] = {
    {"IDX", "\0\0", 2, sgrt_idx_read},
    {"NPY", "\x93NUMPY", 6, sgrt_npy_read},
};

enum { FORMATS = sizeof format_row / sizeof format_row[0] };

const char *sgrt_stored_name(SgrtStored stored)
{
    return stored_row[stored].name;
}

int64_t sgrt_stored_bytes(SgrtStored stored)
{
    return stored_row[stored].bytes;
}

bool sgrt_stored_integer(SgrtStored stored)
{
    return stored_row[stored].integer;
}

bool sgrt_size_of(const int64_t *dim, int64_t rank, int64_t *size)
{
    *size = 1;
    for (int64_t i = 0; i < rank; i++)
        if (dim[i] < 0 || __builtin_mul_overflow(*size, dim[i], size))
            return false;
    return true;
}

char *sgrt_shape_text(char *out, size_t room, const int64_t *dim, int64_t rank)
{
    size_t used = (size_t)snprintf(out, room, "[");
    for (int64_t i = 0; i < rank && used < room; i++)
        used +=
            (size_t)snprintf(out + used, room - used, "%s%lld", i ? ", " : "", (long long)dim[i]);
    if (used < room)
        snprintf(out + used, room - used, "]");
    return out;
}

void sgrt_swap_bytes(void *values, int64_t count, int64_t bytes)
{
    unsigned char *v = values;
    for (int64_t i = 0; i < count; i++, v += bytes)
        for (int64_t low = 0, high = bytes - 1; low < high; low++, high--) {
            unsigned char kept = v[low];
            v[low] = v[high];
            v[high] = kept;
        }
}

static bool read_known(SgrtArray *a, SgrtInput *in, SgrtError *e)
{
    for (size_t i = 0; i < FORMATS; i++) {
        if (in->head_bytes < (int64_t)format_row[i].magic_bytes ||
            memcmp(in->head, format_row[i].magic, format_row[i].magic_bytes) != 0)
            continue;
        return format_row[i].read(a, in, e) && sgrt_input_end(in, e);
    }
    if (in->head_bytes == 0)
        return sgrt_fail(e, "%s: the file is empty", in->path);
    return sgrt_fail(e, "%s: neither IDX nor NPY, plain or gzipped", in->path);
}

bool sgrt_array_read(SgrtArray *a, const char *path, const char *member, SgrtError *e)
{
    *a = (SgrtArray){0};
    SgrtInput in;
    if (!sgrt_input_open(&in, path, e))
        return false;
    bool read = read_known(a, &in, e);
    if (read && member)
        read = sgrt_fail(e, "%s: the file holds one array without a name, so it has no '%s'", path,
                         member);
    sgrt_input_close(&in);
    if (!read)
        sgrt_array_free(a);
    return read;
}

void sgrt_array_free(SgrtArray *a)
{
    free(a->values);
    *a = (SgrtArray){0};
}
