/* The integer words of integer.h on AVX-512 F, BW, DQ and VL, with VNNI and without. Without,
 * products are of 16-bit integers, as in integer_avx2.h. */
#ifndef CN_CPU_VECTOR_INTEGER_AVX512_H
#define CN_CPU_VECTOR_INTEGER_AVX512_H

#include "cpu/vector/slots_sse.h"

typedef __m512i I;
enum { cn_i8_offset = 0 };

static inline I AS_I(V v)
{
    return _mm512_castps_si512(v);
}
static inline V AS_V(I i)
{
    return _mm512_castsi512_ps(i);
}
static inline I IBCAST(int32_t x)
{
    return _mm512_set1_epi32(x);
}
static inline I ILDU(const void *p)
{
    return _mm512_loadu_si512(p);
}
static inline void ISTU(void *p, I i)
{
    _mm512_storeu_si512(p, i);
}
static inline I IADD(I a, I b)
{
    return _mm512_add_epi32(a, b);
}
static inline I ISUB(I a, I b)
{
    return _mm512_sub_epi32(a, b);
}
static inline I IMUL(I a, I b)
{
    return _mm512_mullo_epi32(a, b);
}
static inline I ISHL(I i, int n)
{
    return _mm512_slli_epi32(i, (unsigned)n);
}
static inline I BYTE(I i, int k)
{
    I from = k ? _mm512_srli_epi32(i, (unsigned)(8 * k)) : i;
    return k == 3 ? from : _mm512_and_si512(from, _mm512_set1_epi32(255));
}
static inline I BYTES_MAX(I a, I b)
{
    return _mm512_max_epu8(a, b);
}
static inline V TO_FLOAT(I i)
{
    return _mm512_cvtepi32_ps(i);
}
#define FUSED FMA
static inline I TO_INT(V v)
{
    return _mm512_cvtps_epi32(v); /* NaN and what is too small: -2^31 */
}
static inline I ZEROS(int32_t zero)
{
    return _mm512_set1_epi16((int16_t)zero);
}
/* In each four lanes, byte k of lane l and byte l of lane k change places. */
static inline I cn_turn(I i)
{
    const __m512i order =
        _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    return _mm512_shuffle_epi8(i, order);
}
static inline I SLOTS(I a, I b, I c, I d, I zeros)
{
    I ab = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zeros);
    I cd = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zeros);
    return _mm512_packus_epi16(ab, cd);
}
static inline I QUADS(I a, I b, I c, I d, I zeros)
{
    return cn_turn(SLOTS(a, b, c, d, zeros));
}
#define CN_FOURS
static inline I REPEAT(const void *p)
{
    return _mm512_broadcast_i32x4(_mm_loadu_si128(p));
}
#define ZIPL8 _mm512_unpacklo_epi8
#define ZIPH8 _mm512_unpackhi_epi8
#define ZIPL16 _mm512_unpacklo_epi16
#define ZIPH16 _mm512_unpackhi_epi16
#define NEXT(a, b, n) _mm512_alignr_epi32(b, a, n)
static inline I UNZIP(I i)
{
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), i);
}
static inline void PUT_TURNED(float *at, ptrdiff_t plane, int32_t quads, int count, I i)
{
    i = cn_turn(i);
    cn_put_slots(at, _mm512_castsi512_si128(i), count);
    if (quads > 1) cn_put_slots(at + plane, _mm512_extracti32x4_epi32(i, 1), count);
    if (quads > 2) cn_put_slots(at + 2 * plane, _mm512_extracti32x4_epi32(i, 2), count);
    if (quads > 3) cn_put_slots(at + 3 * plane, _mm512_extracti32x4_epi32(i, 3), count);
}
static inline I GET_TURNED(const float *at, ptrdiff_t plane, int32_t quads, int count)
{
    I i = _mm512_castsi128_si512(cn_get_slots(at, count));
    if (quads > 1) i = _mm512_inserti32x4(i, cn_get_slots(at + plane, count), 1);
    if (quads > 2) i = _mm512_inserti32x4(i, cn_get_slots(at + 2 * plane, count), 2);
    if (quads > 3) i = _mm512_inserti32x4(i, cn_get_slots(at + 3 * plane, count), 3);
    return cn_turn(i);
}
#define CN_TURNED
static inline int32_t IHSUM(I i)
{
    return _mm512_reduce_add_epi32(i);
}

typedef __m512i H;

static inline H HALF(I i, int k)
{
    return _mm512_cvtepu8_epi16(k ? _mm512_extracti64x4_epi64(i, 1) : _mm512_castsi512_si256(i));
}
static inline H HADD(H a, H b)
{
    return _mm512_add_epi16(a, b);
}
static inline H HSUB(H a, H b)
{
    return _mm512_sub_epi16(a, b);
}
static inline H HSHL(H h, int n)
{
    return _mm512_slli_epi16(h, (unsigned)n);
}
#define HSTU ISTU
typedef __m512i P;
static inline P PQ(I i)
{
    return i;
}
static inline I PAIRS(P p, I i, I sum)
{
#ifdef CN_KERNEL_ISA_AVX512_VNNI
    return _mm512_dpwssd_epi32(sum, p, i);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(p, i));
#endif
}

enum { JL = 8 };
typedef __m256i J;

static inline J JBCAST(int32_t x)
{
    return _mm256_set1_epi32(x);
}
static inline J JADD(J a, J b)
{
    return _mm256_add_epi32(a, b);
}
static inline J JLDU(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}
static inline void JSTU(void *p, J j)
{
    _mm256_storeu_si256((__m256i *)p, j);
}

#ifdef CN_KERNEL_ISA_AVX512_VNNI

typedef __m512i U;
typedef __m512i Q;
typedef __m256i JU;
typedef __m256i JQ;

static inline U UQ(I i)
{
    return i;
}
static inline Q SQ(I i)
{
    return i;
}
static inline I DOT(Q q, U u, I sum)
{
    return _mm512_dpbusd_epi32(sum, u, q);
}
static inline JU JUQ(J j)
{
    return j;
}
static inline JQ JSQ(J j)
{
    return j;
}
static inline J JDOT(JQ q, JU u, J sum)
{
    return _mm256_dpbusd_epi32(sum, u, q);
}

#else

typedef struct cn_halves {
    __m512i even, odd;
} U, Q;
typedef struct cn_short_halves {
    __m256i even, odd;
} JU, JQ;

static inline U UQ(I i)
{
    return (U){_mm512_and_si512(i, _mm512_set1_epi32(0x00ff00ff)), _mm512_srli_epi16(i, 8)};
}
static inline Q SQ(I i)
{
    return (Q){_mm512_srai_epi16(_mm512_slli_epi16(i, 8), 8), _mm512_srai_epi16(i, 8)};
}
static inline I DOT(Q q, U u, I sum)
{
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(u.even, q.even));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(u.odd, q.odd));
}
static inline JU JUQ(J j)
{
    return (JU){_mm256_and_si256(j, _mm256_set1_epi32(0x00ff00ff)), _mm256_srli_epi16(j, 8)};
}
static inline JQ JSQ(J j)
{
    return (JQ){_mm256_srai_epi16(_mm256_slli_epi16(j, 8), 8), _mm256_srai_epi16(j, 8)};
}
static inline J JDOT(JQ q, JU u, J sum)
{
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(u.even, q.even));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(u.odd, q.odd));
}

#endif

#endif
