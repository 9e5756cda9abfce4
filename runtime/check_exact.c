/* Expectations over the noise tape, and the order of a Taylor remainder. */
#include "runtime/check_state.h"

#include "runtime/walk.h"

#include <math.h>
#include <string.h>

/* FAR: how much the far points' difference from the near ones counts, where both may see kinks.
 * JUMP: the slope that a jump between two nodes may hide, by what a finer quadrature finds of it.
 * MOST_CALLS: of a model of few parameters; fewer where a call takes longer. */
enum {
    FAR = 3,
    JUMP = 20,
    MOST_CALLS = 64000000,
    FEW_ELEMENTS = 100,
    MOST_SMOOTH = 6,
    REMAINDERS = 9
};

/* A probe whose two entries are walked. */
typedef struct Walking {
    SgrtChecking *c;
    SgrtWalk step, eval;
    double cost;      /* the sum of a walk of `eval` */
    double step_cost; /* of `step` */
    double size;      /* the largest cost that was met: what rounding is relative to */
    double change;    /* the most that a finer quadrature moved a derivative, relative to 1 + it */
    double unsettled; /* and a cost at some distance */
} Walking;

static bool add_step(void *context, double weight, SgrtError *e)
{
    (void)e;
    Walking *w = context;
    SgrtChecking *c = w->c;
    const SgrtModel *model = c->probe.model;
    for (int64_t i = 0; i < model->params; i++) {
        const void *g = sgrt_probe_gradient(&c->probe, i);
        for (int64_t k = 0; g && k < model->param[i].size; k++) {
            double v = sgrt_probe_real(&c->probe, g, k);
            c->mean[c->begin[i] + k] += weight * v;
            c->square[c->begin[i] + k] += weight * v * v;
        }
    }
    w->step_cost += weight * c->probe.cost[0];
    return true;
}

static bool add_cost(void *context, double weight, SgrtError *e)
{
    (void)e;
    Walking *w = context;
    double cost = w->c->probe.cost[0];
    w->cost += weight * cost;
    w->size = fmax(w->size, fabs(cost));
    return true;
}

static bool expected_cost(void *context, double *cost, SgrtError *e)
{
    Walking *w = context;
    w->cost = 0;
    bool walked = sgrt_walk(&w->eval, add_cost, w, e);
    *cost = w->cost;
    return walked;
}

static bool expect_gradient(Walking *w, SgrtError *e)
{
    SgrtChecking *c = w->c;
    memset(c->mean, 0, (size_t)c->elements * sizeof *c->mean);
    memset(c->square, 0, (size_t)c->elements * sizeof *c->square);
    w->step_cost = 0;
    return sgrt_walk(&w->step, add_step, w, e);
}

static double dot(const SgrtChecking *c, const SgrtDirection *d)
{
    const double *mean = c->mean + c->begin[d->param];
    double sum = 0;
    for (int64_t i = 0; d->along && i < c->probe.model->param[d->param].size; i++)
        sum += d->along[i] * mean[i];
    return d->along ? sum : mean[d->element];
}

/* Near points see no kink that lies farther away, and the far ones tell if they saw one. */
static SgrtStencil stencil_of(const SgrtChecking *c)
{
    return c->probe.model->real == SGRT_F64 ? (SgrtStencil){.h = 1e-3, .near = 4e-6}
                                            : (SgrtStencil){.h = 3e-2, .near = 3e-3};
}

/* The costs of a stencil differ by the rounding of their sums, and of pieces by that of edges. */
static double rounding_of(const Walking *w, const SgrtStencil *s)
{
    double edge = w->eval.is_double ? 1e-14 : 1e-6;
    double each = (sgrt_probe_rounding(&w->c->probe) + (w->eval.axes ? edge : 0)) * (1 + w->size);
    return 4 * each / s->near;
}

/* Where the cost jumps in the noise, between the nodes, differences do not see the jump move; but a
 * finer quadrature has another cost.  At some distance, and not the same on both sides, lest the
 * jump stands amid the nodes. */
static bool settle(Walking *w, SgrtAlong *a, bool finer, SgrtError *e)
{
    static const double away[SGRT_WIDE] = {0.1, -0.17};
    SgrtChecking *c = w->c;
    const double *base = c->base + c->begin[a->d.param];
    bool done = true;
    for (int i = 0; done && i < SGRT_WIDE; i++) {
        double before = a->wide[i];
        sgrt_probe_move(&c->probe, &a->d, base, away[i]);
        done = expected_cost(w, &a->wide[i], e);
        if (finer)
            w->unsettled = fmax(w->unsettled, fabs(a->wide[i] - before));
    }
    sgrt_probe_move(&c->probe, &a->d, base, 0);
    return done;
}

