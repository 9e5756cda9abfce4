/* The Bessel functions of the von Mises law and its inverse distribution function, as the evaluator
 * means them: means over the circle, and the Fourier series of the distribution function. */
#include "ir/ir.h"

#include <math.h>
#include <stdlib.h>

static const long double pi = 3.14159265358979323846264338327950288L;

/* ---- means over the circle: the trapezoid rule is exact to rounding ---------------------------
 */

/* The mean of e^(k (cos t - 1)), of (1 - cos t) and of ((1 - cos t) - centre)^2 under that weight.
 */
typedef struct Circle {
    long double weight, gap, spread;
} Circle;

static Circle mean_over_circle(long double k, long double centre)
{
    int points = 80 + (int)(20 * sqrtl(k));
    Circle c = {0, 0, 0};
    for (int i = 0; i < points; i++) {
        long double half = sinl(pi * i / points), gap = 2 * half * half;
        long double w = expl(-k * gap);
        c.weight += w / points;
        c.gap += w * gap / points;
        c.spread += w * (gap - centre) * (gap - centre) / points;
    }
    return c;
}

static bool is_domain(double k)
{
    return k >= 0 && k < 0x1p40;
}

double ir_log_i0e(double k)
{
    return is_domain(k) ? (double)logl(mean_over_circle(k, 0).weight) : NAN;
}

static long double i1_gap(double k)
{
    Circle c = mean_over_circle(k, 0);
    return c.gap / c.weight;
}

double ir_i1_gap(double k)
{
    return is_domain(k) ? (double)i1_gap(k) : NAN;
}

/* -Var(cos t) */
double ir_i1_gap_slope(double k)
{
    if (!is_domain(k))
        return NAN;
    Circle c = mean_over_circle(k, i1_gap(k));
    return (double)(-c.spread / c.weight);
}

/* ---- P(Z <= z) = 1/2 + z / 2 pi + sum_j I_j(k) / I_0(k) sin(j z) / (j pi) ----------------------
 */

/* r[j] = I_j / I_(j-1), by the recurrence from above, in which it is stable. */
static long double *bessel_ratios(long double k, int *count)
{
    *count = 40 + (int)(14 * sqrtl(k));
    long double *r = calloc((size_t)*count + 2, sizeof *r);
    if (!r)
        abort();
    for (int j = *count; j > 0; j--)
        r[j] = 1 / (2 * j / k + r[j + 1]);
    return r;
}

typedef struct Below {
    long double p, slope; /* P(Z <= z), and its derivative in k */
} Below;

static Below below(const long double *r, int count, long double z)
{
    long double ratio = 1;
    Below b = {0.5L + z / (2 * pi), 0};
    for (int j = 1; j <= count; j++) {
        long double before = ratio, wave = sinl(j * z) / (j * pi);
        ratio *= r[j];
        b.p += ratio * wave;
        b.slope += ((before + ratio * r[j + 1]) / 2 - ratio * r[1]) * wave;
    }
    return b;
}

/* `weight` is e^-k I0(k). */
static long double density(long double k, long double weight, long double z)
{
    return expl(k * (cosl(z) - 1)) / (2 * pi * weight);
}

/* Newton, kept between bounds that close in. */
static long double invert(const long double *r, int count, long double u, long double k)
{
    long double low = -pi, high = pi, z = 0, weight = mean_over_circle(k, 0).weight;
    for (int i = 0; i < 200 && high - low > 1e-18L; i++) {
        long double over = below(r, count, z).p - u;
        *(over > 0 ? &high : &low) = z;
        long double next = z - over / density(k, weight, z);
        if (fabsl(next - z) <= 1e-19L * fabsl(z))
            break;
        z = next > low && next < high ? next : (low + high) / 2;
    }
    return z;
}

double ir_von_mises_quantile(double u, double k)
{
    int count;
    if (!(u >= 0 && u <= 1 && is_domain(k)))
        return NAN;
    if (k == 0 || u == 0 || u == 1)
        return (double)(pi * (2 * (long double)u - 1));
    long double *r = bessel_ratios(k, &count);
    long double z = invert(r, count, u, k);
    free(r);
    return (double)z;
}

/* Z of density (1 - cos z) p(z) / gap, gap = 1 - I1 / I0: its P(Z <= z) is P - (dP/dk) / gap, since
 * dP/dk = int (cos t - 1 + gap) p(t) dt. */
double ir_von_mises_far_quantile(double u, double k)
{
    int count;
    if (!(u >= 0 && u <= 1 && is_domain(k)))
        return NAN;
    if (u == 0 || u == 0.5 || u == 1)
        return (double)(pi * (2 * (long double)u - 1));
    long double *r = bessel_ratios(k > 0 ? k : 1e-30L, &count);
    Circle c = mean_over_circle(k, 0);
    long double gap = c.gap / c.weight, low = u < 0.5 ? -pi : 0, high = low + pi;
    long double z = (low + high) / 2;
    for (int i = 0; i < 200 && high - low > 1e-18L; i++) {
        Below b = below(r, count, z);
        long double over = b.p - b.slope / gap - u;
        *(over > 0 ? &high : &low) = z;
        long double next = z - over * gap / ((1 - cosl(z)) * density(k, c.weight, z));
        if (fabsl(next - z) <= 1e-19L * fabsl(z))
            break;
        z = next > low && next < high ? next : (low + high) / 2;
    }
    free(r);
    return (double)z;
}

/* dz/dk = -(dP/dk) / p(z) */
double ir_von_mises_slope(double z, double k)
{
    int count;
    if (!(fabs(z) <= M_PI && is_domain(k)))
        return NAN;
    if (k == 0)
        return -sin(z);
    long double *r = bessel_ratios(k, &count);
    long double slope = -below(r, count, z).slope / density(k, mean_over_circle(k, 0).weight, z);
    free(r);
    return (double)slope;
}
