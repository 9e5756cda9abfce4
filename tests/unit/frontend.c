/* The frontend: one accepted and one refused program for every rule of the language.
 *
 * tests/accept/NAME.sg compiles, verifies, and says in comments what its graphs hold:
 *     #: type NAME = real[n; 3]     a node of this name has this type
 *     #: output NAME = 1 2 3        its elements in a graph without draws, from the evaluator, with
 *     #: count le = 0               so many nodes of this operation in all
 *     #: cost 0 = 1.5               params stored as 0, data 0, two rows; worked out by hand
 * tests/errors/NAME.sg is refused with exactly these errors, each at its place:
 *     #: 4:7: some of the words     or "-: words" for an error that has no place
 */
#include "frontend/frontend.h"
#include "tests/suites.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef SGC_SOURCE_DIR
#define SGC_SOURCE_DIR "."
#endif

typedef struct Compiled {
    Arena *arena;
    Diags *diags;
    IrModel *model; /* graphs point to it */
    char *text, *messages;
    bool ok;
} Compiled;

static char *slurp(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    size_t cap = 1 << 20;
    char *text = calloc(cap + 1, 1);
    ck_assert_uint_lt(fread(text, 1, cap, f), cap);
    fclose(f);
    return text;
}

static Compiled compile_dims(const char *text, const FeDim *dim, size_t dims)
{
    Compiled c = {.arena = arena_new(), .text = strdup(text)};
    c.diags = diags_new("t.sg", c.text);
    c.model = arena_make(c.arena, IrModel);
    ir_model_init(c.model, c.arena);
    c.ok = fe_compile(c.model, "t.sg", c.text, dim, dims, c.diags);
    c.messages = diags_text(c.diags);
    return c;
}

static Compiled compile(const char *text)
{
    return compile_dims(text, NULL, 0);
}

static void drop(Compiled *c)
{
    free(c->messages);
    diags_free(c->diags);
    arena_free(c->arena);
    free(c->text);
}

/* ---- files of a folder --------------------------------------------------------------------- */

enum { MOST_FILES = 400 };

static int is_model(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 3 && strcmp(e->d_name + n - 3, ".sg") == 0;
}

static void each_file(const char *folder, void (*test)(const char *path, const char *text))
{
    char dir[512], path[1024];
    struct dirent **list;
    snprintf(dir, sizeof dir, "%s/%s", SGC_SOURCE_DIR, folder);
    int n = scandir(dir, &list, is_model, alphasort);
    ck_assert_msg(n > 0 && n < MOST_FILES, "%s holds %d models", dir, n);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
        char *text = slurp(path);
        test(path, text);
        free(text);
        free(list[i]);
    }
    free(list);
}

/* The next "#: ..." line at or after *text, copied to out. */
static bool next_note(const char **text, char *out, size_t size)
{
    const char *at = strstr(*text, "#: ");
    if (!at)
        return false;
    size_t len = strcspn(at, "\n");
    snprintf(out, size, "%.*s", (int)len - 3, at + 3);
    *text = at + len;
    return true;
}

static void verify(const Compiled *c, const char *path)
{
    for (uint32_t i = 0; i < c->model->graphs; i++) {
        Diags *d = diags_new(path, NULL);
        bool ok = ir_verify(&c->model->graph[i], d);
        char *why = diags_text(d);
        ck_assert_msg(ok, "%s: graph %s\n%s", path, c->model->graph[i].name, why);
        free(why);
        diags_free(d);
    }
}

/* ---- accepted ------------------------------------------------------------------------------ */

static bool has_type(const Compiled *c, const char *name, const char *type)
{
    for (uint32_t i = 0; i < c->model->graphs; i++) {
        const IrGraph *g = &c->model->graph[i];
        for (IrRef r = 0; r < g->count; r++)
            if (g->node[r].name && strcmp(g->node[r].name, name) == 0 &&
                strcmp(ir_type_text(g, &g->node[r].type), type) == 0)
                return true;
    }
    return false;
}

/* The output of this name, or the cost of this number. */
static IrRef find_root(const IrGraph *g, const char *kind, const char *name)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        bool output = n->op == IR_OUTPUT && strcmp(n->attr.text, name) == 0;
        bool cost = n->op == IR_COST && n->attr.item == strtoul(name, NULL, 10);
        if (*kind == 'o' ? output : cost)
            return r;
    }
    return IR_NONE;
}

static const double *const *zeros(Arena *a, uint32_t n, const IrType *first, size_t stride)
{
    const double **array = arena_array(a, const double *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const IrType *t = (const IrType *)((const char *)first + i * stride);
        array[i] = arena_array(a, double, 2 * (size_t)ir_elements(t));
    }
    return array;
}

