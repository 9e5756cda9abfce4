/* The machine that code is made for: its CPU, its features, and what a model then needs to run. */
#include "codegen/cg.h"

#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *own(Arena *a, char *message)
{
    char *copy = arena_copy(a, message, strlen(message));
    LLVMDisposeMessage(message);
    return copy;
}

static LLVMTargetMachineRef open_machine(const Cg *cg, LLVMTargetRef target, const char *triple,
                                         const char *cpu, const char *features)
{
    static const LLVMCodeGenOptLevel level[] = {[CG_FULL] = LLVMCodeGenLevelAggressive,
                                                [CG_LITTLE] = LLVMCodeGenLevelLess,
                                                [CG_NONE] = LLVMCodeGenLevelNone};
    return LLVMCreateTargetMachine(target, triple, cpu, features, level[cg->options->level],
                                   LLVMRelocPIC, LLVMCodeModelDefault);
}

/* ---- features ------------------------------------------------------------------------------- */

/* The C interface does not say which CPUs there are, nor which features they have, but the inliner
 * knows: a function that wants a feature is inlined only into a caller that has it. */
#define BASELINE "x86-64" /* what every CPU for 64 bits has */

typedef struct Question {
    LLVMModuleRef module;
    LLVMValueRef caller;
} Question;

static void add_callee(Cg *cg, Question *q, const char *feature)
{
    LLVMTypeRef type = LLVMFunctionType(cg->none, NULL, 0, false);
    LLVMValueRef callee = LLVMAddFunction(q->module, feature, type);
    LLVMPositionBuilderAtEnd(cg->b, LLVMAppendBasicBlockInContext(cg->context, callee, "entry"));
    LLVMBuildRetVoid(cg->b);
    LLVMAddTargetDependentFunctionAttr(callee, "target-cpu", BASELINE);
    LLVMAddTargetDependentFunctionAttr(callee, "target-features",
                                       arena_printf(cg->arena, "+%s", feature));
    LLVMPositionBuilderAtEnd(cg->b, LLVMGetEntryBasicBlock(q->caller));
    LLVMBuildCall2(cg->b, type, callee, NULL, 0, "");
}

static bool still_calls(LLVMValueRef caller, const char *feature)
{
    LLVMValueRef i = LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(caller));
    for (size_t len; i; i = LLVMGetNextInstruction(i))
        if (LLVMIsACallInst(i) &&
            strcmp(LLVMGetValueName2(LLVMGetCalledValue(i), &len), feature) == 0)
            return true;
    return false;
}

/* In order, so that what a model needs reads the same everywhere. */
static const char *const x86_feature[] = {
    "cx8",        "sse4.2",      "avx",        "avx2",         "fma",
    "f16c",       "bmi",         "bmi2",       "lzcnt",        "fma4",
    "xop",        "tbm",         "gfni",       "avx512f",      "avx512bw",
    "avx512dq",   "avx512vl",    "avx512cd",   "avx512vnni",   "avx512bf16",
    "avx512vbmi", "avx512vbmi2", "avx512ifma", "avx512bitalg", "avx512vpopcntdq",
    "avx512fp16"};

enum { FEATURES = sizeof x86_feature / sizeof *x86_feature };

/* Fills has[] and says whether the CPU is known: every one that is has cx8. */
static bool ask_features(Cg *cg, LLVMTargetRef target, const char *triple, bool has[FEATURES])
{
    Question q = {LLVMModuleCreateWithNameInContext("features", cg->context), NULL};
    LLVMSetTarget(q.module, triple);
    LLVMTypeRef type = LLVMFunctionType(cg->none, NULL, 0, false);
    q.caller = LLVMAddFunction(q.module, "caller", type);
    LLVMAppendBasicBlockInContext(cg->context, q.caller, "entry");
    LLVMAddTargetDependentFunctionAttr(q.caller, "target-cpu", cg->cpu);
    LLVMAddTargetDependentFunctionAttr(q.caller, "target-features", cg->features);
    for (int i = 0; i < FEATURES; i++)
        add_callee(cg, &q, x86_feature[i]);
    LLVMBuildRetVoid(cg->b);
    LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
    LLVMTargetMachineRef machine = open_machine(cg, target, triple, BASELINE, "");
    LLVMErrorRef failed = LLVMRunPasses(q.module, "cgscc(inline)", machine, o);
    LLVMDisposeTargetMachine(machine);
    LLVMDisposePassBuilderOptions(o);
    if (failed)
        LLVMConsumeError(failed);
    for (int i = 0; i < FEATURES; i++)
        has[i] = !failed && !still_calls(q.caller, x86_feature[i]);
    LLVMDisposeModule(q.module);
    return has[0];
}

/* False: the CPU is not known. */
static bool find_needs(Cg *cg, LLVMTargetRef target, const char *triple)
{
    bool has[FEATURES] = {false};
    cg->needs = arena_copy(cg->arena, "", 0);
    if (strncmp(triple, "x86_64", 6) != 0)
        return true;
    if (!ask_features(cg, target, triple, has))
        return false;
    for (int i = 1; i < FEATURES; i++)
        if (has[i])
            cg->needs = arena_printf(cg->arena, "%s%s%s", cg->needs, cg->needs[0] ? "," : "",
                                     x86_feature[i]);
    return true;
}

