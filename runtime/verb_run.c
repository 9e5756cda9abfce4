/* run: the outputs of a graph, into files or onto the screen. */
#include "runtime/verb.h"

#include "runtime/csv.h"
#include "runtime/eval.h"
#include "runtime/file.h"
#include "runtime/memory.h"
#include "runtime/npy.h"
#include "runtime/npz.h"
#include "runtime/png.h"
#include "runtime/session.h"
#include "runtime/show.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = strlen(suffix);
    return length > end && strcasecmp(path + length - end, suffix) == 0;
}

static bool write_npy(const char *path, const SgrtTensor *t, int64_t count, SgrtError *e)
{
    (void)count;
    return sgrt_npy_write(path, t->stored, t->dim, t->rank, t->values, e);
}

static bool write_csv(const char *path, const SgrtTensor *t, int64_t count, SgrtError *e)
{
    (void)count;
    SgrtArray a = {t->stored, t->rank, t->size, .values = (void *)t->values};
    memcpy(a.dim, t->dim, sizeof a.dim);
    return sgrt_csv_write(path, &a, e);
}

/* Kinds of files by the ends of their names; pictures have rules of their own. */
static const struct {
    const char *suffix;
    bool several; /* outputs in one file */
    bool (*write)(const char *path, const SgrtTensor *output, int64_t count, SgrtError *e);
} kind_row[] = {{".npy", false, write_npy},
                {".csv", false, write_csv},
                {".npz", true, sgrt_npz_write},
                {".safetensors", true, sgrt_tensors_write}};

enum { KINDS = sizeof kind_row / sizeof kind_row[0] };

static int kind_of(const char *path)
{
    int kind = 0;
    while (kind < KINDS && !ends_in(path, kind_row[kind].suffix))
        kind++;
    return kind;
}

/* --output FILE is where every output goes that has no file of its own. */
static bool share_file(const SgrtSession *s, SgrtError *e)
{
    const char *path = s->options->output;
    if (path && (kind_of(path) == KINDS || !kind_row[kind_of(path)].several))
        return sgrt_fail(e, "--output %s: the file's name must end in .npz or .safetensors", path);
    for (int64_t i = 0; path && i < s->graph->outputs; i++)
        if (!s->output[i])
            s->output[i] = path;
    return true;
}

/* The first output that goes to the same file as output i. */
static int64_t first_in_file(const SgrtSession *s, int64_t i)
{
    int64_t first = 0;
    while (!s->output[first] || strcmp(s->output[first], s->output[i]) != 0)
        first++;
    return first;
}

static bool check_file(const SgrtSession *s, int64_t i, SgrtError *e)
{
    const SgrtOutput *o = &s->graph->output[i];
    const char *path = s->output[i];
    int kind = kind_of(path);
    if (kind == KINDS && !ends_in(path, ".png"))
        return sgrt_fail(e,
                         "%s=%s: the file's name must end in .npy, .npz, .csv, .safetensors or "
                         ".png",
                         o->name, path);
    if (kind == KINDS && o->rank < 2)
        return sgrt_fail(e, "%s=%s: a picture needs an output [.., h, w] or [.., h, w, 3]", o->name,
                         path);
    int64_t first = first_in_file(s, i);
    if (first < i && (kind == KINDS || !kind_row[kind].several))
        return sgrt_fail(e, "%s=%s: %s goes there; only .npz and .safetensors hold several outputs",
                         o->name, path, s->graph->output[first].name);
    for (int64_t k = 0; k < s->graph->columns; k++)
        if (sgrt_same_file(path, s->data.bound[k].source.path))
            return sgrt_fail(e, "%s=%s: this is the file of the data %s", o->name, path,
                             s->graph->column[k].name);
    return true;
}

/* Before anything is computed: every file must be of a kind that its output can have. */
static int check_files(const SgrtSession *s)
{
    SgrtError e;
    if (!share_file(s, &e))
        return sgrt_say_error(s->options, SGRT_USAGE, &e);
    for (int64_t i = 0; i < s->graph->outputs; i++)
        if (s->output[i] && !check_file(s, i, &e))
            return sgrt_say_error(s->options, SGRT_USAGE, &e);
    return SGRT_OK;
}

