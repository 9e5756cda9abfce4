/* The model as it is written and the graph that is differentiated, as one program:
 * proofs/Rewriting.v and `join` of proofs/Source.v.
 *
 * What noise becomes, as loc + scale noise, stands in the place of a draw; logarithms, roots and
 * sigmoids are brought into the stable forms that the compiler uses.  Where an element is picked
 * by its number, and the number is an axis, the axis is picked. */
#include "certify/build.h"
#include "certify/same.h"

typedef struct Rewrite {
    Build b;        /* the joint program */
    bool draws;     /* are the laws put in the place of samples? */
    uint32_t first; /* node of the joint program: those before it are another's */
    CertSlot *slot; /* of the new program, by slot of the old */
} Rewrite;

/* ---- nodes ---------------------------------------------------------------------------------- */

/* What a slot of the new program is; NULL: an input, or of the other program. */
static const CertNode *node_at(const Rewrite *r, CertSlot s)
{
    bool here = s >= r->b.c->inputs + r->first;
    return here ? &r->b.p->node[s - r->b.c->inputs] : NULL;
}

static const CertNode *is_map(const Rewrite *r, CertSlot s, CertFn f)
{
    const CertNode *n = node_at(r, s);
    return n && (n->op.form == CERT_MAP1 || n->op.form == CERT_MAP2) && n->op.fn == f ? n : NULL;
}

static const CertNode *is_affine(const Rewrite *r, CertSlot s, Fraction a, Fraction b)
{
    const CertNode *n = is_map(r, s, CERT_AFFINE);
    return n && n->op.a == a && n->op.b == b ? n : NULL;
}

/* ---- stable forms --------------------------------------------------------------------------- */

static bool is_one(const CertNode *n)
{
    return n && n->op.form == CERT_CONST && n->op.a == FRACTION_1 && n->op.axes.count == 0;
}

/* Is it 1 at every index of the shape? */
static bool is_ones(const Rewrite *r, CertList shape, CertSlot s)
{
    const CertNode *n = node_at(r, s);
    if (is_one(n))
        return shape.count == 0;
    return n && n->op.form == CERT_EIN && n->op.i.count == 0 && is_one(node_at(r, n->in[0])) &&
           cert_same(n->op.axes, shape) && cert_same(n->op.o, cert_range(r->b.arena, shape.count));
}

/* If s is 1 - sigmoid(y): y. */
static bool is_complement(const Rewrite *r, CertList shape, CertSlot s, CertSlot *y)
{
    const CertNode *n = is_affine(r, s, FRACTION_MINUS_1, FRACTION_1), *sub, *sigmoid = NULL;
    if (n)
        sigmoid = is_map(r, n->in[0], CERT_SIGMOID);
    else if ((sub = is_map(r, s, CERT_SUB)) && is_ones(r, shape, sub->in[0]))
        sigmoid = is_map(r, sub->in[1], CERT_SIGMOID);
    if (sigmoid)
        *y = sigmoid->in[0];
    return sigmoid != NULL;
}

/* If s is 1 + y: y. */
static bool is_one_plus(const Rewrite *r, CertList shape, CertSlot s, CertSlot *y)
{
    const CertNode *n = is_affine(r, s, FRACTION_1, FRACTION_1);
    if (n) {
        *y = n->in[0];
        return true;
    }
    if (!(n = is_map(r, s, CERT_ADD)))
        return false;
    bool first = is_ones(r, shape, n->in[0]);
    *y = n->in[first];
    return first || is_ones(r, shape, n->in[1]);
}

static CertSlot stable_log(Rewrite *r, CertList shape, CertSlot x)
{
    const CertNode *n;
    CertSlot y;
    if ((n = is_map(r, x, CERT_EXP)))
        return n->in[0];
    if ((n = is_map(r, x, CERT_SIGMOID))) {
        y = n->in[0];
        return build_map2(&r->b, CERT_SUB, y, build_map1(&r->b, CERT_SOFTPLUS, y));
    }
    if (is_complement(r, shape, x, &y))
        return build_affine(&r->b, FRACTION_MINUS_1, FRACTION_0,
                            build_map1(&r->b, CERT_SOFTPLUS, y));
    if (!is_one_plus(r, shape, x, &y))
        return CERT_NONE;
    return (n = is_map(r, y, CERT_EXP)) ? build_map1(&r->b, CERT_SOFTPLUS, n->in[0])
                                        : build_map1(&r->b, CERT_LOG1P, y);
}

