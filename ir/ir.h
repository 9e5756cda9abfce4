/* The graph: what every folder of the compiler speaks.
 *
 * A model has parameters, data columns and hypers, and graphs over them.  A graph is an array of
 * nodes, operands before users; a node is referred to by its position.  Everything lives in one
 * arena and is freed with it.
 *
 * A type is element[plates; shape].  Plates are sets of independent copies: a node of type
 * real[n; 784] is one vector of 784 for every copy n.  Every operation works copy by copy: an
 * operand that lacks a plate of the result is shared by its copies.  Only reductions (`over`),
 * to_axis and carry look across copies.  Plates are ordered by id, outermost first, so a value of
 * type real[n, k; d] is stored as a row-major array [n][k][d].
 *
 * Stages (a mask per op says where it may live):
 *   source     what the user said: sample, cost, expect
 *   estimator  one program of noise: draw, sampled, grad, next; no sample left
 *   scheduled  the same nodes with phase, kernel and buffer filled in */
#ifndef SGC_IR_IR_H
#define SGC_IR_IR_H

#include "ir/arena.h"
#include "ir/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef uint32_t IrRef;
#define IR_NONE UINT32_MAX

enum { IR_MAX_RANK = 4, IR_MAX_PLATES = 32 };

typedef enum IrElem { IR_REAL, IR_INT, IR_BOOL } IrElem;

typedef uint32_t IrPlates; /* a set of plates: bit i is plate i */

typedef struct IrType {
    IrElem elem;
    IrPlates plates;
    uint32_t rank;
    int64_t dim[IR_MAX_RANK]; /* unused entries are 0 */
} IrType;

/* A plate.  `size` is the bound of a rows plate, whose count is known at run time only. */
typedef enum IrPlateKind {
    IR_PLATE_ROWS,        /* rows of a minibatch; weight N/B, applied where costs are summed */
    IR_PLATE_STATIC,      /* plate k = 5 */
    IR_PLATE_SAMPLES,     /* the K copies of `samples = K`; costs are averaged over it */
    IR_PLATE_ENUMERATION, /* the values of an enumerated draw; weight is their probability */
    IR_PLATE_STEP,        /* the steps of a `for` */
    IR_PLATE_PARTS,       /* the fixed parts that the rows are cut into: part p of P holds the rows
                       [B p / P, B (p + 1) / P) */
    IR_PLATE_KINDS
} IrPlateKind;

typedef struct IrPlate {
    const char *name;
    IrPlateKind kind;
    int64_t size;
    IrRef weight;    /* enumeration: probability of each value; else IR_NONE */
    IrPlates parents; /* the plates it is nested in */
    Span at;
} IrPlate;

typedef enum IrOp {
#define OP(id, ...) IR_##id,
#include "ir/op.def"
    IR_OP_COUNT
} IrOp;

/* How an op behaves as a function of its real operands, worst last. */
typedef enum IrSmooth { IR_CONSTANT, IR_SMOOTH, IR_LIPSCHITZ, IR_PIECEWISE, IR_ARBITRARY } IrSmooth;

enum { IR_STAGE_SOURCE = 1, IR_STAGE_ESTIMATOR = 2 }; /* mask; scheduled is estimator + schedule */

enum { /* IrOpInfo.flags */
    IR_EW = 1,     /* element-wise: operands have the result's shape or are scalar */
    IR_COMM = 2,   /* commutative */
    IR_LEAF = 4,   /* reads something outside the graph */
    IR_EFFECT = 8, /* a root: kept by dce */
    IR_DRAWS = 16, /* stochastic: never merged, duplicated or dropped unless a pass says so */
    IR_MOVES = 32, /* moves and adds up elements of its first operand, which it is linear in */
    IR_DOMAIN = 64 /* its first operand where the second bounds it, as it must; else NaN */
};

enum { /* IrOpInfo.attrs: which fields of IrAttr the op uses, and the text form prints */
    IR_HAS_NUM = 1,
    IR_HAS_PLATE = 2,
    IR_HAS_OVER = 4,
    IR_HAS_AXES = 8,
    IR_HAS_K0 = 16,
    IR_HAS_K1 = 32,
    IR_HAS_K2 = 64,
    IR_HAS_K3 = 128,
    IR_HAS_TEXT = 256,
    IR_HAS_DIST = 512,
    IR_HAS_VIA = 1024,
    IR_HAS_ITEM = 2048
};

