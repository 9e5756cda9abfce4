/* Patterns over nodes: what the rules of stable and simplify are written in. */
#ifndef SGC_PASSES_MATCH_H
#define SGC_PASSES_MATCH_H

#include "ir/ir.h"

/* Is r a node of this op?  If so, *a is its first operand. */
static inline bool is_op(const IrGraph *g, IrRef r, IrOp op, IrRef *a)
{
    const IrNode *n = &g->node[r];
    if (n->op != op)
        return false;
    *a = n->in[0];
    return true;
}

static inline bool is_const(const IrGraph *g, IrRef r, double *value)
{
    *value = g->node[r].attr.num;
    return g->node[r].op == IR_CONST;
}

/* Is r the constant v?  0 and -0 are told apart by is_const and signbit. */
static inline bool is_number(const IrGraph *g, IrRef r, double v)
{
    return g->node[r].op == IR_CONST && g->node[r].attr.num == v;
}

static inline bool is_elem(const IrGraph *g, IrRef r, IrElem e)
{
    return g->node[r].type.elem == e;
}

/* r, if it can stand for n: a rule may not change a type. */
static inline IrRef instead(const IrGraph *g, const IrNode *n, IrRef r)
{
    return ir_type_equal(&g->node[r].type, &n->type) ? r : IR_NONE;
}

static inline IrRef constant_of(IrGraph *g, IrType type, double v)
{
    return ir_typed(g, IR_CONST, (IrAttr){.num = v}, type, 0, NULL);
}

#endif
