/* NPZ out: a ZIP archive of NPY files, stored as they are.  Members have no time of their own, so
 * equal arrays give equal files. */
#include "runtime/npz.h"

#include "runtime/file.h"
#include "runtime/memory.h"
#include "runtime/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* LIMIT: sizes and offsets have 32 bits. */
enum { VERSION = 20, JANUARY_1980 = 0x21, NAME_ROOM = 256, MOST_MEMBERS = 0xffff };
#define LIMIT ((int64_t)0xffffffff)

typedef struct Member {
    char name[NAME_ROOM], head[SGRT_NPY_HEAD];
    int64_t head_bytes, bytes; /* bytes: of the values */
    int64_t offset;            /* of its local header */
    uint32_t sum;
} Member;

/* Little-endian fields one after the other. */
typedef struct Record {
    unsigned char bytes[64];
    int64_t used;
} Record;

static void put(Record *r, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++)
        r->bytes[r->used++] = (unsigned char)(value >> 8 * i);
}

/* What the local header and the directory's entry have in common. */
static void put_member(Record *r, const Member *m)
{
    uint64_t size = (uint64_t)(m->head_bytes + m->bytes);
    put(r, 2, VERSION);
    put(r, 2, 0); /* no flags, and stored */
    put(r, 2, 0);
    put(r, 2, 0);
    put(r, 2, JANUARY_1980);
    put(r, 4, m->sum);
    put(r, 4, size);
    put(r, 4, size);
    put(r, 2, strlen(m->name));
    put(r, 2, 0);
}

static bool write_record(SgrtFile *f, const Record *r, const char *name, SgrtError *e)
{
    return sgrt_file_write(f, r->bytes, r->used, e) &&
           sgrt_file_write(f, name, (int64_t)strlen(name), e);
}

static bool write_member(SgrtFile *f, const Member *m, const SgrtTensor *t, SgrtError *e)
{
    Record r = {0};
    put(&r, 4, 0x04034b50);
    put_member(&r, m);
    return write_record(f, &r, m->name, e) && sgrt_file_write(f, m->head, m->head_bytes, e) &&
           sgrt_file_write(f, t->values, m->bytes, e);
}

static bool write_entry(SgrtFile *f, const Member *m, SgrtError *e)
{
    Record r = {0};
    put(&r, 4, 0x02014b50);
    put(&r, 2, VERSION);
    put_member(&r, m);
    put(&r, 2, 0); /* no comment, the first disk, no attributes */
    put(&r, 2, 0);
    put(&r, 2, 0);
    put(&r, 4, 0);
    put(&r, 4, (uint64_t)m->offset);
    return write_record(f, &r, m->name, e);
}

static bool write_end(SgrtFile *f, int64_t members, int64_t directory, int64_t offset, SgrtError *e)
{
    Record r = {0};
    put(&r, 4, 0x06054b50);
    put(&r, 4, 0);
    put(&r, 2, (uint64_t)members);
    put(&r, 2, (uint64_t)members);
    put(&r, 4, (uint64_t)directory);
    put(&r, 4, (uint64_t)offset);
    put(&r, 2, 0);
    return write_record(f, &r, "", e);
}

/* Where everything goes.  False if an archive has no room for it. */
static bool lay_out(Member *m, const SgrtTensor *t, int64_t members, int64_t *end)
{
    int64_t offset = 0;
    for (int64_t i = 0; i < members; i++) {
        snprintf(m[i].name, sizeof m[i].name, "%s.npy", t[i].name);
        m[i].head_bytes = sgrt_npy_head(m[i].head, t[i].stored, t[i].dim, t[i].rank);
        m[i].bytes = t[i].size * sgrt_stored_bytes(t[i].stored);
        m[i].offset = offset;
        m[i].sum = (uint32_t)crc32_z(0, (const Bytef *)m[i].head, (size_t)m[i].head_bytes);
        m[i].sum = (uint32_t)crc32_z(m[i].sum, t[i].values, (size_t)m[i].bytes);
        offset += 30 + (int64_t)strlen(m[i].name) + m[i].head_bytes + m[i].bytes;
        if (m[i].bytes > LIMIT || offset > LIMIT - MOST_MEMBERS * (46 + NAME_ROOM))
            return false;
    }
    *end = offset;
    return members <= MOST_MEMBERS;
}

static bool write_all(SgrtFile *f, const Member *m, const SgrtTensor *t, int64_t members,
                      int64_t end, SgrtError *e)
{
    bool written = true;
    int64_t directory = 0;
    for (int64_t i = 0; written && i < members; i++)
        written = write_member(f, &m[i], &t[i], e);
    for (int64_t i = 0; written && i < members; i++) {
        written = write_entry(f, &m[i], e);
        directory += 46 + (int64_t)strlen(m[i].name);
    }
    return written && write_end(f, members, directory, end, e);
}

bool sgrt_npz_write(const char *path, const SgrtTensor *tensor, int64_t tensors, SgrtError *e)
{
    SgrtFile f;
    int64_t end = 0;
    Member *m = sgrt_alloc(tensors, sizeof *m, e);
    bool begun = m && (lay_out(m, tensor, tensors, &end) ||
                       sgrt_fail(e, "%s: more than 4 GB; .safetensors has room", path));
    begun = begun && sgrt_file_begin(&f, path, e);
    bool written = begun && write_all(&f, m, tensor, tensors, end, e);
    free(m);
    if (written)
        return sgrt_file_commit(&f, e);
    if (begun)
        sgrt_file_abandon(&f);
    return false;
}
