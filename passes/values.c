/* What depends on which values of enumerated draws.
 *
 * A variable is a value that a node may depend on: of a draw, of a draw of the sequence some steps
 * before, or of one step after the loop.  Each becomes a plate of its values.  The laws of the
 * draws make tables over them: a draw's over its own value and those that decide it.  In a sequence
 * the values before the step have one table together, which the recursion of chain.c carries on,
 * and so have the single steps that are read together after the loop.
 *
 * The sums are exact if every value is known for the step that it is of, and possible if no table
 * is too large: elimination is rehearsed here, for every node and sequence. */
#include "passes/estimator.h"

typedef struct Search {
    const IrGraph *g;
    const EsDraw *draw;
    const bool *live;
    EsValues *v;
    bool *held; /* by node: it depends on a sampled draw that depends on variables */
} Search;

static bool fail(Search *s, uint32_t blamed, IrRef at, const char *why)
{
    s->v->blamed = blamed;
    s->v->why = why;
    s->v->at = at;
    return false;
}

static uint32_t bit(int32_t variable)
{
    return variable < 0 ? 0 : 1u << variable;
}

static const IrNode *sample_of(const Search *s, uint32_t variable)
{
    return &s->g->node[s->draw[s->v->var[variable].draw].node];
}

static bool is_after(const EsVariable *v)
{
    return v->step >= 0;
}

/* ---- variables ------------------------------------------------------------------------------ */

/* The variable, made if it is new; -1: there are too many. */
static int32_t variable(Search *s, uint32_t draw, uint32_t lag, int64_t step)
{
    EsValues *v = s->v;
    for (uint32_t i = 0; i < v->vars; i++)
        if (v->var[i].draw == draw && v->var[i].lag == lag && v->var[i].step == step)
            return (int32_t)i;
    IrRef node = s->draw[draw].node;
    if (v->vars + s->g->plates >= IR_MAX_PLATES) {
        s->v->many = true;
        fail(s, 0, node,
             arena_printf(s->g->model->arena,
                          "with it more draws are summed over than a graph has plates, which are %d; "
                          "steps of one sequence, `z[t] ~ ...` in a `for`, share theirs",
                          IR_MAX_PLATES));
        return -1;
    }
    v->values[v->vars] = es_support_size(s->g, &s->g->node[node]);
    v->var[v->vars] = (EsVariable){.draw = draw,
                                   .lag = lag,
                                   .step = step,
                                   .plate = -1,
                                   .from = IR_NONE,
                                   .start = -1,
                                   .recursion = -1};
    return (int32_t)v->vars++;
}

/* Variables of the region's present and past. */
static uint32_t within(const Search *s, uint32_t region)
{
    uint32_t set = 0;
    for (uint32_t i = 0; i < s->v->vars; i++)
        if (region && !is_after(&s->v->var[i]) && sample_of(s, i)->region == region)
            set |= 1u << i;
    return set;
}

static uint32_t past(const Search *s, uint32_t set)
{
    uint32_t lags = 0;
    ES_EACH (i, set)
        lags |= s->v->var[i].lag > 0 ? 1u << i : 0;
    return lags;
}

/* ---- which nodes are a variable ------------------------------------------------------------- */

/* May a sequence of values of z begin with that node? */
static bool begins(const Search *s, IrRef first, const IrNode *z)
{
    int32_t known = s->v->is[first];
    const IrNode *n = known >= 0 ? sample_of(s, (uint32_t)known) : &s->g->node[first];
    int64_t values = ir_dist_values(s->g, z->attr.dist, z->in);
    if (n->op == IR_CONST)
        return z->type.rank == 0 && n->attr.num >= 0 && n->attr.num < (double)values;
    return n->op == IR_SAMPLE && (known >= 0 || z->type.rank == 0) &&
           ir_same_shape(&n->type, &z->type) &&
           ir_dist_info[n->attr.dist].support == ir_dist_info[z->attr.dist].support &&
           ir_dist_values(s->g, n->attr.dist, n->in) == values;
}

