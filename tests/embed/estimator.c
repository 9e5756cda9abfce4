/* The printed estimator of a model computes the model's gradient: the same parameters, data and
 * noise go into both, as f64 libraries that are known by their manifests alone.
 *
 *   estimator MODEL PROGRAM      libMODEL.so, and libPROGRAM.so of sgc MODEL.sg --emit=sg */
#include "check.h"

#include <cjson/cJSON.h>
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { TOTAL_ROWS = 400, MOST_ROWS = 7, MOST = 64 };

/* Sums in another order, reciprocals for quotients. */
#define AGREE 1e-11

/* The structs that all headers have. */
typedef struct Config {
    uint64_t abi;
    int64_t threads, seed, total_rows;
    const char *optimizer;
    double lr;
    void *parallel, *user, *observe, *observing;
    double hyper[MOST];
} Config;

typedef struct Call {
    int64_t rows, total_rows, first_row;
    const int64_t *row;
    void **data, **output, **noise;
    double *cost;
    int64_t trusted;
} Call;

typedef struct Library {
    const char *name;
    void *file, *context;
    cJSON *manifest;
} Library;

static void *function(const Library *l, const char *name)
{
    char symbol[200];
    snprintf(symbol, sizeof symbol, "%s_%s", l->name, name);
    void *at = dlsym(l->file, symbol);
    CHECK(at);
    return at;
}

/* dlsym's result as a function, as POSIX asks for. */
#define FUNCTION(type, library, name, ...)                                                         \
    type (*name)(__VA_ARGS__);                                                                     \
    *(void **)&name = function(library, #name)

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static int64_t number(const cJSON *o, const char *key)
{
    return (int64_t)member(o, key)->valuedouble;
}

static const char *text(const cJSON *o, const char *key)
{
    return member(o, key)->valuestring;
}

static void open_library(Library *l, const char *name)
{
    char path[200];
    Config config = {.threads = 1, .lr = -1};
    const cJSON *hyper;
    int hypers = 0;
    snprintf(path, sizeof path, "./lib%s.so", name);
    l->name = name;
    l->file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!l->file)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(l->file);
    FUNCTION(const char *, l, manifest, void);
    FUNCTION(int, l, new, void **, const Config *);
    l->manifest = cJSON_Parse(manifest());
    CHECK(l->manifest && strcmp(text(l->manifest, "real"), "float64") == 0);
    config.abi = strtoull(text(l->manifest, "abi"), NULL, 16);
    cJSON_ArrayForEach(hyper, member(l->manifest, "hypers"))
    {
        CHECK(hypers < MOST);
        bool is_rows = strcmp(text(hyper, "name"), "N") == 0;
        config.hyper[hypers++] = is_rows ? TOTAL_ROWS : member(hyper, "default")->valuedouble;
    }
    CHECK(new (&l->context, &config) == 0);
}

static void close_library(Library *l)
{
    FUNCTION(void, l, free, void *);
    free(l->context);
    cJSON_Delete(l->manifest);
    dlclose(l->file);
}

/* ---- inputs --------------------------------------------------------------------------------- */

static uint64_t state = 1;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 12) + 0.5) * 0x1p-52;
}

static double normal(void)
{
    double r = sqrt(-2 * log(uniform()));
    return r * cos(6.283185307179586 * uniform());
}

static int64_t size_of(const cJSON *array)
{
    int64_t size = 1;
    const cJSON *dim;
    cJSON_ArrayForEach(dim, member(array, "shape")) size *= (int64_t)dim->valuedouble;
    return size;
}

static int64_t size_of_rows(const cJSON *array, int64_t rows)
{
    return size_of(array) * (cJSON_IsTrue(member(array, "by_rows")) ? rows : 1);
}

static void *make_data(const cJSON *data, int64_t rows)
{
    int64_t size = size_of_rows(data, rows);
    bool real = strcmp(text(data, "dtype"), "float64") == 0, bounded = member(data, "in") != NULL;
    double *x = calloc((size_t)size + 1, sizeof *x);
    for (int64_t i = 0; i < size; i++)
        if (real)
            x[i] = bounded ? uniform() : normal();
        else
            ((int32_t *)x)[i] = uniform() < 0.5;
    return x;
}

static void *make_noise(const cJSON *draw, int64_t rows)
{
    int64_t size = number(draw, "size") * (cJSON_IsTrue(member(draw, "by_rows")) ? rows : 1);
    bool is_normal = strcmp(text(draw, "law"), "normal") == 0;
    double *x = calloc((size_t)size + 1, sizeof *x);
    for (int64_t i = 0; i < size; i++)
        x[i] = is_normal ? normal() : uniform();
    return x;
}

/* Both get the same parameters, which are what is stored: the program's are unconstrained. */
static void fill_params(const Library *model, const Library *program)
{
    int number = 0;
    const cJSON *param;
    double *(*p)(void *, int), *(*q)(void *, int);
    *(void **)&p = function(model, "p");
    *(void **)&q = function(program, "p");
    CHECK(cJSON_GetArraySize(member(model->manifest, "params")) ==
          cJSON_GetArraySize(member(program->manifest, "params")));
    cJSON_ArrayForEach(param, member(model->manifest, "params"))
    {
        double *to = p(model->context, number), *also = q(program->context, number);
        for (int64_t i = 0; i < size_of(param); i++)
            to[i] = also[i] = 0.2 * normal();
        number++;
    }
}

