/* Measure-valued derivatives of laws: the slice rule, and pairs of single laws.
 *
 *   d E f(x) / d argument = weight (E f(plus) - E f(minus))
 *
 * A rule gives the values that an element may take instead of the drawn one, made of the draw
 * itself and at most one more uniform variate, so that plus and minus are coupled; then the
 * derivative from the costs of these values and of the draw.  f may jump.  (Pflug, "Optimization of
 * stochastic models", 1996; Heidergott, Vazquez-Abad & Volk-Makarewicz, "Sensitivity estimation for
 * Gaussian systems", 2008; Rosca, Figurnov, Mohamed & Mnih, "Measure-valued derivatives for
 * approximate Bayesian inference", 2019.) */
#include "ir/measure.h"

const IrMeasure *const ir_measure[IR_DIST_COUNT] = {
#define DIST(id, ...) [IR_DIST_##id] = &ir_measure_##id,
#include "ir/dist.def"
};

IrRef ir_variant_cost(IrGraph *g, IrRef costs, int64_t i, IrRef like)
{
    IrRef one = ir_node(g, IR_SLICE, (IrAttr){.k = {1, i, i + 1}}, 1, &costs);
    IrType type = g->node[like].type;
    type.elem = IR_REAL;
    type.plates = g->node[one].type.plates;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, type, 1, &one);
}

/* ---- the slice rule ------------------------------------------------------------------------- */
/* A density p of one peak is a mixture of uniform laws on its slices {p > u p(peak)}, and moving or
 * scaling p moves their ends alone.  So the location's pair is the two ends of a random slice, and
 * the scale's is the far end of a slice that the draw lies in, and the draw.  `radius` is the
 * distance from the peak to an end, in units of the scale, where the log of the density is `level`
 * below the peak's. */

static IrRef log_fresh(IrGraph *g, const IrDrawn *d)
{
    return log_(g, d->fresh);
}

static IrRef density_ratio(IrGraph *g, const IrDrawn *d, IrRef peak)
{
    const IrDistInfo *law = &ir_dist_info[d->dist];
    return sub(g, law->logpdf(g, d->arg, d->value), law->logpdf(g, d->arg, peak));
}

/* `radius` to the right of the peak, or to the left where the draw is there. */
static IrRef on_the_side_of(IrGraph *g, IrRef x, IrRef peak, IrRef radius)
{
    return ir_select(g, ir_binary(g, IR_LT, x, peak), neg(g, radius), radius);
}

typedef IrRef Radius(IrGraph *g, const IrRef *arg, IrRef level);

/* Variants 0 and 1: the ends of a slice of any height; 2: the end of one through the draw. */
static void symmetric_variants(IrGraph *g, const IrDrawn *d, uint32_t location, Radius *radius,
                               IrRef *variant)
{
    IrRef peak = d->arg[location], size = d->arg[location + 1], height = log_fresh(g, d);
    IrRef any = mul(g, size, radius(g, d->arg, neg(g, height)));
    IrRef level = neg(g, add(g, height, density_ratio(g, d, peak)));
    IrRef through = mul(g, size, radius(g, d->arg, level));
    variant[0] = add(g, peak, any);
    variant[1] = sub(g, peak, any);
    variant[2] = add(g, peak, on_the_side_of(g, d->value, peak, through));
}

static void symmetric_slopes(IrGraph *g, const IrDrawn *d, uint32_t location, IrRef base,
                             IrRef costs, IrRef *slope)
{
    IrRef height = exp_(g, ir_dist_info[d->dist].logpdf(g, d->arg, d->arg[location]));
    IrRef right = ir_variant_cost(g, costs, 0, d->value),
          left = ir_variant_cost(g, costs, 1, d->value),
          far = ir_variant_cost(g, costs, 2, d->value);
    slope[location] = mul(g, height, sub(g, right, left));
    slope[location + 1] = quo(g, sub(g, far, base), d->arg[location + 1]);
}

