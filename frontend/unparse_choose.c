/* Which values of an estimator graph have names in the text, and which are written where they are
 * read. */
#include "frontend/unparse.h"

#include "frontend/unparse_graph.h"

#include <string.h>

enum {
    LONGEST = 13, /* names and operators of one expression */
    SHORT = 4     /* what may be written again for each reader, or for each copy */
};

static bool is_leaf(IrOp op)
{
    return op != IR_DRAW && (ir_op_info[op].arity == 0);
}

static bool is_root(IrOp op)
{
    return ir_op_info[op].flags & IR_EFFECT;
}

/* ---- names --------------------------------------------------------------------------------- */

/* A constrained parameter is called like what is stored. */
static const char *constraint_of(const Unparse *u, const char *name)
{
    const IrModel *m = u->p->model;
    for (uint32_t i = 0; i < m->params; i++)
        if (strcmp(m->param[i].name, name) == 0 && m->param[i].in != IR_FREE)
            return arena_printf(u->p->arena, "_%s", ir_constraint_name[m->param[i].in]);
    return "";
}

static bool users_name(const Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    return n->name && (n->op == IR_INDEX || !is_leaf(n->op)) && !is_root(n->op) &&
           n->op != IR_CARRY && n->op != IR_DRAW;
}

static void give_name(Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    bool noise = n->op == IR_DRAW;
    const char *name = noise ? u->g.site[n->attr.item].name : n->name;
    const char *suffix = noise ? "_noise" : constraint_of(u, name);
    name = arena_printf(u->p->arena, "%s%s", fe_unparse_name(u->p->arena, "", name), suffix);
    u->n[r].name = up_name(u->p, name);
}

/* ---- sequences ----------------------------------------------------------------------------- */

/* A carry reads the sequence of its next value, which starts with its first. */
static void carried(Unparse *u, IrRef r)
{
    const IrNode *c = &u->g.node[r];
    UpNode *next = &u->n[c->in[1]];
    IrOp op = u->g.node[c->in[1]].op;
    u->n[r].sequence = true;
    u->n[r].from = r;
    if (next->loop == u->n[r].loop && op != IR_CARRY && !is_leaf(op) && op != IR_DRAW &&
        (next->first == IR_NONE || next->first == c->in[0])) {
        next->sequence = next->named = true;
        next->first = c->in[0];
        u->n[r].from = c->in[1];
    } else {
        u->n[r].named = true;
        u->n[r].first = c->in[0];
    }
}

static void find_sequences(Unparse *u)
{
    for (IrRef r = 0; r < u->g.count; r++) {
        const IrNode *n = &u->g.node[r];
        if (!u->n[r].live)
            continue;
        if (n->op == IR_CARRY)
            carried(u, r);
        for (uint32_t k = 0; k < n->n_in; k++) {
            UpNode *x = &u->n[n->in[k]];
            IrOp op = u->g.node[n->in[k]].op;
            bool anywhere = op == IR_CARRY || ((is_leaf(op) || op == IR_TO_PLATE) && u->n[r].loop);
            if (!up_reads(u, r, k))
                continue;
            x->uses++;
            if (x->loop && x->loop != u->n[r].loop && !anywhere)
                x->sequence = x->named = true;
        }
    }
}

/* ---- inline or named ----------------------------------------------------------------------- */

static bool reduces(const IrNode *n)
{
    return n->op == IR_TO_AXIS || n->attr.over;
}

static bool is_scalar(const Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    bool scalar = !n->type.plates && !n->type.rank &&
                  (ir_op_info[n->op].flags & IR_EW || (is_leaf(n->op) && n->op != IR_DATA));
    for (uint32_t k = 0; k < n->n_in; k++)
        scalar = scalar && u->n[n->in[k]].scalar;
    return scalar;
}

/* Written for each of its readers. */
static bool is_light(const Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    if ((is_leaf(n->op) && n->op != IR_DATA && !u->n[r].named) || n->op == IR_CARRY ||
        n->op == IR_TO_PLATE)
        return true;
    if (n->op == IR_TO_REAL)
        return u->n[n->in[0]].named || is_leaf(u->g.node[n->in[0]].op);
    return u->n[r].scalar && u->n[r].weight <= SHORT;
}

/* x may stand in the expression of its only reader r. */
static bool may_stand_in(const Unparse *u, IrRef x, IrRef r)
{
    const UpNode *a = &u->n[x], *b = &u->n[r];
    const IrNode *n = &u->g.node[r];
    if (a->named || a->uses > 1 || a->loop != b->loop || is_root(u->g.node[x].op))
        return false;
    if (a->path == b->path)
        return a->before == b->before || a->weight <= SHORT;
    bool inside = (a->path & b->path) == b->path;
    return inside ? reduces(n) || is_root(n->op) : a->weight <= SHORT;
}

