/* Philox 4x32-10: the counter-based generator of Salmon, Moraes, Dror and Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3" (SC 2011).
 *
 * A keyed bijection of a 128-bit counter: block n of a stream is computed from n alone, so any draw
 * can be made again anywhere, and loops over blocks vectorise. */
#ifndef SGC_RUNTIME_PHILOX_H
#define SGC_RUNTIME_PHILOX_H

#include <stdint.h>

/* Four words, each in the lower half of a lane; what is in the upper halves has no meaning.  Lanes
 * as wide as the products spare vector code from moving halves about. */
typedef struct Philox {
    uint64_t word[4];
} Philox;

static inline __attribute__((always_inline)) Philox philox_round(Philox c, uint32_t key0,
                                                                 uint32_t key1)
{
    uint64_t even = (c.word[0] & 0xffffffff) * 0xd2511f53;
    uint64_t odd = (c.word[2] & 0xffffffff) * 0xcd9e8d57;
    return (Philox){{odd >> 32 ^ c.word[1] ^ key0, odd, even >> 32 ^ c.word[3] ^ key1, even}};
}

/* The block of four uniform words that belongs to a counter and a key. */
static inline __attribute__((always_inline)) Philox philox(Philox counter, uint32_t key0,
                                                           uint32_t key1)
{
    /* A Weyl sequence: the golden ratio and sqrt(3) - 1.  Written out, as a loop in here would keep
     * some compilers from vectorising the loop outside. */
    const uint32_t d0 = 0x9e3779b9, d1 = 0xbb67ae85;
    Philox c = philox_round(counter, key0, key1);
    c = philox_round(c, key0 + d0, key1 + d1);
    c = philox_round(c, key0 + 2 * d0, key1 + 2 * d1);
    c = philox_round(c, key0 + 3 * d0, key1 + 3 * d1);
    c = philox_round(c, key0 + 4 * d0, key1 + 4 * d1);
    c = philox_round(c, key0 + 5 * d0, key1 + 5 * d1);
    c = philox_round(c, key0 + 6 * d0, key1 + 6 * d1);
    c = philox_round(c, key0 + 7 * d0, key1 + 7 * d1);
    c = philox_round(c, key0 + 8 * d0, key1 + 8 * d1);
    return philox_round(c, key0 + 9 * d0, key1 + 9 * d1);
}

#endif
