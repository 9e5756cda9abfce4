/* Laws as values: normal(mu, sigma), and what can be asked of them. */
#include "frontend/fe.h"

#include <math.h>
#include <string.h>

static const Value failed = {.kind = VALUE_ERROR};

/* ---- which law ----------------------------------------------------------------------------- */

bool fe_law_exists(const char *name)
{
    for (int d = 0; d < IR_DIST_COUNT; d++)
        if (strcmp(ir_dist_info[d].name, name) == 0)
            return true;
    return false;
}

/* Word i of "mean sd"; one that ends in "=" must be given by name. */
static const char *argument_name(Fe *fe, const IrDistInfo *d, uint32_t i, bool *by_name)
{
    const char *word = d->argument;
    for (; i > 0; i--)
        word += strcspn(word, " ") + 1;
    size_t len = strcspn(word, " =");
    *by_name = word[len] == '=';
    return arena_copy(fe->arena, word, len);
}

static int position_of(Fe *fe, const IrDistInfo *d, const char *name)
{
    bool by_name;
    for (uint32_t i = 0; i < d->arguments; i++)
        if (strcmp(argument_name(fe, d, i, &by_name), name) == 0)
            return (int)i;
    return -1;
}

/* Puts each argument at its place in the row; false: the row is not the one that is meant. */
static bool matches(Fe *fe, const IrDistInfo *d, const Expr *call, const Arg **place)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < d->arguments; i++)
        place[i] = NULL;
    for (uint32_t i = 0; i < call->args.count; i++) {
        const Arg *a = &call->args.arg[i];
        bool by_name = false;
        int at = a->name ? position_of(fe, d, a->name) : (int)next++;
        if (at < 0 || at >= (int)d->arguments || place[at])
            return false;
        argument_name(fe, d, (uint32_t)at, &by_name);
        if (by_name && !a->name)
            return false;
        place[at] = a;
    }
    return call->args.count == d->arguments;
}

/* "normal(mean, sd)" or "bernoulli(p) or bernoulli(logits =)" */
static const char *signatures(Fe *fe, const char *name)
{
    const char *text = "";
    for (int row = 0; row < IR_DIST_COUNT; row++) {
        const IrDistInfo *d = &ir_dist_info[row];
        if (strcmp(d->name, name) != 0)
            continue;
        text = arena_printf(fe->arena, "%s%s`%s(", text, *text ? " or " : "", name);
        for (uint32_t i = 0; i < d->arguments; i++) {
            bool by_name;
            const char *argument = argument_name(fe, d, i, &by_name);
            text = arena_printf(fe->arena, "%s%s%s%s", text, i ? ", " : "", argument,
                                by_name ? " = …" : "");
        }
        text = arena_printf(fe->arena, "%s)`", text);
    }
    return text;
}

/* ---- making -------------------------------------------------------------------------------- */

static Value say_shape(Fe *fe, const Arg *a, const IrDistInfo *d, const char *wanted,
                       const IrType *t)
{
    return fe_error(fe, a->value->at, SG0301, "this argument of `%s` must be %s, but is %s",
                    d->name, wanted, fe_shape_text(fe, t));
}

/* What the argument of an event law must be, where one event has n elements. */
static bool argument_suits(const IrDistInfo *d, uint32_t i, const IrType *t, int64_t n)
{
    if (d->support == IR_EVENT_SPACE && i == 1)
        return t->rank == 2 && t->dim[0] == n && t->dim[1] == n;
    return i == ir_event_argument(d) ? t->rank == 1 : t->rank == 0;
}

static const char *wanted_argument(Fe *fe, const IrDistInfo *d, uint32_t i, int64_t n)
{
    if (i == ir_event_argument(d))
        return "a vector";
    if (d->support != IR_EVENT_SPACE)
        return "a scalar";
    return arena_printf(fe->arena, "a matrix [%lld, %lld]", (long long)n, (long long)n);
}

/* One event: p[n] for an int or a vector, mean[d] and cholesky[d, d] for a vector, n and p[k]. */
static Value event_law(Fe *fe, Law *law, const Arg **place)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    IrType event = fe_type(fe, law->arg[ir_event_argument(d)]);
    int64_t n = event.rank == 1 ? event.dim[0] : 0;
    law->type.elem = d->elem;
    law->type.rank = ir_draws_vectors(d);
    law->type.dim[0] = ir_draws_vectors(d) ? n : 0;
    for (uint32_t i = 0; i < d->arguments; i++) {
        IrType t = fe_type(fe, law->arg[i]);
        if (!argument_suits(d, i, &t, n))
            return say_shape(fe, place[i], d, wanted_argument(fe, d, i, n), &t);
        law->type.plates |= t.plates;
    }
    return (Value){.kind = VALUE_LAW, .law = law};
}

