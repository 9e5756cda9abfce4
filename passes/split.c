/* Draws with more than one estimator: the costs fall into groups, and in each a draw has one.
 *
 * The mean of a sum of costs is the sum of their means, and the mean of a cost stays what it is
 * when the draws that it reads, and all that follows from them, are made once more for it alone. So
 * where two groups of costs are better off with different estimators of a draw, each reads a copy
 * of it; no cost reads two.  From here on a copy is a draw like any other, and everything that is
 * true of draws with one estimator is true of it.  Copies of a draw read one noise (estimate.c):
 * they are one number, and what they share before the gradient becomes one node when equal nodes
 * are merged.
 *
 * Which groups: every cost says what the compiler would choose if it were the only one, and joins
 * the first group in which all keep what they chose.  Nothing is split unless some draw of some
 * group gets a better estimator than beside all costs, and none a worse one. */
#include "passes/estimator.h"

#include <string.h>

enum { MOST_COSTS = 32, MOST_GROUPS = 4 };

/* What the program of some of the costs chooses; by node. */
typedef struct Trial {
    bool *live;
    EsDraw **draw; /* of a live draw, or NULL */
} Trial;

typedef struct Group {
    uint32_t costs; /* a set of indices of Split.cost */
    Trial trial;
} Group;

typedef struct Split {
    const IrGraph *g;
    Arena *arena;
    IrRef cost[MOST_COSTS];
    uint32_t costs;
    Group group[MOST_GROUPS];
    uint32_t groups;
} Split;

/* ---- what would be chosen ------------------------------------------------------------------- */

/* False: the program is refused. */
static bool choose(const IrGraph *g, const IrRef *one, Trial *t)
{
    Arena *a = g->model->arena;
    Diags *quiet = diags_new(g->name, NULL);
    PassCtx cx = {.diags = quiet, .arena = a};
    uint32_t draws;
    t->live = es_live(g);
    EsDraw *draw = es_draws(g, t->live, one, &draws);
    bool ok = es_choose(g, draw, draws, &cx);
    diags_free(quiet);
    t->draw = arena_array(a, EsDraw *, g->count + 1);
    for (uint32_t i = 0; i < draws; i++)
        t->draw[draw[i].node] = &draw[i];
    return ok;
}

/* The graph with these costs alone, its nodes with their numbers. */
static bool choose_for(const Split *s, uint32_t costs, Trial *t)
{
    IrGraph some;
    ir_graph_clone(&some, s->g);
    for (uint32_t k = 0; k < s->costs; k++)
        if (!(costs >> k & 1))
            some.node[s->cost[k]].op = IR_STOP; /* which nothing reads */
    return choose(&some, NULL, t);
}

static bool same_estimator(const EsDraw *a, const EsDraw *b)
{
    return a->estimator == b->estimator && a->baseline == b->baseline;
}

/* Have the draws of both the same in both? */
static bool agree(const IrGraph *g, const Trial *a, const Trial *b)
{
    for (IrRef r = 0; r < g->count; r++)
        if (a->draw[r] && b->draw[r] && !same_estimator(a->draw[r], b->draw[r]))
            return false;
    return true;
}

/* ---- groups --------------------------------------------------------------------------------- */

static bool joins(Split *s, Group *to, uint32_t cost, const Trial *alone)
{
    Trial both;
    uint32_t costs = to->costs | 1u << cost;
    if (!agree(s->g, &to->trial, alone) || !choose_for(s, costs, &both) ||
        !agree(s->g, &both, &to->trial) || !agree(s->g, &both, alone))
        return false;
    *to = (Group){costs, both};
    return true;
}

/* False: a cost is refused, or there are more groups than are worth it. */
static bool place(Split *s, uint32_t cost)
{
    Trial alone;
    if (!choose_for(s, 1u << cost, &alone))
        return false;
    for (uint32_t i = 0; i < s->groups; i++)
        if (joins(s, &s->group[i], cost, &alone))
            return true;
    if (s->groups == MOST_GROUPS)
        return false;
    s->group[s->groups++] = (Group){1u << cost, alone};
    return true;
}

/* From the exact to the rough. */
static int roughness(const EsDraw *d)
{
    switch (d->estimator) {
    case IR_EST_SCORE:
        return 3;
    case IR_EST_DISARM:
    case IR_EST_COUPLED:
    case IR_EST_MEASURE_VALUED:
        return 2;
    case IR_EST_LOCAL_EXPECTATION:
        return 1;
    default:
        return 0;
    }
}

static bool is_open(const IrGraph *g, IrRef r)
{
    return g->node[r].op == IR_SAMPLE && g->node[r].attr.via.estimator == IR_EST_AUTO;
}

/* Is there a draw for which fewer costs could do better? */
static bool has_rough(const IrGraph *g, const Trial *whole)
{
    bool rough = false;
    for (IrRef r = 0; r < g->count; r++)
        rough |= whole->draw[r] && is_open(g, r) && roughness(whole->draw[r]) > 0;
    return rough;
}

static bool is_better(const Split *s, const Trial *whole)
{
    bool better = false;
    for (uint32_t i = 0; i < s->groups; i++)
        for (IrRef r = 0; r < s->g->count; r++) {
            const EsDraw *here = s->group[i].trial.draw[r];
            if (!here || !is_open(s->g, r))
                continue;
            if (roughness(here) > roughness(whole->draw[r]))
                return false;
            better |= roughness(here) < roughness(whole->draw[r]);
        }
    return better;
}

