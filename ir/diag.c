/* Collects messages, and has them rendered sorted by place. */
#include "ir/diag_list.h"

#include <stdlib.h>
#include <string.h>

const char *const diag_severity_name[] = {"error", "warning", "note", "help", "remark"};

const DiagInfo diag_info[] = {
#define DIAG(code, severity, title, why, wrong, right)                                             \
    {#code, DIAG_##severity, title, why, wrong, right},
#include "ir/diag.def"
};

Diags *diags_new(const char *file, const char *text)
{
    Arena *a = arena_new();
    Diags *d = arena_make(a, Diags);
    *d = (Diags){.arena = a, .file = file, .text = text};
    return d;
}

void diags_free(Diags *d)
{
    arena_free(d->arena);
}

void diags_style(Diags *d, DiagStyle style)
{
    d->style = style;
}

/* ---- collecting ---------------------------------------------------------------------------- */

static const char *format(const Diags *d, const char *fmt, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, args);
    return arena_copy(d->arena, text, strlen(text));
}

static void add(Diags *d, Severity s, DiagCode code, Span at, const char *fmt, va_list args)
{
    if (s == DIAG_WARNING && d->style.warnings_are_errors)
        s = DIAG_ERROR;
    if (s != DIAG_NOTE && s != DIAG_HELP)
        d->groups++;
    d->errors += s == DIAG_ERROR;
    const char *text = format(d, fmt, args);
    Message *m = arena_push(d->arena, d->message, d->count, Message);
    *m = (Message){.severity = s, .code = code, .at = at, .text = text, .group = d->groups};
}

static bool is_known(const Diags *d, Span at, DiagCode code)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->message[i].code == code && d->message[i].at.line == at.line &&
            d->message[i].at.col == at.col)
            return true;
    return false;
}

#define REPORT(name, severity)                                                                     \
    void diag_##name(Diags *d, Span at, DiagCode code, const char *fmt, ...)                       \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        add(d, severity, code, at, fmt, args);                                                     \
        va_end(args);                                                                              \
    }
REPORT(error, DIAG_ERROR)
REPORT(remark, DIAG_REMARK)

/* Several graphs are derived from one: each may say the same of it. */
void diag_warning(Diags *d, Span at, DiagCode code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (!is_known(d, at, code))
        add(d, DIAG_WARNING, code, at, fmt, args);
    va_end(args);
}

#define ADD(name, severity)                                                                        \
    void diag_##name(Diags *d, Span at, const char *fmt, ...)                                      \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        add(d, severity, DIAG_CODES, at, fmt, args);                                               \
        va_end(args);                                                                              \
    }
ADD(note, DIAG_NOTE)
ADD(help, DIAG_HELP)

/* The latest error, warning or remark: it is there, or a label would have nothing to label. */
static Message *latest(Diags *d)
{
    Message *m = &d->message[d->count - 1];
    while (m->code == DIAG_CODES)
        m--;
    return m;
}

void diag_label(Diags *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    latest(d)->label = format(d, fmt, args);
    va_end(args);
}

void diag_fix(Diags *d, Span at, const char *text)
{
    Message *m = latest(d);
    m->fix_at = at;
    m->fix = arena_copy(d->arena, text, strlen(text));
}

void diag_fact(Diags *d, const char *key, const char *value)
{
    typedef const char *Fact[2];
    Message *m = latest(d);
    Fact *f = arena_push(d->arena, m->fact, m->facts, Fact);
    (*f)[0] = arena_copy(d->arena, key, strlen(key));
    (*f)[1] = arena_copy(d->arena, value, strlen(value));
}

/* ---- asking -------------------------------------------------------------------------------- */

uint32_t diags_errors(const Diags *d)
{
    return d->errors;
}

bool diags_full(const Diags *d)
{
    return d->errors >= DIAG_MOST;
}

bool diags_has(const Diags *d, DiagCode code)
{
    for (uint32_t i = 0; i < d->count; i++)
        if (d->message[i].code == code)
            return true;
    return false;
}

const char *diag_line(const Diags *d, uint32_t line)
{
    const char *text = line ? d->text : NULL;
    for (; text && line > 1; line--) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return text;
}

/* ---- rendering ----------------------------------------------------------------------------- */

/* Groups by the place of their first message; within a group, the order of reporting. */
typedef struct Key {
    Span at;
    uint32_t group, first, count;
} Key;

static int by_place(const void *a, const void *b)
{
    const Key *x = a, *y = b;
    if (x->at.line != y->at.line)
        return x->at.line < y->at.line ? -1 : 1;
    if (x->at.col != y->at.col)
        return x->at.col < y->at.col ? -1 : 1;
    return x->group < y->group ? -1 : x->group > y->group;
}

static uint32_t sort(const Diags *d, Key *key)
{
    uint32_t keys = 0;
    for (uint32_t i = 0; i < d->count; i++) {
        if (keys == 0 || d->message[i].group != key[keys - 1].group)
            key[keys++] = (Key){d->message[i].at, d->message[i].group, i, 0};
        key[keys - 1].count++;
    }
    qsort(key, keys, sizeof *key, by_place);
    return keys;
}

static bool is_wanted(const Diags *d, const Message *m)
{
    return m->severity != DIAG_WARNING || !d->style.no_warnings;
}

/* "2 errors; `sgc explain SG0203` says more", of a file */
static void sum_up(const Diags *d, uint32_t errors, DiagCode code, FILE *out)
{
    if (d->style.form == DIAG_JSON || errors == 0 || !d->file)
        return;
    if (errors > DIAG_LIMIT)
        fprintf(out, "%s: %u more errors not shown\n", d->file, errors - DIAG_LIMIT);
    fprintf(out, "%u error%s; `sgc explain %s` says more\n", errors, errors == 1 ? "" : "s",
            diag_info[code].code);
}

void diags_render(const Diags *d, FILE *out)
{
    Arena *a = arena_new();
    Key *key = arena_array(a, Key, d->count + 1);
    uint32_t keys = sort(d, key), errors = 0;
    DiagCode first = DIAG_CODES;
    for (uint32_t k = 0; k < keys; k++) {
        const Message *m = &d->message[key[k].first];
        if (!is_wanted(d, m))
            continue;
        errors += m->severity == DIAG_ERROR;
        if (m->severity == DIAG_ERROR && errors == 1)
            first = m->code;
        if (m->severity == DIAG_ERROR && errors > DIAG_LIMIT && d->style.form == DIAG_TEXT)
            continue;
        if (d->style.form == DIAG_JSON)
            diag_show_json(d, m, key[k].count, out);
        else
            diag_show_text(d, m, key[k].count, out);
    }
    sum_up(d, errors, first, out);
    arena_free(a);
}

char *diags_text(const Diags *d)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    diags_render(d, out);
    fclose(out);
    return text;
}
