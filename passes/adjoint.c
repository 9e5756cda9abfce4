/* Reverse mode: one rule per word of op.def's `adjoint` column.
 *
 * The sweep visits the nodes that depend on a parameter from last to first.  The adjoint of a node
 * may lack plates or axes that the node has: then it is the same for all those copies or elements,
 * and it stays small until a rule needs it whole.  Summing over copies that an operand shares is
 * done in one place, push().
 *
 * Griewank & Walther, "Evaluating Derivatives", 2nd ed., chapter 3; for the factorisations, Giles,
 * "Collected matrix derivative results for forward and reverse mode", 2008. */
#include "passes/adjoint.h"

#include <math.h>
#include <string.h>

typedef struct Sweep {
    IrGraph *g;
    IrRef count;    /* nodes of the forward program */
    bool *active;   /* depends on a parameter through real arithmetic */
    bool *guarded;  /* read through a branch of a select: its adjoint may be a zero that must win */
    IrRef *adjoint; /* IR_NONE: nothing reaches it yet */
    IrRef *gain;    /* what the whole adjoint is multiplied by; IR_NONE: nothing */
    IrRef *carried; /* of a carry: the carry of its adjoint */
    uint32_t *back; /* by forward region: the region of its adjoint, 0 before it is made */
} Sweep;

typedef void AdjointRule(Sweep *s, const IrNode *n, IrRef y, IrRef a);

#define adj_none NULL
#define OP(id, name, arity, type, value, emit, adjoint, ...) [IR_##id] = adj_##adjoint,

/* ---- sums over copies ---------------------------------------------------------------------- */

static IrRef copies_of(IrGraph *g, uint32_t plate)
{
    if (g->plate[plate].kind == IR_PLATE_ROWS)
        return ir_typed(g, IR_ROWS, (IrAttr){0}, ir_scalar_type(IR_REAL, 0), 0, NULL);
    return ir_const(g, (double)g->plate[plate].size);
}

IrRef es_sum_plates(IrGraph *g, IrRef v, IrPlates plates)
{
    IrPlates has = g->node[v].type.plates;
    v = ir_reduce(g, IR_SUM, v, 0, plates & has);
    for (uint32_t p = 0; p < g->plates; p++)
        if ((plates & ~has) >> p & 1)
            v = ir_binary(g, IR_MUL, v, copies_of(g, p));
    return v;
}

IrRef es_broadcast(IrGraph *g, IrRef v, IrType type)
{
    if (ir_type_equal(&g->node[v].type, &type))
        return v;
    IrRef zero = ir_typed(g, IR_CONST, (IrAttr){0}, type, 0, NULL);
    return ir_binary(g, IR_ADD, v, zero);
}

IrRef es_shape_as(IrGraph *g, IrRef v, const IrType *type)
{
    if (g->node[v].type.rank == 0)
        for (uint32_t i = 0; i < type->rank; i++)
            v = ir_expand(g, v, i, type->dim[i]);
    return v;
}

IrRef es_share(IrGraph *g, IrRef v, const IrType *from, const IrType *to)
{
    v = es_sum_plates(g, v, from->plates & ~to->plates);
    if (to->rank == 0 && g->node[v].type.rank > 0)
        return ir_sum_all(g, v);
    if (to->rank == 0 && from->rank > 0)
        return ir_binary(g, IR_MUL, v, ir_const(g, (double)ir_elements(from)));
    return v;
}

/* ---- the adjoint of an operand ------------------------------------------------------------- */

static const IrType *type_of(const Sweep *s, IrRef r)
{
    return &s->g->node[r].type;
}

/* v is a share of the adjoint of x, already without the copies and axes that x lacks. */
static void accumulate(Sweep *s, IrRef x, IrRef v)
{
    IrGraph *g = s->g;
    uint32_t here = g->in_region, back = s->back[g->node[x].region];
    if (back)
        g->in_region = back; /* its other shares may come from the steps after */
    s->adjoint[x] = s->adjoint[x] == IR_NONE ? v : ir_binary(g, IR_ADD, s->adjoint[x], v);
    g->in_region = here;
}

/* v is a share of the adjoint of operand k of n, copy by copy of n; an operand that n's copies or
 * elements share receives their sum. */
