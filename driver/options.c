/* The command line, by the rows of command.def and flag.def. */
#include "driver/driver.h"

#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PARTS = 1024 };

const EmitInfo emit_info[] = {
#define GRAPHS false, false
#define CODE true, false
#define LINKED true, true
#define EMIT(id, name, prefix, suffix, needs, doc) {name, prefix, suffix, needs, doc},
#include "driver/emit.def"
#undef GRAPHS
#undef CODE
#undef LINKED
};

const CommandInfo command_info[] = {
#define COMMAND(name, words, doc) {#name, words, doc, command_##name},
#include "driver/command.def"
};

typedef struct Parser {
    Options *o;
    Arena *arena;
    FeDim *dim;
    unsigned long long given; /* mask of flags: bit i is flag_info[i] */
    bool named;               /* the command was written */
} Parser;

/* ---- lists of words ------------------------------------------------------------------------- */

const char *list_next(const char *word)
{
    const char *comma = strchr(word, ',');
    return comma ? comma + 1 : NULL;
}

bool list_word_is(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && (!word[len] || word[len] == ',');
}

bool list_has(const char *list, const char *name)
{
    while (list && !list_word_is(list, name))
        list = list_next(list);
    return list;
}

/* ---- flags that are more than a text or a switch -------------------------------------------- */

typedef bool SetFn(Parser *p, const char *value);

static bool parse_int(const char *text, int64_t *value)
{
    char *end;
    *value = strtoll(text, &end, 10);
    return end != text && *end == 0;
}

static bool unknown_kind(const char *word, Arena *a)
{
    const char *kinds = emit_info[0].name;
    Suggestion close = {.wanted = arena_copy(a, word, strcspn(word, ","))};
    for (unsigned k = 0; k < EMIT_KINDS; k++)
        fe_suggest(&close, emit_info[k].name);
    if (close.best)
        return complain(SG1002, NULL, "--emit: unknown kind '%s'; did you mean %s?", close.wanted,
                        close.best);
    for (unsigned k = 1; k < EMIT_KINDS; k++)
        kinds = arena_printf(a, "%s, %s", kinds, emit_info[k].name);
    return complain(SG1002, NULL, "--emit: unknown kind '%.*s'; the kinds are %s",
                    (int)strcspn(word, ","), word, kinds);
}

static bool set_emit(Parser *p, const char *value)
{
    p->o->emit = 0;
    for (const char *word = value; word; word = list_next(word)) {
        unsigned k = 0;
        while (k < EMIT_KINDS && !list_word_is(word, emit_info[k].name))
            k++;
        if (k == EMIT_KINDS)
            return unknown_kind(word, p->arena);
        p->o->emit |= 1u << k | (k == EMIT_PROOF ? 1u << EMIT_CERT : 0);
    }
    return true;
}

static bool set_dim(Parser *p, const char *value)
{
    const char *eq = strchr(value, '=');
    int64_t size;
    if (!eq || eq == value || !parse_int(eq + 1, &size))
        return complain(SG1002, NULL, "--dim: '%s' is not name=integer", value);
    FeDim *d = arena_push(p->arena, p->dim, p->o->dims, FeDim);
    *d = (FeDim){arena_copy(p->arena, value, (size_t)(eq - value)), size};
    p->o->dim = p->dim;
    return true;
}

static bool set_name(Parser *p, const char *value)
{
    const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    bool ok = *value && strchr(letters, *value);
    for (const char *c = value; ok && *c; c++)
        ok = strchr(letters, *c) || (*c >= '0' && *c <= '9');
    if (!ok)
        return complain(SG1002, NULL,
                        "--name: '%s' is no name: letters, digits and _, no digit first", value);
    p->o->name = value;
    return true;
}

static bool set_real(Parser *p, const char *value)
{
    if (strcmp(value, "f32") != 0 && strcmp(value, "f64") != 0)
        return complain(SG1002, NULL, "--real: '%s' is neither f32 nor f64", value);
    p->o->real_bytes = value[1] == '3' ? 4 : 8;
    return true;
}

static bool set_O0(Parser *p, const char *value)
{
    (void)value;
    p->o->level = 0;
    return true;
}

