/* The end of the line: the kernels' bitcode, the optimiser, and the file. */
#include "codegen/cg.h"
#include "codegen/kernels.h"

#include <errno.h>
#include <llvm-c/Analysis.h>
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/Linker.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <string.h>
#include <unistd.h>

void cg_error(Cg *cg, const char *what, const char *why)
{
    diag_error(cg->diags, (Span){0}, SG0801, "code generation: %s: %s", what, why);
}

/* ---- kernels -------------------------------------------------------------------------------- */

/* All code is for one machine, which inlining asks for; only the model is seen from outside. */
static void adopt_functions(Cg *cg)
{
    for (LLVMValueRef f = LLVMGetFirstFunction(cg->module); f; f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f))
            continue;
        LLVMSetVisibility(f, LLVMDefaultVisibility);
        LLVMSetLinkage(f, LLVMInternalLinkage);
        cg_target_function(cg, f);
    }
}

static bool run(Cg *cg, const char *passes)
{
    LLVMPassBuilderOptionsRef o = LLVMCreatePassBuilderOptions();
    LLVMErrorRef failed = LLVMRunPasses(cg->module, passes, cg->machine, o);
    LLVMDisposePassBuilderOptions(o);
    if (!failed)
        return true;
    char *why = LLVMGetErrorMessage(failed);
    cg_error(cg, "internal error", why);
    LLVMDisposeErrorMessage(why);
    return false;
}

bool cg_link_kernels(Cg *cg)
{
    LLVMMemoryBufferRef bytes = LLVMCreateMemoryBufferWithMemoryRange(
        (const char *)cg_kernels_bc, cg_kernels_bc_size, "kernels", false);
    LLVMModuleRef kernels;
    if (LLVMParseBitcodeInContext2(cg->context, bytes, &kernels)) {
        LLVMDisposeMemoryBuffer(bytes);
        cg_error(cg, "internal error", "the kernels cannot be read");
        return false;
    }
    LLVMDisposeMemoryBuffer(bytes);
    LLVMSetTarget(kernels, LLVMGetTarget(cg->module));
    LLVMSetDataLayout(kernels, LLVMGetDataLayoutStr(cg->module));
    if (LLVMLinkModules2(cg->module, kernels)) { /* takes the kernels, even if it fails */
        cg_error(cg, "internal error", "the kernels cannot be linked");
        return false;
    }
    adopt_functions(cg);
    return true;
}

/* ---- the optimiser -------------------------------------------------------------------------- */

bool cg_optimise(Cg *cg)
{
    char *why = NULL;
    if (LLVMVerifyModule(cg->module, LLVMReturnStatusAction, &why)) {
        cg_error(cg, "internal error", why);
        LLVMDisposeMessage(why);
        return false;
    }
    LLVMDisposeMessage(why);
    static const char *const pipeline[] = {[CG_FULL] = "globaldce,default<O3>",
                                           [CG_LITTLE] = "globaldce,default<O1>",
                                           [CG_NONE] = "always-inline,globaldce"};
    return run(cg, pipeline[cg->options->level]);
}

/* ---- the file ------------------------------------------------------------------------------- */

static bool write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return false;
    bool ok = fwrite(bytes, 1, size, out) == size;
    return (fclose(out) == 0) && ok;
}

/* A reader sees the whole file or none. */
static bool write_file(Cg *cg, const char *path, const char *bytes, size_t size)
{
    const char *temporary = arena_printf(cg->arena, "%s.%ld.tmp", path, (long)getpid());
    if (write_bytes(temporary, bytes, size) && rename(temporary, path) == 0)
        return true;
    diag_error(cg->diags, (Span){0}, SG0801, "cannot write %s: %s", path, strerror(errno));
    unlink(temporary);
    return false;
}

static bool write_text(Cg *cg, const char *path)
{
    char *text = LLVMPrintModuleToString(cg->module);
    bool ok = write_file(cg, path, text, strlen(text));
    LLVMDisposeMessage(text);
    return ok;
}

static bool write_bitcode(Cg *cg, const char *path)
{
    LLVMMemoryBufferRef out = LLVMWriteBitcodeToMemoryBuffer(cg->module);
    bool ok = write_file(cg, path, LLVMGetBufferStart(out), LLVMGetBufferSize(out));
    LLVMDisposeMemoryBuffer(out);
    return ok;
}

bool cg_write(Cg *cg, CgEmit emit, const char *path)
{
    if (emit == CG_LLVM)
        return write_text(cg, path);
    if (emit == CG_BITCODE)
        return write_bitcode(cg, path);
    LLVMCodeGenFileType kind = emit == CG_OBJECT ? LLVMObjectFile : LLVMAssemblyFile;
    LLVMMemoryBufferRef out = NULL;
    char *why = NULL;
    if (LLVMTargetMachineEmitToMemoryBuffer(cg->machine, cg->module, kind, &why, &out)) {
        cg_error(cg, "internal error", why);
        LLVMDisposeMessage(why);
        return false;
    }
    bool ok = write_file(cg, path, LLVMGetBufferStart(out), LLVMGetBufferSize(out));
    LLVMDisposeMemoryBuffer(out);
    return ok;
}
