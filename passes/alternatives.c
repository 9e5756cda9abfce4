/* Estimators that compare what a draw is with what it might have been.
 *
 * Where a cost reads the copies of a plate together, or a later step reads the draw, copies are
 * changed one at a time (slot.c).
 *
 * Local expectation: an element of the draw is summed over its values, the others as they are; one
 * value is there already, so that the rest are the alternatives.  (Titsias & Lazaro-Gredilla,
 * "Local expectation gradients for black box variational inference", 2015.)
 *
 *   d E f = E sum over elements e, over values v other than x_e, of (f(x with x_e = v) - f(x)) d
 * p_e(v)
 *
 * Coupling: as a parameter of the law grows, the draw jumps from x to a neighbour with a known
 * rate, and f changes by what the neighbour would have cost.  Of the elements of a vector one is
 * taken, by its rate; of the trials of a multinomial draw one, all of them as likely.  (Arya,
 * Schauer, Schaefer & Rackauckas, "Automatic differentiation of programs with discrete randomness",
 * 2022.) */
#include "passes/adjoint.h"
#include "passes/estimator.h"

static IrRef flat(IrGraph *g, IrRef r)
{
    IrType t = g->node[r].type;
    if (t.rank < 2)
        return r;
    int64_t elements = ir_elements(&t);
    t.rank = 1;
    t.dim[0] = elements;
    t.dim[1] = t.dim[2] = t.dim[3] = 0;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, t, 1, &r);
}

/* One element; what has no axes is the same for all. */
static IrRef element_of(IrGraph *g, IrRef r, IrRef index)
{
    if (index == IR_NONE || g->node[r].type.rank == 0)
        return r;
    return es_element(g, flat(g, r), index);
}

/* The arguments of one element's law. */
static const IrRef *arguments_of(IrGraph *g, IrDist law, const IrRef *arg, IrRef index)
{
    const IrDistInfo *d = &ir_dist_info[law];
    IrRef *of = arena_array(g->model->arena, IrRef, d->arguments + 1);
    for (uint32_t k = 0; k < d->arguments; k++)
        of[k] = d->event ? arg[k] : element_of(g, arg[k], index);
    return of;
}

/* f with the draw changed, less f, or IR_NONE: the draw reaches no cost. */
static IrRef difference_of(EsProgram *p, uint32_t i, EsChange change)
{
    IrRef before = es_downstream(p, i, NULL);
    if (before == IR_NONE)
        return before;
    IrRef after = es_downstream(p, i, es_world(p, &change, 1));
    return MUTATED(SWAPPED_PAIR) ? ir_binary(p->g, IR_SUB, before, after)
                                 : ir_binary(p->g, IR_SUB, after, before);
}

static IrRef difference(EsProgram *p, uint32_t i, IrRef value, IrRef index)
{
    return difference_of(p, i, (EsChange){p->draw[i].value, value, IR_NONE, index});
}

/* v, and 0 where w is 0, whatever v is there. */
static IrRef if_any(IrGraph *g, IrRef w, IrRef v)
{
    IrRef zero = ir_const(g, 0);
    return ir_select(g, ir_binary(g, IR_EQ, w, zero), zero, v);
}

/* ---- local expectation ---------------------------------------------------------------------- */

/* A value other than x: the next, the one after it, and so on around. */
static IrRef other_value(IrGraph *g, const EsDraw *d, IrRef x, int64_t values)
{
    if (values == 2)
        return ir_binary(g, IR_SUB, ir_int(g, 1), x);
    IrRef v = ir_binary(g, IR_ADD, x, ir_index(g, (uint32_t)d->variant, 1)),
          all = ir_int(g, values);
    return ir_select(g, ir_binary(g, IR_LT, v, all), v, ir_binary(g, IR_SUB, v, all));
}

static void local_apart(EsProgram *p, uint32_t i, int64_t values)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    IrDist law = d->law;
    g->in_region = g->node[d->value].region;
    IrRef index = d->element < 0 ? IR_NONE : ir_index(g, (uint32_t)d->element, 0);
    IrRef other = other_value(g, d, element_of(g, d->value, index), values);
    const IrRef *arg = arguments_of(g, law, d->arg, index);
    IrRef chance = ir_unary(g, IR_EXP, ir_dist_info[law].logpdf(g, arg, other));
    g->in_region = 0;
    IrRef f = difference(p, i, other, index);
    if (f != IR_NONE)
        es_seed(p, chance, if_any(g, chance, es_weighed_gain(p, d, f)));
}

