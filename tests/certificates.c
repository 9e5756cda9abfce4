#include "tests/certificates.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- certificates of programs --------------------------------------------------------------- */

static void keep(void *context, unsigned number, const PassInfo *p, const IrGraph *g, double ms,
                 bool changed)
{
    Certified *c = context;
    (void)number, (void)ms, (void)changed;
    if (p->run != pass_estimate || g->entry != IR_ENTRY_STEP)
        return;
    Arena *a = g->model->arena;
    ir_graph_clone(&c->step, g);
    c->fractions = fractions_new(a);
    c->made = certify_graph(&c->step, a, c->fractions, &c->cert, c->program.diags);
}

void certify_program(Certified *c, const SmallProgram *p)
{
    const PassOptions options = {.parts = 2, .real_bytes = 8};
    *c = (Certified){0};
    program_compile(&c->program, p, &options, keep, c);
}

void certify_text(Certified *c, const char *text)
{
    const PassOptions options = {.parts = 2, .real_bytes = 8};
    Compiled *p = &c->program;
    *c = (Certified){.program = {.arena = arena_new(), .text = strdup(text)}};
    p->diags = diags_new("test.sg", p->text);
    ir_model_init(&p->model, p->arena);
    PassCtx cx = {.options = &options, .diags = p->diags, .arena = p->arena};
    IrGraph entry[IR_ENTRIES];
    if (fe_compile(&p->model, "test.sg", p->text, NULL, 0, p->diags))
        passes_run(&p->model.graph[0], entry, &cx, keep, c);
}

void certified_free(Certified *c)
{
    if (c->fractions)
        fractions_free(c->fractions);
    program_free(&c->program);
}

void certificate_keep(const Cert *c, uint32_t number, bool accepted, const char *mistake)
{
    const char *path = getenv("SGC_MUTANTS"), *step = getenv("SGC_MUTANTS_STEP");
    if (!path || number % (step ? (uint32_t)atoi(step) : 1) != 0)
        return;
    FILE *out = fopen(path, "a");
    ck_assert_msg(out, "cannot write %s", path);
    CertAssumed left = {.theorem = CERT_UP_TO_WEIGHTS, .scales = true};
    if (accepted)
        left = certify_assumed(c, c->arena);
    fprintf(out, "#: %s\n# %s%s%s\n", mistake ? mistake : "none",
            accepted ? "accepted" : "rejected", left.theorem == CERT_PROVED ? " proved" : "",
            c->written.given && !left.scales ? " scaled" : "");
    certify_print(&c, 1, out);
    fclose(out);
}

/* ---- evaluation ----------------------------------------------------------------------------- */

typedef struct Run {
    Arena *arena;
    const Cert *c;
    const CertWorld *w;
} Run;

int64_t cert_elements(const CertWorld *w, CertList shape)
{
    int64_t n = 1;
    for (uint32_t i = 0; i < shape.count; i++)
        n *= w->size[shape.at[i]];
    return n;
}

static double fraction_value(const Cert *c, Fraction a)
{
    return strtod(fraction_numerator(c->fractions, a), NULL) /
           strtod(fraction_denominator(c->fractions, a), NULL);
}

/* Numbers everywhere, as in Coq: where there is none, one of which nothing is known. */
static double reciprocal(double x)
{
    return x == 0 ? 3.25 : 1 / x;
}

static double logarithm(double x)
{
    return x > 0 ? log(x) : 2.75;
}

static double apply1(const Cert *c, const CertOp *op, double x)
{
    switch (op->fn) {
    case CERT_AFFINE:
        return fraction_value(c, op->a) * x + fraction_value(c, op->b);
    case CERT_EXP:
        return exp(x);
    case CERT_LOG:
        return logarithm(x);
    case CERT_LOG1P:
        return x > -1 ? log1p(x) : logarithm(1 + x);
    case CERT_EXPM1:
        return expm1(x);
    case CERT_SQRT:
        return x < 0 ? 1.25 : sqrt(x);
    case CERT_SQUARE:
        return x * x;
    case CERT_RECIP:
        return reciprocal(x);
    case CERT_TANH:
        return tanh(x);
    case CERT_SIGMOID:
        return 1 / (1 + exp(-x));
    case CERT_SOFTPLUS:
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    case CERT_SIN:
        return sin(x);
    case CERT_COS:
        return cos(x);
    case CERT_ABS:
        return fabs(x);
    case CERT_RELU:
        return x > 0 ? x : 0;
    case CERT_SIGN:
        return (x > 0) - (x < 0);
    case CERT_STEP:
        return x > 0;
    default:
        return NAN;
    }
}

static double apply2(CertFn f, double x, double y)
{
    switch (f) {
    case CERT_ADD:
        return x + y;
    case CERT_SUB:
        return x - y;
    case CERT_MUL:
        return x * y;
    case CERT_DIV:
        return x * reciprocal(y);
    case CERT_POW:
        return x > 0 ? pow(x, y) : exp(y * logarithm(x));
    case CERT_MIN:
        return x < y ? x : y;
    case CERT_MAX:
        return x > y ? x : y;
    default:
        return NAN;
    }
}

/* Where the element at the picked indices stands in an array over the picked axes. */
static int64_t offset(const Run *r, CertList axes, CertList pick, const int64_t *index)
{
    int64_t at = 0;
    for (uint32_t i = 0; i < pick.count; i++)
        at = at * r->w->size[axes.at[pick.at[i]]] + index[pick.at[i]];
    return at;
}

static bool next(const Run *r, CertList axes, int64_t *index)
{
    for (uint32_t i = axes.count; i-- > 0;) {
        if (++index[i] < r->w->size[axes.at[i]])
            return true;
        index[i] = 0;
    }
    return false;
}

