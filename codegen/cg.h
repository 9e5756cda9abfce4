/* Private to codegen/.
 *
 * How a graph becomes code:
 *   cg_phase     one function a phase; kernels in order                              emit.c
 *   rules        by op: the value of one element, or a whole kernel                  value.c ...
 *   places       where an array lies: a base and one stride a plate and axis         place.c
 *   nests        loops over a type's plates and axes, cut to the task's share        nest.c
 *
 * A scalar in a register is a float or double, an i32 or an i1; a bool takes one byte in memory.
 * Positions and counts are i64. */
#ifndef SGC_CODEGEN_CG_H
#define SGC_CODEGEN_CG_H

#include "codegen/codegen.h"

#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/TargetMachine.h>

enum { CG_DIMS = IR_MAX_PLATES + IR_MAX_RANK };

typedef enum CgRt {
#define RT(name, ...) CG_RT_##name,
#include "runtime/rt.def"
    CG_RT_COUNT
} CgRt;

typedef enum CgFrame {
#define FRAME(name, ...) CG_FRAME_##name,
#include "runtime/rt.def"
    CG_FRAME_COUNT
} CgFrame;

/* The arrays that frame fields point to are read once, at the start of a function. */
typedef enum CgTable { CG_PARAM, CG_GRAD, CG_DATA, CG_OUTPUT, CG_TABLES } CgTable;

/* Where one copy's element is: a position by plate and by axis.  NULL where none is needed. */
typedef struct CgIndex {
    LLVMValueRef plate[IR_MAX_PLATES], axis[IR_MAX_RANK];
} CgIndex;

/* An array in memory: its strides in elements; 0 where it does not vary. */
typedef struct CgPlace {
    LLVMValueRef base;
    LLVMTypeRef stored; /* i8 for bool */
    int64_t plate[IR_MAX_PLATES], axis[IR_MAX_RANK];
} CgPlace;

/* The step of the sequence that is being emitted. */
typedef struct CgScan {
    int32_t plate;                       /* -1: none */
    LLVMValueRef step, is_first, before; /* before: the step that a carry reads */
    LLVMValueRef done;                   /* how many steps came before this one */
} CgScan;

/* A function while it is emitted. */
typedef struct CgFunction {
    LLVMValueRef fn, frame, task;
    LLVMBasicBlockRef entry;
    IrPhaseKind kind;
    LLVMValueRef field[CG_FRAME_COUNT]; /* loaded in the entry block when first used */
    LLVMValueRef *table[CG_TABLES];     /* by item; as all that follow, computed there once */
    LLVMValueRef *buffer;               /* by node: its place in the arena */
    LLVMValueRef first_row, end_row;    /* of the task, in a phase of rows */
    LLVMValueRef part; /* whose rows are meant: the task, or the part of a partial sum; or NULL */
    CgScan scan;
    const CgIndex *at;   /* the nest whose element is being computed: ready[] holds there */
    LLVMValueRef *ready; /* by node: its value at that element, or NULL */
    bool parallel;       /* loads and stores carry no dependence between iterations */
} CgFunction;

/* What becomes of one graph of the model: the functions of its entries' phases, and what they
 * share. */
typedef struct CgGraph {
    const IrGraph *source, *entry; /* entry[IR_ENTRIES]; one without nodes does not exist */
    LLVMValueRef *phase[IR_ENTRIES];
    uint32_t *column; /* by model data: its column, or UINT32_MAX */
    uint32_t columns;
    const char **place; /* of faults */
    uint32_t places;
} CgGraph;

typedef struct Cg {
    const IrModel *m;
    const CgOptions *options;
    Diags *diags;
    Arena *arena;                       /* the model's: lives longer than this */
    LLVMContextRef context;             /* owned */
    LLVMModuleRef module;               /* owned */
    LLVMBuilderRef b;                   /* owned */
    LLVMTargetMachineRef machine;       /* owned */
    const char *cpu, *features, *needs; /* of the target, in the arena */
    LLVMTypeRef real, f64, i1, i8, i32, i64, ptr, none;
    LLVMMetadataRef access_group;
    struct {
        LLVMTypeRef type;
        LLVMValueRef fn;
    } rt[CG_RT_COUNT];

    const IrGraph *g; /* being emitted */
    uint32_t kernels; /* that were emitted, of all graphs */
    IrRef *grad_of;   /* by node: the grad that its storage is, or IR_NONE */
    CgGraph *of;      /* whose entry g is */
    CgFunction f;
    struct {
        LLVMDIBuilderRef builder; /* owned; NULL: no debug information */
        LLVMMetadataRef file, type, function, place;
    } debug;
} Cg;

