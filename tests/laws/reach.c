/* Pruning of costs, copy by copy, against brute force: a draw's copy reaches a cost's copy exactly
 * if moving the noise of the one moves the value of the other. */
#include "frontend/frontend.h"
#include "passes/estimator.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

/* Draws are named d..., costs c...; every chain is generic, so that no dependence cancels. */
static const char *const program[] = {
    "param a = ones()\ngraph g {\n  d1 ~ normal(a, 1)\n  d2 ~ normal(sin(d1), 1)\n  d3 ~ normal(a, "
    "1)\n"
    "  c1 = sin(d1)\n  c2 = sin(d2)\n  c3 = sin(d3 + d2)\n  c4 = a\n"
    "  cost c1\n  cost c2\n  cost c3\n  cost c4\n}\n",
    "param a[3] = ones()\ngraph g {\n  d0 ~ normal(a[0], 1)\n  plate k = 3 {\n    d1 ~ "
    "normal(a[k], 1)\n"
    "    c1 = sin(d1)\n    c2 = sin(d0 + 1)\n    cost c1\n    cost c2\n  }\n"
    "  total = sum(d1, over = k)\n  c3 = sin(total)\n  cost c3\n"
    "  plate k {\n    c4 = sin(total + d1)\n    cost c4\n  }\n}\n",
    "param a = ones()\ngraph g {\n  plate i = 2 {\n    plate j = 3 {\n      d1 ~ normal(a, 1)\n"
    "      c1 = cos(d1)\n      cost c1\n    }\n    inner = logsumexp(d1, over = j)\n    c2 = "
    "sin(inner)\n"
    "    cost c2\n  }\n  c3 = cos(mean(inner, over = i))\n  cost c3\n}\n",
    "param a = ones()\ngraph g {\n  h[0] = a\n  for t in 1..5 {\n    d1 ~ normal(a, 1)\n    d2 ~ "
    "normal(a, 1)\n"
    "    h[t] = sin(h[t-1] + d1)\n    c1 = sin(h[t-1])\n    c2 = sin(h[t] + d2)\n    c3 = sin(d2)\n"
    "    cost c1\n    cost c2\n    cost c3\n  }\n  c4 = sin(h[4])\n  cost c4\n}\n",
    "param a = ones()\ngraph g {\n  plate n = rows(3) {\n    data x\n    h[0] = x\n    for t in "
    "1..4 {\n"
    "      d1 ~ normal(h[t-1], 1)\n      h[t] = sin(d1 + a)\n      c1 = sin(d1)\n      cost c1\n   "
    " }\n"
    "    c2 = sin(h[3])\n    cost c2\n  }\n}\n",
};

enum { ROWS = 3 };

static void lower(IrModel *m, IrGraph *source, IrGraph *g, const char *text, Diags *d)
{
    ck_assert(fe_compile(m, "test.sg", text, NULL, 0, d));
    ir_graph_clone(source, &m->graph[0]);
    source->entry = IR_ENTRY_EVAL;
    ir_group_regions(source);
    ir_graph_clone(g, source);
    PassOptions options = {.parts = 1, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = d, .arena = m->arena};
    pass_estimate(g, &cx);
    ck_assert_uint_eq(diags_errors(d), 0);
}

static IrRef named(const IrGraph *g, const char *name, IrOp op, bool only)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].name && strcmp(g->node[r].name, name) == 0 && (!only || g->node[r].op == op))
            return r;
    ck_abort_msg("no node %s", name);
}

static double **evaluate(const IrGraph *g, double **noise, Arena *a)
{
    double param[3] = {0.3, -0.4, 0.9}, data[ROWS] = {0.2, 0.5, -0.7};
    const double *params[] = {param}, *datas[] = {data};
    IrEnv env = {.param = params,
                 .data = datas,
                 .noise = (const double *const *)noise,
                 .rows = ROWS,
                 .total_rows = ROWS};
    double **value = arena_array(a, double *, g->count + 1);
    IrRef fault;
    ck_assert(ir_eval(g, &env, a, value, &fault));
    return value;
}

