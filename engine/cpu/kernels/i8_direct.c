/* Convolution on integers straight from the planes: output channels in the lanes, successive pixels
 * of one row of the output in registers, each slot of activations broadcast to all the channels.
 * Nothing is packed, and taps that see only padding are left out. */
#include "cpu/kernels/i8_lanes.h"

enum {
    ROWS = i8_direct_ROWS,
    PIXELS = i8_direct_PIXELS,
    LEAST = CN_DIRECT_LEAST(PIXELS),
    VECTORS = ROWS / VL,
    SLOT = 4
};

/* Bytes by which weights are asked for ahead of their use: see f32_conv.c. */
enum { AHEAD = 4096, LINE = 64 };

/* The products of one tap, of pixels `first` .. `end` - 1. */
CN_INLINE void add_tap(const cn_i8_direct *d, const float *in, const int8_t *weight, int stride,
                       int first, int end, I sum[PIXELS][VECTORS])
{
    ptrdiff_t plane = d->plane;
    for (int32_t q = d->quads; q > 0; q--, in += plane, weight += ROWS * SLOT) {
        Q w[VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < VECTORS; v++) {
            __builtin_prefetch(weight + AHEAD + v * VL * SLOT);
            w[v] = SQ(ILDU(weight + v * VL * SLOT));
        }
#pragma GCC unroll 16
        for (int p = first; p < end; p++) {
            int32_t slot;
            __builtin_memcpy(&slot, in + p * stride, sizeof slot);
            U x = UQ(IBCAST(slot));
#pragma GCC unroll 4
            for (int v = 0; v < VECTORS; v++)
                sum[p][v] = DOT(w[v], x, sum[p][v]);
        }
    }
}

CN_INLINE void store(const cn_i8_direct *d, int row, int count, I sum[PIXELS][VECTORS])
{
    const i8_place place = {d->out, d->residual, d->out_plane, d->residual_plane, d->rows};
#pragma GCC unroll 4
    for (int p = 0; p < count; p += 4) {
        int some = count - p < 4 ? count - p : 4;
        I four[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            four[k] = sum[k < some ? p + k : p][row / VL];
        i8_store(&place, d->to, row, p, p, some, four);
    }
}

CN_INLINE void multiply(const cn_i8_direct *d, int stride, int count)
{
    I sum[PIXELS][VECTORS];
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++) {
        I start = ILDU(d->start + v * VL);
#pragma GCC unroll 16
        for (int p = 0; p < count; p++)
            sum[p][v] = start;
    }
    size_t tap = (size_t)d->quads * ROWS * SLOT;
    const int8_t *ahead = d->ahead;
    for (int32_t i = d->top; i < d->bottom; i++)
        for (int32_t j = 0; j < d->kernel_w; j++) {
            const float *in = d->in + i * d->row + j * d->column;
            const int8_t *weight = d->weight + (size_t)(i * d->kernel_w + j) * tap;
            for (int32_t line = 0; line < d->ahead_lines; line++, ahead += LINE)
                __builtin_prefetch(ahead, 0, 2);
            if (j < d->left)
                add_tap(d, in, weight, stride, 1, count, sum);
            else if (j >= d->right)
                add_tap(d, in, weight, stride, 0, count - 1, sum);
            else
                add_tap(d, in, weight, stride, 0, count, sum);
        }
#pragma GCC unroll 4
    for (int v = 0; v < VECTORS; v++)
        if (v * VL / 4 < d->rows) store(d, v * VL, count, sum);
}

#define CASE(stride, count)                                                                        \
    case count:                                                                                    \
        if ((count) >= LEAST && (count) <= PIXELS) multiply(d, stride, count);                     \
        break;

/* A constant number of pixels, so that sums are in registers. */
_Static_assert(PIXELS <= 14, "a run needs its case");
CN_INLINE void multiply_pixels(const cn_i8_direct *d, int stride)
{
    switch (d->pixels) {
        CASE(stride, 1)
        CASE(stride, 2)
        CASE(stride, 3)
        CASE(stride, 4)
        CASE(stride, 5)
        CASE(stride, 6)
        CASE(stride, 7)
        CASE(stride, 8)
        CASE(stride, 9)
        CASE(stride, 10)
        CASE(stride, 11)
        CASE(stride, 12)
        CASE(stride, 13)
        CASE(stride, 14)
    }
}

void CN_KERNEL_NAME(i8_direct)(const cn_i8_direct *d)
{
    if (d->stride == 2)
        multiply_pixels(d, 2);
    else
        multiply_pixels(d, 1);
}
