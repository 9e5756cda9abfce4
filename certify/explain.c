/* What the weight of a score is made of, read off the compiled graph.
 *
 * The derivation writes a weight as (cost - baseline) scale, where the baseline of leave-one-out is
 * (sum of the costs - cost) share.  Along a sequence it has the sum over the later steps: that is
 * the cost of all steps less that of the earlier ones, a baseline too.  The roles are hints: the
 * checker compares them with the weight and the cost, and where none are found the certificate says
 * that the weight is assumed. */
#include "certify/lower.h"

typedef struct Explain {
    Lower *l;
    const IrGraph *g;
    const IrNode *score;
    bool *reads;       /* by node: the draw, directly or not */
    bool *added;       /* by node: it is a term of what the draw multiplies */
    CertSlot *earlier; /* the costs of earlier steps, by copy: one slot a cost */
    uint32_t earliers;
} Explain;

static const IrNode *at(const Explain *x, IrRef r)
{
    return &x->g->node[r];
}

/* What the draw reaches, through the samplers of later draws too.  A carry may look forward. */
static void mark_readers(Explain *x)
{
    x->reads[x->score->in[2]] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (IrRef r = 0; r < x->g->count; r++)
            for (uint32_t k = 0; k < at(x, r)->n_in && !x->reads[r]; k++)
                changed |= x->reads[r] = x->reads[at(x, r)->in[k]];
    }
}

/* ---- slots ---------------------------------------------------------------------------------- */

static Layout copies_of(Explain *x)
{
    Layout draw = low_layout(x->l, x->score->in[2]);
    return (Layout){.plates = draw.plates, .sizes = {low_axis_at(&draw, 0), draw.sizes.at}};
}

/* A slot of the node's layout, with the copies of the draw as its axes. */
static CertSlot spread_copies(Explain *x, IrRef r, CertSlot s)
{
    Layout copies = copies_of(x), from = low_layout(x->l, r);
    if (from.rank > 0 || from.plates & ~copies.plates)
        return CERT_NONE;
    return low_spread(x->l, &from, &copies, s);
}

/* The value of a node as one slot, likewise. */
static CertSlot for_copies(Explain *x, IrRef r)
{
    return spread_copies(x, r, low_value(x->l, r).slot);
}

static CertList one(Explain *x, CertSlot s)
{
    return low_list(x->l, 1, &s);
}

static bool is_scalar(const Explain *x, IrRef r)
{
    return at(x, r)->type.rank == 0 && at(x, r)->type.plates == 0;
}

/* ---- the law -------------------------------------------------------------------------------- */

/* x l - softplus(l), or l[x] - logsumexp(l). */
static IrRef logits_of(const Explain *x)
{
    const IrNode *density = at(x, x->score->in[0]);
    bool bernoulli = x->score->attr.dist == IR_DIST_bernoulli_logits;
    if (density->op != IR_SUB)
        return IR_NONE;
    const IrNode *second = at(x, density->in[1]);
    if (second->op != (bernoulli ? IR_SOFTPLUS : IR_LOGSUMEXP))
        return IR_NONE;
    return second->in[0];
}

CertBase low_base(Lower *l, const IrNode *score, uint32_t *values)
{
    const Explain x = {.l = l, .g = l->g, .score = score};
    IrRef logits = logits_of(&x);
    switch (ir_dist_info[score->attr.dist].support) {
    case IR_ZERO_ONE:
        return CERT_BITS;
    case IR_REAL_LINE:
        return CERT_LINE;
    case IR_CATEGORIES:
        if (logits == IR_NONE)
            return CERT_GIVEN;
        *values = size_of_axis(l->sizes, l->cert, logits, l->g->node[logits].type.rank - 1);
        return CERT_VALUES;
    default:
        return CERT_GIVEN;
    }
}

CertList low_shared_axes(Lower *l, const Layout *draw, const Layout *logits, uint32_t rank)
{
    uint32_t list[IR_MAX_PLATES + IR_MAX_RANK], count = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (logits->plates >> p & 1)
            list[count++] = low_plate_at(draw, p);
    for (uint32_t i = 0; i < rank; i++)
        list[count++] = low_axis_at(draw, i);
    return low_list(l, count, list);
}

static bool explain_law(Explain *x, CertRoles *r)
{
    bool bernoulli = x->score->attr.dist == IR_DIST_bernoulli_logits;
    if (!bernoulli && x->score->attr.dist != IR_DIST_categorical_logits)
        return false;
    IrRef logits = logits_of(x);
    if (logits == IR_NONE || low_value(x->l, logits).slot == CERT_NONE)
        return false;
    Layout draw = low_layout(x->l, x->score->in[2]), y = low_layout(x->l, logits);
    uint32_t rank = bernoulli ? y.rank : y.rank - 1;
    if (y.plates & ~draw.plates || (rank != 0 && rank != draw.rank))
        return false;
    r->law = bernoulli ? CERT_BERNOULLI : CERT_CATEGORICAL;
    r->values = bernoulli ? 0 : y.sizes.at[low_axis_at(&y, y.rank - 1)];
    r->logits = low_value(x->l, logits).slot;
    r->axes = low_shared_axes(x->l, &draw, &y, rank);
    return true;
}

