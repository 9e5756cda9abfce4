/* Closed forms: a cost, or a part of one, is replaced by its expectation over one draw.
 *
 * A term that reads a draw z only through statistics whose mean the law of z knows (z, z^2, |z -
 * t|, e^(tz), log z, (log z)^2, z^t: the moments of dist.def) is replaced by that mean, whatever
 * the algebra around it: sums, differences, scalings and squares of affine forms are taken apart
 * here. So log q(z) - log p(z) becomes the closed-form Kullback-Leibler divergence without being
 * recognised as one.
 *
 * The condition: nothing else in the term is a descendant of z; then the law of z given the rest of
 * the term is its own.  estimators.md E7 and 2.5. */
#include "passes/adjoint.h"
#include "passes/pass.h"

#include <math.h>

typedef struct Integral {
    IrGraph *g;
    IrRef z;
    IrNode draw; /* a copy of node z */
    const IrDistInfo *law;
    IrRef count;     /* nodes before the integration; what is built later is free of z */
    bool *depends;   /* on z, along any path */
    bool *statistic; /* holds more of z than a linear form */
    IrRef *known;    /* expectations found so far */
} Integral;

#define UNKNOWN (IR_NONE - 1)

static bool depends(const Integral *t, IrRef r)
{
    return r < t->count && t->depends[r];
}

/* ---- arithmetic that drops what is 0 or 1 --------------------------------------------------- */
/* x - x is taken as 0 and x / x as 1, which is false only where x is not finite (or 0): there the
 * log-density that is being integrated is not finite either. */

static bool is_const(const IrGraph *g, IrRef r, double v)
{
    const IrNode *n = &g->node[r];
    return n->op == IR_CONST && n->type.rank == 0 && n->type.plates == 0 && n->attr.num == v;
}

/* Does it give the same for the same operands, whatever else it has? */
static bool same_operation(const IrNode *x, const IrNode *y)
{
    bool sums = x->op == IR_SUM && x->attr.axes == y->attr.axes && x->attr.over == y->attr.over;
    return x->op == y->op && x->n_in == y->n_in && x->n_in > 0 &&
           (ir_op_info[x->op].flags & IR_EW || sums);
}

static bool same(const IrGraph *g, IrRef a, IrRef b, int depth)
{
    const IrNode *x = &g->node[a], *y = &g->node[b];
    if (a == b)
        return true;
    if (x->op == IR_CONST && y->op == IR_CONST)
        return ir_type_equal(&x->type, &y->type) && x->attr.num == y->attr.num;
    if (depth == 0 || !same_operation(x, y))
        return false;
    for (uint32_t k = 0; k < x->n_in; k++)
        if (!same(g, x->in[k], y->in[k], depth - 1))
            return false;
    return true;
}

enum { SAME_DEPTH = 3 };

static IrRef negated(IrGraph *g, IrRef a)
{
    if (g->node[a].op == IR_NEG)
        return g->node[a].in[0];
    return is_const(g, a, 0) ? a : ir_unary(g, IR_NEG, a);
}

static IrRef plus(IrGraph *g, IrRef a, IrRef b)
{
    if (is_const(g, a, 0))
        return b;
    return is_const(g, b, 0) ? a : ir_binary(g, IR_ADD, a, b);
}

static IrRef less(IrGraph *g, IrRef a, IrRef b)
{
    if (same(g, a, b, SAME_DEPTH))
        return ir_const(g, 0);
    if (g->node[a].op == IR_ADD && same(g, g->node[a].in[0], b, SAME_DEPTH))
        return g->node[a].in[1];
    if (is_const(g, b, 0))
        return a;
    return is_const(g, a, 0) ? negated(g, b) : ir_binary(g, IR_SUB, a, b);
}

static IrRef product(IrGraph *g, IrRef a, IrRef b)
{
    if (is_const(g, a, 1) || is_const(g, b, 0))
        return b;
    return is_const(g, b, 1) || is_const(g, a, 0) ? a : ir_binary(g, IR_MUL, a, b);
}

static IrRef quotient(IrGraph *g, IrRef a, IrRef b)
{
    if (is_const(g, a, 0) || is_const(g, b, 1))
        return a;
    return same(g, a, b, SAME_DEPTH) ? ir_const(g, 1) : ir_binary(g, IR_DIV, a, b);
}

static IrRef squared(IrGraph *g, IrRef a)
{
    return is_const(g, a, 0) || is_const(g, a, 1) ? a : ir_unary(g, IR_SQUARE, a);
}

/* ---- element-wise affine forms -------------------------------------------------------------- */

typedef enum Atom { NO_ATOM, ATOM_VALUE, ATOM_LOG, ATOM_LOG_REST } Atom;

/* log1p(-z) or log(1 - z) */
static bool is_log_rest(const Integral *t, const IrNode *n)
{
    const IrNode *x = n->n_in == 1 ? &t->g->node[n->in[0]] : n;
    if (n->op == IR_LOG1P)
        return x->op == IR_NEG && x->in[0] == t->z;
    return n->op == IR_LOG && x->op == IR_SUB && is_const(t->g, x->in[0], 1) && x->in[1] == t->z;
}

static Atom atom_of(const Integral *t, IrRef r)
{
    const IrNode *n = &t->g->node[r];
    if (r == t->z || (n->op == IR_TO_REAL && n->in[0] == t->z))
        return ATOM_VALUE;
    if (n->op == IR_LOG && n->in[0] == t->z)
        return ATOM_LOG;
    return is_log_rest(t, n) ? ATOM_LOG_REST : NO_ATOM;
}

