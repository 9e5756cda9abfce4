/* The names of checkpoints. */
#include "runtime/listing.h"

#include "runtime/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT "sgc 1"

void sgrt_listing_free(SgrtListing *l)
{
    for (int64_t i = 0; l->made && i < l->names; i++)
        free(l->made[i]);
    free(l->made);
    free(l->tensor);
    *l = (SgrtListing){0};
}

/* Owned by the listing; NULL if memory is out. */
__attribute__((format(printf, 2, 3))) static const char *make_name(SgrtListing *l,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *name = NULL;
    if (vasprintf(&name, format, arguments) < 0)
        name = NULL;
    va_end(arguments);
    if (name)
        l->made[l->names++] = name;
    return name;
}

static void list(SgrtListing *l, const char *name, SgrtStored stored, const int64_t *dim,
                 int64_t rank, const void *values)
{
    SgrtTensor *t = &l->tensor[l->count++];
    *t = (SgrtTensor){.name = name, .stored = stored, .rank = rank, .values = values};
    for (int64_t i = 0; i < rank && i < SGRT_MOST_AXES; i++)
        t->dim[i] = dim[i];
    sgrt_size_of(dim, rank, &t->size);
}

static bool list_slot(SgrtListing *l, const SgrtStep *t, int64_t slot)
{
    const SgrtModel *model = t->data->model;
    const SgrtOptimizer *o = t->optimizer.optimizer;
    for (int64_t i = 0; i < model->params; i++) {
        const SgrtParam *p = &model->param[i];
        if (!t->slot[slot].value[i])
            continue;
        const char *name = make_name(l, "optimizer/%s/%s/%s", o->name, o->slot[slot], p->name);
        if (!name)
            return false;
        list(l, name, sgrt_real_stored(model), p->dim, p->rank, t->slot[slot].value[i]);
    }
    return true;
}

static bool list_training(SgrtListing *l, const SgrtStep *t)
{
    const SgrtGraph *g = t->data->graph;
    const SgrtOptimizer *o = t->optimizer.optimizer;
    for (int64_t i = 0; o && i < o->slots; i++)
        if (!list_slot(l, t, i))
            return false;
    const double *at = t->state;
    for (int64_t i = 0; i < g->states; at += g->state[i++].size) {
        const SgrtState *s = &g->state[i];
        const char *name = make_name(l, "average/%s", s->name);
        if (!name)
            return false;
        list(l, name, SGRT_STORED_F64, s->dim, s->rank, at);
    }
    return true;
}

bool sgrt_listing_make(SgrtListing *l, const SgrtParams *params, const SgrtStep *t, SgrtError *e)
{
    const SgrtModel *model = params->model;
    int64_t room = model->params * (1 + SGRT_SLOTS) + (t ? t->data->graph->states : 0);
    *l = (SgrtListing){.tensor = sgrt_alloc(room, sizeof *l->tensor, e)};
    l->made = l->tensor ? sgrt_alloc(room, sizeof *l->made, e) : NULL;
    for (int64_t i = 0; l->made && i < model->params; i++)
        list(l, model->param[i].name, sgrt_real_stored(model), model->param[i].dim,
             model->param[i].rank, params->value[i]);
    if (l->made && (!t || list_training(l, t)))
        return true;
    sgrt_listing_free(l);
    return sgrt_fail(e, "out of memory");
}

void sgrt_say(SgrtMetadata *m, const char *key, const char *value)
{
    m->text[m->count++] = (SgrtText){key, value};
}

void sgrt_say_count(SgrtMetadata *m, const char *key, int64_t value)
{
    snprintf(m->digits[m->count], SGRT_DIGITS, "%lld", (long long)value);
    sgrt_say(m, key, m->digits[m->count]);
}

void sgrt_describe_model(SgrtMetadata *m, const SgrtModel *model)
{
    sgrt_say(m, "format", FORMAT);
    sgrt_say(m, "model", model->name);
    sgrt_say(m, "hash", model->hash);
}

void sgrt_describe_training(SgrtMetadata *m, const SgrtStep *t)
{
    const SgrtOptimizer *o = t->optimizer.optimizer;
    sgrt_say(m, "graph", t->data->graph->name);
    if (o)
        sgrt_say(m, "optimizer", o->name);
    sgrt_say_count(m, "step", t->updates);
}
