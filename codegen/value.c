/* The value of one element of a node: what loops are filled with.
 *
 * A node is read from memory if it lies there, else computed on the spot from its operands. */
#include "codegen/cg.h"

#include <assert.h>
#include <math.h>

LLVMValueRef cg_value(Cg *cg, IrRef r, const CgIndex *at)
{
    if (at == cg->f.at && cg->f.ready[r])
        return cg->f.ready[r];
    CgPlace p;
    if (cg_place(cg, r, &p))
        return cg_load(cg, &p, at);
    const CgRule *rule = cg_rule(ir_at(cg->g, r)->op);
    if (rule->value) {
        LLVMMetadataRef outer = cg_debug_enter(cg, r);
        LLVMValueRef v = rule->value(cg, r, at);
        cg_debug_leave(cg, outer);
        return v;
    }
    cg_error(cg, ir_op_info[ir_at(cg->g, r)->op].name, "has no buffer");
    return LLVMGetUndef(cg_type(cg, ir_at(cg->g, r)->type.elem));
}

static const IrType *type_of(const Cg *cg, IrRef r)
{
    return &ir_at(cg->g, r)->type;
}

/* ---- leaves --------------------------------------------------------------------------------- */

static LLVMValueRef konst_value(Cg *cg, IrRef r, const CgIndex *at)
{
    (void)at;
    return cg_const(cg, type_of(cg, r)->elem, ir_at(cg->g, r)->attr.num);
}

/* Element `item` of an array of doubles, as a real; read before the loops. */
static LLVMValueRef frame_real(Cg *cg, CgFrame field, uint32_t item)
{
    LLVMValueRef table = cg_field(cg, field);
    LLVMBasicBlockRef before = cg_enter_entry(cg);
    LLVMValueRef at[] = {cg_i64(cg, item)};
    LLVMValueRef p = LLVMBuildInBoundsGEP2(cg->b, cg->f64, table, at, 1, "");
    LLVMValueRef v = LLVMBuildLoad2(cg->b, cg->f64, p, "");
    v = LLVMBuildFPCast(cg->b, v, cg->real, "");
    cg_leave_entry(cg, before);
    return v;
}

static LLVMValueRef hyper_value(Cg *cg, IrRef r, const CgIndex *at)
{
    (void)at;
    return frame_real(cg, CG_FRAME_hyper, ir_at(cg->g, r)->attr.item);
}

static LLVMValueRef state_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrNode *n = ir_at(cg->g, r);
    int64_t first = ir_state_at(cg->g, n->attr.item);
    if (n->type.rank == 0)
        return frame_real(cg, CG_FRAME_state, (uint32_t)first);
    LLVMValueRef start = cg_i64(cg, first), all = cg_field(cg, CG_FRAME_state);
    CgPlace p = {.stored = cg->f64,
                 .base = LLVMBuildInBoundsGEP2(cg->b, cg->f64, all, &start, 1, "")};
    cg_row_major(cg, &n->type, &p);
    return cg_load(cg, &p, at);
}

static LLVMValueRef rows_value(Cg *cg, IrRef r, const CgIndex *at)
{
    (void)r, (void)at;
    return LLVMBuildSIToFP(cg->b, cg_field(cg, CG_FRAME_rows), cg->real, "");
}

static LLVMValueRef total_value(Cg *cg, IrRef r, const CgIndex *at)
{
    (void)r, (void)at;
    return LLVMBuildFPCast(cg->b, cg_field(cg, CG_FRAME_total_rows), cg->real, "");
}

LLVMValueRef cg_row(Cg *cg, LLVMValueRef i)
{
    LLVMValueRef rows = cg_field(cg, CG_FRAME_row);
    LLVMValueRef p = LLVMBuildInBoundsGEP2(cg->b, cg->i64, rows, &i, 1, "");
    return LLVMBuildLoad2(cg->b, cg->i64, p, "");
}

