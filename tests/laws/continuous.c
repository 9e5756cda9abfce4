/* What is asked of continuous draws: boundary terms at guards, samples that depend on each other,
 * bounds of several samples. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

static const char *const program[] = {
    /* boundary terms: of the law and of the place, in both directions, in vectors, read together,
     * above and below other draws, in rows, of one guard read twice, averaged over samples */
    "param m = ones()\n"
    "graph g {\n  z ~ normal(m, 0.6) via pathwise(samples = 2)\n  cost if z > 0.2 then m else "
    "z\n}\n",
    "param m = ones()\nparam s in positive = ones()\nparam c = ones()\n"
    "graph g {\n  z ~ normal(m, s) via pathwise\n  cost (if c - 2 * z > 0.3 * m then sin(z) else 2 "
    "+ m * z)\n}\n",
    "param m = ones()\n"
    "graph g {\n  x ~ logistic(0.2, 0.7)\n  cost if x > m then 1 else sin(x)\n}\n",
    "param m[2] = ones()\nparam c = ones()\n"
    "graph g {\n  z[2] ~ normal(m, 0.6) via pathwise\n  b = if z > c then z else 0.5\n"
    "  cost sin(b[0] + 2 * b[1])\n}\n",
    "param m = ones()\nparam c = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ laplace(m, 0.6) via pathwise\n"
    "    b = if z > c + 0.1 * k then 1 else m * z\n    cost b\n  }\n  cost sin(sum(b, over = "
    "k))\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = w) via enumerate\n  z ~ normal(m, 0.6) via pathwise\n"
    "  p = if z > w then 0.3 else 0.8\n"
    "  k ~ bernoulli(p) via score\n"
    "  cost sin(k + w * z) + (if z > w then m else h)\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  plate n = rows(2) {\n    data x\n    z ~ normal(m * x, 0.6) via pathwise\n"
    "    cost if w * x < z then w else cos(z)\n  }\n}\n",
    /* whose guard and branches enumerated draws decide */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = w) via enumerate\n  z ~ normal(m, 0.6) via pathwise\n"
    "  cost if z > w * h then m + h else sin(z)\n}\n",
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = w) via enumerate\n  k ~ bernoulli(logits = w - h) via "
    "enumerate\n  z ~ normal(m, 0.6) via pathwise\n"
    "  cost (if z > w * h then m + k else sin(z)) + (if z > w * h then 2 * h * k else z)\n}\n",
    /* whose guard has no edge for some of their values */
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  h ~ bernoulli(logits = w) via enumerate\n  z ~ normal(m, 0.6) via pathwise\n"
    "  cost if h * z > 0.2 * m then z else cos(z)\n}\n",
    /* samples that depend on each other: means are what they were */
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s) via pathwise(samples = 4, noise = antithetic)\n  cost sin(z + "
    "m)\n"
    "}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ laplace(m, s) via score(samples = 2, noise = antithetic)\n  cost sin(z + m)\n"
    "}\n",
    "param l = ones()\n"
    "graph g {\n  h[2] ~ bernoulli(logits = l) via measure_valued(samples = 2, noise = "
    "antithetic)\n"
    "  cost sin(h[0] + 2 * h[1] + l)\n}\n",
    "param m[2] = ones()\n"
    "graph g {\n  z[2] ~ logistic(m, 0.5) via pathwise(samples = 4, noise = qmc)\n  cost "
    "sin(sum(z))\n"
    "}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n"
    "    k ~ bernoulli(logits = b + s[t-1]) via score(samples = 2, noise = antithetic)\n"
    "    s[t] = 0.5 * s[t-1] + b * k\n    cost sin(s[t])\n  }\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  s[0] = a\n  for t in 1..3 {\n"
    "    k ~ bernoulli(logits = b + s[t-1]) via score(samples = 2, noise = qmc)\n"
    "    s[t] = 0.5 * s[t-1] + b * k\n    cost sin(s[t])\n  }\n}\n",
    "param m = ones()\n"
    "graph g {\n  z ~ normal(m, 0.5) via score(samples = 2, noise = qmc)\n  cost sin(z)\n}\n",
    /* bounds of several samples: parameters of the model and of the law that is drawn from, shared
     * ones, one sample, two independent draws, layers of discrete ones, in rows */
    "param m = ones()\nparam s in positive = ones()\nparam t = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ normal(m, s) via dreg\n"
    "    w = log_prob(normal(t, 1.3), z) - log_prob(normal(m, s), z) + log_prob(normal(z, 1.5), "
    "0.7 * "
    "t)\n  }\n  cost -0.8 * logmeanexp(w, over = k)\n  cost t * t\n}\n",
    "param m = ones()\nparam t = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ normal(m, exp(0.3 * t)) via dreg\n"
    "    w = log_prob(normal(t, 1.3), z) - sum(log_prob(normal(m, exp(0.3 * t)), z)) + m * "
    "cos(z)\n  "
    "}\n  cost -logmeanexp(w, over = k)\n}\n",
    /* whose log-density is read from the logarithm that the draw is the exponential of */
    "param m = ones()\nparam t = ones()\n"
    "graph g {\n  plate k = 2 {\n    z ~ lognormal(m, 0.6) via dreg\n"
    "    w = log_prob(lognormal(0.7 + 0.2 * t, 0.55), z) - log_prob(lognormal(m, 0.6), z) + "
    "t / (1 + z)\n  }\n  cost -logmeanexp(w, over = k)\n}\n",
    "param m = ones()\nparam s in positive = ones()\nparam t = ones()\n"
    "graph g {\n  z ~ normal(m, s) via sticking_the_landing\n"
    "  cost log_prob(normal(m, s), z) - log_prob(normal(t, 1.2), z) + sin(z * t)\n}\n",
    "param m[2] = ones()\nparam s in positive = ones()\n"
    "graph g {\n  plate n = rows(2) {\n    data x\n    z ~ normal(m[0] * x, s) via "
    "sticking_the_landing\n    plate k = 1 {\n      w = -log_prob(normal(m[0] * x, s), z)\n    }\n"
    "    cost sin(z) - 2 * logmeanexp(w, over = k) + m[1] * z\n  }\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  plate k = 3 {\n    h ~ bernoulli(logits = a) via vimco\n"
    "    w = log_prob(bernoulli(logits = b), h) - log_prob(bernoulli(logits = a), h) + sin(b * h)\n"
    "  }\n  cost -logmeanexp(w, over = k)\n  cost a * b\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  plate k = 2 {\n"
    "    h ~ bernoulli(logits = a) via vimco\n    j ~ bernoulli(logits = b + h) via vimco\n"
    "    w = sin(b * h + 2 * j) - log_prob(bernoulli(logits = a), h) - "
    "log_prob(bernoulli(logits = b + h), j)\n  }\n  cost -logmeanexp(w, over = k)\n}\n",
    "param a = ones()\nparam b = ones()\n"
    "graph g {\n  plate n = rows(2) {\n    data x\n    plate k = 2 {\n"
    "      h ~ bernoulli(logits = a * x) via vimco\n"
    "      w = sin(b * h) - log_prob(bernoulli(logits = a * x), h)\n    }\n"
    "    cost -logmeanexp(w, over = k)\n  }\n}\n",
};

START_TEST(continuous_draws)
{
    slope_check_alone(program[_i], 2);
}
END_TEST

Suite *continuous_suite(void)
{
    Suite *s = suite_create("continuous");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, continuous_draws, 0, sizeof program / sizeof *program);
    suite_add_tcase(s, c);
    return s;
}
