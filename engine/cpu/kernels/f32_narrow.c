/* The convolution's product for the few pixels that are left over when tiles have been cut: output
 * channels in the lanes, in the order of the packed weights, so that hardly a lane is idle. Each
 * sum has the order of f32_conv's; several blocks of channels at a time keep the adders busy. */
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

/* A short vector may be longer than a block of channels; what it reads of the next k is dropped. */
enum {
    ROWS = f32_conv_ROWS,
    PIXELS = f32_narrow_PIXELS,
    VECTORS = (ROWS + SL - 1) / SL,
    BLOCKS = CN_NARROW_BLOCKS
};

CN_INLINE void multiply(const cn_narrow *n, int blocks, int pixels)
{
    S sum[BLOCKS][VECTORS][PIXELS];
#pragma GCC unroll 8
    for (int b = 0; b < blocks; b++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 4
            for (int p = 0; p < pixels; p++)
                sum[b][v][p] = SLDN(n->bias + b * ROWS + v * SL, ROWS - v * SL);
    const float *panel = n->panel, *weight = n->weight;
    for (size_t k = 0; k < n->depth; k++, panel += n->pitch, weight += ROWS) {
#pragma GCC unroll 8
        for (int b = 0; b < blocks; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                S w = SLDU(weight + (size_t)b * n->depth * ROWS + v * SL);
#pragma GCC unroll 4
                for (int p = 0; p < pixels; p++)
                    sum[b][v][p] = SFMA(w, SBCAST(panel[p]), sum[b][v][p]);
            }
    }
    for (int b = 0; b < blocks; b++)
        for (int v = 0; v < VECTORS; v++)
            for (int p = 0; p < pixels; p++) {
                float lanes[SL];
                SSTU(lanes, sum[b][v][p]);
                for (int l = 0; l < SL && v * SL + l < ROWS; l++)
                    n->tile[(size_t)(b * ROWS + v * SL + l) * n->tile_pitch + p] = lanes[l];
            }
}

/* `most` blocks at a time. */
CN_INLINE void multiply_blocks(const cn_narrow *n, int most, int pixels)
{
    cn_narrow part = *n;
    for (int b = 0; b < n->blocks;) {
        int count = b + most <= n->blocks ? most : 1;
        if (count == most)
            multiply(&part, most, pixels);
        else
            multiply(&part, 1, pixels);
        part.weight += (size_t)count * n->depth * ROWS;
        part.bias += count * ROWS;
        part.tile += (size_t)(count * ROWS) * n->tile_pitch;
        b += count;
    }
}

void CN_KERNEL_NAME(f32_narrow)(const cn_narrow *n)
{
    switch (n->pixels) {
    case 1:
        multiply_blocks(n, BLOCKS / 2, 1);
        break;
    case 2:
        multiply_blocks(n, BLOCKS, 2);
        break;
    case 3:
        multiply_blocks(n, BLOCKS / 2, 3);
        break;
    default:
        multiply_blocks(n, BLOCKS / 2, 4);
    }
}