/* A law with location and scale at arguments `at` and `at` + 1, symmetric about its peak. */
#define SYMMETRIC(id, at)                                                                          \
    static void variant_##id(IrGraph *g, const IrDrawn *d, IrRef *variant)                         \
    {                                                                                              \
        symmetric_variants(g, d, at, radius_##id, variant);                                        \
    }                                                                                              \
    static void slope_##id(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)    \
    {                                                                                              \
        symmetric_slopes(g, d, at, base, costs, slope);                                            \
    }                                                                                              \
    const IrMeasure ir_measure_##id = {.arguments = 3 << at,                                       \
                                       .scaled = at + 1,                                           \
                                       .variants = 3,                                              \
                                       .fresh = true,                                              \
                                       .variant = variant_##id,                                    \
                                       .slope = slope_##id}

static IrRef radius_laplace(IrGraph *g, const IrRef *arg, IrRef level)
{
    (void)g, (void)arg;
    return level;
}

/* 2 acosh(e^(level / 2)) */
static IrRef radius_logistic(IrGraph *g, const IrRef *arg, IrRef level)
{
    (void)arg;
    IrRef rest = ir_unary(g, IR_SQRT, neg(g, ir_unary(g, IR_EXPM1, neg(g, level))));
    return add(g, level, scale(g, 2, ir_unary(g, IR_LOG1P, rest)));
}

static IrRef radius_cauchy(IrGraph *g, const IrRef *arg, IrRef level)
{
    (void)arg;
    return ir_unary(g, IR_SQRT, ir_unary(g, IR_EXPM1, level));
}

/* sqrt(df (e^(2 level / (df + 1)) - 1)) */
static IrRef radius_student_t(IrGraph *g, const IrRef *arg, IrRef level)
{
    IrRef power = quo(g, scale(g, 2, level), shift(g, arg[0], 1));
    return ir_unary(g, IR_SQRT, mul(g, arg[0], ir_unary(g, IR_EXPM1, power)));
}

SYMMETRIC(laplace, 0);
SYMMETRIC(logistic, 0);
SYMMETRIC(cauchy, 0);
SYMMETRIC(student_t, 1);

/* Half of a symmetric law: the slices begin at 0. */
static void variant_half_cauchy(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef ratio = ir_unary(g, IR_LOG1P, square(g, quo(g, d->value, d->arg[0])));
    IrRef level = sub(g, ratio, log_fresh(g, d));
    variant[0] = mul(g, d->arg[0], radius_cauchy(g, d->arg, level));
}

/* 1 / scale (E f(variant 0) - E f(x)) */
static void slope_half(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[0] = quo(g, sub(g, ir_variant_cost(g, costs, 0, d->value), base), d->arg[0]);
}

const IrMeasure ir_measure_half_cauchy = {.arguments = 1,
                                          .variants = 1,
                                          .fresh = true,
                                          .variant = variant_half_cauchy,
                                          .slope = slope_half};

/* ---- the normal family: variants of the base noise ------------------------------------------ */

static IrRef radius_normal(IrGraph *g, IrRef level)
{
    return ir_unary(g, IR_SQRT, scale(g, 2, level));
}

/* The end of a slice of the standard normal through the noise: its size has a chi law of 3 degrees.
 */
static IrRef through_noise(IrGraph *g, const IrDrawn *d)
{
    IrRef level = sub(g, scale(g, 0.5, square(g, d->noise)), log_fresh(g, d));
    return on_the_side_of(g, d->noise, ir_const(g, 0), radius_normal(g, level));
}

static void variant_normal(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = radius_normal(g, neg(g, log_fresh(g, d)));
    variant[1] = neg(g, variant[0]);
    variant[2] = through_noise(g, d);
}

/* d E f(noise) along the shift of each coordinate of the noise, and along its scale. */
static void noise_slopes(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *along,
                         IrRef *apart)
{
    IrRef right = ir_variant_cost(g, costs, 0, d->noise),
          left = ir_variant_cost(g, costs, 1, d->noise),
          far = ir_variant_cost(g, costs, 2, d->noise);
    *along = scale(g, exp(-HALF_LOG_TWO_PI), sub(g, right, left));
    *apart = sub(g, far, base);
}

static void slope_normal(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef along, apart;
    noise_slopes(g, d, base, costs, &along, &apart);
    slope[0] = quo(g, along, d->arg[1]);
    slope[1] = quo(g, apart, d->arg[1]);
}

#define OF_NOISE(id, args, count, at, variants_of, slopes_of)                                      \
    const IrMeasure ir_measure_##id = {.arguments = args,                                          \
                                       .variants = count,                                          \
                                       .fresh = true,                                              \
                                       .of_noise = true,                                           \
                                       .scaled = at,                                               \
                                       .variant = variants_of,                                     \
                                       .slope = slopes_of}

