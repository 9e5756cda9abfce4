/* What is summed: the objective, the score terms and their baselines.
 *
 *   objective = 1/N sum over costs c of  sum over its copies of  w(c) c
 *   gradient  = d objective + sum over score draws i, over their copies, of  w(i) (f_i - b_i) d log
 * p_i
 *
 * A copy's weight w is the product of what its plates weigh: rows N/B, samples 1/K, an enumerated
 * value its probability, the others 1.  f_i is the sum of the costs that the draw's copy reaches,
 * weighed by the plates that the draw does not have itself.  (Schulman, Heess, Weber & Abbeel,
 * "Gradient estimation using stochastic computation graphs", 2015, theorem 1; leave-one-out: Kool,
 * van Hoof & Welling, 2019.) */
#include "passes/adjoint.h"
#include "passes/estimator.h"

#include <string.h>

#define MEMORY 0.9 /* of a moving average, a step */

static IrRef leaf(IrGraph *g, IrOp op)
{
    return ir_typed(g, op, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

static IrRef mul(IrGraph *g, IrRef a, IrRef b)
{
    return a == IR_NONE ? b : b == IR_NONE ? a : ir_binary(g, IR_MUL, a, b);
}

static IrRef divide(IrGraph *g, IrRef a, IrRef by)
{
    return ir_binary(g, IR_DIV, a, by);
}

static IrPlates plates_of(const IrGraph *g, IrPlateKind kind)
{
    IrPlates set = 0;
    for (uint32_t p = 0; p < g->plates; p++)
        set |= g->plate[p].kind == kind ? 1u << p : 0;
    return set;
}

/* The product of the copies of the plates in the set, which are not rows. */
static double copies(const IrGraph *g, IrPlates set)
{
    return (double)ir_copies(g, set, 1);
}

/* v times the probability of each enumerated value in the set.  A value of probability 0 adds
 * nothing, whatever its cost. */
static IrRef weigh(IrGraph *g, const EsWorld *world, IrRef v, IrPlates set)
{
    for (uint32_t p = 0; p < g->plates; p++) {
        if (!(set >> p & 1) || g->plate[p].kind != IR_PLATE_ENUMERATION)
            continue;
        IrRef w = world->weight[p], zero = ir_const(g, 0);
        IrRef never = ir_binary(g, IR_EQ, w, zero);
        v = ir_select(g, never, zero, ir_binary(g, IR_MUL, w, v));
    }
    return v;
}

/* The weighed sum of v over the copies of `plates`, in units of the whole data set: N/B a row. */
static IrRef weighed_sum(IrGraph *g, const EsWorld *world, IrRef v, IrPlates plates)
{
    IrPlates rows = plates & plates_of(g, IR_PLATE_ROWS);
    IrPlates samples = plates & plates_of(g, IR_PLATE_SAMPLES);
    IrPlates values = plates & plates_of(g, IR_PLATE_ENUMERATION);
    v = weigh(g, world, v, values);
    bool has_rows = (g->node[v].type.plates & rows) != 0,
         has_samples = g->node[v].type.plates & samples;
    double drawn = copies(g, samples & g->node[v].type.plates);
    IrPlates averaged = rows | samples | values;
    v = es_sum_plates(g, v, (plates & ~averaged) | (averaged & g->node[v].type.plates));
    if (has_samples)
        v = mul(g, v, ir_const(g, 1 / drawn));
    if (has_rows)
        v = divide(g, v, leaf(g, IR_ROWS));
    return rows ? mul(g, v, leaf(g, IR_TOTAL)) : v;
}

/* ---- objective ------------------------------------------------------------------------------ */

/* N/B 1/N is written 1/B. */
static IrRef per_row(EsProgram *p, IrRef v, IrPlates plates)
{
    IrGraph *g = p->g;
    EsWorld here = es_this_world(p);
    IrPlates rows = plates_of(g, IR_PLATE_ROWS);
    if (!rows)
        return weighed_sum(g, &here, v, plates);
    if (!(plates & rows))
        return divide(g, weighed_sum(g, &here, v, plates), leaf(g, IR_TOTAL));
    v = weighed_sum(g, &here, v, plates & ~rows);
    bool has_rows = (g->node[v].type.plates & rows) != 0;
    return has_rows ? divide(g, es_sum_plates(g, v, rows), leaf(g, IR_ROWS)) : v;
}

static IrRef objective(EsProgram *p)
{
    IrGraph *g = p->g;
    IrRef total = IR_NONE;
    for (uint32_t i = 0; i < p->costs; i++) {
        EsCost *c = &p->cost[i];
        g->here = c->at;
        IrRef v = per_row(p, c->value, c->plates);
        IrRef cost = ir_typed(g, IR_COST, c->attr, ir_scalar_type(IR_REAL, 0), 1, &v);
        g->node[cost].why = c->why;
        total = total == IR_NONE ? v : ir_binary(g, IR_ADD, total, v);
    }
    return ir_unary(g, IR_OBJECTIVE, total);
}

/* ---- downstream costs ----------------------------------------------------------------------- */

/* sum over the steps t' >= t + lag, for every step t */
static IrRef later_steps(IrGraph *g, IrRef v, uint32_t plate, int64_t lag)
{
    int64_t steps = g->plate[plate].size;
    if (lag >= steps)
        return ir_const(g, 0);
    IrAttr out = {.plate = (int32_t)plate, .k = {0, steps}};
    v = ir_node(g, IR_TO_AXIS, out, 1, &v);
    v = ir_node(g, IR_CUMSUM, (IrAttr){.k = {0, 1}}, 1, &v);
    if (lag > 0)
        v = ir_node(g, IR_PAD, (IrAttr){.k = {0, 0, steps + lag}}, 1, &v);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = (int32_t)plate, .k = {lag}}, 1, &v);
}

