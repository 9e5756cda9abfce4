/* The identities that tie the rules of a law on events together, as identity.c has them for
 * numbers.
 *
 *   score       the adjoint of the log-density is the formula
 *   continuity  of mvn, d p / d argument + div (p v) = 0 with v = d x / d argument at the same
 * noise as a function of x flow        of dirichlet, whose noise has one more dimension than its
 * events, the same against functions f: E v . grad f = d E f / d argument, for monomials
 *
 * estimators.md 3.3, tier B. */
#include "passes/adjoint.h"
#include "tests/laws/law.h"
#include "tests/suites.h"

#include <math.h>
#include <string.h>

enum { SIZE = 3, FACTOR = SIZE * SIZE };

/* The slopes of one value in the elements of every parameter, side by side; 0 where there are none.
 */
static void slopes_of(Ask *a, IrRef r, double *slope)
{
    IrRef grad[8];
    EsSeed seed = {ir_sum_all(&a->graph, r), ir_const(&a->graph, 1)};
    ck_assert(a->params <= 8);
    es_adjoint(&a->graph, &seed, 1, NULL, 0, grad);
    for (size_t p = 0; p < a->params; p++) {
        size_t n = (size_t)a->model.param[p].type.dim[0];
        if (grad[p] == IR_NONE)
            memset(slope, 0, n * sizeof *slope);
        else
            memcpy(slope, ask_value(a, grad[p]), n * sizeof *slope);
        slope += n;
    }
}

static void check_near(IrDist d, const char *what, int k, double got, double want, double bound)
{
    double error = fabs(got - want) / (1 + fabs(want));
    if (!(error <= bound))
        ck_abort_msg("%s, %s %d: %.17g, not %.17g (error %.2g)", ir_dist_info[d].name, what, k, got,
                     want, error);
}

/* ---- scores --------------------------------------------------------------------------------- */

typedef struct EventScore {
    IrDist dist;
    double trials; /* argument 0 of a law of counts */
    double arg[SIZE], x[SIZE];
} EventScore;

static const EventScore event_score[] = {
    {IR_DIST_categorical, 0, {0.4, 0.6, 1}, {1}},
    {IR_DIST_categorical, 0, {1e-8, 3, 2e4}, {0}},
    {IR_DIST_categorical_logits, 0, {0.3, -0.7, 1.1}, {2}},
    {IR_DIST_categorical_logits, 0, {-30, 2, 700}, {1}},
    {IR_DIST_one_hot_categorical, 0, {0.4, 0.6, 1}, {0, 1, 0}},
    {IR_DIST_one_hot_categorical, 0, {1e-8, 3, 2e4}, {1, 0, 0}},
    {IR_DIST_one_hot_categorical_logits, 0, {0.3, -0.7, 1.1}, {0, 0, 1}},
    {IR_DIST_one_hot_categorical_logits, 0, {-30, 2, 700}, {0, 1, 0}},
    {IR_DIST_multinomial, 6, {0.4, 0.6, 1}, {3, 1, 2}},
    {IR_DIST_multinomial, 900, {1e-8, 3, 2e4}, {1, 0, 899}},
    {IR_DIST_dirichlet, 0, {0.8, 1.5, 3}, {0.2, 0.5, 0.3}},
    {IR_DIST_dirichlet, 0, {0.02, 40, 3000}, {1e-30, 0.02, 0.98}},
};

enum { SCORES = sizeof event_score / sizeof *event_score };

/* d log p / d argument k, as the sheet has it. */
static double formula(const EventScore *c, int k)
{
    bool names = !ir_draws_vectors(&ir_dist_info[c->dist]);
    double hits = names ? c->x[0] == k : c->x[k], sum = 0, largest = -INFINITY, shares = 0;
    for (int i = 0; i < SIZE; i++) {
        sum += c->arg[i];
        largest = fmax(largest, c->arg[i]);
    }
    for (int i = 0; i < SIZE; i++)
        shares += exp(c->arg[i] - largest);
    switch (c->dist) {
    case IR_DIST_categorical_logits:
    case IR_DIST_one_hot_categorical_logits:
        return hits - exp(c->arg[k] - largest) / shares;
    case IR_DIST_dirichlet:
        return log(c->x[k]) - ir_digamma(c->arg[k]) + ir_digamma(sum);
    default:
        return hits / c->arg[k] - fmax(1, c->trials) / sum;
    }
}

