/* OpenBLAS from many threads at once. */
#include "runtime/kernels.h"
#include "runtime/pool.h"
#include "tests/suites.h"

#include <stdatomic.h>
#include <string.h>

enum { N = 20, K = 64, ROUNDS = 200000, TASKS = 2 };

typedef struct Products {
    float a[TASKS][N * K], b[K * N], want[TASKS][N * N];
    _Atomic int wrong, started;
} Products;

static void multiply(const Products *p, int64_t task, float *c)
{
    sgrt_gemm_f32(0, 0, N, N, K, 1, p->a[task], K, p->b, N, 0, c, N);
}

static void multiply_once(void *context, int64_t task)
{
    Products *p = context;
    multiply(p, task, p->want[task]);
}

/* Each task waits for the other, so that their products overlap. */
static void repeat(void *context, int64_t task)
{
    Products *p = context;
    float c[N * N];
    atomic_fetch_add(&p->started, 1);
    while (atomic_load(&p->started) < TASKS)
        ;
    for (int i = 0; i < ROUNDS; i++) {
        multiply(p, task, c);
        if (memcmp(c, p->want[task], sizeof c) != 0)
            atomic_fetch_add(&p->wrong, 1);
    }
}

/* Small products are the test: with one work space for both tasks, and two cores to run on, many
 * are wrong. */
START_TEST(products_of_two_threads_do_not_meet)
{
    static Products p;
    SgrtError e = {0};
    for (int i = 0; i < K * N; i++) {
        p.b[i] = (float)(i % 7) - 3;
        for (int task = 0; task < TASKS; task++)
            p.a[task][i] = (float)(i % 11 + task) * 0.25f;
    }
    SgrtPool *one = sgrt_pool_new(1, &e), *pool = sgrt_pool_new(TASKS, &e);
    ck_assert_msg(one && pool, "%s", e.text);
    sgrt_pool_run(one, multiply_once, &p, TASKS);
    sgrt_pool_run(pool, repeat, &p, TASKS);
    sgrt_pool_free(one);
    sgrt_pool_free(pool);
    ck_assert_int_eq(p.wrong, 0);
}
END_TEST

Suite *blas_suite(void)
{
    Suite *s = suite_create("blas");
    TCase *t = tcase_create("threads");
    tcase_add_test(t, products_of_two_threads_do_not_meet);
    suite_add_tcase(s, t);
    return s;
}
