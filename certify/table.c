/* Values are numbered as they are met.  What is not a sum of products of others is an atom: an
 * input, an operation on atoms, a function of an atom at every index, or a sum used as a factor.
 * Equal entries of equal shape have one number. */
#include "certify/table.h"

typedef enum EntryKind { ENTRY_INPUT, ENTRY_APPLY, ENTRY_POINT, ENTRY_VALUE } EntryKind;

typedef struct Entry {
    EntryKind kind;
    uint32_t input;   /* ENTRY_INPUT */
    const CertOp *op; /* ENTRY_APPLY, to atoms `in` */
    CertFn fn;        /* ENTRY_POINT, of atom in[0] */
    uint32_t in[2];
    Poly value; /* ENTRY_VALUE */
    CertList shape;
    uint64_t hash;
} Entry;

struct Table {
    PolyCtx x;
    Entry *entry; /* atom k is entry k - 1 */
    uint32_t entries;
    uint32_t *bucket; /* open addressing; 0: free */
    uint32_t buckets;
};

/* A value of the program that is being entered. */
typedef struct Value {
    CertList shape;
    Poly form;
} Value;

/* ---- numbering ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 29;
}

static uint64_t mix_list(uint64_t h, CertList list)
{
    h = mix(h, list.count);
    for (uint32_t i = 0; i < list.count; i++)
        h = mix(h, list.at[i]);
    return h;
}

static uint64_t mix_term(uint64_t h, const Term *t)
{
    h = mix_list(mix(h, t->number), t->over);
    for (uint32_t i = 0; i < t->factors; i++)
        h = mix_list(mix(mix(h, t->factor[i].atom), t->factor[i].size), t->factor[i].at);
    return h;
}

static uint64_t hash_of(const Entry *e)
{
    uint64_t h = mix_list(mix(e->kind, e->input), e->shape);
    h = mix(mix(mix(h, e->fn), e->in[0]), e->in[1]);
    if (e->op) {
        h = mix(mix(mix(h, e->op->form), e->op->fn), e->op->k);
        h = mix_list(mix_list(mix_list(mix_list(h, e->op->axes), e->op->i), e->op->j), e->op->o);
    }
    for (uint32_t i = 0; i < e->value.terms; i++)
        h = mix_term(h, &e->value.term[i]);
    return h;
}

static bool same_entry(const Entry *a, const Entry *b)
{
    return a->hash == b->hash && a->kind == b->kind && a->input == b->input && a->fn == b->fn &&
           a->in[0] == b->in[0] && a->in[1] == b->in[1] && cert_same(a->shape, b->shape) &&
           (a->op == b->op || (a->op && b->op && cert_op_equal(a->op, b->op))) &&
           poly_equal(&a->value, &b->value);
}

static uint32_t *find(const Table *t, const Entry *e)
{
    uint64_t at = e->hash;
    while (t->bucket[at & (t->buckets - 1)] &&
           !same_entry(&t->entry[t->bucket[at & (t->buckets - 1)] - 1], e))
        at++;
    return &t->bucket[at & (t->buckets - 1)];
}

static void resize(Table *t, uint32_t buckets)
{
    t->buckets = buckets;
    t->bucket = arena_array(t->x.arena, uint32_t, buckets);
    for (uint32_t i = 0; i < t->entries; i++)
        *find(t, &t->entry[i]) = i + 1;
}

static uint32_t intern(Table *t, Entry e)
{
    e.hash = hash_of(&e);
    uint32_t *at = find(t, &e);
    if (*at)
        return *at;
    *arena_push(t->x.arena, t->entry, t->entries, Entry) = e;
    *at = t->entries;
    if (2 * t->entries > t->buckets)
        resize(t, 2 * t->buckets);
    return t->entries;
}

Table *table_new(Arena *a, const Cert *c)
{
    Table *t = arena_make(a, Table);
    t->x = (PolyCtx){a, c->fractions, c->size, c->sizes};
    resize(t, 1024);
    return t;
}

/* ---- what atoms are ------------------------------------------------------------------------- */

bool table_point(const Table *t, uint32_t atom, CertFn *f, uint32_t *of)
{
    const Entry *e = &t->entry[atom - 1];
    *f = e->fn;
    *of = e->in[0];
    return e->kind == ENTRY_POINT;
}

bool table_value(const Table *t, uint32_t atom, Poly *p, CertList *shape)
{
    const Entry *e = &t->entry[atom - 1];
    *p = e->value;
    *shape = e->shape;
    return e->kind == ENTRY_VALUE;
}

