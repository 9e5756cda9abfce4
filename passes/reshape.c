/* The rules of simplify.def on shapes, plates and sums. */
#include "passes/match.h"
#include "passes/simplify.h"

#include <string.h>

#define RULE_OF(name) IrRef rule_##name(IrGraph *g, const IrNode *n)

/* ---- constants ----------------------------------------------------------------------------- */

static IrRef constant(IrGraph *g, const IrNode *n)
{
    double v;
    return is_const(g, n->in[0], &v) ? constant_of(g, n->type, v) : IR_NONE;
}

RULE_OF(reshape_const)
{
    return constant(g, n);
}

RULE_OF(expand_const)
{
    return constant(g, n);
}

RULE_OF(transpose_const)
{
    return constant(g, n);
}

RULE_OF(slice_const)
{
    return constant(g, n);
}

RULE_OF(to_plate_const)
{
    return constant(g, n);
}

/* ---- expand -------------------------------------------------------------------------------- */

/* The scalar that r repeats along all its axes, or IR_NONE. */
static IrRef repeated_scalar(const IrGraph *g, IrRef r)
{
    while (g->node[r].op == IR_EXPAND)
        r = g->node[r].in[0];
    return g->node[r].type.rank == 0 ? r : IR_NONE;
}

static IrRef with_operands(IrGraph *g, const IrNode *n, const IrRef *in)
{
    return ir_node(g, n->op, n->attr, n->n_in, in);
}

RULE_OF(expand_scalar)
{
    IrRef in[3], shaped = IR_NONE, repeated = IR_NONE;
    for (uint32_t i = 0; i < n->n_in; i++) {
        in[i] = n->in[i];
        IrRef scalar = g->node[in[i]].op == IR_EXPAND ? repeated_scalar(g, in[i]) : IR_NONE;
        if (scalar == IR_NONE && g->node[in[i]].type.rank > 0)
            shaped = in[i];
        else if (scalar != IR_NONE)
            in[i] = repeated = scalar;
    }
    return shaped != IR_NONE && repeated != IR_NONE ? with_operands(g, n, in) : IR_NONE;
}

RULE_OF(expand_late)
{
    IrRef in[3];
    const IrNode *expand = NULL;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrNode *x = &g->node[n->in[i]];
        in[i] = n->in[i];
        if (x->type.rank == 0)
            continue;
        if (x->op != IR_EXPAND || (expand && expand->attr.k[0] != x->attr.k[0]))
            return IR_NONE;
        expand = x;
        in[i] = x->in[0];
    }
    if (!expand || expand->attr.k[1] == 1)
        return IR_NONE; /* along one copy nothing is saved */
    uint32_t axis = (uint32_t)expand->attr.k[0];
    int64_t size = expand->attr.k[1];
    return ir_expand(g, with_operands(g, n, in), axis, size);
}

/* ---- moves --------------------------------------------------------------------------------- */

RULE_OF(reshape_reshape)
{
    IrRef a;
    if (instead(g, n, n->in[0]) != IR_NONE)
        return n->in[0];
    if (!is_op(g, n->in[0], IR_RESHAPE, &a))
        return IR_NONE;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, n->type, 1, &a);
}

RULE_OF(transpose_twice)
{
    const IrNode *x = &g->node[n->in[0]];
    IrAttr both = {0};
    bool same = true, twice = x->op == IR_TRANSPOSE;
    for (uint32_t i = 0; i < n->type.rank; i++) {
        both.k[i] = twice ? x->attr.k[n->attr.k[i]] : n->attr.k[i];
        same &= both.k[i] == i;
    }
    IrRef a = twice ? x->in[0] : n->in[0];
    if (same)
        return a;
    return twice ? ir_node(g, IR_TRANSPOSE, both, 1, &a) : IR_NONE;
}

static IrRef slice(IrGraph *g, IrRef a, int64_t axis, int64_t from, int64_t to)
{
    return ir_node(g, IR_SLICE, (IrAttr){.k = {axis, from, to}}, 1, &a);
}

RULE_OF(slice_whole)
{
    return instead(g, n, n->in[0]);
}

RULE_OF(slice_slice)
{
    const IrNode *x = &g->node[n->in[0]];
    const int64_t *k = n->attr.k, from = x->attr.k[1];
    if (x->op != IR_SLICE || x->attr.k[0] != k[0])
        return IR_NONE;
    return slice(g, x->in[0], k[0], from + k[1], from + k[2]);
}

