/* The files of a run's folder. */
#include "runtime/rundir.h"

#include "runtime/file.h"
#include "runtime/input.h"
#include "runtime/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CONFIG = 1 << 24 };

static bool system_error(const char *path, SgrtError *e)
{
    return sgrt_fail(e, "%s: %s", path, strerror(errno));
}

static char *join(const char *folder, const char *name, SgrtError *e)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) >= 0)
        return path;
    sgrt_fail(e, "out of memory");
    return NULL;
}

/* mkdir -p. */
static bool make_folder(const char *path, SgrtError *e)
{
    struct stat s;
    char *part = sgrt_copy_text(path, e);
    bool made = part != NULL;
    for (char *at = part; made && at;) {
        at = strchr(at + 1, '/');
        if (at)
            *at = 0;
        made = mkdir(part, 0777) == 0 || errno == EEXIST || system_error(part, e);
        if (at)
            *at = '/';
    }
    free(part);
    if (made && (stat(path, &s) != 0 || !S_ISDIR(s.st_mode)))
        return sgrt_fail(e, "%s: not a folder", path);
    return made;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static bool look(SgrtRunDir *d, const char *path, SgrtRunMode mode, SgrtError *e)
{
    d->config = join(path, "config.json", e);
    d->metrics = join(path, "metrics.jsonl", e);
    d->checkpoint = join(path, "checkpoint.safetensors", e);
    if (!d->config || !d->metrics || !d->checkpoint)
        return false;
    if (mode == SGRT_RUN_RESUME)
        return (exists(d->config) && exists(d->checkpoint)) ||
               sgrt_fail(e, "%s holds no run to resume", path);
    if (mode == SGRT_RUN_NEW && (exists(d->config) || exists(d->checkpoint)))
        return sgrt_fail(e, "%s holds a run; --resume goes on with it, --force replaces it", path);
    return make_folder(path, e);
}

bool sgrt_rundir_open(SgrtRunDir *d, const char *path, SgrtRunMode mode, SgrtError *e)
{
    *d = (SgrtRunDir){0};
    if (look(d, path, mode, e))
        return true;
    sgrt_rundir_close(d);
    return false;
}

void sgrt_rundir_close(SgrtRunDir *d)
{
    if (d->log)
        fclose(d->log);
    free(d->config);
    free(d->metrics);
    free(d->checkpoint);
    *d = (SgrtRunDir){0};
}

/* Whether a line belongs to the part of the run that is kept. */
static bool line_is_kept(const char *line, int64_t step)
{
    cJSON *json = cJSON_Parse(line);
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(json, "step");
    bool kept = strchr(line, '\n') && cJSON_IsNumber(at) && at->valuedouble <= (double)step;
    cJSON_Delete(json);
    return kept;
}

/* Where the lines of later steps, or half a line of a run that was killed, begin. */
static long kept_length(FILE *f, int64_t step)
{
    char *line = NULL;
    size_t room = 0;
    long end = 0;
    rewind(f);
    while (getline(&line, &room, f) > 0 && line_is_kept(line, step))
        end = ftell(f);
    free(line);
    return end;
}

bool sgrt_rundir_start_log(SgrtRunDir *d, int64_t step, SgrtError *e)
{
    d->log = fopen(d->metrics, "a+");
    if (!d->log || ftruncate(fileno(d->log), kept_length(d->log, step)) != 0)
        return system_error(d->metrics, e);
    return true;
}

bool sgrt_rundir_log(SgrtRunDir *d, const cJSON *line, SgrtError *e)
{
    char *text = cJSON_PrintUnformatted(line);
    bool logged = text && fprintf(d->log, "%s\n", text) > 0 && fflush(d->log) == 0;
    free(text);
    return logged || system_error(d->metrics, e);
}

bool sgrt_rundir_write_config(const SgrtRunDir *d, const cJSON *config, SgrtError *e)
{
    SgrtFile f;
    char *text = cJSON_Print(config);
    if (!text)
        return sgrt_fail(e, "out of memory");
    bool written = sgrt_file_begin(&f, d->config, e);
    if (written) {
        written = sgrt_file_write(&f, text, (int64_t)strlen(text), e) &&
                  sgrt_file_write(&f, "\n", 1, e) && sgrt_file_commit(&f, e);
        sgrt_file_abandon(&f);
    }
    free(text);
    return written;
}

cJSON *sgrt_rundir_read_config(const SgrtRunDir *d, SgrtError *e)
{
    SgrtInput in;
    cJSON *config = NULL;
    if (!sgrt_input_open(&in, d->config, e))
        return NULL;
    char *text = sgrt_alloc(MOST_CONFIG, 1, e);
    int64_t length = text ? sgrt_input_some(&in, text, MOST_CONFIG, e) : -1;
    if (length >= 0) {
        config = cJSON_ParseWithLength(text, (size_t)length);
        if (!cJSON_IsObject(config))
            sgrt_fail(e, "%s: not a JSON object", d->config);
    }
    free(text);
    sgrt_input_close(&in);
    if (cJSON_IsObject(config))
        return config;
    cJSON_Delete(config);
    return NULL;
}
