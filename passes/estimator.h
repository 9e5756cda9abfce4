/* What the parts of the estimator derivation share: choose.c, legality.c, reach.c,
 * surrogate.c, estimate.c. */
#ifndef SGC_PASSES_ESTIMATOR_H
#define SGC_PASSES_ESTIMATOR_H

#include "passes/adjoint.h"
#include "passes/mutant.h"
#include "passes/pass.h"

enum {
    ES_ENUMERATION_BUDGET = 65536, /* values of one enumerated draw */
    ES_VARIANT_BUDGET = 65536,     /* variants of the elements of one measure-valued draw */
    ES_SUBSET = 6,                 /* values of one set: the work doubles with each */
    ES_STEPS = 16,                 /* that are read at once: 2^16 is that budget */
    ES_LAGS = 4                    /* steps that a sequence remembers of an enumerated draw */
};

/* For every member of a set of plates, or of variables. */
#define ES_EACH(i, set)                                                                            \
    for (uint32_t i = 0; i < IR_MAX_PLATES; i++)                                                   \
        if ((set) >> i & 1)

typedef struct EsSubset EsSubset;

/* A value that a learned baseline reads; of one of so many categories, if it is no number. */
typedef struct EsInput {
    IrRef node; /* in the source graph; once that is lowered, in the estimator graph */
    int64_t categories;
} EsInput;

/* One live draw of the graph, and what was decided for it. */
typedef struct EsDraw {
    IrRef node; /* the sample, in the source graph */
    IrRef one;  /* the same for all copies of one draw */
    IrEstimator estimator;
    int64_t samples;
    IrBaseline baseline;
    IrCopies copies;
    bool moved;      /* a parameter reaches its law */
    const char *because;   /* the first choice was changed; NULL: it was not */
    const IrDecision *why; /* what was decided */

    IrRef value;     /* in the estimator graph */
    IrDist law;
    IrRef *arg;      /* of the law, there */
    IrRef noise;     /* base noise of its transport */
    IrRef fresh;     /* measure-valued, rebar: more uniform variates, or IR_NONE */
    IrRef logp;      /* of a held draw: its log-density; else IR_NONE */
    IrPlates plates; /* of its copies, own plate of samples included */
    IrPlates weighed; /* these, and the plates that their weights vary over */
    int32_t own;     /* its plate of samples or of enumerated values; -1: none */
    int32_t element, variant; /* plates of what else it might be: which element differs, and to which
                                 of its other values; -1: there is one */
    IrRef *density;  /* dreg, stl: its log-density in the program, in the source graph */
    uint32_t densities, guards;
    IrRef *guard;    /* pathwise: equal comparisons that jump in it */
    IrRef bound;     /* dreg, vimco: the log-mean-exp of its weights */
    IrRef relaxed;   /* what stands for it as a number, or for its one-hot; IR_NONE: it does */
    double temperature, scale; /* of a relaxation, and of the control variate that it is in */
    EsSubset *set;   /* of a draw without replacement */
    double constant; /* baseline */
    EsInput *input;  /* of a learned baseline */
    uint32_t inputs;
    int64_t hidden;  /* units of a learned function; 0: it is linear */
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
/* Is the draw no angle, or an angle that is read as one? */
bool es_reads_as_angle(const EsFacts *f, const EsDraw *d);
bool es_law_moves(const EsFacts *f, const EsDraw *d); /* does a parameter reach its law? */
/* The next op from r on that jumps in a value that moves and depends on a continuous draw, or IR_NONE;
 * and the next for which there is no boundary term. */
IrRef es_next_jump(const EsFacts *f, IrRef r);
IrRef es_find_jump(const EsFacts *f, IrRef r);
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
/* Does it pass the rows of its estimator alone? */
bool es_fits(const EsFacts *f, const EsDraw *d);
/* The most terms of a sum, were the draw enumerated with those that are. */
int64_t es_terms(const EsFacts *f, const EsDraw *d);
/* A via that the draw would be legal with, as text, or NULL. */
const char *es_suggestion(const EsFacts *f, const EsDraw *d);
const char *es_via_text(Arena *a, const IrVia *via);

/* Biased: what reads the draw as a number reads another value, which has a tangent. */
static inline bool es_is_relaxed(const EsDraw *d)
{
    return d->estimator == IR_EST_STRAIGHT_THROUGH || d->estimator == IR_EST_GUMBEL_SOFTMAX;
}
/* Does the gradient flow through the draw, whose transport is explicit or an inverse function? */
static inline bool es_is_pathwise(const EsDraw *d)
{
    return d->estimator == IR_EST_PATHWISE || d->estimator == IR_EST_IMPLICIT ||
           d->estimator == IR_EST_DREG || d->estimator == IR_EST_STL || es_is_relaxed(d);
}

/* Two draws of one `~`, in a loop that the frontend unrolled: they share what a statement has once,
 * the plate of samples and the moving average. */
bool es_same_place(const IrGraph *source, const EsDraw *a, const EsDraw *b);
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

/* The live draws in their order; one: by node, of copies (split.c), or NULL. */
EsDraw *es_draws(const IrGraph *g, const bool *live, const IrRef *one, uint32_t *draws);
bool es_is_copied(const EsFacts *f, const EsDraw *d); /* is there another copy of it? */

/* ---- an estimator for each group of costs (split.c) ---- */

/* The graph with a copy of some draws, and of what follows from them, for each group of costs; one: by
 * node.  False: one estimator for each draw is as good. */
bool es_split(const IrGraph *g, IrGraph *to, const IrRef **one);

/* ---- terms of costs (terms.c) ---- */

/* The graph with costs taken apart: every term that was written a cost; or those apart that other
 * copies of draws reach whose gradient multiplies costs.  Costs of one number are one cost.  False: there
 * is nothing to take apart. */
bool es_every_term(const IrGraph *g, IrGraph *to);
bool es_reached_terms(const IrGraph *g, IrGraph *to);
bool es_is_first_term(const IrGraph *g, IrRef cost);
/* The term of the cost that is the least smooth. */
IrRef es_worst_term(const IrGraph *g, const IrSmooth *class, IrRef cost);
/* "4, 7 (in part)": where the costs stand that are reached. */
const char *es_cost_lines(const IrGraph *g, const bool *reached);

/* Nodes that a root reads, directly or not. */
bool *es_live(const IrGraph *g);
/* More than 0, whatever the parameters and draws are (sign.c). */
bool es_is_positive(const IrGraph *g, IrRef r);

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
    const IrDecision *why;
    Span at;
} EsCost;

