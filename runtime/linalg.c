/* Dense factorisations and solves of row-major matrices, by LAPACK and BLAS.
 *
 * LAPACK is column-major: what it reads is the transpose of what we store, so a lower factor is its
 * upper one and nothing needs to be moved.  Failure fills the result with NaN, which the caller
 * notices as a step that is not finite.  The general solve needs scratch and takes it from the heap. */
#include <cblas.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels.h"

/* LAPACK's own interface; the last argument of the first two is the length of a string. */
void spotrf_(const char *triangle, const int *n, float *a, const int *lda, int *info, size_t);
void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info, size_t);
void sgetrf_(const int *m, const int *n, float *a, const int *lda, int *pivot, int *info);
void dgetrf_(const int *m, const int *n, double *a, const int *lda, int *pivot, int *info);

#define FACTORISATIONS(Real, suffix, potrf, getrf, trsm, swap)                                     \
    static void fill_nan_##suffix(Real *x, int64_t size)                                           \
    {                                                                                              \
        for (int64_t i = 0; i < size; i++)                                                         \
            x[i] = (Real)NAN;                                                                      \
    }                                                                                              \
                                                                                                   \
    /* Reads the lower triangle of A.  The diagonal of L is checked because a NaN in A is not an   \
     * error to every LAPACK. */                                                                   \
    void sgrt_cholesky_##suffix(int64_t n, const void *a, void *l)                                 \
    {                                                                                              \
        const Real *from = a;                                                                      \
        Real *to = l;                                                                              \
        for (int64_t i = 0; i < n; i++)                                                            \
            for (int64_t j = 0; j < n; j++)                                                        \
                to[i * n + j] = j <= i ? from[i * n + j] : 0;                                      \
        int order = (int)n, info = 0;                                                              \
        potrf("U", &order, to, &order, &info, 1);                                                  \
        bool good = info == 0;                                                                     \
        for (int64_t i = 0; i < n; i++)                                                            \
            good = good && to[i * n + i] > 0;                                                      \
        if (!good)                                                                                 \
            fill_nan_##suffix(to, n * n);                                                          \
    }                                                                                              \
                                                                                                   \
    void sgrt_solve_tri_##suffix(int32_t transposed, int64_t n, int64_t columns, const void *l,    \
                                 void *x)                                                          \
    {                                                                                              \
        trsm(CblasRowMajor, CblasLeft, CblasLower, transposed ? CblasTrans : CblasNoTrans,         \
             CblasNonUnit, (int)n, (int)columns, 1, l, (int)n, x, (int)columns);                   \
    }                                                                                              \
                                                                                                   \
    /* LAPACK's A is our A^T = P L U, so in our storage U^T is the lower triangle, with the        \
     * diagonal, and L^T the upper, with a diagonal of ones: A = U^T L^T P^T. */                   \
    static void solve_factored_##suffix(bool transposed, int n, int columns, const Real *lu,       \
                                        const int *pivot, Real *x)                                 \
    {                                                                                              \
        if (!transposed) {                                                                         \
            trsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, n, columns, 1,  \
                 lu, n, x, columns);                                                               \
            trsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasUnit, n, columns, 1, lu, \
                 n, x, columns);                                                                   \
        }                                                                                          \
        for (int s = 0; s < n; s++) {                                                              \
            int i = transposed ? s : n - 1 - s, j = pivot[i] - 1;                                  \
            if (i != j)                                                                            \
                swap(columns, &x[(int64_t)i * columns], 1, &x[(int64_t)j * columns], 1);           \
        }                                                                                          \
        if (transposed) {                                                                          \
            trsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasUnit, n, columns, 1, lu,   \
                 n, x, columns);                                                                   \
            trsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, n, columns, 1,    \
                 lu, n, x, columns);                                                               \
        }                                                                                          \
    }                                                                                              \
                                                                                                   \
    void sgrt_solve_##suffix(int32_t transposed, int64_t n, int64_t columns, const void *a,        \
                             const void *b, void *x)                                               \
    {                                                                                              \
        int order = (int)n, info = 1;                                                              \
        Real *lu = malloc((size_t)(n * n) * sizeof *lu);                                           \
        int *pivot = malloc((size_t)n * sizeof *pivot);                                            \
        if (lu && pivot) {                                                                         \
            memcpy(lu, a, (size_t)(n * n) * sizeof *lu);                                           \
            getrf(&order, &order, lu, &order, pivot, &info);                                       \
        }                                                                                          \
        if (info == 0) {                                                                           \
            memmove(x, b, (size_t)(n * columns) * sizeof *lu);                                     \
            solve_factored_##suffix(transposed, order, (int)columns, lu, pivot, x);                \
        } else {                                                                                   \
            fill_nan_##suffix(x, n * columns);                                                     \
        }                                                                                          \
        free(lu);                                                                                  \
        free(pivot);                                                                               \
    }

FACTORISATIONS(float, f32, spotrf_, sgetrf_, cblas_strsm, cblas_sswap)
FACTORISATIONS(double, f64, dpotrf_, dgetrf_, cblas_dtrsm, cblas_dswap)
