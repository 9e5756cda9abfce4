/* The estimator of every draw: the user's choice checked, or the compiler's made.
 *
 * A gradient estimate is biased when the program jumps, for fixed noise, as the parameters move. So
 * two facts are found for every value: does it move with the parameters while the noise and the
 * values of score and enumerated draws stay fixed, and does it depend on a continuous draw.  An op
 * that jumps in a value with both facts is refused (language.md, "Unbiased or refused";
 * estimators.md 2.1 C2, C3): its expectation has a derivative that no estimate here would see. */
#include "passes/estimator.h"

#include <string.h>

enum { AUTO_VALUES = 32 }; /* a draw with at most so many values is enumerated unasked */

typedef struct Facts {
    const IrGraph *g;
    bool *live, *moves, *continuous;
} Facts;

const char *es_name(const IrNode *sample)
{
    return sample->name ? sample->name : ir_dist_info[sample->attr.dist].name;
}

bool es_same_statement(const IrGraph *source, const EsDraw *a, const EsDraw *b)
{
    Span x = source->node[a->node].at, y = source->node[b->node].at;
    return x.line == y.line && x.col == y.col && a->samples == b->samples &&
           a->estimator == b->estimator;
}

static const IrDistInfo *law_of(const IrGraph *g, const EsDraw *d)
{
    return &ir_dist_info[g->node[d->node].attr.dist];
}

static bool is_discrete(const IrGraph *g, const EsDraw *d)
{
    return law_of(g, d)->elem == IR_INT;
}

static bool admits(const IrGraph *g, const EsDraw *d, IrEstimator e)
{
    return law_of(g, d)->estimators >> e & 1;
}

int64_t es_support_size(const IrGraph *g, const IrNode *sample)
{
    int64_t digit = ir_dist_values(g, sample->attr.dist, sample->in);
    int64_t values = digit ? 1 : 0;
    for (int64_t i = 0; digit && i < ir_elements(&sample->type); i++) {
        values *= digit;
        if (values > ES_ENUMERATION_BUDGET)
            return -1;
    }
    return values;
}

/* ---- facts ---------------------------------------------------------------------------------- */

static const EsDraw *draw_at(const EsDraw *draw, uint32_t draws, IrRef node)
{
    for (uint32_t i = 0; i < draws; i++)
        if (draw[i].node == node)
            return &draw[i];
    return NULL;
}

static bool any_operand(const IrNode *n, const bool *fact)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        if (fact[n->in[k]])
            return true;
    return false;
}

static void find_facts(Facts *f, const EsDraw *draw, uint32_t draws)
{
    memset(f->moves, 0, f->g->count * sizeof *f->moves);
    memset(f->continuous, 0, f->g->count * sizeof *f->continuous);
    for (int round = 0; round < 2; round++)
        for (IrRef r = 0; r < f->g->count; r++) {
            const IrNode *n = &f->g->node[r];
            const EsDraw *d = n->op == IR_SAMPLE ? draw_at(draw, draws, r) : NULL;
            bool held = d && d->estimator != IR_EST_PATHWISE;
            f->moves[r] = n->op == IR_PARAM || (!held && any_operand(n, f->moves));
            f->continuous[r] = (d && !is_discrete(f->g, d)) || any_operand(n, f->continuous);
        }
}

/* An op that jumps; a select jumps only because its condition does. */
static bool jumps(const IrNode *n)
{
    return ir_op_info[n->op].smooth == IR_PIECEWISE && n->op != IR_SELECT;
}

static IrRef find_jump(const Facts *f)
{
    for (IrRef r = 0; r < f->g->count; r++) {
        const IrNode *n = &f->g->node[r];
        if (f->live[r] && jumps(n) && any_operand(n, f->moves) && any_operand(n, f->continuous))
            return r;
    }
    return IR_NONE;
}

/* ---- changes of mind ------------------------------------------------------------------------ */

/* Does the jump move through this draw? */
static bool moves_through(const Facts *f, const EsDraw *d, IrRef jump)
{
    return d->estimator == IR_EST_PATHWISE && f->moves[d->node] &&
           es_reach(f->g, d->node).reached[jump];
}

