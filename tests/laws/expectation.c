/* No gradient is biased: the exact expectation of the compiled step's gradient, over its noise
 * tape, equals the slope of the exact expected objective.
 *
 * The slope is taken by differences of the `eval` entry of the same model with the user's
 * estimators left out, so it shares neither the score terms, the baselines, the weights of samples
 * nor the adjoints with what is tested.  Values of the objective are checked against closed forms.
 */
#include "tests/laws/exact.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the harness ---------------------------------------------------------------------------- */

/* The text without its ` via estimator(...)`. */
static char *without_via(const char *text)
{
    char *plain = strdup(text);
    for (char *via; (via = strstr(plain, " via "));) {
        char *end = via + 5 + strcspn(via + 5, " (;\n}");
        if (*end == '(')
            end = strchr(end, ')') + 1;
        memmove(via, end, strlen(end) + 1);
    }
    return plain;
}

/* The expected objective of a program without estimators, and its slope in every parameter element;
 * kept for the next program that differs in its estimators alone. */
typedef struct Exact {
    char *text;
    double objective, *slope;
} Exact;

static void find_exact(Exact *e, const char *text, int64_t rows)
{
    char *plain_text = without_via(text);
    if (e->text && strcmp(e->text, plain_text) == 0) {
        free(plain_text);
        return;
    }
    free(e->text);
    free(e->slope);
    TapeModel *t = compiled(plain_text);
    TapeInput in = tape_input(t, rows);
    size_t count = 0, at = 0;
    for (uint32_t p = 0; p < t->model.params; p++)
        count += (size_t)ir_elements(&t->model.param[p].type);
    *e = (Exact){.text = plain_text, .slope = calloc(count + 1, sizeof *e->slope)};
    e->objective = tape_expectation(t, &t->entry[IR_ENTRY_EVAL], &in).value[0];
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t i = 0; i < ir_elements(&t->model.param[p].type); i++)
            e->slope[at++] = tape_slope(t, &in, p, i);
    tape_free(t);
}

/* Compares every gradient element. */
static void check_slopes(Exact *exact, const char *text, int64_t rows)
{
    find_exact(exact, text, rows);
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, rows);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeResult got = tape_expectation(t, step, &in);
    const double *slope = exact->slope;
    check_near(got.value[0], exact->objective, "objective", text);
    for (uint32_t p = 0; p < t->model.params; p++) {
        long at = first_result_of(step, p);
        for (int64_t e = 0; e < ir_elements(&t->model.param[p].type); e++)
            check_near(at < 0 ? 0 : got.value[at + e], *slope++, t->model.param[p].name, text);
    }
    tape_free(t);
}

static void check_unbiased(const char *text, int64_t rows)
{
    Exact exact = {0};
    check_slopes(&exact, text, rows);
    free(exact.text);
    free(exact.slope);
}

static void check_value(const char *text, double (*exact)(const TapeInput *))
{
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    double want = exact(&in);
    check_near(tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in).value[0], want, "objective",
               text);
    check_near(tape_expectation(t, &t->entry[IR_ENTRY_EVAL], &in).value[0], want, "objective",
               text);
    tape_free(t);
}

/* ---- every law with every estimator of its row ---------------------------------------------- */

/* Declarations of the arguments, the law, and what a cost reads of its draw, by distribution; and
 * the same for the estimators that have no rule in every argument, or too many axes of noise. */
typedef struct LawText {
    const char *declare, *law, *sum;
} LawText;

