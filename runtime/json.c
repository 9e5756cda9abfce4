/* JSON data, as Stan takes them: an object of names, each a number, a bool or nested lists. */
#include "runtime/data.h"

#include "runtime/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* A file being read. */
typedef struct Reading {
    const SgrtInput *in;
    const char *text;
    SgrtError *e;
} Reading;

/* Where a name stands; the beginning if it is spelled with escapes. */
static int64_t offset_of(const Reading *r, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = r->text; length && (at = strstr(at, name)); at++)
        if (at > r->text && at[-1] == '"' && at[length] == '"')
            return at - 1 - r->text;
    return 0;
}

static bool bad(const Reading *r, const char *name, const char *what)
{
    return sgrt_fail(r->e, "%s: offset %lld: %.200s: %s", r->in->path,
                     (long long)offset_of(r, name), name, what);
}

/* The extents along the first elements; fill() checks that all others agree. */
static bool read_shape(SgrtArray *a, const cJSON *value, const Reading *r)
{
    const char *name = value->string;
    for (; cJSON_IsArray(value); value = value->child) {
        if (a->rank == SGRT_MOST_AXES)
            return bad(r, name, "more axes than can be read");
        a->dim[a->rank++] = cJSON_GetArraySize(value);
        if (!value->child)
            break;
    }
    return sgrt_size_of(a->dim, a->rank, &a->size) || bad(r, name, "more values than there can be");
}

/* Writes the values below `value`, which is on axis `axis`, in order. */
static bool fill(const SgrtArray *a, const cJSON *value, int64_t axis, double **next)
{
    if (axis == a->rank) {
        if (!cJSON_IsNumber(value) && !cJSON_IsBool(value))
            return false;
        *(*next)++ = cJSON_IsNumber(value) ? value->valuedouble : cJSON_IsTrue(value);
        return true;
    }
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != a->dim[axis])
        return false;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, value) if (!fill(a, item, axis + 1, next)) return false;
    return true;
}

static bool read_value(SgrtArray *a, const cJSON *value, const Reading *r)
{
    a->stored = SGRT_STORED_F64;
    if (!read_shape(a, value, r))
        return false;
    a->values = sgrt_alloc(a->size, sizeof(double), r->e);
    double *next = a->values;
    if (!a->values)
        return false;
    return fill(a, value, 0, &next) ||
           bad(r, value->string, "not numbers in lists of equal lengths");
}

static bool read_object(SgrtArray *a, const cJSON *object, SgrtMember *m, const Reading *r)
{
    const cJSON *value = NULL;
    cJSON_ArrayForEach(value, object)
    {
        if (sgrt_member_is(m, value->string))
            return read_value(a, value, r);
    }
    return true;
}

bool sgrt_json_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e)
{
    int64_t count = 0;
    const char *stop = NULL;
    char *text = sgrt_input_rest(in, &count, e);
    if (!text)
        return false;
    Reading r = {in, text, e};
    cJSON *object = cJSON_ParseWithLengthOpts(text, (size_t)count + 1, &stop, 1);
    bool read = false;
    if (cJSON_IsObject(object))
        read = read_object(a, object, m, &r);
    else if (object)
        sgrt_fail(e, "%s: JSON without names: {\"%s\": ...} is expected", in->path, m->name);
    else
        sgrt_fail(e, "%s: offset %lld: not JSON", in->path, stop ? (long long)(stop - text) : 0LL);
    cJSON_Delete(object);
    free(text);
    return read;
}