static bool prefer_score(const Facts *f, EsDraw *draw, uint32_t draws, IrRef jump)
{
    bool changed = false;
    for (uint32_t i = 0; i < draws; i++) {
        const IrNode *n = &f->g->node[draw[i].node];
        if (n->attr.via.estimator != IR_EST_AUTO || !admits(f->g, &draw[i], IR_EST_SCORE) ||
            !moves_through(f, &draw[i], jump))
            continue;
        draw[i].estimator = IR_EST_SCORE;
        draw[i].samples = 2;
        draw[i].baseline = IR_LEAVE_ONE_OUT;
        draw[i].why = arena_printf(f->g->model->arena, "not pathwise: %s on line %u jumps in it",
                                   ir_op_info[f->g->node[jump].op].name, f->g->node[jump].at.line);
        changed = true;
    }
    return changed;
}

static void refuse_jump(const Facts *f, const EsDraw *draw, uint32_t draws, IrRef jump,
                        Diags *diags)
{
    const IrNode *n = &f->g->node[jump];
    const char *op = ir_op_info[n->op].name;
    const EsDraw *through = NULL;
    for (uint32_t i = 0; i < draws && !through; i++)
        if (moves_through(f, &draw[i], jump))
            through = &draw[i];
    if (!through) {
        diag_error(diags, n->at,
                   "%s jumps here, at a place that a parameter moves through a "
                   "continuous draw: every estimator would miss the jump",
                   op);
        diag_help(diags, n->at,
                  "let the parameters enter through the law of the draw, or use a "
                  "continuous function instead");
        return;
    }
    const IrNode *z = &f->g->node[through->node];
    diag_error(diags, n->at, "%s jumps in the pathwise draw %s: its gradient would miss the jump",
               op, es_name(z));
    diag_note(diags, z->at, "%s is drawn here, and a parameter moves it", es_name(z));
    if (admits(f->g, through, IR_EST_SCORE))
        diag_help(diags, z->at,
                  "the score estimator does not need continuity: `via score(samples = 4, "
                  "baseline = leave_one_out)`");
    else
        diag_help(diags, n->at, "use a continuous function instead");
}

/* ---- rules for one draw --------------------------------------------------------------------- */

/* NULL, or why the draw cannot be enumerated. */
static const char *why_not_enumerate(const IrGraph *g, const EsDraw *d, const bool *live)
{
    const IrNode *n = &g->node[d->node];
    int64_t values = es_support_size(g, n);
    if (values <= 0)
        return values ? arena_printf(g->model->arena,
                                     "its %lld elements take more than %d values "
                                     "jointly; put independent elements in a plate",
                                     (long long)ir_elements(&n->type), ES_ENUMERATION_BUDGET)
                      : "its law is not finite";
    EsReach e = es_reach(g, d->node);
    for (IrRef r = 0; r < g->count; r++) {
        if (!e.reached[r] || !live[r])
            continue;
        if (e.later[r])
            return "it feeds later steps of its sequence: sum them out with logsumexp, as a "
                   "forward "
                   "recursion does";
        if (e.mixed[r])
            return arena_printf(g->model->arena,
                                "line %u reads all copies of it at once: their joint "
                                "values would have to be enumerated",
                                g->node[r].at.line);
    }
    return NULL;
}

static bool check_user(const Facts *f, EsDraw *d, Diags *diags)
{
    const IrNode *n = &f->g->node[d->node];
    const char *why = NULL;
    if (d->estimator == IR_EST_ENUMERATE)
        why = why_not_enumerate(f->g, d, f->live);
    if (!why)
        return true;
    diag_error(diags, n->attr.via.at, "%s cannot be enumerated: %s", es_name(n), why);
    diag_help(diags, n->attr.via.at,
              "`via score(samples = 4, baseline = leave_one_out)` does not need it");
    return false;
}

/* C2: a score needs a support that the parameters do not move. */
static bool check_support(const Facts *f, const EsDraw *d, Diags *diags)
{
    const IrNode *n = &f->g->node[d->node];
    uint32_t moves = d->estimator == IR_EST_SCORE ? law_of(f->g, d)->moves : 0;
    for (uint32_t k = 0; k < n->n_in; k++)
        if (moves >> k & 1 && f->moves[n->in[k]]) {
            diag_error(diags, n->at,
                       "the support of %s moves with a parameter: its score is biased", es_name(n));
            diag_help(diags, n->at, "draw it `via pathwise`");
            return false;
        }
    return true;
}

