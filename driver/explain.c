/* sgc explain: the rows of ir/diag.def, for a terminal and as docs/errors.md. */
#include "driver/driver.h"

#include <string.h>
#include <strings.h>

enum { WIDTH = 92 };

/* `text` in lines of at most WIDTH, broken at spaces. */
static void wrap(const char *text, FILE *out)
{
    while (*text) {
        size_t len = strlen(text), cut = len;
        if (len > WIDTH)
            for (cut = WIDTH; cut > 0 && text[cut] != ' ';)
                cut--;
        fprintf(out, "%.*s\n", (int)cut, text);
        text += cut + (text[cut] == ' ');
    }
}

static void indented(const char *program, FILE *out)
{
    while (*program) {
        size_t len = strcspn(program, "\n");
        fprintf(out, "    %.*s\n", (int)len, program);
        program += len + (program[len] == '\n');
    }
}

static void example(const char *head, const char *program, FILE *out)
{
    if (!*program)
        return;
    fprintf(out, "\n%s:\n\n", head);
    indented(program, out);
}

/* A remark is about a program that is right; its example shows it. */
static const char *right_head(const DiagInfo *d)
{
    return d->severity == DIAG_REMARK ? "for example" : "repaired";
}

static void explain(const DiagInfo *d, FILE *out)
{
    fprintf(out, "%s: %s: %s\n\n", d->code, diag_severity_name[d->severity], d->title);
    wrap(d->why, out);
    example(d->severity == DIAG_WARNING ? "warned about" : "refused", d->wrong, out);
    example(right_head(d), d->right, out);
}

static const DiagInfo *find(const char *code)
{
    for (DiagCode c = 0; c < DIAG_CODES; c++)
        if (strcasecmp(code, diag_info[c].code) == 0)
            return &diag_info[c];
    return NULL;
}

static bool unknown(const char *code)
{
    Suggestion close = {.wanted = code};
    for (DiagCode c = 0; c < DIAG_CODES; c++)
        fe_suggest(&close, diag_info[c].code);
    if (close.best)
        return complain(SG1005, NULL, "no message has the code %s; did you mean %s?", code,
                        close.best);
    return complain(SG1005, NULL, "no message has the code %s; see sgc --print=messages", code);
}

int command_explain(const Options *o, Arena *a)
{
    (void)a;
    for (size_t i = 0; i < o->inputs; i++) {
        const DiagInfo *d = find(o->input[i]);
        if (!d) {
            unknown(o->input[i]);
            return SGC_USAGE;
        }
        if (i > 0)
            putchar('\n');
        explain(d, stdout);
    }
    return SGC_OK;
}

void print_messages(FILE *out)
{
    for (DiagCode c = 0; c < DIAG_CODES; c++)
        fprintf(out, "%-20s %s: %s\n", diag_info[c].code, diag_severity_name[diag_info[c].severity],
                diag_info[c].title);
}

/* ---- docs/errors.md ------------------------------------------------------------------------ */

static void block(const char *head, const char *program, FILE *out)
{
    if (*program)
        fprintf(out, "\n%s:\n\n```text\n%s```\n", head, program);
}

void print_errors_page(FILE *out)
{
    fputs("# What sgc says, and why\n\n"
          "Every message ends in a code; `sgc explain CODE` prints what stands here. The page is "
          "made of "
          "`ir/diag.def`\nby `sgc --print=errors.md`, and its programs are compiled by the tests: "
          "the "
          "first of each pair is answered\nwith this message and no other, the second with none. "
          "Commands are run beside a `model.sg`.\n",
          out);
    for (DiagCode c = 0; c < DIAG_CODES; c++) {
        const DiagInfo *d = &diag_info[c];
        fprintf(out, "\n## %s: %s\n\n", d->code, d->title);
        wrap(d->why, out);
        block(d->severity == DIAG_WARNING ? "Warned about" : "Refused", d->wrong, out);
        block(d->severity == DIAG_REMARK ? "For example" : "Repaired", d->right, out);
    }
}
