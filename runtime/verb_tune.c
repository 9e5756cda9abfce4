/* tune: the best legal estimator of every draw, by variance x time.
 *
 * The model's source is compiled anew with each estimator in turn in the place of the draw's `via`,
 * the others as they are; what sgc refuses is not legal.  Without a `via` the draw may have an estimator
 * for each group of costs, which no `via` says.  `variance` of what compiles measures it,
 * with noise that no training reads.  The best of a draw stays while the next draws are tuned. */
#include "runtime/verb.h"

#include "runtime/memory.h"
#include "runtime/session.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const candidate[] = {
#define TRY(via) via,
#include "runtime/tune.def"
};
enum { CANDIDATES = sizeof candidate / sizeof *candidate, PATH_ROOM = 4096, NAME_ROOM = 64, FILE_ROOM = 16 };

typedef struct Tuning {
    SgrtSession *s;
    char source[PATH_ROOM];           /* the model's file */
    char folder[PATH_ROOM - FILE_ROOM]; /* where variants are made */
    char *text;                         /* owned: of the source, with what was chosen so far */
} Tuning;

/* ---- the source ----------------------------------------------------------------------------- */

static char *read_file(const char *path, SgrtError *e)
{
    FILE *in = fopen(path, "rb");
    char *text = NULL;
    size_t room = 0;
    if (!in || getdelim(&text, &room, '\0', in) < 0) {
        sgrt_fail(e, "%s: %s", path, strerror(errno));
        free(text);
        text = NULL;
    }
    if (in)
        fclose(in);
    return text;
}

static bool write_file(const char *path, const char *text, SgrtError *e)
{
    char beside[PATH_ROOM + 8];
    snprintf(beside, sizeof beside, "%s.tune", path);
    FILE *out = fopen(beside, "wb");
    bool done = out && fputs(text, out) >= 0;
    done = out && fclose(out) == 0 && done && rename(beside, path) == 0;
    return done || sgrt_fail(e, "%s: %s", path, strerror(errno));
}

/* Where a draw's `via` stands, or would. */
typedef struct Spot {
    char name[NAME_ROOM];
    const char *via, *end;
} Spot;

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* "name[...][...] ~ law via estimator" at the start of a statement; where it goes on. */
static const char *read_draw(const char *at, Spot *spot)
{
    size_t n = 0;
    const char *from = at;
    while (is_word(at[n]))
        n++;
    at += n;
    for (at = skip_blanks(at); *at == '['; at = skip_blanks(at)) {
        at += strcspn(at, "]\n");
        at += *at == ']';
    }
    if (n == 0 || n >= NAME_ROOM || *at != '~')
        return NULL;
    snprintf(spot->name, sizeof spot->name, "%.*s", (int)n, from);
    spot->via = NULL;
    for (int depth = 0; *at && *at != '#' && (depth > 0 || !strchr("\n;}", *at)); at++) {
        depth += *at == '(' || *at == '[';
        depth -= *at == ')' || *at == ']';
        if (depth == 0 && strncmp(at, " via ", 5) == 0)
            spot->via = at;
    }
    while (at > from && isspace((unsigned char)at[-1]))
        at--;
    spot->end = at;
    spot->via = spot->via ? spot->via : at;
    return at;
}

/* The next draw of the graph after `at`; NULL: there is none. */
static const char *next_draw(const char *at, const char *end, Spot *spot)
{
    for (bool start = true; at < end; at++) {
        const char *after = start && is_word(*at) ? read_draw(at, spot) : NULL;
        if (after)
            return after;
        if (*at == '#')
            at += strcspn(at, "\n");
        start = strchr("\n;{", *at) || (start && isspace((unsigned char)*at));
    }
    return NULL;
}

/* The body of the graph of that name. */
static const char *find_graph(const char *text, const char *name, const char **end)
{
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, "graph ")); at++) {
        const char *word = skip_blanks(at + 6), *body = skip_blanks(word + n);
        if (strncmp(word, name, n) != 0 || is_word(word[n]) || *body != '{')
            continue;
        int depth = 0;
        const char *close = body;
        do {
            depth += (*close == '{') - (*close == '}');
            close++;
        } while (*close && depth > 0);
        *end = close;
        return body;
    }
    return NULL;
}

