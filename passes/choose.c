/* The estimator of every draw: the user's choice checked, or the compiler's made.
 *
 * What an estimator needs stands in legality.def.  An op that jumps in a value that moves with the
 * parameters and depends on a continuous draw is refused (language.md, "Unbiased or refused";
 * estimators.md 2.1 C2, C3): its expectation has a derivative that no estimate here would see. */
#include "passes/adjoint.h"
#include "passes/estimator.h"

#include <string.h>

enum {
    AUTO_VALUES = 32,  /* programs that an estimator may run unasked */
    AUTO_TERMS = 1024, /* terms of a sum over values of several draws */
    AUTO_ELEMENTS = 8, /* a draw with so many elements has boundary terms */
};

EsDraw *es_draws(const IrGraph *g, const bool *live, const IrRef *one, uint32_t *draws)
{
    EsDraw *draw = NULL;
    *draws = 0;
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_SAMPLE && live[r])
            *arena_push(g->model->arena, draw, *draws, EsDraw) =
                (EsDraw){.node = r, .one = one ? one[r] : r};
    return draw;
}

bool es_is_copied(const EsFacts *f, const EsDraw *d)
{
    for (uint32_t i = 0; i < f->draws; i++)
        if (&f->draw[i] != d && f->draw[i].one == d->one)
            return true;
    return false;
}

const char *es_name(const IrNode *sample)
{
    return sample->name ? sample->name : ir_dist_info[sample->attr.dist].name;
}

bool es_same_place(const IrGraph *source, const EsDraw *a, const EsDraw *b)
{
    Span x = source->node[a->node].at, y = source->node[b->node].at;
    return x.line == y.line && x.col == y.col;
}

bool es_same_statement(const IrGraph *source, const EsDraw *a, const EsDraw *b)
{
    return es_same_place(source, a, b) && a->samples == b->samples && a->estimator == b->estimator;
}

static const IrDistInfo *law_of(const IrGraph *g, const EsDraw *d)
{
    return &ir_dist_info[g->node[d->node].attr.dist];
}

static bool admits(const IrGraph *g, const EsDraw *d, IrEstimator e)
{
    return ir_admits(g->node[d->node].attr.dist, e);
}

int64_t es_support_size(const IrGraph *g, const IrNode *sample)
{
    int64_t digit = ir_dist_values(g, sample->attr.dist, sample->in);
    int64_t values = digit ? 1 : 0;
    for (int64_t i = 0; digit && i < ir_dist_draws(sample->attr.dist, &sample->type); i++) {
        values *= digit;
        if (values > ES_ENUMERATION_BUDGET)
            return -1;
    }
    return values;
}

/* ---- refusals ------------------------------------------------------------------------------- */

static void refuse(const EsFacts *f, const EsDraw *d, const EsRow *row, const char *why, IrRef at,
                   Diags *diags)
{
    const IrNode *z = &f->g->node[d->node];
    bool here = at == d->node;
    Span where = !here ? f->g->node[at].at : z->attr.via.at.line ? z->attr.via.at : z->at;
    diag_error(diags, where, SG0607, "%s", why);
    if (row->estimator != IR_EST_AUTO && !here)
        diag_note(diags, z->at, "%s is drawn here", es_name(z));
    diag_note(diags, where, "%s (%s) needs: %s",
              row->estimator == IR_EST_AUTO ? "every estimator"
                                            : ir_estimator_info[row->estimator].name,
              row->source, row->row);
    const char *via = es_suggestion(f, d);
    if (via)
        diag_help(diags, z->at, "%s may be drawn `via %s`", es_name(z), via);
    else if (!here)
        diag_help(diags, where,
                  "let the parameters enter through the law of the draw, or use a continuous "
                  "function instead");
}

/* False: reported. */
static bool check(const EsFacts *f, const EsDraw *draw, uint32_t draws, Diags *diags)
{
    bool ok = true;
    for (uint32_t i = 0; i < draws; i++) {
        const char *why;
        IrRef at;
        const EsRow *row = es_illegal(f, &draw[i], &why, &at);
        if (!row)
            continue;
        refuse(f, &draw[i], row, why, at, diags);
        ok = false;
        if (row->estimator == IR_EST_AUTO)
            break; /* it is no fault of this draw alone */
    }
    return ok;
}

/* ---- the first choice ----------------------------------------------------------------------- */

static bool would_do(const EsFacts *f, const EsDraw *d, const IrVia *via)
{
    EsDraw then = *d;
    then.estimator = via->estimator;
    then.samples = via->samples;
    then.baseline = via->baseline;
    const char *why;
    IrRef at;
    return admits(f->g, d, via->estimator) && !es_illegal(f, &then, &why, &at) &&
           (via->estimator != IR_EST_ENUMERATE || es_terms(f, d) <= AUTO_TERMS);
}

