/* safetensors files: named tensors and a dictionary of texts.
 *
 * A file is eight bytes of header length, a JSON header, and the tensors' bytes without holes. */
#ifndef SGC_RUNTIME_TENSORS_H
#define SGC_RUNTIME_TENSORS_H

#include "runtime/data.h"

typedef struct SgrtTensor {
    const char *name;
    SgrtStored stored; /* SGRT_STORED_COUNT: a type that can be skipped but not read */
    int64_t rank, size;
    int64_t dim[SGRT_MOST_AXES];
    const void *values; /* not aligned in a file that was read: use sgrt_tensor_copy() */
} SgrtTensor;

typedef struct SgrtText {
    const char *key, *value;
} SgrtText;

typedef struct SgrtTensorFile {
    const char *path; /* borrowed */
    SgrtTensor *tensor;
    int64_t tensors;
    SgrtText *text; /* the file's __metadata__ */
    int64_t texts;
    void *header, *bytes; /* owned, like all above: what the names and the values point into */
} SgrtTensorFile;

/* Reads a whole file and checks its header: every offset, every size, no holes, no overlap, no name
 * twice.  `path` must outlive the result. */
bool sgrt_tensors_read(SgrtTensorFile *f, const char *path, SgrtError *e);

/* The same from an input that is at its first byte. */
bool sgrt_tensors_read_from(SgrtTensorFile *f, SgrtInput *in, SgrtError *e);
void sgrt_tensors_free(SgrtTensorFile *f);

const SgrtTensor *sgrt_tensors_find(const SgrtTensorFile *f, const char *name); /* or NULL */
const char *sgrt_tensors_text(const SgrtTensorFile *f, const char *key);        /* or NULL */

/* Copies a tensor's values as F32 or F64.  False if the tensor holds anything but reals. */
bool sgrt_tensor_copy(const SgrtTensor *t, SgrtStored wanted, void *out);

/* Orders tensors as in a file: by falling size of their elements and then as given, which keeps
 * every one aligned.  order[tensors]. */
void sgrt_tensors_sort(const SgrtTensor *tensor, int64_t tensors, const SgrtTensor **order);

/* What stands in a file before the tensors' bytes: its length.  Of more than `room` bytes the first
 * are written. */
int64_t sgrt_tensors_header(char *out, int64_t room, const SgrtTensor *const *order,
                            int64_t tensors, const SgrtText *text, int64_t texts);

/* Writes a file of tensors, atomically. */
bool sgrt_tensors_write(const char *path, const SgrtTensor *tensor, int64_t tensors, SgrtError *e);

#endif
