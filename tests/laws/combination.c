/* Draws of different estimators in one program: above and below each other, in plates, rows and
 * sequences, with costs of some of them. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

/* A stopped value of a draw whose law a parameter moves: what the law's gradient comes from is no
 * value. */
#define STOPPED(via)                                                                               \
    "param l = ones()\nparam w[3] = ones()\n"                                                      \
    "graph g {\n  h ~ bernoulli(logits = l) via " via "\n"                                         \
    "  cost stop_gradient(0.7 * h) * w[0] + sin(h * w[1])\n"                                       \
    "  cost square(stop_gradient(0.7 * h) - w[2])\n}\n"

static const char *const program[] = {
    /* pathwise above score: the score's log-density receives the pathwise adjoint */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  z ~ normal(m, 0.5) via pathwise\n  h ~ bernoulli(logits = w * z) via score\n"
    "  cost sin(z) * h + square(w) * h\n}\n",
    /* score above pathwise */
    "param l = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = l) via score(samples = 2, baseline = leave_one_out)\n"
    "  z ~ normal(w * h, 0.7) via pathwise\n  cost sin(z + l)\n}\n",
    /* measure-valued: above and below others, in plates whose copies are read apart and together,
     * in vectors, in rows, in sequences, averaged over samples */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = m) via measure_valued\n"
    "  k ~ bernoulli(logits = w * h - m) via score(samples = 2, baseline = leave_one_out)\n"
    "  z ~ normal(w * k, 0.5) via pathwise\n  cost sin(z + h + w) + m * k\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  z ~ normal(m, 0.5) via pathwise\n  h ~ bernoulli(logits = w * z) via "
    "measure_valued\n"
    "  c ~ bernoulli(logits = m + h) via enumerate\n  cost sin(z * h + w + 2 * c)\n}\n",
    "param l[3] = ones()\n"
    "graph g {\n  c[2] ~ categorical(logits = l) via measure_valued\n"
    "  h[2] ~ bernoulli(logits = l[0]) via measure_valued(samples = 2)\n"
    "  cost sin(c[0] * l[0] + 2 * c[1] + h[0] - 3 * h[1] * c[0])\n}\n",
    "param l[2] = ones()\n"
    "graph g {\n  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via measure_valued\n"
    "    cost sin(h + l[k])\n  }\n  cost square(1 + sum(h, over = k))\n}\n",
    "param l[2] = ones()\n"
    "graph g {\n  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via measure_valued\n"
    "    cost sin(h + l[k])\n  }\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  j ~ bernoulli(logits = m) via measure_valued\n"
    "  plate n = rows(2) {\n    data x\n    h ~ bernoulli(logits = w * x + j) via measure_valued\n"
    "    cost sin(h + m * x + j)\n  }\n  cost w * j\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  h[0] ~ bernoulli(logits = a) via measure_valued\n  for t in 1..3 {\n"
    "    h[t] ~ bernoulli(logits = a + b * h[t-1]) via measure_valued\n"
    "    cost sin(2 * h[t] + h[t-1] + b)\n  }\n  cost cos(h[2] + a)\n}\n",
    /* events of integers, which change as a whole: rows of them, copies that are read together, the
     * values before a step; trials of which one is another */
    "param p[3] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  z[2, 3] ~ one_hot_categorical(p) via measure_valued\n"
    "  cost sin(sum(z[0] * [0.3, 1, -0.5]) + a * z[1, 2])\n}\n",
    "param l[3] = ones()\nparam a = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ one_hot_categorical(logits = a * l) via measure_valued\n"
    "    b = sum(z * [0.3, 1, -0.5])\n  }\n  cost sin(sum(b, over = k) + a)\n}\n",
    "param p[3] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ multinomial(2, p) via measure_valued\n"
    "    cost sin(sum(z * [0.3, 1, -0.5]) + a)\n  }\n}\n",
    "param p[2] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  z[2, 2] ~ multinomial(2, p) via measure_valued\n"
    "  cost sin(sum(z[0] * [0.3, 1]) + a * z[1, 1])\n}\n",
    "param p[2] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  z[2, 2] ~ multinomial(2, p) via coupled\n"
    "  cost sin(sum(z[0] * [0.3, 1]) + a * z[1, 1])\n}\n",
    "param p[3] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  z ~ multinomial(3, 2 * p) via coupled\n"
    "  cost sin(sum(z * [0.3, 1, -0.5]) + a * p[1])\n}\n",
    "param p[2] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ multinomial(1, 2 * p) via coupled\n"
    "    cost sin(sum(z * [0.3, 1]) + a * p[k])\n  }\n}\n",
    "param p[2] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ multinomial(1, p) via coupled\n"
    "    b = sum(z * [0.3, 1])\n  }\n  cost sin(sum(b, over = k) + a)\n}\n",
    "param p[2] in simplex = ones()\nparam w[2] = ones()\n"
    "graph g {\n  s[0] = 0.4\n  for t in 1..3 {\n    z ~ multinomial(1, p) via coupled\n"
    "    s[t] = 0.5 * s[t-1] + sum(w * z)\n    cost sin(s[t])\n  }\n}\n",
    "param p[2] in simplex = ones()\nparam a = ones()\n"
    "graph g {\n  z[2, 2] ~ multinomial(2, p) via enumerate\n"
    "  cost sin(sum(z[0] * [0.3, 1]) + a * z[1, 1])\n}\n",
    /* angles on the circle, where a cost may jump */
    "param m = ones()\nparam k in positive = ones()\n"
    "graph g {\n  z ~ von_mises(m, k) via measure_valued\n  cost sin(sin(z) + m)\n}\n",
    /* local expectation and couplings of copies that are read together, and by later steps */
    "param l[2] = ones()\nparam b = ones()\ngraph g {\n  plate k = 3 {\n"
    "    h ~ bernoulli(logits = l[0] * k + b) via local_expectation\n"
    "    cost sin(h + b)\n  }\n  cost cos(sum(h, over = k) + l[1])\n}\n",
    "param l[2] = ones()\nparam b = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h[2] ~ bernoulli(logits = l + b) via coupled\n"
    "    cost sin(h[0] + b * h[1])\n  }\n  cost cos(sum(h[0] + 2 * h[1], over = k) + l[1])\n}\n",
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h[2] ~ categorical(logits = l + b * k) via local_expectation\n"
    "    cost sin(h[0] + b * h[1])\n  }\n  cost cos(sum(h[0] + 2 * h[1], over = k) + l[1])\n}\n",
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  s[0] = b\n  for t in 1..4 {\n"
    "    h ~ categorical(logits = l + s[t-1]) via local_expectation\n    s[t] = sin(s[t-1] + l[h] "
    "+ h)\n"
    "    cost s[t] * b\n  }\n  cost cos(s[3] + l[1])\n}\n",
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  s[0] = b\n  for t in 1..4 {\n"
    "    h ~ binomial(2, sigmoid(l[0] + 0.5 * s[t-1])) via coupled\n    s[t] = sin(0.5 * s[t-1] + "
    "0.5 * b * h)\n"
    "    cost s[t] * b\n  }\n  cost cos(s[3] + l[1])\n}\n",
    /* a category that is likely to be one, and one that is not; rare ones between common ones */
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h ~ categorical(logits = l * [2.5, 0.2, 0.1] * k + b) via coupled\n"
    "    cost sin(b * h)\n  }\n  cost cos(sum(h, over = k) + l[1])\n}\n",
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  s[0] = b\n  for t in 1..3 {\n"
    "    h ~ categorical(exp(l + s[t-1])) via coupled\n    s[t] = sin(s[t-1] + l[h] + h)\n"
    "    cost s[t] * b\n  }\n  cost cos(s[2] + l[1])\n}\n",
    "param l[2] = ones()\nparam b = ones()\ngraph g {\n  for t in 1..3 {\n"
    "    h[2] ~ categorical(logits = l * t) via coupled\n"
    "    cost sin(h[0] + b * h[1])\n  }\n}\n",
    "param l[4] = ones()\nparam b = ones()\ngraph g {\n"
    "  h ~ categorical(logits = l + [0.0, -800.0, -800.0, 0.4]) via coupled\n"
    "  cost sin(h * b + 0.3)\n}\n",
    /* all categories are the same in all samples, and are reshaped beside what is not */
    "param b = ones()\ngraph g {\n"
    "  v ~ categorical(logits = [b, 0.0, 0.3]) via measure_valued(samples = 2)\n"
    "  s = stack(sin(v + b), b * v)\n  cost s[0] * cos(s[1])\n}\n",
    /* jumps */
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s) via measure_valued\n  cost (if z > 0.2 then 1 + m else "
    "sin(z))\n}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ laplace(m, s) via measure_valued\n  cost floor(min(max(z, 0.5), 1.5)) * "
    "m\n}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s) via score(samples = 2, noise = antithetic)\n"
    "  cost (if z * z > 0.3 then 1 + m else sin(z))\n}\n",
    "param m = ones()\n"
    "graph g {\n  z ~ normal(m, 0.5) via score(samples = 2, noise = qmc)\n"
    "  cost (if z * z > 0.3 then 1 + m else sin(z))\n}\n",
    /* score above score, costs of one only, of the other only, of both and of none */
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = a) via score(samples = 2, baseline = leave_one_out)\n"
    "  k ~ bernoulli(logits = b + h) via score(baseline = moving_average)\n"
    "  cost sin(1.0 * h)\n  cost 3 * k\n  cost sin(2 * h + k + a)\n  cost a * b\n}\n",
    /* enumerated above score and score above enumerated */
    "param l[3] = ones()\nparam b = ones()\n"
    "graph g {\n  c ~ categorical(logits = l) via enumerate\n"
    "  h ~ bernoulli(logits = b * c) via score(samples = 2, baseline = leave_one_out)\n"
    "  d ~ bernoulli(logits = b - h) via enumerate\n"
    "  cost cos(1.0 * c + h - 2 * d + b)\n}\n",
    /* the joint values of an enumerated vector */
    "param l[3] = ones()\n"
    "graph g {\n  h[3] ~ bernoulli(logits = l) via enumerate\n  cost sin(sum(h * l))\n}\n",
    "param l[3] = ones()\n"
    "graph g {\n  c[2] ~ categorical(logits = l) via enumerate\n  cost sin(c[0] * l[0] + 2 * "
    "c[1])\n}\n",
    /* draws in a plate; a cost of each copy, and one that reads all of them */
    "param l[2] = ones()\n"
    "graph g {\n  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via score\n    cost sin(h + "
    "l[k])\n  }\n"
    "  cost square(sum(h, over = k))\n}\n",
    "param l[2] = ones()\n"
    "graph g {\n  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via score(baseline = "
    "moving_average)\n"
    "    v = 1.5 * h\n  }\n  total = sum(v, over = k)\n  plate k {\n    cost sin(total + h + "
    "l[k])\n  }\n}\n",
    "param l[2] = ones()\n"
    "graph g {\n  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via enumerate\n    cost sin(h + "
    "l[k])\n  }\n}\n",
    /* a plate that is left through logmeanexp */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ normal(m, 0.5) via pathwise\n    v = w * z\n  }\n"
    "  cost logmeanexp(v, over = k)\n}\n",
    /* rows: draws inside, draws outside, both */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  plate n = rows(2) {\n    data x\n"
    "    h ~ bernoulli(logits = w * x) via score(samples = 2, baseline = leave_one_out)\n"
    "    cost sin(h + m * x)\n  }\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = m) via score(baseline = moving_average)\n  cost w * h\n"
    "  plate n = rows(2) {\n    data x\n    cost sin(h + w * x)\n  }\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = m) via score(samples = 2, baseline = leave_one_out)\n"
    "  plate n = rows(2) {\n    data x\n    k ~ bernoulli(logits = w * x + h) via score\n"
    "    cost sin(h + w * x + 2 * k)\n  }\n  cost cos(1.0 * h)\n}\n",
    /* a sequence: a chain of draws, costs in its steps and after it */
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  h[0] ~ bernoulli(logits = a) via score\n  for t in 1..3 {\n"
    "    h[t] ~ bernoulli(logits = a + b * h[t-1]) via score\n    cost sin(2 * h[t] + h[t-1] + "
    "b)\n  }\n"
    "  cost cos(h[2] + a)\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n"
    "    k ~ bernoulli(logits = b + s[t-1]) via score(samples = 2, baseline = leave_one_out)\n"
    "    s[t] = 0.5 * s[t-1] + b * k\n    cost sin(s[t])\n  }\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n    z ~ normal(b * s[t-1], 0.5) via pathwise\n"
    "    s[t] = sin(z + s[t-1])\n  }\n  cost s[2] * a\n}\n",
    /* two steps back */
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  s[1] = b\n  for t in 2..5 {\n    s[t] = sin(s[t-1]) + a * s[t-2]\n  "
    "}\n"
    "  cost s[4] + sum(s)\n}\n",
    /* a loop in a loop is unrolled: one statement still has one plate of samples, one average */
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n    r[0] = s[t-1]\n    for u in 1..3 {\n"
    "      k ~ bernoulli(logits = b + r[u-1]) via score(samples = 2, baseline = leave_one_out)\n"
    "      r[u] = 0.5 * r[u-1] + b * k\n    }\n    s[t] = r[2]\n  }\n  cost sin(s[2])\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n    r[0] = s[t-1]\n    for u in 1..3 {\n"
    "      k ~ bernoulli(logits = b + r[u-1]) via score(baseline = moving_average)\n"
    "      r[u] = 0.5 * r[u-1] + b * k\n    }\n    s[t] = r[2]\n    cost sin(s[t])\n  }\n}\n",
    /* a score whose enumerated copies have a probability that another draw decides */
    "param b = ones()\n"
    "graph g {\n  v ~ bernoulli(logits = sin(b)) via enumerate\n"
    "  u ~ bernoulli(logits = v) via enumerate\n"
    "  h ~ bernoulli(logits = b * u) via score(samples = 2, baseline = leave_one_out)\n"
    "  cost sin(v + 0.5 * h + b)\n}\n",
    "param b = ones()\n"
    "graph g {\n  v ~ bernoulli(logits = b) via score(samples = 2, baseline = leave_one_out)\n"
    "  u ~ bernoulli(logits = v * b) via enumerate\n"
    "  h ~ bernoulli(logits = b * u) via score(baseline = moving_average)\n"
    "  cost sin(v + 0.5 * h + b)\n}\n",
    /* values that come through one carry after another */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  z ~ normal(m, 0.5) via pathwise\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n"
    "  for t in 1..5 {\n    cost z * c[t-1]\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n"
    "    a[t] = w * z\n  }\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = m) via score\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n"
    "  for t in 1..5 {\n    cost sin(c[t-1])\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n"
    "    a[t] = w * h\n  }\n}\n",
    /* a baseline that learns from the arguments of the law, and one that is a number */
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s) via score(baseline = learned)\n  cost sin(z)\n"
    "  h ~ bernoulli(logits = s - m) via score(baseline = -0.4)\n  cost cos(h + m)\n}\n",
    /* the branch not taken is infinite */
    "param a = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = a) via score(samples = 2, baseline = leave_one_out)\n"
    "  cost if h == 1 then sin(a) else sin(2 * a) + (if h == 1 then log(0 * a) else a)\n}\n",
    "param a = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = a) via enumerate\n"
    "  cost if h == 1 then log(a * a * h) else cos(a)\n}\n",
    /* closed forms beside what is left of their draw */
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s)\n  cost log_prob(normal(m, s), z) - log_prob(normal(0.3, 1.2), "
    "z)\n"
    "  cost sin(z)\n}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s)\n"
    "  cost log_prob(normal(m, s), z) - log_prob(normal(0.3, 1.2), z) + sin(z) - 2 * z\n}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ laplace(m, s) via score\n"
    "  cost exp(0.1 * z) + abs(z - 0.5) + square(z) * m + cos(z)\n}\n",
    "param l = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = l) via score\n"
    "  cost log_prob(bernoulli(logits = l), h) - log_prob(bernoulli(0.3), h)\n  cost sin(h + "
    "l)\n}\n",
    /* a bound that is written twice is one */
    "param l = ones()\nparam w = ones()\n"
    "graph g {\n  plate k = 3 {\n    h ~ bernoulli(logits = l) via vimco\n"
    "    u = sin(w * h) - log_prob(bernoulli(logits = l), h)\n  }\n"
    "  cost -logmeanexp(u, over = k)\n"
    "  cost w * logmeanexp(u, over = k) + sin(0.5 * logmeanexp(u, over = k))\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ normal(m, 0.5) via dreg\n"
    "    u = log_prob(normal(w, 1), z) - log_prob(normal(m, 0.5), z)\n  }\n"
    "  cost -logmeanexp(u, over = k)\n  cost w * logmeanexp(u, over = k)\n}\n",
    STOPPED("score"),
    STOPPED("score(samples = 2, baseline = leave_one_out)"),
    STOPPED("enumerate"),
    STOPPED("local_expectation"),
    STOPPED("measure_valued"),
    STOPPED("coupled"),
    STOPPED("disarm"),
    STOPPED("rebar"),
    STOPPED("relax"),
};

START_TEST(combinations)
{
    slope_check_alone(program[_i], 2);
}
END_TEST

Suite *combination_suite(void)
{
    Suite *s = suite_create("combination");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, combinations, 0, sizeof program / sizeof *program);
    suite_add_tcase(s, c);
    return s;
}
