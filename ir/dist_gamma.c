/* The gamma law and what is made of gamma draws: gamma, inverse_gamma, beta, dirichlet.
 *
 * A draw is the exponential (of a beta, the logistic) of a logarithm that is computed as such, so
 * that small shapes, whose draws underflow, keep their logarithms: nothing is clamped. */
#include "ir/dist.h"

/* The logarithm of a gamma(shape, 1) draw, from one uniform variate. */
static IrRef log_standard(IrGraph *g, IrRef shape, IrRef noise)
{
    return ir_binary(g, IR_LOG_GAMMA_QUANTILE, noise, shape);
}

static IrRef lgamma_(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_LGAMMA, a);
}

static IrRef digamma(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_DIGAMMA, a);
}

static IrRef trigamma(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_TRIGAMMA, a);
}

/* ---- gamma ---------------------------------------------------------------------------------- */

/* shape log rate - log Gamma(shape), which both laws of one gamma draw begin with. */
static IrRef front(IrGraph *g, const IrRef *arg)
{
    return sub(g, mul(g, arg[0], log_(g, arg[1])), lgamma_(g, arg[0]));
}

IrRef ir_logpdf_gamma(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef power = mul(g, shift(g, arg[0], -1), ir_log_value(g, x));
    return add(g, front(g, arg), sub(g, power, mul(g, arg[1], x)));
}

IrRef ir_transport_gamma(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return exp_(g, sub(g, log_standard(g, arg[0], noise), log_(g, arg[1])));
}

/* E x^t = rate^-t Gamma(shape + t) / Gamma(shape), for t > -shape. */
static IrRef power_gamma(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef order = add(g, arg[0], t);
    IrRef log_mean = sub(g, lgamma_(g, order), lgamma_(g, arg[0]));
    log_mean = sub(g, log_mean, mul(g, t, log_(g, arg[1])));
    return exp_(g, finite_if_positive(g, order, log_mean));
}

/* E e^(t x) = (1 - t / rate)^-shape, for t < rate. */
static IrRef tilt_gamma(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef share = quo(g, t, arg[1]), rest = sub(g, ir_const(g, 1), share);
    IrRef log_mean = neg(g, mul(g, arg[0], ir_unary(g, IR_LOG1P, neg(g, share))));
    return exp_(g, finite_if_positive(g, rest, log_mean));
}

