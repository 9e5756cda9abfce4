#include "tests/laws/tape.h"

#include "frontend/frontend.h"
#include "tests/laws/quadrature.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- compiling ------------------------------------------------------------------------------ */

static void keep_estimator(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                           double ms, bool changed)
{
    TapeModel *t = context;
    (void)number, (void)ms, (void)changed;
    if (strcmp(p->name, "dce") == 0)
        ir_graph_clone(&t->entry[g->entry], g);
}

static TapeModel *compile(const char *text, const PassInfo *const *pass, size_t passes)
{
    TapeModel *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->arena = arena_new();
    t->diags = diags_new("test.sg", text);
    ir_model_init(&t->model, t->arena);
    if (!fe_compile(&t->model, "test.sg", text, NULL, 0, t->diags))
        return t;
    PassOptions options = {.parts = 2, .real_bytes = 8, .pass = pass, .passes = passes};
    PassCtx cx = {.options = &options, .diags = t->diags, .arena = t->arena};
    IrGraph scheduled[IR_ENTRIES];
    t->ok = passes_run(&t->model.graph[0], scheduled, &cx, keep_estimator, t);
    return t;
}

TapeModel *tape_compile(const char *text)
{
    return compile(text, NULL, 0);
}

TapeModel *tape_compile_plain(const char *text)
{
    const PassInfo *pass[2] = {NULL, NULL};
    for (size_t i = 0; i < pass_count; i++)
        if (strcmp(pass_info[i].name, "estimate") == 0 || strcmp(pass_info[i].name, "dce") == 0)
            pass[pass[0] != NULL] = &pass_info[i];
    return compile(text, pass, 2);
}

void tape_free(TapeModel *t)
{
    diags_free(t->diags);
    arena_free(t->arena);
    free(t);
}

/* ---- input ---------------------------------------------------------------------------------- */

/* Values without a pattern that could hide a mistake, of moderate size. */
static double generic(uint32_t which, int64_t element)
{
    return 0.7 * sin(1.3 + 2.1 * which + 0.9 * (double)element);
}

static double generic_of(IrElem elem, uint32_t which, int64_t element)
{
    double v = generic(which, element);
    return elem == IR_REAL ? v : (double)(v > 0);
}

TapeInput tape_input(const TapeModel *t, int64_t rows)
{
    const IrModel *m = &t->model;
    Arena *a = t->arena;
    TapeInput in = {.rows = rows, .total_rows = (double)rows};
    in.param = arena_array(a, double *, m->params + 1);
    in.data = arena_array(a, double *, m->datas + 1);
    in.hyper = arena_array(a, double, m->hypers + 1);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    int64_t numbers = ir_state_at(step, step->states);
    in.state = arena_array(a, double, (size_t)numbers + 1);
    for (uint32_t p = 0; p < m->params; p++) {
        int64_t n = ir_elements(&m->param[p].type);
        in.param[p] = arena_array(a, double, (size_t)n);
        for (int64_t e = 0; e < n; e++)
            in.param[p][e] = generic(p, e);
    }
    for (uint32_t d = 0; d < m->datas; d++) {
        int64_t n = ir_elements(&m->data[d].type) * (m->data[d].by_rows ? rows : 1);
        in.data[d] = arena_array(a, double, (size_t)n);
        for (int64_t e = 0; e < n; e++)
            in.data[d][e] = generic_of(m->data[d].type.elem, 100 + d, e);
    }
    for (uint32_t h = 0; h < m->hypers; h++)
        in.hyper[h] = m->hyper[h].value;
    for (int64_t s = 0; s < numbers; s++)
        in.state[s] = 0.37 + 0.2 * (double)(s % 7);
    return in;
}

/* ---- the axes of the tape ------------------------------------------------------------------- */

/* Folded: a standard normal that is read through its size alone. */
typedef enum Rule { RULE_NORMAL, RULE_FOLDED, RULE_UNIFORM } Rule;

