/* The sheet of divergences and means, row by row: no noise is left, and the value and the gradient
 * are those of the formula as books print it, which is written here again.
 *
 * Formulas: Johnson, Kotz & Balakrishnan, "Continuous Univariate Distributions"; Johnson, Kemp &
 * Kotz, "Univariate Discrete Distributions"; Chyzak & Nielsen (2019) for Cauchy laws.  The special
 * functions are the C library's and short series of this file, not the compiler's. */
#include "tests/laws/sheet.h"

#include "tests/laws/slope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS = 6, POINTS = 2 };

#define EULER 0.57721566490153286061
#define PI 3.14159265358979323846

/* ---- special functions ---------------------------------------------------------------------- */

/* Up to x > 20 by the recurrence, then by Stirling's series. */
static double psi(double x)
{
    double sum = 0;
    for (; x < 20; x++)
        sum -= 1 / x;
    double q = 1 / (x * x);
    return sum + log(x) - 0.5 / x -
           q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q / 132))));
}

static double psi_slope(double x)
{
    double sum = 0;
    for (; x < 20; x++)
        sum += 1 / (x * x);
    double q = 1 / (x * x);
    return sum + 1 / x + 0.5 * q +
           q / x * (1.0 / 6 - q * (1.0 / 30 - q * (1.0 / 42 - q * (1.0 / 30 - q * 5 / 66))));
}

/* I_n(x), n = 0 or 1 */
static double bessel(int n, double x)
{
    double term = n ? x / 2 : 1, sum = term;
    for (int k = 1; k < 60; k++)
        sum += term *= x * x / 4 / (k * (k + n));
    return sum;
}

static double square(double x)
{
    return x * x;
}

static double log_beta(double a, double b)
{
    return lgamma(a) + lgamma(b) - lgamma(a + b);
}

/* ---- divergences ---------------------------------------------------------------------------- */

static double kl_normal(const double *p)
{
    return log(p[3] / p[1]) + (square(p[1]) + square(p[0] - p[2])) / (2 * square(p[3])) - 0.5;
}

/* mvn([a, 0.3], [[b, 0], [c, 1.1]]) and mvn([0.2, d], [[e, 0], [-0.4, f]]) */
static double kl_mvn(const double *p)
{
    double s[3] = {square(p[1]), p[1] * p[2], square(p[2]) + square(1.1)};
    double t[3] = {square(p[4]), p[4] * -0.4, square(0.4) + square(p[5])};
    double d[2] = {0.2 - p[0], p[3] - 0.3};
    double det_s = s[0] * s[2] - square(s[1]), det_t = t[0] * t[2] - square(t[1]);
    double trace = (t[2] * s[0] - 2 * t[1] * s[1] + t[0] * s[2]) / det_t;
    double far = (t[2] * d[0] * d[0] - 2 * t[1] * d[0] * d[1] + t[0] * d[1] * d[1]) / det_t;
    return 0.5 * (trace + far - 2 + log(det_t / det_s));
}

static double kl_bernoulli(const double *p)
{
    return p[0] * log(p[0] / p[1]) + (1 - p[0]) * log((1 - p[0]) / (1 - p[1]));
}

static double kl_bernoulli_logits(const double *p)
{
    return kl_bernoulli((double[]){1 / (1 + exp(-p[0])), 1 / (1 + exp(-p[1]))});
}

static double kl_categorical(const double *p)
{
    double all_p = p[0] + p[1] + p[2], all_q = p[3] + p[4] + p[5], sum = 0;
    for (int k = 0; k < 3; k++)
        sum += p[k] / all_p * log(p[k] / all_p / (p[3 + k] / all_q));
    return sum;
}

static double kl_categorical_logits(const double *p)
{
    double e[PARAMS];
    for (int k = 0; k < PARAMS; k++)
        e[k] = exp(p[k]);
    return kl_categorical(e);
}

static double kl_binomial(const double *p)
{
    return 7 * kl_bernoulli(p);
}