static const LawText law_text[IR_DIST_COUNT] = {
    [IR_DIST_normal] = {"param m = ones()\nparam s in positive = ones()", "normal(m, s)", "z"},
    [IR_DIST_lognormal] = {"param m = ones()\nparam s in unit_interval = constant(0.5)",
                           "lognormal(m, 0.4 * s)", "z"},
    [IR_DIST_uniform] = {"param m = ones()\nparam s in positive = ones()", "uniform(m, m + s)",
                         "z"},
    [IR_DIST_bernoulli] = {"param p in unit_interval = constant(0.5)", "bernoulli(p)", "z"},
    [IR_DIST_bernoulli_logits] = {"param l = ones()", "bernoulli(logits = l)", "z"},
    [IR_DIST_categorical] = {"param p[3] in simplex = ones()", "categorical(2 * p)", "z"},
    [IR_DIST_categorical_logits] = {"param l[3] = ones()", "categorical(logits = l)", "z"},
    [IR_DIST_exponential] = {"param r in positive = ones()", "exponential(r)", "z"},
    [IR_DIST_laplace] = {"param m = ones()\nparam s in positive = ones()", "laplace(m, s)", "z"},
    [IR_DIST_half_normal] = {"param s in positive = ones()", "half_normal(s)", "z"},
    [IR_DIST_logistic] = {"param m = ones()\nparam s in positive = ones()", "logistic(m, s)", "z"},
    [IR_DIST_gumbel] = {"param m = ones()\nparam s in positive = ones()", "gumbel(m, s)", "z"},
    [IR_DIST_weibull] = {"param k in positive = ones()\nparam s in positive = ones()",
                         "weibull(k, s)", "z"},
    /* no quadrature follows a sine that turns ever faster: a statistic that settles in the tails */
    [IR_DIST_cauchy] = {"param m = ones()\nparam s in positive = ones()", "cauchy(m, s)",
                        "1 / (4 + z * z)"},
    [IR_DIST_half_cauchy] = {"param s in positive = ones()", "half_cauchy(s)", "1 / (2 + z)"},
    [IR_DIST_student_t] = {"param d in positive = ones()\nparam m = ones()\n"
                           "param s in positive = ones()",
                           "student_t(2 + d, m, s)", "1 / (4 + z * z)"},
    [IR_DIST_gamma] = {"param k in positive = ones()\nparam r in positive = ones()", "gamma(k, r)",
                       "z"},
    [IR_DIST_inverse_gamma] = {"param k in positive = ones()\nparam r in positive = ones()",
                               "inverse_gamma(k, r)", "1 / (2 + z)"},
    [IR_DIST_beta] = {"param k in positive = ones()\nparam l in positive = ones()", "beta(k, l)",
                      "z"},
    [IR_DIST_von_mises] = {"param m = ones()\nparam k in positive = ones()", "von_mises(m, 2 * k)",
                           "sin(z)"},
    [IR_DIST_geometric] = {"param p in unit_interval = constant(0.5)", "geometric(0.5 + 0.5 * p)",
                           "z"},
    [IR_DIST_poisson] = {"param r in positive = ones()", "poisson(0.3 * r)", "z"},
    [IR_DIST_binomial] = {"param p in unit_interval = constant(0.5)", "binomial(4, p)", "z"},
    [IR_DIST_one_hot_categorical] = {"param p[3] in simplex = ones()", "one_hot_categorical(2 * p)",
                                     "sum([0.3, 1, -0.5] * z)"},
    [IR_DIST_one_hot_categorical_logits] = {"param l[3] = ones()",
                                            "one_hot_categorical(logits = l)",
                                            "sum([0.3, 1, -0.5] * z)"},
    [IR_DIST_multinomial] = {"param p[3] in simplex = ones()", "multinomial(2, 2 * p)",
                             "sum([0.3, 1, -0.5] * z)"},
    [IR_DIST_dirichlet] = {"param k[2] in positive = ones()", "dirichlet(k)", "sum([0.3, 1] * z)"},
    [IR_DIST_mvn] = {"param m[2] = ones()\nparam c[2, 2] in cholesky = identity()",
                     "mvn(m, cholesky = c)", "sum(z)"},
};

static const struct {
    IrEstimator estimator;
    const char *via;
} via_text[] = {
    {IR_EST_PATHWISE, "pathwise"},
    {IR_EST_PATHWISE, "pathwise(samples = 2)"},
    {IR_EST_IMPLICIT, "implicit"},
    {IR_EST_IMPLICIT, "implicit(samples = 2)"},
    {IR_EST_SCORE, "score"},
    {IR_EST_SCORE, "score(samples = 2)"},
    {IR_EST_SCORE, "score(samples = 2, baseline = leave_one_out)"},
    {IR_EST_SCORE, "score(baseline = moving_average)"},
    {IR_EST_ENUMERATE, "enumerate"},
    {IR_EST_MEASURE_VALUED, "measure_valued"},
    {IR_EST_DISARM, "disarm"},
    {IR_EST_DISARM, "disarm(samples = 3)"},
    {IR_EST_DISARM, "disarm(samples = 4)"},
    {IR_EST_LOCAL_EXPECTATION, "local_expectation"},
    {IR_EST_LOCAL_EXPECTATION, "local_expectation(samples = 2)"},
    {IR_EST_COUPLED, "coupled"},
    {IR_EST_COUPLED, "coupled(samples = 2)"},
    {IR_EST_UNORDERED_SET, "unordered_set"},
    {IR_EST_UNORDERED_SET, "unordered_set(samples = 3)"},
};

