/* What the type rule of an op does not say: types that are given, not derived, and what its
 * attributes name.  The node and its operands are sound. */
#include "ir/verify.h"

#include <inttypes.h>
#include <math.h>

static const char *type_text(const Verifier *v, const IrType *t)
{
    return ir_type_text(v->g, t);
}

static bool has_type(const IrType *t, IrElem elem, IrPlates plates, uint32_t rank)
{
    return t->elem == elem && t->plates == plates && t->rank == rank;
}

static const IrType *operand(const Verifier *v, const IrNode *n, uint32_t i)
{
    return &v->g->node[n->in[i]].type;
}

/* The value of an operand may be shared by the copies and, if it is a scalar, by the elements. */
static bool broadcasts(const IrType *from, const IrType *to)
{
    return from->elem == to->elem && !(from->plates & ~to->plates) &&
           (from->rank == 0 || ir_same_shape(from, to));
}

static void check_const(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    double x = n->attr.num;
    if ((n->type.elem == IR_INT && x != floor(x)) || (n->type.elem == IR_BOOL && x != 0 && x != 1))
        ir_node_broken(v, r, "%g is not of type %s", x, ir_elem_name[n->type.elem]);
}

static void check_data(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    const IrData *x = &v->g->model->data[n->attr.item];
    IrPlates rows = 0;
    for (uint32_t i = 0; i < v->g->plates; i++)
        if (v->g->plate[i].kind == IR_PLATE_ROWS)
            rows |= 1u << i;
    if (n->type.elem != x->type.elem || !ir_same_shape(&n->type, &x->type) ||
        n->type.plates != (x->by_rows ? rows : 0))
        ir_node_broken(v, r, "its type is %s, but column %s has %s %s", type_text(v, &n->type),
                       x->name, x->by_rows ? "rows of" : "the one value", type_text(v, &x->type));
}

static void check_carry(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    IrType init = *operand(v, n, 0), next = *operand(v, n, 1);
    for (uint32_t i = 0; i < 2; i++)
        if (!broadcasts(operand(v, n, i), &n->type))
            ir_node_broken(v, r, "it carries %s, its type is %s", type_text(v, i ? &next : &init),
                           type_text(v, &n->type));
    if (n->in[1] >= r && n->region && v->g->node[n->in[1]].region != n->region)
        ir_node_broken(v, r, "what it carries comes later and is not of its region");
}

static void check_reshape(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    const IrType *a = operand(v, n, 0);
    if (a->elem != n->type.elem || a->plates != n->type.plates ||
        ir_elements(a) != ir_elements(&n->type))
        ir_node_broken(v, r, "%s does not have the elements of %s", type_text(v, a),
                       type_text(v, &n->type));
}

/* Does argument i of a law have a shape that its rules in ir/dist.c can use? */
static bool argument_fits(const Verifier *v, const IrNode *n, uint32_t i)
{
    const IrType *a = operand(v, n, i), *x = &n->type;
    int64_t last = x->rank ? x->dim[x->rank - 1] : 0;
    if (a->elem != IR_REAL || a->plates & ~x->plates)
        return false;
    switch (ir_dist_info[n->attr.dist].support) {
    case IR_CATEGORIES:
        return a->rank == 1;
    case IR_SIMPLEX_EVENTS:
    case IR_ONE_HOT_EVENTS: /* events [n] or [k, n], and one event's argument */
        return x->rank <= 2 && a->rank == 1 && a->dim[0] == last;
    case IR_COUNT_EVENTS:
        return i == 0 ? a->rank == 0 : x->rank <= 2 && a->rank == 1 && a->dim[0] == last;
    case IR_EVENT_SPACE: /* events [d] or [k, d], their mean, and a factor [d, d] */
        if (i == 1)
            return a->rank == 2 && a->dim[0] == last && a->dim[1] == last;
        return x->rank <= 2 && (ir_same_shape(a, x) || (a->rank == 1 && a->dim[0] == last));
    default:
        return a->rank == 0 || ir_same_shape(a, x);
    }
}

