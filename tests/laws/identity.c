/* The identities that tie a law's rules together, at moderate and at extreme arguments.
 *
 *   transport  its adjoint is what differences with common noise give
 *   flow       d F(x) / d argument + p(x) dx / d argument = 0 along it
 *   score      the adjoint of the log-density is the formula, and has mean 0
 *   pairs      weight (E f(plus) - E f(minus)) is the integral of f dp / d argument: point by point
 *              for counts, for peaks at the points of a grid for real laws, and 0 for f = 1
 *
 * A law is one row, and a law without one does not build.  Laws on events: identity_event.c.
 * estimators.md 3.3, tier B. */
#include "ir/measure.h"
#include "tests/laws/law.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 3, SETS = 4, NOISES = 10, COUNTS = 400, FRESH = 100, GRID = 2 };

/* ---- scores, as formulas -------------------------------------------------------------------- */

typedef void Score(const double *a, double x, double *s);

/* z, and the derivatives in location and scale from that of log p in z. */
static void location_scale(const double *a, double x, double *s, double (*slope)(double z))
{
    double z = (x - a[0]) / a[1], d = slope(z);
    s[0] = -d / a[1];
    s[1] = -(1 + z * d) / a[1];
}

static double slope_normal_(double z)
{
    return -z;
}

static double slope_laplace_(double z)
{
    return (z < 0) - (z > 0);
}

static double slope_logistic_(double z)
{
    return -tanh(z / 2);
}

static double slope_gumbel_(double z)
{
    return expm1(-z);
}

static double slope_cauchy_(double z)
{
    return -2 * z / (1 + z * z);
}

