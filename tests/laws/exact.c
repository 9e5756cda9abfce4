#include "tests/laws/exact.h"

#include <check.h>
#include <math.h>

#define BOUND 1e-11

TapeModel *compiled(const char *text)
{
    TapeModel *t = tape_compile(text);
    if (!t->ok) {
        diags_render(t->diags, stderr);
        ck_abort_msg("does not compile:\n%s", text);
    }
    return t;
}

long first_result_of(const IrGraph *g, uint32_t param)
{
    long at = 1;
    for (IrRef r = 0; r < g->count; r++) {
        if (g->node[r].op != IR_GRAD)
            continue;
        if (g->node[r].attr.item == param)
            return at;
        at += (long)ir_elements(&g->node[r].type);
    }
    return -1;
}

void check_near(double got, double want, const char *what, const char *text)
{
    double error = fabs(got - want), bound = BOUND * (1 + fabs(want));
    if (!(error <= bound))
        ck_abort_msg("%s: %.17g, not %.17g (error %.2g)\n%s", what, got, want, error, text);
}
