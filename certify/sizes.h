/* The sizes of a graph as symbols.
 *
 * Every plate and every axis of every node has a size; two are one symbol only if an operation says
 * that they are equal, and because their numbers happen to be only where they are merged. */
#ifndef SGC_CERTIFY_SIZES_H
#define SGC_CERTIFY_SIZES_H

#include "certify/cert.h"
#include "ir/ir.h"

typedef struct Sizes Sizes;

Sizes *sizes_of(const IrGraph *g, const bool *live, bool merged, Arena *a);

/* The sizes of another graph of the same model: what parameters, data and plates share with `like` has
 * its symbols. */
Sizes *sizes_like(Sizes *like, const IrGraph *g, const bool *live, Arena *a);

/* The symbol's number in the certificate, which lists it from then on. */
uint32_t size_of_plate(Sizes *s, Cert *c, uint32_t plate);
uint32_t size_of_axis(Sizes *s, Cert *c, IrRef node, uint32_t axis);
uint32_t size_of_total(Sizes *s, Cert *c); /* N, the rows of the data set */
uint32_t size_one(Sizes *s, Cert *c);      /* 1: an element of a sequence, taken alone */

#endif
