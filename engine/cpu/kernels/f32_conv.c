/* The convolution's inner product: output channels x pixels in registers, each panel vector shared
 * by all the channels, each weight broadcast to all the pixels. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_conv_ROWS, PIXELS = f32_conv_PIXELS, VECTORS = PIXELS / VL };

/* Floats by which weights are asked for ahead of their use: they come from far, in order, but the
 * processor's own guesses stop at each page. */
enum { AHEAD = 1024 };

CN_INLINE void multiply(size_t depth, int rows, int vectors, const float *weight,
                        const float *panel, const float *bias, float *tile)
{
    V sum[ROWS][VECTORS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = bias ? BCAST(bias[r]) : LD(tile + r * PIXELS + v * VL);
    for (size_t k = 0; k < depth; k++, weight += ROWS, panel += PIXELS) {
        __builtin_prefetch(weight + AHEAD);
        V x[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            x[v] = LD(panel + v * VL);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            V w = BCAST(weight[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[r][v] = FMA(w, x[v], sum[r][v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ST(tile + r * PIXELS + v * VL, sum[r][v]);
}

CN_INLINE void multiply_rows(size_t depth, int rows, int32_t width, const float *weight,
                             const float *panel, const float *bias, float *tile)
{
    switch ((width + VL - 1) / VL) {
    case 1:
        multiply(depth, rows, 1, weight, panel, bias, tile);
        break;
    case 2:
        multiply(depth, rows, 2, weight, panel, bias, tile);
        break;
    default:
        multiply(depth, rows, VECTORS, weight, panel, bias, tile);
    }
}

void CN_KERNEL_NAME(f32_conv)(size_t depth, int32_t rows, int32_t width, const float *weight,
                              const float *panel, const float *bias, float *tile)
{
    if (rows == ROWS)
        multiply_rows(depth, ROWS, width, weight, panel, bias, tile);
    else
        multiply_rows(depth, ROWS - 1, width, weight, panel, bias, tile);
}
