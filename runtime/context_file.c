/* Checkpoints, in the format of runtime/checkpoint.h, in memory and in files. */
#include "runtime/complain.h"
#include "runtime/context_scan.h"
#include "runtime/context_state.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The listing of a graph's training, or of the parameters alone; NULL, with the reason in m->error,
 * where there is none. */
static const SgrtListing *find_listing(SgrtContext *m, int graph)
{
    if (m && graph == -1 && m->listing.count >= m->model->params && m->params.value)
        return &m->listing;
    if (!sgrt_context_has_graph(m, graph))
        return NULL;
    if (m->model->graph[graph].step)
        return &m->graph[graph].listing;
    sgrt_fail(&m->error, "graph %s is not trained: it has no cost", m->model->graph[graph].name);
    return NULL;
}

static bool has_path(SgrtContext *m, int graph, const char *path)
{
    return find_listing(m, graph) && (path || sgrt_fail(&m->error, "no path: the pointer is NULL"));
}

/* ---- save ----------------------------------------------------------------------------------- */

static void describe(const SgrtContext *m, int graph, SgrtMetadata *to)
{
    sgrt_describe_model(to, m->model);
    if (*m->note)
        sgrt_say(to, "note", m->note);
    if (graph < 0)
        return;
    sgrt_describe_training(to, &m->graph[graph].step);
    sgrt_say_count(to, "seed", m->seed);
    sgrt_say_count(to, "draw", m->draw[SGRT_STEP]);
}

static int64_t bytes_of(const SgrtTensor *t)
{
    return t->size * sgrt_stored_bytes(t->stored);
}

/* A checkpoint that is going to be written: its tensors stand in m->order. */
typedef struct Saving {
    const SgrtListing *listing;
    SgrtMetadata words;
    int64_t head, total; /* bytes */
} Saving;

static bool prepare(SgrtContext *m, int graph, Saving *s)
{
    const SgrtListing *l = s->listing = find_listing(m, graph);
    if (!l)
        return false;
    s->words.count = 0;
    describe(m, graph, &s->words);
    sgrt_tensors_sort(l->tensor, l->count, m->order);
    s->head = sgrt_tensors_header(NULL, 0, m->order, l->count, s->words.text, s->words.count);
    s->total = s->head;
    for (int64_t i = 0; i < l->count; i++)
        s->total += bytes_of(m->order[i]);
    return true;
}

int64_t sgrt_context_pack(SgrtContext *m, int graph, void *out, int64_t room)
{
    Saving s;
    if (!prepare(m, graph, &s))
        return -1;
    if (!out || room < s.total)
        return s.total;
    int64_t tensors = s.listing->count;
    sgrt_tensors_header(out, s.head, m->order, tensors, s.words.text, s.words.count);
    char *to = (char *)out + s.head;
    for (int64_t i = 0; i < tensors; to += bytes_of(m->order[i++]))
        memcpy(to, m->order[i]->values, (size_t)bytes_of(m->order[i]));
    return s.total;
}

/* Numbers and the note may have become longer since there was one to make room for: a byte of it
 * takes up to six. */
int64_t sgrt_context_header_room(SgrtContext *m)
{
    int64_t most = 0;
    for (int graph = -1; graph < m->model->graphs; graph++) {
        Saving s;
        if (graph >= 0 && !m->model->graph[graph].step)
            continue;
        if (prepare(m, graph, &s) && s.head > most)
            most = s.head;
    }
    return most + SGRT_MOST_TEXTS * SGRT_DIGITS + 6 * SGRT_MOST_NOTE;
}

static bool write_all(SgrtContext *m, const Saving *s, const char *path, SgrtFile *f)
{
    if (!sgrt_file_begin(f, path, &m->error) || !sgrt_file_write(f, m->header, s->head, &m->error))
        return false;
    for (int64_t i = 0; i < s->listing->count; i++)
        if (!sgrt_file_write(f, m->order[i]->values, bytes_of(m->order[i]), &m->error))
            return false;
    return sgrt_file_commit(f, &m->error);
}

