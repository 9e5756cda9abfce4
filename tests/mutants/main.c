/* Tests of the tests: the passes with one mistake at a time (passes/mutant.def), and the programs
 * that see it.  Prints who sees what, and by which factor some are wrong; fails if a mistake goes
 * unseen, or if a program complains without one. */
#include "passes/mutant.h"
#include "tests/laws/tape.h"
#include "tests/mutants/factor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Mutant es_mutant;

static const struct {
    const char *name, *what;
} mutant[MUTANTS] = {
    [NO_MUTANT] = {"none", "the passes as they are"},
#define MUTANT(id, what) [MUTANT_##id] = {#id, what},
#include "passes/mutant.def"
};

typedef enum Answer {
    UNBIASED, /* the exact expectation is the slope of the objective */
    SMALL,    /* and the variance of its first element is variance_of_score */
    STILL,    /* and its first element does not vary */
    LOST,     /* not finite */
    REFUSED
} Answer;

typedef struct Probe {
    const char *name;
    Answer answer;
    const char *text;
} Probe;

#define L "param a = ones()\nparam b = ones()\nparam l[2] = ones()\ngraph g {\n"

static const Probe probe[] = {
    {"leave-one-out", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score(samples = 2, baseline = leave_one_out)\n"
       "  cost sin(h + b)\n}\n"},
    {"average", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score(baseline = moving_average)\n  cost sin(h + b)\n}\n"},
    {"learned", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score(baseline = learned)\n  cost sin(h + b)\n}\n"},
    {"two costs", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score\n  cost cos(b * h)\n  cost sin(2 * h + b)\n}\n"},
    {"another's cost", SMALL,
     L "  h ~ bernoulli(logits = a) via score\n  k ~ bernoulli(logits = b) via score\n"
       "  cost abs(h) * abs(h)\n  cost 9 * abs(k) * abs(k)\n}\n"},
    {"rows", UNBIASED,
     L "  plate n = rows(3) {\n    data x\n    h ~ bernoulli(logits = a * x) via score\n"
       "    cost sin(h + b * x)\n  }\n}\n"},
    {"normal", UNBIASED,
     L "  z ~ normal(a, exp(0.3 * b)) via score(baseline = 0.3)\n  cost sin(z * b)\n}\n"},
    {"two draws", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score\n  k ~ bernoulli(logits = b) via score\n"
       "  cost sin(2 * h + k)\n}\n"},
    {"sequence", UNBIASED,
     L "  s[0] = a\n  for t in 1..3 {\n    k ~ bernoulli(logits = b + s[t-1]) via score\n"
       "    s[t] = 0.5 * s[t-1] + b * k\n    cost sin(s[t])\n  }\n}\n"},
    {"rebar", UNBIASED,
     L "  h ~ bernoulli(logits = a) via rebar(scale = 0.8)\n  cost sin(h * b + 0.3 + b)\n}\n"},
    {"relax", UNBIASED,
     L "  h ~ bernoulli(logits = a) via relax\n  cost sin(h * b + 0.3 + b)\n}\n"},
    {"disarm", UNBIASED,
     L "  h[2] ~ bernoulli(logits = l) via disarm\n  cost sin(sum(h * l) + h[0])\n}\n"},
    {"local", UNBIASED,
     L "  h[2] ~ bernoulli(logits = l) via local_expectation\n  cost sin(sum(h * l) + h[0])\n}\n"},
    {"coupled", UNBIASED,
     L "  h[2] ~ bernoulli(logits = l) via coupled\n  cost sin(sum(h * l) + h[0])\n}\n"},
    {"coupled category", UNBIASED,
     L "  c ~ categorical(logits = [a + 2, b, 0.0]) via coupled\n  cost sin(c * b + c)\n}\n"},
    {"set", UNBIASED,
     "param m[4] = ones()\ngraph g {\n  c ~ categorical(logits = m) via unordered_set\n"
     "  cost sin(m[c] + c)\n}\n"},
    {"chain", UNBIASED,
     L "  z[0] ~ categorical(logits = l) via enumerate\n  for t in 1..3 {\n"
       "    z[t] ~ categorical(logits = l * (a + z[t-1])) via enumerate\n"
       "    cost sin(z[t] + 2 * z[t-1] + b)\n  }\n}\n"},
    {"measures", UNBIASED,
     L "  z ~ exponential(exp(a)) via measure_valued\n  cost sin(z * b)\n}\n"},
    {"bound", UNBIASED,
     L "  plate k = 2 {\n    z ~ normal(a, 0.8) via dreg\n"
       "    w = log_prob(normal(b, 1.3), z) - log_prob(normal(a, 0.8), z) - square(z - 0.7)\n  }\n"
       "  cost -logmeanexp(w, over = k)\n}\n"},
    {"others' bound", UNBIASED,
     L "  plate k = 2 {\n    h ~ bernoulli(logits = a) via vimco\n"
       "    w = sin(b * h) - log_prob(bernoulli(logits = a), h)\n  }\n"
       "  cost -logmeanexp(w, over = k)\n}\n"},
    {"lattice", UNBIASED,
     L "  h ~ bernoulli(logits = a) via score(samples = 2, noise = qmc)\n  cost sin(h + b)\n}\n"},
    {"landing", STILL,
     L "  z ~ normal(a, 0.5) via sticking_the_landing\n"
       "  cost log_prob(normal(a, 0.5), z) - log_prob(normal(b, 0.5), z)\n}\n"},
    {"edge", UNBIASED,
     L "  z ~ normal(a, exp(0.3 * b)) via pathwise\n  cost if z > b then cos(z) else 0.0\n}\n"},
    {"edge, sequence", UNBIASED,
     L "  z ~ normal(a, 0.6) via pathwise\n  e = if z > b then 1.0 else 0.0\n  s[0] = 0.0\n"
       "  for t in 1..3 {\n    s[t] = sin(s[t-1] + e * z)\n    cost a * s[t]\n  }\n}\n"},
    {"rows and not", UNBIASED,
     L "  cost sin(a * b)\n  plate n = rows(3) {\n    data x\n    cost cos(a * x)\n  }\n}\n"},
    {"two plates", UNBIASED,
     L "  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via score(samples = 3)\n"
       "    cost sin(h + b)\n  }\n}\n"},
    {"chosen", UNBIASED, L "  h[6] ~ bernoulli(logits = a)\n  cost sin(b * sum(h))\n}\n"},
    {"no number", LOST, L "  z ~ normal(a, 1) via pathwise\n  cost b * log(z)\n}\n"},
    {"mirrored", REFUSED,
     L "  h ~ bernoulli(logits = a) via score(samples = 2, baseline = leave_one_out, noise = "
       "antithetic)\n  cost sin(h + b)\n}\n"},
    {"support", REFUSED, L "  h ~ binomial(3 + exp(a), 0.4) via score\n  cost sin(h)\n}\n"},
    {"jump", REFUSED, L "  x ~ normal(0, 1) via score\n  cost if x > a then 1 else 0\n}\n"},
    {"disarm chain", REFUSED,
     L "  z[0] = 0\n  for t in 1..3 {\n    z[t] ~ bernoulli(logits = a + z[t-1]) via disarm\n"
       "    cost sin(z[t] + b)\n  }\n}\n"},
    {"two groups", UNBIASED,
     L "  z ~ exponential(exp(a))\n  cost sin(z) * b\n  cost if z > 0.3 then cos(z) else b\n}\n"},
    {"copies", UNBIASED,
     L "  plate k = 2 {\n    h ~ bernoulli(logits = l[k]) via local_expectation\n  }\n"
       "  cost sin(sum(h, over = k))\n}\n"},
};
enum { PROBES = sizeof probe / sizeof *probe, ROWS = 2, SLOPES = 8 };

