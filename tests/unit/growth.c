/* Certificates of graphs that mix noise with finite draws, and of those with kinks in what depends
 * on the noise: which need no assumption, and that the theorem that they claim holds.
 *
 * Oracle: sums over all values of the finite draws, and quadrature over the noise, of the graph and
 * of its gradient program.  The mean gradient must be the slope of the mean cost. */
#include "tests/changed.h"
#include "tests/suites.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Grown {
    const char *feature, *body; /* no plates: the quadrature is over few numbers */
    CertTheorem theorem;
} Grown;

static const Grown mixed[] = {
    {"a gate whose logits are noisy",
     "q ~ normal(m, softplus(h))\n"
     "g ~ bernoulli(logits = 2 * q - m) via score(baseline = none)\n"
     "cost exp(g * tanh(q)) + (g - q) ^ 2\n",
     CERT_PROVED},
    {"a normal draw whose mean depends on a bit",
     "g ~ bernoulli(logits = m + 0.3) via score(baseline = none)\nq ~ normal(h * g, exp(h - g))\n"
     "cost sin(q) + g * exp(q) * q ^ 2 - log(1 + exp(h - g))\n",
     CERT_PROVED},
    {"a categorical mixture of normal draws",
     "c ~ categorical(logits = t) via score(baseline = none)\nq ~ normal(t[c] * m, exp(t[c] - h))\n"
     "cost log(1 + exp(q)) * t[c] + softplus(q)\n",
     CERT_PROVED},
    {"noise between two bits",
     "g ~ bernoulli(logits = m) via score(baseline = none)\nq ~ normal(h * g, 0.7)\n"
     "r ~ bernoulli(logits = q * h - g) via score(baseline = none)\n"
     "cost exp(0.5 * r * q) + g * r * m\n",
     CERT_PROVED},
    {"copies of a bit with noisy logits",
     "q ~ normal(m, exp(h))\n"
     "g ~ bernoulli(logits = q * h) via score(samples = 2, baseline = leave_one_out)\n"
     "cost exp(g * cos(q)) * q\n",
     CERT_PROVED},
    {"uniform noise",
     "u ~ uniform(m, m + exp(h))\n"
     "g ~ bernoulli(logits = u ^ 2) via score(baseline = none)\ncost exp(g * u) * h\n",
     CERT_PROVED},
    {"a kink of a bit, whatever computes it",
     "g ~ bernoulli(logits = m) via score(baseline = none)\nq ~ normal(h, exp(m))\n"
     "cost relu(2 * g - 1) * exp(cos(q)) + abs(g - 0.5) * m + max(g, 0.3) * exp(g * h * q)\n",
     CERT_PROVED},
    {"logits that grow faster than the density falls",
     "q ~ normal(m, 1)\ng ~ bernoulli(logits = exp(h * q)) via score(baseline = none)\n"
     "cost exp(g * tanh(q)) * h\n",
     CERT_PROVED},
    {"a cost that grows too fast",
     "q ~ normal(m, 1)\ng ~ bernoulli(logits = q) via score(baseline = none)\n"
     "cost exp(-(q + h) ^ 2) * exp(g * q)\n",
     CERT_UP_TO_REGULAR},
    {"logits that grow too fast",
     "q ~ normal(m, 1)\ng ~ bernoulli(logits = exp(-q ^ 2)) via score(baseline = none)\n"
     "cost exp(g * tanh(q) * h)\n",
     CERT_UP_TO_REGULAR},
};

enum { MODELS = sizeof mixed / sizeof *mixed };

static void certify_grown(Certified *c, const Grown *m)
{
    char text[1024];
    snprintf(text, sizeof text,
             "dim k = 3\nparam m = zeros()\nparam h = zeros()\nparam t[k] = zeros()\n"
             "graph loss {\n%scost 0.1 * (m + h) ^ 2 + 0.1 * sum(t ^ 2)\n}\n",
             m->body);
    certify_text(c, text);
    char *log = diags_text(c->program.diags);
    ck_assert_msg(c->made, "%s: no certificate: %s", m->feature, log);
    free(log);
}

