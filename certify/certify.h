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

/* The theorems of proofs/Model.v, by what they leave to assume. */
typedef enum CertTheorem {
    CERT_PROVED,            /* nothing */
    CERT_UP_TO_KINKS,       /* that some slots are where they have a derivative */
    CERT_UP_TO_NOISY_KINKS, /* that they are for almost every draw */
    CERT_UP_TO_REGULAR,     /* that the expected cost may be differentiated under the expectation */
    CERT_UP_TO_WEIGHTS      /* that, and that the weights of the scores are right */
} CertTheorem;

typedef struct CertAssumed {
    CertTheorem theorem;
    CertList kinks; /* CERT_UP_TO_KINKS, CERT_UP_TO_NOISY_KINKS: slots of the source graph */
    CertSlot slot;  /* CERT_UP_TO_REGULAR: where the analysis of growth ends */
    bool scales;    /* that the scales of the draws of the model as it is written are positive */
} CertAssumed;

/* What the theorem for an accepted certificate leaves to assume. */
CertAssumed certify_assumed(const Cert *c, Arena *a);

/* The same in words, with the user's names and places. */
void certify_report(const Cert *c, const CertAssumed *left, FILE *out);

/* The text form; docs/certificates.md has its grammar. */
void certify_print(const Cert *const *c, uint32_t count, FILE *out);
bool certify_read(const char *text, Arena *a, Fractions *f, Cert ***c, uint32_t *count, Diags *d);

/* The same as a file of Coq, with the theorem. */
void certify_print_coq(const Cert *const *c, uint32_t count, FILE *out);

#endif
