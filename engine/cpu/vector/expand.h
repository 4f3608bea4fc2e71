/* One more word, for f32_bitmap:
 *
 *   EXPAND(bits, &p)      the lanes whose bits are set take p[0], p[1], ... in this order, the
 * others zero; p goes on by as many. May read VL floats from p on */
#ifndef CN_CPU_VECTOR_EXPAND_H
#define CN_CPU_VECTOR_EXPAND_H

#include <stdint.h>

#if defined(CN_KERNEL_ISA_AVX512)

static inline V EXPAND(uint32_t bits, const float **p)
{
    V v = _mm512_maskz_expandloadu_ps((__mmask16)bits, *p);
    *p += __builtin_popcount(bits);
    return v;
}

#elif defined(CN_KERNEL_ISA_SCALAR)

static inline V EXPAND(uint32_t bits, const float **p)
{
    V v = bits ? **p : 0;
    *p += bits;
    return v;
}

#else

/* Bit i of m, and for a lane of it which of the numbers it takes: as many as bits before it are
 * set. */
#define CN_BIT(m, i) ((m) >> (i)&1)
#define CN_RANK4(m) CN_BIT(m, 0) + CN_BIT(m, 1) + CN_BIT(m, 2) + CN_BIT(m, 3)

#if defined(CN_KERNEL_ISA_AVX2)

#define CN_RANKS(m)                                                                                \
    {                                                                                              \
        0, CN_BIT(m, 0), CN_BIT(m, 0) + CN_BIT(m, 1), CN_BIT(m, 0) + CN_BIT(m, 1) + CN_BIT(m, 2),  \
            CN_RANK4(m), CN_RANK4(m) + CN_BIT(m, 4), CN_RANK4(m) + CN_BIT(m, 4) + CN_BIT(m, 5),    \
            CN_RANK4(m) + CN_BIT(m, 4) + CN_BIT(m, 5) + CN_BIT(m, 6)                               \
    }
#define CN_RANKS_OF_4(m) CN_RANKS(m), CN_RANKS((m) + 1), CN_RANKS((m) + 2), CN_RANKS((m) + 3)
#define CN_RANKS_OF_16(m)                                                                          \
    CN_RANKS_OF_4(m), CN_RANKS_OF_4((m) + 4), CN_RANKS_OF_4((m) + 8), CN_RANKS_OF_4((m) + 12)
#define CN_RANKS_OF_64(m)                                                                          \
    CN_RANKS_OF_16(m), CN_RANKS_OF_16((m) + 16), CN_RANKS_OF_16((m) + 32), CN_RANKS_OF_16((m) + 48)

static inline V EXPAND(uint32_t bits, const float **p)
{
    static const uint8_t ranks[256][8] = {CN_RANKS_OF_64(0), CN_RANKS_OF_64(64),
                                          CN_RANKS_OF_64(128), CN_RANKS_OF_64(192)};
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    __m256i set = _mm256_and_si256(_mm256_set1_epi32((int)bits), bit);
    __m256i from = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)ranks[bits]));
    V v = _mm256_permutevar8x32_ps(_mm256_loadu_ps(*p), from);
    *p += __builtin_popcount(bits);
    return _mm256_and_ps(v, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bit)));
}

#else

/* The bytes of a lane: of the number that it takes, or of none. */
#define CN_BYTES(m, i, rank)                                                                       \
    CN_BIT(m, i) ? 4 * (rank) : 255, CN_BIT(m, i) ? 4 * (rank) + 1 : 255,                          \
        CN_BIT(m, i) ? 4 * (rank) + 2 : 255, CN_BIT(m, i) ? 4 * (rank) + 3 : 255
#define CN_TABLE(m)                                                                                \
    {                                                                                              \
        CN_BYTES(m, 0, 0), CN_BYTES(m, 1, CN_BIT(m, 0)),                                           \
            CN_BYTES(m, 2, (CN_BIT(m, 0) + CN_BIT(m, 1))),                                         \
            CN_BYTES(m, 3, (CN_BIT(m, 0) + CN_BIT(m, 1) + CN_BIT(m, 2)))                           \
    }

static inline V EXPAND(uint32_t bits, const float **p)
{
    static const uint8_t table[16][16] = {CN_TABLE(0),  CN_TABLE(1),  CN_TABLE(2),  CN_TABLE(3),
                                          CN_TABLE(4),  CN_TABLE(5),  CN_TABLE(6),  CN_TABLE(7),
                                          CN_TABLE(8),  CN_TABLE(9),  CN_TABLE(10), CN_TABLE(11),
                                          CN_TABLE(12), CN_TABLE(13), CN_TABLE(14), CN_TABLE(15)};
#define CN_COUNT(m) CN_RANK4(m)
    static const uint8_t count[16] = {CN_COUNT(0),  CN_COUNT(1),  CN_COUNT(2),  CN_COUNT(3),
                                      CN_COUNT(4),  CN_COUNT(5),  CN_COUNT(6),  CN_COUNT(7),
                                      CN_COUNT(8),  CN_COUNT(9),  CN_COUNT(10), CN_COUNT(11),
                                      CN_COUNT(12), CN_COUNT(13), CN_COUNT(14), CN_COUNT(15)};
    uint8x16_t v = vqtbl1q_u8(vreinterpretq_u8_f32(vld1q_f32(*p)), vld1q_u8(table[bits]));
    *p += count[bits];
    return vreinterpretq_f32_u8(v);
}

#endif
#endif
#endif
