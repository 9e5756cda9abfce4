#include "tests/laws/quadrature.h"

#include <math.h>
#include <stdlib.h>

enum { SIZES = 110 };

double density_flat(double x)
{
    (void)x;
    return 1;
}

double density_normal(double x)
{
    return exp(-x * x / 2) / sqrt(2 * M_PI);
}

/* Gauss-Hermite for the standard normal: Newton on the orthonormal polynomials (Golub & Welsch's
 * nodes by another route), n nodes, exact to degree 2 n - 1. */
static double hermite(int n, double x, double *slope)
{
    double before = 0, now = 1;
    for (int k = 0; k < n; k++) {
        double next = (x * now - sqrt(k) * before) / sqrt(k + 1);
        before = now;
        now = next;
    }
    *slope = sqrt(n) * before;
    return now;
}

static void add(Points *p, double x, double weight)
{
    if (p->count == MAX_POINTS)
        abort();
    p->x[p->count] = x;
    p->weight[p->count++] = weight;
}

static void fill_hermite(Points *p, int n)
{
    const double reach = 2 * sqrt(n) + 1, step = 1e-3;
    double slope, last = hermite(n, -reach, &slope);
    for (double at = -reach + step; p->count < n && at < reach; at += step) {
        double now = hermite(n, at, &slope);
        if ((now < 0) != (last < 0)) {
            double root = at - step / 2;
            for (int i = 0; i < 50; i++)
                root -= hermite(n, root, &slope) / slope;
            hermite(n, root, &slope);
            add(p, root, 1 / (slope * slope));
        }
        last = now;
    }
}

const Points *points_hermite(Nodes nodes)
{
    static const int many[] = {
        [NODES_FEW] = 30, [NODES_SOME] = 44, [NODES_MANY] = 90, [NODES_MOST] = 110};
    static Points p[sizeof many / sizeof *many];
    if (!p[nodes].count)
        fill_hermite(&p[nodes], many[nodes]);
    return &p[nodes];
}

/* x = e^(t - e^-t): both ends decay doubly exponentially (Takahasi & Mori, 1974). */
void points_beyond(Points *p, double end, double side)
{
    const double low = -3.7, h = 6.0 / (SIZES - 1);
    for (int i = 0; i < SIZES; i++) {
        double t = low + i * h, size = exp(t - exp(-t)), x = end + side * size;
        add(p, x, h * size * (1 + exp(-t)) * density_normal(x));
    }
}

const Points *points_folded(void)
{
    static Points p;
    if (p.count)
        return &p;
    points_beyond(&p, 0, 1);
    for (int i = 0; i < p.count; i++)
        p.weight[i] *= 2;
    return &p;
}

/* tanh-sinh, s from -below to 3.12: each distance is taken from the nearer end, so that it keeps
 * its digits; none is less than `nearest`. */
static void between(Points *p, double low, double high, double below, int count, Density *density,
                    double nearest)
{
    const double above = 3.12;
    double h = (below + above) / (count - 1), width = high - low;
    for (int i = 0; i < count; i++) {
        double s = i * h - below, q = exp(-M_PI * fabs(sinh(s)));
        double near = width * q / (1 + q), x = s < 0 ? low + near : high - near;
        if (near >= nearest)
            add(p, x, h * width * M_PI * cosh(s) * q / ((1 + q) * (1 + q)) * density(x));
    }
}

/* Variates of the runtime keep this distance from every number that is a sum of few powers of 2. */
void points_between(Points *p, double low, double high, int count, Density *density)
{
    between(p, low, high, 3.12, count, density, 0x1p-53);
}

void points_from_zero(Points *p, double high, int count)
{
    between(p, 0, high, 4.6, count, density_flat, 0);
}

/* ---- functions that oscillate --------------------------------------------------------------- */

static double density_cauchy(double x)
{
    return 1 / (M_PI * (1 + x * x));
}

/* Half period after half period, on both sides.  Their integrals alternate in sign: the sums up to
 * the last EULER of them are averaged with binomial weights (Euler's transformation), which leaves
 * half period j the chance that of EULER coins more than j - WHOLE show heads. */
void points_oscillating(Points *p, double frequency)
{
    enum { WHOLE = 12, EULER = 20, EACH = 64 };
    double half = M_PI / frequency, share = 1, coins = exp2(-EULER);
    for (int j = 0; j < WHOLE + EULER; j++) {
        if (j >= WHOLE) {
            share -= coins;
            coins *= (double)(WHOLE + EULER - j) / (j - WHOLE + 1);
        }
        int first = p->count;
        points_between(p, j * half, (j + 1) * half, EACH, density_cauchy);
        points_between(p, -(j + 1) * half, -j * half, EACH, density_cauchy);
        for (int i = first; i < p->count; i++) {
            p->x[i] = 0.5 + atan(p->x[i]) / M_PI;
            p->weight[i] *= share;
        }
    }
}
