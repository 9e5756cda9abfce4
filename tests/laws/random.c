/* Random programs with random estimators: the exact expectation of the compiled gradient is the
 * slope of the exact expected cost, every pass keeps the value of every root, and native code is
 * the evaluator.
 *
 * What is expected comes from the same text with every draw `via score` in an entry that only
 * evaluates, before stable forms, closed forms and simplification: samples and costs, no
 * estimator.  So a mistake in the choice, pruning, weights, baselines, closed forms, adjoints or
 * sequences shows unless it is in both.
 *
 *   SGC_RANDOM=FIRST:COUNT    other seeds than those below, or more of them */
#include "tests/laws/meaning.h"
#include "tests/laws/native.h"
#include "tests/laws/program.h"
#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A bias is far larger. */
#define BOUND 1e-8

enum { ROWS = 2, ALL_ROWS = 5, MOST_WORK = 250000, STEP_WORK = 1000000, TRIES = 4, CHOICES = 12 };

static const char *const any_via[] = {NULL,
                                      "score",
                                      "score(samples = 2)",
                                      "score(samples = 2, baseline = leave_one_out)",
                                      "score(samples = 3, baseline = leave_one_out)",
                                      "score(baseline = moving_average)",
                                      "score(samples = 2, baseline = moving_average)",
                                      "score(baseline = learned)",
                                      "score(samples = 2, baseline = learned)",
                                      "score(baseline = learned(a, b, hidden = 2))",
                                      "score(baseline = 0.7)",
                                      "measure_valued",
                                      "measure_valued(samples = 2)",
                                      "measure_valued(samples = 2, noise = qmc)",
                                      "score(samples = 2, noise = antithetic)",
                                      "score(samples = 2, baseline = learned, noise = antithetic)",
                                      "score(samples = 2, noise = qmc)",
                                      "vimco"};
static const char *const finite_via[] = {"enumerate",
                                         "enumerate",
                                         "local_expectation",
                                         "local_expectation(samples = 2)",
                                         "coupled",
                                         "coupled(samples = 2, noise = antithetic)",
                                         "disarm",
                                         "disarm(samples = 3)",
                                         "unordered_set",
                                         "unordered_set(samples = 3)",
                                         "rebar",
                                         "rebar(samples = 2)",
                                         "rebar(temperature = 0.5, scale = 0.7)",
                                         "relax",
                                         "relax(samples = 2, temperature = 0.5)",
                                         "relax(hidden = 2)",
                                         "relax(samples = 2, noise = qmc)"};
static const char *const count_via[] = {"enumerate",
                                        "enumerate",
                                        "coupled",
                                        "coupled(samples = 2)",
                                        "coupled(samples = 2, noise = antithetic)",
                                        "measure_valued(samples = 2, noise = antithetic)"};
static const char *const pathwise_via[] = {"pathwise",
                                           "pathwise",
                                           "pathwise(samples = 2)",
                                           "pathwise(samples = 2, noise = antithetic)",
                                           "pathwise(samples = 2, noise = qmc)",
                                           "sticking_the_landing",
                                           "sticking_the_landing(samples = 2)",
                                           "dreg"};
static const char *const implicit_via[] = {"implicit",
                                           "implicit",
                                           "implicit(samples = 2)",
                                           "implicit(samples = 2, noise = antithetic)",
                                           "sticking_the_landing",
                                           "dreg"};

#define LIST(of)                                                                                   \
    {                                                                                              \
        of, sizeof of / sizeof *of                                                                 \
    }
static const struct {
    const char *const *via;
    size_t count;
} any_list = LIST(any_via), list_of[] = {[DRAW_FINITE] = LIST(finite_via),
                                         [DRAW_COUNT] = LIST(count_via),
                                         [DRAW_PATHWISE] = LIST(pathwise_via),
                                         [DRAW_IMPLICIT] = LIST(implicit_via),
                                         [DRAW_MOVING] = LIST(pathwise_via)};

static const char *some_via(uint64_t *random, DrawKind kind, bool bound)
{
    if (bound && random_below(random, 2))
        return kind == DRAW_FINITE || kind == DRAW_COUNT ? "vimco" : "dreg";
    size_t i = (size_t)random_below(random, (int)(any_list.count + list_of[kind].count));
    return i < any_list.count ? any_list.via[i] : list_of[kind].via[i - any_list.count];
}

static void write_text(const RandomProgram *p, const char *const *via, bool means,
                       char text[2 * PROGRAM_TEXT])
{
    strcpy(text, RANDOM_PARAMS);
    random_program_text(p, via, means, text + strlen(text), 2 * PROGRAM_TEXT - strlen(text));
}

/* A file of one graph; its first choices of estimators are the compiler's. */
static void write_program(const RandomProgram *p, int choice, char text[2 * PROGRAM_TEXT])
{
    uint64_t random = ~p->seed;
    const char *via[PROGRAM_DRAWS] = {NULL};
    for (int i = 2; i <= choice; i++)
        for (size_t d = 0; d < p->draws; d++)
            via[d] = some_via(&random, p->kind[d], p->bound[d]);
    write_text(p, via, choice % 2 == 0, text);
}

