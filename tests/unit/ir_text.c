/* The text form: what is printed reads back as the same graph and prints as the same bytes, and no
 * text at all makes the reader crash. */
#include "ir/ir.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const IrModel *m)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print_model(m, f);
    fclose(f);
    return text;
}

/* Reads a text that must be good. */
static const IrModel *read_model(Arena *a, const char *text)
{
    IrModel *m = arena_make(a, IrModel);
    Diags *d = diags_new("test.sgir", text);
    ir_model_init(m, a);
    bool ok = ir_parse(m, text, d);
    char *log = diags_text(d);
    ck_assert_msg(ok, "%s", log);
    free(log);
    diags_free(d);
    return m;
}

static void must_round_trip(const char *text)
{
    Arena *a = arena_new();
    const IrModel *m = read_model(a, text);
    char *again = printed(m);
    ck_assert_str_eq(again, text);
    free(again);
    arena_free(a);
}

/* ---- texts --------------------------------------------------------------------------------- */

static const char source_text[] =
    "sgir 1\n"
    "model vae \"dir/vae.sg\"\n"
    "\n"
    "param enc.W: real[3, 2] = glorot(0, 0) @1:7+5\n"
    "param s: real[2] = constant(0.1, 0) in positive\n"
    "param \"odd name\": real = uniform(-1, inf) in range\n"
    "data x: real[3] rows in range(0, 1) @12:10+1\n"
    "data y: int[5] whole\n"
    "hyper beta = 0.5 @3:1+4\n"
    "\n"
    "graph loss: source source @9:7+4 {\n"
    "  plate n: rows 128 @10:3+5\n"
    "  plate k: static 5 in n\n"
    "  plate k: samples 2 in n,k\n"
    "  %0 x: real[n; 3] = data x @12:10+1\n"
    "  %1 enc.W: real[3, 2] = param enc.W\n"
    "  %2: real = param #2\n"
    "  %3: real[n; 2] = contract(%0, %1) \"a,ab->b\" @13:3+9\n"
    "  %4 z: real[n, k#2; 2] = sample(%3, %2) normal #0 via @14:20+8 score samples=2 "
    "baseline=leave_one_out biased @14:3+1 why SGR03 \"score: the \\\"law\\\" is\\x0adiscrete \\\\\"\n"
    "  %5: real[n, k#2; 2] = square(%4)\n"
    "  %6: real[n, k#2; 2] = expect(%4, %5)\n"
    "  %7: real[n] = sum(%6) axes=0 over=k#2\n"
    "  %8 kl: real[n] = cost(%7) #0 \"kl\"\n"
    "  %9: int[n] = index plate=n k=-3\n"
    "  %10: int[n] = output(%9) \"row \\x7f\"\n"
    "}\n"
    "\n"
    "graph loss: source source biased {\n"
    "}\n"
    "\n"
    "train loss optimizer=adam lr=0.001 beta1=0.9 clip=5 epochs=10 @20:1+5\n"
    "train loss#1 steps=100\n";

static const char estimator_text[] = "sgir 1\n"
                                     "model hmm \"\"\n"
                                     "\n"
                                     "param a: real[4] = normal(1, 0)\n"
                                     "\n"
                                     "graph nll: estimator step {\n"
                                     "  plate t: step 4\n"
                                     "  plate v: enumeration 2 weight %3\n"
                                     "  region 1: t\n"
                                     "  region 2: t reverse\n"
                                     "  state mean\n"
                                     "  state \"mean of z\"\n"
                                     "  site z\n"
                                     "  %0: real[4] = param a\n"
                                     "  %1: real[t] = to_plate(%0) plate=t k=0\n"
                                     "  %2: real = const 0.3333333333333333\n"
                                     "  %3: real[v] = const 0.5\n"
                                     "  %4: real[t] = carry(%2, %5) region=1\n"
                                     "  %5: real[t] = add(%4, %1) region=1\n"
                                     "  %6: real[t] = carry(%2, %7) region=2\n"
                                     "  %7: real[t] = add(%6, %5) region=2\n"
                                     "  %8 noise: real[t; 2] = draw z k=1\n"
                                     "  %9: real[4] = to_axis(%7) plate=t k=0,4\n"
                                     "  %10: real[4] = grad(%9) a\n"
                                     "  %11: real = state mean\n"
                                     "  %12: real = next(%11) #1\n"
                                     "  %13: real = objective(%11)\n"
                                     "  %14: bool[2] = const 1\n"
                                     "  %15: real = const nan\n"
                                     "  %16: real = const -inf\n"
                                     "  %17: real = const 5e-324\n"
                                     "  %18: int = const -0\n"
                                     "}\n";

