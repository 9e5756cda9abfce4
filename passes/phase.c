/* Phases: which work runs between which barriers.
 *
 * The kind of a node follows from its type.  A node that has rows, and a partial sum, runs in a
 * phase of rows: every task computes its own rows, and reads other nodes of the same phase at these
 * rows only.  A product that sums over the rows and is large enough to be cut by the first axis of
 * its result runs in a phase of blocks; everything else is global.  A barrier is needed where the
 * kind changes, and after every phase of blocks.
 *
 * Phases are made greedily: each takes every node of its kind that is ready.  The order below
 * delays what nothing waits for, so that a training step is at most global (constraints of the
 * parameters), rows (forward, backward, partial sums), blocks (weight gradients), global (sums over
 * parts, roots). */
#include "passes/schedule.h"

#include <string.h>

enum { KINDS = IR_PHASE_BLOCKS + 1, UNPHASED = -1 };

/* A node, or all nodes of a region, which stand together. */
typedef struct Unit {
    IrRef first, end;
    IrPhaseKind kind;
    bool view;
    int32_t phase;
    unsigned feeds; /* kinds of the units that read it, directly or not: bit i is kind i */
} Unit;

typedef struct Phaser {
    IrGraph *g;
    const bool *view; /* by node */
    Unit *unit;
    uint32_t units;
    uint32_t *unit_of; /* by node */
} Phaser;

/* ---- kinds --------------------------------------------------------------------------------- */

static bool has_rows(const IrGraph *g, IrPlates plates)
{
    for (uint32_t p = 0; p < g->plates; p++)
        if (plates >> p & 1 && g->plate[p].kind == IR_PLATE_ROWS)
            return true;
    return false;
}

/* Tasks want at least four rows of the result each: below that a product per task is slower than
 * one product. */
static bool worth_cutting(const IrType *t, int64_t parts)
{
    return t->plates == 0 && t->rank >= 2 && t->dim[0] >= 4 * parts;
}

static IrPhaseKind kind_of(const IrGraph *g, const IrNode *n, int64_t parts)
{
    bool across = has_rows(g, n->attr.over); /* prod_rest keeps the rows that it reads across */
    if (n->op == IR_PARTIAL || (has_rows(g, n->type.plates) && !across))
        return IR_PHASE_ROWS;
    if (n->op == IR_CONTRACT && has_rows(g, n->attr.over) && worth_cutting(&n->type, parts))
        return IR_PHASE_BLOCKS;
    return IR_PHASE_GLOBAL;
}

/* A sequence runs by rows only if all of it does. */
static IrPhaseKind kind_of_unit(const IrGraph *g, const Unit *u, int64_t parts)
{
    for (IrRef r = u->first; r < u->end; r++)
        if (g->node[r].region && kind_of(g, &g->node[r], parts) != IR_PHASE_ROWS)
            return IR_PHASE_GLOBAL;
    return kind_of(g, &g->node[u->first], parts);
}

static void find_units(Phaser *p, int64_t parts)
{
    IrGraph *g = p->g;
    for (IrRef r = 0; r < g->count; r++) {
        uint32_t region = g->node[r].region;
        if (r == 0 || region == 0 || region != g->node[r - 1].region)
            p->unit[p->units++] = (Unit){.first = r, .phase = UNPHASED};
        p->unit[p->units - 1].end = r + 1;
        p->unit_of[r] = p->units - 1;
    }
    for (uint32_t i = 0; i < p->units; i++) {
        Unit *u = &p->unit[i];
        u->kind = kind_of_unit(g, u, parts);
        u->view = p->view[u->first];
    }
}

static void find_feeds(Phaser *p)
{
    for (uint32_t i = p->units; i-- > 0;) {
        const Unit *u = &p->unit[i];
        unsigned gives = u->feeds | (u->view ? 0 : 1u << u->kind);
        for (IrRef r = u->first; r < u->end; r++)
            for (uint32_t k = 0; k < p->g->node[r].n_in; k++) {
                Unit *from = &p->unit[p->unit_of[p->g->node[r].in[k]]];
                if (from != u)
                    from->feeds |= gives;
            }
    }
}

/* ---- phases -------------------------------------------------------------------------------- */

/* A view has the phase of what it shows; a view of leaves is there before the first phase. */
static bool available(const Phaser *p, IrRef r, int32_t phase, IrPhaseKind kind)
{
    const Unit *u = &p->unit[p->unit_of[r]];
    if (u->view) {
        const IrNode *n = &p->g->node[r];
        for (uint32_t i = 0; i < n->n_in; i++)
            if (!available(p, n->in[i], phase, kind))
                return false;
        return true;
    }
    return u->phase != UNPHASED && (u->phase < phase || kind != IR_PHASE_BLOCKS);
}

