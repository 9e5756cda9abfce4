/* The link step: a model's object file, the runtime, OpenBLAS as a part of it, and the libraries
 * that the runtime's driver uses. */
#include "driver/driver.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void words_add(Words *c, Arena *a, const char *text, char separator)
{
    const char stop[] = {separator, 0};
    for (;;) {
        size_t len = strcspn(text, stop);
        if (len && c->words + 1 < MAX_WORDS)
            c->word[c->words++] = arena_copy(a, text, len);
        if (!text[len])
            return;
        text += len + 1;
    }
}

const char *own_folder(Arena *a)
{
    char self[4096];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0) {
        complain(SG1103, NULL, "cannot read /proc/self/exe: %s", strerror(errno));
        return NULL;
    }
    self[len] = 0;
    return arena_copy(a, self, (size_t)(strrchr(self, '/') - self));
}

/* The runtime stands in lib/ beside sgc (a build) or in lib/sgc/ beside its folder (an
 * installation, which may be moved). */
static const char *runtime_library(const char *name, Arena *a)
{
    const char *self = own_folder(a);
    if (!self)
        return NULL;
    const char *beside = arena_printf(a, "%s/lib/%s", self, name);
    if (access(beside, R_OK) == 0)
        return beside;
    const char *installed = arena_printf(a, "%s/../lib/sgc/%s", self, name);
    if (access(installed, R_OK) == 0)
        return installed;
    complain(SG1103, NULL, "the runtime library is neither %s nor %s", beside, installed);
    return NULL;
}

const char *runtime_folder(Arena *a)
{
    const char *path = runtime_library("libsgrt.a", a);
    return path ? arena_copy(a, path, (size_t)(strrchr(path, '/') - path)) : NULL;
}

bool words_run(const Words *c, const char *what, bool verbose)
{
    for (size_t i = 0; verbose && i < c->words; i++)
        fprintf(stderr, "%s%c", c->word[i], i + 1 < c->words ? ' ' : '\n');
    pid_t child;
    int error = posix_spawnp(&child, c->word[0], NULL, NULL, c->word, environ);
    if (error)
        return complain(SG1103, NULL, "cannot run %s: %s", c->word[0], strerror(error));
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return complain(SG1103, NULL, "lost %s: %s", c->word[0], strerror(errno));
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           complain(SG1103, NULL, "the %s failed; sgc -v shows its command", what);
}

bool words_add_runtime(Words *c, Arena *a, const char *needs)
{
    bool v3 = list_has(needs, "avx2") && list_has(needs, "fma");
    const char *const archive[] = {"libsgrt.a",
                                   v3 ? "libsgrt_openblas_v3.a" : "libsgrt_openblas.a"};
    for (size_t i = 0; i < sizeof archive / sizeof *archive; i++) {
        const char *path = runtime_library(archive[i], a);
        if (!path)
            return false;
        words_add(c, a, path, 0);
    }
    return true;
}

void words_add_linker(Words *c, Arena *a)
{
    const char *chosen = getenv("CC");
    words_add(c, a, chosen && *chosen ? chosen : SGC_LINKER, ' ');
    words_add(c, a, SGC_LINKER_FLAGS, ':');
}

void words_add_environment(Words *c, Arena *a)
{
    const char *flags = getenv("LDFLAGS");
    words_add(c, a, flags ? flags : "", ' ');
}

bool link_model(const char *object, const char *output, const char *needs, bool verbose, Arena *a)
{
    Words c = {0};
    words_add_linker(&c, a);
    words_add(&c, a, "-Wl,--gc-sections:-o", ':');
    words_add(&c, a, output, 0);
    words_add(&c, a, object, 0);
    if (!words_add_runtime(&c, a, needs))
        return false;
    words_add(&c, a, SGC_LIBRARIES, ':');
    words_add_environment(&c, a);
    return words_run(&c, "link", verbose);
}
