/* Problems with known answers: the exact expectation of the compiled step, and the exact variance
 * of its gradient.  docs/problems.md has a row for each, with the largest error that was seen.
 *
 *   SGC_GOLDEN_UPDATE=1       write the rows */
#include "tests/laws/problem.h"

#include "tests/laws/tape.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PAGE SGC_SOURCE_DIR "/docs/problems.md"

/* The answers have 15 digits, and biased means as many as were published. */
#define BOUND 1e-11
#define BIASED_BOUND 3e-5

/* ---- one estimator -------------------------------------------------------------------------- */

static bool is_biased(const char *via)
{
    return strstr(via, "biased") != NULL;
}

static size_t set_params(const TapeModel *t, const TapeInput *in, const double *value)
{
    size_t count = 0;
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t e = 0; e < ir_elements(&t->model.param[p].type); e++)
            in->param[p][e] = value[count++];
    return count;
}

/* Its error, relative where the answer is large. */
static double check_answer(const Problem *p, const char *via, const char *what, double got,
                           double want)
{
    double error = fabs(got - want) / (1 + fabs(want));
    if (isnan(want))
        return 0;
    if (!(error <= (is_biased(via) ? BIASED_BOUND : BOUND)))
        ck_abort_msg("%s via %s: %s is %.15g, not %.15g", p->id, via, what, got, want);
    return error;
}

static void check_variance(const Problem *p, size_t which, const TapeResult *r, size_t count)
{
    const char *via = p->via[which];
    double want = p->variance[which], variance = 0;
    for (size_t i = 1; i <= (p->of_all ? count : 1); i++)
        variance += r->square[i] - r->value[i] * r->value[i];
    if (want < 0)
        ck_assert_msg(fabs(variance) < 1e-12, "%s via %s: variance %.6g", p->id, via, variance);
    if (want > 0)
        ck_assert_msg(fabs(variance - want) < 0.5e-3 * want, "%s via %s: variance %.6g, not %.6g",
                      p->id, via, variance, want);
}

/* The largest error of the value and of the gradient's elements; their number. */
static double check_estimate(const Problem *p, size_t which, size_t *count)
{
    const char *via = p->via[which];
    char text[1024];
    snprintf(text, sizeof text, p->text, via, via);
    TapeModel *t = tape_compile(text);
    if (!t->ok)
        diags_render(t->diags, stderr);
    ck_assert_msg(t->ok, "%s", text);
    TapeInput in = tape_input(t, 1);
    in.heavy = p->heavy;
    in.frequency = p->frequency;
    *count = set_params(t, &in, p->param);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    double error = check_answer(p, via, "the value", r.value[0], p->value);
    for (size_t i = 0; i < *count; i++)
        error = fmax(error, check_answer(p, via, "the gradient", r.value[1 + i], p->gradient[i]));
    check_variance(p, which, &r, *count);
    tape_free(t);
    return error;
}

/* ---- rows of the page ----------------------------------------------------------------------- */

static const char *skip(const char *c, const char *set)
{
    return c + strspn(c, set);
}

/* The statements of the graph, on one line, without estimators. */
static void put_program(FILE *out, const char *text)
{
    const char *body = strchr(strstr(text, "graph g {"), '\n');
    const char *join = "";
    for (const char *c = skip(body, "\n "); strcmp(c, "}\n") != 0; c = skip(c, "\n ")) {
        size_t n = strcspn(c, "\n");
        const char *via = strstr(c, " via %s");
        if (via && via < c + n)
            n = (size_t)(via - c);
        fprintf(out, "%s%.*s", *c == '}' ? " " : join, (int)n, c);
        join = c[n - 1] == '{' ? " " : "; ";
        c += strcspn(c, "\n");
    }
}

static void put_numbers(FILE *out, const double *value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.15g", i ? ", " : "", value[i]);
}

