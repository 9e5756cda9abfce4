/* The head of a safetensors file, by hand, so that equal tensors give equal bytes; it allocates
 * nothing. */
#include "runtime/tensors.h"

#include <stdio.h>
#include <string.h>

enum { PREFIX = 8, HEADER_UNIT = 64 }; /* the tensors start at a multiple of the unit */

/* What does not fit is counted only. */
typedef struct Writer {
    char *out;
    int64_t room, used;
} Writer;

static void put(Writer *w, const char *text)
{
    for (; *text; text++, w->used++)
        if (w->used < w->room)
            w->out[w->used] = *text;
}

static void put_number(Writer *w, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    put(w, digits);
}

static const char *type_name(SgrtStored stored)
{
#define TENSOR_TYPE(name, kind, bytes)                                                             \
    if (stored == SGRT_STORED_##kind)                                                              \
        return #name;
#include "runtime/tensors.def"
    return "";
}

/* A JSON string: names and values are UTF-8 and pass through, but for what JSON reserves. */
static void put_quoted(Writer *w, const char *s)
{
    char one[8];
    put(w, "\"");
    for (; *s; s++) {
        bool reserved = *s == '"' || *s == '\\', control = (unsigned char)*s < ' ';
        snprintf(one, sizeof one, control ? "\\u%04x" : reserved ? "\\%c" : "%c", *s);
        put(w, one);
    }
    put(w, "\"");
}

static void put_tensor(Writer *w, const SgrtTensor *t, int64_t *offset)
{
    int64_t end = *offset + t->size * sgrt_stored_bytes(t->stored);
    put_quoted(w, t->name);
    put(w, ":{\"dtype\":\"");
    put(w, type_name(t->stored));
    put(w, "\",\"shape\":[");
    for (int64_t i = 0; i < t->rank; i++) {
        put(w, i ? "," : "");
        put_number(w, t->dim[i]);
    }
    put(w, "],\"data_offsets\":[");
    put_number(w, *offset);
    put(w, ",");
    put_number(w, end);
    put(w, "]}");
    *offset = end;
}

static void put_metadata(Writer *w, const SgrtText *text, int64_t texts)
{
    put(w, "\"__metadata__\":{");
    for (int64_t i = 0; i < texts; i++) {
        put(w, i ? "," : "");
        put_quoted(w, text[i].key);
        put(w, ":");
        put_quoted(w, text[i].value);
    }
    put(w, "}");
}

void sgrt_tensors_sort(const SgrtTensor *tensor, int64_t tensors, const SgrtTensor **order)
{
    int64_t n = 0;
    for (int64_t bytes = 8; bytes > 0; bytes /= 2)
        for (int64_t i = 0; i < tensors; i++)
            if (sgrt_stored_bytes(tensor[i].stored) == bytes)
                order[n++] = &tensor[i];
}

int64_t sgrt_tensors_header(char *out, int64_t room, const SgrtTensor *const *order,
                            int64_t tensors, const SgrtText *text, int64_t texts)
{
    Writer w = {.out = out, .room = room, .used = PREFIX};
    int64_t offset = 0;
    put(&w, "{");
    put_metadata(&w, text, texts);
    for (int64_t i = 0; i < tensors; i++) {
        put(&w, ",");
        put_tensor(&w, order[i], &offset);
    }
    put(&w, "}");
    while (w.used % HEADER_UNIT)
        put(&w, " ");
    for (int i = 0; i < PREFIX && i < room; i++)
        out[i] = (char)((uint64_t)(w.used - PREFIX) >> 8 * i & 0xff);
    return w.used;
}
