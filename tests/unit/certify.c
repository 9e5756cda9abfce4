/* Certificates: the translation of the compiler's graphs, and the checker.
 *
 * Oracles: the evaluator of graphs, for what is translated; finite differences of the source
 * graph, for what the gradient program must compute; and for wrong certificates the numbers
 * themselves: whatever the checker accepts must compute the right ones. */
#include "tests/changed.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *printed(const Cert *c)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    certify_print(&c, 1, f);
    fclose(f);
    return text;
}

static void make(Certified *c, int program)
{
    certify_program(c, &small_program[program]);
    char *log = diags_text(c->program.diags);
    ck_assert_msg(c->made, "%s: %s", small_program[program].file, log);
    free(log);
}

START_TEST(every_example_has_a_certificate)
{
    Certified c;
    make(&c, _i);
    Diags *d = diags_new(c.cert.file, NULL);
    bool ok = certify_check(&c.cert, d);
    char *log = diags_text(d);
    ck_assert_msg(ok, "%s", log);
    free(log);
    diags_free(d);
    certified_free(&c);
}
END_TEST

START_TEST(the_text_form_reads_back)
{
    Certified c;
    make(&c, _i);
    char *text = printed(&c.cert), *again;
    Diags *d = diags_new("certificate", text);
    Cert **read;
    uint32_t count;
    bool ok = certify_read(text, c.program.arena, c.fractions, &read, &count, d);
    char *log = diags_text(d);
    ck_assert_msg(ok && count == 1, "%s", log);
    again = printed(read[0]);
    ck_assert_str_eq(text, again);
    ck_assert(cert_accepted(read[0]));
    free(text);
    free(again);
    free(log);
    diags_free(d);
    certified_free(&c);
}
END_TEST

/* ---- what the programs compute -------------------------------------------------------------- */

static double total(const Cert *c, double *const *slot, const double *const *weight,
                    const CertWorld *w, const CertList *shape)
{
    double sum = slot[c->cost][0];
    for (uint32_t i = 0; i < c->scores; i++)
        for (int64_t k = 0; k < cert_elements(w, shape[c->score[i].density]); k++)
            sum += weight[i][k] * slot[c->score[i].density][k];
    return sum;
}

/* The inputs, with the parameters moved along the direction. */
static CertWorld moved(Arena *a, const Cert *c, const CertWorld *w, const CertWorld *along,
                       double by)
{
    const double **input = arena_array(a, const double *, c->inputs + 1);
    for (uint32_t i = 0; i < c->inputs; i++) {
        int64_t n = cert_elements(w, c->input[i].shape);
        double *v = arena_array(a, double, (size_t)n + 1);
        for (int64_t k = 0; k < n; k++)
            v[k] = w->input[i][k] + (c->input[i].kind == CERT_PARAM ? by * along->input[i][k] : 0);
        input[i] = v;
    }
    return (CertWorld){w->size, input, w->draw};
}

/* The slope of the cost and of the log-densities, weighed with weights that stay, is the inner
 * product of the direction with the gradients. */
START_TEST(gradients_are_slopes)
{
    const double h = 1e-5;
    Certified c;
    make(&c, _i);
    Arena *a = c.program.arena;
    const Cert *t = &c.cert;
    CertWorld w = cert_world(a, t, 1), along = cert_world(a, t, 2);
    CertWorld up = moved(a, t, &w, &along, h), down = moved(a, t, &w, &along, -h);
    CertList *shape = arena_array(a, CertList, t->inputs + t->source.count + 1);
    uint32_t bad;
    ck_assert(cert_infer(a, t, &t->source, shape, &bad));
    double **here = cert_run(a, t, &t->source, &w);
    const double **weight = arena_array(a, const double *, t->scores + 1);
    for (uint32_t i = 0; i < t->scores; i++)
        weight[i] = here[t->score[i].weight];
    double slope = (total(t, cert_run(a, t, &t->source, &up), weight, &w, shape) -
                    total(t, cert_run(a, t, &t->source, &down), weight, &w, shape)) /
                   (2 * h);
    double **gradient = cert_run(a, t, &t->gradient, &w);
    double product = 0;
    for (uint32_t i = 0; i < t->outputs; i++)
        for (int64_t k = 0; k < cert_elements(&w, t->input[t->output[i].input].shape); k++)
            product += gradient[t->output[i].slot][k] * along.input[t->output[i].input][k];
    ck_assert_double_eq_tol(product, slope, 1e-6 * (1 + fabs(slope)));
    certified_free(&c);
}
END_TEST

