/* Draws of finitely many values: every estimator that they may have in the same programs, and sets
 * of categories.  Chains and other sums of enumerated draws: elimination.c. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <string.h>

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

/* Softened draws: read by arithmetic on integers, and beside a score; above a pathwise, an enumerated
 * and another softened draw, in plates, rows and sequences; events of one hot. */
static const char *const softened_program[] = {
    "param l[2] = ones()\nparam w[2, 2] = ones()\ngraph g {\n"
    "  h[2] ~ bernoulli(logits = l) via rebar\n"
    "  cost sin(h @ w) + cos(2 * h[0] - sum(h) + l[1])\n  cost log_prob(bernoulli(logits = l), h)\n"
    "}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n"
    "  k ~ bernoulli(logits = a) via score\n  h ~ bernoulli(logits = b * k) via rebar(scale = 0.6)\n"
    "  z ~ normal(a + b * h, 0.7) via pathwise\n  c ~ bernoulli(logits = a + h) via enumerate\n"
    "  cost sin(z + 2 * c + h - k)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n"
    "  h ~ bernoulli(sigmoid(a)) via rebar(temperature = 0.5)\n"
    "  k ~ bernoulli(logits = b) via rebar(temperature = 2)\n  cost sin(h + 2 * k + a * h * k)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
    "    h ~ bernoulli(logits = b * x) via rebar\n    cost sin(h + a * x)\n  }\n  cost a * a\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = b) via rebar(samples = 2)\n"
    "  plate n = rows(2) {\n    data x\n    cost sin(h * x + a * x)\n  }\n  cost h * a\n}\n",
    "param a[2] = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h ~ bernoulli(logits = a[k]) via rebar\n    cost sin(h + a[k])\n  }\n"
    "  cost cos(sum(h, over = k) + a[0])\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  s[0] = 0\n  for t in 1..3 {\n"
    "    h ~ bernoulli(logits = b * t) via rebar\n    s[t] = 2 * s[t-1] + h\n    cost sin(s[t] + a)\n"
    "  }\n  cost cos(s[2] * b)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  c ~ bernoulli(logits = a) via enumerate\n"
    "  h ~ bernoulli(logits = b + c) via rebar\n  cost sin(h + 2 * c + a)\n}\n",
    "param a = ones()\ngraph g {\n  s[0] = 0.4\n  for t in 1..3 {\n"
    "    h ~ bernoulli(sigmoid(0.3 * s[t-1])) via rebar\n    s[t] = 0.15 + 0.9 * a\n"
    "    cost sin(0.4 * h)\n  }\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a) via rebar\n"
    "  cost b * sin(stop_gradient(1.5 * h) + 0.3 * h)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a) via rebar\n  z[0] = 0\n"
    "  for t in 1..4 {\n    z[t] ~ bernoulli(logits = b * (1 + z[t-1]) + h) via enumerate\n"
    "    cost sin(z[t] + 2 * z[t-1] + h * t)\n  }\n}\n",
    "param l[2] = ones()\ngraph g {\n  c[1, 2] ~ one_hot_categorical(logits = l) via rebar\n"
    "  cost sin(sum(c @ l) + c[0, 0] * l[1])\n"
    "  cost sum(log_prob(one_hot_categorical(logits = l), c))\n}\n",
    "param p[2] in simplex = ones()\ngraph g {\n  plate k = 1 {\n"
    "    c ~ one_hot_categorical(2 * p) via rebar(temperature = 1.4)\n    i = 2 * c - 1\n"
    "    cost sin(i @ p + c[1])\n  }\n}\n",
    "param l[2] = ones()\nparam a = ones()\ngraph g {\n  s[0] = 0.4\n  for t in 1..2 {\n"
    "    c ~ one_hot_categorical(logits = t * l) via rebar\n    s[t] = a * s[t-1] + sum(l * c)\n"
    "    cost sin(s[t])\n  }\n  cost cos(s[1])\n}\n",
    "param p[2] in positive = ones()\ngraph g {\n"
    "  h ~ bernoulli(logits = p[0]) via rebar(samples = 2, noise = antithetic)\n"
    "  cost sin(h * p[1])\n}\n",
};

START_TEST(softened)
{
    Exact exact = {0};
    slope_check(&exact, softened_program[_i], 2);
    exact_free(&exact);
}
END_TEST

/* What a learned control variate may read besides: jumps, indices, laws that are decided by the draw,
 * itself in later steps, copies together. */
