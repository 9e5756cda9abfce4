/* Certificates, one feature of the model a time: small models of which nothing is left to assume
 * but kinks, and changed ones.
 *
 * Oracle: a changed model that is accepted must have the cost of the right one, for the same draws.
 */
#include "tests/certificates.h"
#include "tests/suites.h"

#include <math.h>
#include <string.h>

typedef struct Followed {
    const char *feature, *body; /* what stands in the plate */
    CertTheorem theorem;
} Followed;

/* The draw at a step reaches the costs of that step and of later ones. */
#define CHAIN(via)                                                                                 \
    "q[0] ~ bernoulli(logits = m[0]) via " via "\ncost exp(q[0] * h[0]) * x[0]\n"                  \
    "for t in 1..z {\nq[t] ~ bernoulli(logits = q[t-1] * m[1] + x[t] * h[1]) via " via "\n"        \
    "cost tanh(q[t] * h[2] - x[t])\ncost sigmoid(q[t] * q[t-1] * m[2])\n}\n"

static const Followed followed[] = {
    {"a scale that is a sum",
     "s = softplus(h + x) + 1e-3\nq ~ normal(m + x, s)\n"
     "cost log_prob(normal(m + x, s), q) - log_prob(normal(0, 1), q)\n"
     "cost -log_prob(normal(q, 1), x)\n",
     CERT_PROVED},
    {"a scale that is a sum of products",
     "s = 0.5 * exp(h) * softplus(x) + exp(m) + 0.1\nq ~ normal(m, s)\n"
     "cost log_prob(normal(m, s), q) - log_prob(normal(0, 1), q)\ncost (q - x) ^ 2\n",
     CERT_PROVED},
    {"a mean that no gradient depends on",
     "q ~ normal(m + x, exp(h))\ncost log_prob(normal(m + x, exp(h)), q)\n", CERT_PROVED},
    {"a lognormal draw",
     "q ~ lognormal(m + x, exp(h))\ncost tanh(q) * x + log(q) ^ 2\n"
     "cost log_prob(lognormal(m + x, exp(h)), q) - log_prob(lognormal(0, 1), q)\n",
     CERT_PROVED},
    {"a scale that is a lognormal draw",
     "v ~ lognormal(m, softplus(h))\nq ~ normal(m * x, v)\ncost sigmoid(q) - log(v)\n",
     CERT_PROVED},
    {"several samples of a draw",
     "q ~ normal(m + x, exp(h)) via pathwise(samples = 4)\n"
     "cost log_prob(normal(m + x, exp(h)), q) - log_prob(normal(0, 1), q)\n"
     "cost -log_prob(normal(tanh(q), 1), x)\n",
     CERT_PROVED},
    {"several samples of a draw for every sample of another",
     "q ~ normal(m + x, softplus(h)) via pathwise(samples = 2)\n"
     "r ~ lognormal(m * q, exp(h)) via pathwise(samples = 4)\n"
     "cost log_prob(normal(m + x, softplus(h)), q) + sigmoid(r) * q\n",
     CERT_PROVED},
    {"a divergence before a draw",
     "p ~ normal(m * x, exp(h))\ncost kl(normal(m * x, exp(h)), normal(0, 1))\n"
     "q ~ normal(tanh(p), exp(h))\ncost kl(normal(tanh(p), exp(h)), normal(0, 1))\n"
     "cost tanh(q + p)\n",
     CERT_PROVED},
    {"a draw before others of which only the mean is left",
     "p ~ normal(m, softplus(h))\ncost (p - x) ^ 2\nq ~ laplace(m, exp(h))\n"
     "r ~ normal(x * q, 1)\ncost sigmoid(r * q)\n",
     CERT_PROVED},
    {"an exponential draw", "q ~ exponential(exp(h + x))\ncost tanh(q * m) + softplus(q) * x\n",
     CERT_PROVED},
    {"means of an exponential draw", "q ~ exponential(softplus(h))\ncost (q - m * x) ^ 2 + q * x\n",
     CERT_PROVED},
    {"a draw of Laplace's law",
     "q ~ laplace(m * x, softplus(h))\ncost sigmoid(q) * tanh(q + h) - x * q ^ 2 * tanh(q)\n",
     CERT_PROVED},
    {"a uniform draw", "q ~ uniform(-2, 0.5)\ncost exp(q * m) * tanh(q + x + h)\n", CERT_PROVED},
    {"a rate that depends on a draw",
     "v ~ normal(m, exp(h))\nq ~ exponential(0.1 + softplus(x - v))\ncost tanh(q - v)\n",
     CERT_PROVED},
    {"a chain of scored draws with a cost at every step", CHAIN("score"), CERT_PROVED},
    {"several samples of such a chain", CHAIN("score(samples = 4, baseline = leave_one_out)"),
     CERT_PROVED},
    {"a chain with an average of earlier steps", CHAIN("score(baseline = moving_average)"),
     CERT_PROVED},
    {"a bit before a normal draw",
     "b ~ bernoulli(logits = m + x) via score\nq ~ normal(h * b, exp(m))\n"
     "cost log_prob(normal(h * b, exp(m)), q) - log_prob(normal(0, 1), q)\ncost sin(q) * b\n",
     CERT_PROVED},
    {"a bit after a normal draw",
     "q ~ normal(m + x, softplus(h))\nb ~ bernoulli(logits = q * h) via score\n"
     "cost exp(tanh(q) * b) + log_prob(bernoulli(logits = q * h), b)\n",
     CERT_PROVED},
    {"a mixture of normal laws",
     "c ~ categorical(logits = m) via score\nq ~ normal(h[c], exp(m[c]))\n"
     "cost sigmoid(q) + log_prob(categorical(logits = m), c)\n",
     CERT_PROVED},
    {"expm1", "cost expm1(m + x) ^ 2 + h ^ 2\n", CERT_PROVED},
    {"the logarithm of 1 + exp", "cost log(1 + exp(m * x)) + log(exp(h) + 1)\n", CERT_PROVED},
    {"the logarithm of 1 + a product", "cost log(1 + exp(m) * softplus(x)) * h\n", CERT_PROVED},
    {"concat", "cost sum(concat(m * x, h) ^ 2)\n", CERT_PROVED},
    {"min and max", "cost min(m, x) * max(h, m * x)\n", CERT_UP_TO_KINKS},
    {"clamp", "cost clamp(m * x, 0, 1) + h ^ 2\n", CERT_UP_TO_KINKS},
    {"equality of reals", "cost if m == x then m ^ 2 else h * x\n", CERT_UP_TO_KINKS},
};