/* The part of cost c that a copy of draw d reaches. */
static IrRef downstream_cost(EsProgram *p, const EsDraw *d, const EsReach *e, const EsCost *c)
{
    IrGraph *g = p->g;
    IrPlates mixed = e->mixed[c->source] & d->plates;
    EsWorld here = es_this_world(p);
    IrRef v = weighed_sum(g, &here, c->value, c->plates & ~d->weighed);
    v = es_sum_plates(g, v, mixed & c->plates);
    IrPlates steps = plates_of(g, IR_PLATE_STEP) & d->plates & c->plates & ~mixed;
    for (uint32_t t = 0; t < g->plates && e->later[c->source]; t++)
        if (steps >> t & 1) {
            IrType whole = g->node[v].type;
            whole.plates |= 1u << t;
            v = later_steps(g, es_broadcast(g, v, whole), t, e->lag[c->source]);
        }
    return v;
}

IrRef es_world_costs(EsProgram *p, const EsWorld *w, uint32_t i, IrPlates kept)
{
    IrRef f = IR_NONE;
    for (uint32_t k = 0; k < p->costs; k++) {
        const EsCost *c = &p->cost[k];
        if (!p->reach[i].reached[c->source])
            continue;
        IrRef v = weighed_sum(p->g, w, es_in_world(w, c->value), c->plates & ~kept);
        f = f == IR_NONE ? v : ir_binary(p->g, IR_ADD, f, v);
    }
    return f;
}

/* f_i, or IR_NONE: the draw reaches no cost. */
static IrRef downstream_costs(EsProgram *p, uint32_t i)
{
    IrRef f = IR_NONE;
    for (uint32_t k = 0; k < p->costs; k++) {
        const EsCost *c = &p->cost[k];
        if (!p->reach[i].reached[c->source])
            continue;
        IrRef v = downstream_cost(p, &p->draw[i], &p->reach[i], c);
        f = f == IR_NONE ? v : ir_binary(p->g, IR_ADD, f, v);
    }
    return f;
}

/* ---- baselines ------------------------------------------------------------------------------ */

/* The mean of the other copies in the draw's own plate of samples. */
static IrRef leave_one_out(IrGraph *g, const EsDraw *d, IrRef f)
{
    IrRef others = ir_binary(g, IR_SUB, es_sum_plates(g, f, 1u << d->own), f);
    return mul(g, others, ir_const(g, 1 / (double)(d->samples - 1)));
}

/* The mean of f over all copies of the draw. */
static IrRef mean_over_copies(EsProgram *p, const EsDraw *d, IrRef f)
{
    IrGraph *g = p->g;
    EsWorld here = es_this_world(p);
    IrPlates rows = plates_of(g, IR_PLATE_ROWS), values = plates_of(g, IR_PLATE_ENUMERATION);
    f = weigh(g, &here, f, d->weighed & values);
    IrPlates has = g->node[f].type.plates & d->weighed;
    f = ir_reduce(g, IR_SUM, f, 0, has);
    double known = copies(g, has & ~(rows | values));
    if (known != 1)
        f = mul(g, f, ir_const(g, 1 / known));
    return has & rows ? divide(g, f, leaf(g, IR_ROWS)) : f;
}

/* The average of the steps before this one, of the draw's statement. */
static IrRef moving_average(EsProgram *p, uint32_t i, IrRef f)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    for (uint32_t k = 0; k < i; k++)
        if (p->draw[k].average != IR_NONE && es_same_statement(p->source, &p->draw[k], d))
            d->average = p->draw[k].average;
    if (d->average == IR_NONE) {
        IrAttr attr = {.item = g->states};
        *arena_push(g->model->arena, g->state, g->states, IrState) =
            (IrState){es_name(&p->source->node[d->node])};
        d->average = ir_typed(g, IR_STATE, attr, ir_scalar_type(IR_REAL, 0), 0, NULL);
    }
    d->mean = mean_over_copies(p, d, f);
    return d->average;
}