static const double *evaluate(Compiled *c, const IrGraph *g, IrRef root)
{
    IrEnv env = {.rows = 2, .total_rows = 2};
    double **value;
    IrRef fault;
    if (c->model->params)
        env.param =
            zeros(c->arena, c->model->params, &c->model->param->type, sizeof *c->model->param);
    if (c->model->datas)
        env.data = zeros(c->arena, c->model->datas, &c->model->data->type, sizeof *c->model->data);
    value = arena_array(c->arena, double *, g->count + 1);
    ck_assert(ir_eval(g, &env, c->arena, value, &fault));
    return value[root];
}

static void check_elements(Compiled *c, const char *path, const char *kind, const char *name,
                           const char *numbers)
{
    for (uint32_t i = 0; i < c->model->graphs; i++) {
        const IrGraph *g = &c->model->graph[i];
        IrRef r = find_root(g, kind, name);
        if (r == IR_NONE)
            continue;
        const double *got = evaluate(c, g, r);
        int64_t count = ir_elements(&g->node[r].type) * ir_copies(g, g->node[r].type.plates, 2);
        char *end;
        int64_t k = 0;
        for (double want = strtod(numbers, &end); end != numbers; want = strtod(numbers, &end)) {
            numbers = end;
            ck_assert_msg(k < count, "%s: %s has %lld elements", path, name, (long long)count);
            bool same = want == got[k] || (isnan(want) && isnan(got[k])) ||
                        fabs(want - got[k]) <= 1e-12 * fmax(1, fabs(want));
            ck_assert_msg(same, "%s: element %lld of %s is %.17g, not %.17g", path, (long long)k,
                          name, got[k], want);
            k++;
        }
        ck_assert_msg(k == count, "%s: %s has %lld elements", path, name, (long long)count);
        return;
    }
    ck_abort_msg("%s: no %s %s", path, kind, name);
}

static void check_count(const Compiled *c, const char *path, const char *op, const char *number)
{
    unsigned long found = 0;
    for (uint32_t i = 0; i < c->model->graphs; i++)
        for (IrRef r = 0; r < c->model->graph[i].count; r++)
            found += strcmp(ir_op_info[c->model->graph[i].node[r].op].name, op) == 0;
    ck_assert_msg(found == strtoul(number, NULL, 10), "%s: %lu nodes %s", path, found, op);
}

static void check_note(Compiled *c, const char *path, const char *note)
{
    char kind[16], name[64], rest[512];
    ck_assert_msg(sscanf(note, "%15s %63s = %511[^\n]", kind, name, rest) == 3, "%s: %s", path,
                  note);
    if (strcmp(kind, "type") == 0)
        ck_assert_msg(has_type(c, name, rest), "%s: no %s of type %s", path, name, rest);
    else if (strcmp(kind, "count") == 0)
        check_count(c, path, name, rest);
    else
        check_elements(c, path, kind, name, rest);
}

static void accepts(const char *path, const char *text)
{
    char note[640];
    Compiled c = compile(text);
    ck_assert_msg(c.ok, "%s:\n%s", path, c.messages);
    ck_assert_str_eq(c.messages, "");
    verify(&c, path);
    while (next_note(&text, note, sizeof note))
        check_note(&c, path, note);
    drop(&c);
}

START_TEST(examples_compile)
{
    each_file("examples", accepts);
}
END_TEST

START_TEST(accepted_programs_mean_what_they_say)
{
    each_file("tests/accept", accepts);
}
END_TEST

/* ---- refused ------------------------------------------------------------------------------- */

/* The messages have the error "line:col: ... words". */
static bool reported(const char *messages, const char *note)
{
    char head[64] = "t.sg: error: ";
    const char *words = strstr(note, ": ");
    if (!words)
        return false;
    if (*note != '-')
        snprintf(head, sizeof head, "t.sg:%.*s: error: ", (int)(words - note), note);
    for (const char *m = strstr(messages, head); m; m = strstr(m + 1, head)) {
        const char *found = strstr(m, words + 2);
        if (found && found < m + strcspn(m, "\n"))
            return true;
    }
    return false;
}

static void refuses(const char *path, const char *text)
{
    char note[640];
    uint32_t expected = 0;
    Compiled c = compile(text);
    ck_assert_msg(!c.ok, "%s compiles", path);
    for (; next_note(&text, note, sizeof note); expected++)
        ck_assert_msg(reported(c.messages, note), "%s: expected %s\n%s", path, note, c.messages);
    ck_assert_msg(expected == diags_errors(c.diags), "%s: %u errors, not %u\n%s", path,
                  diags_errors(c.diags), expected, c.messages);
    drop(&c);
}

START_TEST(refused_programs_say_why)
{
    each_file("tests/errors", refuses);
}
END_TEST

/* ---- what files cannot say ----------------------------------------------------------------- */

static const char sized[] = "dim k = 3\n"
                            "graph g { output o = broadcast(1.0, [k]) }\n";

