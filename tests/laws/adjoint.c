/* Every adjoint rule of op.def against finite differences of the evaluator. */
#include "passes/adjoint.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLATE_K, PLATE_T, K = 2, T = 3 };

static bool has_rule(IrOp op)
{
    static const char *const rule[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, adjoint, ...) [IR_##id] = #adjoint,
#include "ir/op.def"
    };
    return strcmp(rule[op], "none") != 0;
}

/* ---- inputs --------------------------------------------------------------------------------- */

static IrRef input(IrGraph *g, uint32_t rank, int64_t d0, int64_t d1, int64_t d2)
{
    IrModel *m = g->model;
    IrType type = {.elem = IR_REAL, .rank = rank, .dim = {d0, d1, d2}};
    for (uint32_t i = rank; i < IR_MAX_RANK; i++)
        type.dim[i] = 0;
    uint32_t item = m->params;
    *arena_push(m->arena, m->param, m->params, IrParam) =
        (IrParam){.name = arena_printf(m->arena, "p%u", item), .type = type};
    return ir_typed(g, IR_PARAM, (IrAttr){.item = item}, type, 0, NULL);
}

static IrRef scalar(IrGraph *g)
{
    return input(g, 0, 0, 0, 0);
}
static IrRef vector(IrGraph *g)
{
    return input(g, 1, 3, 0, 0);
}
static IrRef matrix(IrGraph *g, int64_t rows, int64_t columns)
{
    return input(g, 2, rows, columns, 0);
}

/* A vector of its own for every copy of plate k. */
static IrRef plated(IrGraph *g)
{
    IrRef a = matrix(g, K, 3);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_K}, 1, &a);
}

static IrRef positive(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_EXP, a);
}

static IrRef cube(IrGraph *g)
{
    IrRef a = input(g, 3, K, 2, 3);
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_K}, 1, &a);
}

static IrRef with(IrGraph *g, IrOp op, IrAttr attr, IrRef a)
{
    return ir_node(g, op, attr, 1, &a);
}

/* ---- one node of each op, in several forms: IR_NONE when there are no more ------------------ */

static IrRef element_wise_1(IrGraph *g, IrOp op, int form)
{
    bool domain = op == IR_LOG || op == IR_LOG1P || op == IR_SQRT || op == IR_LGAMMA ||
                  op == IR_DIGAMMA || op == IR_TRIGAMMA || op == IR_LOG_I0E || op == IR_I1_GAP ||
                  op == IR_POISSON_ENTROPY || op == IR_POISSON_ENTROPY_SLOPE;
    IrRef a = form == 0 ? scalar(g) : form == 1 ? plated(g) : IR_NONE;
    return a == IR_NONE ? a : ir_unary(g, op, domain ? positive(g, a) : a);
}

/* An argument of a law inside of its domain does not move with the bound, which is added. */
static IrRef inside(IrGraph *g, IrOp op, IrRef a, IrRef b)
{
    IrRef far = ir_const(g, op == IR_AT_MOST ? 100 : -100);
    return ir_binary(g, IR_ADD, ir_binary(g, op, a, ir_binary(g, IR_ADD, b, far)), b);
}

static IrRef element_wise_2(IrGraph *g, IrOp op, int form)
{
    IrRef a, b;
    switch (form) {
    case 0:
        a = vector(g), b = vector(g);
        break;
    case 1:
        a = vector(g), b = scalar(g);
        break;
    case 2:
        a = scalar(g), b = plated(g);
        break;
    case 3:
        a = plated(g), b = vector(g);
        break;
    case 4:
        a = b = vector(g);
        break; /* both operands one node: a tie of min and max */
    default:
        return IR_NONE;
    }
    if (ir_op_info[op].flags & IR_DOMAIN)
        return inside(g, op, a, b);
    if (op == IR_POW || op == IR_DIV) {
        bool one = a == b;
        b = positive(g, b);
        a = one ? b : positive(g, a);
    }
    if (op == IR_LOG_GAMMA_QUANTILE || op == IR_VON_MISES_QUANTILE) {
        bool one = a == b;
        a = ir_unary(g, IR_SIGMOID, a);
        b = one ? a : positive(g, b);
    }
    return ir_binary(g, op, a, b);
}