static bool set_O1(Parser *p, const char *value)
{
    (void)value;
    p->o->level = 1;
    return true;
}

static bool set_O2(Parser *p, const char *value)
{
    (void)value;
    p->o->level = 2;
    return true;
}

static bool set_remarks(Parser *p, const char *value)
{
    p->o->remarks = true;
    p->o->remarks_json = value != NULL;
    return !value || strcmp(value, "json") == 0 ||
           complain(SG1002, NULL, "--remarks: '%s' is not json", value);
}

static bool set_parts(Parser *p, const char *value)
{
    if (!parse_int(value, &p->o->parts) || p->o->parts < 1 || p->o->parts > MAX_PARTS)
        return complain(SG1002, NULL, "--parts: '%s' is not an integer from 1 to %d", value,
                        MAX_PARTS);
    return true;
}

static bool set_diagnostics(Parser *p, const char *value)
{
    p->o->json = strcmp(value, "json") == 0;
    return p->o->json || strcmp(value, "text") == 0 ||
           complain(SG1002, NULL, "--diagnostics: '%s' is neither text nor json", value);
}

/* https://no-color.org: set and not empty. */
static bool colors_suit(void)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(no && *no) && terminal && strcmp(terminal, "dumb") != 0 && isatty(STDERR_FILENO);
}

static bool set_color(Parser *p, const char *value)
{
    bool is_auto = strcmp(value, "auto") == 0;
    p->o->color = is_auto ? colors_suit() : strcmp(value, "always") == 0;
    return is_auto || p->o->color || strcmp(value, "never") == 0 ||
           complain(SG1002, NULL, "--color: '%s' is none of auto, always and never", value);
}

/* NULL: there is no such pass. */
static const PassInfo *find_pass(const char *word)
{
    for (size_t i = 0; i < pass_count; i++)
        if (list_word_is(word, pass_info[i].name))
            return &pass_info[i];
    return NULL;
}

static bool no_pass(const char *flag, const char *word, Arena *a)
{
    const char *name = arena_copy(a, word, strcspn(word, ","));
    Suggestion close = {.wanted = name};
    for (size_t i = 0; i < pass_count; i++)
        fe_suggest(&close, pass_info[i].name);
    if (close.best)
        return complain(SG1002, NULL, "%s: no pass '%s'; did you mean %s?", flag, name, close.best);
    return complain(SG1002, NULL, "%s: no pass '%s'; see sgc --print=passes", flag, name);
}

static bool set_print_after(Parser *p, const char *value)
{
    p->o->print_after = value;
    for (const char *word = value; word; word = list_next(word))
        if (!find_pass(word) && !list_word_is(word, "all") && !list_word_is(word, "frontend"))
            return no_pass("--print-after", word, p->arena);
    return true;
}

static bool set_passes(Parser *p, const char *value)
{
    p->o->passes = 0;
    for (const char *word = value; word; word = list_next(word)) {
        const PassInfo *pass = find_pass(word);
        if (!pass)
            return no_pass("--passes", word, p->arena);
        *arena_push(p->arena, p->o->pass, p->o->passes, const PassInfo *) = pass;
    }
    return true;
}

static bool set_stop_after(Parser *p, const char *value)
{
    p->o->frontend_only = strcmp(value, "frontend") == 0;
    p->o->last = find_pass(value);
    return p->o->frontend_only || (p->o->last && !strchr(value, ',')) ||
           no_pass("--stop-after", value, p->arena);
}

/* ---- the table ------------------------------------------------------------------------------ */

enum {
    BUILD = 1 << COMMAND_build,
    CHECK = 1 << COMMAND_check,
    VERIFY = 1 << COMMAND_verify,
    PROVE = 1 << COMMAND_prove,
    FMT = 1 << COMMAND_fmt,
    ALL = ~0
};

static const struct Flag {
    const char *name, *value;
    SetFn *set;    /* NULL: a text or a switch */
    size_t offset; /* of its field in Options */
    int commands;
    const char *doc;
    bool optional; /* its value */
} flag_info[] = {
#define TEXT(name, value, field, commands, doc)                                                    \
    {name, value, NULL, offsetof(Options, field), commands, doc, false},
#define SWITCH(name, field, commands, doc)                                                         \
    {name, NULL, NULL, offsetof(Options, field), commands, doc, false},
#define FLAG(name, value, set, commands, doc) {name, value, set_##set, 0, commands, doc, false},
#define OPTIONAL(name, value, set, commands, doc) {name, value, set_##set, 0, commands, doc, true},
#include "driver/flag.def"
};
enum { FLAGS = sizeof flag_info / sizeof *flag_info };
_Static_assert(FLAGS <= 64, "Parser.given has a bit for every flag");

