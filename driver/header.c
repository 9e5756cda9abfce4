/* The header of a model: runtime/context.def in C, and one function for every entry of a graph. */
#include "driver/interface.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 98 };

typedef struct Header {
    const Interface *i;
    const char *id, *capitals; /* of the model */
    FILE *out;
    Arena *arena;
} Header;

/* A text of context.def with the model's names in it. */
static const char *fill(const Header *h, const char *text)
{
    const char *real = interface_c_type(h->i, IR_REAL), *filled = "";
    for (size_t len; *text; text += len) {
        const char *put = *text == '$'   ? h->id
                          : *text == '#' ? h->capitals
                          : *text == '@' ? real
                                         : NULL;
        len = put ? 1 : strcspn(text, "$#@");
        filled = arena_printf(h->arena, "%s%.*s", filled, put ? (int)strlen(put) : (int)len,
                              put ? put : text);
    }
    return filled;
}

/* A comment that begins in column `from`, in lines. */
static void put_comment(const Header *h, size_t from, const char *text)
{
    size_t col = from + (size_t)fprintf(h->out, "/*");
    while (*text) {
        size_t len = strcspn(text, " ");
        if (col + 1 + len + strlen(" */") > WIDTH)
            col = from + (size_t)fprintf(h->out, "\n%*s *", (int)from, "") - 1 - from;
        col += (size_t)fprintf(h->out, " %.*s", (int)len, text);
        text += len + (text[len] == ' ');
    }
    fputs(" */\n", h->out);
}

/* "    int64_t rows;" and what it is. */
static void put_field(const Header *h, const char *type, const char *name, const char *doc)
{
    enum { COMMENT = 30 };
    const char *filled = fill(h, type);
    const char *space = filled[strlen(filled) - 1] == '*' ? "" : " ";
    int col = fprintf(h->out, "    %s%s%s;", filled, space, name);
    col += fprintf(h->out, "%*s", col < COMMENT ? COMMENT - col : 1, "");
    put_comment(h, (size_t)col, fill(h, doc));
}

/* ---- the model ------------------------------------------------------------------------------ */

static void put_top(const Header *h)
{
    static const char rules[] =
        " *\n"
        " * Threads  One thread at a time uses a $; different ones need no locking, and share\n"
        " *          nothing.  Results have the same bits for every number of threads.\n"
        " * Memory   Arrays are row-major, contiguous, the caller's, and touched during a call\n"
        " *          only.  All memory is taken by $_new and returned by $_free.\n"
        " * Errors   An int result is 0 or an error code, unless it says otherwise; $_error()\n"
        " *          says why in words.  Nothing here prints, exits or handles signals.\n"
        " * Units    Costs are per row of the data set, and the first is the sum of all; a\n"
        " *          gradient is that of the sum, with respect to the stored tensor.\n"
        " * Names    Those of the model, with __ for a dot. */\n";
    static const char open[] = "#include <stddef.h>\n#include <stdint.h>\n\n"
                               "#ifdef __clang__ /* C++ keeps names with __ for itself, of which "
                               "none begins like these */\n"
                               "#pragma clang diagnostic push\n"
                               "#pragma clang diagnostic ignored \"-Wreserved-identifier\"\n"
                               "#endif\n\n"
                               "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
    fprintf(h->out, "/* %s.h - written by sgc %s from %s.  Do not edit.\n", h->id, h->i->version,
            h->i->file);
    fputs(fill(h, rules), h->out);
    fprintf(h->out, "#ifndef SGC_%s_H\n#define SGC_%s_H\n\n", h->id, h->id);
    fputs(open, h->out);
    put_comment(h, 0, fill(h, "A number of this interface: $_new refuses the header of another."));
    fprintf(h->out, "#define %s_ABI UINT64_C(0x%016" PRIx64 ")\n\n", h->capitals, h->i->number);
}

