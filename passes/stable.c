/* Stable forms: log-probabilities on logits, and the like, in the user's own expressions.
 *
 * Runs first, on the source graph, so that the estimators and the adjoints are derived from the
 * stable form: the derivative of -softplus(-x) is finite where that of log(sigmoid(x)) is 0/0.
 * Every row of stable.def is an identity of real functions on the domain of its left side; where
 * the left side is finite they agree up to rounding.  A new node says which row made it. */
#include "passes/stable.h"
#include "passes/match.h"
#include "passes/pass.h"

#define STABLE(name, root, doc) static StableRule stable_##name;
#include "passes/stable.def"

const StableInfo stable_info[] = {
#define STABLE(name, root, doc) {#name, stable_##name, IR_##root, doc, "stable form: " doc},
#include "passes/stable.def"
};

const size_t stable_count = sizeof stable_info / sizeof *stable_info;

static IrRef neg(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_NEG, a);
}

static IrRef half(IrGraph *g, IrRef a)
{
    return ir_binary(g, IR_MUL, ir_const(g, 0.5), a);
}

/* The operand of n = a + b or b + a other than the number v, or IR_NONE. */
static IrRef beside(const IrGraph *g, const IrNode *n, double v)
{
    for (uint32_t i = 0; i < 2; i++)
        if (is_number(g, n->in[i], v))
            return n->in[1 - i];
    return IR_NONE;
}

/* Two nodes with the same value: one node, or conversions of one node. */
static bool same(const IrGraph *g, IrRef a, IrRef b)
{
    IrRef x, y;
    return a == b || (is_op(g, a, IR_TO_REAL, &x) && is_op(g, b, IR_TO_REAL, &y) && x == y);
}

/* ---- logarithms ---------------------------------------------------------------------------- */

static IrRef stable_log_exp(IrGraph *g, const IrNode *n)
{
    IrRef x;
    return is_op(g, n->in[0], IR_EXP, &x) ? x : IR_NONE;
}

static IrRef stable_log_sigmoid(IrGraph *g, const IrNode *n)
{
    IrRef x;
    if (!is_op(g, n->in[0], IR_SIGMOID, &x))
        return IR_NONE;
    return neg(g, ir_unary(g, IR_SOFTPLUS, neg(g, x)));
}

/* -softplus(x) for n = f(y), where y or what it is sampled from is sigmoid(x). */
static IrRef log_rest(IrGraph *g, const IrNode *n, IrRef y)
{
    IrRef x, drawn = y;
    bool sampled = is_op(g, y, IR_SAMPLED, &drawn);
    if (!is_op(g, drawn, IR_SIGMOID, &x) || instead(g, n, x) == IR_NONE)
        return IR_NONE;
    return neg(g, ir_unary(g, IR_SOFTPLUS, sampled ? ir_unary(g, IR_SAMPLED, x) : x));
}

static IrRef stable_log_one_minus(IrGraph *g, const IrNode *n)
{
    const IrNode *y = &g->node[n->in[0]];
    return y->op == IR_SUB && is_number(g, y->in[0], 1) ? log_rest(g, n, y->in[1]) : IR_NONE;
}

static IrRef stable_log1p_minus(IrGraph *g, const IrNode *n)
{
    IrRef y;
    return is_op(g, n->in[0], IR_NEG, &y) ? log_rest(g, n, y) : IR_NONE;
}

static IrRef stable_log_one_plus(IrGraph *g, const IrNode *n)
{
    const IrNode *y = &g->node[n->in[0]];
    IrRef x = y->op == IR_ADD ? beside(g, y, 1) : IR_NONE, u;
    if (x == IR_NONE || instead(g, n, x) == IR_NONE)
        return IR_NONE;
    return is_op(g, x, IR_EXP, &u) ? ir_unary(g, IR_SOFTPLUS, u) : ir_unary(g, IR_LOG1P, x);
}

static IrRef stable_log_sum_exp(IrGraph *g, const IrNode *n)
{
    const IrNode *y = &g->node[n->in[0]];
    IrRef x;
    if (y->op != IR_SUM || !is_op(g, y->in[0], IR_EXP, &x))
        return IR_NONE;
    return ir_reduce(g, IR_LOGSUMEXP, x, y->attr.axes, y->attr.over);
}

