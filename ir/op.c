/* The tables of op.def, estimator.def and the closed sets of ir.h; one type rule per word of the
 * `type` column; the scalar meanings. */
#include "ir/ir.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define OP(id, name, arity, type, ...) static IrTypeRule type_##type;
#include "ir/op.def"

const IrOpInfo ir_op_info[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, adjoint, smooth, stages, flags, attrs, doc)         \
    [IR_##id] = {name, arity, type_##type, IR_##smooth, stages, flags, attrs, doc},
#include "ir/op.def"
};

const IrEstimatorInfo ir_estimator_info[IR_EST_COUNT] = {
#define ESTIMATOR(id, name, built, needs_biased, supports, doc)                                    \
    [IR_EST_##id] = {name, built, needs_biased, supports, doc},
#include "ir/estimator.def"
};

const char *const ir_elem_name[] = {"real", "int", "bool"};
const char *const ir_plate_kind_name[] = {"rows", "static", "samples", "enumeration", "step", "parts"};
const char *const ir_stage_name[] = {"source", "estimator", "scheduled"};
const char *const ir_init_name[] = {"constant", "identity", "normal", "uniform",
                                    "glorot",   "he",       "orthogonal"};
const char *const ir_constraint_name[] = {"free",    "positive", "unit_interval", "simplex",
                                          "ordered", "cholesky", "range"};
const char *const ir_entry_name[] = {"source", "step", "eval", "run"};
const char *const ir_baseline_name[] = {"none", "leave_one_out", "moving_average", "learned",
                                        "constant"};
const char *const ir_copies_name[] = {"independent", "antithetic", "qmc"};

const char *ir_out_of_scope(const char *name)
{
#define ESTIMATOR(...)
#define OUT_OF_SCOPE(known, reason)                                                                \
    if (strcmp(name, known) == 0)                                                                  \
        return reason;
#include "ir/estimator.def"
    return NULL;
}

static double ir_sigmoid(double a)
{
    double e = exp(-fabs(a));
    return a >= 0 ? 1 / (1 + e) : e / (1 + e);
}

static double ir_softplus(double a)
{
    return (a <= 0 ? 0 : a) + log1p(exp(-fabs(a)));
}

static double ir_to_int(double a)
{
    return isnan(a) ? 0 : fmax(INT32_MIN, fmin(INT32_MAX, trunc(a)));
}

double ir_scalar(IrOp op, double a, double b, double c)
{
    switch (op) {
/* clang-format off */
#define OP(id, name, arity, type, value, ...) case IR_##id: return value;
#include "ir/op.def"
    /* clang-format on */
    default:
        (void)c;
        assert(0 && "not an operation");
        return 0;
    }
}

/* ---- helpers of the rules ------------------------------------------------------------------ */

static const IrType *operand(const IrGraph *g, const IrNode *n, uint32_t i)
{
    return &g->node[n->in[i]].type;
}

static bool refuse(char *why, size_t size, const char *fmt, ...) SGC_PRINTF(3, 4);

static bool refuse(char *why, size_t size, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, size, fmt, args);
    va_end(args);
    return false;
}

/* The common type of element-wise operands: one shape, or scalar; the union of their plates. */
static bool join(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    for (uint32_t i = 1; i < n->n_in; i++) {
        const IrType *t = operand(g, n, i);
        out->plates |= t->plates;
        if (t->rank == 0 || ir_same_shape(t, out))
            continue;
        if (out->rank != 0)
            return refuse(why, size, "operands of %s have shapes %s and %s", ir_op_info[n->op].name,
                          ir_shape_text(g->model->arena, out), ir_shape_text(g->model->arena, t));
        out->rank = t->rank;
        memcpy(out->dim, t->dim, sizeof out->dim);
    }
    return true;
}

static bool want(const IrGraph *g, const IrNode *n, uint32_t i, IrElem e, char *why, size_t size)
{
    IrElem is = operand(g, n, i)->elem;
    return is == e || refuse(why, size, "operand %u of %s is %s, not %s", i + 1,
                             ir_op_info[n->op].name, ir_elem_name[is], ir_elem_name[e]);
}

