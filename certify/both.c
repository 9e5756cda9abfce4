/* Has a model with normal and finite draws the expected cost of the graph that is differentiated? A
 * port of proofs/InNoise.v and proofs/Both.v.
 *
 * The model is brought into noise: its normal draws are location plus scale noise.  The
 * log-densities of the graph must be those of the finite laws, and the two costs must be equal, or
 * differ by what has the mean 0: where noise or a Bernoulli draw is read once, or twice, by nothing
 * that depends on it or later draws. */
#include "certify/build.h"
#include "certify/scored.h"

static bool no(const char **why, const char *text)
{
    *why = text;
    return false;
}

/* ---- draws ----------------------------------------------------------------------------------- */

static bool is_base(const Cert *c, uint32_t j)
{
    const CertDrawn *d = &c->written.law[j];
    if (!cert_same(d->shape, c->draw[j].shape))
        return false;
    if (!d->finite)
        return d->as == CERT_AS_NORMAL && c->draw[j].base == CERT_NORMAL;
    return d->of.law == CERT_BERNOULLI
               ? c->draw[j].base == CERT_BITS
               : c->draw[j].base == CERT_VALUES && c->draw[j].values == d->of.values;
}

/* Is every draw of the model one of the graph, of the same law, and are the finite ones scored? */
static bool are_draws(const Cert *c)
{
    uint32_t finite = 0;
    for (uint32_t j = 0; j < c->draws; j++) {
        if (!is_base(c, j))
            return false;
        finite += c->written.law[j].finite;
    }
    return c->scores == finite;
}

/* Are the slots of the law there, those of a finite one of the shape that it needs, and does it
 * depend on earlier draws only? */
static bool is_law_right(const Cert *c, Arena *a, const CertList *shape, uint32_t j)
{
    const CertDrawn *d = &c->written.law[j];
    CertSlot slots = c->inputs + c->written.program.count;
    CertSlot last = d->finite || d->scale < d->loc ? d->loc : d->scale;
    if (d->finite)
        last = d->of.logits;
    if (last >= slots || same_reads_later(c, &c->written.program, last, j))
        return false;
    if (!d->finite)
        return true;
    if (!cert_below(d->shape.count, d->of.axes))
        return false;
    CertList needs = cert_pick(a, d->shape, d->of.axes);
    if (d->of.law == CERT_CATEGORICAL)
        needs = cert_append(a, needs, d->of.values);
    return cert_same(shape[d->of.logits], needs);
}

/* Has the sample the shape of its draw, and do the slots of a normal law stand before it? */
static bool is_sample_right(const Cert *c, const CertList *shape, uint32_t i)
{
    const CertOp *op = &c->written.program.node[i].op;
    if (op->form != CERT_SAMPLE)
        return true;
    const CertDrawn *d = &c->written.law[op->k];
    if (!cert_same(op->axes, d->shape))
        return false;
    return d->finite ||
           (d->loc < c->inputs + i && d->scale < c->inputs + i &&
            cert_same(shape[d->loc], d->shape) && cert_same(shape[d->scale], d->shape));
}

static bool are_drawn(const Cert *c, Arena *a, const CertList *shape)
{
    for (uint32_t j = 0; j < c->draws; j++)
        if (!is_law_right(c, a, shape, j))
            return false;
    for (uint32_t i = 0; i < c->written.program.count; i++)
        if (!is_sample_right(c, shape, i))
            return false;
    return true;
}

/* ---- the model in noise ---------------------------------------------------------------------- */

static bool bring_in(const Cert *c, Arena *a, const CertList *shape, CertWritten *out,
                     const char **why)
{
    *out = c->written;
    const CertSlot *slot = cert_in_noise(c, a, shape, &out->program);
    bool *positive = arena_array(a, bool, c->inputs + out->program.count + 1);
    if (!cert_tame(c, &out->program, a, positive))
        return no(why, "it is not seen that its cost grows at most exponentially with the noise");
    out->cost = slot[c->written.cost];
    out->law = arena_array(a, CertDrawn, c->draws + 1);
    for (uint32_t j = 0; j < c->draws; j++) {
        CertDrawn *d = &out->law[j];
        *d = c->written.law[j];
        if (d->finite)
            d->of.logits = slot[d->of.logits];
        else if (!positive[slot[d->scale]])
            return no(why, "it is not seen that the scales of its draws are positive");
    }
    return true;
}

/* ---- means ----------------------------------------------------------------------------------- */

/* The mean of a term over the draw, which is another term.  False: it is not seen. */
static bool mean_over(const Scored *x, uint32_t draw, Term *t)
{
    Factor *rest = arena_array(x->s.arena, Factor, t->factors + 2);
    const Factor *read[2];
    uint32_t reads = 0, others = 1;
    bool free = true;
    for (uint32_t i = 0; i < t->factors; i++) {
        const Factor *f = &t->factor[i];
        bool drawn = same_is_draw(&x->s, f, draw);
        if (drawn && reads == 2)
            return false;
        if (drawn) {
            read[reads++] = f;
            continue;
        }
        free &= scored_is_free(x, draw, f);
        rest[others++] = *f;
    }
    if (reads == 0)
        return true;
    if (!free || (reads == 2 && !cert_same(read[0]->at, read[1]->at)))
        return false;
    if (!x->w.law[draw].finite) {
        *t = reads == 2 ? (Term){t->number, t->over, others - 1, rest + 1}
                        : (Term){.number = FRACTION_0};
        return true;
    }
    if (!scored_mean(x, draw, read[0]->at, &rest[0])) /* a bit is its own square */
        return false;
    t->factors = others;
    t->factor = rest;
    return same_is_held(&x->s, t);
}

/* ---- the check ------------------------------------------------------------------------------- */

static bool have_one_mean(Scored *x, const char **why)
{
    Same *s = &x->s;
    Poly difference;
    if (!scored_join(x, why) || !scored_enter(x, &difference, why))
        return false;
    bool *positive = arena_array(s->arena, bool, s->c->inputs + s->j.program.count + 1);
    if (!cert_tame(s->c, &s->j.program, s->arena, positive))
        return no(why, "it is not seen that its cost grows at most exponentially with the noise");
    return scored_vanishes(x, difference, mean_over) ||
           no(why, "its expected cost is not seen to be that of the graph that is differentiated");
}

bool cert_same_both(const Cert *c, Arena *a, const char **why)
{
    const CertProgram *p = &c->written.program;
    CertList *shape = arena_array(a, CertList, c->inputs + p->count + 1);
    Scored x = {.s = {.c = c, .arena = a}};
    uint32_t bad;
    if (c->written.copies > 0)
        return no(why, "it has normal and finite draws, and copies of some");
    if (!cert_infer(a, c, p, shape, &bad))
        return no(why, "operands do not fit their operations");
    if (c->written.cost >= c->inputs + p->count || shape[c->written.cost].count > 0)
        return no(why, "its cost is not a scalar");
    if (!are_draws(c))
        return no(why, "its draws are not those of the graph that is differentiated");
    if (!are_drawn(c, a, shape))
        return no(why, "the law of a draw depends on later draws, or has another shape");
    return bring_in(c, a, shape, &x.w, why) && have_one_mean(&x, why);
}
