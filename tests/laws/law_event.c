/* Every law on events, by summing over its values or by quadrature: mass one, the transport's law,
 * moments, and rows of events that are as one event each. */
#include "tests/laws/law.h"
#include "tests/suites.h"

#include <math.h>
#include <string.h>

enum { MOST = 3, VALUES = 15, TRIALS = 4 };

typedef struct EventCase {
    IrDist dist;
    double trials; /* argument 0, or 0 if there is none */
    int size;
    double arg[MOST];
    int values; /* 0: not finite */
    double value[VALUES][MOST];
} EventCase;

#define CATEGORIES                                                                                 \
    {                                                                                              \
        {0}, {1},                                                                                  \
        {                                                                                          \
            2                                                                                      \
        }                                                                                          \
    }
#define ONE_HOTS                                                                                   \
    {                                                                                              \
        {1, 0, 0}, {0, 1, 0},                                                                      \
        {                                                                                          \
            0, 0, 1                                                                                \
        }                                                                                          \
    }
#define COUNT_VECTORS                                                                              \
    {                                                                                              \
        {4, 0, 0}, {3, 1, 0}, {3, 0, 1}, {2, 2, 0}, {2, 1, 1}, {2, 0, 2}, {1, 3, 0}, {1, 2, 1},    \
            {1, 1, 2}, {1, 0, 3}, {0, 4, 0}, {0, 3, 1}, {0, 2, 2}, {0, 1, 3}, {0, 0, 4},           \
    }

static const EventCase event_case[] = {
    {IR_DIST_categorical, 0, 3, {0.4, 0.6, 1}, 3, CATEGORIES},
    {IR_DIST_categorical_logits, 0, 3, {0.3, -0.7, 1.1}, 3, CATEGORIES},
    {IR_DIST_one_hot_categorical, 0, 3, {0.4, 0.6, 1}, 3, ONE_HOTS},
    {IR_DIST_one_hot_categorical, 0, 3, {0, 0.6, 1}, 3, ONE_HOTS},
    {IR_DIST_one_hot_categorical_logits, 0, 3, {0.3, -0.7, 1.1}, 3, ONE_HOTS},
    {IR_DIST_multinomial, TRIALS, 3, {0.4, 0.6, 1}, VALUES, COUNT_VECTORS},
    {IR_DIST_multinomial, TRIALS, 3, {0, 0.6, 1}, VALUES, COUNT_VECTORS},
};

enum { CASES = sizeof event_case / sizeof *event_case };

static const IrDistInfo *info_of(const EventCase *c)
{
    return &ir_dist_info[c->dist];
}

static void check_near(const EventCase *c, const char *what, double got, double want, double bound)
{
    double error = fabs(got - want) / fmax(1, fabs(want));
    if (!(error <= bound))
        ck_abort_msg("%s, %s: %.17g, not %.17g (error %.2g)", info_of(c)->name, what, got, want,
                     error);
}

static void arguments(Ask *a, const EventCase *c, IrRef *arg)
{
    uint32_t event = ir_event_argument(info_of(c));
    if (event)
        arg[0] = ir_const(&a->graph, c->trials);
    arg[event] = ask_input(a, IR_REAL, 1, c->size, 0, c->arg);
}

/* The masses of all values, asked in rows, then one by one. */
static void masses(const EventCase *c, bool rows, double *p)
{
    int size = ir_draws_vectors(info_of(c)) ? c->size : 1;
    for (int i = 0; i < c->values; i += rows ? c->values : 1) {
        double x[VALUES * MOST];
        int n = rows ? c->values : 1;
        for (int k = 0; k < n * size; k++)
            x[k] = c->value[i + k / size][k % size];
        Ask *a = ask_new();
        IrRef arg[2], at;
        arguments(a, c, arg);
        if (size > 1)
            at = rows ? ask_input(a, IR_INT, 2, n, size, x) : ask_input(a, IR_INT, 1, size, 0, x);
        else
            at = rows ? ask_input(a, IR_INT, 1, n, 0, x) : ask_input(a, IR_INT, 0, 0, 0, x);
        const double *log_mass = ask_value(a, info_of(c)->logpdf(&a->graph, arg, at));
        for (int k = 0; k < n; k++)
            p[i + k] = exp(log_mass[k]);
        ask_free(a);
    }
}

START_TEST(values_have_mass_one)
{
    const EventCase *c = &event_case[_i];
    double p[VALUES], row[VALUES], sum = 0;
    masses(c, false, p);
    masses(c, true, row);
    for (int i = 0; i < c->values; i++) {
        sum += p[i];
        check_near(c, "mass in rows", row[i], p[i], 1e-15);
    }
    check_near(c, "the whole", sum, 1, 1e-14);
}
END_TEST

/* ---- transports: noise in the middle of the categories, weighed by their shares ---------------
 */

static double share(const EventCase *c, int category, bool logits)
{
    double sum = 0;
    for (int i = 0; i < c->size; i++)
        sum += logits ? exp(c->arg[i]) : c->arg[i];
    return (logits ? exp(c->arg[category]) : c->arg[category]) / sum;
}

