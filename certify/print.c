/* The text form of certificates.  docs/certificates.md has the grammar; read.c reads it. */
#include "certify/certify.h"

#include <inttypes.h>

static void put_list(FILE *out, CertList list)
{
    fputs(" [", out);
    for (uint32_t i = 0; i < list.count; i++)
        fprintf(out, "%s%u", i ? " " : "", list.at[i]);
    fputc(']', out);
}

static void put_string(FILE *out, const char *text)
{
    fputs(" \"", out);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 32 || c > 126)
            fprintf(out, "\\x%02x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_place(FILE *out, Span at)
{
    if (at.line)
        fprintf(out, " @%u:%u+%u", at.line, at.col, at.len);
}

static void put_fraction(FILE *out, const Cert *c, Fraction a)
{
    const char *below = fraction_denominator(c->fractions, a);
    fprintf(out, " %s", fraction_numerator(c->fractions, a));
    if (below[0] != '1' || below[1])
        fprintf(out, "/%s", below);
}

static void put_op(FILE *out, const Cert *c, const CertOp *op)
{
    bool map = op->form == CERT_MAP1 || op->form == CERT_MAP2;
    fprintf(out, " %s", map ? cert_fn[op->fn].word : cert_form[op->form].word);
    switch (op->form) {
    case CERT_MAP1:
        if (op->fn == CERT_AFFINE) {
            put_fraction(out, c, op->a);
            put_fraction(out, c, op->b);
        }
        break;
    case CERT_EIN:
    case CERT_EIN2:
        put_list(out, op->axes);
        put_list(out, op->i);
        if (op->form == CERT_EIN2)
            put_list(out, op->j);
        put_list(out, op->o);
        break;
    case CERT_LSE:
        put_list(out, op->axes);
        put_list(out, op->o);
        break;
    case CERT_SLICE:
    case CERT_PAD:
        fprintf(out, " %u %u %u", op->k, op->from, op->to);
        put_list(out, op->axes);
        break;
    case CERT_RESHAPE:
        put_list(out, op->axes);
        put_list(out, op->i);
        break;
    case CERT_CONST:
        put_fraction(out, c, op->a);
        put_list(out, op->axes);
        break;
    case CERT_SAMPLE:
        fprintf(out, " %u", op->k);
        put_list(out, op->axes);
        break;
    case CERT_IOTA:
    case CERT_SIZE:
        fprintf(out, " %u", op->k);
        break;
    default:
        break;
    }
}

static void put_program(FILE *out, const Cert *c, const char *what, const CertProgram *p)
{
    fprintf(out, "%s\n", what);
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode *n = &p->node[i];
        fprintf(out, "  %u =", c->inputs + i);
        put_op(out, c, &n->op);
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            fprintf(out, " %u", n->in[k]);
        if (n->name)
            put_string(out, n->name);
        put_place(out, n->at);
        fputc('\n', out);
    }
}

static void put_head(FILE *out, const Cert *c)
{
    fputs("graph", out);
    put_string(out, c->graph);
    fputs(" of", out);
    put_string(out, c->model);
    put_string(out, c->file);
    fputc('\n', out);
    for (uint32_t s = 0; s < c->sizes; s++) {
        fprintf(out, "size %u", s);
        if (c->size[s].fixed)
            fprintf(out, " = %" PRId64, c->size[s].number);
        put_string(out, c->size[s].name);
        fputc('\n', out);
    }
}

static void put_input(FILE *out, const Cert *c, uint32_t i)
{
    const CertInput *x = &c->input[i];
    fprintf(out, "input %u %s", i, cert_kind_name[x->kind]);
    put_list(out, x->shape);
    put_string(out, x->name);
    put_place(out, x->at);
    fputc('\n', out);
}

static void put_draw(FILE *out, const Cert *c, uint32_t j)
{
    const CertDraw *x = &c->draw[j];
    fprintf(out, "draw %u %s", j, cert_base_name[x->base]);
    if (x->base == CERT_VALUES)
        fprintf(out, " %u", x->values);
    put_list(out, x->shape);
    put_string(out, x->name);
    put_place(out, x->at);
    fputc('\n', out);
}

