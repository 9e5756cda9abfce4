/* Problems with known answers: the exact expectation of the compiled step, and the exact variance
 * of its gradient, against closed forms worked out with 40 digits. */
#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 5 };

/* `text` has %s where the estimator stands; `param` are the stored elements, in order.  abs(z) *
 * abs(z) is z^2 that the moment table does not integrate. */
typedef struct Problem {
    const char *id, *text;
    double param[ELEMENTS], value, gradient[ELEMENTS];
} Problem;

#define LOCATION_SCALE(law, cost)                                                                  \
    "param m = ones()\nparam s = ones()\ngraph g {\n  z ~ " law "(m, s) via %s\n  cost " cost      \
    "\n}\n"

#define P1_TEXT                                                                                    \
    "param l = ones()\ngraph g {\n  b ~ bernoulli(logits = l) via %s\n"                            \
    "  cost abs(b - 0.45) * abs(b - 0.45)\n}\n"
static const Problem p1 = {"P1", P1_TEXT, {0.4}, 0.262368766011245, {0.0240260745741529}};
static const Problem p2 = {
    "P2",
    "param l[4] = ones()\ngraph g {\n  b[4] ~ bernoulli(logits = l) via %s\n"
    "  e = sum([0.7, -1.2, 0.5, 2.0] * b) - 0.3\n  cost abs(e) * abs(e)\n}\n",
    {0.4, -0.8, 1.3, 0},
    2.76735988660225,
    {0.360208908808809, -0.468204955201036, 0.167802006744946, 1.13996823095313}};
static const Problem p3 = {"P3",
                           "param l[5] = ones()\ngraph g {\n  c ~ categorical(logits = l) via %s\n"
                           "  cost gather([1.0, -2.0, 0.5, 4.0, 0.0], c)\n}\n",
                           {0.3, -0.7, 1.1, 0, 0.5},
                           0.781239139167533,
                           {0.0393763468715099, -0.184166082023325, -0.112661918876328,
                            0.429206376751297, -0.171754722723154}};
/* Estimators of three bits, whose variances are known (estimators.md 5.3). */
static const Problem bits = {
    "bits",
    "param l[3] = ones()\ngraph g {\n  b[3] ~ bernoulli(logits = l) via %s\n"
    "  e = sum([0.7, -1.2, 0.5] * b) - 0.3\n"
    "  cost abs(e) * abs(e) + 0.4 * b[0] * b[1] - 0.2 * b[2] * b[0] + exp(0.3 * b[1] * b[2])\n}\n",
    {0.4, -0.8, 1.3},
    1.5528085801104083,
    {0.0158775899048246, 0.1552148235549518, -0.00239347775419458}};
/* A walk of +1 and -1: of 100 steps by their number that go up, of 4 step by step. */
static const Problem p7 = {"P7",
                           "param p = ones()\ngraph g {\n  x ~ binomial(100, p) via %s\n"
                           "  cost abs(2 * x - 100) * abs(2 * x - 100)\n}\n",
                           {0.6},
                           496,
                           {7920}};
static const Problem p7_steps = {"P7, 4 steps",
                                 "param p = ones()\ngraph g {\n  s[0] = 0.0\n  for t in 1..5 {\n"
                                 "    b ~ bernoulli(p) via %s\n    s[t] = s[t-1] + 2 * b - 1\n  }\n"
                                 "  cost abs(s[4]) * abs(s[4])\n}\n",
                                 {0.6},
                                 4.48,
                                 {9.6}};
/* A mixture of two, its indicator summed inside the logarithm by the program. */
static const Problem p33 = {
    "P33",
    "param w = ones()\nparam m[2] = ones()\nparam s = ones()\ngraph g {\n"
    "  x = [-1.2, 0.3, 2.5, 1.9]\n"
    "  first = log_prob(normal(m[0], exp(s)), x) + log(sigmoid(w))\n"
    "  second = log_prob(normal(m[1], exp(s)), x) + log(sigmoid(-w))\n"
    "  cost sum(logsumexp(stack(first, second), axis = 0))\n}\n",
    {0.2, -0.5, 1.5, -0.1},
    -6.9986655792347,
    {-0.498831396607428, -0.0475671949486766, 1.14806229898338, -0.418599500460888}};
