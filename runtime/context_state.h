/* Private to context*.c: what a context holds. */
#ifndef SGC_RUNTIME_CONTEXT_STATE_H
#define SGC_RUNTIME_CONTEXT_STATE_H

#include "runtime/context.h"
#include "runtime/context_scan.h"
#include "runtime/listing.h"
#include "runtime/step.h"

enum { SGRT_MOST_NOTE = SGRT_MOST_SCANNED };

/* Where a checkpoint that is being read has a tensor. */
typedef struct SgrtFound {
    SgrtStored stored;
    const void *values; /* NULL: not met yet */
} SgrtFound;

typedef struct SgrtContextGraph {
    SgrtData data;       /* no files behind it: the caller's rows */
    SgrtStep step;       /* where the graph has one */
    SgrtCall eval, run;  /* where it has the entry */
    SgrtListing listing; /* of a checkpoint */
    bool ready;          /* a gradient waits for its update */
} SgrtContextGraph;

struct SgrtContext {
    const SgrtModel *model;
    SgrtPool *pool;
    SgrtParams params;
    SgrtContextGraph *graph;  /* owned: [model graphs] */
    SgrtListing listing;      /* of a checkpoint of parameters alone */
    const SgrtTensor **order; /* owned: a checkpoint's tensors, as they are sorted */
    SgrtFound *found;         /* owned: the same of one that is read */
    double *hyper;            /* owned: [model hypers] */
    double *scratch;          /* owned: the largest constrained parameter, or row of data */
    char *header;             /* owned: a checkpoint's */
    int64_t header_room;
    int64_t seed, total_rows;
    int64_t draw[SGRT_RUN + 1]; /* the number of the next call, by purpose */
    char note[SGRT_MOST_NOTE];  /* of the host */
    char noted[SGRT_MOST_NOTE]; /* of the checkpoint that is being read */
    SgrtError error;
};

/* True for the number of a graph or a parameter; otherwise says so in m->error. */
bool sgrt_context_has_graph(SgrtContext *m, int graph);
bool sgrt_context_has_param(SgrtContext *m, int param);

/* Are the values of the data, or of noise of the caller's, what the model declares? */
bool sgrt_context_data_fit(SgrtContext *m, const SgrtGraph *g, const SgrtContextCall *call);
bool sgrt_context_noise_fits(SgrtContext *m, const SgrtEntry *entry, const SgrtContextCall *call);

/* The bytes that the header of a checkpoint may take. */
int64_t sgrt_context_header_room(SgrtContext *m);

#endif
