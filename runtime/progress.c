/* Lines for people; metrics.jsonl is the form for programs. */
#include "runtime/progress.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 10 };
static const double redraw = 0.1; /* seconds */

double sgrt_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void sgrt_progress_start(SgrtProgress *p, const SgrtTrainer *t, int64_t last_step, bool quiet)
{
    double now = sgrt_seconds();
    *p = (SgrtProgress){.quiet = quiet,
                        .live = !quiet && isatty(STDERR_FILENO),
                        .first_step = t->step,
                        .last_step = last_step,
                        .started = now,
                        .reported = now,
                        .drawn = now};
    if (t->epoch_steps)
        p->epochs = (last_step + t->epoch_steps - 1) / t->epoch_steps;
}

char *sgrt_cost_text(char *out, size_t room, double cost, double se)
{
    int used = snprintf(out, room, "%.6g", cost);
    if (isfinite(se) && used > 0 && (size_t)used < room)
        snprintf(out + used, room - (size_t)used, " \u00b1%.2g", se);
    return out;
}

/* Rows (or steps) a second, and the seconds that are left, by this process. */
static double rate_of(const SgrtProgress *p, const SgrtTrainer *t, double now, double *left)
{
    double taken = now - p->started, done = (double)(t->step - p->first_step);
    *left = done > 0 ? taken / done * (double)(p->last_step - t->step) : 0;
    return done / taken * (t->epoch_steps ? (double)t->settings.batch : 1);
}

/* A line that is composed before it is shown, as it may be wider than the terminal. */
typedef struct Line {
    char text[300];
    size_t used;
} Line;

__attribute__((format(printf, 2, 3))) static void add(Line *l, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(l->text + l->used, sizeof l->text - l->used, format, arguments);
    va_end(arguments);
    l->used += length > 0 ? (size_t)length : 0;
    if (l->used >= sizeof l->text)
        l->used = sizeof l->text - 1;
}

static void add_time(Line *l, double seconds)
{
    int64_t s = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds + 0.5) : 0;
    if (s >= 3600)
        add(l, "%lld:", (long long)(s / 3600));
    add(l, "%02lld:%02lld", (long long)(s / 60 % 60), (long long)(s % 60));
}

static void add_rate(Line *l, double rate, const char *what)
{
    double unit = rate >= 1e6 ? 1e6 : rate >= 1e3 ? 1e3 : 1;
    add(l, "%.3g%s %s/s  ", rate / unit, unit == 1e6 ? "M" : unit == 1e3 ? "k" : "", what);
}

static void add_bar(Line *l, double part)
{
    int filled = (int)(part * BAR);
    add(l, " %3d%%|%.*s%*s|", (int)(part * 100), filled, "##########", BAR - filled, "");
}

/* Cuts the line to the width of the terminal, where a byte that goes on a character takes none. */
static void show(Line *l)
{
    struct winsize window = {.ws_col = 0};
    int width =
        ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col ? window.ws_col : 80;
    size_t end = 0;
    for (int columns = 0; end < l->used; end++) {
        columns += (l->text[end] & 0xc0) != 0x80;
        if (columns >= width)
            break;
    }
    fprintf(stderr, "\r%.*s\x1b[K", (int)end, l->text);
    fflush(stderr);
}

/* epoch 3/10  62%|######    | cost 103.41 +-0.35 |g| 12.1  41.2k rows/s  00:23<00:38 */
static void draw(const SgrtProgress *p, const SgrtTrainer *t, double now)
{
    char cost[64];
    Line l = {.used = 0};
    double left = 0, rate = rate_of(p, t, now, &left);
    if (t->epoch_steps) {
        int64_t epoch = (t->step - 1) / t->epoch_steps, in = t->step - epoch * t->epoch_steps;
        add(&l, "epoch %lld/%lld", (long long)epoch + 1, (long long)p->epochs);
        add_bar(&l, (double)in / (double)t->epoch_steps);
    } else {
        add(&l, "step %lld/%lld", (long long)t->step, (long long)p->last_step);
        add_bar(&l, (double)t->step / (double)p->last_step);
    }
    sgrt_cost_text(cost, sizeof cost, t->sum.cost[0] / t->sum.rows, sgrt_sums_error(&t->sum));
    add(&l, " cost %s |g| %.3g  ", cost, t->norm);
    add_rate(&l, rate, t->epoch_steps ? "rows" : "steps");
    add_time(&l, now - p->started);
    add(&l, "<");
    add_time(&l, left);
    show(&l);
}

void sgrt_progress_step(SgrtProgress *p, const SgrtTrainer *t)
{
    if (!p->live || t->sum.rows <= 0)
        return;
    double now = sgrt_seconds();
    if (now - p->drawn < redraw)
        return;
    p->drawn = now;
    draw(p, t, now);
}

void sgrt_progress_clear(SgrtProgress *p)
{
    if (!p->live)
        return;
    fputs("\r\x1b[K", stderr);
    fflush(stderr);
}

/* A line for people. */
static void print_report(const SgrtTrainer *t, const SgrtReport *r, double taken)
{
    char cost[64];
    sgrt_cost_text(cost, sizeof cost, r->cost[0], r->se);
    if (r->held)
        fprintf(stderr, "  held out");
    else if (t->epoch_steps && t->step % t->epoch_steps == 0)
        fprintf(stderr, "epoch %lld", (long long)(t->step / t->epoch_steps));
    else
        fprintf(stderr, "step %lld", (long long)t->step);
    fprintf(stderr, "  cost %s", cost);
    if (t->epoch_steps)
        fprintf(stderr, " per row (total %.6g)", r->cost[0] * (double)r->rows);
    if (!isnan(r->snr))
        fprintf(stderr, "  snr %.2g", r->snr);
    fprintf(stderr, "  %.1f s\n", taken);
}

/* The same for programs: one line of logfmt. */
static void log_report(const SgrtProgress *p, const SgrtTrainer *t, const SgrtReport *r, double now)
{
    double left = 0, rate = rate_of(p, t, now, &left);
    fprintf(stderr, "step=%lld", (long long)t->step);
    if (t->epoch_steps)
        fprintf(stderr, " epoch=%.4g", (double)t->step / (double)t->epoch_steps);
    if (r->held)
        fprintf(stderr, " split=eval");
    fprintf(stderr, " cost=%.6g", r->cost[0]);
    if (isfinite(r->se))
        fprintf(stderr, " se=%.2g", r->se);
    if (!r->held)
        fprintf(stderr, " gnorm=%.3g %s_per_s=%.4g eta_s=%.0f", t->norm,
                t->epoch_steps ? "rows" : "steps", rate, left);
    if (!isnan(r->snr))
        fprintf(stderr, " snr=%.2g", r->snr);
    fputc('\n', stderr);
}

double sgrt_progress_report(SgrtProgress *p, const SgrtTrainer *t, const SgrtReport *r)
{
    double now = sgrt_seconds(), taken = now - p->reported;
    p->reported = now;
    sgrt_progress_clear(p);
    if (p->live)
        print_report(t, r, taken);
    else if (!p->quiet)
        log_report(p, t, r, now);
    return taken;
}