static LLVMValueRef index_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrAttr *a = &ir_at(cg->g, r)->attr;
    LLVMValueRef i = at->plate[a->plate];
    if (cg->g->plate[a->plate].kind == IR_PLATE_ROWS)
        i = cg_row(cg, i);
    i = cg_add(cg, i, cg_i64(cg, a->k[0]));
    return LLVMBuildTrunc(cg->b, i, cg->i32, "");
}

const CgRule emit_konst = {.value = konst_value}, emit_hyper = {.value = hyper_value},
             emit_state = {.value = state_value}, emit_rows = {.value = rows_value},
             emit_total = {.value = total_value}, emit_index = {.value = index_value},
             emit_param = {0}, emit_data = {0};

/* ---- element-wise --------------------------------------------------------------------------- */

static LLVMValueRef ew_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrNode *n = ir_at(cg->g, r);
    LLVMValueRef in[3] = {NULL};
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = cg_value(cg, n->in[i], at);
    return cg_watch_value(cg, r, at, cg_scalar(cg, n->op, in), in);
}

LLVMValueRef cg_operand(Cg *cg, IrRef r, const CgIndex *at)
{
    return cg_value(cg, ir_at(cg->g, r)->in[0], at);
}

const CgRule emit_ew = {.value = ew_value}, emit_copy = {.value = cg_operand},
             emit_output = {.value = cg_operand}, emit_object = {.value = cg_operand},
             emit_next = {.value = cg_operand};

/* The first step of a sequence starts from outside; the others continue the step before. */
static LLVMValueRef carry_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrNode *n = ir_at(cg->g, r);
    CgIndex before = *at;
    before.plate[cg->f.scan.plate] = cg->f.scan.before;
    LLVMValueRef first = cg_value(cg, n->in[0], at), other = cg_value(cg, n->in[1], &before);
    return cg_if(cg, cg->f.scan.is_first, first, other);
}

const CgRule emit_carry = {.value = carry_value};

/* ---- shape ---------------------------------------------------------------------------------- */

/* Row-major position in one shape, read as a position in another. */
static LLVMValueRef reshape_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrNode *n = ir_at(cg->g, r);
    const IrType *from = type_of(cg, n->in[0]);
    CgIndex to = *at;
    LLVMValueRef flat = cg_i64(cg, 0);
    for (uint32_t i = 0; i < n->type.rank; i++)
        flat = cg_add(cg, cg_mul(cg, flat, n->type.dim[i]), at->axis[i]);
    for (uint32_t i = from->rank; i-- > 0;) {
        LLVMValueRef size = cg_i64(cg, from->dim[i]);
        to.axis[i] = i ? LLVMBuildURem(cg->b, flat, size, "") : flat;
        flat = LLVMBuildUDiv(cg->b, flat, size, "");
    }
    return cg_value(cg, n->in[0], &to);
}

const CgRule emit_reshape = {.value = reshape_value};

static void remove_index(CgIndex *at, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < IR_MAX_RANK; i++)
        at->axis[i] = at->axis[i + 1];
}

static void insert_index(CgIndex *at, uint32_t axis, LLVMValueRef i)
{
    for (uint32_t k = IR_MAX_RANK - 1; k > axis; k--)
        at->axis[k] = at->axis[k - 1];
    at->axis[axis] = i;
}

/* Element *i of an operand of `size`, at `to`, which *i is part of; zero outside of it. */
static LLVMValueRef padded(Cg *cg, IrRef a, CgIndex *to, LLVMValueRef *i, LLVMValueRef size)
{
    LLVMValueRef inside = LLVMBuildICmp(cg->b, LLVMIntULT, *i, size, "");
    *i = cg_if(cg, inside, *i, cg_i64(cg, 0));
    LLVMValueRef v = cg_value(cg, a, to);
    return cg_if(cg, inside, v, cg_const(cg, type_of(cg, a)->elem, 0));
}

