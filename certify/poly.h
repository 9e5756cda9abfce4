/* Normal forms of values: sums of products of tensors.  A port of proofs/Poly.v.
 *
 * A term is a fraction times a product of atoms, read at picked axes and summed over axes that the
 * value does not have.  Every broadcast, transpose, sum, contraction and element-wise product of
 * terms is a term again, so programs that move broadcasts, factors and signs about, or associate
 * sums and products differently, have the same normal form.  table.c numbers the atoms. */
#ifndef SGC_CERTIFY_POLY_H
#define SGC_CERTIFY_POLY_H

#include "certify/cert.h"

typedef struct Factor {
    uint32_t atom; /* 0: the size `size` */
    uint32_t size;
    CertList at; /* the axes of the term where the atom is read */
} Factor;

/* The axes of a term are those of its value, then those it sums `over`. */
typedef struct Term {
    Fraction number;
    CertList over;
    uint32_t factors;
    const Factor *factor;
} Term;

typedef struct Poly {
    uint32_t terms;
    const Term *term; /* in the order of the comparison */
} Poly;

typedef struct PolyCtx {
    Arena *arena;
    Fractions *fractions;
    const CertSize *size; /* those that are fixed are numbers */
    uint32_t sizes;
} PolyCtx;

bool poly_equal(const Poly *p, const Poly *q);

Poly poly_add(PolyCtx *x, const Poly *p, const Poly *q);
/* The sum of terms in any order. */
Poly poly_collect(PolyCtx *x, const Term *t, uint32_t count);
Poly poly_scale(PolyCtx *x, Fraction c, const Poly *p);
Poly poly_constant(PolyCtx *x, Fraction c);
Poly poly_term(PolyCtx *x, Term t); /* as it is */
/* One factor, at all axes of a value with that many. */
Poly poly_atom(PolyCtx *x, uint32_t atom, uint32_t axes);
Poly poly_read(PolyCtx *x, uint32_t atom, CertList at);
Poly poly_tidied(PolyCtx *x, uint32_t axes, const Term *t);

/* Is p a constant? */
bool poly_is_constant(const Poly *p, Fraction *c);
/* Is p one atom and no more? */
bool poly_is_read(const Poly *p, uint32_t *atom, CertList *at);
Fraction poly_leading(const Poly *p);

/* Do all factors read axes below m? */
bool term_within(uint32_t m, const Term *t);
/* The value of `axes` axes, read where a value of `wide` axes says. */
Term term_pull(PolyCtx *x, CertList at, uint32_t wide, const Term *t);
Term term_times(PolyCtx *x, uint32_t axes, const Term *s, const Term *t);
/* Are the axes `o` of n distinct?  Then a term may be summed over the others. */
bool term_can_reduce(uint32_t n, CertList o);
Term term_reduce(PolyCtx *x, CertList axes, CertList o, const Term *t);

/* p over the axes i of its value, summed over those of `axes` that o lacks. */
Poly poly_reduce(PolyCtx *x, CertList axes, CertList i, CertList o, const Poly *p);
/* The axes that p depends on, and p over those alone. */
Poly poly_shrink(PolyCtx *x, uint32_t axes, const Poly *p, CertList *used);

#endif
