/* z ~ D(…) via E: the draw, its shape, and the estimator that the user asks for. */
#include "frontend/fe.h"

#include <string.h>

/* ---- via ----------------------------------------------------------------------------------- */

static int find_estimator(const char *name)
{
    for (int i = IR_EST_AUTO + 1; i < IR_EST_COUNT; i++)
        if (strcmp(ir_estimator_info[i].name, name) == 0)
            return i;
    return -1;
}

/* The estimators that are built and that the law admits. */
static const char *alternatives(Fe *fe, IrDist d)
{
    const char *text = "";
    for (int i = IR_EST_AUTO + 1; i < IR_EST_COUNT; i++)
        if (ir_admits(d, (IrEstimator)i) && ir_estimator_info[i].built)
            text = arena_printf(fe->arena, "%s%s`via %s`", text, *text ? " or " : "",
                                ir_estimator_info[i].name);
    return text;
}

static void say_unknown(Fe *fe, const ViaClause *v, IrDist law)
{
    Suggestion s = {.wanted = v->name};
    const char *reason = ir_out_of_scope(v->name);
    if (reason) {
        fe_error(fe, v->at, SG0601, "`%s` is not among the estimators: %s", v->name, reason);
        return;
    }
    for (int i = IR_EST_AUTO + 1; i < IR_EST_COUNT; i++)
        if (ir_estimator_info[i].built && ir_admits(law, (IrEstimator)i))
            fe_suggest(&s, ir_estimator_info[i].name);
    fe_error(fe, v->at, SG0601, "unknown estimator `%s`", v->name);
    const Foreign *foreign = fe_foreign(FOREIGN_ESTIMATOR, v->name);
    int ours = foreign ? find_estimator(foreign->ours) : -1;
    if (ours >= 0 && !ir_admits(law, (IrEstimator)ours))
        diag_label(fe->diags, "`%s` cannot be estimated by `%s`: leave `via` out",
                   ir_dist_info[law].name, foreign->ours);
    else if (foreign)
        fe_offer_foreign(fe->diags, v->at, foreign);
    else
        fe_offer(fe, v->at, &s);
}

/* False: reported. */
static bool via_estimator(Fe *fe, const ViaClause *v, IrDist law, IrVia *via)
{
    int i = find_estimator(v->name);
    if (i < 0) {
        say_unknown(fe, v, law);
        return false;
    }
    const IrEstimatorInfo *e = &ir_estimator_info[i];
    if (!e->built)
        fe_error(fe, v->at, SG0602, "the estimator `%s` is not built yet: write %s", e->name,
                 alternatives(fe, law));
    else if (!ir_admits(law, (IrEstimator)i))
        fe_error(fe, v->at, SG0603, "`%s` cannot be estimated by `%s`, because %s: write %s",
                 ir_dist_info[law].name, e->name, ir_refusal(law, (IrEstimator)i),
                 alternatives(fe, law));
    else if (e->needs_biased && !v->biased)
        fe_error(fe, v->at, SG0604, "`%s` is biased: write `via %s biased` to accept that", e->name,
                 e->name);
    else {
        via->estimator = (IrEstimator)i;
        return true;
    }
    return false;
}

/* What stands after `via`, read: the draw, its estimator, and what a learned baseline reads. */
typedef struct Asked {
    const Stmt *draw;
    const ViaClause *clause;
    IrVia via;
    IrRef *input;
    uint32_t inputs;
} Asked;

static bool via_hidden(Fe *fe, const Arg *a, IrVia *via)
{
    return fe_size(fe, a->value, "hidden", &via->hidden);
}

/* Where the expression names the draw itself; NULL: nowhere. */
static const Expr *names_draw(const Expr *e, const char *name)
{
    if (!e || (e->kind == EXPR_NAME && strcmp(e->name, name) == 0))
        return e;
    const Expr *part[] = {e->a, e->b, e->c}, *found = NULL;
    for (size_t i = 0; i < sizeof part / sizeof *part && !found; i++)
        found = names_draw(part[i], name);
    for (uint32_t i = 0; i < e->args.count && !found; i++)
        found = names_draw(e->args.arg[i].value, name);
    return found;
}

/* An input of a learned baseline: any value that is known here, before the draw. */
static bool via_input(Fe *fe, const Expr *e, Asked *asked)
{
    const char *name = asked->draw->name;
    const Expr *itself = asked->draw->brackets < 2 ? names_draw(e, name) : NULL;
    Sequence *sequence;
    Value step;
    if (itself && !fe_is_step(fe, asked->draw, &sequence, &step)) {
        fe_error(fe, itself->at, SG0610,
                 "the baseline of %s reads %s itself: it may read what is known before the draw",
                 name, name);
        return false;
    }
    Value v = fe_expr(fe, e);
    if (v.kind == VALUE_ERROR)
        return false;
    if (v.kind == VALUE_LAW) {
        fe_error(fe, e->at, SG0610, "a baseline reads values, and this is a law");
        return false;
    }
    *arena_push(fe->arena, asked->input, asked->inputs, IrRef) = fe_node(fe, e->at, v);
    return asked->input[asked->inputs - 1] != IR_NONE;
}

