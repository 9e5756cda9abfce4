/* Draws with an estimator for each group of costs: which are split, that the exact expectation of
 * the gradient is the slope of the exact expected cost, and that its exact variance is below that
 * of one estimator for all costs. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <string.h>

/* `what`: what is decided of the draws that are split, in the order of the program. */
static const struct {
    const char *text;
    IrEstimator what[4];
} split[] = {
    /* pathwise, and score by copies, where no boundary term is known */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  cost sin(z) * w\n"
     "  cost if z > 0.3 then cos(z) + w else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* two guards of one draw: each has its boundary term in its own group */
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s)\n  cost if z > 0.3 then cos(z) + s else 0.0\n"
     "  cost if z > -0.4 then m * z else sin(z)\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* a score below: its law carries the gradient of its own costs alone */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  h ~ bernoulli(logits = w * z) via score\n"
     "  cost sin(z) * h + square(w) * h\n  cost if z > 0.3 then cos(m * h) else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* copies below, compared with each other */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ normal(m, 0.5)\n"
     "  h ~ bernoulli(logits = w * z) via score(samples = 2, baseline = leave_one_out)\n"
     "  cost if z > 0.3 then sin(z) * h else m\n  cost if z > 0.1 then w * h else z\n"
     "  cost cos(2 * h + w)\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* an average below, which both copies keep */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n"
     "  h ~ bernoulli(logits = w * z) via score(baseline = moving_average)\n"
     "  cost sin(z) * h\n  cost if z > 0.3 then w * h else m\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* a draw above that is not split */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  h ~ bernoulli(logits = w) via measure_valued\n  z ~ normal(m + h, 0.6)\n"
     "  cost if z > 0.1 then w else h\n  cost if z > 0.3 then m + h else z\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in a plate, read copy by copy and together */
    {"param m[2] = ones()\n"
     "graph g {\n  plate k = 2 {\n    z ~ normal(m[k], 0.5)\n    cost if z > 0.3 then cos(z) else "
     "m[k]\n"
     "    e = if z > -0.2 then 1.0 else z\n  }\n  cost sin(sum(e, over = k))\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in rows, and outside */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  cost w * sin(z)\n  plate n = rows(2) {\n    data x\n"
     "    cost (if z > 0.3 then w * x else z)\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  plate n = rows(2) {\n    data x\n    z ~ normal(m * x, 0.6)\n"
     "    cost (if z > 0.3 then w * x else z)\n    cost (if z > 0.1 then w * x else z)\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in a sequence, where a draw has no boundary term */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  s[0] = w\n  for t in 1..2 {\n    z ~ normal(m * s[t-1], 0.5)\n"
     "    s[t] = 0.5 * z\n    cost sin(s[t])\n    cost if z > 0.1 then m else 0.0\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* values of bits: each copy of a plate alone, and all copies in one cost */
    {"param l[3] = ones()\n"
     "graph g {\n  plate k = 3 {\n    h[2] ~ bernoulli(logits = l[k])\n"
     "    cost sin(h[0] + h[1] * l[k])\n  }\n"
     "  cost square(sum(h[0] - 2 * h[1], over = k)) * sin(sum(h[0], over = k) + l[0])\n}\n",
     {IR_EST_ENUMERATE, IR_EST_LOCAL_EXPECTATION}},
    /* one estimator is as good for both */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ normal(m, 0.5)\n  cost sin(z) * w\n  cost if z > 0.3 then w else 0.0\n}\n",
     {IR_EST_AUTO}},
};

static const char one_estimator[] =
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  z ~ exponential(exp(m)) %s\n  cost 3 * sin(z) * w\n"
    "  cost if z > 0.3 then cos(z) + w else 0.0\n}\n";

static void check_decisions(const TapeModel *t, const IrEstimator *what, const char *text)
{
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    uint32_t found = 0;
    for (IrRef r = 0; r < step->count; r++)
        for (const IrDecision *d = step->node[r].why; d && step->node[r].why->also; d = d->also) {
            ck_assert_msg(found < 4 && d->via.estimator == what[found], "%s: %s\n%s", d->what,
                          d->reason, text);
            found++;
        }
    ck_assert_msg(found == 4 || what[found] == IR_EST_AUTO, "only %u estimators of split draws\n%s",
                  found, text);
}

START_TEST(splits)
{
    const char *text = split[_i].text;
    TapeModel *t = compiled(text);
    check_decisions(t, split[_i].what, text);
    tape_free(t);
    Exact exact = {0};
    exact_find_plain(&exact, text, 2);
    slope_check(&exact, text, 2);
    exact_free(&exact);
}
END_TEST

static double variance(const char *via)
{
    char text[512];
    snprintf(text, sizeof text, one_estimator, via);
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    double sum = 0;
    for (size_t i = 1; i < r.count; i++)
        sum += r.square[i] - r.value[i] * r.value[i];
    tape_free(t);
    return sum;
}

START_TEST(varies_less)
{
    double split_draw = variance(""),
           one = variance("via score(samples = 2, baseline = leave_one_out)");
    ck_assert_msg(split_draw < one, "variance %.6g, of one estimator %.6g", split_draw, one);
}
END_TEST

Suite *split_suite(void)
{
    Suite *s = suite_create("split");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, splits, 0, sizeof split / sizeof *split);
    tcase_add_test(c, varies_less);
    suite_add_tcase(s, c);
    return s;
}
