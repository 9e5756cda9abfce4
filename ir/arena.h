/* Regions: everything a compilation allocates is freed at once. */
#ifndef SGC_IR_ARENA_H
#define SGC_IR_ARENA_H

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>

typedef struct Arena Arena;

Arena *arena_new(void);
void arena_free(Arena *a);

/* Returns zeroed memory valid until arena_free().  Never NULL: running out of memory ends the
 * program with a message. */
void *arena_alloc(Arena *a, size_t count, size_t size, size_t align);
#define arena_array(a, T, n) ((T *)arena_alloc((a), (n), sizeof(T), alignof(T)))
#define arena_make(a, T) arena_array((a), T, 1)

char *arena_copy(Arena *a, const char *s, size_t len); /* adds the final 0 */
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for one more element in an arena array that doubles; returns the array. */
void *arena_grow(Arena *a, void *old, size_t count, size_t size, size_t align);
#define arena_push(a, array, count, T) \
    ((array) = arena_grow((a), (array), (count), sizeof(T), alignof(T)), &(array)[(count)++])

#endif
