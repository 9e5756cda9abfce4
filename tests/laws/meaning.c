/* A pass keeps the meaning: on every example program, every root has the same value after each pass
 * that follows the estimators, for the same parameters, data and noise. */
#include "tests/laws/meaning.h"
#include "tests/programs.h"
#include "tests/suites.h"

#include <math.h>
#include <string.h>

enum { TOTAL_ROWS = 100 };

/* ---- inputs: functions of a name and a position, so that no renumbering goes unseen ---------- */

static double unit(const char *name, int64_t i)
{
    uint64_t h = 0x9e3779b97f4a7c15u * (uint64_t)(i + 1);
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    h ^= h >> 31;
    h *= 0xbf58476d1ce4e5b9u;
    return ((double)(h >> 12) + 0.5) * 0x1p-52;
}

static const double *filled(Arena *a, const char *name, int64_t count, IrElem elem, double lo,
                            double hi)
{
    double *v = arena_array(a, double, (size_t)count + 1);
    for (int64_t i = 0; i < count; i++) {
        double x = lo + (hi - lo) * unit(name, i);
        v[i] = elem == IR_REAL ? x : floor(2 * unit(name, i));
    }
    return v;
}

static const double *const *noise_of(const IrGraph *g, Arena *a, int64_t rows)
{
    const double **noise = arena_array(a, const double *, g->sites + 1);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op != IR_DRAW)
            continue;
        bool normal = n->attr.k[0] == 0;
        int64_t count = ir_copies(g, n->type.plates, rows) * ir_elements(&n->type);
        noise[n->attr.item] = filled(a, g->site[n->attr.item].name, count, IR_REAL,
                                     normal ? -1.5 : 0, normal ? 1.5 : 1);
    }
    return noise;
}

static IrEnv environment(const IrGraph *g, Arena *a, int64_t rows)
{
    const IrModel *m = g->model;
    const double **param = arena_array(a, const double *, m->params + 1);
    const double **data = arena_array(a, const double *, m->datas + 1);
    double *state = arena_array(a, double, (size_t)ir_state_at(g, g->states) + 1);
    for (uint32_t p = 0; p < m->params; p++)
        param[p] = filled(a, m->param[p].name, ir_elements(&m->param[p].type), IR_REAL, -0.8, 0.8);
    for (uint32_t d = 0; d < m->datas; d++)
        data[d] = filled(a, m->data[d].name,
                         ir_elements(&m->data[d].type) * (m->data[d].by_rows ? rows : 1),
                         m->data[d].type.elem, 0, 1);
    for (uint32_t s = 0; s < g->states; s++)
        for (int64_t e = 0; e < ir_elements(&g->state[s].type); e++)
            state[ir_state_at(g, s) + e] = unit(g->state[s].name, e);
    return (IrEnv){.param = param,
                   .data = data,
                   .state = state,
                   .noise = noise_of(g, a, rows),
                   .rows = rows,
                   .total_rows = TOTAL_ROWS};
}

/* ---- the roots of a graph, in a line --------------------------------------------------------- */

static Roots roots_of(const IrGraph *g, Arena *a, int64_t rows)
{
    IrEnv env = environment(g, a, rows);
    double **value = arena_array(a, double *, g->count + 1);
    Roots roots = {0};
    IrRef fault;
    ck_assert(ir_eval(g, &env, a, value, &fault));
    for (IrRef r = 0; r < g->count; r++) {
        const IrType *t = &g->node[r].type;
        if (!(ir_op_info[g->node[r].op].flags & IR_EFFECT))
            continue;
        size_t size = (size_t)(ir_copies(g, t->plates, rows) * ir_elements(t));
        double *all = arena_array(a, double, roots.count + size);
        if (roots.count)
            memcpy(all, roots.value, roots.count * sizeof *all);
        memcpy(all + roots.count, value[r], size * sizeof *all);
        roots = (Roots){all, roots.count + size};
    }
    return roots;
}

/* Sums are taken in another order, of at most some hundred terms: 1e-12 of the size is generous for
 * them, and 1e-6 of it is what a wrong term would give. */
void meaning_watch(void *context, unsigned number, const PassInfo *p, const IrGraph *g, double ms,
                   bool changed)
{
    Watcher *w = context;
    (void)number, (void)ms, (void)changed;
    if (g->name != w->graph)
        memset(w->before, 0, sizeof w->before);
    w->graph = g->name;
    if (g->stage == IR_SOURCE)
        return;
    Roots *before = &w->before[g->entry], now = roots_of(g, w->arena, w->rows);
    if (before->count == 0)
        *before = now;
    ck_assert_uint_eq(now.count, before->count);
    for (size_t i = 0; i < now.count; i++, w->compared++) {
        double was = before->value[i], is = now.value[i];
        ck_assert_msg(isfinite(was) && fabs(is - was) <= 1e-12 * (1 + fabs(was)),
                      "%s, %s of %s after %s: value %zu was %.17g, is %.17g", w->name,
                      ir_entry_name[g->entry], g->name, p->name, i, was, is);
    }
}

START_TEST(every_pass_keeps_the_value_of_every_root)
{
    const PassOptions options = {.parts = 3, .real_bytes = 8};
    const SmallProgram *p = &small_program[_i];
    Watcher w = {.name = p->file, .rows = p->rows, .arena = arena_new()};
    Compiled c;
    program_compile(&c, p, &options, meaning_watch, &w);
    ck_assert_uint_gt(w.compared, 0);
    program_free(&c);
    arena_free(w.arena);
}
END_TEST

/* These passes leave nothing for themselves to do. */
static bool is_idempotent(const PassInfo *p)
{
    return p->run == pass_stable || p->run == pass_simplify || p->run == pass_dce ||
           p->run == pass_partition;
}

static void run_again(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                      double ms, bool changed)
{
    const Watcher *w = context;
    (void)number, (void)ms, (void)changed;
    if (!is_idempotent(p))
        return;
    const PassOptions options = {.parts = 3, .real_bytes = 8};
    PassCtx cx = {.options = &options, .arena = w->arena};
    IrGraph again;
    ir_graph_clone(&again, g);
    ck_assert_msg(!p->run(&again, &cx), "%s, %s of %s: %s changes the graph again", w->name,
                  ir_entry_name[g->entry], g->name, p->name);
}

START_TEST(a_second_run_changes_nothing)
{
    const PassOptions options = {.parts = 3, .real_bytes = 8};
    const SmallProgram *p = &small_program[_i];
    Watcher w = {.name = p->file, .arena = arena_new()};
    Compiled c;
    program_compile(&c, p, &options, run_again, &w);
    program_free(&c);
    arena_free(w.arena);
}
END_TEST

Suite *meaning_suite(void)
{
    Suite *s = suite_create("meaning");
    TCase *t = tcase_create("examples");
    tcase_add_loop_test(t, every_pass_keeps_the_value_of_every_root, 0, PROGRAMS);
    tcase_add_loop_test(t, a_second_run_changes_nothing, 0, PROGRAMS);
    suite_add_tcase(s, t);
    return s;
}