/* The work of one estimate, in programs that follow from the draw; counted up to one more than
 * AUTO_VALUES. */
static int64_t programs(const EsFacts *f, const EsDraw *d, IrEstimator e)
{
    const IrNode *n = &f->g->node[d->node];
    int64_t values = ir_dist_values(f->g, n->attr.dist, n->in), joint = es_support_size(f->g, n);
    if (e == IR_EST_ENUMERATE)
        return joint > 0 ? joint : AUTO_VALUES + 1;
    EsReach reach = es_reach(f->g, d->node);
    int64_t slots = es_slot_count(f->g, f->live, &reach, n);
    if (e == IR_EST_COUPLED)
        return slots == ir_dist_draws(n->attr.dist, &n->type) ? 2 : 1 + slots;
    if (e == IR_EST_MEASURE_VALUED)
        return 1 + slots * es_variants(f->g, n);
    return e == IR_EST_LOCAL_EXPECTATION ? 1 + slots * (values - 1) : 2;
}

/* From the exact to the rough: the first that is legal, and not too much work. */
static const IrVia preferred[] = {
    {.estimator = IR_EST_ENUMERATE, .samples = 1},
    {.estimator = IR_EST_PATHWISE, .samples = 1},
    {.estimator = IR_EST_IMPLICIT, .samples = 1},
    {.estimator = IR_EST_LOCAL_EXPECTATION, .samples = 1},
    {.estimator = IR_EST_DISARM, .samples = 2},
    {.estimator = IR_EST_COUPLED, .samples = 1},
    {.estimator = IR_EST_SCORE, .samples = 2, .baseline = IR_LEAVE_ONE_OUT},
};

static const IrVia *prefer(const EsFacts *f, const EsDraw *d)
{
    size_t last = sizeof preferred / sizeof *preferred - 1;
    for (size_t i = 0; i < last; i++) {
        bool moves = preferred[i].estimator == IR_EST_PATHWISE ||
                     preferred[i].estimator == IR_EST_IMPLICIT; /* jumps are seen to later */
        if (moves ? (admits(f->g, d, preferred[i].estimator) || MUTATED(UNCHECKED_PATH)) &&
                        (preferred[i].estimator == IR_EST_PATHWISE || es_reads_as_angle(f, d))
                  : programs(f, d, preferred[i].estimator) <= AUTO_VALUES &&
                        would_do(f, d, &preferred[i]))
            return &preferred[i];
    }
    return &preferred[last];
}

/* Copies of a draw, of which the compiler may choose the number of samples, have as many: they are one
 * number. */
static void match_samples(const EsFacts *f, EsDraw *draw, uint32_t draws)
{
    for (uint32_t i = 0; i < draws; i++)
        for (uint32_t k = 0; k < draws; k++)
            if (draw[i].one == draw[k].one && es_is_pathwise(&draw[k]) &&
                f->g->node[draw[k].node].attr.via.estimator == IR_EST_AUTO &&
                draw[i].samples > draw[k].samples)
                draw[k].samples = draw[i].samples;
}

static void first_choice(const EsFacts *f, EsDraw *d)
{
    const IrNode *n = &f->g->node[d->node];
    const IrVia *via = &n->attr.via;
    *d = (EsDraw){.node = d->node,
                  .one = d->one,
                  .estimator = via->estimator,
                  .samples = via->samples,
                  .baseline = via->baseline,
                  .copies = via->noise,
                  .temperature = via->temperature > 0 ? via->temperature : 1,
                  .scale = via->scale,
                  .hidden = via->hidden,
                  .relaxed = IR_NONE,
                  .constant = via->constant,
                  .value = IR_NONE,
                  .noise = IR_NONE,
                  .logp = IR_NONE,
                  .average = IR_NONE,
                  .bound = IR_NONE,
                  .fresh = IR_NONE,
                  .own = -1,
                  .element = -1,
                  .variant = -1};
    if (d->samples < 1)
        d->samples = 1;
    if (via->estimator != IR_EST_AUTO)
        return;
    const IrVia *best = prefer(f, d);
    d->estimator = MUTATED(RELAXED_UNASKED) ? IR_EST_GUMBEL_SOFTMAX : best->estimator;
    d->samples = best->samples;
    d->baseline = best->baseline;
}

/* ---- changes of mind ------------------------------------------------------------------------ */

