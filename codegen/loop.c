/* Loop kernels: one nest over a domain, for element-wise nodes and the sums that they end in.
 *
 * Every value is computed at the outermost loop where all it depends on is known, and stays in a
 * register; what has a buffer is also stored.  A sum collects in a register if it sums the inner
 * loops away, and in memory if it keeps an inner loop: the sum over rows of [row, j] adds row after
 * row to [j].  Either way the innermost loop runs over what lies together, and vectorises.
 *
 * Neighbouring loops become one where all arrays allow it, so that [row, 3] does not run three
 * elements at a time. */
#include "codegen/cg.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* One instruction group of the nest: emitted within the first `depth` loops. */
typedef enum Action { READ, COMPUTE, STORE } Action;

typedef struct Item {
    IrRef r;
    unsigned depth;
    Action action;
} Item;

/* Loops [inner, dims) are summed in `sum`; if a loop `outer` < inner is summed too, in memory. */
typedef struct Fold {
    const IrNode *n;
    CgPlace place;
    LLVMValueRef sum;
    unsigned inner, outer;
} Fold;

typedef struct Fused {
    Cg *cg;
    const IrRef *node;
    uint32_t nodes;
    CgNest nest;
    Item *item;
    uint32_t items;
    Fold *fold;
    uint32_t folds;
    uint8_t *depth; /* by node: 1 + the loops that its value needs; 0: not looked at yet */
} Fused;

static bool is_root_sum(const IrNode *n)
{
    return n->op == IR_COST;
}

bool cg_folds(const IrNode *n)
{
    switch (n->op) {
    case IR_SUM:
    case IR_PARTIAL:
    case IR_PROD:
    case IR_REDUCE_MAX:
    case IR_REDUCE_MIN:
        return true;
    default:
        return is_root_sum(n);
    }
}

static bool sums_away(const Cg *cg, const IrNode *n, const CgDim *d)
{
    if (is_root_sum(n))
        return true;
    if (n->op == IR_PARTIAL)
        return d->plate >= 0 && cg->g->plate[d->plate].kind == IR_PLATE_ROWS;
    return d->plate >= 0 ? n->attr.over >> d->plate & 1 : n->attr.axes >> d->axis & 1;
}

/* Where member r is stored, its axes numbered as in the domain: a sum has lost some. */
static bool place_of(Cg *cg, IrRef r, CgPlace *p)
{
    const IrNode *n = ir_at(cg->g, r);
    if (!cg_place(cg, r, p))
        return false;
    if (!cg_folds(n))
        return true;
    CgPlace result = *p;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < IR_MAX_RANK; i++) {
        bool gone = sums_away(cg, n, &(CgDim){.plate = -1, .axis = (int32_t)i});
        p->axis[i] = gone ? 0 : result.axis[kept++];
    }
    return true;
}

static bool is_member(const Fused *f, IrRef r)
{
    for (uint32_t i = 0; i < f->nodes; i++)
        if (f->node[i] == r)
            return true;
    return false;
}

/* ---- neighbouring loops become one ---------------------------------------------------------- */

/* May loops d and d + 1 run as one over an array with these strides? */
static bool joins_place(const Fused *f, unsigned d, const CgPlace *p)
{
    const CgDim *outer = &f->nest.dim[d], *inner = outer + 1;
    return cg_stride(p, outer) == cg_stride(p, inner) * inner->extent;
}

static bool joins_value(const Fused *f, unsigned d, IrRef r)
{
    const IrNode *n = ir_at(f->cg->g, r);
    const CgDim *outer = &f->nest.dim[d], *inner = outer + 1;
    CgPlace p;
    if (is_member(f, r))
        return true;
    if (cg_place(f->cg, r, &p))
        return joins_place(f, d, &p);
    if (n->op == IR_INDEX)
        return n->attr.plate != outer->plate && n->attr.plate != inner->plate;
    if (n->n_in == 0)
        return true;
    if (!(ir_op_info[n->op].flags & IR_EW))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!joins_value(f, d, n->in[i]))
            return false;
    return true;
}

static bool reads_by_position(const IrNode *n)
{
    const unsigned flags = ir_op_info[n->op].flags;
    return !(flags & (IR_EW | IR_EFFECT)) && !cg_folds(n) && n->op != IR_SAMPLED &&
           n->op != IR_SCORE && n->op != IR_STOP && n->op != IR_CARRY &&
           (n->n_in || (n->op == IR_STATE && n->type.rank));
}

