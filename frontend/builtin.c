/* Element-wise functions and reductions. */
#include "frontend/fe.h"

#include <math.h>

static const Value failed = {.kind = VALUE_ERROR};

static const char *quoted(Fe *fe, const Builtin *b)
{
    return arena_printf(fe->arena, "`%s`", b->name);
}

/* ---- element-wise -------------------------------------------------------------------------- */

/* Outside graphs every value is known, and gives a known one. */
Value fe_builtin_unary(Fe *fe, const Expr *call, const Builtin *b)
{
    double x;
    Value v = fe_argument(fe, call, 0);
    if (fe->g)
        return fe_elementwise(fe, call->at, quoted(fe, b), b->op, 1, &v);
    return fe_known(v, &x) ? fe_number(ir_scalar(b->op, x, 0, 0)) : failed;
}

Value fe_builtin_elementwise(Fe *fe, const Expr *call, const Builtin *b)
{
    Value in[3];
    for (uint32_t i = 0; i < b->most; i++)
        in[i] = fe_argument(fe, call, i);
    return fe_elementwise(fe, call->at, quoted(fe, b), b->op, b->most, in);
}

Value fe_builtin_clamp(Fe *fe, const Expr *call, const Builtin *b)
{
    Value a = fe_argument(fe, call, 0), low = fe_argument(fe, call, 1),
          high = fe_argument(fe, call, 2);
    Value above = fe_elementwise(fe, call->at, quoted(fe, b), IR_MAX, 2, (Value[]){a, low});
    return fe_elementwise(fe, call->at, quoted(fe, b), b->op, 2, (Value[]){above, high});
}

static Value smaller_or_larger(Fe *fe, const Expr *call, const Builtin *b)
{
    Value a = fe_argument(fe, call, 0), c = fe_argument(fe, call, 1);
    if (a.kind == VALUE_INTEGER && c.kind == VALUE_INTEGER)
        return (a.integer < c.integer) == (b->op == IR_MIN) ? a : c;
    return fe_elementwise(fe, call->at, quoted(fe, b), b->op, 2, (Value[]){a, c});
}

/* ---- what a reduction runs over ------------------------------------------------------------ */

/* The operand, its axes or its plate, and how many elements meet: `size`, or for rows the node
 * `rows`. */
typedef struct Reduction {
    IrRef a;
    uint32_t axes;
    bool over;
    uint32_t plate;
    bool spread; /* the operand is the same in every copy of the plate */
    double size;
    bool rows;
} Reduction;

static bool over_rows_refused(Fe *fe, const Arg *over, const Scope *plate)
{
    if (fe->g->plate[plate->plate].kind != IR_PLATE_ROWS || !fe->has_costs)
        return false;
    fe_error(fe, over->at, SG0509,
             "a reduction over the rows `%s` in a graph with costs: a function of a subsampled sum "
             "is biased",
             plate->name);
    diag_help(fe->diags, over->at, "write `cost` inside the plate: costs are summed over the rows");
    return true;
}

/* e, with the names of the plate visible. */
static IrRef operand_over(Fe *fe, const Expr *call, const Arg *over, Reduction *r)
{
    bool open;
    if (over->value->kind != EXPR_NAME) {
        fe_error(fe, over->value->at, SG0112, "`over =` takes the name of a plate");
        return IR_NONE;
    }
    const Scope *plate = fe_find_plate(fe, over->value->name, &open);
    if (!plate) {
        fe_error(fe, over->value->at, SG0112, "no plate `%s` is visible here", over->value->name);
        return IR_NONE;
    }
    if (over_rows_refused(fe, over, plate))
        return IR_NONE;
    r->over = true;
    r->plate = plate->plate;
    if (open)
        return fe_argument_node(fe, call, 0);
    fe_open(fe, SCOPE_WINDOW, plate->name)->seen = plate;
    IrRef a = fe_argument_node(fe, call, 0);
    fe->scope = fe->scope->parent;
    return a;
}

static void measure_plate(const Fe *fe, Reduction *r)
{
    const IrPlate *p = &fe->g->plate[r->plate];
    r->spread = !(fe_type(fe, r->a).plates >> r->plate & 1);
    r->rows = p->kind == IR_PLATE_ROWS;
    r->size = (double)p->size;
}

