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

/* The times of an entry: calls x (2 + phases): the whole, the phases, and what follows them. */
typedef struct Times {
    const SgrtEntry *entry;
    double *second; /* owned */
    int64_t calls, width;
    double last; /* when the phase began that runs */
    int64_t at;  /* its column in the call that runs */
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

/* An SgrtObserver, of a context whose calls are timed one at a time. */
static void note_phase(void *observing, const char *kernels)
{
    (void)kernels;
    Times *t = *(Times **)observing;
    double now = sgrt_seconds(), *second = t->second + t->calls * t->width;
    if (t->at > 0)
        second[t->at] = now - t->last;
    t->at++;
    t->last = now;
}

typedef bool Call(SgrtProbe *p, SgrtError *e);

static bool call_step(SgrtProbe *p, SgrtError *e)
{
    return sgrt_probe_step(p, NULL, e);
}

static bool call_eval(SgrtProbe *p, SgrtError *e)
{
    double cost;
    return sgrt_probe_cost(p, NULL, &cost, e);
}

static bool time_call(Times *t, SgrtProbe *p, Call *call, SgrtError *e)
{
    double *second = t->second + t->calls * t->width, began = sgrt_seconds();
    t->at = 0;
    bool done = call(p, e);
    double now = sgrt_seconds();
    second[t->width - 1] = now - t->last;
    second[0] = now - began;
    return done;
}

static bool time_entry(Times *t, SgrtProbe *p, Call *call, int64_t calls, SgrtError *e)
{
    double spent = 0;
    t->second = sgrt_alloc(calls * t->width, sizeof *t->second, e);
    if (!t->second)
        return false;
    for (int64_t i = 0; i < WARM_UP; i++)
        if (!time_call(t, p, call, e))
            return false;
    for (; t->calls < calls && (t->calls < LEAST || spent < long_enough); t->calls++) {
        if (!time_call(t, p, call, e))
            return false;
        spent += t->second[t->calls * t->width];
    }
    return true;
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
    print_row(median(t, t->width - 1, room), whole, "checks of the result");
}

static void add_json(cJSON *to, const Times *t, const char *entry, double *room)
{
    cJSON *one = cJSON_AddObjectToObject(to, entry);
    cJSON_AddNumberToObject(one, "seconds", median(t, 0, room));
    cJSON_AddNumberToObject(one, "calls", (double)t->calls);
    cJSON_AddNumberToObject(one, "checks", median(t, t->width - 1, room));
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

/* A context that tells of its phases, with the session's parameters. */
static SgrtContext *open_observed(const SgrtSession *s, Times **observed, SgrtError *e)
{
    SgrtHostSettings settings = {.pool = s->pool,
                                 .seed = s->seed,
                                 .total_rows = s->data.rows,
                                 .optimizer = "none",
                                 .hyper = s->hyper,
                                 .observe = note_phase,
                                 .observing = observed};
    SgrtContext *m = sgrt_host_open(s->model, &settings, e);
    for (int64_t i = 0; m && i < s->model->params; i++)
        memcpy(sgrt_context_p(m, (int)i), s->params.value[i],
               (size_t)(s->model->param[i].size * sgrt_real_bytes(s->model)));
    return m;
}

static bool time_both(SgrtSession *s, SgrtContext *m, int64_t rows, Times **observed, Times *step,
                      Times *eval, SgrtError *e)
{
    SgrtProbe p;
    int64_t calls = s->options->samples > 0 ? s->options->samples : MOST;
    if (!sgrt_probe_init(&p, m, &s->data, rows, &s->params, s->pool, s->seed, e))
        return false;
    *observed = step;
    bool done = time_entry(step, &p, call_step, calls, e);
    *observed = eval;
    done = done && time_entry(eval, &p, call_eval, calls, e);
    sgrt_probe_free(&p);
    return done;
}

static Times times_of(const SgrtEntry *entry)
{
    return (Times){.entry = entry, .width = 2 + entry->phases};
}

static int bench(SgrtSession *s)
{
    SgrtError e;
    Times step = times_of(s->graph->step), eval = times_of(s->graph->eval), *observed = NULL;
    int64_t rows = s->graph->batch && s->batch > s->data.rows ? s->data.rows : s->batch;
    SgrtContext *m = open_observed(s, &observed, &e);
    bool done = m && time_both(s, m, rows, &observed, &step, &eval, &e);
    int64_t calls = step.calls > eval.calls ? step.calls : eval.calls;
    double *room = done ? sgrt_alloc(calls, sizeof *room, &e) : NULL;
    if (room)
        print(s, &step, &eval, rows, room);
    sgrt_context_free(m);
    free(step.second);
    free(eval.second);
    free(room);
    return room ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_bench(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, true, bench);
}