/* What every moving average is after this step: the mean over the draws of its statement enters. */
static void update_averages(EsProgram *p)
{
    IrGraph *g = p->g;
    for (uint32_t s = 0; s < g->states; s++) {
        IrRef before = IR_NONE, sum = IR_NONE;
        double draws = 0;
        for (uint32_t i = 0; i < p->draws; i++) {
            const EsDraw *d = &p->draw[i];
            if (d->average == IR_NONE || g->node[d->average].attr.item != s)
                continue;
            before = d->average;
            sum = sum == IR_NONE ? d->mean : ir_binary(g, IR_ADD, sum, d->mean);
            draws++;
            g->here = g->node[d->value].at;
        }
        IrRef news = mul(g, sum, ir_const(g, (1 - MEMORY) / draws));
        IrRef after = ir_binary(g, IR_ADD, mul(g, before, ir_const(g, MEMORY)), news);
        ir_node(g, IR_NEXT, (IrAttr){.item = s}, 1, &after);
    }
}

/* ---- score terms ---------------------------------------------------------------------------- */

IrRef es_draw_weight(IrGraph *g, const EsDraw *d)
{
    IrPlates rows = plates_of(g, IR_PLATE_ROWS);
    double drawn = copies(g, d->weighed & plates_of(g, IR_PLATE_SAMPLES));
    IrRef w = drawn != 1 ? ir_const(g, 1 / drawn) : IR_NONE;
    for (uint32_t p = 0; p < g->plates; p++)
        if (d->weighed >> p & 1 && g->plate[p].kind == IR_PLATE_ENUMERATION)
            w = mul(g, w, g->plate[p].weight);
    if (rows)
        w = divide(g, w == IR_NONE ? ir_const(g, 1) : w,
                   leaf(g, d->weighed & rows ? IR_ROWS : IR_TOTAL));
    return w;
}

/* Says on the draw which costs it multiplies, or compares. */
static void name_costs(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    const char *list = "";
    for (uint32_t k = 0; k < p->costs; k++)
        if (p->reach[i].reached[p->cost[k].source])
            list = arena_printf(g->model->arena, "%s%s%u", list, *list ? ", " : "",
                                p->cost[k].at.line);
    if (*list)
        g->node[d->value].why =
            arena_printf(g->model->arena, "%s; it multiplies the costs on %s %s", d->why,
                         strchr(list, ',') ? "lines" : "line", list);
}

/* The seed as a node, which nothing reads: it shows in the dump, and certificates begin with it. */
static void note_score(EsProgram *p, const EsDraw *d, const EsSeed *s)
{
    const IrAttr attr = {.dist = d->law, .k = {d->values}};
    ir_node(p->g, IR_SCORE, attr, 3, (IrRef[]){s->node, s->value, d->value});
}

static void add_score_term(EsProgram *p, uint32_t i, EsSeed *seed, uint32_t *seeds)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    g->here = g->node[d->value].at;
    IrRef f = downstream_costs(p, i);
    if (f == IR_NONE)
        return;
    IrRef b = IR_NONE;
    if (d->baseline == IR_LEAVE_ONE_OUT)
        b = leave_one_out(g, d, f);
    else if (d->baseline == IR_MOVING_AVERAGE)
        b = moving_average(p, i, f);
    IrRef gain = b == IR_NONE ? f : ir_binary(g, IR_SUB, f, b);
    IrRef term = mul(g, gain, es_draw_weight(g, d));
    EsSeed s = {d->logp, es_sum_plates(g, term, d->weighed & ~d->plates)};
    note_score(p, d, &s);
    seed[(*seeds)++] = s;
}

static void add_gradients(EsProgram *p, const EsSeed *seed, uint32_t seeds)
{
    IrGraph *g = p->g;
    const IrModel *m = g->model;
    IrRef *grad = arena_array(m->arena, IrRef, m->params + 1);
    es_adjoint(g, seed, seeds, grad);
    for (uint32_t i = 0; i < m->params; i++) {
        if (grad[i] == IR_NONE)
            continue;
        g->here = m->param[i].at;
        ir_set_name(g, ir_node(g, IR_GRAD, (IrAttr){.item = i}, 1, &grad[i]), m->param[i].name);
    }
}

void es_surrogate(EsProgram *p)
{
    IrGraph *g = p->g;
    IrRef total = objective(p);
    for (uint32_t i = 0; i < p->draws; i++)
        if (!es_is_pathwise(&p->draw[i]) && p->draw[i].estimator != IR_EST_ENUMERATE &&
            p->draw[i].moved)
            name_costs(p, i);
    if (g->entry != IR_ENTRY_STEP)
        return;
    EsSeed *seed = arena_array(g->model->arena, EsSeed, ES_SEEDS_OF_DRAW * p->draws + 1);
    uint32_t seeds = 0;
    seed[seeds++] = (EsSeed){g->node[total].in[0], ir_const(g, 1)};
    for (uint32_t i = 0; i < p->draws; i++) {
        if (p->draw[i].logp != IR_NONE)
            add_score_term(p, i, seed, &seeds);
        if (p->draw[i].estimator == IR_EST_MEASURE_VALUED && p->draw[i].moved)
            es_measure(p, i, seed, &seeds);
    }
    update_averages(p);
    add_gradients(p, seed, seeds);
}
