/* A folder for the files of one test. */
#ifndef SGC_TESTS_UNIT_SCRATCH_H
#define SGC_TESTS_UNIT_SCRATCH_H

#include "runtime/tensors.h"

#include <stddef.h>

void scratch_make(void);   /* as a checked fixture's setup */
void scratch_remove(void); /* as its teardown: the folder and all in it */

/* The path of a name in the folder; the same text for the same name until it is removed. */
const char *scratch_path(const char *name);

void scratch_write(const char *name, const void *bytes, size_t count);

/* A safetensors file. */
void scratch_tensors(const char *name, const SgrtTensor *tensor, int64_t tensors,
                     const SgrtText *text, int64_t texts);

/* All bytes of a file, with a 0 behind them, for the caller to free. */
char *scratch_read(const char *name, size_t *count);

/* The error begins with the file's path and a place in it: an offset, or a line and column. */
void scratch_assert_placed(const char *name, const char *error);

#endif