static uint32_t weigh(const Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    uint32_t weight = 1;
    for (uint32_t k = 0; k < n->n_in && n->op != IR_CARRY; k++)
        if (up_reads(u, r, k))
            weight += u->n[n->in[k]].named ? 1 : u->n[n->in[k]].weight;
    return weight;
}

static bool may_be_named(const Unparse *u, IrRef x)
{
    return !u->n[x].named && !u->n[x].light;
}

/* Names the operand that makes r longest, or what that one sums over copies; false: there is none.
 */
static bool name_longest(Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    IrRef longest = IR_NONE;
    for (uint32_t k = 0; k < n->n_in; k++)
        if (may_be_named(u, n->in[k]) && up_reads(u, r, k) &&
            (longest == IR_NONE || u->n[n->in[k]].weight > u->n[longest].weight))
            longest = n->in[k];
    if (longest == IR_NONE)
        return false;
    const IrNode *x = &u->g.node[longest];
    bool inner = x->op == IR_SUM && x->attr.over && may_be_named(u, x->in[0]);
    u->n[inner ? x->in[0] : longest].named = true;
    u->n[longest].weight = weigh(u, longest);
    return true;
}

/* Some name in the text of x is one of plate p: then p was opened before x is read. */
static bool opens(const Unparse *u, IrRef x, uint32_t p)
{
    const IrNode *n = &u->g.node[x];
    if (u->n[x].named)
        return u->n[x].path >> p & 1;
    for (uint32_t k = 0; k < n->n_in && n->op != IR_CARRY; k++)
        if (up_reads(u, x, k) && opens(u, n->in[k], p))
            return true;
    return false;
}

static void choose(Unparse *u, IrRef r)
{
    const IrNode *n = &u->g.node[r];
    UpNode *up = &u->n[r];
    for (uint32_t k = 0; k < n->n_in; k++) {
        UpNode *x = &u->n[n->in[k]];
        bool later = n->in[k] > r;
        if (!later && up_reads(u, r, k) && !x->light && !may_stand_in(u, n->in[k], r))
            x->named = true;
    }
    IrPlates over = n->attr.over | (n->op == IR_TO_AXIS ? 1u << n->attr.plate : 0);
    for (uint32_t p = 0; p < u->g.plates; p++)
        if (over >> p & 1 && !(u->steps >> p & 1) && !opens(u, n->in[0], p))
            u->n[n->in[0]].named = true;
    while ((up->weight = weigh(u, r)) > LONGEST && name_longest(u, r))
        continue;
    if (n->op == IR_TO_PLATE && !is_leaf(u->g.node[n->in[0]].op))
        u->n[n->in[0]].named = true;
    bool checked = n->op == IR_GATHER && !n->attr.k[0];
    up->named |= users_name(u, r) || n->op == IR_DRAW || n->op == IR_DATA || checked;
    up->scalar = is_scalar(u, r);
    up->light = !up->named && is_light(u, r);
}

/* Nothing that the loop may need reads x: its readers are in the loop, or after it. */
static bool is_read_from(const Unparse *u, IrRef x, uint32_t loop)
{
    IrRef last = 0;
    for (IrRef r = 0; r < u->g.count; r++)
        last = u->n[r].live && u->n[r].loop == loop ? r : last;
    for (IrRef r = 0; r < last; r++)
        for (uint32_t k = 0; u->n[r].live && u->n[r].loop != loop && k < u->g.node[r].n_in; k++)
            if (u->g.node[r].in[k] == x)
                return false;
    return true;
}

/* Step 0 of a sequence and the others have one name: the user's. */
static void name_sequence(Unparse *u, IrRef r)
{
    UpNode *n = &u->n[r];
    give_name(u, r);
    UpNode *first = &u->n[n->first];
    if (first->named && !first->name && !first->loop && first->path == n->path &&
        users_name(u, n->first) && is_read_from(u, n->first, n->loop)) {
        first->name = arena_printf(u->p->arena, "%s[0]", n->name);
        first->starts = n->loop;
    }
}

static void name_values(Unparse *u, bool sequences)
{
    for (IrRef r = 0; r < u->g.count; r++) {
        const IrNode *n = &u->g.node[r];
        bool users = n->op == IR_DRAW || (n->name && n->op != IR_DATA && !is_root(n->op));
        bool starts = u->n[r].first != IR_NONE;
        if (!u->n[r].live || !u->n[r].named || !users || starts != sequences || u->n[r].name)
            continue;
        if (starts)
            name_sequence(u, r);
        else
            give_name(u, r);
    }
}

void up_choose(Unparse *u)
{
    for (IrRef r = 0; r < u->g.count; r++)
        u->n[r].first = IR_NONE;
    find_sequences(u);
    for (IrRef r = 0; r < u->g.count; r++)
        if (u->n[r].live)
            choose(u, r);
    for (IrRef r = 0; r < u->g.count; r++)
        u->n[r].sequence |= u->n[r].named && u->n[r].loop && !u->loop[u->n[r].loop].region;
    name_values(u, true);
    name_values(u, false);
}
