/* The model as it is written, in certificates: which models are followed, and that wrong ones are
 * not.
 *
 * Oracle: a changed model that is accepted must have the mean cost of the right one.  Where normal
 * noise is 1 or -1 its square is 1, and over a point and its opposite, for every draw by itself, it
 * has the mean 0: what two costs of equal mean may differ by, as far as the checker follows,
 * vanishes there.  Finite draws take all their values. */
#include "tests/certificates.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* By small program: what the step from the model as it is written is assumed for; NULL: it is
 * followed. */
static const char *const assumed[PROGRAMS] = {0};

START_TEST(models_are_followed_or_it_is_said_why)
{
    Certified c;
    certify_program(&c, &small_program[_i]);
    ck_assert(c.made);
    const char *why = assumed[_i], *says = c.cert.written.without;
    ck_assert_msg(c.cert.written.given == !why, "%s: %s", small_program[_i].file,
                  says ? says : "followed");
    if (why)
        ck_assert_str_eq(says, why);
    certified_free(&c);
}
END_TEST

/* Copies of one draw, of two that are independent, nested ones; laws with fewer axes than the draw;
 * several samples of normal draws likewise. */
static const char *const copied[] = {
    "q ~ bernoulli(logits = m + x) via score(samples = 2, baseline = leave_one_out)\n"
    "cost square(sum(q) - 1)\n",
    "q ~ bernoulli(logits = m + x) via score(samples = 2, baseline = leave_one_out)\n"
    "r ~ bernoulli(logits = h) via score(samples = 4, baseline = leave_one_out)\n"
    "cost exp(sum(q * r))\ncost sum(q * x)\n",
    "q ~ bernoulli(logits = m + x) via score(samples = 2, baseline = leave_one_out)\n"
    "r ~ bernoulli(logits = h * q) via score(samples = 4, baseline = leave_one_out)\n"
    "cost exp(sum(q * r))\ncost log_prob(bernoulli(logits = m + x), q)\n",
    "q ~ bernoulli(logits = m) via score\nr ~ bernoulli(logits = h) via score(samples = 2)\n"
    "cost exp(sum(q * r * x)) + log_prob(bernoulli(logits = h), r)\n",
    "q ~ bernoulli(logits = m + x) via score(samples = 2, baseline = leave_one_out)\n"
    "r ~ bernoulli(logits = h * q) via score(samples = 4, baseline = leave_one_out)\n"
    "cost exp(sum(q * r)) - 2 * sum(log_prob(bernoulli(logits = m + x), q) + x)\n",
    "c ~ categorical(logits = m + x) via score(samples = 2, baseline = leave_one_out)\n"
    "cost exp(h[c])\n"
    "cost log_prob(categorical(logits = m + x), c) - log_prob(categorical(logits = h), c)\n",
    "q ~ normal(m + x, exp(h)) via pathwise(samples = 4)\n"
    "cost log_prob(normal(m + x, exp(h)), q) - log_prob(normal(0, 1), q)\n"
    "cost -log_prob(bernoulli(logits = q), sigmoid(x))\n",
    "q ~ normal(m, softplus(h)) via pathwise(samples = 2)\n"
    "r ~ normal(x, exp(h)) via pathwise(samples = 4)\n"
    "cost sigmoid(sum(q * r))\ncost sum(tanh(q) * x)\n",
    "q ~ normal(m + x, softplus(h)) via pathwise(samples = 2)\n"
    "r ~ normal(m * q, exp(h)) via pathwise(samples = 4)\n"
    "cost log_prob(normal(m * q, exp(h)), r) - log_prob(normal(0, 1), q)\ncost tanh(r) * q\n",
    "q ~ normal(m + x, exp(h))\nr ~ lognormal(h, 0.5) via pathwise(samples = 2)\n"
    "cost sigmoid(q + r) * x\ncost log_prob(lognormal(h, 0.5), r)\n",
};

enum { COPIED = sizeof copied / sizeof *copied };

