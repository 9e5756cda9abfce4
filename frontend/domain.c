/* The domains of the arguments of laws.
 *
 * An argument outside of its domain makes the step that reads it not finite, which is reported; it
 * is not clamped, and no draw is made as if it were inside.  A constant is looked at here; of what
 * is known to lie inside (range.c) nothing is asked when the model runs. */
#include "frontend/fe.h"

#include <math.h>

typedef enum Domain {
    REAL,
    POSITIVE,
    NOT_NEGATIVE,
    PROBABILITY, /* [0, 1] */
    SUCCESS,     /* (0, 1]: what never happens is not waited for */
    HIGH,        /* above the argument before it */
    TRIALS,      /* 0, 1, ... */
    FACTOR       /* a matrix with a positive diagonal */
} Domain;

typedef Domain Domains[FE_LAW_ARGUMENTS];

/* clang-format off */
static const Domains domain_normal = {REAL, POSITIVE}, domain_lognormal = {REAL, POSITIVE},
                     domain_half_normal = {POSITIVE}, domain_mvn = {REAL, FACTOR},
                     domain_uniform = {REAL, HIGH}, domain_laplace = {REAL, POSITIVE},
                     domain_logistic = {REAL, POSITIVE}, domain_gumbel = {REAL, POSITIVE},
                     domain_cauchy = {REAL, POSITIVE}, domain_student_t = {POSITIVE, REAL, POSITIVE},
                     domain_von_mises = {REAL, NOT_NEGATIVE}, domain_exponential = {POSITIVE},
                     domain_weibull = {POSITIVE, POSITIVE}, domain_half_cauchy = {POSITIVE},
                     domain_gamma = {POSITIVE, POSITIVE}, domain_inverse_gamma = {POSITIVE, POSITIVE},
                     domain_beta = {POSITIVE, POSITIVE}, domain_bernoulli = {PROBABILITY},
                     domain_bernoulli_logits = {REAL}, domain_categorical = {NOT_NEGATIVE},
                     domain_categorical_logits = {REAL}, domain_one_hot_categorical = {NOT_NEGATIVE},
                     domain_one_hot_categorical_logits = {REAL}, domain_geometric = {SUCCESS},
                     domain_poisson = {NOT_NEGATIVE}, domain_binomial = {TRIALS, PROBABILITY},
                     domain_multinomial = {TRIALS, NOT_NEGATIVE}, domain_dirichlet = {POSITIVE};

static const Domain *const domain[IR_DIST_COUNT] = {
#define DIST(id, ...) [IR_DIST_##id] = domain_##id,
#include "ir/dist.def"
};
/* clang-format on */

/* ---- constants ------------------------------------------------------------------------------ */

const char *fe_domain_fault(const IrGraph *g, IrDist dist, uint32_t i, const IrRef *arg)
{
    const IrNode *n = ir_at(g, arg[i]), *before = i > 0 ? ir_at(g, arg[i - 1]) : n;
    double v = n->attr.num;
    if (n->op != IR_CONST)
        return NULL;
    switch (domain[dist][i]) {
    case POSITIVE:
        return v > 0 ? NULL : "positive";
    case NOT_NEGATIVE:
        return v >= 0 ? NULL : "0 or more";
    case PROBABILITY:
        return v >= 0 && v <= 1 ? NULL : "from 0 to 1";
    case SUCCESS:
        return v > 0 && v <= 1 ? NULL : "above 0 and at most 1";
    case HIGH:
        return before->op != IR_CONST || v > before->attr.num ? NULL : "above the low bound";
    default:
        return NULL;
    }
}

/* ---- what is seen when the model runs ------------------------------------------------------- */

static IrRef above(IrGraph *g, IrRef a, double limit)
{
    Range r = fe_range(g, a);
    bool known = r.low > limit || (r.low == limit && r.above);
    return known ? a : ir_binary(g, IR_ABOVE, a, ir_const(g, limit));
}

static IrRef at_least(IrGraph *g, IrRef a, double limit)
{
    return fe_range(g, a).low >= limit ? a : ir_binary(g, IR_AT_LEAST, a, ir_const(g, limit));
}

static IrRef at_most(IrGraph *g, IrRef a, double limit)
{
    return fe_range(g, a).high <= limit ? a : ir_binary(g, IR_AT_MOST, a, ir_const(g, limit));
}

static IrRef high(IrGraph *g, IrRef a, IrRef low)
{
    bool known = fe_range(g, a).low > fe_range(g, low).high;
    return known ? a : ir_binary(g, IR_ABOVE, a, low);
}

/* A multinomial draw is made trial by trial: their number is a constant already. */
static IrRef trials(IrGraph *g, IrRef a)
{
    const IrNode *n = ir_at(g, a);
    if (n->op == IR_CONST)
        return a;
    IrRef whole = n->op == IR_TO_REAL ? a : ir_binary(g, IR_AT_MOST, a, ir_unary(g, IR_FLOOR, a));
    return at_least(g, whole, 0);
}

/* As a constraint makes it. */
static bool has_positive_diagonal(const IrGraph *g, IrRef a)
{
    const IrNode *n = ir_at(g, a), *d = n->op == IR_ADD ? ir_at(g, n->in[1]) : n;
    return d->op == IR_DIAG && fe_range(g, d->in[0]).low >= 0 && fe_range(g, d->in[0]).above;
}

/* The limit is 0 on the diagonal, and far below elsewhere. */
static IrRef factor(IrGraph *g, IrRef a)
{
    static const double far = 1e30;
    if (has_positive_diagonal(g, a))
        return a;
    IrRef ones = ir_expand(g, ir_const(g, 1), 0, ir_at(g, a)->type.dim[0]);
    IrRef off = ir_binary(g, IR_SUB, ir_unary(g, IR_DIAG, ones), ir_const(g, 1));
    return ir_binary(g, IR_ABOVE, a, ir_binary(g, IR_MUL, off, ir_const(g, far)));
}

IrRef fe_in_domain(IrGraph *g, IrDist dist, uint32_t i, const IrRef *arg)
{
    switch (domain[dist][i]) {
    case POSITIVE:
        return above(g, arg[i], 0);
    case NOT_NEGATIVE:
        return at_least(g, arg[i], 0);
    case PROBABILITY:
        return at_most(g, at_least(g, arg[i], 0), 1);
    case SUCCESS:
        return at_most(g, above(g, arg[i], 0), 1);
    case HIGH:
        return high(g, arg[i], arg[i - 1]);
    case TRIALS:
        return trials(g, arg[i]);
    case FACTOR:
        return factor(g, arg[i]);
    default:
        return arg[i];
    }
}
