/* The vocabulary of vector.h on AVX2 with FMA. */
#ifndef CN_CPU_VECTOR_AVX2_H
#define CN_CPU_VECTOR_AVX2_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

enum { VL = 8 };
typedef __m256 V;

/* Without branches, so that the compiler makes the mask of a loop once. */
static inline __m256i cn_lanes(ptrdiff_t n)
{
    static const int32_t mask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    n = n < 0 ? 0 : n;
    n = n > VL ? VL : n;
    return _mm256_loadu_si256((const __m256i *)(mask + VL - n));
}
static inline V LD(const float *p)
{
    return _mm256_load_ps(p);
}
static inline V LDU(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void ST(float *p, V v)
{
    _mm256_store_ps(p, v);
}
static inline void STU(float *p, V v)
{
    _mm256_storeu_ps(p, v);
}
static inline V LDN(const float *p, ptrdiff_t n)
{
    return _mm256_maskload_ps(p, cn_lanes(n));
}
static inline void STN(float *p, V v, ptrdiff_t n)
{
    if (n >= VL)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, cn_lanes(n), v);
}
static inline V LDM(const float *p, int a, int b)
{
    return _mm256_maskload_ps(p, _mm256_andnot_si256(cn_lanes(a), cn_lanes(b)));
}
typedef __m256i M;
static inline M LANES(ptrdiff_t a, ptrdiff_t b)
{
    return _mm256_andnot_si256(cn_lanes(a), cn_lanes(b));
}
static inline V LDW(const float *p, M m)
{
    return _mm256_maskload_ps(p, m);
}
static inline void STM(float *p, V v, int a, int b)
{
    if (b - a == VL)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, _mm256_andnot_si256(cn_lanes(a), cn_lanes(b)), v);
}
static inline V BCAST(float x)
{
    return _mm256_set1_ps(x);
}
static inline V ZERO(void)
{
    return _mm256_setzero_ps();
}
static inline V ADD(V a, V b)
{
    return _mm256_add_ps(a, b);
}
static inline V SUB(V a, V b)
{
    return _mm256_sub_ps(a, b);
}
static inline V MUL(V a, V b)
{
    return _mm256_mul_ps(a, b);
}
static inline V DIV(V a, V b)
{
    return _mm256_div_ps(a, b);
}
static inline V SQRT(V a)
{
    return _mm256_sqrt_ps(a);
}
static inline V FMA(V a, V b, V c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline V MAX(V a, V b)
{
    return _mm256_max_ps(a, b);
}
static inline V MIN(V a, V b)
{
    return _mm256_min_ps(a, b);
}
static inline V MAXNAN(V a, V b)
{
    return _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
static inline V SELECT_LT(V a, V b, V x, V y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
static inline V ABS(V a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
static inline V NEG(V a)
{
    return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f));
}
static inline V ROUND(V a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline V POW2(V n)
{
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}
static inline V EVEN(V a, V b)
{
    __m256 mixed = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)); /* a02 b02 a46 b46 */
    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0)));
}
static inline V ODD(V a, V b)
{
    __m256 mixed = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
    return _mm256_castpd_ps(
        _mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0)));
}
static inline V SHIFT_IN(V v, float x)
{
    const __m256i next = _mm256_setr_epi32(1, 2, 3, 4, 5, 6, 7, 0);
    return _mm256_blend_ps(_mm256_permutevar8x32_ps(v, next), _mm256_set1_ps(x), 0x80);
}
static inline V GATHER(const float *p, const int *i)
{
    return _mm256_i32gather_ps(p, _mm256_loadu_si256((const __m256i *)i), sizeof *p);
}
static inline float HSUM(V v)
{
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

enum { DL = 4 };
typedef __m256d D;

static inline D DLDU(const double *p)
{
    return _mm256_loadu_pd(p);
}
static inline void DSTU(double *p, D v)
{
    _mm256_storeu_pd(p, v);
}
static inline D DBCAST(double x)
{
    return _mm256_set1_pd(x);
}
static inline D DFMA(D a, D b, D c)
{
    return _mm256_fmadd_pd(a, b, c);
}

#endif
