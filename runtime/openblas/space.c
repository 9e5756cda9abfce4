/* Stands in for OpenBLAS's memory management where OpenBLAS becomes a part of a model's library.
 *
 * It defines what OpenBLAS's own memory.c would: the choice of kernels, made when a context first
 * asks for it and not when the library is loaded, and the work space of a product, which the caller
 * sets for its thread.  So OpenBLAS inside a library allocates nothing, reads no environment but
 * OPENBLAS_CORETYPE, and keeps no state but the choice. */
#include "runtime/context_space.h"

#include <pthread.h>

void gotoblas_dynamic_init(void);
void *blas_memory_alloc(int procpos);
void blas_memory_free(void *buffer);
int xerbla_(const char *routine, const int *argument, int length);

extern void *gotoblas;
void *gotoblas; /* the table of kernels, which gotoblas_dynamic_init chooses */

/* Static storage of a thread: a lookup that never allocates, in libraries that are opened late
 * too. */
static __thread void *current __attribute__((tls_model("initial-exec")));

int64_t sgrt_openblas_open(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, gotoblas_dynamic_init);
    return SGRT_OPENBLAS_SPACE;
}

void sgrt_openblas_use(void *space)
{
    current = space;
}

void *blas_memory_alloc(int procpos)
{
    (void)procpos;
    return current;
}

void blas_memory_free(void *buffer)
{
    (void)buffer;
}

/* OpenBLAS prints here; the runtime passes no argument that it would complain about. */
int xerbla_(const char *routine, const int *argument, int length)
{
    (void)routine;
    (void)argument;
    return length;
}