START_TEST(scores_are_their_formulas)
{
    const EventScore *c = &event_score[_i];
    const IrDistInfo *info = &ir_dist_info[c->dist];
    bool names = !ir_draws_vectors(info), logits = strchr(info->argument, '=') != NULL;
    Ask *a = ask_new();
    IrRef arg[2];
    arg[0] = ir_const(&a->graph, c->trials);
    arg[ir_event_argument(info)] = ask_param(a, SIZE, c->arg);
    IrRef x = ask_input(a, info->elem, names ? 0 : 1, SIZE, 0, c->x);
    double slope[SIZE];
    slopes_of(a, info->logpdf(&a->graph, arg, x), slope);
    for (int k = 0; k < SIZE; k++) {
        double unit = logits ? 1 : c->arg[k]; /* what is relative to the argument */
        check_near(c->dist, "score", k, slope[k] * unit, formula(c, k) * unit, 1e-12);
    }
    ask_free(a);
}
END_TEST

/* ---- mvn ------------------------------------------------------------------------------------ */

static const struct {
    double mean[SIZE], factor[FACTOR];
} gaussian[] = {
    {{0.4, -1, 2}, {1.2, 9, 9, 0.5, 0.7, 9, -0.3, 0.2, 1.6}},
    {{0, 30, -2e3}, {1e-3, 0, 0, 4e-3, 2e-3, 0, 1, -2, 300}},
    {{-1, 1, 0}, {5, 0, 0, 5, 1e-2, 0, 5, 1e-2, 1e-2}},
};
static const double noise[][SIZE] = {
    {0, 0, 0}, {0.3, -1.2, 0.8}, {-4, 2.5, 0.1}, {5, 5, -5}, {1e-3, 3, -0.7}};

enum { GAUSSIANS = sizeof gaussian / sizeof *gaussian, NOISES = sizeof noise / sizeof *noise };
enum { MEAN, LOWER = SIZE, POINT = SIZE + FACTOR, ALL = 2 * SIZE + FACTOR }; /* of slopes */

/* The arguments and one more vector, as parameters; what the law makes of them. */
static IrRef mvn(Ask *a, int i, const double *vector, bool density)
{
    const IrDistInfo *info = &ir_dist_info[IR_DIST_mvn];
    IrType square = {.elem = IR_REAL, .rank = 2, .dim = {SIZE, SIZE}};
    IrRef mean = ask_param(a, SIZE, gaussian[i].mean);
    IrRef flat = ask_param(a, FACTOR, gaussian[i].factor);
    IrRef arg[] = {mean, ir_typed(&a->graph, IR_RESHAPE, (IrAttr){0}, square, 1, &flat)};
    IrRef of = ask_param(a, SIZE, vector);
    return density ? info->logpdf(&a->graph, arg, of) : info->transport(&a->graph, arg, of);
}

/* x and the slopes of each of its elements, in the arguments and in the noise. */
static void mvn_draw(int i, const double *e, double *x, double slope[SIZE][ALL])
{
    for (int j = 0; j < SIZE; j++) {
        Ask *a = ask_new();
        IrRef r = mvn(a, i, e, false);
        IrRef one = ir_gather(&a->graph, r, ir_int(&a->graph, j));
        slopes_of(a, one, slope[j]);
        memcpy(x, ask_value(a, r), SIZE * sizeof *x);
        ask_free(a);
    }
}

/* d v / d e, v the slopes of x in argument `of`: exact by a step of any size, since v is linear. */
static void mvn_turn(int i, const double *e, double turn[SIZE][SIZE][ALL])
{
    for (int m = 0; m < SIZE; m++) {
        double near[SIZE], x[SIZE], up[SIZE][ALL], down[SIZE][ALL];
        memcpy(near, e, sizeof near);
        near[m] = e[m] + 1;
        mvn_draw(i, near, x, up);
        near[m] = e[m] - 1;
        mvn_draw(i, near, x, down);
        for (int j = 0; j < SIZE; j++)
            for (int k = 0; k < ALL; k++)
                turn[m][j][k] = (up[j][k] - down[j][k]) / 2;
    }
}

/* de / dx, of the lower triangle dx / de. */
static void invert(double slope[SIZE][ALL], double inverse[SIZE][SIZE])
{
    for (int column = 0; column < SIZE; column++)
        for (int row = 0; row < SIZE; row++) {
            double rest = row == column;
            for (int k = 0; k < row; k++)
                rest -= slope[row][POINT + k] * inverse[k][column];
            inverse[row][column] = rest / slope[row][POINT + row];
        }
}

