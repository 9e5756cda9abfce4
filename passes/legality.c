/* The rules of legality.def, and the facts that they are decided from.
 *
 * A gradient estimate is biased when the program jumps, for fixed noise, as the parameters move. So
 * for every value its class is found: how it behaves as a function of the parameters while the
 * noise and the values of held draws (all but the pathwise ones) stay fixed. */
#include "passes/estimator.h"

#include <math.h>
#include <string.h>

/* ---- facts ---------------------------------------------------------------------------------- */

static const EsDraw *draw_at(const EsFacts *f, IrRef node)
{
    for (uint32_t i = 0; i < f->draws; i++)
        if (f->draw[i].node == node)
            return &f->draw[i];
    return NULL;
}

static bool is_discrete(const EsFacts *f, const EsDraw *d)
{
    return ir_dist_info[f->g->node[d->node].attr.dist].elem == IR_INT;
}

/* The worst class of the operands; CONSTANT: none moves. */
static IrSmooth worst_operand(const IrNode *n, const IrSmooth *class)
{
    IrSmooth worst = IR_CONSTANT;
    for (uint32_t k = 0; k < ir_deciding(n); k++)
        worst = class[n->in[k]] > worst ? class[n->in[k]] : worst;
    return worst;
}

/* Is a positive number compared with 0?  It is another, also where it rounds to 0 or underflows. */
static bool is_settled(const IrGraph *g, const IrNode *n)
{
    if (n->op != IR_EQ && n->op != IR_NE)
        return false;
    const IrNode *zero = &g->node[n->in[1]];
    return zero->op == IR_CONST && zero->attr.num == 0 && es_is_positive(g, n->in[0]);
}

/* A select jumps only because its condition does. */
static IrSmooth class_of_op(const IrGraph *g, const IrNode *n)
{
    return n->op == IR_SELECT ? IR_SMOOTH
           : is_settled(g, n) ? IR_CONSTANT
                              : ir_op_info[n->op].smooth;
}

static IrSmooth class_of(const IrGraph *g, const IrNode *n, const IrSmooth *class)
{
    IrSmooth in = worst_operand(n, class), op = class_of_op(g, n);
    return in == IR_CONSTANT || in > op ? in : op;
}

/* True: something new. */
static bool find_facts_of(EsFacts *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    const EsDraw *d = n->op == IR_SAMPLE ? draw_at(f, r) : NULL;
    bool held = d && !es_is_pathwise(d);
    IrSmooth class = n->op == IR_PARAM ? IR_SMOOTH
                     : held            ? IR_CONSTANT
                                       : class_of(f->g, n, f->class);
    bool continuous = d && !is_discrete(f, d);
    for (uint32_t k = 0; k < ir_deciding(n); k++)
        continuous |= f->continuous[n->in[k]];
    bool news = class != f->class[r] || continuous != f->continuous[r];
    f->class[r] = class;
    f->continuous[r] = continuous;
    return news;
}

void es_find_facts(EsFacts *f)
{
    memset(f->class, 0, f->g->count * sizeof *f->class);
    memset(f->continuous, 0, f->g->count * sizeof *f->continuous);
    for (bool news = true; news;) { /* carries look forward, one after the other */
        news = false;
        for (IrRef r = 0; r < f->g->count; r++)
            news |= find_facts_of(f, r);
    }
}

EsFacts es_facts(const IrGraph *g, const EsDraw *draw, uint32_t draws)
{
    Arena *a = g->model->arena;
    EsFacts f = {.g = g, .draw = draw, .draws = draws, .live = es_live(g)};
    f.class = arena_array(a, IrSmooth, g->count + 1);
    f.continuous = arena_array(a, bool, g->count + 1);
    es_find_facts(&f);
    return f;
}

bool es_law_moves(const EsFacts *f, const EsDraw *d)
{
    return worst_operand(&f->g->node[d->node], f->class) != IR_CONSTANT;
}

/* ---- jumps ---------------------------------------------------------------------------------- */

