/* Every law on numbers, by quadrature: its density integrates to one over its support, its
 * transport carries the base noise to that density, and its moments are those of that density.
 *
 * The log-density is taken as the definition of the law; it is checked against independent values
 * in tests/accept/laws*.sg.  Laws on vectors: law_event.c. */
#include "tests/laws/law.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS = 3, PIECES = 4, COUNTS = 400 };

typedef struct LawCase {
    IrDist dist;
    double arg[ARGUMENTS];
    double low, middle, high; /* the support, and a point where the density may have a kink */
} LawCase;

static const LawCase law_case[] = {
    {IR_DIST_normal, {0.3, 1.7}, -INFINITY, 0.3, INFINITY},
    {IR_DIST_lognormal, {0.3, 0.6}, 0, 1, INFINITY},
    {IR_DIST_half_normal, {1.7}, 0, 1.7, INFINITY},
    {IR_DIST_uniform, {-0.7, 1.9}, -0.7, 0.2, 1.9},
    {IR_DIST_uniform, {0, 1.9}, 0, 0.2, 1.9},
    {IR_DIST_uniform, {0.3, 1.9}, 0.3, 0.6, 1.9},
    {IR_DIST_laplace, {0.4, 0.7}, -INFINITY, 0.4, INFINITY},
    {IR_DIST_logistic, {0.4, 0.7}, -INFINITY, 0.4, INFINITY},
    {IR_DIST_gumbel, {-0.3, 1.2}, -INFINITY, -0.3, INFINITY},
    {IR_DIST_cauchy, {0.3, 0.8}, -INFINITY, 0.3, INFINITY},
    {IR_DIST_exponential, {1.3}, 0, 0.5, INFINITY},
    {IR_DIST_weibull, {1.6, 1.2}, 0, 1, INFINITY},
    {IR_DIST_weibull, {0.8, 2.5}, 0, 1, INFINITY},
    {IR_DIST_half_cauchy, {0.8}, 0, 0.8, INFINITY},
    {IR_DIST_student_t, {5.5, 0.2, 1.3}, -INFINITY, 0.2, INFINITY},
    {IR_DIST_student_t, {2.8, 0.2, 0.6}, -INFINITY, 0.2, INFINITY},
    {IR_DIST_gamma, {2.3, 1.4}, 0, 1.5, INFINITY},
    {IR_DIST_gamma, {0.8, 0.7}, 0, 0.3, INFINITY},
    {IR_DIST_gamma, {60, 20}, 0, 3, INFINITY},
    {IR_DIST_inverse_gamma, {3.3, 1.4}, 0, 0.5, INFINITY},
    {IR_DIST_beta, {2.5, 1.8}, 0, 0.6, 1},
    {IR_DIST_beta, {0.8, 1.3}, 0, 0.2, 1},
    {IR_DIST_von_mises, {0, 1.9}, -M_PI, 0, M_PI},
    {IR_DIST_von_mises, {0, 40}, -M_PI, 0, M_PI},
    {IR_DIST_geometric, {0.45}, 0, 0, INFINITY},
    {IR_DIST_poisson, {2.3}, 0, 0, INFINITY},
    {IR_DIST_poisson, {90}, 0, 0, INFINITY},
    {IR_DIST_binomial, {20, 0.3}, 0, 0, 20},
    {IR_DIST_binomial, {3, 1}, 0, 0, 3},
    {IR_DIST_bernoulli, {0.3}, 0, 0, 1},
    {IR_DIST_bernoulli_logits, {-0.8}, 0, 0, 1},
};

enum { CASES = sizeof law_case / sizeof *law_case };

static const IrDistInfo *info_of(const LawCase *c)
{
    return &ir_dist_info[c->dist];
}

static void check_near(const LawCase *c, const char *what, double got, double want, double bound)
{
    double error = fabs(got - want) / fmax(1, fabs(want));
    if (!(error <= bound))
        ck_abort_msg("%s(%g, %g, %g), %s: %.17g, not %.17g (error %.2g)", info_of(c)->name,
                     c->arg[0], c->arg[1], c->arg[2], what, got, want, error);
}

