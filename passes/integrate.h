/* Closed forms, in parts: what integrate.c and the files integrate_*.c share. */
#ifndef SGC_PASSES_INTEGRATE_H
#define SGC_PASSES_INTEGRATE_H

#include "ir/ir.h"

/* An expectation over one draw. */
typedef struct Integral {
    IrGraph *g;
    IrRef z;
    IrNode draw; /* a copy of node z */
    const IrDistInfo *law;
    IrRef count;     /* nodes before the integration; what is built later is free of z */
    bool *depends;   /* on z, along any path */
    bool *statistic; /* holds more of z than a linear form */
    IrRef *known;    /* expectations found so far */
} Integral;

static inline bool ig_depends(const Integral *t, IrRef r)
{
    return r < t->count && t->depends[r];
}

/* ---- integrate_arith.c: arithmetic that drops what is 0 or 1 -------------------------------- */

bool ig_is_const(const IrGraph *g, IrRef r, double v);
/* As it is made: a constant, an exponential, a quotient of such a thing, ... */
bool ig_never_zero(const IrGraph *g, IrRef r);
/* The same value, as far as that is seen in so many steps. */
bool ig_same(const IrGraph *g, IrRef a, IrRef b, int depth);
IrRef ig_negated(IrGraph *g, IrRef a);
IrRef ig_plus(IrGraph *g, IrRef a, IrRef b);
IrRef ig_less(IrGraph *g, IrRef a, IrRef b);
IrRef ig_product(IrGraph *g, IrRef a, IrRef b);
IrRef ig_quotient(IrGraph *g, IrRef a, IrRef b);
IrRef ig_squared(IrGraph *g, IrRef a);

/* ---- the expectation of a term; IR_NONE: it is not known ------------------------------------ */

/* integrate.c: of any expression */
IrRef ig_expectation(Integral *t, IrRef e);

/* integrate_form.c: of element-wise affine forms of z, log z or log(1 - z), and of functions of
 * them */
typedef enum Atom { NO_ATOM, ATOM_VALUE, ATOM_LOG, ATOM_LOG_REST } Atom;

Atom ig_atom_of(const Integral *t, IrRef r);
IrRef ig_moment(Integral *t, IrMoment m, IrRef x);
IrRef ig_mean_of(Integral *t, Atom atom);
IrRef ig_second_moment(Integral *t, IrRef u, IrRef v);
IrRef ig_expected_distance(Integral *t, IrRef u);
IrRef ig_expected_exponential(Integral *t, IrRef u);
IrRef ig_expected_wave(Integral *t, IrOp wave, IrRef u);
IrRef ig_expected_power(Integral *t, IrRef base, IrRef power);
IrRef ig_expected_quotient(Integral *t, IrRef above, IrRef below);
IrRef ig_expected_tail(Integral *t, IrRef x);

/* integrate_uniform.c: of a polynomial of a uniform draw */
IrRef ig_expected_polynomial(Integral *t, IrRef e);

/* integrate_event.c: of linear forms of one event */
IrRef ig_second_moment_of_event(Integral *t, IrRef u, IrRef v);
IrRef ig_expected_exponential_of_event(Integral *t, IrRef u);
IrRef ig_expected_wave_of_event(Integral *t, IrOp wave, IrRef u);

#endif
