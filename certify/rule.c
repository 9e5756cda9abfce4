/* One rule a term of proofs/ops.def: leaves, element-wise operations, reductions, products.
 *
 * Operations of more than one node are the expansions of proofs/Table.v, node for node. */
#include "certify/lower.h"

#include "certify/rule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RULE(name) LowValue rule_##name(Lower *l, const IrNode *n)

static Fraction number(Lower *l, double v)
{
    return fraction_of_double(l->cert->fractions, v);
}

/* ---- leaves --------------------------------------------------------------------------------- */

RULE(input)
{
    return low_slot(l->input[n->op][n->attr.item] - 1);
}

RULE(const)
{
    Layout y = low_result(l), scalar = {0};
    if (isnan(n->attr.num))
        return low_refuse(l, "it is not a number");
    if (isinf(n->attr.num))
        return low_slot(low_spread(l, &scalar, &y, l->constant[n->attr.num < 0]));
    return low_slot(low_number(l, n->attr.num, y.sizes));
}

RULE(size)
{
    if (n->op == IR_TOTAL)
        return low_slot(
            build(&l->b, (CertOp){.form = CERT_SIZE, .k = size_of_total(l->sizes, l->cert)}, 0, 0));
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (l->g->plate[p].kind == IR_PLATE_ROWS)
            return low_slot(
                build(&l->b, (CertOp){.form = CERT_SIZE, .k = size_of_plate(l->sizes, l->cert, p)},
                      0, 0));
    return low_slot(low_number(l, 1, (CertList){0}));
}

RULE(index)
{
    int32_t plate = n->attr.plate;
    double first = (double)n->attr.k[0];
    if (l->g->plate[plate].kind == IR_PLATE_STEP)
        return low_slot(low_number(l, first + (double)l->step[plate], (CertList){0}));
    CertSlot i = l->g->plate[plate].kind == IR_PLATE_ROWS
                     ? l->input[IR_INDEX][0] - 1
                     : low_iota(l, size_of_plate(l->sizes, l->cert, (uint32_t)plate));
    return low_slot(first == 0 ? i : build_affine(&l->b, FRACTION_1, number(l, first), i));
}

/* ---- draws ---------------------------------------------------------------------------------- */

/* The node that stands for the draw: base noise of one site is one draw. */
static IrRef drawn_by(const IrGraph *g, IrRef r)
{
    const IrNode *n = &g->node[r];
    for (IrRef x = 0; x < r && n->op == IR_DRAW; x++)
        if (g->node[x].op == IR_DRAW && g->node[x].attr.item == n->attr.item)
            return x;
    return r;
}

/* Of proofs/ops.def: NULL where the law is not listed, "" where it has a term. */
static const char *const law_reason[IR_DIST_COUNT] = {
#define OP(...)
#define NO_OP(...)
#define DIST(id, ...) [IR_DIST_##id] = "",
#define NO_DIST(id, why) [IR_DIST_##id] = why,
#include "proofs/ops.def"
#undef OP
#undef NO_OP
#undef DIST
#undef NO_DIST
};

static void set_base(Lower *l, IrRef r, CertDraw *d)
{
    const IrNode *n = &l->g->node[r];
    if (n->op == IR_DRAW) {
        d->base = n->attr.k[0] ? CERT_UNIFORM : CERT_NORMAL;
        return;
    }
    d->base = CERT_GIVEN;
    for (IrRef s = 0; s < l->g->count; s++) {
        const IrNode *score = &l->g->node[s];
        if (score->op != IR_SCORE || score->in[2] != r)
            continue;
        const char *why = law_reason[score->attr.dist];
        if (!why || *why)
            low_refuse(l, why ? why : "the theory does not know its law");
        d->base = low_base(l, score, &d->values);
    }
}

