/* Functions on shapes, and linear algebra. */
#include "frontend/fe.h"

#include <string.h>

static const Value failed = {.kind = VALUE_ERROR};

static Value too_many_axes(Fe *fe, Span at)
{
    return fe_error(fe, at, SG0206, "a value would have more than %d axes", IR_MAX_RANK);
}

/* Argument i as a list of sizes. */
static bool sizes(Fe *fe, const Expr *call, uint32_t i, IrType *out)
{
    const Expr *list = call->args.arg[i].value;
    if (list->kind == EXPR_LIST)
        return fe_shape(fe, &list->args, out);
    fe_error(fe, list->at, SG0215, "expected a shape, such as [2, 3]");
    return false;
}

Value fe_builtin_size(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    IrRef a = fe_argument_node(fe, call, 0);
    if (a == IR_NONE)
        return failed;
    IrType t = fe_type(fe, a);
    uint32_t axis;
    if (!fe_named(call, "axis"))
        return fe_integer(ir_elements(&t));
    return fe_axis(fe, call, t.rank, &axis) ? fe_integer(t.dim[axis]) : failed;
}

/* ---- joining ------------------------------------------------------------------------------- */

static const char *joiner(Fe *fe, const Expr *e)
{
    return e->kind == EXPR_LIST ? "a list" : arena_printf(fe->arena, "`%s`", e->name);
}

/* Makes the arguments of e meet as one element type; false: reported. */
static bool unify(Fe *fe, const Expr *e, uint32_t n, IrRef *in)
{
    uint32_t reals = 0, bools = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (in[i] == IR_NONE)
            return false;
        reals += fe_type(fe, in[i]).elem == IR_REAL;
        bools += fe_type(fe, in[i]).elem == IR_BOOL;
    }
    if (bools > 0 && bools < n) {
        fe_error(fe, e->at, SG0202, "%s joins numbers or bools, not both", joiner(fe, e));
        return false;
    }
    for (uint32_t i = 0; reals > 0 && i < n; i++)
        in[i] = fe_real(fe, e->args.arg[i].value->at, fe_value(in[i]));
    return true;
}

Value fe_stack(Fe *fe, const Expr *e, uint32_t axis, uint32_t n, IrRef *in)
{
    if (!unify(fe, e, n, in))
        return failed;
    IrType first = fe_type(fe, in[0]);
    if (first.rank == IR_MAX_RANK)
        return too_many_axes(fe, e->at);
    for (uint32_t i = 0; i < n; i++) {
        IrType t = fe_type(fe, in[i]);
        if (!ir_same_shape(&t, &first))
            return fe_error(fe, e->args.arg[i].value->at, SG0208,
                            "%s joins equal shapes, not %s and %s", joiner(fe, e),
                            fe_shape_text(fe, &first), fe_shape_text(fe, &t));
        fe->g->here = e->at;
        in[i] = ir_expand(fe->g, in[i], axis, 1);
    }
    return fe_build(fe, e->at, IR_CONCAT, (IrAttr){.k = {axis}}, n, in);
}

/* The positional arguments. */
static IrRef *joined(Fe *fe, const Expr *call, uint32_t *n)
{
    IrRef *in = arena_array(fe->arena, IrRef, call->args.count + 1);
    *n = call->args.count - (fe_named(call, "axis") != NULL);
    for (uint32_t i = 0; i < *n; i++)
        in[i] = fe_argument_node(fe, call, i);
    return in;
}

/* Equal but for the axis along which they are joined. */
static bool joins(Fe *fe, Span at, IrRef a, IrRef b, uint32_t axis)
{
    IrType first = fe_type(fe, a), t = fe_type(fe, b), like = t;
    like.dim[axis] = first.dim[axis];
    if (t.rank == first.rank && ir_same_shape(&like, &first))
        return true;
    fe_error(fe, at, SG0214, "`concat` joins along axis %u, but the shapes are %s and %s", axis,
             fe_shape_text(fe, &first), fe_shape_text(fe, &t));
    return false;
}

