/* The runtime's functions have the signatures that rt.def tells the compiler. */
#include <stdio.h>
#include <string.h>

#include "runtime/kernels.h"
#include "tests/suites.h"

/* clang-format off */
/* What a pointer to a function with these types is in the letters of rt.def: result, then params. */
#define SIGNATURE(f) _Generic((f),                                                                 \
    float (*)(float): "rr",                                                                        \
    double (*)(double): "rr",                                                                      \
    float (*)(float, float): "rrr",                                                                \
    double (*)(double, double): "rrr",                                                             \
    float (*)(float, float, float): "rrrr",                                                        \
    double (*)(double, double, double): "rrrr",                                                    \
    void (*)(void *, int64_t, int64_t, void *, int32_t): "vpllpi",                                 \
    void (*)(int32_t, int32_t, int64_t, int64_t, int64_t, float, const void *, int64_t,            \
             const void *, int64_t, float, void *, int64_t): "viilllrplplrpl",                     \
    void (*)(int32_t, int32_t, int64_t, int64_t, int64_t, double, const void *, int64_t,           \
             const void *, int64_t, double, void *, int64_t): "viilllrplplrpl",                    \
    void (*)(int64_t, const void *, void *): "vlpp",                                               \
    void (*)(int32_t, int64_t, int64_t, const void *, void *): "villpp",                           \
    void (*)(int32_t, int64_t, int64_t, const void *, const void *, void *): "villppp",            \
    void (*)(void *, int32_t, int64_t, int64_t): "vpill",                                          \
    int32_t (*)(void *, int32_t, int32_t, int64_t, int64_t, float, float, float): "ipiillrrr",     \
    int32_t (*)(void *, int32_t, int32_t, int64_t, int64_t, double, double, double): "ipiillrrr",  \
    default: "unknown")

/* fault_index works on no real and has no suffix. */
#define sgrt_fault_index_f32 sgrt_fault_index
#define sgrt_fault_index_f64 sgrt_fault_index

static const struct {
    const char *name, *result, *params, *f32, *f64;
} row[] = {
#define RT(name, result, params)                                                                   \
    {#name, result, params, SIGNATURE(sgrt_##name##_f32), SIGNATURE(sgrt_##name##_f64)},
#include "runtime/rt.def"
};
/* clang-format on */

START_TEST(signatures_are_those_of_the_table)
{
    char want[32];
    snprintf(want, sizeof want, "%s%s", row[_i].result, row[_i].params);
    ck_assert_msg(strcmp(row[_i].f32, want) == 0, "%s_f32 is %s", row[_i].name, row[_i].f32);
    ck_assert_msg(strcmp(row[_i].f64, want) == 0, "%s_f64 is %s", row[_i].name, row[_i].f64);
}
END_TEST

Suite *abi_suite(void)
{
    Suite *s = suite_create("abi");
    TCase *t = tcase_create("abi");
    tcase_add_loop_test(t, signatures_are_those_of_the_table, 0, sizeof row / sizeof *row);
    suite_add_tcase(s, t);
    return s;
}
