/* A lock around OpenBLAS's work space.
 *
 * A build for one thread (Debian's libopenblas-serial) hands out its packing buffers without a
 * lock: two products that begin at the same moment may share one, and both results are wrong.  The
 * library calls its allocator through the dynamic symbol table, so the two functions below stand in
 * its place in every program that links the runtime, and call it one thread at a time.  Everything
 * else in the library works on its arguments and its own buffer. */
#include "runtime/blas.h"

#include <dlfcn.h>
#include <pthread.h>

typedef void *AllocFn(int procpos);
typedef void FreeFn(void *buffer);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static AllocFn *library_alloc;
static FreeFn *library_free;

/* The addresses behind ours; a pointer to a function is copied as POSIX asks. */
static void find(void)
{
    if (library_free)
        return;
    *(void **)&library_alloc = dlsym(RTLD_NEXT, "blas_memory_alloc");
    *(void **)&library_free = dlsym(RTLD_NEXT, "blas_memory_free");
}

void sgrt_blas_share(void)
{
    pthread_mutex_lock(&lock);
    find();
    pthread_mutex_unlock(&lock);
}

__attribute__((visibility("default"))) AllocFn blas_memory_alloc;
__attribute__((visibility("default"))) FreeFn blas_memory_free;

void *blas_memory_alloc(int procpos)
{
    pthread_mutex_lock(&lock);
    find();
    void *buffer = library_alloc(procpos);
    pthread_mutex_unlock(&lock);
    return buffer;
}

void blas_memory_free(void *buffer)
{
    pthread_mutex_lock(&lock);
    find();
    library_free(buffer);
    pthread_mutex_unlock(&lock);
}
