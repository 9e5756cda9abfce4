/* The table of dist.def, and what follows from its columns. */
#include "ir/dist.h"

const IrDistInfo ir_dist_info[IR_DIST_COUNT] = {
/* clang-format off */
#define DIST(id, name, argument, count, event, elem, support, moves, base, noise, estimators, doc) \
    [IR_DIST_##id] = {name, argument, count, event, IR_##elem, IR_##support, moves,                \
                      IR_BASE_##base, IR_NOISE_##noise, estimators, ir_logpdf_##id,                \
                      ir_transport_##id, ir_moment_##id, doc},
#include "ir/dist.def"
    /* clang-format on */
};

/* ---- estimators ---------------------------------------------------------------------------- */

/* What draws are not, of an estimator for laws of some supports. */
static const char *unlike(unsigned supports)
{
    bool bits = supports >> IR_ZERO_ONE & 1, categories = supports >> IR_CATEGORIES & 1;
    if (supports >> IR_COUNTS & 1)
        return "its draws are no bits, categories or counts";
    if (bits && categories)
        return "its draws are neither bits nor categories";
    return bits ? "its draws are no bits" : "its draws are no categories";
}

static const char *no_transport(IrDist d, IrEstimator e)
{
    if (ir_dist_info[d].elem == IR_INT)
        return "its draws are discrete";
    return e == IR_EST_PATHWISE ? "its transport is an inverse function"
                                : "its transport is explicit";
}

const char *ir_refusal(IrDist d, IrEstimator e)
{
    if (ir_admits(d, e))
        return NULL;
    switch (e) {
    case IR_EST_PATHWISE:
    case IR_EST_IMPLICIT:
    case IR_EST_STL:
    case IR_EST_DREG:
        return no_transport(d, e);
    case IR_EST_SCORE:
    case IR_EST_VIMCO:
        return "its arguments move its support";
    case IR_EST_ENUMERATE:
        return "it has no finite set of values";
    case IR_EST_MEASURE_VALUED:
        return ir_measure[d]->why_not;
    case IR_EST_REBAR:
    case IR_EST_RELAX:
        return "its draws are neither bits nor categories";
    default:
        return ir_estimator_info[e].supports ? unlike(ir_estimator_info[e].supports)
                                             : "no rule is known for it";
    }
}

/* ---- noise --------------------------------------------------------------------------------- */

static int64_t trials(const IrGraph *g, const IrRef *arg)
{
    const IrNode *n = &g->node[arg[0]];
    return n->op == IR_CONST ? (int64_t)n->attr.num : 0;
}

static void add_first_axis(IrType *t, int64_t dim)
{
    for (uint32_t i = t->rank; i > 0; i--)
        t->dim[i] = t->dim[i - 1];
    t->dim[0] = dim;
    t->rank++;
}

IrType ir_slot_type(IrDist d, const IrType *value)
{
    IrType t = *value;
    if (ir_dist_info[d].elem == IR_INT && ir_draws_vectors(&ir_dist_info[d]))
        t.dim[--t.rank] = 0;
    return t;
}

IrType ir_noise_type(const IrGraph *g, IrDist d, const IrRef *arg, const IrType *value)
{
    IrNoise noise = ir_dist_info[d].noise;
    IrType t = *value;
    t.elem = IR_REAL;
    if (noise == IR_NOISE_EVENT || noise == IR_NOISE_TRIALS)
        t.dim[--t.rank] = 0;
    if (noise == IR_NOISE_PAIR)
        add_first_axis(&t, 2);
    if (noise == IR_NOISE_TRIALS)
        add_first_axis(&t, trials(g, arg));
    return t;
}

IrDist ir_category_law(IrDist d)
{
    return d == IR_DIST_one_hot_categorical          ? IR_DIST_categorical
           : d == IR_DIST_one_hot_categorical_logits ? IR_DIST_categorical_logits
                                                     : d;
}

IrRef ir_part(IrGraph *g, IrRef noise, int64_t i)
{
    IrType t = g->node[noise].type;
    IrRef one = ir_node(g, IR_SLICE, (IrAttr){.k = {0, i, i + 1}}, 1, &noise);
    for (uint32_t k = 1; k < t.rank; k++)
        t.dim[k - 1] = t.dim[k];
    t.dim[--t.rank] = 0;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, t, 1, &one);
}

IrRef ir_every_event(IrGraph *g, IrRef a, IrRef like)
{
    const IrType *t = &g->node[like].type;
    return t->rank == 2 && rank(g, a) == 1 ? ir_expand(g, a, 0, t->dim[0]) : a;
}

IrRef ir_one_hot(IrGraph *g, IrRef index, int64_t size)
{
    IrRef real = ir_node(g, IR_ONE_HOT, (IrAttr){.k = {size}}, 1, &index);
    return ir_unary(g, IR_TO_INT, real);
}