/* ---- what LLVM says ------------------------------------------------------------------------- */

/* That it does not know a CPU, LLVM says on the standard error alone, once for every use. */
typedef struct Overheard {
    int error, words; /* the standard error meanwhile; -1: it was left alone */
} Overheard;

static Overheard overhear(void)
{
    Overheard o = {-1, memfd_create("stderr", MFD_CLOEXEC)};
    fflush(stderr);
    if (o.words >= 0 && (o.error = dup(STDERR_FILENO)) >= 0)
        dup2(o.words, STDERR_FILENO);
    return o;
}

static bool was_said(Overheard o, const char *what)
{
    char text[1024] = "";
    if (o.error >= 0) {
        dup2(o.error, STDERR_FILENO);
        close(o.error);
    }
    bool said = o.words >= 0 && pread(o.words, text, sizeof text - 1, 0) > 0 && strstr(text, what);
    if (o.words >= 0)
        close(o.words);
    return said;
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool is_native(const char *cpu)
{
    return !cpu || strcmp(cpu, "native") == 0;
}

static bool is_x86(const char *triple)
{
    return strncmp(triple, "x86_64", 6) == 0;
}

const char *cg_cpu(const char *cpu, const char *target, Arena *a)
{
    if (!is_native(cpu))
        return cpu;
    if (!target)
        return own(a, LLVMGetHostCPUName());
    /* another machine: what each of its kind has */
    return is_x86(own(a, LLVMNormalizeTargetTriple(target))) ? BASELINE : "generic";
}

const char *cg_llvm_version(Arena *a)
{
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    return arena_printf(a, "%u.%u.%u", major, minor, patch);
}

/* ---- the machine ---------------------------------------------------------------------------- */

/* LLVM ends the program over a CPU that it does not know, or that also runs 32 bits, unless it is
 * told that there are 64. */
static void choose_cpu(Cg *cg, const char *triple)
{
    const CgOptions *o = cg->options;
    cg->cpu = cg_cpu(o->cpu, o->target, cg->arena);
    if (!is_native(o->cpu))
        cg->features = is_x86(triple) ? "+64bit" : "";
    else
        cg->features = o->target ? "" : own(cg->arena, LLVMGetHostCPUFeatures());
}

static void set_layout(Cg *cg, const char *triple)
{
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(cg->machine);
    LLVMSetModuleDataLayout(cg->module, layout);
    LLVMSetTarget(cg->module, triple);
    LLVMDisposeTargetData(layout);
}

static void know_all_machines(void)
{
    LLVMInitializeAllTargetInfos();
    LLVMInitializeAllTargets();
    LLVMInitializeAllTargetMCs();
    LLVMInitializeAllAsmPrinters();
}

static const char *choose_triple(Cg *cg)
{
    if (cg->options->target) {
        know_all_machines();
        return own(cg->arena, LLVMNormalizeTargetTriple(cg->options->target));
    }
    LLVMInitializeNativeTarget();
    LLVMInitializeNativeAsmPrinter();
    return own(cg->arena, LLVMGetDefaultTargetTriple());
}

void cg_print_targets(FILE *out)
{
    know_all_machines();
    for (LLVMTargetRef t = LLVMGetFirstTarget(); t; t = LLVMGetNextTarget(t))
        if (LLVMTargetHasTargetMachine(t) && LLVMTargetHasAsmBackend(t))
            fprintf(out, "%-20s %s\n", LLVMGetTargetName(t), LLVMGetTargetDescription(t));
}

bool cg_target_open(Cg *cg)
{
    const char *triple = choose_triple(cg);
    char *why = NULL;
    LLVMTargetRef target;
    if (LLVMGetTargetFromTriple(triple, &target, &why)) {
        cg_error(cg, "no code generator", own(cg->arena, why));
        return false;
    }
    choose_cpu(cg, triple);
    Overheard o = overhear();
    bool known = find_needs(cg, target, triple);
    cg->machine = known ? open_machine(cg, target, triple, cg->cpu, cg->features) : NULL;
    if (was_said(o, "is not a recognized processor"))
        known = false;
    if (known)
        set_layout(cg, triple);
    else
        cg_error(cg, "unknown cpu", cg->cpu);
    return known;
}

void cg_target_close(Cg *cg)
{
    if (cg->machine)
        LLVMDisposeTargetMachine(cg->machine);
}

void cg_target_function(Cg *cg, LLVMValueRef fn)
{
    LLVMAddTargetDependentFunctionAttr(fn, "target-cpu", cg->cpu);
    LLVMAddTargetDependentFunctionAttr(fn, "target-features", cg->features);
    if (strstr(cg->needs, "avx512f"))
        LLVMAddTargetDependentFunctionAttr(fn, "prefer-vector-width", "512");
}
