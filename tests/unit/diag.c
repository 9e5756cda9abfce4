/* Messages: their order, their lines and carets, and the limit. */
#include "ir/diag.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

static void must_render(const Diags *d, const char *want)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    diags_render(d, f);
    fclose(f);
    ck_assert_str_eq(text, want);
    free(text);
}

START_TEST(shows_the_line_and_the_range)
{
    Diags *d = diags_new("m.sg", "first\nlet y = mul(x, w)\nlast");
    diag_error(d, (Span){2, 9, 9}, "shapes %s and %s differ", "[3]", "[4]");
    must_render(d, "m.sg:2:9: error: shapes [3] and [4] differ\n"
                   "    2 | let y = mul(x, w)\n"
                   "      |         ^~~~~~~~~\n");
    ck_assert_uint_eq(diags_errors(d), 1);
    diags_free(d);
}
END_TEST

START_TEST(carets_stand_under_tabs_and_wide_characters)
{
    Diags *d = diags_new("m.sg", "\t\xc3\xa9 = \xce\xb8 + 1\n");
    diag_error(d, (Span){1, 7, 2}, "no theta");
    must_render(d, "m.sg:1:7: error: no theta\n"
                   "    1 | \t\xc3\xa9 = \xce\xb8 + 1\n"
                   "      | \t    ^\n");
    diags_free(d);
}
END_TEST

START_TEST(a_range_ends_with_its_line)
{
    Diags *d = diags_new("m.sg", "abc\r\ndef\n");
    diag_error(d, (Span){1, 2, 50}, "long");
    diag_error(d, (Span){9, 1, 1}, "a line that is not there");
    must_render(d, "m.sg:1:2: error: long\n"
                   "    1 | abc\n"
                   "      |  ^~\n"
                   "m.sg:9:1: error: a line that is not there\n");
    diags_free(d);
}
END_TEST

START_TEST(sorted_by_place_with_notes_after_their_message)
{
    Diags *d = diags_new("m.sg", NULL);
    diag_error(d, (Span){3, 1, 1}, "third");
    diag_note(d, (Span){1, 1, 1}, "of third");
    diag_help(d, (Span){0}, "help of third");
    diag_warning(d, (Span){2, 5, 1}, "second");
    diag_error(d, (Span){2, 1, 1}, "first");
    diag_error(d, (Span){2, 5, 1}, "again, at the place of second");
    must_render(d, "m.sg:2:1: error: first\n"
                   "m.sg:2:5: warning: second\n"
                   "m.sg:2:5: error: again, at the place of second\n"
                   "m.sg:3:1: error: third\n"
                   "m.sg:1:1: note: of third\n"
                   "m.sg: help: help of third\n");
    ck_assert_uint_eq(diags_errors(d), 3);
    diags_free(d);
}
END_TEST

START_TEST(a_remark_is_one_line)
{
    Diags *d = diags_new("m.sg", "z ~ normal(0, 1)\n");
    diag_remark(d, (Span){1, 1, 1}, "z: pathwise");
    must_render(d, "m.sg:1:1: remark: z: pathwise\n");
    ck_assert_uint_eq(diags_errors(d), 0);
    diags_free(d);
}
END_TEST

START_TEST(errors_past_the_limit_are_counted)
{
    Diags *d = diags_new("m.sg", NULL);
    for (uint32_t i = 1; i <= DIAG_LIMIT + 3; i++) {
        ck_assert_int_eq(diags_full(d), i > DIAG_LIMIT);
        diag_error(d, (Span){i, 1, 1}, "error %u", i);
    }
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    diags_render(d, f);
    fclose(f);
    ck_assert_ptr_nonnull(
        strstr(text, "m.sg:20:1: error: error 20\nm.sg: 3 more errors not shown"));
    ck_assert_ptr_null(strstr(text, "error 21"));
    free(text);
    diags_free(d);
}
END_TEST

Suite *diag_suite(void)
{
    Suite *s = suite_create("diag");
    TCase *c = tcase_create("messages");
    tcase_add_test(c, shows_the_line_and_the_range);
    tcase_add_test(c, carets_stand_under_tabs_and_wide_characters);
    tcase_add_test(c, a_range_ends_with_its_line);
    tcase_add_test(c, sorted_by_place_with_notes_after_their_message);
    tcase_add_test(c, a_remark_is_one_line);
    tcase_add_test(c, errors_past_the_limit_are_counted);
    suite_add_tcase(s, c);
    return s;
}
