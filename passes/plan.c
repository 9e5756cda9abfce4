/* Buffers: where each value that outlives its loop stands in the one arena.
 *
 * A buffer lives from the kernel that writes it to the last kernel that reads it, and two buffers
 * may share memory if one is dead before the other is written, for every task:
 *   in different phases    the barrier between them says so
 *   in a global phase      kernels run in order
 *   in a phase of rows     tasks run at the same time, each on its own rows; a row of both must be
 *                          the same bytes, so they have one size of row, rows outermost, and start
 *                          at the same place
 *   in a phase of blocks   never
 * A kernel may not read and write the same memory.  Buffers are placed by decreasing size, each at
 * the lowest place that fits.
 *
 * No buffer: views, leaves, constants, roots, gradients, and members of a loop that only the loop
 * reads.  A reshape has the buffer of its operand. */
#include "passes/pass.h"
#include "passes/schedule.h"

#include <stdlib.h>

enum { ALIGN = 64 };

typedef struct Buffer {
    IrRef node;
    int64_t size, row;   /* bytes; row: of one row, 0 if rows are not outermost */
    int32_t first, last; /* kernels */
    int64_t at;
} Buffer;

/* What two buffers may do: overlap in any way, only from the same place, or not at all. */
typedef enum Relation { FREE, SAME_PLACE, APART } Relation;

typedef struct Obstacle {
    const Buffer *buffer;
    Relation relation;
} Obstacle;

typedef struct Planner {
    IrGraph *g;
    int64_t real_bytes;
    Users users;
    Buffer *buffer;
    uint32_t buffers;
    const Buffer **placed; /* by rising place; room for every buffer, like the obstacles */
    uint32_t places;
    Obstacle *obstacle;
} Planner;

static int64_t element_bytes(const Planner *p, IrElem e)
{
    return e == IR_REAL ? p->real_bytes : e == IR_INT ? 4 : 1;
}

