/* Small differences of large numbers, in closed form. */
#ifndef SGC_RUNTIME_EXPANSION_H
#define SGC_RUNTIME_EXPANSION_H

#include <math.h>

/* e^y - 1 - y */
static inline double sgrt_expm1_rest(double y)
{
    if (fabs(y) > 0.4)
        return expm1(y) - y;
    double sum = 1;
    for (int n = 14; n > 2; n--)
        sum = 1 + sum * y / n;
    return sum * y * y / 2;
}

/* log Gamma(a) - ((a - 1/2) log a - a + log(2 pi) / 2), for a >= 10. */
static inline double sgrt_stirling_rest(double a)
{
    double z = 1 / (a * a), p = 1.0 / 156;
    p = p * z - 691.0 / 360360;
    p = p * z + 1.0 / 1188;
    p = p * z - 1.0 / 1680;
    p = p * z + 1.0 / 1260;
    p = p * z - 1.0 / 360;
    p = p * z + 1.0 / 12;
    return p / a;
}

/* The normal quantile to three digits: Hastings, "Approximations for Digital Computers", 1955. */
static inline double sgrt_rough_normal(double u)
{
    double t = sqrt(-2 * log(fmin(u, 1 - u)));
    double above = 2.515517 + t * (0.802853 + t * 0.010328);
    double below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    return copysign(t - above / below, u - 0.5);
}

#endif
