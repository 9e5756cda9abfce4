/* Reductions that are not plain sums, and running sums: line by line.
 *
 * A line is what one copy of the result reduces.  A nest first runs over the lines, then along one,
 * as often as the rule needs. */
#include "codegen/cg.h"

#include <math.h>

typedef struct Lines {
    Cg *cg;
    const IrNode *n;
    IrRef in;
    CgPlace place; /* of the result */
    CgNest nest;   /* over the operand: lines, then along one */
    unsigned lines;
} Lines;

static bool along(const IrNode *n, const CgDim *d)
{
    if (n->op == IR_CUMSUM)
        return d->axis == (int32_t)n->attr.k[0];
    return d->plate >= 0 ? n->attr.over >> d->plate & 1 : n->attr.axes >> d->axis & 1;
}

static Lines open_lines(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    Lines l = {.cg = cg, .n = n, .in = n->in[0]};
    CgNest all;
    cg_place(cg, r, &l.place);
    cg_nest(cg, &ir_at(cg->g, n->in[0])->type, &all);
    l.nest = all;
    l.nest.dims = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned d = 0; d < all.dims; d++)
            if (along(n, &all.dim[d]) == (pass == 1))
                l.nest.dim[l.nest.dims++] = all.dim[d];
        l.lines = pass == 0 ? l.nest.dims : l.lines;
    }
    cg->f.parallel = true;
    cg_nest_open(cg, &l.nest, l.lines, true);
    return l;
}

static void close_lines(Lines *l)
{
    cg_nest_close(l->cg, &l->nest, 0);
    l->cg->f.parallel = false;
}

static void open_line(Lines *l)
{
    cg_nest_open(l->cg, &l->nest, l->nest.dims - l->lines, true);
}

static void close_line(Lines *l)
{
    cg_nest_close(l->cg, &l->nest, l->lines);
}

/* The same line from its end: every position is counted from above. */
static CgIndex from_the_end(const Lines *l)
{
    CgIndex at = l->nest.at;
    for (unsigned d = l->lines; d < l->nest.dims; d++) {
        const CgDim *dim = &l->nest.dim[d];
        LLVMValueRef *i = dim->plate >= 0 ? &at.plate[dim->plate] : &at.axis[dim->axis];
        LLVMValueRef last = cg_sub(l->cg, cg_add(l->cg, dim->lo, dim->hi), cg_i64(l->cg, 1));
        *i = cg_sub(l->cg, last, *i);
    }
    return at;
}

static LLVMValueRef get(Cg *cg, LLVMValueRef variable)
{
    return LLVMBuildLoad2(cg->b, LLVMGetAllocatedType(variable), variable, "");
}

static void set(Cg *cg, LLVMValueRef variable, LLVMValueRef v)
{
    LLVMBuildStore(cg->b, v, variable);
}

/* The place of the result at a position of the operand: without the axes that are gone. */
static CgIndex result_index(const Lines *l)
{
    const CgIndex *from = &l->nest.at;
    CgIndex at = *from;
    uint32_t rank = 0;
    for (uint32_t i = 0; i < ir_at(l->cg->g, l->in)->type.rank; i++)
        if (!(l->n->attr.axes >> i & 1))
            at.axis[rank++] = from->axis[i];
    return at;
}

/* ---- logsumexp ------------------------------------------------------------------------------ */

static LLVMValueRef largest(Lines *l)
{
    Cg *cg = l->cg;
    LLVMValueRef max = cg_variable(cg, cg->real);
    set(cg, max, LLVMConstReal(cg->real, (double)-INFINITY));
    open_line(l);
    LLVMValueRef pair[] = {get(cg, max), cg_value(cg, l->in, &l->nest.at)};
    set(cg, max, cg_intrinsic(cg, "llvm.maximum", pair, 2));
    close_line(l);
    return get(cg, max);
}

/* An infinite largest element is no shift: the difference to it would not be a number. */
static LLVMValueRef finite_or_zero(Cg *cg, LLVMValueRef v)
{
    LLVMValueRef size = cg_intrinsic(cg, "llvm.fabs", &v, 1);
    LLVMValueRef infinity = LLVMConstReal(cg->real, (double)INFINITY);
    LLVMValueRef infinite = LLVMBuildFCmp(cg->b, LLVMRealOEQ, size, infinity, "");
    return cg_if(cg, infinite, LLVMConstReal(cg->real, 0), v);
}