/* log(r) in a stable form, or IR_NONE. */
static IrRef log_of(IrGraph *g, IrRef r)
{
    const IrNode log = {.op = IR_LOG, .type = g->node[r].type, .n_in = 1, .in = &r};
    for (size_t i = 0; i < stable_count; i++)
        if (stable_info[i].root == IR_LOG) {
            IrRef stable = stable_info[i].apply(g, &log);
            if (stable != IR_NONE)
                return stable;
        }
    return IR_NONE;
}

static IrRef stable_log_root(IrGraph *g, const IrNode *n)
{
    IrRef y;
    if (!is_op(g, n->in[0], IR_SQRT, &y))
        return IR_NONE;
    IrRef log = log_of(g, y);
    return log == IR_NONE ? IR_NONE : half(g, log);
}

static IrRef stable_log_quotient(IrGraph *g, const IrNode *n)
{
    const IrNode *y = &g->node[n->in[0]];
    if (y->op != IR_DIV)
        return IR_NONE;
    IrRef above = y->in[0], below = y->in[1];
    uint32_t before = g->count;
    IrRef a = log_of(g, above), b = a == IR_NONE ? IR_NONE : log_of(g, below);
    if (b == IR_NONE) {
        g->count = before; /* nothing reads what log_of added */
        return IR_NONE;
    }
    return ir_binary(g, IR_SUB, a, b);
}

static bool moves_elements(IrOp op)
{
    return op == IR_GATHER || op == IR_RESHAPE || op == IR_TRANSPOSE || op == IR_EXPAND ||
           op == IR_SLICE || op == IR_TO_PLATE || op == IR_SAMPLED;
}

static IrRef stable_log_moved(IrGraph *g, const IrNode *n)
{
    IrNode move = g->node[n->in[0]];
    if (!moves_elements(move.op))
        return IR_NONE;
    IrRef in[2] = {log_of(g, move.in[0]), move.n_in > 1 ? move.in[1] : IR_NONE};
    if (in[0] == IR_NONE)
        return IR_NONE;
    return ir_typed(g, move.op, move.attr, move.type, move.n_in, in);
}

static IrRef stable_log1p_exp(IrGraph *g, const IrNode *n)
{
    IrRef x;
    return is_op(g, n->in[0], IR_EXP, &x) ? ir_unary(g, IR_SOFTPLUS, x) : IR_NONE;
}

/* ---- exponentials -------------------------------------------------------------------------- */

static IrRef expm1_of(IrGraph *g, const IrNode *n, IrRef e)
{
    IrRef x;
    if (e == IR_NONE || !is_op(g, e, IR_EXP, &x) || instead(g, n, x) == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_EXPM1, x);
}

static IrRef stable_exp_minus_one(IrGraph *g, const IrNode *n)
{
    return is_number(g, n->in[1], 1) ? expm1_of(g, n, n->in[0]) : IR_NONE;
}

static IrRef stable_minus_one_exp(IrGraph *g, const IrNode *n)
{
    return expm1_of(g, n, beside(g, n, -1));
}

static IrRef stable_sqrt_exp(IrGraph *g, const IrNode *n)
{
    IrRef x;
    return is_op(g, n->in[0], IR_EXP, &x) ? ir_unary(g, IR_EXP, half(g, x)) : IR_NONE;
}

static IrRef stable_logistic(IrGraph *g, const IrNode *n)
{
    const IrNode *y = &g->node[n->in[1]];
    IrRef e = y->op == IR_ADD ? beside(g, y, 1) : IR_NONE, minus, x;
    if (e == IR_NONE || !is_number(g, n->in[0], 1) || !is_op(g, e, IR_EXP, &minus) ||
        !is_op(g, minus, IR_NEG, &x) || instead(g, n, x) == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_SIGMOID, x);
}

/* ---- cross entropy ------------------------------------------------------------------------- */

/* Is r = -softplus(l)?  The logarithms of p and 1 - p have this form by now. */
static bool is_log_sigmoid(const IrGraph *g, IrRef r, IrRef *l)
{
    IrRef s;
    return is_op(g, r, IR_NEG, &s) && is_op(g, s, IR_SOFTPLUS, l);
}