static double kl_geometric(const double *p)
{
    return log(p[0] / p[1]) + (1 - p[0]) / p[0] * log((1 - p[0]) / (1 - p[1]));
}

static double kl_poisson(const double *p)
{
    return p[0] * log(p[0] / p[1]) - p[0] + p[1];
}

static double kl_exponential(const double *p)
{
    return log(p[0] / p[1]) + p[1] / p[0] - 1;
}

static double kl_gamma(const double *p)
{
    return (p[0] - p[2]) * psi(p[0]) - lgamma(p[0]) + lgamma(p[2]) + p[2] * log(p[1] / p[3]) +
           p[0] * (p[3] - p[1]) / p[1];
}

static double kl_beta(const double *p)
{
    return log_beta(p[2], p[3]) - log_beta(p[0], p[1]) + (p[0] - p[2]) * psi(p[0]) +
           (p[1] - p[3]) * psi(p[1]) + (p[2] - p[0] + p[3] - p[1]) * psi(p[0] + p[1]);
}

static double kl_dirichlet(const double *p)
{
    double all_p = p[0] + p[1] + p[2], sum = lgamma(all_p) - lgamma(p[3] + p[4] + p[5]);
    for (int k = 0; k < 3; k++)
        sum += lgamma(p[3 + k]) - lgamma(p[k]) + (p[k] - p[3 + k]) * (psi(p[k]) - psi(all_p));
    return sum;
}

static double kl_laplace(const double *p)
{
    double d = fabs(p[0] - p[2]);
    return log(p[3] / p[1]) + d / p[3] + p[1] / p[3] * exp(-d / p[1]) - 1;
}

static double kl_gumbel(const double *p)
{
    return log(p[3] / p[1]) + EULER * (p[1] / p[3] - 1) +
           exp((p[2] - p[0]) / p[3]) * tgamma(p[1] / p[3] + 1) - 1 + (p[0] - p[2]) / p[3];
}

static double kl_weibull(const double *p)
{
    return log(p[0] / pow(p[1], p[0])) - log(p[2] / pow(p[3], p[2])) +
           (p[0] - p[2]) * (log(p[1]) - EULER / p[0]) +
           pow(p[1] / p[3], p[2]) * tgamma(p[2] / p[0] + 1) - 1;
}

static double kl_half_normal(const double *p)
{
    return log(p[1] / p[0]) + square(p[0] / p[1]) / 2 - 0.5;
}

static double kl_cauchy(const double *p)
{
    return log((square(p[1] + p[3]) + square(p[0] - p[2])) / (4 * p[1] * p[3]));
}

/* That of cauchy(0, .) folded at 0 */
static double kl_half_cauchy(const double *p)
{
    return log(square(p[0] + p[1]) / (4 * p[0] * p[1]));
}

static double kl_uniform(const double *p)
{
    bool inside = p[2] <= p[0] && p[1] <= p[3];
    return inside ? log((p[3] - p[2]) / (p[1] - p[0])) : INFINITY;
}

static double kl_uniform_array(const double *p)
{
    return kl_uniform(p) + kl_uniform((double[]){p[0], p[1], p[2], p[3] + 1});
}

static double kl_von_mises(const double *p)
{
    double i0 = bessel(0, p[1]), length = bessel(1, p[1]) / i0;
    return p[1] * length - log(i0) + log(bessel(0, p[3])) - p[3] * length * cos(p[0] - p[2]);
}

/* ---- divergences of two families: -H[q] - E log p ------------------------------------------- */

static double entropy_normal(double s)
{
    return 0.5 * log(2 * PI * M_E * s * s);
}

static double log_normalizer(double s)
{
    return 0.5 * log(2 * PI * s * s);
}

/* E|x - t| of normal(m, s) */
static double distance_normal(double m, double s, double t)
{
    double d = m - t;
    return s * sqrt(2 / PI) * exp(-d * d / (2 * s * s)) + d * erf(d / (s * sqrt(2)));
}

