/* Compiled code is the evaluator: every op, in f64 and f32, with and without the optimiser. */
#include "tests/laws/native.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

#include <stdlib.h>
#include <string.h>

static void load(Native *n)
{
    if (native_load(n))
        return;
    diags_render(n->diags, stderr);
    ck_abort_msg("the model does not compile");
}

static void compare_all(Native *n, int64_t rows, bool tape)
{
    for (uint32_t i = 0; i < n->model.graphs; i++) {
        const char *wrong = native_compare(n, i, n->of[i]->entry, rows, tape);
        ck_assert_msg(!wrong, "%s", wrong);
    }
}

/* All rows, fewer than there is room for, and fewer than there are parts. */
static void compare_rows(const NativeCase *c, size_t cases, int64_t real_bytes, bool no_optimise)
{
    Native *n = native_build(c, cases, real_bytes, no_optimise);
    load(n);
    compare_all(n, NATIVE_ROWS, true);
    compare_all(n, 5, true);
    compare_all(n, NATIVE_PARTS - 1, true);
    compare_all(n, NATIVE_ROWS, false);
    compare_all(n, 4, false);
    native_free(n);
}

START_TEST(doubles_agree_with_the_evaluator)
{
    compare_rows(native_sum_case, native_sum_cases, 8, false);
    compare_rows(native_move_case, native_move_cases, 8, false);
}
END_TEST

START_TEST(floats_agree_with_the_evaluator)
{
    compare_rows(native_sum_case, native_sum_cases, 4, false);
    compare_rows(native_move_case, native_move_cases, 4, false);
}
END_TEST

START_TEST(code_agrees_before_it_is_optimised)
{
    compare_rows(native_sum_case, native_sum_cases, 8, true);
    compare_rows(native_move_case, native_move_cases, 8, true);
}
END_TEST

static void mark_ops(const NativeCase *c, size_t cases, bool seen[IR_OP_COUNT])
{
    Native *n = native_build(c, cases, 8, false);
    for (uint32_t i = 0; i < n->model.graphs; i++) {
        const IrGraph *g = &n->entry[i][n->of[i]->entry];
        for (IrRef r = 0; r < g->count; r++)
            seen[g->node[r].op] = true;
    }
    native_free(n);
}

START_TEST(every_op_is_compared)
{
    static const char *const emit[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, ...) [IR_##id] = #emit,
#include "ir/op.def"
    };
    bool seen[IR_OP_COUNT] = {false};
    mark_ops(native_sum_case, native_sum_cases, seen);
    mark_ops(native_move_case, native_move_cases, seen);
    for (int op = 0; op < IR_OP_COUNT; op++)
        ck_assert_msg(seen[op] || strcmp(emit[op], "none") == 0, "no graph has the op %s",
                      ir_op_info[op].name);
}
END_TEST

