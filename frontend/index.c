/* a[i, 2, 3:5]: axis after axis.
 *
 * A static index is a slice.  An index that is known to step through a plate (t - 1, the k of plate
 * k) moves the axis into the plate, its bounds checked here.  Any other int gathers, checked when
 * the program runs.  In a branch of `if` what may leave its axis is gathered unchecked. */
#include "frontend/fe.h"

static const Value failed = {.kind = VALUE_ERROR};

/* ---- one axis ------------------------------------------------------------------------------ */

static Value slice(Fe *fe, Span at, IrRef a, uint32_t axis, int64_t from, int64_t to)
{
    return fe_build(fe, at, IR_SLICE, (IrAttr){.k = {axis, from, to}}, 1, &a);
}

static Value drop_axis(Fe *fe, Span at, IrRef a, uint32_t axis)
{
    IrType t = fe_type(fe, a);
    int64_t dim[IR_MAX_RANK] = {0};
    for (uint32_t i = 0, n = 0; i < t.rank; i++)
        if (i != axis)
            dim[n++] = t.dim[i];
    return fe_reshape(fe, at, a, t.rank - 1, dim);
}

/* Moves `axis` to the front, or the front there; the other axes keep their order. */
static Value move_axis(Fe *fe, Span at, IrRef a, uint32_t from, uint32_t to)
{
    IrAttr attr = {0};
    uint32_t rank = fe_type(fe, a).rank;
    if (from == to)
        return fe_value(a);
    for (uint32_t i = 0, source = 0; i < rank; i++) {
        if (i == to) {
            attr.k[i] = from;
            continue;
        }
        source += source == from;
        attr.k[i] = source++;
    }
    return fe_build(fe, at, IR_TRANSPOSE, attr, 1, &a);
}

static Value gather(Fe *fe, Span at, IrRef a, Value index)
{
    IrRef i = fe_node(fe, at, index);
    if (i == IR_NONE)
        return failed;
    IrType t = fe_type(fe, i);
    if (t.elem != IR_INT)
        return fe_error(fe, at, SG0202, "an index must be an int, not %s", ir_elem_name[t.elem]);
    if (fe_type(fe, a).rank + t.rank - 1 > IR_MAX_RANK)
        return fe_error(fe, at, SG0206, "a value would have more than %d axes", IR_MAX_RANK);
    return fe_build(fe, at, IR_GATHER, (IrAttr){.k = {fe->branches > 0}}, 2, (IrRef[]){a, i});
}

static Value at_static(Fe *fe, Span at, IrRef a, int64_t i)
{
    int64_t size = fe_type(fe, a).dim[0];
    if (i >= 0 && i < size)
        return drop_axis(fe, at, fe_node(fe, at, slice(fe, at, a, 0, i, i + 1)), 0);
    if (fe->branches)
        return gather(fe, at, a, fe_integer(i));
    return fe_error(fe, at, SG0209, "index %lld is out of range: the axis has size %lld",
                    (long long)i, (long long)size);
}

static Value at_step(Fe *fe, Span at, IrRef a, Value i)
{
    const IrPlate *p = &fe->g->plate[i.plate];
    IrType t = fe_type(fe, a);
    int64_t last;
    bool inside = i.integer >= 0 && fe_add(i.integer, p->size - 1, &last) && last < t.dim[0];
    if (t.plates >> i.plate & 1)
        return gather(fe, at, a, i);
    if (inside)
        return fe_build(fe, at, IR_TO_PLATE, (IrAttr){.plate = (int32_t)i.plate, .k = {i.integer}},
                        1, &a);
    if (fe->branches)
        return gather(fe, at, a, i);
    return fe_error(fe, at, SG0209, "index runs from %lld to %lld, but the axis has size %lld",
                    (long long)i.integer, (long long)(i.integer + p->size - 1),
                    (long long)t.dim[0]);
}

