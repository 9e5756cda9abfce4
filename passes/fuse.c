/* Kernels: which nodes of a phase are computed in one loop nest.
 *
 * Legal because a member of a loop is element-wise: element i of the result reads element i of each
 * operand (or a shared copy or scalar), so members of one domain can be computed together element
 * by element, in the order of the nodes.  A sum of a member ends in the loop: its result is whole
 * only after it, so what reads it stands in a later kernel.  Nothing is computed twice, draws least
 * of all.
 *
 * Kernels have levels: a kernel reads kernels of lower levels only, so sorting by level gives an
 * execution order.  Two sweeps:
 *   join   each node, in order, enters the loop of its operands, or the earliest loop of its domain
 *          that its operands allow, or a new one
 *   sink   a node that one later loop alone reads moves there, with the chain that only it reads,
 *          if the whole chain then stays in registers */
#include "passes/pass.h"
#include "passes/schedule.h"

#include <stdlib.h>
#include <string.h>

typedef struct Draft {
    IrKernelKind kind;
    int32_t phase, level;
    IrType domain;
    uint32_t nodes;
    uint32_t born; /* breaks ties: creation order */
} Draft;

typedef struct Fuser {
    IrGraph *g;
    Draft *draft;
    uint32_t drafts;
    uint32_t *kernel; /* by node: its draft */
    const bool *view; /* by node */
    Users users;
} Fuser;

/* Is r computed element by element in a loop? */
static bool element_wise(const Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    return ir_op_info[n->op].flags & IR_EW && n->region == 0 && !f->view[r];
}

static bool ends_in_loop(const IrNode *n)
{
    return (n->op == IR_SUM || n->op == IR_PARTIAL) && n->region == 0;
}

static bool same_domain(const IrType *a, const IrType *b)
{
    return a->plates == b->plates && ir_same_shape(a, b);
}

/* ---- join ---------------------------------------------------------------------------------- */

static uint32_t new_draft(Fuser *f, IrKernelKind kind, int32_t phase, int32_t level)
{
    f->draft[f->drafts] = (Draft){.kind = kind, .phase = phase, .level = level, .born = f->drafts};
    return f->drafts++;
}

static void enter(Fuser *f, IrRef r, uint32_t k)
{
    f->kernel[r] = k;
    f->draft[k].nodes++;
}

/* The level of the kernel that computes r, if that is in the phase; else below all levels. */
static int32_t level_of(const Fuser *f, IrRef r, int32_t phase)
{
    const Draft *d = &f->draft[f->kernel[r]];
    return d->phase == phase ? d->level : -1;
}

/* The lowest level at which all operands of r are computed. */
static int32_t level_after(const Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    int32_t level = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        int32_t before = level_of(f, n->in[i], n->place.phase);
        level = before >= level ? before + 1 : level;
    }
    return level;
}

/* May r be computed in loop k: is each operand computed before it, or in it, element by element? */
static bool fits(const Fuser *f, IrRef r, uint32_t k)
{
    const IrNode *n = &f->g->node[r];
    const Draft *d = &f->draft[k];
    if (d->kind != IR_KERNEL_LOOP || d->phase != n->place.phase ||
        !same_domain(&d->domain, &n->type))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        bool inside = f->kernel[n->in[i]] == k && element_wise(f, n->in[i]);
        if (!inside && level_of(f, n->in[i], d->phase) >= d->level)
            return false;
    }
    return true;
}

/* The loop that r joins: the last one that computes an operand, else the earliest that fits;
 * f->drafts if there is none. */
static uint32_t find_loop(const Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    uint32_t best = f->drafts;
    for (uint32_t i = 0; i < n->n_in; i++) {
        uint32_t k = f->kernel[n->in[i]];
        if (fits(f, r, k) && (best == f->drafts || f->draft[k].level > f->draft[best].level))
            best = k;
    }
    if (best < f->drafts)
        return best;
    for (uint32_t k = 0; k < f->drafts; k++)
        if (fits(f, r, k) && (best == f->drafts || f->draft[k].level < f->draft[best].level))
            best = k;
    return best;
}

static void join_loop(Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    uint32_t k = find_loop(f, r);
    if (k == f->drafts) {
        new_draft(f, IR_KERNEL_LOOP, n->place.phase, level_after(f, r));
        f->draft[k].domain = n->type;
        f->draft[k].domain.elem = IR_REAL;
    }
    enter(f, r, k);
}

/* A view needs no level of its own: it follows what it shows, and leaves come first. */
static void place_view(Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    int32_t level = -1;
    for (uint32_t i = 0; i < n->n_in; i++) {
        int32_t shown = level_of(f, n->in[i], n->place.phase);
        level = shown > level ? shown : level;
    }
    enter(f, r, new_draft(f, IR_KERNEL_VIEW, n->place.phase, level));
}

/* All nodes of a region, from its first, are one kernel. */
static void place_region(Fuser *f, IrRef first)
{
    uint32_t region = f->g->node[first].region;
    int32_t level = 0;
    for (IrRef r = first; r < f->g->count && f->g->node[r].region == region; r++)
        for (uint32_t i = 0; i < f->g->node[r].n_in; i++) {
            IrRef from = f->g->node[r].in[i];
            int32_t before = f->g->node[from].region == region
                                 ? -1
                                 : level_of(f, from, f->g->node[first].place.phase);
            level = before >= level ? before + 1 : level;
        }
    uint32_t k = new_draft(f, IR_KERNEL_SCAN, f->g->node[first].place.phase, level);
    for (IrRef r = first; r < f->g->count && f->g->node[r].region == region; r++)
        enter(f, r, k);
}

