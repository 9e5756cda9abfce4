/* The formats of files, told by their first bytes. */
#include "runtime/data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sgrt_swap_bytes(void *values, int64_t count, int64_t bytes)
{
    unsigned char *v = values;
    for (int64_t i = 0; i < count; i++, v += bytes)
        for (int64_t low = 0, high = bytes - 1; low < high; low++, high--) {
            unsigned char kept = v[low];
            v[low] = v[high];
            v[high] = kept;
        }
}

bool sgrt_member_is(SgrtMember *m, const char *name)
{
    size_t used = strlen(m->others);
    snprintf(m->others + used, sizeof m->others - used, "%s%s", used ? ", " : "", name);
    if (strcmp(name, m->name) != 0)
        return false;
    m->found = true;
    return true;
}

typedef enum Format { IDX, NPY, NPZ, SAFETENSORS, JSON, CSV, UNKNOWN } Format;

static bool begins(const SgrtInput *in, const char *magic, int64_t bytes)
{
    return in->head_bytes >= bytes && memcmp(in->head, magic, (size_t)bytes) == 0;
}

/* A small length as eight bytes, then a brace. */
static bool looks_like_safetensors(const SgrtInput *in)
{
    static const unsigned char upper[4] = {0};
    return in->head_bytes > 8 && in->head[8] == '{' && memcmp(in->head + 4, upper, 4) == 0;
}

static bool looks_like_text(const SgrtInput *in)
{
    for (int64_t i = 0; i < in->head_bytes; i++)
        if (in->head[i] < ' ' && !strchr("\t\r\n", in->head[i]))
            return false;
    return in->head_bytes > 0 && !memchr(in->head, 0, (size_t)in->head_bytes);
}

static Format format_of(const SgrtInput *in)
{
    if (looks_like_safetensors(in))
        return SAFETENSORS;
    if (begins(in, "\0\0", 2))
        return IDX;
    if (begins(in, "\x93NUMPY", 6))
        return NPY;
    if (begins(in, "PK\3\4", 4) || begins(in, "PK\5\6", 4))
        return NPZ;
    if (!looks_like_text(in))
        return UNKNOWN;
    int64_t first = sgrt_utf8_mark(in->head, in->head_bytes);
    while (first < in->head_bytes && strchr(" \t\r\n", in->head[first]))
        first++;
    return first < in->head_bytes && strchr("{[", in->head[first]) ? JSON : CSV;
}

static bool read_format(SgrtArray *a, SgrtInput *in, SgrtMember *m, bool *has_names, SgrtError *e)
{
    Format format = format_of(in);
    *has_names = format == NPZ || format == SAFETENSORS || format == JSON;
    switch (format) {
    case IDX:
        return sgrt_idx_read(a, in, e) && sgrt_input_end(in, e);
    case NPY:
        return sgrt_npy_read(a, in, e) && sgrt_input_end(in, e);
    case NPZ:
        return sgrt_npz_read(a, in, m, e);
    case SAFETENSORS:
        return sgrt_safetensors_read(a, in, m, e);
    case JSON:
        return sgrt_json_read(a, in, m, e);
    case CSV:
        return sgrt_csv_read(a, in, m, has_names, e);
    default:
        return sgrt_input_fail(in, e,
                               in->head_bytes == 0
                                   ? "the file is empty"
                                   : "none of IDX, NPY, NPZ, safetensors, JSON and CSV");
    }
}

static bool read_wanted(SgrtArray *a, SgrtInput *in, SgrtWanted wanted, const char *name,
                        SgrtError *e)
{
    SgrtMember m = {.name = name};
    bool has_names = false;
    if (!read_format(a, in, &m, &has_names, e))
        return false;
    if (!has_names && wanted != SGRT_WHOLE_OR_NAMED)
        return sgrt_fail(e, "%s: the file holds one array without a name, so it has no '%s'",
                         in->path, name);
    if (!has_names || m.found)
        return true;
    a->size = -1;
    return wanted == SGRT_NAMED_IF_THERE || sgrt_fail(e, "%s: no '%s'; it holds %s", in->path, name,
                                                      *m.others ? m.others : "nothing");
}

bool sgrt_array_read(SgrtArray *a, const char *path, SgrtWanted wanted, const char *name,
                     SgrtError *e)
{
    *a = (SgrtArray){0};
    SgrtInput in;
    if (!sgrt_input_open(&in, path, e))
        return false;
    bool read = read_wanted(a, &in, wanted, name, e);
    sgrt_input_close(&in);
    if (!read)
        sgrt_array_free(a);
    return read;
}

void sgrt_array_free(SgrtArray *a)
{
    free(a->values);
    *a = (SgrtArray){0};
}
