/* All that is wrong with one thing, joined into one sentence. */
#ifndef SGC_RUNTIME_COMPLAIN_H
#define SGC_RUNTIME_COMPLAIN_H

#include "runtime/error.h"

#include <stddef.h>

typedef struct SgrtComplaints {
    char text[800]; /* longer texts are cut */
    size_t used;
} SgrtComplaints;

void sgrt_complain(SgrtComplaints *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* True if there was none. */
bool sgrt_settle(const SgrtComplaints *c, SgrtError *e);

#endif
