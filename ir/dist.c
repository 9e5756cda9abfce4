/* The rules of dist.def: log-density, transport of base noise and moments of each law, as nodes.
 *
 * Arguments and values are scalars of the plates or have one shape; the element-wise operators
 * broadcast the scalars.  The score is the adjoint of the log-density: no second rule.  Formulas:
 * Johnson, Kotz & Balakrishnan, "Continuous Univariate Distributions"; estimators.md 2.4, 2.5. */
#include "ir/ir.h"

#include <math.h>

#define HALF_LOG_TWO_PI 0.91893853320467274178
#define LOG_TWO 0.69314718055994530942
#define EULER_GAMMA 0.57721566490153286061
#define PI 3.14159265358979323846

typedef IrRef LogpdfRule(IrGraph *g, const IrRef *arg, IrRef x);
typedef IrRef TransportRule(IrGraph *g, const IrRef *arg, IrRef noise);
typedef IrRef MomentRule(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t);

#define DIST(id, ...)                                                                              \
    static LogpdfRule logpdf_##id;                                                                 \
    static TransportRule transport_##id;                                                           \
    static MomentRule moment_##id;
#include "ir/dist.def"

const IrDistInfo ir_dist_info[IR_DIST_COUNT] = {
#define DIST(id, name, argument, count, event, elem, support, moves, base, estimators, doc)        \
    [IR_DIST_##id] = {name,         argument,        count,            event,        IR_##elem,    \
                      IR_##support, moves,           IR_BASE_##base,   estimators,   logpdf_##id,  \
                      transport_##id, moment_##id, doc},
#include "ir/dist.def"
};

const char *const ir_planned_law[] = {
#define DIST(...)
#define PLANNED(name) name,
#include "ir/dist.def"
    NULL};

/* ---- shorthands ---------------------------------------------------------------------------- */

static IrRef add(IrGraph *g, IrRef a, IrRef b) { return ir_binary(g, IR_ADD, a, b); }
static IrRef sub(IrGraph *g, IrRef a, IrRef b) { return ir_binary(g, IR_SUB, a, b); }
static IrRef mul(IrGraph *g, IrRef a, IrRef b) { return ir_binary(g, IR_MUL, a, b); }
static IrRef quo(IrGraph *g, IrRef a, IrRef b) { return ir_binary(g, IR_DIV, a, b); }
static IrRef neg(IrGraph *g, IrRef a) { return ir_unary(g, IR_NEG, a); }
static IrRef log_(IrGraph *g, IrRef a) { return ir_unary(g, IR_LOG, a); }
static IrRef exp_(IrGraph *g, IrRef a) { return ir_unary(g, IR_EXP, a); }
static IrRef square(IrGraph *g, IrRef a) { return ir_unary(g, IR_SQUARE, a); }
static IrRef scale(IrGraph *g, double c, IrRef a) { return mul(g, ir_const(g, c), a); }
static IrRef shift(IrGraph *g, IrRef a, double c) { return add(g, a, ir_const(g, c)); }

static uint32_t rank(const IrGraph *g, IrRef a)
{
    return g->node[a].type.rank;
}

/* ---- normal -------------------------------------------------------------------------------- */

static IrRef logpdf_normal(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef z = quo(g, sub(g, x, arg[0]), arg[1]);
    IrRef density = sub(g, scale(g, -0.5, square(g, z)), log_(g, arg[1]));
    return shift(g, density, -HALF_LOG_TWO_PI);
}

static IrRef transport_normal(IrGraph *g, const IrRef *arg, IrRef noise)
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

static IrRef moment_normal(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN: return arg[0];
    case IR_E_VARIANCE: return square(g, arg[1]);
    case IR_E_ABS: return abs_normal(g, arg, t);
    case IR_E_EXP_TILT:
        return exp_(g, add(g, mul(g, t, arg[0]), scale(g, 0.5, square(g, mul(g, t, arg[1])))));
    default: return IR_NONE;
    }
}

/* ---- lognormal ----------------------------------------------------------------------------- */

static IrRef logpdf_lognormal(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef l = log_(g, x);
    return sub(g, logpdf_normal(g, arg, l), l);
}

static IrRef transport_lognormal(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return exp_(g, transport_normal(g, arg, noise));
}