static void push(Sweep *s, const IrNode *n, uint32_t k, IrRef v)
{
    IrType x = *type_of(s, n->in[k]);
    accumulate(s, n->in[k], es_share(s->g, v, &n->type, &x));
}

static bool wants(const Sweep *s, const IrNode *n, uint32_t k)
{
    return s->active[n->in[k]];
}

static IrRef times(Sweep *s, IrRef y, IrRef a, IrRef partial)
{
    return ir_binary(s->g, s->guarded[y] ? IR_MULZ : IR_MUL, a, partial);
}

static IrRef add(Sweep *s, IrRef a, IrRef b)
{
    return ir_binary(s->g, IR_ADD, a, b);
}
static IrRef sub(Sweep *s, IrRef a, IrRef b)
{
    return ir_binary(s->g, IR_SUB, a, b);
}
static IrRef mul(Sweep *s, IrRef a, IrRef b)
{
    return ir_binary(s->g, IR_MUL, a, b);
}
static IrRef quo(Sweep *s, IrRef a, IrRef b)
{
    return ir_binary(s->g, IR_DIV, a, b);
}
static IrRef number(Sweep *s, double v)
{
    return ir_const(s->g, v);
}
static IrRef apply(Sweep *s, IrOp op, IrRef a)
{
    return ir_unary(s->g, op, a);
}
static IrRef minus(Sweep *s, IrRef a)
{
    return apply(s, IR_NEG, a);
}

/* ---- element-wise, one operand -------------------------------------------------------------- */

#define RULE(name) static void adj_##name(Sweep *s, const IrNode *n, IrRef y, IrRef a)
#define UNARY(name, partial)                                                                       \
    RULE(name)                                                                                     \
    {                                                                                              \
        IrRef x = n->in[0];                                                                        \
        (void)x;                                                                                   \
        push(s, n, 0, times(s, y, a, partial));                                                    \
    }

UNARY(exp, y)
UNARY(log, quo(s, number(s, 1), x))
UNARY(log1p, quo(s, number(s, 1), add(s, x, number(s, 1))))
UNARY(expm1, add(s, y, number(s, 1)))
UNARY(sqrt, quo(s, number(s, 0.5), y))
UNARY(square, mul(s, number(s, 2), x))
UNARY(abs, apply(s, IR_SIGN, x))
UNARY(tanh, sub(s, number(s, 1), apply(s, IR_SQUARE, y)))
UNARY(sigmoid, mul(s, y, sub(s, number(s, 1), y)))
UNARY(softplus, apply(s, IR_SIGMOID, x))
UNARY(sin, apply(s, IR_COS, x))
UNARY(cos, minus(s, apply(s, IR_SIN, x)))
UNARY(erf,
      mul(s, number(s, 1.1283791670955125739), apply(s, IR_EXP, minus(s, apply(s, IR_SQUARE, x)))))
UNARY(lgamma, apply(s, IR_DIGAMMA, x))
UNARY(digamma, apply(s, IR_TRIGAMMA, x))
UNARY(trigamma, apply(s, IR_TETRAGAMMA, x))
UNARY(log_i0e, minus(s, apply(s, IR_I1_GAP, x)))
UNARY(i1_gap, apply(s, IR_I1_GAP_SLOPE, x))
UNARY(poisson_entropy, apply(s, IR_POISSON_ENTROPY_SLOPE, x))
UNARY(poisson_entropy_slope, apply(s, IR_POISSON_ENTROPY_BEND, x))

RULE(neg)
{
    (void)y;
    push(s, n, 0, minus(s, a));
}

RULE(relu)
{
    (void)y;
    IrRef on = ir_binary(s->g, IR_LT, number(s, 0), n->in[0]);
    push(s, n, 0, ir_select(s->g, on, a, number(s, 0)));
}

/* ---- element-wise, two and three operands --------------------------------------------------- */

RULE(add)
{
    (void)y;
    for (uint32_t k = 0; k < 2; k++)
        if (wants(s, n, k))
            push(s, n, k, a);
}

RULE(sub)
{
    (void)y;
    if (wants(s, n, 0))
        push(s, n, 0, a);
    if (wants(s, n, 1))
        push(s, n, 1, minus(s, a));
}

RULE(mul)
{
    for (uint32_t k = 0; k < 2; k++)
        if (wants(s, n, k))
            push(s, n, k, times(s, y, a, n->in[1 - k]));
}

