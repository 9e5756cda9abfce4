/* As much of JSON as a safetensors header is: objects, texts, and lists of whole numbers. */
#include "runtime/context_scan.h"

#include <stdio.h>
#include <string.h>

enum { PREFIX = 8 }; /* bytes of the header's length, before it */

typedef struct Scan {
    const char *file, *at, *end; /* the end of the header, where the data begin */
    int64_t bytes, covered;      /* of data; where the last tensor's end */
    uint64_t open;               /* see meet() */
    const SgrtScanner *to;
    SgrtError *e;
    SgrtScanned t;
    int64_t element; /* bytes of one, of the tensor's type */
    char value[SGRT_MOST_SCANNED];
} Scan;

static bool bad(const Scan *s, const char *what)
{
    return sgrt_fail(s->e, "offset %lld: %s", (long long)(s->at - s->file), what);
}

/* The same for what the taker of an entry, which is at `entry`, has said. */
static bool refused(const Scan *s, const char *entry)
{
    char place[40];
    snprintf(place, sizeof place, "offset %lld", (long long)(entry - s->file));
    return sgrt_fail_in(s->e, place);
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
        s->element = bytes;                                                                        \
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
    const char *entry = (peek(s), s->at);
    strcpy(key, s->value);
    return read_text(s, s->value) &&
           (s->to->text(s->to->context, key, s->value, s->e) || refused(s, entry));
}

/* Scatters offsets, so that sums of different ones differ (the last steps of splitmix64). */
static uint64_t scatter(int64_t offset)
{
    uint64_t x = (uint64_t)offset + 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Tensors, in whatever order, cover the data once if every end is another's begin, but for the end
 * of the data: the sums over both agree. */
static bool meet(Scan *s)
{
    s->at = s->end;
    if (s->covered < s->bytes) {
        s->at += s->covered;
        return bad(s, "the file goes on after its last value");
    }
    return s->open == scatter(0) - scatter(s->bytes) ||
           bad(s, "the data of tensors overlap or leave a hole");
}

static bool check_extent(Scan *s)
{
    SgrtScanned *t = &s->t;
    int64_t size = 0, bytes = 0;
    if (t->rank < 0 || t->end < 0 || !s->element)
        return bad(s, "a tensor without a type, a shape or offsets");
    if (!sgrt_size_of(t->dim, t->rank, &size) || __builtin_mul_overflow(size, s->element, &bytes))
        return bad(s, "a shape of more values than there can be");
    if (t->end < t->begin || t->end - t->begin != bytes)
        return bad(s, "data_offsets that do not agree with the shape");
    if (t->end > s->bytes)
        return bad(s, "data_offsets behind the end of the file");
    s->open += scatter(t->begin) - scatter(t->end);
    s->covered = t->end > s->covered ? t->end : s->covered;
    t->values = s->end + t->begin;
    return true;
}

static bool entry_field(Scan *s)
{
    const char *entry = (peek(s), s->at);
    if (strcmp(s->value, "__metadata__") == 0)
        return read_object(s, text_field);
    s->t = (SgrtScanned){.stored = SGRT_STORED_COUNT, .rank = -1, .end = -1};
    s->element = 0;
    strcpy(s->t.name, s->value);
    return read_object(s, tensor_field) && check_extent(s) &&
           (s->to->tensor(s->to->context, &s->t, s->e) || refused(s, entry));
}

bool sgrt_scan_tensors(const char *file, int64_t count, const SgrtScanner *scanner, SgrtError *e)
{
    uint64_t length = 0;
    if (count < PREFIX)
        return sgrt_fail(e, "offset %lld: the file ends here, and is no safetensors file",
                         (long long)count);
    for (int i = PREFIX - 1; i >= 0; i--)
        length = length << 8 | (unsigned char)file[i];
    if (length > (uint64_t)(count - PREFIX))
        return sgrt_fail(e,
                         "offset 0: no safetensors file: a header of %llu bytes, and the file "
                         "holds %lld",
                         (unsigned long long)length, (long long)(count - PREFIX));
    Scan s = {.file = file, .at = file + PREFIX, .to = scanner, .e = e};
    s.end = s.at + length;
    s.bytes = count - PREFIX - (int64_t)length;
    return read_object(&s, entry_field) && (!peek(&s) || bad(&s, "more than one object")) &&
           meet(&s);
}
