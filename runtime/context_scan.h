/* Reads a safetensors file in memory, entry by entry, without a tree of its header: what is read
 * needs no memory, and nothing that another thread could see. */
#ifndef SGC_RUNTIME_CONTEXT_SCAN_H
#define SGC_RUNTIME_CONTEXT_SCAN_H

#include "runtime/data.h"

/* Longer names and texts are cut, and so are none that is looked for. */
enum { SGRT_MOST_SCANNED = 8192 };

typedef struct SgrtScanned {
    char name[SGRT_MOST_SCANNED];
    SgrtStored stored; /* SGRT_STORED_COUNT: a type that has no values here */
    int64_t rank, dim[SGRT_MOST_AXES];
    int64_t begin, end; /* in the data: as many bytes as type and shape say, all of them there */
    const char *values; /* not aligned */
} SgrtScanned;

/* What takes the entries; false stops, with the reason in `e`, which gets its place here. */
typedef struct SgrtScanner {
    bool (*tensor)(void *context, const SgrtScanned *t, SgrtError *e);
    bool (*text)(void *context, const char *key, const char *value, SgrtError *e);
    void *context;
} SgrtScanner;

/* Every offset and size is checked, and that the tensors cover the data without holes.  The errors
 * begin with the offset in the file. */
bool sgrt_scan_tensors(const char *file, int64_t count, const SgrtScanner *scanner, SgrtError *e);

#endif
