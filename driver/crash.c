/* What a fault of sgc leaves: the input of the step that failed, and the one command that repeats
 * it.  Both are made ready before each step, since a signal handler can do no more than write. */
#include "driver/driver.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Borrowed, but for `owned`.  Signals arrive at any time: `text` is set last and cleared first. */
static const char *volatile text;
static const char *volatile path, *volatile command;
static char *owned;

static void keep(const char *kept, const char *as, const char *words)
{
    text = NULL;
    free(owned);
    owned = NULL;
    path = as;
    command = words;
    text = kept;
}

void crash_forget(void)
{
    keep(NULL, NULL, NULL);
}

/* The flags that the result depends on. */
static const char *flags_of(const Options *o, Arena *a)
{
    return arena_printf(a, "--real=%s --parts=%lld --cpu=%s -O%u%s%s",
                        o->real_bytes == 4 ? "f32" : "f64", (long long)o->parts, o->cpu, o->level,
                        o->target ? " --target=" : "", o->target ? o->target : "");
}

void crash_keep_model(const Options *o, const char *model, bool is_dump, const char *step, Arena *a)
{
    const char *as = is_dump ? "sgc-crash.sgir" : "sgc-crash.sg";
    const char *words = arena_printf(a, "sgc %s %s", as, flags_of(o, a));
    for (size_t i = 0; i < o->dims; i++)
        words =
            arena_printf(a, "%s --dim=%s=%lld", words, o->dim[i].name, (long long)o->dim[i].value);
    keep(model, as, arena_printf(a, "%s %s -o /dev/null", words, step));
}

void crash_keep_graphs(const Options *o, const IrModel *m, const char *step, Arena *a)
{
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    if (out) {
        ir_print_model(m, out);
        fclose(out);
    }
    keep(printed, "sgc-crash.sgir",
         arena_printf(a, "sgc sgc-crash.sgir %s %s -o /dev/null", flags_of(o, a), step));
    owned = printed;
}

static bool put(int to, const char *words)
{
    for (size_t left = strlen(words); left > 0;) {
        ssize_t n = write(to, words, left);
        if (n < 0)
            return false;
        words += n;
        left -= (size_t)n;
    }
    return true;
}

/* A part of the report: of a JSON string, if messages are JSON. */
static void say(const char *words)
{
    bool in_json = complaints_are_json();
    for (; *words; words++) {
        bool escaped = in_json && strchr("\"\\\n", *words);
        put(STDERR_FILENO, escaped ? "\\" : "");
        put(STDERR_FILENO, (char[]){escaped && *words == '\n' ? 'n' : *words, 0});
    }
}

static void write_kept(void)
{
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    bool written = to >= 0 && put(to, text);
    written = (to < 0 || close(to) == 0) && written;
    say(written ? "\nsgc: what it was doing is in " : "\nsgc: cannot write ");
    say(path);
    if (written) {
        say("; this repeats it:\n  ");
        say(command);
    }
}

/* Called from signal handlers too: only functions that are safe there. */
void crash_report(void)
{
    bool in_json = complaints_are_json();
    put(STDERR_FILENO, in_json ? "{\"range\":{\"start\":{\"line\":0,\"character\":0},"
                                 "\"end\":{\"line\":0,\"character\":0}},\"severity\":1,"
                                 "\"code\":\"SG0999\",\"source\":\"sgc\",\"message\":\""
                               : "sgc: ");
    say("internal error: this is a fault of sgc, not of the model");
    put(STDERR_FILENO, in_json ? "" : " [SG0999]");
    if (text)
        write_kept();
    put(STDERR_FILENO, in_json ? "\"}\n" : "\n");
}