/* Normal and finite draws, in any order; closed forms over both. */
static const char *const both[] = {
    "b ~ bernoulli(logits = m + x) via score\nq ~ normal(m * b, exp(h))\n"
    "cost log_prob(normal(m * b, exp(h)), q) - log_prob(normal(0, 1), q)\ncost tanh(q) * b\n",
    "q ~ normal(m + x, exp(h))\nb ~ bernoulli(logits = q * h) via score\n"
    "cost log_prob(normal(m + x, exp(h)), q) - log_prob(normal(0, 1), q)\n"
    "cost tanh(q * b) + b * x\n",
    "b ~ bernoulli(logits = m) via score\nq ~ normal(m * b, softplus(h) + 0.1)\n"
    "d ~ bernoulli(logits = q + x) via score\n"
    "cost log_prob(normal(m * b, softplus(h) + 0.1), q)\ncost tanh(q * d) * b\n"
    "cost log_prob(bernoulli(logits = q + x), d)\n",
    "c ~ categorical(logits = m + x) via score\nq ~ normal(h[c], exp(m[c]))\n"
    "cost -log_prob(normal(q, 1), sum(x))\n"
    "cost log_prob(categorical(logits = m + x), c)\n",
    "q ~ lognormal(m, 0.5)\nb ~ bernoulli(logits = log(q) + x) via score\n"
    "r ~ normal(b * h, q)\ncost sigmoid(r * b)\n",
};

enum { BOTH = sizeof both / sizeof *both };

/* Draws that are summed over: of one law and of the other, two that are independent, one that
 * decides another, one that a draw with a score decides. */
static const char *const summed[] = {
    "c ~ categorical(logits = m + x) via enumerate\ncost exp(h[c])\n"
    "cost log_prob(categorical(logits = m + x), c) - log_prob(categorical(logits = h), c)\n",
    "q ~ bernoulli(logits = sum(m * x)) via enumerate\n"
    "cost tanh(q + sum(h)) + log_prob(bernoulli(logits = sum(m * x)), q)\n",
    "c ~ categorical(logits = m + x) via enumerate\ncost h[c] + sum(x)\n",
    "c ~ categorical(logits = m + x) via enumerate\nq ~ categorical(logits = h) via enumerate\n"
    "cost exp(h[c]) * m[q]\n",
    "c ~ categorical(logits = m + x) via enumerate\nq ~ bernoulli(logits = h[c]) via enumerate\n"
    "cost tanh(q + m[c]) * exp(h[c])\n",
    "q ~ bernoulli(logits = m + x) via score\nc ~ categorical(logits = h * q) via enumerate\n"
    "cost exp(m[c]) + sum(q * x)\n",
};

enum { SUMMED = sizeof summed / sizeof *summed };

static void certify_body(Certified *c, const char *body)
{
    char text[1024];
    snprintf(text, sizeof text,
             "dim z = 3\nparam m[z] = zeros()\nparam h[z] = zeros()\n"
             "graph loss {\nplate n = rows(4) {\ndata x[z]\n%s}\n}\n",
             body);
    certify_text(c, text);
    ck_assert(c->made);
}

/* The model is followed from its source, and nothing is assumed of it; how, and how many draws have
 * copies. */
static CertKinds followed_whole(const char *body, uint32_t *copies)
{
    Certified c;
    certify_body(&c, body);
    ck_assert_msg(c.cert.written.given, "%s: %s", body, c.cert.written.without);
    CertKinds kinds = cert_kinds(&c.cert);
    *copies = c.cert.written.copies;
    CertAssumed left = certify_assumed(&c.cert, c.program.arena);
    ck_assert_msg(left.theorem == CERT_PROVED && !left.scales, "%s: theorem %d, scales %d", body,
                  left.theorem, left.scales);
    certificate_keep(&c.cert, 0, true, NULL);
    certified_free(&c);
    return kinds;
}

START_TEST(copies_are_followed)
{
    uint32_t copies;
    followed_whole(copied[_i], &copies);
    ck_assert_uint_gt(copies, 0);
}
END_TEST

/* Laws that are drawn as uniform noise. */
static const char *const drawn[] = {
    "w ~ exponential(softplus(h))\ncost tanh(w * x) + square(w - m) * sigmoid(w)\n",
    "w ~ laplace(m + x, exp(h))\ncost sigmoid(w) * x + softplus(w - x)\n",
    "w ~ uniform(-1, 2)\ncost tanh(w + m) * h\n",
    "w ~ exponential(exp(h))\ncost (w - m * x) ^ 2 + h * w\ncost tanh(w)\n",
    "w ~ exponential(exp(h + x))\nv ~ laplace(m * w, softplus(h + m))\n"
    "cost sigmoid(v * w)\ncost tanh(v) * x\n",
    "v ~ laplace(m, exp(h))\nw ~ normal(x, exp(m))\nu ~ uniform(0, 0.5)\n"
    "cost log_prob(normal(x, exp(m)), w) - log_prob(normal(0, 1), w)\n"
    "cost sigmoid(sum(v * w + u))\n",
};

