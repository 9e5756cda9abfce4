/* Bytes to tokens.  A line end is a token unless the statement goes on: inside brackets, and after
 * a binary operator, comma, `=`, `~`, `if`, `then` or `else`. */
#include "frontend/syntax.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const fe_token_text[TOKEN_KINDS] = {
/* clang-format off */
#define TOKEN(id, text) [TOK_##id] = text,
#include "frontend/token.def"
    /* clang-format on */
};

typedef struct Spelling {
    const char *text;
    TokenKind kind;
} Spelling;

static const Spelling word[] = {
/* clang-format off */
#define MARK(id, text)
#define TOKEN(id, text)
#define WORD(id, text) {text, TOK_##id},
#include "frontend/token.def"
    /* clang-format on */
};

static const Spelling mark[] = {
/* clang-format off */
#define WORD(id, text)
#define TOKEN(id, text)
#define MARK(id, text) {text, TOK_##id},
#include "frontend/token.def"
    /* clang-format on */
};

bool fe_begins_statement(TokenKind k)
{
    switch (k) {
/* clang-format off */
#define STATEMENT_WORD(id, text) case TOK_##id:
#include "frontend/token.def"
        /* clang-format on */
        return true;
    default:
        return false;
    }
}

typedef struct Lexer {
    Arena *arena;
    Diags *diags;
    const char *line, *at; /* the start of the line, and the next byte */
    uint32_t line_number;
    uint32_t depth; /* of open ( and [ */
    Span pending;   /* the end of the last line inside brackets; line 0: none */
    Token *token;
    size_t count;
} Lexer;

static Span span_of(const Lexer *l, size_t len)
{
    return (Span){l->line_number, (uint32_t)(l->at - l->line) + 1, (uint32_t)len};
}

/* Whether a line that ends after this token goes on in the next. */
static bool continues(TokenKind k)
{
    switch (k) {
/* clang-format off */
#define BINARY_WORD(id, text, level, op) case TOK_##id:
#define BINARY(id, text, level, op) case TOK_##id:
#include "frontend/token.def"
    /* clang-format on */
    case TOK_POWER:
    case TOK_COMMA:
    case TOK_ASSIGN:
    case TOK_DRAWN:
    case TOK_IF:
    case TOK_THEN:
    case TOK_ELSE:
        return true;
    default:
        return false;
    }
}

static void push(Lexer *l, Token t)
{
    *arena_push(l->arena, l->token, l->count, Token) = t;
}

static void push_newline(Lexer *l, Span at)
{
    TokenKind last = l->count ? l->token[l->count - 1].kind : TOK_NEWLINE;
    if (l->depth > 0)
        l->pending = at;
    else if (last != TOK_NEWLINE && !continues(last))
        push(l, (Token){.kind = TOK_NEWLINE, .at = at, .text = l->at});
}

/* A word that begins a statement, or a brace, cannot stand inside brackets: one was left open.
 * The statement ends there, so that the error stays in it. */
static void close_brackets(Lexer *l, TokenKind next)
{
    bool outside = fe_begins_statement(next) || next == TOK_OPEN_BRACE || next == TOK_CLOSE_BRACE;
    if (l->depth == 0 || !outside)
        return;
    l->depth = 0;
    if (l->pending.line)
        push_newline(l, l->pending);
}

static void push_text(Lexer *l, TokenKind kind, size_t len)
{
    close_brackets(l, kind);
    push(l, (Token){.kind = kind, .at = span_of(l, len), .text = l->at});
    if (kind == TOK_OPEN || kind == TOK_OPEN_SQUARE)
        l->depth++;
    if ((kind == TOK_CLOSE || kind == TOK_CLOSE_SQUARE) && l->depth > 0)
        l->depth--;
    if (l->depth == 0)
        l->pending.line = 0;
    l->at += len;
}

static void lex_word(Lexer *l)
{
    size_t len = 1;
    while (isalnum((unsigned char)l->at[len]) || l->at[len] == '_')
        len++;
    TokenKind kind = TOK_NAME;
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (strlen(word[i].text) == len && memcmp(word[i].text, l->at, len) == 0)
            kind = word[i].kind;
    push_text(l, kind, len);
}

static size_t digits(const char *s)
{
    size_t n = 0;
    while (isdigit((unsigned char)s[n]))
        n++;
    return n;
}

/* The exponent at s, or 0. */
static size_t exponent(const char *s)
{
    if (*s != 'e' && *s != 'E')
        return 0;
    size_t sign = s[1] == '+' || s[1] == '-';
    size_t n = digits(s + 1 + sign);
    return n ? 1 + sign + n : 0;
}

/* Integers are exact in the doubles that constants are kept in. */
static const int64_t largest_integer = (int64_t)1 << 53;

