/* Draws of the real generator, in f32 and f64, through native code: the mean of many gradients is
 * the exact expectation over the tape, which the suite `expectation` holds to the true gradient.
 *
 * Each test is calibrated: all of them together fail by chance once in a million runs, and the bias
 * that a test could not miss (but once in a thousand) is printed in its units of one sample's
 * deviation.  SGC_SAMPLES multiplies the number of batches.  estimators.md 3.3, tier C. */
#include "tests/laws/native.h"
#include "tests/laws/tape.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES = 64, BATCHES = 300, RESULTS = 8, PRECISIONS = 2 };

#define CHANCE 1e-6 /* of a false alarm in all tests together */
#define MISS 1e-3   /* of a bias of the size that is printed */

#define SCORE "score(samples = 2, baseline = leave_one_out)"

static const struct {
    const char *law, *cost;
    const char *via; /* besides the compiler's choice; NULL: that alone */
} sampled[] = {
    {"normal(a, exp(b))", "sin(0.8 * z)", SCORE},
    {"lognormal(a, 0.5)", "sin(0.8 * z)", SCORE},
    {"half_normal(exp(b))", "sin(0.8 * z)", SCORE},
    {"mvn(v, cholesky = [[1, 0], [0.5, 0.7]])", "sin(sum(z))", SCORE},
    {"uniform(a, a + exp(b))", "sin(0.8 * z)", "measure_valued"},
    {"laplace(a, exp(b))", "sin(0.8 * z)", SCORE},
    {"logistic(a, exp(b))", "sin(0.8 * z)", SCORE},
    {"gumbel(a, exp(b))", "sin(0.8 * z)", SCORE},
    {"cauchy(a, exp(b))", "1 / (4 + z * z)", SCORE},
    {"student_t(3 * exp(c), a, exp(b))", "1 / (4 + z * z)", SCORE},
    {"von_mises(a, 2 * exp(b))", "sin(0.8 * sin(z))", SCORE},
    {"von_mises(a, exp(c))", "sin(0.8 * sin(z))", "measure_valued"},
    {"exponential(exp(b))", "sin(0.8 * z)", SCORE},
    {"weibull(2 * exp(c), exp(b))", "sin(0.8 * z)", SCORE},
    {"half_cauchy(exp(b))", "1 / (2 + z)", SCORE},
    {"gamma(exp(c), exp(b))", "sin(0.8 * z)", SCORE},
    {"gamma(0.03 * exp(c), exp(b))", "sin(0.02 * log(z) + a)", SCORE},
    {"gamma(40 * exp(c), 20 * exp(b))", "sin(0.8 * z)", SCORE},
    {"inverse_gamma(2 * exp(c), exp(b))", "1 / (2 + z)", SCORE},
    {"beta(exp(b), exp(c))", "sin(0.8 * z)", SCORE},
    {"dirichlet(exp(v))", "sin(z[0])", SCORE},
    /* two samples of paired noise, angles and events */
    {"student_t(3 * exp(c), a, 1)", "1 / (4 + z * z)", "pathwise(samples = 2)"},
    {"von_mises(a, exp(c))", "cos(sin(z))", "implicit(samples = 2)"},
    {"beta(exp(b), 2)", "sin(0.8 * z)", "implicit(samples = 2)"},
    {"dirichlet(exp(v))", "cos(z[1])", "implicit(samples = 2)"},
    {"mvn(v, cholesky = [[1, 0], [0.5, 0.7]])", "cos(sum(z))", "pathwise(samples = 2)"},
    {"multinomial(2, exp(v))", "sin(0.8 * z[0])", "measure_valued(samples = 2)"},
    {"bernoulli(sigmoid(a))", "sin(z + b)", "rebar"},
    {"bernoulli(logits = a)", "sin(z + b)", "rebar(temperature = 0.5)"},
    {"categorical(exp(v))", "sin(z + b)", NULL},
    {"categorical(logits = v)", "sin(z + b)", NULL},
    {"one_hot_categorical(exp(v))", "sin(sum(v * z))", "measure_valued"},
    {"one_hot_categorical(logits = v)", "sin(sum(v * z))", "measure_valued"},
    {"one_hot_categorical(logits = [v[0], v[1], a])", "sin(sum([0.3, -0.9, 1.2] * z) + b)",
     "rebar"},
    {"categorical([exp(a), exp(b), 1])", "sin(sum([0.3, -0.9, 1.2] * one_hot(z, 3)))", "rebar"},
    {"geometric(0.5 + 0.4 * sigmoid(a))", "sin(0.8 * z)", NULL},
    {"poisson(exp(b))", "sin(0.8 * z)", "measure_valued"},
    {"binomial(5, sigmoid(a))", "sin(0.8 * z)", "measure_valued"},
    {"multinomial(3, exp(v))", "sin(0.8 * z[0])", "measure_valued"},
};

enum { CASES = sizeof sampled / sizeof *sampled, GRAPHS = 2 * CASES };

static const char params[] =
    "param a = ones()\nparam b = ones()\nparam c = ones()\nparam v[2] = ones()\n";

static bool is_moving(int i)
{
    return i < CASES;
}

/* Case i by the compiler's choice, which is pathwise or implicit where there is such a transport;
 * then by the other estimator, if it has one. */