static LLVMValueRef pad_value(Cg *cg, const IrNode *n, CgIndex at)
{
    const int64_t *k = n->attr.k;
    at.axis[k[0]] = cg_add(cg, at.axis[k[0]], cg_i64(cg, -k[1]));
    LLVMValueRef size = cg_i64(cg, type_of(cg, n->in[0])->dim[k[0]]);
    return padded(cg, n->in[0], &at, &at.axis[k[0]], size);
}

static LLVMValueRef to_axis_value(Cg *cg, const IrNode *n, CgIndex at)
{
    int32_t plate = n->attr.plate;
    at.plate[plate] = cg_add(cg, at.axis[0], cg_i64(cg, -n->attr.k[0]));
    remove_index(&at, 0);
    return padded(cg, n->in[0], &at, &at.plate[plate], cg_copies(cg, (uint32_t)plate));
}

static LLVMValueRef concat_value(Cg *cg, const IrNode *n, CgIndex at)
{
    int64_t axis = n->attr.k[0], first = 0;
    LLVMValueRef v = NULL;
    for (uint32_t i = 0; i < n->n_in; i++) {
        int64_t size = type_of(cg, n->in[i])->dim[axis];
        CgIndex to = at;
        to.axis[axis] = cg_add(cg, at.axis[axis], cg_i64(cg, -first));
        LLVMValueRef piece = padded(cg, n->in[i], &to, &to.axis[axis], cg_i64(cg, size));
        LLVMValueRef past = LLVMBuildICmp(cg->b, LLVMIntSGE, at.axis[axis], cg_i64(cg, first), "");
        v = v ? cg_if(cg, past, piece, v) : piece;
        first += size;
    }
    return v;
}

static LLVMValueRef one_hot_value(Cg *cg, const IrNode *n, CgIndex at)
{
    LLVMValueRef hot = cg_value(cg, n->in[0], &at);
    LLVMValueRef i = LLVMBuildTrunc(cg->b, at.axis[n->type.rank - 1], cg->i32, "");
    LLVMValueRef same = LLVMBuildICmp(cg->b, LLVMIntEQ, hot, i, "");
    return cg_if(cg, same, cg_const(cg, IR_REAL, 1), cg_const(cg, IR_REAL, 0));
}

/* a where the two axes compare so, else zero. */
static LLVMValueRef where(Cg *cg, LLVMIntPredicate p, const CgIndex *at, LLVMValueRef a, IrElem e)
{
    LLVMValueRef c = LLVMBuildICmp(cg->b, p, at->axis[0], at->axis[1], "");
    return cg_if(cg, c, a, cg_const(cg, e, 0));
}

static LLVMValueRef move_value(Cg *cg, IrRef r, const CgIndex *from)
{
    const IrNode *n = ir_at(cg->g, r);
    const int64_t *k = n->attr.k;
    CgIndex at = *from;
    switch (n->op) {
    case IR_TRANSPOSE:
        for (uint32_t i = 0; i < n->type.rank; i++)
            at.axis[k[i]] = from->axis[i];
        return cg_value(cg, n->in[0], &at);
    case IR_EXPAND:
        remove_index(&at, (uint32_t)k[0]);
        return cg_value(cg, n->in[0], &at);
    case IR_SLICE:
        at.axis[k[0]] = cg_add(cg, at.axis[k[0]], cg_i64(cg, k[1]));
        return cg_value(cg, n->in[0], &at);
    case IR_DIAG_PART:
        at.axis[1] = at.axis[0];
        return cg_value(cg, n->in[0], &at);
    case IR_TO_PLATE:
        insert_index(&at, 0, cg_add(cg, at.plate[n->attr.plate], cg_i64(cg, k[0])));
        return cg_value(cg, n->in[0], &at);
    case IR_DIAG:
        return where(cg, LLVMIntEQ, from, cg_value(cg, n->in[0], &at), n->type.elem);
    case IR_TRIL:
        return where(cg, LLVMIntSGE, from, cg_value(cg, n->in[0], &at), n->type.elem);
    case IR_PAD:
        return pad_value(cg, n, at);
    case IR_CONCAT:
        return concat_value(cg, n, at);
    case IR_ONE_HOT:
        return one_hot_value(cg, n, at);
    default:
        assert(n->op == IR_TO_AXIS);
        return to_axis_value(cg, n, at);
    }
}