/* ---- translation ---------------------------------------------------------------------------- */

enum { TOTAL_ROWS = 60 };

/* Values of the leaves of the compiled graph, and its evaluation. */
typedef struct Evaluated {
    IrEnv env;
    double **value;
} Evaluated;

static const double *numbers(Arena *a, int64_t n, IrElem e, uint64_t *state)
{
    double *v = arena_array(a, double, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        double u = (double)(*state >> 11) / 9007199254740992.0;
        v[i] = e == IR_REAL ? 0.1 + 0.8 * u : u < 0.5;
    }
    return v;
}

static void evaluate(Certified *c, int64_t rows, Evaluated *out)
{
    const IrGraph *g = &c->step;
    const IrModel *m = g->model;
    Arena *a = m->arena;
    uint64_t state = 7;
    const double **param = arena_array(a, const double *, m->params + 1);
    const double **data = arena_array(a, const double *, m->datas + 1);
    const double **noise = arena_array(a, const double *, g->sites + 1);
    for (uint32_t i = 0; i < m->params; i++)
        param[i] = numbers(a, ir_elements(&m->param[i].type), IR_REAL, &state);
    for (uint32_t i = 0; i < m->datas; i++)
        data[i] = numbers(a, ir_elements(&m->data[i].type) * (m->data[i].by_rows ? rows : 1),
                          m->data[i].type.elem, &state);
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_DRAW)
            noise[g->node[r].attr.item] = numbers(
                a, ir_copies(g, g->node[r].type.plates, rows) * ir_elements(&g->node[r].type),
                IR_REAL, &state);
    out->env = (IrEnv){.param = param,
                       .data = data,
                       .noise = noise,
                       .rows = rows,
                       .state = numbers(a, ir_state_at(g, g->states), IR_REAL, &state),
                       .total_rows = TOTAL_ROWS};
    out->value = arena_array(a, double *, g->count + 1);
    IrRef fault = IR_NONE;
    ck_assert(ir_eval(g, &out->env, a, out->value, &fault));
}

/* The node whose value a draw of the certificate is; IR_NONE: only the model as it is written has
 * it. */
static IrRef node_of_draw(const IrGraph *g, const CertDraw *d)
{
    for (IrRef r = 0; r < g->count; r++) {
        bool noise = d->base == CERT_NORMAL || d->base == CERT_UNIFORM;
        if (g->node[r].op == (noise ? IR_DRAW : IR_SAMPLED) && g->node[r].at.line == d->at.line &&
            g->node[r].at.col == d->at.col)
            return r;
    }
    return IR_NONE;
}

static const double *input_value(const Certified *c, const CertInput *x, const Evaluated *e)
{
    const IrModel *m = c->step.model;
    for (uint32_t i = 0; i < m->params; i++)
        if (x->kind == CERT_PARAM && strcmp(x->name, m->param[i].name) == 0)
            return e->env.param[i];
    for (uint32_t i = 0; i < m->datas; i++)
        if (x->kind == CERT_DATA && strcmp(x->name, m->data[i].name) == 0)
            return e->env.data[i];
    for (uint32_t i = 0; i < c->step.states; i++)
        if (x->kind == CERT_DATA && strncmp(x->name, "average of ", 11) == 0 &&
            strcmp(x->name + 11, c->step.state[i].name) == 0)
            return e->env.state + ir_state_at(&c->step, i);
    static const double any = -2.5; /* what an infinity is does not matter where it is not taken */
    return &any;
}

static CertWorld world_of(const Certified *c, const Evaluated *e, int64_t rows)
{
    const Cert *t = &c->cert;
    Arena *a = t->arena;
    int64_t *size = arena_array(a, int64_t, t->sizes + 1);
    const double **input = arena_array(a, const double *, t->inputs + 1);
    const double **draw = arena_array(a, const double *, t->draws + 1);
    for (uint32_t s = 0; s < t->sizes; s++)
        size[s] = t->size[s].number                                      ? t->size[s].number
                  : strcmp(t->size[s].name, "rows of the data set") == 0 ? TOTAL_ROWS
                                                                         : rows;
    for (uint32_t i = 0; i < t->inputs; i++)
        input[i] = input_value(c, &t->input[i], e);
    for (uint32_t j = 0; j < t->draws; j++) {
        IrRef r = node_of_draw(&c->step, &t->draw[j]);
        draw[j] = r == IR_NONE ? NULL : e->value[r];
    }
    return (CertWorld){size, input, draw};
}

