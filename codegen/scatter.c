/* Scatter: rows added to where an index says. */
#include "codegen/cg.h"

static const IrType *type_of(const Cg *cg, IrRef r)
{
    return &ir_at(cg->g, r)->type;
}

static void clear(Cg *cg, IrRef r, const CgPlace *p)
{
    CgNest nest;
    cg_nest(cg, type_of(cg, r), &nest);
    cg->f.parallel = true;
    cg_nest_open(cg, &nest, nest.dims, true);
    cg_store(cg, p, &nest.at, cg_const(cg, type_of(cg, r)->elem, 0));
    cg_nest_close(cg, &nest, 0);
    cg->f.parallel = false;
}

/* Row after row, in order, since rows may meet.  An index out of range was reported by the gather
 * that this is the adjoint of: its row counts for nothing. */
static void scatter(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    uint32_t rank = type_of(cg, n->in[1])->rank;
    IrType domain = *type_of(cg, n->in[0]);
    domain.plates |= type_of(cg, n->in[1])->plates;
    CgPlace p;
    CgNest nest;
    cg_place(cg, r, &p);
    clear(cg, r, &p);
    cg_nest(cg, &domain, &nest);
    cg_nest_open(cg, &nest, nest.dims - (domain.rank - rank), false);
    LLVMValueRef ok, index = cg_value(cg, n->in[1], &nest.at);
    LLVMValueRef row = cg_checked(cg, r, index, n->attr.k[0], &ok);
    cg_nest_open(cg, &nest, nest.dims - nest.open, false);
    LLVMValueRef v = cg_value(cg, n->in[0], &nest.at);
    v = cg_if(cg, ok, v, cg_const(cg, n->type.elem, 0));
    CgIndex to = nest.at;
    to.axis[0] = row;
    for (uint32_t i = rank; i < domain.rank; i++)
        to.axis[i - rank + 1] = nest.at.axis[i];
    cg_store(cg, &p, &to, cg_arith(cg, LLVMFAdd, cg_load(cg, &p, &to), v));
    cg_nest_close(cg, &nest, 0);
}

const CgRule emit_scatter = {.kernel = scatter};
