/* Reading through zlib, which passes a file that is not gzipped through unchanged. */
#include "runtime/input.h"

#include "runtime/memory.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum {
    STREAM_BUFFER = 1 << 17,
    CHUNK = 1 << 22,    /* memory is taken as bytes arrive, at first this much */
    REST = 1 << 16,     /* the same, where the length is not known */
    DEFLATE_MOST = 1032 /* no deflate stream expands by more */
};

bool sgrt_input_fail(const SgrtInput *in, SgrtError *e, const char *format, ...)
{
    char what[800];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return sgrt_fail(e, "%s: offset %lld: %s", in->path, (long long)in->offset, what);
}

bool sgrt_text_fail(const char *path, const char *text, const char *at, SgrtError *e,
                    const char *format, ...)
{
    char what[800];
    long long line = 1, column = 1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    for (; text < at; text++, column++)
        if (*text == '\n')
            line++, column = 0;
    return sgrt_fail(e, "%s:%lld:%lld: %s", path, line, column, what);
}

const char *sgrt_json_name(const char *text, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = text; length && (at = strstr(at, name)); at++)
        if (at > text && at[-1] == '"' && at[length] == '"')
            return at - 1;
    return text;
}

int64_t sgrt_utf8_mark(const void *text, int64_t count)
{
    return count >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

/* -1 for what has no size, such as a pipe. */
static int64_t size_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (int64_t)s.st_size : -1;
}

static bool stream_error(const SgrtInput *in, SgrtError *e)
{
    int code = Z_OK;
    const char *text = gzerror(in->stream, &code);
    if (code == Z_ERRNO)
        text = strerror(errno);
    if (code == Z_DATA_ERROR)
        text = "damaged gzip stream";
    else if (code == Z_BUF_ERROR)
        text = "the gzip stream ends too early";
    return sgrt_input_fail(in, e, "%s", text);
}

/* A gzip stream whose end is missing gives what it has, and then this. */
static bool is_cut_off(const SgrtInput *in)
{
    int code = Z_OK;
    gzerror(in->stream, &code);
    return code == Z_BUF_ERROR;
}

static int64_t read_memory(const SgrtInput *in, void *out, int64_t bytes)
{
    int64_t left = in->most - in->offset;
    int64_t count = bytes < left ? bytes : left;
    memcpy(out, in->bytes + in->offset, (size_t)count);
    return count;
}

static int64_t read_stream(SgrtInput *in, void *out, int64_t bytes, SgrtError *e)
{
    int64_t done = 0;
    if (!in->stream)
        return read_memory(in, out, bytes);
    while (done < bytes) {
        unsigned piece = bytes - done > CHUNK ? CHUNK : (unsigned)(bytes - done);
        int got = gzread(in->stream, (char *)out + done, piece);
        if (got < 0 || (got == 0 && is_cut_off(in))) {
            stream_error(in, e);
            return -1;
        }
        if (got == 0)
            break;
        done += got;
    }
    return done;
}

static bool read_head(SgrtInput *in, SgrtError *e)
{
    in->head_bytes = read_stream(in, in->head, SGRT_HEAD_BYTES, e);
    if (in->head_bytes < 0)
        return false;
    in->packed = !gzdirect(in->stream);
    int64_t size = size_of(in->path);
    if (!in->packed)
        in->most = size;
    else if (size >= 0 && size < INT64_MAX / DEFLATE_MOST)
        in->most = size * DEFLATE_MOST;
    return true;
}

bool sgrt_input_open(SgrtInput *in, const char *path, SgrtError *e)
{
    *in = (SgrtInput){.path = path, .most = -1};
    in->stream = gzopen(path, "rb");
    if (!in->stream)
        return sgrt_fail(e, "%s: %s", path, errno ? strerror(errno) : "cannot be opened");
    gzbuffer(in->stream, STREAM_BUFFER);
    if (read_head(in, e))
        return true;
    sgrt_input_close(in);
    return false;
}

void sgrt_input_memory(SgrtInput *in, const char *path, const void *bytes, int64_t count)
{
    *in = (SgrtInput){.path = path, .bytes = bytes, .most = count};
}

void sgrt_input_close(SgrtInput *in)
{
    if (in->stream)
        gzclose(in->stream);
    in->stream = NULL;
}

int64_t sgrt_input_some(SgrtInput *in, void *out, int64_t bytes, SgrtError *e)
{
    int64_t kept = in->head_bytes - in->offset;
    int64_t from_head = kept < 0 ? 0 : kept < bytes ? kept : bytes;
    memcpy(out, in->head + (from_head ? in->offset : 0), (size_t)from_head);
    in->offset += from_head;
    int64_t rest = read_stream(in, (char *)out + from_head, bytes - from_head, e);
    if (rest < 0)
        return -1;
    in->offset += rest;
    return from_head + rest;
}

bool sgrt_input_read(SgrtInput *in, void *out, int64_t bytes, SgrtError *e)
{
    int64_t got = sgrt_input_some(in, out, bytes, e);
    if (got < 0)
        return false;
    if (got < bytes)
        return sgrt_input_fail(in, e, "the file ends here, %lld bytes too early",
                               (long long)(bytes - got));
    return true;
}

/* Reads into memory that grows with what has arrived, so that a lying header costs little. */
static void *read_growing(SgrtInput *in, int64_t bytes, SgrtError *e)
{
    char *values = NULL;
    int64_t room = 0, done = 0;
    while (done < bytes) {
        int64_t piece = bytes - done < CHUNK ? bytes - done : CHUNK;
        char *grown = sgrt_grow(values, &room, done + piece, 1, e);
        if (!grown) {
            free(values);
            return NULL;
        }
        values = grown;
        if (!sgrt_input_read(in, values + done, piece, e)) {
            free(values);
            return NULL;
        }
        done += piece;
    }
    return values;
}

void *sgrt_input_values(SgrtInput *in, int64_t count, int64_t size, SgrtError *e)
{
    int64_t bytes = 0;
    if (count < 0 || __builtin_mul_overflow(count, size, &bytes)) {
        sgrt_input_fail(in, e, "the header declares more values than there can be");
        return NULL;
    }
    if (in->most >= 0 && bytes > in->most - in->offset) {
        sgrt_input_fail(in, e, "the header declares %lld bytes of values and the file holds %s%lld",
                        (long long)bytes, in->packed ? "at most " : "",
                        (long long)(in->most - in->offset));
        return NULL;
    }
    return bytes ? read_growing(in, bytes, e) : sgrt_alloc(0, 1, e);
}

char *sgrt_input_rest(SgrtInput *in, int64_t *count, SgrtError *e)
{
    char *bytes = NULL;
    int64_t room = 0, got = 0;
    *count = 0;
    do {
        char *grown = sgrt_grow(bytes, &room, *count + REST + 1, 1, e);
        got = grown ? sgrt_input_some(in, grown + *count, REST, e) : -1;
        bytes = grown ? grown : bytes;
        *count += got > 0 ? got : 0;
    } while (got > 0);
    if (got < 0) {
        free(bytes);
        return NULL;
    }
    bytes[*count] = 0;
    return bytes;
}

bool sgrt_input_end(SgrtInput *in, SgrtError *e)
{
    char byte;
    int64_t got = sgrt_input_some(in, &byte, 1, e);
    if (got < 0)
        return false;
    if (got == 0)
        return true;
    in->offset--;
    return sgrt_input_fail(in, e, "the file goes on after its last value");
}