RULE_OF(slice_concat)
{
    const IrNode *x = &g->node[n->in[0]];
    const int64_t *k = n->attr.k;
    if (x->op != IR_CONCAT || x->attr.k[0] != k[0])
        return IR_NONE;
    int64_t at = 0;
    for (uint32_t i = 0; i < x->n_in; i++) {
        const IrType *part = &g->node[x->in[i]].type;
        int64_t end = at + part->dim[k[0]];
        bool whole = part->plates == n->type.plates && k[1] >= at && k[2] <= end;
        if (whole)
            return slice(g, x->in[i], k[0], k[1] - at, k[2] - at);
        at = end;
    }
    return IR_NONE;
}

RULE_OF(slice_pad)
{
    const IrNode *x = &g->node[n->in[0]];
    const int64_t *k = n->attr.k;
    if (x->op != IR_PAD || x->attr.k[0] != k[0])
        return IR_NONE;
    int64_t at = x->attr.k[1], end = at + g->node[x->in[0]].type.dim[k[0]];
    if (k[1] >= at && k[2] <= end)
        return slice(g, x->in[0], k[0], k[1] - at, k[2] - at);
    return k[2] <= at || k[1] >= end ? constant_of(g, n->type, 0) : IR_NONE;
}

RULE_OF(pad_whole)
{
    return instead(g, n, n->in[0]);
}

RULE_OF(concat_one)
{
    return n->n_in == 1 ? instead(g, n, n->in[0]) : IR_NONE;
}

RULE_OF(to_plate_to_axis)
{
    const IrNode *x = &g->node[n->in[0]];
    bool inverse =
        x->op == IR_TO_AXIS && x->attr.plate == n->attr.plate && x->attr.k[0] == n->attr.k[0];
    return inverse ? instead(g, n, x->in[0]) : IR_NONE;
}

RULE_OF(to_axis_to_plate)
{
    const IrNode *x = &g->node[n->in[0]];
    bool inverse = x->op == IR_TO_PLATE && x->attr.plate == n->attr.plate && x->attr.k[0] == 0 &&
                   n->attr.k[0] == 0;
    return inverse ? instead(g, n, x->in[0]) : IR_NONE;
}

RULE_OF(diag_diag)
{
    IrRef a;
    return is_op(g, n->in[0], IR_DIAG, &a) ? a : IR_NONE;
}

RULE_OF(tril_tril)
{
    IrOp op = g->node[n->in[0]].op;
    return op == IR_TRIL || op == IR_CHOLESKY ? n->in[0] : IR_NONE;
}

/* ---- reductions ---------------------------------------------------------------------------- */

static IrRef reduce_one(IrGraph *g, const IrNode *n)
{
    const IrType *a = &g->node[n->in[0]].type;
    for (uint32_t i = 0; i < a->rank; i++)
        if (n->attr.axes >> i & 1 && a->dim[i] != 1)
            return IR_NONE;
    if (n->attr.over || n->attr.axes == 0)
        return IR_NONE;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, n->type, 1, n->in);
}

RULE_OF(sum_one)
{
    return reduce_one(g, n);
}

RULE_OF(prod_one)
{
    return reduce_one(g, n);
}

RULE_OF(max_one)
{
    return reduce_one(g, n);
}

RULE_OF(min_one)
{
    return reduce_one(g, n);
}

/* The set of axes without axis `gone`, those above it one lower. */
static uint32_t without_axis(uint32_t axes, int64_t gone)
{
    uint32_t below = (1u << gone) - 1;
    return (axes & below) | (axes >> 1 & ~below);
}

/* The reduction of what was expanded along a reduced axis, without that axis. */
static IrRef reduce_expand(IrGraph *g, const IrNode *n, int64_t *copies)
{
    const IrNode *x = &g->node[n->in[0]];
    if (x->op != IR_EXPAND || !(n->attr.axes >> x->attr.k[0] & 1))
        return IR_NONE;
    *copies = x->attr.k[1];
    return ir_reduce(g, n->op, x->in[0], without_axis(n->attr.axes, x->attr.k[0]), n->attr.over);
}

RULE_OF(sum_expand)
{
    int64_t copies;
    IrRef sum = reduce_expand(g, n, &copies);
    if (sum == IR_NONE || copies == 1)
        return sum;
    IrType scalar = ir_scalar_type(n->type.elem, 0);
    return ir_binary(g, IR_MUL, sum, constant_of(g, scalar, (double)copies));
}