/* f with one slot replaced, less f, of the draw's shape: for each of its copies and elements. */
static IrRef differences(EsProgram *p, uint32_t i, IrRef other)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    EsSlots s = es_slots(p, i);
    IrPlates kept = d->weighed & ~s.together;
    EsChange change = {d->value, other, es_slot_mark(g, &s), IR_NONE};
    IrRef before = es_world_costs(p, NULL, i, kept);
    if (before == IR_NONE)
        return before;
    IrRef after = es_by_slot(g, &s, es_world_costs(p, es_world(p, &change, 1), i, kept), -1);
    IrRef f = MUTATED(SWAPPED_PAIR) ? ir_binary(g, IR_SUB, before, after)
                                    : ir_binary(g, IR_SUB, after, before);
    s.type.elem = IR_REAL;
    s.type.plates = g->node[f].type.plates;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, s.type, 1, &f);
}

static void local_together(EsProgram *p, uint32_t i, int64_t values)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    g->in_region = g->node[d->value].region;
    IrRef other = other_value(g, d, d->value, values);
    IrRef chance = ir_unary(g, IR_EXP, ir_dist_info[d->law].logpdf(g, d->arg, other));
    g->in_region = 0;
    IrRef f = differences(p, i, other);
    if (f != IR_NONE)
        es_seed(p, chance, if_any(g, chance, es_weighed_gain(p, d, f)));
}

void es_term_local(EsProgram *p, uint32_t i)
{
    const IrNode *sample = &p->source->node[p->draw[i].node];
    int64_t values = ir_dist_values(p->source, p->draw[i].law, sample->in);
    bool together = es_read_together(p->source, p->live, &p->reach[i]) & p->draw[i].plates;
    (together ? local_together : local_apart)(p, i, values);
}

/* ---- couplings ------------------------------------------------------------------------------ */

/* As `parameter` grows, the draw jumps to `neighbour`, at this rate; a negative one as it falls. */
typedef struct Coupling {
    IrRef parameter, rate, neighbour;
} Coupling;

/* Towards the rarer value, which the other turns into at a rate near 1. */
static Coupling couple_bernoulli(IrGraph *g, IrRef p, IrRef x)
{
    IrRef one = ir_const(g, 1), zero = ir_const(g, 0), rest = ir_binary(g, IR_SUB, one, p);
    IrRef is_one = ir_binary(g, IR_EQ, x, ir_int(g, 1));
    IrRef rise = MUTATED(PLAIN_RATE) ? one : ir_binary(g, IR_DIV, one, rest);
    IrRef rises = ir_select(g, is_one, zero, rise);
    IrRef falls = ir_select(g, is_one, ir_binary(g, IR_DIV, one, p), zero);
    IrRef rare = ir_binary(g, IR_LE, p, rest);
    return (Coupling){.parameter = p,
                      .rate = ir_select(g, rare, rises, ir_unary(g, IR_NEG, falls)),
                      .neighbour = ir_binary(g, IR_SUB, ir_int(g, 1), x)};
}

/* One event more: as likely whatever there was. */
static Coupling couple_poisson(IrGraph *g, IrRef rate, IrRef x)
{
    return (Coupling){rate, ir_const(g, 1), ir_binary(g, IR_ADD, x, ir_int(g, 1))};
}

/* The more likely the end, the sooner it comes: one failure less for each chance of it. */
static Coupling couple_geometric(IrGraph *g, IrRef p, IrRef x)
{
    IrRef one = ir_int(g, 1), more = ir_binary(g, IR_ADD, x, one);
    IrRef rate = ir_binary(g, IR_DIV, ir_real(g, more), p);
    return (Coupling){p, ir_unary(g, IR_NEG, rate), more};
}

/* A failure becomes a success, or where successes are the more common the other way. */
static Coupling couple_binomial(IrGraph *g, const IrRef *arg, IrRef x)
{
    IrRef p = arg[1], rest = ir_binary(g, IR_SUB, ir_const(g, 1), p), one = ir_int(g, 1);
    IrRef failures = ir_binary(g, IR_SUB, arg[0], ir_real(g, x));
    IrRef rises = ir_binary(g, IR_DIV, failures, rest);
    IrRef falls = ir_unary(g, IR_NEG, ir_binary(g, IR_DIV, ir_real(g, x), p));
    IrRef rare = ir_binary(g, IR_LE, p, rest), rate = ir_select(g, rare, rises, falls);
    IrRef next = ir_select(g, rare, ir_binary(g, IR_ADD, x, one), ir_binary(g, IR_SUB, x, one));
    IrRef none = ir_binary(g, IR_EQ, rate, ir_const(g, 0)); /* no value beyond 0 and n */
    return (Coupling){p, rate, ir_select(g, none, x, next)};
}

