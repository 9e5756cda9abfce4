/* The verifier: for every invariant a graph that breaks it, and the words it earns. */
#include "ir/ir.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

/* ---- graphs that can be written ------------------------------------------------------------ */

#define HEAD "sgir 1\nmodel m \"\"\nparam w: real[2] = normal(1, 0)\ndata x: real[2] rows\n"
#define SOURCE(nodes) HEAD "graph g: source source {\n" nodes "}\n"
#define GRAPH(nodes) HEAD "graph g: estimator step {\n" nodes "}\n"
#define ROWS "  plate n: rows 4\n"
#define STEPS "  plate t: step 3\n  region 1: t\n"
#define V "  %0: real[2] = const 1\n"
#define S "  %0: real = const 1\n"
#define M "  %0: real[2, 2] = const 1\n"

/* The place is the line of the text. */
static const struct {
    const char *text, *says;
} bad[] = {
    /* operations and operands */
    {GRAPH(S "  %1: real = exp(%2)\n"), "7:3: error: %1 = exp(%2): its operand %2 is not defined"},
    {GRAPH("  %0: real = exp(%0)\n"), "its operand %0 is not defined before it"},
    {GRAPH(S "  %1: real = exp(%0, %0)\n"), "%1 = exp(%0, %0): it has 2 operands"},
    {GRAPH("  %0: real = exp\n"), "%0 = exp: it has 0 operands"},
    {GRAPH(V "  %1: real[2] = concat k=0\n"), "it has 0 operands"},
    {GRAPH(S "  %1: real = sample(%0, %0) normal #0 via auto samples=1\n"),
     "may not stand in a graph of stage estimator"},
    {SOURCE("  site e\n  %0: real = draw e k=0\n"), "may not stand in a graph of stage source"},

    /* derived types */
    {GRAPH(V "  %1: real = exp(%0)\n"), "its type is real, but its operands imply real[2]"},
    {GRAPH(V "  %1: real[3] = const 1\n  %2: real[2] = add(%0, %1)\n"),
     "8:3: error: %2 = add(%0, %1): operands of add have shapes [2] and [3]"},
    {GRAPH(V "  %1: int[2] = const 1\n  %2: real[2] = add(%0, %1)\n"), "operand 2 of add is int"},
    {GRAPH(V "  %1: real[2] = sum(%0) axes=1\n"), "over a plate or axis that its operand"},
    {GRAPH(V "  %1: real[2] = slice(%0) k=0,0,3\n"), "slice [0:3] of an axis of size 2"},
    {GRAPH(V "  %1: real[2] = slice(%0) k=9,0,1\n"), "slice has no axis 9 of 1"},
    {GRAPH(V "  %1: real[2] = pad(%0) k=0,99999999999999999,5\n"), "k[1] is 99999999999999999"},
    {GRAPH(V "  %1: real[2] = cumsum(%0) k=1,0\n"), "there is no axis 1"},
    {GRAPH(M "  %1: real[2] = contract(%0, %0) \"ii,ij->j\"\n"), "one letter an axis, each once"},
    {GRAPH(M "  %1: real[2] = contract(%0, %0) \"ij,jk->i?\"\n"), "contract spec 'ij,jk->i?'"},
    {GRAPH(M "  %1: real[2] = contract(%0, %0) \"ij\"\n"), "contract spec 'ij'"},
    {GRAPH(M "  %1: real[2] = contract(%0, %0) \"i,ij->j\"\n"), "names 1 of 2 axes"},

    /* given types */
    {GRAPH("  %0: int = const 0.5\n"), "0.5 is not of type int"},
    {GRAPH("  %0: bool = const 2\n"), "2 is not of type bool"},
    {GRAPH("  %0: real[3] = param w\n"), "its type is real[3], but parameter w is real[2]"},
    {GRAPH(ROWS "  %0: real[2] = data x\n"), "but column x has rows of real[2]"},
    {GRAPH("  %0: real = hyper #0\n"), "there is no item 0 of 0"},
    {GRAPH("  %0: real[2] = rows\n"), "it is one real, not real[2]"},
    {GRAPH(ROWS "  %0: real[n] = index plate=n k=0\n"), "an index is one int a copy"},
    {GRAPH("  site e\n  %0: real = draw e k=2\n"), "normal (0) or uniform (1)"},
    {GRAPH(V "  %1: real[3] = reshape(%0)\n"), "does not have the elements of real[3]"},
    {GRAPH(ROWS "  %0: real[n; 2] = data x\n  %1: real[2] = cost(%0) #0 \"\"\n"),
     "real[2] does not fit its operand real[n; 2]"},
    {GRAPH("  %0: int = const 1\n  %1: int = cost(%0) #0 \"\"\n"), "does not fit its operand int"},
    {GRAPH(V "  %1: real[2] = objective(%0)\n"), "it is one real, not real[2]"},
    {GRAPH(S "  %1: real = grad(%0) w\n"), "its type is real, but parameter w is real[2]"},
    {SOURCE(S "  %1: real = sample(%0) normal #0 via auto samples=1\n"),
     "normal takes 2 arguments"},
    {SOURCE(S "  %1: int = sample(%0, %0) normal #0 via auto samples=1\n"), "normal draws real"},
    {SOURCE("  %0: int = const 1\n  %1: int = sample(%0) bernoulli #0 via auto samples=1\n"),
     "argument 1 of bernoulli is int, which does not fit a draw of int"},
    {SOURCE(V "  %1: real[3] = sample(%0, %0) normal #0 via auto samples=1\n"),
     "argument 1 of normal is real[2], which does not fit a draw of real[3]"},
    {SOURCE(ROWS "  %0: real[n; 2] = data x\n"
                 "  %1: real[2] = sample(%0, %0) normal #0 via auto samples=1\n"),
     "does not fit a draw of real[2]"},
    {SOURCE(S "  %1: int = sample(%0) categorical #0 via auto samples=1\n"),
     "argument 1 of categorical is real"},
    {SOURCE(V "  %1: real[2] = sample(%0, %0) mvn #0 via auto samples=1\n"),
     "argument 2 of mvn is real[2]"},
    {SOURCE(S "  %1: real = sample(%0, %0) normal #0 via score samples=0\n"), "no such estimator"},
    {SOURCE(S "  %1: real = expect(%0, %0)\n"), "an expectation is over a sample"},
    {GRAPH(ROWS "  %0: real[n; 2] = data x\n  %1: real[n; 2] = partial(%0) plate=n\n"),
     "plate n is not a plate of parts"},

    /* plates */
    {GRAPH("  plate k: static 2 in #0\n"), "plate 0 of 0 is not declared above"},
    {GRAPH(ROWS "  plate m: rows 4\n"), "plate m: a graph has one plate of rows"},
    {GRAPH("  plate v: enumeration 2\n  %0: real[v] = const 1\n"), "an enumeration needs a weight"},
    {GRAPH("  plate v: enumeration 2 weight %0\n  %0: real = const 1\n"),
     "its weight %0 is real, not one real a copy"},
    {GRAPH("  plate v: enumeration 2 weight %7\n"), "its weight %7 is not a node"},
    {GRAPH("  plate k: static 2 weight %0\n" S), "only an enumeration has a weight"},
    {GRAPH("  plate a: static 1000000\n  plate b: static 1000000\n  %0: real[a, b] = const 1\n"),
     "its type has no plate, axis or size like this"},

    /* sequences */
    {GRAPH("  plate k: static 3\n  region 1: k\n"), "plate k is not a plate of steps"},
    {GRAPH(S "  %1: real = carry(%0, %0)\n"), "a carry stands in a region"},
    {GRAPH(S "  %1: real = exp(%0) region=1\n"), "there is no region 1"},
    {GRAPH(STEPS S "  %1: real = exp(%0) region=1\n"), "in region 1 but lacks its plate t"},
    {GRAPH(STEPS "  %0: real[t] = const 1\n  %1: real[t] = exp(%0) region=1\n"
                 "  %2: real[t] = exp(%0)\n  %3: real[t] = exp(%0) region=1\n"),
     "11:3: error: %3 = exp(%0): it stands apart from the others of region 1"},
    {GRAPH(STEPS "  %0: real[t] = const 1\n  %1: real[t] = prod_rest(%0) over=t region=1\n"),
     "it looks across the steps of its region"},
    {GRAPH(STEPS S "  %1: real[t] = carry(%0, %2) region=1\n  %2: real[t] = exp(%1)\n"),
     "comes later and is not of its region"},
    {GRAPH(STEPS V "  %1: real[t] = carry(%0, %0) region=1\n"), "it carries real[2]"},

    /* roots */
    {GRAPH(S "  %1: real = objective(%0)\n  %2: real = objective(%0)\n"),
     "%2 = objective(%0): %1 already gives this result"},
    {GRAPH(V "  %1: real[2] = grad(%0) w\n  %2: real[2] = grad(%0) w\n"), "%1 already gives"},
    {GRAPH("  state s\n" S "  %1: real = next(%0) s\n  %2: real = next(%0) s\n"),
     "%1 already gives"},
    {GRAPH("  site e\n  %0: real = draw e k=0\n  %1: real[2] = draw e k=0\n"),
     "%0 draws noise of another type"},
};