static double kl_normal_laplace(const double *p)
{
    return -entropy_normal(p[1]) + log(2 * p[3]) + distance_normal(p[0], p[1], p[2]) / p[3];
}

static double kl_laplace_normal(const double *p)
{
    return -(1 + log(2 * p[1])) + log_normalizer(p[3]) +
           (2 * square(p[1]) + square(p[0] - p[2])) / (2 * square(p[3]));
}

/* E log p of gamma(a, b), from the means of log x and of x */
static double log_gamma_density(double a, double b, double log_mean, double mean)
{
    return a * log(b) - lgamma(a) + (a - 1) * log_mean - b * mean;
}

static double kl_lognormal_gamma(const double *p)
{
    double mean = exp(p[0] + square(p[1]) / 2);
    return -(p[0] + entropy_normal(p[1])) - log_gamma_density(p[2], p[3], p[0], mean);
}

static double kl_gamma_lognormal(const double *p)
{
    double l = psi(p[0]) - log(p[1]);
    double entropy = p[0] - log(p[1]) + lgamma(p[0]) + (1 - p[0]) * psi(p[0]);
    return -entropy + l + log_normalizer(p[3]) +
           (square(l - p[2]) + psi_slope(p[0])) / (2 * square(p[3]));
}

static double kl_weibull_gamma(const double *p)
{
    double entropy = EULER * (1 - 1 / p[0]) + log(p[1] / p[0]) + 1;
    return -entropy -
           log_gamma_density(p[2], p[3], log(p[1]) - EULER / p[0], p[1] * tgamma(1 + 1 / p[0]));
}

static double kl_half_normal_exponential(const double *p)
{
    double entropy = 0.5 * log(PI * square(p[0]) / 2) + 0.5;
    return -entropy - log(p[1]) + p[1] * p[0] * sqrt(2 / PI);
}

static double kl_exponential_half_normal(const double *p)
{
    return log(p[0]) - 1 - 0.5 * log(2 / PI) + log(p[1]) + 1 / square(p[0] * p[1]);
}

static double kl_uniform_normal(const double *p)
{
    double spread = square(p[1] - p[0]) / 12 + square((p[0] + p[1]) / 2 - p[2]);
    return -log(p[1] - p[0]) + log_normalizer(p[3]) + spread / (2 * square(p[3]));
}

/* ---- means ---------------------------------------------------------------------------------- */

