#include "tests/laws/pair.h"

#include "passes/estimator.h"
#include "tests/laws/softened.h"
#include "tests/laws/values.h"

#include <stdlib.h>
#include <string.h>

/* ---- a program for every law ---------------------------------------------------------------- */

/* Declarations of the arguments, the law, and what a cost reads of its draw. */
typedef struct LawText {
    const char *declare, *law, *sum, *only;
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
                           "student_t(7 + d, m, s)", "1 / (4 + z * z)"},
    [IR_DIST_gamma] = {"param k in positive = ones()\nparam r in positive = ones()", "gamma(k, r)",
                       "z"},
    [IR_DIST_inverse_gamma] = {"param k in positive = ones()\nparam r in positive = ones()",
                               "inverse_gamma(9 + k, r)", "1 / (2 + z)"},
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
                     "mvn(m, cholesky = c)", "sum(sin(z))"},
};

/* What the log-weights of a bound are of: laws with lighter tails, so that weights are bounded. */
static const char *const target_text[IR_DIST_COUNT] = {
    [IR_DIST_normal] = "normal(0.4, 0.7)",
    [IR_DIST_lognormal] = "lognormal(0.6, 0.22)",
    [IR_DIST_half_normal] = "half_normal(1.4)",
    [IR_DIST_mvn] = "mvn([0.4], cholesky = [[0.7]])",
    [IR_DIST_laplace] = "logistic(0.4, 0.5)",
    [IR_DIST_logistic] = "logistic(0.4, 0.7)",
    [IR_DIST_gumbel] = "gumbel(0.5, 0.8)",
    [IR_DIST_cauchy] = "cauchy(0.4, 0.7)",
    [IR_DIST_student_t] = "student_t(14, 0.4, 0.7)",
    [IR_DIST_von_mises] = "von_mises(0.4, 1.5)",
    [IR_DIST_exponential] = "exponential(2.2)",
    [IR_DIST_weibull] = "weibull(2.1, 0.83)",
    [IR_DIST_half_cauchy] = "half_cauchy(1.4)",
    [IR_DIST_gamma] = "gamma(2.1, 0.95)",
    [IR_DIST_inverse_gamma] = "inverse_gamma(11.3, 0.87)",
    [IR_DIST_beta] = "beta(3, 2)",
    [IR_DIST_dirichlet] = "dirichlet([3.0, 2.0])",
};

/* Of estimators that have no rule in every argument, or too many axes of noise. */
static const LawText measured_text[IR_DIST_COUNT] = {
    [IR_DIST_gamma] = {"param r in positive = ones()", "gamma(1.7, r)", "z", "in rate"},
    [IR_DIST_inverse_gamma] = {"param r in positive = ones()", "inverse_gamma(1.7, r)",
                               "1 / (2 + z)", "in rate"},
    [IR_DIST_student_t] = {"param m = ones()\nparam s in positive = ones()", "student_t(3, m, s)",
                           "1 / (4 + z * z)", "in loc, scale"},
    [IR_DIST_weibull] = {"param s in positive = ones()", "weibull(1.7, s)", "z", "in scale"},
    [IR_DIST_mvn] = {"param m[1] = ones()\nparam c[1, 1] in cholesky = identity()",
                     "mvn(m, cholesky = c)", "sum(z)", "of one element"},
};

/* Of softened draws: categories are read by one_hot. */
#define HOT "sum([0.3, 1, -0.5] * one_hot(z, 3))"
static const LawText softened_text[IR_DIST_COUNT] = {
    [IR_DIST_categorical] = {"param p[3] in simplex = ones()", "categorical(2 * p)", HOT,
                             "by one_hot"},
    [IR_DIST_categorical_logits] = {"param l[3] = ones()", "categorical(logits = l)", HOT,
                                    "by one_hot"},
};

/* ---- what stands after via ------------------------------------------------------------------ */

