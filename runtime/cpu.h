/* Whether this machine can run the code of a model. */
#ifndef SGC_RUNTIME_CPU_H
#define SGC_RUNTIME_CPU_H

#include "runtime/error.h"
#include "runtime/rt.h"

/* False if the CPU lacks a feature that the model needs: names it and the way out. */
bool sgrt_cpu_check(const SgrtModel *model, SgrtError *e);

#endif
