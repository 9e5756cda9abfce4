/* Taking out of sequences what no carry feeds back (loop distribution).
 *
 * A node must run step by step only if it depends on a carry of its region and a carry of its
 * region depends on it.  Any other node computes all steps at once: an input transformation becomes
 * one large product, and a gradient summed over steps needs no order.  A carry itself stays.
 * Kennedy & Allen, "Optimizing Compilers for Modern Architectures", 2001, section 2.2. */
#include "passes/hoist.h"

static bool inside(const IrGraph *g, IrRef r, uint32_t region)
{
    return g->node[r].region == region;
}

/* Marks the nodes of the region that read a carry of it, directly or through others. */
static void mark_fed(const IrGraph *g, uint32_t region, bool *fed)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->region != region)
            continue;
        fed[r] = n->op == IR_CARRY;
        for (uint32_t i = 0; i < n->n_in; i++)
            fed[r] |= n->in[i] < r && inside(g, n->in[i], region) && fed[n->in[i]];
    }
}

/* Marks the nodes of the region that a carry of it takes to the next step. */
static void mark_feeding(const IrGraph *g, uint32_t region, bool *feeding)
{
    for (IrRef r = 0; r < g->count; r++)
        if (inside(g, r, region) && g->node[r].op == IR_CARRY)
            feeding[g->node[r].in[1]] = true;
    for (IrRef r = g->count; r-- > 0;) {
        const IrNode *n = &g->node[r];
        if (n->region != region || !feeding[r])
            continue;
        uint32_t now = n->op == IR_CARRY ? 0 : n->n_in;
        for (uint32_t i = 0; i < now; i++)
            feeding[n->in[i]] = true;
    }
}

bool hoist_from_regions(IrGraph *g)
{
    Arena *a = g->model->arena;
    bool changed = false;
    for (uint32_t region = 1; region <= g->regions; region++) {
        bool *fed = arena_array(a, bool, g->count + 1);
        bool *feeding = arena_array(a, bool, g->count + 1);
        mark_fed(g, region, fed);
        mark_feeding(g, region, feeding);
        for (IrRef r = 0; r < g->count; r++) {
            IrNode *n = &g->node[r];
            if (n->region != region || n->op == IR_CARRY || (fed[r] && feeding[r]))
                continue;
            n->region = 0;
            changed = true;
        }
    }
    if (changed)
        ir_group_regions(g);
    return changed;
}