bool table_draw(const Table *t, uint32_t atom, uint32_t *draw, CertList *shape)
{
    const Entry *e = &t->entry[atom - 1];
    if (e->kind != ENTRY_APPLY || e->op->form != CERT_SAMPLE)
        return false;
    *draw = e->op->k;
    *shape = e->shape;
    return true;
}

PolyCtx *table_ctx(Table *t)
{
    return &t->x;
}

/* ---- atoms of values ------------------------------------------------------------------------ */

static bool is_range(CertList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i] != i)
            return false;
    return true;
}

/* The atom that holds a value. */
static uint32_t atomise(Table *t, CertList shape, const Poly *p)
{
    uint32_t atom;
    CertList at;
    if (poly_is_read(p, &atom, &at) && at.count == shape.count && is_range(at))
        return atom;
    return intern(t, (Entry){.kind = ENTRY_VALUE, .value = *p, .shape = shape});
}

/* One over the axes that matter, and which these are. */
static uint32_t atomise_small(Table *t, CertList shape, const Poly *p, CertList *at)
{
    uint32_t atom;
    if (poly_is_read(p, &atom, at))
        return atom;
    Poly narrow = poly_shrink(&t->x, shape.count, p, at);
    return atomise(t, cert_pick(t->x.arena, shape, *at), &narrow);
}

static Poly unit_of(Table *t, const Poly *p)
{
    return poly_scale(&t->x, fraction_inverse(t->x.fractions, poly_leading(p)), p);
}

static Term scaled_read(Table *t, Fraction c, uint32_t atom, CertList at)
{
    Term one = poly_read(&t->x, atom, at).term[0];
    one.number = c;
    return one;
}

/* A value as one term: its only one, or its leading coefficient times an atom. */
static Term single(Table *t, CertList shape, const Poly *p)
{
    if (p->terms == 1)
        return p->term[0];
    Poly unit = unit_of(t, p);
    CertList at;
    uint32_t atom = atomise_small(t, shape, &unit, &at);
    return scaled_read(t, poly_leading(p), atom, at);
}

/* ---- names ---------------------------------------------------------------------------------- */

static uint32_t longest(const CertOp *op)
{
    bool sums = op->form == CERT_EIN2 || op->form == CERT_EIN;
    return sums || op->form == CERT_SLICE || op->form == CERT_PAD || op->form == CERT_RESHAPE ? 8
                                                                                              : 32;
}

/* The value of an operation, by its name if it is to have one. */
static Poly shorten(Table *t, Naming how, const CertOp *op, CertList shape, Poly p)
{
    if (how == NAME_NEVER || p.terms != 1 || p.term[0].factors <= longest(op))
        return p;
    Poly unit = unit_of(t, &p);
    Entry e = {.kind = ENTRY_VALUE};
    CertList at;
    e.value = poly_shrink(&t->x, shape.count, &unit, &at);
    e.shape = cert_pick(t->x.arena, shape, at);
    e.hash = hash_of(&e);
    uint32_t atom = how == NAME_LONG ? intern(t, e) : *find(t, &e);
    return atom ? poly_term(&t->x, scaled_read(t, p.term[0].number, atom, at)) : p;
}

/* ---- operations ----------------------------------------------------------------------------- */

static Poly apply(Table *t, const CertOp *op, const Value *in, uint32_t count, CertList shape)
{
    Entry e = {.kind = ENTRY_APPLY, .op = op, .shape = shape};
    for (uint32_t k = count; k-- > 0;)
        e.in[k] = atomise(t, in[k].shape, &in[k].form);
    return poly_atom(&t->x, intern(t, e), shape.count);
}

static Poly point(Table *t, CertList shape, CertFn f, const Poly *p)
{
    CertList at;
    uint32_t atom = atomise_small(t, shape, p, &at);
    return poly_read(&t->x, intern(t, (Entry){.kind = ENTRY_POINT, .fn = f, .in = {atom}}), at);
}

static Poly multiply(Table *t, CertList shape, const Poly *p, const Poly *q)
{
    Fraction c;
    if (poly_is_constant(p, &c))
        return poly_scale(&t->x, c, q);
    if (poly_is_constant(q, &c))
        return poly_scale(&t->x, c, p);
    Term a = single(t, shape, p), b = single(t, shape, q);
    Term product = term_times(&t->x, shape.count, &a, &b);
    return poly_tidied(&t->x, shape.count, &product);
}

