/* The laws of random programs. */
#include "tests/laws/program_writer.h"

/* One law: its text, with "%" for what it depends on, and what a copy of it costs of the budget:
 * values of bits, and variates that are integrated over. */
typedef struct Form {
    Kind kind;
    DrawKind estimators;
    int elements;
    const char *text;
    int bits, reals;
} Form;

static const Form bit[] = {
    {BIT, DRAW_FINITE, 0, "bernoulli(logits = %)", 1, 0},
    {BIT, DRAW_FINITE, 0, "bernoulli(logits = %)", 1, 0},
    {BIT, DRAW_FINITE, 0, "bernoulli(sigmoid(%))", 1, 0},
};

static const Form category[] = {
    {CATEGORY, DRAW_FINITE, 0, "categorical(logits = [%, 0.0, %])", 2, 0},
    {CATEGORY, DRAW_FINITE, 0, "categorical(logits = [%, 0.0, %])", 2, 0},
    {CATEGORY, DRAW_FINITE, 0, "categorical(softmax([%, 0.0, %]))", 2, 0},
};

static const Form count[] = {
    {COUNT, DRAW_COUNT, 0, "binomial(2, sigmoid(%))", 2, 0},
    {COUNT, DRAW_COUNT, 0, "binomial(3, sigmoid(%))", 2, 0},
    {COUNT, DRAW_COUNT, 0, "poisson(0.5 * sigmoid(%))", 4, 0},
    {COUNT, DRAW_COUNT, 0, "geometric(0.5 + 0.4 * sigmoid(%))", 4, 0},
    {ONE_HOT, DRAW_FINITE, 3, "one_hot_categorical(logits = [%, 0.0, %])", 2, 0},
    {ONE_HOT, DRAW_FINITE, 3, "one_hot_categorical(softmax([%, 0.0, %]))", 2, 0},
    {COUNTS, DRAW_COUNT, 2, "multinomial(2, softmax([%, 0.0]))", 2, 0},
    {COUNTS, DRAW_COUNT, 3, "multinomial(2, softmax([%, 0.0, %]))", 4, 0},
};

static const Form normal[] = {
    {NORMAL, DRAW_PATHWISE, 0, "normal(%, 0.5)", 0, 1},
    {NORMAL, DRAW_PATHWISE, 0, "normal(%, 0.5)", 0, 1},
    {NORMAL, DRAW_PATHWISE, 0, "normal(%, 0.2 + 0.5 * sigmoid(%))", 0, 1},
};

static const Form other[] = {
    {REAL_DRAW, DRAW_PATHWISE, 0, "laplace(%, 0.4)", 0, 1},
    {REAL_DRAW, DRAW_PATHWISE, 0, "logistic(%, 0.3)", 0, 1},
    {REAL_DRAW, DRAW_PATHWISE, 0, "gumbel(%, 0.3)", 0, 1},
    {REAL_DRAW, DRAW_MOVING, 0, "uniform(%, 2.5 + softplus(%))", 0, 1},
    {POSITIVE, DRAW_PATHWISE, 0, "exponential(1.5 + sigmoid(%))", 0, 1},
    {POSITIVE, DRAW_PATHWISE, 0, "lognormal(0.3 * tanh(%), 0.4)", 0, 1},
    {POSITIVE, DRAW_PATHWISE, 0, "half_normal(0.2 + sigmoid(%))", 0, 1},
    {POSITIVE, DRAW_PATHWISE, 0, "weibull(1.2 + sigmoid(%), 0.4 + sigmoid(%))", 0, 1},
    {POSITIVE, DRAW_IMPLICIT, 0, "gamma(1.5 + sigmoid(%), 1.1 + sigmoid(%))", 0, 1},
    {POSITIVE, DRAW_IMPLICIT, 0, "gamma(0.8, 1.1 + sigmoid(%))", 0, 1},
    {HEAVY, DRAW_IMPLICIT, 0, "inverse_gamma(2.5 + sigmoid(%), 1.1 + sigmoid(%))", 0, 1},
    {HEAVY, DRAW_PATHWISE, 0, "cauchy(%, 0.3 + 0.2 * sigmoid(%))", 0, 1},
    {HEAVY, DRAW_PATHWISE, 0, "half_cauchy(0.3 + sigmoid(%))", 0, 1},
    {ANGLE, DRAW_IMPLICIT, 0, "von_mises(%, 0.5 + sigmoid(%))", 0, 1},
    {HEAVY, DRAW_PATHWISE, 0, "student_t(4 + sigmoid(%), %, 0.6)", 0, 2},
    {FRACTION, DRAW_IMPLICIT, 0, "beta(1.4 + sigmoid(%), 1.3 + sigmoid(%))", 0, 2},
    {SIMPLEX, DRAW_IMPLICIT, 2, "dirichlet([1.5 + sigmoid(%), 1.2 + sigmoid(%)])", 0, 2},
    {PLANE, DRAW_PATHWISE, 2, "mvn([%, %], cholesky = [[0.5, 0.0], [0.3, 0.4]])", 0, 2},
    {PLANE, DRAW_PATHWISE, 2, "mvn([%, 0.2], cholesky = [[0.5, 0.0], [%, 0.3 + 0.4 * sigmoid(%)]])",
     0, 2},
};

