/* sgc prove: a model's certificate, its text checked by sgc, its theorem proved by Coq. */
#include "driver/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LIMIT "600" /* seconds, for one model */

/* ---- what it needs -------------------------------------------------------------------------- */

static bool is_installed(const char *program, Arena *a)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        if (access(arena_printf(a, "%.*s/%s", (int)len, path, program), X_OK) == 0)
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

static bool is_theory(const char *folder, Arena *a)
{
    return access(arena_printf(a, "%s/Model.vo", folder), R_OK) == 0;
}

/* The compiled theory is in proofs/ beside sgc (a build), or in lib/sgc/proofs/ beside its folder.
 */
static const char *find_theory(const Options *o, Arena *a)
{
    if (o->proofs && is_theory(o->proofs, a))
        return realpath(o->proofs, arena_array(a, char, 4096));
    const char *self = own_folder(a);
    if (!o->proofs && self) {
        const char *beside = arena_printf(a, "%s/proofs", self);
        const char *installed = arena_printf(a, "%s/../lib/sgc/proofs", self);
        if (is_theory(beside, a))
            return beside;
        if (is_theory(installed, a))
            return installed;
    }
    complain(
        SG1103, NULL,
        "the compiled theory is not in %s: scripts/prove makes it, and --proofs DIR says where "
        "it is",
        o->proofs ? o->proofs : arena_printf(a, "%s/proofs", self));
    return NULL;
}

/* ---- Coq ------------------------------------------------------------------------------------ */

/* What coqc leaves beside a file, and the file. */
static const char *const made[] = {"certificate.v",   "certificate.vo",   "certificate.vok",
                                   "certificate.vos", "certificate.glob", ".certificate.aux"};

static void remove_folder(const char *folder, Arena *a)
{
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        unlink(arena_printf(a, "%s/%s", folder, made[i]));
    rmdir(folder);
}

static bool run_coq(const Options *o, const char *theory, const char *file, Arena *a)
{
    Words c = {0};
    words_add(&c, a, "timeout:" TIME_LIMIT ":coqc:-q:-w:none:-R", ':');
    words_add(&c, a, theory, 0);
    words_add(&c, a, "Sgc", 0);
    words_add(&c, a, file, 0);
    return words_run(&c, "proof", o->verbose);
}

/* A file may have any name, and Coq wants one of letters: it is proved under another. */
static bool prove(const Options *o, const char *theory, const char *path, Arena *a)
{
    const char *where = getenv("TMPDIR");
    char *folder = arena_printf(a, "%s/sgc-prove-XXXXXX", where && *where ? where : "/tmp");
    const char *whole = realpath(path, arena_array(a, char, 4096));
    if (!whole || !mkdtemp(folder))
        return complain(SG1102, path, "cannot prove %s: %s", path, strerror(errno));
    const char *file = arena_printf(a, "%s/%s", folder, made[0]);
    double start = milliseconds();
    bool ok = (symlink(whole, file) == 0 || cannot_write(file)) && run_coq(o, theory, file, a);
    if (ok)
        printf("%s: proved by Coq in %.1f s\n", path, (milliseconds() - start) / 1e3);
    remove_folder(folder, a);
    return ok;
}

int command_prove(const Options *o, Arena *a)
{
    const char *input = o->input[0];
    if (!is_installed("coqc", a)) {
        complain(
            SG1103, NULL,
            "coqc is not installed: it comes with the package coq, and scripts/prove installs it");
        return SGC_FAILED;
    }
    const char *theory = find_theory(o, a);
    if (!theory)
        return SGC_FAILED;
    int status = build_kinds(o, input, 1u << EMIT_PROOF | 1u << EMIT_CERT, a);
    if (status != SGC_OK)
        return status;
    return prove(o, theory, output_of(o, input, EMIT_PROOF, a), a) &&
                   verify_file(o, output_of(o, input, EMIT_CERT, a), a)
               ? SGC_OK
               : SGC_FAILED;
}
