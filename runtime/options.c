/* Parsing by the rows of options.def and verbs.def. */
#include "runtime/options.h"

#include "runtime/memory.h"
#include "runtime/suggest.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum Kind { INTEGER, REAL, TEXT, FLAG, LIST } Kind;

typedef enum VerbBit {
#define VERB(id, name, usage, help) FOR_##id = 1 << SGRT_VERB_##id,
#include "runtime/verbs.def"
} VerbBit;

static const struct {
    const char *name, *usage, *help;
} verb_row[] = {
#define VERB(id, name, usage, help) {name, usage, help},
#include "runtime/verbs.def"
};

typedef struct Option {
    const char *field; /* the option's name with _ for - */
    size_t offset;     /* of the field in SgrtOptions */
    Kind kind;
    double low;
    int verbs;
    const char *argument, *help;
} Option;

static const Option option_row[] = {
#define OPTION(field, kind, low, verbs, argument, help)                                            \
    {#field, offsetof(SgrtOptions, field), kind, low, verbs, argument, help},
#include "runtime/options.def"
};

enum { OPTIONS = sizeof option_row / sizeof option_row[0], LONGEST = 64 };

SgrtVerb sgrt_verb_find(const char *name)
{
    for (int i = 0; i < SGRT_VERB_COUNT; i++)
        if (strcmp(name, sgrt_verb_name((SgrtVerb)i)) == 0)
            return (SgrtVerb)i;
    return SGRT_VERB_COUNT;
}

const char *sgrt_verb_name(SgrtVerb verb)
{
    return verb_row[verb].name;
}

bool sgrt_parse_integer(const char *text, int64_t *value)
{
    char *end = NULL;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && end != text && !*end;
}

bool sgrt_parse_real(const char *text, double *value)
{
    char *end = NULL;
    *value = strtod(text, &end);
    return end != text && !*end && !isnan(*value);
}

static void *field_of(SgrtOptions *o, const Option *option)
{
    return (char *)o + option->offset;
}

static void set_absent(SgrtOptions *o)
{
    for (int i = 0; i < OPTIONS; i++)
        if (option_row[i].kind == INTEGER)
            *(int64_t *)field_of(o, &option_row[i]) = -1;
        else if (option_row[i].kind == REAL)
            *(double *)field_of(o, &option_row[i]) = NAN;
}

/* --weight-decay for weight_decay. */
static const char *spelling(const Option *option, char *out)
{
    size_t i = 0;
    for (; option->field[i] && i < LONGEST - 1; i++)
        out[i] = option->field[i] == '_' ? '-' : option->field[i];
    out[i] = 0;
    return out;
}

static bool unknown_option(const char *word, SgrtVerb verb, SgrtError *e)
{
    char spelt[OPTIONS][LONGEST];
    SgrtSuggestion s = {.word = word};
    for (int i = 0; i < OPTIONS; i++)
        if (option_row[i].verbs & 1 << verb)
            sgrt_suggest(&s, spelling(&option_row[i], spelt[i]));
    if (s.nearest)
        return sgrt_fail(e, "%s has no option --%s; did you mean --%s?", sgrt_verb_name(verb), word,
                         s.nearest);
    return sgrt_fail(e, "%s has no option --%s; try help %s", sgrt_verb_name(verb), word,
                     sgrt_verb_name(verb));
}

static const Option *find_option(const char *word, SgrtVerb verb, SgrtError *e)
{
    char spelt[LONGEST];
    for (int i = 0; i < OPTIONS; i++) {
        if (strcmp(word, spelling(&option_row[i], spelt)) != 0)
            continue;
        if (option_row[i].verbs & 1 << verb)
            return &option_row[i];
        break;
    }
    unknown_option(word, verb, e);
    return NULL;
}

static bool append(SgrtList *list, const char *value, SgrtError *e)
{
    const char **grown = sgrt_grow(list->text, &list->room, list->count + 1, sizeof *grown, e);
    if (!grown)
        return false;
    list->text = grown;
    list->text[list->count++] = value;
    return true;
}

static bool take_text(SgrtOptions *o, const Option *option, const char *value, SgrtError *e)
{
    char spelt[LONGEST];
    if (!*value)
        return sgrt_fail(e, "--%s is empty", spelling(option, spelt));
    if (option->kind == LIST)
        return append(field_of(o, option), value, e);
    *(const char **)field_of(o, option) = value;
    return true;
}

static bool take_value(SgrtOptions *o, const Option *option, const char *value, SgrtError *e)
{
    char spelt[LONGEST];
    spelling(option, spelt);
    if (option->kind == TEXT || option->kind == LIST)
        return take_text(o, option, value, e);
    if (option->kind == FLAG) {
        *(bool *)field_of(o, option) = strcmp(value, "true") == 0;
        return true;
    }
    int64_t integer = 0;
    double real = 0;
    bool parsed = option->kind == INTEGER ? sgrt_parse_integer(value, &integer)
                                          : sgrt_parse_real(value, &real) && isfinite(real);
    if (option->kind == INTEGER)
        *(int64_t *)field_of(o, option) = integer;
    else
        *(double *)field_of(o, option) = real;
    if (!parsed)
        return sgrt_fail(e, "--%s %s: %s is expected", spelt, value,
                         option->kind == INTEGER ? "a whole number" : "a number");
    if ((option->kind == INTEGER ? (double)integer : real) < option->low)
        return sgrt_fail(e, "--%s %s: at least %g is expected", spelt, value, option->low);
    return true;
}

/* Takes --NAME, --NAME VALUE or --NAME=VALUE at argv[*at]. */
static bool take_option(SgrtOptions *o, int argc, char **argv, int *at, SgrtError *e)
{
    char name[LONGEST];
    const char *word = argv[*at] + 2, *equals = strchr(word, '=');
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - word) : LONGEST, word);
    const Option *option = find_option(name, o->verb, e);
    if (!option)
        return false;
    if (option->kind == FLAG) {
        *(bool *)field_of(o, option) = true;
        return !equals || sgrt_fail(e, "--%s takes no value", name);
    }
    if (equals)
        return take_value(o, option, equals + 1, e);
    if (*at + 1 >= argc)
        return sgrt_fail(e, "--%s needs a value: --%s %s", name, name, option->argument);
    return take_value(o, option, argv[++*at], e);
}

