/* eval: the mean cost over all rows. */
#include "runtime/verb.h"

#include "runtime/eval.h"
#include "runtime/memory.h"
#include "runtime/session.h"

#include <math.h>
#include <stdlib.h>

static void print(const SgrtSession *s, const double *cost, double se)
{
    const SgrtGraph *g = s->graph;
    printf("cost %.9g", cost[0]);
    if (isfinite(se))
        printf(" \u00b1%.2g", se);
    if (g->batch)
        printf(" per row (total %.9g, %lld rows)", cost[0] * (double)s->data.rows,
               (long long)s->data.rows);
    printf("%s\n", g->biased ? ", of a biased graph" : "");
    for (int64_t i = 0; g->costs > 1 && i < g->costs; i++)
        printf("  %s  %.9g\n", g->cost[i], cost[1 + i]);
}

static int evaluate(SgrtSession *s)
{
    SgrtError e;
    double se = NAN;
    SgrtEvalSettings settings = {s->batch, s->seed, s->tape, s->pool};
    double *cost = sgrt_alloc(1 + s->graph->costs, sizeof *cost, &e);
    bool done = cost && sgrt_eval(&s->data, s->context, &settings, cost, &se, &e);
    if (done)
        print(s, cost, se);
    free(cost);
    return done ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_eval(const SgrtModel *model, SgrtOptions *options)
{
    SgrtError e;
    SgrtSession s;
    const SgrtGraph *graph = sgrt_chosen_graph(model, options, sgrt_default_graph(model));
    if (!graph)
        return SGRT_USAGE;
    if (!graph->eval) {
        sgrt_fail(&e, "graph %s has no cost to evaluate", graph->name);
        return sgrt_say_error(options, SGRT_USAGE, &e);
    }
    int status = sgrt_session_open(&s, model, options, graph, graph->eval);
    if (status == SGRT_OK)
        status = sgrt_session_params(&s);
    if (status == SGRT_OK && !options->from && model->params > 0)
        sgrt_say_note(options, "without --from the parameters have their initial values");
    if (status == SGRT_OK)
        status = evaluate(&s);
    sgrt_session_close(&s);
    return status;
}
