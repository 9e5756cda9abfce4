/* Graphs of numbers: element-wise ops, leaves, sums of all kinds, contractions. */
#include "tests/laws/native_case.h"

static const NativeRange above = {0.05, 4, false}, unit = {0.001, 0.999, false},
                         special = {0, 0, true};

/* ---- element-wise --------------------------------------------------------------------------- */

static NativeRange domain_of(IrOp op, uint32_t operand)
{
    switch (op) {
    case IR_LOG:
    case IR_SQRT:
    case IR_LGAMMA:
    case IR_DIGAMMA:
    case IR_TRIGAMMA:
    case IR_TETRAGAMMA:
    case IR_LOG_I0E:
    case IR_I1_GAP:
    case IR_I1_GAP_SLOPE:
    case IR_POISSON_ENTROPY:
    case IR_POISSON_ENTROPY_SLOPE:
    case IR_POISSON_ENTROPY_BEND:
        return above;
    case IR_LOG_GAMMA_QUANTILE:
    case IR_POISSON_QUANTILE:
    case IR_VON_MISES_QUANTILE:
    case IR_VON_MISES_FAR_QUANTILE:
        return operand ? above : unit;
    case IR_BINOMIAL_QUANTILE:
        return operand == 1 ? (NativeRange){1, 9, false} : unit;
    case IR_LOG_GAMMA_SLOPE:
    case IR_VON_MISES_SLOPE:
        return operand ? above : wide;
    case IR_POW:
        return operand ? wide : above;
    case IR_LOG1P:
        return (NativeRange){-0.9, 3, false};
    default:
        return wide;
    }
}

static int arity(IrOp op)
{
    return ir_op_info[op].arity;
}

/* Ops of real functions that are not stated for every argument. */
static bool is_partial(IrOp op)
{
    bool slope = op == IR_LOG_GAMMA_SLOPE || op == IR_VON_MISES_SLOPE;
    return slope || (domain_of(op, 0).lo > 0 && op != IR_LOG && op != IR_SQRT);
}

static void apply(IrGraph *g, IrOp op, const IrRef *in)
{
    IrType type;
    char why[256];
    if (ir_infer(g, op, (IrAttr){0}, (uint32_t)arity(op), in, &type, why, sizeof why))
        native_output(g, ir_node(g, op, (IrAttr){0}, (uint32_t)arity(op), in));
}

static void on_elem(IrGraph *g, IrOp op, IrElem e)
{
    IrRef in[3];
    for (uint32_t i = 0; i < 3; i++) {
        bool chooses = (op == IR_SELECT && i == 0) || e == IR_BOOL;
        IrType type = native_type(chooses ? IR_BOOL : e, N, 1, 5, 0, 0);
        NativeRange range = e == IR_INT ? (NativeRange){-4, 5, false} : domain_of(op, i);
        in[i] = native_input(g, type, chooses ? (NativeRange){0, 2, false} : range);
        if (op == IR_BINOMIAL_QUANTILE && i == 1 && e == IR_REAL)
            in[i] = ir_unary(g, IR_FLOOR, in[i]);
    }
    apply(g, op, in);
}

static void on_shapes(IrGraph *g, IrOp op)
{
    IrRef matrix = native_input(g, real(N, 2, 3, 7, 0), domain_of(op, 0));
    IrRef shared = native_input(g, real(0, 2, 3, 7, 0), domain_of(op, 1));
    IrRef scalar = native_input(g, real(N, 0, 0, 0, 0), domain_of(op, 1));
    IrRef literal = ir_const(g, 1.25);
    if (arity(op) > 2 || op == IR_NOT || op == IR_AND || op == IR_OR)
        return;
    apply(g, op, (IrRef[]){matrix, shared});
    apply(g, op, (IrRef[]){matrix, scalar});
    apply(g, op, (IrRef[]){literal, matrix});
    if (is_partial(op))
        return;
    IrRef a = native_input(g, real(N, 1, 41, 0, 0), special);
    IrRef b = native_input(g, real(N, 1, 41, 0, 0), special);
    apply(g, op, (IrRef[]){a, b});
}

/* Special functions that are computed by sums and searches: right to more than a few ulp. */
static bool is_of_laws(IrOp op)
{
    return (op >= IR_LOG_I0E && op <= IR_POISSON_ENTROPY_BEND) ||
           (op >= IR_LOG_GAMMA_QUANTILE && op <= IR_VON_MISES_SLOPE);
}

