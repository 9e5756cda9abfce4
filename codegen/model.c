/* The model's constant data: `sgrt_model` and all it points to.
 *
 * The structs are those of runtime/rt.h, field by field; every field takes eight bytes, but the two
 * halves of a constraint's first.  tests/laws/native.c reads them back through the header. */
#include "codegen/cg.h"

#include <assert.h>
#include <string.h>

enum { ABI = 4, F32 = 0, F64 = 1, I32 = 2, BOOL = 3, FIELDS = 20 };

/* A struct that is being filled, in the order of its fields. */
typedef struct Struct {
    LLVMValueRef field[FIELDS];
    unsigned fields;
} Struct;

static void put(Struct *s, LLVMValueRef v)
{
    assert(s->fields < FIELDS);
    s->field[s->fields++] = v;
}

static void put_int(Cg *cg, Struct *s, int64_t v)
{
    put(s, cg_i64(cg, v));
}

static void put_real(Cg *cg, Struct *s, double v)
{
    put(s, LLVMConstReal(cg->f64, v));
}

static LLVMValueRef finish(Cg *cg, const Struct *s)
{
    return LLVMConstStructInContext(cg->context, (LLVMValueRef *)s->field, s->fields, false);
}

static LLVMValueRef constant(Cg *cg, const char *name, LLVMValueRef value)
{
    LLVMValueRef v = LLVMAddGlobal(cg->module, LLVMTypeOf(value), name);
    LLVMSetInitializer(v, value);
    LLVMSetGlobalConstant(v, true);
    LLVMSetLinkage(v, LLVMPrivateLinkage);
    LLVMSetUnnamedAddress(v, LLVMGlobalUnnamedAddr);
    return v;
}

/* An array of values of one type; NULL if there are none. */
static LLVMValueRef array(Cg *cg, const char *name, LLVMValueRef *v, uint64_t n)
{
    if (n == 0)
        return LLVMConstNull(cg->ptr);
    return constant(cg, name, LLVMConstArray2(LLVMTypeOf(v[0]), v, n));
}

static LLVMValueRef text(Cg *cg, const char *s)
{
    if (!s)
        return LLVMConstNull(cg->ptr);
    return constant(cg, "text", LLVMConstStringInContext2(cg->context, s, strlen(s), false));
}

static LLVMValueRef *room(Cg *cg, uint64_t n)
{
    return arena_array(cg->arena, LLVMValueRef, n + 1);
}

static LLVMValueRef texts(Cg *cg, const char *name, const char **s, uint64_t n)
{
    LLVMValueRef *v = room(cg, n);
    for (uint64_t i = 0; i < n; i++)
        v[i] = text(cg, s[i]);
    return array(cg, name, v, n);
}

/* ---- shapes --------------------------------------------------------------------------------- */

/* dim, rank, size: axes, after the copies of the plates. */
static void put_shape(Cg *cg, Struct *s, const IrGraph *g, IrPlates plates, const IrType *t)
{
    LLVMValueRef dim[CG_DIMS];
    uint32_t rank = 0;
    for (uint32_t i = 0; g && i < g->plates; i++)
        if (plates >> i & 1)
            dim[rank++] = cg_i64(cg, g->plate[i].size);
    for (uint32_t i = 0; i < t->rank; i++)
        dim[rank++] = cg_i64(cg, t->dim[i]);
    put(s, array(cg, "dim", dim, rank));
    put_int(cg, s, rank);
    put_int(cg, s, ir_elements(t) * (g ? ir_copies(g, plates, 1) : 1));
}

static void put_constraint(Cg *cg, Struct *s, IrConstraint in, double lo, double hi)
{
    LLVMValueRef kind[] = {LLVMConstInt(cg->i32, in, false), LLVMConstInt(cg->i32, 0, false)};
    LLVMValueRef bound[] = {LLVMConstReal(cg->f64, lo), LLVMConstReal(cg->f64, hi)};
    LLVMValueRef all[] = {kind[0], kind[1], bound[0], bound[1]};
    put(s, LLVMConstStructInContext(cg->context, all, 4, false));
}

