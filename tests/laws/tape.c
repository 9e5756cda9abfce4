#include "tests/laws/tape.h"

#include "frontend/frontend.h"

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

TapeModel *tape_compile(const char *text)
{
    TapeModel *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->arena = arena_new();
    t->diags = diags_new("test.sg", text);
    ir_model_init(&t->model, t->arena);
    if (!fe_compile(&t->model, "test.sg", text, NULL, 0, t->diags))
        return t;
    PassOptions options = {.parts = 2, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = t->diags, .arena = t->arena};
    IrGraph scheduled[IR_ENTRIES];
    t->ok = passes_run(&t->model.graph[0], scheduled, &cx, keep_estimator, t);
    return t;
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
    in.state = arena_array(a, double, t->entry[IR_ENTRY_STEP].states + 1);
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
    for (uint32_t s = 0; s < t->entry[IR_ENTRY_STEP].states; s++)
        in.state[s] = 0.37 + 0.2 * s;
    return in;
}

enum {
    HERMITE = 30,
    SIZES = 72,
    HALF = 40,
    FINER = 72,
    FINE = 160
}; /* points of the rules below */

/* ---- the axes of the tape ------------------------------------------------------------------- */

/* Folded: a standard normal that is read through its size alone. */
typedef enum Rule { RULE_NORMAL, RULE_FOLDED, RULE_UNIFORM } Rule;

typedef struct Axis {
    double *noise;   /* where its variate is read */
    IrRef value;     /* of a discrete draw: the node that it decides; else IR_NONE */
    int64_t element; /* of `value` */
    Rule rule;
    IrRef first; /* order: the first draw of its sequence, or itself; its step; itself */
    int64_t step;
    IrRef draw;
} Axis;

typedef struct Points {
    int count;
    double x[2 * FINE], weight[2 * FINE];
} Points;

static Points hermite_points, size_points, uniform_points[3];

typedef struct Walk {
    const IrGraph *g;
    IrEnv env;
    Axis *axis;
    size_t axes;
    TapeResult *sum;
    const Points *uniform; /* finer where there are few axes */
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

/* The int value of the draw's shape that its noise decides first. */
static IrRef decided_by(const IrGraph *g, IrRef draw, Arena *a)
{
    const bool *cone = cone_of(g, draw, a);
    for (IrRef i = draw + 1; i < g->count; i++) {
        const IrType *t = &g->node[i].type;
        if (cone[i] && t->elem == IR_INT && t->plates == g->node[draw].type.plates &&
            ir_same_shape(t, &g->node[draw].type))
            return i;
    }
    return IR_NONE;
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
        IrRef value = rule == RULE_UNIFORM ? decided_by(g, r, a) : IR_NONE;
        for (int64_t e = 0; e < count; e++) {
            site[n->attr.item][e] = 0.5;
            *arena_push(a, w->axis, w->axes, Axis) = (Axis){.noise = &site[n->attr.item][e],
                                                            .value = value,
                                                            .element = e,
                                                            .rule = rule,
                                                            .first = first_of_sequence(g, r),
                                                            .step = step_of(w, n, e),
                                                            .draw = r};
        }
    }
    if (w->axes > 0)
        qsort(w->axis, w->axes, sizeof *w->axis, in_order);
    *noise = (const double **)site;
}

/* ---- quadrature ----------------------------------------------------------------------------- */

/* Gauss-Hermite for the standard normal: Newton on the orthonormal polynomials (Golub & Welsch's
 * nodes by another route), n nodes, exact to degree 2 n - 1. */
static double hermite(int n, double x, double *slope)
{
    double before = 0, now = 1;
    for (int k = 0; k < n; k++) {
        double next = (x * now - sqrt(k) * before) / sqrt(k + 1);
        before = now;
        now = next;
    }
    *slope = sqrt(n) * before;
    return now;
}

static void hermite_rule(Points *p)
{
    double *x = p->x, *w = p->weight;
    p->count = HERMITE;
    double slope, step = 1e-3, last = hermite(HERMITE, -12, &slope);
    int found = 0;
    for (double at = -12 + step; found < HERMITE && at < 12; at += step) {
        double now = hermite(HERMITE, at, &slope);
        if ((now < 0) != (last < 0)) {
            double root = at - step / 2;
            for (int i = 0; i < 50; i++)
                root -= hermite(HERMITE, root, &slope) / slope;
            hermite(HERMITE, root, &slope);
            x[found] = root;
            w[found++] = 1 / (slope * slope);
        }
        last = now;
    }
}

/* The law of the size of a standard normal, by x = e^(t - e^-t): both ends decay doubly
 * exponentially (Takahasi & Mori, 1974). */
static void size_rule(Points *p)
{
    double *x = p->x, *w = p->weight;
    p->count = SIZES;
    const double low = -3.7, h = 6.0 / (SIZES - 1);
    for (int i = 0; i < SIZES; i++) {
        double t = low + i * h;
        x[i] = exp(t - exp(-t));
        w[i] = h * x[i] * (1 + exp(-t)) * sqrt(2 / M_PI) * exp(-x[i] * x[i] / 2);
    }
}

/* tanh-sinh on one half of (0, 1), mirrored: laws that fold at 1/2 stay smooth on each half. */

