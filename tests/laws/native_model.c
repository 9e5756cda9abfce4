/* Builds a model of test graphs, compiles it, and loads it. */
#include "tests/laws/native.h"
#include "tests/unit/scratch.h"

#include <dlfcn.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

/* ---- inputs --------------------------------------------------------------------------------- */

IrType native_type(IrElem e, IrPlates plates, uint32_t rank, int64_t d0, int64_t d1, int64_t d2)
{
    IrType t = {.elem = e, .plates = plates, .rank = rank};
    const int64_t dim[] = {d0, d1, d2};
    for (uint32_t i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    return t;
}

static IrRef param_input(IrGraph *g, IrType type, NativeRange range)
{
    IrModel *m = g->model;
    uint32_t item = m->params;
    *arena_push(m->arena, m->param, m->params, IrParam) = (IrParam){
        .name = arena_printf(m->arena, "p%u", item), .type = type, .a = range.lo, .b = range.hi};
    return ir_typed(g, IR_PARAM, (IrAttr){.item = item}, type, 0, NULL);
}

IrRef native_input(IrGraph *g, IrType type, NativeRange range)
{
    IrModel *m = g->model;
    if (!type.plates && type.elem == IR_REAL)
        return param_input(g, type, range);
    uint32_t item = m->datas;
    IrType row = type;
    row.plates = 0;
    *arena_push(m->arena, m->data, m->datas, IrData) =
        (IrData){.name = arena_printf(m->arena, "%s%u", range.special ? "special" : "d", item),
                 .type = row,
                 .by_rows = type.plates != 0,
                 .lo = range.lo,
                 .hi = range.hi};
    return ir_typed(g, IR_DATA, (IrAttr){.item = item}, type, 0, NULL);
}

IrRef native_draw(IrGraph *g, IrType type, bool uniform)
{
    uint32_t item = g->sites;
    *arena_push(g->model->arena, g->site, g->sites, IrSite) = (IrSite){"draw"};
    return ir_typed(g, IR_DRAW, (IrAttr){.item = item, .k = {uniform}}, type, 0, NULL);
}

void native_output(IrGraph *g, IrRef r)
{
    IrType type = g->node[r].type;
    IrAttr attr = {.text = arena_printf(g->model->arena, "out%u", r)};
    ir_typed(g, IR_OUTPUT, attr, type, 1, &r);
}

/* A number in [0, 1) that depends on its arguments alone. */
static double hashed(uint64_t a, uint64_t b)
{
    uint64_t z = a * 0x9e3779b97f4a7c15u + b * 0xd1342543de82ef95u + 1;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static double element(const Native *n, NativeRange range, IrElem e, uint64_t array, uint64_t i)
{
    static const double special[] = {0,        -0.0,      1,   -1, 0.5, -0.5,
                                     INFINITY, -INFINITY, NAN, 40, -40, 1e-5};
    const uint64_t specials = sizeof special / sizeof *special;
    double v = range.lo + (range.hi - range.lo) * hashed(array, i);
    if (range.special) /* every pair of specials meets */
        v = special[(array & 1 ? i / specials : i) % specials];
    if (e != IR_REAL)
        return floor(v);
    return n->options.real_bytes == 4 ? (double)(float)v : v;
}

double *native_elements(const Native *n, NativeRange range, IrElem e, uint64_t array, int64_t count)
{
    double *v = arena_array(n->arena, double, (size_t)count + 1);
    for (int64_t i = 0; i < count; i++)
        v[i] = element(n, range, e, array, (uint64_t)i);
    return v;
}

static NativeRange built_param(const IrParam *p)
{
    return (NativeRange){p->a, p->b, false};
}

static NativeRange built_data(const IrData *d)
{
    return (NativeRange){d->lo, d->hi, strncmp(d->name, "special", 7) == 0};
}

/* ---- building ------------------------------------------------------------------------------- */

static void schedule(Native *n, uint32_t i)
{
    static const char *const passes[] = {"partition", "fuse", "plan"};
    const NativeCase *c = n->of[i];
    IrGraph *to = &n->entry[i][c->entry];
    PassOptions options = {.parts = n->options.parts, .real_bytes = n->options.real_bytes};
    PassCtx cx = {.options = &options, .diags = n->diags, .arena = n->arena};
    for (IrEntry e = IR_ENTRY_SOURCE; e < IR_ENTRIES; e++)
        ir_graph_init(&n->entry[i][e], &n->model, c->name, e);
    ir_graph_clone(to, &n->model.graph[i]);
    to->entry = c->entry;
    for (size_t p = 0; p < sizeof passes / sizeof *passes; p++)
        for (size_t k = 0; k < pass_count; k++)
            if (strcmp(pass_info[k].name, passes[p]) == 0)
                pass_info[k].run(to, &cx);
}

Native *native_new(const char *file, int64_t real_bytes, bool no_optimise)
{
    Native *n = calloc(1, sizeof *n);
    n->arena = arena_new();
    n->diags = diags_new(file, NULL);
    n->options = (CgOptions){.cpu = "native",
                             .real_bytes = real_bytes,
                             .parts = NATIVE_PARTS,
                             .hash = "0",
                             .version = "test",
                             .level = no_optimise ? CG_NONE : CG_FULL};
    n->param_range = built_param;
    n->data_range = built_data;
    ir_model_init(&n->model, n->arena);
    return n;
}

Native *native_build(const NativeCase *c, size_t cases, int64_t real_bytes, bool no_optimise)
{
    Native *n = native_new("native", real_bytes, no_optimise);
    uint32_t graphs = 0;
    for (size_t i = 0; i < cases; i++)
        graphs += (uint32_t)c[i].variants;
    n->of = arena_array(n->arena, const NativeCase *, graphs);
    n->entry = arena_alloc(n->arena, graphs, sizeof *n->entry, alignof(IrGraph));
    for (size_t i = 0; i < cases; i++)
        for (int v = 0; v < c[i].variants; v++) {
            IrGraph *g = ir_graph_add(&n->model, c[i].name, (Span){0});
            g->stage = IR_ESTIMATOR;
            n->of[n->model.graphs - 1] = &c[i];
            c[i].build(g, v);
        }
    for (uint32_t i = 0; i < graphs; i++)
        schedule(n, i);
    return n;
}

static bool link_object(const char *object, const char *library)
{
    char *const command[] = {"cc",           "-shared",
                             "-o",           (char *)library,
                             (char *)object, SGC_BINARY_DIR "/lib/libsgrt.a",
                             SGC_OPENBLAS,   "-Wl,-rpath," SGC_OPENBLAS_DIR,
                             "-lm",          NULL};
    pid_t child;
    int status = 1;
    if (posix_spawnp(&child, command[0], NULL, NULL, command, environ) != 0)
        return false;
    return waitpid(child, &status, 0) == child && status == 0;
}

bool native_load(Native *n)
{
    const char *name =
        arena_printf(n->arena, "model%d%d.o", (int)n->options.real_bytes, (int)n->options.level);
    const char *object = scratch_path(name);
    const char *library = arena_printf(n->arena, "%s.so", object);
    if (!cg_compile(&n->model, n->entry, &n->options, CG_OBJECT, object, n->diags))
        return false;
    if (!link_object(object, library))
        return false;
    n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    n->code = n->library ? dlsym(n->library, "sgrt_model") : NULL;
    if (!n->code)
        diag_error(n->diags, (Span){0}, SG0801, "%s", dlerror());
    return n->code != NULL;
}

void native_free(Native *n)
{
    if (n->library)
        dlclose(n->library);
    diags_free(n->diags);
    arena_free(n->arena);
    if (n->text)
        arena_free(n->text);
    free(n);
}
