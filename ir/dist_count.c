/* Laws of counts: geometric, poisson, binomial, multinomial.  A draw is the inverse distribution
 * function of its noise, an int. */
#include "ir/dist.h"

/* ---- shared rules --------------------------------------------------------------------------- */

/* x l, and 0 where x is 0 whatever l is: masses of 0 are legal where they are not drawn. */
static IrRef times_log(IrGraph *g, IrRef x, IrRef l)
{
    return ir_select(g, ir_binary(g, IR_EQ, x, ir_const(g, 0)), ir_const(g, 0), mul(g, x, l));
}

/* log x! */
static IrRef log_factorial(IrGraph *g, IrRef x)
{
    return ir_unary(g, IR_LGAMMA, shift(g, x, 1));
}

static IrRef rest_of(IrGraph *g, IrRef p)
{
    return sub(g, ir_const(g, 1), p);
}

static IrRef log_rest(IrGraph *g, IrRef p)
{
    return ir_unary(g, IR_LOG1P, neg(g, p));
}

static IrRef as_count(IrGraph *g, IrRef x)
{
    return ir_unary(g, IR_TO_INT, x);
}

/* ---- geometric: failures before the first success ------------------------------------------- */

IrRef ir_logpdf_geometric(IrGraph *g, const IrRef *arg, IrRef x)
{
    return add(g, log_(g, arg[0]), times_log(g, ir_real(g, x), log_rest(g, arg[0])));
}

/* Of k failures and more the probability is (1 - p)^k. */
IrRef ir_transport_geometric(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef ratio = quo(g, log_rest(g, noise), log_rest(g, arg[0]));
    return as_count(g, ir_unary(g, IR_FLOOR, ratio));
}

/* E e^(t x) = p / (1 - (1 - p) e^t), while that is positive. */
static IrRef tilt_geometric(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef growth = mul(g, rest_of(g, arg[0]), exp_(g, t)), rest = rest_of(g, growth);
    return finite_if_positive(g, rest, quo(g, arg[0], rest));
}

IrRef ir_moment_geometric(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef mean = quo(g, rest_of(g, arg[0]), arg[0]);
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return quo(g, mean, arg[0]);
    case IR_E_EXP_TILT:
        return tilt_geometric(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- poisson -------------------------------------------------------------------------------- */

IrRef ir_logpdf_poisson(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef k = ir_real(g, x);
    return sub(g, sub(g, times_log(g, k, log_(g, arg[0])), arg[0]), log_factorial(g, k));
}

IrRef ir_transport_poisson(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return as_count(g, ir_binary(g, IR_POISSON_QUANTILE, noise, arg[0]));
}

IrRef ir_moment_poisson(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN:
    case IR_E_VARIANCE:
        return arg[0];
    case IR_E_EXP_TILT:
        return exp_(g, mul(g, arg[0], ir_unary(g, IR_EXPM1, t)));
    case IR_ENTROPY:
        return ir_unary(g, IR_POISSON_ENTROPY, arg[0]);
    default:
        return IR_NONE;
    }
}

/* ---- binomial ------------------------------------------------------------------------------- */

IrRef ir_logpdf_binomial(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef k = ir_real(g, x), rest = sub(g, arg[0], k);
    IrRef choices = sub(g, log_factorial(g, arg[0]), log_factorial(g, k));
    choices = sub(g, choices, log_factorial(g, rest));
    IrRef hits = times_log(g, k, log_(g, arg[1]));
    return add(g, choices, add(g, hits, times_log(g, rest, log_rest(g, arg[1]))));
}

IrRef ir_transport_binomial(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef in[] = {noise, arg[0], arg[1]};
    return as_count(g, ir_node(g, IR_BINOMIAL_QUANTILE, (IrAttr){0}, 3, in));
}

IrRef ir_moment_binomial(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef mean = mul(g, arg[0], arg[1]);
    switch (m) {
    case IR_E_MEAN:
        return mean;
    case IR_E_VARIANCE:
        return mul(g, mean, rest_of(g, arg[1]));
    case IR_E_EXP_TILT: { /* (1 + p (e^t - 1))^n */
        IrRef rise = mul(g, arg[1], ir_unary(g, IR_EXPM1, t));
        return exp_(g, mul(g, arg[0], ir_unary(g, IR_LOG1P, rise)));
    }
    default:
        return IR_NONE;
    }
}

/* ---- multinomial: x is one event [K], or rows of independent events [k, K] --------------------
 */

static IrRef over_last_axis(IrGraph *g, IrRef a)
{
    return ir_reduce(g, IR_SUM, a, 1u << (rank(g, a) - 1), 0);
}

IrRef ir_logpdf_multinomial(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef k = ir_real(g, x), p = ir_every_event(g, arg[1], k);
    IrRef hits = over_last_axis(g, times_log(g, k, log_(g, p)));
    IrRef choices = sub(g, log_factorial(g, arg[0]), over_last_axis(g, log_factorial(g, k)));
    return add(g, choices, sub(g, hits, mul(g, arg[0], log_(g, ir_sum_all(g, arg[1])))));
}

/* A category for each trial, from one uniform variate each; then how often each was met. */
IrRef ir_transport_multinomial(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef category = ir_transport_categorical(g, &arg[1], noise);
    IrRef met = ir_one_hot(g, category, g->node[arg[1]].type.dim[0]);
    return ir_reduce(g, IR_SUM, met, 1, 0);
}

/* -log n! - n sum p log p + sum over the categories of E log k!, for k of binomial(n, p): a sum
 * over the counts, on a new last axis.  Of log k! and log n! each has the log-mass of a poisson law
 * with its mean taken away, which cancel in the whole, so that no term is large. */
static IrRef entropy_multinomial(IrGraph *g, IrRef n, IrRef share)
{
    if (g->node[n].op != IR_CONST)
        return IR_NONE;
    int64_t values = (int64_t)g->node[n].attr.num + 1, size = g->node[share].type.dim[0];
    IrRef ones = ir_expand(g, ir_const(g, 1), 0, values);
    IrRef count = shift(g, ir_node(g, IR_CUMSUM, (IrAttr){0}, 1, &ones), -1);
    IrRef each[] = {n, ir_expand(g, share, 1, values)}, mean = mul(g, n, each[1]);
    count = ir_expand(g, count, 0, size);
    IrRef mass = exp_(g, ir_logpdf_binomial(g, each, count));
    IrRef repeats = ir_sum_all(g, times_log(g, mass, ir_logpdf_poisson(g, &mean, count)));
    return sub(g, ir_logpdf_poisson(g, &n, n), repeats);
}

IrRef ir_moment_multinomial(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef share = quo(g, arg[1], ir_sum_all(g, arg[1]));
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return mul(g, arg[0], share);
    case IR_E_VARIANCE:
        return mul(g, mul(g, arg[0], share), rest_of(g, share));
    case IR_ENTROPY:
        return entropy_multinomial(g, arg[0], share);
    default:
        return IR_NONE;
    }
}
