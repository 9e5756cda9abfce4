/* Statements and blocks.  An error ends its statement; the next one is parsed afresh. */
#include "frontend/parser.h"

static bool parse_block(Parser *p, Block *out);

static Stmt *make(Parser *p, StmtKind kind)
{
    Stmt *s = arena_make(p->arena, Stmt);
    s->kind = kind;
    s->at = p->next->at;
    s->elem = TOK_END;
    return s;
}

static bool parse_value(Parser *p, Expr **out)
{
    *out = fe_parse_expr(p);
    return *out != NULL;
}

/* = value */
static bool parse_assigned(Parser *p, Stmt *s, const char *where)
{
    return fe_expect(p, TOK_ASSIGN, where) && parse_value(p, &s->value);
}

/* [value, ...], which may be missing */
static bool parse_bracket(Parser *p, Stmt *s)
{
    if (!fe_accept(p, TOK_OPEN_SQUARE))
        return true;
    if (s->brackets == 2) {
        diag_error(p->diags, p->next[-1].at, SG0011,
                   "a name has at most two brackets: its step, its shape");
        return false;
    }
    Args *b = &s->bracket[s->brackets++];
    if (!fe_parse_args(p, TOK_CLOSE_SQUARE, b))
        return false;
    if (b->count == 0) {
        diag_error(p->diags, b->at, SG0011, "empty brackets: a scalar has none");
        return false;
    }
    for (uint32_t i = 0; i < b->count; i++)
        if (b->arg[i].end || b->arg[i].name) {
            diag_error(p->diags, b->arg[i].value->at, SG0011, "expected a size or a step");
            return false;
        }
    return true;
}

/* ---- parts of statements ------------------------------------------------------------------- */

/* in positive, in [lo, hi] */
static bool parse_constraint(Parser *p, Stmt *s)
{
    return !fe_accept(p, TOK_IN) || parse_value(p, &s->constraint);
}

static bool parse_formals(Parser *p, Stmt *s)
{
    if (!fe_expect(p, TOK_OPEN, "before the arguments"))
        return false;
    while (p->next->kind != TOK_CLOSE) {
        Formal f = {0};
        if (!fe_parse_name(p, "the name of an argument", &f.name, &f.at))
            return false;
        *arena_push(p->arena, s->formal, s->formals, Formal) = f;
        if (!fe_accept(p, TOK_COMMA))
            break;
    }
    return fe_expect(p, TOK_CLOSE, "or `,`");
}

/* The body of a def: `= e`, or a block that ends in `return e`. */
static bool parse_function(Parser *p, Stmt *s)
{
    if (!parse_formals(p, s))
        return false;
    if (p->next->kind == TOK_OPEN_BRACE)
        return parse_block(p, &s->body);
    Stmt *result = make(p, STMT_RETURN);
    if (!parse_assigned(p, result, "or `{` before the body"))
        return false;
    result->at = result->value->at;
    *arena_push(p->arena, s->body.stmt, s->body.count, Stmt *) = result;
    return true;
}

static bool parse_via(Parser *p, ViaClause *via)
{
    if (!fe_accept(p, TOK_VIA))
        return true;
    if (!fe_parse_name(p, "an estimator", &via->name, &via->at))
        return false;
    if (fe_accept(p, TOK_OPEN) && !fe_parse_args(p, TOK_CLOSE, &via->args))
        return false;
    via->biased = fe_accept(p, TOK_BIASED);
    via->at = fe_span_join(via->at, p->next[-1].at);
    return true;
}

/* ---- statements, the cursor behind their first word ---------------------------------------- */

typedef bool StmtRule(Parser *p, Stmt *s);

static bool parse_dim(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of a dim", &s->name, &s->name_at) &&
           parse_assigned(p, s, "and the size");
}

static bool parse_hyper(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of a hyper", &s->name, &s->name_at) &&
           parse_assigned(p, s, "and the default value");
}

static bool parse_param(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of a param", &s->name, &s->name_at) && parse_bracket(p, s) &&
           parse_constraint(p, s) &&
           parse_assigned(p, s, "and an initial value, which a param must have,");
}

static bool parse_layer(Parser *p, Stmt *s)
{
    if (!fe_parse_name(p, "the name of a layer", &s->name, &s->name_at))
        return false;
    if (p->next->kind == TOK_OPEN)
        return parse_formals(p, s) && parse_block(p, &s->body);
    s->kind = STMT_INSTANCE;
    return parse_assigned(p, s, "or `(` after the name of a layer");
}

static bool parse_def(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of a def", &s->name, &s->name_at) && parse_function(p, s);
}