/* What a draw may have whose costs jump, the first that is legal and not too much work: a score, or
 * where a parameter moves the support a difference of measures. */
static const IrVia unmoved[] = {
    {.estimator = IR_EST_SCORE, .samples = 2, .baseline = IR_LEAVE_ONE_OUT},
    {.estimator = IR_EST_MEASURE_VALUED, .samples = 1},
};

static bool may_give_way(const EsFacts *f, const EsDraw *d, IrRef jump)
{
    const IrNode *n = &f->g->node[d->node];
    return n->attr.via.estimator == IR_EST_AUTO && es_moves_through(f, d, jump);
}

/* Does another draw stand between it and the jump that may give way in its place? */
static bool has_nearer(const EsFacts *f, const EsDraw *d, IrRef jump)
{
    EsReach e = es_reach(f->g, d->node);
    for (uint32_t i = 0; i < f->draws; i++)
        if (f->draw[i].node != d->node && e.reached[f->draw[i].node] &&
            may_give_way(f, &f->draw[i], jump) &&
            !es_reach(f->g, f->draw[i].node).reached[d->node])
            return true;
    return false;
}

static bool give_way(const EsFacts *f, EsDraw *d, IrRef jump)
{
    for (size_t k = 0; k < sizeof unmoved / sizeof *unmoved; k++) {
        EsDraw then = *d;
        then.estimator = unmoved[k].estimator;
        then.samples = unmoved[k].samples;
        then.baseline = unmoved[k].baseline;
        if (!admits(f->g, d, then.estimator) || !es_fits(f, &then) ||
            programs(f, d, then.estimator) > AUTO_VALUES)
            continue;
        then.because = arena_printf(f->g->model->arena, "not pathwise: %s on line %u jumps in it",
                                    ir_op_info[f->g->node[jump].op].name, f->g->node[jump].at.line);
        *d = then;
        return true;
    }
    return false;
}

/* The nearest draws that a jump moves with: those above stay as they are if nothing else moves it.  Where
 * the nearest cannot, those above. */
static bool prefer_unmoved(const EsFacts *f, EsDraw *draw, uint32_t draws, IrRef jump)
{
    bool changed = false;
    bool *nearest = arena_array(f->g->model->arena, bool, draws + 1);
    for (uint32_t i = 0; i < draws; i++)
        nearest[i] = may_give_way(f, &draw[i], jump) && !has_nearer(f, &draw[i], jump);
    for (int near = 1; near >= 0 && !changed; near--)
        for (uint32_t i = 0; i < draws; i++)
            changed |= nearest[i] == near && may_give_way(f, &draw[i], jump) &&
                       give_way(f, &draw[i], jump);
    return changed;
}

/* ---- words ---------------------------------------------------------------------------------- */

/* What a learned baseline reads, by name where it has one. */
static const char *inputs_words(const EsFacts *f, const EsDraw *d)
{
    Arena *a = f->g->model->arena;
    const char *list = "";
    for (uint32_t k = 0; k < d->inputs; k++) {
        const IrNode *n = &f->g->node[d->input[k].node];
        const char *name = n->op == IR_DATA ? f->g->model->data[n->attr.item].name : n->name;
        list = arena_printf(a, "%s%s%s", list, k ? ", " : " of ",
                            name ? name : arena_printf(a, "%s on line %u", ir_op_info[n->op].name,
                                                       n->at.line));
    }
    return d->hidden ? arena_printf(a, "%s by %lld units", list, (long long)d->hidden) : list;
}

static const char *baseline_words(const EsFacts *f, const EsDraw *d)
{
    switch (d->baseline) {
    case IR_LEAVE_ONE_OUT: return ", leave-one-out baseline";
    case IR_MOVING_AVERAGE: return ", moving-average baseline";
    case IR_LEARNED_BASELINE:
        return arena_printf(f->g->model->arena, ", learned baseline%s", inputs_words(f, d));
    case IR_CONSTANT_BASELINE: return ", constant baseline";
    default: return ", no baseline";
    }
}

/* The boundary term of a pathwise draw. */
static const char *boundary_words(const EsFacts *f, const EsDraw *d)
{
    if (!d->guards)
        return "";
    const IrNode *n = &f->g->node[d->guard[0]];
    return arena_printf(f->g->model->arena, "; the jump of %s at %u:%u has a boundary term (E22)",
                        ir_op_info[n->op].name, n->at.line, n->at.col);
}

/* A remark of diag.def for each way to a gradient. */
static DiagCode remark_of(const EsDraw *d)
{
    switch (d->estimator) {
    case IR_EST_PATHWISE:
    case IR_EST_IMPLICIT: return SGR01;
    case IR_EST_ENUMERATE: return SGR02;
    case IR_EST_SCORE: return SGR03;
    default: return SGR07;
    }
}

