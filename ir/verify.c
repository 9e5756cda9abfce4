/* Every invariant of a graph; reports all that are broken.
 *
 * The checks of a node go from its own fields outwards, and a check that needs another to hold is
 * left out where that one failed: the verifier itself must survive any graph. */
#include "ir/verify.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* ---- reporting ----------------------------------------------------------------------------- */

static void report(Verifier *v, Span at, const char *what, const char *fmt, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    diag_error(v->d, at, SG0702, "%s%s", what, text);
    v->ok = false;
}

void ir_broken(Verifier *v, Span at, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    report(v, at, "", fmt, args);
    va_end(args);
}

/* "%7 = add(%3, %4): " */
static const char *node_text(const Verifier *v, IrRef r)
{
    enum { SHOWN = 4 };
    const IrNode *n = &v->g->node[r];
    const char *text =
        arena_printf(v->arena, "%%%u = %s", r, n->op < IR_OP_COUNT ? ir_op_info[n->op].name : "?");
    for (uint32_t i = 0; i < n->n_in && i < SHOWN; i++)
        text = arena_printf(v->arena, "%s%s%%%u", text, i ? ", " : "(", n->in[i]);
    return arena_printf(v->arena, "%s%s: ", text, n->n_in > SHOWN ? ", ...)" : n->n_in ? ")" : "");
}

void ir_node_broken(Verifier *v, IrRef r, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    report(v, v->at->node[r], node_text(v, r), fmt, args);
    va_end(args);
}

static const char *type_text(const Verifier *v, const IrType *t)
{
    return ir_type_text(v->g, t);
}

/* ---- plates and regions -------------------------------------------------------------------- */

static IrPlates declared(const IrGraph *g)
{
    return g->plates >= 32 ? UINT32_MAX : (1u << g->plates) - 1;
}

static bool any_node_has(const IrGraph *g, uint32_t plate)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].type.plates >> plate & 1)
            return true;
    return false;
}

/* A copy of an enumeration counts as much as its value is probable. */
static void check_weight(Verifier *v, uint32_t i)
{
    const IrGraph *g = v->g;
    const IrPlate *p = &g->plate[i];
    Span at = v->at->plate[i];
    if (p->kind != IR_PLATE_ENUMERATION) {
        if (p->weight != IR_NONE)
            ir_broken(v, at, "plate %s: only an enumeration has a weight", p->name);
        return;
    }
    if (p->weight == IR_NONE) {
        if (any_node_has(g, i))
            ir_broken(v, at, "plate %s: an enumeration needs a weight", p->name);
        return;
    }
    if (p->weight >= g->count) {
        ir_broken(v, at, "plate %s: its weight %%%u is not a node", p->name, p->weight);
        return;
    }
    const IrType *t = &g->node[p->weight].type;
    if (t->elem != IR_REAL || t->rank != 0 || !(t->plates >> i & 1))
        ir_broken(v, at, "plate %s: its weight %%%u is %s, not one real a copy", p->name, p->weight,
                  type_text(v, t));
}

static void check_plates(Verifier *v)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < v->g->plates; i++) {
        const IrPlate *p = &v->g->plate[i];
        Span at = v->at->plate[i];
        if (p->kind >= IR_PLATE_KINDS || p->size < 1 || p->size > IR_MAX_ELEMENTS)
            ir_broken(v, at, "plate %s: no kind or size", p->name);
        if (p->parents >> i)
            ir_broken(v, at, "plate %s: its parents are not all declared before it", p->name);
        rows += p->kind == IR_PLATE_ROWS;
        if (p->kind == IR_PLATE_ROWS && rows == 2)
            ir_broken(v, at, "plate %s: a graph has one plate of rows", p->name);
        check_weight(v, i);
    }
}

static void check_regions(Verifier *v)
{
    const IrGraph *g = v->g;
    for (uint32_t i = 0; i < g->regions; i++) {
        int32_t plate = g->region[i].plate;
        if (plate < 0 || (uint32_t)plate >= g->plates)
            ir_broken(v, v->at->region[i], "region %u: it has no plate", i + 1);
        else if (g->plate[plate].kind != IR_PLATE_STEP)
            ir_broken(v, v->at->region[i], "region %u: plate %s is not a plate of steps", i + 1,
                      g->plate[plate].name);
    }
}