static const char scheduled_text[] =
    "sgir 1\n"
    "model half \"half.sg\"\n"
    "\n"
    "param a: real[2] = normal(1, 0)\n"
    "\n"
    "graph half: scheduled eval {\n"
    "  %0 a: real[2] = param a phase=0 kernel=0 @1:7+1\n"
    "  %1: real[2] = square(%0) phase=0 kernel=1 @2:8+9\n"
    "  %2: real = sum(%1) axes=0 phase=0 kernel=1 buffer=0 @2:8+9 why SGR06 \"summed in place\" \"no loop\"\n"
    "  %3: real = objective(%2) phase=1 kernel=2 @2:3+4\n"
    "  phase 0: rows\n"
    "  phase 1: global\n"
    "  kernel 0: view phase=0 domain=real nodes=%0\n"
    "  kernel 1: loop phase=0 domain=real[2] nodes=%1,%2\n"
    "  kernel 2: single phase=1 domain=real nodes=%3\n"
    "  arena 64\n"
    "}\n";

static const char *const texts[] = {source_text, estimator_text, scheduled_text,
                                    "sgir 1\nmodel m \"\"\n"};

enum { TEXTS = sizeof texts / sizeof *texts };

START_TEST(prints_what_it_read)
{
    must_round_trip(texts[_i]);
}
END_TEST

START_TEST(fields_arrive)
{
    Arena *a = arena_new();
    const IrModel *m = read_model(a, source_text);
    const IrGraph *g = &m->graph[0];
    const IrNode *z = &g->node[4];
    ck_assert_uint_eq(m->params, 3);
    ck_assert_str_eq(m->param[2].name, "odd name");
    ck_assert_double_eq(m->param[2].b, INFINITY);
    ck_assert(m->param[1].in == IR_POSITIVE && m->data[0].by_rows && !m->data[1].by_rows);
    ck_assert_double_eq(m->data[0].hi, 1);
    ck_assert_double_eq(m->hyper[0].value, 0.5);
    ck_assert_uint_eq(g->plate[2].parents, 3);
    ck_assert_uint_eq(z->type.plates, 1 | 4);
    ck_assert(z->attr.dist == IR_DIST_normal && z->attr.via.estimator == IR_EST_SCORE);
    ck_assert(z->attr.via.samples == 2 && z->attr.via.baseline == IR_LEAVE_ONE_OUT);
    ck_assert(z->attr.via.biased && z->attr.via.at.col == 20 && z->at.col == 3);
    ck_assert_str_eq(z->why->what, "score: the \"law\" is\ndiscrete \\");
    ck_assert_int_eq(g->node[9].attr.k[0], -3);
    ck_assert(!g->biased && m->graph[1].biased);
    ck_assert_uint_eq(m->train[1].graph, 1);
    ck_assert(isnan(m->train[0].eps) && m->train[0].epochs == 10 && m->train[0].steps == -1);
    arena_free(a);
}
END_TEST

START_TEST(a_schedule_arrives)
{
    Arena *a = arena_new();
    const IrModel *m = read_model(a, scheduled_text);
    const IrGraph *g = &m->graph[0];
    ck_assert(g->stage == IR_SCHEDULED && g->entry == IR_ENTRY_EVAL);
    ck_assert(g->phases == 2 && g->phase[0].kind == IR_PHASE_ROWS);
    ck_assert(g->kernels == 3 && g->kernel[1].nodes == 2 && g->kernel[1].node[1] == 2);
    ck_assert_int_eq(g->kernel[1].domain.dim[0], 2);
    ck_assert(g->node[2].place.buffer == 0 && g->node[1].place.buffer == -1);
    ck_assert(g->node[3].place.phase == 1 && g->node[3].place.kernel == 2);
    ck_assert_int_eq(g->arena_bytes, 64);
    arena_free(a);
}
END_TEST

/* A graph that was read can be built on, like any other. */
START_TEST(a_read_graph_grows)
{
    Arena *a = arena_new();
    const IrModel *m = read_model(a, estimator_text);
    IrGraph *g = &m->graph[0];
    uint32_t count = g->count;
    for (int i = 0; i < 100; i++)
        ir_unary(g, IR_EXP, ir_const(g, i));
    uint32_t plate = ir_plate_add(g, "j", IR_PLATE_STATIC, 2, 0);
    ck_assert_uint_eq(ir_region_add(g, (int32_t)plate, false), 3);
    ck_assert_uint_eq(g->count, count + 200);
    ck_assert_double_eq(g->node[count + 198].attr.num, 99);
    arena_free(a);
}
END_TEST

