/* Atomic replacement of files. */
#include "runtime/file.h"

#include "runtime/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool system_error(const char *path, SgrtError *e)
{
    return sgrt_fail(e, "%s: %s", path, strerror(errno));
}

static void forget(SgrtFile *f)
{
    free(f->path);
    free(f->temporary);
    *f = (SgrtFile){0};
}

bool sgrt_file_begin(SgrtFile *f, const char *path, SgrtError *e)
{
    struct stat s;
    bool direct = stat(path, &s) == 0 && !S_ISREG(s.st_mode);
    *f = (SgrtFile){.path = sgrt_copy_text(path, e)};
    if (!f->path)
        return false;
    if (!direct && asprintf(&f->temporary, "%s.tmp", path) < 0) {
        f->temporary = NULL;
        forget(f);
        return sgrt_fail(e, "out of memory");
    }
    f->stream = fopen(direct ? path : f->temporary, "wb");
    if (f->stream)
        return true;
    system_error(path, e);
    forget(f);
    return false;
}

bool sgrt_file_write(SgrtFile *f, const void *bytes, int64_t count, SgrtError *e)
{
    if (count == 0 || fwrite(bytes, (size_t)count, 1, f->stream) == 1)
        return true;
    return system_error(f->path, e);
}

/* A rename lasts once its directory is on disk. */
static bool sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!folder)
        return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    free(folder);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0 || errno == EINVAL; /* some file systems cannot */
    close(fd);
    return synced;
}

static bool finish(SgrtFile *f)
{
    bool written = fflush(f->stream) == 0;
    if (written && f->temporary)
        written = fsync(fileno(f->stream)) == 0;
    if (fclose(f->stream) != 0)
        written = false;
    f->stream = NULL;
    if (!written || !f->temporary)
        return written;
    return rename(f->temporary, f->path) == 0 && sync_directory_of(f->path);
}

bool sgrt_file_commit(SgrtFile *f, SgrtError *e)
{
    bool done = finish(f);
    if (!done) {
        system_error(f->path, e);
        if (f->temporary)
            unlink(f->temporary);
    }
    forget(f);
    return done;
}

void sgrt_file_abandon(SgrtFile *f)
{
    if (!f->path)
        return;
    if (f->stream)
        fclose(f->stream);
    if (f->temporary)
        unlink(f->temporary);
    forget(f);
}
