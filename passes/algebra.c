/* The rules of simplify.def on scalars: each holds for floats, as its row says. */
#include "passes/match.h"
#include "passes/simplify.h"

#include <math.h>
#include <stdlib.h>

#define RULE_OF(name) IrRef rule_##name(IrGraph *g, const IrNode *n)

/* The operand of a commutative n that is a constant, in *c, and the other, in *a. */
static bool one_const(const IrGraph *g, const IrNode *n, IrRef *a, IrRef *c)
{
    for (uint32_t i = 0; i < 2; i++)
        if (g->node[n->in[i]].op == IR_CONST && g->node[n->in[1 - i]].op != IR_CONST) {
            *c = n->in[i];
            *a = n->in[1 - i];
            return true;
        }
    return false;
}

/* The negative of constant c, of the same type. */
static IrRef minus(IrGraph *g, IrRef c)
{
    return constant_of(g, g->node[c].type, -g->node[c].attr.num);
}

/* ---- constants ----------------------------------------------------------------------------- */

/* Ints stay in the 32 bits that they have at run time. */
static bool representable(IrElem e, double v)
{
    return isfinite(v) && (e != IR_INT || (v >= INT32_MIN && v <= INT32_MAX && v == floor(v)));
}

RULE_OF(fold)
{
    double v[3] = {0};
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!is_const(g, n->in[i], &v[i]))
            return IR_NONE;
    double result = ir_scalar(n->op, v[0], v[1], v[2]);
    return representable(n->type.elem, result) ? constant_of(g, n->type, result) : IR_NONE;
}

RULE_OF(copy_sampled)
{
    return instead(g, n, n->in[0]);
}

RULE_OF(copy_stop)
{
    return instead(g, n, n->in[0]);
}

/* ---- signs --------------------------------------------------------------------------------- */

RULE_OF(neg_neg)
{
    IrRef a;
    return is_op(g, n->in[0], IR_NEG, &a) ? a : IR_NONE;
}

RULE_OF(neg_scale)
{
    const IrNode *x = &g->node[n->in[0]];
    if (x->op != IR_MUL && x->op != IR_DIV)
        return IR_NONE;
    IrOp op = x->op;
    IrRef in[2] = {x->in[0], x->in[1]};
    for (uint32_t i = 0; i < 2; i++)
        if (g->node[in[i]].op == IR_CONST) {
            in[i] = minus(g, in[i]);
            return ir_binary(g, op, in[0], in[1]);
        }
    return IR_NONE;
}

RULE_OF(mul_minus_one)
{
    IrRef a, c;
    if (!one_const(g, n, &a, &c) || !is_number(g, c, -1) || instead(g, n, a) == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_NEG, a);
}

RULE_OF(mul_neg_neg)
{
    IrRef a, b, c;
    if (is_op(g, n->in[0], IR_NEG, &a) && is_op(g, n->in[1], IR_NEG, &b))
        return ir_binary(g, IR_MUL, a, b);
    if (one_const(g, n, &b, &c) && is_op(g, b, IR_NEG, &a))
        return ir_binary(g, IR_MUL, a, minus(g, c));
    return IR_NONE;
}

RULE_OF(div_neg)
{
    IrRef a;
    if (!is_op(g, n->in[0], IR_NEG, &a) || g->node[n->in[1]].op != IR_CONST)
        return IR_NONE;
    return ir_binary(g, IR_DIV, a, minus(g, n->in[1]));
}

RULE_OF(add_neg)
{
    IrRef b;
    if (is_op(g, n->in[1], IR_NEG, &b))
        return ir_binary(g, IR_SUB, n->in[0], b);
    return is_op(g, n->in[0], IR_NEG, &b) ? ir_binary(g, IR_SUB, n->in[1], b) : IR_NONE;
}

RULE_OF(sub_neg)
{
    IrRef b;
    return is_op(g, n->in[1], IR_NEG, &b) ? ir_binary(g, IR_ADD, n->in[0], b) : IR_NONE;
}

RULE_OF(square_neg)
{
    IrRef a;
    return is_op(g, n->in[0], IR_NEG, &a) ? ir_unary(g, IR_SQUARE, a) : IR_NONE;
}

RULE_OF(abs_neg)
{
    IrRef a;
    return is_op(g, n->in[0], IR_NEG, &a) ? ir_unary(g, IR_ABS, a) : IR_NONE;
}

/* ---- neutral elements ---------------------------------------------------------------------- */

RULE_OF(mul_one)
{
    for (uint32_t i = 0; i < 2; i++)
        if (is_number(g, n->in[i], 1) && instead(g, n, n->in[1 - i]) != IR_NONE)
            return n->in[1 - i];
    return IR_NONE;
}

RULE_OF(div_one)
{
    return is_number(g, n->in[1], 1) ? instead(g, n, n->in[0]) : IR_NONE;
}

