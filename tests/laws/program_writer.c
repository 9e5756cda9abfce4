#include "tests/laws/program_writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int below(Writer *w, int n)
{
    return random_below(&w->random, n);
}

void put(Writer *w, const char *fmt, ...)
{
    size_t at = strlen(w->out->text);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(w->out->text + at, PROGRAM_TEXT - at, fmt, args);
    va_end(args);
    if (n < 0 || at + (size_t)n >= PROGRAM_TEXT)
        abort();
}

void begin_line(Writer *w)
{
    put(w, "%*s", 2 * w->indent, "");
}

Name *know(Writer *w, Kind kind, const char *fmt, ...)
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

bool is_discrete(Kind kind)
{
    return kind >= BIT;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* New names are read more often than old ones. */
const Name *some_name(Writer *w)
{
    int back = below(w, (int)w->names);
    if (below(w, 2))
        back = back / 2;
    return &w->name[w->names - 1 - (size_t)back];
}

void put_way(Writer *w, const char *way, const Name *n)
{
    for (; *way; way++)
        if (*way == '%')
            put(w, "%s", n->text);
        else if (*way == '$')
            put(w, "%d", n->elements);
        else if (*way == '?')
            put_expression(w, 0);
        else
            put(w, "%c", *way);
}

/* As one number that has a mean, and of an angle its direction. */
static void put_read(Writer *w, const Name *n)
{
    static const char *const whole[] = {"sum(%)",
                                        "%[0]",
                                        "%[1]",
                                        "sum(w[0:$] * %)",
                                        "((1.0 * %) @ w[0:$])",
                                        "prod(0.6 + 0.5 * %)",
                                        "logsumexp(0.5 * %)",
                                        "sum(softmax(0.5 * %) * w[0:$])",
                                        "sum(square(cumsum(0.4 * %)))"};
    static const char *const heavy[] = {"tanh(0.6 * %)", "sigmoid(%)", "(1 / (1 + square(%)))"};
    static const char *const angle[] = {"sin(%)", "cos(%)"};
    if (n->elements)
        put_way(w, whole[below(w, sizeof whole / sizeof *whole)], n);
    else if (n->kind == HEAVY)
        put_way(w, heavy[below(w, 3)], n);
    else
        put_way(w, n->kind == ANGLE ? angle[below(w, 2)] : "%", n);
}

/* ---- expressions ---------------------------------------------------------------------------- */

void put_form(Writer *w, const char *form, int depth)
{
    for (; *form; form++)
        if (*form == '%')
            put_expression(w, depth);
        else
            put(w, "%c", *form);
}

/* A guard on a draw, a copy, or a number, which may move with a parameter. */
static void put_guard(Writer *w, const Name *n)
{
    bool counts = !n->elements && (n->kind == COPY || is_discrete(n->kind));
    put_read(w, n);
    if (counts)
        put(w, " == %d", below(w, 2));
    else if (below(w, 8))
        put(w, " > 0.%d", below(w, 4));
    else
        put_form(w, " > %", 0);
}

static void put_choice(Writer *w, const Name *n, int depth)
{
    static const char *const second[] = {" and ", " or "};
    put(w, "(if ");
    put_guard(w, n);
    if (below(w, 6) == 0) {
        put(w, "%s", second[below(w, 2)]);
        put_guard(w, some_name(w));
    }
    put(w, " then ");
    put_expression(w, depth);
    put(w, " else ");
    put_expression(w, depth);
    put(w, ")");
}

/* What an integer picks. */
static void put_picked(Writer *w, const Name *n)
{
    static const char *const way[] = {"w[%]", "w[%]", "sum(w * one_hot(%, 3))",
                                      "sum(one_hot(%, 3) * cumsum(w))"};
    put(w, "(");
    put_way(w, way[below(w, 4)], n);
    put_form(w, " * %)", 1);
}

/* What closed forms know of a draw, besides its powers. */
static bool put_moment(Writer *w, const Name *n)
{
    static const char *const positive[] = {"log(%)", "square(log(%))", "exp(-0.5 * %)"};
    static const char *const fraction[] = {"log(%)", "log1p(-%)", "square(%)"};
    static const char *const line[] = {"exp(0.3 * %)", "abs(% - 0.2)", "square(% - b)"};
    if (n->kind == POSITIVE)
        put_way(w, positive[below(w, 3)], n);
    else if (n->kind == FRACTION)
        put_way(w, fraction[below(w, 3)], n);
    else if (n->kind == NORMAL || n->kind == REAL_DRAW)
        put_way(w, line[below(w, 3)], n);
    return n->kind == POSITIVE || n->kind == FRACTION || n->kind == NORMAL || n->kind == REAL_DRAW;
}

static void put_leaf(Writer *w, const Name *n)
{
    put(w, "%.1f * ", 0.3 * (1 + below(w, 4)));
    put_read(w, n);
}

/* What is known of a draw: its density in a law, perhaps its own, a moment, an element that it
 * picks, or its value alone. */
static void put_draw_term(Writer *w, const Name *n)
{
    if (*n->law && below(w, 3) == 0)
        put(w, "log_prob(%s, %s)", n->law, n->text);
    else if (n->kind == COPY || n->kind == CATEGORY || (n->kind == BIT && below(w, 4) == 0))
        put_picked(w, n);
    else if (is_discrete(n->kind) && !n->elements && below(w, 8) == 0)
        put(w, "stop_gradient(0.4 * %s)", n->text);
    else if (n->kind != COUNTS && (n->elements || below(w, 2) || !put_moment(w, n))) {
        put(w, "log_prob(");
        put_rival(w, n->kind);
        put(w, ", %s)", n->text);
    } else if (n->kind == COUNTS)
        put_leaf(w, n);
}

void put_expression(Writer *w, int depth)
{
    static const char *const call[] = {"sin(%)",      "cos(0.7 * %)",  "square(0.5 * %)",
                                       "softplus(%)", "relu(% - 0.1)", "exp(-square(0.6 * %))"};
    const Name *n = some_name(w);
    int kind = depth > 0 ? below(w, 12) : -1;
    if (kind >= 0 && kind < 3)
        put_form(w, call[below(w, 4) ? below(w, 3) : below(w, 6)], 0);
    else if (kind == 3)
        put_form(w, "(% * %)", depth - 1);
    else if (kind == 4 || kind == 5)
        put_form(w, below(w, 3) ? "(% + %)" : "(% - %)", depth - 1);
    else if (kind == 6)
        put_form(w, "tanh(%)", depth - 1);
    else if ((kind == 7 || kind == 8) && n->kind != REAL)
        put_draw_term(w, n);
    else if (kind >= 7 && kind <= 9 && (n->kind != REAL || below(w, 9) == 0))
        put_choice(w, n, depth - 1);
    else
        put_leaf(w, n);
}
