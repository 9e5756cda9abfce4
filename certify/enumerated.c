/* Draws that are summed over: a port of proofs/Enumerated.v.
 *
 * The program gets an axis more, along which the last draw is 0, 1, 2, ...  An element that reads
 * one number of the draw has the sum over that axis, of mass times value, for its mean; the mean of
 * what is linear in such elements is the same of their means. */
#include "certify/lift.h"
#include "certify/same.h"

/* Which number of the draw an element of a slot reads. */
typedef struct Reads {
    enum { NEVER, AT, MIXED } how;
    CertList axes; /* AT: the one at these axes of the element, and no other */
} Reads;

typedef struct Enumerated {
    Lift l;
    const CertProgram *old; /* with the density */
    uint32_t top;           /* slots of the model itself */
    uint32_t draw;
    CertList shape; /* of the draw */
    Reads *reads;   /* by old slot */
    CertSlot mass;  /* of the new program, by its draw's shape, then its values */
    bool *wanted;   /* by old slot: is its mean needed? */
    CertSlot *mean; /* by old slot; CERT_NONE: it is not known */
} Enumerated;

/* ---- what is read ---------------------------------------------------------------------------- */

static Reads meet(Reads a, Reads b)
{
    if (a.how == NEVER)
        return b;
    if (b.how == NEVER || (a.how == AT && b.how == AT && cert_same(a.axes, b.axes)))
        return a;
    return (Reads){.how = MIXED};
}

/* After a sum of in(v.i) into out(v.o). */
static Reads moved(Arena *a, CertList i, CertList o, Reads r)
{
    if (r.how != AT)
        return r;
    uint32_t *axes = arena_array(a, uint32_t, r.axes.count + 1);
    for (uint32_t k = 0; k < r.axes.count; k++) {
        axes[k] = 0;
        if (r.axes.at[k] >= i.count)
            return (Reads){.how = MIXED};
        while (axes[k] < o.count && o.at[axes[k]] != i.at[r.axes.at[k]])
            axes[k]++;
        if (axes[k] == o.count)
            return (Reads){.how = MIXED};
    }
    return (Reads){AT, {r.axes.count, axes}};
}

static Reads reads_of(const Enumerated *x, const CertNode *n)
{
    Arena *a = x->l.b.arena;
    const CertOp *op = &n->op;
    Reads first = {.how = NEVER}, second = {.how = NEVER};
    if (cert_operands(op) > 0)
        first = x->reads[n->in[0]];
    if (cert_operands(op) > 1)
        second = x->reads[n->in[1]];
    switch (op->form) {
    case CERT_MAP1:
    case CERT_MAP2:
        return meet(first, second);
    case CERT_EIN:
        return moved(a, op->i, op->o, first);
    case CERT_EIN2:
        return meet(moved(a, op->i, op->o, first), moved(a, op->j, op->o, second));
    case CERT_LSE:
        return moved(a, cert_range(a, op->axes.count), op->o, first);
    case CERT_SAMPLE:
        return op->k == x->draw ? (Reads){AT, cert_range(a, op->axes.count)} : first;
    default:
        return (Reads){.how = first.how == NEVER ? NEVER : MIXED};
    }
}

static bool is_still(const Enumerated *x, CertSlot s)
{
    return x->reads[s].how == NEVER && x->l.slot[s].at == CERT_NONE;
}

/* ---- means ----------------------------------------------------------------------------------- */

/* Does every element read one number of the draw? */
static bool is_weighed(const Enumerated *x, CertSlot s)
{
    const Reads *r = &x->reads[s];
    return r->how == AT && x->l.slot[s].at != CERT_NONE &&
           cert_below(x->l.shape[s].count, r->axes) &&
           cert_same(cert_pick(x->l.b.arena, x->l.shape[s], r->axes), x->shape);
}

