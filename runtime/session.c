/* From the words of the command line to bound data, hypers and parameters. */
#include "runtime/session.h"

#include "runtime/checkpoint.h"
#include "runtime/memory.h"
#include "runtime/suggest.h"
#include "runtime/tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int usage(const SgrtSession *s, const SgrtError *e)
{
    return sgrt_say_error(s->options, SGRT_USAGE, e);
}

static int failed(const SgrtSession *s, const SgrtError *e)
{
    return sgrt_say_error(s->options, SGRT_FAILED, e);
}

const SgrtGraph *sgrt_default_graph(const SgrtModel *model)
{
    const SgrtGraph *only = NULL;
    if (model->trains > 0)
        return &model->graph[model->train[0].graph];
    for (int64_t i = 0; i < model->graphs; i++) {
        if (model->graph[i].costs == 0)
            continue;
        if (only)
            return NULL;
        only = &model->graph[i];
    }
    return only;
}

static void list_graphs(const SgrtModel *model, char *out, size_t room)
{
    size_t used = 0;
    *out = 0;
    for (int64_t i = 0; i < model->graphs && used < room; i++)
        used +=
            (size_t)snprintf(out + used, room - used, "%s%s", i ? ", " : "", model->graph[i].name);
}

const SgrtGraph *sgrt_chosen_graph(const SgrtModel *model, const SgrtOptions *o,
                                   const SgrtGraph *fallback)
{
    SgrtError e;
    char names[400];
    list_graphs(model, names, sizeof names);
    const SgrtGraph *graph = o->graph ? sgrt_graph_find(model, o->graph) : fallback;
    if (graph)
        return graph;
    SgrtSuggestion near = {.word = o->graph ? o->graph : ""};
    for (int64_t i = 0; o->graph && i < model->graphs; i++)
        sgrt_suggest(&near, model->graph[i].name);
    if (!o->graph)
        sgrt_fail(&e, "%s needs the name of a graph: %s", sgrt_verb_name(o->verb), names);
    else if (near.nearest)
        sgrt_fail(&e, "the model has no graph %s; did you mean %s?", o->graph, near.nearest);
    else
        sgrt_fail(&e, "the model has no graph %s; its graphs are %s", o->graph, names);
    sgrt_say_error(o, SGRT_USAGE, &e);
    return NULL;
}

static int64_t hyper_find(const SgrtModel *model, const char *name)
{
    for (int64_t i = 0; i < model->hypers; i++)
        if (strcmp(model->hyper[i].name, name) == 0)
            return i;
    return -1;
}

static int64_t output_find(const SgrtGraph *graph, const char *name)
{
    for (int64_t i = 0; i < graph->outputs; i++)
        if (strcmp(graph->output[i].name, name) == 0)
            return i;
    return -1;
}

static bool knows_outputs(const SgrtSession *s)
{
    return s->options->verb == SGRT_VERB_run;
}

/* Appends a name to a list of them and offers it as a suggestion. */
static void offer(SgrtSuggestion *near, const char *name, char *list, size_t room)
{
    size_t used = strlen(list);
    snprintf(list + used, room - used, "%s%s", used ? ", " : "", name);
    sgrt_suggest(near, name);
}

static int unknown_name(const SgrtSession *s, const char *name)
{
    SgrtError e;
    SgrtSuggestion near = {.word = name};
    char list[400] = "";
    for (int64_t i = 0; i < s->graph->columns; i++)
        offer(&near, s->graph->column[i].name, list, sizeof list);
    for (int64_t i = 0; i < s->model->hypers; i++)
        offer(&near, s->model->hyper[i].name, list, sizeof list);
    for (int64_t i = 0; knows_outputs(s) && i < s->graph->outputs; i++)
        offer(&near, s->graph->output[i].name, list, sizeof list);
    if (near.nearest)
        sgrt_fail(&e, "graph %s has no %s; did you mean %s?", s->graph->name, name, near.nearest);
    else
        sgrt_fail(&e, "graph %s has no %s; the names it takes are: %s", s->graph->name, name,
                  *list ? list : "none");
    return usage(s, &e);
}

/* Files first: they say how many rows the columns that are made up have. */
typedef enum Turn { TURN_FILES, TURN_MADE } Turn;

