/* Writing safetensors files. */
#include "runtime/tensors.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <stdlib.h>

static bool write_all(SgrtFile *f, const SgrtTensor *const *order, int64_t tensors,
                      const char *header, int64_t length, SgrtError *e)
{
    if (!sgrt_file_write(f, header, length, e))
        return false;
    for (int64_t i = 0; i < tensors; i++)
        if (!sgrt_file_write(f, order[i]->values,
                             order[i]->size * sgrt_stored_bytes(order[i]->stored), e))
            return false;
    return true;
}

bool sgrt_tensors_write(const char *path, const SgrtTensor *tensor, int64_t tensors,
                        const SgrtText *text, int64_t texts, SgrtError *e)
{
    SgrtFile f = {0};
    const SgrtTensor **order = sgrt_alloc(tensors, sizeof *order, e);
    if (!order)
        return false;
    sgrt_tensors_sort(tensor, tensors, order);
    int64_t length = sgrt_tensors_header(NULL, 0, order, tensors, text, texts);
    char *header = sgrt_alloc(length, 1, e);
    bool written = header != NULL;
    if (written) {
        sgrt_tensors_header(header, length, order, tensors, text, texts);
        written = sgrt_file_begin(&f, path, e) &&
                  write_all(&f, order, tensors, header, length, e) && sgrt_file_commit(&f, e);
    }
    sgrt_file_abandon(&f);
    free(header);
    free(order);
    return written;
}
