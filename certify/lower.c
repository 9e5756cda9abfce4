/* From the step entry, as the pass `estimate` leaves it, to the two programs of a certificate.
 *
 * The source graph is what the cost, the log-densities and their weights read; the gradient program
 * is what the gradients read.  Each is translated by itself: no slot is shared between them.
 *
 *   a draw whose law the score carries   a value of the trace: what the sampler computes is dropped
 *   base noise                           likewise
 *   a plate                              a leading axis
 *   a sequence                           all of its steps, one after another
 *   an operand that copies share         a broadcast where it is used */
#include "certify/lower.h"

#include <math.h>
#include <string.h>

LowValue low_refuse(Lower *l, const char *why)
{
    if (l->ok) {
        diag_error(l->d, l->node->at, SG0901, "no certificate for %s: %s",
                   ir_op_info[l->node->op].name, why);
        l->why = why;
    }
    l->ok = false;
    return low_slot(0);
}

LowValue low_slot(CertSlot s)
{
    return (LowValue){.slot = s};
}

/* ---- steps ---------------------------------------------------------------------------------- */

IrPlates low_steps(const IrGraph *g, IrPlates plates)
{
    IrPlates steps = 0;
    for (uint32_t p = 0; p < g->plates; p++)
        if (plates >> p & 1 && g->plate[p].kind == IR_PLATE_STEP)
            steps |= 1u << p;
    return steps;
}

int64_t low_index(const Lower *l, IrPlates plates)
{
    int64_t index = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (low_steps(l->g, plates) >> p & 1)
            index = index * l->g->plate[p].size + l->step[p];
    return index;
}

int64_t low_count(const IrGraph *g, IrPlates plates)
{
    return ir_copies(g, low_steps(g, plates), 1);
}

/* Goes to the next of the steps; false: those were the last. */
static bool next_step(Lower *l, IrPlates plates)
{
    for (uint32_t p = l->g->plates; p-- > 0;) {
        if (!(low_steps(l->g, plates) >> p & 1))
            continue;
        if (++l->step[p] < l->g->plate[p].size)
            return true;
        l->step[p] = 0;
    }
    return false;
}

LowValue low_value(const Lower *l, IrRef r)
{
    return l->value[r][low_index(l, l->g->node[r].type.plates)];
}

/* ---- layouts -------------------------------------------------------------------------------- */

static Layout layout(Lower *l, const IrType *t, IrRef r)
{
    Layout y = {.plates = t->plates & ~low_steps(l->g, t->plates), .rank = t->rank};
    uint32_t *at = arena_array(l->arena, uint32_t, IR_MAX_PLATES + IR_MAX_RANK), count = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (y.plates >> p & 1)
            at[count++] = size_of_plate(l->sizes, l->cert, p);
    for (uint32_t i = 0; i < t->rank; i++)
        at[count++] = size_of_axis(l->sizes, l->cert, r, i);
    y.sizes = (CertList){count, at};
    return y;
}

Layout low_layout(Lower *l, IrRef r)
{
    return layout(l, &l->g->node[r].type, r);
}

Layout low_result(Lower *l)
{
    return low_layout(l, (IrRef)(l->node - l->g->node));
}

uint32_t low_plate_at(const Layout *y, uint32_t plate)
{
    return (uint32_t)__builtin_popcount(y->plates & ((1u << plate) - 1));
}

uint32_t low_axis_at(const Layout *y, uint32_t axis)
{
    return (uint32_t)__builtin_popcount(y->plates) + axis;
}

CertList low_list(Lower *l, uint32_t count, const uint32_t *at)
{
    uint32_t *copy = arena_array(l->arena, uint32_t, count + 1);
    if (count)
        memcpy(copy, at, count * sizeof *at);
    return (CertList){count, copy};
}

/* ---- operations ----------------------------------------------------------------------------- */

void low_begin(Lower *l, const IrNode *n)
{
    l->node = n;
    l->b.at = n->at;
}

CertSlot low_number(Lower *l, double v, CertList shape)
{
    Fraction a = fraction_of_double(l->cert->fractions, v);
    return build(&l->b, (CertOp){.form = CERT_CONST, .a = a, .axes = shape}, 0, 0);
}

