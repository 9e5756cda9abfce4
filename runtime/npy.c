/* NPY: magic, version, a header that is a Python dict of three literals, then the values. */
#include "runtime/npy.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 1 << 16, PREFIX = 10, HEADER_UNIT = 64 };

static const struct {
    const char *code;
    SgrtStored stored;
} code_row[] = {
    {"b1", SGRT_STORED_BOOL}, {"u1", SGRT_STORED_U8},  {"i1", SGRT_STORED_I8},
    {"u2", SGRT_STORED_U16},  {"i2", SGRT_STORED_I16}, {"u4", SGRT_STORED_U32},
    {"i4", SGRT_STORED_I32},  {"u8", SGRT_STORED_U64}, {"i8", SGRT_STORED_I64},
    {"f4", SGRT_STORED_F32},  {"f8", SGRT_STORED_F64},
};

enum { CODES = sizeof code_row / sizeof code_row[0] };

typedef struct Header {
    const char *text, *at; /* the whole, and the next character; it ends with a 0 */
    int64_t length;
    int64_t offset; /* of the text in the file */
    const SgrtInput *in;
    SgrtArray *a;
    SgrtError *e;
    bool swapped, fortran;
    bool has_type, has_order, has_shape;
} Header;

static bool bad(Header *h, const char *what)
{
    return sgrt_fail(h->e, "%s: offset %lld: NPY header: %s at \"%.20s\"", h->in->path,
                     (long long)(h->offset + (h->at - h->text)), what, h->at);
}

static void skip_space(Header *h)
{
    while (isspace((unsigned char)*h->at))
        h->at++;
}

static bool accept(Header *h, char c)
{
    skip_space(h);
    if (*h->at != c)
        return false;
    h->at++;
    return true;
}

static bool quoted(Header *h, char *out, size_t room)
{
    char quote = accept(h, '\'') ? '\'' : accept(h, '"') ? '"' : 0;
    const char *end = quote ? strchr(h->at, quote) : NULL;
    if (!end || (size_t)(end - h->at) >= room)
        return bad(h, "a short quoted text is expected");
    memcpy(out, h->at, (size_t)(end - h->at));
    out[end - h->at] = 0;
    h->at = end + 1;
    return true;
}

static bool read_type(Header *h)
{
    char descr[16];
    const char *began = h->at;
    if (!quoted(h, descr, sizeof descr))
        return false;
    h->has_type = true;
    h->swapped = descr[0] == '>';
    if (descr[0] && strchr("<>|=", descr[0]))
        for (unsigned i = 0; i < CODES; i++)
            if (strcmp(descr + 1, code_row[i].code) == 0) {
                h->a->stored = code_row[i].stored;
                return true;
            }
    h->at = began;
    return bad(h, "bool, (u)int8 to 64, float32 and float64 can be read, no other type");
}

static bool read_order(Header *h)
{
    skip_space(h);
    h->has_order = true;
    h->fortran = strncmp(h->at, "True", 4) == 0;
    if (!h->fortran && strncmp(h->at, "False", 5) != 0)
        return bad(h, "True or False is expected");
    h->at += h->fortran ? 4 : 5;
    return true;
}

static bool read_extent(Header *h)
{
    int64_t extent = 0;
    if (!isdigit((unsigned char)*h->at))
        return bad(h, "an extent is expected");
    for (; isdigit((unsigned char)*h->at); h->at++)
        if (__builtin_mul_overflow(extent, 10, &extent) ||
            __builtin_add_overflow(extent, *h->at - '0', &extent))
            return bad(h, "an extent that is too large");
    if (h->a->rank == SGRT_MOST_AXES)
        return bad(h, "more axes than can be read");
    h->a->dim[h->a->rank++] = extent;
    return true;
}

static bool read_shape(Header *h)
{
    h->has_shape = true;
    h->a->rank = 0;
    if (!accept(h, '('))
        return bad(h, "a shape is expected");
    while (!accept(h, ')')) {
        if (!read_extent(h))
            return false;
        if (!accept(h, ',') && *h->at != ')')
            return bad(h, "a comma is expected");
        skip_space(h);
    }
    return true;
}

static bool read_entry(Header *h)
{
    char key[32];
    const char *began = h->at;
    if (!quoted(h, key, sizeof key))
        return false;
    if (!accept(h, ':'))
        return bad(h, "a colon is expected");
    if (strcmp(key, "descr") == 0 && !h->has_type)
        return read_type(h);
    if (strcmp(key, "fortran_order") == 0 && !h->has_order)
        return read_order(h);
    if (strcmp(key, "shape") == 0 && !h->has_shape)
        return read_shape(h);
    h->at = began;
    return bad(h, "descr, fortran_order and shape are its keys, each once, and no other");
}

static bool read_dict(Header *h)
{
    if (!accept(h, '{'))
        return bad(h, "a dict is expected");
    while (!accept(h, '}')) {
        if (!read_entry(h))
            return false;
        if (!accept(h, ',') && *h->at != '}')
            return bad(h, "a comma is expected");
    }
    skip_space(h);
    if (h->at < h->text + h->length)
        return bad(h, "more than a dict");
    if (!h->has_type || !h->has_order || !h->has_shape)
        return bad(h, "descr, fortran_order or shape is missing");
    if (!sgrt_size_of(h->a->dim, h->a->rank, &h->a->size))
        return bad(h, "a shape of more values than there can be");
    return true;
}

