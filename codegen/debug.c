/* Under -g, places in the program as debug information: a debugger, a profiler and the .ll say
 * which line of the .sg file an instruction is of.  A phase is a function; so is what was inlined
 * into it. */
#include "codegen/cg.h"

#include <string.h>

static void add_flag(Cg *cg, const char *name, uint32_t value)
{
    LLVMMetadataRef constant = LLVMValueAsMetadata(LLVMConstInt(cg->i32, value, false));
    LLVMAddModuleFlag(cg->module, LLVMModuleFlagBehaviorWarning, name, strlen(name), constant);
}

void cg_debug_open(Cg *cg)
{
    if (!cg->options->watch)
        return;
    const char *file = cg->m->file, *by = "sgc";
    cg->debug.builder = LLVMCreateDIBuilder(cg->module);
    cg->debug.file = LLVMDIBuilderCreateFile(cg->debug.builder, file, strlen(file), ".", 1);
    LLVMDIBuilderCreateCompileUnit(cg->debug.builder, LLVMDWARFSourceLanguageC, cg->debug.file, by,
                                   strlen(by), true, "", 0, 0, "", 0, LLVMDWARFEmissionFull, 0,
                                   false, false, "", 0, "", 0);
    cg->debug.type = LLVMDIBuilderCreateSubroutineType(cg->debug.builder, cg->debug.file, NULL, 0,
                                                       LLVMDIFlagZero);
    add_flag(cg, "Debug Info Version", LLVMDebugMetadataVersion());
    add_flag(cg, "Dwarf Version", 4);
}

static void set_place(Cg *cg, Span at)
{
    cg->debug.place = LLVMDIBuilderCreateDebugLocation(cg->context, at.line, at.line ? at.col : 0,
                                                       cg->debug.function, NULL);
    LLVMSetCurrentDebugLocation2(cg->b, cg->debug.place);
}

void cg_debug_begin(Cg *cg, LLVMValueRef fn)
{
    if (!cg->debug.builder)
        return;
    size_t len;
    const char *name = LLVMGetValueName2(fn, &len);
    cg->debug.function = LLVMDIBuilderCreateFunction(
        cg->debug.builder, cg->debug.file, name, len, name, len, cg->debug.file, cg->g->at.line,
        cg->debug.type, true, true, cg->g->at.line, LLVMDIFlagZero, true);
    LLVMSetSubprogram(fn, cg->debug.function);
    set_place(cg, cg->g->at);
}

void cg_debug_end(Cg *cg)
{
    cg_debug_leave(cg, NULL);
}

LLVMMetadataRef cg_debug_enter(Cg *cg, IrRef r)
{
    if (!cg->debug.builder)
        return NULL;
    LLVMMetadataRef before = cg->debug.place;
    set_place(cg, ir_at(cg->g, r)->at);
    return before;
}

void cg_debug_leave(Cg *cg, LLVMMetadataRef before)
{
    cg->debug.place = before;
    if (cg->debug.builder)
        LLVMSetCurrentDebugLocation2(cg->b, before);
}

void cg_debug_close(Cg *cg)
{
    if (!cg->debug.builder)
        return;
    LLVMDIBuilderFinalize(cg->debug.builder);
    LLVMDisposeDIBuilder(cg->debug.builder);
    cg->debug.builder = NULL;
}
