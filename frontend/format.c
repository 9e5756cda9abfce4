/* sgc fmt: the same tokens on the same lines, indented by the blocks that they stand in.
 *
 * Lines end where the user ended them, since a line end may end a statement, and what stands in
 * columns by two spaces or more stays there.  So comments stay where they were, and formatting
 * twice is formatting once. */
#include "frontend/syntax.h"

#include <string.h>

enum { INDENT = 2 };

typedef struct Line {
    const char *text; /* borrowed; len bytes, without the line end */
    size_t len;
    const Token *token; /* those of this line */
    size_t tokens;
} Line;

typedef struct Format {
    FILE *out;
    uint32_t braces, brackets; /* that are open before the line */
    bool goes_on;              /* the last line ended within a statement */
    long shift;                /* of the statement's first line: its other lines follow */
} Format;

/* ---- gaps ---------------------------------------------------------------------------------- */

static bool is_name(TokenKind k)
{
    return k == TOK_NAME || k == TOK_FORWARD;
}

static bool ends_operand(TokenKind k)
{
    return is_name(k) || k == TOK_INTEGER || k == TOK_NUMBER || k == TOK_TRUE || k == TOK_FALSE ||
           k == TOK_CLOSE || k == TOK_CLOSE_SQUARE;
}

typedef enum Gap { NONE, SOME, AS_IS } Gap;

static bool is_binary(TokenKind k)
{
    return (k >= TOK_LE && k <= TOK_AT) || k == TOK_POWER;
}

/* Between the tokens a and b; `before` is the one before a, TOK_NEWLINE if there is none. */
static Gap gap(TokenKind before, TokenKind a, TokenKind b, bool in_square)
{
    if (a == TOK_OPEN || a == TOK_OPEN_SQUARE || b == TOK_CLOSE || b == TOK_CLOSE_SQUARE ||
        b == TOK_COMMA || b == TOK_SEMI || a == TOK_DOT || b == TOK_DOT || a == TOK_TO ||
        b == TOK_TO || a == TOK_COLON || b == TOK_COLON)
        return NONE;
    if ((b == TOK_OPEN && is_name(a)) || (b == TOK_OPEN_SQUARE && ends_operand(a)))
        return NONE;
    if (a == TOK_MINUS && !ends_operand(before))
        return b == TOK_MINUS ? AS_IS : NONE;
    bool tight = a == TOK_POWER || b == TOK_POWER || (in_square && (is_binary(a) || is_binary(b)));
    return tight ? AS_IS : SOME;
}

static size_t space_before(const Line *l, size_t i)
{
    const Token *t = &l->token[i], *last = t - 1;
    return t->at.col - (last->at.col + last->at.len);
}

static void put_gap(const Format *f, Gap wanted, size_t there)
{
    size_t n = wanted == NONE ? 0 : wanted == SOME && there == 0 ? 1 : there;
    for (size_t i = 0; i < n; i++)
        fputc(' ', f->out);
}

/* ---- lines --------------------------------------------------------------------------------- */

static void put_tokens(const Format *f, const Line *l)
{
    uint32_t square = f->brackets;
    for (size_t i = 0; i < l->tokens; i++) {
        const Token *t = &l->token[i];
        TokenKind before = i > 1 ? t[-2].kind : TOK_NEWLINE;
        if (i > 0)
            put_gap(f, gap(before, t[-1].kind, t->kind, square > 0), space_before(l, i));
        fwrite(l->text + t->at.col - 1, 1, t->at.len, f->out);
        square += t->kind == TOK_OPEN_SQUARE;
        square -= t->kind == TOK_CLOSE_SQUARE && square > 0;
    }
}

/* From its # on; NULL: the line has none. */
static const char *comment_of(const Line *l, size_t *len)
{
    const Token *last = l->tokens ? &l->token[l->tokens - 1] : NULL;
    size_t from = last ? last->at.col - 1 + last->at.len : 0;
    const char *hash = memchr(l->text + from, '#', l->len - from);
    *len = hash ? l->len - (size_t)(hash - l->text) : 0;
    while (*len > 0 && (hash[*len - 1] == ' ' || hash[*len - 1] == '\t'))
        --*len;
    return hash;
}