static const Problem p35 = {"P35",
                            "param l[3] = ones()\ngraph g {\n  a ~ categorical(logits = l) via %s\n"
                            "  cost gather([1.0, 0.2, -0.5], a)\n}\n",
                            {0.1, 0.4, -0.3},
                            0.309521979924963,
                            {0.22862156631861, -0.0489504815412114, -0.179671084777398}};
/* The iterated prisoner's dilemma of LOLA, by its closed form; the other's policy is data. */
static const Problem p36 = {
    "P36",
    "param a[5] = ones()\ngraph g {\n  b = [0.0, 0.2, -0.1, 0.3, 0.1]\n"
    "  p = sigmoid(a)\n  q = sigmoid(gather(b, [0, 1, 3, 2, 4]))\n"
    "  start = stack(p[0] * q[0], p[0] * (1 - q[0]), (1 - p[0]) * q[0], (1 - p[0]) * (1 - q[0]))\n"
    "  c = p[1:5]\n  d = q[1:5]\n"
    "  move = transpose(stack(c * d, c * (1 - d), (1 - c) * d, (1 - c) * (1 - d)))\n"
    "  cost start @ solve(diag([1.0, 1.0, 1.0, 1.0]) - 0.96 * move, [-1.0, -3.0, 0.0, -2.0])\n}\n",
    {0.1, -0.2, 0.3, 0.4, -0.5},
    -36.1237537157917,
    {-0.2261745553757, -1.40188805386248, -1.22874474826555, -1.39231748170573, -1.18277863167258}};
static const Problem p8 = {
    "P8", LOCATION_SCALE("normal", "abs(z) * abs(z)"), {0.3, 1.7}, 2.98, {0.6, 3.4}};
static const Problem p8b = {"P8b",
                            LOCATION_SCALE("normal", "cos(z)"),
                            {0.3, 1.7},
                            0.225216829102015,
                            {-0.0696677292633888, -0.382868609473426}};
static const Problem p9 = {"P9",
                           LOCATION_SCALE("normal", "if z > 0 then 1 else 0"),
                           {0.3, 1.7},
                           0.570037873380893,
                           {0.231046169948927, -0.0407728535203989}};
static const Problem p10 = {"P10",
                            LOCATION_SCALE("normal", "relu(z)"),
                            {0.3, 1.7},
                            0.838734793166667,
                            {0.570037873380893, 0.392778488913176}};
static const Problem p11 = {"P11",
                            LOCATION_SCALE("lognormal", "sqrt(z) * sqrt(z)"),
                            {0.3, 0.6},
                            1.61607440219289,
                            {1.61607440219289, 0.969644641315736}};
static const Problem p12 = {"P12",
                            LOCATION_SCALE("uniform", "abs(z) * abs(z)"),
                            {-0.7, 1.9},
                            0.923333333333333,
                            {0.166666666666667, 1.03333333333333}};
static const Problem p13 = {"P13",
                            "param r = ones()\ngraph g {\n  z ~ exponential(r) via %s\n"
                            "  cost abs(z) * abs(z)\n}\n",
                            {1.3},
                            1.18343195266272,
                            {-1.82066454255803}};
static const Problem p19 = {"P19",
                            LOCATION_SCALE("logistic", "cos(z)"),
                            {0.4, 0.7},
                            0.454859635607976,
                            {-0.192311569412763, -0.814772319830011}};
static const Problem p21 = {"P21",
                            "param k = ones()\nparam l = ones()\ngraph g {\n"
                            "  z ~ weibull(k, l) via %s\n  cost abs(z) * abs(z)\n}\n",
                            {1.6, 1.2},
                            1.63152445869986,
                            {-0.729784034405317, 2.71920743116643}};
static const Problem p22 = {"P22",
                            "param s = ones()\ngraph g {\n  z ~ half_normal(s) via %s\n"
                            "  cost sqrt(z) * sqrt(z)\n}\n",
                            {1.7},
                            1.35640375336487,
                            {0.797884560802865}};
static const Problem p4 = {"P4",
                           "param p = ones()\ngraph g {\n  z ~ binomial(20, p) via %s\n"
                           "  cost abs(z) * abs(z)\n}\n",
                           {0.3},
                           40.2,
                           {248}};
