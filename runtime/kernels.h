/* The functions of rt.def as prototypes, for the runtime itself and its tests. */
#ifndef SGC_RUNTIME_KERNELS_H
#define SGC_RUNTIME_KERNELS_H

#include "runtime/rt.h"

/* clang-format off */
#define SGRT_SCALAR(name)                                                                          \
    float sgrt_##name##_f32(float x);                                                              \
    double sgrt_##name##_f64(double x);
SGRT_SCALAR(exp)  SGRT_SCALAR(expm1)   SGRT_SCALAR(log)      SGRT_SCALAR(log1p)
SGRT_SCALAR(tanh) SGRT_SCALAR(sigmoid) SGRT_SCALAR(softplus)
SGRT_SCALAR(sin)  SGRT_SCALAR(cos)     SGRT_SCALAR(erf)
SGRT_SCALAR(lgamma) SGRT_SCALAR(digamma) SGRT_SCALAR(trigamma) SGRT_SCALAR(tetragamma)
SGRT_SCALAR(log_i0e) SGRT_SCALAR(i1_gap) SGRT_SCALAR(i1_gap_slope)
SGRT_SCALAR(poisson_entropy) SGRT_SCALAR(poisson_entropy_slope) SGRT_SCALAR(poisson_entropy_bend)
#undef SGRT_SCALAR
#define SGRT_SCALAR(name)                                                                          \
    float sgrt_##name##_f32(float x, float y);                                                     \
    double sgrt_##name##_f64(double x, double y);
SGRT_SCALAR(pow)
SGRT_SCALAR(log_gamma_quantile) SGRT_SCALAR(log_gamma_slope) SGRT_SCALAR(poisson_quantile)
SGRT_SCALAR(von_mises_quantile) SGRT_SCALAR(von_mises_far_quantile) SGRT_SCALAR(von_mises_slope)
#undef SGRT_SCALAR
float sgrt_binomial_quantile_f32(float u, float n, float p);
double sgrt_binomial_quantile_f64(double u, double n, double p);
/* clang-format on */

void sgrt_noise_uniform_f32(void *out, int64_t first, int64_t count, void *frame, int32_t site);
void sgrt_noise_uniform_f64(void *out, int64_t first, int64_t count, void *frame, int32_t site);
void sgrt_noise_normal_f32(void *out, int64_t first, int64_t count, void *frame, int32_t site);
void sgrt_noise_normal_f64(void *out, int64_t first, int64_t count, void *frame, int32_t site);

void sgrt_gemm_f32(int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k, float alpha,
                   const void *a, int64_t lda, const void *b, int64_t ldb, float beta, void *c,
                   int64_t ldc);
void sgrt_gemm_f64(int32_t ta, int32_t tb, int64_t m, int64_t n, int64_t k, double alpha,
                   const void *a, int64_t lda, const void *b, int64_t ldb, double beta, void *c,
                   int64_t ldc);

void sgrt_cholesky_f32(int64_t n, const void *a, void *l);
void sgrt_cholesky_f64(int64_t n, const void *a, void *l);
void sgrt_solve_tri_f32(int32_t transposed, int64_t n, int64_t columns, const void *l, void *x);
void sgrt_solve_tri_f64(int32_t transposed, int64_t n, int64_t columns, const void *l, void *x);
void sgrt_solve_f32(int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b,
                    void *x);
void sgrt_solve_f64(int32_t transposed, int64_t n, int64_t columns, const void *a, const void *b,
                    void *x);

void sgrt_fault_index(void *frame, int32_t place, int64_t index, int64_t size);
int32_t sgrt_fault_value_f32(void *frame, int32_t place, int32_t operands, int64_t when,
                             int64_t row, float a, float b, float result);
int32_t sgrt_fault_value_f64(void *frame, int32_t place, int32_t operands, int64_t when,
                             int64_t row, double a, double b, double result);

#endif