/* ---- the weight ----------------------------------------------------------------------------- */

/* (sum of f over copies - f) share: leave-one-out. */
static bool is_leave_one_out(const Explain *x, IrRef b, IrRef f, CertRoles *r)
{
    const IrNode *n = at(x, b);
    if (n->op != IR_MUL || at(x, n->in[1])->op != IR_CONST)
        return false;
    const IrNode *rest = at(x, n->in[0]);
    if (rest->op != IR_SUB || rest->in[1] != f || at(x, rest->in[0])->op != IR_SUM)
        return false;
    const IrNode *sum = at(x, rest->in[0]);
    if (sum->in[0] != f || sum->attr.axes)
        return false;
    Layout draw = low_layout(x->l, x->score->in[2]);
    uint32_t kept[IR_MAX_PLATES], count = 0;
    for (uint32_t p = 0; p < x->g->plates; p++)
        if (draw.plates & ~sum->attr.over & 1u << p)
            kept[count++] = low_plate_at(&draw, p);
    r->kept = low_list(x->l, count, kept);
    r->share = fraction_of_double(x->l->cert->fractions, at(x, n->in[1])->attr.num);
    return true;
}

/* Of a sum, how many terms read the draw. */
static uint32_t terms_reached(const Explain *x, IrRef r)
{
    if (!x->reads[r] || at(x, r)->op != IR_ADD)
        return x->reads[r];
    return terms_reached(x, at(x, r)->in[0]) + terms_reached(x, at(x, r)->in[1]);
}

/* How many costs the draw reaches, or how many of their terms. */
static uint32_t costs_reached(const Explain *x, bool terms)
{
    uint32_t count = 0;
    for (IrRef c = 0; c < x->g->count; c++)
        if (at(x, c)->op == IR_COST)
            count += terms ? terms_reached(x, at(x, c)->in[0]) : x->reads[c];
    return count;
}

/* ---- the costs of a sequence ---------------------------------------------------------------- */

/* What is summed over the steps from this one on, as the derivation writes it; IR_NONE: it is
 * not such a sum.  *first is the first of the steps. */
static IrRef later_steps(const Explain *x, IrRef r, int64_t *first)
{
    const IrNode *n = at(x, r);
    if (n->op != IR_TO_PLATE || x->g->plate[n->attr.plate].kind != IR_PLATE_STEP)
        return IR_NONE;
    *first = x->l->step[n->attr.plate] + n->attr.k[0];
    const IrNode *sums = at(x, n->in[0]);
    if (sums->op == IR_PAD && sums->attr.k[0] == 0 && sums->attr.k[1] == 0)
        sums = at(x, sums->in[0]);
    bool from_end = sums->op == IR_CUMSUM && sums->attr.k[0] == 0 && sums->attr.k[1];
    return from_end ? sums->in[0] : IR_NONE;
}

/* The sums over the first steps, built once for all draws; CERT_NONE: over none of them. */
static CertSlot sum_of_first(Explain *x, IrRef steps, int64_t count)
{
    Lower *l = x->l;
    const LowValue v = low_value(l, steps);
    if (!l->sums)
        l->sums = arena_array(l->arena, CertSlot *, x->g->count + 1);
    if (!l->sums[steps])
        l->sums[steps] = low_partial_sums(l, &v, false).part;
    int64_t last = count < (int64_t)v.parts ? count : v.parts;
    return last > 0 ? l->sums[steps][last - 1] : CERT_NONE;
}

/* A cost that the draw reaches.  In a sequence the draw reaches the later steps only: then it is
 * the cost of all steps, less that of the earlier ones, which is a baseline. */
static CertSlot reached_cost(Explain *x, IrRef term)
{
    int64_t first = 0;
    IrRef steps = later_steps(x, term, &first);
    if (steps == IR_NONE || low_value(x->l, steps).slot != CERT_NONE)
        return for_copies(x, term);
    CertSlot earlier = sum_of_first(x, steps, first);
    if (earlier == CERT_NONE)
        return for_copies(x, term);
    CertSlot cost = spread_copies(x, term, sum_of_first(x, steps, INT64_MAX));
    if (cost != CERT_NONE)
        *arena_push(x->l->arena, x->earlier, x->earliers, CertSlot) =
            spread_copies(x, term, earlier);
    return cost;
}

/* What leave-one-out subtracts of a cost of the others is not subtracted of the earlier steps. */
static CertSlot own_share(Explain *x, const CertRoles *r, CertSlot earlier)
{
    Build *b = &x->l->b;
    if (r->share == FRACTION_0)
        return earlier;
    CertList copies = copies_of(x).sizes;
    CertSlot sum = build_ein(b, copies, cert_range(x->l->arena, copies.count), r->kept, earlier);
    CertSlot rest = build_map2(b, CERT_SUB, build_widen(b, copies, r->kept, sum), earlier);
    return build_map2(b, CERT_SUB, earlier, build_affine(b, r->share, FRACTION_0, rest));
}