static bool jumps(const EsFacts *f, IrRef r)
{
    const IrNode *n = &f->g->node[r];
    bool continuous = false;
    for (uint32_t k = 0; k < n->n_in; k++)
        continuous |= f->continuous[n->in[k]];
    return f->live[r] && class_of_op(f->g, n) >= IR_PIECEWISE && continuous &&
           worst_operand(n, f->class) != IR_CONSTANT;
}

IrRef es_next_jump(const EsFacts *f, IrRef r)
{
    for (; r < f->g->count; r++)
        if (jumps(f, r))
            return r;
    return IR_NONE;
}

IrRef es_find_jump(const EsFacts *f, IrRef r)
{
    if (MUTATED(UNSEEN_JUMP))
        return IR_NONE;
    r = es_next_jump(f, r);
    while (r != IR_NONE && es_boundary_draw(f, r) >= 0)
        r = es_next_jump(f, r + 1);
    return r;
}

bool es_moves_through(const EsFacts *f, const EsDraw *d, IrRef jump)
{
    return es_is_pathwise(d) && f->class[d->node] != IR_CONSTANT &&
           es_reach(f->g, d->node).reached[jump];
}

/* ---- the chain of reasons ------------------------------------------------------------------- */

static const char *class_name(IrSmooth s)
{
    static const char *const name[] = {"constant", "smooth", "Lipschitz", "piecewise", "arbitrary"};
    return name[s];
}

/* The class of every node as a function of one alone. */
static IrSmooth *classes_in(const IrGraph *g, IrRef of)
{
    IrSmooth *class = arena_array(g->model->arena, IrSmooth, g->count + 1);
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = 0; r < g->count; r++) {
            IrSmooth now = r == of ? IR_SMOOTH : class_of(g, &g->node[r], class);
            news |= now != class[r];
            class[r] = now;
        }
    }
    return class;
}

/* The operand that a node has its class from. */
static IrRef from(const IrNode *n, const IrSmooth *class)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        if (class[n->in[k]] == worst_operand(n, class))
            return n->in[k];
    return IR_NONE;
}

/* "Lipschitz: relu at 8:8 of abs at 7:4": the ops on the way that are worse than smooth. */
static const char *why_class(const IrGraph *g, const IrSmooth *class, IrRef r, IrRef of)
{
    const char *text = class_name(class[r]);
    const char *join = ": ";
    for (uint32_t steps = 0; r != IR_NONE && r != of && steps < g->count; steps++) {
        const IrNode *n = &g->node[r];
        if (class_of_op(g, n) > IR_SMOOTH && class_of_op(g, n) >= class[r]) {
            text = arena_printf(g->model->arena, "%s%s%s at %u:%u", text, join,
                                ir_op_info[n->op].name, n->at.line, n->at.col);
            join = " of ";
        }
        r = from(n, class);
    }
    return text;
}

const char *es_reasons(const EsFacts *f, IrRef of)
{
    const IrGraph *g = f->g;
    const IrSmooth *class = classes_in(g, of);
    const char *text = "";
    for (IrRef c = 0; c < g->count; c++) {
        if (g->node[c].op != IR_COST || !es_is_first_term(g, c))
            continue;
        IrRef r = es_worst_term(g, class, c);
        if (f->live[r] && class[r] != IR_CONSTANT)
            text = arena_printf(g->model->arena, "%s; the cost at %u:%u is %s", text,
                                g->node[r].at.line, g->node[r].at.col, why_class(g, class, r, of));
    }
    return text;
}

/* ---- the rules ------------------------------------------------------------------------------ */

/* The arguments of a rule: at is where the error points, and may be moved. */
#define RULE(name) static const char *legal_##name(const EsFacts *f, const EsDraw *d, IrRef *at)

static bool moves_through_any(const EsFacts *f, IrRef jump)
{
    for (uint32_t i = 0; i < f->draws; i++)
        if (es_moves_through(f, &f->draw[i], jump))
            return true;
    return false;
}