static IrRef moment_lognormal(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    IrRef variance = square(g, arg[1]);
    IrRef mean = exp_(g, add(g, arg[0], scale(g, 0.5, variance)));
    switch (m) {
    case IR_E_MEAN: return mean;
    case IR_E_VARIANCE: return mul(g, ir_unary(g, IR_EXPM1, variance), square(g, mean));
    case IR_E_LOG_MEAN: return arg[0];
    case IR_E_LOG_SQUARE: return add(g, square(g, arg[0]), variance);
    default: return IR_NONE;
    }
}

/* ---- uniform ------------------------------------------------------------------------------- */

/* Inside the bounds; where x may leave them the frontend guards it. */
static IrRef logpdf_uniform(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef inside = neg(g, log_(g, sub(g, arg[1], arg[0])));
    IrType shape = g->node[x].type;
    for (uint32_t i = rank(g, inside) ? shape.rank : 0; i < shape.rank; i++)
        inside = ir_expand(g, inside, i, shape.dim[i]);
    return inside;
}

static IrRef transport_uniform(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return add(g, arg[0], mul(g, sub(g, arg[1], arg[0]), noise));
}

static IrRef moment_uniform(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN: return scale(g, 0.5, add(g, arg[0], arg[1]));
    case IR_E_VARIANCE: return scale(g, 1.0 / 12, square(g, sub(g, arg[1], arg[0])));
    default: return IR_NONE;
    }
}

/* ---- bernoulli ----------------------------------------------------------------------------- */

/* A drawn x picks one logarithm, so that p of 0 or 1 is exact; grey data in [0, 1] weighs both. */
static IrRef logpdf_bernoulli(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef yes = log_(g, arg[0]), no = log_(g, sub(g, ir_const(g, 1), arg[0]));
    if (g->node[x].type.elem == IR_INT)
        return ir_select(g, ir_binary(g, IR_EQ, x, ir_int(g, 1)), yes, no);
    return add(g, mul(g, x, yes), mul(g, sub(g, ir_const(g, 1), x), no));
}

static IrRef transport_bernoulli(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return ir_select(g, ir_binary(g, IR_LT, noise, arg[0]), ir_int(g, 1), ir_int(g, 0));
}

static IrRef moment_bernoulli(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN: return arg[0];
    case IR_E_VARIANCE: return mul(g, arg[0], sub(g, ir_const(g, 1), arg[0]));
    default: return IR_NONE;
    }
}

static IrRef logpdf_bernoulli_logits(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, mul(g, ir_real(g, x), arg[0]), ir_unary(g, IR_SOFTPLUS, arg[0]));
}

static IrRef transport_bernoulli_logits(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef p = ir_unary(g, IR_SIGMOID, arg[0]);
    return transport_bernoulli(g, &p, noise);
}

static IrRef moment_bernoulli_logits(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef p = ir_unary(g, IR_SIGMOID, arg[0]);
    return moment_bernoulli(g, &p, m, t);
}

/* ---- categorical --------------------------------------------------------------------------- */

static IrRef logpdf_categorical(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, log_(g, ir_gather(g, arg[0], x)), log_(g, ir_sum_all(g, arg[0])));
}

/* The number of categories whose cumulated mass lies below u: the inverse CDF.  Strict, so that a
 * category of mass 0 at either end is never drawn; the last category needs no comparison. */
static IrRef transport_categorical(IrGraph *g, const IrRef *arg, IrRef noise)
{
    int64_t count = g->node[arg[0]].type.dim[0];
    IrRef mass = ir_node(g, IR_CUMSUM, (IrAttr){.k = {0, 0}}, 1, arg);
    IrRef u = mul(g, noise, ir_sum_all(g, arg[0]));
    if (count == 1)
        return ir_select(g, ir_binary(g, IR_LT, u, u), ir_int(g, 1), ir_int(g, 0));
    mass = ir_node(g, IR_SLICE, (IrAttr){.k = {0, 0, count - 1}}, 1, &mass);
    for (uint32_t i = 0; i < rank(g, noise); i++)
        mass = ir_expand(g, mass, i, g->node[noise].type.dim[i]);
    u = ir_expand(g, u, rank(g, u), count - 1);
    IrRef below = ir_select(g, ir_binary(g, IR_LT, mass, u), ir_int(g, 1), ir_int(g, 0));
    return ir_reduce(g, IR_SUM, below, 1u << (rank(g, below) - 1), 0);
}

