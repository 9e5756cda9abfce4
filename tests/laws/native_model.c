/* Compiles a model of test graphs, loads it, and runs an entry beside the evaluator. */
#include "tests/laws/native.h"
#include "tests/unit/scratch.h"

#include "runtime/kernels.h"

#include <dlfcn.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

enum { ALIGNMENT = 64, SHORTEST = 64 };

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

static double *elements(const Native *n, NativeRange range, IrElem e, uint64_t array, int64_t count)
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
    PassOptions options = {n->options.parts, n->options.real_bytes};
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
                             .no_optimise = no_optimise};
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
        arena_printf(n->arena, "model%d%d.o", (int)n->options.real_bytes, n->options.no_optimise);
    const char *object = scratch_path(name);
    const char *library = arena_printf(n->arena, "%s.so", object);
    if (!cg_compile(&n->model, n->entry, &n->options, CG_OBJECT, object, n->diags))
        return false;
    if (!link_object(object, library))
        return false;
    n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    n->code = n->library ? dlsym(n->library, "sgrt_model") : NULL;
    if (!n->code)
        diag_error(n->diags, (Span){0}, "%s", dlerror());
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

/* ---- memory of a call ----------------------------------------------------------------------- */

typedef struct Call {
    Native *n;
    uint32_t graph;
    const IrGraph *g;
    const SgrtGraph *code;
    const SgrtEntry *entry;
    SgrtFrame frame;
    SgrtFault fault;
    IrEnv env;
    double **value;
} Call;

static void *memory(Native *n, int64_t bytes)
{
    return arena_alloc(n->arena, (size_t)bytes + SHORTEST, 1, ALIGNMENT);
}

/* The numbers as compiled code keeps them. */
static void *stored(Native *n, const double *v, int64_t count, int64_t elem)
{
    static const int64_t bytes[] = {4, 8, 4, 1};
    void *to = memory(n, count * bytes[elem]);
    for (int64_t i = 0; i < count; i++) {
        /* clang-format off */
        switch (elem) {
        case SGRT_F32: ((float *)to)[i] = (float)v[i]; break;
        case SGRT_F64: ((double *)to)[i] = v[i]; break;
        case SGRT_I32: ((int32_t *)to)[i] = (int32_t)v[i]; break;
        default:       ((unsigned char *)to)[i] = v[i] != 0;
        }
        /* clang-format on */
    }
    return to;
}

static double loaded(const void *from, int64_t i, int64_t elem)
{
    /* clang-format off */
    switch (elem) {
    case SGRT_F32: return (double)((const float *)from)[i];
    case SGRT_F64: return ((const double *)from)[i];
    case SGRT_I32: return ((const int32_t *)from)[i];
    default:       return ((const unsigned char *)from)[i];
    }
    /* clang-format on */
}

static void **pointers(Native *n, int64_t count)
{
    return arena_array(n->arena, void *, (size_t)count + 1);
}

static bool reads(const Call *c, IrOp leaf, uint32_t item)
{
    for (IrRef r = 0; r < c->g->count; r++)
        if (c->g->node[r].op == leaf && c->g->node[r].attr.item == item)
            return true;
    return false;
}

static void give_params(Call *c)
{
    Native *n = c->n;
    const IrModel *m = &n->model;
    double **v = arena_array(n->arena, double *, m->params + 1);
    void **param = pointers(n, m->params), **grad = pointers(n, m->params);
    for (uint32_t i = 0; i < m->params; i++) {
        const IrParam *p = &m->param[i];
        int64_t size = ir_elements(&p->type);
        if (!reads(c, IR_PARAM, i))
            continue;
        v[i] = elements(n, n->param_range(p), IR_REAL, 1000 + i, size);
        param[i] = stored(n, v[i], size, n->code->real);
        grad[i] = memset(memory(n, size * 8), 0xff, (size_t)size * 8);
    }
    c->env.param = (const double *const *)v;
    c->frame.param = param;
    c->frame.grad = grad;
}

static void give_data(Call *c)
{
    Native *n = c->n;
    const IrModel *m = &n->model;
    double **v = arena_array(n->arena, double *, m->datas + 1);
    void **data = pointers(n, c->code->columns);
    for (uint32_t i = 0; i < m->datas; i++) {
        const IrData *d = &m->data[i];
        int64_t size = ir_elements(&d->type) * (d->by_rows ? c->frame.rows : 1);
        if (!reads(c, IR_DATA, i))
            continue;
        v[i] = elements(n, n->data_range(d), d->type.elem, i, size);
        for (int64_t k = 0; k < c->code->columns; k++)
            if (strcmp(c->code->column[k].name, d->name) == 0)
                data[k] = stored(n, v[i], size, c->code->column[k].elem);
    }
    c->env.data = (const double *const *)v;
    c->frame.data = data;
}

