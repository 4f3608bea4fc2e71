/* The integer words of integer.h on aarch64 Advanced SIMD, with the dot product of ARMv8.2 and
 * without. Both multiply signed bytes, so unsigned ones are moved down by 128. */
#ifndef CN_CPU_VECTOR_INTEGER_NEON_H
#define CN_CPU_VECTOR_INTEGER_NEON_H

typedef int32x4_t I;
typedef int8x16_t U;
typedef int8x16_t Q;
enum { cn_i8_offset = 128 };

static inline I AS_I(V v)
{
    return vreinterpretq_s32_f32(v);
}
static inline V AS_V(I i)
{
    return vreinterpretq_f32_s32(i);
}
static inline I IBCAST(int32_t x)
{
    return vdupq_n_s32(x);
}
static inline I ILDU(const void *p)
{
    return vreinterpretq_s32_u8(vld1q_u8(p));
}
static inline void ISTU(void *p, I i)
{
    vst1q_u8(p, vreinterpretq_u8_s32(i));
}
static inline I IADD(I a, I b)
{
    return vreinterpretq_s32_u32(vaddq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline I ISUB(I a, I b)
{
    return vreinterpretq_s32_u32(vsubq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline I IMUL(I a, I b)
{
    return vreinterpretq_s32_u32(vmulq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
}
static inline I ISHL(I i, int n)
{
    return vshlq_s32(i, vdupq_n_s32(n));
}
static inline I BYTE(I i, int k)
{
    return vandq_s32(vshlq_s32(i, vdupq_n_s32(-8 * k)), vdupq_n_s32(255));
}
static inline I BYTES_MAX(I a, I b)
{
    return vreinterpretq_s32_u8(vmaxq_u8(vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)));
}
static inline V TO_FLOAT(I i)
{
    return vcvtq_f32_s32(i);
}
#define FUSED FMA
static inline I TO_INT(V v)
{
    return vcvtnq_s32_f32(vmaxnmq_f32(v, vdupq_n_f32(-65536)));
}
static inline I ZEROS(int32_t zero)
{
    return vreinterpretq_s32_s16(vdupq_n_s16((int16_t)zero));
}
/* Byte k of lane l and byte l of lane k change places. */
static inline I cn_turn(uint8x16_t bytes)
{
    static const uint8_t order[16] = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
    return vreinterpretq_s32_u8(vqtbl1q_u8(bytes, vld1q_u8(order)));
}
static inline I SLOTS(I a, I b, I c, I d, I zeros)
{
    int16x8_t ab = vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
    int16x8_t cd = vcombine_s16(vqmovn_s32(c), vqmovn_s32(d)), z = vreinterpretq_s16_s32(zeros);
    return vreinterpretq_s32_u8(
        vcombine_u8(vqmovun_s16(vqaddq_s16(ab, z)), vqmovun_s16(vqaddq_s16(cd, z))));
}
static inline I QUADS(I a, I b, I c, I d, I zeros)
{
    return cn_turn(vreinterpretq_u8_s32(SLOTS(a, b, c, d, zeros)));
}
#define CN_FOURS
#define REPEAT ILDU
static inline I ZIPL8(I a, I b)
{
    return vreinterpretq_s32_u8(vzip1q_u8(vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)));
}
static inline I ZIPH8(I a, I b)
{
    return vreinterpretq_s32_u8(vzip2q_u8(vreinterpretq_u8_s32(a), vreinterpretq_u8_s32(b)));
}
static inline I ZIPL16(I a, I b)
{
    return vreinterpretq_s32_u16(vzip1q_u16(vreinterpretq_u16_s32(a), vreinterpretq_u16_s32(b)));
}
static inline I ZIPH16(I a, I b)
{
    return vreinterpretq_s32_u16(vzip2q_u16(vreinterpretq_u16_s32(a), vreinterpretq_u16_s32(b)));
}
static inline I NEXT(I a, I b, int n)
{
    return n == 4 ? b : n == 2 ? vextq_s32(a, b, 2) : vextq_s32(a, b, 1);
}
static inline I UNZIP(I i)
{
    return i;
}
static inline void PUT_TURNED(float *at, ptrdiff_t plane, int32_t quads, int count, I i)
{
    (void)plane, (void)quads;
    V v = AS_V(cn_turn(vreinterpretq_u8_s32(i)));
    STN(at, v, count);
}
static inline I GET_TURNED(const float *at, ptrdiff_t plane, int32_t quads, int count)
{
    (void)plane, (void)quads;
    return cn_turn(vreinterpretq_u8_f32(LDN(at, count)));
}
#define CN_TURNED
static inline int32_t IHSUM(I i)
{
    return vaddvq_s32(i);
}
static inline U UQ(I i)
{
    return vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_s32(i), vdupq_n_u8(128)));
}
static inline Q SQ(I i)
{
    return vreinterpretq_s8_s32(i);
}
static inline I DOT(Q q, U u, I sum)
{
#ifdef CN_KERNEL_ISA_NEON_DOT
    return vdotq_s32(sum, q, u);
#else
    /* Two products of at most 128 * 127 fit 16 bits. */
    int16x8_t low = vmull_s8(vget_low_s8(q), vget_low_s8(u)), high = vmull_high_s8(q, u);
    return vpadalq_s16(sum, vpaddq_s16(low, high));
#endif
}

typedef uint16x8_t H;

static inline H HALF(I i, int k)
{
    uint8x16_t bytes = vreinterpretq_u8_s32(i);
    return vmovl_u8(k ? vget_high_u8(bytes) : vget_low_u8(bytes));
}
static inline H HADD(H a, H b)
{
    return vaddq_u16(a, b);
}
static inline H HSUB(H a, H b)
{
    return vsubq_u16(a, b);
}
static inline H HSHL(H h, int n)
{
    return vshlq_u16(h, vdupq_n_s16((int16_t)n));
}
static inline void HSTU(void *p, H h)
{
    vst1q_u16(p, h);
}
typedef struct cn_pairs {
    int16x4_t first, second;
} P;
static inline P PQ(I i)
{
    int16x8_t both = vreinterpretq_s16_s32(i);
    return (P){vget_low_s16(vuzp1q_s16(both, both)), vget_low_s16(vuzp2q_s16(both, both))};
}
static inline I PAIRS(P p, I i, I sum)
{
    int16x4_t pair = vget_low_s16(vreinterpretq_s16_s32(i));
    return vmlal_lane_s16(vmlal_lane_s16(sum, p.first, pair, 0), p.second, pair, 1);
}

#endif