/* Empty lines, comments, spaces and the order of declarations are the writer's. */
START_TEST(layout_is_free)
{
    Arena *a = arena_new();
    const IrModel *m = read_model(a, "\n\nsgir 1\r\n# a dump\nmodel m \"\"\n   # indented\n\n"
                                     "graph g : estimator step{\n%0:real[ 2 ]=const 1\n\n"
                                     "\t%1 : real[2] = add( %0 ,%0 )   \n}\n");
    char *text = printed(m);
    ck_assert_str_eq(text, "sgir 1\nmodel m \"\"\n\ngraph g: estimator step {\n"
                           "  %0: real[2] = const 1\n  %1: real[2] = add(%0, %0)\n}\n");
    free(text);
    arena_free(a);
}
END_TEST

/* ---- built graphs -------------------------------------------------------------------------- */

/* One column with rows, a draw a copy, a cost. */
static void build_source(IrModel *m)
{
    IrType row = {.rank = 1, .dim = {3}};
    *arena_push(m->arena, m->data, m->datas, IrData) =
        (IrData){.name = "x", .type = row, .by_rows = true};
    *arena_push(m->arena, m->param, m->params, IrParam) =
        (IrParam){.name = "w", .type = row, .init = IR_INIT_NORMAL, .a = 1.0 / 3};
    IrGraph *g = ir_graph_add(m, "a graph", (Span){1, 2, 3});
    g->here = (Span){4, 5, 6};
    uint32_t n = ir_plate_add(g, "n", IR_PLATE_ROWS, 7, 0);
    uint32_t again = ir_plate_add(g, "n", IR_PLATE_STATIC, 2, 1u << n);
    IrType rows = row, pairs = ir_scalar_type(IR_REAL, 1u << n | 1u << again);
    rows.plates = 1u << n;
    IrRef x = ir_typed(g, IR_DATA, (IrAttr){0}, rows, 0, NULL);
    IrRef w = ir_typed(g, IR_PARAM, (IrAttr){0}, row, 0, NULL);
    IrRef mean = ir_matmul(g, x, w);
    IrVia via = {.estimator = IR_EST_SCORE, .samples = 4, .baseline = IR_MOVING_AVERAGE};
    IrRef z = ir_sample(g, IR_DIST_normal, via, pairs, (IrRef[]){mean, ir_const(g, 0.1)}, 0, "z'");
    static const IrDecision other = {.code = SGR01, .what = "also", .reason = "b", .draw = "z'"};
    static const IrDecision why = {SGR03, "a \"reason\" \\ \t\xc3\xa9", "", "z'", IR_DIST_normal,
                                   {.estimator = IR_EST_SCORE, .samples = 4}, &other};
    g->node[z].why = &why;
    IrRef cost = ir_reduce(g, IR_SUM, ir_unary(g, IR_SQUARE, z), 0, 1u << again);
    ir_typed(g, IR_COST, (IrAttr){.text = ""}, g->node[cost].type, 1, &cost);
}

/* A sequence with its adjoint's direction, and roots. */
static void build_sequence(IrModel *m)
{
    IrGraph *g = ir_graph_add(m, "scan", (Span){0});
    g->stage = IR_ESTIMATOR;
    g->entry = IR_ENTRY_RUN;
    uint32_t t = ir_plate_add(g, "#t", IR_PLATE_STEP, 5, 0);
    for (int reverse = 0; reverse < 2; reverse++) {
        IrRef zero = ir_const(g, 0), i = ir_real(g, ir_index(g, t, 1));
        IrType step = ir_scalar_type(IR_REAL, 1u << t);
        g->in_region = ir_region_add(g, (int32_t)t, reverse);
        IrRef carry = ir_typed(g, IR_CARRY, (IrAttr){0}, step, 2, (IrRef[]){zero, zero});
        g->node[carry].in[1] = ir_binary(g, IR_ADD, carry, i);
        g->in_region = 0;
        IrRef sum = ir_reduce(g, IR_SUM, g->node[carry].in[1], 0, 1u << t);
        ir_typed(g, IR_OUTPUT, (IrAttr){.text = "sum"}, g->node[sum].type, 1, &sum);
    }
}

