/* What the files of the verifier share. */
#ifndef SGC_IR_VERIFY_H
#define SGC_IR_VERIFY_H

#include "ir/text.h"

typedef struct Verifier {
    const IrGraph *g;
    const IrPlaces *at;
    Diags *d;
    Arena *arena;
    bool *sound; /* by node: its type and operands can be read without harm */
    bool ok;
} Verifier;

/* Report a broken invariant; node_broken names the node in full. */
void ir_broken(Verifier *v, Span at, const char *fmt, ...) SGC_PRINTF(3, 4);
void ir_node_broken(Verifier *v, IrRef r, const char *fmt, ...) SGC_PRINTF(3, 4);

/* What holds of a node beyond its type rule. */
void ir_verify_op(Verifier *v, IrRef r);
/* Phases, kernels and places of a scheduled graph. */
void ir_verify_schedule(Verifier *v);

#endif
