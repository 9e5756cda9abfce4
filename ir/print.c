/* The text form, written.  docs/ir.md has the grammar; ir/parse.c reads it back.
 *
 * Law: ir_print_model(ir_parse(t)) == t for every t written here.  One node is one line, and a
 * broken graph can be printed too, so that the verifier's messages have something to point at. */
#include "ir/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const IrTrainField ir_train_field[] = {
    {"lr", offsetof(IrTrain, lr), false},
    {"momentum", offsetof(IrTrain, momentum), false},
    {"beta1", offsetof(IrTrain, beta1), false},
    {"beta2", offsetof(IrTrain, beta2), false},
    {"eps", offsetof(IrTrain, eps), false},
    {"weight_decay", offsetof(IrTrain, weight_decay), false},
    {"clip", offsetof(IrTrain, clip), false},
    {"epochs", offsetof(IrTrain, epochs), true},
    {"steps", offsetof(IrTrain, steps), true},
    {NULL, 0, false},
};

const char *const ir_dist_id[IR_DIST_COUNT] = {
#define DIST(id, ...) [IR_DIST_##id] = #id,
#include "ir/dist.def"
};

const char *const ir_phase_kind_name[] = {"global", "rows", "blocks"};
const char *const ir_kernel_kind_name[] = {"loop", "single", "scan", "view"};

uint32_t ir_k_count(IrOp op)
{
    unsigned attrs = ir_op_info[op].attrs;
    return attrs & IR_HAS_K3   ? 4
           : attrs & IR_HAS_K2 ? 3
           : attrs & IR_HAS_K1 ? 2
           : attrs & IR_HAS_K0 ? 1
                               : 0;
}

const char *ir_item_name(const IrGraph *g, IrOp op, uint32_t item)
{
    const IrModel *m = g->model;
    switch (op) {
    case IR_PARAM:
    case IR_GRAD:
        return item < m->params ? m->param[item].name : NULL;
    case IR_DATA:
        return item < m->datas ? m->data[item].name : NULL;
    case IR_HYPER:
        return item < m->hypers ? m->hyper[item].name : NULL;
    case IR_STATE:
    case IR_NEXT:
        return item < g->states ? g->state[item].name : NULL;
    case IR_DRAW:
        return item < g->sites ? g->site[item].name : NULL;
    default:
        return NULL;
    }
}

bool ir_bare_name(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != '.')
            return false;
    return true;
}

/* ---- words --------------------------------------------------------------------------------- */

/* The shortest decimal that reads back as the same number; whole numbers without an exponent. */
static void put_number(FILE *out, double v)
{
    char text[40];
    int digits = v == floor(v) && fabs(v) < 1e15 ? 15 : 1;
    if (isnan(v)) {
        fputs("nan", out);
        return;
    }
    do
        snprintf(text, sizeof text, "%.*g", digits++, v);
    while (digits <= 17 && strtod(text, NULL) != v);
    fputs(text, out);
}

