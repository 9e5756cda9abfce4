/* Warnings about source graphs: few, and each nearly always right.  A name that begins with `_` is
 * meant to be as it is. */
#include "passes/estimator.h"

#include <string.h>

/* What the graphs of a model read.  One entry an item of the model. */
typedef struct Uses {
    bool *param, *trained, *data, *hyper; /* trained: a cost depends on the param */
    bool costs;
} Uses;

static bool is_meant(const char *name)
{
    const char *dot = name ? strrchr(name, '.') : NULL;
    return !name || (dot ? dot[1] : name[0]) == '_';
}

/* Marks what r reads, directly or not, itself included. */
static bool *read_by(const IrGraph *g, IrRef r)
{
    bool *read = arena_array(g->model->arena, bool, g->count + 1);
    read[r] = true;
    for (bool news = true; news;) { /* carries look forward */
        news = false;
        for (IrRef i = g->count; i-- > 0;)
            for (uint32_t k = 0; k < g->node[i].n_in && read[i]; k++) {
                news |= !read[g->node[i].in[k]];
                read[g->node[i].in[k]] = true;
            }
    }
    return read;
}

static void mark(const IrGraph *g, const bool *read, IrOp op, bool *used)
{
    for (IrRef r = 0; r < g->count; r++)
        if (read[r] && g->node[r].op == op)
            used[g->node[r].attr.item] = true;
}

static bool reads_any(const IrGraph *g, const bool *read, const IrOp *op, size_t ops)
{
    for (IrRef r = 0; r < g->count; r++)
        for (size_t k = 0; k < ops; k++)
            if (read[r] && g->node[r].op == op[k])
                return true;
    return false;
}

/* ---- costs --------------------------------------------------------------------------------- */

static void warn_cost(const IrGraph *g, IrRef cost, const bool *read, Diags *d)
{
    static const IrOp param[] = {IR_PARAM},
                      varies[] = {IR_PARAM, IR_DATA, IR_SAMPLE, IR_HYPER, IR_ROWS, IR_TOTAL};
    Span at = g->node[cost].at;
    if (!reads_any(g, read, varies, sizeof varies / sizeof *varies))
        diag_warning(d, at, SGW05, "this cost is a constant");
    else if (g->model->params && !reads_any(g, read, param, 1))
        diag_warning(d, at, SGW03, "no parameter reaches this cost: it has no gradient");
}

static void note_costs(const IrGraph *g, Uses *u, Diags *d)
{
    for (IrRef r = 0; r < g->count; r++) {
        if (g->node[r].op != IR_COST)
            continue;
        const bool *read = read_by(g, r);
        u->costs = true;
        mark(g, read, IR_PARAM, u->trained);
        warn_cost(g, r, read, d);
    }
}

/* ---- names --------------------------------------------------------------------------------- */

/* The draws of a `~` in an unrolled loop are one name. */
static bool seen_before(const IrGraph *g, IrRef r)
{
    for (IrRef i = 0; i < r; i++)
        if (g->node[i].op == IR_SAMPLE && g->node[i].at.line == g->node[r].at.line &&
            g->node[i].at.col == g->node[r].at.col)
            return true;
    return false;
}

static bool any_is_read(const IrGraph *g, const bool *live, IrRef r)
{
    for (IrRef i = r; i < g->count; i++)
        if (live[i] && g->node[i].op == IR_SAMPLE && g->node[i].at.line == g->node[r].at.line &&
            g->node[i].at.col == g->node[r].at.col)
            return true;
    return false;
}

static void warn_draws(const IrGraph *g, const bool *live, Diags *d)
{
    for (IrRef r = 0; r < g->count; r++) {
        const IrNode *n = &g->node[r];
        if (n->op == IR_SAMPLE && !is_meant(n->name) && !seen_before(g, r) &&
            !any_is_read(g, live, r))
            diag_warning(d, n->at, SGW01, "draw `%s` is never read", n->name);
    }
}

static void unread(const char *what, const char *name, Span at, bool used, Diags *d)
{
    if (!used && !is_meant(name))
        diag_warning(d, at, SGW01, "%s `%s` is never read", what, name);
}

static void warn_items(const IrModel *m, const Uses *u, Diags *d)
{
    for (uint32_t i = 0; i < m->datas; i++)
        unread("data", m->data[i].name, m->data[i].at, u->data[i], d);
    for (uint32_t i = 0; i < m->hypers; i++)
        unread("hyper", m->hyper[i].name, m->hyper[i].at, u->hyper[i], d);
    for (uint32_t i = 0; i < m->params; i++) {
        const IrParam *p = &m->param[i];
        unread("param", p->name, p->at, u->param[i], d);
        if (u->param[i] && u->costs && !u->trained[i] && !is_meant(p->name))
            diag_warning(d, p->at, SGW02, "no cost depends on param `%s`: it stays as it begins",
                         p->name);
    }
}

void passes_warn(const IrModel *m, Diags *d)
{
    Uses u = {.param = arena_array(m->arena, bool, m->params + 1),
              .trained = arena_array(m->arena, bool, m->params + 1),
              .data = arena_array(m->arena, bool, m->datas + 1),
              .hyper = arena_array(m->arena, bool, m->hypers + 1)};
    for (uint32_t i = 0; i < m->graphs; i++) {
        const IrGraph *g = &m->graph[i];
        if (g->entry != IR_ENTRY_SOURCE)
            return;
        const bool *live = es_live(g);
        mark(g, live, IR_PARAM, u.param);
        mark(g, live, IR_DATA, u.data);
        mark(g, live, IR_HYPER, u.hyper);
        note_costs(g, &u, d);
        warn_draws(g, live, d);
    }
    warn_items(m, &u, d);
}
