/* What messages offer compiles: foreign spellings, and the repairs of misspelt names. */
#include "frontend/syntax.h"
#include "ir/diag_list.h"
#include "tests/suites.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#ifndef SGC_SOURCE_DIR
#define SGC_SOURCE_DIR "."
#endif

enum { ROOM = 1 << 15, MOST_REPAIRS = 60 };

/* True: compiles.  Else *first, unless NULL, becomes the first error; its texts go to the caller's
 * buffers. */
typedef struct Offer {
    bool has_fix;
    Span at;
    char text[128], message[1600];
} Offer;

static void read_offer(const Diags *d, Offer *o)
{
    const Message *first = NULL;
    for (uint32_t i = 0; i < d->count; i++)
        if (d->message[i].severity == DIAG_ERROR && (!first || (d->message[i].fix && !first->fix)))
            first = &d->message[i];
    *o = (Offer){.has_fix = first && first->fix, .at = first ? first->fix_at : (Span){0}};
    snprintf(o->text, sizeof o->text, "%s", o->has_fix ? first->fix : "");
    if (first)
        snprintf(o->message, sizeof o->message, "%u:%u: %s %s", first->at.line, first->at.col,
                 first->text, first->label ? first->label : "");
}

static bool compile(const char *text, Offer *first)
{
    Arena *a = arena_new();
    Diags *d = diags_new("t.sg", text);
    IrModel *m = arena_make(a, IrModel);
    ir_model_init(m, a);
    bool ok = fe_compile(m, "t.sg", text, NULL, 0, d);
    read_offer(d, first);
    diags_free(d);
    arena_free(a);
    return ok;
}

/* Puts the fix in its place. */
static void repair(char *text, const Offer *o)
{
    char *at = text;
    for (uint32_t line = 1; line < o->at.line; line++)
        at = strchr(at, '\n') + 1;
    at += o->at.col - 1;
    size_t tail = strlen(at + o->at.len) + 1, len = strlen(o->text);
    ck_assert_uint_lt((size_t)(at - text) + tail + len, ROOM);
    memmove(at + len, at + o->at.len, tail);
    memcpy(at, o->text, len);
}

/* ---- foreign spellings --------------------------------------------------------------------- */

#define NAMES                                                                                      \
    "dim n = 3\nparam a = constant(0.5)\nparam b = ones()\nparam p in unit_interval = "            \
    "constant(0.5)\nparam v[n] = ones()\nparam w[n] = ones()\nparam M[n, n] = identity()\n"

/* A program in which `text` stands where a row of this kind does. */
static void program(char out[ROOM], ForeignKind kind, const char *text)
{
    const char *before = kind == FOREIGN_IN_GRAPH || kind == FOREIGN_IN_FILE ? "" : "output it = ";
    bool enumerated = false;
    for (size_t i = 0; i < fe_foreign_rows; i++)
        enumerated |= strcmp(fe_foreign_row[i].theirs, text) == 0 &&
                      strcmp(fe_foreign_row[i].ours, "enumerate") == 0;
    enumerated |= strcmp(text, "enumerate") == 0;
    if (kind == FOREIGN_ESTIMATOR)
        snprintf(out, ROOM, NAMES "graph g {\n  z ~ %s via %s\n  cost z\n}\n",
                 enumerated ? "bernoulli(p)" : "normal(a, 1)", text);
    else
        snprintf(out, ROOM,
                 NAMES "%s\ngraph g {\n  S = M @ transpose(M)\n  data x\n  data k int\n"
                       "  c = a > 0\n  output o = 1\n  %s%s\n}\n",
                 kind == FOREIGN_IN_FILE ? text : "", before, kind == FOREIGN_IN_FILE ? "" : text);
}

START_TEST(examples_of_ours_compile)
{
    const Foreign *f = &fe_foreign_row[_i];
    char text[ROOM];
    Offer o;
    program(text, f->kind, f->example);
    ck_assert_msg(compile(text, &o), "%s: %s\n%s", f->theirs, o.message, text);
}
END_TEST

/* How a user of the other language begins. */
static void theirs(char out[256], const Foreign *f)
{
    const char *form[] = {
        [FOREIGN_FUNCTION] = "%s(a)", [FOREIGN_VALUE] = "a + %s",  [FOREIGN_MARK] = "a %s b",
        [FOREIGN_IN_FILE] = "%s a",   [FOREIGN_IN_GRAPH] = "%s y", [FOREIGN_ESTIMATOR] = "%s"};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(out, 256, form[f->kind], f->theirs);
#pragma GCC diagnostic pop
}

START_TEST(spellings_of_theirs_are_answered)
{
    const Foreign *f = &fe_foreign_row[_i];
    char text[ROOM], use[256];
    Offer o;
    theirs(use, f);
    program(text, f->kind, use);
    ck_assert_msg(!compile(text, &o), "%s", text);
    ck_assert_msg(strstr(o.message, f->example), "%s: %s", f->theirs, o.message);
    ck_assert_msg(o.has_fix == (*f->ours != 0), "%s: %s", f->theirs, o.message);
}
END_TEST

/* A rename alone repairs what is otherwise written as here. */
START_TEST(renames_compile)
{
    const Foreign *f = &fe_foreign_row[_i];
    const char *at = strstr(f->example, f->ours);
    char text[ROOM], use[256];
    Offer o;
    if (f->kind != FOREIGN_FUNCTION || !*f->ours)
        return;
    ck_assert_ptr_nonnull(at);
    snprintf(use, sizeof use, "%.*s%s%s", (int)(at - f->example), f->example, f->theirs,
             at + strlen(f->ours));
    program(text, f->kind, use);
    ck_assert_msg(!compile(text, &o) && o.has_fix, "%s: %s", text, o.message);
    repair(text, &o);
    ck_assert_msg(compile(text, &o), "%s: %s\n%s", f->theirs, o.message, text);
}
END_TEST

