/* Initial values of parameters.  They depend on the seed and the parameter's path alone: not on the
 * other parameters, their order, or the number of threads. */
#ifndef SGC_RUNTIME_INIT_H
#define SGC_RUNTIME_INIT_H

#include "runtime/engine.h"

/* Fills every parameter.  Fails if a constant lies outside the parameter's constraint. */
bool sgrt_init_params(SgrtParams *params, int64_t seed, SgrtError *e);

/* Fills one stored tensor, in double. */
bool sgrt_init_tensor(const SgrtParam *p, int64_t seed, double *out, SgrtError *e);

#endif