static bool same_decision(const IrDecision *a, const IrDecision *b)
{
    return ir_decision_equal(a, b) && !a->draw == !b->draw && !a->also == !b->also &&
           (!a->also || same_decision(a->also, b->also)) &&
           (!a->draw || (strcmp(a->draw, b->draw) == 0 && a->law == b->law &&
                         a->via.estimator == b->via.estimator && a->via.samples == b->via.samples));
}

static void compare_nodes(const IrGraph *a, const IrGraph *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (IrRef r = 0; r < a->count; r++) {
        const IrNode *x = &a->node[r], *y = &b->node[r];
        ck_assert(x->op == y->op && ir_type_equal(&x->type, &y->type) && x->n_in == y->n_in);
        ck_assert(x->n_in == 0 || memcmp(x->in, y->in, x->n_in * sizeof *x->in) == 0);
        ck_assert(x->region == y->region && memcmp(&x->at, &y->at, sizeof x->at) == 0);
        ck_assert_pstr_eq(x->name, y->name);
        ck_assert(!x->why == !y->why && (!x->why || same_decision(x->why, y->why)));
        ck_assert(memcmp(&x->place, &y->place, sizeof x->place) == 0);
        ck_assert(x->attr.item == y->attr.item && x->attr.over == y->attr.over);
    }
}

START_TEST(built_graphs_survive)
{
    Arena *a = arena_new();
    IrModel m;
    ir_model_init(&m, a);
    build_source(&m);
    build_sequence(&m);
    char *text = printed(&m);
    const IrModel *read = read_model(a, text);
    char *again = printed(read);
    ck_assert_str_eq(again, text);
    for (uint32_t i = 0; i < 2; i++)
        compare_nodes(&m.graph[i], &read->graph[i]);
    free(text);
    free(again);
    arena_free(a);
}
END_TEST

static const double numbers[] = {0.0,       -0.0, 1,    -17,     0.1,    1e-3,      1.0 / 3, 100,
                                 999999999, 1e15, 1e16, 1.5e300, 5e-324, 0x1p-1074, 1e22,    -1e-7,
                                 INFINITY,  NAN,  3e15, 0x1p53,  1e5,    123456.789};

START_TEST(numbers_are_exact)
{
    Arena *a = arena_new();
    IrModel m;
    ir_model_init(&m, a);
    IrGraph *g = ir_graph_add(&m, "g", (Span){0});
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ir_const(g, numbers[i]);
    char *text = printed(&m);
    const IrModel *read = read_model(a, text);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double got = read->graph[0].node[i].attr.num;
        ck_assert_msg((isnan(got) && isnan(numbers[i])) ||
                          memcmp(&got, &numbers[i], sizeof got) == 0,
                      "%a became %a", numbers[i], got);
    }
    ck_assert_ptr_nonnull(strstr(text, "const 0.1\n"));
    ck_assert_ptr_nonnull(strstr(text, "const 100\n"));
    ck_assert_ptr_nonnull(strstr(text, "const -0\n"));
    free(text);
    arena_free(a);
}
END_TEST

/* ---- mistakes ------------------------------------------------------------------------------ */

#define IN_GRAPH(line) "sgir 1\nmodel m \"\"\ngraph g: source source {\n" line "\n}\n"