/* ---- logarithms of values ------------------------------------------------------------------- */

/* The y of x = f(y), or of a draw x that was sampled as f(y); IR_NONE: it is not. */
static IrRef inverse(IrGraph *g, IrOp f, IrRef x)
{
    bool sampled = g->node[x].op == IR_SAMPLED;
    IrRef value = sampled ? g->node[x].in[0] : x;
    if (g->node[value].op != f)
        return IR_NONE;
    IrRef y = g->node[value].in[0];
    return sampled ? ir_unary(g, IR_SAMPLED, y) : y;
}

static IrRef log_sigmoid(IrGraph *g, IrRef y)
{
    return neg(g, ir_unary(g, IR_SOFTPLUS, neg(g, y)));
}

IrRef ir_log_value(IrGraph *g, IrRef x)
{
    IrRef exponent = inverse(g, IR_EXP, x);
    IrRef logit = exponent == IR_NONE ? inverse(g, IR_SIGMOID, x) : IR_NONE;
    if (exponent != IR_NONE)
        return exponent;
    return logit != IR_NONE ? log_sigmoid(g, logit) : log_(g, x);
}

IrRef ir_log_rest(IrGraph *g, IrRef x)
{
    IrRef logit = inverse(g, IR_SIGMOID, x);
    return logit != IR_NONE ? log_sigmoid(g, neg(g, logit)) : ir_unary(g, IR_LOG1P, neg(g, x));
}

/* ---- laws of finitely many values ---------------------------------------------------------- */

int64_t ir_dist_draws(IrDist d, const IrType *value)
{
    int64_t elements = ir_elements(value);
    return ir_draws_vectors(&ir_dist_info[d]) ? elements / value->dim[value->rank - 1] : elements;
}

/* b over k, or 2^40 where it is beyond that. */
static int64_t choose(int64_t b, int64_t k)
{
    const int64_t most = (int64_t)1 << 40;
    int64_t c = 1;
    for (int64_t i = 1; i <= k; i++) {
        if ((double)c * (double)(b - k + i) / (double)i >= (double)most)
            return most;
        c = c * (b - k + i) / i; /* whole, as it is itself a number of choices */
    }
    return c;
}

/* The counts of `categories` that sum to n, by number: those with m left for the categories after
 * the first are numbered from (m + categories - 2 over categories - 1) on, and so forth. */
static IrRef counts_of_number(IrGraph *g, int64_t n, int64_t categories, IrRef number)
{
    uint32_t last = g->node[number].type.rank;
    IrRef *count = arena_array(g->model->arena, IrRef, (size_t)categories);
    IrRef left = ir_binary(g, IR_ADD, ir_int(g, n), ir_binary(g, IR_MUL, number, ir_int(g, 0)));
    for (int64_t k = categories - 1; k > 0; k--) {
        IrRef rest = ir_int(g, 0), start = rest;
        for (int64_t m = 1; m <= n; m++) {
            IrRef from = ir_int(g, choose(m + k - 1, k));
            IrRef reached = ir_binary(g, IR_LE, from, number);
            rest = ir_select(g, reached, ir_int(g, m), rest);
            start = ir_select(g, reached, from, start);
        }
        count[categories - 1 - k] = ir_binary(g, IR_SUB, left, rest);
        number = ir_binary(g, IR_SUB, number, start);
        left = rest;
    }
    count[categories - 1] = left;
    for (int64_t k = 0; k < categories; k++)
        count[k] = ir_expand(g, count[k], last, 1);
    return ir_node(g, IR_CONCAT, (IrAttr){.k = {last}}, (uint32_t)categories, count);
}

IrRef ir_dist_value(IrGraph *g, IrDist d, const IrGraph *of, const IrRef *arg, IrRef number)
{
    switch (ir_dist_info[d].support) {
    case IR_ONE_HOT_EVENTS:
        return ir_one_hot(g, number, of->node[arg[0]].type.dim[0]);
    case IR_COUNT_EVENTS:
        return counts_of_number(g, trials(of, arg), of->node[arg[1]].type.dim[0], number);
    default:
        return number;
    }
}

int64_t ir_dist_values(const IrGraph *g, IrDist d, const IrRef *arg)
{
    switch (ir_dist_info[d].support) {
    case IR_ZERO_ONE:
        return 2;
    case IR_CATEGORIES:
    case IR_ONE_HOT_EVENTS:
        return g->node[arg[0]].type.dim[0];
    case IR_BOUNDED_COUNTS:
        return g->node[arg[0]].op == IR_CONST ? trials(g, arg) + 1 : 0;
    case IR_COUNT_EVENTS: {
        int64_t rest = g->node[arg[1]].type.dim[0] - 1;
        return g->node[arg[0]].op == IR_CONST ? choose(trials(g, arg) + rest, rest) : 0;
    }
    default:
        return 0;
    }
}
