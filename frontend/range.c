/* Between which bounds a value is known to lie, whatever the parameters and the noise. */
#include "frontend/fe.h"

#include <math.h>
#include <string.h>

static const Range anything = {-INFINITY, INFINITY, false, false};

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

bool fe_same_value(const IrGraph *g, IrRef a, IrRef b)
{
    enum { DEPTH = 8 };
    return same(g, a, b, DEPTH);
}

static Range of_sample(const IrGraph *g, const IrNode *n)
{
    const IrNode *p = n->n_in ? ir_at(g, n->in[0]) : n;
    switch (ir_dist_info[n->attr.dist].support) {
    case IR_HALF_LINE:
    case IR_OPEN_HALF_LINE:
        return (Range){0, INFINITY, true, false};
    case IR_ZERO_ONE:
        return (Range){0, 1, false, false};
    case IR_OPEN_UNIT:
        return (Range){0, 1, true, true};
    case IR_CATEGORIES:
        return (Range){0, (double)p->type.dim[0] - 1, false, false};
    case IR_SIMPLEX_EVENTS:
        return (Range){0, 1, true, true};
    case IR_ONE_HOT_EVENTS:
        return (Range){0, 1, false, false};
    case IR_COUNTS:
        return (Range){0, INFINITY, false, false};
    case IR_BOUNDED_COUNTS:
    case IR_COUNT_EVENTS:
        return (Range){0, p->op == IR_CONST ? p->attr.num : INFINITY, false, false};
    case IR_INTERVAL: {
        const IrNode *high = ir_at(g, n->in[1]);
        if (p->op == IR_CONST && high->op == IR_CONST)
            return (Range){p->attr.num, high->attr.num, true, true};
        return anything;
    }
    default:
        return anything;
    }
}

static Range of_data(const IrData *d)
{
    switch (d->in) {
    case IR_POSITIVE:
        return (Range){0, INFINITY, true, false};
    case IR_UNIT_INTERVAL:
    case IR_SIMPLEX:
        return (Range){0, 1, false, false};
    case IR_RANGE:
        return (Range){d->lo, d->hi, false, false};
    default:
        return anything;
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

/* What an argument of a law has to lie in besides. */
static Range bounded(const IrGraph *g, const IrNode *n, int depth)
{
    Range r = range_of(g, n->in[0], depth - 1), bound = range_of(g, n->in[1], depth - 1);
    if (n->op == IR_AT_MOST && bound.high < r.high)
        return (Range){r.low, bound.high, r.above, bound.below};
    if (n->op != IR_AT_MOST && bound.low >= r.low)
        return (Range){bound.low, r.high, n->op == IR_ABOVE || bound.above, r.below};
    return r;
}

static Range range_of(const IrGraph *g, IrRef r, int depth)
{
    const IrNode *n = ir_at(g, r);
    if (depth == 0)
        return anything;
    switch (n->op) {
    case IR_CONST:
        return (Range){n->attr.num, n->attr.num, false, false};
    case IR_SAMPLE:
        return of_sample(g, n);
    case IR_DATA:
        return of_data(&g->model->data[n->attr.item]);
    case IR_INDEX:
        return of_index(g, n);
    case IR_EXP:
    case IR_SOFTPLUS:
        return (Range){0, INFINITY, true, false};
    case IR_SQUARE:
    case IR_ABS:
    case IR_RELU:
        return (Range){0, INFINITY, false, false};
    case IR_SIGMOID:
        return (Range){0, 1, true, true};
    case IR_ONE_HOT:
        return (Range){0, 1, false, false};
    case IR_SUB:
        return difference(g, n, depth);
    case IR_ABOVE:
    case IR_AT_LEAST:
    case IR_AT_MOST:
        return bounded(g, n, depth);
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
    case IR_REDUCE_MIN:
        return range_of(g, n->in[0], depth - 1);
    case IR_GATHER:
        return n->attr.k[0] ? anything : range_of(g, n->in[0], depth - 1);
    default:
        return anything;
    }
}

Range fe_range(const IrGraph *g, IrRef r)
{
    enum { DEPTH = 12 };
    return range_of(g, r, DEPTH);
}
