/* The evaluator: reductions, running sums and contractions. */
#include "ir/eval.h"

#include <math.h>

/* ---- reductions ---------------------------------------------------------------------------- */

/* Gathers, for one element of the result, what it reduces. */
typedef struct Group {
    double *x;
    int64_t *from; /* where each stands in the operand */
    int64_t count;
} Group;

/* The loops over the operand that are reduced (`inner`), or the others. */
static void operand_loops(const Eval *e, const IrNode *n, bool inner, Nest *nest)
{
    const IrType *a = ir_operand_type(e, n, 0), *t[] = {&n->type, a};
    ir_nest_start(nest);
    IrPlates over = n->attr.over;
    ir_nest_plates(e, nest, inner ? over : a->plates & ~over, t, 2);
    for (uint32_t axis = 0, kept = 0; axis < a->rank; axis++) {
        bool reduced = n->attr.axes >> axis & 1;
        int64_t out = reduced || n->op == IR_PROD_REST ? 0 : ir_axis_stride(&n->type, kept);
        int64_t stride[NEST_ARRAYS] = {out, ir_axis_stride(a, axis)};
        kept += !reduced;
        if (reduced == inner)
            ir_nest_loop(nest, a->dim[axis], stride);
    }
}

static double log_sum_exp(const Group *group)
{
    double top = group->x[0], sum = 0;
    for (int64_t i = 1; i < group->count; i++)
        top = ir_scalar(IR_MAX, top, group->x[i], 0);
    if (!isfinite(top))
        return top;
    for (int64_t i = 0; i < group->count; i++)
        sum += exp(group->x[i] - top);
    return top + log(sum);
}

static double first_largest(const Group *group)
{
    int64_t best = 0;
    for (int64_t i = 1; i < group->count; i++)
        if (group->x[i] > group->x[best])
            best = i;
    return (double)best;
}

/* The op that combines two values of the reduction. */
static IrOp combining_op(IrOp reduction)
{
    switch (reduction) {
    case IR_SUM:
        return IR_ADD;
    case IR_PROD:
        return IR_MUL;
    case IR_REDUCE_MAX:
        return IR_MAX;
    default:
        return IR_MIN;
    }
}

static double reduced(IrOp op, const Group *group)
{
    if (op == IR_LOGSUMEXP)
        return log_sum_exp(group);
    if (op == IR_ARGMAX)
        return first_largest(group);
    double v = group->x[0];
    for (int64_t i = 1; i < group->count; i++)
        v = ir_scalar(combining_op(op), v, group->x[i], 0);
    return v;
}

/* Each element gets the product of the others, without a division: one may be zero. */
static void put_rest(double *out, const Group *group)
{
    double before = 1;
    for (int64_t i = 0; i < group->count; i++) {
        out[group->from[i]] = before;
        before *= group->x[i];
    }
    double after = 1;
    for (int64_t i = group->count; i-- > 0;) {
        out[group->from[i]] *= after;
        after *= group->x[i];
    }
}

static int64_t iterations(const Nest *nest)
{
    int64_t n = 1;
    for (uint32_t d = 0; d < nest->depth; d++)
        n *= nest->size[d];
    return n;
}

static void reduce(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const double *a = ir_operand_value(e, n, 0);
    Nest members, outer;
    operand_loops(e, n, true, &members);
    operand_loops(e, n, false, &outer);
    size_t size = (size_t)iterations(&members);
    Group group = {arena_array(e->arena, double, size), arena_array(e->arena, int64_t, size), 0};
    do {
        Nest inner = members;
        group.count = 0;
        do {
            group.from[group.count] = outer.at[1] + inner.at[1];
            group.x[group.count] = a[group.from[group.count]];
            group.count++;
        } while (ir_nest_next(&inner));
        if (n->op == IR_PROD_REST)
            put_rest(e->value[r], &group);
        else
            e->value[r][outer.at[0] + inner.at[0]] = reduced(n->op, &group);
    } while (ir_nest_next(&outer));
}

/* ---- sums over the rows of each part ------------------------------------------------------- */

static int32_t rows_plate(const IrGraph *g, const IrType *t)
{
    for (uint32_t p = 0; p < g->plates; p++)
        if (t->plates >> p & 1 && g->plate[p].kind == IR_PLATE_ROWS)
            return (int32_t)p;
    return -1;
}