static bool axis_ok(const IrNode *n, int64_t axis, uint32_t rank, char *why, size_t size)
{
    return (axis >= 0 && axis < (int64_t)rank) ||
           refuse(why, size, "%s has no axis %lld of %u", ir_op_info[n->op].name, (long long)axis,
                  rank);
}

static void remove_axis(IrType *t, uint32_t axis)
{
    for (uint32_t i = axis; i + 1 < IR_MAX_RANK; i++)
        t->dim[i] = t->dim[i + 1];
    t->dim[IR_MAX_RANK - 1] = 0;
    t->rank--;
}

static bool insert_axis(IrType *t, uint32_t axis, int64_t dim, char *why, size_t size)
{
    if (t->rank == IR_MAX_RANK)
        return refuse(why, size, "a value would have more than %d axes", IR_MAX_RANK);
    for (uint32_t i = t->rank; i > axis; i--)
        t->dim[i] = t->dim[i - 1];
    t->dim[axis] = dim;
    t->rank++;
    return true;
}

/* ---- rules --------------------------------------------------------------------------------- */

/* The type is stated by whoever builds the node (ir_typed). */
static bool type_given(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    (void)g, (void)why, (void)size;
    *out = n->type;
    return true;
}

static bool type_same(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    (void)why, (void)size;
    *out = *operand(g, n, 0);
    return true;
}

static bool type_second(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    (void)why, (void)size;
    *out = *operand(g, n, 1);
    return true;
}

static bool type_to_real(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    (void)why, (void)size;
    *out = *operand(g, n, 0);
    out->elem = IR_REAL;
    return true;
}

static bool type_to_int(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    out->elem = IR_INT;
    return want(g, n, 0, IR_REAL, why, size);
}

static bool type_to_bool(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!want(g, n, i, IR_BOOL, why, size))
            return false;
    return join(g, n, out, why, size);
}

static bool type_arith(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    IrElem e = operand(g, n, 0)->elem;
    if (e == IR_BOOL)
        return refuse(why, size, "%s takes numbers, not bool", ir_op_info[n->op].name);
    for (uint32_t i = 1; i < n->n_in; i++)
        if (!want(g, n, i, e, why, size))
            return false;
    return join(g, n, out, why, size);
}

static bool type_real(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        if (!want(g, n, i, IR_REAL, why, size))
            return false;
    return join(g, n, out, why, size);
}

static bool type_compare(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    if (!want(g, n, 1, operand(g, n, 0)->elem, why, size) || !join(g, n, out, why, size))
        return false;
    out->elem = IR_BOOL;
    return true;
}

static bool type_select(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    if (!want(g, n, 0, IR_BOOL, why, size) || !want(g, n, 2, operand(g, n, 1)->elem, why, size) ||
        !join(g, n, out, why, size))
        return false;
    out->elem = operand(g, n, 1)->elem;
    return true;
}

static bool type_reduce(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const IrType *a = operand(g, n, 0);
    if (a->elem == IR_BOOL)
        return refuse(why, size, "%s takes numbers, not bool", ir_op_info[n->op].name);
    if ((n->attr.over & ~a->plates) || n->attr.axes >> a->rank)
        return refuse(why, size, "%s over a plate or axis that its operand %s lacks",
                      ir_op_info[n->op].name, ir_type_text(g, a));
    *out = *a;
    if (n->op == IR_PROD_REST)
        return true;
    out->plates &= ~n->attr.over;
    for (uint32_t i = a->rank; i-- > 0;)
        if (n->attr.axes >> i & 1)
            remove_axis(out, i);
    return true;
}

static bool type_argmax(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    if (n->attr.axes == 0 || (n->attr.axes & (n->attr.axes - 1)))
        return refuse(why, size, "argmax takes one axis");
    if (!type_reduce(g, n, out, why, size))
        return false;
    out->elem = IR_INT;
    return true;
}

static bool type_partial(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    IrPlates rows = 0;
    for (uint32_t i = 0; i < g->plates; i++)
        if (g->plate[i].kind == IR_PLATE_ROWS)
            rows |= 1u << i;
    if (!(out->plates & rows))
        return refuse(why, size, "partial of %s, which has no rows", ir_type_text(g, out));
    out->plates = (out->plates & ~rows) | 1u << n->attr.plate;
    return true;
}

