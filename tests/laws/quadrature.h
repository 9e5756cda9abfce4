/* Quadrature rules for base noise: nodes and weights of one variate. */
#ifndef SGC_TESTS_LAWS_QUADRATURE_H
#define SGC_TESTS_LAWS_QUADRATURE_H

enum { MAX_POINTS = 8000 };

typedef struct Points {
    int count;
    double x[MAX_POINTS], weight[MAX_POINTS];
} Points;

typedef double Density(double x);
Density density_flat, density_normal;

typedef enum Nodes { NODES_FEW, NODES_SOME, NODES_MANY, NODES_MOST } Nodes;

/* A standard normal under a smooth function, and one that is read through its size alone. */
const Points *points_hermite(Nodes nodes);
const Points *points_folded(void);

/* More nodes: of a variate of that density between two places, at which the function or its slopes
 * may be singular; of a standard normal beyond one place, above it (side 1) or below it (-1). */
void points_between(Points *p, double low, double high, int count, Density *density);
void points_beyond(Points *p, double end, double side);

/* The same of a flat variate between 0 and a place, with nodes down to 1e-68: for heavy tails. */
void points_from_zero(Points *p, double high, int count);

/* Of u, where tan(pi (u - 1/2)) is read by functions of this angular frequency. */
void points_oscillating(Points *p, double frequency);

#endif
