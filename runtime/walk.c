/* Axis by axis through the noise of a call. */
#include "runtime/walk.h"

#include "runtime/memory.h"
#include "runtime/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    GRID = 33,        /* where pieces are looked for */
    FINE_GRID = 1025, /* where it is decided whether there are pieces */
    MOST_STEPS = 768, /* more changes on the fine grid than this are no pieces */
    SETTINGS = 32,    /* values of the axes that follow, while pieces are looked for */
    FEW = 2,          /* the same, while it is looked whether they are those that are known */
    KNOWN = 8         /* pieces of an axis that are tried again */
};

/* ---- rules ---------------------------------------------------------------------------------- */

/* Orthonormal Hermite polynomial n at x, for the standard normal. */
static double hermite(int n, double x, double *before)
{
    double now = 1;
    *before = 0;
    for (int k = 0; k < n; k++) {
        double next = (x * now - sqrt(k) * *before) / sqrt(k + 1);
        *before = now;
        now = next;
    }
    return now;
}

/* Roots by bisection between the changes of sign; the weights are 1 / (n p[n-1](x)^2). */
static void hermite_rule(SgrtRule *r, int n)
{
    const double step = 1e-2, end = 2 * sqrt(n) + 1;
    double before = 0;
    r->nodes = 0;
    for (double x = -end; x < end && r->nodes < n; x += step) {
        double low = x, high = x + step;
        bool sign = hermite(n, low, &before) < 0;
        if (sign == (hermite(n, high, &before) < 0))
            continue;
        for (int i = 0; i < 60; i++) {
            double middle = (low + high) / 2;
            *((hermite(n, middle, &before) < 0) == sign ? &low : &high) = middle;
        }
        hermite(n, low, &before);
        r->x[r->nodes] = low;
        r->weight[r->nodes++] = 1 / (n * before * before);
    }
}

/* tanh-sinh on (0, 1): both ends decay doubly exponentially, so laws whose inverse distribution
 * function is unbounded there are integrated too. */
static void flat_rule(SgrtRule *r, int n, double least)
{
    const double end = 3.1, h = 2 * end / (n - 1);
    double total = 0;
    r->nodes = n;
    for (int i = 0; i < n; i++) {
        double t = -end + i * h;
        double x = 1 / (1 + exp(-M_PI * sinh(t)));
        r->x[i] = fmin(fmax(x, least), 1 - least);
        r->weight[i] = cosh(t) * x * (1 - x);
        total += r->weight[i];
    }
    for (int i = 0; i < n; i++)
        r->weight[i] /= total;
}

/* ---- the tape ------------------------------------------------------------------------------- */

static const SgrtEntry *entry_of(const SgrtWalk *w)
{
    return w->gradient ? w->probe->graph->step : w->probe->graph->eval;
}

static bool call(SgrtWalk *w, SgrtError *e)
{
    double cost;
    w->calls++;
    return w->gradient ? sgrt_probe_step(w->probe, w->tape, e)
                       : sgrt_probe_cost(w->probe, w->tape, &cost, e);
}

static void set(SgrtWalk *w, int64_t axis, double v)
{
    for (int i = 0; i <= w->with_step; i++) {
        void *at = i ? w->also[axis] : w->at[axis];
        if (w->is_double)
            *(double *)at = v;
        else
            *(float *)at = (float)v;
    }
}

/* The least distance of a uniform variate from 0 and 1, and of an edge from where it is found. */
static double least(const SgrtWalk *w)
{
    return w->is_double ? 0x1p-50 : 0x1p-24;
}

/* Where the variates are, one after the other; how many. */
static int64_t find_variates(const SgrtWalk *w, const SgrtEntry *entry, void **tape, void **at)
{
    int64_t axes = 0, bytes = sgrt_real_bytes(w->probe->model);
    for (int64_t i = 0; i < entry->sites; i++)
        for (int64_t k = 0; k < sgrt_site_variates(&entry->site[i], w->probe->rows); k++)
            at[axes++] = (char *)tape[i] + k * bytes;
    return axes;
}

static void lay_axes(SgrtWalk *w)
{
    const SgrtEntry *entry = entry_of(w);
    int64_t axis = 0;
    w->axes = find_variates(w, entry, w->tape, w->at);
    for (int64_t i = 0; i < entry->sites; i++)
        for (int64_t k = 0; k < sgrt_site_variates(&entry->site[i], w->probe->rows); k++)
            w->kind[axis++] = entry->site[i].normal ? SGRT_AXIS_NORMAL : SGRT_AXIS_FLAT;
}

static bool same_sites(const SgrtEntry *a, const SgrtEntry *b)
{
    bool same = a->sites == b->sites;
    for (int64_t i = 0; same && i < a->sites; i++)
        same = strcmp(a->site[i].name, b->site[i].name) == 0 &&
               a->site[i].normal == b->site[i].normal && a->site[i].size == b->site[i].size &&
               a->site[i].by_rows == b->site[i].by_rows;
    return same;
}

