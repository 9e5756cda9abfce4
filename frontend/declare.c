/* The statements of a file, in order: each sees what stands before it. */
#include "frontend/fe.h"

#include <string.h>

typedef void StmtRule(Fe *fe, Stmt *s);

static void broken(Fe *fe, Stmt *s)
{
    if (s->name)
        fe_define(fe, s->name, s->name_at, ENTRY_BROKEN);
}

static void misplaced(Fe *fe, Stmt *s)
{
    fe_error(fe, s->at, SG0013, "this statement stands inside a %s",
             s->kind == STMT_DEF || s->kind == STMT_RETURN ? "def or layer" : "graph");
    broken(fe, s);
}

/* Functions are called where built-ins are: one name, one meaning. */
static Entry *define_function(Fe *fe, const Stmt *s, EntryKind kind)
{
    if (!fe_is_builtin(s->name))
        return fe_define(fe, s->name, s->name_at, kind);
    fe_error(fe, s->name_at, SG0109, "`%s` is the name of a built-in", s->name);
    return NULL;
}

/* ---- dims ---------------------------------------------------------------------------------- */

static bool overridden(const Fe *fe, const char *name, int64_t *out)
{
    bool found = false;
    for (size_t i = 0; i < fe->dims; i++)
        if (strcmp(fe->dim[i].name, name) == 0) {
            *out = fe->dim[i].value;
            fe->dim_used[i] = found = true;
        }
    return found;
}

static void dim(Fe *fe, Stmt *s)
{
    int64_t v;
    bool ok = fe_static(fe, s->value, "a dim", &v);
    if (fe->scope->kind == SCOPE_FILE)
        ok = overridden(fe, s->name, &v) || ok;
    Entry *e = fe_define(fe, s->name, s->name_at, ok ? ENTRY_VALUE : ENTRY_BROKEN);
    if (e && ok)
        e->value = fe_integer(v);
}

static void param(Fe *fe, Stmt *s)
{
    fe_param(fe, s, s->name);
}

/* ---- defs and layers ----------------------------------------------------------------------- */

static void def(Fe *fe, Stmt *s)
{
    Entry *e;
    if (strcmp(s->name, "forward") == 0) {
        fe_error(fe, s->at, SG0013, "`forward` stands in a layer");
        return;
    }
    fe_check_body(fe, s);
    e = define_function(fe, s, ENTRY_DEF);
    if (!e)
        return;
    e->stmt = s;
    e->home = fe->scope;
}

static void layer(Fe *fe, Stmt *s)
{
    fe_check_body(fe, s);
    Entry *e = define_function(fe, s, ENTRY_LAYER);
    if (!e)
        return;
    e->stmt = s;
    e->home = fe->scope;
}

static void instantiate(Fe *fe, Stmt *s, const char *path);

/* One statement of a layer's body, for the instance at `path`. */
static void layer_statement(Fe *fe, Stmt *s, const char *path)
{
    Entry *e;
    switch (s->kind) {
    case STMT_DIM: dim(fe, s); break;
    case STMT_PARAM: fe_param(fe, s, arena_printf(fe->arena, "%s.%s", path, s->name)); break;
    case STMT_INSTANCE: instantiate(fe, s, arena_printf(fe->arena, "%s.%s", path, s->name)); break;
    case STMT_DEF:
        e = fe_define(fe, s->name, s->name_at, ENTRY_DEF);
        if (e) {
            e->stmt = s;
            e->home = fe->scope;
        }
        break;
    default: broken(fe, s); break;
    }
}

static bool layer_arguments(Fe *fe, const Expr *call, const Stmt *template, int64_t *size)
{
    if (call->args.count != template->formals) {
        fe_error(fe, call->at, SG0213, "layer `%s` takes %u size%s, not %u", call->name,
                 template->formals, template->formals == 1 ? "" : "s", call->args.count);
        return false;
    }
    for (uint32_t i = 0; i < template->formals; i++) {
        const Arg *a = &call->args.arg[i];
        if (a->name) {
            fe_error(fe, a->at, SG0213, "layer `%s` takes its sizes by position", call->name);
            return false;
        }
        if (!fe_static(fe, a->value, "a size of a layer", &size[i]))
            return false;
    }
    return true;
}

/* The scope of an instance's names; its sizes are elaborated in the scope around it. */
static Scope *instance_scope(Fe *fe, const Stmt *s, const Entry *template, const char *path)
{
    const Stmt *t = template->stmt;
    int64_t *size = arena_array(fe->arena, int64_t, t->formals + 1);
    if (t->faulty || !fe_spend(fe, s->at) || !layer_arguments(fe, s->value, t, size))
        return NULL;
    uint32_t errors = diags_errors(fe->diags);
    Scope *around = fe->scope;
    fe->scope = template->home;
    Scope *home = fe_open(fe, SCOPE_BODY, path);
    for (uint32_t i = 0; i < t->formals; i++) {
        Entry *e = fe_define(fe, t->formal[i].name, t->formal[i].at, ENTRY_VALUE);
        if (e)
            e->value = fe_integer(size[i]);
    }
    fe->depth++;
    for (uint32_t i = 0; i < t->body.count; i++)
        layer_statement(fe, t->body.stmt[i], path);
    fe->depth--;
    fe->scope = around;
    if (diags_errors(fe->diags) != errors)
        diag_note(fe->diags, s->name_at, "in this instance of `%s`", s->value->name);
    return home;
}

static const Entry *template_of(Fe *fe, const Stmt *s)
{
    const Expr *e = s->value;
    if (e->kind != EXPR_CALL) {
        fe_error(fe, e->at, SG0218,
                 "expected an instance of a layer, as in `layer %s = dense(784, 500)`", s->name);
        return NULL;
    }
    const Entry *template = fe_lookup(fe, e, true);
    if (template && template->kind != ENTRY_LAYER) {
        fe_error(fe, e->name_at, SG0107, "`%s` is not a layer", e->name);
        return NULL;
    }
    return template;
}

static void instantiate(Fe *fe, Stmt *s, const char *path)
{
    const Entry *template = template_of(fe, s);
    Scope *home = template ? instance_scope(fe, s, template, path) : NULL;
    Entry *e = home ? define_function(fe, s, ENTRY_INSTANCE)
                    : fe_define(fe, s->name, s->name_at, ENTRY_BROKEN);
    if (e)
        e->home = home;
}

static void instance(Fe *fe, Stmt *s)
{
    instantiate(fe, s, s->name);
}

/* ---- the file ------------------------------------------------------------------------------ */

static StmtRule *const rule[STMT_KINDS] = {
    [STMT_BROKEN] = broken,    [STMT_DIM] = dim,           [STMT_HYPER] = fe_hyper,
    [STMT_PARAM] = param,      [STMT_LAYER] = layer,       [STMT_INSTANCE] = instance,
    [STMT_DEF] = def,          [STMT_RETURN] = misplaced,  [STMT_GRAPH] = fe_graph,
    [STMT_TRAIN] = fe_train,   [STMT_DATA] = misplaced,    [STMT_BIND] = misplaced,
    [STMT_DRAW] = misplaced,   [STMT_OBSERVE] = misplaced, [STMT_COST] = misplaced,
    [STMT_REWARD] = misplaced, [STMT_OUTPUT] = misplaced,  [STMT_PLATE] = misplaced,
    [STMT_FOR] = misplaced,
};

void fe_file(Fe *fe, const Block *b)
{
    for (uint32_t i = 0; i < b->count && !diags_full(fe->diags); i++)
        rule[b->stmt[i]->kind](fe, b->stmt[i]);
}
