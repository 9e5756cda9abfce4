/* The first three derivatives of log Gamma.
 *
 * All are shifted into a range where a series settles the last bit, by f(x + 1) = f(x) + ...,
 * in the direction in which nothing cancels.  Abramowitz & Stegun, 6.3 and 6.4. */
#include "ir/ir.h"

#include <math.h>

#define PI 3.14159265358979323846

/* Bernoulli numbers B2, B4, ... */
static const double bernoulli[] = {
    1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,     5.0 / 66,
    -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798, -174611.0 / 330,
};

enum { BERNOULLIS = sizeof bernoulli / sizeof *bernoulli };

static bool is_pole(double x)
{
    return x <= 0 && x == floor(x);
}

/* x less a whole number: at most a half, and exact. */
static double fraction(double x)
{
    return x - nearbyint(x);
}

/* cot(pi x), from the nearer of its pole and its zero. */
static double cot_pi(double x)
{
    double r = fraction(x);
    return fabs(r) < 0.25 ? 1 / tan(PI * r) : copysign(tan(PI * (0.5 - fabs(r))), r);
}

/* The positive zero of digamma, in two parts: near it, the distance carries all the precision. */
static const double zero_high = 0x1.762d86356be3fp+0, zero_low = 0x1.b86a722197829p-54;

/* digamma on [1, 2] is (x - zero) times a Chebyshev series in 2x - 3, with the coefficients of
 * the interpolation of digamma(x) / (x - zero) at 64 Chebyshev nodes, computed with 60 digits. */
static double digamma_1_to_2(double x)
{
    static const double c[] = {
        1.967140520883133976,       -0.22706408633464439669,    0.033368899023930108972,
        -0.0053200772715965474438,  0.00087886569378205053326,  -0.00014773492650606043282,
        0.00002506054346835914444,  -4.272103402999332207e-6,   7.3027692724659230493e-7,
        -1.2502886813559595515e-7,  2.1425009322359473734e-8,   -3.6732959185651790393e-9,
        6.2997172361089309069e-10,  -1.0805930288832660114e-10, 1.8537351920536378898e-11,
        -3.1802353658255300096e-12, 5.4561475703227941847e-13,  -9.3609931310364381561e-14,
        1.6060646362950750099e-14,  -2.7555431377438813107e-15, 4.7277361786019113911e-16,
        -8.1114842034650900328e-17,
    };
    double t = 2 * x - 3, b1 = 0, b2 = 0;
    for (int i = (int)(sizeof c / sizeof *c) - 1; i > 0; i--) { /* Clenshaw's recurrence */
        double b = 2 * t * b1 - b2 + c[i];
        b2 = b1;
        b1 = b;
    }
    return (x - zero_high - zero_low) * (t * b1 - b2 + c[0] / 2);
}

/* log x - 1 / 2x - sum B2k / (2k x^2k) */
static double digamma_large(double x)
{
    double z = 1 / (x * x), tail = 0;
    for (int k = BERNOULLIS; k > 0; k--)
        tail = z * (bernoulli[k - 1] / (2 * k) + tail);
    return log(x) - (0.5 / x + tail);
}

double ir_digamma(double x)
{
    enum { LARGE = 8 };
    if (isnan(x) || x == INFINITY)
        return x;
    if (isinf(x) || is_pole(x))
        return NAN;
    if (x < 0)
        return ir_digamma(1 - x) - PI * cot_pi(x);
    if (x < 1)
        return digamma_1_to_2(x + 1) - 1 / x;
    if (x >= LARGE)
        return digamma_large(x);
    double rise = 0;
    for (; x > 2; x -= 1)
        rise += 1 / (x - 1);
    return digamma_1_to_2(x) + rise;
}

/* 1 / x + 1 / 2x^2 + sum B2k / x^(2k + 1) */
static double trigamma_large(double x)
{
    double z = 1 / (x * x), tail = 0;
    for (int k = BERNOULLIS; k > 0; k--)
        tail = z * (bernoulli[k - 1] + tail);
    return (1 + 0.5 / x + tail) / x;
}

double ir_trigamma(double x)
{
    enum { LARGE = 10 };
    if (isnan(x))
        return x;
    if (x == -INFINITY || is_pole(x))
        return NAN;
    if (x < 0) {
        double s = sin(PI * fraction(x)) / PI;
        return 1 / (s * s) - ir_trigamma(1 - x);
    }
    double sum = 0;
    for (; x < LARGE; x += 1)
        sum += 1 / (x * x);
    return trigamma_large(x) + sum;
}

/* -1 / x^2 - 1 / x^3 - sum (2k + 1) B2k / x^(2k + 2) */
static double tetragamma_large(double x)
{
    double z = 1 / (x * x), tail = 0;
    for (int k = BERNOULLIS; k > 0; k--)
        tail = z * ((2 * k + 1) * bernoulli[k - 1] + tail);
    return -(1 + 1 / x + tail) * z;
}

double ir_tetragamma(double x)
{
    enum { LARGE = 12 };
    if (isnan(x))
        return x;
    if (x == -INFINITY || is_pole(x))
        return NAN;
    if (x < 0) {
        double s = sin(PI * fraction(x)) / PI;
        return ir_tetragamma(1 - x) - 2 * PI * cot_pi(x) / (s * s);
    }
    double sum = 0;
    for (; x < LARGE; x += 1)
        sum -= 2 / (x * x * x);
    return tetragamma_large(x) + sum;
}
