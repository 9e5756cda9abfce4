/* Scheduled graphs to one object file: the only folder that knows LLVM.
 *
 * The object defines one symbol, `sgrt_model` (runtime/rt.h), and refers to the runtime's functions
 * (runtime/rt.def).  The same input and options give the same bytes. */
#ifndef SGC_CODEGEN_CODEGEN_H
#define SGC_CODEGEN_CODEGEN_H

#include "ir/ir.h"

typedef enum CgEmit { CG_OBJECT, CG_ASSEMBLY, CG_LLVM, CG_BITCODE } CgEmit;

/* What LLVM's optimiser does: default<O3>, default<O1>, nothing. */
typedef enum CgLevel { CG_FULL, CG_LITTLE, CG_NONE } CgLevel;

typedef struct CgOptions {
    const char *cpu;    /* an LLVM name such as "znver4" or "x86-64-v3"; "native": this machine's */
    int64_t real_bytes; /* 4 or 8: what "real" is */
    int64_t parts;      /* the fixed parts the graphs were scheduled for */
    const char *hash;   /* of the source and the options: in the model and its checkpoints */
    const char *version;
    const char *manifest; /* what the model takes and gives, for programs around it; or NULL */
    uint64_t interface;   /* a number that differs where that does */
    const char **needs;   /* NULL, or set to the features that code needs of the CPU: "avx2,fma" */
    bool watch;         /* look for values that are not finite: sgc -g */
    CgLevel level;
    const char *target;   /* an LLVM triple; NULL: this machine's */
} CgOptions;

/* graphs[i] holds the entries that passes_run() made of m->graph[i]; an entry without nodes does
 * not exist.  Writes `path`.  False: an error was reported in d and nothing was written. */
bool cg_compile(const IrModel *m, IrGraph (*graphs)[IR_ENTRIES], const CgOptions *options,
                CgEmit emit, const char *path, Diags *d);

/* Whether the code calls the runtime's products or factorisations of matrices, which are BLAS's: the
 * same for every machine.  Errors are left to cg_compile. */
bool cg_needs_blas(const IrModel *m, IrGraph (*graphs)[IR_ENTRIES], const CgOptions *options);

/* The CPU that code is made for, "native" resolved; target NULL: of this machine. */
const char *cg_cpu(const char *cpu, const char *target, Arena *a);
const char *cg_llvm_version(Arena *a);

/* The machines that --target may name, a line each: the first word of a triple, then what it is. */
void cg_print_targets(FILE *out);

#endif
