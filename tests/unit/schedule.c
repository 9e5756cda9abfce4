/* Schedules, run in every order that threads may take.
 *
 * The arena is simulated byte by byte: a kernel writes the number of the node into the bytes of the
 * elements that its task computes, and what it reads must hold the number of the node that it means
 * to read.  Tasks of a phase are interleaved kernel by kernel, in several orders.  So a missing
 * barrier, a buffer that is used again too soon, and a value without memory are all seen, by rules
 * that know nothing of how the schedule was made. */
#include "tests/programs.h"
#include "tests/suites.h"

#include <glob.h>
#include <string.h>

enum { PARTS = 3, REAL_BYTES = 4, ALIGN = 64, RANDOM_ORDERS = 4 };

typedef struct Machine {
    const char *name;
    const IrGraph *g;
    int64_t rows;   /* of this batch */
    uint32_t *byte; /* of the arena: 1 + the node it holds */
} Machine;

/* The elements that a task touches. */
typedef struct Share {
    IrPhaseKind kind;
    int64_t task;
    bool writes;
} Share;

static int64_t cut(int64_t n, int64_t task)
{
    return n * task / PARTS;
}

static bool in_share(int64_t i, int64_t n, int64_t task)
{
    return i >= cut(n, task) && i < cut(n, task + 1);
}

static bool touches_copy(const Machine *m, uint32_t plate, int64_t copy, Share s)
{
    const IrPlate *p = &m->g->plate[plate];
    if (p->kind == IR_PLATE_ROWS)
        return copy < m->rows && (s.kind != IR_PHASE_ROWS || in_share(copy, m->rows, s.task));
    return p->kind != IR_PLATE_PARTS || s.kind != IR_PHASE_ROWS || !s.writes || copy == s.task;
}

static int64_t bytes_of(IrElem e)
{
    return e == IR_REAL ? REAL_BYTES : e == IR_INT ? 4 : 1;
}

/* Does the task touch element `i` of the array [plates][shape], rows at their bound? */
static bool touches(const Machine *m, const IrType *t, int64_t i, Share s)
{
    for (uint32_t a = t->rank; a-- > 0; i /= t->dim[a])
        if (a == 0 && s.kind == IR_PHASE_BLOCKS && s.writes &&
            !in_share(i % t->dim[0], t->dim[0], s.task))
            return false;
    for (uint32_t p = m->g->plates; p-- > 0;)
        if (t->plates >> p & 1) {
            if (!touches_copy(m, p, i % m->g->plate[p].size, s))
                return false;
            i /= m->g->plate[p].size;
        }
    return true;
}

static int64_t elements_at_bound(const Machine *m, const IrType *t)
{
    int64_t n = ir_elements(t);
    for (uint32_t p = 0; p < m->g->plates; p++)
        if (t->plates >> p & 1)
            n *= m->g->plate[p].size;
    return n;
}

static void write_node(Machine *m, IrRef r, Share s)
{
    const IrNode *n = &m->g->node[r];
    int64_t size = bytes_of(n->type.elem);
    ck_assert_int_eq(n->place.buffer % ALIGN, 0);
    for (int64_t i = 0; i < elements_at_bound(m, &n->type); i++)
        for (int64_t b = 0; touches(m, &n->type, i, s) && b < size; b++) {
            int64_t at = n->place.buffer + i * size + b;
            ck_assert_int_lt(at, m->g->arena_bytes);
            m->byte[at] = r + 1;
        }
}

static void read_node(const Machine *m, IrRef by, IrRef r, Share s)
{
    const IrNode *n = &m->g->node[r];
    int64_t size = bytes_of(n->type.elem);
    for (int64_t i = 0; i < elements_at_bound(m, &n->type); i++)
        for (int64_t b = 0; touches(m, &n->type, i, s) && b < size; b++) {
            uint32_t holds = m->byte[n->place.buffer + i * size + b];
            ck_assert_msg(holds == r + 1, "%s, %s: %%%u reads element %lld of %%%u and finds %%%d",
                          m->name, ir_entry_name[m->g->entry], by, (long long)i, r, (int)holds - 1);
        }
}

