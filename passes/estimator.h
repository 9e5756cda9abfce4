/* What the parts of the estimator derivation share: choose.c, legality.c, reach.c,
 * surrogate.c, estimate.c. */
#ifndef SGC_PASSES_ESTIMATOR_H
#define SGC_PASSES_ESTIMATOR_H

#include "passes/pass.h"

enum { ES_ENUMERATION_BUDGET = 65536 }; /* values of one enumerated draw */

/* One live draw of the graph, and what was decided for it. */
typedef struct EsDraw {
    IrRef node; /* the sample, in the source graph */
    IrEstimator estimator;
    int64_t samples;
    IrBaseline baseline;
    bool moved;      /* a parameter reaches its law */
    const char *why; /* the decision, in words */

    IrRef value;     /* in the estimator graph */
    IrDist law;      /* score: of the draw, */
    int64_t values;  /* and how many values an element has; 0: not a known number */
    IrRef logp;      /* score: its log-density; else IR_NONE */
    IrPlates plates; /* of its copies, own plate of samples included */
    int32_t own;     /* its plate of samples or of enumerated values; -1: none */
    IrRef average;   /* the moving average it reads; IR_NONE: none */
    IrRef mean;      /* the mean of its downstream cost in this step */
} EsDraw;

/* What legality is decided from.  One entry a node of the source graph. */
typedef struct EsFacts {
    const IrGraph *g;
    const EsDraw *draw;
    uint32_t draws;
    bool *live, *continuous; /* a root reads it; it depends on a continuous draw */
    IrSmooth *class; /* as a function of the parameters, noise and held draws fixed; constant: it
                        does not move */
} EsFacts;

EsFacts es_facts(const IrGraph *g, const EsDraw *draw, uint32_t draws);
void es_find_facts(EsFacts *f); /* again, after a draw changed its estimator */
bool es_law_moves(const EsFacts *f, const EsDraw *d); /* does a parameter reach its law? */
/* The first op that jumps in a value that moves and depends on a continuous draw, or IR_NONE. */
IrRef es_find_jump(const EsFacts *f);
bool es_moves_through(const EsFacts *f, const EsDraw *d, IrRef jump);
/* "; the cost at 8:3 is Lipschitz: relu at 8:8 of abs at 7:4; ...": every cost as a function of a
 * node. */
const char *es_reasons(const EsFacts *f, IrRef of);

/* A row of legality.def. */
typedef struct EsRow {
    IrEstimator estimator;
    const char *rule, *source, *row;
} EsRow;

size_t es_rows(void);
const EsRow *es_row(size_t i);
/* The first row that the draw fails, why in words and where; or NULL. */
const EsRow *es_illegal(const EsFacts *f, const EsDraw *d, const char **why, IrRef *at);
/* A via that the draw would be legal with, as text, or NULL. */
const char *es_suggestion(const EsFacts *f, const EsDraw *d);
const char *es_via_text(Arena *a, const IrVia *via);

/* Two draws of one `~`, in a loop that the frontend unrolled: they share what a statement has once,
 * the plate of samples and the moving average. */
bool es_same_statement(const IrGraph *source, const EsDraw *a, const EsDraw *b);

/* What a draw reaches.  One entry a node of the graph. */
typedef struct EsReach {
    bool *reached;
    IrPlates
        *mixed; /* plates of the draw whose copies all reach the node: a reduction lies between */
    uint32_t *lag; /* steps from the draw to the nearest step that reads it */
    bool *later;   /* a carry lies between: the step and those after it */
} EsReach;

EsReach es_reach(const IrGraph *g, IrRef draw);

/* Nodes that a root reads, directly or not. */
bool *es_live(const IrGraph *g);

/* Fills the decisions for all draws.  False: an error was reported. */
bool es_choose(const IrGraph *g, EsDraw *draw, uint32_t draws, PassCtx *cx);
/* How many values a draw takes; 0: not finite; -1: more than the budget. */
int64_t es_support_size(const IrGraph *g, const IrNode *sample);
const char *es_name(const IrNode *sample);

/* One cost of the estimator graph: `value` for every copy of `plates`. */
typedef struct EsCost {
    IrRef source; /* in the source graph */
    IrRef value;
    IrPlates plates;
    IrAttr attr;
    const char *why;
    Span at;
} EsCost;

typedef struct EsProgram {
    IrGraph *g; /* the estimator graph under construction */
    const IrGraph *source;
    EsDraw *draw;
    uint32_t draws;
    EsReach *reach; /* by draw; indexed by source nodes */
    EsCost *cost;
    uint32_t costs;
} EsProgram;

/* Adds costs, objective, gradients and moving averages to the lowered program. */
void es_surrogate(EsProgram *p);

#endif
