/* Bounds of several samples: log-means of weights w over the copies of a draw's plate, and the
 * estimators that know them (Burda, Grosse & Salakhutdinov, 2016).
 *
 * sticking_the_landing: the draw's log-density stands without the tangents of its arguments; what
 * is left out is its score, whose mean is 0 (Roeder, Wu & Duvenaud, 2017).
 *
 * dreg: the same, and the adjoint that reaches the draw from copy k of log w is multiplied by the
 * share of w[k] once more; what the log-weights read besides keeps the plain share (Tucker, Lawson,
 * Gu & Maddison, 2019).
 *
 * vimco: score; the baseline of copy k is the bound with the mean of the other log-weights in the
 * place of its own (Mnih & Rezende, 2016).
 *
 * estimators.md E13, E14. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

#include <string.h>

/* ---- the log-density of a draw ----------------------------------------------------------------
 */

bool es_equal(const IrGraph *g, IrRef a, IrRef b)
{
    const IrNode *x = &g->node[a], *y = &g->node[b];
    if (a == b)
        return true;
    if (x->op != y->op || x->n_in != y->n_in || x->op == IR_SAMPLE || x->op == IR_CARRY ||
        !ir_type_equal(&x->type, &y->type) || x->attr.num != y->attr.num ||
        x->attr.item != y->attr.item || x->attr.plate != y->attr.plate ||
        x->attr.over != y->attr.over || x->attr.axes != y->attr.axes ||
        memcmp(x->attr.k, y->attr.k, sizeof x->attr.k) != 0 || x->attr.text != y->attr.text)
        return false;
    for (uint32_t k = 0; k < x->n_in; k++)
        if (!es_equal(g, x->in[k], y->in[k]))
            return false;
    return true;
}

/* The nodes that say log p(z) of the draw z itself: its log-density is written once more beside the
 * program and brought into the same form. */
static IrRef *find_densities(const EsFacts *f, const EsDraw *d, uint32_t *count)
{
    IrGraph g;
    IrRef *found = NULL;
    ir_graph_clone(&g, f->g);
    const IrNode *z = &f->g->node[d->node];
    g.in_region = 0;
    IrRef density = ir_dist_info[z->attr.dist].logpdf(&g, z->in, d->node);
    ir_typed(&g, IR_OUTPUT, (IrAttr){.text = "density"}, g.node[density].type, 1, &density);
    PassCtx cx = {.arena = f->g->model->arena};
    pass_stable(&g, &cx);
    density = g.node[g.count - 1].in[0];
    *count = 0;
    for (IrRef r = 0; r < f->g->count && r < density; r++)
        if (f->live[r] && es_equal(&g, r, density))
            *arena_push(f->g->model->arena, found, *count, IrRef) = r;
    return found;
}

/* ---- what reads a value -----------------------------------------------------------------------
 */

/* What follows from nodes, but not through `past`. */
static bool *follows(const IrGraph *g, const bool *from, IrRef past)
{
    bool *in = arena_array(g->model->arena, bool, g->count + 1);
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++) {
            bool now = from[r];
            for (uint32_t k = 0; k < g->node[r].n_in && r != past; k++)
                now |= in[g->node[r].in[k]];
            news |= now != in[r];
            in[r] = now;
        }
    }
    return in;
}

static bool *follows_draw(const EsFacts *f, const EsDraw *d, IrRef past)
{
    bool *from = arena_array(f->g->model->arena, bool, f->g->count + 1);
    from[d->node] = true;
    return follows(f->g, from, past);
}

/* How a value enters another: with the factor 1 or -1, with any other that is free of the draw, or
 * in another way. */
typedef enum Factor { NONE, PLUS, MINUS, SCALED, NOT_LINEAR } Factor;

typedef struct Linear {
    const IrGraph *g;
    const bool *is;      /* the value, which may stand at several nodes */
    const bool *reached; /* what follows from it */
    const bool *drawn;   /* what follows from the draw */
} Linear;

static Factor negated(Factor a)
{
    return a == PLUS ? MINUS : a == MINUS ? PLUS : a;
}

static Factor joined(Factor a, Factor b)
{
    return a == NONE ? b : b == NONE ? a : NOT_LINEAR;
}

static Factor scaled(const Linear *l, Factor a, IrRef by)
{
    return a == NONE || a == NOT_LINEAR || l->drawn[by] ? NOT_LINEAR : SCALED;
}

static Factor factor_in(const Linear *l, IrRef e)
{
    const IrNode *n = &l->g->node[e];
    if (l->is[e])
        return PLUS;
    if (!l->reached[e])
        return NONE;
    switch (n->op) {
    case IR_NEG:
        return negated(factor_in(l, n->in[0]));
    case IR_ADD:
        return joined(factor_in(l, n->in[0]), factor_in(l, n->in[1]));
    case IR_SUB:
        return joined(factor_in(l, n->in[0]), negated(factor_in(l, n->in[1])));
    case IR_MUL:
        return l->reached[n->in[0]] ? scaled(l, factor_in(l, n->in[0]), n->in[1])
                                    : scaled(l, factor_in(l, n->in[1]), n->in[0]);
    case IR_DIV:
        return scaled(l, factor_in(l, n->in[0]), n->in[1]);
    case IR_LOGSUMEXP: /* of one copy */
        return !n->attr.axes && ir_copies(l->g, n->attr.over, 2) == 1 ? factor_in(l, n->in[0])
                                                                      : NOT_LINEAR;
    case IR_SUM:
    case IR_EXPAND:
    case IR_RESHAPE:
    case IR_COST:
        return factor_in(l, n->in[0]);
    default:
        return NOT_LINEAR;
    }
}

