/* Elaboration: syntax trees to checked source graphs, with nothing in between.
 *
 * An expression elaborates to a Value.  What is known at compile time (sizes, steps, laws) stays a
 * Value until an operation needs it as a node of the graph.  A user's mistake is reported once, at
 * the place it shows, and becomes VALUE_ERROR, which every operation passes on in silence. */
#ifndef SGC_FRONTEND_FE_H
#define SGC_FRONTEND_FE_H

#include "frontend/frontend.h"
#include "frontend/syntax.h"

enum {
    FE_LAW_ARGUMENTS = 4,
    FE_WORK = 400000, /* expressions elaborated in one file: bounds inlining and unrolling */
    FE_DEPTH = 900    /* nested expressions, through calls */
};

/* ---- values -------------------------------------------------------------------------------- */

typedef enum ValueKind {
    VALUE_ERROR,
    VALUE_INTEGER, /* integer: known at compile time                                    */
    VALUE_NUMBER,  /* number: likewise                                                  */
    VALUE_STEP,    /* copy + integer, for the copies of `plate`: an index known to step */
    VALUE_NODE,    /* ref                                                               */
    VALUE_LAW,     /* law                                                               */
    VALUE_SEQUENCE /* sequence                                                          */
} ValueKind;

typedef struct Law {
    IrDist dist;
    IrRef arg[FE_LAW_ARGUMENTS];
    IrType type; /* of one draw without brackets */
} Law;

typedef struct Sequence Sequence;

typedef struct Value {
    ValueKind kind;
    int64_t integer;
    double number;
    uint32_t plate;
    IrRef ref;
    const Law *law;
    Sequence *sequence;
} Value;

/* ---- scopes -------------------------------------------------------------------------------- */

typedef enum EntryKind {
    ENTRY_VALUE,
    ENTRY_PARAM,    /* item: index in the model */
    ENTRY_HYPER,    /* likewise */
    ENTRY_GRAPH,    /* likewise; stmt */
    ENTRY_DEF,      /* stmt, home: a def, or the forward of an instance */
    ENTRY_LAYER,    /* stmt, home: a template */
    ENTRY_INSTANCE, /* home: the scope of its names */
    ENTRY_BROKEN    /* its definition was reported: silent, whatever it was to be */
} EntryKind;

typedef struct Scope Scope;

typedef struct Entry Entry;
struct Entry {
    const char *name;
    Span at;
    EntryKind kind;
    Value value;
    uint32_t item;
    Stmt *stmt;
    Scope *home;
    Entry *next;
};

typedef enum ScopeKind {
    SCOPE_FILE,
    SCOPE_BODY, /* of a layer or def: hides the names of the file */
    SCOPE_GRAPH,
    SCOPE_PLATE,
    SCOPE_FOR,
    SCOPE_WINDOW /* shows the names of a closed plate, inside a reduction over it */
} ScopeKind;

struct Scope {
    ScopeKind kind;
    Scope *parent;
    Entry *entry;     /* the latest first */
    const char *name; /* of the plate or loop variable; of the layer or def */
    uint32_t plate;
    Scope **closed; /* plates and loops that ended in this scope */
    uint32_t closeds;
    const Scope *seen; /* window: the closed plate */
};

/* ---- the elaborator ------------------------------------------------------------------------ */

typedef struct Loop Loop;

typedef struct Fe {
    Arena *arena;
    Diags *diags;
    IrModel *model;
    const char *file; /* without folders: for labels */
    const FeDim *dim;
    size_t dims;
    bool *dim_used;

    const Block *statements; /* of the file */
    Scope *scope;
    uint32_t depth, work, calls;
    bool sizes;        /* in sizes and indices: `/` of integers is exact */
    uint32_t branches; /* inside so many branches of `if`: indices are not checked there */

    /* of the graph being elaborated */
    IrGraph *g; /* NULL at file level */
    IrPlates plates;
    Loop *loop;           /* the `for` whose steps are a plate, or NULL */
    const char *unrolled; /* the steps of the loops unrolled within it: " s=2" */
    bool has_costs, has_rows;
    uint32_t costs;
    IrRef *param, *hyper; /* by model index: the value in this graph, or IR_NONE */
    IrRef *stop;          /* stop_gradient without `biased`: checked when the graph is complete */
    uint32_t stops;
} Fe;

