/* REBAR: the score estimator of a draw b, with what the costs would be if b were soft as a control
 * variate.
 *
 * b is decided by a continuous z: a bit is z > 0 for z = log-odds + logistic noise, a category is
 * the largest of z_i = log p_i + Gumbel noise.  With s = sigmoid(z / temperature), or softmax, f(s)
 * is near f(b), and its expectation has two derivatives: through z as it was drawn, with the noise
 * held, and through z as it is drawn given b, with that noise held, and the score of b.  So
 *
 *   (f(b) - scale f(s)) d log p(b) + scale d f(s)
 *
 * has the expectation of f(b) d log p(b) for any temperature and scale, if d s is the derivative of
 * the first kind less that of the second.  (Tucker, Mnih, Maddison, Lawson & Sohl-Dickstein,
 * "REBAR: low-variance, unbiased gradient estimates for discrete latent variable models", 2017.)
 *
 * The two kinds may share one z, because each has its own expectation: the noise of the second is
 * what would have drawn the same z given b.  Then the costs are evaluated once more and not twice,
 * what else moves in them is the same in both, and cancels, and d z has closed forms:
 *
 *   a bit        u the noise, 1 where u < p       d z = d p / (p (1 - u)) for 1, d p / ((1 - p) u)
 *   a category   E exponential, k what was drawn  z_i = log p_i - log D_i,  d z_i = (E_k / D_i) d p_i,
 *                                                 D_i = E_i [i is not k] + p_i E_k
 *
 * estimators.md E9. */
#include "passes/estimator.h"

static bool is_bit(const EsDraw *d)
{
    return ir_dist_info[d->law].support == IR_ZERO_ONE;
}

static IrRef one_hot(IrGraph *g, const EsDraw *d, IrRef value)
{
    IrAttr categories = {.k = {g->node[d->arg[0]].type.dim[0]}};
    return ir_node(g, IR_ONE_HOT, categories, 1, &value);
}

IrRef es_value_softened(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef value = es_value_held(p, d, n);
    if (is_bit(d))
        return value;
    IrRef hot = one_hot(g, d, value);
    if (d->estimator == IR_EST_REBAR)
        d->relaxed = hot;
    if (g->entry == IR_ENTRY_STEP && d->moved)
        d->fresh = es_base_noise(g, arena_printf(g->model->arena, "%s.soft", es_name(n)),
                                 IR_BASE_UNIFORM, g->node[hot].type, d->plates);
    return value;
}

/* ---- z ---------------------------------------------------------------------------------------- */

/* z without tangents, but for `rate` times that of `chance`. */
static IrRef tangent_of(IrGraph *g, IrRef z, IrRef rate, IrRef chance)
{
    IrRef nothing = ir_binary(g, IR_SUB, chance, ir_unary(g, IR_SAMPLED, chance));
    IrRef moves = ir_binary(g, IR_MUL, ir_unary(g, IR_SAMPLED, rate), nothing);
    return ir_binary(g, IR_ADD, ir_unary(g, IR_SAMPLED, z), moves);
}

static IrRef over_product(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_DIV, ir_const(g, 1), ir_binary(g, IR_MUL, a, b));
}

static IrRef z_of_bit(IrGraph *g, const EsDraw *d, EsSoft *s)
{
    IrRef one = ir_const(g, 1), u = d->noise, above = ir_binary(g, IR_SUB, one, u);
    IrRef logistic = ir_binary(g, IR_SUB, ir_unary(g, IR_LOG, above), ir_unary(g, IR_LOG, u));
    IrRef is_one = ir_binary(g, IR_EQ, d->value, ir_int(g, 1));
    s->hard = ir_real(g, d->value);
    s->mean = ir_dist_info[d->law].moment(g, d->arg, IR_E_MEAN, IR_NONE);
    IrRef rest = ir_binary(g, IR_SUB, one, s->mean), free = over_product(g, s->mean, rest);
    s->rate = ir_select(g, is_one, over_product(g, s->mean, above), over_product(g, rest, u));
    if (MUTATED(FREE_NOISE))
        s->rate = free;
    return ir_binary(g, IR_ADD, es_log_odds(g, d), logistic);
}

/* The probability of every category, on the last axis of the shape. */
static IrRef chances(IrGraph *g, const EsDraw *d, const IrType *shape)
{
    bool logits = d->law == IR_DIST_categorical_logits;
    IrDist events = logits ? IR_DIST_one_hot_categorical_logits : IR_DIST_one_hot_categorical;
    IrRef p = ir_dist_info[events].moment(g, d->arg, IR_E_MEAN, IR_NONE);
    for (uint32_t i = 0; i + 1 < shape->rank; i++)
        p = ir_expand(g, p, i, shape->dim[i]);
    return p;
}

static IrRef z_of_category(IrGraph *g, const EsDraw *d, EsSoft *s)
{
    s->hard = one_hot(g, d, d->value);
    IrType shape = g->node[s->hard].type;
    uint32_t last = shape.rank - 1;
    IrRef e = ir_unary(g, IR_NEG, ir_unary(g, IR_LOG, d->fresh));
    IrRef drawn = ir_binary(g, IR_MUL, e, s->hard), others = ir_binary(g, IR_SUB, e, drawn);
    drawn = ir_expand(g, ir_reduce(g, IR_SUM, drawn, 1u << last, 0), last, shape.dim[last]);
    s->mean = chances(g, d, &shape);
    IrRef sum = ir_binary(g, IR_ADD, others, ir_binary(g, IR_MUL, s->mean, drawn));
    s->rate = ir_binary(g, IR_DIV, drawn, sum);
    return ir_binary(g, IR_SUB, ir_unary(g, IR_LOG, s->mean), ir_unary(g, IR_LOG, sum));
}

EsSoft es_soften(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    EsSoft s;
    g->in_region = g->node[d->value].region;
    IrRef z = is_bit(d) ? z_of_bit(g, d, &s) : z_of_category(g, d, &s);
    z = ir_binary(g, IR_DIV, tangent_of(g, z, s.rate, s.mean), ir_const(g, d->temperature));
    s.soft = is_bit(d) ? ir_unary(g, IR_SIGMOID, z) : es_softmax(g, z);
    g->in_region = 0;
    return s;
}

/* ---- the term --------------------------------------------------------------------------------- */

static EsWorld *soft_world(EsProgram *p, const EsDraw *d)
{
    EsChange c = {.node = d->relaxed == IR_NONE ? d->value : d->relaxed,
                  .value = es_soften(p, d).soft,
                  .where = IR_NONE,
                  .index = IR_NONE};
    return es_soft_world(p, &c, 1);
}

/* The derivative of all costs that the draw reaches, where it is soft. */
static void seed_costs(EsProgram *p, uint32_t i, EsWorld *soft)
{
    IrGraph *g = p->g;
    IrRef weight = ir_const(g, p->draw[i].scale);
    if (es_plates_of(g, IR_PLATE_ROWS))
        weight = ir_binary(g, IR_DIV, weight,
                           ir_typed(g, IR_TOTAL, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL));
    es_seed(p, es_world_costs(p, soft, i, 0), weight);
}

void es_term_rebar(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE)
        return;
    EsWorld *soft = soft_world(p, d);
    IrRef control = ir_binary(g, IR_MUL, es_downstream(p, i, soft), ir_const(g, d->scale));
    es_seed_score(p, d, es_weighed_gain(p, d, ir_binary(g, IR_SUB, f, control)));
    if (!MUTATED(LOST_CONTROL))
        seed_costs(p, i, soft);
}
