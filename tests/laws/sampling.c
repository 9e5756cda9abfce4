/* Draws of the real generator, in f32 and f64, through native code: the mean of many gradients is
 * the exact expectation over the tape, which the suite `expectation` holds to the true gradient.
 *
 * Each test is calibrated: all of them together fail by chance once in a million runs, and so do
 * the sums of their squares.  A test that could miss a bias of the target's size (more than once in
 * a thousand) is no pass: it is named as inconclusive.  Graphs have noise of their own, so that
 * errors of different graphs are independent.  SGC_SAMPLES multiplies the number of batches.
 * estimators.md 3.3, tier C. */
#include "tests/laws/native.h"
#include "tests/laws/tape.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COPIES = 64, BATCHES = 300, RESULTS = 8, PRECISIONS = 2 };

#define CHANCE 1e-6      /* of a false alarm in all tests together */
#define MISS 1e-3        /* of a bias of the size that is printed */
#define TARGET 0.01      /* a bias that must not hide, in deviations of one sample... */
#define SHORT_TARGET 0.1 /* ...and in the short run, without SGC_SAMPLES */

#define SCORE "score(samples = 2, baseline = leave_one_out)"

static const struct {
    const char *law, *cost;
    const char *via; /* besides the compiler's choice; NULL: that alone */
} sampled[] = {
    {"normal(a, exp(b))", "sin(0.8 * z)", SCORE},
    {"lognormal(a, 0.5)", "sin(0.8 * z)", SCORE},
    {"half_normal(exp(b))", "sin(0.8 * z)", SCORE},
    {"mvn(v, cholesky = [[1, 0], [0.5, 0.7]])", "sin(sum(sin(z)))", SCORE},
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
    {"mvn(v, cholesky = [[1, 0], [0.5, 0.7]])", "cos(sum(sin(z)))", "pathwise(samples = 2)"},
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

/* The means of all batches, of every result. */
typedef struct Batches {
    int64_t steps;
    size_t count;
    double (*mean)[RESULTS];
} Batches;

static void keep_batch(void *context, int64_t step, const double *result, size_t count)
{
    Batches *b = context;
    b->count = count;
    for (size_t i = 0; i < count; i++)
        b->mean[step][i] = result[i] / COPIES;
}

/* Of a batch's mean: its mean, the covariances, and the kurtosis of each result. */
typedef struct Spread {
    double mean[RESULTS], covariance[RESULTS][RESULTS], kurtosis[RESULTS];
} Spread;

/* The mean is taken of what is left of a first one: the rounding of a long sum would look like a
 * spread of what has none. */
static void find_mean(const Batches *b, Spread *s)
{
    double first[RESULTS] = {0}, n = (double)b->steps;
    for (int64_t t = 0; t < b->steps; t++)
        for (size_t i = 0; i < b->count; i++)
            first[i] += b->mean[t][i] / n;
    for (int64_t t = 0; t < b->steps; t++)
        for (size_t i = 0; i < b->count; i++)
            s->mean[i] += (b->mean[t][i] - first[i]) / n;
    for (size_t i = 0; i < b->count; i++)
        s->mean[i] += first[i];
}

static Spread spread_of(const Batches *b)
{
    Spread s = {0};
    double n = (double)b->steps;
    find_mean(b, &s);
    for (int64_t t = 0; t < b->steps; t++)
        for (size_t i = 0; i < b->count; i++) {
            double d = b->mean[t][i] - s.mean[i];
            s.kurtosis[i] += d * d * d * d / n;
            for (size_t j = 0; j < b->count; j++)
                s.covariance[i][j] += d * (b->mean[t][j] - s.mean[j]) / (n - 1);
        }
    for (size_t i = 0; i < b->count; i++)
        s.kurtosis[i] /= s.covariance[i][i] * s.covariance[i][i];
    return s;
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

/* The quantile of chi-square that a normal's z is (Wilson & Hilferty, 1931). */
static double chi_square(double freedom, double z)
{
    double c = 2 / (9 * freedom);
    return freedom * pow(1 - c + z * sqrt(c), 3);
}

typedef struct Summary {
    double limit, target;
    int tests, inconclusive, freedom;
    double largest, squares; /* |z|, and the sum of z^2 over what varies on its own */
} Summary;

/* What rounding alone may change, which no sampling error hides where there is none. */
static double rounding(const Native *n)
{
    return n->options.real_bytes == 4 ? 2e-6 : 1e-12;
}

/* The squares of errors, made independent by the Cholesky factor of their covariance; results that
 * follow from those before, or do not vary, add nothing. */
static void add_squares(const Spread *s, const double *error, const bool *varies, size_t count,
                        double steps, Summary *all)
{
    double factor[RESULTS][RESULTS] = {0}, z[RESULTS] = {0};
    for (size_t i = 0; i < count; i++) {
        double rest = error[i], pivot = s->covariance[i][i];
        for (size_t j = 0; j < i; j++) {
            double sum = s->covariance[i][j];
            for (size_t k = 0; k < j; k++)
                sum -= factor[i][k] * factor[j][k];
            factor[i][j] = factor[j][j] > 0 ? sum / factor[j][j] : 0;
            rest -= factor[i][j] * z[j];
            pivot -= factor[i][j] * factor[i][j];
        }
        if (!varies[i] || pivot <= 1e-4 * s->covariance[i][i])
            continue;
        factor[i][i] = sqrt(pivot);
        z[i] = rest / factor[i][i];
        all->squares += z[i] * z[i] * steps;
        all->freedom++;
    }
}

/* The bias that result i could not hide, in deviations of a sample.  The deviation itself is known
 * from the batches alone, the less the heavier their tails. */
static double detectable(const Spread *s, size_t i, int64_t steps, double limit)
{
    double miss = two_sided(2 * MISS), unsure = sqrt((s->kurtosis[i] - 1) / (double)steps);
    return (limit + miss) * sqrt((1 + miss * unsure) / (double)(steps * COPIES));
}

static void describe(FILE *out, int graph)
{
    fprintf(out, "%s", sampled[graph % CASES].law);
    if (!is_moving(graph))
        fprintf(out, " via %s", sampled[graph % CASES].via);
}

static void check_graph(Native *n, int graph, uint32_t index, Batches *b, Summary *all)
{
    double want[RESULTS], error[RESULTS];
    bool varies[RESULTS];
    size_t count = exact(n, graph % CASES, want);
    uint64_t seed = 12345 + 1000 * (uint64_t)n->options.real_bytes + (uint64_t)graph;
    native_steps(n, index, seed, b->steps, keep_batch, b);
    ck_assert_uint_eq(b->count, count);
    Spread s = spread_of(b);
    for (size_t i = 0; i < count; i++) {
        double least = rounding(n) * (1 + fabs(want[i]));
        error[i] = s.mean[i] - want[i];
        varies[i] = sqrt(COPIES * s.covariance[i][i]) > least;
        double z = error[i] / sqrt(s.covariance[i][i] / (double)b->steps);
        bool same = fabs(error[i]) <= least;
        if (!same && !(fabs(z) <= all->limit))
            ck_abort_msg("%s, result %zu: mean %.9g of %lld samples, not %.9g: %.1f deviations",
                         sampled[graph % CASES].law, i, s.mean[i], (long long)(b->steps * COPIES),
                         want[i], z);
        all->tests++;
        all->largest = same ? all->largest : fmax(all->largest, fabs(z));
        double bias = varies[i] ? detectable(&s, i, b->steps, all->limit) : 0;
        if (bias > all->target) {
            printf("  inconclusive: ");
            describe(stdout, graph);
            printf(", result %zu: a bias of %.3g deviations\n", i, bias);
            all->inconclusive++;
        }
    }
    add_squares(&s, error, varies, count, (double)b->steps, all);
}

static void check_squares(const Summary *all, double chance)
{
    double z = two_sided(chance), low = chi_square(all->freedom, -z);
    double high = chi_square(all->freedom, z);
    printf("  sum of z^2 %.1f, of %d degrees of freedom: from %.1f to %.1f\n", all->squares,
           all->freedom, low, high);
    ck_assert_msg(all->squares >= low && all->squares <= high,
                  "the sum of z^2 is %.1f, not from %.1f to %.1f", all->squares, low, high);
}

START_TEST(means_are_the_exact_expectations)
{
    const char *times = getenv("SGC_SAMPLES");
    Batches b = {.steps = BATCHES * (times ? atol(times) : 1)};
    b.mean = calloc((size_t)b.steps, sizeof *b.mean);
    char *text = program(any, 0, COPIES);
    Native *n = native_text("sampling", text, NULL, 0, _i ? 8 : 4);
    ck_assert(b.mean && native_load(n));
    Summary all = {.limit = two_sided(CHANCE / (PRECISIONS * GRAPHS * RESULTS)),
                   .target = times ? TARGET : SHORT_TARGET};
    uint32_t index = 0;
    for (int i = 0; i < GRAPHS; i++)
        if (has_graph(i))
            check_graph(n, i, index++, &b, &all);
    printf("sampling, %s: %d tests of %lld samples; largest |z| %.2f of %.2f; %d inconclusive: a "
           "bias of %g deviations of a sample might hide\n",
           _i ? "f64" : "f32", all.tests, (long long)(b.steps * COPIES), all.largest, all.limit,
           all.inconclusive, all.target);
    check_squares(&all, CHANCE / PRECISIONS);
    native_free(n);
    free(text);
    free(b.mean);
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
