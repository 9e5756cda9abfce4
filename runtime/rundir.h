/* The folder of a training run:
 *
 *   config.json              what determines the run, and what its data were
 *   metrics.jsonl            one line a report, appended
 *   checkpoint.safetensors   the newest state, replaced at every report
 *
 * A run is never overwritten: the folder must hold none, unless the caller goes on with it
 * (resume) or gives it up (force). */
#ifndef SGC_RUNTIME_RUNDIR_H
#define SGC_RUNTIME_RUNDIR_H

#include "runtime/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

typedef struct SgrtRunDir {
    char *config, *metrics, *checkpoint; /* owned: paths */
    FILE *log;                           /* owned: metrics.jsonl, for appending */
} SgrtRunDir;

typedef enum SgrtRunMode { SGRT_RUN_NEW, SGRT_RUN_FORCE, SGRT_RUN_RESUME } SgrtRunMode;

/* Looks at the folder, and makes it unless it is resumed; nothing in it is touched. */
bool sgrt_rundir_open(SgrtRunDir *d, const char *path, SgrtRunMode mode, SgrtError *e);
void sgrt_rundir_close(SgrtRunDir *d);

/* Starts the log: what stands in it after step `step` is cut off, all of it if `step` is -1. */
bool sgrt_rundir_start_log(SgrtRunDir *d, int64_t step, SgrtError *e);

/* Appends one line. */
bool sgrt_rundir_log(SgrtRunDir *d, const cJSON *line, SgrtError *e);

bool sgrt_rundir_write_config(const SgrtRunDir *d, const cJSON *config, SgrtError *e);

/* The caller deletes the result.  NULL on failure. */
cJSON *sgrt_rundir_read_config(const SgrtRunDir *d, SgrtError *e);

#endif
