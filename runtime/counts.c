/* The Poisson and binomial laws inverted: the least k with P(X <= k) >= u.
 *
 * The probability of a tail is that of its first value times a sum of products of ratios, all
 * positive.  A search starts outside of where the normal approximation puts the answer and adds
 * probabilities on its way in, on the side that is the smaller one, so no digit is lost.  Single
 * probabilities: Loader, "Fast and Accurate Computation of Binomial Probabilities", 2000. */
#include <math.h>
#include <stdbool.h>

#include "runtime/expansion.h"
#include "runtime/kernels.h"

static const double two_pi = 0x1.921fb54442d18p+2;

/* n = INFINITY: Poisson of this mean. */
typedef struct Count {
    double mean, sd, skew, n, p;
} Count;

/* log n! less Stirling's (n + 1/2) log n - n + log(2 pi) / 2 */
static double factorial_rest(double n)
{
    if (n >= 10)
        return sgrt_stirling_rest(n);
    return sgrt_lgamma_f64(n + 1) - (n + 0.5) * log(n) + n - 0.5 * log(two_pi);
}

/* k log(k / mean) + mean - k */
static double deviance(double k, double mean)
{
    double ratio = (mean - k) / k;
    return k * sgrt_expm1_rest(fabs(ratio) < 0.5 ? log1p(ratio) : log(mean / k));
}

static double binomial_mass(const Count *c, double k)
{
    double rest = c->n - k;
    if (k == 0)
        return exp(c->n * log1p(-c->p));
    if (rest == 0)
        return exp(c->n * log(c->p));
    double log_mass = factorial_rest(c->n) - factorial_rest(k) - factorial_rest(rest) -
                      deviance(k, c->mean) - deviance(rest, c->n * (1 - c->p));
    return exp(log_mass) * sqrt(c->n / (two_pi * k * rest));
}

static double mass(const Count *c, double k)
{
    if (c->n < INFINITY)
        return binomial_mass(c, k);
    if (k == 0)
        return exp(-c->mean);
    return exp(-factorial_rest(k) - deviance(k, c->mean)) / sqrt(two_pi * k);
}

/* mass(k + 1) / mass(k) */
static double ratio(const Count *c, double k)
{
    if (c->n < INFINITY)
        return (c->n - k) / (k + 1) * (c->p / (1 - c->p));
    return c->mean / (k + 1);
}

/* P(X <= k) */
static double below(const Count *c, double k)
{
    double sum = 1, term = 1;
    for (double i = k; i > 0 && term > 0x1p-56 * sum; i--) {
        term /= ratio(c, i - 1);
        sum += term;
    }
    return sum * mass(c, k);
}

/* P(X > k) */
static double above(const Count *c, double k)
{
    double sum = 1, term = 1;
    for (double i = k + 1; i < c->n && term > 0x1p-56 * sum; i++) {
        term *= ratio(c, i);
        sum += term;
    }
    return k < c->n ? sum * mass(c, k + 1) : 0;
}

static double from_below(const Count *c, double k, double u)
{
    while (k > 0 && below(c, k) >= u)
        k = fmax(0, k - 1 - floor(c->sd / 4));
    double p = mass(c, k), sum = below(c, k);
    while (sum < u && k < c->n) {
        p *= ratio(c, k++);
        sum += p;
    }
    return k;
}

/* `v` is 1 - u. */
static double from_above(const Count *c, double k, double v)
{
    while (k < c->n && above(c, k) > v)
        k = fmin(c->n, k + 1 + floor(c->sd / 4));
    double p = mass(c, k), sum = above(c, k);
    while (k > 0 && sum + p <= v) {
        sum += p;
        p /= ratio(c, --k);
    }
    return k;
}

static double quantile(const Count *c, double u)
{
    double z = sgrt_rough_normal(u);
    double near = c->mean + c->sd * (z + c->skew * (z * z - 1) / 6);
    near = fmax(0, fmin(c->n, floor(near)));
    return u <= 0.5 ? from_below(c, fmax(0, near - 2), u)
                    : from_above(c, fmin(c->n, near + 2), 1 - u);
}

double sgrt_poisson_quantile_f64(double u, double rate)
{
    if (!(u > 0 && u < 1 && rate >= 0 && rate < 0x1p52))
        return NAN;
    Count c = {rate, sqrt(rate), 1 / sqrt(rate), INFINITY, 0};
    return rate == 0 ? 0 : quantile(&c, u);
}

double sgrt_binomial_quantile_f64(double u, double n, double p)
{
    if (!(u > 0 && u < 1 && n >= 0 && n < 0x1p52 && n == floor(n) && p >= 0 && p <= 1))
        return NAN;
    if (n == 0 || p == 0 || p == 1)
        return p * n;
    double sd = sqrt(n * p * (1 - p));
    Count c = {n * p, sd, (1 - 2 * p) / sd, n, p};
    return quantile(&c, u);
}

float sgrt_poisson_quantile_f32(float u, float rate)
{
    return (float)sgrt_poisson_quantile_f64(u, rate);
}

float sgrt_binomial_quantile_f32(float u, float n, float p)
{
    return (float)sgrt_binomial_quantile_f64(u, n, p);
}
