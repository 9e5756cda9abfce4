/* Models with finite draws and graphs with scores: what scored.c and both.c share. */
#ifndef SGC_CERTIFY_SCORED_H
#define SGC_CERTIFY_SCORED_H

#include "certify/same.h"

typedef struct Scored {
    Same s;
    CertWritten w;     /* with its copies, or in noise */
    CertSlot *density; /* by draw, of the joint program: by its law, */
    CertSlot *mean;    /* and its mean; CERT_NONE: none */
    bool **seen;       /* by draw: the slots that depend on it */
} Scored;

/* The model with the log-densities and means of its finite draws, and the graph, as one program. */
bool scored_join(Scored *x, const char **why);
/* Enters the joint program: are the log-densities of the graph those of the laws?  *difference
 * becomes that of the costs. */
bool scored_enter(Scored *x, Poly *difference, const char **why);
/* Is the factor free of the draw and of later ones? */
bool scored_is_free(const Scored *x, uint32_t draw, const Factor *f);
/* The mean of the draw where it is read at these axes, as a factor. */
bool scored_mean(const Scored *x, uint32_t draw, CertList at, Factor *out);
/* Makes of a term its mean over a draw.  False: it is not seen. */
typedef bool (*TermMean)(const Scored *x, uint32_t draw, Term *t);
/* Takes means draw by draw, from the last: is nothing left? */
bool scored_vanishes(Scored *x, Poly p, TermMean mean);

#endif