RULE(div)
{
    IrRef share =
        s->guarded[y] ? times(s, y, a, quo(s, number(s, 1), n->in[1])) : quo(s, a, n->in[1]);
    if (wants(s, n, 0))
        push(s, n, 0, share);
    if (wants(s, n, 1))
        push(s, n, 1, minus(s, times(s, y, share, y)));
}

/* d a^b / db = a^b log a, which is 0 where a^b is 0. */
RULE(pow)
{
    IrRef base = n->in[0], power = n->in[1];
    if (wants(s, n, 0)) {
        IrRef lower = ir_binary(s->g, IR_POW, base, sub(s, power, number(s, 1)));
        push(s, n, 0, times(s, y, a, mul(s, power, lower)));
    }
    if (wants(s, n, 1))
        push(s, n, 1, times(s, y, a, ir_binary(s->g, IR_MULZ, y, apply(s, IR_LOG, base))));
}

/* The derivative of an inverse distribution function in what it inverts: one over the density. */
static void push_noise(Sweep *s, const IrNode *n, IrRef y, IrRef a, IrRef log_density)
{
    if (wants(s, n, 0))
        push(s, n, 0, times(s, y, a, apply(s, IR_EXP, minus(s, log_density))));
}

/* log z has the density e^(b log z - z) / Gamma(b). */
RULE(log_gamma_quantile)
{
    IrRef shape = n->in[1];
    IrRef falls = add(s, apply(s, IR_EXP, y), apply(s, IR_LGAMMA, shape));
    push_noise(s, n, y, a, sub(s, mul(s, shape, y), falls));
    if (wants(s, n, 1))
        push(s, n, 1, times(s, y, a, ir_binary(s->g, IR_LOG_GAMMA_SLOPE, y, shape)));
}

RULE(von_mises_quantile)
{
    IrRef k = n->in[1], rest = sub(s, apply(s, IR_COS, y), number(s, 1));
    IrRef log_density = sub(s, mul(s, k, rest), apply(s, IR_LOG_I0E, k));
    push_noise(s, n, y, a, sub(s, log_density, number(s, 1.8378770664093454836)));
    if (wants(s, n, 1))
        push(s, n, 1, times(s, y, a, ir_binary(s->g, IR_VON_MISES_SLOPE, y, k)));
}

/* 1 where operand k wins, half at a tie, so that max(a, a) has the derivative of a. */
static void push_winner(Sweep *s, const IrNode *n, IrRef a, bool larger)
{
    IrRef tie = ir_binary(s->g, IR_EQ, n->in[0], n->in[1]);
    for (uint32_t k = 0; k < 2; k++) {
        if (!wants(s, n, k))
            continue;
        IrRef wins = larger ? ir_binary(s->g, IR_LT, n->in[1 - k], n->in[k])
                            : ir_binary(s->g, IR_LT, n->in[k], n->in[1 - k]);
        IrRef half = ir_select(s->g, tie, mul(s, a, number(s, 0.5)), number(s, 0));
        push(s, n, k, ir_select(s->g, wins, a, half));
    }
}

RULE(min)
{
    (void)y;
    push_winner(s, n, a, false);
}

RULE(max)
{
    (void)y;
    push_winner(s, n, a, true);
}

/* Inside its domain an argument of a law is what it is. */
RULE(domain)
{
    (void)y;
    if (wants(s, n, 0))
        push(s, n, 0, a);
}

RULE(select)
{
    (void)y;
    if (wants(s, n, 1))
        push(s, n, 1, ir_select(s->g, n->in[0], a, number(s, 0)));
    if (wants(s, n, 2))
        push(s, n, 2, ir_select(s->g, n->in[0], number(s, 0), a));
}

/* ---- reductions ----------------------------------------------------------------------------- */

/* A value of the reduced type, repeated along the axes that n reduces; a scalar that stands for all
 * elements stays one. */
static IrRef spread(Sweep *s, const IrNode *n, IrRef v)
{
    IrType x = *type_of(s, n->in[0]);
    if (type_of(s, v)->rank == 0 && n->type.rank == 0)
        return v;
    v = es_shape_as(s->g, v, &n->type);
    for (uint32_t i = 0; i < x.rank; i++)
        if (n->attr.axes >> i & 1)
            v = ir_expand(s->g, v, i, x.dim[i]);
    return v;
}

