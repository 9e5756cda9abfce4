/* Log-densities are -inf outside the support.
 *
 * Where a value is known to lie inside (it is a draw of such a law, or data that are checked when
 * loaded) the rule of the law stands alone; elsewhere it is guarded by a comparison, so that
 * neither the rule nor its derivative is used outside. */
#include "frontend/fe.h"

#include <math.h>

/* ---- guards -------------------------------------------------------------------------------- */

static bool within(Range r, double low, double high)
{
    return r.low >= low && r.high <= high;
}

static IrRef between(IrGraph *g, IrRef low, IrRef x, IrRef high)
{
    return ir_binary(g, IR_AND, ir_binary(g, IR_LE, low, x), ir_binary(g, IR_LE, x, high));
}

/* A number of x's kind. */
static IrRef like(IrGraph *g, IrRef x, double v)
{
    return ir_at(g, x)->type.elem == IR_INT ? ir_int(g, (int64_t)v) : ir_const(g, v);
}

static IrRef half_line(IrGraph *g, bool closed, IrRef x)
{
    Range r = fe_range(g, x);
    if (r.low > 0 || (r.low == 0 && (closed || r.above)))
        return IR_NONE;
    return ir_binary(g, closed ? IR_LE : IR_LT, ir_const(g, 0), x);
}

/* Inside the bounds of the law: drawn from equal bounds, or between constants. */
static IrRef interval(IrGraph *g, const Law *law, IrRef x)
{
    const IrNode *draw = ir_at(g, x), *low = ir_at(g, law->arg[0]), *high = ir_at(g, law->arg[1]);
    if (draw->op == IR_SAMPLE && draw->attr.dist == law->dist &&
        fe_same_value(g, draw->in[0], law->arg[0]) && fe_same_value(g, draw->in[1], law->arg[1]))
        return IR_NONE;
    if (low->op == IR_CONST && high->op == IR_CONST &&
        within(fe_range(g, x), low->attr.num, high->attr.num))
        return IR_NONE;
    return between(g, law->arg[0], x, law->arg[1]);
}

static IrRef open_unit(IrGraph *g, IrRef x)
{
    Range r = fe_range(g, x);
    if ((r.low > 0 || (r.low == 0 && r.above)) && (r.high < 1 || (r.high == 1 && r.below)))
        return IR_NONE;
    return ir_binary(g, IR_AND, ir_binary(g, IR_LT, ir_const(g, 0), x),
                     ir_binary(g, IR_LT, x, ir_const(g, 1)));
}

/* An int is 0 or 1; a real anywhere between is a grey value. */
static IrRef zero_one(IrGraph *g, IrRef x)
{
    if (within(fe_range(g, x), 0, 1))
        return IR_NONE;
    return between(g, like(g, x, 0), x, like(g, x, 1));
}

static IrRef categories(IrGraph *g, const Law *law, IrRef x)
{
    double last = (double)ir_at(g, law->arg[0])->type.dim[0] - 1;
    if (within(fe_range(g, x), 0, last))
        return IR_NONE;
    return between(g, ir_int(g, 0), x, ir_int(g, (int64_t)last));
}

static IrRef counts(IrGraph *g, IrRef x)
{
    return fe_range(g, x).low >= 0 ? IR_NONE : ir_binary(g, IR_LE, ir_int(g, 0), x);
}

static IrRef bounded_counts(IrGraph *g, const Law *law, IrRef x)
{
    const IrNode *draw = ir_at(g, x), *n = ir_at(g, law->arg[0]);
    bool drawn = draw->op == IR_SAMPLE && draw->attr.dist == law->dist;
    if ((drawn && fe_same_value(g, draw->in[0], law->arg[0])) ||
        (n->op == IR_CONST && within(fe_range(g, x), 0, n->attr.num)))
        return IR_NONE;
    return between(g, ir_const(g, 0), ir_real(g, x), law->arg[0]);
}

static IrRef over_event(IrGraph *g, IrOp op, IrRef x)
{
    return ir_reduce(g, op, x, 1u << (ir_at(g, x)->type.rank - 1), 0);
}

