/* Dead code elimination.
 *
 * What no root reads has no effect: roots are the ops with IR_EFFECT, and the weight of an
 * enumeration plate that a live node has.  A draw that nothing reads is dropped with its site: the
 * noise of the other draws is keyed by their site, so the sites are renumbered here, once, before
 * any code exists that reads them.  A moving average that nothing reads or writes goes as well. */
#include "passes/pass.h"
#include "passes/sweep.h"

typedef struct Live {
    bool *node;
    IrRef *stack;
    uint32_t depth;
} Live;

static void mark(Live *l, IrRef r)
{
    if (r == IR_NONE || l->node[r])
        return;
    l->node[r] = true;
    l->stack[l->depth++] = r;
}

static void mark_reached(const IrGraph *g, Live *l)
{
    IrPlates seen = 0;
    while (l->depth) {
        const IrNode *n = &g->node[l->stack[--l->depth]];
        for (uint32_t i = 0; i < n->n_in; i++)
            mark(l, n->in[i]);
        for (uint32_t p = 0; p < g->plates; p++)
            if (n->type.plates & ~seen & 1u << p)
                mark(l, g->plate[p].weight);
        seen |= n->type.plates;
    }
}

/* Regions without nodes go; the others close up. */
static void compact_regions(IrGraph *g)
{
    uint32_t *now = arena_array(g->model->arena, uint32_t, g->regions + 1), kept = 0;
    for (IrRef r = 0; r < g->count; r++)
        now[g->node[r].region] = 1;
    for (uint32_t i = 1; i <= g->regions; i++)
        if (now[i]) {
            g->region[kept] = g->region[i - 1];
            now[i] = ++kept;
        }
    now[0] = 0;
    g->regions = kept;
    for (IrRef r = 0; r < g->count; r++)
        g->node[r].region = now[g->node[r].region];
}

static void compact_nodes(IrGraph *g, const bool *live)
{
    IrRef *now = arena_array(g->model->arena, IrRef, g->count + 1);
    uint32_t kept = 0;
    for (IrRef r = 0; r < g->count; r++) {
        now[r] = live[r] ? kept : IR_NONE;
        if (live[r])
            g->node[kept++] = g->node[r];
    }
    g->count = kept;
    for (IrRef r = 0; r < kept; r++)
        for (uint32_t i = 0; i < g->node[r].n_in; i++)
            g->node[r].in[i] = now[g->node[r].in[i]];
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].weight != IR_NONE)
            g->plate[p].weight = now[g->plate[p].weight];
}

bool sweep_nodes(IrGraph *g, IrOp without)
{
    Arena *a = g->model->arena;
    Live live = {.node = arena_array(a, bool, g->count + 1),
                 .stack = arena_array(a, IrRef, g->count + 1)};
    uint32_t before = g->count;
    for (IrRef r = 0; r < g->count; r++)
        if (ir_op_info[g->node[r].op].flags & IR_EFFECT && g->node[r].op != without)
            mark(&live, r);
    mark_reached(g, &live);
    compact_nodes(g, live.node);
    compact_regions(g);
    return g->count != before;
}

/* New numbers for the used of `count` things that nodes of ops x and y name by attr.item;
 * IR_NONE for the others.  Returns how many are used. */
static uint32_t renumber(const IrGraph *g, IrOp x, IrOp y, uint32_t count, uint32_t *now)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        now[i] = IR_NONE;
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == x || g->node[r].op == y)
            now[g->node[r].attr.item] = 0;
    for (uint32_t i = 0; i < count; i++)
        if (now[i] != IR_NONE)
            now[i] = used++;
    return used;
}

static bool sweep_sites(IrGraph *g)
{
    uint32_t before = g->sites, *now = arena_array(g->model->arena, uint32_t, before + 1);
    g->sites = renumber(g, IR_DRAW, IR_DRAW, before, now);
    for (uint32_t i = 0; i < before; i++)
        if (now[i] != IR_NONE)
            g->site[now[i]] = g->site[i];
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW)
            g->node[r].attr.item = now[g->node[r].attr.item];
    return g->sites != before;
}

static bool sweep_states(IrGraph *g)
{
    uint32_t before = g->states, *now = arena_array(g->model->arena, uint32_t, before + 1);
    g->states = renumber(g, IR_STATE, IR_NEXT, before, now);
    for (uint32_t i = 0; i < before; i++)
        if (now[i] != IR_NONE)
            g->state[now[i]] = g->state[i];
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_STATE || g->node[r].op == IR_NEXT)
            g->node[r].attr.item = now[g->node[r].attr.item];
    return g->states != before;
}

bool pass_dce(IrGraph *g, PassCtx *cx)
{
    (void)cx;
    bool changed = sweep_nodes(g, IR_OP_COUNT);
    changed |= sweep_sites(g);
    changed |= sweep_states(g);
    return changed;
}
