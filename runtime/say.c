/* Messages of the verbs. */
#include "runtime/say.h"

#include <ctype.h>
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

static void print_quoted(FILE *out, const char *word)
{
    fputc('\'', out);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, out);
    fputc('\'', out);
}

static bool is_plain(const char *word)
{
    const char *others = "_-+=:,./%@";
    size_t length = 0;
    while (isalnum((unsigned char)word[length]) || (word[length] && strchr(others, word[length])))
        length++;
    return length > 0 && !word[length];
}

void sgrt_say_command(const SgrtOptions *o, const char *what, const char *const *word, size_t words)
{
    if (o->quiet)
        return;
    fflush(stdout);
    fprintf(stderr, "%s: note: %s:", o->program, what);
    for (size_t i = 0; i < words; i++) {
        fputc(' ', stderr);
        if (is_plain(word[i]))
            fputs(word[i], stderr);
        else
            print_quoted(stderr, word[i]);
    }
    fputc('\n', stderr);
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
