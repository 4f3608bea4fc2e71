/* Winograd's minimal filtering F(m x m, r x r) for m = 2, 4, 6 with r = 3 and for m = r = 4 (Lavin
 * and Gray, "Fast algorithms for convolutional neural networks", 2015): the transforms of the input
 * and of the products; the products themselves are the convolution kernel's. There are n = m + r -
 * 1 interpolation points each way: 0, 1, -1 and infinity; of six and more also 2, -2; the seventh
 * is 1/2, the eighth -1/2. Lanes are tiles. */
#include "cpu/vector/interleave.h"
#include "cpu/vector/vector.h"

#include "cpu/kernels/kernels.h"

enum { MOST = 8 }; /* points */

/* c * x + y with a constant c */
CN_INLINE V scaled(float c, V x, V y)
{
    return FMA(BCAST(c), x, y);
}

/* spread of seven. Each row's polynomial is the points' product over one factor; a[i] has the
 * points 1, -1, 2 and -2 in it, b[i] the point 1/2. */
CN_INLINE void spread7(V *d)
{
    V a[3], b[5];
#pragma GCC unroll 3
    for (int i = 0; i < 3; i++)
        a[i] = scaled(-5, d[i + 2], scaled(4, d[i], d[i + 4]));
#pragma GCC unroll 4
    for (int i = 1; i < 5; i++)
        b[i] = scaled(-0.5f, d[i], d[i + 1]);
    V near = scaled(-4, b[1], b[3]), near_up = scaled(-4, b[2], b[4]);
    V far = SUB(b[3], b[1]), far_up = SUB(b[4], b[2]);
    d[0] = scaled(-0.5f, a[0], a[1]);
    d[1] = ADD(near_up, near), d[2] = SUB(near_up, near);
    d[3] = scaled(2, far, far_up), d[4] = scaled(-2, far, far_up);
    d[5] = a[1];
    d[6] = scaled(-0.5f, a[1], a[2]);
}

/* One dimension of the input transform: n vectors, in place. */
CN_INLINE void spread(int n, V *d)
{
    if (n == 7) {
        spread7(d);
    } else if (n == 4) {
        V t0 = SUB(d[0], d[2]), t1 = ADD(d[1], d[2]), t2 = SUB(d[2], d[1]), t3 = SUB(d[1], d[3]);
        d[0] = t0, d[1] = t1, d[2] = t2, d[3] = t3;
    } else if (n == 6) {
        V even = scaled(-4, d[2], d[4]), odd = scaled(-4, d[1], d[3]);
        V wide = SUB(d[4], d[2]), step = MUL(BCAST(2), SUB(d[3], d[1]));
        d[0] = scaled(4, d[0], scaled(-5, d[2], d[4]));
        d[5] = scaled(4, d[1], scaled(-5, d[3], d[5]));
        d[1] = ADD(even, odd), d[2] = SUB(even, odd);
        d[3] = ADD(wide, step), d[4] = SUB(wide, step);
    } else {
        V t0 = scaled(5.25f, SUB(d[4], d[2]), SUB(d[0], d[6]));
        V t7 = scaled(5.25f, SUB(d[3], d[5]), SUB(d[7], d[1]));
        V even1 = scaled(-4.25f, d[4], ADD(d[2], d[6]));
        V odd1 = scaled(-4.25f, d[3], ADD(d[1], d[5]));
        V even2 = scaled(0.25f, d[2], scaled(-1.25f, d[4], d[6]));
        V odd2 = scaled(0.5f, d[1], scaled(-2.5f, d[3], MUL(BCAST(2), d[5])));
        V even3 = scaled(4, scaled(-1.25f, d[4], d[2]), d[6]);
        V odd3 = scaled(2, d[1], scaled(-2.5f, d[3], MUL(BCAST(0.5f), d[5])));
        d[0] = t0, d[7] = t7;
        d[1] = ADD(even1, odd1), d[2] = SUB(even1, odd1);
        d[3] = ADD(even2, odd2), d[4] = SUB(even2, odd2);
        d[5] = ADD(even3, odd3), d[6] = SUB(even3, odd3);
    }
}

/* One dimension of the output transform: n vectors to m. */
CN_INLINE void gather(int m, int n, const V *p, V *y)
{
    V sum1 = ADD(p[1], p[2]), difference1 = SUB(p[1], p[2]);
    if (m == 2) {
        y[0] = ADD(p[0], sum1);
        y[1] = SUB(difference1, p[3]);
        return;
    }
    V sum2 = ADD(p[3], p[4]), difference2 = SUB(p[3], p[4]);
    if (n == 7) {
        y[0] = ADD(ADD(p[0], p[5]), ADD(sum1, sum2));
        y[1] = scaled(0.5f, p[5], scaled(2, difference2, difference1));
        y[2] = scaled(0.25f, p[5], scaled(4, sum2, sum1));
        y[3] = scaled(0.125f, p[5], scaled(8, difference2, ADD(difference1, p[6])));
        return;
    }
    if (m == 4) {
        y[0] = ADD(p[0], ADD(sum1, sum2));
        y[1] = scaled(2, difference2, difference1);
        y[2] = scaled(4, sum2, sum1);
        y[3] = scaled(8, difference2, ADD(difference1, p[5]));
        return;
    }
    V sum3 = ADD(p[5], p[6]), difference3 = SUB(p[5], p[6]);
    y[0] = scaled(32, sum3, ADD(p[0], ADD(sum1, sum2)));
    y[1] = scaled(16, difference3, scaled(2, difference2, difference1));
    y[2] = scaled(8, sum3, scaled(4, sum2, sum1));
    y[3] = scaled(4, difference3, scaled(8, difference2, difference1));
    y[4] = scaled(2, sum3, scaled(16, sum2, sum1));
    y[5] = scaled(32, difference2, ADD(difference1, ADD(difference3, p[7])));
}