/* learned(x, h, hidden = 32) */
static bool via_learned(Fe *fe, const Expr *e, Asked *asked)
{
    asked->via.baseline = IR_LEARNED_BASELINE;
    for (uint32_t i = 0; i < e->args.count; i++) {
        const Arg *a = &e->args.arg[i];
        bool hidden = a->name && strcmp(a->name, "hidden") == 0;
        if (a->name && !hidden) {
            fe_error(fe, a->at, SG0605, "`learned` takes the values that it reads, and `hidden =`");
            return false;
        }
        if (fe_given_twice(fe, &e->args, i) ||
            !(hidden ? via_hidden(fe, a, &asked->via) : via_input(fe, a->value, asked)))
            return false;
    }
    return true;
}

static bool via_baseline(Fe *fe, const Arg *a, Asked *asked)
{
    const Expr *e = a->value;
    IrVia *via = &asked->via;
    if (e->kind == EXPR_CALL && strcmp(e->name, "learned") == 0)
        return via_learned(fe, e, asked);
    for (int i = IR_NO_BASELINE; e->kind == EXPR_NAME && i < IR_CONSTANT_BASELINE; i++)
        if (strcmp(ir_baseline_name[i], e->name) == 0) {
            via->baseline = (IrBaseline)i;
            return true;
        }
    if (e->kind == EXPR_NAME && !fe_find(fe->scope, e->name)) {
        fe_error(fe, e->at, SG0605,
                 "a baseline is none, leave_one_out, moving_average, learned, learned(x, ...) or a "
                 "number");
        return false;
    }
    via->baseline = IR_CONSTANT_BASELINE;
    return fe_constant(fe, e, "a baseline", &via->constant);
}

static bool via_noise(Fe *fe, const Arg *a, IrVia *via)
{
    const Expr *e = a->value;
    for (int i = IR_INDEPENDENT; e->kind == EXPR_NAME && i <= IR_QMC; i++)
        if (strcmp(ir_copies_name[i], e->name) == 0) {
            via->noise = (IrCopies)i;
            return true;
        }
    fe_error(fe, e->at, SG0605, "the noise of samples is independent, antithetic or qmc");
    return false;
}

static bool via_temperature(Fe *fe, const Arg *a, IrVia *via)
{
    if (!fe_constant(fe, a->value, "the temperature", &via->temperature))
        return false;
    if (via->temperature > 0)
        return true;
    fe_error(fe, a->value->at, SG0605, "a temperature is positive");
    return false;
}

static bool via_argument(Fe *fe, const Arg *a, Asked *asked)
{
    const ViaClause *v = asked->clause;
    IrVia *via = &asked->via;
    bool samples = a->name && strcmp(a->name, "samples") == 0;
    bool baseline = a->name && strcmp(a->name, "baseline") == 0;
    Span at = a->name ? a->at : a->value->at;
    if (samples)
        return fe_size(fe, a->value, "samples", &via->samples);
    if (a->name && strcmp(a->name, "noise") == 0)
        return via_noise(fe, a, via);
    bool softens = via->estimator == IR_EST_GUMBEL_SOFTMAX || via->estimator == IR_EST_REBAR ||
                   via->estimator == IR_EST_RELAX;
    if (a->name && strcmp(a->name, "temperature") == 0 && softens)
        return via_temperature(fe, a, via);
    if (a->name && strcmp(a->name, "scale") == 0 && via->estimator == IR_EST_REBAR)
        return fe_constant(fe, a->value, "the scale", &via->scale);
    if (a->name && strcmp(a->name, "hidden") == 0 && via->estimator == IR_EST_RELAX)
        return via_hidden(fe, a, via);
    if (baseline && via->estimator == IR_EST_SCORE)
        return via_baseline(fe, a, asked);
    if (softens)
        fe_error(fe, at, SG0605, "`%s` takes `samples =`, `noise =`%s", v->name,
                 via->estimator == IR_EST_REBAR   ? ", `temperature =` and `scale =`"
                 : via->estimator == IR_EST_RELAX ? ", `temperature =` and `hidden =`"
                                                  : " and `temperature =`");
    else if (baseline)
        fe_error(fe, at, SG0605, "a baseline belongs to `via score`: `%s` has none", v->name);
    else
        fe_error(fe, at, SG0605, "an estimator takes `samples =`, `baseline =` and `noise =`");
    return false;
}

static bool read_via(Fe *fe, IrDist law, Asked *asked)
{
    const ViaClause *v = asked->clause = &asked->draw->via;
    IrVia *via = &asked->via;
    *via = (IrVia){.samples = 1, .scale = 1, .biased = v->biased, .at = v->at};
    if (!v->name)
        return true;
    if (!via_estimator(fe, v, law, via))
        return false;
    if (via->estimator == IR_EST_DISARM || via->estimator == IR_EST_UNORDERED_SET)
        via->samples = 2;
    for (uint32_t i = 0; i < v->args.count; i++)
        if (fe_given_twice(fe, &v->args, i) || !via_argument(fe, &v->args.arg[i], asked))
            return false;
    if (via->baseline == IR_LEAVE_ONE_OUT && via->samples < 2) {
        fe_error(fe, v->at, SG0606,
                 "leave_one_out compares independent samples: write `samples = 2` or more");
        return false;
    }
    fe->g->biased = fe->g->biased || v->biased;
    return true;
}