static void move_kernel(Cg *cg, IrRef r)
{
    IrOp op = ir_at(cg->g, r)->op;
    if (op == IR_CONCAT || op == IR_PAD || op == IR_TO_AXIS)
        cg_pieces(cg, r);
    else
        cg_alone(cg, r);
}

const CgRule emit_move = {.value = move_value, .kernel = move_kernel};

/* ---- gather --------------------------------------------------------------------------------- */

LLVMValueRef cg_checked(Cg *cg, IrRef gather, LLVMValueRef index, int64_t size, LLVMValueRef *ok)
{
    LLVMValueRef wide = LLVMBuildSExt(cg->b, index, cg->i64, "");
    *ok = LLVMBuildICmp(cg->b, LLVMIntULT, wide, cg_i64(cg, size), "in_range");
    if (ir_at(cg->g, gather)->op == IR_GATHER && !ir_at(cg->g, gather)->attr.k[0]) {
        LLVMBasicBlockRef fault = cg_block(cg, "fault"), next = cg_block(cg, "next");
        LLVMBuildCondBr(cg->b, *ok, next, fault);
        LLVMPositionBuilderAtEnd(cg->b, fault);
        LLVMValueRef place = LLVMConstInt(cg->i32, cg_fault_place(cg, gather), false);
        cg_call(cg, CG_RT_fault_index, (LLVMValueRef[]){cg->f.frame, place, wide, cg_i64(cg, size)},
                4);
        LLVMBuildBr(cg->b, next);
        LLVMPositionBuilderAtEnd(cg->b, next);
    }
    return cg_if(cg, *ok, wide, cg_i64(cg, 0));
}

static LLVMValueRef gathered(Cg *cg, const IrNode *n, CgIndex at, LLVMValueRef row, LLVMValueRef ok)
{
    uint32_t rank = type_of(cg, n->in[1])->rank;
    CgIndex to = at;
    to.axis[0] = row;
    for (uint32_t i = 1; i < type_of(cg, n->in[0])->rank; i++)
        to.axis[i] = at.axis[rank + i - 1];
    LLVMValueRef v = cg_value(cg, n->in[0], &to);
    bool hole = n->attr.k[0] && n->type.elem == IR_REAL;
    return hole ? cg_if(cg, ok, v, cg_const(cg, IR_REAL, (double)NAN)) : v;
}

static LLVMValueRef gather_value(Cg *cg, IrRef r, const CgIndex *at)
{
    const IrNode *n = ir_at(cg->g, r);
    LLVMValueRef ok, index = cg_value(cg, n->in[1], at);
    LLVMValueRef row = cg_checked(cg, r, index, type_of(cg, n->in[0])->dim[0], &ok);
    return gathered(cg, n, *at, row, ok);
}

/* An index is checked once, before the row that it names is copied. */
static void gather_kernel(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    CgPlace p;
    CgNest nest;
    cg_place(cg, r, &p);
    cg_nest(cg, &n->type, &nest);
    cg->f.parallel = true;
    cg_nest_open(cg, &nest, nest.dims - (type_of(cg, n->in[0])->rank - 1), true);
    LLVMValueRef ok, index = cg_value(cg, n->in[1], &nest.at);
    LLVMValueRef row = cg_checked(cg, r, index, type_of(cg, n->in[0])->dim[0], &ok);
    cg_nest_open(cg, &nest, nest.dims - nest.open, true);
    cg_store(cg, &p, &nest.at, gathered(cg, n, nest.at, row, ok));
    cg_nest_close(cg, &nest, 0);
    cg->f.parallel = false;
}

const CgRule emit_gather = {.value = gather_value, .kernel = gather_kernel};
