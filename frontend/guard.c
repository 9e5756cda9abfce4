/* Log-densities are -inf outside the support.
 *
 * Where a value is known to lie inside (it is a draw of such a law, or data that are checked when
 * loaded) the rule of the law stands alone; elsewhere it is guarded by a comparison, so that
 * neither the rule nor its derivative is used outside. */
#include "frontend/fe.h"

#include <math.h>
#include <string.h>

/* Every element lies in [low, high], above `low` if `above`, below `high` if `below`. */
typedef struct Range {
    double low, high;
    bool above, below;
} Range;

static const Range anything = {-INFINITY, INFINITY, false, false};

/* ---- what is known ------------------------------------------------------------------------- */

static bool same_attr(const IrAttr *a, const IrAttr *b)
{
    bool text = a->text == b->text || (a->text && b->text && strcmp(a->text, b->text) == 0);
    return text && a->num == b->num && a->plate == b->plate && a->over == b->over &&
           a->axes == b->axes && a->item == b->item && memcmp(a->k, b->k, sizeof a->k) == 0;
}

static bool same(const IrGraph *g, IrRef a, IrRef b, int depth)
{
    const IrNode *x = ir_at(g, a), *y = ir_at(g, b);
    if (a == b)
        return true;
    bool drawn = x->op == IR_SAMPLE || x->op == IR_CARRY || x->op == IR_EXPECT;
    if (depth == 0 || drawn || x->op != y->op || x->n_in != y->n_in ||
        !same_attr(&x->attr, &y->attr) || !ir_type_equal(&x->type, &y->type))
        return false;
    for (uint32_t i = 0; i < x->n_in; i++)
        if (!same(g, x->in[i], y->in[i], depth - 1))
            return false;
    return true;
}

static bool same_value(const IrGraph *g, IrRef a, IrRef b)
{
    enum { DEPTH = 8 };
    return same(g, a, b, DEPTH);
}

static Range of_sample(const IrGraph *g, const IrNode *n)
{
    const IrNode *p = n->n_in ? ir_at(g, n->in[0]) : n;
    switch (ir_dist_info[n->attr.dist].support) {
    case IR_HALF_LINE:
    case IR_OPEN_HALF_LINE: return (Range){0, INFINITY, true, false};
    case IR_ZERO_ONE: return (Range){0, 1, false, false};
    case IR_OPEN_UNIT: return (Range){0, 1, true, true};
    case IR_CATEGORIES: return (Range){0, (double)p->type.dim[0] - 1, false, false};
    case IR_SIMPLEX_EVENTS: return (Range){0, 1, true, true};
    case IR_ONE_HOT_EVENTS: return (Range){0, 1, false, false};
    case IR_COUNTS: return (Range){0, INFINITY, false, false};
    case IR_BOUNDED_COUNTS:
    case IR_COUNT_EVENTS:
        return (Range){0, p->op == IR_CONST ? p->attr.num : INFINITY, false, false};
    case IR_INTERVAL: {
        const IrNode *high = ir_at(g, n->in[1]);
        if (p->op == IR_CONST && high->op == IR_CONST)
            return (Range){p->attr.num, high->attr.num, true, true};
        return anything;
    }
    default: return anything;
    }
}

static Range of_data(const IrData *d)
{
    switch (d->in) {
    case IR_POSITIVE: return (Range){0, INFINITY, true, false};
    case IR_UNIT_INTERVAL:
    case IR_SIMPLEX: return (Range){0, 1, false, false};
    case IR_RANGE: return (Range){d->lo, d->hi, false, false};
    default: return anything;
    }
}

static Range of_index(const IrGraph *g, const IrNode *n)
{
    const IrPlate *p = &g->plate[n->attr.plate];
    double first = (double)n->attr.k[0];
    double last = first + (double)p->size - 1;
    return p->kind == IR_PLATE_ROWS ? anything : (Range){first, last, false, false};
}

static Range range_of(const IrGraph *g, IrRef r, int depth);

static Range either(Range a, Range b)
{
    bool a_lowest = a.low < b.low || (a.low == b.low && !a.above);
    bool a_highest = a.high > b.high || (a.high == b.high && !a.below);
    return (Range){fmin(a.low, b.low), fmax(a.high, b.high), a_lowest ? a.above : b.above,
                   a_highest ? a.below : b.below};
}

/* A constant less a value. */
static Range difference(const IrGraph *g, const IrNode *n, int depth)
{
    const IrNode *from = ir_at(g, n->in[0]);
    Range r = range_of(g, n->in[1], depth - 1);
    if (from->op != IR_CONST)
        return anything;
    return (Range){from->attr.num - r.high, from->attr.num - r.low, r.below, r.above};
}

