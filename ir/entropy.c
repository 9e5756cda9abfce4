/* The entropy of the poisson law, and its first two derivatives in the rate.
 *
 *     H   = E[-log mass of X]
 *     H'  = E log((X + 1) / rate)
 *     H'' = E[log(1 + 1 / (X + 1)) - 1 / (X + 1)] - e^-rate / rate
 *
 * since d E f(X) / d rate = E[f(X + 1) - f(X)] and E 1 / (X + 1) = (1 - e^-rate) / rate; the last
 * has terms of one sign.  Sums from the largest mass outwards until masses are below 2^-80 of it,
 * which leaves out less than 2^-60 of a sum, in long double.  Large rates have asymptotic series:
 * their coefficients are those of E log(1 + (X + 1 - rate) / rate) by central moments, in
 * rationals. */
#include "ir/ir.h"

#include <math.h>

#define LOG_TWO_PI_E 2.837877066409345483560659472811L

typedef long double Term(long double count, long double rate);

/* -log mass: summed as such, since the mean of log X! is large. */
static long double surprise(long double count, long double rate)
{
    return rate - count * logl(rate) + lgammal(count + 1);
}

static long double log_growth(long double count, long double rate)
{
    return logl((count + 1) / rate);
}

static long double bend(long double count, long double rate)
{
    long double step = 1 / (count + 1);
    (void)rate;
    return log1pl(step) - step;
}

/* E f(X). */
static long double mean(Term *f, long double rate)
{
    const long double top = floorl(rate), least = 0x1p-80L;
    long double whole = 0, sum = 0;
    for (long double k = top, mass = 1; mass > least; mass *= rate / ++k) {
        whole += mass;
        sum += mass * f(k, rate);
    }
    for (long double k = top, mass = 1; k > 0 && mass > least;) {
        mass *= k-- / rate;
        whole += mass;
        sum += mass * f(k, rate);
    }
    return sum / whole;
}

/* With four terms of the series the error is below 1e-18 beyond this rate. */
static bool is_large(double rate)
{
    return rate > 1e4;
}

double ir_poisson_entropy(double rate)
{
    if (!(rate >= 0))
        return NAN;
    long double r = rate;
    if (is_large(rate))
        return (double)((LOG_TWO_PI_E + logl(r)) / 2 -
                        (1 + (0.5L + (19 / 30.0L + 27 / (20 * r)) / r) / r) / (12 * r));
    return rate == 0 ? 0 : (double)mean(surprise, r);
}

double ir_poisson_entropy_slope(double rate)
{
    if (!(rate >= 0))
        return NAN;
    long double r = rate;
    if (is_large(rate))
        return (double)((1 + (1 + (1 + (1.9L + 5.4L / r) / r) / r) / (6 * r)) / (2 * r));
    return rate == 0 ? INFINITY : (double)mean(log_growth, r);
}

double ir_poisson_entropy_bend(double rate)
{
    if (!(rate >= 0))
        return NAN;
    long double r = rate;
    if (is_large(rate))
        return (double)(-(1 + (1 + (1.5L + (3.8L + 13.5L / r) / r) / r) / (3 * r)) / (2 * r * r));
    return rate == 0 ? -INFINITY : (double)(mean(bend, r) - expl(-r) / r);
}
