/* JSON data, as Stan takes them: an object of names, each a number, a bool or nested lists. */
#include "runtime/data.h"

#include "runtime/memory.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file being read. */
typedef struct Reading {
    const SgrtInput *in;
    const char *text;
    SgrtError *e;
    int64_t axes, at[SGRT_MOST_AXES]; /* of the element that is looked at */
} Reading;

/* Says which element of the name is wrong: "x[2][1]: ...". */
static bool bad(const Reading *r, const char *name, const char *what)
{
    char index[SGRT_MOST_AXES * 22] = "";
    size_t used = 0;
    for (int64_t i = 0; i < r->axes; i++)
        used += (size_t)snprintf(index + used, sizeof index - used, "[%lld]", (long long)r->at[i]);
    return sgrt_text_fail(r->in->path, r->text, sgrt_json_name(r->text, name), r->e, "%.200s%s: %s",
                          name, index, what);
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

/* Writes the values below `value`, which is on axis r->axes, in order. */
static bool fill(const SgrtArray *a, const char *name, const cJSON *value, double **next,
                 Reading *r)
{
    int64_t axis = r->axes;
    if (axis == a->rank) {
        if (!cJSON_IsNumber(value) && !cJSON_IsBool(value))
            return bad(r, name, "neither a number nor true or false");
        *(*next)++ = cJSON_IsNumber(value) ? value->valuedouble : cJSON_IsTrue(value);
        return true;
    }
    if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) != a->dim[axis])
        return bad(r, name, "not a list of as many values as the first");
    const cJSON *item = NULL;
    r->at[axis] = 0;
    cJSON_ArrayForEach(item, value)
    {
        r->axes = axis + 1;
        if (!fill(a, name, item, next, r))
            return false;
        r->at[axis]++;
    }
    r->axes = axis;
    return true;
}

static bool read_value(SgrtArray *a, const cJSON *value, Reading *r)
{
    a->stored = SGRT_STORED_F64;
    if (!read_shape(a, value, r))
        return false;
    a->values = sgrt_alloc(a->size, sizeof(double), r->e);
    double *next = a->values;
    return a->values && fill(a, value->string, value, &next, r);
}

static bool read_object(SgrtArray *a, const cJSON *object, SgrtMember *m, Reading *r)
{
    const cJSON *value = NULL, *wanted = NULL;
    cJSON_ArrayForEach(value, object)
    {
        if (sgrt_member_is(m, value->string) && wanted)
            return bad(r, value->string, "the name stands twice");
        if (m->found && !wanted)
            wanted = value;
    }
    return !wanted || read_value(a, wanted, r);
}

bool sgrt_json_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e)
{
    int64_t count = 0;
    const char *stop = NULL;
    char *text = sgrt_input_rest(in, &count, e);
    if (!text)
        return false;
    Reading r = {.in = in, .text = text, .e = e};
    int64_t mark = sgrt_utf8_mark(text, count);
    cJSON *object = cJSON_ParseWithLengthOpts(text + mark, (size_t)(count - mark) + 1, &stop, 1);
    bool read = false;
    if (cJSON_IsObject(object))
        read = read_object(a, object, m, &r);
    else if (object)
        sgrt_text_fail(in->path, text, text, e, "JSON without names: {\"%s\": ...} is expected",
                       m->name);
    else
        sgrt_text_fail(in->path, text, stop ? stop : text, e, "not JSON");
    cJSON_Delete(object);
    free(text);
    return read;
}