/* ---- the shape of a draw ------------------------------------------------------------------- */

/* A bracket of an element-wise law broadcasts scalars; of an event law it leads with independent
 * events. */
static bool bracket_suits(Fe *fe, const Args *bracket, const Law *law, IrType *t)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    IrType wanted = *t;
    memset(wanted.dim, 0, sizeof wanted.dim);
    if (!fe_shape(fe, bracket, &wanted))
        return false;
    bool scalar = law->type.rank == 0;
    bool ok = !ir_draws_vectors(d) && (scalar || ir_same_shape(&wanted, &law->type));
    if (ir_draws_vectors(d))
        ok = wanted.rank <= 2 && wanted.dim[wanted.rank - 1] == law->type.dim[0];
    if (ok) {
        *t = wanted;
        return true;
    }
    if (ir_draws_vectors(d))
        fe_error(fe, bracket->at, SG0303,
                 "a draw of this `%s` is [%lld], or [k, %lld] for k independent events", d->name,
                 (long long)law->type.dim[0], (long long)law->type.dim[0]);
    else
        fe_error(fe, bracket->at, SG0307,
                 "the bracket says %s, but the arguments of `%s` have shape %s",
                 ir_shape_text(fe->arena, &wanted), d->name, ir_shape_text(fe->arena, &law->type));
    return false;
}

static const Law *law_of(Fe *fe, const Stmt *s)
{
    Value v = fe_expr(fe, s->law);
    if (v.kind != VALUE_LAW && v.kind != VALUE_ERROR)
        fe_error(fe, s->law->at, SG0304, "`%s ~` needs a law, such as `normal(0, 1)`", s->name);
    return v.kind == VALUE_LAW ? v.law : NULL;
}

/* Can the base noise of a draw of type t be laid out?  False: reported. */
static bool noise_fits(Fe *fe, Span at, const Law *law, const IrType *t)
{
    const IrDistInfo *d = &ir_dist_info[law->dist];
    const IrNode *n = ir_at(fe->g, law->arg[0]);
    if (d->noise == IR_NOISE_PAIR && t->rank == IR_MAX_RANK)
        fe_error(fe, at, SG0206, "a draw of `%s` has at most %d axes: two variates make an element",
                 d->name, IR_MAX_RANK - 1);
    else if (d->noise == IR_NOISE_TRIALS && (n->op != IR_CONST || n->attr.num < 1))
        fe_error(fe, at, SG0310,
                 "to draw from `%s` the number of trials has to be known when the model is "
                 "compiled, and positive",
                 d->name);
    else {
        IrType noise = ir_noise_type(fe->g, law->dist, law->arg, t);
        return fe_fits(fe, at, &noise);
    }
    return false;
}

/* Independent for every copy of the plates around it. */
static IrRef draw(Fe *fe, const Stmt *s, const Args *bracket)
{
    const Law *law = law_of(fe, s);
    Asked asked = {.draw = s};
    if (!law)
        return IR_NONE;
    IrType t = law->type;
    bool ok = !bracket || bracket_suits(fe, bracket, law, &t);
    ok = read_via(fe, law->dist, &asked) && ok;
    t.plates |= fe->plates;
    if (!ok || !fe_fits(fe, s->at, &t) || !noise_fits(fe, s->law->at, law, &t))
        return IR_NONE;
    fe->g->here = s->name_at;
    uint32_t arguments = ir_dist_info[law->dist].arguments;
    IrRef *in = arena_array(fe->arena, IrRef, arguments + asked.inputs + 1);
    memcpy(in, law->arg, arguments * sizeof *in);
    for (uint32_t k = 0; k < asked.inputs; k++)
        in[arguments + k] = asked.input[k];
    return ir_sample(fe->g, law->dist, asked.via, t, in, asked.inputs, s->name);
}

void fe_draw(Fe *fe, Stmt *s)
{
    Sequence *sequence;
    Value step;
    if (fe_is_step(fe, s, &sequence, &step)) {
        IrRef r = draw(fe, s, s->brackets > 1 ? &s->bracket[1] : NULL);
        if (sequence)
            fe_sequence_write(fe, s->name_at, sequence, step, r);
        return;
    }
    if (s->brackets > 1)
        fe_error(fe, s->bracket[1].at, SG0502,
                 "a second bracket is the shape of a step of a sequence, but "
                 "`%s` is none",
                 s->name);
    IrRef r = s->brackets > 1 ? IR_NONE : draw(fe, s, s->brackets ? &s->bracket[0] : NULL);
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
    if (e)
        e->value = fe_value(r);
}