/* CERT_NONE: f of x has no other form. */
static CertSlot stable(Rewrite *r, CertFn f, CertSlot x)
{
    const CertNode *n;
    CertSlot y;
    switch (f) {
    case CERT_LOG1P:
        n = is_map(r, x, CERT_EXP);
        return n ? build_map1(&r->b, CERT_SOFTPLUS, n->in[0]) : CERT_NONE;
    case CERT_SOFTPLUS:
        if (!(n = is_affine(r, x, FRACTION_MINUS_1, FRACTION_0)))
            return CERT_NONE;
        y = n->in[0];
        return build_map2(&r->b, CERT_SUB, build_map1(&r->b, CERT_SOFTPLUS, y), y);
    case CERT_SQRT:
        if (!(n = is_map(r, x, CERT_EXP)))
            return CERT_NONE;
        y = n->in[0];
        return build_map1(&r->b, CERT_EXP,
                          build_affine(&r->b, fraction_of(r->b.c->fractions, 1, 2), FRACTION_0, y));
    default:
        return CERT_NONE;
    }
}

/* ---- elements that are moved ----------------------------------------------------------------- */

/* Is every one of n axes there once? */
static bool is_permutation(const Rewrite *r, uint32_t n, CertList o)
{
    bool *seen = arena_array(r->b.arena, bool, n + 1);
    for (uint32_t k = 0; k < o.count; k++) {
        if (o.at[k] >= n || seen[o.at[k]])
            return false;
        seen[o.at[k]] = true;
    }
    return o.count == n;
}

/* Elements of one operand, each read once for an element of the result, which has the shape. */
static const CertNode *is_move(const Rewrite *r, CertList shape, CertSlot s)
{
    const CertNode *n = node_at(r, s);
    if (!n || n->op.form != CERT_EIN)
        return NULL;
    uint32_t axes = n->op.axes.count;
    bool fits = is_permutation(r, axes, n->op.o) && cert_below(axes, n->op.i) &&
                cert_same(cert_pick(r->b.arena, n->op.axes, n->op.o), shape);
    return fits ? n : NULL;
}

enum { DEEP = 8 }; /* moves, one after another */

/* log of x, if that has another form where the elements are moved from; CERT_NONE: it has not. */
static CertSlot moved_log(Rewrite *r, CertList shape, CertSlot x, uint32_t deep)
{
    CertSlot log = stable_log(r, shape, x);
    const CertNode *n = is_move(r, shape, x);
    if (log != CERT_NONE || deep == 0 || !n)
        return log;
    const CertOp op = n->op; /* the program grows */
    log = moved_log(r, cert_pick(r->b.arena, op.axes, op.i), n->in[0], deep - 1);
    return log != CERT_NONE ? build(&r->b, op, log, 0) : CERT_NONE;
}

/* The logarithm of a sum of exponentials. */
static CertSlot log_of_sum(Rewrite *r, CertSlot x)
{
    const CertNode *n = node_at(r, x), *e;
    if (!n || n->op.form != CERT_EIN || !(e = is_map(r, n->in[0], CERT_EXP)))
        return CERT_NONE;
    const CertOp op = n->op;
    CertSlot wide = build_widen(&r->b, op.axes, op.i, e->in[0]);
    return build(&r->b, (CertOp){.form = CERT_LSE, .axes = op.axes, .o = op.o}, wide, 0);
}

/* Is s 0, 1, 2, ... along one of its axes?  Then along which. */
static bool is_count(const Rewrite *r, CertList shape, CertSlot s, uint32_t deep, uint32_t *axis)
{
    const CertNode *n = node_at(r, s);
    if (n && n->op.form == CERT_IOTA) {
        *axis = 0;
        return shape.count == 1 && shape.at[0] == n->op.k;
    }
    if (deep == 0 || !(n = is_move(r, shape, s)) ||
        !is_count(r, cert_pick(r->b.arena, n->op.axes, n->op.i), n->in[0], deep - 1, axis))
        return false;
    uint32_t from = n->op.i.at[*axis];
    for (*axis = 0; n->op.o.at[*axis] != from; (*axis)++)
        ;
    return true;
}

