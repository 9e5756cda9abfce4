/* Learned baselines: whatever their weights are, the expected gradient is exact; and they learn. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <string.h>

#define PARAMS "param a = ones()\nparam b = ones()\nparam l[2] = ones()\ngraph g {\n"
#define ROWS PARAMS "  plate n = rows(2) {\n    data x[2]\n"

/* The weights of tape_input are not those of any fit. */
static const char *const program[] = {
    /* rows: what the compiler finds, what the user names, with and without a hidden layer */
    ROWS "    h ~ bernoulli(logits = sum(l * x)) via score(baseline = learned)\n"
         "    cost sin(h + a * x[0])\n  }\n}\n",
    ROWS "    h ~ bernoulli(logits = sum(l * x)) via score(baseline = learned(hidden = 2))\n"
         "    cost sin(h + a * x[0])\n  }\n}\n",
    ROWS "    h ~ bernoulli(logits = a) via score(baseline = learned(x[0], a * x, hidden = 3))\n"
         "    cost sin(h + b * x[0])\n  }\n}\n",
    /* layers, each with the one before */
    ROWS "    h[2] ~ bernoulli(logits = l * x) via score(baseline = learned)\n"
         "    k ~ bernoulli(logits = sum(h) + b) via score(baseline = learned(h, x, hidden = 2))\n"
         "    cost sin(2 * h[0] + h[1] * x[0] + 3 * k)\n  }\n}\n",
    /* copies, and those of another draw that does not decide this one */
    PARAMS "  h ~ bernoulli(logits = a) via score(samples = 2)\n"
           "  k ~ bernoulli(logits = b) via score(samples = 2, baseline = learned(h, hidden = 2))\n"
           "  cost sin(2 * h + k)\n}\n",
    PARAMS "  h ~ bernoulli(logits = a) via enumerate\n"
           "  k ~ bernoulli(logits = b) via score(baseline = learned(h, hidden = 2))\n"
           "  j ~ bernoulli(logits = b + h) via score(baseline = learned)\n"
           "  cost sin(2 * h + k + 3 * j)\n}\n",
    /* categories one by one; plates */
    PARAMS "  plate k = 2 {\n    c ~ categorical(logits = l) via score\n"
           "    h ~ bernoulli(logits = l[k] + a * c) via score(baseline = learned(c, l[k]))\n"
           "    cost sin(h + 2 * c)\n  }\n}\n",
    /* sequences: what the step before hands on */
    PARAMS "  data y[4]\n  h[0] = 0\n  for t in 1..4 {\n"
           "    h[t] ~ bernoulli(logits = a * y[t] + b * h[t-1]) via score(baseline = learned)\n"
           "    cost sin(2 * h[t] + h[t-1] + y[t])\n  }\n}\n",
    PARAMS "  data y[4]\n  s[0] = a\n  for t in 1..4 {\n"
           "    k ~ bernoulli(logits = b * s[t-1]) via score(baseline = learned(s[t-1], y[t], "
           "hidden = 2))\n"
           "    s[t] = sin(s[t-1]) + k * y[t]\n  }\n  cost s[3]^2\n}\n",
    /* an argument that mixes copies, which this draw has none of */
    PARAMS "  plate k = 2 {\n    h ~ bernoulli(logits = a) via score\n    v = l[k] * h\n  }\n"
           "  j ~ bernoulli(logits = b * sum(v, over = k)) via score(baseline = learned)\n"
           "  cost sin(j + sum(h, over = k))\n}\n",
    /* a continuous draw below a pathwise one, and nothing to read at all */
    PARAMS
    "  z ~ normal(a, 1)\n  w ~ normal(b * z, 1) via score(baseline = learned(z^2, hidden = 2))\n"
    "  cost sin(z) * w\n}\n",
    PARAMS "  h ~ bernoulli(logits = a) via score(baseline = learned(hidden = 4))\n"
           "  cost sin(h + b)\n}\n",
    /* control variates with a hidden layer */
    PARAMS "  h[2] ~ bernoulli(logits = l) via relax(hidden = 3)\n"
           "  cost sin(l[h[0]] + 2 * h[1]) + (if sum(h) > 1 then a else b)\n}\n",
    PARAMS "  c ~ categorical(logits = l) via relax(temperature = 0.5, hidden = 2)\n"
           "  cost sin(l[c] + 0.7 * c)\n}\n",
    ROWS "    h ~ bernoulli(sigmoid(b * x[0])) via relax(hidden = 2)\n    cost sin(h + a * x[1])\n "
         " }\n}\n",
};