static bool has_graph(int i)
{
    return is_moving(i) || sampled[i % CASES].via;
}

static void write_graph(FILE *out, int i, int copies)
{
    fprintf(out, "graph g%d {\n  plate k = %d {\n    z ~ %s", i, copies, sampled[i % CASES].law);
    if (!is_moving(i))
        fprintf(out, " via %s", sampled[i % CASES].via);
    fprintf(out, "\n    cost %s\n  }\n}\n", sampled[i % CASES].cost);
}

static char *program(bool (*wanted)(int i, int only), int only, int copies)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fputs(params, out);
    for (int i = 0; i < GRAPHS; i++)
        if (wanted(i, only))
            write_graph(out, i, copies);
    fclose(out);
    return text;
}

static bool any(int i, int only)
{
    (void)only;
    return has_graph(i);
}

static bool one(int i, int only)
{
    return i == only;
}

/* ---- the exact expectation ------------------------------------------------------------------ */

/* The objective and the gradient of one copy, by the compiler's choice whatever is tested, for the
 * parameters that the native model has. */
static size_t exact(const Native *n, int graph, double *result)
{
    char *text = program(one, graph, 1);
    TapeModel *t = tape_compile(text);
    if (!t->ok)
        diags_render(t->diags, stderr);
    ck_assert_msg(t->ok, "%s", text);
    TapeInput in = tape_input(t, 1);
    for (uint32_t p = 0; p < t->model.params; p++)
        memcpy(in.param[p], native_param(n, p),
               (size_t)ir_elements(&t->model.param[p].type) * sizeof(double));
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    memcpy(result, r.value, r.count * sizeof *result);
    size_t count = r.count;
    tape_free(t);
    free(text);
    return count;
}

/* ---- statistics ----------------------------------------------------------------------------- */

typedef struct Sums {
    size_t count;
    double first[RESULTS], mean[RESULTS], square[RESULTS];
} Sums;

/* Welford's update, of a batch's mean. */
static void add_batch(void *context, int64_t step, const double *result, size_t count)
{
    Sums *s = context;
    s->count = count;
    for (size_t i = 0; i < count; i++) {
        double x = result[i] / COPIES, d = x - s->mean[i];
        s->mean[i] += d / (double)(step + 1);
        s->square[i] += d * (x - s->mean[i]);
    }
}

/* z with P(|Z| > z) = p for a standard normal Z. */
static double two_sided(double p)
{
    double low = 0, high = 40;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        *(erfc(middle / sqrt(2)) > p ? &low : &high) = middle;
    }
    return low;
}

typedef struct Summary {
    int tests;
    double largest;
} Summary;

/* What rounding alone may change, which no sampling error hides where there is none. */
static double rounding(const Native *n)
{
    return n->options.real_bytes == 4 ? 2e-6 : 1e-12;
}

static void check_graph(Native *n, int graph, uint32_t index, int64_t steps, double limit,
                        Summary *all)
{
    double want[RESULTS];
    Sums s = {0};
    size_t count = exact(n, graph % CASES, want);
    native_steps(n, index, steps, add_batch, &s);
    ck_assert_uint_eq(s.count, count);
    for (size_t i = 0; i < count; i++) {
        double error = sqrt(s.square[i] / (double)(steps - 1) / (double)steps);
        double z = error > 0 ? (s.mean[i] - want[i]) / error : 0;
        bool same = fabs(s.mean[i] - want[i]) <= rounding(n) * (1 + fabs(want[i]));
        if (!same && !(fabs(z) <= limit))
            ck_abort_msg("%s, result %zu: mean %.9g of %lld samples, not %.9g: %.1f deviations",
                         sampled[graph % CASES].law, i, s.mean[i], (long long)(steps * COPIES),
                         want[i], z);
        all->largest = same ? all->largest : fmax(all->largest, fabs(z));
        all->tests++;
    }
}

START_TEST(means_are_the_exact_expectations)
{
    const char *times = getenv("SGC_SAMPLES");
    int64_t steps = BATCHES * (times ? atol(times) : 1);
    double limit = two_sided(CHANCE / (PRECISIONS * GRAPHS * RESULTS));
    char *text = program(any, 0, COPIES);
    Native *n = native_text("sampling", text, NULL, 0, _i ? 8 : 4);
    ck_assert(native_load(n));
    Summary all = {0};
    uint32_t index = 0;
    for (int i = 0; i < GRAPHS; i++)
        if (has_graph(i))
            check_graph(n, i, index++, steps, limit, &all);
    double samples = (double)(steps * COPIES);
    printf("sampling, %s: %d tests of %.0f samples; largest |z| %.2f of %.2f; smallest detectable "
           "bias "
           "%.3g deviations of a sample\n",
           _i ? "f64" : "f32", all.tests, samples, all.largest, limit,
           (limit + two_sided(2 * MISS)) / sqrt(samples));
    native_free(n);
    free(text);
}
END_TEST

Suite *sampling_suite(void)
{
    Suite *s = suite_create("sampling");
    TCase *c = tcase_create("generator");
    tcase_set_timeout(c, 3600);
    tcase_add_checked_fixture(c, scratch_make, scratch_remove);
    tcase_add_loop_test(c, means_are_the_exact_expectations, 0, PRECISIONS);
    suite_add_tcase(s, c);
    return s;
}