typedef struct Axis {
    double *noise;        /* where its variate is read */
    bool discrete;        /* nothing else of it is read than what it decides */
    const IrRef *decided; /* ends in IR_NONE */
    const bool *needed;   /* by node: these follow from it too */
    const bool *follows;  /* by node: what follows from it */
    IrRef *own;           /* of these, what follows from no later axis */
    size_t owned;
    IrRef *on_trial; /* what finding what it decides takes */
    size_t tried;
    int64_t element;
    Rule rule;
    IrRef first; /* order: the first draw of its sequence, or itself; its step; itself */
    int64_t step;
    IrRef draw;
} Axis;

enum { BREAKS = 200 };                        /* places where one variate decides something */
enum { FEWER = 72, FINE = 160, COARSE = 40 }; /* points of half a uniform axis, by their number */

typedef struct Walk {
    const IrGraph *g;
    IrEnv env;
    double **value;
    Axis *axis;
    size_t axes;
    IrRef *root; /* whose values are summed, in the order of the result */
    size_t roots;
    TapeResult *sum;
    int half; /* points of a panel: more where there are few axes */
    Nodes nodes;
    const TapeInput *in;
} Walk;

static bool *cone_of(const IrGraph *g, IrRef r, Arena *a)
{
    bool *in = arena_array(a, bool, g->count);
    in[r] = true;
    for (IrRef i = r + 1; i < g->count; i++)
        for (uint32_t k = 0; k < g->node[i].n_in; k++)
            in[i] |= g->node[i].in[k] < i && in[g->node[i].in[k]];
    return in;
}

/* All that is another if the draw is; carries look forward. */
static bool *follows_from(const IrGraph *g, IrRef draw, Arena *a)
{
    bool *in = arena_array(a, bool, g->count);
    in[draw] = true;
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            for (uint32_t k = 0; k < g->node[r].n_in && !in[r]; k++)
                if (in[g->node[r].in[k]])
                    news = in[r] = true;
    }
    return in;
}

/* Of the results that go on with reals: all of it, and not only what it decides. */
static bool goes_on(const IrNode *n, const bool *itself)
{
    for (uint32_t k = 0; k < n->n_in && n->type.elem == IR_REAL && n->op != IR_FLOOR; k++)
        if (itself[n->in[k]])
            return true;
    return false;
}

/* Is more of it read than what it decides?  Then reals on the way to a result are all reals; a
 * carry looks forward. */
static bool is_read_itself(const IrGraph *g, IrRef draw, Arena *a)
{
    bool *itself = arena_array(a, bool, g->count + 1);
    itself[draw] = true;
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            if (!itself[r] && goes_on(&g->node[r], itself))
                news = itself[r] = true;
    }
    for (IrRef r = 0; r < g->count; r++) {
        IrOp op = g->node[r].op;
        if (itself[r] && (op == IR_OBJECTIVE || op == IR_GRAD || op == IR_NEXT))
            return true;
    }
    return false;
}

/* Is it read by a discrete law, and by nothing else? */
static bool decides_a_value(const IrGraph *g, IrRef draw, Arena *a)
{
    if (is_read_itself(g, draw, a))
        return false;
    const bool *cone = cone_of(g, draw, a);
    for (IrRef i = draw + 1; i < g->count; i++) {
        const IrType *t = &g->node[i].type;
        if (cone[i] && t->elem == IR_INT && !(g->node[draw].type.plates & ~t->plates) &&
            ir_same_shape(t, &g->node[draw].type))
            return true;
    }
    return false;
}

/* A draw reads what was drawn before it: earlier draws, and in a sequence those of earlier steps.
 */
static int in_order(const void *a, const void *b)
{
    const Axis *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    if (x->step != y->step)
        return x->step < y->step ? -1 : 1;
    if (x->draw != y->draw)
        return x->draw < y->draw ? -1 : 1;
    return (x->element > y->element) - (x->element < y->element);
}

/* What the decisions follow from. */
static bool *needed_for(const IrGraph *g, const IrRef *decided, Arena *a)
{
    bool *needed = arena_array(a, bool, g->count);
    for (; *decided != IR_NONE; decided++)
        needed[*decided] = true;
    for (bool news = true; news;) { /* carries look forward */
        news = false;
        for (IrRef r = g->count; r-- > 0;)
            for (uint32_t k = 0; k < g->node[r].n_in && needed[r]; k++)
                if (!needed[g->node[r].in[k]])
                    news = needed[g->node[r].in[k]] = true;
    }
    return needed;
}

