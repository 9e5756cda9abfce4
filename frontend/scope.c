/* Names: where they are defined, and who sees them.
 *
 * Values and functions (defs, layers, instances) are looked up apart: a name that is called is a
 * function.  Inside a graph nothing hides anything; a layer or def body hides the file's names. */
#include "frontend/fe.h"

#include <string.h>

Scope *fe_open(Fe *fe, ScopeKind kind, const char *name)
{
    Scope *s = arena_make(fe->arena, Scope);
    *s = (Scope){.kind = kind, .parent = fe->scope, .name = name};
    return fe->scope = s;
}

void fe_close(Fe *fe)
{
    Scope *s = fe->scope;
    fe->scope = s->parent;
    for (uint32_t i = 0; i < fe->scope->closeds; i++)
        if (fe->scope->closed[i] == s)
            return; /* a plate that was reopened */
    if (s->kind == SCOPE_PLATE || s->kind == SCOPE_FOR)
        *arena_push(fe->arena, fe->scope->closed, fe->scope->closeds, Scope *) = s;
}

bool fe_is_function(const Entry *e)
{
    return e->kind == ENTRY_DEF || e->kind == ENTRY_LAYER || e->kind == ENTRY_INSTANCE;
}

static bool is_value(const Entry *e)
{
    return e->kind == ENTRY_VALUE || e->kind == ENTRY_PARAM || e->kind == ENTRY_HYPER;
}

Entry *fe_find(const Scope *s, const char *name)
{
    for (Entry *e = s->entry; e; e = e->next)
        if (strcmp(e->name, name) == 0)
            return e;
    return NULL;
}

/* ---- definitions --------------------------------------------------------------------------- */

static const Entry *in_closed_plate(const Scope *s, const char *name)
{
    for (uint32_t i = 0; i < s->closeds; i++) {
        const Entry *e = s->closed[i]->kind == SCOPE_PLATE ? fe_find(s->closed[i], name) : NULL;
        if (e)
            return e;
    }
    return NULL;
}

/* What a new name would hide or repeat. */
static const Entry *conflict(const Fe *fe, const char *name)
{
    const Entry *e = fe_find(fe->scope, name);
    if (!e)
        e = in_closed_plate(fe->scope, name);
    if (e)
        return e;
    for (const Scope *s = fe->scope; s && s->kind != SCOPE_BODY; s = s->parent) {
        e = fe_find(s, name);
        if (e && (s->kind != SCOPE_FILE || is_value(e)))
            return e;
    }
    return NULL;
}

Entry *fe_define(Fe *fe, const char *name, Span at, EntryKind kind)
{
    const Entry *other = conflict(fe, name);
    if (other && other->kind != ENTRY_BROKEN && kind != ENTRY_BROKEN) {
        diag_error(fe->diags, at, SG0103, "`%s` is already defined", name);
        if (other->at.line)
            diag_note(fe->diags, other->at, "it is defined here");
    }
    if (other)
        return NULL;
    Entry *e = arena_make(fe->arena, Entry);
    *e = (Entry){.name = name, .at = at, .kind = kind, .next = fe->scope->entry};
    fe->scope->entry = e;
    return e;
}

/* ---- look-up ------------------------------------------------------------------------------- */

static bool wanted(const Entry *e, bool function)
{
    return e->kind == ENTRY_BROKEN || (function ? fe_is_function(e) : is_value(e));
}

/* The innermost definition that may be read here. */
static Entry *visible(const Fe *fe, const char *name, bool function)
{
    for (const Scope *s = fe->scope; s; s = s->parent) {
        const Scope *names = s->kind == SCOPE_WINDOW ? s->seen : s;
        for (Entry *e = names->entry; e; e = e->next)
            if (strcmp(e->name, name) == 0 && wanted(e, function))
                return e;
    }
    return NULL;
}

