/* The rules of stable.def as a table. */
#ifndef SGC_PASSES_STABLE_H
#define SGC_PASSES_STABLE_H

#include "ir/ir.h"

/* Returns what stands for n, of the same type, or IR_NONE and g as it was. */
typedef IrRef StableRule(IrGraph *g, const IrNode *n);

typedef struct StableInfo {
    const char *name;
    StableRule *apply;
    IrOp root;
    const char *doc, *why; /* why: what a node that the rule made says of itself */
} StableInfo;

/* By the first row that fits; for nodes that are made after the pass. */
IrRef stable_form(IrGraph *g, const IrNode *n);

extern const StableInfo stable_info[];
extern const size_t stable_count;

#endif
