/* Messages: their order, their lines and carets, and the limit. */
#include "ir/diag.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

static void must_render(const Diags *d, const char *want)
{
    char *text = diags_text(d);
    ck_assert_str_eq(text, want);
    free(text);
}

START_TEST(shows_the_line_and_the_range)
{
    Diags *d = diags_new("m.sg", "first\nlet y = mul(x, w)\nlast");
    diag_error(d, (Span){2, 9, 9}, SG0004, "shapes %s and %s differ", "[3]", "[4]");
    must_render(d, "m.sg:2:9: error: shapes [3] and [4] differ [SG0004]\n"
                   "    2 | let y = mul(x, w)\n"
                   "      |         ^~~~~~~~~\n"
                   "1 error; `sgc explain SG0004` says more\n");
    ck_assert_uint_eq(diags_errors(d), 1);
    diags_free(d);
}
END_TEST

START_TEST(carets_stand_under_tabs_and_wide_characters)
{
    Diags *d = diags_new("m.sg", "\t\xc3\xa9 = \xce\xb8 + 1\n");
    diag_error(d, (Span){1, 7, 2}, SG0004, "no theta");
    must_render(d, "m.sg:1:7: error: no theta [SG0004]\n"
                   "    1 | \t\xc3\xa9 = \xce\xb8 + 1\n"
                   "      | \t    ^\n"
                   "1 error; `sgc explain SG0004` says more\n");
    diags_free(d);
}
END_TEST

START_TEST(a_range_ends_with_its_line)
{
    Diags *d = diags_new("m.sg", "abc\r\ndef\n");
    diag_error(d, (Span){1, 2, 50}, SG0004, "long");
    diag_error(d, (Span){9, 1, 1}, SG0004, "a line that is not there");
    must_render(d, "m.sg:1:2: error: long [SG0004]\n"
                   "    1 | abc\n"
                   "      |  ^~\n"
                   "m.sg:9:1: error: a line that is not there [SG0004]\n"
                   "2 errors; `sgc explain SG0004` says more\n");
    diags_free(d);
}
END_TEST

START_TEST(sorted_by_place_with_notes_after_their_message)
{
    Diags *d = diags_new("m.sg", NULL);
    diag_error(d, (Span){3, 1, 1}, SG0004, "third");
    diag_note(d, (Span){1, 1, 1}, "of third");
    diag_help(d, (Span){0}, "help of third");
    diag_warning(d, (Span){2, 5, 1}, SG0004, "second");
    diag_error(d, (Span){2, 1, 1}, SG0004, "first");
    diag_error(d, (Span){2, 5, 1}, SG0004, "again, at the place of second");
    must_render(d, "m.sg:2:1: error: first [SG0004]\n"
                   "m.sg:2:5: warning: second [SG0004]\n"
                   "m.sg:2:5: error: again, at the place of second [SG0004]\n"
                   "m.sg:3:1: error: third [SG0004]\n"
                   "m.sg:1:1: note: of third\n"
                   "help: help of third\n"
                   "3 errors; `sgc explain SG0004` says more\n");
    ck_assert_uint_eq(diags_errors(d), 3);
    diags_free(d);
}
END_TEST

START_TEST(a_remark_is_one_line)
{
    Diags *d = diags_new("m.sg", "z ~ normal(0, 1)\n");
    diag_remark(d, (Span){1, 1, 1}, SGR01, "z: pathwise");
    must_render(d, "m.sg:1:1: remark: z: pathwise [SGR01]\n");
    ck_assert_uint_eq(diags_errors(d), 0);
    diags_free(d);
}
END_TEST

START_TEST(errors_past_the_limit_are_counted)
{
    Diags *d = diags_new("m.sg", NULL);
    for (uint32_t i = DIAG_LIMIT + 3; i > 0; i--)
        diag_error(d, (Span){i, 1, 1}, SG0004, "error %u", i);
    char *text = diags_text(d);
    ck_assert_ptr_nonnull(
        strstr(text, "m.sg:20:1: error: error 20 [SG0004]\nm.sg: 3 more errors not shown"));
    ck_assert_ptr_null(strstr(text, "error 21"));
    free(text);
    diags_free(d);
}
END_TEST