static void put_errors(const Header *h)
{
    static const struct {
        const char *name, *text;
    } row[] = {
#define CONTEXT_ERROR(name, text) {#name, text},
#include "runtime/context.def"
    };
    fputs("enum {\n", h->out);
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        int col = fprintf(h->out, "    %s%s%s%s ", h->capitals, k ? "_E_" : "_", row[k].name,
                          k + 1 < sizeof row / sizeof *row ? "," : "");
        put_comment(h, (size_t)col, row[k].text);
    }
    fputs("};\n\n", h->out);
}

typedef struct Field {
    const char *name, *type, *usual, *doc;
} Field;

static const Field setting_row[] = {
#define CONTEXT_SETTING(c_type, name, type, usual, doc) {#name, type, usual, doc},
#include "runtime/context.def"
};

static const Field field_row[] = {
#define CONTEXT_FIELD(c_type, name, type, usual, doc) {#name, type, usual, doc},
#include "runtime/context.def"
};

static void put_fields(const Header *h, const Field *row, size_t rows)
{
    for (size_t k = 0; k < rows; k++)
        put_field(h, row[k].type, row[k].name, row[k].doc);
}

static void put_hypers(const Header *h)
{
    for (uint32_t k = 0; k < h->i->hypers; k++)
        put_field(h, "double", h->i->hyper[k].id,
                  arena_printf(h->arena, "hyper %s, %.17g in the model", h->i->hyper[k].name,
                               h->i->hyper[k].value));
}

static void put_config(const Header *h)
{
    static const char before[] =
        "typedef struct $ $; /* parameters, optimizer state, work space */\n\n"
        "/* Runs task(work, 0) ... task(work, tasks - 1) on any threads, and returns when all are\n"
        " * done. */\n"
        "typedef void $_task(void *work, int64_t index);\n"
        "typedef void $_parallel(void *user, $_task *task, void *work, int64_t tasks);\n\n"
        "/* A phase of a call begins, with these kernels and their places in the source; NULL: the\n"
        " * last has ended. */\n"
        "typedef void $_observer(void *observing, const char *kernels);\n\n"
        "/* Begin with `$_config c = #_CONFIG;` and change what you like. */\n"
        "typedef struct $_config {\n";
    size_t settings = sizeof setting_row / sizeof *setting_row;
    fputs(fill(h, before), h->out);
    put_fields(h, setting_row, settings);
    put_hypers(h);
    fprintf(h->out, "} %s_config;\n#define %s_CONFIG {", h->id, h->capitals);
    for (size_t k = 0; k < settings; k++)
        fprintf(h->out, "%s %s", k ? "," : "", fill(h, setting_row[k].usual));
    for (uint32_t k = 0; k < h->i->hypers; k++)
        fprintf(h->out, ", %.17g", h->i->hyper[k].value);
    fputs(" }\n\n", h->out);
}

static void put_call(const Header *h)
{
    static const char before[] =
        "/* One call of an entry of a graph.  $_call_of sets the usual; change the rest. */\n"
        "typedef struct $_call {\n";
    static const char between[] = "} $_call;\n\n"
                                  "static inline $_call $_call_of(int64_t rows, const void *const "
                                  "*data, void *const *output,\n"
                                  "                               double *cost)\n"
                                  "{\n    $_call call;\n";
    size_t fields = sizeof field_row / sizeof *field_row;
    fputs(fill(h, before), h->out);
    put_fields(h, field_row, fields);
    fputs(fill(h, between), h->out);
    for (size_t k = 0; k < fields; k++)
        fprintf(h->out, "    call.%s = %s;\n", field_row[k].name, field_row[k].usual);
    fputs("    return call;\n}\n\n", h->out);
}

static void put_names(const Header *h, const char *kind,
                      const char *(*id)(const Interface *, uint32_t), uint32_t count)
{
    if (count == 0)
        return;
    fputs("enum {\n", h->out);
    for (uint32_t k = 0; k < count; k++)
        fprintf(h->out, "    %s_%s_%s%s\n", h->capitals, kind, id(h->i, k),
                k + 1 < count ? "," : "");
    fputs("};\n", h->out);
}

