/* What goes wrong inside compiled code, which can neither print nor stop. */
#include "runtime/kernels.h"

enum { NONE, INDEX, BUSY = -1 };

/* Of all faults of a call, the one with the smallest place and then index is kept, so that the
 * message does not depend on which thread was first.  `kind` serves as the lock; faults are rare.
 */
void sgrt_fault_index(void *frame, int32_t place, int64_t index, int64_t size)
{
    SgrtFault *f = ((SgrtFrame *)frame)->fault;
    int64_t kind;
    do
        kind = __atomic_exchange_n(&f->kind, BUSY, __ATOMIC_ACQUIRE);
    while (kind == BUSY);
    if (kind == NONE || place < f->place || (place == f->place && index < f->index)) {
        f->place = place;
        f->index = index;
        f->size = size;
    }
    __atomic_store_n(&f->kind, INDEX, __ATOMIC_RELEASE);
}
