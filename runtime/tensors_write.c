/* Writing safetensors: the header by hand, so that equal tensors give equal bytes. */
#include "runtime/tensors.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_UNIT = 64 }; /* the tensors start at a multiple of this */

static const char *type_name(SgrtStored stored)
{
#define TENSOR_TYPE(name, kind, bytes)                                                             \
    if (stored == SGRT_STORED_##kind)                                                              \
        return #name;
#include "runtime/tensors.def"
    return "";
}

/* A JSON string: names and values are UTF-8 and pass through, but for what JSON reserves. */
static void put_quoted(FILE *out, const char *s)
{
    fputc('"', out);
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            fprintf(out, "\\%c", *s);
        else if ((unsigned char)*s < ' ')
            fprintf(out, "\\u%04x", *s);
        else
            fputc(*s, out);
    fputc('"', out);
}

static void put_tensor(FILE *out, const SgrtTensor *t, int64_t *offset)
{
    put_quoted(out, t->name);
    fprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", type_name(t->stored));
    for (int64_t i = 0; i < t->rank; i++)
        fprintf(out, "%s%lld", i ? "," : "", (long long)t->dim[i]);
    int64_t end = *offset + t->size * sgrt_stored_bytes(t->stored);
    fprintf(out, "],\"data_offsets\":[%lld,%lld]}", (long long)*offset, (long long)end);
    *offset = end;
}

static void put_metadata(FILE *out, const SgrtText *text, int64_t texts)
{
    fputs("\"__metadata__\":{", out);
    for (int64_t i = 0; i < texts; i++) {
        fputs(i ? "," : "", out);
        put_quoted(out, text[i].key);
        fputc(':', out);
        put_quoted(out, text[i].value);
    }
    fputc('}', out);
}

/* The header's text, for the caller to free. */
static char *make_header(const SgrtTensor *const *order, int64_t tensors, const SgrtText *text,
                         int64_t texts, size_t *length)
{
    char *header = NULL;
    int64_t offset = 0;
    FILE *out = open_memstream(&header, length);
    if (!out)
        return NULL;
    fputc('{', out);
    put_metadata(out, text, texts);
    for (int64_t i = 0; i < tensors; i++) {
        fputc(',', out);
        put_tensor(out, order[i], &offset);
    }
    fputc('}', out);
    while ((8 + ftell(out)) % HEADER_UNIT)
        fputc(' ', out);
    bool whole = !ferror(out);
    if (fclose(out) == 0 && whole)
        return header;
    free(header);
    return NULL;
}

static bool write_all(SgrtFile *f, const SgrtTensor *const *order, int64_t tensors,
                      const char *header, size_t length, SgrtError *e)
{
    unsigned char prefix[8];
    for (int i = 0; i < 8; i++)
        prefix[i] = (unsigned char)((uint64_t)length >> 8 * i);
    if (!sgrt_file_write(f, prefix, sizeof prefix, e) ||
        !sgrt_file_write(f, header, (int64_t)length, e))
        return false;
    for (int64_t i = 0; i < tensors; i++)
        if (!sgrt_file_write(f, order[i]->values,
                             order[i]->size * sgrt_stored_bytes(order[i]->stored), e))
            return false;
    return true;
}

static void sort_tensors(const SgrtTensor *tensor, int64_t tensors, const SgrtTensor **order)
{
    int64_t n = 0;
    for (int64_t bytes = 8; bytes > 0; bytes /= 2)
        for (int64_t i = 0; i < tensors; i++)
            if (sgrt_stored_bytes(tensor[i].stored) == bytes)
                order[n++] = &tensor[i];
}

bool sgrt_tensors_write(const char *path, const SgrtTensor *tensor, int64_t tensors,
                        const SgrtText *text, int64_t texts, SgrtError *e)
{
    SgrtFile f = {0};
    size_t length = 0;
    const SgrtTensor **order = sgrt_alloc(tensors, sizeof *order, e);
    if (!order)
        return false;
    sort_tensors(tensor, tensors, order);
    char *header = make_header(order, tensors, text, texts, &length);
    bool written = header ? sgrt_file_begin(&f, path, e) &&
                                write_all(&f, order, tensors, header, length, e) &&
                                sgrt_file_commit(&f, e)
                          : sgrt_fail(e, "out of memory");
    sgrt_file_abandon(&f);
    free(header);
    free(order);
    return written;
}