static void variant_half_normal(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = through_noise(g, d);
}

/* The rows of independent events, summed: what they have in common is one event's arguments. */
static IrRef over_events(IrGraph *g, IrRef v)
{
    return rank(g, v) == 2 ? ir_reduce(g, IR_SUM, v, 1, 0) : v;
}

/* Of h(noise) = f(mean + L noise): G_ij = E[d_i h noise_j] off the diagonal by the shift of
 * coordinate i, on it by its scale; then d mean = L^-T g and d L = tril(L^-T G). */
static void slope_mvn(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef along, apart;
    noise_slopes(g, d, base, costs, &along, &apart);
    const char *spec = rank(g, along) == 2 ? "ki,kj->ij" : "i,j->ij";
    IrRef outer = ir_contract(g, spec, 0, along, d->noise);
    IrRef own = over_events(g, mul(g, along, d->noise));
    IrRef swap = ir_unary(g, IR_DIAG, sub(g, over_events(g, apart), own));
    IrAttr transposed = {.k = {1}};
    slope[0] = ir_node(g, IR_SOLVE_TRI, transposed, 2, (IrRef[]){d->arg[1], over_events(g, along)});
    IrRef full = ir_node(g, IR_SOLVE_TRI, transposed, 2, (IrRef[]){d->arg[1], add(g, outer, swap)});
    slope[1] = ir_unary(g, IR_TRIL, full);
}

OF_NOISE(normal, 3, 3, 1, variant_normal, slope_normal);
OF_NOISE(lognormal, 3, 3, 0, variant_normal, slope_normal);
OF_NOISE(half_normal, 1, 1, 0, variant_half_normal, slope_half);
OF_NOISE(mvn, 3, 3, 0, variant_normal, slope_mvn);

/* ---- gumbel --------------------------------------------------------------------------------- */

enum { NEWTON_STEPS = 7 };

/* z with z + e^-z - 1 = level, right of 0 or left of it.  Newton from beyond the root, where the
 * convex left side lies above: it never turns back. */
static IrRef slice_end_gumbel(IrGraph *g, IrRef level, IrRef left)
{
    IrRef reach = add(g, level, ir_unary(g, IR_SQRT, scale(g, 2, level)));
    IrRef z = ir_select(g, left, neg(g, ir_unary(g, IR_LOG1P, reach)), reach);
    for (int i = 0; i < NEWTON_STEPS; i++) {
        IrRef bend = ir_unary(g, IR_EXPM1, neg(g, z)); /* less the slope */
        z = add(g, z, quo(g, sub(g, add(g, z, bend), level), bend));
    }
    return z;
}

/* With t = e^-z, which is exponential: shifting pairs t with t + t', both exponential. */
static void variant_gumbel(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef z = quo(g, sub(g, d->value, d->arg[0]), d->arg[1]), height = log_fresh(g, d);
    IrRef t = exp_(g, neg(g, z)), both = sub(g, t, height);
    variant[0] = sub(g, d->arg[0], mul(g, d->arg[1], log_(g, both)));
    IrRef level = sub(g, add(g, z, ir_unary(g, IR_EXPM1, neg(g, z))), height);
    IrRef end = slice_end_gumbel(g, level, ir_binary(g, IR_LT, z, ir_const(g, 0)));
    variant[1] = add(g, d->arg[0], mul(g, d->arg[1], end));
}

static void slope_gumbel(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef below = ir_variant_cost(g, costs, 0, d->value),
          far = ir_variant_cost(g, costs, 1, d->value);
    slope[0] = quo(g, sub(g, base, below), d->arg[1]);
    slope[1] = quo(g, sub(g, far, base), d->arg[1]);
}

const IrMeasure ir_measure_gumbel = {
    .arguments = 3, .variants = 2, .fresh = true, .variant = variant_gumbel, .slope = slope_gumbel};

/* ---- uniform: point masses at the bounds ---------------------------------------------------- */

static void variant_uniform(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    (void)g;
    variant[0] = d->arg[0];
    variant[1] = d->arg[1];
}

static void slope_uniform(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef width = sub(g, d->arg[1], d->arg[0]);
    slope[0] = quo(g, sub(g, base, ir_variant_cost(g, costs, 0, d->value)), width);
    slope[1] = quo(g, sub(g, ir_variant_cost(g, costs, 1, d->value), base), width);
}

