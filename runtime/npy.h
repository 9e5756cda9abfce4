/* NPY, the array file of NumPy: writing.  (Reading is behind sgrt_array_read().) */
#ifndef SGC_RUNTIME_NPY_H
#define SGC_RUNTIME_NPY_H

#include "runtime/data.h"

/* Writes `size` row-major elements; an existing file is replaced only when all is written. */
bool sgrt_npy_write(const char *path, SgrtStored stored, const int64_t *dim, int64_t rank,
                    const void *values, SgrtError *e);

#endif