static char *with_via(const char *text, const Spot *spot, const char *via, SgrtError *e)
{
    size_t room = strlen(text) + strlen(via) + 8;
    char *out = sgrt_alloc((int64_t)room, 1, e);
    if (out)
        snprintf(out, room, "%.*s%s%s%s", (int)(spot->via - text), text, *via ? " via " : "", via,
                 spot->end);
    return out;
}

/* ---- children ------------------------------------------------------------------------------- */

/* Runs a program, its streams into files; its status, or -1. */
static int run(char *const *argv, const char *out, const char *err)
{
    pid_t child;
    int status = -1, flags = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 1, out, flags, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err, flags, 0600);
    int error = posix_spawnp(&child, argv[0], &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0)
        return -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *in_folder(const Tuning *t, const char *name, char *path)
{
    snprintf(path, PATH_ROOM, "%s/%s", t->folder, name);
    return path;
}

/* -1: there is no compiler; 0: compiled; else refused. */
static int compile(const Tuning *t, const char *text, SgrtError *e)
{
    char file[PATH_ROOM], model[PATH_ROOM], out[PATH_ROOM], err[PATH_ROOM];
    const char *sgc = getenv("SGC");
    if (!write_file(in_folder(t, "model.sg", file), text, e))
        return -1;
    in_folder(t, "model", model);
    char *argv[] = {(char *)(sgc ? sgc : "sgc"),
                    file,
                    "--real",
                    t->s->model->real == SGRT_F64 ? "f64" : "f32",
                    "-o",
                    model,
                    "--remarks=json",
                    NULL};
    int status = run(argv, in_folder(t, "out", out), in_folder(t, "err", err));
    if (status < 0 || status == 127)
        sgrt_fail(e,
                  "tune compiles variants of the model: it needs sgc in PATH, or its path in the "
                  "variable SGC");
    return status == 127 ? -1 : status;
}

/* Is it the remark on the draw of that name on that line, counted from 0? */
static bool is_about(const char *text, const char *name, int line)
{
    cJSON *remark = cJSON_Parse(text); /* the first value of the text */
    const cJSON *draw = cJSON_GetObjectItem(cJSON_GetObjectItem(remark, "data"), "draw");
    const cJSON *start = cJSON_GetObjectItem(cJSON_GetObjectItem(remark, "range"), "start");
    const cJSON *at = cJSON_GetObjectItem(start, "line");
    bool about = cJSON_IsString(draw) && strcmp(draw->valuestring, name) == 0 &&
                 cJSON_IsNumber(at) && at->valueint == line;
    cJSON_Delete(remark);
    return about;
}

/* Did the compiler choose more than one estimator for the draw? */
static bool is_split(const Tuning *t, const Spot *spot, SgrtError *e)
{
    char path[PATH_ROOM];
    int line = 0, remarks = 0;
    for (const char *c = t->text; c < spot->via; c++)
        line += *c == '\n';
    char *text = read_file(in_folder(t, "err", path), e);
    for (const char *c = text; c; c = strchr(c, '\n') ? strchr(c, '\n') + 1 : NULL)
        remarks += is_about(c, spot->name, line);
    free(text);
    return remarks > 1;
}

/* The command line of tune, but for what is its own. */
static bool measure(const Tuning *t, double *variance, double *seconds, SgrtError *e)
{
    char model[PATH_ROOM], out[PATH_ROOM], err[PATH_ROOM];
    const SgrtOptions *o = t->s->options;
    char **argv = sgrt_alloc(o->argc + 4, sizeof *argv, e);
    int count = 0;
    if (!argv)
        return false;
    argv[count++] = (char *)in_folder(t, "model", model);
    argv[count++] = "variance";
    argv[count++] = "--json";
    for (int i = 2; i < o->argc; i++)
        if (strcmp(o->argv[i], "--source") == 0)
            i++;
        else if (strcmp(o->argv[i], "--write") != 0 && strncmp(o->argv[i], "--source=", 9) != 0)
            argv[count++] = o->argv[i];
    int status = run(argv, in_folder(t, "out", out), in_folder(t, "err", err));
    free(argv);
    char *text = status == 0 ? read_file(out, e) : NULL;
    cJSON *all = text ? cJSON_Parse(text) : NULL;
    const cJSON *v = cJSON_GetObjectItem(all, "variance"), *s = cJSON_GetObjectItem(all, "seconds");
    bool known = cJSON_IsNumber(v) && cJSON_IsNumber(s);
    *variance = known ? v->valuedouble : NAN;
    *seconds = known ? s->valuedouble : NAN;
    cJSON_Delete(all);
    free(text);
    return true;
}

