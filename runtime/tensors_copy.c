/* The values of a tensor in a file, which need not be aligned, as reals. */
#include "runtime/tensors.h"

#include <string.h>

bool sgrt_tensor_copy(const SgrtTensor *t, SgrtStored wanted, void *out)
{
    const char *in = t->values;
    if (t->stored == wanted) {
        memcpy(out, in, (size_t)(t->size * sgrt_stored_bytes(wanted)));
        return true;
    }
    for (int64_t i = 0; i < t->size; i++) {
        float narrow;
        double wide;
        if (t->stored == SGRT_STORED_F32 && wanted == SGRT_STORED_F64) {
            memcpy(&narrow, in + i * 4, sizeof narrow);
            ((double *)out)[i] = narrow;
        } else if (t->stored == SGRT_STORED_F64 && wanted == SGRT_STORED_F32) {
            memcpy(&wide, in + i * 8, sizeof wide);
            ((float *)out)[i] = (float)wide;
        } else {
            return false;
        }
    }
    return t->size > 0 || t->stored == SGRT_STORED_F32 || t->stored == SGRT_STORED_F64;
}