RULE(sum)
{
    (void)y;
    accumulate(s, n->in[0], spread(s, n, a));
}

RULE(prod)
{
    IrAttr attr = {.axes = n->attr.axes, .over = n->attr.over};
    IrRef rest = ir_node(s->g, IR_PROD_REST, attr, 1, n->in);
    accumulate(s, n->in[0], times(s, y, spread(s, n, a), rest));
}

/* Tied extrema share the adjoint, so that max([a, a]) has the derivative of a. */
RULE(extremum)
{
    IrRef hit = ir_binary(s->g, IR_EQ, n->in[0], spread(s, n, y));
    IrRef one = ir_select(s->g, hit, number(s, 1), number(s, 0));
    IrRef ties = ir_reduce(s->g, IR_SUM, one, n->attr.axes, n->attr.over);
    IrRef share = quo(s, spread(s, n, a), spread(s, n, ties));
    accumulate(s, n->in[0], ir_select(s->g, hit, share, number(s, 0)));
}

RULE(logsumexp)
{
    IrRef weight = apply(s, IR_EXP, sub(s, n->in[0], spread(s, n, y)));
    accumulate(s, n->in[0], times(s, y, spread(s, n, a), weight));
}

RULE(cumsum)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    accumulate(s, n->in[0],
               ir_node(s->g, IR_CUMSUM, (IrAttr){.k = {n->attr.k[0], !n->attr.k[1]}}, 1, &a));
}

/* "ij,jk->ik" as its three label lists. */
typedef struct Labels {
    char in[2][IR_MAX_RANK + 1], out[2 * IR_MAX_RANK + 1];
} Labels;

static Labels labels_of(const char *spec)
{
    Labels l = {0};
    const char *comma = strchr(spec, ','), *arrow = strchr(spec, '-');
    memcpy(l.in[0], spec, (size_t)(comma - spec));
    memcpy(l.in[1], comma + 1, (size_t)(arrow - comma - 1));
    memcpy(l.out, arrow + 2, strlen(arrow + 2));
    return l;
}

/* An axis that only one operand has was summed there alone: its adjoint is the same all along. */
static IrRef restore_axes(Sweep *s, IrRef v, const char *want, const char *have, const IrType *x)
{
    for (uint32_t i = 0; want[i]; i++)
        if (!strchr(have, want[i]))
            v = ir_expand(s->g, v, i, x->dim[i]);
    return v;
}

RULE(contract)
{
    (void)y;
    Labels l = labels_of(n->attr.text);
    a = es_shape_as(s->g, a, &n->type);
    for (uint32_t k = 0; k < 2; k++) {
        if (!wants(s, n, k))
            continue;
        IrRef other = n->in[1 - k];
        IrType x = *type_of(s, n->in[k]);
        char kept[IR_MAX_RANK + 1] = "";
        for (uint32_t i = 0, o = 0; l.in[k][i]; i++)
            if (strchr(l.out, l.in[k][i]) || strchr(l.in[1 - k], l.in[k][i]))
                kept[o++] = l.in[k][i];
        /* The operands keep their sides, so that x @ W gives x' @ a and a @ W'. */
        const char *spec =
            k == 0 ? arena_printf(s->g->model->arena, "%s,%s->%s", l.out, l.in[1], kept)
                   : arena_printf(s->g->model->arena, "%s,%s->%s", l.in[0], l.out, kept);
        IrPlates over = type_of(s, other)->plates & ~x.plates;
        IrRef v = k == 0 ? ir_contract(s->g, spec, over, a, other)
                         : ir_contract(s->g, spec, over, other, a);
        accumulate(s, n->in[k], restore_axes(s, v, l.in[k], kept, &x));
    }
}

/* ---- shape ---------------------------------------------------------------------------------- */

RULE(reshape)
{
    (void)y;
    IrType x = *type_of(s, n->in[0]);
    if (type_of(s, a)->rank > 0) {
        x.plates = type_of(s, a)->plates;
        a = ir_typed(s->g, IR_RESHAPE, (IrAttr){0}, x, 1, &a);
    } else if (x.rank == 0) {
        a = mul(s, a, number(s, (double)ir_elements(&n->type)));
    }
    accumulate(s, n->in[0], a);
}

