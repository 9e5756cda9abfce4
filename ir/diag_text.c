/* Messages for people: the first line as GNU compilers write it, the source line, a caret range. */
#include "ir/diag_list.h"

#include <string.h>

typedef enum Color { PLAIN, BOLD, ERROR, WARNING, NOTE, HELP, COLORS } Color;

static void paint(const Diags *d, Color c, FILE *out)
{
    static const char *const code[COLORS] = {"0", "1", "1;31", "1;35", "1;36", "1;32"};
    if (d->style.color)
        fprintf(out, "\033[%sm", code[c]);
}

static Color color_of(Severity s)
{
    static const Color color[] = {ERROR, WARNING, NOTE, HELP, NOTE};
    return color[s];
}

static bool inside_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* Tabs are repeated, so that the carets line up whatever a tab is. */
static void indent(const char *line, size_t len, uint32_t col, FILE *out)
{
    for (uint32_t i = 0; i + 1 < col; i++)
        if (i >= len || !inside_character(line[i]))
            fputc(i < len && line[i] == '\t' ? '\t' : ' ', out);
}

static void show_line(const Diags *d, const Message *m, FILE *out)
{
    const char *line = diag_line(d, m->at.line);
    if (!line)
        return;
    Span at = m->at;
    size_t len = strcspn(line, "\r\n");
    fprintf(out, "%5u | %.*s\n      | ", at.line, (int)len, line);
    indent(line, len, at.col, out);
    paint(d, color_of(m->severity), out);
    fputc('^', out);
    for (uint32_t i = at.col; i < at.col - 1 + at.len && i < len; i++)
        if (!inside_character(line[i]))
            fputc('~', out);
    if (m->label)
        fprintf(out, " %s", m->label);
    paint(d, PLAIN, out);
    fputc('\n', out);
}

static void show_place(const Diags *d, Span at, FILE *out)
{
    fprintf(out, "%s:", d->file ? d->file : "sgc");
    if (at.line)
        fprintf(out, "%u:%u:", at.line, at.col);
    fputc(' ', out);
}

static void show(const Diags *d, const Message *m, bool placed, FILE *out)
{
    paint(d, BOLD, out);
    if (placed)
        show_place(d, m->at, out);
    paint(d, color_of(m->severity), out);
    fprintf(out, "%s: ", diag_severity_name[m->severity]);
    paint(d, PLAIN, out);
    paint(d, m->code == DIAG_CODES ? PLAIN : BOLD, out);
    fputs(m->text, out);
    paint(d, PLAIN, out);
    if (m->code != DIAG_CODES)
        fprintf(out, " [%s]", diag_info[m->code].code);
    fputc('\n', out);
    if (m->severity != DIAG_REMARK && placed)
        show_line(d, m, out);
}

/* A note or help about the place that was shown already has none of its own. */
void diag_show_text(const Diags *d, const Message *m, uint32_t count, FILE *out)
{
    Span shown = m->at;
    show(d, m, true, out);
    for (uint32_t i = 1; i < count; i++) {
        Span at = m[i].at;
        bool same = at.line == shown.line && at.col == shown.col && at.len == shown.len;
        show(d, &m[i], at.line && !same, out);
    }
}
