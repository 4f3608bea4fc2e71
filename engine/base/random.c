#include "condense/random.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

cn_random cn_random_seed(uint64_t seed)
{
    cn_random random;
    for (int i = 0; i < 4; i++)
        random.state[i] = splitmix64(&seed);
    return random;
}

cn_random cn_random_named(uint64_t seed, const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return cn_random_seed(seed ^ hash);
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t cn_random_u64(cn_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double cn_random_uniform(cn_random *random)
{
    return (double)(cn_random_u64(random) >> 11) * 0x1p-53;
}

double cn_random_normal(cn_random *random)
{
    double u = 1.0 - cn_random_uniform(random), v = cn_random_uniform(random);
    return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * v);
}

uint32_t cn_random_below(cn_random *random, uint32_t n)
{
    uint32_t threshold = (0u - n) % n; /* values below it would make small results likelier */
    for (;;) {
        uint64_t wide = (cn_random_u64(random) >> 32) * (uint64_t)n;
        if ((uint32_t)wide >= threshold) return (uint32_t)(wide >> 32);
    }
}

void cn_random_shuffle(cn_random *random, uint32_t *indices, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        uint32_t j = cn_random_below(random, i), kept = indices[i - 1];
        indices[i - 1] = indices[j];
        indices[j] = kept;
    }
}
