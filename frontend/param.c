/* Params, hypers and data: their declarations, and their leaves in a graph.
 *
 * A param is stored unconstrained; its value in a graph is the constraint's map of the leaf, built
 * once per graph. */
#include "frontend/fe.h"

#include <math.h>
#include <string.h>

/* ---- constraints --------------------------------------------------------------------------- */

static const char *constraint_names(Fe *fe)
{
    const char *text = "";
    for (int i = IR_FREE + 1; i < IR_RANGE; i++)
        text = arena_printf(fe->arena, "%s%s%s", text, *text ? ", " : "", ir_constraint_name[i]);
    return text;
}

static bool named_constraint(Fe *fe, const Expr *e, IrConstraint *out)
{
    for (int i = IR_FREE + 1; i < IR_RANGE; i++)
        if (strcmp(ir_constraint_name[i], e->name) == 0) {
            *out = (IrConstraint)i;
            return true;
        }
    fe_error(fe, e->at, SG0401,
             "unknown constraint `%s`: the constraints are %s, and [low, high] for data", e->name,
             constraint_names(fe));
    Suggestion s = {.wanted = e->name};
    for (int i = IR_FREE + 1; i < IR_RANGE; i++)
        fe_suggest(&s, ir_constraint_name[i]);
    fe_offer(fe, e->name_at, &s);
    return false;
}

static bool shape_suits(Fe *fe, const Expr *e, IrConstraint in, const IrType *t)
{
    bool axis = in != IR_SIMPLEX && in != IR_ORDERED;
    bool square = t->rank == 2 && t->dim[0] == t->dim[1];
    if (!axis && t->rank == 0)
        fe_error(fe, e->at, SG0401, "`%s` constrains the last axis, but this is a scalar",
                 ir_constraint_name[in]);
    else if (in == IR_CHOLESKY_FACTOR && !square)
        fe_error(fe, e->at, SG0401, "`cholesky` constrains a square matrix, not %s",
                 fe_shape_text(fe, t));
    else
        return true;
    return false;
}

/* ---- params -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t arguments;
    IrInit init;
    uint32_t least_rank;
} initial[] = {
/* clang-format off */
#define INIT(name, arguments, init, least_rank) {name, arguments, IR_INIT_##init, least_rank},
#include "frontend/init.def"
    /* clang-format on */
};
enum { INITS = sizeof initial / sizeof *initial };

static const char *init_names(Fe *fe)
{
    const char *text = "";
    for (size_t i = 0; i < INITS; i++)
        text = arena_printf(fe->arena, "%s%s%s", text, *text ? ", " : "", initial[i].name);
    return text;
}

static bool init_arguments(Fe *fe, const Expr *e, size_t row, IrParam *p)
{
    double *value[] = {&p->a, &p->b};
    if (e->args.count != initial[row].arguments) {
        fe_error(fe, e->at, SG0402, "`%s` takes %u argument%s, not %u", e->name,
                 initial[row].arguments, initial[row].arguments == 1 ? "" : "s", e->args.count);
        return false;
    }
    for (uint32_t i = 0; i < e->args.count; i++) {
        const Arg *a = &e->args.arg[i];
        if (a->name) {
            fe_error(fe, a->at, SG0402, "`%s` takes its arguments by position", e->name);
            return false;
        }
        if (!fe_constant(fe, a->value, "the argument of an initial value", value[i]))
            return false;
    }
    if (strcmp(e->name, "ones") == 0)
        p->a = 1;
    return true;
}

static bool init_suits(Fe *fe, const Expr *e, size_t row, const IrParam *p)
{
    const char *name = e->name;
    if (p->type.rank < initial[row].least_rank)
        fe_error(fe, e->at, SG0402, "`%s` fills a matrix, not %s", name,
                 fe_shape_text(fe, &p->type));
    else if (p->init == IR_INIT_IDENTITY && (p->type.rank != 2 || p->type.dim[0] != p->type.dim[1]))
        fe_error(fe, e->at, SG0402, "`identity` fills a square matrix, not %s",
                 fe_shape_text(fe, &p->type));
    else if (p->init == IR_INIT_ORTHOGONAL && p->type.rank != 2)
        fe_error(fe, e->at, SG0402, "`orthogonal` fills a matrix, not %s",
                 fe_shape_text(fe, &p->type));
    else if (p->init == IR_INIT_NORMAL && p->a < 0)
        fe_error(fe, e->at, SG0402, "`normal(sd)` needs sd >= 0, not %g", p->a);
    else if (p->init == IR_INIT_UNIFORM && !(p->a < p->b))
        fe_error(fe, e->at, SG0402, "`uniform(low, high)` needs low < high, not %g and %g", p->a,
                 p->b);
    else
        return true;
    return false;
}

