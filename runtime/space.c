/* Spaces are address space until they are touched: OpenBLAS asks for room for its largest blocks,
 * and uses as much of it as the matrices are large. */
#include "runtime/space.h"

#include "runtime/memory.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

__attribute__((weak)) int64_t sgrt_openblas_open(void)
{
    return 0;
}

__attribute__((weak)) void *sgrt_openblas_use(void *space)
{
    (void)space;
    return NULL;
}

bool sgrt_spaces_init(SgrtSpaces *s, int64_t count, SgrtError *e)
{
    *s = (SgrtSpaces){.count = count, .bytes = sgrt_openblas_open()};
    int64_t bytes = 0;
    if (s->bytes == 0)
        return true;
    if (__builtin_mul_overflow(count, s->bytes, &bytes))
        return sgrt_fail(e, "%lld tasks at once are too many", (long long)count);
    s->taken = sgrt_alloc(count, sizeof *s->taken, e);
    void *memory = s->taken ? mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                            : MAP_FAILED;
    if (memory != MAP_FAILED) {
        s->memory = memory;
        return true;
    }
    sgrt_spaces_free(s);
    return sgrt_fail(e, "out of memory: work space for %lld tasks", (long long)count);
}

void sgrt_spaces_free(SgrtSpaces *s)
{
    if (s->memory)
        munmap(s->memory, (size_t)(s->count * s->bytes));
    free(s->taken);
    *s = (SgrtSpaces){0};
}

void *sgrt_space_use(const SgrtSpaces *s, int64_t space)
{
    return sgrt_openblas_use(s->memory ? s->memory + space * s->bytes : NULL);
}

void sgrt_space_leave(void *before)
{
    sgrt_openblas_use(before);
}

/* There are as many spaces as tasks at once, unless a caller's runner breaks its promise: then the
 * task waits. */
SgrtTaken sgrt_space_take(SgrtSpaces *s)
{
    for (; s->memory; sched_yield())
        for (int64_t i = 0; i < s->count; i++)
            if (!atomic_exchange_explicit(&s->taken[i], true, memory_order_acquire))
                return (SgrtTaken){i, sgrt_space_use(s, i)};
    return (SgrtTaken){.space = -1};
}

void sgrt_space_give(SgrtSpaces *s, SgrtTaken taken)
{
    if (taken.space < 0)
        return;
    sgrt_space_leave(taken.before);
    atomic_store_explicit(&s->taken[taken.space], false, memory_order_release);
}