static bool has_draw(const Cert *c, CertBase base)
{
    for (uint32_t j = 0; j < c->draws; j++)
        if (c->draw[j].base == base)
            return true;
    return false;
}

static bool is_noisy(const Cert *c)
{
    return has_draw(c, CERT_NORMAL) || has_draw(c, CERT_UNIFORM);
}

static void certify_mixed(Certified *c, const Grown *m)
{
    certify_grown(c, m);
    bool finite = has_draw(&c->cert, CERT_BITS) || has_draw(&c->cert, CERT_VALUES);
    ck_assert_msg(is_noisy(&c->cert) && finite && c->cert.scores > 0, "%s: not mixed", m->feature);
}

static void is_seen(Certified *c, const Grown *m)
{
    CertAssumed left = certify_assumed(&c->cert, c->program.arena);
    ck_assert_msg(left.theorem == m->theorem, "%s: theorem %d", m->feature, left.theorem);
    ck_assert(cert_accepted(&c->cert));
    certificate_keep(&c->cert, 0, true, NULL);
}

START_TEST(growth_is_seen)
{
    Certified c;
    certify_mixed(&c, &mixed[_i]);
    is_seen(&c, &mixed[_i]);
    certified_free(&c);
}
END_TEST

/* ---- the theorem ------------------------------------------------------------------------------
 */

enum { NODES = 80 };

/* Nodes of a draw's law: the trapezoid rule for the normal law, whose error is beyond the digits
 * of a double; Gauss's with three nodes in each of a row of intervals for the uniform one. */
typedef struct Rule {
    int count;
    double at[NODES + 1], weight[NODES + 1];
} Rule;

static Rule rule_of(const CertWorld *w, const CertDraw *d)
{
    static const double gauss[] = {-0.7745966692414834, 0, 0.7745966692414834};
    Rule r = {.count = NODES + 1};
    if (d->base == CERT_BITS || d->base == CERT_VALUES) {
        r.count = d->base == CERT_BITS ? 2 : (int)w->size[d->values];
        for (int i = 0; i < r.count; i++)
            r.at[i] = i, r.weight[i] = 1;
    } else if (d->base == CERT_NORMAL) {
        for (int i = 0; i <= NODES; i++) {
            double x = 20.0 * i / NODES - 10;
            r.at[i] = x;
            r.weight[i] = 20.0 / NODES * exp(-x * x / 2) / sqrt(2 * acos(-1));
        }
    } else {
        ck_assert_int_eq(d->base, CERT_UNIFORM);
        r.count = NODES / 3 * 3;
        for (int i = 0; i < r.count; i++) {
            double step = 1.0 / (NODES / 3);
            r.at[i] = (i / 3 + 0.5 + gauss[i % 3] / 2) * step;
            r.weight[i] = step * (i % 3 == 1 ? 8.0 : 5.0) / 18;
        }
    }
    return r;
}

typedef struct Means {
    const Cert *c;
    const CertWorld *along;
    CertList *shape;
    double cost, slope;
} Means;

/* Adds what one trace of this weight says. */
static void add_trace(Means *m, const CertWorld *w, double weight)
{
    const Cert *c = m->c;
    Arena *a = arena_new();
    double **slot = cert_run(a, c, &c->source, w), **gradient = cert_run(a, c, &c->gradient, w);
    double density = 0, slope = 0;
    for (uint32_t i = 0; i < c->scores; i++)
        for (int64_t k = 0; k < cert_elements(w, m->shape[c->score[i].density]); k++)
            density += slot[c->score[i].density][k];
    for (uint32_t i = 0; i < c->outputs; i++)
        for (int64_t k = 0; k < cert_elements(w, c->input[c->output[i].input].shape); k++)
            slope += gradient[c->output[i].slot][k] * m->along->input[c->output[i].input][k];
    m->cost += weight * exp(density) * slot[c->cost][0];
    m->slope += weight * exp(density) * slope;
    arena_free(a);
}

