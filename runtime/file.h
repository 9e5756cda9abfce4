/* A file that appears whole or not at all: written beside its place, synced, then renamed into it.
 * What already stands there but is no regular file (a pipe, /dev/stdout) is written directly.
 *
 * Nothing is allocated and nothing buffered, so a model inside a program saves with it too. */
#ifndef SGC_RUNTIME_FILE_H
#define SGC_RUNTIME_FILE_H

#include "runtime/error.h"

#include <limits.h>
#include <stdint.h>

typedef struct SgrtFile {
    int fd;                   /* owned while `path` is not empty */
    char path[PATH_MAX];      /* empty: done with */
    char temporary[PATH_MAX]; /* empty: the file is written directly */
} SgrtFile;

/* Are these two the same file?  False where either is not there; the second may be NULL. */
bool sgrt_same_file(const char *a, const char *b);

bool sgrt_file_begin(SgrtFile *f, const char *path, SgrtError *e);
bool sgrt_file_write(SgrtFile *f, const void *bytes, int64_t count, SgrtError *e);

/* Makes the file appear.  Either way the SgrtFile is done with. */
bool sgrt_file_commit(SgrtFile *f, SgrtError *e);

/* Leaves what stood at the path as it was.  Nothing if the file is done with. */
void sgrt_file_abandon(SgrtFile *f);

#endif
