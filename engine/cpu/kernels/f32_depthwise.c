/* Depthwise convolution, straight from the padded input: a column of output vectors (ROWS of them,
 * one above the other) stays in registers, so that each input vector is loaded once for all the
 * output rows that it belongs to. Rows that are no longer than a short vector are done in those. */
#include "cpu/vector/math.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { ROWS = f32_depthwise_ROWS };

/* One channel. */
typedef struct plane {
    const float *in, *weight, *residual;
    float *out, bias;
} plane;

CN_INLINE plane plane_of(const cn_depthwise *d, int32_t channel)
{
    return (plane){
        .in = d->in + channel / d->multiplier * d->in_plane,
        .weight = d->weight + (ptrdiff_t)channel * d->kernel_h * d->kernel_w,
        .residual = d->residual ? d->residual + channel * d->residual_plane : NULL,
        .out = d->out + channel * d->out_plane,
        .bias = d->bias[channel],
    };
}

/* The functions are kept out of line: instances of them in every window's code would be most of it.
 */
static __attribute__((noinline)) V curve(V x, cn_activation activation)
{
    return ACTIVATE(x, activation);
}

CN_INLINE V activated(const cn_depthwise *d, V x)
{
    if (d->activation == CN_ACT_NONE) return x;
    if (d->activation == CN_ACT_RELU) return RELU(x);
    if (d->activation == CN_ACT_RELU6) return RELU6(x);
    return curve(x, d->activation);
}

CN_INLINE void store(const cn_depthwise *d, const plane *p, V sum, int32_t y, int32_t x)
{
    if (p->residual) sum = ADD(sum, LDN(p->residual + y * d->residual_row + x, d->w - x));
    STN(p->out + y * d->out_row + x, activated(d, sum), d->w - x);
}

/* The vectors under the `kernel` taps of one kernel row, for the first n of VL output pixels. */
CN_INLINE void load_taps(const float *p, ptrdiff_t n, int kernel, int stride, V *x)
{
    if (stride == 1) {
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
            x[k] = LDN(p + k, n);
        return;
    }
    /* Even and odd pixels serve the first two taps, and moved on by one the next two, and so on. */
    ptrdiff_t span = 2 * (n - 1) + kernel;
    V a = LDN(p, span), b = LDN(p + VL, span - VL);
    x[0] = EVEN(a, b);
    x[1] = ODD(a, b);
#pragma GCC unroll 5
    for (int k = 2; k < kernel; k++) {
        ptrdiff_t next = 2 * VL + k - 2;
        x[k] = SHIFT_IN(x[k - 2], next < span ? p[next] : 0);
    }
}

/* Output rows y .. y + rows - 1 at columns x .. x + VL - 1 for a window known to the compiler. */
CN_INLINE void column(const cn_depthwise *d, const plane *p, int32_t y, int32_t x, int rows,
                      int kernel, int stride)
{
    V sum[ROWS], taps[5];
    const float *in = p->in + (ptrdiff_t)y * stride * d->in_row + (ptrdiff_t)x * stride;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        sum[r] = BCAST(p->bias);
#pragma GCC unroll 11
    for (int i = 0; i < (rows - 1) * stride + kernel; i++) {
        load_taps(in + i * d->in_row, d->w - x, kernel, stride, taps);
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                int tap = i - r * stride;
                if (tap >= 0 && tap < kernel)
                    sum[r] = FMA(BCAST(p->weight[tap * kernel + k]), taps[k], sum[r]);
            }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        store(d, p, sum[r], y + r, x);
}

CN_INLINE void square(const cn_depthwise *d, const plane *p, int rows, int kernel, int stride)
{
    int32_t y = 0;
    for (; y + rows <= d->h; y += rows)
        for (int32_t x = 0; x < d->w; x += VL)
            column(d, p, y, x, rows, kernel, stride);
    for (; rows > 2 && y + 2 <= d->h; y += 2)
        for (int32_t x = 0; x < d->w; x += VL)
            column(d, p, y, x, 2, kernel, stride);
    for (; y < d->h; y++)
        for (int32_t x = 0; x < d->w; x += VL)
            column(d, p, y, x, 1, kernel, stride);
}

/* Output rows y .. y + rows - 1 of a plane that is no wider than a short vector. */
CN_INLINE void short_column(const cn_depthwise *d, const plane *p, int32_t y, int rows, int kernel,
                            int stride)
{
    S sum[ROWS], taps[5];
    const float *in = p->in + (ptrdiff_t)y * stride * d->in_row;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        sum[r] = SBCAST(p->bias);
#pragma GCC unroll 11
    for (int i = 0; i < (rows - 1) * stride + kernel; i++, in += d->in_row) {
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
            taps[k] =
                stride == 1 ? SLDN(in + k, d->w) : SLOW(EVEN(LDN(in + k, 2 * d->w - 1), ZERO()));
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
#pragma GCC unroll 4
            for (int r = 0; r < rows; r++) {
                int tap = i - r * stride;
                if (tap >= 0 && tap < kernel)
                    sum[r] = SFMA(SBCAST(p->weight[tap * kernel + k]), taps[k], sum[r]);
            }
    }
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        store(d, p, SWIDE(sum[r]), y + r, 0);
}

CN_INLINE void short_rows(const cn_depthwise *d, const plane *p, int rows, int kernel, int stride)
{
    int32_t y = 0;
    for (; y + rows <= d->h; y += rows)
        short_column(d, p, y, rows, kernel, stride);
    for (; y < d->h; y++)
        short_column(d, p, y, 1, kernel, stride);
}

static void any_window(const cn_depthwise *d, const plane *p)
{
    for (int32_t y = 0; y < d->h; y++)
        for (int32_t x = 0; x < d->w; x += VL) {
            float lanes[VL] = {0};
            const float *in = p->in + y * d->stride_h * d->in_row + (ptrdiff_t)x * d->stride_w;
            V sum = BCAST(p->bias);
            for (int32_t i = 0; i < d->kernel_h; i++)
                for (int32_t k = 0; k < d->kernel_w; k++) {
                    const float *tap = in + i * d->tap_row + k * d->tap_column;
                    for (int32_t l = 0; l < VL && l < d->w - x; l++)
                        lanes[l] = tap[l * d->stride_w];
                    sum = FMA(BCAST(p->weight[i * d->kernel_w + k]), LDU(lanes), sum);
                }
            store(d, p, sum, y, x);
        }
}

CN_INLINE void planes(const cn_depthwise *d, int kernel, int stride)
{
    int rows = kernel == 3 ? ROWS : ROWS / 2;
    for (int32_t c = d->first; c < d->first + d->planes; c++) {
        plane p = plane_of(d, c);
        if ((int)SL < (int)VL && d->w <= SL)
            short_rows(d, &p, rows, kernel, stride);
        else
            square(d, &p, rows, kernel, stride);
    }
}

void CN_KERNEL_NAME(f32_depthwise)(const cn_depthwise *d)
{
    int square_window = d->kernel_h == d->kernel_w && d->stride_h == d->stride_w &&
                        d->tap_row == d->in_row && d->tap_column == 1;
    switch (square_window ? d->kernel_h * 10 + d->stride_h : 0) {
    case 31:
        planes(d, 3, 1);
        break;
    case 32:
        planes(d, 3, 2);
        break;
    case 51:
        planes(d, 5, 1);
        break;
    case 52:
        planes(d, 5, 2);
        break;
    default:
        for (int32_t c = d->first; c < d->first + d->planes; c++) {
            plane p = plane_of(d, c);
            any_window(d, &p);
        }
    }
}
