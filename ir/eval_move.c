/* The evaluator: ops that move elements: shapes, plates and indices. */
#include "ir/eval.h"

#include <math.h>

/* ---- moves --------------------------------------------------------------------------------- */

/* A walk over elements: to[nest.at[0]] = from[nest.at[1]]. */
static void copy_elements(Eval *e, IrRef r, uint32_t operand, Nest *nest)
{
    const double *from = ir_operand_value(e, &e->g->node[r], operand);
    do
        e->value[r][nest->at[0]] = from[nest->at[1]];
    while (ir_nest_next(nest));
}

/* The copies of node r, with the copy of one operand that each reads. */
static void copies_of(const Eval *e, const IrNode *n, uint32_t operand, IrPlates plates, Nest *nest)
{
    const IrType *t[] = {&n->type, ir_operand_type(e, n, operand)};
    ir_nest_start(nest);
    ir_nest_plates(e, nest, plates, t, 2);
}

static void loop(Nest *nest, int64_t size, int64_t to, int64_t from)
{
    ir_nest_loop(nest, size, (int64_t[NEST_ARRAYS]){to, from});
}

/* A loop an axis that both types have in the same place, sizes by `of`. */
static void loop_axes(Nest *nest, const IrType *of, const IrType *to, const IrType *from)
{
    for (uint32_t i = 0; i < of->rank; i++)
        loop(nest, of->dim[i], ir_axis_stride(to, i), ir_axis_stride(from, i));
}

static void transpose(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    for (uint32_t i = 0; i < n->type.rank; i++)
        loop(&nest, n->type.dim[i], ir_axis_stride(&n->type, i),
             ir_axis_stride(a, (uint32_t)n->attr.k[i]));
    copy_elements(e, r, 0, &nest);
}

static void expand(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    for (uint32_t i = 0, axis = 0; i < n->type.rank; i++) {
        bool added = i == (uint32_t)n->attr.k[0];
        loop(&nest, n->type.dim[i], ir_axis_stride(&n->type, i),
             added ? 0 : ir_axis_stride(a, axis));
        axis += !added;
    }
    copy_elements(e, r, 0, &nest);
}

static void slice(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    nest.at[1] += n->attr.k[1] * ir_axis_stride(a, (uint32_t)n->attr.k[0]);
    loop_axes(&nest, &n->type, &n->type, a);
    copy_elements(e, r, 0, &nest);
}

/* Values start as zeros. */
static void pad(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    nest.at[0] += n->attr.k[1] * ir_axis_stride(&n->type, (uint32_t)n->attr.k[0]);
    loop_axes(&nest, a, &n->type, a);
    copy_elements(e, r, 0, &nest);
}

static void concat(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    int64_t start = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrType *a = ir_operand_type(e, n, i);
        Nest nest;
        copies_of(e, n, i, n->type.plates, &nest);
        nest.at[0] += start * ir_axis_stride(&n->type, (uint32_t)n->attr.k[0]);
        loop_axes(&nest, a, &n->type, a);
        copy_elements(e, r, i, &nest);
        start += a->dim[n->attr.k[0]];
    }
}

static void one_hot(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    int64_t size = n->attr.k[0];
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    loop(&nest, ir_elements(a), size, 1);
    do {
        double index = ir_operand_value(e, n, 0)[nest.at[1]];
        if (index >= 0 && index < (double)size)
            e->value[r][nest.at[0] + (int64_t)index] = 1;
    } while (ir_nest_next(&nest));
}

static void diag(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    loop(&nest, n->type.dim[0], n->type.dim[0] + 1, 1);
    copy_elements(e, r, 0, &nest);
}

static void diag_part(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    loop(&nest, n->type.dim[0], 1, n->type.dim[0] + 1);
    copy_elements(e, r, 0, &nest);
}

static void tril(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    int64_t size = n->type.dim[0];
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    do
        for (int64_t i = 0; i < size; i++)
            for (int64_t j = 0; j <= i; j++)
                e->value[r][nest.at[0] + i * size + j] =
                    ir_operand_value(e, n, 0)[nest.at[1] + i * size + j];
    while (ir_nest_next(&nest));
}

/* ---- plates and axes ----------------------------------------------------------------------- */

