/* Fisher and Yates, with one 64-bit number of the generator for every exchange. */
#include "runtime/shuffle.h"

#include "runtime/philox.h"
#include "runtime/rt.h"

/* Number `i` of the stream that the seed and the epoch select: two from each block. */
static uint64_t number(int64_t seed, int64_t epoch, uint64_t i)
{
    uint64_t block = i / 2;
    Philox counter = {{(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)epoch,
                       (uint32_t)SGRT_SHUFFLE << 24 | ((uint32_t)(epoch >> 32) & 0xffffff)}};
    Philox r = philox(counter, (uint32_t)seed, (uint32_t)((uint64_t)seed >> 32));
    uint64_t first = i % 2 * 2;
    return r.word[first] << 32 | (uint32_t)r.word[first + 1]; /* only lower halves have a meaning */
}

/* A number below n: the product's upper half.  With 64 bits and n < 2^32 no choice is more likely
 * than another by more than 2^-32. */
static uint64_t below(uint64_t random, uint64_t n)
{
    return (uint64_t)((__extension__(unsigned __int128) random * n) >> 64);
}

void sgrt_shuffle(uint32_t *order, int64_t rows, int64_t seed, int64_t epoch)
{
    for (int64_t i = 0; i < rows; i++)
        order[i] = (uint32_t)i;
    for (int64_t i = rows - 1; i > 0; i--) {
        int64_t j = (int64_t)below(number(seed, epoch, (uint64_t)i), (uint64_t)i + 1);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}
