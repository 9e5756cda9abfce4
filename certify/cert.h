/* Certificates, as data: a source graph, and the gradient program that the compiler made of it.
 *
 * The vocabulary is that of proofs/: a program is a list of operations on tensors whose sizes are
 * symbols; operation i writes slot n + i, where the first n slots are the inputs.  What the theorem
 * says of a certificate stands in proofs/Certificate.v. */
#ifndef SGC_CERTIFY_CERT_H
#define SGC_CERTIFY_CERT_H

#include "certify/number.h"
#include "ir/diag.h"

typedef uint32_t CertSlot;
#define CERT_NONE UINT32_MAX

/* A list of sizes or axes. */
typedef struct CertList {
    uint32_t count;
    const uint32_t *at;
} CertList;

typedef enum CertForm {
#define FORM(id, ...) CERT_##id,
#include "certify/cert.def"
    CERT_FORMS
} CertForm;

typedef enum CertFn {
#define FN(id, ...) CERT_##id,
#include "certify/cert.def"
    CERT_FNS
} CertFn;

typedef struct CertWord {
    const char *word, *coq;
    uint32_t operands;
} CertWord;
extern const CertWord cert_form[CERT_FORMS], cert_fn[CERT_FNS];
extern const char *const cert_kind_name[], *const cert_base_name[], *const cert_law_name[],
                                                                        *const cert_noised_name[];

typedef struct CertOp {
    CertForm form;
    CertFn fn;     /* map1, map2 */
    Fraction a, b; /* affine: a x + b; const: a */
    uint32_t k, from,
        to; /* slice, pad: element k of sizes from and to; iota, size: k; sample: its number */
    CertList axes; /* ein, ein2, lse: what is run over; slice, pad: the other axes; reshape: before;
                      const, sample: the shape */
    CertList i, j; /* where the operands are read; reshape: i is the shape after */
    CertList o;    /* where the result is written */
} CertOp;

typedef struct CertNode {
    CertOp op;
    CertSlot in[2];
    Span at;          /* the user's words that caused it */
    Span line;        /* of the text form */
    const char *name; /* the user's name, or NULL */
} CertNode;

typedef struct CertProgram {
    CertNode *node;
    uint32_t count;
} CertProgram;

typedef struct CertSize {
    const char *name;
    int64_t number; /* in this model; 0: known at run time only */
    bool fixed;     /* is the certificate for this number only? */
} CertSize;

typedef enum CertKind {
    CERT_PARAM,    /* moved by directions */
    CERT_DATA,     /* not moved: data, hypers, moving averages */
    CERT_CONSTANT, /* not moved: a literal that is not a number of the reals */
    CERT_KINDS
} CertKind;

typedef struct CertInput {
    CertKind kind;
    const char *name;
    CertList shape;
    Span at;
} CertInput;

/* Where the values of a draw come from, before its log-density weighs them. */
typedef enum CertBase {
    CERT_NORMAL,  /* standard normal numbers */
    CERT_UNIFORM, /* uniform numbers between 0 and 1 */
    CERT_BITS,    /* 0 and 1, each counted once */
    CERT_VALUES,  /* 0 up to a size, each counted once */
    CERT_LINE,    /* the real line, by length */
    CERT_GIVEN,   /* as the model draws it: no parameter reaches its law */
    CERT_BASES
} CertBase;

typedef struct CertDraw {
    CertBase base;
    uint32_t values; /* a size */
    CertList shape;
    const char *name;
    Span at;
    int64_t step; /* of the model's sequences: tells the draws of one place apart */
} CertDraw;

/* Laws whose weights the checker decides. */
typedef enum CertLaw { CERT_BERNOULLI, CERT_CATEGORICAL, CERT_LAWS } CertLaw;

typedef struct CertFinite {
    CertLaw law;
    uint32_t values; /* categorical: the size whose number the values are */
    CertSlot logits;
    CertList axes; /* those of the draw that the logits have */
} CertFinite;

/* The laws that are drawn as noise: proofs/Noised.v. */
typedef enum CertNoised {
    CERT_AS_NORMAL,
    CERT_AS_UNIFORM,     /* between `loc` and `scale` */
    CERT_AS_EXPONENTIAL, /* its rate is both */
    CERT_AS_LAPLACE,
    CERT_NOISED
} CertNoised;

/* What a draw of the model as it is written is drawn from: a law that is drawn as noise, its two
 * numbers slots of the shape of the draw; or a finite one. */
typedef struct CertDrawn {
    CertNoised as;
    CertSlot loc, scale;
    bool finite;
    CertList shape; /* of the draw as it is written */
    CertFinite of;
} CertDrawn;

/* Draws of which the estimator makes several copies: their shapes get an axis more. */
typedef struct CertCopies {
    uint32_t size;
    CertList draws, at; /* and where they get it */
} CertCopies;

/* A draw of the model that is summed over its values, which the graph does not have. */
typedef struct CertSummed {
    uint32_t values; /* a size */
    const char *name;
    Span at;
} CertSummed;

/* The model as it is written: its draws are samples, in the order of the certificate's draws; those
 * that are summed over come after them. */
typedef struct CertWritten {
    bool given;          /* is it part of the certificate? */
    const char *without; /* else: what the step from it is assumed for */
    Span at;             /* likewise, in the model; and of the text form */
    CertProgram program;
    CertSlot cost;
    CertDrawn *law;     /* by draw */
    CertSummed *summed; /* numbered after the draws */
    uint32_t sums;
    CertCopies *copy; /* one after another */
    uint32_t copies;
} CertWritten;

