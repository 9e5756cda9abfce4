/* Cutting the work on rows into fixed parts.
 *
 * The rows of a batch are cut into `parts` parts, and a sum over them into a `partial` sum per part
 * and a sum over the parts.  A part sums its rows in order and the parts are added in order, so the
 * bits of a result depend on the number of parts, which is compiled in, and on nothing else: not on
 * the number of threads, nor on which thread takes which part.
 *
 *   sum over rows         ->  sum, per row, over axes and other plates; partial; sum over parts
 *   contract over rows    ->  the same, if it is only an element-wise product (a bias, a scale);
 *                             otherwise it stays: fuse gives it a phase over the whole batch
 *   cost of a row value   ->  cost of its sum
 *
 * Reductions that are not sums have no partial form; they stay, and one task computes them. */
#include "passes/hoist.h"
#include "passes/pass.h"

#include <string.h>

typedef struct Cut {
    IrPlates rows;
    int64_t parts;
    int32_t plate; /* of the parts; -1 until the first sum needs it */
} Cut;

static IrPlates rows_of(const IrGraph *g)
{
    IrPlates rows = 0;
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].kind == IR_PLATE_ROWS)
            rows |= 1u << p;
    return rows;
}

/* The sum of v, per row, over its rows. */
static IrRef sum_of_parts(IrGraph *g, IrRef v, Cut *cut)
{
    if (cut->plate < 0)
        cut->plate = (int32_t)ir_plate_add(g, "parts", IR_PLATE_PARTS, cut->parts, 0);
    IrRef partial = ir_node(g, IR_PARTIAL, (IrAttr){.plate = cut->plate}, 1, &v);
    return ir_reduce(g, IR_SUM, partial, 0, 1u << cut->plate);
}

/* Does every label of this operand stay, in the order of the result?  Then the operand fits an
 * element-wise product as it is; so does one without labels. */
static bool fits(const char *labels, size_t count, const char *out)
{
    return count == 0 || (strlen(out) == count && memcmp(labels, out, count) == 0);
}

static bool element_wise(const char *spec)
{
    const char *comma = strchr(spec, ','), *arrow = strstr(spec, "->"), *out = arrow + 2;
    size_t a = (size_t)(comma - spec), b = (size_t)(arrow - comma - 1);
    if (out[0] == 0) /* a scalar: the operands share all labels, which are then summed */
        return a == b && memcmp(spec, comma + 1, a) == 0;
    return fits(spec, a, out) && fits(comma + 1, b, out);
}

static IrRef cut_sum(IrGraph *g, IrRef v, uint32_t axes, IrPlates over, Cut *cut)
{
    return sum_of_parts(g, ir_reduce(g, IR_SUM, v, axes, over & ~cut->rows), cut);
}

static IrRef cut_contract(IrGraph *g, const IrNode *n, Cut *cut)
{
    if (!element_wise(n->attr.text))
        return IR_NONE;
    IrRef product = ir_binary(g, IR_MUL, n->in[0], n->in[1]);
    uint32_t rank = g->node[product].type.rank;
    uint32_t axes = n->type.rank == 0 ? (1u << rank) - 1 : 0;
    return cut_sum(g, product, axes, n->attr.over, cut);
}

static IrRef cut_cost(IrGraph *g, const IrNode *n, Cut *cut)
{
    const IrType *t = &g->node[n->in[0]].type;
    if (!(t->plates & cut->rows))
        return IR_NONE;
    IrNode cost = *n;
    IrRef sum = cut_sum(g, n->in[0], (1u << t->rank) - 1, t->plates, cut);
    cost.in = &sum;
    cost.type = g->node[sum].type;
    return ir_keep(g, &cost);
}

static IrRef cut_node(IrGraph *g, const IrNode *n, void *context)
{
    Cut *cut = context;
    if (n->op == IR_COST)
        return cut_cost(g, n, cut);
    if (!(n->attr.over & cut->rows) || n->region)
        return IR_NONE;
    if (n->op == IR_SUM)
        return cut_sum(g, n->in[0], n->attr.axes, n->attr.over, cut);
    return n->op == IR_CONTRACT ? cut_contract(g, n, cut) : IR_NONE;
}

bool pass_partition(IrGraph *g, PassCtx *cx)
{
    Cut cut = {.rows = rows_of(g), .parts = cx->options->parts, .plate = -1};
    bool changed = hoist_from_regions(g);
    if (cut.rows && g->plates < IR_MAX_PLATES)
        changed |= ir_rewrite(g, cut_node, &cut);
    return changed;
}
