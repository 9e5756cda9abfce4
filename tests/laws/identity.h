/* Laws on numbers at moderate and at extreme arguments, and what the suite `identity` asks of them.
 */
#ifndef SGC_TESTS_IDENTITY_H
#define SGC_TESTS_IDENTITY_H

#include "tests/laws/law.h"

#include <check.h>

enum { ARGUMENTS = 3, SETS = 4, NOISES = 10, COUNTS = 400 };

/* ---- identity_rows.c: the laws ------------------------------------------------------------ */

typedef void Score(const double *a, double x, double *s);

typedef struct Identity {
    Score *score; /* as a formula; NULL: a law on events */
    double low, high;
    double arg[SETS][ARGUMENTS]; /* a set that begins with NAN ends them */
} Identity;

/* A law at one set of arguments. */
typedef struct Law {
    IrDist dist;
    const IrDistInfo *info;
    const Identity *of;
    double arg[ARGUMENTS], low, middle, high;
} Law;

/* Every set of arguments of a law. */
void id_each_law(IrDist d, void (*check)(const Law *l));

/* Two variates make a draw. */
bool id_is_pair(const Law *l);
/* A number of trials is no parameter. */
bool id_is_fixed(const Law *l, uint32_t k);
/* What the argument is large or small against: of a location, the scale. */
double id_unit(const Law *l, uint32_t k);

void id_check_near(const Law *l, const char *what, uint32_t k, double at, double got, double want,
                   double bound, double floor);

/* ---- identity_ask.c: draws, densities, expectations ---------------------------------------- */

void id_scalars(Ask *a, const Law *l, IrRef *arg);
/* The arguments, each n times: what id_transport takes. */
double **id_repeated(const Law *l, int n);
void id_forget(double **v);

/* x, and if wanted dx / d argument. */
void id_transport(const Law *l, double *const *arg, int n, const double *noise, double *x,
                  double (*slope)[ARGUMENTS]);
/* The density, and if wanted the score. */
void id_density(const Law *l, const double *x, int n, double *p, double (*score)[ARGUMENTS]);

/* Noise that reaches from far in one tail to far in the other; of two variates, mixed. */
int id_noises(const Law *l, double *noise);

/* A law's own scale about its middle. */
double id_spread(const Law *l, double *middle);
/* No quadrature of a density reaches the mass that a small shape has at 0. */
bool id_is_rough(const Law *l);

/* Nodes of a quadrature, of which a law on the circle needs every fourth alone. */
int id_thinned(const Law *l, double *x, double *w, int n);

typedef double Weight(double x, double at, double size);

/* From a to b; sum[k]: of p f score k, sum[ARGUMENTS]: of p f. */
void id_integrate(const Law *l, double a, double b, Weight *f, double at, double *sum);
/* The same over all values. */
void id_expect(const Law *l, Weight *f, double at, double *sum);

/* ---- identity_pairs.c ---------------------------------------------------------------------- */

void id_add_pairs(TCase *c);

#endif
