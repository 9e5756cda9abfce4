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
#include "passes/integrate.h"
#include "passes/adjoint.h"
#include "passes/pass.h"

#include <math.h>

#define UNKNOWN (IR_NONE - 1)

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
    IrRef mean = ig_mean_of(t, atom);
    return mean == IR_NONE ? IR_NONE : es_broadcast(t->g, for_every_event(t->g, mean, &type), type);
}

/* Elements, rows and sums of an integer draw, which are real where its mean stands for it. */
static bool moves_draw(const Integral *t, IrRef r)
{
    while (r != t->z) {
        const IrNode *n = &t->g->node[r];
        if (!(ir_op_info[n->op].flags & IR_MOVES) || !ig_depends(t, n->in[0]))
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
        if (i != k && ig_depends(t, n.in[i]))
            return IR_NONE;
    IrRef x = ig_expectation(t, n.in[k]);
    if (x == IR_NONE || ig_is_const(g, x, 0))
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
    if (!ig_depends(t, e)) {
        s->rest = minus ? ig_less(t->g, s->rest, e) : ig_plus(t->g, s->rest, e);
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
            if (s->minus[i] != s->minus[k] && ig_same(g, s->term[i], s->term[k], DEPTH)) {
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
        IrRef x = ig_expectation(t, s.term[i]);
        sum = x == IR_NONE ? x : s.minus[i] ? ig_less(t->g, sum, x) : ig_plus(t->g, sum, x);
    }
    return sum;
}

static IrRef expected_sum(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    IrRef a = ig_expectation(t, n.in[0]), b = a == IR_NONE ? a : ig_expectation(t, n.in[1]);
    if (b == IR_NONE)
        return expected_rest(t, e);
    return n.op == IR_ADD ? ig_plus(t->g, a, b) : ig_less(t->g, a, b);
}

static IrRef expected_product(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    bool first = ig_depends(t, n.in[0]);
    if (first && ig_depends(t, n.in[1]) && ir_draws_vectors(t->law))
        return ig_second_moment_of_event(t, n.in[0], n.in[1]);
    if (first && ig_depends(t, n.in[1])) {
        IrRef square = ig_second_moment(t, n.in[0], n.in[1]);
        return square == IR_NONE ? ig_expected_polynomial(t, e) : square;
    }
    IrRef x = ig_expectation(t, n.in[!first]);
    return x == IR_NONE ? x : ig_product(t->g, x, n.in[first]);
}

/* u l, and 0 where u is 0, for u of the draw and l that is not: E[u] l, and 0 where E[u] is 0. */
static IrRef expected_times(Integral *t, const IrNode *n)
{
    IrGraph *g = t->g;
    IrNode test = g->node[n->in[0]], product = g->node[n->in[2]];
    if (test.op != IR_EQ || !ig_is_const(g, test.in[1], 0) || !ig_is_const(g, n->in[1], 0) ||
        product.op != IR_MUL || product.in[0] != test.in[0] || ig_depends(t, product.in[1]))
        return IR_NONE;
    IrRef u = ig_expectation(t, test.in[0]), zero = ir_const(g, 0);
    if (u == IR_NONE)
        return IR_NONE;
    IrRef v = ir_binary(g, IR_MUL, u, product.in[1]);
    return ir_select(g, ir_binary(g, IR_EQ, u, zero), zero, v);
}

static IrRef expected_pow(Integral *t, IrRef e)
{
    IrNode n = t->g->node[e];
    IrRef power = ig_expected_power(t, n.in[0], n.in[1]);
    return power == IR_NONE ? ig_expected_polynomial(t, e) : power;
}

/* Where a uniform draw meets a test of its place surely; IR_NONE: not such a test. */
static IrRef surely(Integral *t, IrRef test)
{
    IrGraph *g = t->g;
    IrNode n = g->node[test];
    if (!ig_depends(t, test))
        return test;
    if (n.op == IR_AND) {
        IrRef a = surely(t, n.in[0]), b = a == IR_NONE ? a : surely(t, n.in[1]);
        return b == IR_NONE ? b : ir_binary(g, IR_AND, a, b);
    }
    if ((n.op != IR_LE && n.op != IR_LT) || (ig_depends(t, n.in[0]) && ig_depends(t, n.in[1])))
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
    if (t->draw.attr.dist != IR_DIST_uniform || !ig_is_const(g, n->in[2], -INFINITY))
        return IR_NONE;
    IrRef outside = n->in[2], inside = surely(t, n->in[0]);
    IrRef value = inside == IR_NONE ? inside : ig_expectation(t, n->in[1]);
    return value == IR_NONE ? value : ir_select(g, inside, value, outside);
}

/* A test of a Bernoulli draw picks the value where it holds with its probability. */
static IrRef expected_select(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    IrNode n = g->node[e], test = g->node[n.in[0]];
    IrRef known = ig_depends(t, n.in[0]) ? expected_times(t, &n) : IR_NONE;
    if (known == IR_NONE && ig_depends(t, n.in[0]))
        known = expected_inside(t, &n);
    if (known != IR_NONE)
        return known;
    IrRef yes = ig_expectation(t, n.in[1]), no = yes == IR_NONE ? yes : ig_expectation(t, n.in[2]);
    if (no == IR_NONE || ig_depends(t, n.in[1]) || ig_depends(t, n.in[2]))
        return ig_depends(t, n.in[0]) || no == IR_NONE ? IR_NONE : ir_select(g, n.in[0], yes, no);
    bool is_one = t->law->support == IR_ZERO_ONE && test.op == IR_EQ && test.in[0] == t->z &&
                  ig_is_const(g, test.in[1], 1);
    if (!is_one)
        return IR_NONE;
    IrRef p = ig_moment(t, IR_E_MEAN, IR_NONE);
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
        return ig_second_moment_of_event(t, u, u);
    IrRef square = ig_second_moment(t, u, u);
    return square == IR_NONE ? ig_expected_polynomial(t, e) : square;
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
    if (!moves || !ig_depends(t, n.in[0]) || (n.n_in > 1 && ig_depends(t, n.in[1])))
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
    return of_two || moves_draw(t, r) ? ig_expectation(t, r) : IR_NONE;
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
        return ig_expected_distance(t, n->in[0]);
    case IR_EXP:
        return ir_draws_vectors(t->law) ? ig_expected_exponential_of_event(t, n->in[0])
                                        : ig_expected_exponential(t, n->in[0]);
    case IR_COS:
    case IR_SIN:
        return ir_draws_vectors(t->law) ? ig_expected_wave_of_event(t, n->op, n->in[0])
                                        : ig_expected_wave(t, n->op, n->in[0]);
    case IR_POW:
        return expected_pow(t, e);
    case IR_LOG:
        return expected_log(t, n->in[0]);
    case IR_LOG1P:
        return ig_expected_tail(t, n->in[0]);
    case IR_DIV:
        return ig_depends(t, n->in[1]) ? ig_expected_quotient(t, n->in[0], n->in[1])
                                       : expected_linear(t, e, 0);
    case IR_TO_REAL:
        return expected_real(t, n->in[0]);
    case IR_NEG:
        return expected_linear(t, e, 0);
    case IR_CONTRACT:
        return expected_linear(t, e, ig_depends(t, n->in[1]));
    case IR_SOLVE_TRI:
        return expected_linear(t, e, 1);
    default:
        return ir_op_info[n->op].flags & IR_MOVES ? expected_linear(t, e, 0) : IR_NONE;
    }
}

/* E[e] over z given all that does not descend from z; IR_NONE: not known in closed form.  It stands
 * where e does. */
IrRef ig_expectation(Integral *t, IrRef e)
{
    if (!ig_depends(t, e))
        return e;
    if (t->known[e] == UNKNOWN) {
        Span at = t->g->here;
        t->g->here = t->g->node[e].at;
        Atom atom = ig_atom_of(t, e);
        t->known[e] = atom != NO_ATOM ? expected_atom(t, e, atom) : expectation_of_op(t, e);
        t->g->here = at;
    }
    return t->known[e];
}

/* What can be integrated of a sum whose other terms cannot.  A term that is linear in z stays: its
 * pathwise gradient is exact in the location already, and splitting it from terms that move with
 * it (x l - softplus(l)) would add variance. */
static IrRef partial_expectation(Integral *t, IrRef e)
{
    IrGraph *g = t->g;
    if (!ig_depends(t, e))
        return e;
    IrRef whole = t->statistic[e] ? ig_expectation(t, e) : IR_NONE;
    IrNode n = g->node[e];
    g->here = n.at;
    if (whole != IR_NONE)
        return es_broadcast(g, whole, n.type);
    bool sum = n.op == IR_ADD || n.op == IR_SUB, scaled = n.op == IR_MUL || n.op == IR_DIV;
    uint32_t which = scaled && !ig_depends(t, n.in[0]);
    if (scaled && (ig_depends(t, n.in[!which]) || (n.op == IR_DIV && which == 1)))
        return e; /* a quotient is not linear in its denominator */
    if (!sum && !scaled && n.op != IR_NEG && n.op != IR_SUM && n.op != IR_EXPAND)
        return e;
    IrRef in[2] = {n.in[0], n.n_in > 1 ? n.in[1] : IR_NONE};
    bool changed = false;
    for (uint32_t k = 0; k < n.n_in; k++)
        if (sum || k == which) {
            in[k] = partial_expectation(t, n.in[k]);
            changed |= in[k] != n.in[k];
        }
    g->here = n.at;
    return changed ? ir_node(g, n.op, n.attr, n.n_in, in) : e;
}

/* ---- what depends on a draw ----------------------------------------------------------------- */

static bool crosses_steps(const IrNode *n, IrPlates plates)
{
    IrPlates crossed = n->attr.over;
    if (n->op == IR_TO_AXIS)
        crossed |= 1u << n->attr.plate;
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
    bool crossing = crosses_steps(n, t->draw.type.plates);
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
    if (!ig_depends(t, e))
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
    IrRef e = ig_expectation(&t, n->in[1]);
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
        if (!ig_depends(&t, e))
            continue;
        IrRef whole = ig_expectation(&t, e),
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
    g->here = n->at;
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
