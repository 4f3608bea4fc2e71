/* Integer words beside those of vector.h, for kernels on quads: an activation of 8-bit integers
 * lies in memory as slots of four bytes, which are four successive channels of one pixel; a slot is
 * where a float would be, and is loaded and stored by the words for floats, which change no bit.
 *
 *   I                     a vector of VL 32-bit integers, or of VL slots
 *   AS_I(v) AS_V(i)       the same bits as the other type
 *   IBCAST(x)             as for floats
 *   IADD ISUB IMUL        lane by lane, modulo 2^32; ISHL(i, n): times 2^n
 *   BYTE(i, k)            byte k of each slot, 0 .. 255; k is a constant
 *   BYTES_MAX(a, b)       the larger of each two bytes, without sign
 *   TO_FLOAT(i)           the nearest float
 *   FUSED(a, b, c)        a * b + c, rounded once at all levels
 *   TO_INT(v)             the nearest integer, ties to even; at most -65536 for NaN and for
 *                         what is less than that; v may not be more than 2^30
 *   QUADS(a, b, c, d, z)  slots of four vectors of integers, to each of which a number of
 *                         0 .. 255 is added, which ZEROS(number) gives; the rest saturates
 *   IHSUM(i)              sum of the lanes
 *   U, UQ(i)              slots of unsigned bytes as DOT takes them
 *   Q, SQ(i)              slots of signed bytes, -127 .. 127, likewise
 *   DOT(q, u, sum)        sum + the four products of each slot, exactly, but for the offset: a byte
 *                         u counts as u - cn_i8_offset, a constant of the level
 *   H                     a vector of 2 VL 16-bit integers
 *   HALF(i, k)            as H, the bytes from 2 VL k on of the slots of i, without sign; k: 0 or 1
 *   HADD HSUB HSHL HSTU   as for I, modulo 2^16
 *   P, PQ(i)              lanes' pairs of signed 16-bit integers as PAIRS takes them
 *   PAIRS(p, i, sum)      sum + the two products of each lane's pair and the pair that all lanes of
 *                         i have, modulo 2^32
 *   J, JL, JU, JQ         the same types for short vectors, of 8 lanes at most
 *   JUQ JSQ JDOT JLDU JSTU JBCAST JADD  and the same words
 *
 * Words for fours of lanes, not in plain C, where CN_FOURS is not defined:
 *
 *   REPEAT(p)             the four numbers at p in every four lanes
 *   ZIPL8 ZIPH8 (a, b)    bytes of a and b by turns, in each four lanes: the lower, the upper half
 *   ZIPL16 ZIPH16 (a, b)  the same of 16-bit halves
 *   NEXT(a, b, n)         lanes n ... of a, then the first n of b; n is a constant, 1, 2 or 4
 *   SLOTS(a, b, c, d, z)  as QUADS, but lanes are channels: of every four lanes of a, b, c and d
 *                         one slot, those of the first four lanes first
 *   UNZIP(i)              the even pairs of lanes, then the odd ones
 *
 * Where CN_TURNED is defined, not in plain C:
 *
 *   PUT_TURNED(at, plane, quads, count, i)  byte k of lane l becomes byte l % 4 of slot k of the
 *                         plane l / 4 after `at`: `count` slots (1 .. 4) of `quads` planes
 *   GET_TURNED(at, plane, quads, count)     is the other way round
 */
#ifndef CN_CPU_VECTOR_INTEGER_H
#define CN_CPU_VECTOR_INTEGER_H

#include "cpu/vector/vector.h"

#if defined(CN_KERNEL_ISA_AVX512)
#include "cpu/vector/integer_avx512.h"
#elif defined(CN_KERNEL_ISA_AVX2)
#include "cpu/vector/integer_avx2.h"
#elif defined(CN_KERNEL_ISA_NEON)
#include "cpu/vector/integer_neon.h"
#else
#include "cpu/vector/integer_scalar.h"
#endif

#if !defined(CN_KERNEL_ISA_AVX512)
enum { JL = VL };
typedef I J;
typedef U JU;
typedef Q JQ;
#define JUQ UQ
#define JSQ SQ
#define JDOT DOT
#define JBCAST IBCAST
#define JADD IADD
#define JLDU ILDU
#define JSTU ISTU
#endif

#endif