/* Reads one "ij" of a contract spec into sizes by label; false: a label disagrees or is missing. */
static bool read_labels(const char **spec, const IrType *t, int64_t *dim, char *why, size_t size)
{
    uint32_t i = 0;
    for (; **spec >= 'a' && **spec <= 'z'; (*spec)++, i++) {
        int64_t *d = &dim[**spec - 'a'];
        if (i >= t->rank || (*d && *d != t->dim[i]))
            return refuse(why, size, "contracted axes have sizes %lld and %lld", (long long)*d,
                          (long long)(i < t->rank ? t->dim[i] : 0));
        *d = t->dim[i];
    }
    return i == t->rank || refuse(why, size, "a contraction names %u of %u axes", i, t->rank);
}

static bool type_contract(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const char *spec = n->attr.text;
    const IrType *a = operand(g, n, 0), *b = operand(g, n, 1);
    int64_t dim[26] = {0};
    if (!type_real(g, &(IrNode){.op = n->op, .n_in = 1, .in = n->in}, out, why, size) ||
        !want(g, n, 1, IR_REAL, why, size))
        return false;
    if (!read_labels(&spec, a, dim, why, size) || *spec++ != ',' ||
        !read_labels(&spec, b, dim, why, size) || *spec++ != '-' || *spec++ != '>')
        return why[0] ? false : refuse(why, size, "contract spec '%s'", n->attr.text);
    IrPlates plates = a->plates | b->plates;
    if (n->attr.over & ~plates)
        return refuse(why, size, "contract over a plate that its operands lack");
    *out = ir_scalar_type(IR_REAL, plates & ~n->attr.over);
    for (; *spec; spec++) {
        if (*spec < 'a' || *spec > 'z' || !dim[*spec - 'a'] ||
            !insert_axis(out, out->rank, dim[*spec - 'a'], why, size))
            return refuse(why, size, "contract spec '%s'", n->attr.text);
    }
    return true;
}

static bool type_transpose(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const IrType *a = operand(g, n, 0);
    uint32_t seen = 0;
    *out = *a;
    for (uint32_t i = 0; i < a->rank; i++) {
        if (!axis_ok(n, n->attr.k[i], a->rank, why, size))
            return false;
        seen |= 1u << n->attr.k[i];
        out->dim[i] = a->dim[n->attr.k[i]];
    }
    return seen + 1 == 1u << a->rank || refuse(why, size, "transpose repeats an axis");
}

static bool type_expand(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    if (n->attr.k[1] < 1)
        return refuse(why, size, "expand to %lld copies", (long long)n->attr.k[1]);
    return axis_ok(n, n->attr.k[0], out->rank + 1, why, size) &&
           insert_axis(out, (uint32_t)n->attr.k[0], n->attr.k[1], why, size);
}

static bool type_slice(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    const int64_t *k = n->attr.k;
    if (!axis_ok(n, k[0], out->rank, why, size))
        return false;
    if (k[1] < 0 || k[2] <= k[1] || k[2] > out->dim[k[0]])
        return refuse(why, size, "slice [%lld:%lld] of an axis of size %lld", (long long)k[1],
                      (long long)k[2], (long long)out->dim[k[0]]);
    out->dim[k[0]] = k[2] - k[1];
    return true;
}

static bool type_pad(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    const int64_t *k = n->attr.k;
    if (!axis_ok(n, k[0], out->rank, why, size))
        return false;
    if (k[1] < 0 || k[1] + out->dim[k[0]] > k[2])
        return refuse(why, size, "an axis of size %lld does not fit at %lld of %lld",
                      (long long)out->dim[k[0]], (long long)k[1], (long long)k[2]);
    out->dim[k[0]] = k[2];
    return true;
}

static bool type_concat(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    int64_t axis = n->attr.k[0], total = 0;
    if (!axis_ok(n, axis, out->rank, why, size))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        IrType t = *operand(g, n, i);
        out->plates |= t.plates;
        if (t.rank != out->rank || t.elem != out->elem)
            return refuse(why, size, "concat of %s and %s",
                          ir_type_text(g, operand(g, n, 0)), ir_type_text(g, operand(g, n, i)));
        total += t.dim[axis];
        t.dim[axis] = out->dim[axis];
        if (!ir_same_shape(&t, out))
            return refuse(why, size, "concat of shapes %s and %s",
                          ir_shape_text(g->model->arena, operand(g, n, 0)),
                          ir_shape_text(g->model->arena, operand(g, n, i)));
    }
    out->dim[axis] = total;
    return true;
}

