/* What every slot reads, in brief: this takes time in proportion to the graph, where the lists of
 * depend.c take it with the square of the number of draws. */
#include "certify/reach.h"

typedef struct Pair {
    uint32_t slot, draw; /* axes */
} Pair;

typedef struct Pairs {
    uint32_t count;
    const Pair *at;
} Pairs;

typedef struct Read {
    bool any;
    uint32_t last; /* its place in the order */
    Pairs own;     /* axes that agree with those of the last draw */
    Pairs common;  /* and with those of every draw */
} Read;

struct Reach {
    Arena *arena;
    const uint32_t *place; /* of every draw; NOWHERE: it has no score */
    Read *slot;
};

enum { NOWHERE = UINT32_MAX };

static bool has(Pairs list, Pair p)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i].slot == p.slot && list.at[i].draw == p.draw)
            return true;
    return false;
}

static Pairs meet(Arena *a, Pairs x, Pairs y)
{
    Pair *at = arena_array(a, Pair, x.count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < x.count; i++)
        if (has(y, x.at[i]))
            at[count++] = x.at[i];
    return (Pairs){count, at};
}

static Read both(Arena *a, Read x, Read y)
{
    if (!x.any || !y.any)
        return x.any ? x : y;
    Read later = x.last < y.last ? y : x;
    if (x.last == y.last)
        later.own = meet(a, x.own, y.own);
    later.common = meet(a, x.common, y.common);
    return later;
}

/* What a sum of in(v.i) into out(v.o) makes of the pairs. */
static Pairs realign(Arena *a, CertList i, CertList o, Pairs x)
{
    Pair *at = NULL;
    uint32_t count = 0;
    for (uint32_t k = 0; k < x.count; k++)
        for (uint32_t c = 0; c < o.count; c++)
            if (x.at[k].slot < i.count && o.at[c] == i.at[x.at[k].slot])
                *arena_push(a, at, count, Pair) = (Pair){c, x.at[k].draw};
    return (Pairs){count, at};
}

/* Elements move along axis 0. */
static Pairs without_first(Arena *a, Pairs x)
{
    Pair *at = arena_array(a, Pair, x.count + 1);
    uint32_t count = 0;
    for (uint32_t k = 0; k < x.count; k++)
        if (x.at[k].slot != 0)
            at[count++] = x.at[k];
    return (Pairs){count, at};
}

static Pairs move(Arena *a, const CertOp *op, uint32_t operand, Pairs x)
{
    switch (op->form) {
    case CERT_EIN:
        return realign(a, op->i, op->o, x);
    case CERT_EIN2:
        return realign(a, operand == 0 ? op->i : op->j, op->o, x);
    case CERT_LSE:
        return realign(a, cert_range(a, op->axes.count), op->o, x);
    case CERT_SLICE:
    case CERT_PAD:
        return without_first(a, x);
    case CERT_RESHAPE:
        return (Pairs){0};
    default:
        return x;
    }
}

static Read sample(const Reach *r, const CertOp *op)
{
    if (r->place[op->k] == NOWHERE)
        return (Read){0};
    Pair *at = arena_array(r->arena, Pair, op->axes.count + 1);
    for (uint32_t i = 0; i < op->axes.count; i++)
        at[i] = (Pair){i, i};
    Pairs all = {op->axes.count, at};
    return (Read){true, r->place[op->k], all, all};
}

static Read read_by(const Reach *r, const CertNode *n)
{
    if (n->op.form == CERT_SAMPLE)
        return sample(r, &n->op);
    Read all = {0};
    for (uint32_t k = 0; k < cert_operands(&n->op); k++) {
        Read x = r->slot[n->in[k]];
        x.own = move(r->arena, &n->op, k, x.own);
        x.common = move(r->arena, &n->op, k, x.common);
        all = both(r->arena, all, x);
    }
    return all;
}

Reach *reach_of(Arena *a, const Cert *c)
{
    uint32_t *place = arena_array(a, uint32_t, c->draws + 1);
    for (uint32_t j = 0; j < c->draws; j++)
        place[j] = NOWHERE;
    for (uint32_t i = 0; i < c->scores; i++)
        place[c->score[i].roles.draw] = i;
    Reach *r = arena_make(a, Reach);
    *r = (Reach){a, place, arena_array(a, Read, c->inputs + c->source.count + 1)};
    for (uint32_t i = 0; i < c->source.count; i++)
        r->slot[c->inputs + i] = read_by(r, &c->source.node[i]);
    return r;
}

bool reach_before(const Reach *r, uint32_t place, CertSlot slot)
{
    return !r->slot[slot].any || r->slot[slot].last < place;
}

static uint32_t agreeing(Pairs x, uint32_t most)
{
    uint32_t b = 0;
    while (b < most && has(x, (Pair){b, b}))
        b++;
    return b;
}

bool reach_own(const Reach *r, uint32_t place, uint32_t axes, CertSlot slot)
{
    const Read *x = &r->slot[slot];
    return reach_before(r, place, slot) || (x->last == place && agreeing(x->own, axes) == axes);
}

uint32_t reach_copies(const Reach *r, uint32_t most, CertSlot slot)
{
    const Read *x = &r->slot[slot];
    return x->any ? agreeing(x->common, most) : 0;
}
