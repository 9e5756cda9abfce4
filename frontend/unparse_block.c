/* The order of statements: what can be computed, block by block.
 *
 * A unit is a named node, or all of a region, whose loop stands in one piece.  First comes what the
 * rows need and is none of theirs, then the rows, then what is left; of what is ready, first what
 * stands in the block that is open, then what stands outermost: few blocks are opened again. */
#include "frontend/unparse_graph.h"

#include <stdlib.h>

typedef struct Unit {
    IrRef node; /* the first one */
    uint32_t region;
    IrPlates path;
    uint32_t loop;
    UpPhase phase;
    uint32_t *needs, count;
    bool done;
} Unit;

typedef struct Units {
    Unit *unit;
    uint32_t count;
    uint32_t *of; /* by node: its unit; UINT32_MAX: none */
} Units;

static bool is_statement(const Unparse *u, IrRef r)
{
    return u->n[r].live && u->n[r].named && !(ir_op_info[u->g.node[r].op].flags & IR_EFFECT);
}

static uint32_t region_of(const Unparse *u, IrRef r)
{
    if (u->n[r].starts)
        return u->n[r].starts;
    return u->n[r].loop && u->loop[u->n[r].loop].region ? u->n[r].loop : 0;
}

static UpPhase phase_of(const Unparse *u, IrRef r)
{
    bool whole_data = u->g.node[r].op == IR_DATA;
    if (u->rows >= 0 && u->n[r].path >> u->rows & 1)
        return UP_ROWS;
    return u->n[r].before || whole_data ? UP_BEFORE : UP_AFTER;
}

static Units list_units(const Unparse *u)
{
    Arena *a = u->p->arena;
    Units s = {.of = arena_array(a, uint32_t, u->g.count + 1)};
    uint32_t *regions = arena_array(a, uint32_t, u->loops); /* unit + 1 */
    for (IrRef r = 0; r < u->g.count; r++) {
        uint32_t region = region_of(u, r);
        s.of[r] = UINT32_MAX;
        if (!is_statement(u, r))
            continue;
        if (!region || !regions[region]) {
            Unit *unit = arena_push(a, s.unit, s.count, Unit);
            *unit = (Unit){.node = r,
                           .region = region,
                           .path = u->n[r].path,
                           .loop = region ? region : u->n[r].loop,
                           .phase = phase_of(u, r)};
            if (region)
                regions[region] = s.count;
        }
        s.of[r] = region ? regions[region] - 1 : s.count - 1;
        if (phase_of(u, r) < s.unit[s.of[r]].phase)
            s.unit[s.of[r]].phase = phase_of(u, r);
    }
    return s;
}

/* ---- what reads what ----------------------------------------------------------------------- */

static void need(const Unparse *u, Units *s, Unit *unit, IrRef x)
{
    const IrNode *n = &u->g.node[x];
    uint32_t of = n->op == IR_CARRY ? s->of[u->n[x].from] : s->of[x];
    if (of != UINT32_MAX) {
        if (&s->unit[of] != unit)
            *arena_push(u->p->arena, unit->needs, unit->count, uint32_t) = of;
        return;
    }
    for (uint32_t k = 0; k < n->n_in; k++)
        if (up_reads(u, x, k))
            need(u, s, unit, n->in[k]);
}

static void find_needs(const Unparse *u, Units *s)
{
    for (IrRef r = 0; r < u->g.count; r++) {
        const IrNode *n = &u->g.node[r];
        for (uint32_t k = 0; s->of[r] != UINT32_MAX && k < n->n_in; k++)
            if (up_reads(u, r, k))
                need(u, s, &s->unit[s->of[r]], n->in[k]);
        if (s->of[r] != UINT32_MAX && u->n[r].first != IR_NONE)
            need(u, s, &s->unit[s->of[r]], u->n[r].first);
    }
}

static bool is_ready(const Units *s, const Unit *unit)
{
    for (uint32_t i = 0; i < unit->count; i++)
        if (!s->unit[unit->needs[i]].done)
            return false;
    return !unit->done;
}

/* ---- the order ----------------------------------------------------------------------------- */

static int depth_of(const Unit *unit)
{
    return __builtin_popcount(unit->path) + (unit->loop != 0);
}

static Unit *next_unit(const Units *s, UpPhase phase, const Unit *last)
{
    Unit *first = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        Unit *unit = &s->unit[i];
        if (unit->phase != phase || !is_ready(s, unit))
            continue;
        if (last && unit->path == last->path && unit->loop == last->loop && !last->region)
            return unit;
        if (!first || depth_of(unit) < depth_of(first))
            first = unit;
    }
    return first;
}

/* Names in the order in which they are read. */
static void number(Unparse *u, const Unit *unit)
{
    for (IrRef r = unit->node; r < u->g.count; r++) {
        bool mine = unit->region ? region_of(u, r) == unit->region : r == unit->node;
        if (mine && is_statement(u, r) && !u->n[r].name)
            u->n[r].name = up_name(u->p, arena_printf(u->p->arena, "v%u", ++u->numbered));
    }
}

UpLines up_schedule(Unparse *u)
{
    Units s = list_units(u);
    Unit **order = arena_array(u->p->arena, Unit *, s.count + 1);
    uint32_t count = 0;
    UpLines lines = {0};
    find_needs(u, &s);
    for (UpPhase phase = UP_BEFORE; phase <= UP_AFTER; phase++)
        for (Unit *unit = NULL; (unit = next_unit(&s, phase, unit));) {
            unit->done = true;
            order[count++] = unit;
            number(u, unit);
        }
    if (count < s.count)
        up_refuse(u, s.unit[0].node, "a cycle of values between plates");
    for (uint32_t i = 0; i < count && !u->failed; i++) {
        if (order[i]->region)
            up_region_lines(u, order[i]->region, &lines);
        else
            up_node_lines(u, order[i]->node, &lines);
    }
    return lines;
}