/* value.c: constants, nodes, and the checks before a node is built */
/* VALUE_ERROR */
Value fe_error(Fe *fe, Span at, DiagCode code, const char *fmt, ...) SGC_PRINTF(4, 5);
/* Offers the closest of the suggestions as a repair of the error just reported. */
void fe_offer(Fe *fe, Span at, const Suggestion *s);
Value fe_integer(int64_t v);
Value fe_number(double v);
Value fe_value(IrRef r);                 /* a node, or VALUE_ERROR for IR_NONE */
bool fe_known(Value v, double *out);     /* a number known at compile time */
IrRef fe_node(Fe *fe, Span at, Value v); /* IR_NONE: an error was reported, now or before */
IrRef fe_real(Fe *fe, Span at, Value v);
IrType fe_type(const Fe *fe, IrRef r);
bool fe_fits(Fe *fe, Span at, const IrType *t); /* its size is representable */
const char *fe_shape_text(const Fe *fe, const IrType *t);
/* Adds to the error just reported where a param or data was declared. */
void fe_note_origin(Fe *fe, IrRef r);
Value fe_build(Fe *fe, Span at, IrOp op, IrAttr attr, uint32_t n, const IrRef *in);
Value fe_reshape(Fe *fe, Span at, IrRef a, uint32_t rank, const int64_t *dim);
/* The scalar a as a value of the shape of t. */
IrRef fe_spread(Fe *fe, IrRef a, const IrType *t);
/* Element-wise: converts ints, checks kinds and shapes; `what` is how the user wrote it. */
Value fe_elementwise(Fe *fe, Span at, const char *what, IrOp op, uint32_t n, const Value *in);
bool fe_broadcast(Fe *fe, Span at, const char *what, IrType *joined, const IrType *t);
bool fe_add(int64_t a, int64_t b, int64_t *out); /* false: it overflows */
bool fe_multiply(int64_t a, int64_t b, int64_t *out);

/* expr.c */
Value fe_expr(Fe *fe, const Expr *e);
bool fe_spend(Fe *fe, Span at); /* false: too much work or depth, reported now or before */
Value fe_arithmetic(Fe *fe, Span at, TokenKind op, Value a, Value b);
bool fe_static(Fe *fe, const Expr *e, const char *what, int64_t *out);  /* any integer */
bool fe_size(Fe *fe, const Expr *e, const char *what, int64_t *out);    /* at least 1 */
bool fe_constant(Fe *fe, const Expr *e, const char *what, double *out); /* any real */
bool fe_shape(Fe *fe, const Args *sizes, IrType *out);                  /* rank and dim */
bool fe_mentions(const Expr *e, const char *name);

/* index.c */
Value fe_index(Fe *fe, const Expr *e);
/* Element i of axis 0, for an int known to step or at run time, or an array of ints. */
Value fe_element(Fe *fe, Span at, IrRef a, Value i);

/* scope.c */
Scope *fe_open(Fe *fe, ScopeKind kind, const char *name); /* and enters it */
void fe_close(Fe *fe);                                    /* the parent keeps plates and loops */
/* Reports a second definition, and then returns NULL. */
Entry *fe_define(Fe *fe, const char *name, Span at, EntryKind kind);
Entry *fe_find(const Scope *s, const char *name);       /* in this scope alone */
Entry *fe_lookup(Fe *fe, const Expr *e, bool function); /* NULL: reported, now or before */
const Scope *fe_find_plate(const Fe *fe, const char *name, bool *open);
bool fe_is_function(const Entry *e);

/* call.c */
Value fe_call(Fe *fe, const Expr *e);
bool fe_is_builtin(const char *name); /* functions and laws */
void fe_suggest_builtins(Suggestion *s);

/* foreign.c: `torch.sigmoid`, `normal_lpdf`, `ln`: false: nobody knows what is meant. */
bool fe_find_foreign(Fe *fe, const char *name, bool function, Foreign *out);