static void on_op(IrGraph *g, int variant, bool of_laws)
{
    plates(g);
    for (IrOp op = 0; op < IR_OP_COUNT; op++) {
        if (!(ir_op_info[op].flags & IR_EW) || is_of_laws(op) != of_laws || variant-- != 0)
            continue;
        for (IrElem e = IR_REAL; e <= IR_BOOL; e++)
            on_elem(g, op, e);
        on_shapes(g, op);
    }
}

static void element_wise(IrGraph *g, int variant)
{
    on_op(g, variant, false);
}

static void of_laws(IrGraph *g, int variant)
{
    on_op(g, variant, true);
}

/* clang-format off */
enum { LAW_OPS = 13, EW_OPS = -LAW_OPS
#define OP(id, name, arity, type, value, emit, adjoint, smooth, stages, flags, ...) \
    + !!((flags) & IR_EW)
#include "ir/op.def"
};
/* clang-format on */

/* ---- leaves and fusion ---------------------------------------------------------------------- */

static void leaves(IrGraph *g, int variant)
{
    (void)variant;
    plates(g);
    IrRef x = native_input(g, real(N, 1, 6, 0, 0), wide);
    IrRef whole = ints(g, 0, 1, 9, (NativeRange){0, 5, false});
    IrRef scaled = ir_binary(g, IR_MUL, x, hyper(g, 0.75));
    IrRef share = ir_binary(g, IR_DIV, leaf(g, IR_TOTAL), leaf(g, IR_ROWS));
    native_output(g, ir_binary(g, IR_ADD, scaled, ir_real(g, ir_index(g, PLATE_N, 2))));
    native_output(g, ir_binary(g, IR_MUL, share, x));
    native_output(g, ir_real(g, ir_index(g, PLATE_K, 1)));
    native_output(g, ir_binary(g, IR_ADD, ir_real(g, ir_index(g, PLATE_K, 0)), x));
    native_output(g, ir_typed(g, IR_CONST, (IrAttr){.num = 2.5}, real(0, 2, 2, 3, 0), 0, NULL));
    native_output(g, whole);
    native_output(g, ir_unary(g, IR_SAMPLED, x));
    native_output(g, ir_node(g, IR_SCORE, (IrAttr){0}, 3, (IrRef[]){x, x, x}));
    native_output(g, ir_unary(g, IR_STOP, plated(g, N | K, 1, 5, 0)));
}

/* One loop with values of several depths, sums of both kinds, and a value that others read. */
static void fused(IrGraph *g, int variant)
{
    plates(g);
    IrPlates p = variant & 1 ? N | K : N;
    IrRef x = plated(g, p, 2, 3, variant & 2 ? 64 : 5);
    IrRef row = plated(g, N, 0, 0, 0), bias = plated(g, 0, 2, 3, variant & 2 ? 64 : 5);
    IrRef y = ir_unary(g, IR_TANH, ir_binary(g, IR_ADD, ir_binary(g, IR_MUL, x, row), bias));
    IrRef z = ir_binary(g, IR_MUL, y, ir_unary(g, IR_EXP, row));
    native_output(g, ir_reduce(g, IR_SUM, z, 3, 0));
    native_output(g, ir_reduce(g, IR_SUM, z, 0, p & K ? K : N));
    native_output(g, ir_reduce(g, IR_SUM, z, 1, N));
    native_output(g, ir_reduce(g, IR_SUM, y, 2, p));
    native_output(g, ir_reduce(g, IR_SUM, y, 3, p));
    native_output(g, ir_binary(g, IR_SUB, z, y));
}

/* ---- reductions ----------------------------------------------------------------------------- */

/* By variant: every non-empty set of two axes and two plates. */
static void reductions(IrGraph *g, int variant)
{
    static const IrOp op[] = {IR_SUM,        IR_PROD,      IR_REDUCE_MAX,
                              IR_REDUCE_MIN, IR_LOGSUMEXP, IR_PROD_REST};
    plates(g);
    uint32_t set = (uint32_t)variant + 1, axes = set & 3;
    IrPlates over = (set & 4 ? K : 0) | (set & 8 ? N : 0);
    IrRef x = plated(g, N | K, 2, 2, 3);
    for (size_t i = 0; i < sizeof op / sizeof *op; i++) {
        IrRef r = ir_node(g, op[i], (IrAttr){.axes = axes, .over = over}, 1, &x);
        if (op[i] == IR_PROD && over & N) /* keeps a long product in range */
            r = ir_unary(g, IR_ABS, r);
        native_output(g, r);
    }
}

