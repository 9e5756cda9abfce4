/* A caller's noise: a safetensors file with one tensor of reals for every draw site, by name.
 *
 * A site by rows has the rows of the call as its first axis; what follows is flattened. */
#ifndef SGC_RUNTIME_TAPE_H
#define SGC_RUNTIME_TAPE_H

#include "runtime/engine.h"
#include "runtime/tensors.h"

/* The noise of one call of `rows` rows: an array for frame.tape.  NULL on failure. */
void **sgrt_tape_read(const char *path, const SgrtModel *model, const SgrtEntry *entry,
                      int64_t rows, SgrtError *e);
void sgrt_tape_free(void **tape, const SgrtEntry *entry);

#endif
