/* Statements of a graph, one rule a kind, and the graph around them. */
#include "frontend/fe.h"

#include <string.h>

typedef void StmtRule(Fe *fe, Stmt *s);

/* ---- names --------------------------------------------------------------------------------- */

/* A node keeps its first name: leaves have one, and `b = a` names nothing new. */
static void give_name(Fe *fe, Value v, const char *name)
{
    if (v.kind == VALUE_NODE && !ir_at(fe->g, v.ref)->name)
        ir_set_name(fe->g, v.ref, name);
}

static void bind_step(Fe *fe, const Stmt *s, Sequence *sequence, Value step)
{
    Value v = fe_expr(fe, s->value);
    give_name(fe, v, s->name);
    if (sequence)
        fe_sequence_write(fe, s->name_at, sequence, step, fe_node(fe, s->value->at, v));
}

static void bind(Fe *fe, Stmt *s)
{
    Sequence *sequence;
    Value step;
    if (fe_is_step(fe, s, &sequence, &step)) {
        if (s->brackets > 1)
            fe_error(fe, s->bracket[1].at, SG0502, "the shape of `%s` follows from its value",
                     s->name);
        bind_step(fe, s, sequence, step);
        return;
    }
    if (s->brackets)
        fe_error(fe, s->bracket[0].at, SG0502,
                 "`%s` has a bracket, but no `for` in this block defines its steps", s->name);
    Value v = fe_expr(fe, s->value);
    if (v.kind == VALUE_SEQUENCE)
        v = fe_value(fe_node(fe, s->value->at, v));
    if (s->brackets)
        v = (Value){.kind = VALUE_ERROR};
    give_name(fe, v, s->name);
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_VALUE);
    if (e)
        e->value = v;
}

/* ---- costs and outputs --------------------------------------------------------------------- */

/* One cost node a statement: the sum of the elements of every copy. */
static void add_cost(Fe *fe, const Stmt *s, Value v, bool negated)
{
    IrRef r = fe_real(fe, s->value->at, v);
    if (r == IR_NONE)
        return;
    fe->g->here = s->at;
    r = ir_sum_all(fe->g, r);
    r = negated ? ir_unary(fe->g, IR_NEG, r) : r;
    IrType t = ir_scalar_type(IR_REAL, fe_type(fe, r).plates | fe->plates);
    IrAttr attr = {.item = fe->costs++,
                   .text = arena_printf(fe->arena, "%s:%u:%u%s", fe->file, s->at.line, s->at.col,
                                        fe->unrolled)};
    ir_typed(fe->g, IR_COST, attr, t, 1, &r);
}

static void cost(Fe *fe, Stmt *s)
{
    add_cost(fe, s, fe_expr(fe, s->value), s->kind == STMT_REWARD);
}

/* cost -log_prob(D, e) */
static void observe(Fe *fe, Stmt *s)
{
    Value x = fe_expr(fe, s->value), law = fe_expr(fe, s->law);
    if (x.kind == VALUE_ERROR || law.kind == VALUE_ERROR)
        return;
    if (law.kind != VALUE_LAW) {
        fe_error(fe, s->law->at, SG0304, "`observe … ~` needs a law, such as `normal(0, 1)`");
        return;
    }
    add_cost(fe, s, fe_log_prob(fe, s->at, law.law, x), true);
}

/* Outputs share a command line with the graph's data and the model's hypers. */
static bool output_name_free(Fe *fe, const Stmt *s)
{
    const char *taken = NULL;
    for (IrRef r = 0; r < fe->g->count; r++) {
        const IrNode *n = ir_at(fe->g, r);
        if (n->op == IR_OUTPUT && strcmp(n->attr.text, s->name) == 0)
            taken = "an output";
        if (n->op == IR_DATA && strcmp(fe->model->data[n->attr.item].name, s->name) == 0)
            taken = "a data column";
    }
    for (uint32_t i = 0; i < fe->model->hypers; i++)
        if (strcmp(fe->model->hyper[i].name, s->name) == 0)
            taken = "a hyper";
    if (taken)
        fe_error(fe, s->name_at, SG0110,
                 "`%s` is already the name of %s: both are set as `%s=FILE`", s->name, taken,
                 s->name);
    return !taken;
}

static bool in_loop(const Fe *fe)
{
    for (const Scope *s = fe->scope; s; s = s->parent)
        if (s->kind == SCOPE_FOR)
            return true;
    return false;
}

static void output(Fe *fe, Stmt *s)
{
    if (in_loop(fe)) {
        fe_error(fe, s->at, SG0510, "`output` in a `for`: output the sequence after it");
        return;
    }
    Value v = fe_expr(fe, s->value);
    IrRef r = fe_node(fe, s->value->at, v);
    if (!output_name_free(fe, s) || r == IR_NONE)
        return;
    IrType t = fe_type(fe, r);
    t.plates |= fe->plates;
    if (!fe_fits(fe, s->at, &t))
        return;
    fe->g->here = s->name_at;
    IrRef o = ir_typed(fe->g, IR_OUTPUT, (IrAttr){.text = s->name}, t, 1, &r);
    ir_set_name(fe->g, o, s->name);
}

/* ---- blocks -------------------------------------------------------------------------------- */

static void broken(Fe *fe, Stmt *s)
{
    if (s->name)
        fe_define(fe, s->name, s->name_at, ENTRY_BROKEN);
}

static void misplaced(Fe *fe, Stmt *s)
{
    const char *where = s->kind == STMT_RETURN ? "last in the body of a def or a forward"
                                               : "at the top of the file";
    fe_error(fe, s->at, SG0013, "this statement stands %s", where);
    broken(fe, s);
}