static void sum_parts(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *a = ir_operand_type(e, n, 0), *t[] = {&n->type, a};
    uint32_t rows = (uint32_t)rows_plate(e->g, a), plate = (uint32_t)n->attr.plate;
    int64_t row = ir_plate_stride(e, a, rows), part = ir_plate_stride(e, &n->type, plate);
    int64_t parts = ir_plate_size(e, plate), count = e->env->rows;
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, a->plates & ~(1u << rows), t, 2);
    ir_nest_loop(&nest, ir_elements(a), (int64_t[NEST_ARRAYS]){1, 1});
    do
        for (int64_t p = 0; p < parts; p++) {
            double sum = 0;
            for (int64_t i = count * p / parts; i < count * (p + 1) / parts; i++)
                sum += ir_operand_value(e, n, 0)[nest.at[1] + i * row];
            e->value[r][nest.at[0] + p * part] = sum;
        }
    while (ir_nest_next(&nest));
}

void ir_eval_reduce(Eval *e, IrRef r)
{
    if (e->g->node[r].op == IR_PARTIAL)
        sum_parts(e, r);
    else
        reduce(e, r);
}

/* ---- running sums -------------------------------------------------------------------------- */

void ir_eval_cumsum(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *t[] = {&n->type, ir_operand_type(e, n, 0)};
    uint32_t along = (uint32_t)n->attr.k[0];
    int64_t step = ir_axis_stride(&n->type, along), size = n->type.dim[along];
    Nest nest;
    ir_nest_start(&nest);
    ir_nest_plates(e, &nest, n->type.plates, t, 2);
    for (uint32_t axis = 0; axis < n->type.rank; axis++) {
        int64_t stride = ir_axis_stride(&n->type, axis);
        if (axis != along)
            ir_nest_loop(&nest, n->type.dim[axis], (int64_t[NEST_ARRAYS]){stride, stride});
    }
    do {
        double sum = 0;
        for (int64_t i = 0; i < size; i++) {
            int64_t at = (n->attr.k[1] ? size - 1 - i : i) * step;
            sum += ir_operand_value(e, n, 0)[nest.at[1] + at];
            e->value[r][nest.at[0] + at] = sum;
        }
    } while (ir_nest_next(&nest));
}

/* ---- contractions -------------------------------------------------------------------------- */

/* Where a label stands in each of result, left and right; -1: it does not. */
typedef struct Label {
    int axis[3];
    int64_t size;
} Label;

/* Reads "ij,jk->ik". */
static void read_spec(const char *spec, const IrType *a, const IrType *b, Label label[26])
{
    const IrType *t[] = {NULL, a, b};
    for (int i = 0; i < 26; i++)
        label[i] = (Label){{-1, -1, -1}, 0};
    int array = 1, axis = 0;
    for (; *spec; spec++) {
        if (*spec >= 'a' && *spec <= 'z') {
            Label *l = &label[*spec - 'a'];
            l->axis[array] = axis;
            if (array)
                l->size = t[array]->dim[axis];
            axis++;
        } else {
            array = *spec == ',' ? 2 : 0;
            axis = 0;
        }
    }
}

/* Loops over the labels that the result has, or over the others, which are summed. */
static void nest_labels(Nest *nest, const Label label[26], const IrType *const t[3], bool summed)
{
    for (int i = 0; i < 26; i++) {
        int64_t stride[NEST_ARRAYS] = {0};
        if (label[i].size == 0 || (label[i].axis[0] < 0) != summed)
            continue;
        for (int k = 0; k < 3; k++)
            if (label[i].axis[k] >= 0)
                stride[k] = ir_axis_stride(t[k], (uint32_t)label[i].axis[k]);
        ir_nest_loop(nest, label[i].size, stride);
    }
}

void ir_eval_contract(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrType *t[] = {&n->type, ir_operand_type(e, n, 0), ir_operand_type(e, n, 1)};
    const double *a = ir_operand_value(e, n, 0), *b = ir_operand_value(e, n, 1);
    Label label[26];
    Nest outer = {0}, sum = {0};
    read_spec(n->attr.text, t[1], t[2], label);
    ir_nest_plates(e, &outer, n->type.plates, t, 3);
    nest_labels(&outer, label, t, false);
    ir_nest_plates(e, &sum, n->attr.over, t, 3);
    nest_labels(&sum, label, t, true);
    do {
        Nest inner = sum;
        double v = 0;
        do
            v += a[outer.at[1] + inner.at[1]] * b[outer.at[2] + inner.at[2]];
        while (ir_nest_next(&inner));
        e->value[r][outer.at[0]] = v;
    } while (ir_nest_next(&outer));
}
