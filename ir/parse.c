/* The text form, read.  docs/ir.md has the grammar; ir/print.c writes it.
 *
 * The reader checks words, numbers and names; what they mean together is the verifier's, which runs
 * over every graph that was read, at the lines it was read from.  A line with a mistake is reported
 * once and skipped. */
#include "ir/read.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- graphs -------------------------------------------------------------------------------- */

/* `plate name: kind size in parents weight %7`; the line's first word is read. */
static bool parse_plate(Reader *r)
{
    IrGraph *g = r->g;
    IrPlate p = {.weight = IR_NONE};
    unsigned kind;
    Span at = ir_read_place(r);
    if (g->plates == IR_MAX_PLATES)
        return ir_read_fail(r, "a graph has at most %d plates", IR_MAX_PLATES);
    if (!ir_read_name(r, &p.name) || !ir_expect(r, ':') ||
        !ir_read_choice(r, "plate kind", ir_plate_kind_name, IR_PLATE_KINDS, &kind) ||
        !ir_read_bounded(r, 1, IR_MAX_ELEMENTS, &p.size))
        return false;
    p.kind = (IrPlateKind)kind;
    if ((ir_accept_word(r, "in") && !ir_read_plates(r, &p.parents)) ||
        (ir_accept_word(r, "weight") && !ir_read_ref(r, &p.weight)) || !ir_read_span(r, &p.at))
        return false;
    uint32_t lines = g->plates;
    *arena_push(r->arena, r->place.plate, lines, Span) = at;
    g->plate[g->plates++] = p;
    return true;
}

/* `region 1: plate reverse` */
static bool parse_region(Reader *r)
{
    IrGraph *g = r->g;
    uint32_t number, plate, lines = g->regions;
    Span at = ir_read_place(r);
    if (!ir_read_u32(r, &number))
        return false;
    if (number != g->regions + 1)
        return ir_read_fail(r, "this region is %u", g->regions + 1);
    if (!ir_expect(r, ':') || !ir_read_plate(r, &plate))
        return false;
    IrRegion region = {(int32_t)plate, ir_accept_word(r, "reverse")};
    *arena_push(r->arena, r->place.region, lines, Span) = at;
    *arena_push(r->arena, g->region, g->regions, IrRegion) = region;
    return true;
}

static bool parse_state(Reader *r)
{
    IrState state = {.type = ir_scalar_type(IR_REAL, 0)};
    if (!ir_read_name(r, &state.name) || (ir_accept(r, ':') && !ir_read_type(r, &state.type)) ||
        (ir_accept_key(r, "spread") && !ir_read_number(r, &state.spread)))
        return false;
    if (state.type.elem != IR_REAL || state.type.plates)
        return ir_read_fail(r, "a state is real, and has no plates");
    *arena_push(r->arena, r->g->state, r->g->states, IrState) = state;
    return true;
}

static bool parse_site(Reader *r)
{
    IrSite site;
    if (!ir_read_name(r, &site.name))
        return false;
    *arena_push(r->arena, r->g->site, r->g->sites, IrSite) = site;
    return true;
}

static bool parse_phase(Reader *r)
{
    IrGraph *g = r->g;
    uint32_t number, lines = g->phases;
    unsigned kind;
    Span at = ir_read_place(r);
    if (!ir_read_u32(r, &number))
        return false;
    if (number != g->phases)
        return ir_read_fail(r, "this phase is %u", g->phases);
    if (!ir_expect(r, ':') || !ir_read_choice(r, "phase kind", ir_phase_kind_name, 3, &kind))
        return false;
    *arena_push(r->arena, r->place.phase, lines, Span) = at;
    *arena_push(r->arena, g->phase, g->phases, IrPhase) = (IrPhase){(IrPhaseKind)kind};
    return true;
}

