/* The model as it is written, from the source entry of the step's graph: its draws, with their
 * laws, and its costs, before any pass.
 *
 * Draws are those of the step, by place; one that the step no longer has is listed after them.  If
 * a law, an estimator or an operation is not one that the checker follows, the certificate says
 * why, and that the step from the model as it is written is assumed. */
#include "certify/lower.h"

#include <string.h>

enum { SUMMED = 1 << 30 }; /* draws that are summed over, until they are numbered */

/* ---- beginning ------------------------------------------------------------------------------ */

static const IrGraph *source_of(const IrGraph *step)
{
    for (uint32_t i = 0; i < step->model->graphs; i++) {
        const IrGraph *g = &step->model->graph[i];
        if (g->entry == IR_ENTRY_SOURCE && g->stage == IR_SOURCE &&
            strcmp(g->name, step->name) == 0)
            return g;
    }
    return NULL;
}

/* What the costs read. */
static bool *live_nodes(const IrGraph *g, Arena *a)
{
    bool *live = arena_array(a, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == IR_COST)
            live[g->node[r].in[0]] = true;
    low_close(g, live);
    return live;
}

Lower *low_begin_written(const Lower *step)
{
    const IrGraph *g = source_of(step->g);
    step->cert->written.without = "the model as it is written is not at hand";
    if (!g)
        return NULL;
    Lower *l = arena_make(step->arena, Lower);
    *l = *step;
    l->of = step;
    l->g = g;
    l->drawn = NULL;
    bool *live = live_nodes(g, l->arena);
    l->sizes = sizes_like(step->sizes, g, live, l->arena);
    low_inputs(l, live);
    return l;
}

/* ---- draws ---------------------------------------------------------------------------------- */

static bool is_place(Span a, Span b)
{
    return a.line == b.line && a.col == b.col;
}

/* The draw of the step that this one is; CERT_NONE: it has none there. */
static uint32_t drawn_at(const Lower *l, const IrNode *n)
{
    const Cert *c = l->cert;
    int64_t step = low_index(l, n->type.plates);
    for (uint32_t j = 0; j < c->draws; j++)
        if (!l->taken[j] && is_place(c->draw[j].at, n->at) && c->draw[j].step == step)
            return j;
    return CERT_NONE;
}

/* The same, or a new one. */
static uint32_t draw_at(Lower *l, const IrNode *n, CertBase base)
{
    Cert *c = l->cert;
    int64_t step = low_index(l, n->type.plates);
    uint32_t j = drawn_at(l, n);
    if (j != CERT_NONE)
        return j;
    const CertDraw d = {.base = base,
                        .name = n->name ? n->name : "a draw",
                        .at = n->at,
                        .step = step,
                        .shape = low_result(l).sizes};
    *arena_push(c->arena, c->draw, c->draws, CertDraw) = d;
    return c->draws - 1;
}

/* Notes what the draw is drawn from, and draws it. */
static LowValue drawn(Lower *l, uint32_t j, CertDrawn law, CertList shape)
{
    Cert *c = l->cert;
    CertDrawn *laws = arena_array(l->arena, CertDrawn, c->draws + 1);
    bool *taken = arena_array(l->arena, bool, c->draws + 1);
    for (uint32_t i = 0; i < c->draws && i < l->known; i++) {
        laws[i] = c->written.law[i];
        taken[i] = l->taken[i];
    }
    laws[j] = law;
    taken[j] = true;
    c->written.law = laws;
    l->taken = taken;
    l->known = c->draws;
    return low_slot(build(&l->b, (CertOp){.form = CERT_SAMPLE, .k = j, .axes = shape}, 0, 0));
}

/* A lognormal number is the exponential of a normal one: `lognormal_carries` of proofs/Transport.v.
 */
