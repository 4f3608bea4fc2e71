/* TRANSPOSE(v): VL vectors of VL lanes, rows become columns. Included after vector.h. */
#ifndef CN_CPU_VECTOR_TRANSPOSE_H
#define CN_CPU_VECTOR_TRANSPOSE_H

#include "cpu/vector/vector.h"

#ifdef CN_KERNEL_ISA_AVX512

/* Pairs of rows, then pairs of those, then quarters of vectors: four steps of sixteen. */
CN_INLINE void TRANSPOSE(V *v)
{
    V t[VL];
#pragma GCC unroll 8
    for (int i = 0; i < VL; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < VL; i += 4) {
        v[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        v[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm512_shuffle_f32x4(v[i], v[4 + i], 0x88);
        t[4 + i] = _mm512_shuffle_f32x4(v[i], v[4 + i], 0xdd);
        t[8 + i] = _mm512_shuffle_f32x4(v[8 + i], v[12 + i], 0x88);
        t[12 + i] = _mm512_shuffle_f32x4(v[8 + i], v[12 + i], 0xdd);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        v[i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0x88);
        v[8 + i] = _mm512_shuffle_f32x4(t[i], t[8 + i], 0xdd);
        v[4 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0x88);
        v[12 + i] = _mm512_shuffle_f32x4(t[4 + i], t[12 + i], 0xdd);
    }
}

#else

CN_INLINE void TRANSPOSE(V *v)
{
    float from[VL * VL], to[VL * VL];
    for (int i = 0; i < VL; i++)
        STU(from + i * VL, v[i]);
    for (int i = 0; i < VL; i++)
        for (int k = 0; k < VL; k++)
            to[k * VL + i] = from[i * VL + k];
    for (int i = 0; i < VL; i++)
        v[i] = LDU(to + i * VL);
}

#endif

#endif
