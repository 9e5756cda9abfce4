#include "tests/laws/program.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

int random_below(uint64_t *state, int n)
{
    return (int)(random_next(state) % (uint64_t)n);
}

/* ---- what is written, and what may be read there -------------------------------------------- */

enum { NAMES = 64, NAME = 48, STEPS = 3 };

/* A value that the place being written may read; a draw may be asked for its value and density. */
typedef enum Kind { REAL, NORMAL, BIT, CATEGORY } Kind; /* a value, or what was drawn */

typedef struct Name {
    char text[NAME];
    Kind kind;
} Name;

typedef struct Writer {
    RandomProgram *out;
    uint64_t random;
    Name name[NAMES];
    size_t names;
    int indent, next, copies;
    int bits, reals; /* copies of draws that may still be made */
    bool rows;       /* there is one already */
} Writer;

static int below(Writer *w, int n)
{
    return random_below(&w->random, n);
}

static void put(Writer *w, const char *fmt, ...)
{
    size_t at = strlen(w->out->text);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(w->out->text + at, PROGRAM_TEXT - at, fmt, args);
    va_end(args);
    if (n < 0 || at + (size_t)n >= PROGRAM_TEXT)
        abort();
}

static void begin_line(Writer *w)
{
    put(w, "%*s", 2 * w->indent, "");
}

static void know(Writer *w, Kind kind, const char *fmt, ...)
{
    if (w->names == NAMES)
        return;
    Name *n = &w->name[w->names++];
    n->kind = kind;
    va_list args;
    va_start(args, fmt);
    vsnprintf(n->text, NAME, fmt, args);
    va_end(args);
}

/* ---- expressions ---------------------------------------------------------------------------- */

/* New names are read more often than old ones. */
static const Name *some_name(Writer *w)
{
    int back = below(w, (int)w->names);
    if (below(w, 2))
        back = back / 2;
    return &w->name[w->names - 1 - (size_t)back];
}

static void put_expression(Writer *w, int depth);

static void put_call(Writer *w, const char *before, int depth)
{
    put(w, "%s", before);
    put_expression(w, depth);
    put(w, ")");
}

static void put_choice(Writer *w, const Name *n, int depth)
{
    if (n->kind == BIT || n->kind == CATEGORY)
        put(w, "(if %s == %d then ", n->text, below(w, 2));
    else
        put(w, "(if %s > 0.%d then ", n->text, below(w, 4));
    put_expression(w, depth);
    put(w, " else ");
    put_expression(w, depth);
    put(w, ")");
}

static void put_pair(Writer *w, const char *operator, int depth)
{
    put(w, "(");
    put_expression(w, depth);
    put(w, " %s ", operator);
    put_expression(w, depth);
    put(w, ")");
}

/* What is known of a draw: its density, or an element that it picks. */
static void put_draw_term(Writer *w, const Name *n)
{
    put(w,
        n->kind == NORMAL ? "log_prob(normal("
        : n->kind == BIT  ? "log_prob(bernoulli(logits = "
                          : "(w[%s] * ",
        n->text);
    put_expression(w, 1);
    put(w, n->kind == NORMAL ? ", 0.8), %s)" : n->kind == BIT ? "), %s)" : ")", n->text);
}

static void put_expression(Writer *w, int depth)
{
    const Name *n = some_name(w);
    switch (depth > 0 ? below(w, 10) : -1) {
    case 0:
        put_call(w, "sin(", 0);
        return;
    case 1:
        put_call(w, "cos(0.7 * ", 0);
        return;
    case 2:
        put_call(w, "square(0.5 * ", 0);
        return;
    case 3:
        put_pair(w, "*", depth - 1);
        return;
    case 4:
    case 5:
        put_pair(w, below(w, 3) ? "+" : "-", depth - 1);
        return;
    case 6:
    case 7:
        if (n->kind != REAL) {
            put_draw_term(w, n);
            return;
        } /* fall through */
    case 8:
        if (n->kind != REAL || below(w, 3) == 0) {
            put_choice(w, n, depth - 1);
            return;
        } /* fall through */
    default:
        put(w, "%.1f * %s", 0.3 * (1 + below(w, 4)), n->text);
    }
}

/* ---- statements ----------------------------------------------------------------------------- */

/* A law whose copies the budget allows. */
static Kind put_law(Writer *w)
{
    int kind = below(w, 5);
    if (kind == 0 && w->reals >= w->copies) {
        put(w, "normal(");
        put_expression(w, 1);
        put(w, ", 0.5)");
        w->reals -= w->copies;
        return NORMAL;
    }
    bool two = kind == 1 && w->bits >= 2 * w->copies;
    w->bits -= (1 + two) * w->copies;
    put(w, two ? "categorical(logits = [" : "bernoulli(logits = ");
    put_expression(w, 1);
    if (two) {
        put(w, ", 0.0, ");
        put_expression(w, 0);
    }
    put(w, two ? "])" : ")");
    return two ? CATEGORY : BIT;
}