Value fe_builtin_concat(Fe *fe, const Expr *call, const Builtin *b)
{
    uint32_t n, axis = 0;
    IrRef *in = joined(fe, call, &n);
    if (!unify(fe, call, n, in))
        return failed;
    uint32_t rank = fe_type(fe, in[0]).rank;
    if (rank == 0)
        return fe_error(
            fe, call->at, SG0214,
            "`concat` joins along an axis, but a scalar has none: write `stack` or a list");
    if (fe_named(call, "axis") && !fe_axis(fe, call, rank, &axis))
        return failed;
    for (uint32_t i = 1; i < n; i++)
        if (!joins(fe, call->args.arg[i].value->at, in[0], in[i], axis))
            return failed;
    return fe_build(fe, call->at, b->op, (IrAttr){.k = {axis}}, n, in);
}

Value fe_builtin_stack(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    uint32_t n, axis = 0;
    IrRef *in = joined(fe, call, &n);
    bool named = fe_named(call, "axis") && in[0] != IR_NONE;
    if (named && !fe_axis(fe, call, fe_type(fe, in[0]).rank + 1, &axis))
        return failed;
    return fe_stack(fe, call, axis, n, in);
}

/* ---- rearranging --------------------------------------------------------------------------- */

Value fe_builtin_reshape(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    IrType to = {0};
    IrRef a = fe_argument_node(fe, call, 0);
    if (!sizes(fe, call, 1, &to) || a == IR_NONE)
        return failed;
    IrType from = fe_type(fe, a);
    if (ir_elements(&from) != ir_elements(&to))
        return fe_error(fe, call->at, SG0215,
                        "`reshape` of %s, %lld elements, to %s, %lld elements",
                        ir_shape_text(fe->arena, &from), (long long)ir_elements(&from),
                        ir_shape_text(fe->arena, &to), (long long)ir_elements(&to));
    return fe_reshape(fe, call->at, a, to.rank, to.dim);
}

/* The listed order of axes. */
static bool permutation(Fe *fe, const Expr *call, uint32_t rank, IrAttr *attr)
{
    const Expr *list = call->args.arg[1].value;
    uint32_t seen = 0;
    bool ok = list->kind == EXPR_LIST && list->args.count == rank;
    for (uint32_t i = 0; ok && i < rank; i++) {
        if (!fe_static(fe, list->args.arg[i].value, "an axis", &attr->k[i]))
            return false;
        ok = attr->k[i] >= 0 && attr->k[i] < (int64_t)rank;
        seen |= ok ? 1u << attr->k[i] : 0;
    }
    if (ok && seen + 1 == 1u << rank)
        return true;
    fe_error(fe, list->at, SG0215, "expected the %u axes, each once, such as [1, 0]", rank);
    return false;
}

Value fe_builtin_transpose(Fe *fe, const Expr *call, const Builtin *b)
{
    IrAttr attr = {0};
    IrRef a = fe_argument_node(fe, call, 0);
    if (a == IR_NONE)
        return failed;
    uint32_t rank = fe_type(fe, a).rank;
    for (uint32_t i = 0; i < rank; i++)
        attr.k[i] = rank - 1 - i;
    if (call->args.count == 2 && !permutation(fe, call, rank, &attr))
        return failed;
    return rank < 2 ? fe_value(a) : fe_build(fe, call->at, b->op, attr, 1, &a);
}

Value fe_builtin_broadcast(Fe *fe, const Expr *call, const Builtin *b)
{
    IrType to = {0};
    IrRef a = fe_argument_node(fe, call, 0);
    if (!sizes(fe, call, 1, &to) || a == IR_NONE)
        return failed;
    IrType from = fe_type(fe, a);
    uint32_t lead = to.rank - from.rank;
    bool ok =
        from.rank <= to.rank && memcmp(from.dim, to.dim + lead, from.rank * sizeof *from.dim) == 0;
    if (!ok)
        return fe_error(fe, call->at, SG0215,
                        "`broadcast` adds leading axes: %s does not end in %s",
                        ir_shape_text(fe->arena, &to), ir_shape_text(fe->arena, &from));
    for (uint32_t i = lead; i-- > 0 && a != IR_NONE;)
        a = fe_node(fe, call->at,
                    fe_build(fe, call->at, b->op, (IrAttr){.k = {0, to.dim[i]}}, 1, &a));
    return fe_value(a);
}

