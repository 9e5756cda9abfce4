/* Every rule of simplify.def fires on an example, keeps the value and shrinks the work. */
#include "passes/simplify.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLATE_K, COPIES = 3 };

/* ---- examples: one a rule, in a graph with a few inputs ------------------------------------- */

typedef struct Inputs {
    IrRef s, v, w, m, i; /* real; real[3] twice; real[2, 3]; int[k] */
} Inputs;

typedef IrRef Example(IrGraph *g, Inputs in);

#define RULE(name, ...) static Example example_##name;
#include "passes/simplify.def"

static const struct {
    const char *name;
    Example *build;
} example[] = {
#define RULE(name, ...) {#name, example_##name},
#include "passes/simplify.def"
};

static IrRef with(IrGraph *g, IrOp op, IrAttr attr, IrRef a)
{
    return ir_node(g, op, attr, 1, &a);
}

static IrRef slice(IrGraph *g, IrRef a, int64_t axis, int64_t from, int64_t to)
{
    return with(g, IR_SLICE, (IrAttr){.k = {axis, from, to}}, a);
}

static IrRef transpose(IrGraph *g, IrRef a)
{
    return with(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, a);
}

static IrRef reshape(IrGraph *g, IrRef a, uint32_t rank, int64_t d0, int64_t d1)
{
    IrType t = {.rank = rank, .dim = {d0, d1}, .plates = g->node[a].type.plates};
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, t, 1, &a);
}

static IrRef less(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_LT, a, b);
}

static IrRef truth(IrGraph *g, bool v)
{
    return constant_of(g, ir_scalar_type(IR_BOOL, 0), v);
}

/* Constants of the shapes of a vector and of a matrix. */
static IrRef ones(IrGraph *g, Inputs in)
{
    return constant_of(g, g->node[in.v].type, 1);
}

static IrRef grid(IrGraph *g, Inputs in)
{
    return constant_of(g, g->node[in.m].type, 2);
}

#define EX(name, value)                                                                            \
    static IrRef example_##name(IrGraph *g, Inputs in)                                             \
    {                                                                                              \
        (void)in;                                                                                  \
        return value;                                                                              \
    }
#define UN(op, a) ir_unary(g, IR_##op, a)
#define BIN(op, a, b) ir_binary(g, IR_##op, a, b)
#define NUM(v) ir_const(g, v)
#define SLICE(...) slice(g, __VA_ARGS__)
#define EXPAND(a, axis, size) ir_expand(g, a, axis, size)
#define REDUCE(op, a, axes) ir_reduce(g, IR_##op, a, axes, 0)

EX(fold, BIN(MUL, in.s, BIN(ADD, NUM(2), UN(EXP, NUM(1)))))
EX(copy_sampled, UN(EXP, UN(SAMPLED, in.v)))
EX(copy_stop, UN(EXP, UN(STOP, in.v)))
EX(neg_neg, UN(NEG, UN(NEG, in.v)))
EX(neg_scale, UN(NEG, BIN(MUL, in.v, NUM(3))))
EX(not_not, ir_select(g, UN(NOT, UN(NOT, less(g, in.v, in.w))), in.v, in.w))
EX(not_equal, ir_select(g, UN(NOT, BIN(EQ, in.v, in.w)), in.v, NUM(0)))
EX(mul_one, BIN(MUL, NUM(1), in.v))
EX(mul_minus_one, BIN(MUL, in.v, NUM(-1)))
EX(mul_neg_neg, BIN(MUL, UN(NEG, in.v), UN(NEG, in.w)))
EX(mul_scale, BIN(MUL, NUM(0.3), BIN(MUL, in.v, NUM(7))))
EX(mulz_nonzero, BIN(MULZ, NUM(3), in.v))
EX(div_one, BIN(DIV, in.v, NUM(1)))
EX(div_power, BIN(DIV, in.v, NUM(-8)))
EX(div_neg, BIN(DIV, UN(NEG, in.v), NUM(3)))
EX(add_zero, BIN(ADD, UN(SQUARE, in.v), NUM(0)))
EX(add_neg, BIN(ADD, UN(NEG, in.v), in.w))
EX(sub_zero, BIN(SUB, in.v, NUM(0)))
EX(sub_neg, BIN(SUB, in.v, UN(NEG, in.w)))
EX(square_neg, UN(SQUARE, UN(NEG, in.v)))
EX(abs_neg, UN(ABS, UN(NEG, in.v)))
EX(exp_half_log, UN(EXP, BIN(MUL, NUM(0.5), UN(LOG, in.v))))
EX(floor_int, BIN(MUL, UN(FLOOR, UN(TO_REAL, in.i)), in.s))
EX(pow_const, BIN(POW, in.v, NUM(2)))
EX(select_const, ir_select(g, truth(g, false), in.v, in.w))
EX(select_same, ir_select(g, less(g, in.v, in.w), in.v, in.v))
EX(select_not, ir_select(g, UN(NOT, less(g, in.v, in.w)), in.v, in.w))
EX(and_const, ir_select(g, BIN(AND, less(g, in.v, in.w), truth(g, true)), in.v, in.w))
EX(or_const, ir_select(g, BIN(OR, truth(g, false), less(g, in.v, in.w)), in.v, in.w))