/* clang-format off */
#define MEAN(name, formula) static double name(const double *p) { return formula; }
MEAN(first, p[0])
MEAN(normal_square, square(p[0]) + square(p[1]))
MEAN(normal_distance, distance_normal(p[0], p[1], p[2]))
MEAN(normal_exp, exp(p[2] * p[0] + square(p[2] * p[1]) / 2))
MEAN(gamma_mean, p[0] / p[1])
MEAN(gamma_square, p[0] * (p[0] + 1) / square(p[1]))
MEAN(gamma_power, exp(lgamma(p[0] + p[2]) - lgamma(p[0])) / pow(p[1], p[2]))
MEAN(gamma_log, psi(p[0]) - log(p[1]))
MEAN(gamma_log_square, square(gamma_log(p)) + psi_slope(p[0]))
MEAN(weibull_power, pow(p[1], p[2]) * tgamma(1 + p[2] / p[0]))
MEAN(weibull_log, log(p[1]) - EULER / p[0])
MEAN(half_normal_mean, p[0] * sqrt(2 / PI))
MEAN(half_normal_square, square(p[0]))
MEAN(laplace_square, square(p[0]) + 2 * square(p[1]))
MEAN(laplace_exp, exp(p[0] * p[2]) / (1 - square(p[1] * p[2])))
MEAN(logistic_square, square(p[0]) + square(p[1] * PI) / 3)
MEAN(logistic_exp, exp(p[0] * p[2]) * PI * p[1] * p[2] / sin(PI * p[1] * p[2]))
MEAN(gumbel_mean, p[0] + p[1] * EULER)
MEAN(gumbel_square, square(gumbel_mean(p)) + square(PI * p[1]) / 6)
MEAN(gumbel_exp, exp(-p[0] / p[2]) * tgamma(1 + p[1] / p[2]))
MEAN(student_mean, p[1])
MEAN(student_square, square(p[1]) + square(p[2]) * p[0] / (p[0] - 2))
MEAN(von_mises_cos, bessel(1, p[1]) / bessel(0, p[1]) * cos(p[0]))
MEAN(von_mises_sin, bessel(1, p[1]) / bessel(0, p[1]) * sin(p[0]))
MEAN(mvn_product, p[0] * p[1] + p[2] * p[3])                 /* S = [[c^2, c d], [., d^2 + e^2]] */
MEAN(mvn_square, square(p[1]) + square(p[3]) + square(p[4]))
MEAN(mvn_exp, exp(p[0] - 0.7 * p[1] + (square(p[2] - 0.7 * p[3]) + square(0.7 * p[4])) / 2))
MEAN(mvn_cos, exp(-(square(p[2] - 0.7 * p[3]) + square(0.7 * p[4])) / 2) * cos(p[0] - 0.7 * p[1]))
MEAN(mvn_sin, exp(-(square(p[2] - 0.7 * p[3]) + square(0.7 * p[4])) / 2) * sin(p[0] - 0.7 * p[1]))
MEAN(uniform_cube, (pow(p[1], 4) - pow(p[0], 4)) / (4 * (p[1] - p[0])))
MEAN(uniform_quartic, (pow(p[1] - p[2], 5) - pow(p[0] - p[2], 5)) / (5 * (p[1] - p[0])))
MEAN(uniform_mean, (p[0] + p[1]) / 2)
MEAN(uniform_square, (square(p[0]) + p[0] * p[1] + square(p[1])) / 3)
MEAN(uniform_log, (p[1] * log(p[1]) - p[0] * log(p[0])) / (p[1] - p[0]) - 1)
MEAN(beta_log, psi(p[0]) - psi(p[0] + p[1]))
MEAN(beta_log_rest, psi(p[1]) - psi(p[0] + p[1]))
MEAN(beta_power, exp(log_beta(p[0] + p[2], p[1]) - log_beta(p[0], p[1])))
MEAN(dirichlet_log, psi(p[1]) - psi(p[0] + p[1] + p[2]))
MEAN(dirichlet_mean, p[1] / (p[0] + p[1] + p[2]))
MEAN(dirichlet_product, p[0] * p[2] / ((p[0] + p[1] + p[2]) * (p[0] + p[1] + p[2] + 1)))
MEAN(multinomial_product, 20 * p[0] * p[2] / square(p[0] + p[1] + p[2]))
MEAN(poisson_square, p[0] + square(p[0]))
MEAN(poisson_exp, exp(p[0] * (exp(p[2]) - 1)))
MEAN(geometric_mean, 1 / p[0] - 1)
MEAN(binomial_mean, 7 * p[0])
MEAN(exponential_mean, 1 / p[0])
MEAN(exponential_square, 2 / square(p[0]))
MEAN(exponential_power, tgamma(1 + p[2]) / pow(p[0], p[2]))
MEAN(exponential_log, -EULER - log(p[0]))
MEAN(exponential_log_square, square(exponential_log(p)) + PI * PI / 6)
/* clang-format on */

/* ---- the rows ------------------------------------------------------------------------------- */

/* `law` NULL: `cost` stands alone; else it reads a draw z of the law. */
typedef struct Row {
    const char *law, *cost;
    double (*form)(const double *p);
    double at[POINTS][PARAMS];
} Row;

#define REAL                                                                                       \
    {                                                                                              \
        {0.3, 0.8, -0.4, 1.4},                                                                     \
        {                                                                                          \
            -1.1, 1.7, 0.6, 0.9                                                                    \
        }                                                                                          \
    }
#define POSITIVE                                                                                   \
    {                                                                                              \
        {1.3, 0.8, 2.1, 1.6, 0.9, 1.2},                                                            \
        {                                                                                          \
            2.4, 1.7, 0.9, 1.1, 1.8, 3.1                                                           \
        }                                                                                          \
    }
