/* The vocabulary of vector.h on aarch64 Advanced SIMD. */
#ifndef CN_CPU_VECTOR_NEON_H
#define CN_CPU_VECTOR_NEON_H

#include <arm_neon.h>
#include <stddef.h>

enum { VL = 4 };
typedef float32x4_t V;

static inline V LD(const float *p)
{
    return vld1q_f32(p);
}
static inline V LDU(const float *p)
{
    return vld1q_f32(p);
}
static inline void ST(float *p, V v)
{
    vst1q_f32(p, v);
}
static inline void STU(float *p, V v)
{
    vst1q_f32(p, v);
}
static inline V LDN(const float *p, ptrdiff_t n)
{
    if (n >= VL) return vld1q_f32(p);
    V v = vdupq_n_f32(0);
    if (n > 0) v = vld1q_lane_f32(p, v, 0);
    if (n > 1) v = vld1q_lane_f32(p + 1, v, 1);
    if (n > 2) v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}
static inline void STN(float *p, V v, ptrdiff_t n)
{
    if (n >= VL) {
        vst1q_f32(p, v);
        return;
    }
    if (n > 0) vst1q_lane_f32(p, v, 0);
    if (n > 1) vst1q_lane_f32(p + 1, v, 1);
    if (n > 2) vst1q_lane_f32(p + 2, v, 2);
}
static inline V LDM(const float *p, int a, int b)
{
    if (b - a == VL) return vld1q_f32(p);
    float lanes[VL] = {0};
    for (int i = a; i < b; i++)
        lanes[i] = p[i];
    return vld1q_f32(lanes);
}
typedef struct cn_range {
    ptrdiff_t a, b;
} M;
static inline M LANES(ptrdiff_t a, ptrdiff_t b)
{
    return (M){a > 0 ? a : 0, b < VL ? b : VL};
}
static inline V LDW(const float *p, M m)
{
    if (m.b - m.a == VL) return vld1q_f32(p);
    float lanes[VL] = {0};
    for (ptrdiff_t i = m.a; i < m.b; i++)
        lanes[i] = p[i];
    return vld1q_f32(lanes);
}
static inline void STM(float *p, V v, int a, int b)
{
    if (b - a == VL) {
        vst1q_f32(p, v);
        return;
    }
    float lanes[VL];
    vst1q_f32(lanes, v);
    for (int i = a; i < b; i++)
        p[i] = lanes[i];
}
static inline V BCAST(float x)
{
    return vdupq_n_f32(x);
}
static inline V ZERO(void)
{
    return vdupq_n_f32(0);
}
static inline V ADD(V a, V b)
{
    return vaddq_f32(a, b);
}
static inline V SUB(V a, V b)
{
    return vsubq_f32(a, b);
}
static inline V MUL(V a, V b)
{
    return vmulq_f32(a, b);
}
static inline V DIV(V a, V b)
{
    return vdivq_f32(a, b);
}
static inline V SQRT(V a)
{
    return vsqrtq_f32(a);
}
static inline V FMA(V a, V b, V c)
{
    return vfmaq_f32(c, a, b);
}
static inline V MAX(V a, V b)
{
    return vmaxq_f32(a, b);
}
static inline V MIN(V a, V b)
{
    return vminq_f32(a, b);
}
static inline V MAXNAN(V a, V b)
{
    return vmaxq_f32(a, b);
}
static inline V SELECT_LT(V a, V b, V x, V y)
{
    return vbslq_f32(vcltq_f32(a, b), x, y);
}
static inline V ABS(V a)
{
    return vabsq_f32(a);
}
static inline V NEG(V a)
{
    return vnegq_f32(a);
}
static inline V ROUND(V a)
{
    return vrndnq_f32(a);
}
static inline V POW2(V n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23));
}
static inline V EVEN(V a, V b)
{
    return vuzp1q_f32(a, b);
}
static inline V ODD(V a, V b)
{
    return vuzp2q_f32(a, b);
}
static inline V SHIFT_IN(V v, float x)
{
    return vextq_f32(v, vdupq_n_f32(x), 1);
}
static inline V GATHER(const float *p, const int *i)
{
    const float lanes[VL] = {p[i[0]], p[i[1]], p[i[2]], p[i[3]]};
    return vld1q_f32(lanes);
}
static inline float HSUM(V v)
{
    return vaddvq_f32(v);
}

enum { DL = 2 };
typedef float64x2_t D;

static inline D DLDU(const double *p)
{
    return vld1q_f64(p);
}
static inline void DSTU(double *p, D v)
{
    vst1q_f64(p, v);
}
static inline D DBCAST(double x)
{
    return vdupq_n_f64(x);
}
static inline D DFMA(D a, D b, D c)
{
    return vfmaq_f64(c, a, b);
}

#endif
