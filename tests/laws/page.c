#include "tests/laws/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 6 };

/* ---- cells ---------------------------------------------------------------------------------- */

void page_law(IrDist d, char *out, size_t size)
{
    const IrDistInfo *law = &ir_dist_info[d];
    size_t at = (size_t)snprintf(out, size, "`%s(", law->name);
    for (const char *c = law->argument; *c && at + 4 < size; c++)
        if (*c == ' ') {
            out[at++] = ',';
            out[at++] = ' ';
        } else
            out[at++] = *c;
    snprintf(out + at, size - at, ")`");
}

const char *page_estimator(IrEstimator e)
{
    return e == IR_EST_AUTO ? "no `via`" : ir_estimator_info[e].name;
}

static char letter_of(PageReasons *reasons, const char *reason)
{
    int i = 0;
    while (i < reasons->count && strcmp(reasons->text[i], reason) != 0)
        i++;
    if (i == PAGE_REASONS)
        return '?';
    if (i == reasons->count)
        snprintf(reasons->text[reasons->count++], sizeof reasons->text[0], "%s", reason);
    return (char)('a' + i);
}

/* Errors are of the size of rounding, which is not the same on all machines: powers of ten. */
enum { ROUNDING = -14 };

static int order_of(double error)
{
    return error <= pow(10, ROUNDING) ? ROUNDING : (int)ceil(log10(error));
}

void page_cell(const Pair *p, PageReasons *reasons, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    if (p->exact)
        at = (size_t)snprintf(out, size, "1e%d", order_of(p->worst.error));
    if (p->exact && p->only)
        at += (size_t)snprintf(out + at, size - at, " %s", p->only);
    if (*p->refused)
        snprintf(out + at, size - at, "%s%c", p->exact ? ", else " : "",
                 letter_of(reasons, p->refused));
}

int page_order(const char *cell, const char **rest)
{
    int order = 0, used = 0;
    sscanf(cell, "1e%d%n", &order, &used);
    *rest = cell + used;
    return order;
}

/* ---- the page ------------------------------------------------------------------------------- */

static const char head[] =
    "# Laws and estimators\n"
    "\n"
    "Every law of `ir/dist.def` with every estimator of `ir/estimator.def`, all arguments of the "
    "law being\n"
    "parameters at once. A number is the largest error of the compiled gradient, relative to 1 + "
    "its size,\n"
    "rounded up to a power of ten (errors below 1e-14 are rounding): its exact expectation over "
    "the noise tape, "
    "by quadrature and\n"
    "the exact measure of every discrete value, less the slope of the exact expected objective. "
    "Estimators\n"
    "with options are measured with several of them. A letter is the reason for which the compiler "
    "refuses. "
    "`build/sgc_table >\n"
    "docs/laws.md` makes this page, and the suites `pairs_real` and `pairs_int` hold it against "
    "the compiler: a "
    "refusal must have this\n"
    "reason, and an error may be larger by one power of ten, but not than 1e-11,\n"
    "and of bounds than 1e-9.\n"
    "\n"
    "`vimco` and `dreg` have a bound of two samples, `dreg` of one where a draw has two base "
    "variates or is an angle; "
    "`sticking_the_landing` a\n"
    "cost with the draw's log-density; the others `sin` of the draw. `closed_form` is no word of "
    "the "
    "language: costs with known\n"
    "means are integrated unasked. Its errors are those of the statistics in the second table.\n"
    "\n";

static const char after_cells[] = "\n| | why not |\n| --- | --- |\n";

static const char after_reasons[] = "\n## Closed forms\n\nStatistics of a draw whose mean the law "
                                    "knows, so that no noise is left.\n\n";

static void write_heads(FILE *out, const char *first, int columns)
{
    fprintf(out, "| %s |", first);
    for (int i = 0; i < columns; i++)
        fprintf(out, " %s |",
                columns == IR_EST_COUNT ? page_estimator((IrEstimator)i) : pair_statistic[i]);
    fputs("\n|", out);
    for (int i = 0; i <= columns; i++)
        fputs(" --- |", out);
    fputc('\n', out);
}

