/* Random programs with random estimators: the exact expectation of the compiled gradient is the
 * slope of the exact expected cost.
 *
 * What is expected comes from the same text with every draw `via score` in an entry that only
 * evaluates, before stable forms, closed forms and simplification: samples and costs, no
 * estimator.  So a mistake in the choice, pruning, weights, baselines, closed forms, adjoints or
 * sequences shows unless it is in both.
 *
 *   SGC_RANDOM=FIRST:COUNT    other seeds than those below, or more of them */
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

enum { ROWS = 2, MOST_POINTS = 400, TRIES = 4 };

static const char *const any_via[] = {NULL,
                                      "score",
                                      "score(samples = 2)",
                                      "score(samples = 2, baseline = leave_one_out)",
                                      "score(baseline = moving_average)"};
static const char *const discrete_via[] = {"enumerate", "enumerate"};
static const char *const continuous_via[] = {"pathwise", "pathwise(samples = 2)"};

static const char *some_via(uint64_t *random, bool discrete)
{
    enum { ANY = sizeof any_via / sizeof *any_via };
    int i = random_below(random, ANY + 2);
    return i < ANY ? any_via[i] : discrete ? discrete_via[i - ANY] : continuous_via[i - ANY];
}

static char *said(const Diags *d)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    diags_render(d, out);
    fclose(out);
    return text;
}

/* A refusal is an answer; a fault of the compiler is not. */
static void check_refusal(const TapeModel *t, const char *text)
{
    char *why = said(t->diags);
    ck_assert_msg(!strstr(why, "internal error"), "%s\n%s", why, text);
    ck_assert_msg(strstr(why, "error:") != NULL, "refused without a word\n%s", text);
    free(why);
}

/* ---- what is expected ----------------------------------------------------------------------- */

typedef struct Expected {
    double objective, slope[2];
} Expected;

/* A jump that moves with a parameter is refused whatever the estimators. */
static TapeModel *plain(const RandomProgram *p)
{
    const char *via[PROGRAM_DRAWS];
    char text[2 * PROGRAM_TEXT];
    for (size_t i = 0; i < PROGRAM_DRAWS; i++)
        via[i] = "score";
    random_program_text(p, via, text, sizeof text);
    TapeModel *t = tape_compile_plain(text);
    if (!t->ok)
        check_refusal(t, text);
    return t;
}

static Expected expect(TapeModel *t, TapeInput *in)
{
    Expected e = {.objective = tape_expectation(t, &t->entry[IR_ENTRY_EVAL], in).value[0]};
    for (uint32_t p = 0; p < t->model.params; p++)
        e.slope[p] = tape_slope(t, in, p, 0);
    return e;
}

static bool agree(double a, double b)
{
    return fabs(a - b) <= 0.1 * BOUND * (1 + fabs(a));
}

/* False: refused, large, at a jump, or too rough for the points. */
static bool expected(TapeModel *t, Expected *e)
{
    TapeInput in = tape_input(t, ROWS);
    if (!t->ok || tape_points(&t->entry[IR_ENTRY_EVAL], ROWS, MOST_POINTS) == MOST_POINTS)
        return false;
    const Expected coarse = expect(t, &in);
    in.fine = true;
    *e = expect(t, &in);
    return agree(e->objective, coarse.objective) && agree(e->slope[0], coarse.slope[0]) &&
           agree(e->slope[1], coarse.slope[1]);
}

/* ---- what is computed ----------------------------------------------------------------------- */

static void near(double got, double want, const char *what, const char *text)
{
    double error = fabs(got - want);
    if (!(error <= BOUND * (1 + fabs(want))))
        ck_abort_msg("%s: %.12g, not %.12g (error %.2g)\n%s", what, got, want, error, text);
}

static double gradient_of(const IrGraph *g, const TapeResult *r, uint32_t param)
{
    size_t at = 1;
    for (IrRef i = 0; i < g->count; i++) {
        if (g->node[i].op != IR_GRAD)
            continue;
        if (g->node[i].attr.item == param)
            return r->value[at];
        at++;
    }
    return 0;
}

/* True: compiled, small enough, and unbiased. */
static bool check(const char *text, const Expected *e)
{
    TapeModel *t = tape_compile(text);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    bool checked = t->ok && tape_points(step, ROWS, MOST_POINTS) < MOST_POINTS;
    if (!t->ok)
        check_refusal(t, text);
    if (checked) {
        TapeInput in = tape_input(t, ROWS);
        TapeResult got = tape_expectation(t, step, &in);
        near(got.value[0], e->objective, "objective", text);
        for (uint32_t p = 0; p < t->model.params; p++)
            near(gradient_of(step, &got, p), e->slope[p], t->model.param[p].name, text);
    }
    tape_free(t);
    return checked;
}

/* How many choices of estimators were checked. */
static int check_program(uint64_t seed)
{
    RandomProgram p;
    random_program(&p, seed);
    TapeModel *t = plain(&p);
    int checked = 0;
    Expected e;
    if (expected(t, &e)) {
        uint64_t random = ~seed;
        for (int i = 0; i < TRIES; i++) {
            const char *via[PROGRAM_DRAWS] = {NULL};
            for (size_t d = 0; i > 0 && d < p.draws; d++)
                via[d] = some_via(&random, p.discrete[d]);
            char text[2 * PROGRAM_TEXT];
            random_program_text(&p, via, text, sizeof text);
            checked += check(text, &e);
        }
    }
    tape_free(t);
    return checked;
}

START_TEST(random_programs)
{
    uint64_t first = 1, count = 30;
    const char *asked = getenv("SGC_RANDOM");
    if (asked)
        ck_assert_int_eq(sscanf(asked, "%" SCNu64 ":%" SCNu64, &first, &count), 2);
    int checked = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (asked && getenv("SGC_RANDOM_VERBOSE"))
            fprintf(stderr, "seed %" PRIu64 "\n", seed);
        checked += check_program(seed);
    }
    ck_assert_msg((uint64_t)checked > 2 * count, "only %d of %" PRIu64 " programs", checked, count);
}
END_TEST

Suite *random_suite(void)
{
    Suite *s = suite_create("random");
    TCase *c = tcase_create("programs");
    tcase_set_timeout(c, 0);
    tcase_add_test(c, random_programs);
    suite_add_tcase(s, c);
    return s;
}
