/* The gamma law of rate 1, for transports: its distribution function inverted, and how the inverse
 * moves with the shape.  All in l = log z, because z underflows where the shape is small.
 *
 * log z has the density f(l) = e^(a l - z) / Gamma(a).  With y the distance of logarithms,
 *
 *     P(a, z) = f(l) R,  R = int_0^inf e^-(a y - z (1 - e^-y)) dy    below,
 *     Q(a, z) = f(l) R,  R = int_0^inf e^-(z (e^y - 1) - a y) dy     above,
 *
 * and the derivative of log f along the way brings in M, the same integral of y times that:
 *
 *     dl/da = -(dP/da) / f(l) = M - (l - psi(a)) R below,  M + (l - psi(a)) R above.
 *
 * Below, M - R / a and psi(1 + a) do as well, and stay small where the shape does.  Each side is
 * used where its terms have one sign, so that nothing cancels.  The integrals are Gauss-Legendre
 * sums up to where the exponent reaches -40; where the shape is small the lower ones are series
 * instead.  Compared with 60-digit arithmetic for shapes from 1e-3 to 1e4: tests/unit/quantile.c.
 */
#include <math.h>
#include <stdbool.h>

#include "runtime/expansion.h"
#include "runtime/gauss.h"
#include "runtime/kernels.h"

typedef struct Tail {
    double mass, mean; /* R; M - R / a below, M above */
    double log_mass;   /* log(a R), less z where the shape is small */
} Tail;

enum { LARGE = 10, CUT = 40 };

/* log(a e^-z sum z^n / (a)_(n+1)), for small z by Kummer's transformation: near 0 for a small
 * shape, and divided by it. */
static double log_lower_series(double a, double z, double rest)
{
    if (z > 0.5)
        return log1p(a * rest) - z;
    double term = 1, sum = 0;
    for (int n = 1; n < 20; n++) {
        term *= -z / n;
        sum += term / (a + n);
    }
    return log1p(a * sum);
}

/* R = sum z^n / (a)_(n+1), M - R / a = sum z^n / (a)_(n+1) sum_(0<k<=n) 1 / (a + k) */
static Tail lower_series(double a, double z)
{
    double term = 1 / a, rise = 0, rest = 0, mean = 0;
    for (double n = 1; term > 0x1p-60 * (1 / a + rest); n++) {
        double step = 1 / (a + n);
        term *= z * step;
        rise += step;
        rest += term;
        mean += term * rise;
    }
    return (Tail){1 / a + rest, mean, log_lower_series(a, z, rest)};
}

static double lower_exponent(double a, double z, double y)
{
    return (a - z) * y + z * sgrt_expm1_rest(-y);
}

static double upper_exponent(double a, double z, double y)
{
    return (z - a) * y + z * sgrt_expm1_rest(y);
}

typedef double Exponent(double a, double z, double y);

static Tail integrated(double a, double z, Exponent *exponent, double end)
{
    double mass = 0, mean = 0;
    for (int i = 0; i < GAUSS_HALF; i++) {
        double near = end * (1 - gauss[i].x) / 2, far = end * (1 + gauss[i].x) / 2;
        double p = exp(-exponent(a, z, near)), q = exp(-exponent(a, z, far));
        mass += gauss[i].weight * (p + q);
        mean += gauss[i].weight * (near * p + far * q);
    }
    mass *= end / 2;
    return (Tail){mass, end / 2 * mean, log(a * mass)};
}

/* The exponent is convex and grows at least as a y - z does: Newton from the right. */
static double lower_end(double a, double z)
{
    double y = (CUT + z) / a;
    for (int i = 0; i < 8; i++) {
        double over = lower_exponent(a, z, y) - CUT;
        if (over < 1)
            break;
        y -= over / (a - z - z * expm1(-y));
    }
    return y;
}

/* From the parabola below the exponent, and then what the exponential brings. */
static double upper_end(double a, double z)
{
    double d = z - a, y = (sqrt(d * d + 2 * CUT * z) - d) / z;
    for (int i = 0; i < 2; i++)
        y = fmin(y, log1p((CUT + a * y) / z));
    return y;
}

