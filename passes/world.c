/* Worlds: the program as it would have been, had one value been another.
 *
 * The nodes that depend on the value are made again with the alternative in its place; all others,
 * and all noise, are shared.  Where the alternative differs in one element of a vector,
 * element-wise ops are done again for that element alone, and sums and products with a matrix are
 * updated by the difference: turning one bit of b adds one column to W b. */
#include "passes/estimator.h"

#include <string.h>

struct EsWorld {
    IrGraph *g;
    EsChange change; /* the first; more than one have no index */
    const EsChange *changes;
    uint32_t many;
    bool soft; /* integers are reals, and what does not depend on the change is held */
    uint32_t *region; /* by region: the sequence of its nodes here, which runs after it, or 0 */
    IrRef count;      /* nodes of the program that it is another of */
    bool *depends;
    IrPlates gains; /* plates that the alternatives add */
    IrRef *now;     /* by node: the whole of it here; IR_NONE: not made yet */
    IrRef *
        element; /* by node: what its element at change.index is; IR_NONE: more than that differs */
};

/* Everything that depends on the node; carries look forward. */
static void mark_dependents(EsWorld *w)
{
    const IrGraph *g = w->g;
    for (uint32_t k = 0; k < w->many; k++)
        w->depends[w->changes[k].node] = true;
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < w->count; r++)
            for (uint32_t k = 0; k < g->node[r].n_in && !w->depends[r]; k++)
                if (w->depends[g->node[r].in[k]] && !(ir_op_info[g->node[r].op].flags & IR_EFFECT))
                    news = w->depends[r] = true;
    }
}

/* ---- one element ---------------------------------------------------------------------------- */

/* Row `index` of axis 0 of a table: laid out along the plate where the index is the copy's own. */
IrRef es_element(IrGraph *g, IrRef table, IrRef index)
{
    const IrNode *i = &g->node[index];
    if (i->op == IR_INDEX && !(g->node[table].type.plates >> i->attr.plate & 1) &&
        i->attr.k[0] + g->plate[i->attr.plate].size <= g->node[table].type.dim[0])
        return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = i->attr.plate, .k = {i->attr.k[0]}}, 1,
                       &table);
    return ir_gather(g, table, index);
}

static uint32_t region_in(EsWorld *w, uint32_t region)
{
    if (region && !w->region[region]) {
        IrRegion of = w->g->region[region - 1];
        w->region[region] = ir_region_add(w->g, of.plate, of.reverse);
    }
    return w->region[region];
}

/* The whole vector: the node as it is, but for one element. */
static IrRef with_element(IrGraph *g, IrRef node, IrRef index, IrRef element)
{
    IrType t = g->node[node].type;
    IrRef hot = ir_node(g, IR_ONE_HOT, (IrAttr){.k = {ir_elements(&t)}}, 1, &index);
    if (t.rank != 1) {
        IrType shape = t;
        shape.elem = IR_REAL;
        shape.plates = g->node[hot].type.plates;
        hot = ir_typed(g, IR_RESHAPE, (IrAttr){0}, shape, 1, &hot);
    }
    return ir_select(g, ir_binary(g, IR_EQ, hot, ir_const(g, 1)), element, node);
}

static bool element_wise(IrOp op)
{
    return ir_op_info[op].flags & IR_EW || op == IR_SAMPLED || op == IR_STOP;
}

static bool is_sparse(const EsWorld *w, IrRef r)
{
    return w->element[r] != IR_NONE;
}

static bool any_sparse(const EsWorld *w, const IrNode *n)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        if (is_sparse(w, n->in[k]))
            return true;
    return false;
}

/* A value that the change does not touch, without its tangent. */
static IrRef held(IrGraph *g, IrRef r)
{
    uint32_t region = g->in_region;
    g->in_region = g->node[r].region;
    IrRef value = ir_unary(g, IR_SAMPLED, r);
    g->in_region = region;
    return value;
}

/* The node's value in the world, whole. */
static IrRef whole(EsWorld *w, IrRef r)
{
    if (w->now[r] == IR_NONE)
        w->now[r] = with_element(w->g, r, w->change.index, w->element[r]);
    if (w->soft && !MUTATED(LIVE_CONTROL) && w->now[r] == r && w->g->node[r].type.elem == IR_REAL)
        w->now[r] = held(w->g, r);
    return w->now[r];
}

/* The element at the index in the world; scalars are the same for all elements. */
static IrRef part(EsWorld *w, IrRef r)
{
    if (is_sparse(w, r))
        return w->element[r];
    return w->g->node[r].type.rank == 0 ? w->now[r] : es_element(w->g, r, w->change.index);
}