CertSlot low_iota(Lower *l, uint32_t size)
{
    return build(&l->b, (CertOp){.form = CERT_IOTA, .k = size}, 0, 0);
}

CertSlot low_spread(Lower *l, const Layout *from, const Layout *to, CertSlot x)
{
    if (from->sizes.count == to->sizes.count)
        return x;
    uint32_t at[IR_MAX_PLATES + IR_MAX_RANK], count = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (from->plates >> p & 1)
            at[count++] = low_plate_at(to, p);
    for (uint32_t i = 0; i < from->rank; i++)
        at[count++] = low_axis_at(to, i);
    return build_ein(&l->b, to->sizes, low_list(l, count, at),
                     cert_range(l->arena, to->sizes.count), x);
}

CertSlot low_operand(Lower *l, uint32_t k)
{
    LowValue v = low_value(l, l->node->in[k]);
    Layout y = low_layout(l, l->node->in[k]);
    return v.slot == CERT_NONE ? low_join(l, &y, &v) : v.slot;
}

CertSlot low_argument(Lower *l, uint32_t k)
{
    Layout from = low_layout(l, l->node->in[k]), to = low_result(l);
    return low_spread(l, &from, &to, low_operand(l, k));
}

/* ---- nodes ---------------------------------------------------------------------------------- */

/* The reasons of proofs/ops.def: NULL where there is a term. */
static const char *const no_certificate[IR_OP_COUNT] = {
#define OP(id, term, how) [IR_##id] = NULL,
#define NO_OP(id, why) [IR_##id] = why,
#define DIST(...)
#define NO_DIST(...)
#include "proofs/ops.def"
#undef OP
#undef NO_OP
#undef DIST
#undef NO_DIST
};

/* At the current steps. */
static void lower_here(Lower *l, IrRef r)
{
    const IrNode *n = &l->g->node[r];
    low_begin(l, n);
    LowRule *rule = low_rule(n->op);
    LowValue v = n->op == IR_EXPECT      ? low_written_mean(l, n)
                 : no_certificate[n->op] ? low_refuse(l, no_certificate[n->op])
                 : n->op == IR_SAMPLE    ? low_written_draw(l, n)
                 : rule                  ? rule(l, n)
                                         : low_refuse(l, "it has no translation");
    if (n->name && v.slot != CERT_NONE && v.slot >= l->cert->inputs && l->ok)
        l->b.p->node[v.slot - l->cert->inputs].name = n->name;
    l->value[r][low_index(l, n->type.plates)] = v;
}

/* At all steps of the plates that are not fixed. */
static void lower_node(Lower *l, IrRef r, IrPlates fixed)
{
    IrPlates plates = l->g->node[r].type.plates & ~fixed;
    do
        lower_here(l, r);
    while (l->ok && next_step(l, plates));
}

static void lower_region(Lower *l, const bool *live, IrRef first, IrRef end)
{
    const IrRegion *region = &l->g->region[l->g->node[first].region - 1];
    int64_t steps = l->g->plate[region->plate].size;
    for (int64_t i = 0; i < steps; i++)
        for (IrRef r = first; r < end && l->ok; r++) {
            l->step[region->plate] = region->reverse ? steps - 1 - i : i;
            if (live[r])
                lower_node(l, r, 1u << region->plate);
        }
    l->step[region->plate] = 0;
}

/* ---- programs ------------------------------------------------------------------------------- */

/* Rules that read no operands: what the sampler of a draw computes is not part of the program. */
static bool reads_operands(const IrNode *n)
{
    return n->op != IR_SAMPLED;
}

/* Marks what the marked nodes read.  A carry may look forward, hence the rounds. */
void low_close(const IrGraph *g, bool *live)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (IrRef r = g->count; r-- > 0;) {
            const IrNode *n = &g->node[r];
            for (uint32_t k = 0; k < n->n_in && live[r] && reads_operands(n); k++) {
                changed |= !live[n->in[k]];
                live[n->in[k]] = true;
            }
        }
    }
}