/* ---- examples ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    FeDim dim[4];
    size_t dims;
} example[] = {
    {"bandit", {{0}}, 0},
    {"certigrad_aevb", {{"pixels", 20}, {"encoder", 17}, {"decoder", 18}, {"latent", 5}}, 4},
    {"gmm", {{0}}, 0},
    {"hmm", {{"steps", 7}}, 1},
    {"iwae", {{"pixels", 20}, {"hidden", 17}, {"latent", 5}, {"copies", 3}}, 4},
    {"logistic", {{0}}, 0},
    {"mlp", {{"pixels", 20}, {"hidden", 30}}, 2},
    {"ppca", {{0}}, 0},
    {"sbn", {{"pixels", 20}, {"latent", 5}}, 2},
    {"vae", {{"side", 5}, {"hidden", 30}, {"latent", 5}}, 3},
};

static int64_t batch_of(const IrGraph *g)
{
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].kind == IR_PLATE_ROWS)
            return g->plate[p].size;
    return 1;
}

void native_compare_all(Native *n, const char *name)
{
    load(n);
    for (uint32_t k = 0; k < n->model.graphs; k++)
        for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++) {
            if (n->entry[k][e].count == 0)
                continue;
            int64_t batch = batch_of(&n->entry[k][e]);
            const char *wrong = native_compare(n, k, e, batch, false);
            ck_assert_msg(!wrong, "%s: %s", name, wrong);
            wrong = native_compare(n, k, e, batch / 3 + 1, true);
            ck_assert_msg(!wrong, "%s: %s", name, wrong);
        }
    native_free(n);
}

static void compare_example(int i, int64_t real_bytes)
{
    native_compare_all(native_example(example[i].name, example[i].dim, example[i].dims, real_bytes),
                       example[i].name);
}

START_TEST(examples_agree_in_f64)
{
    compare_example(_i, 8);
}
END_TEST

START_TEST(examples_agree_in_f32)
{
    compare_example(_i, 4);
}
END_TEST

/* Estimators in rows, with draws inside and outside of them. */
static const char *const estimator[] = {
    "param m[3] = zeros()\nparam w = ones()\n"
    "graph g {\n  c ~ categorical(logits = m) via measure_valued\n"
    "  plate n = rows(6) {\n    data x\n    z[3] ~ normal(m * x, exp(w)) via measure_valued\n"
    "    h[2] ~ bernoulli(logits = z[0]) via measure_valued(samples = 2)\n"
    "    cost (if z[1] > x then sin(z[0]) else z[2]) * (1 + sum(h)) + w * c\n  }\n}\n",
    "param m = zeros()\nparam s in positive = ones()\nparam a[2] = zeros()\n"
    "param l[2, 2] in cholesky = identity()\n"
    "graph g {\n  plate n = rows(6) {\n    data x\n    y ~ gumbel(m * x, s) via measure_valued\n"
    "    q ~ logistic(m, s) via measure_valued\n    r ~ weibull(2, s) via measure_valued\n"
    "    v[2] ~ mvn(a, cholesky = l) via measure_valued\n    u ~ uniform(m, m + s) via "
    "measure_valued\n    e ~ exponential(s) via measure_valued\n"
    "    cost sin(y + q) * r + floor(sum(v) + u) * e\n  }\n}\n",
    /* noise of samples, and biased estimators */
    "param m[3] = zeros()\nparam w = ones()\n"
    "graph g {\n  plate n = rows(6) {\n    data x\n"
    "    z[3] ~ normal(m * x, exp(w)) via pathwise(samples = 4, noise = antithetic)\n"
    "    y ~ laplace(w, 1) via score(samples = 4, noise = qmc)\n"
    "    u[2] ~ normal(w * x, 1) via pathwise(samples = 2, noise = qmc)\n"
    "    h[2] ~ bernoulli(logits = w * x) via straight_through biased\n"
    "    c ~ categorical(logits = m) via gumbel_softmax(temperature = 0.7) biased\n"
    "    cost sin(sum(z)) + sin(y) * w + sin(sum(u)) + sin(w * sum(1.0 * h)) + cos(sum(one_hot(c, 3) * "
    "m))\n"
    "  }\n}\n",
    /* softened draws */
    "param m[3] = zeros()\nparam w[3, 4] = zeros()\n"
    "graph g {\n  k[2, 3] ~ one_hot_categorical(logits = m) via rebar\n"
    "  plate n = rows(6) {\n    data x\n    h[3] ~ bernoulli(logits = m * x) via rebar(samples = 2)\n"
    "    c[2] ~ categorical(exp(m)) via rebar(temperature = 0.7, scale = 1.2)\n"
    "    z[4] ~ normal(h @ w, 1) via pathwise\n"
    "    cost sin(sum(z)) + cos(sum(one_hot(c, 3)) * x + sum(h) + h[0]) * sum(k @ m)\n  }\n"
    "  s[0] = 0\n  for t in 1..3 {\n    j ~ bernoulli(sigmoid(m[0])) via rebar\n"
    "    s[t] = s[t-1] + t * j\n    cost sin(m[1] * s[t])\n  }\n}\n",
    /* events as categories, and their trials */
    "param m[3] = zeros()\nparam w = ones()\n"
    "graph g {\n  k[2, 3] ~ one_hot_categorical(logits = m) via coupled\n"
    "  plate n = rows(6) {\n    data x\n"
    "    h[2, 3] ~ one_hot_categorical(exp(m * x)) via local_expectation(samples = 2)\n"
    "    c ~ one_hot_categorical(logits = m * x) via unordered_set\n"
    "    j ~ one_hot_categorical(logits = m) via gumbel_softmax(temperature = 0.7) biased\n"
    "    i[2, 3] ~ multinomial(4, exp(m * x)) via coupled\n"
    "    cost sin(sum(h @ m) * x) * sum(k @ m) + sin(sum(c * m) + h[1, 2]) + cos(sum(j * m) * w)\n"
    "    cost sin(w * sum(i[0] * m) + i[1, 1])\n  }\n  y ~ multinomial(3, exp(m)) via coupled\n"
    "  cost cos(sum(y * m) + k[1, 1] * w)\n}\n",
    /* learned control variates */
    "param m[3] = zeros()\nparam w = ones()\n"
    "graph g {\n  k[2, 3] ~ one_hot_categorical(logits = m) via relax\n"
    "  plate n = rows(6) {\n    data x\n    h[3] ~ bernoulli(logits = m * x) via relax(samples = 2, hidden = 4)\n"
    "    c[2] ~ categorical(exp(m)) via relax(temperature = 0.7)\n"
    "    cost sin(sum(m[c]) * x + sum(h) + (if h[0] == 1 then w else x)) * sum(k @ m)\n  }\n"
    "  s[0] = 0\n  for t in 1..3 {\n    s[t] ~ bernoulli(logits = w * s[t-1]) via relax\n"
    "    cost sin(m[1] * s[t])\n  }\n}\n",
    /* boundary terms, and bounds of several samples */
    "param m[3] = zeros()\nparam w = ones()\n"
    "graph g {\n  plate n = rows(6) {\n    data x\n    z[3] ~ normal(m * x, exp(w)) via pathwise\n"
    "    y ~ normal(w, 1) via sticking_the_landing\n"
    "    cost sum(if z > w * x then sin(z) else m) + sin(y) + log_prob(normal(w, 1), y)\n"
    "    plate k = 3 {\n      v[3] ~ normal(m, exp(w)) via dreg\n"
    "      u = sum(cos(v * x)) - sum(log_prob(normal(m, exp(w)), v))\n"
    "      h[2] ~ bernoulli(logits = w * x) via vimco\n"
    "      q = sin(w * sum(h)) - sum(log_prob(bernoulli(logits = w * x), h))\n    }\n"
    "    cost -logmeanexp(u, over = k)\n    cost -logmeanexp(q, over = k)\n  }\n}\n",
    "param s[3] = zeros()\nparam m[3, 3] = zeros()\n"
    "graph g {\n  plate n = rows(6) {\n    data x\n    z[0] ~ categorical(logits = s) via enumerate\n"
    "    for t in 1..4 {\n      z[t] ~ categorical(logits = m[z[t-1]] * x) via enumerate\n"
    "      h[2] ~ bernoulli(logits = s[z[t]] * x) via score(baseline = learned(x, m, hidden = 3))\n"
    "      cost sin(s[z[t]] + z[t-1] * x + sum(h))\n    }\n    cost cos(s[z[2]] * x)\n  }\n"
    "  k ~ poisson(exp(s[0])) via coupled\n  b[3] ~ binomial(5, sigmoid(s)) via coupled\n"
    "  c ~ geometric(sigmoid(s[1])) via coupled\n  cost sin(k + sum(b) + c)\n}\n",
    "param m[3] = zeros()\nparam w[3, 4] = zeros()\n"
    "graph g {\n  c ~ categorical(logits = m) via unordered_set\n"
    "  plate n = rows(6) {\n    data x\n    h[3] ~ bernoulli(logits = m * x) via "
    "local_expectation\n"
    "    k[4] ~ bernoulli(logits = h @ w) via disarm(samples = 3)\n"
    "    j[4] ~ bernoulli(logits = h @ w - x) via coupled(samples = 2)\n"
    "    d ~ categorical(logits = m + x) via local_expectation\n"
    "    e[2] ~ categorical(logits = m - x) via coupled\n"
    "    cost (1 + c) * sin(sum(k * j) + h[1] * d + sum(e)) + cos(sum(m * h)) + "
    "log_prob(bernoulli(logits = "
    "m), "
    "h)\n  }\n}\n",
};

