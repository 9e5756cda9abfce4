/* Initial values of parameters.  They depend on the seed and the parameter's path alone: not on the
 * other parameters, their order, or the number of threads. */
#ifndef SGC_RUNTIME_INIT_H
#define SGC_RUNTIME_INIT_H

#include "runtime/engine.h"

/* Fills every parameter.  Fails if a constant lies outside the parameter's constraint. */
bool sgrt_init_params(SgrtParams *params, int64_t seed, SgrtError *e);

/* Uniform on [low, high) or normal with mean 0: values that depend on the seed and `stream` alone.
 */
void sgrt_fill_uniform(double *out, int64_t size, int64_t seed, const char *stream, double low,
                       double high);
void sgrt_fill_normal(double *out, int64_t size, int64_t seed, const char *stream, double sd);

/* Fills one stored tensor, in double. */
bool sgrt_init_tensor(const SgrtParam *p, int64_t seed, double *out, SgrtError *e);

#endif