static int64_t elem_code(const Cg *cg, IrElem e)
{
    if (e == IR_REAL)
        return cg->options->real_bytes == 8 ? F64 : F32;
    return e == IR_INT ? I32 : BOOL;
}

static IrPlates rows_of(const IrGraph *g)
{
    IrPlates rows = 0;
    for (uint32_t i = 0; i < g->plates; i++)
        if (g->plate[i].kind == IR_PLATE_ROWS)
            rows |= 1u << i;
    return rows;
}

/* ---- parameters, hypers, trains ------------------------------------------------------------- */

static LLVMValueRef params(Cg *cg)
{
    LLVMValueRef *v = room(cg, cg->m->params);
    for (uint32_t i = 0; i < cg->m->params; i++) {
        const IrParam *p = &cg->m->param[i];
        Struct s = {0};
        put(&s, text(cg, p->name));
        put_shape(cg, &s, NULL, 0, &p->type);
        put_constraint(cg, &s, p->in, 0, 0);
        put_int(cg, &s, p->init);
        put_real(cg, &s, p->a);
        put_real(cg, &s, p->b);
        put(&s, text(cg, arena_printf(cg->arena, "%s:%u:%u", cg->m->file, p->at.line, p->at.col)));
        v[i] = finish(cg, &s);
    }
    return array(cg, "param", v, cg->m->params);
}

static LLVMValueRef hypers(Cg *cg)
{
    LLVMValueRef *v = room(cg, cg->m->hypers);
    for (uint32_t i = 0; i < cg->m->hypers; i++) {
        Struct s = {0};
        put(&s, text(cg, cg->m->hyper[i].name));
        put_real(cg, &s, cg->m->hyper[i].value);
        v[i] = finish(cg, &s);
    }
    return array(cg, "hyper", v, cg->m->hypers);
}

static LLVMValueRef trains(Cg *cg)
{
    LLVMValueRef *v = room(cg, cg->m->trains);
    for (uint32_t i = 0; i < cg->m->trains; i++) {
        const IrTrain *t = &cg->m->train[i];
        const double setting[] = {t->lr,  t->momentum,     t->beta1, t->beta2,
                                  t->eps, t->weight_decay, t->clip};
        Struct s = {0};
        put_int(cg, &s, t->graph);
        put(&s, text(cg, t->optimizer));
        for (size_t k = 0; k < sizeof setting / sizeof *setting; k++)
            put_real(cg, &s, setting[k]);
        put_int(cg, &s, t->epochs);
        put_int(cg, &s, t->steps);
        v[i] = finish(cg, &s);
    }
    return array(cg, "train", v, cg->m->trains);
}

/* ---- graphs --------------------------------------------------------------------------------- */

static LLVMValueRef columns(Cg *cg, const CgGraph *graph)
{
    LLVMValueRef *v = room(cg, graph->columns);
    for (uint32_t i = 0; i < cg->m->datas; i++) {
        if (graph->column[i] == UINT32_MAX)
            continue;
        const IrData *d = &cg->m->data[i];
        Struct s = {0};
        put(&s, text(cg, d->name));
        put_shape(cg, &s, NULL, 0, &d->type);
        put_int(cg, &s, elem_code(cg, d->type.elem));
        put_int(cg, &s, d->by_rows);
        put_constraint(cg, &s, d->in, d->lo, d->hi);
        v[graph->column[i]] = finish(cg, &s);
    }
    return array(cg, "column", v, graph->columns);
}

static void put_outputs(Cg *cg, Struct *into, const IrGraph *run)
{
    LLVMValueRef *v = room(cg, run->count);
    uint32_t outputs = 0;
    IrPlates rows = rows_of(run);
    for (IrRef r = 0; r < run->count; r++) {
        const IrNode *n = ir_at(run, r);
        if (n->op != IR_OUTPUT)
            continue;
        Struct s = {0};
        put(&s, text(cg, n->attr.text));
        put_shape(cg, &s, run, n->type.plates & ~rows, &n->type);
        put_int(cg, &s, elem_code(cg, n->type.elem));
        put_int(cg, &s, (n->type.plates & rows) != 0);
        v[outputs++] = finish(cg, &s);
    }
    put(into, array(cg, "output", v, outputs));
    put_int(cg, into, outputs);
}

