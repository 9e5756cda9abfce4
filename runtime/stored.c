/* The types that arrays are stored as, and those that a frame's arrays have. */
#include "runtime/bind.h"

#include <stdio.h>

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

static const struct {
    const char *name;
    SgrtStored stored;
} elem_row[] = {[SGRT_F32] = {"float32", SGRT_STORED_F32},
                [SGRT_F64] = {"float64", SGRT_STORED_F64},
                [SGRT_I32] = {"int32", SGRT_STORED_I32},
                [SGRT_BOOL] = {"bool", SGRT_STORED_BOOL}};

SgrtStored sgrt_elem_stored(int64_t elem)
{
    return elem_row[elem].stored;
}

int64_t sgrt_elem_bytes(int64_t elem)
{
    return sgrt_stored_bytes(elem_row[elem].stored);
}

const char *sgrt_elem_name(int64_t elem)
{
    return elem_row[elem].name;
}
