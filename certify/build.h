/* Writing programs of certificates, node by node; and the log-densities and means of finite laws.
 */
#ifndef SGC_CERTIFY_BUILD_H
#define SGC_CERTIFY_BUILD_H

#include "certify/cert.h"

typedef struct Build {
    Arena *arena;
    const Cert *c;
    CertProgram *p; /* new nodes are put at its end */
    Span at;        /* given to them, and the name */
    const char *name;
} Build;

CertSlot build(Build *b, CertOp op, CertSlot x, CertSlot y);
CertSlot build_map1(Build *b, CertFn f, CertSlot x);
CertSlot build_map2(Build *b, CertFn f, CertSlot x, CertSlot y);
CertSlot build_affine(Build *b, Fraction p, Fraction q, CertSlot x);
CertSlot build_ein(Build *b, CertList axes, CertList i, CertList o, CertSlot x);
/* x, read at these axes of a value of the shape. */
CertSlot build_widen(Build *b, CertList shape, CertList from, CertSlot x);
/* The nodes of another program. */
void build_copy(Build *b, const CertProgram *p);

CertList cert_append(Arena *a, CertList list, uint32_t last);

/* The log-density of a draw, of this shape. */
CertSlot build_density(Build *b, const CertFinite *law, uint32_t draw, CertList shape);
/* The mean of a Bernoulli draw. */
CertSlot build_mean(Build *b, const CertFinite *law, CertList shape);

#endif
