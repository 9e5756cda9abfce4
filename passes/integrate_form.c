/* Means of element-wise affine forms of a draw, and of what is made of one or two of them. */
#include "passes/integrate.h"

/* log1p(-z) or log(1 - z) */
static bool is_log_rest(const Integral *t, const IrNode *n)
{
    const IrNode *x = n->n_in == 1 ? &t->g->node[n->in[0]] : n;
    if (n->op == IR_LOG1P)
        return x->op == IR_NEG && x->in[0] == t->z;
    return n->op == IR_LOG && x->op == IR_SUB && ig_is_const(t->g, x->in[0], 1) && x->in[1] == t->z;
}

Atom ig_atom_of(const Integral *t, IrRef r)
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
    if (!ig_depends(t, e))
        return true;
    Atom here = ig_atom_of(t, e);
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
        return (!ig_depends(t, n->in[0]) || !ig_depends(t, n->in[1])) &&
               affine(t, n->in[0], seen) && affine(t, n->in[1], seen);
    case IR_DIV:
        return !ig_depends(t, n->in[1]) && affine(t, n->in[0], seen);
    default:
        return false;
    }
}

/* The affine form e with `value` for its atom; without its constant part if `slope`. */
static IrRef replay(Integral *t, IrRef e, IrRef value, bool slope)
{
    IrGraph *g = t->g;
    if (!ig_depends(t, e))
        return slope ? ir_const(g, 0) : e;
    if (ig_atom_of(t, e) != NO_ATOM)
        return value;
    IrNode n = g->node[e];
    bool first = ig_depends(t, n.in[0]);
    switch (n.op) {
    case IR_NEG:
        return ig_negated(g, replay(t, n.in[0], value, slope));
    case IR_ADD:
        return ig_plus(g, replay(t, n.in[0], value, slope), replay(t, n.in[1], value, slope));
    case IR_SUB:
        return ig_less(g, replay(t, n.in[0], value, slope), replay(t, n.in[1], value, slope));
    case IR_DIV:
        return ig_quotient(g, replay(t, n.in[0], value, slope), n.in[1]);
    default:
        return ig_product(g, replay(t, n.in[!first], value, slope), n.in[first]);
    }
}

IrRef ig_moment(Integral *t, IrMoment m, IrRef x)
{
    return t->law->moment(t->g, t->draw.in, m, x);
}

IrRef ig_mean_of(Integral *t, Atom atom)
{
    static const IrMoment mean[] = {
        [ATOM_VALUE] = IR_E_MEAN, [ATOM_LOG] = IR_E_LOG_MEAN, [ATOM_LOG_REST] = IR_E_LOG_REST};
    return ig_moment(t, mean[atom], IR_NONE);
}

static bool mean_and_variance(Integral *t, Atom atom, IrRef *mean, IrRef *variance)
{
    if (atom == ATOM_LOG_REST)
        return false;
    bool log = atom == ATOM_LOG;
    *mean = ig_mean_of(t, atom);
    *variance = ig_moment(t, log ? IR_E_LOG_SQUARE : IR_E_VARIANCE, IR_NONE);
    if (*mean == IR_NONE || *variance == IR_NONE)
        return false;
    if (log)
        *variance = ig_less(t->g, *variance, ir_unary(t->g, IR_SQUARE, *mean));
    return true;
}

/* E[u v] = u(m) v(m) + u' v' Var, for affine u and v of one atom.  A variance that is a square is
 * replayed under the square, so that (z - mu) / sigma gives exactly 1. */
IrRef ig_second_moment(Integral *t, IrRef u, IrRef v)
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
        at_mean = ig_squared(g, at_mean);
        spread = ig_squared(g, spread);
    } else {
        at_mean = ig_product(g, at_mean, replay(t, v, mean, false));
        spread = ig_product(g, spread, replay(t, v, unit, true));
    }
    return ig_plus(g, at_mean, is_square ? spread : ig_product(g, spread, variance));
}

