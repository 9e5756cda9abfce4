/* What goes wrong inside compiled code, which can neither print nor stop. */
#include "runtime/kernels.h"

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

/* The same of values: the first is kept. */
static void see(void *frame, SgrtNonfinite found)
{
    SgrtFault *fault = ((SgrtFrame *)frame)->fault;
    SgrtNonfinite *f = &fault->nonfinite; /* f->seen is the lock */
    if (take(&f->seen) == NONE || is_before(&found, f))
        *f = found;
    __atomic_store_n(&f->seen, SEEN, __ATOMIC_RELEASE);
}

void sgrt_fault_value_f32(void *frame, int32_t place, int32_t operands, int64_t when, int64_t row,
                          float a, float b, float result)
{
    see(frame, (SgrtNonfinite){BUSY, when, place, row, operands, {a, b}, result});
}

void sgrt_fault_value_f64(void *frame, int32_t place, int32_t operands, int64_t when, int64_t row,
                          double a, double b, double result)
{
    see(frame, (SgrtNonfinite){BUSY, when, place, row, operands, {a, b}, result});
}