IrRef ir_moment_gamma(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef log_mean = sub(g, digamma(g, arg[0]), log_(g, arg[1]));
    switch (m) {
    case IR_E_MEAN:
        return quo(g, arg[0], arg[1]);
    case IR_E_VARIANCE:
        return quo(g, arg[0], square(g, arg[1]));
    case IR_E_EXP_TILT:
        return tilt_gamma(g, arg, t);
    case IR_E_LOG_MEAN:
        return log_mean;
    case IR_E_LOG_SQUARE:
        return add(g, square(g, log_mean), trigamma(g, arg[0]));
    case IR_E_POWER:
        return power_gamma(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- inverse_gamma -------------------------------------------------------------------------- */

IrRef ir_logpdf_inverse_gamma(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef power = mul(g, shift(g, arg[0], 1), ir_log_value(g, x));
    return sub(g, front(g, arg), add(g, power, quo(g, arg[1], x)));
}

IrRef ir_transport_inverse_gamma(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return exp_(g, sub(g, log_(g, arg[1]), log_standard(g, arg[0], noise)));
}

IrRef ir_moment_inverse_gamma(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef log_mean = sub(g, log_(g, arg[1]), digamma(g, arg[0]));
    IrRef first = shift(g, arg[0], -1), second = shift(g, arg[0], -2);
    IrRef mean = finite_if_positive(g, first, quo(g, arg[1], first));
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return finite_if_positive(g, second, quo(g, square(g, mean), second));
    case IR_E_LOG_MEAN:
        return log_mean;
    case IR_E_LOG_SQUARE:
        return add(g, square(g, log_mean), trigamma(g, arg[0]));
    case IR_E_POWER:
        return power_gamma(g, arg, neg(g, t));
    default:
        return IR_NONE;
    }
}

/* ---- beta ----------------------------------------------------------------------------------- */

static IrRef log_beta(IrGraph *g, IrRef a, IrRef b)
{
    return sub(g, add(g, lgamma_(g, a), lgamma_(g, b)), lgamma_(g, add(g, a, b)));
}

IrRef ir_logpdf_beta(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef low = mul(g, shift(g, arg[0], -1), ir_log_value(g, x));
    IrRef high = mul(g, shift(g, arg[1], -1), ir_log_rest(g, x));
    return sub(g, add(g, low, high), log_beta(g, arg[0], arg[1]));
}

/* g / (g + h) for gamma draws g and h. */
IrRef ir_transport_beta(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef first = log_standard(g, arg[0], ir_part(g, noise, 0));
    IrRef second = log_standard(g, arg[1], ir_part(g, noise, 1));
    return ir_unary(g, IR_SIGMOID, sub(g, first, second));
}

/* E x^t = B(a + t, b) / B(a, b), for t > -a. */
static IrRef power_beta(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef order = add(g, arg[0], t);
    IrRef log_mean = sub(g, log_beta(g, order, arg[1]), log_beta(g, arg[0], arg[1]));
    return exp_(g, finite_if_positive(g, order, log_mean));
}

IrRef ir_moment_beta(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef sum = add(g, arg[0], arg[1]);
    IrRef log_mean = sub(g, digamma(g, arg[0]), digamma(g, sum));
    switch (m) {
    case IR_E_MEAN:
        return quo(g, arg[0], sum);
    case IR_E_VARIANCE:
        return quo(g, mul(g, quo(g, arg[0], sum), quo(g, arg[1], sum)), shift(g, sum, 1));
    case IR_E_LOG_MEAN:
        return log_mean;
    case IR_E_LOG_SQUARE:
        return add(g, square(g, log_mean), sub(g, trigamma(g, arg[0]), trigamma(g, sum)));
    case IR_E_LOG_REST:
        return sub(g, digamma(g, arg[1]), digamma(g, sum));
    case IR_E_POWER:
        return power_beta(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- dirichlet: x is one event [d], or rows of independent events [k, d] ----------------------
 */

IrRef ir_logpdf_dirichlet(IrGraph *g, const IrRef *arg, IrRef x)
{
    const char *spec = rank(g, x) == 2 ? "kd,d->k" : "d,d->";
    IrRef power = ir_contract(g, spec, 0, ir_log_value(g, x), shift(g, arg[0], -1));
    IrRef all = lgamma_(g, ir_sum_all(g, arg[0]));
    return add(g, power, sub(g, all, ir_sum_all(g, lgamma_(g, arg[0]))));
}

/* Gamma draws over their sum: the softmax of their logarithms. */
IrRef ir_transport_dirichlet(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef l = log_standard(g, ir_every_event(g, arg[0], noise), noise);
    uint32_t last = rank(g, l) - 1;
    IrRef sum = ir_reduce(g, IR_LOGSUMEXP, l, 1u << last, 0);
    return exp_(g, sub(g, l, ir_expand(g, sum, last, g->node[l].type.dim[last])));
}

IrRef ir_moment_dirichlet(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef sum = ir_sum_all(g, arg[0]), mean = quo(g, arg[0], sum);
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return quo(g, mul(g, mean, sub(g, ir_const(g, 1), mean)), shift(g, sum, 1));
    case IR_E_LOG_MEAN:
        return sub(g, digamma(g, arg[0]), digamma(g, sum));
    case IR_E_LOG_SQUARE: {
        IrRef spread = sub(g, trigamma(g, arg[0]), trigamma(g, sum));
        return add(g, square(g, sub(g, digamma(g, arg[0]), digamma(g, sum))), spread);
    }
    default:
        return IR_NONE;
    }
}