/* E|a z + b| = |a| E|z + b / a|; of an a that may be 0 this is not known there, nor its slope. */
IrRef ig_expected_distance(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (!affine(t, u, &atom) || atom != ATOM_VALUE || t->law->elem != IR_REAL)
        return IR_NONE;
    IrRef slope = replay(t, u, ir_const(g, 1), true);
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    if (!ig_never_zero(g, slope))
        return IR_NONE;
    IrRef e = ig_moment(t, IR_E_ABS, ig_quotient(g, ig_negated(g, offset), slope));
    if (e == IR_NONE || ig_is_const(g, slope, 1) || ig_is_const(g, slope, -1))
        return e;
    return ig_product(g, ir_unary(g, IR_ABS, slope), e);
}

/* E e^(a z + b) = e^b E e^(a z), and E e^(a log z + b) = e^b E z^a; two exponentials become one,
 * because either may overflow alone. */
IrRef ig_expected_exponential(Integral *t, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (!affine(t, u, &atom) || atom == ATOM_LOG_REST)
        return IR_NONE;
    IrMoment m = atom == ATOM_LOG ? IR_E_POWER : IR_E_EXP_TILT;
    IrRef e = ig_moment(t, m, replay(t, u, ir_const(g, 1), true));
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    if (e == IR_NONE || ig_is_const(g, offset, 0))
        return e;
    if (g->node[e].op == IR_EXP)
        return ir_unary(g, IR_EXP, ir_binary(g, IR_ADD, offset, g->node[e].in[0]));
    return ir_binary(g, IR_MUL, ir_unary(g, IR_EXP, offset), e);
}

/* E cos(z + b) and E sin(z + b), also of -z, for an angle z. */
IrRef ig_expected_wave(Integral *t, IrOp wave, IrRef u)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (t->law->support != IR_CIRCLE || !affine(t, u, &atom))
        return IR_NONE;
    IrRef slope = replay(t, u, ir_const(g, 1), true);
    IrRef offset = replay(t, u, ir_const(g, 0), false);
    bool backwards = ig_is_const(g, slope, -1);
    if (!backwards && !ig_is_const(g, slope, 1))
        return IR_NONE;
    IrRef e = ig_moment(t, wave == IR_COS ? IR_E_COS : IR_E_SIN,
                        backwards ? offset : ig_negated(g, offset));
    return backwards && wave == IR_SIN ? ig_negated(g, e) : e;
}

/* E (a z)^p = a^p E z^p for a positive draw, whose powers are known. */
IrRef ig_expected_power(Integral *t, IrRef base, IrRef power)
{
    IrGraph *g = t->g;
    Atom atom = NO_ATOM;
    if (ig_depends(t, power) || !affine(t, base, &atom) || atom != ATOM_VALUE ||
        !ig_is_const(g, replay(t, base, ir_const(g, 0), false), 0))
        return IR_NONE;
    IrRef e = ig_moment(t, IR_E_POWER, power), factor = replay(t, base, ir_const(g, 1), true);
    if (e == IR_NONE || ig_is_const(g, factor, 1))
        return e;
    return ir_binary(g, IR_MUL, ir_binary(g, IR_POW, factor, power), e);
}

/* a / z is a z^-1. */
IrRef ig_expected_quotient(Integral *t, IrRef above, IrRef below)
{
    IrRef inverse =
        ig_depends(t, above) ? IR_NONE : ig_expected_power(t, below, ir_const(t->g, -1));
    return inverse == IR_NONE ? IR_NONE : ig_product(t->g, above, inverse);
}

/* E log(1 + (a z + b)^2): a z + b of a Cauchy draw has a Cauchy law as well, and a z the law of
 * |.|. */
IrRef ig_expected_tail(Integral *t, IrRef x)
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
    if (folded && !ig_is_const(g, loc, 0))
        return IR_NONE;
    IrRef wide = ig_squared(g, ig_plus(g, ir_const(g, 1), ir_unary(g, IR_ABS, scale)));
    return ir_unary(g, IR_LOG, ig_plus(g, ig_squared(g, loc), wide));
}
