/* Expressions, by recursive descent: one function a level of precedence, loosest first. */
#include "frontend/parser.h"

#include <string.h>

Span fe_span_join(Span a, Span b)
{
    if (a.line == b.line && b.col + b.len > a.col + a.len)
        a.len = b.col + b.len - a.col;
    return a;
}

/* ---- the cursor ---------------------------------------------------------------------------- */

bool fe_unexpected(Parser *p, const char *wanted)
{
    const Token *t = p->next;
    if (t->kind == TOK_BAD)
        return false;
    bool spelled = t->kind == TOK_NAME || t->kind == TOK_INTEGER || t->kind == TOK_NUMBER;
    if (spelled)
        diag_error(p->diags, t->at, SG0004, "expected %s, found `%.*s`", wanted,
                   (int)(t->at.len > 60 ? 60 : t->at.len), t->text);
    else if (t->kind == TOK_END || t->kind == TOK_NEWLINE)
        diag_error(p->diags, t->at, SG0004, "expected %s before the %s", wanted,
                   fe_token_text[t->kind]);
    else
        diag_error(p->diags, t->at, SG0004, "expected %s, found `%s`", wanted,
                   fe_token_text[t->kind]);
    return false;
}

bool fe_accept(Parser *p, TokenKind k)
{
    if (p->next->kind != k)
        return false;
    p->next++;
    return true;
}

bool fe_expect(Parser *p, TokenKind k, const char *where)
{
    if (fe_accept(p, k))
        return true;
    return fe_unexpected(p, arena_printf(p->arena, "`%s` %s", fe_token_text[k], where));
}

bool fe_too_deep(Parser *p)
{
    if (p->depth < SYNTAX_DEPTH)
        return false;
    p->too_deep = true;
    diag_error(p->diags, p->next->at, SG0006, "nested more than %d deep", SYNTAX_DEPTH);
    return true;
}

bool fe_parse_name(Parser *p, const char *what, const char **name, Span *at)
{
    const Token *t = p->next;
    if (t->kind != TOK_NAME) {
        bool word = t->text && t->kind > TOK_BAD && t->kind < TOK_LE;
        if (!word)
            return fe_unexpected(p, what);
        diag_error(p->diags, t->at, SG0005, "expected %s, but `%s` is a word of the language", what,
                   fe_token_text[t->kind]);
        return false;
    }
    *name = arena_copy(p->arena, t->text, t->at.len);
    *at = t->at;
    p->next++;
    return true;
}

/* ---- nodes --------------------------------------------------------------------------------- */

static uint32_t deeper(uint32_t depth, const Expr *e)
{
    return e && e->depth + 1 > depth ? e->depth + 1 : depth;
}

/* Gives e its place in the arena; NULL if the tree below it is too deep to be walked. */
static Expr *make(Parser *p, Expr e)
{
    e.depth = deeper(deeper(deeper(0, e.a), e.b), e.c);
    for (uint32_t i = 0; i < e.args.count; i++)
        e.depth = deeper(deeper(e.depth, e.args.arg[i].value), e.args.arg[i].end);
    if (e.depth > SYNTAX_DEPTH) {
        diag_error(p->diags, e.at, SG0006, "the expression is more than %d operations deep",
                   SYNTAX_DEPTH);
        return NULL;
    }
    Expr *out = arena_make(p->arena, Expr);
    *out = e;
    return out;
}

static Span until(const Parser *p, Span from)
{
    return fe_span_join(from, p->next[-1].at);
}

/* ---- primaries ----------------------------------------------------------------------------- */

/* value, name = value, or a slice lo:end inside [ ]. */
static bool parse_arg(Parser *p, TokenKind close, Arg *arg)
{
    const Token *t = p->next;
    if (t->kind == TOK_NAME && t[1].kind == TOK_ASSIGN) {
        if (!fe_parse_name(p, "an argument name", &arg->name, &arg->at))
            return false;
        p->next++;
    }
    arg->value = fe_parse_expr(p);
    if (arg->value && close == TOK_CLOSE_SQUARE && fe_accept(p, TOK_COLON)) {
        arg->end = fe_parse_expr(p);
        if (!arg->end)
            return false;
    }
    return arg->value != NULL;
}

