/* Baselines that learn what a draw's cost will be from the arguments of its law.
 *
 *   b = w_0 + sum over arguments j of w_j m_j,  m_j the mean of argument j over its elements
 *
 * The arguments are known before the draw is, so that any b is legal.  After it is read, each w
 * moves towards the cost by the normalised least-mean-squares rule: (f - b) x / (1 + |x|^2), at a
 * fixed rate, averaged over the copies.  (Widrow & Hoff, 1960; Mnih & Gregor, "Neural variational
 * inference and learning in belief networks", 2014, for such baselines.) */
#include "passes/estimator.h"

#define RATE 0.1

enum { FEATURES = 4 };

IrRef es_learned(EsProgram *p, const EsDraw *d, uint32_t which)
{
    IrGraph *g = p->g;
    const char *name = es_name(&p->source->node[d->node]);
    return es_state(g, which ? arena_printf(g->model->arena, "%s_%u", name, which) : name);
}

void es_learn(EsProgram *p, IrRef before, IrRef after)
{
    ir_node(p->g, IR_NEXT, (IrAttr){.item = p->g->node[before].attr.item}, 1, &after);
}

/* 1, and the mean of each argument: of values, which have no tangent here. */
static uint32_t features(EsProgram *p, const EsDraw *d, IrRef *x)
{
    IrGraph *g = p->g;
    uint32_t count = 0, arguments = ir_dist_info[d->law].arguments;
    x[count++] = ir_const(g, 1);
    for (uint32_t k = 0; k < arguments && count < FEATURES; k++) {
        double elements = (double)ir_elements(&g->node[d->arg[k]].type);
        x[count++] = es_times(g, ir_sum_all(g, ir_real(g, d->arg[k])), ir_const(g, 1 / elements));
    }
    return count;
}

static IrRef learn(EsProgram *p, const EsDraw *d, IrRef error, IrRef feature, IrRef weight)
{
    IrGraph *g = p->g;
    IrRef step = es_mean(p, ir_binary(g, IR_MUL, error, feature), d->weighed);
    IrRef news = ir_binary(g, IR_ADD, weight, es_times(g, step, ir_const(g, RATE)));
    es_learn(p, weight, news);
    return news;
}

IrRef es_learned_baseline(EsProgram *p, const EsDraw *d, IrRef f)
{
    IrGraph *g = p->g;
    IrRef x[FEATURES], w[FEATURES], b = IR_NONE, size = IR_NONE;
    uint32_t count = features(p, d, x);
    for (uint32_t k = 0; k < count; k++) {
        w[k] = es_learned(p, d, k);
        IrRef part = ir_binary(g, IR_MUL, w[k], x[k]), square = ir_unary(g, IR_SQUARE, x[k]);
        b = b == IR_NONE ? part : ir_binary(g, IR_ADD, b, part);
        size = size == IR_NONE ? square : ir_binary(g, IR_ADD, size, square);
    }
    IrRef error = ir_binary(g, IR_DIV, ir_binary(g, IR_SUB, f, b), size);
    for (uint32_t k = 0; k < count; k++) {
        IrRef news = learn(p, d, error, x[k], w[k]);
        if (k == 0 && MUTATED(EAGER_LEARNING))
            b = ir_binary(g, IR_ADD, b, ir_binary(g, IR_SUB, news, w[k]));
    }
    return b;
}
