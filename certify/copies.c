/* Several copies of an estimator: a port of proofs/Copies.v.
 *
 * The cost becomes the mean over the copies, each of which has the law of the draw. */
#include "certify/lift.h"
#include "certify/same.h"

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
    d->shape = lift_put_in(l->b.arena, p, l->k->size, d->shape);
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
        d->of.axes = lift_put_in(a, x->at, p, d->of.axes);
    d->shape = lift_put_in(a, p, l->k->size, d->shape);
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
    if (!lift_program(&l, &w->program))
        return false;
    for (uint32_t j = 0; j < c->draws; j++) {
        law[j] = w->law[j];
        if (!copy_law(&l, &law[j], lift_place(k, j)))
            return false;
    }
    Lifted cost = l.slot[w->cost];
    *out = *w;
    out->law = law;
    out->cost = cost.at == CERT_NONE ? cost.slot : mean_of_copies(&l, cost.slot);
    out->program = p;
    return true;
}