static bool take_dashed(SgrtOptions *o, int argc, char **argv, int *at, SgrtError *e)
{
    if (strcmp(argv[*at], "-Werror") == 0 && sgrt_options_has(o, "werror")) {
        o->werror = true;
        return true;
    }
    if (argv[*at][1] != '-')
        return sgrt_fail(e, "'%s' is no option; options have two dashes and a name", argv[*at]);
    return take_option(o, argc, argv, at, e);
}

static bool take_word(SgrtOptions *o, const char *word, char **next_name, SgrtError *e)
{
    const char *equals = strchr(word, '=');
    if (!equals && o->graph)
        return sgrt_fail(e, "'%s': a graph is already given, %s; data are bound by NAME=FILE", word,
                         o->graph);
    if (!equals) {
        o->graph = word;
        return true;
    }
    size_t length = (size_t)(equals - word);
    memcpy(*next_name, word, length);
    o->binding[o->bindings++] = (SgrtBinding){.name = *next_name, .value = equals + 1};
    *next_name += length + 1;
    for (int64_t i = 0; i + 1 < o->bindings; i++)
        if (strcmp(o->binding[i].name, o->binding[o->bindings - 1].name) == 0)
            return sgrt_fail(e, "%s is given twice", o->binding[i].name);
    return *equals && length > 0 && equals[1] ? true
                                              : sgrt_fail(e, "'%s': NAME=VALUE is expected", word);
}

