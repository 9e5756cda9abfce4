/* What the printer, the parser and the verifier share about the text form: names that stand for
 * positions, and the lines on which things stand. */
#ifndef SGC_IR_TEXT_H
#define SGC_IR_TEXT_H

#include "ir/ir.h"

/* Where the things of a graph stand in its text. */
typedef struct IrPlaces {
    Span graph, *plate, *region, *node, *phase, *kernel;
} IrPlaces;

/* The lines of what ir_print_graph writes. */
IrPlaces ir_printed_places(const IrGraph *g, Arena *a);
/* Reports every broken invariant of g, at its place. */
bool ir_verify_at(const IrGraph *g, const IrPlaces *at, Diags *d);

/* The elements of a value over all its copies, at most: sums of sizes then fit 64 bits. */
#define IR_MAX_ELEMENTS (INT64_C(1) << 36)

/* The name behind attr.item of an op; NULL: there is no such item, or items of op have no name. */
const char *ir_item_name(const IrGraph *g, IrOp op, uint32_t item);
/* Letters, digits, _ and dots: written without quotes. */
bool ir_bare_name(const char *name);

/* The settings of a train block, by name. */
typedef struct IrTrainField {
    const char *name;
    size_t offset;
    bool whole; /* an int64_t, -1 when not written; else a double, NaN */
} IrTrainField;

extern const IrTrainField ir_train_field[]; /* ends in a NULL name */

/* Laws by their row of dist.def: several rows share the name that the user writes. */
extern const char *const ir_dist_id[IR_DIST_COUNT];
extern const char *const ir_phase_kind_name[], *const ir_kernel_kind_name[];

/* Fields of IrAttr that print as `k=`: from k0 on, as many as the op reads. */
uint32_t ir_k_count(IrOp op);

#endif