uint32_t low_draw(Lower *l, IrRef r)
{
    Cert *c = l->cert;
    const IrNode *n = &l->g->node[r];
    IrRef by = drawn_by(l->g, r);
    if (!l->drawn[by])
        l->drawn[by] = arena_array(l->arena, uint32_t, (size_t)low_count(l->g, n->type.plates));
    uint32_t *at = &l->drawn[by][low_index(l, n->type.plates)];
    if (!*at) {
        const char *name = n->op == IR_DRAW ? l->g->site[n->attr.item].name : n->name;
        CertDraw d = {.name = name ? name : "a draw",
                      .at = n->at,
                      .step = low_index(l, n->type.plates),
                      .shape = low_layout(l, r).sizes};
        set_base(l, r, &d);
        *arena_push(l->arena, c->draw, c->draws, CertDraw) = d;
        *at = c->draws;
    }
    return *at - 1;
}

RULE(sample)
{
    uint32_t j = low_draw(l, (IrRef)(n - l->g->node));
    return low_slot(
        build(&l->b, (CertOp){.form = CERT_SAMPLE, .k = j, .axes = low_result(l).sizes}, 0, 0));
}

/* ---- element by element --------------------------------------------------------------------- */

RULE(copy)
{
    (void)n;
    return low_slot(low_argument(l, 0));
}

RULE(map)
{
    for (unsigned f = 0; f < CERT_FNS; f++)
        if (strcmp(cert_fn[f].coq, strrchr(low_term(n->op), ' ') + 1) == 0) {
            CertSlot x = low_argument(l, 0);
            return low_slot(cert_fn[f].operands == 1
                                ? build_map1(&l->b, (CertFn)f, x)
                                : build_map2(&l->b, (CertFn)f, x, low_argument(l, 1)));
        }
    return low_refuse(l, "certificates do not know its function");
}

RULE(neg)
{
    (void)n;
    return low_slot(build_affine(&l->b, FRACTION_MINUS_1, FRACTION_0, low_argument(l, 0)));
}

static CertSlot complement(Lower *l, CertSlot x)
{
    return build_affine(&l->b, FRACTION_MINUS_1, FRACTION_1, x);
}

RULE(not )
{
    (void)n;
    return low_slot(complement(l, low_argument(l, 0)));
}

RULE(mul)
{
    (void)n;
    CertSlot x = low_argument(l, 0);
    return low_slot(build_map2(&l->b, CERT_MUL, x, low_argument(l, 1)));
}

RULE(or)
{
    (void)n;
    CertSlot x = low_argument(l, 0), y = low_argument(l, 1);
    CertSlot sum = build_map2(&l->b, CERT_ADD, x, y);
    return low_slot(build_map2(&l->b, CERT_SUB, sum, build_map2(&l->b, CERT_MUL, x, y)));
}

static CertSlot step_of(Lower *l, double a, double b, CertSlot x)
{
    return build_map1(&l->b, CERT_STEP, build_affine(&l->b, number(l, a), number(l, b), x));
}

static bool is_real(const Lower *l, const IrNode *n)
{
    return l->g->node[n->in[0]].type.elem == IR_REAL;
}

RULE(lt)
{
    CertSlot x = low_argument(l, 0), y = low_argument(l, 1);
    CertSlot gap = build_map2(&l->b, CERT_SUB, y, x);
    return low_slot(is_real(l, n) ? build_map1(&l->b, CERT_STEP, gap) : step_of(l, 1, -0.5, gap));
}

RULE(le)
{
    CertSlot x = low_argument(l, 0), y = low_argument(l, 1);
    if (!is_real(l, n))
        return low_slot(step_of(l, 1, 0.5, build_map2(&l->b, CERT_SUB, y, x)));
    return low_slot(complement(l, build_map1(&l->b, CERT_STEP, build_map2(&l->b, CERT_SUB, x, y))));
}

static CertSlot equal_integers(Lower *l, CertSlot x, CertSlot y)
{
    return step_of(l, -1, 0.25, build_map1(&l->b, CERT_SQUARE, build_map2(&l->b, CERT_SUB, x, y)));
}