const IrMeasure ir_measure_uniform = {
    .arguments = 3, .variants = 2, .variant = variant_uniform, .slope = slope_uniform};

/* ---- exponential: the draw, and its sum with another ---------------------------------------- */

static void variant_exponential(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = sub(g, d->value, quo(g, log_fresh(g, d), d->arg[0]));
}

static void slope_exponential(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[0] = quo(g, sub(g, base, ir_variant_cost(g, costs, 0, d->value)), d->arg[0]);
}

const IrMeasure ir_measure_exponential = {.arguments = 1,
                                          .variants = 1,
                                          .fresh = true,
                                          .variant = variant_exponential,
                                          .slope = slope_exponential};

/* ---- gamma: in its rate, the draw and its sum with an exponential; also of 1 / x ------------- */

static IrRef with_another(IrGraph *g, const IrDrawn *d, IrRef x)
{
    return sub(g, x, quo(g, log_fresh(g, d), d->arg[1]));
}

static void variant_gamma(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = with_another(g, d, d->value);
}

static void variant_inverse_gamma(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef one = ir_const(g, 1);
    variant[0] = quo(g, one, with_another(g, d, quo(g, one, d->value)));
}

static void slope_gamma(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef loss = sub(g, base, ir_variant_cost(g, costs, 0, d->value));
    slope[1] = mul(g, quo(g, d->arg[0], d->arg[1]), loss);
}

const IrMeasure ir_measure_gamma = {
    .arguments = 2, .variants = 1, .fresh = true, .variant = variant_gamma, .slope = slope_gamma};
const IrMeasure ir_measure_inverse_gamma = {.arguments = 2,
                                            .variants = 1,
                                            .fresh = true,
                                            .variant = variant_inverse_gamma,
                                            .slope = slope_gamma};

NO_MEASURE(dirichlet, "no pair of laws is known for its shapes");
NO_MEASURE(beta, "no pair of laws is known for its shapes");

/* ---- von_mises ------------------------------------------------------------------------------ */

enum { SINE_STEPS = 5 };

/* asin s for s in [0, sqrt 1/2], by Newton. */
static IrRef small_arcsine(IrGraph *g, IrRef s)
{
    IrRef h = add(g, s, scale(g, 1.0 / 6, mul(g, s, square(g, s))));
    for (int i = 0; i < SINE_STEPS; i++) {
        IrRef over = sub(g, ir_unary(g, IR_SIN, h), s);
        h = sub(g, h, quo(g, over, ir_unary(g, IR_COS, h)));
    }
    return h;
}

/* 2 asin sqrt q, for q in [0, 1]. */
static IrRef angle_of(IrGraph *g, IrRef q)
{
    IrRef rest = ir_binary(g, IR_MAX, sub(g, ir_const(g, 1), q), ir_const(g, 0)); /* q is rounded */
    IrRef low = ir_binary(g, IR_LE, q, rest);
    IrRef h = small_arcsine(g, ir_unary(g, IR_SQRT, ir_select(g, low, q, rest)));
    return scale(g, 2, ir_select(g, low, h, sub(g, ir_const(g, PI / 2), h)));
}

/* Z in (0, pi) of density proportional to sin z e^(k cos z), whose sin^2 (Z / 2) is
 * -log(1 - v (1 - e^-2k)) / 2k, and v where k is 0. */
static IrRef side_of_circle(IrGraph *g, const IrDrawn *d)
{
    IrRef twice = scale(g, 2, d->arg[1]), rise = ir_unary(g, IR_EXPM1, neg(g, twice));
    IrRef q = quo(g, ir_unary(g, IR_LOG1P, mul(g, d->fresh, rise)), neg(g, twice));
    IrRef flat = ir_binary(g, IR_EQ, twice, ir_const(g, 0));
    return angle_of(g, ir_select(g, flat, d->fresh, q));
}

/* 0 and 1: on either side of the location; 2: as far as the draw, of the law with the further
 * density (1 - cos z) e^(k cos z), by the draw's noise. */
static void variant_von_mises(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef side = side_of_circle(g, d);
    IrRef far = ir_binary(g, IR_VON_MISES_FAR_QUANTILE, d->noise, d->arg[1]);
    variant[0] = ir_wrapped(g, add(g, d->arg[0], side));
    variant[1] = ir_wrapped(g, sub(g, d->arg[0], side));
    variant[2] = ir_wrapped(g, add(g, d->arg[0], far));
}

