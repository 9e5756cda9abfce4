/* The identities that tie a law's rules together, at moderate and at extreme arguments.
 *
 *   transport  its adjoint is what differences with common noise give
 *   flow       d F(x) / d argument + p(x) dx / d argument = 0 along it
 *   score      the adjoint of the log-density is the formula, and has mean 0
 *   pairs      weight (E f(plus) - E f(minus)) is the integral of f dp / d argument: point by point
 *              for counts, for peaks at the points of a grid for real laws, and 0 for f = 1
 *
 * A law is one row (identity_rows.c), and a law without one does not build.  Laws on events:
 * identity_event.c.
 * estimators.md 3.3, tier B. */
#include "tests/laws/identity.h"
#include "tests/suites.h"

#include <math.h>

/* ---- transports ----------------------------------------------------------------------------- */

/* Differences in argument k with steps of these sizes times the point's own. */
static void difference(const Law *l, uint32_t k, const double *noise, const double *step,
                       double size, double *d)
{
    double **arg = id_repeated(l, NOISES), up[NOISES], down[NOISES];
    for (int i = 0; i < NOISES; i++)
        arg[k][i] = l->arg[k] + size * step[i];
    id_transport(l, arg, NOISES, noise, up, NULL);
    for (int i = 0; i < NOISES; i++)
        arg[k][i] = l->arg[k] - size * step[i];
    id_transport(l, arg, NOISES, noise, down, NULL);
    for (int i = 0; i < NOISES; i++)
        d[i] = (up[i] - down[i]) / (2 * size * step[i]);
    id_forget(arg);
}

/* Neither the argument nor the draw changes by more than 2 percent of what it is. */
static double step_for(const Law *l, uint32_t k, double x, double slope)
{
    double reach = slope != 0 && x != 0 ? fabs(x / slope) : INFINITY;
    return 0.02 * fmin(id_unit(l, k), reach);
}

static void check_transport(const Law *l)
{
    double noise[2 * NOISES], x[NOISES], slope[NOISES][ARGUMENTS];
    double **arg = id_repeated(l, NOISES);
    id_noises(l, noise);
    id_transport(l, arg, NOISES, noise, x, slope);
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        double d[3][NOISES], step[NOISES];
        for (int i = 0; i < NOISES; i++)
            step[i] = step_for(l, k, x[i], slope[i][k]);
        for (int level = 0; level < 3; level++)
            difference(l, k, noise, step, 1.0 / (1 << level), d[level]);
        for (int i = 0; i < NOISES; i++) {
            double first = (4 * d[1][i] - d[0][i]) / 3, second = (4 * d[2][i] - d[1][i]) / 3;
            double want = (16 * second - first) / 15; /* Richardson */
            bool wraps = l->info->support == IR_CIRCLE && fabs(x[i]) > 3;
            double rounding = 2e-15 * fabs(x[i]) / step[i];
            if (!wraps && fabs(slope[i][k] - want) > rounding)
                id_check_near(l, "slope of the transport", k, noise[i], slope[i][k], want, 1e-9, 0);
        }
    }
    id_forget(arg);
}

START_TEST(transports_have_their_slopes)
{
    if (ir_dist_info[_i].elem == IR_REAL)
        id_each_law((IrDist)_i, check_transport);
}
END_TEST

/* ---- flow ------------------------------------------------------------------------------------ */

/* What a moving bound lets in below x, and an angle that turns past -pi. */
static double let_in(const Law *l, uint32_t k)
{
    double p;
    if (k > 0 || (!l->info->moves && l->info->support != IR_CIRCLE))
        return 0;
    id_density(l, &l->low, 1, &p, NULL);
    return -p;
}

