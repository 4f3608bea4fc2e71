/* Streams of tiles: `m` vectors that hold VL groups of m neighbouring floats, taken apart and put
 * together again. m is a constant, 2, 4 or 6. Included after vector.h.
 *
 *   DEINTERLEAVE(m, in, out)  lane l of out[j] is float l * m + j of in
 *   INTERLEAVE(m, in, out)    the inverse
 *   QUARTERS(p, n, out)       lane l of out[k], k = 0 .. 3, is p[4 l + k], or zero where 4 l + k is
 * not less than n, for lanes l < VL / 2 (of one lane: for that), and anything for others; touches
 * no other memory; any n */
#ifndef CN_CPU_VECTOR_INTERLEAVE_H
#define CN_CPU_VECTOR_INTERLEAVE_H

#include <stdint.h>

#include "cpu/vector/vector.h"

#ifdef CN_KERNEL_ISA_AVX512

/* Each result is picked from up to three pairs of vectors: vpermt2ps knows two at a time. */
#define CN_LANES(F, m, o)                                                                          \
    F(m, o, 0), F(m, o, 1), F(m, o, 2), F(m, o, 3), F(m, o, 4), F(m, o, 5), F(m, o, 6),            \
        F(m, o, 7), F(m, o, 8), F(m, o, 9), F(m, o, 10), F(m, o, 11), F(m, o, 12), F(m, o, 13),    \
        F(m, o, 14), F(m, o, 15)
#define CN_APART(m, o, l) ((l) * (m) + (o)) /* index into all the vectors */
#define CN_TOGETHER(m, o, l) ((16 * (o) + (l)) % (m)*16 + (16 * (o) + (l)) / (m))
#define CN_ROWS6(F, m)                                                                             \
    {CN_LANES(F, m, 0)}, {CN_LANES(F, m, 1)}, {CN_LANES(F, m, 2)}, {CN_LANES(F, m, 3)},            \
        {CN_LANES(F, m, 4)},                                                                       \
    {                                                                                              \
        CN_LANES(F, m, 5)                                                                          \
    }

CN_INLINE V cn_pick(int m, const V *in, const int32_t index[16])
{
    __m512i where = _mm512_loadu_si512(index);
    V v = _mm512_permutex2var_ps(in[0], where, in[1]);
    for (int pair = 1; pair < m / 2; pair++) {
        __mmask16 here = _mm512_cmpge_epi32_mask(where, _mm512_set1_epi32(32 * pair));
        v = _mm512_mask_mov_ps(v, here,
                               _mm512_permutex2var_ps(in[2 * pair], where, in[2 * pair + 1]));
    }
    return v;
}

static const int32_t cn_apart[3][6][16] = {
    {CN_ROWS6(CN_APART, 2)}, {CN_ROWS6(CN_APART, 4)}, {CN_ROWS6(CN_APART, 6)}};
static const int32_t cn_together[3][6][16] = {
    {CN_ROWS6(CN_TOGETHER, 2)}, {CN_ROWS6(CN_TOGETHER, 4)}, {CN_ROWS6(CN_TOGETHER, 6)}};

CN_INLINE void DEINTERLEAVE(int m, const V *in, V *out)
{
#pragma GCC unroll 6
    for (int o = 0; o < m; o++)
        out[o] = cn_pick(m, in, cn_apart[m / 2 - 1][o]);
}
CN_INLINE void INTERLEAVE(int m, const V *in, V *out)
{
#pragma GCC unroll 6
    for (int o = 0; o < m; o++)
        out[o] = cn_pick(m, in, cn_together[m / 2 - 1][o]);
}

CN_INLINE void QUARTERS(const float *p, ptrdiff_t n, V out[4])
{
    V a = LDN(p, n), b = LDN(p + VL, n - VL);
    __m512i where = _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        out[k] = _mm512_permutex2var_ps(a, _mm512_add_epi32(where, _mm512_set1_epi32(k)), b);
}

#else

CN_INLINE void DEINTERLEAVE(int m, const V *in, V *out)
{
    float from[6 * VL], to[6 * VL];
    for (int k = 0; k < m; k++)
        STU(from + k * VL, in[k]);
    for (int k = 0; k < m; k++)
        for (int l = 0; l < VL; l++)
            to[k * VL + l] = from[l * m + k];
    for (int k = 0; k < m; k++)
        out[k] = LDU(to + k * VL);
}
CN_INLINE void INTERLEAVE(int m, const V *in, V *out)
{
    float from[6 * VL], to[6 * VL];
    for (int k = 0; k < m; k++)
        STU(from + k * VL, in[k]);
    for (int k = 0; k < m; k++)
        for (int l = 0; l < VL; l++)
            to[l * m + k] = from[k * VL + l];
    for (int k = 0; k < m; k++)
        out[k] = LDU(to + k * VL);
}

#if defined(CN_KERNEL_ISA_AVX2)
CN_INLINE void QUARTERS(const float *p, ptrdiff_t n, V out[4])
{
    V a = LDN(p, n), b = LDN(p + VL, n - VL);
    V pairs[2] = {_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)};
#pragma GCC unroll 2
    for (int i = 0; i < 2; i++) {
        __m128 low = _mm256_castps256_ps128(pairs[i]), high = _mm256_extractf128_ps(pairs[i], 1);
        out[2 * i] = _mm256_castps128_ps256(_mm_unpacklo_ps(low, high));
        out[2 * i + 1] = _mm256_castps128_ps256(_mm_unpackhi_ps(low, high));
    }
}
#elif defined(CN_KERNEL_ISA_NEON)
CN_INLINE void QUARTERS(const float *p, ptrdiff_t n, V out[4])
{
    V a = LDN(p, n), b = LDN(p + VL, n - VL);
    V low = vzip1q_f32(a, b), high = vzip2q_f32(a, b);
    out[0] = low, out[1] = vextq_f32(low, low, 2);
    out[2] = high, out[3] = vextq_f32(high, high, 2);
}
#else
CN_INLINE void QUARTERS(const float *p, ptrdiff_t n, V out[4])
{
    for (int k = 0; k < 4; k++)
        out[k] = LDN(p + k, n - k);
}
#endif

#endif

#endif