/* Over all values of the draws from j on, number by number. */
static void add_traces(Means *m, const CertWorld *w, double **draw, uint32_t j, int64_t i,
                       double weight)
{
    const Cert *c = m->c;
    if (j == c->draws) {
        add_trace(m, w, weight);
        return;
    }
    bool last = i + 1 == cert_elements(w, c->draw[j].shape);
    Rule r = rule_of(w, &c->draw[j]);
    for (int k = 0; k < r.count; k++) {
        draw[j][i] = r.at[k];
        add_traces(m, w, draw, last ? j + 1 : j, last ? 0 : i + 1, weight * r.weight[k]);
    }
}

/* An input, if it is a parameter moved along the direction. */
static const double *moved_by(Arena *a, const Cert *t, const CertWorld *w, const CertWorld *along,
                              uint32_t i, double by)
{
    int64_t n = cert_elements(w, t->input[i].shape);
    double *v = arena_array(a, double, (size_t)n + 1);
    for (int64_t k = 0; k < n; k++)
        v[k] = w->input[i][k] + (t->input[i].kind == CERT_PARAM ? by * along->input[i][k] : 0);
    return v;
}

static Means means_at(const Certified *c, const CertWorld *w, const CertWorld *along, double by)
{
    const Cert *t = &c->cert;
    Arena *a = arena_new();
    const double **input = arena_array(a, const double *, t->inputs + 1);
    double **draw = arena_array(a, double *, t->draws + 1);
    Means m = {.c = t, .along = along};
    m.shape = arena_array(a, CertList, t->inputs + t->source.count + 1);
    uint32_t bad;
    ck_assert(cert_infer(a, t, &t->source, m.shape, &bad));
    for (uint32_t i = 0; i < t->inputs; i++)
        input[i] = moved_by(a, t, w, along, i, by);
    for (uint32_t j = 0; j < t->draws; j++)
        draw[j] = arena_array(a, double, (size_t)cert_elements(w, t->draw[j].shape) + 1);
    const CertWorld here = {w->size, input, (const double *const *)draw};
    add_traces(&m, &here, draw, 0, 0, 1);
    arena_free(a);
    return m;
}

START_TEST(mean_gradients_are_slopes_of_mean_costs)
{
    const double h = 1e-4;
    Certified c;
    certify_mixed(&c, &mixed[_i]);
    Arena *a = c.program.arena;
    CertWorld w = cert_world(a, &c.cert, 11), along = cert_world(a, &c.cert, 12);
    Means here = means_at(&c, &w, &along, 0);
    double slope = (means_at(&c, &w, &along, h).cost - means_at(&c, &w, &along, -h).cost) / (2 * h);
    ck_assert_msg(fabs(here.slope - slope) <= 1e-6 * (1 + fabs(slope)), "%s: %.12g, but %.12g",
                  mixed[_i].feature, here.slope, slope);
    certified_free(&c);
}
END_TEST

/* ---- wrong certificates -----------------------------------------------------------------------
 */

/* Most changes of a certificate, of which there are more than so many, are rejected. */
static void reject_changes(Certified *c, uint32_t least, uint32_t tenths)
{
    Judged m = cert_change(&c->cert, 1);
    ck_assert_uint_gt(m.made, least);
    ck_assert_uint_gt(m.rejected, m.made * tenths / 10);
    certified_free(c);
}

START_TEST(mutants_are_rejected)
{
    Certified c;
    certify_mixed(&c, &mixed[_i]);
    reject_changes(&c, 200, 8);
}
END_TEST

/* Each draw from each other base in turn.  Without its law a score proves nothing; nor does noise
 * that may be as large as it likes. */
