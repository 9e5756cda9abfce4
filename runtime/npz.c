/* NPZ: a ZIP archive whose members are NPY files, stored or deflated.
 *
 * The directory at the archive's end says where the members are; every offset and size of it is
 * checked against the bytes that there are. */
#include "runtime/data.h"

#include "runtime/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_BYTES = 22,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    LOCATOR_BYTES = 20,
    WIDE_END_BYTES = 56,
    MOST_COMMENT = 0xffff,
    STORED = 0,
    DEFLATED = 8,
    EXPANSION = 1032 /* no deflate stream expands by more */
};

typedef struct Archive {
    const unsigned char *bytes;
    int64_t count;
    const char *path;
    SgrtError *e;
} Archive;

/* One member, as its directory entry says. */
typedef struct Entry {
    char name[200]; /* without .npy */
    int64_t method, packed, size, local, flags;
    uint32_t sum; /* CRC-32 of the member's own bytes */
} Entry;

static bool bad(const Archive *z, int64_t offset, const char *what)
{
    return sgrt_fail(z->e, "%s: offset %lld: %s", z->path, (long long)offset, what);
}

static uint64_t number(const unsigned char *at, int bytes)
{
    uint64_t n = 0;
    for (int i = bytes - 1; i >= 0; i--)
        n = n << 8 | at[i];
    return n;
}

/* The record that ends the archive, which a comment may follow. */
static int64_t find_end(const Archive *z)
{
    for (int64_t at = z->count - END_BYTES; at >= 0 && at >= z->count - END_BYTES - MOST_COMMENT;
         at--)
        if (memcmp(z->bytes + at, "PK\5\6", 4) == 0)
            return at;
    return -1;
}

/* Sizes that do not fit 32 bits stand in an extra field of kind 1, in this order. */
static void read_wide_sizes(const unsigned char *extra, int64_t bytes, Entry *entry)
{
    int64_t *wide[] = {&entry->size, &entry->packed, &entry->local};
    for (int64_t at = 0; at + 4 <= bytes; at += 4 + (int64_t)number(extra + at + 2, 2)) {
        int64_t next = at + 4, end = next + (int64_t)number(extra + at + 2, 2);
        if (number(extra + at, 2) != 1 || end > bytes)
            continue;
        for (int i = 0; i < 3; i++)
            if (*wide[i] == 0xffffffff && next + 8 <= end) {
                *wide[i] = (int64_t)number(extra + next, 8);
                next += 8;
            }
    }
}

static void take_name(const unsigned char *name, int64_t length, Entry *entry)
{
    if (length > 4 && memcmp(name + length - 4, ".npy", 4) == 0)
        length -= 4;
    if (length >= (int64_t)sizeof entry->name)
        length = sizeof entry->name - 1;
    memcpy(entry->name, name, (size_t)length);
    entry->name[length] = 0;
}

/* Reads the entry at *at and moves *at behind it. */
static bool read_entry(const Archive *z, int64_t *at, Entry *entry)
{
    if (*at < 0 || z->count - *at < ENTRY_BYTES || memcmp(z->bytes + *at, "PK\1\2", 4) != 0)
        return bad(z, *at, "the ZIP directory is damaged");
    const unsigned char *b = z->bytes + *at;
    int64_t name = (int64_t)number(b + 28, 2), extra = (int64_t)number(b + 30, 2);
    int64_t comment = (int64_t)number(b + 32, 2);
    if (z->count - *at < ENTRY_BYTES + name + extra + comment)
        return bad(z, *at, "the ZIP directory is damaged");
    *entry = (Entry){.flags = (int64_t)number(b + 8, 2),
                     .method = (int64_t)number(b + 10, 2),
                     .sum = (uint32_t)number(b + 16, 4),
                     .packed = (int64_t)number(b + 20, 4),
                     .size = (int64_t)number(b + 24, 4),
                     .local = (int64_t)number(b + 42, 4)};
    take_name(b + ENTRY_BYTES, name, entry);
    read_wide_sizes(b + ENTRY_BYTES + name, extra, entry);
    *at += ENTRY_BYTES + name + extra + comment;
    return true;
}

/* Where a member's bytes begin; -1 if they are not all there. */
static int64_t find_bytes(const Archive *z, const Entry *entry)
{
    if (entry->local < 0 || entry->local > z->count - LOCAL_BYTES ||
        memcmp(z->bytes + entry->local, "PK\3\4", 4) != 0)
        return -1;
    const unsigned char *b = z->bytes + entry->local;
    int64_t first =
        entry->local + LOCAL_BYTES + (int64_t)number(b + 26, 2) + (int64_t)number(b + 28, 2);
    return entry->packed >= 0 && first <= z->count && entry->packed <= z->count - first ? first
                                                                                        : -1;
}

