/* The evaluator: what a graph means, in f64, slowly and plainly.  Everything else is tested against
 * it.
 *
 * Nodes are computed in order; those of a region step by step, each node at one step before any at
 * the next.  Every value is kept whole, so that an adjoint region can read every step of the region
 * it reverses.  The rules: here leaves, roots and element-wise ops; ir/eval_sum.c sums of all
 * kinds; ir/eval_move.c shapes, plates and indices; ir/eval_linalg.c matrices. */
#include "ir/eval.h"

#include <assert.h>
#include <string.h>

/* ---- loop nests ---------------------------------------------------------------------------- */

int64_t ir_plate_size(const Eval *e, uint32_t plate)
{
    return e->g->plate[plate].kind == IR_PLATE_ROWS ? e->env->rows : e->g->plate[plate].size;
}

int64_t ir_plate_stride(const Eval *e, const IrType *t, uint32_t plate)
{
    IrPlates inner = plate + 1 < 32 ? t->plates >> (plate + 1) << (plate + 1) : 0;
    return t->plates >> plate & 1 ? ir_copies(e->g, inner, e->env->rows) * ir_elements(t) : 0;
}

int64_t ir_axis_stride(const IrType *t, uint32_t axis)
{
    int64_t n = 1;
    for (uint32_t i = axis + 1; i < t->rank; i++)
        n *= t->dim[i];
    return n;
}

void ir_nest_start(Nest *n)
{
    n->depth = 0;
    memset(n->at, 0, sizeof n->at);
}

void ir_nest_loop(Nest *n, int64_t size, const int64_t stride[NEST_ARRAYS])
{
    n->size[n->depth] = size;
    n->count[n->depth] = 0;
    memcpy(n->stride[n->depth++], stride, sizeof n->stride[0]);
}

void ir_nest_plates(const Eval *e, Nest *n, IrPlates plates, const IrType *const *t,
                    uint32_t arrays)
{
    for (uint32_t p = 0; p < e->g->plates; p++) {
        int64_t stride[NEST_ARRAYS] = {0};
        if (!(plates >> p & 1))
            continue;
        for (uint32_t i = 0; i < arrays; i++)
            stride[i] = ir_plate_stride(e, t[i], p);
        if ((int32_t)p == e->plate)
            for (uint32_t i = 0; i < arrays; i++)
                n->at[i] += stride[i] * e->step;
        else
            ir_nest_loop(n, ir_plate_size(e, p), stride);
    }
}

bool ir_nest_next(Nest *n)
{
    for (uint32_t d = n->depth; d-- > 0;) {
        bool more = ++n->count[d] < n->size[d];
        int64_t steps = more ? 1 : 1 - n->size[d];
        for (uint32_t i = 0; i < NEST_ARRAYS; i++)
            n->at[i] += steps * n->stride[d][i];
        if (more)
            return true;
        n->count[d] = 0;
    }
    return false;
}

/* ---- element-wise -------------------------------------------------------------------------- */

/* Every element of the node, with the element of each operand that it reads. */
static void elements(const Eval *e, const IrNode *n, Nest *nest)
{
    const IrType *t[NEST_ARRAYS] = {&n->type};
    ir_nest_start(nest);
    for (uint32_t i = 0; i < n->n_in; i++)
        t[i + 1] = ir_operand_type(e, n, i);
    ir_nest_plates(e, nest, n->type.plates, t, n->n_in + 1);
    for (uint32_t axis = 0; axis < n->type.rank; axis++) {
        int64_t stride[NEST_ARRAYS] = {ir_axis_stride(&n->type, axis)};
        for (uint32_t i = 1; i <= n->n_in; i++)
            stride[i] = t[i]->rank ? stride[0] : 0;
        ir_nest_loop(nest, n->type.dim[axis], stride);
    }
}

void ir_eval_ew(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    Nest nest;
    elements(e, n, &nest);
    do {
        double in[3] = {0};
        for (uint32_t i = 0; i < n->n_in; i++)
            in[i] = ir_operand_value(e, n, i)[nest.at[i + 1]];
        e->value[r][nest.at[0]] = ir_scalar(n->op, in[0], in[1], in[2]);
    } while (ir_nest_next(&nest));
}

void ir_eval_copy(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    Nest nest;
    elements(e, n, &nest);
    do
        e->value[r][nest.at[0]] = ir_operand_value(e, n, 0)[nest.at[1]];
    while (ir_nest_next(&nest));
}

/* ---- leaves -------------------------------------------------------------------------------- */

static void fill(Eval *e, IrRef r, double v)
{
    Nest nest;
    elements(e, &e->g->node[r], &nest);
    do
        e->value[r][nest.at[0]] = v;
    while (ir_nest_next(&nest));
}

static void read_array(Eval *e, IrRef r, const double *from)
{
    Nest nest;
    elements(e, &e->g->node[r], &nest);
    assert(from && "the caller gives every array that the graph reads");
    do
        e->value[r][nest.at[0]] = from[nest.at[0]];
    while (ir_nest_next(&nest));
}

static void ir_eval_konst(Eval *e, IrRef r)
{
    fill(e, r, e->g->node[r].attr.num);
}

static void ir_eval_param(Eval *e, IrRef r)
{
    read_array(e, r, e->env->param[e->g->node[r].attr.item]);
}

static void ir_eval_data(Eval *e, IrRef r)
{
    read_array(e, r, e->env->data[e->g->node[r].attr.item]);
}