#define COUNT_OF(forms) ((int)(sizeof(forms) / sizeof *(forms)))

static bool can_pay(const Writer *w, const Form *f, int many)
{
    return w->bits >= many * f->bits * w->copies && w->reals >= many * f->reals * w->copies;
}

static Drawn put_one(Writer *w, const Form *f)
{
    put_form(w, f->text, below(w, 2));
    w->bits -= f->bits * w->copies;
    w->reals -= f->reals * w->copies;
    return (Drawn){f->kind, f->estimators, f->elements};
}

Drawn put_bit(Writer *w)
{
    return put_one(w, &bit[below(w, COUNT_OF(bit))]);
}

Drawn put_category(Writer *w)
{
    return put_one(w, &category[below(w, COUNT_OF(category))]);
}

Drawn put_normal(Writer *w)
{
    return put_one(w, &normal[below(w, COUNT_OF(normal))]);
}

/* A law whose copies the budget allows. */
Drawn put_law(Writer *w)
{
    int kind = below(w, 12);
    const Form *c = &count[below(w, COUNT_OF(count))], *o = &other[below(w, COUNT_OF(other))];
    if (kind < 2 && can_pay(w, o, 1))
        return put_one(w, o);
    if (kind < 4 && can_pay(w, normal, 1))
        return put_normal(w);
    if (kind < 6 && can_pay(w, c, 1))
        return put_one(w, c);
    return kind < 8 && can_pay(w, category, 1) ? put_category(w) : put_bit(w);
}

static const Form *form_of(Law *law)
{
    return law == put_normal ? normal : law == put_category ? category : bit;
}

/* The last ones are for sequences, whose steps are drawn after what stands in their loop. */
bool may_draw(const Writer *w, int many, Law *law)
{
    enum { LAST = 4 };
    return w->out->draws + (size_t)many <= PROGRAM_DRAWS - LAST && can_pay(w, form_of(law), many);
}

void reserve(Writer *w, int many, Law *law)
{
    const Form *f = form_of(law);
    w->bits -= many * f->bits * w->copies;
    w->reals -= many * f->reals * w->copies;
}

bool put_rival(Writer *w, Kind kind)
{
    static const char *const rival[] = {
        [NORMAL] = "normal(%, 0.8)",
        [REAL_DRAW] = "logistic(%, 1.1)",
        [HEAVY] = "student_t(5, %, 1.5)",
        [ANGLE] = "von_mises(%, 0.7)",
        [POSITIVE] = "gamma(1.4, 0.6 + sigmoid(%))",
        [FRACTION] = "beta(1.3, 0.8 + sigmoid(%))",
        [PLANE] = "mvn([%, 0.2], cholesky = [[0.9, 0.0], [0.3, 0.8]])",
        [SIMPLEX] = "dirichlet([1.2, 0.7 + sigmoid(%)])",
        [BIT] = "bernoulli(logits = %)",
        [CATEGORY] = "categorical(logits = [0.3, %, -0.4])",
        [COUNT] = "poisson(0.4 + sigmoid(%))",
        [ONE_HOT] = "one_hot_categorical(logits = [0.3, %, -0.4])",
    };
    if (kind >= COUNTS || !rival[kind])
        return false;
    put_form(w, rival[kind], 1);
    return true;
}
