/* Base noise of one call of an entry: an array of reals for every draw site.
 *
 * A site by rows has the rows of the call as its first axis; what follows is flattened. */
#ifndef SGC_RUNTIME_TAPE_H
#define SGC_RUNTIME_TAPE_H

#include "runtime/engine.h"
#include "runtime/tensors.h"

/* Of one site, and of all, in a call of `rows` rows. */
int64_t sgrt_site_variates(const SgrtSite *site, int64_t rows);
int64_t sgrt_tape_variates(const SgrtEntry *entry, int64_t rows);

/* Arrays for a call of `rows` rows; NULL on failure. */
void **sgrt_tape_new(const SgrtModel *model, const SgrtEntry *entry, int64_t rows, SgrtError *e);
void sgrt_tape_free(void **tape, const SgrtEntry *entry);

/* Number `draw` of the generator, in a stream that no training or evaluation reads. */
void sgrt_tape_fill(void **tape, const SgrtModel *model, const SgrtEntry *entry, int64_t rows,
                    int64_t seed, int64_t draw);

/* The noise of a file: safetensors, with a tensor for every site by name.  NULL on failure. */
void **sgrt_tape_read(const char *path, const SgrtModel *model, const SgrtEntry *entry,
                      int64_t rows, SgrtError *e);

#endif
