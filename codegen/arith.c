/* Instructions: constants, index arithmetic, and the element-wise operations. */
#include "codegen/cg.h"

#include <assert.h>
#include <math.h>
#include <string.h>

LLVMTypeRef cg_type(const Cg *cg, IrElem e)
{
    return e == IR_REAL ? cg->real : e == IR_INT ? cg->i32 : cg->i1;
}

LLVMTypeRef cg_stored(const Cg *cg, IrElem e)
{
    return e == IR_BOOL ? cg->i8 : cg_type(cg, e);
}

int64_t cg_bytes(const Cg *cg, IrElem e)
{
    return e == IR_REAL ? cg->options->real_bytes : e == IR_INT ? 4 : 1;
}

bool cg_is_real(LLVMValueRef v)
{
    LLVMTypeKind k = LLVMGetTypeKind(LLVMTypeOf(v));
    return k == LLVMFloatTypeKind || k == LLVMDoubleTypeKind;
}

LLVMValueRef cg_i64(const Cg *cg, int64_t v)
{
    return LLVMConstInt(cg->i64, (uint64_t)v, true);
}

LLVMValueRef cg_const(const Cg *cg, IrElem e, double v)
{
    if (e == IR_REAL)
        return LLVMConstReal(cg->real, v);
    return LLVMConstInt(cg_type(cg, e), e == IR_BOOL ? v != 0 : (uint64_t)(int64_t)v, true);
}

/* ---- positions ------------------------------------------------------------------------------ */

static bool is_zero(LLVMValueRef v)
{
    return LLVMIsAConstantInt(v) && LLVMConstIntGetZExtValue(v) == 0;
}

LLVMValueRef cg_add(Cg *cg, LLVMValueRef a, LLVMValueRef b)
{
    if (is_zero(a))
        return b;
    return is_zero(b) ? a : LLVMBuildNSWAdd(cg->b, a, b, "");
}

LLVMValueRef cg_sub(Cg *cg, LLVMValueRef a, LLVMValueRef b)
{
    return is_zero(b) ? a : LLVMBuildNSWSub(cg->b, a, b, "");
}

LLVMValueRef cg_mul(Cg *cg, LLVMValueRef a, int64_t k)
{
    return k == 1 ? a : LLVMBuildNSWMul(cg->b, a, cg_i64(cg, k), "");
}

LLVMValueRef cg_share(Cg *cg, LLVMValueRef total, LLVMValueRef task)
{
    LLVMValueRef scaled = LLVMBuildNUWMul(cg->b, total, task, "");
    return LLVMBuildUDiv(cg->b, scaled, cg_i64(cg, cg->options->parts), "share");
}

/* ---- scalars -------------------------------------------------------------------------------- */

/* A product and a sum may become one instruction; nothing else is relaxed. */
static LLVMValueRef contracted(LLVMValueRef v)
{
    if (LLVMIsAInstruction(v) && LLVMCanValueUseFastMathFlags(v))
        LLVMSetFastMathFlags(v, LLVMFastMathAllowContract);
    return v;
}

LLVMValueRef cg_arith(Cg *cg, LLVMOpcode real_op, LLVMValueRef a, LLVMValueRef b)
{
    LLVMOpcode op = real_op;
    if (!cg_is_real(a))
        op = real_op == LLVMFAdd ? LLVMAdd : real_op == LLVMFSub ? LLVMSub : LLVMMul;
    return contracted(LLVMBuildBinOp(cg->b, op, a, b, ""));
}

LLVMValueRef cg_intrinsic(Cg *cg, const char *name, LLVMValueRef *args, unsigned n)
{
    LLVMTypeRef over = LLVMTypeOf(args[0]);
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(cg->module, id, &over, 1);
    LLVMTypeRef type = LLVMIntrinsicGetType(cg->context, id, &over, 1);
    return contracted(LLVMBuildCall2(cg->b, type, fn, args, n, ""));
}

/* A bool compares as 0 or 1: in one bit, 1 would be negative. */
static LLVMValueRef number(Cg *cg, LLVMValueRef v)
{
    return LLVMTypeOf(v) == cg->i1 ? LLVMBuildZExt(cg->b, v, cg->i32, "") : v;
}

LLVMValueRef cg_compare(Cg *cg, LLVMRealPredicate p, LLVMIntPredicate i, LLVMValueRef a,
                        LLVMValueRef b)
{
    if (cg_is_real(a))
        return LLVMBuildFCmp(cg->b, p, a, b, "");
    return LLVMBuildICmp(cg->b, i, number(cg, a), number(cg, b), "");
}

LLVMValueRef cg_if(Cg *cg, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildSelect(cg->b, c, a, b, "");
}

