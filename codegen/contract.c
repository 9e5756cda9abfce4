/* Contractions: sums of products over labels.
 *
 * Every letter of the spec and every plate of an operand is a label, with a stride in each of the
 * two operands and the result; a label that the result lacks is summed.  A product of matrices is
 * one label of each kind: `row` (of a and the result), `column` (of b and the result) and `inner`
 * (of a and b).  Labels that lie together in memory count as one, and what is left over is looped
 * over around it.  Anything else, and what is too small to be worth a call, is a nest of loops. */
#include "codegen/cg.h"

#include <string.h>

enum { A, B, C, LABELS = 26 + IR_MAX_PLATES, WORTH_A_CALL = 4096 };

typedef struct Label {
    CgDim dim;       /* its range; dim.plate, or -1 */
    int32_t axis[3]; /* by array: which axis; -1 */
    bool in[3];
    int64_t stride[3];
} Label;

typedef struct Contraction {
    Cg *cg;
    const IrNode *n;
    IrRef ref[3];
    CgPlace place[3];
    bool placed;   /* both operands lie in memory */
    CgIndex at[3]; /* of loops that are open, and fixed plates */
    Label label[LABELS];
    unsigned labels;
} Contraction;

/* ---- labels --------------------------------------------------------------------------------- */

static void add_plate(Contraction *k, uint32_t plate)
{
    Label *l = &k->label[k->labels++];
    *l = (Label){.dim = cg_plate_dim(k->cg, plate), .axis = {-1, -1, -1}};
    for (int t = A; t <= C; t++) {
        l->in[t] = ir_at(k->cg->g, k->ref[t])->type.plates >> plate & 1;
        l->stride[t] = k->place[t].plate[plate];
    }
}

static Label letter(const Contraction *k, char c)
{
    const char *spec = k->n->attr.text,
               *part[] = {spec, strchr(spec, ',') + 1, strstr(spec, "->") + 2};
    Label l = {.axis = {-1, -1, -1}};
    for (int t = A; t <= C; t++) {
        const char *s = part[t];
        for (int32_t i = 0; *s >= 'a' && *s <= 'z'; i++, s++)
            if (*s == c)
                l.axis[t] = i;
        l.in[t] = l.axis[t] >= 0;
        l.stride[t] = l.in[t] ? k->place[t].axis[l.axis[t]] : 0;
    }
    return l;
}

static void add_letter(Contraction *k, char c)
{
    Cg *cg = k->cg;
    Label l = letter(k, c);
    int t = l.in[A] ? A : B;
    if (!l.in[A] && !l.in[B])
        return;
    int64_t size = ir_at(cg->g, k->ref[t])->type.dim[l.axis[t]];
    /* only axis 0 of the result is cut in blocks */
    l.dim = cg_axis_dim(cg, l.axis[C] == 0 ? 0 : IR_MAX_RANK, size);
    l.dim.axis = -1;
    k->label[k->labels++] = l;
}

static Contraction open_contraction(Cg *cg, IrRef r)
{
    const IrNode *n = ir_at(cg->g, r);
    Contraction k = {.cg = cg, .n = n, .ref = {n->in[0], n->in[1], r}, .placed = true};
    IrPlates plates = 0;
    for (int t = A; t <= C; t++) {
        CgNest fixed;
        k.placed &= cg_place(cg, k.ref[t], &k.place[t]);
        plates |= ir_at(cg->g, k.ref[t])->type.plates;
        cg_nest_plates(cg, 0, &fixed);
        k.at[t] = fixed.at;
    }
    for (uint32_t p = 0; p < cg->g->plates; p++)
        if (plates >> p & 1 && !k.at[C].plate[p])
            add_plate(&k, p);
    for (char c = 'a'; c <= 'z'; c++)
        add_letter(&k, c);
    return k;
}

static void place_index(Contraction *k, const Label *l, LLVMValueRef i)
{
    for (int t = A; t <= C; t++) {
        if (l->dim.plate >= 0)
            k->at[t].plate[l->dim.plate] = i;
        else if (l->axis[t] >= 0)
            k->at[t].axis[l->axis[t]] = i;
    }
}

