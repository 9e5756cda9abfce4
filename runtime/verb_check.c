/* check-gradients: a table of what the check could see, and a verdict for every parameter. */
#include "runtime/verb.h"

#include "runtime/check.h"
#include "runtime/session.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double default_bias = 0.05;
static const char *const method_name[] = {"taylor", "exact", "sampling"};
static const char *const verdict_name[] = {"ok", "ok: zero", "undecided", "WRONG"};

/* "-0.3% .. +0.4%". */
static const char *interval(const SgrtChecked *p, char *out, size_t room)
{
    if (!isfinite(p->low) || !isfinite(p->high) || fmax(-p->low, p->high) > 1e3)
        snprintf(out, room, "-");
    else
        snprintf(out, room, "%+.2g%% .. %+.2g%%", 100 * p->low, 100 * p->high);
    return out;
}

static void print_param(const SgrtModel *model, const SgrtCheck *c, const SgrtChecked *p)
{
    char bias[80];
    const SgrtParam *param = &model->param[p->param];
    printf("%-16s %10.4g %10.4g  %-24s %s", param->name, p->gradient, p->sd,
           interval(p, bias, sizeof bias), verdict_name[p->verdict]);
    if (p->verdict == SGRT_VERDICT_WRONG)
        printf("  %s", param->place);
    if (p->verdict == SGRT_VERDICT_UNDECIDED && c->method == SGRT_SAMPLING && p->sd > 0)
        printf(" (snr %.2g: raise --samples)", p->gradient / p->sd);
    else if (p->verdict == SGRT_VERDICT_UNDECIDED && c->method == SGRT_SAMPLING)
        printf(" (the cost jumps: raise --samples)");
    if (p->verdict == SGRT_VERDICT_UNDECIDED && c->method != SGRT_SAMPLING)
        printf(" (rounding hides it: sgc --real f64)");
    if (isfinite(p->order))
        printf("  order %.2f", p->order);
    putchar('\n');
}

static void print_table(const SgrtSession *s, const SgrtCheck *c)
{
    char digits[32];
    printf("%-16s %10s %10s  %-24s %s\n", "param", "|grad|", "est.sd",
           c->method == SGRT_SAMPLING ? "bias (99% interval)" : "bias (bound)", "verdict");
    for (int64_t i = 0; i < c->params; i++)
        print_param(s->model, c, &c->checked[i]);
    if (c->method == SGRT_TAYLOR)
        printf("no draws: differences, and the order of the Taylor remainder");
    else if (c->method == SGRT_EXACT && c->smooth == 0)
        printf("exact: all %s outcomes of the draws", sgrt_digits(digits, c->points));
    else if (c->method == SGRT_EXACT)
        printf("exact: %s points of a quadrature over %lld variates, to %.1g",
               sgrt_digits(digits, c->points), (long long)c->smooth, c->change);
    else
        printf("sampling: %s draws", sgrt_digits(digits, c->draws));
    if (s->graph->batch)
        printf(", %lld row%s", (long long)c->rows, c->rows == 1 ? "" : "s");
    printf(", seed %lld\n", (long long)s->seed);
}

static void add_finite(cJSON *to, const char *key, double value)
{
    cJSON_AddItemToObject(to, key,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static int print_json(const SgrtSession *s, const SgrtCheck *c)
{
    static const char *const word[] = {"ok", "zero", "undecided", "wrong"};
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "graph", s->graph->name);
    cJSON_AddStringToObject(all, "method", method_name[c->method]);
    cJSON_AddStringToObject(all, "verdict", word[c->verdict]);
    cJSON_AddNumberToObject(all, "rows", (double)c->rows);
    cJSON_AddNumberToObject(all, "seed", (double)s->seed);
    cJSON_AddNumberToObject(all, "draws", (double)c->draws);
    cJSON_AddNumberToObject(all, "points", (double)c->points);
    add_finite(all, "quadrature", c->smooth ? c->change : NAN);
    cJSON *params = cJSON_AddArrayToObject(all, "params");
    for (int64_t i = 0; i < c->params; i++) {
        const SgrtChecked *p = &c->checked[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddItemToArray(params, one);
        cJSON_AddStringToObject(one, "name", s->model->param[p->param].name);
        cJSON_AddStringToObject(one, "place", s->model->param[p->param].place);
        cJSON_AddNumberToObject(one, "directions", (double)p->directions);
        add_finite(one, "gradient", p->gradient);
        add_finite(one, "sd", p->sd);
        add_finite(one, "low", p->low);
        add_finite(one, "high", p->high);
        add_finite(one, "order", p->order);
        cJSON_AddStringToObject(one, "verdict", word[p->verdict]);
    }
    char *text = cJSON_Print(all);
    int status = text ? SGRT_OK : SGRT_FAILED;
    printf("%s\n", text ? text : "");
    free(text);
    cJSON_Delete(all);
    return status;
}

/* 0: all right; 1: one is wrong, or cannot be told and that was to be an error. */
static int conclude(const SgrtSession *s, const SgrtCheck *c)
{
    const SgrtOptions *o = s->options;
    if (c->verdict == SGRT_VERDICT_UNDECIDED)
        sgrt_say_warning(o, "the check could not see a bias of %g%% of every gradient",
                         100 * (isnan(o->bias) ? default_bias : o->bias));
    if (c->verdict == SGRT_VERDICT_WRONG && s->graph->biased)
        sgrt_say_note(o, "graph %s was compiled with an estimator accepted as biased",
                      s->graph->name);
    bool failed =
        c->verdict == SGRT_VERDICT_WRONG || (c->verdict == SGRT_VERDICT_UNDECIDED && o->werror);
    return failed ? SGRT_FAILED : SGRT_OK;
}

static int check(SgrtSession *s)
{
    SgrtError e;
    SgrtCheck c;
    const SgrtOptions *o = s->options;
    SgrtCheckSettings settings = {.seed = s->seed,
                                  .batch = o->batch,
                                  .samples = o->samples,
                                  .bias = isnan(o->bias) ? default_bias : o->bias};
    if (!sgrt_check(&c, s->context, &s->data, &s->params, s->pool, &settings, &e))
        return sgrt_say_error(o, SGRT_FAILED, &e);
    int status = SGRT_OK;
    if (o->json)
        status = print_json(s, &c);
    else
        print_table(s, &c);
    if (status == SGRT_OK)
        status = conclude(s, &c);
    sgrt_check_free(&c);
    return status;
}

int sgrt_verb_check_gradients(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, true, check);
}
