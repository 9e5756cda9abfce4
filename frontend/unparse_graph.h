/* What the files of the unparser share: a graph laid out as blocks of statements.
 *
 * Plates of the graph become blocks that are nested in one fixed way, rows outermost, so that any
 * two plates that meet in a value meet in the text.  `rows` can be opened only once: what a row
 * needs of a sum over all rows is computed inside, too.  Copies of steps stand in loops. */
#ifndef SGC_FRONTEND_UNPARSE_GRAPH_H
#define SGC_FRONTEND_UNPARSE_GRAPH_H

#include "ir/ir.h"

typedef struct UpName UpName; /* a name that is taken */

/* The whole program. */
typedef struct UpProgram {
    Arena *arena;
    Diags *diags;
    const IrModel *model;
    FILE *out;
    UpName *names;
    const char **param, **data, **hyper; /* by model index: how they are called */
    bool *uses_param, *uses_hyper;
    const char *total; /* the hyper N */
    bool uses_mulz, uses_rest, uses_domain;
} UpProgram;

typedef enum UpPhase { UP_BEFORE, UP_ROWS, UP_AFTER } UpPhase; /* where `rows` is opened once */

/* A plate of copies, or of steps. */
typedef struct UpPlate {
    const char *name;
    IrPlates path; /* the blocks around what belongs to it: its own, too, but for steps */
    uint32_t depth;
    bool opened;
} UpPlate;

/* The nodes of a region; or all others that have the plate of some steps. */
typedef struct UpLoop {
    int32_t plate; /* -1: no such nodes */
    bool region, reverse;
    int64_t base; /* the loop variable at the first step: 1 where step 0 is written before it */
} UpLoop;

typedef struct UpNode {
    bool live;
    bool named; /* else it is written where it is read */
    const char *name;
    IrPlates path;   /* the blocks that it stands in */
    uint32_t loop;   /* 0: in none */
    bool sequence;   /* has an element for each step, which others read */
    IrRef first;     /* of a sequence with a step 0: its value; else IR_NONE */
    uint32_t starts; /* is written as step 0 of a sequence of this loop; 0: of none */
    IrRef from;      /* of a carry: the node whose sequence it is, a step before */
    bool before;     /* needed in the rows, and needs none */
    bool by_rows;    /* reads the rows, or how many there are */
    bool light;      /* so short that it is written again for each reader */
    bool scalar;     /* computed from literals, hypers and numbers of rows alone */
    IrPlates axes;   /* of a draw: the plates that are axes of it in the text */
    uint32_t uses, weight;
} UpNode;

typedef struct Unparse {
    UpProgram *p;
    IrGraph g;
    UpNode *n;
    UpPlate plate[IR_MAX_PLATES];
    int32_t rows;   /* the rows plate, or -1 */
    IrPlates steps; /* the plates of steps */
    UpLoop *loop;   /* [1 .. loops) */
    uint32_t loops;
    const char **state; /* the hypers of moving averages */
    const char *count;  /* the name of B in the rows, or NULL */
    uint32_t numbered;  /* values called v1, v2, ... so far */
    bool failed;        /* reported */
} Unparse;

/* Where an expression stands: the plates that are open around it, the loop, and whether it is in a
 * branch of `if`, where indices are not checked. */
typedef struct UpPos {
    IrPlates open;
    uint32_t loop;
    bool branch;
} UpPos;

/* ---- unparse.c ----------------------------------------------------------------------------- */

/* `wanted`, or wanted_2, ...: free in the whole program. */
const char *up_name(UpProgram *p, const char *wanted);
/* Says that r has no words in the language. */
void up_refuse(Unparse *u, IrRef r, const char *fmt, ...) SGC_PRINTF(3, 4);

/* ---- unparse_prepare.c --------------------------------------------------------------------- */

/* Rewrites what would be awkward: sums out of contractions, steps of a sequence that runs
 * backwards. */
void up_prepare(Unparse *u);

/* ---- unparse_place.c, unparse_choose.c ----------------------------------------------------- */

/* Operand k of r is read by its text: log_softmax hides the logsumexp. */
bool up_reads(const Unparse *u, IrRef r, uint32_t k);
void up_place(Unparse *u);  /* plates, loops, paths */
void up_choose(Unparse *u); /* which nodes have names, and the user's names */

/* ---- unparse_expr.c, unparse_shape.c ------------------------------------------------------- */

/* How tightly a text binds, as in the grammar. */
enum { UP_IF, UP_OR, UP_AND, UP_NOT, UP_COMPARE, UP_ADD, UP_MUL, UP_NEG, UP_POW, UP_ATOM };

typedef struct UpText {
    const char *s;
    int level;
} UpText;

typedef UpText UpRule(Unparse *u, IrRef r, UpPos pos);

UpText up_text(Unparse *u, IrRef r, UpPos pos);  /* a name, or the expression */
UpText up_value(Unparse *u, IrRef r, UpPos pos); /* the expression, named or not */
UpText up_atom(const char *s);
const char *up_tight(Unparse *u, UpText t, int level); /* in parentheses if it binds less */
const char *up_operand(Unparse *u, IrRef r, uint32_t i, UpPos pos, int level);
const char *up_number(Arena *a, double v, bool real);
const char *up_shape(Unparse *u, uint32_t rank, const int64_t *dim);
const char *up_zeros(Unparse *u, const IrType *t); /* of its shape */
/* The value of sequence x at one copy of its plate. */
const char *up_step(Unparse *u, IrRef x, int64_t copy, UpPos pos);
const char *up_index(Unparse *u, uint32_t plate, int64_t offset, UpPos pos);
/* x at a place where `over` is open, too, and its reduction by `function` from there to pos. */
UpText up_inside(Unparse *u, IrRef x, IrPlates over, UpPos pos);
const char *up_over(Unparse *u, const char *function, IrRef x, IrPlates over, UpPos pos,
                    const char *inner);
const char *up_function(IrOp op); /* the built-in of one argument that is the op, or NULL */

UpRule up_reduce, up_contract, up_reshape, up_transpose, up_expand, up_slice, up_pad, up_concat;
UpRule up_gather, up_scatter, up_one_hot, up_diag, up_argmax, up_cumsum, up_rest, up_to_plate;
UpRule up_to_axis, up_solve;

/* ---- unparse_block.c, unparse_line.c -------------------------------------------------------- */

/* A statement and where it stands. */
typedef struct UpLine {
    IrPlates path;
    uint32_t loop;
    const char *comment, *text; /* comment: on lines before it, or NULL */
} UpLine;

typedef struct UpLines {
    UpLine *line;
    uint32_t count;
} UpLines;

/* The statements of named nodes in an order in which they can be computed, with few blocks. */
UpLines up_schedule(Unparse *u);
void up_node_lines(Unparse *u, IrRef r, UpLines *to);
void up_region_lines(Unparse *u, uint32_t loop, UpLines *to);
/* Prints the statements in their blocks. */
void up_print_lines(Unparse *u, UpLines lines, FILE *out);

#endif
