/* Reverse-mode differentiation as a program over the same graph. */
#ifndef SGC_PASSES_ADJOINT_H
#define SGC_PASSES_ADJOINT_H

#include "ir/ir.h"

/* An adjoint to start from: `value` (of the node's type, or shared by its copies and elements) is
 * added to the adjoint of `node`. */
typedef struct EsSeed {
    IrRef node, value;
} EsSeed;

/* Appends to g the program that carries the seeds back to the parameters.  grad[p] becomes the
 * adjoint of model parameter p, of the stored tensor's type, or IR_NONE where nothing reaches it.
 */
/* The whole adjoint of `node` is multiplied by `factor` before it goes on. */
typedef struct EsGain {
    IrRef node, factor;
} EsGain;

void es_adjoint(IrGraph *g, const EsSeed *seed, uint32_t seeds, const EsGain *gain, uint32_t gains,
                IrRef *grad);

/* Does reverse mode see through the op?  If not it takes the result for a constant. */
bool es_has_adjoint(IrOp op);

/* ---- sums over copies ---------------------------------------------------------------------- */

/* The sum over the copies of `plates`; where v lacks one of them its copies are equal, and the sum
 * is a multiple. */
IrRef es_sum_plates(IrGraph *g, IrRef v, IrPlates plates);
/* v, copy by copy and element by element of `from`, as its sum over what an operand of type `to` shares. */
IrRef es_share(IrGraph *g, IrRef v, const IrType *from, const IrType *to);
/* v with exactly the plates and the shape of `type`. */
IrRef es_broadcast(IrGraph *g, IrRef v, IrType type);
/* v with the shape of `type`, whatever its plates. */
IrRef es_shape_as(IrGraph *g, IrRef v, const IrType *type);

#endif
