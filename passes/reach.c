/* Which values a draw reaches, copy by copy: the facts behind the pruning of costs. */
#include "passes/estimator.h"

#define NEVER UINT32_MAX

bool *es_live(const IrGraph *g)
{
    bool *live = arena_array(g->model->arena, bool, g->count + 1);
    for (bool news = true; news;) { /* carries look forward, one after the other */
        news = false;
        for (IrRef r = g->count; r-- > 0;) {
            live[r] |= (ir_op_info[g->node[r].op].flags & IR_EFFECT) != 0;
            for (uint32_t k = 0; k < g->node[r].n_in && live[r]; k++) {
                news |= !live[g->node[r].in[k]];
                live[g->node[r].in[k]] = true;
            }
        }
    }
    return live;
}

static IrPlates plates_mixed_by(const IrNode *n)
{
    return n->attr.over | (n->op == IR_TO_AXIS ? 1u << n->attr.plate : 0);
}

/* Joins what operand k of r knows into r; true: something new. */
static bool join(const IrGraph *g, EsReach *e, IrRef draw, IrRef r, uint32_t k)
{
    const IrNode *n = &g->node[r], *z = &g->node[draw];
    IrRef x = n->in[k];
    if (!e->reached[x])
        return false;
    bool step = n->op == IR_CARRY && k == 1 && n->region && n->region == z->region;
    IrPlates mixed = e->mixed[r] | e->mixed[x] | (plates_mixed_by(n) & z->type.plates);
    uint32_t lag = e->lag[x] + step < e->lag[r] ? e->lag[x] + step : e->lag[r];
    bool later = e->later[r] || e->later[x] || step;
    bool news = !e->reached[r] || mixed != e->mixed[r] || lag != e->lag[r] || later != e->later[r];
    e->reached[r] = true;
    e->mixed[r] = mixed;
    e->lag[r] = lag;
    e->later[r] = later;
    return news;
}

EsReach es_reach(const IrGraph *g, IrRef draw)
{
    Arena *a = g->model->arena;
    EsReach e = {.reached = arena_array(a, bool, g->count + 1),
                 .mixed = arena_array(a, IrPlates, g->count + 1),
                 .lag = arena_array(a, uint32_t, g->count + 1),
                 .later = arena_array(a, bool, g->count + 1)};
    for (IrRef r = 0; r < g->count; r++)
        e.lag[r] = NEVER;
    e.reached[draw] = true;
    e.lag[draw] = 0;
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            for (uint32_t k = 0; k < ir_deciding(&g->node[r]); k++)
                news |= join(g, &e, draw, r, k);
    }
    return e;
}