bool sgrt_walk_with_step(SgrtWalk *w)
{
    const SgrtGraph *g = w->probe->graph;
    if (w->gradient || !same_sites(g->step, g->eval))
        return false;
    find_variates(w, g->step, w->probe->step, w->also);
    memset(w->searches, 0, (size_t)w->axes * sizeof *w->searches);
    w->with_step = true;
    return true;
}

/* ---- pieces --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *bytes, int64_t count)
{
    const unsigned char *b = bytes;
    for (int64_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x100000001b3;
    return hash;
}

/* Of everything that the call computes; where it fails too. */
static uint64_t print_of_call(SgrtWalk *w, uint64_t hash)
{
    SgrtError e;
    SgrtProbe *p = w->probe;
    call(w, &e);
    hash = mix(hash, p->cost, (1 + p->graph->costs) * (int64_t)sizeof(double));
    if (w->with_step) {
        w->calls++;
        sgrt_probe_step(p, p->step, &e);
    }
    for (int64_t i = 0; (w->gradient || w->with_step) && i < p->model->params; i++) {
        const void *g = sgrt_probe_gradient(p, i);
        hash = g ? mix(hash, g, p->model->param[i].size * sgrt_real_bytes(p->model)) : hash;
    }
    return hash;
}

/* Values without a pattern that could hide what an axis decides. */
static void settle(SgrtWalk *w, int64_t from, int setting)
{
    for (int64_t i = from; i < w->axes; i++) {
        double shift = fmod(0.41 + 0.754877666246693 * (double)i, 1) * setting;
        double v = fmod(0.137 + 0.618033988749895 * (double)(i + 1) + shift, 1);
        set(w, i, w->kind[i] == SGRT_AXIS_NORMAL ? 2.4 * v - 1.1 : 0.04 + 0.92 * v);
    }
}

static uint64_t print_at(SgrtWalk *w, int64_t axis, double u, int setting)
{
    settle(w, axis + 1, setting);
    set(w, axis, u);
    return print_of_call(w, 0xcbf29ce484222325);
}

static int settings_of(const SgrtWalk *w, int64_t axis)
{
    return axis + 1 < w->axes ? SETTINGS : 1;
}

/* An outcome of this axis may show in few of the settings: later draws may hide it. */
static uint64_t prints_at(SgrtWalk *w, int64_t axis, double u)
{
    uint64_t hash = 0;
    for (int s = 0; s < settings_of(w, axis); s++) {
        uint64_t one = print_at(w, axis, u, s);
        hash = mix(hash, &one, sizeof one);
    }
    return hash;
}

static bool differ(SgrtWalk *w, int64_t axis, double a, double b, int settings)
{
    for (int s = 0; s < settings && s < settings_of(w, axis); s++)
        if (print_at(w, axis, a, s) != print_at(w, axis, b, s))
            return true;
    return false;
}

/* The changes between two points; false if there are too many. */
static bool find_edges(SgrtWalk *w, int64_t axis, double low, uint64_t at_low, double high,
                       uint64_t at_high, SgrtPieces *p)
{
    double middle = low + (high - low) / 2;
    if (at_low == at_high)
        return true;
    if (high - low <= 2 * least(w) || middle <= low || middle >= high) {
        if (p->edges == SGRT_MOST_PIECES)
            return false;
        p->edge[p->edges++] = middle;
        return true;
    }
    uint64_t at_middle = prints_at(w, axis, middle);
    return find_edges(w, axis, low, at_low, middle, at_middle, p) &&
           find_edges(w, axis, middle, at_middle, high, at_high, p);
}

static double grid_point(const SgrtWalk *w, int i, int points)
{
    double u = (i + 0.5) / points;
    return i < 0 ? least(w) : i >= points ? 1 - least(w) : u;
}

static bool search(SgrtWalk *w, int64_t axis, SgrtPieces *p)
{
    p->edges = 0;
    double low = grid_point(w, -1, GRID);
    uint64_t at_low = prints_at(w, axis, low);
    for (int i = 0; i <= GRID; i++) {
        double high = grid_point(w, i, GRID);
        uint64_t at_high = prints_at(w, axis, high);
        if (!find_edges(w, axis, low, at_low, high, at_high, p))
            return false;
        low = high;
        at_low = at_high;
    }
    return true;
}

/* Are these its pieces: does everything change at their edges, and nothing from end to end? */
static bool are_pieces(SgrtWalk *w, int64_t axis, const SgrtPieces *p)
{
    double aside = 2 * least(w), before = 0;
    for (int i = 0; i <= p->edges; i++) {
        double low = i ? p->edge[i - 1] + aside : least(w);
        double high = i < p->edges ? p->edge[i] - aside : 1 - least(w);
        if (low >= high || (i > 0 && !differ(w, axis, before, low, SETTINGS)) ||
            differ(w, axis, low, high, FEW))
            return false;
        before = high;
    }
    return true;
}