static TapeModel *compiled(const Probe *p, Mutant m, bool plain)
{
    es_mutant = m;
    TapeModel *t = plain ? tape_compile_plain(p->text) : tape_compile(p->text);
    es_mutant = NO_MUTANT;
    return t;
}

/* A part of the rows, so that N is not B. */
static TapeInput input(const TapeModel *t)
{
    TapeInput in = tape_input(t, ROWS);
    in.total_rows = ROWS + 1;
    return in;
}

/* Slopes of the expected objective, in the order of the gradient's elements. */
static void find_slopes(const Probe *p, double *slope)
{
    char *text = strdup(p->text);
    for (char *via; (via = strstr(text, " via "));)
        memset(via, ' ', strcspn(via, "\n}"));
    Probe without = *p;
    without.text = text;
    TapeModel *t = compiled(&without, NO_MUTANT, true);
    TapeInput in = input(t);
    for (uint32_t k = 0; k < t->model.params; k++)
        for (int64_t e = 0; e < ir_elements(&t->model.param[k].type); e++)
            *slope++ = tape_slope(t, &in, k, e);
    tape_free(t);
    free(text);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-10 * (1 + fabs(b));
}

/* Elements of GRAD k start at this result; 0: it has none. */
static size_t first_of(const IrGraph *g, uint32_t k)
{
    size_t at = 1;
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_GRAD) {
            if (g->node[r].attr.item == k)
                return at;
            at += (size_t)ir_elements(&g->node[r].type);
        }
    return 0;
}

