/* The bias that other systems ship, one program each: what the compiler says of it, or the gradient
 * that it gives instead.  docs/bias.md tells the stories, in the same order. */
#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 2 };

/* `says`: the refusal; NULL: it compiles, and its expected gradient is that at `param`, or where
 * that is not a number the slope of its expected cost. */
typedef struct Entry {
    const char *id, *text, *says;
    double param[ELEMENTS], gradient[ELEMENTS];
} Entry;

#define BIT(via)                                                                                   \
    "param l = ones()\ngraph g {\n  b ~ bernoulli(logits = l)" via                                 \
    "\n  cost abs(b - 0.45) * abs(b - 0.45)\n}\n"
#define BIT_SLOPE 0.0240260745741529 /* p (1 - p) (1 - 2 t) at l = 0.4, t = 0.45 */
#define ROOT(law, via, cost)                                                                       \
    "param a = ones()\nparam b = ones()\ngraph g {\n  z ~ " law via "\n  cost " cost "\n}\n"

static const Entry entry[] = {
    {"B1", BIT(" via score(baseline = moving_average)"), NULL, {0.4}, {BIT_SLOPE}},
    {"B2", BIT(" via score(samples = 2, baseline = moving_average)"), NULL, {0.4}, {BIT_SLOPE}},
    {"B3", BIT(" via score(samples = 2, baseline = leave_one_out)"), NULL, {0.4}, {BIT_SLOPE}},
    {"B3", BIT(" via score(baseline = leave_one_out)"), "compares independent samples", {0}, {0}},
    {"B4", ROOT("uniform(a, b)", " via score", "z * z"), "move its support", {0}, {0}},
    {"B4", ROOT("uniform(a, b)", " via pathwise", "abs(z) * abs(z)"), NULL, {-1, 2}, {0, 1}},
    {"B5",
     ROOT("poisson(a)", " via score", "a * sqrt(z) * sqrt(z)"),
     NULL,
     {2.3, 0},
     {4.6, 0}}, /* E[a z] = a^2 */
    {"B6",
     "param m = ones()\nparam t = ones()\ngraph g {\n  plate k = 2 {\n    z ~ normal(m, 0.8) via "
     "dreg\n"
     "    w = log_prob(normal(t, 1.3), z) - log_prob(normal(m, 0.8), z) + log_prob(normal(z, 1.5), "
     "0.7)\n  }\n  cost -logmeanexp(w, over = k)\n}\n",
     NULL,
     {0.3, -0.2},
     {0.0817321203494246, -0.275100830148783}}, /* by quadrature of 140 x 140 points */
    {"B7",
     ROOT("bernoulli(logits = a)", " via pathwise", "z * b"),
     "its draws are discrete",
     {0},
     {0}},
    {"B8",
     "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a)\n"
     "  cost log_prob(bernoulli(logits = a), h) - log_prob(bernoulli(0.3), h) + sin(b * h)\n}\n",
     NULL,
     {0.4, 0.7},
     {NAN, NAN}},
    {"B10", BIT(""), NULL, {0.4}, {BIT_SLOPE}},
    {"B10", BIT(" via gumbel_softmax"), "is biased", {0}, {0}},
    {"B11",
     "param a = ones()\nparam b = ones()\ngraph g {\n"
     "  c ~ categorical(logits = [a, b, 0.3]) via unordered_set(samples = 2)\n"
     "  cost gather([1.0, -2.0, 0.5], c)\n}\n",
     NULL,
     {0.4, 0.7},
     {NAN, NAN}},
    {"B12",
     ROOT("normal(a, b)", " via pathwise", "if z > 0 then 1 else 0"),
     NULL,
     {0.3, 1.7},
     {0.231046169948927, -0.0407728535203989}},
    {"B12",
     ROOT("normal(a, b)", " via pathwise", "floor(z)"),
     "jumps in the pathwise draw z",
     {0},
     {0}},
    {"B14", BIT(" via dice"), "gradients are of first order", {0}, {0}},
    {"B15",
     BIT(" via score(samples = 2, baseline = leave_one_out, noise = antithetic)"),
     "makes the samples of b depend on each other",
     {0},
     {0}},
    {"B15", BIT(" via score(samples = 2, noise = antithetic)"), NULL, {0.4}, {BIT_SLOPE}},
    {"higher", ROOT("normal(a, 1)", "", "grad(sin(z), a)"), "are of first order", {0}, {0}},
    {"nested", BIT(" via roulette"), "a function of an expectation", {0}, {0}},
    {"nested", ROOT("normal(a, 1)", "", "log(expect(exp(z)))"), "of an expectation", {0}, {0}},
    {"importance", BIT(" via importance"), "no importance weights", {0}, {0}},
    {"importance",
     ROOT("normal(a, 1)", " via importance_sampling(normal(0, 2))", "sin(z)"),
     "no importance weights",
     {0},
     {0}},
};