/* Reads the arguments of a reduction; `operand` is the first one if it was elaborated already. */
static bool reduction(Fe *fe, const Expr *call, const Value *operand, Reduction *r)
{
    const Arg *axis = fe_named(call, "axis"), *over = fe_named(call, "over");
    *r = (Reduction){.size = 1};
    if (axis && over) {
        fe_error(fe, call->at, SG0211, "a reduction runs over an axis or over a plate, not both");
        return false;
    }
    r->a = over      ? operand_over(fe, call, over, r)
           : operand ? fe_node(fe, call->args.arg[0].value->at, *operand)
                     : fe_argument_node(fe, call, 0);
    if (r->a == IR_NONE)
        return false;
    IrType t = fe_type(fe, r->a);
    if (t.elem == IR_BOOL) {
        fe_error(fe, call->at, SG0202, "`%s` takes numbers, not bool: write `if … then 1 else 0`",
                 call->name);
        return false;
    }
    if (over) {
        measure_plate(fe, r);
        return true;
    }
    uint32_t only;
    if (axis && !fe_axis(fe, call, t.rank, &only))
        return false;
    r->axes = axis ? 1u << only : (1u << t.rank) - 1;
    for (uint32_t i = 0; i < t.rank; i++)
        r->size *= r->axes >> i & 1 ? (double)t.dim[i] : 1;
    return true;
}

static IrRef size_of(Fe *fe, const Reduction *r)
{
    return r->rows ? ir_typed(fe->g, IR_ROWS, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL)
                   : ir_const(fe->g, r->size);
}

/* Copies that are all the same meet in closed form. */
static Value reduce_same(Fe *fe, Span at, const Reduction *r, IrOp op)
{
    IrOp with = op == IR_SUM ? IR_MUL : op == IR_PROD ? IR_POW : IR_ADD;
    Value size = fe_value(size_of(fe, r));
    if (op == IR_REDUCE_MAX || op == IR_REDUCE_MIN)
        return fe_value(r->a);
    if (op == IR_SUM && !r->rows)
        size = fe_integer((int64_t)r->size);
    if (op == IR_LOGSUMEXP)
        size = fe_elementwise(fe, at, "`log`", IR_LOG, 1, &size);
    return fe_elementwise(fe, at, "the reduction", with, 2, (Value[]){fe_value(r->a), size});
}

static Value reduce(Fe *fe, Span at, const Reduction *r, IrOp op)
{
    fe->g->here = at;
    if (r->spread)
        return reduce_same(fe, at, r, op);
    if (!r->over && !r->axes)
        return fe_value(r->a);
    return fe_build(fe, at, op, (IrAttr){.axes = r->axes, .over = r->over ? 1u << r->plate : 0}, 1,
                    &r->a);
}

/* ---- reductions ---------------------------------------------------------------------------- */

Value fe_builtin_extremum(Fe *fe, const Expr *call, const Builtin *b)
{
    Reduction r;
    bool named = fe_named(call, "axis") || fe_named(call, "over");
    if (call->args.count == 2 && !named)
        return smaller_or_larger(fe, call, b);
    if (call->args.count - (fe_named(call, "axis") != NULL) - (fe_named(call, "over") != NULL) != 1)
        return fe_error(fe, call->at, SG0211, "`%s` of two values has no axis", b->name);
    return reduction(fe, call, NULL, &r)
               ? reduce(fe, call->at, &r, b->op == IR_MIN ? IR_REDUCE_MIN : IR_REDUCE_MAX)
               : failed;
}

Value fe_builtin_reduce(Fe *fe, const Expr *call, const Builtin *b)
{
    Reduction r;
    if (!reduction(fe, call, NULL, &r))
        return failed;
    if (b->op == IR_LOGSUMEXP)
        r.a = fe_real(fe, call->at, fe_value(r.a));
    return reduce(fe, call->at, &r, b->op);
}

