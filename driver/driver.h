/* What the files of the command say to each other. */
#ifndef SGC_DRIVER_DRIVER_H
#define SGC_DRIVER_DRIVER_H

#include "frontend/frontend.h"
#include "passes/pass.h"

/* Exit statuses of sgc; the last is EX_SOFTWARE. */
enum { SGC_OK, SGC_FAILED, SGC_USAGE, SGC_INTERNAL = 70 };

typedef enum Emit {
#define EMIT(id, ...) EMIT_##id,
#include "driver/emit.def"
    EMIT_KINDS
} Emit;

typedef struct EmitInfo {
    const char *name, *prefix, *suffix;
    bool code;  /* needs scheduled graphs */
    bool links; /* and this machine's linker */
    const char *doc;
} EmitInfo;
extern const EmitInfo emit_info[EMIT_KINDS];

typedef enum Command {
#define COMMAND(name, ...) COMMAND_##name,
#include "driver/command.def"
    COMMANDS
} Command;

typedef struct Options {
    Command command;
    const char **input; /* "-": standard input */
    size_t inputs;
    const char *output;      /* NULL: named after the input; "-": standard output */
    const char *out_dir;     /* NULL: this folder */
    const char *name;        /* of the model; NULL: the input's */
    const char *dump_dir;    /* NULL: no dumps */
    const char *print_after; /* comma-separated passes, "all", or NULL */
    const PassInfo **pass;   /* --passes; NULL: all */
    size_t passes;
    const PassInfo *last; /* --stop-after; NULL: to the end */
    bool frontend_only;   /* --stop-after=frontend */
    const char *proofs; /* the compiled theory; NULL: beside sgc */
    const char *cpu, *target; /* target NULL: this machine */
    unsigned level;           /* -O0, -O1, -O2 */
    const char *print; /* a listing of sgc's tables, and nothing else */
    const FeDim *dim;
    size_t dims;
    unsigned emit; /* mask of 1u << Emit */
    int64_t real_bytes, parts;
    bool json, remarks_json;
    bool color, no_warnings, warnings_are_errors;
    bool remarks, time_passes, watch, verbose, check, help, version;
} Options;

/* Runs a command; returns the exit status. */
typedef int CommandFn(const Options *o, Arena *a);

typedef struct CommandInfo {
    const char *name, *words, *doc;
    CommandFn *run;
} CommandInfo;
extern const CommandInfo command_info[COMMANDS];

#define COMMAND(name, ...) CommandFn command_##name;
#include "driver/command.def"

/* ---- build.c ------------------------------------------------------------------------------- */

DiagStyle message_style(const Options *o);
/* For messages about a file, in the style of the command line. */
Diags *open_diags(const Options *o, const char *input, const char *text);
/* Makes these kinds of output; returns the exit status. */
int build_kinds(const Options *o, const char *input, unsigned kinds, Arena *a);
/* The name of the file that an output goes to. */
const char *output_of(const Options *o, const char *input, Emit kind, Arena *a);

/* ---- verify.c ------------------------------------------------------------------------------ */

/* Checks the certificates of a file, and says what was found.  False: one is not accepted. */
bool verify_file(const Options *o, const char *input, Arena *a);

/* ---- options.c ----------------------------------------------------------------------------- */

/* Reads the command line.  False: what is wrong was printed.  Strings are borrowed from argv and
 * `a`. */
bool options_parse(int argc, char **argv, Options *o, Arena *a);
void print_help(FILE *out);
void print_usage(FILE *out); /* the commands alone */
/* Flag i as --help shows it, and what it does; NULL: there is none. */
const char *flag_text(size_t i, char *left, size_t size);

/* Comma-separated lists; NULL is the empty list. */
bool list_has(const char *list, const char *name);
bool list_word_is(const char *word, const char *name);
const char *list_next(const char *word);

/* ---- complain.c ---------------------------------------------------------------------------- */

/* "sgc: error: ... [SG1101]" on the standard error, or its JSON; returns false.  `file`: what it is
 * about, or NULL. */
bool complain(DiagCode code, const char *file, const char *fmt, ...) SGC_PRINTF(3, 4);
bool cannot_write(const char *path); /* by errno */
/* From here on messages wait, until it is known how they are written. */
void complaints_wait(void);
void complaints_begin(DiagStyle style);
bool complaints_are_json(void); /* may be asked by signal handlers */

/* ---- listing.c ----------------------------------------------------------------------------- */

/* --print=WHAT.  False: there is no such listing; that was printed. */
bool print_listing(const char *what, FILE *out);

/* ---- explain.c ----------------------------------------------------------------------------- */

void print_messages(FILE *out);
void print_errors_page(FILE *out);