static void logsumexp(Cg *cg, IrRef r)
{
    Lines l = open_lines(cg, r);
    LLVMValueRef sum = cg_variable(cg, cg->real), shift = finite_or_zero(cg, largest(&l));
    set(cg, sum, LLVMConstReal(cg->real, -0.0));
    open_line(&l);
    LLVMValueRef x = cg_value(cg, l.in, &l.nest.at);
    LLVMValueRef e = cg_arith(cg, LLVMFSub, x, shift);
    e = cg_arith(cg, LLVMFAdd, get(cg, sum), cg_call(cg, CG_RT_exp, &e, 1));
    LLVMSetFastMathFlags(e, LLVMFastMathAllowContract | LLVMFastMathAllowReassoc);
    set(cg, sum, e);
    close_line(&l);
    LLVMValueRef total = get(cg, sum);
    CgIndex at = result_index(&l);
    cg_store(cg, &l.place, &at, cg_arith(cg, LLVMFAdd, shift, cg_call(cg, CG_RT_log, &total, 1)));
    close_lines(&l);
}

/* ---- argmax --------------------------------------------------------------------------------- */

static void argmax(Cg *cg, IrRef r)
{
    Lines l = open_lines(cg, r);
    LLVMTypeRef elem = cg_type(cg, ir_at(cg->g, l.in)->type.elem);
    LLVMValueRef best = cg_variable(cg, elem), where = cg_variable(cg, cg->i32);
    set(cg, best, LLVMConstNull(elem));
    set(cg, where, LLVMConstInt(cg->i32, 0, false));
    open_line(&l);
    const CgDim *d = &l.nest.dim[l.lines];
    LLVMValueRef i = l.nest.at.axis[d->axis], x = cg_value(cg, l.in, &l.nest.at);
    LLVMValueRef first = LLVMBuildICmp(cg->b, LLVMIntEQ, i, cg_i64(cg, 0), "");
    LLVMValueRef above = cg_compare(cg, LLVMRealOGT, LLVMIntSGT, x, get(cg, best));
    LLVMValueRef take = LLVMBuildOr(cg->b, first, above, "");
    set(cg, where, cg_if(cg, take, LLVMBuildTrunc(cg->b, i, cg->i32, ""), get(cg, where)));
    set(cg, best, cg_if(cg, take, x, get(cg, best)));
    close_line(&l);
    CgIndex at = result_index(&l);
    cg_store(cg, &l.place, &at, get(cg, where));
    close_lines(&l);
}

/* ---- running sums and products -------------------------------------------------------------- */

static LLVMValueRef start(Cg *cg, const Lines *l, double v)
{
    LLVMValueRef running = cg_variable(cg, cg_type(cg, l->n->type.elem));
    set(cg, running, cg_const(cg, l->n->type.elem, v));
    return running;
}

static void cumsum(Cg *cg, IrRef r)
{
    Lines l = open_lines(cg, r);
    LLVMValueRef sum = start(cg, &l, 0);
    open_line(&l);
    CgIndex at = l.n->attr.k[1] ? from_the_end(&l) : l.nest.at;
    LLVMValueRef v = cg_arith(cg, LLVMFAdd, get(cg, sum), cg_value(cg, l.in, &at));
    set(cg, sum, v);
    cg_store(cg, &l.place, &at, v);
    close_line(&l);
    close_lines(&l);
}

/* The product of what comes before, then times the product of what comes after. */
static void prod_rest(Cg *cg, IrRef r)
{
    Lines l = open_lines(cg, r);
    for (int back = 0; back < 2; back++) {
        LLVMValueRef running = start(cg, &l, 1);
        open_line(&l);
        CgIndex at = back ? from_the_end(&l) : l.nest.at;
        LLVMValueRef before = get(cg, running), v = before;
        if (back)
            v = cg_arith(cg, LLVMFMul, cg_load(cg, &l.place, &at), before);
        set(cg, running, cg_arith(cg, LLVMFMul, before, cg_value(cg, l.in, &at)));
        cg_store(cg, &l.place, &at, v);
        close_line(&l);
    }
    close_lines(&l);
}

static void reduce_kernel(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    switch (n->op) {
    case IR_LOGSUMEXP:
        logsumexp(cg, r);
        return;
    case IR_ARGMAX:
        argmax(cg, r);
        return;
    case IR_PROD_REST:
        prod_rest(cg, r);
        return;
    default:
        cg_fused(cg, &r, 1, &ir_at(cg->g, n->in[0])->type);
    }
}

const CgRule emit_reduce = {.kernel = reduce_kernel};
const CgRule emit_cumsum = {.kernel = cumsum};
