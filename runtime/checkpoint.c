/* What of a model and its training goes into a file, and what must agree to take it back. */
#include "runtime/checkpoint.h"

#include "runtime/listing.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const sums_name = "training/sums";

/* Costs, then rows, spread, steps and clipped. */
static int64_t sums_size(const SgrtTrainer *t)
{
    return 1 + t->data->graph->costs + 4;
}

static void list_sums(SgrtListing *l, const SgrtTrainer *t, double *sums)
{
    int64_t costs = 1 + t->data->graph->costs;
    const SgrtSums *s = &t->sum;
    memcpy(sums, s->cost, (size_t)costs * sizeof *sums);
    memcpy(sums + costs, (double[]){s->rows, s->spread, s->steps, s->clipped}, 4 * sizeof *sums);
    sgrt_list(l, sums_name, SGRT_STORED_F64, (int64_t[]){sums_size(t)}, 1, sums);
}

static void describe_run(SgrtMetadata *m, const SgrtTrainer *t)
{
    sgrt_describe_training(m, t);
    sgrt_say_count(m, "epoch", t->epoch_steps ? t->step / t->epoch_steps : 0);
    sgrt_say_count(m, "rows", t->data->rows);
    sgrt_say_count(m, "batch", t->settings.batch);
}

bool sgrt_checkpoint_save(const char *path, const SgrtParams *params, const SgrtTrainer *t,
                          SgrtError *e)
{
    SgrtMetadata m = {.count = 0};
    SgrtListing l;
    double *sums = sgrt_alloc(t ? sums_size(t) : 0, sizeof *sums, e);
    bool saved = sums && sgrt_listing_make(&l, params, t, e);
    if (saved) {
        sgrt_describe_model(&m, params->model);
        if (t) {
            list_sums(&l, t, sums);
            describe_run(&m, t);
        }
        saved = sgrt_tensors_write(path, l.tensor, l.count, m.text, m.count, e);
        sgrt_listing_free(&l);
    }
    free(sums);
    return saved;
}

static bool read_number(const SgrtCheckpoint *c, const char *key, int64_t *value, SgrtError *e)
{
    const char *text = sgrt_tensors_text(&c->file, key);
    char *end = NULL;
    *value = -1;
    if (!text)
        return true;
    errno = 0;
    *value = strtoll(text, &end, 10);
    if (errno == 0 && end != text && !*end && (*value >= 0 || strcmp(key, "seed") == 0))
        return true;
    return sgrt_fail(e, "%s: the metadata give '%s' as the %s", c->file.path, text, key);
}

bool sgrt_checkpoint_open(SgrtCheckpoint *c, const char *path, SgrtError *e)
{
    *c = (SgrtCheckpoint){0};
    if (!sgrt_tensors_read(&c->file, path, e))
        return false;
    c->hash = sgrt_tensors_text(&c->file, "hash");
    c->graph = sgrt_tensors_text(&c->file, "graph");
    c->optimizer = sgrt_tensors_text(&c->file, "optimizer");
    if (read_number(c, "step", &c->step, e) && read_number(c, "seed", &c->seed, e) &&
        read_number(c, "rows", &c->rows, e) && read_number(c, "batch", &c->batch, e))
        return true;
    sgrt_checkpoint_close(c);
    return false;
}

void sgrt_checkpoint_close(SgrtCheckpoint *c)
{
    sgrt_tensors_free(&c->file);
}

/* What does not agree, joined into one text. */
typedef struct Complaints {
    char text[800];
    size_t used;
} Complaints;

__attribute__((format(printf, 2, 3))) static void complain(Complaints *c, const char *format, ...)
{
    if (c->used >= sizeof c->text)
        return;
    va_list arguments;
    va_start(arguments, format);
    c->used +=
        (size_t)snprintf(c->text + c->used, sizeof c->text - c->used, "%s", c->used ? "; " : "");
    if (c->used < sizeof c->text)
        c->used +=
            (size_t)vsnprintf(c->text + c->used, sizeof c->text - c->used, format, arguments);
    va_end(arguments);
}

static void compare(Complaints *complaints, const SgrtTensor *found, const char *name,
                    const int64_t *dim, int64_t rank)
{
    char there[200], here[200];
    sgrt_shape_text(here, sizeof here, dim, rank);
    if (!found) {
        complain(complaints, "%s %s is missing", name, here);
        return;
    }
    bool same = found->rank == rank;
    for (int64_t i = 0; same && i < rank; i++)
        same = found->dim[i] == dim[i];
    if (!same)
        complain(complaints, "%s is %s in the file and %s in the model", name,
                 sgrt_shape_text(there, sizeof there, found->dim, found->rank), here);
    else if (found->stored != SGRT_STORED_F32 && found->stored != SGRT_STORED_F64)
        complain(complaints, "%s is neither F32 nor F64", name);
}

static bool is_param(const SgrtModel *model, const char *name)
{
    for (int64_t i = 0; i < model->params; i++)
        if (strcmp(model->param[i].name, name) == 0)
            return true;
    return false;
}