/* e = a + b s element by element, with s = z everywhere or s = log z everywhere. */
static bool affine(const Integral *t, IrRef e, Atom *seen)
{
    if (!depends(t, e))
        return true;
    Atom here = atom_of(t, e);
    if (here != NO_ATOM) {
        bool mixed = *seen != NO_ATOM && *seen != here;
        *seen = here;
        return !mixed;
    }
    const IrNode *n = &t->g->node[e];
    switch (n->op) {
    case IR_NEG:
        return affine(t, n->in[0], seen);
    case IR_ADD:
    case IR_SUB:
        return affine(t, n->in[0], seen) && affine(t, n->in[1], seen);
    case IR_MUL:
        return (!depends(t, n->in[0]) || !depends(t, n->in[1])) && affine(t, n->in[0], seen) &&
               affine(t, n->in[1], seen);
    case IR_DIV:
        return !depends(t, n->in[1]) && affine(t, n->in[0], seen);
    default:
        return false;
    }
}

/* The affine form e with `value` for its atom; without its constant part if `slope`. */
static IrRef replay(Integral *t, IrRef e, IrRef value, bool slope)
{
    IrGraph *g = t->g;
    if (!depends(t, e))
        return slope ? ir_const(g, 0) : e;
    if (atom_of(t, e) != NO_ATOM)
        return value;
    IrNode n = g->node[e];
    bool first = depends(t, n.in[0]);
    switch (n.op) {
    case IR_NEG:
        return negated(g, replay(t, n.in[0], value, slope));
    case IR_ADD:
        return plus(g, replay(t, n.in[0], value, slope), replay(t, n.in[1], value, slope));
    case IR_SUB:
        return less(g, replay(t, n.in[0], value, slope), replay(t, n.in[1], value, slope));
    case IR_DIV:
        return quotient(g, replay(t, n.in[0], value, slope), n.in[1]);
    default:
        return product(g, replay(t, n.in[!first], value, slope), n.in[first]);
    }
}

static IrRef moment(Integral *t, IrMoment m, IrRef x)
{
    return t->law->moment(t->g, t->draw.in, m, x);
}

static IrRef mean_of(Integral *t, Atom atom)
{
    static const IrMoment mean[] = {
        [ATOM_VALUE] = IR_E_MEAN, [ATOM_LOG] = IR_E_LOG_MEAN, [ATOM_LOG_REST] = IR_E_LOG_REST};
    return moment(t, mean[atom], IR_NONE);
}

static bool mean_and_variance(Integral *t, Atom atom, IrRef *mean, IrRef *variance)
{
    if (atom == ATOM_LOG_REST)
        return false;
    bool log = atom == ATOM_LOG;
    *mean = mean_of(t, atom);
    *variance = moment(t, log ? IR_E_LOG_SQUARE : IR_E_VARIANCE, IR_NONE);
    if (*mean == IR_NONE || *variance == IR_NONE)
        return false;
    if (log)
        *variance = less(t->g, *variance, ir_unary(t->g, IR_SQUARE, *mean));
    return true;
}

/* E[u v] = u(m) v(m) + u' v' Var, for affine u and v of one atom.  A variance that is a square is
 * replayed under the square, so that (z - mu) / sigma gives exactly 1. */
static IrRef second_moment(Integral *t, IrRef u, IrRef v)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    IrRef mean, variance;
    if (!affine(t, u, &atom) || !affine(t, v, &atom) ||
        !mean_and_variance(t, atom, &mean, &variance))
        return IR_NONE;
    IrRef at_mean = replay(t, u, mean, false), spread;
    bool is_square = g->node[variance].op == IR_SQUARE;
    IrRef unit = is_square ? g->node[variance].in[0] : ir_const(g, 1);
    spread = replay(t, u, unit, true);
    if (u == v) {
        at_mean = squared(g, at_mean);
        spread = squared(g, spread);
    } else {
        at_mean = product(g, at_mean, replay(t, v, mean, false));
        spread = product(g, spread, replay(t, v, unit, true));
    }
    return plus(g, at_mean, is_square ? spread : product(g, spread, variance));
}

/* E|a z + b| = |a| E|z + b / a| */
static IrRef expected_distance(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (!affine(t, u, &atom) || atom != ATOM_VALUE || t->law->elem != IR_REAL)
        return IR_NONE;
    IrRef slope = replay(t, u, ir_const(g, 1), true);
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    IrRef e = moment(t, IR_E_ABS, quotient(g, negated(g, offset), slope));
    if (e == IR_NONE || is_const(g, slope, 1) || is_const(g, slope, -1))
        return e;
    return product(g, ir_unary(g, IR_ABS, slope), e);
}

/* E e^(a z + b) = e^b E e^(a z), and E e^(a log z + b) = e^b E z^a; two exponentials become one,
 * because either may overflow alone. */
static IrRef expected_exponential(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (!affine(t, u, &atom) || atom == ATOM_LOG_REST)
        return IR_NONE;
    IrMoment m = atom == ATOM_LOG ? IR_E_POWER : IR_E_EXP_TILT;
    IrRef e = moment(t, m, replay(t, u, ir_const(g, 1), true));
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    if (e == IR_NONE || is_const(g, offset, 0))
        return e;
    if (g->node[e].op == IR_EXP)
        return ir_unary(g, IR_EXP, ir_binary(g, IR_ADD, offset, g->node[e].in[0]));
    return ir_binary(g, IR_MUL, ir_unary(g, IR_EXP, offset), e);
}