/* 1 / (a b) = 1/a 1/b.  A size has no reciprocal among the factors. */
static bool reciprocal_term(Table *t, const Term *term, Term *out)
{
    if (term->over.count > 0)
        return false;
    for (uint32_t i = 0; i < term->factors; i++)
        if (!term->factor[i].atom)
            return false;
    Factor *f = arena_array(t->x.arena, Factor, term->factors + 1);
    for (uint32_t i = 0; i < term->factors; i++) {
        f[i] = term->factor[i];
        const Entry e = {.kind = ENTRY_POINT, .fn = CERT_RECIP, .in = {term->factor[i].atom}};
        f[i].atom = intern(t, e);
    }
    *out = (Term){fraction_inverse(t->x.fractions, term->number), {0}, term->factors, f};
    return true;
}

static Poly reciprocal(Table *t, CertList shape, const Poly *p)
{
    Term inverse;
    if (p->terms == 1 && p->term[0].over.count == 0)
        return reciprocal_term(t, &p->term[0], &inverse) ? poly_tidied(&t->x, shape.count, &inverse)
                                                         : point(t, shape, CERT_RECIP, p);
    Fraction c = fraction_inverse(t->x.fractions, poly_leading(p));
    Poly unit = poly_scale(&t->x, c, p);
    Poly r = point(t, shape, CERT_RECIP, &unit);
    return poly_scale(&t->x, c, &r);
}

static Poly map1(Table *t, const CertOp *op, CertList shape, const Poly *p)
{
    switch (op->fn) {
    case CERT_SQUARE:
        return multiply(t, shape, p, p);
    case CERT_RECIP:
        return reciprocal(t, shape, p);
    default:
        return point(t, shape, op->fn, p);
    }
}

static Poly map2(Table *t, const CertOp *op, CertList shape, const Value *in)
{
    const Poly *p = &in[0].form, *q = &in[1].form;
    Poly other;
    switch (op->fn) {
    case CERT_MUL:
        return multiply(t, shape, p, q);
    case CERT_DIV:
        other = reciprocal(t, shape, q);
        return multiply(t, shape, p, &other);
    default:
        return apply(t, op, in, 2, shape);
    }
}

/* Linear, but not a sum over axes: the leading coefficient moves out. */
static Poly linear(Table *t, const CertOp *op, const Value *in, CertList shape)
{
    if (in->form.terms == 0)
        return (Poly){0};
    Fraction c = poly_leading(&in->form);
    const Value unit = {in->shape,
                        poly_scale(&t->x, fraction_inverse(t->x.fractions, c), &in->form)};
    Poly y = apply(t, op, &unit, 1, shape);
    return poly_scale(&t->x, c, &y);
}

static Poly ein(Table *t, const CertOp *op, const Value *in, CertList shape)
{
    if (in->form.terms > 0 && !term_can_reduce(op->axes.count, op->o))
        return apply(t, op, in, 1, shape);
    return poly_reduce(&t->x, op->axes, op->i, op->o, &in->form);
}

static Poly ein2(Table *t, const CertOp *op, const Value *in, CertList shape)
{
    if (in[0].form.terms == 0 || in[1].form.terms == 0)
        return (Poly){0};
    if (!term_can_reduce(op->axes.count, op->o))
        return apply(t, op, in, 2, shape);
    uint32_t axes = op->axes.count;
    Term a = single(t, in[0].shape, &in[0].form), b = single(t, in[1].shape, &in[1].form);
    a = term_pull(&t->x, op->i, axes, &a);
    b = term_pull(&t->x, op->j, axes, &b);
    Term product = term_times(&t->x, axes, &a, &b);
    product = term_reduce(&t->x, op->axes, op->o, &product);
    return poly_tidied(&t->x, op->o.count, &product);
}

static Poly size(Table *t, uint32_t size)
{
    const Factor extent = {.size = size};
    return poly_tidied(&t->x, 0, &(Term){FRACTION_1, {0}, 1, &extent});
}

static Poly form_of(Table *t, const CertOp *op, const Value *in, CertList shape)
{
    switch (op->form) {
    case CERT_MAP1:
        return map1(t, op, shape, &in->form);
    case CERT_MAP2:
        return map2(t, op, shape, in);
    case CERT_EIN:
        return ein(t, op, in, shape);
    case CERT_SLICE:
    case CERT_PAD:
    case CERT_RESHAPE:
        return linear(t, op, in, shape);
    case CERT_EIN2:
        return ein2(t, op, in, shape);
    case CERT_CONST:
        return poly_constant(&t->x, op->a);
    case CERT_SIZE:
        return size(t, op->k);
    default:
        return apply(t, op, in, cert_operands(op), shape);
    }
}

/* ---- sums ----------------------------------------------------------------------------------- */

/* A chain of sums is collected once, where it ends: the sums inside it have no form of their own.
 */