typedef enum IrDist {
#define DIST(id, ...) IR_DIST_##id,
#include "ir/dist.def"
    IR_DIST_COUNT
} IrDist;

typedef enum IrEstimator {
#define ESTIMATOR(id, ...) IR_EST_##id,
#include "ir/estimator.def"
    IR_EST_COUNT
} IrEstimator;

typedef enum IrBaseline {
    IR_NO_BASELINE, IR_LEAVE_ONE_OUT, IR_MOVING_AVERAGE, IR_LEARNED_BASELINE,
    IR_CONSTANT_BASELINE, /* IrVia.constant */
    IR_BASELINES
} IrBaseline;

/* How the noise of a draw's samples hangs together: each is a draw of the law alone. */
typedef enum IrCopies { IR_INDEPENDENT, IR_ANTITHETIC, IR_QMC } IrCopies;

/* What the user wrote after `via` (IR_EST_AUTO: nothing). */
typedef struct IrVia {
    IrEstimator estimator;
    int64_t samples; /* 1 unless `samples = K` */
    IrBaseline baseline;
    double constant; /* the constant baseline */
    IrCopies noise;
    double temperature; /* of gumbel_softmax and rebar; 0: not written, 1 */
    double scale;       /* of rebar's control variate */
    int64_t hidden;     /* units of a learned function; 0: it is linear */
    bool biased;
    Span at;
} IrVia;

typedef struct IrAttr {
    double num;       /* const */
    int32_t plate;    /* index, to_plate, to_axis, plate_size */
    IrPlates over;    /* plates that a reduction or contraction sums away */
    uint32_t axes;    /* shape axes that a reduction removes: bit i is axis i */
    int64_t k[4];     /* axis, bounds, permutation, flags: see op.def */
    const char *text; /* contract: "ij,jk->ik"; output, cost: the label */
    IrDist dist;      /* sample */
    IrVia via;        /* sample */
    uint32_t item;    /* param, data, hyper: index in the model; draw, sample: site; state: index */
} IrAttr;

/* Scheduled graphs.  A phase is a barrier-to-barrier piece of work:
 *   global  one task, no rows plate, or a reduction over all rows that is not worth cutting
 *   rows    one task a part: nodes with the rows plate, and `partial` sums, for the part's rows
 *   blocks  one task a part: contractions over rows; task p computes the block
 *           [d p / P, d (p + 1) / P) of axis 0 of the result, over the whole batch
 * Nodes in `order` are grouped into kernels; kernels run in order within their phase. */
typedef enum IrPhaseKind { IR_PHASE_GLOBAL, IR_PHASE_ROWS, IR_PHASE_BLOCKS } IrPhaseKind;

typedef struct IrPhase {
    IrPhaseKind kind;
} IrPhase;

/* A kernel.
 *   loop    element-wise members, all of one domain (plates and shape), computed in one loop nest;
 *           members may end in sums (sum, partial) of a member over a part of the domain
 *   single  one node that is not element-wise, by its own emit rule: contract, draw, gather, ...
 *   scan    all nodes of one region, step by step
 *   view    one node that costs nothing: a leaf read in place, a reshape, a transpose or the like
 *           that is its operand read at other places, a scalar of leaves computed where it is read */
typedef enum IrKernelKind { IR_KERNEL_LOOP, IR_KERNEL_SINGLE, IR_KERNEL_SCAN, IR_KERNEL_VIEW } IrKernelKind;

typedef struct IrKernel {
    IrKernelKind kind;
    int32_t phase;
    IrType domain; /* loop: what is iterated over; elem unused */
    IrRef *node;   /* members, in order */
    uint32_t nodes;
} IrKernel;

/* Where a scheduled node lives. */
typedef struct IrPlace {
    int32_t phase, kernel; /* indices into IrGraph.phase and .kernel */
    int64_t buffer;        /* byte offset in the arena; -1: in registers, or outside the arena */
} IrPlace;

