/* What is refused because it would be biased, and what looks like it and is not. */
#include "passes/estimator.h"
#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

static char *messages(const char *text)
{
    TapeModel *t = tape_compile(text);
    char *out = diags_text(t->diags);
    tape_free(t);
    return out;
}

#define MODEL(body) "param theta = ones()\nparam l[3] = ones()\ngraph g {\n" body "\n}\n"

static const struct {
    const char *text, *says;
} refused[] = {
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost floor(z) * z"),
     "test.sg:5:8: error: floor"},
    {MODEL("  z[2] ~ normal(theta, 1) via pathwise\n  cost if sum(z) > 0 then 1 else 0"),
     "jumps in the pathwise draw z"},
    /* a kinked number is 0 on a whole interval, a positive one is some number at one place */
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost if relu(z) == 0 then 1 else sin(z)"),
     "eq jumps in the pathwise draw z"},
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost if sigmoid(z) == 0.5 then 1 else sin(z)"),
     "eq jumps in the pathwise draw z"},
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost if 2 - sigmoid(z) == 0 then 1 else sin(z)"),
     "eq jumps in the pathwise draw z"},
    /* two guards might meet at one place */
    {MODEL("  z ~ normal(theta, 1) via pathwise\n"
           "  cost (if z > 0 then 1 else 0) * (if z < 2 then 3 else z)"),
     "jumps in the pathwise draw z"},
    /* the edge is no affine function of the draw; the law is no location and scale */
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost if z * z > 1 then 1 else 0"),
     "jumps in the pathwise draw z"},
    {MODEL("  z ~ exponential(exp(theta)) via pathwise\n  cost if z > 1 then 1 else 0"),
     "jumps in the pathwise draw z"},
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  y = 2 * z\n  cost sign(y)"),
     "jumps in the pathwise draw z"},
    /* the score of x does not see the jump move */
    {MODEL("  x ~ normal(0, 1) via score\n  cost if x > theta then 1 else 0"),
     "a place that a parameter moves through a continuous draw"},
    {MODEL("  x ~ uniform(theta, theta + 1) via pathwise\n  cost if x > 0 then 1 else 0"),
     "jumps in the pathwise draw x"},
    /* a jump inside the law of a later draw is a jump all the same */
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  p = if sin(z) > 0 then 0.2 else 0.7\n"
           "  h ~ bernoulli(p) via score\n  cost h * theta"),
     "jumps in the pathwise draw z"},
    /* the parameter comes to the jump through one carry after another */
    {MODEL("  z ~ normal(0, 1)\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n  for t in 1..6 {\n"
           "    cost floor(c[t-1])\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n"
           "    a[t] = theta * z\n  }"),
     "a place that a parameter moves through a continuous draw"},
    {MODEL("  h[20] ~ bernoulli(logits = theta) via enumerate\n  cost sin(sum(h))"),
     "cannot be enumerated: its 20 elements take more than 65536 values"},
    {MODEL("  plate k = 3 {\n    h ~ bernoulli(logits = theta) via enumerate\n  }\n"
           "  cost square(sum(h, over = k))"),
     "this reads several copies or steps of it at once"},
    {MODEL("  h[0] = 0.0\n  for t in 1..9 {\n    s ~ bernoulli(logits = h[t-1]) via enumerate\n"
           "    h[t] = h[t-1] + theta * s\n  }\n  cost h[3]"),
     "what is carried on here depends on more than 4 steps before"},
    {MODEL("  z[0] = 0\n  for t in 1..20 {\n    z[t] ~ categorical(logits = l * z[t-1]) via enumerate\n"
           "  }\n  cost sin(sum(z))"),
     "this reads all its 19 steps at once"},
    {MODEL("  z[0] = 0\n  for t in 1..13 {\n    z[t] ~ categorical(logits = l * z[t-1]) via enumerate\n"
           "  }\n  cost sin(sum(z))"),
     "this needs a sum over more than 65536 values jointly"},
    /* what is carried on has noise of its own, which must not meet other values than its own */
    {MODEL("  h[0] = 0.0\n  z[0] = 0\n  for t in 1..5 {\n"
           "    z[t] ~ categorical(logits = l * z[t-1]) via enumerate\n"
           "    h[t] ~ normal(z[t], 1) via score\n    cost sin(h[t-1] + z[t])\n  }"),
     "another draw that depends on it, at another step"},
    {MODEL("  z[0] = 0\n  for t in 1..5 {\n    c ~ categorical(logits = l) via enumerate\n"
           "    h ~ normal(c, 1) via score\n"
           "    z[t] ~ categorical(logits = l * z[t-1] * h) via enumerate\n    cost sin(z[t])\n  }"),
     "its law depends on a sampled draw that depends on it"},
    /* tables over the values of all of them */
    {MODEL("  plate k = 3 {\n    a ~ binomial(99, 0.3) via enumerate\n"
           "    b ~ binomial(99, 0.2) via enumerate\n    c ~ binomial(99, 0.1) via enumerate\n"
           "    cost sin(a + b * c * theta)\n  }"),
     "a sum over more than 65536 values jointly: a (100) x b (100) x c (100)"},
    {MODEL("  z[0] = 0\n  z[1] = 0\n  for t in 2..9 {\n"
           "    z[t] ~ binomial(60, sigmoid(theta * (z[t-1] - z[t-2]))) via enumerate\n"
           "    cost sin(z[t])\n  }"),
     "z (61) x z (61) x z (61)"},
    /* antithetic copies of a trajectory meet different laws at its second step */
    {MODEL(
         "  h[0] = 0.0\n  for t in 1..4 {\n    s ~ bernoulli(logits = h[t-1] + theta) via disarm\n"
         "    h[t] = h[t-1] + theta * s\n  }\n  cost h[3]"),
     "the copies of s have laws of their own"},
    {MODEL("  plate k = 2 {\n    c ~ categorical(logits = l) via unordered_set\n  }\n"
           "  cost sin(1.0 * sum(c, over = k))"),
     "reads several copies of c"},
    {MODEL("  s[0] = 0.0\n  for t in 1..3 {\n    c ~ categorical(logits = l) via unordered_set\n"
           "    s[t] = s[t-1] + c\n  }\n  cost sin(s[2])"),
     "reads several copies of c"},
    {MODEL("  z ~ normal(theta, 1) via pathwise\n  cost stop_gradient(z) * theta"), "biased"},
    {MODEL("  h ~ bernoulli(logits = theta) via score(samples = 1, baseline = leave_one_out)\n"
           "  cost h * theta"),
     "leave_one_out"},
    {MODEL("  z ~ von_mises(theta, 1) via sticking_the_landing\n"
           "  cost log_prob(von_mises(theta, 1), z) + square(z)"),
     "reads the angle z as a number"},
    {MODEL("  z ~ von_mises(theta, 1) via implicit\n  cost square(z)"),
     "reads the angle z as a number"},
    {MODEL("  z ~ von_mises(theta, 1) via implicit\n  cost sin(0.5 * z)"),
     "reads the angle z as a number"},
    {MODEL("  z ~ von_mises(theta, 2) via implicit\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n"
           "  for t in 1..5 {\n    cost sqrt(c[t-1] + 10)\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n"
           "    a[t] = z\n  }"),
     "reads the angle z as a number"},
    {MODEL("  cost log_gamma_slope(0.5, exp(theta))"),
     "the derivative of log_gamma_slope is not known"},
    {MODEL("  h ~ bernoulli(logits = theta) via pathwise\n  cost h * theta"), "pathwise"},
    {MODEL("  x ~ uniform(theta, 1) via score\n  cost sin(x)"), "score"},
    {MODEL("  cost kl(laplace(theta, 1), uniform(0, 1))"), "no closed form"},
    {MODEL("  h[0] ~ bernoulli(logits = theta) via score\n  for t in 1..4 {\n"
           "    h[t] ~ bernoulli(logits = theta * h[t-1]) via disarm\n    cost sin(h[t])\n  }"),
     "the copies of h have laws of their own"},
    {MODEL("  h ~ bernoulli(logits = theta) via disarm(samples = 1)\n  cost sin(h)"),
     "samples of h are compared with each other"},
    {MODEL("  plate k = 3 {\n    h[30000] ~ bernoulli(logits = theta) via local_expectation\n  }\n"
           "  cost sin(sum(sum(h), over = k))"),
     "the 90000 elements of h have too many values"},
    {MODEL("  plate k = 70000 {\n    h ~ poisson(exp(theta)) via coupled\n  }\n"
           "  cost sin(sum(h, over = k))"),
     "h has 70000 copies that are read together"},
    {MODEL("  c[2] ~ categorical(logits = l) via unordered_set\n  cost sin(sum(l[c]))"),
     "whose joint values make no small set"},
    {MODEL("  c ~ categorical(logits = l) via unordered_set(samples = 4)\n  cost l[c]"),
     "4 of 3 values of c make no set"},
    {MODEL("  c ~ categorical(logits = l) via disarm\n  cost l[c]"), "its draws are no bits"},
    {MODEL("  z ~ dirichlet(exp(l)) via coupled\n  cost sin(sum(l * z))"),
     "its draws are no bits, categories or counts"},
    /* an event of one hot is refused what its category is */
    {MODEL("  z ~ one_hot_categorical(logits = l) via disarm\n  cost sum(l * z)"),
     "its draws are no bits"},
    {MODEL("  z[2, 3] ~ one_hot_categorical(logits = l) via unordered_set\n  cost sin(z[0] @ (l * z[1]))"),
     "z has 2 elements, whose joint values make no small set"},
    {MODEL("  z ~ one_hot_categorical(logits = l) via unordered_set(samples = 4)\n  cost sin(sum(l * z))"),
     "4 of 3 values of z make no set"},
    {MODEL("  z ~ one_hot_categorical(logits = l) via gumbel_softmax\n  cost sum(l * z)"),
     "`gumbel_softmax` is biased"},
    {MODEL("  z ~ one_hot_categorical(logits = l) via straight_through biased\n"
           "  cost if z[1] == 1 then 2 else theta"),
     "nothing between its values stands for it here"},
    {MODEL("  z ~ one_hot_categorical(logits = l) via rebar\n  cost l[z[1]]"),
     "gather of what follows from z: nothing between its values stands for it here"},
    {MODEL("  plate k = 40000 {\n    z ~ one_hot_categorical(logits = l) via local_expectation\n"
           "    b = sum(l * z)\n  }\n  cost sin(sum(b, over = k))"),
     "the 40000 elements of z have too many values"},
    {MODEL("  h ~ bernoulli(logits = theta) via importance\n  cost h"), "no importance weights"},
    {MODEL("  z ~ weibull(exp(theta), 1) via measure_valued\n  cost sin(z)"),
     "in which weibull has no pair of measures"},
    {MODEL("  h[300, 300] ~ bernoulli(logits = theta) via measure_valued\n  cost sin(sum(h))"),
     "would have 90000 variants"},
    /* biased estimators, by that word alone, and where something stands between the values */
    {MODEL("  h ~ bernoulli(logits = theta) via straight_through\n  cost sin(h * theta)"),
     "`straight_through` is biased"},
    {MODEL("  h ~ bernoulli(logits = theta) via gumbel_softmax(temperature = 0.5)\n  cost sin(h)"),
     "`gumbel_softmax` is biased"},
    {MODEL("  h ~ bernoulli(logits = theta) via straight_through biased\n  cost sin(if h == 1 then "
           "2 else "
           "theta)"),
     "nothing between its values stands for it here"},
    {MODEL("  c ~ categorical(logits = l) via gumbel_softmax biased\n  cost l[c]"),
     "nothing between its values stands for it here"},
    /* softened draws: read where nothing stands between their values, or by a law that would jump */
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  cost sin(if h == 1 then 2 else theta)"),
     "eq of what follows from h: nothing between its values stands for it here"},
    {MODEL("  h[2] ~ bernoulli(logits = theta) via rebar\n  cost if sum(h) > 1 then 2 else theta"),
     "lt of what follows from h: nothing between its values stands for it here"},
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  cost sin(l[h])"),
     "gather of what follows from h: nothing between its values stands for it here"},
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  cost floor(0.4 + h) * theta"),
     "floor of what follows from h: nothing between its values stands for it here"},
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  cost sin(sum(one_hot(h, 2)))"),
     "one_hot of what follows from h: nothing between its values stands for it here"},
    {MODEL("  c ~ categorical(logits = l) via rebar\n  cost sin(1.0 * c)"),
     "real of what follows from c: nothing between its values stands for it here"},
    {MODEL("  c ~ categorical(logits = l) via rebar\n  cost l[c]"),
     "gather of what follows from c: nothing between its values stands for it here"},
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  cost log_gamma_slope(0.5, 1.0 + h)"),
     "log_gamma_slope of what follows from h: nothing between its values stands for it here"},
    {MODEL("  h ~ bernoulli(logits = theta) via rebar\n  k ~ bernoulli(logits = h) via score\n"
           "  cost sin(k)"),
     "h decides the law of k, which would jump with it between its values"},
    {MODEL("  h[0] = 0\n  for t in 1..4 {\n    h[t] ~ bernoulli(logits = theta + h[t-1]) via rebar\n"
           "    cost sin(h[t])\n  }"),
     "h decides the law of h, which would jump with it between its values"},
    {MODEL("  z ~ normal(theta, 1) via rebar\n  cost sin(z)"),
     "its draws are neither bits nor categories"},
    /* what compares samples needs independent ones */
    {MODEL("  z ~ normal(theta, 1) via score(samples = 2, baseline = leave_one_out, noise = "
           "antithetic)\n  cost sin(z)"),
     "antithetic noise makes the samples of z depend on each other"},
    {MODEL("  z ~ normal(theta, 1) via score(samples = 4, baseline = leave_one_out, noise = qmc)\n"
           "  cost sin(z)"),
     "qmc noise makes the samples of z depend on each other"},
    {MODEL("  z ~ normal(theta, 1) via pathwise(samples = 3, noise = antithetic)\n  cost sin(z)"),
     "antithetic noise for 3 samples of z"},
    {MODEL("  z ~ normal(theta, 1) via pathwise(samples = 6, noise = qmc)\n  cost sin(z)"),
     "qmc noise for 6 samples of z"},
    /* bounds of several samples */
    {MODEL("  plate k = 2 {\n    z ~ normal(theta, 1) via sticking_the_landing\n"
           "    w = -log_prob(normal(theta, 1), z) + sin(z)\n  }\n  cost -logmeanexp(w, over = k)"),
     "as in a bound of K >= 2 samples"},
    {MODEL("  z ~ normal(theta, 1) via sticking_the_landing\n  cost z * log_prob(normal(theta, 1), "
           "z)"),
     "with a weight that depends on the draw"},
    {MODEL("  z ~ normal(theta, 1) via sticking_the_landing\n  cost sin(z)"),
     "no cost has the log-density of z"},
    /* the score that is left out has mean 0 only where the support stays */
    {MODEL("  z ~ uniform(theta, 3) via sticking_the_landing\n"
           "  cost log_prob(uniform(theta, 3), z) + sin(z)"),
     "the support of z moves with a parameter"},
    {MODEL("  plate k = 2 {\n    z ~ uniform(theta, 3) via dreg\n"
           "    w = -log_prob(uniform(theta, 3), z) + sin(z)\n  }\n  cost -logmeanexp(w, over = k)"),
     "the support of z moves with a parameter"},
    {MODEL("  z ~ normal(theta, 1) via dreg\n  cost log_prob(normal(theta, 1), z) + sin(z)"),
     "that are no logmeanexp over a plate of its copies"},
    {MODEL("  plate k = 2 {\n    z ~ normal(theta, 1) via dreg\n    cost sin(z)\n"
           "    w = -log_prob(normal(theta, 1), z) + sin(z)\n  }\n  cost -logmeanexp(w, over = k)"),
     "that are no logmeanexp over a plate of its copies"},
    {MODEL(
         "  plate k = 2 {\n    z ~ normal(theta, 1) via dreg\n"
         "    w = -log_prob(normal(theta, 1), z) + sin(z)\n  }\n  cost square(logmeanexp(w, over = "
         "k))"),
     "is no multiple of the bound of z"},
    {MODEL("  plate k = 2 {\n    z ~ normal(theta, 1) via dreg\n    w = sin(z)\n  }\n"
           "  cost -logmeanexp(w, over = k)"),
     "must subtract its log-density"},
    /* the second share would weigh the jump wrongly */
    {MODEL("  plate k = 2 {\n    z ~ normal(theta, 1) via dreg\n"
           "    w = -log_prob(normal(theta, 1), z) + (if z > 0 then 1 else 0)\n  }\n"
           "  cost -logmeanexp(w, over = k)"),
     "jumps in the pathwise draw z"},
    {MODEL("  plate k = 2 {\n    z ~ normal(theta, 1) via dreg\n    y ~ normal(z, 1)\n"
           "    w = -log_prob(normal(theta, 1), z) + sin(y)\n  }\n  cost -logmeanexp(w, over = k)"),
     "z and y are layers of one sample"},
    {MODEL("  plate k = 1 {\n    h ~ bernoulli(logits = theta) via vimco\n    w = sin(h)\n  }\n"
           "  cost -logmeanexp(w, over = k)"),
     "and no other to compare with"},
    {MODEL("  h ~ bernoulli(logits = theta) via vimco\n  cost sin(h * theta)"),
     "that are no logmeanexp over a plate of its copies"},
    /* held for a measure-valued draw, the jump still moves */
    {MODEL("  x ~ normal(0, 1) via measure_valued\n  cost if x > theta then 1 else 0"),
     "a place that a parameter moves through a continuous draw"},
    {MODEL("  h ~ bernoulli(logits = theta) via dice\n  cost h * theta"),
     "gradients are of first order"},
};

