#include "tests/laws/slope.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the exact answer ----------------------------------------------------------------------- */

/* The text without its ` via estimator(...)`. */
/* After the bracket that closes the one here. */
static char *closed(char *open)
{
    int depth = 0;
    do
        depth += (*open == '(') - (*open == ')');
    while (*open++ && depth > 0);
    return open;
}

static char *without_via(const char *text)
{
    char *plain = strdup(text);
    for (char *via; (via = strstr(plain, " via "));) {
        char *end = via + 5 + strcspn(via + 5, " (;\n}");
        if (*end == '(')
            end = closed(end);
        memmove(via, end, strlen(end) + 1);
    }
    return plain;
}

static TapeModel *or_abort(TapeModel *t, const char *text)
{
    if (!t->ok) {
        diags_render(t->diags, stderr);
        ck_abort_msg("does not compile:\n%s", text);
    }
    return t;
}

static void find(Exact *e, const char *text, int64_t rows, TapeModel *(*compile)(const char *text))
{
    char *plain = without_via(text);
    if (e->text && strcmp(e->text, plain) == 0) {
        free(plain);
        return;
    }
    exact_free(e);
    TapeModel *t = or_abort(compile(plain), plain);
    TapeInput in = tape_input(t, rows);
    in.mean = e->mean;
    size_t count = 0, at = 0;
    for (uint32_t p = 0; p < t->model.params; p++)
        count += (size_t)ir_elements(&t->model.param[p].type);
    e->text = plain;
    e->slope = calloc(count + 1, sizeof *e->slope);
    e->objective = tape_mean(t, &t->entry[IR_ENTRY_EVAL], &in).value[0];
    for (uint32_t p = 0; p < t->model.params; p++)
        for (int64_t i = 0; i < ir_elements(&t->model.param[p].type); i++)
            e->slope[at++] = tape_slope(t, &in, p, i);
    tape_free(t);
}

void exact_find(Exact *e, const char *text, int64_t rows)
{
    find(e, text, rows, tape_compile);
}

void exact_find_plain(Exact *e, const char *text, int64_t rows)
{
    find(e, text, rows, tape_compile_plain);
}

void exact_free(Exact *e)
{
    free(e->text);
    free(e->slope);
    *e = (Exact){.mean = e->mean};
}

/* ---- the compiled gradient ------------------------------------------------------------------ */

static double relative(double got, double want)
{
    return fabs(got - want) / (1 + fabs(want));
}

static void take_worse(SlopeError *worst, double got, double want, const char *what)
{
    double error = relative(got, want);
    if (error <= worst->error)
        return;
    *worst = (SlopeError){.error = isnan(error) ? INFINITY : error, .got = got, .want = want};
    snprintf(worst->what, sizeof worst->what, "%s", what);
}

SlopeError slope_error(const Exact *e, TapeModel *t, int64_t rows)
{
    TapeInput in = tape_input(t, rows);
    in.mean = e->mean;
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeResult got = tape_mean(t, step, &in);
    const double *slope = e->slope;
    SlopeError worst = {0};
    take_worse(&worst, got.value[0], e->objective, "objective");
    for (uint32_t p = 0; p < t->model.params; p++) {
        long at = first_result_of(step, p);
        for (int64_t i = 0; i < ir_elements(&t->model.param[p].type); i++)
            take_worse(&worst, at < 0 ? 0 : got.value[at + i], *slope++, t->model.param[p].name);
    }
    return worst;
}

/* ---- tests ---------------------------------------------------------------------------------- */

void slope_check(Exact *exact, const char *text, int64_t rows)
{
    exact_find(exact, text, rows);
    TapeModel *t = compiled(text);
    SlopeError worst = slope_error(exact, t, rows);
    tape_free(t);
    if (worst.error > 0)
        check_near(worst.got, worst.want, worst.what, text);
}

void slope_check_alone(const char *text, int64_t rows)
{
    Exact exact = {0};
    slope_check(&exact, text, rows);
    exact_free(&exact);
}