/* A decision of a pass about what a node stands for: a remark, and a word in dumps and reports. */
typedef struct IrDecision {
    DiagCode code;      /* what kind it is: a remark of diag.def */
    const char *what;   /* "z ~ normal: pathwise (chosen)" */
    const char *reason; /* "" if there is no more to say */
    const char *draw;   /* what it is about, if that is a draw; else NULL, and the rest is empty */
    IrDist law;
    IrVia via; /* AUTO: it has no gradient; `at` has a place if the user asked for it */
    const struct IrDecision *also; /* of the same draw, for other costs; or NULL */
} IrDecision;

typedef struct IrNode {
    IrOp op;
    IrType type;
    uint32_t n_in;
    IrRef *in;        /* owned by the arena */
    IrAttr attr;
    uint32_t region;  /* 0, or 1 + index of the scan region it belongs to */
    Span at;          /* the user's words that caused it */
    const char *name; /* the user's name, or NULL */
    const IrDecision *why; /* taken here, or NULL */
    IrPlace place;
} IrNode;

/* A sequence: the nodes whose `region` names it stand together and are evaluated step by step over
 * the copies of `plate`, in increasing order, or decreasing if `reverse`.  Only carries look at
 * another step.  All of them have the plate; what does not is computed once, outside. */
typedef struct IrRegion {
    int32_t plate;
    bool reverse;
} IrRegion;

typedef enum IrInit {
    IR_INIT_CONSTANT, IR_INIT_IDENTITY, IR_INIT_NORMAL, IR_INIT_UNIFORM,
    IR_INIT_GLOROT, IR_INIT_HE, IR_INIT_ORTHOGONAL, IR_INIT_COUNT
} IrInit;

typedef enum IrConstraint {
    IR_FREE, IR_POSITIVE, IR_UNIT_INTERVAL, IR_SIMPLEX, IR_ORDERED, IR_CHOLESKY_FACTOR, IR_RANGE,
    IR_CONSTRAINT_COUNT
} IrConstraint;

typedef struct IrParam {
    const char *name; /* path: "enc.W" */
    IrType type;      /* of the stored, unconstrained tensor; no plates */
    IrConstraint in;
    IrInit init;
    double a, b; /* arguments of init */
    Span at;
} IrParam;

typedef struct IrData {
    const char *name;
    IrType type; /* of one row, or of the whole array; no plates */
    bool by_rows;
    IrConstraint in;
    double lo, hi; /* IR_RANGE */
    Span at;
} IrData;

typedef struct IrHyper {
    const char *name;
    double value;
    Span at;
} IrHyper;

/* What is kept from step to step and in checkpoints: a moving average, weights of a baseline. */
typedef struct IrState {
    const char *name;
    IrType type;   /* real, without plates */
    double spread; /* it begins uniform in (-spread, spread) */
} IrState;

/* A draw of base noise in an estimator graph. */
typedef struct IrSite {
    const char *name;
} IrSite;

typedef struct IrTrain {
    uint32_t graph;
    const char *optimizer; /* NULL: not written */
    double lr, momentum, beta1, beta2, eps, weight_decay, clip; /* NaN: not written */
    int64_t epochs, steps; /* -1: not written */
    Span at;
} IrTrain;

typedef enum IrStage { IR_SOURCE, IR_ESTIMATOR, IR_SCHEDULED } IrStage;

/* Which program a graph is: the user's, or one of the entries derived from it. */
typedef enum IrEntry { IR_ENTRY_SOURCE, IR_ENTRY_STEP, IR_ENTRY_EVAL, IR_ENTRY_RUN, IR_ENTRIES } IrEntry;

typedef struct IrModel IrModel;

typedef struct IrGraph {
    IrModel *model; /* borrowed */
    const char *name;
    IrStage stage;
    IrEntry entry;
    Span at;
    bool biased;

    IrNode *node;
    uint32_t count, cap;
    IrPlate plate[IR_MAX_PLATES];
    uint32_t plates;
    IrRegion *region;
    uint32_t regions;
    IrState *state;
    uint32_t states;
    IrSite *site;
    uint32_t sites;

    IrPhase *phase; /* scheduled */
    uint32_t phases;
    IrKernel *kernel; /* scheduled, in execution order */
    uint32_t kernels;
    int64_t arena_bytes; /* scheduled: size of the buffers */

    Span here;           /* cursor: given to new nodes */
    uint32_t in_region;  /* cursor */
} IrGraph;

