/* --emit=sg: the printed program, compiled again, is the estimator graph.
 *
 * Both are evaluated on the same parameters, data and noise: every output of the program is the
 * root that it names.  The programs are the examples, those of tests/accept, and tests/source, one
 * file for each thing that the language says in other words than the graph. */
#include "frontend/unparse.h"
#include "tests/programs.h"
#include "tests/suites.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Both differ by rounding alone: sums in another order, reciprocals for quotients. */
#define AGREE 1e-12

typedef struct Pair {
    Arena *arena;
    Diags *diags;
    char *source, *text; /* text: what was printed; NULL: it was refused */
    IrModel model, again;
    const IrGraph **step;
    uint32_t steps;
    bool compiled;
} Pair;

static void keep_step(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                      double ms, bool changed)
{
    Pair *pair = context;
    (void)number, (void)ms, (void)changed;
    if (p->run != pass_dce || g->entry != IR_ENTRY_STEP)
        return;
    IrGraph *kept = arena_make(pair->arena, IrGraph);
    ir_graph_clone(kept, g);
    *arena_push(pair->arena, pair->step, pair->steps, const IrGraph *) = kept;
}

static void run_passes(Pair *p, IrGraph *g, IrGraph out[IR_ENTRIES], PassHook *hook)
{
    const PassOptions options = {.parts = 2, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = p->diags, .arena = p->arena};
    p->compiled = passes_run(g, out, &cx, hook, p) && p->compiled;
}

static void pair_make(Pair *p, const char *name, const char *source, const FeDim *dim, size_t dims)
{
    *p = (Pair){.arena = arena_new(), .source = strdup(source)};
    p->diags = diags_new(name, p->source);
    ir_model_init(&p->model, p->arena);
    p->compiled = fe_compile(&p->model, name, p->source, dim, dims, p->diags);
    for (uint32_t i = 0; p->compiled && i < p->model.graphs; i++)
        run_passes(p, &p->model.graph[i], arena_array(p->arena, IrGraph, IR_ENTRIES), keep_step);
    size_t size = 0;
    FILE *out = open_memstream(&p->text, &size);
    bool printed =
        p->compiled && p->steps && fe_unparse(&p->model, p->step, p->steps, p->diags, out);
    fclose(out);
    if (!printed) {
        free(p->text);
        p->text = NULL;
    }
}

static void pair_free(Pair *p)
{
    diags_free(p->diags);
    free(p->source);
    free(p->text);
    arena_free(p->arena);
}

/* ---- inputs -------------------------------------------------------------------------------- */

/* A number in (0, 1) of the place of an element: any would do. */
static double spread(uint64_t seed, uint64_t i)
{
    uint64_t x = (seed * 1000003 + i + 1) * 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 32;
    return ((double)(x >> 12) + 0.5) * 0x1p-52;
}

static uint64_t seed_of(const char *name)
{
    uint64_t seed = 7;
    for (; *name; name++)
        seed = seed * 31 + (unsigned char)*name;
    return seed;
}

typedef enum Fill { FILL_WIDE, FILL_UNIT, FILL_INT } Fill;

static double *filled(Arena *a, const char *name, int64_t size, Fill fill)
{
    double *v = arena_array(a, double, (size_t)size + 1);
    for (int64_t i = 0; i < size; i++) {
        double x = spread(seed_of(name), (uint64_t)i);
        v[i] = fill == FILL_UNIT ? x : fill == FILL_INT ? floor(2 * x) : 3 * x - 1.5;
    }
    return v;
}

/* Data that the model constrains are inside. */
static Fill data_fill(const IrData *d)
{
    return d->type.elem != IR_REAL ? FILL_INT : d->in == IR_FREE ? FILL_WIDE : FILL_UNIT;
}

enum { TOTAL_ROWS = 23 };

typedef struct Inputs {
    IrEnv env;
    int64_t rows;
} Inputs;

static const double **params(Arena *a, const IrModel *m, bool printed)
{
    const double **v = arena_alloc(a, m->params + 1, sizeof *v, alignof(double *));
    for (uint32_t i = 0; i < m->params; i++) {
        const char *name = m->param[i].name;
        v[i] = filled(a, printed ? name : fe_unparse_name(a, "", name),
                      ir_elements(&m->param[i].type), FILL_WIDE);
    }
    return v;
}

static const double **data(Arena *a, const IrModel *m, int64_t rows)
{
    const double **v = arena_alloc(a, m->datas + 1, sizeof *v, alignof(double *));
    for (uint32_t i = 0; i < m->datas; i++)
        v[i] = filled(a, m->data[i].name,
                      ir_elements(&m->data[i].type) * (m->data[i].by_rows ? rows : 1),
                      data_fill(&m->data[i]));
    return v;
}

