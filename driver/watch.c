/* What a person sees of the pipeline: dumps, timings, remarks. */
#include "driver/driver.h"

#include <errno.h>
#include <string.h>
#include <time.h>

typedef struct Row {
    const char *name, *graph, *entry;
    unsigned number;
    uint32_t before, nodes;
    double ms;
    bool changed;
} Row;

typedef struct Remark {
    Span at;
    const IrDecision *decision;
} Remark;

struct Watch {
    const Options *options;
    const IrModel *model;
    Arena *arena;
    Row *row;
    size_t rows;
    Remark *remark;
    size_t remarks;
    uint32_t before; /* nodes before the pass that runs */
    bool unwritten;
};

double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

Watch *watch_new(const Options *o, const IrModel *m, Arena *a)
{
    Watch *w = arena_make(a, Watch);
    *w = (Watch){.options = o, .model = m, .arena = a};
    return !o->dump_dir || make_folder(o->dump_dir) ? w : NULL;
}

static const char *dump_path(const Watch *w, const IrGraph *g, unsigned number, const char *name)
{
    return arena_printf(w->arena, "%s/%s.%s.%02u.%s.sgir", w->options->dump_dir, g->name,
                        ir_entry_name[g->entry], number, name);
}

static void dump(Watch *w, const IrGraph *g, unsigned number, const char *name)
{
    const char *path = dump_path(w, g, number, name);
    FILE *out = fopen(path, "w");
    const IrModel alone = program_alone(w->model, g, w->arena);
    if (out)
        ir_print_model(&alone, out);
    if (!out || fclose(out) != 0)
        w->unwritten = !cannot_write(path);
}

/* Entries of one graph share decisions: each is one remark. */
static void note(Watch *w, Span at, const IrDecision *d)
{
    for (size_t i = 0; i < w->remarks; i++)
        if (w->remark[i].at.line == at.line && w->remark[i].at.col == at.col &&
            ir_decision_equal(w->remark[i].decision, d))
            return;
    *arena_push(w->arena, w->remark, w->remarks, Remark) = (Remark){at, d};
}

static void note_remarks(Watch *w, const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++)
        for (const IrDecision *why = g->node[r].why; why; why = why->also)
            note(w, g->node[r].at, why);
}

/* ---- fused loops ---------------------------------------------------------------------------- */

/* Members that the loop alone reads: their arrays are never stored. */
static uint32_t kept_inside(const IrGraph *g, const bool *inside, const IrKernel *k, Arena *a)
{
    bool *read = arena_array(a, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        for (uint32_t i = 0; i < g->node[r].n_in && !inside[r]; i++)
            read[g->node[r].in[i]] = true;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < k->nodes; i++)
        kept += !read[k->node[i]];
    return kept;
}

/* "add, softplus, 3 x mul" in the order of their first places */
static const char *operations(const IrGraph *g, const IrKernel *k, Arena *a)
{
    const char *list = "";
    for (uint32_t i = 0; i < k->nodes; i++) {
        IrOp op = g->node[k->node[i]].op;
        uint32_t times = 0, first = k->nodes;
        for (uint32_t j = k->nodes; j-- > 0;)
            if (g->node[k->node[j]].op == op) {
                first = j;
                times++;
            }
        const char *name = ir_op_info[op].name;
        name = times > 1 ? arena_printf(a, "%u x %s", times, name) : name;
        if (first == i)
            list = arena_printf(a, "%s%s%s", list, *list ? ", " : "", name);
    }
    return list;
}

static void note_fused(Watch *w, const IrGraph *g)
{
    for (uint32_t i = 0; i < g->kernels; i++) {
        const IrKernel *k = &g->kernel[i];
        bool *inside = arena_array(w->arena, bool, g->count + 1);
        for (uint32_t m = 0; m < k->nodes; m++)
            inside[k->node[m]] = true;
        uint32_t kept = k->kind == IR_KERNEL_LOOP ? kept_inside(g, inside, k, w->arena) : 0;
        if (kept == 0)
            continue;
        const char *what =
            arena_printf(w->arena, "one loop over %s: %s; %u of %u values are never stored",
                         ir_type_text(g, &k->domain), operations(g, k, w->arena), kept, k->nodes);
        note(w, g->node[k->node[k->nodes - 1]].at, ir_decision(w->arena, SGR10, what));
    }
}

