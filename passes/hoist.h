/* Taking out of sequences what need not run step by step: a part of the pass partition. */
#ifndef SGC_PASSES_HOIST_H
#define SGC_PASSES_HOIST_H

#include "ir/ir.h"

/* True: a node left its region. */
bool hoist_from_regions(IrGraph *g);

#endif
