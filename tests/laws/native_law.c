/* Compiled laws are the evaluator's, in f32 and f64: draws at the same noise, their log-densities,
 * and the gradients of both; nothing overflows that does not in f64.
 *
 * An error is at most so many roundings of the largest of the value and the terms that it is a sum
 * of: of the size 1 at moderate arguments, of hundreds at extreme ones.  A law is one row, and a
 * law without one does not build. */
#include "passes/adjoint.h"
#include "tests/laws/native_case.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

enum { ARGUMENTS = 3, EVENT = 3, ROUNDINGS = 32, LARGEST_TERM = 100 };

/* Scalars; of a law on events the range of the elements of an argument with an axis. */
typedef struct Row {
    double moderate[ARGUMENTS], extreme[ARGUMENTS];
} Row;

/* clang-format off */
static const Row row_normal = {{0.3, 1.7}, {-3e-3, 1e-3}}, row_lognormal = {{0.3, 0.6}, {-5, 4}},
                 row_half_normal = {{1.7}, {3e-4}}, row_mvn = {{0.4, 0.9}, {0.03, 0.02}},
                 row_uniform = {{-0.7, 1.9}, {-5e3, 1e4}}, row_laplace = {{0.4, 0.7}, {-3e-3, 1e-3}},
                 row_logistic = {{0.4, 0.7}, {-3e-3, 1e-3}}, row_gumbel = {{-0.3, 1.2}, {-0.03, 0.01}},
                 row_cauchy = {{0.3, 0.8}, {-0.03, 0.01}}, row_student_t = {{5.5, 0.2, 1.3}, {4e4, 1, 30}},
                 row_von_mises = {{0.4, 1.9}, {-0.3, 200}}, row_exponential = {{1.3}, {1e-3}},
                 row_weibull = {{1.6, 1.2}, {25, 0.01}}, row_half_cauchy = {{0.8}, {1e-3}},
                 row_gamma = {{2.3, 1.4}, {0.03, 0.2}}, row_inverse_gamma = {{2.3, 1.4}, {60, 90}},
                 row_beta = {{2.5, 1.8}, {0.05, 30}}, row_bernoulli = {{0.3}, {1e-4}},
                 row_bernoulli_logits = {{-0.8}, {-30}}, row_categorical = {{0.4, 1.6}, {1e-4, 1}},
                 row_categorical_logits = {{-1, 1}, {-40, 40}}, row_one_hot_categorical = {{0.4, 1.6}, {1e-4, 1}},
                 row_one_hot_categorical_logits = {{-1, 1}, {-40, 40}}, row_geometric = {{0.35}, {0.01}},
                 row_poisson = {{2.3}, {150}}, row_binomial = {{20, 0.3}, {60, 0.98}},
                 row_multinomial = {{0.4, 1.6}, {1e-4, 1}}, row_dirichlet = {{0.5, 3}, {0.02, 0.2}};

static const Row *const row[IR_DIST_COUNT] = {
#define DIST(id, ...) [IR_DIST_##id] = &row_##id,
#include "ir/dist.def"
};
/* clang-format on */

static void arguments(IrGraph *g, IrDist d, const double *a, IrRef *arg)
{
    const IrDistInfo *law = &ir_dist_info[d];
    const NativeRange range = {a[0], a[1], false};
    for (uint32_t k = 0; k < law->arguments; k++) {
        if (law->support == IR_COUNT_EVENTS && k == 0)
            arg[k] = ir_const(g, 4);
        else if (law->support == IR_EVENT_SPACE)
            arg[k] = native_input(g, real(0, k + 1, EVENT, EVENT, 0),
                                  (NativeRange){a[k], 1.5 * a[k], false});
        else if (law->event)
            arg[k] = native_input(g, real(0, 1, EVENT, 0, 0), range);
        else if (law->support == IR_BOUNDED_COUNTS && k == 0)
            arg[k] = ir_const(g, a[k]);
        else
            arg[k] = native_input(g, real(0, 0, 0, 0, 0), (NativeRange){a[k], a[k], false});
    }
    if (law->support == IR_EVENT_SPACE)
        arg[1] = ir_unary(g, IR_TRIL, arg[1]);
}

static IrRef total(IrGraph *g, IrRef r)
{
    uint32_t axes = (1u << g->node[r].type.rank) - 1;
    return ir_reduce(g, IR_SUM, r, axes, g->node[r].type.plates);
}

/* The gradient of the draw, where it has one, and of its log-density. */
static void slopes(IrGraph *g, IrRef x, IrRef logp, uint32_t first)
{
    IrRef *grad = arena_array(g->model->arena, IrRef, g->model->params + 1), one = ir_const(g, 1);
    EsSeed seed[] = {{total(g, logp), one}, {0}};
    bool real_draw = g->node[x].type.elem == IR_REAL;
    if (real_draw)
        seed[1] = (EsSeed){total(g, x), one};
    es_adjoint(g, seed, real_draw ? 2 : 1, NULL, 0, grad);
    for (uint32_t p = first; p < g->model->params; p++)
        if (grad[p] != IR_NONE)
            native_output(g, grad[p]);
}

static void build(IrGraph *g, IrDist d, const double *a)
{
    const IrDistInfo *law = &ir_dist_info[d];
    uint32_t first = g->model->params;
    IrRef arg[ARGUMENTS];
    plates(g);
    arguments(g, d, a, arg);
    IrType value = native_type(law->elem, N, ir_draws_vectors(law), EVENT, 0, 0);
    IrRef noise = native_draw(g, ir_noise_type(g, d, arg, &value), law->base == IR_BASE_UNIFORM);
    IrRef x = law->transport(g, arg, noise), logp = law->logpdf(g, arg, x);
    native_output(g, x);
    native_output(g, logp);
    slopes(g, x, logp, first);
}

static void moderate(IrGraph *g, int variant)
{
    build(g, (IrDist)variant, row[variant]->moderate);
}

static void extreme(IrGraph *g, int variant)
{
    build(g, (IrDist)variant, row[variant]->extreme);
}

static const NativeCase law_case[] = {
    {"moderate", moderate, IR_DIST_COUNT, ROUNDINGS, 1, IR_ENTRY_RUN},
    {"extreme", extreme, IR_DIST_COUNT, ROUNDINGS, LARGEST_TERM, IR_ENTRY_RUN},
};

START_TEST(laws_are_the_evaluators)
{
    Native *n = native_build(law_case, sizeof law_case / sizeof *law_case, _i ? 8 : 4, false);
    if (!native_load(n))
        diags_render(n->diags, stderr);
    ck_assert(n->code);
    for (uint32_t i = 0; i < n->model.graphs; i++) {
        const char *wrong = native_compare(n, i, IR_ENTRY_RUN, NATIVE_ROWS, true);
        ck_assert_msg(!wrong, "%s, %s: %s", ir_dist_info[i % IR_DIST_COUNT].name,
                      i < IR_DIST_COUNT ? "moderate" : "extreme", wrong);
    }
    native_free(n);
}
END_TEST

Suite *native_law_suite(void)
{
    Suite *s = suite_create("native_law");
    TCase *c = tcase_create("laws");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, scratch_make, scratch_remove);
    tcase_add_loop_test(c, laws_are_the_evaluators, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
