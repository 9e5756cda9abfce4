/* bench: what a step and an evaluation take, phase by phase. */
#include "runtime/verb.h"

#include "runtime/memory.h"
#include "runtime/probe.h"
#include "runtime/progress.h"
#include "runtime/session.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { WARM_UP = 5, LEAST = 20, MOST = 5000, SHOWN = 56 };
static const double long_enough = 0.5; /* seconds of calls that are counted */

/* The times of an entry: calls x (1 + phases), the whole first. */
typedef struct Times {
    const SgrtEntry *entry;
    double *second; /* owned */
    int64_t calls, width;
} Times;

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Of one column of the times. */
static double median(const Times *t, int64_t column, double *room)
{
    for (int64_t i = 0; i < t->calls; i++)
        room[i] = t->second[i * t->width + column];
    qsort(room, (size_t)t->calls, sizeof *room, rising);
    return t->calls % 2 ? room[t->calls / 2] : (room[t->calls / 2 - 1] + room[t->calls / 2]) / 2;
}

/* Phase by phase, as sgrt_call_run() does it. */
static void time_call(SgrtCall *c, SgrtPool *pool, double *second)
{
    double began = sgrt_seconds(), last = began;
    for (int64_t i = 0; i < c->entry->phases; i++) {
        sgrt_call_phase(c, i, pool);
        double now = sgrt_seconds();
        second[1 + i] = now - last;
        last = now;
    }
    second[0] = last - began;
}

static bool time_entry(Times *t, SgrtCall *c, SgrtPool *pool, int64_t calls, SgrtError *e)
{
    *t = (Times){.entry = c->entry, .width = 1 + c->entry->phases};
    t->second = sgrt_alloc(calls * t->width, sizeof *t->second, e);
    if (!t->second)
        return false;
    double spent = 0;
    for (int64_t i = 0; i < WARM_UP; i++)
        time_call(c, pool, t->second);
    for (; t->calls < calls && (t->calls < LEAST || spent < long_enough); t->calls++) {
        c->frame.step = t->calls;
        time_call(c, pool, t->second + t->calls * t->width);
        spent += t->second[t->calls * t->width];
    }
    return sgrt_call_check(c, e);
}

/* A long list of kernels is cut. */
static void print_row(double seconds, double whole, const char *name)
{
    size_t length = strlen(name);
    printf("  %9.1f  %4.0f%%  %.*s%s\n", 1e6 * seconds, 100 * seconds / whole, SHOWN, name,
           length > SHOWN ? " ..." : "");
}

static void print_table(const Times *t, const char *entry, int64_t rows, double *room)
{
    double whole = median(t, 0, room);
    printf("%s: %.1f us", entry, 1e6 * whole);
    if (rows)
        printf(", %.4g rows/s", (double)rows / whole);
    printf(", median of %lld calls\n         us  share  kernels\n", (long long)t->calls);
    for (int64_t i = 0; i < t->entry->phases; i++)
        print_row(median(t, 1 + i, room), whole, t->entry->phase[i].name);
}

static void add_json(cJSON *to, const Times *t, const char *entry, double *room)
{
    cJSON *one = cJSON_AddObjectToObject(to, entry);
    cJSON_AddNumberToObject(one, "seconds", median(t, 0, room));
    cJSON_AddNumberToObject(one, "calls", (double)t->calls);
    cJSON *phases = cJSON_AddArrayToObject(one, "phases");
    for (int64_t i = 0; i < t->entry->phases; i++) {
        cJSON *phase = cJSON_CreateObject();
        cJSON_AddItemToArray(phases, phase);
        cJSON_AddStringToObject(phase, "kernels", t->entry->phase[i].name);
        cJSON_AddNumberToObject(phase, "tasks", (double)t->entry->phase[i].tasks);
        cJSON_AddNumberToObject(phase, "seconds", median(t, 1 + i, room));
    }
}

static void print(const SgrtSession *s, const Times *step, const Times *eval, int64_t rows,
                  double *room)
{
    if (!s->options->json) {
        print_table(step, "step", rows, room);
        print_table(eval, "eval", rows, room);
        return;
    }
    cJSON *all = cJSON_CreateObject();
    cJSON_AddStringToObject(all, "model", s->model->name);
    cJSON_AddStringToObject(all, "hash", s->model->hash);
    cJSON_AddStringToObject(all, "graph", s->graph->name);
    cJSON_AddStringToObject(all, "cpu", s->model->cpu);
    cJSON_AddNumberToObject(all, "rows", (double)rows);
    cJSON_AddNumberToObject(all, "threads", (double)sgrt_pool_threads(s->pool));
    add_json(all, step, "step", room);
    add_json(all, eval, "eval", room);
    char *text = cJSON_Print(all);
    printf("%s\n", text ? text : "");
    free(text);
    cJSON_Delete(all);
}

static int bench(SgrtSession *s)
{
    SgrtError e;
    SgrtProbe p = {0};
    Times step = {0}, eval = {0};
    int64_t rows = s->graph->batch && s->batch > s->data.rows ? s->data.rows : s->batch;
    int64_t calls = s->options->samples > 0 ? s->options->samples : MOST;
    double *room = sgrt_alloc(calls, sizeof *room, &e);
    bool done =
        room && sgrt_probe_init(&p, &s->data, rows, &s->params, s->pool, s->hyper, s->seed, &e);
    done = done && time_entry(&step, &p.step, s->pool, calls, &e) &&
           time_entry(&eval, &p.eval, s->pool, calls, &e);
    if (done)
        print(s, &step, &eval, rows, room);
    sgrt_probe_free(&p);
    free(step.second);
    free(eval.second);
    free(room);
    return done ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_bench(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, true, bench);
}
