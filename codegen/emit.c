/* Rules by op, and the kernels of a phase. */
#include "codegen/cg.h"

#define OP(id, name, arity, type, value, emit, ...) extern const CgRule emit_##emit;
#include "ir/op.def"

static const CgRule *const rule[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, ...) [IR_##id] = &emit_##emit,
#include "ir/op.def"
};

const CgRule *cg_rule(IrOp op)
{
    return rule[op];
}

/* Ops of source graphs: no scheduled graph has them. */
const CgRule emit_none = {0};

/* ---- roots ---------------------------------------------------------------------------------- */

void cg_alone(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    cg_fused(cg, &r, 1, cg_folds(n) ? &ir_at(cg->g, n->in[0])->type : &n->type);
}

/* Nothing is left to do where the value was computed in the gradient's own array. */
static void grad_kernel(Cg *cg, IrRef r)
{
    IrRef from = ir_at(cg->g, r)->in[0];
    while (cg->grad_of[from] == IR_NONE && ir_at(cg->g, from)->op == IR_RESHAPE)
        from = ir_at(cg->g, from)->in[0];
    if (cg->grad_of[from] != r)
        cg_alone(cg, r);
}

const CgRule emit_grad = {.value = cg_operand, .kernel = grad_kernel};
const CgRule emit_cost = {.kernel = cg_alone};

/* ---- kernels -------------------------------------------------------------------------------- */

/* Is there nothing to compute: a leaf or a view of what lies in memory? */
static bool costs_nothing(const Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    if (ir_op_info[n->op].flags & IR_EFFECT || cg->grad_of[r] != IR_NONE)
        return false;
    if (n->place.buffer < 0)
        return true;
    return n->op == IR_RESHAPE && ir_at(cg->g, n->in[0])->place.buffer == n->place.buffer;
}

void cg_node(Cg *cg, IrRef r)
{
    const CgRule *by = cg_rule(ir_at(cg->g, r)->op);
    if (costs_nothing(cg, r))
        return;
    LLVMMetadataRef outer = cg_debug_enter(cg, r);
    if (by->kernel)
        by->kernel(cg, r);
    else if (by->value)
        cg_alone(cg, r);
    else
        cg_error(cg, ir_op_info[ir_at(cg->g, r)->op].name, "cannot be computed");
    if (!by->value && !cg_folds(ir_at(cg->g, r))) /* those have a loop that looks at them */
        cg_watch_stored(cg, r);
    cg_debug_leave(cg, outer);
}

static void emit_kernel(Cg *cg, const IrKernel *k)
{
    cg->kernels++;
    switch (k->kind) {
    case IR_KERNEL_LOOP:
        cg_fused(cg, k->node, k->nodes, &k->domain);
        return;
    case IR_KERNEL_SCAN:
        cg_scan(cg, k);
        return;
    case IR_KERNEL_SINGLE:
    case IR_KERNEL_VIEW:
        for (uint32_t i = 0; i < k->nodes; i++)
            cg_node(cg, k->node[i]);
    }
}

/* What has no axis to cut is the first task's. */
static void emit_cut(Cg *cg, const IrKernel *k)
{
    const IrNode *n = ir_at(cg->g, k->node[0]);
    const IrType *t = k->kind == IR_KERNEL_LOOP ? &k->domain : &n->type;
    if (cg->f.kind != IR_PHASE_BLOCKS || t->rank > 0) {
        emit_kernel(cg, k);
        return;
    }
    LLVMBasicBlockRef once = cg_block(cg, "once"), next = cg_block(cg, "next");
    LLVMValueRef zero = cg_i64(cg, 0);
    LLVMValueRef first = LLVMBuildICmp(cg->b, LLVMIntEQ, cg->f.task, zero, "");
    LLVMBuildCondBr(cg->b, first, once, next);
    LLVMPositionBuilderAtEnd(cg->b, once);
    emit_kernel(cg, k);
    LLVMBuildBr(cg->b, next);
    LLVMPositionBuilderAtEnd(cg->b, next);
}

/* ---- phases --------------------------------------------------------------------------------- */

static void open_function(Cg *cg, LLVMValueRef fn, IrPhaseKind kind)
{
    const uint32_t items[CG_TABLES] = {[CG_PARAM] = cg->m->params,
                                       [CG_GRAD] = cg->m->params,
                                       [CG_DATA] = cg->m->datas,
                                       [CG_OUTPUT] = cg->g->count};
    cg->f = (CgFunction){.fn = fn, .kind = kind, .scan = {.plate = -1}};
    for (int t = 0; t < CG_TABLES; t++)
        cg->f.table[t] = arena_array(cg->arena, LLVMValueRef, items[t] + 1);
    cg->f.ready = arena_array(cg->arena, LLVMValueRef, cg->g->count + 1);
    cg->f.buffer = arena_array(cg->arena, LLVMValueRef, cg->g->count + 1);
    cg->f.frame = LLVMGetParam(fn, 0);
    cg->f.task = LLVMGetParam(fn, 1);
    LLVMSetValueName2(cg->f.frame, "frame", 5);
    LLVMSetValueName2(cg->f.task, "task", 4);
    cg->f.part = kind == IR_PHASE_ROWS ? cg->f.task : NULL;
    cg->f.entry = cg_block(cg, "entry");
    LLVMBasicBlockRef body = cg_block(cg, "start");
    LLVMPositionBuilderAtEnd(cg->b, cg->f.entry);
    LLVMBuildBr(cg->b, body);
    LLVMPositionBuilderAtEnd(cg->b, body);
}

void cg_phase(Cg *cg, uint32_t phase, uint32_t first, uint32_t last, LLVMValueRef fn)
{
    uint32_t number = 0;
    open_function(cg, fn, cg->g->phase[phase].kind);
    for (uint32_t i = 0; i < cg->g->kernels; i++) {
        const IrKernel *k = &cg->g->kernel[i];
        if (k->phase != (int32_t)phase)
            continue;
        if (first <= number && number < last && k->nodes)
            emit_cut(cg, k);
        number++;
    }
    LLVMBuildRetVoid(cg->b);
}