static LLVMValueRef like(LLVMValueRef v, double value)
{
    LLVMTypeRef t = LLVMTypeOf(v);
    return cg_is_real(v) ? LLVMConstReal(t, value)
                         : LLVMConstInt(t, (uint64_t)(int64_t)value, true);
}

static LLVMValueRef greater(Cg *cg, LLVMValueRef a, LLVMValueRef b)
{
    return cg_compare(cg, LLVMRealOGT, LLVMIntSGT, a, b);
}

static LLVMValueRef smaller(Cg *cg, LLVMValueRef a, LLVMValueRef b)
{
    return cg_compare(cg, LLVMRealOLT, LLVMIntSLT, a, b);
}

/* An argument of a law, which is not a number outside of its domain. */
static LLVMValueRef inside(Cg *cg, LLVMValueRef is_inside, LLVMValueRef a)
{
    return cg_if(cg, is_inside, a, LLVMConstReal(LLVMTypeOf(a), NAN));
}

/* a where it is not a number or `better`, else b. */
static LLVMValueRef extremum(Cg *cg, LLVMValueRef better, LLVMValueRef a, LLVMValueRef b)
{
    if (cg_is_real(a))
        better = LLVMBuildOr(cg->b, better, LLVMBuildFCmp(cg->b, LLVMRealUNO, a, a, ""), "");
    return cg_if(cg, better, a, b);
}

static LLVMValueRef absolute(Cg *cg, LLVMValueRef a)
{
    if (cg_is_real(a))
        return cg_intrinsic(cg, "llvm.fabs", &a, 1);
    return cg_intrinsic(cg, "llvm.abs", (LLVMValueRef[]){a, LLVMConstInt(cg->i1, 0, false)}, 2);
}

static LLVMValueRef negative(Cg *cg, LLVMValueRef a)
{
    return cg_is_real(a) ? contracted(LLVMBuildFNeg(cg->b, a, "")) : LLVMBuildNeg(cg->b, a, "");
}

static LLVMValueRef sign(Cg *cg, LLVMValueRef a)
{
    LLVMValueRef zero = like(a, 0);
    LLVMValueRef below = cg_if(cg, smaller(cg, a, zero), like(a, -1), zero);
    return cg_if(cg, greater(cg, a, zero), like(a, 1), below);
}

static LLVMValueRef to_real(Cg *cg, LLVMValueRef a)
{
    if (cg_is_real(a))
        return a;
    return LLVMTypeOf(a) == cg->i1 ? LLVMBuildUIToFP(cg->b, a, cg->real, "")
                                   : LLVMBuildSIToFP(cg->b, a, cg->real, "");
}

/* Saturates, and NaN is 0. */
static LLVMValueRef to_int(Cg *cg, LLVMValueRef a)
{
    const char *name = "llvm.fptosi.sat";
    LLVMTypeRef over[] = {cg->i32, LLVMTypeOf(a)};
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(cg->module, id, over, 2);
    return LLVMBuildCall2(cg->b, LLVMIntrinsicGetType(cg->context, id, over, 2), fn, &a, 1, "");
}

static LLVMValueRef mulz(Cg *cg, LLVMValueRef a, LLVMValueRef b)
{
    LLVMValueRef zero = like(a, 0);
    LLVMValueRef none = cg_compare(cg, LLVMRealOEQ, LLVMIntEQ, a, zero);
    return cg_if(cg, none, zero, cg_arith(cg, LLVMFMul, a, b));
}

static LLVMValueRef relu(Cg *cg, LLVMValueRef a)
{
    LLVMValueRef zero = like(a, 0);
    return cg_if(cg, cg_compare(cg, LLVMRealOLE, LLVMIntSLE, a, zero), zero, a);
}

