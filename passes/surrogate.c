/* What is summed: the objective, the score terms and their baselines.
 *
 *   objective = 1/N sum over costs c of  sum over its copies of  w(c) c
 *   gradient  = d objective + sum over score draws i, over their copies, of  w(i) (f_i - b_i) d log
 * p_i
 *
 * A copy's weight w is the product of what its plates weigh: rows N/B, samples 1/K, an enumerated
 * value its probability, the others 1.  f_i is the sum of the costs that the draw's copy reaches,
 * weighed by the plates that the draw does not have itself.  (Schulman, Heess, Weber & Abbeel,
 * "Gradient estimation using stochastic computation graphs", 2015, theorem 1; leave-one-out: Kool,
 * van Hoof & Welling, 2019.) */
#include "passes/adjoint.h"
#include "passes/estimator.h"

#include <string.h>

#define MEMORY 0.9 /* of a moving average, a step */

static IrRef divide_by(IrGraph *g, IrRef a, IrOp count)
{
    IrRef n = ir_typed(g, count, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
    return ir_binary(g, IR_DIV, a, n);
}

/* ---- objective ------------------------------------------------------------------------------ */

/* N/B 1/N is written 1/B. */
static IrRef per_row(EsProgram *p, IrRef v, IrPlates plates)
{
    IrGraph *g = p->g;
    IrPlates rows = es_plates_of(g, IR_PLATE_ROWS);
    if (!rows)
        return es_weighed_sum(p, NULL, v, plates);
    if (!(plates & rows))
        return divide_by(g, es_weighed_sum(p, NULL, v, plates),
                         MUTATED(OTHER_COUNT) ? IR_ROWS : IR_TOTAL);
    v = es_weighed_sum(p, NULL, v, plates & ~rows);
    bool has_rows = (g->node[v].type.plates & rows) != 0;
    return has_rows ? divide_by(g, es_sum_plates(g, v, rows), IR_ROWS) : v;
}

/* A cost as it was written: the sum of its terms. */
static IrRef whole_cost(EsProgram *p, uint32_t first)
{
    IrGraph *g = p->g;
    IrRef sum = IR_NONE;
    for (uint32_t i = first; i < p->costs; i++) {
        EsCost *c = &p->cost[i];
        if (c->attr.item != p->cost[first].attr.item)
            continue;
        IrRef v = per_row(p, MISTAKEN(LEFT_OUT, g, c->value), c->plates);
        sum = sum == IR_NONE ? v : ir_binary(g, IR_ADD, sum, v);
    }
    return sum;
}

/* 0, but not a number where an argument of a draw lies outside of its domain: an integer cannot say
 * so itself. */
static IrRef watched(IrGraph *g, const EsDraw *d, IrRef total)
{
    for (uint32_t k = 0; k < ir_dist_info[d->law].arguments; k++) {
        IrRef arg = d->arg[k];
        bool is_bounded = ir_op_info[g->node[arg].op].flags & IR_DOMAIN;
        if (ir_dist_info[d->law].elem != IR_INT || !is_bounded)
            continue;
        IrRef zero = ir_sum_all(g, ir_binary(g, IR_SUB, arg, arg));
        total = ir_binary(g, IR_ADD, total, es_sum_plates(g, zero, g->node[zero].type.plates));
    }
    return total;
}

static IrRef objective(EsProgram *p)
{
    IrGraph *g = p->g;
    IrRef total = IR_NONE;
    for (uint32_t i = 0; i < p->costs; i++) {
        EsCost *c = &p->cost[i];
        if (!es_is_first_term(p->source, c->source))
            continue;
        g->here = c->at;
        IrRef v = whole_cost(p, i);
        IrRef cost = ir_typed(g, IR_COST, c->attr, ir_scalar_type(IR_REAL, 0), 1, &v);
        g->node[cost].why = c->why;
        total = total == IR_NONE ? v : ir_binary(g, IR_ADD, total, v);
    }
    for (uint32_t i = 0; i < p->draws; i++)
        total = watched(g, &p->draw[i], total);
    return ir_unary(g, IR_OBJECTIVE, total);
}

/* ---- baselines ------------------------------------------------------------------------------ */

IrRef es_less_others(IrGraph *g, const EsDraw *d, IrRef f)
{
    IrRef all = es_sum_plates(g, f, 1u << d->own);
    if (MUTATED(SELF_BASELINE))
        return ir_binary(g, IR_SUB, f, es_times(g, all, ir_const(g, 1 / (double)d->samples)));
    IrRef others = ir_binary(g, IR_SUB, all, f);
    return ir_binary(g, IR_SUB, f, es_times(g, others, ir_const(g, 1 / (double)(d->samples - 1))));
}

static bool has_state(const IrGraph *g, const char *name)
{
    for (uint32_t s = 0; s < g->states; s++)
        if (strcmp(g->state[s].name, name) == 0)
            return true;
    return false;
}

IrRef es_state(IrGraph *g, const char *name, IrType type, double spread)
{
    Arena *a = g->model->arena;
    const char *own = name;
    for (uint32_t k = 2; has_state(g, own); k++)
        own = arena_printf(a, "%s_%u", name, k);
    IrAttr attr = {.item = g->states};
    *arena_push(a, g->state, g->states, IrState) = (IrState){own, type, spread};
    return ir_typed(g, IR_STATE, attr, type, 0, NULL);
}

/* The average of the steps before this one, of the draw's statement. */
static IrRef moving_average(EsProgram *p, uint32_t i, IrRef f)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    for (uint32_t k = 0; k < i; k++)
        if (p->draw[k].average != IR_NONE && es_same_statement(p->source, &p->draw[k], d))
            d->average = p->draw[k].average;
    if (d->average == IR_NONE)
        d->average = es_state(g, es_name(&p->source->node[d->node]), ir_scalar_type(IR_REAL, 0), 0);
    d->mean = es_mean(p, f, d->weighed);
    if (MUTATED(EAGER_AVERAGE))
        return ir_binary(g, IR_ADD, es_times(g, d->average, ir_const(g, MEMORY)),
                         es_times(g, d->mean, ir_const(g, 1 - MEMORY)));
    return d->average;
}

