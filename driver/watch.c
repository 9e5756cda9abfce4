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
    const char *text;
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
static void note_remarks(Watch *w, const IrGraph *g)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        size_t i = n->why ? 0 : w->remarks;
        while (i < w->remarks &&
               !(w->remark[i].at.line == n->at.line && w->remark[i].at.col == n->at.col &&
                 strcmp(w->remark[i].text, n->why) == 0))
            i++;
        if (n->why && i == w->remarks)
            *arena_push(w->arena, w->remark, w->remarks, Remark) =
                (Remark){n->at, arena_copy(w->arena, n->why, strlen(n->why))};
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

/* What a decision is about, by the words of choose.c, integrate.c and stable.def. */
static DiagCode code_of(const char *text)
{
    static const struct {
        const char *words;
        DiagCode code;
    } kind[] = {
        {"closed form: ", SGR04}, {": pathwise", SGR01}, {": enumerated", SGR02},
        {": score", SGR03},       {": sampled", SGR05},  {": drawn once", SGR05},
        {": implicit", SGR01},    {" ~ ", SGR07},
    };
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        if (strstr(text, kind[i].words))
            return kind[i].code;
    return SGR06;
}

/* "z ~ normal: pathwise (chosen); ..." has three facts. */
static void add_facts(const char *text, Diags *d)
{
    char draw[128], law[64], estimator[64];
    if (sscanf(text, "%127s ~ %63[a-z_0-9]: %63[a-z_]", draw, law, estimator) != 3)
        return;
    diag_fact(d, "draw", draw);
    diag_fact(d, "law", law);
    diag_fact(d, "estimator", estimator);
}

void watch_remarks(const Watch *w, Diags *d)
{
    for (size_t i = 0; i < w->remarks; i++) {
        diag_remark(d, w->remark[i].at, code_of(w->remark[i].text), "%s", w->remark[i].text);
        add_facts(w->remark[i].text, d);
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
