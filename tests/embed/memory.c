/* All memory is taken by _new.  This program's allocator counts, and fails on demand: when every
 * allocation of _new has failed once, each with an error text and nothing lost, the others may ask
 * for none. */
#include "check.h"
#include "vae.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROWS = 16, PIXELS = 784 };

static long taken, returned; /* blocks */
static long until_failure = -1;

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);

static int fails(void)
{
    if (until_failure == 0) {
        errno = ENOMEM;
        return 1;
    }
    until_failure -= until_failure > 0;
    taken++;
    return 0;
}

void *malloc(size_t bytes)
{
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
    if (fails())
        return NULL;
    returned += block != NULL;
    return __libc_realloc(block, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

void free(void *block)
{
    returned += block != NULL;
    __libc_free(block);
}

/* A mapping of a file takes no memory, and returns none. */
void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset)
{
    if (!(flags & MAP_ANONYMOUS))
        returned--;
    else if (fails())
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, length, protection, flags, file, offset);
}

int munmap(void *at, size_t length)
{
    returned++;
    return (int)syscall(SYS_munmap, at, length);
}

/* ---- */

static float image[ROWS * PIXELS], out[64 * PIXELS], in[64 * PIXELS];
static char bytes[8 << 20];

static void use(vae *m)
{
    double cost;
    CHECK(vae_elbo_grad(m, ROWS, image, &cost) == VAE_OK);
    CHECK(vae_elbo_train(m, ROWS, image, &cost) == VAE_OK);
    CHECK(vae_elbo_eval(m, ROWS, image, &cost) == VAE_OK);
    CHECK(vae_generate_run(m, out) == VAE_OK);
    CHECK(vae_reconstruct_run(m, ROWS, image, in, out) == VAE_OK);
    CHECK(vae_elbo_train(m, ROWS + 1, image, &cost) == VAE_E_ARGUMENT);
    CHECK(vae_get(m, VAE_PARAM_enc__W, out) == VAE_OK);
    CHECK(vae_set(m, VAE_PARAM_enc__W, out) == VAE_OK);
    CHECK(vae_optimizer(m, "lr", 1e-4) == VAE_OK && vae_noise(m, 5, 7) == VAE_OK);
    int64_t count = vae_pack(m, VAE_GRAPH_elbo, bytes, sizeof bytes);
    CHECK(count > 0 && count <= (int64_t)sizeof bytes);
    CHECK(vae_unpack(m, VAE_GRAPH_elbo, bytes, count) == VAE_OK);
    CHECK(vae_save(m, VAE_GRAPH_elbo, "vae.safetensors") == VAE_OK);
    CHECK(vae_load(m, VAE_GRAPH_elbo, "vae.safetensors") == VAE_OK);
    CHECK(vae_load(m, VAE_GRAPH_elbo, "nothing") == VAE_E_FILE);
}

/* The C library keeps what it took for a thread: then only the rest is counted. */
static void live(int64_t threads)
{
    vae_config c = VAE_CONFIG;
    vae *m;
    int status = VAE_E_MEMORY;
    long before, failing = 0;
    c.threads = threads;
    for (;; failing++) {
        CHECK(failing < 1000);
        before = taken - returned;
        until_failure = failing;
        status = vae_new(&m, &c);
        until_failure = -1;
        if (status == VAE_OK)
            break;
        CHECK(status == VAE_E_MEMORY && *vae_error(m));
        vae_free(m);
        CHECK(threads > 1 || taken - returned == before);
    }
    CHECK(failing > 20);
    until_failure = 0;
    long then = taken;
    use(m);
    CHECK(taken == then);
    until_failure = -1;
    vae_free(m);
    CHECK(threads > 1 || taken - returned == before);
}

int main(void)
{
    for (int i = 0; i < ROWS * PIXELS; i++)
        image[i] = (float)(i % 5) / 4;
    live(1);
    live(2);
    return 0;
}
