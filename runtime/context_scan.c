/* As much of JSON as a safetensors header is: objects, texts, and lists of whole numbers. */
#include "runtime/context_scan.h"

#include <string.h>

typedef struct Scan {
    const char *start, *at, *end;
    const SgrtScanner *to;
    SgrtError *e;
    SgrtScanned t;
    char value[SGRT_MOST_SCANNED];
} Scan;

static bool bad(const Scan *s, const char *what)
{
    return sgrt_fail(s->e, "the header of the checkpoint, at byte %lld: %s",
                     (long long)(s->at - s->start), what);
}

/* The next character that is no space; 0 at the end. */
static char peek(Scan *s)
{
    while (s->at < s->end && memchr(" \t\r\n", *s->at, 4))
        s->at++;
    return s->at < s->end ? *s->at : 0;
}

static bool next_is(Scan *s, char c)
{
    if (peek(s) != c || !c)
        return false;
    s->at++;
    return true;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The UTF-8 of \uXXXX, for the characters below 0x800; names have no others.  Returns its bytes,
 * or 0. */
static size_t read_unicode(Scan *s, char *out)
{
    int code = 0;
    if (s->end - s->at < 4)
        return 0;
    for (int i = 0; i < 4; i++, s->at++) {
        if (hex(*s->at) < 0)
            return 0;
        code = code << 4 | hex(*s->at);
    }
    if (code == 0 || code >= 0x800)
        return 0;
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
}

/* One character behind a backslash: its bytes, or 0. */
static size_t read_escape(Scan *s, char *out)
{
    static const char written[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = s->at < s->end ? *s->at++ : 0;
    const char *known = c ? strchr(written, c) : NULL;
    if (c == 'u')
        return read_unicode(s, out);
    if (!known)
        return 0;
    out[0] = meant[known - written];
    return 1;
}

static bool read_text(Scan *s, char *out)
{
    size_t used = 0;
    if (!next_is(s, '"'))
        return bad(s, "a text is expected");
    while (s->at < s->end && *s->at != '"') {
        char bytes[2] = {*s->at++};
        size_t n = bytes[0] == '\\' ? read_escape(s, bytes) : 1;
        if (n == 0 || (unsigned char)bytes[0] == 0)
            return bad(s, "an escape that is not known");
        for (size_t i = 0; i < n && used + 1 < SGRT_MOST_SCANNED; i++)
            out[used++] = bytes[i];
    }
    out[used] = 0;
    return next_is(s, '"') || bad(s, "a text without an end");
}

/* A whole number below 2^53, as in a JSON that is read anywhere. */
static bool read_number(Scan *s, int64_t *value)
{
    const char *start = (peek(s), s->at);
    *value = 0;
    for (; s->at < s->end && *s->at >= '0' && *s->at <= '9'; s->at++)
        if ((*value = *value * 10 + (*s->at - '0')) > (int64_t)1 << 53)
            return bad(s, "a number that is too large");
    return s->at > start || bad(s, "a whole number is expected");
}

static bool read_list(Scan *s, int64_t *out, int64_t most, int64_t *count)
{
    *count = 0;
    if (!next_is(s, '['))
        return bad(s, "a list is expected");
    if (next_is(s, ']'))
        return true;
    do {
        if (*count == most)
            return bad(s, "a list that is too long");
        if (!read_number(s, &out[(*count)++]))
            return false;
    } while (next_is(s, ','));
    return next_is(s, ']') || bad(s, "a list without an end");
}

static bool read_type(Scan *s)
{
    if (!read_text(s, s->value))
        return false;
#define TENSOR_TYPE(name, kind, bytes)                                                             \
    if (strcmp(s->value, #name) == 0) {                                                            \
        s->t.stored = SGRT_STORED_##kind;                                                          \
        return true;                                                                               \
    }
#include "runtime/tensors.def"
    return bad(s, "a type that is not known");
}

typedef bool ReadField(Scan *s);

/* The fields of an object; `field` reads the value of the one that is named in s->value. */
static bool read_object(Scan *s, ReadField *field)
{
    if (!next_is(s, '{'))
        return bad(s, "an object is expected");
    if (next_is(s, '}'))
        return true;
    do {
        if (!read_text(s, s->value) || (!next_is(s, ':') && !bad(s, "':' is expected")) ||
            !field(s))
            return false;
    } while (next_is(s, ','));
    return next_is(s, '}') || bad(s, "an object without an end");
}

static bool tensor_field(Scan *s)
{
    int64_t offset[2], count = 0;
    if (strcmp(s->value, "dtype") == 0)
        return read_type(s);
    if (strcmp(s->value, "shape") == 0)
        return read_list(s, s->t.dim, SGRT_MOST_AXES, &s->t.rank);
    if (strcmp(s->value, "data_offsets") != 0)
        return bad(s, "a field that is not known");
    if (!read_list(s, offset, 2, &count) || (count != 2 && !bad(s, "two offsets are expected")))
        return false;
    s->t.begin = offset[0];
    s->t.end = offset[1];
    return true;
}

static bool text_field(Scan *s)
{
    char key[SGRT_MOST_SCANNED];
    strcpy(key, s->value);
    return read_text(s, s->value) && s->to->text(s->to->context, key, s->value, s->e);
}

static bool entry_field(Scan *s)
{
    if (strcmp(s->value, "__metadata__") == 0)
        return read_object(s, text_field);
    s->t = (SgrtScanned){.stored = SGRT_STORED_COUNT, .rank = -1, .end = -1};
    strcpy(s->t.name, s->value);
    if (!read_object(s, tensor_field))
        return false;
    if (s->t.rank < 0 || s->t.end < s->t.begin)
        return bad(s, "a tensor without a shape or offsets");
    return s->to->tensor(s->to->context, &s->t, s->e);
}

bool sgrt_scan_header(const char *header, int64_t length, const SgrtScanner *scanner, SgrtError *e)
{
    Scan s = {.start = header, .at = header, .end = header + length, .to = scanner, .e = e};
    return read_object(&s, entry_field) && (!peek(&s) || bad(&s, "more than one object"));
}
