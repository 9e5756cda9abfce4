/* Initial values: their laws, their places, and what they depend on. */
#include "tests/suites.h"

#include "runtime/constraint.h"
#include "runtime/init.h"
#include "runtime/shuffle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static SgrtError error;

static const int64_t five[] = {5}, three_four[] = {3, 4}, four_three[] = {4, 3}, square[] = {3, 3},
                     large[] = {200, 300};

static SgrtParam param(const int64_t *dim, int64_t rank, int64_t init)
{
    SgrtParam p = {.name = "layer.W", .dim = dim, .rank = rank, .init = init};
    ck_assert(sgrt_size_of(dim, rank, &p.size));
    return p;
}

static double *filled(const SgrtParam *p, int64_t seed)
{
    double *v = calloc((size_t)p->size, sizeof *v);
    ck_assert_msg(sgrt_init_tensor(p, seed, v, &error), "%s", error.text);
    return v;
}

/* 60,000 draws against the moments of each law: a mean is off by more than five of its standard
 * errors once in two million runs, and the seed is fixed.  The variance's standard error is that of
 * the law's fourth moment. */
START_TEST(random_kinds_have_their_moments)
{
    static const struct {
        int64_t kind;
        double a, b, mean, sd, fourth; /* fourth: E(x - mean)^4 / sd^4 */
    } laws[] = {
        {SGRT_INIT_NORMAL, 0.3, 0, 0, 0.3, 3},
        {SGRT_INIT_UNIFORM, -1, 3, 1, 1.1547005383792515, 1.8},
        {SGRT_INIT_GLOROT, 0, 0, 0, 0.0632455532033676, 1.8}, /* sqrt(2 / (200 + 300)) */
        {SGRT_INIT_HE, 0, 0, 0, 0.1, 3},                      /* sqrt(2 / 200) */
    };
    for (unsigned i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        SgrtParam p = param(large, 2, laws[i].kind);
        p.a = laws[i].a;
        p.b = laws[i].b;
        double *v = filled(&p, 1), sum = 0, square_sum = 0, n = (double)p.size, sd = laws[i].sd;
        for (int64_t k = 0; k < p.size; k++) {
            sum += v[k] - laws[i].mean;
            square_sum += (v[k] - laws[i].mean) * (v[k] - laws[i].mean);
        }
        ck_assert_double_le(fabs(sum / n), 5 * sd / sqrt(n));
        ck_assert_double_le(fabs(square_sum / n / (sd * sd) - 1),
                            5 * sqrt((laws[i].fourth - 1) / n));
        free(v);
    }
}
END_TEST

/* Rows of a wide matrix, columns of a tall one: V V^T = 1 to rounding. */
START_TEST(orthogonal_is_orthonormal_along_its_short_side)
{
    static const struct {
        const int64_t *dim;
        int64_t vectors, length, vector_step, element_step;
    } cases[] = {{three_four, 3, 4, 4, 1}, {four_three, 3, 4, 1, 3}, {square, 3, 3, 3, 1}};
    for (unsigned i = 0; i < 3; i++) {
        SgrtParam p = param(cases[i].dim, 2, SGRT_INIT_ORTHOGONAL);
        double *v = filled(&p, 3);
        for (int64_t a = 0; a < cases[i].vectors; a++)
            for (int64_t b = 0; b < cases[i].vectors; b++) {
                double dot = 0;
                for (int64_t k = 0; k < cases[i].length; k++)
                    dot += v[a * cases[i].vector_step + k * cases[i].element_step] *
                           v[b * cases[i].vector_step + k * cases[i].element_step];
                ck_assert_double_eq_tol(dot, a == b, 1e-14);
            }
        free(v);
    }
}
END_TEST

/* The stored tensor maps to the value that was named. */
START_TEST(constants_name_the_constrained_value)
{
    static const struct {
        int32_t in;
        const int64_t *dim;
        int64_t rank, init;
        double a, value[9];
    } cases[] = {
        {SGRT_FREE, five, 1, SGRT_INIT_CONSTANT, 2, {2, 2, 2, 2, 2}},
        {SGRT_POSITIVE, five, 1, SGRT_INIT_CONSTANT, 0.1, {0.1, 0.1, 0.1, 0.1, 0.1}},
        {SGRT_UNIT_INTERVAL, NULL, 0, SGRT_INIT_CONSTANT, 0.25, {0.25}},
        {SGRT_SIMPLEX, five, 1, SGRT_INIT_CONSTANT, 1, {0.2, 0.2, 0.2, 0.2, 0.2}},
        {SGRT_CHOLESKY, square, 2, SGRT_INIT_IDENTITY, 0, {1, 0, 0, 0, 1, 0, 0, 0, 1}},
        {SGRT_FREE, three_four, 2, SGRT_INIT_IDENTITY, 0, {1, 0, 0, 0, 0, 1, 0, 0, 0}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SgrtParam p = param(cases[i].dim, cases[i].rank, cases[i].init);
        p.in.kind = cases[i].in;
        p.a = cases[i].a;
        double *v = filled(&p, 0);
        sgrt_constrain(&p.in, v, p.dim, p.rank, p.size);
        for (int64_t k = 0; k < p.size && k < 9; k++)
            ck_assert_double_eq_tol(v[k], cases[i].value[k], 1e-15);
        free(v);
    }
}
END_TEST

START_TEST(constants_outside_are_refused)
{
    static const struct {
        int32_t in;
        const int64_t *dim;
        int64_t rank, init;
        double a;
        const char *says;
    } cases[] = {
        {SGRT_POSITIVE, five, 1, SGRT_INIT_CONSTANT, 0, "inside positive"},
        {SGRT_UNIT_INTERVAL, five, 1, SGRT_INIT_CONSTANT, 1, "inside unit_interval"},
        {SGRT_SIMPLEX, five, 1, SGRT_INIT_CONSTANT, 0, "inside simplex"},
        {SGRT_ORDERED, five, 1, SGRT_INIT_CONSTANT, 1, "inside ordered"},
        {SGRT_CHOLESKY, square, 2, SGRT_INIT_CONSTANT, 1, "inside cholesky"},
        {SGRT_POSITIVE, square, 2, SGRT_INIT_IDENTITY, 0, "inside positive"},
        {SGRT_FREE, five, 1, SGRT_INIT_IDENTITY, 0, "is for a matrix"},
    };
    double v[9];
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SgrtParam p = param(cases[i].dim, cases[i].rank, cases[i].init);
        p.in.kind = cases[i].in;
        p.a = cases[i].a;
        ck_assert(!sgrt_init_tensor(&p, 0, v, &error));
        ck_assert_msg(strstr(error.text, cases[i].says) != NULL, "wanted '%s' in: %s",
                      cases[i].says, error.text);
        ck_assert_ptr_nonnull(strstr(error.text, "param layer.W"));
    }
}
END_TEST