static const struct {
    const char *text, *says;
} bad[] = {
    {"", "1:1: error: 'sgir' should stand here"},
    {"graph", "1:1: error: 'sgir' should stand here"},
    {"sgir 2\n", "1:7: error: this sgc reads version 1"},
    {"sgir 1\nmodel\n", "2:6: error: a name should stand here"},
    {"sgir 1\nmodell m \"\"\n", "2:1: error: model, param, data"},
    {"sgir 1\nmodel m \"no end\n", "2:16: error: this string does not end"},
    {"sgir 1\nmodel m \"\\q\"\n", "2:11: error: no such escape"},
    {"sgir 1\nmodel m \"\\x00\"\n", "2:11: error: no such escape"},
    {"sgir 1\nmodel m \"\" more\n", "2:12: error: the line should end here"},
    {"sgir 1\nparam w: real[0] = glorot(0, 0)\n", "2:15: error: 0 is not between 1 and"},
    {"sgir 1\nparam w: real[1,2,3,4,5] = glorot(0, 0)\n", "at most 4 axes"},
    {"sgir 1\nparam w: real[9999999, 9999999] = glorot(0, 0)\n", "too large"},
    {"sgir 1\nparam w: real[n] = glorot(0, 0)\n", "2:15: error: a size should stand here"},
    {"sgir 1\nparam w: int = glorot(0, 0)\n", "a parameter is real, not int"},
    {"sgir 1\nparam w: real = glorrot(0, 0)\n", "2:17: error: no initial value 'glorrot'"},
    {"sgir 1\nparam w: real = glorot(0 0)\n", "2:26: error: ',' should stand here"},
    {"sgir 1\nparam w: real = glorot(x, 0)\n", "2:24: error: a number should stand here"},
    {"sgir 1\ndata x: real row\n", "2:14: error: 'whole' should stand here"},
    {"sgir 1\nhyper b 3\n", "2:9: error: '=' should stand here"},
    {"sgir 1\ntrain g lr=1\n", "2:7: error: no graph 'g'"},
    {"sgir 1\ntrain #3 lr=1\n", "there are 0 graphs"},
    {"sgir 1\ngraph g: sauce source {\n}\n", "2:10: error: no stage 'sauce'"},
    {"sgir 1\ngraph g: source source {\n", "graph g does not end"},
    {"sgir 1\n}\n", "2:1: error: model, param"},
    {IN_GRAPH("%1: real = const 1"), "4:3: error: this node is %0"},
    {IN_GRAPH("%0: real = konst 1"), "4:12: error: no operation 'konst'"},
    {IN_GRAPH("%0: rael = const 1"), "4:5: error: no type 'rael'"},
    {IN_GRAPH("%0: real[n] = const 1"), "4:10: error: no plate 'n'"},
    {IN_GRAPH("%0: real[#9] = const 1"), "plate 9 of 0 is not declared above"},
    {IN_GRAPH("%0: real = const"), "4:17: error: a number should stand here"},
    {IN_GRAPH("%0: real = param w"), "4:18: error: no item 'w'"},
    {IN_GRAPH("%0: real = param #0"), "4:1: error: %0 = param: there is no item 0 of 0"},
    {IN_GRAPH("%0: real = exp(%0)"), "4:1: error: %0 = exp(%0): its operand %0 is not defined"},
    {IN_GRAPH("%0: real = exp(%99999999999)"), "is not between"},
    {IN_GRAPH("%0: real = exp(%)"), "a whole number should stand here"},
    {IN_GRAPH("%0: real = exp(0)"), "'%' should stand here"},
    {IN_GRAPH("%0: int = index k=0"), "'plate=' should stand here"},
    {IN_GRAPH("plate n: rose 3"), "4:10: error: no plate kind 'rose'"},
    {IN_GRAPH("plate n: rows 0"), "0 is not between 1 and"},
    {IN_GRAPH("plate n: rows 3 in n"), "no plate 'n'"},
    {IN_GRAPH("region 2: n"), "this region is 1"},
    {IN_GRAPH("phase 1: rows"), "this phase is 0"},
    {IN_GRAPH("kernel 0: loop phase=0"), "'domain=' should stand here"},
    {IN_GRAPH("arena -1"), "-1 is not between 0 and"},
    {IN_GRAPH("graph h: source source {"), "a part of a graph should stand here"},
    {IN_GRAPH("%0: real = sample(%0) normall #0 via auto samples=1"), "no law 'normall'"},
    {IN_GRAPH("%0: real = sample(%0) normal #0 via magic samples=1"), "no such estimator"},
};

START_TEST(mistakes_are_reported)
{
    Arena *a = arena_new();
    IrModel m;
    Diags *d = diags_new("bad.sgir", bad[_i].text);
    ir_model_init(&m, a);
    ck_assert(!ir_parse(&m, bad[_i].text, d));
    char *log = diags_text(d);
    ck_assert_msg(strstr(log, bad[_i].says) != NULL, "wanted '%s' in:\n%s", bad[_i].says, log);
    free(log);
    diags_free(d);
    arena_free(a);
}
END_TEST

START_TEST(one_mistake_does_not_hide_the_next)
{
    Arena *a = arena_new();
    IrModel m;
    const char *text = "sgir 1\nhyper a\nhyper b = 1\nhyper c = x\n";
    Diags *d = diags_new("bad.sgir", text);
    ir_model_init(&m, a);
    ck_assert(!ir_parse(&m, text, d));
    ck_assert_uint_eq(diags_errors(d), 2);
    ck_assert_uint_eq(m.hypers, 1);
    diags_free(d);
    arena_free(a);
}
END_TEST

/* ---- any text ------------------------------------------------------------------------------ */

