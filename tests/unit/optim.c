/* The optimisers against hand-made steps and against their published formulas in long double. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/optim.h"
#include "tests/suites.h"

enum { SIZE = 203, STEPS = 7 };

START_TEST(the_table_has_the_published_defaults)
{
    const SgrtOptimizer *adam = sgrt_optimizer("adam"), *adamw = sgrt_optimizer("adamw");
    ck_assert_int_eq(adam->slots, 2);
    ck_assert_str_eq(adam->slot[0], "m");
    ck_assert_str_eq(adam->slot[1], "v");
    ck_assert(adam->lr == 1e-3 && adam->beta1 == 0.9 && adam->beta2 == 0.999);
    ck_assert(adam->eps == 1e-8 && adam->weight_decay == 0 && adamw->weight_decay == 0.01);
    ck_assert_double_eq(sgrt_optimizer("momentum")->momentum, 0.9);
    ck_assert_double_eq(sgrt_optimizer("rmsprop")->beta2, 0.99);
    ck_assert_int_eq(sgrt_optimizer("sgd")->slots, 0);
    ck_assert_ptr_null(sgrt_optimizer("adagrad"));
    for (int64_t k = 0; k < sgrt_optimizer_count; k++)
        ck_assert_ptr_eq(sgrt_optimizer(sgrt_optimizers[k].name), &sgrt_optimizers[k]);
}
END_TEST

/* Two steps from w = 1 with gradients 2 and -1, worked by hand.
 *   sgd, lr 0.1            1 - 0.2 = 0.8;  0.8 + 0.1 = 0.9
 *   momentum, lr 0.1       velocity 2: 0.8;  0.9 2 - 1 = 0.8: 0.72
 *   rmsprop, lr 0.1        v = 0.04: 1 - 0.1 2 / 0.2 = 0;  v = 0.0496: 0.1 / sqrt(0.0496)
 *   adam, lr 0.1           1 - 0.1 = 0.9;  m = 0.08, v = 0.004996, corrected by 0.19 and 0.001999
 *   adamw, decay 0.5       the same, and each w first times 0.95 */
static const struct {
    const char *name;
    double decay, first, second;
} by_hand[] = {
    {"sgd", 0, 0.8, 0.9},
    {"momentum", 0, 0.8, 0.72},
    {"rmsprop", 0, 0, 0.449013255066937},
    {"adam", 0, 0.9, 0.87336629603394},
    {"adamw", 0.5, 0.85, 0.78086629603394},
};

START_TEST(two_steps_by_hand)
{
    SgrtOptimStep s = sgrt_optim_settings(sgrt_optimizer(by_hand[_i].name));
    double w = 1, g[] = {2, -1}, m = 0, v = 0, *slot[] = {&m, &v};
    s.lr = 0.1;
    s.weight_decay = by_hand[_i].decay;
    s.eps = 0;
    sgrt_optim_prepare(&s, 1);
    sgrt_optim_step_f64(&s, &w, &g[0], slot, 0, 1);
    ck_assert_double_eq_tol(w, by_hand[_i].first, 1e-14);
    sgrt_optim_prepare(&s, 2);
    sgrt_optim_step_f64(&s, &w, &g[1], slot, 0, 1);
    ck_assert_double_eq_tol(w, by_hand[_i].second, 1e-11);
}
END_TEST

/* ---- the formulas of torch.optim, one element, in long double ---------------------------------
 */

typedef struct Element {
    long double w, m, v;
} Element;

typedef void Formula(const SgrtOptimStep *s, long double g, int t, Element *e);

static void sgd(const SgrtOptimStep *s, long double g, int t, Element *e)
{
    (void)t;
    e->w -= s->lr * (g + s->weight_decay * e->w);
}

static void momentum(const SgrtOptimStep *s, long double g, int t, Element *e)
{
    (void)t;
    e->m = s->momentum * e->m + (g + s->weight_decay * e->w);
    e->w -= s->lr * e->m;
}