/* Does the carry take a draw, or what it was before, to the next step? */
static int32_t carried(Search *s, const IrNode *n)
{
    int32_t now = s->v->is[n->in[1]];
    if (now < 0 || !n->region)
        return -1;
    const EsVariable v = s->v->var[now];
    const IrNode *z = sample_of(s, (uint32_t)now);
    if (is_after(&v) || z->region != n->region || v.lag == ES_LAGS || !begins(s, n->in[0], z))
        return -1;
    int32_t before = variable(s, v.draw, v.lag + 1, -1);
    if (before < 0)
        return -1;
    IrRef *from = &s->v->var[before].from;
    if (*from != IR_NONE && *from != n->in[0])
        return -1; /* another sequence that begins elsewhere */
    *from = n->in[0];
    return before;
}

/* h[k] after the loop is a slice of the steps on an axis. */
bool es_is_step(const IrGraph *g, const IrNode *n, IrRef *of, int64_t *step)
{
    const IrNode *steps = n->op == IR_SLICE ? &g->node[n->in[0]] : NULL;
    if (!steps || steps->op != IR_TO_AXIS || g->plate[steps->attr.plate].kind != IR_PLATE_STEP ||
        n->attr.k[0] != 0 || n->attr.k[2] != n->attr.k[1] + 1)
        return false;
    *of = steps->in[0];
    *step = n->attr.k[1] - steps->attr.k[0];
    return true;
}

static int32_t step_read(Search *s, const IrNode *n)
{
    IrRef of;
    int64_t step;
    int32_t now = es_is_step(s->g, n, &of, &step) ? s->v->is[of] : -1;
    if (now < 0 || is_after(&s->v->var[now]) || step < (int64_t)s->v->var[now].lag)
        return -1;
    return variable(s, s->v->var[now].draw, 0, step - s->v->var[now].lag);
}

static bool find_variables(Search *s, uint32_t draws)
{
    EsValues *v = s->v;
    for (uint32_t i = 0; i < draws && !v->why; i++) {
        IrRef node = s->draw[i].node;
        if (s->draw[i].estimator == IR_EST_ENUMERATE &&
            es_support_size(s->g, &s->g->node[node]) > 0)
            v->is[node] = variable(s, i, 0, -1);
    }
    for (bool news = true; news && !v->why;) { /* carries look forward, one after the other */
        news = false;
        for (IrRef r = 0; r < s->g->count; r++) {
            const IrNode *n = &s->g->node[r];
            if (!s->live[r] || v->is[r] >= 0)
                continue;
            v->is[r] = n->op == IR_CARRY ? carried(s, n) : step_read(s, n);
            news |= v->is[r] >= 0;
        }
    }
    return !v->why;
}

/* ---- what depends on which ------------------------------------------------------------------ */

static uint32_t of_operands(const Search *s, const IrNode *n)
{
    uint32_t on = 0;
    for (uint32_t k = 0; k < ir_deciding(n); k++)
        on |= s->v->on[n->in[k]];
    return on;
}

static bool any_held(const Search *s, const IrNode *n)
{
    bool held = false;
    for (uint32_t k = 0; k < ir_deciding(n); k++)
        held |= s->held[n->in[k]];
    return held;
}

bool es_is_no_step(const EsValues *v, const EsVariable *x, int64_t step)
{
    bool began = false;
    for (uint32_t i = 0; i < v->vars; i++)
        began |= v->var[i].draw == x->draw && v->var[i].from != IR_NONE;
    return step < (int64_t)x->lag && !began;
}

/* One step more before is before the first, at all steps. */
static bool is_no_time(const Search *s, uint32_t variable)
{
    uint32_t region = sample_of(s, variable)->region;
    int64_t steps = s->g->plate[s->g->region[region - 1].plate].size;
    return es_is_no_step(s->v, &s->v->var[variable], steps - 2);
}