static const Problem p5 = {"P5",
                           "param p = ones()\ngraph g {\n  z ~ geometric(p) via %s\n"
                           "  cost abs(z) * abs(z)\n}\n",
                           {0.35},
                           8.75510204081633,
                           {-68.8046647230321}};
static const Problem p6 = {"P6",
                           "param r = ones()\ngraph g {\n  z ~ poisson(r) via %s\n"
                           "  cost abs(z - 3) * abs(z - 3)\n}\n",
                           {2.3},
                           2.79,
                           {-0.4}};
#define TWO(law, cost)                                                                             \
    "param a = ones()\nparam b = ones()\ngraph g {\n  z ~ " law "(a, b) via %s\n  cost " cost      \
    "\n}\n"
static const Problem p14 = {"P14",
                            TWO("gamma", "log(relu(z))"),
                            {2.3, 1.4},
                            0.263567643742757,
                            {0.542537458665258, -0.714285714285714}};
static const Problem p14_closed = {"P14 closed",
                                   TWO("gamma", "log(z)"),
                                   {2.3, 1.4},
                                   0.263567643742757,
                                   {0.542537458665258, -0.714285714285714}};
static const Problem p14b = {"P14b",
                             TWO("gamma", "sqrt(z)"),
                             {2.3, 1.4},
                             1.21443289982682,
                             {0.292079745186946, -0.433726035652436}};
static const Problem p14d = {"P14d",
                             "param a = ones()\ngraph g {\n  z ~ gamma(a, 1) via %s\n"
                             "  cost exp(-abs(z))\n}\n",
                             {0.1},
                             0.933032991536807,
                             {-0.646729187453149}};
static const Problem p15 = {"P15",
                            TWO("beta", "abs(z) * abs(z)"),
                            {2.5, 1.8},
                            0.383940324703817,
                            {0.101543347206817, -0.161730018304372}};
static const Problem p16 = {"P16",
                            "param a[3] = ones()\ngraph g {\n  z ~ dirichlet(a) via %s\n"
                            "  cost z[0] * z[1]\n}\n",
                            {0.5, 1.5, 3},
                            0.025,
                            {0.0408333333333333, 0.0075, -0.00916666666666667}};
/* n sum w^2 p + n (n - 1) (sum w p)^2 */
static const Problem counts = {"counts",
                               "param v[3] = ones()\ngraph g {\n"
                               "  z ~ multinomial(4, v) via %s\n"
                               "  cost square(sum([1.0, 2.0, 0.0] * z))\n}\n",
                               {1, 2, 3},
                               43.0 / 3,
                               {2.0 / 9, 50.0 / 9, -34.0 / 9}};
/* Of the square of so heavy a tail the quadrature would miss 1e-10. */
static const Problem p17_closed = {"P17 closed",
                                   "param d = ones()\nparam m = ones()\nparam s = ones()\n"
                                   "graph g {\n  z ~ student_t(d, m, s) via %s\n  cost z * z\n}\n",
                                   {5.5, 0.2, 1.3},
                                   2.69571428571429,
                                   {-0.275918367346939, 0.4, 4.08571428571429}};
static const Problem p24 = {"P24",
                            TWO("von_mises", "sqrt(square(2 + cos(z))) - 2"),
                            {0.3, 1.9},
                            0.650248887818459,
                            {-0.201145552270591, 0.170508935048679}};
static const Problem p24_closed = {"P24 closed",
                                   TWO("von_mises", "cos(z)"),
                                   {0.3, 1.9},
                                   0.650248887818459,
                                   {-0.201145552270591, 0.170508935048679}};
/* Evidence lower bounds of conjugate models: every term is a moment. */
static const Problem p27 = {"P27",
                            TWO("beta", "log_prob(beta(a, b), z) - log_prob(beta(2, 2), z)"
                                        " - 7 * log(z) - 3 * log(1 - z)"),
                            {2, 3},
                            9.44314718055995,
                            {-2.52263186630355, 1.20203846793759}};