/* The cells of a row, measured by a process of its own. */
typedef struct Row {
    Pair cell[IR_EST_COUNT];
} Row;

static Row *measured_rows(void)
{
    size_t size = IR_DIST_COUNT * sizeof(Row);
    Row *row = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (row == MAP_FAILED)
        abort();
    for (IrDist d = 0; d < IR_DIST_COUNT; d++) {
        if ((int)d >= WORKERS)
            wait(NULL);
        if (fork() != 0)
            continue;
        Exact exact = {0};
        for (int e = 0; e < IR_EST_COUNT; e++)
            row[d].cell[e] = pair_measure(d, (IrEstimator)e, &exact);
        _exit(0);
    }
    while (wait(NULL) > 0)
        continue;
    return row;
}

/* An empty cell: its process failed. */
static bool write_cells(FILE *out, IrDist d, const Row *row, PageReasons *reasons)
{
    char text[PAGE_CELL];
    bool whole = true;
    page_law(d, text, sizeof text);
    fprintf(out, "| %s |", text);
    for (int e = 0; e < IR_EST_COUNT; e++) {
        page_cell(&row->cell[e], reasons, text, sizeof text);
        fprintf(out, " %s |", text);
        whole &= *text != '\0';
    }
    fputc('\n', out);
    return whole;
}

static void write_statistics(FILE *out, IrDist d)
{
    char text[PAGE_CELL];
    page_law(d, text, sizeof text);
    fprintf(out, "| %s |", text);
    for (int s = 0; s < PAIR_STATISTICS; s++)
        fprintf(out, " %s |", pair_is_closed(d, s) ? "x" : "-");
    fputc('\n', out);
}

bool page_write(FILE *out)
{
    PageReasons reasons = {0};
    Row *row = measured_rows();
    bool whole = true;
    fputs(head, out);
    write_heads(out, "law", IR_EST_COUNT);
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        whole &= write_cells(out, d, &row[d], &reasons);
    fputs(after_cells, out);
    for (int i = 0; i < reasons.count; i++)
        fprintf(out, "| %c | %s |\n", 'a' + i, reasons.text[i]);
    fputs(after_reasons, out);
    write_heads(out, "mean", PAIR_STATISTICS);
    for (IrDist d = 0; d < IR_DIST_COUNT; d++)
        write_statistics(out, d);
    munmap(row, IR_DIST_COUNT * sizeof *row);
    return whole;
}

/* ---- reading -------------------------------------------------------------------------------- */

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end ? end + 1 : line + strlen(line);
}

/* Cell `column` of a line "| a | b |". */
static bool take_cell(const char *line, int column, char *out, size_t size)
{
    const char *end = next_line(line), *at = line + 2;
    for (int i = 0; i < column; i++) {
        at = strstr(at, " | ");
        if (!at || at >= end)
            return false;
        at += 3;
    }
    const char *stop = strstr(at, " |");
    if (!stop || stop >= end)
        return false;
    snprintf(out, size, "%.*s", (int)(stop - at), at);
    return true;
}

PageReasons page_read_reasons(const char *page)
{
    PageReasons reasons = {0};
    const char *line = strstr(page, after_cells);
    line = line ? line + strlen(after_cells) : "";
    for (; *line == '|' && reasons.count < PAGE_REASONS; line = next_line(line))
        take_cell(line, 1, reasons.text[reasons.count++], sizeof reasons.text[0]);
    return reasons;
}

bool page_read_cell(const char *page, const char *table, const char *row, int column, char *out,
                    size_t size)
{
    char begin[PAGE_CELL];
    snprintf(begin, sizeof begin, "\n| %s |", table);
    const char *line = strstr(page, begin);
    snprintf(begin, sizeof begin, "| %s |", row);
    for (line = line ? line + 1 : ""; *line == '|'; line = next_line(line))
        if (strncmp(line, begin, strlen(begin)) == 0)
            return take_cell(line, column, out, size);
    return false;
}