RULE(transpose)
{
    (void)y;
    IrAttr back = {0};
    for (uint32_t i = 0; i < n->type.rank; i++)
        back.k[n->attr.k[i]] = i;
    if (type_of(s, a)->rank > 0)
        a = ir_node(s->g, IR_TRANSPOSE, back, 1, &a);
    accumulate(s, n->in[0], a);
}

RULE(expand)
{
    (void)y;
    if (type_of(s, a)->rank > 0)
        a = ir_reduce(s->g, IR_SUM, a, 1u << n->attr.k[0], 0);
    else
        a = mul(s, a, number(s, (double)n->attr.k[1]));
    accumulate(s, n->in[0], a);
}

RULE(slice)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    IrAttr attr = {.k = {n->attr.k[0], n->attr.k[1], type_of(s, n->in[0])->dim[n->attr.k[0]]}};
    accumulate(s, n->in[0], ir_node(s->g, IR_PAD, attr, 1, &a));
}

RULE(pad)
{
    (void)y;
    int64_t axis = n->attr.k[0], first = n->attr.k[1];
    IrAttr attr = {.k = {axis, first, first + type_of(s, n->in[0])->dim[axis]}};
    if (type_of(s, a)->rank > 0)
        a = ir_node(s->g, IR_SLICE, attr, 1, &a);
    accumulate(s, n->in[0], a);
}

RULE(concat)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    int64_t axis = n->attr.k[0], at = 0;
    for (uint32_t k = 0; k < n->n_in; k++) {
        int64_t dim = type_of(s, n->in[k])->dim[axis];
        if (wants(s, n, k))
            push(s, n, k, ir_node(s->g, IR_SLICE, (IrAttr){.k = {axis, at, at + dim}}, 1, &a));
        at += dim;
    }
}

RULE(gather)
{
    (void)y;
    IrType x = *type_of(s, n->in[0]);
    a = es_shape_as(s->g, a, &n->type);
    IrAttr attr = {.k = {x.dim[0]}, .over = n->type.plates & ~x.plates};
    accumulate(s, n->in[0], ir_node(s->g, IR_SCATTER, attr, 2, (IrRef[]){a, n->in[1]}));
}

RULE(diag)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    accumulate(s, n->in[0], apply(s, IR_DIAG_PART, a));
}

RULE(diag_part)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    accumulate(s, n->in[0], apply(s, IR_DIAG, a));
}

RULE(tril)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    accumulate(s, n->in[0], apply(s, IR_TRIL, a));
}

/* ---- plates and sequences ------------------------------------------------------------------- */

static IrRef with_plate(Sweep *s, IrRef v, const IrType *shape, int32_t plate)
{
    IrType whole = *shape;
    whole.plates = type_of(s, v)->plates | 1u << plate;
    return es_broadcast(s->g, v, whole);
}

RULE(to_plate)
{
    (void)y;
    a = with_plate(s, a, &n->type, n->attr.plate);
    IrAttr attr = {.plate = n->attr.plate, .k = {n->attr.k[0], type_of(s, n->in[0])->dim[0]}};
    accumulate(s, n->in[0], ir_node(s->g, IR_TO_AXIS, attr, 1, &a));
}

RULE(to_axis)
{
    (void)y;
    a = es_shape_as(s->g, a, &n->type);
    IrAttr attr = {.plate = n->attr.plate, .k = {n->attr.k[0]}};
    accumulate(s, n->in[0], ir_node(s->g, IR_TO_PLATE, attr, 1, &a));
}

static IrRef zeros(Sweep *s, IrType type)
{
    return ir_typed(s->g, IR_CONST, (IrAttr){0}, type, 0, NULL);
}

/* The region that runs the adjoints of region `region`, step by step from the last.  Each carry c
 * hands its adjoint at step t to c's source at step t - 1: a carry of the adjoint region, whose own
 * source is known only when the sweep reaches c. */