enum { DRAWN = sizeof drawn / sizeof *drawn };

START_TEST(laws_of_noise_are_followed)
{
    uint32_t copies;
    ck_assert_int_eq(followed_whole(drawn[_i], &copies), CERT_ALL_NORMAL);
}
END_TEST

START_TEST(draws_of_both_kinds_are_followed)
{
    uint32_t copies;
    ck_assert_int_eq(followed_whole(both[_i], &copies), CERT_BOTH);
}
END_TEST

START_TEST(sums_are_followed)
{
    uint32_t copies;
    ck_assert_int_eq(followed_whole(summed[_i], &copies), CERT_SUMMED);
}
END_TEST

/* ---- wrong models ---------------------------------------------------------------------------- */

typedef struct Models {
    const Cert *right;
    CertList *shape;
    CertWorld world[2];
    double want[2]; /* the mean cost of the right one */
    uint32_t made, rejected;
} Models;

/* A number of a law: where the density of the law has `u` of its mass below; the normal one is
 * where noise is 1 or -1. */
static double quantile(const CertDrawn *law, double a, double b, double u)
{
    switch (law->as) {
    case CERT_AS_UNIFORM:
        return (1 - u) * a + u * b;
    case CERT_AS_EXPONENTIAL:
        return (u > 0.5 ? 2 : 0) / b; /* of mean 1 / b, and mean square 2 / b^2 */
    case CERT_AS_LAPLACE:
        return u < 0.5 ? a + b * log(2 * u) : a - b * log(2 - 2 * u);
    default:
        return a + b * (u > 0.5 ? 1 : -1);
    }
}

/* Draw j from its law, the noise being `sign` or its opposite, by element. */
static void draw_from(const Cert *c, const CertWorld *w, double **value, uint32_t j, int sign,
                      double *out)
{
    const CertDrawn law = c->written.law[j];
    int64_t n = cert_elements(w, law.shape);
    for (int64_t i = 0; i < n; i++)
        out[i] = quantile(&law, value[law.loc][i], value[law.scale][i],
                          0.5 + (i * 7 % 3 == 1 ? -sign : sign) * (0.15 + 0.1 * (double)(i % 3)));
}

/* ---- finite draws ---------------------------------------------------------------------------- */

/* Those of the model: with those that are summed over. */
static uint32_t all_draws(const Cert *c)
{
    return c->draws + c->written.sums;
}

static bool has_finite(const Cert *c)
{
    for (uint32_t j = 0; j < all_draws(c); j++)
        if (c->written.law[j].finite)
            return true;
    return false;
}

/* The place in the logits that element i of the draw reads. */
static int64_t logit_at(const CertWorld *w, const CertDrawn *d, int64_t i)
{
    int64_t index[16], at = 0;
    for (uint32_t k = d->shape.count; k-- > 0;) {
        index[k] = i % w->size[d->shape.at[k]];
        i /= w->size[d->shape.at[k]];
    }
    for (uint32_t k = 0; k < d->of.axes.count; k++)
        at = at * w->size[d->shape.at[d->of.axes.at[k]]] + index[d->of.axes.at[k]];
    return at;
}

/* How likely element i of the draw is to be v. */
static double mass(const CertWorld *w, const CertDrawn *d, const double *logits, int64_t i,
                   int64_t v)
{
    int64_t at = logit_at(w, d, i), values = w->size[d->of.values];
    double sum = 0;
    if (d->of.law == CERT_BERNOULLI)
        return 1 / (1 + exp(v ? -logits[at] : logits[at]));
    for (int64_t k = 0; k < values; k++)
        sum += exp(logits[at * values + k]);
    return exp(logits[at * values + v]) / sum;
}

/* Of a draw, with its copies. */
static CertList full_shape(const Cert *c, uint32_t j)
{
    return j < c->draws ? c->draw[j].shape : c->written.law[j].shape;
}

static double mean_from(const Cert *c, const CertWorld *w, double **draw, uint32_t j, Arena *a);