static bool joins_member(const Fused *f, unsigned d, IrRef r)
{
    const IrNode *n = ir_at(f->cg->g, r);
    const CgDim *outer = &f->nest.dim[d];
    CgPlace p;
    if (n->op == IR_INDEX || reads_by_position(n))
        return false;
    if (cg_folds(n) && sums_away(f->cg, n, outer) != sums_away(f->cg, n, outer + 1))
        return false;
    if (place_of(f->cg, r, &p) && !joins_place(f, d, &p))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!joins_value(f, d, n->in[i]))
            return false;
    return true;
}

static bool joins(const Fused *f, unsigned d)
{
    if (f->nest.dim[d + 1].extent < 0 || f->cg->options->watch) /* -g tells the row */
        return false;
    for (uint32_t i = 0; i < f->nodes; i++)
        if (!joins_member(f, d, f->node[i]))
            return false;
    return true;
}

/* The joined loop counts in steps of the inner one; the outer position stays 0. */
static void join(Fused *f, unsigned d)
{
    Cg *cg = f->cg;
    CgDim *outer = &f->nest.dim[d], inner = outer[1];
    LLVMValueRef zero = cg_i64(cg, 0);
    *(outer->plate >= 0 ? &f->nest.at.plate[outer->plate] : &f->nest.at.axis[outer->axis]) = zero;
    inner.lo = cg_mul(cg, outer->lo, inner.extent);
    inner.hi = cg_mul(cg, outer->hi, inner.extent);
    inner.most = outer->most * inner.extent;
    inner.extent = outer->extent < 0 ? -1 : outer->extent * inner.extent;
    *outer = inner;
    f->nest.dims--;
    memmove(outer + 1, outer + 2, (f->nest.dims - d - 1) * sizeof *outer);
}

static void join_loops(Fused *f)
{
    for (unsigned d = f->nest.dims; d-- > 1;)
        if (joins(f, d - 1))
            join(f, d - 1);
}

/* ---- where each value is computed ----------------------------------------------------------- */

static void add_item(Fused *f, IrRef r, unsigned depth, Action action)
{
    f->item[f->items++] = (Item){r, depth, action};
}

static unsigned depth_of_place(const Fused *f, const CgPlace *p)
{
    unsigned depth = f->nest.dims;
    while (depth > 0 && cg_stride(p, &f->nest.dim[depth - 1]) == 0)
        depth--;
    return depth;
}

static unsigned depth_of(Fused *f, IrRef r);

static unsigned depth_of_operands(Fused *f, const IrNode *n)
{
    unsigned depth = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        unsigned d = depth_of(f, n->in[i]);
        depth = d > depth ? d : depth;
    }
    return depth;
}

static unsigned depth_computed(Fused *f, const IrNode *n)
{
    if (reads_by_position(n) || n->op == IR_CARRY) /* a carry reads the step before */
        return f->nest.dims;
    if (n->op != IR_INDEX)
        return depth_of_operands(f, n);
    for (unsigned d = 0; d < f->nest.dims; d++)
        if (f->nest.dim[d].plate == n->attr.plate)
            return d + 1;
    return 0;
}

/* The loops that must be open before r is known; plans the reading of what is in memory. */
static unsigned depth_of(Fused *f, IrRef r)
{
    CgPlace p;
    if (f->depth[r])
        return f->depth[r] - 1u;
    unsigned depth;
    if (cg_place(f->cg, r, &p)) {
        depth = depth_of_place(f, &p);
        add_item(f, r, depth, READ);
    } else {
        depth = depth_computed(f, ir_at(f->cg->g, r));
    }
    f->depth[r] = (uint8_t)(depth + 1);
    return depth;
}

static void plan_fold(Fused *f, const IrNode *n, const CgPlace *p)
{
    Fold *fold = &f->fold[f->folds++];
    unsigned dims = f->nest.dims;
    depth_of_operands(f, n);
    *fold = (Fold){.n = n, .place = *p, .inner = dims};
    while (fold->inner > 0 && sums_away(f->cg, n, &f->nest.dim[fold->inner - 1]))
        fold->inner--;
    while (fold->outer < fold->inner && !sums_away(f->cg, n, &f->nest.dim[fold->outer]))
        fold->outer++;
    fold->sum = cg_variable(f->cg, cg_type(f->cg, ir_at(f->cg->g, n->in[0])->type.elem));
}