/* The copy's index along each of its plates. */
static void split(const IrGraph *g, IrPlates plates, int64_t copy, int64_t *index)
{
    for (uint32_t p = g->plates; p-- > 0;)
        if (plates >> p & 1) {
            int64_t size = g->plate[p].kind == IR_PLATE_ROWS ? ROWS : g->plate[p].size;
            index[p] = copy % size;
            copy /= size;
        }
}

static bool predicted(const IrGraph *g, const EsReach *e, IrRef draw, int64_t from, IrRef cost,
                      int64_t to)
{
    int64_t i[IR_MAX_PLATES], j[IR_MAX_PLATES];
    IrPlates shared = g->node[draw].type.plates & g->node[cost].type.plates & ~e->mixed[cost];
    split(g, g->node[draw].type.plates, from, i);
    split(g, g->node[cost].type.plates, to, j);
    for (uint32_t p = 0; p < g->plates; p++) {
        bool later = g->plate[p].kind == IR_PLATE_STEP && e->later[cost];
        if (shared >> p & 1 && (later ? j[p] < i[p] + e->lag[cost] : j[p] != i[p]))
            return false;
    }
    return e->reached[cost];
}

static int64_t copies_of(const IrGraph *g, IrRef r)
{
    return ir_copies(g, g->node[r].type.plates, ROWS);
}

typedef struct Run {
    const IrGraph *source, *g;
    double **noise, **before;
    int checked, reached;
} Run;

static void check_pair(Run *run, const EsReach *e, IrRef draw, IrRef cost, int64_t from,
                       double **after)
{
    IrRef value = named(run->g, run->source->node[cost].name, IR_CONST, false);
    for (int64_t to = 0; to < copies_of(run->g, value); to++) {
        bool moved = after[value][to] != run->before[value][to];
        ck_assert_msg(moved == predicted(run->source, e, draw, from, cost, to),
                      "copy %lld of %s and copy %lld of %s: brute force says %d", (long long)from,
                      run->source->node[draw].name, (long long)to, run->source->node[cost].name,
                      moved);
        run->checked++;
        run->reached += moved;
    }
}

static void check_draw(Run *run, IrRef draw, uint32_t site)
{
    EsReach e = es_reach(run->source, draw);
    for (int64_t from = 0; from < copies_of(run->source, draw); from++) {
        Arena *a = arena_new();
        run->noise[site][from] += 0.37;
        double **after = evaluate(run->g, run->noise, a);
        for (IrRef cost = 0; cost < run->source->count; cost++) {
            const char *name = run->source->node[cost].name;
            if (name && name[0] == 'c')
                check_pair(run, &e, draw, cost, from, after);
        }
        run->noise[site][from] -= 0.37;
        arena_free(a);
    }
}

START_TEST(pruning_is_exact)
{
    Arena *a = arena_new();
    Diags *d = diags_new("test.sg", program[_i]);
    IrModel m;
    IrGraph source, g;
    ir_model_init(&m, a);
    lower(&m, &source, &g, program[_i], d);
    Run run = {.source = &source, .g = &g};
    run.noise = arena_array(a, double *, g.sites + 1);
    for (uint32_t s = 0; s < g.sites; s++) {
        run.noise[s] = arena_array(a, double, 64);
        for (int e = 0; e < 64; e++)
            run.noise[s][e] = 0.1 * (double)((e * 7 + (int)s * 3) % 11) - 0.4;
    }
    run.before = evaluate(&g, run.noise, a);
    for (uint32_t s = 0; s < g.sites; s++)
        check_draw(&run, named(&source, g.site[s].name, IR_SAMPLE, true), s);
    ck_assert_int_gt(run.reached, 0);
    ck_assert_int_lt(run.reached, run.checked);
    diags_free(d);
    arena_free(a);
}
END_TEST

Suite *reach_suite(void)
{
    Suite *s = suite_create("reach");
    TCase *c = tcase_create("pruning");
    tcase_add_loop_test(c, pruning_is_exact, 0, sizeof program / sizeof *program);
    suite_add_tcase(s, c);
    return s;
}
