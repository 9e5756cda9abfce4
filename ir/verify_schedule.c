/* The invariants of a scheduled graph: every node is a member of one kernel, kernels run after what
 * they read, and buffers stand inside the arena. */
#include "ir/verify.h"

#include <inttypes.h>

static bool is_kernel(const IrGraph *g, int32_t k)
{
    return k >= 0 && (uint32_t)k < g->kernels;
}

/* The kernel lists and the places of the nodes are one fact, written twice. */
static void check_members(Verifier *v, uint32_t i, uint32_t *listed)
{
    const IrGraph *g = v->g;
    const IrKernel *k = &g->kernel[i];
    Span at = v->at->kernel[i];
    for (uint32_t j = 0; j < k->nodes; j++) {
        IrRef r = k->node[j];
        if (r >= g->count) {
            ir_broken(v, at, "kernel %u: %%%u is not a node", i, r);
            continue;
        }
        listed[r]++;
        if (g->node[r].place.kernel != (int32_t)i)
            ir_broken(v, at, "kernel %u: %%%u is placed in kernel %d", i, r,
                      g->node[r].place.kernel);
        if (j > 0 && k->node[j - 1] >= r)
            ir_broken(v, at, "kernel %u: its members are not in order", i);
    }
}

static bool in_domain(const IrKernel *k, const IrType *t)
{
    return t->plates == k->domain.plates && ir_same_shape(t, &k->domain);
}

static void check_loop(Verifier *v, uint32_t i)
{
    const IrGraph *g = v->g;
    const IrKernel *k = &g->kernel[i];
    for (uint32_t j = 0; j < k->nodes; j++) {
        IrRef r = k->node[j];
        if (r >= g->count || !v->sound[r])
            continue;
        const IrNode *n = &g->node[r];
        bool sum = n->op == IR_SUM || n->op == IR_PARTIAL;
        const IrType *t = sum ? &g->node[n->in[0]].type : &n->type;
        if (!sum && !(ir_op_info[n->op].flags & IR_EW))
            ir_broken(v, v->at->kernel[i], "kernel %u: %%%u is not element-wise", i, r);
        else if (!in_domain(k, t))
            ir_broken(v, v->at->kernel[i], "kernel %u: %%%u has another domain", i, r);
    }
}

static void check_scan(Verifier *v, uint32_t i)
{
    const IrGraph *g = v->g;
    const IrKernel *k = &g->kernel[i];
    uint32_t region = 0, size = 0;
    for (uint32_t j = 0; j < k->nodes; j++) {
        uint32_t of = k->node[j] < g->count ? g->node[k->node[j]].region : 0;
        if (j > 0 && of != region)
            ir_broken(v, v->at->kernel[i], "kernel %u: it mixes regions %u and %u", i, region, of);
        region = of;
    }
    for (IrRef r = 0; r < g->count; r++)
        size += g->node[r].region == region;
    if (region == 0 || size != k->nodes)
        ir_broken(v, v->at->kernel[i], "kernel %u: a scan is all nodes of a region", i);
}

static void check_kernel(Verifier *v, uint32_t i, uint32_t *listed)
{
    const IrGraph *g = v->g;
    const IrKernel *k = &g->kernel[i];
    Span at = v->at->kernel[i];
    if (k->phase < 0 || (uint32_t)k->phase >= g->phases)
        ir_broken(v, at, "kernel %u: there is no phase %d", i, k->phase);
    if (i > 0 && g->kernel[i - 1].phase > k->phase)
        ir_broken(v, at, "kernel %u: its phase comes before that of kernel %u", i, i - 1);
    if (k->nodes == 0)
        ir_broken(v, at, "kernel %u: it has no nodes", i);
    check_members(v, i, listed);
    switch (k->kind) {
    case IR_KERNEL_LOOP:
        check_loop(v, i);
        break;
    case IR_KERNEL_SCAN:
        check_scan(v, i);
        break;
    case IR_KERNEL_SINGLE:
    case IR_KERNEL_VIEW:
        if (k->nodes > 1)
            ir_broken(v, at, "kernel %u: it is of one node", i);
        break;
    }
}

/* Kernels run in order, and the members of a kernel in theirs: what a node reads is there. */
static void check_reads(Verifier *v, IrRef r)
{
    const IrGraph *g = v->g;
    const IrNode *n = &g->node[r];
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrNode *from = n->in[i] < g->count ? &g->node[n->in[i]] : n;
        bool carried = n->op == IR_CARRY && i == 1 && from->region == n->region;
        if (!carried && from->place.kernel > n->place.kernel)
            ir_node_broken(v, r, "it runs in kernel %d, before its operand %%%u in kernel %d",
                           n->place.kernel, n->in[i], from->place.kernel);
    }
}

static void check_place(Verifier *v, IrRef r, uint32_t listed)
{
    const IrGraph *g = v->g;
    const IrPlace *p = &g->node[r].place;
    if (!is_kernel(g, p->kernel)) {
        ir_node_broken(v, r, "there is no kernel %d", p->kernel);
        return;
    }
    if (listed != 1)
        ir_node_broken(v, r, "kernels list it %u times", listed);
    if (g->kernel[p->kernel].phase != p->phase)
        ir_node_broken(v, r, "it is in phase %d, its kernel in phase %d", p->phase,
                       g->kernel[p->kernel].phase);
    if (p->buffer < -1 || (p->buffer >= 0 && p->buffer >= g->arena_bytes))
        ir_node_broken(v, r, "its buffer at %" PRId64 " is outside the arena of %" PRId64 " bytes",
                       p->buffer, g->arena_bytes);
    check_reads(v, r);
}

void ir_verify_schedule(Verifier *v)
{
    const IrGraph *g = v->g;
    uint32_t *listed = arena_array(v->arena, uint32_t, g->count + 1);
    if (g->arena_bytes < 0)
        ir_broken(v, v->at->graph, "an arena of %" PRId64 " bytes", g->arena_bytes);
    for (uint32_t i = 0; i < g->phases; i++)
        if (g->phase[i].kind > IR_PHASE_BLOCKS)
            ir_broken(v, v->at->phase[i], "phase %u: it has no kind", i);
    for (uint32_t i = 0; i < g->kernels; i++)
        check_kernel(v, i, listed);
    for (IrRef r = 0; r < g->count; r++)
        check_place(v, r, listed[r]);
}