/* A refusal is an answer; a fault of the compiler is not. */
static void check_refusal(const Diags *d, const char *text)
{
    char *why = diags_text(d);
    ck_assert_msg(!strstr(why, "internal error"), "%s\n%s", why, text);
    ck_assert_msg(strstr(why, "error:") != NULL, "refused without a word\n%s", text);
    free(why);
}

/* ---- what is expected ----------------------------------------------------------------------- */

enum { SLOPES = 5 }; /* elements of RANDOM_PARAMS */

/* All parameters are moved at once, none by a part of another's: a bias of one shows. */
static const double direction[SLOPES] = {0.71, -0.53, 0.37, 0.83, -0.61};

typedef struct Expected {
    double objective, slope;
} Expected;

static TapeModel *compiled_plain(const char *text)
{
    TapeModel *t = tape_compile_plain(text);
    if (!t->ok)
        check_refusal(t->diags, text);
    return t;
}

/* The entry that only samples is the same whatever the estimators; but a jump that moves with a
 * parameter has none unless its draw is pathwise, and bounds that move have no score. */
static TapeModel *plain(const RandomProgram *p)
{
    char text[2 * PROGRAM_TEXT];
    TapeModel *t = NULL;
    for (int pathwise = 0; pathwise < 2 && !(t && t->ok); pathwise++) {
        const char *const by[][2] = {[DRAW_FINITE] = {"score", "score"},
                                     [DRAW_COUNT] = {"score", "score"},
                                     [DRAW_PATHWISE] = {"score", "pathwise"},
                                     [DRAW_IMPLICIT] = {"score", "implicit"},
                                     [DRAW_MOVING] = {"measure_valued", "pathwise"}};
        const char *via[PROGRAM_DRAWS];
        for (size_t d = 0; d < p->draws; d++)
            via[d] = by[p->kind[d]][pathwise];
        write_text(p, via, false, text);
        if (t)
            tape_free(t);
        t = compiled_plain(text);
    }
    return t;
}

static Expected expect(TapeModel *t, TapeInput *in)
{
    const IrGraph *eval = &t->entry[IR_ENTRY_EVAL];
    return (Expected){tape_expectation(t, eval, in).value[0], tape_slope_along(t, in, direction)};
}

static bool agree(double a, double b)
{
    return fabs(a - b) <= 0.1 * BOUND * (1 + fabs(a));
}

static bool all_agree(const Expected *a, const Expected *b)
{
    return agree(a->objective, b->objective) && agree(a->slope, b->slope);
}

/* Points of the tape times nodes of the graph are bounded. */
static uint64_t most_points(const IrGraph *g, uint64_t work)
{
    return work / (g->count + 1) + 2;
}

static bool is_small(const IrGraph *g, uint64_t work)
{
    uint64_t most = most_points(g, work);
    return tape_points(g, ROWS, most) < most;
}

/* False: refused, large, at a jump, or too rough for the points. */
static bool expected(TapeModel *t, Expected *e)
{
    TapeInput in = tape_input(t, ROWS);
    in.total_rows = ALL_ROWS;
    in.few = in.fine = true;
    const IrGraph *eval = &t->entry[IR_ENTRY_EVAL];
    if (!t->ok || !is_small(eval, MOST_WORK))
        return false;
    in.most = most_points(eval, MOST_WORK);
    if (tape_expectation(t, eval, &in).points > in.most)
        return false;
    *e = expect(t, &in);
    in.fine = false;
    const Expected coarse = expect(t, &in);
    return all_agree(e, &coarse);
}

/* ---- what is computed ----------------------------------------------------------------------- */

static double error_of(double got, double want)
{
    return fabs(got - want) / (1 + fabs(want));
}

static bool is_near(const Expected *got, const Expected *want)
{
    return error_of(got->objective, want->objective) <= BOUND &&
           error_of(got->slope, want->slope) <= BOUND;
}

static void say_bias(const Expected *got, const Expected *want, const char *text)
{
    ck_assert_msg(error_of(got->objective, want->objective) <= BOUND,
                  "objective: %.12g, not %.12g\n%s", got->objective, want->objective, text);
    ck_assert_msg(error_of(got->slope, want->slope) <= BOUND, "slope: %.12g, not %.12g\n%s",
                  got->slope, want->slope, text);
}

/* The gradient along the direction; a parameter that nothing reads has none, which is zero. */
static double slope_of(const IrGraph *g, const TapeResult *r)
{
    size_t at = 1;
    double slope = 0;
    for (IrRef i = 0; i < g->count; i++)
        for (int64_t e = 0; g->node[i].op == IR_GRAD && e < ir_elements(&g->node[i].type); e++)
            slope += direction[g->node[i].attr.item + (size_t)e] * r->value[at++];
    return slope;
}

