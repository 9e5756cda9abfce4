/* Temporary files of tests. */
#include "tests/unit/scratch.h"

#include <check.h>
#include <ftw.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PATHS = 64, LONGEST = 200 };

static char folder[LONGEST];
static char paths[MOST_PATHS][LONGEST * 2];

void scratch_make(void)
{
    const char *base = getenv("TMPDIR");
    memset(paths, 0, sizeof paths);
    snprintf(folder, sizeof folder, "%s/sgrt-test-XXXXXX", base ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

void scratch_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name)
{
    char path[LONGEST * 2];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    for (int i = 0; i < MOST_PATHS; i++) {
        if (!paths[i][0])
            strcpy(paths[i], path);
        if (strcmp(paths[i], path) == 0)
            return paths[i];
    }
    ck_abort_msg("a test with more than %d files", MOST_PATHS);
    return NULL;
}

void scratch_write(const char *name, const void *bytes, size_t count)
{
    FILE *f = fopen(scratch_path(name), "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert(count == 0 || fwrite(bytes, count, 1, f) == 1);
    ck_assert_int_eq(fclose(f), 0);
}

char *scratch_read(const char *name, size_t *count)
{
    FILE *f = fopen(scratch_path(name), "rb");
    ck_assert_msg(f != NULL, "%s is not there", name);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *bytes = calloc((size_t)size + 1, 1);
    ck_assert(size == 0 || fread(bytes, (size_t)size, 1, f) == 1);
    fclose(f);
    *count = (size_t)size;
    return bytes;
}

void scratch_tensors(const char *name, const SgrtTensor *tensor, int64_t tensors,
                     const SgrtText *text, int64_t texts)
{
    const SgrtTensor **order = calloc((size_t)tensors, sizeof *order);
    sgrt_tensors_sort(tensor, tensors, order);
    int64_t head = sgrt_tensors_header(NULL, 0, order, tensors, text, texts), size = head;
    for (int64_t i = 0; i < tensors; i++)
        size += tensor[i].size * sgrt_stored_bytes(tensor[i].stored);
    char *bytes = malloc((size_t)size), *to = bytes + head;
    sgrt_tensors_header(bytes, head, order, tensors, text, texts);
    for (int64_t i = 0; i < tensors; i++) {
        size_t count = (size_t)(order[i]->size * sgrt_stored_bytes(order[i]->stored));
        memcpy(to, order[i]->values, count);
        to += count;
    }
    scratch_write(name, bytes, (size_t)size);
    free(bytes);
    free(order);
}

void scratch_assert_placed(const char *name, const char *error)
{
    static regex_t place;
    static bool compiled;
    if (!compiled)
        compiled =
            regcomp(&place,
                    "^(:[a-z]+)?(: offset [0-9]+|:[0-9]+:[0-9]+): ", REG_EXTENDED | REG_NOSUB) == 0;
    ck_assert(compiled);
    size_t path = strlen(scratch_path(name));
    bool placed = strncmp(error, scratch_path(name), path) == 0 &&
                  regexec(&place, error + path, 0, NULL, 0) == 0;
    ck_assert_msg(placed, "no file or no place in it: %s", error);
}
