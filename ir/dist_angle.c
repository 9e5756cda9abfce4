/* The von Mises law of angles.  Its density has period 2 pi; draws lie in [-pi, pi). */
#include "ir/dist.h"

/* k (cos(x - loc) - 1) - log(2 pi e^-k I0(k)) */
IrRef ir_logpdf_von_mises(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef turn = shift(g, ir_unary(g, IR_COS, sub(g, x, arg[0])), -1);
    IrRef density = sub(g, mul(g, arg[1], turn), ir_unary(g, IR_LOG_I0E, arg[1]));
    return shift(g, density, -2 * HALF_LOG_TWO_PI);
}

IrRef ir_wrapped(IrGraph *g, IrRef x)
{
    IrRef turns = ir_unary(g, IR_FLOOR, scale(g, 1 / (2 * PI), shift(g, x, PI)));
    return sub(g, x, scale(g, 2 * PI, turns));
}

IrRef ir_transport_von_mises(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return ir_wrapped(g, add(g, arg[0], ir_binary(g, IR_VON_MISES_QUANTILE, noise, arg[1])));
}

/* E e^(i (x - t)) = (I1 / I0) e^(i (loc - t)); the mean of the angle itself is no use. */
IrRef ir_moment_von_mises(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef gap = ir_unary(g, IR_I1_GAP, arg[1]);
    IrRef length = sub(g, ir_const(g, 1), gap);
    switch (m) {
    case IR_E_COS:
        return mul(g, length, ir_unary(g, IR_COS, sub(g, arg[0], t)));
    case IR_E_SIN:
        return mul(g, length, ir_unary(g, IR_SIN, sub(g, arg[0], t)));
    case IR_ENTROPY: {
        IrRef norm = shift(g, ir_unary(g, IR_LOG_I0E, arg[1]), 2 * HALF_LOG_TWO_PI);
        return add(g, norm, mul(g, arg[1], gap));
    }
    default:
        return IR_NONE;
    }
}
