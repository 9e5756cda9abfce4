/* Dense factorisations and solves of row-major matrices, by LAPACK and BLAS.
 *
 * LAPACK is column-major: what it reads is the transpose of what we store, so a lower factor is its
 * upper one and nothing needs to be moved.  Failure fills the result with NaN, which the caller
 * notices as a step that is not finite.  The general solve needs scratch and takes it from the
 * heap. Orders and columns are below 2^31, as a matrix in memory has to be. */
#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels.h"

typedef struct Triangle {
    CBLAS_UPLO half;
    CBLAS_TRANSPOSE op;
    CBLAS_DIAG diagonal;
} Triangle;

static CBLAS_TRANSPOSE op(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

#define REAL float
#define R(name) name##_f32
#define BLAS(name) cblas_s##name
#define LAPACK(name) s##name##_
#include "runtime/linalg_real.h"

#define REAL double
#define R(name) name##_f64
#define BLAS(name) cblas_d##name
#define LAPACK(name) d##name##_
#include "runtime/linalg_real.h"
