/* The bytes of one data file, unpacked on the way if they are gzipped: told by content, not by
 * name.  Offsets are those of the unpacked bytes.  Every error names the file and the offset, or in
 * a text the line and column. */
#ifndef SGC_RUNTIME_INPUT_H
#define SGC_RUNTIME_INPUT_H

#include "runtime/error.h"

#include <stdint.h>

enum { SGRT_HEAD_BYTES = 16 };

typedef struct SgrtInput {
    void *stream;      /* owned: zlib's; NULL for bytes in memory */
    const char *bytes; /* borrowed, where there is no stream */
    const char *path;  /* borrowed */
    int64_t offset;    /* of the next byte */
    int64_t most;      /* the file cannot hold more bytes than this; -1 if that is not known */
    bool packed;
    unsigned char head[SGRT_HEAD_BYTES]; /* the first bytes, zero-filled, for telling formats */
    int64_t head_bytes;
} SgrtInput;

bool sgrt_input_open(SgrtInput *in, const char *path, SgrtError *e);

/* A part of a file that is in memory already; `path` names it in errors. */
void sgrt_input_memory(SgrtInput *in, const char *path, const void *bytes, int64_t count);

void sgrt_input_close(SgrtInput *in);

/* Exactly `bytes` bytes, or an error. */
bool sgrt_input_read(SgrtInput *in, void *out, int64_t bytes, SgrtError *e);

/* Up to `bytes` bytes: how many, 0 at the end, -1 on error. */
int64_t sgrt_input_some(SgrtInput *in, void *out, int64_t bytes, SgrtError *e);

/* `count` elements of `size` bytes into fresh memory, which the caller owns.  A header that claims
 * more than the file holds is refused before the memory it asks for is taken. */
void *sgrt_input_values(SgrtInput *in, int64_t count, int64_t size, SgrtError *e);

/* All that follows and a 0 behind it, for the caller to free; *count without the 0. */
char *sgrt_input_rest(SgrtInput *in, int64_t *count, SgrtError *e);

/* Where a name stands in a JSON text; its beginning if it is spelled with escapes. */
const char *sgrt_json_name(const char *text, const char *name);

/* The bytes of the mark that some programs put before UTF-8: 0 or 3. */
int64_t sgrt_utf8_mark(const void *text, int64_t count);

/* True if nothing follows. */
bool sgrt_input_end(SgrtInput *in, SgrtError *e);

/* Always false; the text is "FILE: offset N: ...". */
bool sgrt_input_fail(const SgrtInput *in, SgrtError *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same at a byte of a text that was read: "FILE:LINE:COLUMN: ...", from 1, in bytes. */
bool sgrt_text_fail(const char *path, const char *text, const char *at, SgrtError *e,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
