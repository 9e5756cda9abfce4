/* The table of distinct values that two programs are entered into.  A port of proofs/Number.v. */
#ifndef SGC_CERTIFY_TABLE_H
#define SGC_CERTIFY_TABLE_H

#include "certify/poly.h"

typedef struct Table Table;

Table *table_new(Arena *a, const Cert *c);
/* The normal forms of the slots, the inputs' first: of those that are wanted, and of others that
 * are more than a step of a sum.  `shape` holds the shapes of all slots. */
const Poly *table_enter(Table *t, const Cert *c, const CertProgram *p, const CertList *shape,
                        CertList wanted);

#endif