/* Neither is above the other. */
static CertSlot equal_reals(Lower *l, CertSlot x, CertSlot y)
{
    CertSlot over = build_map1(&l->b, CERT_STEP, build_map2(&l->b, CERT_SUB, x, y));
    CertSlot under = build_map1(&l->b, CERT_STEP, build_map2(&l->b, CERT_SUB, y, x));
    return complement(l, build_map2(&l->b, CERT_ADD, over, under));
}

/* e^a = 0 holds for no real number: it guards the weight of an enumerated value against underflow.
 */
static bool never_equal(const IrGraph *g, const IrNode *n)
{
    const IrNode *a = &g->node[n->in[0]], *b = &g->node[n->in[1]];
    return a->op == IR_EXP && b->op == IR_CONST && b->attr.num == 0;
}

RULE(eq)
{
    if (is_real(l, n) && never_equal(l->g, n))
        return low_slot(low_number(l, 0, low_result(l).sizes));
    CertSlot x = low_argument(l, 0), y = low_argument(l, 1);
    return low_slot(is_real(l, n) ? equal_reals(l, x, y) : equal_integers(l, x, y));
}

RULE(ne)
{
    LowValue v = rule_eq(l, n);
    return l->ok ? low_slot(complement(l, v.slot)) : v;
}

RULE(select)
{
    (void)n;
    CertSlot c = low_argument(l, 0), x = low_argument(l, 1), y = low_argument(l, 2);
    CertSlot first = build_map2(&l->b, CERT_MUL, c, x);
    return low_slot(
        build_map2(&l->b, CERT_ADD, first, build_map2(&l->b, CERT_MUL, complement(l, c), y)));
}

/* ---- sums over axes, plates and steps -------------------------------------------------------- */

/* Where the axes of the operand stand that the result keeps. */
static CertList kept_axes(Lower *l, const IrNode *n, const Layout *x)
{
    uint32_t at[IR_MAX_PLATES + IR_MAX_RANK], count = 0;
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (x->plates & ~n->attr.over & 1u << p)
            at[count++] = low_plate_at(x, p);
    for (uint32_t i = 0; i < x->rank; i++)
        if (!(n->attr.axes >> i & 1))
            at[count++] = low_axis_at(x, i);
    return low_list(l, count, at);
}

static CertSlot sum_here(Lower *l, const IrNode *n)
{
    Layout x = low_layout(l, n->in[0]);
    CertList kept = kept_axes(l, n, &x);
    CertSlot v = low_operand(l, 0);
    return kept.count == x.sizes.count
               ? v
               : build_ein(&l->b, x.sizes, cert_range(l->arena, x.sizes.count), kept, v);
}

/* The sum of what `here` makes at each step of the plates. */
static CertSlot sum_steps(Lower *l, const IrNode *n, IrPlates plates,
                          CertSlot (*here)(Lower *, const IrNode *))
{
    IrPlates steps = low_steps(l->g, plates);
    if (!steps)
        return here(l, n);
    uint32_t p = (uint32_t)__builtin_ctz(steps);
    CertSlot total = CERT_NONE;
    for (l->step[p] = 0; l->step[p] < l->g->plate[p].size; l->step[p]++) {
        CertSlot v = sum_steps(l, n, steps & ~(1u << p), here);
        total = total == CERT_NONE ? v : build_map2(&l->b, CERT_ADD, total, v);
    }
    l->step[p] = 0;
    return total;
}

RULE(sum)
{
    return low_slot(sum_steps(l, n, n->attr.over, sum_here));
}

RULE(lse)
{
    if (low_steps(l->g, n->attr.over))
        return low_refuse(l, "over the steps of a sequence");
    Layout x = low_layout(l, n->in[0]);
    const CertOp op = {.form = CERT_LSE, .axes = x.sizes, .o = kept_axes(l, n, &x)};
    return low_slot(build(&l->b, op, low_operand(l, 0), 0));
}

/* ---- products ------------------------------------------------------------------------------- */

