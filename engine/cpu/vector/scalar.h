/* The vocabulary of vector.h in plain C: one lane. */
#ifndef CN_CPU_VECTOR_SCALAR_H
#define CN_CPU_VECTOR_SCALAR_H

#include <math.h>
#include <stddef.h>

enum { VL = 1 };
typedef float V;

static inline V LD(const float *p)
{
    return *p;
}
static inline V LDU(const float *p)
{
    return *p;
}
static inline void ST(float *p, V v)
{
    *p = v;
}
static inline void STU(float *p, V v)
{
    *p = v;
}
static inline V LDN(const float *p, ptrdiff_t n)
{
    return n > 0 ? *p : 0;
}
static inline void STN(float *p, V v, ptrdiff_t n)
{
    if (n > 0) *p = v;
}
static inline V LDM(const float *p, int a, int b)
{
    (void)a, (void)b;
    return *p;
}
typedef int M;
static inline M LANES(ptrdiff_t a, ptrdiff_t b)
{
    return a <= 0 && b > 0;
}
static inline V LDW(const float *p, M m)
{
    return m ? *p : 0;
}
static inline void STM(float *p, V v, int a, int b)
{
    (void)a, (void)b;
    *p = v;
}
static inline V BCAST(float x)
{
    return x;
}
static inline V ZERO(void)
{
    return 0;
}
static inline V ADD(V a, V b)
{
    return a + b;
}
static inline V SUB(V a, V b)
{
    return a - b;
}
static inline V MUL(V a, V b)
{
    return a * b;
}
static inline V DIV(V a, V b)
{
    return a / b;
}
static inline V SQRT(V a)
{
    return sqrtf(a);
}
static inline V FMA(V a, V b, V c)
{
    return a * b + c;
}
static inline V MAX(V a, V b)
{
    return a > b ? a : b;
}
static inline V MIN(V a, V b)
{
    return a < b ? a : b;
}
static inline V MAXNAN(V a, V b)
{
    return a > b || a != a ? a : b;
}
static inline V SELECT_LT(V a, V b, V x, V y)
{
    return a < b ? x : y;
}
static inline V ABS(V a)
{
    return fabsf(a);
}
static inline V NEG(V a)
{
    return -a;
}
static inline V ROUND(V a)
{
    return rintf(a);
}
static inline V POW2(V n)
{
    return n >= -126 && n <= 127 ? ldexpf(1, (int)n) : 1;
}
static inline V EVEN(V a, V b)
{
    (void)b;
    return a;
}
static inline V ODD(V a, V b)
{
    (void)a;
    return b;
}
static inline V SHIFT_IN(V v, float x)
{
    (void)v;
    return x;
}
static inline V GATHER(const float *p, const int *i)
{
    return p[i[0]];
}
static inline float HSUM(V v)
{
    return v;
}

enum { DL = 1 };
typedef double D;

static inline D DLDU(const double *p)
{
    return *p;
}
static inline void DSTU(double *p, D v)
{
    *p = v;
}
static inline D DBCAST(double x)
{
    return x;
}
static inline D DFMA(D a, D b, D c)
{
    return a * b + c;
}

#endif
