/* train: the loop over steps, with its reports, its folder, and its ways to end. */
#include "runtime/verb.h"

#include "runtime/checkpoint.h"
#include "runtime/config.h"
#include "runtime/eval.h"
#include "runtime/memory.h"
#include "runtime/plan.h"
#include "runtime/progress.h"
#include "runtime/rundir.h"
#include "runtime/session.h"
#include "runtime/variance.h"

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
    SgrtData held; /* data of --eval-data; its graph is NULL without */
    SgrtReport report;
    bool keeps;      /* there is a folder */
    bool resumed;    /* a run goes on */
    bool configured; /* config.json describes this run */
    int64_t saved;   /* the step of the newest checkpoint; -1: none */
    cJSON *adopted;  /* owned: the configuration of the run that is resumed */
    int64_t last_step;
    int64_t log_every, save_every, eval_every; /* steps */
    SgrtVariance variance;                     /* of the gradient, at this step's parameters */
    int64_t samples;                           /* by which it is measured; 0: it is not */
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

enum { KEEP = 3 };

static bool save(Run *r, SgrtError *e)
{
    int64_t step = r->trainer.step, keep = r->session.options->keep;
    if (!r->keeps || r->saved == step)
        return true;
    char *path = sgrt_rundir_checkpoint(&r->folder, step, e);
    bool saved = path && sgrt_checkpoint_save(path, &r->trainer, e) &&
                 sgrt_rundir_advance(&r->folder, step, keep > 0 ? keep : KEEP, e);
    free(path);
    if (saved)
        r->saved = step;
    return saved;
}

