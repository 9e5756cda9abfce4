/* Sums over enumerated draws by elimination: exact, and as little work as the structure allows.
 *
 * The oracle is brute force: the same text with its draws sampled in the place of enumerated, no
 * pass but the derivation of plain samples, and the tape summed over every joint value.  Its slope is
 * taken by differences. */
#include "tests/laws/exact.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- against brute force -------------------------------------------------------------------- */

/* The text with "score" for every estimator. */
static char *sampled(const char *text)
{
    char *out = malloc(2 * strlen(text) + 1), *at = out;
    for (const char *c = text; *c;) {
        bool via = strncmp(c, " via ", 5) == 0;
        at += sprintf(at, via ? " via score" : "%c", *c);
        c += via ? 5 + strcspn(c + 5, " (\n}") : 1;
        c += via && *c == '(' ? strcspn(c, ")") + 1 : 0;
    }
    return out;
}

static void check_brute_force(const char *text, int64_t rows)
{
    char *plain_text = sampled(text);
    TapeModel *t = compiled(text), *plain = tape_compile_plain(plain_text);
    ck_assert(plain->ok);
    TapeInput in = tape_input(t, rows), same = tape_input(plain, rows);
    const IrGraph *step = &t->entry[IR_ENTRY_STEP];
    TapeResult got = tape_expectation(t, step, &in);
    TapeResult want = tape_expectation(plain, &plain->entry[IR_ENTRY_EVAL], &same);
    check_near(got.value[0], want.value[0], "objective", text);
    for (uint32_t p = 0; p < t->model.params; p++) {
        long at = first_result_of(step, p);
        for (int64_t e = 0; e < ir_elements(&t->model.param[p].type); e++)
            check_near(at < 0 ? 0 : got.value[at + e], tape_slope(plain, &same, p, e),
                       t->model.param[p].name, text);
    }
    tape_free(t);
    tape_free(plain);
    free(plain_text);
}

/* ---- draws one by one ----------------------------------------------------------------------- */

static const char *const single_program[] = {
    /* a chain: costs of one, of neighbours, of both ends */
    "param s[3] = ones()\nparam m[3, 3] = ones()\ngraph g {\n"
    "  a ~ categorical(logits = s) via enumerate\n"
    "  b ~ categorical(logits = m[a]) via enumerate\n"
    "  c ~ categorical(logits = m[b] + s) via enumerate\n"
    "  d ~ categorical(logits = 2 * m[c]) via enumerate\n"
    "  cost sin(s[d])\n  cost s[b] * m[c, b]\n  cost cos(s[a] + 2 * d)\n}\n",
    /* a tree, and two draws that decide one */
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  r ~ categorical(logits = s) via enumerate\n"
    "  a ~ categorical(logits = m[r]) via enumerate\n"
    "  b ~ categorical(logits = m[r] + s) via enumerate\n"
    "  c ~ bernoulli(logits = s[a] + a) via enumerate\n"
    "  d ~ bernoulli(logits = m[a, b]) via enumerate\n"
    "  cost sin(c + s[0])\n  cost sin(2 * d + s[b])\n  cost cos(c + 3 * d)\n}\n",
    /* several in each copy of a plate, below one outside, over rows */
    "param s[3] = ones()\nparam w = ones()\ngraph g {\n"
    "  r ~ bernoulli(logits = w) via enumerate\n  plate n = rows(2) {\n    data x\n"
    "    a ~ bernoulli(logits = x + r * w) via enumerate\n"
    "    b ~ categorical(logits = s * (1 + a)) via enumerate\n"
    "    cost sin(s[b] + x)\n  }\n  cost w * r\n}\n",
    /* others below, between and above them */
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  u ~ bernoulli(logits = s[1]) via score\n"
    "  a ~ categorical(logits = s + u) via enumerate\n"
    "  b ~ categorical(logits = m[a]) via enumerate\n"
    "  h ~ bernoulli(logits = s[b]) via score(samples = 2, baseline = leave_one_out)\n"
    "  c ~ categorical(logits = m[b] * h) via enumerate\n"
    "  k ~ bernoulli(logits = m[c, 0]) via measure_valued\n"
    "  cost sin(s[c] + 2 * k)\n  cost cos(h + s[0])\n  cost s[b] * u\n}\n",
};

