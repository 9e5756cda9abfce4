/* ir/diag.def: each program says what it is said to say, and nothing else.  Rows that a command shows
 * ("$ sgc ...") are run by tests/run/explain.sh, which also finds rows that nothing shows. */
#include "frontend/frontend.h"
#include "ir/diag_list.h"
#include "passes/pass.h"
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

/* "# sgc --dim=NAME=SIZE", the first line of a program that is compiled so. */
static size_t read_dim(const char *text, FeDim *dim, char name[32])
{
    long long size;
    if (sscanf(text, "# sgc --dim=%31[a-z]=%lld", name, &size) != 2)
        return 0;
    *dim = (FeDim){name, size};
    return 1;
}

static bool parse(IrModel *m, const char *text, Diags *d)
{
    char name[32];
    FeDim dim;
    if (strncmp(text, "sgir ", 5) == 0)
        return ir_parse(m, text, d);
    return fe_compile(m, "t.sg", text, &dim, read_dim(text, &dim, name), d);
}

/* Through every pass; the caller frees. */
static Diags *compile(const char *text)
{
    Arena *a = arena_new();
    Diags *d = diags_new("t.sg", text);
    PassOptions options = {.parts = 1, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = d, .arena = a};
    IrModel *m = arena_make(a, IrModel);
    ir_model_init(m, a);
    bool ok = parse(m, text, d);
    if (ok)
        passes_warn(m, d);
    for (uint32_t g = 0; ok && g < m->graphs; g++) {
        IrGraph *entry = arena_array(a, IrGraph, IR_ENTRIES);
        if (m->graph[g].entry == IR_ENTRY_SOURCE)
            passes_run(&m->graph[g], entry, &cx, NULL, NULL);
    }
    arena_free(a);
    return d;
}

static bool is_program(const char *example)
{
    return *example && *example != '$';
}

/* The messages that are no notes. */
static uint32_t count(const Diags *d)
{
    return d->groups;
}

START_TEST(wrong_programs_have_one_message)
{
    const DiagInfo *row = &diag_info[_i];
    if (!is_program(row->wrong))
        return;
    Diags *d = compile(row->wrong);
    char *text = diags_text(d);
    ck_assert_msg(diags_has(d, (DiagCode)_i), "%s is not said of\n%s\nbut\n%s", row->code,
                  row->wrong, text);
    ck_assert_msg(count(d) == 1, "%s: more is said than that\n%s", row->code, text);
    free(text);
    diags_free(d);
}
END_TEST

START_TEST(right_programs_have_none)
{
    const DiagInfo *row = &diag_info[_i];
    if (!is_program(row->right))
        return;
    Diags *d = compile(row->right);
    char *text = diags_text(d);
    ck_assert_msg(count(d) == 0, "%s:\n%s\n%s", row->code, row->right, text);
    free(text);
    diags_free(d);
}
END_TEST

START_TEST(every_message_is_explained)
{
    const DiagInfo *row = &diag_info[_i];
    ck_assert_msg(*row->title && strlen(row->why) > 40, "%s is not explained", row->code);
}
END_TEST

START_TEST(codes_are_sorted_and_titles_differ)
{
    for (int i = 0; i < _i; i++) {
        ck_assert_int_lt(strcmp(diag_info[i].code, diag_info[_i].code), 0);
        ck_assert_str_ne(diag_info[i].title, diag_info[_i].title);
    }
}
END_TEST

Suite *explain_suite(void)
{
    Suite *s = suite_create("explain");
    TCase *c = tcase_create("messages");
    tcase_add_loop_test(c, wrong_programs_have_one_message, 0, DIAG_CODES);
    tcase_add_loop_test(c, right_programs_have_none, 0, DIAG_CODES);
    tcase_add_loop_test(c, every_message_is_explained, 0, DIAG_CODES);
    tcase_add_loop_test(c, codes_are_sorted_and_titles_differ, 0, DIAG_CODES);
    suite_add_tcase(s, c);
    return s;
}
