/* Every rule of stable.def: the stable form equals what was written, and stays accurate where that
 * fails. */
#include "passes/stable.h"
#include "passes/match.h"
#include "passes/pass.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- examples: one a rule -------------------------------------------------------------------- */

typedef struct Inputs {
    IrRef x, y; /* real[3] */
} Inputs;

typedef IrRef Example(IrGraph *g, Inputs in);

#define STABLE(name, ...) static Example example_##name;
#include "passes/stable.def"

static const struct {
    const char *name;
    Example *build;
} example[] = {
#define STABLE(name, ...) {#name, example_##name},
#include "passes/stable.def"
};

#define EX(name, value)                                                                            \
    static IrRef example_##name(IrGraph *g, Inputs in)                                             \
    {                                                                                              \
        return value;                                                                              \
    }
#define UN(op, a) ir_unary(g, IR_##op, a)
#define BIN(op, a, b) ir_binary(g, IR_##op, a, b)
#define NUM(v) ir_const(g, v)
#define SUM(a) ir_reduce(g, IR_SUM, a, 1, 0)

EX(log_exp, UN(LOG, UN(EXP, in.x)))
EX(log_sigmoid, UN(LOG, UN(SIGMOID, in.x)))
EX(log_one_minus, UN(LOG, BIN(SUB, NUM(1), UN(SIGMOID, in.x))))
EX(log_one_plus, UN(LOG, BIN(ADD, UN(EXP, in.x), NUM(1))))
EX(log_sum_exp, UN(LOG, SUM(UN(EXP, in.x))))
EX(log_root, UN(LOG, UN(SQRT, UN(SIGMOID, in.x))))
EX(log_quotient, UN(LOG, BIN(DIV, UN(EXP, in.x), SUM(UN(EXP, in.x)))))
EX(log1p_minus, UN(LOG1P, UN(NEG, UN(SIGMOID, in.x))))
EX(log_moved, UN(LOG, ir_expand(g, UN(SIGMOID, in.x), 0, 2)))
EX(log1p_exp, UN(LOG1P, UN(EXP, in.x)))
EX(exp_minus_one, BIN(SUB, UN(EXP, in.x), NUM(1)))
EX(minus_one_exp, BIN(ADD, NUM(-1), UN(EXP, in.x)))
EX(sqrt_exp, UN(SQRT, UN(EXP, in.x)))
EX(logistic, BIN(DIV, NUM(1), BIN(ADD, NUM(1), UN(EXP, UN(NEG, in.x)))))

static IrRef log_p(IrGraph *g, IrRef l)
{
    return UN(LOG, UN(SIGMOID, l));
}

static IrRef log_q(IrGraph *g, IrRef l)
{
    return UN(LOG, BIN(SUB, NUM(1), UN(SIGMOID, l)));
}

static IrRef rest(IrGraph *g, IrRef y)
{
    return BIN(SUB, NUM(1), y);
}

EX(cross_entropy, BIN(ADD, BIN(MUL, in.y, log_p(g, in.x)), BIN(MUL, log_q(g, in.x), rest(g, in.y))))
EX(minus_entropy,
   BIN(SUB, UN(NEG, BIN(MUL, in.y, log_p(g, in.x))), BIN(MUL, rest(g, in.y), log_q(g, in.x))))

static IrRef sample(IrGraph *g, IrDist law, IrRef arg, IrRef x)
{
    IrType t = g->node[x].type;
    t.elem = IR_INT;
    if (law == IR_DIST_categorical)
        t = ir_scalar_type(IR_INT, 0);
    IrRef draw = ir_sample(g, law, (IrVia){.samples = 1}, t, &arg, 0, "z");
    return UN(TO_REAL, draw);
}

EX(bernoulli, sample(g, IR_DIST_bernoulli, UN(SIGMOID, in.x), in.x))
EX(categorical, sample(g, IR_DIST_categorical, UN(EXP, in.x), in.x))

/* ---- graphs ---------------------------------------------------------------------------------- */

typedef struct Case {
    Arena *arena;
    IrModel model;
    IrGraph g;
} Case;

static IrRef input(IrGraph *g)
{
    IrModel *m = g->model;
    IrType type = {.rank = 1, .dim = {3}};
    IrAttr attr = {.item = m->params};
    *arena_push(m->arena, m->param, m->params, IrParam) =
        (IrParam){.name = arena_printf(m->arena, "p%u", m->params), .type = type};
    return ir_typed(g, IR_PARAM, attr, type, 0, NULL);
}

