/* Graphs of places: shapes, plates, indices, sequences, matrices, draws, and a whole step. */
#include "tests/laws/native_case.h"

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
    *arena_push(g->model->arena, g->state, g->states, IrState) = 
        (IrState){"average", ir_scalar_type(IR_REAL, 0), 0};
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

const NativeCase native_move_case[] = {
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

const size_t native_move_cases = sizeof native_move_case / sizeof *native_move_case;

const NativeCase native_fault_case = {"fault", fault, 2, 0, 1, IR_ENTRY_RUN};
