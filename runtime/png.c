/* A PNG writer: one zlib stream of unfiltered lines. */
#include "runtime/png.h"

#include "runtime/file.h"
#include "runtime/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GAP = 1, GAP_GREY = 128, MOST_SIDE = 1 << 24 };

/* The sheet: `images` of h x w pixels of `channels` bytes, in a grid. */
typedef struct Sheet {
    int64_t images, h, w, channels;
    int64_t across, down;  /* images of the grid */
    int64_t width, height; /* pixels of the sheet */
    int64_t line;          /* bytes of one line with its filter byte */
    unsigned char *bytes;  /* owned */
} Sheet;

static bool in_colour(const SgrtArray *a)
{
    return a->rank >= 3 && a->dim[a->rank - 1] == 3;
}

bool sgrt_png_fits(const SgrtArray *a)
{
    return a->rank >= 2 && a->size > 0;
}

static bool lay_out(Sheet *s, const SgrtArray *a, const char *path, SgrtError *e)
{
    char shape[200];
    if (!sgrt_png_fits(a))
        return sgrt_fail(e, "%s: %s is not the shape of images, [.., h, w] or [.., h, w, 3]", path,
                         sgrt_shape_text(shape, sizeof shape, a->dim, a->rank));
    int64_t last = a->rank - (in_colour(a) ? 2 : 1);
    s->channels = in_colour(a) ? 3 : 1;
    s->h = a->dim[last - 1];
    s->w = a->dim[last];
    s->images = a->size / (s->h * s->w * s->channels);
    s->across = (int64_t)ceil(sqrt((double)s->images * (double)s->h / (double)s->w));
    if (s->across > s->images)
        s->across = s->images;
    s->down = (s->images + s->across - 1) / s->across;
    if (s->h > MOST_SIDE || s->w > MOST_SIDE || s->down > MOST_SIDE / (s->h + GAP) ||
        s->across > MOST_SIDE / (s->w + GAP))
        return sgrt_fail(e, "%s: %s is too large for one picture", path,
                         sgrt_shape_text(shape, sizeof shape, a->dim, a->rank));
    s->width = s->across * (s->w + GAP) - GAP;
    s->height = s->down * (s->h + GAP) - GAP;
    s->line = 1 + s->width * s->channels;
    return true;
}

/* The grey level of an element; counts what is not a number. */
static unsigned char level(const SgrtArray *a, int64_t i, int64_t *nans)
{
    double v = 0;
    switch (a->stored) {
    case SGRT_STORED_F32:
        v = 255 * (double)((const float *)a->values)[i];
        break;
    case SGRT_STORED_F64:
        v = 255 * ((const double *)a->values)[i];
        break;
    case SGRT_STORED_I32:
        v = ((const int32_t *)a->values)[i];
        break;
    default:
        v = ((const unsigned char *)a->values)[i] * (a->stored == SGRT_STORED_BOOL ? 255 : 1);
        break;
    }
    if (isnan(v)) {
        ++*nans;
        return 0;
    }
    return (unsigned char)(v <= 0 ? 0 : v >= 255 ? 255 : v + 0.5);
}

static void draw_image(Sheet *s, const SgrtArray *a, int64_t image, int64_t *nans)
{
    int64_t left = image % s->across * (s->w + GAP), top = image / s->across * (s->h + GAP);
    int64_t from = image * s->h * s->w * s->channels;
    for (int64_t y = 0; y < s->h; y++) {
        unsigned char *out = s->bytes + (top + y) * s->line + 1 + left * s->channels;
        for (int64_t x = 0; x < s->w * s->channels; x++)
            out[x] = level(a, from++, nans);
    }
}

static bool draw(Sheet *s, const SgrtArray *a, int64_t *nans, SgrtError *e)
{
    s->bytes = sgrt_alloc(s->height, s->line, e);
    if (!s->bytes)
        return false;
    memset(s->bytes, GAP_GREY, (size_t)(s->height * s->line));
    for (int64_t y = 0; y < s->height; y++)
        s->bytes[y * s->line] = 0; /* the line's filter: none */
    *nans = 0;
    for (int64_t i = 0; i < s->images; i++)
        draw_image(s, a, i, nans);
    return true;
}

static void put_u32(unsigned char *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (unsigned char)(v >> (24 - 8 * i));
}

static bool put_chunk(SgrtFile *f, const char *kind, const unsigned char *bytes, size_t count,
                      SgrtError *e)
{
    unsigned char head[8], tail[4];
    put_u32(head, (uint32_t)count);
    memcpy(head + 4, kind, 4);
    uLong sum = crc32(crc32(0, head + 4, 4), bytes, (uInt)count);
    put_u32(tail, (uint32_t)(count ? sum : crc32(0, head + 4, 4)));
    return sgrt_file_write(f, head, 8, e) && sgrt_file_write(f, bytes, (int64_t)count, e) &&
           sgrt_file_write(f, tail, 4, e);
}

static bool put_pixels(SgrtFile *f, const Sheet *s, SgrtError *e)
{
    uLong raw = (uLong)(s->height * s->line);
    uLongf packed = compressBound(raw);
    unsigned char *out = sgrt_alloc((int64_t)packed, 1, e);
    if (!out)
        return false;
    bool put = compress(out, &packed, s->bytes, raw) == Z_OK && packed <= INT32_MAX
                   ? put_chunk(f, "IDAT", out, packed, e)
                   : sgrt_fail(e, "%s: the picture is too large for PNG", f->path);
    free(out);
    return put;
}

static bool put_file(SgrtFile *f, const Sheet *s, SgrtError *e)
{
    unsigned char header[13] = {0};
    put_u32(header, (uint32_t)s->width);
    put_u32(header + 4, (uint32_t)s->height);
    header[8] = 8;                        /* bits of a channel */
    header[9] = s->channels == 3 ? 2 : 0; /* RGB or grey */
    return sgrt_file_write(f, "\x89PNG\r\n\x1a\n", 8, e) &&
           put_chunk(f, "IHDR", header, sizeof header, e) && put_pixels(f, s, e) &&
           put_chunk(f, "IEND", header, 0, e);
}

bool sgrt_png_write(const char *path, const SgrtArray *a, int64_t *nans, SgrtError *e)
{
    Sheet s = {0};
    SgrtFile f = {0};
    int64_t count = 0;
    bool written = lay_out(&s, a, path, e) && draw(&s, a, nans ? nans : &count, e) &&
                   sgrt_file_begin(&f, path, e) && put_file(&f, &s, e) && sgrt_file_commit(&f, e);
    sgrt_file_abandon(&f);
    free(s.bytes);
    return written;
}