#define UNIT                                                                                       \
    {                                                                                              \
        {0.3, 0.6},                                                                                \
        {                                                                                          \
            0.7, 0.55                                                                              \
        }                                                                                          \
    }
#define SMALL                                                                                      \
    {                                                                                              \
        {0.3, 0.4, 0.7},                                                                           \
        {                                                                                          \
            -1.1, 0.6, -0.5                                                                        \
        }                                                                                          \
    }
#define INNER                                                                                      \
    {                                                                                              \
        {0.3, 1.2, 0.1, 1.9},                                                                      \
        {                                                                                          \
            -1.1, 0.4, -1.6, 0.7                                                                   \
        }                                                                                          \
    }

static const Row row[] = {
    {NULL, "kl(normal(a, b), normal(c, d))", kl_normal, REAL},
    {NULL, "kl(lognormal(a, b), lognormal(c, d))", kl_normal, REAL},
    {NULL,
     "kl(mvn([a, 0.3], cholesky = [[b, 0], [c, 1.1]]), "
     "mvn([0.2, d], cholesky = [[e, 0], [-0.4, f]]))",
     kl_mvn, POSITIVE},
    {NULL, "kl(bernoulli(a), bernoulli(b))", kl_bernoulli, UNIT},
    {NULL, "kl(bernoulli(logits = a), bernoulli(logits = b))", kl_bernoulli_logits, REAL},
    {NULL, "kl(categorical([a, b, c]), categorical([d, e, f]))", kl_categorical, POSITIVE},
    {NULL, "kl(categorical(logits = [a, b, c]), categorical(logits = [d, e, f]))",
     kl_categorical_logits, POSITIVE},
    {NULL, "kl(one_hot_categorical([a, b, c]), one_hot_categorical([d, e, f]))", kl_categorical,
     POSITIVE},
    {NULL, "kl(binomial(7, a), binomial(7, b))", kl_binomial, UNIT},
    {NULL, "kl(geometric(a), geometric(b))", kl_geometric, UNIT},
    {NULL, "kl(poisson(a), poisson(b))", kl_poisson, POSITIVE},
    {NULL, "kl(exponential(a), exponential(b))", kl_exponential, POSITIVE},
    {NULL, "kl(gamma(a, b), gamma(c, d))", kl_gamma, POSITIVE},
    {NULL, "kl(beta(a, b), beta(c, d))", kl_beta, POSITIVE},
    {NULL, "kl(dirichlet([a, b, c]), dirichlet([d, e, f]))", kl_dirichlet, POSITIVE},
    {NULL, "kl(laplace(a, b), laplace(c, d))", kl_laplace, REAL},
    {NULL, "kl(gumbel(a, b), gumbel(c, d))", kl_gumbel, REAL},
    {NULL, "kl(weibull(a, b), weibull(c, d))", kl_weibull, POSITIVE},
    {NULL, "kl(half_normal(a), half_normal(b))", kl_half_normal, POSITIVE},
    {NULL, "kl(cauchy(a, b), cauchy(c, d))", kl_cauchy, REAL},
    {NULL, "kl(half_cauchy(a), half_cauchy(b))", kl_half_cauchy, POSITIVE},
    {NULL, "kl(uniform(a, b), uniform(c, d))", kl_uniform, INNER},
    {NULL, "sum(kl(uniform([a, a], b), uniform(c, [d, d + 1])))", kl_uniform_array, INNER},
    {NULL, "kl(von_mises(a, b), von_mises(c, d))", kl_von_mises, REAL},
    {NULL, "kl(normal(a, b), laplace(c, d))", kl_normal_laplace, REAL},
    {NULL, "kl(laplace(a, b), normal(c, d))", kl_laplace_normal, REAL},
    {NULL, "kl(lognormal(a, b), gamma(c, d))", kl_lognormal_gamma, POSITIVE},
    {NULL, "kl(gamma(a, b), lognormal(c, d))", kl_gamma_lognormal, POSITIVE},
    {NULL, "kl(weibull(a, b), gamma(c, d))", kl_weibull_gamma, POSITIVE},
    {NULL, "kl(half_normal(a), exponential(b))", kl_half_normal_exponential, POSITIVE},
    {NULL, "kl(exponential(a), half_normal(b))", kl_exponential_half_normal, POSITIVE},
    {NULL, "kl(uniform(a, b), normal(c, d))", kl_uniform_normal, INNER},

    {"normal(a, b)", "z", first, REAL},
    {"normal(a, b)", "z * z", normal_square, REAL},
    {"normal(a, b)", "abs(z - c)", normal_distance, REAL},
    {"normal(a, b)", "exp(c * z)", normal_exp, REAL},
    {"lognormal(a, b)", "log(z)", first, REAL},
    {"lognormal(a, b)", "log(z) * log(z)", normal_square, REAL},
    {"lognormal(a, b)", "z ^ c", normal_exp, REAL},
    {"gamma(a, b)", "z", gamma_mean, POSITIVE},
    {"gamma(a, b)", "z * z", gamma_square, POSITIVE},
    {"gamma(a, b)", "z ^ c", gamma_power, POSITIVE},
    {"gamma(a, b)", "log(z)", gamma_log, POSITIVE},
    {"gamma(a, b)", "log(z) * log(z)", gamma_log_square, POSITIVE},
    {"weibull(a, b)", "z ^ c", weibull_power, POSITIVE},
    {"weibull(a, b)", "log(z)", weibull_log, POSITIVE},
    {"half_normal(a)", "z", half_normal_mean, POSITIVE},
    {"half_normal(a)", "z * z", half_normal_square, POSITIVE},
    {"exponential(a)", "z", exponential_mean, POSITIVE},
    {"exponential(a)", "z * z", exponential_square, POSITIVE},
    {"exponential(a)", "z ^ c", exponential_power, POSITIVE},
    {"exponential(a)", "log(z)", exponential_log, POSITIVE},
    {"exponential(a)", "log(z) * log(z)", exponential_log_square, POSITIVE},
    {"laplace(a, b)", "z", first, REAL},
    {"laplace(a, b)", "z * z", laplace_square, REAL},
    {"laplace(a, b)", "exp(c * z)", laplace_exp, SMALL},
    {"logistic(a, b)", "z", first, REAL},
    {"logistic(a, b)", "z * z", logistic_square, REAL},
    {"logistic(a, b)", "exp(c * z)", logistic_exp, SMALL},
    {"gumbel(a, b)", "z", gumbel_mean, REAL},
    {"gumbel(a, b)", "z * z", gumbel_square, REAL},
    {"gumbel(a, b)", "exp(-z / c)", gumbel_exp, POSITIVE},
    {"student_t(a, b, c)", "z", student_mean, {{1.6, 0.4, 0.9}, {3.5, -1.2, 1.7}}},
    {"student_t(a, b, c)", "z * z", student_square, {{2.6, 0.4, 0.9}, {5.5, -1.2, 1.7}}},
    {"von_mises(a, b)", "cos(z)", von_mises_cos, REAL},
    {"von_mises(a, b)", "sin(z)", von_mises_sin, REAL},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "z[0]", first, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "z[0] * z[1]", mvn_product, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "z[1] * z[1]", mvn_square, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "exp(z[0] - 0.7 * z[1])", mvn_exp, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "exp(sum([1, -0.7] * z))", mvn_exp, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "cos(z[0] - 0.7 * z[1])", mvn_cos, POSITIVE},
    {"mvn([a, b], cholesky = [[c, 0], [d, e]])", "sin(sum([1, -0.7] * z))", mvn_sin, POSITIVE},
    {"uniform(a, b)", "z", uniform_mean, INNER},
    {"uniform(a, b)", "z * z", uniform_square, INNER},
    {"uniform(a, b)", "z ^ 3", uniform_cube, INNER},
    {"uniform(a, b)", "z * z * z", uniform_cube, INNER},
    {"uniform(a, b)", "(z - c) ^ 4", uniform_quartic, INNER},
    {"uniform(a, b)", "log(z)", uniform_log, {{0.3, 1.2}, {1.1, 1.9}}},
    {"beta(a, b)", "log(z)", beta_log, POSITIVE},
    {"beta(a, b)", "log(1 - z)", beta_log_rest, POSITIVE},
    {"beta(a, b)", "z ^ c", beta_power, POSITIVE},
    {"dirichlet([a, b, c])", "log(z[1])", dirichlet_log, POSITIVE},
    {"dirichlet([a, b, c])", "z[1]", dirichlet_mean, POSITIVE},
    {"dirichlet([a, b, c])", "z[0] * z[2]", dirichlet_product, POSITIVE},
    {"multinomial(5, [a, b, c])", "z[0] * z[2]", multinomial_product, POSITIVE},
    {"poisson(a)", "z", first, POSITIVE},
    {"poisson(a)", "z * z", poisson_square, POSITIVE},
    {"poisson(a)", "exp(c * z)", poisson_exp, {{1.3, 0, 0.4}, {2.4, 0, -0.7}}},
    {"geometric(a)", "z", geometric_mean, UNIT},
    {"binomial(7, a)", "z", binomial_mean, UNIT},
};