static void put_string(FILE *out, const char *s)
{
    fputc('"', out);
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_name(FILE *out, const char *name)
{
    if (name && ir_bare_name(name))
        fputs(name, out);
    else
        put_string(out, name);
}

static void put_span(FILE *out, Span at)
{
    if (at.line || at.col || at.len)
        fprintf(out, " @%u:%u+%u", at.line, at.col, at.len);
}

static bool same_name(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

/* A name stands for the first thing that has it; the others add their number. */
static void put_position(FILE *out, const char *name, bool first, uint32_t number)
{
    bool bare = name && ir_bare_name(name);
    if (bare)
        fputs(name, out);
    if (!bare || !first)
        fprintf(out, "#%u", number);
}

static void put_plate(FILE *out, const IrGraph *g, uint32_t plate)
{
    const char *name = plate < g->plates ? g->plate[plate].name : NULL;
    uint32_t first = 0;
    while (first < plate && first < g->plates && !same_name(g->plate[first].name, name))
        first++;
    put_position(out, name, first == plate, plate);
}

static void put_plates(FILE *out, const IrGraph *g, IrPlates plates)
{
    const char *comma = "";
    for (uint32_t i = 0; i < IR_MAX_PLATES; i++)
        if (plates >> i & 1) {
            fputs(comma, out);
            put_plate(out, g, i);
            comma = ",";
        }
}

/* g may be NULL where a type has no plates. */
static void put_type(FILE *out, const IrGraph *g, const IrType *t)
{
    fputs(ir_elem_name[t->elem], out);
    if (!t->plates && !t->rank)
        return;
    const char *comma = "";
    fputc('[', out);
    for (uint32_t i = 0; g && i < IR_MAX_PLATES; i++)
        if (t->plates >> i & 1) {
            fputs(comma, out);
            put_plate(out, g, i);
            comma = ", ";
        }
    comma = t->plates ? "; " : "";
    for (uint32_t i = 0; i < t->rank && i < IR_MAX_RANK; i++) {
        fprintf(out, "%s%" PRId64, comma, t->dim[i]);
        comma = ", ";
    }
    fputc(']', out);
}

static void put_item(FILE *out, const IrGraph *g, IrOp op, uint32_t item)
{
    const char *name = ir_item_name(g, op, item);
    uint32_t first = 0;
    while (name && first < item && !same_name(ir_item_name(g, op, first), name))
        first++;
    fputc(' ', out);
    put_position(out, name, first == item, item);
}

/* ---- nodes --------------------------------------------------------------------------------- */

static void put_via(FILE *out, const IrVia *via)
{
    bool chosen = via->estimator != IR_EST_AUTO;
    fputs(" via", out);
    put_span(out, via->at);
    fprintf(out, " %s samples=%" PRId64, chosen ? ir_estimator_info[via->estimator].name : "auto",
            via->samples);
    if (via->baseline != IR_NO_BASELINE)
        fprintf(out, " baseline=%s", ir_baseline_name[via->baseline]);
    if (via->baseline == IR_CONSTANT_BASELINE) {
        fputc(' ', out);
        put_number(out, via->constant);
    }
    if (via->noise != IR_INDEPENDENT)
        fprintf(out, " noise=%s", ir_copies_name[via->noise]);
    if (via->temperature > 0) {
        fputs(" temperature=", out);
        put_number(out, via->temperature);
    }
    if (via->estimator == IR_EST_REBAR) {
        fputs(" scale=", out);
        put_number(out, via->scale);
    }
    if (via->hidden > 0)
        fprintf(out, " hidden=%" PRId64, via->hidden);
    if (via->biased)
        fputs(" biased", out);
}

static void put_axes(FILE *out, uint32_t axes)
{
    const char *comma = " axes=";
    for (uint32_t i = 0; i < 32; i++)
        if (axes >> i & 1) {
            fprintf(out, "%s%u", comma, i);
            comma = ",";
        }
}

static void put_attr(FILE *out, const IrGraph *g, const IrNode *n)
{
    unsigned has = ir_op_info[n->op].attrs;
    const IrAttr *attr = &n->attr;
    if (has & IR_HAS_NUM) {
        fputc(' ', out);
        put_number(out, attr->num);
    }
    if (has & IR_HAS_DIST)
        fprintf(out, " %s", ir_dist_id[attr->dist]);
    if (has & IR_HAS_ITEM)
        put_item(out, g, n->op, attr->item);
    if (has & IR_HAS_TEXT) {
        fputc(' ', out);
        put_string(out, attr->text);
    }
    if (has & IR_HAS_PLATE) {
        fputs(" plate=", out);
        put_plate(out, g, (uint32_t)attr->plate);
    }
    for (uint32_t i = 0; i < ir_k_count(n->op); i++)
        fprintf(out, "%s%" PRId64, i ? "," : " k=", attr->k[i]);
    if (has & IR_HAS_AXES)
        put_axes(out, attr->axes);
    if (has & IR_HAS_OVER && attr->over) {
        fputs(" over=", out);
        put_plates(out, g, attr->over);
    }
    if (has & IR_HAS_VIA)
        put_via(out, &attr->via);
}

static void put_place(FILE *out, const IrPlace *p)
{
    if (p->phase != -1)
        fprintf(out, " phase=%d", p->phase);
    if (p->kernel != -1)
        fprintf(out, " kernel=%d", p->kernel);
    if (p->buffer != -1)
        fprintf(out, " buffer=%" PRId64, p->buffer);
}

static void put_decision(FILE *out, const char *word, const IrDecision *d)
{
    fprintf(out, " %s %s ", word, diag_info[d->code].code);
    put_string(out, d->what);
    if (*d->reason) {
        fputc(' ', out);
        put_string(out, d->reason);
    }
    if (!d->draw)
        return;
    fputs(" of ", out);
    put_string(out, d->draw);
    fprintf(out, " ~ %s", ir_dist_id[d->law]);
    put_via(out, &d->via);
    if (d->also)
        put_decision(out, "also", d->also);
}

static void put_node(FILE *out, const IrGraph *g, IrRef r)
{
    const IrNode *n = &g->node[r];
    fprintf(out, "  %%%u", r);
    if (n->name) {
        fputc(' ', out);
        put_name(out, n->name);
    }
    fputs(": ", out);
    put_type(out, g, &n->type);
    fprintf(out, " = %s", ir_op_info[n->op].name);
    for (uint32_t i = 0; i < n->n_in; i++)
        fprintf(out, "%s%%%u", i ? ", " : "(", n->in[i]);
    if (n->n_in)
        fputc(')', out);
    put_attr(out, g, n);
    if (n->region)
        fprintf(out, " region=%u", n->region);
    put_place(out, &n->place);
    put_span(out, n->at);
    if (n->why)
        put_decision(out, "why", n->why);
    fputc('\n', out);
}

/* ---- graphs -------------------------------------------------------------------------------- */

static void put_plate_line(FILE *out, const IrGraph *g, uint32_t i)
{
    const IrPlate *p = &g->plate[i];
    fputs("  plate ", out);
    put_name(out, p->name);
    fprintf(out, ": %s %" PRId64, ir_plate_kind_name[p->kind], p->size);
    if (p->parents) {
        fputs(" in ", out);
        put_plates(out, g, p->parents);
    }
    if (p->weight != IR_NONE)
        fprintf(out, " weight %%%u", p->weight);
    put_span(out, p->at);
    fputc('\n', out);
}

static void put_named_line(FILE *out, const char *what, const char *name)
{
    fprintf(out, "  %s ", what);
    put_name(out, name);
    fputc('\n', out);
}

static void put_state_line(FILE *out, const IrGraph *g, const IrState *s)
{
    fputs("  state ", out);
    put_name(out, s->name);
    if (s->type.rank) {
        fputs(": ", out);
        put_type(out, g, &s->type);
    }
    if (s->spread > 0) {
        fputs(" spread=", out);
        put_number(out, s->spread);
    }
    fputc('\n', out);
}

static void put_kernel(FILE *out, const IrGraph *g, uint32_t i)
{
    const IrKernel *k = &g->kernel[i];
    fprintf(out, "  kernel %u: %s phase=%d domain=", i, ir_kernel_kind_name[k->kind], k->phase);
    put_type(out, g, &k->domain);
    for (uint32_t j = 0; j < k->nodes; j++)
        fprintf(out, "%s%%%u", j ? "," : " nodes=", k->node[j]);
    fputc('\n', out);
}

static void put_head(FILE *out, const IrGraph *g)
{
    fputs("graph ", out);
    put_name(out, g->name);
    fprintf(out, ": %s %s%s", ir_stage_name[g->stage], ir_entry_name[g->entry],
            g->biased ? " biased" : "");
    put_span(out, g->at);
    fputs(" {\n", out);
}

/* ir_printed_places() counts these lines. */
void ir_print_graph(const IrGraph *g, FILE *out)
{
    put_head(out, g);
    for (uint32_t i = 0; i < g->plates; i++)
        put_plate_line(out, g, i);
    for (uint32_t i = 0; i < g->regions; i++) {
        fprintf(out, "  region %u: ", i + 1);
        put_plate(out, g, (uint32_t)g->region[i].plate);
        fputs(g->region[i].reverse ? " reverse\n" : "\n", out);
    }
    for (uint32_t i = 0; i < g->states; i++)
        put_state_line(out, g, &g->state[i]);
    for (uint32_t i = 0; i < g->sites; i++)
        put_named_line(out, "site", g->site[i].name);
    for (IrRef r = 0; r < g->count; r++)
        put_node(out, g, r);
    for (uint32_t i = 0; i < g->phases; i++)
        fprintf(out, "  phase %u: %s\n", i, ir_phase_kind_name[g->phase[i].kind]);
    for (uint32_t i = 0; i < g->kernels; i++)
        put_kernel(out, g, i);
    if (g->arena_bytes)
        fprintf(out, "  arena %" PRId64 "\n", g->arena_bytes);
    fputs("}\n", out);
}

static Span *lines(Arena *a, uint32_t count, uint32_t *line)
{
    Span *at = arena_array(a, Span, count + 1);
    for (uint32_t i = 0; i < count; i++)
        at[i] = (Span){(*line)++, 3, 1};
    return at;
}

IrPlaces ir_printed_places(const IrGraph *g, Arena *a)
{
    IrPlaces at = {.graph = {1, 1, 1}};
    uint32_t line = 2;
    at.plate = lines(a, g->plates, &line);
    at.region = lines(a, g->regions, &line);
    line += g->states + g->sites;
    at.node = lines(a, g->count, &line);
    at.phase = lines(a, g->phases, &line);
    at.kernel = lines(a, g->kernels, &line);
    return at;
}

/* ---- the model ----------------------------------------------------------------------------- */

static void put_param(FILE *out, const IrParam *p)
{
    fputs("param ", out);
    put_name(out, p->name);
    fputs(": ", out);
    put_type(out, NULL, &p->type);
    fprintf(out, " = %s(", ir_init_name[p->init]);
    put_number(out, p->a);
    fputs(", ", out);
    put_number(out, p->b);
    fputc(')', out);
    if (p->in != IR_FREE)
        fprintf(out, " in %s", ir_constraint_name[p->in]);
    put_span(out, p->at);
    fputc('\n', out);
}

static void put_data(FILE *out, const IrData *x)
{
    fputs("data ", out);
    put_name(out, x->name);
    fputs(": ", out);
    put_type(out, NULL, &x->type);
    fputs(x->by_rows ? " rows" : " whole", out);
    if (x->in != IR_FREE)
        fprintf(out, " in %s", ir_constraint_name[x->in]);
    if (x->in == IR_RANGE) {
        fputc('(', out);
        put_number(out, x->lo);
        fputs(", ", out);
        put_number(out, x->hi);
        fputc(')', out);
    }
    put_span(out, x->at);
    fputc('\n', out);
}

static void put_hyper(FILE *out, const IrHyper *h)
{
    fputs("hyper ", out);
    put_name(out, h->name);
    fputs(" = ", out);
    put_number(out, h->value);
    put_span(out, h->at);
    fputc('\n', out);
}

static void put_train_graph(FILE *out, const IrModel *m, uint32_t graph)
{
    const char *name = graph < m->graphs ? m->graph[graph].name : NULL;
    uint32_t first = 0;
    while (first < graph && first < m->graphs && !same_name(m->graph[first].name, name))
        first++;
    put_position(out, name, first == graph, graph);
}

static void put_train(FILE *out, const IrModel *m, const IrTrain *t)
{
    fputs("train ", out);
    put_train_graph(out, m, t->graph);
    if (t->optimizer) {
        fputs(" optimizer=", out);
        put_name(out, t->optimizer);
    }
    for (const IrTrainField *f = ir_train_field; f->name; f++) {
        const void *at = (const char *)t + f->offset;
        if (f->whole && *(const int64_t *)at != -1)
            fprintf(out, " %s=%" PRId64, f->name, *(const int64_t *)at);
        if (!f->whole && !isnan(*(const double *)at)) {
            fprintf(out, " %s=", f->name);
            put_number(out, *(const double *)at);
        }
    }
    put_span(out, t->at);
    fputc('\n', out);
}

void ir_print_model(const IrModel *m, FILE *out)
{
    fputs("sgir 1\nmodel ", out);
    put_name(out, m->name);
    fputc(' ', out);
    put_string(out, m->file);
    fputs(m->params || m->datas || m->hypers ? "\n\n" : "\n", out);
    for (uint32_t i = 0; i < m->params; i++)
        put_param(out, &m->param[i]);
    for (uint32_t i = 0; i < m->datas; i++)
        put_data(out, &m->data[i]);
    for (uint32_t i = 0; i < m->hypers; i++)
        put_hyper(out, &m->hyper[i]);
    for (uint32_t i = 0; i < m->graphs; i++) {
        fputc('\n', out);
        ir_print_graph(&m->graph[i], out);
    }
    if (m->trains)
        fputc('\n', out);
    for (uint32_t i = 0; i < m->trains; i++)
        put_train(out, m, &m->train[i]);
}
