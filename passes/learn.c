/* Baselines that learn what a draw's cost will be from what is known before the draw is
 * (estimators.md C4): values that the user names, or those that the arguments of its law are
 * computed from.
 *
 * After it is read, b moves towards the cost, by the normalised least-mean-squares rule: along its
 * own derivative, (f - b) db / |db|^2, at a fixed rate, averaged over the copies, so that it fits
 * at any scale of costs and inputs.  (Widrow & Hoff, 1960; Mnih & Gregor, "Neural variational
 * inference and learning in belief networks", 2014, for such baselines.) */
#include "passes/estimator.h"

/* What the draw's copy is not decided by is taken at its mean. */
static IrRef in_frame(EsProgram *p, const EsDraw *d, IrRef v)
{
    for (IrPlates other; (other = p->g->node[v].type.plates & ~d->plates);)
        v = es_mean(p, v, other);
    return v;
}

/* An input as a vector; categories, which have no order, one by one. */
static IrRef as_vector(EsProgram *p, const EsDraw *d, const EsInput *input)
{
    IrGraph *g = p->g;
    IrRef v = input->node;
    if (input->categories > 0)
        v = ir_one_hot(g, v, input->categories);
    v = in_frame(p, d, ir_real(g, v));
    IrType flat = g->node[v].type;
    flat.rank = 1;
    flat.dim[0] = ir_elements(&g->node[v].type);
    for (uint32_t i = 1; i < IR_MAX_RANK; i++)
        flat.dim[i] = 0;
    return ir_typed(g, IR_RESHAPE, (IrAttr){0}, flat, 1, &v);
}

static IrRef inputs_of(EsProgram *p, const EsDraw *d)
{
    IrGraph *g = p->g;
    IrRef *part = arena_array(g->model->arena, IrRef, d->inputs + 2);
    uint32_t parts = 0;
    for (uint32_t k = 0; k < d->inputs; k++)
        part[parts++] = as_vector(p, d, &d->input[k]);
    if (MUTATED(SEEN_DRAW))
        part[parts++] = as_vector(p, d, &(EsInput){d->value, 0});
    return parts == 0   ? IR_NONE
           : parts == 1 ? part[0]
                        : ir_node(g, IR_CONCAT, (IrAttr){0}, parts, part);
}

IrRef es_learned_baseline(EsProgram *p, const EsDraw *d, IrRef f)
{
    IrGraph *g = p->g;
    EsNet n = es_net(p, d, inputs_of(p, d));
    IrRef error = ir_binary(g, IR_SUB, f, n.value);
    IrRef after = es_net_learn(p, d, &n, ir_binary(g, IR_DIV, error, es_net_size(g, &n)), IR_NONE);
    if (!MUTATED(EAGER_LEARNING))
        return n.value;
    return ir_binary(g, IR_ADD, n.value, ir_binary(g, IR_SUB, after, n.constant));
}
