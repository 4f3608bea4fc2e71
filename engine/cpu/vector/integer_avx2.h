/* The integer words of integer.h on AVX2. Products are of 16-bit integers: the instruction that
 * multiplies bytes adds two products in 16 bits, which saturates. */
#ifndef CN_CPU_VECTOR_INTEGER_AVX2_H
#define CN_CPU_VECTOR_INTEGER_AVX2_H

#include "cpu/vector/slots_sse.h"

typedef __m256i I;
/* Bytes 0 and 2, and bytes 1 and 3, of each slot as 16-bit integers. */
typedef struct cn_halves {
    __m256i even, odd;
} U, Q;
enum { cn_i8_offset = 0 };

static inline I AS_I(V v)
{
    return _mm256_castps_si256(v);
}
static inline V AS_V(I i)
{
    return _mm256_castsi256_ps(i);
}
static inline I IBCAST(int32_t x)
{
    return _mm256_set1_epi32(x);
}
static inline I ILDU(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline void ISTU(void *p, I i)
{
    _mm256_storeu_si256((__m256i *)p, i);
}
static inline I IADD(I a, I b)
{
    return _mm256_add_epi32(a, b);
}
static inline I ISUB(I a, I b)
{
    return _mm256_sub_epi32(a, b);
}
static inline I IMUL(I a, I b)
{
    return _mm256_mullo_epi32(a, b);
}
static inline I ISHL(I i, int n)
{
    return _mm256_slli_epi32(i, n);
}
static inline I BYTE(I i, int k)
{
    return _mm256_and_si256(_mm256_srli_epi32(i, 8 * k), _mm256_set1_epi32(255));
}
static inline I BYTES_MAX(I a, I b)
{
    return _mm256_max_epu8(a, b);
}
static inline V TO_FLOAT(I i)
{
    return _mm256_cvtepi32_ps(i);
}
#define FUSED FMA
static inline I TO_INT(V v)
{
    return _mm256_cvtps_epi32(v); /* NaN and what is too small: -2^31 */
}
static inline I ZEROS(int32_t zero)
{
    return _mm256_set1_epi16((int16_t)zero);
}
/* In each four lanes, byte k of lane l and byte l of lane k change places. */
static inline I cn_turn(I i)
{
    const __m256i order = _mm256_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0,
                                           4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm256_shuffle_epi8(i, order);
}
static inline I SLOTS(I a, I b, I c, I d, I zeros)
{
    I ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zeros);
    I cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zeros);
    return _mm256_packus_epi16(ab, cd);
}
static inline I QUADS(I a, I b, I c, I d, I zeros)
{
    return cn_turn(SLOTS(a, b, c, d, zeros));
}
#define CN_FOURS
static inline I REPEAT(const void *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(p));
}
#define ZIPL8 _mm256_unpacklo_epi8
#define ZIPH8 _mm256_unpackhi_epi8
#define ZIPL16 _mm256_unpacklo_epi16
#define ZIPH16 _mm256_unpackhi_epi16
static inline I NEXT(I a, I b, int n)
{
    I middle = _mm256_permute2x128_si256(a, b, 0x21);
    return n == 4   ? middle
           : n == 2 ? _mm256_alignr_epi8(middle, a, 8)
                    : _mm256_alignr_epi8(middle, a, 4);
}
static inline I UNZIP(I i)
{
    return _mm256_permute4x64_epi64(i, _MM_SHUFFLE(3, 1, 2, 0));
}
static inline void PUT_TURNED(float *at, ptrdiff_t plane, int32_t quads, int count, I i)
{
    i = cn_turn(i);
    cn_put_slots(at, _mm256_castsi256_si128(i), count);
    if (quads > 1) cn_put_slots(at + plane, _mm256_extracti128_si256(i, 1), count);
}
static inline I GET_TURNED(const float *at, ptrdiff_t plane, int32_t quads, int count)
{
    I i = _mm256_castsi128_si256(cn_get_slots(at, count));
    if (quads > 1) i = _mm256_inserti128_si256(i, cn_get_slots(at + plane, count), 1);
    return cn_turn(i);
}
#define CN_TURNED
static inline int32_t IHSUM(I i)
{
    __m128i half = _mm_add_epi32(_mm256_castsi256_si128(i), _mm256_extracti128_si256(i, 1));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(1, 0, 3, 2)));
    half = _mm_add_epi32(half, _mm_shuffle_epi32(half, _MM_SHUFFLE(2, 3, 0, 1)));
    return _mm_cvtsi128_si32(half);
}
static inline U UQ(I i)
{
    const __m256i low = _mm256_set1_epi32(0x00ff00ff);
    return (U){_mm256_and_si256(i, low), _mm256_srli_epi16(i, 8)};
}
static inline Q SQ(I i)
{
    return (Q){_mm256_srai_epi16(_mm256_slli_epi16(i, 8), 8), _mm256_srai_epi16(i, 8)};
}
static inline I DOT(Q q, U u, I sum)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(u.even, q.even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(u.odd, q.odd));
}

typedef __m256i H;

static inline H HALF(I i, int k)
{
    return _mm256_cvtepu8_epi16(k ? _mm256_extracti128_si256(i, 1) : _mm256_castsi256_si128(i));
}
static inline H HADD(H a, H b)
{
    return _mm256_add_epi16(a, b);
}
static inline H HSUB(H a, H b)
{
    return _mm256_sub_epi16(a, b);
}
static inline H HSHL(H h, int n)
{
    return _mm256_slli_epi16(h, n);
}
#define HSTU ISTU
typedef __m256i P;
static inline P PQ(I i)
{
    return i;
}
static inline I PAIRS(P p, I i, I sum)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(p, i));
}

#endif
