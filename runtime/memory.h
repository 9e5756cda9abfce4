/* Zeroed, aligned memory for arrays. */
#ifndef SGC_RUNTIME_MEMORY_H
#define SGC_RUNTIME_MEMORY_H

#include "runtime/error.h"

#include <stdint.h>

/* `count` elements of `size` bytes, zeroed, aligned to 64; at least one byte, so that NULL always
 * means failure.  The caller owns the result and frees it with free(). */
void *sgrt_alloc(int64_t count, int64_t size, SgrtError *e);

/* Makes room for `count` elements in an array that doubles; the new part is not initialised.
 * Returns the array, which may have moved; on failure NULL, and `array` is untouched. */
void *sgrt_grow(void *array, int64_t *room, int64_t count, int64_t size, SgrtError *e);

char *sgrt_copy_text(const char *text, SgrtError *e);

#endif
