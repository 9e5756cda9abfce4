/* Building graphs, and the one walker that passes rewrite them with. */
#include "ir/ir.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void ir_model_init(IrModel *m, Arena *a)
{
    *m = (IrModel){.arena = a, .name = "model", .file = ""};
}

void ir_graph_init(IrGraph *g, IrModel *m, const char *name, IrEntry entry)
{
    *g = (IrGraph){.model = m, .name = name, .entry = entry};
}

IrGraph *ir_graph_add(IrModel *m, const char *name, Span at)
{
    IrGraph *g = arena_push(m->arena, m->graph, m->graphs, IrGraph);
    ir_graph_init(g, m, name, IR_ENTRY_SOURCE);
    g->at = at;
    return g;
}

static void *copy_array(Arena *a, const void *from, size_t count, size_t size)
{
    void *to = arena_alloc(a, count ? count : 1, size, alignof(max_align_t));
    return count ? memcpy(to, from, count * size) : to;
}

/* Arrays are copied at a size that arena_grow() will double next. */
static uint32_t growable(uint32_t count)
{
    uint32_t cap = 8;
    while (cap < count)
        cap *= 2;
    return cap;
}

static void *copy_growable(Arena *a, const void *from, uint32_t count, size_t size)
{
    void *to = arena_alloc(a, growable(count), size, alignof(max_align_t));
    return count ? memcpy(to, from, count * size) : to;
}

void ir_graph_clone(IrGraph *to, const IrGraph *from)
{
    Arena *a = from->model->arena;
    *to = *from;
    to->node = copy_growable(a, from->node, from->count, sizeof *from->node);
    to->cap = growable(from->count);
    for (uint32_t i = 0; i < to->count; i++)
        to->node[i].in = copy_array(a, from->node[i].in, from->node[i].n_in, sizeof(IrRef));
    to->region = copy_growable(a, from->region, from->regions, sizeof *from->region);
    to->state = copy_growable(a, from->state, from->states, sizeof *from->state);
    to->site = copy_growable(a, from->site, from->sites, sizeof *from->site);
}

uint32_t ir_plate_add(IrGraph *g, const char *name, IrPlateKind kind, int64_t size,
                      IrPlates parents)
{
    assert(g->plates < IR_MAX_PLATES && "callers check the number of plates");
    g->plate[g->plates] = (IrPlate){.name = name,
                                    .kind = kind,
                                    .size = size,
                                    .weight = IR_NONE,
                                    .parents = parents,
                                    .at = g->here};
    return g->plates++;
}

uint32_t ir_region_add(IrGraph *g, int32_t plate, bool reverse)
{
    *arena_push(g->model->arena, g->region, g->regions, IrRegion) = (IrRegion){plate, reverse};
    return g->regions;
}

/* Only a value that differs from step to step belongs to a sequence. */
static bool in_region(const IrGraph *g, const IrNode *n)
{
    return n->region && n->type.plates >> g->region[n->region - 1].plate & 1;
}

static IrRef append(IrGraph *g, IrNode n)
{
    Arena *a = g->model->arena;
    n.in = copy_array(a, n.in, n.n_in, sizeof(IrRef));
    if (!in_region(g, &n))
        n.region = 0;
    if (g->count == g->cap) {
        uint32_t cap = g->cap ? g->cap * 2 : 64;
        IrNode *bigger = arena_array(a, IrNode, cap);
        if (g->count)
            memcpy(bigger, g->node, g->count * sizeof *bigger);
        g->node = bigger;
        g->cap = cap;
    }
    g->node[g->count] = n;
    return g->count++;
}

static IrNode draft(const IrGraph *g, IrOp op, IrAttr attr, uint32_t n, const IrRef *in)
{
    return (IrNode){.op = op,
                    .n_in = n,
                    .in = (IrRef *)in,
                    .attr = attr,
                    .region = g->in_region,
                    .at = g->here,
                    .place = {-1, -1, -1}};
}

bool ir_infer(const IrGraph *g, IrOp op, IrAttr attr, uint32_t n, const IrRef *in, IrType *out,
              char *why, size_t size)
{
    IrNode node = draft(g, op, attr, n, in);
    why[0] = 0;
    return ir_op_info[op].type(g, &node, out, why, size);
}