/* clang-format off */
LLVMValueRef cg_scalar(Cg *cg, IrOp op, const LLVMValueRef *in)
{
    LLVMValueRef a = in[0], b = in[1];
    switch (op) {
    case IR_TO_REAL:  return to_real(cg, a);
    case IR_TO_INT:   return to_int(cg, a);
    case IR_NOT:      return LLVMBuildNot(cg->b, a, "");
    case IR_NEG:      return negative(cg, a);
    case IR_EXP:      return cg_call(cg, CG_RT_exp, in, 1);
    case IR_LOG:      return cg_call(cg, CG_RT_log, in, 1);
    case IR_LOG1P:    return cg_call(cg, CG_RT_log1p, in, 1);
    case IR_EXPM1:    return cg_call(cg, CG_RT_expm1, in, 1);
    case IR_SQRT:     return cg_intrinsic(cg, "llvm.sqrt", (LLVMValueRef *)in, 1);
    case IR_SQUARE:   return cg_arith(cg, LLVMFMul, a, a);
    case IR_ABS:      return absolute(cg, a);
    case IR_SIGN:     return sign(cg, a);
    case IR_FLOOR:    return cg_intrinsic(cg, "llvm.floor", (LLVMValueRef *)in, 1);
    case IR_TANH:     return cg_call(cg, CG_RT_tanh, in, 1);
    case IR_SIGMOID:  return cg_call(cg, CG_RT_sigmoid, in, 1);
    case IR_SOFTPLUS: return cg_call(cg, CG_RT_softplus, in, 1);
    case IR_RELU:     return relu(cg, a);
    case IR_SIN:      return cg_call(cg, CG_RT_sin, in, 1);
    case IR_COS:      return cg_call(cg, CG_RT_cos, in, 1);
    case IR_ERF:      return cg_call(cg, CG_RT_erf, in, 1);
    case IR_LGAMMA:   return cg_call(cg, CG_RT_lgamma, in, 1);
    case IR_DIGAMMA:  return cg_call(cg, CG_RT_digamma, in, 1);
    case IR_TRIGAMMA: return cg_call(cg, CG_RT_trigamma, in, 1);
    case IR_TETRAGAMMA: return cg_call(cg, CG_RT_tetragamma, in, 1);
    case IR_LOG_I0E:  return cg_call(cg, CG_RT_log_i0e, in, 1);
    case IR_I1_GAP:   return cg_call(cg, CG_RT_i1_gap, in, 1);
    case IR_I1_GAP_SLOPE: return cg_call(cg, CG_RT_i1_gap_slope, in, 1);
    case IR_POISSON_ENTROPY: return cg_call(cg, CG_RT_poisson_entropy, in, 1);
    case IR_POISSON_ENTROPY_SLOPE: return cg_call(cg, CG_RT_poisson_entropy_slope, in, 1);
    case IR_POISSON_ENTROPY_BEND: return cg_call(cg, CG_RT_poisson_entropy_bend, in, 1);
    case IR_LOG_GAMMA_QUANTILE: return cg_call(cg, CG_RT_log_gamma_quantile, in, 2);
    case IR_LOG_GAMMA_SLOPE: return cg_call(cg, CG_RT_log_gamma_slope, in, 2);
    case IR_POISSON_QUANTILE: return cg_call(cg, CG_RT_poisson_quantile, in, 2);
    case IR_BINOMIAL_QUANTILE: return cg_call(cg, CG_RT_binomial_quantile, in, 3);
    case IR_VON_MISES_QUANTILE: return cg_call(cg, CG_RT_von_mises_quantile, in, 2);
    case IR_VON_MISES_FAR_QUANTILE: return cg_call(cg, CG_RT_von_mises_far_quantile, in, 2);
    case IR_VON_MISES_SLOPE: return cg_call(cg, CG_RT_von_mises_slope, in, 2);
    case IR_ADD:      return cg_arith(cg, LLVMFAdd, a, b);
    case IR_SUB:      return cg_arith(cg, LLVMFSub, a, b);
    case IR_MUL:      return cg_arith(cg, LLVMFMul, a, b);
    case IR_MULZ:     return mulz(cg, a, b);
    case IR_DIV:      return contracted(LLVMBuildFDiv(cg->b, a, b, ""));
    case IR_POW:      return cg_call(cg, CG_RT_pow, in, 2);
    case IR_MIN:      return extremum(cg, smaller(cg, a, b), a, b);
    case IR_MAX:      return extremum(cg, greater(cg, a, b), a, b);
    case IR_ABOVE:    return inside(cg, greater(cg, a, b), a);
    case IR_AT_LEAST: return inside(cg, cg_compare(cg, LLVMRealOGE, LLVMIntSGE, a, b), a);
    case IR_AT_MOST:  return inside(cg, cg_compare(cg, LLVMRealOLE, LLVMIntSLE, a, b), a);
    case IR_LT:       return smaller(cg, a, b);
    case IR_LE:       return cg_compare(cg, LLVMRealOLE, LLVMIntSLE, a, b);
    case IR_EQ:       return cg_compare(cg, LLVMRealOEQ, LLVMIntEQ, a, b);
    case IR_NE:       return cg_compare(cg, LLVMRealUNE, LLVMIntNE, a, b);
    case IR_AND:      return LLVMBuildAnd(cg->b, a, b, "");
    case IR_OR:       return LLVMBuildOr(cg->b, a, b, "");
    case IR_SELECT:   return cg_if(cg, a, b, in[2]);
    default:
        assert(0 && "not an element-wise operation");
        return a;
    }
}
/* clang-format on */
