/* Quadrature rules for base noise: nodes and weights of one variate. */
#ifndef SGC_TESTS_LAWS_QUADRATURE_H
#define SGC_TESTS_LAWS_QUADRATURE_H

#include <stdbool.h>

enum { MAX_POINTS = 1600 };

typedef struct Points {
    int count;
    double x[MAX_POINTS], weight[MAX_POINTS];
} Points;

typedef double Density(double x);
Density density_flat, density_normal;

/* A standard normal under a smooth function, with more nodes if it is the only variate, and one
 * that is read through its size alone. */
const Points *points_hermite(bool alone);
const Points *points_folded(void);

/* More nodes: of a variate of that density between two places, at which the function or its slopes
 * may be singular; of a standard normal beyond one place, above it (side 1) or below it (-1). */
void points_between(Points *p, double low, double high, int count, Density *density);
void points_beyond(Points *p, double end, double side);

#endif
