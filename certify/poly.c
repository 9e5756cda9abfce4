#include "certify/poly.h"

#include <stdlib.h>
#include <string.h>

/* ---- comparisons ---------------------------------------------------------------------------- */

static int compare_number(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int compare_list(CertList a, CertList b)
{
    for (uint32_t i = 0; i < a.count && i < b.count; i++)
        if (a.at[i] != b.at[i])
            return compare_number(a.at[i], b.at[i]);
    return compare_number(a.count, b.count);
}

/* Atoms first, by number and axes; then sizes. */
static int compare_factor(const Factor *f, const Factor *g)
{
    if (!f->atom || !g->atom)
        return f->atom ? -1 : g->atom ? 1 : compare_number(f->size, g->size);
    int c = compare_number(f->atom, g->atom);
    return c ? c : compare_list(f->at, g->at);
}

static int compare_term(const Term *s, const Term *t)
{
    for (uint32_t i = 0; i < s->factors && i < t->factors; i++) {
        int c = compare_factor(&s->factor[i], &t->factor[i]);
        if (c)
            return c;
    }
    int c = compare_number(s->factors, t->factors);
    return c ? c : compare_list(s->over, t->over);
}

bool poly_equal(const Poly *p, const Poly *q)
{
    if (p->terms != q->terms)
        return false;
    for (uint32_t i = 0; i < p->terms; i++)
        if (p->term[i].number != q->term[i].number || compare_term(&p->term[i], &q->term[i]) != 0)
            return false;
    return true;
}

/* ---- axes ----------------------------------------------------------------------------------- */

static CertList join(PolyCtx *x, CertList a, CertList b)
{
    uint32_t *at = arena_array(x->arena, uint32_t, a.count + b.count + 1);
    for (uint32_t i = 0; i < a.count + b.count; i++)
        at[i] = i < a.count ? a.at[i] : b.at[i - a.count];
    return (CertList){a.count + b.count, at};
}

static uint32_t position(uint32_t a, CertList list)
{
    uint32_t i = 0;
    while (i < list.count && list.at[i] != a)
        i++;
    return i;
}

static CertList positions(PolyCtx *x, uint32_t n, CertList list)
{
    uint32_t *at = arena_array(x->arena, uint32_t, n + 1);
    for (uint32_t a = 0; a < n; a++)
        at[a] = position(a, list);
    return (CertList){n, at};
}

/* Those of n axes that are not in the list. */
static CertList others(PolyCtx *x, uint32_t n, CertList list)
{
    uint32_t *at = arena_array(x->arena, uint32_t, n + 1), count = 0;
    for (uint32_t a = 0; a < n; a++)
        if (position(a, list) == list.count)
            at[count++] = a;
    return (CertList){count, at};
}

/* How the axes of a factor are renamed. */
typedef struct Move {
    enum { PULL, SHIFT, RENAME } how;
    CertList list;
    uint32_t low, by;
} Move;

static uint32_t moved(const Move *m, uint32_t a)
{
    switch (m->how) {
    case PULL: /* those of the value as the list says; those summed follow `by` axes */
        return a < m->list.count ? m->list.at[a] : a - m->list.count + m->by;
    case SHIFT: /* those summed follow `by` others */
        return a < m->low ? a : a + m->by;
    default: /* those summed are permuted */
        return a < m->low ? a : m->low + m->list.at[a - m->low];
    }
}

static Factor move_factor(PolyCtx *x, const Move *m, const Factor *f)
{
    uint32_t *at = arena_array(x->arena, uint32_t, f->at.count + 1);
    for (uint32_t i = 0; i < f->at.count; i++)
        at[i] = moved(m, f->at.at[i]);
    return (Factor){f->atom, f->size, {f->at.count, at}};
}

static Factor *move_factors(PolyCtx *x, const Move *m, const Term *t)
{
    Factor *out = arena_array(x->arena, Factor, t->factors + 1);
    for (uint32_t i = 0; i < t->factors; i++)
        out[i] = move_factor(x, m, &t->factor[i]);
    return out;
}

/* ---- terms ---------------------------------------------------------------------------------- */

bool term_within(uint32_t m, const Term *t)
{
    for (uint32_t i = 0; i < t->factors; i++)
        if (!cert_below(m, t->factor[i].at))
            return false;
    return true;
}

Term term_pull(PolyCtx *x, CertList at, uint32_t wide, const Term *t)
{
    const Move m = {.how = PULL, .list = at, .by = wide};
    return (Term){t->number, t->over, t->factors, move_factors(x, &m, t)};
}

Term term_times(PolyCtx *x, uint32_t axes, const Term *s, const Term *t)
{
    const Move m = {.how = SHIFT, .low = axes, .by = s->over.count};
    const Factor *right = move_factors(x, &m, t);
    Factor *all = arena_array(x->arena, Factor, s->factors + t->factors + 1);
    for (uint32_t i = 0; i < s->factors + t->factors; i++)
        all[i] = i < s->factors ? s->factor[i] : right[i - s->factors];
    return (Term){fraction_mul(x->fractions, s->number, t->number), join(x, s->over, t->over),
                  s->factors + t->factors, all};
}

bool term_can_reduce(uint32_t n, CertList o)
{
    for (uint32_t i = 0; i < o.count; i++)
        if (o.at[i] >= n || position(o.at[i], o) != i)
            return false;
    return true;
}

Term term_reduce(PolyCtx *x, CertList axes, CertList o, const Term *t)
{
    CertList rest = others(x, axes.count, o);
    const Move m = {
        .how = PULL, .by = axes.count, .list = positions(x, axes.count, join(x, o, rest))};
    return (Term){t->number, join(x, cert_pick(x->arena, axes, rest), t->over), t->factors,
                  move_factors(x, &m, t)};
}

/* ---- the canonical term --------------------------------------------------------------------- */

/* An axis that is summed has no name of its own. */
static uint32_t masked(uint32_t axes, uint32_t a)
{
    return a < axes ? a : axes;
}

static int compare_masked(uint32_t axes, const Factor *f, const Factor *g)
{
    if (f->atom != g->atom || !f->atom)
        return compare_factor(f, g);
    for (uint32_t i = 0; i < f->at.count && i < g->at.count; i++) {
        int c = compare_number(masked(axes, f->at.at[i]), masked(axes, g->at.at[i]));
        if (c)
            return c;
    }
    return compare_number(f->at.count, g->at.count);
}

/* Stable, and short lists are the rule.  `axes`: that many are compared by name. */
static void sort(Factor *f, uint32_t count, uint32_t axes)
{
    for (uint32_t i = 1; i < count; i++) {
        Factor moving = f[i];
        uint32_t k = i;
        for (; k > 0 && compare_masked(axes, &f[k - 1], &moving) > 0; k--)
            f[k] = f[k - 1];
        f[k] = moving;
    }
}

/* The summed axes that factors read, in the order in which they are met. */
static CertList met(PolyCtx *x, uint32_t axes, const Term *t)
{
    uint32_t *at = arena_array(x->arena, uint32_t, t->over.count + 1), count = 0;
    for (uint32_t i = 0; i < t->factors; i++)
        for (uint32_t k = 0; k < t->factor[i].at.count; k++) {
            uint32_t a = t->factor[i].at.at[k];
            if (a >= axes && position(a - axes, (CertList){count, at}) == count)
                at[count++] = a - axes;
        }
    return (CertList){count, at};
}

static Term copy_factors(PolyCtx *x, const Term *t, Factor **factor)
{
    *factor = arena_array(x->arena, Factor, t->factors + 1);
    if (t->factors)
        memcpy(*factor, t->factor, t->factors * sizeof **factor);
    return (Term){t->number, t->over, t->factors, *factor};
}

/* Axes that no factor reads are summed away: each is a factor of its size. */
static Term drop_unread(PolyCtx *x, uint32_t read, const Term *t)
{
    uint32_t dropped = t->over.count - read;
    Factor *all = arena_array(x->arena, Factor, dropped + t->factors + 1);
    for (uint32_t i = 0; i < dropped + t->factors; i++)
        all[i] = i < dropped ? (Factor){.size = t->over.at[read + i]} : t->factor[i - dropped];
    return (Term){t->number, {read, t->over.at}, dropped + t->factors, all};
}

static Term canonical(PolyCtx *x, uint32_t axes, const Term *t)
{
    if (!term_within(axes + t->over.count, t))
        return *t;
    Factor *factor;
    Term c = copy_factors(x, t, &factor);
    sort(factor, c.factors, axes);
    CertList read = met(x, axes, &c);
    CertList order = join(x, read, others(x, c.over.count, read));
    const Move m = {.how = RENAME, .low = axes, .list = positions(x, c.over.count, order)};
    c.factor = move_factors(x, &m, &c);
    c.over = cert_pick(x->arena, c.over, order);
    c = drop_unread(x, read.count, &c);
    c = copy_factors(x, &c, &factor);
    sort(factor, c.factors, UINT32_MAX);
    return c;
}

static int64_t size_known(const PolyCtx *x, uint32_t size)
{
    return size < x->sizes && x->size[size].fixed ? x->size[size].number : 0;
}

static Term fix_sizes(PolyCtx *x, const Term *t)
{
    Factor *kept = arena_array(x->arena, Factor, t->factors + 1);
    Term out = {t->number, t->over, 0, kept};
    for (uint32_t i = 0; i < t->factors; i++) {
        int64_t n = t->factor[i].atom ? 0 : size_known(x, t->factor[i].size);
        if (n)
            out.number = fraction_mul(x->fractions, out.number, fraction_of(x->fractions, n, 1));
        else
            kept[out.factors++] = t->factor[i];
    }
    return out;
}

static Term tidy(PolyCtx *x, uint32_t axes, const Term *t)
{
    Term c = canonical(x, axes, t);
    return fix_sizes(x, &c);
}

/* ---- sums ----------------------------------------------------------------------------------- */

Poly poly_term(PolyCtx *x, Term t)
{
    Term *copy = arena_make(x->arena, Term);
    *copy = t;
    return (Poly){1, copy};
}

Poly poly_read(PolyCtx *x, uint32_t atom, CertList at)
{
    Factor *f = arena_make(x->arena, Factor);
    *f = (Factor){.atom = atom, .at = at};
    return poly_term(x, (Term){FRACTION_1, {0}, 1, f});
}

Poly poly_atom(PolyCtx *x, uint32_t atom, uint32_t axes)
{
    return poly_read(x, atom, cert_range(x->arena, axes));
}

Poly poly_constant(PolyCtx *x, Fraction c)
{
    return c == FRACTION_0 ? (Poly){0} : poly_term(x, (Term){.number = c});
}

/* Both are sorted. */
Poly poly_add(PolyCtx *x, const Poly *p, const Poly *q)
{
    if (p->terms == 0 || q->terms == 0)
        return p->terms == 0 ? *q : *p;
    Term *out = arena_array(x->arena, Term, p->terms + q->terms);
    uint32_t i = 0, j = 0, count = 0;
    while (i < p->terms || j < q->terms) {
        int c = i == p->terms ? 1 : j == q->terms ? -1 : compare_term(&p->term[i], &q->term[j]);
        Term t = c <= 0 ? p->term[i++] : q->term[j];
        if (c == 0)
            t.number = fraction_add(x->fractions, t.number, q->term[j].number);
        j += c >= 0;
        if (t.number != FRACTION_0)
            out[count++] = t;
    }
    return (Poly){count, out};
}

Poly poly_collect(PolyCtx *x, const Term *t, uint32_t count)
{
    if (count > 1) {
        Poly left = poly_collect(x, t, count / 2),
             right = poly_collect(x, t + count / 2, count - count / 2);
        return poly_add(x, &left, &right);
    }
    return count == 0 || t->number == FRACTION_0 ? (Poly){0} : (Poly){1, t};
}

Poly poly_tidied(PolyCtx *x, uint32_t axes, const Term *t)
{
    Poly p = poly_term(x, tidy(x, axes, t));
    return poly_collect(x, p.term, 1);
}

Poly poly_scale(PolyCtx *x, Fraction c, const Poly *p)
{
    if (c == FRACTION_0 || c == FRACTION_1)
        return c == FRACTION_0 ? (Poly){0} : *p;
    Term *out = arena_array(x->arena, Term, p->terms + 1);
    for (uint32_t i = 0; i < p->terms; i++) {
        out[i] = p->term[i];
        out[i].number = fraction_mul(x->fractions, c, p->term[i].number);
    }
    return (Poly){p->terms, out};
}

Poly poly_reduce(PolyCtx *x, CertList axes, CertList i, CertList o, const Poly *p)
{
    Term *out = arena_array(x->arena, Term, p->terms + 1);
    for (uint32_t k = 0; k < p->terms; k++) {
        Term t = term_pull(x, i, axes.count, &p->term[k]);
        t = term_reduce(x, axes, o, &t);
        out[k] = tidy(x, o.count, &t);
    }
    return poly_collect(x, out, p->terms);
}

Poly poly_shrink(PolyCtx *x, uint32_t axes, const Poly *p, CertList *used)
{
    bool *reads = arena_array(x->arena, bool, axes + 1);
    for (uint32_t k = 0; k < p->terms; k++)
        for (uint32_t f = 0; f < p->term[k].factors; f++)
            for (uint32_t i = 0; i < p->term[k].factor[f].at.count; i++)
                if (p->term[k].factor[f].at.at[i] < axes)
                    reads[p->term[k].factor[f].at.at[i]] = true;
    uint32_t *at = arena_array(x->arena, uint32_t, axes + 1), count = 0;
    for (uint32_t a = 0; a < axes; a++)
        if (reads[a])
            at[count++] = a;
    *used = (CertList){count, at};
    CertList narrow = positions(x, axes, *used);
    Term *out = arena_array(x->arena, Term, p->terms + 1);
    for (uint32_t k = 0; k < p->terms; k++)
        out[k] = term_pull(x, narrow, count, &p->term[k]);
    return (Poly){p->terms, out};
}

/* ---- questions ------------------------------------------------------------------------------ */

bool poly_is_constant(const Poly *p, Fraction *c)
{
    *c = p->terms == 0 ? FRACTION_0 : p->term[0].number;
    return p->terms == 0 ||
           (p->terms == 1 && p->term[0].over.count == 0 && p->term[0].factors == 0);
}

bool poly_is_read(const Poly *p, uint32_t *atom, CertList *at)
{
    if (p->terms != 1 || p->term[0].number != FRACTION_1 || p->term[0].over.count != 0 ||
        p->term[0].factors != 1 || !p->term[0].factor[0].atom)
        return false;
    *atom = p->term[0].factor[0].atom;
    *at = p->term[0].factor[0].at;
    return true;
}

Fraction poly_leading(const Poly *p)
{
    return p->terms == 0 ? FRACTION_1 : p->term[0].number;
}
