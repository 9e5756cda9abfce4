/* Means of what is made of linear forms of one event: a vector whose elements depend on each other.
 */
#include "passes/integrate.h"

static IrRef identity(IrGraph *g, int64_t size)
{
    return ir_unary(g, IR_DIAG, ir_expand(g, ir_const(g, 1), 0, size));
}

static IrRef matrix_of_form(Integral *t, IrRef u);

static IrRef matrix_of_op(Integral *t, const IrNode *n, IrRef m, bool second)
{
    IrGraph *g = t->g;
    IrRef other = n->n_in == 2 ? n->in[!second] : IR_NONE;
    uint32_t others = other == IR_NONE ? 0 : g->node[other].type.rank;
    switch (n->op) {
    case IR_ADD:
    case IR_TO_REAL:
        return m;
    case IR_SUB:
        return second ? ir_unary(g, IR_NEG, m) : m;
    case IR_NEG:
        return ir_unary(g, IR_NEG, m);
    case IR_MUL:
        if (others == 1 && g->node[m].type.rank == 2)
            other = ir_expand(g, other, 1, g->node[m].type.dim[1]);
        else if (others)
            return IR_NONE;
        return ir_binary(g, IR_MUL, m, other);
    case IR_DIV:
        return !second && others == 0 ? ir_binary(g, IR_DIV, m, other) : IR_NONE;
    case IR_SOLVE_TRI:
        return second ? ir_node(g, n->op, n->attr, 2, (IrRef[]){other, m}) : IR_NONE;
    case IR_SLICE:
        return ir_node(g, IR_SLICE, n->attr, 1, &m);
    case IR_SUM:
        return n->attr.over ? IR_NONE : ir_reduce(g, IR_SUM, m, n->attr.axes, 0);
    case IR_RESHAPE: {
        IrType shape = n->type;
        if (shape.rank > 1)
            return IR_NONE;
        shape.elem = IR_REAL;
        shape.dim[shape.rank++] = t->draw.type.dim[0];
        shape.plates = g->node[m].type.plates;
        return ir_typed(g, IR_RESHAPE, (IrAttr){0}, shape, 1, &m);
    }
    default:
        return IR_NONE;
    }
}

/* Two forms of one shape, added or subtracted. */
static IrRef matrix_of_sum(Integral *t, const IrNode *n)
{
    IrGraph *g = t->g;
    bool sum = (n->op == IR_ADD || n->op == IR_SUB) &&
               ir_same_shape(&g->node[n->in[0]].type, &g->node[n->in[1]].type);
    IrRef a = sum ? matrix_of_form(t, n->in[0]) : IR_NONE;
    IrRef b = a == IR_NONE ? a : matrix_of_form(t, n->in[1]);
    return b == IR_NONE ? b : ir_binary(g, n->op, a, b);
}

/* u = M e + constant: the matrix M on a new last axis, where e is the noise of a multivariate
 * normal and of other laws the event itself; IR_NONE: not of that form. */
static IrRef matrix_of_form(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    IrNode n = g->node[u];
    if (u == t->z || (n.op == IR_TO_REAL && n.in[0] == t->z))
        return t->law->support == IR_EVENT_SPACE ? ir_unary(g, IR_TRIL, t->draw.in[1])
                                                 : identity(g, t->draw.type.dim[0]);
    bool first = n.n_in > 0 && ig_depends(t, n.in[0]),
         second = n.n_in > 1 && ig_depends(t, n.in[1]);
    IrRef m = first && second   ? matrix_of_sum(t, &n)
              : first || second ? matrix_of_form(t, n.in[second])
                                : IR_NONE;
    m = m == IR_NONE || (first && second) ? m : matrix_of_op(t, &n, m, second);
    return m != IR_NONE && g->node[m].type.rank == n.type.rank + 1 ? m : IR_NONE;
}

static IrRef over_last_axis(IrGraph *g, IrRef a)
{
    return ir_reduce(g, IR_SUM, a, 1u << (g->node[a].type.rank - 1), 0);
}

