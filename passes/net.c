/* Functions that are learned beside the model: baselines (learn.c) and control variates
 * (control.c).
 *
 *   c(x) = w_0 + w . x                      or, with a hidden layer,
 *   c(x) = w_0 + w . h,                     h = tanh(V x + u)
 *
 * x is a vector a copy; the weights are shared by all copies, and handed on from step to step. They
 * are read before this step moves them, so that c is known before the draw is.  Their derivatives
 * are written out here, and go nowhere else: no parameter is moved by what c learns. */
#include "passes/estimator.h"

#include <math.h>

#define RATE 0.1

static IrRef weights(EsProgram *p, const EsDraw *d, const char *of, IrType type, double spread)
{
    IrGraph *g = p->g;
    const char *name = es_name(&p->source->node[d->node]);
    return es_state(g, *of ? arena_printf(g->model->arena, "%s.%s", name, of) : name, type, spread);
}

static IrType vector(int64_t size)
{
    return (IrType){.elem = IR_REAL, .rank = 1, .dim = {size}};
}

static IrRef mul(IrGraph *g, IrRef a, IrRef b)
{
    return ir_binary(g, IR_MUL, a, b);
}

static IrRef add(IrGraph *g, IrRef a, IrRef b)
{
    return a == IR_NONE ? b : ir_binary(g, IR_ADD, a, b);
}

static IrRef dot(IrGraph *g, IrRef a, IrRef b)
{
    return ir_contract(g, "a,a->", 0, a, b);
}

static IrRef size(IrGraph *g, IrRef v)
{
    return ir_sum_all(g, ir_unary(g, IR_SQUARE, v));
}

static IrRef one_more(IrGraph *g, IrRef v)
{
    return add(g, ir_const(g, 1), v);
}

/* The units begin apart, and where tanh bends, for inputs of about 1. */
static void add_hidden(EsProgram *p, const EsDraw *d, EsNet *n)
{
    IrGraph *g = p->g;
    int64_t inputs = g->node[n->x].type.dim[0];
    IrType matrix = {.elem = IR_REAL, .rank = 2, .dim = {d->hidden, inputs}};
    n->in = weights(p, d, "hidden", matrix, sqrt(3 / (double)inputs));
    n->bias = weights(p, d, "hidden.bias", vector(d->hidden), 1);
    IrRef a = add(g, ir_contract(g, "ab,b->a", 0, n->in, n->x), n->bias);
    n->h = ir_unary(g, IR_TANH, a);
    n->bend = ir_binary(g, IR_SUB, ir_const(g, 1), ir_unary(g, IR_SQUARE, n->h));
}

EsNet es_net(EsProgram *p, const EsDraw *d, IrRef x)
{
    IrGraph *g = p->g;
    EsNet n = {.x = x, .h = x, .weight = IR_NONE, .in = IR_NONE};
    n.constant = n.value = weights(p, d, "", ir_scalar_type(IR_REAL, 0), 0);
    if (x == IR_NONE)
        return n;
    if (d->hidden > 0)
        add_hidden(p, d, &n);
    n.weight = weights(p, d, "weights", vector(g->node[n.h].type.dim[0]), 0);
    n.value = add(g, n.constant, dot(g, n.weight, n.h));
    if (n.in != IR_NONE)
        n.slope = mul(g, n.weight, n.bend);
    return n;
}

IrRef es_net_slope(IrGraph *g, const EsNet *n)
{
    return n->in == IR_NONE ? n->weight : ir_contract(g, "ab,a->b", 0, n->in, n->slope);
}

IrRef es_net_size(IrGraph *g, const EsNet *n)
{
    if (n->x == IR_NONE)
        return ir_const(g, 1);
    IrRef all = one_more(g, size(g, n->h));
    if (n->in == IR_NONE)
        return all;
    return add(g, all, mul(g, size(g, n->slope), one_more(g, size(g, n->x))));
}

IrRef es_net_bend(IrGraph *g, const EsNet *n)
{
    if (n->in == IR_NONE)
        return ir_const(g, 1);
    IrRef rows = ir_reduce(g, IR_SUM, ir_unary(g, IR_SQUARE, n->in), 2, 0);
    IrRef turned = ir_unary(g, IR_SQUARE, mul(g, n->h, n->slope));
    IrRef bends = mul(g, dot(g, turned, rows), one_more(g, size(g, n->x)));
    IrRef all = add(g, dot(g, ir_unary(g, IR_SQUARE, n->bend), rows), size(g, n->slope));
    return add(g, all, mul(g, ir_const(g, 4), bends));
}

/* ---- learning ------------------------------------------------------------------------------- */

static IrRef move(EsProgram *p, IrRef state, IrRef step)
{
    IrGraph *g = p->g;
    IrRef after = add(g, state, mul(g, step, ir_const(g, RATE)));
    ir_node(g, IR_NEXT, (IrAttr){.item = g->node[state].attr.item}, 1, &after);
    return after;
}

static void move_hidden(EsProgram *p, const EsDraw *d, const EsNet *n, IrRef along, IrRef turn)
{
    IrGraph *g = p->g;
    IrRef factor = along, turned = IR_NONE;
    if (turn != IR_NONE) {
        IrRef bent =
            mul(g, mul(g, n->h, ir_const(g, 2)), ir_contract(g, "ab,b->a", 0, n->in, turn));
        factor = ir_binary(g, IR_SUB, along, bent);
        turned = es_mean_outer(p, n->slope, turn, d->weighed);
    }
    IrRef back = mul(g, n->slope, factor);
    move(p, n->in, add(g, turned, es_mean_outer(p, back, n->x, d->weighed)));
    move(p, n->bias, es_mean(p, back, d->weighed));
}

IrRef es_net_learn(EsProgram *p, const EsDraw *d, const EsNet *n, IrRef along, IrRef turn)
{
    IrGraph *g = p->g;
    if (n->weight != IR_NONE) {
        IrRef step = mul(g, along, n->h), turned = turn;
        if (turn != IR_NONE && n->in != IR_NONE)
            turned = mul(g, n->bend, ir_contract(g, "ab,b->a", 0, n->in, turn));
        move(p, n->weight, es_mean(p, add(g, turned, step), d->weighed));
    }
    if (n->in != IR_NONE)
        move_hidden(p, d, n, along, turn);
    return move(p, n->constant, es_mean(p, along, d->weighed));
}
