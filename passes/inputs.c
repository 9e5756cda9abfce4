/* What a learned baseline reads, where the user names nothing: the values that the arguments of the
 * draw's law are computed from, as far as they differ from copy to copy, or from step to step.
 *
 * An argument is taken apart down to the values that no parameter enters, to draws, and to what a
 * sequence carries.  All of these are known before the draw is (estimators.md C4), as the law is. A
 * value that mixes copies which the draw has none of, such as a sum over another plate, is taken
 * whole. */
#include "passes/estimator.h"

typedef struct Search {
    const IrGraph *g;
    EsDraw *d;
    bool *moves, *varies, *seen; /* by node: a parameter enters; it differs; it was looked at */
} Search;

/* Draws and carries are given, whatever decided them. */
static bool is_given(const IrNode *n)
{
    return n->op == IR_SAMPLE || n->op == IR_CARRY;
}

/* Numbers of copies and of rows are names, not values. */
static void find_kinds(Search *s)
{
    const IrGraph *g = s->g;
    for (IrRef r = 0; r < s->d->node; r++) {
        const IrNode *n = &g->node[r];
        s->moves[r] = n->op == IR_PARAM;
        s->varies[r] = is_given(n) || (n->op == IR_DATA && n->type.plates);
        for (uint32_t k = 0; k < n->n_in && !is_given(n); k++) {
            s->moves[r] |= s->moves[n->in[k]];
            s->varies[r] |= s->varies[n->in[k]];
        }
        bool read_here = n->op == IR_GATHER || n->op == IR_TO_PLATE;
        s->varies[r] |= read_here && n->type.plates && !s->moves[r];
    }
}

/* How many categories the value is one of; 0: it is a number. */
static int64_t categories_of(const IrGraph *g, IrRef r)
{
    const IrNode *n = &g->node[r];
    if (n->op == IR_CARRY)
        n = &g->node[n->in[1]];
    bool category = n->op == IR_SAMPLE && ir_dist_info[n->attr.dist].support == IR_CATEGORIES;
    return category ? ir_dist_values(g, n->attr.dist, n->in) : 0;
}

static void add_input(const IrGraph *g, EsDraw *d, IrRef r)
{
    *arena_push(g->model->arena, d->input, d->inputs, EsInput) = (EsInput){r, categories_of(g, r)};
}

static bool is_whole(const Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    IrPlates frame = s->g->node[s->d->node].type.plates;
    bool whole = is_given(n) || !s->moves[r];
    for (uint32_t k = 0; k < n->n_in && !whole; k++)
        whole = s->g->node[n->in[k]].type.plates & ~frame;
    return whole;
}

static void take_apart(Search *s, IrRef r)
{
    const IrNode *n = &s->g->node[r];
    if (s->seen[r] || !s->varies[r])
        return;
    s->seen[r] = true;
    if (is_whole(s, r))
        add_input(s->g, s->d, r);
    for (uint32_t k = 0; k < n->n_in && !is_whole(s, r); k++)
        take_apart(s, n->in[k]);
}

void es_find_inputs(const IrGraph *g, EsDraw *d)
{
    Arena *a = g->model->arena;
    const IrNode *n = &g->node[d->node];
    uint32_t arguments = ir_dist_info[n->attr.dist].arguments;
    for (uint32_t k = arguments; k < n->n_in; k++)
        add_input(g, d, n->in[k]);
    if (n->n_in > arguments)
        return;
    Search s = {.g = g,
                .d = d,
                .moves = arena_array(a, bool, g->count + 1),
                .varies = arena_array(a, bool, g->count + 1),
                .seen = arena_array(a, bool, g->count + 1)};
    find_kinds(&s);
    for (uint32_t k = 0; k < arguments; k++)
        take_apart(&s, n->in[k]);
}