enum { MODELS = sizeof followed / sizeof *followed };

static void certify_followed(Certified *c, const Followed *f)
{
    char text[2048];
    snprintf(text, sizeof text,
             "dim z = 3\nparam m[z] = zeros()\nparam h[z] = zeros()\n"
             "graph loss {\nplate n = rows(4) {\ndata x[z]\n%s}\n}\n",
             f->body);
    certify_text(c, text);
    ck_assert_msg(c->made, "%s: no certificate", f->feature);
}

START_TEST(no_more_than_kinks_is_assumed)
{
    Certified c;
    const Followed *f = &followed[_i];
    certify_followed(&c, f);
    const CertWritten *w = &c.cert.written;
    ck_assert_msg(w->given, "%s: not followed: %s", f->feature, w->without);
    CertAssumed left = certify_assumed(&c.cert, c.program.arena);
    ck_assert_msg(left.theorem == f->theorem && !left.scales, "%s: theorem %d, scales %d",
                  f->feature, left.theorem, left.scales);
    certificate_keep(&c.cert, 0, true, NULL);
    certified_free(&c);
}
END_TEST

/* The weight of a draw in a chain has the costs of earlier steps as its baseline: those of its own
 * step are none, be they subtracted or not. */
START_TEST(the_cost_of_its_own_step_is_no_baseline)
{
    static const Followed chain = {"a chain", CHAIN("score"), CERT_PROVED};
    Certified c;
    certify_followed(&c, &chain);
    ck_assert_uint_eq(c.cert.scores, 3);
    /* the second draw has no earlier step */
    for (uint32_t i = 1; i + 1 < c.cert.scores; i++) {
        Cert wrong = c.cert;
        wrong.score = arena_array(c.cert.arena, CertScore, c.cert.scores);
        for (uint32_t k = 0; k < c.cert.scores; k++)
            wrong.score[k] = c.cert.score[k];
        CertList own = c.cert.score[i + 1].roles.base;
        ck_assert_uint_gt(own.count, 0);
        wrong.score[i].roles.base = own;
        Diags *d = diags_new("certificate", NULL);
        bool ok = certify_check(&wrong, d);
        diags_free(d);
        certificate_keep(&wrong, i, ok, "a baseline of the draw's own step");
        ck_assert_msg(!ok, "score %u: the costs of its own step are accepted as a baseline", i);
    }
    certified_free(&c);
}
END_TEST