/* The axes of a product: plates, then labelled ones. */
typedef struct Product {
    IrPlates plates;
    char label[3 * IR_MAX_RANK + 1];
    uint32_t labels;
    uint32_t size[IR_MAX_PLATES + 3 * IR_MAX_RANK];
} Product;

/* The places of an operand's axes; `label` names them. */
static CertList places(Lower *l, Product *x, const Layout *y, const char *label)
{
    uint32_t at[IR_MAX_PLATES + IR_MAX_RANK], count = 0;
    const Layout all = {.plates = x->plates};
    for (uint32_t p = 0; p < l->g->plates; p++)
        if (y->plates >> p & 1) {
            at[count] = low_plate_at(&all, p);
            x->size[at[count]] = y->sizes.at[count];
            count++;
        }
    for (uint32_t i = 0; i < y->rank; i++) {
        const char *known = strchr(x->label, label[i]);
        uint32_t k = known ? (uint32_t)(known - x->label) : x->labels++;
        x->label[k] = label[i];
        at[count] = low_axis_at(&all, k);
        x->size[at[count]] = y->sizes.at[count];
        count++;
    }
    return low_list(l, count, at);
}

/* The sum of a(i) b(j) over what the result lacks. */
static CertSlot product(Lower *l, const Layout *y[3], const char *const label[3], CertSlot a,
                        CertSlot b)
{
    Product x = {.plates = y[0]->plates | y[1]->plates};
    CertOp op = {.form = CERT_EIN2};
    op.i = places(l, &x, y[0], label[0]);
    op.j = places(l, &x, y[1], label[1]);
    op.o = places(l, &x, y[2], label[2]);
    op.axes = low_list(l, (uint32_t)__builtin_popcount(x.plates) + x.labels, x.size);
    return build(&l->b, op, a, b);
}

static CertSlot contract_here(Lower *l, const IrNode *n)
{
    const char *text = n->attr.text;
    Layout a = low_layout(l, n->in[0]), b = low_layout(l, n->in[1]), o = low_result(l);
    const char *const label[3] = {text, strchr(text, ',') + 1, strchr(text, '>') + 1};
    CertSlot x = low_operand(l, 0);
    return product(l, (const Layout *[]){&a, &b, &o}, label, x, low_operand(l, 1));
}

RULE(contract)
{
    return low_slot(sum_steps(l, n, n->attr.over, contract_here));
}

/* ---- indices -------------------------------------------------------------------------------- */

/* 1 where the last axis is the operand: op_one_hot. */
static CertSlot one_hot(Lower *l, const Layout *x, uint32_t size, CertSlot v, Layout *y)
{
    uint32_t *axes = arena_array(l->arena, uint32_t, x->sizes.count + 1);
    for (uint32_t i = 0; i < x->sizes.count; i++)
        axes[i] = x->sizes.at[i];
    axes[x->sizes.count] = size;
    *y = (Layout){x->plates, x->rank + 1, {x->sizes.count + 1, axes}};
    CertList all = cert_range(l->arena, y->sizes.count);
    CertSlot i = build_ein(&l->b, y->sizes, cert_range(l->arena, x->sizes.count), all, v);
    CertList last = low_list(l, 1, &x->sizes.count);
    CertSlot j = build_ein(&l->b, y->sizes, last, all, low_iota(l, size));
    return equal_integers(l, i, j);
}

RULE(one_hot)
{
    Layout x = low_layout(l, n->in[0]), y;
    uint32_t size = size_of_axis(l->sizes, l->cert, (IrRef)(n - l->g->node), n->type.rank - 1);
    return low_slot(one_hot(l, &x, size, low_operand(l, 0), &y));
}

/* Labels: the index's axes a, b, ...; the indexed axis k; the rest p, q, ... */
static const char index_label[] = "abcd", rest_label[] = "pqrs";