static void put_comment(const Format *f, const Line *l)
{
    size_t len;
    const char *comment = comment_of(l, &len);
    if (!comment)
        return;
    const Token *last = l->tokens ? &l->token[l->tokens - 1] : NULL;
    if (last)
        put_gap(f, SOME, (size_t)(comment - l->text) - (last->at.col - 1 + last->at.len));
    fwrite(comment, 1, len, f->out);
}

static long indent_of(const Line *l)
{
    size_t n = 0;
    while (n < l->len && (l->text[n] == ' ' || l->text[n] == '\t'))
        n++;
    return (long)n;
}

/* Its column: by its block, or beside the first line of its statement. */
static void put_indent(Format *f, const Line *l)
{
    uint32_t closed = 0;
    while (closed < l->tokens && closed < f->braces && l->token[closed].kind == TOK_CLOSE_BRACE)
        closed++;
    long by_block = (long)(f->braces - closed) * INDENT, there = indent_of(l);
    if (!f->goes_on)
        f->shift = by_block - there;
    long n = f->goes_on ? there + f->shift : by_block;
    for (long i = 0; i < (n > 0 ? n : 0); i++)
        fputc(' ', f->out);
}

static void take_braces(Format *f, const Line *l)
{
    for (size_t i = 0; i < l->tokens; i++) {
        TokenKind k = l->token[i].kind;
        f->braces += k == TOK_OPEN_BRACE;
        f->braces -= k == TOK_CLOSE_BRACE && f->braces > 0;
        f->brackets += k == TOK_OPEN || k == TOK_OPEN_SQUARE;
        f->brackets -= (k == TOK_CLOSE || k == TOK_CLOSE_SQUARE) && f->brackets > 0;
    }
}

static void put_line(Format *f, const Line *l, bool goes_on)
{
    put_indent(f, l);
    put_tokens(f, l);
    put_comment(f, l);
    fputc('\n', f->out);
    take_braces(f, l);
    f->goes_on = goes_on;
}

/* ---- files --------------------------------------------------------------------------------- */

static bool is_blank(const Line *l)
{
    size_t len;
    return l->tokens == 0 && !comment_of(l, &len);
}

/* A token NEWLINE ends a statement; a line without one goes on. */
static const Token *take_tokens(Line *l, const Token *t, uint32_t number, bool *ended)
{
    l->token = t;
    *ended = false;
    for (; t->kind != TOK_END && t->at.line == number && t->kind != TOK_NEWLINE; t++)
        l->tokens++;
    if (t->kind == TOK_NEWLINE && t->at.line == number) {
        *ended = true;
        t++;
    }
    return t;
}

static void format(const char *text, const Token *t, FILE *out)
{
    Format f = {.out = out};
    bool begun = false, gap_before = false;
    for (uint32_t number = 1; *text; number++) {
        Line l = {.text = text, .len = strcspn(text, "\n")};
        text += l.len + (text[l.len] == '\n');
        while (l.len > 0 && l.text[l.len - 1] == '\r')
            l.len--;
        bool ended, inside = f.goes_on;
        t = take_tokens(&l, t, number, &ended);
        if (is_blank(&l)) {
            gap_before = begun;
            continue;
        }
        if (gap_before)
            fputc('\n', out);
        const Token *last = l.tokens ? &l.token[l.tokens - 1] : NULL;
        bool block = last && (last->kind == TOK_OPEN_BRACE || last->kind == TOK_SEMI);
        put_line(&f, &l, l.tokens ? !ended && !block : inside);
        gap_before = false;
        begun = true;
    }
}

bool fe_format(const char *text, Diags *d, FILE *out)
{
    Arena *a = arena_new();
    Token *t = fe_lex(a, text, d);
    fe_parse(a, t, d);
    bool ok = diags_errors(d) == 0;
    if (ok)
        format(text, t, out);
    arena_free(a);
    return ok;
}