START_TEST(single_draws)
{
    check_brute_force(single_program[_i], 2);
}
END_TEST

/* ---- work ----------------------------------------------------------------------------------- */

/* Numbers that a step computes. */
static double work_of(const char *text)
{
    TapeModel *t = compiled(text);
    const IrGraph *g = &t->entry[IR_ENTRY_STEP];
    double work = 0;
    for (IrRef r = 0; r < g->count; r++)
        work += (double)(ir_copies(g, g->node[r].type.plates, 1) * ir_elements(&g->node[r].type));
    tape_free(t);
    return work;
}

/* z0 ... z(T-1), each with a cost. */
static double work_of_chain(int draws, int values)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    fprintf(f, "param s[%d] = ones()\nparam m[%d, %d] = ones()\ngraph g {\n", values, values,
            values);
    for (int i = 0; i < draws; i++)
        fprintf(f, i ? "  z%d ~ categorical(logits = m[z%d]) via enumerate\n  cost sin(s[z%d])\n"
                     : "  z%d ~ categorical(logits = s) via enumerate\n", i, i - 1, i);
    fprintf(f, "}\n");
    fclose(f);
    double work = work_of(text);
    free(text);
    return work;
}

/* T S^2, with the gradient. */
START_TEST(chains_are_linear_work)
{
    double work = work_of_chain(8, 6), more = work_of_chain(12, 6), most = work_of_chain(16, 6);
    ck_assert_msg(fabs((most - more) / (more - work) - 1) < 1e-9, "%g, %g, %g", work, more, most);
    ck_assert_msg(work_of_chain(8, 60) < 100 * work, "not quadratic in the values");
}
END_TEST

/* ---- sequences ------------------------------------------------------------------------------ */

