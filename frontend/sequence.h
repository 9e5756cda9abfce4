/* What steps and loops share: the state of a sequence. */
#ifndef SGC_FRONTEND_SEQUENCE_H
#define SGC_FRONTEND_SEQUENCE_H

#include "frontend/fe.h"

/* Steps [first, first + count): one node, or a node over the copies of a step plate. */
typedef struct Piece {
    int64_t first, count;
    IrRef ref;
    bool steps;
    uint32_t plate;
} Piece;

/* h[t + k] at the steps of the open loop, for an earlier k than the one defined there. */
typedef struct Carry {
    int64_t first; /* the element that the first step reads */
    IrRef ref;
} Carry;

/* The `for` whose steps are the copies of a plate. */
struct Loop {
    Scope *scope;
    uint32_t plate;
};

struct Sequence {
    const char *name;
    Span at;
    Piece *piece;
    uint32_t pieces;
    bool spoiled;

    Loop *loop;        /* the loop that defines it, while it is open */
    int64_t now_first; /* the element that the first step defines */
    IrRef now;
    Carry *carry;
    uint32_t carries;
    IrElem elem; /* of the carries: the least that the attempts so far allow */
    IrPlates plates;
};

/* The element that h[t + k] starts from, as a carry of the open loop. */
IrRef fe_carry(Fe *fe, Span at, Sequence *s, int64_t first);
/* The least type of the carries: that of nothing yet, and then holding values of type t too. */
void fe_carry_forget(Sequence *s);
void fe_carry_widen(Sequence *s, const IrType *t);

#endif
