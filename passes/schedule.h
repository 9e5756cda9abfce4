/* What the files of the pass fuse share. */
#ifndef SGC_PASSES_SCHEDULE_H
#define SGC_PASSES_SCHEDULE_H

#include "ir/ir.h"

/* Does the node cost nothing?  A leaf is read where it stands, a reshape is its operand under
 * another type. */
bool is_view(const IrNode *n);

/* Gives every node its place.phase and the graph its phases. */
void assign_phases(IrGraph *g, int64_t parts);

/* The nodes that read each node: user[start[r]] .. user[start[r + 1] - 1]. */
typedef struct Users {
    uint32_t *start;
    IrRef *user;
} Users;

Users users_of(const IrGraph *g);

#endif
