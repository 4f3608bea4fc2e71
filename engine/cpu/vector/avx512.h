/* The vocabulary of vector.h on AVX-512 F, BW, DQ and VL. */
#ifndef CN_CPU_VECTOR_AVX512_H
#define CN_CPU_VECTOR_AVX512_H

#include <immintrin.h>
#include <stddef.h>

enum { VL = 16 };
typedef __m512 V;

/* Without branches, so that the compiler makes the mask of a loop once. */
static inline __mmask16 cn_lanes(ptrdiff_t n)
{
    n = n < 0 ? 0 : n;
    n = n > VL ? VL : n;
    return (__mmask16)((1u << n) - 1);
}
static inline V LD(const float *p)
{
    return _mm512_load_ps(p);
}
static inline V LDU(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void ST(float *p, V v)
{
    _mm512_store_ps(p, v);
}
static inline void STU(float *p, V v)
{
    _mm512_storeu_ps(p, v);
}
static inline V LDN(const float *p, ptrdiff_t n)
{
    return _mm512_maskz_loadu_ps(cn_lanes(n), p);
}
static inline void STN(float *p, V v, ptrdiff_t n)
{
    if (n >= VL)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, cn_lanes(n), v);
}
static inline V LDM(const float *p, int a, int b)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << b) - (1u << a)), p);
}
typedef __mmask16 M;
static inline M LANES(ptrdiff_t a, ptrdiff_t b)
{
    return (M)(cn_lanes(b) & ~cn_lanes(a));
}
static inline V LDW(const float *p, M m)
{
    return _mm512_maskz_loadu_ps(m, p);
}
static inline void STM(float *p, V v, int a, int b)
{
    if (b - a == VL)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, (__mmask16)((1u << b) - (1u << a)), v);
}
static inline V BCAST(float x)
{
    return _mm512_set1_ps(x);
}
static inline V ZERO(void)
{
    return _mm512_setzero_ps();
}
static inline V ADD(V a, V b)
{
    return _mm512_add_ps(a, b);
}
static inline V SUB(V a, V b)
{
    return _mm512_sub_ps(a, b);
}
static inline V MUL(V a, V b)
{
    return _mm512_mul_ps(a, b);
}
static inline V DIV(V a, V b)
{
    return _mm512_div_ps(a, b);
}
static inline V SQRT(V a)
{
    return _mm512_sqrt_ps(a);
}
static inline V FMA(V a, V b, V c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline V MAX(V a, V b)
{
    return _mm512_max_ps(a, b);
}
static inline V MIN(V a, V b)
{
    return _mm512_min_ps(a, b);
}
static inline V MAXNAN(V a, V b)
{
    return _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), a);
}
static inline V SELECT_LT(V a, V b, V x, V y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
static inline V ABS(V a)
{
    return _mm512_abs_ps(a);
}
static inline V NEG(V a)
{
    return _mm512_xor_ps(a, _mm512_set1_ps(-0.0f));
}
static inline V ROUND(V a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
static inline V POW2(V n)
{
    __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}
static inline V EVEN(V a, V b)
{
    const __m512i even =
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(a, even, b);
}
static inline V ODD(V a, V b)
{
    const __m512i odd =
        _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_ps(a, odd, b);
}
static inline V SHIFT_IN(V v, float x)
{
    return _mm512_castsi512_ps(
        _mm512_alignr_epi32(_mm512_castps_si512(_mm512_set1_ps(x)), _mm512_castps_si512(v), 1));
}
static inline V GATHER(const float *p, const int *i)
{
    return _mm512_i32gather_ps(_mm512_loadu_si512(i), p, sizeof *p);
}
static inline float HSUM(V v)
{
    return _mm512_reduce_add_ps(v);
}

enum { SL = 8 };
typedef __m256 S;

static inline S SLDU(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline S SLDN(const float *p, ptrdiff_t n)
{
    return _mm256_maskz_loadu_ps((__mmask8)cn_lanes(n), p);
}
static inline S SLDW(const float *p, M m)
{
    return _mm256_maskz_loadu_ps((__mmask8)m, p);
}
static inline void SSTU(float *p, S v)
{
    _mm256_storeu_ps(p, v);
}
static inline S SBCAST(float x)
{
    return _mm256_set1_ps(x);
}
static inline S SFMA(S a, S b, S c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline S SLOW(V v)
{
    return _mm512_castps512_ps256(v);
}
static inline V SWIDE(S s)
{
    return _mm512_castps256_ps512(s);
}

enum { DL = 8 };
typedef __m512d D;

static inline D DLDU(const double *p)
{
    return _mm512_loadu_pd(p);
}
static inline void DSTU(double *p, D v)
{
    _mm512_storeu_pd(p, v);
}
static inline D DBCAST(double x)
{
    return _mm512_set1_pd(x);
}
static inline D DFMA(D a, D b, D c)
{
    return _mm512_fmadd_pd(a, b, c);
}

#endif