static int bind_column(const SgrtSession *s, SgrtData *to, int64_t column, const char *word,
                       Turn turn)
{
    SgrtError e;
    SgrtSource source;
    if (!sgrt_source_parse(&source, word, &e))
        return usage(s, &e);
    if ((source.kind == SGRT_SOURCE_FILE) != (turn == TURN_FILES)) {
        sgrt_source_free(&source);
        return SGRT_OK;
    }
    bool bound = turn == TURN_FILES
                     ? sgrt_data_bind(to, column, &source, &e)
                     : sgrt_data_bind_made(to, column, &source, s->options->rows, &e);
    return bound ? SGRT_OK : failed(s, &e);
}

static int bind_hyper(SgrtSession *s, int64_t hyper, const char *word)
{
    SgrtError e;
    if (sgrt_parse_real(word, &s->hyper[hyper]))
        return SGRT_OK;
    sgrt_fail(&e, "%s=%s: a number is expected", s->model->hyper[hyper].name, word);
    return usage(s, &e);
}

static int bind_word(SgrtSession *s, const SgrtBinding *b, Turn turn)
{
    int64_t column = sgrt_column_find(s->graph, b->name);
    int64_t hyper = hyper_find(s->model, b->name);
    int64_t output = knows_outputs(s) ? output_find(s->graph, b->name) : -1;
    if (column >= 0)
        return bind_column(s, &s->data, column, b->value, turn);
    if (hyper >= 0)
        return bind_hyper(s, hyper, b->value);
    if (output < 0)
        return unknown_name(s, b->name);
    s->output[output] = b->value;
    return SGRT_OK;
}

static int check_words(const SgrtSession *s)
{
    const SgrtOptions *o = s->options;
    for (int64_t i = 0; i < o->bindings; i++) {
        const char *name = o->binding[i].name;
        if (sgrt_column_find(s->graph, name) < 0 && hyper_find(s->model, name) < 0 &&
            (!knows_outputs(s) || output_find(s->graph, name) < 0))
            return unknown_name(s, name);
    }
    return SGRT_OK;
}

static int bind_words(SgrtSession *s, Turn turn)
{
    const SgrtOptions *o = s->options;
    for (int64_t i = 0; i < o->bindings; i++) {
        int status = bind_word(s, &o->binding[i], turn);
        if (status != SGRT_OK)
            return status;
    }
    return SGRT_OK;
}

/* --data FILE, for the names that have no word of their own. */
static int bind_data(SgrtSession *s)
{
    SgrtError e;
    SgrtSource source;
    const char *word = s->options->data;
    int64_t count = 0;
    if (!word)
        return SGRT_OK;
    if (!sgrt_source_parse(&source, word, &e))
        return usage(s, &e);
    bool bound = source.member ? sgrt_fail(&e, "--data %s: a file is expected, not a member", word)
                               : sgrt_data_bind_names(&s->data, &source, &count, &e);
    sgrt_source_free(&source);
    if (bound && count == 0)
        bound = sgrt_fail(&e, "--data %s: the file has none of the names that graph %s still needs",
                          word, s->graph->name);
    return bound ? SGRT_OK : failed(s, &e);
}

/* A check or a benchmark needs no data: any will do. */
static bool makes_data(const SgrtOptions *o)
{
    return o->verb == SGRT_VERB_check_gradients || o->verb == SGRT_VERB_bench;
}

static int make_data(SgrtSession *s)
{
    for (int64_t i = 0; i < s->graph->columns; i++) {
        if (s->data.bound[i].values)
            continue;
        sgrt_say_note(s->options, "data %s is not given: random:0 stands for it",
                      s->graph->column[i].name);
        int status = bind_column(s, &s->data, i, "random:0", TURN_MADE);
        if (status != SGRT_OK)
            return status;
    }
    if (s->graph->batch && !s->data.rows_from && s->options->rows < 0)
        s->options->rows = s->graph->batch;
    return SGRT_OK;
}

