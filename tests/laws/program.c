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

enum { NAMES = 64, NAME = 48, SHORT = 16, LAW = 160, STEPS = 3 };

/* A value that the place being written may read; a draw may be asked for its value and density. */
typedef enum Kind { REAL, NORMAL, BIT, CATEGORY } Kind; /* a value, or what was drawn */

typedef struct Name {
    char text[NAME];
    Kind kind;
    char law[LAW]; /* that it was drawn from; "": no draw, or too long to repeat */
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

static Name *know(Writer *w, Kind kind, const char *fmt, ...)
{
    static Name beyond;
    Name *n = w->names == NAMES ? &beyond : &w->name[w->names++];
    *n = (Name){.kind = kind};
    va_list args;
    va_start(args, fmt);
    vsnprintf(n->text, NAME, fmt, args);
    va_end(args);
    return n;
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

/* What is known of a draw: its density in a law, perhaps its own, or an element that it picks. */
static void put_draw_term(Writer *w, const Name *n)
{
    if (*n->law && below(w, 3) == 0) {
        put(w, "log_prob(%s, %s)", n->law, n->text);
        return;
    }
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

static Kind put_normal(Writer *w)
{
    put(w, "normal(");
    put_expression(w, 1);
    put(w, ", 0.5)");
    w->reals -= w->copies;
    return NORMAL;
}

static Kind put_bit(Writer *w)
{
    put_call(w, "bernoulli(logits = ", 1);
    w->bits -= w->copies;
    return BIT;
}

static Kind put_category(Writer *w)
{
    put(w, "categorical(logits = [");
    put_expression(w, 1);
    put(w, ", 0.0, ");
    put_expression(w, 0);
    put(w, "])");
    w->bits -= 2 * w->copies;
    return CATEGORY;
}

/* A law whose copies the budget allows. */
static Kind put_law(Writer *w)
{
    int kind = below(w, 5);
    if (kind == 0 && w->reals >= w->copies)
        return put_normal(w);
    return kind == 1 && w->bits >= 2 * w->copies ? put_category(w) : put_bit(w);
}

/* Is there room for so many draws here, of bits? */
static bool may_draw(const Writer *w, int many)
{
    return w->out->draws + (size_t)many <= PROGRAM_DRAWS && w->bits >= many * w->copies;
}

typedef Kind Law(Writer *w);

/* "h7 ~ LAW @2"; `index` is "" or "[t]".  What is known of it now. */
static const Name *put_draw(Writer *w, const char *name, const char *index, Law *law)
{
    begin_line(w);
    put(w, "%s%s ~ ", name, index);
    const char *text = w->out->text + strlen(w->out->text);
    Kind kind = law(w);
    Name *n = know(w, kind, "%s%s", name, index);
    if (strlen(text) < LAW)
        strcpy(n->law, text);
    put(w, " @%zu\n", w->out->draws);
    w->out->discrete[w->out->draws++] = kind != NORMAL;
    return n;
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

static void begin_plate(Writer *w, char plate[SHORT])
{
    snprintf(plate, SHORT, "k%d", w->next++);
    begin_line(w);
    put(w, "plate %s = 2 {\n", plate);
    w->indent++;
    w->copies *= 2;
}

static void end_plate(Writer *w)
{
    w->copies /= 2;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
}

/* Names of a plate are read after it in reductions alone. */
static void put_plate(Writer *w, int depth)
{
    char plate[SHORT];
    size_t outside = w->names;
    begin_plate(w, plate);
    put_block(w, 2 + below(w, 2), depth - 1);
    end_plate(w);
    size_t inside = w->names;
    w->names = outside;
    for (size_t i = outside; i < inside; i++) {
        Name n = w->name[i];
        if (!strchr(n.text, '('))
            know(w, REAL, "sum(%.20s, over = %.8s)", n.text, plate);
    }
}

/* The log-mean of the weights of two samples, which is a cost and may be read by others. */
static void put_bound(Writer *w)
{
    char plate[SHORT], sample[SHORT], weight[SHORT];
    size_t outside = w->names;
    begin_plate(w, plate);
    snprintf(sample, sizeof sample, "v%d", w->next++);
    snprintf(weight, sizeof weight, "w%d", w->next++);
    w->out->bound[w->out->draws] = true;
    const Name *n = put_draw(w, sample, "", put_law);
    begin_line(w);
    put(w, "%s = ", weight);
    put_expression(w, 2);
    put(w, *n->law ? " - log_prob(%s, %s)\n" : "\n", n->law, n->text);
    end_plate(w);
    w->names = outside;
    begin_line(w);
    put(w, "cost %.1f * logmeanexp(%s, over = %s)\n", 0.5 - below(w, 3), weight, plate);
    if (below(w, 2))
        know(w, REAL, "logmeanexp(%s, over = %s)", weight, plate);
}

/* Sequences are read one step back, and after the loop at their last steps.  Some are drawn. */
static void put_loop(Writer *w)
{
    enum { MOST = 3 };
    char name[MOST][SHORT];
    Kind kind[MOST];
    int sequences = 1 + below(w, MOST);
    size_t outside = w->names;
    for (int i = 0; i < sequences; i++) {
        snprintf(name[i], sizeof name[i], "s%d", w->next++);
        bool drawn = may_draw(w, STEPS) && below(w, 3) == 0;
        kind[i] = drawn ? BIT : REAL;
        if (drawn) {
            put_draw(w, name[i], "[0]", put_bit);
            w->bits -= (STEPS - 1) * w->copies;
        } else
            put_value(w, name[i], "[0]");
        w->names = outside;
    }
    begin_line(w);
    put(w, "for t in 1..%d {\n", STEPS);
    w->indent++;
    w->copies *= STEPS - 1;
    for (int i = 0; i < sequences; i++)
        know(w, kind[i], "%s[t-1]", name[i]);
    put_block(w, 1 + below(w, 2), 0);
    for (int i = sequences; i-- > 0;)
        if (kind[i] == BIT) {
            w->bits += w->copies;
            put_draw(w, name[i], "[t]", put_bit);
        } else
            put_value(w, name[i], "[t]");
    if (below(w, 2))
        put_cost(w);
    w->copies /= STEPS - 1;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    w->names = outside;
    for (int i = 0; i < sequences; i++)
        know(w, kind[i], "%s[%d]", name[i], STEPS - 1 - below(w, 2));
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
        char name[SHORT];
        snprintf(name, sizeof name, "v%d", w->next++);
        int kind = below(w, depth > 0 ? 12 : 8);
        if (kind < 3 && may_draw(w, 1))
            put_draw(w, name, "", put_law);
        else if (kind < 5)
            put_value(w, name, "");
        else if (kind < 6)
            put_cost(w);
        else if (kind < 8 && may_draw(w, 2))
            put_bound(w);
        else if (kind < 10 && depth > 0)
            put_plate(w, depth);
        else if (kind == 10 && w->copies == 1)
            put_loop(w);
        else if (w->indent == 1 && !w->rows)
            put_rows(w);
    }
}

void random_program(RandomProgram *p, uint64_t seed)
{
    *p = (RandomProgram){.seed = seed};
    Writer w = {.out = p,
                .random = seed,
                .indent = 1,
                .copies = 1,
                .bits = 5,
                .reals = 1 + (seed % 3 == 0)};
    put(&w, "graph g%" PRIu64 " {\n", seed);
    know(&w, REAL, "a");
    know(&w, REAL, "b");
    put_draw(&w, "v", "", put_law);
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
