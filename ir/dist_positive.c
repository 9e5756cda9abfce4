/* Laws of positive numbers, by transports of one uniform variate. */
#include "ir/dist.h"

/* ---- exponential --------------------------------------------------------------------------- */

IrRef ir_logpdf_exponential(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, log_(g, arg[0]), mul(g, arg[0], x));
}

IrRef ir_transport_exponential(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return quo(g, neg(g, log_(g, noise)), arg[0]);
}

/* E x^t = rate^-t Gamma(1 + t), for t > -1. */
static IrRef power_exponential(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef order = shift(g, t, 1);
    IrRef log_mean = sub(g, ir_unary(g, IR_LGAMMA, order), mul(g, t, log_(g, arg[0])));
    return exp_(g, finite_if_positive(g, order, log_mean));
}

IrRef ir_moment_exponential(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef mean = quo(g, ir_const(g, 1), arg[0]);
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return square(g, mean);
    case IR_E_LOG_MEAN:
        return neg(g, shift(g, log_(g, arg[0]), EULER_GAMMA));
    case IR_E_LOG_SQUARE:
        return shift(g, square(g, shift(g, log_(g, arg[0]), EULER_GAMMA)), PI * PI / 6);
    case IR_E_POWER:
        return power_exponential(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- weibull ------------------------------------------------------------------------------- */

/* log(x / scale) */
static IrRef log_ratio(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, ir_log_value(g, x), log_(g, arg[1]));
}

IrRef ir_logpdf_weibull(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef l = log_ratio(g, arg, x);
    IrRef power = exp_(g, mul(g, arg[0], l));
    IrRef front = sub(g, log_(g, arg[0]), log_(g, arg[1]));
    return add(g, front, sub(g, mul(g, shift(g, arg[0], -1), l), power));
}

/* scale (-log u)^(1 / shape), so that the logarithm of the draw is known. */
IrRef ir_transport_weibull(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef l = log_(g, neg(g, log_(g, noise)));
    return exp_(g, add(g, log_(g, arg[1]), quo(g, l, arg[0])));
}

/* log Gamma(1 + t / shape) */
static IrRef lgamma_weibull(IrGraph *g, const IrRef *arg, double t)
{
    return ir_unary(g, IR_LGAMMA, shift(g, quo(g, ir_const(g, t), arg[0]), 1));
}

/* E x^t = scale^t Gamma(1 + t / shape), for t > -shape. */
static IrRef power_weibull(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef order = shift(g, quo(g, t, arg[0]), 1);
    IrRef log_mean = add(g, mul(g, t, log_(g, arg[1])), ir_unary(g, IR_LGAMMA, order));
    return exp_(g, finite_if_positive(g, order, log_mean));
}

static IrRef variance_weibull(IrGraph *g, const IrRef *arg)
{
    IrRef first = lgamma_weibull(g, arg, 1), twice = scale(g, 2, first);
    IrRef excess = ir_unary(g, IR_EXPM1, sub(g, lgamma_weibull(g, arg, 2), twice));
    return mul(g, square(g, mul(g, arg[1], exp_(g, first))), excess);
}

IrRef ir_moment_weibull(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef log_mean = sub(g, log_(g, arg[1]), quo(g, ir_const(g, EULER_GAMMA), arg[0]));
    switch (m) {
    case IR_E_MEAN:
        return mul(g, arg[1], exp_(g, lgamma_weibull(g, arg, 1)));
    case IR_E_VARIANCE:
        return variance_weibull(g, arg);
    case IR_E_LOG_MEAN:
        return log_mean;
    case IR_E_LOG_SQUARE:
        return add(g, square(g, log_mean),
                   scale(g, PI * PI / 6, square(g, quo(g, ir_const(g, 1), arg[0]))));
    case IR_E_POWER:
        return power_weibull(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- half_cauchy --------------------------------------------------------------------------- */

IrRef ir_logpdf_half_cauchy(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef tail = ir_unary(g, IR_LOG1P, square(g, quo(g, x, arg[0])));
    return shift(g, neg(g, add(g, tail, log_(g, arg[0]))), LOG_TWO - LOG_PI);
}

IrRef ir_transport_half_cauchy(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return mul(g, arg[0], ir_tan_half_pi(g, noise));
}

/* tan(pi u / 2) = sin(pi u / 2) / sin(pi (1 - u) / 2): 1 - u is exact where it is small. */
IrRef ir_tan_half_pi(IrGraph *g, IrRef u)
{
    IrRef rest = sub(g, ir_const(g, 1), u);
    return quo(g, ir_unary(g, IR_SIN, scale(g, PI / 2, u)),
               ir_unary(g, IR_SIN, scale(g, PI / 2, rest)));
}

IrRef ir_moment_half_cauchy(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    IrRef l = log_(g, arg[0]);
    switch (m) {
    case IR_E_LOG_MEAN:
        return l;
    case IR_E_LOG_SQUARE:
        return shift(g, square(g, l), PI * PI / 4);
    case IR_ENTROPY:
        return shift(g, l, LOG_TWO + LOG_PI);
    default:
        return IR_NONE;
    }
}