/* The variables of the loop become those of one step more before, or of the step after the loop. */
static bool move(Search *s, IrRef r, IrRef of, uint32_t set, int64_t step, uint32_t *moved)
{
    if (set && s->held[of])
        return fail(s, set, r, "this reads another draw that depends on it, at another step");
    if (set && s->g->node[of].type.rank == IR_MAX_RANK)
        return fail(s, set, r, "this reads an array of 4 axes that depends on it, at another step");
    ES_EACH (i, set) {
        const EsVariable v = s->v->var[i];
        if (step < 0 ? is_no_time(s, i) : es_is_no_step(s->v, &v, step))
            continue;
        if (step < 0 && v.lag == ES_LAGS)
            return fail(s, 1u << i, r,
                        "what is carried on here depends on more than 4 steps before");
        if (step >= 0 && step < (int64_t)v.lag)
            return fail(s, 1u << i, r, "this reads what was before the first step");
        int32_t to =
            step < 0 ? variable(s, v.draw, v.lag + 1, -1) : variable(s, v.draw, 0, step - v.lag);
        if (to < 0)
            return false;
        *moved |= 1u << to;
    }
    return true;
}

static bool visit_carry(Search *s, IrRef r, const IrNode *n)
{
    uint32_t all = s->v->on[n->in[1]], here = all & within(s, n->region), moved = 0;
    if (!move(s, r, n->in[1], here, -1, &moved))
        return false;
    s->v->on[r] |= s->v->on[n->in[0]] | (all & ~here) | moved;
    return true;
}

static uint32_t of_loop(const Search *s, int32_t plate)
{
    for (uint32_t region = 1; region <= s->g->regions; region++)
        if (s->g->region[region - 1].plate == plate)
            return within(s, region);
    return 0;
}

static bool visit_step(Search *s, IrRef r, IrRef of, int64_t step)
{
    const IrNode *axis = &s->g->node[s->g->node[r].in[0]];
    uint32_t all = s->v->on[of], here = all & of_loop(s, axis->attr.plate), moved = 0;
    if (!move(s, r, of, here, step, &moved))
        return false;
    s->v->on[r] |= (all & ~here) | moved;
    return true;
}

static bool read_by_steps(const Search *s, IrRef axis)
{
    IrRef of;
    int64_t step;
    for (IrRef r = 0; r < s->g->count; r++) {
        const IrNode *n = &s->g->node[r];
        for (uint32_t k = 0; k < n->n_in; k++)
            if (s->live[r] && n->in[k] == axis && !es_is_step(s->g, n, &of, &step))
                return false;
    }
    return true;
}

/* Variables whose copies along the plates are different. */
static uint32_t differ_along(const Search *s, uint32_t on, IrPlates plates)
{
    uint32_t set = 0;
    ES_EACH (i, on) {
        IrPlates own = sample_of(s, i)->type.plates;
        for (uint32_t p = 0; p < s->g->plates && is_after(&s->v->var[i]); p++)
            own &= s->g->plate[p].kind == IR_PLATE_STEP ? ~(1u << p) : UINT32_MAX;
        set |= own & plates ? 1u << i : 0;
    }
    return set;
}

static bool visit(Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    IrRef of;
    int64_t step;
    if (!s->live[r])
        return true;
    if (s->v->is[r] >= 0) {
        s->v->on[r] = bit(s->v->is[r]);
        return true;
    }
    uint32_t on = of_operands(s, n);
    s->held[r] |= any_held(s, n) || (n->op == IR_SAMPLE && on);
    if (n->op == IR_CARRY)
        return visit_carry(s, r, n);
    if (es_is_step(s->g, n, &of, &step))
        return visit_step(s, r, of, step);
    bool steps = n->op == IR_TO_AXIS && s->g->plate[n->attr.plate].kind == IR_PLATE_STEP;
    IrPlates across = n->attr.over;
    if (n->op == IR_TO_AXIS && !(steps && read_by_steps(s, r)))
        across |= 1u << n->attr.plate;
    uint32_t mixed = differ_along(s, on, across);
    if (mixed && steps && across == 1u << n->attr.plate)
        return fail(s, mixed, r,
                    arena_printf(s->g->model->arena,
                                 "this reads all its %lld steps at once, and so needs a sum over their "
                                 "values jointly, which is made of at most %d; costs of single steps, "
                                 "and of steps next to each other, have small ones",
                                 (long long)s->g->plate[n->attr.plate].size, ES_STEPS));
    if (mixed)
        return fail(s, mixed, r, "this reads several copies or steps of it at once");
    s->v->on[r] |= on;
    return true;
}