/* ---- values of enumerated draws (values.c) ---- */

/* A value that nodes depend on: of a draw, of the draw `lag` steps before, of its step `step` after
 * the loop. */
typedef struct EsVariable {
    uint32_t draw, lag;
    int64_t step;      /* -1: it is not read after a loop */
    int32_t plate;     /* of its values */
    IrRef from;        /* what it is before the first step, in the source graph; or IR_NONE */
    int32_t start;     /* the variable that `from` is, or -1 */
    int32_t recursion; /* after a loop: the one that knows it, or -1 */
} EsVariable;

/* What a sequence remembers, in one table.  Sets of variables. */
typedef struct EsRecursion {
    uint32_t region, draw;
    uint32_t within, past; /* all that decide it in a step; those of steps before */
    uint32_t summed, around; /* draws before the loop: summed out where it begins; not */
} EsRecursion;

typedef struct EsValues {
    EsVariable var[IR_MAX_PLATES];
    int64_t values[IR_MAX_PLATES];
    uint32_t vars;
    uint32_t part[IR_MAX_PLATES];  /* by variable: those that share its table */
    uint32_t table[IR_MAX_PLATES]; /* by variable: what its table is over */
    EsRecursion recursion[IR_MAX_PLATES];
    uint32_t recursions;
    uint32_t *on; /* by source node: the variables it depends on */
    int32_t *is;  /* by source node: the variable whose value it is, or -1 */
    const char *why; /* NULL; or why there is no sum over all of them, and where */
    IrRef at;
    uint32_t blamed; /* variables */
    bool large;      /* it is that a table is too large */
    bool many;       /* it is that one more draw, which `at` is, has no plate */
    int64_t terms;   /* of the largest table */
} EsValues;

