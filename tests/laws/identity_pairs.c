/* Pairs of measures against the derivative of the law, and the flow of draws of two variates. */
#include "ir/measure.h"
#include "tests/laws/identity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FRESH = 100, GRID = 2 };

/* ---- pairs of measures ---------------------------------------------------------------------- */

/* Values of the draw, its noise and fresh noise, side by side, and what each weighs. */
typedef struct Joint {
    int n;
    double *value, *noise, *fresh, *weight;
} Joint;

static Joint joint_new(int most)
{
    double *all = calloc(4 * (size_t)most, sizeof *all);
    return (Joint){0, all, all + most, all + 2 * most, all + 3 * most};
}

static void add_point(Joint *j, double value, double noise, double fresh, double weight)
{
    if (!(weight > 1e-22))
        return;
    j->value[j->n] = value;
    j->noise[j->n] = noise;
    j->fresh[j->n] = fresh;
    j->weight[j->n++] = weight;
}

/* (0, 1), both ends of which a function may rise at; every count's own share of it. */
static int fresh_rule(const Law *l, double *u, double *w)
{
    const int step = QUADRATURE / FRESH;
    if (l->info->elem == IR_REAL) {
        double x[QUADRATURE], weight[QUADRATURE];
        int many = 0;
        quadrature(0, 1, x, weight);
        for (int i = 0; i < QUADRATURE; i += step)
            if (x[i] > 1e-30 && x[i] < 1) {
                u[many] = x[i];
                w[many++] = step * weight[i];
            }
        return many;
    }
    int n = l->dist == IR_DIST_binomial ? (int)l->arg[0] : l->dist == IR_DIST_geometric ? FRESH : 1;
    for (int i = 0; i < n; i++) {
        double before = pow(1 - l->arg[0], i), after = pow(1 - l->arg[0], i + 1);
        bool steps = l->dist == IR_DIST_geometric;
        w[i] = steps ? before - after : 1.0 / n;
        u[i] = steps ? 1 - (before + after) / 2 : (i + 0.5) / n;
    }
    return n;
}

enum { DRAWS = 2 * QUADRATURE };

/* Draws of a real law by its noise: both halves of it. */
static int draws_by_noise(const Law *l, double *x, double *noise, double *w)
{
    bool normal = l->info->base == IR_BASE_NORMAL;
    double at[QUADRATURE], weight[QUADRATURE];
    int n = 0;
    for (int side = 0; side < 2; side++) {
        double low = normal ? (side ? 0 : -INFINITY) : side / 2.0;
        quadrature(low, normal ? (side ? INFINITY : 0) : low + 0.5, at, weight);
        int many = id_thinned(l, at, weight, QUADRATURE);
        for (int i = 0; i < many; i++) {
            double mass = weight[i] * (normal ? exp(-at[i] * at[i] / 2) / sqrt(2 * M_PI) : 1);
            if (mass > 1e-20 && (normal || (at[i] > 0 && at[i] < 1))) {
                noise[n] = at[i];
                w[n++] = mass;
            }
        }
    }
    double **arg = id_repeated(l, n);
    id_transport(l, arg, n, noise, x, NULL);
    id_forget(arg);
    return n;
}

/* On the line, where slices turn at the peak, by the density on both sides of that. */
static int draws_by_density(const Law *l, double *x, double *w)
{
    double peak, size = id_spread(l, &peak), at[QUADRATURE], weight[QUADRATURE], p[DRAWS];
    int n = 0;
    for (int side = 0; side < 2; side++) {
        quadrature(side ? 0 : -INFINITY, side ? INFINITY : 0, at, weight);
        for (int i = 0; i < QUADRATURE; i++) {
            x[n] = peak + size * at[i];
            w[n++] = size * weight[i];
        }
    }
    id_density(l, x, n, p, NULL);
    for (int i = 0; i < n; i++)
        w[i] = p[i] > 1e-300 && isfinite(w[i]) ? w[i] * p[i] : 0;
    return n;
}

static int draws_of_counts(const Law *l, double *x, double *w)
{
    int n = l->info->support == IR_BOUNDED_COUNTS ? (int)l->arg[0] + 1 : l->high == 1 ? 2 : DRAWS;
    for (int i = 0; i < n; i++)
        x[i] = i;
    id_density(l, x, n, w, NULL);
    return n;
}