/* What every moving average is after this step: the mean over the draws of its statement enters.
 * The states of learned baselines see to themselves. */
static void update_averages(EsProgram *p)
{
    IrGraph *g = p->g;
    for (uint32_t s = 0; s < g->states; s++) {
        IrRef before = IR_NONE, sum = IR_NONE;
        double draws = 0;
        for (uint32_t i = 0; i < p->draws; i++) {
            const EsDraw *d = &p->draw[i];
            if (d->average == IR_NONE || g->node[d->average].attr.item != s)
                continue;
            before = d->average;
            sum = sum == IR_NONE ? d->mean : ir_binary(g, IR_ADD, sum, d->mean);
            draws++;
            g->here = g->node[d->value].at;
        }
        if (before == IR_NONE)
            continue;
        IrRef news = es_times(g, sum, ir_const(g, (1 - MEMORY) / draws));
        IrRef after = ir_binary(g, IR_ADD, es_times(g, before, ir_const(g, MEMORY)), news);
        ir_node(g, IR_NEXT, (IrAttr){.item = s}, 1, &after);
    }
}

/* ---- score terms ---------------------------------------------------------------------------- */

/* Says on the draw which costs it multiplies, or compares. */
static void name_costs(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    const EsDraw *d = &p->draw[i];
    const char *list = es_cost_lines(p->source, p->reach[i].reached);
    if (!*list)
        return;
    IrDecision *whole = arena_make(g->model->arena, IrDecision);
    *whole = *d->why;
    whole->reason =
        arena_printf(g->model->arena, "%s; it multiplies the costs on %s %s", d->why->reason,
                     strchr(list, ',') ? "lines" : "line", list);
    g->node[d->value].why = whole;
}

void es_term_none(EsProgram *p, uint32_t i)
{
    (void)p, (void)i;
}

void es_term_score(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE || MUTATED(NO_SCORE))
        return;
    if (d->baseline == IR_LEAVE_ONE_OUT)
        f = es_less_others(g, d, f);
    else if (d->baseline == IR_MOVING_AVERAGE)
        f = ir_binary(g, IR_SUB, f, moving_average(p, i, f));
    else if (d->baseline == IR_CONSTANT_BASELINE)
        f = ir_binary(g, IR_SUB, f, ir_const(g, d->constant));
    else if (d->baseline == IR_LEARNED_BASELINE)
        f = ir_binary(g, IR_SUB, f, es_learned_baseline(p, d, f));
    es_seed_score(p, d, es_weighed_gain(p, d, f));
}

/* Copies that are correlated in a known way: leave-one-out, and for element e of the draw the
 * weight 1 / (1 - rho_e), with rho the mean correlation of two copies.  (Dimitriev & Zhou, "ARMS:
 * Antithetic-REINFORCE-Multi-Sample gradient for binary variables", 2021, whose proof asks of the
 * copies no more than that; with two copies it is DisARM: Dong, Mnih & Tucker, 2020.)
 *
 * Of K systematic copies of a bit of probability q, floor(K q) or one more are set, so that
 *   1 - rho = (K^2 q (1 - q) - r (1 - r)) / (K (K - 1) q (1 - q)),  r = K q - floor(K q),
 * which is 1 / (1 - q) up to q = 1/K.  It is the same for 1 - q: the smaller is taken. */