/* sinh k / (pi I0) (E f(loc + Z) - E f(loc - Z)), and (1 - I1 / I0) (E f(x) - E f(variant 2)),
 * since dp/dk = (cos - I1 / I0) p = (1 - I1 / I0) p - (1 - cos) p. */
static void slope_von_mises(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef right = ir_variant_cost(g, costs, 0, d->value),
          left = ir_variant_cost(g, costs, 1, d->value),
          far = ir_variant_cost(g, costs, 2, d->value);
    IrRef mass = neg(g, ir_unary(g, IR_EXPM1, scale(g, -2, d->arg[1])));
    IrRef norm = exp_(g, ir_unary(g, IR_LOG_I0E, d->arg[1]));
    slope[0] = mul(g, scale(g, 1 / (2 * PI), quo(g, mass, norm)), sub(g, right, left));
    slope[1] = mul(g, ir_unary(g, IR_I1_GAP, d->arg[1]), sub(g, base, far));
}

const IrMeasure ir_measure_von_mises = {.arguments = 3,
                                        .variants = 3,
                                        .fresh = true,
                                        .variant = variant_von_mises,
                                        .slope = slope_von_mises};

/* ---- weibull: in its scale, (x / scale)^shape gains an exponential -------------------------- */

static void variant_weibull(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef l = mul(g, d->arg[0], sub(g, log_(g, d->value), log_(g, d->arg[1])));
    IrRef both = log_(g, sub(g, exp_(g, l), log_fresh(g, d)));
    variant[0] = exp_(g, add(g, log_(g, d->arg[1]), quo(g, both, d->arg[0])));
}

static void slope_weibull(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef gain = sub(g, ir_variant_cost(g, costs, 0, d->value), base);
    slope[1] = mul(g, quo(g, d->arg[0], d->arg[1]), gain);
}

const IrMeasure ir_measure_weibull = {.arguments = 2,
                                      .variants = 1,
                                      .fresh = true,
                                      .variant = variant_weibull,
                                      .slope = slope_weibull};

/* ---- bernoulli: 1, and 0; one of them is the draw ------------------------------------------- */

static void variant_bernoulli(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = sub(g, ir_int(g, 1), d->value);
}

static void slope_bernoulli(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef gain = sub(g, base, ir_variant_cost(g, costs, 0, d->value));
    slope[0] = ir_select(g, ir_binary(g, IR_EQ, d->value, ir_int(g, 1)), gain, neg(g, gain));
}

static void slope_bernoulli_logits(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs,
                                   IrRef *slope)
{
    IrRef p = ir_unary(g, IR_SIGMOID, d->arg[0]), q = ir_unary(g, IR_SIGMOID, neg(g, d->arg[0]));
    slope_bernoulli(g, d, base, costs, slope);
    slope[0] = mul(g, mul(g, p, q), slope[0]);
}

const IrMeasure ir_measure_bernoulli = {
    .arguments = 1, .variants = 1, .variant = variant_bernoulli, .slope = slope_bernoulli};
const IrMeasure ir_measure_bernoulli_logits = {
    .arguments = 1, .variants = 1, .variant = variant_bernoulli, .slope = slope_bernoulli_logits};

/* ---- counts: the draw, and the draw with one more; E18 -------------------------------------- */

static IrRef next_count(IrGraph *g, const IrDrawn *d)
{
    return add(g, d->value, ir_int(g, 1));
}

static void variant_poisson(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    variant[0] = next_count(g, d);
}

static void slope_poisson(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[0] = sub(g, ir_variant_cost(g, costs, 0, d->value), base);
}

const IrMeasure ir_measure_poisson = {
    .arguments = 1, .variants = 1, .variant = variant_poisson, .slope = slope_poisson};

/* The draw, and its sum with one more success and the failures before the next. */
static void variant_geometric(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef more = ir_dist_info[d->dist].transport(g, d->arg, d->fresh);
    variant[0] = add(g, next_count(g, d), more);
}

static void slope_geometric(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[0] = quo(g, sub(g, base, ir_variant_cost(g, costs, 0, d->value)), d->arg[0]);
}

const IrMeasure ir_measure_geometric = {.arguments = 1,
                                        .variants = 1,
                                        .fresh = true,
                                        .variant = variant_geometric,
                                        .slope = slope_geometric};