static void write_row(char *text, size_t size, const Row *r)
{
    size_t at = 0;
    for (int k = 0; k < PARAMS; k++)
        at += (size_t)snprintf(text + at, size - at, "param %c = ones()\n", 'a' + k);
    at += (size_t)snprintf(text + at, size - at, "graph g {\n");
    if (r->law)
        at += (size_t)snprintf(text + at, size - at, "  z ~ %s\n", r->law);
    snprintf(text + at, size - at, "  cost %s\n}\n", r->cost);
}

/* Central differences of order 8 (Fornberg, 1988) of the formula. */
static double form_slope(const Row *r, const double *at, int k)
{
    static const double weight[4] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
    const double h = 0.005;
    double p[PARAMS], slope = 0;
    memcpy(p, at, sizeof p);
    for (int i = 0; i < 4; i++) {
        p[k] = at[k] + (i + 1) * h;
        double up = r->form(p);
        p[k] = at[k] - (i + 1) * h;
        slope += weight[i] * (up - r->form(p));
    }
    return slope / h;
}

static bool draws(const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW)
            return true;
    return false;
}

static void check_row(TapeModel *t, const Row *r, const double *at, const char *text)
{
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeInput in = tape_input(t, 1);
    for (uint32_t k = 0; k < PARAMS; k++)
        in.param[k][0] = at[k];
    TapeResult got = tape_expectation(t, step, &in);
    check_near(tape_expectation(t, &t->entry[IR_ENTRY_EVAL], &in).value[0], r->form(at), "value",
               text);
    check_near(got.value[0], r->form(at), "value of the step", text);
    for (uint32_t k = 0; k < PARAMS; k++) {
        long first_of_param = first_result_of(step, k);
        check_near(first_of_param < 0 ? 0 : got.value[first_of_param], form_slope(r, at, (int)k),
                   t->model.param[k].name, text);
    }
}