/* Is r = x log(sigmoid(l)), in either order? */
static bool is_yes(const IrGraph *g, IrRef r, IrRef *x, IrRef *l)
{
    const IrNode *n = &g->node[r];
    IrRef minus;
    for (uint32_t i = 0; n->op == IR_MUL && i < 2; i++)
        if (is_log_sigmoid(g, n->in[i], &minus) && is_op(g, minus, IR_NEG, l)) {
            *x = n->in[1 - i];
            return true;
        }
    return false;
}

/* Is r = (1 - x) log(1 - sigmoid(l)), in either order? */
static bool is_no(const IrGraph *g, IrRef r, IrRef x, IrRef l)
{
    const IrNode *n = &g->node[r];
    for (uint32_t i = 0; n->op == IR_MUL && i < 2; i++) {
        const IrNode *rest = &g->node[n->in[1 - i]];
        IrRef logit;
        if (is_log_sigmoid(g, n->in[i], &logit) && logit == l && rest->op == IR_SUB &&
            is_number(g, rest->in[0], 1) && same(g, rest->in[1], x))
            return true;
    }
    return false;
}

static IrRef stable_cross_entropy(IrGraph *g, const IrNode *n)
{
    IrRef x, l;
    for (uint32_t i = 0; i < 2; i++)
        if (is_yes(g, n->in[i], &x, &l) && is_no(g, n->in[1 - i], x, l))
            return ir_binary(g, IR_SUB, ir_binary(g, IR_MUL, x, l), ir_unary(g, IR_SOFTPLUS, l));
    return IR_NONE;
}

static IrRef stable_minus_entropy(IrGraph *g, const IrNode *n)
{
    IrRef first, x, l;
    if (!is_op(g, n->in[0], IR_NEG, &first) || !is_yes(g, first, &x, &l) ||
        !is_no(g, n->in[1], x, l))
        return IR_NONE;
    return ir_binary(g, IR_SUB, ir_unary(g, IR_SOFTPLUS, l), ir_binary(g, IR_MUL, x, l));
}

/* ---- laws ---------------------------------------------------------------------------------- */

/* The same law on logits: one transport, one set of estimators, a stable log-density. */
static IrRef sample_on(IrGraph *g, const IrNode *n, IrDist law, IrRef logits)
{
    IrAttr attr = n->attr;
    attr.dist = law;
    uint32_t first = ir_deciding(n), inputs = n->n_in - first;
    IrRef *in = arena_array(g->model->arena, IrRef, inputs + 1);
    in[0] = logits;
    for (uint32_t k = 0; k < inputs; k++)
        in[1 + k] = n->in[first + k];
    return ir_typed(g, IR_SAMPLE, attr, n->type, 1 + inputs, in);
}

static IrRef stable_bernoulli(IrGraph *g, const IrNode *n)
{
    IrRef l;
    if (n->attr.dist != IR_DIST_bernoulli || !is_op(g, n->in[0], IR_SIGMOID, &l))
        return IR_NONE;
    return sample_on(g, n, IR_DIST_bernoulli_logits, l);
}

static IrRef stable_categorical(IrGraph *g, const IrNode *n)
{
    IrRef l;
    if (n->attr.dist != IR_DIST_categorical || !is_op(g, n->in[0], IR_EXP, &l))
        return IR_NONE;
    return sample_on(g, n, IR_DIST_categorical_logits, l);
}

/* ---- the pass ------------------------------------------------------------------------------ */

IrRef stable_form(IrGraph *g, const IrNode *n)
{
    for (size_t i = 0; i < stable_count; i++) {
        if (stable_info[i].root != n->op)
            continue;
        uint32_t before = g->count;
        IrRef r = stable_info[i].apply(g, n);
        if (r == IR_NONE)
            continue;
        if (r >= before && !g->node[r].why)
            g->node[r].why = ir_decision(g->model->arena, SGR06, stable_info[i].why);
        return r;
    }
    return IR_NONE;
}

static IrRef stable_node(IrGraph *g, const IrNode *n, void *context)
{
    (void)context;
    return stable_form(g, n);
}

bool pass_stable(IrGraph *g, PassCtx *cx)
{
    (void)cx;
    return ir_rewrite(g, stable_node, NULL);
}