static LowValue draw_noised(Lower *l, const IrNode *n, CertNoised as)
{
    Cert *c = l->cert;
    CertBase base = as == CERT_AS_NORMAL ? CERT_NORMAL : CERT_UNIFORM;
    uint32_t before = c->draws, j = draw_at(l, n, base);
    CertList shape = low_result(l).sizes;
    if (j < before && c->draw[j].base != base)
        return low_refuse(l, "it is not written as noise");
    CertDrawn law = {.as = as, .loc = low_argument(l, 0), .shape = shape};
    law.scale = as == CERT_AS_EXPONENTIAL ? law.loc : low_argument(l, 1);
    LowValue x = drawn(l, j, law, shape);
    return n->attr.dist == IR_DIST_lognormal ? low_slot(build_map1(&l->b, CERT_EXP, x.slot)) : x;
}

/* The size of the plate of its values, by which the step sums over the draw; CERT_NONE: it does
 * not. */
static uint32_t values_of(Lower *l, const IrNode *n)
{
    const IrGraph *g = l->of->g;
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].kind == IR_PLATE_ENUMERATION && is_place(g->plate[p].at, n->at))
            return size_of_plate(l->of->sizes, l->cert, p);
    return CERT_NONE;
}

/* A draw that the step sums over has a number after those that it has: `number_sums`. */
static LowValue draw_summed(Lower *l, const IrNode *n, CertDrawn law)
{
    CertWritten *w = &l->cert->written;
    bool bernoulli = law.of.law == CERT_BERNOULLI;
    uint32_t values = values_of(l, n);
    if (values == CERT_NONE)
        return low_refuse(l, "the estimator does not draw it");
    if (!bernoulli)
        law.of.values = values;
    l->cert->size[values].fixed |= bernoulli;
    *arena_push(l->arena, l->summed, l->summed_draws, CertDrawn) = law;
    *arena_push(l->cert->arena, w->summed, w->sums, CertSummed) =
        (CertSummed){values, n->name ? n->name : "a draw", n->at};
    return low_slot(build(
        &l->b, (CertOp){.form = CERT_SAMPLE, .k = SUMMED + w->sums - 1, .axes = law.shape}, 0, 0));
}

static LowValue draw_finite(Lower *l, const IrNode *n)
{
    Cert *c = l->cert;
    bool bernoulli = n->attr.dist == IR_DIST_bernoulli_logits;
    uint32_t j = drawn_at(l, n);
    if (j != CERT_NONE && c->draw[j].base != (bernoulli ? CERT_BITS : CERT_VALUES))
        return low_refuse(l, "its log-density is not that of its law");
    Layout draw = low_result(l), y = low_layout(l, n->in[0]);
    CertFinite of = {.law = bernoulli ? CERT_BERNOULLI : CERT_CATEGORICAL,
                     .logits = low_operand(l, 0),
                     .axes = low_shared_axes(l, &draw, &y, bernoulli ? y.rank : y.rank - 1)};
    if (!bernoulli)
        of.values = y.sizes.at[low_axis_at(&y, y.rank - 1)];
    const CertDrawn law = {.finite = true, .shape = draw.sizes, .of = of};
    return j == CERT_NONE ? draw_summed(l, n, law) : drawn(l, j, law, draw.sizes);
}

LowValue low_written_draw(Lower *l, const IrNode *n)
{
    switch (n->attr.dist) {
    case IR_DIST_normal:
    case IR_DIST_lognormal:
        return draw_noised(l, n, CERT_AS_NORMAL);
    case IR_DIST_uniform:
        return draw_noised(l, n, CERT_AS_UNIFORM);
    case IR_DIST_exponential:
        return draw_noised(l, n, CERT_AS_EXPONENTIAL);
    case IR_DIST_laplace:
        return draw_noised(l, n, CERT_AS_LAPLACE);
    case IR_DIST_bernoulli_logits:
    case IR_DIST_categorical_logits:
        return draw_finite(l, n);
    default:
        return low_refuse(l, "its law is not one that is followed");
    }
}