static bool may_draw(const Writer *w)
{
    return w->out->draws < PROGRAM_DRAWS && w->bits >= w->copies;
}

/* "h7 ~ LAW @2"; `index` is "" or "[t]". */
static void put_draw(Writer *w, const char *name, const char *index)
{
    begin_line(w);
    put(w, "%s%s ~ ", name, index);
    Kind kind = put_law(w);
    put(w, " @%zu\n", w->out->draws);
    w->out->discrete[w->out->draws++] = kind != NORMAL;
    know(w, kind, "%s%s", name, index);
}

static void put_value(Writer *w, const char *name, const char *index)
{
    begin_line(w);
    put(w, "%s%s = ", name, index);
    put_expression(w, 2);
    put(w, "\n");
    know(w, REAL, "%s%s", name, index);
}

static void put_cost(Writer *w)
{
    begin_line(w);
    put(w, "cost ");
    put_expression(w, 3);
    put(w, "\n");
}

static void put_block(Writer *w, int statements, int depth);

/* Names of a plate are read after it in reductions alone. */
static void put_plate(Writer *w, int depth)
{
    char plate[NAME];
    snprintf(plate, sizeof plate, "k%d", w->next++);
    size_t outside = w->names;
    begin_line(w);
    put(w, "plate %s = 2 {\n", plate);
    w->indent++;
    w->copies *= 2;
    put_block(w, 2 + below(w, 2), depth - 1);
    w->copies /= 2;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    size_t inside = w->names;
    w->names = outside;
    for (size_t i = outside; i < inside; i++) {
        Name n = w->name[i];
        if (strncmp(n.text, "sum(", 4) != 0)
            know(w, REAL, "sum(%.20s, over = %.8s)", n.text, plate);
    }
}

/* Sequences are read one step back, and after the loop at their last step. */
static void put_loop(Writer *w)
{
    enum { MOST = 3 };
    char name[MOST][16];
    int sequences = 1 + below(w, MOST);
    size_t outside = w->names;
    for (int i = 0; i < sequences; i++) {
        snprintf(name[i], sizeof name[i], "s%d", w->next++);
        begin_line(w);
        put(w, "%s[0] = ", name[i]);
        put_expression(w, 1);
        put(w, "\n");
    }
    begin_line(w);
    put(w, "for t in 1..%d {\n", STEPS);
    w->indent++;
    w->copies *= STEPS - 1;
    for (int i = 0; i < sequences; i++)
        know(w, REAL, "%s[t-1]", name[i]);
    put_block(w, 1 + below(w, 2), 0);
    for (int i = sequences; i-- > 0;)
        put_value(w, name[i], "[t]");
    if (below(w, 2))
        put_cost(w);
    w->copies /= STEPS - 1;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    w->names = outside;
    for (int i = 0; i < sequences; i++)
        know(w, REAL, "%s[%d]", name[i], STEPS - 1 - below(w, 2));
}

static void put_rows(Writer *w)
{
    size_t outside = w->names;
    w->rows = true;
    begin_line(w);
    put(w, "plate n = rows(2) {\n");
    w->indent++;
    begin_line(w);
    put(w, "data x\n");
    know(w, REAL, "x");
    w->copies *= 2;
    put_block(w, 2, 0);
    put_cost(w);
    w->copies /= 2;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    w->names = outside;
}

static void put_block(Writer *w, int statements, int depth)
{
    for (int i = 0; i < statements; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", w->next++);
        int kind = below(w, depth > 0 ? 10 : 6);
        if (kind < 3 && may_draw(w))
            put_draw(w, name, "");
        else if (kind < 5)
            put_value(w, name, "");
        else if (kind < 6)
            put_cost(w);
        else if (kind < 8)
            put_plate(w, depth);
        else if (kind == 8 && w->copies == 1)
            put_loop(w);
        else if (w->indent == 1 && !w->rows)
            put_rows(w);
    }
}

void random_program(RandomProgram *p, uint64_t seed)
{
    *p = (RandomProgram){.seed = seed};
    Writer w = {.out = p, .random = seed, .indent = 1, .copies = 1, .bits = 5, .reals = 1};
    put(&w, "graph g%" PRIu64 " {\n", seed);
    know(&w, REAL, "a");
    know(&w, REAL, "b");
    put_draw(&w, "v", "");
    put_block(&w, 4 + below(&w, 3), 2);
    put_cost(&w);
    put(&w, "}\n");
}

void random_program_text(const RandomProgram *p, const char *const *via, char *out, size_t size)
{
    size_t at = 0;
    for (const char *c = p->text; *c && at + 1 < size; c++) {
        if (*c != '@') {
            out[at++] = *c;
            continue;
        }
        char *end;
        const char *e = via[strtoul(c + 1, &end, 10)];
        at += (size_t)snprintf(out + at, size - at, "%s%s", e ? "via " : "", e ? e : "");
        c = end - 1;
    }
    out[at] = 0;
}