struct IrModel {
    Arena *arena; /* borrowed: owns everything below */
    const char *name;
    const char *file;
    IrParam *param;
    uint32_t params;
    IrData *data;
    uint32_t datas;
    IrHyper *hyper;
    uint32_t hypers;
    IrGraph *graph;
    uint32_t graphs;
    IrTrain *train;
    uint32_t trains;
};

/* ---- tables -------------------------------------------------------------------------------- */

/* Derives a node's type from its operands and attributes.  On failure writes what disagrees. */
typedef bool IrTypeRule(const IrGraph *g, const IrNode *n, IrType *out, char *why, size_t size);

typedef struct IrOpInfo {
    const char *name;
    int arity; /* -1: one or more */
    IrTypeRule *type;
    IrSmooth smooth;
    unsigned stages, flags, attrs;
    const char *doc;
} IrOpInfo;

extern const IrOpInfo ir_op_info[IR_OP_COUNT];
extern const char *const ir_elem_name[], *const ir_plate_kind_name[], *const ir_stage_name[];
extern const char *const ir_init_name[], *const ir_constraint_name[], *const ir_entry_name[];
extern const char *const ir_baseline_name[], *const ir_copies_name[];

/* The scalar meaning of an element-wise op: used by folding, the evaluator and the tests. */
double ir_scalar(IrOp op, double a, double b, double c);

typedef enum IrSupport {
    IR_REAL_LINE,
    IR_CIRCLE,         /* angles: reals modulo 2 pi */
    IR_HALF_LINE,      /* x >= 0 */
    IR_OPEN_HALF_LINE, /* x > 0: the density at 0 is 0, infinite, or either */
    IR_INTERVAL,       /* between arguments 0 and 1 */
    IR_OPEN_UNIT,      /* 0 < x < 1 */
    IR_ZERO_ONE,
    IR_CATEGORIES,     /* 0 ... elements of argument 0 less 1 */
    IR_COUNTS,         /* 0, 1, 2, ... */
    IR_BOUNDED_COUNTS, /* 0 ... argument 0 */
    IR_EVENT_SPACE,    /* vectors of reals */
    IR_SIMPLEX_EVENTS, /* positive, with sum 1 */
    IR_ONE_HOT_EVENTS, /* one 1, zeros elsewhere */
    IR_COUNT_EVENTS    /* counts whose sum is argument 0 */
} IrSupport;

typedef enum IrBase { IR_BASE_NORMAL, IR_BASE_UNIFORM } IrBase;

/* How many base variates a draw takes. */
typedef enum IrNoise {
    IR_NOISE_ELEMENT, /* one an element */
    IR_NOISE_PAIR,    /* two an element, on a new first axis */
    IR_NOISE_EVENT,   /* one an event */
    IR_NOISE_TRIALS   /* one an event for each of argument 0's trials, on a new first axis */
} IrNoise;

/* Statistics whose expectation a law may know in closed form (estimators.md 2.5). */
typedef enum IrMoment {
    IR_E_MEAN,      /* E x                  */
    IR_E_VARIANCE,  /* E (x - E x)^2        */
    IR_E_ABS,       /* E |x - t|            */
    IR_E_EXP_TILT,  /* E e^(t x)            */
    IR_E_LOG_MEAN,  /* E log x              */
    IR_E_LOG_SQUARE, /* E (log x)^2         */
    IR_E_LOG_REST,  /* E log(1 - x)         */
    IR_E_POWER,     /* E x^t                */
    IR_E_COS,       /* E cos(x - t)         */
    IR_E_SIN,       /* E sin(x - t)         */
    IR_ENTROPY      /* E -log density, where the others do not give it */
} IrMoment;

