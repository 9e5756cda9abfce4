/* Graphs compiled to a shared object, and run beside the evaluator.
 *
 * Every case adds one graph to a model; the model is compiled once for a real and an optimisation
 * level, linked with the runtime and loaded.  A case's roots are then compared with the values that
 * ir_eval gives, for several numbers of rows. */
#ifndef SGC_TESTS_LAWS_NATIVE_H
#define SGC_TESTS_LAWS_NATIVE_H

#include "codegen/codegen.h"
#include "frontend/frontend.h"
#include "passes/pass.h"
#include "runtime/rt.h"

enum { NATIVE_ROWS = 11, NATIVE_PARTS = 3 };

/* What the elements of an input are. */
typedef struct NativeRange {
    double lo, hi;
    bool special; /* in turn: zeros, ones, infinities, not a number, and what lies between */
} NativeRange;

typedef struct NativeCase {
    const char *name;
    void (*build)(IrGraph *g, int variant); /* adds nodes to an empty estimator graph */
    int variants;
    double ulps; /* of the largest of a value and `floor` */
    double floor;
    IrEntry entry;
} NativeCase;

typedef struct Native {
    Arena *arena, *text; /* text: of a source file, or NULL */
    Diags *diags;
    IrModel model;
    const NativeCase **of; /* by graph */
    IrGraph (*entry)[IR_ENTRIES];
    CgOptions options;
    NativeRange (*param_range)(const IrParam *p); /* what a parameter's elements are */
    NativeRange (*data_range)(const IrData *d);
    const SgrtModel *code; /* NULL until loaded */
    void *library;
    unsigned char **guard; /* behind each array that a call was given */
    uint32_t guards;
} Native;

extern const NativeCase native_sum_case[], native_move_case[];
extern const size_t native_sum_cases, native_move_cases;
/* Its first variant reads past an axis, its second does not. */
extern const NativeCase native_fault_case;

/* ---- for the builders ----------------------------------------------------------------------- */

/* A parameter, or a data column by rows: the type has the shape, and rows if it is a column. */
IrRef native_input(IrGraph *g, IrType type, NativeRange range);
IrType native_type(IrElem e, IrPlates plates, uint32_t rank, int64_t d0, int64_t d1, int64_t d2);
IrRef native_draw(IrGraph *g, IrType type, bool uniform);
void native_output(IrGraph *g, IrRef r);

/* ---- for the laws --------------------------------------------------------------------------- */

Native *native_new(const char *file, int64_t real_bytes, bool no_optimise);
Native *native_build(const NativeCase *c, size_t cases, int64_t real_bytes, bool no_optimise);
/* A program, which must stay valid, through the whole compiler. */
Native *native_text(const char *name, const char *text, const FeDim *dim, size_t dims,
                    int64_t real_bytes);
/* An example program with small dims. */
Native *native_example(const char *name, const FeDim *dim, size_t dims, int64_t real_bytes);
bool native_load(Native *n); /* compiles, links and loads; false: *n->diags says why */
void native_free(Native *n);
/* The elements of an input in their order: the same for the same array number. */
double *native_elements(const Native *n, NativeRange range, IrElem e, uint64_t array,
                        int64_t count);
/* Runs an entry of graph i and compares every root; the first disagreement in words, or NULL.  With
 * `tape` draws are read from one; else the generator draws and the evaluator reads what it drew. */
const char *native_compare(Native *n, uint32_t i, IrEntry e, int64_t rows, bool tape);
/* Runs the step entry of graph i `steps` times with the generator's noise of a seed, and hands over
 * each objective and gradient, in the order of the parameters. */
typedef void NativeStep(void *context, int64_t step, const double *result, size_t count);
void native_steps(Native *n, uint32_t i, uint64_t seed, int64_t steps, NativeStep *each,
                  void *context);
/* The elements of a parameter, as the calls have them. */
const double *native_param(const Native *n, uint32_t item);
/* Loads it, compares every entry of every graph, for a whole batch and a short one, and frees it; a
 * disagreement fails the test. */
void native_compare_all(Native *n, const char *name);
/* Runs graph i, of native_build, and returns its fault. */
SgrtFault native_fault(Native *n, uint32_t i, int64_t rows);

#endif