bool fe_parse_args(Parser *p, TokenKind close, Args *out)
{
    *out = (Args){.at = p->next[-1].at};
    while (p->next->kind != close) {
        Arg arg = {0};
        if (!parse_arg(p, close, &arg))
            return false;
        *arena_push(p->arena, out->arg, out->count, Arg) = arg;
        if (!fe_accept(p, TOK_COMMA))
            break;
    }
    if (!fe_expect(p, close, "or `,`"))
        return false;
    out->at = until(p, out->at);
    return true;
}

/* name, path.name, name(args); `biased` belongs to stop_gradient. */
static Expr *parse_named(Parser *p)
{
    Expr e = {.kind = EXPR_NAME, .at = p->next->at};
    if (!fe_parse_name(p, "a name", &e.name, &e.name_at))
        return NULL;
    while (p->next->kind == TOK_DOT) {
        const char *field;
        Span at;
        p->next++;
        if (!fe_parse_name(p, "a field after `.`", &field, &at))
            return NULL;
        e.name = arena_printf(p->arena, "%s.%s", e.name, field);
        e.name_at = e.at = until(p, e.at);
    }
    if (fe_accept(p, TOK_OPEN)) {
        e.kind = EXPR_CALL;
        if (!fe_parse_args(p, TOK_CLOSE, &e.args))
            return NULL;
        if (strcmp(e.name, "stop_gradient") == 0)
            e.biased = fe_accept(p, TOK_BIASED);
        e.at = until(p, e.at);
    }
    return make(p, e);
}

static Expr *parse_bracketed(Parser *p)
{
    Span from = p->next[-1].at;
    Expr *e = fe_parse_expr(p);
    if (!e || !fe_expect(p, TOK_CLOSE, "to close `(`"))
        return NULL;
    e->at = until(p, from);
    return e;
}

static Expr *parse_primary(Parser *p)
{
    const Token *t = p->next;
    Expr e = {.at = t->at, .integer = t->integer, .number = t->number};
    switch (t->kind) {
    case TOK_NAME: return parse_named(p);
    case TOK_INTEGER: e.kind = EXPR_INTEGER; break;
    case TOK_NUMBER: e.kind = EXPR_NUMBER; break;
    case TOK_TRUE:
    case TOK_FALSE:
        e.kind = EXPR_BOOL;
        e.integer = t->kind == TOK_TRUE;
        break;
    case TOK_OPEN: p->next++; return parse_bracketed(p);
    case TOK_OPEN_SQUARE:
        p->next++;
        e.kind = EXPR_LIST;
        if (!fe_parse_args(p, TOK_CLOSE_SQUARE, &e.args))
            return NULL;
        e.at = e.args.at;
        return make(p, e);
    case TOK_IF:
        diag_error(p->diags, t->at, SG0007, "an `if` inside an expression needs parentheses");
        return NULL;
    case TOK_TIMES:
        if (t[-1].kind == TOK_TIMES) {
            Span at = fe_span_join(t[-1].at, t->at);
            diag_error(p->diags, at, SG0008, "powers are written `^`");
            diag_fix(p->diags, at, "^");
            return NULL;
        }
        /* fall through */
    default: fe_unexpected(p, "a value"); return NULL;
    }
    p->next++;
    return make(p, e);
}

static Expr *parse_postfix(Parser *p)
{
    Expr *e = parse_primary(p);
    while (e && fe_accept(p, TOK_OPEN_SQUARE)) {
        Expr index = {.kind = EXPR_INDEX, .a = e, .at = e->at};
        if (!fe_parse_args(p, TOK_CLOSE_SQUARE, &index.args))
            return NULL;
        index.at = until(p, index.at);
        e = make(p, index);
    }
    if (e && p->next->kind == TOK_OPEN) {
        diag_error(p->diags, p->next->at, SG0009, "only a name can be called");
        return NULL;
    }
    return e;
}