START_TEST(reports)
{
    Arena *a = arena_new();
    IrModel m;
    Diags *d = diags_new("bad.sgir", bad[_i].text);
    ir_model_init(&m, a);
    ck_assert_msg(!ir_parse(&m, bad[_i].text, d), "accepted:\n%s", bad[_i].text);
    char *log = diags_text(d);
    ck_assert_msg(strstr(log, bad[_i].says) != NULL, "wanted '%s' in:\n%s", bad[_i].says, log);
    free(log);
    diags_free(d);
    arena_free(a);
}
END_TEST

/* ---- schedules ----------------------------------------------------------------------------- */

/* A schedule is broken by changing one piece of this one. */
static const char schedule[] = HEAD "graph g: scheduled step {\n"
                                    "  plate t: step 3\n"
                                    "  region 1: t\n"
                                    "  %0: real[2] = param w phase=0 kernel=0\n"
                                    "  %1: real[2] = exp(%0) phase=0 kernel=1\n"
                                    "  %2: real = sum(%1) axes=0 phase=0 kernel=1 buffer=0\n"
                                    "  %3: real[t] = carry(%2, %4) region=1 phase=1 kernel=2\n"
                                    "  %4: real[t] = exp(%3) region=1 phase=1 kernel=2 buffer=64\n"
                                    "  %5: real = sum(%4) over=t phase=1 kernel=3\n"
                                    "  phase 0: global\n"
                                    "  phase 1: global\n"
                                    "  kernel 0: view phase=0 domain=real nodes=%0\n"
                                    "  kernel 1: loop phase=0 domain=real[2] nodes=%1,%2\n"
                                    "  kernel 2: scan phase=1 domain=real nodes=%3,%4\n"
                                    "  kernel 3: single phase=1 domain=real nodes=%5\n"
                                    "  arena 128\n"
                                    "}\n";