RULE(still_jumps)
{
    (void)d;
    IrRef jump = es_find_jump(f, 0);
    while (jump != IR_NONE && moves_through_any(f, jump))
        jump = es_find_jump(f, jump + 1);
    if (jump == IR_NONE)
        return NULL;
    *at = jump;
    return arena_printf(f->g->model->arena,
                        "%s jumps here, at a place that a parameter moves through a continuous "
                        "draw: every estimator would miss the jump",
                        ir_op_info[f->g->node[jump].op].name);
}

RULE(whole_noise)
{
    (void)at;
    int64_t k = d->samples;
    bool whole = d->copies == IR_ANTITHETIC ? k % 2 == 0
                 : d->copies == IR_QMC      ? k >= 2 && k <= 1 << 20 && !(k & (k - 1))
                                            : true;
    return whole ? NULL
                 : arena_printf(f->g->model->arena, "%s noise for %lld samples of %s",
                                ir_copies_name[d->copies], (long long)k,
                                es_name(&f->g->node[d->node]));
}

/* Estimators that read the samples of one draw one by one, or make noise of their own. */
RULE(unlike_noise)
{
    (void)at;
    bool compares = d->baseline == IR_LEAVE_ONE_OUT || d->estimator == IR_EST_DISARM ||
                    d->estimator == IR_EST_ENUMERATE || d->estimator == IR_EST_UNORDERED_SET;
    return d->copies == IR_INDEPENDENT || !compares || MUTATED(MIRRORED_RIVALS)
               ? NULL
               : arena_printf(f->g->model->arena,
                              "%s noise makes the samples of %s depend on each other, and what "
                              "compares them would be biased",
                              ir_copies_name[d->copies], es_name(&f->g->node[d->node]));
}

RULE(read_as_number)
{
    const IrGraph *g = f->g;
    bool category = ir_dist_info[g->node[d->node].attr.dist].support == IR_CATEGORIES;
    for (IrRef r = 0; r < g->count; r++)
        for (uint32_t k = 0; k < g->node[r].n_in && f->live[r]; k++)
            if (g->node[r].in[k] == d->node &&
                !(category
                      ? g->node[r].op == IR_ONE_HOT &&
                            g->node[r].attr.k[0] ==
                                ir_dist_values(g, g->node[d->node].attr.dist, g->node[d->node].in)
                      : g->node[r].op == IR_TO_REAL)) {
                *at = r;
                return arena_printf(g->model->arena,
                                    "%s of %s: nothing between its values stands for it here",
                                    ir_op_info[g->node[r].op].name, es_name(&g->node[d->node]));
            }
    return NULL;
}

/* The ops through which a number may lie between the values of a draw: a category is read by
 * one_hot; nothing jumps; derivatives are known. */
static bool goes_between(const EsFacts *f, const EsDraw *d, const IrNode *n, uint32_t k)
{
    const IrGraph *g = f->g;
    const IrNode *z = &g->node[d->node];
    if (n->in[k] == d->node && ir_dist_info[z->attr.dist].support == IR_CATEGORIES)
        return n->op == IR_ONE_HOT && n->attr.k[0] == ir_dist_values(g, z->attr.dist, z->in);
    if (n->op == IR_ONE_HOT || (n->op == IR_GATHER && k == 1))
        return false;
    bool known = !(ir_op_info[n->op].flags & IR_EW) || ir_op_info[n->op].smooth != IR_SMOOTH ||
                 es_has_adjoint(n->op);
    return class_of_op(g, n) < IR_PIECEWISE && known;
}

/* Does a draw whose law is soft have a value that is? */
static bool is_soft_below(const EsFacts *f, IrRef draw)
{
    const EsDraw *d = draw_at(f, draw);
    return d->estimator == IR_EST_ENUMERATE || (es_is_pathwise(d) && !es_is_relaxed(d));
}

/* The first node that reads what follows from the draw in a way of its own; IR_NONE: there is none.
 */
