/* Reading safetensors: the header with cJSON, and what it says checked against the bytes. */
#include "runtime/tensors.h"

#include "runtime/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 100 << 20 };

static const struct {
    const char *name;
    SgrtStored stored;
    int64_t bytes;
} type_row[] = {
#define TENSOR_TYPE(name, stored, bytes) {#name, SGRT_STORED_##stored, bytes},
#include "runtime/tensors.def"
};

enum { TYPES = sizeof type_row / sizeof type_row[0] };

/* A header being read. */
typedef struct Reading {
    SgrtTensorFile *f;
    char *text;           /* owned: the header, for the places of names in it */
    int64_t *begin, *end; /* of each tensor in the data */
    int64_t stop;         /* offset where the header stops being JSON */
    SgrtError *e;
} Reading;

enum { PREFIX = 8 };

static bool bad(const Reading *r, const char *name, const char *what)
{
    return sgrt_fail(r->e, "%s: offset %lld: safetensors header: %.200s: %s", r->f->path,
                     (long long)(PREFIX + (sgrt_json_name(r->text, name) - r->text)), name, what);
}

/* A JSON number that is an integer in [0, 2^53]. */
static bool whole(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > 0x1p53 ||
        item->valuedouble != floor(item->valuedouble))
        return false;
    *value = (int64_t)item->valuedouble;
    return true;
}

static bool read_shape(const Reading *r, SgrtTensor *t, const cJSON *shape)
{
    const cJSON *item = NULL;
    if (!cJSON_IsArray(shape))
        return bad(r, t->name, "no shape");
    cJSON_ArrayForEach(item, shape)
    {
        if (t->rank == SGRT_MOST_AXES)
            return bad(r, t->name, "more axes than can be read");
        if (!whole(item, &t->dim[t->rank++]))
            return bad(r, t->name, "an extent that is no whole number");
    }
    return sgrt_size_of(t->dim, t->rank, &t->size) ||
           bad(r, t->name, "a shape of more values than there can be");
}

static bool read_type(const Reading *r, SgrtTensor *t, const cJSON *type, int64_t *bytes)
{
    for (unsigned i = 0; cJSON_IsString(type) && i < TYPES; i++)
        if (strcmp(type->valuestring, type_row[i].name) == 0) {
            t->stored = type_row[i].stored;
            *bytes = type_row[i].bytes;
            return true;
        }
    return bad(r, t->name, "a type that is not known");
}

static bool read_tensor(Reading *r, const cJSON *entry)
{
    int64_t at = r->f->tensors++, element = 0, bytes = 0;
    SgrtTensor *t = &r->f->tensor[at];
    t->name = entry->string;
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    if (!cJSON_IsObject(entry))
        return bad(r, t->name, "not an object");
    if (!read_type(r, t, cJSON_GetObjectItemCaseSensitive(entry, "dtype"), &element) ||
        !read_shape(r, t, cJSON_GetObjectItemCaseSensitive(entry, "shape")))
        return false;
    if (cJSON_GetArraySize(offsets) != 2 || !whole(cJSON_GetArrayItem(offsets, 0), &r->begin[at]) ||
        !whole(cJSON_GetArrayItem(offsets, 1), &r->end[at]))
        return bad(r, t->name, "data_offsets are not two whole numbers");
    if (__builtin_mul_overflow(t->size, element, &bytes) || r->begin[at] > r->end[at] ||
        r->end[at] - r->begin[at] != bytes)
        return bad(r, t->name, "data_offsets do not agree with the shape");
    return true;
}

static bool read_metadata(Reading *r, const cJSON *metadata)
{
    const cJSON *item = NULL;
    if (!cJSON_IsObject(metadata))
        return bad(r, "__metadata__", "not an object");
    r->f->text = sgrt_alloc(cJSON_GetArraySize(metadata), sizeof *r->f->text, r->e);
    if (!r->f->text)
        return false;
    cJSON_ArrayForEach(item, metadata)
    {
        if (!cJSON_IsString(item))
            return bad(r, "__metadata__", "a value that is no text");
        r->f->text[r->f->texts++] = (SgrtText){item->string, item->valuestring};
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const SgrtTensor *const *)a)->name, (*(const SgrtTensor *const *)b)->name);
}

