/* Control by draws: `if` on them, indices that they are, sizes that they decide, and sequences that
 * they steer.  Every program with every estimator that it may have, by exact expectations. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

enum { VIAS = 8 };

/* `text` has %s where the estimator stands. */
static const struct {
    const char *text;
    const char *via[VIAS];
} control[] = {
    /* a branch that decides the law of another draw, and one that decides a cost */
    {"param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a) via %s\n"
     "  m = if h == 1 then b else -0.5 * a\n  z ~ normal(m, 0.5) via pathwise\n"
     "  cost sin(z) + (if h == 1 then cos(b) else a * a)\n}\n",
     {"score", "score(samples = 2, baseline = leave_one_out)", "enumerate", "measure_valued",
      "disarm", "local_expectation", "coupled"}},
    /* branches in branches, by two draws, one below the other */
    {"param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a) via %s\n"
     "  p = if h == 1 then b else a\n  k ~ bernoulli(logits = p) via score\n"
     "  cost if h == 1 then (if k == 1 then sin(a) else b) else cos(a * b + k)\n}\n",
     {"score(baseline = moving_average)", "enumerate", "measure_valued", "disarm(samples = 3)",
      "local_expectation", "coupled"}},
    /* an index into a vector, into the rows of a matrix, and into what another draw is from */
    {"param l[3] = ones()\nparam w[3, 2] = ones()\ngraph g {\n"
     "  c ~ categorical(logits = l) via %s\n  d ~ categorical(logits = w[c]) via enumerate\n"
     "  cost sin(l[c] + 2 * w[c, d]) + sum(w[c]) * l[d]\n}\n",
     {"score(samples = 2, baseline = leave_one_out)", "enumerate", "measure_valued",
      "local_expectation", "unordered_set"}},
    /* a count as the size of a masked sum */
    {"param a = ones()\nparam w = ones()\ngraph g {\n  n ~ binomial(4, sigmoid(a)) via %s\n"
     "  i = [0.0, 1.0, 2.0, 3.0]\n  v = if i < n then sin(w + i) else 0.0\n"
     "  cost cos(sum(v) + a)\n}\n",
     {"score(samples = 2, baseline = leave_one_out)", "enumerate", "measure_valued", "coupled"}},
    {"param a = ones()\nparam w = ones()\ngraph g {\n  n ~ poisson(exp(a - 1)) via %s\n"
     "  i = [0.0, 1.0, 2.0, 3.0]\n  v = if i < n then sin(w + i) else 0.0\n"
     "  cost cos(sum(v) + a)\n}\n",
     {"score", "measure_valued", "coupled"}},
    /* a walk that stops where it has been: draws of each step, read by later branches */
    {"param a = ones()\nparam b = ones()\ngraph g {\n  s[0] = 1.0\n  for t in 1..4 {\n"
     "    h ~ bernoulli(logits = a + b * s[t-1]) via %s\n"
     "    s[t] = if s[t-1] > 0.5 then s[t-1] + 2 * h - 1 else s[t-1]\n"
     "    cost sin(s[t] + a)\n  }\n  cost b * s[3]\n}\n",
     {"score", "score(samples = 2, baseline = leave_one_out)", "score(baseline = moving_average)",
      "measure_valued"}},
    /* a chain that indexes its own transitions */
    {"param l[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
     "  z[0] ~ categorical(logits = l) via %s\n  for t in 1..3 {\n"
     "    z[t] ~ categorical(logits = m[z[t-1]]) via score\n    cost sin(l[z[t]] + z[t-1])\n  }\n"
     "}\n",
     {"score", "score(samples = 2, baseline = leave_one_out)", "measure_valued"}},
};

START_TEST(control_by_draws)
{
    Exact exact = {0};
    for (int v = 0; v < VIAS && control[_i].via[v]; v++) {
        char text[1024];
        snprintf(text, sizeof text, control[_i].text, control[_i].via[v]);
        slope_check(&exact, text, 1);
    }
    exact_free(&exact);
}
END_TEST

Suite *control_suite(void)
{
    Suite *s = suite_create("control");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, control_by_draws, 0, sizeof control / sizeof *control);
    suite_add_tcase(s, c);
    return s;
}