/* ---- tuning --------------------------------------------------------------------------------- */

/* Tries every estimator of the draw; the best one's program becomes the text. */
static bool tune_draw(Tuning *t, const Spot *spot, SgrtError *e)
{
    char *best = NULL;
    const char *winner = NULL;
    double least = INFINITY;
    printf("%s\n%12s %12s %12s  via\n", spot->name, "variance", "seconds", "product");
    for (int i = 0; i < CANDIDATES; i++) {
        char *text = with_via(t->text, spot, candidate[i], e);
        int status = text ? compile(t, text, e) : -1;
        double variance, seconds;
        if (status == 0 && !*candidate[i] && !is_split(t, spot, e))
            status = 1;
        if (status < 0 || (status == 0 && !measure(t, &variance, &seconds, e))) {
            free(text);
            free(best);
            return false;
        }
        double product = status == 0 ? variance * seconds : NAN;
        if (!isnan(product))
            printf("%12.4g %12.4g %12.4g  %s\n", variance, seconds, product,
                   *candidate[i] ? candidate[i] : "an estimator for each group of costs");
        bool better = product < least;
        free(better ? best : text);
        best = better ? text : best;
        winner = better ? candidate[i] : winner;
        least = better ? product : least;
    }
    if (winner && !*winner)
        printf("%s ~ without via\n", spot->name);
    else
        printf("%s ~ via %s\n", spot->name, winner ? winner : "what it has");
    if (best) {
        free(t->text);
        t->text = best;
    }
    return true;
}

/* Draws are numbered, because the text changes under them. */
static bool tune_draws(Tuning *t, SgrtError *e)
{
    for (int64_t number = 0;; number++) {
        Spot spot;
        const char *end, *at = find_graph(t->text, t->s->graph->name, &end);
        if (!at)
            return sgrt_fail(e, "%s has no graph %s", t->source, t->s->graph->name);
        for (int64_t i = 0; i <= number && at; i++)
            at = next_draw(at, end, &spot);
        if (!at)
            return true;
        if (!tune_draw(t, &spot, e))
            return false;
    }
}

static void remove_folder(const Tuning *t)
{
    if (!*t->folder)
        return;
    static const char *const name[] = {"model.sg", "model", "out", "err"};
    char path[PATH_ROOM];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        unlink(in_folder(t, name[i], path));
    rmdir(t->folder);
}

/* The file that the first parameter's place names, which is without a folder. */
static bool find_source(Tuning *t, SgrtError *e)
{
    const char *given = t->s->options->source;
    if (given) {
        snprintf(t->source, sizeof t->source, "%s", given);
        return true;
    }
    const char *place = t->s->model->params ? t->s->model->param[0].place : NULL;
    if (!place || !strchr(place, ':'))
        return sgrt_fail(e, "the model has no parameter whose place names its source");
    snprintf(t->source, sizeof t->source, "%.*s", (int)strcspn(place, ":"), place);
    return access(t->source, F_OK) == 0 ||
           sgrt_fail(e, "%s is not in this folder: --source FILE says where the model's source is",
                     t->source);
}

static bool make_folder(Tuning *t, SgrtError *e)
{
    const char *root = getenv("TMPDIR");
    root = root && *root ? root : "/tmp";
    int length = snprintf(t->folder, sizeof t->folder, "%s/sgc-tune-XXXXXX", root);
    errno = ENAMETOOLONG;
    if (length < (int)sizeof t->folder && mkdtemp(t->folder))
        return true;
    t->folder[0] = 0;
    return sgrt_fail(e, "no folder can be made in %s: %s", root, strerror(errno));
}

static bool tune(SgrtSession *s, SgrtError *e)
{
    Tuning t = {.s = s};
    if (!find_source(&t, e) || !(t.text = read_file(t.source, e)))
        return false;
    bool done = make_folder(&t, e) && tune_draws(&t, e);
    remove_folder(&t);
    if (done && s->options->write)
        done = write_file(t.source, t.text, e);
    free(t.text);
    return done;
}

static int tune_session(SgrtSession *s)
{
    SgrtError e;
    return tune(s, &e) ? SGRT_OK : sgrt_say_error(s->options, SGRT_FAILED, &e);
}

int sgrt_verb_tune(const SgrtModel *model, SgrtOptions *options)
{
    return sgrt_session_of_step(model, options, false, tune_session);
}
