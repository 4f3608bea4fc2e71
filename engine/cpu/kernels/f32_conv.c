/* The convolution's inner product: output channels x pixels in registers, each panel vector shared
 * by all the channels, each weight broadcast to all the pixels. */
#include "cpu/kernels/pack.h"
#include "cpu/kernels/store.h"

enum { ROWS = f32_conv_ROWS, PIXELS = f32_conv_PIXELS, VECTORS = PIXELS / VL };

/* Floats by which weights are asked for ahead of their use: they come from far, in order, but the
 * processor's own guesses stop at each page. */
enum { AHEAD = 1024 };

/* `stride`: of the planes that the panel is packed from; 0: it is packed. */
CN_INLINE void multiply(const cn_conv_block *b, int vectors, int stride)
{
    sums sum;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[r][v] = BCAST(b->bias[r]);
    packing planes;
    if (stride) pack_ahead(&planes, b->pack, b->panel, b->depth, stride);
    const float *weight = b->weight, *panel = b->panel;
    for (size_t k = 0; k < b->depth; k++, weight += ROWS, panel += PIXELS) {
        if (stride && k + PACK_AHEAD < b->depth) pack_row(&planes, stride);
        __builtin_prefetch(weight + AHEAD);
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
    if (b->store && b->store->whole) {
        store_whole(b->store, 0, ROWS, vectors, false, sum);
        return;
    }
    if (b->store) {
        store_pieces(b->store, 0, ROWS, vectors, false, sum);
        return;
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            ST(b->tile + r * PIXELS + v * VL, sum[r][v]);
}

CN_INLINE void multiply_width(const cn_conv_block *b, int stride)
{
    switch ((b->width + VL - 1) / VL) {
    case 1:
        multiply(b, 1, stride);
        break;
    case 2:
        multiply(b, 2, stride);
        break;
    default:
        multiply(b, VECTORS, stride);
    }
}

void CN_KERNEL_NAME(f32_conv)(const cn_conv_block *b)
{
    if (!b->pack)
        multiply_width(b, 0);
    else if (b->pack->stride == 1)
        multiply_width(b, 1);
    else
        multiply_width(b, 2);
}
