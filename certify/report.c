/* What was proved and what is left to assume, in the user's own names and places. */
#include "certify/certify.h"

static void put_place(const Cert *c, Span at, FILE *out)
{
    if (at.line)
        fprintf(out, " (%s:%u:%u)", c->file, at.line, at.col);
}

static const char *word_of(const CertNode *n)
{
    bool map = n->op.form == CERT_MAP1 || n->op.form == CERT_MAP2;
    return map ? cert_fn[n->op.fn].word : cert_form[n->op.form].word;
}

static void put_slot(const Cert *c, CertSlot s, FILE *out)
{
    if (s < c->inputs)
        return;
    const CertNode *n = &c->source.node[s - c->inputs];
    fprintf(out, "slot %u, %s%s%s", s, word_of(n), n->name ? " " : "", n->name ? n->name : "");
    put_place(c, n->at, out);
}

static void put_kinks(const Cert *c, const char *when, CertList kinks, FILE *out)
{
    for (uint32_t i = 0; i < kinks.count; i++) {
        fprintf(out, "  assumed: %sno element of the operand of ", when);
        put_slot(c, kinks.at[i], out);
        fputs(" is where that has no derivative\n", out);
    }
}

static void put_weights(const Cert *c, FILE *out)
{
    for (uint32_t i = 0; i < c->scores; i++) {
        fputs("  assumed: what the weight of the log-density in ", out);
        put_slot(c, c->score[i].density, out);
        fputs(" leaves out and subtracts is orthogonal to its score\n", out);
    }
    for (uint32_t j = 0; j < c->draws; j++)
        if (c->draw[j].base == CERT_GIVEN) {
            fprintf(out, "  assumed: %s is drawn from its law", c->draw[j].name);
            put_place(c, c->draw[j].at, out);
            fputc('\n', out);
        }
}

static void put_regular(const Cert *c, const CertAssumed *left, FILE *out)
{
    fputs("  assumed: the expected cost may be differentiated under the expectation", out);
    if (left->theorem == CERT_UP_TO_REGULAR && left->slot != CERT_NONE) {
        fputs("; the analysis of growth ends at ", out);
        put_slot(c, left->slot, out);
    }
    fputc('\n', out);
}

/* The step from the model as the user wrote it. */
static void put_written(const Cert *c, const CertAssumed *left, FILE *out)
{
    const CertWritten *w = &c->written;
    if (!w->given) {
        fprintf(out, "  assumed: the model as it is written has the same mean cost: %s",
                w->without ? w->without : "it is not part of the certificate");
        put_place(c, w->without ? w->at : (Span){0}, out);
        fputc('\n', out);
        return;
    }
    fputs("  the mean cost is that of the model as it is written\n", out);
    if (left->scales)
        fputs("  assumed: the scales and rates of its draws are positive, and bounds in order\n",
              out);
}

void certify_report(const Cert *c, const CertAssumed *left, FILE *out)
{
    bool proved = left->theorem == CERT_PROVED && c->written.given && !left->scales;
    fprintf(out, "  %s: the mean of the gradients of",
            proved ? "nothing is assumed" : "if what follows holds");
    for (uint32_t i = 0; i < c->outputs; i++)
        fprintf(out, "%s %s", i ? "," : "", c->input[c->output[i].input].name);
    fputs(" is the derivative of the mean cost\n", out);
    switch (left->theorem) {
    case CERT_PROVED:
        break;
    case CERT_UP_TO_KINKS:
        put_kinks(c, "", left->kinks, out);
        break;
    case CERT_UP_TO_NOISY_KINKS:
        put_kinks(c, "for almost every draw, ", left->kinks, out);
        break;
    case CERT_UP_TO_WEIGHTS:
        put_weights(c, out);
        put_regular(c, left, out);
        break;
    case CERT_UP_TO_REGULAR:
        put_kinks(c, "", left->kinks, out);
        put_regular(c, left, out);
        break;
    }
    put_written(c, left, out);
}
