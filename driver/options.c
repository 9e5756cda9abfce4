/* The command line.  A flag is one row of `flag`: --help prints the rows. */
#include "driver/driver.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

const char *const emit_name[] = {"sg", "ir", "llvm", "asm", "obj", "exe"};
const char *const emit_suffix[] = {".step.sg", ".sgir", ".ll", ".s", ".o", ""};

enum { MAX_PARTS = 1024 };

typedef struct Parser {
    Options *o;
    Arena *arena;
    FeDim *dim;
} Parser;

typedef bool SetFn(Parser *p, const char *value);

typedef struct Flag {
    const char *name, *value; /* value: what --help calls it; NULL: takes none */
    SetFn *set;
    const char *doc;
} Flag;

bool complain(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("sgc: error: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return false;
}

static const char *next_word(const char *word)
{
    const char *comma = strchr(word, ',');
    return comma ? comma + 1 : NULL;
}

static bool word_is(const char *word, const char *name)
{
    size_t len = strlen(name);
    return strncmp(word, name, len) == 0 && (!word[len] || word[len] == ',');
}

bool list_has(const char *list, const char *name)
{
    while (list && !word_is(list, name))
        list = next_word(list);
    return list;
}

static bool parse_int(const char *text, int64_t *value)
{
    char *end;
    *value = strtoll(text, &end, 10);
    return end != text && *end == 0;
}

static bool set_output(Parser *p, const char *value)
{
    p->o->output = value;
    return true;
}

static bool set_emit(Parser *p, const char *value)
{
    p->o->emit = 0;
    for (const char *word = value; word; word = next_word(word)) {
        unsigned k = 0;
        while (k < EMIT_KINDS && !word_is(word, emit_name[k]))
            k++;
        if (k == EMIT_KINDS)
            return complain("--emit: unknown kind '%.*s'; the kinds are exe, obj, sg, ir, llvm, asm",
                            (int)strcspn(word, ","), word);
        p->o->emit |= 1u << k;
    }
    return true;
}

static bool set_dim(Parser *p, const char *value)
{
    const char *eq = strchr(value, '=');
    int64_t size;
    if (!eq || eq == value || !parse_int(eq + 1, &size))
        return complain("--dim: '%s' is not name=integer", value);
    FeDim *d = arena_push(p->arena, p->dim, p->o->dims, FeDim);
    *d = (FeDim){arena_copy(p->arena, value, (size_t)(eq - value)), size};
    p->o->dim = p->dim;
    return true;
}

static bool set_real(Parser *p, const char *value)
{
    if (strcmp(value, "f32") != 0 && strcmp(value, "f64") != 0)
        return complain("--real: '%s' is neither f32 nor f64", value);
    p->o->real_bytes = value[1] == '3' ? 4 : 8;
    return true;
}

static bool set_cpu(Parser *p, const char *value)
{
    p->o->cpu = value;
    return true;
}

static bool set_parts(Parser *p, const char *value)
{
    if (!parse_int(value, &p->o->parts) || p->o->parts < 1 || p->o->parts > MAX_PARTS)
        return complain("--parts: '%s' is not an integer from 1 to %d", value, MAX_PARTS);
    return true;
}

static bool set_dump_dir(Parser *p, const char *value)
{
    p->o->dump_dir = value;
    return true;
}

static bool is_pass(const char *word)
{
    size_t i = 0;
    while (i < pass_count && !word_is(word, pass_info[i].name))
        i++;
    return i < pass_count || word_is(word, "all");
}

static bool set_print_after(Parser *p, const char *value)
{
    p->o->print_after = value;
    for (const char *word = value; word; word = next_word(word))
        if (!is_pass(word))
            return complain("--print-after: there is no pass '%.*s'; see sgc --help",
                            (int)strcspn(word, ","), word);
    return true;
}

static bool set_time_passes(Parser *p, const char *value)
{
    (void)value;
    return p->o->time_passes = true;
}

static bool set_remarks(Parser *p, const char *value)
{
    (void)value;
    return p->o->remarks = true;
}

static bool set_verbose(Parser *p, const char *value)
{
    (void)value;
    return p->o->verbose = true;
}

static const Flag flag[] = {
    {"-o", "FILE", set_output, "the file to write; - is the standard output"},
    {"--emit", "KIND,...", set_emit, "exe (default), obj, sg, ir, llvm, asm"},
    {"--dim", "NAME=SIZE", set_dim, "another value for a dim of the model"},
    {"--real", "f32|f64", set_real, "the type of real numbers; default f32"},
    {"--cpu", "NAME", set_cpu, "the CPU to compile for; default native"},
    {"--parts", "P", set_parts, "most useful threads; default this machine's cores"},
    {"--remarks", NULL, set_remarks, "say what was chosen for each draw and cost, and why"},
    {"--print-after", "PASS,...", set_print_after, "print the graphs after passes, or all"},
    {"--dump-dir", "DIR", set_dump_dir, "one file for every pass that changed a graph"},
    {"--time-passes", NULL, set_time_passes, "a table of where the time went"},
    {"-v", NULL, set_verbose, "show the link command"},
};
enum { FLAGS = sizeof flag / sizeof *flag };

/* A flag that begins with two dashes; the others are too short to be misspelt. */
static bool is_long(const char *name)
{
    return name[1] == '-';
}

static void print_help(void)
{
    puts("usage: sgc [FLAG...] FILE\n\n"
         "Compiles a stochastic graph (.sg, or .sgir to resume from a dump) to an executable that\n"
         "trains, evaluates and runs the model.\n");
    for (size_t i = 0; i < FLAGS; i++) {
        char left[64];
        const char *joint = !flag[i].value ? "" : is_long(flag[i].name) ? "=" : " ";
        snprintf(left, sizeof left, "%s%s%s", flag[i].name, joint,
                 flag[i].value ? flag[i].value : "");
        printf("  %-24s %s\n", left, flag[i].doc);
    }
    puts("  --help, --version\n\npasses, in order:");
    for (size_t i = 0; i < pass_count; i++)
        printf("  %-24s %s\n", pass_info[i].name, pass_info[i].doc);
    puts("\nexit status: 0 done, 1 the model or a file is wrong, 2 usage, 3 a fault of sgc");
}

static bool unknown(const char *arg, Arena *a)
{
    const char *name = arena_copy(a, arg, strcspn(arg, "="));
    Suggestion close = {.wanted = is_long(name) ? name + 2 : name};
    for (size_t i = 0; i < FLAGS; i++)
        if (is_long(flag[i].name))
            fe_suggest(&close, flag[i].name + 2);
    if (close.best)
        return complain("unknown option %s; did you mean --%s?", name, close.best);
    return complain("unknown option %s; see sgc --help", name);
}

static const Flag *find(const char *arg, size_t len)
{
    for (size_t i = 0; i < FLAGS; i++)
        if (strlen(flag[i].name) == len && memcmp(flag[i].name, arg, len) == 0)
            return &flag[i];
    return NULL;
}

/* One flag, and its value if it stands in the next word. */
static bool parse_flag(Parser *p, char **argv, int argc, int *i)
{
    const char *arg = argv[*i], *eq = strchr(arg, '=');
    const Flag *f = find(arg, eq ? (size_t)(eq - arg) : strlen(arg));
    if (!f)
        return unknown(arg, p->arena);
    if (!f->value)
        return eq ? complain("%s takes no value", f->name) : f->set(p, NULL);
    if (!eq && *i + 1 >= argc)
        return complain("%s needs a value: %s", f->name, f->value);
    return f->set(p, eq ? eq + 1 : argv[++*i]);
}

static int64_t cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

Parsed options_parse(int argc, char **argv, Options *o, Arena *a)
{
    *o = (Options){.cpu = "native", .emit = 1u << EMIT_EXE, .real_bytes = 4, .parts = cores()};
    Parser p = {.o = o, .arena = a};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help();
            return PARSED_DONE;
        }
        if (strcmp(argv[i], "--version") == 0) {
            puts("sgc " SGC_VERSION);
            return PARSED_DONE;
        }
        bool is_flag = argv[i][0] == '-' && argv[i][1];
        if (is_flag ? !parse_flag(&p, argv, argc, &i)
                    : o->input && !complain("one FILE at a time: '%s' and '%s'", o->input, argv[i]))
            return PARSED_WRONG;
        if (!is_flag)
            o->input = argv[i];
    }
    if (!o->input) {
        complain("no FILE given; usage: sgc [FLAG...] FILE, and sgc --help says more");
        return PARSED_WRONG;
    }
    return PARSED_RUN;
}
