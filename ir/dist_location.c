/* Laws with a location and a scale, and the uniform: transports of one uniform variate. */
#include "ir/dist.h"

/* ---- uniform ------------------------------------------------------------------------------- */

/* Inside the bounds; where x may leave them the frontend guards it. */
IrRef ir_logpdf_uniform(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef inside = neg(g, log_(g, sub(g, arg[1], arg[0])));
    IrType shape = g->node[x].type;
    for (uint32_t i = rank(g, inside) ? shape.rank : 0; i < shape.rank; i++)
        inside = ir_expand(g, inside, i, shape.dim[i]);
    return inside;
}

IrRef ir_transport_uniform(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return add(g, arg[0], mul(g, sub(g, arg[1], arg[0]), noise));
}

/* x log x, and 0 where x is 0. */
static IrRef times_own_log(IrGraph *g, IrRef x)
{
    IrRef zero = ir_const(g, 0);
    return ir_select(g, ir_binary(g, IR_EQ, x, zero), zero, mul(g, x, log_(g, x)));
}

IrRef ir_moment_uniform(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return scale(g, 0.5, add(g, arg[0], arg[1]));
    case IR_E_VARIANCE:
        return scale(g, 1.0 / 12, square(g, sub(g, arg[1], arg[0])));
    case IR_E_LOG_MEAN: {
        IrRef rise = sub(g, times_own_log(g, arg[1]), times_own_log(g, arg[0]));
        return shift(g, quo(g, rise, sub(g, arg[1], arg[0])), -1);
    }
    default:
        return IR_NONE;
    }
}

/* ---- laplace ------------------------------------------------------------------------------- */

IrRef ir_logpdf_laplace(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef distance = quo(g, ir_unary(g, IR_ABS, sub(g, x, arg[0])), arg[1]);
    return shift(g, neg(g, add(g, distance, log_(g, arg[1]))), -LOG_TWO);
}

/* loc - scale sign(v) log(1 - 2|v|), v = u - 1/2. */
IrRef ir_transport_laplace(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef v = shift(g, noise, -0.5);
    IrRef tail = ir_unary(g, IR_LOG1P, scale(g, -2, ir_unary(g, IR_ABS, v)));
    return sub(g, arg[0], mul(g, arg[1], mul(g, ir_unary(g, IR_SIGN, v), tail)));
}

/* E e^(t x) = e^(t loc) / (1 - (t scale)^2), for |t| scale < 1. */
static IrRef tilt_laplace(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef reach = square(g, mul(g, t, arg[1])), rest = sub(g, ir_const(g, 1), reach);
    IrRef log_mean = sub(g, mul(g, t, arg[0]), ir_unary(g, IR_LOG1P, neg(g, reach)));
    return exp_(g, finite_if_positive(g, rest, log_mean));
}

IrRef ir_moment_laplace(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN:
        return arg[0];
    case IR_E_VARIANCE:
        return scale(g, 2, square(g, arg[1]));
    case IR_E_ABS: {
        IrRef d = ir_unary(g, IR_ABS, sub(g, arg[0], t));
        return add(g, d, mul(g, arg[1], exp_(g, neg(g, quo(g, d, arg[1])))));
    }
    case IR_E_EXP_TILT:
        return tilt_laplace(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- logistic ------------------------------------------------------------------------------ */

static IrRef standardised(IrGraph *g, const IrRef *arg, IrRef x)
{
    return quo(g, sub(g, x, arg[0]), arg[1]);
}

/* -z - 2 log(1 + e^-z) - log scale */
IrRef ir_logpdf_logistic(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef minus = neg(g, standardised(g, arg, x));
    IrRef density = sub(g, minus, scale(g, 2, ir_unary(g, IR_SOFTPLUS, minus)));
    return sub(g, density, log_(g, arg[1]));
}

IrRef ir_transport_logistic(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef logit = sub(g, log_(g, noise), ir_unary(g, IR_LOG1P, neg(g, noise)));
    return add(g, arg[0], mul(g, arg[1], logit));
}

/* E|x - t|: the integrals of the distribution function below t and of its rest above. */
static IrRef abs_logistic(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef z = standardised(g, arg, t);
    IrRef both = add(g, ir_unary(g, IR_SOFTPLUS, z), ir_unary(g, IR_SOFTPLUS, neg(g, z)));
    return mul(g, arg[1], both);
}

/* E e^(t x) = e^(t loc) Gamma(1 - t scale) Gamma(1 + t scale), for |t| scale < 1. */
static IrRef tilt_logistic(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef reach = mul(g, t, arg[1]), one = ir_const(g, 1);
    IrRef rest = sub(g, one, ir_unary(g, IR_ABS, reach));
    IrRef both = add(g, ir_unary(g, IR_LGAMMA, sub(g, one, reach)),
                     ir_unary(g, IR_LGAMMA, add(g, one, reach)));
    return exp_(g, finite_if_positive(g, rest, add(g, mul(g, t, arg[0]), both)));
}

IrRef ir_moment_logistic(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN:
        return arg[0];
    case IR_E_VARIANCE:
        return scale(g, PI * PI / 3, square(g, arg[1]));
    case IR_E_ABS:
        return abs_logistic(g, arg, t);
    case IR_E_EXP_TILT:
        return tilt_logistic(g, arg, t);
    case IR_ENTROPY:
        return shift(g, log_(g, arg[1]), 2);
    default:
        return IR_NONE;
    }
}

/* ---- gumbel -------------------------------------------------------------------------------- */

IrRef ir_logpdf_gumbel(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef minus = neg(g, standardised(g, arg, x));
    return sub(g, sub(g, minus, exp_(g, minus)), log_(g, arg[1]));
}

IrRef ir_transport_gumbel(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return sub(g, arg[0], mul(g, arg[1], log_(g, neg(g, log_(g, noise)))));
}

/* E e^(t x) = e^(t loc) Gamma(1 - t scale), for t scale < 1. */
static IrRef tilt_gumbel(IrGraph *g, const IrRef *arg, IrRef t)
{
    IrRef rest = sub(g, ir_const(g, 1), mul(g, t, arg[1]));
    IrRef log_mean = add(g, mul(g, t, arg[0]), ir_unary(g, IR_LGAMMA, rest));
    return exp_(g, finite_if_positive(g, rest, log_mean));
}

IrRef ir_moment_gumbel(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN:
        return add(g, arg[0], scale(g, EULER_GAMMA, arg[1]));
    case IR_E_VARIANCE:
        return scale(g, PI * PI / 6, square(g, arg[1]));
    case IR_E_EXP_TILT:
        return tilt_gumbel(g, arg, t);
    default:
        return IR_NONE;
    }
}