static void add_finite(cJSON *to, const char *key, double value)
{
    cJSON_AddItemToObject(to, key,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static void add_training(cJSON *line, const SgrtTrainer *t)
{
    add_finite(line, "gnorm", t->norm);
    cJSON_AddNumberToObject(line, "lr", t->settings.optimizer.lr);
    if (t->settings.clip > 0)
        cJSON_AddNumberToObject(line, "clipped", t->sum.clipped);
}

/* By parameter and by draw: in the words of the verb `variance`. */
static void add_variance(cJSON *line, const SgrtVariance *v)
{
    const SgrtModel *m = v->probe.model;
    double all = sgrt_variance_of_all(v).variance;
    add_finite(line, "variance", all);
    cJSON *params = cJSON_AddObjectToObject(line, "params"),
          *draws = cJSON_AddObjectToObject(line, "draws");
    for (int64_t i = 0; i < m->params; i++) {
        if (!sgrt_probe_gradient(&v->probe, i))
            continue;
        SgrtSpread s = sgrt_variance_of_param(v, i);
        cJSON *one = cJSON_AddObjectToObject(params, m->param[i].name);
        add_finite(one, "gradient", sqrt(s.size));
        add_finite(one, "sd", sqrt(s.variance));
        add_finite(one, "snr", sgrt_variance_signal(s));
    }
    for (int64_t i = 0; i < v->draws; i++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", v->draw[i].length, v->draw[i].name);
        cJSON *one = cJSON_AddObjectToObject(draws, name);
        add_finite(one, "sd", sqrt(sgrt_variance_of_draw(v, i)));
        add_finite(one, "share", sgrt_variance_of_draw(v, i) / all);
    }
}

static bool write_metrics(Run *r, SgrtError *e)
{
    const SgrtTrainer *t = &r->trainer;
    const SgrtGraph *g = r->session.graph;
    const SgrtReport *p = &r->report;
    cJSON *line = cJSON_CreateObject();
    cJSON_AddNumberToObject(line, "step", (double)t->step);
    if (t->epoch_steps)
        cJSON_AddNumberToObject(line, "epoch", (double)t->step / (double)t->epoch_steps);
    cJSON_AddStringToObject(line, "split", p->held ? "eval" : "train");
    add_finite(line, "cost", p->cost[0]);
    add_finite(line, "se", p->se);
    add_finite(line, "total", p->cost[0] * (double)p->rows);
    cJSON *costs = cJSON_AddObjectToObject(line, "costs");
    for (int64_t i = 0; i < g->costs; i++)
        add_finite(costs, g->cost[i], p->cost[1 + i]);
    if (!p->held)
        add_training(line, t);
    if (!isnan(p->snr))
        add_variance(line, &r->variance);
    cJSON_AddNumberToObject(line, "rows", p->held ? (double)p->rows : t->sum.rows);
    add_finite(line, "seconds", round(p->seconds * 1e6) / 1e6);
    bool written = sgrt_rundir_log(&r->folder, line, e);
    cJSON_Delete(line);
    return written;
}

static bool tell(Run *r, SgrtError *e)
{
    r->report.seconds = sgrt_progress_report(&r->progress, &r->trainer, &r->report);
    return !r->keeps || write_metrics(r, e);
}

enum { SAMPLES = 16, SHARE = 20 };

/* Whether this report measures the variance.  Where the command line does not say how, one step in
 * SHARE may go to it; and the last report has it, however short the run. */
static bool measures(const Run *r)
{
    const SgrtGraph *g = r->session.graph;
    int64_t step = r->trainer.step, period = SHARE * r->samples * (1 + g->step->sites);
    if (r->samples == 0 || (r->session.options->quiet && !r->keeps))
        return false;
    return r->session.options->variance >= 0 || step == r->last_step ||
           step / period != (step - r->log_every) / period;
}

/* With noise that no training reads, which the step numbers.  A sample that is not finite leaves
 * the report without: the training, which has other noise, goes on. */
static bool measure(Run *r, SgrtError *e)
{
    const SgrtSession *s = &r->session;
    SgrtVariance *v = &r->variance;
    SgrtError unknown;
    r->report.snr = NAN;
    if (!measures(r))
        return true;
    if (!v->entry && !sgrt_variance_init(v, s->context, &s->data, r->trainer.settings.batch,
                                         &r->session.params, s->pool, s->seed, e))
        return false;
    sgrt_variance_restart(v, 2 * r->samples * r->trainer.step);
    while (v->samples < r->samples)
        if (!sgrt_variance_sample(v, &unknown))
            return true;
    r->report.snr = sgrt_variance_signal(sgrt_variance_of_all(v));
    return true;
}

/* A whole report starts new sums; the one at the end of a run that lies between two does not, so
 * that a later run can go on with them. */
static bool report(Run *r, bool whole, SgrtError *e)
{
    SgrtTrainer *t = &r->trainer;
    sgrt_trainer_report(t, r->report.cost);
    r->report.held = false;
    r->report.se = sgrt_sums_error(&t->sum);
    r->report.rows = t->data->rows;
    bool told = measure(r, e) && tell(r, e);
    if (told && whole)
        sgrt_trainer_restart(t);
    return told;
}

/* The same noise each time, so that two evaluations differ by the parameters alone. */
static bool evaluate(Run *r, SgrtError *e)
{
    const SgrtSession *s = &r->session;
    SgrtEvalSettings settings = {s->batch, s->seed, NULL, s->pool};
    SgrtReport *p = &r->report;
    if (!sgrt_eval(&r->held, s->context, &settings, p->cost, &p->se, e))
        return sgrt_fail_in(e, "--eval-data");
    p->held = true;
    p->snr = NAN;
    p->rows = r->held.rows;
    return tell(r, e);
}

/* The command that makes the step again: noise and order are functions of the seed and the step. */
static void print_replay(const Run *r)
{
    const SgrtOptions *o = r->session.options;
    char last[24];
    snprintf(last, sizeof last, "%lld", (long long)r->trainer.step + 1);
    const char *const again[] = {o->argv[0], "train", "--resume", r->folder.path, "--steps", last};
    if (r->keeps)
        sgrt_say_command(o, "replay it", again, sizeof again / sizeof *again);
    else
        sgrt_say_command(o, "replay it", (const char *const *)o->argv, (size_t)o->argc);
    if (!r->session.model->watched && !r->trainer.estimated)
        sgrt_say_note(o, "compiled with sgc -g, the same command names the operation");
}

/* A step was not applied: keeps what was valid before it. */
static int stop_at_fault(Run *r, SgrtError *e)
{
    SgrtError saving;
    const SgrtOptions *o = r->session.options;
    sgrt_progress_clear(&r->progress);
    int status = fail(r, SGRT_FAILED, e);
    if (!save(r, &saving))
        return fail(r, SGRT_FAILED, &saving);
    if (r->keeps)
        sgrt_say_note(o, "the step was not applied; the state before it is in %s",
                      r->folder.latest);
    else
        sgrt_say_note(o, "the step was not applied; without --out nothing is kept");
    print_replay(r);
    return status;
}

static int stop_at_signal(Run *r)
{
    SgrtError e;
    int status = INTERRUPTED + asked_to_stop;
    sgrt_progress_clear(&r->progress);
    if (!save(r, &e))
        return fail(r, SGRT_FAILED, &e);
    if (r->keeps)
        sgrt_say_note(r->session.options, "stopped after step %lld; --resume %s goes on",
                      (long long)r->trainer.step, r->folder.path);
    else
        sgrt_say_note(r->session.options, "stopped after step %lld; without --out nothing is kept",
                      (long long)r->trainer.step);
    return status;
}

static bool write_config(Run *r, SgrtError *e)
{
    const SgrtData *held = r->held.graph ? &r->held : NULL;
    if (!r->keeps || r->configured)
        return true;
    cJSON *config =
        sgrt_config_make(&r->session, &r->trainer, held, r->plan.epochs, r->plan.steps, e);
    r->configured = config && sgrt_rundir_write_config(&r->folder, config, e);
    cJSON_Delete(config);
    return r->configured;
}

/* What is due after a step.  A run that goes on takes over the configuration once it has: a step
 * that is replayed, and fails again, leaves it as it was. */
static bool finish_step(Run *r, SgrtError *e)
{
    int64_t step = r->trainer.step;
    bool last = step == r->last_step, whole = step % r->log_every == 0;
    if (!write_config(r, e) || ((whole || last) && !report(r, whole, e)))
        return false;
    if (r->held.graph && (step % r->eval_every == 0 || last) && !evaluate(r, e))
        return false;
    return !(step % r->save_every == 0 || last) || save(r, e);
}

static int loop(Run *r)
{
    SgrtError e;
    SgrtTrainer *t = &r->trainer;
    if (t->step >= r->last_step && t->step > 0)
        sgrt_say_note(r->session.options, "the run is already at step %lld of %lld",
                      (long long)t->step, (long long)r->last_step);
    sgrt_progress_start(&r->progress, t, r->last_step, r->session.options->quiet);
    while (t->step < r->last_step) {
        if (asked_to_stop)
            return stop_at_signal(r);
        if (!sgrt_trainer_step(t, &e))
            return stop_at_fault(r, &e);
        if (!finish_step(r, &e))
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
    fprintf(stderr, "%s: ", s->graph->name);
    if (s->graph->batch)
        fprintf(stderr, "%s rows in batches of %lld, ", sgrt_digits(rows, s->data.rows),
                (long long)r->trainer.settings.batch);
    fprintf(stderr, "%s parameters, %s lr %g, seed %lld, %lld thread%s%s\n",
            sgrt_digits(count, trained), r->plan.optimizer.optimizer->name, r->plan.optimizer.lr,
            (long long)s->seed, (long long)sgrt_pool_threads(s->pool),
            sgrt_pool_threads(s->pool) == 1 ? "" : "s", s->graph->biased ? ", biased" : "");
    if (r->plan.clip > 0)
        sgrt_say_note(s->options, "--clip %g: a step whose gradient is cut is not unbiased",
                      r->plan.clip);
}

/* The answer, which programs read: the mean of the last report. */
static void print_result(const Run *r)
{
    char cost[64];
    const SgrtReport *p = &r->report;
    if (r->trainer.step > r->progress.first_step)
        printf("%s %s\n", p->held ? "held-out cost" : "cost",
               sgrt_cost_text(cost, sizeof cost, p->cost[0], p->se));
    fflush(stdout);
    if (r->keeps && !r->session.options->quiet)
        fprintf(stderr, "kept in %s\n", r->folder.path);
}

/* Looks at --out before any data are read. */
static int open_folder(Run *r, SgrtOptions *o)
{
    SgrtError e;
    r->keeps = o->out || o->resume;
    r->resumed = o->resume;
    r->saved = -1;
    SgrtRunMode mode = o->resume      ? SGRT_RUN_RESUME
                       : o->overwrite ? SGRT_RUN_OVERWRITE
                                      : SGRT_RUN_NEW;
    if (o->resume && (o->out || o->overwrite || o->from)) {
        sgrt_fail(&e, "--resume DIR goes on with the run in DIR: --out, --overwrite and --from are "
                      "for a new one");
        return fail(r, SGRT_USAGE, &e);
    }
    if (o->tensorboard && !r->keeps) {
        sgrt_fail(&e, "--tensorboard writes into the folder of a run: --out names one");
        return fail(r, SGRT_USAGE, &e);
    }
    if (r->keeps && !sgrt_rundir_open(&r->folder, o->resume ? o->resume : o->out, mode, &e))
        return fail(r, SGRT_USAGE, &e);
    if (!o->resume)
        return SGRT_OK;
    r->adopted = sgrt_config_read(r->folder.config, &e);
    if (r->adopted && sgrt_config_adopt(r->adopted, r->folder.config, o, &e))
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

/* A run that was killed before its first checkpoint begins again. */
static int resume(Run *r)
{
    SgrtError e;
    if (!sgrt_config_same_data(r->adopted, &r->session.data, &e))
        return fail(r, SGRT_FAILED, &e);
    if (!sgrt_rundir_has_checkpoint(&r->folder))
        return sgrt_session_params(&r->session);
    bool resumed = sgrt_checkpoint_resume(r->folder.latest, &r->trainer, &e);
    r->saved = r->trainer.step;
    return resumed ? SGRT_OK : fail(r, SGRT_FAILED, &e);
}

static int64_t given_or(int64_t option, int64_t otherwise)
{
    return option > 0 ? option : otherwise;
}

static void choose_intervals(Run *r)
{
    const SgrtOptions *o = r->session.options;
    int64_t steps = r->trainer.epoch_steps ? r->trainer.epoch_steps : round_interval(r->last_step);
    r->log_every = given_or(o->log_every, steps);
    r->save_every = given_or(o->save_every, r->log_every);
    r->eval_every = given_or(o->eval_every, r->log_every);
}

/* A graph without draws has one gradient. */
static bool choose_samples(Run *r, SgrtError *e)
{
    const SgrtSession *s = &r->session;
    int64_t asked = s->options->variance;
    if (asked == 1)
        return sgrt_fail(e,
                         "--variance 1: one draw of the noise has no variance; 2 at least, or 0");
    r->samples = s->graph->step->sites == 0 || s->tape ? 0 : asked >= 0 ? asked : SAMPLES;
    return true;
}

static int make_trainer(Run *r)
{
    SgrtError e;
    SgrtSession *s = &r->session;
    SgrtTrainSettings settings = {
        .optimizer = r->plan.optimizer, .clip = r->plan.clip, .batch = s->batch, .seed = s->seed};
    r->report.cost = sgrt_alloc(1 + s->graph->costs, sizeof *r->report.cost, &e);
    if (!r->report.cost ||
        !sgrt_trainer_init(&r->trainer, &settings, &s->data, s->context, s->pool, &e))
        return fail(r, SGRT_FAILED, &e);
    r->trainer.tape = s->tape;
    if (!sgrt_plan_last_step(&r->plan, r->trainer.epoch_steps, &r->last_step, &e))
        return fail(r, SGRT_USAGE, &e);
    if (s->tape && r->last_step > 1) {
        sgrt_fail(&e, "--tape holds the noise of one step: say --steps 1");
        return fail(r, SGRT_USAGE, &e);
    }
    choose_intervals(r);
    if (!choose_samples(r, &e))
        return fail(r, SGRT_USAGE, &e);
    return r->resumed ? resume(r) : sgrt_session_params(s);
}

/* A new run writes its first checkpoint at once, so that it can be resumed from then on. */
static int start_folder(Run *r)
{
    SgrtError e;
    if (!r->keeps) {
        sgrt_say_warning(r->session.options, "without --out DIR nothing is kept");
        return SGRT_OK;
    }
    bool goes_on = r->resumed && r->saved >= 0;
    bool started = r->resumed || sgrt_rundir_clear(&r->folder, &e);
    started = started &&
              sgrt_rundir_start_log(&r->folder, goes_on ? r->trainer.step : -1,
                                    r->session.options->tensorboard, &e) &&
              (r->resumed || write_config(r, &e)) && save(r, &e);
    return started ? SGRT_OK : fail(r, SGRT_FAILED, &e);
}

static int train(Run *r, const SgrtModel *model, SgrtOptions *o)
{
    const SgrtGraph *graph = NULL;
    int status = open_folder(r, o);
    if (status == SGRT_OK)
        status = choose(r, model, o, &graph);
    if (status == SGRT_OK)
        status = sgrt_session_open(&r->session, model, o, graph, graph->step);
    if (status == SGRT_OK && o->eval_data.count > 0)
        status = sgrt_session_held(&r->session, &r->held);
    if (status == SGRT_OK)
        status = make_trainer(r);
    listen_to_signals(); /* what takes long, the reading of data, can be stopped at once */
    if (status == SGRT_OK)
        status = start_folder(r);
    if (status != SGRT_OK)
        return status;
    warn_untrained(r);
    print_header(r);
    status = loop(r);
    if (status == SGRT_OK)
        print_result(r);
    return status;
}

int sgrt_verb_train(const SgrtModel *model, SgrtOptions *options)
{
    Run r = {.session = {.options = options}};
    int status = train(&r, model, options);
    sgrt_trainer_free(&r.trainer);
    sgrt_variance_free(&r.variance);
    if (r.held.graph)
        sgrt_data_free(&r.held);
    sgrt_session_close(&r.session);
    sgrt_rundir_close(&r.folder);
    cJSON_Delete(r.adopted);
    free(r.report.cost);
    return status;
}
