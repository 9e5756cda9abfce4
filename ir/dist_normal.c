/* The normal law and its kin: lognormal, half_normal, mvn. */
#include "ir/dist.h"

#include <math.h>

/* ---- normal -------------------------------------------------------------------------------- */

IrRef ir_logpdf_normal(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef z = quo(g, sub(g, x, arg[0]), arg[1]);
    IrRef density = sub(g, scale(g, -0.5, square(g, z)), log_(g, arg[1]));
    return shift(g, density, -HALF_LOG_TWO_PI);
}

IrRef ir_transport_normal(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return add(g, arg[0], mul(g, arg[1], noise));
}

/* E|x - t| = s sqrt(2/pi) e^(-d^2 / 2 s^2) + d erf(d / s sqrt 2), d = mean - t. */
static IrRef abs_normal(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef d = sub(g, arg[0], t), z = quo(g, d, arg[1]);
    IrRef peak = mul(g, scale(g, sqrt(2 / PI), arg[1]), exp_(g, scale(g, -0.5, square(g, z))));
    return add(g, peak, mul(g, d, ir_unary(g, IR_ERF, scale(g, sqrt(0.5), z))));
}

IrRef ir_moment_normal(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN:
        return arg[0];
    case IR_E_VARIANCE:
        return square(g, arg[1]);
    case IR_E_ABS:
        return abs_normal(g, arg, t);
    case IR_E_EXP_TILT:
        return exp_(g, add(g, mul(g, t, arg[0]), scale(g, 0.5, square(g, mul(g, t, arg[1])))));
    default:
        return IR_NONE;
    }
}

/* ---- lognormal ----------------------------------------------------------------------------- */

IrRef ir_logpdf_lognormal(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef l = ir_log_value(g, x);
    return sub(g, ir_logpdf_normal(g, arg, l), l);
}

IrRef ir_transport_lognormal(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return exp_(g, ir_transport_normal(g, arg, noise));
}

IrRef ir_moment_lognormal(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef variance = square(g, arg[1]);
    IrRef mean = exp_(g, add(g, arg[0], scale(g, 0.5, variance)));
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return mul(g, ir_unary(g, IR_EXPM1, variance), square(g, mean));
    case IR_E_LOG_MEAN:
        return arg[0];
    case IR_E_LOG_SQUARE:
        return add(g, square(g, arg[0]), variance);
    case IR_E_POWER:
        return exp_(g, add(g, mul(g, t, arg[0]), scale(g, 0.5, mul(g, square(g, t), variance))));
    default:
        return IR_NONE;
    }
}

/* ---- half_normal --------------------------------------------------------------------------- */

IrRef ir_logpdf_half_normal(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef density = sub(g, scale(g, -0.5, square(g, quo(g, x, arg[0]))), log_(g, arg[0]));
    return shift(g, density, LOG_TWO - HALF_LOG_TWO_PI);
}

IrRef ir_transport_half_normal(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return mul(g, arg[0], ir_unary(g, IR_ABS, noise));
}

/* E x^t = (scale sqrt 2)^t Gamma((t + 1) / 2) / sqrt pi, for t > -1. */
static IrRef power_half_normal(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef order = scale(g, 0.5, shift(g, t, 1));
    IrRef log_mean = mul(g, t, shift(g, log_(g, arg[0]), LOG_TWO / 2));
    log_mean = add(g, log_mean, shift(g, ir_unary(g, IR_LGAMMA, order), -LOG_PI / 2));
    return exp_(g, finite_if_positive(g, order, log_mean));
}

IrRef ir_moment_half_normal(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef log_mean = shift(g, log_(g, arg[0]), -(EULER_GAMMA + LOG_TWO) / 2);
    switch (m) {
    case IR_E_MEAN:
        return scale(g, sqrt(2 / PI), arg[0]);
    case IR_E_VARIANCE:
        return square(g, scale(g, sqrt(1 - 2 / PI), arg[0]));
    case IR_E_LOG_MEAN:
        return log_mean;
    case IR_E_LOG_SQUARE:
        return shift(g, square(g, log_mean), PI * PI / 8);
    case IR_E_POWER:
        return power_half_normal(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- mvn: x is one event [d], or rows of independent events [k, d] -------------------------- */

static IrRef transposed(IrGraph *g, IrRef a)
{
    return rank(g, a) < 2 ? a : ir_node(g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, 1, &a);
}

static IrRef mean_of_events(IrGraph *g, IrRef mean, IrRef x)
{
    return rank(g, x) == 2 && rank(g, mean) == 1 ? ir_expand(g, mean, 0, g->node[x].type.dim[0])
                                                 : mean;
}

IrRef ir_logpdf_mvn(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef centred = transposed(g, sub(g, x, mean_of_events(g, arg[0], x)));
    IrRef z = ir_binary(g, IR_SOLVE_TRI, arg[1], centred);
    IrRef half_norm = scale(g, -0.5, ir_reduce(g, IR_SUM, square(g, z), 1, 0));
    IrRef log_det = ir_sum_all(g, log_(g, ir_unary(g, IR_DIAG_PART, arg[1])));
    double d = (double)g->node[arg[1]].type.dim[0];
    return shift(g, sub(g, half_norm, log_det), -d * HALF_LOG_TWO_PI);
}

IrRef ir_transport_mvn(IrGraph *g, const IrRef *arg, IrRef noise)
{
    const char *spec = rank(g, noise) == 2 ? "ij,kj->ki" : "ij,j->i";
    IrRef spread = ir_contract(g, spec, 0, ir_unary(g, IR_TRIL, arg[1]), noise);
    return add(g, mean_of_events(g, arg[0], noise), spread);
}

IrRef ir_moment_mvn(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return arg[0];
    case IR_E_VARIANCE:
        return ir_reduce(g, IR_SUM, square(g, ir_unary(g, IR_TRIL, arg[1])), 2, 0);
    default:
        return IR_NONE;
    }
}
