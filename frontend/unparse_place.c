/* Where every node of an estimator graph stands in the text: its block of plates and its loop. */
#include "frontend/unparse_graph.h"

/* ---- what is read -------------------------------------------------------------------------- */

bool up_reads(const Unparse *u, IrRef r, uint32_t k)
{
    const IrNode *n = &u->g.node[r];
    if (n->op != IR_SUB || k != 1 || n->type.rank == 0)
        return true;
    uint32_t last = n->type.rank - 1;
    const IrNode *norm = &u->g.node[n->in[1]];
    if (norm->op == IR_EXPAND && norm->attr.k[0] == last)
        norm = &u->g.node[norm->in[0]];
    else if (last > 0)
        return true;
    return norm->op != IR_LOGSUMEXP || norm->in[0] != n->in[0] || norm->attr.over ||
           norm->attr.axes != 1u << last;
}

/* Carries look ahead, so until nothing changes. */
static void mark_live(Unparse *u)
{
    const IrGraph *g = &u->g;
    for (bool again = true; again;) {
        again = false;
        for (IrRef r = g->count; r-- > 0;) {
            const IrNode *n = &g->node[r];
            if (ir_op_info[n->op].flags & IR_EFFECT)
                u->n[r].live = true;
            for (uint32_t k = 0; k < n->n_in && u->n[r].live; k++) {
                if (!up_reads(u, r, k))
                    continue;
                again |= !u->n[n->in[k]].live && n->in[k] > r;
                u->n[n->in[k]].live = true;
            }
        }
    }
}

/* ---- loops --------------------------------------------------------------------------------- */

static void list_loops(Unparse *u)
{
    const IrGraph *g = &u->g;
    u->loops = 1 + g->regions + g->plates;
    u->loop = arena_array(u->p->arena, UpLoop, u->loops);
    for (uint32_t i = 0; i < u->loops; i++)
        u->loop[i] = (UpLoop){.plate = -1};
    for (uint32_t i = 0; i < g->regions; i++)
        u->loop[1 + i] = (UpLoop){g->region[i].plate, true, g->region[i].reverse, 0};
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        IrPlates steps = n->type.plates & u->steps;
        if (!u->n[r].live || !steps || n->op == IR_DRAW)
            continue;
        if (steps & (steps - 1))
            up_refuse(u, r, "a value with the steps of two loops");
        int32_t plate = __builtin_ctz(steps);
        u->n[r].loop = n->region ? n->region : 1 + g->regions + (uint32_t)plate;
        u->loop[u->n[r].loop].plate = plate;
        if (n->op == IR_CARRY)
            u->loop[u->n[r].loop].base = 1;
    }
}

/* ---- how plates are nested ----------------------------------------------------------------- */

/* For every plate those that it meets in some value.  All that meet the steps of a loop meet: the
 * loop stands inside them. */
static void meetings(const Unparse *u, IrPlates meets[IR_MAX_PLATES])
{
    const IrGraph *g = &u->g;
    IrPlates around[IR_MAX_PLATES] = {0};
    for (IrRef r = 0; r < g->count; r++) {
        IrPlates plates = u->n[r].live ? g->node[r].type.plates : 0;
        for (uint32_t p = 0; p < g->plates; p++)
            if (plates >> p & 1)
                around[p] |= plates;
        for (uint32_t p = 0; p < g->plates; p++)
            if (plates >> p & 1)
                meets[p] |= plates;
    }
    for (uint32_t t = 0; t < g->plates; t++)
        for (uint32_t p = 0; u->steps >> t & 1 && p < g->plates; p++)
            if (around[t] >> p & 1)
                meets[p] |= around[t];
}

static IrPlates component(const IrPlates meets[IR_MAX_PLATES], IrPlates set)
{
    IrPlates part = set & -set;
    for (IrPlates before = 0; before != part;) {
        before = part;
        for (uint32_t p = 0; p < IR_MAX_PLATES; p++)
            if (part >> p & 1)
                part |= meets[p] & set;
    }
    return part;
}

/* Rows can only stand outermost; else what meets most, and what was written first. */
static uint32_t outermost(const Unparse *u, const IrPlates meets[IR_MAX_PLATES], IrPlates part)
{
    uint32_t best = (uint32_t)__builtin_ctz(part);
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (part >> p & 1 &&
            __builtin_popcount(meets[p] & part) > __builtin_popcount(meets[best] & part))
            best = p;
    return u->rows >= 0 && part >> u->rows & 1 ? (uint32_t)u->rows : best;
}

/* Plates that meet stand inside one another; any two that do not may stand beside each other. */
static void nest(Unparse *u, const IrPlates meets[IR_MAX_PLATES], IrPlates set, IrPlates around)
{
    while (set) {
        IrPlates part = component(meets, set);
        uint32_t p = outermost(u, meets, part);
        u->plate[p].path = around | 1u << p;
        u->plate[p].depth = (uint32_t)__builtin_popcount(around);
        nest(u, meets, part & ~(1u << p), u->plate[p].path);
        set &= ~part;
    }
}