START_TEST(a_row_of_the_sheet)
{
    char text[512];
    write_row(text, sizeof text, &row[_i]);
    TapeModel *t = compiled(text);
    ck_assert_msg(!draws(&t->entry[IR_ENTRY_EVAL]) && !draws(&t->entry[IR_ENTRY_STEP]),
                  "noise is left of\n%s", text);
    for (int k = 0; k < POINTS; k++)
        check_row(t, &row[_i], row[_i].at[k], text);
    tape_free(t);
}
END_TEST

/* Arrays of draws, and arguments that are no constants: against the integral over the noise. */
static const char *const array[] = {
    "param m[2] = ones()\nparam s in positive = ones()\ngraph g {\n  z[2] ~ uniform(m, m + s)\n"
    "  cost sum((z - 0.3) ^ 3)\n  cost sum(z * z * m / s)\n}\n",
    "param m[2] = ones()\ngraph g {\n  z[2] ~ lognormal(m, 0.4)\n  cost m[0] * log(z[1])\n}\n",
    "param m[2] = ones()\nparam c[2, 2] in cholesky = identity()\ngraph g {\n"
    "  z ~ mvn(m, cholesky = c)\n  cost sum(exp(0.3 * z - m))\n  cost exp(0.2 * (z[0] - m[1] * "
    "z[1]))\n}\n",
};