typedef struct IrDistInfo {
    const char *name;     /* as the user writes it */
    const char *argument; /* argument names, space separated; "=" after one that must be named */
    uint32_t arguments;
    uint32_t event;       /* number of event axes: 0 or 1 */
    IrElem elem;
    IrSupport support;
    uint32_t moves;       /* arguments that move the support: bit i is argument i */
    IrBase base;
    IrNoise noise;
    unsigned estimators;  /* mask of 1u << IrEstimator that its table row names: see ir_admits */
    IrRef (*logpdf)(IrGraph *g, const IrRef *arg, IrRef x);
    IrRef (*transport)(IrGraph *g, const IrRef *arg, IrRef noise); /* of ir_noise_type */
    IrRef (*moment)(IrGraph *g, const IrRef *arg, IrMoment m, IrRef t); /* IR_NONE: not known */
    const char *doc;
} IrDistInfo;

extern const IrDistInfo ir_dist_info[IR_DIST_COUNT];

/* A draw as its measure-valued rule sees it. */
typedef struct IrDrawn {
    IrDist dist;
    const IrRef *arg;
    IrRef value, noise;
    IrRef fresh; /* one more uniform variate an element, or IR_NONE */
} IrDrawn;

/* d E f(x) / d argument as differences of expectations of f (estimators.md E8): ir/measure.c. */
typedef struct IrMeasure {
    unsigned arguments; /* those it is known in: bit i is argument i */
    uint32_t variants;  /* values that an element may take instead; 0: the categories */
    bool fresh;         /* needs IrDrawn.fresh */
    bool of_noise;      /* the variants are of the base noise, and the transport follows */
    uint32_t scaled;    /* 1 + the argument that is a location, with a scale after it; 0: none */
    void (*variant)(IrGraph *g, const IrDrawn *d, IrRef *variant);
    IrRef (*category)(IrGraph *g, const IrDrawn *d, IrRef which); /* no variants: the value by one */
    /* `base` is the cost of the draw, and costs[e, i] of variant i of element e; slope[k] becomes the
     * derivative in argument k, of the value's shape or of the argument's. */
    void (*slope)(IrGraph *g, const IrDrawn *d, IrRef base, IrRef costs, IrRef *slope);
    const char *why_not; /* no slope: the reason */
} IrMeasure;

extern const IrMeasure *const ir_measure[IR_DIST_COUNT];

/* A draw of a law with an event axis is a vector, except that a category is an int. */
static inline bool ir_draws_vectors(const IrDistInfo *d)
{
    return d->event > 0 && d->support != IR_CATEGORIES;
}
/* The law of the category that a one-hot event marks; of other laws, themselves. */
IrDist ir_category_law(IrDist d);
/* What takes one value among variants: an element of a draw, or an event of integers, without its
 * axis. */
IrType ir_slot_type(IrDist d, const IrType *value);
/* The base noise of a draw of type `value`. */
IrType ir_noise_type(const IrGraph *g, IrDist d, const IrRef *arg, const IrType *value);
/* The argument whose last axis is that of an event. */
static inline uint32_t ir_event_argument(const IrDistInfo *d)
{
    return d->support == IR_COUNT_EVENTS ? 1 : 0;
}
/* How many elements, or events of vectors, a draw of type `value` has. */
int64_t ir_dist_draws(IrDist d, const IrType *value);
/* The value of a finite law that has this number: an int, or an array of ints. */
IrRef ir_dist_value(IrGraph *g, IrDist d, const IrGraph *of, const IrRef *arg, IrRef number);
/* How many values one element of a draw takes, or one event; 0: it is not a known number. */
int64_t ir_dist_values(const IrGraph *g, IrDist d, const IrRef *arg);

typedef struct IrEstimatorInfo {
    const char *name; /* after `via` */
    bool built;       /* false: parses, and is refused by name as not built yet */
    bool needs_biased;
    unsigned supports; /* mask of 1u << IrSupport: laws that admit it by what they are */
    const char *doc;
} IrEstimatorInfo;

extern const IrEstimatorInfo ir_estimator_info[IR_EST_COUNT];

