/* Before a graph is laid out: what has no words, or awkward ones, becomes what has.
 *
 * Sums over plates leave contractions and scatters.  One step of a sequence is read as such.  A
 * sequence that runs backwards is copied step by step before it becomes an axis.  Sums over rows
 * come last: what is left when they are done has no plates that only stand in the rows. */
#include "frontend/unparse_graph.h"

#include <string.h>

static bool is_steps(const IrGraph *g, int32_t plate)
{
    return g->plate[plate].kind == IR_PLATE_STEP;
}

static IrRef sum_apart(IrGraph *g, const IrNode *n)
{
    IrAttr attr = n->attr;
    if (!attr.over)
        return IR_NONE;
    attr.over = 0;
    return ir_reduce(g, IR_SUM, ir_node(g, n->op, attr, n->n_in, n->in), 0, n->attr.over);
}

/* The element that a slice of length one takes out of a sequence: a reshape of the copies of a
 * plate that keeps copy k0. */
static IrRef one_step(IrGraph *g, const IrNode *n)
{
    const IrNode *slice = &g->node[n->in[0]];
    if (slice->op != IR_SLICE || slice->attr.k[0] != 0 || slice->attr.k[2] != slice->attr.k[1] + 1)
        return IR_NONE;
    const IrNode *axis = &g->node[slice->in[0]];
    if (axis->op != IR_TO_AXIS || !is_steps(g, axis->attr.plate) ||
        !ir_same_shape(&n->type, &g->node[axis->in[0]].type))
        return IR_NONE;
    int64_t copy = slice->attr.k[1] - axis->attr.k[0];
    if (copy < 0 || copy >= g->plate[axis->attr.plate].size)
        return IR_NONE;
    IrAttr attr = {.plate = axis->attr.plate, .k = {copy}};
    return ir_typed(g, IR_RESHAPE, attr, n->type, 1, axis->in);
}

static IrRef simpler(IrGraph *g, const IrNode *n, void *context)
{
    (void)context;
    switch (n->op) {
    case IR_CONTRACT:
    case IR_SCATTER:
        return sum_apart(g, n);
    case IR_RESHAPE:
        return one_step(g, n);
    default:
        return IR_NONE;
    }
}

/* `sampled` is its operand; outside of the region it is a sequence of its own. */
static IrRef forward(IrGraph *g, const IrNode *n, void *context)
{
    (void)context;
    if (n->op != IR_TO_AXIS || n->region)
        return IR_NONE;
    uint32_t region = g->node[n->in[0]].region;
    if (region == 0 || !g->region[region - 1].reverse)
        return IR_NONE;
    IrRef copy = ir_unary(g, IR_SAMPLED, n->in[0]);
    return ir_node(g, IR_TO_AXIS, n->attr, 1, &copy);
}

static bool is_rows(const IrGraph *g, IrPlates plates)
{
    return plates && !(plates & (plates - 1)) &&
           g->plate[__builtin_ctz(plates)].kind == IR_PLATE_ROWS;
}

/* What x is the sum over rows of, or IR_NONE. */
static IrRef summand(IrGraph *g, IrRef x, IrPlates *rows)
{
    const IrNode n = g->node[x];
    if (n.op == IR_SUM && n.attr.axes == 0 && is_rows(g, n.attr.over)) {
        *rows = n.attr.over;
        return n.in[0];
    }
    bool spread =
        n.op == IR_ADD && g->node[n.in[1]].op == IR_CONST && g->node[n.in[1]].attr.num == 0;
    IrRef a = n.op == IR_NEG || spread ? summand(g, n.in[0], rows) : IR_NONE;
    if (a == IR_NONE)
        return a;
    return spread ? ir_binary(g, IR_ADD, a, n.in[1]) : ir_unary(g, IR_NEG, a);
}

static IrRef rows_last(IrGraph *g, const IrNode *n, void *context)
{
    (void)context;
    IrPlates rows = 0;
    bool sum = n->op == IR_SUM && n->attr.over;
    bool axis = n->op == IR_TO_AXIS && !is_steps(g, n->attr.plate);
    if (n->region || (!sum && !axis) || (sum && g->node[n->in[0]].type.rank != n->type.rank))
        return IR_NONE;
    IrRef x = summand(g, n->in[0], &rows);
    if (x == IR_NONE)
        return IR_NONE;
    if (sum)
        return ir_reduce(g, IR_SUM, x, 0, n->attr.over | rows);
    return ir_reduce(g, IR_SUM, ir_node(g, IR_TO_AXIS, n->attr, 1, &x), 0, rows);
}

void up_prepare(Unparse *u)
{
    ir_rewrite(&u->g, simpler, NULL);
    ir_rewrite(&u->g, forward, NULL);
    ir_rewrite(&u->g, rows_last, NULL);
}
