/* The text form, read: a node and the references, types and attributes on its line. */
#include "ir/read.h"

#include <ctype.h>
#include <string.h>

/* ---- names that stand for positions -------------------------------------------------------- */

static const char *plate_name(const Reader *r, unsigned what, uint32_t i)
{
    (void)what;
    return i < r->g->plates ? r->g->plate[i].name : NULL;
}

static const char *item_name(const Reader *r, unsigned op, uint32_t i)
{
    return ir_item_name(r->g, (IrOp)op, i);
}

bool ir_read_position(Reader *r, const char *noun, IrNameOf *name_of, unsigned what, uint32_t *out)
{
    size_t n = ir_name_length(r);
    const char *name = r->at;
    r->at += n;
    if (*r->at == '#') {
        r->at++;
        return ir_read_u32(r, out);
    }
    if (n == 0)
        return ir_read_fail(r, "a %s should stand here", noun);
    const char *known;
    for (uint32_t i = 0; (known = name_of(r, what, i)) != NULL; i++)
        if (strlen(known) == n && strncmp(known, name, n) == 0) {
            *out = i;
            return true;
        }
    r->at = name;
    return ir_read_fail(r, "no %s '%.*s'", noun, (int)n, name);
}

bool ir_read_plate(Reader *r, uint32_t *out)
{
    if (!ir_read_position(r, "plate", plate_name, 0, out))
        return false;
    return *out < r->g->plates ||
           ir_read_fail(r, "plate %u of %u is not declared above", *out, r->g->plates);
}

bool ir_read_plates(Reader *r, IrPlates *out)
{
    do {
        uint32_t plate;
        if (!ir_read_plate(r, &plate))
            return false;
        *out |= 1u << plate;
    } while (ir_accept(r, ','));
    return true;
}

static bool read_dims(Reader *r, IrType *t)
{
    do {
        if (t->rank == IR_MAX_RANK)
            return ir_read_fail(r, "a value has at most %d axes", IR_MAX_RANK);
        if (!ir_read_bounded(r, 1, IR_MAX_ELEMENTS, &t->dim[t->rank++]))
            return false;
    } while (ir_accept(r, ','));
    for (int64_t i = 0, n = 1; i < t->rank; n *= t->dim[i++])
        if (n > IR_MAX_ELEMENTS / t->dim[i])
            return ir_read_fail(r, "a value of this shape is too large");
    return true;
}

bool ir_read_type(Reader *r, IrType *t)
{
    unsigned elem;
    *t = (IrType){0};
    if (!ir_read_choice(r, "type", ir_elem_name, 3, &elem))
        return false;
    t->elem = (IrElem)elem;
    if (*r->at != '[')
        return true;
    r->at++;
    ir_skip_blanks(r);
    bool sized = isdigit((unsigned char)*r->at) || *r->at == '-';
    if (!sized && !r->g)
        return ir_read_fail(r, "a size should stand here");
    if (!sized && !ir_read_plates(r, &t->plates))
        return false;
    if ((sized || ir_accept(r, ';')) && !read_dims(r, t))
        return false;
    return ir_expect(r, ']');
}

/* ---- nodes --------------------------------------------------------------------------------- */

static bool read_op(Reader *r, IrOp *op)
{
    size_t n = ir_name_length(r);
    for (unsigned i = 0; n && i < IR_OP_COUNT; i++)
        if (strlen(ir_op_info[i].name) == n && strncmp(r->at, ir_op_info[i].name, n) == 0) {
            *op = (IrOp)i;
            r->at += n;
            return true;
        }
    return ir_read_fail(r, "no operation '%.*s'", (int)n, r->at);
}

static bool read_operands(Reader *r, IrNode *n)
{
    if (*r->at != '(')
        return true;
    r->at++;
    do {
        IrRef in;
        if (!ir_read_ref(r, &in))
            return false;
        *arena_push(r->arena, n->in, n->n_in, IrRef) = in;
    } while (ir_accept(r, ','));
    return ir_expect(r, ')');
}

static bool read_estimator(Reader *r, IrVia *via)
{
    if (ir_accept_word(r, "auto"))
        return true;
    for (unsigned i = 0; i < IR_EST_COUNT; i++)
        if (i != IR_EST_AUTO && ir_accept_word(r, ir_estimator_info[i].name)) {
            via->estimator = (IrEstimator)i;
            return true;
        }
    return ir_read_fail(r, "no such estimator");
}

static bool read_via(Reader *r, IrVia *via)
{
    unsigned baseline = IR_NO_BASELINE, noise = IR_INDEPENDENT;
    if (!ir_expect_word(r, "via") || !ir_read_span(r, &via->at) || !read_estimator(r, via))
        return false;
    if (!ir_expect_key(r, "samples") || !ir_read_bounded(r, 0, INT32_MAX, &via->samples))
        return false;
    if (ir_accept_key(r, "baseline") &&
        !ir_read_choice(r, "baseline", ir_baseline_name, IR_BASELINES, &baseline))
        return false;
    if (baseline == IR_CONSTANT_BASELINE && !ir_read_number(r, &via->constant))
        return false;
    if (ir_accept_key(r, "noise") && !ir_read_choice(r, "noise", ir_copies_name, 3, &noise))
        return false;
    if (ir_accept_key(r, "temperature") && !ir_read_number(r, &via->temperature))
        return false;
    if (ir_accept_key(r, "scale") && !ir_read_number(r, &via->scale))
        return false;
    if (ir_accept_key(r, "hidden") && !ir_read_bounded(r, 1, INT32_MAX, &via->hidden))
        return false;
    via->baseline = (IrBaseline)baseline;
    via->noise = (IrCopies)noise;
    via->biased = ir_accept_word(r, "biased");
    return true;
}