static void same_numbers(const char *what, const double *a, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        ck_assert_msg(fabs(a[i] - b[i]) <= 1e-11 * (1 + fabs(a[i])), "%s: %.17g is not %.17g", what,
                      a[i], b[i]);
}

/* The certificate's programs compute what the compiled graph does: its objective and gradients. */
START_TEST(programs_are_those_of_the_graph)
{
    Certified c;
    make(&c, _i);
    const IrGraph *g = &c.step;
    const Cert *t = &c.cert;
    int64_t rows = small_program[_i].rows ? small_program[_i].rows : 1;
    Evaluated e;
    evaluate(&c, rows, &e);
    CertWorld w = world_of(&c, &e, rows);
    double **source = cert_run(t->arena, t, &t->source, &w);
    double **gradient = cert_run(t->arena, t, &t->gradient, &w);
    uint32_t score = 0;
    for (IrRef r = 0, o = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op == IR_OBJECTIVE)
            same_numbers("objective", e.value[r], source[t->cost], 1);
        if (n->op == IR_SCORE)
            same_numbers("density", e.value[r], source[t->score[score++].density],
                         ir_copies(g, n->type.plates, rows) * ir_elements(&n->type));
        if (n->op == IR_GRAD)
            same_numbers(g->model->param[n->attr.item].name, e.value[r],
                         gradient[t->output[o++].slot], ir_elements(&n->type));
    }
    certified_free(&c);
}
END_TEST

START_TEST(every_term_has_a_translation)
{
    const char *fault = certify_untranslated();
    ck_assert_msg(!fault, "proofs/ops.def: no translation to the term of %s", fault);
}
END_TEST

/* ---- wrong certificates --------------------------------------------------------------------- */

START_TEST(mutants_are_rejected)
{
    Certified c;
    make(&c, _i);
    Judged m = cert_change(&c.cert, 1);
    ck_assert_uint_gt(m.made, 400);
    ck_assert_uint_gt(m.rejected, m.made * 8 / 10);
    certified_free(&c);
}
END_TEST

/* ---- wrong weights -------------------------------------------------------------------------- */

/* The program that the source graph has by definition, as the one that is claimed. */
static void claim_derived(Cert *c)
{
    Cert derived = *c;
    CertSlot *slot = arena_array(c->arena, CertSlot, c->inputs + 1);
    CertOutput *output = arena_array(c->arena, CertOutput, c->outputs + 1);
    cert_derive(c->arena, &derived, &c->gradient, slot);
    for (uint32_t i = 0; i < c->outputs; i++)
        output[i] = (CertOutput){.input = c->output[i].input, .slot = slot[c->output[i].input]};
    c->output = output;
}

static CertSlot put(Cert *c, CertOp op, CertSlot x, CertSlot y)
{
    return cert_add(c->arena, &c->source, c->inputs, (CertNode){.op = op, .in = {x, y}});
}

/* The weight is this times the scale. */
static CertSlot gain_of(const Cert *c, const CertScore *t)
{
    const CertNode *n = &c->source.node[t->weight - c->inputs];
    if (n->op.form == CERT_EIN)
        n = &c->source.node[n->in[0] - c->inputs];
    ck_assert(n->op.form == CERT_MAP2 && n->op.fn == CERT_MUL);
    return n->in[0];
}

/* From the weight of score i is subtracted what the slot holds for the draw's copy, and the
 * gradient program is the derived one: only the weight can be wrong. */
