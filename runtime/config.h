/* config.json: what determines a training run, so that it can be read, repeated and resumed. */
#ifndef SGC_RUNTIME_CONFIG_H
#define SGC_RUNTIME_CONFIG_H

#include "runtime/session.h"
#include "runtime/train.h"

#include <cjson/cJSON.h>

/* The caller deletes the result; NULL if memory is out. */
cJSON *sgrt_config_make(const SgrtSession *s, const SgrtTrainer *t, int64_t epochs, int64_t steps);

/* Fills what the command line left out from the configuration of the run that is resumed, which
 * must outlive the options. */
bool sgrt_config_adopt(cJSON *config, SgrtOptions *o, SgrtError *e);

#endif
