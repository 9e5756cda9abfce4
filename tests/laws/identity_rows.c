/* The laws of the suite `identity`, one row each: scores as formulas, supports, arguments. */
#include "tests/laws/identity.h"

#include <math.h>
#include <string.h>

/* ---- scores, as formulas -------------------------------------------------------------------- */

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

#define END {NAN}

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

bool id_is_pair(const Law *l)
{
    return l->info->noise == IR_NOISE_PAIR;
}

/* A number of trials is no parameter. */
bool id_is_fixed(const Law *l, uint32_t k)
{
    return l->info->elem == IR_INT && l->info->moves >> k & 1;
}

/* What the argument is large or small against: of a location, the scale. */
double id_unit(const Law *l, uint32_t k)
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

void id_check_near(const Law *l, const char *what, uint32_t k, double at, double got, double want,
                   double bound, double floor)
{
    double error = fabs(got - want) / (fabs(want) + floor);
    if (!(got == want || error <= bound))
        ck_abort_msg("%s(%g, %g, %g), %s of argument %u at %.17g: %.17g, not %.17g (error %.2g)",
                     l->info->name, l->arg[0], l->arg[1], l->arg[2], what, k, at, got, want, error);
}

/* Every set of arguments of law _i. */
void id_each_law(IrDist d, void (*check)(const Law *l))
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
