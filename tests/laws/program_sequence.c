/* Sequences of random programs: of values and of draws, of numbers and of vectors. */
#include "tests/laws/program_writer.h"

#include <stdio.h>

enum { STEPS = 2, MOST = 3 }; /* of a loop; sequences of one */

typedef struct Sequence {
    char name[SHORT];
    Law *law; /* NULL: values */
    Kind kind;
    bool pair;  /* each step has two elements */
    int before; /* steps that are drawn before the loop */
} Sequence;

/* Normal steps begin at a value. */
static Sequence some_sequence(Writer *w, int first)
{
    Law *const law[] = {put_bit, put_category, put_normal};
    const Kind kind[] = {BIT, CATEGORY, NORMAL};
    int i = below(w, 6);
    Sequence s = {.pair = below(w, 4) == 0};
    snprintf(s.name, sizeof s.name, "s%d", w->next++);
    if (i >= 3)
        return s;
    s.before = law[i] == put_normal ? 0 : first;
    if (may_draw(w, (s.before + STEPS) * (1 + s.pair), law[i])) {
        s.law = law[i];
        s.kind = kind[i];
    }
    return s;
}

static void put_step(Writer *w, const Sequence *s, const char *index, bool drawn)
{
    if (drawn)
        s->pair ? put_vector(w, s->name, index, s->law) : (void)put_draw(w, s->name, index, s->law);
    else
        (s->pair ? put_vector_value : put_value)(w, s->name, index);
}

static void know_step(Writer *w, const Sequence *s, const char *index)
{
    know(w, s->pair || !s->law ? REAL : s->kind, "%s[%s]", s->name, index)->elements =
        s->pair ? 2 : 0;
}

static void put_loop_head(Writer *w, const char *step, const Sequence *of, int sequences, int first)
{
    char index[2 * SHORT];
    begin_line(w);
    put(w, "for %s in %d..%d {\n", step, first, first + STEPS);
    w->indent++;
    w->copies *= STEPS;
    for (int i = 0; i < sequences; i++)
        for (int back = first; back > 0; back--) {
            snprintf(index, sizeof index, "%.8s-%d", step, back);
            know_step(w, &of[i], index);
        }
}

/* After its loop a sequence is read at one of the last steps, or as a vector of all. */
static void know_sequence(Writer *w, const Sequence *s, int first)
{
    char index[SHORT];
    snprintf(index, sizeof index, "%d", first + STEPS - 1 - below(w, 2));
    if (below(w, 3))
        know_step(w, s, index);
    else if (s->pair)
        know(w, REAL, "sum(%s, axis = 0)", s->name)->elements = 2;
    else if (first == 1)
        know(w, REAL, "%s", s->name)->elements = first + STEPS;
    else
        know(w, REAL, "sum(%s)", s->name);
}

/* In the loop sequences are read one step back, or two. */
void put_loop(Writer *w, int depth)
{
    Sequence of[MOST];
    char step[SHORT], index[SHORT];
    int sequences = 1 + below(w, MOST), first = 1 + (below(w, 3) == 0);
    size_t outside = w->names;
    snprintf(step, sizeof step, "t%d", w->next++);
    for (int i = 0; i < sequences; i++) {
        Sequence *s = &of[i];
        *s = some_sequence(w, first);
        for (int k = 0; k < first; k++) {
            snprintf(index, sizeof index, "[%d]", k);
            put_step(w, s, index, s->law && s->before);
            w->names = outside;
        }
        if (s->law)
            reserve(w, STEPS * (1 + s->pair), s->law);
    }
    put_loop_head(w, step, of, sequences, first);
    put_block(w, 1 + below(w, 2), below(w, 3) ? 0 : depth - 1);
    snprintf(index, sizeof index, "[%.8s]", step);
    for (int i = sequences; i-- > 0;) {
        if (of[i].law)
            reserve(w, -(1 + of[i].pair), of[i].law);
        put_step(w, &of[i], index, of[i].law);
    }
    if (below(w, 2))
        put_cost(w);
    w->copies /= STEPS;
    w->indent--;
    begin_line(w);
    put(w, "}\n");
    w->names = outside;
    for (int i = 0; i < sequences; i++)
        know_sequence(w, &of[i], first);
}