/* E cos(z + b) and E sin(z + b), also of -z, for an angle z. */
static IrRef expected_wave(Integral *t, IrOp wave, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (t->law->support != IR_CIRCLE || !affine(t, u, &atom))
        return IR_NONE;
    IrRef slope = replay(t, u, ir_const(g, 1), true);
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    bool backwards = is_const(g, slope, -1);
    if (!backwards && !is_const(g, slope, 1))
        return IR_NONE;
    IrRef e =
        moment(t, wave == IR_COS ? IR_E_COS : IR_E_SIN, backwards ? offset : negated(g, offset));
    return backwards && wave == IR_SIN ? negated(g, e) : e;
}

/* E (a z)^p = a^p E z^p for a positive draw, whose powers are known. */
static IrRef expected_power(Integral *t, IrRef base, IrRef power)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (depends(t, power) || !affine(t, base, &atom) || atom != ATOM_VALUE ||
        !is_const(g, replay(t, base, ir_const(g, 0), false), 0))
        return IR_NONE;
    IrRef e = moment(t, IR_E_POWER, power), factor = replay(t, base, ir_const(g, 1), true);
    if (e == IR_NONE || is_const(g, factor, 1))
        return e;
    return ir_binary(g, IR_MUL, ir_binary(g, IR_POW, factor, power), e);
}

/* a / z is a z^-1. */
static IrRef expected_quotient(Integral *t, IrRef above, IrRef below)
{
    IrRef inverse = depends(t, above) ? IR_NONE : expected_power(t, below, ir_const(t->g, -1));
    return inverse == IR_NONE ? IR_NONE : product(t->g, above, inverse);
}

/* E log(1 + (a z + b)^2): a z + b of a Cauchy draw has a Cauchy law as well, and a z the law of
 * |.|. */
static IrRef expected_tail(Integral *t, IrRef x)
{
    IrGraph *g = t->g;
    IrNode n = g->node[x];
    Atom atom = NO_ATOM;
    bool folded = t->draw.attr.dist == IR_DIST_half_cauchy;
    if ((!folded && t->draw.attr.dist != IR_DIST_cauchy) || n.op != IR_SQUARE ||
        !affine(t, n.in[0], &atom) || atom != ATOM_VALUE)
        return IR_NONE;
    IrRef loc = replay(t, n.in[0], folded ? ir_const(g, 0) : t->draw.in[0], false);
    IrRef scale = replay(t, n.in[0], t->draw.in[!folded], true);
    if (folded && !is_const(g, loc, 0))
        return IR_NONE;
    IrRef wide = squared(g, plus(g, ir_const(g, 1), ir_unary(g, IR_ABS, scale)));
    return ir_unary(g, IR_LOG, plus(g, squared(g, loc), wide));
}

/* ---- polynomials of a uniform draw ----------------------------------------------------------- */

enum { DEGREE = 8 };

/* Coefficients of w^k, where z = m + h w and w is uniform on [-1, 1]: about the middle nothing
 * cancels, however far it lies from 0. */
typedef struct Polynomial {
    IrRef c[DEGREE + 1];
    int degree;
} Polynomial;

static bool multiplied(IrGraph *g, const Polynomial *a, const Polynomial *b, Polynomial *p)
{
    *p = (Polynomial){.degree = a->degree + b->degree};
    if (p->degree > DEGREE)
        return false;
    for (int k = 0; k <= p->degree; k++)
        p->c[k] = ir_const(g, 0);
    for (int i = 0; i <= a->degree; i++)
        for (int k = 0; k <= b->degree; k++)
            p->c[i + k] = plus(g, p->c[i + k], product(g, a->c[i], b->c[k]));
    return true;
}

static bool polynomial(Integral *t, IrRef e, Polynomial *p);

static bool polynomial_power(Integral *t, IrRef e, double power, Polynomial *p)
{
    Polynomial base, so_far;
    if (!(power >= 1 && power <= DEGREE && power == floor(power)) || !polynomial(t, e, &base))
        return false;
    *p = base;
    for (int k = 1; k < (int)power; k++) {
        so_far = *p;
        if (!multiplied(t->g, &so_far, &base, p))
            return false;
    }
    return true;
}

static bool polynomial_sum(Integral *t, const IrNode *n, Polynomial *p)
{
    IrGraph *g = t->g;
    Polynomial b;
    if (!polynomial(t, n->in[0], p) || !polynomial(t, n->in[1], &b))
        return false;
    for (; p->degree < b.degree; p->degree++)
        p->c[p->degree + 1] = ir_const(g, 0);
    for (int k = 0; k <= b.degree; k++)
        p->c[k] = n->op == IR_ADD ? plus(g, p->c[k], b.c[k]) : less(g, p->c[k], b.c[k]);
    return true;
}