/* ---- kernels --------------------------------------------------------------------------------- */

static bool is_leaf(const IrNode *n)
{
    return n->n_in == 0 && n->op != IR_DRAW;
}

static bool is_view(const Machine *m, const IrNode *n)
{
    return n->op == IR_RESHAPE || m->g->kernel[n->place.kernel].kind == IR_KERNEL_VIEW;
}

/* A gradient is computed in the caller's array, which nothing else uses. */
static bool is_gradient(const Machine *m, IrRef r)
{
    for (IrRef by = 0; by < m->g->count; by++)
        for (uint32_t k = 0; k < m->g->node[by].n_in; k++)
            if (m->g->node[by].in[k] == r &&
                (m->g->node[by].op == IR_GRAD ||
                 (m->g->node[by].op == IR_RESHAPE && is_gradient(m, by))))
                return true;
    return false;
}

static void read_through(const Machine *m, IrRef by, IrRef r, Share s)
{
    const IrNode *n = &m->g->node[r];
    const IrKernel *own = &m->g->kernel[m->g->node[by].place.kernel];
    if (is_leaf(n))
        return;
    if (n->place.kernel == m->g->node[by].place.kernel) {
        bool element = own->kind == IR_KERNEL_SCAN || ir_op_info[n->op].flags & IR_EW;
        ck_assert_msg(element, "%s: %%%u reads the sum %%%u within its loop", m->name, by, r);
        return;
    }
    if (is_view(m, n)) {
        for (uint32_t i = 0; i < n->n_in; i++)
            read_through(m, by, n->in[i], s);
        return;
    }
    if (n->place.buffer >= 0)
        read_node(m, by, r, s);
    else
        ck_assert_msg(is_gradient(m, r), "%s: %%%u reads %%%u, which has no memory", m->name, by,
                      r);
}

static bool looks_across_rows(const Machine *m, IrRef r)
{
    for (uint32_t p = 0; p < m->g->plates; p++)
        if (m->g->plate[p].kind == IR_PLATE_ROWS && m->g->node[r].attr.over >> p & 1)
            return true;
    return false;
}

/* Writes come first: a kernel must find what it reads whatever it has written already. */
static void run_kernel(Machine *m, const IrKernel *k, Share s)
{
    if (k->kind == IR_KERNEL_VIEW)
        return;
    s.writes = true;
    for (uint32_t j = 0; j < k->nodes; j++) {
        const IrNode *n = &m->g->node[k->node[j]];
        if (n->place.buffer >= 0 && n->op != IR_RESHAPE)
            write_node(m, k->node[j], s);
    }
    for (uint32_t j = 0; j < k->nodes; j++) {
        Share read = {.kind = looks_across_rows(m, k->node[j]) ? IR_PHASE_GLOBAL : s.kind,
                      .task = s.task};
        for (uint32_t i = 0; i < m->g->node[k->node[j]].n_in; i++)
            read_through(m, k->node[j], m->g->node[k->node[j]].in[i], read);
    }
}

/* ---- orders ---------------------------------------------------------------------------------- */

typedef enum Order { ONE_BY_ONE, BACKWARDS, IN_STEP, RANDOM } Order;

static int64_t next_task(Order order, const uint32_t *at, uint32_t end, int64_t tasks,
                         uint32_t *seed)
{
    int64_t pick = -1, waiting = 0;
    for (int64_t t = 0; t < tasks; t++) {
        if (at[t] >= end)
            continue;
        waiting++;
        bool better = pick < 0 || (order == BACKWARDS) || (order == IN_STEP && at[t] < at[pick]);
        if (order == RANDOM) {
            *seed = *seed * 1664525u + 1013904223u;
            better = (*seed >> 8) % (uint32_t)waiting == 0;
        }
        if (better)
            pick = t;
    }
    return pick;
}