static bool propagate(Search *s)
{
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < s->g->count; r++) {
            uint32_t before = s->v->on[r];
            bool held = s->held[r];
            if (!visit(s, r))
                return false;
            news |= s->v->on[r] != before || s->held[r] != held;
        }
    }
    return true;
}

/* ---- tables --------------------------------------------------------------------------------- */

static uint32_t law_on(const Search *s, uint32_t variable)
{
    return of_operands(s, sample_of(s, variable));
}

static bool is_law(const EsVariable *v)
{
    return v->lag == 0 && !is_after(v);
}

/* The variables, and those that decide them, step by step. */
static uint32_t decided_by(const Search *s, uint32_t set, uint32_t among)
{
    for (uint32_t before = 0; before != set;) {
        before = set;
        ES_EACH (i, before)
            set |= is_law(&s->v->var[i]) ? law_on(s, i) & among : 0;
    }
    return set;
}

/* The same with all that has one table with them. */
static uint32_t behind(const EsValues *v, uint32_t set)
{
    for (uint32_t before = 0; before != set;) {
        before = set;
        ES_EACH (i, before)
            set |= v->table[i];
    }
    return set;
}

/* ---- recursions ----------------------------------------------------------------------------- */

/* What a sequence remembers of a draw must be known together with what that depends on. */
static bool add_recursion(Search *s, uint32_t region, uint32_t set)
{
    EsValues *v = s->v;
    ES_EACH (i, set)
        if (is_law(&v->var[i]) && any_held(s, sample_of(s, i)))
            return fail(s, set, s->draw[v->var[i].draw].node,
                        "its law depends on a sampled draw that depends on it");
    EsRecursion *c = &v->recursion[v->recursions++];
    *c = (EsRecursion){.region = region, .within = set, .past = past(s, set)};
    ES_EACH (i, c->past)
        c->draw = v->var[i].draw;
    return true;
}

static bool find_recursions_of(Search *s, uint32_t region)
{
    EsValues *v = s->v;
    uint32_t all = within(s, region), set[IR_MAX_PLATES], sets = 0;
    ES_EACH (i, all) {
        if (v->var[i].lag == 0)
            continue;
        uint32_t mine = 1u << i | bit(v->is[s->draw[v->var[i].draw].node]), kept = 0;
        mine = decided_by(s, mine, all);
        for (uint32_t k = 0; k < sets; k++)
            if (set[k] & mine)
                mine |= set[k];
            else
                set[kept++] = set[k];
        set[kept++] = mine;
        sets = kept;
    }
    bool ok = true;
    for (uint32_t k = 0; k < sets && ok; k++)
        ok = add_recursion(s, region, set[k]);
    return ok;
}

/* ---- how recursions begin ------------------------------------------------------------------- */

/* The draws that the values before the first step are. */
static uint32_t starts_of(const Search *s, const EsRecursion *c)
{
    uint32_t starts = 0;
    ES_EACH (i, c->past)
        starts |= bit(s->v->var[i].start);
    return starts;
}