static IrRef reads_between(const EsFacts *f, const EsDraw *d)
{
    const IrGraph *g = f->g;
    bool *soft = arena_array(g->model->arena, bool, g->count + 1);
    soft[d->node] = true;
    for (bool news = true; news;) { /* carries look forward */
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            for (uint32_t k = 0; k < g->node[r].n_in && f->live[r]; k++) {
                const IrNode *n = &g->node[r];
                if (!soft[n->in[k]])
                    continue;
                if (n->op == IR_SAMPLE ? !is_soft_below(f, r) : !goes_between(f, d, n, k))
                    return r;
                bool value = n->op != IR_SAMPLE || es_is_pathwise(draw_at(f, r));
                news |= value && !soft[r];
                soft[r] |= value;
            }
    }
    return IR_NONE;
}

RULE(between)
{
    IrRef r = reads_between(f, d);
    if (r == IR_NONE)
        return NULL;
    const IrNode *n = &f->g->node[r];
    *at = r;
    if (n->op == IR_SAMPLE)
        return arena_printf(f->g->model->arena,
                            "%s decides the law of %s, which would jump with it between its values",
                            es_name(&f->g->node[d->node]), es_name(n));
    return arena_printf(f->g->model->arena,
                        "%s of what follows from %s: nothing between its values stands for it here",
                        ir_op_info[n->op].name, es_name(&f->g->node[d->node]));
}

RULE(lipschitz)
{
    IrRef jump = es_find_jump(f, 0);
    while (jump != IR_NONE && !es_moves_through(f, d, jump))
        jump = es_find_jump(f, jump + 1);
    if (jump == IR_NONE)
        return NULL;
    *at = jump;
    return arena_printf(f->g->model->arena,
                        "%s jumps in the pathwise draw %s: its gradient would miss the jump",
                        ir_op_info[f->g->node[jump].op].name, es_name(&f->g->node[d->node]));
}

/* Does node n pass an angle on, in its operand k, as an angle: a sum of whole multiples of it? */
static bool keeps_angle(const IrGraph *g, const IrNode *n, uint32_t k)
{
    switch (n->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_NEG:
    case IR_SUM:
    case IR_CUMSUM:
    case IR_RESHAPE:
    case IR_TRANSPOSE:
    case IR_EXPAND:
    case IR_SLICE:
    case IR_CONCAT:
    case IR_TO_PLATE:
    case IR_TO_AXIS:
    case IR_CARRY:
    case IR_STOP:
        return true;
    case IR_GATHER:
        return k == 0;
    case IR_MUL: {
        const IrNode *factor = &g->node[n->in[1 - k]];
        return factor->op == IR_CONST && factor->attr.num == floor(factor->attr.num);
    }
    default:
        return false;
    }
}

/* Does it have period 2 pi in its operand k? */
static bool is_periodic(const IrNode *n, uint32_t k)
{
    bool location = n->op == IR_SAMPLE && ir_dist_info[n->attr.dist].support == IR_CIRCLE && k == 0;
    return n->op == IR_SIN || n->op == IR_COS || n->op == IR_OUTPUT || location;
}

/* The first node that reads the draw as a number of its own; IR_NONE: none does. */
static IrRef reads_as_number(const EsFacts *f, IrRef draw)
{
    const IrGraph *g = f->g;
    bool *angle = arena_array(g->model->arena, bool, g->count + 1);
    angle[draw] = true;
    for (bool news = true; news;) { /* carries look forward, one after the other */
        news = false;
        for (IrRef r = 0; r < g->count; r++)
            for (uint32_t k = 0; k < g->node[r].n_in; k++) {
                const IrNode *n = &g->node[r];
                if (!angle[n->in[k]] || !f->live[r] || is_periodic(n, k))
                    continue;
                if (!keeps_angle(g, n, k))
                    return r;
                news |= !angle[r];
                angle[r] = true;
            }
    }
    return IR_NONE;
}

bool es_reads_as_angle(const EsFacts *f, const EsDraw *d)
{
    const IrNode *n = &f->g->node[d->node];
    return ir_dist_info[n->attr.dist].support != IR_CIRCLE ||
           reads_as_number(f, d->node) == IR_NONE;
}

