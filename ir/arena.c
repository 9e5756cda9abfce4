/* A list of chunks, each twice the last; allocation moves a pointer. */
#include "ir/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Chunk {
    struct Chunk *next;
    size_t cap, used;
    max_align_t data[];
} Chunk;

struct Arena {
    Chunk *head;
};

enum { FIRST_CHUNK = 1 << 16 };

static void *or_die(void *p)
{
    if (!p) {
        fputs("sgc: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

Arena *arena_new(void)
{
    return or_die(calloc(1, sizeof(Arena)));
}

void arena_free(Arena *a)
{
    for (Chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
}

static Chunk *chunk_new(size_t need, Chunk *last)
{
    size_t cap = last ? last->cap * 2 : FIRST_CHUNK;
    if (cap < need)
        cap = need;
    Chunk *c = or_die(malloc(sizeof *c + cap));
    *c = (Chunk){.next = last, .cap = cap};
    return c;
}

void *arena_alloc(Arena *a, size_t count, size_t size, size_t align)
{
    if (size && count > SIZE_MAX / 4 / size)
        or_die(NULL);
    size_t need = count * size;
    Chunk *c = a->head;
    size_t at = c ? (c->used + align - 1) & ~(align - 1) : 0;
    if (!c || at > c->cap || need > c->cap - at) {
        a->head = c = chunk_new(need, c);
        at = 0;
    }
    c->used = at + need;
    return memset((char *)c->data + at, 0, need);
}

char *arena_copy(Arena *a, const char *s, size_t len)
{
    char *copy = arena_array(a, char, len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *arena_printf(Arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    char *text = arena_array(a, char, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

void *arena_grow(Arena *a, void *old, size_t count, size_t size, size_t align)
{
    enum { FIRST = 8 };
    if (count == 0)
        return arena_alloc(a, FIRST, size, align);
    if (count < FIRST || (count & (count - 1)) != 0)
        return old;
    void *bigger = arena_alloc(a, count * 2, size, align);
    return memcpy(bigger, old, count * size);
}
