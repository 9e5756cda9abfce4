/* A pool of threads that runs the tasks of one phase at a time.
 *
 * Tasks of a phase may run in any order on any thread; sgrt_pool_run() returns when all are done.
 * Which thread runs a task is not fixed, so a task may not depend on it: results are the same for
 * every number of threads because the tasks themselves are.  Each has a work space for matrix
 * products (runtime/space.h). */
#ifndef SGC_RUNTIME_POOL_H
#define SGC_RUNTIME_POOL_H

#include "runtime/error.h"

#include <stdint.h>

typedef struct SgrtPool SgrtPool;
typedef void SgrtTaskFn(void *context, int64_t task);

/* The CPUs this process may run on. */
int64_t sgrt_cpus(void);

/* `threads` counts the caller, so 1 starts none.  NULL on failure. */
SgrtPool *sgrt_pool_new(int64_t threads, SgrtError *e);

/* Runs task(context, 0) ... task(context, tasks - 1) on threads of its own, and returns when all
 * are done. */
typedef void SgrtRunner(void *user, SgrtTaskFn *task, void *context, int64_t tasks);

/* A pool that leaves every phase to the caller's runner, which runs at most `tasks` at once, and
 * starts no thread. */
SgrtPool *sgrt_pool_borrow(SgrtRunner *runner, void *user, int64_t tasks, SgrtError *e);
void sgrt_pool_free(SgrtPool *pool);
int64_t sgrt_pool_threads(const SgrtPool *pool);

/* Runs task(context, 0) ... task(context, tasks - 1).  One thread may call this at a time. */
void sgrt_pool_run(SgrtPool *pool, SgrtTaskFn *task, void *context, int64_t tasks);

#endif