static void check_gradient(const Entry *b, TapeModel *t)
{
    TapeInput in = tape_input(t, 1);
    const IrModel *m = &t->model;
    size_t count = 0;
    for (uint32_t p = 0; p < m->params; p++)
        in.param[p][0] = b->param[p];
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    for (IrRef k = 0; k < t->entry[IR_ENTRY_STEP].count; k++) {
        const IrNode *n = &t->entry[IR_ENTRY_STEP].node[k];
        if (n->op != IR_GRAD)
            continue;
        double got = r.value[1 + count++], want = b->gradient[n->attr.item];
        if (isnan(want))
            want = tape_slope(t, &in, n->attr.item, 0);
        ck_assert_msg(fabs(got - want) <= 1e-10 * (1 + fabs(want)), "%s: %.15g, not %.15g\n%s",
                      b->id, got, want, b->text);
    }
    ck_assert_uint_gt(count, 0);
}

START_TEST(biased_elsewhere)
{
    const Entry *b = &entry[_i];
    TapeModel *t = tape_compile(b->text);
    char *text = diags_text(t->diags);
    if (b->says)
        ck_assert_msg(!t->ok && strstr(text, b->says), "%s: expected \"%s\" in\n%s", b->id, b->says,
                      text);
    else {
        ck_assert_msg(t->ok, "%s: %s", b->id, text);
        check_gradient(b, t);
    }
    free(text);
    tape_free(t);
}
END_TEST

/* B9: a draw outside of the model's domain is no draw to leave out; the step says so. */
START_TEST(no_draw_is_left_out)
{
    TapeModel *t = tape_compile(ROOT("normal(a, exp(b))", "", "log(z)"));
    TapeInput in = tape_input(t, 1);
    ck_assert(t->ok);
    ck_assert(isnan(tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in).value[0]));
    tape_free(t);
}
END_TEST

/* B13: the weight N/B is there once: the gradients of all batches of two rows of three have the
 * gradient of all rows as their mean. */
START_TEST(batches_have_the_gradient_of_the_whole)
{
    enum { ALL = 3, BATCH = 2 };
    static const double x[ALL] = {0.4, -0.9, 1.3};
    TapeModel *t = tape_compile("param a = ones()\ngraph g {\n  plate n = rows(3) {\n    data x\n"
                                "    h ~ bernoulli(logits = a * x) via score\n"
                                "    cost sin(h + a * x)\n  }\n  cost cos(a)\n}\n");
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    ck_assert(t->ok);
    TapeInput all = tape_input(t, ALL), batch = tape_input(t, BATCH);
    batch.total_rows = ALL;
    memcpy(all.data[0], x, sizeof x);
    double mean = 0, whole = tape_expectation(t, step, &all).value[1];
    for (int left_out = 0; left_out < ALL; left_out++) {
        for (int i = 0; i < BATCH; i++)
            batch.data[0][i] = x[i + (i >= left_out)];
        mean += tape_expectation(t, step, &batch).value[1] / ALL;
    }
    ck_assert_msg(fabs(mean - whole) < 1e-12, "%.15g, not %.15g", mean, whole);
    ck_assert(fabs(whole) > 0.1);
    tape_free(t);
}
END_TEST

Suite *catalogue_suite(void)
{
    Suite *s = suite_create("catalogue");
    TCase *c = tcase_create("bias");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, biased_elsewhere, 0, sizeof entry / sizeof *entry);
    tcase_add_test(c, no_draw_is_left_out);
    tcase_add_test(c, batches_have_the_gradient_of_the_whole);
    suite_add_tcase(s, c);
    return s;
}