EX(expand_scalar, BIN(MUL, in.v, EXPAND(in.s, 0, 3)))
EX(expand_late, BIN(ADD, EXPAND(in.v, 1, 4), EXPAND(in.w, 1, 4)))
EX(reshape_reshape, reshape(g, reshape(g, in.m, 1, 6, 0), 2, 3, 2))
EX(reshape_const, BIN(MUL, in.v, reshape(g, reshape(g, ones(g, in), 2, 3, 1), 1, 3, 0)))
EX(expand_const, BIN(MUL, in.m, EXPAND(ones(g, in), 0, 2)))
EX(transpose_const, BIN(MUL, transpose(g, in.m), transpose(g, grid(g, in))))
EX(slice_const, BIN(MUL, SLICE(in.v, 0, 0, 2), SLICE(ones(g, in), 0, 0, 2)))
EX(to_plate_const, BIN(MUL, in.s, with(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_K}, ones(g, in))))
EX(transpose_twice, transpose(g, transpose(g, in.m)))
EX(slice_whole, SLICE(in.v, 0, 0, 3))
EX(slice_slice, SLICE(SLICE(in.m, 1, 1, 3), 1, 1, 2))
EX(slice_concat, SLICE(ir_node(g, IR_CONCAT, (IrAttr){0}, 2, (IrRef[]){in.v, in.w}), 0, 4, 6))
EX(slice_pad, SLICE(with(g, IR_PAD, (IrAttr){.k = {0, 2, 9}}, in.v), 0, 3, 5))
EX(pad_whole, with(g, IR_PAD, (IrAttr){.k = {0, 0, 3}}, in.v))
EX(concat_one, with(g, IR_CONCAT, (IrAttr){0}, in.v))
EX(to_plate_to_axis,
   with(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_K, .k = {1}},
        with(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_K, .k = {1, 5}}, UN(TO_REAL, in.i))))
EX(to_axis_to_plate, with(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_K, .k = {0, 3}},
                          with(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_K}, in.v)))
EX(diag_diag, UN(DIAG_PART, UN(DIAG, in.v)))
EX(tril_tril, UN(TRIL, UN(TRIL, ir_contract(g, "ab,ac->bc", 0, in.m, in.m))))
EX(sum_one, REDUCE(SUM, reshape(g, in.v, 2, 1, 3), 1))
EX(prod_one, REDUCE(PROD, reshape(g, in.v, 2, 3, 1), 2))
EX(max_one, REDUCE(REDUCE_MAX, reshape(g, in.v, 2, 3, 1), 2))
EX(min_one, REDUCE(REDUCE_MIN, reshape(g, in.v, 2, 3, 1), 2))
EX(sum_expand, REDUCE(SUM, EXPAND(in.m, 1, 4), 6))
EX(max_expand, REDUCE(REDUCE_MAX, EXPAND(in.v, 0, 4), 3))
EX(min_expand, REDUCE(REDUCE_MIN, EXPAND(in.v, 1, 4), 2))
EX(sum_product, REDUCE(SUM, BIN(MUL, EXPAND(in.m, 2, 2), EXPAND(transpose(g, in.m), 0, 2)), 2))
EX(sum_contract, ir_reduce(g, IR_SUM,
                           ir_contract(g, "ab,cb->ac", 0, BIN(MUL, UN(TO_REAL, in.i), in.m),
                                       BIN(ADD, UN(TO_REAL, in.i), in.m)),
                           0, 1u << PLATE_K))
