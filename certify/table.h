/* The table of distinct values that two programs are entered into.  A port of proofs/Number.v. */
#ifndef SGC_CERTIFY_TABLE_H
#define SGC_CERTIFY_TABLE_H

#include "certify/poly.h"

typedef struct Table Table;

/* Along a chain of contractions products grow, and with them the cost of every comparison.  So a
 * long product may get a name: it becomes an atom. */
typedef enum Naming {
    NAME_NEVER,
    NAME_LONG, /* what is long gets one */
    NAME_KNOWN /* what is long and has one is called by it */
} Naming;

Table *table_new(Arena *a, const Cert *c);
/* The normal forms of the slots, the inputs' first: of those that are wanted, and of others that
 * are more than a step of a sum.  `shape` holds the shapes of all slots. */
const Poly *table_enter(Table *t, const Cert *c, const CertProgram *p, const CertList *shape,
                        CertList wanted, Naming how);

/* What the atom is, by kind; false: another kind.  A function of an atom; a sum, of this shape; a draw,
 * of this shape. */
bool table_point(const Table *t, uint32_t atom, CertFn *f, uint32_t *of);
bool table_value(const Table *t, uint32_t atom, Poly *p, CertList *shape);
bool table_draw(const Table *t, uint32_t atom, uint32_t *draw, CertList *shape);
PolyCtx *table_ctx(Table *t);

#endif
