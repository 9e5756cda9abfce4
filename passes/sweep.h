/* Removing what no root needs: shared by the runner, dce and the tests. */
#ifndef SGC_PASSES_SWEEP_H
#define SGC_PASSES_SWEEP_H

#include "ir/ir.h"

/* Drops nodes that reach no root other than the roots of op `without` (IR_OP_COUNT: none); plates
 * keep their numbers, regions without nodes go.  True: something was dropped. */
bool sweep_nodes(IrGraph *g, IrOp without);

#endif