static const char *const controlled_program[] = {
    "param l[2] = ones()\nparam w[2] = ones()\ngraph g {\n  h[2] ~ bernoulli(logits = l) via relax\n"
    "  cost sin(w[h[0]] + 2 * h[1]) + (if sum(h) > 1 then l[0] else w[1])\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  h ~ bernoulli(logits = a) via relax\n"
    "  k ~ bernoulli(logits = b * h - a) via score\n  c ~ bernoulli(logits = b + k) via enumerate\n"
    "  cost sin(h + 2 * k + c * a)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  h[0] = 0\n  for t in 1..3 {\n"
    "    h[t] ~ bernoulli(logits = a + b * h[t-1]) via relax\n    cost sin(2 * h[t] + h[t-1] + b)\n  }\n"
    "}\n",
    "param a[2] = ones()\ngraph g {\n  plate k = 2 {\n"
    "    h ~ bernoulli(logits = a[k]) via relax\n    cost sin(h + a[k])\n  }\n"
    "  cost cos(sum(h, over = k) + a[0])\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  c ~ bernoulli(logits = a) via enumerate\n"
    "  h ~ bernoulli(logits = b + c) via relax\n  cost sin(h + 2 * c + a)\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
    "    h ~ bernoulli(sigmoid(b * x)) via relax\n    cost sin(h + a * x)\n  }\n}\n",
    "param l[2] = ones()\ngraph g {\n  c ~ categorical(logits = l) via relax\n"
    "  cost sin(l[c] + 0.7 * c)\n}\n",
    "param l[2] = ones()\nparam a = ones()\ngraph g {\n  plate k = 1 {\n"
    "    c ~ one_hot_categorical(logits = a * l) via relax\n"
    "    cost sin(l[c[1]] + 0.7 * c[0]) + (if c[0] == 1 then a else 0.3)\n  }\n}\n",
};

START_TEST(controlled)
{
    slope_check_alone(controlled_program[_i], 2);
}
END_TEST

/* Of a gradient of one element. */
static double variance_of(const TapeResult *r)
{
    return r->square[1] - r->value[1] * r->value[1];
}

/* The weights move as they do on average: for one bit the variance can be 0. */
START_TEST(control_variates_learn)
{
    const char *text = "param l = ones()\ngraph g {\n  h ~ bernoulli(logits = l) via relax\n"
                       "  cost sin(h + 0.8)\n}\n";
    TapeModel *t = tape_compile(text);
    ck_assert(t->ok);
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    TapeInput in = tape_input(t, 1);
    memset(in.state, 0, g->states * sizeof *in.state);
    TapeResult r = tape_expectation(t, g, &in);
    double slope = r.value[1], before = variance_of(&r);
    for (int step = 0; step < 400; step++) {
        size_t at = r.count - g->states;
        for (IrRef n = 0; n < g->count; n++)
            if (g->node[n].op == IR_NEXT)
                in.state[g->node[n].attr.item] = r.value[at++];
        r = tape_expectation(t, g, &in);
        ck_assert_double_eq_tol(r.value[1], slope, 1e-11);
    }
    ck_assert_msg(variance_of(&r) < 0.01 * before, "variance %g, before %g", variance_of(&r), before);
    tape_free(t);
}
END_TEST

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
        slope_check(&exact, text, 2);
    }
    exact_free(&exact);
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
static const char *const category_via[] = {"local_expectation", "coupled", "unordered_set",
                                           "unordered_set(samples = 3)"};

START_TEST(category_combinations)
{
    Exact exact = {0};
    for (size_t v = 0; v < sizeof category_via / sizeof *category_via; v++) {
        char text[1024];
        bool several = strstr(category_program[_i], "c[2]");
        snprintf(text, sizeof text, category_program[_i], category_via[v]);
        if (!several || v < 2)
            slope_check(&exact, text, 1);
    }
    exact_free(&exact);
}
END_TEST

/* Categories that are written as events of one hot: one, and rows of them; in plates, read apart and
 * together; over rows of data; in sequences, and deciding later steps; above and below other draws. */