/* A draw jumps from pi to -pi where the location moves it there. */
RULE(read_as_angle)
{
    if (es_reads_as_angle(f, d) || !es_law_moves(f, d))
        return NULL;
    *at = reads_as_number(f, d->node);
    return arena_printf(f->g->model->arena,
                        "%s reads the angle %s as a number, which jumps by a turn: its pathwise "
                        "gradient would miss the jump",
                        ir_op_info[f->g->node[*at].op].name, es_name(&f->g->node[d->node]));
}

/* C2: a score needs a support that the parameters do not move. */
RULE(fixed_support)
{
    (void)at;
    if (MUTATED(MOVED_SUPPORT))
        return NULL;
    const IrNode *n = &f->g->node[d->node];
    uint32_t moves = ir_dist_info[n->attr.dist].moves;
    for (uint32_t k = 0; k < n->n_in; k++)
        if (moves >> k & 1 && f->class[n->in[k]] != IR_CONSTANT)
            return arena_printf(f->g->model->arena,
                                "the support of %s moves with a parameter: its score is biased",
                                es_name(n));
    return NULL;
}

RULE(other_samples)
{
    (void)at;
    bool compares = d->baseline == IR_LEAVE_ONE_OUT || d->estimator == IR_EST_DISARM;
    if (!compares || d->samples > 1)
        return NULL;
    return arena_printf(f->g->model->arena,
                        "samples of %s are compared with each other, and there is one: write "
                        "`samples = 2` or more",
                        es_name(&f->g->node[d->node]));
}

RULE(few_values)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    int64_t values = es_support_size(f->g, n);
    if (values > 0)
        return NULL;
    if (values == 0)
        return arena_printf(f->g->model->arena, "%s cannot be enumerated: its law is not finite",
                            es_name(n));
    return arena_printf(f->g->model->arena,
                        "%s cannot be enumerated: its %lld elements take more than %d values "
                        "jointly; put independent elements in a plate",
                        es_name(n), (long long)ir_elements(&n->type), ES_ENUMERATION_BUDGET);
}

/* The draw, enumerated with those that are; mine: its variables. */
static const EsValues *values_with(const EsFacts *f, const EsDraw *d, uint32_t *mine)
{
    EsDraw *draw = arena_array(f->g->model->arena, EsDraw, f->draws + 1);
    uint32_t number = 0;
    for (uint32_t i = 0; i < f->draws; i++) {
        draw[i] = f->draw[i];
        number = draw[i].node == d->node ? i : number;
    }
    draw[number].estimator = IR_EST_ENUMERATE;
    const EsValues *v = es_values(f->g, f->live, draw, f->draws);
    *mine = 0;
    for (uint32_t i = 0; i < v->vars; i++)
        *mine |= v->var[i].draw == number ? 1u << i : 0;
    return v;
}

int64_t es_terms(const EsFacts *f, const EsDraw *d)
{
    uint32_t mine;
    return values_with(f, d, &mine)->terms;
}

/* Why the draw cannot be summed over with the other enumerated ones, or NULL. */
static const char *no_sum(const EsFacts *f, const EsDraw *d, bool large, IrRef *at)
{
    uint32_t mine;
    const EsValues *v = values_with(f, d, &mine);
    bool asked = f->g->node[d->node].attr.via.estimator == IR_EST_ENUMERATE;
    bool other = v->many ? asked && v->at != d->node : mine && !(mine & v->blamed);
    if (!v->why || v->large != large || other)
        return NULL;
    *at = v->at;
    return arena_printf(f->g->model->arena, "%s cannot be enumerated: %s",
                        es_name(&f->g->node[d->node]), v->why);
}

RULE(read_by_copy)
{
    return no_sum(f, d, false, at);
}

RULE(small_tables)
{
    return no_sum(f, d, true, at);
}

