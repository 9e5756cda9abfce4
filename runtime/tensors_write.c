/* Tensors as a safetensors file. */
#include "runtime/tensors.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <stdlib.h>

static bool write_header(SgrtFile *f, const SgrtTensor *const *order, int64_t tensors, SgrtError *e)
{
    int64_t length = sgrt_tensors_header(NULL, 0, order, tensors, NULL, 0);
    char *header = sgrt_alloc(length, 1, e);
    if (!header)
        return false;
    sgrt_tensors_header(header, length, order, tensors, NULL, 0);
    bool written = sgrt_file_write(f, header, length, e);
    free(header);
    return written;
}

static bool write_all(SgrtFile *f, const SgrtTensor *const *order, int64_t tensors, SgrtError *e)
{
    bool written = write_header(f, order, tensors, e);
    for (int64_t i = 0; written && i < tensors; i++) {
        const SgrtTensor *t = order[i];
        written = sgrt_file_write(f, t->values, t->size * sgrt_stored_bytes(t->stored), e);
    }
    return written;
}

bool sgrt_tensors_write(const char *path, const SgrtTensor *tensor, int64_t tensors, SgrtError *e)
{
    SgrtFile f;
    const SgrtTensor **order = sgrt_alloc(tensors, sizeof *order, e);
    if (!order || !sgrt_file_begin(&f, path, e)) {
        free(order);
        return false;
    }
    sgrt_tensors_sort(tensor, tensors, order);
    bool written = write_all(&f, order, tensors, e);
    free(order);
    if (written)
        return sgrt_file_commit(&f, e);
    sgrt_file_abandon(&f);
    return false;
}
