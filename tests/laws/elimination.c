/* Sums over enumerated draws by elimination: exact, and as little work as the structure allows.
 *
 * The oracle is brute force: the same text with its draws sampled in the place of enumerated, no
 * pass but the derivation of plain samples, and the tape summed over every joint value.  Its slope
 * is taken by differences. */
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

/* z0 ... z(T-1), each with a cost; owned by the caller. */
static char *chain_of(int draws, int values)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    fprintf(f, "param s[%d] = ones()\nparam m[%d, %d] = ones()\ngraph g {\n", values, values,
            values);
    for (int i = 0; i < draws; i++)
        fprintf(f,
                i ? "  z%d ~ categorical(logits = m[z%d]) via enumerate\n  cost sin(s[z%d])\n"
                  : "  z%d ~ categorical(logits = s) via enumerate\n",
                i, i - 1, i);
    fprintf(f, "}\n");
    fclose(f);
    return text;
}

static double work_of_chain(int draws, int values)
{
    char *text = chain_of(draws, values);
    double work = work_of(text);
    free(text);
    return work;
}

/* T S^2, with the gradient. */
START_TEST(chains_are_linear_work)
{
    double work = work_of_chain(8, 6), more = work_of_chain(12, 6), most = work_of_chain(16, 6);
    ck_assert_msg(most - more <= more - work, "%g, %g, %g", work, more, most);
    ck_assert_msg(work_of_chain(8, 60) < 100 * work, "not quadratic in the values");
}
END_TEST

/* Of draws by name there are as many as plates; one more is refused, and no other is blamed. */
START_TEST(names_are_as_many_as_plates)
{
    for (int draws = IR_MAX_PLATES; draws <= IR_MAX_PLATES + 8; draws += 8) {
        char *text = chain_of(draws, 2);
        TapeModel *t = tape_compile(text);
        char *said = diags_text(t->diags);
        ck_assert_msg(t->ok == (draws == IR_MAX_PLATES), "%d draws: %s", draws, said);
        if (!t->ok) {
            const char *first = strstr(said, " cannot be enumerated: with it more draws");
            ck_assert_msg(first && strncmp(first - 3, "z32", 3) == 0, "%s", said);
            ck_assert_msg(!strstr(first + 1, " cannot be enumerated"), "%s", said);
        }
        tape_free(t);
        free(text);
        free(said);
    }
}
END_TEST

static double work_of_sequence(int steps, int values)
{
    char text[512];
    snprintf(text, sizeof text,
             "param s[%d] = ones()\nparam m[%d, %d] = ones()\ngraph g {\n"
             "  z[0] ~ categorical(logits = s) via enumerate\n  for t in 1..%d {\n"
             "    z[t] ~ categorical(logits = m[z[t-1]]) via enumerate\n    cost sin(s[z[t]])\n"
             "  }\n}\n",
             values, values, values, steps + 1);
    return work_of(text);
}

START_TEST(sequences_are_linear_work)
{
    double work = work_of_sequence(8, 6), more = work_of_sequence(16, 6);
    ck_assert_msg(more < 2.1 * work, "%g, then %g", work, more);
    ck_assert_msg(work_of_sequence(50, 6) < 6.5 * work, "not linear in the steps");
    ck_assert_msg(work_of_sequence(8, 60) < 100 * work, "not quadratic in the values");
}
END_TEST

/* ---- sequences ------------------------------------------------------------------------------ */

