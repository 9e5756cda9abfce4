/* Products and factorisations against their definitions, and the record of a fault. */
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels.h"
#include "runtime/space.h"
#include "tests/suites.h"

/* Every test runs for both reals: the matrices are made in double and stored in the real under
 * test, and results are read back in double. */
enum { F32, F64, REALS };

static const double epsilon[REALS] = {FLT_EPSILON, DBL_EPSILON};

static void store(int real, void *to, int64_t i, double x)
{
    if (real == F32)
        ((float *)to)[i] = (float)x;
    else
        ((double *)to)[i] = x;
}

static double load(int real, const void *from, int64_t i)
{
    return real == F32 ? (double)((const float *)from)[i] : ((const double *)from)[i];
}

static void fill(int real, void *to, int64_t size, long start)
{
    unsigned short state[3] = {(unsigned short)start, 4, 5};
    for (int64_t i = 0; i < size; i++)
        store(real, to, i, 2 * erand48(state) - 1);
}

static void gemm(int real, int32_t ta, int32_t tb, const int64_t *mnk, double alpha, const void *a,
                 int64_t lda, const void *b, int64_t ldb, double beta, void *c, int64_t ldc)
{
    if (real == F32)
        sgrt_gemm_f32(ta, tb, mnk[0], mnk[1], mnk[2], (float)alpha, a, lda, b, ldb, (float)beta, c,
                      ldc);
    else
        sgrt_gemm_f64(ta, tb, mnk[0], mnk[1], mnk[2], alpha, a, lda, b, ldb, beta, c, ldc);
}

/* Products of this thread, outside of a pool. */
static SgrtSpaces spaces;

static void open_space(void)
{
    SgrtError e;
    ck_assert_msg(sgrt_spaces_init(&spaces, 1, &e), "%s", e.text);
    sgrt_space_use(&spaces, 0);
}

static void close_space(void)
{
    sgrt_space_leave(NULL);
    sgrt_spaces_free(&spaces);
}

/* ---- products ------------------------------------------------------------------------------- */

enum { LD = 40 }; /* wider than any matrix here: strides are not sizes */

static const int64_t shape[][3] = {{5, 7, 3},    {1, 9, 6},   {8, 1, 11}, {1, 1, 13},
                                   {33, 17, 29}, {4, 6, 1},   {3, 4, 0},  {5, 1, 0},
                                   {1, 5, 0},    {1, 30, 31}, {30, 1, 31}};
enum { SHAPES = sizeof shape / sizeof *shape };

static void check_product(int real, int32_t ta, int32_t tb, const int64_t *mnk, double beta)
{
    static double a[LD * LD], b[LD * LD], c[LD * LD], before[LD * LD];
    const double alpha = 1.5;
    fill(real, a, LD * LD, 1);
    fill(real, b, LD * LD, 2);
    fill(real, c, LD * LD, 3);
    if (beta == 0) /* what was in C has no part in the result */
        for (int64_t i = 0; i < mnk[0] * LD; i++)
            store(real, c, i, i % LD < mnk[1] ? (double)NAN : 0.25);
    memcpy(before, c, sizeof c);
    gemm(real, ta, tb, mnk, alpha, a, LD, b, LD, beta, c, LD);
    for (int64_t i = 0; i < LD * LD; i++) {
        int64_t row = i / LD, column = i % LD;
        double want = load(real, before, i), tolerance = 0;
        if (row < mnk[0] && column < mnk[1]) {
            want = beta == 0 ? 0 : beta * want;
            for (int64_t l = 0; l < mnk[2]; l++)
                want += alpha * load(real, a, ta ? l * LD + row : row * LD + l) *
                        load(real, b, tb ? column * LD + l : l * LD + column);
            tolerance = epsilon[real] * (double)(mnk[2] + 2);
        }
        ck_assert_double_le(fabs(load(real, c, i) - want), tolerance);
    }
}

START_TEST(gemm_is_the_product_and_touches_nothing_else)
{
    for (int real = F32; real < REALS; real++)
        for (int32_t flags = 0; flags < 4; flags++) {
            check_product(real, flags & 1, flags >> 1, shape[_i], 0);
            check_product(real, flags & 1, flags >> 1, shape[_i], 1);
            check_product(real, flags & 1, flags >> 1, shape[_i], -0.5);
        }
}
END_TEST