START_TEST(a_dim_is_set_from_outside)
{
    FeDim dim = {"k", 5};
    Compiled c = compile_dims(sized, &dim, 1);
    ck_assert_msg(c.ok, "%s", c.messages);
    ck_assert(has_type(&c, "o", "real[5]"));
    drop(&c);
}
END_TEST

START_TEST(a_dim_that_is_set_must_exist)
{
    FeDim dim = {"n", 5};
    Compiled c = compile_dims(sized, &dim, 1);
    ck_assert(!c.ok);
    ck_assert_ptr_nonnull(strstr(c.messages, "--dim n: the model has no dim of this name"));
    drop(&c);
}
END_TEST

/* A leaf is one node per graph, whatever reads it. */
START_TEST(parameters_are_shared_by_all_calls)
{
    Compiled c =
        compile("layer l(n) {\n param W[n, n] in cholesky = identity()\n forward(v) = v @ W\n}\n"
                "layer a = l(3)\n"
                "graph g { x = broadcast(1.0, [3])\n cost a(a(x)) + a.W[0] }\n");
    ck_assert_msg(c.ok, "%s", c.messages);
    uint32_t leaves = 0, exponentials = 0;
    for (IrRef r = 0; r < c.model->graph->count; r++) {
        leaves += c.model->graph->node[r].op == IR_PARAM;
        exponentials += c.model->graph->node[r].op == IR_EXP;
    }
    ck_assert_uint_eq(leaves, 1);
    ck_assert_uint_eq(exponentials, 1);
    ck_assert_str_eq(c.model->param->name, "a.W");
    drop(&c);
}
END_TEST

START_TEST(train_blocks_keep_what_is_written)
{
    Compiled c =
        compile("param w = zeros()\n"
                "graph g { plate n = rows(4) { data x\n cost (x - w)^2 } }\n"
                "train g { optimizer = adam(lr = 2e-3, beta1 = 0.5) epochs = 7; clip = 1 }\n");
    ck_assert_msg(c.ok, "%s", c.messages);
    const IrTrain *t = c.model->train;
    ck_assert_uint_eq(t->graph, 0);
    ck_assert_str_eq(t->optimizer, "adam");
    ck_assert_double_eq(t->lr, 2e-3);
    ck_assert_double_eq(t->beta1, 0.5);
    ck_assert_double_nan(t->beta2);
    ck_assert_double_eq(t->clip, 1);
    ck_assert_int_eq(t->epochs, 7);
    ck_assert_int_eq(t->steps, -1);
    drop(&c);
}
END_TEST

START_TEST(via_is_kept_on_the_draw)
{
    Compiled c =
        compile("param l = zeros()\n"
                "graph g {\n"
                "  b ~ bernoulli(logits = l) via score(samples = 4, baseline = leave_one_out)\n"
                "  cost b\n}\n");
    ck_assert_msg(c.ok, "%s", c.messages);
    const IrGraph *g = c.model->graph;
    IrRef r = 0;
    while (g->node[r].op != IR_SAMPLE)
        r++;
    ck_assert_int_eq(g->node[r].attr.dist, IR_DIST_bernoulli_logits);
    ck_assert_int_eq(g->node[r].attr.via.estimator, IR_EST_SCORE);
    ck_assert_int_eq(g->node[r].attr.via.samples, 4);
    ck_assert_int_eq(g->node[r].attr.via.baseline, IR_LEAVE_ONE_OUT);
    ck_assert(!g->biased);
    drop(&c);
}
END_TEST

START_TEST(biased_is_kept_on_the_graph)
{
    Compiled c = compile("param w = zeros()\ngraph g { cost w * stop_gradient(w) biased }\n");
    ck_assert_msg(c.ok, "%s", c.messages);
    ck_assert(c.model->graph->biased);
    drop(&c);
}
END_TEST

/* ---- inputs of any kind -------------------------------------------------------------------- */

/* What a deep or exponential program says, instead of taking the stack or the day. */
static char *repeated(const char *before, const char *unit, int times, const char *after)
{
    size_t size = strlen(before) + strlen(unit) * (size_t)times + strlen(after) + 1;
    char *text = malloc(size);
    strcpy(text, before);
    char *end = text + strlen(text);
    for (int i = 0; i < times; i++, end += strlen(unit))
        strcpy(end, unit);
    strcpy(end, after);
    return text;
}

START_TEST(errors_end)
{
    char *text = repeated("graph g {\n", "  cost )\n", 2 * DIAG_MOST, "}\n");
    Compiled c = compile(text);
    ck_assert_uint_eq(diags_errors(c.diags), DIAG_MOST);
    drop(&c);
    free(text);
}
END_TEST