static int value_of(const EventCase *c, const double *x, int size)
{
    for (int i = 0; i < c->values; i++)
        if (memcmp(x, c->value[i], (size_t)size * sizeof *x) == 0)
            return i;
    ck_abort_msg("%s draws what is no value of it", info_of(c)->name);
    return 0;
}

static int drawn(const EventCase *c, const double *noise, int draws)
{
    Ask *a = ask_new();
    IrRef arg[2];
    arguments(a, c, arg);
    IrRef base = draws > 1 ? ask_input(a, IR_REAL, 1, draws, 0, noise)
                           : ask_input(a, IR_REAL, 0, 0, 0, noise);
    const double *x = ask_value(a, info_of(c)->transport(&a->graph, arg, base));
    int v = value_of(c, x, ir_draws_vectors(info_of(c)) ? c->size : 1);
    ask_free(a);
    return v;
}

START_TEST(transports_draw_the_values)
{
    const EventCase *c = &event_case[_i];
    bool logits = strchr(info_of(c)->argument, '=') != NULL;
    int draws = c->trials > 0 ? (int)c->trials : 1, all = 1;
    double p[VALUES], mass[VALUES] = {0};
    for (int i = 0; i < draws; i++)
        all *= c->size;
    for (int joint = 0; joint < all; joint++) {
        double noise[TRIALS], weight = 1;
        for (int i = 0, rest = joint; i < draws; i++, rest /= c->size) {
            double below = 0, is = share(c, rest % c->size, logits);
            for (int k = 0; k < rest % c->size; k++)
                below += share(c, k, logits);
            noise[i] = below + is / 2;
            weight *= is;
        }
        if (weight > 0)
            mass[drawn(c, noise, draws)] += weight;
    }
    masses(c, false, p);
    for (int i = 0; i < c->values; i++)
        check_near(c, "mass drawn", mass[i], p[i], 1e-14);
}
END_TEST

static bool moment(const EventCase *c, IrMoment m, double *value)
{
    Ask *a = ask_new();
    IrRef arg[2];
    arguments(a, c, arg);
    IrRef r = info_of(c)->moment(&a->graph, arg, m, IR_NONE);
    if (r != IR_NONE)
        memcpy(value, ask_value(a, r), (size_t)c->size * sizeof *value);
    ask_free(a);
    return r != IR_NONE;
}

START_TEST(moments_are_those_of_the_values)
{
    const EventCase *c = &event_case[_i];
    double mean[MOST], variance[MOST], p[VALUES];
    masses(c, false, p);
    if (!moment(c, IR_E_MEAN, mean) || !moment(c, IR_E_VARIANCE, variance))
        return; /* categories are names, not numbers */
    for (int k = 0; k < c->size; k++) {
        double first = 0, second = 0;
        for (int i = 0; i < c->values; i++) {
            first += p[i] * c->value[i][k];
            second += p[i] * c->value[i][k] * c->value[i][k];
        }
        check_near(c, "mean", mean[k], first, 1e-14);
        check_near(c, "variance", variance[k], second - first * first, 1e-13);
    }
}
END_TEST

/* ---- dirichlet ------------------------------------------------------------------------------ */

static const double alpha[3] = {0.8, 1.5, 3};
static const EventCase dirichlet = {.dist = IR_DIST_dirichlet, .size = 3, .arg = {0.8, 1.5, 3}};

enum { THIN = 4, POINTS = QUADRATURE / THIN };

/* Events x, y (1 - x), (1 - y) (1 - x) for one x, as rows. */
static void dirichlet_densities(double x, const double *y, double *p)
{
    double event[POINTS * 3];
    for (int k = 0; k < POINTS; k++) {
        event[3 * k] = x;
        event[3 * k + 1] = y[k] * (1 - x);
        event[3 * k + 2] = (1 - y[k]) * (1 - x);
    }
    Ask *a = ask_new();
    IrRef arg = ask_input(a, IR_REAL, 1, 3, 0, alpha);
    IrRef at = ask_input(a, IR_REAL, 2, POINTS, 3, event);
    const double *log_density =
        ask_value(a, ir_dist_info[IR_DIST_dirichlet].logpdf(&a->graph, &arg, at));
    for (int k = 0; k < POINTS; k++)
        p[k] = exp(log_density[k]);
    ask_free(a);
}