static void check_sample(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    const IrDistInfo *law = &ir_dist_info[n->attr.dist];
    const char *name = ir_dist_id[n->attr.dist];
    bool reads = n->attr.via.baseline == IR_LEARNED_BASELINE;
    if (n->n_in < law->arguments || (n->n_in > law->arguments && !reads)) {
        ir_node_broken(v, r, "%s takes %u arguments", name, law->arguments);
        return;
    }
    if (n->type.elem != law->elem)
        ir_node_broken(v, r, "%s draws %s", name, ir_elem_name[law->elem]);
    for (uint32_t i = law->arguments; i < n->n_in; i++)
        if (operand(v, n, i)->plates & ~n->type.plates)
            ir_node_broken(v, r, "its baseline reads %s, which has other copies",
                           type_text(v, operand(v, n, i)));
    for (uint32_t i = 0; i < law->arguments; i++)
        if (!argument_fits(v, n, i))
            ir_node_broken(v, r, "argument %u of %s is %s, which does not fit a draw of %s", i + 1,
                           name, type_text(v, operand(v, n, i)), type_text(v, &n->type));
}

static void check_param(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    const IrParam *p = &v->g->model->param[n->attr.item];
    if (!ir_type_equal(&n->type, &p->type))
        ir_node_broken(v, r, "its type is %s, but parameter %s is %s", type_text(v, &n->type),
                       p->name, type_text(v, &p->type));
}

static void check_partial(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (v->g->plate[n->attr.plate].kind != IR_PLATE_PARTS)
        ir_node_broken(v, r, "plate %s is not a plate of parts", v->g->plate[n->attr.plate].name);
}

static void check_index(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (!has_type(&n->type, IR_INT, 1u << n->attr.plate, 0))
        ir_node_broken(v, r, "an index is one int a copy of its plate");
}

static void check_one_real(Verifier *v, IrRef r)
{
    const IrType *t = &v->g->node[r].type;
    if (!has_type(t, IR_REAL, 0, 0))
        ir_node_broken(v, r, "it is one real, not %s", type_text(v, t));
}

static void check_state(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    const IrState *s = &v->g->state[n->attr.item];
    if (!ir_type_equal(&n->type, &s->type))
        ir_node_broken(v, r, "its type is %s, but state %s is %s", type_text(v, &n->type), s->name,
                       type_text(v, &s->type));
}

static void check_draw(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (n->type.elem != IR_REAL || n->attr.k[0] < 0 || n->attr.k[0] > 1)
        ir_node_broken(v, r, "base noise is real, and normal (0) or uniform (1)");
}

static void check_expect(Verifier *v, IrRef r)
{
    if (v->g->node[v->g->node[r].in[0]].op != IR_SAMPLE)
        ir_node_broken(v, r, "an expectation is over a sample");
}

static void check_root(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (!broadcasts(operand(v, n, 0), &n->type) || (n->op == IR_COST && n->type.elem != IR_REAL))
        ir_node_broken(v, r, "%s does not fit its operand %s", type_text(v, &n->type),
                       type_text(v, operand(v, n, 0)));
}

static void check_cumsum(Verifier *v, IrRef r)
{
    const IrNode *n = &v->g->node[r];
    if (n->attr.k[0] < 0 || n->attr.k[0] >= n->type.rank)
        ir_node_broken(v, r, "there is no axis %" PRId64, n->attr.k[0]);
}

void ir_verify_op(Verifier *v, IrRef r)
{
    static void (*const rule[IR_OP_COUNT])(Verifier *, IrRef) = {
        [IR_CONST] = check_const,     [IR_PARAM] = check_param,        [IR_DATA] = check_data,
        [IR_HYPER] = check_one_real,  [IR_INDEX] = check_index,        [IR_ROWS] = check_one_real,
        [IR_TOTAL] = check_one_real,  [IR_STATE] = check_state,        [IR_DRAW] = check_draw,
        [IR_SAMPLE] = check_sample,   [IR_EXPECT] = check_expect,      [IR_COST] = check_root,
        [IR_OUTPUT] = check_root,     [IR_OBJECTIVE] = check_one_real, [IR_GRAD] = check_param,
        [IR_NEXT] = check_state,      [IR_PARTIAL] = check_partial,    [IR_CUMSUM] = check_cumsum,
        [IR_RESHAPE] = check_reshape, [IR_CARRY] = check_carry,
    };
    IrOp op = v->g->node[r].op;
    if (rule[op])
        rule[op](v, r);
}
