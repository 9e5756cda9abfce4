/* What the rules of translation share: lower.c, rule.c, rule_move.c, term.c. */
#ifndef SGC_CERTIFY_LOWER_H
#define SGC_CERTIFY_LOWER_H

#include "certify/build.h"
#include "certify/certify.h"
#include "certify/sizes.h"

/* A node's value at the steps that are being translated: a slot; or a sequence along axis 0,
 * element by element, of which CERT_NONE is a zero. */
typedef struct LowValue {
    CertSlot slot; /* CERT_NONE: a sequence */
    CertSlot *part;
    uint32_t parts;
} LowValue;

/* Slots have the plates of a node as their leading axes, in order, then its own axes.  Plates of
 * steps are not among them: a sequence is translated step by step. */
typedef struct Layout {
    IrPlates plates;
    uint32_t rank;
    CertList sizes;
} Layout;

typedef struct Lower {
    const IrGraph *g;
    Arena *arena;
    Diags *d;
    Cert *cert;
    Sizes *sizes;
    Build b;          /* the program under construction */
    LowValue **value; /* by node and steps */
    int64_t step[IR_MAX_PLATES];
    uint32_t *input[IR_OP_COUNT]; /* of leaves: by item, 1 + the input */
    CertSlot constant[2];         /* inputs that stand for infinity and minus infinity */
    uint32_t **drawn;             /* by node and steps, 1 + the draw; a site is its first node */
    CertSlot **sums;              /* by node, a sequence: the sums of its elements up to each */
    const IrNode *node;           /* what is being translated */
    const struct Lower *of;       /* of the model as it is written: the translation of the step */
    CertDrawn *summed;            /* its laws of the draws that the step sums over */
    uint32_t summed_draws;
    bool *taken;     /* the draws that the model as it is written has already */
    uint32_t known;  /* so many draws have a law */
    const char *why; /* it was refused */
    bool ok;
} Lower;

typedef LowValue LowRule(Lower *l, const IrNode *n);

/* The rule of the term that proofs/ops.def gives for an op; NULL: there is none. */
LowRule *low_rule(IrOp op);

/* ---- lower.c ------------------------------------------------------------------------------- */

/* No certificate, for this reason; at the place of the node.  The value is of no use. */
LowValue low_refuse(Lower *l, const char *why);
LowValue low_slot(CertSlot s);

IrPlates low_steps(const IrGraph *g, IrPlates plates); /* those that are plates of steps */
/* Which of a node's values belongs to the current steps; how many there are. */
int64_t low_index(const Lower *l, IrPlates plates);
int64_t low_count(const IrGraph *g, IrPlates plates);
LowValue low_value(const Lower *l, IrRef r); /* at the current steps */

Layout low_layout(Lower *l, IrRef r);
Layout low_result(Lower *l); /* of the node being translated */
uint32_t low_plate_at(const Layout *y, uint32_t plate);
uint32_t low_axis_at(const Layout *y, uint32_t axis);
CertList low_list(Lower *l, uint32_t count, const uint32_t *at);

/* What is translated from here on. */
void low_begin(Lower *l, const IrNode *n);

CertSlot low_number(Lower *l, double v, CertList shape);
CertSlot low_iota(Lower *l, uint32_t size);
/* x of one layout as a value of another, which has its plates and axes. */
CertSlot low_spread(Lower *l, const Layout *from, const Layout *to, CertSlot x);
/* Operand k as one slot, in its own layout. */
CertSlot low_operand(Lower *l, uint32_t k);
/* Operand k as one slot, in the layout of the result. */
CertSlot low_argument(Lower *l, uint32_t k);

/* Marks what the marked nodes read. */
void low_close(const IrGraph *g, bool *live);
/* All that the marked nodes compute, into p. */
void low_program(Lower *l, CertProgram *p, const bool *live);
/* What the marked nodes read from outside, before any slot is numbered. */
void low_inputs(Lower *l, const bool *live);

/* ---- written.c ------------------------------------------------------------------------------ */

/* A translation of the model as it is written, which shares inputs and sizes; NULL: it is not at
 * hand. */
Lower *low_begin_written(const Lower *step);
void low_written(Lower *l);
/* A draw of it, at the current steps. */
LowValue low_written_draw(Lower *l, const IrNode *n);
/* A mean over a draw of its own, as kl() is one. */
LowValue low_written_mean(Lower *l, const IrNode *n);

/* ---- rule_move.c --------------------------------------------------------------------------- */

/* A sequence as one slot of the layout. */
CertSlot low_join(Lower *l, const Layout *y, const LowValue *v);
/* Of a sequence: the sums of its elements up to each of them, or from each of them on. */
LowValue low_partial_sums(Lower *l, const LowValue *v, bool from_end);

/* ---- rule.c -------------------------------------------------------------------------------- */

/* The number of a draw, at the current steps. */
uint32_t low_draw(Lower *l, IrRef r);

/* ---- explain.c ----------------------------------------------------------------------------- */

/* Where the values of a draw with a score come from; *values is the size of a category's range. */
CertBase low_base(Lower *l, const IrNode *score, uint32_t *values);
/* Which axes of a draw its logits have, so many of the last ones of their own. */
CertList low_shared_axes(Lower *l, const Layout *draw, const Layout *logits, uint32_t rank);
/* What the weight of a score is made of, at the current steps.  False: it does not say. */
bool low_explain(Lower *l, const IrNode *score, CertRoles *r);

#endif