static bool parse_forward(Parser *p, Stmt *s)
{
    s->name = "forward";
    s->name_at = s->at;
    return parse_function(p, s);
}

static bool parse_graph(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of a graph", &s->name, &s->name_at) &&
           parse_block(p, &s->body);
}

static bool parse_setting(Parser *p, Args *out)
{
    Arg a = {0};
    if (!fe_parse_name(p, "a setting", &a.name, &a.at) ||
        !fe_expect(p, TOK_ASSIGN, "after the name of a setting") || !parse_value(p, &a.value))
        return false;
    *arena_push(p->arena, out->arg, out->count, Arg) = a;
    return true;
}

/* Settings are separated by line ends, `;` or blanks. */
static bool parse_train(Parser *p, Stmt *s)
{
    if (!fe_parse_name(p, "the graph to train", &s->name, &s->name_at) ||
        !fe_expect(p, TOK_OPEN_BRACE, "before the settings"))
        return false;
    bool ok = true;
    while (ok && p->next->kind != TOK_CLOSE_BRACE)
        ok = fe_accept(p, TOK_NEWLINE) || fe_accept(p, TOK_SEMI) || parse_setting(p, &s->setting);
    while (p->next->kind != TOK_CLOSE_BRACE && p->next->kind != TOK_END)
        p->next++;
    return fe_accept(p, TOK_CLOSE_BRACE) && ok;
}

static bool parse_data(Parser *p, Stmt *s)
{
    if (!fe_parse_name(p, "the name of a data column", &s->name, &s->name_at) ||
        !parse_bracket(p, s))
        return false;
    TokenKind k = p->next->kind;
    if (k == TOK_INT || k == TOK_REAL || k == TOK_BOOL) {
        s->elem = k;
        p->next++;
    }
    return parse_constraint(p, s);
}

static bool parse_observe(Parser *p, Stmt *s)
{
    return parse_value(p, &s->value) && fe_expect(p, TOK_DRAWN, "after what is observed") &&
           parse_value(p, &s->law);
}

static bool parse_cost(Parser *p, Stmt *s)
{
    return parse_value(p, &s->value);
}

static bool parse_output(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "the name of an output", &s->name, &s->name_at) &&
           parse_assigned(p, s, "and the value");
}

static bool parse_plate(Parser *p, Stmt *s)
{
    if (!fe_parse_name(p, "the name of a plate", &s->name, &s->name_at))
        return false;
    if (p->next->kind != TOK_OPEN_BRACE &&
        !parse_assigned(p, s, "or `{` after the name of a plate"))
        return false;
    return parse_block(p, &s->body);
}

static bool parse_for(Parser *p, Stmt *s)
{
    return fe_parse_name(p, "a loop variable", &s->name, &s->name_at) &&
           fe_expect(p, TOK_IN, "after the loop variable") && parse_value(p, &s->value) &&
           fe_expect(p, TOK_TO, "between the bounds") && parse_value(p, &s->law) &&
           parse_block(p, &s->body);
}

/* What the statement would have defined: its uses are not reported again. */
static void take_name(Parser *p, Stmt *s)
{
    s->name = NULL;
    if (p->next->kind == TOK_NAME)
        fe_parse_name(p, "a name", &s->name, &s->name_at);
}

/* `let x = 1`, `import torch`, `praam w = ones()`: a word, and then what cannot stand after a name
 * that is being defined.  True: reported. */
static bool is_misnamed(Parser *p, Stmt *s)
{
    TokenKind next = p->next->kind;
    const Foreign *f = fe_foreign(FOREIGN_IN_GRAPH, s->name);
    Suggestion close = {.wanted = s->name};
    f = f ? f : fe_foreign(FOREIGN_IN_FILE, s->name);
    for (TokenKind k = 0; k < TOKEN_KINDS && !f; k++)
        if (fe_begins_statement(k))
            fe_suggest(&close, fe_token_text[k]);
    if ((!f && !close.best) || next == TOK_ASSIGN || next == TOK_DRAWN || next == TOK_OPEN_SQUARE)
        return false;
    diag_error(p->diags, s->name_at, SG0004, "no statement begins with `%s`", s->name);
    if (f) {
        fe_offer_foreign(p->diags, s->name_at, f);
    } else {
        diag_label(p->diags, "did you mean `%s`?", close.best);
        diag_fix(p->diags, s->name_at, close.best);
    }
    take_name(p, s);
    return true;
}

