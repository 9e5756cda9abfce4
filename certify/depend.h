/* Which drawn numbers a value reads.  A port of proofs/Depend.v. */
#ifndef SGC_CERTIFY_DEPEND_H
#define SGC_CERTIFY_DEPEND_H

#include "certify/cert.h"

typedef struct Depend Depend;

Depend *depend_of(Arena *a, const Cert *c, const CertProgram *p);
/* Does the slot read none of these draws? */
bool depend_free(const Depend *d, CertList draws, CertSlot slot);
/* Does it read elements of these draws along its own first `axes` axes only? */
bool depend_aligned(const Depend *d, uint32_t axes, CertList draws, CertSlot slot);
/* Does each element read one number of this draw at most? */
bool depend_once(const Depend *d, uint32_t draw, uint32_t axes, CertSlot slot);

#endif