static void put_costs(Cg *cg, Struct *into, const IrGraph *source)
{
    const char **label = arena_array(cg->arena, const char *, source->count + 1);
    uint32_t costs = 0;
    for (IrRef r = 0; r < source->count; r++) {
        const IrNode *n = ir_at(source, r);
        if (n->op != IR_COST)
            continue;
        costs = n->attr.item >= costs ? n->attr.item + 1 : costs;
        label[n->attr.item] =
            n->attr.text && n->attr.text[0]
                ? n->attr.text
                : arena_printf(cg->arena, "%s:%u:%u", cg->m->file, n->at.line, n->at.col);
    }
    put(into, texts(cg, "cost", label, costs));
    put_int(cg, into, costs);
}

/* Only a step has states of its own; another entry reads the same ones. */
static void put_states(Cg *cg, Struct *into, const CgGraph *graph)
{
    const IrGraph *most = graph->source;
    for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        if (graph->entry[e].states > most->states)
            most = &graph->entry[e];
    LLVMValueRef *v = room(cg, most->states);
    for (uint32_t i = 0; i < most->states; i++) {
        Struct s = {0};
        put(&s, text(cg, most->state[i].name));
        put_shape(cg, &s, NULL, 0, &most->state[i].type);
        put_real(cg, &s, most->state[i].spread);
        v[i] = finish(cg, &s);
    }
    put(into, array(cg, "state", v, most->states));
    put_int(cg, into, most->states);
}

static LLVMValueRef trained(Cg *cg, const IrGraph *step)
{
    LLVMValueRef *v = room(cg, cg->m->params);
    for (uint32_t i = 0; i < cg->m->params; i++)
        v[i] = LLVMConstInt(cg->i8, 0, false);
    for (IrRef r = 0; r < step->count; r++)
        if (ir_at(step, r)->op == IR_GRAD)
            v[ir_at(step, r)->attr.item] = LLVMConstInt(cg->i8, 1, false);
    return array(cg, "trained", v, cg->m->params);
}

/* ---- entries -------------------------------------------------------------------------------- */

/* "matmul 19:7", "loop of 6 20:3": what a kernel is, and where it comes from. */
static const char *kernel_text(const Cg *cg, const IrGraph *g, const IrKernel *k)
{
    const IrNode *n = ir_at(g, k->node[k->nodes - 1]);
    const char *what = ir_op_info[n->op].name;
    if (k->kind == IR_KERNEL_LOOP)
        what = arena_printf(cg->arena, "loop of %u", k->nodes);
    else if (k->kind == IR_KERNEL_SCAN)
        what = "sequence";
    return arena_printf(cg->arena, "%s %u:%u", what, n->at.line, n->at.col);
}

/* The kernels of a phase, for tables of where time goes. */
static const char *phase_text(const Cg *cg, const IrGraph *g, uint32_t phase)
{
    const char *all = "";
    for (uint32_t i = 0; i < g->kernels; i++) {
        const IrKernel *k = &g->kernel[i];
        if (k->phase == (int32_t)phase && k->nodes && k->kind != IR_KERNEL_VIEW)
            all = arena_printf(cg->arena, "%s%s%s", all, *all ? ", " : "", kernel_text(cg, g, k));
    }
    return all;
}

static LLVMValueRef phases(Cg *cg, const IrGraph *g, LLVMValueRef *fn)
{
    LLVMValueRef *v = room(cg, g->phases);
    for (uint32_t i = 0; i < g->phases; i++) {
        Struct s = {0};
        put(&s, fn[i]);
        put_int(cg, &s, g->phase[i].kind == IR_PHASE_GLOBAL ? 1 : cg->options->parts);
        put(&s, text(cg, phase_text(cg, g, i)));
        v[i] = finish(cg, &s);
    }
    return array(cg, "phase", v, g->phases);
}

static const IrNode *draw_of(const IrGraph *g, uint32_t site)
{
    for (IrRef r = 0; r < g->count; r++)
        if (ir_at(g, r)->op == IR_DRAW && ir_at(g, r)->attr.item == site)
            return ir_at(g, r);
    return NULL;
}

