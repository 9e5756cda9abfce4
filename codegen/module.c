/* One module for one model: its life from the first type to the file. */
#include "codegen/cg.h"

#include <llvm-c/IRReader.h>

/* ---- opening and closing -------------------------------------------------------------------- */

static void take_diagnostic(LLVMDiagnosticInfoRef info, void *context)
{
    if (LLVMGetDiagInfoSeverity(info) != LLVMDSError)
        return;
    char *why = LLVMGetDiagInfoDescription(info);
    cg_error(context, "internal error", why);
    LLVMDisposeMessage(why);
}

/* The C interface makes no distinct metadata without operands, which a group of accesses must be;
 * the reader of the text form does. */
static bool make_access_group(Cg *cg)
{
    static const char text[] = "!g = !{!0}\n!0 = distinct !{}\n";
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy(text, sizeof text - 1, "group");
    LLVMModuleRef module;
    char *why = NULL;
    if (LLVMParseIRInContext(cg->context, buffer, &module, &why)) { /* takes the buffer */
        cg_error(cg, "internal error", why);
        LLVMDisposeMessage(why);
        return false;
    }
    LLVMValueRef group;
    LLVMGetNamedMetadataOperands(module, "g", &group);
    cg->access_group = LLVMValueAsMetadata(group);
    LLVMDisposeModule(module);
    return true;
}

static bool open_module(Cg *cg)
{
    cg->context = LLVMContextCreate();
    LLVMContextSetDiagnosticHandler(cg->context, take_diagnostic, cg);
    cg->module = LLVMModuleCreateWithNameInContext(cg->m->name, cg->context);
    cg->b = LLVMCreateBuilderInContext(cg->context);
    cg->f64 = LLVMDoubleTypeInContext(cg->context);
    cg->real = cg->options->real_bytes == 8 ? cg->f64 : LLVMFloatTypeInContext(cg->context);
    cg->i1 = LLVMInt1TypeInContext(cg->context);
    cg->i8 = LLVMInt8TypeInContext(cg->context);
    cg->i32 = LLVMInt32TypeInContext(cg->context);
    cg->i64 = LLVMInt64TypeInContext(cg->context);
    cg->ptr = LLVMPointerTypeInContext(cg->context, 0);
    cg->none = LLVMVoidTypeInContext(cg->context);
    return make_access_group(cg) && cg_target_open(cg);
}

static void close_module(Cg *cg)
{
    cg_target_close(cg);
    LLVMDisposeBuilder(cg->b);
    LLVMDisposeModule(cg->module);
    LLVMContextDispose(cg->context);
}

/* ---- graphs --------------------------------------------------------------------------------- */

static void mark_columns(const IrGraph *g, uint32_t *column)
{
    for (IrRef r = 0; r < g->count; r++)
        if (ir_at(g, r)->op == IR_DATA)
            column[ir_at(g, r)->attr.item] = 0;
}

static void number_columns(const Cg *cg, CgGraph *graph)
{
    graph->column = arena_array(cg->arena, uint32_t, cg->m->datas + 1);
    for (uint32_t i = 0; i < cg->m->datas; i++)
        graph->column[i] = UINT32_MAX;
    mark_columns(graph->source, graph->column);
    for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
        mark_columns(&graph->entry[e], graph->column);
    for (uint32_t i = 0; i < cg->m->datas; i++)
        if (graph->column[i] != UINT32_MAX)
            graph->column[i] = graph->columns++;
}

/* Is r, which is no view, computed into memory that can as well be the gradient's own array? */
static bool fits_gradient(const IrGraph *g, IrRef r, const IrNode *grad)
{
    const IrNode *n = ir_at(g, r);
    bool computed = !(ir_op_info[n->op].flags & IR_LEAF) && n->op != IR_CONST;
    return computed && n->type.plates == 0 && n->type.elem == IR_REAL &&
           (n->place.buffer >= 0 || n->place.kernel != grad->place.kernel);
}

/* Finds the values that are computed where their gradient is wanted, which saves a copy. */
static void find_gradients(Cg *cg)
{
    cg->grad_of = arena_array(cg->arena, IrRef, cg->g->count + 1);
    for (IrRef r = 0; r < cg->g->count; r++)
        cg->grad_of[r] = IR_NONE;
    for (IrRef r = 0; r < cg->g->count; r++) {
        const IrNode *n = ir_at(cg->g, r);
        if (n->op != IR_GRAD)
            continue;
        IrRef from = n->in[0];
        while (ir_at(cg->g, from)->op == IR_RESHAPE)
            from = ir_at(cg->g, from)->in[0];
        if (fits_gradient(cg->g, from, n) && cg->grad_of[from] == IR_NONE)
            cg->grad_of[from] = r;
    }
}

/* LLVM's optimiser takes more than linear time for a function, so a phase of many kernels is one
 * that calls others. */
enum { MOST_KERNELS = 64 };

static LLVMValueRef declare_phase(Cg *cg, const char *name)
{
    LLVMTypeRef type = LLVMFunctionType(cg->none, (LLVMTypeRef[]){cg->ptr, cg->i64}, 2, false);
    LLVMValueRef fn = LLVMAddFunction(cg->module, name, type);
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    return fn;
}