static bool write_picture(const SgrtSession *s, const char *path, const SgrtArray *a, SgrtError *e)
{
    int64_t nans = 0;
    if (!sgrt_png_write(path, a, &nans, e))
        return false;
    if (nans)
        sgrt_say_warning(s->options, "%s: %lld values that are not numbers are black", path,
                         (long long)nans);
    return true;
}

static SgrtTensor tensor_of(const SgrtSession *s, int64_t i, const SgrtArray *a)
{
    SgrtTensor t = {.name = s->graph->output[i].name,
                    .stored = a->stored,
                    .rank = a->rank,
                    .size = a->size,
                    .values = a->values};
    memcpy(t.dim, a->dim, sizeof t.dim);
    return t;
}

/* Output i and those that go to the same file. */
static bool write_file(const SgrtSession *s, int64_t i, const SgrtArray *output, SgrtError *e)
{
    const char *path = s->output[i];
    int64_t count = 0;
    SgrtTensor *t = sgrt_alloc(s->graph->outputs, sizeof *t, e);
    for (int64_t k = i; t && k < s->graph->outputs; k++)
        if (s->output[k] && strcmp(s->output[k], path) == 0)
            t[count++] = tensor_of(s, k, &output[k]);
    bool written = t && kind_row[kind_of(path)].write(path, t, count, e);
    free(t);
    return written;
}

static bool deliver(const SgrtSession *s, int64_t i, const SgrtArray *output, SgrtError *e)
{
    const char *path = s->output[i], *name = s->graph->output[i].name;
    if (path && ends_in(path, ".png"))
        return write_picture(s, path, &output[i], e);
    if (path)
        return first_in_file(s, i) < i || write_file(s, i, output, e);
    if (!sgrt_show(stdout, name, &output[i]))
        sgrt_say_note(s->options, "%s has too many values to print; %s=FILE.npy%s keeps them", name,
                      name, s->graph->output[i].rank < 2 ? "" : " or .png");
    return true;
}

/* A user who names files wants these outputs; one who names none wants to see them all. */
static bool is_wanted(const SgrtSession *s, int64_t output)
{
    for (int64_t i = 0; i < s->graph->outputs; i++)
        if (s->output[i])
            return s->output[output] != NULL;
    return true;
}

static int run(SgrtSession *s)
{
    SgrtError e;
    int64_t outputs = s->graph->outputs;
    SgrtEvalSettings settings = {s->batch, s->seed, s->tape, s->pool};
    SgrtArray *output = sgrt_alloc(outputs, sizeof *output, &e);
    bool done = output && sgrt_run(&s->data, s->context, &settings, output, &e);
    for (int64_t i = 0; done && i < outputs; i++)
        done = !is_wanted(s, i) || deliver(s, i, output, &e);
    if (output)
        sgrt_outputs_free(output, outputs);
    free(output);
    return done ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

/* The only graph with outputs, or NULL. */
static const SgrtGraph *only_graph(const SgrtModel *model)
{
    const SgrtGraph *only = NULL;
    for (int64_t i = 0; i < model->graphs; i++) {
        if (!model->graph[i].run)
            continue;
        if (only)
            return NULL;
        only = &model->graph[i];
    }
    return only;
}

int sgrt_verb_run(const SgrtModel *model, SgrtOptions *options)
{
    SgrtError e;
    SgrtSession s;
    const SgrtGraph *graph = sgrt_chosen_graph(model, options, only_graph(model));
    if (!graph)
        return SGRT_USAGE;
    if (!graph->run) {
        sgrt_fail(&e, "graph %s has no output to compute", graph->name);
        return sgrt_say_error(options, SGRT_USAGE, &e);
    }
    int status = sgrt_session_open(&s, model, options, graph, graph->run);
    if (status == SGRT_OK)
        status = check_files(&s);
    if (status == SGRT_OK)
        status = sgrt_session_params(&s);
    if (status == SGRT_OK && !options->from && model->params > 0)
        sgrt_say_note(options, "without --from the parameters have their initial values");
    if (status == SGRT_OK)
        status = run(&s);
    sgrt_session_close(&s);
    return status;
}