/* NULL: there are too many. */
static const SgrtPieces *find_pieces(SgrtWalk *w, int64_t axis)
{
    SgrtPieces *known = w->known + KNOWN * axis;
    int64_t searches = w->searches[axis];
    for (int64_t i = searches - 1; i >= 0 && i >= searches - KNOWN; i--)
        if (are_pieces(w, axis, &known[i % KNOWN]))
            return &known[i % KNOWN];
    w->searches[axis]++;
    return search(w, axis, &known[searches % KNOWN]) ? &known[searches % KNOWN] : NULL;
}

/* A uniform variate in which the call changes seldom belongs to a law of finitely many values. */
static bool has_pieces(SgrtWalk *w, int64_t axis)
{
    int changes[FEW] = {0};
    for (int s = 0; s < FEW; s++) {
        uint64_t last = 0;
        settle(w, 0, s);
        for (int i = 0; i < FINE_GRID; i++) {
            set(w, axis, grid_point(w, i, FINE_GRID));
            uint64_t now = print_of_call(w, 0xcbf29ce484222325);
            changes[s] += i > 0 && now != last;
            last = now;
        }
    }
    return changes[0] <= MOST_STEPS && changes[1] <= MOST_STEPS;
}

static void sort_axes(SgrtWalk *w)
{
    for (int64_t i = 0; i < w->axes; i++) {
        if (w->kind[i] == SGRT_AXIS_FLAT && has_pieces(w, i))
            w->kind[i] = SGRT_AXIS_STEPS;
        w->smooth += w->kind[i] != SGRT_AXIS_STEPS;
    }
}

/* ---- walking -------------------------------------------------------------------------------- */

bool sgrt_walk_init(SgrtWalk *w, SgrtProbe *probe, bool gradient, SgrtError *e)
{
    *w = (SgrtWalk){.probe = probe,
                    .gradient = gradient,
                    .is_double = probe->model->real == SGRT_F64,
                    .tape = gradient ? probe->step : probe->eval,
                    .most = INT64_MAX};
    if (sgrt_tape_variates(entry_of(w), probe->rows) > SGRT_MOST_AXES_OF_TAPE)
        return sgrt_fail(e, "more than %d variates", SGRT_MOST_AXES_OF_TAPE);
    lay_axes(w);
    sort_axes(w);
    sgrt_walk_refine(w, false);
    w->known = sgrt_alloc(w->axes * KNOWN, sizeof *w->known, e);
    w->searches = w->known ? sgrt_alloc(w->axes, sizeof *w->searches, e) : NULL;
    if (w->searches)
        return true;
    sgrt_walk_free(w);
    return false;
}

void sgrt_walk_free(SgrtWalk *w)
{
    free(w->known);
    free(w->searches);
    *w = (SgrtWalk){0};
}

void sgrt_walk_refine(SgrtWalk *w, bool finer)
{
    static const int by_axes[] = {0, 40, 40, 24, 14, 8, 6};
    int most = w->smooth < 7 ? by_axes[w->smooth] : 4;
    int nodes = finer ? most : most * 3 / 4;
    if (w->smooth == 0)
        return;
    hermite_rule(&w->normal, nodes);
    flat_rule(&w->flat, w->smooth == 1 && finer ? SGRT_MOST_NODES : nodes, least(w));
}

typedef struct Step {
    SgrtWalk *w;
    SgrtVisit *visit;
    void *context;
    SgrtError *e;
} Step;

static bool walk(const Step *s, int64_t axis, double weight);

static bool walk_rule(const Step *s, int64_t axis, double weight, const SgrtRule *r)
{
    for (int i = 0; i < r->nodes; i++) {
        set(s->w, axis, r->x[i]);
        if (!walk(s, axis + 1, weight * r->weight[i]))
            return false;
    }
    return true;
}

static bool walk_pieces(const Step *s, int64_t axis, double weight)
{
    SgrtWalk *w = s->w;
    const SgrtPieces *found = find_pieces(w, axis);
    if (!found)
        return sgrt_fail(s->e, "more than %d outcomes of one draw", SGRT_MOST_PIECES);
    for (int i = 0; i <= found->edges; i++) {
        double low = i ? found->edge[i - 1] : 0, high = i < found->edges ? found->edge[i] : 1;
        set(w, axis, fmin(fmax((low + high) / 2, least(w)), 1 - least(w)));
        if (!walk(s, axis + 1, weight * (high - low)))
            return false;
    }
    return true;
}

static bool walk(const Step *s, int64_t axis, double weight)
{
    SgrtWalk *w = s->w;
    if (w->calls > w->most)
        return sgrt_fail(s->e, "more calls than are allowed");
    if (axis < w->axes && w->kind[axis] == SGRT_AXIS_STEPS)
        return walk_pieces(s, axis, weight);
    if (axis < w->axes)
        return walk_rule(s, axis, weight,
                         w->kind[axis] == SGRT_AXIS_NORMAL ? &w->normal : &w->flat);
    w->points++;
    return call(w, s->e) && s->visit(s->context, weight, s->e);
}

bool sgrt_walk(SgrtWalk *w, SgrtVisit *visit, void *context, SgrtError *e)
{
    Step s = {w, visit, context, e};
    w->points = 0;
    return walk(&s, 0, 1);
}