static void give_scalars(Call *c)
{
    Native *n = c->n;
    double *hyper = arena_array(n->arena, double, n->model.hypers + 1);
    for (uint32_t i = 0; i < n->model.hypers; i++)
        hyper[i] = n->model.hyper[i].value;
    double *state = elements(n, (NativeRange){1, 2, false}, IR_REAL, 77, c->code->states);
    c->env.hyper = c->frame.hyper = hyper;
    c->env.state = c->frame.state = state;
    c->frame.next_state = arena_array(n->arena, double, (size_t)c->code->states + 1);
    c->frame.cost = arena_array(n->arena, double, (size_t)c->code->costs + 2);
}

static void give_outputs(Call *c)
{
    void **output = pointers(c->n, c->code->outputs);
    for (int64_t i = 0; i < c->code->outputs; i++) {
        int64_t bytes = c->code->output[i].size * (c->frame.rows + 1) * 8;
        output[i] = memset(memory(c->n, bytes), 0xff, (size_t)bytes);
    }
    c->frame.output = output;
}

/* ---- noise ---------------------------------------------------------------------------------- */

/* Position i of [plates][shape] with these rows, in the order with rows outermost. */
static int64_t rows_first(const IrGraph *g, const IrType *t, int64_t rows, int64_t i)
{
    int64_t shape = ir_elements(t), inner = i % shape, rest = i / shape;
    int64_t row = 0, others = 0, stride = 1;
    for (uint32_t p = g->plates; p-- > 0;) {
        if (!(t->plates >> p & 1))
            continue;
        int64_t size = ir_copies(g, 1u << p, rows), at = rest % size;
        rest /= size;
        if (g->plate[p].kind == IR_PLATE_ROWS) {
            row = at;
        } else {
            others += at * stride;
            stride *= size;
        }
    }
    return (row * stride + others) * shape + inner;
}

static const IrNode *draw_of(const IrGraph *g, uint32_t site)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW && g->node[r].attr.item == site)
            return &g->node[r];
    return NULL;
}

static void generate(Call *c, const IrNode *draw, void *out, int64_t count, int64_t first)
{
    int32_t site = (int32_t)draw->attr.item;
    bool uniform = draw->attr.k[0] != 0;
    if (c->n->code->real == SGRT_F32)
        (uniform ? sgrt_noise_uniform_f32 : sgrt_noise_normal_f32)(out, first, count, &c->frame,
                                                                   site);
    else
        (uniform ? sgrt_noise_uniform_f64 : sgrt_noise_normal_f64)(out, first, count, &c->frame,
                                                                   site);
}

