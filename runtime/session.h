/* What a verb works on: a graph of the model, its data, the parameters, the threads; all as the
 * command line says.  These functions print what is wrong and return an exit status. */
#ifndef SGC_RUNTIME_SESSION_H
#define SGC_RUNTIME_SESSION_H

#include "runtime/host.h"
#include "runtime/say.h"

typedef struct SgrtSession {
    const SgrtModel *model;
    SgrtOptions *options;
    const SgrtGraph *graph;
    SgrtPool *pool;
    SgrtContext *context; /* owned: the model */
    SgrtParams params;    /* a view of the context's */
    SgrtData data;
    double *hyper;       /* owned: [model hypers] */
    const char **output; /* owned: [graph outputs], the file to write or NULL */
    int64_t seed, batch;
    void **tape; /* owned: noise for `entry`, or NULL */
    const SgrtEntry *entry;
} SgrtSession;

/* Opens all but the parameters' values; `entry` is what the verb is going to call. */
int sgrt_session_open(SgrtSession *s, const SgrtModel *model, SgrtOptions *options,
                      const SgrtGraph *graph, const SgrtEntry *entry);
void sgrt_session_close(SgrtSession *s);

/* Opens the data of --eval-data, for the same graph.  The caller frees them either way. */
int sgrt_session_held(SgrtSession *s, SgrtData *held);

/* Fills the parameters: from --from, a checkpoint or the folder of a run, or else the initial
 * values. */
int sgrt_session_params(SgrtSession *s);

/* Runs a verb in a session of the chosen graph, which must have a cost, with the values of its
 * parameters, and what its estimators have learned, if they are wanted. */
int sgrt_session_of_step(const SgrtModel *model, SgrtOptions *options, bool params,
                         int verb(SgrtSession *s));

/* The graph of the first `train` block; without one the only graph with a cost; else NULL. */
const SgrtGraph *sgrt_default_graph(const SgrtModel *model);

/* The graph that the command line names, or `fallback`.  NULL, having printed why, if there is no
 * such graph or it has no `entry` to call. */
const SgrtGraph *sgrt_chosen_graph(const SgrtModel *model, const SgrtOptions *o,
                                   const SgrtGraph *fallback);

/* FILE, or DIR/latest for a folder; the caller frees it.  NULL if memory is out. */
char *sgrt_checkpoint_path(const char *from, SgrtError *e);

#endif
