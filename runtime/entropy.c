/* The entropy of the poisson law, and its first two derivatives in the rate: E log((X + 1) / rate),
 * and E[log(1 + 1 / (X + 1)) - 1 / (X + 1)] - e^-rate / rate.
 *
 * Below a rate of 64 they are sums over the counts, up to one of twice the rate or more whose mass
 * is below 2^-60 of the rate over itself: masses are halved from there on, so that no more than
 * that is left out.  From 64 on they are asymptotic series, whose first term left out is below
 * 2e-16 of the last derivative and 2e-17 of the others. */
#include <math.h>

#include "runtime/kernels.h"

enum { LARGE = 64, TERMS = 14 };

#define LOG_TWO_PI_E 2.8378770664093454836

/* H' = sum over n of slope[n - 1] / rate^n. */
static const double slope[TERMS] = {
    1.0 / 2,
    1.0 / 12,
    1.0 / 12,
    19.0 / 120,
    9.0 / 20,
    863.0 / 504,
    1375.0 / 168,
    33953.0 / 720,
    57281.0 / 180,
    3250433.0 / 1320,
    1891755.0 / 88,
    13695779093.0 / 65520,
    24466579093.0 / 10920,
    132282840127.0 / 5040,
};

static double entropy_asymptotic(double rate)
{
    double sum = 0;
    for (int n = TERMS; n > 1; n--)
        sum = (sum + slope[n - 1] / (n - 1)) / rate;
    return (LOG_TWO_PI_E + log(rate)) / 2 - sum;
}

static double slope_asymptotic(double rate)
{
    double sum = 0;
    for (int n = TERMS; n > 0; n--)
        sum = (sum + slope[n - 1]) / rate;
    return sum;
}

static double bend_asymptotic(double rate)
{
    double sum = 0;
    for (int n = TERMS; n > 0; n--)
        sum = (sum + n * slope[n - 1]) / rate;
    return -sum / rate;
}

/* ---- sums over the counts ------------------------------------------------------------------- */

typedef double Term(double count, double rate);

/* How much smaller the logarithm of the next mass is. */
static double log_growth(double count, double rate)
{
    return log((count + 1) / rate);
}

/* log(1 + s) - s for s = 1 / (count + 1), by its series where s is small. */
static double bend_term(double count, double rate)
{
    enum { LAST = 20 };
    double s = 1 / (count + 1), sum = 0;
    (void)rate;
    if (s > 0.2)
        return log1p(s) - s;
    for (int n = LAST; n > 1; n--)
        sum = 1.0 / n - s * sum;
    return -s * s * sum;
}

static double mean(Term *f, double rate)
{
    double mass = exp(-rate), whole = 0, sum = 0;
    for (double k = 0; mass > 0 && (k < 2 * rate + 2 || mass * k > 0x1p-60 * rate); k++) {
        whole += mass;
        sum += mass * f(k, rate);
        mass *= rate / (k + 1);
    }
    return sum / whole;
}

/* E[-log mass], from that of 0 on. */
static double entropy_sum(double rate)
{
    double mass = exp(-rate), log_mass = -rate, whole = 0, sum = 0;
    for (double k = 0; mass > 0 && (k < 2 * rate + 2 || mass * k > 0x1p-60 * rate); k++) {
        whole += mass;
        sum -= mass * log_mass;
        log_mass -= log_growth(k, rate);
        mass *= rate / (k + 1);
    }
    return sum / whole;
}

double sgrt_poisson_entropy_f64(double rate)
{
    if (!(rate >= 0))
        return NAN;
    return rate >= LARGE ? entropy_asymptotic(rate) : entropy_sum(rate);
}

double sgrt_poisson_entropy_slope_f64(double rate)
{
    if (!(rate >= 0))
        return NAN;
    return rate >= LARGE ? slope_asymptotic(rate) : mean(log_growth, rate);
}

double sgrt_poisson_entropy_bend_f64(double rate)
{
    if (!(rate >= 0))
        return NAN;
    return rate >= LARGE ? bend_asymptotic(rate) : mean(bend_term, rate) - exp(-rate) / rate;
}

float sgrt_poisson_entropy_f32(float rate)
{
    return (float)sgrt_poisson_entropy_f64(rate);
}

float sgrt_poisson_entropy_slope_f32(float rate)
{
    return (float)sgrt_poisson_entropy_slope_f64(rate);
}

float sgrt_poisson_entropy_bend_f32(float rate)
{
    return (float)sgrt_poisson_entropy_bend_f64(rate);
}
