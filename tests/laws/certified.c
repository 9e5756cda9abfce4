/* Certificates of random programs, and of long chains.
 *
 * The checker accepts the one that the compiler makes.  Of those that are changed at one point it
 * accepts only what computes the right numbers.
 *
 *   SGC_RANDOM=FIRST:COUNT    other seeds than those below, or more of them */
#include "tests/changed.h"
#include "tests/laws/program.h"
#include "tests/suites.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICES = 3, STEP = 61 };

static const char *const some_via[] = {NULL,
                                       "score",
                                       "score(samples = 2, baseline = leave_one_out)",
                                       "score(baseline = moving_average)",
                                       "enumerate",
                                       "pathwise",
                                       "pathwise(samples = 2)"};

/* The first choice is the compiler's. */
static void write_program(const RandomProgram *p, int choice, char text[2 * PROGRAM_TEXT])
{
    uint64_t random = ~p->seed;
    const char *via[PROGRAM_DRAWS] = {NULL};
    for (int i = 1; i <= choice; i++)
        for (size_t d = 0; d < p->draws; d++)
            via[d] = some_via[random_below(&random, sizeof some_via / sizeof *some_via)];
    strcpy(text, RANDOM_PARAMS);
    random_program_text(p, via, true, text + strlen(text), 2 * PROGRAM_TEXT - strlen(text));
}

/* True: the program has a certificate. */
static bool judged(const char *text, uint32_t step, Judged *total)
{
    Certified c;
    certify_text(&c, text);
    bool made = c.made;
    if (made) {
        ck_assert_msg(cert_accepted(&c.cert), "not accepted\n%s", text);
        Judged j = cert_change(&c.cert, step);
        total->made += j.made;
        total->rejected += j.rejected;
    }
    certified_free(&c);
    return made;
}

START_TEST(random_programs_have_right_ones)
{
    uint64_t first = 1, count = 60, made = 0;
    const char *asked = getenv("SGC_RANDOM");
    if (asked)
        ck_assert_int_eq(sscanf(asked, "%" SCNu64 ":%" SCNu64, &first, &count), 2);
    Judged total = {0, 0};
    char text[2 * PROGRAM_TEXT];
    for (uint64_t i = 0; i < count; i++) {
        RandomProgram p;
        random_program(&p, first + i);
        for (int choice = 0; choice < CHOICES; choice++) {
            write_program(&p, choice, text);
            made += judged(text, STEP, &total);
        }
    }
    ck_assert_msg(made > count / 2, "only %" PRIu64 " certificates of %" PRIu64, made, count);
    ck_assert_uint_gt(total.rejected, total.made / 2);
}
END_TEST

#define STEPS "12"
#define LAYER(to, from) "h" to " = tanh(h" from " @ W" to ")\n"

/* Long enough for products to get names. */
static const char *const chain[] = {
    "dim n = 3\n"
    "param W1[n, n] = ones()\nparam W2[n, n] = ones()\nparam W3[n, n] = ones()\n"
    "param W4[n, n] = ones()\nparam W5[n, n] = ones()\nparam W6[n, n] = ones()\n"
    "graph g {\nplate i = rows(4) {\ndata h0[n]\n" LAYER("1", "0") LAYER("2", "1") LAYER("3", "2")
        LAYER("4", "3") LAYER("5", "4") LAYER("6", "5") "cost sum(h6 ^ 2)\n}\n}\n",
    "dim n = 2\ndim steps = " STEPS "\nparam W[n, n] = ones()\nparam b[n] = ones()\n"
    "graph g {\nplate i = rows(4) {\ndata x[steps]\nh[0] = tanh(b)\n"
    "for t in 1..steps {\nz ~ normal(h[t-1] @ W, 1)\nh[t] = tanh(z + x[t] * b)\n}\n"
    "cost sum(h[steps - 1] ^ 2)\n}\n}\n",
    "dim steps = " STEPS "\nparam a = ones()\nparam b = ones()\n"
    "graph g {\nx[0] = a\nfor t in 1..steps {\nx[t] = x[t-1] * sigmoid(a * x[t-1] + b)\n}\n"
    "cost x[steps - 1]\n}\n",
    "dim n = 2\ndim steps = " STEPS "\nparam a[n] = ones()\nparam W[n, n] = ones()\n"
    "graph g {\nplate i = rows(4) {\ndata x[n]\nz[0] ~ bernoulli(logits = a) via score\n"
    "for t in 1..steps {\nz[t] ~ bernoulli(logits = z[t-1] @ W) via score\n}\n"
    "cost sum((sum(z, axis = 0) - x) ^ 2)\n}\n}\n",
    /* the stack of all later steps, and the slice of its gradient */
    "dim steps = " STEPS "\nparam a = ones()\nparam b = ones()\n"
    "graph g {\nplate i = rows(4) {\ndata x[steps]\nz[0] ~ normal(x[0] * b, 1)\n"
    "for t in 1..steps {\nz[t] ~ normal(tanh(z[t-1] * a), 1)\n}\n"
    "cost sum((z - x) ^ 2)\n}\n}\n",
};

START_TEST(long_chains_have_right_ones)
{
    Judged total = {0, 0};
    ck_assert_msg(judged(chain[_i], 7, &total), "%s", chain[_i]);
    ck_assert_uint_gt(total.rejected, total.made / 2);
}
END_TEST

Suite *certified_suite(void)
{
    Suite *s = suite_create("certified");
    TCase *t = tcase_create("programs");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, random_programs_have_right_ones);
    tcase_add_loop_test(t, long_chains_have_right_ones, 0, sizeof chain / sizeof *chain);
    suite_add_tcase(s, t);
    return s;
}
