/* The place in the data, as a context's note, and what must agree to go on from it. */
#include "runtime/checkpoint.h"

#include "runtime/complain.h"
#include "runtime/host.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whole numbers as texts, since a JSON number is exact to 2^53 only, and reals to the last bit. */
static void add_whole(cJSON *to, const char *key, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    cJSON_AddStringToObject(to, key, digits);
}

static void add_real(cJSON *to, double value)
{
    char digits[40];
    snprintf(digits, sizeof digits, "%a", value);
    cJSON_AddItemToArray(to, cJSON_CreateString(digits));
}

/* Costs, then rows, spread, steps and clipped. */
static void add_sums(cJSON *to, const SgrtTrainer *t)
{
    const SgrtSums *s = &t->sum;
    cJSON *sums = cJSON_AddArrayToObject(to, "sums");
    for (int64_t i = 0; i <= t->data->graph->costs; i++)
        add_real(sums, s->cost[i]);
    const double rest[] = {s->rows, s->spread, s->steps, s->clipped};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        add_real(sums, rest[i]);
}

/* The caller frees it; NULL: out of memory. */
static char *make_note(const SgrtTrainer *t)
{
    cJSON *note = cJSON_CreateObject();
    cJSON_AddStringToObject(note, "hash", t->data->model->hash);
    add_whole(note, "seed", t->settings.seed);
    add_whole(note, "rows", t->data->rows);
    add_whole(note, "batch", t->settings.batch);
    add_sums(note, t);
    char *text = cJSON_PrintUnformatted(note);
    cJSON_Delete(note);
    return text;
}

bool sgrt_checkpoint_save(const char *path, const SgrtTrainer *t, SgrtError *e)
{
    char *note = make_note(t);
    sgrt_context_noise(t->context, t->settings.seed, t->step); /* a step that failed drew in vain */
    int status = note ? sgrt_context_note(t->context, note) : SGRT_CONTEXT_MEMORY;
    if (status == SGRT_CONTEXT_OK)
        status = sgrt_context_save(t->context, t->graph, path);
    free(note);
    return status == SGRT_CONTEXT_OK || sgrt_host_fail(t->context, status, e);
}

bool sgrt_checkpoint_params(const char *path, SgrtContext *context, SgrtError *e)
{
    int status = sgrt_context_load(context, -1, path);
    return status == SGRT_CONTEXT_OK || sgrt_host_fail(context, status, e);
}

/* A context that cannot take the whole of a training is as it was. */
bool sgrt_checkpoint_learned(const char *path, SgrtContext *context, int graph, SgrtError *e)
{
    return sgrt_context_load(context, graph, path) == SGRT_CONTEXT_OK ||
           sgrt_checkpoint_params(path, context, e);
}

/* ---- going on ------------------------------------------------------------------------------- */

static void compare(SgrtComplaints *c, const cJSON *note, const char *key, const char *what,
                    const char *here)
{
    const char *there = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(note, key));
    if (!there)
        sgrt_complain(c, "the file gives no %s", what);
    else if (strcmp(there, here) != 0)
        sgrt_complain(c, "the %s is %s in the file and %s here", what, there, here);
}

static void compare_whole(SgrtComplaints *c, const cJSON *note, const char *key, const char *what,
                          int64_t here)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)here);
    compare(c, note, key, what, digits);
}

static void take_sums(SgrtComplaints *c, const cJSON *note, SgrtTrainer *t)
{
    const cJSON *sums = cJSON_GetObjectItemCaseSensitive(note, "sums"), *one;
    int64_t costs = 1 + t->data->graph->costs, at = 0;
    SgrtSums *s = &t->sum;
    double *const rest[] = {&s->rows, &s->spread, &s->steps, &s->clipped};
    if (cJSON_GetArraySize(sums) != costs + 4) {
        sgrt_complain(c, "the file gives no sums");
        return;
    }
    cJSON_ArrayForEach(one, sums)
    {
        const char *digits = cJSON_GetStringValue(one);
        double value = digits ? strtod(digits, NULL) : 0;
        *(at < costs ? &s->cost[at] : rest[at - costs]) = value;
        at++;
    }
}

bool sgrt_checkpoint_resume(const char *path, SgrtTrainer *t, SgrtError *e)
{
    SgrtComplaints c = {.used = 0};
    int status = sgrt_context_load(t->context, t->graph, path);
    if (status != SGRT_CONTEXT_OK)
        return sgrt_host_fail(t->context, status, e);
    cJSON *note = cJSON_Parse(sgrt_context_noted(t->context));
    compare(&c, note, "hash", "hash of the model", t->data->model->hash);
    compare_whole(&c, note, "seed", "seed", t->settings.seed);
    compare_whole(&c, note, "rows", "number of rows", t->data->rows);
    compare_whole(&c, note, "batch", "batch", t->settings.batch);
    take_sums(&c, note, t);
    cJSON_Delete(note);
    t->step = sgrt_context_updates(t->context, t->graph);
    return sgrt_settle(&c, e) || sgrt_fail_in(e, path);
}
