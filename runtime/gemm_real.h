/* gemm.c for one REAL: R(name) carries its suffix, BLAS(name) its CBLAS letter. */

static void R(matrix)(const Product *p, REAL alpha, const REAL *a, const REAL *b, REAL beta,
                      REAL *c)
{
    BLAS(gemm)
    (CblasRowMajor, op(p->ta), op(p->tb), (int)p->m, (int)p->n, (int)p->k, alpha, a, (int)p->lda, b,
     (int)p->ldb, beta, c, (int)p->ldc);
}

/* The one column of C.  With beta = 0 the old values are forgotten, NaN or not. */
static void R(column)(const Product *p, REAL alpha, const REAL *a, const REAL *b, REAL beta,
                      REAL *c)
{
    for (int64_t i = 0; beta == 0 && i < p->m; i++)
        c[i * p->ldc] = 0;
    BLAS(gemv)
    (CblasRowMajor, op(p->ta), (int)(p->ta ? p->k : p->m), (int)(p->ta ? p->m : p->k), alpha, a,
     (int)p->lda, b, p->tb ? 1 : (int)p->ldb, beta, c, (int)p->ldc);
}

/* By the definition, for sizes beyond BLAS. */
static void R(plain)(const Product *p, REAL alpha, const REAL *a, const REAL *b, REAL beta, REAL *c)
{
    for (int64_t i = 0; i < p->m; i++)
        for (int64_t j = 0; j < p->n; j++) {
            REAL sum = 0, *out = &c[i * p->ldc + j];
            for (int64_t l = 0; l < p->k; l++)
                sum += a[p->ta ? l * p->lda + i : i * p->lda + l] *
                       b[p->tb ? j * p->ldb + l : l * p->ldb + j];
            *out = alpha * sum + (beta == 0 ? 0 : beta * *out);
        }
}

void R(sgrt_gemm)(int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k, REAL alpha,
                  const void *a, int64_t lda, const void *b, int64_t ldb, REAL beta, void *c,
                  int64_t ldc)
{
    const Product p = {ta, tb, m, n, k, lda, ldb, ldc};
    /* A row times B is B^T times a column: strided as it lies, and written without a stride. */
    const Product flipped = {!tb, !ta, n, 1, k, ldb, lda, 1};
    if (!fits_blas(&p))
        R(plain)(&p, alpha, a, b, beta, c);
    else if (n == 1 && k > 0) /* without a product, gemv leaves C as it is */
        R(column)(&p, alpha, a, b, beta, c);
    else if (m == 1 && k > 0)
        R(column)(&flipped, alpha, b, a, beta, c);
    else
        R(matrix)(&p, alpha, a, b, beta, c);
}

#undef REAL
#undef R
#undef BLAS
