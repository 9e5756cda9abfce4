#include "tests/laws/problem.h"

#include <math.h>

/* abs(z) * abs(z) is z^2 that the moment table does not integrate, sqrt(z) * sqrt(z) is z. */
#define LOCATION_SCALE(law, cost)                                                                  \
    "param m = ones()\nparam s = ones()\ngraph g {\n  z ~ " law "(m, s) via %s\n  cost " cost      \
    "\n}\n"
#define TWO(law, cost)                                                                             \
    "param a = ones()\nparam b = ones()\ngraph g {\n  z ~ " law "(a, b) via %s\n  cost " cost      \
    "\n}\n"
#define ONE(name, law, cost)                                                                       \
    "param " name " = ones()\ngraph g {\n  z ~ " law " via %s\n  cost " cost "\n}\n"
#define SQUARE(e) "abs(" e ") * abs(" e ")"

#define P1_TEXT                                                                                    \
    "param l = ones()\ngraph g {\n  b ~ bernoulli(logits = l) via %s\n  cost " SQUARE(             \
        "b - 0.45") "\n}\n"
#define RELAXED(how, by, mean)                                                                     \
    {                                                                                              \
        "P39, " how, P1_TEXT, {0.4}, NAN, {mean}, .via = { by " biased" }                          \
    }
#define LEAVE_ONE_OUT "score(samples = 2, baseline = leave_one_out)"