/* Recursions that begin with the same draws, or with one that decides the other's, are one. */
static void join_recursions(Search *s)
{
    EsValues *v = s->v;
    for (uint32_t i = 0; i < v->recursions; i++)
        for (uint32_t k = 0; k < i; k++) {
            EsRecursion *a = &v->recursion[k], *b = &v->recursion[i];
            uint32_t x = decided_by(s, starts_of(s, a), UINT32_MAX);
            uint32_t y = decided_by(s, starts_of(s, b), UINT32_MAX);
            if (a->region != b->region || !(x & y & (starts_of(s, a) | starts_of(s, b))))
                continue;
            a->within |= b->within;
            a->past |= b->past;
            *b = v->recursion[--v->recursions];
            i = k = 0;
        }
}

/* Is the draw read together with the sequence, or by the law of a draw that stays? */
static bool is_read_along(const Search *s, const EsRecursion *c, uint32_t first)
{
    uint32_t loop = within(s, c->region);
    for (uint32_t i = 0; i < s->v->vars; i++)
        loop |= is_after(&s->v->var[i]) && sample_of(s, i)->region == c->region ? 1u << i : 0;
    for (IrRef r = 0; r < s->g->count; r++) {
        int32_t is = s->g->node[r].op == IR_SAMPLE ? s->v->is[r] : -1;
        uint32_t law = is >= 0 ? law_on(s, (uint32_t)is) : 0;
        uint32_t on = s->v->on[r] | law;
        if (s->live[r] && on >> first & 1 &&
            (on & loop || (law >> first & 1 && !(bit(is) & c->summed))))
            return true;
    }
    return false;
}

/* Draws before a sequence that are summed out where it begins: nothing else knows them with it. */
static void find_summed(Search *s, EsRecursion *c)
{
    EsValues *v = s->v;
    uint32_t seen = 0, twice = 0;
    ES_EACH (i, c->past) {
        twice |= seen & bit(v->var[i].start);
        seen |= bit(v->var[i].start);
    }
    ES_EACH (i, seen & ~twice)
        c->summed |= is_law(&v->var[i]) && !sample_of(s, i)->region ? 1u << i : 0;
    for (uint32_t before = 0; before != c->summed;) {
        before = c->summed;
        ES_EACH (i, before)
            c->summed &= is_read_along(s, c, i) ? ~(1u << i) : UINT32_MAX;
    }
}

/* What the recursion depends on besides: the same at all of its steps. */
static uint32_t around(const Search *s, const EsRecursion *c)
{
    uint32_t on = starts_of(s, c);
    ES_EACH (i, c->within | c->summed)
        on |= is_law(&s->v->var[i]) ? law_on(s, i) : 0;
    ES_EACH (i, c->past)
        on |= s->v->var[i].from == IR_NONE ? 0 : s->v->on[s->v->var[i].from];
    return on & ~(c->within | c->summed);
}

static void find_tables(Search *s)
{
    EsValues *v = s->v;
    for (uint32_t i = 0; i < v->vars; i++) {
        v->part[i] = 1u << i;
        v->table[i] = 1u << i | (is_law(&v->var[i]) ? law_on(s, i) : 0);
    }
    for (uint32_t k = 0; k < v->recursions; k++) {
        EsRecursion *c = &v->recursion[k];
        find_summed(s, c);
        c->around = around(s, c);
        ES_EACH (i, c->past) {
            v->part[i] = c->past;
            v->table[i] = c->past | c->around;
        }
    }
}

static bool find_recursions(Search *s)
{
    bool ok = true;
    for (uint32_t region = 1; region <= s->g->regions && ok; region++)
        ok = find_recursions_of(s, region);
    for (uint32_t i = 0; i < s->v->vars; i++) {
        EsVariable *x = &s->v->var[i];
        x->start = x->from == IR_NONE ? -1 : s->v->is[x->from];
    }
    join_recursions(s);
    find_tables(s);
    return ok;
}

/* ---- steps after the loop ------------------------------------------------------------------- */

/* The variables of its step that the value after the loop is known by. */
static uint32_t present_of(const Search *s, uint32_t after)
{
    uint32_t now = bit(s->v->is[s->draw[s->v->var[after].draw].node]);
    return decided_by(s, now, within(s, sample_of(s, after)->region));
}

