/* Loops, and nests of them over the plates and axes of a type.
 *
 * A nest covers the share of the task at hand: its part of the rows in a phase of rows, its block
 * of axis 0 in a phase of blocks, everything in a global phase. */
#include "codegen/cg.h"

#include <llvm-c/DebugInfo.h>
#include <string.h>

LLVMBasicBlockRef cg_block(Cg *cg, const char *name)
{
    return LLVMAppendBasicBlockInContext(cg->context, cg->f.fn, name);
}

LLVMValueRef cg_variable(Cg *cg, LLVMTypeRef t)
{
    LLVMBasicBlockRef before = cg_enter_entry(cg);
    LLVMValueRef v = LLVMBuildAlloca(cg->b, t, "");
    cg_leave_entry(cg, before);
    return v;
}

/* ---- loops ---------------------------------------------------------------------------------- */

static LLVMMetadataRef text_node(Cg *cg, const char *text)
{
    LLVMMetadataRef s = LLVMMDStringInContext2(cg->context, text, strlen(text));
    return LLVMMDNodeInContext2(cg->context, &s, 1);
}

/* A loop's metadata begins with itself, which keeps loops apart.  Vectorising is enough unrolling,
 * except for loops so short that they should vanish: more doubles the time to compile a model and
 * gains nothing beside its products of matrices. */
static LLVMValueRef loop_metadata(Cg *cg, int64_t extent, bool parallel)
{
    LLVMMetadataRef self = LLVMTemporaryMDNode(cg->context, NULL, 0);
    LLVMMetadataRef part[4] = {self, text_node(cg, "llvm.loop.mustprogress")};
    unsigned parts = 2;
    if (extent < 0 || extent > 8)
        part[parts++] = text_node(cg, "llvm.loop.unroll.disable");
    if (parallel) {
        const char *name = "llvm.loop.parallel_accesses";
        LLVMMetadataRef s = LLVMMDStringInContext2(cg->context, name, strlen(name));
        LLVMMetadataRef pair[] = {s, cg->access_group};
        part[parts++] = LLVMMDNodeInContext2(cg->context, pair, 2);
    }
    LLVMMetadataRef node = LLVMMDNodeInContext2(cg->context, part, parts);
    LLVMMetadataReplaceAllUsesWith(self, node);
    return LLVMMetadataAsValue(cg->context, node);
}

CgLoop cg_loop(Cg *cg, LLVMValueRef lo, LLVMValueRef hi, int64_t extent, bool parallel)
{
    CgLoop l = {.head = cg_block(cg, "loop")};
    LLVMBasicBlockRef body = cg_block(cg, "body"), before = LLVMGetInsertBlock(cg->b);
    l.done = cg_block(cg, "done");
    LLVMBuildBr(cg->b, l.head);
    LLVMPositionBuilderAtEnd(cg->b, l.head);
    l.i = LLVMBuildPhi(cg->b, cg->i64, "i");
    LLVMAddIncoming(l.i, &lo, &before, 1);
    LLVMValueRef go = LLVMBuildICmp(cg->b, LLVMIntSLT, l.i, hi, "");
    LLVMBuildCondBr(cg->b, go, body, l.done);
    l.latch_metadata = loop_metadata(cg, extent, parallel);
    LLVMPositionBuilderAtEnd(cg->b, body);
    return l;
}