/* ---- operators ----------------------------------------------------------------------------- */

static Expr *parse_unary(Parser *p);

/* Right associative, tighter than unary minus on its left; the exponent may start with one. */
static Expr *parse_power(Parser *p)
{
    Expr *e = parse_postfix(p);
    if (!e || p->next->kind != TOK_POWER)
        return e;
    if (fe_too_deep(p))
        return NULL;
    Expr power = {.kind = EXPR_BINARY, .op = TOK_POWER, .a = e};
    p->next++;
    p->depth++;
    power.b = parse_unary(p);
    p->depth--;
    power.at = until(p, e->at);
    return power.b ? make(p, power) : NULL;
}

static Expr *parse_prefixed(Parser *p, TokenKind op, Expr *(*operand)(Parser *))
{
    Expr e = {.kind = EXPR_UNARY, .op = op, .at = p->next->at};
    if (fe_too_deep(p))
        return NULL;
    p->next++;
    p->depth++;
    e.a = operand(p);
    p->depth--;
    e.at = until(p, e.at);
    return e.a ? make(p, e) : NULL;
}

static Expr *parse_unary(Parser *p)
{
    return p->next->kind == TOK_MINUS ? parse_prefixed(p, TOK_MINUS, parse_unary) : parse_power(p);
}

enum { LEVEL_NOT = 2, LEVEL_COMPARE = 3, LEVEL_UNARY = 6 };

/* The level of a binary operator, or -1. */
static int level_of(TokenKind k)
{
    switch (k) {
/* clang-format off */
#define BINARY_WORD(id, text, level, op) case TOK_##id: return level;
#define BINARY(id, text, level, op) case TOK_##id: return level;
#include "frontend/token.def"
    /* clang-format on */
    default: return -1;
    }
}

static Expr *parse_level(Parser *p, int level);

static Expr *parse_not(Parser *p)
{
    return p->next->kind == TOK_NOT ? parse_prefixed(p, TOK_NOT, parse_not)
                                    : parse_level(p, LEVEL_COMPARE);
}

static Expr *parse_level(Parser *p, int level)
{
    if (level == LEVEL_NOT)
        return parse_not(p);
    if (level == LEVEL_UNARY)
        return parse_unary(p);
    Expr *e = parse_level(p, level + 1);
    while (e && level_of(p->next->kind) == level) {
        Expr binary = {.kind = EXPR_BINARY, .op = p->next->kind, .a = e};
        p->next++;
        binary.b = parse_level(p, level + 1);
        binary.at = until(p, e->at);
        e = binary.b ? make(p, binary) : NULL;
        if (e && level == LEVEL_COMPARE && level_of(p->next->kind) == level) {
            diag_error(p->diags, p->next->at, SG0010,
                       "comparisons do not chain: write `a < b and b < c`");
            return NULL;
        }
    }
    return e;
}

static Expr *parse_if(Parser *p)
{
    Expr e = {.kind = EXPR_IF, .at = p->next->at};
    p->next++;
    e.a = fe_parse_expr(p);
    if (!e.a || !fe_expect(p, TOK_THEN, "after the condition of `if`"))
        return NULL;
    e.b = fe_parse_expr(p);
    if (!e.b || !fe_expect(p, TOK_ELSE, "after the first branch of `if`"))
        return NULL;
    e.c = fe_parse_expr(p);
    e.at = until(p, e.at);
    return e.c ? make(p, e) : NULL;
}

Expr *fe_parse_expr(Parser *p)
{
    if (fe_too_deep(p))
        return NULL;
    p->depth++;
    Expr *e = p->next->kind == TOK_IF ? parse_if(p) : parse_level(p, 0);
    p->depth--;
    return e;
}
