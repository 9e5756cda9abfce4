/* The von Mises law around 0 for transports, and the Bessel functions in its log-density.
 *
 * Its density is p(z) = e^(k (cos z - 1)) / (2 pi e^-k I0(k)).  As for the gamma law, integrals are
 * taken relative to the density at z, on the side where their terms have one sign:
 *
 *     P(Z > z) = p(z) int_z^pi e^(k (cos t - cos z)) dt,   P(0 < Z < z) = p(z) int_0^z the same,
 *     dz/dk = int_z^pi (cos t - A) e^(k (cos t - cos z)) dt = -int_0^z the same,  A = I1(k) /
 * I0(k).
 */
#include <math.h>
#include <stdbool.h>

#include "runtime/expansion.h"
#include "runtime/gauss.h"
#include "runtime/kernels.h"

static const double pi = 0x1.921fb54442d18p+1, pi_low = 0x1.1a62633145c07p-53;

enum { CUT = 40, LARGE = 20 };

/* ---- Bessel functions ----------------------------------------------------------------------- */

/* I0(k) - 1: Abramowitz & Stegun 9.6.10. */
static double i0_series(double k)
{
    double q = k * k / 4, term = 1, sum = 0;
    for (int n = 1; n < 100 && term > 0x1p-60 * sum; n++) {
        term *= q / ((double)n * n);
        sum += term;
    }
    return sum;
}

/* For k < 20: the means of 1 - cos t and of its squared distance from `centre` under the weight
 * e^(k cos t).  The trapezoid rule is off by I48(k) / I0(k), A. & S. 9.6.34. */
static void circle_means(double k, double centre, double *gap, double *spread)
{
    enum { STEPS = 24 };
    double whole = 0, first = 0, second = 0;
    for (int i = 0; i <= STEPS; i++) {
        double half = sin(i * (pi / (2 * STEPS))), x = 2 * half * half;
        double w = exp(-k * x) * (i == 0 || i == STEPS ? 0.5 : 1);
        whole += w;
        first += w * x;
        second += w * (x - centre) * (x - centre);
    }
    *gap = first / whole;
    *spread = second / whole;
}

/* A. & S. 9.7.1: sqrt(2 pi k) e^-k times I0(k) and I0(k) - I1(k), and the derivatives in log k of
 * these sums. */
typedef struct Asymptotic {
    double i0, gap, i0_slope, gap_slope;
} Asymptotic;

static Asymptotic bessel_asymptotic(double k)
{
    Asymptotic s = {.i0 = 1};
    double a = 1, b = 1;
    for (int n = 1; n < 40; n++) {
        double odd = 2 * n - 1, over = 8 * k * n;
        a *= odd * odd / over;
        b *= (odd * odd - 4) / over;
        s.i0 += a;
        s.gap += a - b;
        s.i0_slope -= n * a;
        s.gap_slope -= n * (a - b);
        if (a < 0x1p-60)
            break;
    }
    return s;
}

double sgrt_log_i0e_f64(double k)
{
    if (!(k >= 0))
        return NAN;
    if (k >= LARGE)
        return log(bessel_asymptotic(k).i0) - 0.5 * log(2 * pi * k);
    return log1p(i0_series(k)) - k;
}

/* 1 - I1(k) / I0(k) */
double sgrt_i1_gap_f64(double k)
{
    double gap, spread;
    if (!(k >= 0))
        return NAN;
    if (k >= LARGE) {
        Asymptotic s = bessel_asymptotic(k);
        return s.gap / s.i0;
    }
    circle_means(k, 0, &gap, &spread);
    return gap;
}

/* Its derivative: less the variance of the cosine. */
double sgrt_i1_gap_slope_f64(double k)
{
    double gap, spread;
    if (!(k >= 0))
        return NAN;
    if (k >= LARGE) {
        Asymptotic s = bessel_asymptotic(k);
        return (s.gap_slope - s.gap * s.i0_slope / s.i0) / (k * s.i0);
    }
    circle_means(k, sgrt_i1_gap_f64(k), &gap, &spread);
    return -spread;
}

/* ---- integrals over the law ----------------------------------------------------------------- */

typedef struct Arc {
    /* int e^(k (cos t - cos z)) dt, and with the factors cos t - A and 1 - cos t */
    double mass, lean, far;
} Arc;

/* From z to z + length, which may be negative. */
static Arc arc(double k, double z, double length)
{
    double gap = sgrt_i1_gap_f64(k), mass = 0, lean = 0, far = 0;
    for (int i = 0; i < 2 * GAUSS_HALF; i++) {
        double x = i < GAUSS_HALF ? gauss[i].x : -gauss[i - GAUSS_HALF].x;
        double s = length * (1 + x) / 2, half = sin((z + s) / 2);
        double w = gauss[i % GAUSS_HALF].weight * exp(-2 * k * sin(z + s / 2) * sin(s / 2));
        mass += w;
        lean += w * (gap - 2 * half * half);
        far += w * 2 * half * half;
    }
    double unit = fabs(length) / 2;
    return (Arc){unit * mass, unit * lean, unit * far};
}