/* "pathwise (chosen)" */
static const char *estimator_words(const EsFacts *f, const EsDraw *d)
{
    Arena *a = f->g->model->arena;
    const IrNode *n = &f->g->node[d->node];
    const char *who = n->attr.via.estimator == IR_EST_AUTO ? "chosen" : "as asked";
    const char *name = d->estimator == IR_EST_ENUMERATE ? "enumerated"
                                                        : ir_estimator_info[d->estimator].name;
    const char *words = arena_printf(a, "%s (%s)", name, who);
    if (es_is_relaxed(d))
        return arena_printf(a, "%s: biased", words);
    if (es_is_pathwise(d) || d->estimator == IR_EST_ENUMERATE || d->estimator == IR_EST_VIMCO)
        return words;
    IrType slots = ir_slot_type(n->attr.dist, &n->type);
    if (d->estimator == IR_EST_MEASURE_VALUED)
        return arena_printf(a, "%s, %lld variants of each of %lld elements", words,
                            (long long)es_variants(f->g, n), (long long)ir_elements(&slots));
    return arena_printf(a, "%s, samples = %lld%s", words, (long long)d->samples,
                        d->estimator == IR_EST_SCORE ? baseline_words(f, d) : "");
}

static const char *estimator_reason(const EsFacts *f, const EsDraw *d)
{
    Arena *a = f->g->model->arena;
    if (d->estimator == IR_EST_STRAIGHT_THROUGH)
        return "costs are differentiated as if the draw were its mean";
    if (d->estimator == IR_EST_GUMBEL_SOFTMAX)
        return "in training a softened draw stands for it";
    if (es_is_pathwise(d))
        return arena_printf(
            a, "every cost is locally Lipschitz in it%s; integrability is assumed%s",
            d->guards ? arena_printf(a, " but for its guard%s", boundary_words(f, d)) : "",
            es_reasons(f, d->node));
    switch (d->estimator) {
    case IR_EST_ENUMERATE: {
        int64_t values = es_support_size(f->g, &f->g->node[d->node]), terms = es_terms(f, d);
        return terms <= values ? arena_printf(a, "%lld values, exact", (long long)values)
                               : arena_printf(a, "%lld values, exact, in sums of at most %lld terms",
                                              (long long)values, (long long)terms);
    }
    case IR_EST_VIMCO:
        return arena_printf(
            a, "the bound of %u:%u without a sample is its baseline; its support is fixed",
            f->g->node[d->bound].at.line, f->g->node[d->bound].at.col);
    case IR_EST_MEASURE_VALUED:
        return arena_printf(a, "costs may jump in it%s%s", d->because ? "; " : "",
                            d->because ? d->because : "");
    case IR_EST_SCORE:
        return arena_printf(a, "its support is fixed%s%s", d->because ? "; " : "",
                            d->because ? d->because : "");
    default: return ir_estimator_info[d->estimator].doc;
    }
}

/* Of a copy: ", for the costs on lines 4, 7". */
static const char *group_words(const EsFacts *f, const EsDraw *d)
{
    const IrGraph *g = f->g;
    const char *list = es_is_copied(f, d) ? es_cost_lines(g, es_reach(g, d->node).reached) : "";
    if (!*list)
        return "";
    return arena_printf(g->model->arena, ", for the %s %s",
                        strchr(list, ',') ? "costs on lines" : "cost on line", list);
}

static void explain(const EsFacts *f, EsDraw *d)
{
    Arena *a = f->g->model->arena;
    const IrNode *n = &f->g->node[d->node];
    bool needs_none = !d->moved && (d->guards || d->estimator != IR_EST_ENUMERATE);
    IrDecision *w = arena_make(a, IrDecision);
    *w = (IrDecision){.draw = es_name(n), .law = n->attr.dist};
    w->code = needs_none ? SGR05 : remark_of(d);
    w->what = arena_printf(a, "%s ~ %s: %s%s", w->draw, law_of(f->g, d)->name,
                           needs_none ? "sampled" : estimator_words(f, d), group_words(f, d));
    if (needs_none)
        w->reason = arena_printf(a, "no parameter reaches its law%s",
                                 d->guards ? boundary_words(f, d) : ", so it has no gradient");
    else
        w->reason = estimator_reason(f, d);
    if (!needs_none)
        w->via = (IrVia){.estimator = d->estimator,
                         .samples = d->samples,
                         .baseline = d->baseline,
                         .hidden = d->hidden,
                         .constant = d->constant,
                         .noise = d->copies,
                         .temperature = d->temperature,
                         .biased = es_is_relaxed(d),
                         .at = n->attr.via.at};
    d->why = w;
}

