/* Messages of the verbs. */
#include "runtime/say.h"

#include <stdarg.h>
#include <string.h>

int sgrt_say_error(const SgrtOptions *o, int status, const SgrtError *e)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", o->program, e->text);
    return status == SGRT_FAILED && e->nonfinite ? SGRT_NONFINITE : status;
}

static void say(const SgrtOptions *o, const char *what, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s: ", o->program, what);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void sgrt_say_warning(const SgrtOptions *o, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(o, "warning", format, arguments);
    va_end(arguments);
}

void sgrt_say_note(const SgrtOptions *o, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!o->quiet)
        say(o, "note", format, arguments);
    va_end(arguments);
}

char *sgrt_digits(char *out, int64_t n)
{
    char plain[24];
    int length = snprintf(plain, sizeof plain, "%lld", (long long)n), used = 0;
    for (int i = 0; i < length; i++) {
        out[used++] = plain[i];
        if (plain[i] != '-' && i + 1 < length && (length - 1 - i) % 3 == 0)
            out[used++] = ' ';
    }
    out[used] = 0;
    return out;
}
