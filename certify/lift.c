/* A program along an axis more: `lift` of proofs/Copies.v.
 *
 * Every slot that reads a draw of the axis gets it, after the axes that lead it; the others stay as
 * they are, and are spread where the two meet. */
#include "certify/lift.h"

/* ---- lists ----------------------------------------------------------------------------------- */

/* x put into the list, at p; at its end if it is shorter. */
CertList lift_put_in(Arena *a, uint32_t p, uint32_t x, CertList list)
{
    uint32_t *at = arena_array(a, uint32_t, list.count + 1), n = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        if (i == p)
            at[n++] = x;
        at[n++] = list.at[i];
    }
    if (p >= list.count)
        at[n] = x;
    return (CertList){list.count + 1, at};
}

/* So many leading ones of o are among the first p of i. */
static uint32_t lead(uint32_t p, CertList i, CertList o)
{
    for (uint32_t n = 0; n < o.count; n++) {
        bool among = false;
        for (uint32_t k = 0; k < p && k < i.count; k++)
            among |= i.at[k] == o.at[n];
        if (!among)
            return n;
    }
    return o.count;
}

uint32_t lift_place(const CertCopies *k, uint32_t draw)
{
    for (uint32_t i = 0; i < k->draws.count; i++)
        if (k->draws.at[i] == draw)
            return k->at.at[i];
    return CERT_NONE;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static CertSlot spread(Lift *l, uint32_t p, CertList shape, CertSlot x)
{
    Arena *a = l->b.arena;
    CertList all = cert_range(a, shape.count);
    return build_ein(&l->b, cert_append(a, shape, l->k->size), all,
                     lift_put_in(a, p, shape.count, all), x);
}

static Lifted once(Lift *l, const CertNode *n, uint32_t at)
{
    uint32_t operands = cert_operands(&n->op);
    CertSlot x = operands > 0 ? l->slot[n->in[0]].slot : 0,
             y = operands > 1 ? l->slot[n->in[1]].slot : 0;
    return (Lifted){build(&l->b, n->op, x, y), at};
}

/* False: the two have the axis at different places. */
static bool lift_map2(Lift *l, const CertNode *n, Lifted *out)
{
    Lifted x = l->slot[n->in[0]], y = l->slot[n->in[1]];
    if (x.at != CERT_NONE && y.at != CERT_NONE && x.at != y.at)
        return false;
    uint32_t at = x.at != CERT_NONE ? x.at : y.at;
    if (at != CERT_NONE && x.at == CERT_NONE)
        x.slot = spread(l, at, l->shape[n->in[0]], x.slot);
    if (at != CERT_NONE && y.at == CERT_NONE)
        y.slot = spread(l, at, l->shape[n->in[1]], y.slot);
    *out = (Lifted){build(&l->b, n->op, x.slot, y.slot), at};
    return true;
}

/* A sum over axes, of one operand or of a product. */
static Lifted lift_sum(Lift *l, const CertNode *n)
{
    Arena *a = l->b.arena;
    CertOp op = n->op;
    bool two = op.form == CERT_EIN2;
    uint32_t count = op.axes.count, at = CERT_NONE;
    Lifted x = l->slot[n->in[0]], y = two ? l->slot[n->in[1]] : (Lifted){0, CERT_NONE};
    if (x.at == CERT_NONE && y.at == CERT_NONE)
        return once(l, n, CERT_NONE);
    at = x.at != CERT_NONE ? lead(x.at, op.i, op.o) : lead(y.at, op.j, op.o);
    if (x.at != CERT_NONE)
        op.i = lift_put_in(a, x.at, count, op.i);
    if (y.at != CERT_NONE)
        op.j = lift_put_in(a, y.at, count, op.j);
    op.axes = cert_append(a, op.axes, l->k->size);
    op.o = lift_put_in(a, at, count, op.o);
    return (Lifted){build(&l->b, op, x.slot, y.slot), at};
}

/* 0, 1, 2, ... along the axis: copy k is k everywhere. */
static CertSlot counted(Lift *l, uint32_t p, CertList shape)
{
    Arena *a = l->b.arena;
    CertList last = cert_append(a, (CertList){0}, shape.count);
    CertSlot values = build(&l->b, (CertOp){.form = CERT_IOTA, .k = l->k->size}, 0, 0);
    return build_ein(&l->b, cert_append(a, shape, l->k->size), last,
                     lift_put_in(a, p, shape.count, cert_range(a, shape.count)), values);
}

static Lifted lift_sample(Lift *l, const CertNode *n)
{
    CertOp op = n->op;
    uint32_t at = lift_place(l->k, op.k);
    if (at != CERT_NONE && l->values)
        return (Lifted){counted(l, at, op.axes), at};
    if (at != CERT_NONE)
        op.axes = lift_put_in(l->b.arena, at, l->k->size, op.axes);
    return (Lifted){build(&l->b, op, 0, 0), at};
}

/* False: it is not followed. */
static bool lift_node(Lift *l, const CertNode *n, Lifted *out)
{
    switch (n->op.form) {
    case CERT_MAP1:
        *out = once(l, n, l->slot[n->in[0]].at);
        return true;
    case CERT_MAP2:
        return lift_map2(l, n, out);
    case CERT_EIN:
    case CERT_EIN2:
        *out = lift_sum(l, n);
        return true;
    case CERT_SAMPLE:
        *out = lift_sample(l, n);
        return true;
    default:
        *out = once(l, n, CERT_NONE);
        return cert_operands(&n->op) == 0 || l->slot[n->in[0]].at == CERT_NONE;
    }
}

bool lift_program(Lift *l, const CertProgram *p)
{
    uint32_t inputs = l->b.c->inputs;
    l->slot = arena_array(l->b.arena, Lifted, inputs + p->count + 1);
    for (uint32_t i = 0; i < inputs; i++)
        l->slot[i] = (Lifted){i, CERT_NONE};
    for (uint32_t i = 0; i < p->count; i++)
        if (!lift_node(l, &p->node[i], &l->slot[inputs + i]))
            return false;
    return true;
}