static CgLoop open_label(Contraction *k, const Label *l, bool parallel)
{
    CgLoop loop = cg_loop(k->cg, l->dim.lo, l->dim.hi, l->dim.extent, parallel);
    place_index(k, l, loop.i);
    return loop;
}

/* ---- loops ---------------------------------------------------------------------------------- */

static LLVMValueRef term(Contraction *k)
{
    LLVMValueRef a = cg_value(k->cg, k->ref[A], &k->at[A]);
    return cg_arith(k->cg, LLVMFMul, a, cg_value(k->cg, k->ref[B], &k->at[B]));
}

static LLVMValueRef plus(Cg *cg, LLVMValueRef sum, LLVMValueRef v)
{
    LLVMValueRef s = cg_arith(cg, LLVMFAdd, sum, v);
    if (LLVMIsAInstruction(s))
        LLVMSetFastMathFlags(s, LLVMFastMathAllowContract | LLVMFastMathAllowReassoc);
    return s;
}

/* The labels of a kind, in loops; `count` of them stay open. */
static unsigned open_all(Contraction *k, bool kept, const Label *but, bool parallel, CgLoop *loop)
{
    unsigned count = 0;
    for (unsigned i = 0; i < k->labels; i++)
        if (k->label[i].in[C] == kept && &k->label[i] != but)
            loop[count++] = open_label(k, &k->label[i], parallel);
    return count;
}

static void close_all(Contraction *k, CgLoop *loop, unsigned count)
{
    while (count > 0)
        cg_loop_end(k->cg, &loop[--count]);
}

/* One element of the result after the other, each summed in a register. */
static void sum_by_element(Contraction *k)
{
    Cg *cg = k->cg;
    CgLoop kept[LABELS], summed[LABELS];
    LLVMValueRef sum = cg_variable(cg, cg->real);
    unsigned outside = open_all(k, true, NULL, true, kept);
    LLVMBuildStore(cg->b, LLVMConstReal(cg->real, -0.0), sum);
    unsigned inside = open_all(k, false, NULL, true, summed);
    LLVMValueRef v = term(k), before = LLVMBuildLoad2(cg->b, cg->real, sum, "");
    LLVMBuildStore(cg->b, plus(cg, before, v), sum);
    close_all(k, summed, inside);
    cg_store(cg, &k->place[C], &k->at[C], LLVMBuildLoad2(cg->b, cg->real, sum, ""));
    close_all(k, kept, outside);
}

/* A line of the result at a time: each term adds a multiple of a line of an operand. */
static void sum_by_line(Contraction *k, const Label *line)
{
    Cg *cg = k->cg;
    CgLoop kept[LABELS], summed[LABELS];
    unsigned outside = open_all(k, true, line, true, kept);
    CgLoop l = open_label(k, line, true);
    cg_store(cg, &k->place[C], &k->at[C], LLVMConstReal(cg->real, 0));
    cg_loop_end(cg, &l);
    unsigned inside = open_all(k, false, NULL, false, summed);
    l = open_label(k, line, true);
    LLVMValueRef v = term(k);
    cg_store(cg, &k->place[C], &k->at[C], plus(cg, cg_load(cg, &k->place[C], &k->at[C]), v));
    cg_loop_end(cg, &l);
    close_all(k, summed, inside);
    close_all(k, kept, outside);
}

static bool is_summed(const Label *l)
{
    return !l->in[C];
}

static bool runs_along(const Label *l, int t)
{
    return !l->in[t] || l->stride[t] <= 1;
}

/* The label to run along innermost: contiguous wherever it occurs, where a sum would not be. */
static const Label *find_line(const Contraction *k)
{
    const Label *line = NULL;
    bool sums = false, sums_well = true;
    for (unsigned i = 0; i < k->labels; i++) {
        const Label *l = &k->label[i];
        if (is_summed(l)) {
            sums = true;
            sums_well = runs_along(l, A) && runs_along(l, B);
        } else if (runs_along(l, A) && runs_along(l, B) && runs_along(l, C) && l->dim.most >= 8) {
            line = l;
        }
    }
    return sums && !sums_well && k->placed ? line : NULL;
}

