/* Moves that put pieces next to each other: concat, pad, to_axis.
 *
 * Each piece of the result has a nest of its own, which copies an operand or clears, so that no
 * element asks which piece it is in. */
#include "codegen/cg.h"

typedef struct Pieces {
    Cg *cg;
    IrRef r;
    CgPlace place;
    uint32_t axis;     /* of the result: along which the pieces stand */
    int32_t plate;     /* of the operand: whose copies that axis holds; or -1 */
    LLVMValueRef next; /* where the next piece begins */
} Pieces;

/* The same element of an operand that begins where the piece does. */
static CgIndex within(const Pieces *p, const CgIndex *at)
{
    CgIndex to = *at;
    LLVMValueRef i = cg_sub(p->cg, at->axis[p->axis], p->next);
    if (p->plate < 0) {
        to.axis[p->axis] = i;
        return to;
    }
    to.plate[p->plate] = i;
    for (uint32_t k = 0; k + 1 < IR_MAX_RANK; k++)
        to.axis[k] = at->axis[k + 1];
    return to;
}

/* Fills up to `end` from an operand, or with zeros. */
static void piece(Pieces *p, IrRef from, LLVMValueRef end)
{
    Cg *cg = p->cg;
    const IrType *t = &ir_at(cg->g, p->r)->type;
    CgNest nest;
    cg_nest(cg, t, &nest);
    CgDim *d = &nest.dim[nest.dims - t->rank + p->axis];
    *d = (CgDim){.plate = -1, .axis = d->axis, .lo = p->next, .hi = end, .extent = -1};
    cg->f.parallel = true;
    cg_nest_open(cg, &nest, nest.dims, true);
    CgIndex to = within(p, &nest.at);
    LLVMValueRef v = from == IR_NONE ? cg_const(cg, t->elem, 0) : cg_value(cg, from, &to);
    cg_store(cg, &p->place, &nest.at, v);
    cg_nest_close(cg, &nest, 0);
    cg->f.parallel = false;
    p->next = end;
}

static LLVMValueRef copies_or_size(const Pieces *p, IrRef from)
{
    if (p->plate >= 0)
        return cg_copies(p->cg, (uint32_t)p->plate);
    return cg_i64(p->cg, ir_at(p->cg->g, from)->type.dim[p->axis]);
}

static void concat(Pieces *p)
{
    const IrNode *n = ir_at(p->cg->g, p->r);
    for (uint32_t i = 0; i < n->n_in; i++)
        piece(p, n->in[i], cg_add(p->cg, p->next, copies_or_size(p, n->in[i])));
}

static void pad(Pieces *p, int64_t first)
{
    Cg *cg = p->cg;
    const IrNode *n = ir_at(cg->g, p->r);
    if (first > 0)
        piece(p, IR_NONE, cg_i64(cg, first));
    piece(p, n->in[0], cg_add(cg, p->next, copies_or_size(p, n->in[0])));
    piece(p, IR_NONE, cg_i64(cg, n->type.dim[p->axis]));
}

void cg_pieces(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    Pieces p = {.cg = cg, .r = r, .plate = -1, .next = cg_i64(cg, 0)};
    cg_place(cg, r, &p.place);
    if (n->op == IR_TO_AXIS) {
        p.plate = n->attr.plate;
        pad(&p, n->attr.k[0]);
        return;
    }
    p.axis = (uint32_t)n->attr.k[0];
    if (n->op == IR_CONCAT)
        concat(&p);
    else
        pad(&p, n->attr.k[1]);
}
