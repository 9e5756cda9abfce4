/* Plates of random programs: copies, samples of a bound, rows. */
#include "tests/laws/program_writer.h"

#include <stdio.h>
#include <string.h>

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

/* What is read of a name of a plate after it. */
static void know_reduced(Writer *w, const Name *n, const char *plate)
{
    static const char *const reduction[] = {"sum", "sum", "mean", "logsumexp", "max"};
    const char *how = reduction[is_discrete(n->kind) ? 0 : below(w, below(w, 3) ? 4 : 5)];
    if (n->kind == COPY || n->kind == HEAVY || n->kind == ANGLE || strchr(n->text, '('))
        return;
    know(w, REAL, "%s(%.20s, over = %.8s)", how, n->text, plate)->elements = n->elements;
}

/* Names of a plate are read after it in reductions alone. */
void put_plate(Writer *w, int depth)
{
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
    for (size_t i = 0; i < count; i++)
        know_reduced(w, &inside[i], plate);
    if (below(w, 3) == 0)
        put_plate_again(w, plate, inside, count);
}

/* The log-mean of the weights of two samples, which is a cost and may be read by others.  A sample
 * may be two draws, one of which decides the other. */
void put_bound(Writer *w)
{
    char plate[SHORT], sample[SHORT], weight[SHORT];
    Name draw[2];
    size_t outside = w->names;
    begin_plate(w, plate);
    int draws = may_draw(w, 2, put_bit) && below(w, 3) == 0 ? 2 : 1;
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

void put_rows(Writer *w)
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