static void print_after(const Watch *w, const IrGraph *g, const char *step)
{
    const char *wanted = w->options->print_after;
    if (!list_has(wanted, step) && !list_has(wanted, "all"))
        return;
    fprintf(stderr, "# after %s: %s.%s\n", step, g->name, ir_entry_name[g->entry]);
    ir_print_graph(g, stderr);
}

void watch_start(Watch *w, const IrGraph *g)
{
    w->before = g->count;
}

void watch_pass(void *context, unsigned number, const PassInfo *p, const IrGraph *g, double ms,
                bool changed)
{
    Watch *w = context;
    const char *entry = ir_entry_name[g->entry];
    Row *row = arena_push(w->arena, w->row, w->rows, Row);
    *row = (Row){p->name, g->name, entry, number, w->before, g->count, ms, changed};
    if (!changed) {
        if (w->options->dump_dir)
            remove(dump_path(w, g, number, p->name)); /* of an earlier run */
        return;
    }
    if (w->options->remarks)
        note_remarks(w, g);
    if (w->options->remarks && p->run == pass_fuse && g->entry != IR_ENTRY_EVAL)
        note_fused(w, g); /* an evaluation computes a part of what the step does */
    if (w->options->dump_dir)
        dump(w, g, number, p->name);
    print_after(w, g, p->name);
}

void watch_source(Watch *w, const IrGraph *g)
{
    if (w->options->dump_dir)
        dump(w, g, 0, ir_stage_name[g->stage]);
    print_after(w, g, "frontend");
}

void watch_stage(Watch *w, const char *name, double ms)
{
    *arena_push(w->arena, w->row, w->rows, Row) = (Row){.name = name, .ms = ms};
}

static void add_facts(const IrDecision *decision, Diags *d)
{
    if (!decision->draw)
        return;
    diag_fact(d, "draw", decision->draw);
    diag_fact(d, "law", ir_dist_info[decision->law].name);
    if (decision->via.estimator != IR_EST_AUTO)
        diag_fact(d, "estimator", ir_estimator_info[decision->via.estimator].name);
}

void watch_remarks(const Watch *w, Diags *d)
{
    for (size_t i = 0; i < w->remarks; i++) {
        const IrDecision *decision = w->remark[i].decision;
        diag_remark(d, w->remark[i].at, decision->code, "%s", ir_decision_text(decision, w->arena));
        add_facts(decision, d);
    }
}

/* One line a stage: the passes' times are summed over the graphs. */
static void print_times(const Watch *w, FILE *out)
{
    double total = 0;
    for (size_t i = 0; i < w->rows; i++) {
        total += w->row[i].ms;
        double ms = 0;
        size_t first = 0;
        while (strcmp(w->row[first].name, w->row[i].name) != 0)
            first++;
        if (first < i)
            continue;
        for (size_t j = i; j < w->rows; j++)
            ms += strcmp(w->row[j].name, w->row[i].name) == 0 ? w->row[j].ms : 0;
        fprintf(out, "%10.2f ms  %s\n", ms, w->row[i].name);
    }
    fprintf(out, "%10.2f ms  in all\n", total);
}

static void write_table(Watch *w)
{
    const char *path = arena_printf(w->arena, "%s/passes.txt", w->options->dump_dir);
    FILE *out = fopen(path, "w");
    if (out)
        fprintf(out, "%-3s %-12s %-20s %-10s %8s %8s %9s  %s\n", "no", "pass", "graph", "entry",
                "before", "nodes", "ms", "changed");
    for (size_t i = 0; out && i < w->rows; i++)
        if (w->row[i].graph)
            fprintf(out, "%02u  %-12s %-20s %-10s %8u %8u %9.3f  %s\n", w->row[i].number,
                    w->row[i].name, w->row[i].graph, w->row[i].entry, w->row[i].before,
                    w->row[i].nodes, w->row[i].ms, w->row[i].changed ? "yes" : "no");
    if (!out || fclose(out) != 0)
        w->unwritten = !cannot_write(path);
}

bool watch_close(Watch *w)
{
    if (w->options->time_passes)
        print_times(w, stderr);
    if (w->options->dump_dir)
        write_table(w);
    return !w->unwritten;
}
