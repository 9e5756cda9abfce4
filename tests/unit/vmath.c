/* The scalar functions of compiled models against the long double ones of libm, and their limits.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/kernels.h"
#include "tests/suites.h"

static long double sigmoid_oracle(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double softplus_oracle(long double x)
{
    return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

/* Beyond 2^26 the sine is stated to be NaN. */
static long double sin_oracle(long double x)
{
    return fabsl(x) <= 0x1p26L ? sinl(x) : (long double)NAN;
}

static long double cos_oracle(long double x)
{
    return fabsl(x) <= 0x1p26L ? cosl(x) : (long double)NAN;
}

/* The stated accuracy, in ulp of the result; see runtime/vmath.h. */
static const struct {
    const char *name;
    float (*f32)(float);
    double (*f64)(double);
    long double (*oracle)(long double);
    double ulp32, ulp64;
} function[] = {
    {"exp", sgrt_exp_f32, sgrt_exp_f64, expl, 1.1, 1.1},
    {"expm1", sgrt_expm1_f32, sgrt_expm1_f64, expm1l, 2, 2},
    {"log", sgrt_log_f32, sgrt_log_f64, logl, 1, 1},
    {"log1p", sgrt_log1p_f32, sgrt_log1p_f64, log1pl, 1.5, 1.5},
    {"tanh", sgrt_tanh_f32, sgrt_tanh_f64, tanhl, 3, 3},
    {"sigmoid", sgrt_sigmoid_f32, sgrt_sigmoid_f64, sigmoid_oracle, 2.5, 2.5},
    {"softplus", sgrt_softplus_f32, sgrt_softplus_f64, softplus_oracle, 2, 2},
    {"sin", sgrt_sin_f32, sgrt_sin_f64, sin_oracle, 1.6, 1.6},
    {"cos", sgrt_cos_f32, sgrt_cos_f64, cos_oracle, 1.6, 1.6},
    {"erf", sgrt_erf_f32, sgrt_erf_f64, erfl, 1.5, 1.5},
};
enum { FUNCTIONS = sizeof function / sizeof *function };

/* |got - want| in units of the last place of `want` in a format with this many bits, whose smallest
 * unit is 2^least.  0 where both are the same special value, or overflow to the same infinity. */
static double ulps(double got, long double want, int bits, int least, double largest)
{
    if (isnan(want))
        return isnan(got) ? 0 : INFINITY;
    if (isinf(got) && !signbit(got) == !signbit(want))
        return fabsl(want) > largest ? 0 : INFINITY;
    int exponent;
    frexpl(want, &exponent);
    exponent -= bits;
    if (want == 0 || exponent < least)
        exponent = least;
    double error = (double)ldexpl(fabsl((long double)got - want), -exponent);
    return isnan(error) ? INFINITY : error;
}

/* One float in 9973: every exponent, both signs, infinities and NaNs. */
START_TEST(f32_is_as_accurate_as_stated)
{
    double worst = 0;
    float at = 0;
    for (uint64_t u = 0; u < (uint64_t)1 << 32; u += 9973) {
        uint32_t word = (uint32_t)u;
        float x;
        memcpy(&x, &word, sizeof x);
        double error = ulps(function[_i].f32(x), function[_i].oracle(x), 24, -149, FLT_MAX);
        if (error > worst) {
            worst = error;
            at = x;
        }
    }
    ck_assert_msg(worst <= function[_i].ulp32, "%s_f32(%a) is off by %g ulp", function[_i].name,
                  (double)at, worst);
}
END_TEST

/* Doubles of every magnitude, and many where the functions are neither 0, 1 nor infinite. */
START_TEST(f64_is_as_accurate_as_stated)
{
    static const double reach[] = {1, 4, 40, 800};
    double worst = 0, at = 0;
    unsigned short seed[3] = {1, 2, 3};
    for (int i = 0; i < 200000; i++) {
        uint64_t word = (uint64_t)jrand48(seed) << 32 ^ (uint64_t)jrand48(seed);
        double x = reach[i % 4] * (2 * erand48(seed) - 1);
        if (i % 5 == 4)
            memcpy(&x, &word, sizeof x);
        double error = ulps(function[_i].f64(x), function[_i].oracle(x), 53, -1074, DBL_MAX);
        if (error > worst) {
            worst = error;
            at = x;
        }
    }
    ck_assert_msg(worst <= function[_i].ulp64, "%s_f64(%a) is off by %g ulp", function[_i].name, at,
                  worst);
}
END_TEST