/* Draws that are summed over come after all others. */
static void number_sums(Lower *l)
{
    Cert *c = l->cert;
    CertWritten *w = &c->written;
    CertDrawn *law = arena_array(l->arena, CertDrawn, c->draws + w->sums + 1);
    for (uint32_t j = 0; j < c->draws + w->sums; j++)
        law[j] = j < c->draws ? w->law[j] : l->summed[j - c->draws];
    w->law = law;
    for (uint32_t i = 0; i < w->program.count; i++) {
        CertOp *op = &w->program.node[i].op;
        if (op->form == CERT_SAMPLE && op->k >= SUMMED)
            op->k += c->draws - SUMMED;
    }
}

/* ---- copies ---------------------------------------------------------------------------------- */

static CertCopies *copies_of(Lower *l, uint32_t size)
{
    CertWritten *w = &l->cert->written;
    for (uint32_t i = 0; i < w->copies; i++)
        if (w->copy[i].size == size)
            return &w->copy[i];
    CertCopies *k = arena_push(l->cert->arena, w->copy, w->copies, CertCopies);
    *k = (CertCopies){.size = size};
    return k;
}

static CertList with(Lower *l, CertList list, uint32_t last)
{
    uint32_t *at = arena_array(l->arena, uint32_t, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++)
        at[i] = list.at[i];
    at[list.count] = last;
    return (CertList){list.count + 1, at};
}

/* The axes that a draw of the graph has and the model's has not are those of its copies. */
static void find_copies(Lower *l, uint32_t j)
{
    CertList all = l->cert->draw[j].shape, own = l->cert->written.law[j].shape;
    for (uint32_t i = 0, k = 0; i < all.count; i++) {
        if (k < own.count && own.at[k] == all.at[i]) {
            k++;
            continue;
        }
        CertCopies *c = copies_of(l, all.at[i]);
        c->draws = with(l, c->draws, j);
        c->at = with(l, c->at, k);
    }
}

/* What is copied last gets its axis first, so that outer copies lead. */
static void find_all_copies(Lower *l)
{
    CertWritten *w = &l->cert->written;
    for (uint32_t j = 0; j < l->cert->draws; j++)
        find_copies(l, j);
    for (uint32_t i = 0; i < w->copies / 2; i++) {
        CertCopies k = w->copy[i];
        w->copy[i] = w->copy[w->copies - 1 - i];
        w->copy[w->copies - 1 - i] = k;
    }
}

/* The compiler counts copies: if need be, the certificate is for that number only. */
static bool is_same(Lower *l, const char **why)
{
    Cert *c = l->cert;
    bool positive, *was = arena_array(l->arena, bool, c->sizes + 1);
    if (cert_same_mean(c, l->arena, &positive, why))
        return true;
    for (uint32_t i = 0; i < c->written.copies; i++) {
        CertSize *s = &c->size[c->written.copy[i].size];
        was[c->written.copy[i].size] = s->fixed;
        s->fixed = s->number > 0;
    }
    if (c->written.copies > 0 && cert_same_mean(c, l->arena, &positive, why))
        return true;
    for (uint32_t i = 0; i < c->written.copies; i++)
        c->size[c->written.copy[i].size].fixed = was[c->written.copy[i].size];
    return false;
}

/* ---- means ---------------------------------------------------------------------------------- */

static bool reads_any(const IrNode *n, const bool *marked)
{
    bool reads = false;
    for (uint32_t k = 0; k < ir_deciding(n); k++)
        reads |= marked[n->in[k]];
    return reads;
}

/* Is r only added up on its way to the costs? */
static bool is_added_up(const Lower *l, IrRef r)
{
    bool *sum = arena_array(l->arena, bool, l->g->count + 1);
    sum[r] = true;
    for (IrRef x = r + 1; x < l->g->count; x++) {
        IrOp op = l->g->node[x].op;
        sum[x] = op != IR_COST && reads_any(&l->g->node[x], sum);
        if (sum[x] && op != IR_SUM && op != IR_ADD && op != IR_SUB && op != IR_NEG)
            return false;
    }
    return true;
}

