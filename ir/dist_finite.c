/* Laws of finitely many values: bernoulli, categorical, one_hot_categorical. */
#include "ir/dist.h"

/* ---- bernoulli ----------------------------------------------------------------------------- */

/* A drawn x picks one logarithm, so that p of 0 or 1 is exact; grey data in [0, 1] weighs both. */
IrRef ir_logpdf_bernoulli(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef yes = log_(g, arg[0]), no = log_(g, sub(g, ir_const(g, 1), arg[0]));
    if (g->node[x].type.elem == IR_INT)
        return ir_select(g, ir_binary(g, IR_EQ, x, ir_int(g, 1)), yes, no);
    return add(g, mul(g, x, yes), mul(g, sub(g, ir_const(g, 1), x), no));
}

IrRef ir_transport_bernoulli(IrGraph *g, const IrRef *arg, IrRef noise)
{
    return ir_select(g, ir_binary(g, IR_LT, noise, arg[0]), ir_int(g, 1), ir_int(g, 0));
}

IrRef ir_moment_bernoulli(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    switch (m) {
    case IR_E_MEAN:
        return arg[0];
    case IR_E_VARIANCE:
        return mul(g, arg[0], sub(g, ir_const(g, 1), arg[0]));
    default:
        return IR_NONE;
    }
}

IrRef ir_logpdf_bernoulli_logits(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, mul(g, ir_real(g, x), arg[0]), ir_unary(g, IR_SOFTPLUS, arg[0]));
}

IrRef ir_transport_bernoulli_logits(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef p = ir_unary(g, IR_SIGMOID, arg[0]);
    return ir_transport_bernoulli(g, &p, noise);
}

IrRef ir_moment_bernoulli_logits(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef p = ir_unary(g, IR_SIGMOID, arg[0]);
    return ir_moment_bernoulli(g, &p, m, t);
}

/* ---- categorical --------------------------------------------------------------------------- */

IrRef ir_logpdf_categorical(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, log_(g, ir_gather(g, arg[0], x)), log_(g, ir_sum_all(g, arg[0])));
}

/* The number of categories whose cumulated mass lies below u: the inverse CDF.  Strict, so that a
 * category of mass 0 at either end is never drawn; the last category needs no comparison. */
IrRef ir_transport_categorical(IrGraph *g, const IrRef *arg, IrRef noise)
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

IrRef ir_moment_categorical(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)g, (void)arg, (void)m, (void)t;
    return IR_NONE;
}

IrRef ir_logpdf_categorical_logits(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, ir_gather(g, arg[0], x), ir_reduce(g, IR_LOGSUMEXP, arg[0], 1, 0));
}

IrRef ir_transport_categorical_logits(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef top = ir_reduce(g, IR_REDUCE_MAX, arg[0], 1, 0);
    IrRef mass = exp_(g, sub(g, arg[0], ir_expand(g, top, 0, g->node[arg[0]].type.dim[0])));
    return ir_transport_categorical(g, &mass, noise);
}

IrRef ir_moment_categorical_logits(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    return ir_moment_categorical(g, arg, m, t);
}

/* ---- one_hot_categorical: x is one event [n], or rows of independent events [k, n] -------------
 */

/* The element of a that the one in x marks. */
static IrRef marked(IrGraph *g, IrRef a, IrRef x)
{
    return ir_contract(g, rank(g, x) == 2 ? "kn,n->k" : "n,n->", 0, ir_real(g, x), a);
}

IrRef ir_logpdf_one_hot_categorical(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, log_(g, marked(g, arg[0], x)), log_(g, ir_sum_all(g, arg[0])));
}

IrRef ir_transport_one_hot_categorical(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef category = ir_transport_categorical(g, arg, noise);
    return ir_one_hot(g, category, g->node[arg[0]].type.dim[0]);
}

static IrRef moment_of_shares(IrGraph *g, IrRef share, IrMoment m)
{
    switch (m) {
    case IR_E_MEAN:
        return share;
    case IR_E_VARIANCE:
        return mul(g, share, sub(g, ir_const(g, 1), share));
    default:
        return IR_NONE;
    }
}

IrRef ir_moment_one_hot_categorical(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    (void)t;
    return moment_of_shares(g, quo(g, arg[0], ir_sum_all(g, arg[0])), m);
}

IrRef ir_logpdf_one_hot_categorical_logits(IrGraph *g, const IrRef *arg, IrRef x)
{
    return sub(g, marked(g, arg[0], x), ir_reduce(g, IR_LOGSUMEXP, arg[0], 1, 0));
}

IrRef ir_transport_one_hot_categorical_logits(IrGraph *g, const IrRef *arg, IrRef noise)
{
    IrRef category = ir_transport_categorical_logits(g, arg, noise);
    return ir_one_hot(g, category, g->node[arg[0]].type.dim[0]);
}

IrRef ir_moment_one_hot_categorical_logits(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t)
{
    IrRef norm = ir_reduce(g, IR_LOGSUMEXP, arg[0], 1, 0);
    norm = ir_expand(g, norm, 0, g->node[arg[0]].type.dim[0]);
    (void)t;
    return moment_of_shares(g, exp_(g, sub(g, arg[0], norm)), m);
}
