/* Which numbers are positive, whatever the parameters and draws: e^x, and what is made of such. */
#include "passes/estimator.h"

enum { DEPTH = 12 }; /* of an expression that is looked into */

static bool is_above(const IrGraph *g, IrRef r, unsigned depth);

static bool are_above(const IrGraph *g, const IrNode *n, unsigned depth)
{
    for (uint32_t k = 0; k < n->n_in; k++)
        if (!is_above(g, n->in[k], depth))
            return false;
    return true;
}

static bool is_number(const IrGraph *g, IrRef r, double *number)
{
    const IrNode *n = &g->node[r];
    n = n->op == IR_TO_REAL ? &g->node[n->in[0]] : n;
    *number = n->attr.num;
    return n->op == IR_CONST;
}

/* n - n p, of a p between 0 and 1. */
static bool is_rest(const IrGraph *g, const IrNode *n)
{
    const IrNode *part = &g->node[n->in[1]];
    double whole, times = 1;
    bool scaled = part->op == IR_MUL && is_number(g, part->in[0], &times);
    const IrNode *p = scaled ? &g->node[part->in[1]] : part;
    return is_number(g, n->in[0], &whole) && whole == times && whole > 0 && p->op == IR_SIGMOID;
}

static bool is_above(const IrGraph *g, IrRef r, unsigned depth)
{
    const IrNode *n = &g->node[r];
    if (depth == 0)
        return false;
    switch (n->op) {
    case IR_EXP:
    case IR_SIGMOID:
    case IR_SOFTPLUS:
        return true;
    case IR_CONST:
        return n->attr.num > 0;
    case IR_SUB:
        return is_rest(g, n);
    case IR_ADD:
    case IR_MUL:
    case IR_DIV:
    case IR_SQRT:
    case IR_TO_REAL:
    case IR_SUM:
    case IR_EXPAND:
    case IR_RESHAPE:
    case IR_TRANSPOSE:
    case IR_SLICE:
    case IR_CONCAT:
    case IR_TO_PLATE:
    case IR_TO_AXIS:
        return are_above(g, n, depth - 1);
    case IR_GATHER:
    case IR_ABOVE:
    case IR_AT_LEAST:
    case IR_AT_MOST:
        return is_above(g, n->in[0], depth - 1);
    default:
        return false;
    }
}

bool es_is_positive(const IrGraph *g, IrRef r)
{
    return is_above(g, r, DEPTH);
}