static const struct {
    const char *from, *to, *says;
} broken[] = {
    {"kernel=3\n", "kernel=4\n", "there is no kernel 4"},
    {"kernel=3\n", "kernel=2\n", "kernel 3: %5 is placed in kernel 2"},
    {"kernel=3\n", "\n", "there is no kernel -1"},
    {"phase=1 kernel=3\n", "phase=0 kernel=3\n", "it is in phase 0, its kernel in phase 1"},
    {"nodes=%5", "nodes=%5,%5", "kernels list it 2 times"},
    {"nodes=%5", "nodes=%9", "kernel 3: %9 is not a node"},
    {" nodes=%5", "", "kernel 3: it has no nodes"},
    {"nodes=%1,%2", "nodes=%2,%1", "its members are not in order"},
    {"domain=real[2]", "domain=real[3]", "kernel 1: %1 has another domain"},
    {"kernel 3: single phase=1", "kernel 3: single phase=7", "kernel 3: there is no phase 7"},
    {"kernel 3: single phase=1", "kernel 3: single phase=0", "comes before that of kernel 2"},
    {"kernel 2: scan", "kernel 2: loop", "is not element-wise"},
    {"kernel 2: scan", "kernel 2: single", "it is of one node"},
    {"kernel 1: loop", "kernel 1: scan", "a scan is all nodes of a region"},
    {"kernel 0: view", "kernel 0: loop", "kernel 0: %0 is not element-wise"},
    {"buffer=64", "buffer=128", "its buffer at 128 is outside the arena of 128 bytes"},
    {"buffer=64", "buffer=-2", "its buffer at -2 is outside the arena"},
};

