/* Exact expectations against closed forms: of batches of rows, of objectives, of baselines.  That
 * gradients are the slopes of objectives is for the suites of pairs, combination, continuous,
 * discrete and elimination. */
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>

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

START_TEST(values)
{
    check_value(value_case[_i].text, value_case[_i].exact);
}
END_TEST

/* ---- divergences below a draw --------------------------------------------------------------- */

/* 0 log 0 is 0, but no probability that depends on z is 0: nothing jumps in z. */
static const char *const mean_of[][2] = {
    {"categorical(logits = [z, 0.0, w[0]])", "categorical(logits = [0.3, w[1] * z, -0.4])"},
    {"categorical(softmax([z, 0.0, w[0]]))", "categorical(logits = [0.3, w[1] * z, -0.4])"},
    {"bernoulli(sigmoid(z))", "bernoulli(0.2 + 0.3 * sigmoid(w[0] * z))"},
    {"binomial(3, sigmoid(z))", "binomial(3, sigmoid(w[0] * z))"},
    {"multinomial(2, softmax([z, w[0]]))", "multinomial(2, softmax([0.3, w[1] * z]))"},
};

START_TEST(means_below_a_draw)
{
    const char *p = mean_of[_i][0], *q = mean_of[_i][1];
    char draws[1024], means[1024];
    const char *head = "param w[3] = ones()\ngraph g {\n  z ~ normal(w[2], 0.5)";
    snprintf(
        draws, sizeof draws,
        "%s via score\n  h ~ %s via score\n  cost sin(z) * (log_prob(%s, h) - log_prob(%s, h))\n"
        "  cost log_prob(%s, h)\n}\n",
        head, p, p, q, p);
    snprintf(means, sizeof means,
             "%s via pathwise\n  cost sin(z) * kl(%s, %s)\n  cost -entropy(%s)\n}\n", head, p, q,
             p);
    Exact exact = {0};
    exact_find_plain(&exact, draws, 1);
    TapeModel *t = compiled(means);
    SlopeError worst = slope_error(&exact, t, 1);
    check_near(worst.got, worst.want, worst.what, means);
    tape_free(t);
    exact_free(&exact);
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
    tcase_set_timeout(c, 60);
    tcase_add_test(c, minibatches);
    tcase_add_loop_test(c, values, 0, sizeof value_case / sizeof *value_case);
    tcase_add_loop_test(c, means_below_a_draw, 0, sizeof mean_of / sizeof *mean_of);
    tcase_add_test(c, moving_average_lags);
    suite_add_tcase(s, c);
    return s;
}