static void plan(Fused *f)
{
    for (uint32_t i = 0; i < f->nodes; i++) {
        IrRef r = f->node[i];
        const IrNode *n = ir_at(f->cg->g, r);
        CgPlace p;
        bool stored = place_of(f->cg, r, &p);
        if (cg_folds(n)) {
            plan_fold(f, n, &p);
            continue;
        }
        unsigned depth = depth_computed(f, n);
        f->depth[r] = (uint8_t)(depth + 1);
        add_item(f, r, depth, COMPUTE);
        unsigned where = stored ? depth_of_place(f, &p) : 0;
        if (stored)
            add_item(f, r, where > depth ? where : depth, STORE);
    }
}

/* ---- emission ------------------------------------------------------------------------------- */

static LLVMValueRef neutral(Cg *cg, const Fold *f)
{
    LLVMTypeRef t = LLVMGetAllocatedType(f->sum);
    bool real = t == cg->real;
    switch (f->n->op) {
    case IR_PROD:
        return real ? LLVMConstReal(t, 1) : LLVMConstInt(t, 1, true);
    case IR_REDUCE_MAX:
        return real ? LLVMConstReal(t, (double)-INFINITY)
                    : LLVMConstInt(t, (uint64_t)INT32_MIN, true);
    case IR_REDUCE_MIN:
        return real ? LLVMConstReal(t, (double)INFINITY) : LLVMConstInt(t, INT32_MAX, true);
    default: /* -0 + x is x, whatever x is */
        return real ? LLVMConstReal(t, -0.0) : LLVMConstInt(t, 0, true);
    }
}

/* The order of a sum is free within a nest: it is fixed when the model is compiled. */
static LLVMValueRef combine(Cg *cg, const IrNode *n, LLVMValueRef a, LLVMValueRef b)
{
    bool real = cg_is_real(a), max = n->op == IR_REDUCE_MAX;
    if (max || n->op == IR_REDUCE_MIN) {
        const char *name =
            real ? (max ? "llvm.maximum" : "llvm.minimum") : (max ? "llvm.smax" : "llvm.smin");
        return cg_intrinsic(cg, name, (LLVMValueRef[]){a, b}, 2);
    }
    LLVMValueRef v = cg_arith(cg, n->op == IR_PROD ? LLVMFMul : LLVMFAdd, a, b);
    if (n->op != IR_PROD && real && LLVMIsAInstruction(v))
        LLVMSetFastMathFlags(v, LLVMFastMathAllowContract | LLVMFastMathAllowReassoc);
    return v;
}

static void fold_in(Fused *f, const Fold *fold)
{
    Cg *cg = f->cg;
    LLVMValueRef v = cg_value(cg, fold->n->in[0], &f->nest.at);
    LLVMValueRef sum = LLVMBuildLoad2(cg->b, LLVMGetAllocatedType(fold->sum), fold->sum, "");
    LLVMBuildStore(cg->b, combine(cg, fold->n, sum, v), fold->sum);
}

static void fold_finish(Fused *f, const Fold *fold)
{
    Cg *cg = f->cg;
    LLVMValueRef sum = LLVMBuildLoad2(cg->b, LLVMGetAllocatedType(fold->sum), fold->sum, "");
    if (fold->outer < fold->inner)
        sum = combine(cg, fold->n, cg_load(cg, &fold->place, &f->nest.at), sum);
    cg_store(cg, &fold->place, &f->nest.at, sum);
}

/* Clears what the loops from `outer` on will add to. */
static void clear(Fused *f, const Fold *fold)
{
    Cg *cg = f->cg;
    CgNest kept = f->nest;
    kept.dims = kept.open = fold->outer;
    for (unsigned d = fold->outer; d < f->nest.dims; d++)
        if (!sums_away(cg, fold->n, &f->nest.dim[d]))
            kept.dim[kept.dims++] = f->nest.dim[d];
    cg_nest_open(cg, &kept, kept.dims - fold->outer, true);
    LLVMValueRef start = neutral(cg, fold);
    if (fold->n->op == IR_SUM || fold->n->op == IR_PARTIAL)
        start = LLVMConstNull(LLVMTypeOf(start));
    cg_store(cg, &fold->place, &kept.at, start);
    cg_nest_close(cg, &kept, fold->outer);
}

/* Does no sum add to memory from one iteration of loop d to the next? */
static bool is_parallel(const Fused *f, unsigned d)
{
    for (uint32_t i = 0; i < f->folds; i++) {
        const Fold *fold = &f->fold[i];
        if (d < fold->inner && sums_away(f->cg, fold->n, &f->nest.dim[d]))
            return false;
    }
    return true;
}