RULE(has_pairs)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    const IrDistInfo *law = &ir_dist_info[n->attr.dist];
    for (uint32_t k = 0; k < n->n_in; k++)
        if (!(ir_measure[n->attr.dist]->arguments >> k & 1) && f->class[n->in[k]] != IR_CONSTANT)
            return arena_printf(
                f->g->model->arena,
                "a parameter reaches argument %u (of: %s) of %s, in which %s has no "
                "pair of measures",
                k + 1, law->argument, es_name(n), law->name);
    return NULL;
}

RULE(few_variants)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    EsReach e = es_reach(f->g, d->node);
    int64_t count = es_slot_count(f->g, f->live, &e, n) * es_variants(f->g, n);
    if (count <= ES_VARIANT_BUDGET)
        return NULL;
    return arena_printf(
        f->g->model->arena,
        "%s would have %lld variants, each of which runs what follows from it again", es_name(n),
        (long long)count);
}

RULE(few_alternatives)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    EsReach e = es_reach(f->g, d->node);
    int64_t elements = es_slot_count(f->g, f->live, &e, n);
    int64_t values = ir_dist_values(f->g, n->attr.dist, n->in);
    if (values > 0 && (values - 1) * elements <= ES_ENUMERATION_BUDGET)
        return NULL;
    return arena_printf(f->g->model->arena, "the %lld elements of %s have too many values",
                        (long long)elements, es_name(n));
}

/* The first live node that reads several copies of the draw at once, or another step. */
static IrRef mixes(const EsFacts *f, const EsDraw *d)
{
    EsReach e = es_reach(f->g, d->node);
    for (IrRef r = 0; r < f->g->count; r++)
        if (e.reached[r] && f->live[r] && (e.mixed[r] || e.later[r]))
            return r;
    return IR_NONE;
}

RULE(alone)
{
    IrRef mixed = mixes(f, d);
    if (mixed == IR_NONE)
        return NULL;
    *at = mixed;
    return arena_printf(f->g->model->arena,
                        "%s compares one copy with another value of it, but this reads several "
                        "copies of %s, or a later step",
                        ir_estimator_info[d->estimator].name, es_name(&f->g->node[d->node]));
}

RULE(few_copies)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    EsReach e = es_reach(f->g, d->node);
    int64_t slots = es_slot_count(f->g, f->live, &e, n);
    if (slots == ir_dist_draws(n->attr.dist, &n->type) || slots <= ES_VARIANT_BUDGET)
        return NULL;
    return arena_printf(f->g->model->arena, "%s has %lld copies that are read together", es_name(n),
                        (long long)slots);
}

/* Copies of one statement share a plate of samples, from step to step of a sequence too. */
RULE(one_law)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    for (uint32_t i = 0; i < f->draws && !MUTATED(UNLIKE_COPIES); i++) {
        if (!es_same_place(f->g, &f->draw[i], d))
            continue;
        EsReach e = es_reach(f->g, f->draw[i].node);
        for (uint32_t k = 0; k < n->n_in; k++)
            if (e.reached[n->in[k]])
                return arena_printf(f->g->model->arena,
                                    "the copies of %s have laws of their own, which its values of "
                                    "earlier steps decide",
                                    es_name(n));
    }
    return NULL;
}

RULE(one_event)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    IrType slots = ir_slot_type(n->attr.dist, &n->type);
    return slots.rank == 0
               ? NULL
               : arena_printf(f->g->model->arena,
                              "%s has %lld elements, whose joint values make no small set",
                              es_name(n), (long long)ir_elements(&slots));
}

RULE(small_set)
{
    (void)at;
    const IrNode *n = &f->g->node[d->node];
    int64_t values = ir_dist_values(f->g, n->attr.dist, n->in);
    return d->samples >= 2 && d->samples <= ES_SUBSET && d->samples <= values
               ? NULL
               : arena_printf(f->g->model->arena,
                              "%lld of %lld values of %s make no set of 2 to %d different ones",
                              (long long)d->samples, (long long)values, es_name(n), ES_SUBSET);
}