static void offer_names(const Fe *fe, Suggestion *s, bool function)
{
    for (const Scope *scope = fe->scope; scope; scope = scope->parent)
        for (const Entry *e = scope->entry; e; e = e->next)
            if (wanted(e, function) && e->kind != ENTRY_BROKEN)
                fe_suggest(s, e->name);
    if (function)
        fe_suggest_builtins(s);
}

/* A closed plate or loop that holds the name. */
static const Scope *closed_holder(const Scope *s, const char *name)
{
    for (; s; s = s->parent)
        for (uint32_t i = 0; i < s->closeds; i++)
            if (fe_find(s->closed[i], name))
                return s->closed[i];
    return NULL;
}

static void say_closed(Fe *fe, Span at, const char *name, const Scope *in)
{
    if (in->kind == SCOPE_FOR)
        diag_error(fe->diags, at, SG0108, "`%s` is local to the steps of `for %s`", name, in->name);
    else if (fe->g && fe->g->plate[in->plate].kind == IR_PLATE_ROWS && fe->has_costs)
        diag_error(fe->diags, at, SG0108,
                   "`%s` belongs to the rows `%s`: only costs and outputs leave them", name,
                   in->name);
    else
        diag_error(fe->diags, at, SG0108,
                   "`%s` belongs to plate `%s`: outside it is read only by a reduction, as in "
                   "`sum(%s, over = %s)`",
                   name, in->name, name, in->name);
}

/* The statement of the file that defines the name, here or further down. */
static const Stmt *defined_below(const Fe *fe, const char *name)
{
    for (uint32_t i = 0; i < fe->statements->count; i++) {
        const Stmt *s = fe->statements->stmt[i];
        bool names = s->kind != STMT_TRAIN && s->kind != STMT_GRAPH;
        if (names && s->name && strcmp(s->name, name) == 0)
            return s;
    }
    return NULL;
}

static bool in_body_of(const Fe *fe, const char *name)
{
    for (const Scope *s = fe->scope; s; s = s->parent)
        if (s->kind == SCOPE_BODY && strcmp(s->name, name) == 0)
            return true;
    return false;
}

static void say_unknown(Fe *fe, Span at, const char *name, bool function)
{
    Suggestion s = {.wanted = name};
    const Stmt *below = defined_below(fe, name);
    const char *kind = function ? "function" : "name";
    const char *reason = function ? ir_out_of_scope(name) : NULL;
    Foreign foreign;
    offer_names(fe, &s, function);
    if (below && function && in_body_of(fe, name)) {
        diag_error(fe->diags, at, SG0105, "`%s` calls itself: recursion is not possible", name);
    } else if (below) {
        diag_error(fe->diags, at, SG0104, "`%s` is used before it is defined", name);
        diag_note(fe->diags, below->name_at, "it is defined here");
    } else if (reason) {
        diag_error(fe->diags, at, SG0102, "`%s` is not among the functions: %s", name, reason);
    } else {
        diag_error(fe->diags, at, function ? SG0102 : SG0101, "unknown %s `%s`", kind, name);
        if (fe_find_foreign(fe, name, function, &foreign))
            fe_offer_foreign(fe->diags, at, &foreign);
        else
            fe_offer(fe, at, &s);
    }
}

/* The other use of the name, if that is what the user meant. */
static bool say_other_kind(Fe *fe, Span at, const char *name, bool function)
{
    const Entry *e = visible(fe, name, !function);
    if (!e && !function && fe_is_builtin(name)) {
        diag_error(fe->diags, at, SG0106, "`%s` is a function: call it, as in `%s(…)`", name, name);
        return true;
    }
    if (!e)
        return false;
    if (function)
        diag_error(fe->diags, at, SG0106, "`%s` is a value, not a function or a layer", name);
    else
        diag_error(fe->diags, at, SG0106, "`%s` is a %s, not a value", name,
                   e->kind == ENTRY_DEF ? "def" : "layer");
    return true;
}

