/* Atomic replacement of files. */
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool system_error(const char *path, SgrtError *e)
{
    return sgrt_fail(e, "%s: %s", path, strerrordesc_np(errno));
}

bool sgrt_same_file(const char *a, const char *b)
{
    struct stat at_a, at_b;
    return b && stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev &&
           at_a.st_ino == at_b.st_ino;
}

static bool name_both(SgrtFile *f, const char *path, bool direct)
{
    int room = (int)sizeof f->path;
    f->temporary[0] = 0;
    return snprintf(f->path, sizeof f->path, "%s", path) < room &&
           (direct || snprintf(f->temporary, sizeof f->temporary, "%s.tmp", path) < room);
}

bool sgrt_file_begin(SgrtFile *f, const char *path, SgrtError *e)
{
    struct stat s;
    bool direct = stat(path, &s) == 0 && !S_ISREG(s.st_mode);
    errno = ENAMETOOLONG;
    f->fd = !name_both(f, path, direct) ? -1
            : direct                    ? open(path, O_WRONLY | O_CLOEXEC)
                     : open(f->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (f->fd >= 0)
        return true;
    f->path[0] = 0;
    return system_error(path, e);
}

bool sgrt_file_write(SgrtFile *f, const void *bytes, int64_t count, SgrtError *e)
{
    const char *at = bytes;
    for (ssize_t put; count > 0; at += put, count -= put)
        if ((put = write(f->fd, at, (size_t)count)) < 0) {
            if (errno != EINTR)
                return system_error(f->path, e);
            put = 0;
        }
    return true;
}

/* A rename lasts once its directory is on disk. */
static bool sync_directory_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0 || errno == EINVAL; /* some file systems cannot */
    close(fd);
    return synced;
}

static bool finish(SgrtFile *f)
{
    bool written = !f->temporary[0] || fsync(f->fd) == 0;
    if (close(f->fd) != 0)
        written = false;
    if (!written || !f->temporary[0])
        return written;
    return rename(f->temporary, f->path) == 0 && sync_directory_of(f->path);
}

bool sgrt_file_commit(SgrtFile *f, SgrtError *e)
{
    bool done = finish(f);
    if (!done) {
        system_error(f->path, e);
        if (f->temporary[0])
            unlink(f->temporary);
    }
    f->path[0] = 0;
    return done;
}

void sgrt_file_abandon(SgrtFile *f)
{
    if (!f->path[0])
        return;
    close(f->fd);
    if (f->temporary[0])
        unlink(f->temporary);
    f->path[0] = 0;
}