/* Rules that bound.c decides. */
#define BOUND(name)                                                                                \
    RULE(name)                                                                                     \
    {                                                                                              \
        (void)at;                                                                                  \
        return es_##name(f, d);                                                                    \
    }
BOUND(no_bound)
BOUND(bent_bound)
BOUND(no_density)
BOUND(layered)
BOUND(weighed_density)

/* ---- the table ------------------------------------------------------------------------------ */

static const struct {
    EsRow row;
    const char *(*rule)(const EsFacts *f, const EsDraw *d, IrRef *at);
} legal[] = {
#define LEGAL(estimator, rule, source, row)                                                        \
    {{IR_EST_##estimator, #rule, source, row}, legal_##rule},
#include "passes/legality.def"
};
enum { ROWS = sizeof legal / sizeof *legal };

size_t es_rows(void)
{
    return ROWS;
}

const EsRow *es_row(size_t i)
{
    return &legal[i].row;
}

const EsRow *es_illegal(const EsFacts *f, const EsDraw *d, const char **why, IrRef *at)
{
    for (size_t i = 0; i < ROWS; i++) {
        IrEstimator e = legal[i].row.estimator;
        *at = d->node;
        if (e == IR_EST_AUTO || e == d->estimator)
            if ((*why = legal[i].rule(f, d, at)))
                return &legal[i].row;
    }
    return NULL;
}

bool es_fits(const EsFacts *f, const EsDraw *d)
{
    for (size_t i = 0; i < ROWS; i++) {
        IrRef at = d->node;
        if (legal[i].row.estimator == d->estimator && legal[i].rule(f, d, &at))
            return false;
    }
    return true;
}

/* ---- what compiles instead ------------------------------------------------------------------ */

static const IrVia suggested[] = {
    {.estimator = IR_EST_ENUMERATE, .samples = 1},
    {.estimator = IR_EST_PATHWISE, .samples = 1},
    {.estimator = IR_EST_IMPLICIT, .samples = 1},
    {.estimator = IR_EST_MEASURE_VALUED, .samples = 1},
    {.estimator = IR_EST_LOCAL_EXPECTATION, .samples = 1},
    {.estimator = IR_EST_SCORE, .samples = 4, .baseline = IR_LEAVE_ONE_OUT},
};

const char *es_via_text(Arena *a, const IrVia *via)
{
    const char *text = ir_estimator_info[via->estimator].name;
    const char *baseline = via->baseline ? ir_baseline_name[via->baseline] : NULL;
    if (via->samples > 1 && baseline)
        return arena_printf(a, "%s(samples = %lld, baseline = %s)", text, (long long)via->samples,
                            baseline);
    if (via->samples > 1)
        return arena_printf(a, "%s(samples = %lld)", text, (long long)via->samples);
    return baseline ? arena_printf(a, "%s(baseline = %s)", text, baseline) : text;
}

/* Would draw i be legal with it?  Others may have faults of their own. */
static bool would_do(const EsFacts *f, uint32_t i, const IrVia *via)
{
    Arena *a = f->g->model->arena;
    EsDraw *draw = arena_array(a, EsDraw, f->draws);
    memcpy(draw, f->draw, f->draws * sizeof *draw);
    draw[i].estimator = via->estimator;
    draw[i].samples = via->samples;
    draw[i].baseline = via->baseline;
    draw[i].copies = via->noise;
    EsFacts then = es_facts(f->g, draw, f->draws);
    const char *why;
    IrRef at;
    return !es_illegal(&then, &draw[i], &why, &at);
}

const char *es_suggestion(const EsFacts *f, const EsDraw *d)
{
    IrDist law = f->g->node[d->node].attr.dist;
    for (size_t k = 0; k < sizeof suggested / sizeof *suggested; k++)
        if (suggested[k].estimator != d->estimator && ir_admits(law, suggested[k].estimator) &&
            would_do(f, (uint32_t)(d - f->draw), &suggested[k]))
            return es_via_text(f->g->model->arena, &suggested[k]);
    return NULL;
}