static void nest_plates(Unparse *u, const IrPlates meets[IR_MAX_PLATES])
{
    IrPlates used = 0;
    for (uint32_t p = 0; p < u->g.plates; p++)
        used |= meets[p];
    nest(u, meets, used & ~u->steps, 0);
    for (uint32_t t = 0; t < u->g.plates; t++) {
        if (!(u->steps >> t & 1))
            continue;
        u->plate[t].path = 0;
        for (uint32_t p = 0; p < u->g.plates; p++)
            if (meets[t] & ~u->steps & 1u << p)
                u->plate[t].path |= u->plate[p].path;
    }
}

/* ---- paths --------------------------------------------------------------------------------- */

static IrPlates path_of(const Unparse *u, IrPlates plates)
{
    IrPlates path = 0;
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (plates >> p & 1)
            path |= u->plate[p].path;
    return path;
}

/* A draw stands in the blocks of its first plates, as far as nothing else stands around them; the
 * others are axes of it, in their order, so that its elements keep their places. */
static void place_draw(Unparse *u, IrRef r)
{
    IrPlates plates = u->g.node[r].type.plates, open = 0;
    for (uint32_t p = 0; p < u->g.plates; p++) {
        if (!(plates >> p & 1))
            continue;
        if (u->steps >> p & 1 || u->plate[p].path != (open | 1u << p))
            break;
        open |= 1u << p;
    }
    u->n[r].path = open;
    u->n[r].axes = plates & ~open;
    if (u->rows >= 0 && u->n[r].axes >> u->rows & 1)
        up_refuse(u, r, "a draw whose rows are not its outermost plate");
    uint32_t axes = (uint32_t)__builtin_popcount(u->n[r].axes);
    if (axes + u->g.node[r].type.rank > IR_MAX_RANK)
        up_refuse(u, r, "a draw with more than %d axes, counting copies and steps", IR_MAX_RANK);
}

static void place_nodes(Unparse *u)
{
    for (IrRef r = 0; r < u->g.count; r++) {
        UpNode *n = &u->n[r];
        if (!n->live)
            continue;
        if (u->g.node[r].op == IR_DRAW)
            place_draw(u, r);
        else
            n->path = path_of(u, u->g.node[r].type.plates);
    }
}

/* ---- rows are opened once ------------------------------------------------------------------ */

static void mark_by_rows(Unparse *u)
{
    for (bool again = true; again;) {
        again = false;
        for (IrRef r = 0; r < u->g.count; r++) {
            const IrNode *n = &u->g.node[r];
            bool by_rows = n->op == IR_ROWS || (u->rows >= 0 && n->type.plates >> u->rows & 1);
            for (uint32_t k = 0; k < n->n_in && !by_rows; k++)
                by_rows = u->n[n->in[k]].by_rows;
            again |= by_rows && !u->n[r].by_rows;
            u->n[r].by_rows |= by_rows;
        }
    }
}

/* Brings r into the rows; false: a plate of it is not nested in them. */
static bool enter_rows(Unparse *u, IrRef r)
{
    const UpLoop *loop = &u->loop[u->n[r].loop];
    u->n[r].path |= 1u << u->rows;
    if (u->n[r].loop)
        u->plate[loop->plate].path |= 1u << u->rows;
    for (IrRef i = 0; u->n[r].loop && i < u->g.count; i++)
        if (u->n[i].loop && u->loop[u->n[i].loop].plate == loop->plate)
            u->n[i].path |= 1u << u->rows;
    return !(u->g.node[r].type.plates & ~u->steps);
}

/* What the rows read of sums over rows is computed inside, the rest before them.  Returns the
 * plates that have to be nested in the rows for it. */
static IrPlates serve_rows(Unparse *u)
{
    IrPlates astray = 0;
    mark_by_rows(u);
    for (bool again = u->rows >= 0; again;) {
        again = false;
        for (IrRef r = u->g.count; r-- > 0;) {
            const IrNode *n = &u->g.node[r];
            bool rows = u->n[r].path >> u->rows & 1;
            for (uint32_t k = 0; u->n[r].live && (rows || u->n[r].before) && k < n->n_in; k++) {
                UpNode *x = &u->n[n->in[k]];
                if (x->path >> u->rows & 1 || x->before || !up_reads(u, r, k))
                    continue;
                again = true;
                if (!x->by_rows)
                    x->before = true;
                else if (!enter_rows(u, n->in[k]))
                    astray |= u->g.node[n->in[k]].type.plates & ~u->steps;
            }
        }
    }
    return astray;
}

void up_place(Unparse *u)
{
    IrPlates meets[IR_MAX_PLATES] = {0};
    u->n = arena_array(u->p->arena, UpNode, u->g.count + 1);
    u->rows = -1;
    for (uint32_t p = 0; p < u->g.plates; p++) {
        if (u->g.plate[p].kind == IR_PLATE_ROWS)
            u->rows = (int32_t)p;
        if (u->g.plate[p].kind == IR_PLATE_STEP)
            u->steps |= 1u << p;
    }
    mark_live(u);
    list_loops(u);
    meetings(u, meets);
    for (IrPlates astray = 1; astray && !u->failed;) {
        nest_plates(u, meets);
        place_nodes(u);
        astray = serve_rows(u);
        for (uint32_t p = 0; p < u->g.plates; p++)
            if (astray >> p & 1)
                meets[p] |= 1u << u->rows;
        if (astray)
            meets[u->rows] |= astray;
    }
}