/* The whole, E x, E x^2, E log x of the first element, E of the second. */
START_TEST(dirichlet_integrates_to_one)
{
    double x[QUADRATURE], w[QUADRATURE], y[POINTS], v[POINTS], p[POINTS], sum[5] = {0};
    quadrature(0, 1, x, w);
    for (int i = 0; i < POINTS; i++) {
        y[i] = fmin(fmax(x[THIN * i], 1e-300), 1 - 0x1p-53);
        v[i] = THIN * w[THIN * i];
    }
    for (int i = 0; i < POINTS; i++) {
        dirichlet_densities(y[i], y, p);
        for (int k = 0; k < POINTS; k++) {
            double mass = v[i] * v[k] * p[k] * (1 - y[i]);
            sum[0] += mass;
            sum[1] += mass * y[i];
            sum[2] += mass * y[i] * y[i];
            sum[3] += mass * log(y[i]);
            sum[4] += mass * y[k] * (1 - y[i]);
        }
    }
    double mean[MOST], variance[MOST], log_mean[MOST], log_square[MOST];
    ck_assert(moment(&dirichlet, IR_E_MEAN, mean) && moment(&dirichlet, IR_E_VARIANCE, variance));
    ck_assert(moment(&dirichlet, IR_E_LOG_MEAN, log_mean));
    ck_assert(moment(&dirichlet, IR_E_LOG_SQUARE, log_square));
    check_near(&dirichlet, "the whole", sum[0], 1, 1e-11);
    check_near(&dirichlet, "mean", mean[0], sum[1], 1e-11);
    check_near(&dirichlet, "variance", variance[0], sum[2] - sum[1] * sum[1], 1e-11);
    check_near(&dirichlet, "log mean", log_mean[0], sum[3], 1e-10);
    check_near(&dirichlet, "second mean", mean[1], sum[4], 1e-11);
}
END_TEST

/* Of two categories the first is a beta draw, whose transport is the same map of two gammas. */
START_TEST(dirichlet_of_two_is_beta)
{
    static const double u[4] = {0.2, 0.9, 0.01, 0.6};
    Ask *a = ask_new();
    IrGraph *g = &a->graph;
    IrRef both = ask_input(a, IR_REAL, 1, 2, 0, alpha), noise = ask_input(a, IR_REAL, 2, 2, 2, u);
    IrRef turned = ir_node(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, 1, &noise);
    IrRef one[] = {ir_const(g, alpha[0]), ir_const(g, alpha[1])};
    IrRef x = ir_dist_info[IR_DIST_dirichlet].transport(g, &both, turned);
    IrRef y = ir_dist_info[IR_DIST_beta].transport(g, one, noise);
    const double *events = ask_value(a, x), *first = ask_value(a, y);
    for (int i = 0; i < 2; i++) {
        ck_assert_double_eq_tol(events[2 * i], first[i], 1e-15);
        ck_assert_double_eq_tol(events[2 * i + 1], 1 - first[i], 1e-15);
    }
    ask_free(a);
}
END_TEST

/* ---- mvn: the density at the transport of e is that of e over the determinant -----------------
 */

START_TEST(mvn_moves_the_density_of_its_noise)
{
    static const double mean[2] = {0.4, -1}, factor[4] = {1.2, 9, 0.5, 0.7};
    static const double e[6] = {0.3, -1.2, 2, 0.1, 0, 0};
    Ask *a = ask_new();
    IrGraph *g = &a->graph;
    IrRef arg[] = {ask_input(a, IR_REAL, 1, 2, 0, mean), ask_input(a, IR_REAL, 2, 2, 2, factor)};
    IrRef noise = ask_input(a, IR_REAL, 2, 3, 2, e);
    const IrDistInfo *mvn = &ir_dist_info[IR_DIST_mvn];
    IrRef x = mvn->transport(g, arg, noise), log_density = mvn->logpdf(g, arg, x);
    const double *at = ask_value(a, x), *got = ask_value(a, log_density);
    for (int i = 0; i < 3; i++) {
        double size = e[2 * i] * e[2 * i] + e[2 * i + 1] * e[2 * i + 1];
        ck_assert_double_eq_tol(at[2 * i], 0.4 + 1.2 * e[2 * i], 1e-15);
        ck_assert_double_eq_tol(at[2 * i + 1], -1 + 0.5 * e[2 * i] + 0.7 * e[2 * i + 1], 1e-15);
        ck_assert_double_eq_tol(got[i], -size / 2 - log(2 * M_PI) - log(1.2 * 0.7), 1e-14);
    }
    const double *variance = ask_value(a, mvn->moment(g, arg, IR_E_VARIANCE, IR_NONE));
    ck_assert_double_eq_tol(variance[0], 1.44, 1e-15);
    ck_assert_double_eq_tol(variance[1], 0.74, 1e-15);
    ask_free(a);
}
END_TEST

START_TEST(every_law_on_events_is_here)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++) {
        bool found = ir_dist_info[d].event == 0 || d == IR_DIST_dirichlet || d == IR_DIST_mvn;
        for (int i = 0; i < CASES; i++)
            found |= event_case[i].dist == d;
        ck_assert_msg(found, "%s has no case", ir_dist_info[d].name);
    }
}
END_TEST

Suite *law_event_suite(void)
{
    Suite *s = suite_create("law_event");
    TCase *c = tcase_create("events");
    tcase_add_loop_test(c, values_have_mass_one, 0, CASES);
    tcase_add_loop_test(c, transports_draw_the_values, 0, CASES);
    tcase_add_loop_test(c, moments_are_those_of_the_values, 0, CASES);
    tcase_add_test(c, dirichlet_integrates_to_one);
    tcase_add_test(c, dirichlet_of_two_is_beta);
    tcase_add_test(c, mvn_moves_the_density_of_its_noise);
    tcase_add_test(c, every_law_on_events_is_here);
    suite_add_tcase(s, c);
    return s;
}
