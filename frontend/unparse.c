/* Estimator graphs as a program: its declarations, and the roots of its graphs.
 *
 * A graph is laid out (unparse_prepare.c, unparse_place.c), its values are named
 * (unparse_choose.c), its statements put in order (unparse_block.c) and into words
 * (unparse_line.c, unparse_expr.c, unparse_shape.c, unparse_contract.c). */
#include "frontend/unparse.h"

#include "frontend/unparse_graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char moving_average[] = "baseline_"; /* before the name of its draw */

/* ---- names --------------------------------------------------------------------------------- */

struct UpName {
    const char *name;
    UpName *next;
};

static bool is_taken(const UpProgram *p, const char *name)
{
    for (const UpName *n = p->names; n; n = n->next)
        if (strcmp(n->name, name) == 0)
            return true;
    return false;
}

const char *up_name(UpProgram *p, const char *wanted)
{
    const char *name = wanted;
    for (unsigned i = 2; is_taken(p, name); i++)
        name = arena_printf(p->arena, "%s_%u", wanted, i);
    UpName *n = arena_make(p->arena, UpName);
    *n = (UpName){name, p->names};
    p->names = n;
    return name;
}

const char *fe_unparse_name(Arena *a, const char *prefix, const char *name)
{
    char *s = arena_printf(a, "%s", prefix);
    for (; *name; name++)
        s = arena_printf(a, *name == '.' ? "%s__" : "%s%c", s, *name);
    return s;
}

static void reserve_words(UpProgram *p)
{
    static const char *const word[] = {
/* clang-format off */
#define WORD(id, text) text,
#define TOKEN(id, text)
#define MARK(id, text)
#define BINARY(id, text, level, op)
#include "frontend/token.def"
        /* clang-format on */
    };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        up_name(p, word[i]);
    up_name(p, "mulz");
    up_name(p, "product_of_others");
}

void up_refuse(Unparse *u, IrRef r, const char *fmt, ...)
{
    const IrNode *n = &u->g.node[r];
    char what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (!u->failed)
        diag_error(u->p->diags, n->at, SG0802,
                   "--emit=sg: `%s` cannot be written in the language: %s", ir_op_info[n->op].name,
                   what);
    u->failed = true;
}

/* ---- declarations -------------------------------------------------------------------------- */

/* The initial value of the stored tensor. */
static double stored(const IrParam *p)
{
    switch (p->in) {
    case IR_POSITIVE: return log(p->a);
    case IR_UNIT_INTERVAL: return log(p->a) - log1p(-p->a);
    case IR_SIMPLEX: return 0;
    case IR_CHOLESKY_FACTOR: return p->init == IR_INIT_IDENTITY ? 0 : log(p->a);
    default: return p->a;
    }
}

static const char *init_text(Arena *a, const IrParam *p)
{
    bool identity = p->init == IR_INIT_IDENTITY && p->in == IR_FREE;
    if (identity)
        return "identity()";
    switch (p->init) {
    case IR_INIT_NORMAL: return arena_printf(a, "normal(%s)", up_number(a, p->a, false));
    case IR_INIT_UNIFORM:
        return arena_printf(a, "uniform(%s, %s)", up_number(a, p->a, false),
                            up_number(a, p->b, false));
    case IR_INIT_CONSTANT:
    case IR_INIT_IDENTITY:
        return stored(p) == 0 ? "zeros()"
                              : arena_printf(a, "constant(%s)", up_number(a, stored(p), false));
    default: return arena_printf(a, "%s()", ir_init_name[p->init]);
    }
}

static const char *param_note(Arena *a, const IrParam *p)
{
    if (p->in != IR_FREE)
        return arena_printf(a, "      # the stored tensor of %s in %s", p->name,
                            ir_constraint_name[p->in]);
    return strchr(p->name, '.') ? arena_printf(a, "      # %s", p->name) : "";
}

static void print_params(const UpProgram *p, Unparse *u, FILE *out)
{
    for (uint32_t i = 0; i < p->model->params; i++) {
        const IrParam *x = &p->model->param[i];
        if (p->uses_param[i])
            fprintf(out, "param %s%s = %s%s\n", p->param[i],
                    x->type.rank ? up_shape(u, x->type.rank, x->type.dim) : "",
                    init_text(p->arena, x), param_note(p->arena, x));
    }
}

