/* Allocation with checked sizes; large blocks ask for huge pages, which halve the first touch. */
#include "runtime/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

static void *out_of_memory(int64_t count, int64_t size, SgrtError *e)
{
    sgrt_fail(e, "out of memory: %lld x %lld bytes", (long long)count, (long long)size);
    return NULL;
}

void *sgrt_alloc(int64_t count, int64_t size, SgrtError *e)
{
    int64_t bytes = 0;
    if (count < 0 || __builtin_mul_overflow(count, size, &bytes))
        return out_of_memory(count, size, e);
    int64_t unit = bytes >= HUGE_PAGE ? HUGE_PAGE : ALIGNMENT;
    if (bytes > INT64_MAX - unit)
        return out_of_memory(count, size, e);
    int64_t room = bytes ? (bytes + unit - 1) / unit * unit : unit;
    void *memory = aligned_alloc((size_t)unit, (size_t)room);
    if (!memory)
        return out_of_memory(count, size, e);
    if (unit == HUGE_PAGE)
        (void)madvise(memory, (size_t)room, MADV_HUGEPAGE); /* a hint: refusal costs nothing */
    return memset(memory, 0, (size_t)room);
}

void *sgrt_grow(void *array, int64_t *room, int64_t count, int64_t size, SgrtError *e)
{
    if (count <= *room)
        return array;
    int64_t wanted = *room > INT64_MAX / 2 ? count : *room * 2;
    if (wanted < count)
        wanted = count;
    int64_t bytes = 0;
    if (__builtin_mul_overflow(wanted, size, &bytes))
        return out_of_memory(wanted, size, e);
    void *grown = realloc(array, (size_t)bytes);
    if (!grown)
        return out_of_memory(wanted, size, e);
    *room = wanted;
    return grown;
}

char *sgrt_copy_text(const char *text, SgrtError *e)
{
    char *copy = strdup(text);
    if (!copy)
        sgrt_fail(e, "out of memory");
    return copy;
}
