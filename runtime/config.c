/* The configuration of a run, written and taken back. */
#include "runtime/config.h"

#include "runtime/input.h"
#include "runtime/memory.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST_CONFIG = 1 << 24 };

/* What a configuration has. */
enum Key {
    MODEL,
    HASH,
    SGC,
    CPU,
    GRAPH,
    SETTINGS,
    HYPERS,
    ROWS,
    ARGV,
    THREADS,
    BLAS,
    DATA,
    EVAL,
    KEYS
};

static const struct {
    const char *name;
    bool object; /* of names */
} key[KEYS] = {
    [MODEL] = {"model", false},     [HASH] = {"hash", false},   [SGC] = {"sgc", false},
    [CPU] = {"cpu", false},         [GRAPH] = {"graph", false}, [SETTINGS] = {"settings", true},
    [HYPERS] = {"hypers", true},    [ROWS] = {"rows", false},   [ARGV] = {"argv", false},
    [THREADS] = {"threads", false}, [BLAS] = {"blas", false},   [DATA] = {"data", true},
    [EVAL] = {"eval_data", true},
};

static const char *const source_key = "source", *const sum_key = "sha256";

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

/* Options that change what is reported or kept, where the command line has them. */
static void add_options(cJSON *to, const SgrtOptions *o)
{
    const struct {
        const char *field;
        int64_t value;
    } number[] = {{"rows", o->rows},
                  {"log_every", o->log_every},
                  {"save_every", o->save_every},
                  {"eval_every", o->eval_every},
                  {"variance", o->variance},
                  {"keep", o->keep}};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if (number[i].value >= 0)
            cJSON_AddNumberToObject(to, number[i].field, (double)number[i].value);
    if (o->overfit)
        cJSON_AddBoolToObject(to, "overfit", true);
    if (o->tensorboard)
        cJSON_AddBoolToObject(to, "tensorboard", true);
    if (o->from)
        cJSON_AddStringToObject(to, "from", o->from);
}

static void add_machine(cJSON *to, const SgrtSession *s)
{
    cJSON *argv = cJSON_AddArrayToObject(to, key[ARGV].name);
    for (int i = 0; i < s->options->argc; i++)
        cJSON_AddItemToArray(argv, cJSON_CreateString(s->options->argv[i]));
    cJSON_AddNumberToObject(to, key[THREADS].name, (double)sgrt_pool_threads(s->pool));
    cJSON_AddStringToObject(to, key[BLAS].name, SGRT_BLAS);
}

/* Reads the file once more.  What is no regular file, such as a pipe, has been read already. */
static bool add_sum(cJSON *entry, const char *path, SgrtError *e)
{
    struct stat s;
    char sum[SHA256_DIGEST_STRING_LENGTH];
    if (stat(path, &s) != 0 || !S_ISREG(s.st_mode))
        return true;
    if (!SHA256File(path, sum))
        return sgrt_fail(e, "%s: %s", path, strerror(errno));
    cJSON_AddNumberToObject(entry, "bytes", (double)s.st_size);
    cJSON_AddStringToObject(entry, sum_key, sum);
    return true;
}

static bool add_column(cJSON *to, const SgrtData *data, int64_t i, SgrtError *e)
{
    const SgrtColumn *c = &data->graph->column[i];
    const SgrtBound *b = &data->bound[i];
    char source[4096], note[500];
    cJSON *entry = cJSON_AddObjectToObject(to, c->name);
    if (b->source.path)
        cJSON_AddStringToObject(entry, source_key,
                                sgrt_source_text(&b->source, source, sizeof source));
    if (b->source.path && b->source.kind == SGRT_SOURCE_FILE && !add_sum(entry, b->source.path, e))
        return false;
    cJSON_AddStringToObject(entry, "type", sgrt_stored_name(b->file_stored));
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int64_t k = 0; k < b->file_rank; k++)
        cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)b->file_dim[k]));
    if (c->by_rows)
        cJSON_AddNumberToObject(entry, "rows", (double)b->rows);
    if (sgrt_bound_note(b, c, note, sizeof note))
        cJSON_AddStringToObject(entry, "note", note);
    return true;
}

