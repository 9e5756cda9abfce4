/* The statements of random programs: draws, values, costs, and blocks of them. */
#include "tests/laws/program_writer.h"

#include <stdio.h>
#include <string.h>

/* ---- draws ---------------------------------------------------------------------------------- */

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

/* What follows is written after the shape, of which only the law tells the axis of an event: "[2]"
 * or "[2, 3]". */
static void add_shape(Writer *w, size_t at, int elements)
{
    char rest[PROGRAM_TEXT];
    snprintf(rest, sizeof rest, "%s", w->out->text + at);
    w->out->text[at] = '\0';
    put(w, "[2");
    if (elements)
        put(w, ", %d", elements);
    put(w, "]%s", rest);
}

/* "h7 ~ LAW @2", of a step, or two at once. */
static Name put_draw_line(Writer *w, const char *name, const char *index, bool pair, Law *law)
{
    begin_line(w);
    put(w, "%s%s", name, index);
    size_t shape = strlen(w->out->text);
    put(w, " ~ ");
    size_t text = strlen(w->out->text);
    w->copies *= 1 + pair;
    Drawn d = law(w);
    w->copies /= 1 + pair;
    Name n = {.kind = d.kind, .elements = d.elements};
    snprintf(n.text, sizeof n.text, "%s%s", name, index);
    if (strlen(w->out->text + text) < LAW)
        strcpy(n.law, w->out->text + text);
    put(w, " @%zu\n", w->out->draws);
    w->out->kind[w->out->draws++] = d.estimators;
    if (pair)
        add_shape(w, shape, d.elements);
    return n;
}

Name put_draw(Writer *w, const char *name, const char *index, Law *law)
{
    Name n = put_draw_line(w, name, index, false, law);
    if (*n.law && below(w, 6) == 0)
        put_mean_of_density(w, n.law, n.kind, n.text);
    *know(w, REAL, "") = n;
    return n;
}

/* Two at once, read apart and together. */
void put_vector(Writer *w, const char *name, const char *index, Law *law)
{
    Name n = put_draw_line(w, name, index, true, law);
    for (int i = 0; i < 2; i++)
        know(w, n.kind, "%s[%d]", n.text, i)->elements = n.elements;
    know(w, REAL, n.elements ? "sum(%s, axis = 0)" : "%s", n.text)->elements =
        n.elements ? n.elements : 2;
}

/* ---- values --------------------------------------------------------------------------------- */

void put_value(Writer *w, const char *name, const char *index)
{
    begin_line(w);
    put(w, "%s%s = ", name, index);
    put_expression(w, 2);
    put(w, "\n");
    know(w, REAL, "%s%s", name, index);
}

/* Two numbers of a vector of two: products with matrices, what moves along an axis, choices. */
static void put_moved(Writer *w, const Name *n)
{
    static const char *const way[] = {
        "(1.0 * %) @ outer(w[0:2], cumsum(0.5 * %))",
        "transpose(outer(%, w))[1] * ?",
        "reshape(concat(0.4 * %, w[0:2], axis = 0), [2, 2])[1] + ?",
        "tril(outer(0.7 * %, [?, 0.3])) @ [0.5, ?]",
        "solve_tri([[1.0, 0.0], [0.4, 0.8]], 0.5 * %)",
        "solve([[1.2, 0.3 * sin(?)], [0.4, 1.8]], 0.5 * %)",
        "if % > 0.3 then 0.6 * % else [?, a]",
        "max(0.8 * %, [?, 0.2])",
        "sum(broadcast(0.4 * %, [3, 2]) * stack(0.9 * %, w[1:3], cos(0.6 * %)), axis = 0)",
        "diag(outer(0.8 * %, [a, ?]))",
        "w[argmax(1.0 * %)] * % * ?",
        "cholesky(outer(sin(%), sin(%)) + [[1.0, 0.1], [0.1, 0.9]]) @ [?, 0.4]",
        "prod(outer(%, w) + ?, axis = 1)",
        "max(outer(0.6 * %, w) + a, axis = 1)",
        "logsumexp(outer(0.6 * %, w) + ?, axis = 1)",
        "softmax(0.8 * %) * log_softmax(0.5 * % + ?)",
        "[[0.3, a], [?, 0.5]] @ tanh(0.8 * %)"};
    put_way(w, way[below(w, sizeof way / sizeof *way)], n);
}

void put_vector_value(Writer *w, const char *name, const char *index)
{
    static const char *const form[] = {"[%, %]", "(% * w)[1:3]", "[%, 0.3] + softmax([%, %])",
                                       "tanh([[0.4, a], [%, 0.2]] @ [%, %])"};
    const Name *n = some_name(w);
    for (int i = 0; i < 3 && n->elements != 2; i++)
        n = some_name(w);
    begin_line(w);
    put(w, "%s%s = ", name, index);
    if (n->elements == 2)
        put_moved(w, n);
    else
        put_form(w, form[below(w, 4)], 1);
    put(w, "\n");
    know(w, REAL, "%s%s", name, index)->elements = 2;
}

void put_cost(Writer *w)
{
    int kind = below(w, 8);
    begin_line(w);
    put(w, kind == 0 ? "reward " : kind == 1 ? "observe " : "cost ");
    put_expression(w, 3);
    if (kind == 1)
        put_form(w, " ~ normal(%, 0.9)", 1);
    put(w, "\n");
}

/* ---- blocks --------------------------------------------------------------------------------- */

void put_block(Writer *w, int statements, int depth)
{
    for (int i = 0; i < statements; i++) {
        char name[SHORT];
        snprintf(name, sizeof name, "v%d", w->next++);
        int kind = below(w, depth > 0 ? 15 : 10);
        if (kind < 3 && may_draw(w, 1, put_bit))
            put_draw(w, name, "", put_law);
        else if (kind == 3 && may_draw(w, 2, put_bit))
            put_vector(w, name, "", put_law);
        else if (kind < 6)
            put_value(w, name, "");
        else if (kind == 6)
            put_vector_value(w, name, "");
        else if (kind == 7)
            put_cost(w);
        else if (kind < 10 && may_draw(w, 2, put_bit))
            put_bound(w);
        else if (kind < 12 && depth > 0)
            put_plate(w, depth);
        else if (kind < 14 && depth > 0 && w->copies <= 2)
            put_loop(w, depth);
        else if (w->indent == 1 && !w->rows)
            put_rows(w);
    }
}