/* The sum over the values of mass times value. */
static CertSlot weighed(Enumerated *x, CertSlot s)
{
    Arena *a = x->l.b.arena;
    CertList shape = x->l.shape[s], all = cert_range(a, shape.count);
    const CertOp op = {.form = CERT_EIN2,
                       .axes = cert_append(a, shape, x->l.k->size),
                       .i = cert_append(a, x->reads[s].axes, shape.count),
                       .j = lift_put_in(a, x->l.slot[s].at, shape.count, all),
                       .o = all};
    return build(&x->l.b, op, x->mass, x->l.slot[s].slot);
}

/* Is the mean of the result the result of the means? */
static bool is_linear(const Enumerated *x, const CertNode *n)
{
    switch (n->op.form) {
    case CERT_MAP1:
        return n->op.fn == CERT_AFFINE;
    case CERT_MAP2:
        return n->op.fn == CERT_ADD || n->op.fn == CERT_SUB ||
               (n->op.fn == CERT_MUL && (is_still(x, n->in[0]) || is_still(x, n->in[1]))) ||
               (n->op.fn == CERT_DIV && is_still(x, n->in[1]));
    case CERT_EIN2:
        return is_still(x, n->in[0]) || is_still(x, n->in[1]);
    case CERT_EIN:
    case CERT_SLICE:
    case CERT_PAD:
    case CERT_RESHAPE:
        return true;
    default:
        return false;
    }
}

/* What does not read the draw is not weighed where it is only added, as in the compiler. */
static bool is_apart(const Enumerated *x, const CertNode *n)
{
    return n->op.form == CERT_MAP2 && (n->op.fn == CERT_ADD || n->op.fn == CERT_SUB) &&
           (is_still(x, n->in[0]) || is_still(x, n->in[1]));
}

static bool is_own(const Enumerated *x, CertSlot s, const CertNode *n)
{
    return !is_apart(x, n) && is_weighed(x, s);
}

/* CERT_NONE: it is not seen. */
static CertSlot mean_of(Enumerated *x, CertSlot s, const CertNode *n)
{
    if (is_own(x, s, n))
        return weighed(x, s);
    if (!is_linear(x, n))
        return CERT_NONE;
    CertSlot in[2] = {0, 0};
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        if ((in[k] = x->mean[n->in[k]]) == CERT_NONE)
            return CERT_NONE;
    return build(&x->l.b, n->op, in[0], in[1]);
}

static void find_wanted(Enumerated *x, CertSlot cost)
{
    uint32_t inputs = x->l.b.c->inputs;
    x->wanted = arena_array(x->l.b.arena, bool, inputs + x->old->count + 1);
    x->wanted[cost] = true;
    for (uint32_t i = x->old->count; i-- > 0;) {
        const CertNode *n = &x->old->node[i];
        CertSlot s = inputs + i;
        if (!x->wanted[s] || is_still(x, s) || is_own(x, s, n))
            continue;
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            x->wanted[n->in[k]] = true;
    }
}

static CertSlot mean_of_cost(Enumerated *x, CertSlot cost)
{
    uint32_t inputs = x->l.b.c->inputs;
    x->mean = arena_array(x->l.b.arena, CertSlot, inputs + x->old->count + 1);
    find_wanted(x, cost);
    for (CertSlot s = 0; s < inputs + x->old->count; s++) {
        x->mean[s] = CERT_NONE;
        if (is_still(x, s))
            x->mean[s] = x->l.slot[s].slot;
        else if (x->wanted[s])
            x->mean[s] = mean_of(x, s, &x->old->node[s - inputs]);
    }
    return x->mean[cost];
}

/* ---- laws ------------------------------------------------------------------------------------ */

/* Is it a slot of the model of this shape, which does not read the draw?  Then it becomes the new
 * one. */
static bool stays(const Enumerated *x, CertSlot *s, CertList shape)
{
    if (*s >= x->top || !is_still(x, *s) || !cert_same(x->l.shape[*s], shape))
        return false;
    *s = x->l.slot[*s].slot;
    return true;
}

