/* Every slot has the draws that it reads, each with pairs of axes that agree: an element of the
 * slot reads only those elements of the draw whose indices are the same along all these pairs.  So
 * copies of a plate are seen to be independent. */
#include "certify/depend.h"

typedef struct Pair {
    uint32_t slot, draw; /* axes */
} Pair;

typedef struct Reading {
    uint32_t draw;
    uint32_t pairs;
    const Pair *pair;
} Reading;

typedef struct Readings {
    Reading *at;
    uint32_t count;
} Readings;

struct Depend {
    Arena *arena;
    Readings *slot;
};

static bool same_reading(const Reading *x, const Reading *y)
{
    if (x->draw != y->draw || x->pairs != y->pairs)
        return false;
    for (uint32_t i = 0; i < x->pairs; i++)
        if (x->pair[i].slot != y->pair[i].slot || x->pair[i].draw != y->pair[i].draw)
            return false;
    return true;
}

static void add(Depend *d, Readings *r, Reading x)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (same_reading(&r->at[i], &x))
            return;
    *arena_push(d->arena, r->at, r->count, Reading) = x;
}

/* What a sum of in(v.i) into out(v.o) makes of a reading. */
static Reading realign(Depend *d, CertList i, CertList o, const Reading *x)
{
    Pair *pair = NULL;
    uint32_t count = 0;
    for (uint32_t k = 0; k < x->pairs; k++)
        for (uint32_t c = 0; c < o.count; c++)
            if (x->pair[k].slot < i.count && o.at[c] == i.at[x->pair[k].slot])
                *arena_push(d->arena, pair, count, Pair) = (Pair){c, x->pair[k].draw};
    return (Reading){x->draw, count, pair};
}

/* Elements move along axis 0. */
static Reading without_first(Depend *d, const Reading *x)
{
    Pair *pair = NULL;
    uint32_t count = 0;
    for (uint32_t k = 0; k < x->pairs; k++)
        if (x->pair[k].slot != 0)
            *arena_push(d->arena, pair, count, Pair) = x->pair[k];
    return (Reading){x->draw, count, pair};
}

static Reading moved(Depend *d, const CertOp *op, uint32_t operand, const Reading *x)
{
    switch (op->form) {
    case CERT_EIN:
        return realign(d, op->i, op->o, x);
    case CERT_EIN2:
        return realign(d, operand == 0 ? op->i : op->j, op->o, x);
    case CERT_LSE:
        return realign(d, cert_range(d->arena, op->axes.count), op->o, x);
    case CERT_SLICE:
    case CERT_PAD:
        return without_first(d, x);
    case CERT_RESHAPE:
        return (Reading){.draw = x->draw};
    default:
        return *x;
    }
}

static Reading own(Depend *d, const CertOp *op)
{
    Pair *pair = arena_array(d->arena, Pair, op->axes.count + 1);
    for (uint32_t i = 0; i < op->axes.count; i++)
        pair[i] = (Pair){i, i};
    return (Reading){op->k, op->axes.count, pair};
}

Depend *depend_of(Arena *a, const Cert *c, const CertProgram *p)
{
    Depend *d = arena_make(a, Depend);
    *d = (Depend){a, arena_array(a, Readings, c->inputs + p->count + 1)};
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode *n = &p->node[i];
        Readings *r = &d->slot[c->inputs + i];
        if (n->op.form == CERT_SAMPLE)
            add(d, r, own(d, &n->op));
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            for (uint32_t x = 0; x < d->slot[n->in[k]].count; x++)
                add(d, r, moved(d, &n->op, k, &d->slot[n->in[k]].at[x]));
    }
    return d;
}

static bool has(CertList list, uint32_t v)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i] == v)
            return true;
    return false;
}

bool depend_free(const Depend *d, CertList draws, CertSlot slot)
{
    for (uint32_t i = 0; i < d->slot[slot].count; i++)
        if (has(draws, d->slot[slot].at[i].draw))
            return false;
    return true;
}

static bool agrees(const Reading *r, uint32_t axis)
{
    for (uint32_t i = 0; i < r->pairs; i++)
        if (r->pair[i].slot == axis && r->pair[i].draw == axis)
            return true;
    return false;
}

bool depend_aligned(const Depend *d, uint32_t axes, CertList draws, CertSlot slot)
{
    for (uint32_t i = 0; i < d->slot[slot].count; i++) {
        const Reading *r = &d->slot[slot].at[i];
        for (uint32_t b = 0; b < axes && has(draws, r->draw); b++)
            if (!agrees(r, b))
                return false;
    }
    return true;
}

static bool covers(const Reading *r, uint32_t axis)
{
    for (uint32_t i = 0; i < r->pairs; i++)
        if (r->pair[i].draw == axis)
            return true;
    return false;
}

bool depend_once(const Depend *d, uint32_t draw, uint32_t axes, CertSlot slot)
{
    const Reading *only = NULL;
    for (uint32_t i = 0; i < d->slot[slot].count; i++) {
        const Reading *r = &d->slot[slot].at[i];
        if (r->draw == draw && only)
            return false;
        only = r->draw == draw ? r : only;
    }
    for (uint32_t b = 0; only && b < axes; b++)
        if (!covers(only, b))
            return false;
    return only;
}
