/* What the graphs of native_case.c and native_case_move.c are built of. */
#ifndef SGC_TESTS_LAWS_NATIVE_CASE_H
#define SGC_TESTS_LAWS_NATIVE_CASE_H

#include "tests/laws/native.h"

/* Every graph of these cases has the same plates. */
enum { PLATE_N, PLATE_K, PLATE_T, N = 1 << PLATE_N, K = 1 << PLATE_K, COPIES = 3, STEPS = 4 };

static const NativeRange wide = {-3, 3, false};

static inline void plates(IrGraph *g)
{
    ir_plate_add(g, "n", IR_PLATE_ROWS, NATIVE_ROWS, 0);
    ir_plate_add(g, "k", IR_PLATE_STATIC, COPIES, 0);
    ir_plate_add(g, "t", IR_PLATE_STEP, STEPS, 0);
}

static inline IrType real(IrPlates p, uint32_t rank, int64_t d0, int64_t d1, int64_t d2)
{
    return native_type(IR_REAL, p, rank, d0, d1, d2);
}

static inline IrRef to_plate(IrGraph *g, IrRef a, int32_t plate, int64_t first)
{
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = plate, .k = {first}}, 1, &a);
}

/* A value with a copy of its own for each of `p`: k from the first axis of a wider input. */
static inline IrRef plated(IrGraph *g, IrPlates p, uint32_t rank, int64_t d0, int64_t d1)
{
    if (!(p & K))
        return native_input(g, real(p, rank, d0, d1, 0), wide);
    IrRef all = native_input(g, real(p & N, rank + 1, COPIES + 1, d0, d1), wide);
    return to_plate(g, all, PLATE_K, 1);
}

static inline IrRef ints(IrGraph *g, IrPlates p, uint32_t rank, int64_t d0, NativeRange range)
{
    return native_input(g, native_type(IR_INT, p, rank, d0, 0, 0), range);
}

static inline IrRef one(IrGraph *g, IrOp op, IrAttr attr, IrRef a)
{
    return ir_node(g, op, attr, 1, &a);
}

static inline IrRef hyper(IrGraph *g, double v)
{
    IrModel *m = g->model;
    uint32_t item = m->hypers;
    *arena_push(m->arena, m->hyper, m->hypers, IrHyper) = (IrHyper){.name = "h", .value = v};
    return ir_typed(g, IR_HYPER, (IrAttr){.item = item}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

static inline IrRef leaf(IrGraph *g, IrOp op)
{
    return ir_typed(g, op, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

#endif