static void first_choice(const Facts *f, EsDraw *d)
{
    const IrNode *n = &f->g->node[d->node];
    const IrVia *via = &n->attr.via;
    *d = (EsDraw){.node = d->node,
                  .estimator = via->estimator,
                  .samples = via->samples,
                  .baseline = via->baseline,
                  .value = IR_NONE,
                  .logp = IR_NONE,
                  .average = IR_NONE,
                  .own = -1};
    if (d->samples < 1)
        d->samples = 1;
    if (via->estimator != IR_EST_AUTO)
        return;
    int64_t values = es_support_size(f->g, n);
    if (values > 0 && values <= AUTO_VALUES && !why_not_enumerate(f->g, d, f->live)) {
        d->estimator = IR_EST_ENUMERATE;
    } else if (admits(f->g, d, IR_EST_PATHWISE)) {
        d->estimator = IR_EST_PATHWISE;
    } else {
        d->estimator = IR_EST_SCORE;
        d->samples = 2;
        d->baseline = IR_LEAVE_ONE_OUT;
    }
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *baseline_words(const EsDraw *d)
{
    switch (d->baseline) {
    case IR_LEAVE_ONE_OUT:
        return ", leave-one-out baseline";
    case IR_MOVING_AVERAGE:
        return ", moving-average baseline";
    default:
        return ", no baseline";
    }
}

static void explain(const Facts *f, EsDraw *d)
{
    Arena *a = f->g->model->arena;
    const IrNode *n = &f->g->node[d->node];
    const char *who = n->attr.via.estimator == IR_EST_AUTO ? "chosen" : "as asked",
               *law = law_of(f->g, d)->name;
    const char *because = d->why ? d->why : "";
    if (!d->moved && d->estimator != IR_EST_ENUMERATE)
        d->why =
            arena_printf(a, "%s ~ %s: sampled; no parameter reaches its law, so it has no gradient",
                         es_name(n), law);
    else if (d->estimator == IR_EST_PATHWISE)
        d->why = arena_printf(a,
                              "%s ~ %s: pathwise (%s); every cost is locally Lipschitz in it; "
                              "integrability is assumed",
                              es_name(n), law, who);
    else if (d->estimator == IR_EST_ENUMERATE)
        d->why = arena_printf(a, "%s ~ %s: enumerated (%s), %lld values, exact", es_name(n), law,
                              who, (long long)es_support_size(f->g, n));
    else
        d->why = arena_printf(a, "%s ~ %s: score (%s), samples = %lld%s; its support is fixed%s%s",
                              es_name(n), law, who, (long long)d->samples, baseline_words(d),
                              *because ? "; " : "", because);
}

/* ---- the choice ----------------------------------------------------------------------------- */

static bool settle(Facts *f, EsDraw *draw, uint32_t draws, Diags *diags)
{
    for (;;) {
        find_facts(f, draw, draws);
        IrRef jump = find_jump(f);
        if (jump == IR_NONE)
            return true;
        if (!prefer_score(f, draw, draws, jump)) {
            refuse_jump(f, draw, draws, jump, diags);
            return false;
        }
    }
}

static bool check_stops(const Facts *f, Diags *diags)
{
    bool ok = true;
    for (IrRef r = 0; r < f->g->count && !f->g->biased; r++) {
        const IrNode *n = &f->g->node[r];
        if (n->op != IR_STOP || !f->live[r] || !f->moves[n->in[0]])
            continue;
        diag_error(diags, n->at,
                   "stop_gradient of a value that a parameter moves makes the gradient "
                   "biased");
        diag_help(diags, n->at, "write `stop_gradient(...) biased` to accept that");
        ok = false;
    }
    return ok;
}

bool es_choose(const IrGraph *g, EsDraw *draw, uint32_t draws, PassCtx *cx)
{
    Arena *a = g->model->arena;
    Facts f = {.g = g,
               .live = es_live(g),
               .moves = arena_array(a, bool, g->count + 1),
               .continuous = arena_array(a, bool, g->count + 1)};
    for (uint32_t i = 0; i < draws; i++)
        first_choice(&f, &draw[i]);
    bool ok = settle(&f, draw, draws, cx->diags);
    for (uint32_t i = 0; i < draws; i++) {
        ok &= check_user(&f, &draw[i], cx->diags) && check_support(&f, &draw[i], cx->diags);
        draw[i].moved = any_operand(&g->node[draw[i].node], f.moves);
        explain(&f, &draw[i]);
    }
    return check_stops(&f, cx->diags) && ok;
}