/* Must x be known before y?  Within a sequence the steps say so. */
static bool comes_first(const IrGraph *g, const Axis *x, const Axis *y)
{
    uint32_t region = g->node[y->draw].region;
    return y->discrete && x->draw != y->draw && y->needed[x->draw] &&
           !(region && region == g->node[x->draw].region);
}

/* Of two draws that decide one value together, such as a law and what is drawn from it, the first
 * is integrated over: the chances of what the other decides then are smooth in it. */
static void part_ties(const IrGraph *g, Axis *axis, size_t axes)
{
    for (size_t i = 0; i < axes; i++)
        for (size_t k = 0; k < axes; k++)
            if (axis[i].draw < axis[k].draw && comes_first(g, &axis[i], &axis[k]) &&
                comes_first(g, &axis[k], &axis[i]))
                axis[i].discrete = false;
}

/* The order of the program, but for draws that a later one decides with. */
static void put_in_order(const IrGraph *g, Axis *axis, size_t axes)
{
    if (axes > 0)
        qsort(axis, axes, sizeof *axis, in_order);
    for (size_t i = 0; i < axes; i++)
        for (size_t k = axes; k-- > i + 1;)
            if (comes_first(g, &axis[k], &axis[i])) {
                Axis first = axis[k];
                memmove(&axis[i + 1], &axis[i], (k - i) * sizeof *axis);
                axis[i] = first;
                k = axes;
            }
}

static IrRef first_of_sequence(const IrGraph *g, IrRef draw)
{
    for (IrRef r = 0; r < draw; r++)
        if (g->node[r].op == IR_DRAW && g->node[r].region &&
            g->node[r].region == g->node[draw].region)
            return r;
    return draw;
}

static int64_t step_of(const Walk *w, const IrNode *draw, int64_t element)
{
    int64_t copy = element / ir_elements(&draw->type), step = 0;
    for (uint32_t p = w->g->plates; p-- > 0;)
        if (draw->type.plates >> p & 1) {
            int64_t size = ir_copies(w->g, 1u << p, w->env.rows);
            if (w->g->plate[p].kind == IR_PLATE_STEP)
                step = copy % size;
            copy /= size;
        }
    return step;
}

static bool is_folded(const IrGraph *g, IrRef draw)
{
    uint32_t readers = 0, sizes = 0;
    for (IrRef r = draw + 1; r < g->count; r++)
        for (uint32_t k = 0; k < g->node[r].n_in; k++) {
            readers += g->node[r].in[k] == draw;
            sizes += g->node[r].in[k] == draw && g->node[r].op == IR_ABS;
        }
    return sizes > 0 && sizes == readers;
}

static bool decides(const IrGraph *g, IrRef r)
{
    const IrNode *n = &g->node[r];
    bool of_reals = false;
    for (uint32_t k = 0; k < n->n_in; k++)
        of_reals |= g->node[n->in[k]].type.elem == IR_REAL;
    return of_reals && (n->type.elem != IR_REAL || n->op == IR_FLOOR || n->op == IR_RELU);
}

/* The first decisions on the ways from a draw; those of a sequence's other steps are not its own.
 */
static IrRef *decided_from(const IrGraph *g, IrRef draw, Arena *a)
{
    IrRef *decided = arena_array(a, IrRef, g->count + 1);
    bool *near = arena_array(a, bool, g->count + 1);
    size_t count = 0;
    near[draw] = true;
    for (IrRef r = draw + 1; r < g->count; r++) {
        for (uint32_t k = 0; k < g->node[r].n_in && g->node[r].op != IR_CARRY; k++)
            near[r] |= near[g->node[r].in[k]] && g->node[g->node[r].in[k]].type.elem == IR_REAL;
        if (near[r] && decides(g, r))
            decided[count++] = r;
    }
    decided[count] = IR_NONE;
    return decided;
}

/* The nodes that an axis is the last to decide; and what a trial of it computes: what it decides
 * needs, as far as that is not known before. */
