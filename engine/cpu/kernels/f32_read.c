/* The bandwidth of caches and memory: loads, with just enough sums that no addition waits. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { SUMS = f32_read_ROWS };

float CN_KERNEL_NAME(f32_read)(size_t count, const float *from)
{
    V sums[SUMS];
#pragma GCC unroll 8
    for (int i = 0; i < SUMS; i++)
        sums[i] = ZERO();
    for (size_t at = 0; at < count; at += (size_t)SUMS * VL)
#pragma GCC unroll 8
        for (int i = 0; i < SUMS; i++)
            sums[i] = ADD(sums[i], LD(from + at + (size_t)i * VL));
    V sum = sums[0];
#pragma GCC unroll 8
    for (int i = 1; i < SUMS; i++)
        sum = ADD(sum, sums[i]);
    return HSUM(sum);
}