static const LawText measured_text[IR_DIST_COUNT] = {
    [IR_DIST_gamma] = {"param r in positive = ones()", "gamma(1.7, r)", "z"},
    [IR_DIST_inverse_gamma] = {"param r in positive = ones()", "inverse_gamma(1.7, r)",
                               "1 / (2 + z)"},
    [IR_DIST_student_t] = {"param m = ones()\nparam s in positive = ones()", "student_t(3, m, s)",
                           "1 / (4 + z * z)"},
    [IR_DIST_weibull] = {"param s in positive = ones()", "weibull(1.7, s)", "z"},
    [IR_DIST_mvn] = {"param m[1] = ones()\nparam c[1, 1] in cholesky = identity()",
                     "mvn(m, cholesky = c)", "sum(z)"},
};

static const LawText *program_of(IrDist d, IrEstimator e)
{
    return e == IR_EST_MEASURE_VALUED && measured_text[d].law ? &measured_text[d] : &law_text[d];
}

static bool has_program(IrDist d, const char *via)
{
    bool pairs = (ir_dist_info[d].event && ir_dist_info[d].elem == IR_REAL) ||
                 ir_dist_info[d].noise == IR_NOISE_PAIR ||
                 ir_dist_info[d].support == IR_CIRCLE; /* whose evaluator is slow */
    return !pairs || !strstr(via, "samples = 2");
}

START_TEST(every_law_and_estimator)
{
    Exact exact = {0};
    IrDist d = (IrDist)_i;
    ck_assert_msg(law_text[d].law != NULL, "%s has no program here", ir_dist_info[d].name);
    for (size_t v = 0; v < sizeof via_text / sizeof *via_text; v++) {
        if (!ir_admits(d, via_text[v].estimator) || !has_program(d, via_text[v].via))
            continue;
        char text[1024];
        const LawText *l = program_of(d, via_text[v].estimator);
        snprintf(text, sizeof text,
                 "%s\nparam a = ones()\ngraph g {\n  z ~ %s via %s\n  cost sin(0.8 * %s + a)\n}\n",
                 l->declare, l->law, via_text[v].via, l->sum);
        check_slopes(&exact, text, 1);
    }
    free(exact.text);
    free(exact.slope);
}
END_TEST

/* ---- combinations --------------------------------------------------------------------------- */

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
    "    h ~ categorical(logits = l + s[t-1]) via local_expectation\n    s[t] = sin(s[t-1] + l[h] + h)\n"
    "    cost s[t] * b\n  }\n  cost cos(s[3] + l[1])\n}\n",
    "param l[3] = ones()\nparam b = ones()\ngraph g {\n  s[0] = b\n  for t in 1..4 {\n"
    "    h ~ binomial(2, sigmoid(l[0] + 0.5 * s[t-1])) via coupled\n    s[t] = sin(0.5 * s[t-1] + 0.5 * b * h)\n"
    "    cost s[t] * b\n  }\n  cost cos(s[3] + l[1])\n}\n",
    /* jumps */
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ normal(m, s) via measure_valued\n  cost (if z > 0.2 then 1 + m else "
    "sin(z))\n}\n",
    "param m = ones()\nparam s in positive = ones()\n"
    "graph g {\n  z ~ laplace(m, s) via measure_valued\n  cost floor(min(max(z, 0.5), 1.5)) * "
    "m\n}\n",
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
    "graph g {\n  plate k = 2 {\n    z ~ lognormal(m, 0.3) via dreg\n"
    "    w = log_prob(lognormal(0.7 + 0.2 * t, 0.28), z) - log_prob(lognormal(m, 0.3), z) + "
    "0.5 * sin(t + z)\n  }\n  cost -logmeanexp(w, over = k)\n}\n",
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
};

