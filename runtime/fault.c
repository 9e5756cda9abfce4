/* What goes wrong inside compiled code, which can neither print nor stop. */
#include "runtime/kernels.h"

#include <math.h>

enum { NONE, INDEX, BUSY = -1, SEEN = 1 };

/* Returns what the lock held. */
static int64_t take(int64_t *lock)
{
    int64_t held;
    do
        held = __atomic_exchange_n(lock, BUSY, __ATOMIC_ACQUIRE);
    while (held == BUSY);
    return held;
}

/* Of all faults of a call, the one with the smallest place and then index is kept, so that the
 * message does not depend on which thread was first.  `kind` serves as the lock; faults are rare.
 */
void sgrt_fault_index(void *frame, int32_t place, int64_t index, int64_t size)
{
    SgrtFault *f = ((SgrtFrame *)frame)->fault;
    int64_t kind = take(&f->kind);
    if (kind == NONE || place < f->place || (place == f->place && index < f->index)) {
        f->place = place;
        f->index = index;
        f->size = size;
    }
    __atomic_store_n(&f->kind, INDEX, __ATOMIC_RELEASE);
}

static bool is_before(const SgrtNonfinite *a, const SgrtNonfinite *b)
{
    if (a->when != b->when)
        return a->when < b->when;
    return a->place < b->place || (a->place == b->place && a->row < b->row);
}

/* What another value that is not finite has made is not replaced: that one may be to blame. */
static bool is_forgiven(const SgrtFault *fault, const SgrtNonfinite *found)
{
    for (int64_t i = 0; i < found->operands; i++)
        if (!isfinite(found->operand[i]))
            return false;
    for (const SgrtForgiven *f = fault->forgive; f < fault->forgive + fault->forgiven; f++)
        if (f->place == found->place)
            return found->row < f->first_row || found->row > f->last_row;
    return false;
}

/* The same of values: the first is kept. */
static int32_t see(void *frame, SgrtNonfinite found)
{
    SgrtFault *fault = ((SgrtFrame *)frame)->fault;
    SgrtNonfinite *f = &fault->nonfinite; /* f->seen is the lock */
    if (is_forgiven(fault, &found))
        return 1;
    if (take(&f->seen) == NONE || is_before(&found, f))
        *f = found;
    __atomic_store_n(&f->seen, SEEN, __ATOMIC_RELEASE);
    return 0;
}

int32_t sgrt_fault_value_f32(void *frame, int32_t place, int32_t operands, int64_t when,
                             int64_t row, float a, float b, float result)
{
    return see(frame, (SgrtNonfinite){BUSY, when, place, row, operands, {a, b}, result});
}

int32_t sgrt_fault_value_f64(void *frame, int32_t place, int32_t operands, int64_t when,
                             int64_t row, double a, double b, double result)
{
    return see(frame, (SgrtNonfinite){BUSY, when, place, row, operands, {a, b}, result});
}
