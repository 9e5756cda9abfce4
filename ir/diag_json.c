/* Messages for programs: a Diagnostic of the Language Server Protocol a line, with the file's `uri`
 * and, where a repair is known, `data.fix`. */
#include "ir/diag_list.h"

#include "ir/json.h"

#include <stdlib.h>
#include <string.h>

/* The protocol counts UTF-16 code units; bytes that are no UTF-8 count as one each. */
static uint32_t utf16(const char *line, size_t bytes)
{
    uint32_t units = 0;
    for (size_t i = 0; i < bytes && line[i];) {
        size_t n = utf8_length(line + i);
        units += n == 4 ? 2 : 1;
        i += n ? n : 1;
    }
    return units;
}

static void put_position(FILE *out, const char *key, uint32_t line, uint32_t character)
{
    fprintf(out, "\"%s\":{\"line\":%u,\"character\":%u}", key, line, character);
}

/* What has no place stands at the beginning of the file. */
static void put_range(const Diags *d, Span at, FILE *out)
{
    const char *line = diag_line(d, at.line);
    uint32_t from = at.line ? at.col - 1 : 0, to = from + at.len, row = at.line ? at.line - 1 : 0;
    fputs("\"range\":{", out);
    put_position(out, "start", row, line ? utf16(line, from) : from);
    fputc(',', out);
    put_position(out, "end", row, line ? utf16(line, to) : to);
    fputc('}', out);
}

/* A file that there is, or an absolute name, has a file: URI; else (the standard input) its name is
 * all that is known. */
static void put_uri(const Diags *d, FILE *out)
{
    char *path = realpath(d->file, NULL);
    const char *name = path ? path : d->file;
    fputs(*name == '/' ? "\"uri\":\"file://" : "\"uri\":\"", out);
    for (const char *s = name; *s; s++)
        if (strchr("/-_.~", *s) || (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') ||
            (*s >= 'a' && *s <= 'z'))
            fputc(*s, out);
        else
            fprintf(out, "%%%02X", (unsigned char)*s);
    fputc('"', out);
    free(path);
}

/* The label, and notes and helps that have no place of their own, are lines of the message. */
static void put_message(const Message *m, uint32_t count, FILE *out)
{
    Arena *a = arena_new();
    const char *text = m->label ? arena_printf(a, "%s: %s", m->text, m->label) : m->text;
    for (uint32_t i = 1; i < count; i++)
        if (m[i].at.line == 0)
            text =
                arena_printf(a, "%s\n%s: %s", text, diag_severity_name[m[i].severity], m[i].text);
    json_member(out, "message", text);
    arena_free(a);
}

static void put_related(const Diags *d, const Message *m, uint32_t count, FILE *out)
{
    bool any = false;
    for (uint32_t i = 1; i < count; i++) {
        if (m[i].at.line == 0)
            continue;
        fprintf(out, "%s{\"location\":{", any ? "," : ",\"relatedInformation\":[");
        put_uri(d, out);
        fputc(',', out);
        put_range(d, m[i].at, out);
        fputs("},", out);
        json_member(out, "message", m[i].text);
        fputc('}', out);
        any = true;
    }
    fputs(any ? "]" : "", out);
}

static void put_fix(const Diags *d, const Message *m, FILE *out)
{
    fputs("\"fix\":[{", out);
    put_range(d, m->fix_at, out);
    fputc(',', out);
    json_member(out, "newText", m->fix);
    fputs("}]", out);
}

static void put_data(const Diags *d, const Message *m, FILE *out)
{
    if (!m->fix && m->facts == 0)
        return;
    fputs(",\"data\":{", out);
    for (uint32_t i = 0; i < m->facts; i++) {
        json_member(out, m->fact[i][0], m->fact[i][1]);
        fputs(i + 1 < m->facts || m->fix ? "," : "", out);
    }
    if (m->fix)
        put_fix(d, m, out);
    fputc('}', out);
}

void diag_show_json(const Diags *d, const Message *m, uint32_t count, FILE *out)
{
    static const int severity[] = {1, 2, 3, 4, 3}; /* the protocol's: error ... hint */
    fputc('{', out);
    if (d->file) {
        put_uri(d, out);
        fputc(',', out);
    }
    put_range(d, m->at, out);
    fprintf(out, ",\"severity\":%d,\"code\":\"%s\",\"source\":\"sgc\",", severity[m->severity],
            diag_info[m->code].code);
    put_message(m, count, out);
    put_related(d, m, count, out);
    put_data(d, m, out);
    fputs("}\n", out);
}