EX(contract_transpose, ir_contract(g, "ab,cb->ac", 0, transpose(g, in.m), transpose(g, in.m)))

/* ---- graphs --------------------------------------------------------------------------------- */

typedef struct Case {
    Arena *arena;
    IrModel model;
    IrGraph g;
} Case;

static IrRef param(IrGraph *g, uint32_t rank, int64_t d0, int64_t d1)
{
    IrModel *m = g->model;
    IrType type = {.rank = rank, .dim = {d0, d1}};
    IrAttr attr = {.item = m->params};
    *arena_push(m->arena, m->param, m->params, IrParam) =
        (IrParam){.name = arena_printf(m->arena, "p%u", m->params), .type = type};
    return ir_typed(g, IR_PARAM, attr, type, 0, NULL);
}

static void case_open(Case *c, Example *build)
{
    c->arena = arena_new();
    ir_model_init(&c->model, c->arena);
    ir_graph_init(&c->g, &c->model, "g", IR_ENTRY_RUN);
    c->g.stage = IR_ESTIMATOR;
    ir_plate_add(&c->g, "k", IR_PLATE_STATIC, COPIES, 0);
    Inputs in = {.s = param(&c->g, 0, 0, 0),
                 .v = param(&c->g, 1, 3, 0),
                 .w = param(&c->g, 1, 3, 0),
                 .m = param(&c->g, 2, 2, 3),
                 .i = ir_index(&c->g, PLATE_K, 1)};
    IrRef value = build(&c->g, in);
    ir_typed(&c->g, IR_OUTPUT, (IrAttr){.text = "o"}, c->g.node[value].type, 1, &value);
}

/* The value of the one output, for parameters that cycle through `number`. */
static double *evaluate(Case *c, const double *number, size_t numbers, size_t shift, size_t *count)
{
    const double **param_value = arena_array(c->arena, const double *, c->model.params);
    for (uint32_t p = 0, k = 0; p < c->model.params; p++) {
        double *x = arena_array(c->arena, double, 6);
        for (int i = 0; i < 6; i++)
            x[i] = number[(shift + k++) % numbers];
        param_value[p] = x;
    }
    IrEnv env = {.param = param_value, .rows = 1, .total_rows = 1};
    double **value = arena_array(c->arena, double *, c->g.count);
    IrRef fault, out = c->g.count - 1;
    ck_assert(ir_eval(&c->g, &env, c->arena, value, &fault));
    while (c->g.node[out].op != IR_OUTPUT)
        out--;
    const IrType *t = &c->g.node[out].type;
    *count = (size_t)(ir_copies(&c->g, t->plates, 1) * ir_elements(t));
    return value[out];
}

static void check_valid(const Case *c, const char *what)
{
    Diags *d = diags_new("graph", NULL);
    char *text = NULL;
    size_t size;
    bool valid = ir_verify(&c->g, d);
    FILE *f = open_memstream(&text, &size);
    diags_render(d, f);
    ir_print_graph(&c->g, f);
    fclose(f);
    ck_assert_msg(valid, "%s:\n%s", what, text);
    free(text);
    diags_free(d);
}

/* ---- the measure that simplify.c states ----------------------------------------------------- */

static double own_work(const IrGraph *g, const IrNode *n)
{
    double made = (double)(ir_copies(g, n->type.plates, 1) * ir_elements(&n->type)), read = 0;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrType *t = &g->node[n->in[i]].type;
        read += (double)(ir_copies(g, t->plates, 1) * ir_elements(t));
    }
    bool slow = n->op == IR_DIV || n->op == IR_POW || n->op == IR_MULZ;
    if (ir_op_info[n->op].flags & IR_EW)
        return made * (slow ? 5 : 4);
    if (ir_op_info[n->op].attrs & IR_HAS_AXES)
        return 2 * read + 1;
    return n->n_in == 0 ? 1 : n->op == IR_CONTRACT ? made + read : made;
}