static double normal_mean(const Cert *c, const CertWorld *w, double **value, double **draw,
                          uint32_t j, Arena *a)
{
    double mean = 0;
    for (int sign = -1; sign <= 1; sign += 2) {
        draw_from(c, w, value, j, sign, draw[j]);
        mean += mean_from(c, w, draw, j + 1, a) / 2;
    }
    return mean;
}

static double finite_mean(const Cert *c, const CertWorld *w, double **value, double **draw,
                          uint32_t j, Arena *a)
{
    const CertDrawn *d = &c->written.law[j];
    int64_t n = cert_elements(w, d->shape), all = 1;
    int64_t values = d->of.law == CERT_BERNOULLI ? 2 : w->size[d->of.values];
    double mean = 0;
    for (int64_t i = 0; i < n; i++)
        all *= values;
    for (int64_t k = 0; k < all; k++) {
        double p = 1;
        for (int64_t i = 0, rest = k; i < n; i++, rest /= values) {
            draw[j][i] = (double)(rest % values);
            p *= mass(w, d, value[d->of.logits], i, rest % values);
        }
        mean += p * mean_from(c, w, draw, j + 1, a);
    }
    return mean;
}

/* The mean over draws from j on, those before being what they are. */
static double mean_from(const Cert *c, const CertWorld *w, double **draw, uint32_t j, Arena *a)
{
    double **value = cert_run(a, c, &c->written.program, w);
    if (!value || j == all_draws(c))
        return value ? value[c->written.cost][0] : NAN;
    double mean = c->written.law[j].finite ? finite_mean(c, w, value, draw, j, a)
                                           : normal_mean(c, w, value, draw, j, a);
    for (int64_t i = 0; i < cert_elements(w, full_shape(c, j)); i++)
        draw[j][i] = 0;
    return mean;
}

static double mean_cost(const Cert *c, const CertWorld *world)
{
    Arena *a = arena_new();
    double **draw = arena_array(a, double *, all_draws(c) + 1);
    CertWorld w = *world;
    w.draw = (const double *const *)draw;
    for (uint32_t j = 0; j < all_draws(c); j++)
        draw[j] = arena_array(a, double, (size_t)cert_elements(&w, full_shape(c, j)) + 1);
    double mean = mean_from(c, &w, draw, 0, a);
    arena_free(a);
    return mean;
}

static bool is_right(const Models *m, const Cert *c)
{
    bool same = true;
    for (int k = 0; k < 2; k++)
        same &= fabs(mean_cost(c, &m->world[k]) - m->want[k]) <= 1e-8 * (1 + fabs(m->want[k]));
    return same;
}

static void judge(Models *m, const Cert *c, const char *what, uint32_t at)
{
    Diags *d = diags_new("certificate", NULL);
    bool ok = certify_check(c, d);
    diags_free(d);
    certificate_keep(c, m->made++, ok, "another model as it is written");
    if (ok)
        ck_assert_msg(is_right(m, c), "%s: accepted, but wrong: %s at %u", c->file, what, at);
    else
        m->rejected++;
}

/* The right one, to be changed at node i. */
static CertNode *change(const Models *m, Cert *c, uint32_t i)
{
    *c = *m->right;
    c->written.program = (CertProgram){0};
    for (uint32_t k = 0; k < m->right->written.program.count; k++)
        cert_add(c->arena, &c->written.program, c->inputs, m->right->written.program.node[k]);
    return &c->written.program.node[i];
}