/* The branch not taken is NaN. */
static IrRef chosen(IrGraph *g, IrOp op, int form)
{
    (void)op;
    IrRef x = form == 0 ? plated(g) : form == 1 ? vector(g) : IR_NONE;
    if (x == IR_NONE)
        return x;
    IrRef yes = ir_unary(g, IR_LOG, x), no = form ? scalar(g) : ir_unary(g, IR_SIN, x);
    return ir_select(g, ir_binary(g, IR_LT, ir_const(g, 0), x), yes, no);
}

static IrRef reduction(IrGraph *g, IrOp op, int form)
{
    static const struct {
        uint32_t axes;
        IrPlates over;
    } what[] = {{3, 0}, {1, 0}, {2, 0}, {0, 1u << PLATE_K}, {2, 1u << PLATE_K}, {3, 1u << PLATE_K}};
    if (form >= (int)(sizeof what / sizeof *what))
        return IR_NONE;
    return ir_reduce(g, op, cube(g), what[form].axes, what[form].over);
}

static IrRef cumsum(IrGraph *g, IrOp op, int form)
{
    return form < 4 ? with(g, op, (IrAttr){.k = {form & 1, form >> 1}}, cube(g)) : IR_NONE;
}

static IrRef contraction(IrGraph *g, IrOp op, int form)
{
    (void)op;
    IrPlates k = 1u << PLATE_K;
    switch (form) {
    case 0:
        return ir_contract(g, "ij,jk->ik", 0, matrix(g, 2, 3), matrix(g, 3, 2));
    case 1:
        return ir_contract(g, "i,ij->j", 0, plated(g), matrix(g, 3, 2));
    case 2:
        return ir_contract(g, "i,j->ij", k, plated(g), plated(g));
    case 3:
        return ir_contract(g, "i,i->", k, vector(g), plated(g));
    case 4:
        return ir_contract(g, "ji,kj->ki", 0, matrix(g, 3, 2), matrix(g, 2, 3));
    case 5:
        return ir_contract(g, "ij,k->ki", 0, matrix(g, 2, 3), plated(g));
    case 6:
        return ir_contract(g, ",i->i", 0, scalar(g), plated(g));
    default:
        return IR_NONE;
    }
}

static IrRef movement(IrGraph *g, IrOp op, int form)
{
    if (op == IR_CONCAT && form == 0)
        return ir_node(g, op, (IrAttr){.k = {1}}, 3, (IrRef[]){cube(g), matrix(g, 2, 2), cube(g)});
    if (op == IR_RESHAPE && form == 0) {
        IrRef a = cube(g);
        IrType type = {.elem = IR_REAL, .plates = g->node[a].type.plates, .rank = 1, .dim = {6}};
        return ir_typed(g, op, (IrAttr){0}, type, 1, &a);
    }
    if (form > 1)
        return IR_NONE;
    switch (op) {
    case IR_TRANSPOSE:
        return with(g, op, (IrAttr){.k = {1, 0}}, cube(g));
    case IR_EXPAND:
        return with(g, op, (IrAttr){.k = {form, 4}}, plated(g));
    case IR_SLICE:
        return with(g, op, (IrAttr){.k = {form, 1, 2}}, cube(g));
    case IR_PAD:
        return with(g, op, (IrAttr){.k = {form, 1, 5}}, cube(g));
    case IR_DIAG:
        return form ? IR_NONE : ir_unary(g, op, plated(g));
    case IR_DIAG_PART:
    case IR_TRIL:
        return form ? IR_NONE : ir_unary(g, op, matrix(g, 3, 3));
    default:
        return IR_NONE;
    }
}

static IrRef gather(IrGraph *g, IrOp op, int form)
{
    (void)op;
    IrRef index = ir_index(g, PLATE_K, 1);
    switch (form) {
    case 0:
        return ir_gather(g, matrix(g, 3, 2), ir_int(g, 2));
    case 1:
        return ir_gather(g, vector(g), index);
    case 2:
        return ir_gather(g, plated(g), index);
    case 3:
        return ir_gather(g, matrix(g, 3, 2), ir_expand(g, index, 0, 2));
    default:
        return IR_NONE;
    }
}

static IrRef plates(IrGraph *g, IrOp op, int form)
{
    if (op == IR_TO_PLATE)
        return form < 2 ? with(g, op, (IrAttr){.plate = PLATE_K, .k = {form}}, matrix(g, 4, 3))
                        : IR_NONE;
    return form < 2 ? with(g, op, (IrAttr){.plate = PLATE_K, .k = {form, 4}}, plated(g)) : IR_NONE;
}

