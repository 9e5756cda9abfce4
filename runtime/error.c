/* Formatting of error texts. */
#include "runtime/error.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(SgrtError *e, bool nonfinite, const char *format, va_list arguments)
{
    vsnprintf(e->text, sizeof e->text, format, arguments);
    e->nonfinite = nonfinite;
}

bool sgrt_fail(SgrtError *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(e, false, format, arguments);
    va_end(arguments);
    return false;
}

bool sgrt_fail_nonfinite(SgrtError *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(e, true, format, arguments);
    va_end(arguments);
    return false;
}

double sgrt_shown(double x)
{
    return isnan(x) ? fabs(x) : x;
}

bool sgrt_fail_as(SgrtError *e, const char *why)
{
    size_t used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, "; %s", why);
    return false;
}

bool sgrt_fail_in(SgrtError *e, const char *place)
{
    SgrtError inner = *e;
    sgrt_fail(e, "%s: %s", place, inner.text);
    e->nonfinite = inner.nonfinite;
    return false;
}