static const Problem p28 = {"P28",
                            TWO("gamma", "log_prob(gamma(a, b), z) - log_prob(gamma(2, 1), z)"
                                         " - sum(log_prob(poisson(z), [1, 4, 2, 3, 5, 2, 3, 3]))"),
                            {5, 2},
                            16.2553906569487,
                            {-0.926459114742307, 1.25}};
static const Problem p30 = {"P30",
                            LOCATION_SCALE("normal", "log(sigmoid(z))"),
                            {0.3, 1.7},
                            -0.837287176037191,
                            {0.450340889100621, -0.279860292667192}};

/* Where the law that is drawn from is the posterior, nothing varies. */
static const Problem p26 = {
    "P26 at its optimum",
    "param m = ones()\nparam s = ones()\ngraph g {\n  z ~ normal(m, s) via %s\n"
    "  d = [0.8, 1.3, -0.2, 0.5, 2.1, 1.0, 0.1, 0.9, 1.7, 0.4] - broadcast(z, [10])\n"
    "  cost log_prob(normal(m, s), z) + 0.5 * z * z + 0.5 * sum(d * d) + 10.1083238652514\n}\n",
    {0.781818181818181818, 0.301511344577763657},
    12.9765147866277,
    {0, 0}};

/* The relaxation trap: biased estimators of P1, and what their mean is.  The true gradient is
 * 0.024026. */
static const Problem p39_1 = {"P39", P1_TEXT, {0.4}, NAN, {0.029485}},
                     p39_2 = {"P39", P1_TEXT, {0.4}, NAN, {0.035013}},
                     p39_3 = {"P39", P1_TEXT, {0.4}, NAN, {0.028456}},
                     p39_4 = {"P39", P1_TEXT, {0.4}, NAN, {0.0714476162}};

static const struct {
    const Problem *problem;
    const char *via;
    double variance; /* of the first element, of `bits` of all; 0: not stated; -1: none */
} problem_case[] = {
    {&p1, "score", 0},
    {&p39_1, "gumbel_softmax biased", 0},
    {&p39_2, "gumbel_softmax(temperature = 0.5) biased", 0},
    {&p39_3, "gumbel_softmax(temperature = 0.1) biased", 0},
    {&p39_4, "straight_through biased", 0},
    {&p1, "enumerate", 0},
    {&p1, "measure_valued", 0},
    {&p2, "enumerate", 0},
    {&p2, "measure_valued", 0},
    {&p2, "score(samples = 2, baseline = leave_one_out)", 0},
    {&p1, "disarm", 0},
    {&p1, "disarm(samples = 6)", 0},
    {&p1, "local_expectation", 0},
    {&p1, "coupled", 0},
    {&p2, "disarm", 0},
    {&p2, "local_expectation", 0},
    {&p2, "coupled", 0},
    {&p3, "local_expectation", 0},
    {&p3, "unordered_set", 0},
    {&p3, "unordered_set(samples = 4)", 0},
    {&p3, "unordered_set(samples = 5)", 0},
    {&bits, "score", 2 * 0.94373},
    {&bits, "score(samples = 2, baseline = leave_one_out)", 0.18946},
    {&bits, "disarm", 0.12079},
    {&bits, "local_expectation", 0.05232},
    {&bits, "measure_valued", 0.05232},
    {&p4, "score(baseline = 40.2)", 0},
    {&p4, "coupled", 0},
    {&p5, "coupled", 0},
    {&p6, "coupled", 0},
    {&p7, "enumerate", 0},
    {&p7_steps, "score(samples = 2, baseline = leave_one_out)", 0},
    {&p7_steps, "measure_valued", 0},
    {&p33, "", 0},
    {&p35, "enumerate", 0},
    {&p35, "score", 0},
    {&p35, "score(baseline = learned)", 0},
    {&p35, "local_expectation", 0},
    {&p35, "unordered_set", 0},
    {&p36, "", 0},
    {&p3, "enumerate", 0},
    {&p3, "measure_valued", 0},
    {&p8, "score", 44.613},
    {&p8, "pathwise", 11.560},
    {&p8, "measure_valued", 0.0984},
    {&p8b, "score", 0},
    {&p8b, "pathwise", 0},
    {&p8b, "measure_valued", 0},
    {&p9, "score", 0},
    {&p9, "pathwise", -1},
    {&p9, "measure_valued", 0},
    {&p10, "score", 0},
    {&p10, "pathwise", 0},
    {&p10, "measure_valued", 0},
    {&p11, "score", 0},
    {&p11, "pathwise", 0},
    {&p11, "measure_valued", 0},
    {&p12, "pathwise", 0},
    {&p12, "measure_valued", 0},
    {&p13, "score", 0},
    {&p13, "pathwise", 0},
    {&p13, "measure_valued", 0},
    {&p19, "score", 0},
    {&p19, "pathwise", 0},
    {&p19, "measure_valued", 0},
    {&p21, "score", 0},
    {&p21, "pathwise", 0},
    {&p22, "score", 0},
    {&p22, "pathwise", 0},
    {&p22, "measure_valued", 0},
    {&p26, "sticking_the_landing", -1},
    {&p4, "score", 0},
    {&p4, "enumerate", 0},
    {&p4, "measure_valued", 0},
    {&p5, "score", 0},
    {&p5, "measure_valued", 0},
    {&p6, "score", 0},
    {&p6, "measure_valued", 0},
    {&p14, "implicit", 0},
    {&p14, "score", 0},
    {&p14_closed, "score", 0},
    {&p14b, "implicit", 0},
    {&p14b, "score", 0},
    {&p14d, "implicit", 0},
    {&p14d, "score", 0},
    {&p15, "implicit", 0},
    {&p15, "score", 0},
    {&p16, "score", 0},
    {&counts, "score", 0},
    {&p17_closed, "score", 0},
    {&p24, "implicit", 0},
    {&p24, "score", 0},
    {&p24_closed, "score", 0},
    {&p27, "score", 0},
    {&p28, "implicit", 0},
    {&p30, "score", 0},
    {&p30, "pathwise", 0},
    {&p30, "measure_valued", 0},
};

