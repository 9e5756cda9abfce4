/* What the weight of a score is made of, read off the compiled graph.
 *
 * The derivation writes a weight as (cost - baseline) scale, where the baseline of leave-one-out is
 * (sum of the costs - cost) share.  The roles are hints: the checker compares them with the weight
 * and the cost, and where none are found the certificate says that the weight is assumed. */
#include "certify/lower.h"

typedef struct Explain {
    Lower *l;
    const IrGraph *g;
    const IrNode *score;
    bool *reads; /* by node: the draw, directly or not */
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

/* The value of a node as one slot, with the copies of the draw as its axes. */
static CertSlot for_copies(Explain *x, IrRef r)
{
    Layout draw = low_layout(x->l, x->score->in[2]), from = low_layout(x->l, r);
    Layout copies = {.plates = draw.plates, .sizes = {low_axis_at(&draw, 0), draw.sizes.at}};
    if (from.rank > 0 || from.plates & ~draw.plates)
        return CERT_NONE;
    return low_spread(x->l, &from, &copies, low_value(x->l, r).slot);
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

static uint32_t costs_reached(const Explain *x)
{
    uint32_t count = 0;
    for (IrRef c = 0; c < x->g->count; c++)
        count += at(x, c)->op == IR_COST && x->reads[c];
    return count;
}

/* The sum of the costs that the draw reaches, one term a cost. */
static bool explain_costs(Explain *x, IrRef sum, CertRoles *r)
{
    uint32_t count = costs_reached(x);
    CertSlot *cost = arena_array(x->l->arena, CertSlot, count + 1);
    for (uint32_t i = count; i-- > 0;) {
        if (i > 0 && at(x, sum)->op != IR_ADD)
            return false;
        cost[i] = for_copies(x, i > 0 ? at(x, sum)->in[1] : sum);
        sum = i > 0 ? at(x, sum)->in[0] : sum;
        if (cost[i] == CERT_NONE)
            return false;
    }
    r->costs = (CertList){count, cost};
    return count > 0;
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
    return explain_costs(x, f, r);
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

static void explain_others(Explain *x, CertRoles *r)
{
    CertSlot *others = NULL;
    uint32_t count = 0;
    for (IrRef c = 0; c < x->g->count; c++)
        if (at(x, c)->op == IR_COST && !x->reads[c])
            *arena_push(x->l->arena, others, count, CertSlot) =
                low_value(x->l, at(x, c)->in[0]).slot;
    r->others = (CertList){count, others};
}

/* ---- all of it ------------------------------------------------------------------------------ */

bool low_explain(Lower *l, const IrNode *score, CertRoles *r)
{
    Explain x = {.l = l, .g = l->g, .score = score};
    x.reads = arena_array(l->arena, bool, l->g->count + 1);
    Layout draw = low_layout(l, score->in[2]);
    mark_readers(&x);
    low_begin(l, score);
    *r = (CertRoles){.draw = low_draw(l, score->in[2]), .plates = low_axis_at(&draw, 0)};
    if (!explain_law(&x, r) || !explain_weight(&x, r))
        return false;
    explain_others(&x, r);
    return true;
}
