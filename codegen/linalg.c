/* Factorisations and solves: one call of the runtime a copy. */
#include "codegen/cg.h"

static const IrType *type_of(const Cg *cg, IrRef r)
{
    return &ir_at(cg->g, r)->type;
}

/* The matrix r at this copy, contiguous: in place, or else copied into the frame of the function,
 * as only literals need. */
static LLVMValueRef matrix(Cg *cg, IrRef r, const CgIndex *copy)
{
    const IrType *t = type_of(cg, r);
    CgPlace p;
    if (cg_place(cg, r, &p) && cg_contiguous(t, &p)) {
        CgPlace corner = p;
        for (uint32_t i = 0; i < IR_MAX_RANK; i++)
            corner.axis[i] = 0;
        return cg_address(cg, &corner, copy);
    }
    IrType shape = *t;
    shape.plates = 0;
    CgPlace scratch = {.stored = cg->real};
    CgNest nest;
    scratch.base = cg_variable(cg, LLVMArrayType2(cg->real, (uint64_t)ir_elements(&shape)));
    cg_row_major(cg, &shape, &scratch);
    cg_nest(cg, &shape, &nest);
    for (uint32_t i = 0; i < cg->g->plates; i++)
        nest.at.plate[i] = copy->plate[i];
    cg_nest_open(cg, &nest, nest.dims, false);
    cg_store(cg, &scratch, &nest.at, cg_value(cg, r, &nest.at));
    cg_nest_close(cg, &nest, 0);
    return scratch.base;
}

/* The right sides of a solve are copied to the result, which is then solved in place. */
static void copy_right_side(Cg *cg, IrRef r, const CgNest *copies)
{
    const IrNode *n = ir_at(cg->g, r);
    IrType shape = n->type;
    shape.plates = 0;
    CgPlace p;
    CgNest nest;
    cg_place(cg, r, &p);
    cg_nest(cg, &shape, &nest);
    for (uint32_t i = 0; i < cg->g->plates; i++)
        nest.at.plate[i] = copies->at.plate[i];
    cg_nest_open(cg, &nest, nest.dims, false);
    cg_store(cg, &p, &nest.at, cg_value(cg, n->in[1], &nest.at));
    cg_nest_close(cg, &nest, 0);
}

static void solve(Cg *cg, IrRef r, const CgNest *copies, LLVMValueRef a, LLVMValueRef x)
{
    const IrNode *n = ir_at(cg->g, r);
    LLVMValueRef transposed = LLVMConstInt(cg->i32, n->attr.k[0] != 0, false);
    LLVMValueRef size = cg_i64(cg, n->type.dim[0]);
    LLVMValueRef columns = cg_i64(cg, n->type.rank == 2 ? n->type.dim[1] : 1);
    if (n->op == IR_SOLVE) {
        LLVMValueRef b = matrix(cg, n->in[1], &copies->at);
        cg_call(cg, CG_RT_solve, (LLVMValueRef[]){transposed, size, columns, a, b, x}, 6);
        return;
    }
    copy_right_side(cg, r, copies);
    cg_call(cg, CG_RT_solve_tri, (LLVMValueRef[]){transposed, size, columns, a, x}, 5);
}

static void linalg(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    CgNest copies;
    cg_nest_plates(cg, n->type.plates, &copies);
    cg_nest_open(cg, &copies, copies.dims, false);
    LLVMValueRef a = matrix(cg, n->in[0], &copies.at), x = matrix(cg, r, &copies.at);
    if (n->op == IR_CHOLESKY)
        cg_call(cg, CG_RT_cholesky, (LLVMValueRef[]){cg_i64(cg, n->type.dim[0]), a, x}, 3);
    else
        solve(cg, r, &copies, a, x);
    cg_nest_close(cg, &copies, 0);
}

const CgRule emit_linalg = {.kernel = linalg};
