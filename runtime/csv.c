/* CSV: lines of numbers between commas, with or without a first line of names.
 *
 * With names, an array is one column; without, it is the whole table. */
#include "runtime/data.h"

#include "runtime/memory.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A table being read. */
typedef struct Table {
    SgrtInput *in;
    SgrtError *e;
    char *at;          /* the next character; the text ends with a 0 and is cut up on the way */
    const char *start; /* of the line that is read */
    const char *place; /* in that line: what is looked at */
    int64_t line;      /* counts from 1, like the field */
    int64_t field;     /* 0: the line as a whole */
    int64_t columns;   /* of the first line */
    int64_t only;      /* the column that is wanted; -1 for all */
    double *value;     /* owned */
    int64_t values, room;
} Table;

__attribute__((format(printf, 2, 3))) static bool bad(const Table *t, const char *format, ...)
{
    char what[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char field[40] = "";
    if (t->field)
        snprintf(field, sizeof field, "field %lld: ", (long long)t->field);
    return sgrt_fail(t->e, "%s:%lld:%lld: %s%s", t->in->path, (long long)t->line,
                     (long long)(t->place - t->start) + 1, field, what);
}

/* Ends the line in place and moves on to the next.  NULL at the end; empty lines do not count. */
static char *next_line(Table *t)
{
    while (*t->at) {
        char *line = t->at;
        size_t length = strcspn(line, "\n");
        t->at = line + length + (line[length] == '\n');
        t->line++;
        t->start = t->place = line;
        line[length] = 0;
        if (length && line[length - 1] == '\r')
            line[--length] = 0;
        if (length)
            return line;
    }
    return NULL;
}

/* Ends the field in place, without blanks and quotes around it.  NULL behind the last. */
static char *next_field(char **line)
{
    char *field = *line;
    if (!field)
        return NULL;
    char *comma = strchr(field, ',');
    if (comma)
        *comma = 0;
    *line = comma ? comma + 1 : NULL;
    while (isspace((unsigned char)*field))
        field++;
    size_t length = strlen(field);
    while (length && isspace((unsigned char)field[length - 1]))
        field[--length] = 0;
    if (length >= 2 && field[0] == '"' && field[length - 1] == '"') {
        field[length - 1] = 0;
        field++;
    }
    return field;
}

static bool number_of(const char *field, double *value)
{
    char *end = NULL;
    *value = strtod(field, &end);
    return end != field && !*end;
}

/* A first line with a field that is no number holds names. */
static bool holds_names(const char *line)
{
    char *copy = strdup(line), *rest = copy, *field = NULL;
    double value;
    bool names = false;
    while (copy && (field = next_field(&rest)))
        names = names || (*field && !number_of(field, &value));
    free(copy);
    return names;
}

static bool find_column(Table *t, char *line, SgrtMember *m)
{
    for (char *field = NULL; (field = next_field(&line)); t->columns++) {
        t->place = field;
        if (sgrt_member_is(m, field) && t->only >= 0)
            return bad(t, "a second column '%.100s'", field);
        if (m->found && t->only < 0)
            t->only = t->columns;
    }
    return true;
}

static bool take_number(Table *t, const char *field)
{
    double *grown = sgrt_grow(t->value, &t->room, t->values + 1, sizeof *grown, t->e);
    if (!grown)
        return false;
    t->value = grown;
    if (!*field)
        return bad(t, "a blank field");
    return number_of(field, &t->value[t->values++]) || bad(t, "'%.100s' is no number", field);
}

static bool take_line(Table *t, char *line)
{
    int64_t column = 0;
    for (char *field = NULL; (field = next_field(&line)); column++) {
        t->place = field;
        t->field = column + 1;
        if (t->columns && column == t->columns)
            return bad(t, "more fields than the first line");
        if ((t->only < 0 || column == t->only) && !take_number(t, field))
            return false;
    }
    t->field = 0;
    if (t->columns == 0)
        t->columns = column;
    return column == t->columns || bad(t, "fewer fields than the first line");
}

static bool read_lines(Table *t, char *line)
{
    for (; line; line = next_line(t))
        if (!take_line(t, line))
            return false;
    return true;
}

static void give(Table *t, SgrtArray *a)
{
    int64_t columns = t->only < 0 ? t->columns : 1;
    *a = (SgrtArray){.stored = SGRT_STORED_F64,
                     .rank = columns > 1 ? 2 : 1,
                     .size = t->values,
                     .dim = {columns ? t->values / columns : 0, columns},
                     .values = t->value};
    t->value = NULL;
}

static bool read_table(Table *t, SgrtArray *a, SgrtMember *m, bool *has_names)
{
    char *line = next_line(t);
    *has_names = line && holds_names(line);
    if (*has_names) {
        if (!find_column(t, line, m))
            return false;
        if (!m->found)
            return true;
        line = next_line(t);
    }
    if (!read_lines(t, line))
        return false;
    give(t, a);
    return a->values || bad(t, "no numbers");
}

bool sgrt_csv_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, bool *has_names, SgrtError *e)
{
    Table t = {.in = in, .e = e, .only = -1};
    int64_t count = 0;
    char *text = sgrt_input_rest(in, &count, e);
    if (!text)
        return false;
    t.at = text + sgrt_utf8_mark(text, count);
    t.start = t.place = t.at;
    const char *zero = memchr(text, 0, (size_t)count);
    bool read = zero ? sgrt_fail(e, "%s: offset %lld: a text with a zero byte is no CSV", in->path,
                                 (long long)(zero - text))
                     : read_table(&t, a, m, has_names);
    free(t.value);
    free(text);
    return read;
}
