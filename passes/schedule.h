/* What the files of the pass fuse share. */
#ifndef SGC_PASSES_SCHEDULE_H
#define SGC_PASSES_SCHEDULE_H

#include "ir/ir.h"

/* The nodes that read each node: user[start[r]] .. user[start[r + 1] - 1]. */
typedef struct Users {
    uint32_t *start;
    IrRef *user;
} Users;

Users users_of(const IrGraph *g);

/* Is it a leaf that is read where it stands?  Tensors of states are doubles, and copied. */
bool read_in_place(const IrNode *n);

/* By node: does it cost nothing?  A leaf is read where it stands; a reshape is its operand under
 * another type; a transpose, slice or expand that only element-wise code reads is its operand read
 * at other places; a scalar of leaves, such as 1/B, is computed where it is read. */
bool *find_views(const IrGraph *g);

/* Gives every node its place.phase and the graph its phases. */
void assign_phases(IrGraph *g, const bool *view, int64_t parts);

#endif
