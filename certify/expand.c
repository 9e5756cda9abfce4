/* Sums multiplied out: proofs/Unfold.v. */
#include "certify/same.h"

enum { ROUNDS = 24, DEEP = 8, MOST = 256 /* terms that are multiplied out further */ };

/* ---- positive atoms ------------------------------------------------------------------------- */

/* Positive by construction, as far as `deep` steps show? */
static bool is_positive(const Table *t, uint32_t atom, int deep)
{
    CertFn f;
    uint32_t of;
    if (deep == 0 || !table_point(t, atom, &f, &of))
        return false;
    if (f == CERT_SQRT || f == CERT_RECIP)
        return is_positive(t, of, deep - 1);
    return f == CERT_EXP || f == CERT_SIGMOID || f == CERT_SOFTPLUS;
}

static bool is_sum(const Table *t, PolyCtx *x, CertList over, const Factor *f, Poly *p)
{
    CertList shape;
    return f->atom && table_value(t, f->atom, p, &shape) && cert_below(over.count, f->at) &&
           cert_same(cert_pick(x->arena, over, f->at), shape);
}

static bool is_positive_term(const Table *t, const PolyCtx *x, const Term *s)
{
    if (s->over.count > 0 || fraction_sign(x->fractions, s->number) <= 0)
        return false;
    for (uint32_t i = 0; i < s->factors; i++)
        if (!s->factor[i].atom || !is_positive(t, s->factor[i].atom, DEEP))
            return false;
    return true;
}

/* A sum of positive products, with positive factors, read inside its shape? */
static bool is_positive_sum(const Table *t, PolyCtx *x, CertList over, const Factor *f)
{
    Poly p;
    if (!is_sum(t, x, over, f, &p))
        return false;
    for (uint32_t i = 0; i < p.terms; i++)
        if (!is_positive_term(t, x, &p.term[i]))
            return false;
    return p.terms > 0;
}

/* Is f the inverse of a positive atom, and of which? */
static bool is_inverse(const Table *t, PolyCtx *x, CertList over, const Factor *f, uint32_t *of)
{
    CertFn fn;
    if (!f->atom || !table_point(t, f->atom, &fn, of) || fn != CERT_RECIP)
        return false;
    const Factor whole = {.atom = *of, .at = f->at};
    return is_positive(t, *of, DEEP) || is_positive_sum(t, x, over, &whole);
}

/* Is g what f is the inverse of, or the other way round? */
static bool cancels(const Table *t, PolyCtx *x, CertList over, const Factor *f, const Factor *g)
{
    uint32_t of;
    if (is_inverse(t, x, over, f, &of))
        return g->atom == of && cert_same(f->at, g->at);
    return f->atom && is_inverse(t, x, over, g, &of) && of == f->atom && cert_same(f->at, g->at);
}

static Term cancel(const Table *t, PolyCtx *x, const Term *s)
{
    Factor *left = arena_array(x->arena, Factor, s->factors + 1);
    bool *gone = arena_array(x->arena, bool, s->factors + 1);
    Term out = *s;
    out.factors = 0;
    out.factor = left;
    for (uint32_t i = 0; i < s->factors; i++) {
        uint32_t k = i + 1;
        if (gone[i])
            continue;
        while (k < s->factors && (gone[k] || !cancels(t, x, s->over, &s->factor[i], &s->factor[k])))
            k++;
        if (k < s->factors)
            gone[k] = true;
        else
            left[out.factors++] = s->factor[i];
    }
    return out;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static CertList joined(PolyCtx *x, CertList a, CertList b)
{
    uint32_t *at = arena_array(x->arena, uint32_t, a.count + b.count + 1);
    for (uint32_t i = 0; i < a.count + b.count; i++)
        at[i] = i < a.count ? a.at[i] : b.at[i - a.count];
    return (CertList){a.count + b.count, at};
}

typedef struct Terms {
    Term *at;
    uint32_t count;
} Terms;

static void push(PolyCtx *x, Terms *out, const Term *t)
{
    const Poly p = poly_tidied(x, 0, t);
    for (uint32_t i = 0; i < p.terms; i++)
        *arena_push(x->arena, out->at, out->count, Term) = p.term[i];
}

/* s with its factor i, the sum p, multiplied out. */
static void multiply_out(PolyCtx *x, const Term *s, uint32_t i, const Poly *p, Terms *out)
{
    CertList at = s->factor[i].at;
    Factor *rest = arena_array(x->arena, Factor, s->factors);
    Term without = {.number = s->number, .factors = s->factors - 1, .factor = rest};
    for (uint32_t k = 0, n = 0; k < s->factors; k++)
        if (k != i)
            rest[n++] = s->factor[k];
    for (uint32_t k = 0; k < p->terms; k++) {
        const Term pulled = term_pull(x, at, s->over.count, &p->term[k]);
        Term w = term_times(x, s->over.count, &without, &pulled);
        w.over = joined(x, s->over, w.over);
        push(x, out, &w);
    }
}

static void expand_term(const Table *t, PolyCtx *x, const Term *term, Terms *out)
{
    const Term s = cancel(t, x, term);
    for (uint32_t i = 0; i < s.factors; i++) {
        Poly p;
        if (is_sum(t, x, s.over, &s.factor[i], &p)) {
            multiply_out(x, &s, i, &p, out);
            return;
        }
    }
    push(x, out, &s);
}

Poly poly_expand(Table *t, PolyCtx *x, Poly p)
{
    for (int round = 0; round < ROUNDS && p.terms > 0 && p.terms <= MOST; round++) {
        Terms out = {0};
        for (uint32_t i = 0; i < p.terms; i++)
            expand_term(t, x, &p.term[i], &out);
        p = poly_collect(x, out.at, out.count);
    }
    return p;
}