START_TEST(other_laws_prove_nothing)
{
    Certified c;
    certify_mixed(&c, &mixed[_i]);
    for (uint32_t j = 0; j < c.cert.draws; j++)
        for (CertBase base = 0; base < CERT_BASES; base++) {
            Cert other = c.cert;
            other.draw = arena_array(other.arena, CertDraw, other.draws);
            memcpy(other.draw, c.cert.draw, other.draws * sizeof *other.draw);
            CertBase was = other.draw[j].base;
            bool noise = was == CERT_NORMAL || was == CERT_UNIFORM;
            if (base == was || base == CERT_VALUES)
                continue;
            other.draw[j].base = base;
            bool ok = cert_accepted(&other);
            CertAssumed left = certify_assumed(&other, other.arena);
            bool still = noise && (base == CERT_NORMAL || base == CERT_UNIFORM) &&
                         mixed[_i].theorem == CERT_PROVED;
            ck_assert_msg((left.theorem == CERT_PROVED) == still,
                          "%s: draw %u, base %d: theorem %d", mixed[_i].feature, j, base,
                          left.theorem);
            certificate_keep(&other, 0, ok, "another base law");
        }
    certified_free(&c);
}
END_TEST

/* ---- kinks ------------------------------------------------------------------------------------
 */

/* One number of noise, but for those that say otherwise. */
static const Grown kinked[] = {
    {"relu of a normal number", "q ~ normal(m, exp(h))\ncost relu(q) * h\n", CERT_PROVED},
    {"abs of a residual", "q ~ normal(m, softplus(h))\ncost abs(0.3 - 2 * q) * cos(m * q)\n",
     CERT_PROVED},
    {"the larger of a draw and what moves", "q ~ normal(m, exp(h))\ncost max(exp(q), m * h)\n",
     CERT_PROVED},
    {"the smaller of two", "q ~ normal(h, exp(m))\ncost min(tanh(h), q) * exp(m)\n", CERT_PROVED},
    {"a kink that is seen from both sides", "q ~ normal(m, exp(h))\ncost relu(q) + relu(h - q)\n",
     CERT_PROVED},
    {"a uniform number, whose width is a difference",
     "q ~ uniform(0, 1)\ncost abs(exp(h) * q - m) * cos(q)\n", CERT_UP_TO_NOISY_KINKS},
    {"a scale of any sign", "q ~ normal(0, 1)\ncost relu(m + h * q)\n", CERT_UP_TO_NOISY_KINKS},
    {"a kink in a kink", "q ~ normal(m, exp(h))\ncost relu(relu(q) - 1)\n", CERT_UP_TO_NOISY_KINKS},
    {"a square", "q ~ normal(m, exp(h))\ncost relu(q ^ 2 - h)\n", CERT_UP_TO_NOISY_KINKS},
    {"a kink in what grows too fast", "q ~ normal(m, 1)\ncost abs(exp(-(q + h) ^ 2) - 0.1)\n",
     CERT_UP_TO_REGULAR},
};

enum { KINKED = sizeof kinked / sizeof *kinked };

START_TEST(kinks_are_seen)
{
    Certified c;
    certify_grown(&c, &kinked[_i]);
    ck_assert_msg(is_noisy(&c.cert), "%s: no noise", kinked[_i].feature);
    is_seen(&c, &kinked[_i]);
    certified_free(&c);
}
END_TEST

/* Two draws, the later of which reads the earlier, and elements of a vector: only the last number
 * that is read settles a kink, and only if nothing else reads it. */
START_TEST(the_last_number_settles_a_kink)
{
    static const Grown of_two[] = {
        {"the later of two", "q ~ normal(m, 1)\nr ~ normal(tanh(q), exp(h))\ncost relu(r)\n",
         CERT_PROVED},
        {"two draws apart", "q ~ normal(m, 1)\nr ~ normal(h, exp(q))\ncost max(q * m, r)\n",
         CERT_PROVED},
        {"a draw in its own sum", "q ~ normal(t, 1)\ncost sum(relu(q - sum(q)))\n",
         CERT_UP_TO_NOISY_KINKS},
        {"the elements of a draw", "q ~ normal(t, exp(h))\ncost sum(relu(q) * t)\n", CERT_PROVED},
        {"a kink beside a score",
         "q ~ normal(m, 1)\ng ~ bernoulli(logits = h) via score(baseline = none)\n"
         "cost exp(g * tanh(q)) * relu(q)\n",
         CERT_UP_TO_REGULAR},
        {"a draw over another", "q ~ normal(m, 1)\nr ~ normal(h, 1)\ncost relu(q * r)\n",
         CERT_UP_TO_NOISY_KINKS},
    };
    for (size_t i = 0; i < sizeof of_two / sizeof *of_two; i++) {
        Certified c;
        certify_grown(&c, &of_two[i]);
        is_seen(&c, &of_two[i]);
        certified_free(&c);
    }
}
END_TEST

