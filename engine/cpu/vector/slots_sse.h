/* Up to four slots to and from memory, for the words of AVX2 and AVX-512. */
#ifndef CN_CPU_VECTOR_SLOTS_SSE_H
#define CN_CPU_VECTOR_SLOTS_SSE_H

#include <immintrin.h>

/* Not by masks: an extraction to memory faults beyond them, too. */
static inline void cn_put_slots(float *at, __m128i slots, int count)
{
    if (count == 4)
        _mm_storeu_si128((__m128i *)(void *)at, slots);
    else if (count > 1)
        _mm_storeu_si64(at, slots);
    if (count == 3) _mm_storeu_si32(at + 2, _mm_srli_si128(slots, 8));
    if (count == 1) _mm_storeu_si32(at, slots);
}
static inline __m128i cn_get_slots(const float *at, int count)
{
    if (count == 4) return _mm_loadu_si128((const __m128i *)(const void *)at);
    if (count == 1) return _mm_loadu_si32(at);
    __m128i two = _mm_loadu_si64(at);
    return count == 2 ? two : _mm_unpacklo_epi64(two, _mm_loadu_si32(at + 2));
}

#endif
