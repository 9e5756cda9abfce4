/* What costs nothing in a schedule. */
#include "passes/schedule.h"

Users users_of(const IrGraph *g)
{
    Arena *a = g->model->arena;
    Users u = {.start = arena_array(a, uint32_t, g->count + 2)};
    for (IrRef r = 0; r < g->count; r++)
        for (uint32_t i = 0; i < g->node[r].n_in; i++)
            u.start[g->node[r].in[i] + 2]++;
    for (IrRef r = 0; r < g->count; r++)
        u.start[r + 2] += u.start[r + 1];
    u.user = arena_array(a, IrRef, u.start[g->count + 1] + 1);
    for (IrRef r = 0; r < g->count; r++)
        for (uint32_t i = 0; i < g->node[r].n_in; i++)
            u.user[u.start[g->node[r].in[i] + 1]++] = r;
    return u;
}

bool read_in_place(const IrNode *n)
{
    bool kept = n->op == IR_STATE && n->type.rank > 0;
    return ir_op_info[n->op].flags & IR_LEAF && !kept;
}

static bool is_leaf(const IrNode *n)
{
    return read_in_place(n) || n->op == IR_CONST || n->op == IR_INDEX;
}

static bool read_by_root(const IrGraph *g, IrRef r, const Users *users)
{
    for (uint32_t i = users->start[r]; i < users->start[r + 1]; i++)
        if (ir_op_info[g->node[users->user[i]].op].flags & IR_EFFECT)
            return true;
    return false;
}

/* A scalar that depends on constants and numbers of the run alone; a result is made only once. */
static bool is_scalar_of_leaves(const IrGraph *g, IrRef r, const Users *users, const bool *view)
{
    const IrNode *n = &g->node[r];
    if (!(ir_op_info[n->op].flags & IR_EW) || n->type.plates || n->type.rank ||
        read_by_root(g, r, users))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++) {
        const IrNode *from = &g->node[n->in[i]];
        bool number = (is_leaf(from) && from->op != IR_PARAM && from->op != IR_DATA) ||
                      ir_op_info[from->op].flags & IR_EW;
        if (!view[n->in[i]] || !number)
            return false;
    }
    return true;
}

static bool is_move(IrOp op)
{
    return op == IR_TRANSPOSE || op == IR_EXPAND || op == IR_SLICE || op == IR_DIAG_PART ||
           op == IR_TO_PLATE || op == IR_SAMPLED || op == IR_SCORE || op == IR_STOP;
}

/* Does n read element by element, so that the elements may stand anywhere? */
static bool reads_elements(const IrNode *n, bool view)
{
    switch (n->op) {
    case IR_SUM:
    case IR_PROD:
    case IR_REDUCE_MAX:
    case IR_REDUCE_MIN:
    case IR_PARTIAL:
        return true;
    default:
        return (ir_op_info[n->op].flags & IR_EW) || (is_move(n->op) && view);
    }
}

static bool is_moved_view(const IrGraph *g, IrRef r, const Users *users, const bool *view)
{
    if (!is_move(g->node[r].op))
        return false;
    for (uint32_t i = users->start[r]; i < users->start[r + 1]; i++) {
        IrRef by = users->user[i];
        if (!reads_elements(&g->node[by], view[by]))
            return false;
    }
    return true;
}

bool *find_views(const IrGraph *g)
{
    Users users = users_of(g);
    bool *view = arena_array(g->model->arena, bool, g->count + 1);
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        view[r] = n->region == 0 &&
                  (is_leaf(n) || n->op == IR_RESHAPE || is_scalar_of_leaves(g, r, &users, view));
    }
    for (IrRef r = g->count; r-- > 0;)
        view[r] = view[r] || (g->node[r].region == 0 && is_moved_view(g, r, &users, view));
    return view;
}