/* builtin.c, shape.c, law.c: one rule a word of builtin.def */
typedef struct Builtin Builtin;
typedef Value BuiltinRule(Fe *fe, const Expr *call, const Builtin *b);
enum { FE_AXIS = 1, FE_OVER = 2 }; /* arguments that a built-in takes by name */
struct Builtin {
    const char *name, *arguments; /* as messages show them */
    uint32_t least, most;         /* by position */
    unsigned named;
    BuiltinRule *rule;
    IrOp op;
};
/* clang-format off */
#define BUILTIN(name, arguments, least, most, named, rule, op) BuiltinRule fe_builtin_##rule;
#include "frontend/builtin.def"
/* clang-format on */
const Arg *fe_named(const Expr *call, const char *name);
bool fe_given_twice(Fe *fe, const Args *args, uint32_t i); /* argument i, by name: reported */
Value fe_argument(Fe *fe, const Expr *call, uint32_t i);
IrRef fe_argument_node(Fe *fe, const Expr *call, uint32_t i);
IrRef fe_argument_real(Fe *fe, const Expr *call, uint32_t i);
/* `axis = i` of a call, from the end if negative, as an axis of `rank`; false: reported. */
bool fe_axis(Fe *fe, const Expr *call, uint32_t rank, uint32_t *axis);

/* shape.c: the arguments of e, a list or a call, joined on a new axis */
Value fe_stack(Fe *fe, const Expr *e, uint32_t axis, uint32_t n, IrRef *in);

/* law.c */
bool fe_law_exists(const char *name);
Value fe_law(Fe *fe, const Expr *call);
Value fe_log_prob(Fe *fe, Span at, const Law *law, Value x);
Value fe_moment(Fe *fe, Span at, const Law *law, IrMoment m); /* the mean or the variance */

/* range.c */
/* Every element lies in [low, high], above `low` if `above`, below `high` if `below`. */
typedef struct Range {
    double low, high;
    bool above, below;
} Range;

Range fe_range(const IrGraph *g, IrRef r);
bool fe_same_value(const IrGraph *g, IrRef a, IrRef b);

/* domain.c: what argument i of a law must be and, as a constant, is not; NULL: nothing is wrong */
const char *fe_domain_fault(const IrGraph *g, IrDist dist, uint32_t i, const IrRef *arg);
/* The argument, or what is not a number where it lies outside of its domain. */
IrRef fe_in_domain(IrGraph *g, IrDist dist, uint32_t i, const IrRef *arg);

/* guard.c: the log-density, and -inf where x may lie outside the support */
IrRef fe_guarded(Fe *fe, const Law *law, IrRef x);

/* param.c: declarations of params, data and hypers, and their values in a graph */
void fe_param(Fe *fe, Stmt *s, const char *path);
void fe_hyper(Fe *fe, Stmt *s);
void fe_data(Fe *fe, Stmt *s);
IrRef fe_param_value(Fe *fe, Span at, uint32_t item);
IrRef fe_hyper_value(Fe *fe, Span at, uint32_t item);

/* sequence.c, loop.c */
Sequence *fe_sequence(Fe *fe, const char *name, Span at);
/* The element of step `i` of s: INTEGER, STEP or a run-time int. */
Value fe_sequence_read(Fe *fe, Span at, Sequence *s, Value i);
bool fe_sequence_write(Fe *fe, Span at, Sequence *s, Value i, IrRef value);
IrRef fe_sequence_stack(Fe *fe, Span at, Sequence *s);
void fe_sequence_spoil(Sequence *s); /* an error was reported: silence */
/* Is step `target` of a sequence being defined; *s NULL: an error was reported. */
bool fe_is_step(Fe *fe, const Stmt *target, Sequence **s, Value *index);
void fe_for(Fe *fe, Stmt *s);
void fe_declare_sequences(Fe *fe, const Block *block);

/* draw.c */
void fe_draw(Fe *fe, Stmt *s);

/* stmt.c */
bool fe_has_costs(const Block *b); /* costs in any block of it */
void fe_block(Fe *fe, const Block *b);
void fe_graph(Fe *fe, Stmt *s);

/* plate.c */
bool fe_is_rows(const Expr *size); /* rows(…) */
void fe_plate(Fe *fe, Stmt *s);

/* declare.c: the statements of a file */
void fe_file(Fe *fe, const Block *b);

/* check.c: names in the bodies of layers and defs, before they are ever called */
void fe_check_body(Fe *fe, Stmt *s);

/* train.c */
void fe_train(Fe *fe, Stmt *s);

#endif