/* ---- asking the law ------------------------------------------------------------------------- */

static void arguments(Ask *a, const LawCase *c, IrRef *arg)
{
    for (uint32_t i = 0; i < info_of(c)->arguments; i++)
        arg[i] = ir_const(&a->graph, c->arg[i]);
}

/* exp(log-density) at n points. */
static void density(const LawCase *c, const double *x, int n, double *p)
{
    Ask *a = ask_new();
    IrRef arg[ARGUMENTS];
    arguments(a, c, arg);
    IrRef at = ask_input(a, info_of(c)->elem, 1, n, 0, x);
    IrRef log_density = info_of(c)->logpdf(&a->graph, arg, at);
    const double *value = ask_value(a, log_density);
    bool one = a->graph.node[log_density].type.rank == 0;
    for (int i = 0; i < n; i++)
        p[i] = exp(value[one ? 0 : i]);
    ask_free(a);
}

static void transported(const LawCase *c, uint32_t rank, int64_t d0, int64_t d1,
                        const double *noise, int n, double *x)
{
    Ask *a = ask_new();
    IrRef arg[ARGUMENTS];
    arguments(a, c, arg);
    IrRef base = ask_input(a, IR_REAL, rank, d0, d1, noise);
    const double *value = ask_value(a, info_of(c)->transport(&a->graph, arg, base));
    memcpy(x, value, (size_t)n * sizeof *x);
    ask_free(a);
}

static void transport(const LawCase *c, const double *noise, int n, double *x)
{
    transported(c, 1, n, 0, noise, n, x);
}

/* [2, n] variates. */
static void transport_pair(const LawCase *c, const double *noise, int n, double *x)
{
    transported(c, 2, 2, n, noise, n, x);
}

/* False: the law does not know it. */
static bool moment(const LawCase *c, IrMoment m, double t, double *value)
{
    Ask *a = ask_new();
    IrRef arg[ARGUMENTS];
    arguments(a, c, arg);
    IrRef r = info_of(c)->moment(&a->graph, arg, m, ir_const(&a->graph, t));
    if (r != IR_NONE)
        *value = *ask_value(a, r);
    ask_free(a);
    return r != IR_NONE;
}

/* ---- integrals over the law ----------------------------------------------------------------- */

typedef double Statistic(double x, double p, double t);

/* The integral of f over the law between low and high, cut at its middle and at `cut`. */
static double integral(const LawCase *c, double low, double high, double cut, Statistic *f,
                       double t)
{
    double end[PIECES] = {low, fmin(c->middle, cut), fmax(c->middle, cut), high}, sum = 0;
    for (int i = 0; i + 1 < PIECES; i++) {
        double a = fmin(fmax(end[i], low), high), b = fmin(fmax(end[i + 1], low), high);
        double x[QUADRATURE], w[QUADRATURE], p[QUADRATURE];
        if (!(a < b))
            continue;
        quadrature(a, b, x, w);
        density(c, x, QUADRATURE, p);
        for (int k = 0; k < QUADRATURE; k++)
            sum += p[k] > 0 && isfinite(w[k]) ? w[k] * p[k] * f(x[k], p[k], t) : 0;
    }
    return sum;
}

static double counted(const LawCase *c, Statistic *f, double t)
{
    double x[COUNTS] = {0}, p[COUNTS], sum = 0;
    int n = c->high < COUNTS ? (int)c->high + 1 : COUNTS;
    for (int i = 0; i < n; i++)
        x[i] = i;
    density(c, x, n, p);
    for (int i = 0; i < n; i++)
        sum += p[i] > 0 ? p[i] * f(x[i], p[i], t) : 0;
    return sum;
}

static double expected(const LawCase *c, Statistic *f, double t, double cut)
{
    return info_of(c)->elem == IR_INT ? counted(c, f, t) : integral(c, c->low, c->high, cut, f, t);
}

static double one(double x, double p, double t)
{
    (void)x, (void)p, (void)t;
    return 1;
}