#define LOCATION_SCALE(law)                                                                        \
    static void score_##law(const double *a, double x, double *s)                                  \
    {                                                                                              \
        location_scale(a, x, s, slope_##law##_);                                                   \
    }

LOCATION_SCALE(normal)
LOCATION_SCALE(laplace)
LOCATION_SCALE(logistic)
LOCATION_SCALE(gumbel)
LOCATION_SCALE(cauchy)

static void score_lognormal(const double *a, double x, double *s)
{
    score_normal(a, log(x), s);
}

static void score_half_normal(const double *a, double x, double *s)
{
    s[0] = (x / a[0] * (x / a[0]) - 1) / a[0];
}

/* Of the density inside of the bounds; what enters at them is added where it is wanted. */
static void score_uniform(const double *a, double x, double *s)
{
    (void)x;
    s[0] = 1 / (a[1] - a[0]);
    s[1] = -s[0];
}

static void score_student_t(const double *a, double x, double *s)
{
    double n = a[0], z = (x - a[1]) / a[2], q = z * z / n, share = (n + 1) * q / (1 + q);
    s[0] = (ir_digamma((n + 1) / 2) - ir_digamma(n / 2) - 1 / n - log1p(q) + share / n) / 2;
    s[1] = (n + 1) * z / (a[2] * (n + z * z));
    s[2] = (share - 1) / a[2];
}

static void score_von_mises(const double *a, double x, double *s)
{
    double half = sin((x - a[0]) / 2);
    s[0] = a[1] * sin(x - a[0]);
    s[1] = ir_i1_gap(a[1]) - 2 * half * half;
}

static void score_exponential(const double *a, double x, double *s)
{
    s[0] = 1 / a[0] - x;
}

static void score_weibull(const double *a, double x, double *s)
{
    double l = log(x / a[1]), rise = expm1(a[0] * l);
    s[0] = 1 / a[0] - l * rise;
    s[1] = a[0] / a[1] * rise;
}

static void score_half_cauchy(const double *a, double x, double *s)
{
    double z = x / a[0];
    s[0] = (z * z - 1) / (z * z + 1) / a[0];
}

static void score_gamma(const double *a, double x, double *s)
{
    s[0] = log(a[1]) - ir_digamma(a[0]) + log(x);
    s[1] = a[0] / a[1] - x;
}

static void score_inverse_gamma(const double *a, double x, double *s)
{
    score_gamma(a, 1 / x, s);
}

static void score_beta(const double *a, double x, double *s)
{
    double both = ir_digamma(a[0] + a[1]);
    s[0] = log(x) - ir_digamma(a[0]) + both;
    s[1] = log1p(-x) - ir_digamma(a[1]) + both;
}

static void score_bernoulli(const double *a, double x, double *s)
{
    s[0] = x == 1 ? 1 / a[0] : -1 / (1 - a[0]);
}

static void score_bernoulli_logits(const double *a, double x, double *s)
{
    s[0] = x == 1 ? 1 / (1 + exp(a[0])) : -1 / (1 + exp(-a[0]));
}

static void score_geometric(const double *a, double x, double *s)
{
    s[0] = 1 / a[0] - x / (1 - a[0]);
}

static void score_poisson(const double *a, double x, double *s)
{
    s[0] = x / a[0] - 1;
}

static void score_binomial(const double *a, double x, double *s)
{
    s[0] = 0; /* n is no parameter */
    s[1] = x / a[1] - (a[0] - x) / (1 - a[1]);
}

/* ---- the laws ------------------------------------------------------------------------------- */

typedef struct Identity {
    Score *score; /* NULL: a law on events */
    double low, high;
    double arg[SETS][ARGUMENTS]; /* a set that begins with NAN ends them */
} Identity;

#define END                                                                                        \
    {                                                                                              \
        NAN                                                                                        \
    }

/* clang-format off */
static const Identity row_normal = {score_normal, -INFINITY, INFINITY, {{0.3, 1.7}, {-40, 1e-3}, {2, 300}, END}};
static const Identity row_lognormal = {score_lognormal, 0, INFINITY, {{0.3, 0.6}, {-5, 0.02}, {1, 2}, END}};
static const Identity row_half_normal = {score_half_normal, 0, INFINITY, {{1.7}, {1e-4}, {3000}, END}};
static const Identity row_mvn = {0}, row_categorical = {0}, row_categorical_logits = {0},
                      row_one_hot_categorical = {0}, row_one_hot_categorical_logits = {0},
                      row_multinomial = {0}, row_dirichlet = {0};
static const Identity row_uniform = {score_uniform, -1, 1, {{-0.7, 1.9}, {-1e-3, 2e-3}, {-5e3, 1e4}, END}};
static const Identity row_laplace = {score_laplace, -INFINITY, INFINITY, {{0.4, 0.7}, {-30, 1e-3}, {5, 200}, END}};
static const Identity row_logistic = {score_logistic, -INFINITY, INFINITY, {{0.4, 0.7}, {-30, 1e-3}, {5, 200}, END}};
static const Identity row_gumbel = {score_gumbel, -INFINITY, INFINITY, {{-0.3, 1.2}, {-30, 1e-3}, {5, 200}, END}};
static const Identity row_cauchy = {score_cauchy, -INFINITY, INFINITY, {{0.3, 0.8}, {-30, 1e-3}, {5, 200}, END}};
static const Identity row_student_t = {score_student_t, -INFINITY, INFINITY, {{5.5, 0.2, 1.3}, {1.1, -2, 0.01}, {4000, 1, 30}, END}};
static const Identity row_von_mises = {score_von_mises, -M_PI, M_PI, {{0.4, 1.9}, {-0.3, 1e-3}, {0.2, 12}, END}};
static const Identity row_exponential = {score_exponential, 0, INFINITY, {{1.3}, {1e-4}, {2e3}, END}};
static const Identity row_weibull = {score_weibull, 0, INFINITY, {{1.6, 1.2}, {0.5, 300}, {25, 1e-2}, END}};
static const Identity row_half_cauchy = {score_half_cauchy, 0, INFINITY, {{0.8}, {1e-4}, {2e3}, END}};
static const Identity row_gamma = {score_gamma, 0, INFINITY, {{2.3, 1.4}, {0.03, 0.2}, {100, 1e3}, END}};
static const Identity row_inverse_gamma = {score_inverse_gamma, 0, INFINITY, {{2.3, 1.4}, {1.4, 0.2}, {400, 1e3}, END}};
static const Identity row_beta = {score_beta, 0, 1, {{2.5, 1.8}, {0.7, 0.5}, {300, 20}, END}};
static const Identity row_bernoulli = {score_bernoulli, 0, 1, {{0.3}, {1e-6}, {1 - 0x1p-20}, END}};
static const Identity row_bernoulli_logits = {score_bernoulli_logits, 0, 1, {{-0.8}, {-30}, {17}, END}};
static const Identity row_geometric = {score_geometric, 0, INFINITY, {{0.35}, {0.97}, {0.3}, END}};
static const Identity row_poisson = {score_poisson, 0, INFINITY, {{2.3}, {1e-3}, {150}, END}};
static const Identity row_binomial = {score_binomial, 0, INFINITY, {{20, 0.3}, {1, 1e-3}, {200, 0.9}, END}};

static const Identity *const row[IR_DIST_COUNT] = {
#define DIST(id, ...) [IR_DIST_##id] = &row_##id,
#include "ir/dist.def"
};
/* clang-format on */

/* A law at one set of arguments. */
typedef struct Law {
    IrDist dist;
    const IrDistInfo *info;
    const Identity *of;
    double arg[ARGUMENTS], low, middle, high;
} Law;

static bool is_pair(const Law *l)
{
    return l->info->noise == IR_NOISE_PAIR;
}

/* A number of trials is no parameter. */
static bool is_fixed(const Law *l, uint32_t k)
{
    return l->info->elem == IR_INT && l->info->moves >> k & 1;
}

/* What the argument is large or small against: of a location, the scale. */
static double unit(const Law *l, uint32_t k)
{
    uint32_t location = l->dist == IR_DIST_student_t;
    if (l->info->moves && l->info->elem == IR_REAL)
        return l->arg[1] - l->arg[0];
    if (l->info->support == IR_REAL_LINE && k == location)
        return l->arg[k + 1];
    if (l->info->support == IR_CIRCLE && k == 0)
        return 1 / sqrt(1 + l->arg[1]);
    return l->arg[k] == 0 ? 1 : fabs(l->arg[k]);
}

static void check_near(const Law *l, const char *what, uint32_t k, double at, double got,
                       double want, double bound, double floor)
{
    double error = fabs(got - want) / (fabs(want) + floor);
    if (!(got == want || error <= bound))
        ck_abort_msg("%s(%g, %g, %g), %s of argument %u at %.17g: %.17g, not %.17g (error %.2g)",
                     l->info->name, l->arg[0], l->arg[1], l->arg[2], what, k, at, got, want, error);
}

/* Every set of arguments of law _i. */
static void each_law(IrDist d, void (*check)(const Law *l))
{
    const Identity *of = row[d];
    for (int i = 0; of->score && i < SETS && !isnan(of->arg[i][0]); i++) {
        Law l = {.dist = d, .info = &ir_dist_info[d], .of = of, .low = of->low, .high = of->high};
        memcpy(l.arg, of->arg[i], sizeof l.arg);
        if (d == IR_DIST_uniform)
            l.low = l.arg[0], l.high = l.arg[1];
        check(&l);
    }
}

/* ---- asking --------------------------------------------------------------------------------- */

/* The arguments, each as n parameters, so that adjoints are element by element. */
static void arguments(Ask *a, const Law *l, int n, double *const *value, IrRef *arg)
{
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        arg[k] = ask_param(a, n, value[k]);
        if (is_fixed(l, k))
            arg[k] = ir_const(&a->graph, l->arg[k]);
    }
}

