/* Depthwise convolution, straight from the planes: a column of output vectors (ROWS of them,
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
        .weight = d->weight + (ptrdiff_t)channel * d->window->kernel_h * d->window->kernel_w,
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

/* What a vector of output pixels reads of a row: for each tap the lanes that lie in the plane. With
 * stride 2, where even and odd pixels of two vectors serve the taps in turn, the lanes of these two
 * and where what is in the plane and for a tap begins and ends. The same for all rows and planes.
 */
typedef struct edge {
    M lanes[5];
    ptrdiff_t begin, end;
} edge;

CN_INLINE bool is_short(const cn_depthwise *d)
{
    return (int)SL < (int)VL && d->w <= SL;
}

CN_INLINE edge edge_of(const cn_depthwise *d, int32_t x, int kernel, int stride)
{
    ptrdiff_t left = (ptrdiff_t)x * stride - d->window->pad_left, high = d->in_w - left;
    ptrdiff_t n = d->w - x < VL ? d->w - x : VL, span = stride * (n - 1) + 1;
    bool pairs = stride == 2 && !is_short(d);
    edge e = {.begin = -left, .end = high < span + kernel - 1 ? high : span + kernel - 1};
    for (int k = 0; k < kernel; k++)
        e.lanes[k] = pairs ? LANES(-left - k * VL, e.end - k * VL)
                           : LANES(-left - k, high - k < span ? high - k : span);
    return e;
}

/* The vectors under the `kernel` taps of one kernel row; p: the pixel under the first tap of the
 * first output pixel. */
CN_INLINE void load_taps(const float *p, const edge *e, int kernel, int stride, V *x)
{
    if (stride == 1) {
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
            x[k] = LDW(p + k, e->lanes[k]);
        return;
    }
    /* Even and odd pixels serve the first two taps, and moved on by one the next two, and so on. */
    V a = LDW(p, e->lanes[0]), b = LDW(p + VL, e->lanes[1]);
    x[0] = EVEN(a, b);
    x[1] = ODD(a, b);
#pragma GCC unroll 5
    for (int k = 2; k < kernel; k++) {
        ptrdiff_t next = 2 * VL + k - 2;
        x[k] = SHIFT_IN(x[k - 2], next >= e->begin && next < e->end ? p[next] : 0);
    }
}

static const float zeros[2 * VL + 8];

/* Row y of the plane, or zeros where there is no such row: without a branch. */
CN_INLINE const float *row_of(const cn_depthwise *d, const float *row, int32_t y)
{
    return (uint32_t)y < (uint32_t)d->in_h ? row : zeros;
}

/* Output rows y .. y + rows - 1 at columns x .. x + VL - 1 for a window known to the compiler. */
CN_INLINE void column(const cn_depthwise *d, const plane *p, const edge *e, int32_t y, int32_t x,
                      int rows, int kernel, int stride)
{
    V sum[ROWS], taps[5];
    ptrdiff_t left = (ptrdiff_t)x * stride - d->window->pad_left;
    int32_t top = y * stride - d->window->pad_top;
    const float *in = p->in + top * d->in_row + left;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        sum[r] = BCAST(p->bias);
#pragma GCC unroll 11
    for (int i = 0; i < (rows - 1) * stride + kernel; i++) {
        load_taps(row_of(d, in + i * d->in_row, top + i), e, kernel, stride, taps);
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

/* The same for a plane that is no wider than a short vector. */
CN_INLINE void short_column(const cn_depthwise *d, const plane *p, const edge *e, int32_t y,
                            int rows, int kernel, int stride)
{
    S sum[ROWS], taps[5];
    int32_t top = y * stride - d->window->pad_top;
    const float *in = p->in + top * d->in_row - d->window->pad_left;
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
        sum[r] = SBCAST(p->bias);
#pragma GCC unroll 11
    for (int i = 0; i < (rows - 1) * stride + kernel; i++) {
        const float *row = row_of(d, in + i * d->in_row, top + i);
#pragma GCC unroll 5
        for (int k = 0; k < kernel; k++)
            taps[k] = stride == 1 ? SLDW(row + k, e->lanes[k])
                                  : SLOW(EVEN(LDW(row + k, e->lanes[k]), ZERO()));
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

enum { EDGES = 32 }; /* vectors of a row whose edges are kept */

CN_INLINE void some_rows(const cn_depthwise *d, const plane *p, const edge *edges, int32_t y,
                         int rows, int kernel, int stride)
{
    if (is_short(d)) {
        short_column(d, p, edges, y, rows, kernel, stride);
        return;
    }
    for (int32_t x = 0; x < d->w; x += VL) {
        edge other;
        if (x >= EDGES * VL) other = edge_of(d, x, kernel, stride);
        column(d, p, x < EDGES * VL ? edges + x / VL : &other, y, x, rows, kernel, stride);
    }
}

CN_INLINE void planes(const cn_depthwise *d, int kernel, int stride)
{
    int rows = kernel == 3 ? ROWS : ROWS / 2;
    edge edges[EDGES];
    for (int32_t x = 0; x < d->w && x < EDGES * VL; x += VL)
        edges[x / VL] = edge_of(d, x, kernel, stride);
    for (int32_t c = d->first; c < d->first + d->planes; c++) {
        plane p = plane_of(d, c);
        int32_t y = d->top;
        for (; y + rows <= d->bottom; y += rows)
            some_rows(d, &p, edges, y, rows, kernel, stride);
        for (; rows > 2 && y + 2 <= d->bottom; y += 2)
            some_rows(d, &p, edges, y, 2, kernel, stride);
        for (; y < d->bottom; y++)
            some_rows(d, &p, edges, y, 1, kernel, stride);
    }
}

void CN_KERNEL_NAME(f32_depthwise)(const cn_depthwise *d)
{
    switch (d->window->kernel_h * 10 + d->window->stride_h) {
    case 31:
        planes(d, 3, 1);
        break;
    case 32:
        planes(d, 3, 2);
        break;
    case 51:
        planes(d, 5, 1);
        break;
    default:
        planes(d, 5, 2);
    }
}
