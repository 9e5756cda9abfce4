/* Boundary terms: the slope that a jump of the costs gives to their expectation.
 *
 * Where a guard h = a z + b of a pathwise draw z turns over, the costs jump by [f], and as the
 * parameters move, so does the place.  With z = location + scale e and e held fixed,
 *
 *   d E f = E[d f, piece by piece] + E[ [f] p(z*) / |a|  d h at z* ],    h(z*) = 0
 *
 * [f] is the difference of two programs in which z is z* and the guard is true, and is false: all
 * else, and its noise, is the same.  (Lee, Yu & Yang, "Reparameterization gradient for
 * non-differentiable models", 2018; estimators.md E22.) */
#include "passes/adjoint.h"
#include "passes/estimator.h"

/* ---- which guards --------------------------------------------------------------------------- */

/* e = a z + b element by element, a and b free of z. */
static bool affine(const IrGraph *g, const bool *reached, IrRef z, IrRef e)
{
    const IrNode *n = &g->node[e];
    if (!reached[e] || e == z)
        return true;
    if (n->type.plates != g->node[z].type.plates || !ir_same_shape(&n->type, &g->node[z].type))
        return false;
    switch (n->op) {
    case IR_NEG:
        return affine(g, reached, z, n->in[0]);
    case IR_ADD:
    case IR_SUB:
        return affine(g, reached, z, n->in[0]) && affine(g, reached, z, n->in[1]);
    case IR_MUL:
        return (!reached[n->in[0]] || !reached[n->in[1]]) && affine(g, reached, z, n->in[0]) &&
               affine(g, reached, z, n->in[1]);
    case IR_DIV:
        return !reached[n->in[1]] && affine(g, reached, z, n->in[0]);
    default:
        return false;
    }
}

static bool guards(const EsFacts *f, const EsDraw *d, IrRef jump)
{
    const IrNode *n = &f->g->node[jump], *z = &f->g->node[d->node];
    if (!es_is_pathwise(d) || d->estimator == IR_EST_DREG || !ir_measure[z->attr.dist]->scaled || z->region ||
        (n->op != IR_LT && n->op != IR_LE) || n->type.plates != z->type.plates ||
        !ir_same_shape(&n->type, &z->type))
        return false;
    for (uint32_t k = 0; k < z->n_in; k++) /* its other arguments would move the place too */
        if (k + 1 != ir_measure[z->attr.dist]->scaled && k != ir_measure[z->attr.dist]->scaled &&
            f->class[z->in[k]] != IR_CONSTANT)
            return false;
    EsReach e = es_reach(f->g, d->node);
    const bool *reached = e.reached;
    if (es_slot_count(f->g, f->live, &e, z) > ES_VARIANT_BUDGET)
        return false;
    return reached[jump] && affine(f->g, reached, d->node, n->in[0]) &&
           affine(f->g, reached, d->node, n->in[1]);
}

static int64_t first_guarded(const EsFacts *f, IrRef jump)
{
    for (uint32_t i = 0; i < f->draws; i++)
        if (guards(f, &f->draw[i], jump))
            return i;
    return -1;
}

/* A draw with two guards might meet both at one place, where neither jump is known. */
int64_t es_boundary_draw(const EsFacts *f, IrRef jump)
{
    int64_t i = first_guarded(f, jump);
    for (IrRef r = es_next_jump(f, 0); r != IR_NONE && i >= 0; r = es_next_jump(f, r + 1))
        if (first_guarded(f, r) == i && !es_equal(f->g, r, jump))
            return -1;
    return i;
}

void es_find_guards(const EsFacts *f, EsDraw *draw)
{
    Arena *a = f->g->model->arena;
    for (IrRef r = es_next_jump(f, 0); r != IR_NONE; r = es_next_jump(f, r + 1)) {
        int64_t i = es_boundary_draw(f, r);
        if (i >= 0)
            *arena_push(a, draw[i].guard, draw[i].guards, IrRef) = r;
    }
}

/* ---- their terms ---------------------------------------------------------------------------- */

typedef struct Edge {
    EsProgram *p;
    EsDraw d; /* in the plates of the place */
    EsSlots slots;
    IrType type; /* of the value there */
    IrRef place; /* z*, without tangent */
} Edge;

