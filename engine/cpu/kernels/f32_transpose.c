/* Transposes a matrix whose extents are rounded up to whole vectors: see cn_f32_transpose_kernel.
 */
#include "cpu/vector/transpose.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

void CN_KERNEL_NAME(f32_transpose)(int32_t rows, int32_t columns, const float *from,
                                   size_t from_pitch, float *to, size_t to_pitch)
{
    for (int32_t r = 0; r < rows; r += VL)
        for (int32_t c = 0; c < columns; c += VL) {
            V v[VL];
#pragma GCC unroll 16
            for (int i = 0; i < VL; i++)
                v[i] = LD(from + (size_t)(r + i) * from_pitch + c);
            TRANSPOSE(v);
#pragma GCC unroll 16
            for (int i = 0; i < VL; i++)
                ST(to + (size_t)(c + i) * to_pitch + r, v[i]);
        }
}