static void rmsprop(const SgrtOptimStep *s, long double g, int t, Element *e)
{
    (void)t;
    g += s->weight_decay * e->w;
    e->m = s->beta2 * e->m + (1 - (long double)s->beta2) * g * g; /* its only slot */
    e->w -= s->lr * g / (sqrtl(e->m) + s->eps);
}

static void adam(const SgrtOptimStep *s, long double g, int t, Element *e)
{
    g += s->weight_decay * e->w;
    e->m = s->beta1 * e->m + (1 - (long double)s->beta1) * g;
    e->v = s->beta2 * e->v + (1 - (long double)s->beta2) * g * g;
    long double m = e->m / (1 - powl(s->beta1, t)), v = e->v / (1 - powl(s->beta2, t));
    e->w -= s->lr * m / (sqrtl(v) + s->eps);
}

static void adamw(const SgrtOptimStep *s, long double g, int t, Element *e)
{
    SgrtOptimStep plain = *s;
    plain.weight_decay = 0;
    e->w -= s->lr * s->weight_decay * e->w;
    adam(&plain, g, t, e);
}

static const struct {
    const char *name;
    Formula *formula;
} published[] = {
    {"sgd", sgd}, {"momentum", momentum}, {"rmsprop", rmsprop}, {"adam", adam}, {"adamw", adamw},
};
enum { ROWS = sizeof published / sizeof *published };

START_TEST(every_row_has_its_formula)
{
    ck_assert_int_eq(sgrt_optimizer_count, ROWS);
}
END_TEST

/* The settings of a run in which every one of them matters. */
static SgrtOptimStep settings(int row, int t)
{
    SgrtOptimStep s = sgrt_optim_settings(sgrt_optimizer(published[row].name));
    s.lr = 0.02;
    s.eps = 1e-3;
    s.weight_decay = 0.03;
    s.scale = 0.75;
    sgrt_optim_prepare(&s, t);
    return s;
}

static double w64[SIZE], g64[STEPS][SIZE], m64[SIZE], v64[SIZE];
static float w32[SIZE], g32[STEPS][SIZE], m32[SIZE], v32[SIZE];
static Element element[SIZE];

/* Gradients of several magnitudes, the same for both reals. */
static void start(void)
{
    unsigned short state[3] = {1, 2, 3};
    memset(m32, 0, sizeof m32);
    memset(v32, 0, sizeof v32);
    memset(m64, 0, sizeof m64);
    memset(v64, 0, sizeof v64);
    for (int i = 0; i < SIZE; i++) {
        w32[i] = (float)(2 * erand48(state) - 1);
        w64[i] = w32[i];
        element[i] = (Element){.w = w32[i]};
        for (int t = 0; t < STEPS; t++) {
            g32[t][i] = (float)ldexp(2 * erand48(state) - 1, i % 12 - 8);
            g64[t][i] = g32[t][i];
        }
    }
}

START_TEST(steps_follow_the_published_formula)
{
    start();
    for (int t = 1; t <= STEPS; t++) {
        SgrtOptimStep s = settings(_i, t);
        sgrt_optim_step_f32(&s, w32, g32[t - 1], (float *[]){m32, v32}, 0, SIZE);
        sgrt_optim_step_f64(&s, w64, g64[t - 1], (double *[]){m64, v64}, 0, SIZE);
        for (int i = 0; i < SIZE; i++) {
            published[_i].formula(&s, (long double)s.scale * g64[t - 1][i], t, &element[i]);
            ck_assert_double_eq_tol(w64[i], (double)element[i].w, 4 * t * DBL_EPSILON);
            ck_assert_double_eq_tol(w32[i], (double)element[i].w, 4 * t * FLT_EPSILON);
        }
    }
}
END_TEST

