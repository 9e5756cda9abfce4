/* info: what the model is, and the values of its parameters in a checkpoint. */
#include "runtime/verb.h"

#include "runtime/checkpoint.h"
#include "runtime/constraint.h"
#include "runtime/memory.h"
#include "runtime/session.h"
#include "runtime/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 16, TEXT = 200 };

static const char *shape_of(char *out, const int64_t *dim, int64_t rank)
{
    return rank ? sgrt_shape_text(out, TEXT, dim, rank) : "";
}

static void print_constraint(const SgrtConstraint *in)
{
    char text[TEXT];
    if (in->kind != SGRT_FREE)
        printf(" in %s", sgrt_constraint_text(text, sizeof text, in));
}

static void print_init(const SgrtParam *p)
{
    static const char *const names[] = {"constant", "identity", "normal",    "uniform",
                                        "glorot",   "he",       "orthogonal"};
    printf(" = %s", names[p->init]);
    if (p->init == SGRT_INIT_UNIFORM)
        printf("(%g, %g)", p->a, p->b);
    else if (p->init == SGRT_INIT_CONSTANT || p->init == SGRT_INIT_NORMAL)
        printf("(%g)", p->a);
    else
        printf("()");
}

static void print_graph(const SgrtGraph *g)
{
    char shape[TEXT];
    printf("graph %s%s\n", g->name, g->biased ? " (biased)" : "");
    if (g->batch)
        printf("  rows in batches of at most %lld\n", (long long)g->batch);
    for (int64_t i = 0; i < g->columns; i++) {
        const SgrtColumn *c = &g->column[i];
        printf("  data %s%s %s", c->name, shape_of(shape, c->dim, c->rank),
               sgrt_elem_name(c->elem));
        print_constraint(&c->in);
        printf("%s\n", c->by_rows ? ", a column" : "");
    }
    for (int64_t i = 0; i < g->costs; i++)
        printf("  cost %s\n", g->cost[i]);
    for (int64_t i = 0; i < g->outputs; i++)
        printf("  output %s%s %s%s\n", g->output[i].name,
               shape_of(shape, g->output[i].dim, g->output[i].rank),
               sgrt_elem_name(g->output[i].elem), g->output[i].by_rows ? ", by rows" : "");
}

/* The values of a small parameter, the range and the mean of a large one. */
static void print_values(const double *v, int64_t size)
{
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (int64_t i = 0; size <= MOST_VALUES && i < size; i++)
        printf(" %.6g", v[i]);
    if (size <= MOST_VALUES)
        return;
    for (int64_t i = 0; i < size; i++) {
        low = fmin(low, v[i]);
        high = fmax(high, v[i]);
        sum += v[i];
    }
    printf(" from %.6g to %.6g, mean %.6g", low, high, sum / (double)size);
}

static bool print_value(const SgrtParams *params, int64_t i, SgrtError *e)
{
    const SgrtParam *p = &params->model->param[i];
    double *v = sgrt_alloc(p->size, sizeof *v, e);
    if (!v)
        return false;
    for (int64_t k = 0; k < p->size; k++)
        v[k] = params->model->real == SGRT_F64 ? ((double *)params->value[i])[k]
                                               : (double)((float *)params->value[i])[k];
    sgrt_constrain(&p->in, v, p->dim, p->rank, p->size);
    printf(":");
    print_values(v, p->size);
    free(v);
    return true;
}

/* `params` is NULL where there is no checkpoint. */
static bool print_params(const SgrtModel *model, const SgrtParams *params, SgrtError *e)
{
    char shape[TEXT];
    for (int64_t i = 0; i < model->params; i++) {
        const SgrtParam *p = &model->param[i];
        printf("param %s%s", p->name, shape_of(shape, p->dim, p->rank));
        print_constraint(&p->in);
        if (!params)
            print_init(p);
        else if (!print_value(params, i, e))
            return false;
        printf("\n");
    }
    return true;
}

static void print_model(const SgrtModel *model)
{
    char count[32];
    int64_t size = 0;
    for (int64_t i = 0; i < model->params; i++)
        size += model->param[i].size;
    printf("model %s, compiled by sgc %s for %s, %s\n", model->name, model->version, model->cpu,
           sgrt_elem_name(model->real));
    printf("hash %s\n", model->hash);
    for (int64_t i = 0; i < model->graphs; i++)
        print_graph(&model->graph[i]);
    for (int64_t i = 0; i < model->trains; i++)
        printf("train %s%s%s\n", model->graph[model->train[i].graph].name,
               model->train[i].optimizer ? " by " : "",
               model->train[i].optimizer ? model->train[i].optimizer : "");
    for (int64_t i = 0; i < model->hypers; i++)
        printf("hyper %s = %g\n", model->hyper[i].name, model->hyper[i].value);
    printf("%s parameters\n", sgrt_digits(count, size));
}

static bool load(const SgrtModel *model, const char *from, SgrtParams *params, SgrtError *e)
{
    SgrtCheckpoint c;
    char *path = sgrt_checkpoint_path(from, e);
    bool loaded = path && sgrt_checkpoint_open(&c, path, e);
    if (loaded) {
        loaded = sgrt_params_init(params, model, NULL, e) && sgrt_checkpoint_params(&c, params, e);
        if (loaded && c.step >= 0)
            printf("checkpoint %s: graph %s, step %lld, seed %lld\n", path, c.graph ? c.graph : "?",
                   (long long)c.step, (long long)c.seed);
        sgrt_checkpoint_close(&c);
    }
    free(path);
    return loaded;
}

int sgrt_verb_info(const SgrtModel *model, SgrtOptions *options)
{
    SgrtError e;
    SgrtParams params = {0};
    if (options->graph || options->bindings) {
        sgrt_fail(&e, "info takes no names");
        return sgrt_say_error(options, SGRT_USAGE, &e);
    }
    if (options->json) {
        puts(model->manifest ? model->manifest : "{}");
        return SGRT_OK;
    }
    print_model(model);
    bool printed = !options->from || load(model, options->from, &params, &e);
    printed = printed && print_params(model, options->from ? &params : NULL, &e);
    sgrt_params_free(&params);
    return printed ? SGRT_OK : sgrt_say_error(options, SGRT_FAILED, &e);
}