static void case_open(Case *c, Example *build)
{
    c->arena = arena_new();
    ir_model_init(&c->model, c->arena);
    ir_graph_init(&c->g, &c->model, "g", IR_ENTRY_SOURCE);
    IrRef x = input(&c->g), y = input(&c->g);
    IrRef value = build(&c->g, (Inputs){x, y});
    ir_typed(&c->g, IR_OUTPUT, (IrAttr){.text = "o"}, c->g.node[value].type, 1, &value);
}

static bool run(Case *c)
{
    PassOptions options = {.parts = 1, .real_bytes = 8};
    PassCtx cx = {.options = &options, .arena = c->arena};
    bool changed = pass_stable(&c->g, &cx);
    Diags *d = diags_new("graph", NULL);
    ck_assert(ir_verify(&c->g, d));
    diags_free(d);
    return changed;
}

static double *evaluate(Case *c, const double x[3], const double y[3])
{
    IrEnv env = {.param = (const double *const[]){x, y}, .rows = 1, .total_rows = 1};
    double **value = arena_array(c->arena, double *, c->g.count);
    IrRef fault;
    ck_assert(ir_eval(&c->g, &env, c->arena, value, &fault));
    return value[c->g.count - 1];
}

static bool has_op(const IrGraph *g, IrOp op)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == op)
            return true;
    return false;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const IrNode *stable_node(const Case *c, const char *why)
{
    for (IrRef r = 0; r < c->g.count; r++)
        if (c->g.node[r].why && strcmp(c->g.node[r].why->what, why) == 0)
            return &c->g.node[r];
    return NULL;
}

START_TEST(a_rule_fires_and_says_so)
{
    const StableInfo *rule = &stable_info[_i];
    ck_assert_str_eq(rule->name, example[_i].name);
    Case c;
    case_open(&c, example[_i].build);
    ck_assert_msg(run(&c), "%s: does not fire", rule->name);
    bool is_new = strcmp(rule->name, "log_exp") != 0; /* x was there before */
    ck_assert_msg(!is_new || stable_node(&c, rule->why), "%s: no node says so", rule->name);
    ck_assert_msg(!run(&c), "%s: fires again", rule->name);
    arena_free(c.arena);
}
END_TEST

/* Sizes where both sides are accurate: they differ by rounding. */
START_TEST(both_sides_agree)
{
    static const double x[][3] = {{0.3, -1.2, 2.1}, {-2.5, 0.01, 1.0}, {0, -0.4, 0.9}};
    static const double y[3] = {0.2, 1, 0.7};
    if (stable_info[_i].root == IR_SAMPLE)
        return;
    for (size_t k = 0; k < sizeof x / sizeof *x; k++) {
        Case before, after;
        case_open(&before, example[_i].build);
        case_open(&after, example[_i].build);
        run(&after);
        double *a = evaluate(&before, x[k], y), *b = evaluate(&after, x[k], y);
        const IrType *t = &before.g.node[before.g.count - 1].type;
        for (int64_t i = 0; i < ir_elements(t); i++)
            ck_assert_msg(fabs(a[i] - b[i]) <= 1e-14 * (1 + fabs(a[i])), "%s: was %.17g, is %.17g",
                          stable_info[_i].name, a[i], b[i]);
        arena_free(before.arena);
        arena_free(after.arena);
    }
}
END_TEST

/* Where the left side rounds to 0, 1 or infinity.  Expected: log sigma(-800) = -800 and
 * log sigma(40) = -e^-40 to first order; log(e^800 + e^800 + e^-800) = 800 + log 2; cross entropies
 * with y = (0, 1, 1) and x = (-800, -800, 3) are 0, -800 and -log(1 + e^-3). */