void low_program(Lower *l, CertProgram *p, const bool *live)
{
    const IrGraph *g = l->g;
    l->b.p = p;
    l->value = arena_array(l->arena, LowValue *, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        if (live[r])
            l->value[r] =
                arena_array(l->arena, LowValue, (size_t)low_count(g, g->node[r].type.plates));
    for (IrRef r = 0, end; r < g->count && l->ok; r = end) {
        end = r + 1;
        while (g->node[r].region && end < g->count && g->node[end].region == g->node[r].region)
            end++;
        if (g->node[r].region)
            lower_region(l, live, r, end);
        else if (live[r])
            lower_node(l, r, 0);
    }
}

/* ---- the source graph ----------------------------------------------------------------------- */

/* The node's operand, as one slot at the current steps. */
static CertSlot slot_of(Lower *l, IrRef r, uint32_t k)
{
    low_begin(l, &l->g->node[r]);
    return low_operand(l, k);
}

static void add_score(Lower *l, IrRef r)
{
    Cert *c = l->cert;
    const IrNode *n = &l->g->node[r];
    do {
        CertSlot density = slot_of(l, r, 0);
        CertScore s = {.density = density, .weight = low_argument(l, 1)};
        s.explained = low_explain(l, n, &s.roles);
        *arena_push(l->arena, c->score, c->scores, CertScore) = s;
    } while (next_step(l, n->type.plates));
}

static void lower_source(Lower *l, bool *live)
{
    const IrGraph *g = l->g;
    IrRef objective = IR_NONE;
    for (IrRef r = 0; r < g->count; r++) {
        live[r] = g->node[r].op == IR_SCORE || g->node[r].op == IR_OBJECTIVE;
        if (g->node[r].op == IR_OBJECTIVE)
            objective = r;
    }
    low_close(g, live);
    low_program(l, &l->cert->source, live);
    if (!l->ok)
        return;
    l->cert->cost = slot_of(l, objective, 0);
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_SCORE)
            add_score(l, r);
}

/* ---- the gradient program ------------------------------------------------------------------- */

static void lower_gradient(Lower *l, bool *live)
{
    const IrGraph *g = l->g;
    Cert *c = l->cert;
    for (IrRef r = 0; r < g->count; r++)
        live[r] = g->node[r].op == IR_GRAD;
    low_close(g, live);
    low_program(l, &c->gradient, live);
    for (IrRef r = 0; r < g->count && l->ok; r++) {
        if (g->node[r].op != IR_GRAD)
            continue;
        CertOutput o = {.input = l->input[IR_PARAM][g->node[r].attr.item] - 1,
                        .slot = slot_of(l, r, 0)};
        *arena_push(l->arena, c->output, c->outputs, CertOutput) = o;
    }
}

/* ---- inputs --------------------------------------------------------------------------------- */

/* What is read from outside, before any slot is numbered. */
static void add_input(Lower *l, IrRef r, CertKind kind, uint32_t item, const char *name)
{
    Cert *c = l->cert;
    IrOp op = l->g->node[r].op;
    if (l->input[op][item])
        return;
    Layout y = low_layout(l, r);
    *arena_push(l->arena, c->input, c->inputs, CertInput) =
        (CertInput){.kind = kind, .name = name, .shape = y.sizes, .at = l->g->node[r].at};
    l->input[op][item] = c->inputs;
}

static void add_constant(Lower *l, double v)
{
    CertSlot *at = &l->constant[v < 0];
    if (*at != CERT_NONE)
        return;
    *arena_push(l->arena, l->cert->input, l->cert->inputs, CertInput) =
        (CertInput){.kind = CERT_CONSTANT, .name = v < 0 ? "-inf" : "inf"};
    *at = l->cert->inputs - 1;
}

static void add_leaf(Lower *l, IrRef r)
{
    const IrNode *n = &l->g->node[r];
    const IrModel *m = l->g->model;
    switch (n->op) {
    case IR_PARAM:
        add_input(l, r, CERT_PARAM, n->attr.item, m->param[n->attr.item].name);
        break;
    case IR_DATA:
        add_input(l, r, CERT_DATA, n->attr.item, m->data[n->attr.item].name);
        break;
    case IR_HYPER:
        add_input(l, r, CERT_DATA, n->attr.item, m->hyper[n->attr.item].name);
        break;
    case IR_STATE:
        add_input(l, r, CERT_DATA, n->attr.item,
                  arena_printf(l->arena, "average of %s", l->g->state[n->attr.item].name));
        break;
    case IR_INDEX: /* of the data set's rows: known at run time only */
        if (l->g->plate[n->attr.plate].kind == IR_PLATE_ROWS)
            add_input(l, r, CERT_DATA, 0, "row");
        break;
    case IR_CONST:
        if (isinf(n->attr.num))
            add_constant(l, n->attr.num);
        break;
    default:
        break;
    }
}