/* The score function as asked, where the gradient could go through the draw. */
static void warn_score(const EsFacts *f, const EsDraw *d, Diags *diags)
{
    const IrNode *n = &f->g->node[d->node];
    if (n->attr.via.estimator != IR_EST_SCORE || !d->moved || *es_name(n) == '_')
        return;
    const char *via = es_suggestion(f, d);
    bool through = via && (strcmp(via, ir_estimator_info[IR_EST_PATHWISE].name) == 0 ||
                           strcmp(via, ir_estimator_info[IR_EST_IMPLICIT].name) == 0);
    if (!through)
        return;
    diag_warning(diags, n->attr.via.at, SGW04,
                 "the score function, where the gradient can go through %s", es_name(n));
    diag_label(diags, "`via %s` is legal here, with less variance", via);
}

/* ---- the choice ----------------------------------------------------------------------------- */

/* Two programs for every element: a boundary term is exact, and dear for a long vector. */
static bool has_cheap_boundary(const EsFacts *f, IrRef jump)
{
    int64_t i = es_boundary_draw(f, jump);
    if (i < 0)
        return false;
    EsReach e = es_reach(f->g, f->draw[i].node);
    return es_slot_count(f->g, f->live, &e, &f->g->node[f->draw[i].node]) <= AUTO_ELEMENTS;
}

/* Draws that the user left open give way to jumps. */
static void settle(EsFacts *f, EsDraw *draw, uint32_t draws)
{
    bool changed = true;
    while (changed) {
        changed = false;
        es_find_facts(f);
        for (IrRef r = es_next_jump(f, 0); r != IR_NONE && !changed; r = es_next_jump(f, r + 1))
            changed = !has_cheap_boundary(f, r) && prefer_unmoved(f, draw, draws, r);
    }
}

static bool check_stops(const EsFacts *f, Diags *diags)
{
    bool ok = true;
    for (IrRef r = 0; r < f->g->count && !f->g->biased; r++) {
        const IrNode *n = &f->g->node[r];
        if (n->op != IR_STOP || !f->live[r] || f->class[n->in[0]] == IR_CONSTANT)
            continue;
        diag_error(diags, n->at, SG0608,
                   "stop_gradient of a value that a parameter moves makes the gradient "
                   "biased");
        diag_help(diags, n->at, "write `stop_gradient(...) biased` to accept that");
        ok = false;
    }
    return ok;
}

/* The derivatives of special functions have none themselves: reverse mode would take it for 0. */
static bool check_slopes(const EsFacts *f, Diags *diags)
{
    bool ok = true;
    for (IrRef r = 0; r < f->g->count; r++) {
        const IrNode *n = &f->g->node[r];
        const IrOpInfo *op = &ir_op_info[n->op];
        bool moves = false;
        for (uint32_t k = 0; k < n->n_in; k++)
            moves |= f->class[n->in[k]] != IR_CONSTANT;
        if (!moves || !f->live[r] || op->smooth != IR_SMOOTH || !(op->flags & IR_EW) ||
            es_has_adjoint(n->op))
            continue;
        diag_error(diags, n->at, SG0609,
                   "the derivative of %s is not known, and a parameter moves what it is taken of",
                   op->name);
        ok = false;
    }
    return ok;
}

bool es_choose(const IrGraph *g, EsDraw *draw, uint32_t draws, PassCtx *cx)
{
    EsFacts f = es_facts(g, draw, draws);
    for (int open = 0; open < 2; open++) /* what the user chose is known to the others */
        for (uint32_t i = 0; i < draws; i++)
            if ((g->node[draw[i].node].attr.via.estimator == IR_EST_AUTO) == open)
                first_choice(&f, &draw[i]);
    settle(&f, draw, draws);
    match_samples(&f, draw, draws);
    if (!check(&f, draw, draws, cx->diags))
        return false;
    es_find_guards(&f, draw);
    es_find_bounds(&f, draw);
    for (uint32_t i = 0; i < draws; i++) {
        draw[i].moved = es_law_moves(&f, &draw[i]);
        if (draw[i].baseline == IR_LEARNED_BASELINE)
            es_find_inputs(g, &draw[i]);
        explain(&f, &draw[i]);
        warn_score(&f, &draw[i], cx->diags);
    }
    return check_stops(&f, cx->diags) && check_slopes(&f, cx->diags);
}