enum { FINE = 20000 };

/* The means over one number, at many points: a jump of the gradient costs one of them. */
static Means fine_means(const Certified *c, const CertWorld *w, const CertWorld *along, double by)
{
    const Cert *t = &c->cert;
    Arena *a = arena_new();
    const double **input = arena_array(a, const double *, t->inputs + 1);
    CertList *shape = arena_array(a, CertList, t->inputs + t->source.count + 1);
    uint32_t bad;
    ck_assert(cert_infer(a, t, &t->source, shape, &bad));
    ck_assert_uint_eq(t->draws, 1);
    ck_assert_int_eq(cert_elements(w, t->draw[0].shape), 1);
    Means m = {.c = t, .along = along, .shape = shape};
    for (uint32_t i = 0; i < t->inputs; i++)
        input[i] = moved_by(a, t, w, along, i, by);
    for (int k = 0; k < FINE; k++) {
        double u = (k + 0.5) / FINE, x = t->draw[0].base == CERT_UNIFORM ? u : 20 * u - 10;
        double density =
            t->draw[0].base == CERT_UNIFORM ? 1 : 20 * exp(-x * x / 2) / sqrt(2 * acos(-1));
        const double *draw = &x;
        const CertWorld here = {w->size, input, &draw};
        add_trace(&m, &here, density / FINE);
    }
    arena_free(a);
    return m;
}

START_TEST(kinks_have_mean_gradients)
{
    const double h = 0.02;
    Certified c;
    certify_grown(&c, &kinked[_i]);
    Arena *a = c.program.arena;
    CertWorld w = cert_world(a, &c.cert, 13), along = cert_world(a, &c.cert, 14);
    Means here = fine_means(&c, &w, &along, 0);
    double slope =
        (fine_means(&c, &w, &along, h).cost - fine_means(&c, &w, &along, -h).cost) / (2 * h);
    if (kinked[_i].theorem != CERT_UP_TO_REGULAR)
        ck_assert_msg(fabs(here.slope - slope) <= 2e-3 * (1 + fabs(slope)), "%s: %.12g, but %.12g",
                      kinked[_i].feature, here.slope, slope);
    certified_free(&c);
}
END_TEST

START_TEST(mutants_with_kinks_are_rejected)
{
    Certified c;
    certify_grown(&c, &kinked[_i]);
    reject_changes(&c, 60, 7);
}
END_TEST

Suite *growth_suite(void)
{
    Suite *s = suite_create("growth");
    TCase *t = tcase_create("mixed");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, growth_is_seen, 0, MODELS);
    tcase_add_loop_test(t, mean_gradients_are_slopes_of_mean_costs, 0, MODELS);
    tcase_add_loop_test(t, mutants_are_rejected, 0, MODELS);
    tcase_add_loop_test(t, other_laws_prove_nothing, 0, MODELS);
    suite_add_tcase(s, t);
    t = tcase_create("kinks");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, kinks_are_seen, 0, KINKED);
    tcase_add_test(t, the_last_number_settles_a_kink);
    tcase_add_loop_test(t, kinks_have_mean_gradients, 0, KINKED);
    tcase_add_loop_test(t, mutants_with_kinks_are_rejected, 0, KINKED);
    suite_add_tcase(s, t);
    return s;
}
