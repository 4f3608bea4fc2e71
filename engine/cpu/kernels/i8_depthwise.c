/* Depthwise convolution on integers, one quad of channels, straight from the plane. A slot of four
 * channels meets each channel's weight alone in a slot of weights, so that a product of slots is
 * one of numbers: as many steps as floats take, on a quarter of the memory. */
#include "cpu/kernels/i8_requantize.h"

enum { SLOT = 4 };

/* n output pixels' slots, `stride` apart. */
CN_INLINE I load(const float *p, ptrdiff_t n, int stride)
{
    if (stride == 1) return AS_I(n >= VL ? LDU(p) : LDN(p, n));
    ptrdiff_t span = (n < VL ? n : VL) * 2 - 1;
    return AS_I(EVEN(LDN(p, span), LDN(p + VL, span - VL)));
}

/* The same for any stride. */
CN_INLINE I gather(const float *p, ptrdiff_t n, ptrdiff_t stride)
{
    float lanes[VL] = {0};
    for (ptrdiff_t i = 0; i < n && i < VL; i++)
        lanes[i] = p[i * stride];
    return AS_I(LDU(lanes));
}

/* Output pixels x .. of row y; a window and a stride of 0 are not constants. */
CN_INLINE void some_pixels(const cn_i8_depthwise *d, int32_t y, int32_t x, int kernel, int stride)
{
    const cn_window *w = d->window;
    int32_t rows = kernel ? kernel : w->kernel_h, columns = kernel ? kernel : w->kernel_w;
    ptrdiff_t left = d->w - x, down = kernel ? d->in_row : d->in_row * w->dilation_h;
    const float *in = d->in + (ptrdiff_t)y * w->stride_h * d->in_row + (ptrdiff_t)x * w->stride_w;
    const int8_t *weight = d->weight;
    I sum[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++)
        sum[k] = IBCAST(d->start[k]);
#pragma GCC unroll 5
    for (int32_t i = 0; i < rows; i++)
#pragma GCC unroll 5
        for (int32_t j = 0; j < columns; j++, weight += 4 * SLOT) {
            const float *at = in + i * down + (kernel ? j : j * w->dilation_w);
            U u = UQ(stride ? load(at, left, stride) : gather(at, left, w->stride_w));
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                int32_t slot;
                __builtin_memcpy(&slot, weight + k * SLOT, sizeof slot);
                sum[k] = DOT(SQ(IBCAST(slot)), u, sum[k]);
            }
        }
    const cn_requantize *to = d->to;
    I other = d->residual ? AS_I(LDN(d->residual + y * d->residual_row + x, left)) : IBCAST(0);
    V v[4];
#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        v[k] = i8_linear(to, k, sum[k], d->residual ? &other : NULL, k);
        v[k] = i8_activate(to, v[k], to->activation);
    }
    STN(d->out + y * d->out_row + x, AS_V(i8_slots(v, ZEROS(to->zero), false)), left);
}

CN_INLINE void plane(const cn_i8_depthwise *d, int kernel, int stride)
{
    for (int32_t y = d->top; y < d->bottom; y++)
        for (int32_t x = 0; x < d->w; x += VL)
            some_pixels(d, y, x, kernel, stride);
}

void CN_KERNEL_NAME(i8_depthwise)(const cn_i8_depthwise *d)
{
    const cn_window *w = d->window;
    bool plain = w->dilation_h == 1 && w->dilation_w == 1;
    int shape = plain && w->kernel_h == w->kernel_w ? w->kernel_w * 10 + w->stride_w : 0;
    switch (shape) {
    case 31:
        plane(d, 3, 1);
        break;
    case 32:
        plane(d, 3, 2);
        break;
    case 51:
        plane(d, 5, 1);
        break;
    case 52:
        plane(d, 5, 2);
        break;
    default:
        plane(d, 0, 0);
    }
}
