/* Lines for people; metrics.jsonl is the form for programs. */
#include "runtime/progress.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 20 };
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
    *p = (SgrtProgress){.first_step = t->step,
                        .last_step = last_step,
                        .started = now,
                        .reported = now,
                        .drawn = now};
    p->out = quiet ? NULL : stdout;
    p->live = !quiet && isatty(STDERR_FILENO) ? stderr : NULL;
    if (t->epoch_steps)
        p->epochs = (last_step + t->epoch_steps - 1) / t->epoch_steps;
}

static void print_time(FILE *out, double seconds)
{
    int64_t s = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds + 0.5) : 0;
    if (s >= 3600)
        fprintf(out, "%lld:", (long long)(s / 3600));
    fprintf(out, "%02lld:%02lld", (long long)(s / 60 % 60), (long long)(s % 60));
}

static void draw_bar(FILE *out, double part)
{
    int filled = (int)(part * BAR);
    fprintf(out, " %3d%%|", (int)(part * 100));
    for (int i = 0; i < BAR; i++)
        fputs(i < filled ? "#" : " ", out);
    fputs("|", out);
}

/* epoch 3/10  62%|############        | cost 103.41 |g| 12.1  41200 rows/s  00:23<00:38 */
static void draw(const SgrtProgress *p, const SgrtTrainer *t, double now)
{
    double taken = now - p->started, done = (double)(t->step - p->first_step);
    double left = (double)(p->last_step - t->step);
    fputs("\r", p->live);
    if (t->epoch_steps) {
        int64_t epoch = (t->step - 1) / t->epoch_steps, in = t->step - epoch * t->epoch_steps;
        fprintf(p->live, "epoch %lld/%lld", (long long)epoch + 1, (long long)p->epochs);
        draw_bar(p->live, (double)in / (double)t->epoch_steps);
    } else {
        fprintf(p->live, "step %lld/%lld", (long long)t->step, (long long)p->last_step);
        draw_bar(p->live, (double)t->step / (double)p->last_step);
    }
    fprintf(p->live, " cost %.6g  |g| %.3g  ", t->sum[0] / t->sum_rows, t->norm);
    double rate = done / taken * (t->epoch_steps ? (double)t->settings.batch : 1);
    fprintf(p->live, "%.4g %s/s  ", rate, t->epoch_steps ? "rows" : "steps");
    print_time(p->live, taken);
    fputs("<", p->live);
    print_time(p->live, taken / done * left);
    fputs("\x1b[K", p->live);
    fflush(p->live);
}

void sgrt_progress_step(SgrtProgress *p, const SgrtTrainer *t)
{
    if (!p->live || t->sum_rows <= 0)
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
    fputs("\r\x1b[K", p->live);
    fflush(p->live);
}

double sgrt_progress_report(SgrtProgress *p, const SgrtTrainer *t, const double *cost)
{
    double now = sgrt_seconds(), taken = now - p->reported;
    p->reported = now;
    sgrt_progress_clear(p);
    if (!p->out)
        return taken;
    if (t->epoch_steps && t->step % t->epoch_steps == 0)
        fprintf(p->out, "epoch %lld", (long long)(t->step / t->epoch_steps));
    else
        fprintf(p->out, "step %lld", (long long)t->step);
    fprintf(p->out, "  cost %.6g", cost[0]);
    if (t->epoch_steps)
        fprintf(p->out, " per row (total %.6g)", cost[0] * (double)t->data->rows);
    fprintf(p->out, "  %.1f s\n", taken);
    fflush(p->out);
    return taken;
}