/* The work of the expression tree under r. */
static double tree_work(const IrGraph *g, IrRef r)
{
    double work = own_work(g, &g->node[r]);
    for (uint32_t i = 0; i < g->node[r].n_in; i++)
        work += tree_work(g, g->node[r].in[i]);
    return work;
}

static double work_of(const IrGraph *g)
{
    double work = 0;
    for (IrRef r = 0; r < g->count; r++)
        if (ir_op_info[g->node[r].op].flags & IR_EFFECT)
            work += tree_work(g, r);
    return work;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static IrRef one_rule(IrGraph *g, const IrNode *n, void *rule)
{
    const SimplifyInfo *info = rule;
    return simplify_applies(info, n) ? info->apply(g, n) : IR_NONE;
}

static const double plain[] = {0.7, -1.3, 2.1, 0.4, -0.6, 1.9, -2.2, 0.9, 3.1, -0.2, 1.1};
static const double special[] = {0.0,   -0.0, (double)INFINITY,  -1.5,   (double)NAN, 2.5,
                                 1e308, 1.5,  -(double)INFINITY, 5e-324, -1e308,      0x1p-1040,
                                 0.0};

static bool same_bits(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* Rounding: a few operations, each to 2^-53 relative to operands of size 10 at most. */
static bool close(double a, double b)
{
    return same_bits(a, b) || fabs(a - b) <= 1e-14 * (1 + fabs(b));
}

static void check_values(Case *before, Case *after, const SimplifyInfo *rule)
{
    bool same = rule->contract == SIMPLIFY_SAME;
    const double *number = same ? special : plain;
    size_t numbers = same ? sizeof special / sizeof *special : sizeof plain / sizeof *plain;
    for (size_t shift = 0; shift < numbers; shift++) {
        size_t n, m;
        double *x = evaluate(before, number, numbers, shift, &n);
        double *y = evaluate(after, number, numbers, shift, &m);
        ck_assert_uint_eq(n, m);
        for (size_t i = 0; i < n; i++)
            ck_assert_msg(same ? same_bits(x[i], y[i]) : close(y[i], x[i]),
                          "%s: element %zu was %a, is %a", rule->name, i, x[i], y[i]);
    }
}

START_TEST(a_rule_keeps_the_value_and_shrinks_the_work)
{
    const SimplifyInfo *rule = &simplify_info[_i];
    ck_assert_str_eq(rule->name, example[_i].name);
    Case before, after;
    case_open(&before, example[_i].build);
    case_open(&after, example[_i].build);
    check_valid(&before, rule->name);
    ck_assert_msg(ir_rewrite(&after.g, one_rule, (void *)rule), "%s: does not fire", rule->name);
    check_valid(&after, rule->name);
    check_values(&before, &after, rule);
    ck_assert_msg(work_of(&after.g) < work_of(&before.g), "%s: work %g, was %g", rule->name,
                  work_of(&after.g), work_of(&before.g));
    arena_free(before.arena);
    arena_free(after.arena);
}
END_TEST

START_TEST(the_pass_reaches_a_fixed_point)
{
    Case before, after;
    case_open(&before, example[_i].build);
    case_open(&after, example[_i].build);
    PassOptions options = {.parts = 1, .real_bytes = 8};
    PassCtx cx = {.options = &options, .arena = after.arena};
    ck_assert(pass_simplify(&after.g, &cx));
    check_valid(&after, example[_i].name);
    ck_assert(!pass_simplify(&after.g, &cx));
    size_t n, m, numbers = sizeof plain / sizeof *plain;
    double *x = evaluate(&before, plain, numbers, 0, &n);
    double *y = evaluate(&after, plain, numbers, 0, &m);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(close(y[i], x[i]), "%s: element %zu was %a, is %a", example[_i].name, i, x[i],
                      y[i]);
    arena_free(before.arena);
    arena_free(after.arena);
}
END_TEST

Suite *simplify_suite(void)
{
    Suite *s = suite_create("simplify");
    TCase *t = tcase_create("rules");
    tcase_add_loop_test(t, a_rule_keeps_the_value_and_shrinks_the_work, 0, (int)simplify_count);
    tcase_add_loop_test(t, the_pass_reaches_a_fixed_point, 0, (int)simplify_count);
    suite_add_tcase(s, t);
    return s;
}