/* ---- cauchy: no moment exists -------------------------------------------------------------- */

IrRef ir_logpdf_cauchy(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef tail = ir_unary(g, IR_LOG1P, square(g, standardised(g, arg, x)));
    return shift(g, neg(g, add(g, tail, log_(g, arg[1]))), -LOG_PI);
}

/* tan(pi (u - 1/2)) = (t - 1/t) / 2, t = tan(pi u / 2), which keeps both tails accurate. */
IrRef ir_transport_cauchy(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef t = ir_tan_half_pi(g, noise);
    IrRef z = scale(g, 0.5, sub(g, t, quo(g, ir_const(g, 1), t)));
    return add(g, arg[0], mul(g, arg[1], z));
}

IrRef ir_moment_cauchy(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    return m == IR_ENTROPY ? shift(g, log_(g, arg[1]), 2 * LOG_TWO + LOG_PI) : IR_NONE;
}

/* ---- student_t ------------------------------------------------------------------------------ */

static IrRef half(IrGraph *g, IrRef a)
{
    return scale(g, 0.5, a);
}

/* (df + 1) / 2 */
static IrRef upper_shape(IrGraph *g, const IrRef *arg)
{
    return half(g, shift(g, arg[0], 1));
}

/* log Gamma(a) - log Gamma(a + 1/2) + log(a) / 2 for a > 20, where the first two are large and
 * nearly the same: off by less than 2e-17 (Tricomi & Erdelyi, 1951). */
static IrRef far_ratio(IrGraph *g, IrRef a)
{
    static const double term[] = {31.0 / 18432, -17.0 / 14336, 1.0 / 640, -1.0 / 192, 1.0 / 8};
    IrRef z = quo(g, ir_const(g, 1), a), q = square(g, z), sum = ir_const(g, term[0]);
    for (size_t i = 1; i < sizeof term / sizeof *term; i++)
        sum = shift(g, mul(g, sum, q), term[i]);
    return mul(g, sum, z);
}

/* log B(df / 2, 1 / 2) */
static IrRef log_beta_half(IrGraph *g, const IrRef *arg)
{
    IrRef a = half(g, arg[0]);
    IrRef near = sub(g, ir_unary(g, IR_LGAMMA, a), ir_unary(g, IR_LGAMMA, upper_shape(g, arg)));
    IrRef far = sub(g, far_ratio(g, a), half(g, log_(g, a)));
    IrRef ratio = ir_select(g, ir_binary(g, IR_LT, ir_const(g, 20), a), far, near);
    return shift(g, ratio, LOG_PI / 2);
}

IrRef ir_logpdf_student_t(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef z = quo(g, sub(g, x, arg[1]), arg[2]);
    IrRef tail = ir_unary(g, IR_LOG1P, quo(g, square(g, z), arg[0]));
    IrRef norm = add(g, log_beta_half(g, arg), add(g, half(g, log_(g, arg[0])), log_(g, arg[2])));
    return neg(g, add(g, norm, mul(g, upper_shape(g, arg), tail)));
}

/* Bailey, "Polar generation of random variates with the t-distribution", 1994: an explicit map of
 * two uniform variates, sqrt(df (u^(-2 / df) - 1)) sin(2 pi v). */
IrRef ir_transport_student_t(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef l = scale(g, -2, log_(g, ir_part(g, noise, 0)));
    IrRef radius = mul(g, arg[0], ir_unary(g, IR_EXPM1, quo(g, l, arg[0])));
    IrRef turn = ir_unary(g, IR_SIN, scale(g, 2 * PI, ir_part(g, noise, 1)));
    return add(g, arg[1], mul(g, arg[2], mul(g, ir_unary(g, IR_SQRT, radius), turn)));
}

static IrRef entropy_student_t(IrGraph *g, const IrRef *arg)
{
    IrRef upper = upper_shape(g, arg);
    IrRef rise = sub(g, ir_unary(g, IR_DIGAMMA, upper), ir_unary(g, IR_DIGAMMA, half(g, arg[0])));
    IrRef scales = add(g, half(g, log_(g, arg[0])), log_(g, arg[2]));
    return add(g, mul(g, upper, rise), add(g, log_beta_half(g, arg), scales));
}

IrRef ir_moment_student_t(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef second = shift(g, arg[0], -2);
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return ir_select(g, ir_binary(g, IR_LT, ir_const(g, 1), arg[0]), arg[1], ir_const(g, NAN));
    case IR_E_VARIANCE:
        return finite_if_positive(g, second, mul(g, square(g, arg[2]), quo(g, arg[0], second)));
    case IR_ENTROPY:
        return entropy_student_t(g, arg);
    default:
        return IR_NONE;
    }
}