/* ---- editors.c, manual.c: pages and files made of the tables -------------------------------- */

void print_vim(FILE *out);
void print_textmate(FILE *out);
void print_cli_page(FILE *out);
void print_sgc_man(FILE *out);
void print_model_man(FILE *out);

/* ---- program.c ----------------------------------------------------------------------------- */

/* A model and the entries that were made of each of its graphs. */
typedef struct Program {
    IrModel *model;
    IrGraph (*entry)[IR_ENTRIES]; /* [model graphs] */
} Program;

/* Groups the graphs of a parsed .sgir file: a model has one graph a name, whose later stages are
 * its entries. */
void program_group(Program *p, const IrModel *parsed, Arena *a);
/* Derives the entries of every source graph and runs the passes on them; an entry goes on from
 * where it is. */
bool program_derive(Program *p, PassCtx *cx, PassHook *hook, void *context);
/* The model with one graph alone, so that its text is valid input. */
IrModel program_alone(const IrModel *m, const IrGraph *g, Arena *a);
/* The model with the entries in the place of the graphs that they were derived from. */
IrModel program_flat(const Program *p, Arena *a);

/* ---- watch.c ------------------------------------------------------------------------------- */

/* Watches the pipeline for --dump-dir, --print-after, --time-passes and --remarks. */
typedef struct Watch Watch;

Watch *watch_new(const Options *o, const IrModel *m, Arena *a); /* NULL: no dump directory */
void watch_start(Watch *w, const IrGraph *g);                   /* before a pass */
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
#define WORKSPACE_CODE "code" /* the model's object file, */
#define WORKSPACE_PART "part" /* and another file on the way to one of them */
const char *workspace_open(const char *output, Arena *a);
void workspace_close(void);
/* Makes the folder, and those it is in, unless they are there.  False: the reason was printed. */
bool make_folder(const char *path);
/* Makes `made` the file `output`, at once; "-" is the standard output. */
bool publish(const char *made, const char *output);
/* The whole of a file, with a final 0; NULL: the reason was printed. */
char *read_text(const char *path, Arena *a);
/* A crash ends with status SGC_INTERNAL, and no crash or signal leaves the workspace behind. */
void install_handlers(void);

/* ---- crash.c ------------------------------------------------------------------------------- */

/* Keep what the next step begins with, and the flags that make sgc do this step alone.  `model` is
 * borrowed; the graphs are printed now. */
void crash_keep_model(const Options *o, const char *model, bool is_dump, const char *step,
                      Arena *a);
void crash_keep_graphs(const Options *o, const IrModel *m, const char *step, Arena *a);
void crash_forget(void);
/* Writes what was kept, and says so. */
void crash_report(void);

/* ---- link.c -------------------------------------------------------------------------------- */

/* Links a model's object file with the runtime; `needs`: what it needs of the CPU, "avx2,fma". */
bool link_model(const char *object, const char *output, const char *needs, bool verbose, Arena *a);

/* Where sgc itself stands; NULL: the reason was printed. */
const char *own_folder(Arena *a);

/* A command, in words. */
enum { MAX_WORDS = 128 };
typedef struct Words {
    char *word[MAX_WORDS];
    size_t words;
} Words;

/* Splits `text` at `separator` and appends what is not empty. */
void words_add(Words *c, Arena *a, const char *text, char separator);
/* The beginning and the end of a command that links: the compiler, and flags of the environment. */
void words_add_linker(Words *c, Arena *a);
void words_add_environment(Words *c, Arena *a);
/* The folder of the runtime's archives; NULL: the reason was printed. */
const char *runtime_folder(Arena *a);
/* Runs it.  False: what is wrong was printed, as a failure of `what`. */
bool words_run(const Words *c, const char *what, bool verbose);
/* The archives of the runtime.  False: they are not there, which was printed. */
bool words_add_runtime(Words *c, Arena *a, const char *needs);

/* ---- library.c ----------------------------------------------------------------------------- */

#define LIBRARY_LINK_FLAGS "-lm -pthread" /* of a program that holds a model */

typedef struct LibraryOptions {
    const char *model; /* the prefix of its symbols */
    const char *stem;  /* "vae" of "libvae.a" */
    const char *file;  /* the name of the shared library, by which a program looks for it */
    const char *needs; /* of the CPU: "avx2,fma" */
    bool verbose;
} LibraryOptions;

/* Make an object, or a library, with all that a model's code needs; `part` is a file for the work. */
bool make_object(const char *code, const char *output, const LibraryOptions *o, Arena *a);
bool make_library(const char *code, const char *part, const char *output, bool is_shared,
                  const LibraryOptions *o, Arena *a);
bool write_pkg_config(const LibraryOptions *o, const char *version, const char *path);

#endif
