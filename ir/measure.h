/* What the files of measure-valued derivatives share. */
#ifndef SGC_IR_MEASURE_H
#define SGC_IR_MEASURE_H

#include "ir/dist.h"

/* The cost of variant i, element by element, in the shape of `like`. */
IrRef ir_variant_cost(IrGraph *g, IrRef costs, int64_t i, IrRef like);

/* A law without pairs, and why. */
#define NO_MEASURE(id, why) const IrMeasure ir_measure_##id = {.why_not = why}

#endif