/* One pass over everything and passes over uneven blocks: the same bits. */
START_TEST(bits_do_not_depend_on_the_blocks)
{
    static float w[SIZE], m[SIZE], v[SIZE];
    static const int cut[] = {0, 1, 4, 9, 64, 130, 131, SIZE};
    start();
    memcpy(w, w32, sizeof w);
    memset(m, 0, sizeof m);
    memset(v, 0, sizeof v);
    for (int t = 1; t <= STEPS; t++) {
        SgrtOptimStep s = settings(_i, t);
        sgrt_optim_step_f32(&s, w32, g32[t - 1], (float *[]){m32, v32}, 0, SIZE);
        for (size_t k = 0; k + 1 < sizeof cut / sizeof *cut; k++)
            sgrt_optim_step_f32(&s, w, g32[t - 1], (float *[]){m, v}, cut[k], cut[k + 1]);
    }
    ck_assert_mem_eq(w, w32, sizeof w);
    ck_assert_mem_eq(m, m32, sizeof m);
    ck_assert_mem_eq(v, v32, sizeof v);
}
END_TEST

START_TEST(only_the_block_is_written)
{
    start();
    SgrtOptimStep s = settings(_i, 1);
    sgrt_optim_step_f64(&s, w64, g64[0], (double *[]){m64, v64}, 20, 57);
    for (int i = 0; i < SIZE; i++)
        ck_assert_int_eq(w64[i] == (double)element[i].w, i < 20 || i >= 57);
}
END_TEST

/* 1^2 + ... + n^2 = n (n + 1) (2n + 1) / 6, exact in double; and beyond the range of float. */
START_TEST(square_sums_are_exact_and_do_not_overflow)
{
    static float single[1000];
    static double twice[1000];
    for (int i = 0; i < 1000; i++)
        twice[i] = single[i] = (float)(i % 2 ? i : -i);
    for (int last = 900; last < 1000; last++) {
        double n = last - 1, skipped = 2 * 3 * 5 / 6.0;
        double want = n * (n + 1) * (2 * n + 1) / 6 - skipped;
        ck_assert_double_eq(sgrt_square_sum_f32(single, 3, last), want);
        ck_assert_double_eq(sgrt_square_sum_f64(twice, 3, last), want);
    }
    single[500] = 0x1p100f;
    ck_assert_double_eq(sgrt_square_sum_f32(single, 0, 1000), 0x1p200);
    single[999] = NAN;
    twice[17] = INFINITY;
    ck_assert(isnan(sgrt_square_sum_f32(single, 0, 1000)));
    ck_assert(isinf(sgrt_square_sum_f64(twice, 0, 1000)));
}
END_TEST

/* Wherever it stands, whatever its sign; infinity and NaN are larger than all numbers. */
START_TEST(the_largest_is_found)
{
    static float single[100];
    static double twice[100];
    ck_assert_double_eq(sgrt_largest_f32(single, 7, 7), 0);
    for (int i = 0; i < 100; i++)
        twice[i] = single[i] = (float)(i % 2 ? i : -i) / 128;
    for (int first = 0; first < 50; first++)
        for (int last = 51; last <= 100; last++) {
            ck_assert_double_eq(sgrt_largest_f32(single, first, last), (last - 1) / 128.0);
            ck_assert_double_eq(sgrt_largest_f64(twice, first, last), (last - 1) / 128.0);
        }
    single[3] = -INFINITY;
    twice[3] = -INFINITY;
    ck_assert(isinf(sgrt_largest_f32(single, 0, 100)) && isinf(sgrt_largest_f64(twice, 0, 100)));
    single[90] = -NAN;
    twice[90] = NAN;
    ck_assert(isnan(sgrt_largest_f32(single, 0, 100)) && isnan(sgrt_largest_f64(twice, 0, 100)));
}
END_TEST

Suite *optim_suite(void)
{
    Suite *s = suite_create("optim");
    TCase *t = tcase_create("optim");
    tcase_add_test(t, the_table_has_the_published_defaults);
    tcase_add_loop_test(t, two_steps_by_hand, 0, sizeof by_hand / sizeof *by_hand);
    tcase_add_test(t, every_row_has_its_formula);
    tcase_add_loop_test(t, steps_follow_the_published_formula, 0, ROWS);
    tcase_add_loop_test(t, bits_do_not_depend_on_the_blocks, 0, ROWS);
    tcase_add_loop_test(t, only_the_block_is_written, 0, ROWS);
    tcase_add_test(t, square_sums_are_exact_and_do_not_overflow);
    tcase_add_test(t, the_largest_is_found);
    suite_add_tcase(s, t);
    return s;
}