static Cert with_baseline(const Cert *right, uint32_t i, CertSlot slot)
{
    Cert c = *right;
    const CertScore *t = &right->score[i];
    Arena *a = c.arena;
    CertList shape = c.draw[t->roles.draw].shape, copies = {t->roles.plates, shape.at};
    CertList all = cert_range(a, copies.count), whole = cert_range(a, shape.count);
    c.source = (CertProgram){0};
    for (uint32_t k = 0; k < right->source.count; k++)
        cert_add(a, &c.source, c.inputs, right->source.node[k]);
    const CertOp spread = {.form = CERT_EIN, .axes = copies, .o = all};
    const CertOp widen = {.form = CERT_EIN, .axes = shape, .i = all, .o = whole};
    const CertOp mul = {.form = CERT_MAP2, .fn = CERT_MUL},
                 sub = {.form = CERT_MAP2, .fn = CERT_SUB};
    CertSlot gain = put(&c, sub, gain_of(right, t), slot);
    CertSlot scaled = put(&c, mul, gain, put(&c, spread, t->roles.scale, 0));
    CertSlot weight = put(&c, widen, scaled, 0);
    c.score = arena_array(a, CertScore, c.scores);
    memcpy(c.score, right->score, c.scores * sizeof *c.score);
    c.score[i].weight = weight;
    uint32_t *base = arena_array(a, uint32_t, t->roles.base.count + 1);
    for (uint32_t k = 0; k < t->roles.base.count; k++)
        base[k] = t->roles.base.at[k];
    base[t->roles.base.count] = slot;
    c.score[i].roles.base = (CertList){t->roles.base.count + 1, base};
    claim_derived(&c);
    return c;
}

/* A number for every copy that no draw moves. */
static CertSlot some_constant(Cert *c, uint32_t i)
{
    const CertRoles *r = &c->score[i].roles;
    const CertOp op = {.form = CERT_CONST,
                       .a = fraction_of(c->fractions, 3, 7),
                       .axes = {r->plates, c->draw[r->draw].shape.at}};
    return put(c, op, 0, 0);
}

/* What this checker says; the one that Coq extracted must say the same. */
static bool both_accept(const Cert *c, const char *mistake)
{
    bool ok = cert_accepted(c);
    certificate_keep(c, 0, ok, mistake);
    return ok;
}

/* A constant may be a baseline.  The cost of the current sample may not, nor anything that reads
 * it; and roles that leave the draw's costs to the others are wrong. */
START_TEST(baselines_must_not_read_the_sample)
{
    static const int scored[] = {0, 8};
    Certified c;
    make(&c, scored[_i]);
    ck_assert_uint_gt(c.cert.scores, 0);
    for (uint32_t i = 0; i < c.cert.scores; i++) {
        ck_assert(c.cert.score[i].explained);
        Cert right = c.cert;
        CertSlot number = some_constant(&right, i);
        Cert constant = with_baseline(&right, i, number);
        ck_assert_msg(both_accept(&constant, NULL), "a constant baseline is rejected");
        for (uint32_t k = 0; k < c.cert.score[i].roles.costs.count; k++) {
            Cert own = with_baseline(&c.cert, i, c.cert.score[i].roles.costs.at[k]);
            ck_assert_msg(!both_accept(&own, "a baseline of the current sample"),
                          "the sample's own cost is accepted as a baseline");
            Cert without_roles = own;
            without_roles.score[i].explained = false;
            Arena *a = arena_new();
            ck_assert_int_eq(certify_assumed(&without_roles, a).theorem, CERT_UP_TO_WEIGHTS);
            arena_free(a);
        }
    }
    certified_free(&c);
}
END_TEST

/* What a slot is made of, and whether the cost and the log-densities are made of it. */
static void mark_above(const Cert *c, CertSlot s, bool *above)
{
    if (above[s])
        return;
    above[s] = true;
    if (s < c->inputs)
        return;
    const CertNode *n = &c->source.node[s - c->inputs];
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        mark_above(c, n->in[k], above);
}

/* Another number in what a weight alone is made of, such as the share of the other samples' costs
 * that is subtracted; the gradient program is the one that this graph has. */
static uint32_t wrong_baselines(const Cert *right, uint32_t i)
{
    Arena *a = right->arena;
    uint32_t made = 0;
    bool *shared = arena_array(a, bool, right->inputs + right->source.count + 1),
         *own = arena_array(a, bool, right->inputs + right->source.count + 1);
    mark_above(right, right->cost, shared);
    for (uint32_t k = 0; k < right->scores; k++)
        mark_above(right, right->score[k].density, shared);
    mark_above(right, right->score[i].weight, own);
    for (uint32_t k = 0; k < right->source.count; k++) {
        CertNode n = right->source.node[k];
        bool number = n.op.form == CERT_CONST || (n.op.form == CERT_MAP1 && n.op.fn == CERT_AFFINE);
        if (!number || !own[right->inputs + k] || shared[right->inputs + k])
            continue;
        Cert wrong = *right;
        CertNode *node = arena_array(a, CertNode, right->source.count);
        memcpy(node, right->source.node, right->source.count * sizeof *node);
        node[k].op.a = fraction_mul(right->fractions, n.op.a, fraction_of(right->fractions, 1, 2));
        wrong.source.node = node;
        claim_derived(&wrong);
        ck_assert_msg(!both_accept(&wrong, "a wrong baseline"),
                      "accepted: half of a number in a weight");
        made++;
    }
    return made;
}

