/* Work space for matrix products, inside a library.
 *
 * An executable lets OpenBLAS manage its work space, behind a lock (runtime/blas.h).  A library has
 * an OpenBLAS of its own, which asks nobody: a context reserves one space for every task that may
 * run at once, and a task takes a free one.  So products of different contexts, of different
 * models, and of the program around them share nothing, and no call allocates or waits. */
#ifndef SGC_RUNTIME_CONTEXT_SPACE_H
#define SGC_RUNTIME_CONTEXT_SPACE_H

#include "runtime/error.h"
#include "runtime/rt.h"

#include <stdatomic.h>

typedef struct SgrtSpaces {
    char *memory;         /* owned, a mapping; NULL for a model without products */
    int64_t count, bytes; /* spaces, and of each */
    atomic_bool *taken;   /* owned: [count] */
} SgrtSpaces;

bool sgrt_spaces_init(SgrtSpaces *s, int64_t count, SgrtError *e);
void sgrt_spaces_free(SgrtSpaces *s);

/* An SgrtAround: runs a task with a space to itself. */
void sgrt_spaces_around(void *spaces, SgrtPhaseFn *run, SgrtFrame *frame, int64_t task);

/* What OpenBLAS inside a library provides (runtime/openblas/space.c); a library without it has
 * these under the same names, and they do nothing. */
int64_t sgrt_openblas_open(void);      /* prepares it; the bytes of one space */
void sgrt_openblas_use(void *space);   /* for the products of this thread, until the next call */

#endif
