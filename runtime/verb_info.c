/* info: what the model is, and the values of its parameters in a checkpoint. */
#include "runtime/verb.h"

#include "runtime/checkpoint.h"
#include "runtime/constraint.h"
#include "runtime/memory.h"
#include "runtime/plan.h"
#include "runtime/session.h"
#include "runtime/show.h"
#include "runtime/tensors.h"

#include <cjson/cJSON.h>
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

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    return text ? text : "?";
}

/* What the compiler decided for each draw of a graph, from the manifest. */
static void print_draws(const cJSON *manifest, const SgrtGraph *g)
{
    const cJSON *graph, *draw;
    cJSON_ArrayForEach(graph, cJSON_GetObjectItem(manifest, "graphs"))
    {
        if (strcmp(text_of(graph, "name"), g->name) != 0)
            continue;
        cJSON_ArrayForEach(draw, cJSON_GetObjectItem(graph, "samples"))
        {
            printf("  draw %s, %s\n", text_of(draw, "what"), text_of(draw, "loc"));
        }
    }
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

static bool print_value(const SgrtModel *model, SgrtContext *context, int64_t i, SgrtError *e)
{
    const SgrtParam *p = &model->param[i];
    SgrtTensor value = {.stored = sgrt_real_stored(model), .size = p->size};
    double *v = sgrt_alloc(p->size, sizeof *v, e);
    void *real = v ? sgrt_alloc(p->size, sgrt_real_bytes(model), e) : NULL;
    value.values = real;
    if (real && sgrt_context_get(context, (int)i, real) == SGRT_CONTEXT_OK &&
        sgrt_tensor_copy(&value, SGRT_STORED_F64, v)) {
        printf(":");
        print_values(v, p->size);
    }
    free(real);
    free(v);
    return real != NULL;
}

/* `context` is NULL where there is no checkpoint. */
static bool print_params(const SgrtModel *model, SgrtContext *context, SgrtError *e)
{
    char shape[TEXT];
    for (int64_t i = 0; i < model->params; i++) {
        const SgrtParam *p = &model->param[i];
        printf("param %s%s", p->name, shape_of(shape, p->dim, p->rank));
        print_constraint(&p->in);
        if (!context)
            print_init(p);
        else if (!print_value(model, context, i, e))
            return false;
        printf("\n");
    }
    return true;
}

static void print_model(const SgrtModel *model)
{
    char count[32], text[TEXT];
    cJSON *manifest = model->manifest ? cJSON_Parse(model->manifest) : NULL;
    int64_t size = 0;
    for (int64_t i = 0; i < model->params; i++)
        size += model->param[i].size;
    printf("model %s, compiled by sgc %s for %s, %s\n", model->name, model->version, model->cpu,
           sgrt_elem_name(model->real));
    printf("hash %s\n", model->hash);
    for (int64_t i = 0; i < model->graphs; i++) {
        print_graph(&model->graph[i]);
        print_draws(manifest, &model->graph[i]);
    }
    for (int64_t i = 0; i < model->trains; i++)
        printf("train %s\n", sgrt_plan_text(text, sizeof text, model, &model->train[i]));
    for (int64_t i = 0; i < model->hypers; i++)
        printf("hyper %s = %g\n", model->hyper[i].name, model->hyper[i].value);
    printf("%s parameters\n", sgrt_digits(count, size));
    cJSON_Delete(manifest);
}

static const char *text_or(const SgrtTensorFile *f, const char *key, const char *otherwise)
{
    const char *text = sgrt_tensors_text(f, key);
    return text ? text : otherwise;
}

static bool print_origin(const char *path, SgrtError *e)
{
    SgrtTensorFile f;
    if (!sgrt_tensors_read(&f, path, e))
        return false;
    if (sgrt_tensors_text(&f, "step"))
        printf("checkpoint %s: graph %s, step %s, seed %s\n", path, text_or(&f, "graph", "?"),
               text_or(&f, "step", "?"), text_or(&f, "seed", "?"));
    sgrt_tensors_free(&f);
    return true;
}

static bool print_checkpoint(const SgrtModel *model, const char *from, SgrtError *e)
{
    char *path = sgrt_checkpoint_path(from, e);
    SgrtPool *pool = path ? sgrt_pool_new(1, e) : NULL;
    const SgrtHostSettings settings = {.pool = pool, .optimizer = "none"};
    SgrtContext *context = pool ? sgrt_host_open(model, &settings, e) : NULL;
    bool printed = context && sgrt_checkpoint_params(path, context, e) && print_origin(path, e) &&
                   print_params(model, context, e);
    sgrt_context_free(context);
    sgrt_pool_free(pool);
    free(path);
    return printed;
}

int sgrt_verb_info(const SgrtModel *model, SgrtOptions *options)
{
    SgrtError e;
    if (options->graph || options->bindings) {
        sgrt_fail(&e, "info takes no names");
        return sgrt_say_error(options, SGRT_USAGE, &e);
    }
    if (options->json) {
        puts(model->manifest ? model->manifest : "{}");
        return SGRT_OK;
    }
    print_model(model);
    bool printed =
        options->from ? print_checkpoint(model, options->from, &e) : print_params(model, NULL, &e);
    return printed ? SGRT_OK : sgrt_say_error(options, SGRT_FAILED, &e);
}
