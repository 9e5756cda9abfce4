/* The op table: scalar meanings, laws between the columns, the reference manual. */
#include "ir/ir.h"
#include "tests/suites.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- scalar meanings ----------------------------------------------------------------------- */

/* Decimals of transcendental values: Abramowitz & Stegun, and mpmath with 40 digits. */
static const struct {
    IrOp op;
    double a, b, c, want;
} meaning[] = {
    {IR_TO_REAL, 3, 0, 0, 3},
    {IR_NOT, 0, 0, 0, 1},
    {IR_NOT, 1, 0, 0, 0},
    {IR_NEG, 2.5, 0, 0, -2.5},
    {IR_EXP, 1, 0, 0, 2.7182818284590452354},
    {IR_LOG, 10, 0, 0, 2.3025850929940456840},
    {IR_LOG, 0, 0, 0, -INFINITY},
    {IR_LOG1P, 1e-20, 0, 0, 1e-20},
    {IR_LOG1P, 1, 0, 0, 0.69314718055994530942},
    {IR_EXPM1, 1e-20, 0, 0, 1e-20},
    {IR_EXPM1, 1, 0, 0, 1.7182818284590452354},
    {IR_SQRT, 2, 0, 0, 1.4142135623730950488},
    {IR_SQRT, -1, 0, 0, NAN},
    {IR_SQUARE, -3, 0, 0, 9},
    {IR_ABS, -3, 0, 0, 3},
    {IR_SIGN, -3, 0, 0, -1},
    {IR_SIGN, 0, 0, 0, 0},
    {IR_SIGN, 0.1, 0, 0, 1},
    {IR_FLOOR, -1.5, 0, 0, -2},
    {IR_TANH, 1, 0, 0, 0.76159415595576488812},
    {IR_SIGMOID, 0, 0, 0, 0.5},
    {IR_SIGMOID, 2, 0, 0, 0.88079707797788244406},
    {IR_SIGMOID, -2, 0, 0, 0.11920292202211755594},
    {IR_SIGMOID, -800, 0, 0, 0}, /* no NaN where e^a overflows */
    {IR_SOFTPLUS, 0, 0, 0, 0.69314718055994530942},
    {IR_SOFTPLUS, 800, 0, 0, 800},
    {IR_SOFTPLUS, -40, 0, 0, 4.2483542552915889863e-18},
    {IR_RELU, -2, 0, 0, 0},
    {IR_RELU, 2, 0, 0, 2},
    {IR_RELU, NAN, 0, 0, NAN},
    {IR_SIN, 1, 0, 0, 0.84147098480789650665},
    {IR_COS, 1, 0, 0, 0.54030230586813971740},
    {IR_ERF, 0.5, 0, 0, 0.52049987781304653768},
    {IR_LGAMMA, 0.5, 0, 0, 0.57236494292470008707}, /* log sqrt pi */
    {IR_DIGAMMA, 1, 0, 0, -0.57721566490153286061},
    {IR_TRIGAMMA, 1, 0, 0, 1.6449340668482264365},
    {IR_TETRAGAMMA, 1, 0, 0, -2.4041138063191885708},
    {IR_LOG_I0E, 1.9, 0, 0, -1.1449395252344934848},
    {IR_I1_GAP, 1.9, 0, 0, 0.31935093527766943112},
    {IR_I1_GAP_SLOPE, 1.9, 0, 0, -0.17848050083875844137},
    {IR_POISSON_ENTROPY, 2.3, 0, 0, 1.7840165746085391327},
    {IR_POISSON_ENTROPY_SLOPE, 2.3, 0, 0, 0.24457578233209252679},
    {IR_POISSON_ENTROPY_BEND, 2.3, 0, 0, -0.11671585496264139319},
    {IR_TO_INT, 2.9, 0, 0, 2},
    {IR_TO_INT, NAN, 0, 0, 0},
    {IR_LOG_GAMMA_QUANTILE, 0.9, 2.3, 0, 1.4656116883845723361},
    {IR_LOG_GAMMA_SLOPE, 1.4656116883845723361, 2.3, 0, 0.33495841613214253096},
    {IR_POISSON_QUANTILE, 0.5, 2.3, 0, 2},
    {IR_BINOMIAL_QUANTILE, 0.5, 20, 0.3, 6},
    {IR_VON_MISES_QUANTILE, 0.3, 1.9, 0, -0.42243260113928963155},
    {IR_VON_MISES_FAR_QUANTILE, 0.3, 1.9, 0, -1.1662338846173931159},
    {IR_VON_MISES_SLOPE, -0.42243260113928963155, 1.9, 0, 0.1376073822794967477},
    {IR_ADD, 2, 3, 0, 5},
    {IR_SUB, 2, 3, 0, -1},
    {IR_MUL, 2, 3, 0, 6},
    {IR_MULZ, 2, 3, 0, 6},
    {IR_MULZ, 0, INFINITY, 0, 0},
    {IR_MULZ, 0, NAN, 0, 0},
    {IR_MULZ, 3, NAN, 0, NAN},
    {IR_DIV, 3, 2, 0, 1.5},
    {IR_POW, 2, 10, 0, 1024},
    {IR_MIN, 2, 3, 0, 2},
    {IR_MIN, NAN, 3, 0, NAN},
    {IR_MIN, 3, NAN, 0, NAN},
    {IR_MAX, 2, 3, 0, 3},
    {IR_MAX, NAN, 3, 0, NAN},
    {IR_MAX, 3, NAN, 0, NAN},
    {IR_ABOVE, 3, 2, 0, 3},
    {IR_ABOVE, 2, 2, 0, NAN},
    {IR_ABOVE, NAN, 2, 0, NAN},
    {IR_AT_LEAST, 2, 2, 0, 2},
    {IR_AT_LEAST, 1, 2, 0, NAN},
    {IR_AT_MOST, 2, 2, 0, 2},
    {IR_AT_MOST, 3, 2, 0, NAN},
    {IR_LT, 2, 2, 0, 0},
    {IR_LT, 1, 2, 0, 1},
    {IR_LE, 2, 2, 0, 1},
    {IR_LE, 3, 2, 0, 0},
    {IR_EQ, 2, 2, 0, 1},
    {IR_EQ, NAN, NAN, 0, 0},
    {IR_NE, 2, 3, 0, 1},
    {IR_AND, 1, 0, 0, 0},
    {IR_AND, 1, 1, 0, 1},
    {IR_OR, 1, 0, 0, 1},
    {IR_OR, 0, 0, 0, 0},
    {IR_SELECT, 1, 5, NAN, 5},
    {IR_SELECT, 0, NAN, 6, 6},
};

