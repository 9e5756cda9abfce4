/* What a run reports, for TensorBoard: a file of its event records, beside metrics.jsonl and with
 * the same numbers.
 *
 * A record is the length of its data (8 bytes), a check of these, the data, and a check of those.
 * Data are a message of protocol buffers: the time, the step, and named numbers. */
#ifndef SGC_RUNTIME_EVENTS_H
#define SGC_RUNTIME_EVENTS_H

#include "runtime/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

/* Opens the file for appending: what stands in it after step `step` is cut off, all of it if `step`
 * is -1.  NULL on failure. */
FILE *sgrt_events_open(const char *path, int64_t step, SgrtError *e);

/* Appends the numbers of a line of the metrics: "train/cost", "eval/costs/vae.sg:30:5", ... */
bool sgrt_events_add(FILE *f, const cJSON *line);

#endif
