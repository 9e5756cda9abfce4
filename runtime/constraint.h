/* Where a tensor's value lies, and the maps between a parameter's stored (unconstrained) tensor and
 * its value.  SIMPLEX and ORDERED act on the last axis, CHOLESKY on the last two, the others on
 * elements. */
#ifndef SGC_RUNTIME_CONSTRAINT_H
#define SGC_RUNTIME_CONSTRAINT_H

#include "runtime/rt.h"

#include <stddef.h>

/* Writes "positive", "[0, 1]", ...; empty for a free tensor.  Returns `out`. */
char *sgrt_constraint_text(char *out, size_t room, const SgrtConstraint *in);

/* The first element of `value` that breaks the constraint, or -1. */
int64_t sgrt_constraint_outside(const SgrtConstraint *in, const double *value, const int64_t *dim,
                                int64_t rank, int64_t size);

/* stored -> value, and back for a value that lies inside; both in place.  RANGE has no map. */
void sgrt_constrain(const SgrtConstraint *in, double *v, const int64_t *dim, int64_t rank,
                    int64_t size);
void sgrt_unconstrain(const SgrtConstraint *in, double *v, const int64_t *dim, int64_t rank,
                      int64_t size);

#endif