/* d log p / d argument k + v . grad log p + div v, the equation over p; and the sheet's formula. */
static void check_mvn(int i, const double *e)
{
    double x[SIZE], v[SIZE][ALL], turn[SIZE][SIZE][ALL], inverse[SIZE][SIZE], score[ALL];
    mvn_draw(i, e, x, v);
    mvn_turn(i, e, turn);
    invert(v, inverse);
    Ask *a = ask_new();
    slopes_of(a, mvn(a, i, x, true), score);
    ask_free(a);
    for (int k = 0; k < POINT; k++) {
        double carried = 0, spread = 0, terms = fabs(score[k]);
        for (int j = 0; j < SIZE; j++) {
            carried += v[j][k] * score[POINT + j];
            terms += fabs(v[j][k] * score[POINT + j]);
            for (int m = 0; m < SIZE; m++)
                spread += turn[m][j][k] * inverse[m][j];
        }
        check_near(IR_DIST_mvn, "continuity in argument", k,
                   (score[k] + carried + spread) / (1 + terms), 0, 1e-10);
        int row = k < LOWER ? k : (k - LOWER) / SIZE, column = (k - LOWER) % SIZE;
        double back = 0; /* of L'^-1 e */
        for (int m = row; m < SIZE; m++)
            back += inverse[m][row] * e[m];
        double want = k < LOWER       ? back
                      : column > row  ? 0
                      : column == row ? back * e[column] - inverse[row][row]
                                      : back * e[column];
        double unit = gaussian[i].factor[row * SIZE + row];
        check_near(IR_DIST_mvn, "score in argument", k, score[k] * unit, want * unit, 1e-12);
    }
}

START_TEST(mvn_is_carried_by_its_transport)
{
    for (int n = 0; n < NOISES; n++)
        check_mvn(_i, noise[n]);
}
END_TEST

/* ---- dirichlet ------------------------------------------------------------------------------ */

enum { THIN = 4, NODES = QUADRATURE / THIN };

static const double shapes[][SIZE] = {{0.8, 1.5, 3}, {0.05, 2, 30}, {200, 0.5, 90}};
static const int monomial[][SIZE] = {{1, 0, 0}, {0, 2, 0}, {0, 1, 2}, {1, 1, 1}};

enum { SHAPES = sizeof shapes / sizeof *shapes, MONOMIALS = sizeof monomial / sizeof *monomial };

/* The slope of E x[0]^power[0] x[1]^power[1] ... in every shape. */
static void moment_slopes(const double *shape, const int *power, double *slope)
{
    double mean = 1, whole = 0, all = 0;
    int degree = 0;
    for (int k = 0; k < SIZE; k++)
        all += shape[k];
    for (int k = 0; k < SIZE; k++) {
        slope[k] = 0;
        for (int i = 0; i < power[k]; i++, degree++) {
            mean *= (shape[k] + i) / (all + degree);
            slope[k] += 1 / (shape[k] + i);
            whole += 1 / (all + degree);
        }
    }
    for (int k = 0; k < SIZE; k++)
        slope[k] = mean * (slope[k] - whole);
}

/* Logarithms of draws of one gamma law at nodes of their noise, and their slopes in the shape. */
typedef struct Gammas {
    int count;
    double noise[NODES], weight[NODES], log[NODES], slope[NODES];
} Gammas;

static void gammas_of(double shape, Gammas *t)
{
    double x[QUADRATURE], w[QUADRATURE];
    t->count = 0;
    quadrature(0, 1, x, w);
    for (int i = THIN / 2; i < QUADRATURE; i += THIN)
        if (THIN * w[i] > 1e-22 && x[i] < 1) {
            t->noise[t->count] = x[i];
            t->log[t->count] = ir_log_gamma_quantile(x[i], shape);
            t->slope[t->count] = ir_log_gamma_slope(t->log[t->count], shape);
            t->weight[t->count++] = THIN * w[i];
        }
}

/* x of three gamma draws, at node i[k] of each. */
static void divide(const Gammas *of, const int *i, double *x)
{
    double largest = -INFINITY, sum = 0;
    for (int k = 0; k < SIZE; k++)
        largest = fmax(largest, of[k].log[i[k]]);
    for (int k = 0; k < SIZE; k++)
        sum += x[k] = exp(of[k].log[i[k]] - largest);
    for (int k = 0; k < SIZE; k++)
        x[k] /= sum;
}