static bool settle_all(Walking *w, bool finer, SgrtError *e)
{
    SgrtChecking *c = w->c;
    for (int64_t i = 0; i < c->alongs; i++)
        if (!settle(w, &c->along[i], finer, e))
            return false;
    for (int64_t i = 0; i < c->alongs; i++)
        c->along[i].error += JUMP * w->unsettled;
    w->change = fmax(w->change, JUMP * w->unsettled);
    return true;
}

static bool slopes(Walking *w, bool finer, SgrtError *e)
{
    SgrtChecking *c = w->c;
    for (int64_t i = 0; i < c->alongs; i++) {
        SgrtAlong *a = &c->along[i];
        SgrtStencil s = stencil_of(c);
        if (!sgrt_check_stencil(c, a, &s, expected_cost, w, e))
            return false;
        double slope = sgrt_check_nearest(&s), estimate = dot(c, &a->d);
        double error = FAR * fabs(slope - sgrt_check_fourth(&s));
        if (finer) {
            double change = fabs(slope - a->slope) + fabs(estimate - a->estimate);
            w->change = fmax(w->change, change / (1 + fabs(slope)));
            error += change;
        }
        a->slope = slope;
        a->estimate = estimate;
        a->off = estimate - slope;
        a->error = error + rounding_of(w, &s);
    }
    return true;
}

/* From mean squares to variances. */
static void centre(SgrtChecking *c)
{
    for (int64_t i = 0; i < c->elements; i++) {
        double variance = c->square[i] - c->mean[i] * c->mean[i];
        c->square[i] = variance > 1e-12 * c->square[i] ? variance : 0;
    }
}

static int64_t most_calls(const Walking *w)
{
    return MOST_CALLS / (1 + w->c->elements / FEW_ELEMENTS);
}

/* Whether all the walks that are still to come are affordable, by what the first took. */
static bool affordable(const Walking *w, int64_t walks)
{
    return w->eval.calls <= most_calls(w) / (walks + 1);
}

/* Both entries have the same expected cost.  If not, an outcome was not seen. */
static bool agree(const Walking *w, double cost)
{
    double rounding = w->eval.is_double ? 1e-9 : 1e-4;
    bool smooth = w->step.smooth + w->eval.smooth > 0;
    return fabs(w->step_cost - cost) <= (smooth ? 1e-2 : rounding) * (1 + w->size);
}

/* The first walks, at the parameters themselves; false too if they cannot be trusted. */
static bool walk_first(Walking *w, bool *sound, SgrtError *e)
{
    double cost = 0;
    w->step.most = w->eval.most = most_calls(w) / 40;
    w->eval.calls = 0;
    if (!expect_gradient(w, e) || !expected_cost(w, &cost, e))
        return false;
    *sound = agree(w, cost);
    if (*sound || !sgrt_walk_with_step(&w->eval))
        return true;
    w->eval.calls = 0;
    if (!expected_cost(w, &cost, e))
        return false;
    *sound = agree(w, cost);
    return true;
}

static bool walk_all(Walking *w, bool *done, SgrtError *e)
{
    SgrtChecking *c = w->c;
    bool sound = false, smooth = w->step.smooth + w->eval.smooth > 0;
    if (!walk_first(w, &sound, e) || !sgrt_check_directions(c, e))
        return false;
    int64_t walks = smooth ? 2 * (SGRT_STENCIL + SGRT_WIDE) : SGRT_STENCIL;
    *done = sound && affordable(w, c->alongs * walks);
    w->step.most = w->eval.most = INT64_MAX;
    if (!*done)
        return true;
    if (!slopes(w, false, e))
        return false;
    if (!smooth)
        return true;
    if (!settle_all(w, false, e))
        return false;
    sgrt_walk_refine(&w->step, true);
    sgrt_walk_refine(&w->eval, true);
    return expect_gradient(w, e) && slopes(w, true, e) && settle_all(w, true, e);
}

/* An answer that is not sharp enough is left to sampling. */
static bool is_sharp(SgrtChecking *c)
{
    sgrt_check_judge(c);
    return c->out->verdict != SGRT_VERDICT_UNDECIDED || c->out->method == SGRT_TAYLOR;
}

