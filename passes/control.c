/* RELAX: the score estimator of a draw b, with a learned function of the softened draw s as a
 * control variate (rebar.c has s, and why d s is what it is).
 *
 *   (f(b) - c(s)) d log p(b) + d c(s),      c(s) a learned function of 2 s - 1 (net.c)
 *
 * Any c that is known before the draw is legal, whatever f is: f is not evaluated between the
 * values of b.  So its weights w are read before this step moves them.  They descend the squared
 * size of the estimate in the log-odds (of categories: the logits) of b, one sample of which is
 *
 *   g_e = (f - c) score_e + slope_e,      E |g|^2 = variance + |its mean|^2, which w does not move
 *
 * The step goes along its gradient in w, over the squared size of g's own derivative in w, so that
 * it goes towards the minimum at any scale of costs.  (Grathwohl, Choi, Wu, Roeder & Duvenaud,
 * "Backpropagation through the void: optimizing control variates for black-box gradient
 * estimation", 2018.)  estimators.md E9. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

typedef struct Control {
    EsProgram *p;
    const EsDraw *d;
    EsSoft soft;
    bool events;  /* the last axis is one event's, whose elements sum to 1 */
    IrType shape; /* of the softened draw */
    EsNet net;    /* of 2 s - 1, as a vector */
    IrRef turns;  /* of the elements in z, times that of z in the logits */
    IrRef score;
} Control;

static IrRef mul(const Control *c, IrRef a, IrRef b)
{
    return ir_binary(c->p->g, IR_MUL, a, b);
}

static IrRef sub(const Control *c, IrRef a, IrRef b)
{
    return ir_binary(c->p->g, IR_SUB, a, b);
}

static IrRef times(const Control *c, IrRef a, double by)
{
    return mul(c, a, ir_const(c->p->g, by));
}

/* v less `share` times the sum of its event. */
static IrRef less_event(const Control *c, IrRef v, IrRef in_sum, IrRef share)
{
    IrGraph *g = c->p->g;
    uint32_t last = c->shape.rank - 1;
    IrRef sum = ir_reduce(g, IR_SUM, in_sum, 1u << last, 0);
    return sub(c, v, mul(c, share, ir_expand(g, sum, last, c->shape.dim[last])));
}

/* The gradient of sum v x in the logits, for the given derivative of s. */
static IrRef slope(const Control *c, IrRef v)
{
    if (!c->events)
        return mul(c, c->turns, v);
    IrRef one = ir_const(c->p->g, 1), mean = mul(c, c->soft.soft, v);
    IrRef moved = mul(c, c->turns, less_event(c, v, mean, one));
    return less_event(c, moved, moved, c->soft.mean);
}

/* The transpose of `slope`. */
static IrRef slope_back(const Control *c, IrRef v)
{
    if (!c->events)
        return mul(c, c->turns, v);
    IrRef one = ir_const(c->p->g, 1), mean = mul(c, c->soft.mean, v);
    IrRef moved = mul(c, c->turns, less_event(c, v, mean, one));
    return less_event(c, moved, moved, c->soft.soft);
}

/* The elements as a vector, and back. */
static IrRef flat(const Control *c, IrRef v)
{
    IrGraph *g = c->p->g;
    IrType line = {.elem = IR_REAL,
                   .plates = g->node[v].type.plates,
                   .rank = 1,
                   .dim = {ir_elements(&c->shape)}};
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, line, 1, &v);
}

static IrRef shaped(const Control *c, IrRef v)
{
    IrType whole = c->shape;
    whole.plates = c->p->g->node[v].type.plates;
    return ir_typed(c->p->g, IR_RESHAPE, (IrAttr){0}, whole, 1, &v);
}

static Control begin(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    Control c = {.p = p, .d = d, .soft = es_soften(p, d)};
    IrRef s = c.soft.soft, one = ir_const(g, 1), mean = c.soft.mean;
    c.shape = g->node[s].type;
    c.events = ir_dist_info[d->law].support != IR_ZERO_ONE;
    c.net = es_net(p, d, flat(&c, sub(&c, times(&c, s, 2), one)));
    c.score = sub(&c, c.soft.hard, mean);
    IrRef chance = mul(&c, c.soft.rate, mean);
    c.turns = times(&c, mul(&c, s, chance), 2 / d->temperature);
    if (!c.events)
        c.turns = mul(&c, c.turns, mul(&c, sub(&c, one, s), sub(&c, one, mean)));
    return c;
}

static IrRef size(const Control *c, IrRef v)
{
    return ir_sum_all(c->p->g, ir_unary(c->p->g, IR_SQUARE, v));
}

/* At least the squared size of the derivative of g in the weights, but for a small factor. */
static IrRef curvature(const Control *c)
{
    IrGraph *g = c->p->g;
    IrRef scores = ir_binary(g, IR_ADD, ir_const(g, 1), size(c, c->score));
    IrRef turns = mul(c, times(c, size(c, c->turns), 4), es_net_bend(g, &c->net));
    return ir_binary(g, IR_ADD, mul(c, scores, es_net_size(g, &c->net)), turns);
}

/* Returns the constant after this step. */
static IrRef learn(const Control *c, IrRef rest)
{
    IrGraph *g = c->p->g;
    IrRef along_x = slope(c, shaped(c, es_net_slope(g, &c->net)));
    IrRef estimate = ir_binary(g, IR_ADD, mul(c, rest, c->score), along_x), over = curvature(c);
    IrRef along = ir_sum_all(g, mul(c, estimate, c->score));
    IrRef turn = ir_unary(g, IR_NEG, flat(c, slope_back(c, estimate)));
    return es_net_learn(c->p, c->d, &c->net, ir_binary(g, IR_DIV, along, over),
                        ir_binary(g, IR_DIV, turn, over));
}

void es_term_relax(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE)
        return;
    Control c = begin(p, d);
    IrRef control = c.net.value;
    IrRef rest = sub(&c, f, control), after = learn(&c, rest);
    if (MUTATED(EAGER_CONTROL))
        rest = sub(&c, rest, sub(&c, after, c.net.constant));
    es_seed_score(p, d, es_weighed_gain(p, d, rest));
    es_seed(p, control, es_weighed_gain(p, d, ir_const(g, 1)));
}