START_TEST(arrays_have_the_means_of_their_elements)
{
    Exact exact = {0};
    TapeModel *t = compiled(array[_i]);
    ck_assert_msg(!draws(&t->entry[IR_ENTRY_STEP]), "noise is left of\n%s", array[_i]);
    exact_find_plain(&exact, array[_i], 1);
    SlopeError worst = slope_error(&exact, t, 1);
    if (worst.error > 0)
        check_near(worst.got, worst.want, worst.what, array[_i]);
    exact_free(&exact);
    tape_free(t);
}
END_TEST

/* A law that puts mass outside of another's support is infinitely far from it. */
START_TEST(uniform_laws_that_stick_out_are_infinitely_far)
{
    static const double at[][4] = {
        {0.3, 1.2, 0.4, 1.9}, {0.3, 1.2, 0.1, 1.1}, {0.3, 1.2, 2, 3}, {0.3, 1.2, 0.3, 1.2}};
    Row r = {.cost = "kl(uniform(a, b), uniform(c, d))"};
    char text[512];
    write_row(text, sizeof text, &r);
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (int k = 0; k < 4; k++)
            in.param[k][0] = at[i][k];
        double got = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in).value[0];
        ck_assert_msg(got == kl_uniform(at[i]), "%zu: %g, not %g", i, got, kl_uniform(at[i]));
    }
    tape_free(t);
}
END_TEST

/* Of these no elementary form is known: `kl` says so, and the same on a draw compiles. */
static const struct {
    const char *q, *p;
} open[] = {
    {"student_t(5, a, b)", "student_t(5, c, d)"}, {"student_t(5, a, b)", "normal(c, d)"},
    {"logistic(a, b)", "logistic(c, d)"},         {"logistic(a, b)", "normal(c, d)"},
    {"normal(a, b)", "student_t(5, c, d)"},       {"normal(a, b)", "logistic(c, d)"},
};

START_TEST(without_a_form_it_is_to_be_sampled)
{
    char cost[256], text[512];
    snprintf(cost, sizeof cost, "kl(%s, %s)", open[_i].q, open[_i].p);
    write_row(text, sizeof text, &(Row){.cost = cost});
    TapeModel *t = tape_compile(text);
    char *said = diags_text(t->diags);
    ck_assert_msg(!t->ok && strstr(said, "no closed form is known") &&
                      strstr(said, "write it on a draw, with log_prob(...)"),
                  "%s", said);
    free(said);
    tape_free(t);
    snprintf(cost, sizeof cost, "log_prob(%s, z) - log_prob(%s, z)", open[_i].q, open[_i].p);
    write_row(text, sizeof text, &(Row){.law = open[_i].q, .cost = cost});
    t = compiled(text);
    ck_assert_msg(draws(&t->entry[IR_ENTRY_STEP]), "%s", text);
    tape_free(t);
}
END_TEST

TCase *sheet_case(void)
{
    TCase *c = tcase_create("sheet");
    tcase_add_loop_test(c, a_row_of_the_sheet, 0, sizeof row / sizeof *row);
    tcase_add_loop_test(c, arrays_have_the_means_of_their_elements, 0,
                        sizeof array / sizeof *array);
    tcase_add_test(c, uniform_laws_that_stick_out_are_infinitely_far);
    tcase_add_loop_test(c, without_a_form_it_is_to_be_sampled, 0, sizeof open / sizeof *open);
    return c;
}