START_TEST(baselines_have_their_numbers)
{
    static const int scored[] = {0, 8};
    uint32_t made = 0;
    Certified c;
    make(&c, scored[_i]);
    for (uint32_t i = 0; i < c.cert.scores; i++)
        made += wrong_baselines(&c.cert, i);
    ck_assert_uint_gt(made, 0);
    certified_free(&c);
}
END_TEST

/* One number of the roles at a time. */
START_TEST(wrong_roles_are_rejected)
{
    static const int scored[] = {0, 8};
    Certified c;
    make(&c, scored[_i]);
    uint32_t made = 0, rejected = 0;
    for (uint32_t i = 0; i < c.cert.scores; i++)
        for (int role = 0; role < 9; role++)
            for (int by = -1; by <= 1; by += 2) {
                Cert wrong = c.cert;
                CertScore *score = arena_array(wrong.arena, CertScore, wrong.scores);
                memcpy(score, c.cert.score, wrong.scores * sizeof *score);
                wrong.score = score;
                CertRoles *r = &score[i].roles;
                CertList *list[] = {&r->axes, &r->kept, &r->costs, &r->base, &r->others};
                uint32_t *number[] = {&r->draw, &r->logits, &r->plates, &r->scale};
                if (role < 4)
                    *number[role] += (uint32_t)by;
                else if (list[role - 4]->count > 0)
                    *list[role - 4] = cert_with(wrong.arena, *list[role - 4], 0,
                                                list[role - 4]->at[0] + (uint32_t)by);
                else
                    continue;
                made++;
                bool is_text = by > 0; /* no text says -1 */
                rejected += !(is_text ? both_accept(&wrong, "other roles of a weight")
                                      : cert_accepted(&wrong));
            }
    ck_assert_uint_gt(made, 8);
    ck_assert_uint_eq(made, rejected);
    certified_free(&c);
}
END_TEST

/* ---- graphs without one, files that are wrong ----------------------------------------------- */

static const struct {
    const char *name, *text, *says;
} refused[] = {
    {"biased",
     "param a = zeros()\ngraph g {\n  x ~ bernoulli(logits = a) via straight_through(biased)\n"
     "  cost (x - 0.3) ^ 2\n}\n",
     "biased"},
    {"the error function", "param a = zeros()\ngraph g {\n  z ~ normal(a, 1)\n  cost erf(z)\n}\n",
     "m.sg:4:8: error: no certificate for erf: the theory has no error function yet"},
    {"a product", "param a[2] = zeros()\ngraph g {\n  cost prod(a)\n}\n",
     "m.sg:3:8: error: no certificate for prod: its reverse rule is the product of the others"},
};

static void refuse(void *context, unsigned number, const PassInfo *p, const IrGraph *g, double ms,
                   bool changed)
{
    Diags *d = context;
    (void)number, (void)ms, (void)changed;
    if (p->run != pass_estimate || g->entry != IR_ENTRY_STEP)
        return;
    Arena *a = arena_new();
    Fractions *f = fractions_new(a);
    Cert c;
    certify_graph(g, a, f, &c, d);
    fractions_free(f);
    arena_free(a);
}

/* Draws that are logarithms of uniform noise: what is integrable, and what is not or is not seen to
 * be. */