/* The programs of estimators that a law of finitely many values may have: with
 * %s in the place of each draw's estimator. */
static const char *const discrete_program[] = {
    /* a vector with logits of its own, read through a product, a sum and a
       guard */
    "param l[3] = ones()\nparam w[3, 2] = ones()\ngraph g {\n"
    "  h[3] ~ bernoulli(logits = l) via %s\n  v = h @ w\n"
    "  cost sin(v) + sin(sum(h * l)) + (if h[1] == 1 then cos(sum(l)) else "
    "0.3)\n"
    "  cost log_prob(bernoulli(logits = l), h)\n}\n",
    /* below another draw, above another */
    "param a = ones()\nparam b[2] = ones()\ngraph g {\n"
    "  k ~ bernoulli(logits = a) via score\n"
    "  h[2] ~ bernoulli(logits = b * k) via %s\n"
    "  j ~ bernoulli(logits = sum(h * b) - a) via score\n  cost sin(2 * h[0] + "
    "h[1] + 3 * j + "
    "k)\n}\n",
    /* over rows, with costs outside */
    "param a = ones()\nparam b = ones()\ngraph g {\n  plate n = rows(2) {\n    "
    "data x\n"
    "    h ~ bernoulli(logits = b * x) via %s\n    cost sin(h + a * x)\n  }\n  "
    "cost "
    "a * a\n}\n",
    /* outside rows, read by all of them */
    "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = "
    "b) via %s\n"
    "  plate n = rows(2) {\n    data x\n    cost sin(h * x + a * x)\n  }\n  "
    "cost h * a\n}\n",
    /* in a plate, an element with another mean each */
    "param a[2] = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h ~ bernoulli(logits = a[k]) via %s\n    cost sin(h + a[k])\n  }\n}\n",
    /* in a sequence, one step at a time */
    "param a = ones()\nparam b = ones()\ngraph g {\n  s[0] = a\n  for t in "
    "1..3 {\n"
    "    s[t] = 0.5 * s[t-1] + b\n    h ~ bernoulli(logits = s[t]) via %s\n"
    "    cost sin(s[t] + h)\n  }\n}\n",
    /* before a sequence */
    "param a = ones()\nparam b = ones()\ngraph g {\n  s[0] ~ bernoulli(logits "
    "= a) via %s\n"
    "  for t in 1..3 {\n    s[t] ~ bernoulli(logits = b + s[t-1]) via score\n"
    "    cost sin(2 * s[t] + s[t-1] + a)\n  }\n}\n",
    /* above an enumerated draw, beside a pathwise one */
    "param a = ones()\nparam b[2] = ones()\ngraph g {\n  h[2] ~ "
    "bernoulli(logits = b) via %s\n"
    "  c ~ bernoulli(logits = a + h[1]) via enumerate\n  z ~ normal(a, 1) via "
    "pathwise\n"
    "  cost sin(z + 2 * c + h[1])\n}\n",
    /* an array of two axes */
    "param b[2, 2] = ones()\ngraph g {\n  h ~ bernoulli(logits = b) via %s\n"
    "  cost sin(sum(h * b) + h[0, 1])\n}\n",
};

static const char *const discrete_via[] = {
    "score(samples = 2, baseline = leave_one_out)",
    "disarm",
    "disarm(samples = 3)",
    "local_expectation",
    "coupled",
};
enum {
    PROGRAMS = sizeof discrete_program / sizeof *discrete_program,
    VIAS = sizeof discrete_via / sizeof *discrete_via
};

START_TEST(discrete_combinations)
{
    Exact exact = {0};
    for (size_t v = 0; v < VIAS; v++) {
        char text[1024];
        snprintf(text, sizeof text, discrete_program[_i], discrete_via[v]);
        check_slopes(&exact, text, 2);
    }
    free(exact.text);
    free(exact.slope);
}
END_TEST

