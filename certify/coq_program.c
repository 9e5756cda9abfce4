/* The programs of a certificate in Coq's terms (proofs/Spelling.v). */
#include "certify/coq.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void coq_list(FILE *out, CertList list)
{
    fputs(" [", out);
    for (uint32_t i = 0; i < list.count; i++)
        fprintf(out, "%s%u", i ? "; " : "", list.at[i]);
    fputc(']', out);
}

void coq_text(FILE *out, const char *text)
{
    for (; *text; text++)
        fputc(isalnum((unsigned char)*text) || *text == '.' || *text == '/' || *text == ' ' ||
                      *text == '-'
                  ? *text
                  : '_',
              out);
}

void coq_place(FILE *out, const Cert *c, Span at)
{
    if (!at.line)
        return;
    fputc(' ', out);
    coq_text(out, c->file);
    fprintf(out, ":%u:%u", at.line, at.col);
}

/* A numerator or a number of a certificate: in parentheses if it is negative. */
void coq_number(FILE *out, const char *digits)
{
    fprintf(out, *digits == '-' ? " (%s)" : " %s", digits);
}

static void put_map(FILE *out, const Cert *c, const CertOp *op)
{
    const char *a, *b, *d;
    fprintf(out, "%s ", cert_form[op->form].coq);
    if (op->form != CERT_MAP1 || op->fn != CERT_AFFINE) {
        fputs(cert_fn[op->fn].coq, out);
        return;
    }
    fraction_common(c->fractions, op->a, op->b, &a, &b, &d);
    fputs("(Affine", out);
    coq_number(out, a);
    coq_number(out, b);
    fprintf(out, " %s)", d);
}

static void put_linear(FILE *out, const CertOp *op)
{
    fprintf(out, "Lin (%s", cert_form[op->form].coq);
    if (op->form == CERT_SLICE || op->form == CERT_PAD)
        fprintf(out, " %u %u %u", op->k, op->from, op->to);
    coq_list(out, op->axes);
    if (op->form == CERT_EIN || op->form == CERT_RESHAPE)
        coq_list(out, op->i);
    if (op->form == CERT_EIN)
        coq_list(out, op->o);
    fputc(')', out);
}

static void put_leaf(FILE *out, const Cert *c, const CertOp *op)
{
    fputs(cert_form[op->form].coq, out);
    if (op->form == CERT_CONST) {
        coq_number(out, fraction_numerator(c->fractions, op->a));
        fprintf(out, " %s", fraction_denominator(c->fractions, op->a));
    } else {
        fprintf(out, " %u", op->k);
    }
    if (op->form == CERT_CONST || op->form == CERT_SAMPLE)
        coq_list(out, op->axes);
}

static void put_op(FILE *out, const Cert *c, const CertOp *op)
{
    switch (op->form) {
    case CERT_MAP1:
    case CERT_MAP2:
        put_map(out, c, op);
        break;
    case CERT_EIN:
    case CERT_SLICE:
    case CERT_PAD:
    case CERT_RESHAPE:
        put_linear(out, op);
        break;
    case CERT_EIN2:
        fputs(cert_form[op->form].coq, out);
        coq_list(out, op->axes);
        coq_list(out, op->i);
        coq_list(out, op->j);
        coq_list(out, op->o);
        break;
    case CERT_LSE:
        fputs(cert_form[op->form].coq, out);
        coq_list(out, op->axes);
        coq_list(out, op->o);
        break;
    default:
        put_leaf(out, c, op);
    }
}

/* ---- operations that occur several times ----------------------------------------------------- */

enum { PROGRAMS_OF_CERT = 3, SHORT = 16, PART = 64 };

struct CoqOps {
    const Cert *c;
    const CertProgram *program[PROGRAMS_OF_CERT];
    uint32_t first[PROGRAMS_OF_CERT]; /* of the nodes of a program among all */
    const char **text;                /* of the operation of every node */
    uint32_t *name;                   /* its number; NO_NAME: it occurs once, or is short */
};

enum { NO_NAME = UINT32_MAX };

typedef struct Spelled {
    const char *text;
    uint32_t node;
} Spelled;

static int by_text(const void *x, const void *y)
{
    const Spelled *a = x, *b = y;
    int order = strcmp(a->text, b->text);
    return order ? order : (a->node > b->node) - (a->node < b->node);
}

static uint32_t nodes_of(const CoqOps *ops)
{
    uint32_t last = PROGRAMS_OF_CERT - 1;
    return ops->first[last] + ops->program[last]->count;
}

