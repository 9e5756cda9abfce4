/* A program along an axis more: for several copies of some draws, or for all values of them. */
#ifndef SGC_CERTIFY_LIFT_H
#define SGC_CERTIFY_LIFT_H

#include "certify/build.h"

/* A slot of the old program: its slot in the new one, and where that has the axis; CERT_NONE: it
 * has it not. */
typedef struct Lifted {
    CertSlot slot;
    uint32_t at;
} Lifted;

typedef struct Lift {
    Build b;
    const CertCopies *k;   /* the size of the axis, and the draws that get it */
    bool values;           /* these are 0, 1, 2, ... along it, and not drawn */
    const CertList *shape; /* of the old slots */
    Lifted *slot;          /* by old slot */
    uint32_t slots;
} Lift;

/* False: it has operations that are not followed. */
bool lift_program(Lift *l, const CertProgram *p);
/* Where a draw gets the axis; CERT_NONE: it does not. */
uint32_t lift_place(const CertCopies *k, uint32_t draw);
/* x put into the list, at p; at its end if it is shorter. */
CertList lift_put_in(Arena *a, uint32_t p, uint32_t x, CertList list);

#endif
