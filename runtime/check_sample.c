/* Draws of the estimate against differences of the cost with the same noise. */
#include "runtime/check_state.h"

#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
    PILOT = 8,        /* draws that say where the gradient points, and how far to go along it */
    PILOT_RARE = 64,  /* the same where a draw may have rare outcomes, which must be met */
    FIRST = 16,       /* draws before the first look, and then twice as many each time */
    FIRST_RARE = 256, /* the same where outcomes may be rare, and before anything is called zero */
    TAILS = 32,       /* draws that Student's t is taken for at most: estimates have heavy tails */
    LEAST_WRONG = 1024, /* draws before one that has noise is called wrong */
    LOOKS = 16,         /* the level is split over so many */
    MOST_SAMPLES = 100000,
    BUDGET = 1000000 /* calls times rows, unless the user says how many draws */
};
static const int64_t pilot_draws = (int64_t)1 << 40;
static const double constant = 0.05; /* so little noise is none */
static const double level = 0.01;    /* that a right estimate is called wrong */

/* Running sums along one direction (Welford). */
typedef struct Sums {
    double off, off_spread; /* estimate - slope */
    double slope, estimate;
    double curve; /* fourth- less second-order differences: their error, and more */
} Sums;

typedef struct Sampling {
    SgrtChecking *c;
    Sums *sums; /* owned: [alongs] */
    int64_t draws;
    int pilot;       /* draws before the first that counts */
    bool suspicious; /* some would be called wrong if there were more draws */
    double size;     /* the largest cost that was met, */
    double typical;  /* and the mean of their sizes */
} Sampling;

/* Half the probability of a standard normal beyond +-z. */
static double tail(double z)
{
    return erfc(z / sqrt(2)) / 2;
}

/* The z whose tail is p. */
static double quantile(double p)
{
    double low = 0, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(tail(middle) > p ? &low : &high) = middle;
    }
    return high;
}

/* The normal z that a Student t of n - 1 degrees stands for (Abramowitz and Stegun, 26.7.8). */
static double normal_of(double t, double n)
{
    return t * (1 - 1 / (4 * (n - 1))) / sqrt(1 + t * t / (2 * (n - 1)));
}

/* The t that stands for z. */
static double student_of(double z, double n)
{
    double low = 0, high = 1e3;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;
        *(normal_of(middle, n) < z ? &low : &high) = middle;
    }
    return high;
}

/* Of differences over h. */
static double rounding_of(const Sampling *s, double h)
{
    return 2 * sgrt_probe_rounding(&s->c->probe) * (1 + s->size) / h;
}

static bool cost_at(void *context, double *cost, SgrtError *e)
{
    SgrtProbe *p = context;
    return sgrt_probe_cost(p, p->eval, cost, e);
}

static void add_elements(SgrtChecking *c, int64_t draws)
{
    const SgrtModel *model = c->probe.model;
    for (int64_t i = 0; i < model->params; i++) {
        const void *g = sgrt_probe_gradient(&c->probe, i);
        for (int64_t k = 0; g && k < model->param[i].size; k++) {
            double v = sgrt_probe_real(&c->probe, g, k);
            double *mean = &c->mean[c->begin[i] + k], away = v - *mean;
            *mean += away / (double)draws;
            c->square[c->begin[i] + k] += away * (v - *mean);
        }
    }
}

static bool draw(Sampling *s, SgrtError *e)
{
    SgrtChecking *c = s->c;
    sgrt_probe_draw(&c->probe, s->draws);
    if (!sgrt_probe_step(&c->probe, c->probe.step, e))
        return false;
    s->draws++;
    s->typical += (fabs(c->probe.cost[0]) - s->typical) / (double)s->draws;
    add_elements(c, s->draws);
    for (int64_t i = 0; i < c->alongs; i++) {
        Sums *sum = &s->sums[i];
        SgrtStencil at = {.h = c->along[i].h};
        if (!sgrt_check_stencil(c, &c->along[i], &at, cost_at, &c->probe, e))
            return false;
        double slope = sgrt_check_fourth(&at);
        double estimate = sgrt_probe_slope(&c->probe, &c->along[i].d);
        double off = estimate - slope, away = off - sum->off, n = (double)s->draws;
        sum->off += away / n;
        sum->off_spread += away * (off - sum->off);
        sum->slope += (slope - sum->slope) / n;
        sum->estimate += (estimate - sum->estimate) / n;
        sum->curve += (slope - sgrt_check_second(&at) - sum->curve) / n;
        s->size = fmax(s->size, fabs(at.cost[0]));
    }
    return true;
}