/* h[t] = sin(a h[t-1] + b h[t-2] + x[t]): two carries, the second of the first. */
static IrRef sequence(IrGraph *g, IrOp op, int form)
{
    if (form > 1)
        return IR_NONE;
    IrRef x = matrix(g, T, 3), a = scalar(g), b = vector(g), first = form ? plated(g) : vector(g);
    IrRef second = vector(g);
    IrType type = {.elem = IR_REAL, .rank = 1, .dim = {3}};
    type.plates = 1u << PLATE_T | (form ? 1u << PLATE_K : 0);
    g->in_region = ir_region_add(g, PLATE_T, form == 1);
    x = with(g, IR_TO_PLATE, (IrAttr){.plate = PLATE_T}, x);
    IrRef one = ir_typed(g, op, (IrAttr){0}, type, 2, (IrRef[]){first, first});
    IrRef two = ir_typed(g, op, (IrAttr){0}, type, 2, (IrRef[]){second, one});
    IrRef sum = ir_binary(g, IR_ADD, ir_binary(g, IR_MUL, a, one), ir_binary(g, IR_MUL, b, two));
    IrRef h = ir_unary(g, IR_SIN, ir_binary(g, IR_ADD, sum, x));
    g->node[one].in[1] = h;
    g->in_region = 0;
    return with(g, IR_TO_AXIS, (IrAttr){.plate = PLATE_T, .k = {0, T}}, h);
}

/* a a' + 2, positive definite. */
static IrRef definite(IrGraph *g)
{
    IrRef a = matrix(g, 3, 3), two = ir_unary(g, IR_DIAG, ir_expand(g, ir_const(g, 2), 0, 3));
    return ir_binary(g, IR_ADD, ir_contract(g, "ij,kj->ik", 0, a, a), two);
}

static IrRef factorisation(IrGraph *g, IrOp op, int form)
{
    if (op == IR_CHOLESKY)
        return form == 0 ? ir_unary(g, op, definite(g)) : IR_NONE;
    if (form > 3)
        return IR_NONE;
    IrRef a = definite(g);
    if (op == IR_SOLVE) /* not symmetric */
        a = ir_binary(g, IR_ADD, a, ir_unary(g, IR_TRIL, matrix(g, 3, 3)));
    IrRef b = form & 1 ? plated(g) : matrix(g, 3, 2);
    return ir_node(g, op, (IrAttr){.k = {form >> 1}}, 2, (IrRef[]){a, b});
}

static IrRef build(IrGraph *g, IrOp op, int form)
{
    if (ir_op_info[op].flags & IR_EW)
        return op == IR_SELECT             ? chosen(g, op, form)
               : ir_op_info[op].arity == 1 ? element_wise_1(g, op, form)
                                           : element_wise_2(g, op, form);
    switch (op) {
    case IR_SUM:
    case IR_PROD:
    case IR_REDUCE_MAX:
    case IR_REDUCE_MIN:
    case IR_LOGSUMEXP:
        return reduction(g, op, form);
    case IR_CUMSUM:
        return cumsum(g, op, form);
    case IR_CONTRACT:
        return contraction(g, op, form);
    case IR_GATHER:
        return gather(g, op, form);
    case IR_TO_PLATE:
    case IR_TO_AXIS:
        return plates(g, op, form);
    case IR_CARRY:
        return sequence(g, op, form);
    case IR_CHOLESKY:
    case IR_SOLVE_TRI:
    case IR_SOLVE:
        return factorisation(g, op, form);
    default:
        return movement(g, op, form);
    }
}

/* ---- differences ---------------------------------------------------------------------------- */

/* A sum of all copies and elements of y with weights of no pattern, nonlinear in y. */
static IrRef weighted(IrGraph *g, IrRef y)
{
    IrType t = g->node[y].type;
    IrRef weight = input(g, t.rank, t.dim[0], t.dim[1], t.dim[2]);
    IrRef v = ir_binary(g, IR_MUL, ir_unary(g, IR_SIN, y), weight);
    for (uint32_t p = 0; p < g->plates; p++)
        if (t.plates >> p & 1)
            v = ir_binary(g, IR_MUL, v, ir_real(g, ir_index(g, p, 1)));
    return es_sum_plates(g, ir_sum_all(g, v), t.plates);
}

