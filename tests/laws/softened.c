#include "tests/laws/softened.h"
#include "tests/laws/quadrature.h"
#include "tests/laws/sum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CATEGORIES = 3, HALF = 72, SIZE = 600 };

typedef struct Softened {
    Sum sum;
    double *decides, *softens; /* variates: of the draw, of what softens it */
    double chance[CATEGORIES];
    IrRef *after; /* what follows from the noise */
    size_t made;
} Softened;

/* The noise of the draw, or of what softens it; NULL: there is none. */
static const IrNode *noise_of(const IrGraph *g, bool softens)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        const char *name = n->op == IR_DRAW ? g->site[n->attr.item].name : NULL;
        if (name && (strstr(name, ".soft") != NULL) == softens)
            return n;
    }
    return NULL;
}

static void find_chances(Softened *s)
{
    bool logits = ir_category_law(s->sum.law) == IR_DIST_categorical_logits;
    double total = 0;
    for (int i = 0; i < CATEGORIES; i++)
        total += s->chance[i] = logits ? exp(s->sum.arg[0][i]) : s->sum.arg[0][i];
    for (int i = 0; i < CATEGORIES; i++)
        s->chance[i] /= total;
}

static void find_after(Softened *s, Arena *a)
{
    const IrGraph *g = s->sum.g;
    bool *moves = arena_array(a, bool, g->count + 1);
    s->after = arena_array(a, IrRef, g->count + 1);
    for (IrRef r = 0; r < g->count; r++) {
        moves[r] = g->node[r].op == IR_DRAW;
        for (uint32_t k = 0; k < g->node[r].n_in; k++)
            moves[r] |= moves[g->node[r].in[k]];
        if (moves[r])
            s->after[s->made++] = r;
    }
}

/* The variates whose exponentials are `size` times these: a large one, so that variates near 1,
 * which have few digits, belong to small corners of the triangle. */
static void evaluate_at(Softened *s, const double *direction, double size)
{
    for (int i = 0; i < CATEGORIES; i++)
        s->softens[i] = fmin(exp(-size * direction[i]), nextafter(1, 0));
    sum_evaluate(&s->sum, s->after, s->made);
}

static double first_root(const Softened *s, size_t i)
{
    return s->sum.value[s->sum.root[i]][0];
}

/* Nothing reads the size. */
static void check_size(Softened *s)
{
    static const double direction[] = {0.2, 0.3, 0.5};
    for (size_t i = 0; i < s->sum.roots; i++) {
        evaluate_at(s, direction, SIZE);
        double one = first_root(s, i);
        evaluate_at(s, direction, 1);
        if (!(fabs(first_root(s, i) - one) <= 1e-13 * (1 + fabs(one))))
            abort();
    }
}

static void add_directions(Softened *s, double weight)
{
    Points p = {0};
    points_between(&p, 0, 1, HALF, density_flat);
    for (int i = 0; i < p.count; i++)
        for (int k = 0; k < p.count; k++) {
            double a = p.x[i], rest = 1 - a, b = p.x[k];
            evaluate_at(s, (double[]){a, rest * b, rest * (1 - b)}, SIZE);
            sum_add(&s->sum, weight * p.weight[i] * p.weight[k] * 2 * rest);
        }
}

TapeResult softened_expectation(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    const IrNode *draw = noise_of(g, false), *soft = noise_of(g, true);
    if (!soft)
        return tape_expectation(t, g, in);
    Softened s = {.sum = sum_of(t, g, in)};
    if (s.sum.categories != CATEGORIES)
        abort();
    s.decides = s.sum.noise[draw->attr.item];
    s.softens = s.sum.noise[soft->attr.item];
    find_chances(&s);
    find_after(&s, t->arena);
    double below = 0;
    for (int k = 0; k < CATEGORIES; k++) {
        *s.decides = below + s.chance[k] / 2;
        below += s.chance[k];
        check_size(&s);
        add_directions(&s, s.chance[k]);
    }
    return s.sum.result;
}