static void scalars(Ask *a, const Law *l, IrRef *arg)
{
    for (uint32_t k = 0; k < l->info->arguments; k++)
        arg[k] = ir_const(&a->graph, l->arg[k]);
}

static double **repeated(const Law *l, int n)
{
    double **v = calloc(ARGUMENTS, sizeof *v);
    for (uint32_t k = 0; k < ARGUMENTS; k++) {
        v[k] = calloc((size_t)n, sizeof **v);
        for (int i = 0; i < n; i++)
            v[k][i] = l->arg[k];
    }
    return v;
}

static void forget(double **v)
{
    for (uint32_t k = 0; k < ARGUMENTS; k++)
        free(v[k]);
    free(v);
}

static IrRef noise_input(Ask *a, const Law *l, int n, const double *noise)
{
    return is_pair(l) ? ask_input(a, IR_REAL, 2, 2, n, noise)
                      : ask_input(a, IR_REAL, 1, n, 0, noise);
}

/* x, and if wanted dx / d argument. */
static void transport(const Law *l, double *const *arg, int n, const double *noise, double *x,
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
static void density(const Law *l, const double *x, int n, double *p, double (*score)[ARGUMENTS])
{
    double **arg = repeated(l, n);
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
    forget(arg);
}

/* Noise that reaches from far in one tail to far in the other; of two variates, mixed. */
static int noises(const Law *l, double *noise)
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

/* ---- transports ----------------------------------------------------------------------------- */

/* Differences in argument k with steps of these sizes times the point's own. */
static void difference(const Law *l, uint32_t k, const double *noise, const double *step,
                       double size, double *d)
{
    double **arg = repeated(l, NOISES), up[NOISES], down[NOISES];
    for (int i = 0; i < NOISES; i++)
        arg[k][i] = l->arg[k] + size * step[i];
    transport(l, arg, NOISES, noise, up, NULL);
    for (int i = 0; i < NOISES; i++)
        arg[k][i] = l->arg[k] - size * step[i];
    transport(l, arg, NOISES, noise, down, NULL);
    for (int i = 0; i < NOISES; i++)
        d[i] = (up[i] - down[i]) / (2 * size * step[i]);
    forget(arg);
}

/* Neither the argument nor the draw changes by more than 2 percent of what it is. */
static double step_for(const Law *l, uint32_t k, double x, double slope)
{
    double reach = slope != 0 && x != 0 ? fabs(x / slope) : INFINITY;
    return 0.02 * fmin(unit(l, k), reach);
}

static void check_transport(const Law *l)
{
    double noise[2 * NOISES], x[NOISES], slope[NOISES][ARGUMENTS];
    double **arg = repeated(l, NOISES);
    noises(l, noise);
    transport(l, arg, NOISES, noise, x, slope);
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        double d[3][NOISES], step[NOISES];
        for (int i = 0; i < NOISES; i++)
            step[i] = step_for(l, k, x[i], slope[i][k]);
        for (int level = 0; level < 3; level++)
            difference(l, k, noise, step, 1.0 / (1 << level), d[level]);
        for (int i = 0; i < NOISES; i++) {
            double first = (4 * d[1][i] - d[0][i]) / 3, second = (4 * d[2][i] - d[1][i]) / 3;
            double want = (16 * second - first) / 15; /* Richardson */
            bool wraps = l->info->support == IR_CIRCLE && fabs(x[i]) > 3;
            double rounding = 2e-15 * fabs(x[i]) / step[i];
            if (!wraps && fabs(slope[i][k] - want) > rounding)
                check_near(l, "slope of the transport", k, noise[i], slope[i][k], want, 1e-9, 0);
        }
    }
    forget(arg);
}