/* A leading dimension beyond int: with one row and k = 1 no second row is ever reached. */
START_TEST(gemm_takes_sizes_that_blas_does_not)
{
    const int64_t mnk[] = {1, 2, 1}, huge = (int64_t)1 << 33;
    for (int real = F32; real < REALS; real++) {
        double a[1], b[2], c[2];
        store(real, a, 0, 3);
        store(real, b, 0, 5);
        store(real, b, 1, 7);
        store(real, c, 0, 1);
        store(real, c, 1, NAN);
        gemm(real, 0, 0, mnk, 2, a, huge, b, huge, 0, c, huge);
        ck_assert_double_eq(load(real, c, 0), 30);
        ck_assert_double_eq(load(real, c, 1), 42);
        gemm(real, 1, 0, mnk, 1, a, huge, b, huge, 2, c, huge);
        ck_assert_double_eq(load(real, c, 0), 75);
    }
}
END_TEST

/* ---- factorisations ------------------------------------------------------------------------- */

enum { N = 12, COLUMNS = 3 };

static void cholesky(int real, int64_t n, const void *a, void *l)
{
    if (real == F32)
        sgrt_cholesky_f32(n, a, l);
    else
        sgrt_cholesky_f64(n, a, l);
}

static void solve_tri(int real, int32_t transposed, int64_t columns, const void *l, void *x)
{
    if (real == F32)
        sgrt_solve_tri_f32(transposed, N, columns, l, x);
    else
        sgrt_solve_tri_f64(transposed, N, columns, l, x);
}

static void solve(int real, int32_t transposed, int64_t n, int64_t columns, const void *a,
                  const void *b, void *x)
{
    if (real == F32)
        sgrt_solve_f32(transposed, n, columns, a, b, x);
    else
        sgrt_solve_f64(transposed, n, columns, a, b, x);
}

/* |op(A) x - b|, largest element; op(A) is n x n and x, b have `columns`. */
static double residual(int real, bool transposed, int64_t n, int64_t columns, const void *a,
                       const void *x, const void *b)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = -load(real, b, i * columns + j);
            for (int64_t l = 0; l < n; l++)
                sum += load(real, a, transposed ? l * n + i : i * n + l) *
                       load(real, x, l * columns + j);
            worst = isnan(sum) ? INFINITY : fmax(worst, fabs(sum));
        }
    return worst;
}

static bool all_nan(int real, const void *x, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (!isnan(load(real, x, i)))
            return false;
    return true;
}

/* The textbook matrix whose factor is whole: [4 12 -16; 12 37 -43; -16 -43 98]. */
START_TEST(cholesky_of_a_textbook_matrix)
{
    const double a[] = {4, 12, -16, 12, 37, -43, -16, -43, 98}, l[] = {2, 0, 0, 6, 1, 0, -8, 5, 3};
    for (int real = F32; real < REALS; real++) {
        double from[9], to[9];
        for (int i = 0; i < 9; i++) /* only the lower triangle is read */
            store(real, from, i, i % 3 > i / 3 ? (double)NAN : a[i]);
        cholesky(real, 3, from, to);
        for (int i = 0; i < 9; i++)
            ck_assert_double_eq_tol(load(real, to, i), l[i], 100 * epsilon[real]);
    }
}
END_TEST

START_TEST(a_matrix_that_is_not_positive_gives_nan)
{
    const double bad[][4] = {
        {1, 2, 2, 1}, {0, 0, 0, 1}, {-1, 0, 0, 1}, {1, 0, NAN, 1}, {NAN, 0, 0, 1}};
    for (int real = F32; real < REALS; real++) {
        double from[4], to[4];
        for (int i = 0; i < 4; i++)
            store(real, from, i, bad[_i][i]);
        cholesky(real, 2, from, to);
        ck_assert(all_nan(real, to, 4));
    }
}
END_TEST

START_TEST(triangular_solves_leave_no_residual)
{
    static double l[N * N], b[N * COLUMNS], x[N * COLUMNS];
    const int64_t columns = _i == 0 ? 1 : COLUMNS;
    for (int real = F32; real < REALS; real++)
        for (int32_t transposed = 0; transposed < 2; transposed++) {
            fill(real, l, N * N, 6);
            for (int64_t i = 0; i < N * N; i++)
                if (i % N == i / N)
                    store(real, l, i, 4);
                else if (i % N > i / N)
                    store(real, l, i, 0);
            fill(real, b, N * columns, 7);
            memcpy(x, b, sizeof b);
            solve_tri(real, transposed, columns, l, x);
            ck_assert_double_le(residual(real, transposed, N, columns, l, x, b),
                                50 * epsilon[real]);
        }
}
END_TEST

