/* Damages a file, for the fuzzers: the same seed, the same damage.
 *
 *   mutate SEED IN OUT
 *
 * A mutant differs by a few edits: bits and bytes changed, numbers of 1 to 8 bytes or of decimal
 * digits made extreme, pieces removed, repeated or moved, the end cut off or prolonged. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct File {
    unsigned char *byte;
    size_t count;
} File;

static uint64_t state;

/* Steele, Lea and Flood's SplitMix64 (2014). */
static uint64_t next_random(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Below n, 0 for n = 0. */
static size_t below(size_t n)
{
    return n ? (size_t)(next_random() % n) : 0;
}

static void *need(void *memory)
{
    if (!memory) {
        fprintf(stderr, "mutate: out of memory\n");
        exit(1);
    }
    return memory;
}

static void cut_out(File *f, size_t at, size_t count)
{
    memmove(f->byte + at, f->byte + at + count, f->count - at - count);
    f->count -= count;
}

static void put_in(File *f, size_t at, const unsigned char *bytes, size_t count)
{
    unsigned char *copy = need(malloc(count + 1));
    memcpy(copy, bytes, count); /* they may be the file's own */
    f->byte = need(realloc(f->byte, f->count + count + 1));
    memmove(f->byte + at + count, f->byte + at, f->count - at);
    memcpy(f->byte + at, copy, count);
    f->count += count;
    free(copy);
}

static void flip_bit(File *f)
{
    if (f->count)
        f->byte[below(f->count)] ^= (unsigned char)(1 << below(8));
}

static void set_byte(File *f)
{
    static const unsigned char favourite[] = {0,   1,   0x7f, 0x80, 0xff, '"',
                                              '{', '[', ',',  '-',  '\n'};
    if (f->count)
        f->byte[below(f->count)] =
            below(2) ? favourite[below(sizeof favourite)] : (unsigned char)below(256);
}

/* A number in binary, in either order of bytes. */
static void set_number(File *f)
{
    static const uint64_t favourite[] = {0,          1,          0x7f,       0x80,
                                         0xff,       0x7fff,     0xffff,     0x7fffffff,
                                         0x80000000, 0xffffffff, INT64_MAX,  (uint64_t)INT64_MIN,
                                         UINT64_MAX, 100000000,  0x100000000};
    size_t width = (size_t)1 << below(4);
    if (f->count < width)
        return;
    size_t at = below(f->count - width + 1);
    uint64_t value = favourite[below(sizeof favourite / sizeof *favourite)];
    bool big = below(2);
    for (size_t i = 0; i < width; i++)
        f->byte[at + (big ? width - 1 - i : i)] = (unsigned char)(value >> 8 * i);
}

/* A number in digits. */
static void set_digits(File *f)
{
    static const char *const favourite[] = {"0",   "-1",  "1e999", "99999999999999999999", "nan",
                                            "0.5", "1e9", "",      "4294967296",           "-0"};
    size_t at = below(f->count), end = at;
    while (at < f->count && !isdigit(f->byte[at]))
        at++;
    for (end = at; end < f->count && isdigit(f->byte[end]);)
        end++;
    if (at == f->count)
        return;
    const char *text = favourite[below(sizeof favourite / sizeof *favourite)];
    cut_out(f, at, end - at);
    put_in(f, at, (const unsigned char *)text, strlen(text));
}

static void remove_piece(File *f)
{
    size_t at = below(f->count);
    cut_out(f, at, below((f->count - at < 64 ? f->count - at : 64) + 1));
}

static void repeat_piece(File *f)
{
    size_t at = below(f->count), left = f->count - at;
    put_in(f, below(f->count + 1), f->byte + at, below((left < 64 ? left : 64) + 1));
}

static void cut_end(File *f)
{
    f->count = below(f->count + 1);
}

static void prolong(File *f)
{
    unsigned char more[32];
    for (size_t i = 0; i < sizeof more; i++)
        more[i] = (unsigned char)below(256);
    put_in(f, f->count, more, below(sizeof more) + 1);
}

static void mutate(File *f)
{
    static void (*const edit[])(File *) = {flip_bit,     flip_bit,   set_byte,   set_number,
                                           set_number,   set_digits, set_digits, remove_piece,
                                           repeat_piece, cut_end,    prolong};
    for (size_t edits = 1 + below(4); edits > 0; edits--)
        edit[below(sizeof edit / sizeof *edit)](f);
}

static File read_file(const char *path)
{
    File f = {need(malloc(1)), 0};
    FILE *in = fopen(path, "rb");
    unsigned char piece[4096];
    if (!in) {
        perror(path);
        exit(1);
    }
    for (size_t got; (got = fread(piece, 1, sizeof piece, in)) > 0;)
        put_in(&f, f.count, piece, got);
    fclose(in);
    return f;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: mutate SEED IN OUT\n");
        return 2;
    }
    state = strtoull(argv[1], NULL, 10);
    File f = read_file(argv[2]);
    mutate(&f);
    FILE *out = fopen(argv[3], "wb");
    if (!out || fwrite(f.byte, 1, f.count, out) != f.count || fclose(out) != 0) {
        perror(argv[3]);
        return 1;
    }
    free(f.byte);
    return 0;
}
