/* Messages about no line of a program: the command line, files, and what sgc needs of the machine.
 */
#include "driver/driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static DiagStyle style;
/* Messages wait while the command line is read: how they are written may stand last in it. */
static Diags *waiting;

void complaints_wait(void)
{
    waiting = diags_new(NULL, NULL);
}

void complaints_begin(DiagStyle s)
{
    style = s;
    diags_style(waiting, s);
    diags_render(waiting, stderr);
    diags_free(waiting);
    waiting = NULL;
}

bool complaints_are_json(void)
{
    return style.form == DIAG_JSON;
}

/* A file that is not there has a place too: where it was looked for. */
static const char *whole_path(const char *file, Arena *a)
{
    char *here = *file == '/' ? NULL : realpath(".", NULL);
    const char *path = here ? arena_printf(a, "%s/%s", here, file) : file;
    free(here);
    return path;
}

/* For people the text names the file; programs get it apart. */
static void say(DiagCode code, const char *file, const char *text)
{
    Arena *a = arena_new();
    bool apart = complaints_are_json() && file && strcmp(file, "-") != 0;
    Diags *d = diags_new(apart ? whole_path(file, a) : NULL, NULL);
    diags_style(d, style);
    diag_error(d, (Span){0}, code, "%s", text);
    diags_render(d, stderr);
    diags_free(d);
    arena_free(a);
}

bool complain(DiagCode code, const char *file, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (waiting)
        diag_error(waiting, (Span){0}, code, "%s", text);
    else
        say(code, file, text);
    return false;
}

bool cannot_write(const char *path)
{
    return complain(SG1102, path, "cannot write %s: %s", path, strerror(errno));
}
