/* Arithmetic that drops what is 0 or 1.
 *
 * x - x is taken as 0 and x / x as 1, which is false only where x is not finite (or 0): there the
 * log-density that is being integrated is not finite either. */
#include "passes/estimator.h"
#include "passes/integrate.h"

bool ig_is_const(const IrGraph *g, IrRef r, double v)
{
    const IrNode *n = &g->node[r];
    return n->op == IR_CONST && n->type.rank == 0 && n->type.plates == 0 && n->attr.num == v;
}

bool ig_never_zero(const IrGraph *g, IrRef r)
{
    const IrNode *n = &g->node[r];
    switch (n->op) {
    case IR_CONST:
        return n->attr.num != 0;
    case IR_NEG:
    case IR_ABS:
    case IR_SQUARE:
    case IR_DIV:
        return ig_never_zero(g, n->in[0]);
    case IR_MUL:
        return ig_never_zero(g, n->in[0]) && ig_never_zero(g, n->in[1]);
    default:
        return es_is_positive(g, r);
    }
}

/* Does it give the same for the same operands, whatever else it has? */
static bool same_operation(const IrNode *x, const IrNode *y)
{
    bool sums = x->op == IR_SUM && x->attr.axes == y->attr.axes && x->attr.over == y->attr.over;
    return x->op == y->op && x->n_in == y->n_in && x->n_in > 0 &&
           (ir_op_info[x->op].flags & IR_EW || sums);
}

bool ig_same(const IrGraph *g, IrRef a, IrRef b, int depth)
{
    const IrNode *x = &g->node[a], *y = &g->node[b];
    if (a == b)
        return true;
    if (x->op == IR_CONST && y->op == IR_CONST)
        return ir_type_equal(&x->type, &y->type) && x->attr.num == y->attr.num;
    if (depth == 0 || !same_operation(x, y))
        return false;
    for (uint32_t k = 0; k < x->n_in; k++)
        if (!ig_same(g, x->in[k], y->in[k], depth - 1))
            return false;
    return true;
}

enum { SAME_DEPTH = 3 };

IrRef ig_negated(IrGraph *g, IrRef a)
{
    if (g->node[a].op == IR_NEG)
        return g->node[a].in[0];
    return ig_is_const(g, a, 0) ? a : ir_unary(g, IR_NEG, a);
}

IrRef ig_plus(IrGraph *g, IrRef a, IrRef b)
{
    if (ig_is_const(g, a, 0))
        return b;
    return ig_is_const(g, b, 0) ? a : ir_binary(g, IR_ADD, a, b);
}

IrRef ig_less(IrGraph *g, IrRef a, IrRef b)
{
    if (ig_same(g, a, b, SAME_DEPTH))
        return ir_const(g, 0);
    if (g->node[a].op == IR_ADD && ig_same(g, g->node[a].in[0], b, SAME_DEPTH))
        return g->node[a].in[1];
    if (ig_is_const(g, b, 0))
        return a;
    return ig_is_const(g, a, 0) ? ig_negated(g, b) : ir_binary(g, IR_SUB, a, b);
}

IrRef ig_product(IrGraph *g, IrRef a, IrRef b)
{
    if (ig_is_const(g, a, 1) || ig_is_const(g, b, 0))
        return b;
    return ig_is_const(g, b, 1) || ig_is_const(g, a, 0) ? a : ir_binary(g, IR_MUL, a, b);
}

IrRef ig_quotient(IrGraph *g, IrRef a, IrRef b)
{
    if (ig_is_const(g, a, 0) || ig_is_const(g, b, 1))
        return a;
    return ig_same(g, a, b, SAME_DEPTH) ? ir_const(g, 1) : ir_binary(g, IR_DIV, a, b);
}

IrRef ig_squared(IrGraph *g, IrRef a)
{
    return ig_is_const(g, a, 0) || ig_is_const(g, a, 1) ? a : ir_unary(g, IR_SQUARE, a);
}
