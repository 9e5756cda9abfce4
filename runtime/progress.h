/* What a training run prints on the error stream while it goes on: a line for every report, for
 * people on a terminal and for programs elsewhere, and between reports, on a terminal, one line
 * that is rewritten. */
#ifndef SGC_RUNTIME_PROGRESS_H
#define SGC_RUNTIME_PROGRESS_H

#include "runtime/train.h"

typedef struct SgrtProgress {
    bool quiet, live; /* live: on a terminal */
    int64_t first_step, last_step, epochs;
    double started, reported, drawn; /* seconds */
} SgrtProgress;

/* Seconds of a clock that only goes forward. */
double sgrt_seconds(void);

/* A run from `first_step` to `last_step`; `quiet` prints nothing at all. */
void sgrt_progress_start(SgrtProgress *p, const SgrtTrainer *t, int64_t last_step, bool quiet);

/* After every step; redraws at most ten times a second. */
void sgrt_progress_step(SgrtProgress *p, const SgrtTrainer *t);

/* What a report says. */
typedef struct SgrtReport {
    bool held;    /* an evaluation of held-out data, not the steps since the last report */
    double *cost; /* owned: [1 + costs] */
    double se;    /* the standard error of cost[0]; NaN where it is not known */
    double snr;   /* the gradient's signal-to-noise ratio; NaN where it is not measured */
    int64_t rows; /* of the data */
    double seconds;
} SgrtReport;

/* Prints a report.  Returns the seconds since the last one. */
double sgrt_progress_report(SgrtProgress *p, const SgrtTrainer *t, const SgrtReport *r);

/* "103.41 ±0.35"; without an error that is not known.  Returns `out`. */
char *sgrt_cost_text(char *out, size_t room, double cost, double se);

/* Wipes the line that is rewritten. */
void sgrt_progress_clear(SgrtProgress *p);

#endif
