/* Certificates that are changed at one point: a sign, a constant, an operand, a function, an axis,
 * a slot, a weight, the cost.  What the checker accepts of them must compute the right numbers. */
#ifndef SGC_TESTS_CHANGED_H
#define SGC_TESTS_CHANGED_H

#include "tests/certificates.h"

bool cert_accepted(const Cert *c);
/* The list with v in the place of element `at`. */
CertList cert_with(Arena *a, CertList list, uint32_t at, uint32_t v);

typedef struct Judged {
    uint32_t made, rejected;
} Judged;

/* Judges the certificate as it is, and every step-th change of it. */
Judged cert_change(const Cert *c, uint32_t step);

#endif