/* A flag that begins with two dashes; the others are too short to be misspelt. */
static bool is_long(const char *name)
{
    return name[1] == '-';
}

static bool set(Parser *p, const struct Flag *f, const char *value)
{
    p->given |= 1ull << (f - flag_info);
    void *field = (char *)p->o + f->offset;
    if (f->set)
        return f->set(p, value);
    if (f->value)
        *(const char **)field = value;
    else
        *(bool *)field = true;
    return true;
}

const char *flag_text(size_t i, char *left, size_t size)
{
    if (i >= FLAGS)
        return NULL;
    const struct Flag *f = &flag_info[i];
    const char *joint = !f->value ? "" : is_long(f->name) ? "=" : " ";
    const char *open = f->optional ? "[" : "", *close = f->optional ? "]" : "";
    snprintf(left, size, "%s%s%s%s%s", f->name, open, joint, f->value ? f->value : "", close);
    return f->doc;
}

static void print_flags(FILE *out)
{
    char left[64];
    const char *doc;
    for (size_t i = 0; (doc = flag_text(i, left, sizeof left)); i++)
        fprintf(out, "  %-24s %s\n", left, doc);
}

void print_usage(FILE *out)
{
    fputs("usage: sgc [COMMAND] [FLAG...] FILE\n\n", out);
    for (size_t c = 0; c < COMMANDS; c++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", command_info[c].name, command_info[c].words);
        fprintf(out, "  %-24s %s\n", left, command_info[c].doc);
    }
}

void print_help(FILE *out)
{
    fputs("sgc compiles stochastic graphs to executables that train, evaluate and run them.\n\n",
          out);
    print_usage(out);
    fputc('\n', out);
    print_flags(out);
    fputs("\nexit status: 0 done, 1 the model or a file is wrong, 2 usage, 70 a fault of sgc\n",
          out);
}

/* ---- reading -------------------------------------------------------------------------------- */

static bool unknown(const char *arg, Arena *a)
{
    const char *name = arena_copy(a, arg, strcspn(arg, "="));
    Suggestion close = {.wanted = is_long(name) ? name + 2 : name};
    for (size_t i = 0; i < FLAGS; i++)
        if (is_long(flag_info[i].name))
            fe_suggest(&close, flag_info[i].name + 2);
    if (close.best)
        return complain(SG1001, NULL, "unknown option %s; did you mean --%s?", name, close.best);
    return complain(SG1001, NULL, "unknown option %s; see sgc --help", name);
}

static const struct Flag *find(const char *arg, size_t len)
{
    for (size_t i = 0; i < FLAGS; i++)
        if (strlen(flag_info[i].name) == len && memcmp(flag_info[i].name, arg, len) == 0)
            return &flag_info[i];
    return NULL;
}

/* One flag, and its value if it stands in the next word. */
static bool parse_flag(Parser *p, char **argv, int argc, int *i)
{
    const char *arg = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i], *eq = strchr(arg, '=');
    const struct Flag *f = find(arg, eq ? (size_t)(eq - arg) : strlen(arg));
    if (!f)
        return unknown(arg, p->arena);
    if (!f->value)
        return eq ? complain(SG1002, NULL, "%s takes no value", f->name) : set(p, f, NULL);
    if (f->optional)
        return set(p, f, eq ? eq + 1 : NULL);
    if (!eq && *i + 1 >= argc)
        return complain(SG1002, NULL, "%s needs a value: %s", f->name, f->value);
    return set(p, f, eq ? eq + 1 : argv[++*i]);
}

static void add_input(Parser *p, const char *word)
{
    *arena_push(p->arena, p->o->input, p->o->inputs, const char *) = word;
}

