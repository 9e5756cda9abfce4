/* Source graph to estimator graph: every draw becomes a program of base noise.
 *
 * A pathwise draw is the transport of noise that no parameter reaches.  A score draw is the same
 * value taken as an input without a tangent, and its log-density is an ordinary node.  An
 * enumerated draw is the index of a plate of its values, weighed by their probability.  `samples =
 * K` is a plate that the draw and all that follows from it gain.  The rest of the program is
 * rebuilt around them; surrogate.c then adds what is summed, and adjoint.c the derivative. */
#include "passes/estimator.h"
#include "passes/stable.h"

typedef struct Lowering {
    EsProgram p;
    IrGraph source; /* the nodes before; shares the plates' ids */
    bool *live;
    IrPlates *extra; /* by source node: the plates it gains */
    IrRef *now;      /* by source node */
} Lowering;

/* ---- plates --------------------------------------------------------------------------------- */

static EsDraw *draw_of(Lowering *l, IrRef node)
{
    for (uint32_t i = 0; i < l->p.draws; i++)
        if (l->p.draw[i].node == node)
            return &l->p.draw[i];
    return NULL;
}

typedef enum Gains {
    GAINS_SAMPLES,
    GAINS_VALUES,
    GAINS_SUBSET,
    GAINS_ALTERNATIVES,
    GAINS_COPIES,
    GAINS_VARIANTS,
    GAINS_OTHERS
} Gains;

