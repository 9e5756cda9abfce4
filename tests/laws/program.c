#include "tests/laws/program_writer.h"

#include <inttypes.h>
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

/* ---- statements ----------------------------------------------------------------------------- */

enum { STEPS = 2 }; /* of a loop */

static void begin_line(Writer *w)
{
    put(w, "%*s", 2 * w->indent, "");
}

/* Is there room for so many draws here, of bits? */
static bool may_draw(const Writer *w, int many)
{
    return w->out->draws + (size_t)many <= PROGRAM_DRAWS && w->bits >= many * w->copies;
}

/* A divergence, or an entropy, which is what the log-densities of the draw mean; the law's
 * arguments and the rival's are known before the draw is. */
static void put_mean_of_density(Writer *w, const char *law, Kind kind, const char *draw)
{
    char *rival = w->out->text + strlen(w->out->text), copy[LAW];
    bool is_rival = below(w, 2) && put_rival(w, kind);
    snprintf(copy, sizeof copy, "%s", rival);
    bool fits = strlen(rival) < sizeof copy;
    *rival = '\0';
    if (!fits)
        return;
    begin_line(w);
    if (is_rival)
        put(w, "cost #kl(%s, %s)#log_prob(%s, %s) - log_prob(%s, %s)#\n", law, copy, law, draw,
            copy, draw);
    else
        put(w, "cost #-0.5 * entropy(%s)#0.5 * log_prob(%s, %s)#\n", law, law, draw);
}

/* "h7 ~ LAW @2"; `index` is "", "[t]", or the shape "[2]". */
static Name put_draw_line(Writer *w, const char *name, const char *index, Law *law)
{
    begin_line(w);
    put(w, "%s%s ~ ", name, index);
    const char *text = w->out->text + strlen(w->out->text);
    Name n = {.kind = law(w)};
    snprintf(n.text, sizeof n.text, "%s%s", name, index);
    if (strlen(text) < LAW)
        strcpy(n.law, text);
    put(w, " @%zu\n", w->out->draws);
    w->out->discrete[w->out->draws++] = n.kind >= BIT;
    return n;
}

static Name put_draw(Writer *w, const char *name, const char *index, Law *law)
{
    Name n = put_draw_line(w, name, index, law);
    bool has_means = n.kind == NORMAL || n.kind == BIT || n.kind == CATEGORY;
    if (*n.law && has_means && below(w, 6) == 0)
        put_mean_of_density(w, n.law, n.kind, n.text);
    *know(w, REAL, "") = n;
    return n;
}