/* The mean of a cost is the mean of what a mean in it is of, if that is only added up. */
LowValue low_written_mean(Lower *l, const IrNode *n)
{
    if (!is_added_up(l, (IrRef)(n - l->g->node)))
        return low_refuse(l, "a mean that is not only added up");
    return low_slot(low_argument(l, 1));
}

/* ---- the objective -------------------------------------------------------------------------- */

static IrPlates rows_of(const IrGraph *g)
{
    for (uint32_t p = 0; p < g->plates; p++)
        if (g->plate[p].kind == IR_PLATE_ROWS)
            return 1u << p;
    return 0;
}

/* The sum of a value over its plates, at the current steps. */
static CertSlot whole_sum(Lower *l, IrRef r, CertSlot x)
{
    const Layout y = low_layout(l, r);
    if (y.sizes.count == 0)
        return x;
    return build_ein(&l->b, y.sizes, cert_range(l->arena, y.sizes.count), (CertList){0}, x);
}

/* The share of a cost: its mean over the rows of the batch; one without rows is spread over all of
 * N. */
static CertSlot per_row(Lower *l, IrRef r, CertSlot sum)
{
    IrPlates rows = rows_of(l->g);
    if (!rows)
        return sum;
    bool has = l->g->node[r].type.plates & rows;
    uint32_t plate = (uint32_t)__builtin_ctz(rows);
    uint32_t size =
        has ? size_of_plate(l->sizes, l->cert, plate) : size_of_total(l->sizes, l->cert);
    return build_map2(&l->b, CERT_DIV, sum,
                      build(&l->b, (CertOp){.form = CERT_SIZE, .k = size}, 0, 0));
}

/* A cost is its sum over copies, and over all steps. */
static CertSlot cost_of(Lower *l, IrRef r, CertSlot total)
{
    const LowValue *value = l->value[r];
    int64_t steps = low_count(l->g, l->g->node[r].type.plates);
    for (int64_t i = 0; i < steps; i++) {
        CertSlot x = per_row(l, r, whole_sum(l, r, value[i].slot));
        total = total == CERT_NONE ? x : build_map2(&l->b, CERT_ADD, total, x);
    }
    return total;
}

static CertSlot objective(Lower *l)
{
    CertSlot total = CERT_NONE;
    for (IrRef r = 0; r < l->g->count; r++) {
        low_begin(l, &l->g->node[r]);
        if (l->node->op == IR_COST)
            total = cost_of(l, l->node->in[0], total);
    }
    return total;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* ---- order ----------------------------------------------------------------------------------- */

/* The draws of the step stand first, although the model may draw others, of which only means are
 * left, before them.  By draw: its number in the order of the model's program. */
static uint32_t *order_drawn(Lower *l)
{
    const CertProgram *p = &l->cert->written.program;
    uint32_t *to = arena_array(l->arena, uint32_t, l->cert->draws + 1), count = 0;
    bool *seen = arena_array(l->arena, bool, l->cert->draws + 1);
    for (uint32_t i = 0; i < p->count; i++) {
        const CertOp *op = &p->node[i].op;
        if (op->form != CERT_SAMPLE || op->k >= l->cert->draws)
            continue; /* those that are summed over stay the last ones */
        if (!seen[op->k])
            to[op->k] = count++;
        seen[op->k] = true;
    }
    return to;
}

static uint32_t *inverse_of(Lower *l, const uint32_t *to)
{
    uint32_t *from = arena_array(l->arena, uint32_t, l->cert->draws + 1);
    for (uint32_t j = 0; j < l->cert->draws; j++)
        from[to[j]] = j;
    return from;
}

static void renumber_samples(CertProgram *p, const uint32_t *to, uint32_t draws)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->node[i].op.form == CERT_SAMPLE && p->node[i].op.k < draws)
            p->node[i].op.k = to[p->node[i].op.k];
}

