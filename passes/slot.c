/* One element of a draw at a time: the plate over which the program runs again with that element
 * changed, the mark of the element, and the costs back by element. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

IrPlates es_read_together(const IrGraph *g, const bool *live, const EsReach *e)
{
    IrPlates together = 0;
    for (IrRef r = 0; r < g->count && !MUTATED(ALL_AT_ONCE); r++) {
        if (!e->reached[r] || !live[r])
            continue;
        together |= e->mixed[r];
        for (uint32_t p = 0; p < g->plates && e->later[r]; p++)
            together |= g->plate[p].kind == IR_PLATE_STEP ? 1u << p : 0;
    }
    return together;
}

int64_t es_slot_count(const IrGraph *g, const bool *live, const EsReach *e, const IrNode *sample)
{
    IrPlates together = sample->type.plates & es_read_together(g, live, e);
    IrType type = ir_slot_type(sample->attr.dist, &sample->type);
    return ir_elements(&type) * ir_copies(g, together, 1);
}

EsSlots es_slots(const EsProgram *p, uint32_t i)
{
    const EsDraw *d = &p->draw[i];
    IrType value = p->g->node[d->value].type;
    EsSlots s = {.type = ir_slot_type(d->law, &value), .plate = d->element};
    s.event = value.rank > s.type.rank ? value.dim[s.type.rank] : 0;
    s.together = d->plates & es_read_together(p->source, p->live, &p->reach[i]);
    s.elements = ir_elements(&s.type);
    return s;
}

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

IrRef es_slot_mark(IrGraph *g, const EsSlots *s)
{
    if (s->plate < 0)
        return IR_NONE;
    IrRef which = ir_index(g, (uint32_t)s->plate, 0);
    IrAttr size = {.k = {g->plate[s->plate].size}};
    IrRef mark = ir_node(g, IR_ONE_HOT, size, 1, &which);
    mark = shaped(g, to_copies(g, mark, s->together, s->elements), &s->type);
    if (s->event)
        mark = ir_expand(g, mark, s->type.rank, s->event);
    return ir_binary(g, IR_EQ, mark, ir_const(g, 1));
}

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

IrRef es_by_slot(IrGraph *g, const EsSlots *s, IrRef costs, int32_t variant)
{
    int64_t variants = variant < 0 ? 1 : g->plate[variant].size;
    costs = plate_to_axis(g, costs, variant);
    costs = plate_to_axis(g, costs, s->plate);
    costs = to_copies(g, costs, s->together, s->elements * variants);
    return shaped(g, costs, &(IrType){.rank = 2, .dim = {s->elements, variants}});
}