static bool ready(const Phaser *p, const Unit *u, int32_t phase)
{
    for (IrRef r = u->first; r < u->end; r++)
        for (uint32_t k = 0; k < p->g->node[r].n_in; k++) {
            IrRef from = p->g->node[r].in[k];
            bool same = from >= u->first && from < u->end;
            if (!same && !available(p, from, phase, u->kind))
                return false;
        }
    return true;
}

/* The kind of the next phase; KINDS if nothing is left. */
static int next_kind(const Phaser *p, int32_t phase)
{
    enum { G = 1u << IR_PHASE_GLOBAL, R = 1u << IR_PHASE_ROWS, B = 1u << IR_PHASE_BLOCKS };
    static const struct {
        IrPhaseKind kind;
        unsigned waiting; /* taken first if a unit of these kinds waits for it; 0: anyway */
    } order[] = {{IR_PHASE_GLOBAL, R}, {IR_PHASE_ROWS, 0},   {IR_PHASE_BLOCKS, R},
                 {IR_PHASE_GLOBAL, B}, {IR_PHASE_BLOCKS, 0}, {IR_PHASE_GLOBAL, 0}};
    size_t best = sizeof order / sizeof *order;
    for (uint32_t i = 0; i < p->units; i++) {
        const Unit *u = &p->unit[i];
        if (u->view || u->phase != UNPHASED || !ready(p, u, phase))
            continue;
        for (size_t k = 0; k < best; k++)
            if (u->kind == order[k].kind && (!order[k].waiting || u->feeds & order[k].waiting))
                best = k;
    }
    return best < sizeof order / sizeof *order ? (int)order[best].kind : (int)KINDS;
}

static void fill_phase(Phaser *p, int32_t phase, IrPhaseKind kind)
{
    for (uint32_t i = 0; i < p->units; i++) {
        Unit *u = &p->unit[i];
        if (!u->view && u->phase == UNPHASED && u->kind == kind && ready(p, u, phase))
            u->phase = phase;
    }
}

/* The phase of the last value that a view shows; UNPHASED if all are views of others. */
static int32_t shown_in(const Phaser *p, const IrNode *view)
{
    bool values = false;
    int32_t last = UNPHASED;
    for (uint32_t i = 0; i < view->n_in; i++) {
        const Unit *from = &p->unit[p->unit_of[view->in[i]]];
        bool leaf = from->view && p->g->node[view->in[i]].n_in == 0;
        values |= !from->view;
        if (!leaf && from->phase > last)
            last = from->phase;
    }
    return values ? last : UNPHASED;
}

/* Views stand with what they show; leaves where they are first read. */
static void place_views(Phaser *p)
{
    for (uint32_t i = p->units; i-- > 0;) {
        const Unit *u = &p->unit[i];
        for (IrRef r = u->first; r < u->end; r++)
            for (uint32_t k = 0; k < p->g->node[r].n_in; k++) {
                Unit *from = &p->unit[p->unit_of[p->g->node[r].in[k]]];
                if (from->view && u->phase != UNPHASED &&
                    (from->phase == UNPHASED || u->phase < from->phase))
                    from->phase = u->phase;
            }
    }
    for (uint32_t i = 0; i < p->units; i++) {
        Unit *u = &p->unit[i];
        const IrNode *n = &p->g->node[u->first];
        if (u->view && u->phase == UNPHASED)
            u->phase = 0;
        int32_t shown = u->view ? shown_in(p, n) : UNPHASED;
        if (shown != UNPHASED)
            u->phase = shown;
    }
}

void assign_phases(IrGraph *g, const bool *view, int64_t parts)
{
    Arena *a = g->model->arena;
    Phaser p = {.g = g,
                .view = view,
                .unit = arena_array(a, Unit, g->count + 1),
                .unit_of = arena_array(a, uint32_t, g->count + 1)};
    find_units(&p, parts);
    find_feeds(&p);
    g->phase = NULL;
    g->phases = 0;
    for (int kind; (kind = next_kind(&p, (int32_t)g->phases)) != KINDS;) {
        fill_phase(&p, (int32_t)g->phases, (IrPhaseKind)kind);
        *arena_push(a, g->phase, g->phases, IrPhase) = (IrPhase){(IrPhaseKind)kind};
    }
    place_views(&p);
    for (uint32_t i = 0; i < p.units; i++)
        for (IrRef r = p.unit[i].first; r < p.unit[i].end; r++)
            g->node[r].place.phase = p.unit[i].phase;
}
