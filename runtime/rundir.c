/* The files of a run's folder. */
#include "runtime/rundir.h"

#include "runtime/events.h"
#include "runtime/file.h"
#include "runtime/memory.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    d->path = sgrt_copy_text(path, e);
    d->config = join(path, "config.json", e);
    d->metrics = join(path, "metrics.jsonl", e);
    d->latest = join(path, "latest", e);
    d->reports = join(path, "events.out.tfevents.sgc", e);
    if (!d->path || !d->config || !d->metrics || !d->latest || !d->reports)
        return false;
    if (mode == SGRT_RUN_RESUME)
        return exists(d->config) || sgrt_fail(e, "%s holds no run to resume", path);
    if (mode == SGRT_RUN_NEW && (exists(d->config) || exists(d->latest)))
        return sgrt_fail(e, "%s holds a run: --resume %s goes on with it, --overwrite replaces it",
                         path, path);
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
    if (d->events)
        fclose(d->events);
    free(d->path);
    free(d->config);
    free(d->metrics);
    free(d->latest);
    free(d->reports);
    *d = (SgrtRunDir){0};
}

bool sgrt_rundir_has_checkpoint(const SgrtRunDir *d)
{
    return exists(d->latest);
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

#define CHECKPOINT "step-%08lld.safetensors"

char *sgrt_rundir_checkpoint(const SgrtRunDir *d, int64_t step, SgrtError *e)
{
    char name[64];
    snprintf(name, sizeof name, CHECKPOINT, (long long)step);
    return join(d->path, name, e);
}

/* The step of a checkpoint's name; -1 for any other name. */
static int64_t step_of(const char *name)
{
    char same[64];
    long long step = -1;
    if (sscanf(name, "step-%lld", &step) != 1 || step < 0)
        return -1;
    snprintf(same, sizeof same, CHECKPOINT, step);
    return strcmp(name, same) == 0 ? step : -1;
}

static int falling(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x > y ? -1 : x < y;
}

/* The steps of the folder's checkpoints, newest first, for the caller to free. */
static int64_t *list_steps(const SgrtRunDir *d, int64_t *count, SgrtError *e)
{
    int64_t *step = NULL, room = 0;
    DIR *folder = opendir(d->path);
    *count = 0;
    if (!folder) {
        system_error(d->path, e);
        return NULL;
    }
    for (struct dirent *entry = NULL; (entry = readdir(folder));) {
        int64_t *grown = sgrt_grow(step, &room, *count + 1, sizeof *grown, e);
        if (!grown) {
            free(step);
            closedir(folder);
            return NULL;
        }
        step = grown;
        step[*count] = step_of(entry->d_name);
        *count += step[*count] >= 0;
    }
    closedir(folder);
    qsort(step, (size_t)*count, sizeof *step, falling);
    return step;
}

/* Those up to step `newest`, but for the `keep` newest of them. */
static bool remove_checkpoints(const SgrtRunDir *d, int64_t newest, int64_t keep, SgrtError *e)
{
    int64_t count = 0, seen = 0;
    int64_t *step = list_steps(d, &count, e);
    bool removed = step != NULL;
    for (int64_t i = 0; removed && i < count; i++) {
        if (step[i] > newest || seen++ < keep)
            continue;
        char *path = sgrt_rundir_checkpoint(d, step[i], e);
        removed = path && (unlink(path) == 0 || system_error(path, e));
        free(path);
    }
    free(step);
    return removed;
}

bool sgrt_rundir_clear(const SgrtRunDir *d, SgrtError *e)
{
    const char *const gone[] = {d->latest, d->reports};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (unlink(gone[i]) != 0 && errno != ENOENT)
            return system_error(gone[i], e);
    return remove_checkpoints(d, INT64_MAX, 0, e);
}

/* A link cannot be changed, but another can be renamed over it. */
static bool move_latest(const SgrtRunDir *d, int64_t step, SgrtError *e)
{
    char name[64];
    char *temporary = join(d->path, "latest.tmp", e);
    if (!temporary)
        return false;
    snprintf(name, sizeof name, CHECKPOINT, (long long)step);
    bool moved = (unlink(temporary) == 0 || errno == ENOENT) && symlink(name, temporary) == 0 &&
                 rename(temporary, d->latest) == 0;
    if (!moved)
        system_error(d->latest, e);
    free(temporary);
    return moved;
}

bool sgrt_rundir_advance(SgrtRunDir *d, int64_t step, int64_t keep, SgrtError *e)
{
    if (fsync(fileno(d->log)) != 0 && errno != EINVAL)
        return system_error(d->metrics, e);
    return move_latest(d, step, e) && remove_checkpoints(d, step, keep, e);
}

/* ---- log and configuration ------------------------------------------------------------------ */

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

bool sgrt_rundir_start_log(SgrtRunDir *d, int64_t step, bool events, SgrtError *e)
{
    d->log = fopen(d->metrics, "a+");
    if (!d->log || ftruncate(fileno(d->log), kept_length(d->log, step)) != 0)
        return system_error(d->metrics, e);
    if (events)
        d->events = sgrt_events_open(d->reports, step, e);
    return !events || d->events;
}

bool sgrt_rundir_log(SgrtRunDir *d, const cJSON *line, SgrtError *e)
{
    char *text = cJSON_PrintUnformatted(line);
    bool logged = text && fprintf(d->log, "%s\n", text) > 0 && fflush(d->log) == 0;
    free(text);
    if (!logged)
        return system_error(d->metrics, e);
    return !d->events || sgrt_events_add(d->events, line) || system_error(d->reports, e);
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
