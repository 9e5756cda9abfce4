/* What the two halves of the parser share: the cursor, and expressions for statements. */
#ifndef SGC_FRONTEND_PARSER_H
#define SGC_FRONTEND_PARSER_H

#include "frontend/syntax.h"

typedef struct Parser {
    Arena *arena;
    Diags *diags;
    const Token *next;
    uint32_t depth; /* of the recursion */
    bool too_deep;  /* reported: that blocks around it do not end is no other fault */
} Parser;

/* Each returns NULL or false after reporting; the caller then leaves the statement. */
Expr *fe_parse_expr(Parser *p);
bool fe_parse_args(Parser *p, TokenKind close, Args *out); /* after the opening bracket */
bool fe_parse_name(Parser *p, const char *what, const char **name, Span *at);

bool fe_accept(Parser *p, TokenKind k);
bool fe_expect(Parser *p, TokenKind k, const char *where);
bool fe_unexpected(Parser *p, const char *wanted); /* false */
bool fe_too_deep(Parser *p);                       /* reports and returns true past the limit */

#endif