/* Readers of a whole short sequence of enumerated draws read it step by step (steps.c). */
void es_read_steps(IrGraph *g);
EsValues *es_values(const IrGraph *g, const bool *live, const EsDraw *draw, uint32_t draws);
/* A single step out of a sequence: of what, and which. */
bool es_is_step(const IrGraph *g, const IrNode *n, IrRef *of, int64_t *step);
/* Is the value at step `step`, counted from 0, of a time before the loop when there was none? */
bool es_is_no_step(const EsValues *v, const EsVariable *x, int64_t step);
/* Those of the steps that are no longer known at the last of them. */
uint32_t es_earlier(const EsValues *v, uint32_t steps);

/* ---- sums of products (eliminate.c) ---- */

/* A table over values of plates. */
typedef struct EsTable {
    IrRef node;
    IrPlates on;
} EsTable;

/* A sum over one plate of a product of tables, made once. */
typedef struct EsSum {
    uint32_t plate, tables;
    IrRef *of, node;
} EsSum;

typedef struct EsSums {
    EsSum *sum;
    uint32_t count;
} EsSums;

/* Sums the plates of `out` out of the product of the tables, whose number changes; values[p]: the
 * size of plate p.  The largest table that is summed over; g may be NULL: nothing is built. */
IrPlates es_eliminate(IrGraph *g, EsSums *known, EsTable *t, uint32_t *tables, IrPlates out,
                      const int64_t *values);
int64_t es_table_size(const int64_t *values, IrPlates on);

typedef struct EsProgram {
    IrGraph *g; /* the estimator graph under construction */
    const IrGraph *source;
    EsDraw *draw;
    uint32_t draws;
    EsReach *reach; /* by draw; indexed by source nodes */
    bool *live;     /* by source node */
    IrRef lowered;  /* nodes of the lowered program */
    EsCost *cost;
    uint32_t costs;
    EsSeed *seed; /* where the reverse pass starts */
    uint32_t seeds;
    EsValues *values; /* of enumerated draws */
    EsSums sums;
} EsProgram;

/* ---- worlds (world.c) ---- */

/* What differs in another world: the value of a node. */
typedef struct EsChange {
    IrRef node;
    IrRef value; /* of the same element and shape, perhaps with more plates */
    IrRef where; /* IR_NONE: everywhere; or a bool: only where it holds */
    IrRef index; /* IR_NONE; or `value` is of this one element of the (flattened) node */
} EsChange;

typedef struct EsWorld EsWorld;

/* The lowered program, had the value been that: the plates of the change are gained by all that
 * depends on it.  The noise is the same. */
EsWorld *es_world(EsProgram *p, const EsChange *change, uint32_t many);
/* The same where what changes is a draw, and the values are between its own: integers that depend
 * on it are reals, and nothing but the change has a tangent. */
EsWorld *es_soft_world(EsProgram *p, const EsChange *change, uint32_t many);
/* What a node of the lowered program is in the world; NULL is the world as it is. */
IrRef es_in_world(EsWorld *w, IrRef r);
/* Row `index` of axis 0 of a table. */
IrRef es_element(IrGraph *g, IrRef table, IrRef index);

/* ---- sums (weigh.c) ---- */

IrPlates es_plates_of(const IrGraph *g, IrPlateKind kind);
/* These, and the plates that the probabilities of enumerated values vary over: from copy to copy of
 * plates that a cost or draw does not read itself. */
IrPlates es_with_weights(const IrGraph *g, IrPlates plates);
/* The product of the copies of the plates in the set, which are not rows. */
double es_copies(const IrGraph *g, IrPlates set);
/* The weighed sum of v over the copies of `plates`, in units of the whole data set: N/B a row. */
IrRef es_weighed_sum(EsProgram *p, EsWorld *w, IrRef v, IrPlates plates);
/* The tables that decide how probable the values of the plates are; and the sum of their product
 * over some of these. */