/* Is every operand of the element-wise op unchanged but for that element? */
static bool stays_sparse(const EsWorld *w, const IrNode *n)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        if (w->depends[n->in[k]] && !is_sparse(w, n->in[k]))
            return false;
    return element_wise(n->op) && n->type.rank == 1;
}

static IrRef difference(EsWorld *w, IrRef r)
{
    IrRef before = es_element(w->g, r, w->change.index);
    return ir_binary(w->g, IR_SUB, w->element[r], before);
}

/* sum(v): one term is another. */
static bool sums_vector(const IrNode *n)
{
    return n->op == IR_SUM && n->attr.axes == 1 && n->attr.over == 0;
}

/* v @ W or W @ v with v of rank 1 summed away, and W the same in both worlds. */
static bool multiplies_vector(const EsWorld *w, const IrNode *n)
{
    if (n->op != IR_CONTRACT || n->attr.over != 0 || w->depends[n->in[0]] == w->depends[n->in[1]])
        return false;
    char label = n->attr.text[is_sparse(w, n->in[0]) ? 0 : strcspn(n->attr.text, ",") + 1];
    const char *out = strstr(n->attr.text, "->") + 2;
    return !strchr(out, label) && strchr(n->attr.text, label) != strrchr(n->attr.text, label);
}

/* The slices of W that the label runs over, first. */
static IrRef label_first(IrGraph *g, IrRef matrix, const char *labels, char label)
{
    uint32_t axis = (uint32_t)(strchr(labels, label) - labels), to = 0;
    IrAttr attr = {.k = {axis}};
    for (uint32_t i = 0; i < g->node[matrix].type.rank; i++)
        if (i != axis)
            attr.k[++to] = i;
    return axis == 0 ? matrix : ir_node(g, IR_TRANSPOSE, attr, 1, &matrix);
}

static IrRef rank_one_update(EsWorld *w, IrRef r, const IrNode *n)
{
    IrGraph *g = w->g;
    uint32_t v = is_sparse(w, n->in[0]) ? 0 : 1;
    const char *second = n->attr.text + strcspn(n->attr.text, ",") + 1;
    const char *labels[2] = {n->attr.text, second};
    IrRef column =
        es_element(g, label_first(g, n->in[1 - v], labels[1 - v], *labels[v]), w->change.index);
    return ir_binary(g, IR_ADD, r, ir_binary(g, IR_MUL, difference(w, n->in[v]), column));
}

/* True: the node was made from that element alone. */
static bool make_part(EsWorld *w, IrRef r, const IrNode *n)
{
    if (!any_sparse(w, n))
        return false;
    if (stays_sparse(w, n)) {
        IrRef *in = arena_array(w->g->model->arena, IrRef, n->n_in + 1);
        for (uint32_t k = 0; k < n->n_in; k++)
            in[k] = part(w, n->in[k]);
        w->element[r] = ir_node(w->g, n->op, n->attr, n->n_in, in);
        return true;
    }
    if (sums_vector(n))
        w->now[r] = ir_binary(w->g, IR_ADD, r, difference(w, n->in[0]));
    else if (multiplies_vector(w, n))
        w->now[r] = rank_one_update(w, r, n);
    return w->now[r] != IR_NONE;
}

/* ---- whole nodes ---------------------------------------------------------------------------- */

/* Where an integer depends on a softened draw, it and what stands beside it are reals. */
static IrRef operand(EsWorld *w, const IrNode *n, uint32_t k)
{
    IrRef r = whole(w, n->in[k]);
    bool is_number = w->g->node[r].type.elem == IR_INT && !(n->op == IR_GATHER && k == 1);
    return w->soft && n->type.elem != IR_REAL && is_number ? ir_real(w->g, r) : r;
}

/* What a softened draw has no tangent through, for other reasons than its own; its own elements as
 * integers. */
static bool passes_on(const EsWorld *w, const IrNode *n)
{
    return w->soft && (n->op == IR_TO_REAL || n->op == IR_TO_INT || n->op == IR_SAMPLED ||
                       n->op == IR_STOP);
}