static int32_t recursion_of(const EsValues *v, uint32_t set)
{
    for (uint32_t k = 0; k < v->recursions; k++)
        if (v->recursion[k].within & set)
            return (int32_t)k;
    return -1;
}

/* Are two steps after a loop known together alone? */
static bool belong(const Search *s, uint32_t a, uint32_t b)
{
    uint32_t x = present_of(s, a), y = present_of(s, b);
    int32_t c = s->v->var[a].recursion, d = s->v->var[b].recursion;
    if (sample_of(s, a)->region != sample_of(s, b)->region)
        return false;
    return c >= 0 || d >= 0 ? c == d : s->v->var[a].step == s->v->var[b].step && x & y;
}

/* The steps that some node needs with this one. */
static uint32_t read_with(const Search *s, uint32_t after)
{
    uint32_t with = 1u << after;
    for (IrRef r = 0; r < s->g->count; r++) {
        uint32_t all = s->live[r] ? behind(s->v, s->v->on[r]) : 0;
        for (uint32_t i = 0; i < s->v->vars && all >> after & 1; i++)
            with |= all >> i & 1 && is_after(&s->v->var[i]) && belong(s, i, after) ? 1u << i : 0;
    }
    return with;
}

static bool find_steps(Search *s)
{
    EsValues *v = s->v;
    for (uint32_t i = 0; i < v->vars; i++) {
        if (!is_after(&v->var[i]))
            continue;
        uint32_t present = present_of(s, i);
        v->var[i].recursion = recursion_of(v, present);
        ES_EACH (k, present)
            if (recursion_of(v, 1u << k) >= 0 && recursion_of(v, 1u << k) != v->var[i].recursion)
                return fail(s, present | 1u << i, s->draw[v->var[i].draw].node,
                            "several sequences that are apart decide what is read after the loop");
        uint32_t all = behind(v, present);
        v->table[i] = 1u << i | (all & ~within(s, sample_of(s, i)->region));
    }
    for (bool news = true; news;) {
        news = false;
        for (uint32_t i = 0; i < v->vars; i++) {
            if (!is_after(&v->var[i]))
                continue;
            uint32_t with = read_with(s, i), around = 0;
            ES_EACH (k, with) {
                with |= v->part[k];
                around |= v->table[k];
            }
            news |= v->part[i] != with || (v->table[i] | with | around) != v->table[i];
            v->part[i] = with;
            v->table[i] |= with | around;
        }
    }
    return true;
}

uint32_t es_earlier(const EsValues *v, uint32_t steps)
{
    int64_t last = -1;
    uint32_t earlier = 0;
    ES_EACH (i, steps)
        last = v->var[i].step > last ? v->var[i].step : last;
    ES_EACH (i, steps)
        earlier |= v->var[i].step < last ? 1u << i : 0;
    ES_EACH (i, earlier)
        for (uint32_t k = 0; k < v->vars; k++)
            if (v->var[k].draw == v->var[i].draw && v->var[k].lag == last - v->var[i].step + 1)
                earlier &= ~(1u << i);
    return earlier;
}

/* ---- how large ------------------------------------------------------------------------------ */

/* The tables that decide the variables, each once. */
static uint32_t tables_of(const EsValues *v, uint32_t set, EsTable *t)
{
    uint32_t tables = 0, seen = 0;
    ES_EACH (i, set)
        if (!(seen >> i & 1)) {
            seen |= v->part[i];
            t[tables++] = (EsTable){.node = IR_NONE, .on = v->table[i]};
        }
    return tables;
}

static bool fits(Search *s, uint32_t table, IrRef at)
{
    int64_t terms = es_table_size(s->v->values, table);
    s->v->terms = terms > s->v->terms ? terms : s->v->terms;
    if (terms <= ES_ENUMERATION_BUDGET)
        return true;
    Arena *a = s->g->model->arena;
    const char *list = "";
    ES_EACH (i, table)
        list = arena_printf(a, "%s%s%s (%lld)", list, *list ? " x " : "", es_name(sample_of(s, i)),
                            (long long)s->v->values[i]);
    s->v->large = true;
    return fail(s, table, at,
                arena_printf(a, "this needs a sum over more than %d values jointly: %s",
                             ES_ENUMERATION_BUDGET, list));
}

