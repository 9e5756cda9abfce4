/* The mean of the difference of two costs: proofs/Source.v and proofs/Moment.v.
 *
 * The difference is multiplied out.  Where a term reads a number of normal noise once, and nothing
 * else in it depends on that draw, its mean is 0; where it reads it twice, the mean is that of the
 * rest.  The logarithm of a number of uniform noise has the mean -1, and its square the mean 2.
 * What is left at the end must be nothing. */
#include "certify/same.h"

/* ---- the model's draws ----------------------------------------------------------------------- */

bool same_reads_later(const Cert *c, const CertProgram *p, CertSlot end, uint32_t first)
{
    for (uint32_t i = 0; i < p->count && c->inputs + i <= end; i++) {
        const CertOp *op = &p->node[i].op;
        if (op->form == CERT_SAMPLE && op->k >= first)
            return true;
    }
    return false;
}

/* Does the law of every draw depend on the draws before it only? */
static bool are_in_turn(const Cert *c)
{
    for (uint32_t j = 0; j < c->draws; j++) {
        CertDrawn n = c->written.law[j];
        CertSlot last = n.loc > n.scale ? n.loc : n.scale;
        if (last >= c->inputs + c->written.program.count ||
            same_reads_later(c, &c->written.program, last, j))
            return false;
    }
    return true;
}

/* Do the slots of the laws stand before their samples, with the shape of the draw? */
static bool are_samples_right(const Cert *c, const CertList *shape)
{
    for (uint32_t i = 0; i < c->written.program.count; i++) {
        const CertOp *op = &c->written.program.node[i].op;
        if (op->form != CERT_SAMPLE)
            continue;
        CertDrawn n = c->written.law[op->k];
        if (!cert_same(op->axes, c->draw[op->k].shape) || n.loc >= c->inputs + i ||
            n.scale >= c->inputs + i || !cert_same(shape[n.loc], op->axes) ||
            !cert_same(shape[n.scale], op->axes))
            return false;
    }
    return true;
}

