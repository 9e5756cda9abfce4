/* The table of dist.def, and what follows from its columns. */
#include "ir/dist.h"

const IrDistInfo ir_dist_info[IR_DIST_COUNT] = {
/* clang-format off */
#define DIST(id, name, argument, count, event, elem, support, moves, base, noise, estimators, doc) \
    [IR_DIST_##id] = {name, argument, count, event, IR_##elem, IR_##support, moves,                \
                      IR_BASE_##base, IR_NOISE_##noise, estimators, ir_logpdf_##id,                \
                      ir_transport_##id, ir_moment_##id, doc},
#include "ir/dist.def"
    /* clang-format on */
};

const char *const ir_planned_law[] = {
#define DIST(...)
#define PLANNED(name) name,
#include "ir/dist.def"
    NULL};

/* ---- noise --------------------------------------------------------------------------------- */

static int64_t trials(const IrGraph *g, const IrRef *arg)
{
    const IrNode *n = &g->node[arg[0]];
    return n->op == IR_CONST ? (int64_t)n->attr.num : 0;
}

static void add_first_axis(IrType *t, int64_t dim)
{
    for (uint32_t i = t->rank; i > 0; i--)
        t->dim[i] = t->dim[i - 1];
    t->dim[0] = dim;
    t->rank++;
}

IrType ir_noise_type(const IrGraph *g, IrDist d, const IrRef *arg, const IrType *value)
{
    IrNoise noise = ir_dist_info[d].noise;
    IrType t = *value;
    t.elem = IR_REAL;
    if (noise == IR_NOISE_EVENT || noise == IR_NOISE_TRIALS)
        t.dim[--t.rank] = 0;
    if (noise == IR_NOISE_PAIR)
        add_first_axis(&t, 2);
    if (noise == IR_NOISE_TRIALS)
        add_first_axis(&t, trials(g, arg));
    return t;
}

/* ---- laws of finitely many values ---------------------------------------------------------- */

int64_t ir_dist_values(const IrGraph *g, IrDist d, const IrRef *arg)
{
    switch (ir_dist_info[d].support) {
    case IR_ZERO_ONE:
        return 2;
    case IR_CATEGORIES:
    case IR_ONE_HOT_EVENTS:
        return g->node[arg[0]].type.dim[0];
    case IR_BOUNDED_COUNTS:
        return g->node[arg[0]].op == IR_CONST ? trials(g, arg) + 1 : 0;
    default:
        return 0;
    }
}
