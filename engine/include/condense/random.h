/* Seeded random numbers: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. The same
 * seed gives the same stream on every machine; streams are for one thread each. */
#ifndef CONDENSE_RANDOM_H
#define CONDENSE_RANDOM_H

#include <stdint.h>

typedef struct cn_random {
    uint64_t state[4];
} cn_random;

cn_random cn_random_seed(uint64_t seed);

/* A generator for the thing called `name` under `seed` (a layer's weights, a cell's schedule), so
 * that adding one thing does not change the numbers of another. */
cn_random cn_random_named(uint64_t seed, const char *name);

uint64_t cn_random_u64(cn_random *random);
double cn_random_uniform(cn_random *random); /* [0, 1) */
double cn_random_normal(cn_random *random);  /* mean 0, variance 1 (Box-Muller) */

/* Uniform in 0 .. n-1 without modulo bias; n > 0. */
uint32_t cn_random_below(cn_random *random, uint32_t n);

/* Fisher-Yates shuffle of `count` indices. */
void cn_random_shuffle(cn_random *random, uint32_t *indices, uint32_t count);

#endif