START_TEST(general_solves_leave_no_residual)
{
    static double a[N * N], b[N * COLUMNS], x[N * COLUMNS];
    const int64_t columns = _i == 0 ? 1 : COLUMNS;
    for (int real = F32; real < REALS; real++)
        for (int32_t transposed = 0; transposed < 2; transposed++) {
            fill(real, a, N * N, 8); /* needs pivots: nothing favours the diagonal */
            fill(real, b, N * columns, 9);
            solve(real, transposed, N, columns, a, b, x);
            ck_assert_double_le(residual(real, transposed, N, columns, a, x, b),
                                500 * epsilon[real]);
            solve(real, transposed, N, columns, a, b, b); /* in place */
            ck_assert_mem_eq(b, x, (size_t)(N * columns) * (real == F32 ? 4 : 8));
        }
}
END_TEST

/* [0 2; 3 1] x = [4; 5] by hand: x = [1; 2]; transposed, [0 3; 2 1] x = [4; 5]: x = [11/6; 4/3]. */
START_TEST(a_zero_pivot_is_exchanged)
{
    const double a[] = {0, 2, 3, 1}, b[] = {4, 5}, want[2][2] = {{1, 2}, {11.0 / 6, 4.0 / 3}};
    for (int32_t transposed = 0; transposed < 2; transposed++) {
        double x[2];
        sgrt_solve_f64(transposed, 2, 1, a, b, x);
        ck_assert_double_eq_tol(x[0], want[transposed][0], 1e-15);
        ck_assert_double_eq_tol(x[1], want[transposed][1], 1e-15);
    }
}
END_TEST

START_TEST(a_singular_matrix_gives_nan)
{
    for (int real = F32; real < REALS; real++) {
        double a[4], b[2], x[2];
        const double singular[] = {1, 2, 2, 4};
        for (int i = 0; i < 4; i++)
            store(real, a, i, singular[i]);
        fill(real, b, 2, 10);
        solve(real, _i, 2, 1, a, b, x);
        ck_assert(all_nan(real, x, 2));
    }
}
END_TEST

/* ---- faults --------------------------------------------------------------------------------- */

START_TEST(the_smallest_fault_is_kept)
{
    SgrtFault fault = {0};
    SgrtFrame frame = {.fault = &fault};
    sgrt_fault_index(&frame, 4, 12, 10);
    ck_assert(fault.kind == 1 && fault.place == 4 && fault.index == 12 && fault.size == 10);
    sgrt_fault_index(&frame, 5, 1, 3);
    sgrt_fault_index(&frame, 4, 13, 10);
    ck_assert(fault.place == 4 && fault.index == 12);
    sgrt_fault_index(&frame, 4, -1, 10);
    sgrt_fault_index(&frame, 2, 99, 8);
    ck_assert(fault.kind == 1 && fault.place == 2 && fault.index == 99 && fault.size == 8);
}
END_TEST

static void *report_many(void *frame)
{
    for (int i = 2000; i > 0; i--)
        sgrt_fault_index(frame, i % 7, i, 10 * i);
    return NULL;
}

START_TEST(faults_of_several_threads_are_not_mixed)
{
    SgrtFault fault = {0};
    SgrtFrame frame = {.fault = &fault};
    pthread_t thread[3];
    for (int k = 0; k < 3; k++)
        ck_assert_int_eq(pthread_create(&thread[k], NULL, report_many, &frame), 0);
    for (int k = 0; k < 3; k++)
        pthread_join(thread[k], NULL);
    ck_assert(fault.kind == 1 && fault.place == 0 && fault.index == 7 && fault.size == 70);
}
END_TEST

Suite *linalg_suite(void)
{
    Suite *s = suite_create("linalg");
    TCase *t = tcase_create("products");
    tcase_add_checked_fixture(t, open_space, close_space);
    tcase_add_loop_test(t, gemm_is_the_product_and_touches_nothing_else, 0, SHAPES);
    tcase_add_test(t, gemm_takes_sizes_that_blas_does_not);
    suite_add_tcase(s, t);
    t = tcase_create("factorisations");
    tcase_add_checked_fixture(t, open_space, close_space);
    tcase_add_test(t, cholesky_of_a_textbook_matrix);
    tcase_add_loop_test(t, a_matrix_that_is_not_positive_gives_nan, 0, 5);
    tcase_add_loop_test(t, triangular_solves_leave_no_residual, 0, 2);
    tcase_add_loop_test(t, general_solves_leave_no_residual, 0, 2);
    tcase_add_test(t, a_zero_pivot_is_exchanged);
    tcase_add_loop_test(t, a_singular_matrix_gives_nan, 0, 2);
    suite_add_tcase(s, t);
    t = tcase_create("faults");
    tcase_add_test(t, the_smallest_fault_is_kept);
    tcase_add_test(t, faults_of_several_threads_are_not_mixed);
    suite_add_tcase(s, t);
    return s;
}