static const char *const chain_program[] = {
    /* from a draw; costs of neighbours, of a step after the loop and of the first */
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  z[0] ~ categorical(logits = s) via enumerate\n  for t in 1..4 {\n"
    "    z[t] ~ categorical(logits = m[z[t-1]] * t) via enumerate\n"
    "    cost sin(s[z[t]] + 2 * z[t-1] + t) + log_prob(categorical(logits = m[z[t-1]] * t), "
    "z[t])\n  "
    "}\n"
    "  cost cos(s[z[2]])\n  cost sin(s[z[0]] + 1)\n  cost exp(s[z[3]])\n}\n",
    /* from a known state, over rows, with other draws below and beside */
    "param s[3] = ones()\nparam m[3, 3] = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
    "    z[0] = 1\n    for t in 1..3 {\n"
    "      z[t] ~ categorical(logits = m[z[t-1]] + x) via enumerate\n"
    "      h ~ bernoulli(logits = s[z[t]]) via score\n      cost sin(h + x * z[t-1])\n    }\n  "
    "}\n}\n",
    /* the first step is read with the others, and is held */
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  z[0] ~ categorical(logits = s) via enumerate\n  first = z[0]\n  for t in 1..4 {\n"
    "    z[t] ~ categorical(logits = m[z[t-1]]) via enumerate\n"
    "    cost sin(s[z[t]] + 2 * first)\n  }\n}\n",
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  z[0] ~ categorical(logits = s) via score\n  for t in 1..4 {\n"
    "    z[t] ~ categorical(logits = m[z[t-1]]) via enumerate\n"
    "    cost sin(s[z[t]] + z[t-1])\n  }\n}\n",
    /* bits, with a law that other steps of the sequence decide too, below an enumerated draw */
    "param a = ones()\nparam b = ones()\ngraph g {\n  c ~ bernoulli(logits = a) via enumerate\n"
    "  r[0] = a\n  z[0] = 0\n  for t in 1..4 {\n    r[t] = sin(r[t-1] + b)\n"
    "    z[t] ~ bernoulli(logits = r[t] * (1 + z[t-1]) + c) via enumerate\n"
    "    cost cos(r[t] + z[t] + b * z[t-1] + c)\n  }\n}\n",
};

START_TEST(chains)
{
    check_brute_force(chain_program[_i], 1);
}
END_TEST

/* Hidden states of three values and four steps: with the exact posterior in the place of q, what is
 * enumerated is -log p(y). */
enum { STATES = 3, STEPS = 4 };

static const char hidden_text[] =
    "param start[3] in simplex = ones()\nparam move[3, 3] in simplex = ones()\n"
    "param level[3] = ones()\ngraph g {\n  data first[3]\n  data next[3, 3, 3]\n  data y[4]\n"
    "  z[0] ~ categorical(first) via enumerate\n"
    "  cost log_prob(categorical(first), z[0]) - log_prob(categorical(start), z[0])\n"
    "  cost -log_prob(normal(level[z[0]], 0.8), y[0])\n  for t in 1..4 {\n"
    "    z[t] ~ categorical(gather(next[t-1], z[t-1])) via enumerate\n"
    "    cost log_prob(categorical(gather(next[t-1], z[t-1])), z[t])\n"
    "    cost -log_prob(categorical(move[z[t-1]]), z[t]) - log_prob(normal(level[z[t]], 0.8), "
    "y[t])\n"
    "  }\n}\n";

static void soften(const double *stored, double *p)
{
    double sum = 0;
    for (int i = 0; i < STATES; i++)
        sum += p[i] = exp(stored[i]);
    for (int i = 0; i < STATES; i++)
        p[i] /= sum;
}

/* Fills in the posterior, from the last step back; returns -log p(y). */
static double posterior(const TapeInput *in)
{
    double start[STATES], move[STATES][STATES], after[STATES] = {1, 1, 1}, total = 0;
    const double *level = in->param[2], *y = in->data[2];
    soften(in->param[0], start);
    for (int i = 0; i < STATES; i++)
        soften(&in->param[1][i * STATES], move[i]);
    for (int t = STEPS - 1; t > 0; t--) {
        double before[STATES] = {0};
        for (int i = 0; i < STATES; i++)
            for (int j = 0; j < STATES; j++) {
                double e = (y[t] - level[j]) / 0.8, w = move[i][j] * exp(-e * e / 2) * after[j];
                in->data[1][((t - 1) * STATES + i) * STATES + j] = w;
                before[i] += w;
            }
        memcpy(after, before, sizeof after);
    }
    for (int i = 0; i < STATES; i++) {
        double e = (y[0] - level[i]) / 0.8;
        total += in->data[0][i] = start[i] * exp(-e * e / 2) * after[i];
    }
    return STEPS * (log(0.8) + 0.5 * log(2 * M_PI)) - log(total);
}

START_TEST(chain_with_its_posterior)
{
    TapeModel *t = compiled(hidden_text);
    TapeInput in = tape_input(t, 1);
    double want = posterior(&in);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    ck_assert_uint_eq(r.points, 1);
    check_near(r.value[0], want, "the bound", hidden_text);
    tape_free(t);
}
END_TEST

Suite *elimination_suite(void)
{
    Suite *s = suite_create("elimination");
    TCase *c = tcase_create("sums");
    tcase_set_timeout(c, 240);
    tcase_add_loop_test(c, single_draws, 0, sizeof single_program / sizeof *single_program);
    tcase_add_test(c, chains_are_linear_work);
    tcase_add_loop_test(c, chains, 0, sizeof chain_program / sizeof *chain_program);
    tcase_add_test(c, chain_with_its_posterior);
    suite_add_tcase(s, c);
    return s;
}