static StmtRule *const rule[STMT_KINDS] = {
    [STMT_BROKEN] = broken,   [STMT_DIM] = misplaced,    [STMT_HYPER] = misplaced,
    [STMT_PARAM] = misplaced, [STMT_LAYER] = misplaced,  [STMT_INSTANCE] = misplaced,
    [STMT_DEF] = misplaced,   [STMT_RETURN] = misplaced, [STMT_GRAPH] = misplaced,
    [STMT_TRAIN] = misplaced, [STMT_DATA] = fe_data,     [STMT_BIND] = bind,
    [STMT_DRAW] = fe_draw,    [STMT_OBSERVE] = observe,  [STMT_COST] = cost,
    [STMT_REWARD] = cost,     [STMT_OUTPUT] = output,    [STMT_PLATE] = fe_plate,
    [STMT_FOR] = fe_for,
};

void fe_block(Fe *fe, const Block *b)
{
    fe_declare_sequences(fe, b);
    fe->depth++;
    for (uint32_t i = 0; i < b->count && !diags_full(fe->diags) && fe->work <= FE_WORK; i++)
        rule[b->stmt[i]->kind](fe, b->stmt[i]);
    fe->depth--;
}

/* ---- the graph ----------------------------------------------------------------------------- */

static bool contains(const Block *b, unsigned kinds)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (kinds >> b->stmt[i]->kind & 1 || contains(&b->stmt[i]->body, kinds))
            return true;
    return false;
}

bool fe_has_costs(const Block *b)
{
    return contains(b, 1u << STMT_COST | 1u << STMT_REWARD | 1u << STMT_OBSERVE);
}

static bool rows_without_data(const Block *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        const Stmt *s = b->stmt[i];
        bool rows = s->kind == STMT_PLATE && s->value && fe_is_rows(s->value);
        if (rows)
            return !contains(&s->body, 1u << STMT_DATA | 1u << STMT_BROKEN);
    }
    return false;
}

/* By the statements, not the nodes: what was refused in one is reported already. */
static void check_roots(Fe *fe, const Stmt *s)
{
    if (!fe->has_costs && !contains(&s->body, 1u << STMT_OUTPUT | 1u << STMT_BROKEN))
        fe_error(fe, s->name_at, SG0511, "graph `%s` has neither a cost nor an output", s->name);
    else if (fe->has_costs && rows_without_data(&s->body))
        fe_error(fe, s->name_at, SG0512,
                 "graph `%s` has costs and rows, but no data that say how many", s->name);
}

static IrRef *no_leaves(Fe *fe, uint32_t n)
{
    IrRef *leaf = arena_array(fe->arena, IrRef, n + 1);
    for (uint32_t i = 0; i < n; i++)
        leaf[i] = IR_NONE;
    return leaf;
}

/* For every node a param or continuous draw that reaches it, or IR_NONE: of a discrete draw only
 * the law moves, and its gradient does not go through the value.  Carries look ahead, so that one
 * walk may not do. */
static IrRef *reached_by(Fe *fe)
{
    const IrGraph *g = fe->g;
    IrRef *from = no_leaves(fe, g->count);
    for (bool again = true; again;) {
        again = false;
        for (IrRef r = 0; r < g->count; r++) {
            const IrNode *n = ir_at(g, r);
            IrRef found = from[r];
            bool held = n->op == IR_SAMPLE && n->type.elem != IR_REAL;
            if (n->op == IR_PARAM || (n->op == IR_SAMPLE && !held))
                found = r;
            for (uint32_t i = 0; i < n->n_in && found == IR_NONE && !held; i++)
                found = from[n->in[i]];
            again = again || found != from[r];
            from[r] = found;
        }
    }
    return from;
}

/* Without `biased`, stop_gradient stands where nothing would be cut. */
static void check_stops(Fe *fe)
{
    IrRef *from = fe->stops ? reached_by(fe) : NULL;
    for (uint32_t i = 0; i < fe->stops; i++) {
        Span at = ir_at(fe->g, fe->stop[i])->at;
        if (from[fe->stop[i]] == IR_NONE)
            continue;
        const IrNode *n = ir_at(fe->g, from[fe->stop[i]]);
        fe_error(fe, at, SG0608, "`stop_gradient` cuts the gradient of %s `%s`: that is biased",
                 n->op == IR_PARAM ? "param" : "draw", n->name ? n->name : "?");
        diag_help(fe->diags, at, "write `stop_gradient(…) biased` to accept that");
    }
}

static void begin_graph(Fe *fe, const Stmt *s)
{
    fe->g = ir_graph_add(fe->model, s->name, s->name_at);
    fe->plates = 0;
    fe->loop = NULL;
    fe->unrolled = "";
    fe->has_costs = fe_has_costs(&s->body);
    fe->has_rows = false;
    fe->costs = fe->stops = 0;
    fe->param = no_leaves(fe, fe->model->params);
    fe->hyper = no_leaves(fe, fe->model->hypers);
}

void fe_graph(Fe *fe, Stmt *s)
{
    uint32_t errors = diags_errors(fe->diags);
    Entry *e = fe_define(fe, s->name, s->name_at, ENTRY_GRAPH);
    if (e) {
        e->item = fe->model->graphs;
        e->stmt = s;
    }
    begin_graph(fe, s);
    fe_open(fe, SCOPE_GRAPH, s->name);
    fe_block(fe, &s->body);
    fe_close(fe);
    check_roots(fe, s);
    if (diags_errors(fe->diags) == errors) {
        check_stops(fe);
        ir_group_regions(fe->g);
    }
    fe->g = NULL;
}
