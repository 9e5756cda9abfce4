/* The verbs of the executable: each does what its row of verbs.def says, prints, and returns an
 * exit status. */
#ifndef SGC_RUNTIME_VERB_H
#define SGC_RUNTIME_VERB_H

#include "runtime/options.h"
#include "runtime/rt.h"

#define VERB(id, name, usage, help)                                                                \
    int sgrt_verb_##id(const SgrtModel *model, SgrtOptions *options);
#include "runtime/verbs.def"

#endif