static uint32_t most_items(const IrGraph *g)
{
    const IrModel *m = g->model;
    return m->params + m->datas + m->hypers + g->states + 1;
}

void low_inputs(Lower *l, const bool *live)
{
    for (IrOp op = 0; op < IR_OP_COUNT; op++)
        if (ir_op_info[op].arity == 0 && !l->input[op])
            l->input[op] = arena_array(l->arena, uint32_t, most_items(l->g));
    for (IrRef r = 0; r < l->g->count; r++)
        if (live[r])
            add_leaf(l, r);
}

/* ---- sizes that are numbers ----------------------------------------------------------------- */

/* The compiler counts: it writes 1/4 for four samples.  Sizes are fixed where the comparison needs
 * it, and stay symbols everywhere else. */
static bool accepted(const Cert *c)
{
    Diags *quiet = diags_new(c->file, NULL);
    bool ok = certify_check(c, quiet);
    diags_free(quiet);
    return ok;
}

static bool fix_sizes(Cert *c)
{
    for (uint32_t s = 0; s < c->sizes; s++)
        c->size[s].fixed = c->size[s].number > 0;
    if (!accepted(c))
        return false;
    for (uint32_t s = 0; s < c->sizes; s++) {
        bool before = c->size[s].fixed;
        c->size[s].fixed = false;
        c->size[s].fixed = before && !accepted(c);
    }
    return true;
}

/* If what the scores say of their weights does not hold, the weights are assumed. */
static bool settle(Cert *c)
{
    bool explained = c->scores > 0;
    if (fix_sizes(c))
        return true;
    for (uint32_t i = 0; i < c->scores; i++)
        c->score[i].explained = false;
    return explained && fix_sizes(c);
}

/* ---- certificates --------------------------------------------------------------------------- */

static bool refuse_graph(const IrGraph *g, Diags *d, const char *why)
{
    diag_error(d, g->at, SG0902, "no certificate for graph %s: %s", g->name, why);
    return false;
}

static Lower begin(const IrGraph *g, Arena *a, Cert *c, Diags *d)
{
    Lower l = {.g = g, .arena = a, .d = d, .cert = c, .b = {.arena = a, .c = c}, .ok = true};
    l.constant[0] = l.constant[1] = CERT_NONE;
    l.drawn = arena_array(a, uint32_t *, g->count + 1);
    return l;
}

/* Certificates of one model are the same bytes wherever it stands. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* False, and nothing is said: the checker does not accept it. */
static bool lower_graph(Lower *l, const bool *all, bool *live, bool merged)
{
    l->sizes = sizes_of(l->g, all, merged, l->arena);
    low_inputs(l, all);
    Lower *written = low_begin_written(l);
    lower_source(l, live);
    if (l->ok)
        lower_gradient(l, live);
    if (l->ok && !settle(l->cert))
        return false;
    if (l->ok && written)
        low_written(written);
    return true;
}

/* Sizes of one number are one symbol only where the comparison needs that: a stack of all later
 * steps and the gradient's slice of it have axes that no operation says to be equal. */
bool certify_graph(const IrGraph *g, Arena *a, Fractions *f, Cert *c, Diags *d)
{
    const Cert empty = {.arena = a,
                        .fractions = f,
                        .model = g->model->name,
                        .file = base_name(g->model->file),
                        .graph = g->name};
    *c = empty;
    if (g->biased)
        return refuse_graph(g, d, "it is biased, as the model says");
    bool *all = arena_array(a, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        all[r] =
            g->node[r].op == IR_SCORE || g->node[r].op == IR_OBJECTIVE || g->node[r].op == IR_GRAD;
    low_close(g, all);
    for (int merged = 0; merged < 2; merged++) {
        *c = empty;
        Lower l = begin(g, a, c, d);
        bool *live = arena_array(a, bool, g->count + 1);
        if (lower_graph(&l, all, live, merged))
            return l.ok;
    }
    refuse_graph(g, d, "the checker does not follow the derivation of its gradients");
    certify_check(c, d);
    return false;
}
