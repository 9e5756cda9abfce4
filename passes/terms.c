/* Costs taken apart into terms.
 *
 * What the score of a draw multiplies are the costs that it reaches (reach.c), and groups of costs
 * have estimators of their own (split.c).  So `cost f(y) + g(z)` is taken apart here, as if it were
 * written as two: below signs, factors that no draw decides, sums over axes and plates, and moves
 * of elements, all of which are linear.  The terms are costs of one number, and what is reported of
 * them is their sum (surrogate.c).
 *
 * The mean of a sum is the sum of the means, so that neither changes what is expected.  Taken apart
 * is what was written as a sum: its terms stand elsewhere in the text than the sum does.  The terms
 * of a log-density belong together.  x l - softplus(l) hardly varies with l where x is likely;
 * either term alone does. */
#include "passes/estimator.h"

#include <string.h>

enum { MOST_TERMS = 32 }; /* of one cost */

typedef struct Terms {
    const IrGraph *g;
    IrGraph *to;
    Arena *arena;
    bool *drawn;    /* by node: a draw decides it */
    EsReach *reach; /* of the draws that terms are told apart by */
    IrRef *draw;
    uint32_t draws;
    bool each;              /* every term is one of its own */
    bool *inside;           /* by node: of the cost, at or above a term */
    IrPlates *crossed;      /* by node inside: plates that are summed on the way to the cost */
    IrRef leaf[MOST_TERMS]; /* one of every kind */
    uint32_t leaves;
    uint32_t *kind; /* by term: which leaf it is like */
    IrRef *now;     /* by node: in the graph that is made */
    IrRef *made;    /* by node inside: its part, or UNKNOWN */
} Terms;

#define UNKNOWN (IR_NONE - 1)

/* ---- what a sum is -------------------------------------------------------------------------- */

static bool same_place(const IrNode *a, const IrNode *b)
{
    return a->at.line == b->at.line && a->at.col == b->at.col && a->at.len == b->at.len;
}

/* Does a term stand elsewhere than the sum, and is it as large?  An int is made real where the sum
 * is. */
static bool is_written_term(const IrGraph *g, const IrNode *sum, IrRef r)
{
    const IrNode *n = &g->node[r];
    if (n->op == IR_TO_REAL && same_place(n, sum))
        n = &g->node[n->in[0]];
    return !same_place(n, sum) && n->type.rank == sum->type.rank;
}

static bool is_written(const IrGraph *g, const IrNode *sum)
{
    return is_written_term(g, sum, sum->in[0]) && is_written_term(g, sum, sum->in[1]);
}

static bool is_zero(const IrGraph *g, IrRef r)
{
    return g->node[r].op == IR_CONST && g->node[r].attr.num == 0;
}

/* The operands, as a set, of which the node is a sum or a linear function; the others no draw
 * decides. */
static uint32_t linear_in(const Terms *t, IrRef r)
{
    const IrNode *n = &t->g->node[r];
    if (n->type.elem != IR_REAL || !t->drawn[r])
        return 0;
    switch (n->op) {
    case IR_ADD:
    case IR_SUB:
        return is_zero(t->g, n->in[1]) ? 1 : is_written(t->g, n) ? 3 : 0;
    case IR_NEG:
        return 1;
    case IR_GATHER:
    case IR_DIV:
        return t->drawn[n->in[1]] ? 0 : 1;
    case IR_MUL:
    case IR_CONTRACT:
        return t->drawn[n->in[0]] && t->drawn[n->in[1]] ? 0 : t->drawn[n->in[0]] ? 1 : 2;
    default:
        return ir_op_info[n->op].flags & IR_MOVES ? 1 : 0;
    }
}

static IrPlates summed_by(const IrNode *n)
{
    return n->attr.over | (n->op == IR_TO_AXIS ? 1u << n->attr.plate : 0);
}

/* ---- terms of one kind ---------------------------------------------------------------------- */

/* Do the same copies of the same draws reach both, as terms of the cost? */
static bool are_alike(const Terms *t, IrRef a, IrRef b)
{
    for (uint32_t i = 0; i < t->draws; i++) {
        const EsReach *e = &t->reach[i];
        IrPlates own = t->g->node[t->draw[i]].type.plates;
        if (e->reached[a] != e->reached[b])
            return false;
        if (e->reached[a] &&
            (((e->mixed[a] | t->crossed[a]) & own) != ((e->mixed[b] | t->crossed[b]) & own) ||
             e->lag[a] != e->lag[b] || e->later[a] != e->later[b]))
            return false;
    }
    return true;
}

/* False: there are too many. */
static bool add_term(Terms *t, IrRef r)
{
    uint32_t k = t->each ? t->leaves : 0;
    while (k < t->leaves && !are_alike(t, t->leaf[k], r))
        k++;
    if (k == MOST_TERMS)
        return false;
    t->leaf[k] = r;
    t->kind[r] = k;
    t->leaves = k < t->leaves ? t->leaves : k + 1;
    return true;
}

