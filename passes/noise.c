/* Noise of samples that depend on each other.
 *
 * Each sample alone has the law's base noise, so that averages over them have the mean that they
 * have of independent ones; what they have less is variance, where the costs are monotone or
 * smooth.
 *
 *   antithetic  sample K/2 + i is the mirror of sample i: -z of a normal, 1 - u of a uniform
 * variate (Hammersley & Morton, 1956) qmc         sample k of element e is u + k (2 e + 1) / K,
 * less 1 where that is beyond it: a lattice of K points, shifted by one uniform u for each element
 * (Cranley & Patterson, 1976); each element alone is stratified, since odd numbers and a power of
 * two have no common factor
 *
 * estimators.md E15. */
#include "passes/estimator.h"

#include <math.h>

static IrRef lifted(IrGraph *g, IrRef noise, int32_t plate)
{
    return ir_node(g, IR_TO_PLATE, (IrAttr){.plate = plate}, 1, &noise);
}

static IrRef mirrored_pairs(IrGraph *g, const EsDraw *d, const char *name, IrType type)
{
    IrBase base = ir_dist_info[d->law].base;
    IrType half = type;
    half.rank++;
    for (uint32_t i = type.rank; i > 0; i--)
        half.dim[i] = type.dim[i - 1];
    half.dim[0] = d->samples / 2;
    IrRef z = es_base_noise(g, name, base, half, d->plates & ~(1u << d->own));
    IrRef mirror =
        base == IR_BASE_NORMAL ? ir_unary(g, IR_NEG, z) : ir_binary(g, IR_SUB, ir_const(g, 1), z);
    return lifted(g, ir_node(g, IR_CONCAT, (IrAttr){0}, 2, (IrRef[]){z, mirror}), d->own);
}

/* k (2 e + 1) / K, less its whole part. */
static IrRef lattice(IrGraph *g, const EsDraw *d, const IrType *type)
{
    int64_t elements = ir_elements(type);
    IrType line = {.rank = 1, .dim = {elements}};
    IrRef one = ir_typed(g, IR_CONST, (IrAttr){.num = 2}, line, 0, NULL);
    IrRef odd = ir_node(g, IR_CUMSUM, (IrAttr){0}, 1, &one);
    odd = ir_binary(g, IR_SUB, odd, ir_const(g, 1));
    IrType shape = *type;
    shape.elem = IR_REAL;
    shape.plates = 0;
    odd = ir_typed(g, IR_RESHAPE, (IrAttr){0}, shape, 1, &odd);
    IrRef copy = ir_real(g, ir_index(g, (uint32_t)d->own, 0));
    IrRef step = ir_binary(g, IR_MUL, copy, ir_const(g, 1 / (double)d->samples));
    IrRef at = ir_binary(g, IR_MUL, odd, step);
    return ir_binary(g, IR_SUB, at, ir_unary(g, IR_FLOOR, at));
}

/* u + x, less 1 where that is beyond it: written so that no sum is rounded to 0 or 1. */
static IrRef shifted(IrGraph *g, IrRef u, IrRef x)
{
    IrRef rest = ir_binary(g, IR_SUB, ir_const(g, 1), x);
    return ir_select(g, ir_binary(g, IR_LT, u, rest), ir_binary(g, IR_ADD, u, x),
                     ir_binary(g, IR_SUB, u, rest));
}

/* The normal variate of distribution function u: half its square has a gamma law of shape 1/2. */
static IrRef normal_of(IrGraph *g, IrRef u)
{
    IrRef centred = ir_binary(g, IR_SUB, ir_binary(g, IR_MUL, u, ir_const(g, 2)), ir_const(g, 1));
    IrRef l = ir_binary(g, IR_LOG_GAMMA_QUANTILE, ir_unary(g, IR_ABS, centred), ir_const(g, 0.5));
    IrRef size = ir_unary(
        g, IR_EXP,
        ir_binary(g, IR_MUL, ir_const(g, 0.5), ir_binary(g, IR_ADD, l, ir_const(g, M_LN2))));
    return ir_binary(g, IR_MUL, ir_unary(g, IR_SIGN, centred), size);
}

static IrRef shifted_lattice(IrGraph *g, const EsDraw *d, const char *name, IrType type)
{
    IrRef u = es_base_noise(g, name, IR_BASE_UNIFORM, type, d->plates & ~(1u << d->own));
    u = shifted(g, MUTATED(UNSHIFTED) ? ir_const(g, 0.4) : u, lattice(g, d, &type));
    return ir_dist_info[d->law].base == IR_BASE_NORMAL ? normal_of(g, u) : u;
}

IrRef es_copied_noise(EsProgram *p, const EsDraw *d, const IrNode *sample)
{
    IrGraph *g = p->g;
    IrType type = ir_noise_type(g, d->law, d->arg, &sample->type);
    if (d->copies == IR_ANTITHETIC && d->own >= 0)
        return mirrored_pairs(g, d, es_name(sample), type);
    if (d->copies == IR_QMC && d->own >= 0)
        return shifted_lattice(g, d, es_name(sample), type);
    return es_noise(p, sample, d->arg, d->plates);
}