static const char *graph_id(const Interface *i, uint32_t k)
{
    return i->graph[k].id;
}

static const char *param_id(const Interface *i, uint32_t k)
{
    return i->param[k].id;
}

static const char *hyper_id(const Interface *i, uint32_t k)
{
    return i->hyper[k].id;
}

/* "[rows, 784] float32 in [0, 1]" */
static const char *type_text(const Header *h, const Array *x)
{
    const char *shape = x->by_rows ? "rows" : "", *range = interface_range(x, h->arena);
    for (uint32_t k = 0; k < x->rank; k++)
        shape = arena_printf(h->arena, "%s%s%" PRId64, shape, *shape ? ", " : "", x->dim[k]);
    return arena_printf(h->arena, "[%s] %s%s%s", shape, interface_dtype(h->i, x->elem),
                        *range ? " in " : "", range);
}

static void put_numbers(const Header *h)
{
    put_names(h, "GRAPH", graph_id, h->i->graphs);
    put_names(h, "HYPER", hyper_id, h->i->hypers);
    if (h->i->params)
        fputs("/* Parameters:\n", h->out);
    for (uint32_t k = 0; k < h->i->params; k++)
        fprintf(h->out, " *   %s %s%s", h->i->param[k].name, type_text(h, &h->i->param[k]),
                k + 1 < h->i->params ? "\n" : " */\n");
    put_names(h, "PARAM", param_id, h->i->params);
    fprintf(h->out, "#define %s_PARAMS %" PRIu32 "\n\n", h->capitals, h->i->params);
}

static void put_functions(const Header *h)
{
    static const struct {
        const char *name, *result, *params, *doc;
    } row[] = {
#define CONTEXT_CALL(name, result, params, doc) {#name, result, params, doc},
#include "runtime/context.def"
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        const char *result = fill(h, row[k].result);
        put_comment(h, 0, fill(h, row[k].doc));
        fprintf(h->out, "%s%s%s_%s(%s);\n\n", result, result[strlen(result) - 1] == '*' ? "" : " ",
                h->id, row[k].name, fill(h, row[k].params));
    }
}

/* ---- graphs --------------------------------------------------------------------------------- */

static void put_draws(const Header *h, const GraphInterface *g, IrEntry e)
{
    const char *calls = e == IR_ENTRY_STEP ? "grad and train" : ir_entry_name[e];
    for (uint32_t k = 0; k < g->entry[e].sites; k++) {
        const Site *s = &g->entry[e].site[k];
        fprintf(h->out, " *   draw of %s: %s [%s%" PRId64 "] %s\n", calls, s->name ? s->name : "?",
                s->by_rows ? "rows, " : "", s->size,
                s->normal ? "standard normal" : "uniform on (0, 1)");
    }
}

static void put_arrays(const Header *h, const char *what, const Array *x, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        fprintf(h->out, " *   %s %s %s\n", what, x[k].name, type_text(h, &x[k]));
}

static void put_graph_comment(const Header *h, const GraphInterface *g)
{
    fprintf(h->out, "/* graph %s", g->name);
    if (g->batch)
        fprintf(h->out, ", of 1 to %" PRId64 " rows a call", g->batch);
    fputs(g->biased ? "\n *   BIASED: its gradient is not that of the expected cost\n" : "\n",
          h->out);
    put_arrays(h, "data", g->data, g->datas);
    put_arrays(h, "output", g->output, g->outputs);
    for (uint32_t k = 0; k < g->costs; k++)
        fprintf(h->out, " *   cost %s\n", g->cost[k] ? g->cost[k] : "?");
    for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        put_draws(h, g, e);
    fputs(" */\n", h->out);
}

