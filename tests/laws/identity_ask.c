/* What a law's rules give: draws, densities and scores, expectations by quadrature. */
#include "tests/laws/identity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- asking --------------------------------------------------------------------------------- */

/* The arguments, each as n parameters, so that adjoints are element by element. */
static void arguments(Ask *a, const Law *l, int n, double *const *value, IrRef *arg)
{
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        arg[k] = ask_param(a, n, value[k]);
        if (id_is_fixed(l, k))
            arg[k] = ir_const(&a->graph, l->arg[k]);
    }
}

void id_scalars(Ask *a, const Law *l, IrRef *arg)
{
    for (uint32_t k = 0; k < l->info->arguments; k++)
        arg[k] = ir_const(&a->graph, l->arg[k]);
}

double **id_repeated(const Law *l, int n)
{
    double **v = calloc(ARGUMENTS, sizeof *v);
    for (uint32_t k = 0; k < ARGUMENTS; k++) {
        v[k] = calloc((size_t)n, sizeof **v);
        for (int i = 0; i < n; i++)
            v[k][i] = l->arg[k];
    }
    return v;
}

void id_forget(double **v)
{
    for (uint32_t k = 0; k < ARGUMENTS; k++)
        free(v[k]);
    free(v);
}

static IrRef noise_input(Ask *a, const Law *l, int n, const double *noise)
{
    return id_is_pair(l) ? ask_input(a, IR_REAL, 2, 2, n, noise)
                         : ask_input(a, IR_REAL, 1, n, 0, noise);
}

/* x, and if wanted dx / d argument. */
void id_transport(const Law *l, double *const *arg, int n, const double *noise, double *x,
                  double (*slope)[ARGUMENTS])
{
    Ask *a = ask_new();
    IrRef in[ARGUMENTS];
    arguments(a, l, n, arg, in);
    IrRef r = l->info->transport(&a->graph, in, noise_input(a, l, n, noise));
    if (slope)
        ask_slopes(a, r, n, slope[0], ARGUMENTS);
    memcpy(x, ask_value(a, r), (size_t)n * sizeof *x);
    ask_free(a);
}

/* The density, and if wanted the score. */
void id_density(const Law *l, const double *x, int n, double *p, double (*score)[ARGUMENTS])
{
    double **arg = id_repeated(l, n);
    Ask *a = ask_new();
    IrRef in[ARGUMENTS];
    arguments(a, l, n, arg, in);
    IrRef r = l->info->logpdf(&a->graph, in, ask_input(a, l->info->elem, 1, n, 0, x));
    if (score)
        ask_slopes(a, r, n, score[0], ARGUMENTS);
    const double *value = ask_value(a, r);
    for (int i = 0; i < n; i++)
        p[i] = exp(value[i]);
    ask_free(a);
    id_forget(arg);
}

/* Noise that reaches from far in one tail to far in the other; of two variates, mixed. */
int id_noises(const Law *l, double *noise)
{
    static const double uniform[NOISES] = {1e-6, 1e-3, 0.04, 0.2,   0.45,
                                           0.6,  0.8,  0.95, 0.998, 1 - 1e-6};
    static const double normal[NOISES] = {-5, -3, -1.8, -0.9, -0.2, 0.1, 0.6, 1.3, 2.5, 5};
    const double *v = l->info->base == IR_BASE_UNIFORM ? uniform : normal;
    for (int i = 0; i < NOISES; i++) {
        noise[i] = v[i];
        noise[NOISES + i] = v[(3 * i + 1) % NOISES];
    }
    return NOISES;
}

/* ---- integrals ------------------------------------------------------------------------------ */

/* A law's own scale about its middle; pieces for the quadrature. */
double id_spread(const Law *l, double *middle)
{
    double **arg = id_repeated(l, 3), noise[6] = {0.25, 0.5, 0.75, 0.5, 0.25, 0.75}, x[3];
    if (l->info->base != IR_BASE_UNIFORM)
        noise[0] = 0.1, noise[1] = 0.6, noise[2] = 1.2; /* which may be folded */
    id_transport(l, arg, 3, noise, x, NULL);
    id_forget(arg);
    *middle = x[1];
    if (l->info->support == IR_REAL_LINE)
        *middle = l->arg[l->dist == IR_DIST_student_t];
    if (l->info->support == IR_CIRCLE)
        *middle = l->arg[0];
    return fabs(x[2] - x[0]) + 1e-300;
}

/* No quadrature of a density reaches the mass that a small shape has at 0. */
bool id_is_rough(const Law *l)
{
    bool shape = l->dist == IR_DIST_gamma || l->dist == IR_DIST_weibull;
    return (shape && l->arg[0] < 0.6) ||
           (l->dist == IR_DIST_beta && fmin(l->arg[0], l->arg[1]) < 0.6);
}

