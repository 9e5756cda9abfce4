/* Chains: an enumerated draw of a sequence whose law is decided by the step before.
 *
 * The values of two neighbouring steps are two plates, B before and A now.  A cost of a step is
 * weighed by m(B) P(A | B), where m is what the step before is marginally,
 *
 *   m'(A) = sum over B of m(B) P(A | B),
 *
 * a recursion along the sequence: T S^2 work in place of S^T.  Whatever else is carried on must not
 * depend on the draw, so that the step before is all that there is to know; and a cost may read two
 * neighbouring steps, or one step after the loop. */
#include "passes/estimator.h"

enum { NOW = 1, BEFORE = 2, FIRST = 4, AFTER = 8 }; /* what a node depends on; AFTER << i: read i */

typedef struct Search {
    const IrGraph *g;
    const bool *live;
    EsChain *c;
    IrRef draw;
    uint32_t *on; /* by node: what it depends on */
    const char *why;
    IrRef at;
} Search;

static bool fail(Search *s, IrRef at, const char *why)
{
    s->why = why;
    s->at = at;
    return false;
}

static bool carries_on(const IrGraph *g, IrRef r, IrRef draw)
{
    const IrNode *n = &g->node[r];
    return n->op == IR_CARRY && n->region && n->region == g->node[draw].region && n->in[1] == draw;
}

/* The one carry that takes the draw to the next step. */
static bool find_carry(Search *s)
{
    for (IrRef r = 0; r < s->g->count; r++)
        if (s->live[r] && carries_on(s->g, r, s->draw))
            s->c->carry = r;
    return s->c->carry != IR_NONE ||
           fail(s, s->draw, "what is carried on is more than its own value");
}

/* h[k] after the loop is a slice of the steps on an axis. */
static bool is_read_after(const Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    const IrNode *steps = n->op == IR_SLICE ? &s->g->node[n->in[0]] : NULL;
    return steps && steps->op == IR_TO_AXIS && steps->in[0] == s->draw && n->attr.k[0] == 0 &&
           n->attr.k[2] == n->attr.k[1] + 1;
}

static bool add_read(Search *s, IrRef r)
{
    EsChain *c = s->c;
    if (c->reads == ES_CHAIN_READS)
        return fail(s, r,
                    "more single steps of it are read after the loop than there are plates for");
    s->on[r] = (uint32_t)AFTER << c->reads;
    c->read[c->reads++] = (EsChainRead){.node = r, .step = s->g->node[r].attr.k[1], .plate = -1};
    return true;
}

static bool whole_is_read(const Search *s, IrRef axis)
{
    for (IrRef r = 0; r < s->g->count; r++)
        for (uint32_t k = 0; k < s->g->node[r].n_in; k++)
            if (s->live[r] && s->g->node[r].in[k] == axis && !is_read_after(s, r))
                return true;
    return false;
}

static uint32_t of_operands(const Search *s, const IrNode *n)
{
    uint32_t on = 0;
    for (uint32_t k = 0; k < n->n_in; k++)
        on |= s->on[n->in[k]];
    return on;
}

static bool several_bits(uint32_t set)
{
    return set & (set - 1);
}

static bool visit(Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    uint32_t on = of_operands(s, n);
    IrPlates across = n->attr.over | (n->op == IR_TO_AXIS ? 1u << n->attr.plate : 0);
    if (r == s->draw || r == s->c->carry || !s->live[r])
        return true;
    if (n->op == IR_TO_AXIS && n->in[0] == s->draw && !whole_is_read(s, r))
        return true;
    if (is_read_after(s, r))
        return s->on[r] || add_read(s, r);
    if (n->op == IR_CARRY && on & (NOW | BEFORE))
        return fail(s, r, "what is carried on is more than its own value");
    if (on & (NOW | BEFORE) && across & s->g->node[s->draw].type.plates)
        return fail(s, r, "this reads several copies or steps of it at once");
    if (several_bits(on / AFTER))
        return fail(s, r, "this reads two steps of it that are no neighbours");
    s->on[r] |= on;
    return true;
}