/* Values that the mathematics or IEEE 754 fixes exactly, the sign of zero included. */
static const struct {
    const char *name;
    double x, want;
} exact[] = {
    {"exp", -INFINITY, 0},
    {"exp", INFINITY, INFINITY},
    {"exp", 0, 1},
    {"exp", 1e30, INFINITY},
    {"exp", -1e30, 0},
    {"expm1", -INFINITY, -1},
    {"expm1", INFINITY, INFINITY},
    {"expm1", 0, 0},
    {"expm1", -0.0, -0.0},
    {"log", 0, -INFINITY},
    {"log", -0.0, -INFINITY},
    {"log", -1, NAN},
    {"log", -INFINITY, NAN},
    {"log", INFINITY, INFINITY},
    {"log", 1, 0},
    {"log1p", -1, -INFINITY},
    {"log1p", -2, NAN},
    {"log1p", -INFINITY, NAN},
    {"log1p", INFINITY, INFINITY},
    {"log1p", 0, 0},
    {"log1p", -0.0, -0.0},
    {"tanh", INFINITY, 1},
    {"tanh", -INFINITY, -1},
    {"tanh", 0, 0},
    {"tanh", -0.0, -0.0},
    {"sigmoid", INFINITY, 1},
    {"sigmoid", -INFINITY, 0},
    {"sigmoid", 0, 0.5},
    {"softplus", INFINITY, INFINITY},
    {"softplus", -INFINITY, 0},
    {"sin", INFINITY, NAN},
    {"sin", -INFINITY, NAN},
    {"sin", 0, 0},
    {"sin", -0.0, -0.0},
    {"sin", 0x1p27, NAN},
    {"cos", INFINITY, NAN},
    {"cos", 0, 1},
    {"cos", -0x1p27, NAN},
    {"erf", INFINITY, 1},
    {"erf", -INFINITY, -1},
    {"erf", 0, 0},
    {"erf", -0.0, -0.0},
};

static bool same(double got, double want)
{
    return isnan(want) ? isnan(got) : got == want && !signbit(got) == !signbit(want);
}

START_TEST(limits_are_exact)
{
    double x = exact[_i].x, want = exact[_i].want;
    for (int k = 0; k < FUNCTIONS; k++) {
        if (strcmp(function[k].name, exact[_i].name) != 0)
            continue;
        double single = function[k].f32((float)x), twice = function[k].f64(x);
        ck_assert_msg(same(single, want), "%s_f32(%g) = %g", exact[_i].name, x, single);
        ck_assert_msg(same(twice, want), "%s_f64(%g) = %g", exact[_i].name, x, twice);
    }
}
END_TEST

START_TEST(nan_stays_nan)
{
    ck_assert(isnan(function[_i].f32(NAN)));
    ck_assert(isnan(function[_i].f64(NAN)));
}
END_TEST

/* The largest finite exponentials and the first that are not; results below the normal range. */
START_TEST(exp_overflows_and_underflows_where_it_should)
{
    ck_assert(isfinite(sgrt_exp_f32(0x1.62e42ep6f)) && isinf(sgrt_exp_f32(0x1.62e43p6f)));
    ck_assert(isfinite(sgrt_exp_f64(0x1.62e42fefa39efp9)));
    ck_assert(isinf(sgrt_exp_f64(0x1.62e42fefa39fp9)));
    ck_assert_double_eq(sgrt_exp_f32(-103), 0x1p-149);
    ck_assert_double_eq(sgrt_exp_f32(-104.5f), 0);
    ck_assert_double_eq(sgrt_exp_f64(-745), 0x1p-1074);
    ck_assert_double_eq(sgrt_exp_f64(-746), 0);
    ck_assert_double_eq(sgrt_sigmoid_f32(-103), 0x1p-149);
    ck_assert_double_eq(sgrt_softplus_f32(-103), 0x1p-149);
}
END_TEST

/* 22 digits by mpmath 1.3, at points that are exact in float. */
static const struct {
    double x, lgamma, digamma, trigamma;
} gamma_row[] = {
    {1, 0, -0.5772156649015328606065, 1.644934066848226436472},
    {0.5, 0.5723649429247000870717, -1.963510026021423479441, 4.934802200544679309417},
    {0.25, 1.288022524698077457371, -4.22745353337626540809, 17.19732915450711073927},
    {1.5, -0.1207822376352452223455, 0.03648997397857652055902, 0.9348022005446793094172},
    {2, 0, 0.4227843350984671393935, 0.6449340668482264364724},
    {3.75, 1.486815578593417055541, 1.182537388611796228642, 0.3053398526902530754858},
    {10, 12.80182748008146961121, 2.251752589066721107647, 0.1051663356816857461222},
    {100, 359.134205369575398776, 4.600161852738087400199, 0.01005016666333357139525},
    {-0.5, 1.265512123484645396489, 0.03648997397857652055902, 8.934802200544679309417},
    {-2.5, -0.05624371649767405067259, 1.103156640645243187226, 9.539246644989123753862},
};

static bool near(double got, double want, double relative)
{
    return fabs(got - want) <= relative * fmax(fabs(want), 1e-300);
}

START_TEST(gamma_functions_match_the_table)
{
    double x = gamma_row[_i].x;
    ck_assert(near(sgrt_lgamma_f64(x), gamma_row[_i].lgamma, 4 * DBL_EPSILON));
    ck_assert(near(sgrt_digamma_f64(x), gamma_row[_i].digamma, 15 * DBL_EPSILON));
    ck_assert(near(sgrt_trigamma_f64(x), gamma_row[_i].trigamma, 6 * DBL_EPSILON));
    ck_assert(near(sgrt_lgamma_f32((float)x), gamma_row[_i].lgamma, FLT_EPSILON));
    ck_assert(near(sgrt_digamma_f32((float)x), gamma_row[_i].digamma, FLT_EPSILON));
    ck_assert(near(sgrt_trigamma_f32((float)x), gamma_row[_i].trigamma, FLT_EPSILON));
}
END_TEST

