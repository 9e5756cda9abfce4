/* The graphs that compiled code is compared on: every op with a native rule, copies and rows. */
#include "tests/laws/native.h"

/* Every graph of these cases has the same plates. */
enum { PLATE_N, PLATE_K, PLATE_T, N = 1 << PLATE_N, K = 1 << PLATE_K, COPIES = 3, STEPS = 4 };

static const NativeRange wide = {-3, 3, false}, above = {0.05, 4, false}, special = {0, 0, true};

static void plates(IrGraph *g)
{
    ir_plate_add(g, "n", IR_PLATE_ROWS, NATIVE_ROWS, 0);
    ir_plate_add(g, "k", IR_PLATE_STATIC, COPIES, 0);
    ir_plate_add(g, "t", IR_PLATE_STEP, STEPS, 0);
}

static IrType real(IrPlates p, uint32_t rank, int64_t d0, int64_t d1, int64_t d2)
{
    return native_type(IR_REAL, p, rank, d0, d1, d2);
}

static IrRef to_plate(IrGraph *g, IrRef a, int32_t plate, int64_t first)
{
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = plate, .k = {first}}, 1, &a);
}

/* A value with a copy of its own for each of `p`: k from the first axis of a wider input. */
static IrRef plated(IrGraph *g, IrPlates p, uint32_t rank, int64_t d0, int64_t d1)
{
    if (!(p & K))
        return native_input(g, real(p, rank, d0, d1, 0), wide);
    IrRef all = native_input(g, real(p & N, rank + 1, COPIES + 1, d0, d1), wide);
    return to_plate(g, all, PLATE_K, 1);
}

static IrRef ints(IrGraph *g, IrPlates p, uint32_t rank, int64_t d0, NativeRange range)
{
    return native_input(g, native_type(IR_INT, p, rank, d0, 0, 0), range);
}

static IrRef one(IrGraph *g, IrOp op, IrAttr attr, IrRef a)
{
    return ir_node(g, op, attr, 1, &a);
}

/* ---- element-wise --------------------------------------------------------------------------- */

static NativeRange domain_of(IrOp op, uint32_t operand)
{
    switch (op) {
    case IR_LOG:
    case IR_SQRT:
    case IR_LGAMMA:
    case IR_DIGAMMA:
    case IR_TRIGAMMA:
        return above;
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
    return domain_of(op, 0).lo > 0 && op != IR_LOG && op != IR_SQRT;
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
    }
    apply(g, op, in);
}