/* `kernel 0: loop phase=0 domain=real[n] nodes=%3,%4` */
static bool parse_kernel(Reader *r)
{
    IrGraph *g = r->g;
    IrKernel k = {0};
    uint32_t number, lines = g->kernels;
    unsigned kind;
    Span at = ir_read_place(r);
    if (!ir_read_u32(r, &number))
        return false;
    if (number != g->kernels)
        return ir_read_fail(r, "this kernel is %u", g->kernels);
    if (!ir_expect(r, ':') || !ir_read_choice(r, "kernel kind", ir_kernel_kind_name, 4, &kind) ||
        !ir_expect_key(r, "phase") || !ir_read_i32(r, &k.phase) || !ir_expect_key(r, "domain") ||
        !ir_read_type(r, &k.domain))
        return false;
    k.kind = (IrKernelKind)kind;
    bool more = ir_accept_key(r, "nodes");
    while (more) {
        IrRef node;
        if (!ir_read_ref(r, &node))
            return false;
        *arena_push(r->arena, k.node, k.nodes, IrRef) = node;
        more = ir_accept(r, ',');
    }
    *arena_push(r->arena, r->place.kernel, lines, Span) = at;
    *arena_push(r->arena, g->kernel, g->kernels, IrKernel) = k;
    return true;
}

static bool parse_arena(Reader *r)
{
    return ir_read_bounded(r, 0, INT64_MAX, &r->g->arena_bytes);
}

/* `graph name: stage entry biased @1:1+5 {` */
static bool parse_graph(Reader *r)
{
    unsigned stage, entry;
    IrPlaces place = {.graph = ir_read_place(r)};
    const char *name;
    if (!ir_read_name(r, &name) || !ir_expect(r, ':') ||
        !ir_read_choice(r, "stage", ir_stage_name, 3, &stage) ||
        !ir_read_choice(r, "entry", ir_entry_name, IR_ENTRIES, &entry))
        return false;
    bool biased = ir_accept_word(r, "biased");
    Span at = {0};
    if (!ir_read_span(r, &at) || !ir_expect(r, '{'))
        return false;
    r->g = ir_graph_add(r->m, name, at);
    r->g->stage = (IrStage)stage;
    r->g->entry = (IrEntry)entry;
    r->g->biased = biased;
    r->place = place;
    r->broken = false;
    return true;
}

static void close_graph(Reader *r)
{
    if (!r->broken)
        ir_verify_at(r->g, &r->place, r->d);
    r->g = NULL;
}

/* ---- the model ----------------------------------------------------------------------------- */

/* `(a, b)` */
static bool read_pair(Reader *r, double *a, double *b)
{
    return ir_expect(r, '(') && ir_read_number(r, a) && ir_expect(r, ',') && ir_read_number(r, b) &&
           ir_expect(r, ')');
}

static bool read_constraint(Reader *r, IrConstraint *out)
{
    unsigned in = IR_FREE;
    if (ir_accept_word(r, "in") &&
        !ir_read_choice(r, "constraint", ir_constraint_name, IR_CONSTRAINT_COUNT, &in))
        return false;
    *out = (IrConstraint)in;
    return true;
}

static bool parse_model(Reader *r)
{
    return ir_read_name(r, &r->m->name) && ir_read_string(r, &r->m->file);
}

static bool parse_param(Reader *r)
{
    IrParam p = {0};
    unsigned init;
    if (!ir_read_name(r, &p.name) || !ir_expect(r, ':') || !ir_read_type(r, &p.type) ||
        !ir_expect(r, '=') ||
        !ir_read_choice(r, "initial value", ir_init_name, IR_INIT_COUNT, &init) ||
        !read_pair(r, &p.a, &p.b) || !read_constraint(r, &p.in) || !ir_read_span(r, &p.at))
        return false;
    if (p.type.elem != IR_REAL)
        return ir_read_fail(r, "a parameter is real, not %s", ir_elem_name[p.type.elem]);
    p.init = (IrInit)init;
    *arena_push(r->arena, r->m->param, r->m->params, IrParam) = p;
    return true;
}

static bool parse_data(Reader *r)
{
    IrData x = {0};
    if (!ir_read_name(r, &x.name) || !ir_expect(r, ':') || !ir_read_type(r, &x.type))
        return false;
    x.by_rows = ir_accept_word(r, "rows");
    if ((!x.by_rows && !ir_expect_word(r, "whole")) || !read_constraint(r, &x.in) ||
        (x.in == IR_RANGE && !read_pair(r, &x.lo, &x.hi)) || !ir_read_span(r, &x.at))
        return false;
    *arena_push(r->arena, r->m->data, r->m->datas, IrData) = x;
    return true;
}

