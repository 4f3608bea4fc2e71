/* The convolution's inner product: output channels x pixels in registers, each panel vector shared
 * by all the channels, each weight broadcast to all the pixels. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_conv_ROWS, PIXELS = f32_conv_PIXELS, VECTORS = PIXELS / VL };

CN_INLINE void multiply(size_t depth, int vectors, const float *weight, const float *panel,
                        const float *bias, float *tile)
{
    V sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = bias ? BCAST(bias[r]) : LD(tile + r * PIXELS + v * VL);
    for (size_t k = 0; k < depth; k++, weight += ROWS, panel += PIXELS) {
        V x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = LD(panel + v * VL);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            V w = BCAST(weight[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = FMA(w, x[v], sum[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ST(tile + r * PIXELS + v * VL, sum[r][v]);
}

void CN_KERNEL_NAME(f32_conv)(size_t depth, int32_t width, const float *weight, const float *panel,
                              const float *bias, float *tile)
{
    switch ((width + VL - 1) / VL) {
    case 1:
        multiply(depth, 1, weight, panel, bias, tile);
        break;
    case 2:
        multiply(depth, 2, weight, panel, bias, tile);
        break;
    default:
        multiply(depth, VECTORS, weight, panel, bias, tile);
    }
}
