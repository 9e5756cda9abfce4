/* What some mistakes make of a value. */
#include "passes/mutant.h"

/* 0 where it is not finite. */
IrRef mistaken_LEFT_OUT(IrGraph *g, IrRef v)
{
    IrRef none = ir_binary(g, IR_SUB, v, v), zero = ir_const(g, 0);
    return ir_select(g, ir_binary(g, IR_EQ, none, zero), v, zero);
}

/* Of 24 bits: Veltkamp's splitting of a double. */
IrRef mistaken_SHORT_SUM(IrGraph *g, IrRef v)
{
    IrRef big = ir_binary(g, IR_MUL, v, ir_const(g, 0x20000001p0));
    return ir_binary(g, IR_SUB, big, ir_binary(g, IR_SUB, big, v));
}