static int by_p(const void *a, const void *b)
{
    double x = (*(SgrtAlong *const *)a)->p, y = (*(SgrtAlong *const *)b)->p;
    return x < y ? -1 : x > y;
}

/* Holm's procedure: the k-th smallest of n probabilities against level / (n - k).  Directions that
 * it rejects are left with an `off` beyond their error; the others have it within. */
static bool look(Sampling *s, SgrtError *e)
{
    SgrtChecking *c = s->c;
    double n = (double)s->draws, each = level / LOOKS;
    double freedom = fmin(n, TAILS),
           z = student_of(quantile(each / (double)c->alongs / 2), freedom);
    SgrtAlong **sorted = sgrt_alloc(c->alongs, sizeof *sorted, e);
    if (!sorted)
        return false;
    s->suspicious = false;
    for (int64_t i = 0; i < c->alongs; i++) {
        const Sums *sum = &s->sums[i];
        SgrtAlong *a = sorted[i] = &c->along[i];
        double se = sqrt(sum->off_spread / (n - 1) / n);
        double bound = fabs(sum->curve) / 2 + rounding_of(s, a->h);
        a->off = sum->off;
        a->slope = sum->slope;
        a->estimate = sum->estimate;
        a->error = z * se + bound;
        c->negligible = fmax(c->negligible, 2 * rounding_of(s, a->h));
        double beyond = fabs(sum->off) - bound;
        a->p = beyond <= 0 ? 1 : se > 0 ? 2 * tail(normal_of(beyond / se, freedom)) : 0;
        bool telling = n >= LEAST_WRONG || se * sqrt(n) < constant * beyond;
        s->suspicious = s->suspicious || (!telling && a->p < each / (double)c->alongs);
        if (!telling)
            a->p = 1;
    }
    c->negligible = n < FIRST_RARE ? -1 : fmin(c->negligible, 1e-3 * (1 + s->typical));
    qsort(sorted, (size_t)c->alongs, sizeof *sorted, by_p);
    bool rejecting = true;
    for (int64_t i = 0; i < c->alongs; i++) {
        rejecting = rejecting && sorted[i]->p < each / (double)(c->alongs - i);
        double size = fabs(sorted[i]->off);
        if (rejecting && sorted[i]->error >= size)
            sorted[i]->error = nextafter(size, 0);
        if (!rejecting && sorted[i]->error < size)
            sorted[i]->error = size;
    }
    free(sorted);
    return true;
}

/* The spread of the estimate's elements, for the table. */
static void spread(SgrtChecking *c, double *kept, double draws, bool divide)
{
    for (int64_t i = 0; i < c->elements; i++) {
        if (divide)
            kept[i] = c->square[i];
        c->square[i] = divide ? c->square[i] / fmax(draws - 1, 1) : kept[i];
    }
}

static bool is_decided(Sampling *s, double *kept)
{
    SgrtChecking *c = s->c;
    spread(c, kept, (double)s->draws, true);
    sgrt_check_judge(c);
    spread(c, kept, (double)s->draws, false);
    for (int64_t i = 0; i < c->out->params; i++)
        if (c->out->checked[i].verdict == SGRT_VERDICT_UNDECIDED)
            return false;
    return true;
}

/* Of some differences with one h: the mean error of second order, and the spread. */
typedef struct Guess {
    double curve, spread;
} Guess;

static bool guess(Sampling *s, const SgrtAlong *a, double h, Guess *g, SgrtError *e)
{
    SgrtChecking *c = s->c;
    double mean = 0, squares = 0;
    *g = (Guess){0};
    for (int i = 1; i <= s->pilot; i++) {
        SgrtStencil at = {.h = h};
        sgrt_probe_draw(&c->probe, pilot_draws + i);
        if (!sgrt_check_stencil(c, a, &at, cost_at, &c->probe, e))
            return false;
        double slope = sgrt_check_fourth(&at), away = slope - mean;
        mean += away / i;
        squares += away * (slope - mean);
        g->curve += (slope - sgrt_check_second(&at)) / s->pilot;
        s->size = fmax(s->size, fabs(at.cost[0]));
    }
    g->spread = sqrt(squares / s->pilot);
    return true;
}

