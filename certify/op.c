/* Operations: equality, shapes.  The rules are those of `ty` in proofs/Op.v. */
#include "certify/cert.h"

const CertWord cert_form[] = {
#define FORM(id, word, coq, operands) {word, coq, operands},
#include "certify/cert.def"
};

const CertWord cert_fn[] = {
#define FN(id, word, coq, operands) {word, coq, operands},
#include "certify/cert.def"
};

const char *const cert_kind_name[] = {"param", "data", "constant"};
const char *const cert_base_name[] = {"normal", "uniform", "bits", "values", "line", "given"};
const char *const cert_law_name[] = {"bernoulli", "categorical"};
const char *const cert_noised_name[] = {"normal", "uniform", "exponential", "laplace"};

bool cert_op_equal(const CertOp *a, const CertOp *b)
{
    return a->form == b->form && a->fn == b->fn && a->a == b->a && a->b == b->b && a->k == b->k &&
           a->from == b->from && a->to == b->to && cert_same(a->axes, b->axes) &&
           cert_same(a->i, b->i) && cert_same(a->j, b->j) && cert_same(a->o, b->o);
}

uint32_t cert_operands(const CertOp *op)
{
    return cert_form[op->form].operands;
}

CertList cert_range(Arena *a, uint32_t n)
{
    uint32_t *at = arena_array(a, uint32_t, n + 1);
    for (uint32_t i = 0; i < n; i++)
        at[i] = i;
    return (CertList){n, at};
}

CertList cert_pick(Arena *a, CertList list, CertList pick)
{
    uint32_t *at = arena_array(a, uint32_t, pick.count + 1);
    for (uint32_t i = 0; i < pick.count; i++)
        at[i] = list.at[pick.at[i]];
    return (CertList){pick.count, at};
}

bool cert_below(uint32_t n, CertList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i] >= n)
            return false;
    return true;
}

static CertList cons(Arena *a, uint32_t head, CertList tail)
{
    uint32_t *at = arena_array(a, uint32_t, tail.count + 1);
    at[0] = head;
    for (uint32_t i = 0; i < tail.count; i++)
        at[i + 1] = tail.at[i];
    return (CertList){tail.count + 1, at};
}

/* Is s the shape that an operand read at the axes `pick` has? */
static bool reads(Arena *a, const CertOp *op, CertList pick, CertList s)
{
    return cert_below(op->axes.count, pick) && cert_same(s, cert_pick(a, op->axes, pick));
}

static bool type_ein(Arena *a, const CertOp *op, const CertList *in, CertList *out)
{
    bool ok = reads(a, op, op->i, in[0]) && cert_below(op->axes.count, op->o) &&
              (op->form != CERT_EIN2 || reads(a, op, op->j, in[1]));
    if (ok)
        *out = cert_pick(a, op->axes, op->o);
    return ok;
}

bool cert_type(Arena *a, const CertOp *op, const CertList *in, CertList *out)
{
    switch (op->form) {
    case CERT_MAP1:
        *out = in[0];
        return true;
    case CERT_MAP2:
        *out = in[0];
        return cert_same(in[0], in[1]);
    case CERT_EIN:
    case CERT_EIN2:
        return type_ein(a, op, in, out);
    case CERT_LSE:
        if (!cert_same(in[0], op->axes) || !cert_below(op->axes.count, op->o))
            return false;
        *out = cert_pick(a, op->axes, op->o);
        return true;
    case CERT_SLICE:
    case CERT_PAD:
        *out = cons(a, op->to, op->axes);
        return cert_same(in[0], cons(a, op->from, op->axes));
    case CERT_RESHAPE:
        *out = op->i;
        return cert_same(in[0], op->axes);
    case CERT_CONST:
    case CERT_SAMPLE:
        *out = op->axes;
        return true;
    case CERT_IOTA:
        *out = cons(a, op->k, (CertList){0});
        return true;
    case CERT_SIZE:
        *out = (CertList){0};
        return true;
    case CERT_FORMS:
        break;
    }
    return false;
}

bool cert_infer(Arena *a, const Cert *c, const CertProgram *p, CertList *shape, uint32_t *bad)
{
    for (uint32_t i = 0; i < c->inputs; i++)
        shape[i] = c->input[i].shape;
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode *n = &p->node[i];
        CertList in[2] = {{0}};
        *bad = i;
        for (uint32_t k = 0; k < cert_operands(&n->op); k++) {
            if (n->in[k] >= c->inputs + i)
                return false;
            in[k] = shape[n->in[k]];
        }
        if (!cert_type(a, &n->op, in, &shape[c->inputs + i]))
            return false;
    }
    return true;
}

CertSlot cert_add(Arena *a, CertProgram *p, uint32_t inputs, CertNode n)
{
    *arena_push(a, p->node, p->count, CertNode) = n;
    return inputs + p->count - 1;
}