/* dx[j] / d shape[k] of the transport is (1[j = k] - x[j]) x[k] times that of the logarithm. */
START_TEST(dirichlet_divides_gammas)
{
    static Gammas of[SIZE];
    for (int k = 0; k < SIZE; k++)
        gammas_of(shapes[_i][k], &of[k]);
    for (int n = 0; n < NODES; n++) {
        int i[SIZE];
        double u[SIZE], x[SIZE], slope[SIZE];
        for (int k = 0; k < SIZE; k++) {
            i[k] = (n * (2 * k + 1) + 7 * k) % of[k].count;
            u[k] = of[k].noise[i[k]];
        }
        divide(of, i, x);
        for (int j = 0; j < SIZE; j++) {
            Ask *a = ask_new();
            IrRef arg = ask_param(a, SIZE, shapes[_i]), in = ask_input(a, IR_REAL, 1, SIZE, 0, u);
            IrRef r = ir_dist_info[IR_DIST_dirichlet].transport(&a->graph, &arg, in);
            IrRef one = ir_gather(&a->graph, r, ir_int(&a->graph, j));
            slopes_of(a, one, slope);
            check_near(IR_DIST_dirichlet, "element", j, *ask_value(a, one), x[j], 1e-13);
            for (int k = 0; k < SIZE; k++)
                check_near(IR_DIST_dirichlet, "slope of the transport in argument", k, slope[k],
                           ((j == k) - x[j]) * x[k] * of[k].slope[i[k]], 1e-12);
            ask_free(a);
        }
    }
}
END_TEST

/* Adds weight v . grad f for every monomial f, with that v. */
static void add_flow(const Gammas *of, const int *i, double sum[][SIZE])
{
    double x[SIZE], weight = 1;
    divide(of, i, x);
    for (int k = 0; k < SIZE; k++)
        weight *= of[k].weight[i[k]];
    for (int m = 0; m < MONOMIALS; m++) {
        double f = weight;
        int degree = 0;
        for (int k = 0; k < SIZE; k++) {
            degree += monomial[m][k];
            for (int p = 0; p < monomial[m][k]; p++)
                f *= x[k];
        }
        for (int k = 0; k < SIZE; k++)
            sum[m][k] += f * (monomial[m][k] - degree * x[k]) * of[k].slope[i[k]];
    }
}

START_TEST(dirichlet_is_carried_in_the_mean)
{
    static Gammas of[SIZE];
    double sum[MONOMIALS][SIZE] = {0};
    for (int k = 0; k < SIZE; k++)
        gammas_of(shapes[_i][k], &of[k]);
    int i[SIZE];
    for (i[0] = 0; i[0] < of[0].count; i[0]++)
        for (i[1] = 0; i[1] < of[1].count; i[1]++)
            for (i[2] = 0; i[2] < of[2].count; i[2]++)
                add_flow(of, i, sum);
    for (int m = 0; m < MONOMIALS; m++) {
        double want[SIZE];
        moment_slopes(shapes[_i], monomial[m], want);
        for (int k = 0; k < SIZE; k++)
            check_near(IR_DIST_dirichlet, "mean flow in argument", k, sum[m][k] * shapes[_i][k],
                       want[k] * shapes[_i][k], 1e-10);
    }
}
END_TEST

/* ---- all of them ---------------------------------------------------------------------------- */

START_TEST(every_law_on_events_is_here)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++) {
        bool found = ir_dist_info[d].event == 0 || d == IR_DIST_mvn;
        for (int i = 0; i < SCORES; i++)
            found |= event_score[i].dist == d;
        ck_assert_msg(found, "%s has no score", ir_dist_info[d].name);
    }
}
END_TEST

Suite *identity_event_suite(void)
{
    Suite *s = suite_create("identity_event");
    TCase *c = tcase_create("events");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, scores_are_their_formulas, 0, SCORES);
    tcase_add_loop_test(c, mvn_is_carried_by_its_transport, 0, GAUSSIANS);
    tcase_add_loop_test(c, dirichlet_divides_gammas, 0, SHAPES);
    tcase_add_loop_test(c, dirichlet_is_carried_in_the_mean, 0, SHAPES);
    tcase_add_test(c, every_law_on_events_is_here);
    suite_add_tcase(s, c);
    return s;
}