/* Is every draw written as the noise that its law is drawn as? */
static bool are_noised(const Cert *c)
{
    for (uint32_t j = 0; j < c->draws; j++) {
        const CertDrawn *law = &c->written.law[j];
        CertBase base = law->as == CERT_AS_NORMAL ? CERT_NORMAL : CERT_UNIFORM;
        if (law->finite || c->draw[j].base != base)
            return false;
    }
    return true;
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static const CertNode *written_at(const Cert *c, CertSlot s)
{
    bool here = s >= c->inputs && s < c->inputs + c->written.program.count;
    return here ? &c->written.program.node[s - c->inputs] : NULL;
}

/* Is the slot the same number at every index of the shape? */
static bool is_number(const Cert *c, Arena *a, CertList shape, CertSlot s, Fraction *number)
{
    const CertNode *n = written_at(c, s);
    if (n && n->op.form == CERT_EIN && cert_same(n->op.axes, shape) &&
        cert_same(n->op.o, cert_range(a, shape.count)))
        n = n->in[0] < s ? written_at(c, n->in[0]) : NULL;
    if (!n || n->op.form != CERT_CONST)
        return false;
    *number = n->op.a;
    return true;
}

/* Are they numbers, the first less than the second? */
static bool do_rise(const Cert *c, Arena *a, CertList shape, CertSlot low, CertSlot high)
{
    Fraction x, y;
    return is_number(c, a, shape, low, &x) && is_number(c, a, shape, high, &y) &&
           fraction_sign(
               c->fractions,
               fraction_add(c->fractions, y, fraction_mul(c->fractions, FRACTION_MINUS_1, x))) > 0;
}

/* ---- slots ----------------------------------------------------------------------------------- */

/* The slots whose values atoms are: the last one, as in the proofs. */
static void find_holders(Same *s)
{
    uint32_t slots = s->c->inputs + s->j.program.count;
    for (uint32_t i = 0; i < slots; i++) {
        uint32_t atom;
        CertList at;
        if (!poly_is_read(&s->form[i], &atom, &at) ||
            !cert_same(at, cert_range(s->arena, s->shape[i].count)))
            continue;
        while (s->atoms <= atom)
            *arena_push(s->arena, s->holder, s->atoms, CertSlot) = CERT_NONE;
        s->holder[atom] = i;
    }
}

CertSlot same_holder_of(const Same *s, const Factor *f)
{
    return f->atom < s->atoms ? s->holder[f->atom] : CERT_NONE;
}

bool same_is_held(const Same *s, const Term *t)
{
    for (uint32_t i = 0; i < t->factors; i++) {
        const Factor *f = &t->factor[i];
        if (!f->atom)
            continue;
        CertSlot slot = same_holder_of(s, f);
        if (slot == CERT_NONE || !cert_below(t->over.count, f->at) ||
            !cert_same(cert_pick(s->arena, t->over, f->at), s->shape[slot]))
            return false;
    }
    return true;
}

bool *same_touched_by(const Same *s, uint32_t draw)
{
    bool *touched = arena_array(s->arena, bool, s->c->inputs + s->j.program.count + 1);
    for (uint32_t i = 0; i < s->j.program.count; i++) {
        const CertNode *n = &s->j.program.node[i];
        bool *at = &touched[s->c->inputs + i];
        *at = n->op.form == CERT_SAMPLE && n->op.k == draw;
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            *at |= touched[n->in[k]];
    }
    return touched;
}

/* ---- means ----------------------------------------------------------------------------------- */

bool same_is_draw(const Same *s, const Factor *f, uint32_t draw)
{
    uint32_t j;
    CertList shape;
    CertSlot slot = f->atom ? same_holder_of(s, f) : CERT_NONE;
    return slot != CERT_NONE && table_draw(s->table, f->atom, &j, &shape) && j == draw &&
           cert_same(shape, s->c->draw[draw].shape) && cert_same(s->shape[slot], shape);
}

/* Is it the logarithm of the draw? */
static bool is_log(const Same *s, const Factor *f, uint32_t draw)
{
    uint32_t of, j;
    CertFn fn;
    CertList shape;
    CertSlot slot = f->atom ? same_holder_of(s, f) : CERT_NONE;
    return slot != CERT_NONE && table_point(s->table, f->atom, &fn, &of) && fn == CERT_LOG &&
           table_draw(s->table, of, &j, &shape) && j == draw &&
           cert_same(shape, s->c->draw[draw].shape) && cert_same(s->shape[slot], shape);
}

/* The mean of a product of `reads` numbers that are one: the term over the rest. */
static Term mean_of(const Same *s, bool logs, uint32_t reads, const Term *rest)
{
    int64_t moment = logs ? (reads == 1 ? -1 : 2) : (reads == 1 ? 0 : 1);
    if (moment == 0)
        return (Term){.number = FRACTION_0};
    Term t = *rest;
    t.number = fraction_mul(s->c->fractions, fraction_of(s->c->fractions, moment, 1), t.number);
    return t;
}

/* The mean of a term over the draw, which is another term.  False: it is not seen. */
static bool mean_over(const Same *s, uint32_t draw, const bool *touched, Term *t)
{
    Factor *rest = arena_array(s->arena, Factor, t->factors + 1);
    const Factor *read[2];
    uint32_t reads = 0, others = 0;
    bool alone = true, logs = s->c->draw[draw].base == CERT_UNIFORM;
    for (uint32_t i = 0; i < t->factors; i++) {
        const Factor *f = &t->factor[i];
        if (logs ? is_log(s, f, draw) : same_is_draw(s, f, draw)) {
            if (reads == 2)
                return false;
            read[reads++] = f;
            continue;
        }
        alone &= !f->atom || !touched[same_holder_of(s, f)];
        rest[others++] = *f;
    }
    if (reads == 0)
        return true;
    if (!alone || (reads == 2 && !cert_same(read[0]->at, read[1]->at)))
        return false;
    *t = mean_of(s, logs, reads, &(Term){t->number, t->over, others, rest});
    return true;
}

static bool take_mean(Same *s, uint32_t draw, Poly *p)
{
    const bool *touched = same_touched_by(s, draw);
    Term *term = NULL;
    uint32_t terms = 0;
    for (uint32_t i = 0; i < p->terms; i++)
        if (!same_is_held(s, &p->term[i]))
            return false;
    for (uint32_t i = 0; i < p->terms; i++) {
        Term t = p->term[i];
        if (!mean_over(s, draw, touched, &t))
            return false;
        const Poly tidy = poly_tidied(s->x, 0, &t);
        for (uint32_t k = 0; k < tidy.terms; k++)
            *arena_push(s->arena, term, terms, Term) = tidy.term[k];
    }
    *p = poly_collect(s->x, term, terms);
    return true;
}

Poly same_difference(Same *s)
{
    uint32_t slots = s->c->inputs + s->j.program.count;
    s->table = table_new(s->arena, s->c);
    s->x = table_ctx(s->table);
    s->form = table_enter(s->table, s->c, &s->j.program, s->shape, cert_range(s->arena, slots),
                          NAME_NEVER);
    find_holders(s);
    const Poly minus = poly_scale(s->x, FRACTION_MINUS_1, &s->form[s->j.source]);
    return poly_expand(s->table, s->x, poly_add(s->x, &s->form[s->j.written], &minus));
}

bool same_vanishes(Same *s)
{
    Poly p = same_difference(s);
    for (uint32_t j = s->c->draws; j-- > 0;)
        if (!take_mean(s, j, &p))
            return false;
    return p.terms == 0;
}

/* ---- the check ------------------------------------------------------------------------------- */

static bool no(const char **why, const char *text)
{
    *why = text;
    return false;
}

static bool scales_positive(const Same *s, const bool *positive)
{
    for (uint32_t j = 0; j < s->c->draws; j++) {
        const CertDrawn *law = &s->c->written.law[j];
        bool seen = law->as == CERT_AS_UNIFORM
                        ? do_rise(s->c, s->arena, s->c->draw[j].shape, law->loc, law->scale)
                        : positive[s->j.slot[law->scale]];
        if (!seen)
            return false;
    }
    return true;
}

static bool compare_means(Same *s, bool *scaled, const char **why)
{
    const Cert *c = s->c;
    uint32_t bad;
    CertList *shape = arena_array(s->arena, CertList, c->inputs + s->j.program.count + 1);
    if (!cert_infer(s->arena, c, &s->j.program, shape, &bad))
        return no(why, "operands do not fit their operations once draws are written as noise");
    s->shape = shape;
    bool *positive = arena_array(s->arena, bool, c->inputs + s->j.program.count + 1);
    if (c->draws > 0 && !cert_tame(c, &s->j.program, s->arena, positive))
        return no(why, "it is not seen that its cost grows at most exponentially with the noise");
    *scaled = scales_positive(s, positive);
    return same_vanishes(s) ||
           no(why, "its expected cost is not seen to be that of the graph that is differentiated");
}

const CertList *same_drawn(const Cert *c, Arena *a, const char **why)
{
    const CertProgram *p = &c->written.program;
    CertList *shape = arena_array(a, CertList, c->inputs + p->count + 1);
    uint32_t bad;
    *why = NULL;
    if (c->scores > 0 || !are_noised(c))
        *why = "not all draws are written as the noise of their laws";
    else if (!cert_infer(a, c, p, shape, &bad))
        *why = "operands do not fit their operations";
    else if (c->written.cost >= c->inputs + p->count || shape[c->written.cost].count > 0)
        *why = "its cost is not a scalar";
    else if (!are_in_turn(c) || !are_samples_right(c, shape))
        *why = "the law of a draw depends on later draws, or has another shape";
    return *why ? NULL : shape;
}

static bool same_alone(const Cert *c, Arena *a, bool *scaled, const char **why)
{
    const CertList *written = same_drawn(c, a, why);
    CertList *source = arena_array(a, CertList, c->inputs + c->source.count + 1);
    uint32_t bad;
    if (!written)
        return false;
    if (!cert_infer(a, c, &c->source, source, &bad))
        return no(why, "operands do not fit their operations");
    Same s = {.c = c, .arena = a};
    cert_join(&s.j, c, a, &c->written.program, written, source, true);
    s.j.written = s.j.slot[c->written.cost];
    return compare_means(&s, scaled, why);
}

CertKinds cert_kinds(const Cert *c)
{
    bool finite = false, normal = false;
    if (c->written.sums > 0)
        return CERT_SUMMED;
    for (uint32_t j = 0; j < c->draws; j++) {
        finite |= c->written.law[j].finite;
        normal |= !c->written.law[j].finite;
    }
    if (finite)
        return normal ? CERT_BOTH : CERT_ALL_FINITE;
    return c->written.copies > 0 ? CERT_ALL_SAMPLED : CERT_ALL_NORMAL;
}

bool cert_same_mean(const Cert *c, Arena *a, bool *scaled, const char **why)
{
    *scaled = true;
    switch (cert_kinds(c)) {
    case CERT_ALL_NORMAL:
        return same_alone(c, a, scaled, why);
    case CERT_ALL_SAMPLED:
        return cert_same_samples(c, a, scaled, why);
    case CERT_ALL_FINITE:
    case CERT_SUMMED:
        return cert_same_finite(c, a, why);
    case CERT_BOTH:
        return cert_same_both(c, a, why);
    }
    return false;
}
