#include "tests/laws/quadrature.h"

#include <math.h>

enum { HERMITE = 30, ALONE = 90, SIZES = 72 };

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

const Points *points_hermite(bool alone)
{
    static Points p[2];
    if (!p[alone].count)
        fill_hermite(&p[alone], alone ? ALONE : HERMITE);
    return &p[alone];
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

/* tanh-sinh: each distance is taken from the nearer end, so that it keeps its digits. */
void points_between(Points *p, double low, double high, int count, Density *density)
{
    double h = 6.24 / (count - 1), width = high - low;
    for (int i = 0; i < count; i++) {
        double s = (i - (count - 1) / 2.0) * h, q = exp(-M_PI * fabs(sinh(s)));
        double near = width * q / (1 + q), x = s < 0 ? low + near : high - near;
        add(p, x, h * width * M_PI * cosh(s) * q / ((1 + q) * (1 + q)) * density(x));
    }
}