static bool read_k(Reader *r, IrOp op, int64_t *k)
{
    uint32_t count = ir_k_count(op);
    if (count && !ir_expect_key(r, "k"))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if ((i && !ir_expect(r, ',')) || !ir_read_int(r, &k[i]))
            return false;
    return true;
}

static bool read_axes(Reader *r, uint32_t *axes)
{
    if (!ir_accept_key(r, "axes"))
        return true;
    do {
        int64_t axis;
        if (!ir_read_bounded(r, 0, IR_MAX_RANK - 1, &axis))
            return false;
        *axes |= 1u << axis;
    } while (ir_accept(r, ','));
    return true;
}

static bool read_plate_attr(Reader *r, int32_t *out)
{
    uint32_t plate;
    if (!ir_expect_key(r, "plate") || !ir_read_plate(r, &plate))
        return false;
    *out = (int32_t)plate;
    return true;
}

/* In the order of put_attr() in ir/print.c. */
static bool read_attr(Reader *r, IrNode *n)
{
    unsigned has = ir_op_info[n->op].attrs, dist = 0;
    IrAttr *attr = &n->attr;
    if ((has & IR_HAS_NUM && !ir_read_number(r, &attr->num)) ||
        (has & IR_HAS_DIST && !ir_read_choice(r, "law", ir_dist_id, IR_DIST_COUNT, &dist)) ||
        (has & IR_HAS_ITEM && !ir_read_position(r, "item", item_name, n->op, &attr->item)) ||
        (has & IR_HAS_TEXT && !ir_read_string(r, &attr->text)) ||
        (has & IR_HAS_PLATE && !read_plate_attr(r, &attr->plate)) || !read_k(r, n->op, attr->k) ||
        (has & IR_HAS_AXES && !read_axes(r, &attr->axes)))
        return false;
    if (has & IR_HAS_OVER && ir_accept_key(r, "over") && !ir_read_plates(r, &attr->over))
        return false;
    attr->dist = (IrDist)dist;
    return !(has & IR_HAS_VIA) || read_via(r, &attr->via);
}

static bool read_place(Reader *r, IrPlace *p)
{
    return (!ir_accept_key(r, "phase") || ir_read_i32(r, &p->phase)) &&
           (!ir_accept_key(r, "kernel") || ir_read_i32(r, &p->kernel)) &&
           (!ir_accept_key(r, "buffer") || ir_read_int(r, &p->buffer));
}

static bool read_remark(Reader *r, DiagCode *code)
{
    for (DiagCode c = 0; c < DIAG_CODES; c++)
        if (diag_info[c].severity == DIAG_REMARK && ir_accept_word(r, diag_info[c].code)) {
            *code = c;
            return true;
        }
    return ir_read_fail(r, "no such remark");
}

static bool read_decision(Reader *r, const IrDecision **out)
{
    IrDecision *d = arena_make(r->arena, IrDecision);
    unsigned law = 0;
    *d = (IrDecision){.reason = ""};
    *out = d;
    if (!read_remark(r, &d->code) || !ir_read_string(r, &d->what))
        return false;
    ir_skip_blanks(r);
    if (*r->at == '"' && !ir_read_string(r, &d->reason))
        return false;
    if (!ir_accept_word(r, "of"))
        return true;
    bool ok = ir_read_string(r, &d->draw) && ir_expect(r, '~') &&
              ir_read_choice(r, "law", ir_dist_id, IR_DIST_COUNT, &law) && read_via(r, &d->via);
    d->law = (IrDist)law;
    return ok && (!ir_accept_word(r, "also") || read_decision(r, &d->also));
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

bool ir_parse_node(Reader *r)
{
    IrNode n = {.place = {-1, -1, -1}};
    Span at = ir_read_place(r);
    IrRef number;
    if (!ir_read_ref(r, &number))
        return false;
    if (number != r->g->count) /* after a node that could not be read, all have another number */
        return !r->broken && ir_read_fail(r, "this node is %%%u", r->g->count);
    at.len = ir_read_place(r).col - at.col;
    if (!ir_accept(r, ':') && (!ir_read_name(r, &n.name) || !ir_expect(r, ':')))
        return false;
    if (!ir_read_type(r, &n.type) || !ir_expect(r, '=') || !read_op(r, &n.op) ||
        !read_operands(r, &n) || !read_attr(r, &n))
        return false;
    if (ir_accept_key(r, "region") && !ir_read_u32(r, &n.region))
        return false;
    if (!read_place(r, &n.place) || !ir_read_span(r, &n.at))
        return false;
    if (ir_accept_word(r, "why") && !read_decision(r, &n.why))
        return false;
    add_node(r, &n, at);
    return true;
}
