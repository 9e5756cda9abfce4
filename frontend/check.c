/* Names in the bodies of layers and defs, checked where they are written: a body that is never
 * called is still read, and one that is called often is reported once. */
#include "frontend/fe.h"

#include <string.h>

static void check_expr(Fe *fe, const Expr *e)
{
    if (!e)
        return;
    bool builtin = e->kind == EXPR_CALL && fe_is_builtin(e->name);
    if (e->kind == EXPR_NAME || (e->kind == EXPR_CALL && !builtin))
        fe_lookup(fe, e, e->kind == EXPR_CALL);
    for (uint32_t i = 0; i < e->args.count; i++) {
        const Arg *a = &e->args.arg[i];
        bool plate = a->name && strcmp(a->name, "over") == 0;
        if (!plate)
            check_expr(fe, a->value);
        check_expr(fe, a->end);
    }
    check_expr(fe, e->a);
    check_expr(fe, e->b);
    check_expr(fe, e->c);
}

static void check_bracket(Fe *fe, const Args *bracket)
{
    for (uint32_t i = 0; i < bracket->count; i++)
        check_expr(fe, bracket->arg[i].value);
}

/* A name whose value is not known yet: uses of it are silent. */
static void declare(Fe *fe, const char *name, Span at, EntryKind kind)
{
    if (name && !fe_find(fe->scope, name))
        fe_define(fe, name, at, kind);
}

static void check_formals(Fe *fe, const Stmt *s)
{
    for (uint32_t i = 0; i < s->formals; i++)
        fe_define(fe, s->formal[i].name, s->formal[i].at, ENTRY_VALUE);
}

/* ---- defs ---------------------------------------------------------------------------------- */

static void check_statements(Fe *fe, const Block *b);

/* Blocks inside a body are read in one scope: what may be read where is checked in a call. */
static void check_nested(Fe *fe, const Stmt *s)
{
    if (s->value && fe_is_rows(s->value))
        fe_error(fe, s->at, SG0507, "`rows` stands at the top of a graph");
    else
        check_expr(fe, s->value);
    check_expr(fe, s->law);
    declare(fe, s->name, s->name_at, ENTRY_VALUE);
    check_statements(fe, &s->body);
}

static void check_statement(Fe *fe, const Stmt *s)
{
    switch (s->kind) {
    case STMT_BROKEN: declare(fe, s->name, s->name_at, ENTRY_BROKEN); break;
    case STMT_PLATE:
    case STMT_FOR: check_nested(fe, s); break;
    case STMT_BIND:
        check_expr(fe, s->value);
        check_bracket(fe, &s->bracket[0]);
        declare(fe, s->name, s->name_at, ENTRY_VALUE);
        break;
    default:
        fe_error(fe, s->at, SG0219,
                 "a def or forward is a pure function: it has names and a `return`, and "
                 "neither draws nor costs");
        declare(fe, s->name, s->name_at, ENTRY_BROKEN);
    }
}

static void check_statements(Fe *fe, const Block *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        check_statement(fe, b->stmt[i]);
}

static void check_function(Fe *fe, const Stmt *s)
{
    uint32_t n = s->body.count;
    const Stmt *last = n ? s->body.stmt[n - 1] : NULL;
    fe_open(fe, SCOPE_BODY, s->name);
    check_formals(fe, s);
    for (uint32_t i = 0; i + 1 < n; i++)
        check_statement(fe, s->body.stmt[i]);
    if (!last || last->kind != STMT_RETURN)
        fe_error(fe, last ? last->at : s->name_at, SG0219,
                 "the body of `%s` does not end in `return`", s->name);
    else
        check_expr(fe, last->value);
    fe_close(fe);
}

/* ---- layers -------------------------------------------------------------------------------- */

static void check_layer_statement(Fe *fe, const Stmt *s)
{
    switch (s->kind) {
    case STMT_DIM:
    case STMT_PARAM:
        check_bracket(fe, &s->bracket[0]);
        if (s->kind == STMT_DIM)
            check_expr(fe, s->value);
        declare(fe, s->name, s->name_at, s->kind == STMT_DIM ? ENTRY_VALUE : ENTRY_BROKEN);
        break;
    case STMT_BROKEN:
    case STMT_INSTANCE:
        if (s->kind == STMT_INSTANCE && s->value->kind == EXPR_CALL)
            check_expr(fe, s->value);
        declare(fe, s->name, s->name_at, ENTRY_BROKEN);
        break;
    case STMT_DEF:
        if (strcmp(s->name, "forward") != 0)
            fe_error(fe, s->at, SG0013, "a `def` stands at the top of the file");
        check_function(fe, s);
        break;
    default:
        fe_error(fe, s->at, SG0218, "a layer holds params, layers, dims and its forward");
        declare(fe, s->name, s->name_at, ENTRY_BROKEN);
    }
}

static void check_layer(Fe *fe, const Stmt *s)
{
    uint32_t forwards = 0;
    for (uint32_t i = 0; i < s->body.count; i++) {
        const Stmt *in = s->body.stmt[i];
        bool forward = in->kind == STMT_DEF && strcmp(in->name, "forward") == 0;
        forwards += forward || in->kind == STMT_BROKEN;
        if (forward && forwards > 1)
            fe_error(fe, in->at, SG0218, "layer `%s` has a second forward", s->name);
        check_layer_statement(fe, in);
    }
    if (forwards == 0)
        fe_error(fe, s->name_at, SG0218, "layer `%s` has no forward", s->name);
}

void fe_check_body(Fe *fe, Stmt *s)
{
    uint32_t errors = diags_errors(fe->diags);
    fe_open(fe, SCOPE_BODY, s->name);
    if (s->kind == STMT_LAYER) {
        check_formals(fe, s);
        check_layer(fe, s);
    } else {
        check_function(fe, s);
    }
    fe_close(fe);
    s->faulty = diags_errors(fe->diags) != errors;
}
