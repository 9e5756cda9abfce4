/* The folder of a training run:
 *
 *   config.json                 what determines the run, and what its data were
 *   metrics.jsonl               one line a report, appended
 *   events.out.tfevents.sgc     the same for TensorBoard, where that is asked for
 *   step-00000600.safetensors   the newest checkpoints, named by their step
 *   latest                      a link to the newest, moved at once
 *
 * A run is never overwritten: the folder must hold none, unless the caller goes on with it
 * (resume) or gives it up (overwrite).  A run that was killed before its first checkpoint goes on
 * from its beginning. */
#ifndef SGC_RUNTIME_RUNDIR_H
#define SGC_RUNTIME_RUNDIR_H

#include "runtime/error.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

typedef struct SgrtRunDir {
    char *path, *config, *metrics, *latest, *reports; /* owned: paths */
    FILE *log;                                        /* owned: metrics.jsonl, for appending */
    FILE *events;                                     /* owned: the reports, or NULL */
} SgrtRunDir;

typedef enum SgrtRunMode { SGRT_RUN_NEW, SGRT_RUN_OVERWRITE, SGRT_RUN_RESUME } SgrtRunMode;

/* Looks at the folder, and makes it unless it is resumed; nothing in it is touched. */
bool sgrt_rundir_open(SgrtRunDir *d, const char *path, SgrtRunMode mode, SgrtError *e);
void sgrt_rundir_close(SgrtRunDir *d);

/* Whether there is a checkpoint to go on from. */
bool sgrt_rundir_has_checkpoint(const SgrtRunDir *d);

/* Removes the checkpoints, and what TensorBoard reads, of the run that is overwritten. */
bool sgrt_rundir_clear(const SgrtRunDir *d, SgrtError *e);

/* Starts the log, and that for TensorBoard if `events`: what stands in it after step `step` is cut
 * off, all of it if `step` is -1. */
bool sgrt_rundir_start_log(SgrtRunDir *d, int64_t step, bool events, SgrtError *e);

/* Appends one line. */
bool sgrt_rundir_log(SgrtRunDir *d, const cJSON *line, SgrtError *e);

/* Where the checkpoint of a step belongs; the caller frees it.  NULL if memory is out. */
char *sgrt_rundir_checkpoint(const SgrtRunDir *d, int64_t step, SgrtError *e);

/* The checkpoint of this step is complete: the log that led to it is put on disk, `latest` is moved
 * to it, and of the older ones those that are not among the `keep` newest are removed. */
bool sgrt_rundir_advance(SgrtRunDir *d, int64_t step, int64_t keep, SgrtError *e);

bool sgrt_rundir_write_config(const SgrtRunDir *d, const cJSON *config, SgrtError *e);

#endif
