/* Work space for matrix products.
 *
 * OpenBLAS is a part of every model's executable or library, under names of its own, and asks
 * nobody for the space that a product works in (runtime/openblas/space.c).  A pool reserves one
 * space for each task that may run at once.  So products of different threads, contexts and models,
 * and those of a program around them, share nothing, and none allocates or waits. */
#ifndef SGC_RUNTIME_SPACE_H
#define SGC_RUNTIME_SPACE_H

#include "runtime/error.h"

#include <stdatomic.h>
#include <stdint.h>

typedef struct SgrtSpaces {
    char *memory;         /* owned, a mapping; NULL for a model without products */
    int64_t count, bytes; /* spaces, and of each */
    atomic_bool *taken;   /* owned: [count] */
} SgrtSpaces;

bool sgrt_spaces_init(SgrtSpaces *s, int64_t count, SgrtError *e);
void sgrt_spaces_free(SgrtSpaces *s);

/* Gives this thread a space that no other thread is given.  Returns what the thread had before, for
 * sgrt_space_leave(): a pool may run inside another's task. */
void *sgrt_space_use(const SgrtSpaces *s, int64_t space);
void sgrt_space_leave(void *before);

/* The same with a space that is free; given back by its number. */
typedef struct SgrtTaken {
    int64_t space; /* -1: there are none */
    void *before;
} SgrtTaken;

SgrtTaken sgrt_space_take(SgrtSpaces *s);
void sgrt_space_give(SgrtSpaces *s, SgrtTaken taken);

/* What OpenBLAS provides (runtime/openblas/space.c); a model without products has these under the
 * same names, and they do nothing. */
int64_t sgrt_openblas_open(void); /* prepares it; the bytes of one space */

/* The space for the products of this thread, until the next call; returns that of the last. */
void *sgrt_openblas_use(void *space);

#endif
