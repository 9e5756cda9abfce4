/* Mistakes whose bias is known: that of the systems that shipped them (docs/bias.md), as a factor
 * of the gradient's last element.  Right and wrong were worked out elsewhere: in closed form, B6 by
 * quadrature of 140 by 140 points, B10 by one of 400. */
#include "tests/mutants/factor.h"

#include "passes/mutant.h"
#include "tests/laws/tape.h"

#include <math.h>
#include <stdio.h>

enum { ROWS = 2, ALL_ROWS = 3, PARAMS = 2 };

#define BIT_SLOPE 0.0240260745741529 /* p (1 - p) (1 - 2 t) at a = 0.4, t = 0.45 */
#define BIT(via)                                                                                   \
    "param a = ones()\ngraph g {\n  h ~ bernoulli(logits = a)" via                                 \
    "\n  cost abs(h - 0.45) * abs(h - 0.45)\n}\n"

static const struct {
    const char *id;
    Mutant mutant;
    const char *text;
    double param[PARAMS], right, wrong; /* of the last element */
} row[] = {
    {"B1",
     MUTANT_EAGER_AVERAGE,
     BIT(" via score(baseline = moving_average)"),
     {0.4},
     BIT_SLOPE,
     0.9 * BIT_SLOPE},
    {"B3",
     MUTANT_SELF_BASELINE,
     BIT(" via score(samples = 2, baseline = leave_one_out)"),
     {0.4},
     BIT_SLOPE,
     0.5 * BIT_SLOPE},
    {"B5",
     MUTANT_NO_TANGENT,
     "param a = ones()\ngraph g {\n  z ~ poisson(a) via measure_valued\n"
     "  cost a * sqrt(z) * sqrt(z)\n}\n",
     {2.3},
     4.6,
     2.3},
    {"B6, P38",
     MUTANT_SQUARED_TWICE,
     "param m = ones()\nparam t = ones()\ngraph g {\n  plate k = 2 {\n"
     "    z ~ normal(m, 0.8) via dreg\n    w = log_prob(normal(t, 1.3), z) + "
     "log_prob(normal(z, 1.5), 0.7) - log_prob(normal(m, 0.8), z)\n  }\n"
     "  cost -logmeanexp(w, over = k)\n}\n",
     {0.3, -0.2},
     -0.275100830148783,
     -0.128459106527603},
    {"B8", MUTANT_NO_SCORE, BIT(" via score"), {0.4}, BIT_SLOPE, 0},
    {"B10, P39", MUTANT_RELAXED_UNASKED, BIT(""), {0.4}, BIT_SLOPE, 0.0294847059202018},
    {"B12, P9",
     MUTANT_DROPPED_JUMP,
     "param a = ones()\ngraph g {\n  z ~ normal(a, 1.7) via pathwise\n"
     "  cost if z > 0 then 1 else 0\n}\n",
     {0.3},
     0.231046169948927,
     0},
    {"B13",
     MUTANT_SCALE_TWICE,
     "param a = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
     "    h ~ bernoulli(logits = a) via score\n"
     "    cost abs(h - 0.45) * abs(h - 0.45) * (1 + 0 * x)\n  }\n}\n",
     {0.4},
     BIT_SLOPE,
     1.5 * BIT_SLOPE},
    {"B15",
     MUTANT_MIRRORED_RIVALS,
     "param a = ones()\ngraph g {\n"
     "  z ~ normal(a, 1) via score(samples = 2, baseline = leave_one_out, noise = antithetic)\n"
     "  cost sin(z)\n}\n",
     {0.3},
     0.579440870996905,
     2 * 0.579440870996905},
};

/* The last element of the expected gradient; NAN: refused. */
static double expected(size_t i, Mutant m)
{
    es_mutant = m;
    TapeModel *t = tape_compile(row[i].text);
    es_mutant = NO_MUTANT;
    double last = NAN;
    if (t->ok) {
        TapeInput in = tape_input(t, ROWS);
        in.total_rows = ALL_ROWS;
        for (uint32_t p = 0; p < t->model.params; p++)
            in.param[p][0] = row[i].param[p];
        last = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in).value[t->model.params];
    }
    tape_free(t);
    return last;
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-10 * (1 + fabs(b));
}

int factors_print(void)
{
    int others = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double right = expected(i, NO_MUTANT), wrong = expected(i, row[i].mutant);
        bool refused = isnan(right);
        bool ok = (refused || near(right, row[i].right)) && near(wrong, row[i].wrong);
        printf("%-9s x %.6f%s\n", row[i].id, wrong / row[i].right,
               ok ? refused ? "   refused without the mistake" : "" : "   NOT AS KNOWN");
        if (!ok)
            printf("          %.15g, not %.15g; %.15g, not %.15g\n", right, row[i].right, wrong,
                   row[i].wrong);
        others += !ok;
    }
    return others;
}