static IrRef make_whole(EsWorld *w, const IrNode *n)
{
    if (passes_on(w, n))
        return whole(w, n->in[0]);
    IrRef *in = arena_array(w->g->model->arena, IrRef, n->n_in + 1);
    IrType type = n->type;
    type.elem = w->soft && type.elem == IR_INT ? IR_REAL : type.elem;
    if (n->op == IR_RESHAPE) /* values that are the same for all samples have not their plate */
        type.plates = 0;
    for (uint32_t k = 0; k < n->n_in; k++) {
        bool forward = n->op == IR_CARRY && k == 1;
        in[k] = forward ? n->in[k] : operand(w, n, k);
        type.plates |= forward ? w->gains : w->g->node[in[k]].type.plates;
    }
    bool given = n->op == IR_CARRY || n->op == IR_RESHAPE;
    return given ? ir_typed(w->g, n->op, n->attr, type, n->n_in, in)
                 : ir_node(w->g, n->op, n->attr, n->n_in, in);
}

static void make(EsWorld *w, IrRef r)
{
    IrNode n = w->g->node[r];
    w->g->here = n.at;
    w->g->in_region = region_in(w, n.region);
    if (!make_part(w, r, &n))
        w->now[r] = make_whole(w, &n);
}

/* ---- worlds --------------------------------------------------------------------------------- */

static EsWorld *begin(EsProgram *p, const EsChange *change, uint32_t many)
{
    Arena *a = p->g->model->arena;
    EsWorld *w = arena_make(a, EsWorld);
    *w = (EsWorld){
        .g = p->g, .change = *change, .changes = change, .many = many, .count = p->lowered};
    w->region = arena_array(a, uint32_t, p->g->regions + 1);
    w->now = arena_array(a, IrRef, p->lowered + 1);
    w->depends = arena_array(a, bool, p->lowered + 1);
    w->element = arena_array(a, IrRef, p->lowered + 1);
    mark_dependents(w);
    for (IrRef r = 0; r < w->count; r++) {
        w->now[r] = w->depends[r] ? IR_NONE : r;
        w->element[r] = IR_NONE;
    }
    return w;
}

static const EsChange *change_of(const EsWorld *w, IrRef r)
{
    for (uint32_t k = 0; k < w->many; k++)
        if (w->changes[k].node == r)
            return &w->changes[k];
    return NULL;
}

/* A value of a sequence may follow from itself, a step before. */
static void change(EsWorld *w, const EsChange *c)
{
    IrGraph *g = w->g;
    IrNode n = g->node[c->node];
    g->in_region = region_in(w, n.region);
    if (c->index != IR_NONE && n.type.rank == 1)
        w->element[c->node] = c->value;
    else if (c->index != IR_NONE)
        w->now[c->node] = with_element(g, c->node, c->index, c->value);
    else if (c->where != IR_NONE)
        w->now[c->node] =
            ir_select(g, c->where, c->value, n.n_in > 0 ? make_whole(w, &n) : c->node);
    else
        w->now[c->node] = c->value;
}

static IrPlates gains_of(const IrGraph *g, const EsChange *c)
{
    IrPlates has = g->node[c->value].type.plates;
    has |= c->where == IR_NONE ? 0 : g->node[c->where].type.plates;
    has |= c->index == IR_NONE ? 0 : g->node[c->index].type.plates;
    return has & ~g->node[c->node].type.plates;
}

/* Carries are made before what they carry. */
static void link_carry(EsWorld *w, IrRef r)
{
    IrNode n = w->g->node[r];
    w->g->in_region = region_in(w, n.region);
    IrRef carried = operand(w, &n, 1);
    w->g->node[w->now[r]].in[1] = carried;
}

static EsWorld *make_world(EsWorld *w)
{
    IrGraph *g = w->g;
    for (uint32_t k = 0; k < w->many; k++)
        w->gains |= gains_of(g, &w->changes[k]);
    for (IrRef r = 0; r < w->count; r++)
        if (change_of(w, r))
            change(w, change_of(w, r));
        else if (w->depends[r])
            make(w, r);
    for (IrRef r = 0; r < w->count; r++)
        if (w->depends[r] && !change_of(w, r) && g->node[r].op == IR_CARRY)
            link_carry(w, r);
    g->in_region = 0;
    return w;
}

EsWorld *es_world(EsProgram *p, const EsChange *c, uint32_t many)
{
    return make_world(begin(p, c, many));
}

EsWorld *es_soft_world(EsProgram *p, const EsChange *c, uint32_t many)
{
    EsWorld *w = begin(p, c, many);
    w->soft = true;
    return make_world(w);
}

IrRef es_in_world(EsWorld *w, IrRef r)
{
    if (!w || r >= w->count)
        return r;
    uint32_t region = w->g->in_region;
    w->g->in_region = w->depends[r] ? region_in(w, w->g->node[r].region) : 0;
    r = whole(w, r);
    w->g->in_region = region;
    return r;
}
