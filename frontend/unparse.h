/* Estimator graphs as a program in the language: what `sgc --emit=sg` writes. */
#ifndef SGC_FRONTEND_UNPARSE_H
#define SGC_FRONTEND_UNPARSE_H

#include "ir/ir.h"

/* Writes one graph without costs for each of the n estimator graphs, none of which has parts yet.
 * Draws of base noise keep the order and the elements that they have in the estimator graph; the
 * draw z is called z_noise.  False: something has no words in the language; reported in d. */
bool fe_unparse(const IrModel *m, const IrGraph *const *step, uint32_t n, Diags *d, FILE *out);

/* The name of a thing of the model in such a program: "enc__W" of "enc.W". */
const char *fe_unparse_name(Arena *a, const char *prefix, const char *name);

#endif