IrRef ir_node(IrGraph *g, IrOp op, IrAttr attr, uint32_t n, const IrRef *in)
{
    IrNode node = draft(g, op, attr, n, in);
    char why[256] = "";
    bool ok = ir_op_info[op].type(g, &node, &node.type, why, sizeof why);
    if (!ok) {
        fprintf(stderr, "sgc: internal error: building %s: %s\n", ir_op_info[op].name, why);
        abort();
    }
    return append(g, node);
}

IrRef ir_typed(IrGraph *g, IrOp op, IrAttr attr, IrType type, uint32_t n, const IrRef *in)
{
    IrNode node = draft(g, op, attr, n, in);
    node.type = type;
    return append(g, node);
}

IrRef ir_const(IrGraph *g, double v)
{
    return ir_typed(g, IR_CONST, (IrAttr){.num = v}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

IrRef ir_int(IrGraph *g, int64_t v)
{
    return ir_typed(g, IR_CONST, (IrAttr){.num = (double)v}, ir_scalar_type(IR_INT, 0), 0, NULL);
}

IrRef ir_unary(IrGraph *g, IrOp op, IrRef a)
{
    return ir_node(g, op, (IrAttr){0}, 1, &a);
}

IrRef ir_binary(IrGraph *g, IrOp op, IrRef a, IrRef b)
{
    return ir_node(g, op, (IrAttr){0}, 2, (IrRef[]){a, b});
}

IrRef ir_select(IrGraph *g, IrRef c, IrRef a, IrRef b)
{
    return ir_node(g, IR_SELECT, (IrAttr){0}, 3, (IrRef[]){c, a, b});
}

IrRef ir_real(IrGraph *g, IrRef a)
{
    return g->node[a].type.elem == IR_REAL ? a : ir_unary(g, IR_TO_REAL, a);
}

IrRef ir_reduce(IrGraph *g, IrOp op, IrRef a, uint32_t axes, IrPlates over)
{
    if (axes == 0 && over == 0)
        return a;
    return ir_node(g, op, (IrAttr){.axes = axes, .over = over}, 1, &a);
}

IrRef ir_sum_all(IrGraph *g, IrRef a)
{
    return ir_reduce(g, IR_SUM, a, (1u << g->node[a].type.rank) - 1, 0);
}

IrRef ir_contract(IrGraph *g, const char *spec, IrPlates over, IrRef a, IrRef b)
{
    return ir_node(g, IR_CONTRACT, (IrAttr){.text = spec, .over = over}, 2, (IrRef[]){a, b});
}

/* Labels: a's axes are a, b, ...; its last is shared with b's first. */
IrRef ir_matmul(IrGraph *g, IrRef a, IrRef b)
{
    uint32_t ra = g->node[a].type.rank, rb = g->node[b].type.rank;
    char left[8] = "", right[8] = "", out[12] = "";
    size_t o = 0;
    for (uint32_t i = 0; i < ra; i++) {
        left[i] = (char)('a' + i);
        if (i + 1 < ra)
            out[o++] = left[i];
    }
    for (uint32_t i = 0; i < rb; i++) {
        right[i] = i == 0 ? (char)('a' + ra - 1) : (char)('a' + ra + i - 1);
        if (i > 0)
            out[o++] = right[i];
    }
    return ir_contract(g, arena_printf(g->model->arena, "%s,%s->%s", left, right, out), 0, a, b);
}

IrRef ir_expand(IrGraph *g, IrRef a, uint32_t axis, int64_t size)
{
    return ir_node(g, IR_EXPAND, (IrAttr){.k = {axis, size}}, 1, &a);
}

IrRef ir_gather(IrGraph *g, IrRef a, IrRef index)
{
    return ir_binary(g, IR_GATHER, a, index);
}

IrRef ir_index(IrGraph *g, uint32_t plate, int64_t offset)
{
    return ir_typed(g, IR_INDEX, (IrAttr){.plate = (int32_t)plate, .k = {offset}},
                    ir_scalar_type(IR_INT, 1u << plate), 0, NULL);
}

IrRef ir_sample(IrGraph *g, IrDist d, IrVia via, IrType type, const IrRef *in, uint32_t inputs,
                const char *name)
{
    IrAttr attr = {.dist = d, .via = via};
    for (uint32_t i = 0; i < g->count; i++)
        attr.item += g->node[i].op == IR_SAMPLE;
    IrRef r = ir_typed(g, IR_SAMPLE, attr, type, ir_dist_info[d].arguments + inputs, in);
    g->node[r].name = name;
    return r;
}

uint32_t ir_deciding(const IrNode *n)
{
    return n->op == IR_SAMPLE ? ir_dist_info[n->attr.dist].arguments : n->n_in;
}

const char *ir_set_name(IrGraph *g, IrRef r, const char *name)
{
    return g->node[r].name = name;
}

/* ---- rewriting ----------------------------------------------------------------------------- */

IrRef ir_keep(IrGraph *g, const IrNode *n)
{
    return append(g, *n);
}

/* What stands for a node keeps its name and the decision recorded on it; a constant or an input
 * that stands for many things takes no name. */
static void inherit(IrNode *to, const IrNode *from, bool is_new)
{
    if (!to->name && (is_new || ir_op_info[to->op].arity != 0))
        to->name = from->name;
    if (!to->why)
        to->why = from->why;
}

bool ir_rewrite(IrGraph *g, IrRule *rule, void *context)
{
    Arena *a = g->model->arena;
    IrNode *old = g->node;
    uint32_t count = g->count;
    IrRef *now = arena_array(a, IrRef, count + 1);
    bool fired = false;
    g->node = NULL;
    g->count = g->cap = 0;
    for (uint32_t i = 0; i < count; i++) {
        IrNode n = old[i];
        n.in = copy_array(a, n.in, n.n_in, sizeof(IrRef));
        for (uint32_t k = 0; k < n.n_in; k++)
            if (n.in[k] < i)
                n.in[k] = now[n.in[k]];
        g->here = n.at;
        g->in_region = n.region;
        uint32_t before = g->count;
        IrRef r = n.op == IR_CARRY ? IR_NONE : rule(g, &n, context);
        fired |= r != IR_NONE;
        now[i] = r != IR_NONE ? r : ir_keep(g, &n);
        inherit(&g->node[now[i]], &n, now[i] >= before);
    }
    for (uint32_t i = 0; i < count; i++) {
        IrNode *n = &g->node[now[i]];
        if (old[i].op == IR_CARRY && old[i].in[1] >= i)
            n->in[1] = now[old[i].in[1]];
    }
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].weight != IR_NONE)
            g->plate[p].weight = now[g->plate[p].weight];
    g->in_region = 0;
    ir_group_regions(g);
    return fired;
}