static const struct {
    IrEstimator estimator;
    const char *via;
} via_text[] = {
    {IR_EST_AUTO, ""},
    {IR_EST_PATHWISE, " via pathwise"},
    {IR_EST_PATHWISE, " via pathwise(samples = 2)"},
    {IR_EST_IMPLICIT, " via implicit"},
    {IR_EST_IMPLICIT, " via implicit(samples = 2)"},
    {IR_EST_SCORE, " via score"},
    {IR_EST_SCORE, " via score(samples = 2)"},
    {IR_EST_SCORE, " via score(samples = 2, baseline = leave_one_out)"},
    {IR_EST_SCORE, " via score(baseline = moving_average)"},
    {IR_EST_ENUMERATE, " via enumerate"},
    {IR_EST_MEASURE_VALUED, " via measure_valued"},
    {IR_EST_REBAR, " via rebar"},
    {IR_EST_REBAR, " via rebar(temperature = 1.5, scale = 0.7)"},
    {IR_EST_RELAX, " via relax"},
    {IR_EST_RELAX, " via relax(temperature = 1.5)"},
    {IR_EST_DISARM, " via disarm"},
    {IR_EST_DISARM, " via disarm(samples = 3)"},
    {IR_EST_DISARM, " via disarm(samples = 4)"},
    {IR_EST_LOCAL_EXPECTATION, " via local_expectation"},
    {IR_EST_LOCAL_EXPECTATION, " via local_expectation(samples = 2)"},
    {IR_EST_VIMCO, " via vimco"},
    {IR_EST_DREG, " via dreg"},
    {IR_EST_STL, " via sticking_the_landing"},
    {IR_EST_COUPLED, " via coupled"},
    {IR_EST_COUPLED, " via coupled(samples = 2)"},
    {IR_EST_UNORDERED_SET, " via unordered_set"},
    {IR_EST_UNORDERED_SET, " via unordered_set(samples = 3)"},
    {IR_EST_STRAIGHT_THROUGH, " via straight_through"},
    {IR_EST_GUMBEL_SOFTMAX, " via gumbel_softmax"},
};
enum { VIAS = sizeof via_text / sizeof *via_text };

/* One draw of the law's program has two base variates, so that two samples would have four; or it
 * is an angle, whose evaluator is slow. */
static bool is_wide(IrDist d)
{
    bool vector = ir_dist_info[d].event && ir_dist_info[d].elem == IR_REAL;
    return vector || ir_dist_info[d].noise == IR_NOISE_PAIR || ir_dist_info[d].support == IR_CIRCLE;
}

/* Bounds of two samples that hold the draws: over its values, where these have fewer axes. */
static bool is_over_values(IrDist d, IrEstimator e)
{
    return e == IR_EST_VIMCO && values_know(d);
}

static bool is_bound(IrEstimator e)
{
    return e == IR_EST_VIMCO || e == IR_EST_DREG;
}

static void write_bound(Pair *p, IrDist d, const LawText *l, const char *via, int samples)
{
    static const char text[] = "%s\nparam a = ones()\ngraph g {\n  plate j = %d {\n    z ~ %s%s\n"
                               "    w = 0.5 * sin(0.8 * %s + a)%s%s%s - log_prob(%s, z)\n  }\n"
                               "  cost -logmeanexp(w, over = j)\n}\n";
    const char *target = target_text[d];
    snprintf(p->text, sizeof p->text, text, l->declare, samples, l->law, via, l->sum,
             target ? " + log_prob(" : "", target ? target : "", target ? ", z)" : "", l->law);
}

