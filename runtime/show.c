/* Printing of small arrays. */
#include "runtime/show.h"

#include <stdlib.h>

enum { MOST_SHOWN = 1000, VALUE = 32 };

static char *show_real(char *out, double v, bool narrow)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, VALUE, "%.*g", digits, v);
        if (narrow ? strtof(out, NULL) == (float)v : strtod(out, NULL) == v)
            break;
    }
    return out;
}

char *sgrt_show_value(char *out, const SgrtArray *a, int64_t i)
{
    switch (a->stored) {
    case SGRT_STORED_F32:
        return show_real(out, ((const float *)a->values)[i], true);
    case SGRT_STORED_F64:
        return show_real(out, ((const double *)a->values)[i], false);
    case SGRT_STORED_I32:
        snprintf(out, VALUE, "%d", ((const int32_t *)a->values)[i]);
        return out;
    default:
        snprintf(out, VALUE, "%d", ((const unsigned char *)a->values)[i]);
        return out;
    }
}

bool sgrt_show(FILE *out, const char *name, const SgrtArray *a)
{
    char shape[200], value[VALUE];
    fprintf(out, "%s %s", name, sgrt_stored_name(a->stored));
    if (a->rank)
        fprintf(out, " %s", sgrt_shape_text(shape, sizeof shape, a->dim, a->rank));
    fputc('\n', out);
    int64_t line = a->rank ? a->dim[a->rank - 1] : 1;
    if (a->size > MOST_SHOWN)
        return false;
    for (int64_t i = 0; i < a->size; i++)
        fprintf(out, "%s%s%s", i % line ? " " : "  ", sgrt_show_value(value, a, i),
                i % line == line - 1 ? "\n" : "");
    return true;
}