/* ---- regions ------------------------------------------------------------------------------- */

/* Which nodes must follow the region: those that read it, directly or not. */
static bool *mark_readers(const IrGraph *g, uint32_t region)
{
    bool *reads = arena_array(g->model->arena, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        for (uint32_t k = 0; k < n->n_in && n->region != region; k++)
            reads[r] |= n->in[k] < r && (g->node[n->in[k]].region == region || reads[n->in[k]]);
    }
    return reads;
}

/* Renumbers the nodes so that `order[i]` becomes node i. */
static void reorder(IrGraph *g, const IrRef *order)
{
    Arena *a = g->model->arena;
    IrRef *now = arena_array(a, IrRef, g->count + 1);
    IrNode *old = copy_array(a, g->node, g->count, sizeof *old);
    for (IrRef i = 0; i < g->count; i++)
        now[order[i]] = i;
    for (IrRef i = 0; i < g->count; i++) {
        g->node[i] = old[order[i]];
        for (uint32_t k = 0; k < g->node[i].n_in; k++)
            g->node[i].in[k] = now[g->node[i].in[k]];
    }
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].weight != IR_NONE)
            g->plate[p].weight = now[g->plate[p].weight];
}

/* The last node of the region, or that a carry of it takes from outside; IR_NONE: it has none. */
static IrRef last_of(const IrGraph *g, uint32_t region)
{
    IrRef last = IR_NONE;
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->region != region)
            continue;
        last = last == IR_NONE || r > last ? r : last;
        if (n->op == IR_CARRY && n->in[1] > last)
            last = n->in[1];
    }
    return last;
}