static const struct {
    const char *before, *unit, *after, *error;
} deep[] = {
    {"graph g { cost ", "(", "", "nested more than"},
    {"graph g { cost ", "-", "1 }", "nested more than"},
    {"graph g { cost 1", "+ 1", " }", "operations deep"},
    {"graph g { cost 1", "^1", " }", "deep"},
    {"graph g { cost ", "if true then 1 else ", "1 }", "nested more than"},
    {"graph g ", "{ plate k = 2 ", "", "nested more than"},
    {"graph g { cost x", "[0]", " }", "operations deep"},
};

START_TEST(deep_programs_are_refused)
{
    char *text = repeated(deep[_i].before, deep[_i].unit, 50000, deep[_i].after);
    Compiled c = compile(text);
    ck_assert(!c.ok);
    ck_assert_msg(strstr(c.messages, deep[_i].error) != NULL, "%.2000s", c.messages);
    drop(&c);
    free(text);
}
END_TEST

/* Each def calls the one before it from the middle of a block. */
START_TEST(deep_inlining_is_refused)
{
    size_t size = 200000;
    char *text = malloc(size), *end = stpcpy(text, "def f0(a) = a\n");
    for (int i = 1; i < 1200; i++)
        end += sprintf(
            end, "def f%d(a) {\n for t in 0..1 { for s in 0..1 { b = -f%d(a) } }\n return a\n}\n",
            i, i - 1);
    strcpy(end, "graph g { output o = f1199(1.0) }\n");
    ck_assert_uint_lt((size_t)(end - text) + 100, size);
    Compiled c = compile(text);
    ck_assert(!c.ok);
    ck_assert_ptr_nonnull(strstr(c.messages, "calls and expressions are nested"));
    drop(&c);
    free(text);
}
END_TEST

START_TEST(exponential_inlining_is_refused)
{
    char text[8192] = "def f0(a) = a\n";
    for (int i = 1; i < 60; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "def f%d(a) = f%d(a) + f%d(a)\n",
                 i, i - 1, i - 1);
    strcat(text, "graph g { output o = f59(1.0) }\n");
    Compiled c = compile(text);
    ck_assert(!c.ok);
    ck_assert_ptr_nonnull(strstr(c.messages, "after inlining and unrolling"));
    drop(&c);
}
END_TEST

/* A generator of our own, so that a failure is the same everywhere. */
static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Bytes replaced, removed, doubled and moved: whatever comes out is compiled or refused. */
static void mutate(char *text, size_t len, uint32_t *state)
{
    static const char bytes[] = "(){}[]=~^@.,;:#+-*/<>!&\"\n\t 0123456789einxz\x80\xff";
    for (uint32_t edits = 1 + next_random(state) % 4; edits > 0 && len > 8; edits--) {
        size_t at = next_random(state) % (len - 4), from = next_random(state) % (len - 4);
        switch (next_random(state) % 3) {
        case 0: text[at] = bytes[next_random(state) % (sizeof bytes - 1)]; break;
        case 1: memmove(text + at, text + at + 1, len - at); break;
        default: memmove(text + at, text + from, 4); break;
        }
        len = strlen(text);
    }
}

static void survives_mutation(const char *path, const char *text)
{
    uint32_t state = 1;
    for (int i = 0; i < 60; i++) {
        char *copy = strdup(text);
        mutate(copy, strlen(copy), &state);
        Compiled c = compile(copy);
        ck_assert_msg(c.ok == (diags_errors(c.diags) == 0), "%s, mutation %d", path, i);
        if (c.ok)
            verify(&c, path);
        drop(&c);
        free(copy);
    }
}

START_TEST(any_bytes_are_compiled_or_refused)
{
    each_file("examples", survives_mutation);
    each_file("tests/accept", survives_mutation);
}
END_TEST

Suite *frontend_suite(void)
{
    Suite *s = suite_create("frontend");
    TCase *t = tcase_create("frontend");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, examples_compile);
    tcase_add_test(t, accepted_programs_mean_what_they_say);
    tcase_add_test(t, refused_programs_say_why);
    tcase_add_test(t, a_dim_is_set_from_outside);
    tcase_add_test(t, a_dim_that_is_set_must_exist);
    tcase_add_test(t, parameters_are_shared_by_all_calls);
    tcase_add_test(t, train_blocks_keep_what_is_written);
    tcase_add_test(t, via_is_kept_on_the_draw);
    tcase_add_test(t, biased_is_kept_on_the_graph);
    tcase_add_test(t, errors_end);
    tcase_add_loop_test(t, deep_programs_are_refused, 0, sizeof deep / sizeof *deep);
    tcase_add_test(t, deep_inlining_is_refused);
    tcase_add_test(t, exponential_inlining_is_refused);
    tcase_add_test(t, any_bytes_are_compiled_or_refused);
    suite_add_tcase(s, t);
    return s;
}
