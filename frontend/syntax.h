/* Tokens and syntax trees: what the lexer and the parser hand on.  Everything lives in the arena.
 */
#ifndef SGC_FRONTEND_SYNTAX_H
#define SGC_FRONTEND_SYNTAX_H

#include "frontend/frontend.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum TokenKind {
/* clang-format off */
#define TOKEN(id, text) TOK_##id,
#include "frontend/token.def"
    /* clang-format on */
    TOKEN_KINDS
} TokenKind;

typedef struct Token {
    TokenKind kind;
    Span at;
    const char *text; /* borrowed from the source; at.len bytes */
    int64_t integer;
    double number;
} Token;

/* Token text as messages spell it. */
extern const char *const fe_token_text[TOKEN_KINDS];
bool fe_begins_statement(TokenKind k);

/* All tokens of text, the last one TOK_END.  Reports what is no token and leaves it out. */
Token *fe_lex(Arena *a, const char *text, Diags *d);

/* ---- expressions --------------------------------------------------------------------------- */

typedef enum ExprKind {
    EXPR_INTEGER, /* integer                                     */
    EXPR_NUMBER,  /* number                                      */
    EXPR_BOOL,    /* integer                                     */
    EXPR_NAME,    /* name, or a path "enc.W"                     */
    EXPR_CALL,    /* name(arg), `biased` after stop_gradient     */
    EXPR_INDEX,   /* a[arg]                                      */
    EXPR_LIST,    /* [arg]                                       */
    EXPR_UNARY,   /* op a                                        */
    EXPR_BINARY,  /* a op b                                      */
    EXPR_IF       /* if a then b else c                          */
} ExprKind;

typedef struct Expr Expr;

typedef struct Arg {
    const char *name; /* name = value, or NULL */
    Span at;
    Expr *value; /* the lower bound of a slice */
    Expr *end;   /* the upper bound of a slice lo:end, else NULL */
} Arg;

typedef struct Args {
    Arg *arg;
    uint32_t count;
    Span at; /* with the brackets */
} Args;

struct Expr {
    ExprKind kind;
    TokenKind op;
    Span at, name_at;
    const char *name;
    int64_t integer;
    double number;
    Expr *a, *b, *c;
    Args args;
    bool biased;
    uint32_t depth; /* of the tree below: bounded, so that walks may recurse */
};

/* ---- statements ---------------------------------------------------------------------------- */

typedef enum StmtKind {
    STMT_BROKEN,   /* a syntax error was reported; `name` is what it would have defined, or NULL */
    STMT_DIM,      /* dim name = value                                                */
    STMT_HYPER,    /* hyper name = value                                              */
    STMT_PARAM,    /* param name[bracket[0]] in constraint = value                    */
    STMT_LAYER,    /* layer name(formal) { body }                                     */
    STMT_INSTANCE, /* layer name = value                                              */
    STMT_DEF,      /* def name(formal) { body }; forward(formal) { body }             */
    STMT_RETURN,   /* return value; `def f(a) = e` has a body of this alone           */
    STMT_GRAPH,    /* graph name { body }                                             */
    STMT_TRAIN,    /* train name { setting }                                          */
    STMT_DATA,     /* data name[bracket[0]] elem in constraint                        */
    STMT_BIND,     /* name[bracket[0]] = value                                        */
    STMT_DRAW,     /* name[bracket[0]][bracket[1]] ~ law via via                      */
    STMT_OBSERVE,  /* observe value ~ law                                             */
    STMT_COST,     /* cost value                                                      */
    STMT_REWARD,   /* reward value                                                    */
    STMT_OUTPUT,   /* output name = value                                             */
    STMT_PLATE,    /* plate name = value { body }; value NULL: reopened               */
    STMT_FOR,      /* for name in value..law { body }                                 */
    STMT_KINDS
} StmtKind;

typedef struct Formal {
    const char *name;
    Span at;
} Formal;

typedef struct ViaClause {
    const char *name; /* NULL: no `via` */
    Span at;
    Args args;
    bool biased;
} ViaClause;

typedef struct Stmt Stmt;

typedef struct Block {
    Stmt **stmt;
    uint32_t count;
} Block;

struct Stmt {
    StmtKind kind;
    Span at, name_at;
    const char *name;
    Args bracket[2];
    uint32_t brackets;
    Expr *value, *law, *constraint;
    TokenKind elem; /* TOK_INT, TOK_REAL, TOK_BOOL; TOK_END: not written */
    ViaClause via;
    Formal *formal;
    uint32_t formals;
    Args setting;
    Block body;
    bool faulty; /* a def or layer whose body was reported: calls stay silent */
};

enum { SYNTAX_DEPTH = 400 }; /* of expressions and of blocks */

/* Parses a whole file; what cannot be parsed is reported and left out. */
Block fe_parse(Arena *a, const Token *token, Diags *d);

/* ---- foreign spellings ---------------------------------------------------------------------- */

typedef enum ForeignKind {
    FOREIGN_FUNCTION,
    FOREIGN_VALUE,
    FOREIGN_MARK,
    FOREIGN_IN_FILE,
    FOREIGN_IN_GRAPH,
    FOREIGN_ESTIMATOR
} ForeignKind;

/* A row of foreign.def. */
typedef struct Foreign {
    ForeignKind kind;
    const char *theirs, *ours, *example;
} Foreign;
extern const Foreign fe_foreign_row[];
extern const size_t fe_foreign_rows;

const Foreign *fe_foreign(ForeignKind kind, const char *theirs); /* NULL: there is none */
const Foreign *fe_foreign_mark(const char *text);                /* the one that text begins with */
/* Adds it to the error just reported at `at`. */
void fe_offer_foreign(Diags *d, Span at, const Foreign *f);

/* a .. b, on the line of a */
Span fe_span_join(Span a, Span b);

#endif