static void share_nodes(Walk *w, Arena *a)
{
    const IrGraph *g = w->g;
    bool *later = arena_array(a, bool, g->count + 1);
    for (size_t i = w->axes; i-- > 0;) {
        Axis *axis = &w->axis[i];
        for (IrRef r = 0; r < g->count; r++) {
            if (axis->follows[r] && !later[r])
                *arena_push(a, axis->own, axis->owned, IrRef) = r;
            later[r] |= axis->follows[r];
            if (axis->needed[r] && later[r])
                *arena_push(a, axis->on_trial, axis->tried, IrRef) = r;
        }
    }
}

static void add_axes(Walk *w, Arena *a, const double ***noise)
{
    const IrGraph *g = w->g;
    double **site = arena_array(a, double *, g->sites + 1);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != IR_DRAW)
            continue;
        int64_t count = ir_copies(g, n->type.plates, w->env.rows) * ir_elements(&n->type);
        site[n->attr.item] = arena_array(a, double, (size_t)count);
        Rule rule = n->attr.k[0] ? RULE_UNIFORM : is_folded(g, r) ? RULE_FOLDED : RULE_NORMAL;
        bool discrete = rule == RULE_UNIFORM && decides_a_value(g, r, a);
        const IrRef *decided = decided_from(g, r, a);
        const bool *needed = needed_for(g, decided, a), *follows = follows_from(g, r, a);
        for (int64_t e = 0; e < count; e++) {
            site[n->attr.item][e] = 0.5;
            *arena_push(a, w->axis, w->axes, Axis) = (Axis){.noise = &site[n->attr.item][e],
                                                            .discrete = discrete,
                                                            .decided = decided,
                                                            .needed = needed,
                                                            .follows = follows,
                                                            .element = e,
                                                            .rule = rule,
                                                            .first = first_of_sequence(g, r),
                                                            .step = step_of(w, n, e),
                                                            .draw = r};
        }
    }
    part_ties(g, w->axis, w->axes);
    put_in_order(g, w->axis, w->axes);
    share_nodes(w, a);
    *noise = (const double **)site;
}

uint64_t tape_points(const IrGraph *g, int64_t rows, uint64_t most)
{
    uint64_t points = 1;
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != IR_DRAW)
            continue;
        int64_t count = ir_copies(g, n->type.plates, rows) * ir_elements(&n->type);
        bool broken = *decided_from(g, r, g->model->arena) != IR_NONE;
        uint64_t each = !n->attr.k[0]
                            ? broken ? 10 * COARSE : (uint64_t)points_hermite(NODES_FEW)->count
                        : decides_a_value(g, r, g->model->arena) ? 2
                                                                 : 2 * COARSE;
        for (int64_t e = 0; e < count && points < most; e++)
            points *= each;
    }
    return points < most ? points : most;
}

/* ---- walking -------------------------------------------------------------------------------- */

static void out_of_range(IrRef fault)
{
    fprintf(stderr, "node %u: an index is out of range\n", fault);
    abort();
}

static void evaluate_all(Walk *w, Arena *a)
{
    IrRef fault;
    w->value = arena_array(a, double *, w->g->count + 1);
    if (!ir_eval(w->g, &w->env, a, w->value, &fault))
        out_of_range(fault);
}

static void evaluate(Walk *w, const IrRef *node, size_t nodes)
{
    IrRef fault;
    if (!ir_eval_nodes(w->g, &w->env, node, nodes, w->value, &fault))
        out_of_range(fault);
}

/* A variate for good: what is known with it and those before it is computed. */
static void set(Walk *w, const Axis *axis, double noise)
{
    *axis->noise = noise;
    evaluate(w, axis->own, axis->owned);
}

/* A variate on trial: what it decides is computed, and made again when later ones are set. */
static void attempt(Walk *w, const Axis *axis, double noise)
{
    *axis->noise = noise;
    evaluate(w, axis->on_trial, axis->tried);
}

static void add_up(Walk *w, double weight)
{
    size_t at = 0;
    for (size_t i = 0; i < w->roots; i++) {
        const double *value = w->value[w->root[i]];
        int64_t elements = ir_elements(&w->g->node[w->root[i]].type);
        for (int64_t e = 0; e < elements; e++) {
            w->sum->value[at] += weight * value[e];
            w->sum->square[at++] += weight * value[e] * value[e];
        }
    }
    w->sum->points++;
}

