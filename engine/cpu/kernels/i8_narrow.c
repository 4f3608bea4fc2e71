/* The convolution's product on integers for few pixels: output channels in the lanes, as in
 * f32_narrow.c. A slot of activations meets the slots of all a block's channels. */
#include "cpu/vector/integer.h"

#include "cpu/kernels/kernels.h"

/* A short vector may be longer than a block of channels; what it reads of the next k is dropped. */
enum {
    ROWS = i8_conv_ROWS,
    PIXELS = i8_narrow_PIXELS,
    VECTORS = (ROWS + JL - 1) / JL,
    BLOCKS = CN_NARROW_BLOCKS,
    CHAINS = 4, /* sums of a block by itself, whose additions would wait for each other */
    SLOT = 4
};

CN_INLINE JU broadcast(const float *slot)
{
    int32_t bytes;
    __builtin_memcpy(&bytes, slot, sizeof bytes);
    return JUQ(JBCAST(bytes));
}

CN_INLINE void put(const cn_i8_narrow *n, int row, int p, J sum)
{
    int32_t lanes[JL];
    JSTU(lanes, sum);
    for (int l = 0; l < JL && row % ROWS + l < ROWS; l++)
        n->tile[(size_t)(row + l) * n->tile_pitch + (size_t)p] = n->start[row + l] + lanes[l];
}

CN_INLINE void multiply(const cn_i8_narrow *n, int blocks, int pixels)
{
    J sum[BLOCKS][VECTORS][PIXELS];
#pragma GCC unroll 8
    for (int b = 0; b < blocks; b++)
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++)
#pragma GCC unroll 4
            for (int p = 0; p < pixels; p++)
                sum[b][v][p] = JBCAST(0);
    const float *panel = n->panel;
    const int8_t *weight = n->weight;
    for (size_t k = 0; k < n->depth; k++, panel += n->pitch, weight += ROWS * SLOT) {
        JU x[PIXELS];
#pragma GCC unroll 4
        for (int p = 0; p < pixels; p++)
            x[p] = broadcast(panel + p);
#pragma GCC unroll 8
        for (int b = 0; b < blocks; b++)
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++) {
                const int8_t *at = weight + ((size_t)b * n->depth * ROWS + (size_t)(v * JL)) * SLOT;
                JQ w = JSQ(JLDU(at));
#pragma GCC unroll 4
                for (int p = 0; p < pixels; p++)
                    sum[b][v][p] = JDOT(w, x[p], sum[b][v][p]);
            }
    }
    for (int b = 0; b < blocks; b++)
        for (int v = 0; v < VECTORS; v++)
            for (int p = 0; p < pixels; p++)
                put(n, b * ROWS + v * JL, p, sum[b][v][p]);
}

/* One block with a list of the panel's rows. */
CN_INLINE void multiply_listed(const cn_i8_narrow *n, int pixels)
{
    for (int v = 0; v < VECTORS; v++) {
        J sum[CHAINS][PIXELS];
#pragma GCC unroll 4
        for (int i = 0; i < CHAINS; i++)
#pragma GCC unroll 4
            for (int p = 0; p < pixels; p++)
                sum[i][p] = JBCAST(0);
        for (size_t k = 0; k < n->depth; k += CHAINS)
#pragma GCC unroll 4
            for (int i = 0; i < CHAINS; i++) {
                if (k + (size_t)i >= n->depth) break;
                const float *x = n->panel + (size_t)n->rows[k + (size_t)i] * n->pitch;
                JQ w = JSQ(JLDU(n->weight + ((k + (size_t)i) * ROWS + (size_t)(v * JL)) * SLOT));
#pragma GCC unroll 4
                for (int p = 0; p < pixels; p++)
                    sum[i][p] = JDOT(w, broadcast(x + p), sum[i][p]);
            }
        for (int p = 0; p < pixels; p++)
            put(n, v * JL, p, JADD(JADD(sum[0][p], sum[1][p]), JADD(sum[2][p], sum[3][p])));
    }
}

/* `most` blocks at a time. */
CN_INLINE void multiply_blocks(const cn_i8_narrow *n, int most, int pixels)
{
    cn_i8_narrow part = *n;
    for (int b = 0; b < n->blocks;) {
        int count = b + most <= n->blocks ? most : 1;
        if (count == most)
            multiply(&part, most, pixels);
        else
            multiply(&part, 1, pixels);
        part.weight += (size_t)count * n->depth * ROWS * SLOT;
        part.start += count * ROWS;
        part.tile += (size_t)(count * ROWS) * n->tile_pitch;
        b += count;
    }
}

static void run_listed(const cn_i8_narrow *n)
{
    switch (n->pixels) {
    case 1:
        multiply_listed(n, 1);
        break;
    case 2:
        multiply_listed(n, 2);
        break;
    case 3:
        multiply_listed(n, 3);
        break;
    default:
        multiply_listed(n, 4);
    }
}

void CN_KERNEL_NAME(i8_narrow)(const cn_i8_narrow *n)
{
    if (n->rows) {
        run_listed(n);
        return;
    }
    switch (n->pixels) {
    case 1:
        multiply_blocks(n, BLOCKS, 1);
        break;
    case 2:
        multiply_blocks(n, BLOCKS / 2, 2);
        break;
    case 3:
        multiply_blocks(n, BLOCKS / 2, 3);
        break;
    default:
        multiply_blocks(n, BLOCKS / 2, 4);
    }
}
