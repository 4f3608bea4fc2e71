/* The integer words of integer.h in plain C: one lane. */
#ifndef CN_CPU_VECTOR_INTEGER_SCALAR_H
#define CN_CPU_VECTOR_INTEGER_SCALAR_H

#include <stdint.h>
#include <string.h>

typedef int32_t I;
typedef I U;
typedef I Q;
enum { cn_i8_offset = 0 };

static inline I AS_I(V v)
{
    I i;
    memcpy(&i, &v, sizeof i);
    return i;
}
static inline V AS_V(I i)
{
    V v;
    memcpy(&v, &i, sizeof v);
    return v;
}
static inline I IBCAST(int32_t x)
{
    return x;
}
static inline I ILDU(const void *p)
{
    I i;
    memcpy(&i, p, sizeof i);
    return i;
}
static inline void ISTU(void *p, I i)
{
    memcpy(p, &i, sizeof i);
}
static inline I IADD(I a, I b)
{
    return (I)((uint32_t)a + (uint32_t)b);
}
static inline I ISUB(I a, I b)
{
    return (I)((uint32_t)a - (uint32_t)b);
}
static inline I IMUL(I a, I b)
{
    return (I)((uint32_t)a * (uint32_t)b);
}
static inline I ISHL(I i, int n)
{
    return (I)((uint32_t)i << n);
}
static inline I BYTE(I i, int k)
{
    return (I)((uint32_t)i >> 8 * k & 255);
}
static inline I BYTES_MAX(I a, I b)
{
    uint8_t left[4], right[4];
    memcpy(left, &a, 4);
    memcpy(right, &b, 4);
    for (int k = 0; k < 4; k++)
        left[k] = left[k] > right[k] ? left[k] : right[k];
    memcpy(&a, left, 4);
    return a;
}
static inline V TO_FLOAT(I i)
{
    return (V)i;
}
static inline V FUSED(V a, V b, V c)
{
    return fmaf(a, b, c);
}
static inline I TO_INT(V v)
{
    return v > -65536 ? (I)rintf(v) : -65536;
}
static inline I ZEROS(int32_t zero)
{
    return zero;
}
static inline uint32_t cn_level(I i, I zero)
{
    i += zero;
    return (uint32_t)(i < 0 ? 0 : i > 255 ? 255 : i);
}
static inline I QUADS(I a, I b, I c, I d, I zeros)
{
    return (I)(cn_level(a, zeros) | cn_level(b, zeros) << 8 | cn_level(c, zeros) << 16 |
               cn_level(d, zeros) << 24);
}
static inline int32_t IHSUM(I i)
{
    return i;
}
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
    for (int k = 0; k < 4; k++)
        sum += (int8_t)((uint32_t)q >> 8 * k & 255) * BYTE(u, k);
    return sum;
}

typedef struct cn_two {
    int16_t at[2];
} H;

static inline H HALF(I i, int k)
{
    return (H){{(int16_t)BYTE(i, 2 * k), (int16_t)BYTE(i, 2 * k + 1)}};
}
static inline H HADD(H a, H b)
{
    return (H){{(int16_t)(a.at[0] + b.at[0]), (int16_t)(a.at[1] + b.at[1])}};
}
static inline H HSUB(H a, H b)
{
    return (H){{(int16_t)(a.at[0] - b.at[0]), (int16_t)(a.at[1] - b.at[1])}};
}
static inline H HSHL(H h, int n)
{
    return (H){{(int16_t)(h.at[0] * (1 << n)), (int16_t)(h.at[1] * (1 << n))}};
}
static inline void HSTU(void *p, H h)
{
    memcpy(p, &h, sizeof h);
}
typedef H P;
static inline P PQ(I i)
{
    P p;
    memcpy(&p, &i, sizeof p);
    return p;
}
static inline I PAIRS(P x, I i, I sum)
{
    P y = PQ(i);
    return IADD(IADD(sum, x.at[0] * y.at[0]), x.at[1] * y.at[1]);
}

#endif
