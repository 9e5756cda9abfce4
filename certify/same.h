/* Do the model as it is written and the graph that is differentiated have the same expected cost?
 * What same.c, join.c and expand.c share. */
#ifndef SGC_CERTIFY_SAME_H
#define SGC_CERTIFY_SAME_H

#include "certify/table.h"

/* Both programs as one. */
typedef struct Joint {
    CertProgram program;
    CertSlot *slot;           /* by slot of the model as it is written */
    CertSlot *graph;          /* by slot of the graph */
    CertSlot written, source; /* the costs */
} Joint;

typedef struct Same {
    const Cert *c;
    Arena *arena;
    Joint j;
    const CertList *shape; /* of the joint program's slots */
    Table *table;
    PolyCtx *x;
    const Poly *form; /* of the joint program's slots */
    CertSlot *holder; /* by atom: the slot whose value it is, or CERT_NONE */
    uint32_t atoms;
} Same;

/* ---- same.c --------------------------------------------------------------------------------- */

/* Does anything up to slot `end` of the program read a draw from number `first` on? */
bool same_reads_later(const Cert *c, const CertProgram *p, CertSlot end, uint32_t first);
/* Enters the joint program: the difference of the two costs, multiplied out. */
Poly same_difference(Same *s);
/* Is every factor a slot, read inside its shape? */
bool same_is_held(const Same *s, const Term *t);
/* The slots that depend on the draw. */
bool *same_touched_by(const Same *s, uint32_t draw);
bool same_is_draw(const Same *s, const Factor *f, uint32_t draw);
CertSlot same_holder_of(const Same *s, const Factor *f);
/* Are the draws normal, their laws slots of their shapes that no later draw reaches, and is the
 * cost a scalar?  Then the shapes of the model's slots; else NULL. */
const CertList *same_drawn(const Cert *c, Arena *a, const char **why);
/* Enters the joint program: have the two costs the same mean? */
bool same_vanishes(Same *s);

/* ---- join.c --------------------------------------------------------------------------------- */

/* The model's program and the graph; laws: with what noise becomes in the place of draws. */
void cert_join(Joint *j, const Cert *c, Arena *a, const CertProgram *model, const CertList *written,
               const CertList *source, bool laws);

/* The model's program with location plus scale noise in the place of its normal draws.  Returns its
 * slots, by slot of the model. */
CertSlot *cert_in_noise(const Cert *c, Arena *a, const CertList *written, CertProgram *out);
/* The graph after a program that stays as it is. */
void cert_join_after(Joint *j, const Cert *c, Arena *a, const CertWritten *model,
                     const CertList *source);

/* ---- copies.c -------------------------------------------------------------------------------- */

/* The model with an axis more for the copies of some draws, its cost their mean.  False: it has
 * operations that are not followed, or a law that differs from copy to copy. */
bool cert_copied(const Cert *c, Arena *a, const CertWritten *w, const CertCopies *k,
                 CertWritten *out);

/* ---- enumerated.c ---------------------------------------------------------------------------- */

/* The model without its last draw, its cost the mean over that.  False: it is not followed. */
bool cert_enumerated(const Cert *c, Arena *a, const CertWritten *w, CertWritten *out);

/* ---- expand.c -------------------------------------------------------------------------------- */

/* A sum without axes with its sums multiplied out, and positive numbers cancelled with their
 * inverses. */
Poly poly_expand(Table *t, PolyCtx *x, Poly p);

/* ---- assume.c -------------------------------------------------------------------------------- */

/* Does the program grow at most exponentially with the noise?  Then which slots are positive. */
bool cert_tame(const Cert *c, const CertProgram *p, Arena *a, bool *positive);

#endif