static void loops(Contraction *k)
{
    const Label *line = find_line(k);
    k->cg->f.parallel = true;
    if (line)
        sum_by_line(k, line);
    else
        sum_by_element(k);
    k->cg->f.parallel = false;
}

/* ---- products of matrices ------------------------------------------------------------------- */

static bool same_kind(const Label *x, const Label *y)
{
    return memcmp(x->in, y->in, sizeof x->in) == 0;
}

/* Do the copies of `inner` follow each other wherever the label occurs? */
static bool lie_together(const Label *outer, const Label *inner)
{
    if (!same_kind(outer, inner) || inner->dim.extent < 0)
        return false;
    for (int t = A; t <= C; t++)
        if (outer->in[t] && outer->stride[t] != inner->stride[t] * inner->dim.extent)
            return false;
    return true;
}

static void join_labels(Contraction *k, Label *outer, const Label *inner)
{
    int64_t extent = inner->dim.extent;
    outer->dim.lo = cg_mul(k->cg, outer->dim.lo, extent);
    outer->dim.hi = cg_mul(k->cg, outer->dim.hi, extent);
    outer->dim.most *= extent;
    outer->dim.extent = outer->dim.extent < 0 ? -1 : outer->dim.extent * extent;
    memcpy(outer->stride, inner->stride, sizeof outer->stride);
    unsigned gone = (unsigned)(inner - k->label);
    memmove(&k->label[gone], &k->label[gone + 1], (--k->labels - gone) * sizeof *k->label);
}

static void join_all(Contraction *k)
{
    for (bool joined = true; joined;) {
        joined = false;
        for (unsigned i = 0; i < k->labels && !joined; i++)
            for (unsigned j = 0; j < k->labels && !joined; j++)
                if (i != j && lie_together(&k->label[i], &k->label[j])) {
                    join_labels(k, &k->label[i], &k->label[j]);
                    joined = true;
                }
    }
}

/* One matrix of a product: m rows by k columns, or transposed. */
typedef struct Gemm {
    const Label *row, *column, *inner;
    int a, b; /* which operand is on the left; the other is on the right */
} Gemm;

/* Is x, y a matrix of rows x, each contiguous? */
static bool by_rows(const Label *x, const Label *y, int t)
{
    return y->stride[t] == 1 && x->stride[t] >= y->dim.most;
}

static bool is_matrix(const Label *x, const Label *y, int t)
{
    return by_rows(x, y, t) || by_rows(y, x, t);
}

static bool fits(const Gemm *g)
{
    return by_rows(g->row, g->column, C) && is_matrix(g->row, g->inner, g->a) &&
           is_matrix(g->inner, g->column, g->b);
}

static int64_t work(const Gemm *g)
{
    return g->row->dim.most * g->column->dim.most * g->inner->dim.most;
}

static bool is_kind(const Label *l, bool a, bool b, bool c)
{
    return l->in[A] == a && l->in[B] == b && l->in[C] == c;
}

static void consider(Gemm *best, Gemm g)
{
    if (fits(&g) && (!best->row || work(&g) > work(best)))
        *best = g;
}

/* The largest product in it, with either operand on the left. */
static Gemm find_gemm(const Contraction *k)
{
    Gemm best = {0};
    for (const Label *x = k->label; x < k->label + k->labels; x++)
        for (const Label *y = k->label; y < k->label + k->labels; y++)
            for (const Label *z = k->label; z < k->label + k->labels; z++)
                if (is_kind(x, true, false, true) && is_kind(y, false, true, true) &&
                    is_kind(z, true, true, false)) {
                    consider(&best, (Gemm){x, y, z, A, B});
                    consider(&best, (Gemm){y, x, z, B, A});
                }
    return best;
}

static LLVMValueRef extent(Contraction *k, const Label *l)
{
    return cg_sub(k->cg, l->dim.hi, l->dim.lo);
}

/* Where the matrices begin: at the open loops, and at the start of the product's own labels. */
static LLVMValueRef corner(Contraction *k, const Label *l, LLVMValueRef *offset, int t)
{
    LLVMValueRef i = l->dim.lo;
    return l->stride[t] ? cg_add(k->cg, *offset, cg_mul(k->cg, i, l->stride[t])) : *offset;
}