/* To where the density has fallen by e^-40, or to pi. */
static Arc outer_arc(double k, double z)
{
    double level = cos(z) - CUT / k;
    return arc(k, z, level > -1 ? acos(level) - z : (pi - z) + pi_low);
}

static Arc inner_arc(double k, double z)
{
    return arc(k, z, -z);
}

static double log_density(double k, double z)
{
    double half = sin(z / 2);
    return -2 * k * half * half - log(2 * pi) - sgrt_log_i0e_f64(k);
}

/* z > 0 with P(Z > z) = v, by Halley's method on the logarithm of the smaller probability. */
static double solve(double v, double k)
{
    bool outer = v < 0.25;
    double want = log(outer ? v : 0.5 - v), flat = pi * (1 - 2 * v);
    double z = fmin(flat, -sgrt_rough_normal(v) / sqrt(k));
    for (int i = 0; i < 60; i++) {
        double mass = (outer ? outer_arc(k, z) : inner_arc(k, z)).mass;
        double rate = outer ? -1 / mass : 1 / mass;
        double step = (log_density(k, z) + log(mass) - want) / rate;
        double bend = step * (-k * sin(z) - rate) / 2;
        double next = z - (fabs(bend) < 0.5 ? step / (1 - bend) : step);
        bool settled = fabs(bend) < 1e-6 && fabs(step) < 1e-5 * z;
        z = next <= 0 ? z / 2 : next >= pi ? (z + pi) / 2 : next;
        if (settled)
            break;
    }
    return z;
}

/* z in [-pi, pi] with P(Z <= z) = u. */
double sgrt_von_mises_quantile_f64(double u, double k)
{
    if (!(u >= 0 && u <= 1 && k >= 0 && k < INFINITY))
        return NAN;
    if (k == 0 || u == 0 || u == 0.5 || u == 1)
        return pi * (2 * u - 1);
    return u < 0.5 ? -solve(u, k) : solve(1 - u, k);
}

/* ---- far from the mean ---------------------------------------------------------------------- */
/* The law of density (1 - cos z) p(z) / gap, gap being the mean of 1 - cos z: p loses of it as k
 * grows. */

/* P(Z > z), or P(0 < Z < z) where that is smaller. */
static double far_mass(double k, double z, double log_gap, bool outer)
{
    double mass = (outer ? outer_arc(k, z) : inner_arc(k, z)).far;
    return log(mass) + log_density(k, z) - log_gap;
}

/* z > 0 with P(Z > z) = v: Newton on the logarithm, kept between bounds that close in. */
static double solve_far(double v, double k)
{
    bool outer = v < 0.25;
    double want = log(outer ? v : 0.5 - v), log_gap = log(sgrt_i1_gap_f64(k));
    double low = 0, high = pi, z = fmin(1.5 / sqrt(k), 2);
    for (int i = 0; i < 100; i++) {
        double log_mass = far_mass(k, z, log_gap, outer), half = sin(z / 2);
        double log_here = log(2 * half * half) + log_density(k, z) - log_gap;
        bool beyond = outer == (log_mass < want);
        *(beyond ? &high : &low) = z;
        double step = (log_mass - want) * exp(log_mass - log_here);
        double next = outer ? z + step : z - step;
        bool inside = next > low && next < high;
        next = inside ? next : (low + high) / 2;
        if (fabs(next - z) <= 0x1p-52 * z)
            break;
        z = next;
    }
    return z;
}

/* z in [-pi, pi] with P(Z <= z) = u. */
double sgrt_von_mises_far_quantile_f64(double u, double k)
{
    if (!(u >= 0 && u <= 1 && k >= 0 && k < INFINITY))
        return NAN;
    if (u == 0 || u == 0.5 || u == 1)
        return pi * (2 * u - 1);
    return u < 0.5 ? -solve_far(u, k) : solve_far(1 - u, k);
}

/* dz/dk where P(Z <= z) stays. */
double sgrt_von_mises_slope_f64(double z, double k)
{
    if (!(fabs(z) <= pi && k >= 0 && k < INFINITY))
        return NAN;
    double at = fabs(z), half = sin(at / 2);
    bool outer = 2 * half * half > sgrt_i1_gap_f64(k);
    double slope = outer ? outer_arc(k, at).lean : -inner_arc(k, at).lean;
    return copysign(1, z) * slope;
}

float sgrt_log_i0e_f32(float k)
{
    return (float)sgrt_log_i0e_f64(k);
}

float sgrt_i1_gap_f32(float k)
{
    return (float)sgrt_i1_gap_f64(k);
}

float sgrt_i1_gap_slope_f32(float k)
{
    return (float)sgrt_i1_gap_slope_f64(k);
}

float sgrt_von_mises_quantile_f32(float u, float k)
{
    return (float)sgrt_von_mises_quantile_f64(u, k);
}

float sgrt_von_mises_far_quantile_f32(float u, float k)
{
    return (float)sgrt_von_mises_far_quantile_f64(u, k);
}

float sgrt_von_mises_slope_f32(float z, float k)
{
    return (float)sgrt_von_mises_slope_f64(z, k);
}