/* A sum of a loop's member ends in that loop. */
static bool end_in_loop(Fuser *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    if (!ends_in_loop(n) || !element_wise(f, n->in[0]))
        return false;
    uint32_t k = f->kernel[n->in[0]];
    if (f->draft[k].kind != IR_KERNEL_LOOP || f->draft[k].phase != n->place.phase)
        return false;
    enter(f, r, k);
    return true;
}

static void join(Fuser *f)
{
    for (IrRef r = 0; r < f->g->count; r++) {
        const IrNode *n = &f->g->node[r];
        if (n->region && r > 0 && f->g->node[r - 1].region == n->region)
            continue;
        if (n->region)
            place_region(f, r);
        else if (f->view[r])
            place_view(f, r);
        else if (element_wise(f, r))
            join_loop(f, r);
        else if (!end_in_loop(f, r))
            enter(f, r, new_draft(f, IR_KERNEL_SINGLE, n->place.phase, level_after(f, r)));
    }
}

/* ---- sink ---------------------------------------------------------------------------------- */

/* Do only nodes of kernel k, or marked ones, read r? */
static bool read_only_by(const Fuser *f, IrRef r, uint32_t k, const bool *marked)
{
    for (uint32_t i = f->users.start[r]; i < f->users.start[r + 1]; i++) {
        IrRef by = f->users.user[i];
        if (f->kernel[by] != k && !marked[by])
            return false;
    }
    return true;
}

static bool in_registers(const Fuser *f, IrRef r, const bool *none)
{
    return element_wise(f, r) && read_only_by(f, r, f->kernel[r], none);
}

/* The one loop, later than r's own, that reads r; f->drafts if there is none. */
static uint32_t reading_loop(const Fuser *f, IrRef r)
{
    const Draft *own = &f->draft[f->kernel[r]];
    uint32_t k = f->drafts;
    for (uint32_t i = f->users.start[r]; i < f->users.start[r + 1]; i++) {
        uint32_t by = f->kernel[f->users.user[i]];
        if (k != f->drafts && by != k)
            return f->drafts;
        k = by;
    }
    if (k == f->drafts || k == f->kernel[r])
        return f->drafts;
    const Draft *d = &f->draft[k];
    bool fit = d->kind == IR_KERNEL_LOOP && d->phase == own->phase &&
               same_domain(&d->domain, &own->domain);
    return fit ? k : f->drafts;
}

/* Marks r and the members of its loop that only the chain reads; false: some operand is in a
 * register and would have to be kept for the other loop. */
static bool mark_chain(const Fuser *f, IrRef r, uint32_t to, const bool *none, bool *chain)
{
    chain[r] = true;
    for (IrRef m = r + 1; m-- > 0;) {
        if (!chain[m])
            continue;
        for (uint32_t i = 0; i < f->g->node[m].n_in; i++) {
            IrRef from = f->g->node[m].in[i];
            if (chain[from] || f->kernel[from] != f->kernel[r] || !in_registers(f, from, none))
                continue;
            if (!read_only_by(f, from, to, chain))
                return false;
            chain[from] = true;
        }
    }
    return true;
}

static void sink(Fuser *f)
{
    Arena *a = f->g->model->arena;
    const bool *none = arena_array(a, bool, f->g->count + 1);
    bool *chain = arena_array(a, bool, f->g->count + 1);
    for (IrRef r = f->g->count; r-- > 0;) {
        if (!element_wise(f, r))
            continue;
        uint32_t from = f->kernel[r], to = reading_loop(f, r);
        if (to == f->drafts)
            continue;
        memset(chain, 0, (f->g->count + 1) * sizeof *chain);
        if (!mark_chain(f, r, to, none, chain))
            continue;
        for (IrRef m = 0; m <= r; m++)
            if (chain[m]) {
                f->draft[from].nodes--;
                enter(f, m, to);
            }
    }
}

/* ---- the result ---------------------------------------------------------------------------- */

static int by_order(const void *x, const void *y)
{
    const Draft *a = x, *b = y;
    if (a->phase != b->phase)
        return a->phase < b->phase ? -1 : 1;
    if (a->level != b->level)
        return a->level < b->level ? -1 : 1;
    return a->born < b->born ? -1 : a->born > b->born;
}

static void write_kernels(Fuser *f)
{
    IrGraph *g = f->g;
    Arena *a = g->model->arena;
    int32_t *now = arena_array(a, int32_t, f->drafts + 1);
    qsort(f->draft, f->drafts, sizeof *f->draft, by_order);
    g->kernel = arena_array(a, IrKernel, f->drafts + 1);
    g->kernels = 0;
    for (uint32_t i = 0; i < f->drafts; i++) {
        const Draft *d = &f->draft[i];
        if (d->nodes == 0)
            continue;
        now[d->born] = (int32_t)g->kernels;
        g->kernel[g->kernels++] = (IrKernel){.kind = d->kind,
                                             .phase = d->phase,
                                             .domain = d->domain,
                                             .node = arena_array(a, IrRef, d->nodes)};
    }
    for (IrRef r = 0; r < g->count; r++) {
        g->node[r].place.kernel = now[f->kernel[r]];
        IrKernel *k = &g->kernel[g->node[r].place.kernel];
        k->node[k->nodes++] = r;
    }
}

bool pass_fuse(IrGraph *g, PassCtx *cx)
{
    Arena *a = g->model->arena;
    const bool *view = find_views(g);
    assign_phases(g, view, cx->options->parts);
    Fuser f = {.g = g,
               .view = view,
               .draft = arena_array(a, Draft, g->count + 1),
               .kernel = arena_array(a, uint32_t, g->count + 1),
               .users = users_of(g)};
    join(&f);
    sink(&f);
    write_kernels(&f);
    g->stage = IR_SCHEDULED;
    return true;
}