static bool add_data(cJSON *to, const SgrtData *data, SgrtError *e)
{
    for (int64_t i = 0; i < data->graph->columns; i++)
        if (!add_column(to, data, i, e))
            return false;
    return true;
}

cJSON *sgrt_config_make(const SgrtSession *s, const SgrtTrainer *t, const SgrtData *held,
                        int64_t epochs, int64_t steps, SgrtError *e)
{
    const SgrtModel *model = s->model;
    cJSON *config = cJSON_CreateObject();
    cJSON_AddStringToObject(config, key[MODEL].name, model->name);
    cJSON_AddStringToObject(config, key[HASH].name, model->hash);
    cJSON_AddStringToObject(config, key[SGC].name, model->version);
    cJSON_AddStringToObject(config, key[CPU].name, model->cpu);
    cJSON_AddStringToObject(config, key[GRAPH].name, s->graph->name);
    cJSON *settings = cJSON_AddObjectToObject(config, key[SETTINGS].name);
    add_settings(settings, t, epochs, steps);
    add_options(settings, s->options);
    cJSON *hypers = cJSON_AddObjectToObject(config, key[HYPERS].name);
    for (int64_t i = 0; i < model->hypers; i++)
        cJSON_AddNumberToObject(hypers, model->hyper[i].name, s->hyper[i]);
    if (s->graph->batch)
        cJSON_AddNumberToObject(config, key[ROWS].name, (double)s->data.rows);
    add_machine(config, s);
    if (add_data(cJSON_AddObjectToObject(config, key[DATA].name), &s->data, e) &&
        (!held || add_data(cJSON_AddObjectToObject(config, key[EVAL].name), held, e)))
        return config;
    cJSON_Delete(config);
    return NULL;
}

bool sgrt_config_same_data(const cJSON *config, const SgrtData *data, SgrtError *e)
{
    cJSON *now = cJSON_CreateObject();
    const cJSON *then = cJSON_GetObjectItemCaseSensitive(config, key[DATA].name), *item = NULL;
    bool same = add_data(now, data, e);
    for (item = now->child; same && item; item = item->next) {
        const cJSON *before = cJSON_GetObjectItemCaseSensitive(then, item->string);
        const char *was = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(before, sum_key));
        const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, sum_key));
        if (was && is && strcmp(was, is) != 0)
            same = sgrt_fail(e, "the file of data %s is not the one that the run began with",
                             item->string);
    }
    cJSON_Delete(now);
    return same;
}

/* A text that lives as long as the configuration, which keeps it under a key of its own. */
static const char *keep_word(cJSON *config, const char *text)
{
    static const char *const own = "words";
    cJSON *words = cJSON_GetObjectItemCaseSensitive(config, own);
    if (!words)
        words = cJSON_AddArrayToObject(config, own);
    cJSON *word = text ? cJSON_CreateString(text) : NULL;
    cJSON_AddItemToArray(words, word);
    return word ? word->valuestring : NULL;
}

/* What a number, a truth or a text says to an option. */
static const char *text_of(cJSON *config, const cJSON *item, const char *what, SgrtError *e)
{
    if (cJSON_IsString(item))
        return item->valuestring;
    bool printed = cJSON_IsNumber(item) || cJSON_IsBool(item);
    char *digits = printed ? cJSON_PrintUnformatted(item) : NULL;
    const char *word = digits ? keep_word(config, digits) : NULL;
    free(digits);
    if (!word)
        sgrt_fail(e, "%s %s is neither number nor text", what, item->string);
    return word;
}