static void put_estimates(FILE *out, const Problem *p)
{
    for (size_t i = 0; p->via[i]; i++) {
        fprintf(out, "%s%s", i ? ", " : "", *p->via[i] ? p->via[i] : "no draw");
        if (p->variance[i])
            fprintf(out, " (variance %.6g)", fmax(p->variance[i], 0));
    }
}

/* All of a row but its last cell, the error. */
static char *row_of(const Problem *p, size_t count)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "| %s | `", p->id);
    put_program(out, p->text);
    fprintf(out, "` | ");
    put_numbers(out, p->param, count);
    fprintf(out, " | ");
    if (!isnan(p->value))
        put_numbers(out, &p->value, 1);
    fprintf(out, " | ");
    put_numbers(out, p->gradient, count);
    fprintf(out, " | ");
    put_estimates(out, p);
    fprintf(out, " | ");
    fclose(out);
    return text;
}

static char *read_page(void)
{
    char *text;
    size_t size;
    FILE *in = fopen(PAGE, "r"), *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(in);
    for (int c; (c = getc(in)) != EOF;)
        putc(c, out);
    fclose(in);
    fclose(out);
    return text;
}

/* The line of the table that begins with the id, or NULL. */
static char *find_row(char *page, const char *id)
{
    char begins[64];
    snprintf(begins, sizeof begins, "\n| %s |", id);
    char *at = strstr(page, begins);
    return at ? at + 1 : NULL;
}

/* Where the table ends. */
static char *end_of_rows(char *page)
{
    char *at = strstr(page, "\n| --- |");
    while (at && at[1] == '|')
        at = strchr(at + 1, '\n');
    ck_assert_ptr_nonnull(at);
    return at + 1;
}

/* In the place of the row that is there, or behind the last one. */
static void write_row(const Problem *p, const char *row, double error)
{
    char *page = read_page(), *at = find_row(page, p->id);
    char *rest = at ? strchr(at, '\n') + 1 : end_of_rows(page);
    at = at ? at : rest;
    FILE *out = fopen(PAGE, "w");
    ck_assert_ptr_nonnull(out);
    fprintf(out, "%.*s%s%.0e |\n%s", (int)(at - page), page, row, error, rest);
    fclose(out);
    free(page);
}

/* The smallest power of ten above it: less than 1e-14 is what 15 digits leave. */
static double rounded_up(double error)
{
    return pow(10, fmax(-14, ceil(log10(error))));
}

/* The row is there, and its error is no smaller than what is seen now; other machines round
 * otherwise. */
static void check_row(const Problem *p, const char *row, double error)
{
    char *page = read_page(), *at = find_row(page, p->id);
    ck_assert_msg(at && strncmp(at, row, strlen(row)) == 0,
                  "docs/problems.md does not say\n%s\nSGC_GOLDEN_UPDATE=1 writes it", row);
    ck_assert_msg(error <= 10 * strtod(at + strlen(row), NULL), "%s: error %.2g\n%s", p->id, error,
                  row);
    free(page);
}

START_TEST(problem_is_reproduced)
{
    const Problem *p = &problem_list[_i];
    double error = 0;
    size_t count = 0;
    for (size_t i = 0; p->via[i]; i++)
        error = fmax(error, check_estimate(p, i, &count));
    char *row = row_of(p, count);
    if (getenv("SGC_GOLDEN_UPDATE"))
        write_row(p, row, rounded_up(error));
    else
        check_row(p, row, error);
    free(row);
}
END_TEST

START_TEST(page_has_no_other_rows)
{
    char *page = read_page(), *end = end_of_rows(page);
    size_t rows = 0;
    for (char *c = strstr(page, "\n| --- |") + 1; c < end; c = strchr(c, '\n') + 1)
        rows++;
    ck_assert_uint_eq(rows, 1 + problem_count);
    free(page);
}
END_TEST

Suite *problem_suite(void)
{
    Suite *s = suite_create("problem");
    TCase *c = tcase_create("exact");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, problem_is_reproduced, 0, (int)problem_count);
    tcase_add_test(c, page_has_no_other_rows);
    suite_add_tcase(s, c);
    return s;
}