Value fe_builtin_outer(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef in[2] = {fe_argument_real(fe, call, 0), fe_argument_real(fe, call, 1)};
    if (in[0] == IR_NONE || in[1] == IR_NONE)
        return failed;
    uint32_t left = fe_type(fe, in[0]).rank, right = fe_type(fe, in[1]).rank;
    if (left == 0 || right == 0)
        return fe_error(fe, call->at, SG0216, "`outer` of a scalar: write `*`");
    if (left + right > IR_MAX_RANK)
        return too_many_axes(fe, call->at);
    const char *labels = "abcd";
    const char *spec = arena_printf(fe->arena, "%.*s,%.*s->%.*s", (int)left, labels, (int)right,
                                    labels + left, (int)(left + right), labels);
    return fe_build(fe, call->at, b->op, (IrAttr){.text = spec}, 2, in);
}

/* ---- choosing ------------------------------------------------------------------------------ */

Value fe_builtin_gather(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    IrRef a = fe_argument_node(fe, call, 0);
    Value i = fe_argument(fe, call, 1);
    return fe_element(fe, call->at, a, i);
}

Value fe_builtin_one_hot(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef i = fe_argument_node(fe, call, 0);
    int64_t size;
    if (!fe_size(fe, call->args.arg[1].value, "the size of `one_hot`", &size) || i == IR_NONE)
        return failed;
    if (fe_type(fe, i).elem != IR_INT)
        return fe_error(fe, call->args.arg[0].value->at, SG0202, "`one_hot` takes an int, not %s",
                        ir_elem_name[fe_type(fe, i).elem]);
    return fe_build(fe, call->at, b->op, (IrAttr){.k = {size}}, 1, &i);
}

/* ---- matrices ------------------------------------------------------------------------------ */

static bool square(Fe *fe, const Expr *call, IrRef a)
{
    if (a == IR_NONE)
        return false;
    IrType t = fe_type(fe, a);
    if (t.rank == 2 && t.dim[0] == t.dim[1])
        return true;
    fe_error(fe, call->at, SG0216, "`%s` takes a %ssquare matrix, not %s", call->name,
             strcmp(call->name, "diag") == 0 ? "vector or a " : "", fe_shape_text(fe, &t));
    return false;
}

/* The matrix of a diagonal, or the diagonal of a matrix. */
Value fe_builtin_diag(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_real(fe, call, 0);
    if (a != IR_NONE && fe_type(fe, a).rank == 1)
        return fe_build(fe, call->at, b->op, (IrAttr){0}, 1, &a);
    return square(fe, call, a) ? fe_build(fe, call->at, IR_DIAG_PART, (IrAttr){0}, 1, &a) : failed;
}

Value fe_builtin_matrix(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_real(fe, call, 0);
    return square(fe, call, a) ? fe_build(fe, call->at, b->op, (IrAttr){0}, 1, &a) : failed;
}

Value fe_builtin_solve(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef in[2] = {fe_argument_real(fe, call, 0), fe_argument_real(fe, call, 1)};
    if (!square(fe, call, in[0]) || in[1] == IR_NONE)
        return failed;
    IrType a = fe_type(fe, in[0]), right = fe_type(fe, in[1]);
    if (right.rank == 0 || right.rank > 2 || right.dim[0] != a.dim[0])
        return fe_error(fe, call->at, SG0216, "`%s` of a matrix %s and a right side %s", b->name,
                        ir_shape_text(fe->arena, &a), fe_shape_text(fe, &right));
    return fe_build(fe, call->at, b->op, (IrAttr){0}, 2, in);
}

/* log |det| of a triangular matrix. */
Value fe_builtin_logdet_tri(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_real(fe, call, 0);
    if (!square(fe, call, a))
        return failed;
    fe->g->here = call->at;
    IrRef diagonal = ir_unary(fe->g, IR_DIAG_PART, a);
    IrRef logs = ir_unary(fe->g, IR_LOG, ir_unary(fe->g, IR_ABS, diagonal));
    return fe_value(ir_reduce(fe->g, b->op, logs, 1, 0));
}
