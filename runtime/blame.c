/* Which operation made a number that is not finite.
 *
 * A build with -g notes the first value that is infinite or NaN.  It may be of no account: a branch
 * that is not taken, a factor that is zero.  So the call is run again with finite numbers in the
 * place of such values, operation by operation, until what it computes is finite; then with all of
 * them replaced but one.  The first that spoils the call alone is to blame, and its first row. */
#include "runtime/engine.h"

#include <math.h>
#include <stdio.h>

static double parameter_at(const SgrtCall *c, int64_t param, int64_t i)
{
    const void *v = ((void *const *)c->frame.param)[param];
    return c->data->model->real == SGRT_F64 ? ((const double *)v)[i] : ((const float *)v)[i];
}

/* Names a parameter that the last update left without a number. */
static bool blame_parameter(const SgrtCall *c, SgrtError *e)
{
    const SgrtModel *model = c->data->model;
    char why[400];
    for (int64_t p = 0; p < model->params; p++)
        for (int64_t i = 0; i < model->param[p].size; i++)
            if (!isfinite(parameter_at(c, p, i))) {
                snprintf(why, sizeof why, "element %lld of the parameter %s was %g before it",
                         (long long)i, model->param[p].name, sgrt_shown(parameter_at(c, p, i)));
                sgrt_fail_as(e, why);
                return true;
            }
    return false;
}

/* A call being looked into. */
typedef struct Inquest {
    SgrtCall *call;
    SgrtPool *pool;
    SgrtFinite *finite;
    void *of;
} Inquest;

static bool is_spoilt(const Inquest *q)
{
    SgrtError e = {.nonfinite = false};
    sgrt_call_run(q->call, q->pool);
    return !q->finite(q->of, &e) && e.nonfinite;
}

/* Replaces the values of the operation that was noted.  False if there is none that can be, or no
 * room. */
static bool forgive_noted(SgrtFault *f)
{
    for (int64_t i = 0; i < f->forgiven; i++)
        if (f->forgive[i].place == f->nonfinite.place)
            return false;
    if (!f->nonfinite.seen || f->forgiven == SGRT_MOST_FORGIVEN)
        return false;
    f->forgive[f->forgiven++] = (SgrtForgiven){f->nonfinite.place, 0, -1};
    return true;
}

/* Is the call spoilt by the values of one operation in these rows, all others replaced? */
static bool spoils(const Inquest *q, SgrtForgiven *one, int64_t first, int64_t last)
{
    const SgrtForgiven kept = *one;
    one->first_row = first;
    one->last_row = last;
    bool spoilt = is_spoilt(q);
    *one = kept;
    return spoilt;
}

/* The first row whose value spoils the call is at most `row`, which is one; leaves it noted. */
static void find_row(const Inquest *q, SgrtForgiven *one, int64_t last)
{
    int64_t first = 0, row = q->call->fault.nonfinite.row;
    if (row < 0 || spoils(q, one, row, row))
        return;
    while (first < last) {
        int64_t middle = first + (last - first) / 2;
        if (spoils(q, one, 0, middle))
            last = middle;
        else
            first = middle + 1;
    }
    spoils(q, one, first, first);
}

static int64_t last_row(const SgrtCall *c)
{
    int64_t last = 0;
    for (int64_t i = 0; i < c->frame.rows; i++)
        last = ((int64_t *)c->frame.row)[i] > last ? ((int64_t *)c->frame.row)[i] : last;
    return last;
}

/* What is to blame, or what was noted first if that cannot be said. */
static SgrtNonfinite find(const Inquest *q)
{
    SgrtFault *f = &q->call->fault;
    SgrtNonfinite found = f->nonfinite;
    bool spoilt = true;
    while (spoilt && forgive_noted(f))
        spoilt = is_spoilt(q);
    for (int64_t i = 0; !spoilt && i < f->forgiven; i++)
        if (spoils(q, &f->forgive[i], -1, INT64_MAX)) {
            find_row(q, &f->forgive[i], last_row(q->call));
            found = f->nonfinite;
            break;
        }
    f->forgiven = 0;
    is_spoilt(q); /* leaves behind what the call computed */
    return found;
}

bool sgrt_call_explain(SgrtCall *c, SgrtPool *pool, SgrtFinite *finite, void *of, SgrtError *e)
{
    const Inquest q = {c, pool, finite, of};
    char why[400], of_what[80] = "", row[40] = "";
    if (!e->nonfinite || blame_parameter(c, e) || !c->fault.nonfinite.seen)
        return false;
    const SgrtNonfinite f = find(&q);
    if (f.operands == 1)
        snprintf(of_what, sizeof of_what, " of %g", sgrt_shown(f.operand[0]));
    if (f.operands == 2)
        snprintf(of_what, sizeof of_what, " of %g and %g", sgrt_shown(f.operand[0]),
                 sgrt_shown(f.operand[1]));
    if (f.row >= 0)
        snprintf(row, sizeof row, " (row %lld)", (long long)f.row);
    snprintf(why, sizeof why, "%s%s is %g%s", c->data->graph->place[f.place], of_what,
             sgrt_shown(f.result), row);
    return sgrt_fail_as(e, why);
}