/* Named as the user did, for whoever reads the code. */
static LLVMValueRef computed(Fused *f, IrRef r)
{
    const IrNode *n = ir_at(f->cg->g, r);
    LLVMMetadataRef outer = cg_debug_enter(f->cg, r);
    LLVMValueRef v = cg_rule(n->op)->value(f->cg, r, &f->nest.at);
    cg_debug_leave(f->cg, outer);
    if (n->name && LLVMIsAInstruction(v))
        LLVMSetValueName2(v, n->name, strlen(n->name));
    return v;
}

static void emit_items(Fused *f, unsigned depth)
{
    Cg *cg = f->cg;
    for (uint32_t i = 0; i < f->items; i++) {
        const Item *it = &f->item[i];
        if (it->depth != depth)
            continue;
        CgPlace p;
        if (it->action == READ)
            cg->f.ready[it->r] = cg_value(cg, it->r, &f->nest.at);
        if (it->action == COMPUTE)
            cg->f.ready[it->r] = computed(f, it->r);
        if (it->action == STORE && cg_place(cg, it->r, &p))
            cg_store(cg, &p, &f->nest.at, cg->f.ready[it->r]);
    }
}

static void begin_folds(Fused *f, unsigned depth)
{
    for (uint32_t i = 0; i < f->folds; i++) {
        const Fold *fold = &f->fold[i];
        if (fold->outer == depth && fold->outer < fold->inner)
            clear(f, fold);
        if (fold->inner == depth)
            LLVMBuildStore(f->cg->b, neutral(f->cg, fold), fold->sum);
    }
}

static void end_folds(Fused *f, unsigned depth)
{
    for (uint32_t i = 0; i < f->folds; i++)
        if (f->fold[i].inner == depth)
            fold_finish(f, &f->fold[i]);
}

static void emit_depth(Fused *f, unsigned depth)
{
    emit_items(f, depth);
    begin_folds(f, depth);
    if (depth < f->nest.dims) {
        cg_nest_open(f->cg, &f->nest, 1, is_parallel(f, depth));
        emit_depth(f, depth + 1);
        cg_nest_close(f->cg, &f->nest, depth);
    } else {
        for (uint32_t i = 0; i < f->folds; i++)
            fold_in(f, &f->fold[i]);
    }
    end_folds(f, depth);
}

static uint32_t count_operands(const Cg *cg, const IrRef *node, uint32_t nodes)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < nodes; i++)
        count += ir_at(cg->g, node[i])->n_in;
    return count;
}

static void emit_nest(Cg *cg, const IrRef *node, uint32_t nodes, const IrType *domain)
{
    /* An operand that is not in memory may stand for a small tree, so items have room for all. */
    Fused f = {.cg = cg, .node = node, .nodes = nodes};
    f.item =
        arena_array(cg->arena, Item, cg->g->count + 2 * nodes + count_operands(cg, node, nodes));
    f.fold = arena_array(cg->arena, Fold, nodes);
    f.depth = arena_array(cg->arena, uint8_t, cg->g->count);
    cg_nest(cg, domain, &f.nest);
    join_loops(&f);
    plan(&f);
    cg->f.at = &f.nest.at;
    cg->f.parallel = true;
    emit_depth(&f, 0);
    cg->f.parallel = false;
    cg->f.at = NULL;
    for (uint32_t i = 0; i < f.items; i++)
        cg->f.ready[f.item[i].r] = NULL;
    for (uint32_t i = 0; i < nodes; i++)
        if (cg_folds(ir_at(cg->g, node[i])))
            cg_watch_stored(cg, node[i]);
}

/* A partial sum outside a phase of rows is made part after part. */
static bool wants_parts(const Cg *cg, const IrRef *node, uint32_t nodes)
{
    for (uint32_t i = 0; i < nodes; i++)
        if (ir_at(cg->g, node[i])->op == IR_PARTIAL)
            return cg->f.part == NULL;
    return false;
}

void cg_fused(Cg *cg, const IrRef *node, uint32_t nodes, const IrType *domain)
{
    if (!wants_parts(cg, node, nodes)) {
        emit_nest(cg, node, nodes, domain);
        return;
    }
    int64_t parts = cg->options->parts;
    CgLoop l = cg_loop(cg, cg_i64(cg, 0), cg_i64(cg, parts), parts, false);
    cg->f.part = l.i;
    emit_nest(cg, node, nodes, domain);
    cg->f.part = NULL;
    cg_loop_end(cg, &l);
}
