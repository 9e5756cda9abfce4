/* config.json: what determines a training run, so that it can be read, repeated and resumed. */
#ifndef SGC_RUNTIME_CONFIG_H
#define SGC_RUNTIME_CONFIG_H

#include "runtime/session.h"
#include "runtime/train.h"

#include <cjson/cJSON.h>

/* `held` are the data of --eval-data, or NULL.  The caller deletes the result; NULL, with the
 * reason in the error, if a data file cannot be read any more. */
cJSON *sgrt_config_make(const SgrtSession *s, const SgrtTrainer *t, const SgrtData *held,
                        int64_t epochs, int64_t steps, SgrtError *e);

/* The configuration in a file; the caller deletes it.  NULL on failure. */
cJSON *sgrt_config_read(const char *path, SgrtError *e);

/* Fills what the command line left out from the configuration of a file, which must outlive the
 * options. */
bool sgrt_config_adopt(cJSON *config, const char *path, SgrtOptions *o, SgrtError *e);

/* Whether the data are those that the configuration of a resumed run describes. */
bool sgrt_config_same_data(const cJSON *config, const SgrtData *data, SgrtError *e);

#endif
