/* What a slot reads, in brief: the last draw, in the order of the scores, and which of its axes agree
 * with those of the last draw, and with those of all.  A port of proofs/QuickScore.v. */
#ifndef SGC_CERTIFY_REACH_H
#define SGC_CERTIFY_REACH_H

#include "certify/cert.h"

typedef struct Reach Reach;

Reach *reach_of(Arena *a, const Cert *c);
/* Does the slot only read draws that come before score `place`? */
bool reach_before(const Reach *r, uint32_t place, CertSlot slot);
/* Likewise, or its own elements of the draw of that score, which has so many axes? */
bool reach_own(const Reach *r, uint32_t place, uint32_t axes, CertSlot slot);
/* So many leading axes, at most, along which it reads only its own elements of all draws. */
uint32_t reach_copies(const Reach *r, uint32_t most, CertSlot slot);

#endif
