/* Arrays as text, for people. */
#ifndef SGC_RUNTIME_SHOW_H
#define SGC_RUNTIME_SHOW_H

#include "runtime/data.h"

#include <stdio.h>

/* The shortest decimal that reads back as the same value of the stored type.  Returns `out`, which
 * holds 32 bytes. */
char *sgrt_show_value(char *out, const SgrtArray *a, int64_t i);

/* "NAME float32 [2, 3]" and the values, one line for each run of the last axis; of a large array
 * the first line alone.  True if the values were shown. */
bool sgrt_show(FILE *out, const char *name, const SgrtArray *a);

#endif
