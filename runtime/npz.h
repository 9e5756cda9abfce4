/* NPZ, NumPy's archive of arrays: writing.  (Reading is behind sgrt_array_read().) */
#ifndef SGC_RUNTIME_NPZ_H
#define SGC_RUNTIME_NPZ_H

#include "runtime/tensors.h"

/* An existing file is replaced only when all is written. */
bool sgrt_npz_write(const char *path, const SgrtTensor *tensor, int64_t tensors, SgrtError *e);

#endif
