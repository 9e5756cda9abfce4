/* Sampling without replacement: a draw becomes a set of different values, each with the weight that
 * makes the weighed sum of any f unbiased.
 *
 *   ω(s) = p(s) P(S without s, drawn from the rest) / P(S)
 *   gradient = sum over s of ω(s) (f(s) - sum over s' of p(s') R(S, s, s') f(s')) d log p(s)
 *
 * P is the probability of a set whatever its order, R its ratio without s' given s.  (Kool, van
 * Hoof & Welling, "Estimating gradients for discrete random variables by sampling without
 * replacement", 2020, theorems 1 and 2.) */
#include "passes/estimator.h"

/* A set is a mask of positions in the order that its values were drawn. */
struct EsSubset {
    uint32_t size;
    IrRef chance[ES_SUBSET]; /* p of each value */
    IrRef rest;              /* the mass of all others */
};

/* ---- drawing -------------------------------------------------------------------------------- */

static IrRef masses(IrGraph *g, IrDist law, const IrRef *arg)
{
    if (law == IR_DIST_categorical)
        return arg[0];
    int64_t values = g->node[arg[0]].type.dim[0];
    IrRef top = ir_expand(g, ir_reduce(g, IR_REDUCE_MAX, arg[0], 1, 0), 0, values);
    return ir_unary(g, IR_EXP, ir_binary(g, IR_SUB, arg[0], top));
}

static IrRef without(IrGraph *g, IrRef mass, IrRef value)
{
    IrAttr attr = {.k = {g->node[mass].type.dim[0]}};
    IrRef hit = ir_node(g, IR_ONE_HOT, attr, 1, &value);
    IrRef zero = ir_const(g, 0);
    return ir_select(g, ir_binary(g, IR_EQ, hit, zero), mass, zero);
}

/* One scalar for each value of the set, as copies of the draw's plate. */
static IrRef to_copies(IrGraph *g, const EsDraw *d, const IrRef *scalar)
{
    IrRef *part = arena_array(g->model->arena, IrRef, ES_SUBSET);
    for (int64_t i = 0; i < d->samples; i++)
        part[i] = ir_expand(g, scalar[i], 0, 1);
    IrRef all =
        d->samples == 1 ? part[0] : ir_node(g, IR_CONCAT, (IrAttr){0}, (uint32_t)d->samples, part);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = d->own}, 1, &all);
}

/* One after the other, each from what the others left. */
static IrRef draw_set(EsProgram *p, EsDraw *d, const IrNode *n, EsSubset *set)
{
    IrGraph *g = p->g;
    const IrDistInfo *pick = &ir_dist_info[IR_DIST_categorical];
    IrPlates plates = d->plates & ~(1u << d->own);
    IrRef mass = masses(g, n->attr.dist, d->arg), total = ir_sum_all(g, mass), value[ES_SUBSET];
    for (int64_t i = 0; i < d->samples; i++) {
        value[i] = pick->transport(g, &mass, es_noise(p, n, d->arg, plates));
        set->chance[i] = ir_binary(g, IR_DIV, ir_gather(g, mass, value[i]), total);
        mass = without(g, mass, value[i]);
    }
    set->rest = ir_binary(g, IR_DIV, ir_sum_all(g, mass), total);
    return to_copies(g, d, value);
}

/* ---- probabilities of sets ------------------------------------------------------------------ */

/* The mass that is left when the members of `gone` are out. */
static IrRef mass_without(IrGraph *g, const EsSubset *set, uint32_t gone)
{
    IrRef mass = set->rest;
    for (uint32_t i = 0; i < set->size; i++)
        if (!(gone >> i & 1))
            mass = ir_binary(g, IR_ADD, mass, set->chance[i]);
    return mass;
}

/* The probability that, `out` not being there, the others are the first to be drawn.  By the last
 * of them: no term is negative. */
static IrRef set_probability(IrGraph *g, const EsSubset *set, uint32_t out)
{
    uint32_t all = (1u << set->size) - 1;
    IrRef by[1u << ES_SUBSET], mass[1u << ES_SUBSET];
    for (uint32_t done = out; done <= all; done++) {
        if ((done & out) != out)
            continue;
        by[done] = done == out ? ir_const(g, 1) : IR_NONE;
        mass[done] = done == all ? IR_NONE : mass_without(g, set, done);
        for (uint32_t i = 0; i < set->size; i++) {
            uint32_t before = done & ~(1u << i);
            if (!((done & ~out) >> i & 1))
                continue;
            IrRef next = ir_binary(g, IR_DIV, set->chance[i], mass[before]);
            next = ir_binary(g, IR_MUL, by[before], next);
            by[done] = by[done] == IR_NONE ? next : ir_binary(g, IR_ADD, by[done], next);
        }
    }
    return by[all];
}

IrRef es_value_subset(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    EsSubset *set = arena_make(g->model->arena, EsSubset);
    set->size = (uint32_t)d->samples;
    d->set = set;
    IrRef value = draw_set(p, d, n, set), all = set_probability(g, set, 0), weight[ES_SUBSET];
    for (uint32_t i = 0; i < set->size; i++) {
        IrRef ratio = ir_binary(g, IR_DIV, set_probability(g, set, 1u << i), all);
        weight[i] = MUTATED(NO_OTHER_MASS) ? set->chance[i]
                                           : ir_binary(g, IR_MUL, set->chance[i], ratio);
    }
    g->plate[d->own].weight = ir_unary(g, IR_SAMPLED, to_copies(g, d, weight));
    return ir_unary(g, IR_SAMPLED, value);
}

/* ---- the term ------------------------------------------------------------------------------- */

/* What f is on average, judged from the set without giving weight to value i itself. */
static IrRef baseline_of(IrGraph *g, const EsDraw *d, IrRef f, uint32_t i)
{
    const EsSubset *set = d->set;
    IrRef alone = set_probability(g, set, 1u << i), weight[ES_SUBSET];
    for (uint32_t k = 0; k < set->size; k++) {
        IrRef ratio = ir_binary(g, IR_DIV, set_probability(g, set, 1u << i | 1u << k), alone);
        weight[k] = k == i ? set->chance[k] : ir_binary(g, IR_MUL, set->chance[k], ratio);
    }
    return es_sum_plates(g, ir_binary(g, IR_MUL, to_copies(g, d, weight), f), 1u << d->own);
}

void es_term_subset(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL), baseline[ES_SUBSET];
    if (f == IR_NONE)
        return;
    for (uint32_t k = 0; k < d->set->size; k++)
        baseline[k] = baseline_of(g, d, f, k);
    f = ir_binary(g, IR_SUB, f, to_copies(g, d, baseline));
    es_seed_score(p, d, es_weighed_gain(p, d, f));
}
