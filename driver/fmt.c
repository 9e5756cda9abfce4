/* sgc fmt: formats programs in place, or says which are not formatted. */
#include "driver/driver.h"

#include <stdlib.h>
#include <string.h>

/* NULL: the program cannot be parsed, which was printed.  The caller frees. */
static char *formatted(const Options *o, const char *input, const char *text)
{
    char *made = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    if (!out)
        abort();
    Diags *d = open_diags(o, input, text);
    bool ok = fe_format(text, d, out);
    fclose(out);
    diags_render(d, stderr);
    diags_free(d);
    if (ok)
        return made;
    free(made);
    return NULL;
}

static bool replace(const char *path, const char *text, Arena *a)
{
    const char *dir = workspace_open(path, a);
    if (!dir)
        return false;
    const char *made = arena_printf(a, "%s/" WORKSPACE_PART, dir);
    FILE *out = fopen(made, "w");
    bool ok = out && fputs(text, out) >= 0;
    ok = (!out || fclose(out) == 0) && ok;
    ok = ok ? publish(made, path) : cannot_write(made);
    workspace_close();
    return ok;
}

static bool format_file(const Options *o, const char *input, Arena *a)
{
    const char *text = read_text(input, a);
    char *made = text ? formatted(o, input, text) : NULL;
    if (!made)
        return false;
    bool same = strcmp(made, text) == 0, filter = strcmp(input, "-") == 0, ok = true;
    if (o->check && !same)
        ok = complain(SG1104, input, "%s is not formatted; sgc fmt %s does it", input, input);
    else if (!o->check && filter)
        fputs(made, stdout);
    else if (!o->check && !same)
        ok = replace(input, made, a);
    free(made);
    return ok;
}

int command_fmt(const Options *o, Arena *a)
{
    bool ok = true;
    for (size_t i = 0; i < o->inputs; i++)
        ok = format_file(o, o->input[i], a) && ok;
    return ok ? SGC_OK : SGC_FAILED;
}