static Tail lower_tail(double a, double z)
{
    if (a < LARGE)
        return lower_series(a, z);
    Tail t = integrated(a, z, lower_exponent, lower_end(a, z));
    t.mean -= t.mass / a;
    return t;
}

static Tail upper_tail(double a, double z)
{
    Tail t = integrated(a, z, upper_exponent, upper_end(a, z));
    t.log_mass -= a < LARGE ? z : 0;
    return t;
}

/* log Gamma(1 + a), with what the sum 1 + a rounds away: it counts 1 / a fold. */
static double lgamma_1p(double a)
{
    double sum = 1 + a;
    return sgrt_lgamma_f64(sum) + (a - (sum - 1)) * sgrt_digamma_f64(sum);
}

/* log P or log Q; where the shape is large, a l and z all but cancel. */
static double log_tail(double a, double l, const Tail *t)
{
    const double half_log_two_pi = 0x1.d67f1c864beb5p-1;
    if (a < LARGE)
        return a * l - lgamma_1p(a) + t->log_mass;
    double depth = a * sgrt_expm1_rest(l - log(a)) + sgrt_stirling_rest(a);
    return t->log_mass - 0.5 * log(a) - half_log_two_pi - depth;
}

/* ---- the inverse ---------------------------------------------------------------------------- */

/* Wilson & Hilferty, 1931; for small u the first two terms of P near 0; for small shapes the
 * leading term of Q. */
static double start(double u, double a, bool lower)
{
    double cube = 1 - 1 / (9 * a) + sgrt_rough_normal(u) / (3 * sqrt(a));
    if (a >= 1 && cube > 0.3)
        return log(a) + 3 * log(cube);
    if (lower) {
        double l = (log(u) + lgamma_1p(a)) / a;
        return l + fmin(exp(l) / (1 + a), 1);
    }
    double z = fmax(1, -log1p(-u) - sgrt_lgamma_f64(a));
    return log(fmax(1, z + (a - 1) * log(z)));
}

static bool is_below(double u, double a)
{
    if (a >= LARGE)
        return u <= 0.5;
    double z = fmax(0.5, a);
    Tail t = lower_series(a, z);
    return log(u) <= log_tail(a, log(z), &t);
}

/* Halley's method on log P or log Q, both concave in l: it converges from anywhere. */
static double solve(double u, double a)
{
    bool lower = is_below(u, a);
    double want = lower ? log(u) : log1p(-u), l = start(u, a, lower);
    for (int i = 0; i < 60; i++) {
        double z = exp(l);
        Tail t = lower ? lower_tail(a, z) : upper_tail(a, z);
        double rate = lower ? 1 / t.mass : -1 / t.mass;
        double step = (log_tail(a, l, &t) - want) / rate;
        double bend = step * ((a - z) - rate) / 2;
        l -= fabs(bend) < 0.5 ? step / (1 - bend) : step;
        if (fabs(bend) < 1e-6 && fabs(step) * sqrt(1 + a) < 1e-5)
            break;
    }
    return l;
}

/* log z with P(a, z) = u. */
double sgrt_log_gamma_quantile_f64(double u, double a)
{
    if (!(u >= 0 && u <= 1 && a > 0 && a < INFINITY))
        return NAN;
    return u == 0 ? -INFINITY : u == 1 ? INFINITY : solve(u, a);
}

/* d log z / da where P(a, z) stays. */
double sgrt_log_gamma_slope_f64(double l, double a)
{
    if (!(a > 0 && a < INFINITY && l < INFINITY))
        return NAN;
    double z = exp(l), below = l - sgrt_digamma_f64(1 + a);
    if (below <= 0) {
        Tail t = lower_tail(a, z);
        return t.mean - below * t.mass;
    }
    Tail t = upper_tail(a, z);
    return t.mean + (l - sgrt_digamma_f64(a)) * t.mass;
}

float sgrt_log_gamma_quantile_f32(float u, float a)
{
    return (float)sgrt_log_gamma_quantile_f64(u, a);
}

float sgrt_log_gamma_slope_f32(float l, float a)
{
    return (float)sgrt_log_gamma_slope_f64(l, a);
}