/* ein, ein2: a sum over all indices of the axes. */
static void run_sum(const Run *r, const CertOp *op, double *const *in, double *out)
{
    int64_t *index = arena_array(r->arena, int64_t, op->axes.count + 1);
    do {
        double v = in[0][offset(r, op->axes, op->i, index)];
        if (op->form == CERT_EIN2)
            v *= in[1][offset(r, op->axes, op->j, index)];
        out[offset(r, op->axes, op->o, index)] += v;
    } while (next(r, op->axes, index));
}

/* Shifted by the largest of all, so that nothing overflows. */
static void run_lse(const Run *r, const CertOp *op, const double *in, double *out, int64_t count)
{
    int64_t *index = arena_array(r->arena, int64_t, op->axes.count + 1);
    CertList all = cert_range(r->arena, op->axes.count);
    double largest = -INFINITY;
    for (int64_t i = 0; i < cert_elements(r->w, op->axes); i++)
        largest = fmax(largest, in[i]);
    do
        out[offset(r, op->axes, op->o, index)] +=
            exp(in[offset(r, op->axes, all, index)] - largest);
    while (next(r, op->axes, index));
    for (int64_t i = 0; i < count; i++)
        out[i] = log(out[i]) + largest;
}

/* slice, pad: rows of axis 0 move by k. */
static void run_cut(const Run *r, const CertOp *op, const double *in, double *out)
{
    int64_t row = cert_elements(r->w, op->axes), from = r->w->size[op->from],
            to = r->w->size[op->to];
    bool slice = op->form == CERT_SLICE;
    for (int64_t i = 0; i < (slice ? to : from); i++)
        if (i + op->k < (slice ? from : to))
            memcpy(out + (slice ? i : i + op->k) * row, in + (slice ? i + op->k : i) * row,
                   (size_t)row * sizeof *out);
}

static void run_node(const Run *r, const CertNode *n, double *const *in, double *out, int64_t count)
{
    const CertOp *op = &n->op;
    switch (op->form) {
    case CERT_EIN:
    case CERT_EIN2:
        run_sum(r, op, in, out);
        return;
    case CERT_LSE:
        run_lse(r, op, in[0], out, count);
        return;
    case CERT_SLICE:
    case CERT_PAD:
        run_cut(r, op, in[0], out);
        return;
    default:
        break;
    }
    for (int64_t i = 0; i < count; i++)
        out[i] = op->form == CERT_MAP1      ? apply1(r->c, op, in[0][i])
                 : op->form == CERT_MAP2    ? apply2(op->fn, in[0][i], in[1][i])
                 : op->form == CERT_RESHAPE ? in[0][i]
                 : op->form == CERT_CONST   ? fraction_value(r->c, op->a)
                 : op->form == CERT_IOTA    ? (double)i
                 : op->form == CERT_SIZE    ? (double)r->w->size[op->k]
                                            : r->w->draw[op->k][i];
}

double **cert_run(Arena *a, const Cert *c, const CertProgram *p, const CertWorld *w)
{
    const Run r = {a, c, w};
    double **slot = arena_array(a, double *, c->inputs + p->count + 1);
    CertList *shape = arena_array(a, CertList, c->inputs + p->count + 1);
    uint32_t bad;
    if (!cert_infer(a, c, p, shape, &bad))
        return NULL;
    for (uint32_t i = 0; i < c->inputs; i++)
        slot[i] = (double *)w->input[i];
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode *n = &p->node[i];
        int64_t count = cert_elements(w, shape[c->inputs + i]);
        double *in[2] = {NULL, NULL};
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            in[k] = slot[n->in[k]];
        slot[c->inputs + i] = arena_array(a, double, (size_t)count + 1);
        run_node(&r, n, in, slot[c->inputs + i], count);
    }
    return slot;
}

/* ---- random worlds -------------------------------------------------------------------------- */

static double random_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 11) / 9007199254740992.0;
}

static const double *random_array(Arena *a, const CertWorld *w, CertList shape, int64_t values,
                                  uint64_t *state)
{
    int64_t n = cert_elements(w, shape);
    double *v = arena_array(a, double, (size_t)n + 1);
    for (int64_t i = 0; i < n; i++) {
        double u = random_number(state);
        v[i] = values ? floor(u * (double)values) : 0.2 + u / 2;
    }
    return v;
}

/* How many values a draw has; 0: it is real. */
static int64_t values_of(const CertWorld *w, const CertDraw *d)
{
    return d->base == CERT_BITS ? 2 : d->base == CERT_VALUES ? w->size[d->values] : 0;
}

CertWorld cert_world_from(Arena *a, const Cert *c, int64_t least, uint64_t seed)
{
    int64_t *size = arena_array(a, int64_t, c->sizes + 1);
    const double **input = arena_array(a, const double *, c->inputs + 1);
    const double **draw = arena_array(a, const double *, c->draws + 1);
    CertWorld w = {size, input, draw};
    for (uint32_t s = 0; s < c->sizes; s++)
        size[s] = c->size[s].fixed ? c->size[s].number : least + s % 4;
    for (uint32_t i = 0; i < c->inputs; i++)
        input[i] = random_array(a, &w, c->input[i].shape, 0, &seed);
    for (uint32_t j = 0; j < c->draws; j++)
        draw[j] = random_array(a, &w, c->draw[j].shape, values_of(&w, &c->draw[j]), &seed);
    return w;
}

CertWorld cert_world(Arena *a, const Cert *c, uint64_t seed)
{
    return cert_world_from(a, c, 2, seed);
}