static void check_flow(const Law *of)
{
    Law centred = *of, *l = &centred;
    if (l->info->support == IR_CIRCLE)
        l->arg[0] = 0; /* so that no other argument moves -pi */
    double noise[2 * NOISES], x[NOISES], p[NOISES], slope[NOISES][ARGUMENTS];
    double **arg = id_repeated(l, NOISES);
    id_noises(l, noise);
    id_transport(l, arg, NOISES, noise, x, slope);
    id_density(l, x, NOISES, p, NULL);
    for (int i = 0; i < NOISES; i++) {
        double sum[ARGUMENTS + 1], middle;
        id_spread(l, &middle);
        bool upper = x[i] > middle || l->info->support == IR_HALF_LINE ||
                     l->info->support == IR_OPEN_HALF_LINE;
        if (!(x[i] > 1e-150 || l->low < 0) || (l->info->support == IR_CIRCLE && fabs(x[i]) > 3.1))
            continue;
        upper = upper && l->info->support != IR_CIRCLE && !l->info->moves;
        id_integrate(l, upper ? x[i] : l->low, upper ? l->high : x[i], NULL, x[i], sum);
        for (uint32_t k = 0; k < l->info->arguments; k++) {
            double below = (upper ? -sum[k] : sum[k]) + let_in(l, k), moved = p[i] * slope[i][k];
            id_check_near(l, "flow", k, x[i], -below * id_unit(l, k), moved * id_unit(l, k), 1e-10,
                          1e-3);
        }
    }
    id_forget(arg);
}

START_TEST(densities_flow_with_transports)
{
    const IrDistInfo *d = &ir_dist_info[_i];
    if (d->elem == IR_REAL && d->noise != IR_NOISE_PAIR)
        id_each_law((IrDist)_i, check_flow);
}
END_TEST

/* ---- scores --------------------------------------------------------------------------------- */

/* Points where the law draws: counts, or what its transport gives. */
static int points(const Law *l, double *x)
{
    double noise[2 * NOISES], **arg = id_repeated(l, NOISES);
    id_noises(l, noise);
    id_transport(l, arg, NOISES, noise, x, NULL);
    id_forget(arg);
    return NOISES;
}

static void check_score(const Law *l)
{
    double x[NOISES], p[NOISES], got[NOISES][ARGUMENTS], want[ARGUMENTS];
    int n = points(l, x);
    id_density(l, x, n, p, got);
    for (int i = 0; i < n; i++) {
        bool inside = x[i] > l->low && x[i] < l->high;
        if (l->info->elem == IR_REAL && (!inside || !(p[i] < INFINITY)))
            continue;
        l->of->score(l->arg, x[i], want);
        for (uint32_t k = 0; k < l->info->arguments; k++)
            if (!id_is_fixed(l, k)) /* a difference of terms of the size 1 and more */
                id_check_near(l, "score", k, x[i], got[i][k] * id_unit(l, k),
                              want[k] * id_unit(l, k), 1e-12, 1);
    }
}

START_TEST(scores_are_their_formulas)
{
    id_each_law((IrDist)_i, check_score);
}
END_TEST

static void check_mean_score(const Law *l)
{
    double sum[ARGUMENTS + 1];
    if (id_is_rough(l) || l->info->moves & 1)
        return;
    id_expect(l, NULL, l->arg[0], sum);
    id_check_near(l, "mass", 0, 0, sum[ARGUMENTS], 1, 1e-11, 0);
    for (uint32_t k = 0; k < l->info->arguments; k++) {
        id_check_near(l, "mean score", k, 0, sum[k] * id_unit(l, k), 0, 1e-11, 1);
    }
}

START_TEST(scores_have_mean_zero)
{
    id_each_law((IrDist)_i, check_mean_score);
}
END_TEST

Suite *identity_suite(void)
{
    Suite *s = suite_create("identity");
    TCase *c = tcase_create("identity");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, transports_have_their_slopes, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, densities_flow_with_transports, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, scores_are_their_formulas, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, scores_have_mean_zero, 0, IR_DIST_COUNT);
    id_add_pairs(c);
    suite_add_tcase(s, c);
    return s;
}