/* Two at once, read apart and together. */
static void put_vector(Writer *w, const char *name)
{
    w->copies *= 2;
    Kind kind = put_draw_line(w, name, "[2]", put_law).kind;
    w->copies /= 2;
    for (int i = 0; i < 2; i++)
        know(w, kind, "%s[%d]", name, i);
    know(w, REAL, "sum(%s)", name);
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
    int kind = below(w, 8);
    begin_line(w);
    put(w, kind == 0 ? "reward " : kind == 1 ? "observe " : "cost ");
    put_expression(w, 3);
    if (kind == 1) {
        put(w, " ~ normal(");
        put_expression(w, 1);
        put(w, ", 0.9)");
    }
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

/* The same copies again, which read what was reduced over them. */
static void put_plate_again(Writer *w, const char *plate, const Name *inside, size_t count)
{
    size_t outside = w->names;
    begin_line(w);
    put(w, "plate %s {\n", plate);
    w->indent++;
    w->copies *= 2;
    for (size_t i = 0; i < count; i++)
        *know(w, REAL, "") = inside[i];
    put_cost(w);
    end_plate(w);
    w->names = outside;
}

/* Names of a plate are read after it in reductions alone. */
static void put_plate(Writer *w, int depth)
{
    static const char *const reduction[] = {"sum", "sum", "mean", "logsumexp"};
    char plate[SHORT];
    size_t outside = w->names;
    begin_plate(w, plate);
    know(w, COPY, "%s", plate);
    put_block(w, 2 + below(w, 2), depth - 1);
    end_plate(w);
    size_t count = w->names - outside;
    Name inside[NAMES];
    memcpy(inside, &w->name[outside], count * sizeof *inside);
    w->names = outside;
    for (size_t i = 0; i < count; i++) {
        const Name *n = &inside[i];
        if (n->kind != COPY && !strchr(n->text, '('))
            know(w, REAL, "%s(%.20s, over = %.8s)", reduction[n->kind >= BIT ? 0 : below(w, 4)],
                 n->text, plate);
    }
    if (below(w, 3) == 0)
        put_plate_again(w, plate, inside, count);
}

/* The log-mean of the weights of two samples, which is a cost and may be read by others.  A sample
 * may be two draws, one of which decides the other. */
static void put_bound(Writer *w)
{
    char plate[SHORT], sample[SHORT], weight[SHORT];
    Name draw[2];
    size_t outside = w->names;
    begin_plate(w, plate);
    int draws = may_draw(w, 2) && below(w, 3) == 0 ? 2 : 1;
    for (int i = 0; i < draws; i++) {
        snprintf(sample, sizeof sample, "v%d", w->next++);
        w->out->bound[w->out->draws] = true;
        draw[i] = put_draw(w, sample, "", put_law);
    }
    snprintf(weight, sizeof weight, "w%d", w->next++);
    begin_line(w);
    put(w, "%s = ", weight);
    put_expression(w, 2);
    for (int i = 0; i < draws; i++)
        if (*draw[i].law)
            put(w, " - log_prob(%s, %s)", draw[i].law, draw[i].text);
    put(w, "\n");
    end_plate(w);
    w->names = outside;
    begin_line(w);
    put(w, "cost %.1f * logmeanexp(%s, over = %s)\n", 0.5 - below(w, 3), weight, plate);
    if (below(w, 2))
        know(w, REAL, "logmeanexp(%s, over = %s)", weight, plate);
}

/* Sequences are read one step back, or two, and after the loop at their last steps.  Some are
 * drawn, `first` steps of them before the loop. */
static void put_loop(Writer *w)
{
    enum { MOST = 3 };
    char name[MOST][SHORT], index[SHORT];
    Kind kind[MOST];
    int sequences = 1 + below(w, MOST), first = 1 + (below(w, 3) == 0);
    size_t outside = w->names;
    for (int i = 0; i < sequences; i++) {
        snprintf(name[i], sizeof name[i], "s%d", w->next++);
        bool drawn = may_draw(w, first + STEPS) && below(w, 3) == 0;
        kind[i] = drawn ? BIT : REAL;
        for (int k = 0; k < first; k++) {
            snprintf(index, sizeof index, "[%d]", k);
            if (drawn)
                put_draw(w, name[i], index, put_bit);
            else
                put_value(w, name[i], index);
            w->names = outside;
        }
        w->bits -= drawn ? STEPS * w->copies : 0;
    }
    begin_line(w);
    put(w, "for t in %d..%d {\n", first, first + STEPS);
    w->indent++;
    w->copies *= STEPS;
    for (int i = 0; i < sequences; i++)
        for (int back = first; back > 0; back--)
            know(w, kind[i], "%s[t-%d]", name[i], back);
    put_block(w, 1 + below(w, 2), 0);
    for (int i = sequences; i-- > 0;)
        if (kind[i] == BIT) {
            w->bits += w->copies;
            put_draw(w, name[i], "[t]", put_bit);
        } else
            put_value(w, name[i], "[t]");
    if (below(w, 2))
        put_cost(w);
    w->copies /= STEPS;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    w->names = outside;
    for (int i = 0; i < sequences; i++)
        know(w, kind[i], "%s[%d]", name[i], first + STEPS - 1 - below(w, 2));
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
    put_block(w, 2, below(w, 2));
    put_cost(w);
    end_plate(w);
    w->names = outside;
}

static void put_block(Writer *w, int statements, int depth)
{
    for (int i = 0; i < statements; i++) {
        char name[SHORT];
        snprintf(name, sizeof name, "v%d", w->next++);
        int kind = below(w, depth > 0 ? 14 : 9);
        if (kind < 3 && may_draw(w, 1))
            put_draw(w, name, "", put_law);
        else if (kind == 3 && may_draw(w, 2))
            put_vector(w, name);
        else if (kind < 6)
            put_value(w, name, "");
        else if (kind < 7)
            put_cost(w);
        else if (kind < 9 && may_draw(w, 2))
            put_bound(w);
        else if (kind < 11 && depth > 0)
            put_plate(w, depth);
        else if (kind < 13 && depth > 0 && w->copies <= 2)
            put_loop(w);
        else if (w->indent == 1 && !w->rows)
            put_rows(w);
    }
}

/* One in four may have two continuous draws, and one bit; one in four has many bits. */
void random_program(RandomProgram *p, uint64_t seed)
{
    *p = (RandomProgram){.seed = seed};
    Writer w = {.out = p,
                .random = seed,
                .indent = 1,
                .copies = 1,
                .bits = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 7 : 4,
                .reals = 1 + (seed % 4 == 0)};
    put(&w, "graph g%" PRIu64 " {\n", seed);
    know(&w, REAL, "a");
    know(&w, REAL, "b");
    if (below(&w, 4) == 0) {
        put(&w, "  data y\n");
        know(&w, REAL, "y");
    }
    put_draw(&w, "v", "", put_law);
    put_block(&w, 4 + below(&w, 3), 2);
    put_cost(&w);
    put(&w, "}\n");
}

/* Of "#means#draws#" one side. */
static const char *take_side(const char *c, bool draws, char *out, size_t size, size_t *at)
{
    const char *middle = strchr(c + 1, '#'), *end = strchr(middle + 1, '#');
    const char *from = draws ? middle + 1 : c + 1, *to = draws ? end : middle;
    *at += (size_t)snprintf(out + *at, size - *at, "%.*s", (int)(to - from), from);
    return end;
}

void random_program_text(const RandomProgram *p, const char *const *via, char *out, size_t size)
{
    size_t at = 0;
    for (const char *c = p->text; *c && at + 1 < size; c++) {
        if (*c == '#') {
            c = take_side(c, via == NULL, out, size, &at);
            continue;
        }
        if (*c != '@') {
            out[at++] = *c;
            continue;
        }
        char *end;
        size_t draw = strtoul(c + 1, &end, 10);
        const char *e = via ? via[draw] : "score";
        at += (size_t)snprintf(out + at, size - at, "%s%s", e ? "via " : "", e ? e : "");
        c = end - 1;
    }
    out[at] = 0;
}