/* Categories as masses: only their ratios count. */
static IrRef masses(IrGraph *g, const EsDraw *d)
{
    IrRef a = d->arg[0];
    if (d->law == IR_DIST_categorical)
        return a;
    IrRef top = ir_reduce(g, IR_REDUCE_MAX, a, 1, 0);
    top = ir_expand(g, top, 0, g->node[a].type.dim[0]);
    return ir_unary(g, IR_EXP, ir_binary(g, IR_SUB, a, top));
}

/* Categories have no order, and mass that went from one to the next would pass through rare ones,
 * at a rate without bound.  So what a category gains the likeliest loses, and the rate is that of
 * the log-probability: where the likeliest has most of the mass it turns into one of the others,
 * else they turn into it. */
static Coupling couple_category(EsProgram *p, const EsDraw *d, IrRef x)
{
    IrGraph *g = p->g;
    IrRef zero = ir_const(g, 0), mass = masses(g, d);
    IrRef likeliest = ir_node(g, IR_ARGMAX, (IrAttr){.axes = 1}, 1, &mass);
    IrRef mark = ir_one_hot(g, likeliest, g->node[mass].type.dim[0]);
    IrRef others = ir_select(g, ir_binary(g, IR_EQ, mark, ir_int(g, 1)), zero, mass);
    IrRef most = ir_gather(g, mass, likeliest), rest = ir_sum_all(g, others);

    IrNode as = {.attr.dist = IR_DIST_categorical, .type = g->node[x].type};
    as.name = arena_printf(g->model->arena, "%s.other", es_name(&p->source->node[d->node]));
    IrRef noise = es_noise(p, &as, &others, d->plates);
    IrRef other = ir_dist_info[IR_DIST_categorical].transport(g, &others, noise);

    IrRef is_likeliest = ir_binary(g, IR_EQ, x, likeliest);
    IrRef leave = MUTATED(SURE_LEAVE) ? ir_const(g, 1) : ir_binary(g, IR_DIV, rest, most);
    IrRef leaves = ir_select(g, is_likeliest, leave, zero);
    IrRef joins = ir_select(g, is_likeliest, zero, ir_const(g, -1));
    IrRef rate = ir_select(g, ir_binary(g, IR_LE, rest, most), leaves, joins);
    IrRef gains = ir_select(g, ir_binary(g, IR_LT, zero, rate), other, x);
    return (Coupling){.parameter = ir_dist_info[d->law].logpdf(g, d->arg, gains),
                      .rate = rate,
                      .neighbour = ir_select(g, is_likeliest, other, likeliest)};
}

/* The category of one trial: the first whose running count is beyond the trial's number. */
static IrRef category_of_trial(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    IrRef count = ir_real(g, d->value);
    uint32_t last = g->node[count].type.rank - 1;
    int64_t size = g->node[count].type.dim[last];
    IrType slots = ir_slot_type(d->law, &g->node[d->value].type);
    const char *name =
        arena_printf(g->model->arena, "%s.trial", es_name(&p->source->node[d->node]));
    IrRef u = es_base_noise(g, name, IR_BASE_UNIFORM, slots, d->plates);
    u = ir_binary(g, IR_MUL, u, d->arg[0]);
    if (size == 1)
        return ir_select(g, ir_binary(g, IR_LT, u, u), ir_int(g, 1), ir_int(g, 0));
    IrRef before = ir_node(g, IR_CUMSUM, (IrAttr){.k = {last}}, 1, &count);
    before = ir_node(g, IR_SLICE, (IrAttr){.k = {last, 0, size - 1}}, 1, &before);
    IrRef beyond = ir_binary(g, IR_LE, before, ir_expand(g, u, last, size - 1));
    IrRef passed = ir_select(g, beyond, ir_int(g, 1), ir_int(g, 0));
    return ir_reduce(g, IR_SUM, passed, 1u << last, 0);
}

/* Each trial is a category of its own: one is taken for all of them. */
static Coupling couple_multinomial(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    EsDraw trial = *d;
    trial.law = IR_DIST_categorical;
    trial.arg = &d->arg[1];
    int64_t size = g->node[d->arg[1]].type.dim[0];
    IrRef was = category_of_trial(p, d);
    Coupling c = couple_category(p, &trial, was);
    IrRef others = ir_binary(g, IR_SUB, d->value, ir_one_hot(g, was, size));
    c.neighbour = ir_binary(g, IR_ADD, others, ir_one_hot(g, c.neighbour, size));
    c.rate = ir_binary(g, IR_MUL, d->arg[0], c.rate);
    return c;
}

