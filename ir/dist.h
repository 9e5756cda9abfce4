/* What the files of laws share: the rules' names and a notation for building nodes.
 *
 * Arguments and values are scalars of the plates or have one shape; the element-wise operators
 * broadcast the scalars.  The score is the adjoint of the log-density: no second rule.  Formulas:
 * Johnson, Kotz & Balakrishnan, "Continuous Univariate Distributions"; Johnson, Kemp & Kotz,
 * "Univariate Discrete Distributions". */
#ifndef SGC_IR_DIST_H
#define SGC_IR_DIST_H

#include "ir/ir.h"

#include <math.h>

#define HALF_LOG_TWO_PI 0.91893853320467274178
#define LOG_TWO 0.69314718055994530942
#define LOG_PI 1.14472988584940017414
#define EULER_GAMMA 0.57721566490153286061
#define PI 3.14159265358979323846

typedef IrRef LogpdfRule(IrGraph *g, const IrRef *arg, IrRef x);
typedef IrRef TransportRule(IrGraph *g, const IrRef *arg, IrRef noise);
typedef IrRef MomentRule(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t);

/* clang-format off */
#define DIST(id, ...)                                                                              \
    LogpdfRule ir_logpdf_##id;                                                                     \
    TransportRule ir_transport_##id;                                                               \
    MomentRule ir_moment_##id;                                                                     \
    extern const IrMeasure ir_measure_##id;
#include "ir/dist.def"
/* clang-format on */

static inline IrRef add(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_ADD, a, b);
}
static inline IrRef sub(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_SUB, a, b);
}
static inline IrRef mul(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_MUL, a, b);
}
static inline IrRef quo(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_DIV, a, b);
}
static inline IrRef neg(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_NEG, a);
}
static inline IrRef log_(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_LOG, a);
}
static inline IrRef exp_(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_EXP, a);
}
static inline IrRef square(IrGraph *g, IrRef a)
{
    return ir_unary(g, IR_SQUARE, a);
}
static inline IrRef scale(IrGraph *g, double c, IrRef a)
{
    return mul(g, ir_const(g, c), a);
}
static inline IrRef shift(IrGraph *g, IrRef a, double c)
{
    return add(g, a, ir_const(g, c));
}

/* a where b > 0, else infinity: moments that exist for some arguments only. */
static inline IrRef finite_if_positive(IrGraph *g, IrRef b, IrRef a)
{
    return ir_select(g, ir_binary(g, IR_LT, ir_const(g, 0), b), a, ir_const(g, INFINITY));
}

static inline uint32_t rank(const IrGraph *g, IrRef a)
{
    return g->node[a].type.rank;
}

/* log x and log(1 - x): of exp(y) and sigmoid(y), drawn or not, from y. */
IrRef ir_log_value(IrGraph *g, IrRef x);
IrRef ir_log_rest(IrGraph *g, IrRef x);

/* One event's argument for every row of events in `like`. */
IrRef ir_every_event(IrGraph *g, IrRef a, IrRef like);

/* Element i of the first axis of IR_NOISE_PAIR. */
IrRef ir_part(IrGraph *g, IrRef noise, int64_t i);

/* An angle in [-pi, pi). */
IrRef ir_wrapped(IrGraph *g, IrRef x);

/* tan(pi u / 2), accurate near 0 and near 1. */
IrRef ir_tan_half_pi(IrGraph *g, IrRef u);

#endif