/* The name of a thing of the model in the program. */
static const char *renamed(char *out, size_t room, const char *before, const char *name,
                           const char *after)
{
    size_t used = (size_t)snprintf(out, room, "%s", before);
    for (; *name && used + 3 < room; name++)
        used += (size_t)snprintf(out + used, room - used, "%s",
                                 *name == '.' ? "__" : (char[]){*name, 0});
    snprintf(out + used, room - used, "%s", after);
    return out;
}

static int find(const cJSON *among, const char *name)
{
    int i = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, among)
    {
        if (strcmp(text(one, "name"), name) == 0)
            return i;
        i++;
    }
    fprintf(stderr, "no %s\n", name);
    exit(1);
}

/* ---- a graph -------------------------------------------------------------------------------- */

/* The largest difference, relative to the largest element. */
static double distance(const double *a, const double *b, int64_t size)
{
    double most = 0, scale = 1e-30;
    for (int64_t i = 0; i < size; i++) {
        most = fmax(most, fabs(a[i] - b[i]));
        scale = fmax(scale, fabs(b[i]));
        CHECK(isfinite(a[i]) && isfinite(b[i]));
    }
    return most / scale;
}

/* Arrays for a list of things. */
static void **make_all(const cJSON *list, void *(*make)(const cJSON *, int64_t), int64_t rows)
{
    int i = 0;
    const cJSON *one;
    void **all = calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *all);
    cJSON_ArrayForEach(one, list) all[i++] = make(one, rows);
    return all;
}

static void free_all(void **all, const cJSON *list)
{
    for (int i = 0; i < cJSON_GetArraySize(list); i++)
        free(all[i]);
    free(all);
}

static void *make_output(const cJSON *output, int64_t rows)
{
    return calloc((size_t)size_of_rows(output, rows) + 1, sizeof(double));
}

/* The arrays of one list in the order of another, by name. */
static void **matched(void **of, const cJSON *list, const cJSON *in, const char *suffix)
{
    int i = 0;
    char name[200];
    const cJSON *one;
    void **all = calloc((size_t)cJSON_GetArraySize(in) + 1, sizeof *all);
    CHECK(cJSON_GetArraySize(list) == cJSON_GetArraySize(in));
    cJSON_ArrayForEach(one, list)
        all[find(in, renamed(name, sizeof name, "", text(one, "name"), suffix))] = of[i++];
    return all;
}

static double compare_gradients(const Library *model, int graph, const cJSON *outputs,
                                void **output)
{
    int number = 0;
    double worst = 0, moved = 0;
    char name[200];
    const cJSON *param;
    FUNCTION(const double *, model, g, const void *, int, int);
    cJSON_ArrayForEach(param, member(model->manifest, "params"))
    {
        const double *gradient = g(model->context, graph, number++);
        if (!gradient)
            continue;
        renamed(name, sizeof name, "grad_", text(param, "name"), "");
        double off = distance(output[find(outputs, name)], gradient, size_of(param));
        if (!(off < AGREE))
            fprintf(stderr, "%s: off by %g\n", name, off);
        CHECK(off < AGREE);
        worst = fmax(worst, off);
        for (int64_t i = 0; i < size_of(param); i++)
            moved = fmax(moved, fabs(gradient[i]));
    }
    CHECK(moved > 0);
    return worst;
}

static void compare(const Library *model, const Library *program, int graph)
{
    const cJSON *g = cJSON_GetArrayItem(member(model->manifest, "graphs"), graph);
    const cJSON *graphs = member(program->manifest, "graphs"), *step = member(g, "step");
    if (cJSON_IsNull(step))
        return;
    int there = find(graphs, text(g, "name"));
    const cJSON *h = cJSON_GetArrayItem(graphs, there), *outputs = member(h, "outputs");
    int64_t batch = number(g, "rows"), rows = batch > MOST_ROWS ? MOST_ROWS : batch ? batch : 1;
    void **data = make_all(member(g, "data"), make_data, rows);
    void **noise = make_all(member(step, "draws"), make_noise, rows);
    void **output = make_all(outputs, make_output, rows);
    void **same_data = matched(data, member(g, "data"), member(h, "data"), "");
    void **same_noise =
        matched(noise, member(step, "draws"), member(member(h, "run"), "draws"), "_noise");
    double *cost = calloc(1 + (size_t)cJSON_GetArraySize(member(g, "costs")), sizeof *cost);
    Call call = {
        .rows = rows, .total_rows = TOTAL_ROWS, .data = data, .noise = noise, .cost = cost};
    Call run_call = {.rows = rows, .data = same_data, .noise = same_noise, .output = output};
    FUNCTION(int, model, grad, void *, int, const Call *);
    FUNCTION(int, program, run, void *, int, const Call *);
    CHECK(grad(model->context, graph, &call) == 0);
    CHECK(run(program->context, there, &run_call) == 0);
    double off = compare_gradients(model, graph, outputs, output);
    CHECK(distance(output[find(outputs, "objective")], cost, 1) < AGREE);
    printf("%s, graph %s: gradients agree to %.1e\n", model->name, text(g, "name"), off);
    free_all(data, member(g, "data"));
    free_all(noise, member(step, "draws"));
    free_all(output, outputs);
    free(same_data);
    free(same_noise);
    free(cost);
}

int main(int argc, char **argv)
{
    Library model, program;
    CHECK(argc == 3);
    open_library(&model, argv[1]);
    open_library(&program, argv[2]);
    fill_params(&model, &program);
    for (int i = 0; i < cJSON_GetArraySize(member(model.manifest, "graphs")); i++)
        compare(&model, &program, i);
    close_library(&model);
    close_library(&program);
    return 0;
}
