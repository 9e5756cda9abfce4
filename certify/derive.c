/* The gradient program of a source graph: Graph.v's `estimator`, node by node.
 *
 * The forward pass, the number 1, and the reverse pass, seeded with 1 at the cost and with the
 * weight at each log-density.  The rules are `vjp` of proofs/Op.v, written in the order of
 * `emit` and `scatter` in proofs/Program.v. */
#include "certify/build.h"

typedef struct Reverse {
    Build b;
    CertSlot *adjoint; /* by slot of the forward pass */
    Fraction two, half;
} Reverse;

/* The node whose adjoint is sent to its operands. */
typedef struct Sent {
    const CertNode *node;
    CertSlot out, adjoint;
} Sent;

/* ---- nodes ---------------------------------------------------------------------------------- */

static CertSlot times(Reverse *r, CertSlot x, CertSlot y)
{
    return build_map2(&r->b, CERT_MUL, x, y);
}

static CertSlot negate(Reverse *r, CertSlot x)
{
    return build_affine(&r->b, FRACTION_MINUS_1, FRACTION_0, x);
}

/* ---- rules ---------------------------------------------------------------------------------- */

static CertSlot one_minus(Reverse *r, CertSlot x)
{
    return build_affine(&r->b, FRACTION_MINUS_1, FRACTION_1, x);
}

/* The adjoint of the operand of a function of one number. */
static CertSlot reverse1(Reverse *r, const Sent *s)
{
    CertSlot x = s->node->in[0], out = s->out, adjoint = s->adjoint;
    switch (s->node->op.fn) {
    case CERT_AFFINE:
        return build_affine(&r->b, s->node->op.a, FRACTION_0, adjoint);
    case CERT_EXP:
        return times(r, adjoint, out);
    case CERT_LOG:
        return times(r, adjoint, build_map1(&r->b, CERT_RECIP, x));
    case CERT_LOG1P:
        return times(r, adjoint,
                     build_map1(&r->b, CERT_RECIP, build_affine(&r->b, FRACTION_1, FRACTION_1, x)));
    case CERT_EXPM1:
        return times(r, adjoint, build_affine(&r->b, FRACTION_1, FRACTION_1, out));
    case CERT_SQRT:
        return times(r, adjoint,
                     build_map1(&r->b, CERT_RECIP, build_affine(&r->b, r->two, FRACTION_0, out)));
    case CERT_SQUARE:
        return times(r, adjoint, build_affine(&r->b, r->two, FRACTION_0, x));
    case CERT_RECIP:
        return times(r, adjoint, negate(r, times(r, out, out)));
    case CERT_TANH:
        return times(r, adjoint, one_minus(r, times(r, out, out)));
    case CERT_SIGMOID:
        return times(r, adjoint, times(r, out, one_minus(r, out)));
    case CERT_SOFTPLUS:
        return times(r, adjoint, build_map1(&r->b, CERT_SIGMOID, x));
    case CERT_SIN:
        return times(r, adjoint, build_map1(&r->b, CERT_COS, x));
    case CERT_COS:
        return times(r, adjoint, negate(r, build_map1(&r->b, CERT_SIN, x)));
    case CERT_ABS:
        return times(r, adjoint, build_map1(&r->b, CERT_SIGN, x));
    case CERT_RELU:
        return times(r, adjoint, build_map1(&r->b, CERT_STEP, x));
    default: /* sign, step: flat where they have a derivative */
        return CERT_NONE;
    }
}

static CertSlot above(Reverse *r, CertSlot x, CertSlot y)
{
    return build_map1(&r->b, CERT_STEP, build_map2(&r->b, CERT_SUB, x, y));
}

/* The adjoint if x is above y, half of it at a tie. */
static CertSlot won(Reverse *r, CertSlot x, CertSlot y, CertSlot adjoint)
{
    CertSlot over = above(r, x, y);
    CertSlot tie = one_minus(r, build_map2(&r->b, CERT_ADD, over, above(r, y, x)));
    CertSlot shared = times(r, tie, build_affine(&r->b, r->half, FRACTION_0, adjoint));
    return build_map2(&r->b, CERT_ADD, times(r, over, adjoint),
                      times(r, one_minus(r, over), shared));
}

static CertSlot reverse_pow(Reverse *r, uint32_t k, const Sent *s)
{
    CertSlot x = s->node->in[0], y = s->node->in[1];
    if (k == 1)
        return times(r, s->adjoint, times(r, s->out, build_map1(&r->b, CERT_LOG, x)));
    CertSlot lower =
        build_map2(&r->b, CERT_POW, x, build_affine(&r->b, FRACTION_1, FRACTION_MINUS_1, y));
    return times(r, s->adjoint, times(r, y, lower));
}