/* May draws of the law have the estimator?  What the program around them must fulfil is asked later. */
static inline bool ir_admits(IrDist d, IrEstimator e)
{
    return ir_dist_info[d].estimators >> e & 1 ||
           ir_estimator_info[e].supports >> ir_dist_info[d].support & 1;
}

/* Why it may not, in words that follow "because"; NULL: it may. */
const char *ir_refusal(IrDist d, IrEstimator e);

/* Why this language does not have a known estimator or function; NULL: it is not known. */
const char *ir_out_of_scope(const char *name);

/* ---- building ------------------------------------------------------------------------------ */

void ir_model_init(IrModel *m, Arena *a);
IrGraph *ir_graph_add(IrModel *m, const char *name, Span at);
void ir_graph_init(IrGraph *g, IrModel *m, const char *name, IrEntry entry);
/* A copy that shares the model and names; its nodes may be changed freely. */
void ir_graph_clone(IrGraph *to, const IrGraph *from);

uint32_t ir_plate_add(IrGraph *g, const char *name, IrPlateKind kind, int64_t size,
                      IrPlates parents);
uint32_t ir_region_add(IrGraph *g, int32_t plate, bool reverse); /* the node.region value */

/* Appends a node; its type comes from the op's rule.  An operand disagreement is a bug of the
 * caller: the frontend checks with ir_infer first, passes build only what is well typed. */
IrRef ir_node(IrGraph *g, IrOp op, IrAttr attr, uint32_t n, const IrRef *in);
/* For ops whose type is given, not derived (leaves, reshape, carry). */
IrRef ir_typed(IrGraph *g, IrOp op, IrAttr attr, IrType type, uint32_t n, const IrRef *in);
bool ir_infer(const IrGraph *g, IrOp op, IrAttr attr, uint32_t n, const IrRef *in, IrType *out,
              char *why, size_t size);

IrRef ir_const(IrGraph *g, double v);     /* a real scalar */
IrRef ir_int(IrGraph *g, int64_t v);      /* an int scalar */
IrRef ir_unary(IrGraph *g, IrOp op, IrRef a);
IrRef ir_binary(IrGraph *g, IrOp op, IrRef a, IrRef b);
IrRef ir_select(IrGraph *g, IrRef c, IrRef a, IrRef b);
IrRef ir_real(IrGraph *g, IrRef a); /* a as a real; itself if it is one */
/* op is SUM, PROD, REDUCE_MAX, REDUCE_MIN or LOGSUMEXP; axes and over may be empty: then a. */
IrRef ir_reduce(IrGraph *g, IrOp op, IrRef a, uint32_t axes, IrPlates over);
IrRef ir_sum_all(IrGraph *g, IrRef a); /* over every shape axis, no plate */
IrRef ir_contract(IrGraph *g, const char *spec, IrPlates over, IrRef a, IrRef b);
IrRef ir_matmul(IrGraph *g, IrRef a, IrRef b); /* last axis of a with first of b */
IrRef ir_expand(IrGraph *g, IrRef a, uint32_t axis, int64_t size);
IrRef ir_gather(IrGraph *g, IrRef a, IrRef index);
IrRef ir_one_hot(IrGraph *g, IrRef index, int64_t size); /* ints, on a new last axis */
IrRef ir_index(IrGraph *g, uint32_t plate, int64_t offset);
/* The first operands are the arguments of its law; `inputs` more are what its learned baseline reads. */
IrRef ir_sample(IrGraph *g, IrDist d, IrVia via, IrType type, const IrRef *in, uint32_t inputs,
                const char *name);
/* How many of the operands decide the value: all but what a baseline reads. */
uint32_t ir_deciding(const IrNode *n);

static inline IrNode *ir_at(const IrGraph *g, IrRef r)
{
    return &g->node[r];
}
const char *ir_set_name(IrGraph *g, IrRef r, const char *name);

/* Rebuilds g: visits the old nodes in order and calls `rule` with the operands already renamed.
 * The rule returns the node that stands for the old one (adding what it needs), or IR_NONE to keep
 * it as it is.  Forward references (carries) are renamed at the end. */
