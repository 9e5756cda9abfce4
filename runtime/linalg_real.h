/* linalg.c for one REAL: R(name) carries its suffix, BLAS(name) and LAPACK(name) its letter. */

/* LAPACK's own interface; the last argument of potrf is the length of a string. */
void LAPACK(potrf)(const char *triangle, const int *n, REAL *a, const int *lda, int *info, size_t);
void LAPACK(getrf)(const int *m, const int *n, REAL *a, const int *lda, int *pivot, int *info);

static void R(fill_nan)(REAL *x, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        x[i] = (REAL)NAN;
}

/* Reads the lower triangle of A.  The diagonal of L is looked at because a NaN in A is not an error
 * to every LAPACK. */
void R(sgrt_cholesky)(int64_t n, const void *a, void *l)
{
    const REAL *from = a;
    REAL *to = l;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            to[i * n + j] = j <= i ? from[i * n + j] : 0;
    int order = (int)n, info = 0;
    LAPACK(potrf)("U", &order, to, &order, &info, 1);
    bool positive = info == 0;
    for (int64_t i = 0; i < n; i++)
        positive = positive && to[i * n + i] > 0;
    if (!positive)
        R(fill_nan)(to, n * n);
}

static void R(triangular)(Triangle t, int64_t n, int64_t columns, const REAL *a, REAL *x)
{
    BLAS(trsm)
    (CblasRowMajor, CblasLeft, t.half, t.op, t.diagonal, (int)n, (int)columns, 1, a, (int)n, x,
     (int)columns);
}

void R(sgrt_solve_tri)(int32_t transposed, int64_t n, int64_t columns, const void *l, void *x)
{
    R(triangular)((Triangle){CblasLower, op(transposed), CblasNonUnit}, n, columns, l, x);
}

/* The interchanges of rows that LAPACK made, in their order or backwards. */
static void R(permute)(bool backwards, int64_t n, int64_t columns, const int *pivot, REAL *x)
{
    for (int64_t s = 0; s < n; s++) {
        int64_t i = backwards ? n - 1 - s : s, j = pivot[i] - 1;
        if (i != j)
            BLAS(swap)((int)columns, &x[i * columns], 1, &x[j * columns], 1);
    }
}

/* LAPACK's A is our A^T = P L U; so, as we store it, U^T is the lower triangle with the diagonal,
 * L^T the upper with a diagonal of ones, and A = U^T L^T P^T. */
static void R(solve_factored)(bool transposed, int64_t n, int64_t columns, const REAL *lu,
                              const int *pivot, REAL *x)
{
    Triangle u = {CblasLower, op(transposed), CblasNonUnit};
    Triangle l = {CblasUpper, op(transposed), CblasUnit};
    if (transposed)
        R(permute)(false, n, columns, pivot, x);
    R(triangular)(transposed ? l : u, n, columns, lu, x);
    R(triangular)(transposed ? u : l, n, columns, lu, x);
    if (!transposed)
        R(permute)(true, n, columns, pivot, x);
}

void R(sgrt_solve)(int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b,
                   void *x)
{
    int order = (int)n, info = -1;
    size_t bytes = (size_t)(n * n) * sizeof(REAL);
    REAL *lu = malloc(bytes);
    int *pivot = malloc((size_t)n * sizeof *pivot);
    if (lu && pivot) {
        memcpy(lu, a, bytes);
        LAPACK(getrf)(&order, &order, lu, &order, pivot, &info);
    }
    if (info == 0) {
        memmove(x, b, (size_t)(n * columns) * sizeof(REAL));
        R(solve_factored)(transposed, n, columns, lu, pivot, x);
    } else {
        R(fill_nan)(x, n * columns);
    }
    free(lu);
    free(pivot);
}

#undef REAL
#undef R
#undef BLAS
#undef LAPACK