uint32_t es_tables(const EsProgram *p, EsWorld *world, IrPlates set, EsTable *t);
void es_sum_out(EsProgram *p, EsTable *t, uint32_t *tables, IrPlates out);
/* The mean over the copies of `plates`, all alike but for what enumerated values weigh. */
IrRef es_mean(EsProgram *p, IrRef v, IrPlates plates);
/* The same of the products of the elements of two vectors, as a matrix. */
IrRef es_mean_outer(EsProgram *p, IrRef a, IrRef b, IrPlates plates);
/* What draw i reaches, for each of its copies: the f of its gradient.  IR_NONE: no cost. */
IrRef es_downstream(EsProgram *p, uint32_t i, EsWorld *w);
/* The costs that draw i reaches, weighed and summed over all plates but `kept` and those that the
 * world adds; IR_NONE: it reaches none. */
IrRef es_world_costs(EsProgram *p, EsWorld *w, uint32_t i, IrPlates kept);
/* f times w(i)/N, the weight of a copy of the draw, per row, for each copy of the draw. */
IrRef es_weighed_gain(EsProgram *p, const EsDraw *d, IrRef f);
/* v * w, where IR_NONE is 1. */
IrRef es_times(IrGraph *g, IrRef v, IrRef w);

/* ---- sequences of enumerated draws (chain.c) ---- */

/* Copies of one plate as copies of another. */
IrRef es_move_plate(IrGraph *g, IrRef v, int32_t from, int32_t to);
/* The first copy, where all are the same, or none matters. */
IrRef es_first_copy(IrGraph *g, IrRef v, int32_t plate);
/* A value of a step as the next step knows it: that of a step before. */
IrRef es_move_back(EsProgram *p, IrRef v, uint32_t region);
/* Gives the values before a step, and those after a loop, their tables; now: by source node. */
void es_link_sequences(EsProgram *p, const IrRef *now);

/* ---- how an estimator derives (derive.def) ---- */

/* The value of a draw in the estimator graph. */
typedef IrRef EsValue(EsProgram *p, EsDraw *d, const IrNode *sample);
/* What draw i adds to the gradient besides the derivative of the objective. */
typedef void EsTerm(EsProgram *p, uint32_t i);

#define DERIVE(estimator, plates, value, term)                                                     \
    EsValue es_value_##value;                                                                      \
    EsTerm es_term_##term;
#include "passes/derive.def"

/* Base noise: of a law, and in general. */
IrRef es_noise(EsProgram *p, const IrNode *sample, const IrRef *arg, IrPlates plates);
/* Of the samples of draw d: mirrored in pairs, or a shifted lattice, if it says so (noise.c). */
IrRef es_copied_noise(EsProgram *p, const EsDraw *d, const IrNode *sample);
IrRef es_base_noise(IrGraph *g, const char *name, IrBase base, IrType type, IrPlates plates);
/* A new tensor that steps hand on, uniform in (-spread, spread) at first.  Its name in checkpoints is `name`, or follows from it where other
 * draws have that name: steps of a sequence, or draws of two scopes. */
IrRef es_state(IrGraph *g, const char *name, IrType type, double spread);
/* A softened draw (rebar.c): its derivative is that where the value was not given less that where it
 * was.  One copy's elements; categories on the last axis. */
typedef struct EsSoft {
    IrRef hard; /* the draw, as reals */
    IrRef mean; /* what it is on average */
    IrRef soft; /* between its values */
    IrRef rate; /* of the derivative of `soft` before the sigmoid or softmax, in that of `mean` */
} EsSoft;
EsSoft es_soften(EsProgram *p, const EsDraw *d);
/* A learned function of a vector a copy (net.c): as it is before this step learns. */
typedef struct EsNet {
    IrRef value;
    IrRef x, h;             /* what is put in, or IR_NONE; what `weight` multiplies: x, or the units */
    IrRef constant, weight; /* states; IR_NONE: there is nothing to weigh */
    IrRef in, bias;         /* of the hidden layer, also states; IR_NONE: there is none */
    IrRef bend, slope;      /* of its units: the derivative of tanh; that of the value before it */
} EsNet;
EsNet es_net(EsProgram *p, const EsDraw *d, IrRef x);
IrRef es_net_slope(IrGraph *g, const EsNet *n); /* the derivative in x */
/* The squared size of the derivatives in the weights: of the value; of its derivative in x, of which
 * it is a bound but for a small factor. */