/* Makes loops over a plate that result and operand read differently; in a region, its one step. */
static void loop_plate(const Eval *e, Nest *nest, uint32_t plate, int64_t to, int64_t from)
{
    if ((int32_t)plate != e->plate) {
        loop(nest, ir_plate_size(e, plate), to, from);
        return;
    }
    nest->at[0] += e->step * to;
    nest->at[1] += e->step * from;
}

static void to_plate(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    uint32_t plate = (uint32_t)n->attr.plate;
    Nest nest;
    copies_of(e, n, 0, n->type.plates & ~(1u << plate), &nest);
    nest.at[1] += n->attr.k[0] * ir_axis_stride(a, 0);
    loop_plate(e, &nest, plate, ir_plate_stride(e, &n->type, plate), ir_axis_stride(a, 0));
    loop(&nest, ir_elements(&n->type), 1, 1);
    copy_elements(e, r, 0, &nest);
}

static void to_axis(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0);
    uint32_t plate = (uint32_t)n->attr.plate;
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    nest.at[0] += n->attr.k[0] * ir_axis_stride(&n->type, 0);
    loop_plate(e, &nest, plate, ir_axis_stride(&n->type, 0), ir_plate_stride(e, a, plate));
    loop(&nest, ir_elements(a), 1, 1);
    copy_elements(e, r, 0, &nest);
}

void ir_eval_reshape(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    Nest nest;
    copies_of(e, n, 0, n->type.plates, &nest);
    loop(&nest, ir_elements(&n->type), 1, 1);
    copy_elements(e, r, 0, &nest);
}

void ir_eval_move(Eval *e, IrRef r)
{
    static IrEvalRule *const rule[IR_OP_COUNT] = {
        [IR_TRANSPOSE] = transpose, [IR_EXPAND] = expand,
        [IR_SLICE] = slice,         [IR_PAD] = pad,
        [IR_CONCAT] = concat,       [IR_ONE_HOT] = one_hot,
        [IR_DIAG] = diag,           [IR_DIAG_PART] = diag_part,
        [IR_TRIL] = tril,           [IR_TO_PLATE] = to_plate,
        [IR_TO_AXIS] = to_axis,
    };
    rule[e->g->node[r].op](e, r);
}

/* ---- indices ------------------------------------------------------------------------------- */

/* Elements of one row of axis 0 of a. */
static int64_t row_elements(const IrType *a)
{
    return ir_elements(a) / a->dim[0];
}

void ir_eval_gather(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0), *index = ir_operand_type(e, n, 1);
    const IrType *t[] = {&n->type, a, index};
    int64_t row = row_elements(a);
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, n->type.plates, t, 3);
    ir_nest_loop(&nest, ir_elements(index), (int64_t[NEST_ARRAYS]){row, 0, 1});
    do {
        double i = ir_operand_value(e, n, 1)[nest.at[2]];
        bool inside = i >= 0 && i < (double)a->dim[0];
        if (!inside && !n->attr.k[0]) {
            e->fault = r;
            return;
        }
        const double *from =
            ir_operand_value(e, n, 0) + nest.at[1] + (inside ? (int64_t)i * row : 0);
        for (int64_t k = 0; k < row; k++)
            e->value[r][nest.at[0] + k] = inside ? from[k] : NAN;
    } while (ir_nest_next(&nest));
}

/* What gather could not read has no place to be added to. */
void ir_eval_scatter(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0), *index = ir_operand_type(e, n, 1);
    const IrType *t[] = {&n->type, a, index};
    int64_t row = row_elements(&n->type);
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, n->type.plates | n->attr.over, t, 3);
    ir_nest_loop(&nest, ir_elements(index), (int64_t[NEST_ARRAYS]){0, row, 1});
    do {
        double i = ir_operand_value(e, n, 1)[nest.at[2]];
        if (!(i >= 0 && i < (double)n->type.dim[0]))
            continue;
        double *to = e->value[r] + nest.at[0] + (int64_t)i * row;
        for (int64_t k = 0; k < row; k++)
            to[k] += ir_operand_value(e, n, 0)[nest.at[1] + k];
    } while (ir_nest_next(&nest));
}
