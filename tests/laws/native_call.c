/* Runs an entry of a loaded model beside the evaluator. */
#include "tests/laws/native.h"

#include "runtime/kernels.h"

#include <math.h>
#include <string.h>

enum { ALIGNMENT = 64, GUARD = 64 };

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

/* Memory with a guard behind it. */
static void *memory(Native *n, int64_t bytes)
{
    unsigned char *p = arena_alloc(n->arena, (size_t)bytes + GUARD, 1, ALIGNMENT);
    *arena_push(n->arena, n->guard, n->guards, unsigned char *) = p + bytes;
    memset(p + bytes, 0xa5, GUARD);
    return p;
}

static bool guards_stand(const Native *n)
{
    for (uint32_t i = 0; i < n->guards; i++)
        for (int k = 0; k < GUARD; k++)
            if (n->guard[i][k] != 0xa5)
                return false;
    return true;
}

static const int64_t elem_bytes[] = {
    [SGRT_F32] = 4, [SGRT_F64] = 8, [SGRT_I32] = 4, [SGRT_BOOL] = 1};

/* The numbers as compiled code keeps them. */
static void *stored(Native *n, const double *v, int64_t count, int64_t elem)
{
    void *to = memory(n, count * elem_bytes[elem]);
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

const double *native_param(const Native *n, uint32_t item)
{
    const IrParam *p = &n->model.param[item];
    return native_elements(n, n->param_range(p), IR_REAL, 1000 + item, ir_elements(&p->type));
}

static void give_params(Call *c)
{
    Native *n = c->n;
    const IrModel *m = &n->model;
    const double **v = arena_array(n->arena, const double *, m->params + 1);
    void **param = pointers(n, m->params), **grad = pointers(n, m->params);
    for (uint32_t i = 0; i < m->params; i++) {
        const IrParam *p = &m->param[i];
        int64_t size = ir_elements(&p->type);
        if (!reads(c, IR_PARAM, i))
            continue;
        v[i] = native_param(n, i);
        param[i] = stored(n, v[i], size, n->code->real);
        int64_t bytes = size * n->options.real_bytes;
        grad[i] = memset(memory(n, bytes), 0xff, (size_t)bytes);
    }
    c->env.param = v;
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
        v[i] = native_elements(n, n->data_range(d), d->type.elem, i, size);
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
    int64_t numbers = ir_state_at(c->g, c->g->states);
    double *state = native_elements(n, (NativeRange){1, 2, false}, IR_REAL, 77, numbers);
    c->env.hyper = c->frame.hyper = hyper;
    c->env.state = c->frame.state = state;
    c->frame.next_state = arena_array(n->arena, double, (size_t)numbers + 1);
    c->frame.cost = arena_array(n->arena, double, (size_t)c->code->costs + 2);
}

static void give_outputs(Call *c)
{
    void **output = pointers(c->n, c->code->outputs);
    for (int64_t i = 0; i < c->code->outputs; i++) {
        const SgrtOutput *o = &c->code->output[i];
        int64_t bytes = o->size * (o->by_rows ? c->frame.rows : 1) * elem_bytes[o->elem];
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
        double *v = native_elements(n, (NativeRange){0.1, 0.9, false}, IR_REAL, 500 + s, count);
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

/* The rows of a batch come from anywhere in the data set. */
static void give_rows(Call *c, int64_t rows)
{
    int64_t *row = memory(c->n, rows * (int64_t)sizeof *row);
    for (int64_t i = 0; i < rows; i++)
        row[i] = (i * 7 + 3) % rows;
    c->frame.row = row;
    c->env.row = row;
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
    give_rows(&c, rows);
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

/* The objective, then the gradient, of the last call. */
static size_t results_of(const Call *c, double *result)
{
    const IrModel *m = &c->n->model;
    size_t count = 0;
    result[count++] = *(const double *)c->frame.cost;
    for (uint32_t p = 0; p < m->params; p++)
        for (int64_t e = 0; e < ir_elements(&m->param[p].type) && c->code->trained[p]; e++)
            result[count++] = loaded(((void **)c->frame.grad)[p], e, c->n->code->real);
    return count;
}

void native_steps(Native *n, uint32_t i, uint64_t seed, int64_t steps, NativeStep *each,
                  void *context)
{
    Call c = open_call(n, i, IR_ENTRY_STEP, 1, false);
    c.frame.seed = seed;
    size_t most = 1;
    for (uint32_t p = 0; p < n->model.params; p++)
        most += (size_t)ir_elements(&n->model.param[p].type);
    double *result = arena_array(n->arena, double, most);
    for (int64_t step = 0; step < steps; step++) {
        c.frame.step = step;
        run_phases(&c);
        each(context, step, result, results_of(&c, result));
    }
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
        return (double *)c->frame.next_state + ir_state_at(c->g, n->attr.item);
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
    if (!guards_stand(n))
        return arena_printf(n->arena, "%s: graph %u writes past an array", n->of[i]->name, i);
    n->guards = 0;
    int64_t outputs = 0;
    const char *wrong = NULL;
    for (IrRef r = 0; r < c.g->count && !wrong; r++) {
        if (ir_op_info[c.g->node[r].op].flags & IR_EFFECT)
            wrong = compare_root(&c, r, outputs);
        outputs += c.g->node[r].op == IR_OUTPUT;
    }
    return wrong;
}
