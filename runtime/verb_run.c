/* run: the outputs of a graph, into files or onto the screen. */
#include "runtime/verb.h"

#include "runtime/csv.h"
#include "runtime/eval.h"
#include "runtime/memory.h"
#include "runtime/npy.h"
#include "runtime/png.h"
#include "runtime/session.h"
#include "runtime/show.h"
#include "runtime/tensors.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool ends_in(const char *path, const char *suffix)
{
    size_t length = strlen(path), end = strlen(suffix);
    return length > end && strcasecmp(path + length - end, suffix) == 0;
}

static bool write_npy(const char *path, const char *name, const SgrtArray *a, SgrtError *e)
{
    (void)name;
    return sgrt_npy_write(path, a->stored, a->dim, a->rank, a->values, e);
}

static bool write_csv(const char *path, const char *name, const SgrtArray *a, SgrtError *e)
{
    (void)name;
    return sgrt_csv_write(path, a, e);
}

static bool write_tensor(const char *path, const char *name, const SgrtArray *a, SgrtError *e)
{
    SgrtTensor t = {
        .name = name, .stored = a->stored, .rank = a->rank, .size = a->size, .values = a->values};
    memcpy(t.dim, a->dim, sizeof t.dim);
    return sgrt_tensor_write(path, &t, e);
}

/* Kinds of files by the ends of their names; pictures have rules of their own. */
static const struct {
    const char *suffix;
    bool (*write)(const char *path, const char *name, const SgrtArray *a, SgrtError *e);
} kind_row[] = {{".npy", write_npy}, {".csv", write_csv}, {".safetensors", write_tensor}};

enum { KINDS = sizeof kind_row / sizeof kind_row[0] };

static int kind_of(const char *path)
{
    int kind = 0;
    while (kind < KINDS && !ends_in(path, kind_row[kind].suffix))
        kind++;
    return kind;
}

/* Before anything is computed: every file must be of a kind that its output can have. */
static int check_files(const SgrtSession *s)
{
    SgrtError e;
    for (int64_t i = 0; i < s->graph->outputs; i++) {
        const char *path = s->output[i];
        const SgrtOutput *o = &s->graph->output[i];
        if (!path || kind_of(path) < KINDS)
            continue;
        if (!ends_in(path, ".png"))
            sgrt_fail(&e, "%s=%s: the file's name must end in .npy, .csv, .safetensors or .png",
                      o->name, path);
        else if (o->rank < 2)
            sgrt_fail(&e, "%s=%s: a picture needs an output [.., h, w] or [.., h, w, 3]", o->name,
                      path);
        else
            continue;
        return sgrt_say_error(s->options, SGRT_USAGE, &e);
    }
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

static bool deliver(const SgrtSession *s, int64_t i, const SgrtArray *a, SgrtError *e)
{
    const char *path = s->output[i], *name = s->graph->output[i].name;
    if (path && ends_in(path, ".png"))
        return write_picture(s, path, a, e);
    if (path)
        return kind_row[kind_of(path)].write(path, name, a, e);
    if (!sgrt_show(stdout, name, a))
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
        done = !is_wanted(s, i) || deliver(s, i, &output[i], &e);
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