Value fe_element(Fe *fe, Span at, IrRef a, Value i)
{
    if (a == IR_NONE || i.kind == VALUE_ERROR)
        return failed;
    if (fe_type(fe, a).rank == 0)
        return fe_error(fe, at, SG0210, "a scalar cannot be indexed");
    switch (i.kind) {
    case VALUE_INTEGER: return at_static(fe, at, a, i.integer);
    case VALUE_STEP: return at_step(fe, at, a, i);
    default: return gather(fe, at, a, i);
    }
}

/* ---- all axes ------------------------------------------------------------------------------ */

static Value index_value(Fe *fe, const Expr *e)
{
    bool before = fe->sizes;
    fe->sizes = true;
    Value v = fe_expr(fe, e);
    fe->sizes = before;
    return v;
}

/* lo:hi of axis *axis; false: reported. */
static bool apply_slice(Fe *fe, const Arg *arg, IrRef *a, uint32_t *axis)
{
    int64_t from, to, size = fe_type(fe, *a).dim[*axis];
    if (!fe_static(fe, arg->value, "a bound of a slice", &from) ||
        !fe_static(fe, arg->end, "a bound of a slice", &to))
        return false;
    Span at = fe_span_join(arg->value->at, arg->end->at);
    if (from < 0 || to > size || from >= to) {
        fe_error(fe, at, SG0209, "slice %lld:%lld of an axis of size %lld", (long long)from,
                 (long long)to, (long long)size);
        return false;
    }
    *a = fe_node(fe, at, slice(fe, at, *a, *axis, from, to));
    ++*axis;
    return *a != IR_NONE;
}

/* One index of axis *axis, whose place the index's own axes take. */
static bool apply_index(Fe *fe, const Arg *arg, IrRef *a, uint32_t *axis)
{
    Span at = arg->value->at;
    uint32_t rank = fe_type(fe, *a).rank;
    Value i = index_value(fe, arg->value);
    *a = fe_node(fe, at, i.kind == VALUE_ERROR ? i : move_axis(fe, at, *a, *axis, 0));
    *a = fe_node(fe, at, fe_element(fe, at, *a, i));
    if (*a == IR_NONE)
        return false;
    uint32_t added = fe_type(fe, *a).rank + 1 - rank;
    for (uint32_t k = 0; k<added && * axis> 0 && *a != IR_NONE; k++)
        *a = fe_node(fe, at, move_axis(fe, at, *a, 0, *axis + added - 1));
    *axis += added;
    return *a != IR_NONE;
}

static Value apply(Fe *fe, const Expr *e, IrRef a, uint32_t first)
{
    uint32_t axis = 0;
    for (uint32_t i = first; i < e->args.count; i++) {
        const Arg *arg = &e->args.arg[i];
        if (arg->name)
            return fe_error(fe, arg->at, SG0210, "an index has no name");
        if (a == IR_NONE)
            return failed;
        IrType t = fe_type(fe, a);
        if (axis >= t.rank)
            return fe_error(fe, arg->value->at, SG0210,
                            "too many indices: nothing is left to index in %s",
                            t.rank ? fe_shape_text(fe, &t) : "a scalar");
        if (!(arg->end ? apply_slice : apply_index)(fe, arg, &a, &axis))
            return failed;
    }
    return fe_value(a);
}

Value fe_index(Fe *fe, const Expr *e)
{
    Value base = fe_expr(fe, e->a);
    if (base.kind == VALUE_ERROR)
        return failed;
    if (e->args.count == 0)
        return fe_error(fe, e->at, SG0210, "an index is missing");
    const Arg *step = &e->args.arg[0];
    if (base.kind != VALUE_SEQUENCE || step->end || step->name)
        return apply(fe, e, fe_node(fe, e->a->at, base), 0);
    Value i = index_value(fe, step->value);
    Value element = fe_sequence_read(fe, e->at, base.sequence, i);
    return e->args.count == 1 ? element : apply(fe, e, fe_node(fe, e->at, element), 1);
}
