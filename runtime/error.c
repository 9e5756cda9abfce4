/* Formatting of error texts. */
#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>

bool sgrt_fail(SgrtError *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(e->text, sizeof e->text, format, arguments);
    va_end(arguments);
    return false;
}

bool sgrt_fail_in(SgrtError *e, const char *place)
{
    SgrtError inner = *e;
    return sgrt_fail(e, "%s: %s", place, inner.text);
}