/* Of shares p that sum to one the covariance of elements i and j is c (p_i [i = j] - p_i p_j). */
static bool shares_of_event(Integral *t, IrRef *p, IrRef *c)
{
    IrGraph *g = t->g;
    const IrRef *arg = t->draw.in;
    *p = ig_moment(t, IR_E_MEAN, IR_NONE);
    *c = ir_const(g, 1);
    switch (t->law->support) {
    case IR_ONE_HOT_EVENTS:
        return true;
    case IR_COUNT_EVENTS:
        *c = arg[0];
        *p = ir_binary(g, IR_DIV, arg[1], ir_sum_all(g, arg[1]));
        return true;
    case IR_SIMPLEX_EVENTS:
        *c = ir_binary(g, IR_DIV, *c, ir_binary(g, IR_ADD, ir_sum_all(g, arg[0]), *c));
        return true;
    default:
        return false;
    }
}

static IrRef covariance(Integral *t, IrRef m, IrRef n)
{
    IrGraph *g = t->g;
    IrRef p, c, both = ir_binary(g, IR_MUL, m, n);
    if (t->law->support == IR_EVENT_SPACE)
        return over_last_axis(g, both);
    if (!shares_of_event(t, &p, &c))
        return IR_NONE;
    if (g->node[m].type.rank == 2)
        p = ir_expand(g, p, 0, g->node[m].type.dim[0]);
    IrRef of_m = over_last_axis(g, ir_binary(g, IR_MUL, m, p));
    IrRef of_n = m == n ? of_m : over_last_axis(g, ir_binary(g, IR_MUL, n, p));
    IrRef own = over_last_axis(g, ir_binary(g, IR_MUL, both, p));
    return ir_binary(g, IR_MUL, c, ir_binary(g, IR_SUB, own, ir_binary(g, IR_MUL, of_m, of_n)));
}

/* E u v = E u E v + Cov(u, v), element by element, for linear forms of one event. */
IrRef ig_second_moment_of_event(Integral *t, IrRef u, IrRef v)
{
    IrGraph *g = t->g;
    bool alike = t->draw.type.rank == 1 && g->node[u].type.rank <= 1 &&
                 ir_same_shape(&g->node[u].type, &g->node[v].type);
    IrRef m = alike ? matrix_of_form(t, u) : IR_NONE;
    IrRef n = m == IR_NONE || u == v ? m : matrix_of_form(t, v);
    IrRef first = n == IR_NONE ? n : ig_expectation(t, u);
    IrRef second = first == IR_NONE || u == v ? first : ig_expectation(t, v);
    IrRef spread = second == IR_NONE ? second : covariance(t, m, n);
    if (spread == IR_NONE)
        return IR_NONE;
    return ig_plus(g, u == v ? ig_squared(g, first) : ig_product(g, first, second), spread);
}

/* Mean and variance of a linear form of one multivariate normal event, which is normal; false: it
 * is none. */
static bool normal_form(Integral *t, IrRef u, IrRef *mean, IrRef *variance)
{
    IrGraph *g = t->g;
    bool normal =
        t->law->support == IR_EVENT_SPACE && t->draw.type.rank == 1 && g->node[u].type.rank <= 1;
    IrRef m = normal ? matrix_of_form(t, u) : IR_NONE;
    *mean = m == IR_NONE ? m : ig_expectation(t, u);
    *variance = *mean == IR_NONE ? *mean : covariance(t, m, m);
    return *variance != IR_NONE;
}

/* E e^u = e^(E u + Var u / 2) for a linear form u of one multivariate normal event. */
IrRef ig_expected_exponential_of_event(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    IrRef mean, variance;
    if (!normal_form(t, u, &mean, &variance))
        return IR_NONE;
    return ir_unary(g, IR_EXP, ig_plus(g, mean, ig_product(g, ir_const(g, 0.5), variance)));
}

/* E cos u = e^(-Var u / 2) cos E u for the same, and with the sine likewise: the characteristic
 * function. */
IrRef ig_expected_wave_of_event(Integral *t, IrOp wave, IrRef u)
{
    IrGraph *g = t->g;
    IrRef mean, variance;
    if (!normal_form(t, u, &mean, &variance))
        return IR_NONE;
    IrRef shrunk = ir_unary(g, IR_EXP, ig_product(g, ir_const(g, -0.5), variance));
    return ig_product(g, shrunk, ir_unary(g, wave, mean));
}