/* Until nothing changes: carries look forward. */
static bool propagate(Search *s)
{
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < s->g->count; r++) {
            uint32_t before = s->on[r];
            if (!visit(s, r))
                return false;
            news |= s->on[r] != before;
        }
    }
    return true;
}

/* May the first step be summed out where the sequence begins?  Not if anything else of the chain is
 * read together with it. */
static bool first_is_apart(const Search *s)
{
    for (IrRef r = 0; r < s->g->count; r++)
        if (s->on[r] & FIRST && s->on[r] & ~(uint32_t)FIRST)
            return false;
    return true;
}

EsChain *es_chain(const IrGraph *g, const bool *live, IrRef draw, const char **why, IrRef *at)
{
    Arena *a = g->model->arena;
    EsChain *c = arena_make(a, EsChain);
    *c = (EsChain){.carry = IR_NONE, .before = -1};
    Search s = {.g = g, .live = live, .c = c, .draw = draw};
    s.on = arena_array(a, uint32_t, g->count + 1);
    s.on[draw] = NOW;
    bool ok = find_carry(&s);
    if (ok) {
        IrRef first = g->node[c->carry].in[0];
        s.on[c->carry] = BEFORE;
        s.on[first] |= g->node[first].op == IR_SAMPLE ? FIRST : 0;
        ok = propagate(&s);
        c->apart = g->node[first].op == IR_SAMPLE && first_is_apart(&s);
    }
    *why = s.why;
    *at = s.at;
    return ok ? c : NULL;
}

/* ---- the recursion -------------------------------------------------------------------------- */

static IrRef move_plate(IrGraph *g, IrRef v, int32_t from, int32_t to)
{
    int64_t size = g->plate[from].size;
    v = ir_node(g, IR_TO_AXIS, (IrAttr){.plate = from, .k = {0, size}}, 1, &v);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = to}, 1, &v);
}

/* What the state before the first step is: as probable as its values, or known. */
static IrRef first_marginal(IrGraph *g, const EsChain *c, IrRef first, int32_t values)
{
    if (values >= 0)
        return move_plate(g, g->plate[values].weight, values, c->before);
    IrRef is = ir_binary(g, IR_EQ, ir_index(g, (uint32_t)c->before, 0), first);
    return ir_select(g, is, ir_const(g, 1), ir_const(g, 0));
}

/* Step k of a value of every step, as copies of another plate. */
static IrRef at_step(IrGraph *g, IrRef v, int32_t steps, int64_t k, int32_t from, int32_t to)
{
    IrAttr all = {.plate = steps, .k = {0, g->plate[steps].size}};
    v = ir_node(g, IR_TO_AXIS, all, 1, &v);
    v = ir_node(g, IR_SLICE, (IrAttr){.k = {0, k, k + 1}}, 1, &v);
    IrType one = g->node[v].type;
    one.rank = 0;
    one.dim[0] = 0;
    return move_plate(g, ir_typed(g, IR_RESHAPE, (IrAttr){0}, one, 1, &v), from, to);
}

void es_chain_weights(IrGraph *g, EsChain *c, int32_t now, int32_t steps, IrRef first,
                      int32_t first_values)
{
    uint32_t region = g->in_region;
    IrRef law = g->plate[now].weight;
    g->in_region = 0;
    IrRef start = first_marginal(g, c, first, first_values);
    g->in_region = region;
    IrType type = ir_scalar_type(IR_REAL, g->node[start].type.plates);
    type.plates |= g->node[law].type.plates & ~(1u << now);
    type.plates |= 1u << steps | 1u << c->before;
    IrRef m = ir_typed(g, IR_CARRY, (IrAttr){0}, type, 2, (IrRef[]){start, start});
    IrRef joint = MUTATED(FORGOTTEN_STEP) ? law : ir_binary(g, IR_MUL, m, law);
    IrRef next = ir_reduce(g, IR_SUM, joint, 0, 1u << c->before);
    g->node[m].in[1] = move_plate(g, next, now, c->before);
    g->plate[c->before].weight = m;
    g->in_region = 0;
    for (uint32_t i = 0; i < c->reads; i++)
        g->plate[c->read[i].plate].weight =
            at_step(g, next, steps, c->read[i].step, now, c->read[i].plate);
    g->in_region = region;
}
