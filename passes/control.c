/* RELAX: the score estimator of a draw b, with a learned function of the softened draw s as a
 * control variate (rebar.c has s, and why d s is what it is).
 *
 *   (f(b) - c(s)) d log p(b) + d c(s),      c(s) = w_0 + sum over elements e of w_e (2 s_e - 1)
 *
 * Any c that is known before the draw is legal, whatever f is: f is not evaluated between the values
 * of b.  So the weights w are read before this step moves them.  They descend the squared size of
 * the estimate in the log-odds (of categories: the logits) of b, one sample of which is
 *
 *   g_e = (f - c) score_e + slope_e,      E |g|^2 = variance + |its mean|^2, which w does not move
 *
 * and linear in w, so that a step along its gradient, over the squared size of g's own derivative
 * in w, goes towards the minimum at any scale of costs.  (Grathwohl, Choi, Wu, Roeder & Duvenaud,
 * "Backpropagation through the void: optimizing control variates for black-box gradient
 * estimation", 2018, with a neural network where this is linear.)  estimators.md E9. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

#define RATE 0.1

typedef struct Control {
    EsProgram *p;
    const EsDraw *d;
    EsSoft soft;
    bool events;    /* the last axis is one event's, whose elements sum to 1 */
    IrType shape;   /* of the softened draw */
    IrRef constant, *weight; /* states */
    IrRef all;      /* the weights, of that shape */
    IrRef x;        /* 2 s - 1 */
    IrRef turns;    /* of the elements in z, times that of z in the logits */
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

static void add_weights(Control *c)
{
    IrGraph *g = c->p->g;
    uint32_t count = (uint32_t)ir_elements(&c->shape);
    IrRef *part = arena_array(g->model->arena, IrRef, count + 1);
    c->weight = arena_array(g->model->arena, IrRef, count + 1);
    c->constant = es_learned(c->p, c->d, 0);
    for (uint32_t e = 0; e < count; e++) {
        c->weight[e] = es_learned(c->p, c->d, e + 1);
        part[e] = ir_expand(g, c->weight[e], 0, 1);
    }
    IrType whole = c->shape;
    whole.plates = 0;
    IrRef all = ir_node(g, IR_CONCAT, (IrAttr){0}, count, part);
    c->all = ir_typed(g, IR_RESHAPE, (IrAttr){0}, whole, 1, &all);
}

static Control begin(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    Control c = {.p = p, .d = d, .soft = es_soften(p, d)};
    IrRef s = c.soft.soft, one = ir_const(g, 1), mean = c.soft.mean;
    c.shape = g->node[s].type;
    c.events = ir_dist_info[d->law].support != IR_ZERO_ONE;
    c.x = sub(&c, times(&c, s, 2), one);
    c.score = sub(&c, c.soft.hard, mean);
    IrRef chance = mul(&c, c.soft.rate, mean);
    c.turns = times(&c, mul(&c, s, chance), 2 / d->temperature);
    if (!c.events)
        c.turns = mul(&c, c.turns, mul(&c, sub(&c, one, s), sub(&c, one, mean)));
    add_weights(&c);
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
    IrRef one = ir_const(g, 1);
    IrRef scores = ir_binary(g, IR_ADD, one, size(c, c->score));
    IrRef inputs = ir_binary(g, IR_ADD, one, size(c, c->x));
    return ir_binary(g, IR_ADD, mul(c, scores, inputs), times(c, size(c, c->turns), 4));
}

/* One element of a vector of sums. */
static IrRef element(const Control *c, IrRef v, uint32_t e)
{
    IrGraph *g = c->p->g;
    IrType flat = {.elem = IR_REAL, .rank = 1, .dim = {ir_elements(&c->shape)}};
    IrRef line = ir_typed(g, IR_RESHAPE, (IrAttr){0}, flat, 1, &v);
    IrRef one = ir_node(g, IR_SLICE, (IrAttr){.k = {0, e, e + 1}}, 1, &line);
    return ir_sum_all(g, one);
}

static IrRef moved(const Control *c, IrRef weight, IrRef step)
{
    IrRef after = ir_binary(c->p->g, IR_ADD, weight, times(c, step, RATE));
    es_learn(c->p, weight, after);
    return after;
}

/* Returns the constant after this step. */
static IrRef learn(const Control *c, IrRef rest)
{
    IrGraph *g = c->p->g;
    IrRef estimate = ir_binary(g, IR_ADD, mul(c, rest, c->score), slope(c, c->all));
    IrRef common = ir_sum_all(g, mul(c, estimate, c->score)), over = curvature(c);
    IrRef step = sub(c, mul(c, common, c->x), slope_back(c, estimate));
    step = es_mean(c->p, ir_binary(g, IR_DIV, step, over), c->d->weighed);
    for (uint32_t e = 0; e < ir_elements(&c->shape); e++)
        moved(c, c->weight[e], element(c, step, e));
    return moved(c, c->constant, es_mean(c->p, ir_binary(g, IR_DIV, common, over), c->d->weighed));
}

void es_term_relax(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE)
        return;
    Control c = begin(p, d);
    IrRef control = ir_binary(g, IR_ADD, c.constant, ir_sum_all(g, mul(&c, c.all, c.x)));
    IrRef rest = sub(&c, f, control), after = learn(&c, rest);
    if (MUTATED(EAGER_CONTROL))
        rest = sub(&c, rest, sub(&c, after, c.constant));
    es_seed_score(p, d, es_weighed_gain(p, d, rest));
    es_seed(p, control, es_weighed_gain(p, d, ir_const(g, 1)));
}
