/* Draws with an estimator for each group of costs: which are split, that the exact expectation of
 * the gradient is the slope of the exact expected cost, and that its exact variance is below that
 * of one estimator for all costs. */
#include "tests/laws/program.h"
#include "tests/laws/slope.h"
#include "tests/suites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `what`: what is decided of the draws that are split, in the order of the program. */
static const struct {
    const char *text;
    IrEstimator what[4];
} split[] = {
    /* pathwise, and score by copies, where no boundary term is known */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  cost sin(z) * w\n"
     "  cost if z > 0.3 then cos(z) + w else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* the same as one cost */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n"
     "  cost w - 2 * (0.5 * sin(z) * w - (if z > 0.3 then cos(z) + w else 0.0))\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* bounds have no score */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ uniform(m, 3 + exp(w))\n  cost sin(z) * w\n"
     "  cost if z > 2.3 then cos(z) + w else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_MEASURE_VALUED}},
    /* what jumps is below another draw, which stays as it is */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  y ~ normal(m, 0.5)\n  z ~ exponential(exp(0.3 * y))\n  cost sin(z) * w\n"
     "  cost if z > 0.3 then cos(y) + w else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* two guards of one draw: each has its boundary term in its own group */
    {"param m = ones()\nparam s in positive = ones()\n"
     "graph g {\n  z ~ normal(m, s)\n  cost if z > 0.3 then cos(z) + s else 0.0\n"
     "  cost if z > -0.4 then m * z else sin(z)\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* a score below: its law carries the gradient of its own costs alone */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  h ~ bernoulli(logits = w * z) via score\n"
     "  cost sin(z) * h + square(w) * h\n  cost if z > 0.3 then cos(m * h) else 0.0\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* copies below, compared with each other */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ normal(m, 0.5)\n"
     "  h ~ bernoulli(logits = w * z) via score(samples = 2, baseline = leave_one_out)\n"
     "  cost if z > 0.3 then sin(z) * h else m\n  cost if z > 0.1 then w * h else z\n"
     "  cost cos(2 * h + w)\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* an average below, which both copies keep */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n"
     "  h ~ bernoulli(logits = w * z) via score(baseline = moving_average)\n"
     "  cost sin(z) * h\n  cost if z > 0.3 then w * h else m\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* a draw above that is not split */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  h ~ bernoulli(logits = w) via measure_valued\n  z ~ normal(m + h, 0.6)\n"
     "  cost if z > 0.1 then w else h\n  cost if z > 0.3 then m + h else z\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in a plate, read copy by copy and together */
    {"param m[2] = ones()\n"
     "graph g {\n  plate k = 2 {\n    z ~ normal(m[k], 0.5)\n    cost if z > 0.3 then cos(z) else "
     "m[k]\n"
     "    e = if z > -0.2 then 1.0 else z\n  }\n  cost sin(sum(e, over = k))\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in rows, and outside */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ exponential(exp(m))\n  cost w * sin(z)\n  plate n = rows(2) {\n    data x\n"
     "    cost (if z > 0.3 then w * x else z)\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  plate n = rows(2) {\n    data x\n    z ~ normal(m * x, 0.6)\n"
     "    cost (if z > 0.3 then w * x else z)\n    cost (if z > 0.1 then w * x else z)\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_PATHWISE}},
    /* in a sequence, where a draw has no boundary term */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  s[0] = w\n  for t in 1..2 {\n    z ~ normal(m * s[t-1], 0.5)\n"
     "    s[t] = 0.5 * z\n    cost sin(s[t])\n    cost if z > 0.1 then m else 0.0\n  }\n}\n",
     {IR_EST_PATHWISE, IR_EST_SCORE}},
    /* values of bits: each copy of a plate alone, and all copies in one cost */
    {"param l[3] = ones()\n"
     "graph g {\n  plate k = 3 {\n    h[2] ~ bernoulli(logits = l[k])\n"
     "    cost sin(h[0] + h[1] * l[k])\n  }\n"
     "  cost square(sum(h[0] - 2 * h[1], over = k)) * sin(sum(h[0], over = k) + l[0])\n}\n",
     {IR_EST_ENUMERATE, IR_EST_LOCAL_EXPECTATION}},
    /* one estimator is as good for both */
    {"param m = ones()\nparam w = ones()\n"
     "graph g {\n  z ~ normal(m, 0.5)\n  cost sin(z) * w\n  cost if z > 0.3 then w else 0.0\n}\n",
     {IR_EST_AUTO}},
};

static const char one_estimator[] =
    "param m = ones()\nparam w = ones()\n"
    "graph g {\n  z ~ exponential(exp(m)) %s\n  cost 3 * sin(z) * w\n"
    "  cost if z > 0.3 then cos(z) + w else 0.0\n}\n";

static void check_decisions(const TapeModel *t, const IrEstimator *what, const char *text)
{
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    uint32_t found = 0;
    for (IrRef r = 0; r < step->count; r++)
        for (const IrDecision *d = step->node[r].why; d && step->node[r].why->also; d = d->also) {
            ck_assert_msg(found < 4 && d->via.estimator == what[found], "%s: %s\n%s", d->what,
                          d->reason, text);
            found++;
        }
    ck_assert_msg(found == 4 || what[found] == IR_EST_AUTO, "only %u estimators of split draws\n%s",
                  found, text);
}

/* By the same program with one score for all costs, which draws once and differentiates nothing. */
static Exact expected(const char *text)
{
    TapeModel *t = tape_compile_plain(text);
    ck_assert_msg(t->ok, "%s", text);
    TapeInput in = tape_input(t, 2);
    Exact e = {.slope = calloc(8, sizeof *e.slope)};
    size_t at = 0;
    e.objective = tape_expectation(t, &t->entry[IR_ENTRY_EVAL], &in).value[0];
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t i = 0; i < ir_elements(&t->model.param[p].type); i++)
            e.slope[at++] = tape_slope(t, &in, p, i);
    tape_free(t);
    return e;
}

/* The text with one estimator for z that reads no derivative of the costs. */
static void with_one(const char *text, char plain[PROGRAM_TEXT])
{
    const char *z = strstr(text, "z ~ ");
    size_t until = z ? (size_t)(z - text) + strcspn(z, "\n") : 0;
    const char *via = !z ? "" : strstr(text, "uniform") ? " via measure_valued" : " via score";
    snprintf(plain, PROGRAM_TEXT, "%.*s%s%s", (int)until, text, via, text + until);
}

START_TEST(splits)
{
    const char *text = split[_i].text;
    TapeModel *t = compiled(text);
    check_decisions(t, split[_i].what, text);
    char plain[PROGRAM_TEXT];
    with_one(text, plain);
    Exact exact = expected(plain);
    SlopeError worst = slope_error(&exact, t, 2);
    check_near(worst.got, worst.want, worst.what, text);
    exact_free(&exact);
    tape_free(t);
}
END_TEST

static double variance(const char *via)
{
    char text[512];
    snprintf(text, sizeof text, one_estimator, via);
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    double sum = 0;
    for (size_t i = 1; i < r.count; i++)
        sum += r.square[i] - r.value[i] * r.value[i];
    tape_free(t);
    return sum;
}

START_TEST(varies_less)
{
    double split_draw = variance(""),
           one = variance("via score(samples = 2, baseline = leave_one_out)");
    ck_assert_msg(split_draw < one, "variance %.6g, of one estimator %.6g", split_draw, one);
}
END_TEST

/* ---- random programs ------------------------------------------------------------------------ */

/* One draw, perhaps one that it decides, and costs that read them smoothly, jump in them, or
 * neither.
 *
 *   SGC_RANDOM=FIRST:COUNT    other seeds, or more of them */
typedef struct Writing {
    uint64_t random;
    char *text;
    bool below; /* there is a bit h that z decides */
    bool rows;  /* there is data x */
} Writing;

static void put(Writing *w, const char *text)
{
    strcat(w->text, text);
}

static const char *one_of(Writing *w, const char *const *of, int n)
{
    return of[random_below(&w->random, n)];
}

static void put_term(Writing *w)
{
    static const char *const plain[] = {"sin(z + a)",      "b * z", "cos(a * z)",
                                        "softplus(z - b)", "a",     "w[1] * a"};
    static const char *const of_bit[] = {"h * z", "w[2] * h", "cos(h + a)"};
    static const char *const of_row[] = {"x * z", "sin(x + b)"};
    int kind = random_below(&w->random, 3);
    put(w, kind == 0 && w->below  ? one_of(w, of_bit, 3)
           : kind == 1 && w->rows ? one_of(w, of_row, 2)
                                  : one_of(w, plain, 6));
}

static void put_one_cost(Writing *w)
{
    static const char *const guard[] = {"if z > 0.3 then ", "if z > 0.7 then ", "if 0.5 > z then "};
    put(w, w->rows ? "    cost " : "  cost ");
    for (int terms = 1 + (random_below(&w->random, 3) == 0); terms > 0; terms--) {
        bool jumps = random_below(&w->random, 2);
        put(w, "(");
        put(w, jumps ? one_of(w, guard, 3) : "");
        put_term(w);
        put(w, jumps ? " else " : " + ");
        put_term(w);
        put(w, terms > 1 ? ") - " : ")");
    }
    put(w, "\n");
}

static void write_costs(char text[PROGRAM_TEXT], uint64_t seed)
{
    static const char *const law[] = {"exponential(exp(0.5 * a))", "normal(a, 0.6)",
                                      "gumbel(a, 0.5)", "exponential(exp(0.5 * a - b))"};
    static const char *const via[] = {"", " via score", " via enumerate",
                                      " via score(samples = 2, baseline = leave_one_out)",
                                      " via score(baseline = moving_average)"};
    Writing writing = {.random = seed, .text = text}, *w = &writing;
    *text = 0;
    put(w, RANDOM_PARAMS "graph g {\n  z ~ ");
    put(w, one_of(w, law, 4));
    w->below = random_below(&w->random, 2);
    put(w, w->below ? "\n  h ~ bernoulli(logits = w[0] * z + b)" : "");
    put(w, w->below ? one_of(w, via, 5) : "");
    put(w, "\n");
    for (int i = 1 + random_below(&w->random, 2); i-- > 0;)
        put_one_cost(w);
    w->rows = random_below(&w->random, 2);
    put(w, w->rows ? "  plate n = rows(2) {\n    data x\n" : "");
    for (int i = 1 + random_below(&w->random, 2); i-- > 0;)
        put_one_cost(w);
    put(w, w->rows ? "  }\n}\n" : "}\n");
}

static bool has_split(const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].why && g->node[r].why->also)
            return true;
    return false;
}