static void subtract_earlier(Explain *x, CertRoles *r)
{
    CertSlot *base = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->base.count; i++)
        *arena_push(x->l->arena, base, count, CertSlot) = r->base.at[i];
    for (uint32_t i = 0; i < x->earliers; i++)
        *arena_push(x->l->arena, base, count, CertSlot) = own_share(x, r, x->earlier[i]);
    r->base = (CertList){count, base};
}

static void mark_added(Explain *x, IrRef sum)
{
    x->added[sum] = true;
    for (uint32_t k = 0; k < 2 && at(x, sum)->op == IR_ADD; k++)
        mark_added(x, at(x, sum)->in[k]);
}

/* The last terms of the sum one by one; all else is the first. */
static bool explain_sum(Explain *x, IrRef sum, uint32_t count, CertRoles *r)
{
    CertSlot *cost = arena_array(x->l->arena, CertSlot, count + 1);
    x->earlier = NULL;
    x->earliers = 0;
    for (uint32_t i = count; i-- > 0;) {
        if (i > 0 && at(x, sum)->op != IR_ADD)
            return false;
        IrRef term = i > 0 ? at(x, sum)->in[1] : sum;
        cost[i] = reached_cost(x, term);
        sum = i > 0 ? at(x, sum)->in[0] : sum;
        if (cost[i] == CERT_NONE)
            return false;
    }
    r->costs = (CertList){count, cost};
    return count > 0;
}

/* The sum of the costs that the draw reaches: one term for each of theirs, if it has so many. */
static bool explain_costs(Explain *x, IrRef sum, CertRoles *r)
{
    mark_added(x, sum);
    return explain_sum(x, sum, costs_reached(x, true), r) ||
           explain_sum(x, sum, costs_reached(x, false), r);
}

/* The cost of a copy, less a baseline. */
static bool explain_gain(Explain *x, IrRef gain, CertRoles *r)
{
    const IrNode *n = at(x, gain);
    IrRef f = n->op == IR_SUB ? n->in[0] : gain, b = n->op == IR_SUB ? n->in[1] : IR_NONE;
    bool leave_one_out = b != IR_NONE && is_leave_one_out(x, b, f, r);
    if (b != IR_NONE && !leave_one_out && x->reads[b]) /* a cost that is a difference */
        f = gain;
    else if (b != IR_NONE && !leave_one_out) {
        CertSlot base = for_copies(x, b);
        if (base == CERT_NONE)
            return false;
        r->base = one(x, base);
    }
    if (!explain_costs(x, f, r))
        return false;
    subtract_earlier(x, r);
    return true;
}

static bool explain_weight(Explain *x, CertRoles *r)
{
    IrRef gain = x->score->in[1];
    const IrNode *n = at(x, gain);
    bool scaled = n->op == IR_MUL && is_scalar(x, n->in[1]) && !x->reads[n->in[1]];
    if (scaled)
        gain = n->in[0];
    if (!explain_gain(x, gain, r))
        return false;
    r->scale = scaled ? low_value(x->l, n->in[1]).slot : low_number(x->l, 1, (CertList){0});
    return true;
}

/* What a cost adds that the draw does not reach, if the draw does not multiply it all the same. */
static void add_others(Explain *x, IrRef r, CertSlot **others, uint32_t *count)
{
    if (!x->reads[r] && !x->added[r])
        *arena_push(x->l->arena, *others, *count, CertSlot) = low_value(x->l, r).slot;
    for (uint32_t k = 0; k < 2 && x->reads[r] && at(x, r)->op == IR_ADD; k++)
        add_others(x, at(x, r)->in[k], others, count);
}

static void explain_others(Explain *x, CertRoles *r)
{
    CertSlot *others = NULL;
    uint32_t count = 0;
    for (IrRef c = 0; c < x->g->count; c++)
        if (at(x, c)->op == IR_COST)
            add_others(x, at(x, c)->in[0], &others, &count);
    r->others = (CertList){count, others};
}

/* ---- all of it ------------------------------------------------------------------------------ */

bool low_explain(Lower *l, const IrNode *score, CertRoles *r)
{
    Explain x = {.l = l, .g = l->g, .score = score};
    x.reads = arena_array(l->arena, bool, l->g->count + 1);
    x.added = arena_array(l->arena, bool, l->g->count + 1);
    Layout draw = low_layout(l, score->in[2]);
    mark_readers(&x);
    low_begin(l, score);
    *r = (CertRoles){.draw = low_draw(l, score->in[2]), .plates = low_axis_at(&draw, 0)};
    if (!explain_law(&x, r) || !explain_weight(&x, r))
        return false;
    explain_others(&x, r);
    return true;
}
