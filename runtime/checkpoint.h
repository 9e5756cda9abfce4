/* Checkpoints: safetensors files that any framework reads.
 *
 *   enc.W                     a parameter (the stored, unconstrained tensor), by its path
 *   optimizer/adam/m/enc.W    a slot of the optimiser
 *   average/NAME              a moving average, F64
 *   training/sums             costs since the last report, by rows; those rows, the spread of the
 *                             objective, the steps, and how many of them were clipped, F64
 *
 * The metadata hold the model's name and hash, the graph, the optimiser, the seed, the step, the
 * epoch, the rows and the batch: nothing of the machine, of threads or of time, so equal runs give
 * equal files. */
#ifndef SGC_RUNTIME_CHECKPOINT_H
#define SGC_RUNTIME_CHECKPOINT_H

#include "runtime/engine.h"
#include "runtime/tensors.h"
#include "runtime/train.h"

typedef struct SgrtCheckpoint {
    SgrtTensorFile file;                  /* owned */
    const char *hash, *graph, *optimizer; /* NULL where the file does not say */
    int64_t step, seed, rows, batch;      /* -1 where the file does not say */
} SgrtCheckpoint;

/* Writes the parameters and, unless `t` is NULL, all that training needs to go on.  The file is
 * replaced at once or not at all. */
bool sgrt_checkpoint_save(const char *path, const SgrtParams *params, const SgrtTrainer *t,
                          SgrtError *e);

/* `path` must outlive the checkpoint. */
bool sgrt_checkpoint_open(SgrtCheckpoint *c, const char *path, SgrtError *e);
void sgrt_checkpoint_close(SgrtCheckpoint *c);

/* Takes the parameters: every one must be there with its shape, and no other.  Nothing is changed
 * on failure; the error lists what does not agree. */
bool sgrt_checkpoint_params(const SgrtCheckpoint *c, SgrtParams *params, SgrtError *e);

/* Takes the parameters and the rest of a training of the same model, graph, optimiser, seed, rows
 * and batch, to go on from there. */
bool sgrt_checkpoint_resume(const SgrtCheckpoint *c, SgrtTrainer *t, SgrtError *e);

#endif