static bool type_gather(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const IrType *a = operand(g, n, 0), *index = operand(g, n, 1);
    if (!want(g, n, 1, IR_INT, why, size))
        return false;
    if (a->rank == 0)
        return refuse(why, size, "a scalar cannot be indexed");
    *out = *index;
    out->elem = a->elem;
    out->plates |= a->plates;
    for (uint32_t i = 1; i < a->rank; i++)
        if (!insert_axis(out, out->rank, a->dim[i], why, size))
            return false;
    return true;
}

/* a is index.shape ++ rest; the result is [k0] ++ rest. */
static bool type_scatter(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const IrType *a = operand(g, n, 0), *index = operand(g, n, 1);
    if (!want(g, n, 1, IR_INT, why, size))
        return false;
    if (a->rank < index->rank || n->attr.k[0] < 1)
        return refuse(why, size, "scatter of %s by %s", ir_type_text(g, a), ir_type_text(g, index));
    *out = ir_scalar_type(a->elem, (a->plates | index->plates) & ~n->attr.over);
    insert_axis(out, 0, n->attr.k[0], why, size);
    for (uint32_t i = index->rank; i < a->rank; i++)
        if (!insert_axis(out, out->rank, a->dim[i], why, size))
            return false;
    return true;
}

static bool type_one_hot(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    if (!want(g, n, 0, IR_INT, why, size))
        return false;
    out->elem = IR_REAL;
    return insert_axis(out, out->rank, n->attr.k[0], why, size);
}

static bool type_diag(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    if (out->rank != 1)
        return refuse(why, size, "diag takes a vector, not %s", ir_type_text(g, out));
    return insert_axis(out, 1, out->dim[0], why, size);
}

static bool type_square(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    return (out->rank == 2 && out->dim[0] == out->dim[1] && out->elem == IR_REAL) ||
           refuse(why, size, "%s takes a square real matrix, not %s", ir_op_info[n->op].name,
                  ir_type_text(g, out));
}

static bool type_diag_part(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    if (!type_square(g, n, out, why, size))
        return false;
    remove_axis(out, 1);
    return true;
}

static bool type_to_plate(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    const IrPlate *p = &g->plate[n->attr.plate];
    if (out->rank == 0 || out->plates >> n->attr.plate & 1)
        return refuse(why, size, "to_plate of %s", ir_type_text(g, out));
    if (n->attr.k[0] < 0 || n->attr.k[0] + p->size > out->dim[0])
        return refuse(why, size, "copies %lld to %lld of plate %s read an axis of size %lld",
                      (long long)n->attr.k[0], (long long)(n->attr.k[0] + p->size - 1), p->name,
                      (long long)out->dim[0]);
    remove_axis(out, 0);
    out->plates |= 1u << n->attr.plate;
    return true;
}

static bool type_to_axis(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    *out = *operand(g, n, 0);
    const IrPlate *p = &g->plate[n->attr.plate];
    if (!(out->plates >> n->attr.plate & 1) || n->attr.k[0] < 0 ||
        n->attr.k[0] + p->size > n->attr.k[1])
        return refuse(why, size, "to_axis of %s over plate %s", ir_type_text(g, out), p->name);
    out->plates &= ~(1u << n->attr.plate);
    return insert_axis(out, 0, n->attr.k[1], why, size);
}

static bool type_solve(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size)
{
    const IrType *b = operand(g, n, 1);
    if (!type_square(g, n, out, why, size) || !want(g, n, 1, IR_REAL, why, size))
        return false;
    if (b->rank == 0 || b->rank > 2 || b->dim[0] != out->dim[0])
        return refuse(why, size, "%s of a matrix %s and a right side %s", ir_op_info[n->op].name,
                      ir_shape_text(g->model->arena, out), ir_shape_text(g->model->arena, b));
    IrPlates plates = out->plates | b->plates;
    *out = *b;
    out->plates = plates;
    return true;
}