/* The adjoint of operand k of a function of two numbers. */
static CertSlot reverse2(Reverse *r, uint32_t k, const Sent *s)
{
    CertSlot x = s->node->in[0], y = s->node->in[1], adjoint = s->adjoint;
    switch (s->node->op.fn) {
    case CERT_ADD:
        return adjoint;
    case CERT_SUB:
        return k == 0 ? adjoint : negate(r, adjoint);
    case CERT_MUL:
        return times(r, adjoint, k == 0 ? y : x);
    case CERT_DIV:
        return k == 0 ? times(r, adjoint, build_map1(&r->b, CERT_RECIP, y))
                      : negate(r, times(r, adjoint,
                                        times(r, s->out, build_map1(&r->b, CERT_RECIP, y))));
    case CERT_POW:
        return reverse_pow(r, k, s);
    case CERT_MIN:
        return k == 0 ? won(r, y, x, adjoint) : won(r, x, y, adjoint);
    case CERT_MAX:
        return k == 0 ? won(r, x, y, adjoint) : won(r, y, x, adjoint);
    default:
        return CERT_NONE;
    }
}

/* The transpose of a linear map. */
static CertOp flip(const CertOp *op)
{
    CertOp t = *op;
    switch (op->form) {
    case CERT_EIN:
        t.i = op->o;
        t.o = op->i;
        break;
    case CERT_RESHAPE:
        t.axes = op->i;
        t.i = op->axes;
        break;
    default:
        t.form = op->form == CERT_SLICE ? CERT_PAD : CERT_SLICE;
        t.from = op->to;
        t.to = op->from;
    }
    return t;
}

static CertSlot reverse_ein2(Reverse *r, uint32_t k, const Sent *s)
{
    CertOp op = s->node->op;
    op.i = s->node->op.o;
    op.o = k == 0 ? s->node->op.i : s->node->op.j;
    op.j = k == 0 ? s->node->op.j : s->node->op.i;
    return build(&r->b, op, s->adjoint, s->node->in[1 - k]);
}

/* Along the axes that the sum of exponentials ran over. */
static CertSlot widen(Reverse *r, const CertOp *lse, CertSlot x)
{
    CertOp op = {.form = CERT_EIN, .axes = lse->axes, .i = lse->o};
    op.o = cert_range(r->b.arena, lse->axes.count);
    return build(&r->b, op, x, 0);
}

static CertSlot reverse_lse(Reverse *r, const Sent *s)
{
    CertSlot wide = widen(r, &s->node->op, s->adjoint);
    CertSlot shifted = build_map2(&r->b, CERT_SUB, s->node->in[0], widen(r, &s->node->op, s->out));
    return times(r, wide, build_map1(&r->b, CERT_EXP, shifted));
}

/* The share of operand k, or CERT_NONE. */
static CertSlot reverse(Reverse *r, uint32_t k, const Sent *s)
{
    switch (s->node->op.form) {
    case CERT_MAP1:
        return reverse1(r, s);
    case CERT_MAP2:
        return reverse2(r, k, s);
    case CERT_EIN:
    case CERT_SLICE:
    case CERT_PAD:
    case CERT_RESHAPE:
        return build(&r->b, flip(&s->node->op), s->adjoint, 0);
    case CERT_EIN2:
        return reverse_ein2(r, k, s);
    case CERT_LSE:
        return reverse_lse(r, s);
    default:
        return CERT_NONE;
    }
}

/* ---- the pass ------------------------------------------------------------------------------- */

static void accumulate(Reverse *r, CertSlot to, CertSlot share)
{
    CertSlot before = r->adjoint[to];
    r->adjoint[to] = before == CERT_NONE ? share : build_map2(&r->b, CERT_ADD, before, share);
}

static void seed(Reverse *r, const Cert *c, CertSlot one)
{
    for (CertSlot s = 0; s <= one; s++)
        r->adjoint[s] = CERT_NONE;
    for (uint32_t i = c->scores; i-- > 0;)
        r->adjoint[c->score[i].density] = c->score[i].weight;
    r->adjoint[c->cost] = one;
}

void cert_derive(Arena *a, const Cert *c, CertProgram *out, CertSlot *gradient)
{
    const CertProgram *source = &c->source;
    Reverse r = {.b = {.arena = a, .c = c, .p = out},
                 .two = fraction_of(c->fractions, 2, 1),
                 .half = fraction_of(c->fractions, 1, 2)};
    *out = (CertProgram){0};
    build_copy(&r.b, source);
    CertSlot one = build(&r.b, (CertOp){.form = CERT_CONST, .a = FRACTION_1}, 0, 0);
    r.adjoint = arena_array(a, CertSlot, one + 1);
    seed(&r, c, one);
    for (uint32_t i = source->count; i-- > 0;) {
        const CertNode *n = &source->node[i];
        Sent s = {n, c->inputs + i, r.adjoint[c->inputs + i]};
        r.b.at = n->at;
        for (uint32_t k = 0; k < cert_operands(&n->op) && s.adjoint != CERT_NONE; k++) {
            CertSlot share = reverse(&r, k, &s);
            if (share != CERT_NONE)
                accumulate(&r, n->in[k], share);
        }
    }
    for (uint32_t i = 0; i < c->inputs; i++)
        gradient[i] = r.adjoint[i];
}