int sgrt_context_save(SgrtContext *m, int graph, const char *path)
{
    Saving s;
    SgrtFile f = {.path = ""};
    if (!has_path(m, graph, path) || !prepare(m, graph, &s))
        return SGRT_CONTEXT_ARGUMENT;
    sgrt_tensors_header(m->header, m->header_room, m->order, s.listing->count, s.words.text,
                        s.words.count);
    bool written = write_all(m, &s, path, &f);
    sgrt_file_abandon(&f);
    return written ? SGRT_CONTEXT_OK : SGRT_CONTEXT_FILE;
}

int sgrt_context_note(SgrtContext *m, const char *text)
{
    if (!m || !text)
        return SGRT_CONTEXT_ARGUMENT;
    if (strlen(text) >= sizeof m->note) {
        sgrt_fail(&m->error, "a note of %zu bytes: fewer than %zu are kept", strlen(text),
                  sizeof m->note);
        return SGRT_CONTEXT_ARGUMENT;
    }
    memcpy(m->note, text, strlen(text) + 1);
    return SGRT_CONTEXT_OK;
}

const char *sgrt_context_noted(const SgrtContext *m)
{
    return m ? m->note : "";
}

/* ---- load ----------------------------------------------------------------------------------- */

/* A checkpoint being read. */
typedef struct Loading {
    SgrtContext *m;
    const SgrtListing *listing;
    const SgrtStep *step;        /* NULL: the parameters alone */
    int64_t seed, updates, draw; /* -1: the file does not say */
    bool has_graph, has_optimizer;
    SgrtComplaints complaints;
} Loading;

static bool same_shape(const SgrtTensor *want, const SgrtScanned *t)
{
    bool same = want->rank == t->rank;
    for (int64_t i = 0; same && i < t->rank; i++)
        same = want->dim[i] == t->dim[i];
    return same;
}

/* Something to complain about is no reason to stop. */
static void check_tensor(Loading *l, const SgrtTensor *want, const SgrtScanned *t)
{
    char there[200], here[200];
    if (!same_shape(want, t))
        sgrt_complain(&l->complaints, "%s is %s in the file and %s in the model", t->name,
                      sgrt_shape_text(there, sizeof there, t->dim, t->rank),
                      sgrt_shape_text(here, sizeof here, want->dim, want->rank));
    else if (t->stored != SGRT_STORED_F32 && t->stored != SGRT_STORED_F64)
        sgrt_complain(&l->complaints, "%s is neither F32 nor F64", t->name);
}

/* A name without a slash is a parameter's; what else there is may be of another training. */
static bool take_tensor(void *context, const SgrtScanned *t, SgrtError *e)
{
    Loading *l = context;
    for (int64_t i = 0; i < l->listing->count; i++) {
        const SgrtTensor *want = &l->listing->tensor[i];
        if (strcmp(want->name, t->name) != 0)
            continue;
        if (l->m->found[i].values)
            return sgrt_fail(e, "%s stands twice in the file", t->name);
        l->m->found[i] = (SgrtFound){t->stored, t->values};
        check_tensor(l, want, t);
        return true;
    }
    if (!strchr(t->name, '/'))
        sgrt_complain(&l->complaints, "the model has no parameter %s", t->name);
    return true;
}

static bool whole_number(const char *key, const char *value, int64_t least, int64_t *out,
                         SgrtError *e)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(value, &end, 10);
    return (*value && !*end && errno == 0 && *out >= least) ||
           sgrt_fail(e, "the metadata give '%s' as the %s", value, key);
}

static void compare(Loading *l, const char *what, const char *there, const char *here)
{
    if (strcmp(there, here) != 0)
        sgrt_complain(&l->complaints, "the %s is %s in the file and %s here", what, there, here);
}

static bool take_training(Loading *l, const char *key, const char *value, SgrtError *e)
{
    const SgrtOptimizer *o = l->step->optimizer.optimizer;
    if (strcmp(key, "graph") == 0) {
        l->has_graph = true;
        compare(l, key, value, l->step->data->graph->name);
    }
    if (strcmp(key, "optimizer") == 0 && o) {
        l->has_optimizer = true;
        compare(l, key, value, o->name);
    }
    if (strcmp(key, "seed") == 0)
        return whole_number(key, value, INT64_MIN, &l->seed, e);
    if (strcmp(key, "step") == 0)
        return whole_number(key, value, 0, &l->updates, e);
    if (strcmp(key, "draw") == 0)
        return whole_number(key, value, 0, &l->draw, e);
    return true;
}