static int64_t round_up(int64_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- which nodes, how large, how long -------------------------------------------------------- */

static bool read_outside(const Planner *p, IrRef r)
{
    for (uint32_t i = p->users.start[r]; i < p->users.start[r + 1]; i++)
        if (p->g->node[p->users.user[i]].place.kernel != p->g->node[r].place.kernel)
            return true;
    return false;
}

/* Is r, or a reshape of it, a gradient?  Then it is computed in the array that the caller gave. */
static bool is_gradient(const Planner *p, IrRef r)
{
    for (uint32_t i = p->users.start[r]; i < p->users.start[r + 1]; i++) {
        IrRef by = p->users.user[i];
        IrOp op = p->g->node[by].op;
        if (op == IR_GRAD || (op == IR_RESHAPE && is_gradient(p, by)))
            return true;
    }
    return false;
}

static bool needs_buffer(const Planner *p, IrRef r)
{
    const IrNode *n = &p->g->node[r];
    const IrKernel *k = &p->g->kernel[n->place.kernel];
    if (k->kind == IR_KERNEL_VIEW || n->op == IR_RESHAPE ||
        ir_op_info[n->op].flags & IR_EFFECT || read_in_place(n) || n->op == IR_CONST ||
        (n->type.plates == 0 && is_gradient(p, r)))
        return false;
    bool value = ir_op_info[n->op].flags & IR_EW;
    return k->kind != IR_KERNEL_LOOP || !value || read_outside(p, r);
}

static bool shows_operand(const Planner *p, IrRef r)
{
    const IrNode *n = &p->g->node[r];
    return n->op == IR_RESHAPE || p->g->kernel[n->place.kernel].kind == IR_KERNEL_VIEW;
}

/* The last kernel that reads r, itself or through views. */
static int32_t last_read(const Planner *p, IrRef r)
{
    int32_t last = p->g->node[r].place.kernel;
    for (uint32_t i = p->users.start[r]; i < p->users.start[r + 1]; i++) {
        IrRef by = p->users.user[i];
        int32_t k = shows_operand(p, by) ? last_read(p, by) : p->g->node[by].place.kernel;
        last = k > last ? k : last;
    }
    return last;
}

/* Bytes of one row, if the rows plate is the outermost of the array. */
static int64_t row_bytes(const Planner *p, const IrType *t)
{
    for (uint32_t i = 0; i < p->g->plates; i++)
        if (t->plates >> i & 1)
            return p->g->plate[i].kind != IR_PLATE_ROWS
                       ? 0
                       : ir_copies(p->g, t->plates, 1) * ir_elements(t) * element_bytes(p, t->elem);
    return 0;
}

static int64_t bytes_of(const Planner *p, const IrType *t)
{
    int64_t rows = 0;
    for (uint32_t i = 0; i < p->g->plates; i++)
        if (p->g->plate[i].kind == IR_PLATE_ROWS)
            rows = p->g->plate[i].size;
    return ir_copies(p->g, t->plates, rows) * ir_elements(t) * element_bytes(p, t->elem);
}

static void list_buffers(Planner *p)
{
    for (IrRef r = 0; r < p->g->count; r++) {
        p->g->node[r].place.buffer = -1;
        if (!needs_buffer(p, r))
            continue;
        const IrType *t = &p->g->node[r].type;
        p->buffer[p->buffers++] = (Buffer){.node = r,
                                           .size = round_up(bytes_of(p, t)),
                                           .row = row_bytes(p, t),
                                           .first = p->g->node[r].place.kernel,
                                           .last = last_read(p, r)};
    }
}

/* ---- placing --------------------------------------------------------------------------------- */

static Relation relation(const Planner *p, const Buffer *a, const Buffer *b)
{
    if (a->first > b->first) {
        const Buffer *earlier = b;
        b = a;
        a = earlier;
    }
    if (a->last >= b->first)
        return APART;
    int32_t ends = p->g->kernel[a->last].phase, starts = p->g->kernel[b->first].phase;
    IrPhaseKind kind = p->g->phase[ends].kind;
    if (ends < starts || kind == IR_PHASE_GLOBAL)
        return FREE;
    return kind == IR_PHASE_ROWS && a->row && a->row == b->row ? SAME_PLACE : APART;
}

static bool in_the_way(const Obstacle *o, const Buffer *x, int64_t at)
{
    const Buffer *y = o->buffer;
    bool overlap = at < y->at + y->size && y->at < at + x->size;
    return overlap && (o->relation == APART || at != y->at);
}

/* Those that have been placed and may be in the way of x, by rising place. */
static uint32_t list_obstacles(Planner *p, const Buffer *x)
{
    uint32_t obstacles = 0;
    for (uint32_t i = 0; i < p->places; i++) {
        Relation r = relation(p, x, p->placed[i]);
        if (r != FREE)
            p->obstacle[obstacles++] = (Obstacle){p->placed[i], r};
    }
    return obstacles;
}

/* What is in the way moves x behind it, or to the same place if that comes first and is allowed.
 * What has been passed stays behind, but for buffers that x shared its place with before it moved.
 */
static int64_t lowest_place(Planner *p, const Buffer *x)
{
    uint32_t obstacles = list_obstacles(p, x);
    int64_t at = 0;
    bool shared = false;
    for (uint32_t i = 0; i < obstacles; i++) {
        const Obstacle *o = &p->obstacle[i];
        const Buffer *y = o->buffer;
        shared |= o->relation == SAME_PLACE && y->at == at;
        if (!in_the_way(o, x, at))
            continue;
        at = o->relation == SAME_PLACE && y->at > at ? y->at : y->at + y->size;
        if (shared)
            i = UINT32_MAX; /* from the first again */
        shared = o->relation == SAME_PLACE && y->at == at;
    }
    return at;
}

/* Into the list, which stays in order. */
static void keep_place(Planner *p, const Buffer *b)
{
    uint32_t i = p->places++;
    for (; i > 0 && p->placed[i - 1]->at > b->at; i--)
        p->placed[i] = p->placed[i - 1];
    p->placed[i] = b;
}

static int by_size(const void *x, const void *y)
{
    const Buffer *a = x, *b = y;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

static void place_buffers(Planner *p)
{
    qsort(p->buffer, p->buffers, sizeof *p->buffer, by_size);
    for (uint32_t i = 0; i < p->buffers; i++) {
        Buffer *b = &p->buffer[i];
        b->at = lowest_place(p, b);
        keep_place(p, b);
        p->g->node[b->node].place.buffer = b->at;
        if (b->at + b->size > p->g->arena_bytes)
            p->g->arena_bytes = b->at + b->size;
    }
}

static void place_reshapes(IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_RESHAPE)
            g->node[r].place.buffer = g->node[g->node[r].in[0]].place.buffer;
}

bool pass_plan(IrGraph *g, PassCtx *cx)
{
    Arena *a = g->model->arena;
    Planner p = {.g = g,
                 .real_bytes = cx->options->real_bytes,
                 .users = users_of(g),
                 .buffer = arena_array(a, Buffer, g->count + 1),
                 .placed = arena_array(a, const Buffer *, g->count + 1),
                 .obstacle = arena_array(a, Obstacle, g->count + 1)};
    g->arena_bytes = 0;
    list_buffers(&p);
    place_buffers(&p);
    place_reshapes(g);
    return true;
}
