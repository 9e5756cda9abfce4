/* A slot sweeps over a draw if each of its elements is an injective function of some number of the
 * draw, whatever the others are.  If it reads no later number, it has any one value with
 * probability zero: so it is almost never at a kink. */
#include "certify/sweep.h"
#include "certify/depend.h"

typedef struct Sweep {
    const Cert *c;
    Arena *arena;
    const Depend *reads;
    const bool *positive;
    uint32_t *draw; /* by slot: the draw that it sweeps over; CERT_NONE: none is seen */
} Sweep;

static bool is_noise(const CertDraw *d)
{
    return d->base == CERT_NORMAL || d->base == CERT_UNIFORM;
}

static bool is_injective(const Cert *c, const CertOp *op)
{
    switch (op->fn) {
    case CERT_AFFINE:
        return fraction_sign(c->fractions, op->a) != 0;
    case CERT_EXP:
    case CERT_EXPM1:
    case CERT_TANH:
    case CERT_SIGMOID:
    case CERT_SOFTPLUS:
        return true;
    default:
        return false;
    }
}

/* What x sweeps over, if y does not read it. */
static uint32_t beside(const Sweep *s, CertSlot x, CertSlot y)
{
    uint32_t draw = s->draw[x];
    return draw != CERT_NONE && depend_free(s->reads, (CertList){1, &draw}, y) ? draw : CERT_NONE;
}

/* The later draw has the better chances to be the last that is read. */
static uint32_t either(uint32_t x, uint32_t y)
{
    return x == CERT_NONE || (y != CERT_NONE && x < y) ? y : x;
}

static uint32_t of_two(const Sweep *s, CertFn f, CertSlot x, CertSlot y)
{
    switch (f) {
    case CERT_ADD:
    case CERT_SUB:
        return either(beside(s, x, y), beside(s, y, x));
    case CERT_MUL:
        return either(s->positive[y] ? beside(s, x, y) : CERT_NONE,
                      s->positive[x] ? beside(s, y, x) : CERT_NONE);
    case CERT_DIV:
        return s->positive[y] ? beside(s, x, y) : CERT_NONE;
    default:
        return CERT_NONE;
    }
}

/* Does every element of the result take one of the operand? */
static bool is_spread(const CertOp *op)
{
    for (uint32_t i = 0; i < op->o.count; i++)
        if (op->o.at[i] != i)
            return false;
    return op->o.count == op->axes.count;
}

static uint32_t swept_by(const Sweep *s, const CertNode *n)
{
    switch (n->op.form) {
    case CERT_SAMPLE:
        return n->op.k;
    case CERT_MAP1:
        return is_injective(s->c, &n->op) ? s->draw[n->in[0]] : CERT_NONE;
    case CERT_MAP2:
        return of_two(s, n->op.fn, n->in[0], n->in[1]);
    case CERT_EIN:
        return is_spread(&n->op) ? s->draw[n->in[0]] : CERT_NONE;
    default:
        return CERT_NONE;
    }
}

/* Noise is drawn in order, and then what is finite. */
static bool reads_none_later(const Sweep *s, uint32_t draw, CertSlot slot)
{
    uint32_t *later = NULL, count = 0;
    for (uint32_t j = 0; j < s->c->draws; j++) {
        CertBase base = s->c->draw[j].base;
        if (base == CERT_BITS || base == CERT_VALUES || j > draw)
            *arena_push(s->arena, later, count, uint32_t) = j;
    }
    return depend_free(s->reads, (CertList){count, later}, slot);
}

static bool reads_own(const Sweep *s, uint32_t draw, CertSlot slot)
{
    const CertDraw *d = &s->c->draw[draw];
    return is_noise(d) && depend_once(s->reads, draw, d->shape.count, slot) &&
           reads_none_later(s, draw, slot);
}

static bool differ(const Sweep *s, CertSlot x, CertSlot y)
{
    uint32_t draw = beside(s, x, y);
    return draw != CERT_NONE && reads_own(s, draw, x) && reads_none_later(s, draw, y);
}

static bool is_missed(const Sweep *s, const CertNode *n)
{
    switch (n->op.form == CERT_MAP1 || n->op.form == CERT_MAP2 ? n->op.fn : CERT_EXP) {
    case CERT_ABS:
    case CERT_RELU:
        return s->draw[n->in[0]] != CERT_NONE && reads_own(s, s->draw[n->in[0]], n->in[0]);
    case CERT_MIN:
    case CERT_MAX:
        return differ(s, n->in[0], n->in[1]) || differ(s, n->in[1], n->in[0]);
    default:
        return false;
    }
}

bool sweep_misses(const Cert *c, Arena *a, const bool *positive, CertList kinks)
{
    Sweep s = {c, a, depend_of(a, c, &c->source), positive,
               arena_array(a, uint32_t, c->inputs + c->source.count + 1)};
    for (uint32_t i = 0; i < c->inputs; i++)
        s.draw[i] = CERT_NONE;
    for (uint32_t i = 0; i < c->source.count; i++)
        s.draw[c->inputs + i] = swept_by(&s, &c->source.node[i]);
    for (uint32_t i = 0; i < kinks.count; i++)
        if (!is_missed(&s, &c->source.node[kinks.at[i] - c->inputs]))
            return false;
    return true;
}
