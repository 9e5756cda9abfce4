/* What the files of the evaluator share: loops over copies and elements. */
#ifndef SGC_IR_EVAL_H
#define SGC_IR_EVAL_H

#include "ir/ir.h"

typedef struct Eval {
    const IrGraph *g;
    const IrEnv *env;
    Arena *arena;
    double **value;
    int32_t plate; /* inside a region: the plate of its steps; else -1 */
    int64_t step;
    IrRef fault; /* IR_NONE: none yet */
} Eval;

/* One rule per word of op.def's `emit` column: computes node r, or, in a region, its copies of this
 * step. */
typedef void IrEvalRule(Eval *e, IrRef r);

IrEvalRule ir_eval_ew, ir_eval_copy, ir_eval_reduce, ir_eval_cumsum, ir_eval_contract;
IrEvalRule ir_eval_reshape, ir_eval_move, ir_eval_gather, ir_eval_scatter, ir_eval_linalg;

/* ---- loop nests ---------------------------------------------------------------------------- */

enum { NEST_ARRAYS = 4, NEST_DEPTH = IR_MAX_PLATES + 2 * IR_MAX_RANK + 2 };

/* A nest of loops with a position in each of several arrays: 0 is the result, 1.. the operands. */
typedef struct Nest {
    uint32_t depth;
    int64_t size[NEST_DEPTH], count[NEST_DEPTH];
    int64_t stride[NEST_DEPTH][NEST_ARRAYS];
    int64_t at[NEST_ARRAYS]; /* of the current iteration */
} Nest;

int64_t ir_plate_size(const Eval *e, uint32_t plate);
/* Elements from one copy to the next along a plate; 0: the type lacks it, its copies are one. */
int64_t ir_plate_stride(const Eval *e, const IrType *t, uint32_t plate);
int64_t ir_axis_stride(const IrType *t, uint32_t axis);

void ir_nest_start(Nest *n); /* no loops, every array at its start */
void ir_nest_loop(Nest *n, int64_t size, const int64_t stride[NEST_ARRAYS]);
/* Loops over the copies of `plates`, array i having type t[i]; in a region, over those of the
 * current step. */
void ir_nest_plates(const Eval *e, Nest *n, IrPlates plates, const IrType *const *t,
                    uint32_t arrays);
/* The next iteration; false: that was the last.  The first needs no call. */
bool ir_nest_next(Nest *n);

static inline const IrType *ir_operand_type(const Eval *e, const IrNode *n, uint32_t i)
{
    return &e->g->node[n->in[i]].type;
}

static inline double *ir_operand_value(const Eval *e, const IrNode *n, uint32_t i)
{
    return e->value[n->in[i]];
}

#endif
