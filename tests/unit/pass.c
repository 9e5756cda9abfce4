/* The pipeline: which entries a graph has, what each keeps, and what happens to a broken graph. */
#include "passes/pass.h"
#include "frontend/frontend.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

static const char program[] = "param m[3] = zeros()\n"
                              "graph both {\n"
                              "  plate n = rows(8) {\n"
                              "    data x[3]\n"
                              "    z ~ normal(m, 1)\n"
                              "    cost sum(x * tanh(z))\n"
                              "    u ~ normal(m, 1)\n"
                              "    output o = u\n"
                              "  }\n"
                              "}\n"
                              "graph outputs {\n"
                              "  output o = exp(m)\n"
                              "}\n"
                              "train both { optimizer = sgd(lr = 0.1)  epochs = 1 }\n";

static const PassOptions options = {.parts = 2, .real_bytes = 8};

typedef struct Run {
    Arena *arena;
    Diags *diags;
    IrModel model;
    IrGraph entry[2][IR_ENTRIES];
} Run;

static void run_open(Run *r, PassHook *hook, void *context)
{
    *r = (Run){.arena = arena_new(), .diags = diags_new("test.sg", program)};
    ir_model_init(&r->model, r->arena);
    ck_assert(fe_compile(&r->model, "test.sg", program, NULL, 0, r->diags));
    ck_assert_uint_eq(r->model.graphs, 2);
    PassCtx cx = {.options = &options, .diags = r->diags, .arena = r->arena};
    for (int i = 0; i < 2; i++)
        ck_assert(passes_run(&r->model.graph[i], r->entry[i], &cx, hook, context));
}

static void run_close(Run *r)
{
    diags_free(r->diags);
    arena_free(r->arena);
}

static uint32_t count_op(const IrGraph *g, IrOp op)
{
    uint32_t count = 0;
    for (IrRef r = 0; r < g->count; r++)
        count += g->node[r].op == op;
    return count;
}

START_TEST(a_graph_has_the_entries_of_its_roots)
{
    Run r;
    run_open(&r, NULL, NULL);
    for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++) {
        ck_assert_uint_gt(r.entry[0][e].count, 0);
        ck_assert_int_eq(r.entry[0][e].stage, IR_SCHEDULED);
        ck_assert_int_eq(r.entry[1][e].count > 0, e == IR_ENTRY_RUN);
    }
    run_close(&r);
}
END_TEST

START_TEST(an_entry_keeps_its_own_roots_and_draws)
{
    Run r;
    run_open(&r, NULL, NULL);
    static const struct {
        uint32_t costs, outputs, grads;
        const char *draw;
    } want[IR_ENTRIES] = {[IR_ENTRY_STEP] = {1, 0, 1, "z"},
                          [IR_ENTRY_EVAL] = {1, 0, 0, "z"},
                          [IR_ENTRY_RUN] = {0, 1, 0, "u"}};
    for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++) {
        const IrGraph *g = &r.entry[0][e];
        ck_assert_uint_eq(count_op(g, IR_COST), want[e].costs);
        ck_assert_uint_eq(count_op(g, IR_OUTPUT), want[e].outputs);
        ck_assert_uint_eq(count_op(g, IR_GRAD), want[e].grads);
        ck_assert_uint_eq(g->sites, 1);
        ck_assert_str_eq(g->site[0].name, want[e].draw);
    }
    run_close(&r);
}
END_TEST

START_TEST(the_source_graph_is_left_as_it_was)
{
    Run r;
    run_open(&r, NULL, NULL);
    const IrGraph *g = &r.model.graph[0];
    ck_assert_int_eq(g->stage, IR_SOURCE);
    ck_assert_uint_eq(count_op(g, IR_SAMPLE), 2);
    ck_assert_uint_eq(count_op(g, IR_COST) + count_op(g, IR_OUTPUT), 2);
    run_close(&r);
}
END_TEST

typedef struct Seen {
    unsigned passes;
    IrEntry entry;
} Seen;

static void expect_in_order(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                            double ms, bool changed)
{
    Seen *seen = context;
    (void)changed;
    seen->passes = g->entry == seen->entry ? seen->passes + 1 : 1;
    seen->entry = g->entry;
    ck_assert_uint_eq(number, seen->passes);
    ck_assert_str_eq(p->name, pass_info[number - 1].name);
    ck_assert_double_ge(ms, 0);
}

START_TEST(the_hook_sees_every_pass_in_order)
{
    Seen seen = {0};
    Run r;
    IrGraph entry[IR_ENTRIES];
    run_open(&r, NULL, NULL);
    PassCtx cx = {.options = &options, .diags = r.diags, .arena = r.arena};
    ck_assert(passes_run(&r.model.graph[0], entry, &cx, expect_in_order, &seen));
    ck_assert_uint_eq(seen.passes, pass_count);
    ck_assert_int_eq(seen.entry, IR_ENTRY_RUN);
    run_close(&r);
}
END_TEST

/* An output of five numbers from three: no pass can mend it, and the first is found out. */
START_TEST(a_broken_graph_is_our_mistake)
{
    Run r;
    run_open(&r, NULL, NULL);
    IrGraph g;
    ir_graph_init(&g, &r.model, "g", IR_ENTRY_RUN);
    g.stage = IR_ESTIMATOR;
    IrType three = {.rank = 1, .dim = {3}}, five = {.rank = 1, .dim = {5}};
    IrRef a = ir_typed(&g, IR_CONST, (IrAttr){.num = 1}, three, 0, NULL);
    ir_typed(&g, IR_OUTPUT, (IrAttr){.text = "o"}, five, 1, &a);
    PassCtx cx = {.options = &options, .diags = r.diags, .arena = r.arena};
    ck_assert(!passes_resume(&g, &cx, NULL, NULL));
    ck_assert(cx.broken && diags_has(r.diags, SG0999));
    char *text = diags_text(r.diags);
    ck_assert_msg(strstr(text, "internal error: pass simplify broke the run entry of graph g") &&
                      strstr(text, "does not fit its operand"),
                  "%s", text);
    free(text);
    run_close(&r);
}
END_TEST

Suite *pass_suite(void)
{
    Suite *s = suite_create("pass");
    TCase *t = tcase_create("pipeline");
    tcase_add_test(t, a_graph_has_the_entries_of_its_roots);
    tcase_add_test(t, an_entry_keeps_its_own_roots_and_draws);
    tcase_add_test(t, the_source_graph_is_left_as_it_was);
    tcase_add_test(t, the_hook_sees_every_pass_in_order);
    tcase_add_test(t, a_broken_graph_is_our_mistake);
    suite_add_tcase(s, t);
    return s;
}