static void open_region(Sweep *s, uint32_t region)
{
    IrGraph *g = s->g;
    if (s->back[region])
        return;
    s->back[region] = ir_region_add(g, g->region[region - 1].plate, !g->region[region - 1].reverse);
    uint32_t outside = g->in_region;
    g->in_region = s->back[region];
    for (IrRef r = 0; r < s->count; r++) {
        IrNode n = g->node[r];
        if (n.op != IR_CARRY || n.region != region || !s->active[r])
            continue;
        IrType step = n.type;
        step.plates = 0;
        IrRef zero = zeros(s, step);
        s->carried[r] = ir_typed(g, IR_CARRY, (IrAttr){0}, n.type, 2, (IrRef[]){zero, zero});
        if (wants(s, &n, 1))
            push(s, &n, 1, s->carried[r]);
    }
    g->in_region = outside;
}

RULE(carry)
{
    IrGraph *g = s->g;
    int32_t plate = g->region[n->region - 1].plate;
    IrRef whole = es_broadcast(g, a, n->type);
    g->node[s->carried[y]].in[1] = whole;
    if (!wants(s, n, 0))
        return;
    int64_t steps = g->plate[plate].size, first = g->region[n->region - 1].reverse ? steps - 1 : 0;
    IrRef all = ir_node(g, IR_TO_AXIS, (IrAttr){.plate = plate, .k = {0, steps}}, 1, &whole);
    IrRef one = ir_node(g, IR_SLICE, (IrAttr){.k = {0, first, first + 1}}, 1, &all);
    IrType start = n->type;
    start.plates = type_of(s, one)->plates;
    IrNode outside = *n;
    outside.type.plates = start.plates;
    push(s, &outside, 0, ir_typed(g, IR_RESHAPE, (IrAttr){0}, start, 1, &one));
}

/* ---- linear algebra ------------------------------------------------------------------------- */

static IrRef turned(Sweep *s, IrRef a)
{
    return ir_node(s->g, IR_TRANSPOSE, (IrAttr){.k = {1, 0}}, 1, &a);
}

static IrRef solve(Sweep *s, IrOp op, IrRef matrix, IrRef b, bool transposed)
{
    return ir_node(s->g, op, (IrAttr){.k = {transposed}}, 2, (IrRef[]){matrix, b});
}

/* A = L L': with P = tril(L' dL) and its diagonal halved, S = L^-T P L^-1 and dA = S + S', folded
 * into the lower triangle, which is all that the factorisation reads. */
RULE(cholesky)
{
    a = es_shape_as(s->g, a, &n->type);
    IrRef inner = apply(s, IR_TRIL, ir_matmul(s->g, turned(s, y), a));
    IrRef half = apply(s, IR_DIAG, mul(s, number(s, 0.5), apply(s, IR_DIAG_PART, inner)));
    IrRef left = solve(s, IR_SOLVE_TRI, y, sub(s, inner, half), true);
    IrRef full = turned(s, solve(s, IR_SOLVE_TRI, y, turned(s, left), true));
    IrRef both = apply(s, IR_TRIL, add(s, full, turned(s, full)));
    accumulate(s, n->in[0], sub(s, both, apply(s, IR_DIAG, apply(s, IR_DIAG_PART, full))));
}

/* x = M^-1 b, or M^-T b: db = M^-T dx, or M^-1 dx, and dM = -db x', or -x db'. */
static IrRef push_solution(Sweep *s, const IrNode *n, IrOp op, IrRef x, IrRef a, IrPlates *over)
{
    bool transposed = n->attr.k[0] != 0;
    a = es_shape_as(s->g, a, &n->type);
    IrRef right = solve(s, op, n->in[0], a, !transposed);
    if (wants(s, n, 1))
        push(s, n, 1, right);
    *over = (type_of(s, right)->plates | type_of(s, x)->plates) & ~type_of(s, n->in[0])->plates;
    const char *spec = n->type.rank == 1 ? "a,b->ab" : "ac,bc->ab";
    IrRef first = transposed ? x : right, second = transposed ? right : x;
    return minus(s, ir_contract(s->g, spec, *over, first, second));
}

RULE(solve)
{
    IrPlates over;
    IrRef matrix = push_solution(s, n, IR_SOLVE, y, a, &over);
    if (wants(s, n, 0))
        accumulate(s, n->in[0], matrix);
}

RULE(solve_tri)
{
    IrPlates over;
    IrRef matrix = push_solution(s, n, IR_SOLVE_TRI, y, a, &over);
    if (wants(s, n, 0))
        accumulate(s, n->in[0], apply(s, IR_TRIL, matrix));
}

/* ---- the sweep ------------------------------------------------------------------------------ */

