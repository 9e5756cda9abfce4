/* The rules of simplify.def as functions and as a table. */
#ifndef SGC_PASSES_SIMPLIFY_H
#define SGC_PASSES_SIMPLIFY_H

#include "ir/ir.h"

/* Looks at a node whose operands are already simple; returns what stands for it, of the same type,
 * or IR_NONE.  May add nodes to g only if it returns one. */
typedef IrRef SimplifyRule(IrGraph *g, const IrNode *n);

#define RULE(name, ...) SimplifyRule rule_##name;
#include "passes/simplify.def"

typedef enum SimplifyContract { SIMPLIFY_SAME, SIMPLIFY_ROUNDS } SimplifyContract;

typedef struct SimplifyInfo {
    const char *name;
    SimplifyRule *apply;
    IrOp root; /* IR_OP_COUNT: every element-wise op */
    SimplifyContract contract;
    const char *doc;
} SimplifyInfo;

extern const SimplifyInfo simplify_info[];
extern const size_t simplify_count;

bool simplify_applies(const SimplifyInfo *rule, const IrNode *n);

#endif