static bool make_room(SgrtOptions *o, int argc, char **argv, SgrtError *e)
{
    int64_t bytes = 0;
    for (int i = 0; i < argc; i++)
        bytes += (int64_t)strlen(argv[i]) + 1;
    o->binding_room = argc;
    o->binding = sgrt_alloc(argc, sizeof *o->binding, e);
    o->words = o->binding ? sgrt_alloc(bytes, 1, e) : NULL;
    return o->words != NULL;
}

bool sgrt_options_parse(SgrtOptions *o, SgrtVerb verb, int argc, char **argv, SgrtError *e)
{
    const char *slash = strrchr(argv[0], '/');
    *o = (SgrtOptions){
        .program = slash ? slash + 1 : argv[0], .argv = argv, .argc = argc, .verb = verb};
    set_absent(o);
    if (!make_room(o, argc, argv, e))
        return false;
    char *next_name = o->words;
    bool ended = false; /* by --: only words follow */
    for (int i = 2; i < argc; i++) {
        bool dashed = !ended && argv[i][0] == '-';
        if (dashed && strcmp(argv[i], "--") == 0)
            ended = true;
        else if (!(dashed ? take_dashed(o, argc, argv, &i, e)
                          : take_word(o, argv[i], &next_name, e)))
            return false;
    }
    return true;
}

void sgrt_options_free(SgrtOptions *o)
{
    for (int i = 0; i < OPTIONS; i++)
        if (option_row[i].kind == LIST) {
            SgrtList *list = field_of(o, &option_row[i]);
            free(list->text);
            *list = (SgrtList){0};
        }
    free(o->binding);
    free(o->words);
    o->binding = NULL;
    o->words = NULL;
}

static bool is_absent(SgrtOptions *o, const Option *option)
{
    switch (option->kind) {
    case INTEGER:
        return *(int64_t *)field_of(o, option) == -1;
    case REAL:
        return isnan(*(double *)field_of(o, option));
    case TEXT:
        return *(const char **)field_of(o, option) == NULL;
    case FLAG:
        return !*(bool *)field_of(o, option);
    default:
        return true;
    }
}

static const Option *option_of(const SgrtOptions *o, const char *field)
{
    for (int i = 0; i < OPTIONS; i++)
        if (strcmp(field, option_row[i].field) == 0 && (option_row[i].verbs & 1 << o->verb))
            return &option_row[i];
    return NULL;
}

bool sgrt_options_has(const SgrtOptions *o, const char *field)
{
    return option_of(o, field) != NULL;
}

bool sgrt_options_fill(SgrtOptions *o, const char *field, const char *value, SgrtError *e)
{
    const Option *option = option_of(o, field);
    if (option)
        return !is_absent(o, option) || take_value(o, option, value, e);
    return sgrt_fail(e, "%s has no option --%s", sgrt_verb_name(o->verb), field);
}

bool sgrt_options_bind(SgrtOptions *o, const char *name, const char *value, SgrtError *e)
{
    for (int64_t i = 0; i < o->bindings; i++)
        if (strcmp(o->binding[i].name, name) == 0)
            return true;
    SgrtBinding *grown = sgrt_grow(o->binding, &o->binding_room, o->bindings + 1, sizeof *grown, e);
    if (!grown)
        return false;
    o->binding = grown;
    o->binding[o->bindings++] = (SgrtBinding){.name = name, .value = value};
    return true;
}

void sgrt_options_help(FILE *out, SgrtVerb verb)
{
    char spelt[LONGEST], left[LONGEST * 2];
    fprintf(out, "%s %s\n  %s\n", verb_row[verb].name, verb_row[verb].usage, verb_row[verb].help);
    for (int i = 0; i < OPTIONS; i++) {
        if (!(option_row[i].verbs & 1 << verb))
            continue;
        snprintf(left, sizeof left, "--%s %s", spelling(&option_row[i], spelt),
                 option_row[i].argument);
        fprintf(out, "  %-24s %s\n", left, option_row[i].help);
    }
}