static bool polynomial(Integral *t, IrRef e, Polynomial *p)
{
    IrGraph *g = t->g;
    IrNode n = g->node[e];
    Polynomial a, b;
    if (!depends(t, e)) {
        *p = (Polynomial){.c = {e}};
        return true;
    }
    if (e == t->z) {
        IrRef half = ir_const(g, 0.5), low = t->draw.in[0], high = t->draw.in[1];
        *p = (Polynomial){.c = {mean_of(t, ATOM_VALUE), product(g, half, less(g, high, low))},
                          .degree = 1};
        return true;
    }
    switch (n.op) {
    case IR_ADD:
    case IR_SUB:
        return polynomial_sum(t, &n, p);
    case IR_MUL:
        return polynomial(t, n.in[0], &a) && polynomial(t, n.in[1], &b) && multiplied(g, &a, &b, p);
    case IR_SQUARE:
        return polynomial_power(t, n.in[0], 2, p);
    case IR_POW:
        return g->node[n.in[1]].op == IR_CONST &&
               polynomial_power(t, n.in[0], g->node[n.in[1]].attr.num, p);
    case IR_NEG:
    case IR_DIV:
        if ((n.op == IR_DIV && depends(t, n.in[1])) || !polynomial(t, n.in[0], p))
            return false;
        for (int k = 0; k <= p->degree; k++)
            p->c[k] = n.op == IR_NEG ? negated(g, p->c[k]) : quotient(g, p->c[k], n.in[1]);
        return true;
    default:
        return false;
    }
}

/* E w^k is 1 / (k + 1) for even k and 0 for odd ones. */
static IrRef expected_polynomial(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    Polynomial p;
    if (t->draw.attr.dist != IR_DIST_uniform || !polynomial(t, e, &p))
        return IR_NONE;
    IrRef sum = p.c[0];
    for (int k = 2; k <= p.degree; k += 2)
        sum = plus(g, sum, product(g, ir_const(g, 1.0 / (k + 1)), p.c[k]));
    return sum;
}

/* ---- linear forms of one event --------------------------------------------------------------- */

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
    bool first = n.n_in > 0 && depends(t, n.in[0]), second = n.n_in > 1 && depends(t, n.in[1]);
    IrRef m = first && second   ? matrix_of_sum(t, &n)
              : first || second ? matrix_of_form(t, n.in[second])
                                : IR_NONE;
    m = m == IR_NONE || (first && second) ? m : matrix_of_op(t, &n, m, second);
    return m != IR_NONE && g->node[m].type.rank == n.type.rank + 1 ? m : IR_NONE;
}

static IrRef expectation(Integral *t, IrRef e);

static IrRef over_last_axis(IrGraph *g, IrRef a)
{
    return ir_reduce(g, IR_SUM, a, 1u << (g->node[a].type.rank - 1), 0);
}