static Range range_of(const IrGraph *g, IrRef r, int depth)
{
    const IrNode *n = ir_at(g, r);
    if (depth == 0)
        return anything;
    switch (n->op) {
    case IR_CONST: return (Range){n->attr.num, n->attr.num, false, false};
    case IR_SAMPLE: return of_sample(g, n);
    case IR_DATA: return of_data(&g->model->data[n->attr.item]);
    case IR_INDEX: return of_index(g, n);
    case IR_EXP:
    case IR_SOFTPLUS: return (Range){0, INFINITY, true, false};
    case IR_SQUARE:
    case IR_ABS:
    case IR_RELU: return (Range){0, INFINITY, false, false};
    case IR_SIGMOID: return (Range){0, 1, true, true};
    case IR_ONE_HOT: return (Range){0, 1, false, false};
    case IR_SUB: return difference(g, n, depth);
    case IR_SELECT:
        return either(range_of(g, n->in[1], depth - 1), range_of(g, n->in[2], depth - 1));
    case IR_TO_REAL:
    case IR_STOP:
    case IR_RESHAPE:
    case IR_SLICE:
    case IR_EXPAND:
    case IR_TRANSPOSE:
    case IR_TO_PLATE:
    case IR_REDUCE_MAX:
    case IR_REDUCE_MIN: return range_of(g, n->in[0], depth - 1);
    case IR_GATHER: return n->attr.k[0] ? anything : range_of(g, n->in[0], depth - 1);
    default: return anything;
    }
}

static Range known_range(const IrGraph *g, IrRef r)
{
    enum { DEPTH = 12 };
    return range_of(g, r, DEPTH);
}

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
    Range r = known_range(g, x);
    if (r.low > 0 || (r.low == 0 && (closed || r.above)))
        return IR_NONE;
    return ir_binary(g, closed ? IR_LE : IR_LT, ir_const(g, 0), x);
}

/* Inside the bounds of the law: drawn from equal bounds, or between constants. */
static IrRef interval(IrGraph *g, const Law *law, IrRef x)
{
    const IrNode *draw = ir_at(g, x), *low = ir_at(g, law->arg[0]), *high = ir_at(g, law->arg[1]);
    if (draw->op == IR_SAMPLE && draw->attr.dist == law->dist &&
        same_value(g, draw->in[0], law->arg[0]) && same_value(g, draw->in[1], law->arg[1]))
        return IR_NONE;
    if (low->op == IR_CONST && high->op == IR_CONST &&
        within(known_range(g, x), low->attr.num, high->attr.num))
        return IR_NONE;
    return between(g, law->arg[0], x, law->arg[1]);
}

static IrRef open_unit(IrGraph *g, IrRef x)
{
    Range r = known_range(g, x);
    if ((r.low > 0 || (r.low == 0 && r.above)) && (r.high < 1 || (r.high == 1 && r.below)))
        return IR_NONE;
    return ir_binary(g, IR_AND, ir_binary(g, IR_LT, ir_const(g, 0), x),
                     ir_binary(g, IR_LT, x, ir_const(g, 1)));
}

/* An int is 0 or 1; a real anywhere between is a grey value. */
static IrRef zero_one(IrGraph *g, IrRef x)
{
    if (within(known_range(g, x), 0, 1))
        return IR_NONE;
    return between(g, like(g, x, 0), x, like(g, x, 1));
}

static IrRef categories(IrGraph *g, const Law *law, IrRef x)
{
    double last = (double)ir_at(g, law->arg[0])->type.dim[0] - 1;
    if (within(known_range(g, x), 0, last))
        return IR_NONE;
    return between(g, ir_int(g, 0), x, ir_int(g, (int64_t)last));
}

static IrRef counts(IrGraph *g, IrRef x)
{
    return known_range(g, x).low >= 0 ? IR_NONE : ir_binary(g, IR_LE, ir_int(g, 0), x);
}

static IrRef bounded_counts(IrGraph *g, const Law *law, IrRef x)
{
    const IrNode *draw = ir_at(g, x), *n = ir_at(g, law->arg[0]);
    bool drawn = draw->op == IR_SAMPLE && draw->attr.dist == law->dist;
    if ((drawn && same_value(g, draw->in[0], law->arg[0])) ||
        (n->op == IR_CONST && within(known_range(g, x), 0, n->attr.num)))
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
           sum->attr.axes == 1u << (d->type.rank - 1) && same_value(g, sum->in[0], d->in[0]);
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
    if (drawn && (one_hot || same_value(g, n->in[0], law->arg[0])))
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
