/* Matrix products, by the serial OpenBLAS.
 *
 * One thread a call: the parallelism is the compiled model's, whose cut of the work is fixed, so the
 * bits of a product do not depend on the number of threads.  A product with one row or one column
 * goes to gemv, which does not pack its operands. */
#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/kernels.h"

typedef struct Product {
    bool ta, tb; /* op transposes */
    int64_t m, n, k, lda, ldb, ldc;
} Product;

/* BLAS counts in int. */
static bool fits_blas(const Product *p)
{
    const int64_t size[] = {p->m, p->n, p->k, p->lda, p->ldb, p->ldc};
    for (size_t i = 0; i < sizeof size / sizeof *size; i++)
        if (size[i] > INT_MAX)
            return false;
    return true;
}

static CBLAS_TRANSPOSE op(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

/* The three ways, for one real: gemm and gemv are the CBLAS functions. */
#define PRODUCT(Real, suffix, gemm, gemv)                                                          \
    static void matrix_##suffix(const Product *p, Real alpha, const Real *a, const Real *b,        \
                                Real beta, Real *c)                                                \
    {                                                                                              \
        gemm(CblasRowMajor, op(p->ta), op(p->tb), (int)p->m, (int)p->n, (int)p->k, alpha, a,       \
             (int)p->lda, b, (int)p->ldb, beta, c, (int)p->ldc);                                   \
    }                                                                                              \
                                                                                                   \
    /* y = alpha op(A) x + beta y, op(A) of the size rows x columns; beta = 0 forgets a NaN in y */\
    static void vector_##suffix(bool transposed, int64_t rows, int64_t columns, Real alpha,        \
                                const Real *a, int64_t lda, const Real *x, int64_t incx,           \
                                Real beta, Real *y, int64_t incy)                                  \
    {                                                                                              \
        for (int64_t i = 0; beta == 0 && i < rows; i++)                                            \
            y[i * incy] = 0;                                                                       \
        gemv(CblasRowMajor, op(transposed), (int)(transposed ? columns : rows),                    \
             (int)(transposed ? rows : columns), alpha, a, (int)lda, x, (int)incx, beta, y,        \
             (int)incy);                                                                           \
    }                                                                                              \
                                                                                                   \
    /* By the definition, for sizes beyond BLAS. */                                                \
    static void plain_##suffix(const Product *p, Real alpha, const Real *a, const Real *b,         \
                               Real beta, Real *c)                                                 \
    {                                                                                              \
        for (int64_t i = 0; i < p->m; i++)                                                         \
            for (int64_t j = 0; j < p->n; j++) {                                                   \
                Real sum = 0, *out = &c[i * p->ldc + j];                                           \
                for (int64_t l = 0; l < p->k; l++)                                                 \
                    sum += a[p->ta ? l * p->lda + i : i * p->lda + l] *                            \
                           b[p->tb ? j * p->ldb + l : l * p->ldb + j];                             \
                *out = alpha * sum + (beta == 0 ? 0 : beta * *out);                                \
            }                                                                                      \
    }                                                                                              \
                                                                                                   \
    void sgrt_gemm_##suffix(int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k, Real alpha,   \
                            const void *a, int64_t lda, const void *b, int64_t ldb, Real beta,     \
                            void *c, int64_t ldc)                                                  \
    {                                                                                              \
        const Product p = {ta, tb, m, n, k, lda, ldb, ldc};                                        \
        if (!fits_blas(&p))                                                                        \
            plain_##suffix(&p, alpha, a, b, beta, c);                                              \
        else if (n == 1)                                                                           \
            vector_##suffix(ta, m, k, alpha, a, lda, b, tb ? 1 : ldb, beta, c, ldc);               \
        else if (m == 1)                                                                           \
            vector_##suffix(!tb, n, k, alpha, b, ldb, a, ta ? lda : 1, beta, c, 1);                \
        else                                                                                       \
            matrix_##suffix(&p, alpha, a, b, beta, c);                                             \
    }

PRODUCT(float, f32, cblas_sgemm, cblas_sgemv)
PRODUCT(double, f64, cblas_dgemm, cblas_dgemv)
