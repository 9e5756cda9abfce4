/* Stands in for OpenBLAS's memory management where OpenBLAS becomes a part of a model.
 *
 * It defines what OpenBLAS's own memory.c would: the choice of kernels, made when a pool first asks
 * for it and not when a library is loaded, and the work space of a product, which the caller
 * sets for its thread.  It also has what cmake/embed.cmake puts in the place of some functions of
 * the C library.  So OpenBLAS inside a model allocates nothing, prints nothing, reads no
 * environment but OPENBLAS_CORETYPE, and keeps no state but the choice. */
#include "runtime/space.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

void *sgrt_openblas_use(void *space)
{
    void *before = current;
    current = space;
    return before;
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

/* ---- in the place of the C library ---------------------------------------------------------- */

void *sgrt_openblas_malloc(size_t bytes);
void sgrt_openblas_free(void *memory);
_Noreturn void sgrt_openblas_exit(int status);
_Noreturn void sgrt_openblas___assert_fail(const char *what, const char *file, unsigned line,
                                           const char *function);
int sgrt_openblas_fputs(const char *text, void *stream);
size_t sgrt_openblas_fwrite(const void *from, size_t size, size_t count, void *stream);
char *sgrt_openblas_getenv(const char *name);
extern void *sgrt_openblas_stderr;

/* The kernels of small products pack one operand, and use no other work space: theirs is the
 * thread's.  They are for at most 100^3 multiplications, so the operand has fewer elements. */
void *sgrt_openblas_malloc(size_t bytes)
{
    return bytes <= SGRT_OPENBLAS_SPACE ? current : NULL;
}

void sgrt_openblas_free(void *memory)
{
    (void)memory;
}

/* Never called: each table of kernels has what is looked for. */
_Noreturn void sgrt_openblas_exit(int status)
{
    (void)status;
    __builtin_unreachable();
}

/* Never called: it checks that a routine stayed inside its own stack. */
_Noreturn void sgrt_openblas___assert_fail(const char *what, const char *file, unsigned line,
                                           const char *function)
{
    (void)what, (void)file, (void)line, (void)function;
    __builtin_unreachable();
}

void *sgrt_openblas_stderr;

int sgrt_openblas_fputs(const char *text, void *stream)
{
    (void)text, (void)stream;
    return 0;
}

size_t sgrt_openblas_fwrite(const void *from, size_t size, size_t count, void *stream)
{
    (void)from, (void)size, (void)stream;
    return count;
}

/* By another name than the one that this stands in for. */
char *sgrt_openblas_getenv(const char *name)
{
    return strcmp(name, "OPENBLAS_CORETYPE") == 0 ? secure_getenv(name) : NULL;
}

/* OpenBLAS prints here; the runtime passes no argument that it would complain about. */
int xerbla_(const char *routine, const int *argument, int length)
{
    (void)routine;
    (void)argument;
    return length;
}