static void compare_estimator(int i, int64_t real_bytes)
{
    native_compare_all(native_text("estimator", estimator[i], NULL, 0, real_bytes), estimator[i]);
}

START_TEST(estimators_agree_in_f64)
{
    compare_estimator(_i, 8);
}
END_TEST

START_TEST(estimators_agree_in_f32)
{
    compare_estimator(_i, 4);
}
END_TEST

START_TEST(an_index_out_of_range_is_a_fault_with_its_place)
{
    Native *n = native_build(&native_fault_case, 1, 8, false);
    load(n);
    SgrtFault f = native_fault(n, 0, 5);
    ck_assert_int_eq(f.kind, 1);
    ck_assert_int_eq(f.index, 6);
    ck_assert_int_eq(f.size, 6);
    ck_assert_int_lt(f.place, 1);
    ck_assert_ptr_nonnull(strstr(n->code->graph[0].place[f.place], "p0[d0]"));
    ck_assert_int_eq(native_fault(n, 1, 5).kind, 0);
    native_free(n);
}
END_TEST

Suite *native_suite(void)
{
    Suite *s = suite_create("native");
    TCase *t = tcase_create("native");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, doubles_agree_with_the_evaluator);
    tcase_add_test(t, floats_agree_with_the_evaluator);
    tcase_add_test(t, code_agrees_before_it_is_optimised);
    tcase_add_test(t, every_op_is_compared);
    tcase_add_loop_test(t, examples_agree_in_f64, 0, sizeof example / sizeof *example);
    tcase_add_loop_test(t, examples_agree_in_f32, 0, sizeof example / sizeof *example);
    tcase_add_loop_test(t, estimators_agree_in_f64, 0, sizeof estimator / sizeof *estimator);
    tcase_add_loop_test(t, estimators_agree_in_f32, 0, sizeof estimator / sizeof *estimator);
    tcase_add_test(t, an_index_out_of_range_is_a_fault_with_its_place);
    suite_add_tcase(s, t);
    return s;
}
