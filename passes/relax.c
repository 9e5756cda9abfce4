/* Biased estimators of discrete draws: what reads the draw reads another value, which has a
 * tangent.
 *
 * straight_through: the draw itself, plus its mean less its mean, of which only the first has a
 * tangent (Bengio, Leonard & Courville, 2013).
 *
 * gumbel_softmax: a point between the values, softmax((log p + Gumbel) / temperature), which is
 * near the draw at low temperatures (Jang, Gu & Poole, 2017; Maddison, Mnih & Teh, 2017).  The cost
 * that is evaluated is that of the draw itself.
 *
 * estimators.md E11: neither has the gradient's expectation, and the graph says `biased`. */
#include "passes/estimator.h"

static bool is_category(const EsDraw *d)
{
    return ir_dist_info[d->law].support == IR_CATEGORIES;
}

/* The log-probability of every category, on a new last axis of the draw's shape. */
static IrRef log_chances(IrGraph *g, const EsDraw *d, const IrType *shape)
{
    int64_t values = g->node[d->arg[0]].type.dim[0];
    IrType line = {.elem = IR_INT, .rank = 1, .dim = {values}};
    IrRef one = ir_typed(g, IR_CONST, (IrAttr){.num = 1}, line, 0, NULL);
    IrRef index = ir_node(g, IR_CUMSUM, (IrAttr){0}, 1, &one);
    index = ir_binary(g, IR_SUB, index, ir_int(g, 1));
    IrRef l = ir_dist_info[d->law].logpdf(g, d->arg, index);
    for (uint32_t i = 0; i < shape->rank; i++)
        l = ir_expand(g, l, i, shape->dim[i]);
    return l;
}

IrRef es_log_odds(IrGraph *g, const EsDraw *d)
{
    const IrDistInfo *law = &ir_dist_info[d->law];
    return ir_binary(g, IR_SUB, law->logpdf(g, d->arg, ir_int(g, 1)),
                     law->logpdf(g, d->arg, ir_int(g, 0)));
}

/* v plus nothing, with the tangent of `mean`. */
static IrRef with_tangent(IrGraph *g, IrRef v, IrRef mean)
{
    IrRef nothing = ir_binary(g, IR_SUB, mean, ir_unary(g, IR_SAMPLED, mean));
    return ir_binary(g, IR_ADD, v, nothing);
}

static IrRef hard(IrGraph *g, const EsDraw *d, IrRef value)
{
    if (!is_category(d))
        return ir_real(g, value);
    IrAttr size = {.k = {g->node[d->arg[0]].type.dim[0]}};
    return ir_node(g, IR_ONE_HOT, size, 1, &value);
}

IrRef es_value_straight(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef value = es_value_held(p, d, n);
    IrRef mean = is_category(d) ? ir_unary(g, IR_EXP, log_chances(g, d, &n->type))
                                : ir_dist_info[d->law].moment(g, d->arg, IR_E_MEAN, IR_NONE);
    d->relaxed = with_tangent(g, hard(g, d, value), mean);
    return value;
}

IrRef es_softmax(IrGraph *g, IrRef v)
{
    uint32_t last = g->node[v].type.rank - 1;
    IrRef norm = ir_reduce(g, IR_LOGSUMEXP, v, 1u << last, 0);
    norm = ir_expand(g, norm, last, g->node[v].type.dim[last]);
    return ir_unary(g, IR_EXP, ir_binary(g, IR_SUB, v, norm));
}

static IrRef soft_category(IrGraph *g, EsDraw *d, const IrNode *n)
{
    IrRef l = log_chances(g, d, &n->type);
    IrRef u = es_base_noise(g, es_name(n), IR_BASE_UNIFORM, g->node[l].type, d->plates);
    IrRef exponential = ir_unary(g, IR_NEG, ir_unary(g, IR_LOG, u));
    IrRef race = ir_binary(g, IR_SUB, l, ir_unary(g, IR_LOG, exponential));
    return es_softmax(g, ir_binary(g, IR_DIV, race, ir_const(g, d->temperature)));
}

static IrRef soft_bit(IrGraph *g, EsDraw *d)
{
    IrRef u = d->noise, rest = ir_binary(g, IR_SUB, ir_const(g, 1), u);
    IrRef logistic = ir_binary(g, IR_SUB, ir_unary(g, IR_LOG, rest), ir_unary(g, IR_LOG, u));
    IrRef race = ir_binary(g, IR_ADD, es_log_odds(g, d), logistic);
    return ir_unary(g, IR_SIGMOID, ir_binary(g, IR_DIV, race, ir_const(g, d->temperature)));
}

IrRef es_value_relaxed(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef value = es_value_held(p, d, n);
    if (g->entry == IR_ENTRY_STEP)
        d->relaxed = is_category(d) ? soft_category(g, d, n) : soft_bit(g, d);
    return value;
}