/* v = e, z[k] ~ D via E */
static bool parse_definition(Parser *p, Stmt *s)
{
    if (!fe_parse_name(p, "a statement", &s->name, &s->name_at) || is_misnamed(p, s) ||
        !parse_bracket(p, s) || !parse_bracket(p, s) || !parse_bracket(p, s))
        return false;
    if (fe_accept(p, TOK_DRAWN)) {
        s->kind = STMT_DRAW;
        return parse_value(p, &s->law) && parse_via(p, &s->via);
    }
    return parse_assigned(p, s, "or `~`");
}

static const struct {
    TokenKind word;
    StmtKind kind;
    StmtRule *rule;
} statement[] = {
    {TOK_DIM, STMT_DIM, parse_dim},
    {TOK_HYPER, STMT_HYPER, parse_hyper},
    {TOK_PARAM, STMT_PARAM, parse_param},
    {TOK_LAYER, STMT_LAYER, parse_layer},
    {TOK_DEF, STMT_DEF, parse_def},
    {TOK_FORWARD, STMT_DEF, parse_forward},
    {TOK_RETURN, STMT_RETURN, parse_cost},
    {TOK_GRAPH, STMT_GRAPH, parse_graph},
    {TOK_TRAIN, STMT_TRAIN, parse_train},
    {TOK_DATA, STMT_DATA, parse_data},
    {TOK_COST, STMT_COST, parse_cost},
    {TOK_REWARD, STMT_REWARD, parse_cost},
    {TOK_OBSERVE, STMT_OBSERVE, parse_observe},
    {TOK_OUTPUT, STMT_OUTPUT, parse_output},
    {TOK_PLATE, STMT_PLATE, parse_plate},
    {TOK_FOR, STMT_FOR, parse_for},
};

static bool parse_any(Parser *p, Stmt *s)
{
    for (size_t i = 0; i < sizeof statement / sizeof *statement; i++)
        if (p->next->kind == statement[i].word) {
            s->kind = statement[i].kind;
            p->next++;
            return statement[i].rule(p, s);
        }
    s->kind = STMT_BIND;
    return parse_definition(p, s);
}

/* ---- blocks -------------------------------------------------------------------------------- */

static bool separator(TokenKind k)
{
    return k == TOK_NEWLINE || k == TOK_SEMI;
}

static bool ended(const Parser *p)
{
    TokenKind k = p->next->kind;
    return separator(k) || k == TOK_CLOSE_BRACE || k == TOK_END;
}

/* To the end of the statement, over the blocks in it. */
static void skip(Parser *p)
{
    uint32_t open = 0;
    while (p->next->kind != TOK_END && (open > 0 || !ended(p))) {
        open += p->next->kind == TOK_OPEN_BRACE;
        open -= p->next->kind == TOK_CLOSE_BRACE && open > 0;
        p->next++;
    }
}

/* A broken statement keeps its name, so that uses of the name are not reported again. */
static Stmt *parse_statement(Parser *p)
{
    Stmt *s = make(p, STMT_BROKEN);
    const Token *start = p->next;
    bool ok = parse_any(p, s);
    s->at = fe_span_join(start->at, p->next > start ? p->next[-1].at : start->at);
    bool block = p->next > start && p->next[-1].kind == TOK_CLOSE_BRACE;
    if (ok && !ended(p) && !block)
        ok = fe_unexpected(p, "the end of the statement");
    if (ok)
        return s;
    skip(p);
    if (p->next == start)
        p->next++;
    Stmt *broken = make(p, STMT_BROKEN);
    broken->name = s->name;
    broken->name_at = s->name_at;
    return broken;
}

static void parse_statements(Parser *p, Block *out)
{
    while (p->next->kind != TOK_END && p->next->kind != TOK_CLOSE_BRACE && !diags_full(p->diags))
        if (separator(p->next->kind))
            p->next++;
        else
            *arena_push(p->arena, out->stmt, out->count, Stmt *) = parse_statement(p);
}

static bool parse_block(Parser *p, Block *out)
{
    Span open = p->next->at;
    if (!fe_expect(p, TOK_OPEN_BRACE, "before a block") || fe_too_deep(p))
        return false;
    p->depth++;
    parse_statements(p, out);
    p->depth--;
    if (fe_accept(p, TOK_CLOSE_BRACE))
        return true;
    if (!diags_full(p->diags) && !p->too_deep)
        diag_error(p->diags, open, SG0012, "this `{` is not closed");
    return false;
}

Block fe_parse(Arena *a, const Token *token, Diags *d)
{
    Parser p = {.arena = a, .diags = d, .next = token};
    Block file = {0};
    parse_statements(&p, &file);
    while (p.next->kind == TOK_CLOSE_BRACE && !diags_full(d)) {
        diag_error(d, p.next->at, SG0012, "this `}` closes nothing");
        p.next++;
        parse_statements(&p, &file);
    }
    return file;
}
