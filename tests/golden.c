/* Passes on small graphs, byte for byte.
 *
 * A file of tests/golden/<pass>/ is one graph and what passes make of it:
 *
 *     # RUN simplify dce            the passes; parts=4 sets that option
 *     # what the case is about
 *     sgir 1 ...                    the input
 *     # OUT
 *     graph ...                     the first graph afterwards
 *
 * With SGC_GOLDEN_UPDATE set, the part after OUT is rewritten; the difference is reviewed as code.
 */
#include "passes/pass.h"
#include "tests/suites.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

static glob_t files;

static char *read_whole(const char *path)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = calloc(1, (size_t)size + 1);
    ck_assert_uint_eq(fread(text, 1, (size_t)size, f), (size_t)size);
    fclose(f);
    return text;
}

static const PassInfo *find_pass(const char *name)
{
    for (size_t i = 0; i < pass_count; i++)
        if (strcmp(pass_info[i].name, name) == 0)
            return &pass_info[i];
    return NULL;
}

static void check_valid(const IrGraph *g, const char *path, const char *after)
{
    Diags *d = diags_new(path, NULL);
    bool valid = ir_verify(g, d);
    char *log = diags_text(d);
    ck_assert_msg(valid, "%s: after %s:\n%s", path, after, log);
    free(log);
    diags_free(d);
}

/* Runs the words of the RUN line. */
static void run_passes(IrGraph *g, char *words, PassCtx *cx, PassOptions *options, const char *path)
{
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) {
        if (strncmp(word, "parts=", 6) == 0) {
            options->parts = atoll(word + 6);
            continue;
        }
        const PassInfo *p = find_pass(word);
        ck_assert_msg(p, "%s: there is no pass '%s'", path, word);
        p->run(g, cx);
        check_valid(g, path, word);
    }
}

static char *printed(const IrGraph *g)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ir_print_graph(g, f);
    fclose(f);
    return text;
}

static void update(const char *path, const char *text, size_t head, const char *got)
{
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f, "cannot write %s", path);
    fprintf(f, "%.*s%s", (int)head, text, got);
    fclose(f);
}

/* Fails with the lines that differ, from the first to the last. */
static void check_same(const char *path, const char *want, const char *got)
{
    size_t first = 0, w = strlen(want), g = strlen(got);
    while (want[first] && want[first] == got[first])
        first++;
    if (want[first] == got[first])
        return;
    while (first > 0 && want[first - 1] != '\n')
        first--;
    while (w > first && g > first && want[w - 1] == got[g - 1])
        w--, g--;
    w += strcspn(want + w, "\n");
    g += strcspn(got + g, "\n");
    ck_abort_msg("%s\n--- wanted\n%.*s\n+++ got\n%.*s\n", path, (int)(w - first), want + first,
                 (int)(g - first), got + first);
}

START_TEST(passes_give_what_is_written)
{
    const char *path = files.gl_pathv[_i], *out = "# OUT\n";
    char *text = read_whole(path), *want = strstr(text, out);
    ck_assert_msg(strncmp(text, "# RUN ", 6) == 0 && want, "%s: no RUN or OUT", path);
    want += strlen(out);
    size_t head = (size_t)(want - text);

    Arena *a = arena_new();
    char *head_text = arena_copy(a, text, head), *in = strstr(head_text, "sgir 1\n");
    char *run = arena_copy(a, text + 6, strcspn(text + 6, "\n"));
    ck_assert_msg(in, "%s: no input", path);
    Diags *d = diags_new(path, in);
    PassOptions options = {.parts = 2, .real_bytes = 4};
    PassCtx cx = {.options = &options, .diags = d, .arena = a};
    IrModel m;
    ir_model_init(&m, a);
    bool read = ir_parse(&m, in, d);
    char *log = diags_text(d);
    ck_assert_msg(read && m.graphs, "%s", log);
    run_passes(&m.graph[0], run, &cx, &options, path);
    char *got = printed(&m.graph[0]);
    if (getenv("SGC_GOLDEN_UPDATE"))
        update(path, text, head, got);
    else
        check_same(path, want, got);
    free(got);
    free(log);
    diags_free(d);
    arena_free(a);
    free(text);
}
END_TEST

Suite *golden_suite(void)
{
    Suite *s = suite_create("golden");
    TCase *t = tcase_create("passes");
    glob(SGC_SOURCE_DIR "/tests/golden/*/*.sgir", 0, NULL, &files);
    tcase_add_loop_test(t, passes_give_what_is_written, 0, (int)files.gl_pathc);
    suite_add_tcase(s, t);
    return s;
}