/* Is s 1 where its indices along two axes are equal, else 0? */
static bool is_equal(const Rewrite *r, CertList shape, CertSlot s, uint32_t *a, uint32_t *b)
{
    const CertNode *n = is_map(r, s, CERT_STEP);
    Fraction quarter = fraction_of(r->b.c->fractions, 1, 4);
    return n && (n = is_affine(r, n->in[0], FRACTION_MINUS_1, quarter)) &&
           (n = is_map(r, n->in[0], CERT_SQUARE)) && (n = is_map(r, n->in[0], CERT_SUB)) &&
           is_count(r, shape, n->in[0], DEEP, a) && is_count(r, shape, n->in[1], DEEP, b);
}

static bool is_among(uint32_t axis, CertList list)
{
    for (uint32_t i = 0; i < list.count; i++)
        if (list.at[i] == axis)
            return true;
    return false;
}

/* Axes, where axis b is read at a and is no more. */
static CertList without_axis(Arena *arena, uint32_t a, uint32_t b, CertList axes)
{
    uint32_t *at = arena_array(arena, uint32_t, axes.count + 1);
    for (uint32_t i = 0; i < axes.count; i++) {
        uint32_t k = axes.at[i] == b ? a : axes.at[i];
        at[i] = k - (k > b);
    }
    return (CertList){axes.count, at};
}

static CertList take_out(Arena *arena, uint32_t b, CertList list)
{
    uint32_t *at = arena_array(arena, uint32_t, list.count + 1), n = 0;
    for (uint32_t i = 0; i < list.count; i++)
        if (i != b)
            at[n++] = list.at[i];
    return (CertList){n, at};
}

/* A sum of x times what is 1 where two indices are equal: one of these axes need not be run over.
 * `at` is where x is read, `of` where the other operand. */
static CertSlot picked(Rewrite *r, const CertOp *op, CertList at, CertSlot x, CertList of,
                       CertSlot other)
{
    Arena *arena = r->b.arena;
    uint32_t a, b;
    if (!is_equal(r, cert_pick(arena, op->axes, of), other, &a, &b))
        return CERT_NONE;
    a = of.at[a];
    b = of.at[b];
    if (is_among(b, op->o)) {
        uint32_t c = a;
        a = b;
        b = c;
    }
    if (a == b || is_among(b, op->o) || op->axes.at[a] != op->axes.at[b])
        return CERT_NONE;
    return build_ein(&r->b, take_out(arena, b, op->axes), without_axis(arena, a, b, at),
                     without_axis(arena, a, b, op->o), x);
}

static CertSlot rewrite_product(Rewrite *r, const CertOp *op, CertSlot x, CertSlot y)
{
    CertSlot other = picked(r, op, op->i, x, op->j, y);
    return other != CERT_NONE ? other : picked(r, op, op->j, y, op->i, x);
}

static CertSlot rewrite_log(Rewrite *r, CertList shape, CertSlot x)
{
    CertSlot other = moved_log(r, shape, x, DEEP);
    return other != CERT_NONE ? other : log_of_sum(r, x);
}

/* ---- programs ------------------------------------------------------------------------------- */

static CertSlot centred(Rewrite *r, const CertNode *n)
{
    return build_affine(&r->b, FRACTION_1, fraction_of(r->b.c->fractions, -1, 2),
                        build(&r->b, n->op, 0, 0));
}

/* loc - scale sign(v) log1p(-2|v|), v = u - 1/2 */
static CertSlot moved_laplace(Rewrite *r, const CertNode *n, CertSlot loc, CertSlot scale)
{
    Fraction minus_2 = fraction_of(r->b.c->fractions, -2, 1);
    CertSlot side = build_map1(&r->b, CERT_SIGN, centred(r, n));
    CertSlot sunk =
        build_affine(&r->b, minus_2, FRACTION_0, build_map1(&r->b, CERT_ABS, centred(r, n)));
    CertSlot tail = build_map2(&r->b, CERT_MUL, side, build_map1(&r->b, CERT_LOG1P, sunk));
    return build_map2(&r->b, CERT_SUB, loc, build_map2(&r->b, CERT_MUL, scale, tail));
}