static int64_t largest_batch(const Unparse *u, uint32_t n)
{
    int64_t rows = 1;
    for (uint32_t i = 0; i < n; i++)
        if (u[i].rows >= 0)
            rows = u[i].g.plate[u[i].rows].size;
    return rows;
}

static void print_hypers(const UpProgram *p, const Unparse *u, uint32_t n, FILE *out)
{
    for (uint32_t i = 0; i < p->model->hypers; i++)
        if (p->uses_hyper[i])
            fprintf(out, "hyper %s = %s\n", p->hyper[i],
                    up_number(p->arena, p->model->hyper[i].value, true));
    if (p->total)
        fprintf(out, "hyper %s = %" PRId64 "      # the rows of the data set\n", p->total,
                largest_batch(u, n));
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t s = 0; s < u[i].g.states; s++)
            if (u[i].g.state[s].type.rank == 0)
                fprintf(out, "hyper %s = 0      # the moving average of %s before this step\n",
                        u[i].state[s], u[i].g.state[s].name);
}

/* Of numbers in a tensor there are no hypers. */
static void print_states(const Unparse *u, FILE *out)
{
    for (uint32_t s = 0; s < u->g.states; s++)
        if (u->g.state[s].type.rank > 0)
            fprintf(out, "  data %s%s      # what %s learned before this step\n", u->state[s],
                    ir_shape_text(u->p->arena, &u->g.state[s].type), u->g.state[s].name);
}

static void print_defs(const UpProgram *p, FILE *out)
{
    if (p->uses_mulz)
        fputs("\n# a b, and 0 where a is 0, whatever b is: branches not taken contribute nothing\n"
              "def mulz(a, b) = if a == 0 then 0 else a * b\n",
              out);
    if (p->uses_domain)
        fputs("\n# an argument of a law: no number outside of its domain\n"
              "def above(a, b) = if a > b then a else (0.0 / 0.0)\n"
              "def at_least(a, b) = if a >= b then a else (0.0 / 0.0)\n"
              "def at_most(a, b) = if a <= b then a else (0.0 / 0.0)\n",
              out);
    if (p->uses_rest)
        fputs("\n# for each element the product of the others in its row\n"
              "def product_of_others(a, rows, columns) {\n"
              "  one = diag(broadcast(1.0, [columns]))\n"
              "  same = transpose(broadcast(one, [rows, columns, columns]), [1, 0, 2])\n"
              "  others = if same == 1 then 1 else broadcast(a, [columns, rows, columns])\n"
              "  return transpose(prod(others, axis = 2))\n"
              "}\n",
              out);
}

/* ---- roots --------------------------------------------------------------------------------- */

static const char *root_name(Unparse *u, const IrNode *n)
{
    Arena *a = u->p->arena;
    switch (n->op) {
    case IR_OBJECTIVE: return "objective";
    case IR_COST: return arena_printf(a, "cost_%u", n->attr.item + 1);
    case IR_GRAD: return arena_printf(a, "grad_%s", u->p->param[n->attr.item]);
    default: return arena_printf(a, "next_%s", u->state[n->attr.item] + strlen(moving_average));
    }
}