enum { MEANINGS = sizeof meaning / sizeof *meaning };

static bool close_to(double got, double want)
{
    if (!isfinite(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= 4 * DBL_EPSILON * fabs(want);
}

START_TEST(scalar_meaning)
{
    double got = ir_scalar(meaning[_i].op, meaning[_i].a, meaning[_i].b, meaning[_i].c);
    ck_assert_msg(close_to(got, meaning[_i].want), "%s(%g, %g, %g) is %.17g, not %.17g",
                  ir_op_info[meaning[_i].op].name, meaning[_i].a, meaning[_i].b, meaning[_i].c, got,
                  meaning[_i].want);
}
END_TEST

START_TEST(every_element_wise_op_has_a_meaning_here)
{
    for (int op = 0; op < IR_OP_COUNT; op++) {
        bool found = !(ir_op_info[op].flags & IR_EW);
        for (int i = 0; i < MEANINGS; i++)
            found |= meaning[i].op == (IrOp)op;
        ck_assert_msg(found, "no value of %s", ir_op_info[op].name);
    }
}
END_TEST

/* ---- special functions --------------------------------------------------------------------- */

/* mpmath.digamma and mpmath.polygamma(1, .), 40 digits, at the double nearest to x. */
static const struct {
    double x, digamma, trigamma;
} gamma_derivative[] = {
    {1e-08, -100000000.57721564636, 10000000000000001.226},
    {0.1, -10.423754940411076232, 101.4332991507927477},
    {0.5, -1.9635100260214234794, 4.9348022005446793094},
    {1.0, -0.57721566490153286061, 1.6449340668482264365},
    {1.25, -0.22745353337626540809, 1.1973291545071107393},
    {1.4616321449683622, -9.2412655217294275168e-17, 0.967672245447621255},
    {1.5, 0.036489973978576520559, 0.93480220054467930942},
    {2.0, 0.42278433509846713939, 0.64493406684822643647},
    {3.75, 1.1825373886117962286, 0.30533985269025307549},
    {7.5, 1.9467574842460867881, 0.14261589669670379977},
    {8.0, 2.0156414779556099965, 0.13313701469403142513},
    {25.0, 3.1987425128519740085, 0.040810663257225579187},
    {1000000.0, 13.815510057964190771, 1.0000005000001666667e-6},
    {-0.5, 0.036489973978576520559, 8.9348022005446793094},
    {-1.25, 3.7141391202135278304, 19.181879647671606498},
    {-10.3, 4.6624034935820870175, 14.98688706572263782},
};

START_TEST(gamma_derivatives)
{
    double x = gamma_derivative[_i].x;
    ck_assert_msg(close_to(ir_digamma(x), gamma_derivative[_i].digamma), "digamma(%.17g) is %.17g",
                  x, ir_digamma(x));
    ck_assert_msg(close_to(ir_trigamma(x), gamma_derivative[_i].trigamma),
                  "trigamma(%.17g) is %.17g", x, ir_trigamma(x));
}
END_TEST

START_TEST(gamma_derivatives_at_the_edges)
{
    for (int n = 0; n > -4; n--) {
        ck_assert(isnan(ir_digamma(n)));
        ck_assert(isnan(ir_trigamma(n)));
    }
    ck_assert(isnan(ir_digamma(NAN)) && isnan(ir_trigamma(NAN)));
    ck_assert(isnan(ir_digamma(-INFINITY)) && isnan(ir_trigamma(-INFINITY)));
    ck_assert_double_eq(ir_digamma(INFINITY), INFINITY);
    ck_assert_double_eq(ir_trigamma(INFINITY), 0);
}
END_TEST

/* f(x + 1) - f(x) is 1 / x and -1 / x^2, wherever the pieces meet. */
START_TEST(gamma_derivatives_step)
{
    for (double x = 0.05; x < 14; x += 0.05) {
        double digamma = ir_digamma(x + 1) - ir_digamma(x);
        double trigamma = ir_trigamma(x + 1) - ir_trigamma(x);
        ck_assert_msg(fabs(digamma * x - 1) < 4e-15 * (1 + x), "digamma at %g", x);
        ck_assert_msg(fabs(trigamma * x * x + 1) < 4e-15 * (1 + x), "trigamma at %g", x);
    }
}
END_TEST

/* ---- laws between the columns -------------------------------------------------------------- */

START_TEST(names_are_one_word_and_unique)
{
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const char *name = ir_op_info[op].name;
        ck_assert_msg(name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0, "%s", name);
        for (int other = 0; other < op; other++)
            ck_assert_str_ne(name, ir_op_info[other].name);
    }
}
END_TEST

START_TEST(commutative_ops_commute)
{
    const double x[] = {0, 1, -2.5, NAN, INFINITY};
    for (int op = 0; op < IR_OP_COUNT; op++)
        for (int i = 0; i < 25 && ir_op_info[op].flags & IR_COMM; i++) {
            double there = ir_scalar((IrOp)op, x[i / 5], x[i % 5], 0);
            double back = ir_scalar((IrOp)op, x[i % 5], x[i / 5], 0);
            ck_assert_msg(there == back || (isnan(there) && isnan(back)), "%s(%g, %g)",
                          ir_op_info[op].name, x[i / 5], x[i % 5]);
        }
}
END_TEST

/* The text form writes `k=` for the first few k. */
START_TEST(k_fields_start_at_k0)
{
    static const unsigned k[] = {IR_HAS_K0, IR_HAS_K1, IR_HAS_K2, IR_HAS_K3};
    for (int op = 0; op < IR_OP_COUNT; op++)
        for (int i = 1; i < 4; i++)
            ck_assert_msg(!(ir_op_info[op].attrs & k[i]) || ir_op_info[op].attrs & k[i - 1],
                          "%s has k%d but not k%d", ir_op_info[op].name, i, i - 1);
}
END_TEST

START_TEST(flags_agree_with_arity)
{
    for (int op = 0; op < IR_OP_COUNT; op++) {
        const IrOpInfo *info = &ir_op_info[op];
        if (info->flags & IR_LEAF)
            ck_assert_msg(info->arity == 0, "%s reads the outside and has operands", info->name);
        if (info->flags & IR_EFFECT)
            ck_assert_msg(info->arity == 1, "%s is a root of one value", info->name);
        if (info->flags & IR_EW)
            ck_assert_msg(info->arity >= 1 && info->arity <= 3, "%s", info->name);
        if (info->flags & IR_COMM)
            ck_assert_msg(info->arity == 2, "%s", info->name);
        ck_assert_msg(info->stages != 0, "%s may stand nowhere", info->name);
    }
}
END_TEST

/* ---- the manual ---------------------------------------------------------------------------- */

static char *read_manual(void)
{
    FILE *f = fopen(SGC_SOURCE_DIR "/docs/ir.md", "r");
    char *text = NULL;
    size_t size = 0;
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(getdelim(&text, &size, 0, f), 0);
    fclose(f);
    return text;
}

START_TEST(the_manual_has_every_op)
{
    char *manual = read_manual();
    for (int op = 0; op < IR_OP_COUNT; op++) {
        char row[400];
        snprintf(row, sizeof row, "- `%s`: %s\n", ir_op_info[op].name, ir_op_info[op].doc);
        ck_assert_msg(strstr(manual, row) != NULL, "docs/ir.md has no line\n%s", row);
    }
    free(manual);
}
END_TEST

Suite *ir_table_suite(void)
{
    Suite *s = suite_create("ir_table");
    TCase *c = tcase_create("tables");
    tcase_add_loop_test(c, scalar_meaning, 0, MEANINGS);
    tcase_add_test(c, every_element_wise_op_has_a_meaning_here);
    tcase_add_loop_test(c, gamma_derivatives, 0,
                        sizeof gamma_derivative / sizeof *gamma_derivative);
    tcase_add_test(c, gamma_derivatives_at_the_edges);
    tcase_add_test(c, gamma_derivatives_step);
    tcase_add_test(c, names_are_one_word_and_unique);
    tcase_add_test(c, commutative_ops_commute);
    tcase_add_test(c, k_fields_start_at_k0);
    tcase_add_test(c, flags_agree_with_arity);
    tcase_add_test(c, the_manual_has_every_op);
    suite_add_tcase(s, c);
    return s;
}