const Problem problem_list[] = {
    {"P1",
     P1_TEXT,
     {0.4},
     0.262368766011245,
     {0.0240260745741529},
     .via = {"score", "enumerate", "measure_valued", "disarm", "disarm(samples = 6)",
             "local_expectation", "coupled", "rebar(temperature = 8, scale = 15.5)"},
     .variance = {0.0141441, [7] = 0.0118842}},
    {"P1b",
     "param l = ones()\ngraph g {\n  b ~ bernoulli(logits = l) via %s\n  cost " SQUARE(
         "b - 0.49") "\n}\n",
     {0},
     0.2501,
     {0.005},
     .via = {"score", LEAVE_ONE_OUT, "disarm", "local_expectation", "coupled", "rebar",
             "rebar(temperature = 8)"},
     .variance = {0.0156375, [5] = 0.0177167, 0.0156286}},
    {"P2",
     "param l[4] = ones()\ngraph g {\n  b[4] ~ bernoulli(logits = l) via %s\n"
     "  e = sum([0.7, -1.2, 0.5, 2.0] * b) - 0.3\n  cost " SQUARE("e") "\n}\n",
     {0.4, -0.8, 1.3, 0},
     2.76735988660225,
     {0.360208908808809, -0.468204955201036, 0.167802006744946, 1.13996823095313},
     .via = {"enumerate", "measure_valued", LEAVE_ONE_OUT, "disarm", "local_expectation",
             "coupled"}},
    {"P2, 2 bits",
     "param l[2] = ones()\ngraph g {\n  b[2] ~ bernoulli(logits = l) via %s\n"
     "  e = sum([0.7, -1.2] * b) - 0.3\n  cost " SQUARE("e") "\n}\n",
     {0.4, -0.8},
     0.489741056824546,
     {-0.108319844568243, 0.246895583732868},
     .via = {"score", "rebar", "rebar(temperature = 0.5, scale = 1.2)"},
     .variance = {0.228777, 0.114538, 0.118155}},
    /* 200 bits: only what sums each over its values has a tape that can be walked. */
    {"P2c",
     "param a = ones()\nparam c = ones()\ngraph g {\n  plate k = 200 {\n"
     "    b ~ bernoulli(logits = a + c * sin(1.0 * k)) via %s\n"
     "    t = 0.5 + 0.3 * cos(1.0 * k)\n    cost " SQUARE("b - t") "\n  }\n}\n",
     {0.3, 0.8},
     58.99189935073246,
     {0.07864316178843387, -0.06628148170607691},
     .via = {"enumerate"}},
    {"P3",
     "param l[5] = ones()\ngraph g {\n  c ~ categorical(logits = l) via %s\n"
     "  cost gather([1.0, -2.0, 0.5, 4.0, 0.0], c)\n}\n",
     {0.3, -0.7, 1.1, 0, 0.5},
     0.781239139167533,
     {0.0393763468715099, -0.184166082023325, -0.112661918876328, 0.429206376751297,
      -0.171754722723154},
     .via = {"enumerate", "measure_valued", "local_expectation", "unordered_set",
             "unordered_set(samples = 4)", "unordered_set(samples = 5)"}},
    {"P4",
     ONE("p", "binomial(20, p)", SQUARE("z")),
     {0.3},
     40.2,
     {248},
     .via = {"score", "score(baseline = 40.2)", "enumerate", "measure_valued", "coupled"}},
    {"P5",
     ONE("p", "geometric(p)", SQUARE("z")),
     {0.35},
     8.75510204081633,
     {-68.8046647230321},
     .via = {"score", "measure_valued", "coupled"}},
    {"P6",
     ONE("r", "poisson(r)", SQUARE("z - 3")),
     {2.3},
     2.79,
     {-0.4},
     .via = {"score", "measure_valued", "coupled"}},
    /* A walk of +1 and -1: of 100 steps by their number that go up; as a chain of 100 steps, whose
     * state is that number; of 4 step by step. */
    {"P7",
     ONE("p", "binomial(100, p)", SQUARE("2 * z - 100")),
     {0.6},
     496,
     {7920},
     .via = {"enumerate"}},
    {"P7, 100 steps",
     "param p = ones()\ngraph g {\n  z[0] ~ categorical(one_hot(0, 101)) via %s\n"
     "  for t in 1..101 {\n"
     "    z[t] ~ categorical((1 - p) * one_hot(z[t-1], 101)"
     " + p * one_hot(min(z[t-1] + 1, 100), 101)) via %s\n  }\n"
     "  cost square(2.0 * z[100] - 100)\n}\n",
     {0.6},
     496,
     {7920},
     .via = {"enumerate"}},
    {"P7, 4 steps",
     "param p = ones()\ngraph g {\n  s[0] = 0.0\n  for t in 1..5 {\n    b ~ bernoulli(p) via %s\n"
     "    s[t] = s[t-1] + 2 * b - 1\n  }\n  cost " SQUARE("s[4]") "\n}\n",
     {0.6},
     4.48,
     {9.6},
     .via = {LEAVE_ONE_OUT, "measure_valued"}},
    {"P8",
     LOCATION_SCALE("normal", SQUARE("z")),
     {0.3, 1.7},
     2.98,
     {0.6, 3.4},
     .via = {"score", "pathwise", "measure_valued"},
     .variance = {44.613, 11.560, 0.0984}},
    {"P8b",
     LOCATION_SCALE("normal", "cos(z)"),
     {0.3, 1.7},
     0.225216829102015,
     {-0.0696677292633888, -0.382868609473426},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P9",
     LOCATION_SCALE("normal", "if z > 0 then 1 else 0"),
     {0.3, 1.7},
     0.570037873380893,
     {0.231046169948927, -0.0407728535203989},
     .via = {"score", "pathwise", "measure_valued"},
     .variance = {0, -1}},
    {"P10",
     LOCATION_SCALE("normal", "relu(z)"),
     {0.3, 1.7},
     0.838734793166667,
     {0.570037873380893, 0.392778488913176},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P11",
     LOCATION_SCALE("lognormal", "sqrt(z) * sqrt(z)"),
     {0.3, 0.6},
     1.61607440219289,
     {1.61607440219289, 0.969644641315736},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P12",
     LOCATION_SCALE("uniform", SQUARE("z")),
     {-0.7, 1.9},
     0.923333333333333,
     {0.166666666666667, 1.03333333333333},
     .via = {"pathwise", "measure_valued"}},
    {"P13",
     ONE("r", "exponential(r)", SQUARE("z")),
     {1.3},
     1.18343195266272,
     {-1.82066454255803},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P14",
     TWO("gamma", "log(relu(z))"),
     {2.3, 1.4},
     0.263567643742757,
     {0.542537458665258, -0.714285714285714},
     .via = {"score", "implicit"}},
    {"P14, closed",
     TWO("gamma", "log(z)"),
     {2.3, 1.4},
     0.263567643742757,
     {0.542537458665258, -0.714285714285714},
     .via = {"score"}},
    {"P14b",
     TWO("gamma", "sqrt(z)"),
     {2.3, 1.4},
     1.21443289982682,
     {0.292079745186946, -0.433726035652436},
     .via = {"score", "implicit"}},
    {"P14d",
     ONE("a", "gamma(a, 1)", "exp(-abs(z))"),
     {0.1},
     0.933032991536807,
     {-0.646729187453149},
     .via = {"score", "implicit"}},
    {"P15",
     TWO("beta", SQUARE("z")),
     {2.5, 1.8},
     0.383940324703817,
     {0.101543347206817, -0.161730018304372},
     .via = {"score", "implicit"}},
    {"P16",
     ONE("a[3]", "dirichlet(a)", "z[0] * z[1]"),
     {0.5, 1.5, 3},
     0.025,
     {0.0408333333333333, 0.0075, -0.00916666666666667},
     .via = {"score"}},
    {"P17",
     "param d = ones()\nparam m = ones()\nparam s = ones()\ngraph g {\n"
     "  z ~ student_t(d, m, s) via %s\n  cost " SQUARE("z") "\n}\n",
     {5.5, 0.2, 1.3},
     2.69571428571429,
     {-0.275918367346939, 0.4, 4.08571428571429},
     .via = {"score", "pathwise"},
     .heavy = true},
    {"P17, closed",
     "param d = ones()\nparam m = ones()\nparam s = ones()\ngraph g {\n"
     "  z ~ student_t(d, m, s) via %s\n  cost z * z\n}\n",
     {5.5, 0.2, 1.3},
     2.69571428571429,
     {-0.275918367346939, 0.4, 4.08571428571429},
     .via = {"score"}},
    {"P19",
     LOCATION_SCALE("logistic", SQUARE("z")),
     {0.4, 0.7},
     1.77203538551126,
     {0.8, 4.60581538717503},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P19, cos",
     LOCATION_SCALE("logistic", "cos(z)"),
     {0.4, 0.7},
     0.454859635607976,
     {-0.192311569412763, -0.814772319830011},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P21",
     "param k = ones()\nparam l = ones()\ngraph g {\n  z ~ weibull(k, l) via %s\n  cost " SQUARE(
         "z") "\n}\n",
     {1.6, 1.2},
     1.63152445869986,
     {-0.729784034405317, 2.71920743116643},
     .via = {"score", "pathwise"}},
    {"P22",
     ONE("s", "half_normal(s)", "sqrt(z) * sqrt(z)"),
     {1.7},
     1.35640375336487,
     {0.797884560802865},
     .via = {"score", "pathwise", "measure_valued"}},
    {"P23",
     LOCATION_SCALE("cauchy", "cos(z)"),
     {0.3, 0.8},
     0.429260355042192,
     {-0.132785788334847, -0.429260355042192},
     .via = {"score", "pathwise"},
     .frequency = 0.8},
    {"P24",
     TWO("von_mises", "sqrt(square(2 + cos(z))) - 2"),
     {0.3, 1.9},
     0.650248887818459,
     {-0.201145552270591, 0.170508935048679},
     .via = {"score", "implicit"}},
    {"P24, closed",
     TWO("von_mises", "cos(z)"),
     {0.3, 1.9},
     0.650248887818459,
     {-0.201145552270591, 0.170508935048679},
     .via = {"score"}},
/* Evidence lower bounds of conjugate models, less 1: every term is a moment.  At the optimum
 * they are the evidence. */
#define P26_TEXT                                                                                   \
    "param m = ones()\nparam s = ones()\ngraph g {\n  z ~ normal(m, s) via %s\n"                   \
    "  x = [0.8, 1.3, -0.2, 0.5, 2.1, 1.0, 0.1, 0.9, 1.7, 0.4]\n"                                  \
    "  cost log_prob(normal(m, s), z) - log_prob(normal(0, 1), z)\n"                               \
    "  cost -log_prob(normal(z, 1), x)\n}\n"
    {"P26", P26_TEXT, {0, 0.5}, 16.7075325126067, {-8.6, 3.5}, .via = {"pathwise", "score"}},
    {"P26, optimum",
     P26_TEXT,
     {0.781818181818181818, 0.301511344577763657},
     12.9765147866277,
     {0, 0},
     .via = {"sticking_the_landing", "pathwise"},
     .variance = {-1}},
#define P27_TEXT                                                                                   \
    TWO("beta", "log_prob(beta(a, b), z) - log_prob(beta(2, 2), z) - 7 * log(z) - 3 * log(1 - z)")
    {"P27",
     P27_TEXT,
     {2, 3},
     9.44314718055995,
     {-2.52263186630355, 1.20203846793759},
     .via = {"score"}},
    {"P27, optimum", P27_TEXT, {9, 5}, 6.97774765080217, {0, 0}, .via = {"score"}},
#define P28_TEXT                                                                                   \
    TWO("gamma", "log_prob(gamma(a, b), z) - log_prob(gamma(2, 1), z)"                             \
                 " - sum(log_prob(poisson(z), [1, 4, 2, 3, 5, 2, 3, 3]))")
    {"P28", P28_TEXT, {5, 2}, 16.2553906569487, {-0.926459114742307, 1.25}, .via = {"implicit"}},
    {"P28, optimum", P28_TEXT, {25, 9}, 14.8730033772272, {0, 0}, .via = {"implicit"}},
    {"P30",
     LOCATION_SCALE("normal", "log(sigmoid(z))"),
     {0.3, 1.7},
     -0.837287176037191,
     {0.450340889100621, -0.279860292667192},
     .via = {"score", "pathwise", "measure_valued"}},
    /* A mixture of two, its indicator summed inside the logarithm by the program. */
    {"P33",
     "param w = ones()\nparam m[2] = ones()\nparam s = ones()\ngraph g {\n"
     "  x = [-1.2, 0.3, 2.5, 1.9]\n"
     "  first = log_prob(normal(m[0], exp(s)), x) + log(sigmoid(w))\n"
     "  second = log_prob(normal(m[1], exp(s)), x) + log(sigmoid(-w))\n"
     "  cost sum(logsumexp(stack(first, second), axis = 0))\n}\n",
     {0.2, -0.5, 1.5, -0.1},
     -6.9986655792347,
     {-0.498831396607428, -0.0475671949486766, 1.14806229898338, -0.418599500460888},
     .via = {""}},
    /* Probabilistic PCA of four points at its optimum, where the linear autoencoder has no gap. */
    {"P34b",
     "param W[2] = ones()\nparam A[2] = ones()\nparam v = ones()\nparam s = ones()\ngraph g {\n"
     "  points = [[1.2, 1.6], [-1.2, -1.6], [-0.8, 0.6], [0.8, -0.6]]\n  plate n = 4 {\n"
     "    x = points[n]\n    q = normal(sum(x * A), v)\n    z ~ q via %s\n"
     "    cost log_prob(q, z) - log_prob(normal(0, 1), z) - sum(log_prob(normal(z * W, s), x))\n"
     "  }\n}\n",
     {0.73484692283495343, 0.97979589711327124, 0.36742346141747671, 0.48989794855663562, 0.5,
      0.70710678118654752},
     11.351508265637382,
     {0, 0, 0, 0, 0, 0},
     .via = {"pathwise"}},
    {"P35",
     "param l[3] = ones()\ngraph g {\n  a ~ categorical(logits = l) via %s\n"
     "  cost gather([1.0, 0.2, -0.5], a)\n}\n",
     {0.1, 0.4, -0.3},
     0.309521979924963,
     {0.22862156631861, -0.0489504815412114, -0.179671084777398},
     .via = {"enumerate", "score", "score(baseline = learned)", "local_expectation",
             "unordered_set"}},
    /* The iterated prisoner's dilemma of LOLA, by its closed form; the other's policy is data. */
    {"P36",
     "param a[5] = ones()\ngraph g {\n  b = [0.0, 0.2, -0.1, 0.3, 0.1]\n"
     "  p = sigmoid(a)\n  q = sigmoid(gather(b, [0, 1, 3, 2, 4]))\n"
     "  start = stack(p[0] * q[0], p[0] * (1 - q[0]), (1 - p[0]) * q[0], (1 - p[0]) * (1 - "
     "q[0]))\n"
     "  c = p[1:5]\n  d = q[1:5]\n"
     "  move = transpose(stack(c * d, c * (1 - d), (1 - c) * d, (1 - c) * (1 - d)))\n"
     "  cost start @ solve(diag([1.0, 1.0, 1.0, 1.0]) - 0.96 * move, [-1.0, -3.0, 0.0, -2.0])\n"
     "}\n",
     {0.1, -0.2, 0.3, 0.4, -0.5},
     -36.1237537157917,
     {-0.2261745553757, -1.40188805386248, -1.22874474826555, -1.39231748170573, -1.18277863167258},
     .via = {""}},
    /* The relaxation trap: biased estimators of P1, whose gradient is 0.024026, and their mean. */
    RELAXED("temperature 1", "gumbel_softmax", 0.029485),
    RELAXED("temperature 0.5", "gumbel_softmax(temperature = 0.5)", 0.035013),
    RELAXED("temperature 0.1", "gumbel_softmax(temperature = 0.1)", 0.028456),
    RELAXED("straight through", "straight_through", 0.0714476162),
    /* A bound of two samples; what squared weights make of the second element of its gradient is
     * tests/mutants/factor.c. */
    {"P38",
     "param m = ones()\nparam t = ones()\ngraph g {\n  plate k = 2 {\n    z ~ normal(m, 0.8) via "
     "%s\n"
     "    w = log_prob(normal(t, 1.3), z) + log_prob(normal(z, 1.5), 0.7) - log_prob(normal(m, "
     "0.8), "
     "z)\n  }\n  cost -logmeanexp(w, over = k)\n}\n",
     {0.3, -0.2},
     1.73526355813973,
     {0.0817321203494246, -0.275100830148783},
     .via = {"dreg", "vimco", "pathwise", "score"}},
    /* Three bits, of whose estimators the variances are known (5.3, there for two evaluations of
     * the cost: twice that for estimators of one). */
    {"three bits",
     "param l[3] = ones()\ngraph g {\n  b[3] ~ bernoulli(logits = l) via %s\n"
     "  e = sum([0.7, -1.2, 0.5] * b) - 0.3\n  cost " SQUARE(
         "e") " + 0.4 * b[0] * b[1]"
              " - 0.2 * b[2] * b[0] + exp(0.3 * b[1] * b[2])\n}\n",
     {0.4, -0.8, 1.3},
     1.5528085801104083,
     {0.0158775899048246, 0.1552148235549518, -0.00239347775419458},
     .via = {"score", "score(baseline = 1.5528085801104083)", LEAVE_ONE_OUT, "disarm",
             "local_expectation", "measure_valued"},
     .variance = {2 * 0.94373, 2 * 0.10444, 0.18946, 0.12079, 0.05232, 0.05232},
     .of_all = true},
    /* n sum w^2 p + n (n - 1) (sum w p)^2 */
    {"counts",
     ONE("v[3]", "multinomial(4, v)", "square(sum([1.0, 2.0, 0.0] * z))"),
     {1, 2, 3},
     43.0 / 3,
     {2.0 / 9, 50.0 / 9, -34.0 / 9},
     .via = {"score"}},
};
const size_t problem_count = sizeof problem_list / sizeof *problem_list;