/* Of shares p that sum to one the covariance of elements i and j is c (p_i [i = j] - p_i p_j). */
static bool shares_of_event(Integral *t, IrRef *p, IrRef *c)
{
    IrGraph *g = t->g;
    const IrRef *arg = t->draw.in;
    *p = moment(t, IR_E_MEAN, IR_NONE);
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
static IrRef second_moment_of_event(Integral *t, IrRef u, IrRef v)
{
    IrGraph *g = t->g;
    bool alike = t->draw.type.rank == 1 && g->node[u].type.rank <= 1 &&
                 ir_same_shape(&g->node[u].type, &g->node[v].type);
    IrRef m = alike ? matrix_of_form(t, u) : IR_NONE;
    IrRef n = m == IR_NONE || u == v ? m : matrix_of_form(t, v);
    IrRef first = n == IR_NONE ? n : expectation(t, u);
    IrRef second = first == IR_NONE || u == v ? first : expectation(t, v);
    IrRef spread = second == IR_NONE ? second : covariance(t, m, n);
    if (spread == IR_NONE)
        return IR_NONE;
    return plus(g, u == v ? squared(g, first) : product(g, first, second), spread);
}

/* E e^u = e^(E u + Var u / 2) for a linear form u of one multivariate normal event. */
static IrRef expected_exponential_of_event(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    bool normal =
        t->law->support == IR_EVENT_SPACE && t->draw.type.rank == 1 && g->node[u].type.rank <= 1;
    IrRef m = normal ? matrix_of_form(t, u) : IR_NONE;
    IrRef mean = m == IR_NONE ? m : expectation(t, u);
    if (mean == IR_NONE)
        return IR_NONE;
    return ir_unary(g, IR_EXP, plus(g, mean, product(g, ir_const(g, 0.5), covariance(t, m, m))));
}

/* ---- the expectation of a term -------------------------------------------------------------- */

/* The mean of one event is that of every row of events. */
static IrRef for_every_event(IrGraph *g, IrRef mean, const IrType *t)
{
    uint32_t rank = g->node[mean].type.rank;
    for (uint32_t i = rank ? t->rank - rank : 0; i-- > 0;)
        mean = ir_expand(g, mean, 0, t->dim[i]);
    return mean;
}

static IrRef expected_atom(Integral *t, IrRef e, Atom atom)
{
    IrType type = t->g->node[e].type;
    type.elem = IR_REAL;
    IrRef mean = mean_of(t, atom);
    return mean == IR_NONE ? IR_NONE : es_broadcast(t->g, for_every_event(t->g, mean, &type), type);
}

/* Elements, rows and sums of an integer draw, which are real where its mean stands for it. */
static bool moves_draw(const Integral *t, IrRef r)
{
    while (r != t->z) {
        const IrNode *n = &t->g->node[r];
        bool moves = n->op == IR_SUM || n->op == IR_CUMSUM || n->op == IR_SLICE ||
                     n->op == IR_PAD || n->op == IR_RESHAPE || n->op == IR_TRANSPOSE ||
                     n->op == IR_EXPAND || n->op == IR_GATHER || n->op == IR_TO_PLATE ||
                     n->op == IR_TO_AXIS;
        if (!moves || !depends(t, n->in[0]))
            return false;
        r = n->in[0];
    }
    return true;
}

/* Linear in operand k: the same operation on its expectation. */
static IrRef expected_linear(Integral *t, IrRef e, uint32_t k)
{
    IrGraph *g = t->g;
    IrNode n = g->node[e];
    for (uint32_t i = 0; i < n.n_in; i++)
        if (i != k && depends(t, n.in[i]))
            return IR_NONE;
    IrRef x = expectation(t, n.in[k]);
    if (x == IR_NONE || is_const(g, x, 0))
        return x;
    IrType type = g->node[n.in[k]].type;
    type.elem = n.type.elem = IR_REAL;
    x = es_broadcast(g, x, type);
    IrRef *in = arena_array(g->model->arena, IrRef, n.n_in);
    for (uint32_t i = 0; i < n.n_in; i++)
        in[i] = i == k ? x : n.in[i];
    if (n.op == IR_RESHAPE)
        return ir_typed(g, n.op, n.attr, n.type, 1, in);
    return ir_node(g, n.op, n.attr, n.n_in, in);
}

/* The terms of a sum, with their signs; those that do not depend on z are one value, `rest`. */
typedef struct Terms {
    IrRef *term;
    bool *minus;
    size_t count, minuses;
    IrRef rest;
} Terms;

static void take_apart(Integral *t, IrRef e, bool minus, Terms *s)
{
    const IrNode *n = &t->g->node[e];
    Arena *a = t->g->model->arena;
    if (!depends(t, e)) {
        s->rest = minus ? less(t->g, s->rest, e) : plus(t->g, s->rest, e);
    } else if (n->op == IR_NEG) {
        take_apart(t, n->in[0], !minus, s);
    } else if (n->op == IR_ADD || n->op == IR_SUB) {
        IrRef second = n->in[1];
        bool opposite = n->op == IR_SUB;
        take_apart(t, n->in[0], minus, s);
        take_apart(t, second, minus != opposite, s);
    } else {
        *arena_push(a, s->term, s->count, IrRef) = e;
        *arena_push(a, s->minus, s->minuses, bool) = minus;
    }
}

static void drop(Terms *s, size_t i)
{
    s->count--;
    for (; i < s->count; i++) {
        s->term[i] = s->term[i + 1];
        s->minus[i] = s->minus[i + 1];
    }
}

/* Drops one pair of equal terms of opposite signs. */
static bool cancel(const IrGraph *g, Terms *s)
{
    enum { DEPTH = 8 };
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < i; k++)
            if (s->minus[i] != s->minus[k] && same(g, s->term[i], s->term[k], DEPTH)) {
                drop(s, i);
                drop(s, k);
                return true;
            }
    return false;
}

/* E of a sum whose terms are not all known, but whose unknown ones cancel: log x! of two laws. */
static IrRef expected_rest(Integral *t, IrRef e)
{
    Terms s = {.rest = ir_const(t->g, 0)};
    take_apart(t, e, false, &s);
    if (!cancel(t->g, &s))
        return IR_NONE;
    while (cancel(t->g, &s))
        ;
    IrRef sum = s.rest;
    for (size_t i = 0; i < s.count && sum != IR_NONE; i++) {
        IrRef x = expectation(t, s.term[i]);
        sum = x == IR_NONE ? x : s.minus[i] ? less(t->g, sum, x) : plus(t->g, sum, x);
    }
    return sum;
}

static IrRef expected_sum(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    IrRef a = expectation(t, n.in[0]), b = a == IR_NONE ? a : expectation(t, n.in[1]);
    if (b == IR_NONE)
        return expected_rest(t, e);
    return n.op == IR_ADD ? plus(t->g, a, b) : less(t->g, a, b);
}

static IrRef expected_product(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    bool first = depends(t, n.in[0]);
    if (first && depends(t, n.in[1]) && ir_draws_vectors(t->law))
        return second_moment_of_event(t, n.in[0], n.in[1]);
    if (first && depends(t, n.in[1])) {
        IrRef square = second_moment(t, n.in[0], n.in[1]);
        return square == IR_NONE ? expected_polynomial(t, e) : square;
    }
    IrRef x = expectation(t, n.in[!first]);
    return x == IR_NONE ? x : product(t->g, x, n.in[first]);
}

/* u l, and 0 where u is 0, for u of the draw and l that is not: E[u] l, and 0 where E[u] is 0. */
static IrRef expected_times(Integral *t, const IrNode *n)
{
    IrGraph *g = t->g;
    IrNode test = g->node[n->in[0]], product = g->node[n->in[2]];
    if (test.op != IR_EQ || !is_const(g, test.in[1], 0) || !is_const(g, n->in[1], 0) ||
        product.op != IR_MUL || product.in[0] != test.in[0] || depends(t, product.in[1]))
        return IR_NONE;
    IrRef u = expectation(t, test.in[0]), zero = ir_const(g, 0);
    if (u == IR_NONE)
        return IR_NONE;
    IrRef v = ir_binary(g, IR_MUL, u, product.in[1]);
    return ir_select(g, ir_binary(g, IR_EQ, u, zero), zero, v);
}

