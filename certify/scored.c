/* Has a model whose draws are all finite the expected cost of the graph that is differentiated?  A
 * port of proofs/Scored.v.
 *
 * The log-densities of the graph must be those of the laws.  The two costs must be equal, or differ
 * by what has the mean 0: where a Bernoulli draw is read once, by nothing that depends on it or
 * later draws, it becomes its mean. */
#include "certify/scored.h"
#include "certify/build.h"

/* ---- draws ----------------------------------------------------------------------------------- */

/* Is every draw of the model one of the graph, of the same law? */
static bool are_draws(const Cert *c, const CertWritten *w)
{
    for (uint32_t j = 0; j < c->draws; j++) {
        const CertDrawn *d = &w->law[j];
        bool bernoulli = d->of.law == CERT_BERNOULLI;
        if (!d->finite || !cert_same(d->shape, c->draw[j].shape) ||
            c->draw[j].base != (bernoulli ? CERT_BITS : CERT_VALUES) ||
            (!bernoulli && d->of.values != c->draw[j].values))
            return false;
    }
    return c->scores == c->draws;
}

static bool are_in_turn(const Cert *c, const CertWritten *w)
{
    for (uint32_t j = 0; j < c->draws; j++) {
        const CertDrawn *d = &w->law[j];
        if (!cert_below(d->shape.count, d->of.axes) ||
            d->of.logits >= c->inputs + w->program.count ||
            same_reads_later(c, &w->program, d->of.logits, j))
            return false;
    }
    return true;
}

/* The model, and after it the log-densities and means of its finite draws. */
static CertProgram with_laws(Scored *x)
{
    const Cert *c = x->s.c;
    CertProgram p = {0};
    Build b = {.arena = x->s.arena, .c = c, .p = &p};
    build_copy(&b, &x->w.program);
    x->density = arena_array(x->s.arena, CertSlot, c->draws + 1);
    x->mean = arena_array(x->s.arena, CertSlot, c->draws + 1);
    for (uint32_t j = 0; j < c->draws; j++) {
        const CertDrawn *d = &x->w.law[j];
        x->density[j] = x->mean[j] = CERT_NONE;
        if (!d->finite)
            continue;
        x->density[j] = build_density(&b, &d->of, j, d->shape);
        if (d->of.law == CERT_BERNOULLI)
            x->mean[j] = build_mean(&b, &d->of, d->shape);
    }
    return p;
}

/* ---- means ----------------------------------------------------------------------------------- */

bool scored_is_free(const Scored *x, uint32_t draw, const Factor *f)
{
    for (uint32_t j = draw; j < x->s.c->draws && f->atom; j++)
        if (x->seen[j][same_holder_of(&x->s, f)])
            return false;
    return true;
}

bool scored_mean(const Scored *x, uint32_t draw, CertList at, Factor *out)
{
    uint32_t atom;
    CertList axes;
    CertSlot mean = x->mean[draw];
    if (mean == CERT_NONE || !poly_is_read(&x->s.form[mean], &atom, &axes) ||
        !cert_below(at.count, axes))
        return false;
    *out = (Factor){.atom = atom, .at = cert_pick(x->s.arena, at, axes)};
    return true;
}

/* The mean of a term over the draw, which is another term.  False: it is not seen. */
static bool mean_over(const Scored *x, uint32_t draw, Term *t)
{
    Factor *rest = arena_array(x->s.arena, Factor, t->factors + 2);
    const Factor *read = NULL;
    uint32_t others = 1;
    for (uint32_t i = 0; i < t->factors; i++) {
        const Factor *f = &t->factor[i];
        bool drawn = same_is_draw(&x->s, f, draw);
        if (drawn ? read != NULL : !scored_is_free(x, draw, f))
            return false;
        if (drawn)
            read = f;
        else
            rest[others++] = *f;
    }
    if (!read)
        return true;
    if (!scored_mean(x, draw, read->at, &rest[0]))
        return false;
    t->factors = others;
    t->factor = rest;
    return same_is_held(&x->s, t);
}