static void change_node(Models *m, uint32_t i)
{
    static const CertFn other[][2] = {{CERT_ADD, CERT_SUB},          {CERT_SUB, CERT_ADD},
                                      {CERT_MUL, CERT_DIV},          {CERT_DIV, CERT_MUL},
                                      {CERT_EXP, CERT_SOFTPLUS},     {CERT_SOFTPLUS, CERT_SIGMOID},
                                      {CERT_SIGMOID, CERT_SOFTPLUS}, {CERT_LOG, CERT_SQRT},
                                      {CERT_SQUARE, CERT_EXP},       {CERT_TANH, CERT_SIGMOID}};
    Fractions *f = m->right->fractions;
    Cert c;
    CertNode *n = change(m, &c, i);
    for (size_t k = 0; k < sizeof other / sizeof *other; k++)
        if (n->op.form <= CERT_MAP2 && n->op.fn == other[k][0]) {
            n->op.fn = other[k][1];
            judge(m, &c, "another function", i);
            n->op.fn = other[k][0];
        }
    if (n->op.form == CERT_CONST || (n->op.form == CERT_MAP1 && n->op.fn == CERT_AFFINE)) {
        Fraction a = n->op.a;
        n->op.a = fraction_mul(f, a, FRACTION_MINUS_1);
        judge(m, &c, "a sign", i);
        n->op.a = fraction_add(f, a, FRACTION_1);
        judge(m, &c, "a number", i);
        n->op.a = a;
    }
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        for (CertSlot s = 0; s < c.inputs + i; s += 1 + i % 3) {
            CertSlot was = n->in[k];
            if (s == was || !cert_same(m->shape[s], m->shape[was]))
                continue;
            n->in[k] = s;
            judge(m, &c, "another operand", i);
            n->in[k] = was;
        }
}

static void change_cost(Models *m)
{
    CertSlot slots = m->right->inputs + m->right->written.program.count;
    for (CertSlot s = 0; s < slots; s++) {
        Cert c = *m->right;
        c.written.cost = s;
        if (s != m->right->written.cost && m->shape[s].count == 0)
            judge(m, &c, "another cost", s);
    }
}

/* The right one, with its own laws. */
static CertDrawn *change_law(const Models *m, Cert *c, uint32_t j)
{
    *c = *m->right;
    c->written.law = arena_array(c->arena, CertDrawn, all_draws(c) + 1);
    memcpy(c->written.law, m->right->written.law, all_draws(c) * sizeof *c->written.law);
    return &c->written.law[j];
}

/* Another law, other logits, other axes of them. */
static void change_finite(Models *m, uint32_t j)
{
    Cert c;
    CertSlot logits = m->right->written.law[j].of.logits;
    CertDrawn *d = change_law(m, &c, j);
    d->of.law = d->of.law == CERT_BERNOULLI ? CERT_CATEGORICAL : CERT_BERNOULLI;
    judge(m, &c, "another law", j);
    d = change_law(m, &c, j);
    d->finite = false;
    judge(m, &c, "a normal law", j);
    for (CertSlot s = 0; s < c.inputs + c.written.program.count; s++) {
        d = change_law(m, &c, j);
        d->of.logits = s;
        if (s != logits && cert_same(m->shape[s], m->shape[logits]))
            judge(m, &c, "other logits", s);
    }
    d = change_law(m, &c, j);
    if (d->of.axes.count > 0) {
        d->of.axes.count--;
        judge(m, &c, "fewer axes", j);
    }
}

/* Copies of another number, at another place, of fewer draws, and none. */
static void change_copies(Models *m)
{
    for (uint32_t i = 0; i < m->right->written.copies; i++) {
        Cert c = *m->right;
        CertCopies *k = arena_array(c.arena, CertCopies, c.written.copies);
        memcpy(k, c.written.copy, c.written.copies * sizeof *k);
        c.written.copy = k;
        uint32_t *at = arena_array(c.arena, uint32_t, k[i].at.count + 1);
        memcpy(at, k[i].at.at, k[i].at.count * sizeof *at);
        for (uint32_t s = 0; s < c.sizes; s++) {
            k[i].size = s;
            if (s != m->right->written.copy[i].size)
                judge(m, &c, "copies along another axis", s);
        }
        k[i].size = m->right->written.copy[i].size;
        at[0]++;
        k[i].at.at = at;
        judge(m, &c, "copies at another place", i);
        at[0]--;
        k[i].draws.count--;
        k[i].at.count--;
        judge(m, &c, "fewer draws are copied", i);
        c.written.copies--;
        judge(m, &c, "no copies", i);
        c = *m->right;
        c.size = arena_array(c.arena, CertSize, c.sizes + 1);
        memcpy(c.size, m->right->size, c.sizes * sizeof *c.size);
        c.size[k[i].size].number++;
        judge(m, &c, "another number of copies", i);
    }
}

/* A law of another kind, of the same numbers and of the same noise. */
static void change_kind(Models *m, uint32_t j)
{
    for (CertNoised as = 0; as < CERT_NOISED; as++) {
        Cert c;
        CertDrawn *law = change_law(m, &c, j);
        if (as == law->as || as == CERT_AS_EXPONENTIAL)
            continue; /* which has one number */
        law->as = as;
        judge(m, &c, "another kind of law", j);
    }
}