START_TEST(density_integrates_to_one)
{
    const LawCase *c = &law_case[_i];
    check_near(c, "the whole", expected(c, one, 0, c->middle), 1, 1e-12);
}
END_TEST

/* ---- transports ----------------------------------------------------------------------------- */

static double normal_below(double x)
{
    return erfc(-x / sqrt(2)) / 2;
}

/* What lies below x(u) is u, or 1 - u where the transport falls; of a transport that folds the
 * normal, what lies within |e|. */
static void check_transport(const LawCase *c)
{
    enum { N = 9 };
    static const double uniform[N] = {1e-9, 1e-3, 0.04, 0.3, 0.5, 0.7, 0.9, 0.997, 1 - 1e-7};
    static const double normal[N] = {-4, -2.2, -1, -0.3, 0.1, 0.5, 1, 2.5, 5};
    bool flat = info_of(c)->base == IR_BASE_UNIFORM;
    double x[N], ends[2], probe[2] = {flat ? 0.1 : -1, flat ? 0.9 : 1};
    transport(c, flat ? uniform : normal, N, x);
    transport(c, probe, 2, ends);
    for (int i = 0; i < N; i++) {
        double u = flat ? uniform[i] : normal_below(normal[i]);
        double below = ends[0] == ends[1] ? fabs(2 * u - 1) : ends[0] < ends[1] ? u : 1 - u;
        double low = integral(c, c->low, x[i], c->middle, one, 0);
        check_near(c, "below", low, below, 2e-13);
    }
}

static double bump(double x, double p, double t)
{
    (void)p, (void)t;
    return 1 / (4 + x * x);
}

static double slope(double x, double p, double t)
{
    (void)p, (void)t;
    return x / (4 + x * x);
}

/* Both halves of (0, 1): a transport may turn its sign at 1/2. */
static void unit_rule(double *u, double *w, int n, int step)
{
    double x[QUADRATURE], weight[QUADRATURE];
    quadrature(0, 0.5, x, weight);
    for (int i = 0; i < n / 2; i++) {
        u[i] = fmax(x[step * i], 1e-300);
        u[n - 1 - i] = fmin(1 - x[step * i], 1 - 0x1p-53);
        w[i] = w[n - 1 - i] = step * weight[step * i];
    }
}

/* A transport of two variates: means of functions that tell laws apart. */
static void check_pair(const LawCase *c)
{
    enum { STEP = 4, N = 2 * QUADRATURE / STEP };
    static Statistic *const f[] = {bump, slope};
    double u[N], w[N], pair[2 * N], x[N], sum[2] = {0};
    unit_rule(u, w, N, STEP);
    memcpy(pair + N, u, sizeof u);
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < N; k++)
            pair[k] = u[i];
        transport_pair(c, pair, N, x);
        for (int k = 0; k < N; k++)
            for (int s = 0; s < 2; s++)
                sum[s] += w[i] * w[k] * f[s](x[k], 0, 0);
    }
    for (int s = 0; s < 2; s++)
        check_near(c, s ? "slope" : "bump", sum[s], expected(c, f[s], 0, c->middle), 1e-11);
}

/* Each value is drawn by the u between the sums of the masses before it and with it. */
static void check_steps(const LawCase *c)
{
    double x[COUNTS] = {0}, p[COUNTS], u[2 * COUNTS] = {0}, got[2 * COUNTS], below = 0;
    int n = c->high < COUNTS ? (int)c->high + 1 : COUNTS;
    for (int i = 0; i < n; i++)
        x[i] = i;
    density(c, x, n, p);
    for (int i = 0; i < n; i++) {
        u[2 * i] = below + 1e-6 * p[i];
        u[2 * i + 1] = below + (1 - 1e-6) * p[i];
        below += p[i];
    }
    transport(c, u, 2 * n, got);
    double first = got[0]; /* a law of two values may take the larger first */
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2 && p[i] > 1e-8; k++) {
            double want = first > 0 ? p[1] > u[2 * i + k] : i;
            check_near(c, "drawn", got[2 * i + k], want, 0);
        }
}