/* Draw j becomes draw to[j]. */
static void renumber(Lower *l, const uint32_t *to)
{
    Cert *c = l->cert;
    CertDraw *draw = arena_array(c->arena, CertDraw, c->draws + 1);
    CertDrawn *law = arena_array(c->arena, CertDrawn, c->draws + c->written.sums + 1);
    for (uint32_t j = c->draws; j < c->draws + c->written.sums; j++)
        law[j] = c->written.law[j];
    for (uint32_t j = 0; j < c->draws; j++) {
        draw[to[j]] = c->draw[j];
        if (c->written.law)
            law[to[j]] = c->written.law[j];
    }
    if (c->draws > 0)
        memcpy(c->draw, draw, c->draws * sizeof *draw);
    if (c->written.law)
        c->written.law = law;
    renumber_samples(&c->source, to, c->draws);
    renumber_samples(&c->gradient, to, c->draws);
    renumber_samples(&c->written.program, to, c->draws);
}

/* All draws must be drawn: one that only the step has is none of the model's. */
static bool all_taken(const Lower *l)
{
    for (uint32_t j = 0; j < l->cert->draws; j++)
        if (!l->taken[j])
            return false;
    return true;
}

static void without(Lower *l, const char *name, const char *why)
{
    CertWritten *w = &l->cert->written;
    *w = (CertWritten){.without = name ? arena_printf(l->arena, "%s: %s", name, why) : why};
    w->at = name ? l->node->at : (Span){0};
}

/* A draw of the model that the step draws anew where it has another estimator; or NULL. */
static const CertDraw *drawn_twice(const Cert *c)
{
    for (uint32_t j = 0; j < c->draws; j++)
        for (uint32_t k = 0; k < j; k++)
            if (is_place(c->draw[j].at, c->draw[k].at) && c->draw[j].step == c->draw[k].step &&
                c->draw[j].base != c->draw[k].base)
                return &c->draw[j];
    return NULL;
}

/* Draws with scores keep the order of their scores. */
static void compare_in_order(Lower *l)
{
    CertWritten *w = &l->cert->written;
    uint32_t *to = l->cert->scores == 0 ? order_drawn(l) : NULL;
    const char *why;
    if (to)
        renumber(l, to);
    find_all_copies(l);
    w->given = is_same(l, &why);
    if (w->given)
        return;
    without(l, NULL, why);
    if (to)
        renumber(l, inverse_of(l, to));
}

static bool *fixed_sizes(const Cert *c, Arena *a)
{
    bool *fixed = arena_array(a, bool, c->sizes + 1);
    for (uint32_t i = 0; i < c->sizes; i++)
        fixed[i] = c->size[i].fixed;
    return fixed;
}

void low_written(Lower *l)
{
    Cert *c = l->cert;
    CertWritten *w = &c->written;
    uint32_t draws = c->draws;
    const CertDraw *twice = drawn_twice(c);
    if (twice) {
        w->without = arena_printf(
            l->arena, "%s: its estimators share its noise, and have each a draw here", twice->name);
        w->at = twice->at;
        return;
    }
    bool *fixed = fixed_sizes(c, l->arena);
    uint32_t sizes = c->sizes;
    Diags *quiet = diags_new(c->file, NULL);
    l->d = quiet;
    l->taken = arena_array(l->arena, bool, draws + 1);
    l->known = draws;
    w->law = arena_array(l->arena, CertDrawn, draws + 1);
    low_program(l, &w->program, live_nodes(l->g, l->arena));
    if (l->ok)
        w->cost = objective(l);
    if (l->ok)
        number_sums(l);
    if (!l->ok)
        without(l, l->node->name ? l->node->name : ir_op_info[l->node->op].name, l->why);
    else if (!all_taken(l))
        without(l, NULL, "it has other draws");
    else
        compare_in_order(l);
    if (!w->given)
        c->draws = draws;
    for (uint32_t i = 0; i < sizes && !w->given; i++)
        c->size[i].fixed = fixed[i];
    diags_free(quiet);
}
