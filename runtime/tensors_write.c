/* One tensor as a safetensors file. */
#include "runtime/tensors.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <stdlib.h>

static bool write_all(SgrtFile *f, const SgrtTensor *t, SgrtError *e)
{
    int64_t length = sgrt_tensors_header(NULL, 0, &t, 1, NULL, 0);
    char *header = sgrt_alloc(length, 1, e);
    if (!header)
        return false;
    sgrt_tensors_header(header, length, &t, 1, NULL, 0);
    bool written = sgrt_file_write(f, header, length, e) &&
                   sgrt_file_write(f, t->values, t->size * sgrt_stored_bytes(t->stored), e);
    free(header);
    return written;
}

bool sgrt_tensor_write(const char *path, const SgrtTensor *t, SgrtError *e)
{
    SgrtFile f;
    if (!sgrt_file_begin(&f, path, e))
        return false;
    if (write_all(&f, t, e))
        return sgrt_file_commit(&f, e);
    sgrt_file_abandon(&f);
    return false;
}