/* n pixels, `stride` floats apart, as a vector; zeros after them. Any n, as LDN. */
CN_INLINE V load_strided(const float *p, ptrdiff_t n, int stride)
{
    if (stride == 1) return LDN(p, n);
    ptrdiff_t span = (n - 1) * stride + 1;
    V x = EVEN(LDN(p, span), LDN(p + VL, span - VL));
    if (stride == 2) return x;
    return EVEN(x, EVEN(LDN(p + 2 * VL, span - 2 * VL), LDN(p + 3 * VL, span - 3 * VL)));
}

/* The columns of the piece's pixels in the phase py, px of the stride, transformed along y, into
 * the strip. */
CN_INLINE void down(const cn_winograd_in *w, const cn_winograd_piece *piece, const float *in,
                    int py, int px, int m, int n, int stride)
{
    ptrdiff_t rows = piece->rows - (py > w->last_phase);
    ptrdiff_t columns = piece->columns - (px > w->last_phase);
    in += py * w->row + px;
    for (ptrdiff_t x = 0; x < m * piece->count + n - m; x += VL) {
        V d[MOST];
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) {
            const float *from = in + (i * w->row + x) * stride;
            d[i] = i < rows ? load_strided(from, columns - x, stride) : ZERO();
        }
        spread(n, d);
#pragma GCC unroll 8
        for (int i = 0; i < n; i++)
            ST(w->strip + i * w->strip_pitch + x, d[i]);
    }
}

/* VL tiles of the strip, transformed along x, into the panel. */
CN_INLINE void along(const cn_winograd_in *w, ptrdiff_t first, ptrdiff_t count, float *panel, int m,
                     int n)
{
#pragma GCC unroll 8
    for (int i = 0; i < n; i++) {
        const float *strip = w->strip + i * w->strip_pitch + first * m;
        V x[MOST], d[MOST];
#pragma GCC unroll 6
        for (int k = 0; k < m; k++)
            x[k] = LD(strip + k * VL);
        DEINTERLEAVE(m, x, d);
#pragma GCC unroll 3
        for (int k = 0; k < n - m; k++)
            d[m + k] = SHIFT_IN(d[k], strip[m * VL + k]);
        spread(n, d);
#pragma GCC unroll 8
        for (int j = 0; j < n; j++)
            STN(panel + (size_t)(i * n + j) * w->position, d[j], count);
    }
}

CN_INLINE void transform_in(const cn_winograd_in *w, int m, int n, int stride)
{
    float *panel = w->panel;
    for (int32_t c = 0; c < w->channels; c++)
        for (int phase = 0; phase < stride * stride; phase++, panel += w->pitch)
            for (int32_t s = 0; s < w->piece_count; s++) {
                const cn_winograd_piece *piece = w->pieces + s;
                down(w, piece, w->in + c * w->plane + piece->at, phase / stride, phase % stride, m,
                     n, stride);
                for (ptrdiff_t t = 0; t < piece->count; t += VL)
                    along(w, t, piece->count - t, panel + piece->first + t, m, n);
            }
}

CN_INLINE void transform_strides(const cn_winograd_in *w, int m, int n)
{
    if (w->stride == 1)
        transform_in(w, m, n, 1);
    else if (w->stride == 2)
        transform_in(w, m, n, 2);
    else
        transform_in(w, m, n, 4);
}

void CN_KERNEL_NAME(f32_winograd_in)(const cn_winograd_in *w)
{
    if (w->taps == 4)
        transform_strides(w, 4, 7);
    else if (w->m == 2)
        transform_strides(w, 2, 4);
    else if (w->m == 4)
        transform_strides(w, 4, 6);
    else
        transform_strides(w, 6, 8);
}

CN_INLINE void transform_out(const cn_winograd_out *w, int m, int n)
{
    for (ptrdiff_t t = 0; t < w->tiles; t += VL) {
        V half[MOST][MOST], y[MOST], pixels[MOST];
#pragma GCC unroll 8
        for (int j = 0; j < n; j++) {
            V p[MOST];
#pragma GCC unroll 8
            for (int i = 0; i < n; i++)
                p[i] = LD(w->products + (size_t)(i * n + j) * w->position + t);
            gather(m, n, p, y);
#pragma GCC unroll 6
            for (int i = 0; i < m; i++)
                half[i][j] = y[i];
        }
#pragma GCC unroll 6
        for (int i = 0; i < m; i++) {
            gather(m, n, half[i], y);
#pragma GCC unroll 6
            for (int k = 0; k < m; k++)
                y[k] = ADD(y[k], BCAST(w->bias));
            INTERLEAVE(m, y, pixels);
#pragma GCC unroll 6
            for (int k = 0; k < m; k++)
                ST(w->tile + (size_t)i * w->pitch + m * t + k * VL, pixels[k]);
        }
    }
}

void CN_KERNEL_NAME(f32_winograd_out)(const cn_winograd_out *w)
{
    if (w->taps == 4)
        transform_out(w, 4, 7);
    else if (w->m == 2)
        transform_out(w, 2, 4);
    else if (w->m == 4)
        transform_out(w, 4, 6);
    else
        transform_out(w, 6, 8);
}