static const struct {
    const char *rule;
    double x[3], want[3];
    int elements;
} extreme[] = {
    {"log_exp", {800, -800, 0}, {800, -800, 0}, 3},
    {"log_sigmoid", {-800, 40, 0}, {-800, -4.248354255291589e-18, -0.69314718055994531}, 3},
    {"log_one_minus", {800, -40, 0}, {-800, -4.248354255291589e-18, -0.69314718055994531}, 3},
    {"log_one_plus", {800, -40, 0}, {800, 4.248354255291589e-18, 0.69314718055994531}, 3},
    {"log_sum_exp", {800, 800, -800}, {800.69314718055994531}, 1},
    {"log_root", {-1600, 40, 0}, {-800, -2.1241771276457945e-18, -0.34657359027997265}, 3},
    {"log_quotient",
     {800, -800, 800},
     {-0.69314718055994531, -1600.69314718055994531, -0.69314718055994531},
     3},
    {"log_moved", {-800, 40, 0}, {-800, -4.248354255291589e-18, -0.69314718055994531}, 3},
    {"log1p_minus", {800, -40, 0}, {-800, -4.248354255291589e-18, -0.69314718055994531}, 3},
    {"log1p_exp", {800, -40, 0}, {800, 4.248354255291589e-18, 0.69314718055994531}, 3},
    {"exp_minus_one", {1e-20, -1e-20, 0}, {1e-20, -1e-20, 0}, 3},
    {"minus_one_exp", {1e-20, -1e-20, 0}, {1e-20, -1e-20, 0}, 3},
    {"sqrt_exp", {1400, -1400, 0}, {1.0142320547350045e304, 9.859676543759771e-305, 1}, 3},
    {"logistic", {-740, 0, 40}, {4.199558147651792e-322, 0.5, 1}, 3},
    {"cross_entropy", {-800, -800, 3}, {0, -800, -0.048587351573741958}, 3},
    {"minus_entropy", {-800, -800, 3}, {0, 800, 0.048587351573741958}, 3},
};

START_TEST(the_stable_form_is_accurate_where_the_other_fails)
{
    static const double y[3] = {0, 1, 1};
    size_t rule = 0;
    while (strcmp(example[rule].name, extreme[_i].rule) != 0)
        rule++;
    Case c;
    case_open(&c, example[rule].build);
    run(&c);
    double *is = evaluate(&c, extreme[_i].x, y);
    for (int i = 0; i < extreme[_i].elements; i++) {
        double want = extreme[_i].want[i];
        ck_assert_msg(fabs(is[i] - want) <= 1e-12 * fabs(want),
                      "%s: element %d is %.17g, not %.17g", extreme[_i].rule, i, is[i], want);
    }
    arena_free(c.arena);
}
END_TEST

/* The law on logits has the log-density of the law that was written. */
START_TEST(a_law_on_logits_is_the_same_law)
{
    static const IrDist law[][2] = {{IR_DIST_bernoulli, IR_DIST_bernoulli_logits},
                                    {IR_DIST_categorical, IR_DIST_categorical_logits}};
    static const double x[3] = {0.3, -1.2, 2.1};
    Case c;
    case_open(&c, _i ? example_categorical : example_bernoulli);
    run(&c);
    IrGraph *g = &c.g;
    ck_assert(has_op(g, IR_SAMPLE));
    for (IrRef r = 0; r < g->count; r++)
        ck_assert(g->node[r].op != IR_SAMPLE || g->node[r].attr.dist == law[_i][1]);
    Case d;
    case_open(&d, example_log_exp);
    g = &d.g;
    for (int64_t v = 0; v < (_i ? 3 : 2); v++) {
        IrRef arg = UN(EXP, 0), logits = 0;
        arg = _i ? arg : UN(SIGMOID, 0);
        IrRef was = ir_dist_info[law[_i][0]].logpdf(g, &arg, ir_int(g, v));
        IrRef is = ir_dist_info[law[_i][1]].logpdf(g, &logits, ir_int(g, v));
        ir_unary(g, IR_ABS, ir_binary(g, IR_SUB, was, is));
        double *gap = evaluate(&d, x, x);
        for (int64_t i = 0; i < ir_elements(&g->node[g->count - 1].type); i++)
            ck_assert_double_le(gap[i], 1e-15);
    }
    arena_free(c.arena);
    arena_free(d.arena);
}
END_TEST

Suite *stable_suite(void)
{
    Suite *s = suite_create("stable");
    TCase *t = tcase_create("rules");
    tcase_add_loop_test(t, a_rule_fires_and_says_so, 0, (int)stable_count);
    tcase_add_loop_test(t, both_sides_agree, 0, (int)stable_count);
    tcase_add_loop_test(t, the_stable_form_is_accurate_where_the_other_fails, 0,
                        sizeof extreme / sizeof *extreme);
    tcase_add_loop_test(t, a_law_on_logits_is_the_same_law, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