static void set_params(const TapeModel *t, const TapeInput *in, const double *value)
{
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t e = 0; e < ir_elements(&t->model.param[p].type); e++)
            in->param[p][e] = *value++;
}

static size_t gradients(const TapeModel *t)
{
    size_t count = 0;
    for (uint32_t p = 0; p < t->model.params; p++)
        count += (size_t)ir_elements(&t->model.param[p].type);
    return count;
}

/* The answers have 15 digits. */
static void check_answer(const Problem *p, const char *via, const char *what, double got,
                         double want)
{
    /* biased means are stated with fewer digits */
    double bound = strstr(via, "biased") ? 3e-5 : 1e-11 * (1 + fabs(want));
    if (!isnan(want) && !(fabs(got - want) <= bound))
        ck_abort_msg("%s via %s: %s is %.15g, not %.15g", p->id, via, what, got, want);
}

START_TEST(problem_is_reproduced)
{
    const Problem *p = problem_case[_i].problem;
    const char *via = problem_case[_i].via;
    char text[1024];
    snprintf(text, sizeof text, p->text, via);
    TapeModel *t = tape_compile(text);
    if (!t->ok)
        diags_render(t->diags, stderr);
    ck_assert_msg(t->ok, "%s", text);
    TapeInput in = tape_input(t, 1);
    set_params(t, &in, p->param);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    check_answer(p, via, "the value", r.value[0], p->value);
    for (size_t i = 0; i < gradients(t); i++)
        check_answer(p, via, "the gradient", r.value[1 + i], p->gradient[i]);
    double want = problem_case[_i].variance, variance = 0;
    for (size_t i = 1; i <= (p == &bits ? gradients(t) : 1); i++)
        variance += r.square[i] - r.value[i] * r.value[i];
    if (want < 0)
        ck_assert_msg(fabs(variance) < 1e-12, "%s via %s: variance %.6g", p->id, via, variance);
    if (want > 0)
        ck_assert_msg(fabs(variance - want) < 0.5e-3 * want, "%s via %s: variance %.6g, not %.6g",
                      p->id, via, variance, want);
    tape_free(t);
}
END_TEST

Suite *problem_suite(void)
{
    Suite *s = suite_create("problem");
    TCase *c = tcase_create("exact");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, problem_is_reproduced, 0, sizeof problem_case / sizeof *problem_case);
    suite_add_tcase(s, c);
    return s;
}