static const char *const chain_program[] = {
    /* short ones that are read whole: the values, what steps compute of them, in rows */
    "param s[3] = ones()\nparam m[3, 3] = ones()\ngraph g {\n"
    "  z[0] ~ categorical(logits = s) via enumerate\n  for t in 1..4 {\n"
    "    z[t] ~ categorical(logits = m[z[t-1]] * t) via enumerate\n    cost cos(s[z[t]])\n  }\n"
    "  cost sin(sum(z) + s[0]) * max(z)\n}\n",
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n  plate n = rows(2) {\n    data x\n"
    "    z[0] ~ categorical(logits = s) via enumerate\n    v[0] = s[z[0]]\n    for t in 1..4 {\n"
    "      z[t] ~ categorical(logits = m[z[t-1]] + x) via enumerate\n"
    "      v[t] = s[z[t]] * t + x\n    }\n    cost logsumexp(v) + prod(v) * s[z[3]]\n  }\n}\n",
    /* vectors of bits, from a draw, from what is known, and from data */
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n"
    "  z[0][2] ~ bernoulli(logits = s) via enumerate\n  for t in 1..4 {\n"
    "    z[t][2] ~ bernoulli(logits = z[t-1] @ m - s) via enumerate\n"
    "    cost sin(z[t][0] + 2 * z[t][1] + 3 * z[t-1][0])\n  }\n  cost cos(sum(z[3] * s))\n}\n",
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n  z[0] = [0, 1]\n  for t in 1..4 {\n"
    "    z[t][2] ~ bernoulli(logits = z[t-1] @ m - s) via enumerate\n"
    "    cost sin(z[t][0] + 2 * z[t][1] + 3 * z[t-1][0])\n  }\n}\n",
    "param s[2] = ones()\nparam m[2, 2] = ones()\ngraph g {\n  data first[2] int\n  z[0] = first\n"
    "  for t in 1..4 {\n    z[t][2] ~ bernoulli(logits = z[t-1] @ m - s) via enumerate\n"
    "    cost sin(z[t][0] + 2 * z[t][1] + 3 * z[t-1][0])\n  }\n}\n",
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
    /* vectors of bits, whose values are those of all bits together; and one-hot vectors */
    "param l[2] = ones()\nparam w[2, 2] = ones()\ngraph g {\n"
    "  h[0][2] ~ bernoulli(logits = l) via enumerate\n  for t in 1..3 {\n"
    "    h[t][2] ~ bernoulli(logits = l + w @ h[t-1]) via enumerate\n"
    "    cost sin(h[t][0] + 2 * h[t][1] + 3 * h[t-1][0])\n  }\n"
    "  cost cos(sum(h[1]) + h[1][0])\n}\n",
    "param l[3] = ones()\nparam w[3, 3] = ones()\ngraph g {\n"
    "  h[0][3] ~ one_hot_categorical(logits = l) via enumerate\n  for t in 1..4 {\n"
    "    h[t][3] ~ one_hot_categorical(logits = w @ h[t-1]) via enumerate\n"
    "    cost sin(sum(l * h[t]) + 2 * h[t-1][0])\n  }\n}\n",
    /* what is known before the first step need be no value of the draw */
    "param a = ones()\nparam b = ones()\ngraph g {\n  z[0] = 2\n  for t in 1..4 {\n"
    "    z[t] ~ bernoulli(logits = b * z[t-1] - a) via enumerate\n"
    "    cost cos(z[t] + b * z[t-1])\n  }\n}\n",
    /* of second order, from known numbers and from draws that decide each other */
    "param l[3] = ones()\ngraph g {\n  z[0] = 2\n  z[1] = 1\n  for t in 2..5 {\n"
    "    z[t] ~ categorical(logits = l * (z[t-1] + 0.5 * z[t-2])) via enumerate\n"
    "    cost sin(z[t] + l[z[t-2]])\n  }\n  cost l[z[4]]\n}\n",
    "param l[2] = ones()\ngraph g {\n  z[0] ~ categorical(logits = l) via enumerate\n"
    "  z[1] ~ categorical(logits = l * z[0]) via enumerate\n  for t in 2..5 {\n"
    "    z[t] ~ categorical(logits = l * (z[t-1] + 0.5 * z[t-2])) via enumerate\n"
    "    cost sin(z[t] + l[z[t-2]])\n  }\n  cost sin(l[z[1]] + z[0])\n}\n",
    /* values that come two steps later, and after the loop, through what is computed of them */
    "param a = ones()\nparam b = ones()\ngraph g {\n  z[0] ~ bernoulli(logits = a) via enumerate\n"
    "  c[0] = 0.3\n  d[0] = b\n  for t in 1..5 {\n"
    "    z[t] ~ bernoulli(logits = a * z[t-1] + b * d[t-1]) via enumerate\n"
    "    c[t] = sin(b * z[t-1] + z[t])\n    d[t] = cos(c[t-1] + z[t])\n"
    "    cost d[t-1] * c[t]\n  }\n  cost sin(c[3])\n  cost d[4] * z[4]\n}\n",
    /* a short sum of them all */
    "param a = ones()\nparam b = ones()\ngraph g {\n  s[0] = 0.2\n  for t in 1..5 {\n"
    "    z ~ bernoulli(logits = a * s[t-1] + b) via enumerate\n    s[t] = s[t-1] + b * z\n  }\n"
    "  cost sin(s[4])\n  cost s[2] * a\n}\n",
    /* several in a step that decide each other */
    "param a = ones()\nparam b = ones()\ngraph g {\n  x[0] = 0\n  y[0] = 1\n  for t in 1..3 {\n"
    "    c ~ bernoulli(logits = a) via enumerate\n"
    "    x[t] ~ bernoulli(logits = a * x[t-1] + b * c) via enumerate\n"
    "    y[t] ~ bernoulli(logits = b * y[t-1] - a * x[t]) via enumerate\n"
    "    w ~ bernoulli(logits = y[t] + a) via enumerate\n"
    "    cost sin(y[t] + 2 * y[t-1] + c + b)\n    cost w * x[t]\n  }\n  cost cos(x[2] + 2 * "
    "y[1])\n}\n",
    /* apart, but for how they begin */
    "param a = ones()\nparam b = ones()\ngraph g {\n  x[0] ~ bernoulli(logits = a) via enumerate\n"
    "  y[0] ~ bernoulli(logits = b * x[0]) via enumerate\n  for t in 1..4 {\n"
    "    x[t] ~ bernoulli(logits = a * x[t-1] + b) via enumerate\n"
    "    y[t] ~ bernoulli(logits = b * y[t-1] - a) via enumerate\n"
    "    cost sin(y[t] + 2 * x[t] + b)\n  }\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  c ~ bernoulli(logits = a) via enumerate\n"
    "  x[0] = c\n  y[0] = c\n  for t in 1..4 {\n"
    "    x[t] ~ bernoulli(logits = a * x[t-1] + b) via enumerate\n"
    "    y[t] ~ bernoulli(logits = b * y[t-1] - a) via enumerate\n"
    "    cost sin(y[t] + 2 * x[t] + b)\n  }\n}\n",
    /* steps that are read together after the loop */
    "param a = ones()\nparam b = ones()\ngraph g {\n  z[0] ~ bernoulli(logits = b) via enumerate\n"
    "  for t in 1..6 {\n    z[t] ~ bernoulli(logits = a * z[t-1] + b) via enumerate\n  }\n"
    "  cost sin(z[1] + 2 * z[3] + 3 * z[4] + a)\n  cost cos(z[0] + 2 * z[5])\n"
    "  u ~ bernoulli(logits = a * z[2]) via enumerate\n  cost u * z[5] + b * u\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n  for t in 0..4 {\n"
    "    z[t] ~ bernoulli(logits = a * t - b) via enumerate\n"
    "    u[t] ~ bernoulli(logits = a * z[t]) via enumerate\n  }\n"
    "  cost sin(z[1] + 2 * u[1] + 3 * z[3])\n}\n",
    /* a sequence that goes on from another's last step */
    "param a = ones()\nparam b = ones()\ngraph g {\n  z[0] ~ bernoulli(logits = b) via enumerate\n"
    "  for t in 1..3 {\n    z[t] ~ bernoulli(logits = a * z[t-1] + b) via enumerate\n  }\n"
    "  y[0] = z[2]\n  for t in 1..4 {\n"
    "    y[t] ~ bernoulli(logits = b * y[t-1] - a) via enumerate\n    cost sin(y[t] + b)\n  }\n}\n",
    /* other estimators above, below and beside */
    "param a = ones()\nparam b = ones()\ngraph g {\n  c ~ bernoulli(logits = b) via "
    "measure_valued\n"
    "  z[0] = c\n  for t in 1..4 {\n    u ~ bernoulli(logits = a) via score\n"
    "    z[t] ~ bernoulli(logits = a * z[t-1] + b * u + c) via enumerate\n"
    "    h ~ bernoulli(logits = a + z[t]) via score\n    cost sin(h + z[t-1] + b)\n  }\n"
    "  cost cos(z[1] + 2 * z[3])\n}\n",
    "param a = ones()\nparam b = ones()\ngraph g {\n"
    "  plate n = rows(1) {\n    data x\n    z[0] = 1\n    for t in 1..4 {\n"
    "      u ~ bernoulli(logits = a + x) via local_expectation\n"
    "      z[t] ~ bernoulli(logits = a * z[t-1] + x) via enumerate\n"
    "      cost sin(u + z[t] + 2 * z[t-1] + b)\n    }\n    cost b * z[2] * x\n  }\n}\n",
    /* parameters in what is carried on, of laws that no step before decides */
    "param a = ones()\nparam b = ones()\ngraph g {\n  s[0] = sin(a)\n  for t in 1..3 {\n"
    "    h ~ bernoulli(logits = 0.3 * b) via enumerate\n    s[t] = square(0.5 * h) + a\n"
    "    cost (if h == 1 then s[t-1] else 0.3) + 0.2 * s[t]\n  }\n}\n",
};

START_TEST(chains)
{
    check_brute_force(chain_program[_i], 1);
}
END_TEST

/* Hidden states of three values, and four or fifty steps: with the exact posterior in the place of
 * q, what is enumerated is -log p(y). */
enum { STATES = 3 };

static const char hidden_format[] =
    "param start[3] in simplex = ones()\nparam move[3, 3] in simplex = ones()\n"
    "param level[3] = ones()\ngraph g {\n  data first[3]\n  data next[%d, 3, 3]\n  data y[%d]\n"
    "  z[0] ~ categorical(first) via enumerate\n"
    "  cost log_prob(categorical(first), z[0]) - log_prob(categorical(start), z[0])\n"
    "  cost -log_prob(normal(level[z[0]], 0.8), y[0])\n  for t in 1..%d {\n"
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
static double posterior(const TapeInput *in, int steps)
{
    double start[STATES], move[STATES][STATES], after[STATES] = {1, 1, 1}, total = 0;
    const double *level = in->param[2], *y = in->data[2];
    soften(in->param[0], start);
    for (int i = 0; i < STATES; i++)
        soften(&in->param[1][i * STATES], move[i]);
    for (int t = steps - 1; t > 0; t--) {
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
    return steps * (log(0.8) + 0.5 * log(2 * M_PI)) - log(total);
}

START_TEST(chain_with_its_posterior)
{
    static const int steps[] = {4, 50};
    char text[1024];
    snprintf(text, sizeof text, hidden_format, steps[_i] - 1, steps[_i], steps[_i]);
    TapeModel *t = compiled(text);
    TapeInput in = tape_input(t, 1);
    double want = posterior(&in, steps[_i]);
    TapeResult r = tape_expectation(t, &t->entry[IR_ENTRY_STEP], &in);
    ck_assert_uint_eq(r.points, 1);
    check_near(r.value[0], want, "the bound", text);
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
    tcase_add_test(c, names_are_as_many_as_plates);
    tcase_add_test(c, sequences_are_linear_work);
    tcase_add_loop_test(c, chains, 0, sizeof chain_program / sizeof *chain_program);
    tcase_add_loop_test(c, chain_with_its_posterior, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