static void on_shapes(IrGraph *g, IrOp op)
{
    IrRef matrix = native_input(g, real(N, 2, 3, 7, 0), domain_of(op, 0));
    IrRef shared = native_input(g, real(0, 2, 3, 7, 0), domain_of(op, 1));
    IrRef scalar = native_input(g, real(N, 0, 0, 0, 0), domain_of(op, 1));
    IrRef literal = ir_const(g, 1.25);
    if (op == IR_SELECT || op == IR_NOT || op == IR_AND || op == IR_OR)
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

static void element_wise(IrGraph *g, int variant)
{
    plates(g);
    for (IrOp op = 0; op < IR_OP_COUNT; op++) {
        if (!(ir_op_info[op].flags & IR_EW) || variant-- != 0)
            continue;
        for (IrElem e = IR_REAL; e <= IR_BOOL; e++)
            on_elem(g, op, e);
        on_shapes(g, op);
    }
}

/* clang-format off */
enum { EW_OPS = 0
#define OP(id, name, arity, type, value, emit, adjoint, smooth, stages, flags, ...) \
    + !!((flags) & IR_EW)
#include "ir/op.def"
};
/* clang-format on */

/* ---- leaves and fusion ---------------------------------------------------------------------- */

static IrRef hyper(IrGraph *g, double v)
{
    IrModel *m = g->model;
    uint32_t item = m->hypers;
    *arena_push(m->arena, m->hyper, m->hypers, IrHyper) = (IrHyper){.name = "h", .value = v};
    return ir_typed(g, IR_HYPER, (IrAttr){.item = item}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

static IrRef leaf(IrGraph *g, IrOp op)
{
    return ir_typed(g, op, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
}

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

/* ---- shapes --------------------------------------------------------------------------------- */

static void moves(IrGraph *g, int variant)
{
    plates(g);
    IrRef x = plated(g, variant & 1 ? N | K : N, 2, 4, 4), y = plated(g, N, 2, 3, 4);
    if (variant & 2) /* computed, so not a view of an input */
        x = ir_unary(g, IR_TANH, x);
    IrRef shape =
        ir_typed(g, IR_RESHAPE, (IrAttr){0}, real(g->node[x].type.plates, 3, 2, 2, 4), 1, &x);
    native_output(g, ir_unary(g, IR_SQUARE, shape));
    native_output(g, shape);
    native_output(g, one(g, IR_TRANSPOSE, (IrAttr){.k = {2, 0, 1}}, shape));
    native_output(g, one(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, x));
    for (int64_t axis = 0; axis < 3; axis++)
        native_output(g, ir_unary(g, IR_NEG, ir_expand(g, x, (uint32_t)axis, 3)));
    for (int64_t axis = 0; axis < 2; axis++) {
        IrRef s = one(g, IR_SLICE, (IrAttr){.k = {axis, 1, 3}}, x);
        native_output(g, s);
        native_output(g, one(g, IR_PAD, (IrAttr){.k = {axis, 2, 5}}, s));
    }
    native_output(g, ir_node(g, IR_CONCAT, (IrAttr){.k = {0}}, 3, (IrRef[]){x, y, x}));
    native_output(g, one(g, IR_DIAG_PART, (IrAttr){0}, x));
    native_output(g, one(g, IR_DIAG, (IrAttr){0}, one(g, IR_DIAG_PART, (IrAttr){0}, x)));
    native_output(g, one(g, IR_TRIL, (IrAttr){0}, x));
    IrRef flat = ir_typed(g, IR_RESHAPE, (IrAttr){0}, real(g->node[x].type.plates, 1, 16, 0, 0), 1,
                          (IrRef[]){one(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, x)});
    native_output(g, flat);
}

static void plate_moves(IrGraph *g, int variant)
{
    (void)variant;
    plates(g);
    IrRef x = plated(g, N | K, 1, 5, 0), y = plated(g, K, 0, 0, 0);
    IrRef i = ints(g, N, 1, 4, (NativeRange){-1, 4, false});
    native_output(g, x);
    native_output(g, one(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_K, .k = {0, COPIES}}, x));
    native_output(g, one(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_K, .k = {1, COPIES + 2}}, x));
    native_output(g, one(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_K, .k = {0, COPIES}}, y));
    native_output(g, ir_binary(g, IR_ADD, x, to_plate(g, plated(g, 0, 1, 6, 0), PLATE_K, 2)));
    native_output(g, one(g, IR_ONE_HOT, (IrAttr){.k = {3}}, i));
}

/* ---- indices -------------------------------------------------------------------------------- */

static void gathers(IrGraph *g, int variant)
{
    plates(g);
    bool hole = variant & 1, many = variant & 2;
    NativeRange range = hole ? (NativeRange){-2, 8, false} : (NativeRange){0, 6, false};
    IrRef i = ints(g, N, many ? 1 : 0, 4, range);
    IrRef from[] = {plated(g, 0, 1, 6, 0), plated(g, 0, 2, 6, 3), plated(g, N | K, 1, 6, 0),
                    plated(g, N, 2, 6, 2)};
    for (size_t k = 0; k < sizeof from / sizeof *from; k++)
        native_output(g, ir_node(g, IR_GATHER, (IrAttr){.k = {hole}}, 2, (IrRef[]){from[k], i}));
    IrRef number = ints(g, 0, 1, 6, (NativeRange){-9, 9, false});
    if (!hole)
        native_output(g, ir_gather(g, number, i));
}

static void scatters(IrGraph *g, int variant)
{
    plates(g);
    bool many = variant & 1, skips = variant & 2;
    NativeRange range = skips ? (NativeRange){-2, 8, false} : (NativeRange){0, 6, false};
    IrRef i = ints(g, N, many ? 1 : 0, 4, range);
    for (uint32_t rest = 0; rest < 2; rest++)
        for (int over = 0; over < 3; over++) {
            IrPlates p = over == 2 ? N | K : N;
            IrRef x = plated(g, p, rest + many, many ? 4 : 3, 3);
            IrAttr attr = {.k = {6}, .over = over == 0 ? 0 : p};
            native_output(g, ir_node(g, IR_SCATTER, attr, 2, (IrRef[]){x, i}));
        }
}

/* The largest index is out of range. */
static void fault(IrGraph *g, int variant)
{
    plates(g);
    IrRef i = ints(g, N, 0, 0, (NativeRange){6, 7, false});
    if (variant == 0) {
        native_output(g, ir_gather(g, plated(g, 0, 1, 6, 0), i));
        return;
    }
    IrRef inside = ir_binary(g, IR_SUB, i, ir_int(g, 1));
    native_output(g, ir_gather(g, plated(g, 0, 1, 6, 0), inside));
}

/* ---- sequences ------------------------------------------------------------------------------ */

static IrRef carry(IrGraph *g, IrType type, IrRef init)
{
    return ir_typed(g, IR_CARRY, (IrAttr){0}, type, 2, (IrRef[]){init, init});
}

/* h[t] = tanh(W h[t-1] + x[t]); sums and moves within the region. */
static void sequence(IrGraph *g, int variant)
{
    plates(g);
    bool reverse = variant & 1, copies = variant & 2;
    IrPlates p = N | 1u << PLATE_T | (copies ? K : 0);
    IrRef x = to_plate(g, plated(g, copies ? N | K : N, 2, STEPS + 1, 5), PLATE_T, 1);
    IrRef w = plated(g, 0, 2, 5, 5), init = plated(g, N, 1, 5, 0), scale = hyper(g, 0.3);
    g->in_region = ir_region_add(g, PLATE_T, reverse);
    IrRef h = carry(g, real(p, 1, 5, 0, 0), init);
    IrRef wide_h = ir_expand(g, h, 0, 5);
    IrRef mixed = ir_reduce(g, IR_SUM, ir_binary(g, IR_MUL, wide_h, w), 2, 0);
    IrRef driven = ir_contract(g, "ab,b->a", 0, w, ir_unary(g, IR_SQUARE, h));
    IrRef both = ir_binary(g, IR_MUL, ir_binary(g, IR_ADD, mixed, driven), scale);
    IrRef next = ir_unary(g, IR_TANH, ir_binary(g, IR_ADD, both, x));
    IrRef best = ir_reduce(g, IR_LOGSUMEXP, next, 1, 0);
    g->in_region = 0;
    g->node[h].in[1] = next;
    native_output(g, next);
    native_output(g, best);
    native_output(g, h);
}

/* A chain of matrices, whose products are calls. */
static void chain(IrGraph *g, int variant)
{
    (void)variant;
    plates(g);
    enum { SIZE = 24 };
    IrRef x = plated(g, N, 1, SIZE, 0), w = plated(g, 0, 2, SIZE, SIZE);
    IrRef scaled = ir_binary(g, IR_MUL, w, ir_const(g, 0.1));
    g->in_region = ir_region_add(g, PLATE_T, false);
    IrRef h = carry(g, real(N | 1u << PLATE_T, 1, SIZE, 0, 0), x);
    IrRef next = ir_contract(g, "a,ab->b", 0, h, scaled);
    g->in_region = 0;
    g->node[h].in[1] = next;
    native_output(g, next);
}

/* ---- linear algebra ------------------------------------------------------------------------- */

static IrRef definite(IrGraph *g, IrPlates p, int64_t size)
{
    IrRef a = plated(g, p, 2, size, size);
    IrRef ones = ir_typed(g, IR_CONST, (IrAttr){.num = 9}, real(0, 1, size, 0, 0), 0, NULL);
    IrRef square = ir_contract(g, "ab,cb->ac", 0, a, a);
    return ir_binary(g, IR_ADD, square, one(g, IR_DIAG, (IrAttr){0}, ones));
}

static void matrices(IrGraph *g, int variant)
{
    plates(g);
    IrPlates p = variant & 1 ? N | K : 0;
    IrRef a = definite(g, p, 4), l = one(g, IR_CHOLESKY, (IrAttr){0}, a);
    IrRef side[] = {plated(g, N, 1, 4, 0), plated(g, variant & 2 ? K : N, 2, 4, 3),
                    ir_typed(g, IR_CONST, (IrAttr){.num = 2}, real(0, 1, 4, 0, 0), 0, NULL)};
    native_output(g, l);
    for (size_t i = 0; i < sizeof side / sizeof *side; i++)
        for (int64_t t = 0; t < 2; t++) {
            IrAttr attr = {.k = {t}};
            native_output(g, ir_node(g, IR_SOLVE_TRI, attr, 2, (IrRef[]){l, side[i]}));
            native_output(g, ir_node(g, IR_SOLVE, attr, 2, (IrRef[]){a, side[i]}));
        }
}

/* ---- draws ---------------------------------------------------------------------------------- */

static void draws(IrGraph *g, int variant)
{
    plates(g);
    IrPlates p[] = {0, N, N | K, K};
    bool uniform = variant & 1;
    uint32_t rank = variant & 2 ? 1 : 0;
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        IrRef z = native_draw(g, real(p[i], rank, 7, 0, 0), uniform);
        native_output(g, z);
        native_output(g, ir_binary(g, IR_MUL, z, ir_const(g, 2)));
    }
}