/* psi(x + 1) - psi(x) = 1/x, psi'(x) - psi'(x + 1) = 1/x^2, and the slope of lgamma, over the seams
 * between the methods. */
START_TEST(gamma_functions_satisfy_their_recurrences)
{
    for (double x = 0.0625; x < 30; x += 0.0625) {
        double step = sgrt_digamma_f64(x + 1) - sgrt_digamma_f64(x);
        ck_assert_double_eq_tol(step, 1 / x, 12 * DBL_EPSILON * (1 / x + 4));
        double fall = sgrt_trigamma_f64(x) - sgrt_trigamma_f64(x + 1);
        ck_assert_double_eq_tol(fall, 1 / (x * x), 12 * DBL_EPSILON * (1 / (x * x) + 4));
    }
}
END_TEST

/* psi(1 - x) - psi(x) = pi cot(pi x) and psi'(1 - x) + psi'(x) = (pi / sin(pi x))^2. */
START_TEST(gamma_functions_reflect)
{
    for (double x = 0.03125; x < 5; x += 0.0625) {
        long double t = 3.14159265358979323846264338328L * (long double)x;
        double want = (double)(3.14159265358979323846264338328L / tanl(t));
        double got = sgrt_digamma_f64(1 - x) - sgrt_digamma_f64(x);
        ck_assert_double_eq_tol(got, want, 20 * DBL_EPSILON * (fabs(want) + 4));
        long double ratio = 3.14159265358979323846264338328L / sinl(t);
        double sum = sgrt_trigamma_f64(1 - x) + sgrt_trigamma_f64(x);
        ck_assert_double_eq_tol(sum, (double)(ratio * ratio), 40 * DBL_EPSILON * sum);
    }
}
END_TEST

/* At the double nearest to the root of psi; the value by mpmath 1.3 in 40 digits. */
START_TEST(digamma_is_accurate_at_its_root)
{
    ck_assert(near(sgrt_digamma_f64(0x1.762d86356be3fp+0), -9.241265521729427516792e-17, 1e-14));
}
END_TEST

START_TEST(gamma_functions_have_their_poles)
{
    ck_assert(sgrt_digamma_f64(0.0) == -INFINITY && sgrt_digamma_f64(-0.0) == INFINITY);
    ck_assert(isnan(sgrt_digamma_f64(-3)) && isnan(sgrt_digamma_f64(-INFINITY)));
    ck_assert(isnan(sgrt_digamma_f64(NAN)) && isnan(sgrt_trigamma_f64(NAN)));
    ck_assert(isinf(sgrt_digamma_f64(INFINITY)) && sgrt_trigamma_f64(INFINITY) == 0);
    ck_assert(sgrt_trigamma_f64(0) == INFINITY && sgrt_trigamma_f64(-7) == INFINITY);
    ck_assert(sgrt_lgamma_f64(0) == INFINITY && sgrt_lgamma_f32(-1) == INFINITY);
}
END_TEST

START_TEST(pow_is_the_power)
{
    ck_assert_double_eq(sgrt_pow_f64(2, 10), 1024);
    ck_assert_double_eq(sgrt_pow_f32(2, -3), 0.125);
    ck_assert_double_eq(sgrt_pow_f64(0, 0), 1);
    ck_assert(isnan(sgrt_pow_f32(-2, 0.5f)));
    ck_assert(near(sgrt_pow_f64(3.7, -2.2), (double)powl(3.7, -2.2), 2 * DBL_EPSILON));
}
END_TEST

Suite *vmath_suite(void)
{
    Suite *s = suite_create("vmath");
    TCase *t = tcase_create("elementary");
    tcase_add_loop_test(t, f32_is_as_accurate_as_stated, 0, FUNCTIONS);
    tcase_add_loop_test(t, f64_is_as_accurate_as_stated, 0, FUNCTIONS);
    tcase_add_loop_test(t, limits_are_exact, 0, sizeof exact / sizeof *exact);
    tcase_add_loop_test(t, nan_stays_nan, 0, FUNCTIONS);
    tcase_add_test(t, exp_overflows_and_underflows_where_it_should);
    suite_add_tcase(s, t);
    t = tcase_create("gamma");
    tcase_add_loop_test(t, gamma_functions_match_the_table, 0,
                        sizeof gamma_row / sizeof *gamma_row);
    tcase_add_test(t, gamma_functions_satisfy_their_recurrences);
    tcase_add_test(t, gamma_functions_reflect);
    tcase_add_test(t, digamma_is_accurate_at_its_root);
    tcase_add_test(t, gamma_functions_have_their_poles);
    tcase_add_test(t, pow_is_the_power);
    suite_add_tcase(s, t);
    return s;
}