/* The guard's h where z is `value`. */
static IrRef guard_at(const Edge *e, IrRef value)
{
    IrGraph *g = e->p->g;
    const IrNode n = g->node[e->d.guard[0]];
    EsChange c = {e->d.value, es_broadcast(g, value, e->type), IR_NONE, IR_NONE};
    EsWorld *w = es_world(e->p, &c, 1);
    return ir_binary(g, IR_SUB, es_in_world(w, n.in[1]), es_in_world(w, n.in[0]));
}

/* The costs at the edge, where the guard is true, or false. */
static IrRef cost_beside(const Edge *e, uint32_t i, bool side)
{
    IrGraph *g = e->p->g;
    const EsDraw *d = &e->d;
    IrRef zero = ir_const(g, 0), one = ir_const(g, 1), mark = es_slot_mark(g, &e->slots);
    IrRef truth = side ? ir_binary(g, IR_LT, zero, one) : ir_binary(g, IR_LT, one, zero);
    EsChange *c = arena_array(g->model->arena, EsChange, d->guards + 1);
    c[0] = (EsChange){d->value, es_broadcast(g, e->place, e->type), mark, IR_NONE};
    for (uint32_t k = 0; k < d->guards; k++)
        c[k + 1] = (EsChange){d->guard[k], truth, mark, IR_NONE};
    EsWorld *w = es_world(e->p, c, d->guards + 1);
    IrRef f = es_world_costs(e->p, w, i, d->weighed & ~e->slots.together);
    return f == IR_NONE ? f : es_by_slot(g, &e->slots, f, -1);
}

static IrRef in_shape(IrGraph *g, IrRef v, IrType like)
{
    like.plates = g->node[v].type.plates;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, like, 1, &v);
}

/* The guard may be of more copies than the draw, those of the values or samples of another draw that
 * it reads: each has its own place, and its own jump there. */
static void spread_over(Edge *e, IrPlates plates)
{
    e->d.plates |= plates;
    e->d.weighed = es_with_weights(e->p->g, e->d.plates);
    e->type.plates |= plates;
}

void es_term_boundary(EsProgram *p, uint32_t i)
{
    IrGraph *g = p->g;
    if (!p->draw[i].guards || MUTATED(DROPPED_JUMP))
        return;
    Edge e = {.p = p, .d = p->draw[i], .slots = es_slots(p, i)};
    const EsDraw *d = &e.d;
    e.type = g->node[d->value].type;
    IrDist law = p->source->node[d->node].attr.dist;
    uint32_t location = ir_measure[law]->scaled - 1;
    g->here = g->node[d->guard[0]].at;
    IrRef offset = guard_at(&e, ir_const(g, 0));
    IrRef zero = ir_const(g, 0), slope = ir_binary(g, IR_SUB, guard_at(&e, ir_const(g, 1)), offset);
    IrRef flat = ir_binary(g, IR_EQ, slope, zero); /* of a row, say: it has no edge */
    slope = ir_select(g, flat, ir_const(g, 1), slope);
    e.place = ir_unary(g, IR_SAMPLED, ir_unary(g, IR_NEG, ir_binary(g, IR_DIV, offset, slope)));
    spread_over(&e, g->node[e.place].type.plates);
    IrRef yes = cost_beside(&e, i, true), no = cost_beside(&e, i, false);
    if (yes == IR_NONE)
        return;
    IrRef centred = ir_binary(g, IR_SUB, e.place, d->arg[location]), size = d->arg[location + 1];
    IrRef standard = ir_unary(g, IR_SAMPLED, ir_binary(g, IR_DIV, centred, size));
    IrRef moving = ir_binary(g, IR_ADD, d->arg[location], ir_binary(g, IR_MUL, size, standard));
    IrRef density = ir_unary(g, IR_EXP, ir_dist_info[law].logpdf(g, d->arg, e.place));
    IrRef rate = ir_binary(g, IR_DIV, density, ir_unary(g, IR_ABS, slope));
    IrRef jump = in_shape(g, ir_binary(g, IR_SUB, yes, no), e.type);
    IrRef gain = ir_select(g, flat, zero, ir_binary(g, IR_MUL, jump, rate));
    IrRef v = es_weighed_gain(p, d, gain);
    IrRef at = guard_at(&e, moving);
    IrType from = e.type, to = g->node[at].type;
    from.plates = d->plates;
    es_seed(p, at, es_share(g, v, &from, &to));
}
