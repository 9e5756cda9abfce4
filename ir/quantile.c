/* Inverse distribution functions, as the evaluator means them: in long double, by the textbook.
 *
 * The runtime has fast ones by other methods; the tests hold both against tables.  Series and
 * continued fraction: Abramowitz & Stegun, 6.5.29 and 6.5.31. */
#include "ir/ir.h"

#include <math.h>

/* ---- the gamma law of rate 1, in l = log z --------------------------------------------------- */

static long double log_lower(long double a, long double l)
{
    long double z = expl(l), term = 1, sum = 1;
    for (long double n = 1; term > 1e-21L * sum; n++) {
        term *= z / (a + n);
        sum += term;
    }
    return a * l - z - lgammal(a + 1) + logl(sum);
}

static long double log_upper(long double a, long double z)
{
    long double b = z + 1 - a, c = 1e300L, d = 1 / b, h = d, change = 0;
    for (long double n = 1; fabsl(change - 1) > 1e-19L; n++) {
        long double step = n * (a - n);
        b += 2;
        d = 1 / (step * d + b);
        c = b + step / c;
        change = c * d;
        h *= change;
    }
    return a * logl(z) - z - lgammal(a) + logl(h);
}

/* d log P / dl */
static long double rate_lower(long double a, long double l, long double log_p)
{
    return expl(a * l - expl(l) - lgammal(a) - log_p);
}

/* The next step of Newton would be lost in rounding. */
static bool is_settled(long double step, long double x)
{
    return fabsl(step) <= 1e-10L * fabsl(x);
}

/* log P is concave in l and lies below its leading term, whose root Newton starts from. */
static long double quantile_below(long double log_u, long double a)
{
    long double l = (log_u + lgammal(a + 1)) / a;
    for (int i = 0; i < 1000; i++) {
        long double log_p = log_lower(a, l);
        long double step = (log_p - log_u) / rate_lower(a, l, log_p);
        l -= step;
        if (is_settled(step, l))
            break;
    }
    return l;
}

static long double quantile_above(long double log_v, long double a)
{
    long double z = fmaxl(a, 1);
    for (int i = 0; i < 1000; i++) {
        long double log_q = log_upper(a, z);
        long double step = (log_q - log_v) / -expl((a - 1) * logl(z) - z - lgammal(a) - log_q);
        z -= step;
        if (is_settled(step, z))
            break;
    }
    return logl(z);
}

double ir_log_gamma_quantile(double u, double a)
{
    if (!(u >= 0 && u <= 1 && a > 0 && a < INFINITY))
        return NAN;
    if (u == 0 || u == 1)
        return u == 0 ? -INFINITY : INFINITY;
    long double log_u = logl(u), middle = logl(fmaxl(a, 1));
    bool below = log_u <= log_lower(a, middle);
    return (double)(below ? quantile_below(log_u, a) : quantile_above(log1pl(-u), a));
}

/* dl/da = -(dP/da) / f(l) is the integral of (log t - psi(a)) f(log t) / f(l) over log t, from l up
 * or, with the other sign, down: where it has one sign.  By the exp-sinh rule, log t = l +- y. */
double ir_log_gamma_slope(double l, double a)
{
    if (!(a > 0 && a < INFINITY && l < INFINITY))
        return NAN;
    const double first = -3.9, step = 0.03;
    long double z = expl(l), centred = l - (long double)ir_digamma(a), sum = 0;
    long double side = centred > 0 && z > 0.5L ? 1 : -1;
    double unit = side < 0 && a < 1 ? 1 / a : 1 / sqrt(fmax(a, 1));
    for (int i = 0;; i++) {
        double s = sinh(first + i * step), y = unit * exp(1.57079632679489662 * s);
        double dy = y * 1.57079632679489662 * sqrt(1 + s * s);
        long double fall = a * side * y - z * expm1l(side * y);
        if (fall < -60)
            break;
        sum += step * dy * side * (centred + side * y) * expl(fall);
    }
    return (double)sum;
}

/* ---- counts -----------------------------------------------------------------------------------
 */

typedef long double Mass(long double k, long double n, long double p);

static long double poisson_mass(long double k, long double rate, long double unused)
{
    (void)unused;
    return expl(k * logl(rate) - rate - lgammal(k + 1));
}

static long double binomial_mass(long double k, long double n, long double p)
{
    long double choices = lgammal(n + 1) - lgammal(k + 1) - lgammal(n - k + 1);
    return expl(choices + k * logl(p) + (n - k) * log1pl(-p));
}

/* The least k with P(X <= k) >= u: masses are added up from the end of the smaller sum.  Beyond 12
 * deviations and 30 there is less than rounding. */
static double counted(double u, Mass *mass, long double n, long double p, long double mean,
                      long double sd, long double most)
{
    long double reach = 12 * sd + 30, sum = 0;
    long double low = fmaxl(0, floorl(mean - reach)), high = fminl(most, ceill(mean + reach));
    if (u <= 0.5) {
        for (long double k = low;; k++)
            if ((sum += mass(k, n, p)) >= u || k >= high)
                return (double)k;
    }
    for (long double k = high; k > low; k--)
        if ((sum += mass(k, n, p)) > 1 - (long double)u)
            return (double)k;
    return (double)low;
}

double ir_poisson_quantile(double u, double rate)
{
    if (!(u > 0 && u < 1 && rate >= 0 && rate < 0x1p52))
        return NAN;
    return rate == 0 ? 0 : counted(u, poisson_mass, rate, 0, rate, sqrtl(rate), INFINITY);
}

double ir_binomial_quantile(double u, double n, double p)
{
    if (!(u > 0 && u < 1 && n >= 0 && n < 0x1p52 && n == floor(n) && p >= 0 && p <= 1))
        return NAN;
    if (p == 0 || p == 1)
        return p * n;
    return counted(u, binomial_mass, n, p, n * p, sqrtl(n * p * (1 - p)), n);
}