static Value elementwise_law(Fe *fe, Span at, Law *law)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    const char *what = arena_printf(fe->arena, "the arguments of `%s`", d->name);
    for (uint32_t i = 0; i < d->arguments; i++) {
        IrType t = fe_type(fe, law->arg[i]);
        if (!fe_broadcast(fe, at, what, &law->type, &t))
            return failed;
    }
    law->type.elem = d->elem;
    return fe_fits(fe, at, &law->type) ? (Value){.kind = VALUE_LAW, .law = law} : failed;
}

/* A number of trials that is known must be one.  False: reported. */
static bool trials_suit(Fe *fe, const Law *law, const Arg **place)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    const IrNode *n = ir_at(fe->g, law->arg[0]);
    bool counts = d->support == IR_BOUNDED_COUNTS || d->support == IR_COUNT_EVENTS;
    if (!counts || n->op != IR_CONST || (n->attr.num >= 0 && n->attr.num == floor(n->attr.num)))
        return true;
    fe_error(fe, place[0]->value->at, SG0310, "the trials of `%s` are a whole number, not %g",
             d->name, n->attr.num);
    return false;
}

/* Every argument is in its domain, or not a number.  False: reported. */
static bool domains_suit(Fe *fe, Law *law, const Arg **place)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    for (uint32_t i = 0; i < d->arguments; i++) {
        bool by_name;
        const char *wanted = fe_domain_fault(fe->g, law->dist, i, law->arg);
        fe->g->here = place[i]->value->at;
        if (wanted)
            fe_error(fe, place[i]->value->at, SG0311, "the `%s` of `%s` must be %s, but is %g",
                     argument_name(fe, d, i, &by_name), d->name, wanted,
                     ir_at(fe->g, law->arg[i])->attr.num);
        if (wanted)
            return false;
        law->arg[i] = fe_in_domain(fe->g, law->dist, i, law->arg);
    }
    return true;
}

static Value make_law(Fe *fe, const Expr *call, IrDist dist, const Arg **place)
{
    Law *law = arena_make(fe->arena, Law);
    bool ok = true;
    law->dist = dist;
    for (uint32_t i = 0; i < ir_dist_info[dist].arguments; i++) {
        law->arg[i] = fe_real(fe, place[i]->value->at, fe_expr(fe, place[i]->value));
        ok = ok && law->arg[i] != IR_NONE;
    }
    if (!ok || !trials_suit(fe, law, place))
        return failed;
    Value v =
        ir_dist_info[dist].event ? event_law(fe, law, place) : elementwise_law(fe, call->at, law);
    return v.kind != VALUE_LAW || domains_suit(fe, law, place) ? v : failed;
}

Value fe_law(Fe *fe, const Expr *call)
{
    const Arg *place[FE_LAW_ARGUMENTS];
    for (int d = 0; d < IR_DIST_COUNT; d++)
        if (strcmp(ir_dist_info[d].name, call->name) == 0 &&
            matches(fe, &ir_dist_info[d], call, place))
            return make_law(fe, call, (IrDist)d, place);
    return fe_error(fe, call->at, SG0302, "`%s` is called as %s", call->name,
                    signatures(fe, call->name));
}

/* ---- log_prob ------------------------------------------------------------------------------ */

/* x as an element of the law's space: bools count as 0 and 1, ints as reals. */
static IrRef as_element(Fe *fe, Span at, const IrDistInfo *d, Value v)
{
    if (d->elem == IR_REAL)
        return fe_real(fe, at, v);
    IrRef x = fe_node(fe, at, v);
    if (x == IR_NONE)
        return x;
    IrElem is = fe_type(fe, x).elem;
    if (is == IR_BOOL) {
        fe->g->here = at;
        return ir_select(fe->g, x, ir_int(fe->g, 1), ir_int(fe->g, 0));
    }
    if (is == IR_INT || d->support == IR_ZERO_ONE)
        return x;
    fe_error(fe, at, SG0202, "a draw of `%s` is an int, but this is real", d->name);
    return IR_NONE;
}

static bool element_fits(Fe *fe, Span at, const Law *law, const IrType *x)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    IrType t = law->type;
    if (d->event == 0)
        return fe_broadcast(
            fe, at, arena_printf(fe->arena, "`%s` and what it is asked about", d->name), &t, x);
    if (!ir_draws_vectors(d))
        return true;
    if ((x->rank == 1 || x->rank == 2) && x->dim[x->rank - 1] == t.dim[0])
        return true;
    fe_error(fe, at, SG0303,
             "an event of this `%s` is [%lld], rows of events are [k, %lld], but this is %s",
             d->name, (long long)t.dim[0], (long long)t.dim[0], fe_shape_text(fe, x));
    return false;
}

