/* Where values lie in memory.
 *
 * A buffer of the arena is [plates][shape], row-major, with the rows plate at its bound.  A view is
 * the place of its operand with other strides.  Roots lie where the frame says: the value that a
 * gradient reports is computed in the gradient's own array. */
#include "codegen/cg.h"

void cg_row_major(const Cg *cg, const IrType *t, CgPlace *p)
{
    int64_t stride = 1;
    for (uint32_t i = t->rank; i-- > 0; stride *= t->dim[i])
        p->axis[i] = stride;
    for (uint32_t i = cg->g->plates; i-- > 0;)
        if (t->plates >> i & 1) {
            p->plate[i] = stride;
            stride *= cg->g->plate[i].size;
        }
}

void cg_rows_first(const Cg *cg, const IrType *t, CgPlace *p)
{
    IrType row = *t;
    int64_t rows = -1;
    for (uint32_t i = 0; i < cg->g->plates; i++)
        if (t->plates >> i & 1 && cg->g->plate[i].kind == IR_PLATE_ROWS) {
            row.plates &= ~(1u << i);
            rows = i;
        }
    cg_row_major(cg, &row, p);
    if (rows >= 0)
        p->plate[rows] = ir_elements(&row) * ir_copies(cg->g, row.plates, 0);
}

bool cg_contiguous(const IrType *t, const CgPlace *p)
{
    int64_t stride = 1;
    for (uint32_t i = t->rank; i-- > 0; stride *= t->dim[i])
        if (t->dim[i] != 1 && p->axis[i] != stride)
            return false;
    return true;
}

static LLVMValueRef offset(Cg *cg, LLVMTypeRef element, LLVMValueRef base, int64_t by)
{
    LLVMValueRef at[] = {cg_i64(cg, by)};
    return by ? LLVMBuildInBoundsGEP2(cg->b, element, base, at, 1, "") : base;
}

/* ---- views ---------------------------------------------------------------------------------- */

static void drop_axis(CgPlace *p, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < IR_MAX_RANK; i++)
        p->axis[i] = p->axis[i + 1];
    p->axis[IR_MAX_RANK - 1] = 0;
}

static void new_axis(CgPlace *p, uint32_t axis)
{
    for (uint32_t i = IR_MAX_RANK - 1; i > axis; i--)
        p->axis[i] = p->axis[i - 1];
    p->axis[axis] = 0;
}

static bool reshaped(const IrNode *n, const IrType *from, CgPlace *p)
{
    if (!cg_contiguous(from, p))
        return false;
    int64_t stride = 1;
    for (uint32_t i = 0; i < IR_MAX_RANK; i++)
        p->axis[i] = 0;
    for (uint32_t i = n->type.rank; i-- > 0; stride *= n->type.dim[i])
        p->axis[i] = stride;
    return true;
}

static void transposed(const IrNode *n, CgPlace *p)
{
    CgPlace from = *p;
    for (uint32_t i = 0; i < n->type.rank; i++)
        p->axis[i] = from.axis[n->attr.k[i]];
}

/* Turns the operand's place into n's; false: n is not a view. */
static bool view(Cg *cg, const IrNode *n, CgPlace *p)
{
    const int64_t *k = n->attr.k;
    switch (n->op) {
    case IR_SAMPLED:
    case IR_SCORE:
    case IR_STOP:
        return true;
    case IR_RESHAPE:
        return reshaped(n, &ir_at(cg->g, n->in[0])->type, p);
    case IR_TRANSPOSE:
        transposed(n, p);
        return true;
    case IR_EXPAND:
        new_axis(p, (uint32_t)k[0]);
        return true;
    case IR_SLICE:
        p->base = offset(cg, p->stored, p->base, k[1] * p->axis[k[0]]);
        return true;
    case IR_DIAG_PART:
        p->axis[0] += p->axis[1];
        p->axis[1] = 0;
        return true;
    case IR_TO_PLATE:
        p->base = offset(cg, p->stored, p->base, k[0] * p->axis[0]);
        p->plate[n->attr.plate] = p->axis[0];
        drop_axis(p, 0);
        return true;
    default:
        return false;
    }
}

/* ---- roots ---------------------------------------------------------------------------------- */

static void real_slot(Cg *cg, CgFrame field, int64_t item, CgPlace *p)
{
    p->stored = cg->f64;
    p->base = offset(cg, cg->f64, cg_field(cg, field), item);
}

static void output_place(Cg *cg, IrRef r, CgPlace *p)
{
    uint32_t k = 0;
    for (IrRef i = 0; i < r; i++)
        k += ir_at(cg->g, i)->op == IR_OUTPUT;
    p->base = cg_pointer(cg, CG_OUTPUT, k);
    cg_rows_first(cg, &ir_at(cg->g, r)->type, p);
}