/* Of h (h - p): p (1 - p)^2 - (p (1 - p))^2. */
static double variance_of_score(const TapeInput *in)
{
    double p = 1 / (1 + exp(-in->param[0][0]));
    return p * (1 - p) * (1 - p) - p * p * (1 - p) * (1 - p);
}

static bool as_expected(const Probe *p, const TapeModel *t, const double *slope)
{
    TapeInput in = input(t);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeResult r = tape_expectation(t, step, &in);
    if (p->answer == LOST)
        return isnan(r.value[0]);
    bool ok = true;
    for (uint32_t k = 0; k < t->model.params; k++)
        for (int64_t e = 0; e < ir_elements(&t->model.param[k].type); e++, slope++) {
            size_t at = first_of(step, k);
            ok = ok && near(at ? r.value[at + (size_t)e] : 0, *slope);
        }
    double variance = r.square[1] - r.value[1] * r.value[1];
    if (p->answer == SMALL)
        ok = ok && near(variance, variance_of_score(&in));
    if (p->answer == STILL)
        ok = ok && near(variance, 0);
    return ok;
}

static bool sees(const Probe *p, Mutant m, const double *slope)
{
    TapeModel *t = compiled(p, m, false);
    bool ok = p->answer == REFUSED ? !t->ok : t->ok && as_expected(p, t, slope);
    tape_free(t);
    return !ok;
}

static void print_heads(void)
{
    for (size_t i = 0; i < PROBES; i++)
        printf("%2zu  %s\n", i + 1, probe[i].name);
    printf("\n%-16s", "");
    for (size_t i = 0; i < PROBES; i++)
        printf("%3zu", i + 1);
    putchar('\n');
}

int main(void)
{
    static double slope[PROBES][SLOPES];
    int failed = 0;
    for (size_t i = 0; i < PROBES; i++)
        if (probe[i].answer != REFUSED && probe[i].answer != LOST)
            find_slopes(&probe[i], slope[i]);
    print_heads();
    for (Mutant m = NO_MUTANT; m < MUTANTS; m++) {
        int seen = 0;
        printf("%-16s", mutant[m].name);
        for (size_t i = 0; i < PROBES; i++) {
            bool x = sees(&probe[i], m, slope[i]);
            printf("  %c", x ? 'x' : '.');
            seen += x;
        }
        printf("   %s\n", mutant[m].what);
        failed += (m == NO_MUTANT) == (seen > 0);
    }
    printf("%d mistakes, %d unseen\n\n", MUTANTS - 1, failed);
    failed += factors_print();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