static bool law_stays(const Enumerated *x, CertDrawn *d)
{
    if (!d->finite || !cert_below(d->shape.count, d->of.axes))
        return false;
    CertList logits = cert_pick(x->l.b.arena, d->shape, d->of.axes);
    if (d->of.law == CERT_CATEGORICAL)
        logits = cert_append(x->l.b.arena, logits, d->of.values);
    return stays(x, &d->of.logits, logits);
}

/* All draws but the last one. */
static bool laws_stay(const Enumerated *x, const CertWritten *w, CertDrawn *law)
{
    for (uint32_t j = 0; j < x->draw; j++) {
        law[j] = w->law[j];
        if (!law_stays(x, &law[j]))
            return false;
    }
    CertDrawn own = w->law[x->draw];
    return law_stays(x, &own);
}

static bool has_values(const Cert *c, const CertDrawn *d, uint32_t size)
{
    return d->of.law == CERT_BERNOULLI ? c->size[size].fixed && c->size[size].number == 2
                                       : d->of.values == size;
}

/* ---- the model ------------------------------------------------------------------------------- */

/* The densities at all values, as masses. */
static bool put_masses(Enumerated *x, CertSlot density)
{
    const Lifted d = x->l.slot[density];
    if (d.at != x->shape.count || !cert_same(x->l.shape[density], x->shape))
        return false;
    x->mass = build_map1(&x->l.b, CERT_EXP, d.slot);
    return true;
}

static void find_reads(Enumerated *x)
{
    uint32_t inputs = x->l.b.c->inputs;
    x->reads = arena_array(x->l.b.arena, Reads, inputs + x->old->count + 1);
    for (uint32_t i = 0; i < inputs; i++)
        x->reads[i] = (Reads){.how = NEVER};
    for (uint32_t i = 0; i < x->old->count; i++)
        x->reads[inputs + i] = reads_of(x, &x->old->node[i]);
}

static bool without_draw(Enumerated *x, const CertWritten *w, CertSlot density, CertWritten *out)
{
    Arena *a = x->l.b.arena;
    CertDrawn *law = arena_array(a, CertDrawn, x->draw + 1);
    find_reads(x);
    if (!lift_program(&x->l, x->old) || !laws_stay(x, w, law) || !put_masses(x, density))
        return false;
    CertSlot cost = mean_of_cost(x, w->cost);
    if (cost == CERT_NONE)
        return false;
    *out = *w;
    out->program = *x->l.b.p;
    out->cost = cost;
    out->law = law;
    out->sums = w->sums - 1;
    return true;
}

bool cert_enumerated(const Cert *c, Arena *a, const CertWritten *w, CertWritten *out)
{
    uint32_t draw = c->draws + w->sums - 1, top = c->inputs + w->program.count, bad;
    const CertDrawn *d = &w->law[draw];
    const uint32_t size = w->summed[w->sums - 1].values;
    CertProgram old = {0}, p = {0};
    Build b = {.arena = a, .c = c, .p = &old};
    if (!d->finite || !has_values(c, d, size) || !cert_below(d->shape.count, d->of.axes) ||
        d->of.logits >= top || w->cost >= top)
        return false;
    build_copy(&b, &w->program);
    CertSlot density = build_density(&b, &d->of, draw, d->shape);
    CertList *shape = arena_array(a, CertList, c->inputs + old.count + 1);
    if (!cert_infer(a, c, &old, shape, &bad) || shape[w->cost].count > 0)
        return false;
    const CertCopies k = {size, {1, &draw}, {1, &d->shape.count}};
    Enumerated x = {.l = {.b = {.arena = a, .c = c, .p = &p},
                          .k = &k,
                          .values = true,
                          .shape = shape,
                          .slots = c->inputs + old.count},
                    .old = &old,
                    .top = top,
                    .draw = draw,
                    .shape = d->shape};
    return without_draw(&x, w, density, out);
}