/* Is the value of r never -0? */
static bool never_minus_zero(const IrGraph *g, IrRef r)
{
    switch (g->node[r].op) {
    case IR_EXP:
    case IR_SQUARE:
    case IR_ABS:
    case IR_SIGMOID:
    case IR_SOFTPLUS:
    case IR_TO_REAL:
    case IR_ROWS:
    case IR_TOTAL:
        return true;
    default:
        return is_elem(g, r, IR_INT);
    }
}

RULE_OF(add_zero)
{
    IrRef a, c;
    if (!one_const(g, n, &a, &c) || !is_number(g, c, 0) || instead(g, n, a) == IR_NONE)
        return IR_NONE;
    return signbit(g->node[c].attr.num) || never_minus_zero(g, a) ? a : IR_NONE;
}

RULE_OF(sub_zero)
{
    if (!is_number(g, n->in[1], 0) || signbit(g->node[n->in[1]].attr.num))
        return IR_NONE;
    return instead(g, n, n->in[0]);
}

/* ---- factors ------------------------------------------------------------------------------- */

/* Factors near 1 alone: the product of the constants neither overflows nor vanishes. */
static bool moderate(double c)
{
    return fabs(c) >= 0x1p-30 && fabs(c) <= 0x1p30;
}

RULE_OF(mul_scale)
{
    IrRef x, d, a, c;
    if (!is_elem(g, n->in[0], IR_REAL) || !one_const(g, n, &x, &d) || g->node[x].op != IR_MUL ||
        !one_const(g, &g->node[x], &a, &c))
        return IR_NONE;
    double v = g->node[c].attr.num, w = g->node[d].attr.num;
    if (!moderate(v) || !moderate(w) || g->node[c].type.rank || g->node[d].type.rank ||
        g->node[c].type.plates || g->node[d].type.plates)
        return IR_NONE;
    return ir_binary(g, IR_MUL, a, ir_const(g, v * w));
}

RULE_OF(mulz_nonzero)
{
    double c;
    if (!is_const(g, n->in[0], &c) || c == 0)
        return IR_NONE;
    return ir_binary(g, IR_MUL, n->in[0], n->in[1]);
}

/* 2^k whose reciprocal is exact in both real types. */
RULE_OF(div_power)
{
    double c;
    int k;
    if (!is_const(g, n->in[1], &c) || fabs(frexp(c, &k)) != 0.5 || abs(k) > 100)
        return IR_NONE;
    return ir_binary(g, IR_MUL, n->in[0], constant_of(g, g->node[n->in[1]].type, 1 / c));
}

RULE_OF(pow_const)
{
    if (is_number(g, n->in[1], 1))
        return instead(g, n, n->in[0]);
    if (!is_number(g, n->in[1], 2) || instead(g, n, n->in[0]) == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_SQUARE, n->in[0]);
}

RULE_OF(exp_half_log)
{
    const IrNode *x = &g->node[n->in[0]];
    IrRef log, c, a;
    if (x->op != IR_MUL || !one_const(g, x, &log, &c) || !is_number(g, c, 0.5) ||
        !is_op(g, log, IR_LOG, &a) || instead(g, n, a) == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_SQRT, a);
}

RULE_OF(floor_int)
{
    IrRef a;
    return is_op(g, n->in[0], IR_TO_REAL, &a) ? n->in[0] : IR_NONE;
}

/* ---- conditions ---------------------------------------------------------------------------- */

RULE_OF(not_not)
{
    IrRef a;
    return is_op(g, n->in[0], IR_NOT, &a) ? a : IR_NONE;
}

RULE_OF(not_equal)
{
    const IrNode *x = &g->node[n->in[0]];
    if (x->op != IR_EQ && x->op != IR_NE)
        return IR_NONE;
    return ir_binary(g, x->op == IR_EQ ? IR_NE : IR_EQ, x->in[0], x->in[1]);
}

RULE_OF(select_const)
{
    double c;
    return is_const(g, n->in[0], &c) ? instead(g, n, n->in[c != 0 ? 1 : 2]) : IR_NONE;
}

RULE_OF(select_same)
{
    return n->in[1] == n->in[2] ? instead(g, n, n->in[1]) : IR_NONE;
}

RULE_OF(select_not)
{
    IrRef c;
    return is_op(g, n->in[0], IR_NOT, &c) ? ir_select(g, c, n->in[2], n->in[1]) : IR_NONE;
}

/* a op a = a, and the neutral element drops out. */
static IrRef idempotent(const IrGraph *g, const IrNode *n, bool neutral)
{
    if (n->in[0] == n->in[1])
        return n->in[0];
    for (uint32_t i = 0; i < 2; i++)
        if (is_number(g, n->in[i], neutral) && instead(g, n, n->in[1 - i]) != IR_NONE)
            return n->in[1 - i];
    return IR_NONE;
}

RULE_OF(and_const)
{
    return idempotent(g, n, true);
}

RULE_OF(or_const)
{
    return idempotent(g, n, false);
}