START_TEST(refuses)
{
    char *said = messages(refused[_i].text);
    ck_assert_msg(strstr(said, refused[_i].says) && strstr(said, "error:"),
                  "expected \"%s\" in\n%s\n%s", refused[_i].says, said, refused[_i].text);
    free(said);
}
END_TEST

/* The program with the draw of that name made `via` that. */
static char *with_via(const char *text, const char *name, const char *via)
{
    char *out = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&out, &size);
    for (const char *line = text; *line;
         line += strcspn(line, "\n") + (strchr(line, '\n') != NULL)) {
        int length = (int)strcspn(line, "\n");
        const char *word = line + strspn(line, " ");
        size_t n = strlen(name);
        bool drawn = strncmp(word, name, n) == 0 && (word[n] == ' ' || word[n] == '[') &&
                     memchr(line, '~', (size_t)length);
        const char *old = drawn ? strstr(line, " via ") : NULL;
        if (old && old < line + length)
            length = (int)(old - line);
        fprintf(f, drawn ? "%.*s via %s\n" : "%.*s\n", length, line, via);
    }
    fclose(f);
    return out;
}

/* "help: NAME may be drawn `via VIA`" */
START_TEST(suggestions_compile)
{
    int tried = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char *said = messages(refused[i].text), name[64], via[128];
        const char *help = strstr(said, "help: ");
        if (help && sscanf(help, "help: %63s may be drawn `via %127[^`]`", name, via) == 2) {
            char *better = with_via(refused[i].text, name, via), *then = messages(better);
            ck_assert_msg(!strstr(then, "error:"), "%s\nof\n%s\n%s", said, better, then);
            free(better);
            free(then);
            tried++;
        }
        free(said);
    }
    ck_assert_int_ge(tried, 6);
}
END_TEST