static bool list_costs(Split *s)
{
    for (IrRef r = 0; r < s->g->count; r++) {
        if (s->g->node[r].op != IR_COST)
            continue;
        if (s->costs == MOST_COSTS)
            return false;
        s->cost[s->costs++] = r;
    }
    return s->costs > 1;
}

/* False: all costs stay together. */
static bool find_groups(Split *s)
{
    Trial whole;
    if (!list_costs(s) || !choose(s->g, NULL, &whole) || !has_rough(s->g, &whole))
        return false;
    for (uint32_t k = 0; k < s->costs; k++)
        if (!place(s, k))
            return false;
    return s->groups > 1 && is_better(s, &whole);
}

/* ---- copies --------------------------------------------------------------------------------- */

/* Draws that groups treat each in its own way; two guards may be one too many for one draw. */
static bool is_split(const Split *s, IrRef r)
{
    const EsDraw *first = NULL;
    for (uint32_t i = 0; i < s->groups; i++) {
        const EsDraw *d = s->group[i].trial.draw[r];
        if (d && first && (!same_estimator(d, first) || d->guards || first->guards))
            return true;
        first = first ? first : d;
    }
    return false;
}

/* The split draws, and what follows from them. */
static bool *follows_split(const Split *s)
{
    const IrGraph *g = s->g;
    bool *in = arena_array(s->arena, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        in[r] = is_split(s, r);
    for (bool news = true; news;) { /* carries look forward */
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            for (uint32_t k = 0; k < g->node[r].n_in && !in[r]; k++)
                news |= in[r] = in[g->node[r].in[k]];
    }
    return in;
}

typedef struct Copies {
    IrGraph to;
    IrRef *now[MOST_GROUPS]; /* by group and node */
    IrRef *one;              /* by new node: the first of its copies */
    IrRef *from;             /* by new node */
    uint32_t *group;         /* by new node */
} Copies;

static void copy_node(const Split *s, Copies *c, IrRef r, uint32_t i)
{
    IrNode n = s->g->node[r];
    IrRef *in = arena_array(s->arena, IrRef, n.n_in + 1);
    for (uint32_t k = 0; k < n.n_in; k++)
        in[k] = n.in[k] < r ? c->now[i][n.in[k]] : n.in[k];
    n.in = in;
    IrRef made = c->now[i][r] = ir_keep(&c->to, &n);
    c->one[made] = c->now[0][r];
    c->from[made] = r;
    c->group[made] = i;
}

static bool has_cost(const Split *s, const Group *group, IrRef r)
{
    for (uint32_t k = 0; k < s->costs; k++)
        if (s->cost[k] == r)
            return group->costs >> k & 1;
    return false;
}

/* The first group has what there was; the others what follows from split draws, once more. */
static void copy_for_groups(const Split *s, Copies *c, IrRef r, const bool *follows)
{
    const IrNode *n = &s->g->node[r];
    for (uint32_t i = 0; i < s->groups; i++) {
        bool mine = n->op == IR_COST ? has_cost(s, &s->group[i], r)
                                     : i == 0 || (follows[r] && s->group[i].trial.live[r]);
        if (mine)
            copy_node(s, c, r, i);
        else
            c->now[i][r] = c->now[0][r];
    }
}

static Copies make_copies(const Split *s)
{
    Copies c = {.to = *s->g};
    uint32_t room = s->g->count * s->groups + 1;
    c.one = arena_array(s->arena, IrRef, room);
    c.from = arena_array(s->arena, IrRef, room);
    c.group = arena_array(s->arena, uint32_t, room);
    for (uint32_t i = 0; i < s->groups; i++)
        c.now[i] = arena_array(s->arena, IrRef, room);
    c.to.node = NULL;
    c.to.count = c.to.cap = 0;
    const bool *follows = follows_split(s);
    for (IrRef r = 0; r < s->g->count; r++)
        copy_for_groups(s, &c, r, follows);
    for (IrRef r = 0; r < c.to.count; r++) {
        IrRef old = c.from[r];
        if (c.to.node[r].op == IR_CARRY)
            c.to.node[r].in[1] = c.now[c.group[r]][s->g->node[old].in[1]];
    }
    return c;
}

/* Do the copies choose what their groups chose? */
static bool as_expected(const Split *s, const Copies *c)
{
    Trial t;
    bool ok = choose(&c->to, c->one, &t);
    for (IrRef r = 0; r < c->to.count && ok; r++)
        for (uint32_t i = 0; i < s->groups && t.draw[r]; i++) {
            const EsDraw *d = s->group[i].trial.draw[c->from[r]];
            if (d && c->now[i][c->from[r]] == r)
                ok &= same_estimator(d, t.draw[r]);
        }
    return ok;
}

bool es_split(const IrGraph *g, IrGraph *to, const IrRef **one)
{
    Split s = {.g = g, .arena = g->model->arena};
    if (!find_groups(&s))
        return false;
    Copies c = make_copies(&s);
    if (!as_expected(&s, &c))
        return false;
    *to = c.to;
    *one = c.one;
    return true;
}