/* The nodes of a region stand together. */
static void check_contiguous(Verifier *v)
{
    const IrGraph *g = v->g;
    bool *seen = arena_array(v->arena, bool, g->regions + 1);
    for (IrRef r = 0; r < g->count; r++) {
        uint32_t region = g->node[r].region;
        if (region == 0 || region > g->regions)
            continue;
        if (seen[region] && g->node[r - 1].region != region)
            ir_node_broken(v, r, "it stands apart from the others of region %u", region);
        seen[region] = true;
    }
}

static void check_region(Verifier *v, IrRef r)
{
    const IrGraph *g = v->g;
    const IrNode *n = &g->node[r];
    if (n->region == 0) {
        if (n->op == IR_CARRY)
            ir_node_broken(v, r, "a carry stands in a region");
        return;
    }
    if (n->region > g->regions) {
        ir_node_broken(v, r, "there is no region %u", n->region);
        return;
    }
    int32_t plate = g->region[n->region - 1].plate;
    if (plate < 0 || (uint32_t)plate >= g->plates)
        return;
    if (!(n->type.plates >> plate & 1))
        ir_node_broken(v, r, "it is in region %u but lacks its plate %s", n->region,
                       g->plate[plate].name);
    if (ir_op_info[n->op].attrs & IR_HAS_OVER && n->attr.over >> plate & 1)
        ir_node_broken(v, r, "it looks across the steps of its region");
}

/* ---- types --------------------------------------------------------------------------------- */

/* Can the type be computed with: axes, sizes and plates exist, and the product of sizes fits? */
static bool type_sound(const IrGraph *g, const IrType *t)
{
    int64_t n = 1;
    if (t->elem > IR_BOOL || t->rank > IR_MAX_RANK || t->plates & ~declared(g))
        return false;
    for (uint32_t i = 0; i < IR_MAX_RANK; i++) {
        if (i >= t->rank ? t->dim[i] != 0 : t->dim[i] < 1 || t->dim[i] > IR_MAX_ELEMENTS / n)
            return false;
        n *= i < t->rank ? t->dim[i] : 1;
    }
    for (uint32_t i = 0; i < g->plates; i++) {
        int64_t size = t->plates >> i & 1 ? g->plate[i].size : 1;
        if (size < 1 || size > IR_MAX_ELEMENTS / n)
            return false;
        n *= size;
    }
    return true;
}

static void check_derived(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    IrType want;
    char why[256] = "";
    if (!ir_op_info[n->op].type(v->g, n, &want, why, sizeof why))
        ir_node_broken(v, r, "%s", why);
    else if (!ir_type_equal(&want, &n->type))
        ir_node_broken(v, r, "its type is %s, but its operands imply %s", type_text(v, &n->type),
                       type_text(v, &want));
}

/* ---- attributes ---------------------------------------------------------------------------- */

/* The number of things that attr.item of an op names; -1 for ops whose items are only numbered. */
static int64_t item_count(const IrGraph *g, IrOp op)
{
    switch (op) {
    case IR_PARAM:
    case IR_GRAD:
        return g->model->params;
    case IR_DATA:
        return g->model->datas;
    case IR_HYPER:
        return g->model->hypers;
    case IR_STATE:
    case IR_NEXT:
        return g->states;
    case IR_DRAW:
        return g->sites;
    default:
        return -1;
    }
}

/* Each letter once in each list, so that every axis of the result has one meaning. */
static bool spec_sound(const char *spec)
{
    uint32_t seen = 0;
    for (; spec && *spec; spec++) {
        uint32_t bit = *spec >= 'a' && *spec <= 'z' ? 1u << (*spec - 'a') : 0;
        if (seen & bit)
            return false;
        seen = bit ? seen | bit : 0;
    }
    return spec != NULL;
}