/* z_noise of z; z_noise_2 of a second draw called z. */
static const char *noise_name(Arena *a, const IrGraph *g, IrRef draw)
{
    const char *name = g->site[g->node[draw].attr.item].name;
    unsigned number = 1;
    for (IrRef r = 0; r < draw; r++)
        number += g->node[r].op == IR_DRAW && strcmp(g->site[g->node[r].attr.item].name, name) == 0;
    name = fe_unparse_name(a, "", arena_printf(a, "%s_noise", name));
    return number == 1 ? name : arena_printf(a, "%s_%u", name, number);
}

/* The noise of a draw is the same array, whatever the plates and axes are called. */
static const double **noise(Arena *a, const IrGraph *g, int64_t rows, bool printed)
{
    const double **v = arena_alloc(a, g->sites + 1, sizeof *v, alignof(double *));
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != IR_DRAW)
            continue;
        v[n->attr.item] = filled(a, printed ? g->site[n->attr.item].name : noise_name(a, g, r),
                                 ir_elements(&n->type) * ir_copies(g, n->type.plates, rows),
                                 n->attr.k[0] ? FILL_UNIT : FILL_WIDE);
    }
    return v;
}

static const double *states(Arena *a, const IrGraph *g)
{
    double *v = arena_array(a, double, (size_t)ir_state_at(g, g->states) + 1), *at = v;
    for (uint32_t i = 0; i < g->states; at += ir_elements(&g->state[i++].type)) {
        const char *name = fe_unparse_name(a, "baseline_", g->state[i].name);
        int64_t size = ir_elements(&g->state[i].type);
        if (g->state[i].type.rank == 0)
            *at = spread(seed_of(name), 0);
        else
            memcpy(at, filled(a, name, size, FILL_WIDE), (size_t)size * sizeof *at);
    }
    return v;
}

/* Hypers of the model keep their defaults; N and the moving averages are hypers when printed. */
static const double *hypers(Arena *a, const IrModel *m)
{
    double *v = arena_array(a, double, m->hypers + 1);
    for (uint32_t i = 0; i < m->hypers; i++) {
        const char *name = m->hyper[i].name;
        bool state = strncmp(name, "baseline_", 9) == 0;
        bool total = strcmp(name, "N") == 0 || strcmp(name, "N_2") == 0;
        v[i] = total ? TOTAL_ROWS : state ? spread(seed_of(name), 0) : m->hyper[i].value;
    }
    return v;
}

static double **evaluate(Arena *a, const IrGraph *g, int64_t rows, bool printed, IrRef *fault)
{
    const IrEnv env = {.param = params(a, g->model, printed),
                       .data = data(a, g->model, rows),
                       .hyper = hypers(a, g->model),
                       .state = states(a, g),
                       .noise = noise(a, g, rows, printed),
                       .rows = rows,
                       .total_rows = TOTAL_ROWS};
    double **value = arena_alloc(a, g->count + 1, sizeof *value, alignof(double *));
    *fault = IR_NONE;
    if (!ir_eval(g, &env, a, value, fault))
        ck_assert_uint_ne(*fault, IR_NONE);
    return value;
}

/* ---- comparison ---------------------------------------------------------------------------- */

static const char *root_name(Arena *a, const IrGraph *g, const IrNode *n)
{
    switch (n->op) {
    case IR_OBJECTIVE:
        return "objective";
    case IR_COST:
        return arena_printf(a, "cost_%u", n->attr.item + 1);
    case IR_GRAD:
        return fe_unparse_name(a, "grad_", g->model->param[n->attr.item].name);
    case IR_NEXT:
        return fe_unparse_name(a, "next_", g->state[n->attr.item].name);
    default:
        return NULL;
    }
}

static IrRef output_named(const IrGraph *g, const char *name)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_OUTPUT && strcmp(g->node[r].attr.text, name) == 0)
            return r;
    return IR_NONE;
}

static double largest(const double *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, fabs(v[i]));
    return most;
}

/* Relative to the largest element: a gradient is a vector. */
static void compare(const Pair *p, const char *name, const double *want, const double *got,
                    int64_t n)
{
    double scale = largest(want, n);
    for (int64_t i = 0; i < n; i++) {
        bool both_nan = isnan(want[i]) && isnan(got[i]);
        bool ok = both_nan || want[i] == got[i] || fabs(want[i] - got[i]) <= AGREE * scale;
        ck_assert_msg(ok, "%s[%lld]: %.17g, printed %.17g\n%s", name, (long long)i, want[i], got[i],
                      p->text);
    }
}

