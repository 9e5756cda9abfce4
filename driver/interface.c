/* The interface of a model, from its graphs; the order of everything is the object file's. */
#include "driver/interface.h"

#include "codegen/codegen.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <sha2.h>
#include <string.h>

/* ---- identifiers ---------------------------------------------------------------------------- */

/* The words that C and C++ keep, and what the header uses itself. */
static const char *const reserved[] = {
#define WORD(w) #w,
#include "driver/reserved.def"
#define CONTEXT_SETTING(c_type, name, ...) #name,
#define CONTEXT_FIELD(c_type, name, ...) #name,
#include "runtime/context.def"
};

static bool is_reserved(const char *id)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], id) == 0)
            return true;
    return false;
}

const char *interface_identifier(const char *name, Arena *a)
{
    const char *id = isdigit((unsigned char)*name) || !*name ? "m" : "";
    for (; *name; name++) {
        bool kept = isalnum((unsigned char)*name) && (unsigned char)*name < 128;
        id = kept ? arena_printf(a, "%s%c", id, *name)
                  : arena_printf(a, "%s%s", id, *name == '.' ? "__" : "_");
    }
    return is_reserved(id) ? arena_printf(a, "%s_", id) : id;
}

const char *interface_capitals(const char *id, Arena *a)
{
    char *text = arena_copy(a, id, strlen(id));
    for (char *c = text; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return text;
}

static bool is_taken(const char *const *taken, uint32_t count, const char *id)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(taken[i], id) == 0)
            return true;
    return false;
}

/* An identifier that is not among the first `count` of `taken`, which it joins. */
static const char *unique(const char **taken, uint32_t count, const char *name, Arena *a)
{
    const char *plain = interface_identifier(name, a), *id = plain;
    for (int n = 2; is_taken(taken, count, id); n++)
        id = arena_printf(a, "%s_%d", plain, n);
    return taken[count] = id;
}

/* ---- parameters and hypers ------------------------------------------------------------------ */

/* The copies of plates, then the axes. */
static void take_shape(Array *x, const IrGraph *g, IrPlates plates, const IrType *t, Arena *a)
{
    int64_t *dim = arena_array(a, int64_t, IR_MAX_PLATES + IR_MAX_RANK);
    for (uint32_t i = 0; g && i < g->plates; i++)
        if (plates >> i & 1)
            dim[x->rank++] = g->plate[i].size;
    for (uint32_t i = 0; i < t->rank; i++)
        dim[x->rank++] = t->dim[i];
    x->dim = dim;
    x->elem = t->elem;
}

static void take_params(Interface *to, const IrModel *m, Arena *a)
{
    const char **taken = arena_array(a, const char *, m->params + 1);
    to->param = arena_array(a, Array, m->params + 1);
    for (uint32_t i = 0; i < m->params; i++) {
        Array *x = &to->param[to->params++];
        *x = (Array){.name = m->param[i].name, .in = m->param[i].in};
        x->id = unique(taken, i, x->name, a);
        take_shape(x, NULL, 0, &m->param[i].type, a);
    }
}

static void take_hypers(Interface *to, const IrModel *m, Arena *a)
{
    const char **taken = arena_array(a, const char *, m->hypers + 1);
    to->hyper = arena_array(a, HyperInterface, m->hypers + 1);
    for (uint32_t i = 0; i < m->hypers; i++) {
        HyperInterface *h = &to->hyper[to->hypers++];
        *h = (HyperInterface){.name = m->hyper[i].name, .value = m->hyper[i].value};
        h->id = unique(taken, i, h->name, a);
    }
}

/* ---- graphs --------------------------------------------------------------------------------- */

static bool reads(const IrGraph *g, uint32_t data)
{
    for (IrRef r = 0; r < g->count; r++)
        if (ir_at(g, r)->op == IR_DATA && ir_at(g, r)->attr.item == data)
            return true;
    return false;
}

static void take_data(GraphInterface *to, const IrModel *m, const IrGraph *const stage[IR_ENTRIES],
                      const char **taken, Arena *a)
{
    to->data = arena_array(a, Array, m->datas + 1);
    for (uint32_t i = 0; i < m->datas; i++) {
        bool used = false;
        for (int e = IR_ENTRY_SOURCE; e < IR_ENTRIES; e++)
            used = used || reads(stage[e], i);
        if (!used)
            continue;
        const IrData *d = &m->data[i];
        Array *x = &to->data[to->datas];
        *x = (Array){.name = d->name, .by_rows = d->by_rows, .in = d->in, .lo = d->lo, .hi = d->hi};
        x->id = unique(taken, to->datas++, x->name, a);
        take_shape(x, NULL, 0, &d->type, a);
    }
}