/* A site whose draw nothing reads keeps its number and draws nothing. */
static LLVMValueRef sites(Cg *cg, const IrGraph *g)
{
    LLVMValueRef *v = room(cg, g->sites);
    IrPlates rows = rows_of(g);
    for (uint32_t i = 0; i < g->sites; i++) {
        const IrNode *n = draw_of(g, i);
        Struct s = {0};
        put(&s, text(cg, g->site[i].name));
        put_int(cg, &s, n && n->attr.k[0] == 0);
        put_int(cg, &s, n ? ir_elements(&n->type) * ir_copies(g, n->type.plates & ~rows, 1) : 0);
        put_int(cg, &s, n && n->type.plates & rows);
        v[i] = finish(cg, &s);
    }
    return array(cg, "site", v, g->sites);
}

static LLVMValueRef entry(Cg *cg, const CgGraph *graph, IrEntry e)
{
    const IrGraph *g = &graph->entry[e];
    if (g->count == 0)
        return LLVMConstNull(cg->ptr);
    Struct s = {0};
    put(&s, phases(cg, g, graph->phase[e]));
    put_int(cg, &s, g->phases);
    put_int(cg, &s, g->arena_bytes);
    put(&s, sites(cg, g));
    put_int(cg, &s, g->sites);
    return constant(cg, ir_entry_name[e], finish(cg, &s));
}

static int64_t batch_of(const CgGraph *graph)
{
    int64_t batch = 0;
    for (int e = IR_ENTRY_SOURCE; e < IR_ENTRIES; e++) {
        const IrGraph *g = e == IR_ENTRY_SOURCE ? graph->source : &graph->entry[e];
        for (uint32_t i = 0; i < g->plates; i++)
            if (g->plate[i].kind == IR_PLATE_ROWS && g->plate[i].size > batch)
                batch = g->plate[i].size;
    }
    return batch;
}

static LLVMValueRef graph_struct(Cg *cg, const CgGraph *graph)
{
    Struct s = {0};
    put(&s, text(cg, graph->source->name));
    put_int(cg, &s, batch_of(graph));
    put(&s, columns(cg, graph));
    put_int(cg, &s, graph->columns);
    put_outputs(cg, &s, &graph->entry[IR_ENTRY_RUN]);
    put_costs(cg, &s, graph->source);
    put_states(cg, &s, graph);
    put(&s, trained(cg, &graph->entry[IR_ENTRY_STEP]));
    put(&s, texts(cg, "place", graph->place, graph->places));
    put_int(cg, &s, graph->source->biased || graph->entry[IR_ENTRY_STEP].biased);
    for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        put(&s, entry(cg, graph, (IrEntry)e));
    return finish(cg, &s);
}

void cg_model(Cg *cg, const CgGraph *graph)
{
    const CgOptions *o = cg->options;
    LLVMValueRef *v = room(cg, cg->m->graphs);
    for (uint32_t i = 0; i < cg->m->graphs; i++)
        v[i] = graph_struct(cg, &graph[i]);
    const char *const words[] = {cg->m->name, o->hash, o->version, cg->cpu, cg->needs};
    Struct s = {0};
    put_int(cg, &s, ABI);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        put(&s, text(cg, words[i] ? words[i] : ""));
    put_int(cg, &s, elem_code(cg, IR_REAL));
    put_int(cg, &s, o->parts);
    put_int(cg, &s, o->watch);
    put(&s, params(cg));
    put_int(cg, &s, cg->m->params);
    put(&s, hypers(cg));
    put_int(cg, &s, cg->m->hypers);
    put(&s, array(cg, "graph", v, cg->m->graphs));
    put_int(cg, &s, cg->m->graphs);
    put(&s, trains(cg));
    put_int(cg, &s, cg->m->trains);
    put(&s, text(cg, o->manifest));
    put_int(cg, &s, (int64_t)o->interface);
    LLVMValueRef model = constant(cg, "sgrt_model", finish(cg, &s));
    LLVMSetLinkage(model, LLVMExternalLinkage);
    LLVMSetUnnamedAddress(model, LLVMNoUnnamedAddr);
}