/* Is there room to sum all but `kept` out of what decides the set? */
static bool sums_fit(Search *s, uint32_t set, uint32_t out, uint32_t extra, IrRef at)
{
    EsTable t[IR_MAX_PLATES + 1];
    uint32_t tables = tables_of(s->v, set, t), rest = 0;
    for (uint32_t k = 0; k < tables; k++)
        t[k].on |= t[k].on & past(s, UINT32_MAX) ? extra : 0;
    if (!fits(s, es_eliminate(NULL, NULL, t, &tables, out, s->v->values), at))
        return false;
    for (uint32_t k = 0; k < tables; k++)
        rest |= t[k].on;
    return fits(s, rest, at);
}

/* The table of a recursion, with the steps that are kept for after the loop. */
static bool recursion_fits(Search *s, const EsRecursion *c, uint32_t extra)
{
    uint32_t set = decided_by(s, c->within, c->within), kept = 0;
    ES_EACH (i, c->past)
        kept |= bit(s->v->is[s->draw[s->v->var[i].draw].node]);
    IrRef at = s->draw[c->draw].node;
    return sums_fit(s, set, c->within & ~(kept | c->past), extra, at) &&
           sums_fit(s, set, c->within & ~kept, extra, at);
}

/* Is it a cost, or a part of one, whose terms are summed apart because they read other values? */
static bool splits(const Search *s, IrRef r, bool *whole)
{
    const IrNode *n = &s->g->node[r];
    bool sum = n->op == IR_ADD || n->op == IR_SUB, differ = false;
    for (uint32_t k = 0; k < n->n_in; k++)
        differ |= s->v->on[n->in[k]] != s->v->on[r];
    bool apart = n->op == IR_COST || (!whole[r] && sum && differ);
    for (uint32_t k = 0; k < n->n_in && !apart; k++)
        whole[n->in[k]] = true;
    return apart;
}

/* Is there room for the value, and for what it is weighed by? */
static bool node_fits(Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    uint32_t law = n->op == IR_SAMPLE ? of_operands(s, n) : 0;
    uint32_t on = s->v->on[r] | law, all = behind(s->v, on);
    return !on || (fits(s, on, r) && sums_fit(s, all, all & ~on, 0, r));
}

static bool all_fit(Search *s)
{
    const EsValues *v = s->v;
    for (uint32_t k = 0; k < v->recursions; k++)
        if (!recursion_fits(s, &v->recursion[k], 0))
            return false;
    for (uint32_t i = 0; i < v->vars; i++) {
        int32_t c = v->var[i].recursion;
        if (c >= 0 && !recursion_fits(s, &v->recursion[c], es_earlier(v, v->part[i])))
            return false;
    }
    bool *whole = arena_array(s->g->model->arena, bool, s->g->count + 1);
    for (IrRef r = s->g->count; r-- > 0;)
        if (s->live[r] && !(splits(s, r, whole) || node_fits(s, r)))
            return false;
    return true;
}

/* ---- all of it ------------------------------------------------------------------------------ */

EsValues *es_values(const IrGraph *g, const bool *live, const EsDraw *draw, uint32_t draws)
{
    Arena *a = g->model->arena;
    EsValues *v = arena_make(a, EsValues);
    v->on = arena_array(a, uint32_t, g->count + 1);
    v->is = arena_array(a, int32_t, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        v->is[r] = -1;
    Search s = {.g = g, .draw = draw, .live = live, .v = v};
    s.held = arena_array(a, bool, g->count + 1);
    if (find_variables(&s, draws) && propagate(&s) && find_recursions(&s) && find_steps(&s))
        all_fit(&s);
    return v;
}