START_TEST(transports_have_their_slopes)
{
    if (ir_dist_info[_i].elem == IR_REAL)
        each_law((IrDist)_i, check_transport);
}
END_TEST

/* ---- integrals ------------------------------------------------------------------------------ */

/* A law's own scale about its middle; pieces for the quadrature. */
static double spread(const Law *l, double *middle)
{
    double **arg = repeated(l, 3), noise[6] = {0.25, 0.5, 0.75, 0.5, 0.25, 0.75}, x[3];
    if (l->info->base != IR_BASE_UNIFORM)
        noise[0] = 0.1, noise[1] = 0.6, noise[2] = 1.2; /* which may be folded */
    transport(l, arg, 3, noise, x, NULL);
    forget(arg);
    *middle = x[1];
    if (l->info->support == IR_REAL_LINE)
        *middle = l->arg[l->dist == IR_DIST_student_t];
    if (l->info->support == IR_CIRCLE)
        *middle = l->arg[0];
    return fabs(x[2] - x[0]) + 1e-300;
}

/* No quadrature of a density reaches the mass that a small shape has at 0. */
static bool is_rough(const Law *l)
{
    bool shape = l->dist == IR_DIST_gamma || l->dist == IR_DIST_weibull;
    return (shape && l->arg[0] < 0.6) ||
           (l->dist == IR_DIST_beta && fmin(l->arg[0], l->arg[1]) < 0.6);
}