/* Constant inits name the constrained value, which must lie inside. */
static bool inside(const IrParam *p)
{
    double last = p->type.rank ? (double)p->type.dim[p->type.rank - 1] : 1;
    switch (p->in) {
    case IR_POSITIVE: return p->a > 0;
    case IR_UNIT_INTERVAL: return p->a > 0 && p->a < 1;
    case IR_SIMPLEX: return p->a == 1 || fabs(p->a * last - 1) < 1e-6;
    case IR_ORDERED: return last == 1;
    case IR_CHOLESKY_FACTOR: return last == 1 && p->a > 0;
    default: return true;
    }
}

static bool init_inside(Fe *fe, const Expr *e, const IrParam *p)
{
    if (p->init == IR_INIT_CONSTANT && !inside(p))
        fe_error(fe, e->at, SG0403, "the initial value %g does not lie inside `%s`", p->a,
                 ir_constraint_name[p->in]);
    else if (p->init == IR_INIT_IDENTITY && p->in != IR_FREE && p->in != IR_CHOLESKY_FACTOR)
        fe_error(fe, e->at, SG0403, "the identity does not lie inside `%s`",
                 ir_constraint_name[p->in]);
    else
        return true;
    if (p->in == IR_CHOLESKY_FACTOR)
        diag_help(fe->diags, e->at,
                  "write `identity()`, or a random init of the unconstrained tensor");
    else if (p->in == IR_ORDERED)
        diag_help(fe->diags, e->at,
                  "write a random init, such as `normal(1)`: it fills the "
                  "unconstrained tensor");
    return false;
}

static void offer_init(Fe *fe, const Expr *e)
{
    if (e->kind != EXPR_CALL)
        return;
    Suggestion s = {.wanted = e->name};
    for (size_t i = 0; i < INITS; i++)
        fe_suggest(&s, initial[i].name);
    fe_offer(fe, e->name_at, &s);
}

static bool param_init(Fe *fe, const Expr *e, IrParam *p)
{
    size_t row = 0;
    while (e->kind == EXPR_CALL && row < INITS && strcmp(initial[row].name, e->name) != 0)
        row++;
    if (e->kind != EXPR_CALL || row == INITS) {
        fe_error(fe, e->at, SG0402, "expected an initial value: one of %s, as in `zeros()`",
                 init_names(fe));
        offer_init(fe, e);
        return false;
    }
    p->init = initial[row].init;
    return init_arguments(fe, e, row, p) && init_suits(fe, e, row, p) && init_inside(fe, e, p);
}

static bool param_constraint(Fe *fe, const Expr *e, IrParam *p)
{
    if (!e)
        return true;
    if (e->kind != EXPR_NAME) {
        fe_error(fe, e->at, SG0401, "a param is constrained by one of %s", constraint_names(fe));
        return false;
    }
    return named_constraint(fe, e, &p->in) && shape_suits(fe, e, p->in, &p->type);
}

void fe_param(Fe *fe, Stmt *s, const char *path)
{
    IrParam p = {.name = path, .type = ir_scalar_type(IR_REAL, 0), .at = s->name_at};
    bool ok = fe_shape(fe, &s->bracket[0], &p.type) && param_constraint(fe, s->constraint, &p) &&
              param_init(fe, s->value, &p);
    Entry *e = fe_define(fe, s->name, s->name_at, ok ? ENTRY_PARAM : ENTRY_BROKEN);
    if (!ok || !e)
        return;
    e->item = fe->model->params;
    *arena_push(fe->arena, fe->model->param, fe->model->params, IrParam) = p;
}

/* ---- the value of a param in a graph ------------------------------------------------------- */

