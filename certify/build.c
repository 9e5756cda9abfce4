/* Nodes, and the laws of proofs/Score.v as programs. */
#include "certify/build.h"

/* ---- nodes ----------------------------------------------------------------------------------- */

CertSlot build(Build *b, CertOp op, CertSlot x, CertSlot y)
{
    const CertNode n = {.op = op, .in = {x, y}, .at = b->at, .name = b->name};
    return cert_add(b->arena, b->p, b->c->inputs, n);
}

CertSlot build_map1(Build *b, CertFn f, CertSlot x)
{
    return build(b, (CertOp){.form = CERT_MAP1, .fn = f}, x, 0);
}

CertSlot build_map2(Build *b, CertFn f, CertSlot x, CertSlot y)
{
    return build(b, (CertOp){.form = CERT_MAP2, .fn = f}, x, y);
}

CertSlot build_affine(Build *b, Fraction p, Fraction q, CertSlot x)
{
    return build(b, (CertOp){.form = CERT_MAP1, .fn = CERT_AFFINE, .a = p, .b = q}, x, 0);
}

CertSlot build_ein(Build *b, CertList axes, CertList i, CertList o, CertSlot x)
{
    return build(b, (CertOp){.form = CERT_EIN, .axes = axes, .i = i, .o = o}, x, 0);
}

CertSlot build_widen(Build *b, CertList shape, CertList from, CertSlot x)
{
    return build_ein(b, shape, from, cert_range(b->arena, shape.count), x);
}

void build_copy(Build *b, const CertProgram *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        cert_add(b->arena, b->p, b->c->inputs, p->node[i]);
}

CertList cert_append(Arena *a, CertList list, uint32_t last)
{
    uint32_t *at = arena_array(a, uint32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++)
        at[i] = list.at[i];
    at[list.count] = last;
    return (CertList){list.count + 1, at};
}

/* ---- laws ------------------------------------------------------------------------------------ */

static CertSlot sample(Build *b, uint32_t draw, CertList shape)
{
    return build(b, (CertOp){.form = CERT_SAMPLE, .k = draw, .axes = shape}, 0, 0);
}

/* x l - log(1 + e^l) */
static CertSlot bernoulli(Build *b, const CertFinite *law, uint32_t draw, CertList shape)
{
    CertSlot l = build_widen(b, shape, law->axes, law->logits);
    CertSlot first = build_map2(b, CERT_MUL, sample(b, draw, shape), l);
    return build_map2(b, CERT_SUB, first, build_map1(b, CERT_SOFTPLUS, l));
}

/* 1 where the draw is the index along the last axis, else 0. */
static CertSlot hot(Build *b, const CertFinite *law, uint32_t draw, CertList shape, CertList wide)
{
    CertList last = cert_append(b->arena, (CertList){0}, shape.count);
    CertSlot x = build_widen(b, wide, cert_range(b->arena, shape.count), sample(b, draw, shape));
    CertSlot i =
        build_widen(b, wide, last, build(b, (CertOp){.form = CERT_IOTA, .k = law->values}, 0, 0));
    CertSlot gap = build_map1(b, CERT_SQUARE, build_map2(b, CERT_SUB, x, i));
    Fraction quarter = fraction_of(b->c->fractions, 1, 4);
    return build_map1(b, CERT_STEP, build_affine(b, FRACTION_MINUS_1, quarter, gap));
}

/* The logit at x, less the logarithm of the sum of exponentials. */
static CertSlot categorical(Build *b, const CertFinite *law, uint32_t draw, CertList shape)
{
    uint32_t n = shape.count;
    CertList wide = cert_append(b->arena, shape, law->values);
    const CertOp at = {.form = CERT_EIN2,
                       .axes = wide,
                       .i = cert_append(b->arena, law->axes, n),
                       .j = cert_range(b->arena, n + 1),
                       .o = cert_range(b->arena, n)};
    CertSlot first = build(b, at, law->logits, hot(b, law, draw, shape, wide));
    CertList row = cert_append(b->arena, cert_pick(b->arena, shape, law->axes), law->values);
    const CertOp lse = {.form = CERT_LSE, .axes = row, .o = cert_range(b->arena, law->axes.count)};
    return build_map2(b, CERT_SUB, first,
                      build_widen(b, shape, law->axes, build(b, lse, law->logits, 0)));
}

CertSlot build_density(Build *b, const CertFinite *law, uint32_t draw, CertList shape)
{
    return law->law == CERT_BERNOULLI ? bernoulli(b, law, draw, shape)
                                      : categorical(b, law, draw, shape);
}

CertSlot build_mean(Build *b, const CertFinite *law, CertList shape)
{
    return build_widen(b, shape, law->axes, build_map1(b, CERT_SIGMOID, law->logits));
}