/* Categories, of one event and of several. */
static const char *const category_program[] = {
    "param l[4] = ones()\nparam w[4] = ones()\ngraph g {\n  c ~ "
    "categorical(logits = l) via %s\n"
    "  cost sin(w[c] + 0.7 * c) + log_prob(categorical(logits = l), c)\n}\n",
    "param l[3] = ones()\nparam w[3] = ones()\ngraph g {\n  plate n = rows(1) "
    "{\n    data x\n"
    "    c ~ categorical(logits = l * x) via %s\n    h ~ bernoulli(logits = "
    "w[c]) via score\n"
    "    cost sin(h + 0.7 * c + x)\n  }\n}\n",
    "param l[3] = ones()\nparam w[3] = ones()\ngraph g {\n"
    "  c[2] ~ categorical(logits = l) via %s\n  cost sin(w[c[0]] + 0.7 * c[1] "
    "* w[1])\n}\n",
};
static const char *const category_via[] = {"local_expectation", "unordered_set",
                                           "unordered_set(samples = 3)"};

START_TEST(category_combinations)
{
    Exact exact = {0};
    for (size_t v = 0; v < sizeof category_via / sizeof *category_via; v++) {
        char text[1024];
        bool several = strstr(category_program[_i], "c[2]");
        snprintf(text, sizeof text, category_program[_i], category_via[v]);
        if (!several || v == 0)
            check_slopes(&exact, text, 1);
    }
    free(exact.text);
    free(exact.slope);
}
END_TEST

START_TEST(combinations)
{
    check_unbiased(program[_i], 2);
}
END_TEST

/* ---- subsampling ---------------------------------------------------------------------------- */

/* The mean over all batches of two of three rows is the gradient over the three. */
START_TEST(minibatches)
{
    const char *text =
        "param m = ones()\nparam w = ones()\n"
        "graph g {\n  h ~ bernoulli(logits = m) via score(samples = 2, baseline = leave_one_out)\n"
        "  cost square(m) * h\n  plate n = rows(3) {\n    data x\n"
        "    k ~ bernoulli(logits = w * x + h) via score(baseline = moving_average)\n"
        "    cost sin(h + w * x + 2 * k)\n  }\n}\n";
    TapeModel *t = compiled(text);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeInput in = tape_input(t, 3);
    TapeResult all = tape_expectation(t, step, &in);
    double x[3] = {in.data[0][0], in.data[0][1], in.data[0][2]}, mean[8] = {0};
    in.rows = 2;
    for (int left_out = 0; left_out < 3; left_out++) {
        in.data[0][0] = x[left_out == 0];
        in.data[0][1] = x[left_out == 2 ? 1 : 2];
        TapeResult batch = tape_expectation(t, step, &in);
        for (size_t i = 0; i < 3; i++)
            mean[i] += batch.value[i] / 3;
    }
    for (size_t i = 0; i < 3; i++)
        check_near(mean[i], all.value[i], "mean of batches", text);
    tape_free(t);
}
END_TEST

/* ---- values --------------------------------------------------------------------------------- */

/* KL(N(m, s) || N(0.3, 1.2)) + E sin z, z ~ N(m, s) */
static double kl_and_sine(const TapeInput *in)
{
    double m = in->param[0][0], s = exp(in->param[1][0]);
    double kl = log(1.2 / s) + (s * s + (m - 0.3) * (m - 0.3)) / (2 * 1.44) - 0.5;
    return kl + sin(m) * exp(-s * s / 2);
}

/* E sin(z + a) over Bernoulli(logits = l) */
static double bernoulli_sine(const TapeInput *in)
{
    double p = 1 / (1 + exp(-in->param[0][0])), a = in->param[1][0];
    return p * sin(1 + a) + (1 - p) * sin(a);
}

/* E|z - 0.5| + E e^(0.2 z) over Laplace(m, s) is refused by no one: the first is a moment of the
 * table, the second is not, and stays a draw. */
static double laplace_distance(const TapeInput *in)
{
    double m = in->param[0][0], s = exp(in->param[1][0]);
    return fabs(m - 0.5) + s * exp(-fabs(m - 0.5) / s);
}