static void uniform_rule(Points *p, int half)
{
    double *x = p->x, *w = p->weight;
    p->count = 2 * half;
    double h = 6.24 / (half - 1);
    for (int i = 0; i < half; i++) {
        double s = (i - (half - 1) / 2.0) * h;
        double u = 0.5 * (1 + tanh(M_PI / 2 * sinh(s)));
        double du = 0.25 * M_PI * cosh(s) / pow(cosh(M_PI / 2 * sinh(s)), 2);
        x[i] = u / 2;
        x[half + i] = 0.5 + u / 2;
        w[i] = w[half + i] = h * du / 2;
    }
}

static void make_rules(void)
{
    if (hermite_points.count)
        return;
    hermite_rule(&hermite_points);
    size_rule(&size_points);
    uniform_rule(&uniform_points[0], FINE);
    uniform_rule(&uniform_points[1], FINER);
    uniform_rule(&uniform_points[2], HALF);
}

/* ---- walking -------------------------------------------------------------------------------- */

static double **evaluate(Walk *w, Arena *a)
{
    double **value = arena_array(a, double *, w->g->count + 1);
    IrRef fault;
    if (!ir_eval(w->g, &w->env, a, value, &fault)) {
        fprintf(stderr, "node %u: an index is out of range\n", fault);
        abort();
    }
    return value;
}

static double decided_at(Walk *w, const Axis *axis, double u)
{
    Arena *a = arena_new();
    *axis->noise = u;
    double v = evaluate(w, a)[axis->value][axis->element];
    arena_free(a);
    return v;
}

static void add_up(Walk *w, double weight)
{
    Arena *a = arena_new();
    double **value = evaluate(w, a);
    size_t at = 0;
    for (int pass = 0; pass < 3; pass++)
        for (IrRef r = 0; r < w->g->count; r++) {
            const IrNode *n = &w->g->node[r];
            if (n->op != (IrOp[]){IR_OBJECTIVE, IR_GRAD, IR_NEXT}[pass])
                continue;
            for (int64_t e = 0; e < ir_elements(&n->type); e++)
                w->sum->value[at++] += weight * value[r][e];
        }
    w->sum->points++;
    arena_free(a);
}

static void walk(Walk *w, size_t axis, double weight);

/* The value is monotone in u: [low, high] is cut where it changes. */
static void walk_values(Walk *w, size_t at, double low, double v, double high, double last,
                        double weight)
{
    const Axis *axis = &w->axis[at];
    double edge = high;
    if (v != last) {
        double a = low, b = high;
        for (int i = 0; i < 80 && b - a > 1e-17; i++) {
            double mid = 0.5 * (a + b);
            *(decided_at(w, axis, mid) == v ? &a : &b) = mid;
        }
        edge = b;
    }
    *axis->noise = 0.5 * (low + edge);
    walk(w, at + 1, weight * (edge - low));
    if (v != last)
        walk_values(w, at, edge, decided_at(w, axis, edge), high, last, weight);
}

static void walk_rule(Walk *w, size_t at, const Points *p, double weight)
{
    for (int i = 0; i < p->count; i++) {
        *w->axis[at].noise = p->x[i];
        walk(w, at + 1, weight * p->weight[i]);
    }
}

static void walk(Walk *w, size_t at, double weight)
{
    if (at == w->axes) {
        add_up(w, weight);
        return;
    }
    const Axis *axis = &w->axis[at];
    if (axis->rule == RULE_NORMAL)
        walk_rule(w, at, &hermite_points, weight);
    else if (axis->rule == RULE_FOLDED)
        walk_rule(w, at, &size_points, weight);
    else if (axis->value == IR_NONE)
        walk_rule(w, at, w->uniform, weight);
    else
        walk_values(w, at, 0, decided_at(w, axis, 1e-300), 1, decided_at(w, axis, nextafter(1, 0)),
                    weight);
}

static size_t results_of(const IrGraph *g)
{
    size_t count = 0;
    for (IrRef r = 0; r < g->count; r++) {
        IrOp op = g->node[r].op;
        if (op == IR_OBJECTIVE || op == IR_GRAD || op == IR_NEXT)
            count += (size_t)ir_elements(&g->node[r].type);
    }
    return count;
}

TapeResult tape_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    TapeResult sum = {.count = results_of(g)};
    sum.value = arena_array(t->arena, double, sum.count + 1);
    Walk w = {.g = g, .sum = &sum};
    w.env = (IrEnv){.param = (const double *const *)in->param,
                    .data = (const double *const *)in->data,
                    .hyper = in->hyper,
                    .state = in->state,
                    .rows = in->rows,
                    .total_rows = in->total_rows};
    const double **noise;
    add_axes(&w, t->arena, &noise);
    w.env.noise = noise;
    make_rules();
    w.uniform = &uniform_points[w.axes == 1 ? 0 : w.axes == 2 ? 1 : 2];
    walk(&w, 0, 1);
    return sum;
}

/* Central differences of order 8 (Fornberg, 1988). */
double tape_slope(const TapeModel *t, TapeInput *in, uint32_t param, int64_t element)
{
    static const double weight[4] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
    const double h = 0.01;
    double *x = &in->param[param][element], at = *x, slope = 0;
    for (int i = 0; i < 4; i++) {
        *x = at + (i + 1) * h;
        double up = tape_expectation(t, &t->entry[IR_ENTRY_EVAL], in).value[0];
        *x = at - (i + 1) * h;
        slope += weight[i] * (up - tape_expectation(t, &t->entry[IR_ENTRY_EVAL], in).value[0]);
    }
    *x = at;
    return slope / h;
}