static Coupling couple(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    const IrRef *arg = d->arg;
    IrRef x = d->value;
    switch (d->law) {
    case IR_DIST_categorical:
    case IR_DIST_categorical_logits:
        return couple_category(p, d, x);
    case IR_DIST_multinomial:
        return couple_multinomial(p, d);
    case IR_DIST_poisson:
        return couple_poisson(g, arg[0], x);
    case IR_DIST_geometric:
        return couple_geometric(g, arg[0], x);
    case IR_DIST_binomial:
        return couple_binomial(g, arg, x);
    default: /* bernoulli, by p or logits */
        return couple_bernoulli(g, ir_dist_info[d->law].moment(g, arg, IR_E_MEAN, IR_NONE), x);
    }
}

static void couple_scalar(EsProgram *p, uint32_t i, Coupling c)
{
    IrRef f = difference(p, i, c.neighbour, IR_NONE);
    if (f == IR_NONE)
        return;
    IrRef share = es_weighed_gain(p, &p->draw[i], ir_binary(p->g, IR_MUL, c.rate, f));
    es_seed(p, c.parameter, if_any(p->g, c.rate, share));
}

/* An element, with the chance that its rate has among all. */
static IrRef pick_element(EsProgram *p, const EsDraw *d, IrRef rates)
{
    IrGraph *g = p->g;
    const IrDistInfo *pick = &ir_dist_info[IR_DIST_categorical];
    IrNode as = {.attr.dist = IR_DIST_categorical, .type = ir_scalar_type(IR_INT, 0)};
    as.name = arena_printf(g->model->arena, "%s.element", es_name(&p->source->node[d->node]));
    return pick->transport(g, &rates, es_noise(p, &as, &rates, d->plates));
}

/* The draw with one element as its neighbour; or with one event, all of it. */
static EsChange change_at(IrGraph *g, const EsDraw *d, IrRef neighbour, IrRef index)
{
    IrType value = g->node[d->value].type, slots = ir_slot_type(d->law, &value);
    if (slots.rank == value.rank)
        return (EsChange){d->value, element_of(g, neighbour, index), IR_NONE, index};
    IrRef mark = ir_one_hot(g, index, ir_elements(&slots));
    mark = ir_expand(g, mark, slots.rank, value.dim[slots.rank]);
    return (EsChange){d->value, neighbour, ir_binary(g, IR_EQ, mark, ir_int(g, 1)), IR_NONE};
}

static void couple_vector(EsProgram *p, uint32_t i, Coupling c)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    IrType shape = ir_slot_type(d->law, &g->node[d->value].type);
    g->in_region = g->node[d->value].region;
    IrRef rates = flat(g, es_shape_as(g, ir_unary(g, IR_ABS, c.rate), &shape));
    IrRef index = pick_element(p, d, rates), total = ir_sum_all(g, rates);
    IrRef rate = element_of(g, c.rate, index);
    EsChange change = change_at(g, d, c.neighbour, index);
    g->in_region = 0;
    IrRef f = difference_of(p, i, change);
    if (f == IR_NONE)
        return;
    IrRef share = ir_binary(g, IR_MUL, ir_unary(g, IR_SIGN, rate), ir_binary(g, IR_MUL, total, f));
    share = if_any(g, total, es_weighed_gain(p, d, share));
    if (g->node[c.parameter].type.rank > 0)
        c.parameter = element_of(g, c.parameter, index);
    es_seed(p, c.parameter, share);
}

/* All slots, one at a time. */
static void couple_together(EsProgram *p, uint32_t i, Coupling c)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    IrRef f = differences(p, i, c.neighbour);
    if (f == IR_NONE)
        return;
    IrRef share = es_weighed_gain(p, d, ir_binary(g, IR_MUL, c.rate, f));
    share = if_any(g, c.rate, share);
    IrType from = ir_slot_type(d->law, &g->node[d->value].type), to = g->node[c.parameter].type;
    from.plates = d->plates;
    es_seed(p, c.parameter, es_share(g, share, &from, &to));
}

void es_term_coupled(EsProgram *p, uint32_t i)
{
    const EsDraw *d = &p->draw[i];
    IrType slots = ir_slot_type(d->law, &p->g->node[d->value].type);
    p->g->in_region = p->g->node[d->value].region;
    Coupling c = couple(p, d);
    p->g->in_region = 0;
    if (es_read_together(p->source, p->live, &p->reach[i]) & d->plates)
        couple_together(p, i, c);
    else if (slots.rank == 0)
        couple_scalar(p, i, c);
    else
        couple_vector(p, i, c);
}