/* docs/estimators.md has every row of the table. */
START_TEST(rows_are_documented)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = fopen(SGC_SOURCE_DIR "/docs/estimators.md", "r");
    ck_assert(f && getdelim(&text, &size, '\0', f) > 0);
    for (size_t i = 0; i < es_rows(); i++)
        ck_assert_msg(strstr(text, es_row(i)->row), "no row \"%s\"", es_row(i)->row);
    fclose(f);
    free(text);
}
END_TEST

static const char *const accepted[] = {
    /* the law alone carries the parameter */
    MODEL("  x ~ normal(theta, 1) via score\n  cost if x > 0 then 1 else 0"),
    /* a guard on data, on a discrete draw, on a parameter alone */
    MODEL("  data y\n  z ~ normal(theta, 1) via pathwise\n  cost if y > 0 then sin(z) else cos(z)"),
    MODEL("  h ~ bernoulli(logits = theta) via score\n  z ~ normal(theta, 1) via pathwise\n"
          "  cost if h == 1 then sin(z) else cos(z)"),
    MODEL("  z ~ normal(0, 1)\n  cost if theta > 0 then sin(z) else cos(z)"),
    /* no probability is 0 that depends on a parameter */
    MODEL("  z ~ normal(theta, 1) via pathwise\n  p = softmax(l * z)\n"
          "  cost kl(categorical(p), categorical(logits = l)) + kl(bernoulli(sigmoid(z)), bernoulli(0.3))"),
    /* noise that no parameter moves may jump */
    MODEL("  z ~ normal(0, 1) via pathwise\n  cost floor(z) * theta"),
    /* an affine guard of a location and scale has a boundary term */
    MODEL("  z ~ normal(theta, 1) via pathwise\n  cost if z > 0 then sin(z) else cos(z)"),
    MODEL("  x ~ normal(0, 1)\n  cost if x > theta then 1 else 0"),
    MODEL("  z ~ normal(theta, 1) via pathwise\n  y ~ normal(0, 1)\n  cost if z < theta * y then 1 "
          "else 0"),
    /* continuous and kinked */
    MODEL("  z ~ normal(theta, 1) via pathwise\n  cost relu(sin(z)) + abs(z * theta) + max(z, "
          "theta)"),
    /* a jump that no root reads */
    MODEL("  z ~ normal(theta, 1) via pathwise\n  unused = floor(z)\n  cost sin(z)"),
    MODEL("  z ~ normal(theta, 1) via pathwise\n  cost stop_gradient(z) biased * theta"),
    MODEL("  cost kl(laplace(theta, 1), normal(0, 1))"),
    MODEL("  c[2] ~ categorical(logits = l) via gumbel_softmax(temperature = 0.7) biased\n"
          "  cost sin(sum(one_hot(c, 3)[0] * l))"),
    MODEL(
        "  c ~ categorical(logits = l) via straight_through biased\n  cost sin(sum(one_hot(c, 3) * "
        "l))"),
    MODEL("  z[2, 3] ~ one_hot_categorical(logits = l) via straight_through biased\n"
          "  cost sin(sum(z @ l))"),
    MODEL("  z ~ one_hot_categorical(logits = l) via gumbel_softmax(temperature = 0.7) biased\n"
          "  cost sin(sum(z * l)) + log_prob(one_hot_categorical(logits = l), z)"),
    /* between the values of a softened draw: kinks, integers, one_hot, laws that are soft with it, and
     * what jumps in other draws */
    MODEL("  h[2] ~ bernoulli(logits = theta) via rebar\n  cost abs(sin(sum(h) - 2 * h[0]))"),
    MODEL("  c ~ categorical(logits = l) via rebar(temperature = 0.7, scale = 1.2)\n"
          "  cost sin(sum(one_hot(c, 3) * l))"),
    MODEL("  h ~ bernoulli(logits = theta) via rebar\n  z ~ gamma(1 + h, 1) via implicit\n"
          "  k ~ bernoulli(logits = h) via enumerate\n  cost sin(z + k)"),
    MODEL("  h ~ bernoulli(logits = theta) via rebar\n  k ~ bernoulli(logits = theta) via score\n"
          "  cost if k == 1 then sin(h) else cos(h)"),
    /* a learned control variate reads no cost */
    MODEL("  h[65] ~ bernoulli(logits = theta) via relax(hidden = 3)\n  cost sin(if sum(h) > 32 then 1 else "
          "theta)"),
    MODEL("  z ~ normal(theta, 1) via measure_valued\n  cost if z > 0 then 1 else floor(z)"),
    /* support that moves is what a pair of measures is for */
    MODEL("  x ~ uniform(theta, theta + 1)\n  cost if x > 0 then 1 else 0"),
    MODEL("  x ~ uniform(theta, theta + 1) via measure_valued\n  cost if x > 0 then 1 else 0"),
    MODEL("  z ~ weibull(2, exp(theta)) via measure_valued\n  cost sin(z)"),
    /* copies that are read together, and later steps, are changed one at a time */
    MODEL("  plate k = 3 {\n    h ~ bernoulli(logits = l[k]) via local_expectation\n  }\n"
          "  cost sin(sum(h, over = k))"),
    MODEL("  h ~ poisson(exp(theta)) via coupled\n  s[0] = theta\n  for t in 1..4 {\n"
          "    k ~ poisson(exp(theta)) via coupled\n    s[t] = s[t-1] + k\n  }\n  cost sin(s[3] + h)"),
    /* short sequences that are read whole */
    MODEL("  z[0] = 0\n  for t in 1..4 {\n    z[t] ~ categorical(logits = l * z[t-1]) via enumerate\n"
          "  }\n  cost sin(sum(z))"),
    /* many values, where no sum is over all of them */
    MODEL("  a ~ binomial(99, 0.3) via enumerate\n  b ~ binomial(99, 0.01 * a) via enumerate\n"
          "  c ~ binomial(99, 0.01 * b) via enumerate\n  cost sin(a + b) + cos(c * theta)"),
    MODEL("  z[0] = 0\n  z[1] = 0\n  for t in 2..9 {\n"
          "    z[t] ~ binomial(30, sigmoid(theta * (z[t-1] - z[t-2]))) via enumerate\n"
          "    cost sin(z[t])\n  }\n  cost cos(z[8] + 2 * z[7])"),
};