static bool attrs_sound(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    unsigned has = ir_op_info[n->op].attrs;
    int64_t items = item_count(v->g, n->op), limit = IR_MAX_ELEMENTS;
    bool was = v->ok;
    v->ok = true;
    if (has & IR_HAS_ITEM && items >= 0 && n->attr.item >= items)
        ir_node_broken(v, r, "there is no item %u of %" PRId64, n->attr.item, items);
    if (has & IR_HAS_PLATE && (n->attr.plate < 0 || (uint32_t)n->attr.plate >= v->g->plates))
        ir_node_broken(v, r, "there is no plate %d", n->attr.plate);
    if (has & IR_HAS_OVER && n->attr.over & ~declared(v->g))
        ir_node_broken(v, r, "it sums over a plate that does not exist");
    for (uint32_t i = 0; i < ir_k_count(n->op); i++)
        if (n->attr.k[i] < -limit || n->attr.k[i] > limit)
            ir_node_broken(v, r, "k[%u] is %" PRId64, i, n->attr.k[i]);
    if (has & IR_HAS_DIST && n->attr.dist >= IR_DIST_COUNT)
        ir_node_broken(v, r, "there is no such law");
    if (has & IR_HAS_VIA && (n->attr.via.estimator >= IR_EST_COUNT || n->attr.via.samples < 1 ||
                             n->attr.via.baseline >= IR_BASELINES ||
                             n->attr.via.noise > IR_QMC))
        ir_node_broken(v, r, "there is no such estimator");
    if (n->op == IR_CONTRACT && !spec_sound(n->attr.text))
        ir_node_broken(v, r, "its labels are not one letter an axis, each once");
    bool sound = v->ok;
    v->ok = was && sound;
    return sound;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool operands_sound(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    int arity = ir_op_info[n->op].arity;
    bool sound = arity < 0 ? n->n_in > 0 : n->n_in == (uint32_t)arity;
    if (!sound)
        ir_node_broken(v, r, "it has %u operands", n->n_in);
    for (uint32_t i = 0; i < n->n_in; i++) {
        bool forward = n->op == IR_CARRY && i == 1;
        if (n->in[i] >= v->g->count || (n->in[i] >= r && !forward)) {
            ir_node_broken(v, r, "its operand %%%u is not defined before it", n->in[i]);
            sound = false;
        }
    }
    return sound;
}

/* A node's own fields, before anything is derived from them. */
static bool node_sound(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (n->op >= IR_OP_COUNT) {
        ir_node_broken(v, r, "there is no such operation");
        return false;
    }
    unsigned stage = v->g->stage == IR_SOURCE ? IR_STAGE_SOURCE : IR_STAGE_ESTIMATOR;
    if (!(ir_op_info[n->op].stages & stage))
        ir_node_broken(v, r, "it may not stand in a graph of stage %s", ir_stage_name[v->g->stage]);
    bool typed = type_sound(v->g, &n->type);
    if (!typed)
        ir_node_broken(v, r, "its type has no plate, axis or size like this");
    bool operands = operands_sound(v, r);
    return attrs_sound(v, r) && operands && typed;
}

static void check_node(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (n->op < IR_OP_COUNT)
        check_region(v, r);
    if (!v->sound[r])
        return;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!v->sound[n->in[i]])
            return;
    check_derived(v, r);
    ir_verify_op(v, r);
}

/* One objective, one gradient a parameter, one next value a moving average; draws of one site are
 * the same noise.  `first` holds 1 + the node that first had each item. */
static void check_unique_op(Verifier *v, IrOp op, uint32_t items)
{
    const IrGraph *g = v->g;
    IrRef *first = arena_array(v->arena, IrRef, items + 1);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != op || !v->sound[r])
            continue;
        IrRef *slot = &first[op == IR_OBJECTIVE ? 0 : n->attr.item];
        if (*slot && op != IR_DRAW)
            ir_node_broken(v, r, "%%%u already gives this result", *slot - 1);
        else if (*slot && !ir_type_equal(&n->type, &g->node[*slot - 1].type))
            ir_node_broken(v, r, "%%%u draws noise of another type at this site", *slot - 1);
        else
            *slot = r + 1;
    }
}

static void check_unique(Verifier *v)
{
    check_unique_op(v, IR_OBJECTIVE, 1);
    check_unique_op(v, IR_GRAD, v->g->model->params);
    check_unique_op(v, IR_NEXT, v->g->states);
    check_unique_op(v, IR_DRAW, v->g->sites);
}

bool ir_verify_at(const IrGraph *g, const IrPlaces *at, Diags *d)
{
    Arena *a = arena_new();
    Verifier v = {.g = g, .at = at, .d = d, .arena = a, .ok = true};
    v.sound = arena_array(a, bool, g->count + 1);
    check_plates(&v);
    check_regions(&v);
    for (IrRef r = 0; r < g->count; r++)
        v.sound[r] = node_sound(&v, r);
    for (IrRef r = 0; r < g->count; r++)
        check_node(&v, r);
    check_contiguous(&v);
    check_unique(&v);
    if (g->stage == IR_SCHEDULED)
        ir_verify_schedule(&v);
    arena_free(a);
    return v.ok;
}

bool ir_verify(const IrGraph *g, Diags *d)
{
    Arena *a = arena_new();
    IrPlaces at = ir_printed_places(g, a);
    bool ok = ir_verify_at(g, &at, d);
    arena_free(a);
    return ok;
}
