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

/* ---- expressions ---------------------------------------------------------------------------- */

/* New names are read more often than old ones. */
static const Name *some_name(Writer *w)
{
    int back = below(w, (int)w->names);
    if (below(w, 2))
        back = back / 2;
    return &w->name[w->names - 1 - (size_t)back];
}

static void put_call(Writer *w, const char *before, int depth)
{
    put(w, "%s", before);
    put_expression(w, depth);
    put(w, ")");
}

static void put_choice(Writer *w, const Name *n, int depth)
{
    if (n->kind == COPY || n->kind >= BIT)
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

/* What an integer picks. */
static void put_picked(Writer *w, const Name *n)
{
    put(w, "(w[%s] * ", n->text);
    put_expression(w, 1);
    put(w, ")");
}

/* What is known of a draw: its density in a law, perhaps its own, or an element that it picks. */
static void put_draw_term(Writer *w, const Name *n)
{
    if (*n->law && below(w, 3) == 0)
        put(w, "log_prob(%s, %s)", n->law, n->text);
    else if (n->kind == COPY || n->kind == CATEGORY || (n->kind == BIT && below(w, 4) == 0))
        put_picked(w, n);
    else {
        put(w, "log_prob(");
        if (!put_rival(w, n->kind))
            put(w, n->kind == COUNT ? "poisson(0.7)" : "logistic(a, 1.1)");
        put(w, ", %s)", n->text);
    }
}

void put_expression(Writer *w, int depth)
{
    const Name *n = some_name(w);
    switch (depth > 0 ? below(w, 11) : -1) {
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
        put_call(w, "tanh(", depth - 1);
        return;
    case 7:
    case 8:
        if (n->kind != REAL) {
            put_draw_term(w, n);
            return;
        } /* fall through */
    case 9:
        if (n->kind != REAL || below(w, 9) == 0) {
            put_choice(w, n, depth - 1);
            return;
        } /* fall through */
    default:
        put(w, "%.1f * %s", 0.3 * (1 + below(w, 4)), n->text);
    }
}

/* ---- laws ----------------------------------------------------------------------------------- */

static Kind put_normal(Writer *w)
{
    bool moved = below(w, 3) == 0;
    put(w, "normal(");
    put_expression(w, 1);
    put(w, moved ? ", 0.2 + 0.5 * sigmoid(" : ", 0.5)");
    if (moved) {
        put_expression(w, 0);
        put(w, "))");
    }
    w->reals -= w->copies;
    return NORMAL;
}

static Kind put_other_real(Writer *w)
{
    static const char *const law[][2] = {{"laplace(", ", 0.4)"},
                                         {"logistic(", ", 0.3)"},
                                         {"gumbel(", ", 0.3)"},
                                         {"exponential(1.5 + sigmoid(", "))"},
                                         {"lognormal(0.3 * tanh(", "), 0.4)"},
                                         {"half_normal(0.2 + sigmoid(", "))"}};
    int i = below(w, sizeof law / sizeof *law);
    put_call(w, law[i][0], below(w, 2));
    w->out->text[strlen(w->out->text) - 1] = '\0'; /* the bracket of the call */
    put(w, "%s", law[i][1]);
    w->reals -= w->copies;
    return REAL_DRAW;
}

Kind put_bit(Writer *w)
{
    if (below(w, 4)) {
        put_call(w, "bernoulli(logits = ", 1);
    } else {
        put_call(w, "bernoulli(sigmoid(", 1);
        put(w, ")");
    }
    w->bits -= w->copies;
    return BIT;
}

static Kind put_category(Writer *w)
{
    bool logits = below(w, 4) > 0;
    put(w, logits ? "categorical(logits = [" : "categorical(softmax([");
    put_expression(w, 1);
    put(w, ", 0.0, ");
    put_expression(w, 0);
    put(w, logits ? "])" : "]))");
    w->bits -= 2 * w->copies;
    return CATEGORY;
}

static Kind put_count(Writer *w)
{
    static const char *const law[] = {"binomial(2, sigmoid(", "binomial(3, sigmoid(",
                                      "poisson(0.5 * sigmoid(", "geometric(0.5 + 0.4 * sigmoid("};
    int i = below(w, sizeof law / sizeof *law);
    put_call(w, law[i], 1);
    put(w, ")");
    w->bits -= (i < 2 ? 2 : 4) * w->copies;
    return COUNT;
}

/* A law whose copies the budget allows. */
Kind put_law(Writer *w)
{
    int kind = below(w, 12);
    if (kind < 3 && w->reals >= w->copies)
        return kind ? put_normal(w) : put_other_real(w);
    if (kind == 3 && w->bits >= 4 * w->copies)
        return put_count(w);
    return kind < 6 && w->bits >= 2 * w->copies ? put_category(w) : put_bit(w);
}

bool put_rival(Writer *w, Kind kind)
{
    switch (kind) {
    case NORMAL:
        put_call(w, "normal(", 1);
        w->out->text[strlen(w->out->text) - 1] = '\0'; /* the bracket of the call */
        put(w, ", 0.8)");
        return true;
    case BIT:
        put_call(w, "bernoulli(logits = ", 1);
        return true;
    case CATEGORY:
        put(w, "categorical(logits = [0.3, ");
        put_expression(w, 1);
        put(w, ", -0.4])");
        return true;
    default:
        return false;
    }
}