static uint32_t compare_graph(const Pair *p, const IrGraph *step, const IrGraph *run, int64_t rows)
{
    Arena *a = arena_new();
    IrRef fault[2];
    uint32_t compared = 0;
    double **want = evaluate(a, step, rows, false, &fault[0]);
    double **got = evaluate(a, run, rows, true, &fault[1]);
    ck_assert_msg((fault[0] == IR_NONE) == (fault[1] == IR_NONE), "one faults:\n%s", p->text);
    for (IrRef r = 0; fault[0] == IR_NONE && r < step->count; r++) {
        const char *name = root_name(a, step, &step->node[r]);
        if (!name)
            continue;
        IrRef o = output_named(run, name);
        if (o == IR_NONE) /* a name that data or a hyper has */
            o = output_named(run, arena_printf(a, "%s_2", name));
        ck_assert_msg(o != IR_NONE, "no output %s:\n%s", name, p->text);
        ck_assert_msg(ir_same_shape(&step->node[r].type, &run->node[o].type), "%s", name);
        compare(p, name, want[r], got[o], ir_elements(&step->node[r].type));
        compared++;
    }
    arena_free(a);
    return compared;
}

static void compile_again(Pair *p, IrGraph (*entry)[IR_ENTRIES])
{
    Diags *d = diags_new("printed.sg", p->text);
    ir_model_init(&p->again, p->arena);
    bool ok = fe_compile(&p->again, "printed.sg", p->text, NULL, 0, d);
    const PassOptions options = {.parts = 2, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = d, .arena = p->arena};
    for (uint32_t i = 0; ok && i < p->again.graphs; i++)
        ok = passes_run(&p->again.graph[i], entry[i], &cx, NULL, NULL);
    if (!ok)
        diags_render(d, stderr);
    ck_assert_msg(ok && p->again.graphs == p->steps, "%s", p->text);
    diags_free(d);
}

/* How many roots were compared. */
static uint32_t compare_all(Pair *p, int64_t rows)
{
    IrGraph(*entry)[IR_ENTRIES] =
        (IrGraph(*)[IR_ENTRIES])arena_array(p->arena, IrGraph, p->steps * IR_ENTRIES);
    uint32_t compared = 0;
    compile_again(p, entry);
    for (uint32_t i = 0; i < p->steps; i++)
        compared += compare_graph(p, p->step[i], &entry[i][IR_ENTRY_RUN], rows);
    return compared;
}

START_TEST(what_has_no_words_is_refused)
{
    Pair p;
    const char *source = "param a in positive = ones()\ngraph g {\n  cost trigamma(a)\n}\n";
    pair_make(&p, "t.sg", source, NULL, 0);
    ck_assert(p.compiled && p.steps == 1);
    ck_assert_ptr_null(p.text);
    char *said = diags_text(p.diags);
    ck_assert_msg(strstr(said, "t.sg:3:8: error: --emit=sg: `tetragamma`"), "%s", said);
    free(said);
    pair_free(&p);
}
END_TEST

/* ---- programs ------------------------------------------------------------------------------ */

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

START_TEST(examples_agree)
{
    const SmallProgram *s = &small_program[_i];
    Pair p;
    char path[4096];
    snprintf(path, sizeof path, SGC_SOURCE_DIR "/examples/%s.sg", s->file);
    char *source = slurp(path);
    size_t dims = 0;
    while (dims < PROGRAM_DIMS && s->dim[dims].name)
        dims++;
    pair_make(&p, path, source, s->dim, dims);
    if (!p.text)
        diags_render(p.diags, stderr);
    ck_assert_msg(p.text, "%s is refused", s->file);
    ck_assert_uint_ge(compare_all(&p, s->rows), 3);
    pair_free(&p);
    free(source);
}
END_TEST

/* Every program of a folder that has a graph with costs; returns how many roots were compared.
 * Some programs of the frontend's tests are refused by the passes. */
static uint32_t compare_folder(const char *folder, bool some_refused)
{
    DIR *dir = opendir(folder);
    struct dirent *e;
    uint32_t compared = 0;
    ck_assert_msg(dir, "no folder %s", folder);
    while ((e = readdir(dir))) {
        char path[4096];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        char *source = slurp(path);
        Pair p;
        pair_make(&p, path, source, NULL, 0);
        ck_assert_msg(p.compiled || some_refused, "%s does not compile", path);
        ck_assert_msg(!p.compiled || !p.steps || p.text, "%s is refused", path);
        if (p.text)
            compared += compare_all(&p, 3);
        pair_free(&p);
        free(source);
    }
    closedir(dir);
    return compared;
}

START_TEST(the_language_agrees)
{
    ck_assert_uint_ge(compare_folder(SGC_SOURCE_DIR "/tests/accept", true), 60);
}
END_TEST

START_TEST(other_words_agree)
{
    ck_assert_uint_ge(compare_folder(SGC_SOURCE_DIR "/tests/source", false), 80);
}
END_TEST

Suite *unparse_suite(void)
{
    Suite *s = suite_create("unparse");
    TCase *t = tcase_create("unparse");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, examples_agree, 0, PROGRAMS);
    tcase_add_test(t, the_language_agrees);
    tcase_add_test(t, other_words_agree);
    tcase_add_test(t, what_has_no_words_is_refused);
    suite_add_tcase(s, t);
    return s;
}
