/* Costs that are sums: a program that writes its terms as one cost is that which writes them as
 * several.  The expectations are exact, the exact variances are equal, and below that of the same
 * cost where it cannot be taken apart; what is reported is the cost as it was written. */
#include "tests/laws/program.h"
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The graph with "@" where its costs are to stand. */
static const struct {
    const char *graph, *sum, *apart;
} program[] = {
    /* of two draws; signs, factors that are known, and what no draw decides */
    {"  y ~ bernoulli(logits = a) via score\n  z ~ bernoulli(logits = b) via score\n  @\n",
     "sin(y + b) + cos(z + a)", "cost sin(y + b)\n  cost cos(z + a)"},
    {"  y ~ bernoulli(logits = a) via score\n  z ~ bernoulli(logits = b) via score\n  @\n",
     "-2 * (-exp(y + b) - a * a * (exp(z) / exp(b))) - sin(a)",
     "cost 2 * exp(y + b)\n  cost 2 * a * a * exp(z) / exp(b)\n  cost -sin(a)"},
    {"  y ~ bernoulli(logits = a) via score\n  z ~ bernoulli(logits = b * y) via score\n  @\n",
     "exp(y + b) + a * sin(z + y) + w[1] * exp(y)",
     "cost exp(y + b) + w[1] * exp(y)\n  cost a * sin(z + y)"},
    /* vectors, summed and picked from */
    {"  y ~ bernoulli(logits = a) via score\n  z[3] ~ bernoulli(logits = w) via score\n  @\n",
     "sum(exp(y + w) - w * sin(z)) + (exp(y * w) - cos(w + z[0]))[1]",
     "cost sum(exp(y + w)) + exp(y * w[1])\n  cost -sum(w * sin(z)) - cos(w[1] + z[0])"},
    {"  y ~ bernoulli(logits = a) via score\n  z[3] ~ bernoulli(logits = w) via score\n  @\n",
     "sum(w * (sin(y + w) + exp(z + b)))", "cost sum(w * sin(y + w))\n  cost sum(w * exp(z + b))"},
    /* copies of a plate: their own, all of them, none of them */
    {"  y ~ bernoulli(logits = a) via score\n  plate k = 3 {\n"
     "    z ~ bernoulli(logits = w[k]) via score\n    @\n  }\n",
     "exp(y + b) * a + sin(z + w[k])", "cost exp(y + b) * a\n    cost sin(z + w[k])"},
    {"  y ~ bernoulli(logits = a) via score\n  plate k = 3 {\n"
     "    z ~ bernoulli(logits = w[k]) via score\n    f = exp(y + b) - w[k] * sin(z)\n  }\n  @\n",
     "sum(f, over = k) + exp(y)",
     "cost 3 * exp(y + b) + exp(y)\n  cost -sum(w[k] * sin(z), over = k)"},
    {"  plate k = 3 {\n    y ~ bernoulli(logits = w[k]) via score\n    f = exp(y)\n  }\n"
     "  plate k {\n    @\n  }\n",
     "sin(y + b) + exp(a * sum(f, over = k))",
     "cost sin(y + b)\n    cost exp(a * sum(f, over = k))"},
    /* rows, and samples that are compared with each other */
    {"  plate n = rows(2) {\n    data x\n    y ~ bernoulli(logits = a * x) via score\n"
     "    z ~ bernoulli(logits = b * x) via score(samples = 2, baseline = leave_one_out)\n"
     "    @\n  }\n",
     "exp(y + x) + b * b * exp(z + x)", "cost exp(y + x)\n    cost b * b * exp(z + x)"},
    {"  y ~ bernoulli(logits = a) via score(baseline = moving_average)\n"
     "  z ~ bernoulli(logits = b) via disarm\n  @\n",
     "sin(y + b) + exp(z + a)", "cost sin(y + b)\n  cost exp(z + a)"},
    /* an average, a learned number, beside draws with other estimators */
    {"  y ~ bernoulli(logits = a) via score(baseline = learned)\n"
     "  z ~ normal(b, 0.5)\n  @\n",
     "exp(y + a) + exp(sin(z))", "cost exp(y + a)\n  cost exp(sin(z))"},
    {"  y ~ bernoulli(logits = a) via relax\n  z ~ bernoulli(logits = b) via enumerate\n  @\n",
     "exp(y + a) + exp(sin(z) + b) * w[1] * w[1]",
     "cost exp(y + a)\n  cost exp(sin(z) + b) * w[1] * w[1]"},
    /* a sequence: later steps, and what is left after it */
    {"  s[0] = a\n  for t in 1..3 {\n    z ~ bernoulli(logits = b + s[t-1]) via score\n"
     "    u ~ bernoulli(logits = b) via score\n    s[t] = 0.5 * s[t-1] + sin(z)\n    @\n  }\n",
     "exp(s[t]) + b * exp(u)", "cost exp(s[t])\n    cost b * exp(u)"},
    {"  s[0] = a\n  for t in 1..4 {\n    z ~ bernoulli(logits = b) via score\n"
     "    s[t] = 0.5 * s[t-1] + exp(z)\n  }\n  u ~ bernoulli(logits = a) via score\n  @\n",
     "sin(s[3]) + a * exp(u)", "cost sin(s[3])\n  cost a * exp(u)"},
};

/* "@" as costs; "&" as one that is no sum: no term is as large as a million. */
static void write_program(char text[PROGRAM_TEXT], size_t i, const char *form, const char *costs)
{
    const char *at = strchr(program[i].graph, '@');
    int n = snprintf(text, PROGRAM_TEXT, RANDOM_PARAMS "graph g {\n%.*s",
                     (int)(at - program[i].graph), program[i].graph);
    n += snprintf(text + n, PROGRAM_TEXT - (size_t)n, form, costs);
    snprintf(text + n, PROGRAM_TEXT - (size_t)n, "%s}\n", at + 1);
}