static bool root_place(Cg *cg, IrRef r, CgPlace *p)
{
    const IrNode *n = ir_at(cg->g, r);
    switch (n->op) {
    case IR_OBJECTIVE:
        real_slot(cg, CG_FRAME_cost, 0, p);
        return true;
    case IR_COST:
        real_slot(cg, CG_FRAME_cost, 1 + (int64_t)n->attr.item, p);
        return true;
    case IR_NEXT:
        real_slot(cg, CG_FRAME_next_state, ir_state_at(cg->g, n->attr.item), p);
        cg_row_major(cg, &n->type, p);
        return true;
    case IR_OUTPUT:
        output_place(cg, r, p);
        return true;
    case IR_GRAD:
        p->base = cg_pointer(cg, CG_GRAD, n->attr.item);
        cg_row_major(cg, &n->type, p);
        return true;
    default:
        return false;
    }
}

/* ---- places --------------------------------------------------------------------------------- */

static bool leaf_place(Cg *cg, const IrNode *n, CgPlace *p)
{
    if (n->op == IR_PARAM)
        p->base = cg_pointer(cg, CG_PARAM, n->attr.item);
    else if (n->op == IR_DATA)
        p->base = cg_pointer(cg, CG_DATA, cg->of->column[n->attr.item]);
    else
        return false;
    cg_row_major(cg, &n->type, p);
    return true;
}

/* The start of r's buffer, computed once. */
static LLVMValueRef buffer_of(Cg *cg, IrRef r)
{
    if (!cg->f.buffer[r]) {
        LLVMValueRef arena = cg_field(cg, CG_FRAME_arena);
        LLVMBasicBlockRef before = cg_enter_entry(cg);
        cg->f.buffer[r] = offset(cg, cg->i8, arena, ir_at(cg->g, r)->place.buffer);
        cg_leave_entry(cg, before);
    }
    return cg->f.buffer[r];
}

/* Does r share the buffer of its operand? */
static bool shows_operand(const Cg *cg, const IrNode *n)
{
    return n->op == IR_RESHAPE &&
           (n->place.buffer < 0 || n->place.buffer == ir_at(cg->g, n->in[0])->place.buffer);
}

bool cg_place(Cg *cg, IrRef r, CgPlace *p)
{
    const IrNode *n = ir_at(cg->g, r);
    *p = (CgPlace){.stored = cg_stored(cg, n->type.elem)};
    if (root_place(cg, r, p))
        return true;
    if (cg->grad_of[r] != IR_NONE)
        return root_place(cg, cg->grad_of[r], p);
    if (shows_operand(cg, n) && cg_place(cg, n->in[0], p) && view(cg, n, p))
        return true;
    *p = (CgPlace){.stored = cg_stored(cg, n->type.elem)};
    if (n->place.buffer >= 0) {
        p->base = buffer_of(cg, r);
        cg_row_major(cg, &n->type, p);
        return true;
    }
    if (leaf_place(cg, n, p))
        return true;
    return n->n_in == 1 && cg_place(cg, n->in[0], p) && view(cg, n, p);
}

/* ---- access --------------------------------------------------------------------------------- */

LLVMValueRef cg_address(Cg *cg, const CgPlace *p, const CgIndex *at)
{
    LLVMValueRef sum = cg_i64(cg, 0);
    for (uint32_t i = 0; i < IR_MAX_PLATES; i++)
        if (p->plate[i])
            sum = cg_add(cg, sum, cg_mul(cg, at->plate[i], p->plate[i]));
    for (uint32_t i = 0; i < IR_MAX_RANK; i++)
        if (p->axis[i])
            sum = cg_add(cg, sum, cg_mul(cg, at->axis[i], p->axis[i]));
    return LLVMBuildInBoundsGEP2(cg->b, p->stored, p->base, &sum, 1, "");
}

static void mark(Cg *cg, LLVMValueRef access)
{
    if (!cg->f.parallel)
        return;
    unsigned kind = LLVMGetMDKindIDInContext(cg->context, "llvm.access.group", 17);
    LLVMSetMetadata(access, kind, LLVMMetadataAsValue(cg->context, cg->access_group));
}

LLVMValueRef cg_load(Cg *cg, const CgPlace *p, const CgIndex *at)
{
    LLVMValueRef v = LLVMBuildLoad2(cg->b, p->stored, cg_address(cg, p, at), "");
    mark(cg, v);
    if (p->stored == cg->i8)
        v = LLVMBuildICmp(cg->b, LLVMIntNE, v, LLVMConstInt(cg->i8, 0, false), "");
    if (p->stored == cg->f64)
        v = LLVMBuildFPCast(cg->b, v, cg->real, "");
    return v;
}

void cg_store(Cg *cg, const CgPlace *p, const CgIndex *at, LLVMValueRef v)
{
    if (p->stored == cg->i8)
        v = LLVMBuildZExt(cg->b, v, cg->i8, "");
    if (p->stored == cg->f64)
        v = LLVMBuildFPCast(cg->b, v, cg->f64, "");
    mark(cg, LLVMBuildStore(cg->b, v, cg_address(cg, p, at)));
}