static const struct {
    const char *body;
    CertTheorem theorem;
} logarithms[] = {
    {"w ~ exponential(softplus(h))\ncost square(w - m * x) * sigmoid(w) + tanh(w) * x\n", CERT_PROVED},
    {"w ~ exponential(exp(h + x))\ncost softplus(m * w) + sigmoid(w) * sin(w)\n", CERT_PROVED},
    {"w ~ laplace(m + x, exp(h))\ncost tanh(w) * x + softplus(w * m) ^ 2\n", CERT_PROVED},
    {"w ~ uniform(m, m + exp(h))\ncost exp(w) * x + tanh(w)\n", CERT_PROVED},
    {"v ~ laplace(m, exp(h))\nw ~ normal(v * x, 1)\ncost tanh(w) + v * v * tanh(v)\n", CERT_PROVED},
    /* E e^w is finite only where the rate is more than 1 */
    {"w ~ exponential(exp(h))\ncost exp(w) * tanh(m)\n", CERT_UP_TO_REGULAR},
    {"w ~ laplace(m, exp(h))\ncost exp(softplus(w)) * x\n", CERT_UP_TO_REGULAR},
    /* E 1/(w + w^2) is infinite */
    {"w ~ exponential(exp(h))\ncost tanh(m) / (w + w ^ 2)\n", CERT_UP_TO_REGULAR},
    {"w ~ laplace(m, exp(h))\ncost relu(w) * x\n", CERT_UP_TO_REGULAR},
};

START_TEST(logarithms_of_noise_are_integrable)
{
    char text[512];
    Certified c;
    snprintf(text, sizeof text,
             "dim z = 3\nparam m[z] = zeros()\nparam h[z] = zeros()\n"
             "graph loss {\nplate n = rows(4) {\ndata x[z]\n%s}\n}\n",
             logarithms[_i].body);
    certify_text(&c, text);
    ck_assert_msg(c.made, "%s", logarithms[_i].body);
    CertAssumed left = certify_assumed(&c.cert, c.program.arena);
    ck_assert_msg(left.theorem == logarithms[_i].theorem, "%s: theorem %d", logarithms[_i].body,
                  left.theorem);
    certificate_keep(&c.cert, 0, true, NULL);
    certified_free(&c);
}
END_TEST

START_TEST(a_graph_without_one_is_told_why)
{
    Arena *a = arena_new();
    const char *text = refused[_i].text;
    Diags *d = diags_new("m.sg", text), *why = diags_new("m.sg", text);
    IrModel m;
    ir_model_init(&m, a);
    const PassOptions options = {.parts = 2, .real_bytes = 8};
    PassCtx cx = {.options = &options, .diags = d, .arena = a};
    IrGraph out[IR_ENTRIES];
    bool compiled =
        fe_compile(&m, "m.sg", text, NULL, 0, d) && passes_run(&m.graph[0], out, &cx, refuse, why);
    char *log = diags_text(compiled ? why : d);
    ck_assert_msg(strstr(log, refused[_i].says), "%s: %s", refused[_i].name, log);
    free(log);
    diags_free(d);
    diags_free(why);
    arena_free(a);
}
END_TEST

#define HEAD "sgcert 1\ngraph \"g\" of \"m\" \"m.sg\"\nsize 0 \"n\"\ninput 0 param [] \"a\"\n"
#define BODY "source\n  1 = square 0\ncost 1\ngradient\n  1 = affine 2 0 0\nof 0 is 1\nend\n"

static const struct {
    const char *text, *says;
} malformed[] = {
    {"", "f:1:1: error: sgcert should stand here, not the end of the file"},
    {"sgcert 2\n", "f:1:8: error: 1 should stand here, not '2'"},
    {"sgcert 1\n", "graph should stand here"},
    {HEAD "source\n  2 = exp 0\n", "f:6:3: error: slot 1 should stand here, not '2'"},
    {HEAD "source\n  1 = twice 0\n", "f:6:7: error: an operation should stand here, not 'twice'"},
    {HEAD "source\n  1 = affine 1/0 0 0\n", "f:6:14: error: a fraction should stand here"},
    {HEAD "source\n  1 = const 1 [1]\n", "f:6:14: error: a shape of sizes that are not listed"},
    {HEAD "source\n  1 = sample 0 []\n", "f:6:3: error: a draw that is not listed"},
    {HEAD "source\n  1 = size 4\n", "f:6:3: error: a size that is not listed"},
    {HEAD "source\n  1 = exp 99999999999999999999\n", "f:6:11: error: a number should stand here"},
    {HEAD "source\n  1 = exp 0 0\n", "f:6:13: error: the end of the line should stand here"},
    {HEAD "source\n  1 = exp 0 \"z\n", "\" should stand here"},
    {HEAD "source\n  1 = exp 1\ncost 1\ngradient\nend\n",
     "f:6:3: error: source: the operands of slot 1 do not fit"},
    {HEAD "source\n  1 = ein [0] [0] [] 0\ncost 1\ngradient\nend\n", "do not fit its operation"},
    {HEAD "source\ncost 7\ngradient\nend\n", "f:6:1: error: cost: slot 7 is not in the source"},
    {HEAD "source\n  1 = iota 0\ncost 1\ngradient\nend\n", "cost: slot 1 is not a scalar but [0]"},
    {HEAD "source\ncost 0\nscore 0 weight 0\ngradient\nend\n", "slot 0 is already the cost"},
    {HEAD "source\n  1 = iota 0\ncost 0\nscore 1 weight 0\ngradient\nend\n",
     "slot 1 has the shape [0] and its weight []"},
    {HEAD "source\n  1 = square 0\ncost 1\ngradient\nof 0 is 5\nend\n",
     "f:9:4: error: gradient: slot 5 is not in the gradient program"},
    {HEAD "source\n  1 = square 0\ncost 1\ngradient\nof 3 is 0\nend\n", "there is no input 3"},
    {HEAD "source\n  1 = const 1 []\ncost 1\ngradient\nof 0 is 0\nend\n",
     "the cost does not depend on a"},
    {HEAD "source\n  1 = square 0\ncost 1\ngradient\n  1 = affine 3 0 0\nof 0 is 1\nend\n",
     "f:10:4: error: slot 1 is not the gradient of a"},
    {HEAD BODY, ""},
};