static Joint joint_of(const Law *l)
{
    double x[DRAWS], noise[DRAWS] = {0}, w[DRAWS], u[2 * FRESH], v[2 * FRESH];
    bool of_noise = ir_measure[l->dist]->of_noise || l->info->support != IR_REAL_LINE;
    int n = l->info->elem == IR_INT ? draws_of_counts(l, x, w)
            : of_noise              ? draws_by_noise(l, x, noise, w)
                                    : draws_by_density(l, x, w);
    int fresh = ir_measure[l->dist]->fresh ? fresh_rule(l, u, v) : 1;
    bool apart = l->info->support == IR_CIRCLE; /* each pair reads one of the two */
    if (!ir_measure[l->dist]->fresh)
        u[0] = 0.5, v[0] = 1;
    Joint j = joint_new(n * fresh);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < fresh; k++)
            if (!apart || k == 0)
                add_point(&j, x[i], noise[i], apart ? noise[i] : u[k], w[i] * (apart ? 1 : v[k]));
    return j;
}

/* What the draws might be instead, one row of j->n a variant. */
static double *variants_of(const Law *l, const Joint *j)
{
    const IrMeasure *m = ir_measure[l->dist];
    double *all = calloc((size_t)j->n * m->variants, sizeof *all);
    Ask *a = ask_new();
    IrGraph *g = &a->graph;
    IrRef in[ARGUMENTS], variant[4];
    id_scalars(a, l, in);
    IrDrawn d = {l->dist, in, ask_input(a, l->info->elem, 1, j->n, 0, j->value),
                 ask_input(a, IR_REAL, 1, j->n, 0, j->noise),
                 ask_input(a, IR_REAL, 1, j->n, 0, j->fresh)};
    m->variant(g, &d, variant);
    for (uint32_t i = 0; i < m->variants; i++) {
        IrRef r = m->of_noise ? l->info->transport(g, in, variant[i]) : variant[i];
        const double *value = ask_value(a, r);
        bool same = a->graph.node[r].type.rank == 0; /* for all draws: a bound */
        for (int n = 0; n < j->n; n++)
            all[i * (size_t)j->n + (size_t)n] = value[same ? 0 : n];
    }
    ask_free(a);
    return all;
}

/* The mean of what the rule makes of the costs f of the draw and of its variants. */
static void mean_slopes(const Law *l, const Joint *j, const double *variant, Weight *f, double at,
                        double size, double *mean)
{
    const IrMeasure *m = ir_measure[l->dist];
    double *cost = calloc((size_t)j->n * (m->variants + 1), sizeof *cost);
    double *base = cost + (size_t)j->n * m->variants;
    for (int i = 0; i < j->n; i++) {
        base[i] = f(j->value[i], at, size);
        for (uint32_t v = 0; v < m->variants; v++)
            cost[(uint32_t)i * m->variants + v] =
                f(variant[v * (size_t)j->n + (size_t)i], at, size);
    }
    Ask *a = ask_new();
    IrRef in[ARGUMENTS], slope[4] = {IR_NONE, IR_NONE, IR_NONE, IR_NONE};
    id_scalars(a, l, in);
    IrDrawn d = {l->dist, in, ask_input(a, l->info->elem, 1, j->n, 0, j->value),
                 ask_input(a, IR_REAL, 1, j->n, 0, j->noise),
                 ask_input(a, IR_REAL, 1, j->n, 0, j->fresh)};
    IrRef costs = ask_input(a, IR_REAL, 2, j->n, m->variants, cost);
    m->slope(&a->graph, &d, ask_input(a, IR_REAL, 1, j->n, 0, base), costs, slope);
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        const double *value = m->arguments >> k & 1 ? ask_value(a, slope[k]) : NULL;
        mean[k] = 0;
        for (int i = 0; i < j->n && value; i++)
            mean[k] += j->weight[i] * value[i];
    }
    ask_free(a);
    free(cost);
}

static double peak(double x, double at, double size)
{
    double z = (x - at) / (2 * size);
    return 1 / (1 + z * z);
}

static double point(double x, double at, double size)
{
    (void)size;
    return x == at;
}

static double whole(double x, double at, double size)
{
    (void)x, (void)at, (void)size;
    return 1;
}

