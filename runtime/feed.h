/* Rows of a data set, gathered into the arrays that a call reads. */
#ifndef SGC_RUNTIME_FEED_H
#define SGC_RUNTIME_FEED_H

#include "runtime/bind.h"
#include "runtime/pool.h"

typedef struct SgrtFeed {
    const SgrtData *data; /* borrowed */
    int64_t batch;        /* most rows */
    int64_t rows;         /* of the last call of sgrt_feed_load() */
    int64_t *row;         /* owned: [batch], where each of them stands in the data set */
    void **column;        /* owned: [graph columns], each an array; whole ones are always there */
} SgrtFeed;

/* `data` must be complete. */
bool sgrt_feed_init(SgrtFeed *f, const SgrtData *data, int64_t batch, SgrtError *e);
void sgrt_feed_free(SgrtFeed *f);

/* Takes rows [first, first + rows) of `order`, or of the data in their own order if that is NULL.
 * `order` holds indices of rows. */
void sgrt_feed_load(SgrtFeed *f, const uint32_t *order, int64_t first, int64_t rows,
                    SgrtPool *pool);

#endif