static void ir_eval_draw(Eval *e, IrRef r)
{
    read_array(e, r, e->env->noise[e->g->node[r].attr.item]);
}

static void ir_eval_hyper(Eval *e, IrRef r)
{
    uint32_t item = e->g->node[r].attr.item;
    fill(e, r, e->env->hyper ? e->env->hyper[item] : e->g->model->hyper[item].value);
}

static void ir_eval_state(Eval *e, IrRef r)
{
    if (e->env->state)
        read_array(e, r, e->env->state + ir_state_at(e->g, e->g->node[r].attr.item));
    else
        fill(e, r, 0);
}

static void ir_eval_rows(Eval *e, IrRef r)
{
    fill(e, r, (double)e->env->rows);
}

static void ir_eval_total(Eval *e, IrRef r)
{
    fill(e, r, e->env->total_rows);
}

static void ir_eval_index(Eval *e, IrRef r)
{
    const IrAttr *attr = &e->g->node[r].attr;
    int64_t size = ir_plate_size(e, (uint32_t)attr->plate);
    bool rows = e->g->plate[attr->plate].kind == IR_PLATE_ROWS && e->env->row;
    for (int64_t i = 0; i < size; i++)
        e->value[r][i] = (double)((rows ? e->env->row[i] : i) + attr->k[0]);
}

/* A draw of the source language has no value here: its noise is not separate yet. */
static void ir_eval_none(Eval *e, IrRef r)
{
    e->fault = r;
}

/* ---- roots --------------------------------------------------------------------------------- */

#define ir_eval_cost ir_eval_copy
#define ir_eval_output ir_eval_copy
#define ir_eval_object ir_eval_copy
#define ir_eval_grad ir_eval_copy
#define ir_eval_next ir_eval_copy

/* ---- sequences ----------------------------------------------------------------------------- */

static int64_t first_step(const Eval *e, const IrRegion *region)
{
    return region->reverse ? ir_plate_size(e, (uint32_t)region->plate) - 1 : 0;
}

/* The first operand at the first step; then the second at the step before. */
static void ir_eval_carry(Eval *e, IrRef r)
{
    const IrNode *n = &e->g->node[r];
    const IrRegion *region = &e->g->region[n->region - 1];
    bool first = e->step == first_step(e, region);
    uint32_t from = first ? 0 : 1;
    int64_t step = ir_plate_stride(e, ir_operand_type(e, n, 1), (uint32_t)e->plate);
    int64_t back = first ? 0 : region->reverse ? step : -step;
    Nest nest;
    elements(e, n, &nest);
    do
        e->value[r][nest.at[0]] = ir_operand_value(e, n, from)[nest.at[1 + from] + back];
    while (ir_nest_next(&nest));
}

/* ---- the graph ----------------------------------------------------------------------------- */

static IrEvalRule *const rule[IR_OP_COUNT] = {
#define OP(id, name, arity, type, value, emit, ...) [IR_##id] = ir_eval_##emit,
#include "ir/op.def"
};

/* Nodes of one region, all of them or those that are asked for. */
static void eval_region(Eval *e, const IrRef *node, size_t nodes)
{
    const IrRegion *region = &e->g->region[e->g->node[*node].region - 1];
    int64_t steps = ir_plate_size(e, (uint32_t)region->plate);
    e->plate = region->plate;
    for (int64_t i = 0; i < steps; i++) {
        e->step = region->reverse ? steps - 1 - i : i;
        for (size_t k = 0; k < nodes && e->fault == IR_NONE; k++)
            rule[e->g->node[node[k]].op](e, node[k]);
    }
    e->plate = -1;
}

static size_t end_of_region(const IrGraph *g, const IrRef *node, size_t first, size_t nodes)
{
    size_t end = first + 1;
    while (end < nodes && g->node[node[end]].region == g->node[node[first]].region)
        end++;
    return end;
}

static size_t room(const IrGraph *g, const IrEnv *env, IrRef r)
{
    const IrType *t = &g->node[r].type;
    return (size_t)(ir_copies(g, t->plates, env->rows) * ir_elements(t));
}

bool ir_eval_nodes(const IrGraph *g, const IrEnv *env, const IrRef *node, size_t nodes,
                   double **value, IrRef *fault)
{
    Arena *scratch = arena_new();
    Eval e = {.g = g, .env = env, .arena = scratch, .value = value, .plate = -1, .fault = IR_NONE};
    for (size_t i = 0; i < nodes; i++)
        memset(value[node[i]], 0, room(g, env, node[i]) * sizeof **value);
    for (size_t i = 0, end; i < nodes && e.fault == IR_NONE; i = end) {
        bool sequence = g->node[node[i]].region != 0;
        end = sequence ? end_of_region(g, node, i, nodes) : i + 1;
        if (sequence)
            eval_region(&e, &node[i], end - i);
        else
            rule[g->node[node[i]].op](&e, node[i]);
    }
    arena_free(scratch);
    if (e.fault != IR_NONE && fault)
        *fault = e.fault;
    return e.fault == IR_NONE;
}

bool ir_eval(const IrGraph *g, const IrEnv *env, Arena *a, double **value, IrRef *fault)
{
    IrRef *all = arena_array(a, IrRef, g->count + 1);
    for (IrRef r = 0; r < g->count; r++) {
        all[r] = r;
        value[r] = arena_array(a, double, room(g, env, r));
    }
    return ir_eval_nodes(g, env, all, g->count, value, fault);
}
