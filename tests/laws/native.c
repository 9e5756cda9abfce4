/* Compiled code is the evaluator: every op, in f64 and f32, with and without the optimiser. */
#include "tests/laws/native.h"
#include "tests/suites.h"
#include "tests/unit/scratch.h"

#include <stdlib.h>
#include <string.h>

static void load(Native *n)
{
    if (native_load(n))
        return;
    diags_render(n->diags, stderr);
    ck_abort_msg("the model does not compile");
}

static void compare_all(Native *n, int64_t rows, bool tape)
{
    for (uint32_t i = 0; i < n->model.graphs; i++) {
        const char *wrong = native_compare(n, i, rows, tape);
        ck_assert_msg(!wrong, "%s", wrong);
    }
}

/* All rows, fewer than there is room for, and fewer than there are parts. */
static void compare_rows(int64_t real_bytes, bool no_optimise)
{
    Native *n = native_build(native_case, native_cases, real_bytes, no_optimise);
    load(n);
    compare_all(n, NATIVE_ROWS, true);
    compare_all(n, 5, true);
    compare_all(n, NATIVE_PARTS - 1, true);
    compare_all(n, NATIVE_ROWS, false);
    compare_all(n, 4, false);
    native_free(n);
}

START_TEST(doubles_agree_with_the_evaluator)
{
    compare_rows(8, false);
}
END_TEST

START_TEST(floats_agree_with_the_evaluator)
{
    compare_rows(4, false);
}
END_TEST

START_TEST(code_agrees_before_it_is_optimised)
{
    compare_rows(8, true);
}
END_TEST

START_TEST(every_op_is_compared)
{
    static const char *const emit[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, ...) [IR_##id] = #emit,
#include "ir/op.def"
    };
    Native *n = native_build(native_case, native_cases, 8, false);
    bool seen[IR_OP_COUNT] = {false};
    for (uint32_t i = 0; i < n->model.graphs; i++)
        for (IrRef r = 0; r < n->entry[i][n->of[i]->entry].count; r++)
            seen[n->entry[i][n->of[i]->entry].node[r].op] = true;
    for (int op = 0; op < IR_OP_COUNT; op++)
        ck_assert_msg(seen[op] || strcmp(emit[op], "none") == 0, "no graph has the op %s",
                      ir_op_info[op].name);
    native_free(n);
}
END_TEST

START_TEST(an_index_out_of_range_is_a_fault_with_its_place)
{
    Native *n = native_build(&native_fault_case, 1, 8, false);
    load(n);
    SgrtFault f = native_fault(n, 0, 5);
    ck_assert_int_eq(f.kind, 1);
    ck_assert_int_eq(f.index, 6);
    ck_assert_int_eq(f.size, 6);
    ck_assert_int_lt(f.place, 1);
    ck_assert_ptr_nonnull(strstr(n->code->graph[0].place[f.place], "gather"));
    ck_assert_int_eq(native_fault(n, 1, 5).kind, 0);
    native_free(n);
}
END_TEST

Suite *native_suite(void)
{
    Suite *s = suite_create("native");
    TCase *t = tcase_create("native");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_add_test(t, doubles_agree_with_the_evaluator);
    tcase_add_test(t, floats_agree_with_the_evaluator);
    tcase_add_test(t, code_agrees_before_it_is_optimised);
    tcase_add_test(t, every_op_is_compared);
    tcase_add_test(t, an_index_out_of_range_is_a_fault_with_its_place);
    suite_add_tcase(s, t);
    return s;
}