static bool take_mean(const Scored *x, uint32_t draw, Poly *p, TermMean mean)
{
    Term *term = NULL;
    uint32_t terms = 0;
    for (uint32_t i = 0; i < p->terms; i++)
        if (!same_is_held(&x->s, &p->term[i]))
            return false;
    for (uint32_t i = 0; i < p->terms; i++) {
        Term t = p->term[i];
        if (!mean(x, draw, &t))
            return false;
        const Poly tidy = poly_tidied(x->s.x, 0, &t);
        for (uint32_t k = 0; k < tidy.terms; k++)
            *arena_push(x->s.arena, term, terms, Term) = tidy.term[k];
    }
    *p = poly_collect(x->s.x, term, terms);
    return true;
}

/* ---- the check ------------------------------------------------------------------------------- */

static bool no(const char **why, const char *text)
{
    *why = text;
    return false;
}

/* The scores are those of the finite draws, in their order. */
static bool densities_agree(const Scored *x)
{
    const Same *s = &x->s;
    for (uint32_t j = 0, i = 0; j < s->c->draws; j++) {
        if (!x->w.law[j].finite)
            continue;
        CertSlot law = x->density[j], graph = s->j.graph[s->c->score[i++].density];
        if (!cert_same(s->shape[law], s->c->draw[j].shape) ||
            !cert_same(s->shape[graph], s->c->draw[j].shape) ||
            !poly_equal(&s->form[law], &s->form[graph]))
            return false;
    }
    return true;
}

bool scored_vanishes(Scored *x, Poly p, TermMean mean)
{
    uint32_t draws = x->s.c->draws;
    x->seen = arena_array(x->s.arena, bool *, draws + 1);
    for (uint32_t j = draws; j-- > 0 && p.terms > 0;) {
        x->seen[j] = same_touched_by(&x->s, j);
        if (!take_mean(x, j, &p, mean))
            return false;
    }
    return p.terms == 0;
}

bool scored_enter(Scored *x, Poly *difference, const char **why)
{
    Same *s = &x->s;
    uint32_t bad;
    CertList *shape = arena_array(s->arena, CertList, s->c->inputs + s->j.program.count + 1);
    if (!cert_infer(s->arena, s->c, &s->j.program, shape, &bad))
        return no(why,
                  "operands do not fit their operations once they are written in stable forms");
    s->shape = shape;
    *difference = same_difference(s);
    return densities_agree(x) || no(why, "the log-density of a draw is not that of its law");
}

bool scored_join(Scored *x, const char **why)
{
    Same *s = &x->s;
    const Cert *c = s->c;
    const CertProgram p = with_laws(x);
    CertList *model = arena_array(s->arena, CertList, c->inputs + p.count + 1);
    CertList *source = arena_array(s->arena, CertList, c->inputs + c->source.count + 1);
    uint32_t bad;
    if (!cert_infer(s->arena, c, &p, model, &bad) ||
        !cert_infer(s->arena, c, &c->source, source, &bad))
        return no(why, "operands do not fit their operations");
    if (x->w.cost >= c->inputs + x->w.program.count || model[x->w.cost].count > 0)
        return no(why, "its cost is not a scalar");
    cert_join(&s->j, c, s->arena, &p, model, source, false);
    s->j.written = s->j.slot[x->w.cost];
    for (uint32_t j = 0; j < c->draws; j++) {
        if (x->density[j] != CERT_NONE)
            x->density[j] = s->j.slot[x->density[j]];
        if (x->mean[j] != CERT_NONE)
            x->mean[j] = s->j.slot[x->mean[j]];
    }
    return true;
}

bool cert_same_finite(const Cert *c, Arena *a, const char **why)
{
    Scored x = {.s = {.c = c, .arena = a}, .w = c->written};
    while (x.w.sums > 0)
        if (!cert_enumerated(c, a, &x.w, &x.w))
            return no(why, arena_printf(
                               a, "it is not seen that its mean over %s is a sum over the values",
                               x.w.summed[x.w.sums - 1].name));
    for (uint32_t i = 0; i < c->written.copies; i++)
        if (!cert_copied(c, a, &x.w, &c->written.copy[i], &x.w))
            return no(why, "it is not seen that the copies of its draws have one law");
    if (!are_draws(c, &x.w))
        return no(why, "its draws are not those of the graph that is differentiated");
    if (!are_in_turn(c, &x.w))
        return no(why, "the law of a draw depends on later draws, or has another shape");
    Poly difference;
    if (!scored_join(&x, why) || !scored_enter(&x, &difference, why))
        return false;
    return scored_vanishes(&x, difference, mean_over) ||
           no(why, "its expected cost is not seen to be that of the graph that is differentiated");
}