static IrRef last_slice(IrGraph *g, IrRef a, int64_t from, int64_t to)
{
    int64_t last = (int64_t)ir_at(g, a)->type.rank - 1;
    return ir_node(g, IR_SLICE, (IrAttr){.k = {last, from, to}}, 1, &a);
}

static IrRef simplex(IrGraph *g, IrRef a)
{
    IrType t = ir_at(g, a)->type;
    uint32_t last = t.rank - 1;
    IrRef norm = ir_reduce(g, IR_LOGSUMEXP, a, 1u << last, 0);
    return ir_unary(g, IR_EXP, ir_binary(g, IR_SUB, a, ir_expand(g, norm, last, t.dim[last])));
}

/* The first, then the first plus the running sum of the exponentials of the rest. */
static IrRef ordered(IrGraph *g, IrRef a)
{
    IrType t = ir_at(g, a)->type;
    uint32_t last = t.rank - 1;
    int64_t n = t.dim[last];
    if (n == 1)
        return a;
    IrRef first = last_slice(g, a, 0, 1);
    IrRef steps = ir_unary(g, IR_EXP, last_slice(g, a, 1, n));
    steps = ir_node(g, IR_CUMSUM, (IrAttr){.k = {last, 0}}, 1, &steps);
    IrRef base = ir_reduce(g, IR_SUM, first, 1u << last, 0);
    IrRef rest = ir_binary(g, IR_ADD, ir_expand(g, base, last, n - 1), steps);
    return ir_node(g, IR_CONCAT, (IrAttr){.k = {last}}, 2, (IrRef[]){first, rest});
}

/* The lower triangle, its diagonal exponentiated. */
static IrRef cholesky(IrGraph *g, IrRef a)
{
    IrRef diagonal = ir_unary(g, IR_DIAG_PART, a);
    IrRef strict = ir_binary(g, IR_SUB, ir_unary(g, IR_TRIL, a), ir_unary(g, IR_DIAG, diagonal));
    return ir_binary(g, IR_ADD, strict, ir_unary(g, IR_DIAG, ir_unary(g, IR_EXP, diagonal)));
}

static IrRef constrained(IrGraph *g, IrConstraint in, IrRef a)
{
    switch (in) {
    case IR_POSITIVE: return ir_unary(g, IR_EXP, a);
    case IR_UNIT_INTERVAL: return ir_unary(g, IR_SIGMOID, a);
    case IR_SIMPLEX: return simplex(g, a);
    case IR_ORDERED: return ordered(g, a);
    case IR_CHOLESKY_FACTOR: return cholesky(g, a);
    default: return a;
    }
}

IrRef fe_param_value(Fe *fe, Span at, uint32_t item)
{
    const IrParam *p = &fe->model->param[item];
    if (fe->param[item] != IR_NONE)
        return fe->param[item];
    fe->g->here = at;
    IrRef leaf = ir_typed(fe->g, IR_PARAM, (IrAttr){.item = item}, p->type, 0, NULL);
    ir_set_name(fe->g, leaf, p->name);
    IrRef value = constrained(fe->g, p->in, leaf);
    ir_set_name(fe->g, value, p->name);
    return fe->param[item] = value;
}

/* ---- hypers -------------------------------------------------------------------------------- */

void fe_hyper(Fe *fe, Stmt *s)
{
    IrHyper h = {.name = s->name, .at = s->name_at};
    bool ok = fe_constant(fe, s->value, "the default of a hyper", &h.value);
    Entry *e = fe_define(fe, s->name, s->name_at, ok ? ENTRY_HYPER : ENTRY_BROKEN);
    if (!ok || !e)
        return;
    e->item = fe->model->hypers;
    *arena_push(fe->arena, fe->model->hyper, fe->model->hypers, IrHyper) = h;
}

IrRef fe_hyper_value(Fe *fe, Span at, uint32_t item)
{
    if (fe->hyper[item] != IR_NONE)
        return fe->hyper[item];
    fe->g->here = at;
    IrRef leaf =
        ir_typed(fe->g, IR_HYPER, (IrAttr){.item = item}, ir_scalar_type(IR_REAL, 0), 0, NULL);
    ir_set_name(fe->g, leaf, fe->model->hyper[item].name);
    return fe->hyper[item] = leaf;
}

/* ---- data ---------------------------------------------------------------------------------- */

