/* IDX: two zero bytes, a type, a rank, the extents as big-endian u32, then the values. */
#include "runtime/data.h"

static bool stored_of(unsigned char code, SgrtStored *stored)
{
    static const struct {
        unsigned char code;
        SgrtStored stored;
    } types[] = {{0x08, SGRT_STORED_U8},  {0x09, SGRT_STORED_I8},  {0x0b, SGRT_STORED_I16},
                 {0x0c, SGRT_STORED_I32}, {0x0d, SGRT_STORED_F32}, {0x0e, SGRT_STORED_F64}};
    for (unsigned i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == code) {
            *stored = types[i].stored;
            return true;
        }
    return false;
}

static bool read_extents(SgrtArray *a, SgrtInput *in, SgrtError *e)
{
    for (int64_t i = 0; i < a->rank; i++) {
        unsigned char b[4];
        if (!sgrt_input_read(in, b, sizeof b, e))
            return false;
        a->dim[i] = (int64_t)b[0] << 24 | (int64_t)b[1] << 16 | (int64_t)b[2] << 8 | b[3];
    }
    if (!sgrt_size_of(a->dim, a->rank, &a->size))
        return sgrt_input_fail(in, e, "IDX extents that multiply to more than there can be");
    return true;
}

bool sgrt_idx_read(SgrtArray *a, SgrtInput *in, SgrtError *e)
{
    unsigned char head[4];
    if (!sgrt_input_read(in, head, sizeof head, e))
        return false;
    a->rank = head[3];
    if (!stored_of(head[2], &a->stored))
        return sgrt_fail(e, "%s: offset 2: IDX type 0x%02x is not known", in->path, head[2]);
    if (a->rank < 1 || a->rank > SGRT_MOST_AXES)
        return sgrt_fail(e, "%s: offset 3: an IDX array of %d axes; from 1 to %d can be read",
                         in->path, head[3], SGRT_MOST_AXES);
    if (!read_extents(a, in, e))
        return false;
    int64_t bytes = sgrt_stored_bytes(a->stored);
    a->values = sgrt_input_values(in, a->size, bytes, e);
    if (!a->values)
        return false;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (bytes > 1)
        sgrt_swap_bytes(a->values, a->size, bytes);
#endif
    return true;
}