/* Every constraint's two maps undo each other, and the value lies inside. */
START_TEST(constraints_go_there_and_back)
{
    for (int32_t kind = SGRT_FREE; kind <= SGRT_CHOLESKY; kind++) {
        SgrtParam p = param(square, 2, SGRT_INIT_NORMAL);
        p.a = 1;
        SgrtConstraint in = {.kind = kind};
        double *v = filled(&p, 9), value[9], again[9];
        memcpy(value, v, sizeof value);
        sgrt_constrain(&in, value, p.dim, p.rank, p.size);
        ck_assert_int_eq(sgrt_constraint_outside(&in, value, p.dim, p.rank, p.size), -1);
        memcpy(again, value, sizeof again);
        sgrt_unconstrain(&in, again, p.dim, p.rank, p.size);
        sgrt_constrain(&in, again, p.dim, p.rank, p.size);
        for (int k = 0; k < 9; k++)
            ck_assert_double_eq_tol(again[k], value[k], 1e-14 * fmax(1, fabs(value[k])));
        free(v);
    }
}
END_TEST

START_TEST(values_depend_on_seed_and_path_alone)
{
    SgrtParam p = param(five, 1, SGRT_INIT_NORMAL), longer = param(large, 2, SGRT_INIT_NORMAL);
    p.a = longer.a = 1;
    double *v = filled(&p, 4), *again = filled(&p, 4), *seed = filled(&p, 5);
    double *other_size = filled(&longer, 4);
    p.name = "layer.b";
    double *path = filled(&p, 4);
    for (int k = 0; k < 5; k++) {
        ck_assert_double_eq(v[k], again[k]);
        ck_assert_double_ne(v[k], seed[k]);
        ck_assert_double_ne(v[k], path[k]);
        if (k < 4) /* the fifth is half of a pair */
            ck_assert_double_eq(v[k], other_size[k]);
    }
    free(v), free(again), free(seed), free(path), free(other_size);
}
END_TEST

static void assert_permutation(const uint32_t *order, int64_t rows)
{
    char *seen = calloc((size_t)rows, 1);
    for (int64_t i = 0; i < rows; i++) {
        ck_assert_uint_lt(order[i], rows);
        ck_assert(!seen[order[i]]);
        seen[order[i]] = 1;
    }
    free(seen);
}

START_TEST(an_epoch_is_a_permutation_of_its_own)
{
    uint32_t order[1000], again[1000], other[1000];
    sgrt_shuffle(order, 1000, 1, 0);
    sgrt_shuffle(again, 1000, 1, 0);
    assert_permutation(order, 1000);
    ck_assert_int_eq(memcmp(order, again, sizeof order), 0);
    sgrt_shuffle(other, 1000, 1, 1);
    ck_assert_int_ne(memcmp(order, other, sizeof order), 0);
    sgrt_shuffle(other, 1000, 2, 0);
    ck_assert_int_ne(memcmp(order, other, sizeof order), 0);
    sgrt_shuffle(order, 1, 1, 0);
    ck_assert_uint_eq(order[0], 0);
}
END_TEST

/* All 24 orders of four rows over 24,000 epochs: chi-square with 23 degrees of freedom exceeds 58.6
 * once in 16,000 (its upper 6e-5 point), and the seed is fixed. */
START_TEST(all_orders_are_equally_likely)
{
    double count[256] = {0}, chi = 0;
    uint32_t o[4];
    for (int64_t epoch = 0; epoch < 24000; epoch++) {
        sgrt_shuffle(o, 4, 11, epoch);
        count[o[0] << 6 | o[1] << 4 | o[2] << 2 | o[3]]++;
    }
    int seen = 0;
    for (int i = 0; i < 256; i++)
        if (count[i] > 0) {
            chi += (count[i] - 1000) * (count[i] - 1000) / 1000;
            seen++;
        }
    ck_assert_int_eq(seen, 24);
    ck_assert_double_lt(chi, 58.6);
}
END_TEST

Suite *init_suite(void)
{
    Suite *s = suite_create("init");
    TCase *t = tcase_create("init");
    tcase_add_test(t, random_kinds_have_their_moments);
    tcase_add_test(t, orthogonal_is_orthonormal_along_its_short_side);
    tcase_add_test(t, constants_name_the_constrained_value);
    tcase_add_test(t, constants_outside_are_refused);
    tcase_add_test(t, constraints_go_there_and_back);
    tcase_add_test(t, values_depend_on_seed_and_path_alone);
    tcase_add_test(t, an_epoch_is_a_permutation_of_its_own);
    tcase_add_test(t, all_orders_are_equally_likely);
    suite_add_tcase(s, t);
    return s;
}
