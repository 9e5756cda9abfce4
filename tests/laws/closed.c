/* Closed forms against independent values: no draw is left, and the number is right.
 *
 * The values are integrals by mpmath in 40 digits of p (log p - log q), of -p log p and of p f, not
 * the formulas of the moment table. */
#include "tests/laws/sheet.h"
#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <math.h>

static const struct {
    const char *expression;
    double value;
} closed[] = {
    {"entropy(gamma(2.3, 1.4))", 1.3376653738652572},
    {"entropy(inverse_gamma(2.3, 1.4))", 0.810530086379743914},
    {"entropy(beta(2.5, 1.8))", -0.173088734604749167},
    {"entropy(student_t(5.5, 0.2, 1.3))", 1.87030811911904147},
    {"entropy(geometric(0.35))", 1.84984754009894988},
    {"entropy(binomial(20, 0.3))", 2.13253864166148985},
    {"entropy(dirichlet([0.5, 1.5, 3]))", -1.86665727783187878},
    {"entropy(one_hot_categorical([2, 3, 5]))", 1.02965301406457353},
    {"kl(geometric(0.35), geometric(0.6))", 0.362660871433328781},
    {"kl(poisson(2.3), poisson(1.4))", 0.241804838521949475},
    {"kl(binomial(20, 0.3), binomial(20, 0.45))", 0.943478146787446695},
    {"kl(dirichlet([0.5, 1.5, 3]), dirichlet([1.1, 0.7, 2]))", 1.02073766837748903},
    {"kl(one_hot_categorical([2, 3, 5]), one_hot_categorical([4, 4, 2]))", 0.233211308089554192},
    {"kl(multinomial(6, [2, 3, 5]), multinomial(6, [4, 4, 2]))", 1.39926784853732515},
    {"entropy(poisson(0.02))", 0.0983787070981354947},
    {"entropy(poisson(2.3))", 1.7840165746085391327},
    {"entropy(poisson(90))", 3.66791222423806593},
    {"entropy(multinomial(6, [2, 3, 5]))", 2.79065674746969176},
    {"entropy(multinomial(1, [2, 3, 5]))", 1.02965301406457353},
    {"entropy(multinomial(40, [2, 3, 0, 5]))", 4.76584381595297088},
    {"entropy(von_mises(0.3, 1.9))", 1.29970431820242386},
    {"kl(von_mises(0.3, 1.9), von_mises(-1, 0.7))", 0.529662372855172401},
    {"kl(gamma(2.3, 1.4), gamma(1.2, 0.7))", 0.102256940109354473},
    {"kl(inverse_gamma(2.3, 1.4), inverse_gamma(1.2, 0.7))", 0.102256940109354473},
    {"kl(beta(2.5, 1.8), beta(1.1, 3))", 1.06677861187648638},
    {"kl(gamma(2.3, 1.4), lognormal(0.3, 0.6))", 0.0893829227157830374},
    {"kl(uniform(0.3, 1.9), gamma(2.3, 1.4))", 0.465969373652023954},
    {"kl(lognormal(0.3, 0.6), gamma(2.3, 1.4))", 0.0446945643622095174},
};

static bool draws(const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW)
            return true;
    return false;
}

/* Costs that are not linear in what has a mean, or whose mean has no formula where theta is 0: the
 * draw is left. */
static const char *const sampled[] = {
    "1 / (1 + z ^ 2)",
    "theta / (z + z ^ 2)",
    "2 * theta - exp(theta) / (3 + exp(z)) + z ^ 2",
    "-sum([theta, 1] / (1 + square(z)))",
    "abs(theta * z - 1)",
    "sum(abs([2, theta] * z - 1))",
};

START_TEST(what_has_no_mean_is_sampled)
{
    char text[256];
    snprintf(text, sizeof text,
             "param theta = zeros()\ngraph g {\n  z ~ normal(theta, 1)\n  cost %s\n}\n",
             sampled[_i]);
    TapeModel *t = tape_compile(text);
    if (!t->ok)
        diags_render(t->diags, stderr);
    ck_assert_msg(t->ok && draws(&t->entry[IR_ENTRY_STEP]), "%s", text);
    tape_free(t);
}
END_TEST

START_TEST(closed_forms_have_their_values)
{
    char text[256];
    snprintf(text, sizeof text, "graph g {\n  cost %s\n}\n", closed[_i].expression);
    TapeModel *t = tape_compile(text);
    if (!t->ok)
        diags_render(t->diags, stderr);
    ck_assert_msg(t->ok && !draws(&t->entry[IR_ENTRY_EVAL]), "%s", text);
    TapeInput in = tape_input(t, 1);
    double got = tape_expectation(t, &t->entry[IR_ENTRY_EVAL], &in).value[0];
    double want = closed[_i].value;
    ck_assert_msg(fabs(got - want) <= 1e-13 * fmax(1, fabs(want)), "%s: %.17g, not %.17g",
                  closed[_i].expression, got, want);
    tape_free(t);
}
END_TEST

Suite *closed_suite(void)
{
    Suite *s = suite_create("closed");
    TCase *c = tcase_create("closed");
    tcase_add_loop_test(c, closed_forms_have_their_values, 0, sizeof closed / sizeof *closed);
    tcase_add_loop_test(c, what_has_no_mean_is_sampled, 0, sizeof sampled / sizeof *sampled);
    suite_add_tcase(s, c);
    suite_add_tcase(s, sheet_case());
    return s;
}
