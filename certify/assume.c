/* What is left to assume: a port of the analyses of proofs/Defined.v, proofs/Tame.v and
 * proofs/Kinked.v, and of the choice between the theorems of proofs/Model.v. */
#include "certify/certify.h"
#include "certify/noise.h"
#include "certify/same.h"
#include "certify/sweep.h"

/* ---- domains and kinks ----------------------------------------------------------------------- */

typedef struct State {
    bool moving; /* may depend on the parameters */
    bool positive;
} State;

static bool distinct(CertList o)
{
    for (uint32_t i = 0; i < o.count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (o.at[i] == o.at[k])
                return false;
    return true;
}

static bool scales_up(const Cert *c, const CertOp *op)
{
    return fraction_sign(c->fractions, op->a) > 0 && fraction_sign(c->fractions, op->b) >= 0;
}

static bool positive1(const Cert *c, const CertOp *op, State x)
{
    switch (op->fn) {
    case CERT_EXP:
    case CERT_SIGMOID:
    case CERT_SOFTPLUS:
        return true;
    case CERT_AFFINE:
        return x.positive && scales_up(c, op);
    case CERT_SQUARE:
    case CERT_RECIP:
    case CERT_SQRT:
        return x.positive;
    default:
        return false;
    }
}

static bool positive2(CertFn f, State x, State y)
{
    return f == CERT_POW ||
           ((f == CERT_ADD || f == CERT_MUL || f == CERT_DIV) && x.positive && y.positive);
}

static bool is_positive(const Cert *c, const CertOp *op, const State *in)
{
    switch (op->form) {
    case CERT_MAP1:
        return positive1(c, op, in[0]);
    case CERT_MAP2:
        return positive2(op->fn, in[0], in[1]);
    case CERT_EIN:
        return in[0].positive && distinct(op->o);
    case CERT_EIN2:
        return in[0].positive && in[1].positive && distinct(op->o);
    case CERT_CONST:
        return fraction_sign(c->fractions, op->a) > 0;
    default:
        return op->form == CERT_SIZE;
    }
}

/* Is it differentiable wherever its operands are, as far as one sees? */
static bool is_safe(const CertOp *op, const State *in)
{
    if (op->form == CERT_LSE)
        return distinct(op->o);
    if (op->form != CERT_MAP1 && op->form != CERT_MAP2)
        return true;
    switch (op->fn) {
    case CERT_LOG:
    case CERT_SQRT:
    case CERT_RECIP:
    case CERT_LOG1P:
    case CERT_ABS:
    case CERT_RELU:
    case CERT_SIGN:
    case CERT_STEP:
    case CERT_POW:
        return in[0].positive;
    case CERT_DIV:
        return in[1].positive;
    case CERT_MIN:
    case CERT_MAX:
        return false;
    default:
        return true;
    }
}

static bool is_moved(const Cert *c, uint32_t input)
{
    for (uint32_t i = 0; i < c->outputs; i++)
        if (c->output[i].input == input)
            return true;
    return false;
}

/* The slots that are assumed to be where they have a derivative. */
static CertList undecided(const Cert *c, Arena *a)
{
    State *state = arena_array(a, State, c->inputs + c->source.count + 1);
    uint32_t *slot = NULL, count = 0;
    for (uint32_t i = 0; i < c->inputs; i++)
        state[i].moving = is_moved(c, i);
    for (uint32_t i = 0; i < c->source.count; i++) {
        const CertNode *n = &c->source.node[i];
        State in[2] = {{false, false}, {false, false}}, *s = &state[c->inputs + i];
        for (uint32_t k = 0; k < cert_operands(&n->op); k++) {
            in[k] = state[n->in[k]];
            s->moving |= in[k].moving;
        }
        s->positive = is_positive(c, &n->op, in);
        if (s->moving && !is_safe(&n->op, in))
            *arena_push(a, slot, count, uint32_t) = c->inputs + i;
    }
    return (CertList){count, slot};
}

/* ---- growth ---------------------------------------------------------------------------------- */

typedef struct Facts {
    bool fixed;    /* depends on no parameter that moves and on no draw */
    bool bounded;  /* near the point */
    bool linear;   /* grows at most linearly with the draws */
    bool positive; /* and its inverse grows at most exponentially */
} Facts;

static bool judge1(const Cert *c, const CertOp *op, Facts x, Facts *out)
{
    switch (op->fn) {
    case CERT_AFFINE:
        *out = (Facts){false, x.bounded, x.linear, x.positive && scales_up(c, op)};
        return true;
    case CERT_EXP:
    case CERT_EXPM1:
        *out = (Facts){false, x.bounded, x.bounded, op->fn == CERT_EXP};
        return x.linear;
    case CERT_LOG:
        *out = (Facts){.linear = true};
        return x.positive;
    case CERT_LOG1P:
    case CERT_SQRT:
        *out = (Facts){false, x.bounded, x.linear, op->fn == CERT_SQRT};
        return x.positive;
    case CERT_SQUARE:
        *out = (Facts){false, x.bounded, x.bounded, x.positive};
        return true;
    case CERT_RECIP:
        *out = (Facts){.positive = true};
        return x.positive;
    case CERT_TANH:
    case CERT_SIN:
    case CERT_COS:
        *out = (Facts){false, true, true, false};
        return true;
    case CERT_SIGMOID:
        *out = (Facts){false, true, true, x.linear};
        return true;
    case CERT_SOFTPLUS:
        *out = (Facts){false, x.bounded, x.linear, x.linear};
        return true;
    default:
        return false;
    }
}

static Facts product(Facts x, Facts y)
{
    return (Facts){false, x.bounded && y.bounded,
                   (x.bounded && y.linear) || (x.linear && y.bounded), x.positive && y.positive};
}

static bool judge2(CertFn f, Facts x, Facts y, Facts *out)
{
    switch (f) {
    case CERT_ADD:
    case CERT_SUB:
        *out = (Facts){false, x.bounded && y.bounded, x.linear && y.linear,
                       f == CERT_ADD && x.positive && y.positive};
        return true;
    case CERT_MUL:
        *out = product(x, y);
        return true;
    case CERT_DIV:
        *out = (Facts){false, x.bounded && y.fixed, x.linear && y.fixed, x.positive};
        return y.positive;
    case CERT_POW:
        *out = (Facts){.positive = true};
        return x.positive && y.bounded;
    default:
        return false;
    }
}

static bool rule(const Cert *c, const CertOp *op, const Facts *in, Facts *out)
{
    switch (op->form) {
    case CERT_MAP1:
        return judge1(c, op, in[0], out);
    case CERT_MAP2:
        return judge2(op->fn, in[0], in[1], out);
    case CERT_EIN2:
        *out = product(in[0], in[1]);
        out->positive = out->positive && distinct(op->o);
        return true;
    case CERT_LSE:
        *out = (Facts){false, in[0].bounded, in[0].linear, false};
        return distinct(op->o);
    case CERT_CONST:
        *out = (Facts){true, true, true, fraction_sign(c->fractions, op->a) > 0};
        return true;
    case CERT_SIZE:
    case CERT_IOTA:
        *out = (Facts){true, true, true, op->form == CERT_SIZE};
        return true;
    default:
        *out = (Facts){false, in[0].bounded, in[0].linear,
                       op->form == CERT_EIN && in[0].positive && distinct(op->o)};
        return true;
    }
}

static bool is_finite(const CertDraw *d)
{
    return d->base == CERT_BITS || d->base == CERT_VALUES;
}

static bool is_held(const Cert *c, const CertNode *n)
{
    return n->op.form == CERT_SAMPLE && is_finite(&c->draw[n->op.k]);
}

/* With `hold`, finite draws are at one of their values: constants. */
static bool judge(const Cert *c, const CertNode *n, bool hold, const Facts *in, Facts *out)
{
    *out = (Facts){.linear = true};
    if (n->op.form == CERT_SAMPLE) {
        if (hold && is_held(c, n))
            *out = (Facts){.fixed = true, .bounded = true, .linear = true};
        return true;
    }
    bool fixed = true;
    for (uint32_t k = 0; k < cert_operands(&n->op); k++)
        fixed &= in[k].fixed;
    if (!fixed)
        return rule(c, &n->op, in, out);
    bool positive = rule(c, &n->op, in, out) && out->positive;
    *out = (Facts){true, true, true, positive};
    return true;
}

/* Where the rules have no answer: what is made of noise alone. */
static bool judge_noise(const CertNode *n, const NoiseForm *in, Facts *out)
{
    NoiseCurve curve = noise_curve(&n->op, in);
    *out = (Facts){.bounded = curve == NOISE_SIDE,
                   .linear = curve == NOISE_SIDE || curve == NOISE_LENGTH};
    return curve != NOISE_NONE;
}

/* The facts of all slots of the program.  False: its growth is not seen, *slot is where. */
static bool facts_of(const Cert *c, const CertProgram *p, Arena *a, bool hold, Facts *facts,
                     CertSlot *slot)
{
    NoiseForm *form = arena_array(a, NoiseForm, c->inputs + p->count + 1);
    for (uint32_t i = 0; i < c->inputs; i++)
        facts[i] = (Facts){!is_moved(c, i), true, true, false};
    for (uint32_t i = 0; i < p->count; i++) {
        const CertNode *n = &p->node[i];
        Facts in[2] = {{0}, {0}};
        NoiseForm of[2] = {NOISE_OTHER, NOISE_OTHER};
        for (uint32_t k = 0; k < cert_operands(&n->op); k++) {
            in[k] = facts[n->in[k]];
            of[k] = form[n->in[k]];
        }
        *slot = c->inputs + i;
        form[*slot] = hold && is_held(c, n) ? NOISE_OTHER : noise_form(c, a, &n->op, of);
        if (!judge(c, n, hold, in, &facts[*slot]) && !judge_noise(n, of, &facts[*slot]))
            return false;
    }
    return true;
}

/* May the expected cost be differentiated under the expectation?  *slot is where one cannot see it.
 * The densities of held values are at most one and spoil no bound. */
static bool is_tame(const Cert *c, Arena *a, CertSlot *slot)
{
    Facts *facts = arena_array(a, Facts, c->inputs + c->source.count + 1);
    *slot = c->cost;
    return facts_of(c, &c->source, a, true, facts, slot);
}

bool cert_tame(const Cert *c, const CertProgram *p, Arena *a, bool *positive)
{
    Facts *facts = arena_array(a, Facts, c->inputs + p->count + 1);
    CertSlot slot;
    if (!facts_of(c, p, a, true, facts, &slot))
        return false;
    for (uint32_t i = 0; i < c->inputs + p->count; i++)
        positive[i] = facts[i].positive;
    return true;
}

/* ---- kinks ----------------------------------------------------------------------------------- */

static bool is_kink(const CertOp *op)
{
    return (op->form == CERT_MAP1 && (op->fn == CERT_ABS || op->fn == CERT_RELU)) ||
           (op->form == CERT_MAP2 && (op->fn == CERT_MIN || op->fn == CERT_MAX));
}

static Facts past_kink(const CertOp *op, const Facts *in)
{
    Facts out = {true, true, true, false};
    for (uint32_t k = 0; k < cert_operands(op); k++)
        out = (Facts){out.fixed && in[k].fixed, out.bounded && in[k].bounded,
                      out.linear && in[k].linear, false};
    return out;
}

/* May the expected cost be differentiated under the expectation if almost every draw is off the
 * kinks? */
static bool is_tame_but_kinks(const Cert *c, Arena *a, bool *positive)
{
    Facts *facts = arena_array(a, Facts, c->inputs + c->source.count + 1);
    if (c->scores > 0)
        return false;
    for (uint32_t i = 0; i < c->inputs; i++)
        facts[i] = (Facts){!is_moved(c, i), true, true, false};
    for (uint32_t i = 0; i < c->source.count; i++) {
        const CertNode *n = &c->source.node[i];
        Facts in[2] = {{0}, {0}}, *out = &facts[c->inputs + i];
        for (uint32_t k = 0; k < cert_operands(&n->op); k++)
            in[k] = facts[n->in[k]];
        if (is_kink(&n->op))
            *out = past_kink(&n->op, in);
        else if (!judge(c, n, false, in, out))
            return false;
        positive[c->inputs + i] = out->positive;
    }
    return true;
}

/* ---- the theorem ----------------------------------------------------------------------------- */

bool cert_weights_assumed(const Cert *c)
{
    for (uint32_t i = 0; i < c->scores; i++)
        if (!c->score[i].explained)
            return true;
    return false;
}

static bool has_base(const Cert *c, CertBase base)
{
    for (uint32_t j = 0; j < c->draws; j++)
        if (c->draw[j].base == base)
            return true;
    return false;
}

static bool all_finite(const Cert *c)
{
    return !has_base(c, CERT_NORMAL) && !has_base(c, CERT_UNIFORM) && !has_base(c, CERT_LINE) &&
           !has_base(c, CERT_GIVEN);
}

/* The draws that are finite are those that have a score, in the same order. */
static bool draws_are_scored(const Cert *c)
{
    uint32_t i = 0;
    for (uint32_t j = 0; j < c->draws && c->scores > 0; j++) {
        const CertDraw *d = &c->draw[j];
        if (!is_finite(d))
            continue;
        if (i == c->scores || c->score[i].roles.draw != j ||
            (c->score[i].roles.law == CERT_BERNOULLI) != (d->base == CERT_BITS) ||
            (d->base == CERT_VALUES && c->score[i].roles.values != d->values))
            return false;
        i++;
    }
    return i == c->scores;
}

static CertTheorem theorem_of_noise(const Cert *c, Arena *a, CertAssumed *left)
{
    bool *positive = arena_array(a, bool, c->inputs + c->source.count + 1);
    bool tame = is_tame(c, a, &left->slot);
    if (tame && !has_base(c, CERT_LINE))
        return CERT_PROVED;
    if (tame)
        left->slot = CERT_NONE;
    if (has_base(c, CERT_LINE) || !is_tame_but_kinks(c, a, positive))
        return CERT_UP_TO_REGULAR;
    return sweep_misses(c, a, positive, left->kinks) ? CERT_PROVED : CERT_UP_TO_NOISY_KINKS;
}

static CertAssumed theorem_of(const Cert *c, Arena *a)
{
    CertAssumed left = {.theorem = CERT_UP_TO_WEIGHTS};
    if (cert_weights_assumed(c) || has_base(c, CERT_GIVEN) || !draws_are_scored(c))
        return left;
    left.kinks = undecided(c, a);
    if (all_finite(c))
        left.theorem = left.kinks.count > 0 ? CERT_UP_TO_KINKS : CERT_PROVED;
    else
        left.theorem = theorem_of_noise(c, a, &left);
    return left;
}

CertAssumed certify_assumed(const Cert *c, Arena *a)
{
    CertAssumed left = theorem_of(c, a);
    bool positive = true;
    const char *why;
    left.scales = c->written.given && cert_same_mean(c, a, &positive, &why) && !positive;
    return left;
}