/* xorshift64*: the same mutants in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

/* Changes, drops, doubles or swaps a few pieces: bytes, words of the language, whole lines. */
static char *mutant(Arena *a, const char *text, uint64_t *seed)
{
    static const char *const word[] = {"%0",       "%4294967295", "-1",    "9223372036854775807",
                                       "#3",       "[",           "]",     "k=",
                                       "over=",    "carry",       "\n",    "\"",
                                       "scan",     "region=2",    "param", "}",
                                       "contract", "a,b->",       "1e999", "nan"};
    char *s = arena_copy(a, text, strlen(text));
    for (uint64_t changes = 1 + next_random(seed) % 3; changes > 0; changes--) {
        size_t n = strlen(s), at = next_random(seed) % (n + 1), len = next_random(seed) % 9;
        len = at + len > n ? n - at : len;
        size_t from = next_random(seed) % (n - len + 1);
        const char *put = word[next_random(seed) % (sizeof word / sizeof *word)];
        switch (next_random(seed) % 4) {
        case 0: /* another byte */
            s[at < n ? at : 0] = (char)(1 + next_random(seed) % 126);
            break;
        case 1: /* a piece is lost */
            memmove(s + at, s + at + len, n - at - len + 1);
            break;
        case 2: /* a word for a piece */
            s = arena_printf(a, "%.*s%s%s", (int)at, s, put, s + at + len);
            break;
        default: /* a piece of another place */
            s = arena_printf(a, "%.*s%.*s%s", (int)at, s, (int)len, s + from, s + at);
        }
    }
    return s;
}

/* Whatever is accepted is sound, and prints as something that is accepted and prints the same. */
static bool try_text(Arena *a, const char *text)
{
    IrModel m;
    Diags *d = diags_new("mutant", text);
    ir_model_init(&m, a);
    bool ok = ir_parse(&m, text, d);
    ck_assert(ok == (diags_errors(d) == 0));
    free(diags_text(d));
    diags_free(d);
    if (ok) {
        char *once = printed(&m);
        must_round_trip(once);
        free(once);
    }
    return ok;
}

START_TEST(no_text_crashes)
{
    enum { MUTANTS = 1500 };
    uint64_t seed = 1 + (uint64_t)_i;
    int accepted = 0;
    for (int i = 0; i < MUTANTS; i++) {
        Arena *a = arena_new();
        accepted += try_text(a, mutant(a, texts[_i], &seed));
        arena_free(a);
    }
    /* Small changes are often harmless: both sides of the reader are reached. */
    ck_assert_int_gt(accepted, MUTANTS / 100);
    ck_assert_int_lt(accepted, MUTANTS);
}
END_TEST

START_TEST(no_prefix_crashes)
{
    for (size_t n = 0; n < strlen(texts[_i]); n++) {
        Arena *a = arena_new();
        try_text(a, arena_copy(a, texts[_i], n));
        arena_free(a);
    }
}
END_TEST

/* ---- the manual ---------------------------------------------------------------------------- */

START_TEST(the_examples_of_the_manual_are_canonical)
{
    FILE *f = fopen(SGC_SOURCE_DIR "/docs/ir.md", "r");
    char *text = NULL;
    size_t size = 0;
    int found = 0;
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(getdelim(&text, &size, 0, f), 0);
    fclose(f);
    for (char *at = text; (at = strstr(at, "```sgir\n")) != NULL; found++) {
        at += strlen("```sgir\n");
        char *end = strstr(at, "```");
        *end = 0;
        must_round_trip(at);
        at = end + 1;
    }
    ck_assert_int_ge(found, 3);
    free(text);
}
END_TEST

Suite *ir_text_suite(void)
{
    Suite *s = suite_create("ir_text");
    TCase *c = tcase_create("text form");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, prints_what_it_read, 0, TEXTS);
    tcase_add_test(c, fields_arrive);
    tcase_add_test(c, a_schedule_arrives);
    tcase_add_test(c, a_read_graph_grows);
    tcase_add_test(c, layout_is_free);
    tcase_add_test(c, built_graphs_survive);
    tcase_add_test(c, numbers_are_exact);
    tcase_add_loop_test(c, mistakes_are_reported, 0, sizeof bad / sizeof *bad);
    tcase_add_test(c, one_mistake_does_not_hide_the_next);
    tcase_add_loop_test(c, no_text_crashes, 0, TEXTS);
    tcase_add_loop_test(c, no_prefix_crashes, 0, TEXTS);
    tcase_add_test(c, the_examples_of_the_manual_are_canonical);
    suite_add_tcase(s, c);
    return s;
}