static Linear linear_in_nodes(const EsFacts *f, const EsDraw *d, const IrRef *node, uint32_t count)
{
    bool *is = arena_array(f->g->model->arena, bool, f->g->count + 1);
    for (uint32_t i = 0; i < count; i++)
        is[node[i]] = true;
    return (Linear){f->g, is, follows(f->g, is, IR_NONE), follows_draw(f, d, IR_NONE)};
}

/* ---- the bound --------------------------------------------------------------------------------
 */

static bool reaches_a_cost(const EsFacts *f, const bool *reached)
{
    for (IrRef r = 0; r < f->g->count; r++)
        if (f->g->node[r].op == IR_COST && f->live[r] && reached[r])
            return true;
    return false;
}

static bool is_bound(const IrNode *n)
{
    return n->op == IR_LOGSUMEXP && !n->attr.axes && n->attr.over;
}

/* A program may write one bound twice, in two costs: what reads the second reads the first. */
void es_join_bounds(IrGraph *g)
{
    for (IrRef a = 0; a < g->count; a++)
        for (IrRef b = a + 1; b < g->count && is_bound(&g->node[a]); b++) {
            if (!is_bound(&g->node[b]) || g->node[a].region != g->node[b].region ||
                !es_equal(g, a, b))
                continue;
            for (IrRef r = b + 1; r < g->count; r++)
                for (uint32_t k = 0; k < g->node[r].n_in; k++)
                    if (g->node[r].in[k] == b)
                        g->node[r].in[k] = a;
        }
}

/* The log-mean-exp over one of the draw's plates that all costs read the draw through. */
static IrRef find_bound(const EsFacts *f, const EsDraw *d)
{
    const IrGraph *g = f->g;
    EsReach e = es_reach(g, d->node);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        IrPlates over = n->attr.over;
        if (is_bound(n) && f->live[r] && e.reached[r] && !(over & (over - 1)) &&
            over & g->node[d->node].type.plates && !(e.mixed[n->in[0]] & over) &&
            !reaches_a_cost(f, follows_draw(f, d, r)))
            return r;
    }
    return IR_NONE;
}

/* ---- what is wrong with a draw ----------------------------------------------------------------
 */

static const char *name_of(const EsFacts *f, const EsDraw *d)
{
    return es_name(&f->g->node[d->node]);
}

const char *es_no_bound(const EsFacts *f, const EsDraw *d)
{
    Arena *a = f->g->model->arena;
    IrRef bound = find_bound(f, d);
    if (bound == IR_NONE)
        return arena_printf(a,
                            "%s reaches costs that are no logmeanexp over a plate of its copies, "
                            "each read by its own log-weight",
                            name_of(f, d));
    if (d->estimator == IR_EST_VIMCO && ir_copies(f->g, f->g->node[bound].attr.over, 2) < 2)
        return arena_printf(a, "the bound of %s has one sample, and no other to compare with",
                            name_of(f, d));
    return NULL;
}

/* The bound itself must be scaled and summed alone: its share of w would be another else. */
const char *es_bent_bound(const EsFacts *f, const EsDraw *d)
{
    IrRef bound = find_bound(f, d);
    Linear l = linear_in_nodes(f, d, &bound, 1);
    for (IrRef r = 0; r < f->g->count; r++)
        if (f->g->node[r].op == IR_COST && f->live[r] && factor_in(&l, r) == NOT_LINEAR)
            return arena_printf(f->g->model->arena,
                                "the cost at %u:%u is no multiple of the bound of %s",
                                f->g->node[r].at.line, f->g->node[r].at.col, name_of(f, d));
    return NULL;
}

/* Its log-weight must be -log q(z) and terms that do not repeat it. */
const char *es_no_density(const EsFacts *f, const EsDraw *d)
{
    uint32_t count;
    IrRef bound = find_bound(f, d), *density = find_densities(f, d, &count);
    Linear l = linear_in_nodes(f, d, density, count);
    if (count && factor_in(&l, f->g->node[bound].in[0]) == MINUS)
        return NULL;
    return arena_printf(f->g->model->arena,
                        "the log-weight of %s must subtract its log-density, log_prob of the law "
                        "that it is drawn from, once",
                        name_of(f, d));
}

