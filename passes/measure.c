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
    IrRef categories = sample->in[ir_event_argument(&ir_dist_info[sample->attr.dist])];
    return m->variants ? m->variants : g->node[categories].type.dim[0];
}

/* ---- the changed value ---------------------------------------------------------------------- */

typedef struct Measured {
    EsProgram *p;
    EsDraw *d;
    const IrMeasure *rule;
    IrDrawn drawn;
    EsSlots slots;
    int64_t variants;
} Measured;

static IrRef variant_of_plate(const Measured *m)
{
    IrGraph *g = m->p->g;
    IrRef value[4], which = m->d->variant < 0 ? IR_NONE : ir_index(g, (uint32_t)m->d->variant, 0);
    if (m->rule->category)
        return m->rule->category(g, &m->drawn, which == IR_NONE ? ir_int(g, 0) : which);
    m->rule->variant(g, &m->drawn, value);
    IrRef v = value[m->variants - 1];
    for (int64_t i = m->variants - 1; i-- > 0;)
        v = ir_select(g, ir_binary(g, IR_EQ, which, ir_int(g, i)), value[i], v);
    return v;
}

static EsWorld *changed_world(const Measured *m)
{
    EsChange c = {.node = m->rule->of_noise ? m->d->noise : m->d->value,
                  .where = es_slot_mark(m->p->g, &m->slots),
                  .index = IR_NONE};
    c.value = variant_of_plate(m);
    return es_world(m->p, &c, 1);
}

static Measured measured(EsProgram *p, uint32_t i)
{
    EsDraw *d = &p->draw[i];
    const IrNode *sample = &p->source->node[d->node];
    Measured m = {.p = p, .d = d, .rule = ir_measure[d->law]};
    m.drawn = (IrDrawn){d->law, d->arg, d->value, d->noise, d->fresh};
    m.slots = es_slots(p, i);
    m.variants = es_variants(p->source, sample);
    return m;
}

void es_term_measured(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    Measured m = measured(p, i);
    IrPlates kept = m.d->weighed & ~m.slots.together;
    g->here = g->node[m.d->value].at;
    IrRef base = es_world_costs(p, NULL, i, kept);
    if (base == IR_NONE)
        return;
    EsWorld *there = changed_world(&m);
    g->here = g->node[m.d->value].at;
    IrRef costs = es_by_slot(g, &m.slots, es_world_costs(p, there, i, kept), m.d->variant);
    IrRef slope[4] = {IR_NONE, IR_NONE, IR_NONE, IR_NONE};
    m.rule->slope(g, &m.drawn, base, costs, slope);
    IrType from = m.slots.type;
    from.plates = m.d->plates;
    for (uint32_t k = 0; k < ir_dist_info[m.drawn.dist].arguments; k++) {
        if (!(m.rule->arguments >> k & 1))
            continue;
        IrRef v = MUTATED(SWAPPED_MEASURES) ? ir_unary(g, IR_NEG, slope[k]) : slope[k];
        v = es_weighed_gain(p, m.d, v);
        IrType to = g->node[m.d->arg[k]].type;
        es_seed(p, m.d->arg[k], es_share(g, v, &from, &to));
    }
}