typedef double Weight(double x, double at, double size);

/* A density on the circle is an entire function that costs a Bessel function at each point: every
 * fourth node gives the same sixteen digits. */
static int thinned(const Law *l, double *x, double *w, int n)
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
    int n = thinned(l, x, w, QUADRATURE);
    density(l, x, n, p, score);
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
static void integrate(const Law *l, double a, double b, Weight *f, double at, double *sum)
{
    double middle, size = spread(l, &middle);
    double end[8] = {a,  middle - 12 * size, middle - 3 * size,  middle,
                     at, middle + 3 * size,  middle + 12 * size, b};
    memset(sum, 0, (ARGUMENTS + 1) * sizeof *sum);
    if (is_rough(l) && isinf(b)) {
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

/* What a moving bound lets in below x, and an angle that turns past -pi. */
static double let_in(const Law *l, uint32_t k)
{
    double p;
    if (k > 0 || (!l->info->moves && l->info->support != IR_CIRCLE))
        return 0;
    density(l, &l->low, 1, &p, NULL);
    return -p;
}

static void check_flow(const Law *of)
{
    Law centred = *of, *l = &centred;
    if (l->info->support == IR_CIRCLE)
        l->arg[0] = 0; /* so that no other argument moves -pi */
    double noise[2 * NOISES], x[NOISES], p[NOISES], slope[NOISES][ARGUMENTS];
    double **arg = repeated(l, NOISES);
    noises(l, noise);
    transport(l, arg, NOISES, noise, x, slope);
    density(l, x, NOISES, p, NULL);
    for (int i = 0; i < NOISES; i++) {
        double sum[ARGUMENTS + 1], middle;
        spread(l, &middle);
        bool upper = x[i] > middle || l->info->support == IR_HALF_LINE ||
                     l->info->support == IR_OPEN_HALF_LINE;
        if (!(x[i] > 1e-150 || l->low < 0) || (l->info->support == IR_CIRCLE && fabs(x[i]) > 3.1))
            continue;
        upper = upper && l->info->support != IR_CIRCLE && !l->info->moves;
        integrate(l, upper ? x[i] : l->low, upper ? l->high : x[i], NULL, x[i], sum);
        for (uint32_t k = 0; k < l->info->arguments; k++) {
            double below = (upper ? -sum[k] : sum[k]) + let_in(l, k), moved = p[i] * slope[i][k];
            check_near(l, "flow", k, x[i], -below * unit(l, k), moved * unit(l, k), 1e-10, 1e-3);
        }
    }
    forget(arg);
}

START_TEST(densities_flow_with_transports)
{
    const IrDistInfo *d = &ir_dist_info[_i];
    if (d->elem == IR_REAL && d->noise != IR_NOISE_PAIR)
        each_law((IrDist)_i, check_flow);
}
END_TEST

/* ---- scores --------------------------------------------------------------------------------- */

/* Points where the law draws: counts, or what its transport gives. */
static int points(const Law *l, double *x)
{
    double noise[2 * NOISES], **arg = repeated(l, NOISES);
    noises(l, noise);
    transport(l, arg, NOISES, noise, x, NULL);
    forget(arg);
    return NOISES;
}

static void check_score(const Law *l)
{
    double x[NOISES], p[NOISES], got[NOISES][ARGUMENTS], want[ARGUMENTS];
    int n = points(l, x);
    density(l, x, n, p, got);
    for (int i = 0; i < n; i++) {
        bool inside = x[i] > l->low && x[i] < l->high;
        if (l->info->elem == IR_REAL && (!inside || !(p[i] < INFINITY)))
            continue;
        l->of->score(l->arg, x[i], want);
        for (uint32_t k = 0; k < l->info->arguments; k++)
            if (!is_fixed(l, k)) /* a difference of terms of the size 1 and more */
                check_near(l, "score", k, x[i], got[i][k] * unit(l, k), want[k] * unit(l, k), 1e-12,
                           1);
    }
}

START_TEST(scores_are_their_formulas)
{
    each_law((IrDist)_i, check_score);
}
END_TEST

static void all_counts(double *x)
{
    for (int i = 0; i < COUNTS; i++)
        x[i] = i;
}

/* sum[k]: of p f score k; sum[ARGUMENTS]: of p f. */
static void expect(const Law *l, Weight *f, double at, double *sum)
{
    if (l->info->elem == IR_REAL) {
        integrate(l, l->low, l->high, f, at, sum);
        return;
    }
    double x[COUNTS], p[COUNTS], score[COUNTS][ARGUMENTS];
    int n = l->high < COUNTS ? (int)l->high + 1 : COUNTS;
    if (l->info->support == IR_BOUNDED_COUNTS)
        n = (int)l->arg[0] + 1;
    memset(sum, 0, (ARGUMENTS + 1) * sizeof *sum);
    all_counts(x);
    density(l, x, n, p, score);
    for (int i = 0; i < n; i++) {
        double mass = p[i] > 0 ? p[i] * (f ? f(x[i], at, 1) : 1) : 0;
        sum[ARGUMENTS] += mass;
        for (uint32_t k = 0; k < l->info->arguments && mass != 0; k++)
            sum[k] += mass * score[i][k];
    }
}

static void check_mean_score(const Law *l)
{
    double sum[ARGUMENTS + 1];
    if (is_rough(l) || l->info->moves & 1)
        return;
    expect(l, NULL, l->arg[0], sum);
    check_near(l, "mass", 0, 0, sum[ARGUMENTS], 1, 1e-11, 0);
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        check_near(l, "mean score", k, 0, sum[k] * unit(l, k), 0, 1e-11, 1);
    }
}

START_TEST(scores_have_mean_zero)
{
    each_law((IrDist)_i, check_mean_score);
}
END_TEST

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
        int many = thinned(l, at, weight, QUADRATURE);
        for (int i = 0; i < many; i++) {
            double mass = weight[i] * (normal ? exp(-at[i] * at[i] / 2) / sqrt(2 * M_PI) : 1);
            if (mass > 1e-20 && (normal || (at[i] > 0 && at[i] < 1))) {
                noise[n] = at[i];
                w[n++] = mass;
            }
        }
    }
    double **arg = repeated(l, n);
    transport(l, arg, n, noise, x, NULL);
    forget(arg);
    return n;
}