void ir_group_regions(IrGraph *g)
{
    for (uint32_t region = 1; region <= g->regions; region++) {
        bool *after = mark_readers(g, region);
        IrRef *order = arena_array(g->model->arena, IrRef, g->count + 1);
        uint32_t count = 0;
        IrRef last = last_of(g, region);
        if (last == IR_NONE)
            continue;
        for (IrRef r = 0; r <= last; r++)
            if (g->node[r].region != region && !after[r])
                order[count++] = r;
        for (IrRef r = 0; r <= last; r++)
            if (g->node[r].region == region)
                order[count++] = r;
        for (IrRef r = 0; r <= last; r++)
            if (after[r])
                order[count++] = r;
        for (IrRef r = last + 1; r < g->count; r++)
            order[count++] = r;
        reorder(g, order);
    }
}

bool ir_costs_last(IrGraph *g)
{
    IrRef *order = arena_array(g->model->arena, IrRef, g->count + 1);
    uint32_t count = 0;
    for (int costs = 0; costs < 2; costs++)
        for (IrRef r = 0; r < g->count; r++)
            if ((g->node[r].op == IR_COST) == costs)
                order[count++] = r;
    bool moved = false;
    for (IrRef i = 0; i < count; i++)
        moved |= order[i] != i;
    if (moved)
        reorder(g, order);
    return moved;
}

/* ---- types --------------------------------------------------------------------------------- */

IrType ir_scalar_type(IrElem e, IrPlates plates)
{
    return (IrType){.elem = e, .plates = plates};
}

int64_t ir_elements(const IrType *t)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

bool ir_same_shape(const IrType *a, const IrType *b)
{
    return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof a->dim) == 0;
}

bool ir_type_equal(const IrType *a, const IrType *b)
{
    return a->elem == b->elem && a->plates == b->plates && ir_same_shape(a, b);
}

const char *ir_type_text(const IrGraph *g, const IrType *t)
{
    char text[512];
    int at = snprintf(text, sizeof text, "%s", ir_elem_name[t->elem]);
    if (t->plates || t->rank)
        at += snprintf(text + at, sizeof text - (size_t)at, "[");
    const char *comma = "";
    for (uint32_t i = 0; i < g->plates; i++)
        if (t->plates >> i & 1) {
            at += snprintf(text + at, sizeof text - (size_t)at, "%s%.40s", comma, g->plate[i].name);
            comma = ", ";
            if (at > 400)
                break;
        }
    if (t->plates)
        at += snprintf(text + at, sizeof text - (size_t)at, t->rank ? "; " : "");
    for (uint32_t i = 0; i < t->rank; i++)
        at += snprintf(text + at, sizeof text - (size_t)at, "%s%lld", i ? ", " : "",
                       (long long)t->dim[i]);
    if (t->plates || t->rank)
        snprintf(text + at, sizeof text - (size_t)at, "]");
    return arena_copy(g->model->arena, text, strlen(text));
}

const char *ir_shape_text(Arena *a, const IrType *t)
{
    const char *text = "[";
    for (uint32_t i = 0; i < t->rank; i++)
        text = arena_printf(a, "%s%s%lld", text, i ? ", " : "", (long long)t->dim[i]);
    return arena_printf(a, "%s]", text);
}

int64_t ir_copies(const IrGraph *g, IrPlates plates, int64_t rows)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < g->plates; i++)
        if (plates >> i & 1)
            n *= g->plate[i].kind == IR_PLATE_ROWS ? rows : g->plate[i].size;
    return n;
}

int64_t ir_state_at(const IrGraph *g, uint32_t state)
{
    int64_t at = 0;
    for (uint32_t i = 0; i < state; i++)
        at += ir_elements(&g->state[i].type);
    return at;
}