static void put_summed(FILE *out, const Cert *c)
{
    const CertWritten *w = &c->written;
    for (uint32_t i = 0; i < w->sums && w->given; i++) {
        fprintf(out, "summed %u %u", c->draws + i, w->summed[i].values);
        put_string(out, w->summed[i].name);
        put_place(out, w->summed[i].at);
        fputc('\n', out);
    }
}

static void put_roles(FILE *out, const Cert *c, const CertRoles *r)
{
    fprintf(out, " draw %u %s", r->draw, cert_law_name[r->law]);
    if (r->law == CERT_CATEGORICAL)
        fprintf(out, " %u", r->values);
    fprintf(out, " logits %u", r->logits);
    put_list(out, r->axes);
    fprintf(out, " copies %u", r->plates);
    put_list(out, r->kept);
    fprintf(out, " scale %u costs", r->scale);
    put_list(out, r->costs);
    fputs(" less", out);
    put_fraction(out, c, r->share);
    put_list(out, r->base);
    fputs(" others", out);
    put_list(out, r->others);
}

static void put_score(FILE *out, const Cert *c, const CertScore *s)
{
    fprintf(out, "score %u weight %u", s->density, s->weight);
    if (s->explained)
        put_roles(out, c, &s->roles);
    fputc('\n', out);
}

/* The shape of a draw that is drawn as noise stands there where it is not that of the draw of the
 * graph. */
static void put_law(FILE *out, const Cert *c, uint32_t j)
{
    const CertDrawn *d = &c->written.law[j];
    if (!d->finite) {
        fprintf(out, "law %u %s", j, cert_noised_name[d->as]);
        if (j >= c->draws || !cert_same(d->shape, c->draw[j].shape))
            put_list(out, d->shape);
        fprintf(out, " %u", d->loc);
        if (d->as != CERT_AS_EXPONENTIAL)
            fprintf(out, " %u", d->scale);
        fputc('\n', out);
        return;
    }
    fprintf(out, "law %u %s", j, cert_law_name[d->of.law]);
    if (d->of.law == CERT_CATEGORICAL)
        fprintf(out, " %u", d->of.values);
    put_list(out, d->shape);
    fprintf(out, " logits %u", d->of.logits);
    put_list(out, d->of.axes);
    fputc('\n', out);
}

static void put_written(FILE *out, const Cert *c)
{
    const CertWritten *w = &c->written;
    if (!w->given && w->without) {
        fputs("unwritten", out);
        put_string(out, w->without);
        put_place(out, w->at);
        fputc('\n', out);
    }
    if (!w->given)
        return;
    put_program(out, c, "written", &w->program);
    for (uint32_t j = 0; j < c->draws + w->sums; j++)
        put_law(out, c, j);
    for (uint32_t i = 0; i < w->copies; i++) {
        fprintf(out, "copies %u", w->copy[i].size);
        put_list(out, w->copy[i].draws);
        put_list(out, w->copy[i].at);
        fputc('\n', out);
    }
    fprintf(out, "cost %u\n", w->cost);
}

static void put_cert(FILE *out, const Cert *c)
{
    put_head(out, c);
    for (uint32_t i = 0; i < c->inputs; i++)
        put_input(out, c, i);
    for (uint32_t j = 0; j < c->draws; j++)
        put_draw(out, c, j);
    put_summed(out, c);
    put_written(out, c);
    put_program(out, c, "source", &c->source);
    fprintf(out, "cost %u\n", c->cost);
    for (uint32_t i = 0; i < c->scores; i++)
        put_score(out, c, &c->score[i]);
    put_program(out, c, "gradient", &c->gradient);
    for (uint32_t i = 0; i < c->outputs; i++)
        fprintf(out, "of %u is %u\n", c->output[i].input, c->output[i].slot);
    fputs("end\n", out);
}

void certify_print(const Cert *const *c, uint32_t count, FILE *out)
{
    fputs("sgcert 1\n", out);
    for (uint32_t i = 0; i < count; i++)
        put_cert(out, c[i]);
}