/* A density on the circle is an entire function that costs a Bessel function at each point: every
 * fourth node gives the same sixteen digits. */
int id_thinned(const Law *l, double *x, double *w, int n)
{
    int every = l->info->support == IR_CIRCLE ? 4 : 1;
    for (int i = 0; i < n / every; i++) {
        x[i] = x[i * every];
        w[i] = w[i * every] * every;
    }
    return n / every;
}

/* The integrals of f p, and of f p times each score. */
static void add_points(const Law *l, double *x, double *w, Weight *f, double at, double size,
                       double *sum)
{
    double p[QUADRATURE], score[QUADRATURE][ARGUMENTS];
    int n = id_thinned(l, x, w, QUADRATURE);
    id_density(l, x, n, p, score);
    for (int i = 0; i < n; i++) {
        bool inside = x[i] > l->low && x[i] < l->high;
        if (!inside || !(p[i] > 1e-300) || !isfinite(w[i]))
            continue;
        double mass = w[i] * p[i] * (f ? f(x[i], at, size) : 1);
        sum[ARGUMENTS] += mass;
        for (uint32_t k = 0; k < l->info->arguments; k++)
            sum[k] += mass * score[i][k];
    }
}

static void add_piece(const Law *l, double a, double b, Weight *f, double at, double size,
                      double *sum)
{
    double x[QUADRATURE], w[QUADRATURE];
    if (!(a < b))
        return;
    if (isinf(a) || isinf(b)) { /* in units of the spread */
        quadrature(isinf(a) ? -INFINITY : 0, isinf(a) ? 0 : INFINITY, x, w);
        for (int i = 0; i < QUADRATURE; i++) {
            x[i] = (isinf(a) ? b : a) + size * x[i];
            w[i] *= size;
        }
    } else
        quadrature(a, b, x, w);
    add_points(l, x, w, f, at, size, sum);
}

/* The same over the logarithm of x. */
static void add_logarithms(const Law *l, double a, double b, Weight *f, double at, double *sum)
{
    double x[QUADRATURE], w[QUADRATURE];
    if (!(a > 0 && a < b))
        return;
    quadrature(log(a), log(b), x, w);
    for (int i = 0; i < QUADRATURE; i++) {
        x[i] = exp(x[i]);
        w[i] *= x[i];
    }
    add_points(l, x, w, f, at, 1, sum);
}

/* From a to b, in pieces that end at the middle and at 4 and 12 spreads around it, and at a peak.
 */
void id_integrate(const Law *l, double a, double b, Weight *f, double at, double *sum)
{
    double middle, size = id_spread(l, &middle);
    double end[8] = {a,  middle - 12 * size, middle - 3 * size,  middle,
                     at, middle + 3 * size,  middle + 12 * size, b};
    memset(sum, 0, (ARGUMENTS + 1) * sizeof *sum);
    if (id_is_rough(l) && isinf(b)) {
        add_logarithms(l, a, fmin(b, 1), f, at, sum);
        add_piece(l, fmax(a, 1), b, f, at, 1, sum);
        return;
    }
    for (int i = 1; i < 8; i++)
        for (int k = i; k > 0 && end[k] < end[k - 1]; k--) {
            double t = end[k];
            end[k] = end[k - 1];
            end[k - 1] = t;
        }
    for (int i = 0; i + 1 < 8; i++)
        add_piece(l, fmin(fmax(end[i], a), b), fmin(fmax(end[i + 1], a), b), f, at, size, sum);
}

static void all_counts(double *x)
{
    for (int i = 0; i < COUNTS; i++)
        x[i] = i;
}

/* sum[k]: of p f score k; sum[ARGUMENTS]: of p f. */
void id_expect(const Law *l, Weight *f, double at, double *sum)
{
    if (l->info->elem == IR_REAL) {
        id_integrate(l, l->low, l->high, f, at, sum);
        return;
    }
    double x[COUNTS], p[COUNTS], score[COUNTS][ARGUMENTS];
    int n = l->high < COUNTS ? (int)l->high + 1 : COUNTS;
    if (l->info->support == IR_BOUNDED_COUNTS)
        n = (int)l->arg[0] + 1;
    memset(sum, 0, (ARGUMENTS + 1) * sizeof *sum);
    all_counts(x);
    id_density(l, x, n, p, score);
    for (int i = 0; i < n; i++) {
        double mass = p[i] > 0 ? p[i] * (f ? f(x[i], at, 1) : 1) : 0;
        sum[ARGUMENTS] += mass;
        for (uint32_t k = 0; k < l->info->arguments && mass != 0; k++)
            sum[k] += mass * score[i][k];
    }
}