static void walk(Walk *w, size_t axis, double weight);

static void walk_rule(Walk *w, size_t at, const Points *p, double weight)
{
    for (int i = 0; i < p->count; i++) {
        set(w, &w->axis[at], p->x[i]);
        walk(w, at + 1, weight * p->weight[i]);
    }
}

/* ---- breaks ---------------------------------------------------------------------------------- */

/* A cut at zero decides on which side of it. */
static double what_is_decided(const IrNode *n, double value)
{
    return n->op == IR_RELU ? value > 0 : value;
}

static double value_at(Walk *w, const Axis *axis, double noise, IrRef node, int64_t element)
{
    attempt(w, axis, noise);
    return what_is_decided(&w->g->node[node], w->value[node][element]);
}

/* All that the variate decides, as one number. */
static uint64_t decided_at(Walk *w, const Axis *axis, double u)
{
    uint64_t all = 0;
    attempt(w, axis, u);
    for (const IrRef *r = axis->decided; *r != IR_NONE; r++) {
        const IrNode *n = &w->g->node[*r];
        int64_t count = ir_copies(w->g, n->type.plates, w->env.rows) * ir_elements(&n->type);
        for (int64_t i = 0; i < count; i++)
            all =
                (all ^ (uint64_t)(int64_t)what_is_decided(n, w->value[*r][i])) * 0x100000001b3u + 1;
    }
    return all;
}

typedef struct Breaks {
    int count;
    double at[BREAKS];
} Breaks;

static void add_break(Breaks *b, double at)
{
    int i = b->count;
    for (int k = 0; k < b->count; k++)
        if (fabs(b->at[k] - at) < 1e-15)
            return;
    if (i == BREAKS)
        abort();
    for (; i > 0 && b->at[i - 1] > at; i--)
        b->at[i] = b->at[i - 1];
    b->at[i] = at;
    b->count++;
}

/* Between two places the value is monotone in the noise. */
static void find_break(Walk *w, const Axis *axis, IrRef node, int64_t element, double low,
                       double high, Breaks *breaks)
{
    double last = value_at(w, axis, high, node, element);
    for (double v; (v = value_at(w, axis, low, node, element)) != last;) {
        double a = low, b = high;
        for (int i = 0; i < 80 && b - a > 1e-17; i++) {
            double mid = 0.5 * (a + b);
            *(value_at(w, axis, mid, node, element) == v ? &a : &b) = mid;
        }
        add_break(breaks, b);
        low = b;
    }
}

static void find_breaks_between(Walk *w, const Axis *axis, double low, double high, Breaks *breaks)
{
    for (const IrRef *r = axis->decided; *r != IR_NONE; r++) {
        const IrType *t = &w->g->node[*r].type;
        int64_t elements = ir_copies(w->g, t->plates, w->env.rows) * ir_elements(t);
        for (int64_t e = 0; e < elements; e++)
            find_break(w, axis, *r, e, low, high, breaks);
    }
}

/* What repeats itself, a sine, decides again and again: it is looked at in several places. */
static void find_breaks(Walk *w, const Axis *axis, const double *place, int places, Breaks *breaks)
{
    uint64_t low = decided_at(w, axis, place[0]);
    for (int i = 1; i < places; i++) {
        uint64_t high = decided_at(w, axis, place[i]);
        if (high != low)
            find_breaks_between(w, axis, place[i - 1], place[i], breaks);
        low = high;
    }
}

/* ---- outcomes ------------------------------------------------------------------------------- */

/* What a variate decides, how often, and a variate that does. */
typedef struct Outcome {
    uint64_t decides;
    double measure, at;
} Outcome;

typedef struct Outcomes {
    Outcome *outcome;
    size_t count;
} Outcomes;

static void add_outcome(Outcomes *o, Arena *a, uint64_t decides, double low, double high)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->outcome[i].decides == decides) {
            o->outcome[i].measure += high - low;
            return;
        }
    *arena_push(a, o->outcome, o->count, Outcome) =
        (Outcome){decides, high - low, 0.5 * (low + high)};
}