/* The larger h, the less rounding adds, and the jumps of discrete draws, whose variance goes with
 * 1 / h even where a few draws meet none of them; the smaller, the less the curvature of the cost.
 */
static bool choose_step(Sampling *s, SgrtAlong *a, SgrtError *e)
{
    const double widest = 0.1;
    double best = INFINITY, spread = 0;
    for (double h = widest; h > 2e-3; h /= 3) {
        Guess g;
        if (!guess(s, a, h, &g, e))
            return false;
        spread = h == widest ? g.spread : spread;
        double noise = fmax(g.spread, spread * sqrt(widest / h)) / sqrt(1000);
        double error = fabs(g.curve) / 2 + rounding_of(s, h) + noise;
        if (error < best)
            a->h = h;
        best = fmin(best, error);
    }
    return true;
}

/* Draws with numbers of their own, which say where the gradient points and how far to go. */
static bool pilot(Sampling *s, SgrtError *e)
{
    SgrtChecking *c = s->c;
    for (int64_t i = 1; i <= s->pilot; i++) {
        sgrt_probe_draw(&c->probe, pilot_draws + i);
        if (!sgrt_probe_step(&c->probe, c->probe.step, e))
            return false;
        add_elements(c, i);
    }
    if (!sgrt_check_directions(c, e))
        return false;
    for (int64_t i = 0; i < c->alongs; i++)
        if (!choose_step(s, &c->along[i], e))
            return false;
    for (int64_t i = 0; i < c->elements; i++)
        c->mean[i] = c->square[i] = 0;
    return true;
}

/* Uniform noise may be that of a discrete draw. */
static bool may_be_rare(const SgrtChecking *c)
{
    const SgrtEntry *entry[] = {c->probe.graph->step, c->probe.graph->eval};
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < entry[k]->sites; i++)
            if (!entry[k]->site[i].normal)
                return true;
    return false;
}

static int64_t first_look(const SgrtChecking *c)
{
    return may_be_rare(c) ? FIRST_RARE : FIRST;
}

static int64_t draws_allowed(const SgrtChecking *c)
{
    if (c->settings->samples > 0)
        return c->settings->samples;
    int64_t calls = (1 + SGRT_STENCIL * c->alongs) * c->out->rows, draws = BUDGET / calls;
    int64_t least = 4 * first_look(c);
    return draws < least ? least : draws > MOST_SAMPLES ? MOST_SAMPLES : draws;
}

/* A suspicion is followed up, unless the user says how far. */
static bool may_go_on(const Sampling *s, int64_t most)
{
    return s->draws < most ||
           (s->suspicious && s->draws < LEAST_WRONG && s->c->settings->samples < 0);
}

static bool sample(Sampling *s, double *kept, SgrtError *e)
{
    int64_t most = draws_allowed(s->c), next = first_look(s->c);
    for (bool decided = false; !decided && may_go_on(s, most); next *= 2) {
        while (s->draws < next && may_go_on(s, most))
            if (!draw(s, e))
                return false;
        if (s->draws > 1 && !look(s, e))
            return false;
        decided = is_decided(s, kept);
    }
    spread(s->c, kept, (double)s->draws, true);
    s->c->out->draws = s->draws;
    return true;
}

bool sgrt_check_sample(SgrtChecking *c, SgrtError *e)
{
    Sampling s = {.c = c, .pilot = may_be_rare(c) ? PILOT_RARE : PILOT};
    c->out->method = SGRT_SAMPLING;
    c->negligible = 0;
    if (!pilot(&s, e))
        return false;
    double *kept = sgrt_alloc(c->elements, sizeof *kept, e);
    s.sums = sgrt_alloc(c->alongs, sizeof *s.sums, e);
    bool sampled = kept && s.sums && sample(&s, kept, e);
    free(kept);
    free(s.sums);
    return sampled;
}