/* Rows that are not the outermost plate. */
static void inner_rows(IrGraph *g, int variant)
{
    (void)variant;
    ir_plate_add(g, "k", IR_PLATE_STATIC, COPIES, 0);
    ir_plate_add(g, "n", IR_PLATE_ROWS, NATIVE_ROWS, 0);
    IrPlates k = 1, n = 2;
    IrRef all = native_input(g, real(n, 2, COPIES, 5, 0), wide);
    IrRef x = to_plate(g, all, 0, 0), z = native_draw(g, real(k | n, 1, 5, 0, 0), false);
    IrRef y = ir_unary(g, IR_EXP, ir_binary(g, IR_MUL, x, z));
    native_output(g, y);
    native_output(g, ir_reduce(g, IR_SUM, y, 1, 0));
    native_output(g, ir_reduce(g, IR_SUM, y, 0, n));
    native_output(g, ir_reduce(g, IR_SUM, y, 0, k));
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void grad(IrGraph *g, IrRef param, IrRef value)
{
    ir_node(g, IR_GRAD, (IrAttr){.item = g->node[param].attr.item}, 1, &value);
}

static void cost(IrGraph *g, uint32_t item, IrRef v)
{
    ir_typed(g, IR_COST, (IrAttr){.item = item}, g->node[v].type, 1, &v);
}

/* A linear model by hand: every kind of root, gradients computed in place and copied. */
static void step(IrGraph *g, int variant)
{
    plates(g);
    int64_t in = variant ? 40 : 4, out = variant ? 30 : 3;
    *arena_push(g->model->arena, g->state, g->states, IrState) = (IrState){"average"};
    IrRef x = plated(g, N, 1, in, 0), w = plated(g, 0, 2, in, out), b = plated(g, 0, 1, out, 0);
    IrRef free_param = plated(g, 0, 1, out, 0), w2 = plated(g, 0, 2, in, out);
    IrRef y = ir_binary(g, IR_ADD, ir_contract(g, "a,ab->b", 0, x, w), b);
    IrRef loss = ir_reduce(g, IR_SUM, ir_unary(g, IR_SQUARE, y), 1, 0);
    IrRef mean = ir_binary(g, IR_DIV, ir_reduce(g, IR_SUM, loss, 0, N), leaf(g, IR_ROWS));
    IrRef dw = ir_contract(g, "a,b->ab", N, x, y);
    cost(g, 0, mean);
    cost(g, 1, ir_const(g, 3));
    ir_unary(g, IR_OBJECTIVE, ir_binary(g, IR_ADD, mean, ir_const(g, 3)));
    grad(g, w, dw);
    grad(g, w2, dw);
    grad(g, b, ir_reduce(g, IR_SUM, y, 0, N));
    grad(g, free_param, free_param);
    IrRef s = ir_typed(g, IR_STATE, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
    IrRef next = ir_binary(g, IR_ADD, ir_binary(g, IR_MUL, s, ir_const(g, 0.9)), mean);
    ir_node(g, IR_NEXT, (IrAttr){0}, 1, &next);
}

/* ---- the table ------------------------------------------------------------------------------ */

const NativeCase native_case[] = {
    {"element_wise", element_wise, EW_OPS, 4, 0, IR_ENTRY_RUN},
    {"leaves", leaves, 1, 2, 1, IR_ENTRY_RUN},
    {"fused", fused, 4, 64, 16, IR_ENTRY_RUN},
    {"reductions", reductions, 15, 64, 1, IR_ENTRY_RUN},
    {"int_reductions", int_reductions, 4, 0, 1, IR_ENTRY_RUN},
    {"special_reductions", special_reductions, 4, 8, 80, IR_ENTRY_RUN}, /* sums |x| */
    {"lines", lines, 4, 64, 1, IR_ENTRY_RUN},
    {"contractions", contractions, PRODUCTS, 64, 16, IR_ENTRY_RUN},
    {"odd_contractions", odd_contractions, 1, 64, 16, IR_ENTRY_RUN},
    {"moves", moves, 4, 4, 1, IR_ENTRY_RUN},
    {"plate_moves", plate_moves, 1, 2, 1, IR_ENTRY_RUN},
    {"gathers", gathers, 4, 0, 1, IR_ENTRY_RUN},
    {"scatters", scatters, 4, 32, 1, IR_ENTRY_RUN},
    {"sequence", sequence, 4, 256, 1, IR_ENTRY_RUN},
    {"chain", chain, 1, 256, 1, IR_ENTRY_RUN},
    {"matrices", matrices, 4, 512, 4, IR_ENTRY_RUN},
    {"draws", draws, 4, 0, 1, IR_ENTRY_RUN},
    {"inner_rows", inner_rows, 1, 64, 4, IR_ENTRY_RUN},
    {"step", step, 2, 64, 64, IR_ENTRY_STEP},
};

const size_t native_cases = sizeof native_case / sizeof *native_case;

const NativeCase native_fault_case = {"fault", fault, 2, 0, 1, IR_ENTRY_RUN};