/* False: so many points after all. */
static bool compute(const IrGraph *step, TapeModel *t, bool fine, Expected *e)
{
    TapeInput in = tape_input(t, ROWS);
    in.total_rows = ALL_ROWS;
    in.few = true;
    in.fine = fine;
    in.most = (fine ? 4 : 1) * most_points(step, STEP_WORK);
    TapeResult r = tape_expectation(t, step, &in);
    *e = (Expected){r.value[0], slope_of(step, &r)};
    return r.points <= in.most;
}

/* True: compiled, small enough, not too rough for the points, and unbiased. */
static bool check(const char *text, const Expected *e)
{
    TapeModel *t = tape_compile(text);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    bool checked = t->ok && is_small(step, STEP_WORK);
    if (!t->ok)
        check_refusal(t->diags, text);
    Expected got, fine;
    checked = checked && compute(step, t, false, &got);
    if (checked && !is_near(&got, e)) {
        checked = false;
        bool finite = isfinite(got.objective) && isfinite(got.slope);
        if (!finite || (compute(step, t, true, &fine) && all_agree(&got, &fine)))
            say_bias(&got, e, text);
    }
    tape_free(t);
    return checked;
}

/* How many choices of estimators were checked: so many of those that are legal. */
static int check_program(uint64_t seed)
{
    RandomProgram p;
    random_program(&p, seed);
    TapeModel *t = plain(&p);
    int checked = 0;
    Expected e;
    if (expected(t, &e)) {
        char text[2 * PROGRAM_TEXT];
        for (int i = 0; i < CHOICES && checked < TRIES; i++) {
            write_program(&p, i, text);
            checked += check(text, &e);
        }
    }
    tape_free(t);
    return checked;
}

typedef struct Seeds {
    uint64_t first, count;
} Seeds;

static Seeds seeds(uint64_t count)
{
    Seeds s = {1, count};
    const char *asked = getenv("SGC_RANDOM");
    if (asked)
        ck_assert_int_eq(sscanf(asked, "%" SCNu64 ":%" SCNu64, &s.first, &s.count), 2);
    return s;
}

START_TEST(gradients_are_unbiased)
{
    Seeds s = seeds(20);
    int checked = 0;
    for (uint64_t i = 0; i < s.count; i++)
        checked += check_program(s.first + i);
    ck_assert_msg((uint64_t)checked > 2 * s.count, "only %d choices of %" PRIu64 " programs",
                  checked, s.count);
}
END_TEST

/* ---- passes --------------------------------------------------------------------------------- */

/* True: it compiles. */
static bool watch(const char *text)
{
    Watcher w = {.name = text, .rows = ROWS, .arena = arena_new()};
    Diags *d = diags_new("test.sg", text);
    IrModel m;
    ir_model_init(&m, w.arena);
    PassOptions options = {.parts = 2, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = d, .arena = w.arena};
    IrGraph entry[IR_ENTRIES];
    bool ok = fe_compile(&m, "test.sg", text, NULL, 0, d) &&
              passes_run(&m.graph[0], entry, &cx, meaning_watch, &w);
    if (!ok)
        check_refusal(d, text);
    diags_free(d);
    arena_free(w.arena);
    return ok;
}

START_TEST(passes_keep_the_meaning)
{
    Seeds s = seeds(100);
    char text[2 * PROGRAM_TEXT];
    uint64_t compiled = 0;
    for (uint64_t i = 0; i < s.count; i++) {
        RandomProgram p;
        random_program(&p, s.first + i);
        for (int choice = 0; choice < TRIES; choice++) {
            write_program(&p, choice, text);
            compiled += watch(text);
        }
    }
    ck_assert_msg(compiled > 2 * s.count, "only %" PRIu64 " of %" PRIu64, compiled, s.count);
}
END_TEST

/* ---- native code ---------------------------------------------------------------------------- */

/* Many graphs in one file, which is compiled once. */
START_TEST(native_code_is_the_evaluator)
{
    Seeds s = seeds(16);
    char *all = calloc(1, (size_t)s.count * 2 * PROGRAM_TEXT), text[2 * PROGRAM_TEXT];
    strcpy(all, RANDOM_PARAMS);
    for (uint64_t i = 0; i < s.count; i++) {
        RandomProgram p;
        random_program(&p, s.first + i);
        write_program(&p, (int)(i % TRIES), text);
        if (watch(text))
            strcat(all, text + strlen(RANDOM_PARAMS));
    }
    native_compare_all(native_text("random", all, NULL, 0, 8), "random");
    free(all);
}
END_TEST

static void add(Suite *s, const char *name, const TTest *test)
{
    TCase *c = tcase_create(name);
    tcase_set_timeout(c, 0);
    tcase_add_test(c, test);
    suite_add_tcase(s, c);
}

Suite *random_suite(void)
{
    Suite *s = suite_create("random");
    add(s, "gradients", gradients_are_unbiased);
    add(s, "passes", passes_keep_the_meaning);
    add(s, "native", native_code_is_the_evaluator);
    return s;
}