static bool inflate_all(const unsigned char *in, int64_t packed, unsigned char *out, int64_t size)
{
    z_stream s = {.next_in = (unsigned char *)in, .next_out = out};
    int code = inflateInit2(&s, -MAX_WBITS);
    while (code == Z_OK) {
        int64_t in_left = in + packed - s.next_in, out_left = out + size - s.next_out;
        s.avail_in = in_left > INT32_MAX ? INT32_MAX : (unsigned)in_left;
        s.avail_out = out_left > INT32_MAX ? INT32_MAX : (unsigned)out_left;
        code = inflate(&s, Z_NO_FLUSH);
    }
    bool whole = code == Z_STREAM_END && s.next_out == out + size;
    inflateEnd(&s);
    return whole;
}

static bool read_npy(const Archive *z, const void *bytes, int64_t count, const Entry *entry,
                     SgrtArray *a)
{
    SgrtInput in;
    char place[600];
    if (crc32_z(0, bytes, (size_t)count) != entry->sum)
        return bad(z, entry->local, "the checksum of the ZIP member is wrong");
    snprintf(place, sizeof place, "%s:%s", z->path, entry->name);
    sgrt_input_memory(&in, place, bytes, count);
    return sgrt_npy_read(a, &in, z->e) && sgrt_input_end(&in, z->e);
}

static bool read_deflated(const Archive *z, int64_t first, const Entry *entry, SgrtArray *a)
{
    if (entry->size < 0 || entry->size / EXPANSION > entry->packed)
        return bad(z, entry->local, "a ZIP member that declares more bytes than it can hold");
    unsigned char *out = sgrt_alloc(entry->size, 1, z->e);
    if (!out)
        return false;
    bool read = inflate_all(z->bytes + first, entry->packed, out, entry->size)
                    ? read_npy(z, out, entry->size, entry, a)
                    : bad(z, first, "the deflated ZIP member is damaged");
    free(out);
    return read;
}

static bool read_member(const Archive *z, const Entry *entry, SgrtArray *a)
{
    int64_t first = find_bytes(z, entry);
    if (first < 0)
        return bad(z, entry->local, "the ZIP member is not all there");
    if (entry->flags & 1)
        return bad(z, entry->local, "the ZIP member is encrypted");
    if (entry->method == STORED && entry->size != entry->packed)
        return bad(z, entry->local, "a stored ZIP member of two sizes");
    if (entry->method == STORED)
        return read_npy(z, z->bytes + first, entry->packed, entry, a);
    if (entry->method == DEFLATED)
        return read_deflated(z, first, entry, a);
    return bad(z, entry->local, "a ZIP member that is neither stored nor deflated");
}

/* Where the directory is; one that does not fit 32 bits has a record of its own before the end,
 * whose place stands in between. */
typedef struct Directory {
    int64_t at, end, entries;
} Directory;

static bool find_directory(const Archive *z, Directory *d)
{
    d->end = find_end(z);
    if (d->end < 0)
        return bad(z, z->count, "the ZIP archive has no end: is it cut off?");
    const unsigned char *b = z->bytes + d->end;
    d->entries = (int64_t)number(b + 10, 2);
    d->at = (int64_t)number(b + 16, 4);
    if (d->end < LOCATOR_BYTES || memcmp(b - LOCATOR_BYTES, "PK\6\7", 4) != 0)
        return true;
    d->end = (int64_t)number(b - LOCATOR_BYTES + 8, 8);
    if (d->end < 0 || d->end > z->count - WIDE_END_BYTES ||
        memcmp(z->bytes + d->end, "PK\6\6", 4) != 0)
        return bad(z, b - LOCATOR_BYTES - z->bytes, "the ZIP archive's end is damaged");
    d->entries = (int64_t)number(z->bytes + d->end + 32, 8);
    d->at = (int64_t)number(z->bytes + d->end + 48, 8);
    return true;
}

static bool read_archive(const Archive *z, SgrtMember *m, SgrtArray *a)
{
    Directory d = {0};
    Entry entry, wanted = {.local = 0};
    if (!find_directory(z, &d))
        return false;
    for (int64_t i = 0; i < d.entries; i++) {
        bool again = m->found;
        int64_t began = d.at;
        if (!read_entry(z, &d.at, &entry))
            return false;
        if (!sgrt_member_is(m, entry.name))
            continue;
        if (again)
            return bad(z, began, "a second ZIP member of this name");
        wanted = entry;
    }
    if (d.at != d.end)
        return bad(z, d.at, "the ZIP directory does not end where it says");
    return !m->found || read_member(z, &wanted, a);
}

bool sgrt_npz_read(SgrtArray *a, SgrtInput *in, SgrtMember *m, SgrtError *e)
{
    Archive z = {.path = in->path, .e = e};
    char *bytes = sgrt_input_rest(in, &z.count, e);
    if (!bytes)
        return false;
    z.bytes = (const unsigned char *)bytes;
    bool read = read_archive(&z, m, a);
    free(bytes);
    return read;
}