RULE_OF(max_expand)
{
    int64_t copies;
    return reduce_expand(g, n, &copies);
}

RULE_OF(min_expand)
{
    int64_t copies;
    return reduce_expand(g, n, &copies);
}

/* ---- contractions -------------------------------------------------------------------------- */

/* Labels axis i of the product 'a' + i and peels the expands off a factor: its labels are those of
 * the axes it really has.  False: nothing of it was repeated, neither along an axis nor by copies
 * that share it, and a loop is as good as a product of matrices. */
static bool factor(const IrGraph *g, IrRef *r, const IrType *product, char *labels)
{
    uint32_t rank = product->rank, count = rank;
    for (uint32_t i = 0; i < rank; i++)
        labels[i] = (char)('a' + i);
    for (; g->node[*r].op == IR_EXPAND; *r = g->node[*r].in[0]) {
        size_t axis = (size_t)g->node[*r].attr.k[0];
        memmove(labels + axis, labels + axis + 1, count - axis);
        count--;
    }
    labels[count] = 0;
    return count < rank || g->node[*r].type.plates != product->plates;
}

/* Every reduced axis must be one of both factors (else it was only repeated: sum_expand), or the
 * contraction would not be a product of matrices; every kept axis of one of them. */
static bool covers(const char *a, const char *b, uint32_t rank, uint32_t axes)
{
    for (uint32_t i = 0; i < rank; i++) {
        bool in_a = strchr(a, 'a' + (int)i), in_b = strchr(b, 'a' + (int)i);
        if (axes >> i & 1 ? !in_a || !in_b : !in_a && !in_b)
            return false;
    }
    return true;
}

RULE_OF(sum_product)
{
    const IrNode *x = &g->node[n->in[0]];
    if (x->op != IR_MUL || !is_elem(g, n->in[0], IR_REAL))
        return IR_NONE;
    uint32_t rank = x->type.rank;
    IrRef a = x->in[0], b = x->in[1];
    if (g->node[a].type.rank != rank || g->node[b].type.rank != rank)
        return IR_NONE;
    char la[IR_MAX_RANK + 1], lb[IR_MAX_RANK + 1], out[IR_MAX_RANK + 1];
    bool repeated_a = factor(g, &a, &x->type, la), repeated_b = factor(g, &b, &x->type, lb);
    if (!repeated_a || !repeated_b || !covers(la, lb, rank, n->attr.axes))
        return IR_NONE;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < rank; i++)
        if (!(n->attr.axes >> i & 1))
            out[kept++] = (char)('a' + i);
    out[kept] = 0;
    const char *spec = arena_printf(g->model->arena, "%s,%s->%s", la, lb, out);
    return ir_contract(g, spec, n->attr.over, a, b);
}

/* Not where one operand is the same in every copy: the sum of the other comes first then. */
RULE_OF(sum_contract)
{
    const IrNode *x = &g->node[n->in[0]];
    if (x->op != IR_CONTRACT || n->attr.axes || x->type.rank < 2)
        return IR_NONE;
    for (uint32_t i = 0; i < 2; i++)
        if (n->attr.over & ~g->node[x->in[i]].type.plates)
            return IR_NONE;
    return ir_contract(g, x->attr.text, x->attr.over | n->attr.over, x->in[0], x->in[1]);
}

/* Axis i of the transpose is axis k[i] of what it transposes: the labels move along. */
RULE_OF(contract_transpose)
{
    const char *comma = strchr(n->attr.text, ',');
    for (uint32_t i = 0; i < 2; i++) {
        const IrNode *x = &g->node[n->in[i]];
        if (x->op != IR_TRANSPOSE)
            continue;
        char *spec = arena_copy(g->model->arena, n->attr.text, strlen(n->attr.text));
        char *labels = spec + (i == 0 ? 0 : comma + 1 - n->attr.text);
        char before[IR_MAX_RANK];
        memcpy(before, labels, x->type.rank);
        for (uint32_t k = 0; k < x->type.rank; k++)
            labels[x->attr.k[k]] = before[k];
        IrRef in[2] = {n->in[0], n->in[1]};
        in[i] = x->in[0];
        return ir_contract(g, spec, n->attr.over, in[0], in[1]);
    }
    return IR_NONE;
}