/* ---- changed models ---------------------------------------------------------------------------
 */

typedef struct Change {
    const Cert *right;
    CertWorld world;
    double want;
    uint32_t made, rejected;
} Change;

static double cost_of(const Cert *c, const CertWorld *w)
{
    Arena *a = arena_new();
    double **value = cert_run(a, c, &c->written.program, w);
    double cost = value ? value[c->written.cost][0] : NAN;
    arena_free(a);
    return cost;
}

static void judge(Change *m, const Cert *c, uint32_t node)
{
    Diags *d = diags_new("certificate", NULL);
    bool ok = certify_check(c, d);
    diags_free(d);
    certificate_keep(c, m->made++, ok, "another model as it is written");
    m->rejected += !ok;
    double cost = cost_of(c, &m->world);
    if (ok)
        ck_assert_msg(fabs(cost - m->want) <= 1e-9 * (1 + fabs(m->want)),
                      "accepted, but wrong at node %u: %g, not %g", node, cost, m->want);
}

/* Another function of one or two operands, the operands swapped, another number. */
static void change_node(Change *m, uint32_t i)
{
    Cert c = *m->right;
    c.written.program = (CertProgram){0};
    for (uint32_t k = 0; k < m->right->written.program.count; k++)
        cert_add(c.arena, &c.written.program, c.inputs, m->right->written.program.node[k]);
    CertNode *n = &c.written.program.node[i], was = *n;
    bool two = was.op.form == CERT_MAP2;
    if (!two && was.op.form != CERT_MAP1 && was.op.form != CERT_CONST)
        return;
    if (was.op.form != CERT_CONST)
        for (CertFn f = two ? CERT_ADD : CERT_EXP; f <= (two ? CERT_DIV : CERT_COS); f++) {
            n->op.fn = f;
            if (f != was.op.fn)
                judge(m, &c, i);
        }
    *n = was;
    if (two) {
        n->in[0] = was.in[1];
        n->in[1] = was.in[0];
        judge(m, &c, i);
    }
    *n = was;
    if (was.op.form == CERT_CONST || was.op.fn == CERT_AFFINE) {
        n->op.a = fraction_mul(c.fractions, was.op.a, FRACTION_MINUS_1);
        judge(m, &c, i);
        n->op.a = fraction_add(c.fractions, was.op.a, FRACTION_1);
        judge(m, &c, i);
    }
}

START_TEST(changed_models_are_rejected)
{
    Certified c;
    certify_followed(&c, &followed[_i]);
    Change m = {.right = &c.cert, .want = NAN};
    for (uint64_t seed = 5; !isfinite(m.want); seed++) {
        m.world = cert_world(c.program.arena, &c.cert, seed);
        m.want = cost_of(&c.cert, &m.world);
    }
    for (uint32_t i = 0; i < c.cert.written.program.count; i++)
        change_node(&m, i);
    ck_assert_uint_gt(m.rejected, m.made / 2);
    certified_free(&c);
}
END_TEST

Suite *followed_suite(void)
{
    Suite *s = suite_create("followed");
    TCase *t = tcase_create("followed");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, no_more_than_kinks_is_assumed, 0, MODELS);
    tcase_add_test(t, the_cost_of_its_own_step_is_no_baseline);
    tcase_add_loop_test(t, changed_models_are_rejected, 0, MODELS);
    suite_add_tcase(s, t);
    return s;
}
