/* Convolution on integers straight from the planes: output channels in the lanes, successive pixels
 * of one row of the output in registers, each slot of activations broadcast to all the channels.
 * Nothing is packed, and taps that see only padding are left out. */
#include "cpu/kernels/i8_requantize.h"

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

/* `slots` has pixel k of channel row + l as byte k of lane l; in the planes a pixel's slot has four
 * channels. */
CN_INLINE void put(const cn_i8_direct *d, int row, int pixel, int count, I slots)
{
    int32_t quads = d->rows - row / 4;
    float *out = d->out + row / 4 * d->out_plane + pixel;
#ifdef PUT_TURNED
    PUT_TURNED(out, d->out_plane, quads, count, slots);
#else
    uint8_t bytes[VL * SLOT];
    ISTU(bytes, slots);
    for (int r = row % 4; r < row % 4 + VL && r / 4 < quads; r++)
        for (int k = 0; k < count; k++)
            ((uint8_t *)(out + r / 4 * d->out_plane + k))[r % 4] = bytes[(r - row % 4) * SLOT + k];
#endif
}

/* The residual's, the same way. */
CN_INLINE I get(const cn_i8_direct *d, int row, int pixel, int count)
{
    int32_t quads = d->rows - row / 4;
    const float *in = d->residual + row / 4 * d->residual_plane + pixel;
#ifdef GET_TURNED
    return GET_TURNED(in, d->residual_plane, quads, count);
#else
    uint8_t bytes[VL * SLOT] = {0};
    for (int r = row % 4; r < row % 4 + VL && r / 4 < quads; r++)
        for (int k = 0; k < count; k++)
            bytes[(r - row % 4) * SLOT + k] =
                ((const uint8_t *)(in + r / 4 * d->residual_plane + k))[r % 4];
    return ILDU(bytes);
#endif
}

/* The levels of VL channels from `row` on, four pixels at a time. Saturation is all of the
 * activation. */
CN_INLINE void store(const cn_i8_direct *d, int row, int count, I sum[PIXELS][VECTORS])
{
    const cn_requantize *to = d->to;
    V factor = LDU(to->factor + row), bias = LDU(to->bias + row);
    V residual_factor = BCAST(to->residual_factor);
    I zeros = ZEROS(to->zero);
#pragma GCC unroll 4
    for (int p = 0; p < count; p += 4) {
        int some = count - p < 4 ? count - p : 4;
        V x[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++)
            x[k] = FUSED(TO_FLOAT(sum[k < some ? p + k : p][row / VL]), factor, bias);
        if (d->residual) {
            I other = get(d, row, p, some);
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++)
                x[k] = FUSED(TO_FLOAT(BYTE(other, k)), residual_factor, x[k]);
        }
        put(d, row, p, some, i8_slots(x, zeros, true));
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
