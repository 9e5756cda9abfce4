/* Sequences: the nodes of a region, step by step.
 *
 * At each step every node is computed for the other copies that it has, and stored in its place
 * among the steps.  Neighbours that work element by element share a nest. */
#include "codegen/cg.h"

/* May r share a nest with element-wise nodes of its type? */
static bool is_pointwise(const IrNode *n)
{
    return (ir_op_info[n->op].flags & IR_EW) || n->op == IR_CARRY || n->op == IR_SAMPLED ||
           n->op == IR_SCORE || n->op == IR_STOP;
}

static bool same_domain(const IrType *a, const IrType *b)
{
    return a->plates == b->plates && ir_same_shape(a, b);
}

static uint32_t run_length(const Cg *cg, const IrRef *node, uint32_t nodes)
{
    uint32_t n = 0;
    const IrNode *first = ir_at(cg->g, node[0]);
    while (n < nodes && is_pointwise(ir_at(cg->g, node[n])) &&
           same_domain(&first->type, &ir_at(cg->g, node[n])->type))
        n++;
    return n;
}

static void emit_step(Cg *cg, const IrRef *node, uint32_t nodes)
{
    for (uint32_t i = 0, n; i < nodes; i += n) {
        n = run_length(cg, node + i, nodes - i);
        if (n > 0)
            cg_fused(cg, node + i, n, &ir_at(cg->g, node[i])->type);
        else
            cg_node(cg, node[i]), n = 1;
    }
}

void cg_scan(Cg *cg, const IrKernel *k)
{
    const IrRegion *region = &cg->g->region[ir_at(cg->g, k->node[0])->region - 1];
    int64_t steps = cg->g->plate[region->plate].size;
    CgLoop l = cg_loop(cg, cg_i64(cg, 0), cg_i64(cg, steps), -1, false);
    LLVMValueRef zero = cg_i64(cg, 0), one = cg_i64(cg, 1), last = cg_i64(cg, steps - 1);
    CgScan s = {.plate = region->plate, .done = l.i};
    s.is_first = LLVMBuildICmp(cg->b, LLVMIntEQ, l.i, zero, "is_first");
    s.step = region->reverse ? cg_sub(cg, last, l.i) : l.i;
    LLVMValueRef before = region->reverse ? cg_add(cg, s.step, one) : cg_sub(cg, s.step, one);
    s.before = cg_if(cg, s.is_first, s.step, before);
    cg->f.scan = s;
    emit_step(cg, k->node, k->nodes);
    cg->f.scan = (CgScan){.plate = -1};
    cg_loop_end(cg, &l);
}