static double variance(const char *text)
{
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 2);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeResult r = tape_expectation(t, step, &in);
    double sum = 0;
    size_t at = 1;
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t i = 0;
             first_result_of(step, p) > 0 && i < ir_elements(&t->model.param[p].type); i++, at++)
            sum += r.square[at] - r.value[at] * r.value[at];
    tape_free(t);
    return sum;
}

START_TEST(a_sum_is_its_terms)
{
    char sum[PROGRAM_TEXT], apart[PROGRAM_TEXT], whole[PROGRAM_TEXT];
    write_program(sum, (size_t)_i, "cost %s", program[_i].sum);
    write_program(apart, (size_t)_i, "%s", program[_i].apart);
    write_program(whole, (size_t)_i, "cost min(%s, 1e6)", program[_i].sum);
    slope_check_alone(sum, 2);
    double got = variance(sum), want = variance(apart), before = variance(whole);
    ck_assert_msg(fabs(got - want) <= 1e-10 * want, "variance %.12g, of its terms %.12g\n%s", got,
                  want, sum);
    ck_assert_msg(got < before, "variance %.12g, of one term %.12g\n%s", got, before, sum);
}
END_TEST

/* ---- what is reported ----------------------------------------------------------------------- */

static uint32_t costs_of(const IrGraph *g)
{
    uint32_t costs = 0;
    for (IrRef r = 0; r < g->count; r++)
        costs += g->node[r].op == IR_COST;
    return costs;
}

/* The objective and the costs on some noise, by entry. */
static void check_reported(const char *text, IrEntry entry)
{
    TapeModel *t = compiled(text), *plain = tape_compile_plain(text);
    const IrGraph *g = &t->entry[entry];
    ck_assert_uint_eq(costs_of(g), costs_of(&t->model.graph[0]));
    TapeInput in = tape_input(t, 2), same = tape_input(plain, 2);
    TapeResult got = tape_expectation(t, g, &in);
    TapeResult want = tape_expectation(plain, &plain->entry[entry], &same);
    check_near(got.value[0], want.value[0], "objective", text);
    tape_free(t);
    tape_free(plain);
}

START_TEST(costs_are_reported_as_written)
{
    char sum[PROGRAM_TEXT];
    write_program(sum, (size_t)_i, "cost %s", program[_i].sum);
    check_reported(sum, IR_ENTRY_STEP);
    check_reported(sum, IR_ENTRY_EVAL);
}
END_TEST

/* "multiplies the costs on lines 4, 5 (in part)" */
START_TEST(remarks_name_the_cost)
{
    TapeModel *t = compiled("param a = ones()\ngraph g {\n  y ~ bernoulli(logits = a) via score\n"
                            "  z ~ bernoulli(logits = a) via score\n  cost exp(y) + exp(z * a)\n"
                            "  cost exp(y)\n}\n");
    static const char *const says[] = {"y", "lines 5 (in part), 6", "z", "line 5 (in part)"};
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    for (size_t i = 0; i < 4; i += 2) {
        bool found = false;
        for (IrRef r = 0; r < g->count; r++)
            found |= g->node[r].why && g->node[r].why->draw &&
                     strcmp(g->node[r].why->draw, says[i]) == 0 &&
                     strstr(g->node[r].why->reason, says[i + 1]);
        ck_assert_msg(found, "%s: %s", says[i], says[i + 1]);
    }
    tape_free(t);
}
END_TEST

/* ---- what stays together -------------------------------------------------------------------- */

static const char *const whole[] = {
    /* no score multiplies it */
    "  y ~ normal(a, 1)\n  z ~ normal(b, 1)\n  cost exp(sin(y)) + exp(cos(z))\n",
    /* the same draws reach its terms */
    "  y ~ bernoulli(logits = a) via score\n  cost exp(y) + a * cos(y)\n",
    /* a log-density: x l - softplus(l) */
    "  y ~ bernoulli(logits = a) via score\n  z ~ normal(b, 1)\n"
    "  cost log_prob(bernoulli(logits = sin(z)), y)\n",
    /* no sum */
    "  y ~ bernoulli(logits = a) via score\n  z ~ normal(b, 1)\n  cost exp(y + sin(z))\n",
    "  y ~ bernoulli(logits = a) via score\n  z ~ normal(b, 1)\n  cost z * (exp(y) + sin(z))\n",
};

START_TEST(others_stay)
{
    char text[PROGRAM_TEXT];
    snprintf(text, sizeof text, RANDOM_PARAMS "graph g {\n%s}\n", whole[_i]);
    TapeModel *t = compiled(text);
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    for (IrRef r = 0; r < g->count; r++)
        ck_assert_msg(!g->node[r].why || !g->node[r].why->reason ||
                          !strstr(g->node[r].why->reason, "in part"),
                      "%s\n%s", g->node[r].why->reason, text);
    tape_free(t);
}
END_TEST

Suite *terms_suite(void)
{
    Suite *s = suite_create("terms");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_sum_is_its_terms, 0, sizeof program / sizeof *program);
    tcase_add_loop_test(c, costs_are_reported_as_written, 0, sizeof program / sizeof *program);
    tcase_add_test(c, remarks_name_the_cost);
    tcase_add_loop_test(c, others_stay, 0, sizeof whole / sizeof *whole);
    suite_add_tcase(s, c);
    return s;
}
