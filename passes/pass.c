/* The pipeline: derives the entries of a graph and runs every pass of pass.def on each.
 *
 * The graph is verified after every pass, in every build: what a pass breaks is reported under the
 * name of that pass. */
#include "passes/pass.h"
#include "passes/sweep.h"

#include <stdlib.h>
#include <time.h>

const PassInfo pass_info[] = {
#define NEEDED true
#define BETTER false
#define PASS(name, stage, when, doc) {#name, pass_##name, IR_##stage, when, doc},
#include "passes/pass.def"
#undef NEEDED
#undef BETTER
};

const size_t pass_count = sizeof pass_info / sizeof *pass_info;

static bool has_op(const IrGraph *g, IrOp op)
{
    for (IrRef r = 0; r < g->count; r++)
        if (g->node[r].op == op)
            return true;
    return false;
}

static void derive(IrGraph *to, const IrGraph *source, IrEntry entry)
{
    ir_graph_clone(to, source);
    to->entry = entry;
    sweep_nodes(to, entry == IR_ENTRY_RUN ? IR_COST : IR_OUTPUT);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* A broken graph is our mistake, not the user's: say so, with what the verifier found. */
static bool still_valid(const IrGraph *g, const PassInfo *p, PassCtx *cx)
{
    Diags *found = diags_new(p->name, NULL);
    bool valid = ir_verify(g, found);
    if (!valid) {
        cx->broken = true;
        char *text = diags_text(found);
        diag_error(cx->diags, g->at, SG0999,
                   "internal error: pass %s broke the %s entry of graph %s", p->name,
                   ir_entry_name[g->entry], g->name);
        diag_note(cx->diags, g->at, "%s", text);
        free(text);
    }
    diags_free(found);
    return valid;
}

/* An explicit list may name a pass at the wrong stage: the user's mistake. */
static bool has_its_stage(const IrGraph *g, const PassInfo *p, PassCtx *cx)
{
    if (p->stage == g->stage)
        return true;
    diag_error(cx->diags, g->at, SG0703,
               "pass %s works on %s graphs, and the %s entry of graph %s is %s %s graph", p->name,
               ir_stage_name[p->stage], ir_entry_name[g->entry], g->name,
               g->stage == IR_ESTIMATOR ? "an" : "a", ir_stage_name[g->stage]);
    return false;
}

static bool run_pass(IrGraph *g, const PassInfo *p, unsigned number, PassCtx *cx, PassHook *hook,
                     void *context)
{
    if (cx->start)
        cx->start(context, number, p, g);
    uint32_t errors = diags_errors(cx->diags); /* of other graphs, whose own passes ended there */
    double start = now_ms();
    bool changed = p->run(g, cx);
    double ms = now_ms() - start;
    if (diags_errors(cx->diags) > errors || !still_valid(g, p, cx))
        return false;
    if (hook)
        hook(context, number, p, g, ms, changed);
    return true;
}

bool passes_resume(IrGraph *g, PassCtx *cx, PassHook *hook, void *context)
{
    const PassOptions *o = cx->options;
    size_t count = o->pass ? o->passes : pass_count;
    for (size_t i = 0; i < count; i++) {
        const PassInfo *p = o->pass ? o->pass[i] : &pass_info[i];
        if (o->pass && !has_its_stage(g, p, cx))
            return false;
        bool wanted = o->pass || p->needed || !o->needed_only;
        if (wanted && p->stage >= g->stage && !run_pass(g, p, (unsigned)i + 1, cx, hook, context))
            return false;
        if (p == o->last)
            break;
    }
    return true;
}

bool passes_run(const IrGraph *source, IrGraph out[IR_ENTRIES], PassCtx *cx, PassHook *hook,
                void *context)
{
    bool costs = has_op(source, IR_COST), outputs = has_op(source, IR_OUTPUT);
    for (IrEntry e = IR_ENTRY_SOURCE; e < IR_ENTRIES; e++)
        ir_graph_init(&out[e], source->model, source->name, e);
    for (IrEntry e = IR_ENTRY_STEP; e < IR_ENTRIES; e++) {
        if (!(e == IR_ENTRY_RUN ? outputs : costs))
            continue;
        derive(&out[e], source, e);
        if (!passes_resume(&out[e], cx, hook, context))
            return false;
    }
    return true;
}
