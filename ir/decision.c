/* Decisions of passes, in words. */
#include "ir/ir.h"

#include <string.h>

const IrDecision *ir_decision(Arena *a, DiagCode code, const char *what)
{
    IrDecision *d = arena_make(a, IrDecision);
    *d = (IrDecision){.code = code, .what = what, .reason = ""};
    return d;
}

const char *ir_decision_text(const IrDecision *d, Arena *a)
{
    return *d->reason ? arena_printf(a, "%s; %s", d->what, d->reason) : d->what;
}

bool ir_decision_equal(const IrDecision *a, const IrDecision *b)
{
    return a->code == b->code && strcmp(a->what, b->what) == 0 && strcmp(a->reason, b->reason) == 0;
}