/* True: the cost has terms of several kinds. */
static bool find_terms(Terms *t, IrRef cost)
{
    const IrGraph *g = t->g;
    IrRef sum = g->node[cost].in[0];
    for (IrRef r = 0; r < g->count; r++) {
        t->inside[r] = r == sum;
        t->crossed[r] = 0;
    }
    t->leaves = 0;
    for (IrRef r = sum + 1; r-- > 0;) {
        uint32_t in = t->inside[r] ? linear_in(t, r) : 0;
        for (uint32_t k = 0; k < 2; k++)
            if (in >> k & 1) {
                IrRef x = g->node[r].in[k];
                t->inside[x] = true;
                t->crossed[x] |= t->crossed[r] | summed_by(&g->node[r]);
            }
        if (t->inside[r] && !in && !add_term(t, r))
            return false;
    }
    return t->leaves > 1;
}

/* ---- the part of a value that is of one kind ------------------------------------------------ */

static IrRef make(Terms *t, const IrNode *n, IrOp op, IrAttr attr, uint32_t n_in, const IrRef *in)
{
    IrGraph *to = t->to;
    to->here = n->at;
    to->in_region = 0;
    for (uint32_t k = 0; k < n_in; k++)
        if (to->node[in[k]].region == n->region)
            to->in_region = n->region;
    return ir_node(to, op, attr, n_in, in);
}

static IrRef part_of(Terms *t, IrRef r, uint32_t kind);

static IrRef part_of_sum(Terms *t, IrRef r, uint32_t kind)
{
    const IrNode *n = &t->g->node[r];
    IrRef in[] = {part_of(t, n->in[0], kind), part_of(t, n->in[1], kind)};
    if (in[0] == IR_NONE && in[1] == IR_NONE)
        return IR_NONE;
    if (in[0] == t->now[n->in[0]] && in[1] == t->now[n->in[1]])
        return t->now[r];
    if (in[0] != IR_NONE && in[1] != IR_NONE)
        return make(t, n, n->op, n->attr, 2, in);
    return in[0] != IR_NONE  ? in[0]
           : n->op == IR_SUB ? make(t, n, IR_NEG, (IrAttr){0}, 1, &in[1])
                             : in[1];
}

/* What has no copies is as often in the sum. */
static IrRef sum_of(Terms *t, const IrNode *n, IrRef x)
{
    IrGraph *to = t->to;
    IrPlates has = to->node[x].type.plates, all = t->g->node[n->in[0]].type.plates;
    IrRef sum = ir_reduce(to, IR_SUM, x, n->attr.axes, n->attr.over & has);
    return es_sum_plates(to, sum, n->attr.over & all & ~has);
}

static IrRef part_of_function(Terms *t, IrRef r, uint32_t k, uint32_t kind)
{
    const IrNode *n = &t->g->node[r];
    IrRef x = part_of(t, n->in[k], kind), in[2] = {IR_NONE, IR_NONE};
    if (x == IR_NONE || x == t->now[n->in[k]])
        return x == IR_NONE ? x : t->now[r];
    t->to->here = n->at;
    t->to->in_region = t->to->node[x].region == n->region ? n->region : 0;
    if (n->op == IR_SUM)
        return sum_of(t, n, x);
    IrType type = t->to->node[x].type;
    type.plates |= summed_by(n) & t->g->node[n->in[k]].type.plates;
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = i == k ? es_broadcast(t->to, x, type) : t->now[n->in[i]];
    if (n->op != IR_RESHAPE)
        return make(t, n, n->op, n->attr, n->n_in, in);
    IrType whole = n->type;
    whole.plates = type.plates;
    return ir_typed(t->to, IR_RESHAPE, n->attr, whole, 1, in);
}

/* IR_NONE: nothing. */
static IrRef part_of(Terms *t, IrRef r, uint32_t kind)
{
    if (t->made[r] != UNKNOWN)
        return t->made[r];
    uint32_t in = linear_in(t, r);
    return t->made[r] = in == 0   ? (t->kind[r] == kind ? t->now[r] : IR_NONE)
                        : in == 3 ? part_of_sum(t, r, kind)
                                  : part_of_function(t, r, in - 1, kind);
}

/* ---- the graph ------------------------------------------------------------------------------ */

static IrRef keep(Terms *t, const IrNode *n, IrRef operand)
{
    IrNode cost = *n;
    cost.in = arena_array(t->arena, IrRef, 1);
    cost.in[0] = operand;
    return ir_keep(t->to, &cost);
}

/* The first terms come first: they were found from the last. */
static IrRef take_apart(Terms *t, IrRef cost)
{
    const IrNode *n = &t->g->node[cost];
    IrRef last = IR_NONE;
    for (uint32_t kind = t->leaves; kind-- > 0;) {
        for (IrRef r = 0; r < t->g->count; r++)
            t->made[r] = UNKNOWN;
        last = keep(t, n, part_of(t, n->in[0], kind));
    }
    return last;
}

static IrRef copy(Terms *t, IrRef r)
{
    IrNode n = t->g->node[r];
    IrRef *in = arena_array(t->arena, IrRef, n.n_in + 1);
    for (uint32_t k = 0; k < n.n_in; k++)
        in[k] = n.in[k] < r ? t->now[n.in[k]] : n.in[k];
    n.in = in;
    return ir_keep(t->to, &n);
}

