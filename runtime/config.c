/* The configuration of a run, written and taken back. */
#include "runtime/config.h"

#include <stdlib.h>
#include <string.h>

static const char *const data_key = "data", *const source_key = "source";

/* Settings that are options of the same name. */
static void add_settings(cJSON *to, const SgrtTrainer *t, int64_t epochs, int64_t steps)
{
    const SgrtOptimStep *o = &t->settings.optimizer;
    cJSON_AddStringToObject(to, "optimizer", o->optimizer->name);
    cJSON_AddNumberToObject(to, "lr", o->lr);
    cJSON_AddNumberToObject(to, "momentum", o->momentum);
    cJSON_AddNumberToObject(to, "beta1", o->beta1);
    cJSON_AddNumberToObject(to, "beta2", o->beta2);
    cJSON_AddNumberToObject(to, "eps", o->eps);
    cJSON_AddNumberToObject(to, "weight_decay", o->weight_decay);
    cJSON_AddNumberToObject(to, "clip", t->settings.clip);
    char seed[24]; /* as a text: a JSON number is exact to 2^53 only */
    snprintf(seed, sizeof seed, "%lld", (long long)t->settings.seed);
    cJSON_AddStringToObject(to, "seed", seed);
    if (t->epoch_steps)
        cJSON_AddNumberToObject(to, "batch", (double)t->settings.batch);
    if (epochs >= 0)
        cJSON_AddNumberToObject(to, "epochs", (double)epochs);
    if (steps >= 0)
        cJSON_AddNumberToObject(to, "steps", (double)steps);
}

static void add_column(cJSON *to, const SgrtSession *s, int64_t i)
{
    const SgrtColumn *c = &s->graph->column[i];
    const SgrtBound *b = &s->data.bound[i];
    char source[4096], note[500];
    cJSON *entry = cJSON_AddObjectToObject(to, c->name);
    if (b->source.path)
        cJSON_AddStringToObject(entry, source_key,
                                sgrt_source_text(&b->source, source, sizeof source));
    cJSON_AddStringToObject(entry, "type", sgrt_stored_name(b->file_stored));
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int64_t k = 0; k < b->file_rank; k++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)b->file_dim[k]));
    if (c->by_rows)
        cJSON_AddNumberToObject(entry, "rows", (double)b->rows);
    if (sgrt_bound_note(b, c, note, sizeof note))
        cJSON_AddStringToObject(entry, "note", note);
}

cJSON *sgrt_config_make(const SgrtSession *s, const SgrtTrainer *t, int64_t epochs, int64_t steps)
{
    const SgrtModel *model = s->model;
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, "model", model->name);
    cJSON_AddStringToObject(config, "hash", model->hash);
    cJSON_AddStringToObject(config, "sgc", model->version);
    cJSON_AddStringToObject(config, "cpu", model->cpu);
    cJSON_AddStringToObject(config, "graph", s->graph->name);
    add_settings(cJSON_AddObjectToObject(config, "settings"), t, epochs, steps);
    cJSON *hypers = cJSON_AddObjectToObject(config, "hypers");
    for (int64_t i = 0; i < model->hypers; i++)
        cJSON_AddNumberToObject(hypers, model->hyper[i].name, s->hyper[i]);
    cJSON *data = cJSON_AddObjectToObject(config, data_key);
    for (int64_t i = 0; i < s->graph->columns; i++)
        add_column(data, s, i);
    if (s->graph->batch)
        cJSON_AddNumberToObject(config, "rows", (double)s->data.rows);
    return config;
}

/* What a number or a text says to an option.  The words made up live as long as the configuration,
 * which keeps them under a key of its own. */
static const char *text_of(cJSON *config, const cJSON *item)
{
    static const char *const key = "words";
    cJSON *words = cJSON_GetObjectItemCaseSensitive(config, key);
    if (!cJSON_IsNumber(item))
        return item->valuestring;
    if (!words)
        words = cJSON_AddArrayToObject(config, key);
    char *digits = cJSON_PrintUnformatted(item);
    cJSON *word = digits ? cJSON_CreateString(digits) : NULL;
    free(digits);
    cJSON_AddItemToArray(words, word);
    return word ? word->valuestring : NULL;
}

static bool adopt_settings(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    bool length = o->epochs >= 0 || o->steps >= 0;
    cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, "settings"))
    {
        if (length && (strcmp(item->string, "epochs") == 0 || strcmp(item->string, "steps") == 0))
            continue;
        const char *text = text_of(config, item);
        if (!text || !sgrt_options_fill(o, item->string, text, e))
            return text ? false
                        : sgrt_fail(e, "setting %s is neither number nor text", item->string);
    }
    return true;
}

static bool adopt_bindings(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, "hypers"))
    {
        const char *text = text_of(config, item);
        if (text && !sgrt_options_bind(o, item->string, text, e))
            return false;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, data_key))
    {
        const cJSON *source = cJSON_GetObjectItemCaseSensitive(item, source_key);
        if (cJSON_IsString(source) && !sgrt_options_bind(o, item->string, source->valuestring, e))
            return false;
    }
    return true;
}

bool sgrt_config_adopt(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    const cJSON *graph = cJSON_GetObjectItemCaseSensitive(config, "graph");
    if (!o->graph && cJSON_IsString(graph))
        o->graph = graph->valuestring;
    return adopt_settings(config, o, e) && adopt_bindings(config, o, e);
}