/* How an op becomes code.  `value` is its element at a position, in a register; NULL: the op is
 * made by `kernel` only.  `kernel` computes and stores the whole node; NULL: a loop over values. */
typedef struct CgRule {
    LLVMValueRef (*value)(Cg *cg, IrRef r, const CgIndex *at);
    void (*kernel)(Cg *cg, IrRef r);
} CgRule;

const CgRule *cg_rule(IrOp op);

/* ---- debug.c: nothing happens without -g --------------------------------------------------- */

void cg_debug_open(Cg *cg);
void cg_debug_begin(Cg *cg, LLVMValueRef fn); /* what follows is of fn, and of the graph's line */
void cg_debug_end(Cg *cg);
/* What follows is of the place of r, until leave() gets what enter() gave. */
LLVMMetadataRef cg_debug_enter(Cg *cg, IrRef r);
void cg_debug_leave(Cg *cg, LLVMMetadataRef before);
void cg_debug_close(Cg *cg);

/* ---- target.c, object.c ------------------------------------------------------------------- */

bool cg_target_open(Cg *cg);
void cg_target_close(Cg *cg);
void cg_target_function(Cg *cg, LLVMValueRef fn);         /* fn is code for this machine */
void cg_error(Cg *cg, const char *what, const char *why); /* an error without a place */
bool cg_link_kernels(Cg *cg);
bool cg_optimise(Cg *cg);
bool cg_write(Cg *cg, CgEmit emit, const char *path);

/* ---- model.c ------------------------------------------------------------------------------- */

void cg_model(Cg *cg, const CgGraph *graph); /* defines sgrt_model */

/* ---- rt.c: the frame and the runtime's functions ------------------------------------------- */

void cg_declare_runtime(Cg *cg);
void cg_attribute(Cg *cg, LLVMValueRef fn, const char *name); /* of a function, without a value */
LLVMValueRef cg_call(Cg *cg, CgRt which, const LLVMValueRef *args, unsigned n);
LLVMValueRef cg_field(Cg *cg, CgFrame field);              /* its value, loaded once */
LLVMValueRef cg_pointer(Cg *cg, CgTable t, uint32_t item); /* frame->param[item], loaded once */
/* Code for the entry block: emitted between enter and leave. */
LLVMBasicBlockRef cg_enter_entry(Cg *cg);
void cg_leave_entry(Cg *cg, LLVMBasicBlockRef before);
uint32_t cg_fault_place(Cg *cg, IrRef r); /* the number of r in SgrtGraph.place */
uint32_t cg_value_place(Cg *cg, IrRef r); /* the same of an operation that may not be finite */

/* ---- arith.c: instructions ----------------------------------------------------------------- */