START_TEST(a_label_stands_after_the_carets)
{
    Diags *d = diags_new("m.sg", "cost wieght\n");
    diag_error(d, (Span){1, 6, 6}, SG0101, "unknown name `wieght`");
    diag_note(d, (Span){1, 6, 6}, "of the same place");
    diag_label(d, "did you mean `%s`?", "weight");
    must_render(d, "m.sg:1:6: error: unknown name `wieght` [SG0101]\n"
                   "    1 | cost wieght\n"
                   "      |      ^~~~~~ did you mean `weight`?\n"
                   "note: of the same place\n"
                   "1 error; `sgc explain SG0101` says more\n");
    diags_free(d);
}
END_TEST

START_TEST(colours_are_asked_for)
{
    Diags *d = diags_new("m.sg", NULL);
    diags_style(d, (DiagStyle){.color = true});
    diag_remark(d, (Span){1, 1, 1}, SGR01, "r");
    must_render(d, "\033[1mm.sg:1:1: \033[1;36mremark: \033[0m\033[1mr\033[0m [SGR01]\n");
    diags_free(d);
}
END_TEST

START_TEST(warnings_are_errors_or_nothing)
{
    Diags *d = diags_new("m.sg", NULL);
    diags_style(d, (DiagStyle){.warnings_are_errors = true});
    diag_warning(d, (Span){1, 1, 1}, SG0101, "w");
    ck_assert_uint_eq(diags_errors(d), 1);
    must_render(d, "m.sg:1:1: error: w [SG0101]\n1 error; `sgc explain SG0101` says more\n");
    diags_free(d);
    d = diags_new("m.sg", NULL);
    diags_style(d, (DiagStyle){.no_warnings = true});
    diag_warning(d, (Span){1, 1, 1}, SG0101, "w");
    must_render(d, "");
    diags_free(d);
}
END_TEST

/* Characters count in UTF-16: the line has one of two units before `wieght`. */
START_TEST(json_is_a_diagnostic_of_the_protocol)
{
    Diags *d = diags_new("no such.sg", "\xf0\x9d\x84\x9e wieght\nparam weight");
    diags_style(d, (DiagStyle){.form = DIAG_JSON});
    diag_error(d, (Span){1, 6, 6}, SG0101, "unknown \"%s\"", "wieght\xff\n");
    diag_label(d, "did you mean `weight`?");
    diag_fix(d, (Span){1, 6, 6}, "weight");
    diag_note(d, (Span){2, 7, 6}, "declared here");
    diag_help(d, (Span){0}, "rename it");
    must_render(
        d, "{\"uri\":\"no%20such.sg\",\"range\":{\"start\":{\"line\":0,\"character\":3},"
           "\"end\":{\"line\":0,\"character\":9}},\"severity\":1,\"code\":\"SG0101\","
           "\"source\":\"sgc\",\"message\":\"unknown \\\"wieght\\ufffd\\u000a\\\": did you mean "
           "`weight`?\\u000ahelp: rename it\",\"relatedInformation\":[{\"location\":{\"uri\":"
           "\"no%20such.sg\",\"range\":{\"start\":{\"line\":1,\"character\":6},\"end\":{\"line\":1,"
           "\"character\":12}}},\"message\":\"declared here\"}],\"data\":{\"fix\":[{\"range\":"
           "{\"start\":{\"line\":0,\"character\":3},\"end\":{\"line\":0,\"character\":9}},"
           "\"newText\":\"weight\"}]}}\n");
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
    tcase_add_test(c, a_label_stands_after_the_carets);
    tcase_add_test(c, colours_are_asked_for);
    tcase_add_test(c, warnings_are_errors_or_nothing);
    tcase_add_test(c, json_is_a_diagnostic_of_the_protocol);
    suite_add_tcase(s, c);
    return s;
}