/* 12, 1.5, 1e-3; `1..5` is a range, `1.` and `.5` are nothing. */
static void lex_number(Lexer *l)
{
    size_t len = digits(l->at), fraction = 0;
    if (l->at[len] == '.' && l->at[len + 1] != '.') {
        fraction = digits(l->at + len + 1);
        if (fraction == 0)
            diag_error(l->diags, span_of(l, len + 1), SG0002,
                       "a number needs digits on both sides of its point");
        len += 1 + fraction;
    }
    size_t e = exponent(l->at + len);
    bool integer = fraction == 0 && e == 0;
    len += e;
    size_t tail = 0;
    while (isalnum((unsigned char)l->at[len + tail]) || l->at[len + tail] == '_')
        tail++;
    if (tail)
        diag_error(l->diags, span_of(l, len + tail), SG0002,
                   "`%.*s` is neither a number nor a name",
                   (int)(len + tail > 40 ? 40 : len + tail), l->at);
    Token t = {
        .kind = integer ? TOK_INTEGER : TOK_NUMBER, .at = span_of(l, len + tail), .text = l->at};
    char *copy = arena_copy(l->arena, l->at, len);
    t.number = strtod(copy, NULL);
    errno = 0;
    t.integer = integer ? strtoll(copy, NULL, 10) : 0;
    if (integer && (errno || t.integer > largest_integer)) {
        diag_error(l->diags, t.at, SG0003, "the integer is larger than 2^53");
        t.integer = 1;
    }
    if (!integer && t.number > 1.7976931348623157e308)
        diag_error(l->diags, t.at, SG0003, "the number is larger than a double can hold");
    push(l, t);
    l->at += len + tail;
}

/* Well-formed and stray bytes of UTF-8 are reported as one character. */
static size_t character(const char *s)
{
    size_t n = 1;
    while (((unsigned char)s[n] & 0xC0) == 0x80 && n < 4)
        n++;
    return n;
}

/* A text in quotes, up to the second or the end of the line. */
static size_t quoted(const char *s)
{
    size_t n = 1 + strcspn(s + 1, "\"\n");
    return n + (s[n] == '"');
}

static void lex_unknown(Lexer *l)
{
    unsigned char c = (unsigned char)*l->at;
    size_t len = c == '"' ? quoted(l->at) : character(l->at);
    if (c == '"')
        diag_error(l->diags, span_of(l, len), SG0001, "the language has no texts in quotes");
    else if (c == '.')
        diag_error(l->diags, span_of(l, len), SG0002,
                   "a number needs digits on both sides of its point");
    else if (c >= 0x20 && c != 0x7F && (c < 0x80 || len > 1))
        diag_error(l->diags, span_of(l, len), SG0001, "unexpected character `%.*s`", (int)len,
                   l->at);
    else
        diag_error(l->diags, span_of(l, len), SG0001, "unexpected byte 0x%02x", c);
    push_text(l, TOK_BAD, len); /* what is wrong here has been said */
}

/* The rest of the line of a comment is no program. */
static void lex_foreign(Lexer *l, const Foreign *foreign)
{
    size_t len = strlen(foreign->theirs);
    diag_error(l->diags, span_of(l, len), SG0008, "`%s` means nothing here", foreign->theirs);
    fe_offer_foreign(l->diags, span_of(l, len), foreign);
    push_text(l, TOK_BAD, len); /* what is wrong here has been said */
    if (strchr(foreign->example, '#'))
        l->at += strcspn(l->at, "\n");
}

/* The longest spelling wins, whosever it is: `//` is no quotient. */
static void lex_mark(Lexer *l)
{
    const Foreign *foreign = fe_foreign_mark(l->at);
    size_t i = 0, marks = sizeof mark / sizeof *mark;
    while (i < marks && strncmp(mark[i].text, l->at, strlen(mark[i].text)) != 0)
        i++;
    size_t len = i < marks ? strlen(mark[i].text) : 0;
    if (foreign && strlen(foreign->theirs) > len)
        lex_foreign(l, foreign);
    else if (len == 0 || (l->at[0] == '.' && isdigit((unsigned char)l->at[1])))
        lex_unknown(l);
    else
        push_text(l, mark[i].kind, len);
}

Token *fe_lex(Arena *a, const char *text, Diags *d)
{
    Lexer l = {.arena = a, .diags = d, .line = text, .at = text, .line_number = 1};
    while (*l.at && !diags_full(d)) {
        unsigned char c = (unsigned char)*l.at;
        if (c == '\n') {
            push_newline(&l, span_of(&l, 0));
            l.line = ++l.at;
            l.line_number++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            l.at++;
        } else if (c == '#') {
            l.at += strcspn(l.at, "\n");
        } else if (isalpha(c) || c == '_') {
            lex_word(&l);
        } else if (isdigit(c)) {
            lex_number(&l);
        } else {
            lex_mark(&l);
        }
    }
    l.depth = 0;
    push_newline(&l, span_of(&l, 0));
    push(&l, (Token){.kind = TOK_END, .at = span_of(&l, 0), .text = l.at});
    return l.token;
}