Value fe_log_prob(Fe *fe, Span at, const Law *law, Value v)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    if (v.kind == VALUE_LAW)
        return fe_error(fe, at, SG0204, "expected a value, but this is a law");
    IrRef x = as_element(fe, at, d, v);
    if (x == IR_NONE)
        return failed;
    IrType t = fe_type(fe, x), joined = law->type;
    if (!element_fits(fe, at, law, &t))
        return failed;
    joined.plates |= t.plates;
    if (!fe_fits(fe, at, &joined))
        return failed;
    fe->g->here = at;
    IrRef r = fe_guarded(fe, law, x);
    if (d->event == 0)
        r = fe_spread(fe, r, law->type.rank ? &law->type : &t);
    return fe_value(r);
}

/* ---- built-ins on laws --------------------------------------------------------------------- */

static const Law *law_argument(Fe *fe, const Expr *call, uint32_t i)
{
    Value v = fe_argument(fe, call, i);
    if (v.kind != VALUE_LAW && v.kind != VALUE_ERROR)
        fe_error(fe, call->args.arg[i].value->at, SG0304,
                 "`%s` takes a law, such as `normal(0, 1)`", call->name);
    return v.kind == VALUE_LAW ? v.law : NULL;
}

Value fe_builtin_log_prob(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    const Law *law = law_argument(fe, call, 0);
    Value x = fe_argument(fe, call, 1);
    return law ? fe_log_prob(fe, call->at, law, x) : failed;
}

/* A draw that only an expectation sees. */
static IrRef phantom(Fe *fe, Span at, const Law *law)
{
    IrVia via = {.estimator = IR_EST_CLOSED_FORM, .samples = 1, .at = at};
    IrType t = law->type;
    t.plates |= fe->plates;
    fe->g->here = at;
    return ir_sample(fe->g, law->dist, via, t, law->arg, 0, NULL);
}

static Value expectation(Fe *fe, Span at, IrRef draw, Value body)
{
    IrRef b = fe_node(fe, at, body);
    return fe_build(fe, at, IR_EXPECT, (IrAttr){0}, 2, (IrRef[]){draw, b});
}

Value fe_builtin_kl(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    const Law *p = law_argument(fe, call, 0), *q = law_argument(fe, call, 1);
    if (!p || !q)
        return failed;
    const IrDistInfo *dp = &ir_dist_info[p->dist], *dq = &ir_dist_info[q->dist];
    if (dp->elem != dq->elem || dp->event != dq->event)
        return fe_error(fe, call->at, SG0305,
                        "`kl` of `%s` and `%s`, which live on different spaces", dp->name,
                        dq->name);
    IrType ap = fe_type(fe, p->arg[0]), aq = fe_type(fe, q->arg[0]);
    if (dp->event && ap.dim[0] != aq.dim[0])
        return fe_error(fe, call->at, SG0303, "`kl` of events of sizes %lld and %lld",
                        (long long)ap.dim[0], (long long)aq.dim[0]);
    IrRef x = phantom(fe, call->at, p);
    Value inside = fe_log_prob(fe, call->at, p, fe_value(x));
    Value outside = fe_log_prob(fe, call->at, q, fe_value(x));
    return expectation(fe, call->at, x, fe_arithmetic(fe, call->at, TOK_MINUS, inside, outside));
}

Value fe_builtin_entropy(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    const Law *law = law_argument(fe, call, 0);
    if (!law)
        return failed;
    fe->g->here = call->at;
    const IrDistInfo *d = &ir_dist_info[law->dist];
    IrRef known = d->moment(fe->g, law->arg, IR_ENTROPY, IR_NONE);
    if (known != IR_NONE)
        return fe_value(d->event ? known : fe_spread(fe, known, &law->type));
    IrRef x = phantom(fe, call->at, law);
    Value logp = fe_log_prob(fe, call->at, law, fe_value(x));
    return expectation(fe, call->at, x, fe_elementwise(fe, call->at, "`-`", IR_NEG, 1, &logp));
}

Value fe_moment(Fe *fe, Span at, const Law *law, IrMoment m)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    fe->g->here = at;
    IrRef r = d->moment(fe->g, law->arg, m, IR_NONE);
    if (r == IR_NONE)
        return fe_error(fe, at, SG0306, "`%s` has no %s", d->name,
                        m == IR_E_MEAN ? "mean" : "variance");
    return fe_value(fe_spread(fe, r, &law->type));
}

Value fe_builtin_variance(Fe *fe, const Expr *call, const Builtin *b)
{
    (void)b;
    const Law *law = law_argument(fe, call, 0);
    return law ? fe_moment(fe, call->at, law, IR_E_VARIANCE) : failed;
}