START_TEST(transport_gives_the_density)
{
    const LawCase *c = &law_case[_i];
    if (info_of(c)->elem == IR_INT)
        check_steps(c);
    else if (info_of(c)->noise == IR_NOISE_PAIR)
        check_pair(c);
    else
        check_transport(c);
}
END_TEST

/* ---- moments -------------------------------------------------------------------------------- */

static double value(double x, double p, double t)
{
    (void)p, (void)t;
    return x;
}

static double squared_distance(double x, double p, double t)
{
    (void)p;
    return (x - t) * (x - t);
}

static double distance(double x, double p, double t)
{
    (void)p;
    return fabs(x - t);
}

static double tilt(double x, double p, double t)
{
    (void)p;
    return exp(t * x);
}

static double logarithm(double x, double p, double t)
{
    (void)p, (void)t;
    return log(x);
}

static double logarithm_of_rest(double x, double p, double t)
{
    (void)p, (void)t;
    return log1p(-x);
}

static double squared_logarithm(double x, double p, double t)
{
    (void)p, (void)t;
    return log(x) * log(x);
}

static double power(double x, double p, double t)
{
    (void)p;
    return pow(x, t);
}

static double cosine(double x, double p, double t)
{
    (void)p;
    return cos(x - t);
}

static double sine(double x, double p, double t)
{
    (void)p;
    return sin(x - t);
}

static double surprise(double x, double p, double t)
{
    (void)x, (void)t;
    return -log(p);
}

static const struct {
    IrMoment moment;
    const char *name;
    Statistic *f;
    double t;
} moment_case[] = {
    {IR_E_MEAN, "mean", value, 0},
    {IR_E_VARIANCE, "variance", squared_distance, NAN}, /* about the mean */
    {IR_E_ABS, "absolute distance", distance, 0.7},
    {IR_E_ABS, "absolute distance", distance, -0.2},
    {IR_E_EXP_TILT, "tilt", tilt, 0.4},
    {IR_E_EXP_TILT, "tilt", tilt, -0.9},
    {IR_E_LOG_MEAN, "mean logarithm", logarithm, 0},
    {IR_E_LOG_SQUARE, "mean square of the logarithm", squared_logarithm, 0},
    {IR_E_LOG_REST, "mean logarithm of the rest", logarithm_of_rest, 0},
    {IR_E_POWER, "power", power, 1.3},
    {IR_E_POWER, "power", power, -0.4},
    {IR_E_COS, "cosine", cosine, 0.4},
    {IR_E_SIN, "sine", sine, 0.4},
    {IR_ENTROPY, "entropy", surprise, 0},
};

START_TEST(moments_are_those_of_the_density)
{
    const LawCase *c = &law_case[_i];
    for (size_t k = 0; k < sizeof moment_case / sizeof *moment_case; k++) {
        double got, t = moment_case[k].t;
        if (!moment(c, moment_case[k].moment, t, &got))
            continue;
        if (c->low < 0 && moment_case[k].f == logarithm) { /* of negative numbers there is none */
            ck_assert(isnan(got));
            continue;
        }
        if (isnan(t))
            t = expected(c, value, 0, c->middle);
        double cut = moment_case[k].moment == IR_E_ABS ? t : c->middle;
        check_near(c, moment_case[k].name, got, expected(c, moment_case[k].f, t, cut), 1e-11);
    }
}
END_TEST

/* ---- all of them ---------------------------------------------------------------------------- */

START_TEST(every_law_on_numbers_is_here)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++) {
        bool found = ir_dist_info[d].event > 0;
        for (int i = 0; i < CASES; i++)
            found |= law_case[i].dist == d;
        ck_assert_msg(found, "%s has no case", ir_dist_info[d].name);
    }
}
END_TEST

Suite *law_suite(void)
{
    Suite *s = suite_create("law");
    TCase *c = tcase_create("numbers");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, density_integrates_to_one, 0, CASES);
    tcase_add_loop_test(c, transport_gives_the_density, 0, CASES);
    tcase_add_loop_test(c, moments_are_those_of_the_density, 0, CASES);
    tcase_add_test(c, every_law_on_numbers_is_here);
    suite_add_tcase(s, c);
    return s;
}