static int choose_batch(SgrtSession *s)
{
    SgrtError e;
    int64_t wanted = s->options->batch;
    s->batch = wanted < 0 ? s->graph->batch : wanted;
    if (wanted < 0)
        return SGRT_OK;
    if (s->graph->batch == 0)
        sgrt_fail(&e, "--batch %lld: graph %s has no rows", (long long)wanted, s->graph->name);
    else if (wanted > s->graph->batch)
        sgrt_fail(&e,
                  "--batch %lld: graph %s was compiled for at most %lld rows; sgc --dim sets more",
                  (long long)wanted, s->graph->name, (long long)s->graph->batch);
    else
        return SGRT_OK;
    return usage(s, &e);
}

static bool make(SgrtSession *s, SgrtError *e)
{
    int64_t most = s->model->parts < sgrt_cpus() ? s->model->parts : sgrt_cpus();
    int64_t threads = s->options->threads > 0 ? s->options->threads : most < 1 ? 1 : most;
    s->seed = s->options->seed < 0 ? 0 : s->options->seed;
    s->hyper = sgrt_alloc(s->model->hypers, sizeof *s->hyper, e);
    s->output = s->hyper ? sgrt_alloc(s->graph->outputs, sizeof *s->output, e) : NULL;
    if (!s->output)
        return false;
    for (int64_t i = 0; i < s->model->hypers; i++)
        s->hyper[i] = s->model->hyper[i].value;
    s->pool = sgrt_pool_new(threads, e);
    return s->pool && sgrt_data_init(&s->data, s->model, s->graph, e);
}

/* When names are bound: a context has hypers and rows from the start. */
static int make_context(SgrtSession *s)
{
    SgrtError e;
    bool trains = s->entry == s->graph->step && s->options->verb == SGRT_VERB_train;
    SgrtHostSettings settings = {.pool = s->pool,
                                 .seed = s->seed,
                                 .total_rows = s->data.rows,
                                 .optimizer = trains ? s->options->optimizer : "none",
                                 .hyper = s->hyper};
    s->context = sgrt_host_open(s->model, &settings, &e);
    return s->context && sgrt_host_view(&s->params, s->model, s->context, &e) ? SGRT_OK
                                                                              : failed(s, &e);
}

static void say_notes(const SgrtSession *s)
{
    char note[500];
    for (int64_t i = 0; i < s->graph->columns; i++)
        if (sgrt_bound_note(&s->data.bound[i], &s->graph->column[i], note, sizeof note))
            sgrt_say_note(s->options, "%s", note);
}

static int read_tape(SgrtSession *s)
{
    SgrtError e;
    int64_t rows = s->data.rows < s->batch ? s->data.rows : s->batch;
    if (!s->options->tape)
        return SGRT_OK;
    if (s->graph->batch && s->data.rows > s->batch) {
        sgrt_fail(&e, "--tape holds the noise of one call, of at most %lld rows; there are %lld",
                  (long long)s->batch, (long long)s->data.rows);
        return usage(s, &e);
    }
    s->tape = sgrt_tape_read(s->options->tape, s->model, s->entry, rows, &e);
    return s->tape ? SGRT_OK : failed(s, &e);
}

int sgrt_session_open(SgrtSession *s, const SgrtModel *model, SgrtOptions *options,
                      const SgrtGraph *graph, const SgrtEntry *entry)
{
    SgrtError e;
    *s = (SgrtSession){.model = model, .options = options, .graph = graph, .entry = entry};
    if (!make(s, &e))
        return failed(s, &e);
    int status = choose_batch(s);
    if (status == SGRT_OK) /* a misspelt name is found before a long read */
        status = check_words(s);
    if (status == SGRT_OK)
        status = bind_words(s, TURN_FILES);
    if (status == SGRT_OK)
        status = bind_data(s);
    if (status == SGRT_OK)
        status = bind_words(s, TURN_MADE);
    if (status == SGRT_OK && makes_data(options))
        status = make_data(s);
    if (status != SGRT_OK)
        return status;
    if (!sgrt_data_complete(&s->data, options->rows, &e))
        return usage(s, &e);
    say_notes(s);
    if (options->overfit && s->data.rows > s->batch)
        s->data.rows = s->batch;
    status = read_tape(s);
    return status == SGRT_OK ? make_context(s) : status;
}

/* ---- held-out data -------------------------------------------------------------------------- */