static double *values(const IrGraph *g, double *const *param, IrRef r, Arena *a)
{
    double **value = arena_array(a, double *, g->count + 1);
    IrEnv env = {.param = (const double *const *)param, .rows = 1, .total_rows = 1};
    IrRef fault;
    ck_assert(ir_eval(g, &env, a, value, &fault));
    return value[r];
}

static double slope(const IrGraph *g, double **param, IrRef y, double *x)
{
    static const double weight[4] = {4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
    double at = *x, sum = 0, h = 4e-3;
    for (int i = 0; i < 8; i++) {
        Arena *a = arena_new();
        int step = i % 4 + 1, sign = i < 4 ? 1 : -1;
        *x = at + sign * step * h;
        sum += sign * weight[step - 1] * *values(g, param, y, a);
        arena_free(a);
    }
    *x = at;
    return sum / h;
}

static void check_form(IrGraph *g, IrOp op, int form, IrRef y)
{
    Arena *a = g->model->arena;
    IrRef total = weighted(g, y);
    IrRef *grad = arena_array(a, IrRef, g->model->params);
    EsSeed seed = {total, ir_const(g, 1)};
    es_adjoint(g, &seed, 1, NULL, 0, grad);
    ir_typed(g, IR_OBJECTIVE, (IrAttr){0}, g->node[total].type, 1, &total);
    IrRef *root = arena_array(a, IrRef, g->model->params);
    for (uint32_t p = 0; p < g->model->params; p++) {
        ck_assert_msg(grad[p] != IR_NONE, "%s form %d: no adjoint", ir_op_info[op].name, form);
        root[p] = ir_node(g, IR_GRAD, (IrAttr){.item = p}, 1, &grad[p]);
        ir_set_name(g, root[p], g->model->param[p].name);
    }
    ir_group_regions(g);
    double **param = arena_array(a, double *, g->model->params);
    for (uint32_t p = 0; p < g->model->params; p++) {
        int64_t n = ir_elements(&g->model->param[p].type);
        param[p] = arena_array(a, double, (size_t)n);
        for (int64_t e = 0; e < n; e++)
            param[p][e] = 0.8 * sin(0.6 + 1.9 * p + 2.3 * (double)e);
    }
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        IrRef objective = 0;
        while (g->node[objective].op != IR_OBJECTIVE)
            objective++;
        if (n->op != IR_GRAD)
            continue;
        const double *got = values(g, param, r, a);
        for (int64_t e = 0; e < ir_elements(&n->type); e++) {
            double want = slope(g, param, objective, &param[n->attr.item][e]);
            ck_assert_msg(fabs(got[e] - want) <= 1e-10 * (1 + fabs(want)),
                          "%s form %d, parameter %u[%lld]: %.15g, differences say %.15g",
                          ir_op_info[op].name, form, n->attr.item, (long long)e, got[e], want);
        }
    }
}

static IrRef fresh(IrModel *m, IrGraph *g, Arena *a, IrOp op, int form)
{
    ir_model_init(m, a);
    ir_graph_init(g, m, "g", IR_ENTRY_STEP);
    g->stage = IR_ESTIMATOR;
    ir_plate_add(g, "k", IR_PLATE_STATIC, K, 0);
    ir_plate_add(g, "t", IR_PLATE_STEP, T, 0);
    return build(g, op, form);
}

START_TEST(every_rule)
{
    IrOp op = (IrOp)_i;
    if (!has_rule(op))
        return;
    int form = 0;
    for (;; form++) {
        Arena *a = arena_new();
        IrModel m;
        IrGraph g;
        IrRef y = fresh(&m, &g, a, op, form);
        if (y != IR_NONE)
            check_form(&g, op, form, y);
        arena_free(a);
        if (y == IR_NONE)
            break;
    }
    ck_assert_msg(form > 0, "%s has an adjoint and no form here", ir_op_info[op].name);
}
END_TEST

Suite *adjoint_suite(void)
{
    Suite *s = suite_create("adjoint");
    TCase *c = tcase_create("differences");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, every_rule, 0, IR_OP_COUNT);
    suite_add_tcase(s, c);
    return s;
}