static IrPlates plates_of(const IrGraph *g, unsigned kinds)
{
    IrPlates plates = 0;
    for (uint32_t i = 0; i < g->plates; i++)
        if (kinds >> g->plate[i].kind & 1)
            plates |= 1u << i;
    return plates;
}

static IrPlates rows_of(const IrGraph *g)
{
    return plates_of(g, 1u << IR_PLATE_ROWS);
}

static void take_outputs(GraphInterface *to, const IrGraph *run, const char **taken, Arena *a)
{
    IrPlates rows = rows_of(run);
    to->output = arena_array(a, Array, run->count + 1);
    for (IrRef r = 0; r < run->count; r++) {
        const IrNode *n = ir_at(run, r);
        if (n->op != IR_OUTPUT)
            continue;
        Array *x = &to->output[to->outputs];
        *x = (Array){.name = n->attr.text, .by_rows = (n->type.plates & rows) != 0};
        x->id = unique(taken, to->datas + to->outputs++, x->name, a);
        take_shape(x, run, n->type.plates & ~rows, &n->type, a);
    }
}

static void take_costs(GraphInterface *to, const IrModel *m, const IrGraph *source, Arena *a)
{
    to->cost = arena_array(a, const char *, source->count + 1);
    for (IrRef r = 0; r < source->count; r++) {
        const IrNode *n = ir_at(source, r);
        if (n->op != IR_COST)
            continue;
        bool named = n->attr.text && n->attr.text[0];
        to->costs = n->attr.item >= to->costs ? n->attr.item + 1 : to->costs;
        to->cost[n->attr.item] =
            named ? n->attr.text : arena_printf(a, "%s:%u:%u", m->file, n->at.line, n->at.col);
    }
}

static void take_sites(EntryInterface *to, const IrGraph *g, Arena *a)
{
    IrPlates rows = rows_of(g);
    to->exists = g->count > 0;
    to->sites = g->sites;
    to->site = arena_array(a, Site, g->sites + 1);
    for (uint32_t i = 0; i < g->sites; i++)
        to->site[i].name = g->site[i].name;
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = ir_at(g, r);
        if (n->op != IR_DRAW)
            continue;
        Site *s = &to->site[n->attr.item];
        s->normal = n->attr.k[0] == 0;
        s->by_rows = (n->type.plates & rows) != 0;
        s->size = ir_elements(&n->type) * ir_copies(g, n->type.plates & ~rows, 1);
    }
}

static void take_decision(GraphInterface *to, const char *place, const IrGraph *g, const IrNode *n,
                          const IrDecision *what, Arena *a)
{
    const IrPlates copies = plates_of(g, 1u << IR_PLATE_STATIC | 1u << IR_PLATE_STEP);
    for (uint32_t k = 0; k < to->decisions; k++)
        if (strcmp(to->decision[k].place, place) == 0 &&
            ir_decision_equal(to->decision[k].what, what))
            return;
    Decision *d = arena_push(a, to->decision, to->decisions, Decision);
    *d = (Decision){.place = place, .what = what};
    take_shape(&d->draw, g, n->type.plates & copies, &n->type, a);
    d->draw.by_rows = (n->type.plates & rows_of(g)) != 0;
}

/* As the nodes of the step say, or, of a graph without one, those of its run. */
static void take_decisions(GraphInterface *to, const char *file, const IrGraph *g, Arena *a)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = ir_at(g, r);
        const char *place = arena_printf(a, "%s:%u:%u", file, n->at.line, n->at.col);
        for (const IrDecision *what = n->why; what; what = what->also)
            take_decision(to, place, g, n, what, a);
    }
}

static int64_t batch_of(const IrGraph *const stage[IR_ENTRIES])
{
    int64_t batch = 0;
    for (int e = IR_ENTRY_SOURCE; e < IR_ENTRIES; e++)
        for (uint32_t i = 0; i < stage[e]->plates; i++)
            if (stage[e]->plate[i].kind == IR_PLATE_ROWS && stage[e]->plate[i].size > batch)
                batch = stage[e]->plate[i].size;
    return batch;
}

