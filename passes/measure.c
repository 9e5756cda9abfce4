/* Measure-valued draws: what the costs would be if one element were another.
 *
 * Two plates hold the changed programs: one for the element (and the copy, where costs read copies
 * together), one for its variants.  The program that follows from the draw runs once more over
 * these plates, with the noise of the rest unchanged, and the law's rule makes derivatives of the
 * costs. What stays outside of these programs is not computed again.  estimators.md E8;
 * ir/measure.c. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

int64_t es_variants(const IrGraph *g, const IrNode *sample)
{
    const IrMeasure *m = ir_measure[sample->attr.dist];
    return m->variants ? m->variants : ir_dist_values(g, sample->attr.dist, sample->in);
}

IrPlates es_read_together(const IrGraph *g, const bool *live, const EsReach *e)
{
    IrPlates together = 0;
    for (IrRef r = 0; r < g->count; r++) {
        if (!e->reached[r] || !live[r])
            continue;
        together |= e->mixed[r];
        for (uint32_t p = 0; p < g->plates && e->later[r]; p++)
            together |= g->plate[p].kind == IR_PLATE_STEP ? 1u << p : 0;
    }
    return together;
}

/* ---- the changed value ---------------------------------------------------------------------- */

typedef struct Measured {
    EsProgram *p;
    EsDraw *d;
    const IrMeasure *rule;
    IrDrawn drawn;
    IrType type;       /* of what is changed: the value, or the noise */
    IrPlates together; /* plates that are changed copy by copy */
    int64_t elements, variants;
} Measured;

static IrRef shaped(IrGraph *g, IrRef v, const IrType *like)
{
    IrType type = *like;
    type.elem = g->node[v].type.elem;
    type.plates = g->node[v].type.plates;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, type, 1, &v);
}

/* Copies [c1 c2 .., rest] on axis 0, outermost plate first, as copies of these plates. */
static IrRef to_copies(IrGraph *g, IrRef v, IrPlates plates, int64_t rest)
{
    int64_t left = ir_copies(g, plates, 1) * rest;
    for (uint32_t p = 0; p < g->plates; p++)
        if (plates >> p & 1) {
            left /= g->plate[p].size;
            v = shaped(g, v, &(IrType){.rank = 2, .dim = {g->plate[p].size, left}});
            v = ir_node(g, IR_TO_PLATE, (IrAttr){.plate = (int32_t)p}, 1, &v);
        }
    return v;
}

/* Is this the element that is changed?  IR_NONE: it is the only one. */
static IrRef is_changed(const Measured *m)
{
    IrGraph *g = m->p->g;
    if (m->d->element < 0)
        return IR_NONE;
    IrRef which = ir_index(g, (uint32_t)m->d->element, 0);
    IrAttr size = {.k = {g->plate[m->d->element].size}};
    IrRef mark = ir_node(g, IR_ONE_HOT, size, 1, &which);
    mark = shaped(g, to_copies(g, mark, m->together, m->elements), &m->type);
    return ir_binary(g, IR_EQ, mark, ir_const(g, 1));
}

static IrRef variant_of_plate(const Measured *m)
{
    IrGraph *g = m->p->g;
    IrRef value[4], which = m->d->variant < 0 ? IR_NONE : ir_index(g, (uint32_t)m->d->variant, 0);
    if (!m->rule->variant)
        return which == IR_NONE ? ir_int(g, 0) : which;
    m->rule->variant(g, &m->drawn, value);
    IrRef v = value[m->variants - 1];
    for (int64_t i = m->variants - 1; i-- > 0;)
        v = ir_select(g, ir_binary(g, IR_EQ, which, ir_int(g, i)), value[i], v);
    return v;
}

static EsWorld *changed_world(const Measured *m)
{
    IrGraph *g = m->p->g;
    EsChange c = {.node = m->rule->of_noise ? m->d->noise : m->d->value,
                  .where = is_changed(m),
                  .index = IR_NONE};
    g->in_region = g->node[c.node].region;
    c.value = variant_of_plate(m);
    return es_world(m->p, &c);
}

/* ---- its costs ------------------------------------------------------------------------------ */

/* The copies of the plate, if there is one, on a new axis 0. */
static IrRef plate_to_axis(IrGraph *g, IrRef v, int32_t plate)
{
    if (plate < 0)
        return v;
    IrType all = g->node[v].type;
    all.plates |= 1u << plate;
    v = es_broadcast(g, v, all);
    return ir_node(g, IR_TO_AXIS, (IrAttr){.plate = plate, .k = {0, g->plate[plate].size}}, 1, &v);
}

/* Costs over the two plates as [element, variant], copy by copy of the draw. */
static IrRef costs_by_variant(const Measured *m, IrRef f)
{
    IrGraph *g = m->p->g;
    const EsDraw *d = m->d;
    f = plate_to_axis(g, f, d->variant);
    f = plate_to_axis(g, f, d->element);
    f = to_copies(g, f, m->together, m->elements * m->variants);
    return shaped(g, f, &(IrType){.rank = 2, .dim = {m->elements, m->variants}});
}

static Measured measured(EsProgram *p, uint32_t i)
{
    EsDraw *d = &p->draw[i];
    IrGraph *g = p->g;
    const IrNode *sample = &p->source->node[d->node];
    Measured m = {.p = p, .d = d, .rule = ir_measure[sample->attr.dist]};
    m.drawn = (IrDrawn){sample->attr.dist, d->arg, d->value, d->noise, d->fresh};
    m.type = g->node[m.rule->of_noise ? d->noise : d->value].type;
    m.together = d->plates & es_read_together(p->source, p->live, &p->reach[i]);
    m.elements = ir_elements(&m.type);
    m.variants = es_variants(p->source, sample);
    return m;
}

void es_term_measured(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    Measured m = measured(p, i);
    IrPlates kept = m.d->weighed & ~m.together;
    g->here = g->node[m.d->value].at;
    IrRef base = es_world_costs(p, NULL, i, kept);
    if (base == IR_NONE)
        return;
    EsWorld *there = changed_world(&m);
    g->here = g->node[m.d->value].at;
    IrRef costs = costs_by_variant(&m, es_world_costs(p, there, i, kept));
    IrRef slope[4] = {IR_NONE, IR_NONE, IR_NONE, IR_NONE};
    m.rule->slope(g, &m.drawn, base, costs, slope);
    IrRef weight = es_draw_weight(g, m.d);
    IrType from = m.type;
    from.plates = m.d->plates;
    for (uint32_t k = 0; k < ir_dist_info[m.drawn.dist].arguments; k++) {
        if (!(m.rule->arguments >> k & 1))
            continue;
        IrRef v = weight == IR_NONE ? slope[k] : ir_binary(g, IR_MUL, slope[k], weight);
        v = es_sum_plates(g, v, m.d->weighed & ~m.d->plates);
        IrType to = g->node[m.d->arg[k]].type;
        es_seed(p, m.d->arg[k], es_share(g, v, &from, &to));
    }
}