typedef struct Entering {
    Table *t;
    const Cert *c;
    const CertProgram *p;
    Naming how;
    Poly *form;   /* by slot */
    bool *inside; /* by slot: a sum that one sum reads, and nothing else */
} Entering;

static bool is_sum(const CertNode *n)
{
    return n->op.form == CERT_MAP2   ? n->op.fn == CERT_ADD || n->op.fn == CERT_SUB
           : n->op.form == CERT_MAP1 ? n->op.fn == CERT_AFFINE
                                     : false;
}

static void mark_inside(Entering *e, CertList wanted)
{
    uint32_t slots = e->c->inputs + e->p->count;
    uint32_t *uses = arena_array(e->t->x.arena, uint32_t, slots + 1);
    for (uint32_t i = 0; i < wanted.count; i++)
        uses[wanted.at[i]] = 2;
    for (uint32_t i = 0; i < e->p->count; i++)
        for (uint32_t k = 0; k < cert_operands(&e->p->node[i].op); k++)
            uses[e->p->node[i].in[k]] += is_sum(&e->p->node[i]) ? 1 : 2;
    for (uint32_t i = 0; i < e->p->count; i++)
        e->inside[e->c->inputs + i] = is_sum(&e->p->node[i]) && uses[e->c->inputs + i] == 1;
}

/* A slot, and what it is multiplied with in the sum. */
typedef struct Share {
    CertSlot slot;
    Fraction times;
} Share;

typedef struct Shares {
    Share *at;
    uint32_t count;
} Shares;

static void push(Entering *e, Shares *s, CertSlot slot, Fraction times)
{
    *arena_push(e->t->x.arena, s->at, s->count, Share) = (Share){slot, times};
}

/* The operands of a sum, or the constant that it adds. */
static Fraction open_sum(Entering *e, const CertNode *n, Fraction times, Shares *todo)
{
    Fractions *f = e->t->x.fractions;
    if (n->op.form == CERT_MAP1) {
        push(e, todo, n->in[0], fraction_mul(f, times, n->op.a));
        return fraction_mul(f, times, n->op.b);
    }
    push(e, todo, n->in[0], times);
    push(e, todo, n->in[1],
         n->op.fn == CERT_SUB ? fraction_mul(f, times, FRACTION_MINUS_1) : times);
    return FRACTION_0;
}

static Poly sum_form(Entering *e, const CertNode *n)
{
    PolyCtx *x = &e->t->x;
    Shares todo = {0};
    Term *term = NULL;
    uint32_t terms = 0;
    Fraction constant = open_sum(e, n, FRACTION_1, &todo);
    while (todo.count > 0) {
        Share s = todo.at[--todo.count];
        if (e->inside[s.slot]) {
            const CertNode *in = &e->p->node[s.slot - e->c->inputs];
            constant = fraction_add(x->fractions, constant, open_sum(e, in, s.times, &todo));
            continue;
        }
        for (uint32_t i = 0; i < e->form[s.slot].terms; i++) {
            Term t = e->form[s.slot].term[i];
            t.number = fraction_mul(x->fractions, t.number, s.times);
            *arena_push(x->arena, term, terms, Term) = t;
        }
    }
    *arena_push(x->arena, term, terms, Term) = (Term){.number = constant};
    return poly_collect(x, term, terms);
}

/* ---- programs ------------------------------------------------------------------------------- */

static void enter_node(Entering *e, uint32_t i, const CertList *shape)
{
    const CertNode *n = &e->p->node[i];
    CertSlot slot = e->c->inputs + i;
    Value in[2] = {{{0}, {0}}};
    if (e->inside[slot])
        return;
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        in[k] = (Value){shape[n->in[k]], e->form[n->in[k]]};
    Poly form = is_sum(n) ? sum_form(e, n) : form_of(e->t, &n->op, in, shape[slot]);
    e->form[slot] = shorten(e->t, e->how, &n->op, shape[slot], form);
}

const Poly *table_enter(Table *t, const Cert *c, const CertProgram *p, const CertList *shape,
                        CertList wanted, Naming how)
{
    uint32_t slots = c->inputs + p->count;
    Entering e = {t,
                  c,
                  p,
                  how,
                  arena_array(t->x.arena, Poly, slots + 1),
                  arena_array(t->x.arena, bool, slots + 1)};
    mark_inside(&e, wanted);
    for (uint32_t i = 0; i < c->inputs; i++) {
        const Entry input = {.kind = ENTRY_INPUT, .input = i, .shape = shape[i]};
        e.form[i] = poly_atom(&t->x, intern(t, input), shape[i].count);
    }
    for (uint32_t i = 0; i < p->count; i++)
        enter_node(&e, i, shape);
    return e.form;
}