/* On the line, where slices turn at the peak, by the density on both sides of that. */
static int draws_by_density(const Law *l, double *x, double *w)
{
    double peak, size = spread(l, &peak), at[QUADRATURE], weight[QUADRATURE], p[DRAWS];
    int n = 0;
    for (int side = 0; side < 2; side++) {
        quadrature(side ? 0 : -INFINITY, side ? INFINITY : 0, at, weight);
        for (int i = 0; i < QUADRATURE; i++) {
            x[n] = peak + size * at[i];
            w[n++] = size * weight[i];
        }
    }
    density(l, x, n, p, NULL);
    for (int i = 0; i < n; i++)
        w[i] = p[i] > 1e-300 && isfinite(w[i]) ? w[i] * p[i] : 0;
    return n;
}

static int draws_of_counts(const Law *l, double *x, double *w)
{
    int n = l->info->support == IR_BOUNDED_COUNTS ? (int)l->arg[0] + 1 : l->high == 1 ? 2 : DRAWS;
    for (int i = 0; i < n; i++)
        x[i] = i;
    density(l, x, n, w, NULL);
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
    scalars(a, l, in);
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
    scalars(a, l, in);
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
    if (is_rough(l))
        return;
    if (l->info->support == IR_CIRCLE)
        l->arg[0] = 0; /* so that no peak is cut at -pi */
    bool counts = l->info->elem == IR_INT;
    double middle = 0, size = counts ? 1 : spread(l, &middle), mean[ARGUMENTS], sum[ARGUMENTS + 1];
    Weight *f = counts ? point : peak;
    Joint j = joint_of(l);
    double *variant = variants_of(l, &j);
    mean_slopes(l, &j, variant, whole, 0, size, mean);
    for (uint32_t k = 0; k < l->info->arguments; k++)
        check_near(l, "difference of the masses", k, 0, mean[k] * unit(l, k), 0, 1e-13, 1);
    for (int i = 0; i < GRID; i++) {
        double at = counts ? i + floor(l->arg[0] / 2) * (l->high > 1) : middle + grid[i] * size;
        mean_slopes(l, &j, variant, f, at, size, mean);
        expect(l, f, at, sum);
        for (uint32_t k = 0; k < l->info->arguments; k++) {
            double bound = l->info->moves && !counts ? f(l->arg[k], at, size) / unit(l, k) : 0;
            double want = sum[k] + (k == 0 ? -bound : bound);
            if (ir_measure[l->dist]->arguments >> k & 1)
                check_near(l, "pair", k, at, mean[k] * unit(l, k), want * unit(l, k), 1e-10, 1);
        }
    }
    free(variant);
    free(j.value);
}