/* One text after another, each with its end. */
static void spell(CoqOps *ops, Arena *a)
{
    char *all = NULL;
    size_t size = 0;
    uint32_t count = nodes_of(ops), n = 0;
    size_t *at = arena_array(a, size_t, count + 1);
    FILE *out = open_memstream(&all, &size);
    for (int i = 0; i < PROGRAMS_OF_CERT; i++)
        for (uint32_t k = 0; k < ops->program[i]->count; k++) {
            fflush(out);
            at[n++] = size;
            put_op(out, ops->c, &ops->program[i]->node[k].op);
            fputc('\0', out);
        }
    fclose(out);
    char *kept = memcpy(arena_array(a, char, size + 1), all, size);
    free(all);
    ops->text = arena_array(a, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        ops->text[i] = kept + at[i];
}

/* The first node whose operation is that of this one, if it is worth a name; else NO_NAME. */
static uint32_t *alike(const CoqOps *ops, Arena *a)
{
    uint32_t count = nodes_of(ops);
    Spelled *sorted = arena_array(a, Spelled, count + 1);
    uint32_t *first = arena_array(a, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        sorted[i] = (Spelled){ops->text[i], i};
    qsort(sorted, count, sizeof *sorted, by_text);
    for (uint32_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && strcmp(sorted[end].text, sorted[i].text) == 0;)
            end++;
        bool worth = end > i + 1 && strlen(sorted[i].text) > SHORT;
        for (uint32_t k = i; k < end; k++)
            first[sorted[k].node] = worth ? sorted[i].node : NO_NAME;
    }
    return first;
}

const CoqOps *coq_ops(FILE *out, const Cert *c, Arena *a)
{
    CoqOps *ops = arena_make(a, CoqOps);
    *ops = (CoqOps){.c = c, .program = {&c->source, &c->gradient, &c->written.program}};
    for (int i = 1; i < PROGRAMS_OF_CERT; i++)
        ops->first[i] = ops->first[i - 1] + ops->program[i - 1]->count;
    spell(ops, a);
    ops->name = alike(ops, a);
    fputs("(** Operations that occur several times. *)\n", out);
    for (uint32_t i = 0, names = 0; i < nodes_of(ops); i++)
        if (ops->name[i] == i) {
            ops->name[i] = names;
            fprintf(out, "Definition op%u : op := %s.\n", names++, ops->text[i]);
        } else if (ops->name[i] != NO_NAME) {
            ops->name[i] = ops->name[ops->name[i]];
        }
    return ops;
}

/* ---- programs -------------------------------------------------------------------------------- */

static void put_node(FILE *out, const CoqOps *ops, const CertNode *n, uint32_t at, uint32_t slot)
{
    uint32_t operands = cert_operands(&n->op);
    fprintf(out, "  node%u ", operands);
    if (ops->name[at] == NO_NAME)
        fprintf(out, "(%s)", ops->text[at]);
    else
        fprintf(out, "op%u", ops->name[at]);
    for (uint32_t k = 0; k < operands; k++)
        fprintf(out, " %u", n->in[k]);
    fprintf(out, " (  (* %u", slot);
    if (n->name) {
        fputc(' ', out);
        coq_text(out, n->name);
    }
    coq_place(out, ops->c, n->at);
    fputs(" *)\n", out);
}

static void close_all(FILE *out, uint32_t count)
{
    while (count-- > 0)
        fputc(')', out);
    fputs(".\n", out);
}

void coq_program(FILE *out, const CoqOps *ops, const CertProgram *p, const char *name)
{
    uint32_t first = 0, parts = 0;
    for (int i = 0; i < PROGRAMS_OF_CERT; i++)
        if (ops->program[i] == p)
            first = ops->first[i];
    for (uint32_t i = 0; i < p->count; i += PART) {
        uint32_t end = i + PART < p->count ? i + PART : p->count;
        fprintf(out, "Definition %s_%u (p : bprogram) : bprogram :=\n", name, parts++);
        for (uint32_t k = i; k < end; k++)
            put_node(out, ops, &p->node[k], first + k, ops->c->inputs + k);
        fputs("  p", out);
        close_all(out, end - i);
    }
    fprintf(out, "Definition %s : bprogram := ", name);
    for (uint32_t i = 0; i < parts; i++)
        fprintf(out, "%s_%u (", name, i);
    fputs("[]", out);
    close_all(out, parts);
}
