/* Matrix products, by the serial OpenBLAS.
 *
 * One thread a call: the parallelism is the compiled model's, whose cut of the work is fixed, so
 * the bits of a product do not depend on the number of threads.  A product with one row or one
 * column goes to gemv, which does not pack its operands. */
#include <cblas.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "runtime/kernels.h"

typedef struct Product { /* C = alpha op(A) op(B) + beta C, op(A) of the size m x k */
    bool ta, tb;
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

#define REAL float
#define R(name) name##_f32
#define BLAS(name) cblas_s##name
#include "runtime/gemm_real.h"

#define REAL double
#define R(name) name##_f64
#define BLAS(name) cblas_d##name
#include "runtime/gemm_real.h"