static IrRef moment_categorical(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)g, (void)arg, (void)m, (void)t;
    return IR_NONE;
}

static IrRef logpdf_categorical_logits(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, ir_gather(g, arg[0], x), ir_reduce(g, IR_LOGSUMEXP, arg[0], 1, 0));
}

static IrRef transport_categorical_logits(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef top = ir_reduce(g, IR_REDUCE_MAX, arg[0], 1, 0);
    IrRef mass = exp_(g, sub(g, arg[0], ir_expand(g, top, 0, g->node[arg[0]].type.dim[0])));
    return transport_categorical(g, &mass, noise);
}

static IrRef moment_categorical_logits(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    return moment_categorical(g, arg, m, t);
}

/* ---- exponential --------------------------------------------------------------------------- */

static IrRef logpdf_exponential(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, log_(g, arg[0]), mul(g, arg[0], x));
}

static IrRef transport_exponential(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return quo(g, neg(g, log_(g, noise)), arg[0]);
}

static IrRef moment_exponential(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    IrRef mean = quo(g, ir_const(g, 1), arg[0]);
    switch (m) {
    case IR_E_MEAN: return mean;
    case IR_E_VARIANCE: return square(g, mean);
    case IR_E_LOG_MEAN: return neg(g, shift(g, log_(g, arg[0]), EULER_GAMMA));
    case IR_E_LOG_SQUARE:
        return shift(g, square(g, shift(g, log_(g, arg[0]), EULER_GAMMA)), PI * PI / 6);
    default: return IR_NONE;
    }
}

/* ---- laplace ------------------------------------------------------------------------------- */

static IrRef logpdf_laplace(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef distance = quo(g, ir_unary(g, IR_ABS, sub(g, x, arg[0])), arg[1]);
    return shift(g, neg(g, add(g, distance, log_(g, arg[1]))), -LOG_TWO);
}

/* loc - scale sign(v) log(1 - 2|v|), v = u - 1/2. */
static IrRef transport_laplace(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef v = shift(g, noise, -0.5);
    IrRef tail = ir_unary(g, IR_LOG1P, scale(g, -2, ir_unary(g, IR_ABS, v)));
    return sub(g, arg[0], mul(g, arg[1], mul(g, ir_unary(g, IR_SIGN, v), tail)));
}

static IrRef moment_laplace(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    switch (m) {
    case IR_E_MEAN: return arg[0];
    case IR_E_VARIANCE: return scale(g, 2, square(g, arg[1]));
    case IR_E_ABS: {
        IrRef d = ir_unary(g, IR_ABS, sub(g, arg[0], t));
        return add(g, d, mul(g, arg[1], exp_(g, neg(g, quo(g, d, arg[1])))));
    }
    default: return IR_NONE;
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

static IrRef logpdf_mvn(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef centred = transposed(g, sub(g, x, mean_of_events(g, arg[0], x)));
    IrRef z = ir_binary(g, IR_SOLVE_TRI, arg[1], centred);
    IrRef half_norm = scale(g, -0.5, ir_reduce(g, IR_SUM, square(g, z), 1, 0));
    IrRef log_det = ir_sum_all(g, log_(g, ir_unary(g, IR_DIAG_PART, arg[1])));
    double d = (double)g->node[arg[1]].type.dim[0];
    return shift(g, sub(g, half_norm, log_det), -d * HALF_LOG_TWO_PI);
}

static IrRef transport_mvn(IrGraph *g, const IrRef *arg, IrRef noise)
{
    const char *spec = rank(g, noise) == 2 ? "ij,kj->ki" : "ij,j->i";
    IrRef spread = ir_contract(g, spec, 0, ir_unary(g, IR_TRIL, arg[1]), noise);
    return add(g, mean_of_events(g, arg[0], noise), spread);
}

static IrRef moment_mvn(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN: return arg[0];
    case IR_E_VARIANCE: return ir_reduce(g, IR_SUM, square(g, ir_unary(g, IR_TRIL, arg[1])), 2, 0);
    default: return IR_NONE;
    }
}