static void put_assignments(const Header *h, const char *member, const Array *x, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++)
        fprintf(h->out, "    %s[%" PRIu32 "] = %s;\n", member, k, x[k].id);
}

static void put_body(const Header *h, const GraphInterface *g, const char *verb, bool run)
{
    const char *data = g->datas ? "data" : "NULL", *output = run && g->outputs ? "output" : "NULL";
    fprintf(h->out, "{\n    %s_call call;\n", h->id);
    if (g->datas)
        fprintf(h->out, "    const void *data[%" PRIu32 "];\n", g->datas);
    if (run && g->outputs)
        fprintf(h->out, "    void *output[%" PRIu32 "];\n", g->outputs);
    if (!run)
        fprintf(h->out, "    double costs[%" PRIu32 "];\n    int status;\n", 1 + g->costs);
    put_assignments(h, "data", g->data, g->datas);
    if (run)
        put_assignments(h, "output", g->output, g->outputs);
    else
        fputs("    costs[0] = 0;\n", h->out);
    fprintf(h->out, "    call = %s_call_of(%s, %s, %s, %s);\n", h->id, g->batch ? "rows" : "1",
            data, output, run ? "NULL" : "costs");
    fprintf(h->out, "    %s %s_%s(m, %s_GRAPH_%s, &call);\n", run ? "return" : "status =", h->id,
            verb, h->capitals, g->id);
    fputs(run ? "}\n\n" : "    if (cost)\n        *cost = costs[0];\n    return status;\n}\n\n",
          h->out);
}

static void put_parameter(const Header *h, const char *prefix, const Array *x)
{
    fprintf(h->out, ",\n        %s%s *%s /* %s */", prefix, interface_c_type(h->i, x->elem), x->id,
            type_text(h, x));
}

/* A call with typed arguments, for the common case; *cost is the sum. */
static void put_wrapper(const Header *h, const GraphInterface *g, const char *verb, bool run)
{
    fprintf(h->out, "static inline int %s_%s_%s(%s *m", h->id, g->id, verb, h->id);
    if (g->batch)
        fputs(", int64_t rows", h->out);
    for (uint32_t k = 0; k < g->datas; k++)
        put_parameter(h, "const ", &g->data[k]);
    for (uint32_t k = 0; run && k < g->outputs; k++)
        put_parameter(h, "", &g->output[k]);
    fputs(run ? ")\n" : ",\n        double *cost /* of all, or NULL */)\n", h->out);
    put_body(h, g, verb, run);
}

static void put_graph(const Header *h, const GraphInterface *g)
{
    put_graph_comment(h, g);
    fprintf(h->out, "#define %s_ROWS_%s INT64_C(%" PRId64 ")\n", h->capitals, g->id, g->batch);
    fprintf(h->out, "#define %s_COSTS_%s %" PRIu32 "\n\n", h->capitals, g->id, g->costs);
    if (g->entry[IR_ENTRY_STEP].exists) {
        put_wrapper(h, g, "grad", false);
        put_wrapper(h, g, "train", false);
    }
    if (g->entry[IR_ENTRY_EVAL].exists)
        put_wrapper(h, g, "eval", false);
    if (g->entry[IR_ENTRY_RUN].exists)
        put_wrapper(h, g, "run", true);
}

bool write_header(const Interface *i, const char *path, Arena *a)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return cannot_write(path);
    const Header h = {i, i->name, interface_capitals(i->name, a), out, a};
    put_top(&h);
    put_errors(&h);
    put_config(&h);
    put_call(&h);
    put_numbers(&h);
    put_functions(&h);
    for (uint32_t g = 0; g < i->graphs; g++)
        put_graph(&h, &i->graph[g]);
    fputs("#ifdef __cplusplus\n}\n#endif\n\n#ifdef __clang__\n#pragma clang diagnostic pop\n"
          "#endif\n\n#endif\n",
          out);
    return fclose(out) == 0 || cannot_write(path);
}