/* The mean of a value, or of a law. */
Value fe_builtin_mean(Fe *fe, const Expr *call, const Builtin *b)
{
    Reduction r;
    bool alone = call->args.count == 1;
    Value v = alone ? fe_argument(fe, call, 0) : failed;
    if (v.kind == VALUE_LAW)
        return fe_moment(fe, call->at, v.law, IR_E_MEAN);
    if (!reduction(fe, call, alone ? &v : NULL, &r))
        return failed;
    r.a = fe_real(fe, call->at, fe_value(r.a));
    if (r.spread)
        return fe_value(r.a);
    Value sum = reduce(fe, call->at, &r, b->op);
    return r.size == 1 && !r.rows ? sum
                                  : fe_elementwise(fe, call->at, "`mean`", IR_DIV, 2,
                                                   (Value[]){sum, fe_value(size_of(fe, &r))});
}

Value fe_builtin_logmeanexp(Fe *fe, const Expr *call, const Builtin *b)
{
    Reduction r;
    if (!reduction(fe, call, NULL, &r))
        return failed;
    r.a = fe_real(fe, call->at, fe_value(r.a));
    if (r.spread)
        return fe_value(r.a);
    Value all = reduce(fe, call->at, &r, b->op);
    Value log_size = fe_number(log(r.size));
    if (r.rows)
        log_size =
            fe_elementwise(fe, call->at, "`log`", IR_LOG, 1, (Value[]){fe_value(size_of(fe, &r))});
    return fe_elementwise(fe, call->at, "`logmeanexp`", IR_SUB, 2, (Value[]){all, log_size});
}

/* One axis of a value: the one that is named, or a vector's only one. */
static bool one_axis(Fe *fe, const Expr *call, IrRef a, uint32_t *axis)
{
    if (a == IR_NONE)
        return false;
    uint32_t rank = fe_type(fe, a).rank;
    *axis = 0;
    if (fe_named(call, "axis"))
        return fe_axis(fe, call, rank, axis);
    if (rank != 1)
        fe_error(fe, call->at, SG0211, "`%s` of a value with %u axes needs `axis =`", call->name,
                 rank);
    return rank == 1;
}

Value fe_builtin_argmax(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_node(fe, call, 0);
    uint32_t axis;
    return one_axis(fe, call, a, &axis)
               ? fe_build(fe, call->at, b->op, (IrAttr){.axes = 1u << axis}, 1, &a)
               : failed;
}

Value fe_builtin_cumsum(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_node(fe, call, 0);
    uint32_t axis;
    return one_axis(fe, call, a, &axis)
               ? fe_build(fe, call->at, b->op, (IrAttr){.k = {axis}}, 1, &a)
               : failed;
}

/* a minus its logsumexp along the last axis. */
static Value log_softmax(Fe *fe, const Expr *call)
{
    IrRef a = fe_argument_real(fe, call, 0);
    if (a == IR_NONE)
        return failed;
    IrType t = fe_type(fe, a);
    if (t.rank == 0)
        return fe_error(fe, call->at, SG0211, "`%s` of a scalar: it works along the last axis",
                        call->name);
    uint32_t last = t.rank - 1;
    fe->g->here = call->at;
    IrRef norm = ir_reduce(fe->g, IR_LOGSUMEXP, a, 1u << last, 0);
    return fe_value(ir_binary(fe->g, IR_SUB, a, ir_expand(fe->g, norm, last, t.dim[last])));
}

Value fe_builtin_softmax(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_node(fe, call->at, log_softmax(fe, call));
    return fe_build(fe, call->at, b->op, (IrAttr){0}, 1, &a);
}

Value fe_builtin_log_softmax(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    return log_softmax(fe, call);
}

/* `biased` is what makes it legal where a parameter or a pathwise draw reaches the operand; whether
 * one does is known when the graph is complete. */
Value fe_builtin_stop(Fe *fe, const Expr *call, const Builtin *b)
{
    IrRef a = fe_argument_node(fe, call, 0);
    Value v = fe_build(fe, call->at, b->op, (IrAttr){0}, 1, &a);
    if (v.kind == VALUE_ERROR)
        return v;
    if (call->biased)
        fe->g->biased = true;
    else
        *arena_push(fe->arena, fe->stop, fe->stops, IrRef) = v.ref;
    return v;
}