LLVMValueRef cg_i64(const Cg *cg, int64_t v);
LLVMValueRef cg_const(const Cg *cg, IrElem e, double v);
LLVMValueRef cg_add(Cg *cg, LLVMValueRef a, LLVMValueRef b); /* i64, no overflow */
LLVMValueRef cg_sub(Cg *cg, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef cg_mul(Cg *cg, LLVMValueRef a, int64_t k);
LLVMValueRef cg_share(Cg *cg, LLVMValueRef total, LLVMValueRef task); /* total * task / parts */
LLVMValueRef cg_arith(Cg *cg, LLVMOpcode real_op, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef cg_intrinsic(Cg *cg, const char *name, LLVMValueRef *args, unsigned n);
LLVMValueRef cg_compare(Cg *cg, LLVMRealPredicate p, LLVMIntPredicate i, LLVMValueRef a,
                        LLVMValueRef b);
LLVMValueRef cg_if(Cg *cg, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef cg_scalar(Cg *cg, IrOp op, const LLVMValueRef *in); /* an element-wise op */
LLVMTypeRef cg_type(const Cg *cg, IrElem e);                     /* in a register */
LLVMTypeRef cg_stored(const Cg *cg, IrElem e);                   /* in memory */
int64_t cg_bytes(const Cg *cg, IrElem e);
bool cg_is_real(LLVMValueRef v);

/* ---- place.c ------------------------------------------------------------------------------- */

/* Where node r can be read, or must be written; false: only in registers. */
bool cg_place(Cg *cg, IrRef r, CgPlace *p);
void cg_row_major(const Cg *cg, const IrType *t, CgPlace *p); /* fills the strides */
/* The order of outputs and noise: a row holds all other plates, so rows come first whatever their
 * id. */
void cg_rows_first(const Cg *cg, const IrType *t, CgPlace *p);
LLVMValueRef cg_address(Cg *cg, const CgPlace *p, const CgIndex *at);
LLVMValueRef cg_load(Cg *cg, const CgPlace *p, const CgIndex *at);
void cg_store(Cg *cg, const CgPlace *p, const CgIndex *at, LLVMValueRef v);
/* Are elements of one copy contiguous, in row-major order? */
bool cg_contiguous(const IrType *t, const CgPlace *p);

/* ---- value.c ------------------------------------------------------------------------------- */

LLVMValueRef cg_value(Cg *cg, IrRef r, const CgIndex *at);
LLVMValueRef cg_operand(Cg *cg, IrRef r, const CgIndex *at); /* of its first operand */
/* An index checked against its axis: a position within it.  *ok: it was. */
LLVMValueRef cg_checked(Cg *cg, IrRef gather, LLVMValueRef index, int64_t size, LLVMValueRef *ok);

LLVMValueRef cg_row(Cg *cg, LLVMValueRef i); /* where row i of the batch stands in the data set */

/* ---- watch.c: nothing happens without -g ---------------------------------------------------- */

/* Looks at the value of r at an element, made of `in`: what is to be taken for it. */
LLVMValueRef cg_watch_value(Cg *cg, IrRef r, const CgIndex *at, LLVMValueRef v,
                            const LLVMValueRef *in);
void cg_watch_stored(Cg *cg, IrRef r); /* all that this task has stored of r */

/* ---- nest.c -------------------------------------------------------------------------------- */

/* One loop of a nest: over a plate, or an axis, or several that lie together in memory. */
typedef struct CgDim {
    int32_t plate, axis; /* the innermost one; the other is -1 */
    LLVMValueRef lo, hi;
    int64_t extent; /* -1: known at run time, or not the whole */
    int64_t most;   /* a bound of the extent */
} CgDim;

typedef struct CgLoop {
    LLVMBasicBlockRef head, done;
    LLVMValueRef latch_metadata;
    LLVMValueRef i;
} CgLoop;

typedef struct CgNest {
    CgDim dim[CG_DIMS];
    CgLoop loop[CG_DIMS];
    unsigned dims, open;
    CgIndex at;
} CgNest;

LLVMValueRef cg_copies(Cg *cg, uint32_t plate); /* B, or the size of another plate */
CgDim cg_plate_dim(Cg *cg, uint32_t plate);
CgDim cg_axis_dim(Cg *cg, uint32_t axis, int64_t size);
/* The loops over t: plates outermost first, then axes; a plate that is fixed has none. */
void cg_nest(Cg *cg, const IrType *t, CgNest *n);
void cg_nest_plates(Cg *cg, IrPlates plates, CgNest *n);
void cg_nest_open(Cg *cg, CgNest *n, unsigned dims, bool parallel); /* the next `dims` loops */
void cg_nest_close(Cg *cg, CgNest *n, unsigned open);               /* all but the first `open` */
int64_t cg_stride(const CgPlace *p, const CgDim *d);
CgLoop cg_loop(Cg *cg, LLVMValueRef lo, LLVMValueRef hi, int64_t extent, bool parallel);
void cg_loop_end(Cg *cg, CgLoop *l);
LLVMBasicBlockRef cg_block(Cg *cg, const char *name);
LLVMValueRef cg_variable(Cg *cg, LLVMTypeRef t); /* on the stack, to become a register */

/* ---- kernels ------------------------------------------------------------------------------- */

void cg_phase(Cg *cg, uint32_t phase, uint32_t first, uint32_t last, LLVMValueRef fn);
void cg_node(Cg *cg, IrRef r);   /* one node by its rule; nothing if it is a view */
void cg_alone(Cg *cg, IrRef r);  /* one node as a loop over its values */
void cg_pieces(Cg *cg, IrRef r); /* concat, pad, to_axis */
/* loop.c: the nodes of one nest over `domain`; they may end in sums. */
void cg_fused(Cg *cg, const IrRef *node, uint32_t nodes, const IrType *domain);
bool cg_folds(const IrNode *n); /* is it a reduction that cg_fused makes? */
void cg_scan(Cg *cg, const IrKernel *k);

#endif