static IrRef expected_pow(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    IrRef power = expected_power(t, n.in[0], n.in[1]);
    return power == IR_NONE ? expected_polynomial(t, e) : power;
}

/* Where a uniform draw meets a test of its place surely; IR_NONE: not such a test. */
static IrRef surely(Integral *t, IrRef test)
{
    IrGraph *g = t->g;
    IrNode n = g->node[test];
    if (!depends(t, test))
        return test;
    if (n.op == IR_AND) {
        IrRef a = surely(t, n.in[0]), b = a == IR_NONE ? a : surely(t, n.in[1]);
        return b == IR_NONE ? b : ir_binary(g, IR_AND, a, b);
    }
    if ((n.op != IR_LE && n.op != IR_LT) || (depends(t, n.in[0]) && depends(t, n.in[1])))
        return IR_NONE;
    if (n.in[1] == t->z)
        return ir_binary(g, IR_LE, n.in[0], t->draw.in[0]);
    return n.in[0] == t->z ? ir_binary(g, IR_LE, t->draw.in[1], n.in[1]) : IR_NONE;
}

/* A log-density that is -inf outside of its support: so is its mean, unless z surely lies inside.
 */
static IrRef expected_inside(Integral *t, const IrNode *n)
{
    IrGraph *g = t->g;
    if (t->draw.attr.dist != IR_DIST_uniform || !is_const(g, n->in[2], -INFINITY))
        return IR_NONE;
    IrRef outside = n->in[2], inside = surely(t, n->in[0]);
    IrRef value = inside == IR_NONE ? inside : expectation(t, n->in[1]);
    return value == IR_NONE ? value : ir_select(g, inside, value, outside);
}

/* A test of a Bernoulli draw picks the value where it holds with its probability. */
static IrRef expected_select(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    IrNode n = g->node[e], test = g->node[n.in[0]];
    IrRef known = depends(t, n.in[0]) ? expected_times(t, &n) : IR_NONE;
    if (known == IR_NONE && depends(t, n.in[0]))
        known = expected_inside(t, &n);
    if (known != IR_NONE)
        return known;
    IrRef yes = expectation(t, n.in[1]), no = yes == IR_NONE ? yes : expectation(t, n.in[2]);
    if (no == IR_NONE || depends(t, n.in[1]) || depends(t, n.in[2]))
        return depends(t, n.in[0]) || no == IR_NONE ? IR_NONE : ir_select(g, n.in[0], yes, no);
    bool is_one = t->law->support == IR_ZERO_ONE && test.op == IR_EQ && test.in[0] == t->z &&
                  is_const(g, test.in[1], 1);
    if (!is_one)
        return IR_NONE;
    IrRef p = moment(t, IR_E_MEAN, IR_NONE);
    IrRef miss = ir_binary(g, IR_SUB, ir_const(g, 1), p);
    IrRef zero = ir_const(g, 0);
    /* 0 log 0 is 0: a value that is never taken adds nothing. */
    IrRef a = ir_select(g, ir_binary(g, IR_EQ, p, zero), zero, ir_binary(g, IR_MUL, p, yes));
    IrRef b = ir_select(g, ir_binary(g, IR_EQ, miss, zero), zero, ir_binary(g, IR_MUL, miss, no));
    return ir_binary(g, IR_ADD, a, b);
}

static IrRef expected_square(Integral *t, IrRef e)
{
    IrRef u = t->g->node[e].in[0];
    if (ir_draws_vectors(t->law))
        return second_moment_of_event(t, u, u);
    IrRef square = second_moment(t, u, u);
    return square == IR_NONE ? expected_polynomial(t, e) : square;
}

/* Elements of log z are what the same elements of z have as logarithms. */
static IrRef expected_log(Integral *t, IrRef r)
{
    IrGraph *g = t->g;
    IrNode n = g->node[r];
    if (r == t->z)
        return expected_atom(t, r, ATOM_LOG);
    bool moves = n.op == IR_SLICE || n.op == IR_RESHAPE || n.op == IR_TRANSPOSE ||
                 n.op == IR_EXPAND || n.op == IR_GATHER;
    if (!moves || !depends(t, n.in[0]) || (n.n_in > 1 && depends(t, n.in[1])))
        return IR_NONE;
    IrRef in[] = {expected_log(t, n.in[0]), n.n_in > 1 ? n.in[1] : IR_NONE};
    if (in[0] == IR_NONE)
        return IR_NONE;
    return n.op == IR_RESHAPE ? ir_typed(g, n.op, n.attr, n.type, 1, in)
                              : ir_node(g, n.op, n.attr, n.n_in, in);
}

/* Of an integer draw: elements and sums, and products of two of them. */
static IrRef expected_real(Integral *t, IrRef r)
{
    const IrNode *n = &t->g->node[r];
    bool of_two = n->op == IR_MUL && moves_draw(t, n->in[0]) && moves_draw(t, n->in[1]);
    return of_two || moves_draw(t, r) ? expectation(t, r) : IR_NONE;
}