/* a[b] is the product of a with the one-hot rows of b. */
RULE(gather)
{
    Layout a = low_layout(l, n->in[0]), b = low_layout(l, n->in[1]), o = low_result(l), hot;
    uint32_t size = size_of_axis(l->sizes, l->cert, n->in[0], 0);
    CertSlot table = low_operand(l, 0), rows = one_hot(l, &b, size, low_operand(l, 1), &hot);
    char la[8], lh[8], lo[12];
    snprintf(la, sizeof la, "k%.*s", (int)a.rank - 1, rest_label);
    snprintf(lh, sizeof lh, "%.*sk", (int)b.rank, index_label);
    snprintf(lo, sizeof lo, "%.*s%.*s", (int)b.rank, index_label, (int)a.rank - 1, rest_label);
    return low_slot(product(l, (const Layout *[]){&a, &hot, &o}, (const char *const[]){la, lh, lo},
                            table, rows));
}

/* The transposed product. */
static CertSlot scatter_here(Lower *l, const IrNode *n)
{
    Layout a = low_layout(l, n->in[0]), b = low_layout(l, n->in[1]), o = low_result(l), hot;
    uint32_t size = o.sizes.at[low_axis_at(&o, 0)];
    CertSlot shares = low_operand(l, 0), rows = one_hot(l, &b, size, low_operand(l, 1), &hot);
    int rest = (int)a.rank - (int)b.rank;
    char la[12], lh[8], lo[8];
    snprintf(la, sizeof la, "%.*s%.*s", (int)b.rank, index_label, rest, rest_label);
    snprintf(lh, sizeof lh, "%.*sk", (int)b.rank, index_label);
    snprintf(lo, sizeof lo, "k%.*s", rest, rest_label);
    return product(l, (const Layout *[]){&a, &hot, &o}, (const char *const[]){la, lh, lo}, shares,
                   rows);
}

RULE(scatter)
{
    return low_slot(sum_steps(l, n, n->attr.over, scatter_here));
}

/* ---- triangles ------------------------------------------------------------------------------ */

/* 1 where column <= row: op_lower. */
static CertSlot lower_triangle(Lower *l, uint32_t rows, uint32_t columns)
{
    CertList axes = low_list(l, 2, (uint32_t[]){rows, columns}), all = cert_range(l->arena, 2);
    CertSlot i = build_ein(&l->b, axes, low_list(l, 1, (uint32_t[]){0}), all, low_iota(l, rows));
    CertSlot j = build_ein(&l->b, axes, low_list(l, 1, (uint32_t[]){1}), all, low_iota(l, columns));
    return step_of(l, 1, 0.5, build_map2(&l->b, CERT_SUB, i, j));
}

RULE(tril)
{
    (void)n;
    Layout y = low_result(l);
    uint32_t first = low_axis_at(&y, 0);
    Layout two = {.rank = 2, .sizes = {2, y.sizes.at + first}};
    CertSlot x = low_argument(l, 0);
    CertSlot mask = lower_triangle(l, y.sizes.at[first], y.sizes.at[first + 1]);
    return low_slot(build_map2(&l->b, CERT_MUL, x, low_spread(l, &two, &y, mask)));
}

/* Along a sequence of steps, one sum after another; else a product with a triangle of ones. */
RULE(cumsum)
{
    Layout y = low_result(l);
    LowValue v = low_value(l, n->in[0]);
    if (v.slot == CERT_NONE && n->attr.k[0] == 0)
        return low_partial_sums(l, &v, n->attr.k[1]);
    uint32_t axis = (uint32_t)n->attr.k[0], size = y.sizes.at[low_axis_at(&y, axis)];
    Layout square = {.rank = 2, .sizes = low_list(l, 2, (uint32_t[]){size, size})};
    char from[] = "abcd";
    from[axis] = 'z';
    const char out = index_label[axis];
    const char pair[] = {n->attr.k[1] ? 'z' : out, n->attr.k[1] ? out : 'z', 0};
    CertSlot x = low_argument(l, 0), mask = lower_triangle(l, size, size);
    return low_slot(product(l, (const Layout *[]){&y, &square, &y},
                            (const char *const[]){from, pair, index_label}, x, mask));
}