/* Three steps of a chain whose draws are all summed out by hand. */
static double chain(const TapeInput *in)
{
    double a = in->param[0][0], b = in->param[1][0], total = 0;
    for (int bits = 0; bits < 8; bits++) {
        double p = 1, last = 0, cost = 0;
        for (int t = 0; t < 3; t++) {
            int h = bits >> t & 1;
            double q = 1 / (1 + exp(-(t ? a + b * last : a)));
            p *= h ? q : 1 - q;
            cost += t ? sin(2 * h + last + b) : 0;
            last = h;
        }
        total += p * (cost + cos(last + a));
    }
    return total;
}

/* E z^2, z ~ N(m, s) */
static double second_moment(const TapeInput *in)
{
    return pow(in->param[0][0], 2) + exp(2 * in->param[1][0]);
}

static const struct {
    const char *text;
    double (*exact)(const TapeInput *);
} value_case[] = {
    /* z comes back through one carry after another: not another factor, but z itself */
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s)\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n"
     "  for t in 1..5 {\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n    a[t] = z\n  }\n"
     "  cost z * c[4]\n}\n",
     second_moment},
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s)\n  a[0] = 0.0\n  b[0] = 0.0\n  c[0] = 0.0\n"
     "  for t in 1..5 {\n    cost z * c[t-1]\n    c[t] = b[t-1]\n    b[t] = a[t-1]\n"
     "    a[t] = z\n  }\n}\n",
     second_moment},
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s)\n  cost log_prob(normal(m, s), z) - log_prob(normal(0.3, 1.2), "
     "z)\n"
     "  cost sin(z)\n}\n",
     kl_and_sine},
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s) via score\n  cost kl(normal(m, s), normal(0.3, 1.2))\n"
     "  cost sin(z)\n}\n",
     kl_and_sine},
    {"param l = ones()\nparam a = ones()\n"
     "graph g {\n  h ~ bernoulli(logits = l) via score\n  cost sin(h + a)\n}\n",
     bernoulli_sine},
    {"param l = ones()\nparam a = ones()\n"
     "graph g {\n  h ~ bernoulli(logits = l) via enumerate\n  cost sin(h + a)\n}\n",
     bernoulli_sine},
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ laplace(m, s)\n  cost abs(z - 0.5)\n}\n",
     laplace_distance},
    {"param a = ones()\nparam b = ones()\n"
     "graph g {\n  h[0] ~ bernoulli(logits = a) via score\n  for t in 1..3 {\n"
     "    h[t] ~ bernoulli(logits = a + b * h[t-1]) via score\n    cost sin(2 * h[t] + h[t-1] + "
     "b)\n  }\n"
     "  cost cos(h[2] + a)\n}\n",
     chain},
};

START_TEST(values)
{
    check_value(value_case[_i].text, value_case[_i].exact);
}
END_TEST

/* ---- baselines ------------------------------------------------------------------------------ */

/* The moving average is read before it is updated: 0.9 m + 0.1 E[cost], and m in the baseline. */
START_TEST(moving_average_lags)
{
    const char *text = "param l = ones()\nparam a = ones()\ngraph g {\n"
                       "  h ~ bernoulli(logits = l) via score(baseline = moving_average)\n"
                       "  cost sin(h + a)\n}\n";
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    in.state[0] = 2.5;
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    check_near(r.value[r.count - 1], 0.9 * 2.5 + 0.1 * bernoulli_sine(&in), "next average", text);
    double p = 1 / (1 + exp(-in.param[0][0])), a = in.param[1][0];
    double slope = p * (1 - p) * (sin(1 + a) - sin(a));
    check_near(r.value[first_result_of(&t->entry[IR_ENTRY_STEP], 0)], slope, "gradient", text);
    tape_free(t);
}
END_TEST

Suite *expectation_suite(void)
{
    Suite *s = suite_create("expectation");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, every_law_and_estimator, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, combinations, 0, sizeof program / sizeof *program);
    tcase_add_loop_test(c, discrete_combinations, 0, PROGRAMS);
    tcase_add_loop_test(c, category_combinations, 0,
                        sizeof category_program / sizeof *category_program);
    tcase_add_test(c, minibatches);
    tcase_add_loop_test(c, values, 0, sizeof value_case / sizeof *value_case);
    tcase_add_test(c, moving_average_lags);
    suite_add_tcase(s, c);
    return s;
}
