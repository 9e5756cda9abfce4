/* Simplification: the rules of simplify.def, and one node for equal nodes.
 *
 * Nodes are visited in order, so that operands are already simple, until nothing fires.  It ends,
 * because every rule lowers the work of the expression trees under the roots (the sum over nodes, a
 * shared one counted for every path to it, of elements computed, where an element-wise op costs
 * more than a move, and a division more than a product), and merging equal nodes keeps the work and
 * lowers the number of nodes.
 *
 * Merging is legal because a node is a function of its operands and attributes; draws are not, so
 * they are never merged, nor are roots and carries.  + and * are merged in either order; min and
 * max are not, for they can tell 0 from -0. */
#include "passes/simplify.h"
#include "passes/match.h"
#include "passes/pass.h"

#include <assert.h>
#include <string.h>

const SimplifyInfo simplify_info[] = {
#define IR_ANY IR_OP_COUNT
#define RULE(name, root, contract, doc) {#name, rule_##name, IR_##root, SIMPLIFY_##contract, doc},
#include "passes/simplify.def"
};

const size_t simplify_count = sizeof simplify_info / sizeof *simplify_info;

bool simplify_applies(const SimplifyInfo *rule, const IrNode *n)
{
    return rule->root == n->op || (rule->root == IR_OP_COUNT && ir_op_info[n->op].flags & IR_EW);
}

/* ---- equal nodes --------------------------------------------------------------------------- */

typedef struct Table {
    IrRef *slot;   /* IR_NONE: free */
    uint32_t size; /* a power of two, more than twice the nodes */
} Table;

static Table table_new(Arena *a, uint32_t nodes)
{
    Table t = {.size = 64};
    while (t.size < 2 * nodes + 2)
        t.size *= 2;
    t.slot = arena_array(a, IrRef, t.size);
    memset(t.slot, 0xff, t.size * sizeof *t.slot);
    return t;
}

static bool mergeable(const IrNode *n)
{
    return !(ir_op_info[n->op].flags & (IR_EFFECT | IR_DRAWS)) && n->op != IR_CARRY;
}

static bool commutes(IrOp op)
{
    return ir_op_info[op].flags & IR_COMM && op != IR_MIN && op != IR_MAX;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v;
    h *= 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t bits_of(double v)
{
    uint64_t u;
    memcpy(&u, &v, sizeof u);
    return u;
}

static uint64_t hash_of(const IrNode *n)
{
    uint64_t h = mix(n->op, (uint64_t)n->type.plates << 8 | n->type.elem);
    for (uint32_t i = 0; i < n->type.rank; i++)
        h = mix(h, (uint64_t)n->type.dim[i]);
    if (ir_op_info[n->op].attrs & IR_HAS_NUM)
        h = mix(h, bits_of(n->attr.num));
    h = mix(h, (uint64_t)n->attr.axes << 32 | n->attr.over);
    if (commutes(n->op))
        return mix(h, (uint64_t)n->in[0] + n->in[1]);
    for (uint32_t i = 0; i < n->n_in; i++)
        h = mix(h, n->in[i]);
    return h;
}

static bool same_attr(IrOp op, const IrAttr *a, const IrAttr *b)
{
    unsigned has = ir_op_info[op].attrs;
    if ((has & IR_HAS_NUM && bits_of(a->num) != bits_of(b->num)) ||
        (has & IR_HAS_PLATE && a->plate != b->plate) || (has & IR_HAS_OVER && a->over != b->over) ||
        (has & IR_HAS_AXES && a->axes != b->axes) ||
        (has & IR_HAS_TEXT && strcmp(a->text, b->text) != 0) ||
        (has & IR_HAS_ITEM && a->item != b->item))
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (has & IR_HAS_K0 << i && a->k[i] != b->k[i])
            return false;
    return true;
}

static bool same_node(const IrNode *a, const IrNode *b)
{
    if (a->op != b->op || a->n_in != b->n_in || !ir_type_equal(&a->type, &b->type) ||
        !same_attr(a->op, &a->attr, &b->attr))
        return false;
    if (commutes(a->op) && a->in[0] == b->in[1] && a->in[1] == b->in[0])
        return true;
    return memcmp(a->in, b->in, a->n_in * sizeof *a->in) == 0;
}

/* The node equal to n that stands in g already, or IR_NONE; then n is entered as the next node. */
static IrRef find_or_enter(Table *t, IrGraph *g, const IrNode *n)
{
    uint64_t at = hash_of(n);
    for (;; at++) {
        IrRef *slot = &t->slot[at & (t->size - 1)];
        if (*slot == IR_NONE) {
            *slot = g->count;
            return IR_NONE;
        }
        if (same_node(&g->node[*slot], n))
            return *slot;
    }
}

/* ---- the pass ------------------------------------------------------------------------------ */

static IrRef simplify_node(IrGraph *g, const IrNode *n, void *context)
{
    for (size_t i = 0; i < simplify_count; i++) {
        if (!simplify_applies(&simplify_info[i], n))
            continue;
        IrRef r = simplify_info[i].apply(g, n);
        if (r == IR_NONE)
            continue;
        assert(ir_type_equal(&g->node[r].type, &n->type) && "a rule may not change a type");
        return r;
    }
    if (!mergeable(n))
        return IR_NONE;
    IrRef r = find_or_enter(context, g, n);
    if (r != IR_NONE && !g->node[r].name)
        g->node[r].name = n->name;
    return r;
}

bool pass_simplify(IrGraph *g, PassCtx *cx)
{
    bool changed = false;
    for (;;) {
        Table t = table_new(cx->arena, g->count);
        if (!ir_rewrite(g, simplify_node, &t))
            return changed;
        changed = true;
    }
}
