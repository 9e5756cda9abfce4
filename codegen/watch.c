/* Under -g, every operation on reals tells of a result that is not finite: what is computed in a
 * register at once, what a kernel makes when it has stored it.  Moves make no value of their own.
 *
 * Of all such results the first is wanted: that of the earliest kernel; in a sequence, of the
 * earliest step; then of the operation that is emitted first, which is before those that read it.
 */
#include "codegen/cg.h"

#include <math.h>

/* The row of the data set that an element belongs to, or -1. */
static LLVMValueRef row_at(Cg *cg, IrRef r, const CgIndex *at)
{
    for (uint32_t p = 0; p < cg->g->plates; p++)
        if (cg->g->plate[p].kind == IR_PLATE_ROWS && ir_at(cg->g, r)->type.plates >> p & 1)
            return cg_row(cg, at->plate[p]);
    return cg_i64(cg, -1);
}

/* The kernel in the upper half, in a sequence the steps before this one in the lower. */
static LLVMValueRef now(Cg *cg)
{
    LLVMValueRef kernel = cg_i64(cg, (int64_t)cg->kernels << 32);
    return cg->f.scan.plate < 0 ? kernel : cg_add(cg, kernel, cg->f.scan.done);
}

/* Returns what is to stand for v: the value itself, or a finite one (runtime/blame.c). */
static LLVMValueRef tell(Cg *cg, IrRef r, const CgIndex *at, LLVMValueRef v, const LLVMValueRef *in)
{
    const IrNode *n = ir_at(cg->g, r);
    LLVMValueRef none = LLVMConstReal(cg->real, 0), operand[] = {none, none};
    uint32_t operands = 0;
    for (uint32_t i = 0; in && i < n->n_in && operands < 2; i++)
        if (cg_is_real(in[i]))
            operand[operands++] = in[i];
    LLVMValueRef args[] = {cg->f.frame,
                           LLVMConstInt(cg->i32, cg_value_place(cg, r), false),
                           LLVMConstInt(cg->i32, operands, false),
                           now(cg),
                           row_at(cg, r, at),
                           operand[0],
                           operand[1],
                           v};
    LLVMValueRef told = cg_call(cg, CG_RT_fault_value, args, sizeof args / sizeof *args);
    LLVMValueRef forgiven =
        LLVMBuildICmp(cg->b, LLVMIntNE, told, LLVMConstInt(cg->i32, 0, false), "forgiven");
    return LLVMBuildSelect(cg->b, forgiven, LLVMConstReal(cg->real, 1), v, "");
}

static bool is_watched(const Cg *cg, IrRef r)
{
    return cg->options->watch && ir_at(cg->g, r)->type.elem == IR_REAL;
}

/* What stands for v after the look at it.  `to` is where v is stored, or NULL. */
static LLVMValueRef look(Cg *cg, IrRef r, const CgIndex *at, LLVMValueRef v, const LLVMValueRef *in,
                         const CgPlace *to)
{
    LLVMValueRef size = cg_intrinsic(cg, "llvm.fabs", &v, 1);
    LLVMValueRef infinite = LLVMConstReal(cg->real, (double)INFINITY);
    LLVMValueRef ok = LLVMBuildFCmp(cg->b, LLVMRealOLT, size, infinite, "finite");
    LLVMBasicBlockRef before = LLVMGetInsertBlock(cg->b);
    LLVMBasicBlockRef fault = cg_block(cg, "fault"), next = cg_block(cg, "next");
    LLVMBuildCondBr(cg->b, ok, next, fault);
    LLVMPositionBuilderAtEnd(cg->b, fault);
    LLVMValueRef other = tell(cg, r, at, v, in);
    if (to)
        cg_store(cg, to, at, other);
    fault = LLVMGetInsertBlock(cg->b);
    LLVMBuildBr(cg->b, next);
    LLVMPositionBuilderAtEnd(cg->b, next);
    LLVMValueRef phi = LLVMBuildPhi(cg->b, cg->real, "");
    LLVMAddIncoming(phi, (LLVMValueRef[]){v, other}, (LLVMBasicBlockRef[]){before, fault}, 2);
    return phi;
}

LLVMValueRef cg_watch_value(Cg *cg, IrRef r, const CgIndex *at, LLVMValueRef v,
                            const LLVMValueRef *in)
{
    return is_watched(cg, r) ? look(cg, r, at, v, in, NULL) : v;
}

void cg_watch_stored(Cg *cg, IrRef r)
{
    CgPlace p;
    CgNest nest;
    if (!is_watched(cg, r) || ir_op_info[ir_at(cg->g, r)->op].flags & IR_EFFECT)
        return;
    cg_place(cg, r, &p);
    cg_nest(cg, &ir_at(cg->g, r)->type, &nest);
    cg_nest_open(cg, &nest, nest.dims, false);
    look(cg, r, &nest.at, cg_load(cg, &p, &nest.at), NULL, &p);
    cg_nest_close(cg, &nest, 0);
}