void cg_loop_end(Cg *cg, CgLoop *l)
{
    LLVMValueRef next = LLVMBuildNSWAdd(cg->b, l->i, cg_i64(cg, 1), "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(cg->b);
    LLVMAddIncoming(l->i, &next, &latch, 1);
    LLVMValueRef back = LLVMBuildBr(cg->b, l->head);
    unsigned kind = LLVMGetMDKindIDInContext(cg->context, "llvm.loop", 9);
    LLVMSetMetadata(back, kind, l->latch_metadata);
    LLVMMoveBasicBlockAfter(l->done, latch);
    LLVMPositionBuilderAtEnd(cg->b, l->done);
}

/* ---- dimensions ----------------------------------------------------------------------------- */

static CgDim whole(Cg *cg, int64_t extent)
{
    return (CgDim){-1, -1, cg_i64(cg, 0), cg_i64(cg, extent), extent, extent};
}

LLVMValueRef cg_copies(Cg *cg, uint32_t plate)
{
    const IrPlate *p = &cg->g->plate[plate];
    return p->kind == IR_PLATE_ROWS ? cg_field(cg, CG_FRAME_rows) : cg_i64(cg, p->size);
}

/* The rows of the part that is meant; those of a task are computed once. */
static void share_rows(Cg *cg, LLVMValueRef rows, CgDim *d)
{
    CgFunction *f = &cg->f;
    bool once = f->part == f->task;
    if (once && f->first_row) {
        d->lo = f->first_row;
        d->hi = f->end_row;
        return;
    }
    LLVMBasicBlockRef before = once ? cg_enter_entry(cg) : NULL;
    d->lo = cg_share(cg, rows, f->part);
    d->hi = cg_share(cg, rows, cg_add(cg, f->part, cg_i64(cg, 1)));
    if (once) {
        cg_leave_entry(cg, before);
        f->first_row = d->lo;
        f->end_row = d->hi;
    }
}

CgDim cg_plate_dim(Cg *cg, uint32_t plate)
{
    const IrPlate *p = &cg->g->plate[plate];
    CgDim d = whole(cg, p->size);
    d.plate = (int32_t)plate;
    if (p->kind != IR_PLATE_ROWS)
        return d;
    LLVMValueRef rows = cg_copies(cg, plate);
    d.extent = -1;
    d.hi = rows;
    if (cg->f.part) {
        share_rows(cg, rows, &d);
        d.most = (p->size + cg->options->parts - 1) / cg->options->parts;
    }
    return d;
}

CgDim cg_axis_dim(Cg *cg, uint32_t axis, int64_t size)
{
    CgDim d = whole(cg, size);
    d.axis = (int32_t)axis;
    if (cg->f.kind == IR_PHASE_BLOCKS && axis == 0) {
        LLVMValueRef all = cg_i64(cg, size);
        d.lo = cg_share(cg, all, cg->f.task);
        d.hi = cg_share(cg, all, cg_add(cg, cg->f.task, cg_i64(cg, 1)));
        d.extent = -1;
        d.most = (size + cg->options->parts - 1) / cg->options->parts;
    }
    return d;
}

/* The one copy of a plate that is meant here: the step of a sequence, the part of a task. */
static LLVMValueRef fixed_copy(const Cg *cg, uint32_t plate)
{
    if (cg->f.scan.plate == (int32_t)plate)
        return cg->f.scan.step;
    return cg->g->plate[plate].kind == IR_PLATE_PARTS ? cg->f.part : NULL;
}

void cg_nest_plates(Cg *cg, IrPlates plates, CgNest *n)
{
    *n = (CgNest){0};
    for (uint32_t i = 0; i < cg->g->plates; i++) {
        n->at.plate[i] = fixed_copy(cg, i);
        if (plates >> i & 1 && !n->at.plate[i])
            n->dim[n->dims++] = cg_plate_dim(cg, i);
    }
}

void cg_nest(Cg *cg, const IrType *t, CgNest *n)
{
    cg_nest_plates(cg, t->plates, n);
    for (uint32_t i = 0; i < t->rank; i++)
        n->dim[n->dims++] = cg_axis_dim(cg, i, t->dim[i]);
}

void cg_nest_open(Cg *cg, CgNest *n, unsigned dims, bool parallel)
{
    for (; dims-- > 0; n->open++) {
        const CgDim *d = &n->dim[n->open];
        n->loop[n->open] = cg_loop(cg, d->lo, d->hi, d->extent, parallel);
        *(d->plate >= 0 ? &n->at.plate[d->plate] : &n->at.axis[d->axis]) = n->loop[n->open].i;
    }
}

void cg_nest_close(Cg *cg, CgNest *n, unsigned open)
{
    while (n->open > open)
        cg_loop_end(cg, &n->loop[--n->open]);
}

int64_t cg_stride(const CgPlace *p, const CgDim *d)
{
    return d->plate >= 0 ? p->plate[d->plate] : p->axis[d->axis];
}