static bool adopt_settings(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    bool length = o->epochs >= 0 || o->steps >= 0;
    cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, key[SETTINGS].name))
    {
        if (length && (strcmp(item->string, "epochs") == 0 || strcmp(item->string, "steps") == 0))
            continue;
        if (!sgrt_options_has(o, item->string) && o->verb != SGRT_VERB_train)
            continue;
        const char *text = text_of(config, item, "setting", e);
        if (!text || !sgrt_options_fill(o, item->string, text, e))
            return false;
    }
    return true;
}

static bool adopt_bindings(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, key[HYPERS].name))
    {
        const char *text = text_of(config, item, "hyper", e);
        if (!text || !sgrt_options_bind(o, item->string, text, e))
            return false;
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, key[DATA].name))
    {
        const cJSON *source = cJSON_GetObjectItemCaseSensitive(item, source_key);
        if (cJSON_IsString(source) && !sgrt_options_bind(o, item->string, source->valuestring, e))
            return false;
    }
    return true;
}

/* Those of the command line stand for all. */
static bool adopt_eval_data(cJSON *config, SgrtOptions *o, SgrtError *e)
{
    cJSON *item = NULL;
    if (o->eval_data.count > 0 || !sgrt_options_has(o, key[EVAL].name))
        return true;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(config, key[EVAL].name))
    {
        char *text = NULL;
        const cJSON *source = cJSON_GetObjectItemCaseSensitive(item, source_key);
        if (!cJSON_IsString(source))
            continue;
        if (asprintf(&text, "%s=%s", item->string, source->valuestring) < 0)
            return sgrt_fail(e, "out of memory");
        const char *word = keep_word(config, text);
        free(text);
        if (!word || !sgrt_options_fill(o, key[EVAL].name, word, e))
            return word ? false : sgrt_fail(e, "out of memory");
    }
    return true;
}

bool sgrt_config_adopt(cJSON *config, const char *path, SgrtOptions *o, SgrtError *e)
{
    const cJSON *graph = cJSON_GetObjectItemCaseSensitive(config, key[GRAPH].name);
    if (!o->graph && cJSON_IsString(graph))
        o->graph = graph->valuestring;
    return (adopt_settings(config, o, e) && adopt_bindings(config, o, e) &&
            adopt_eval_data(config, o, e)) ||
           sgrt_fail_in(e, path);
}

/* Every key is one that is written, and what has names is an object. */
static bool check_keys(const cJSON *config, const char *path, const char *text, SgrtError *e)
{
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, config)
    {
        size_t at = 0;
        while (at < KEYS && strcmp(key[at].name, item->string) != 0)
            at++;
        const char *place = sgrt_json_name(text, item->string);
        if (at == KEYS)
            return sgrt_text_fail(path, text, place, e, "a configuration has no '%.100s'",
                                  item->string);
        if (key[at].object && !cJSON_IsObject(item))
            return sgrt_text_fail(path, text, place, e, "'%s' is not an object", item->string);
    }
    return true;
}

static cJSON *parse(const char *path, const char *text, SgrtError *e)
{
    const char *stop = text;
    cJSON *config = cJSON_ParseWithOpts(text, &stop, true);
    if (cJSON_IsObject(config) && check_keys(config, path, text, e))
        return config;
    if (!cJSON_IsObject(config))
        sgrt_text_fail(path, text, config ? text : stop, e, "not a JSON object");
    cJSON_Delete(config);
    return NULL;
}

cJSON *sgrt_config_read(const char *path, SgrtError *e)
{
    SgrtInput in;
    if (!sgrt_input_open(&in, path, e))
        return NULL;
    char *text = sgrt_alloc(MOST_CONFIG + 1, 1, e); /* the 0 behind it is there */
    int64_t count = text ? sgrt_input_some(&in, text, MOST_CONFIG, e) : -1;
    cJSON *config = count >= 0 ? parse(path, text, e) : NULL;
    free(text);
    sgrt_input_close(&in);
    return config;
}
