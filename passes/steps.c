/* Sequences of enumerated draws that are read whole, and are short.
 *
 * `sin(sum(z))` reads all steps of z at once.  Its expectation is a sum over all their values
 * jointly, which elimination makes where the steps are read one by one (values.c); so every reader
 * of the whole gets it as the list of its steps.  Whether the sum is small enough is decided there.
 */
#include "passes/estimator.h"

typedef struct Steps {
    const bool *whole; /* by old node: a sequence on an axis */
    const IrNode *old;
    uint32_t at;   /* the old node that comes next */
    bool *is_axis; /* by new node */
    IrRef *list;   /* by new node: its steps, as one value; or 0: not made yet */
} Steps;

static bool is_short(const IrGraph *g, const IrNode *n)
{
    if (n->op != IR_TO_AXIS || g->plate[n->attr.plate].kind != IR_PLATE_STEP)
        return false;
    int64_t steps = g->plate[n->attr.plate].size;
    return steps <= ES_STEPS && n->attr.k[0] == 0 && n->attr.k[1] == steps;
}

/* False: there is none. */
static bool find_whole(const IrGraph *g, bool *whole)
{
    bool found = false;
    for (IrRef z = 0; z < g->count; z++) {
        const IrNode *draw = &g->node[z];
        if (draw->op != IR_SAMPLE || draw->attr.via.estimator != IR_EST_ENUMERATE || !draw->region)
            continue;
        EsReach e = es_reach(g, z);
        int32_t plate = g->region[draw->region - 1].plate;
        for (IrRef r = 0; r < g->count; r++) {
            const IrNode *n = &g->node[r];
            bool here = is_short(g, n) && n->attr.plate == plate && e.reached[n->in[0]];
            whole[r] |= here;
            found |= here;
        }
    }
    return found;
}

static IrRef step_by_step(IrGraph *g, Steps *s, IrRef axis)
{
    if (s->list[axis])
        return s->list[axis];
    int64_t steps = g->node[axis].type.dim[0];
    IrRef part[ES_STEPS];
    IrType one = g->node[g->node[axis].in[0]].type;
    one.plates = g->node[axis].type.plates;
    for (int64_t i = 0; i < steps; i++) {
        IrRef slice = ir_node(g, IR_SLICE, (IrAttr){.k = {0, i, i + 1}}, 1, &axis);
        part[i] = ir_expand(g, ir_typed(g, IR_RESHAPE, (IrAttr){0}, one, 1, &slice), 0, 1);
    }
    return s->list[axis] = ir_node(g, IR_CONCAT, (IrAttr){0}, (uint32_t)steps, part);
}

static IrRef read_steps(IrGraph *g, const IrNode *n, void *context)
{
    Steps *s = context;
    while (s->old[s->at].op == IR_CARRY)
        s->at++;
    if (s->whole[s->at++]) {
        s->is_axis[g->count] = true;
        return ir_keep(g, n);
    }
    IrRef of;
    int64_t step;
    bool reads = false;
    for (uint32_t k = 0; k < n->n_in && !es_is_step(g, n, &of, &step); k++)
        if (n->in[k] < g->count && s->is_axis[n->in[k]]) {
            n->in[k] = step_by_step(g, s, n->in[k]);
            reads = true;
        }
    return reads ? ir_keep(g, n) : IR_NONE;
}

void es_read_steps(IrGraph *g)
{
    Arena *a = g->model->arena;
    bool *whole = arena_array(a, bool, g->count + 1);
    if (!find_whole(g, whole))
        return;
    size_t room = (size_t)g->count * (ES_STEPS + 2) + 1;
    Steps s = {.whole = whole,
               .old = g->node,
               .is_axis = arena_array(a, bool, room),
               .list = arena_array(a, IrRef, room)};
    ir_rewrite(g, read_steps, &s);
}