/* What noise becomes: `moved_expr` of proofs/Rewriting.v. */
static CertSlot moved_noise(Rewrite *r, const CertNode *n, const CertDrawn *law)
{
    Build *b = &r->b;
    CertSlot loc = r->slot[law->loc], scale = r->slot[law->scale], x;
    switch (law->as) {
    case CERT_AS_UNIFORM:
        x = build_map2(b, CERT_SUB, scale, loc);
        return build_map2(b, CERT_ADD, loc, build_map2(b, CERT_MUL, x, build(b, n->op, 0, 0)));
    case CERT_AS_EXPONENTIAL:
        x = build_map1(b, CERT_LOG, build(b, n->op, 0, 0));
        x = build_affine(b, FRACTION_MINUS_1, FRACTION_0, x);
        return build_map2(b, CERT_MUL, x, build_map1(b, CERT_RECIP, scale));
    case CERT_AS_LAPLACE:
        return moved_laplace(r, n, loc, scale);
    default:
        x = build_map2(b, CERT_MUL, scale, build(b, n->op, 0, 0));
        return build_map2(b, CERT_ADD, loc, x);
    }
}

static CertSlot rewrite_sample(Rewrite *r, const CertNode *n)
{
    const CertDrawn *law = &r->b.c->written.law[n->op.k];
    return r->draws && !law->finite ? moved_noise(r, n, law) : build(&r->b, n->op, 0, 0);
}

static CertSlot rewrite_node(Rewrite *r, const CertNode *n, CertList shape)
{
    CertSlot in[2] = {0, 0}, other = CERT_NONE;
    r->b.at = n->at;
    r->b.name = n->name;
    if (n->op.form == CERT_SAMPLE)
        return rewrite_sample(r, n);
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        in[k] = r->slot[n->in[k]];
    if (n->op.form == CERT_MAP1)
        other = n->op.fn == CERT_LOG ? rewrite_log(r, shape, in[0]) : stable(r, n->op.fn, in[0]);
    if (n->op.form == CERT_EIN2)
        other = rewrite_product(r, &n->op, in[0], in[1]);
    if (n->op.form == CERT_MAP2 && n->op.fn == CERT_DIV) /* so that inverses are slots */
        return build_map2(&r->b, CERT_MUL, in[0], build_map1(&r->b, CERT_RECIP, in[1]));
    return other != CERT_NONE ? other : build(&r->b, n->op, in[0], in[1]);
}

/* The slots of p in the new program. */
static CertSlot *rewrite(Joint *j, const Cert *c, Arena *a, const CertProgram *p,
                         const CertList *shape, bool draws)
{
    Rewrite r = {
        .b = {.arena = a, .c = c, .p = &j->program}, .draws = draws, .first = j->program.count};
    r.slot = arena_array(a, CertSlot, c->inputs + p->count + 1);
    for (uint32_t i = 0; i < c->inputs; i++)
        r.slot[i] = i;
    for (uint32_t i = 0; i < p->count; i++)
        r.slot[c->inputs + i] = rewrite_node(&r, &p->node[i], shape[c->inputs + i]);
    return r.slot;
}

void cert_join(Joint *j, const Cert *c, Arena *a, const CertProgram *model, const CertList *written,
               const CertList *source, bool laws)
{
    *j = (Joint){0};
    j->slot = rewrite(j, c, a, model, written, laws);
    j->graph = rewrite(j, c, a, &c->source, source, false);
    j->source = j->graph[c->cost];
}

CertSlot *cert_in_noise(const Cert *c, Arena *a, const CertList *written, CertProgram *out)
{
    Joint j = {0};
    CertSlot *slot = rewrite(&j, c, a, &c->written.program, written, true);
    *out = j.program;
    return slot;
}

void cert_join_after(Joint *j, const Cert *c, Arena *a, const CertWritten *model,
                     const CertList *source)
{
    *j = (Joint){.written = model->cost};
    Build b = {.arena = a, .c = c, .p = &j->program};
    build_copy(&b, &model->program);
    j->graph = rewrite(j, c, a, &c->source, source, false);
    j->source = j->graph[c->cost];
}