static void int_reductions(IrGraph *g, int variant)
{
    static const IrOp op[] = {IR_SUM, IR_PROD, IR_REDUCE_MAX, IR_REDUCE_MIN};
    plates(g);
    IrRef x = ints(g, N, 1, 6, (NativeRange){-3, 4, false});
    native_output(g, one(g, op[variant], (IrAttr){.axes = 1}, x));
    native_output(g, one(g, IR_CUMSUM, (IrAttr){0}, x));
    native_output(g, one(g, IR_ARGMAX, (IrAttr){.axes = 1}, x));
}

/* Infinities and what is not a number, through every reduction that compares. */
static void special_reductions(IrGraph *g, int variant)
{
    static const IrOp op[] = {IR_REDUCE_MAX, IR_REDUCE_MIN, IR_LOGSUMEXP, IR_SUM};
    plates(g);
    IrRef x = native_input(g, real(N, 1, 9, 0, 0), special);
    native_output(g, one(g, op[variant], (IrAttr){.axes = 1}, x));
    IrRef low = native_input(g, real(0, 1, 3, 0, 0), (NativeRange){-2, -1, false});
    IrRef none = ir_unary(g, IR_LOG, ir_binary(g, IR_MUL, low, ir_const(g, 0)));
    native_output(g, one(g, op[variant], (IrAttr){.axes = 1}, ir_unary(g, IR_ABS, none)));
    native_output(g, one(g, op[variant], (IrAttr){.axes = 1}, none));
}

static void lines(IrGraph *g, int variant)
{
    plates(g);
    IrRef x = plated(g, variant & 1 ? N | K : N, 2, 4, variant & 2 ? 33 : 3);
    for (int64_t axis = 0; axis < 2; axis++) {
        native_output(g, one(g, IR_ARGMAX, (IrAttr){.axes = 1u << axis}, x));
        for (int64_t back = 0; back < 2; back++)
            native_output(g, one(g, IR_CUMSUM, (IrAttr){.k = {axis, back}}, x));
    }
}

/* ---- contractions --------------------------------------------------------------------------- */

typedef struct Product {
    const char *spec;
    IrPlates a, b, over;
    int64_t dim[4]; /* of the letters a, b, c, d */
} Product;

static const Product product[] = {
    {"a,a->", N, 0, 0, {7}},
    {"a,a->", 0, 0, 0, {70}},
    {",->", N, N, N, {0}},
    {"a,b->ab", 0, N, 0, {3, 5}},
    {"a,b->ba", N | K, N, 0, {3, 5}},
    {"a,ab->b", N, 0, 0, {3, 5}},
    {"a,ab->b", N, 0, 0, {40, 30}},     /* rows by a matrix */
    {"a,ba->b", N, 0, 0, {40, 30}},     /* ... transposed */
    {"ab,a->b", 0, N, 0, {40, 30}},     /* ... on the other side */
    {"a,ab->b", N | K, 0, 0, {40, 30}}, /* rows and copies lie together */
    {"a,ab->b", N | K, K, 0, {40, 30}}, /* a matrix a copy */
    {"a,ab->b", 0, 0, 0, {400, 300}},   /* one vector */
    {"a,b->ab", N, N, N, {40, 30}},     /* the gradient of a matrix: blocks over all rows */
    {"a,b->ba", N, N, N, {40, 30}},
    {"a,b->ab", N, N, N, {2, 3}},
    {"a,b->ab", N | K, N | K, N, {20, 30}},
    {"a,b->ab", N | K, N | K, N | K, {40, 30}},
    {"a,b->ab", N | K, N, N | K, {40, 30}},
    {"ab,bc->ac", 0, 0, 0, {20, 30, 40}},
    {"ab,cb->ac", 0, 0, 0, {20, 30, 40}},
    {"ba,bc->ac", 0, 0, 0, {20, 30, 40}},
    {"ba,cb->ac", 0, 0, 0, {20, 30, 40}},
    {"ab,bc->ca", 0, 0, 0, {20, 30, 40}},
    {"ab,bc->ac", N, N, 0, {2, 3, 2}},
    {"ab,bc->ac", N | K, K, 0, {17, 18, 19}},
    {"ab,bc->ac", N, 0, N, {17, 18, 19}},
    {"abc,cd->abd", N, 0, 0, {3, 4, 40, 30}},
    {"abc,cb->a", N, 0, 0, {3, 8, 40}},
    {"abc,dbc->ad", N, 0, 0, {30, 8, 9, 20}},
    {"abc,dcb->ad", 0, 0, 0, {30, 8, 9, 20}}, /* the summed labels do not lie together */
    {"abc,bd->acd", 0, 0, 0, {3, 40, 30, 20}},
    {"ab,bc->abc", 0, 0, 0, {3, 4, 5}},
    {"ab,c->c", 0, 0, 0, {3, 4, 5}}, /* labels of one operand are summed */
    {"abd,bc->ac", 0, 0, 0, {20, 30, 40, 2}},
    {"ab,ab->ab", N, 0, 0, {3, 9}},
    {"ab,ab->", N, N, N, {3, 9}},
    {"a,a->a", N, N, N, {12}},
    {"a,->a", N, N, N, {12}},
    {"ab,a->b", N, N, N | K, {4, 5}},
};