/* Laws with loc and scale swapped, or read from another slot. */
static void change_normal(Models *m, uint32_t j)
{
    const Cert *right = m->right;
    CertSlot slots = right->inputs + right->written.program.count;
    for (CertSlot s = 0; s < slots; s++)
        for (int role = 0; role < 3; role++) {
            Cert c;
            CertDrawn *law = change_law(m, &c, j), is = *law;
            law->loc = role == 0 ? s : role == 1 ? is.loc : is.scale;
            law->scale = role == 0 ? is.scale : role == 1 ? s : is.loc;
            if (is.as == CERT_AS_EXPONENTIAL) {
                if (role == 2)
                    continue;
                law->loc = law->scale = s;
            }
            if (role == 2 ? s == 0 : cert_same(m->shape[s], is.shape))
                judge(m, &c, "another law", s);
        }
}

/* Values along another axis, or another number of them. */
static void change_sums(Models *m)
{
    for (uint32_t i = 0; i < m->right->written.sums; i++) {
        Cert c = *m->right;
        CertSummed *x = arena_array(c.arena, CertSummed, c.written.sums);
        memcpy(x, c.written.summed, c.written.sums * sizeof *x);
        c.written.summed = x;
        uint32_t values = x[i].values;
        for (uint32_t s = 0; s < c.sizes; s++) {
            x[i].values = s;
            if (s != values)
                judge(m, &c, "values along another axis", s);
        }
        x[i].values = values;
        c.size = arena_array(c.arena, CertSize, c.sizes + 1);
        memcpy(c.size, m->right->size, c.sizes * sizeof *c.size);
        if (c.written.law[c.draws + i].of.law != CERT_BERNOULLI)
            continue;
        c.size[values].number = 3;
        judge(m, &c, "three values of a Bernoulli draw", i);
        c.size[values].fixed = false;
        judge(m, &c, "any number of values of a Bernoulli draw", i);
    }
}

static void change_roots(Models *m)
{
    change_cost(m);
    for (uint32_t j = 0; j < all_draws(m->right); j++) {
        if (m->right->written.law[j].finite) {
            change_finite(m, j);
            continue;
        }
        change_normal(m, j);
        change_kind(m, j);
    }
    change_copies(m);
    change_sums(m);
}

static void change_all(Certified *c)
{
    const CertWritten *w = &c->cert.written;
    Arena *a = c->program.arena;
    Models m = {.right = &c->cert};
    uint32_t bad;
    m.shape = arena_array(a, CertList, c->cert.inputs + w->program.count + 1);
    ck_assert(cert_infer(a, &c->cert, &w->program, m.shape, &bad));
    for (uint64_t k = 0, seed = 23; k < 2; k += isfinite(m.want[k]), seed++) {
        m.world[k] = cert_world_from(a, &c->cert, has_finite(&c->cert) ? 1 : 2, seed);
        m.want[k] = mean_cost(&c->cert, &m.world[k]);
    }
    for (uint32_t i = 0; i < w->program.count; i++)
        change_node(&m, i);
    change_roots(&m);
    judge(&m, &c->cert, "nothing changed", 0);
    ck_assert_uint_gt(m.rejected, m.made * 8 / 10);
    ck_assert_uint_lt(m.rejected, m.made);
}

START_TEST(wrong_models_are_rejected)
{
    Certified c;
    certify_program(&c, &small_program[_i]);
    if (c.made && c.cert.written.given && c.cert.written.program.count < 400)
        change_all(&c);
    certified_free(&c);
}
END_TEST

START_TEST(wrong_models_of_noise_are_rejected)
{
    Certified c;
    certify_body(&c, drawn[_i]);
    change_all(&c);
    certified_free(&c);
}
END_TEST

START_TEST(wrong_models_with_both_kinds_are_rejected)
{
    Certified c;
    certify_body(&c, both[_i]);
    change_all(&c);
    certified_free(&c);
}
END_TEST

START_TEST(wrong_models_with_copies_are_rejected)
{
    Certified c;
    certify_body(&c, copied[_i]);
    change_all(&c);
    certified_free(&c);
}
END_TEST

START_TEST(wrong_models_with_sums_are_rejected)
{
    Certified c;
    certify_body(&c, summed[_i]);
    change_all(&c);
    certified_free(&c);
}
END_TEST

