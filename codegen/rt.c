/* What compiled code touches outside itself: the frame, and the runtime's functions. */
#include "codegen/cg.h"

#include <string.h>

/* clang-format off */
static LLVMTypeRef type_of(const Cg *cg, char letter)
{
    switch (letter) {
    case 'v': return cg->none;
    case 'i': return cg->i32;
    case 'l': return cg->i64;
    case 'd': return cg->f64;
    case 'r': return cg->real;
    default:  return cg->ptr;
    }
}
/* clang-format on */

void cg_attribute(Cg *cg, LLVMValueRef fn, const char *name)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAttributeRef a = LLVMCreateEnumAttribute(cg->context, kind, 0);
    LLVMAddAttributeAtIndex(fn, LLVMAttributeFunctionIndex, a);
}

/* Only what works on reals comes once for each. */
static const char *symbol(const Cg *cg, const char *name)
{
    if (strcmp(name, "fault_index") == 0)
        return arena_printf(cg->arena, "sgrt_%s", name);
    return arena_printf(cg->arena, "sgrt_%s_f%d", name, (int)(8 * cg->options->real_bytes));
}

static void declare(Cg *cg, CgRt i, const char *name, const char *result, const char *params)
{
    LLVMTypeRef p[16];
    unsigned n = (unsigned)strlen(params);
    for (unsigned k = 0; k < n; k++)
        p[k] = type_of(cg, params[k]);
    cg->rt[i].type = LLVMFunctionType(type_of(cg, *result), p, n, false);
    cg->rt[i].fn = LLVMAddFunction(cg->module, symbol(cg, name), cg->rt[i].type);
    cg_attribute(cg, cg->rt[i].fn, "nounwind");
    cg_attribute(cg, cg->rt[i].fn, "willreturn");
    if (*result == 'r') /* a pure function: reads and writes no memory */
        cg_attribute(cg, cg->rt[i].fn, "memory");
}

void cg_declare_runtime(Cg *cg)
{
#define RT(name, result, params) declare(cg, CG_RT_##name, #name, result, params);
#include "runtime/rt.def"
}

LLVMValueRef cg_call(Cg *cg, CgRt which, const LLVMValueRef *args, unsigned n)
{
    return LLVMBuildCall2(cg->b, cg->rt[which].type, cg->rt[which].fn, (LLVMValueRef *)args, n, "");
}

/* ---- the frame ------------------------------------------------------------------------------ */

LLVMBasicBlockRef cg_enter_entry(Cg *cg)
{
    LLVMBasicBlockRef now = LLVMGetInsertBlock(cg->b);
    LLVMPositionBuilderBefore(cg->b, LLVMGetBasicBlockTerminator(cg->f.entry));
    return now;
}

void cg_leave_entry(Cg *cg, LLVMBasicBlockRef before)
{
    LLVMPositionBuilderAtEnd(cg->b, before);
    cg_debug_leave(cg, cg->debug.place); /* LLVM took that of the entry */
}

/* clang-format off */
static const struct {
    const char *name;
    char kind;
} field_info[] = {
#define FRAME_l 'l'
#define FRAME_d 'd'
#define FRAME_p 'p'
#define FRAME(name, kind) {#name, FRAME_##kind},
#include "runtime/rt.def"
#undef FRAME_l
#undef FRAME_d
#undef FRAME_p
};
/* clang-format on */

LLVMValueRef cg_field(Cg *cg, CgFrame field)
{
    LLVMValueRef *v = &cg->f.field[field];
    if (*v)
        return *v;
    LLVMBasicBlockRef before = cg_enter_entry(cg);
    LLVMValueRef at[] = {cg_i64(cg, field)};
    LLVMValueRef p = LLVMBuildInBoundsGEP2(cg->b, cg->i64, cg->f.frame, at, 1, "");
    *v = LLVMBuildLoad2(cg->b, type_of(cg, field_info[field].kind), p, field_info[field].name);
    cg_leave_entry(cg, before);
    return *v;
}

static const struct {
    CgFrame field;
    const char *name;
} table_info[CG_TABLES] = {[CG_PARAM] = {CG_FRAME_param, "param"},
                           [CG_GRAD] = {CG_FRAME_grad, "grad"},
                           [CG_DATA] = {CG_FRAME_data, "data"},
                           [CG_OUTPUT] = {CG_FRAME_output, "output"}};

LLVMValueRef cg_pointer(Cg *cg, CgTable t, uint32_t item)
{
    LLVMValueRef *v = &cg->f.table[t][item];
    if (*v)
        return *v;
    LLVMValueRef table = cg_field(cg, table_info[t].field);
    LLVMBasicBlockRef before = cg_enter_entry(cg);
    LLVMValueRef at[] = {cg_i64(cg, item)};
    LLVMValueRef p = LLVMBuildInBoundsGEP2(cg->b, cg->ptr, table, at, 1, "");
    *v = LLVMBuildLoad2(cg->b, cg->ptr, p, table_info[t].name);
    cg_leave_entry(cg, before);
    return *v;
}

/* ---- faults --------------------------------------------------------------------------------- */

/* What the user called r; a value that has no name is known by what it is made of. */
static const char *name_of(const Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    if (n->op == IR_PARAM)
        return cg->m->param[n->attr.item].name;
    if (n->op == IR_DATA)
        return cg->m->data[n->attr.item].name;
    if (n->name || n->n_in == 0 || n->op == IR_CARRY)
        return n->name ? n->name : "...";
    return name_of(cg, n->in[0]);
}

static uint32_t add_place(Cg *cg, const char *text)
{
    CgGraph *of = cg->of;
    *arena_push(cg->arena, of->place, of->places, const char *) = text;
    return of->places - 1;
}

uint32_t cg_fault_place(Cg *cg, IrRef r)
{
    const CgGraph *of = cg->of;
    const IrNode *n = ir_at(cg->g, r);
    const char *text = arena_printf(cg->arena, "%s:%u:%u: %s[%s]", cg->m->file, n->at.line,
                                    n->at.col, name_of(cg, n->in[0]), name_of(cg, n->in[1]));
    for (uint32_t i = 0; i < of->places; i++)
        if (strcmp(of->place[i], text) == 0)
            return i;
    return add_place(cg, text);
}

/* A number for each, since they tell which came first. */
uint32_t cg_value_place(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    return add_place(cg, arena_printf(cg->arena, "%s:%u:%u: %s%s%s", cg->m->file, n->at.line,
                                      n->at.col, n->name ? n->name : "", n->name ? ": " : "",
                                      ir_op_info[n->op].name));
}