static bool parse_hyper(Reader *r)
{
    IrHyper h = {0};
    if (!ir_read_name(r, &h.name) || !ir_expect(r, '=') || !ir_read_number(r, &h.value) ||
        !ir_read_span(r, &h.at))
        return false;
    *arena_push(r->arena, r->m->hyper, r->m->hypers, IrHyper) = h;
    return true;
}

static bool read_train_field(Reader *r, IrTrain *t, bool *found)
{
    *found = true;
    for (const IrTrainField *f = ir_train_field; f->name; f++)
        if (ir_accept_key(r, f->name)) {
            void *at = (char *)t + f->offset;
            return f->whole ? ir_read_bounded(r, -1, INT64_MAX, at) : ir_read_number(r, at);
        }
    *found = false;
    return true;
}

static const char *graph_name(const Reader *r, unsigned what, uint32_t i)
{
    (void)what;
    return i < r->m->graphs ? r->m->graph[i].name : NULL;
}

static bool parse_train(Reader *r)
{
    IrTrain t = {.lr = NAN, .momentum = NAN, .beta1 = NAN, .beta2 = NAN, .eps = NAN};
    t.weight_decay = t.clip = NAN;
    t.epochs = t.steps = -1;
    if (!ir_read_position(r, "graph", graph_name, 0, &t.graph))
        return false;
    if (t.graph >= r->m->graphs)
        return ir_read_fail(r, "there are %u graphs", r->m->graphs);
    if (ir_accept_key(r, "optimizer") && !ir_read_name(r, &t.optimizer))
        return false;
    for (bool found = true; found;)
        if (!read_train_field(r, &t, &found))
            return false;
    if (!ir_read_span(r, &t.at))
        return false;
    *arena_push(r->arena, r->m->train, r->m->trains, IrTrain) = t;
    return true;
}

/* ---- lines --------------------------------------------------------------------------------- */

typedef struct Line {
    const char *word;
    bool (*parse)(Reader *r);
    bool inside; /* of a graph */
} Line;

static const Line line_kind[] = {
    {"model", parse_model, false}, {"param", parse_param, false},  {"data", parse_data, false},
    {"hyper", parse_hyper, false}, {"graph", parse_graph, false},  {"train", parse_train, false},
    {"plate", parse_plate, true},  {"region", parse_region, true}, {"state", parse_state, true},
    {"site", parse_site, true},    {"phase", parse_phase, true},   {"kernel", parse_kernel, true},
    {"arena", parse_arena, true},
};

static bool parse_line(Reader *r)
{
    ir_skip_blanks(r);
    if (*r->at == '%' && r->g)
        return ir_parse_node(r);
    if (*r->at == '}' && r->g) {
        r->at++;
        close_graph(r);
        return true;
    }
    for (size_t i = 0; i < sizeof line_kind / sizeof *line_kind; i++)
        if (line_kind[i].inside == (r->g != NULL) && ir_accept_word(r, line_kind[i].word))
            return line_kind[i].parse(r);
    return ir_read_fail(r, r->g
                               ? "a part of a graph should stand here: %%N, plate, region, ... or }"
                               : "model, param, data, hyper, graph or train should stand here");
}

static void next_line(Reader *r)
{
    r->at += strcspn(r->at, "\n");
    if (*r->at == '\n')
        r->at++;
    r->line_start = r->at;
    r->line++;
}

/* Empty lines and lines that start with # say nothing. */
static void parse_lines(Reader *r)
{
    while (*r->at && !diags_full(r->d)) {
        if (!ir_line_ends(r) && *r->at != '#') {
            bool ok = parse_line(r);
            if (ok && !ir_line_ends(r))
                ok = ir_read_fail(r, "the line should end here");
            r->broken |= !ok;
        }
        next_line(r);
    }
}

bool ir_parse(IrModel *m, const char *text, Diags *d)
{
    Reader r = {.m = m, .arena = m->arena, .d = d, .at = text, .line_start = text, .line = 1};
    uint32_t before = diags_errors(d);
    while (ir_line_ends(&r) && *r.at)
        next_line(&r);
    if (!ir_expect_word(&r, "sgir"))
        return false;
    int64_t version;
    if (!ir_read_int(&r, &version) ||
        (version != 1 && !ir_read_fail(&r, "this sgc reads version 1")))
        return false;
    parse_lines(&r);
    if (r.g && !diags_full(d))
        ir_read_fail(&r, "graph %s does not end", r.g->name);
    return diags_errors(d) == before;
}
