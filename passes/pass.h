/* Passes: graph to graph, one file, one function, one row of pass.def each.
 *
 * Laws: (a) the roots mean the same before and after, up to the float contract of the rules used;
 * (b) a simplifying pass run twice returns false the second time; (c) new nodes inherit the place of
 * the node that caused them; (d) simplification rules strictly shrink a stated measure; (e) no
 * identity that is false for NaN, infinities or -0 unless its row says so; (f) draws are neither
 * merged, duplicated nor dropped unless the pass says so. */
#ifndef SGC_PASSES_PASS_H
#define SGC_PASSES_PASS_H

#include "ir/ir.h"

typedef struct PassInfo PassInfo;

typedef struct PassOptions {
    int64_t parts;      /* fixed parts that rows and weights are cut into */
    int64_t real_bytes; /* 4 or 8: buffers are planned for it */
    const PassInfo *const *pass; /* exactly these run, in order; NULL: all, from the graph's stage on */
    size_t passes;
    bool needed_only;     /* leave out what only makes the program better; passes listed do run */
    const PassInfo *last; /* stop after it; NULL: run to the end */
} PassOptions;

/* Called before each pass: number in the pipeline, pass, graph. */
typedef void PassStart(void *context, unsigned number, const PassInfo *p, const IrGraph *g);

typedef struct PassCtx {
    const PassOptions *options;
    Diags *diags; /* what the user got wrong, and remarks */
    Arena *arena;
    PassStart *start; /* NULL, or called with the hook's context */
    bool broken; /* set when a pass left an invalid graph: our mistake, reported as an error */
} PassCtx;

/* Returns true if it changed g.  On a user error, reports to cx->diags. */
typedef bool PassFn(IrGraph *g, PassCtx *cx);

struct PassInfo {
    const char *name;
    PassFn *run;
    IrStage stage; /* the stage that the pass works on */
    bool needed;   /* at -O0 too */
    const char *doc;
};

#define PASS(name, ...) PassFn pass_##name;
#include "passes/pass.def"

extern const PassInfo pass_info[];
extern const size_t pass_count;

/* Called after each pass that ran: number in the pipeline, pass, graph, milliseconds, changed. */
typedef void PassHook(void *context, unsigned number, const PassInfo *p, const IrGraph *g,
                      double ms, bool changed);

/* Derives the `step`, `eval` and `run` entries of a source graph and runs the passes on each: it is
 * then at the stage IR_SCHEDULED, unless the options stop before.  out[IR_ENTRY_STEP ..] has no
 * nodes where the graph has no such entry.  False: errors were reported. */
bool passes_run(const IrGraph *source, IrGraph out[IR_ENTRIES], PassCtx *cx, PassHook *hook,
                void *context);

/* The same for one entry, from the first pass of the stage that it is in. */
bool passes_resume(IrGraph *g, PassCtx *cx, PassHook *hook, void *context);

/* Reports what in the source graphs of a model is probably a mistake. */
void passes_warn(const IrModel *m, Diags *d);

#endif
