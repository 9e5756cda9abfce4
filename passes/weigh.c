/* What copies weigh, and sums over them.
 *
 * A copy's weight is the product of what its plates weigh: rows N/B, samples 1/K, an enumerated
 * value its probability, the others 1.  What a draw's copy reaches is weighed by the plates that
 * the draw does not have itself. */
#include "passes/estimator.h"

static IrRef leaf(IrGraph *g, IrOp op)
{
    return ir_typed(g, op, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

IrRef es_times(IrGraph *g, IrRef a, IrRef b)
{
    return a == IR_NONE ? b : b == IR_NONE ? a : ir_binary(g, IR_MUL, a, b);
}

static IrRef divide(IrGraph *g, IrRef a, IrRef by)
{
    return ir_binary(g, IR_DIV, a, by);
}

IrPlates es_plates_of(const IrGraph *g, IrPlateKind kind)
{
    IrPlates set = 0;
    for (uint32_t p = 0; p < g->plates; p++)
        set |= g->plate[p].kind == kind ? 1u << p : 0;
    return set;
}

IrPlates es_with_weights(const IrGraph *g, IrPlates plates)
{
    for (IrPlates before = 0; before != plates;) {
        before = plates;
        for (uint32_t p = 0; p < g->plates; p++)
            if (plates >> p & 1 && g->plate[p].weight != IR_NONE)
                plates |= g->node[g->plate[p].weight].type.plates;
    }
    return plates;
}

double es_copies(const IrGraph *g, IrPlates set)
{
    return (double)ir_copies(g, set, 1);
}

uint32_t es_tables(const EsProgram *p, EsWorld *world, IrPlates set, EsTable *t)
{
    const IrGraph *g = p->g;
    IrPlates values = es_plates_of(g, IR_PLATE_ENUMERATION);
    uint32_t tables = 0;
    for (uint32_t i = 0; i < g->plates; i++) {
        if (!((set & values) >> i & 1))
            continue;
        IrRef node = es_in_world(world, g->plate[i].weight);
        bool known = false;
        for (uint32_t k = 0; k < tables; k++)
            known |= t[k].node == node;
        if (!known)
            t[tables++] = (EsTable){node, g->node[node].type.plates & values};
    }
    return tables;
}

void es_sum_out(EsProgram *p, EsTable *t, uint32_t *tables, IrPlates out)
{
    int64_t values[IR_MAX_PLATES];
    for (uint32_t i = 0; i < p->g->plates; i++)
        values[i] = p->g->plate[i].size;
    es_eliminate(p->g, &p->sums, t, tables, out, values);
}

/* What the values of the plates weigh, where those that `kept` lacks are summed out: a product. */
static uint32_t weights_of(EsProgram *p, EsWorld *world, IrPlates set, IrPlates kept, EsTable *t)
{
    uint32_t tables = es_tables(p, world, set, t);
    es_sum_out(p, t, &tables, set & es_plates_of(p->g, IR_PLATE_ENUMERATION) & ~kept);
    return tables;
}

/* v times the probability of each enumerated value in the set.  A value of probability 0 adds
 * nothing, whatever its cost. */
static IrRef weigh(EsProgram *p, EsWorld *world, IrRef v, IrPlates set)
{
    IrGraph *g = p->g;
    EsTable t[IR_MAX_PLATES + 1];
    uint32_t tables = weights_of(p, world, set, g->node[v].type.plates, t);
    for (uint32_t i = 0; i < tables; i++) {
        IrRef zero = ir_const(g, 0), never = ir_binary(g, IR_EQ, t[i].node, zero);
        v = ir_select(g, never, zero, ir_binary(g, IR_MUL, t[i].node, v));
    }
    return v;
}

static IrRef weighed_sum(EsProgram *p, EsWorld *w, IrRef v, IrPlates plates)
{
    IrGraph *g = p->g;
    IrPlates rows = plates & es_plates_of(g, IR_PLATE_ROWS);
    IrPlates samples = plates & es_plates_of(g, IR_PLATE_SAMPLES);
    IrPlates values = plates & es_plates_of(g, IR_PLATE_ENUMERATION);
    v = weigh(p, w, v, values);
    bool has_rows = (g->node[v].type.plates & rows) != 0,
         has_samples = g->node[v].type.plates & samples;
    double drawn = es_copies(g, samples & g->node[v].type.plates);
    IrPlates averaged = rows | samples | values;
    v = es_sum_plates(g, v, (plates & ~averaged) | (averaged & g->node[v].type.plates));
    if (has_samples)
        v = es_times(g, v, ir_const(g, 1 / drawn));
    if (has_rows)
        v = divide(g, v, leaf(g, IR_ROWS));
    return rows ? es_times(g, v, leaf(g, IR_TOTAL)) : v;
}

/* The plates of values, and those of what decides how probable they are. */
static IrPlates values_behind(const EsProgram *p, EsWorld *w, IrPlates set)
{
    const IrGraph *g = p->g;
    IrPlates values = es_plates_of(g, IR_PLATE_ENUMERATION);
    set &= values;
    for (IrPlates before = 0; before != set;) {
        before = set;
        for (uint32_t i = 0; i < g->plates; i++)
            if (before >> i & 1)
                set |= g->node[es_in_world(w, g->plate[i].weight)].type.plates & values;
    }
    return set;
}

/* Terms of a sum that read other values are summed apart, each over its own. */
IrRef es_weighed_sum(EsProgram *p, EsWorld *w, IrRef v, IrPlates plates)
{
    IrGraph *g = p->g;
    const IrNode n = g->node[v];
    IrPlates values = plates & es_plates_of(g, IR_PLATE_ENUMERATION);
    bool splits = false;
    for (uint32_t k = 0; k < n.n_in && (n.op == IR_ADD || n.op == IR_SUB); k++)
        splits |= (n.type.plates & ~g->node[n.in[k]].type.plates & values) != 0;
    if (!splits)
        return weighed_sum(p, w, v, plates & (~values | values_behind(p, w, n.type.plates)));
    IrRef a = es_weighed_sum(p, w, n.in[0], plates);
    return ir_binary(g, n.op, a, es_weighed_sum(p, w, n.in[1], plates));
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
static IrRef downstream_cost(EsProgram *p, const EsDraw *d, const EsReach *e, const EsCost *c,
                             EsWorld *w)
{
    IrGraph *g = p->g;
    IrPlates mixed = e->mixed[c->source] & d->plates;
    IrRef v = es_weighed_sum(p, w, es_in_world(w, c->value), c->plates & ~d->weighed);
    v = es_sum_plates(g, v, mixed & c->plates);
    IrPlates steps = es_plates_of(g, IR_PLATE_STEP) & d->plates & c->plates & ~mixed;
    for (uint32_t t = 0; t < g->plates && e->later[c->source]; t++)
        if (steps >> t & 1) {
            IrType whole = g->node[v].type;
            whole.plates |= 1u << t;
            v = later_steps(g, es_broadcast(g, v, whole), t,
                            e->lag[c->source] + MUTATED(LATE_STEP));
        }
    return v;
}

IrRef es_downstream(EsProgram *p, uint32_t i, EsWorld *w)
{
    IrRef f = IR_NONE;
    for (uint32_t k = 0; k < p->costs; k++) {
        const EsCost *c = &p->cost[k];
        bool last = f != IR_NONE && k + 1 == p->costs;
        if ((!p->reach[i].reached[c->source] && !MUTATED(EVERY_COST) &&
             !(MUTATED(BOTH_GROUPS) && p->draw[i].one != p->draw[i].node)) ||
            (last && MUTATED(LOST_COST)))
            continue;
        IrRef v = downstream_cost(p, &p->draw[i], &p->reach[i], c, w);
        f = f == IR_NONE ? v : ir_binary(p->g, IR_ADD, f, v);
    }
    return f;
}

IrRef es_world_costs(EsProgram *p, EsWorld *w, uint32_t i, IrPlates kept)
{
    IrRef f = IR_NONE;
    for (uint32_t k = 0; k < p->costs; k++) {
        const EsCost *c = &p->cost[k];
        if (!p->reach[i].reached[c->source])
            continue;
        IrRef v = es_weighed_sum(p, w, es_in_world(w, c->value), c->plates & ~kept);
        f = f == IR_NONE ? v : ir_binary(p->g, IR_ADD, f, v);
    }
    return f;
}

/* A sum over copies as their mean; what enumerated values weigh is in it. */
static IrRef per_copy(EsProgram *p, IrRef sum, IrPlates over)
{
    IrGraph *g = p->g;
    IrPlates rows = es_plates_of(g, IR_PLATE_ROWS), values = es_plates_of(g, IR_PLATE_ENUMERATION);
    double known = es_copies(g, over & ~(rows | values));
    if (known != 1)
        sum = es_times(g, sum, ir_const(g, 1 / known));
    return over & rows ? divide(g, sum, leaf(g, IR_ROWS)) : sum;
}

IrRef es_mean(EsProgram *p, IrRef v, IrPlates plates)
{
    IrGraph *g = p->g;
    v = weigh(p, NULL, v, plates & es_plates_of(g, IR_PLATE_ENUMERATION));
    IrPlates has = g->node[v].type.plates & plates;
    return per_copy(p, ir_reduce(g, IR_SUM, v, 0, has), has);
}

IrRef es_mean_outer(EsProgram *p, IrRef a, IrRef b, IrPlates plates)
{
    IrGraph *g = p->g;
    IrType all = g->node[a].type;
    all.plates |= g->node[b].type.plates;
    a = weigh(p, NULL, es_broadcast(g, a, all), plates & es_plates_of(g, IR_PLATE_ENUMERATION));
    IrPlates has = (g->node[a].type.plates | all.plates) & plates;
    return per_copy(p, ir_contract(g, "a,b->ab", has, a, b), has);
}

/* w(i)/N, where the values that neither the draw nor f reads are summed out; IR_NONE: 1. */
static IrRef draw_weight(EsProgram *p, const EsDraw *d, IrRef f)
{
    IrGraph *g = p->g;
    EsTable t[IR_MAX_PLATES + 1];
    IrPlates rows = es_plates_of(g, IR_PLATE_ROWS);
    IrPlates samples = d->weighed & es_plates_of(g, IR_PLATE_SAMPLES);
    double drawn = es_copies(g, MUTATED(NEXT_PLATE) ? samples >> 1 : samples);
    IrRef w = drawn != 1 ? ir_const(g, 1 / drawn) : IR_NONE;
    uint32_t tables = weights_of(p, NULL, d->weighed, d->plates | g->node[f].type.plates, t);
    for (uint32_t i = 0; i < tables; i++)
        w = es_times(g, w, t[i].node);
    if (rows && MUTATED(SCALE_TWICE) && d->weighed & rows)
        w = es_times(g, w, divide(g, leaf(g, IR_TOTAL), leaf(g, IR_ROWS)));
    if (rows)
        w = divide(g, w == IR_NONE ? ir_const(g, 1) : w,
                   leaf(g, d->weighed & rows ? IR_ROWS : IR_TOTAL));
    return w;
}

IrRef es_weighed_gain(EsProgram *p, const EsDraw *d, IrRef f)
{
    IrGraph *g = p->g;
    IrRef v = es_times(g, f, draw_weight(p, d, f));
    IrPlates values = es_plates_of(g, IR_PLATE_ENUMERATION), over = d->weighed & ~d->plates;
    return es_sum_plates(g, v, over & (~values | g->node[v].type.plates));
}
