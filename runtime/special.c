/* The scalar functions of rt.def that compiled code calls: the gamma family and pow.
 *
 * Everything is computed in double; the f32 functions round the result once more.  Worst errors
 * found are stated beside each function in ulp of the result, in double. */
#include <math.h>

#include "runtime/kernels.h"

static const double pi = 0x1.921fb54442d18p+1;

/* glibc's: 4 ulp.  The reentrant form, because lgamma writes a global sign. */
double sgrt_lgamma_f64(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* psi on [1, 2]: the factor (x - its root) carries the relative accuracy, the other is a rational
 * function of x - 3/2, fitted in 50-digit arithmetic to a relative 2^-58. */
static double digamma_one_to_two(double x)
{
    const double root = 0x1.762d86356be3fp+0, root_low = 0x1.b86a722197829p-54;
    double t = x - 1.5, p = -0x1.da6969a44c0adp-23, q = 0x1.c7dbc59ca346ap-11;
    p = p * t + 0x1.49881497d5acep-16;
    p = p * t + 0x1.d542307c6b0e7p-9;
    p = p * t + 0x1.0e48074628732p-4;
    p = p * t + 0x1.ae583357fdd8ap-2;
    p = p * t + 0x1.148bca148dcc2p+0;
    p = p * t + 0x1.e6f0cbb873616p-1;
    q = q * t + 0x1.8c82952dd82eep-6;
    q = q * t + 0x1.c9818f9ee477dp-3;
    q = q * t + 0x1.c9602648acb38p-1;
    q = q * t + 0x1.94cec0a0b4758p+0;
    q = q * t + 1;
    return ((x - root) - root_low) * (p / q);
}

/* log x - 1/(2x) - sum over k of B_2k / (2k x^2k), for x >= 10. */
static double digamma_asymptotic(double x)
{
    double inverse = 1 / x, z = inverse * inverse;
    double p = 1.0 / 12;
    p = p * z - 691.0 / 32760;
    p = p * z + 1.0 / 132;
    p = p * z - 1.0 / 240;
    p = p * z + 1.0 / 252;
    p = p * z - 1.0 / 120;
    p = p * z + 1.0 / 12;
    return log(x) - (0.5 * inverse + z * p);
}

static double digamma_positive(double x)
{
    double steps = 0;
    if (x >= 10)
        return digamma_asymptotic(x);
    if (x < 1)
        return digamma_one_to_two(x + 1) - 1 / x;
    while (x > 2) { /* psi(x) = psi(x - 1) + 1 / (x - 1) */
        x -= 1;
        steps += 1 / x;
    }
    return digamma_one_to_two(x) + steps;
}

/* pi cot(pi x) for 0 < |x| <= 1/2; near 1/2 the tangent of what is missing keeps the accuracy. */
static double pi_cot_pi(double x)
{
    if (fabs(x) < 0.25)
        return pi / tan(pi * x);
    return copysign(pi * tan(pi * (0.5 - fabs(x))), x);
}

/* 6 ulp for x > 0; below, by reflection, 6 ulp of max(|psi(x)|, |psi(1 - x)|, 1).  At the poles:
 * -inf at 0, inf at -0 (the limits), NaN at the negative integers. */
double sgrt_digamma_f64(double x)
{
    if (x > 0 || isnan(x))
        return digamma_positive(x);
    if (x == 0)
        return copysign(INFINITY, -x);
    double beyond = x - rint(x); /* exact, and cot(pi x) has period 1 */
    if (beyond == 0 || isinf(x))
        return NAN;
    return digamma_positive(1 - x) - pi_cot_pi(beyond);
}

/* 1/x + 1/(2x^2) + sum over k of B_2k / x^(2k+1), for x >= 10. */
static double trigamma_asymptotic(double x)
{
    double inverse = 1 / x, z = inverse * inverse;
    double p = 7.0 / 6;
    p = p * z - 691.0 / 2730;
    p = p * z + 5.0 / 66;
    p = p * z - 1.0 / 30;
    p = p * z + 1.0 / 42;
    p = p * z - 1.0 / 30;
    p = p * z + 1.0 / 6;
    return inverse + (0.5 * z + z * inverse * p);
}

static double trigamma_positive(double x)
{
    double steps = 0;
    for (; x < 10; x += 1) /* psi'(x) = psi'(x + 1) + 1 / x^2 */
        steps += 1 / (x * x);
    return trigamma_asymptotic(x) + steps;
}

/* 6 ulp; the poles, 0 and the negative integers, give inf. */
double sgrt_trigamma_f64(double x)
{
    if (x > 0 || isnan(x))
        return trigamma_positive(x);
    double beyond = x - rint(x); /* exact, and sin^2(pi x) has period 1 */
    if (isinf(x))
        return NAN;
    if (beyond == 0)
        return INFINITY;
    double s = sin(pi * beyond);
    return (pi / s) * (pi / s) - trigamma_positive(1 - x);
}

/* -1/x^2 - 1/x^3 - sum over k of (2k + 1) B_2k / x^(2k+2), for x >= 20. */
static double tetragamma_asymptotic(double x)
{
    double inverse = 1 / x, z = inverse * inverse;
    double p = 691.0 / 210;
    p = p * z - 5.0 / 6;
    p = p * z + 3.0 / 10;
    p = p * z - 1.0 / 6;
    p = p * z + 1.0 / 6;
    p = p * z - 1.0 / 2;
    return z * (z * p - inverse - 1);
}

static double tetragamma_positive(double x)
{
    double steps = 0;
    for (; x < 20; x += 1) /* psi''(x) = psi''(x + 1) - 2 / x^3 */
        steps += 2 / (x * x * x);
    return tetragamma_asymptotic(x) - steps;
}

/* 8 ulp; the poles, 0 and the negative integers, give NaN: the limits on their sides differ. */
double sgrt_tetragamma_f64(double x)
{
    if (x > 0 || isnan(x))
        return tetragamma_positive(x);
    double beyond = x - rint(x);
    if (isinf(x) || beyond == 0)
        return NAN;
    double s = sin(pi * beyond);
    return tetragamma_positive(1 - x) - 2 * (pi / s) * (pi / s) * pi_cot_pi(beyond);
}

/* glibc's: 1 ulp. */
double sgrt_pow_f64(double x, double y)
{
    return pow(x, y);
}

float sgrt_lgamma_f32(float x)
{
    return (float)sgrt_lgamma_f64(x);
}

float sgrt_digamma_f32(float x)
{
    return (float)sgrt_digamma_f64(x);
}

float sgrt_trigamma_f32(float x)
{
    return (float)sgrt_trigamma_f64(x);
}

float sgrt_tetragamma_f32(float x)
{
    return (float)sgrt_tetragamma_f64(x);
}

float sgrt_pow_f32(float x, float y)
{
    return powf(x, y);
}