/* A name with a slash is not a parameter's. */
static void compare_params(Complaints *complaints, const SgrtCheckpoint *c, const SgrtModel *model)
{
    for (int64_t i = 0; i < model->params; i++)
        compare(complaints, sgrt_tensors_find(&c->file, model->param[i].name), model->param[i].name,
                model->param[i].dim, model->param[i].rank);
    for (int64_t i = 0; i < c->file.tensors; i++)
        if (!strchr(c->file.tensor[i].name, '/') && !is_param(model, c->file.tensor[i].name))
            complain(complaints, "the model has no parameter %s", c->file.tensor[i].name);
}

static bool settle(const Complaints *complaints, const SgrtCheckpoint *c, SgrtError *e)
{
    return !complaints->used || sgrt_fail(e, "%s: %s", c->file.path, complaints->text);
}

bool sgrt_checkpoint_params(const SgrtCheckpoint *c, SgrtParams *params, SgrtError *e)
{
    Complaints complaints = {.used = 0};
    compare_params(&complaints, c, params->model);
    if (!settle(&complaints, c, e))
        return false;
    for (int64_t i = 0; i < params->model->params; i++)
        sgrt_tensor_copy(sgrt_tensors_find(&c->file, params->model->param[i].name),
                         sgrt_real_stored(params->model), params->value[i]);
    return true;
}

static void compare_text(Complaints *complaints, const char *what, const char *there,
                         const char *here)
{
    if (!there || strcmp(there, here) != 0)
        complain(complaints, "the %s is %s in the file and %s here", what,
                 there ? there : "not given", here);
}

static void compare_number(Complaints *complaints, const char *what, int64_t there, int64_t here)
{
    if (there != here)
        complain(complaints, "the %s is %lld in the file and %lld here", what, (long long)there,
                 (long long)here);
}

static void compare_run(Complaints *complaints, const SgrtCheckpoint *c, const SgrtTrainer *t)
{
    compare_text(complaints, "hash of the model", c->hash, t->data->model->hash);
    compare_text(complaints, "graph", c->graph, t->data->graph->name);
    compare_text(complaints, "optimizer", c->optimizer, t->settings.optimizer.optimizer->name);
    compare_number(complaints, "seed", c->seed, t->settings.seed);
    compare_number(complaints, "number of rows", c->rows, t->data->rows);
    compare_number(complaints, "batch", c->batch, t->settings.batch);
    if (c->step < 0)
        complain(complaints, "the file gives no step");
}

/* Visits everything but the parameters: checks it, or takes it when `take` is true. */
typedef struct Visit {
    const SgrtCheckpoint *c;
    Complaints *complaints;
    bool take;
} Visit;

static void visit(const Visit *v, const char *name, const int64_t *dim, int64_t rank,
                  SgrtStored stored, void *values)
{
    const SgrtTensor *found = sgrt_tensors_find(&v->c->file, name);
    if (v->take)
        sgrt_tensor_copy(found, stored, values);
    else
        compare(v->complaints, found, name, dim, rank);
}

static void visit_slots(const Visit *v, SgrtTrainer *t)
{
    const SgrtOptimizer *o = t->settings.optimizer.optimizer;
    const SgrtModel *model = t->data->model;
    char name[1000];
    for (int64_t slot = 0; slot < o->slots; slot++)
        for (int64_t i = 0; i < model->params; i++) {
            const SgrtParam *p = &model->param[i];
            snprintf(name, sizeof name, "optimizer/%s/%s/%s", o->name, o->slot[slot], p->name);
            if (t->slot[slot].value[i])
                visit(v, name, p->dim, p->rank, sgrt_real_stored(model), t->slot[slot].value[i]);
        }
}

static void visit_training(const Visit *v, SgrtTrainer *t, double *sums)
{
    const SgrtGraph *g = t->data->graph;
    char name[1000];
    visit_slots(v, t);
    for (int64_t i = 0; i < g->states; i++) {
        snprintf(name, sizeof name, "average/%s", g->state[i]);
        visit(v, name, NULL, 0, SGRT_STORED_F64, &t->state[i]);
    }
    visit(v, sums_name, (int64_t[]){sums_size(t)}, 1, SGRT_STORED_F64, sums);
}

static void take_training(const SgrtCheckpoint *c, SgrtTrainer *t, double *sums)
{
    int64_t costs = 1 + t->data->graph->costs;
    SgrtSums *s = &t->sum;
    visit_training(&(Visit){.c = c, .take = true}, t, sums);
    memcpy(s->cost, sums, (size_t)costs * sizeof *sums);
    *s = (SgrtSums){s->cost, sums[costs], sums[costs + 1], sums[costs + 2], sums[costs + 3]};
    t->step = c->step;
}

bool sgrt_checkpoint_resume(const SgrtCheckpoint *c, SgrtTrainer *t, SgrtError *e)
{
    Complaints complaints = {.used = 0};
    double *sums = sgrt_alloc(sums_size(t), sizeof *sums, e);
    if (!sums)
        return false;
    compare_run(&complaints, c, t);
    visit_training(&(Visit){.c = c, .complaints = &complaints}, t, sums);
    bool resumed = settle(&complaints, c, e) && sgrt_checkpoint_params(c, t->params, e);
    if (resumed)
        take_training(c, t, sums);
    free(sums);
    return resumed;
}
