/* Collects messages; renders them sorted by place, each with its source line and a caret range. */
#include "ir/diag.h"

#include "ir/arena.h"

#include <stdlib.h>
#include <string.h>

typedef struct Message {
    Severity severity;
    Span at;
    const char *text;
    uint32_t group; /* the place in the order of reporting of the message it belongs to */
} Message;

struct Diags {
    Arena *arena;
    const char *file, *text;
    Message *message;
    uint32_t count, errors, groups;
};

static const char *const severity_name[] = {"error", "warning", "note", "help", "remark"};

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

static void add(Diags *d, Severity s, Span at, const char *fmt, va_list args)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, args);
    if (s != DIAG_NOTE && s != DIAG_HELP)
        d->groups++;
    d->errors += s == DIAG_ERROR;
    Message *m = arena_push(d->arena, d->message, d->count, Message);
    *m = (Message){s, at, arena_copy(d->arena, text, strlen(text)), d->groups};
}

#define REPORT(name, severity)                                                                     \
    void diag_##name(Diags *d, Span at, const char *fmt, ...)                                      \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, fmt);                                                                       \
        add(d, severity, at, fmt, args);                                                           \
        va_end(args);                                                                              \
    }
REPORT(error, DIAG_ERROR)
REPORT(warning, DIAG_WARNING)
REPORT(note, DIAG_NOTE)
REPORT(help, DIAG_HELP)
REPORT(remark, DIAG_REMARK)

uint32_t diags_errors(const Diags *d)
{
    return d->errors;
}

bool diags_full(const Diags *d)
{
    return d->errors >= DIAG_LIMIT;
}

static const char *line_start(const char *text, uint32_t line)
{
    for (; text && line > 1; line--) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return text;
}

/* The source line and a caret range below it; tabs are repeated so that the carets line up. */
static void render_line(const Diags *d, Span at, FILE *out)
{
    const char *s = line_start(d->text, at.line);
    if (!s || at.line == 0)
        return;
    size_t len = strcspn(s, "\r\n");
    fprintf(out, "%5u | %.*s\n      | ", at.line, (int)len, s);
    for (uint32_t i = 0; i + 1 < at.col; i++) {
        bool inside_character = i < len && ((unsigned char)s[i] & 0xC0) == 0x80;
        if (!inside_character)
            fputc(i < len && s[i] == '\t' ? '\t' : ' ', out);
    }
    fputc('^', out);
    for (uint32_t i = 1; i < at.len && at.col - 1 + i < len; i++)
        if (((unsigned char)s[at.col - 1 + i] & 0xC0) != 0x80)
            fputc('~', out);
    fputc('\n', out);
}

static void render(const Diags *d, const Message *m, FILE *out)
{
    fprintf(out, "%s:", d->file);
    if (m->at.line)
        fprintf(out, "%u:%u:", m->at.line, m->at.col);
    fprintf(out, " %s: %s\n", severity_name[m->severity], m->text);
    if (m->severity != DIAG_REMARK)
        render_line(d, m->at, out);
}

/* Groups by the place of their first message; within a group, the order of reporting. */
typedef struct Key {
    Span at;
    uint32_t group, first;
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

void diags_render(const Diags *d, FILE *out)
{
    Arena *a = arena_new();
    Key *key = arena_array(a, Key, d->count + 1);
    uint32_t keys = 0, shown = 0;
    for (uint32_t i = 0; i < d->count; i++)
        if (i == 0 || d->message[i].group != d->message[i - 1].group)
            key[keys++] = (Key){d->message[i].at, d->message[i].group, i};
    qsort(key, keys, sizeof *key, by_place);
    for (uint32_t k = 0; k < keys; k++) {
        const Message *first = &d->message[key[k].first], *end = d->message + d->count;
        if (first->severity == DIAG_ERROR && shown++ >= DIAG_LIMIT)
            continue;
        for (const Message *m = first; m < end && m->group == first->group; m++)
            render(d, m, out);
    }
    if (shown > DIAG_LIMIT)
        fprintf(out, "%s: %u more errors not shown\n", d->file, shown - DIAG_LIMIT);
    arena_free(a);
}