IrRef es_net_size(IrGraph *g, const EsNet *n);
IrRef es_net_bend(IrGraph *g, const EsNet *n);
/* Moves the weights along the mean over the copies of the derivative, in the weights, of `along` times
 * the value and of the derivative in x along `turn` (IR_NONE: none).  The constant after that. */
IrRef es_net_learn(EsProgram *p, const EsDraw *d, const EsNet *n, IrRef along, IrRef turn);
/* What is known before a draw says about f, before this step learns from it (inputs.c, learn.c). */
void es_find_inputs(const IrGraph *g, EsDraw *d);
IrRef es_learned_baseline(EsProgram *p, const EsDraw *d, IrRef f);
/* f less the mean of the other copies in the draw's plate of samples. */
IrRef es_less_others(IrGraph *g, const EsDraw *d, IrRef f);
/* Relaxations of draws (relax.c): the log-odds of a bit; softmax over the last axis. */
IrRef es_log_odds(IrGraph *g, const EsDraw *d);
IrRef es_softmax(IrGraph *g, IrRef v);
/* Adds an adjoint to start from: `value` may have plates that the node lacks, and is summed over
 * them. */
void es_seed(EsProgram *p, IrRef node, IrRef value);
/* A seed of the draw's log-density, which shows in the dump. */
void es_seed_score(EsProgram *p, const EsDraw *d, IrRef value);

/* Variants of a measure-valued draw's element (measure.c). */
int64_t es_variants(const IrGraph *g, const IrNode *sample);

/* ---- one element at a time (slot.c) ---- */

/* The elements of a draw, changed one at a time.  Where costs read the copies of a plate together, or
 * later steps read the draw, copies are changed one at a time too. */
typedef struct EsSlots {
    IrType type;       /* of the draw's value; of events of integers, without their axis */
    int64_t event;     /* the size of that axis, or 0 */
    IrPlates together; /* plates that are changed copy by copy */
    int64_t elements;
    int32_t plate; /* over all slots; -1: there is one */
} EsSlots;

IrPlates es_read_together(const IrGraph *g, const bool *live, const EsReach *e);
int64_t es_slot_count(const IrGraph *g, const bool *live, const EsReach *e, const IrNode *sample);
EsSlots es_slots(const EsProgram *p, uint32_t i);
/* Is this the element that is changed?  IR_NONE: it is the only one. */
IrRef es_slot_mark(IrGraph *g, const EsSlots *s);
/* Costs over the plates of slots and of variants (-1: one) as [element, variant], copy by copy. */
IrRef es_by_slot(IrGraph *g, const EsSlots *s, IrRef costs, int32_t variant);

/* ---- boundary terms of jumps (boundary.c) ---- */

/* The pathwise draw whose boundary term the jump has, or -1. */
int64_t es_boundary_draw(const EsFacts *f, IrRef jump);
void es_find_guards(const EsFacts *f, EsDraw *draw);

/* ---- bounds of several samples (bound.c) ---- */

bool es_equal(const IrGraph *g, IrRef a, IrRef b); /* one value by the same ops */
/* What is wrong, in words, or NULL: no bound of the draw; a cost that is no multiple of it; no
 * log-density in its log-weight; other draws in one sample with it; a log-density whose weight depends
 * on the draw. */
void es_join_bounds(IrGraph *g);
const char *es_no_bound(const EsFacts *f, const EsDraw *d);
const char *es_bent_bound(const EsFacts *f, const EsDraw *d);
const char *es_no_density(const EsFacts *f, const EsDraw *d);
const char *es_layered(const EsFacts *f, const EsDraw *d);
const char *es_weighed_density(const EsFacts *f, const EsDraw *d);
void es_find_bounds(const EsFacts *f, EsDraw *draw);
/* The draw's log-density, without tangents of its arguments. */
IrRef es_stopped_density(IrGraph *g, const EsDraw *d);
/* What the adjoints of doubly reparameterised draws are multiplied by. */
EsGain *es_gains(const EsProgram *p, uint32_t *count);

/* Adds costs, objective, gradients and moving averages to the lowered program. */
void es_surrogate(EsProgram *p);

#endif