START_TEST(accepts)
{
    char *said = messages(accepted[_i]);
    ck_assert_msg(!strstr(said, "error:"), "%s\n%s", said, accepted[_i]);
    free(said);
}
END_TEST

/* ---- what the compiler chooses -------------------------------------------------------------- */

static const struct {
    const char *text, *decision;
} choice[] = {
    {MODEL("  z ~ normal(theta, 1)\n  cost sin(z)"), "z ~ normal: pathwise (chosen)"},
    {MODEL("  z ~ normal(theta, 1)\n  cost if z > 0 then 1 else 0"),
     "the jump of lt at 5:11 has a boundary term"},
    {MODEL("  z[20] ~ normal(theta, 1)\n  cost if z > 0 then 1 else 0"),
     "z ~ normal: score (chosen)"},
    {MODEL("  z ~ normal(theta, 1)\n  cost floor(z)"), "z ~ normal: score (chosen)"},
    {MODEL("  z ~ gamma(exp(theta), 1)\n  cost sin(z)"), "z ~ gamma: implicit (chosen)"},
    {MODEL("  z ~ von_mises(theta, 1)\n  cost sin(2 * z - theta) * cos(z)"),
     "z ~ von_mises: implicit (chosen)"},
    {MODEL("  z ~ von_mises(theta, 1)\n  cost abs(z)"), "z ~ von_mises: score (chosen)"},
    {MODEL("  h ~ bernoulli(logits = theta)\n  cost sin(h)"),
     "h ~ bernoulli: enumerated (chosen); 2"},
    {MODEL("  h[9] ~ bernoulli(logits = theta)\n  cost sin(sum(h))"),
     "h ~ bernoulli: local_expectation (chosen)"},
    {MODEL("  h[40] ~ bernoulli(logits = theta)\n  cost sin(sum(h))"),
     "h ~ bernoulli: disarm (chosen), samples = 2"},
    {MODEL("  h ~ poisson(exp(theta))\n  cost sin(h)"), "h ~ poisson: coupled (chosen)"},
    {MODEL("  plate k = 3 {\n    h ~ bernoulli(logits = l[k])\n  }\n  cost sin(sum(h, over = k))"),
     "h ~ bernoulli: local_expectation (chosen)"},
    {MODEL("  plate k = 40 {\n    h ~ bernoulli(logits = theta)\n  }\n  cost sin(sum(h, over = k))"),
     "h ~ bernoulli: disarm (chosen)"},
    {MODEL("  c[9] ~ categorical(logits = l)\n  cost sin(sum(l[c]))"),
     "c ~ categorical: local_expectation (chosen)"},
    {MODEL("  z ~ one_hot_categorical(logits = l)\n  cost sin(sum(l * z))"),
     "z ~ one_hot_categorical: enumerated (chosen); 3 values"},
    {MODEL("  z[9, 3] ~ one_hot_categorical(logits = l)\n  cost sin(sum(z @ l))"),
     "z ~ one_hot_categorical: local_expectation (chosen)"},
    {MODEL("  z ~ multinomial(20, exp(l))\n  cost sin(sum(l * z))"),
     "z ~ multinomial: coupled (chosen)"},
    {MODEL("  z[40, 3] ~ one_hot_categorical(logits = l)\n  cost sin(sum(z @ l))"),
     "z ~ one_hot_categorical: coupled (chosen)"},
    {MODEL("  h[0] ~ categorical(logits = l)\n  for t in 1..9 {\n"
           "    h[t] ~ categorical(logits = l * h[t-1])\n    cost sin(h[t])\n  }"),
     "h ~ categorical: enumerated (chosen)"},
    {MODEL("  s[0] = theta\n  for t in 1..4 {\n    h ~ categorical(logits = l * s[t-1])\n"
           "    s[t] = sin(s[t-1] + h)\n  }\n  cost s[3]"),
     "h ~ categorical: enumerated (chosen)"},
    {MODEL("  s[0] = theta\n  for t in 1..9 {\n    h ~ categorical(logits = l * s[t-1])\n"
           "    s[t] = sin(s[t-1] + h)\n  }\n  cost s[8]"),
     "h ~ categorical: local_expectation (chosen)"},
    {MODEL("  s[0] = theta\n  for t in 1..40 {\n    h ~ categorical(logits = l * s[t-1])\n"
           "    s[t] = sin(s[t-1] + h)\n  }\n  cost s[8]"),
     "h ~ categorical: score (chosen)"},
    /* six are summed jointly; one more would be 2,187 terms */
    {MODEL("  a ~ categorical(logits = l)\n  b ~ categorical(logits = l)\n"
           "  c ~ categorical(logits = l)\n  d ~ categorical(logits = l)\n"
           "  e ~ categorical(logits = l)\n  f ~ categorical(logits = l)\n"
           "  y ~ categorical(logits = l)\n  cost sin(a + b * c + d * e + f * y)"),
     "y ~ categorical: local_expectation (chosen)"},
    {MODEL("  z ~ normal(0, 1)\n  cost sin(z) * theta"), "no parameter reaches its law"},
    {MODEL("  z ~ normal(theta, 1)\n  cost relu(abs(z) + 1)"),
     "the cost at 5:3 is Lipschitz: relu at 5:8 of abs at 5:13"},
    {MODEL("  z ~ normal(theta, 1)\n  cost square(z)"), "closed form: integrated over z ~ normal"},
};

START_TEST(chooses)
{
    TapeModel *t = tape_compile(choice[_i].text);
    ck_assert(t->ok);
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    bool found = false;
    for (IrRef r = 0; r < g->count; r++)
        found |= g->node[r].why && strstr(ir_decision_text(g->node[r].why, t->arena), choice[_i].decision);
    ck_assert_msg(found, "no node says \"%s\" in\n%s", choice[_i].decision, choice[_i].text);
    tape_free(t);
}
END_TEST

Suite *legality_suite(void)
{
    Suite *s = suite_create("legality");
    TCase *c = tcase_create("rules");
    tcase_add_loop_test(c, refuses, 0, sizeof refused / sizeof *refused);
    tcase_add_test(c, suggestions_compile);
    tcase_add_test(c, rows_are_documented);
    tcase_add_loop_test(c, accepts, 0, sizeof accepted / sizeof *accepted);
    tcase_add_loop_test(c, chooses, 0, sizeof choice / sizeof *choice);
    suite_add_tcase(s, c);
    return s;
}