static const char *const event_program[] = {
    "param l[3] = ones()\nparam w[3] = ones()\ngraph g {\n"
    "  z ~ one_hot_categorical(logits = l) via %s\n"
    "  cost sin(sum(w * z) + 0.7 * z[2]) + log_prob(one_hot_categorical(logits = l), z)\n}\n",
    "param p[3] in simplex = ones()\nparam w[3] = ones()\ngraph g {\n"
    "  z[2, 3] ~ one_hot_categorical(2 * p) via %s\n  v = z @ w\n"
    "  cost sin(v[0] + 2 * v[1]) + sum(log_prob(one_hot_categorical(2 * p), z))\n}\n",
    "param l[3] = ones()\nparam a = ones()\ngraph g {\n  plate k = 2 {\n"
    "    z ~ one_hot_categorical(logits = a * l) via %s\n"
    "    cost sin(sum(z * [0.3, 1, -0.5]) + a * l[k])\n  }\n}\n",
    "param l[3] = ones()\nparam a = ones()\ngraph g {\n  plate k = 2 {\n"
    "    z ~ one_hot_categorical(logits = a * l) via %s\n    b = sum(z * [0.3, 1, -0.5])\n  }\n"
    "  cost sin(sum(b, over = k) + a)\n}\n",
    "param l[3] = ones()\nparam w[3] = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
    "    z ~ one_hot_categorical(logits = l * x) via %s\n"
    "    h ~ bernoulli(logits = sum(w * z)) via score\n    cost sin(h + 0.7 * z[1] + x)\n  }\n}\n",
    "param l[3] = ones()\nparam a = ones()\ngraph g {\n  s[0] = a\n  for t in 1..3 {\n"
    "    z ~ one_hot_categorical(logits = s[t-1] * l) via %s\n    s[t] = 0.5 * s[t-1] + a\n"
    "    cost sin(sum(l * z) + s[t])\n  }\n}\n",
    "param l[3] = ones()\nparam w[3, 3] = ones()\ngraph g {\n"
    "  h[0][3] ~ one_hot_categorical(logits = l) via %s\n  for t in 1..2 {\n"
    "    h[t][3] ~ one_hot_categorical(logits = w @ h[t-1]) via %s\n"
    "    cost sin(sum(l * h[t]) + h[t-1] @ (w @ h[t]))\n  }\n}\n",
    "param l[3] = ones()\nparam a = ones()\ngraph g {\n  c ~ bernoulli(logits = a) via enumerate\n"
    "  z ~ one_hot_categorical(logits = l * c) via %s\n"
    "  y ~ bernoulli(logits = sum(l * z)) via score\n  cost sin(y + a * z[0] + c)\n}\n",
    "param l[3] = ones()\nparam a = ones()\ngraph g {\n  z ~ one_hot_categorical(logits = l) via %s\n"
    "  e ~ normal(0, 0.7)\n  y = sum(l * z) + a * e\n  cost sin(y + z[0])\n}\n",
};

/* Sets are of one event that no cost reads together with others; enumeration sums copy by copy. */
static bool is_event_pair(const char *program, const char *via)
{
    bool together = strstr(program, "over = k") != NULL;
    bool copies = together || strstr(program, "h[t-1]") || strstr(program, "[2, 3] ~");
    bool set = strstr(via, "set") != NULL;
    return !(set && copies) && !(together && strcmp(via, "enumerate") == 0);
}

START_TEST(event_combinations)
{
    static const char *const via[] = {
        "score(samples = 2, baseline = leave_one_out)", "enumerate", "measure_valued",
        "local_expectation", "coupled", "unordered_set", "unordered_set(samples = 3)",
    };
    Exact exact = {0};
    for (size_t v = 0; v < sizeof via / sizeof *via; v++) {
        char text[1024];
        snprintf(text, sizeof text, event_program[_i], via[v], via[v]);
        if (is_event_pair(event_program[_i], via[v]))
            slope_check(&exact, text, 2);
    }
    exact_free(&exact);
}
END_TEST

Suite *discrete_suite(void)
{
    Suite *s = suite_create("discrete");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, discrete_combinations, 0, PROGRAMS);
    tcase_add_loop_test(c, category_combinations, 0,
                        sizeof category_program / sizeof *category_program);
    tcase_add_loop_test(c, event_combinations, 0, sizeof event_program / sizeof *event_program);
    suite_add_tcase(s, c);
    c = tcase_create("softened");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, softened, 0, sizeof softened_program / sizeof *softened_program);
    suite_add_tcase(s, c);
    c = tcase_create("controlled");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, controlled, 0, sizeof controlled_program / sizeof *controlled_program);
    tcase_add_test(c, control_variates_learn);
    suite_add_tcase(s, c);
    return s;
}