static IrRef expectation_of_op(Integral *t, IrRef e)
{
    const IrNode *n = &t->g->node[e];
    switch (n->op) {
    case IR_ADD:
    case IR_SUB:
        return expected_sum(t, e);
    case IR_MUL:
        return expected_product(t, e);
    case IR_SELECT:
        return expected_select(t, e);
    case IR_SQUARE:
        return expected_square(t, e);
    case IR_ABS:
        return expected_distance(t, n->in[0]);
    case IR_EXP:
        return ir_draws_vectors(t->law) ? expected_exponential_of_event(t, n->in[0])
                                        : expected_exponential(t, n->in[0]);
    case IR_COS:
    case IR_SIN:
        return expected_wave(t, n->op, n->in[0]);
    case IR_POW:
        return expected_pow(t, e);
    case IR_LOG:
        return expected_log(t, n->in[0]);
    case IR_LOG1P:
        return expected_tail(t, n->in[0]);
    case IR_DIV:
        return depends(t, n->in[1]) ? expected_quotient(t, n->in[0], n->in[1])
                                    : expected_linear(t, e, 0);
    case IR_TO_REAL:
        return expected_real(t, n->in[0]);
    case IR_NEG:
    case IR_SUM:
    case IR_CUMSUM:
    case IR_RESHAPE:
    case IR_TRANSPOSE:
    case IR_EXPAND:
    case IR_SLICE:
    case IR_PAD:
    case IR_GATHER:
    case IR_TO_PLATE:
    case IR_TO_AXIS:
        return expected_linear(t, e, 0);
    case IR_CONTRACT:
        return expected_linear(t, e, depends(t, n->in[1]));
    case IR_SOLVE_TRI:
        return expected_linear(t, e, 1);
    default:
        return IR_NONE;
    }
}

/* E[e] over z given all that does not descend from z; IR_NONE: not known in closed form. */
static IrRef expectation(Integral *t, IrRef e)
{
    if (!depends(t, e))
        return e;
    if (t->known[e] == UNKNOWN) {
        Atom atom = atom_of(t, e);
        t->known[e] = atom != NO_ATOM ? expected_atom(t, e, atom) : expectation_of_op(t, e);
    }
    return t->known[e];
}

/* What can be integrated of a sum whose other terms cannot.  A term that is linear in z stays: its
 * pathwise gradient is exact in the location already, and splitting it from terms that move with
 * it (x l - softplus(l)) would add variance. */
static IrRef partial_expectation(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    if (!depends(t, e))
        return e;
    IrRef whole = t->statistic[e] ? expectation(t, e) : IR_NONE;
    if (whole != IR_NONE)
        return es_broadcast(g, whole, g->node[e].type);
    IrNode n = g->node[e];
    bool sum = n.op == IR_ADD || n.op == IR_SUB, scaled = n.op == IR_MUL || n.op == IR_DIV;
    uint32_t which = scaled && !depends(t, n.in[0]);
    if (scaled && depends(t, n.in[!which]))
        return e;
    if (!sum && !scaled && n.op != IR_NEG && n.op != IR_SUM && n.op != IR_EXPAND)
        return e;
    IrRef in[2] = {n.in[0], n.n_in > 1 ? n.in[1] : IR_NONE};
    bool changed = false;
    for (uint32_t k = 0; k < n.n_in; k++)
        if (sum || k == which) {
            in[k] = partial_expectation(t, n.in[k]);
            changed |= in[k] != n.in[k];
        }
    return changed ? ir_node(g, n.op, n.attr, n.n_in, in) : e;
}

/* ---- what depends on a draw ----------------------------------------------------------------- */

static bool crosses_steps(const IrGraph *g, const IrNode *n, IrPlates plates)
{
    IrPlates crossed = n->attr.over;
    if (n->op == IR_TO_AXIS)
        crossed |= 1u << n->attr.plate;
    (void)g;
    return (crossed & plates) != 0;
}

/* Not linear in what it reads of the draw. */
static bool is_statistic(const Integral *t, const IrNode *n)
{
    return n->op == IR_SQUARE || n->op == IR_ABS || n->op == IR_EXP || n->op == IR_LOG ||
           n->op == IR_LOG1P || n->op == IR_COS || n->op == IR_SIN || n->op == IR_POW ||
           (n->op == IR_DIV && t->depends[n->in[1]]);
}

/* In a sequence a carry brings values of earlier steps, which do not descend from this step's copy
 * of z; past the sequence all steps are mixed and count. */
static bool mark_node(Integral *t, bool *ever, IrRef r)
{
    const IrNode *n = &t->g->node[r];
    bool same_region = n->op == IR_CARRY && n->region && n->region == t->draw.region;
    bool crossing = crosses_steps(t->g, n, t->draw.type.plates);
    int before = ever[r] + t->depends[r] + t->statistic[r];
    for (uint32_t k = 0; k < n->n_in; k++) {
        IrRef x = n->in[k];
        if (x >= t->count)
            continue; /* the law's own draw comes through no carry */
        ever[r] |= ever[x];
        t->depends[r] |= (t->depends[x] && !(same_region && k == 1)) || (crossing && ever[x]);
        t->statistic[r] |= t->statistic[x] && t->depends[x];
    }
    t->statistic[r] |= t->depends[r] && is_statistic(t, n);
    return ever[r] + t->depends[r] + t->statistic[r] > before;
}

static void mark(Integral *t)
{
    bool *ever = arena_array(t->g->model->arena, bool, t->count + 1);
    ever[t->z] = t->depends[t->z] = true;
    for (bool news = true; news;) { /* carries look forward, one after the other */
        news = false;
        for (IrRef r = t->z; r < t->count; r++)
            news |= mark_node(t, ever, r);
    }
}

