/* Certificates: what the driver sees of them. */
#ifndef SGC_CERTIFY_CERTIFY_H
#define SGC_CERTIFY_CERTIFY_H

#include "certify/cert.h"
#include "ir/ir.h"

/* The certificate of a step entry as the pass `estimate` leaves it.  False: it has none, and d says
 * why, at the place in the model. */
bool certify_graph(const IrGraph *step, Arena *a, Fractions *f, Cert *out, Diags *d);

/* The name of an op whose term in proofs/ops.def no rule translates to; NULL: there is none. */
const char *certify_untranslated(void);

/* Is the gradient program the one that the source graph has by definition?  False: d says where
 * they part, at the lines of the text form. */
bool certify_check(const Cert *c, Diags *d);

/* The text form; docs/certificates.md has its grammar. */
void certify_print(const Cert *const *c, uint32_t count, FILE *out);
bool certify_read(const char *text, Arena *a, Fractions *f, Cert ***c, uint32_t *count, Diags *d);

/* The same as a file of Coq, with the theorem. */
void certify_print_coq(const Cert *const *c, uint32_t count, FILE *out);

#endif