static bool names_differ(const Reading *r)
{
    int64_t n = r->f->tensors;
    const SgrtTensor **sorted = sgrt_alloc(n, sizeof *sorted, r->e);
    if (!sorted)
        return false;
    for (int64_t i = 0; i < n; i++)
        sorted[i] = &r->f->tensor[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_name);
    bool differ = true;
    for (int64_t i = 1; differ && i < n; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            differ = bad(r, sorted[i]->name, "the name stands twice");
    free(sorted);
    return differ;
}

typedef struct Extent {
    int64_t begin, end, tensor;
} Extent;

static int by_place(const void *a, const void *b)
{
    const Extent *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end < y->end ? -1 : x->end > y->end;
}

/* The tensors must cover the data from 0 without holes; *bytes is where they end. */
static bool extents_meet(const Reading *r, int64_t *bytes)
{
    int64_t n = r->f->tensors;
    Extent *x = sgrt_alloc(n, sizeof *x, r->e);
    if (!x)
        return false;
    for (int64_t i = 0; i < n; i++)
        x[i] = (Extent){r->begin[i], r->end[i], i};
    qsort(x, (size_t)n, sizeof *x, by_place);
    bool meet = true;
    *bytes = 0;
    for (int64_t i = 0; meet && i < n; *bytes = x[i++].end)
        if (x[i].begin != *bytes)
            meet =
                bad(r, r->f->tensor[x[i].tensor].name, "its data overlap others or leave a hole");
    free(x);
    return meet;
}

static bool read_entries(Reading *r, const cJSON *header, int64_t *bytes)
{
    const cJSON *entry = NULL;
    cJSON_ArrayForEach(entry, header)
    {
        bool metadata = strcmp(entry->string, "__metadata__") == 0;
        if (metadata && r->f->text)
            return bad(r, "__metadata__", "the name stands twice");
        if (!(metadata ? read_metadata(r, entry) : read_tensor(r, entry)))
            return false;
    }
    return names_differ(r) && extents_meet(r, bytes);
}

static bool read_header(Reading *r, int64_t *bytes)
{
    cJSON *header = r->f->header;
    if (!cJSON_IsObject(header))
        return sgrt_fail(r->e, "%s: offset %lld: the safetensors header is not a JSON object",
                         r->f->path, (long long)r->stop);
    int64_t n = cJSON_GetArraySize(header);
    r->f->tensor = sgrt_alloc(n, sizeof *r->f->tensor, r->e);
    r->begin = sgrt_alloc(n, sizeof *r->begin, r->e);
    r->end = sgrt_alloc(n, sizeof *r->end, r->e);
    return r->f->tensor && r->begin && r->end && read_entries(r, header, bytes);
}

static bool read_json(Reading *r, SgrtInput *in)
{
    unsigned char prefix[PREFIX];
    uint64_t length = 0;
    if (!sgrt_input_read(in, prefix, sizeof prefix, r->e))
        return false;
    for (int i = PREFIX - 1; i >= 0; i--)
        length = length << 8 | prefix[i];
    if (length > MOST_HEADER)
        return sgrt_fail(r->e, "%s: offset 0: not a safetensors file, or its header has %llu bytes",
                         r->f->path, (unsigned long long)length);
    char *bytes = sgrt_input_values(in, (int64_t)length, 1, r->e);
    r->text = bytes ? sgrt_alloc((int64_t)length + 1, 1, r->e) : NULL;
    if (r->text)
        memcpy(r->text, bytes, length);
    free(bytes);
    if (!r->text)
        return false;
    const char *stop = r->text;
    r->f->header = cJSON_ParseWithLengthOpts(r->text, length + 1, &stop, 1);
    r->stop = r->f->header ? PREFIX : PREFIX + (stop - r->text);
    return true;
}

static bool read_file(SgrtTensorFile *f, SgrtInput *in, SgrtError *e)
{
    Reading r = {.f = f, .e = e};
    int64_t bytes = 0;
    bool read = read_json(&r, in) && read_header(&r, &bytes);
    if (read)
        f->bytes = sgrt_input_values(in, bytes, 1, e);
    read = read && f->bytes && sgrt_input_end(in, e);
    for (int64_t i = 0; read && i < f->tensors; i++)
        f->tensor[i].values = (char *)f->bytes + r.begin[i];
    free(r.text);
    free(r.begin);
    free(r.end);
    return read;
}

bool sgrt_tensors_read_from(SgrtTensorFile *f, SgrtInput *in, SgrtError *e)
{
    *f = (SgrtTensorFile){.path = in->path};
    if (read_file(f, in, e))
        return true;
    sgrt_tensors_free(f);
    return false;
}

bool sgrt_tensors_read(SgrtTensorFile *f, const char *path, SgrtError *e)
{
    SgrtInput in;
    if (!sgrt_input_open(&in, path, e))
        return false;
    bool read = sgrt_tensors_read_from(f, &in, e);
    sgrt_input_close(&in);
    return read;
}

static bool take_tensor(SgrtArray *a, const SgrtTensor *t, const char *path, SgrtError *e)
{
    if (t->stored == SGRT_STORED_COUNT)
        return sgrt_fail(e, "%s: offset %d: %.200s: values of its type cannot be read", path,
                         PREFIX, t->name);
    *a = (SgrtArray){.stored = t->stored, .rank = t->rank, .size = t->size};
    memcpy(a->dim, t->dim, sizeof a->dim);
    int64_t bytes = sgrt_stored_bytes(t->stored);
    a->values = sgrt_alloc(t->size, bytes, e);
    if (a->values)
        memcpy(a->values, t->values, (size_t)(t->size * bytes));
    return a->values != NULL;
}

bool sgrt_safetensors_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e)
{
    SgrtTensorFile f;
    if (!sgrt_tensors_read_from(&f, in, e))
        return false;
    bool read = true;
    for (int64_t i = 0; i < f.tensors; i++)
        if (sgrt_member_is(m, f.tensor[i].name))
            read = take_tensor(a, &f.tensor[i], f.path, e);
    sgrt_tensors_free(&f);
    return read;
}

void sgrt_tensors_free(SgrtTensorFile *f)
{
    cJSON_Delete(f->header);
    free(f->tensor);
    free(f->text);
    free(f->bytes);
    *f = (SgrtTensorFile){0};
}

const SgrtTensor *sgrt_tensors_find(const SgrtTensorFile *f, const char *name)
{
    for (int64_t i = 0; i < f->tensors; i++)
        if (strcmp(f->tensor[i].name, name) == 0)
            return &f->tensor[i];
    return NULL;
}

const char *sgrt_tensors_text(const SgrtTensorFile *f, const char *key)
{
    for (int64_t i = 0; i < f->texts; i++)
        if (strcmp(f->text[i].key, key) == 0)
            return f->text[i].value;
    return NULL;
}