const char *es_layered(const EsFacts *f, const EsDraw *d)
{
    const IrGraph *g = f->g;
    IrPlates over = g->node[find_bound(f, d)].attr.over;
    const bool *after = follows_draw(f, d, IR_NONE);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != IR_SAMPLE || !f->live[r] || r == d->node)
            continue;
        bool before = es_reach(g, r).reached[d->node] && n->type.plates & over;
        if (after[r] || before)
            return arena_printf(g->model->arena,
                                "%s and %s are layers of one sample: the weights of one depend on "
                                "the law of the other",
                                name_of(f, d), es_name(n));
    }
    return NULL;
}

/* A score that is left out has mean 0 if its factor is free of the draw. */
const char *es_weighed_density(const EsFacts *f, const EsDraw *d)
{
    uint32_t count;
    IrRef *density = find_densities(f, d, &count);
    Linear l = linear_in_nodes(f, d, density, count);
    bool found = false;
    for (IrRef r = 0; r < f->g->count; r++) {
        Factor k = f->g->node[r].op == IR_COST && f->live[r] ? factor_in(&l, r) : NONE;
        if (k == NOT_LINEAR)
            return arena_printf(f->g->model->arena,
                                "the log-density of %s enters the cost at %u:%u with a weight that "
                                "depends on the draw, as in a bound of K >= 2 samples",
                                name_of(f, d), f->g->node[r].at.line, f->g->node[r].at.col);
        found |= k != NONE;
    }
    return found ? NULL
                 : arena_printf(f->g->model->arena,
                                "no cost has the log-density of %s, log_prob of the law that it is "
                                "drawn from",
                                name_of(f, d));
}

/* ---- in the estimator graph -------------------------------------------------------------------
 */

void es_find_bounds(const EsFacts *f, EsDraw *draw)
{
    for (uint32_t i = 0; i < f->draws; i++) {
        EsDraw *d = &draw[i];
        d->bound = d->estimator == IR_EST_VIMCO || d->estimator == IR_EST_DREG ? find_bound(f, d)
                                                                               : IR_NONE;
        if (d->estimator == IR_EST_DREG || d->estimator == IR_EST_STL)
            d->density = find_densities(f, d, &d->densities);
    }
}

IrRef es_stopped_density(IrGraph *g, const EsDraw *d)
{
    const IrDistInfo *law = &ir_dist_info[d->law];
    IrRef *arg = arena_array(g->model->arena, IrRef, law->arguments + 1);
    for (uint32_t k = 0; k < law->arguments; k++)
        arg[k] = ir_unary(g, IR_SAMPLED, d->arg[k]);
    return law->logpdf(g, arg, d->value);
}

/* The share of copy k in the bound: w[k] / sum w. */
static IrRef share_of_bound(const EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    IrRef weight = g->node[d->bound].in[0];
    return ir_unary(g, IR_EXP, ir_binary(g, IR_SUB, weight, d->bound));
}

/* Where all that reads the draw meets: a logarithm of it is read from what it is the exponential or
 * the logistic of (ir_log_value). */
static IrRef read_at(const IrGraph *g, IrRef value)
{
    IrOp op = g->node[value].op;
    return op == IR_EXP || op == IR_SIGMOID ? g->node[value].in[0] : value;
}

EsGain *es_gains(const EsProgram *p, uint32_t *count)
{
    EsGain *gain = NULL;
    *count = 0;
    for (uint32_t i = 0; i < p->draws && !MUTATED(PLAIN_SHARE); i++) {
        const EsDraw *d = &p->draw[i];
        if (d->estimator != IR_EST_DREG || !d->moved)
            continue;
        IrRef node = MUTATED(SQUARED_TWICE) ? p->g->node[d->bound].in[0] : read_at(p->g, d->value);
        *arena_push(p->g->model->arena, gain, *count, EsGain) =
            (EsGain){node, share_of_bound(p, d)};
    }
    return gain;
}

/* f where the log-weight of this copy is the mean of the others. */
static IrRef bound_without(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    const IrNode bound = g->node[d->bound];
    IrRef weight = bound.in[0];
    EsSlots s = {.type = g->node[weight].type,
                 .together = bound.attr.over,
                 .elements = 1,
                 .plate = d->element};
    IrRef sum = ir_reduce(g, IR_SUM, weight, 0, bound.attr.over);
    double others = (double)ir_copies(g, bound.attr.over, 1) - 1;
    IrRef mean = es_times(g, ir_binary(g, IR_SUB, sum, weight), ir_const(g, 1 / others));
    if (MUTATED(OWN_WEIGHT))
        mean = es_times(g, sum, ir_const(g, 1 / (others + 1)));
    EsChange c = {weight, mean, es_slot_mark(g, &s), IR_NONE};
    EsWorld *w = es_world(p, &c, 1);
    IrRef f = es_by_slot(g, &s, es_world_costs(p, w, i, d->weighed & ~bound.attr.over), -1);
    IrType scalar = ir_scalar_type(IR_REAL, g->node[f].type.plates);
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, scalar, 1, &f);
}

void es_term_vimco(EsProgram *p, uint32_t i)
{
    const EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE)
        return;
    IrRef gain = ir_binary(p->g, IR_SUB, f, bound_without(p, i));
    es_seed_score(p, d, es_weighed_gain(p, d, gain));
}
