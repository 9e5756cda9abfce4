/* Threads that claim tasks from one atomic word.
 *
 * The word holds the phase's number in its upper half and the unclaimed tasks in its lower half.  A
 * claim is a compare-and-swap of the whole word: if it succeeds, the claimed task belongs to the
 * phase whose number was read, which cannot end before that task does, so its description is safe
 * to read.  A thread that was slow to leave an earlier phase fails the swap and reads again; the
 * caller therefore waits for tasks, never for threads, and a descheduled thread holds up nobody.
 *
 * An idle thread spins for a while (the next phase is usually microseconds away), then yields,
 * then sleeps on a futex. */
#include "runtime/pool.h"

#include "runtime/memory.h"
#include "runtime/space.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 4000, YIELDS = 40, MOST_THREADS = 4096 };

struct SgrtPool {
    _Alignas(64) _Atomic uint64_t claims; /* phase << 32 | unclaimed tasks */
    _Alignas(64) _Atomic int64_t unfinished;
    _Alignas(64) _Atomic uint32_t signal; /* moves with every phase that threads should see */
    _Atomic uint32_t sleeping;
    _Atomic bool stopping;
    SgrtTaskFn *task;
    void *context;
    int64_t threads; /* with the caller */
    int64_t started;
    pthread_t *thread;
    SgrtSpaces spaces;      /* one a thread, the caller's first */
    _Atomic int64_t spaced; /* threads that have theirs */
    SgrtRunner *runner;     /* NULL: the threads above */
    void *user;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

int64_t sgrt_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? online : 1;
}

/* Runs tasks until none is unclaimed. */
static void drain(SgrtPool *pool)
{
    uint64_t seen = atomic_load_explicit(&pool->claims, memory_order_acquire);
    while ((uint32_t)seen > 0) {
        if (!atomic_compare_exchange_weak_explicit(&pool->claims, &seen, seen - 1,
                                                   memory_order_acq_rel, memory_order_acquire))
            continue;
        pool->task(pool->context, (int64_t)(uint32_t)seen - 1);
        atomic_fetch_sub_explicit(&pool->unfinished, 1, memory_order_release);
        seen = atomic_load_explicit(&pool->claims, memory_order_acquire);
    }
}

static void sleep_until_signal(SgrtPool *pool, uint32_t seen)
{
    atomic_fetch_add(&pool->sleeping, 1);
    syscall(SYS_futex, &pool->signal, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&pool->sleeping, 1);
}

/* Returns the signal's value once it is no longer `seen`. */
static uint32_t wait_for_signal(SgrtPool *pool, uint32_t seen)
{
    for (int tries = 0;; tries++) {
        uint32_t now = atomic_load_explicit(&pool->signal, memory_order_acquire);
        if (now != seen)
            return now;
        if (tries < SPINS)
            relax();
        else if (tries < SPINS + YIELDS)
            sched_yield();
        else
            sleep_until_signal(pool, seen);
    }
}

static void send_signal(SgrtPool *pool)
{
    atomic_fetch_add(&pool->signal, 1);
    if (atomic_load(&pool->sleeping) > 0)
        syscall(SYS_futex, &pool->signal, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
}

static void *work(void *argument)
{
    SgrtPool *pool = argument;
    uint32_t seen = 0;
    sgrt_space_use(&pool->spaces, 1 + atomic_fetch_add(&pool->spaced, 1));
    while (!atomic_load(&pool->stopping)) {
        drain(pool);
        seen = wait_for_signal(pool, seen);
    }
    return NULL;
}

static bool start(SgrtPool *pool, SgrtError *e)
{
    for (; pool->started < pool->threads - 1; pool->started++)
        if (pthread_create(&pool->thread[pool->started], NULL, work, pool) != 0)
            return sgrt_fail(e, "cannot start thread %lld", (long long)pool->started + 2);
    return true;
}

/* Of `threads` spaces, none of which a thread uses yet. */
static SgrtPool *make(int64_t threads, SgrtError *e)
{
    if (threads < 1 || threads > MOST_THREADS) {
        sgrt_fail(e, "%lld threads: from 1 to %d are possible", (long long)threads, MOST_THREADS);
        return NULL;
    }
    SgrtPool *pool = sgrt_alloc(1, sizeof *pool, e);
    if (!pool)
        return NULL;
    pool->threads = threads;
    pool->thread = sgrt_alloc(threads, sizeof *pool->thread, e);
    if (pool->thread && sgrt_spaces_init(&pool->spaces, threads, e))
        return pool;
    sgrt_pool_free(pool);
    return NULL;
}

SgrtPool *sgrt_pool_new(int64_t threads, SgrtError *e)
{
    SgrtPool *pool = make(threads, e);
    if (!pool || start(pool, e))
        return pool;
    sgrt_pool_free(pool);
    return NULL;
}

SgrtPool *sgrt_pool_borrow(SgrtRunner *runner, void *user, int64_t tasks, SgrtError *e)
{
    SgrtPool *pool = make(tasks, e);
    if (pool) {
        pool->runner = runner;
        pool->user = user;
    }
    return pool;
}

void sgrt_pool_free(SgrtPool *pool)
{
    if (!pool)
        return;
    atomic_store(&pool->stopping, true);
    send_signal(pool);
    for (int64_t i = 0; i < pool->started; i++)
        pthread_join(pool->thread[i], NULL);
    sgrt_spaces_free(&pool->spaces);
    free(pool->thread);
    free(pool);
}

int64_t sgrt_pool_threads(const SgrtPool *pool)
{
    return pool->threads;
}

static void wait_for_tasks(SgrtPool *pool)
{
    for (int tries = 0; atomic_load_explicit(&pool->unfinished, memory_order_acquire) > 0; tries++)
        if (tries < SPINS)
            relax();
        else
            sched_yield();
}

/* The lower half of the claim word counts up to 2^32 - 1 tasks. */
static void run_some(SgrtPool *pool, SgrtTaskFn *task, void *context, uint32_t tasks)
{
    uint64_t phase = (atomic_load_explicit(&pool->claims, memory_order_relaxed) >> 32) + 1;
    pool->task = task;
    pool->context = context;
    atomic_store_explicit(&pool->unfinished, tasks, memory_order_relaxed);
    atomic_store_explicit(&pool->claims, phase << 32 | tasks, memory_order_release);
    send_signal(pool);
    drain(pool);
    wait_for_tasks(pool);
}

/* A task that a caller's thread runs. */
typedef struct Lent {
    SgrtPool *pool;
    SgrtTaskFn *task;
    void *context;
} Lent;

static void run_lent(void *context, int64_t task)
{
    const Lent *l = context;
    SgrtTaken taken = sgrt_space_take(&l->pool->spaces);
    l->task(l->context, task);
    sgrt_space_give(&l->pool->spaces, taken);
}

static void run_here(SgrtPool *pool, SgrtTaskFn *task, void *context, int64_t tasks)
{
    void *before = sgrt_space_use(&pool->spaces, 0);
    if (pool->threads > 1 && tasks > 1 && tasks <= UINT32_MAX && !pool->runner)
        run_some(pool, task, context, (uint32_t)tasks);
    else
        for (int64_t i = 0; i < tasks; i++)
            task(context, i);
    sgrt_space_leave(before);
}

void sgrt_pool_run(SgrtPool *pool, SgrtTaskFn *task, void *context, int64_t tasks)
{
    Lent lent = {pool, task, context};
    if (pool->runner && tasks > 1)
        pool->runner(pool->user, run_lent, &lent, tasks);
    else
        run_here(pool, task, context, tasks);
}