static int bind_held(const SgrtSession *s, SgrtData *held, const char *word, Turn turn)
{
    SgrtError e;
    char name[400];
    const char *equals = strchr(word, '=');
    if (!equals || equals == word || !equals[1]) {
        sgrt_fail(&e, "--eval-data %s: NAME=FILE is expected", word);
        return usage(s, &e);
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    int64_t column = sgrt_column_find(s->graph, name);
    if (column >= 0)
        return bind_column(s, held, column, equals + 1, turn);
    sgrt_fail(&e, "--eval-data %s: graph %s has no data %s", word, s->graph->name, name);
    return usage(s, &e);
}

/* Whole arrays are those of the training, unless they are given. */
static int share_arrays(const SgrtSession *s, SgrtData *held)
{
    char word[4096];
    for (int64_t i = 0; i < s->graph->columns; i++) {
        const SgrtSource *source = &s->data.bound[i].source;
        if (held->bound[i].values || s->graph->column[i].by_rows || !source->path)
            continue;
        sgrt_source_text(source, word, sizeof word);
        for (int turn = TURN_FILES; turn <= TURN_MADE; turn++) {
            int status = bind_column(s, held, i, word, (Turn)turn);
            if (status != SGRT_OK)
                return status;
        }
    }
    return SGRT_OK;
}

int sgrt_session_held(SgrtSession *s, SgrtData *held)
{
    SgrtError e;
    const SgrtList *words = &s->options->eval_data;
    if (!sgrt_data_init(held, s->model, s->graph, &e))
        return failed(s, &e);
    int status = SGRT_OK;
    for (int turn = TURN_FILES; turn <= TURN_MADE; turn++)
        for (int64_t i = 0; status == SGRT_OK && i < words->count; i++)
            status = bind_held(s, held, words->text[i], (Turn)turn);
    if (status == SGRT_OK)
        status = share_arrays(s, held);
    if (status != SGRT_OK || sgrt_data_complete(held, -1, &e))
        return status;
    sgrt_fail_in(&e, "--eval-data");
    return usage(s, &e);
}

void sgrt_session_close(SgrtSession *s)
{
    if (s->entry)
        sgrt_tape_free(s->tape, s->entry);
    if (s->data.graph)
        sgrt_data_free(&s->data);
    free(s->params.value);
    sgrt_context_free(s->context);
    sgrt_pool_free(s->pool);
    free(s->hyper);
    free(s->output);
    *s = (SgrtSession){0};
}

char *sgrt_checkpoint_path(const char *from, SgrtError *e)
{
    struct stat st;
    char *path = NULL;
    if (stat(from, &st) != 0 || !S_ISDIR(st.st_mode))
        return sgrt_copy_text(from, e);
    if (asprintf(&path, "%s/latest", from) >= 0)
        return path;
    sgrt_fail(e, "out of memory");
    return NULL;
}

/* A context begins with the initial values. */
static int load(SgrtSession *s, bool learned)
{
    SgrtError e;
    if (!s->options->from)
        return SGRT_OK;
    int graph = (int)(s->graph - s->model->graph);
    char *path = sgrt_checkpoint_path(s->options->from, &e);
    bool loaded = path && (learned ? sgrt_checkpoint_learned(path, s->context, graph, &e)
                                   : sgrt_checkpoint_params(path, s->context, &e));
    free(path);
    return loaded ? SGRT_OK : failed(s, &e);
}

int sgrt_session_params(SgrtSession *s)
{
    return load(s, false);
}

int sgrt_session_of_step(const SgrtModel *model, SgrtOptions *options, bool params,
                         int verb(SgrtSession *s))
{
    SgrtError e;
    SgrtSession s;
    const SgrtGraph *graph = sgrt_chosen_graph(model, options, sgrt_default_graph(model));
    if (!graph)
        return SGRT_USAGE;
    if (!graph->step) {
        sgrt_fail(&e, "graph %s has no cost, so no gradient", graph->name);
        return sgrt_say_error(options, SGRT_USAGE, &e);
    }
    int status = sgrt_session_open(&s, model, options, graph, graph->step);
    if (status == SGRT_OK && params)
        status = load(&s, true);
    if (status == SGRT_OK)
        status = verb(&s);
    sgrt_session_close(&s);
    return status;
}