static const struct {
    Gains plates;
    EsValue *value;
} derive[IR_EST_COUNT] = {
#define DERIVE(estimator, plates, value, term)                                                     \
    [IR_EST_##estimator] = {GAINS_##plates, es_value_##value},
#include "passes/derive.def"
};

/* A plate of the draw: `of` says of what. */
static bool add_plate(Lowering *l, const EsDraw *d, IrPlateKind kind, const char *of, int64_t size,
                      int32_t *plate, PassCtx *cx)
{
    IrGraph *g = l->p.g;
    const IrNode *n = &l->source.node[d->node];
    if (g->plates == IR_MAX_PLATES) {
        diag_error(cx->diags, n->at, SG0506,
                   "a graph has at most %d plates, counting those of samples, "
                   "enumerated values and variants",
                   IR_MAX_PLATES);
        return false;
    }
    const char *name = arena_printf(g->model->arena, "%s.%s", es_name(n), of);
    g->here = n->at;
    *plate = (int32_t)ir_plate_add(g, name, kind, size, 0);
    return true;
}

/* One a slot: an element, and a copy where copies are read together. */
static bool add_slots(Lowering *l, uint32_t i, PassCtx *cx)
{
    EsDraw *d = &l->p.draw[i];
    int64_t slots = es_slot_count(&l->source, l->live, &l->p.reach[i], &l->source.node[d->node]);
    return slots == 1 || add_plate(l, d, IR_PLATE_STATIC, "elements", slots, &d->element, cx);
}

static bool is_read_together(const Lowering *l, uint32_t i)
{
    IrPlates plates = l->source.node[l->p.draw[i].node].type.plates;
    return es_read_together(&l->source, l->live, &l->p.reach[i]) & plates;
}

static bool add_variants(Lowering *l, uint32_t i, PassCtx *cx)
{
    EsDraw *d = &l->p.draw[i];
    int64_t variants = es_variants(&l->source, &l->source.node[d->node]);
    return add_slots(l, i, cx) && (variants == 1 || add_plate(l, d, IR_PLATE_STATIC, "variants",
                                                              variants, &d->variant, cx));
}

static bool add_others(Lowering *l, EsDraw *d, PassCtx *cx)
{
    int64_t samples = ir_copies(&l->source, l->source.node[d->bound].attr.over, 1);
    return add_plate(l, d, IR_PLATE_STATIC, "without", samples, &d->element, cx);
}

/* The other values that each element might have. */
static bool add_alternatives(Lowering *l, uint32_t i, PassCtx *cx)
{
    EsDraw *d = &l->p.draw[i];
    const IrNode *n = &l->source.node[d->node];
    int64_t values = ir_dist_values(&l->source, n->attr.dist, n->in);
    return add_slots(l, i, cx) &&
           (values <= 2 || add_plate(l, d, IR_PLATE_STATIC, "others", values - 1, &d->variant, cx));
}

/* The values before a step, and of single steps after a loop. */
static bool add_values(Lowering *l, PassCtx *cx)
{
    Arena *a = l->p.g->model->arena;
    EsValues *v = l->p.values;
    bool ok = true;
    for (uint32_t i = 0; i < v->vars && ok; i++) {
        EsVariable *x = &v->var[i];
        const EsDraw *d = &l->p.draw[x->draw];
        const char *of = x->step >= 0   ? arena_printf(a, "at%lld", (long long)x->step)
                         : x->lag > 1 ? arena_printf(a, "before%u", x->lag)
                                        : "before";
        if (x->step < 0 && x->lag == 0)
            x->plate = d->own;
        else
            ok = add_plate(l, d, IR_PLATE_ENUMERATION, of, v->values[i], &x->plate, cx);
    }
    return ok;
}

static bool add_plates_of(Lowering *l, uint32_t i, PassCtx *cx)
{
    EsDraw *d = &l->p.draw[i];
    Gains gains = derive[d->estimator].plates;
    int64_t values = es_support_size(&l->source, &l->source.node[d->node]);
    if (gains == GAINS_VALUES)
        return add_plate(l, d, IR_PLATE_ENUMERATION, "values", values, &d->own, cx);
    if (gains == GAINS_SUBSET)
        return add_plate(l, d, IR_PLATE_ENUMERATION, "set", d->samples, &d->own, cx);
    if (d->samples > 1 && d->own < 0 &&
        !add_plate(l, d, IR_PLATE_SAMPLES, "samples", d->samples, &d->own, cx))
        return false;
    if (d->guards)
        return add_slots(l, i, cx);
    if (!d->moved)
        return true;
    return gains == GAINS_ALTERNATIVES ? add_alternatives(l, i, cx)
           : gains == GAINS_COPIES     ? !is_read_together(l, i) || add_slots(l, i, cx)
           : gains == GAINS_VARIANTS   ? add_variants(l, i, cx)
           : gains == GAINS_OTHERS     ? add_others(l, d, cx)
                                       : true;
}

static bool has_values(const EsDraw *d)
{
    Gains gains = derive[d->estimator].plates;
    return gains == GAINS_VALUES || gains == GAINS_SUBSET;
}

static int64_t slots_of(const Lowering *l, uint32_t i)
{
    return es_slot_count(&l->source, l->live, &l->p.reach[i], &l->source.node[l->p.draw[i].node]);
}

/* Do they need as many plates, of as many copies? */
static bool are_alike(const Lowering *l, uint32_t i, uint32_t k)
{
    const EsDraw *d = &l->p.draw[i], *c = &l->p.draw[k];
    return !d->guards == !c->guards &&
           (d->moved == c->moved || derive[d->estimator].plates == GAINS_SAMPLES) &&
           slots_of(l, i) == slots_of(l, k) && is_read_together(l, i) == is_read_together(l, k);
}

/* Draws of one statement share their plates, and copies of a draw those of its samples; but not what
 * has a weight of its own.  True: there is nothing to add. */
static bool share_plates(Lowering *l, uint32_t i)
{
    EsDraw *d = &l->p.draw[i];
    for (uint32_t k = 0; k < i && !has_values(d); k++) {
        const EsDraw *c = &l->p.draw[k];
        bool alike = es_same_statement(&l->source, c, d) && are_alike(l, i, k);
        if (alike || (c->one == d->one && !has_values(c) && c->samples == d->samples))
            d->own = c->own;
        if (!alike)
            continue;
        d->element = c->element;
        d->variant = c->variant;
        return true;
    }
    return false;
}

static bool add_plates(Lowering *l, PassCtx *cx)
{
    bool ok = true;
    for (uint32_t i = 0; i < l->p.draws && ok; i++)
        ok = share_plates(l, i) || add_plates_of(l, i, cx);
    return ok && add_values(l, cx);
}

/* The plates of the values that a node depends on. */
static IrPlates plates_of_values(const Lowering *l, IrRef r)
{
    const EsValues *v = l->p.values;
    IrPlates set = 0;
    for (uint32_t i = 0; i < v->vars; i++)
        set |= v->on[r] >> i & 1 ? 1u << v->var[i].plate : 0;
    return set;
}

/* What follows from a draw gains its plate of samples; carries look forward, so until nothing
 * changes. */
static void spread_plates(Lowering *l)
{
    const IrGraph *g = &l->source;
    for (bool changed = true; changed;) {
        changed = false;
        for (IrRef r = 0; r < g->count; r++) {
            const EsDraw *d = g->node[r].op == IR_SAMPLE ? draw_of(l, r) : NULL;
            bool value = l->p.values->is[r] >= 0;
            IrPlates gains = d && d->own >= 0 && !value ? 1u << d->own : 0;
            for (uint32_t k = 0; k < ir_deciding(&g->node[r]) && !value; k++)
                gains |= l->extra[g->node[r].in[k]];
            changed |= gains != l->extra[r];
            l->extra[r] = gains;
        }
    }
    for (IrRef r = 0; r < g->count; r++)
        l->extra[r] |= plates_of_values(l, r);
}

/* ---- draws ---------------------------------------------------------------------------------- */

IrRef es_base_noise(IrGraph *g, const char *name, IrBase base, IrType type, IrPlates plates)
{
    type.elem = IR_REAL;
    type.plates = plates;
    for (IrRef r = 0; r < g->count && MUTATED(SHARED_NOISE); r++)
        if (g->node[r].op == IR_DRAW && ir_type_equal(&g->node[r].type, &type) &&
            g->node[r].attr.k[0] == (base == IR_BASE_UNIFORM))
            return r;
    IrAttr attr = {.item = g->sites, .k = {base == IR_BASE_UNIFORM}};
    *arena_push(g->model->arena, g->site, g->sites, IrSite) = (IrSite){name};
    return ir_typed(g, IR_DRAW, attr, type, 0, NULL);
}

IrRef es_noise(EsProgram *p, const IrNode *sample, const IrRef *arg, IrPlates plates)
{
    IrDist law = sample->attr.dist;
    return es_base_noise(p->g, es_name(sample), ir_dist_info[law].base,
                         ir_noise_type(p->g, law, arg, &sample->type), plates);
}

/* Of a copy of the draw that is as it: copies are one number. */
static IrRef noise_of_copy(const EsProgram *p, const EsDraw *d)
{
    for (const EsDraw *c = p->draw; c < d; c++)
        if (c->one == d->one && c->noise != IR_NONE && c->plates == d->plates && c->own == d->own &&
            c->copies == d->copies)
            return c->noise;
    return IR_NONE;
}

IrRef es_value_moving(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrRef known = noise_of_copy(p, d);
    d->noise = known != IR_NONE ? known : es_copied_noise(p, d, n);
    return ir_dist_info[d->law].transport(p->g, d->arg, d->noise);
}

static bool keeps_tangent(const EsDraw *d)
{
    (void)d;
    return MUTATED(KEPT_TANGENT) || (MUTATED(OPEN_PATH) && d->one != d->node);
}

IrRef es_value_held(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrRef value = es_value_moving(p, d, n);
    return keeps_tangent(d) ? value : ir_unary(p->g, IR_SAMPLED, value);
}

IrRef es_value_measured(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef value = es_value_held(p, d, n);
    if (g->entry == IR_ENTRY_STEP && d->moved && ir_measure[d->law]->fresh)
        d->fresh = es_base_noise(g, arena_printf(g->model->arena, "%s.variant", es_name(n)),
                                 IR_BASE_UNIFORM, ir_slot_type(d->law, &n->type), d->plates);
    return value;
}

/* The copies of a draw share their uniform noise u: copy k reads u + k/K, less 1 where that is
 * beyond it.  Each is uniform, and of K copies of a bit as many are set as can be told. */
IrRef es_value_systematic(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef u = es_noise(p, n, d->arg, d->plates & ~(1u << d->own));
    IrRef copy = ir_real(g, ir_index(g, (uint32_t)d->own, 0)), one = ir_const(g, 1);
    u = ir_binary(g, IR_ADD, u, ir_binary(g, IR_MUL, copy, ir_const(g, 1 / (double)d->samples)));
    u = ir_select(g, ir_binary(g, IR_LT, u, one), u, ir_binary(g, IR_SUB, u, one));
    return ir_unary(g, IR_SAMPLED, ir_dist_info[d->law].transport(g, d->arg, u));
}

/* Element i of the joint value number `index`: digit i in base `base`.  There is no rounding: the
 * numbers are below 2^16. */
static IrRef digit(IrGraph *g, IrRef index, double base, int64_t i)
{
    double unit = 1;
    while (i-- > 0)
        unit *= base;
    IrRef shifted = ir_unary(g, IR_FLOOR, ir_binary(g, IR_DIV, index, ir_const(g, unit)));
    IrRef above = ir_unary(g, IR_FLOOR, ir_binary(g, IR_DIV, shifted, ir_const(g, base)));
    IrRef d = ir_binary(g, IR_SUB, shifted, ir_binary(g, IR_MUL, above, ir_const(g, base)));
    IrRef value = IR_NONE;
    for (double v = 1; v < base; v++) {
        IrRef one =
            ir_select(g, ir_binary(g, IR_LE, ir_const(g, v), d), ir_int(g, 1), ir_int(g, 0));
        value = value == IR_NONE ? one : ir_binary(g, IR_ADD, value, one);
    }
    return value;
}

/* The values of a finite law, a copy of the plate each. */
static IrRef enumerated_value(EsProgram *p, const IrNode *n, uint32_t plate)
{
    IrGraph *g = p->g;
    IrRef index = ir_index(g, plate, 0);
    IrDist law = n->attr.dist;
    int64_t draws = ir_dist_draws(law, &n->type);
    IrType type = ir_slot_type(law, &n->type);
    type.plates = 1u << plate;
    if (type.rank > 0) {
        double base = (double)ir_dist_values(p->source, law, n->in);
        IrRef *part = arena_array(g->model->arena, IrRef, (size_t)draws);
        for (int64_t i = 0; i < draws; i++)
            part[i] = ir_expand(g, digit(g, ir_real(g, index), base, i), 0, 1);
        index = ir_node(g, IR_CONCAT, (IrAttr){0}, (uint32_t)draws, part);
        index = ir_typed(g, IR_RESHAPE, (IrAttr){0}, type, 1, &index);
    }
    return ir_dist_value(g, law, p->source, n->in, index);
}

IrRef es_value_enumerated(EsProgram *p, EsDraw *d, const IrNode *n)
{
    IrGraph *g = p->g;
    IrRef value = enumerated_value(p, n, (uint32_t)d->own);
    IrRef density = ir_dist_info[d->law].logpdf(g, d->arg, value);
    IrRef weight = ir_unary(g, IR_EXP, ir_sum_all(g, density));
    g->plate[d->own].weight = weight;
    d->plates = g->node[weight].type.plates;
    return value;
}

/* The event that marks the category; reals read it without the way through integers. */
static IrRef marked_event(IrGraph *g, EsDraw *d, const char *name)
{
    IrAttr size = {.k = {g->node[d->arg[0]].type.dim[0]}};
    bool is_softened = d->estimator == IR_EST_REBAR;
    IrRef hot = is_softened ? d->relaxed : ir_node(g, IR_ONE_HOT, size, 1, &d->value);
    if (d->relaxed == IR_NONE)
        d->relaxed = hot;
    if (name)
        ir_set_name(g, d->value, arena_printf(g->model->arena, "%s.category", name));
    ir_set_name(g, hot, name);
    return ir_unary(g, IR_TO_INT, hot);
}

/* A one-hot event is a category that is written as a vector: the category has the estimator, and
 * the event follows from it. */
static IrRef lower_draw(Lowering *l, const IrNode *n, IrRef r, IrRef *arg)
{
    EsDraw *d = draw_of(l, r);
    IrGraph *g = l->p.g;
    IrNode drawn = *n;
    drawn.attr.dist = ir_category_law(n->attr.dist);
    bool is_event = drawn.attr.dist != n->attr.dist;
    if (is_event)
        drawn.type = ir_slot_type(n->attr.dist, &n->type);
    d->law = drawn.attr.dist;
    d->arg = arg;
    d->plates = n->type.plates | l->extra[r];
    d->value = derive[d->estimator].value(&l->p, d, &drawn);
    if ((g->node[d->value].op == IR_SAMPLED || keeps_tangent(d)) && d->moved &&
        g->entry == IR_ENTRY_STEP)
        d->logp = ir_dist_info[d->law].logpdf(g, arg, d->value);
    g->node[d->value].why = d->why;
    IrRef value = is_event ? marked_event(g, d, n->name) : d->value;
    ir_set_name(g, value, n->name);
    return value;
}

/* ---- everything else ------------------------------------------------------------------------ */

/* A table read at the copy's own index is the table laid out along the plate. */
static bool reads_own_index(const IrGraph *g, const IrRef *in)
{
    const IrNode *table = &g->node[in[0]], *index = &g->node[in[1]];
    if (index->op != IR_INDEX || table->type.plates >> index->attr.plate & 1)
        return false;
    const IrPlate *plate = &g->plate[index->attr.plate];
    return plate->kind != IR_PLATE_ROWS && index->attr.k[0] >= 0 &&
           index->attr.k[0] + plate->size <= table->type.dim[0];
}

static void lower_cost(Lowering *l, const IrNode *n, IrRef r, IrRef value)
{
    EsProgram *p = &l->p;
    IrPlates plates = n->type.plates | l->extra[r] | p->g->node[value].type.plates;
    *arena_push(p->g->model->arena, p->cost, p->costs, EsCost) = (EsCost){
        .source = r, .value = value, .plates = plates, .attr = n->attr, .why = n->why, .at = n->at};
}

/* Draws are made of their logarithms where these are longer-lived: log(z) reads them. */
static IrRef lower_log(IrGraph *g, const IrNode *n, const IrRef *in)
{
    IrRef operand = in[0];
    IrNode log = {.op = n->op, .type = g->node[operand].type, .n_in = 1, .in = &operand};
    IrRef stable = stable_form(g, &log);
    return stable != IR_NONE ? stable : ir_node(g, n->op, n->attr, 1, in);
}

/* The draw whose log-density this is, if it stands without the tangents of its arguments. */
static const EsDraw *density_of(const Lowering *l, IrRef r)
{
    for (uint32_t i = 0; i < l->p.draws; i++)
        for (uint32_t k = 0; k < l->p.draw[i].densities; k++)
            if (l->p.draw[i].density[k] == r)
                return &l->p.draw[i];
    return NULL;
}

/* A value before a step, or of one after the loop. */
static IrRef other_value(Lowering *l, IrRef r)
{
    const EsVariable *v = &l->p.values->var[l->p.values->is[r]];
    return enumerated_value(&l->p, &l->source.node[l->p.draw[v->draw].node], (uint32_t)v->plate);
}

static bool is_value(const Lowering *l, IrRef r)
{
    return l->p.values->is[r] >= 0;
}

/* Of a value all of whose steps are read one by one, there is nothing to lay out. */
static IrRef lower_axis(Lowering *l, const IrNode *n, IrRef v)
{
    IrType type = l->p.g->node[v].type;
    type.plates |= 1u << n->attr.plate;
    if (is_value(l, n->in[0]))
        return v;
    v = es_broadcast(l->p.g, v, type);
    return ir_node(l->p.g, n->op, n->attr, 1, &v);
}

/* One step of a value, as the values of the draws at that step decide it. */
static IrRef lower_step(Lowering *l, IrRef of, int64_t step, IrRef v)
{
    const EsValues *x = l->p.values;
    for (uint32_t i = 0; i < x->vars; i++) {
        if (!(x->on[of] >> i & 1) || x->var[i].step >= 0)
            continue;
        if (es_is_no_step(x, &x->var[i], step))
            v = es_first_copy(l->p.g, v, x->var[i].plate);
        for (uint32_t k = 0; k < x->vars; k++)
            if (x->var[k].draw == x->var[i].draw && x->var[k].step == step - (int64_t)x->var[i].lag)
                v = es_move_plate(l->p.g, v, x->var[i].plate, x->var[k].plate);
    }
    return v;
}

static IrRef lower_node(Lowering *l, const IrNode *n, IrRef r, IrRef *in)
{
    IrGraph *g = l->p.g;
    if (n->op == IR_TO_REAL || n->op == IR_ONE_HOT) {
        const EsDraw *read = draw_of(l, n->in[0]);
        if (read && read->relaxed != IR_NONE)
            return read->relaxed;
    }
    const EsDraw *d = density_of(l, r);
    if (d && !(d->estimator == IR_EST_STL && MUTATED(KEPT_SCORE)))
        return es_stopped_density(g, d);
    IrType type = n->type;
    if (n->op != IR_SAMPLE && is_value(l, r))
        return other_value(l, r);
    IrRef of;
    int64_t step;
    if (es_is_step(&l->source, n, &of, &step))
        return lower_step(l, of, step, ir_node(g, n->op, n->attr, 1, in));
    switch (n->op) {
    case IR_TO_AXIS:
        return lower_axis(l, n, in[0]);
    case IR_SAMPLE:
        return lower_draw(l, n, r, in);
    case IR_COST:
        lower_cost(l, n, r, in[0]);
        return in[0];
    case IR_CARRY:
    case IR_OUTPUT:
        type.plates |= l->extra[r];
        return ir_typed(g, n->op, n->attr, type, n->n_in, in);
    case IR_RESHAPE:
        type.plates = g->node[in[0]].type.plates;
        return ir_typed(g, n->op, n->attr, type, 1, in);
    case IR_GATHER:
        if (reads_own_index(g, in)) {
            const IrAttr *index = &g->node[in[1]].attr;
            IrAttr attr = {.plate = index->plate, .k = {index->k[0]}};
            return ir_node(g, IR_TO_PLATE, attr, 1, in);
        }
        return ir_node(g, n->op, n->attr, 2, in);
    case IR_LOG:
    case IR_LOG1P:
        return lower_log(g, n, in);
    default:
        return n->n_in == 0 ? ir_typed(g, n->op, n->attr, type, 0, NULL)
                            : ir_node(g, n->op, n->attr, n->n_in, in);
    }
}

static void lower(Lowering *l)
{
    IrGraph *g = l->p.g;
    Arena *a = g->model->arena;
    g->node = NULL;
    g->count = g->cap = 0;
    for (IrRef r = 0; r < l->source.count; r++) {
        IrNode n = l->source.node[r];
        if (!l->live[r])
            continue;
        IrRef *in = arena_array(a, IrRef, n.n_in + 1);
        for (uint32_t k = 0; k < n.n_in; k++)
            in[k] = n.in[k] < r ? l->now[n.in[k]] : 0;
        g->here = n.at;
        g->in_region = n.region;
        l->now[r] = lower_node(l, &n, r, in);
        IrNode *made = &g->node[l->now[r]];
        if (n.op != IR_COST && !made->name)
            made->name = n.name;
        if (n.op != IR_COST && !made->why)
            made->why = n.why;
    }
    for (IrRef r = 0; r < l->source.count; r++) {
        const IrNode *n = &l->source.node[r];
        if (!l->live[r] || n->op != IR_CARRY || is_value(l, r))
            continue;
        g->in_region = n->region;
        IrRef next = es_move_back(&l->p, l->now[n->in[1]], n->region);
        g->node[l->now[r]].in[1] = next;
    }
    es_link_sequences(&l->p, l->now);
    g->in_region = 0;
    l->p.lowered = g->count;
    for (uint32_t i = 0; i < l->p.draws; i++) {
        EsDraw *d = &l->p.draw[i];
        for (uint32_t k = 0; k < d->guards; k++)
            d->guard[k] = l->now[d->guard[k]];
        d->bound = d->bound == IR_NONE ? IR_NONE : l->now[d->bound];
        for (uint32_t k = 0; k < d->inputs; k++)
            d->input[k].node = l->now[d->input[k].node];
        d->weighed = es_with_weights(g, d->plates);
    }
    for (uint32_t i = 0; i < l->p.costs; i++)
        l->p.cost[i].plates = es_with_weights(g, l->p.cost[i].plates);
}

/* ---- the pass ------------------------------------------------------------------------------- */

static const IrDecision *drawn_once(const IrGraph *source, IrRef draw)
{
    const IrNode *n = &source->node[draw];
    Arena *a = source->model->arena;
    IrDecision *d = arena_make(a, IrDecision);
    *d = (IrDecision){.code = SGR05, .reason = "", .draw = es_name(n), .law = n->attr.dist};
    d->what = arena_printf(a, "%s ~ %s: drawn once", d->draw, ir_dist_info[d->law].name);
    return d;
}

/* `run` draws one copy of everything. */
static void sample_once(Lowering *l)
{
    for (uint32_t i = 0; i < l->p.draws; i++) {
        EsDraw *d = &l->p.draw[i];
        *d = (EsDraw){.node = d->node,
                      .one = d->one,
                      .estimator = IR_EST_PATHWISE,
                      .samples = 1,
                      .noise = IR_NONE,
                      .value = IR_NONE,
                      .logp = IR_NONE,
                      .bound = IR_NONE,
                      .relaxed = IR_NONE,
                      .own = -1,
                      .element = -1,
                      .variant = -1};
        d->why = drawn_once(&l->source, d->node);
    }
}

static Lowering begin(IrGraph *g, const IrRef *one)
{
    Arena *a = g->model->arena;
    Lowering l = {.p = {.g = g}, .source = *g};
    l.live = l.p.live = es_live(g);
    l.extra = arena_array(a, IrPlates, g->count + 1);
    l.now = arena_array(a, IrRef, g->count + 1);
    l.p.draw = es_draws(g, l.live, one, &l.p.draws);
    return l;
}

/* one: which draws are copies of each other, or NULL. */
static bool estimate(IrGraph *g, const IrRef *one, PassCtx *cx)
{
    Lowering l = begin(g, one);
    if (g->entry == IR_ENTRY_RUN)
        sample_once(&l);
    else if (!es_choose(g, l.p.draw, l.p.draws, cx))
        return false;
    l.p.source = &l.source;
    l.p.values = es_values(&l.source, l.live, l.p.draw, l.p.draws);
    l.p.reach = arena_array(g->model->arena, EsReach, l.p.draws + 1);
    for (uint32_t i = 0; i < l.p.draws; i++)
        l.p.reach[i] = es_reach(&l.source, l.p.draw[i].node);
    if (!add_plates(&l, cx))
        return false;
    spread_plates(&l);
    lower(&l);
    g->stage = IR_ESTIMATOR;
    if (g->entry != IR_ENTRY_RUN)
        es_surrogate(&l.p);
    ir_group_regions(g);
    return true;
}

/* Would it compile?  Plates may be too many. */
static bool would_estimate(const IrGraph *g, const IrRef *one, PassCtx *cx)
{
    IrGraph trial;
    PassCtx quiet = *cx;
    ir_graph_clone(&trial, g);
    quiet.diags = diags_new(g->name, NULL);
    bool ok = estimate(&trial, one, &quiet);
    diags_free(quiet.diags);
    return ok;
}

/* Groups of terms, or else of costs, have estimators of their own where that pays; or else terms are
 * told apart by what reaches them. */
bool pass_estimate(IrGraph *g, PassCtx *cx)
{
    IrGraph form[3], split;
    const IrRef *one = NULL;
    uint32_t forms = 0;
    if (g->entry == IR_ENTRY_RUN)
        return estimate(g, NULL, cx);
    es_read_steps(g);
    es_join_bounds(g);
    forms += es_every_term(g, &form[forms]);
    bool reached = es_reached_terms(g, &form[forms]) && would_estimate(&form[forms], NULL, cx);
    forms += reached;
    form[forms++] = *g;
    for (uint32_t i = 0; i < forms; i++)
        if (es_split(&form[i], &split, &one) && would_estimate(&split, one, cx)) {
            *g = split;
            return estimate(g, one, cx);
        }
    *g = form[reached ? forms - 2 : forms - 1];
    return estimate(g, NULL, cx);
}