static void define_phase(Cg *cg, uint32_t phase, uint32_t first, uint32_t last, LLVMValueRef fn)
{
    cg_debug_begin(cg, fn);
    cg_phase(cg, phase, first, last, fn);
    cg_debug_end(cg);
}

/* A function that calls these with its own arguments. */
static void define_calls(Cg *cg, const LLVMValueRef *part, uint32_t parts, LLVMValueRef fn)
{
    LLVMValueRef args[] = {LLVMGetParam(fn, 0), LLVMGetParam(fn, 1)};
    LLVMPositionBuilderAtEnd(cg->b, LLVMAppendBasicBlockInContext(cg->context, fn, "entry"));
    for (uint32_t i = 0; i < parts; i++)
        LLVMBuildCall2(cg->b, LLVMGlobalGetValueType(part[i]), part[i], args, 2, "");
    LLVMBuildRetVoid(cg->b);
}

static LLVMValueRef emit_phase(Cg *cg, uint32_t phase)
{
    uint32_t kernels = 0;
    for (uint32_t i = 0; i < cg->g->kernels; i++)
        kernels += cg->g->kernel[i].phase == (int32_t)phase;
    const char *name = arena_printf(cg->arena, "%s.%s.%u", cg->of->source->name,
                                    ir_entry_name[cg->g->entry], phase);
    LLVMValueRef fn = declare_phase(cg, name);
    uint32_t parts = (kernels + MOST_KERNELS - 1) / MOST_KERNELS;
    if (parts <= 1) {
        define_phase(cg, phase, 0, kernels, fn);
        return fn;
    }
    LLVMValueRef *part = arena_array(cg->arena, LLVMValueRef, parts);
    for (uint32_t i = 0; i < parts; i++) {
        part[i] = declare_phase(cg, arena_printf(cg->arena, "%s.%u", name, i));
        cg_attribute(cg, part[i], "noinline");
        define_phase(cg, phase, i * MOST_KERNELS, (i + 1) * MOST_KERNELS, part[i]);
    }
    define_calls(cg, part, parts, fn);
    return fn;
}

static void emit_entry(Cg *cg, CgGraph *graph, int e)
{
    cg->of = graph;
    cg->g = &graph->entry[e];
    graph->phase[e] = arena_array(cg->arena, LLVMValueRef, cg->g->phases + 1);
    find_gradients(cg);
    for (uint32_t p = 0; p < cg->g->phases; p++)
        graph->phase[e][p] = emit_phase(cg, p);
}

static CgGraph *emit_graphs(Cg *cg, IrGraph (*graphs)[IR_ENTRIES])
{
    CgGraph *graph = arena_array(cg->arena, CgGraph, cg->m->graphs + 1);
    for (uint32_t i = 0; i < cg->m->graphs; i++) {
        graph[i].source = &cg->m->graph[i];
        graph[i].entry = graphs[i];
        number_columns(cg, &graph[i]);
        for (int e = IR_ENTRY_STEP; e < IR_ENTRIES; e++)
            emit_entry(cg, &graph[i], e);
    }
    return graph;
}

bool cg_needs_blas(const IrModel *m, IrGraph (*graphs)[IR_ENTRIES], const CgOptions *options)
{
    static const CgRt by_blas[] = {CG_RT_gemm, CG_RT_cholesky, CG_RT_solve_tri, CG_RT_solve};
    const CgOptions here = {
        .real_bytes = options->real_bytes, .parts = options->parts, .watch = options->watch};
    Cg cg = {.m = m, .options = &here, .diags = diags_new(NULL, NULL), .arena = m->arena};
    bool needed = false, ok = open_module(&cg);
    if (ok) {
        cg_declare_runtime(&cg);
        cg_debug_open(&cg);
        emit_graphs(&cg, graphs);
        cg_debug_close(&cg);
    }
    for (size_t i = 0; ok && i < sizeof by_blas / sizeof *by_blas; i++)
        needed = needed || LLVMGetFirstUse(cg.rt[by_blas[i]].fn);
    close_module(&cg);
    diags_free(cg.diags);
    return needed;
}

bool cg_compile(const IrModel *m, IrGraph (*graphs)[IR_ENTRIES], const CgOptions *options,
                CgEmit emit, const char *path, Diags *d)
{
    Cg cg = {.m = m, .options = options, .diags = d, .arena = m->arena};
    uint32_t errors = diags_errors(d);
    bool ok = open_module(&cg);
    if (ok && options->needs)
        *options->needs = cg.needs;
    if (ok) {
        LLVMContextSetDiscardValueNames(cg.context, emit == CG_OBJECT);
        cg_declare_runtime(&cg);
        cg_debug_open(&cg);
        cg_model(&cg, emit_graphs(&cg, graphs));
        cg_debug_close(&cg);
        ok = diags_errors(d) == errors && cg_link_kernels(&cg) && cg_optimise(&cg) &&
             cg_write(&cg, emit, path);
    }
    close_module(&cg);
    return ok;
}