enum { PRODUCTS = sizeof product / sizeof *product };

static IrRef factor(IrGraph *g, const char **spec, IrPlates p, const int64_t *dim)
{
    IrType t = real(p & N, 0, 0, 0, 0);
    if (p & K)
        t.dim[t.rank++] = COPIES;
    for (; **spec >= 'a' && **spec <= 'z'; (*spec)++)
        t.dim[t.rank++] = dim[**spec - 'a'];
    IrRef r = native_input(g, t, wide);
    return p & K ? to_plate(g, r, PLATE_K, 0) : r;
}

static void contractions(IrGraph *g, int variant)
{
    const Product *p = &product[variant];
    const char *spec = p->spec;
    plates(g);
    IrRef a = factor(g, &spec, p->a, p->dim);
    spec++;
    IrRef b = factor(g, &spec, p->b, p->dim);
    IrPlates has = g->node[a].type.plates | g->node[b].type.plates;
    native_output(g, ir_contract(g, p->spec, p->over & has, a, b));
}

/* Products of what has been moved, and of literals. */
static void odd_contractions(IrGraph *g, int variant)
{
    (void)variant;
    plates(g);
    IrRef a = plated(g, N, 2, 30, 20), b = plated(g, 0, 2, 20, 40);
    IrRef turned = one(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, a);
    native_output(g, ir_contract(g, "ba,bc->ac", 0, turned, b));
    IrRef ones = ir_typed(g, IR_CONST, (IrAttr){.num = 1}, real(0, 2, 20, 40, 0), 0, NULL);
    native_output(g, ir_contract(g, "ab,bc->ac", 0, a, ones));
    IrRef wider = ir_expand(g, plated(g, N, 1, 20, 0), 0, 30);
    native_output(g, ir_contract(g, "ab,bc->ac", 0, wider, b));
    IrRef part = one(g, IR_SLICE, (IrAttr){.k = {1, 2, 18}}, a);
    native_output(
        g, ir_contract(g, "ab,bc->ac", 0, part, one(g, IR_SLICE, (IrAttr){.k = {0, 0, 16}}, b)));
}

/* ---- the table ------------------------------------------------------------------------------ */

const NativeCase native_sum_case[] = {
    {"element_wise", element_wise, EW_OPS, 4, 0, IR_ENTRY_RUN},
    {"of_laws", of_laws, LAW_OPS, 64, 1, IR_ENTRY_RUN},
    {"leaves", leaves, 1, 2, 1, IR_ENTRY_RUN},
    {"fused", fused, 4, 64, 16, IR_ENTRY_RUN},
    {"reductions", reductions, 15, 64, 1, IR_ENTRY_RUN},
    {"int_reductions", int_reductions, 4, 0, 1, IR_ENTRY_RUN},
    {"special_reductions", special_reductions, 4, 8, 80, IR_ENTRY_RUN}, /* sums |x| */
    {"lines", lines, 4, 64, 1, IR_ENTRY_RUN},
    {"contractions", contractions, PRODUCTS, 64, 16, IR_ENTRY_RUN},
    {"odd_contractions", odd_contractions, 1, 64, 16, IR_ENTRY_RUN},
};

const size_t native_sum_cases = sizeof native_sum_case / sizeof *native_sum_case;
