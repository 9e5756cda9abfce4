/* The text form, read.  docs/ir.md has the grammar; ir/print.c writes it.
 *
 * The reader checks words, numbers and names; what they mean together is the verifier's, which runs
 * over every graph that was read, at the lines it was read from.  A line with a mistake is reported
 * once and skipped. */
#include "ir/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    IrModel *m;
    IrGraph *g; /* the graph that is open, or NULL */
    Arena *arena;
    Diags *d;
    const char *at, *line_start;
    uint32_t line;
    IrPlaces place; /* of g */
    bool broken;    /* g has a line with a mistake: it is not verified */
} Reader;

/* ---- words --------------------------------------------------------------------------------- */

static Span here(const Reader *r)
{
    return (Span){r->line, (uint32_t)(r->at - r->line_start) + 1, 1};
}

static bool fail(Reader *r, const char *fmt, ...) SGC_PRINTF(2, 3);

static bool fail(Reader *r, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_error(r->d, here(r), "%s", text);
    return false;
}

static void skip_blanks(Reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
        r->at++;
}

static bool line_ends(Reader *r)
{
    skip_blanks(r);
    return *r->at == 0 || *r->at == '\n';
}

static bool accept(Reader *r, char c)
{
    skip_blanks(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool expect(Reader *r, char c)
{
    return accept(r, c) || fail(r, "'%c' should stand here", c);
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static size_t name_length(Reader *r)
{
    size_t n = 0;
    skip_blanks(r);
    if (isdigit((unsigned char)*r->at) || *r->at == '.')
        return 0;
    while (in_name(r->at[n]))
        n++;
    return n;
}

/* The word at the cursor, if it is `word`. */
static bool accept_word(Reader *r, const char *word)
{
    size_t n = name_length(r);
    if (n == 0 || n != strlen(word) || strncmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

/* `key=` */
static bool accept_key(Reader *r, const char *key)
{
    size_t n = name_length(r);
    if (n == 0 || n != strlen(key) || strncmp(r->at, key, n) != 0 || r->at[n] != '=')
        return false;
    r->at += n + 1;
    return true;
}

static bool expect_key(Reader *r, const char *key)
{
    return accept_key(r, key) || fail(r, "'%s=' should stand here", key);
}

static bool expect_word(Reader *r, const char *word)
{
    return accept_word(r, word) || fail(r, "'%s' should stand here", word);
}

/* One of the words of a table; `what` names the table. */
static bool read_choice(Reader *r, const char *what, const char *const *table, size_t count,
                        unsigned *out)
{
    for (*out = 0; *out < count; ++*out)
        if (accept_word(r, table[*out]))
            return true;
    size_t n = name_length(r);
    return n ? fail(r, "no %s '%.*s'", what, (int)n, r->at) : fail(r, "%s should stand here", what);
}

static bool read_int(Reader *r, int64_t *out)
{
    skip_blanks(r);
    const char *digits = r->at + (*r->at == '-');
    if (!isdigit((unsigned char)*digits))
        return fail(r, "a whole number should stand here");
    char *end;
    errno = 0;
    long long v = strtoll(r->at, &end, 10);
    if (errno == ERANGE)
        return fail(r, "a number of this size is out of range");
    r->at = end;
    *out = v;
    return true;
}

static bool read_bounded(Reader *r, int64_t low, int64_t high, int64_t *out)
{
    const char *start = (skip_blanks(r), r->at);
    if (!read_int(r, out))
        return false;
    if (*out >= low && *out <= high)
        return true;
    r->at = start;
    return fail(r, "%" PRId64 " is not between %" PRId64 " and %" PRId64, *out, low, high);
}

static bool read_u32(Reader *r, uint32_t *out)
{
    int64_t v;
    if (!read_bounded(r, 0, UINT32_MAX - 1, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool read_i32(Reader *r, int32_t *out)
{
    int64_t v;
    if (!read_bounded(r, INT32_MIN, INT32_MAX, &v))
        return false;
    *out = (int32_t)v;
    return true;
}

static bool read_number(Reader *r, double *out)
{
    char *end;
    skip_blanks(r);
    if (isspace((unsigned char)*r->at) || (*out = strtod(r->at, &end), end == r->at))
        return fail(r, "a number should stand here");
    r->at = end;
    if (isnan(*out))
        *out = NAN;
    return true;
}

/* %12 */
static bool read_ref(Reader *r, IrRef *out)
{
    return expect(r, '%') && read_u32(r, out);
}

static bool read_escape(Reader *r, char *out)
{
    char c = *r->at, digits[3] = "";
    if (c == '"' || c == '\\') {
        *out = c;
        r->at++;
        return true;
    }
    for (int i = 0; c == 'x' && i < 2 && isxdigit((unsigned char)r->at[1 + i]); i++)
        digits[i] = r->at[1 + i];
    *out = (char)strtol(digits, NULL, 16);
    if (strlen(digits) != 2 || *out == 0)
        return fail(r, "no such escape in a string; there are \\\", \\\\ and \\xHH");
    r->at += 3;
    return true;
}

static bool read_string(Reader *r, const char **out)
{
    if (!expect(r, '"'))
        return false;
    char *s = arena_array(r->arena, char, strcspn(r->at, "\n") + 1);
    size_t n = 0;
    while (*r->at != '"') {
        if (*r->at == 0 || *r->at == '\n')
            return fail(r, "this string does not end");
        if (*r->at != '\\')
            s[n++] = *r->at++;
        else if (r->at++, !read_escape(r, &s[n++]))
            return false;
    }
    r->at++;
    *out = s;
    return true;
}

/* A bare word or a string. */
static bool read_name(Reader *r, const char **out)
{
    size_t n = name_length(r);
    if (n == 0)
        return *r->at == '"' ? read_string(r, out) : fail(r, "a name should stand here");
    *out = arena_copy(r->arena, r->at, n);
    r->at += n;
    return true;
}

/* @line:col+len, or nothing */
static bool read_span(Reader *r, Span *out)
{
    if (!accept(r, '@'))
        return true;
    return read_u32(r, &out->line) && expect(r, ':') && read_u32(r, &out->col) && expect(r, '+') &&
           read_u32(r, &out->len);
}

/* ---- names that stand for positions -------------------------------------------------------- */

typedef const char *NameOf(const Reader *r, unsigned what, uint32_t i);

static const char *plate_name(const Reader *r, unsigned what, uint32_t i)
{
    (void)what;
    return i < r->g->plates ? r->g->plate[i].name : NULL;
}

static const char *item_name(const Reader *r, unsigned op, uint32_t i)
{
    return ir_item_name(r->g, (IrOp)op, i);
}

static const char *graph_name(const Reader *r, unsigned what, uint32_t i)
{
    (void)what;
    return i < r->m->graphs ? r->m->graph[i].name : NULL;
}

/* `name`, `name#2` or `#2`: the number decides where there is one, else the first of that name. */
static bool read_position(Reader *r, const char *noun, NameOf *name_of, unsigned what,
                          uint32_t *out)
{
    size_t n = name_length(r);
    const char *name = r->at;
    r->at += n;
    if (*r->at == '#') {
        r->at++;
        return read_u32(r, out);
    }
    if (n == 0)
        return fail(r, "a %s should stand here", noun);
    const char *known;
    for (uint32_t i = 0; (known = name_of(r, what, i)) != NULL; i++)
        if (strlen(known) == n && strncmp(known, name, n) == 0) {
            *out = i;
            return true;
        }
    r->at = name;
    return fail(r, "no %s '%.*s'", noun, (int)n, name);
}

static bool read_plate(Reader *r, uint32_t *out)
{
    if (!read_position(r, "plate", plate_name, 0, out))
        return false;
    return *out < r->g->plates ||
           fail(r, "plate %u of %u is not declared above", *out, r->g->plates);
}

static bool read_plates(Reader *r, IrPlates *out)
{
    do {
        uint32_t plate;
        if (!read_plate(r, &plate))
            return false;
        *out |= 1u << plate;
    } while (accept(r, ','));
    return true;
}

static bool read_dims(Reader *r, IrType *t)
{
    do {
        if (t->rank == IR_MAX_RANK)
            return fail(r, "a value has at most %d axes", IR_MAX_RANK);
        if (!read_bounded(r, 1, IR_MAX_ELEMENTS, &t->dim[t->rank++]))
            return false;
    } while (accept(r, ','));
    for (int64_t i = 0, n = 1; i < t->rank; n *= t->dim[i++])
        if (n > IR_MAX_ELEMENTS / t->dim[i])
            return fail(r, "a value of this shape is too large");
    return true;
}

/* real[n, k; 784, 500]; plates are known inside a graph only. */
static bool read_type(Reader *r, IrType *t)
{
    unsigned elem;
    *t = (IrType){0};
    if (!read_choice(r, "type", ir_elem_name, 3, &elem))
        return false;
    t->elem = (IrElem)elem;
    if (*r->at != '[')
        return true;
    r->at++;
    skip_blanks(r);
    bool sized = isdigit((unsigned char)*r->at) || *r->at == '-';
    if (!sized && !r->g)
        return fail(r, "a size should stand here");
    if (!sized && !read_plates(r, &t->plates))
        return false;
    if ((sized || accept(r, ';')) && !read_dims(r, t))
        return false;
    return expect(r, ']');
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool read_op(Reader *r, IrOp *op)
{
    size_t n = name_length(r);
    for (unsigned i = 0; n && i < IR_OP_COUNT; i++)
        if (strlen(ir_op_info[i].name) == n && strncmp(r->at, ir_op_info[i].name, n) == 0) {
            *op = (IrOp)i;
            r->at += n;
            return true;
        }
    return fail(r, "no operation '%.*s'", (int)n, r->at);
}

static bool read_operands(Reader *r, IrNode *n)
{
    if (*r->at != '(')
        return true;
    r->at++;
    do {
        IrRef in;
        if (!read_ref(r, &in))
            return false;
        *arena_push(r->arena, n->in, n->n_in, IrRef) = in;
    } while (accept(r, ','));
    return expect(r, ')');
}

static bool read_estimator(Reader *r, IrVia *via)
{
    if (accept_word(r, "auto"))
        return true;
    for (unsigned i = 0; i < IR_EST_COUNT; i++)
        if (i != IR_EST_AUTO && accept_word(r, ir_estimator_info[i].name)) {
            via->estimator = (IrEstimator)i;
            return true;
        }
    return fail(r, "no such estimator");
}

static bool read_via(Reader *r, IrVia *via)
{
    unsigned baseline = IR_NO_BASELINE;
    if (!expect_word(r, "via") || !read_span(r, &via->at) || !read_estimator(r, via))
        return false;
    if (!expect_key(r, "samples") || !read_bounded(r, 0, INT32_MAX, &via->samples))
        return false;
    if (accept_key(r, "baseline") && !read_choice(r, "baseline", ir_baseline_name, 3, &baseline))
        return false;
    via->baseline = (IrBaseline)baseline;
    via->biased = accept_word(r, "biased");
    return true;
}

static bool read_k(Reader *r, IrOp op, int64_t *k)
{
    uint32_t count = ir_k_count(op);
    if (count && !expect_key(r, "k"))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if ((i && !expect(r, ',')) || !read_int(r, &k[i]))
            return false;
    return true;
}

static bool read_axes(Reader *r, uint32_t *axes)
{
    if (!accept_key(r, "axes"))
        return true;
    do {
        int64_t axis;
        if (!read_bounded(r, 0, IR_MAX_RANK - 1, &axis))
            return false;
        *axes |= 1u << axis;
    } while (accept(r, ','));
    return true;
}

static bool read_plate_attr(Reader *r, int32_t *out)
{
    uint32_t plate;
    if (!expect_key(r, "plate") || !read_plate(r, &plate))
        return false;
    *out = (int32_t)plate;
    return true;
}

/* In the order of put_attr() in ir/print.c. */
static bool read_attr(Reader *r, IrNode *n)
{
    unsigned has = ir_op_info[n->op].attrs, dist = 0;
    IrAttr *attr = &n->attr;
    if ((has & IR_HAS_NUM && !read_number(r, &attr->num)) ||
        (has & IR_HAS_DIST && !read_choice(r, "law", ir_dist_id, IR_DIST_COUNT, &dist)) ||
        (has & IR_HAS_ITEM && !read_position(r, "item", item_name, n->op, &attr->item)) ||
        (has & IR_HAS_TEXT && !read_string(r, &attr->text)) ||
        (has & IR_HAS_PLATE && !read_plate_attr(r, &attr->plate)) || !read_k(r, n->op, attr->k) ||
        (has & IR_HAS_AXES && !read_axes(r, &attr->axes)))
        return false;
    if (has & IR_HAS_OVER && accept_key(r, "over") && !read_plates(r, &attr->over))
        return false;
    attr->dist = (IrDist)dist;
    return !(has & IR_HAS_VIA) || read_via(r, &attr->via);
}

static bool read_place(Reader *r, IrPlace *p)
{
    return (!accept_key(r, "phase") || read_i32(r, &p->phase)) &&
           (!accept_key(r, "kernel") || read_i32(r, &p->kernel)) &&
           (!accept_key(r, "buffer") || read_int(r, &p->buffer));
}

/* Parsed nodes may break any rule, so they are stored as they are, not built. */
static void add_node(Reader *r, const IrNode *n, Span at)
{
    IrGraph *g = r->g;
    uint32_t count = g->count, lines = g->count;
    *arena_push(r->arena, g->node, count, IrNode) = *n;
    *arena_push(r->arena, r->place.node, lines, Span) = at;
    g->count = g->cap = count;
}

static bool parse_node(Reader *r)
{
    IrNode n = {.place = {-1, -1, -1}};
    Span at = here(r);
    IrRef number;
    if (!read_ref(r, &number))
        return false;
    if (number != r->g->count)
        return fail(r, "this node is %%%u", r->g->count);
    at.len = here(r).col - at.col;
    if (!accept(r, ':') && (!read_name(r, &n.name) || !expect(r, ':')))
        return false;
    if (!read_type(r, &n.type) || !expect(r, '=') || !read_op(r, &n.op) || !read_operands(r, &n) ||
        !read_attr(r, &n))
        return false;
    if (accept_key(r, "region") && !read_u32(r, &n.region))
        return false;
    if (!read_place(r, &n.place) || !read_span(r, &n.at))
        return false;
    if (accept_word(r, "why") && !read_string(r, &n.why))
        return false;
    add_node(r, &n, at);
    return true;
}

/* ---- graphs -------------------------------------------------------------------------------- */

/* `plate name: kind size in parents weight %7`; the line's first word is read. */
static bool parse_plate(Reader *r)
{
    IrGraph *g = r->g;
    IrPlate p = {.weight = IR_NONE};
    unsigned kind;
    Span at = here(r);
    if (g->plates == IR_MAX_PLATES)
        return fail(r, "a graph has at most %d plates", IR_MAX_PLATES);
    if (!read_name(r, &p.name) || !expect(r, ':') ||
        !read_choice(r, "plate kind", ir_plate_kind_name, IR_PLATE_KINDS, &kind) ||
        !read_bounded(r, 1, IR_MAX_ELEMENTS, &p.size))
        return false;
    p.kind = (IrPlateKind)kind;
    if ((accept_word(r, "in") && !read_plates(r, &p.parents)) ||
        (accept_word(r, "weight") && !read_ref(r, &p.weight)) || !read_span(r, &p.at))
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
    Span at = here(r);
    if (!read_u32(r, &number))
        return false;
    if (number != g->regions + 1)
        return fail(r, "this region is %u", g->regions + 1);
    if (!expect(r, ':') || !read_plate(r, &plate))
        return false;
    IrRegion region = {(int32_t)plate, accept_word(r, "reverse")};
    *arena_push(r->arena, r->place.region, lines, Span) = at;
    *arena_push(r->arena, g->region, g->regions, IrRegion) = region;
    return true;
}

static bool parse_state(Reader *r)
{
    IrState state;
    if (!read_name(r, &state.name))
        return false;
    *arena_push(r->arena, r->g->state, r->g->states, IrState) = state;
    return true;
}

static bool parse_site(Reader *r)
{
    IrSite site;
    if (!read_name(r, &site.name))
        return false;
    *arena_push(r->arena, r->g->site, r->g->sites, IrSite) = site;
    return true;
}

static bool parse_phase(Reader *r)
{
    IrGraph *g = r->g;
    uint32_t number, lines = g->phases;
    unsigned kind;
    Span at = here(r);
    if (!read_u32(r, &number))
        return false;
    if (number != g->phases)
        return fail(r, "this phase is %u", g->phases);
    if (!expect(r, ':') || !read_choice(r, "phase kind", ir_phase_kind_name, 3, &kind))
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
    Span at = here(r);
    if (!read_u32(r, &number))
        return false;
    if (number != g->kernels)
        return fail(r, "this kernel is %u", g->kernels);
    if (!expect(r, ':') || !read_choice(r, "kernel kind", ir_kernel_kind_name, 4, &kind) ||
        !expect_key(r, "phase") || !read_i32(r, &k.phase) || !expect_key(r, "domain") ||
        !read_type(r, &k.domain))
        return false;
    k.kind = (IrKernelKind)kind;
    bool more = accept_key(r, "nodes");
    while (more) {
        IrRef node;
        if (!read_ref(r, &node))
            return false;
        *arena_push(r->arena, k.node, k.nodes, IrRef) = node;
        more = accept(r, ',');
    }
    *arena_push(r->arena, r->place.kernel, lines, Span) = at;
    *arena_push(r->arena, g->kernel, g->kernels, IrKernel) = k;
    return true;
}

static bool parse_arena(Reader *r)
{
    return read_bounded(r, 0, INT64_MAX, &r->g->arena_bytes);
}

/* `graph name: stage entry biased @1:1+5 {` */
static bool parse_graph(Reader *r)
{
    unsigned stage, entry;
    IrPlaces place = {.graph = here(r)};
    const char *name;
    if (!read_name(r, &name) || !expect(r, ':') ||
        !read_choice(r, "stage", ir_stage_name, 3, &stage) ||
        !read_choice(r, "entry", ir_entry_name, IR_ENTRIES, &entry))
        return false;
    bool biased = accept_word(r, "biased");
    Span at = {0};
    if (!read_span(r, &at) || !expect(r, '{'))
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
    return expect(r, '(') && read_number(r, a) && expect(r, ',') && read_number(r, b) &&
           expect(r, ')');
}

static bool read_constraint(Reader *r, IrConstraint *out)
{
    unsigned in = IR_FREE;
    if (accept_word(r, "in") &&
        !read_choice(r, "constraint", ir_constraint_name, IR_CONSTRAINT_COUNT, &in))
        return false;
    *out = (IrConstraint)in;
    return true;
}

static bool parse_model(Reader *r)
{
    return read_name(r, &r->m->name) && read_string(r, &r->m->file);
}

static bool parse_param(Reader *r)
{
    IrParam p = {0};
    unsigned init;
    if (!read_name(r, &p.name) || !expect(r, ':') || !read_type(r, &p.type) || !expect(r, '=') ||
        !read_choice(r, "initial value", ir_init_name, IR_INIT_COUNT, &init) ||
        !read_pair(r, &p.a, &p.b) || !read_constraint(r, &p.in) || !read_span(r, &p.at))
        return false;
    if (p.type.elem != IR_REAL)
        return fail(r, "a parameter is real, not %s", ir_elem_name[p.type.elem]);
    p.init = (IrInit)init;
    *arena_push(r->arena, r->m->param, r->m->params, IrParam) = p;
    return true;
}

static bool parse_data(Reader *r)
{
    IrData x = {0};
    if (!read_name(r, &x.name) || !expect(r, ':') || !read_type(r, &x.type))
        return false;
    x.by_rows = accept_word(r, "rows");
    if ((!x.by_rows && !expect_word(r, "whole")) || !read_constraint(r, &x.in) ||
        (x.in == IR_RANGE && !read_pair(r, &x.lo, &x.hi)) || !read_span(r, &x.at))
        return false;
    *arena_push(r->arena, r->m->data, r->m->datas, IrData) = x;
    return true;
}

static bool parse_hyper(Reader *r)
{
    IrHyper h = {0};
    if (!read_name(r, &h.name) || !expect(r, '=') || !read_number(r, &h.value) ||
        !read_span(r, &h.at))
        return false;
    *arena_push(r->arena, r->m->hyper, r->m->hypers, IrHyper) = h;
    return true;
}

static bool read_train_field(Reader *r, IrTrain *t, bool *found)
{
    *found = true;
    for (const IrTrainField *f = ir_train_field; f->name; f++)
        if (accept_key(r, f->name)) {
            void *at = (char *)t + f->offset;
            return f->whole ? read_bounded(r, -1, INT64_MAX, at) : read_number(r, at);
        }
    *found = false;
    return true;
}

static bool parse_train(Reader *r)
{
    IrTrain t = {.lr = NAN, .momentum = NAN, .beta1 = NAN, .beta2 = NAN, .eps = NAN};
    t.weight_decay = t.clip = NAN;
    t.epochs = t.steps = -1;
    if (!read_position(r, "graph", graph_name, 0, &t.graph))
        return false;
    if (t.graph >= r->m->graphs)
        return fail(r, "there are %u graphs", r->m->graphs);
    if (accept_key(r, "optimizer") && !read_name(r, &t.optimizer))
        return false;
    for (bool found = true; found;)
        if (!read_train_field(r, &t, &found))
            return false;
    if (!read_span(r, &t.at))
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
    {"model", parse_model, false},  {"param", parse_param, false},  {"data", parse_data, false},
    {"hyper", parse_hyper, false},  {"graph", parse_graph, false},  {"train", parse_train, false},
    {"plate", parse_plate, true},   {"region", parse_region, true}, {"state", parse_state, true},
    {"site", parse_site, true},     {"phase", parse_phase, true},   {"kernel", parse_kernel, true},
    {"arena", parse_arena, true},
};

static bool parse_line(Reader *r)
{
    skip_blanks(r);
    if (*r->at == '%' && r->g)
        return parse_node(r);
    if (*r->at == '}' && r->g) {
        r->at++;
        close_graph(r);
        return true;
    }
    for (size_t i = 0; i < sizeof line_kind / sizeof *line_kind; i++)
        if (line_kind[i].inside == (r->g != NULL) && accept_word(r, line_kind[i].word))
            return line_kind[i].parse(r);
    return fail(r, r->g ? "a part of a graph should stand here: %%N, plate, region, ... or }"
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
        if (!line_ends(r) && *r->at != '#') {
            bool ok = parse_line(r);
            if (ok && !line_ends(r))
                ok = fail(r, "the line should end here");
            r->broken |= !ok;
        }
        next_line(r);
    }
}

bool ir_parse(IrModel *m, const char *text, Diags *d)
{
    Reader r = {.m = m, .arena = m->arena, .d = d, .at = text, .line_start = text, .line = 1};
    uint32_t before = diags_errors(d);
    while (line_ends(&r) && *r.at)
        next_line(&r);
    if (!expect_word(&r, "sgir"))
        return false;
    int64_t version;
    if (!read_int(&r, &version) || (version != 1 && !fail(&r, "this sgc reads version 1")))
        return false;
    parse_lines(&r);
    if (r.g && !diags_full(d))
        fail(&r, "graph %s does not end", r.g->name);
    return diags_errors(d) == before;
}