/* Says no more about a name that was reported once. */
static void silence(Fe *fe, const char *name, Span at)
{
    Scope *s = fe->scope;
    while (s->kind == SCOPE_WINDOW)
        s = s->parent;
    Entry *e = arena_make(fe->arena, Entry);
    *e = (Entry){.name = name, .at = at, .kind = ENTRY_BROKEN, .next = s->entry};
    s->entry = e;
}

static void report(Fe *fe, Span at, const char *name, bool function)
{
    const Scope *in = function ? NULL : closed_holder(fe->scope, name);
    if (!in && say_other_kind(fe, at, name, function))
        return;
    if (in)
        say_closed(fe, at, name, in);
    else
        say_unknown(fe, at, name, function);
    silence(fe, name, at);
}

/* `np.exp`, which looks like a part of a layer. */
static bool say_foreign(Fe *fe, const Expr *e, bool function)
{
    Foreign foreign;
    if (!fe_find_foreign(fe, e->name, function, &foreign))
        return false;
    diag_error(fe->diags, e->name_at, function ? SG0102 : SG0101, "unknown %s `%s`",
               function ? "function" : "name", e->name);
    fe_offer_foreign(fe->diags, e->name_at, &foreign);
    return true;
}

/* The fields of "enc.a.W", each in the instance before it. */
static Entry *in_instance(Fe *fe, const Expr *e, Entry *instance, const char *field, bool function)
{
    while (instance) {
        if (instance->kind == ENTRY_BROKEN)
            return NULL;
        const char *dot = strchr(field, '.');
        size_t len = dot ? (size_t)(dot - field) : strlen(field);
        const char *name = arena_copy(fe->arena, field, len);
        Entry *found = fe_find(instance->home, name);
        bool ok = found && (dot ? found->kind == ENTRY_INSTANCE : wanted(found, function));
        if (!ok) {
            diag_error(fe->diags, e->name_at, SG0107, "layer `%s` has no %s `%s`", instance->name,
                       dot || function ? "layer" : "param", name);
            return NULL;
        }
        if (!dot)
            return found->kind == ENTRY_BROKEN ? NULL : found;
        instance = found;
        field = dot + 1;
    }
    return NULL;
}

/* The part of a path that `name` is. */
static Span first_of(Span path, const char *name)
{
    size_t len = strlen(name);
    return (Span){path.line, path.col, path.len > len ? (uint32_t)len : path.len};
}

Entry *fe_lookup(Fe *fe, const Expr *e, bool function)
{
    const char *dot = strchr(e->name, '.');
    const char *name = dot ? arena_copy(fe->arena, e->name, (size_t)(dot - e->name)) : e->name;
    bool path = dot != NULL;
    Entry *found = visible(fe, name, function || path);
    if (!found) {
        if (!path || !say_foreign(fe, e, function))
            report(fe, first_of(e->name_at, name), name, function || path);
        return NULL;
    }
    if (path && found->kind != ENTRY_BROKEN && found->kind != ENTRY_INSTANCE) {
        diag_error(fe->diags, e->name_at, SG0107, "`%s` is not an instance of a layer", name);
        return NULL;
    }
    if (path)
        return in_instance(fe, e, found, dot + 1, function);
    return found->kind == ENTRY_BROKEN ? NULL : found;
}

/* ---- plates -------------------------------------------------------------------------------- */

static const Scope *closed_plate(const Scope *s, const char *name)
{
    for (uint32_t i = 0; i < s->closeds; i++)
        if (s->closed[i]->kind == SCOPE_PLATE && strcmp(s->closed[i]->name, name) == 0)
            return s->closed[i];
    return NULL;
}

const Scope *fe_find_plate(const Fe *fe, const char *name, bool *open)
{
    for (const Scope *s = fe->scope; s; s = s->parent) {
        *open = s->kind == SCOPE_PLATE && strcmp(s->name, name) == 0;
        if (*open)
            return s;
        const Scope *closed = closed_plate(s->kind == SCOPE_WINDOW ? s->seen : s, name);
        if (closed)
            return closed;
        if (s->kind == SCOPE_BODY)
            break;
    }
    return NULL;
}
