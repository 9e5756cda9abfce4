/* Regions: memory is zeroed, aligned, apart, and lives until the end. */
#include "ir/arena.h"
#include "tests/suites.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(memory_is_zeroed_and_aligned)
{
    Arena *a = arena_new();
    for (size_t align = 1; align <= alignof(max_align_t); align *= 2)
        for (size_t count = 1; count < 200; count += 7) {
            unsigned char *p = arena_alloc(a, count, 1, align);
            ck_assert_uint_eq((uintptr_t)p % align, 0);
            static const unsigned char zeros[200];
            ck_assert_mem_eq(p, zeros, count);
            memset(p, 0xff, count);
        }
    arena_free(a);
}
END_TEST

/* Many small and a few large blocks, over several chunks: none overwrites another. */
START_TEST(blocks_are_apart)
{
    enum { BLOCKS = 2000 };
    Arena *a = arena_new();
    uint32_t *block[BLOCKS];
    size_t size[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        size[i] = i % 97 == 0 ? 40000 : i % 13 + 1;
        block[i] = arena_array(a, uint32_t, size[i]);
        for (size_t k = 0; k < size[i]; k++)
            block[i][k] = i;
    }
    size_t overwritten = 0;
    for (uint32_t i = 0; i < BLOCKS; i++)
        for (size_t k = 0; k < size[i]; k++)
            overwritten += block[i][k] != i;
    ck_assert_uint_eq(overwritten, 0);
    arena_free(a);
}
END_TEST

START_TEST(arrays_grow_and_keep_their_elements)
{
    Arena *a = arena_new();
    uint64_t *x = NULL;
    uint32_t count = 0;
    for (uint64_t i = 0; i < 5000; i++)
        *arena_push(a, x, count, uint64_t) = i * i;
    ck_assert_uint_eq(count, 5000);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_uint_eq(x[i], i * i);
    arena_free(a);
}
END_TEST

START_TEST(strings_end)
{
    Arena *a = arena_new();
    char *s = arena_copy(a, "abcdef", 3);
    ck_assert_str_eq(s, "abc");
    ck_assert_str_eq(arena_printf(a, "%s-%d", s, 42), "abc-42");
    ck_assert_uint_eq(strlen(arena_printf(a, "%*d", 100000, 1)), 100000);
    ck_assert_str_eq(arena_printf(a, "%s", ""), "");
    arena_free(a);
}
END_TEST

/* Sizes that do not fit end the program with a message, they never wrap. */
START_TEST(a_size_that_overflows_ends_the_program)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        arena_alloc(arena_new(), SIZE_MAX / 8, 16, 8);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
END_TEST

Suite *arena_suite(void)
{
    Suite *s = suite_create("arena");
    TCase *c = tcase_create("regions");
    tcase_add_test(c, memory_is_zeroed_and_aligned);
    tcase_add_test(c, blocks_are_apart);
    tcase_add_test(c, arrays_grow_and_keep_their_elements);
    tcase_add_test(c, strings_end);
    tcase_add_test(c, a_size_that_overflows_ends_the_program);
    suite_add_tcase(s, c);
    return s;
}
