/* NPY, the array file of NumPy: writing.  (Reading is behind sgrt_array_read().) */
#ifndef SGC_RUNTIME_NPY_H
#define SGC_RUNTIME_NPY_H

#include "runtime/data.h"

enum { SGRT_NPY_HEAD = 640 };

/* What stands before the values, of at most SGRT_NPY_HEAD bytes: how many they are. */
int64_t sgrt_npy_head(char *out, SgrtStored stored, const int64_t *dim, int64_t rank);

/* Writes `size` row-major elements; an existing file is replaced only when all is written. */
bool sgrt_npy_write(const char *path, SgrtStored stored, const int64_t *dim, int64_t rank,
                    const void *values, SgrtError *e);

#endif