static void check_same_law(const CertDrawn *x, const CertDrawn *y)
{
    ck_assert(x->finite == y->finite && cert_same(x->shape, y->shape));
    if (!x->finite)
        ck_assert(x->as == y->as && x->loc == y->loc && x->scale == y->scale);
    else
        ck_assert(x->of.law == y->of.law && x->of.values == y->of.values &&
                  x->of.logits == y->of.logits && cert_same(x->of.axes, y->of.axes));
}

static void check_same_model(const Cert *c, const CertWritten *x, const CertWritten *y)
{
    ck_assert(x->cost == y->cost && x->copies == y->copies && x->sums == y->sums);
    for (uint32_t i = 0; i < x->sums; i++) {
        ck_assert_uint_eq(x->summed[i].values, y->summed[i].values);
        ck_assert_str_eq(x->summed[i].name, y->summed[i].name);
    }
    for (uint32_t j = 0; j < all_draws(c); j++)
        check_same_law(&x->law[j], &y->law[j]);
    for (uint32_t i = 0; i < x->copies; i++)
        ck_assert(x->copy[i].size == y->copy[i].size &&
                  cert_same(x->copy[i].draws, y->copy[i].draws) &&
                  cert_same(x->copy[i].at, y->copy[i].at));
}

static void check_text_form(const Certified *c)
{
    const Cert *right = &c->cert;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    certify_print(&right, 1, out);
    fclose(out);
    Diags *d = diags_new("f", text);
    Cert **read;
    uint32_t count;
    ck_assert(certify_read(text, c->program.arena, c->fractions, &read, &count, d));
    const CertWritten *a = &c->cert.written, *b = &read[0]->written;
    ck_assert(a->given == b->given && a->program.count == b->program.count);
    if (a->given)
        check_same_model(&c->cert, a, b);
    else
        ck_assert_str_eq(a->without, b->without);
    diags_free(d);
    free(text);
}

/* The text form keeps it. */
START_TEST(the_text_form_has_the_model)
{
    Certified c;
    certify_program(&c, &small_program[_i]);
    ck_assert(c.made);
    check_text_form(&c);
    certified_free(&c);
}
END_TEST

START_TEST(the_text_form_has_the_laws)
{
    Certified c;
    certify_body(&c, drawn[_i]);
    check_text_form(&c);
    certified_free(&c);
}
END_TEST

START_TEST(the_text_form_has_the_sums)
{
    Certified c;
    certify_body(&c, summed[_i]);
    check_text_form(&c);
    certified_free(&c);
}
END_TEST

START_TEST(the_text_form_has_the_copies)
{
    Certified c;
    certify_body(&c, copied[_i]);
    check_text_form(&c);
    certified_free(&c);
}
END_TEST

Suite *written_suite(void)
{
    Suite *s = suite_create("written");
    TCase *t = tcase_create("written");
    tcase_set_timeout(t, 300);
    tcase_add_loop_test(t, models_are_followed_or_it_is_said_why, 0, PROGRAMS);
    tcase_add_loop_test(t, copies_are_followed, 0, COPIED);
    tcase_add_loop_test(t, laws_of_noise_are_followed, 0, DRAWN);
    tcase_add_loop_test(t, sums_are_followed, 0, SUMMED);
    tcase_add_loop_test(t, the_text_form_has_the_model, 0, PROGRAMS);
    tcase_add_loop_test(t, the_text_form_has_the_sums, 0, SUMMED);
    tcase_add_loop_test(t, the_text_form_has_the_copies, 0, COPIED);
    tcase_add_loop_test(t, the_text_form_has_the_laws, 0, DRAWN);
    tcase_add_loop_test(t, wrong_models_are_rejected, 0, PROGRAMS);
    tcase_add_loop_test(t, wrong_models_with_copies_are_rejected, 0, COPIED);
    tcase_add_loop_test(t, wrong_models_with_sums_are_rejected, 0, SUMMED);
    tcase_add_loop_test(t, wrong_models_of_noise_are_rejected, 0, DRAWN);
    tcase_add_loop_test(t, draws_of_both_kinds_are_followed, 0, BOTH);
    tcase_add_loop_test(t, wrong_models_with_both_kinds_are_rejected, 0, BOTH);
    suite_add_tcase(s, t);
    return s;
}
