/* Calls: of a def or an instance, whose body is inlined; of a built-in; of a law. */
#include "frontend/fe.h"

#include <string.h>

static const Value failed = {.kind = VALUE_ERROR};

static const Builtin builtin[] = {
/* clang-format off */
#define BUILTIN(name, arguments, least, most, named, rule, op) \
    {name, arguments, least, most, named, fe_builtin_##rule, op},
#include "frontend/builtin.def"
    /* clang-format on */
};
enum { BUILTINS = sizeof builtin / sizeof *builtin };

static const Builtin *find_builtin(const char *name)
{
    for (size_t i = 0; i < BUILTINS; i++)
        if (strcmp(builtin[i].name, name) == 0)
            return &builtin[i];
    return NULL;
}

bool fe_is_builtin(const char *name)
{
    return find_builtin(name) || fe_law_exists(name) || strcmp(name, "rows") == 0;
}

void fe_suggest_builtins(Suggestion *s)
{
    for (size_t i = 0; i < BUILTINS; i++)
        fe_suggest(s, builtin[i].name);
    for (int d = 0; d < IR_DIST_COUNT; d++)
        fe_suggest(s, ir_dist_info[d].name);
}

/* ---- arguments of built-ins ---------------------------------------------------------------- */

const Arg *fe_named(const Expr *call, const char *name)
{
    for (uint32_t i = 0; i < call->args.count; i++)
        if (call->args.arg[i].name && strcmp(call->args.arg[i].name, name) == 0)
            return &call->args.arg[i];
    return NULL;
}

bool fe_given_twice(Fe *fe, const Args *args, uint32_t i)
{
    const char *name = args->arg[i].name;
    for (uint32_t k = 0; name && k < i; k++)
        if (args->arg[k].name && strcmp(args->arg[k].name, name) == 0) {
            fe_error(fe, args->arg[i].at, SG0212, "`%s` is given twice", name);
            return true;
        }
    return false;
}

Value fe_argument(Fe *fe, const Expr *call, uint32_t i)
{
    return fe_expr(fe, call->args.arg[i].value);
}

IrRef fe_argument_node(Fe *fe, const Expr *call, uint32_t i)
{
    return fe_node(fe, call->args.arg[i].value->at, fe_argument(fe, call, i));
}

IrRef fe_argument_real(Fe *fe, const Expr *call, uint32_t i)
{
    return fe_real(fe, call->args.arg[i].value->at, fe_argument(fe, call, i));
}

bool fe_axis(Fe *fe, const Expr *call, uint32_t rank, uint32_t *axis)
{
    const Arg *a = fe_named(call, "axis");
    int64_t i;
    if (!fe_static(fe, a->value, "an axis", &i))
        return false;
    if (i < -(int64_t)rank || i >= (int64_t)rank) {
        fe_error(fe, a->value->at, SG0211, "axis %lld of a value with %u axes", (long long)i, rank);
        return false;
    }
    *axis = (uint32_t)(i < 0 ? i + rank : i);
    return true;
}

/* Positional ones first, named ones known and given once. */
static bool arguments_agree(Fe *fe, const Expr *call, const Builtin *b)
{
    uint32_t by_position = 0;
    for (uint32_t i = 0; i < call->args.count; i++) {
        const Arg *a = &call->args.arg[i];
        if (!a->name) {
            by_position++;
            if (i + 1 > by_position) {
                fe_error(fe, a->value->at, SG0212,
                         "arguments by position come before those by name");
                return false;
            }
            continue;
        }
        bool axis = strcmp(a->name, "axis") == 0 && b->named & FE_AXIS;
        bool over = strcmp(a->name, "over") == 0 && b->named & FE_OVER;
        if (!axis && !over) {
            fe_error(fe, a->at, SG0212, "`%s` has no argument `%s`: it is called as `%s%s`",
                     b->name, a->name, b->name, b->arguments);
            return false;
        }
        if (fe_given_twice(fe, &call->args, i))
            return false;
    }
    if (by_position >= b->least && by_position <= b->most)
        return true;
    fe_error(fe, call->at, SG0212, "`%s` is called as `%s%s`, not with %u argument%s", b->name,
             b->name, b->arguments, by_position, by_position == 1 ? "" : "s");
    return false;
}

/* ---- inlining ------------------------------------------------------------------------------ */

static bool bind_formals(Fe *fe, const Stmt *def, const Value *actual)
{
    for (uint32_t i = 0; i < def->formals; i++) {
        Entry *e = fe_define(fe, def->formal[i].name, def->formal[i].at, ENTRY_VALUE);
        if (!e)
            return false;
        e->value = actual[i];
    }
    return true;
}

static Value body_value(Fe *fe, const Stmt *def)
{
    Block front = {def->body.stmt, def->body.count - 1};
    fe_block(fe, &front);
    return fe_expr(fe, def->body.stmt[def->body.count - 1]->value);
}

/* Arguments are elaborated where they stand, the body in the scope that it was written in. */
static Value inlined(Fe *fe, const Expr *call, const Entry *def)
{
    enum { MOST_NOTES = 4 }; /* of the calls around an error */
    Stmt *s = def->stmt;
    Value *actual = arena_array(fe->arena, Value, s->formals + 1);
    if (s->faulty)
        return failed;
    if (call->args.count != s->formals)
        return fe_error(fe, call->at, SG0213, "`%s` takes %u argument%s, not %u", call->name,
                        s->formals, s->formals == 1 ? "" : "s", call->args.count);
    for (uint32_t i = 0; i < s->formals; i++) {
        const Arg *a = &call->args.arg[i];
        if (a->name)
            return fe_error(fe, a->at, SG0213, "`%s` takes its arguments by position", call->name);
        actual[i] = fe_expr(fe, a->value);
    }
    uint32_t errors = diags_errors(fe->diags);
    Scope *around = fe->scope;
    fe->scope = def->home;
    fe_open(fe, SCOPE_BODY, call->name);
    fe->calls++;
    bool ok = bind_formals(fe, s, actual);
    Value v = ok ? body_value(fe, s) : failed;
    if (v.kind == VALUE_SEQUENCE)
        v = fe_value(fe_node(fe, call->at, v));
    fe->scope = around;
    if (fe->calls-- <= MOST_NOTES && diags_errors(fe->diags) != errors)
        diag_note(fe->diags, call->at, "in this call of `%s`", call->name);
    return v;
}

static Value call_function(Fe *fe, const Expr *e, const Entry *f)
{
    if (f->kind == ENTRY_DEF)
        return inlined(fe, e, f);
    if (f->kind == ENTRY_LAYER)
        return fe_error(fe, e->at, SG0218,
                        "`%s` is a layer: make an instance of it, as in `layer l = %s(…)`", e->name,
                        e->name);
    const Entry *forward = fe_find(f->home, "forward");
    if (forward && forward->kind == ENTRY_DEF)
        return inlined(fe, e, forward);
    return forward ? failed : fe_error(fe, e->at, SG0218, "layer `%s` has no forward", e->name);
}

/* ---- the dispatcher ------------------------------------------------------------------------ */

static bool is_visible_function(const Fe *fe, const char *name)
{
    for (const Scope *s = fe->scope; s; s = s->parent) {
        const Entry *e = fe_find(s, name);
        if (e && fe_is_function(e))
            return true;
    }
    return false;
}

static Value dispatch(Fe *fe, const Expr *e)
{
    const Builtin *b = find_builtin(e->name);
    if (is_visible_function(fe, e->name) || (!b && !fe_law_exists(e->name))) {
        const Entry *f = fe_lookup(fe, e, true);
        return f ? call_function(fe, e, f) : failed;
    }
    if (!fe->g && (!b || b->rule != fe_builtin_unary))
        return fe_error(fe, e->at, SG0205, "`%s` cannot be computed when the model is compiled",
                        e->name);
    if (b)
        return arguments_agree(fe, e, b) ? b->rule(fe, e, b) : failed;
    return fe_law(fe, e);
}

/* Sizes stay sizes in an index or a shape, not in the arguments of a call there. */
Value fe_call(Fe *fe, const Expr *e)
{
    bool sizes = fe->sizes;
    fe->sizes = false;
    Value v = dispatch(fe, e);
    fe->sizes = sizes;
    return v;
}
