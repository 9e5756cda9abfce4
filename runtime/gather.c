/* Rows of a column, converted to what compiled code reads. */
#include "runtime/bind.h"

#include "runtime/clones.h"

#include <string.h>

SGRT_CLONES static void bytes_to_f32(const uint8_t *restrict in, float *restrict out, int64_t n,
                                     float divisor)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)in[i] / divisor;
}

SGRT_CLONES static void bytes_to_f64(const uint8_t *restrict in, double *restrict out, int64_t n,
                                     double divisor)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (double)in[i] / divisor;
}

void sgrt_gather(const SgrtBound *b, const SgrtColumn *c, const uint32_t *order, int64_t first,
                 int64_t count, void *out)
{
    int64_t n = c->size, in_row = n * sgrt_stored_bytes(b->stored);
    int64_t out_row = n * sgrt_elem_bytes(c->elem);
    for (int64_t i = 0; i < count; i++) {
        int64_t row = order ? order[first + i] : first + i;
        const char *in = (const char *)b->values + row * in_row;
        void *to = (char *)out + i * out_row;
        if (b->stored != SGRT_STORED_U8)
            memcpy(to, in, (size_t)in_row);
        else if (c->elem == SGRT_F32)
            bytes_to_f32((const uint8_t *)in, to, n, b->scaled ? 255 : 1);
        else
            bytes_to_f64((const uint8_t *)in, to, n, b->scaled ? 255 : 1);
    }
}