static bool parse_into(Arena *a, const char *text, char **log)
{
    IrModel m;
    Diags *d = diags_new("bad.sgir", text);
    ir_model_init(&m, a);
    bool ok = ir_parse(&m, text, d);
    *log = diags_text(d);
    diags_free(d);
    return ok;
}

START_TEST(reports_schedules)
{
    Arena *a = arena_new();
    char *log;
    bool good = parse_into(a, schedule, &log);
    ck_assert_msg(good, "%s", log);
    free(log);
    const char *at = strstr(schedule, broken[_i].from);
    const char *text = arena_printf(a, "%.*s%s%s", (int)(at - schedule), schedule, broken[_i].to,
                                    at + strlen(broken[_i].from));
    ck_assert_msg(!parse_into(a, text, &log), "accepted:\n%s", text);
    ck_assert_msg(strstr(log, broken[_i].says) != NULL, "wanted '%s' in:\n%s", broken[_i].says,
                  log);
    free(log);
    arena_free(a);
}
END_TEST

START_TEST(a_kernel_runs_after_what_it_reads)
{
    Arena *a = arena_new();
    char *log;
    ck_assert(!parse_into(a,
                          HEAD "graph g: scheduled step {\n"
                               "  %0: real[2] = const 1 phase=0 kernel=1\n"
                               "  %1: real[2] = exp(%0) phase=0 kernel=0\n"
                               "  phase 0: global\n"
                               "  kernel 0: loop phase=0 domain=real[2] nodes=%1\n"
                               "  kernel 1: view phase=0 domain=real nodes=%0\n}\n",
                          &log));
    ck_assert_ptr_nonnull(strstr(log, "runs in kernel 0, before its operand %0 in kernel 1"));
    free(log);
    arena_free(a);
}
END_TEST

/* ---- graphs that cannot be written --------------------------------------------------------- */

static void break_op(IrGraph *g)
{
    g->node[1].op = IR_OP_COUNT;
}
static void break_rank(IrGraph *g)
{
    g->node[0].type.rank = 1000;
}
static void break_unused_dim(IrGraph *g)
{
    g->node[0].type.dim[3] = 7;
}
static void break_elem(IrGraph *g)
{
    g->node[0].type.elem = (IrElem)9;
}
static void break_type_plates(IrGraph *g)
{
    g->node[0].type.plates = 1u << 31;
}
static void break_size(IrGraph *g)
{
    g->node[0].type.dim[0] = INT64_MAX;
}
static void break_over(IrGraph *g)
{
    g->node[2].attr.over = 1u << 31;
}
static void break_axes(IrGraph *g)
{
    g->node[2].attr.axes = 1u << 31;
}
static void break_plate_attr(IrGraph *g)
{
    g->node[3].attr.plate = -1;
}
static void break_spec(IrGraph *g)
{
    g->node[4].attr.text = NULL;
}
static void break_parents(IrGraph *g)
{
    g->plate[0].parents = 1;
}
static void break_plate_size(IrGraph *g)
{
    g->plate[0].size = 0;
}
static void break_region(IrGraph *g)
{
    g->region[0].plate = 77;
}
static void break_forward(IrGraph *g)
{
    g->node[1].in[0] = IR_NONE;
}