/* No outcome comes back in [low, high], which is cut where it changes. */
static void find_outcomes(Walk *w, const Axis *axis, double low, double high, Outcomes *o, Arena *a)
{
    const double edge = 1e-15;
    uint64_t last = decided_at(w, axis, high - edge);
    for (double from = low + edge; from < high - edge;) {
        uint64_t now = decided_at(w, axis, from);
        if (now == last)
            break;
        double same = from, other = high;
        for (int i = 0; i < 60 && other - same > 1e-17; i++) {
            double mid = 0.5 * (same + other);
            *(decided_at(w, axis, mid) == now ? &same : &other) = mid;
        }
        add_outcome(o, a, now, low, other);
        low = from = other;
    }
    add_outcome(o, a, last, low, high);
}

/* Copies of a value may read their variate shifted by parts of its range, around: by halves,
 * thirds, quarters. */
static void walk_values(Walk *w, size_t at, double weight)
{
    enum { PARTS = 12 };
    Arena *a = arena_new();
    Outcomes o = {0};
    for (int i = 0; i < PARTS; i++)
        find_outcomes(w, &w->axis[at], i / (double)PARTS, (i + 1) / (double)PARTS, &o, a);
    for (size_t i = 0; i < o.count; i++) {
        set(w, &w->axis[at], o.outcome[i].at);
        walk(w, at + 1, weight * o.outcome[i].measure);
    }
    arena_free(a);
}

/* Laws that fold at 1/2 are smooth on each half; of two copies one is shifted by it. */
static void walk_uniform(Walk *w, size_t at, double weight)
{
    Breaks b = {.count = 1, .at = {0.5}};
    Points p = {0};
    if (w->in->frequency > 0) {
        points_oscillating(&p, w->in->frequency);
        walk_rule(w, at, &p, weight);
        return;
    }
    const double place[] = {1e-300,     1e-8,       1e-5,  1e-3,     0.01,       0.1,
                            0.3,        0.4,        0.49,  0.499,    0.5 - 1e-5, 0.5 - 1e-8,
                            0.5 + 1e-8, 0.5 + 1e-5, 0.501, 0.51,     0.6,        0.7,
                            0.9,        0.99,       0.999, 1 - 1e-5, 1 - 1e-8,   nextafter(1, 0)};
    find_breaks(w, &w->axis[at], place, sizeof place / sizeof *place, &b);
    if (w->in->heavy)
        points_from_zero(&p, b.at[0], w->half);
    for (int i = w->in->heavy; i <= b.count; i++)
        points_between(&p, i ? b.at[i - 1] : 0, i < b.count ? b.at[i] : 1, w->half, density_flat);
    walk_rule(w, at, &p, weight);
}

static void walk_normal(Walk *w, size_t at, double weight)
{
    Breaks b = {0};
    Points p = {0};
    const double place[] = {-30, -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6, 30};
    find_breaks(w, &w->axis[at], place, sizeof place / sizeof *place, &b);
    if (b.count == 0) {
        walk_rule(w, at, points_hermite(w->nodes), weight);
        return;
    }
    for (int cut = -3; cut <= 3; cut += 3) /* the bulk is between, and the tails beyond */
        add_break(&b, cut);
    for (int i = 0; i <= b.count; i++)
        if (i == 0 || i == b.count)
            points_beyond(&p, b.at[i ? i - 1 : 0], i ? 1 : -1);
        else
            points_between(&p, b.at[i - 1], b.at[i], w->half, density_normal);
    walk_rule(w, at, &p, weight);
}

/* Of one that is read through its size, half: where it decides something it is cut there too. */
static void walk_folded(Walk *w, size_t at, double weight)
{
    Breaks b = {0};
    Points p = {0};
    const double place[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 30};
    find_breaks(w, &w->axis[at], place, sizeof place / sizeof *place, &b);
    if (b.count == 0 && !w->in->fine) {
        walk_rule(w, at, points_folded(), weight);
        return;
    }
    for (int cut = 1; cut <= 3; cut += 2) /* the bulk, and the tail */
        add_break(&b, cut);
    for (int i = 0; i < b.count; i++)
        points_between(&p, i ? b.at[i - 1] : 0, b.at[i], w->half, density_normal);
    points_beyond(&p, b.at[b.count - 1], 1);
    walk_rule(w, at, &p, 2 * weight);
}