static void run_phase(Machine *m, int32_t phase, Order order, uint32_t *seed)
{
    IrPhaseKind kind = m->g->phase[phase].kind;
    int64_t tasks = kind == IR_PHASE_GLOBAL ? 1 : PARTS;
    uint32_t first = 0, end, at[PARTS];
    while (first < m->g->kernels && m->g->kernel[first].phase < phase)
        first++;
    for (end = first; end < m->g->kernels && m->g->kernel[end].phase == phase;)
        end++;
    for (int64_t t = 0; t < tasks; t++)
        at[t] = first;
    for (int64_t t; (t = next_task(order, at, end, tasks, seed)) >= 0; at[t]++)
        run_kernel(m, &m->g->kernel[at[t]], (Share){.kind = kind, .task = t});
}

static void run_schedule(const char *name, const IrGraph *g, int64_t rows, Order order,
                         uint32_t seed)
{
    Arena *a = arena_new();
    Machine m = {.name = name, .g = g, .rows = rows};
    m.byte = arena_array(a, uint32_t, (size_t)g->arena_bytes + 1);
    for (uint32_t p = 0; p < g->phases; p++)
        run_phase(&m, (int32_t)p, order, &seed);
    arena_free(a);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static glob_t files;

/* The text of the graph in a golden file, which stands between comments. */
static char *read_input(const char *path, Arena *a)
{
    char line[1024], *text = arena_printf(a, "%s", "");
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f, "cannot open %s", path);
    while (fgets(line, sizeof line, f) && strcmp(line, "# OUT\n") != 0)
        if (line[0] != '#')
            text = arena_printf(a, "%s%s", text, line);
    fclose(f);
    return text;
}

static void run_in_all_orders(const char *name, const IrGraph *g, int64_t rows)
{
    run_schedule(name, g, rows, ONE_BY_ONE, 0);
    run_schedule(name, g, rows, BACKWARDS, 0);
    run_schedule(name, g, rows, IN_STEP, 0);
    for (uint32_t seed = 1; seed <= RANDOM_ORDERS; seed++)
        run_schedule(name, g, rows, RANDOM, seed);
}

START_TEST(no_order_of_tasks_reads_a_wrong_byte)
{
    const PassOptions options = {.parts = PARTS, .real_bytes = REAL_BYTES};
    const SmallProgram *p = &small_program[_i];
    Compiled c;
    program_compile(&c, p, &options, NULL, NULL);
    for (uint32_t i = 0; i < c.model.graphs; i++)
        for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
            if (c.entry[i][e].count)
                run_in_all_orders(p->file, &c.entry[i][e], p->rows);
    program_free(&c);
}
END_TEST

/* The graphs that the golden tests of fuse and plan were written for. */
START_TEST(no_order_of_tasks_reads_a_wrong_byte_in_small_graphs)
{
    const PassOptions options = {.parts = PARTS, .real_bytes = REAL_BYTES};
    const char *path = files.gl_pathv[_i];
    Arena *a = arena_new();
    char *text = read_input(path, a);
    Diags *d = diags_new(path, text);
    PassCtx cx = {.options = &options, .diags = d, .arena = a};
    IrModel m;
    ir_model_init(&m, a);
    ck_assert_msg(ir_parse(&m, text, d), "%s", path);
    ck_assert(passes_resume(&m.graph[0], &cx, NULL, NULL));
    run_in_all_orders(path, &m.graph[0], 7);
    diags_free(d);
    arena_free(a);
}
END_TEST

Suite *schedule_suite(void)
{
    Suite *s = suite_create("schedule");
    TCase *t = tcase_create("examples");
    tcase_add_loop_test(t, no_order_of_tasks_reads_a_wrong_byte, 0, PROGRAMS);
    glob(SGC_SOURCE_DIR "/tests/golden/fuse/*.sgir", 0, NULL, &files);
    glob(SGC_SOURCE_DIR "/tests/golden/plan/*.sgir", GLOB_APPEND, NULL, &files);
    tcase_add_loop_test(t, no_order_of_tasks_reads_a_wrong_byte_in_small_graphs, 0,
                        (int)files.gl_pathc);
    suite_add_tcase(s, t);
    return s;
}