/* A program that fulfils what the estimator needs of it (passes/legality.def), if one can. */
static void write_program(Pair *p, IrDist d, const LawText *l, IrEstimator e, const char *via)
{
    static const char plain[] = "%s\nparam a = ones()\ngraph g {\n  z ~ %s%s\n"
                                "  cost sin(0.8 * %s + a)\n}\n";
    static const char own_density[] = "%s\nparam a = ones()\ngraph g {\n  z ~ %s%s\n"
                                      "  cost sin(0.8 * %s + a) + log_prob(%s, z)\n}\n";
    if (is_bound(e))
        write_bound(p, d, l, via, e == IR_EST_DREG && l == &law_text[d] && is_wide(d) ? 1 : 2);
    else if (e == IR_EST_STL)
        snprintf(p->text, sizeof p->text, own_density, l->declare, l->law, via, l->sum, l->law);
    else
        snprintf(p->text, sizeof p->text, plain, l->declare, l->law, via, l->sum);
}

/* ---- reasons -------------------------------------------------------------------------------- */

/* The row of legality.def that a message cites. */
static const char *cited_row(const char *messages)
{
    for (size_t i = 0; i < es_rows(); i++)
        if (strstr(messages, es_row(i)->row))
            return es_row(i)->row;
    return NULL;
}

static void take_reason(Pair *p, const TapeModel *t, IrDist d, IrEstimator e)
{
    char *messages = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&messages, &size);
    diags_render(t->diags, out);
    fclose(out);
    const char *row = diags_has(t->diags, SG0607) ? cited_row(messages) : NULL;
    const char *law = ir_refusal(d, e);
    if (row)
        snprintf(p->refused, sizeof p->refused, "needs: %s", row);
    else if (diags_has(t->diags, SG0602))
        snprintf(p->refused, sizeof p->refused, "not built yet");
    else if (diags_has(t->diags, SG0603) && law)
        snprintf(p->refused, sizeof p->refused, "%s", law);
    else if (diags_has(t->diags, SG0604))
        snprintf(p->refused, sizeof p->refused, "biased, and refused without that word");
    else
        snprintf(p->refused, sizeof p->refused, "unexplained: %.120s", messages);
    free(messages);
}

/* ---- measuring ------------------------------------------------------------------------------ */

static TapeMean *mean_of(IrDist d, IrEstimator e)
{
    bool softened = e == IR_EST_REBAR || e == IR_EST_RELAX;
    if (softened && ir_dist_info[ir_category_law(d)].support == IR_CATEGORIES)
        return softened_expectation;
    return is_over_values(d, e) ? values_expectation : NULL;
}

/* Keeps the program with the largest error; without `exact` none is measured. */
static void take_exact(Pair *p, Pair *now, Exact *exact, TapeModel *t, IrDist d, IrEstimator e)
{
    if (exact) {
        exact->mean = mean_of(d, e);
        exact_find(exact, now->text, 1);
        now->worst = slope_error(exact, t, 1);
    }
    if (!p->exact || now->worst.error > p->worst.error) {
        memcpy(p->text, now->text, sizeof p->text);
        p->worst = now->worst;
    }
    p->exact = true;
}

/* False: refused. */
static bool measure(Pair *p, Exact *exact, IrDist d, const LawText *l, IrEstimator e,
                    const char *via)
{
    Pair now = {0};
    write_program(&now, d, l, e, via);
    TapeModel *t = tape_compile(now.text);
    bool ok = t->ok;
    if (!ok) {
        memcpy(p->text, now.text, sizeof p->text);
        take_reason(p, t, d, e);
    } else {
        take_exact(p, &now, exact, t, d, e);
    }
    tape_free(t);
    return ok;
}

/* The program with fewer arguments or elements that stands for the whole law; NULL: none. */
static const LawText *lesser(IrDist d, IrEstimator e)
{
    if (e == IR_EST_REBAR)
        return softened_text[d].law ? &softened_text[d] : NULL;
    bool wanted = e == IR_EST_MEASURE_VALUED || (is_bound(e) && d == IR_DIST_mvn);
    return wanted && measured_text[d].law && ir_admits(d, e) ? &measured_text[d] : NULL;
}

static void measure_closed(Pair *p, IrDist law);

double pair_bound(IrEstimator e)
{
    return is_bound(e) ? 1e-9 : 1e-11;
}