static const struct {
    void (*harm)(IrGraph *g);
    const char *says;
} harmed[] = {
    {break_op, "%1 = ?(%0): there is no such operation"},
    {break_rank, "%0 = const: its type has no plate, axis or size like this"},
    {break_unused_dim, "%0 = const: its type has"},
    {break_elem, "%0 = const: its type has"},
    {break_type_plates, "%0 = const: its type has"},
    {break_size, "%0 = const: its type has"},
    {break_over, "%2 = sum(%1): it sums over a plate that does not exist"},
    {break_axes, "%2 = sum(%1): sum over a plate or axis"},
    {break_plate_attr, "%3 = index: there is no plate -1"},
    {break_spec, "%4 = contract(%0, %1): its labels"},
    {break_parents, "plate k: its parents are not all declared before it"},
    {break_plate_size, "plate k: no kind or size"},
    {break_region, "region 1: it has no plate"},
    {break_forward, "%1 = exp(%4294967295): its operand %4294967295 is not defined"},
};

static void build(IrModel *m, IrGraph *g, Arena *a)
{
    ir_model_init(m, a);
    ir_graph_init(g, m, "g", IR_ENTRY_STEP);
    g->stage = IR_ESTIMATOR;
    uint32_t k = ir_plate_add(g, "k", IR_PLATE_STEP, 2, 0);
    ir_region_add(g, (int32_t)k, false);
    IrType vector = {.rank = 1, .dim = {3}};
    IrRef x = ir_typed(g, IR_CONST, (IrAttr){.num = 1}, vector, 0, NULL);
    IrRef y = ir_unary(g, IR_EXP, x);
    ir_sum_all(g, y);
    ir_index(g, k, 0);
    ir_contract(g, "a,a->", 0, x, y);
}

START_TEST(survives)
{
    Arena *a = arena_new();
    IrModel m;
    IrGraph g;
    Diags *d = diags_new("graph", NULL);
    build(&m, &g, a);
    ck_assert(ir_verify(&g, d));
    harmed[_i].harm(&g);
    ck_assert(!ir_verify(&g, d));
    char *log = diags_text(d);
    ck_assert_msg(strstr(log, harmed[_i].says) != NULL, "wanted '%s' in:\n%s", harmed[_i].says,
                  log);
    free(log);
    diags_free(d);
    arena_free(a);
}
END_TEST

/* Places are those of the printed graph, so that a report can show it. */
START_TEST(points_at_the_printed_node)
{
    Arena *a = arena_new();
    IrModel m;
    IrGraph g;
    build(&m, &g, a);
    g.node[2].type.dim[0] = 5;
    g.node[2].type.rank = 1;
    g.plate[0].parents = 2;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print_graph(&g, f);
    fclose(f);
    Diags *d = diags_new("g", text);
    ck_assert(!ir_verify(&g, d));
    ck_assert_uint_eq(diags_errors(d), 2);
    char *log = diags_text(d);
    ck_assert_str_eq(log, "g:2:3: error: plate k: its parents are not all declared before it [SG0702]\n"
                          "    2 |   plate k: step 2 in #1\n"
                          "      |   ^\n"
                          "g:6:3: error: %2 = sum(%1): its type is real[5], but its operands imply "
                          "real [SG0702]\n"
                          "    6 |   %2: real[5] = sum(%1) axes=0\n"
                          "      |   ^\n"
                          "2 errors; `sgc explain SG0702` says more\n");
    free(log);
    diags_free(d);
    free(text);
    arena_free(a);
}
END_TEST

Suite *ir_verify_suite(void)
{
    Suite *s = suite_create("ir_verify");
    TCase *c = tcase_create("invariants");
    tcase_add_loop_test(c, reports, 0, sizeof bad / sizeof *bad);
    tcase_add_loop_test(c, reports_schedules, 0, sizeof broken / sizeof *broken);
    tcase_add_test(c, a_kernel_runs_after_what_it_reads);
    tcase_add_loop_test(c, survives, 0, sizeof harmed / sizeof *harmed);
    tcase_add_test(c, points_at_the_printed_node);
    suite_add_tcase(s, c);
    return s;
}
