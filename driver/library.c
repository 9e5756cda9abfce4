/* Models for programs of the user's: objects and libraries.
 *
 * The model, the runtime's context and, where the model multiplies matrices, OpenBLAS become one
 * object in which only the functions of runtime/context.def are seen from outside, under the
 * model's name.  So a program may hold any number of models, and a BLAS of its own. */
#include "driver/driver.h"

#include <string.h>

static const char *const call_name[] = {
#define CONTEXT_CALL(name, ...) #name,
#include "runtime/context.def"
};

enum { CALLS = sizeof call_name / sizeof *call_name };

/* One relocatable object of all that is needed; nothing is hidden yet.  A section group would be
 * thrown away where another model has one of its name. */
static bool join(const char *object, const char *part, const LibraryOptions *o, Arena *a)
{
    Words c = {0};
    words_add(&c, a, SGC_PARTIAL_LINKER, 0);
    words_add(&c, a, "-r:--force-group-allocation:-o", ':');
    words_add(&c, a, part, 0);
    for (size_t i = 0; i < CALLS; i++)
        words_add(&c, a, arena_printf(a, "--undefined=sgrt_context_%s", call_name[i]), 0);
    words_add(&c, a, object, 0);
    return words_add_runtime(&c, a, o->needs) && words_run(&c, "link", o->verbose);
}

/* The functions get the model's name, and the rest becomes local. */
static bool hide(const char *part, const LibraryOptions *o, Arena *a)
{
    Words c = {0};
    words_add(&c, a, SGC_OBJCOPY, 0);
    words_add(&c, a, "--strip-unneeded", 0);
    for (size_t i = 0; i < CALLS; i++) {
        const char *from = call_name[i], *to = arena_printf(a, "%s_%s", o->model, from);
        words_add(&c, a, arena_printf(a, "--redefine-sym=sgrt_context_%s=%s", from, to), 0);
        words_add(&c, a, arena_printf(a, "--keep-global-symbol=%s", to), 0);
    }
    words_add(&c, a, part, 0);
    return words_run(&c, "renaming of symbols", o->verbose);
}

static bool archive(const char *part, const char *output, const LibraryOptions *o, Arena *a)
{
    Words c = {0};
    words_add(&c, a, SGC_AR, 0);
    words_add(&c, a, "rcsD", 0);
    words_add(&c, a, output, 0);
    words_add(&c, a, part, 0);
    return words_run(&c, "making of the archive", o->verbose);
}

static bool link_shared(const char *part, const char *output, const LibraryOptions *o, Arena *a)
{
    Words c = {0};
    words_add_linker(&c, a);
    words_add(&c, a, "-shared:-Wl,--gc-sections:-Wl,-Bsymbolic", ':');
    words_add(&c, a, *SGC_SANITIZERS ? "" : "-Wl,-z,defs", 0);
    words_add(&c, a, arena_printf(a, "-Wl,-soname,%s", o->file), 0);
    words_add(&c, a, "-o", 0);
    words_add(&c, a, output, 0);
    words_add(&c, a, part, 0);
    words_add(&c, a, LIBRARY_LINK_FLAGS, ' ');
    words_add_environment(&c, a);
    return words_run(&c, "link", o->verbose);
}

bool make_object(const char *code, const char *output, const LibraryOptions *o, Arena *a)
{
    return join(code, output, o, a) && hide(output, o, a);
}

bool make_library(const char *code, const char *part, const char *output, bool is_shared,
                  const LibraryOptions *o, Arena *a)
{
    return make_object(code, part, o, a) &&
           (is_shared ? link_shared(part, output, o, a) : archive(part, output, o, a));
}

/* The folder of the .pc file is the folder of the library and of its header. */
bool write_pkg_config(const LibraryOptions *o, const char *version, const char *path)
{
    FILE *out = fopen(path, "w");
    if (out)
        fprintf(out,
                "Name: %s\nDescription: a model compiled by sgc\nVersion: %s\n"
                "Cflags: -I${pcfiledir}\nLibs: -L${pcfiledir} -l%s " LIBRARY_LINK_FLAGS "\n",
                o->stem, version, o->stem);
    return (out && fclose(out) == 0) || cannot_write(path);
}
