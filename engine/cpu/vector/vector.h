/* The vector vocabulary: every kernel is written once in these words and compiled once per
 * instruction set. A header per set (scalar.h, neon.h, avx2.h, avx512.h) defines
 *
 *   V, VL                 a vector of VL floats
 *   LD ST / LDU STU       load, store at an address that is / need not be a multiple of the vector
 *   LDN(p, n)             load lanes 0..n-1 and zero the rest; touches no other memory; any n
 *   STN(p, v, n)          store lanes 0..n-1 only; any n
 *   LDM(p, a, b)          load lanes a..b-1 and zero the rest; 0 <= a < b <= VL
 *   M, LANES(a, b)        a mask of lanes a..b-1, for any a and b
 *   LDW(p, m)             load the lanes of mask m and zero the rest; touches no other memory
 *   STM(p, v, a, b)       store lanes a..b-1 only, lane i to p[i]
 *   BCAST(x) ZERO()       one number in all lanes
 *   ADD SUB MUL DIV SQRT  lane by lane
 *   FMA(a, b, c)          a * b + c
 *   MAX(a, b) MIN(a, b)   b where either is NaN (on NEON: NaN), so MAX(limit, x) keeps NaN in x
 *   MAXNAN(a, b)          NaN where either is
 *   SELECT_LT(a, b, x, y) a < b ? x : y
 *   ABS NEG ROUND         ROUND to the nearest integer, ties to even
 *   POW2(n)               2^n for integers n in -126..127, anything for others
 *   EVEN(a, b) ODD(a, b)  lanes 0, 2, 4, ... or 1, 3, 5, ... of a followed by those of b
 *   SHIFT_IN(v, x)        lanes 1, 2, ... of v, and x in the last one
 *   HSUM(v)               sum of the lanes
 *   GATHER(p, i)          p[i[0]], p[i[1]], ...
 *   S, SL                 a short vector: VL floats, but 8 at most
 *   SLDU SLDN SLDW SSTU SBCAST SFMA  the same for short vectors
 *   SLOW(v) SWIDE(s)      the low lanes as a short vector; a short one as the low lanes of one
 * whose other lanes are undefined
 *   D, DL                 a vector of DL doubles
 *   DLDU DSTU DBCAST DFMA the same for doubles
 *
 * CN_KERNEL_NAME(f32_conv) is the symbol of a kernel at the level being compiled, and
 * CN_BY_ISA(scalar, neon, avx2, avx512) picks a value by level. integer.h has words for 8-bit
 * integers; its kernels are compiled for two more levels, neon_dot and avx512_vnni, where the words
 * for floats are those of neon and avx512. */
#ifndef CN_CPU_VECTOR_H
#define CN_CPU_VECTOR_H

#if defined(CN_KERNEL_ISA_AVX512)
#include "cpu/vector/avx512.h"
#ifdef CN_KERNEL_ISA_AVX512_VNNI
#define CN_KERNEL_NAME(name) cn_##name##_avx512_vnni
#else
#define CN_KERNEL_NAME(name) cn_##name##_avx512
#endif
#define CN_BY_ISA(scalar, neon, avx2, avx512) (avx512)
#elif defined(CN_KERNEL_ISA_AVX2)
#include "cpu/vector/avx2.h"
#define CN_KERNEL_NAME(name) cn_##name##_avx2
#define CN_BY_ISA(scalar, neon, avx2, avx512) (avx2)
#elif defined(CN_KERNEL_ISA_NEON)
#include "cpu/vector/neon.h"
#ifdef CN_KERNEL_ISA_NEON_DOT
#define CN_KERNEL_NAME(name) cn_##name##_neon_dot
#else
#define CN_KERNEL_NAME(name) cn_##name##_neon
#endif
#define CN_BY_ISA(scalar, neon, avx2, avx512) (neon)
#elif defined(CN_KERNEL_ISA_SCALAR)
#include "cpu/vector/scalar.h"
#define CN_KERNEL_NAME(name) cn_##name##_scalar
#define CN_BY_ISA(scalar, neon, avx2, avx512) (scalar)
#else
#error "kernels are compiled with one of -DCN_KERNEL_ISA_{SCALAR,NEON,AVX2,AVX512}"
#endif

#if defined(CN_KERNEL_ISA_AVX512_VNNI)
#define CN_BY_INTEGER_ISA(scalar, neon, neon_dot, avx2, avx512, avx512_vnni) (avx512_vnni)
#elif defined(CN_KERNEL_ISA_NEON_DOT)
#define CN_BY_INTEGER_ISA(scalar, neon, neon_dot, avx2, avx512, avx512_vnni) (neon_dot)
#else
#define CN_BY_INTEGER_ISA(scalar, neon, neon_dot, avx2, avx512, avx512_vnni)                       \
    CN_BY_ISA(scalar, neon, avx2, avx512)
#endif

#if !defined(CN_KERNEL_ISA_AVX512)
enum { SL = VL };
typedef V S;
#define SLDU LDU
#define SLDN LDN
#define SLDW LDW
#define SSTU STU
#define SBCAST BCAST
#define SFMA FMA
#define SLOW(v) (v)
#define SWIDE(s) (s)
#endif

/* For the body of a kernel that is instantiated with constant arguments. */
#define CN_INLINE static inline __attribute__((always_inline))

#endif
