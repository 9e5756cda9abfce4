/* Complaints, apart by semicolons. */
#include "runtime/complain.h"

#include <stdarg.h>
#include <stdio.h>

void sgrt_complain(SgrtComplaints *c, const char *format, ...)
{
    if (c->used >= sizeof c->text)
        return;
    va_list arguments;
    va_start(arguments, format);
    c->used +=
        (size_t)snprintf(c->text + c->used, sizeof c->text - c->used, "%s", c->used ? "; " : "");
    if (c->used < sizeof c->text)
        c->used +=
            (size_t)vsnprintf(c->text + c->used, sizeof c->text - c->used, format, arguments);
    va_end(arguments);
}

bool sgrt_settle(const SgrtComplaints *c, SgrtError *e)
{
    return !c->used || sgrt_fail(e, "%s", c->text);
}
