/* docs/cli.md, sgc(1) and sgc-model(1), made of the tables that the programs read. */
#include "driver/driver.h"

#include <ctype.h>
#include <string.h>

/* A page is headings, paragraphs and lists of a term and what it is, in one of two forms. */
typedef struct Page {
    FILE *out;
    bool man; /* troff; else Markdown */
} Page;

/* A hyphen of a flag is a minus, and a dot at the start of a line would be a request. */
static void put_troff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", out);
    for (; *text; text++)
        if (*text == '-')
            fputs("\\-", out);
        else if (*text == '\\')
            fputs("\\e", out);
        else
            fputc(*text, out);
}

static void heading(const Page *p, const char *text)
{
    if (!p->man) {
        fprintf(p->out, "\n## %s\n\n", text);
        return;
    }
    fputs(".SH \"", p->out);
    for (; *text; text++)
        fputc(toupper((unsigned char)*text), p->out);
    fputs("\"\n", p->out);
}

static void paragraph(const Page *p, const char *text)
{
    if (p->man)
        put_troff(text, p->out);
    else
        fputs(text, p->out);
    fputs(p->man ? "\n" : "\n\n", p->out);
}

/* A bar would end the cell of a table. */
static void put_cell(const char *text, FILE *out)
{
    for (; *text; text++)
        fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void list(const Page *p, const char *term, const char *what)
{
    if (p->man)
        return;
    fprintf(p->out, "| %s | %s |\n|---|---|\n", term, what);
}

static void item(const Page *p, const char *term, const char *what)
{
    if (p->man) {
        fputs(".TP\n\\fB", p->out);
        put_troff(term, p->out);
        fputs("\\fR\n", p->out);
        put_troff(what, p->out);
        fputc('\n', p->out);
        return;
    }
    fputs("| `", p->out);
    put_cell(term, p->out);
    fputs("` | ", p->out);
    put_cell(what, p->out);
    fputs(" |\n", p->out);
}

/* ---- sgc ----------------------------------------------------------------------------------- */

static const char *const status[][2] = {
    {"0", "done"},
    {"1", "the program, a file or the environment is wrong; messages say what"},
    {"2", "the command line is wrong"},
    {"70", "a fault of sgc: what it was doing is left in sgc-crash.sgir, with the command that "
           "repeats it"},
};

static const char *const environment[][2] = {
    {"NO_COLOR", "set and not empty: messages have no colours, unless --color=always"},
    {"TERM", "dumb: the same"},
    {"CC", "what links models, in the place of the compiler that sgc was built with"},
    {"LDFLAGS", "more flags for it"},
};

#define LIST(page, table)                                                                          \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)                                   \
    item(page, (table)[i][0], (table)[i][1])

static void sgc_page(const Page *p)
{
    char left[64];
    heading(p, "Commands");
    list(p, "command", "what it does");
    for (Command c = 0; c < COMMANDS; c++) {
        snprintf(left, sizeof left, "sgc %s %s", command_info[c].name, command_info[c].words);
        item(p, left, command_info[c].doc);
    }
    heading(p, "Flags");
    paragraph(p,
              "A flag's value follows = or stands in the next word. Each command takes the flags "
              "that mean something to it, and names any other. After -- there are no flags: a file may "
              "be called -x.sg.");
    list(p, "flag", "what it does");
    const char *doc;
    for (size_t i = 0; (doc = flag_text(i, left, sizeof left)); i++)
        item(p, left, doc);
    heading(p, "Kinds of files");
    list(p, "--emit=", "writes");
    for (Emit k = 0; k < EMIT_KINDS; k++)
        item(p, emit_info[k].name, emit_info[k].doc);
    heading(p, "Exit status of sgc");
    list(p, "status", "meaning");
    LIST(p, status);
    heading(p, "Environment");
    list(p, "variable", "meaning");
    LIST(p, environment);
}

/* ---- models -------------------------------------------------------------------------------- */

static const char *const verb[][3] = {
#define VERB(id, name, usage, help) {name, usage, help},
#include "runtime/verbs.def"
};

/* The field weight_decay is --weight-decay. */
static const char *const option[][3] = {
#define OPTION(field, kind, low, verbs, argument, help) {#field, argument, help},
#include "runtime/options.def"
};

static const char *const model_status[][2] = {
    {"0", "done"},
    {"1", "it failed: a file, data, memory, or a check that found a mismatch"},
    {"2", "the command line is wrong"},
    {"3", "the computation became infinite or not a number"},
    {"130, 143", "interrupted by ^C or SIGTERM; the state is saved, and --resume goes on with it"},
};

static void model_page(const Page *p)
{
    char left[128];
    heading(p, "Verbs of a model");
    list(p, "verb", "what it does");
    for (size_t i = 0; i < sizeof verb / sizeof *verb; i++) {
        snprintf(left, sizeof left, "%s %s", verb[i][0], verb[i][1]);
        item(p, left, verb[i][2]);
    }
    heading(p, "Options of a model");
    paragraph(p,
              "name=VALUE is data (a file), a hyper (a number) or an output (a file to write) of "
              "the model; --option is the program's, and after -- there are none. MODEL help VERB lists what a "
              "verb takes.");
    list(p, "option", "what it does");
    for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
        snprintf(left, sizeof left, "--%s%s%s", option[i][0], *option[i][1] ? " " : "",
                 option[i][1]);
        for (char *c = left; *c && *c != ' '; c++)
            *c = *c == '_' ? '-' : *c;
        item(p, left, option[i][2]);
    }
    heading(p, "Exit status of a model");
    list(p, "status", "meaning");
    LIST(p, model_status);
}

/* ---- pages --------------------------------------------------------------------------------- */

void print_cli_page(FILE *out)
{
    const Page p = {.out = out};
    fputs("# The command line\n\n"
          "`sgc` compiles a model; the executable that it makes trains, evaluates and runs it. The "
          "page "
          "is made of\nthe tables that both read, by `sgc --print=cli.md`; `sgc(1)` and "
          "`sgc-model(1)` "
          "say the same.\n",
          out);
    sgc_page(&p);
    model_page(&p);
}

static void man_head(const char *name, const char *doc, const char *usage, FILE *out)
{
    fprintf(out,
            ".TH %s 1 \"\" \"sgc " SGC_VERSION "\" \"sgc\"\n.SH NAME\n%s \\- %s\n.SH SYNOPSIS\n",
            name, name, doc);
    put_troff(usage, out);
    fputc('\n', out);
}

void print_sgc_man(FILE *out)
{
    const Page p = {.out = out, .man = true};
    man_head("sgc", "compile stochastic graphs to programs that train themselves",
             "sgc [COMMAND] [FLAG...] FILE", out);
    sgc_page(&p);
    fputs(".SH \"SEE ALSO\"\nsgc\\-model(1)\n", out);
}

void print_model_man(FILE *out)
{
    const Page p = {.out = out, .man = true};
    man_head("sgc-model", "a model that sgc compiled", "MODEL VERB [name=VALUE...] [--option...]",
             out);
    model_page(&p);
    fputs(".SH \"SEE ALSO\"\nsgc(1)\n", out);
}
