/* The words of the text form: names, numbers, strings, references.
 *
 * Each function reads one thing at the cursor and says whether it was there; what is optional is
 * "accepted", what is not is "read" or "expected" and reported where it should stand. */
#include "ir/read.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Span ir_read_place(const Reader *r)
{
    return (Span){r->line, (uint32_t)(r->at - r->line_start) + 1, 1};
}

bool ir_read_fail(Reader *r, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    diag_error(r->d, ir_read_place(r), SG0701, "%s", text);
    return false;
}

void ir_skip_blanks(Reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
        r->at++;
}

bool ir_line_ends(Reader *r)
{
    ir_skip_blanks(r);
    return *r->at == 0 || *r->at == '\n';
}

bool ir_accept(Reader *r, char c)
{
    ir_skip_blanks(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

bool ir_expect(Reader *r, char c)
{
    return ir_accept(r, c) || ir_read_fail(r, "'%c' should stand here", c);
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

size_t ir_name_length(Reader *r)
{
    size_t n = 0;
    ir_skip_blanks(r);
    if (isdigit((unsigned char)*r->at) || *r->at == '.')
        return 0;
    while (in_name(r->at[n]))
        n++;
    return n;
}

/* The word at the cursor, if it is `word`. */
bool ir_accept_word(Reader *r, const char *word)
{
    size_t n = ir_name_length(r);
    if (n == 0 || n != strlen(word) || strncmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

/* `key=` */
bool ir_accept_key(Reader *r, const char *key)
{
    size_t n = ir_name_length(r);
    if (n == 0 || n != strlen(key) || strncmp(r->at, key, n) != 0 || r->at[n] != '=')
        return false;
    r->at += n + 1;
    return true;
}

bool ir_expect_key(Reader *r, const char *key)
{
    return ir_accept_key(r, key) || ir_read_fail(r, "'%s=' should stand here", key);
}

bool ir_expect_word(Reader *r, const char *word)
{
    return ir_accept_word(r, word) || ir_read_fail(r, "'%s' should stand here", word);
}

/* One of the words of a table; `what` names the table. */
bool ir_read_choice(Reader *r, const char *what, const char *const *table, size_t count,
                    unsigned *out)
{
    for (*out = 0; *out < count; ++*out)
        if (ir_accept_word(r, table[*out]))
            return true;
    size_t n = ir_name_length(r);
    return n ? ir_read_fail(r, "no %s '%.*s'", what, (int)n, r->at)
             : ir_read_fail(r, "%s should stand here", what);
}

bool ir_read_int(Reader *r, int64_t *out)
{
    ir_skip_blanks(r);
    const char *digits = r->at + (*r->at == '-');
    if (!isdigit((unsigned char)*digits))
        return ir_read_fail(r, "a whole number should stand here");
    char *end;
    errno = 0;
    long long v = strtoll(r->at, &end, 10);
    if (errno == ERANGE)
        return ir_read_fail(r, "a number of this size is out of range");
    r->at = end;
    *out = v;
    return true;
}

bool ir_read_bounded(Reader *r, int64_t low, int64_t high, int64_t *out)
{
    const char *start = (ir_skip_blanks(r), r->at);
    if (!ir_read_int(r, out))
        return false;
    if (*out >= low && *out <= high)
        return true;
    r->at = start;
    return ir_read_fail(r, "%" PRId64 " is not between %" PRId64 " and %" PRId64, *out, low, high);
}

bool ir_read_u32(Reader *r, uint32_t *out)
{
    int64_t v;
    if (!ir_read_bounded(r, 0, UINT32_MAX - 1, &v))
        return false;
    *out = (uint32_t)v;
    return true;
}

bool ir_read_i32(Reader *r, int32_t *out)
{
    int64_t v;
    if (!ir_read_bounded(r, INT32_MIN, INT32_MAX, &v))
        return false;
    *out = (int32_t)v;
    return true;
}

bool ir_read_number(Reader *r, double *out)
{
    char *end;
    ir_skip_blanks(r);
    if (isspace((unsigned char)*r->at) || (*out = strtod(r->at, &end), end == r->at))
        return ir_read_fail(r, "a number should stand here");
    r->at = end;
    if (isnan(*out))
        *out = NAN;
    return true;
}

/* %12 */
bool ir_read_ref(Reader *r, IrRef *out)
{
    return ir_expect(r, '%') && ir_read_u32(r, out);
}

static bool read_escape(Reader *r, char *out)
{
    char c = *r->at, digits[3] = "";
    if (c == '"' || c == '\\') {
        *out = c;
        r->at++;
        return true;
    }
    for (int i = 0; c == 'x' && i < 2 && isxdigit((unsigned char)r->at[1 + i]); i++)
        digits[i] = r->at[1 + i];
    *out = (char)strtol(digits, NULL, 16);
    if (strlen(digits) != 2 || *out == 0)
        return ir_read_fail(r, "no such escape in a string; there are \\\", \\\\ and \\xHH");
    r->at += 3;
    return true;
}

bool ir_read_string(Reader *r, const char **out)
{
    if (!ir_expect(r, '"'))
        return false;
    char *s = arena_array(r->arena, char, strcspn(r->at, "\n") + 1);
    size_t n = 0;
    while (*r->at != '"') {
        if (*r->at == 0 || *r->at == '\n')
            return ir_read_fail(r, "this string does not end");
        if (*r->at != '\\')
            s[n++] = *r->at++;
        else if (r->at++, !read_escape(r, &s[n++]))
            return false;
    }
    r->at++;
    *out = s;
    return true;
}

/* A bare word or a string. */
bool ir_read_name(Reader *r, const char **out)
{
    size_t n = ir_name_length(r);
    if (n == 0)
        return *r->at == '"' ? ir_read_string(r, out) : ir_read_fail(r, "a name should stand here");
    *out = arena_copy(r->arena, r->at, n);
    r->at += n;
    return true;
}

/* @line:col+len, or nothing */
bool ir_read_span(Reader *r, Span *out)
{
    if (!ir_accept(r, '@'))
        return true;
    return ir_read_u32(r, &out->line) && ir_expect(r, ':') && ir_read_u32(r, &out->col) &&
           ir_expect(r, '+') && ir_read_u32(r, &out->len);
}
