#include "tests/laws/sum.h"

#include <stdio.h>
#include <stdlib.h>

static void out_of_range(IrRef fault)
{
    fprintf(stderr, "node %u: an index is out of range\n", fault);
    abort();
}

/* The law's arguments, from the source graph as far as the draw. */
static void find_arguments(Sum *s, const TapeModel *t)
{
    IrGraph before = t->model.graph[0];
    IrRef draw = 0, fault;
    while (before.node[draw].op != IR_SAMPLE)
        draw++;
    const IrNode *n = &before.node[draw];
    double **value = arena_array(t->arena, double *, before.count + 1);
    s->arg = arena_array(t->arena, double *, n->n_in + 1);
    before.count = draw;
    if (!ir_eval(&before, &s->env, t->arena, value, &fault))
        out_of_range(fault);
    for (uint32_t k = 0; k < n->n_in; k++)
        s->arg[k] = value[n->in[k]];
    s->law = n->attr.dist;
    s->categories = ir_elements(&before.node[n->in[0]].type);
}

static void find_roots(Sum *s, Arena *a)
{
    static const IrOp kind[] = {IR_OBJECTIVE, IR_GRAD, IR_NEXT};
    for (size_t k = 0; k < sizeof kind / sizeof *kind; k++)
        for (IrRef r = 0; r < s->g->count; r++)
            if (s->g->node[r].op == kind[k]) {
                *arena_push(a, s->root, s->roots, IrRef) = r;
                s->result.count += (size_t)ir_elements(&s->g->node[r].type);
            }
    s->result.value = arena_array(a, double, s->result.count + 1);
    s->result.square = arena_array(a, double, s->result.count + 1);
}

static void make_noise(Sum *s, Arena *a)
{
    s->noise = arena_array(a, double *, s->g->sites + 1);
    for (IrRef r = 0; r < s->g->count; r++) {
        const IrNode *n = &s->g->node[r];
        if (n->op != IR_DRAW)
            continue;
        int64_t count = ir_copies(s->g, n->type.plates, 1) * ir_elements(&n->type);
        double *site = arena_array(a, double, (size_t)count);
        for (int64_t e = 0; e < count; e++)
            site[e] = 0.5;
        s->noise[n->attr.item] = site;
    }
    s->env.noise = (const double *const *)s->noise;
}

Sum sum_of(const TapeModel *t, const IrGraph *g, const TapeInput *in)
{
    Sum s = {.g = g};
    s.env = (IrEnv){.param = (const double *const *)in->param,
                    .data = (const double *const *)in->data,
                    .hyper = in->hyper,
                    .state = in->state,
                    .rows = in->rows,
                    .total_rows = in->total_rows};
    find_arguments(&s, t);
    find_roots(&s, t->arena);
    make_noise(&s, t->arena);
    s.value = arena_array(t->arena, double *, g->count + 1);
    IrRef fault;
    if (!ir_eval(g, &s.env, t->arena, s.value, &fault))
        out_of_range(fault);
    return s;
}

void sum_evaluate(Sum *s, const IrRef *node, size_t nodes)
{
    IrRef fault;
    if (!ir_eval_nodes(s->g, &s->env, node, nodes, s->value, &fault))
        out_of_range(fault);
}

void sum_add(Sum *s, double weight)
{
    size_t at = 0;
    for (size_t i = 0; i < s->roots; i++)
        for (int64_t e = 0; e < ir_elements(&s->g->node[s->root[i]].type); e++, at++) {
            double v = s->value[s->root[i]][e];
            s->result.value[at] += weight * v;
            s->result.square[at] += weight * v * v;
        }
    s->result.points++;
}
