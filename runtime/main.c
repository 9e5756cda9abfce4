/* The executable that a model becomes: start-up checks, then a verb. */
#include "runtime/rt.h"

#include "runtime/config.h"
#include "runtime/cpu.h"
#include "runtime/data.h"
#include "runtime/plan.h"
#include "runtime/say.h"
#include "runtime/suggest.h"
#include "runtime/verb.h"

#include <string.h>

static const struct {
    const char *name, *usage, *help;
    int (*run)(const SgrtModel *model, SgrtOptions *options);
} verb_row[] = {
#define VERB(id, name, usage, help) {name, usage, help, sgrt_verb_##id},
#include "runtime/verbs.def"
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void print_usage(FILE *out, const char *program, const SgrtModel *model)
{
    fprintf(out, "usage: %s VERB ...\n", program);
    for (int i = 0; i < SGRT_VERB_COUNT; i++)
        fprintf(out, "  %s %s\n         %s\n", verb_row[i].name, verb_row[i].usage,
                verb_row[i].help);
    fprintf(out, "  help [VERB]\n         lists a verb's options\ngraphs:");
    for (int64_t i = 0; i < model->graphs; i++)
        fprintf(out, " %s", model->graph[i].name);
    fputc('\n', out);
}

static int unknown_verb(const char *program, const char *word)
{
    SgrtSuggestion near = {.word = word};
    for (int i = 0; i < SGRT_VERB_COUNT; i++)
        sgrt_suggest(&near, verb_row[i].name);
    sgrt_suggest(&near, "help");
    if (near.nearest)
        fprintf(stderr, "%s: '%s' is no verb; did you mean %s?\n", program, word, near.nearest);
    else
        fprintf(stderr, "%s: '%s' is no verb; try %s help\n", program, word, program);
    return SGRT_USAGE;
}

/* What NAME=VALUE may name in this model. */
static void print_names(FILE *out, const SgrtModel *model)
{
    char shape[200];
    fprintf(out, "names\n");
    for (int64_t i = 0; i < model->graphs; i++)
        for (int64_t k = 0; k < model->graph[i].columns; k++) {
            const SgrtColumn *c = &model->graph[i].column[k];
            fprintf(out, "  %s=FILE%*s data %s of graph %s%s\n", c->name, 20 - (int)strlen(c->name),
                    "",
                    c->rank ? sgrt_shape_text(shape, sizeof shape, c->dim, c->rank) : "a number",
                    model->graph[i].name, c->by_rows ? ", by rows" : "");
        }
    for (int64_t i = 0; i < model->hypers; i++)
        fprintf(out, "  %s=VALUE%*s hyper, %g by default\n", model->hyper[i].name,
                19 - (int)strlen(model->hyper[i].name), "", model->hyper[i].value);
}

static void print_verb(SgrtVerb verb, const SgrtModel *model)
{
    char text[400];
    sgrt_options_help(stdout, verb);
    for (int64_t i = 0; verb == SGRT_VERB_train && i < model->trains; i++)
        printf("%s\n  %s\n", i ? "" : "defaults of this model",
               sgrt_plan_text(text, sizeof text, model, &model->train[i]));
    if (verb != SGRT_VERB_info)
        print_names(stdout, model);
}

static int help(const char *program, const SgrtModel *model, int argc, char **argv)
{
    if (argc < 3) {
        print_usage(stdout, program, model);
        return SGRT_OK;
    }
    SgrtVerb verb = sgrt_verb_find(argv[2]);
    if (verb == SGRT_VERB_COUNT)
        return unknown_verb(program, argv[2]);
    print_verb(verb, model);
    return SGRT_OK;
}

/* The words that are no verb. */
static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int version(const SgrtModel *model)
{
    printf("%s (%s), compiled by sgc %s for %s\n", model->name, model->hash, model->version,
           model->cpu);
    return SGRT_OK;
}

/* --config FILE; *config is the caller's to delete, after the options. */
static bool read_config(SgrtOptions *o, cJSON **config, SgrtError *e)
{
    if (!o->config)
        return true;
    *config = sgrt_config_read(o->config, e);
    return *config && sgrt_config_adopt(*config, o->config, o, e);
}

static int run_verb(SgrtVerb verb, const SgrtModel *model, int argc, char **argv)
{
    SgrtError e;
    SgrtOptions options;
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0) {
            print_verb(verb, model);
            return SGRT_OK;
        }
    int status = SGRT_USAGE;
    cJSON *config = NULL;
    if (!sgrt_options_parse(&options, verb, argc, argv, &e))
        sgrt_say_error(&options, status, &e);
    else if (!read_config(&options, &config, &e))
        status = sgrt_say_error(&options, SGRT_FAILED, &e);
    else if (!sgrt_cpu_check(model, &e))
        status = sgrt_say_error(&options, SGRT_FAILED, &e);
    else
        status = verb_row[verb].run(model, &options);
    sgrt_options_free(&options);
    cJSON_Delete(config);
    return status;
}

/* What was printed counts as done only if it arrived. */
static int finish(const char *program, int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "%s: the output could not be written\n", program);
    return status == SGRT_OK ? SGRT_FAILED : status;
}

int sgrt_main(int argc, char **argv, const SgrtModel *model)
{
    const char *program = argc > 0 ? last_part(argv[0]) : model->name;
    if (model->abi != SGRT_ABI) {
        fprintf(stderr, "%s: compiled for interface %lld of the runtime, and this is %d; rebuild\n",
                program, (long long)model->abi, SGRT_ABI);
        return SGRT_FAILED;
    }
    if (argc < 2) {
        print_usage(stderr, program, model);
        return SGRT_USAGE;
    }
    if (is_help(argv[1]))
        return finish(program, help(program, model, argc, argv));
    if (strcmp(argv[1], "--version") == 0)
        return finish(program, version(model));
    SgrtVerb verb = sgrt_verb_find(argv[1]);
    if (verb == SGRT_VERB_COUNT)
        return unknown_verb(program, argv[1]);
    return finish(program, run_verb(verb, model, argc, argv));
}
