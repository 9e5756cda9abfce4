/* Checkpoints: safetensors files that any framework reads.
 *
 *   enc.W                     a parameter (the stored, unconstrained tensor), by its path
 *   optimizer/adam/m/enc.W    a slot of the optimiser
 *   average/NAME              a moving average, F64
 *
 * The metadata hold the model's name and hash, the graph, the optimiser, the seed, the step and the
 * number of the next draw.  A context writes and reads them (runtime/context_file.c); its host's
 * note is here the place in the data, as JSON: the rows and the batch, and what the steps since the
 * last report add up to.  Nothing is of the machine, of threads or of time, so equal runs give
 * equal files. */
#ifndef SGC_RUNTIME_CHECKPOINT_H
#define SGC_RUNTIME_CHECKPOINT_H

#include "runtime/train.h"

/* Writes all that training needs to go on.  The file is replaced at once or not at all. */
bool sgrt_checkpoint_save(const char *path, const SgrtTrainer *t, SgrtError *e);

/* Takes the parameters: every one must be there with its shape, and no other.  Nothing is changed
 * on failure; the error lists what does not agree. */
bool sgrt_checkpoint_params(const char *path, SgrtContext *context, SgrtError *e);

/* The same; and where the file is of this graph, with the estimators that it has here, what they
 * have learned: averages and the weights of baselines. */
bool sgrt_checkpoint_learned(const char *path, SgrtContext *context, int graph, SgrtError *e);

/* Takes the parameters and the rest of a training of the same model, graph, optimiser, seed, rows
 * and batch, to go on from there. */
bool sgrt_checkpoint_resume(const char *path, SgrtTrainer *t, SgrtError *e);

#endif