static AdjointRule *const adjoint_rule[IR_OP_COUNT] = {
#include "ir/op.def"
};

bool es_has_adjoint(IrOp op)
{
    return adjoint_rule[op] != NULL;
}

/* Carries look forward, so the marking is repeated until it settles. */
static void mark_active(Sweep *s)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (IrRef r = 0; r < s->count; r++) {
            const IrNode *n = &s->g->node[r];
            bool active = n->op == IR_PARAM;
            for (uint32_t k = 0; k < n->n_in && adjoint_rule[n->op]; k++)
                active |= s->active[n->in[k]];
            active &= n->type.elem == IR_REAL;
            changed |= active != s->active[r];
            s->active[r] = active;
        }
    }
}

static void mark_guarded(Sweep *s)
{
    for (bool news = true; news;) {
        news = false;
        for (IrRef r = s->count; r-- > 0;) {
            const IrNode *n = &s->g->node[r];
            for (uint32_t k = 0; k < n->n_in; k++) {
                bool guarded = s->guarded[r] || (n->op == IR_SELECT && k > 0);
                news |= guarded && !s->guarded[n->in[k]];
                s->guarded[n->in[k]] |= guarded;
            }
        }
    }
}

static Sweep start(IrGraph *g)
{
    Arena *a = g->model->arena;
    Sweep s = {.g = g, .count = g->count};
    s.active = arena_array(a, bool, g->count + 1);
    s.guarded = arena_array(a, bool, g->count + 1);
    s.adjoint = arena_array(a, IrRef, g->count + 1);
    s.carried = arena_array(a, IrRef, g->count + 1);
    s.gain = arena_array(a, IrRef, g->count + 1);
    s.back = arena_array(a, uint32_t, g->regions + 2);
    for (IrRef r = 0; r < g->count; r++)
        s.adjoint[r] = s.carried[r] = s.gain[r] = IR_NONE;
    mark_active(&s);
    mark_guarded(&s);
    return s;
}

static void visit(Sweep *s, IrRef r)
{
    IrNode n = s->g->node[r];
    if (!s->active[r])
        return;
    s->g->here = n.at;
    if (n.region)
        open_region(s, n.region);
    s->g->in_region = n.region ? s->back[n.region] : 0;
    if (s->adjoint[r] == IR_NONE && s->carried[r] != IR_NONE)
        s->adjoint[r] = zeros(s, n.type);
    if (s->adjoint[r] != IR_NONE && s->gain[r] != IR_NONE)
        s->adjoint[r] = times(s, r, s->adjoint[r], s->gain[r]);
    if (s->adjoint[r] != IR_NONE && adjoint_rule[n.op])
        adjoint_rule[n.op](s, &n, r, s->adjoint[r]);
}

/* What a carry takes from outside of its loop may stand behind the loop; its adjoint must not come
 * when the sweep has passed it. */
static void open_before_sources(Sweep *s)
{
    for (IrRef r = 0; r < s->count; r++) {
        const IrNode n = s->g->node[r];
        if (n.op == IR_CARRY && s->active[r] && s->g->node[n.in[1]].region != n.region)
            open_region(s, n.region);
    }
}

void es_adjoint(IrGraph *g, const EsSeed *seed, uint32_t seeds, const EsGain *gain, uint32_t gains,
                IrRef *grad)
{
    Sweep s = start(g);
    for (uint32_t i = 0; i < gains; i++)
        s.gain[gain[i].node] = gain[i].factor;
    for (uint32_t i = 0; i < seeds; i++)
        if (s.active[seed[i].node])
            accumulate(&s, seed[i].node, seed[i].value);
    for (uint32_t p = 0; p < g->model->params; p++)
        grad[p] = IR_NONE;
    open_before_sources(&s);
    for (IrRef r = s.count; r-- > 0;)
        visit(&s, r);
    g->in_region = 0;
    for (IrRef r = 0; r < s.count; r++) {
        IrNode n = g->node[r];
        if (n.op != IR_PARAM || s.adjoint[r] == IR_NONE)
            continue;
        IrRef whole = es_broadcast(g, s.adjoint[r], n.type);
        grad[n.attr.item] =
            grad[n.attr.item] == IR_NONE ? whole : ir_binary(g, IR_ADD, grad[n.attr.item], whole);
    }
}