/* One of the n trials is taken again, both ways; it was a success with probability x / n. */
static IrRef was_success(IrGraph *g, const IrDrawn *d)
{
    return ir_binary(g, IR_LT, mul(g, d->fresh, d->arg[0]), ir_real(g, d->value));
}

static void variant_binomial(IrGraph *g, const IrDrawn *d, IrRef *variant)
{
    IrRef fewer = sub(g, d->value, ir_int(g, 1));
    variant[0] = ir_select(g, was_success(g, d), fewer, next_count(g, d));
}

static void slope_binomial(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    IrRef gain = sub(g, base, ir_variant_cost(g, costs, 0, d->value));
    slope[1] = mul(g, d->arg[0], ir_select(g, was_success(g, d), gain, neg(g, gain)));
}

const IrMeasure ir_measure_binomial = {.arguments = 2,
                                       .variants = 1,
                                       .fresh = true,
                                       .variant = variant_binomial,
                                       .slope = slope_binomial};

/* ---- categorical: each category, and the draw; of one-hot events their categories ------------- */

static IrRef category_itself(IrGraph *g, const IrDrawn *d, IrRef which)
{
    (void)g, (void)d;
    return which;
}

/* The sum over events of f(category) - f(draw), for every category. */
static IrRef gains_of_categories(IrGraph *g, IrRef base, IrRef costs)
{
    return ir_reduce(g, IR_SUM, sub(g, costs, base), 1, 0);
}

static void slope_categorical(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[0] = quo(g, gains_of_categories(g, base, costs), ir_sum_all(g, d->arg[0]));
}

static void slope_categorical_logits(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs,
                                     IrRef *slope)
{
    IrRef norm = ir_reduce(g, IR_LOGSUMEXP, d->arg[0], 1, 0);
    norm = ir_expand(g, norm, 0, g->node[d->arg[0]].type.dim[0]);
    IrRef p = exp_(g, sub(g, d->arg[0], norm));
    slope[0] = mul(g, p, gains_of_categories(g, base, costs));
}

#define OF_CATEGORIES(id, category_of, slope_of)                                                   \
    const IrMeasure ir_measure_##id = {.arguments = 1, .category = category_of, .slope = slope_of}

OF_CATEGORIES(categorical, category_itself, slope_categorical);
OF_CATEGORIES(categorical_logits, category_itself, slope_categorical_logits);
OF_CATEGORIES(one_hot_categorical, category_itself, slope_categorical);
OF_CATEGORIES(one_hot_categorical_logits, category_itself, slope_categorical_logits);

/* ---- multinomial: one of its trials is each category, or as it was ----------------------------
 */

/* The category of a trial, all of them as likely: the first whose running count is beyond it. */
static IrRef trial(IrGraph *g, const IrDrawn *d)
{
    IrRef count = ir_real(g, d->value), u = mul(g, d->fresh, d->arg[0]);
    uint32_t last = rank(g, count) - 1;
    int64_t size = g->node[count].type.dim[last];
    IrRef before = ir_node(g, IR_CUMSUM, (IrAttr){.k = {last}}, 1, &count);
    before = ir_node(g, IR_SLICE, (IrAttr){.k = {last, 0, size - 1}}, 1, &before);
    IrRef beyond = ir_binary(g, IR_LE, before, ir_expand(g, u, last, size - 1));
    IrRef passed = ir_select(g, beyond, ir_int(g, 1), ir_int(g, 0));
    return ir_one_hot(g, ir_reduce(g, IR_SUM, passed, 1u << last, 0), size);
}

static IrRef category_multinomial(IrGraph *g, const IrDrawn *d, IrRef which)
{
    int64_t size = g->node[d->arg[1]].type.dim[0];
    if (size == 1)
        return d->value;
    IrRef turned = ir_every_event(g, ir_one_hot(g, which, size), d->value);
    return add(g, sub(g, d->value, trial(g, d)), turned);
}

static void slope_multinomial(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope)
{
    slope[1] =
        quo(g, mul(g, d->arg[0], gains_of_categories(g, base, costs)), ir_sum_all(g, d->arg[1]));
}

const IrMeasure ir_measure_multinomial = {
    .arguments = 2, .fresh = true, .category = category_multinomial, .slope = slope_multinomial};
