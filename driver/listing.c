/* --print=WHAT: the tables of sgc, a row a line: the name, then what it is. */
#include "driver/driver.h"

#include "codegen/codegen.h"

#include <string.h>

static void row(FILE *out, const char *name, const char *doc)
{
    fprintf(out, "%-20s %s\n", name, doc);
}

static void print_passes(FILE *out)
{
    for (size_t i = 0; i < pass_count; i++)
        row(out, pass_info[i].name, pass_info[i].doc);
}

static void print_emit(FILE *out)
{
    for (Emit k = 0; k < EMIT_KINDS; k++)
        row(out, emit_info[k].name, emit_info[k].doc);
}

static void print_ops(FILE *out)
{
    for (IrOp op = 0; op < IR_OP_COUNT; op++)
        row(out, ir_op_info[op].name, ir_op_info[op].doc);
}

static void print_law(FILE *out, IrDist row)
{
    const IrDistInfo *d = &ir_dist_info[row];
    char call[80];
    snprintf(call, sizeof call, "%s(%s)", d->name, d->argument);
    for (char *c = call; *c; c++)
        *c = *c == ' ' ? ',' : *c;
    fprintf(out, "%-28s %s; via", call, d->doc);
    for (IrEstimator e = 0; e < IR_EST_COUNT; e++)
        if (ir_admits(row, e) && ir_estimator_info[e].built)
            fprintf(out, " %s", ir_estimator_info[e].name);
    fputc('\n', out);
}

static void print_distributions(FILE *out)
{
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        print_law(out, d);
}

static void print_estimators(FILE *out)
{
    for (IrEstimator e = 0; e < IR_EST_COUNT; e++)
        if (ir_estimator_info[e].built && *ir_estimator_info[e].name)
            row(out, ir_estimator_info[e].name, ir_estimator_info[e].doc);
}

static void print_runtime(FILE *out)
{
    Arena *a = arena_new();
    const char *folder = runtime_folder(a);
    if (folder)
        fprintf(out, "%s\n", folder);
    arena_free(a);
}

static void print_link_flags(FILE *out)
{
    fputs(LIBRARY_LINK_FLAGS "\n", out);
}

static const struct {
    const char *name;
    void (*print)(FILE *out);
    const char *doc;
} listing[] = {
    {"passes", print_passes, "what becomes of a graph, in order"},
    {"emit", print_emit, "the kinds of files that --emit writes"},
    {"distributions", print_distributions, "laws of draws"},
    {"estimators", print_estimators, "what may follow via"},
    {"messages", print_messages, "what sgc says, by code; sgc explain CODE says more"},
    {"errors.md", print_errors_page, "docs/errors.md"},
    {"cli.md", print_cli_page, "docs/cli.md"},
    {"sgc.1", print_sgc_man, "the manual page of sgc"},
    {"sgc-model.1", print_model_man, "the manual page of models"},
    {"sgc.vim", print_vim, "syntax highlighting for Vim"},
    {"sgc.tmLanguage.json", print_textmate,
     "the same as a TextMate grammar, for VS Code and others"},
    {"targets", cg_print_targets, "machines that --target may name"},
    {"runtime-dir", print_runtime, "the folder of the runtime's archives"},
    {"ops", print_ops, "operations of the graph"},
    {"link-flags", print_link_flags, "what a program with a model's library is linked with"},
};
enum { LISTINGS = sizeof listing / sizeof *listing };

bool print_listing(const char *what, FILE *out)
{
    Suggestion close = {.wanted = what};
    for (size_t i = 0; i < LISTINGS; i++) {
        if (strcmp(what, listing[i].name) == 0) {
            listing[i].print(out);
            return true;
        }
        fe_suggest(&close, listing[i].name);
    }
    if (strcmp(what, "help") == 0) {
        for (size_t i = 0; i < LISTINGS; i++)
            row(out, listing[i].name, listing[i].doc);
        return true;
    }
    if (close.best)
        return complain(SG1002, NULL, "--print: no listing '%s'; did you mean %s?", what,
                        close.best);
    return complain(SG1002, NULL, "--print: no listing '%s'; see --print=help", what);
}