/* theirs, and what the answer holds */
static const struct {
    const char *theirs, *says, *fix;
} spelt[] = {
    {"torch.sigmoid(a)", "unknown function `torch.sigmoid`", "sigmoid"},
    {"torch.nn.functional.softplus(a)", "softplus", "softplus"},
    {"np.exp(a)", "exp", "exp"},
    {"jnp.log1p(a)", "log1p", "log1p"},
    {"tf.math.Abs(a)", "abs", "abs"},
    {"F.relu6(a)", "clamp(a, 0, 6)", NULL},
    {"np.pi * a", "3.14159", NULL},
    {"normal_lpdf(a, 0, 1)", "log_prob(normal(…), x)", NULL},
    {"bernoulli_lpmf(k, p)", "log_prob(bernoulli(…), x)", NULL},
    {"normal_rng(0, 1)", "z ~ normal(…)", NULL},
    {"2 ** a", "powers are written `^`", "^"},
    {"if a < b && c then 1 else 0", "c and a < b", "and"},
    {"if !c then 1 else 0", "not c", "not "},
};

START_TEST(other_systems_are_known)
{
    char text[ROOM];
    Offer o;
    program(text, FOREIGN_VALUE, spelt[_i].theirs);
    ck_assert(!compile(text, &o));
    ck_assert_msg(strstr(o.message, spelt[_i].says), "%s: %s", spelt[_i].theirs, o.message);
    ck_assert_int_eq(o.has_fix, spelt[_i].fix != NULL);
    if (!spelt[_i].fix)
        return;
    ck_assert_str_eq(o.text, spelt[_i].fix);
    repair(text, &o);
    ck_assert_msg(compile(text, &o), "%s: %s", spelt[_i].theirs, o.message);
}
END_TEST

/* ---- misspelt names ------------------------------------------------------------------------ */

static char *slurp(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/examples/%s", SGC_SOURCE_DIR, name);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    char *text = calloc(ROOM, 1);
    ck_assert_uint_lt(fread(text, 1, ROOM - 256, f), ROOM - 256);
    fclose(f);
    return text;
}

/* Every repair that is offered is made, until none is; then the program compiles. */
static bool repaired(char *text, unsigned *offers)
{
    Offer o = {0};
    for (int i = 0; i < MOST_REPAIRS; i++) {
        if (compile(text, &o))
            return true;
        if (!o.has_fix)
            return i == 0; /* nothing was offered */
        ++*offers;
        repair(text, &o);
    }
    ck_abort_msg("%s\n%s", o.message, text);
}

/* Two letters of one name change places. */
static void misspell(const char *name, const char *model, const char *at, size_t len,
                     unsigned *offers)
{
    char text[ROOM];
    size_t swap = (size_t)(at - model) + len / 2;
    strcpy(text, model);
    if (text[swap] == text[swap - 1])
        return;
    char c = text[swap];
    text[swap] = text[swap - 1];
    text[swap - 1] = c;
    ck_assert_msg(repaired(text, offers), "%s: a misspelt `%.*s`, repaired:\n%s", name, (int)len,
                  at, text);
}

static int is_model(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 3 && strcmp(e->d_name + n - 3, ".sg") == 0;
}

/* A definition that is misspelt is right, and its uses are wrong: only these are misspelt here. */
static bool stood_before(const char *model, const char *at, size_t len)
{
    for (const char *c = model; c < at; c++)
        if (strncmp(c, at, len) == 0 && !isalnum((unsigned char)c[len]) && c[len] != '_')
            return true;
    return false;
}

static void misspell_all(const char *name, unsigned *offers)
{
    char *model = slurp(name);
    for (const char *c = model; *c;) {
        size_t len = 0;
        while (isalnum((unsigned char)c[len]) || c[len] == '_')
            len++;
        if (*c == '#')
            len = strcspn(c, "\n");
        else if (len >= 4 && isalpha((unsigned char)*c) && stood_before(model, c, len))
            misspell(name, model, c, len, offers);
        c += len ? len : 1;
    }
    free(model);
}

START_TEST(repairs_of_misspelt_names_compile)
{
    struct dirent **list;
    unsigned offers = 0;
    int n = scandir(SGC_SOURCE_DIR "/examples", &list, is_model, alphasort);
    ck_assert_int_gt(n, 5);
    for (int i = 0; i < n; i++) {
        misspell_all(list[i]->d_name, &offers);
        free(list[i]);
    }
    free(list);
    ck_assert_uint_gt(offers, 200);
}
END_TEST

Suite *suggest_suite(void)
{
    Suite *s = suite_create("suggest");
    TCase *c = tcase_create("suggestions");
    int rows = (int)fe_foreign_rows;
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, examples_of_ours_compile, 0, rows);
    tcase_add_loop_test(c, spellings_of_theirs_are_answered, 0, rows);
    tcase_add_loop_test(c, renames_compile, 0, rows);
    tcase_add_loop_test(c, other_systems_are_known, 0, (int)(sizeof spelt / sizeof *spelt));
    tcase_add_test(c, repairs_of_misspelt_names_compile);
    suite_add_tcase(s, c);
    return s;
}