/* The first word may name the command; the others are files.  Models have a verb `help`. */
static void parse_word(Parser *p, const char *word)
{
    if (strcmp(word, "help") == 0 && !p->named && p->o->inputs == 0) {
        p->o->help = p->named = true;
        return;
    }
    for (Command c = 0; c < COMMANDS && !p->named && p->o->inputs == 0; c++)
        if (strcmp(word, command_info[c].name) == 0) {
            p->o->command = c;
            p->named = true;
            return;
        }
    add_input(p, word);
}

/* Code is made of what the last pass leaves. */
static bool check_passes(const Options *o)
{
    const PassInfo *end = &pass_info[pass_count - 1];
    const PassInfo *last = o->last ? o->last : o->pass ? o->pass[o->passes - 1] : end;
    bool listed = !o->pass || !o->last;
    for (size_t i = 0; i < o->passes; i++)
        listed = listed || o->pass[i] == o->last;
    if (!listed)
        return complain(SG1003, NULL, "--stop-after: %s is not one of --passes", o->last->name);
    for (Emit k = 0; k < EMIT_KINDS && (last != end || o->frontend_only); k++)
        if (o->emit >> k & 1 && emit_info[k].code)
            return complain(SG1003, NULL, "--emit=%s needs the passes up to %s; --emit=ir does not",
                            emit_info[k].name, end->name);
    return true;
}

/* The first of several words, if it is no file: was a command meant? */
static bool misspelt_command(const char *word)
{
    Suggestion close = {.wanted = word};
    if (access(word, F_OK) == 0)
        return false;
    for (Command c = 0; c < COMMANDS; c++)
        fe_suggest(&close, command_info[c].name);
    if (close.best)
        complain(SG1004, NULL, "sgc has no command %s; did you mean %s?", word, close.best);
    else
        complain(SG1004, NULL, "sgc has no command %s; see sgc --help", word);
    return true;
}

static bool check(const Parser *p)
{
    const Options *o = p->o;
    const char *name = command_info[o->command].name;
    for (size_t i = 0; i < FLAGS; i++)
        if (p->given >> i & 1 && !(flag_info[i].commands >> o->command & 1))
            return complain(SG1003, NULL, "sgc %s takes no %s", name, flag_info[i].name);
    if (o->help || o->version || o->print)
        return true;
    if (o->inputs == 0)
        return complain(SG1004, NULL,
                        "no %s given; usage: sgc %s%s[FLAG...] %s, and sgc --help says more",
                        o->command == COMMAND_explain ? "CODE" : "FILE", p->named ? name : "",
                        p->named ? " " : "", command_info[o->command].words);
    if (o->command != COMMAND_build && o->command != COMMAND_prove)
        return true;
    if (o->inputs > 1 && !p->named && misspelt_command(o->input[0]))
        return false;
    if (o->inputs > 1)
        return complain(SG1004, NULL, "one FILE at a time: '%s' and '%s'", o->input[0],
                        o->input[1]);
    if (o->output && o->out_dir)
        return complain(SG1003, NULL, "-o names a file: --out-dir has no meaning beside it");
    for (Emit k = 0; o->target && k < EMIT_KINDS; k++)
        if (o->emit >> k & 1 && emit_info[k].links)
            return complain(
                SG1003, NULL,
                "--target stops before linking: --emit=%s is for this machine; obj, asm, "
                "llvm and bc are for any",
                emit_info[k].name);
    return check_passes(o);
}

static int64_t cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

bool options_parse(int argc, char **argv, Options *o, Arena *a)
{
    *o = (Options){.cpu = "native",
                   .emit = 1u << EMIT_EXE,
                   .real_bytes = 4,
                   .parts = cores(),
                   .color = colors_suit(),
                   .level = 2};
    Parser p = {.o = o, .arena = a};
    bool ok = true, flags = true;
    complaints_wait();
    for (int i = 1; i < argc; i++) {
        bool is_flag = argv[i][0] == '-' && argv[i][1];
        if (!flags)
            add_input(&p, argv[i]);
        else if (strcmp(argv[i], "--") == 0)
            flags = false;
        else if (!is_flag)
            parse_word(&p, argv[i]);
        else
            ok = parse_flag(&p, argv, argc, &i) && ok;
    }
    ok = ok && check(&p);
    complaints_begin(message_style(o));
    return ok;
}