static void check_pairs(const Law *of)
{
    static const double grid[GRID] = {-1, 0.7};
    Law centred = *of, *l = &centred;
    if (id_is_rough(l))
        return;
    if (l->info->support == IR_CIRCLE)
        l->arg[0] = 0; /* so that no peak is cut at -pi */
    bool counts = l->info->elem == IR_INT;
    double middle = 0, size = counts ? 1 : id_spread(l, &middle), mean[ARGUMENTS],
           sum[ARGUMENTS + 1];
    Weight *f = counts ? point : peak;
    Joint j = joint_of(l);
    double *variant = variants_of(l, &j);
    mean_slopes(l, &j, variant, whole, 0, size, mean);
    for (uint32_t k = 0; k < l->info->arguments; k++)
        id_check_near(l, "difference of the masses", k, 0, mean[k] * id_unit(l, k), 0, 1e-13, 1);
    for (int i = 0; i < GRID; i++) {
        double at = counts ? i + floor(l->arg[0] / 2) * (l->high > 1) : middle + grid[i] * size;
        mean_slopes(l, &j, variant, f, at, size, mean);
        id_expect(l, f, at, sum);
        for (uint32_t k = 0; k < l->info->arguments; k++) {
            double bound = l->info->moves && !counts ? f(l->arg[k], at, size) / id_unit(l, k) : 0;
            double want = sum[k] + (k == 0 ? -bound : bound);
            if (ir_measure[l->dist]->arguments >> k & 1)
                id_check_near(l, "pair", k, at, mean[k] * id_unit(l, k), want * id_unit(l, k),
                              1e-10, 1);
        }
    }
    free(variant);
    free(j.value);
}

START_TEST(pairs_are_the_slope_of_the_law)
{
    if (ir_measure[_i]->variants > 0)
        id_each_law((IrDist)_i, check_pairs);
}
END_TEST

/* ---- flow of paired noise ---------------------------------------------------------------------
 */

static double peak_slope(double x, double at, double size)
{
    double z = (x - at) / (2 * size), height = 1 / (1 + z * z);
    return -z / size * height * height;
}

enum { PAIRS = 2 * FRESH * QUADRATURE };

/* Draws by both variates; of student_t, in which the second turns a sine, by both halves of it and
 * by all nodes: a heavy tail is thin there. */
static int draws_by_pairs(const Law *l, double *noise, double *w)
{
    double u[2 * FRESH], v[2 * FRESH], at[QUADRATURE], weight[QUADRATURE];
    static double other[PAIRS];
    bool turns = l->dist == IR_DIST_student_t;
    int n = fresh_rule(l, u, v), parts = turns ? 2 : 1, step = turns ? 1 : QUADRATURE / FRESH;
    int nodes = QUADRATURE / step, all = n * nodes * parts, many = 0;
    quadrature(0, 1, at, weight);
    for (int i = 0; i < all; i++) {
        int first = i / (nodes * parts), second = i / parts % nodes * step;
        double mass = v[first] * weight[second] * step / parts;
        if (!(mass > 1e-20))
            continue;
        noise[many] = u[first];
        other[many] = fmin(at[second] + i % parts, parts * (1 - 0x1p-53)) / parts;
        w[many++] = mass;
    }
    memcpy(noise + many, other, (size_t)many * sizeof *noise);
    return many;
}

/* Two variates make one draw, so the equation holds for E[dx / d argument | x]: against peaks, of
 * which the mean slope along the transport is the integral of f dp / d argument. */
static void check_mean_flow(const Law *l)
{
    static const double grid[] = {-1.5, -0.4, 0, 0.7, 2};
    static double noise[2 * PAIRS], w[PAIRS], x[PAIRS], slope[PAIRS][ARGUMENTS];
    if (id_is_rough(l))
        return;
    int n = draws_by_pairs(l, noise, w);
    double **arg = id_repeated(l, n), middle, size = id_spread(l, &middle);
    id_transport(l, arg, n, noise, x, slope);
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) {
        double at = middle + grid[i] * size, sum[ARGUMENTS + 1], mean[ARGUMENTS] = {0};
        id_expect(l, peak, at, sum);
        for (int j = 0; j < n; j++)
            for (uint32_t k = 0; k < l->info->arguments; k++)
                mean[k] += w[j] * peak_slope(x[j], at, size) * slope[j][k];
        for (uint32_t k = 0; k < l->info->arguments; k++)
            id_check_near(l, "mean flow", k, at, mean[k] * id_unit(l, k), sum[k] * id_unit(l, k),
                          1e-10, 1);
    }
    id_forget(arg);
}

START_TEST(densities_flow_in_the_mean_of_two_variates)
{
    if (ir_dist_info[_i].noise == IR_NOISE_PAIR)
        id_each_law((IrDist)_i, check_mean_flow);
}
END_TEST

void id_add_pairs(TCase *c)
{
    tcase_add_loop_test(c, pairs_are_the_slope_of_the_law, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, densities_flow_in_the_mean_of_two_variates, 0, IR_DIST_COUNT);
}
