/* What the files of the command say to each other. */
#ifndef SGC_DRIVER_DRIVER_H
#define SGC_DRIVER_DRIVER_H

#include "frontend/frontend.h"
#include "passes/pass.h"

/* Exit statuses of sgc. */
enum { SGC_OK, SGC_FAILED, SGC_USAGE, SGC_INTERNAL };

/* What --emit names, in the order in which files are written. */
typedef enum Emit { EMIT_SG, EMIT_IR, EMIT_LLVM, EMIT_ASM, EMIT_OBJ, EMIT_EXE, EMIT_KINDS } Emit;
extern const char *const emit_name[], *const emit_suffix[];

typedef struct Options {
    const char *input;       /* "-": standard input */
    const char *output;      /* NULL: named after the input; "-": standard output */
    const char *dump_dir;    /* NULL: no dumps */
    const char *print_after; /* comma-separated passes, "all", or NULL */
    const char *cpu;
    const FeDim *dim;
    size_t dims;
    unsigned emit; /* mask of 1u << Emit */
    int64_t real_bytes, parts;
    bool remarks, time_passes, verbose;
} Options;

/* ---- options.c ----------------------------------------------------------------------------- */

typedef enum Parsed { PARSED_RUN, PARSED_DONE, PARSED_WRONG } Parsed;

/* Reads the command line.  DONE: it asked for words only (--help), which were printed.  WRONG: what
 * is wrong was printed.  Strings are borrowed from argv and `a`. */
Parsed options_parse(int argc, char **argv, Options *o, Arena *a);

/* True if the comma-separated list (NULL: empty) has the name. */
bool list_has(const char *list, const char *name);

/* "sgc: error: ..." on the standard error; returns false. */
bool complain(const char *fmt, ...) SGC_PRINTF(1, 2);

/* ---- program.c ----------------------------------------------------------------------------- */

/* A model and the entries that were made of each of its graphs. */
typedef struct Program {
    IrModel *model;
    IrGraph (*entry)[IR_ENTRIES]; /* [model graphs] */
} Program;

/* Groups the graphs of a parsed .sgir file: a model has one graph a name, whose later stages are
 * its entries. */
void program_group(Program *p, const IrModel *parsed, Arena *a);
/* Brings every graph to its scheduled entries; a graph past the source stage goes on from there. */
bool program_derive(Program *p, PassCtx *cx, PassHook *hook, void *context);
void program_print(const Program *p, Arena *a, FILE *out);

/* ---- watch.c ------------------------------------------------------------------------------- */

/* Watches the pipeline for --dump-dir, --print-after, --time-passes and --remarks. */
typedef struct Watch Watch;

Watch *watch_new(const Options *o, const IrModel *m, Arena *a); /* NULL: no dump directory */
PassHook watch_pass;
/* Prints a source graph into the dump directory. */
void watch_source(Watch *w, const IrGraph *g);
/* Counts a stage that is not a pass: "frontend", "codegen", "link". */
void watch_stage(Watch *w, const char *name, double ms);
/* Adds the remarks to d. */
void watch_remarks(const Watch *w, Diags *d);
/* Writes the tables.  False: a file could not be written; the reason was printed. */
bool watch_close(Watch *w);
double milliseconds(void);

/* ---- output.c ------------------------------------------------------------------------------ */

/* A new directory beside the output, where a file of each kind is made, under the name of its kind,
 * before it is moved into place.  NULL: the reason was printed. */
const char *workspace_open(const char *output, Arena *a);
void workspace_close(void);
/* Makes `made` the file `output`, at once; "-" is the standard output. */
bool publish(const char *made, const char *output);
/* The whole of a file, with a final 0; NULL: the reason was printed. */
char *read_text(const char *path, Arena *a);
/* A crash ends with status SGC_INTERNAL, and no crash or signal leaves the workspace behind. */
void install_handlers(void);

/* ---- link.c -------------------------------------------------------------------------------- */

/* Links a model's object file with the runtime. */
bool link_model(const char *object, const char *output, bool verbose, Arena *a);

#endif