static void take_graph(Interface *to, const Program *p, uint32_t g, const char **names, Arena *a)
{
    const IrGraph *source = &p->model->graph[g], *entry = p->entry[g];
    const IrGraph *const stage[IR_ENTRIES] = {source, &entry[IR_ENTRY_STEP], &entry[IR_ENTRY_EVAL],
                                              &entry[IR_ENTRY_RUN]};
    GraphInterface *graph = &to->graph[to->graphs++];
    const char **taken =
        arena_array(a, const char *, p->model->datas + entry[IR_ENTRY_RUN].count + 1);
    *graph = (GraphInterface){.name = source->name, .batch = batch_of(stage)};
    graph->biased = source->biased || entry[IR_ENTRY_STEP].biased;
    graph->id = unique(names, g, source->name, a);
    take_data(graph, p->model, stage, taken, a);
    take_outputs(graph, &entry[IR_ENTRY_RUN], taken, a);
    take_costs(graph, p->model, source, a);
    take_decisions(graph, to->file,
                   &entry[entry[IR_ENTRY_STEP].count ? IR_ENTRY_STEP : IR_ENTRY_RUN], a);
    for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        take_sites(&graph->entry[e], stage[e], a);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* The functions and structs that all models have, as one text. */
static const char common[] =
#define CONTEXT_ERROR(name, text) #name " "
#define CONTEXT_SETTING(c_type, name, type, ...) type " " #name ";"
#define CONTEXT_FIELD(c_type, name, type, ...) type " " #name ";"
#define CONTEXT_CALL(name, result, params, doc) result " " #name "(" params ");"
#include "runtime/context.def"
    ;

/* FNV-1a */
static uint64_t hash_on(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static const char *sum_of(const char *text, Arena *a)
{
    char sum[SHA256_DIGEST_STRING_LENGTH];
    SHA256Data((const uint8_t *)text, strlen(text), sum);
    return arena_copy(a, sum, strlen(sum));
}

/* For another machine nothing is linked. */
static const char *blas_of(const Program *p, const Options *o)
{
    const CgOptions options = {.real_bytes = o->real_bytes, .parts = o->parts, .watch = o->watch};
    return !o->target && cg_needs_blas(p->model, p->entry, &options) ? SGC_BLAS : NULL;
}

Interface *interface_of(const Program *p, const Options *o, const char *text, const char *hash,
                        Arena *a)
{
    const IrModel *m = p->model;
    Interface *i = arena_make(a, Interface);
    *i = (Interface){.file = m->file,
                     .hash = hash,
                     .sum = sum_of(text, a),
                     .version = SGC_VERSION,
                     .cpu = cg_cpu(o->cpu, o->target, a),
                     .llvm = cg_llvm_version(a),
                     .blas = blas_of(p, o),
                     .train = m->train,
                     .trains = m->trains};
    i->name = interface_identifier(m->name, a);
    i->is_double = o->real_bytes == 8;
    take_params(i, m, a);
    take_hypers(i, m, a);
    i->graph = arena_array(a, GraphInterface, m->graphs + 1);
    const char **names = arena_array(a, const char *, m->graphs + 1);
    for (uint32_t g = 0; g < m->graphs; g++)
        take_graph(i, p, g, names, a);
    i->number = hash_on(hash_on(0xcbf29ce484222325u, common), interface_manifest(i, false, a));
    i->manifest = interface_manifest(i, true, a);
    return i;
}

const char *interface_dtype(const Interface *i, IrElem e)
{
    return e == IR_INT ? "int32" : e == IR_BOOL ? "bool" : i->is_double ? "float64" : "float32";
}

const char *interface_c_type(const Interface *i, IrElem e)
{
    return e == IR_INT    ? "int32_t"
           : e == IR_BOOL ? "unsigned char"
           : i->is_double ? "double"
                          : "float";
}

const char *interface_range(const Array *x, Arena *a)
{
    if (x->in == IR_FREE)
        return "";
    return x->in == IR_RANGE ? arena_printf(a, "[%.9g, %.9g]", x->lo, x->hi)
                             : ir_constraint_name[x->in];
}
