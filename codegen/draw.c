/* Draws of base noise: from the generator, or from a tape.
 *
 * A draw's variates have an order of their own, in which noise and tapes are addressed: rows first,
 * by their position in the global batch, then the other plates, then the shape.  Where the array
 * keeps that order, a whole task's share is one run. */
#include "codegen/cg.h"

typedef struct Draw {
    Cg *cg;
    const IrNode *n;
    CgPlace place, order;
    CgNest nest;      /* loops around each run */
    LLVMValueRef run; /* variates that follow each other both ways */
} Draw;

/* Takes loops from the inside of the nest into the run while both orders agree. */
static void lengthen_run(Draw *d)
{
    Cg *cg = d->cg;
    int64_t length = 1;
    d->run = cg_i64(cg, 1);
    while (d->nest.dims > 0) {
        CgDim *dim = &d->nest.dim[d->nest.dims - 1];
        int64_t a = cg_stride(&d->place, dim), b = cg_stride(&d->order, dim);
        if (length < 0 || a != length || b != length)
            return;
        LLVMValueRef zero = dim->lo;
        *(dim->plate >= 0 ? &d->nest.at.plate[dim->plate] : &d->nest.at.axis[dim->axis]) = zero;
        d->run = cg_mul(cg, cg_sub(cg, dim->hi, dim->lo), length);
        length = dim->extent < 0 ? -1 : length * dim->extent;
        d->nest.dims--;
    }
}

/* Where the run begins among the variates; rows count from `first_row`. */
static LLVMValueRef first_variate(Draw *d, LLVMValueRef first_row)
{
    Cg *cg = d->cg;
    LLVMValueRef sum = cg_i64(cg, 0);
    for (uint32_t i = 0; i < cg->g->plates; i++) {
        LLVMValueRef at = d->nest.at.plate[i];
        if (!d->order.plate[i])
            continue;
        if (cg->g->plate[i].kind == IR_PLATE_ROWS && first_row)
            at = cg_add(cg, at, first_row);
        sum = cg_add(cg, sum, cg_mul(cg, at, d->order.plate[i]));
    }
    for (uint32_t i = 0; i < d->n->type.rank; i++)
        if (d->order.axis[i])
            sum = cg_add(cg, sum, cg_mul(cg, d->nest.at.axis[i], d->order.axis[i]));
    return sum;
}

static void generate(Draw *d, LLVMValueRef out)
{
    Cg *cg = d->cg;
    LLVMValueRef args[] = {out, first_variate(d, cg_field(cg, CG_FRAME_first_row)), d->run,
                           cg->f.frame, LLVMConstInt(cg->i32, d->n->attr.item, false)};
    cg_call(cg, d->n->attr.k[0] ? CG_RT_noise_uniform : CG_RT_noise_normal, args, 5);
}

static void copy_tape(Draw *d, LLVMValueRef tape, LLVMValueRef out)
{
    Cg *cg = d->cg;
    LLVMValueRef from = first_variate(d, NULL);
    from = LLVMBuildInBoundsGEP2(cg->b, cg->real, tape, &from, 1, "");
    unsigned align = (unsigned)cg->options->real_bytes;
    LLVMBuildMemCpy(cg->b, out, align, from, align, cg_mul(cg, d->run, align));
}

/* The array of this site; the table itself is there. */
static LLVMValueRef tape_of(Draw *d)
{
    Cg *cg = d->cg;
    LLVMValueRef at[] = {cg_i64(cg, d->n->attr.item)};
    LLVMValueRef p = LLVMBuildInBoundsGEP2(cg->b, cg->ptr, cg_field(cg, CG_FRAME_tape), at, 1, "");
    return LLVMBuildLoad2(cg->b, cg->ptr, p, "tape");
}

static void runs(Draw d, LLVMValueRef tape)
{
    cg_nest_open(d.cg, &d.nest, d.nest.dims, false);
    LLVMValueRef out = cg_address(d.cg, &d.place, &d.nest.at);
    if (tape)
        copy_tape(&d, tape, out);
    else
        generate(&d, out);
    cg_nest_close(d.cg, &d.nest, 0);
}

static void draw(Cg *cg, IrRef r)
{
    Draw d = {.cg = cg, .n = ir_at(cg->g, r)};
    cg_place(cg, r, &d.place);
    cg_nest(cg, &d.n->type, &d.nest);
    cg_rows_first(cg, &d.n->type, &d.order);
    lengthen_run(&d);
    LLVMBasicBlockRef replay = cg_block(cg, "replay"), fresh = cg_block(cg, "fresh"),
                      next = cg_block(cg, "next");
    LLVMValueRef none = LLVMBuildIsNull(cg->b, cg_field(cg, CG_FRAME_tape), "");
    LLVMBuildCondBr(cg->b, none, fresh, replay);
    LLVMPositionBuilderAtEnd(cg->b, replay);
    runs(d, tape_of(&d));
    LLVMBuildBr(cg->b, next);
    LLVMPositionBuilderAtEnd(cg->b, fresh);
    runs(d, NULL);
    LLVMBuildBr(cg->b, next);
    LLVMPositionBuilderAtEnd(cg->b, next);
}

const CgRule emit_draw = {.kernel = draw};
