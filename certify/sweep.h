/* Kinks that almost every draw misses.  A port of proofs/Sweep.v. */
#ifndef SGC_CERTIFY_SWEEP_H
#define SGC_CERTIFY_SWEEP_H

#include "certify/cert.h"

/* Is the operand of each of these slots, abs, relu, min and max, off its kink with probability one,
 * as far as one sees?  `positive`: by slot of the source graph. */
bool sweep_misses(const Cert *c, Arena *a, const bool *positive, CertList kinks);

#endif
