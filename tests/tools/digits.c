/* Draws handwritten-looking digits, 28x28 bytes, as IDX files: data for the demo and the tests.
 *
 *   digits COUNT SEED IMAGES [LABELS]
 *
 * A digit is a few strokes through fixed points.  Every image moves the points a little, slants,
 * turns and scales the whole, and draws it with a pen of its own width.  The same seed draws the
 * same images. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 28, DIGITS = 10, MAX_POINTS = 10, MAX_STROKES = 2, STEPS = 8 };

typedef struct Point {
    double x, y;
} Point;

/* The unit square, y downwards.  A smooth stroke is a Catmull-Rom spline. */
typedef struct Stroke {
    bool smooth;
    int points;
    Point point[MAX_POINTS];
} Stroke;

static const Stroke shape[DIGITS][MAX_STROKES] = {
    {{true, 9, {{.5, .1}, {.3, .2}, {.22, .5}, {.3, .8}, {.5, .9}, {.7, .8}, {.78, .5}, {.7, .2}, {.5, .1}}}},
    {{false, 3, {{.36, .28}, {.54, .1}, {.54, .9}}}},
    {{true, 6, {{.25, .3}, {.36, .13}, {.6, .1}, {.74, .28}, {.58, .55}, {.24, .88}}},
     {false, 2, {{.24, .88}, {.8, .88}}}},
    {{true, 5, {{.26, .18}, {.5, .1}, {.72, .26}, {.62, .42}, {.42, .47}}},
     {true, 5, {{.42, .47}, {.68, .54}, {.75, .74}, {.52, .92}, {.22, .82}}}},
    {{false, 3, {{.58, .1}, {.2, .62}, {.84, .62}}}, {false, 2, {{.62, .36}, {.62, .92}}}},
    {{false, 3, {{.76, .12}, {.34, .12}, {.29, .45}}},
     {true, 6, {{.29, .45}, {.52, .39}, {.74, .52}, {.73, .76}, {.52, .91}, {.24, .84}}}},
    {{true, 8, {{.68, .1}, {.42, .28}, {.27, .58}, {.35, .85}, {.58, .9}, {.73, .7}, {.56, .52}, {.3, .66}}}},
    {{false, 3, {{.22, .13}, {.78, .13}, {.44, .9}}}},
    {{true, 9, {{.5, .48}, {.3, .3}, {.5, .1}, {.7, .3}, {.5, .48}, {.26, .7}, {.5, .91}, {.74, .7}, {.5, .48}}}},
    {{true, 8, {{.72, .34}, {.48, .48}, {.28, .32}, {.46, .1}, {.66, .14}, {.73, .4}, {.68, .68}, {.5, .92}}}},
};

/* splitmix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double between(uint64_t *state, double lo, double hi)
{
    return lo + (hi - lo) * (double)(next(state) >> 11) * 0x1p-53;
}

typedef struct Pen {
    double cell[SIDE][SIDE]; /* ink, 0 to 1 */
    double width;
    double xx, xy, yx, yy, dx, dy; /* from the unit square to cells */
} Pen;

static Pen pen_of(uint64_t *state)
{
    double turn = between(state, -0.2, 0.2), slant = between(state, -0.15, 0.35);
    double wide = between(state, 16, 21), tall = between(state, 18, 22);
    Pen p = {.width = between(state, 0.8, 1.5),
             .xx = wide * cos(turn),
             .xy = -tall * (sin(turn) + slant * cos(turn)),
             .yx = wide * sin(turn),
             .yy = tall * cos(turn)};
    p.dx = SIDE / 2.0 + between(state, -1, 1) - 0.5 * (p.xx + p.xy);
    p.dy = SIDE / 2.0 + between(state, -1, 1) - 0.5 * (p.yx + p.yy);
    return p;
}

static double distance(Point p, Point a, Point b)
{
    double x = b.x - a.x, y = b.y - a.y, length = x * x + y * y;
    double t = length > 0 ? ((p.x - a.x) * x + (p.y - a.y) * y) / length : 0;
    t = fmin(1, fmax(0, t));
    return hypot(p.x - a.x - t * x, p.y - a.y - t * y);
}