static IrRef decorrelate(IrGraph *g, const EsDraw *d)
{
    IrRef one = ir_const(g, 1), k = ir_const(g, (double)d->samples);
    IrRef p = ir_dist_info[d->law].moment(g, d->arg, IR_E_MEAN, IR_NONE);
    IrRef rest = ir_binary(g, IR_SUB, one, p), q = ir_binary(g, IR_MIN, p, rest);
    IrRef kq = ir_binary(g, IR_MUL, k, q), r = ir_binary(g, IR_SUB, kq, ir_unary(g, IR_FLOOR, kq));
    IrRef odd = ir_binary(g, IR_MUL, r, ir_binary(g, IR_SUB, one, r));
    IrRef larger = ir_binary(g, IR_SUB, one, q), variance = ir_binary(g, IR_MUL, kq, larger);
    IrRef all = ir_binary(g, IR_SUB, ir_binary(g, IR_MUL, k, variance), odd);
    IrRef pairs = ir_binary(g, IR_MUL, variance, ir_const(g, (double)d->samples - 1));
    return ir_select(g, ir_binary(g, IR_LE, kq, one), larger, ir_binary(g, IR_DIV, pairs, all));
}

void es_term_exchangeable(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    EsDraw *d = &p->draw[i];
    IrRef f = es_downstream(p, i, NULL);
    if (f == IR_NONE)
        return;
    IrRef w = es_weighed_gain(p, d, es_less_others(g, d, f));
    IrRef factor = MUTATED(NAIVE_PAIRS) ? ir_const(g, 1) : decorrelate(g, d);
    es_seed_score(p, d, ir_binary(g, IR_MUL, factor, w));
}

static EsTerm *const term[IR_EST_COUNT] = {
#define DERIVE(estimator, plates, value, term) [IR_EST_##estimator] = es_term_##term,
#include "passes/derive.def"
};

static void add_term(EsProgram *p, uint32_t i)
{
    const EsDraw *d = &p->draw[i];
    p->g->here = p->g->node[d->value].at;
    if (d->moved || d->guards)
        term[d->estimator](p, i);
}

void es_seed(EsProgram *p, IrRef node, IrRef value)
{
    IrGraph *g = p->g;
    value = es_sum_plates(g, value, g->node[value].type.plates & ~g->node[node].type.plates);
    *arena_push(g->model->arena, p->seed, p->seeds, EsSeed) = (EsSeed){node, value};
}

/* As a node that nothing reads: it shows in the dump, and certificates begin with it. */
void es_seed_score(EsProgram *p, const EsDraw *d, IrRef value)
{
    IrAttr attr = {.dist = d->law, .k = {ir_dist_values(p->g, d->law, d->arg)}};
    es_seed(p, d->logp, value);
    ir_node(p->g, IR_SCORE, attr, 3, (IrRef[]){d->logp, p->seed[p->seeds - 1].value, d->value});
}

static void add_gradients(EsProgram *p)
{
    IrGraph *g = p->g;
    const IrModel *m = g->model;
    IrRef *grad = arena_array(m->arena, IrRef, m->params + 1);
    uint32_t gains;
    const EsGain *gain = es_gains(p, &gains);
    es_adjoint(g, p->seed, p->seeds, gain, gains, grad);
    for (uint32_t i = 0; i < m->params; i++) {
        if (grad[i] == IR_NONE)
            continue;
        g->here = m->param[i].at;
        IrRef sum = MISTAKEN(SHORT_SUM, g, grad[i]);
        ir_set_name(g, ir_node(g, IR_GRAD, (IrAttr){.item = i}, 1, &sum), m->param[i].name);
    }
}

/* The first copy of a draw says what was decided for all: they may become one node. */
static void gather_decisions(EsProgram *p)
{
    IrGraph *g = p->g;
    for (uint32_t i = p->draws; i-- > 0;) {
        uint32_t k = i + 1;
        while (k < p->draws && p->draw[k].one != p->draw[i].one)
            k++;
        if (k == p->draws)
            continue;
        IrDecision *all = arena_make(g->model->arena, IrDecision);
        *all = *g->node[p->draw[i].value].why;
        all->also = g->node[p->draw[k].value].why;
        g->node[p->draw[i].value].why = all;
    }
}

void es_surrogate(EsProgram *p)
{
    IrGraph *g = p->g;
    IrRef total = objective(p);
    for (uint32_t i = 0; i < p->draws; i++)
        if (p->draw[i].moved && !es_is_pathwise(&p->draw[i]) &&
            term[p->draw[i].estimator] != es_term_none)
            name_costs(p, i);
    gather_decisions(p);
    if (g->entry != IR_ENTRY_STEP)
        return;
    if (!MUTATED(NO_TANGENT))
        es_seed(p, g->node[total].in[0], ir_const(g, 1));
    for (uint32_t i = 0; i < p->draws; i++)
        add_term(p, i);
    update_averages(p);
    add_gradients(p);
}
