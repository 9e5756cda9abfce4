/* What the program would compute if one of its values were another: the nodes that follow from it,
 * once more, with the same noise. */
#include "passes/estimator.h"

static bool *cone(const EsProgram *p, IrRef node)
{
    const IrGraph *g = p->g;
    bool *in = arena_array(g->model->arena, bool, p->lowered + 1);
    in[node] = true;
    for (int round = 0; round < 2; round++) /* carries look forward */
        for (IrRef r = 0; r < p->lowered; r++)
            for (uint32_t k = 0; k < g->node[r].n_in; k++)
                in[r] |= in[g->node[r].in[k]];
    return in;
}

/* Of the types that operands do not decide, what changes is the plates. */
static IrRef clone(IrGraph *g, const IrNode *n, const IrRef *in, IrPlates gained)
{
    IrType type = n->type;
    g->here = n->at;
    g->in_region = n->region;
    if (n->op != IR_CARRY && n->op != IR_RESHAPE)
        return ir_node(g, n->op, n->attr, n->n_in, in);
    type.plates = n->op == IR_CARRY ? type.plates | gained : g->node[in[0]].type.plates;
    return ir_typed(g, n->op, n->attr, type, n->n_in, in);
}

static IrRef clone_in(EsProgram *p, const EsWorld *w, IrRef r, IrPlates gained)
{
    IrGraph *g = p->g;
    IrNode n = g->node[r];
    IrRef *in = arena_array(g->model->arena, IrRef, n.n_in + 1);
    for (uint32_t k = 0; k < n.n_in; k++)
        in[k] = w->now[n.in[k]];
    return clone(g, &n, in, gained);
}

/* A value of a sequence follows from itself, a step before: where it is not changed it is cloned.
 */
static IrRef changed_node(EsProgram *p, const EsWorld *w, const EsChange *c, IrPlates gained)
{
    IrGraph *g = p->g;
    g->in_region = g->node[c->node].region;
    if (c->where == IR_NONE)
        return c->value;
    IrRef rest = g->node[c->node].n_in > 0 ? clone_in(p, w, c->node, gained) : c->node;
    return ir_select(g, c->where, c->value, rest);
}

EsWorld es_world(EsProgram *p, const EsChange *c)
{
    IrGraph *g = p->g;
    const bool *changed = cone(p, c->node);
    IrPlates gained = g->node[c->value].type.plates;
    gained |= c->where == IR_NONE ? 0 : g->node[c->where].type.plates;
    gained &= ~g->node[c->node].type.plates;
    EsWorld w = {.now = arena_array(g->model->arena, IrRef, p->lowered + 1)};
    for (IrRef r = 0; r < p->lowered; r++)
        w.now[r] = r;
    for (IrRef r = 0; r < p->lowered; r++)
        if (r == c->node)
            w.now[r] = changed_node(p, &w, c, gained);
        else if (changed[r])
            w.now[r] = clone_in(p, &w, r, gained);
    for (IrRef r = 0; r < p->lowered; r++)
        if (changed[r] && g->node[r].op == IR_CARRY)
            g->node[w.now[r]].in[1] = w.now[g->node[r].in[1]];
    g->in_region = 0;
    for (uint32_t k = 0; k < g->plates; k++)
        w.weight[k] = es_in_world(&w, g->plate[k].weight);
    return w;
}

IrRef es_in_world(const EsWorld *w, IrRef r)
{
    return w->now && r != IR_NONE ? w->now[r] : r;
}

EsWorld es_this_world(const EsProgram *p)
{
    EsWorld w = {0};
    for (uint32_t k = 0; k < p->g->plates; k++)
        w.weight[k] = p->g->plate[k].weight;
    return w;
}