static Integral integral_over(IrGraph *g, IrRef z)
{
    Arena *a = g->model->arena;
    Integral t = {.g = g, .z = z, .draw = g->node[z], .count = g->count};
    t.law = &ir_dist_info[t.draw.attr.dist];
    t.depends = arena_array(a, bool, t.count + 1);
    t.statistic = arena_array(a, bool, t.count + 1);
    t.known = arena_array(a, IrRef, t.count + 1);
    for (IrRef r = 0; r < t.count; r++)
        t.known[r] = UNKNOWN;
    mark(&t);
    return t;
}

/* ---- kl and entropy of finite laws: a sum over the values ----------------------------------- */

static IrRef with_value(Integral *t, IrRef e, IrRef value, IrRef *made)
{
    IrGraph *g = t->g;
    if (e == t->z)
        return value;
    if (!depends(t, e))
        return e;
    if (made[e] != IR_NONE)
        return made[e];
    IrNode n = g->node[e];
    IrRef *in = arena_array(g->model->arena, IrRef, n.n_in);
    for (uint32_t k = 0; k < n.n_in; k++)
        in[k] = with_value(t, n.in[k], value, made);
    return made[e] = ir_node(g, n.op, n.attr, n.n_in, in);
}

static IrRef expectation_by_sum(Integral *t, IrRef body)
{
    IrGraph *g = t->g;
    int64_t values = ir_dist_values(g, t->draw.attr.dist, t->draw.in);
    if (values == 0 || g->plates == IR_MAX_PLATES)
        return IR_NONE;
    uint32_t plate = ir_plate_add(g, arena_printf(g->model->arena, "v%u", g->plates),
                                  IR_PLATE_STATIC, values, 0);
    IrRef *made = arena_array(g->model->arena, IrRef, t->count + 1);
    for (IrRef r = 0; r < t->count; r++)
        made[r] = IR_NONE;
    IrRef number = ir_index(g, plate, 0), zero = ir_const(g, 0);
    IrRef value = ir_dist_value(g, t->draw.attr.dist, g, t->draw.in, number);
    IrRef p = ir_unary(g, IR_EXP, t->law->logpdf(g, t->draw.in, value));
    IrRef term = ir_binary(g, IR_MUL, p, with_value(t, body, value, made));
    term = ir_select(g, ir_binary(g, IR_EQ, p, zero), zero, term);
    return ir_reduce(g, IR_SUM, term, 0, 1u << plate);
}

/* ---- the pass ------------------------------------------------------------------------------- */

static const char *name_of(const IrNode *draw)
{
    return draw->name ? draw->name : "the draw";
}

static IrRef integrate_law(IrGraph *g, const IrNode *n, PassCtx *cx)
{
    Integral t = integral_over(g, n->in[0]);
    IrType type = g->node[n->in[1]].type;
    IrRef e = expectation(&t, n->in[1]);
    if (e == IR_NONE)
        e = expectation_by_sum(&t, n->in[1]);
    if (e == IR_NONE) {
        diag_error(cx->diags, n->at, SG0309, "no closed form is known for this expectation over %s",
                   t.law->name);
        diag_help(cx->diags, n->at, "write it on a draw, with log_prob(...)");
        return IR_NONE;
    }
    return es_broadcast(g, e, type);
}

static IrRef integrate_cost(IrGraph *g, const IrNode *n)
{
    IrRef e = n->in[0];
    const char *why = NULL;
    for (IrRef z = g->count; z-- > 0;) {
        if (g->node[z].op != IR_SAMPLE || g->node[z].attr.via.estimator == IR_EST_STL)
            continue; /* without its log-density in the cost, nothing would stick */
        Integral t = integral_over(g, z);
        if (!depends(&t, e))
            continue;
        IrRef whole = expectation(&t, e),
              now = whole != IR_NONE ? whole : partial_expectation(&t, e);
        if (now == e)
            continue;
        why = arena_printf(g->model->arena, "%s%sclosed form: %s over %s ~ %s by its moments",
                           why ? why : "", why ? "; " : "",
                           whole != IR_NONE ? "integrated" : "in part integrated", name_of(&t.draw),
                           t.law->name);
        e = now;
    }
    if (!why)
        return IR_NONE;
    IrRef cost = ir_typed(g, IR_COST, n->attr, n->type, 1, &e);
    g->node[cost].why = ir_decision(g->model->arena, SGR04, why);
    return cost;
}

static IrRef integrate_laws(IrGraph *g, const IrNode *n, void *context)
{
    return n->op == IR_EXPECT ? integrate_law(g, n, context) : IR_NONE;
}

static IrRef integrate_costs(IrGraph *g, const IrNode *n, void *context)
{
    (void)context;
    return n->op == IR_COST ? integrate_cost(g, n) : IR_NONE;
}

/* What a cost depends on is known when all of the graph stands before it: a carry may look forward
 * to any node of its region.  So costs come last, and nothing is added before them on the way. */
bool pass_integrate(IrGraph *g, PassCtx *cx)
{
    bool changed = ir_rewrite(g, integrate_laws, cx);
    changed |= ir_costs_last(g);
    return ir_rewrite(g, integrate_costs, cx) || changed;
}