/* What a weight is made of, as far as the compiler says: it is checked, not believed.  Slots of the
 * source graph.  The copies of a draw are its first `plates` axes. */
typedef struct CertRoles {
    uint32_t draw;
    CertLaw law;
    uint32_t values; /* categorical: the size whose number the values are */
    CertSlot logits;
    CertList axes; /* those of the draw that the logits have */
    uint32_t plates;
    CertList kept;   /* leave-one-out: the plates that are not averaged over */
    CertSlot scale;  /* a scalar: what the cost of a copy is multiplied with */
    CertList costs;  /* of one copy: those that the draw may reach */
    Fraction share;  /* of the other copies' costs, which is subtracted */
    CertList base;   /* what else is subtracted, for one copy */
    CertList others; /* scalars: the other costs */
} CertRoles;

typedef struct CertScore {
    CertSlot density, weight;
    bool explained; /* are there roles? If not, that the weight is right is assumed. */
    CertRoles roles;
    Span line;
} CertScore;

typedef struct CertOutput {
    uint32_t input; /* a parameter */
    CertSlot slot;  /* of the gradient program */
    Span line;
} CertOutput;

typedef struct Cert {
    Arena *arena;         /* borrowed: owns what is below */
    Fractions *fractions; /* borrowed */
    const char *model, *file, *graph;
    CertSize *size;
    uint32_t sizes;
    CertInput *input;
    uint32_t inputs;
    CertDraw *draw; /* in the order in which they are drawn */
    uint32_t draws;
    CertWritten written;
    CertProgram source;
    CertSlot cost;
    Span cost_line;
    CertScore *score;
    uint32_t scores;
    CertProgram gradient;
    CertOutput *output;
    uint32_t outputs;
} Cert;

/* ---- op.c ---------------------------------------------------------------------------------- */

static inline bool cert_same(CertList a, CertList b)
{
    if (a.count != b.count)
        return false;
    for (uint32_t i = 0; i < a.count; i++)
        if (a.at[i] != b.at[i])
            return false;
    return true;
}
bool cert_op_equal(const CertOp *a, const CertOp *b);
/* 0, 1, ..., n - 1 */
CertList cert_range(Arena *a, uint32_t n);
/* list[pick[0]], list[pick[1]], ... */
CertList cert_pick(Arena *a, CertList list, CertList pick);
/* All of them less than n? */
bool cert_below(uint32_t n, CertList list);
uint32_t cert_operands(const CertOp *op);
/* The shape of the result.  False: the operands do not fit. */
bool cert_type(Arena *a, const CertOp *op, const CertList *in, CertList *out);
/* The shapes of all slots, the inputs' included; on failure *bad is the node at fault. */
bool cert_infer(Arena *a, const Cert *c, const CertProgram *p, CertList *shape, uint32_t *bad);

CertSlot cert_add(Arena *a, CertProgram *p, uint32_t inputs, CertNode n); /* its slot */

/* ---- derive.c ------------------------------------------------------------------------------ */

/* The gradient program that the source graph has by definition, and the slot of each input's
 * gradient, CERT_NONE where there is none. */
void cert_derive(Arena *a, const Cert *c, CertProgram *out, CertSlot *gradient);

/* ---- assume.c ------------------------------------------------------------------------------ */

/* Does nothing say what the weight of some score is made of?  Then that it is right is assumed. */
bool cert_weights_assumed(const Cert *c);

/* ---- same.c -------------------------------------------------------------------------------- */

/* Has the model as it is written the expected cost of the source graph?  *scaled becomes whether
 * all scales are seen to be positive; else that is assumed.  False: *why says what is not seen. */
bool cert_same_mean(const Cert *c, Arena *a, bool *scaled, const char **why);

/* Which proof says so, by the kinds of the model's draws. */
typedef enum CertKinds {
    CERT_ALL_NORMAL,  /* same.c */
    CERT_ALL_SAMPLED, /* samples.c: normal, several samples of some */
    CERT_ALL_FINITE,  /* scored.c */
    CERT_BOTH,        /* both.c */
    CERT_SUMMED       /* scored.c, once all sums are taken: enumerated.c */
} CertKinds;
CertKinds cert_kinds(const Cert *c);

/* ---- scored.c ------------------------------------------------------------------------------ */

/* The same for a model with finite draws, several copies of which may be drawn, or which are summed
 * over. */
bool cert_same_finite(const Cert *c, Arena *a, const char **why);

/* ---- samples.c ----------------------------------------------------------------------------- */

/* The same for a model whose draws are normal, of some of which several samples are drawn. */
bool cert_same_samples(const Cert *c, Arena *a, bool *scaled, const char **why);

/* ---- both.c -------------------------------------------------------------------------------- */

/* The same for a model with draws of both kinds, one copy of each. */
bool cert_same_both(const Cert *c, Arena *a, const char **why);

/* ---- score.c ------------------------------------------------------------------------------- */

/* Is every weight that has roles right?  Then the mean of what it adds to the gradient is what it
 * should be.  On failure *bad is the score at fault, and *why says what is wrong. */
bool cert_scores_right(Arena *a, const Cert *c, const CertList *shape, uint32_t *bad,
                       const char **why);

#endif
