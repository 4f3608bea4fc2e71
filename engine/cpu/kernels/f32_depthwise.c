/* Depthwise convolution of one plane, straight from the padded input: a column of output vectors
 * (ROWS of them, one above the other) stays in registers, so that each input vector is loaded once
 * for all the output rows that it belongs to. */
#include "cpu/vector/math.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_depthwise_ROWS };

/* `n` pixels that lie `stride` apart, as a vector. */
CN_INLINE V load(const float *p, ptrdiff_t n, int stride)
{
    if (stride == 1) return LDN(p, n);
    if (stride == 2) return EVEN(LDN(p, 2 * n - 1), LDN(p + VL, 2 * n - 1 - VL));
    float lanes[VL] = {0};
    for (ptrdiff_t i = 0; i < n && i < VL; i++)
        lanes[i] = p[i * stride];
    return LDU(lanes);
}

/* Kept out of line: instances of it in every window's code would be most of that code. */
static __attribute__((noinline)) void store(const cn_depthwise *d, V sum, int32_t y, int32_t x)
{
    if (d->residual) sum = ADD(sum, LDN(d->residual + y * d->residual_row + x, d->w - x));
    STN(d->out + y * d->out_row + x, ACTIVATE(sum, d->activation), d->w - x);
}

/* Output rows y .. y + rows - 1 at columns x .. x + VL - 1 for a window known to the compiler. */
CN_INLINE void column(const cn_depthwise *d, int32_t y, int32_t x, int rows, int kernel, int stride)
{
    V sum[ROWS];
    const float *in = d->in + (ptrdiff_t)y * stride * d->in_row + (ptrdiff_t)x * stride;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        sum[r] = BCAST(d->bias);
#pragma GCC unroll 11
    for (int i = 0; i < (rows - 1) * stride + kernel; i++) {
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++) {
            V pixels = load(in + i * d->in_row + k, d->w - x, stride);
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                int tap = i - r * stride;
                if (tap >= 0 && tap < kernel)
                    sum[r] = FMA(BCAST(d->weight[tap * kernel + k]), pixels, sum[r]);
            }
        }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        store(d, sum[r], y + r, x);
}

CN_INLINE void square(const cn_depthwise *d, int rows, int kernel, int stride)
{
    int32_t y = 0;
    for (; y + rows <= d->h; y += rows)
        for (int32_t x = 0; x < d->w; x += VL)
            column(d, y, x, rows, kernel, stride);
    for (; y < d->h; y++)
        for (int32_t x = 0; x < d->w; x += VL)
            column(d, y, x, 1, kernel, stride);
}

static void any_window(const cn_depthwise *d)
{
    for (int32_t y = 0; y < d->h; y++)
        for (int32_t x = 0; x < d->w; x += VL) {
            V sum = BCAST(d->bias);
            const float *in = d->in + y * d->stride_h * d->in_row + (ptrdiff_t)x * d->stride_w;
            for (int32_t i = 0; i < d->kernel_h; i++)
                for (int32_t k = 0; k < d->kernel_w; k++)
                    sum = FMA(BCAST(d->weight[i * d->kernel_w + k]),
                              load(in + i * d->tap_row + k * d->tap_column, d->w - x, d->stride_w),
                              sum);
            store(d, sum, y, x);
        }
}

void CN_KERNEL_NAME(f32_depthwise)(const cn_depthwise *d)
{
    int square_window = d->kernel_h == d->kernel_w && d->stride_h == d->stride_w &&
                        d->tap_row == d->in_row && d->tap_column == 1;
    int window = square_window ? d->kernel_h * 10 + d->stride_h : 0;
    switch (window) {
    case 31:
        square(d, ROWS, 3, 1);
        break;
    case 32:
        square(d, ROWS, 3, 2);
        break;
    case 51:
        square(d, ROWS / 2, 5, 1);
        break;
    case 52:
        square(d, ROWS / 2, 5, 2);
        break;
    default:
        any_window(d);
    }
}