/* The header's length: two bytes in version 1, four after. */
static bool read_length(SgrtInput *in, int64_t *length, SgrtError *e)
{
    unsigned char b[12] = {0};
    if (!sgrt_input_read(in, b, 8, e))
        return false;
    unsigned char version = b[6];
    if (version < 1 || version > 3)
        return sgrt_fail(e, "%s: offset 6: NPY version %d is not known", in->path, version);
    if (!sgrt_input_read(in, b + 8, version == 1 ? 2 : 4, e))
        return false;
    *length = b[8] | b[9] << 8 | b[10] << 16 | (int64_t)b[11] << 24;
    if (*length > MOST_HEADER)
        return sgrt_input_fail(in, e, "an NPY header of %lld bytes", (long long)*length);
    return true;
}

static bool read_header(Header *h, SgrtInput *in)
{
    int64_t length = 0;
    if (!read_length(in, &length, h->e))
        return false;
    char *text = sgrt_alloc(length + 1, 1, h->e);
    if (!text)
        return false;
    h->at = h->text = text;
    h->length = length;
    h->offset = in->offset;
    bool read = sgrt_input_read(in, text, length, h->e) && read_dict(h);
    free(text);
    return read;
}

/* Copies column-major values, first axis fastest, to row-major ones. */
static bool to_row_major(SgrtArray *a, SgrtError *e)
{
    int64_t bytes = sgrt_stored_bytes(a->stored), at[SGRT_MOST_AXES] = {0};
    int64_t stride[SGRT_MOST_AXES];
    char *out = sgrt_alloc(a->size, bytes, e);
    if (!out)
        return false;
    for (int64_t i = 0, step = 1; i < a->rank; step *= a->dim[i++])
        stride[i] = step;
    for (int64_t n = 0, from = 0; n < a->size; n++) {
        memcpy(out + n * bytes, (char *)a->values + from * bytes, (size_t)bytes);
        for (int64_t i = a->rank - 1; i >= 0; i--) {
            from += stride[i];
            if (++at[i] < a->dim[i])
                break;
            from -= at[i] * stride[i];
            at[i] = 0;
        }
    }
    free(a->values);
    a->values = out;
    return true;
}

bool sgrt_npy_read(SgrtArray *a, SgrtInput *in, SgrtError *e)
{
    Header h = {.in = in, .a = a, .e = e};
    if (!read_header(&h, in))
        return false;
    int64_t bytes = sgrt_stored_bytes(a->stored);
    a->values = sgrt_input_values(in, a->size, bytes, e);
    if (!a->values)
        return false;
    if (h.swapped && bytes > 1)
        sgrt_swap_bytes(a->values, a->size, bytes);
    return !h.fortran || a->rank < 2 || to_row_major(a, e);
}

/* The shape as Python writes it: (), (3,), (3, 4). */
static void shape_literal(char *out, size_t room, const int64_t *dim, int64_t rank)
{
    sgrt_shape_text(out, room - 1, dim, rank);
    size_t length = strlen(out);
    out[0] = '(';
    strcpy(out + length - 1, rank == 1 ? ",)" : ")");
}

static const char *code_of(SgrtStored stored)
{
    for (unsigned i = 0; i < CODES; i++)
        if (code_row[i].stored == stored)
            return code_row[i].code;
    return "";
}

int64_t sgrt_npy_head(char *out, SgrtStored stored, const int64_t *dim, int64_t rank)
{
    char shape[400];
    shape_literal(shape, sizeof shape, dim, rank);
    int used =
        PREFIX + snprintf(out + PREFIX, SGRT_NPY_HEAD - PREFIX,
                          "{'descr': '%c%s', 'fortran_order': False, 'shape': %s, }",
                          sgrt_stored_bytes(stored) == 1 ? '|' : '<', code_of(stored), shape);
    int length = (used + HEADER_UNIT) / HEADER_UNIT * HEADER_UNIT; /* room for the newline */
    memset(out + used, ' ', (size_t)(length - used));
    out[length - 1] = '\n';
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((length - PREFIX) & 0xff);
    out[9] = (char)((length - PREFIX) >> 8);
    return length;
}

static bool write_all(SgrtFile *f, SgrtStored stored, const int64_t *dim, int64_t rank,
                      const void *values, SgrtError *e)
{
    char head[SGRT_NPY_HEAD];
    int64_t size = 0;
    if (!sgrt_size_of(dim, rank, &size))
        return sgrt_fail(e, "%s: a shape of more values than there can be", f->path);
    int64_t length = sgrt_npy_head(head, stored, dim, rank);
    return sgrt_file_write(f, head, length, e) &&
           sgrt_file_write(f, values, size * sgrt_stored_bytes(stored), e);
}

bool sgrt_npy_write(const char *path, SgrtStored stored, const int64_t *dim, int64_t rank,
                    const void *values, SgrtError *e)
{
    SgrtFile f;
    if (!sgrt_file_begin(&f, path, e))
        return false;
    if (write_all(&f, stored, dim, rank, values, e))
        return sgrt_file_commit(&f, e);
    sgrt_file_abandon(&f);
    return false;
}