/* exp(a - logsumexp(a)) over the last axis, whatever has become of it row by row. */
static bool is_softmax(const IrGraph *g, IrRef x)
{
    const IrNode *e = ir_at(g, x), *d = e->op == IR_EXP ? ir_at(g, e->in[0]) : e;
    if (e->op != IR_EXP || d->op != IR_SUB)
        return false;
    const IrNode *sum = ir_at(g, d->in[1]);
    while (sum->op == IR_EXPAND)
        sum = ir_at(g, sum->in[0]);
    return sum->op == IR_LOGSUMEXP && sum->attr.over == 0 &&
           sum->attr.axes == 1u << (d->type.rank - 1) && fe_same_value(g, sum->in[0], d->in[0]);
}

static bool is_on_simplex(const IrGraph *g, IrRef x)
{
    const IrNode *n = ir_at(g, x);
    if (n->op == IR_SAMPLE)
        return ir_dist_info[n->attr.dist].support == IR_SIMPLEX_EVENTS;
    if (n->op == IR_DATA)
        return g->model->data[n->attr.item].in == IR_SIMPLEX;
    return is_softmax(g, x);
}

/* Positive, with a sum that is 1 up to the rounding of data files and of f32. */
static IrRef simplex(IrGraph *g, IrRef x)
{
    if (is_on_simplex(g, x))
        return IR_NONE;
    IrRef off = ir_binary(g, IR_SUB, over_event(g, IR_SUM, x), ir_const(g, 1));
    IrRef whole = ir_binary(g, IR_LE, ir_unary(g, IR_ABS, off), ir_const(g, 1e-4));
    IrRef least = over_event(g, IR_REDUCE_MIN, x);
    return ir_binary(g, IR_AND, ir_binary(g, IR_LT, ir_const(g, 0), least), whole);
}

/* Counts from 0 on whose sum is `total`: a real, or 1 for one-hot vectors. */
static IrRef count_event(IrGraph *g, const Law *law, IrRef x, IrRef total)
{
    const IrNode *n = ir_at(g, x);
    bool drawn = n->op == IR_SAMPLE && ir_dist_info[n->attr.dist].support ==
                                           ir_dist_info[law->dist].support;
    bool one_hot = ir_dist_info[law->dist].support == IR_ONE_HOT_EVENTS;
    if (drawn && (one_hot || fe_same_value(g, n->in[0], law->arg[0])))
        return IR_NONE;
    IrRef sum = ir_binary(g, IR_EQ, ir_real(g, over_event(g, IR_SUM, x)), total);
    IrRef least = ir_binary(g, IR_LE, ir_int(g, 0), over_event(g, IR_REDUCE_MIN, x));
    return ir_binary(g, IR_AND, least, sum);
}

/* The condition for x to lie in the support; IR_NONE: it does. */
static IrRef support_guard(IrGraph *g, const Law *law, IrRef x)
{
    switch (ir_dist_info[law->dist].support) {
    case IR_HALF_LINE: return half_line(g, true, x);
    case IR_OPEN_HALF_LINE: return half_line(g, false, x);
    case IR_INTERVAL: return interval(g, law, x);
    case IR_OPEN_UNIT: return open_unit(g, x);
    case IR_ZERO_ONE: return zero_one(g, x);
    case IR_CATEGORIES: return categories(g, law, x);
    case IR_COUNTS: return counts(g, x);
    case IR_BOUNDED_COUNTS: return bounded_counts(g, law, x);
    case IR_SIMPLEX_EVENTS: return simplex(g, x);
    case IR_ONE_HOT_EVENTS: return count_event(g, law, x, ir_const(g, 1));
    case IR_COUNT_EVENTS: return count_event(g, law, x, law->arg[0]);
    default: return IR_NONE;
    }
}

IrRef fe_guarded(Fe *fe, const Law *law, IrRef x)
{
    IrGraph *g = fe->g;
    IrRef guard = support_guard(g, law, x);
    uint32_t before = g->count;
    IrRef inside = ir_dist_info[law->dist].logpdf(g, law->arg, x);
    if (guard == IR_NONE)
        return inside;
    for (IrRef r = before; r < g->count; r++)
        if (ir_at(g, r)->op == IR_GATHER && ir_at(g, r)->in[1] == x)
            ir_at(g, r)->attr.k[0] = 1;
    return ir_select(g, guard, inside, ir_const(g, -INFINITY));
}