typedef IrRef IrRule(IrGraph *g, const IrNode *n, void *context);
bool ir_rewrite(IrGraph *g, IrRule *rule, void *context); /* true: a rule fired */
IrRef ir_keep(IrGraph *g, const IrNode *n); /* appends a copy of n; for rules */
/* Moves nodes so that those of each region stand together; ir_rewrite ends with it. */
void ir_group_regions(IrGraph *g);
/* Moves the costs, which nothing reads, behind all other nodes; true: some node moved. */
bool ir_costs_last(IrGraph *g);

/* ---- types --------------------------------------------------------------------------------- */

IrType ir_scalar_type(IrElem e, IrPlates plates);
int64_t ir_elements(const IrType *t); /* of one copy */
bool ir_same_shape(const IrType *a, const IrType *b);
bool ir_type_equal(const IrType *a, const IrType *b);
/* "z ~ normal: pathwise (chosen); every cost is ..."; of one alone. */
const char *ir_decision_text(const IrDecision *d, Arena *a);
bool ir_decision_equal(const IrDecision *a, const IrDecision *b);
/* One about no draw. */
const IrDecision *ir_decision(Arena *a, DiagCode code, const char *what);
/* "real[n, k; 784]", in a buffer of the arena */
const char *ir_type_text(const IrGraph *g, const IrType *t);
/* "[784, 500]" */
const char *ir_shape_text(Arena *a, const IrType *t);
/* Copies of plates, with `rows` for a rows plate. */
int64_t ir_copies(const IrGraph *g, IrPlates plates, int64_t rows);
/* Where the numbers of a state begin among those of all; of one more than there are: how many. */
int64_t ir_state_at(const IrGraph *g, uint32_t state);

/* ---- text, verifier, evaluator ------------------------------------------------------------- */

void ir_print_graph(const IrGraph *g, FILE *out);
void ir_print_model(const IrModel *m, FILE *out); /* every graph, whatever its stage */
/* For Graphviz. */
void ir_print_dot(const IrModel *m, FILE *out);
/* Reads what ir_print_model wrote; ir_print_model(ir_parse(t)) == t. */
bool ir_parse(IrModel *m, const char *text, Diags *d);
/* Reports every broken invariant, over the printed graph.  True: none. */
bool ir_verify(const IrGraph *g, Diags *d);

typedef struct IrEnv {
    const double *const *param; /* by model parameter: stored tensors */
    const double *const *data;  /* by model column: the rows of the batch, or the whole array */
    const double *hyper;        /* by model hyper; NULL: defaults */
    const double *state;        /* of all states (ir_state_at); NULL: zeros */
    const double *const *noise; /* by site of an estimator graph: [plates][shape] base variates */
    const int64_t *row;         /* which row of the data set each is; NULL: 0, 1, ... */
    int64_t rows;               /* B */
    double total_rows;          /* N */
} IrEnv;

/* Evaluates an estimator graph (or a source graph without samples) in f64.  value[r] is the array
 * of node r, [plates][shape] row-major, owned by `a`.  False: an index was out of range; the first
 * such node is in *fault. */
bool ir_eval(const IrGraph *g, const IrEnv *env, Arena *a, double **value, IrRef *fault);
/* Again, in the arrays of an evaluation: these nodes alone, in order, from what the others are. */
bool ir_eval_nodes(const IrGraph *g, const IrEnv *env, const IrRef *node, size_t nodes,
                   double **value, IrRef *fault);

/* ---- special functions, for the scalar meanings -------------------------------------------- */

double ir_digamma(double x);
double ir_trigamma(double x);
double ir_tetragamma(double x);
double ir_log_i0e(double k);
double ir_i1_gap(double k);
double ir_i1_gap_slope(double k);
double ir_poisson_entropy(double rate);
double ir_poisson_entropy_slope(double rate);
double ir_poisson_entropy_bend(double rate);
double ir_log_gamma_quantile(double u, double shape);
double ir_log_gamma_slope(double l, double shape);
double ir_poisson_quantile(double u, double rate);
double ir_binomial_quantile(double u, double n, double p);
double ir_von_mises_quantile(double u, double k);
double ir_von_mises_far_quantile(double u, double k);
double ir_von_mises_slope(double z, double k);

#endif