/* True: a cost was taken apart. */
static bool make_graph(Terms *t)
{
    const IrGraph *g = t->g;
    bool any = false;
    *t->to = *g;
    t->to->node = NULL;
    t->to->count = t->to->cap = 0;
    for (IrRef r = 0; r < g->count; r++) {
        bool apart = g->node[r].op == IR_COST && find_terms(t, r);
        any |= apart;
        t->now[r] = apart ? take_apart(t, r) : copy(t, r);
    }
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_CARRY)
            t->to->node[t->now[r]].in[1] = t->now[g->node[r].in[1]];
    t->to->in_region = 0;
    ir_group_regions(t->to);
    return any;
}

/* ---- which draws ---------------------------------------------------------------------------- */

/* Is the gradient of a draw a multiple of the costs? */
static bool multiplies(const EsDraw *d)
{
    switch (d->estimator) {
    case IR_EST_SCORE:
    case IR_EST_REBAR:
    case IR_EST_RELAX:
    case IR_EST_DISARM:
    case IR_EST_VIMCO:
    case IR_EST_UNORDERED_SET:
        return d->moved;
    default:
        return false;
    }
}

/* The draws that multiply costs as they are; all, where the program is refused. */
static void find_draws(Terms *t)
{
    const IrGraph *g = t->g;
    Diags *quiet = diags_new(g->name, NULL);
    PassCtx cx = {.diags = quiet, .arena = t->arena};
    uint32_t draws, reaches = 0;
    EsDraw *draw = es_draws(g, es_live(g), NULL, &draws);
    bool chosen = es_choose(g, draw, draws, &cx);
    diags_free(quiet);
    for (uint32_t i = 0; i < draws; i++)
        if (!chosen || multiplies(&draw[i])) {
            *arena_push(t->arena, t->draw, t->draws, IrRef) = draw[i].node;
            *arena_push(t->arena, t->reach, reaches, EsReach) = es_reach(g, draw[i].node);
        }
}

static bool *find_drawn(const IrGraph *g)
{
    bool *drawn = arena_array(g->model->arena, bool, g->count + 1);
    for (bool news = true; news;) { /* carries look forward */
        news = false;
        for (IrRef r = 0; r < g->count; r++) {
            bool now = g->node[r].op == IR_SAMPLE;
            for (uint32_t k = 0; k < g->node[r].n_in; k++)
                now |= drawn[g->node[r].in[k]];
            news |= now != drawn[r];
            drawn[r] = now;
        }
    }
    return drawn;
}

static bool apart(const IrGraph *g, bool each, IrGraph *to)
{
    Arena *a = g->model->arena;
    Terms t = {.g = g, .to = to, .arena = a, .each = each, .drawn = find_drawn(g)};
    t.inside = arena_array(a, bool, g->count + 1);
    t.crossed = arena_array(a, IrPlates, g->count + 1);
    t.kind = arena_array(a, uint32_t, g->count + 1);
    t.now = arena_array(a, IrRef, g->count + 1);
    t.made = arena_array(a, IrRef, g->count + 1);
    if (!each)
        find_draws(&t);
    return (each || t.draws > 0) && make_graph(&t);
}

bool es_every_term(const IrGraph *g, IrGraph *to)
{
    return apart(g, true, to);
}

bool es_reached_terms(const IrGraph *g, IrGraph *to)
{
    return apart(g, false, to);
}

/* ---- the costs that they are of ------------------------------------------------------------- */

static bool is_term_of(const IrGraph *g, IrRef r, IrRef cost)
{
    return g->node[r].op == IR_COST && g->node[r].attr.item == g->node[cost].attr.item;
}

bool es_is_first_term(const IrGraph *g, IrRef cost)
{
    for (IrRef r = 0; r < cost; r++)
        if (is_term_of(g, r, cost))
            return false;
    return true;
}

IrRef es_worst_term(const IrGraph *g, const IrSmooth *class, IrRef cost)
{
    IrRef worst = cost;
    for (IrRef r = cost; r < g->count; r++)
        if (is_term_of(g, r, cost) && class[r] > class[worst])
            worst = r;
    return worst;
}

const char *es_cost_lines(const IrGraph *g, const bool *reached)
{
    const char *list = "", *last = "";
    for (IrRef c = 0; c < g->count; c++) {
        if (g->node[c].op != IR_COST || !es_is_first_term(g, c))
            continue;
        bool any = false, all = true;
        for (IrRef r = c; r < g->count; r++)
            if (is_term_of(g, r, c)) {
                any |= reached[r];
                all &= reached[r];
            }
        const char *line =
            arena_printf(g->model->arena, "%u%s", g->node[c].at.line, all ? "" : " (in part)");
        if (!any || strcmp(line, last) == 0)
            continue;
        list = arena_printf(g->model->arena, "%s%s%s", list, *list ? ", " : "", line);
        last = line;
    }
    return list;
}