static bool data_range(Fe *fe, const Expr *e, IrData *d)
{
    d->in = IR_RANGE;
    if (e->args.count != 2 || e->args.arg[0].end || e->args.arg[1].end) {
        fe_error(fe, e->at, SG0404, "a range is written [low, high]");
        return false;
    }
    if (!fe_constant(fe, e->args.arg[0].value, "a bound of the range", &d->lo) ||
        !fe_constant(fe, e->args.arg[1].value, "a bound of the range", &d->hi))
        return false;
    if (d->lo <= d->hi)
        return true;
    fe_error(fe, e->at, SG0404, "the range [%g, %g] is empty", d->lo, d->hi);
    return false;
}

static bool data_constraint(Fe *fe, const Expr *e, IrData *d)
{
    if (!e)
        return true;
    if (e->kind == EXPR_LIST && d->type.elem != IR_BOOL)
        return data_range(fe, e, d);
    if (e->kind != EXPR_NAME) {
        fe_error(fe, e->at, SG0401, "data are constrained by [low, high], or by one of %s",
                 constraint_names(fe));
        return false;
    }
    if (!named_constraint(fe, e, &d->in) || !shape_suits(fe, e, d->in, &d->type))
        return false;
    if (d->type.elem == IR_REAL || (d->type.elem == IR_INT && d->in == IR_POSITIVE))
        return true;
    fe_error(fe, e->at, SG0401, "`%s` constrains real data, not %s", e->name,
             ir_elem_name[d->type.elem]);
    return false;
}

/* At the top of a graph the whole array; directly inside rows, one row of a column. */
static bool data_place(Fe *fe, const Stmt *s, IrData *d, IrPlates *plates)
{
    const Scope *at = fe->scope;
    *plates = 0;
    d->by_rows = at->kind == SCOPE_PLATE && fe->g->plate[at->plate].kind == IR_PLATE_ROWS;
    if (d->by_rows)
        *plates = 1u << at->plate;
    if (d->by_rows || at->kind == SCOPE_GRAPH)
        return true;
    fe_error(fe, s->at, SG0405, "`data` stands at the top of a graph or directly inside `rows`");
    return false;
}

static bool same_column(const IrData *a, const IrData *b)
{
    return ir_type_equal(&a->type, &b->type) && a->by_rows == b->by_rows && a->in == b->in &&
           a->lo == b->lo && a->hi == b->hi;
}

/* Data of one name are one column; false: another graph declares it otherwise. */
static bool data_item(Fe *fe, const IrData *d, uint32_t *item)
{
    for (*item = 0; *item < fe->model->datas; ++*item) {
        const IrData *other = &fe->model->data[*item];
        if (strcmp(other->name, d->name) != 0)
            continue;
        if (same_column(other, d))
            return true;
        fe_error(fe, d->at, SG0406,
                 "`%s` is declared otherwise in another graph: data of one name are one "
                 "column of one type",
                 d->name);
        diag_note(fe->diags, other->at, "it is declared here");
        return false;
    }
    *arena_push(fe->arena, fe->model->data, fe->model->datas, IrData) = *d;
    return true;
}

static IrElem data_elem(const Stmt *s)
{
    return s->elem == TOK_INT ? IR_INT : s->elem == TOK_BOOL ? IR_BOOL : IR_REAL;
}

void fe_data(Fe *fe, Stmt *s)
{
    IrData d = {.name = s->name, .type = ir_scalar_type(data_elem(s), 0), .at = s->name_at};
    IrPlates plates;
    uint32_t item = 0;
    bool ok = data_place(fe, s, &d, &plates) && fe_shape(fe, &s->bracket[0], &d.type) &&
              data_constraint(fe, s->constraint, &d) && data_item(fe, &d, &item);
    Entry *e = fe_define(fe, s->name, s->name_at, ok ? ENTRY_VALUE : ENTRY_BROKEN);
    if (!ok || !e)
        return;
    IrType t = d.type;
    t.plates = plates;
    if (!fe_fits(fe, s->name_at, &t))
        return;
    fe->g->here = s->name_at;
    e->value = fe_value(ir_typed(fe->g, IR_DATA, (IrAttr){.item = item}, t, 0, NULL));
    ir_set_name(fe->g, e->value.ref, s->name);
}
