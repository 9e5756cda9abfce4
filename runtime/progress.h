/* What a training run prints while it goes on: a line for every report, and between reports, on a
 * terminal, one line that is rewritten. */
#ifndef SGC_RUNTIME_PROGRESS_H
#define SGC_RUNTIME_PROGRESS_H

#include "runtime/train.h"

#include <stdio.h>

typedef struct SgrtProgress {
    FILE *out;  /* reports */
    FILE *live; /* the line that is rewritten; NULL for none */
    int64_t first_step, last_step, epochs;
    double started, reported, drawn; /* seconds */
} SgrtProgress;

/* Seconds of a clock that only goes forward. */
double sgrt_seconds(void);

/* A run from `first_step` to `last_step`; `quiet` prints nothing at all. */
void sgrt_progress_start(SgrtProgress *p, const SgrtTrainer *t, int64_t last_step, bool quiet);

/* After every step; redraws at most ten times a second. */
void sgrt_progress_step(SgrtProgress *p, const SgrtTrainer *t);

/* cost[1 + costs]: the means of a report.  Returns the seconds since the last one. */
double sgrt_progress_report(SgrtProgress *p, const SgrtTrainer *t, const double *cost);

/* Wipes the line that is rewritten. */
void sgrt_progress_clear(SgrtProgress *p);

#endif