static void draw_line(Pen *p, Point from, Point to)
{
    Point a = {p->xx * from.x + p->xy * from.y + p->dx, p->yx * from.x + p->yy * from.y + p->dy};
    Point b = {p->xx * to.x + p->xy * to.y + p->dx, p->yx * to.x + p->yy * to.y + p->dy};
    int reach = (int)p->width + 2;
    for (int i = (int)fmin(a.y, b.y) - reach; i <= (int)fmax(a.y, b.y) + reach; i++)
        for (int j = (int)fmin(a.x, b.x) - reach; j <= (int)fmax(a.x, b.x) + reach; j++) {
            if (i < 0 || j < 0 || i >= SIDE || j >= SIDE)
                continue;
            double edge = p->width + 0.5 - distance((Point){j + 0.5, i + 0.5}, a, b);
            p->cell[i][j] = fmax(p->cell[i][j], fmin(1, fmax(0, edge)));
        }
}

static Point spline(const Point *p, int points, int i, double t)
{
    Point a = p[i > 0 ? i - 1 : 0], b = p[i], c = p[i + 1], d = p[i + 2 < points ? i + 2 : i + 1];
    double w[4] = {((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2,
                   ((4 - 3 * t) * t + 1) * t / 2, (t - 1) * t * t / 2};
    return (Point){w[0] * a.x + w[1] * b.x + w[2] * c.x + w[3] * d.x,
                   w[0] * a.y + w[1] * b.y + w[2] * c.y + w[3] * d.y};
}

static void draw_stroke(Pen *p, const Stroke *s, uint64_t *state)
{
    Point moved[MAX_POINTS];
    for (int i = 0; i < s->points; i++) {
        moved[i] = s->point[i];
        moved[i].x += between(state, -0.03, 0.03);
        moved[i].y += between(state, -0.03, 0.03);
    }
    for (int i = 0; i + 1 < s->points; i++) {
        if (!s->smooth)
            draw_line(p, moved[i], moved[i + 1]);
        for (int k = 0; s->smooth && k < STEPS; k++)
            draw_line(p, spline(moved, s->points, i, (double)k / STEPS),
                      spline(moved, s->points, i, (k + 1.0) / STEPS));
    }
}

static void draw_digit(int digit, uint64_t *state, unsigned char *image)
{
    Pen p = pen_of(state);
    for (int k = 0; k < MAX_STROKES; k++)
        draw_stroke(&p, &shape[digit][k], state);
    for (int i = 0; i < SIDE * SIDE; i++)
        image[i] = (unsigned char)lround(255 * p.cell[i / SIDE][i % SIDE]);
}

/* The magic number: unsigned bytes, and the number of axes; then the axes, big-endian. */
static FILE *open_idx(const char *path, uint32_t axes, const uint32_t *axis)
{
    FILE *out = fopen(path, "wb");
    if (!out) {
        fprintf(stderr, "digits: cannot write %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fwrite((unsigned char[]){0, 0, 8, (unsigned char)axes}, 1, 4, out);
    for (uint32_t i = 0; i < axes; i++)
        for (int shift = 24; shift >= 0; shift -= 8)
            putc((int)(axis[i] >> shift & 255), out);
    return out;
}

static int write_files(uint32_t count, uint64_t seed, const char *images, const char *labels)
{
    const uint32_t axis[] = {count, SIDE, SIDE};
    FILE *image = open_idx(images, 3, axis), *label = labels ? open_idx(labels, 1, axis) : NULL;
    for (uint32_t i = 0; i < count; i++) {
        unsigned char pixel[SIDE * SIDE];
        int digit = (int)(next(&seed) % DIGITS);
        draw_digit(digit, &seed, pixel);
        fwrite(pixel, 1, sizeof pixel, image);
        if (label)
            putc(digit, label);
    }
    bool ok = !ferror(image) && !(label && ferror(label));
    ok = fclose(image) == 0 && ok;
    ok = (!label || fclose(label) == 0) && ok;
    if (!ok)
        fprintf(stderr, "digits: cannot write %s: %s\n", images, strerror(errno));
    return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
    char *end_count = NULL, *end_seed = NULL;
    unsigned long count = argc > 2 ? strtoul(argv[1], &end_count, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], &end_seed, 10) : 0;
    if (argc < 4 || argc > 5 || *end_count || *end_seed || count < 1 || count > 10000000) {
        fputs("usage: digits COUNT SEED IMAGES [LABELS]\n", stderr);
        return 2;
    }
    return write_files((uint32_t)count, seed, argv[3], argc > 4 ? argv[4] : NULL);
}
