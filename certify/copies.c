/* Several copies of an estimator: a port of proofs/Copies.v.
 *
 * Every slot that reads a copied draw gets an axis more, after the axes that lead it; the others
 * stay as they are, and are spread where the two meet.  The cost becomes the mean over the copies.
 */
#include "certify/build.h"
#include "certify/same.h"

/* A slot of the old program: its slot in the new one, and where that has the axis; CERT_NONE: it
 * has it not. */
typedef struct Lifted {
    CertSlot slot;
    uint32_t at;
} Lifted;

typedef struct Lift {
    Build b;
    const CertCopies *k;
    const CertList *shape; /* of the old slots */
    Lifted *slot;          /* by old slot */
    uint32_t slots;
} Lift;

/* ---- lists ----------------------------------------------------------------------------------- */

/* x put into the list, at p; at its end if it is shorter. */
static CertList put_in(Arena *a, uint32_t p, uint32_t x, CertList list)
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

static uint32_t place_of(const CertCopies *k, uint32_t draw)
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
    return build_ein(&l->b, cert_append(a, shape, l->k->size), all, put_in(a, p, shape.count, all),
                     x);
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
        op.i = put_in(a, x.at, count, op.i);
    if (y.at != CERT_NONE)
        op.j = put_in(a, y.at, count, op.j);
    op.axes = cert_append(a, op.axes, l->k->size);
    op.o = put_in(a, at, count, op.o);
    return (Lifted){build(&l->b, op, x.slot, y.slot), at};
}

static Lifted lift_sample(Lift *l, const CertNode *n)
{
    CertOp op = n->op;
    uint32_t at = place_of(l->k, op.k);
    if (at != CERT_NONE)
        op.axes = put_in(l->b.arena, at, l->k->size, op.axes);
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

/* ---- the model ------------------------------------------------------------------------------- */

/* Has the slot the shape that the logits of the law need? */
static bool are_logits(const Lift *l, const CertDrawn *d)
{
    Arena *a = l->b.arena;
    if (!cert_below(d->shape.count, d->of.axes))
        return false;
    CertList shape = cert_pick(a, d->shape, d->of.axes);
    if (d->of.law == CERT_CATEGORICAL)
        shape = cert_append(a, shape, d->of.values);
    return cert_same(l->shape[d->of.logits], shape);
}

/* Noise has one law everywhere: `sample_copy` of proofs/Samples.v. */
static bool copy_noise(const Lift *l, CertDrawn *d, uint32_t p)
{
    if (p == CERT_NONE)
        return true;
    bool fits = p <= d->shape.count;
    d->shape = put_in(l->b.arena, p, l->k->size, d->shape);
    return fits;
}

/* The law of a draw that gets the axis at p, or not.  False: it differs from copy to copy. */
static bool copy_law(const Lift *l, CertDrawn *d, uint32_t p)
{
    Arena *a = l->b.arena;
    if (!d->finite)
        return copy_noise(l, d, p);
    if (d->of.logits >= l->slots || !are_logits(l, d))
        return false;
    const Lifted *x = &l->slot[d->of.logits];
    d->of.logits = x->slot;
    if (p == CERT_NONE)
        return x->at == CERT_NONE;
    if (p > d->shape.count || (x->at != CERT_NONE && x->at > d->of.axes.count))
        return false;
    uint32_t *axes = arena_array(a, uint32_t, d->of.axes.count + 1);
    for (uint32_t i = 0; i < d->of.axes.count; i++)
        axes[i] = d->of.axes.at[i] + (d->of.axes.at[i] >= p);
    d->of.axes = (CertList){d->of.axes.count, axes};
    if (x->at != CERT_NONE)
        d->of.axes = put_in(a, x->at, p, d->of.axes);
    d->shape = put_in(a, p, l->k->size, d->shape);
    return true;
}

static CertSlot mean_of_copies(Lift *l, CertSlot x)
{
    CertList axis = cert_append(l->b.arena, (CertList){0}, l->k->size);
    CertSlot sum = build_ein(&l->b, axis, cert_range(l->b.arena, 1), (CertList){0}, x);
    CertSlot count = build(&l->b, (CertOp){.form = CERT_SIZE, .k = l->k->size}, 0, 0);
    return build_map2(&l->b, CERT_DIV, sum, count);
}

bool cert_copied(const Cert *c, Arena *a, const CertWritten *w, const CertCopies *k,
                 CertWritten *out)
{
    CertProgram p = {0};
    Lift l = {.b = {.arena = a, .c = c, .p = &p}, .k = k, .slots = c->inputs + w->program.count};
    CertList *shape = arena_array(a, CertList, l.slots + 1);
    CertDrawn *law = arena_array(a, CertDrawn, c->draws + 1);
    uint32_t bad;
    if (!cert_infer(a, c, &w->program, shape, &bad) || w->cost >= l.slots ||
        shape[w->cost].count > 0)
        return false;
    l.shape = shape;
    l.slot = arena_array(a, Lifted, l.slots + 1);
    for (uint32_t i = 0; i < c->inputs; i++)
        l.slot[i] = (Lifted){i, CERT_NONE};
    for (uint32_t i = 0; i < w->program.count; i++)
        if (!lift_node(&l, &w->program.node[i], &l.slot[c->inputs + i]))
            return false;
    for (uint32_t j = 0; j < c->draws; j++) {
        law[j] = w->law[j];
        if (!copy_law(&l, &law[j], place_of(k, j)))
            return false;
    }
    Lifted cost = l.slot[w->cost];
    *out = *w;
    out->law = law;
    out->cost = cost.at == CERT_NONE ? cost.slot : mean_of_copies(&l, cost.slot);
    out->program = p;
    return true;
}