START_TEST(wrong_files_are_reported_where_they_are)
{
    Arena *a = arena_new();
    Fractions *f = fractions_new(a);
    Diags *d = diags_new("f", malformed[_i].text);
    Cert **c;
    uint32_t count;
    bool ok = certify_read(malformed[_i].text, a, f, &c, &count, d);
    for (uint32_t i = 0; ok && i < count; i++)
        ok = certify_check(c[i], d);
    char *log = diags_text(d);
    ck_assert_msg(ok == !*malformed[_i].says && strstr(log, malformed[_i].says), "%d: %s: %s", _i,
                  malformed[_i].text, log);
    free(log);
    fractions_free(f);
    diags_free(d);
    arena_free(a);
}
END_TEST

/* Every prefix and every changed byte of a file is read to a message or to a certificate. */
START_TEST(damaged_files_do_no_harm)
{
    Certified c;
    make(&c, 0);
    char *text = printed(&c.cert);
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        for (int way = 0; way < 3; way++) {
            Arena *a = arena_new();
            Fractions *f = fractions_new(a);
            char *copy = arena_copy(a, text, way == 0 ? i : size);
            if (way > 0)
                copy[i] = way == 1 ? '9' : ' ';
            Diags *d = diags_new("f", copy);
            Cert **read;
            uint32_t count = 0;
            if (certify_read(copy, a, f, &read, &count, d))
                certify_check(read[0], d);
            else
                ck_assert_uint_gt(diags_errors(d), 0);
            diags_free(d);
            fractions_free(f);
            arena_free(a);
        }
    free(text);
    certified_free(&c);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

Suite *certify_suite(void)
{
    Suite *s = suite_create("certify");
    TCase *t = tcase_create("examples");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_example_has_a_certificate, 0, PROGRAMS);
    tcase_add_loop_test(t, the_text_form_reads_back, 0, PROGRAMS);
    tcase_add_loop_test(t, gradients_are_slopes, 0, PROGRAMS);
    tcase_add_loop_test(t, programs_are_those_of_the_graph, 0, PROGRAMS);
    tcase_add_test(t, every_term_has_a_translation);
    tcase_add_loop_test(t, mutants_are_rejected, 0, PROGRAMS);
    tcase_add_loop_test(t, baselines_must_not_read_the_sample, 0, 2);
    tcase_add_loop_test(t, baselines_have_their_numbers, 0, 2);
    tcase_add_loop_test(t, wrong_roles_are_rejected, 0, 2);
    tcase_add_loop_test(t, logarithms_of_noise_are_integrable, 0, COUNT(logarithms));
    suite_add_tcase(s, t);
    t = tcase_create("refusals");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_graph_without_one_is_told_why, 0, COUNT(refused));
    tcase_add_loop_test(t, wrong_files_are_reported_where_they_are, 0, COUNT(malformed));
    tcase_add_test(t, damaged_files_do_no_harm);
    suite_add_tcase(s, t);
    return s;
}