static LLVMValueRef start_of(Contraction *k, const Gemm *g, int t, LLVMValueRef outside)
{
    LLVMValueRef at = outside;
    at = corner(k, g->row, &at, t);
    at = corner(k, g->column, &at, t);
    at = corner(k, g->inner, &at, t);
    return LLVMBuildInBoundsGEP2(k->cg->b, k->cg->real, k->place[t].base, &at, 1, "");
}

/* The plates that are fixed: the step of a sequence, the part of a task. */
static LLVMValueRef fixed_offset(Contraction *k, int t)
{
    LLVMValueRef at = cg_i64(k->cg, 0);
    for (uint32_t p = 0; p < k->cg->g->plates; p++)
        if (k->at[C].plate[p] && k->place[t].plate[p])
            at = cg_add(k->cg, at, cg_mul(k->cg, k->at[C].plate[p], k->place[t].plate[p]));
    return at;
}

static void call_gemm(Contraction *k, const Gemm *g, LLVMValueRef offset[3], LLVMValueRef beta)
{
    Cg *cg = k->cg;
    bool ta = !by_rows(g->row, g->inner, g->a), tb = !by_rows(g->inner, g->column, g->b);
    int64_t lda = ta ? g->inner->stride[g->a] : g->row->stride[g->a];
    int64_t ldb = tb ? g->column->stride[g->b] : g->inner->stride[g->b];
    LLVMValueRef args[] = {LLVMConstInt(cg->i32, ta, false),
                           LLVMConstInt(cg->i32, tb, false),
                           extent(k, g->row),
                           extent(k, g->column),
                           extent(k, g->inner),
                           LLVMConstReal(cg->real, 1),
                           start_of(k, g, g->a, offset[g->a]),
                           cg_i64(cg, lda),
                           start_of(k, g, g->b, offset[g->b]),
                           cg_i64(cg, ldb),
                           beta,
                           start_of(k, g, C, offset[C]),
                           cg_i64(cg, g->row->stride[C])};
    cg_call(cg, CG_RT_gemm, args, sizeof args / sizeof *args);
}

/* Loops over the labels that the product leaves over.  A label that is summed adds to the product
 * of its first copy. */
static void gemms(Contraction *k, const Gemm *g)
{
    Cg *cg = k->cg;
    CgLoop loop[LABELS];
    unsigned count = 0;
    LLVMValueRef offset[3], more = LLVMConstInt(cg->i1, 0, false);
    for (int t = A; t <= C; t++)
        offset[t] = fixed_offset(k, t);
    for (unsigned pass = 0; pass < 2; pass++)
        for (const Label *l = k->label; l < k->label + k->labels; l++) {
            if (l == g->row || l == g->column || l == g->inner || is_summed(l) != (pass == 1))
                continue;
            CgLoop *x = &loop[count++];
            *x = cg_loop(cg, l->dim.lo, l->dim.hi, l->dim.extent, false);
            for (int t = A; t <= C; t++)
                if (l->stride[t])
                    offset[t] = cg_add(cg, offset[t], cg_mul(cg, x->i, l->stride[t]));
            LLVMValueRef later = LLVMBuildICmp(cg->b, LLVMIntSGT, x->i, l->dim.lo, "");
            if (is_summed(l))
                more = LLVMBuildOr(cg->b, more, later, "");
        }
    LLVMValueRef one = LLVMConstReal(cg->real, 1), zero = LLVMConstReal(cg->real, 0);
    call_gemm(k, g, offset, cg_if(cg, more, one, zero));
    close_all(k, loop, count);
}

static void contract(Cg *cg, IrRef r)
{
    Contraction k = open_contraction(cg, r);
    if (k.placed) {
        Contraction joined = k;
        join_all(&joined);
        Gemm g = find_gemm(&joined);
        if (g.row && work(&g) >= WORTH_A_CALL) {
            gemms(&joined, &g);
            return;
        }
    }
    loops(&k);
}

const CgRule emit_contract = {.kernel = contract};
