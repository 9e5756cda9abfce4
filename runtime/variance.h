/* How much the estimate of a gradient varies with its noise, at the parameters that a context has.
 *
 * The rows stay the same, so what varies is the noise.  The share of a draw is what the gradient
 * varies when its noise alone is drawn again, all else fixed: half the mean square of the
 * difference (Jansen, "Analysis of variance designs for model output", 1999).  Shares add up to
 * more than the whole where draws act together, and to the whole where they do not. */
#ifndef SGC_RUNTIME_VARIANCE_H
#define SGC_RUNTIME_VARIANCE_H

#include "runtime/probe.h"

/* A draw of the program: the sites of its name, "z" and "z.variant". */
typedef struct SgrtDrawName {
    const char *name;
    int length; /* of the name, without what follows a dot */
} SgrtDrawName;

typedef struct SgrtVariance {
    SgrtProbe probe;
    const SgrtEntry *entry;
    void **first, **second, **tape; /* owned: noise by site; tape borrows from both */
    SgrtDrawName *draw;             /* owned */
    int64_t draws, elements, samples;
    int64_t number;           /* of the generator's draws, that of the first sample */
    int64_t *begin;           /* owned: [params + 1] */
    double *gradient, *other; /* owned: [elements] of one sample */
    double *mean, *square;    /* owned: [elements] running, by Welford */
    double *of_draw;          /* owned: [draws x params] sums of half squared differences */
    double cost, cost_square;
    double seconds; /* of the last step that made a sample's gradient */
} SgrtVariance;

/* Of the first `rows` rows of the data.  The caller frees it either way. */
bool sgrt_variance_init(SgrtVariance *v, SgrtContext *context, const SgrtData *data, int64_t rows,
                        SgrtParams *params, SgrtPool *pool, int64_t seed, SgrtError *e);
void sgrt_variance_free(SgrtVariance *v);

/* Forgets all samples; the next ones have the generator's noise from `number` on. */
void sgrt_variance_restart(SgrtVariance *v, int64_t number);

/* One sample more: 1 + v->draws steps of the graph.  False if one of them is not finite. */
bool sgrt_variance_sample(SgrtVariance *v, SgrtError *e);

/* Of all elements of a parameter, or of all parameters: the square of the mean gradient, and the
 * variance. */
typedef struct SgrtSpread {
    double size, variance;
} SgrtSpread;

/* Of two samples at least. */
SgrtSpread sgrt_variance_of_param(const SgrtVariance *v, int64_t param);
double sgrt_variance_of_draw(const SgrtVariance *v, int64_t draw);
double sgrt_variance_of_both(const SgrtVariance *v, int64_t draw, int64_t param);
SgrtSpread sgrt_variance_of_all(const SgrtVariance *v);
double sgrt_variance_cost_error(const SgrtVariance *v);

/* sqrt(size / variance): the signal-to-noise ratio. */
double sgrt_variance_signal(SgrtSpread s);

#endif
