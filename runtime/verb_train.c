/* train: the loop over steps, with its reports, its folder, and its ways to end. */
#include "runtime/verb.h"

#include "runtime/checkpoint.h"
#include "runtime/config.h"
#include "runtime/memory.h"
#include "runtime/plan.h"
#include "runtime/progress.h"
#include "runtime/rundir.h"
#include "runtime/session.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { INTERRUPTED = 128 }; /* plus the signal's number, as shells have it */

/* One training run. */
typedef struct Run {
    SgrtSession session;
    SgrtPlan plan;
    SgrtTrainer trainer;
    SgrtProgress progress;
    SgrtRunDir folder;
    bool keeps;     /* there is a folder */
    cJSON *adopted; /* owned: the configuration of the run that is resumed */
    double *cost;   /* owned: [1 + costs] */
    int64_t last_step;
    int64_t every; /* steps between reports */
} Run;

/* The signal that asked the run to end after the current step. */
static volatile sig_atomic_t asked_to_stop;

static void ask_to_stop(int signal)
{
    asked_to_stop = signal;
}

/* A second signal ends the process at once. */
static void listen_to_signals(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    asked_to_stop = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static int fail(const Run *r, int status, const SgrtError *e)
{
    return sgrt_say_error(r->session.options, status, e);
}

/* 1, 2 or 5 times a power of ten, for about twenty reports of a graph without rows. */
static int64_t round_interval(int64_t steps)
{
    int64_t unit = 1, wanted = (steps + 19) / 20;
    while (unit * 10 <= wanted)
        unit *= 10;
    for (int64_t factor = 1; factor <= 5; factor += factor == 1 ? 1 : 3)
        if (unit * factor >= wanted)
            return unit * factor;
    return unit * 10;
}

static bool save(const Run *r, SgrtError *e)
{
    return !r->keeps ||
           sgrt_checkpoint_save(r->folder.checkpoint, &r->session.params, &r->trainer, e);
}

static void add_finite(cJSON *to, const char *key, double value)
{
    cJSON_AddItemToObject(to, key,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static bool write_metrics(Run *r, double seconds, SgrtError *e)
{
    const SgrtTrainer *t = &r->trainer;
    const SgrtGraph *g = r->session.graph;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "step", (double)t->step);
    if (t->epoch_steps)
        cJSON_AddNumberToObject(line, "epoch", (double)t->step / (double)t->epoch_steps);
    cJSON_AddStringToObject(line, "split", "train");
    add_finite(line, "cost", r->cost[0]);
    add_finite(line, "total", r->cost[0] * (double)t->data->rows);
    cJSON *costs = cJSON_AddObjectToObject(line, "costs");
    for (int64_t i = 0; i < g->costs; i++)
        add_finite(costs, g->cost[i], r->cost[1 + i]);
    add_finite(line, "gradient_norm", t->norm);
    add_finite(line, "seconds", round(seconds * 1e6) / 1e6);
    bool written = sgrt_rundir_log(&r->folder, line, e);
    cJSON_Delete(line);
    return written;
}

/* An epoch's end starts new sums; the end of a run inside an epoch does not, so that a later run
 * can go on with them. */
static bool report(Run *r, bool whole, SgrtError *e)
{
    SgrtTrainer *t = &r->trainer;
    int64_t costs = r->session.graph->costs;
    if (whole)
        sgrt_trainer_report(t, r->cost);
    for (int64_t i = 0; !whole && i <= costs; i++)
        r->cost[i] = t->sum[i] / t->sum_rows;
    double seconds = sgrt_progress_report(&r->progress, t, r->cost);
    return (!r->keeps || write_metrics(r, seconds, e)) && save(r, e);
}

/* A step was not applied: keeps what was valid before it. */
static int stop_at_fault(Run *r, SgrtError *e)
{
    SgrtError saving;
    const SgrtOptions *o = r->session.options;
    sgrt_progress_clear(&r->progress);
    fail(r, SGRT_FAILED, e);
    if (!save(r, &saving))
        return fail(r, SGRT_FAILED, &saving);
    if (r->keeps)
        sgrt_say_note(o, "the step was not applied; the state before it is in %s",
                      r->folder.checkpoint);
    else
        sgrt_say_note(o, "the step was not applied; without --out nothing is kept");
    return SGRT_FAILED;
}

static int stop_at_signal(Run *r)
{
    SgrtError e;
    int status = INTERRUPTED + asked_to_stop;
    sgrt_progress_clear(&r->progress);
    if (!save(r, &e))
        return fail(r, SGRT_FAILED, &e);
    if (r->keeps)
        sgrt_say_note(r->session.options, "stopped after step %lld; --resume goes on from %s",
                      (long long)r->trainer.step, r->folder.checkpoint);
    else
        sgrt_say_note(r->session.options, "stopped after step %lld; without --out nothing is kept",
                      (long long)r->trainer.step);
    return status;
}

static int loop(Run *r)
{
    SgrtError e;
    SgrtTrainer *t = &r->trainer;
    listen_to_signals();
    if (t->step >= r->last_step && t->step > 0)
        sgrt_say_note(r->session.options, "the run is already at step %lld of %lld",
                      (long long)t->step, (long long)r->last_step);
    sgrt_progress_start(&r->progress, t, r->last_step, r->session.options->quiet);
    while (t->step < r->last_step) {
        if (asked_to_stop)
            return stop_at_signal(r);
        if (!sgrt_trainer_step(t, &e))
            return stop_at_fault(r, &e);
        bool whole = t->step % r->every == 0;
        if ((whole || t->step == r->last_step) && !report(r, whole, &e))
            return fail(r, SGRT_FAILED, &e);
        sgrt_progress_step(&r->progress, t);
    }
    return SGRT_OK;
}

static void warn_untrained(const Run *r)
{
    char list[400] = "";
    const SgrtModel *model = r->session.model;
    for (int64_t i = 0; i < model->params; i++) {
        size_t used = strlen(list);
        if (!r->session.graph->trained[i])
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "",
                     model->param[i].name);
    }
    if (*list)
        sgrt_say_warning(r->session.options, "no cost of %s reaches %s: left as %s",
                         r->session.graph->name, list, strchr(list, ',') ? "they are" : "it is");
}

static void print_header(const Run *r)
{
    char count[32], rows[32];
    const SgrtSession *s = &r->session;
    int64_t trained = 0;
    for (int64_t i = 0; i < s->model->params; i++)
        trained += s->graph->trained[i] ? s->model->param[i].size : 0;
    if (s->options->quiet)
        return;
    printf("%s: ", s->graph->name);
    if (s->graph->batch)
        printf("%s rows in batches of %lld, ", sgrt_digits(rows, s->data.rows),
               (long long)r->trainer.settings.batch);
    printf("%s parameters, %s lr %g, seed %lld, %lld thread%s%s\n", sgrt_digits(count, trained),
           r->plan.optimizer.optimizer->name, r->plan.optimizer.lr, (long long)s->seed,
           (long long)sgrt_pool_threads(s->pool), sgrt_pool_threads(s->pool) == 1 ? "" : "s",
           s->graph->biased ? ", biased" : "");
    fflush(stdout);
}

/* Looks at --out before any data are read. */
static int open_folder(Run *r, SgrtOptions *o)
{
    SgrtError e;
    r->keeps = o->out != NULL;
    SgrtRunMode mode = o->resume ? SGRT_RUN_RESUME : o->force ? SGRT_RUN_FORCE : SGRT_RUN_NEW;
    if (o->resume && (!o->out || o->force || o->from)) {
        sgrt_fail(&e,
                  "--resume needs --out, the folder of the run, and neither --force nor --from");
        return fail(r, SGRT_USAGE, &e);
    }
    if (r->keeps && !sgrt_rundir_open(&r->folder, o->out, mode, &e))
        return fail(r, SGRT_USAGE, &e);
    if (!o->resume)
        return SGRT_OK;
    r->adopted = sgrt_rundir_read_config(&r->folder, &e);
    if (r->adopted && sgrt_config_adopt(r->adopted, o, &e))
        return SGRT_OK;
    return fail(r, SGRT_FAILED, &e);
}

static int choose(Run *r, const SgrtModel *model, SgrtOptions *o, const SgrtGraph **graph)
{
    SgrtError e;
    const SgrtGraph *fallback = model->trains ? sgrt_default_graph(model) : NULL;
    *graph = sgrt_chosen_graph(model, o, fallback);
    if (!*graph)
        return SGRT_USAGE;
    if (!(*graph)->step) {
        sgrt_fail(&e, "graph %s has no cost to train", (*graph)->name);
        return fail(r, SGRT_USAGE, &e);
    }
    if (!sgrt_plan_make(&r->plan, model, *graph, o, &e))
        return fail(r, SGRT_USAGE, &e);
    return SGRT_OK;
}

static int resume(Run *r)
{
    SgrtError e;
    SgrtCheckpoint c;
    if (!sgrt_checkpoint_open(&c, r->folder.checkpoint, &e))
        return fail(r, SGRT_FAILED, &e);
    bool resumed = sgrt_checkpoint_resume(&c, &r->trainer, &e);
    sgrt_checkpoint_close(&c);
    return resumed ? SGRT_OK : fail(r, SGRT_FAILED, &e);
}

static int make_trainer(Run *r)
{
    SgrtError e;
    SgrtSession *s = &r->session;
    SgrtTrainSettings settings = {.optimizer = r->plan.optimizer,
                                  .clip = r->plan.clip,
                                  .batch = s->batch,
                                  .seed = s->seed,
                                  .hyper = s->hyper};
    r->cost = sgrt_alloc(1 + s->graph->costs, sizeof *r->cost, &e);
    if (!r->cost || !sgrt_trainer_init(&r->trainer, &settings, &s->data, &s->params, s->pool, &e))
        return fail(r, SGRT_FAILED, &e);
    r->trainer.call.frame.tape = s->tape;
    if (!sgrt_plan_last_step(&r->plan, r->trainer.epoch_steps, &r->last_step, &e))
        return fail(r, SGRT_USAGE, &e);
    if (s->tape && r->last_step > 1) {
        sgrt_fail(&e, "--tape holds the noise of one step: say --steps 1");
        return fail(r, SGRT_USAGE, &e);
    }
    r->every = r->trainer.epoch_steps  ? r->trainer.epoch_steps
               : s->options->every > 0 ? s->options->every
                                       : round_interval(r->last_step);
    return s->options->resume ? resume(r) : sgrt_session_params(s);
}

static bool write_config(const Run *r, SgrtError *e)
{
    cJSON *config = sgrt_config_make(&r->session, &r->trainer, r->plan.epochs, r->plan.steps);
    bool written = sgrt_rundir_write_config(&r->folder, config, e);
    cJSON_Delete(config);
    return written;
}

/* A new run writes its first checkpoint at once, so that it can be resumed from then on. */
static int start_folder(Run *r)
{
    SgrtError e;
    bool resumed = r->session.options->resume;
    if (!r->keeps) {
        sgrt_say_warning(r->session.options, "without --out DIR nothing is kept");
        return SGRT_OK;
    }
    if (sgrt_rundir_start_log(&r->folder, resumed ? r->trainer.step : -1, &e) &&
        write_config(r, &e) && (resumed || save(r, &e)))
        return SGRT_OK;
    return fail(r, SGRT_FAILED, &e);
}

static int train(Run *r, const SgrtModel *model, SgrtOptions *o)
{
    const SgrtGraph *graph = NULL;
    int status = open_folder(r, o);
    if (status == SGRT_OK)
        status = choose(r, model, o, &graph);
    if (status == SGRT_OK)
        status = sgrt_session_open(&r->session, model, o, graph, graph->step);
    if (status == SGRT_OK)
        status = make_trainer(r);
    if (status == SGRT_OK)
        status = start_folder(r);
    if (status != SGRT_OK)
        return status;
    warn_untrained(r);
    print_header(r);
    status = loop(r);
    if (status == SGRT_OK && r->keeps && !o->quiet)
        printf("kept in %s\n", r->folder.checkpoint);
    return status;
}

int sgrt_verb_train(const SgrtModel *model, SgrtOptions *options)
{
    Run r = {.session = {.options = options}};
    int status = train(&r, model, options);
    sgrt_trainer_free(&r.trainer);
    sgrt_session_close(&r.session);
    sgrt_rundir_close(&r.folder);
    cJSON_Delete(r.adopted);
    free(r.cost);
    return status;
}
