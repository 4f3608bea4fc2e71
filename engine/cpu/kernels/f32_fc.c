/* Fully connected: dot products along the packed weights, which stream through once; each weight
 * vector is used for all the images of the tile. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_fc_ROWS, IMAGES = f32_fc_PIXELS };

CN_INLINE void multiply(size_t depth, int images, const float *weight, const float *in,
                        size_t in_pitch, const float *bias, float *tile, size_t tile_pitch)
{
    V sum[ROWS][IMAGES];
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int i = 0; i < images; i++)
            sum[r][i] = ZERO();
    for (size_t k = 0; k < depth; k += VL, weight += ROWS * VL) {
        V x[IMAGES];
#pragma GCC unroll 4
        for (int i = 0; i < images; i++)
            x[i] = LD(in + (size_t)i * in_pitch + k);
#pragma GCC unroll 4
        for (int r = 0; r < ROWS; r++) {
            V w = LD(weight + r * VL);
#pragma GCC unroll 4
            for (int i = 0; i < images; i++)
                sum[r][i] = FMA(w, x[i], sum[r][i]);
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int i = 0; i < images; i++)
            tile[(size_t)r * tile_pitch + (size_t)i] = bias[r] + HSUM(sum[r][i]);
}

void CN_KERNEL_NAME(f32_fc)(size_t depth, int32_t images, const float *weight, const float *in,
                            size_t in_pitch, const float *bias, float *tile, size_t tile_pitch)
{
    for (; images >= IMAGES; images -= IMAGES, in += IMAGES * in_pitch, tile += IMAGES)
        multiply(depth, IMAGES, weight, in, in_pitch, bias, tile, tile_pitch);
    for (; images > 0; images--, in += in_pitch, tile++)
        multiply(depth, 1, weight, in, in_pitch, bias, tile, tile_pitch);
}