START_TEST(pairs_are_the_slope_of_the_law)
{
    if (ir_measure[_i]->variants > 0)
        each_law((IrDist)_i, check_pairs);
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
    if (is_rough(l))
        return;
    int n = draws_by_pairs(l, noise, w);
    double **arg = repeated(l, n), middle, size = spread(l, &middle);
    transport(l, arg, n, noise, x, slope);
    for (size_t i = 0; i < sizeof grid / sizeof *grid; i++) {
        double at = middle + grid[i] * size, sum[ARGUMENTS + 1], mean[ARGUMENTS] = {0};
        expect(l, peak, at, sum);
        for (int j = 0; j < n; j++)
            for (uint32_t k = 0; k < l->info->arguments; k++)
                mean[k] += w[j] * peak_slope(x[j], at, size) * slope[j][k];
        for (uint32_t k = 0; k < l->info->arguments; k++)
            check_near(l, "mean flow", k, at, mean[k] * unit(l, k), sum[k] * unit(l, k), 1e-10, 1);
    }
    forget(arg);
}

START_TEST(densities_flow_in_the_mean_of_two_variates)
{
    if (ir_dist_info[_i].noise == IR_NOISE_PAIR)
        each_law((IrDist)_i, check_mean_flow);
}
END_TEST

Suite *identity_suite(void)
{
    Suite *s = suite_create("identity");
    TCase *c = tcase_create("identity");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, transports_have_their_slopes, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, densities_flow_with_transports, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, scores_are_their_formulas, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, scores_have_mean_zero, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, pairs_are_the_slope_of_the_law, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, densities_flow_in_the_mean_of_two_variates, 0, IR_DIST_COUNT);
    suite_add_tcase(s, c);
    return s;
}