START_TEST(exact_at_any_weights)
{
    slope_check_alone(program[_i], 2);
}
END_TEST

/* ---- learning ------------------------------------------------------------------------------- */

/* A step of the states, as it is on average. */
static void learn(const IrGraph *g, TapeInput *in, const TapeResult *r)
{
    size_t at = r->count - (size_t)ir_state_at(g, g->states);
    for (IrRef n = 0; n < g->count; n++) {
        if (g->node[n].op != IR_NEXT)
            continue;
        size_t size = (size_t)ir_elements(&g->node[n].type);
        memcpy(in->state + ir_state_at(g, g->node[n].attr.item), r->value + at,
               size * sizeof(double));
        at += size;
    }
}

/* The variance of the gradient of the first parameter, after so many steps from the start; its
 * expectation does not move. */
static double variance_after(const char *text, const double *data, int64_t rows, int steps)
{
    TapeModel *t = compiled(text);
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    TapeInput in = tape_input(t, rows);
    for (int64_t i = 0; i < rows; i++)
        in.data[0][i] = data[i];
    for (uint32_t s = 0; s < g->states; s++)
        for (int64_t e = 0; e < ir_elements(&g->state[s].type); e++) /* as apart as at random */
            in.state[ir_state_at(g, s) + e] = g->state[s].spread * sin(3.7 * (double)(e + 1) + s);
    TapeResult r = tape_expectation(t, g, &in);
    double slope = r.value[1];
    for (int step = 0; step < steps; step++) {
        learn(g, &in, &r);
        r = tape_expectation(t, g, &in);
        ck_assert_double_eq_tol(r.value[1], slope, 1e-11 * (1 + fabs(slope)));
    }
    double variance = r.square[1] - slope * slope;
    tape_free(t);
    return variance;
}

/* One bit a row, whose cost is about the square of the row's datum: a number says little about it,
 * a linear function of the datum nothing more, and a hidden layer nearly all. */
START_TEST(what_is_read_is_learned)
{
    static const double data[] = {-1.5, 0, 1.5};
    const char *text = "param a = ones()\ngraph g {\n  plate n = rows(3) {\n    data x\n"
                       "    h ~ bernoulli(logits = a) via score(baseline = %s)\n"
                       "    cost 4 * x^2 * exp(0.2 * h)\n  }\n}\n";
    static const char *const baseline[] = {"none", "learned", "learned(x)",
                                           "learned(x, hidden = 8)", "learned(x^2)"};
    enum { NONE, CONSTANT, LINEAR, HIDDEN, SQUARE, BASELINES };
    double variance[BASELINES];
    for (int i = 0; i < BASELINES; i++) {
        char one[512];
        snprintf(one, sizeof one, text, baseline[i]);
        variance[i] = variance_after(one, data, 3, i == HIDDEN ? 1500 : 400);
    }
    ck_assert_msg(variance[CONSTANT] < 0.5 * variance[NONE], "%g", variance[CONSTANT]);
    ck_assert_msg(variance[LINEAR] > 0.9 * variance[CONSTANT], "%g", variance[LINEAR]);
    ck_assert_msg(variance[HIDDEN] < 0.02 * variance[CONSTANT], "%g", variance[HIDDEN]);
    ck_assert_msg(variance[SQUARE] < 0.02 * variance[CONSTANT], "%g", variance[SQUARE]);
}
END_TEST

/* Of one bit the variance can be 0. */
START_TEST(control_variates_bend)
{
    const char *text =
        "param l = ones()\ngraph g {\n"
        "  h ~ bernoulli(logits = l) via relax(hidden = 4)\n  cost sin(h + 0.8)\n}\n";
    double before = variance_after(text, NULL, 0, 0), after = variance_after(text, NULL, 0, 300);
    ck_assert_msg(after < 0.02 * before, "variance %g, before %g", after, before);
}
END_TEST

Suite *baseline_suite(void)
{
    Suite *s = suite_create("baseline");
    TCase *t = tcase_create("baseline");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, exact_at_any_weights, 0, sizeof program / sizeof *program);
    tcase_add_test(t, what_is_read_is_learned);
    tcase_add_test(t, control_variates_bend);
    suite_add_tcase(s, t);
    return s;
}
