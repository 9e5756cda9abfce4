/* JSON data, as Stan takes them: an object of names, each a number, a bool or nested lists. */
#include "runtime/data.h"

#include "runtime/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static bool bad(const SgrtInput *in, const char *name, const char *what, SgrtError *e)
{
    return sgrt_fail(e, "%s: %s: %s", in->path, name, what);
}

/* The extents along the first elements; fill() checks that all others agree. */
static bool read_shape(SgrtArray *a, const cJSON *value, const SgrtInput *in, SgrtError *e)
{
    const char *name = value->string;
    for (; cJSON_IsArray(value); value = value->child) {
        if (a->rank == SGRT_MOST_AXES)
            return bad(in, name, "more axes than can be read", e);
        a->dim[a->rank++] = cJSON_GetArraySize(value);
        if (!value->child)
            break;
    }
    return sgrt_size_of(a->dim, a->rank, &a->size) ||
           bad(in, name, "more values than there can be", e);
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

static bool read_value(SgrtArray *a, const cJSON *value, const SgrtInput *in, SgrtError *e)
{
    a->stored = SGRT_STORED_F64;
    if (!read_shape(a, value, in, e))
        return false;
    a->values = sgrt_alloc(a->size, sizeof(double), e);
    double *next = a->values;
    if (!a->values)
        return false;
    return fill(a, value, 0, &next) ||
           bad(in, value->string, "not numbers in lists of equal lengths", e);
}

static bool read_object(SgrtArray *a, const cJSON *object, const SgrtInput *in, SgrtMember *m,
                        SgrtError *e)
{
    const cJSON *value = NULL;
    cJSON_ArrayForEach(value, object)
    {
        if (sgrt_member_is(m, value->string))
            return read_value(a, value, in, e);
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
    cJSON *object = cJSON_ParseWithLengthOpts(text, (size_t)count + 1, &stop, 1);
    bool read = cJSON_IsObject(object) ? read_object(a, object, in, m, e)
                                       : sgrt_fail(e, "%s: offset %lld: not JSON", in->path,
                                                   stop ? (long long)(stop - text) : 0LL);
    cJSON_Delete(object);
    free(text);
    return read;
}