/* Beside a kink or a jump so is what seems wrong. */
static bool is_trusted(const Walking *w)
{
    const SgrtChecking *c = w->c;
    double settled = (w->eval.is_double ? 1e-6 : 1e-4) * (1 + w->size);
    return w->unsettled <= settled ||
           (c->out->verdict != SGRT_VERDICT_WRONG && w->change <= c->settings->bias);
}

static bool walk_both(Walking *w, bool *done, SgrtError *e)
{
    SgrtChecking *c = w->c;
    c->out->method = w->step.axes + w->eval.axes ? SGRT_EXACT : SGRT_TAYLOR;
    if (w->step.smooth > MOST_SMOOTH || w->eval.smooth > MOST_SMOOTH)
        return true;
    if (!walk_all(w, done, e))
        return false;
    c->out->points = w->step.points;
    c->out->smooth = w->step.smooth;
    c->out->change = w->change;
    c->negligible = 1e-3 * (1 + fabs(w->step_cost));
    centre(c);
    *done = *done && is_sharp(c) && is_trusted(w);
    return true;
}

/* That this way is closed to a graph with draws is no error. */
bool sgrt_check_exact(SgrtChecking *c, bool *done, SgrtError *e)
{
    Walking w = {.c = c};
    *done = false;
    bool open =
        sgrt_walk_init(&w.step, &c->probe, true, e) && sgrt_walk_init(&w.eval, &c->probe, false, e);
    bool walked = open && walk_both(&w, done, e), draws = w.step.axes + w.eval.axes > 0;
    sgrt_walk_free(&w.step);
    sgrt_walk_free(&w.eval);
    if (!walked)
        *done = false;
    return walked || !open || draws;
}

/* ---- Taylor --------------------------------------------------------------------------------- */

/* Between the two the remainder says nothing. */
static const double right_order = 1.8, wrong_order = 1.5;

/* The order at which |C(w + h v) - C(w) - h g.v| falls as h is halved: 2 for the gradient, 1 for
 * anything else.  Remainders that rounding may have made do not count; NaN if too few are left, and
 * infinite if there is nothing but rounding. */
static bool remainder_order(SgrtChecking *c, const SgrtAlong *a, double *order, SgrtError *e)
{
    const double *base = c->base + c->begin[a->d.param];
    double start = 0, last = 0, h = 0.5;
    double orders[2] = {NAN, NAN}; /* the last two: a kink may spoil one */
    int counted = 0;
    if (!sgrt_probe_cost(&c->probe, NULL, &start, e))
        return false;
    double floor = 100 * sgrt_probe_rounding(&c->probe) * (1 + fabs(start));
    for (int i = 0; i < REMAINDERS; i++, h /= 2) {
        double cost = 0;
        sgrt_probe_move(&c->probe, &a->d, base, h);
        bool done = sgrt_probe_cost(&c->probe, NULL, &cost, e);
        sgrt_probe_move(&c->probe, &a->d, base, 0);
        if (!done)
            return false;
        double rest = fabs(cost - start - h * a->estimate);
        if (rest <= floor)
            break;
        orders[0] = orders[1];
        orders[1] = counted > 0 ? log2(last / rest) : NAN;
        last = rest;
        counted++;
    }
    *order = counted == 0 ? INFINITY : fmax(orders[0], orders[1]);
    return true;
}

/* The differences have given verdicts; the order settles what they could not see.  (It sees less:
 * a kink of the cost makes it look like one.) */
bool sgrt_check_taylor(SgrtChecking *c, SgrtError *e)
{
    SgrtCheck *out = c->out;
    if (c->probe.model->real != SGRT_F64) /* whose rounding hides the tail */
        return true;
    for (int64_t i = 0; i < c->alongs; i++) {
        double order = NAN;
        SgrtAlong *a = &c->along[i];
        if (!remainder_order(c, a, &order, e))
            return false;
        for (int64_t k = 0; k < out->params; k++) {
            SgrtChecked *p = &out->checked[k];
            if (p->param == a->d.param && !(p->order <= order))
                p->order = isnan(order) ? p->order : order;
        }
    }
    out->verdict = SGRT_VERDICT_OK;
    for (int64_t k = 0; k < out->params; k++) {
        SgrtChecked *p = &out->checked[k];
        if (p->verdict == SGRT_VERDICT_UNDECIDED && p->order < wrong_order)
            p->verdict = SGRT_VERDICT_WRONG;
        else if (p->verdict == SGRT_VERDICT_UNDECIDED && p->order >= right_order)
            p->verdict = SGRT_VERDICT_OK;
        if (p->verdict > out->verdict)
            out->verdict = p->verdict;
    }
    return true;
}