static void give_noise(Call *c, bool tape)
{
    Native *n = c->n;
    int64_t rows = c->frame.rows;
    double **noise = arena_array(n->arena, double *, c->g->sites + 1);
    void **array = pointers(n, c->g->sites);
    for (uint32_t s = 0; s < c->g->sites; s++) {
        const IrNode *draw = draw_of(c->g, s);
        int64_t count = ir_copies(c->g, draw->type.plates, rows) * ir_elements(&draw->type);
        double *v = elements(n, (NativeRange){0.1, 0.9, false}, IR_REAL, 500 + s, count);
        array[s] = stored(n, v, count, n->code->real);
        int64_t first = c->frame.first_row * c->entry->site[s].size;
        if (!tape)
            generate(c, draw, array[s], count, c->entry->site[s].by_rows ? first : 0);
        noise[s] = arena_array(n->arena, double, (size_t)count);
        for (int64_t i = 0; i < count; i++)
            noise[s][i] = loaded(array[s], rows_first(c->g, &draw->type, rows, i), n->code->real);
    }
    c->env.noise = (const double *const *)noise;
    c->frame.tape = tape ? array : NULL;
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* What the evaluator reads: the graph as it was built, or as it is scheduled where it was derived
 * from a source graph. */
static const IrGraph *meaning(const Native *n, uint32_t i, IrEntry e)
{
    const IrGraph *built = &n->model.graph[i];
    return built->stage == IR_ESTIMATOR ? built : &n->entry[i][e];
}

static const SgrtEntry *entry_of(const SgrtGraph *g, IrEntry e)
{
    return e == IR_ENTRY_STEP ? g->step : e == IR_ENTRY_EVAL ? g->eval : g->run;
}

static Call open_call(Native *n, uint32_t i, IrEntry e, int64_t rows, bool tape)
{
    Call c = {.n = n, .graph = i, .g = meaning(n, i, e), .code = &n->code->graph[i]};
    c.entry = entry_of(c.code, e);
    c.frame = (SgrtFrame){.rows = rows,
                          .total_rows = 1000,
                          .first_row = 70,
                          .seed = 12345,
                          .step = 6,
                          .purpose = SGRT_STEP};
    c.env = (IrEnv){.rows = rows, .total_rows = 1000};
    c.frame.arena = memset(memory(n, c.entry->arena_bytes), 0xff, (size_t)c.entry->arena_bytes);
    give_params(&c);
    give_data(&c);
    give_scalars(&c);
    give_outputs(&c);
    give_noise(&c, tape);
    return c;
}

/* Tasks of a phase may run in any order: the last first shows what depends on it. */
static void run_phases(Call *c)
{
    c->frame.fault = &c->fault;
    for (int64_t p = 0; p < c->entry->phases; p++)
        for (int64_t task = c->entry->phase[p].tasks; task-- > 0;)
            c->entry->phase[p].run(&c->frame, task);
}

SgrtFault native_fault(Native *n, uint32_t i, int64_t rows)
{
    Call c = open_call(n, i, n->of[i]->entry, rows, true);
    run_phases(&c);
    return c.fault;
}

/* ---- comparison ----------------------------------------------------------------------------- */

static bool agrees(const Call *c, double got, double want, double eps)
{
    const NativeCase *k = c->n->of[c->graph];
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= k->ulps * eps * fmax(fabs(want), k->floor);
}

/* Where root number k of its kind was written, and as what. */
static const void *written(const Call *c, const IrNode *n, int64_t output, int64_t *elem)
{
    *elem = SGRT_F64;
    switch (n->op) {
    case IR_OUTPUT:
        *elem = c->code->output[output].elem;
        return ((void **)c->frame.output)[output];
    case IR_GRAD:
        *elem = c->n->code->real;
        return ((void **)c->frame.grad)[n->attr.item];
    case IR_COST:
        return (double *)c->frame.cost + 1 + n->attr.item;
    case IR_NEXT:
        return (double *)c->frame.next_state + n->attr.item;
    default:
        return c->frame.cost;
    }
}

static const char *compare_root(const Call *c, IrRef r, int64_t output)
{
    const IrNode *n = &c->g->node[r];
    int64_t elem, rows = c->frame.rows;
    const void *at = written(c, n, output, &elem);
    double eps = n->type.elem != IR_REAL ? 0 : c->n->code->real == SGRT_F32 ? 0x1p-23 : 0x1p-52;
    int64_t count = ir_copies(c->g, n->type.plates, rows) * ir_elements(&n->type);
    for (int64_t i = 0; i < count; i++) {
        double want = c->value[r][i];
        double got = loaded(at, rows_first(c->g, &n->type, rows, i), elem);
        if (!agrees(c, got, want, eps))
            return arena_printf(
                c->n->arena, "graph %u, %s, %d rows: %s %%%u of %s [%d]: %.17g, not %.17g",
                c->graph, c->n->of[c->graph]->name, (int)rows, ir_op_info[n->op].name, r,
                ir_op_info[c->g->node[n->in[0]].op].name, (int)i, got, want);
    }
    return NULL;
}

const char *native_compare(Native *n, uint32_t i, IrEntry e, int64_t rows, bool tape)
{
    Call c = open_call(n, i, e, rows, tape);
    IrRef fault = IR_NONE;
    c.value = arena_array(n->arena, double *, c.g->count + 1);
    if (!ir_eval(c.g, &c.env, n->arena, c.value, &fault))
        return arena_printf(n->arena, "%s: %%%u faults in the evaluator", n->of[i]->name, fault);
    run_phases(&c);
    int64_t outputs = 0;
    const char *wrong = NULL;
    for (IrRef r = 0; r < c.g->count && !wrong; r++) {
        if (ir_op_info[c.g->node[r].op].flags & IR_EFFECT)
            wrong = compare_root(&c, r, outputs);
        outputs += c.g->node[r].op == IR_OUTPUT;
    }
    return wrong;
}
