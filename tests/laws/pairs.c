/* docs/laws.md against the compiler: every law with every estimator is as exact as the page says,
 * or refused for the reason that it gives.  Two suites, so that they run side by side; SGC_SLOW
 * measures what takes long too. */
#include "tests/laws/page.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *page;

static void read_page(void)
{
    size_t size = 0;
    FILE *in = fopen(SGC_SOURCE_DIR "/docs/laws.md", "r"), *out = open_memstream(&page, &size);
    ck_assert(in && out);
    for (int c; (c = getc(in)) != EOF;)
        putc(c, out);
    fclose(in);
    fclose(out);
}

static void free_page(void)
{
    free(page);
}

static void says(const char *cell, const char *now, const Pair *p)
{
    const char *said_rest, *now_rest;
    int said = page_order(cell, &said_rest), order = page_order(now, &now_rest);
    ck_assert_msg(
        strcmp(said_rest, now_rest) == 0 && (said == 0) == (order == 0) &&
            order <= said + (said < 0),
        "docs/laws.md says `%s`, and it is `%s` (%s%s %.17g, not %.17g); make it again with "
        "build/sgc_table\n%s",
        cell, now, p->refused, p->worst.what, p->worst.got, p->worst.want, p->text);
}

static void check_law(IrDist d)
{
    char law[PAGE_CELL], cell[PAGE_CELL], now[PAGE_CELL];
    Exact exact = {0};
    page_law(d, law, sizeof law);
    for (int e = 0; e < IR_EST_COUNT; e++) {
        PageReasons reasons = page_read_reasons(page);
        bool measured = !pair_is_slow(d, (IrEstimator)e) || getenv("SGC_SLOW");
        Pair p = pair_measure(d, (IrEstimator)e, measured ? &exact : NULL);
        ck_assert_msg(p.worst.error <= pair_bound((IrEstimator)e),
                      "%s: %.17g, not %.17g (error %.2g)\n%s", p.worst.what, p.worst.got,
                      p.worst.want, p.worst.error, p.text);
        ck_assert_msg(strncmp(p.refused, "unexplained", 11) != 0, "%s\n%s", p.refused, p.text);
        page_cell(&p, &reasons, now, sizeof now);
        ck_assert_msg(*now != '\0' && page_read_cell(page, "law", law, e + 1, cell, sizeof cell),
                      "no cell for %s via %s", law, page_estimator((IrEstimator)e));
        says(cell, now, &p);
    }
    exact_free(&exact);
}

START_TEST(a_real_law)
{
    if (ir_dist_info[_i].elem == IR_REAL)
        check_law((IrDist)_i);
}
END_TEST

START_TEST(a_law_of_integers)
{
    if (ir_dist_info[_i].elem == IR_INT)
        check_law((IrDist)_i);
}
END_TEST

START_TEST(closed_forms_are_those_of_the_page)
{
    char law[PAGE_CELL], cell[PAGE_CELL];
    page_law((IrDist)_i, law, sizeof law);
    for (int s = 0; s < PAIR_STATISTICS; s++) {
        ck_assert_msg(page_read_cell(page, "mean", law, s + 1, cell, sizeof cell), "no cell of %s",
                      law);
        ck_assert_msg((*cell == 'x') == pair_is_closed((IrDist)_i, s), "%s, %s", law,
                      pair_statistic[s]);
    }
}
END_TEST

/* The committed page has no error above the bound, and nothing that cannot be read. */
START_TEST(the_page_is_whole)
{
    PageReasons reasons = page_read_reasons(page);
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        for (int e = 0; e < IR_EST_COUNT; e++) {
            char law[PAGE_CELL], cell[PAGE_CELL];
            const char *rest;
            page_law(d, law, sizeof law);
            ck_assert(page_read_cell(page, "law", law, e + 1, cell, sizeof cell));
            int order = page_order(cell, &rest);
            bool letter = !rest[0] || (rest[0] >= 'a' && rest[0] < 'a' + reasons.count);
            ck_assert_msg(order < 0 ? order <= log10(pair_bound((IrEstimator)e))
                                    : rest[0] && letter,
                          "%s: `%s`", law, cell);
        }
}
END_TEST

static Suite *suite_of(const char *name, TCase **c)
{
    Suite *s = suite_create(name);
    *c = tcase_create("page");
    tcase_set_timeout(*c, 800);
    tcase_add_unchecked_fixture(*c, read_page, free_page);
    suite_add_tcase(s, *c);
    return s;
}

Suite *pairs_real_suite(void)
{
    TCase *c;
    Suite *s = suite_of("pairs_real", &c);
    tcase_add_loop_test(c, a_real_law, 0, IR_DIST_COUNT);
    return s;
}

Suite *pairs_int_suite(void)
{
    TCase *c;
    Suite *s = suite_of("pairs_int", &c);
    tcase_add_loop_test(c, a_law_of_integers, 0, IR_DIST_COUNT);
    tcase_add_loop_test(c, closed_forms_are_those_of_the_page, 0, IR_DIST_COUNT);
    tcase_add_test(c, the_page_is_whole);
    return s;
}