static bool take_text(void *context, const char *key, const char *value, SgrtError *e)
{
    Loading *l = context;
    if (strcmp(key, "note") == 0)
        strcpy(l->m->noted, value); /* both have room for what is scanned */
    return !l->step || take_training(l, key, value, e);
}

static bool complete(Loading *l, SgrtError *e)
{
    char shape[200];
    for (int64_t i = 0; i < l->listing->count; i++) {
        const SgrtTensor *want = &l->listing->tensor[i];
        if (!l->m->found[i].values)
            sgrt_complain(&l->complaints, "%s %s is missing", want->name,
                          sgrt_shape_text(shape, sizeof shape, want->dim, want->rank));
    }
    if (l->step && !l->has_graph)
        sgrt_complain(&l->complaints, "the file gives no graph");
    if (l->step && !l->has_optimizer && l->step->optimizer.optimizer)
        sgrt_complain(&l->complaints, "the file gives no optimizer");
    if (l->step && l->updates < 0)
        sgrt_complain(&l->complaints, "the file gives no step");
    return sgrt_settle(&l->complaints, e);
}

static void take(const Loading *l)
{
    for (int64_t i = 0; i < l->listing->count; i++) {
        const SgrtTensor *want = &l->listing->tensor[i];
        SgrtTensor there = *want;
        there.stored = l->m->found[i].stored;
        there.values = l->m->found[i].values;
        sgrt_tensor_copy(&there, want->stored, (void *)want->values);
    }
    memcpy(l->m->note, l->m->noted, sizeof l->m->note);
}

int sgrt_context_unpack(SgrtContext *m, int graph, const void *bytes, int64_t count)
{
    const SgrtListing *listing = find_listing(m, graph);
    if (!listing || !bytes)
        return SGRT_CONTEXT_ARGUMENT;
    Loading l = {.m = m, .listing = listing, .seed = m->seed, .updates = -1, .draw = -1};
    SgrtContextGraph *g = graph < 0 ? NULL : &m->graph[graph];
    l.step = g ? &g->step : NULL;
    memset(m->found, 0, (size_t)listing->count * sizeof *m->found);
    *m->noted = 0;
    const SgrtScanner scanner = {take_tensor, take_text, &l};
    if (!sgrt_scan_tensors(bytes, count, &scanner, &m->error) || !complete(&l, &m->error))
        return SGRT_CONTEXT_FORMAT;
    take(&l);
    if (g) {
        sgrt_context_noise(m, l.seed, 0);
        m->draw[SGRT_STEP] = l.draw < 0 ? l.updates : l.draw;
        g->step.updates = l.updates;
        g->step.slots = INFINITY;
        g->ready = false;
    }
    return SGRT_CONTEXT_OK;
}

/* The file's own pages: nothing is allocated, and nothing read twice.  NULL, with the reason in
 * m->error: it cannot be read. */
static void *map(SgrtContext *m, const char *path, int64_t *bytes)
{
    struct stat st;
    void *at = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        sgrt_fail(&m->error, "%s: %s", path, strerrordesc_np(errno));
    else if (!S_ISREG(st.st_mode))
        sgrt_fail(&m->error, "%s: not a regular file", path);
    else if ((*bytes = st.st_size) == 0)
        sgrt_fail(&m->error, "%s: offset 0: the file is empty", path);
    else if ((at = mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
        sgrt_fail(&m->error, "%s: %s", path, strerrordesc_np(errno));
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? NULL : at;
}

int sgrt_context_load(SgrtContext *m, int graph, const char *path)
{
    int64_t bytes = 0;
    if (!has_path(m, graph, path))
        return SGRT_CONTEXT_ARGUMENT;
    void *at = map(m, path, &bytes);
    if (!at)
        return SGRT_CONTEXT_FILE;
    int status = sgrt_context_unpack(m, graph, at, bytes);
    munmap(at, (size_t)bytes);
    if (status == SGRT_CONTEXT_FORMAT)
        sgrt_fail_in(&m->error, path);
    return status;
}