bool pair_is_slow(IrDist law, IrEstimator e)
{
    return is_bound(e) && ir_dist_info[law].arguments > 1 && !is_over_values(law, e);
}

Pair pair_measure(IrDist law, IrEstimator e, Exact *exact)
{
    Pair p = {0};
    const LawText *less = lesser(law, e);
    if (e == IR_EST_CLOSED_FORM)
        measure_closed(&p, law);
    for (int v = 0; v < VIAS; v++) {
        const char *via = via_text[v].via;
        if (via_text[v].estimator != e || (is_wide(law) && strstr(via, "samples = 2")))
            continue;
        if (less)
            p.only = less->only;
        if (less && law != IR_DIST_mvn) /* all arguments, to hear which row says no */
            measure(&p, exact, law, &law_text[law], e, via);
        if (!measure(&p, exact, law, less ? less : &law_text[law], e, via))
            break;
    }
    return p;
}

/* ---- closed forms --------------------------------------------------------------------------- */

/* Each as its cost is written, and as what its draws cost. */
static const struct {
    const char *closed, *drawn;
    bool real; /* of laws of real numbers alone */
} statistic[PAIR_STATISTICS] = {
    {"entropy(%s)", "-log_prob(%s, z)", false},
    {"0.7 * sum(z) * a", NULL, false},
    {"sum(0.7 * z * z + a * z)", NULL, false},
    {"a * sum(log(z))", NULL, true},
    {"a * sum(log(z) * log(z))", NULL, true},
    {"a * sum(log(1 - z))", NULL, true},
    {"sum(exp(0.1 * z + a))", NULL, false},
    {"a * sum(z ^ 1.3)", NULL, true},
    {"sum(cos(z + a))", NULL, true},
};

const char *const pair_statistic[PAIR_STATISTICS] = {
    "entropy",      "`z`",      "`z²`",  "`log z`",      "`(log z)²`",
    "`log(1 - z)`", "`e^(tz)`", "`z^t`", "`cos`, `sin`",
};

static void write_closed(char *text, size_t size, const LawText *l, const char *cost)
{
    char of_law[256];
    snprintf(of_law, sizeof of_law, cost, l->law);
    snprintf(text, size, "%s\nparam a = ones()\ngraph g {\n  z ~ %s\n  cost %s\n}\n", l->declare,
             l->law, of_law);
}

static bool draws(const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW)
            return true;
    return false;
}

static TapeModel *closed_model(IrDist law, int s, char *text, size_t size)
{
    if (statistic[s].real && ir_dist_info[law].elem != IR_REAL)
        return NULL;
    write_closed(text, size, &law_text[law], statistic[s].closed);
    TapeModel *t = tape_compile(text);
    if (t->ok && !draws(&t->entry[IR_ENTRY_STEP]))
        return t;
    tape_free(t);
    return NULL;
}

bool pair_is_closed(IrDist law, int s)
{
    char text[1024];
    TapeModel *t = closed_model(law, s, text, sizeof text);
    if (t)
        tape_free(t);
    return t != NULL;
}

static void measure_closed(Pair *p, IrDist law)
{
    for (int s = 0; s < PAIR_STATISTICS; s++) {
        char text[1024], drawn[1024];
        TapeModel *t = closed_model(law, s, text, sizeof text);
        if (!t)
            continue;
        Exact exact = {0};
        const char *cost = statistic[s].drawn ? statistic[s].drawn : statistic[s].closed;
        write_closed(drawn, sizeof drawn, &law_text[law], cost);
        exact_find_plain(&exact, drawn, 1);
        SlopeError worst = slope_error(&exact, t, 1);
        if (!p->exact || worst.error > p->worst.error) {
            memcpy(p->text, text, sizeof p->text);
            p->worst = worst;
        }
        p->exact = true;
        exact_free(&exact);
        tape_free(t);
    }
    if (!p->exact)
        snprintf(p->refused, sizeof p->refused, "no statistic of it has a known mean");
}