static bool is_among(const char *name, const char *const *list, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* An output shares the command line with data and hypers, and no name with values. */
static const char *output_name(Unparse *u, const IrNode *n)
{
    const char *wanted = root_name(u, n), *name = wanted;
    const UpProgram *p = u->p;
    for (unsigned i = 2;
         is_among(name, p->data, p->model->datas) || is_among(name, p->hyper, p->model->hypers) ||
         is_among(name, u->state, u->g.states);
         i++)
        name = arena_printf(p->arena, "%s_%u", wanted, i);
    return name;
}

static const char *root_comment(Unparse *u, const IrNode *n)
{
    if (n->op != IR_COST)
        return NULL;
    return n->why ? arena_printf(u->p->arena, "%s: %s", n->attr.text,
                                 ir_decision_text(n->why, u->p->arena))
                  : n->attr.text;
}

/* What they say may want names that stand further up, so it is said first. */
static void add_roots(Unparse *u, UpLines *to)
{
    static const IrOp order[] = {IR_OBJECTIVE, IR_COST, IR_NEXT, IR_GRAD};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        for (IrRef r = 0; r < u->g.count; r++) {
            const IrNode *n = &u->g.node[r];
            if (n->op != order[i])
                continue;
            const char *value = up_value(u, r, (UpPos){0}).s;
            *arena_push(u->p->arena, to->line, to->count, UpLine) = (UpLine){
                .comment = root_comment(u, n),
                .text = arena_printf(u->p->arena, "output %s = %s", output_name(u, n), value)};
        }
}

/* ---- graphs -------------------------------------------------------------------------------- */

static void name_plates(Unparse *u)
{
    for (uint32_t p = 0; p < u->g.plates; p++) {
        char *name = arena_printf(u->p->arena, "%s", u->g.plate[p].name);
        for (char *c = name; *c; c++)
            *c = *c == '.' ? '_' : *c;
        u->plate[p].name = up_name(u->p, name);
    }
}

static void name_data(Unparse *u)
{
    for (IrRef r = 0; r < u->g.count; r++)
        if (u->g.node[r].op == IR_DATA)
            u->n[r].name = u->p->data[u->g.node[r].attr.item];
}

static void print_graph(Unparse *u, FILE *out)
{
    up_prepare(u);
    up_place(u);
    if (u->failed)
        return;
    name_plates(u);
    name_data(u);
    up_choose(u);
    UpLines lines = up_schedule(u);
    add_roots(u, &lines);
    fprintf(out, "\ngraph %s {\n", u->g.name);
    print_states(u, out);
    up_print_lines(u, lines, out);
    fputs("}\n", out);
}

/* ---- the program --------------------------------------------------------------------------- */

static const char **names_of(UpProgram *p, uint32_t n)
{
    return arena_alloc(p->arena, n + 1, sizeof(const char *), alignof(const char *));
}

static void name_model(UpProgram *p)
{
    const IrModel *m = p->model;
    p->param = names_of(p, m->params);
    p->hyper = names_of(p, m->hypers);
    p->data = names_of(p, m->datas);
    p->uses_param = arena_array(p->arena, bool, m->params + 1);
    p->uses_hyper = arena_array(p->arena, bool, m->hypers + 1);
    for (uint32_t i = 0; i < m->params; i++)
        p->param[i] = up_name(p, fe_unparse_name(p->arena, "", m->param[i].name));
    for (uint32_t i = 0; i < m->hypers; i++)
        p->hyper[i] = up_name(p, m->hyper[i].name);
    for (uint32_t i = 0; i < m->datas; i++)
        p->data[i] = up_name(p, m->data[i].name);
}

/* N and the moving averages, which are hypers, of every graph. */
static void name_inputs(UpProgram *p, Unparse *u)
{
    u->state = names_of(p, u->g.states);
    for (uint32_t i = 0; i < u->g.states; i++)
        u->state[i] = up_name(p, fe_unparse_name(p->arena, moving_average, u->g.state[i].name));
    for (IrRef r = 0; r < u->g.count; r++)
        if (u->g.node[r].op == IR_TOTAL && !p->total)
            p->total = up_name(p, "N");
}

static void print_program(UpProgram *p, Unparse *u, uint32_t n, const char *graphs, FILE *out)
{
    fprintf(out,
            "# The estimator of %s.sg, derived by sgc: noise in, gradients of the stored\n"
            "# parameters out.  A graph takes all its rows in one call.\n\n",
            p->model->name);
    print_params(p, u, out);
    print_hypers(p, u, n, out);
    print_defs(p, out);
    fputs(graphs, out);
}

bool fe_unparse(const IrModel *m, const IrGraph *const *step, uint32_t n, Diags *d, FILE *out)
{
    UpProgram p = {.arena = m->arena, .diags = d, .model = m};
    Unparse *u = arena_array(p.arena, Unparse, n + 1);
    char *text = NULL;
    size_t size = 0;
    FILE *graphs = open_memstream(&text, &size);
    bool ok = graphs != NULL;
    reserve_words(&p);
    for (uint32_t i = 0; i < n; i++)
        up_name(&p, step[i]->name);
    name_model(&p);
    for (uint32_t i = 0; i < n; i++) {
        u[i].p = &p;
        ir_graph_clone(&u[i].g, step[i]);
        name_inputs(&p, &u[i]);
    }
    UpName *names = p.names;
    for (uint32_t i = 0; ok && i < n; i++) {
        p.names = names;
        print_graph(&u[i], graphs);
        ok = !u[i].failed;
    }
    if (graphs)
        fclose(graphs);
    if (ok)
        print_program(&p, u, n, text, out);
    free(text);
    return ok;
}