static void walk(Walk *w, size_t at, double weight)
{
    if (w->in->most && w->sum->points > w->in->most)
        return;
    if (at == w->axes) {
        add_up(w, weight);
        return;
    }
    const Axis *axis = &w->axis[at];
    if (axis->rule == RULE_NORMAL)
        walk_normal(w, at, weight);
    else if (axis->rule == RULE_FOLDED)
        walk_folded(w, at, weight);
    else if (!axis->discrete)
        walk_uniform(w, at, weight);
    else
        walk_values(w, at, weight);
}

/* What is summed, and room for the sums. */
static void find_roots(Walk *w, Arena *a)
{
    for (int pass = 0; pass < 3; pass++)
        for (IrRef r = 0; r < w->g->count; r++)
            if (w->g->node[r].op == (IrOp[]){IR_OBJECTIVE, IR_GRAD, IR_NEXT}[pass]) {
                *arena_push(a, w->root, w->roots, IrRef) = r;
                w->sum->count += (size_t)ir_elements(&w->g->node[r].type);
            }
    w->sum->value = arena_array(a, double, w->sum->count + 1);
    w->sum->square = arena_array(a, double, w->sum->count + 1);
}

TapeResult tape_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    TapeResult sum = {0};
    Walk w = {.g = g, .sum = &sum, .in = in};
    find_roots(&w, t->arena);
    w.env = (IrEnv){.param = (const double *const *)in->param,
                    .data = (const double *const *)in->data,
                    .hyper = in->hyper,
                    .state = in->state,
                    .rows = in->rows,
                    .total_rows = in->total_rows};
    const double **noise;
    add_axes(&w, t->arena, &noise);
    w.env.noise = noise;
    bool many = w.axes <= (in->few ? 1 : 2);
    if (in->fine)
        w.nodes = many ? NODES_MOST : NODES_SOME;
    else
        w.nodes = many ? NODES_MANY : NODES_FEW;
    w.half = (w.axes == 1 ? FINE : many ? FEWER : COARSE) * (in->fine ? 5 : 4) / 4;
    evaluate_all(&w, t->arena);
    walk(&w, 0, 1);
    return sum;
}

static void copy_params(const TapeModel *t, TapeInput *to, const TapeInput *from)
{
    to->param = arena_array(t->arena, double *, t->model.params + 1);
    for (uint32_t p = 0; p < t->model.params; p++) {
        size_t n = (size_t)ir_elements(&t->model.param[p].type);
        to->param[p] = arena_array(t->arena, double, n);
        memcpy(to->param[p], from->param[p], n * sizeof *to->param[p]);
    }
}

static void move(const TapeModel *t, TapeInput *in, const double *direction, double by)
{
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t e = 0; e < ir_elements(&t->model.param[p].type); e++)
            in->param[p][e] += by * *direction++;
}

TapeResult tape_mean(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    return (in->mean ? in->mean : tape_expectation)(t, g, in);
}

/* Central differences of order 8 (Fornberg, 1988). */
double tape_slope_along(const TapeModel *t, TapeInput *in, const double *direction)
{
    static const double weight[4] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
    const double h = in->fine ? 0.006 : 0.01;
    TapeInput moved = *in;
    double slope = 0;
    for (int i = 0; i < 8; i++) {
        double by = (i % 2 ? -1 : 1) * (i / 2 + 1) * h;
        copy_params(t, &moved, in);
        move(t, &moved, direction, by);
        double value = tape_mean(t, &t->entry[IR_ENTRY_EVAL], &moved).value[0];
        slope += (i % 2 ? -1 : 1) * weight[i / 2] * value;
    }
    return slope / h;
}

double tape_slope(const TapeModel *t, TapeInput *in, uint32_t param, int64_t element)
{
    size_t at = (size_t)element, count = 0;
    for (uint32_t p = 0; p < t->model.params; p++) {
        at += p < param ? (size_t)ir_elements(&t->model.param[p].type) : 0;
        count += (size_t)ir_elements(&t->model.param[p].type);
    }
    double *direction = arena_array(t->arena, double, count + 1);
    direction[at] = 1;
    return tape_slope_along(t, in, direction);
}