/* True: a draw is split.  The differences of what jumps are not as exact as others. */
static bool check_costs(uint64_t seed)
{
    char text[PROGRAM_TEXT], plain[PROGRAM_TEXT];
    write_costs(text, seed);
    with_one(text, plain);
    TapeModel *t = compiled(text);
    bool split_draw = has_split(&t->entry[IR_ENTRY_STEP]);
    if (split_draw) {
        Exact exact = expected(plain);
        SlopeError worst = slope_error(&exact, t, 2);
        ck_assert_msg(worst.error < 1e-8, "%s is %.15g, not %.15g\n%s", worst.what, worst.got,
                      worst.want, text);
        exact_free(&exact);
    }
    tape_free(t);
    return split_draw;
}

START_TEST(random_costs)
{
    uint64_t first = 1, count = 10, found = 0;
    const char *asked = getenv("SGC_RANDOM");
    if (asked)
        ck_assert_int_eq(sscanf(asked, "%" SCNu64 ":%" SCNu64, &first, &count), 2);
    for (uint64_t i = 0; i < count; i++)
        found += check_costs(first + i);
    ck_assert_msg(4 * found > count, "only %" PRIu64 " of %" PRIu64, found, count);
}
END_TEST

Suite *split_suite(void)
{
    Suite *s = suite_create("split");
    TCase *c = tcase_create("tape");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, splits, 0, sizeof split / sizeof *split);
    tcase_add_test(c, varies_less);
    suite_add_tcase(s, c);
    TCase *r = tcase_create("random");
    tcase_set_timeout(r, 0);
    tcase_add_test(r, random_costs);
    suite_add_tcase(s, r);
    return s;
}
