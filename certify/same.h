/* Do the model as it is written and the graph that is differentiated have the same expected cost?
 * What same.c, join.c and expand.c share. */
#ifndef SGC_CERTIFY_SAME_H
#define SGC_CERTIFY_SAME_H

#include "certify/table.h"

/* Both programs as one. */
typedef struct Joint {
    CertProgram program;
    CertSlot *slot;           /* by slot of the model as it is written */
    CertSlot written, source; /* the costs */
} Joint;

/* ---- join.c --------------------------------------------------------------------------------- */

void cert_join(Joint *j, const Cert *c, Arena *a, const CertList *written, const CertList *source);

/* ---- expand.c -------------------------------------------------------------------------------- */

/* A sum without axes with its sums multiplied out, and positive numbers cancelled with their
 * inverses. */
Poly poly_expand(Table *t, PolyCtx *x, Poly p);

/* ---- assume.c -------------------------------------------------------------------------------- */

/* Does the program grow at most exponentially with the noise?  Then which slots are positive. */
bool cert_tame(const Cert *c, const CertProgram *p, Arena *a, bool *positive);

#endif
